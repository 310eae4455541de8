/*
 * aggregate.c
 *		The prologue of aggregate functions.
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
