/*
 * aggregate.h
 *		The prologue of aggregate functions.
 */
#ifndef RETENTION_AGGREGATE_H
#define RETENTION_AGGREGATE_H

/*
 * The memory context that states of the running aggregate live in. Raises an error where the function was called
 * outside an aggregate: transition and combine functions change their first argument in place.
 */
extern MemoryContext aggregate_context(FunctionCallInfo fcinfo);

#endif /* RETENTION_AGGREGATE_H */
