/*
 * aggregate.c
 *		What transition, combine and final functions begin with.
 */
#include "retention.h"

#include "base/aggregate.h"

MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("this function can only be called by its aggregate")));
	return context;
}

void *
aggregate_own_state(FunctionCallInfo fcinfo, WireKind kind, int version, Size least)
{
	void *state = PG_GETARG_POINTER(0);

	(void) aggregate_context(fcinfo);
	if (!VARATT_IS_4B_U(state) || (uintptr_t) state % MAXIMUM_ALIGNOF != 0 ||
		VARSIZE(state) < least || !flat_is(state, kind, version))
		return NULL;
	return state;
}

uint32
aggregate_process_mark(void)
{
	static uint32 mark = 0;

	while (unlikely(mark == 0))
		if (!pg_strong_random(&mark, sizeof(mark)))
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
							errmsg("could not generate a random number")));
	return mark;
}
