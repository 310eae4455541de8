/*
 * check.c
 *		Limits and checks of arguments that several modules need.
 */
#include "retention.h"

#include "base/check.h"

double
check_confidence(double confidence)
{
	/* Written so that NaN fails too. */
	if (!(confidence > 0 && confidence < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("confidence must lie between 0 and 1, not %g", confidence),
						errhint("Write 0.95 for a 95 %% confidence interval.")));
	return confidence;
}

void
count_overflow(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a count does not fit into 64 bits")));
}

void
sum_overflow(void)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("a sum of amounts does not fit into 128 bits")));
}
