/*
 * rates_sql.c
 *		Rates from counts, as SQL calls them. All functions are STRICT: no argument is NULL.
 */
#include "retention.h"

#include "base/emit.h"
#include "base/number.h"
#include "rates/rates.h"
#include "utils/builtins.h"

RETENTION_FUNCTION(retention_rate_counts);
Datum
retention_rate_counts(PG_FUNCTION_ARGS)
{
	Numeric rate =
		rate_of_retention(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1), PG_GETARG_NUMERIC(2));

	if (rate == NULL)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(rate);
}

RETENTION_FUNCTION(churn_rate_counts);
Datum
churn_rate_counts(PG_FUNCTION_ARGS)
{
	Numeric rate = rate_of_churn(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1));

	if (rate == NULL)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(rate);
}

RETENTION_FUNCTION(churn_rate_balances);
Datum
churn_rate_balances(PG_FUNCTION_ARGS)
{
	Numeric rate =
		rate_of_retention(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1), PG_GETARG_NUMERIC(2));

	if (rate == NULL)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(numeric_minus(numeric_from_int64(100), rate));
}

RETENTION_FUNCTION(churn_rate_departures);
Datum
churn_rate_departures(PG_FUNCTION_ARGS)
{
	Numeric rate = rate_of_departures(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1),
									  PG_GETARG_NUMERIC(2), PG_GETARG_NUMERIC(3));

	if (rate == NULL)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(rate);
}

RETENTION_FUNCTION(compound_retention);
Datum
compound_retention(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(rate_compound_retention(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1)));
}

RETENTION_FUNCTION(compound_churn);
Datum
compound_churn(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(rate_compound_churn(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1)));
}

RETENTION_FUNCTION(rate_interval);
Datum
rate_interval(PG_FUNCTION_ARGS)
{
	RateLimits answer;
	Datum values[2] = {0};
	bool nulls[2] = {true, true};

	if (rate_limits(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1), PG_GETARG_FLOAT8(2),
					rate_method_from_text(text_to_cstring(PG_GETARG_TEXT_PP(3))), &answer))
	{
		memset(nulls, false, sizeof(nulls));
		values[0] = NumericGetDatum(answer.low);
		values[1] = NumericGetDatum(answer.high);
	}
	return emit_one(fcinfo, values, nulls);
}

RETENTION_FUNCTION(rate_difference);
Datum
rate_difference(PG_FUNCTION_ARGS)
{
	RateDifference answer;
	Datum values[4] = {0};
	bool nulls[4] = {true, true, true, true};

	if (rate_compare(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1), PG_GETARG_NUMERIC(2),
					 PG_GETARG_NUMERIC(3), PG_GETARG_FLOAT8(4), &answer))
	{
		memset(nulls, false, sizeof(nulls));
		values[0] = NumericGetDatum(answer.difference);
		values[1] = NumericGetDatum(answer.low);
		values[2] = NumericGetDatum(answer.high);
		values[3] = Float8GetDatum(answer.p_value);
	}
	return emit_one(fcinfo, values, nulls);
}

RETENTION_FUNCTION(person_time_interval);
Datum
person_time_interval(PG_FUNCTION_ARGS)
{
	PersonTimeRate answer;
	Datum values[3] = {0};
	bool nulls[3] = {true, true, true};

	if (rate_person_time(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1), PG_GETARG_FLOAT8(2), &answer))
	{
		memset(nulls, false, sizeof(nulls));
		values[0] = NumericGetDatum(answer.rate);
		values[1] = NumericGetDatum(answer.low);
		values[2] = NumericGetDatum(answer.high);
	}
	return emit_one(fcinfo, values, nulls);
}
