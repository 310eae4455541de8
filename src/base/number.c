/*
 * number.c
 *		Exact numerics, by the server's own arithmetic.
 */
#include "retention.h"

#include "base/number.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static Numeric
trimmed(Datum value)
{
	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, value));
}

Numeric
numeric_from_int64(int64 value)
{
	return int64_to_numeric(value);
}

Numeric
numeric_from_int128(int128 value, int scale)
{
	char digits[64];
	char *at = digits + sizeof(digits) - 1;
	uint128 rest = value < 0 ? -(uint128) value : (uint128) value;

	if (value >= PG_INT64_MIN && value <= PG_INT64_MAX)
		return int64_div_fast_to_numeric((int64) value, scale);
	Assert(scale >= 0 && scale <= 18); /* fewer digits than the value has */
	*at = '\0';
	for (int i = 0; rest != 0; i++, rest /= 10)
	{
		if (i == scale && scale > 0)
			*--at = '.';
		*--at = (char) ('0' + (int) (rest % 10));
	}
	if (value < 0)
		*--at = '-';
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(at), ObjectIdGetDatum(0),
											   Int32GetDatum(-1)));
}

Numeric
numeric_from_double(double value)
{
	return trimmed(DirectFunctionCall1(float8_numeric, Float8GetDatum(value)));
}

Numeric
numeric_per_cent(Numeric part, Numeric whole)
{
	return numeric_divide(numeric_times(int64_to_numeric(100), part), whole);
}

Numeric
numeric_rate_limit(double fraction)
{
	Datum per_cent = DirectFunctionCall1(float8_numeric, Float8GetDatum(100 * fraction));

	return trimmed(DirectFunctionCall2(numeric_round, per_cent, Int32GetDatum(6)));
}

bool
numeric_is_count(Numeric value)
{
	if (numeric_is_nan(value) || numeric_is_inf(value) || numeric_sign_of(value) < 0)
		return false;
	return DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(value))) == 0;
}

double
numeric_to_double(Numeric value)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value)));
}

#define NUMERIC_OPERATION(name, operation)                                                         \
	Numeric name(Numeric a, Numeric b)                                                             \
	{                                                                                              \
		return trimmed(DirectFunctionCall2(operation, NumericGetDatum(a), NumericGetDatum(b)));    \
	}

NUMERIC_OPERATION(numeric_plus, numeric_add)
NUMERIC_OPERATION(numeric_minus, numeric_sub)
NUMERIC_OPERATION(numeric_times, numeric_mul)
NUMERIC_OPERATION(numeric_divide, numeric_div)

int
numeric_compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

int
numeric_sign_of(Numeric value)
{
	return numeric_compare(value, int64_to_numeric(0));
}

char *
numeric_text(Numeric value)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)));
}
