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

/*
 * Most amounts are below 10^12 and have few decimals. They are read from the bytes of a numeric, whose form on disk
 * (numeric.c) no version may change, as pg_upgrade keeps it: a sign, the number of decimals, and digits to the base
 * 10000 with the weight of the first.
 */
#define DIGIT_BASE 10000
#define FAST_WEIGHT 2

static const int64 weight_units[FAST_WEIGHT + 1] = {
	INT64CONST(1000000),
	INT64CONST(1000000) * DIGIT_BASE,
	INT64CONST(1000000) * DIGIT_BASE *DIGIT_BASE,
};

int64
amount_of_datum(Datum value, int64 *decimals)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	const char *at = VARDATA_ANY(packed);
	int left = (int) VARSIZE_ANY_EXHDR(packed) - (int) sizeof(uint16);
	uint16 head;
	int weight;
	int scale = 0;
	bool negative = false;
	int64 amount = 0;

	memcpy(&head, at, sizeof(head));
	at += sizeof(head);
	if ((head & 0xC000) == 0xC000)
		weight = FAST_WEIGHT + 1; /* not a number, or infinite */
	else if (head & 0x8000)
	{
		negative = (head & 0x2000) != 0;
		scale = (head & 0x1F80) >> 7;
		weight = (head & 0x003F) - (head & 0x0040);
	}
	else
	{
		int16 long_weight;

		memcpy(&long_weight, at, sizeof(long_weight));
		at += sizeof(long_weight);
		left -= (int) sizeof(long_weight);
		negative = (head & 0x4000) != 0;
		scale = head & 0x3FFF;
		weight = long_weight;
	}
	if (unlikely(weight > FAST_WEIGHT))
	{
		amount = amount_from_numeric(DatumGetNumeric(PointerGetDatum(packed)), decimals);
		if ((Pointer) packed != DatumGetPointer(value))
			pfree(packed);
		return amount;
	}
	for (; left >= (int) sizeof(int16) && weight >= -2; weight--, left -= (int) sizeof(int16))
	{
		int16 digit;

		memcpy(&digit, at, sizeof(digit));
		at += sizeof(digit);
		if (weight >= 0)
			amount += digit * weight_units[weight];
		else if (weight == -1)
			amount += digit * 100;
		else
			amount += (digit + 50) /
					  100; /* half away from zero: the digits after this one do not matter */
	}
	*decimals = Max(*decimals, Min(scale, AMOUNT_DECIMALS));
	if ((Pointer) packed != DatumGetPointer(value))
		pfree(packed);
	return negative ? -amount : amount;
}

Numeric
amount_to_numeric(int128 amount, int64 decimals)
{
	Numeric exact = numeric_from_int128(amount, AMOUNT_DECIMALS);

	return DatumGetNumeric(DirectFunctionCall2(numeric_round, NumericGetDatum(exact),
											   Int32GetDatum((int32) decimals)));
}
