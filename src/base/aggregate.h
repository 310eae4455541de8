/*
 * aggregate.h
 *		What transition, combine and final functions begin with.
 */
#ifndef RETENTION_AGGREGATE_H
#define RETENTION_AGGREGATE_H

#include "base/wire.h"

/*
 * The memory context of the states of the running aggregate. Raises an error if the function was not called by an
 * aggregate: transition and combine functions change their first argument in place.
 */
extern MemoryContext aggregate_context(FunctionCallInfo fcinfo);

/*
 * Argument 0, which is not NULL, if it may be changed in place, else NULL. Then it must be read like any other
 * argument, and the new state is a copy.
 *
 * As argument 0 the executor passes only copies of its own. But in an aggregate that a user made, a copy may be of
 * any value of the type: one from a table (compressed, out of line, with a short header, written by another version)
 * or from another function. So this checks that it has the plain, aligned header and the marks that our functions
 * return. Whether the sizes written in it are those of its memory is for the caller to check, who knows them. The
 * memory context of the pointer cannot be asked for: that would crash if no allocation begins there.
 */
extern void *aggregate_own_state(FunctionCallInfo fcinfo, WireKind kind, int version, Size least);

/*
 * A random number of this process, never 0. Some states may be changed in place only if all of their contents are
 * right, and are too large to be checked for each row. They carry this number while they run: then functions of this
 * process wrote them, and these check what they read.
 */
extern uint32 aggregate_process_mark(void);

/* A row that is ignored leaves the state as it was, be it NULL. */
#define RETURN_STATE_UNCHANGED()                                                                   \
	do                                                                                             \
	{                                                                                              \
		if (PG_ARGISNULL(0))                                                                       \
			PG_RETURN_NULL();                                                                      \
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));                                                       \
	} while (0)

#endif /* RETENTION_AGGREGATE_H */
