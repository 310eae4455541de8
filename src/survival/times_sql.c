/*
 * times_sql.c
 *		What the SQL functions of all states that are tables of times share.
 */
#include "retention.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/check.h"
#include "base/text_sql.h"
#include "catalog/pg_type.h"
#include "survival/times_sql.h"
#include "time/civil.h"
#include "utils/array.h"
#include "utils/builtins.h"

void
times_type_describe(Datum value, StringInfo out, WireKind kind)
{
	const TimeTable *table = times_open(value, kind);
	int64 customers = 0;

	if (kind == WIRE_SURVIVAL_DRIVERS)
	{
		/* Every attribute has all customers. */
		describe_count(out, table->base.items, "attribute value");
		return;
	}
	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		customers += slot->rows[TIME_CHURNED] + slot->rows[TIME_CENSORED];
	}
	describe_count(out, customers, "customer");
}

Datum
times_finish(FunctionCallInfo fcinfo, WireKind kind)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(times_open(PG_GETARG_DATUM(0), kind));
}

double
check_time(double value, const char *what)
{
	if (!(isfinite(value) && value >= 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be finite and not negative, not %g", what, value)));
	return value + 0.0;
}

double
check_weight(double weight)
{
	if (!(weight >= 0 && weight <= WEIGHT_MOST))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weight must lie between 0 and %.0f, not %.15g", WEIGHT_MOST, weight)));
	return weight;
}

int64
finite_moment(TimeKind kind, Datum value, const char *what)
{
	int64 moment = moment_of_datum(kind, value);

	if (!moment_is_valid(kind, moment))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be finite", what)));
	return moment;
}

int64
as_of_argument(TimeKind kind, Datum value, bool isnull)
{
	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("as_of must not be null")));
	return finite_moment(kind, value, "as_of");
}

double
whole_days(TimeKind kind, int64 from, int64 until, bool left)
{
	int64 days;
	int64 rest;

	if (kind == TIME_DATE)
		return (double) (until - from);
	if (kind == TIME_INSTANT)
	{
		Zone *zone = zone_of_session();

		from = zone_local(zone, from);
		until = zone_local(zone, until);
	}
	/* By days: timestamps span more than an int64. */
	days = floor_divide(until, USECS_PER_DAY) - floor_divide(from, USECS_PER_DAY);
	rest = (until - floor_divide(until, USECS_PER_DAY) * USECS_PER_DAY) -
		   (from - floor_divide(from, USECS_PER_DAY) * USECS_PER_DAY);
	days += left ? rest > 0 : -(rest < 0);
	/* A clock that is put back may show the end before the start. */
	return (double) Max(days, left ? 1 : 0);
}

Tag
tag_argument(FunctionCallInfo fcinfo, int number, bool any)
{
	text *value;

	if (PG_ARGISNULL(number))
		return (Tag){NULL, -1};
	value = any ? value_text_argument(fcinfo, number) : PG_GETARG_TEXT_PP(number);
	return (Tag){VARDATA_ANY(value), (int) VARSIZE_ANY_EXHDR(value)};
}

char *
text_argument(FunctionCallInfo fcinfo, int number)
{
	return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

double *
times_argument(FunctionCallInfo fcinfo, int number, int *asked)
{
	Datum *elements;
	bool *unknown;
	double *times;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(number), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, &unknown, asked);
	times = palloc(sizeof(double) * Max(*asked, 1));
	for (int i = 0; i < *asked; i++)
	{
		if (unknown[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("times must not contain nulls")));
		times[i] = check_time(DatumGetFloat8(elements[i]), "time");
	}
	return times;
}
