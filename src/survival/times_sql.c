/*
 * times_sql.c
 *		What the doors of all states made of times share.
 */
#include "retention.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/text_sql.h"
#include "catalog/pg_type.h"
#include "survival/times_sql.h"
#include "utils/array.h"
#include "utils/builtins.h"

TimeTable *
times_own(FunctionCallInfo fcinfo, WireKind kind)
{
	TimeTable *table;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		return NULL;
	table = aggregate_own_state(fcinfo, kind, TIMES_VERSION, sizeof(TimeTable));
	if (likely(table != NULL && table->form == TIME_HASHED &&
			   table->maker == aggregate_process_mark()))
		return table;
	return times_thaw(times_open_sorted(PG_GETARG_DATUM(0), kind));
}

Datum
times_combine(FunctionCallInfo fcinfo, WireKind kind)
{
	TimeTable *table = times_own(fcinfo, kind);
	const TimeTable *other;

	if (PG_ARGISNULL(1))
	{
		if (table == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(table);
	}
	other = times_open(PG_GETARG_DATUM(1), kind);
	if (table == NULL)
		PG_RETURN_POINTER(times_thaw(other));
	times_merge(&table, other);
	PG_RETURN_POINTER(table);
}

Datum
times_finish(FunctionCallInfo fcinfo, WireKind kind)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(times_open_sorted(PG_GETARG_DATUM(0), kind));
}

void *
times_type_read(const char *bytes, Size size, WireKind kind)
{
	return times_read(bytes, size, kind);
}

void
times_type_write(Datum value, StringInfo out, WireKind kind)
{
	times_write(times_open_sorted(value, kind), out);
}

double
check_time(double value, const char *what)
{
	if (!(isfinite(value) && value >= 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be finite and not negative, not %g", what, value)));
	return value + 0.0;
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
							errmsg("an asked time must not be null")));
		times[i] = check_time(DatumGetFloat8(elements[i]), "time");
	}
	return times;
}
