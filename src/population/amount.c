/*
 * amount.c
 *		Amounts of money and the like: exact, as whole numbers of millionths.
 */
#include "retention.h"

#include "base/number.h"
#include "population/amount.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

static bool
less(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(a), NumericGetDatum(b)));
}

int64
amount_from_numeric(Numeric value, int64 *decimals)
{
	static Numeric million;
	static Numeric least;
	static Numeric greatest;
	Numeric scaled;
	int64 amount;
	int scale;

	if (greatest == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		million = int64_to_numeric(1000000);
		least = int64_to_numeric(PG_INT64_MIN);
		greatest = int64_to_numeric(PG_INT64_MAX);
		MemoryContextSwitchTo(old);
	}
	if (numeric_is_nan(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("an amount must not be NaN")));
	scaled = DatumGetNumeric(
		DirectFunctionCall2(numeric_mul, NumericGetDatum(value), NumericGetDatum(million)));
	if (less(scaled, least) || less(greatest, scaled))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount %s is out of range",
						DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)))),
				 errdetail("The amount of a row is kept as a 64-bit number of millionths.")));
	/* This cast rounds, and half away from zero. */
	amount = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(scaled)));
	pfree(scaled);
	scale = DatumGetInt32(DirectFunctionCall1(numeric_scale, NumericGetDatum(value)));
	*decimals = Max(*decimals, Min(scale, AMOUNT_DECIMALS));
	return amount;
}

Numeric
amount_to_numeric(int128 amount, int64 decimals)
{
	Numeric exact = numeric_from_int128(amount, AMOUNT_DECIMALS);

	return DatumGetNumeric(DirectFunctionCall2(numeric_round, NumericGetDatum(exact),
											   Int32GetDatum((int32) decimals)));
}
