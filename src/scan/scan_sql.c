/*
 * scan_sql.c
 *		The planner support function of transition functions.
 *
 * The planner calls it for the cost of a transition function before it plans the aggregation. That loads this library,
 * and with it the batch scan, in the first query of a connection; the function has no other purpose.
 */
#include "retention.h"

#include "scan/scan.h"

/* retention_batch_support(internal) -> internal */
RETENTION_FUNCTION(retention_batch_support);
Datum
retention_batch_support(PG_FUNCTION_ARGS)
{
	/* No request is answered: the server uses its defaults. */
	PG_RETURN_POINTER(NULL);
}
