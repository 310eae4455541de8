/*
 * landmark_sql.c
 *		Landmarks: what was known some time after the start, and how long customers stayed from then on.
 *
 * "Customers who upgraded within three months stay longer" must not count the months they had to stay to upgrade: J.
 * R. Anderson, K. C. Cain and R. D. Gelber, "Analysis of survival by tumor response", J. Clin. Oncol. 1 (1983)
 * 710-719. Only those still there at the landmark are compared, by what was known then, and time counts from there.
 */
#include "retention.h"

#include "survival/times_sql.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

RETENTION_FUNCTION(landmark_duration);
Datum
landmark_duration(PG_FUNCTION_ARGS)
{
	double duration = check_time(PG_GETARG_FLOAT8(0), "duration");
	double landmark = check_time(PG_GETARG_FLOAT8(1), "landmark");

	if (duration <= landmark)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(duration - landmark);
}

/* The day of the landmark after a start, as `(started + landmark)::date` of SQL. */
static DateADT
landmark_day(DateADT started, Interval *landmark)
{
	Datum at = DirectFunctionCall2(date_pl_interval, DateADTGetDatum(started),
								   IntervalPGetDatum(landmark));
	DateADT day = DatumGetDateADT(DirectFunctionCall1(timestamp_date, at));

	if (DATE_NOT_FINITE(started) || DATE_NOT_FINITE(day))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("started must be finite")));
	if (day < started)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a landmark must not lie before the start")));
	return day;
}

RETENTION_FUNCTION(landmark_start);
Datum
landmark_start(PG_FUNCTION_ARGS)
{
	DateADT day;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	day = landmark_day(PG_GETARG_DATEADT(0), PG_GETARG_INTERVAL_P(2));
	if (!PG_ARGISNULL(1) && PG_GETARG_DATEADT(1) <= day)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(day);
}

RETENTION_FUNCTION(landmark_known);
Datum
landmark_known(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(check_time(PG_GETARG_FLOAT8(0), "happened") <=
				   check_time(PG_GETARG_FLOAT8(1), "landmark"));
}

RETENTION_FUNCTION(known_at_landmark_date);
Datum
known_at_landmark_date(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(PG_GETARG_DATEADT(0) <=
				   landmark_day(PG_GETARG_DATEADT(1), PG_GETARG_INTERVAL_P(2)));
}
