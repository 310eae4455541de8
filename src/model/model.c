/*
 * model.c
 *		Fitted models of purchases, spend and renewals.
 */
#include "retention.h"

#include "base/check.h"
#include "model/model.h"

/* As PurchaseModel and ModelKind. */
const ModelShape model_shapes[MODELS] = {
	{"BG/NBD", 4, {"r", "alpha", "a", "b"}},
	{"MBG/NBD", 4, {"r", "alpha", "a", "b"}},
	{"Pareto/NBD", 4, {"r", "alpha", "s", "beta"}},
	{"BG/BB", 4, {"alpha", "beta", "gamma", "delta"}},
	{"Gamma-Gamma", 3, {"p", "q", "v"}},
	{"sBG", 2, {"alpha", "beta"}},
};

const char *const model_names[MODELS] = {"bg/nbd", "mbg/nbd",	  "pareto/nbd",
										 "bg/bb",  "gamma-gamma", "sbg"};

const char *
model_fit_note(int kind, FitEnd end, const FitResult *result)
{
	switch (end)
	{
		case FIT_CONVERGED:
			return NULL;
		case FIT_FLAT:
			if (result->parameter >= 0)
				return psprintf("%s has no finite estimate: the likelihood goes on rising with it",
								model_shapes[kind].parameter[result->parameter]);
			return "the likelihood has no maximum that stands out: there are too few customers, or they are "
				   "too much alike";
		case FIT_NOWHERE:
			return "the likelihood cannot be computed";
		case FIT_STOPPED:
		case FIT_NO_MEMORY:
			break;
	}
	return "the fit was not finished";
}

/* Only what CHECK_FOR_INTERRUPTS() raises an error for, and now. */
bool
model_stop(void)
{
	return (QueryCancelPending || ProcDiePending) && InterruptHoldoffCount == 0 &&
		   QueryCancelHoldoffCount == 0 && CritSectionCount == 0;
}

static bool
never_stop(void)
{
	return false;
}

FitEnd
model_fit(ModelFit fit, const void *data, FitResult *result)
{
	FitEnd end = fit(data, result, model_stop);

	CHECK_FOR_INTERRUPTS();
	/* The server changed its mind: a cancel request that came too late for another query. */
	if (end == FIT_STOPPED)
		end = fit(data, result, never_stop);
	if (end == FIT_NO_MEMORY)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
						errdetail("The optimizer could not allocate memory.")));
	return end;
}
