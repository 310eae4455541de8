/*
 * aggregate.h
 *		The prologue of aggregate functions.
 */
#ifndef RETENTION_AGGREGATE_H
#define RETENTION_AGGREGATE_H

#include "base/wire.h"

/*
 * The memory context that states of the running aggregate live in. Raises an error where the function was called
 * outside an aggregate: transition and combine functions change their first argument in place.
 */
extern MemoryContext aggregate_context(FunctionCallInfo fcinfo);

/*
 * Argument 0, which is not NULL, where it may be changed in place; else NULL: it has to be read like any other argument,
 * and what is made of it is a copy.
 *
 * The executor gives a transition or combine function nothing as argument 0 but a copy of its own. What it copied,
 * though, may be any value of the type: in an aggregate that a user made, one from a table (compressed, out of line, with
 * a short header, written by another version) or from another function. So this asks for the plain header of what
 * such a function returns, aligned, with the marks of its kind and layout. That the sizes written in it are those of its
 * memory is left to the caller, who knows them. The memory context of the pointer is not asked for: to ask that of a
 * pointer at which no allocation begins would be a crash itself.
 */
extern void *aggregate_own_state(FunctionCallInfo fcinfo, WireKind kind, int version, Size least);

/*
 * A number of this process, never 0 and not to be guessed. A state that can only be changed in place when all of its
 * contents are right, and is too large to be checked for each row, carries it while it runs: then it was written by
 * functions of this process, which check what they read.
 */
extern uint32 aggregate_process_mark(void);

#endif /* RETENTION_AGGREGATE_H */
