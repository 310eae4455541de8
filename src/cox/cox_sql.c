/*
 * cox_sql.c
 *		cox_fit() and the rows that it gathers, as SQL calls them.
 */
#include "retention.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/check.h"
#include "base/choice.h"
#include "cox/cox_sql.h"
#include "survival/times_sql.h"
#include "utils/array.h"

/* ---- Rows: the state of the running aggregate ---- */

static const StoredType cox_rows_type = {
	.name = "retention_cox_rows",
	.kind = WIRE_COX_ROWS,
	.read = cox_rows_read,
	.write = cox_rows_write,
	.version = COX_ROWS_VERSION,
	.least = sizeof(CoxRows),
	.is_own = cox_rows_have_shape,
	.copy = cox_rows_copy,
	.merge = cox_rows_merge,
};

STORED_TYPE_FUNCTIONS(retention_cox_rows, cox_rows_type)
STORED_TYPE_COMBINE(cox_combine, cox_rows_type)

CoxRows *
cox_rows_state(FunctionCallInfo fcinfo)
{
	return stored_type_state(fcinfo, &cox_rows_type);
}

const CoxRows *
cox_rows_final(FunctionCallInfo fcinfo, bool logit)
{
	const CoxRows *rows;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		return NULL;
	rows = cox_rows_open(PG_GETARG_DATUM(0));
	if (((rows->columns & COX_LOGIT) != 0) != logit)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is that of another regression")));
	return rows;
}

static CoxTies
ties_argument(FunctionCallInfo fcinfo, int number)
{
	static const char *const names[] = {"efron", "breslow"}; /* as CoxTies */

	if (PG_NARGS() <= number)
		return COX_EFRON;
	if (PG_ARGISNULL(number))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the way to treat ties must not be null")));
	return choice("way to treat ties", text_argument(fcinfo, number), names, lengthof(names));
}

static void
check_covariate(double value, int number)
{
	if (!isfinite(value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("covariate %d must be finite, not %g", number, value)));
}

/* The covariates of a row; NULL if one of them is. */
const double *
covariates_argument(FunctionCallInfo fcinfo, int number, int *count)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(number);
	const double *values;

	if (ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("covariates must be a one-dimensional array of at least one number")));
	*count = ARR_DIMS(array)[0];
	if (*count > MAX_COVARIATES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a regression has at most %d covariates, not %d", MAX_COVARIATES, *count)));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		return NULL;
	values = (const double *) ARR_DATA_PTR(array);
	for (int k = 0; k < *count; k++)
		check_covariate(values[k], k + 1);
	return values;
}

const double *
row_covariates(FunctionCallInfo fcinfo, int number, bool single, double *one, int *count)
{
	if (!single)
		return covariates_argument(fcinfo, number, count);
	*count = 1;
	if (PG_ARGISNULL(number))
		return NULL;
	*one = PG_GETARG_FLOAT8(number);
	check_covariate(*one, 1);
	return one;
}

/*
 * (state, duration, churned, covariates [, ties [, entry [, strata [, weight [, cluster]]]]]): one customer. Covariates
 * are an array, or one number.
 */
static Datum
add_customer(FunctionCallInfo fcinfo, bool single)
{
	CoxRows *state = cox_rows_state(fcinfo);
	int columns = (PG_NARGS() > 6 ? COX_STRATUM : 0) | (PG_NARGS() > 7 ? COX_WEIGHT : 0) |
				  (PG_NARGS() > 8 ? COX_CLUSTER : 0);
	CoxRow row = {.entry = -1, .weight = 1};
	double covariate;
	CoxTies ties;
	int count;

	if (PG_ARGISNULL(1) || (PG_ARGISNULL(3) && !single))
		RETURN_STATE_UNCHANGED();
	row.duration = check_time(PG_GETARG_FLOAT8(1), "duration");
	if (PG_NARGS() > 5 && !PG_ARGISNULL(5))
		row.entry = check_time(PG_GETARG_FLOAT8(5), "entry");
	ties = ties_argument(fcinfo, 4);
	row.covariates = row_covariates(fcinfo, 3, single, &covariate, &count);
	if (columns & COX_STRATUM)
		row.stratum = tag_argument(fcinfo, 6, false);
	if ((columns & COX_WEIGHT) && !PG_ARGISNULL(7))
		row.weight = check_weight(PG_GETARG_FLOAT8(7));
	if (columns & COX_CLUSTER)
		row.cluster = tag_argument(fcinfo, 8, false);

	if (state == NULL)
		state = cox_rows_new(count, ties, columns);
	else
		cox_rows_require(state, count, ties, columns);
	if (PG_ARGISNULL(2) || row.covariates == NULL || ((columns & COX_WEIGHT) && PG_ARGISNULL(7)))
		count_add(&state->unknown, 1);
	else if (row.entry >= row.duration)
		count_add(&state->never_at_risk, 1);
	else if (rint(row.weight * (double) WEIGHT_ONE) > 0) /* as in survival() */
	{
		row.churned = PG_GETARG_BOOL(2);
		cox_rows_add(&state, &row);
	}
	PG_RETURN_POINTER(state);
}

RETENTION_FORWARD(cox_transfn, add_customer(fcinfo, false))

RETENTION_FORWARD(cox_single_transfn, add_customer(fcinfo, true))

RETENTION_FUNCTION(cox_final);
Datum
cox_final(PG_FUNCTION_ARGS)
{
	const CoxRows *rows = cox_rows_final(fcinfo, false);

	if (rows == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(cox_fit_rows(rows));
}
