/*
 * cox_sql.c
 *		cox_fit() and its answer, as SQL calls them.
 */
#include "retention.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/check.h"
#include "base/choice.h"
#include "catalog/pg_type.h"
#include "cox/cox.h"
#include "math/quantile.h"
#include "survival/survival.h"
#include "survival/times_sql.h"
#include "utils/array.h"
#include "utils/builtins.h"

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
static const double *
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
				 errmsg("cox_fit() takes at most %d covariates, not %d", MAX_COVARIATES, *count)));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		return NULL;
	values = (const double *) ARR_DATA_PTR(array);
	for (int k = 0; k < *count; k++)
		check_covariate(values[k], k + 1);
	return values;
}

/* (state, duration, churned, covariates [, ties [, entry]]): one customer. Covariates are an array, or one number. */
static Datum
add_customer(FunctionCallInfo fcinfo, bool single)
{
	CoxRows *state = stored_type_state(fcinfo, &cox_rows_type);
	bool has_entry = PG_NARGS() > 5 && !PG_ARGISNULL(5);
	const double *covariates;
	double covariate;
	CoxTies ties;
	double duration;
	double entry = -1;
	int count;

	if (PG_ARGISNULL(1) || (PG_ARGISNULL(3) && !single))
		RETURN_STATE_UNCHANGED();
	duration = check_time(PG_GETARG_FLOAT8(1), "duration");
	if (has_entry)
		entry = check_time(PG_GETARG_FLOAT8(5), "entry");
	ties = ties_argument(fcinfo, 4);
	if (single)
	{
		count = 1;
		covariates = PG_ARGISNULL(3) ? NULL : &covariate;
		covariate = PG_ARGISNULL(3) ? 0 : PG_GETARG_FLOAT8(3);
		check_covariate(covariate, 1);
	}
	else
		covariates = covariates_argument(fcinfo, 3, &count);

	if (state == NULL)
		state = cox_rows_new(count, ties);
	else
		cox_rows_require(state, count, ties);
	if (PG_ARGISNULL(2) || covariates == NULL)
		count_add(&state->unknown, 1);
	else if (has_entry && entry >= duration)
		count_add(&state->never_at_risk, 1);
	else
		cox_rows_add(&state, duration, PG_GETARG_BOOL(2), entry, covariates);
	PG_RETURN_POINTER(state);
}

RETENTION_FORWARD(cox_transfn, add_customer(fcinfo, false))

RETENTION_FORWARD(cox_single_transfn, add_customer(fcinfo, true))

RETENTION_FUNCTION(cox_final);
Datum
cox_final(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(cox_fit_rows(cox_rows_open(PG_GETARG_DATUM(0))));
}

/* ---- The fitted model ---- */

static void
describe_fit(Datum value, StringInfo out, WireKind kind)
{
	const CoxFit *fit = cox_open(value);

	describe_count(out, fit->covariates, "covariate");
	describe_count(out, fit->customers, "customer");
}

static const StoredType cox_type = {
	.name = "retention_cox",
	.kind = WIRE_COX,
	.read = cox_read,
	.write = cox_write,
	.describe = describe_fit,
	.use = "cox_table()",
};

STORED_TYPE_FUNCTIONS(retention_cox, cox_type)
STORED_TYPE_ORDER(retention_cox, cox_type)

static const char *
term_note(const CoxTerm *term)
{
	switch ((CoxFlag) term->flag)
	{
		case COX_FINE:
			return NULL;
		case COX_COLLINEAR:
			return "left out: follows from the covariates before it, or never varies";
		case COX_INFINITE:
			return "no finite estimate: the covariate tells those who leave from those who stay";
	}
	return NULL;
}

#define COX_TABLE_COLUMNS 9

RETENTION_FUNCTION(cox_table);
Datum
cox_table(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const CoxFit *fit;
	Datum *names = NULL;
	bool *unnamed = NULL;
	int count = 0;
	double reach;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		return (Datum) 0;
	fit = cox_open(PG_GETARG_DATUM(0));
	reach = two_sided_z(check_confidence(PG_GETARG_FLOAT8(2)));
	if (!PG_ARGISNULL(1))
	{
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names,
						  &unnamed, &count);
		if (count != fit->covariates)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("there are %d names for %d covariates", count, fit->covariates)));
	}

	for (int k = 0; k < fit->covariates; k++)
	{
		const CoxTerm *term = &fit->term[k];
		bool fine = term->flag == COX_FINE;
		double coefficient = term->flag == COX_COLLINEAR ? NAN : term->coefficient;
		double std_error = fine ? term->std_error : NAN;
		double z = coefficient / std_error;
		Datum values[COX_TABLE_COLUMNS];
		bool nulls[COX_TABLE_COLUMNS];

		nulls[0] = false;
		values[0] =
			names != NULL && !unnamed[k] ? names[k] : CStringGetTextDatum(psprintf("%d", k + 1));
		put_number(values, nulls, 1, coefficient);
		put_number(values, nulls, 2, exp(coefficient));
		put_number(values, nulls, 3, std_error);
		put_number(values, nulls, 4, exp(coefficient - reach * std_error));
		put_number(values, nulls, 5, exp(coefficient + reach * std_error));
		put_number(values, nulls, 6, z);
		put_number(values, nulls, 7, isnan(z) ? NAN : fmin(2 * normal_tail(fabs(z)), 1));
		put_text(values, nulls, 8, term_note(term));
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

static double
test_p_value(double chi2, int df)
{
	return df > 0 && !isnan(chi2) ? chi_squared_tail(df, fmax(chi2, 0)) : NAN;
}

RETENTION_FUNCTION(cox_summary);
Datum
cox_summary(PG_FUNCTION_ARGS)
{
	const CoxFit *fit = cox_open(PG_GETARG_DATUM(0));
	double ratio = fit->df > 0 ? 2 * (fit->loglik - fit->loglik_null) : NAN;
	double score = fit->df > 0 ? fit->score : NAN;
	double wald = fit->df > 0 ? fit->wald : NAN;
	Datum values[17];
	bool nulls[17] = {false};

	values[0] = Int64GetDatum(fit->customers);
	values[1] = Int64GetDatum(fit->churned);
	values[2] = Int64GetDatum(fit->unknown);
	values[3] = Int64GetDatum(fit->never_at_risk);
	put_number(values, nulls, 4, fit->loglik_null);
	put_number(values, nulls, 5, fit->loglik);
	values[6] = Int32GetDatum(fit->df);
	put_number(values, nulls, 7, ratio);
	put_number(values, nulls, 8, test_p_value(ratio, fit->df));
	put_number(values, nulls, 9, wald);
	put_number(values, nulls, 10, test_p_value(wald, fit->df));
	put_number(values, nulls, 11, score);
	put_number(values, nulls, 12, test_p_value(score, fit->df));
	put_number(values, nulls, 13, fit->concordance);
	values[14] = CStringGetTextDatum(fit->ties == COX_EFRON ? "efron" : "breslow");
	values[15] = Int32GetDatum(fit->iterations);
	values[16] = BoolGetDatum(fit->converged);
	return emit_one(fcinfo, values, nulls);
}
