/*
 * cox_model_sql.c
 *		What a fitted proportional hazards model says, as SQL calls it.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "catalog/pg_type.h"
#include "cox/cox_sql.h"
#include "math/quantile.h"
#include "survival/survival.h"
#include "survival/times_sql.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

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

CovariateNames
names_argument(FunctionCallInfo fcinfo, int number, int covariates)
{
	CovariateNames names = {NULL, NULL};
	int count;

	if (PG_ARGISNULL(number))
		return names;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(number), TEXTOID, -1, false, TYPALIGN_INT, &names.name,
					  &names.unnamed, &count);
	if (count != covariates)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there are %d names for %d covariates", count, covariates)));
	return names;
}

Datum
covariate_name(const CovariateNames *names, int number)
{
	if (names->name != NULL && !names->unnamed[number])
		return names->name[number];
	return CStringGetTextDatum(psprintf("%d", number + 1));
}

const char *
term_note(int64 flag)
{
	switch ((CoxFlag) flag)
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

void
put_coefficient(Datum *values, bool *nulls, double coefficient, double std_error, int64 flag,
				bool knows_error, double reach)
{
	double z;

	if (flag == COX_COLLINEAR)
		coefficient = NAN;
	if (flag != COX_FINE || !knows_error)
		std_error = NAN;
	z = coefficient / std_error;
	put_number(values, nulls, 1, coefficient);
	put_number(values, nulls, 2, exp(coefficient));
	put_number(values, nulls, 3, std_error);
	put_number(values, nulls, 4, exp(coefficient - reach * std_error));
	put_number(values, nulls, 5, exp(coefficient + reach * std_error));
	put_number(values, nulls, 6, z);
	put_number(values, nulls, 7, isnan(z) ? NAN : fmin(2 * normal_tail(fabs(z)), 1));
}

#define COX_TABLE_COLUMNS 9

RETENTION_FUNCTION(cox_table);
Datum
cox_table(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const CoxFit *fit;
	CovariateNames names;
	double reach;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		return (Datum) 0;
	fit = cox_open(PG_GETARG_DATUM(0));
	reach = two_sided_z(check_confidence(PG_GETARG_FLOAT8(2)));
	names = names_argument(fcinfo, 1, fit->covariates);

	for (int k = 0; k < fit->covariates; k++)
	{
		const CoxTerm *term = &fit->term[k];
		Datum values[COX_TABLE_COLUMNS];
		bool nulls[COX_TABLE_COLUMNS];

		nulls[0] = false;
		values[0] = covariate_name(&names, k);
		put_coefficient(values, nulls, term->coefficient, term->std_error, term->flag,
						fit->clusters != 1, reach);
		put_text(values, nulls, 8, term_note(term->flag));
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

static double
test_p_value(double chi2, int df)
{
	return df > 0 && !isnan(chi2) ? chi_squared_tail(df, fmax(chi2, 0)) : NAN;
}

void
put_tests(Datum *values, bool *nulls, int column, double loglik_null, double loglik, int df,
		  double wald, double score)
{
	double chi2[3] = {2 * (loglik - loglik_null), wald, score};

	put_number(values, nulls, column, loglik_null);
	put_number(values, nulls, column + 1, loglik);
	nulls[column + 2] = false;
	values[column + 2] = Int32GetDatum(df);
	for (int i = 0; i < 3; i++)
	{
		put_number(values, nulls, column + 3 + 2 * i, df > 0 ? chi2[i] : NAN);
		put_number(values, nulls, column + 4 + 2 * i, test_p_value(chi2[i], df));
	}
}

/* What predictions have to be told about. */
static const char *
fit_note(const CoxFit *fit)
{
	for (int k = 0; k < fit->covariates; k++)
		if (fit->term[k].flag == COX_INFINITE)
			return "no prediction: a covariate has no finite estimate";
	if (!fit->baseline)
		return "no prediction: there is no baseline";
	if (fit->points < fit->moments)
		return psprintf("the baseline is kept at %d of " INT64_FORMAT " times", fit->points,
						fit->moments);
	return NULL;
}

RETENTION_FUNCTION(cox_summary);
Datum
cox_summary(PG_FUNCTION_ARGS)
{
	const CoxFit *fit = cox_open(PG_GETARG_DATUM(0));
	Datum values[23];
	bool nulls[23] = {false};

	values[0] = Int64GetDatum(fit->customers);
	values[1] = Int64GetDatum(fit->churned);
	values[2] = Int64GetDatum(fit->unknown);
	values[3] = Int64GetDatum(fit->never_at_risk);
	put_tests(values, nulls, 4, fit->loglik_null, fit->loglik, fit->df, fit->wald, fit->score);
	put_number(values, nulls, 13, fit->concordance);
	values[14] = CStringGetTextDatum(fit->ties == COX_EFRON ? "efron" : "breslow");
	values[15] = Int32GetDatum(fit->iterations);
	values[16] = BoolGetDatum(fit->converged);
	nulls[17] = !fit->stratified;
	values[17] = Int32GetDatum(fit->strata);
	nulls[18] = fit->clusters == 0;
	values[18] = Int64GetDatum(fit->clusters);
	values[19] = BoolGetDatum(fit->robust);
	values[20] = Int64GetDatum(fit->moments);
	values[21] = Int32GetDatum(fit->points);
	put_text(values, nulls, 22, fit_note(fit));
	return emit_one(fcinfo, values, nulls);
}

/* cox_zph(fit, names): chi-squared of each covariate, and of all */
RETENTION_FUNCTION(cox_zph);
Datum
cox_zph(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const CoxFit *fit;
	CovariateNames names;

	if (PG_ARGISNULL(0))
		return (Datum) 0;
	fit = cox_open(PG_GETARG_DATUM(0));
	names = names_argument(fcinfo, 1, fit->covariates);
	for (int k = 0; k <= fit->covariates; k++)
	{
		bool whole = k == fit->covariates;
		double chi2 = whole ? fit->zph : fit->term[k].zph;
		int df = whole ? fit->df : fit->term[k].flag != COX_COLLINEAR;
		Datum values[4];
		bool nulls[4] = {false};

		values[0] = whole ? CStringGetTextDatum("GLOBAL") : covariate_name(&names, k);
		put_number(values, nulls, 1, chi2);
		values[2] = Int32GetDatum(df);
		put_number(values, nulls, 3, test_p_value(chi2, df));
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

/* ---- Predictions ---- */

/*
 * The last model of this call. A query scores many customers by one model, and reading and checking it takes longer
 * than scoring. The argument is the same if its bytes are, which may be a pointer to a value stored out of line.
 */
typedef struct OpenFit
{
	MemoryContext context; /* of the bytes and of the model */
	Size size;
	void *bytes;
	const CoxFit *fit;
} OpenFit;

static const CoxFit *
open_fit(FunctionCallInfo fcinfo, int number)
{
	const struct varlena *value = (const struct varlena *) PG_GETARG_POINTER(number);
	OpenFit *open = fcinfo->flinfo->fn_extra;
	MemoryContext caller;
	Size size;

	/* The address of a value in memory may be that of another one later. */
	if (VARATT_IS_EXTERNAL(value) && !VARATT_IS_EXTERNAL_ONDISK(value))
		return cox_open(PointerGetDatum(value));
	size = VARSIZE_ANY(value);
	if (open != NULL && open->fit != NULL && open->size == size &&
		memcmp(open->bytes, value, size) == 0)
		return open->fit;

	if (open == NULL)
	{
		open = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(OpenFit));
		open->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "retention model",
											  ALLOCSET_START_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = open;
	}
	open->fit = NULL;
	MemoryContextReset(open->context);
	caller = MemoryContextSwitchTo(open->context);
	open->bytes = palloc(size);
	memcpy(open->bytes, value, size);
	open->size = size;
	/* A plain value is not copied by cox_open(): then it is the copy that is kept. */
	open->fit = cox_open(PointerGetDatum(open->bytes));
	MemoryContextSwitchTo(caller);
	return open->fit;
}

/* cox_predict(fit, covariates, t, given, stratum, ci, confidence) -> survival, std_error, ci_low, ci_high */
RETENTION_FUNCTION(cox_predict);
Datum
cox_predict(PG_FUNCTION_ARGS)
{
	const CoxFit *fit;
	const double *covariates;
	int count;
	double time;
	double given;
	CurveScale scale;
	double z;
	CoxPrediction prediction = {NAN, NAN};
	Limits limits;
	Datum values[4];
	bool nulls[4];

	for (int i = 0; i < 7; i++)
		if (PG_ARGISNULL(i) && i != 4)
			PG_RETURN_NULL();
	fit = open_fit(fcinfo, 0);
	covariates = covariates_argument(fcinfo, 1, &count);
	if (count != fit->covariates)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the model has %d covariates, not %d", fit->covariates, count)));
	time = check_time(PG_GETARG_FLOAT8(2), "time");
	given = check_time(PG_GETARG_FLOAT8(3), "given");
	if (time < given)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time %g lies before the given time %g", time, given)));
	if (!PG_ARGISNULL(4) && !fit->stratified)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the model has no strata")));
	scale = curve_scale(text_argument(fcinfo, 5));
	z = two_sided_z(check_confidence(PG_GETARG_FLOAT8(6)));
	if (covariates != NULL)
		prediction = cox_prediction(fit, covariates, tag_argument(fcinfo, 4, false), time, given);
	limits = curve_limits(scale, prediction.survival, prediction.std_error, z);
	put_number(values, nulls, 0, prediction.survival);
	put_number(values, nulls, 1, prediction.std_error);
	put_number(values, nulls, 2, limits.low);
	put_number(values, nulls, 3, limits.high);
	return emit_one(fcinfo, values, nulls);
}
