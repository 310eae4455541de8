/*
 * retention.c
 *		Module start.
 */
#include "retention.h"

#include "cohort/cohort_batch.h"
#include "flow/flow_batch.h"
#include "population/population_events.h"
#include "revenue/revenue_batch.h"
#include "scan/scan.h"
#include "survival/survival_batch.h"
#include "utils/builtins.h"
#include "value/value_batch.h"

RETENTION_SEEN_BEGIN
PG_MODULE_MAGIC;
extern void _PG_init(void);
RETENTION_SEEN_END

void
_PG_init(void)
{
	cohort_start();
	cohort_rate_start();
	flow_start();
	revenue_start();
	survival_start();
	value_start();
	cohort_value_start();
	population_events_start();
	scan_start();
}

/* retention_version() -> text: the version of the library that is loaded. */
RETENTION_FUNCTION(retention_version);
Datum
retention_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(RETENTION_VERSION));
}
