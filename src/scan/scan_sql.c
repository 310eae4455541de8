/*
 * scan_sql.c
 *		The planner support function of transition functions.
 *
 * It does nothing but be there: the planner asks it what a transition function costs before it plans the aggregation,
 * which loads this library, and with it the batch scan, in the first query of a connection.
 */
#include "retention.h"

#include "scan/scan.h"

/* retention_batch_support(internal) -> internal */
RETENTION_FUNCTION(retention_batch_support);
Datum
retention_batch_support(PG_FUNCTION_ARGS)
{
	/* No request is answered: the server does what it would do without. */
	PG_RETURN_POINTER(NULL);
}
