/*
 * logit_sql.c
 *		logit_fit() and its answer, as SQL calls them.
 */
#include "retention.h"

#include "base/check.h"
#include "base/emit.h"
#include "cox/cox_sql.h"
#include "cox/logit.h"
#include "math/interval.h"
#include "utils/builtins.h"

/* (state, churned, covariates): one customer. Covariates are an array, or one number. */
static Datum
add_customer(FunctionCallInfo fcinfo, bool single)
{
	CoxRows *state = cox_rows_state(fcinfo);
	CoxRow row = {.entry = -1, .weight = 1};
	double covariate;
	int count;

	if (PG_ARGISNULL(2) && !single)
		RETURN_STATE_UNCHANGED();
	row.covariates = row_covariates(fcinfo, 2, single, &covariate, &count);
	if (state == NULL)
		state = cox_rows_new(count, COX_EFRON, COX_LOGIT);
	else
		cox_rows_require(state, count, COX_EFRON, COX_LOGIT);
	if (PG_ARGISNULL(1) || row.covariates == NULL)
		count_add(&state->unknown, 1);
	else
	{
		row.churned = PG_GETARG_BOOL(1);
		cox_rows_add(&state, &row);
	}
	PG_RETURN_POINTER(state);
}

RETENTION_FORWARD(logit_transfn, add_customer(fcinfo, false))

RETENTION_FORWARD(logit_single_transfn, add_customer(fcinfo, true))

RETENTION_FUNCTION(logit_final);
Datum
logit_final(PG_FUNCTION_ARGS)
{
	const CoxRows *rows = cox_rows_final(fcinfo, true);

	if (rows == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(logit_fit_rows(rows));
}

static void
describe_fit(Datum value, StringInfo out, WireKind kind)
{
	const LogitFit *fit = logit_open(value);

	describe_count(out, fit->covariates, "covariate");
	describe_count(out, fit->customers, "customer");
}

static const StoredType logit_type = {
	.name = "retention_logit",
	.kind = WIRE_LOGIT,
	.read = logit_read,
	.write = logit_write,
	.describe = describe_fit,
	.use = "logit_table()",
};

STORED_TYPE_FUNCTIONS(retention_logit, logit_type)
STORED_TYPE_ORDER(retention_logit, logit_type)

/* Why there is no model at all; NULL: there is one. */
static const char *
nothing_to_fit(const LogitFit *fit)
{
	if (fit->customers == 0)
		return "no customers";
	if (fit->churned == 0)
		return "nobody churned";
	if (fit->churned == fit->customers)
		return "everybody churned";
	return NULL;
}

/* logit_table(fit, names, confidence): the intercept, and then the covariates */
RETENTION_FUNCTION(logit_table);
Datum
logit_table(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const LogitFit *fit;
	CovariateNames names;
	double reach;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		return (Datum) 0;
	fit = logit_open(PG_GETARG_DATUM(0));
	reach = two_sided_z(check_confidence(PG_GETARG_FLOAT8(2)));
	names = names_argument(fcinfo, 1, fit->covariates);
	for (int k = 0; k <= fit->covariates; k++)
	{
		const LogitTerm *term = &fit->term[k];
		const char *note = nothing_to_fit(fit);
		Datum values[9];
		bool nulls[9] = {false};

		values[0] = k == 0 ? CStringGetTextDatum("(intercept)") : covariate_name(&names, k - 1);
		put_coefficient(values, nulls, term->coefficient, term->std_error, term->flag, true, reach);
		put_text(values, nulls, 8, note != NULL ? note : term_note(term->flag));
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

static const char *
fit_note(const LogitFit *fit)
{
	const char *note = nothing_to_fit(fit);

	for (int k = 0; k <= fit->covariates && note == NULL; k++)
		if (fit->term[k].flag == COX_INFINITE)
			note = "a covariate tells those who leave from those who stay (separation): no finite "
				   "estimate";
	if (note == NULL && !fit->converged)
		note = psprintf("no maximum was found in %d iterations", fit->iterations);
	return note;
}

RETENTION_FUNCTION(logit_summary);
Datum
logit_summary(PG_FUNCTION_ARGS)
{
	const LogitFit *fit = logit_open(PG_GETARG_DATUM(0));
	Datum values[16];
	bool nulls[16] = {false};

	values[0] = Int64GetDatum(fit->customers);
	values[1] = Int64GetDatum(fit->churned);
	values[2] = Int64GetDatum(fit->unknown);
	put_tests(values, nulls, 3, fit->loglik_null, fit->loglik, fit->df, fit->wald, fit->score);
	put_number(values, nulls, 12, fit->concordance);
	values[13] = Int32GetDatum(fit->iterations);
	values[14] = BoolGetDatum(fit->converged);
	put_text(values, nulls, 15, fit_note(fit));
	return emit_one(fcinfo, values, nulls);
}
