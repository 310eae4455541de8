/*
 * logrank_sql.c
 *		logrank_test(), as SQL calls it.
 */
#include "retention.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/check.h"
#include "catalog/pg_type.h"
#include "math/quantile.h"
#include "survival/logrank.h"
#include "survival/times_sql.h"
#include "utils/array.h"
#include "utils/builtins.h"

static const StoredType logrank_state_type =
	TIMES_TYPE("retention_logrank_state", WIRE_LOGRANK, NULL);

STORED_TYPE_FUNCTIONS(retention_logrank_state, logrank_state_type)

/*
 * (state, duration, churned, grp [, weighting [, stratum [, entry]]]): one customer. The group and the
 * stratum are texts; if any is set, values of any type.
 */
static Datum
logrank(FunctionCallInfo fcinfo, bool any)
{
	TimeTable *table = stored_type_state(fcinfo, &logrank_state_type);
	bool has_entry = PG_NARGS() > 6 && !PG_ARGISNULL(6);
	TestWeighting weighting = TEST_LOGRANK;
	double rho = 0;
	double duration;
	double entry = 0;

	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	duration = check_time(PG_GETARG_FLOAT8(1), "duration");
	if (has_entry)
		entry = check_time(PG_GETARG_FLOAT8(6), "entry");
	if (PG_NARGS() > 4)
	{
		if (PG_ARGISNULL(4))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("the weighting of a test must not be null")));
		weighting = test_weighting(text_argument(fcinfo, 4), &rho);
	}

	if (table == NULL)
	{
		table = times_new(WIRE_LOGRANK);
		table->option = weighting;
		table->parameter = rho;
	}
	else
		times_require_test(table, weighting, rho);
	if (PG_ARGISNULL(2))
		count_add(&table->unknown, 1);
	else if (has_entry && entry >= duration)
		count_add(&table->never_at_risk, 1);
	else
	{
		Tag stratum = {NULL, -1};
		int cell;

		if (PG_NARGS() > 5)
			stratum = tag_argument(fcinfo, 5, any);
		cell = times_find_cell(&table, tag_argument(fcinfo, 3, any), stratum);
		times_count(&table, duration, cell, PG_GETARG_BOOL(2) ? TIME_CHURNED : TIME_CENSORED,
					WEIGHT_ONE);
		if (has_entry)
			times_count(&table, entry, cell, TIME_ENTERED, WEIGHT_ONE);
	}
	PG_RETURN_POINTER(table);
}

RETENTION_FORWARD(logrank_transfn, logrank(fcinfo, false))

RETENTION_FORWARD(logrank_any_transfn, logrank(fcinfo, true))

STORED_TYPE_COMBINE(logrank_combine, logrank_state_type)

static Datum
answer_test(FunctionCallInfo fcinfo, const TestResult *result, Datum *names, bool *name_nulls,
			int groups)
{
	Datum values[7];
	bool nulls[7] = {false};
	Datum *numbers = palloc(sizeof(Datum) * Max(groups, 1));
	int lower = 1;

	put_number(values, nulls, 0, result->chi2);
	values[1] = Int32GetDatum(result->df);
	put_number(values, nulls, 2,
			   isnan(result->chi2) ? NAN : chi_squared_tail(result->df, result->chi2));
	values[3] = PointerGetDatum(construct_md_array(names, name_nulls, 1, &groups, &lower, TEXTOID,
												   -1, false, TYPALIGN_INT));
	for (int i = 0; i < groups; i++)
		numbers[i] = Int64GetDatum((int64) result->customers[i]);
	values[4] = PointerGetDatum(
		construct_array(numbers, groups, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	for (int i = 0; i < groups; i++)
		numbers[i] = Float8GetDatum(result->observed[i]);
	values[5] = PointerGetDatum(construct_array(numbers, groups, FLOAT8OID, sizeof(float8),
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	for (int i = 0; i < groups; i++)
		numbers[i] = Float8GetDatum(result->expected[i]);
	values[6] = PointerGetDatum(construct_array(numbers, groups, FLOAT8OID, sizeof(float8),
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	return emit_one(fcinfo, values, nulls);
}

RETENTION_FUNCTION(logrank_final);
Datum
logrank_final(PG_FUNCTION_ARGS)
{
	const TimeTable *table;
	TestRow *row;
	TestResult result;
	Tag *tag;
	Datum *names;
	bool *nulls;
	int rows;
	int groups;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	table = times_open(PG_GETARG_DATUM(0), WIRE_LOGRANK);
	row = test_rows(table, &rows, &tag, &groups);
	result = test_groups(row, rows, groups, (TestWeighting) table->option, table->parameter);
	names = palloc0(sizeof(Datum) * Max(groups, 1));
	nulls = palloc0(sizeof(bool) * Max(groups, 1));
	for (int i = 0; i < groups; i++)
		put_tag(names, nulls, i, tag[i]);
	return answer_test(fcinfo, &result, names, nulls, groups);
}

static Datum
test_states(FunctionCallInfo fcinfo, ArrayType *array, TestWeighting weighting, double rho)
{
	const TimeTable **states;
	TestResult result;
	TestRow *row;
	Datum *elements;
	Datum *names;
	bool *nulls;
	int groups;
	int rows;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE, &elements, &nulls,
					  &groups);
	states = palloc(sizeof(TimeTable *) * Max(groups, 1));
	names = palloc(sizeof(Datum) * Max(groups, 1));
	for (int i = 0; i < groups; i++)
	{
		states[i] = nulls[i] ? NULL : times_open(elements[i], WIRE_SURVIVAL);
		names[i] = CStringGetTextDatum(psprintf("%d", i + 1));
		nulls[i] = false;
	}
	row = test_rows_of_states(states, groups, &rows);
	result = test_groups(row, rows, groups, weighting, rho);
	return answer_test(fcinfo, &result, names, nulls, groups);
}

/* (VARIADIC states) */
RETENTION_FORWARD(logrank_test_states,
				  test_states(fcinfo, PG_GETARG_ARRAYTYPE_P(0), TEST_LOGRANK, 0))

/* (weighting, VARIADIC states) */
RETENTION_FUNCTION(logrank_test_states_weighted);
Datum
logrank_test_states_weighted(PG_FUNCTION_ARGS)
{
	double rho;
	TestWeighting weighting = test_weighting(text_argument(fcinfo, 0), &rho);

	return test_states(fcinfo, PG_GETARG_ARRAYTYPE_P(1), weighting, rho);
}
