/*
 * renewals_sql.c
 *		fit_renewal_model(), as SQL calls it.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "base/type_sql.h"
#include "model/model_sql.h"

static const StoredType renewals_type = {
	.name = RENEWALS_TYPE,
	.kind = WIRE_RENEWALS,
	.read = renewals_read,
	.write = renewals_write,
	.version = RENEWALS_VERSION,
	.least = sizeof(Renewals),
	.is_own = counted_is_own,
	.copy = renewals_copy,
	.merge = renewals_merge,
};

STORED_TYPE_FUNCTIONS(retention_renewals, renewals_type)
STORED_TYPE_COMBINE(renewals_combine, renewals_type)

/* (state, cohort, renewal, alive): so many of a cohort were there after so many renewals. */
RETENTION_FUNCTION(renewals_transfn);
Datum
renewals_transfn(PG_FUNCTION_ARGS)
{
	Renewals *state = stored_type_state(fcinfo, &renewals_type);
	Tag cohort = {NULL, -1};
	int renewal;
	int64 alive;

	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		RETURN_STATE_UNCHANGED();
	if (!PG_ARGISNULL(1))
	{
		text *name = PG_GETARG_TEXT_PP(1);

		cohort = (Tag){VARDATA_ANY(name), (int) VARSIZE_ANY_EXHDR(name)};
	}
	renewal = PG_GETARG_INT32(2);
	alive = PG_GETARG_INT64(3);
	if (renewal < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("renewal must not be negative, not %d", renewal),
						errdetail("Renewal 0 is the start, at which all of a cohort are there.")));
	if (alive < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("alive must not be negative, not " INT64_FORMAT, alive)));
	if (state == NULL)
		state = renewals_new();
	renewals_add(&state, cohort, renewal, alive);
	PG_RETURN_POINTER(state);
}

RETENTION_FUNCTION(renewals_final);
Datum
renewals_final(PG_FUNCTION_ARGS)
{
	RenewalData data = {0};
	const char *note = NULL;
	FitResult result;
	FitEnd end;
	int64 customers;
	int count;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	data.terms = renewal_terms(renewals_open(PG_GETARG_DATUM(0)), &count, &customers, &note);
	if (data.terms != NULL && customers == 0)
		note = "there are no customers";
	if (note != NULL)
		return model_unfit(fcinfo, MODEL_SBG, customers, NAN, note);
	data.count = count;
	data.customers = (double) customers;
	end = model_fit(fit_renewals, &data, &result);
	return model_result(fcinfo, MODEL_SBG, end, &result, customers, NAN, NULL);
}
