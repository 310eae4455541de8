/*
 * money_sql.c
 *		Figures from amounts that a query has already. All functions are STRICT: no argument is NULL.
 */
#include "retention.h"

#include "base/number.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* An argument: finite, and not negative. */
static Numeric
figure(FunctionCallInfo fcinfo, int number, const char *name)
{
	Numeric value = PG_GETARG_NUMERIC(number);

	if (numeric_is_nan(value) || numeric_is_inf(value) || numeric_sign_of(value) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a number and not negative, not %s", name, numeric_text(value)),
				 strcmp(name, "contraction") == 0 || strcmp(name, "churned") == 0
					 ? errhint("Losses are written as positive numbers.")
					 : 0));
	return value;
}

/* Per cent of the opening revenue that is left of it and of what was won, or NULL where there was none. */
static Datum
revenue_left(FunctionCallInfo fcinfo, Numeric opening, Numeric won, Numeric lost)
{
	if (numeric_sign_of(opening) == 0)
		PG_RETURN_NULL();
	if (numeric_compare(lost, opening) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("more revenue is lost than there was at the opening"),
				 errdetail("The opening is %s, contraction and churned are %s together.",
						   numeric_text(opening), numeric_text(lost)),
				 errhint("Count what those lost who paid at the opening, not who came later.")));
	PG_RETURN_NUMERIC(numeric_per_cent(numeric_minus(numeric_plus(opening, won), lost), opening));
}

/* net_revenue_retention(opening, expansion, contraction, churned) -> numeric, per cent */
RETENTION_FUNCTION(net_revenue_retention_totals);
Datum
net_revenue_retention_totals(PG_FUNCTION_ARGS)
{
	Numeric opening = figure(fcinfo, 0, "opening");
	Numeric won = figure(fcinfo, 1, "expansion");
	Numeric lost = numeric_plus(figure(fcinfo, 2, "contraction"), figure(fcinfo, 3, "churned"));

	return revenue_left(fcinfo, opening, won, lost);
}

/* gross_revenue_retention(opening, contraction, churned) -> numeric, per cent */
RETENTION_FUNCTION(gross_revenue_retention_totals);
Datum
gross_revenue_retention_totals(PG_FUNCTION_ARGS)
{
	Numeric opening = figure(fcinfo, 0, "opening");
	Numeric lost = numeric_plus(figure(fcinfo, 1, "contraction"), figure(fcinfo, 2, "churned"));

	return revenue_left(fcinfo, opening, numeric_from_int64(0), lost);
}

/* quick_ratio(new, expansion, contraction, churned) -> numeric, a ratio */
RETENTION_FUNCTION(quick_ratio_totals);
Datum
quick_ratio_totals(PG_FUNCTION_ARGS)
{
	Numeric won = numeric_plus(figure(fcinfo, 0, "new"), figure(fcinfo, 1, "expansion"));
	Numeric lost = numeric_plus(figure(fcinfo, 2, "contraction"), figure(fcinfo, 3, "churned"));

	if (numeric_sign_of(lost) == 0)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(numeric_divide(won, lost));
}

/*
 * simple_lifetime_value(arpa, churn_rate, discount) -> numeric. The sum over k >= 0 of arpa (r / (1 + d))^k with the
 * retention rate r = 1 - churn and the discount d per period, paid at the beginning of each: arpa (1 + d) /
 * (1 + d - r), as in Gupta and Lehmann, "Customers as Assets", Journal of Interactive Marketing 17 (2003) 9-24, which
 * has it from the end of the first period on.
 */
RETENTION_FUNCTION(simple_lifetime_value);
Datum
simple_lifetime_value(PG_FUNCTION_ARGS)
{
	Numeric arpa = PG_GETARG_NUMERIC(0);
	Numeric churn = figure(fcinfo, 1, "churn_rate");
	Numeric discount = figure(fcinfo, 2, "discount");
	Numeric all = numeric_from_int64(100);
	Numeric whole = numeric_plus(discount, churn);

	if (numeric_is_nan(arpa) || numeric_is_inf(arpa))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("arpa must be a number, not %s", numeric_text(arpa))));
	if (numeric_compare(churn, all) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("churn_rate must lie between 0 and 100, not %s", numeric_text(churn)),
				 errhint("Rates are per cent: write 5 for 5 %%.")));
	if (numeric_sign_of(whole) == 0)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(numeric_divide(numeric_times(arpa, numeric_plus(all, discount)), whole));
}

/*
 * monthly_amount(amount, every) -> numeric. A year has 12 months, 52 weeks, or 365.2425 days, the mean year of the
 * Gregorian calendar; each fraction has one division, which is the last step.
 */
RETENTION_FUNCTION(monthly_amount);
Datum
monthly_amount(PG_FUNCTION_ARGS)
{
	Numeric amount = PG_GETARG_NUMERIC(0);
	const Interval *every = PG_GETARG_INTERVAL_P(1);
	int64 days = every->day;
	int64 part = 0;
	int64 whole = 0;

	if (numeric_is_nan(amount) || numeric_is_inf(amount))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("amount must be a number, not %s", numeric_text(amount))));
	if (every->time == 0 && days == 0 && every->month > 0)
	{
		part = 1;
		whole = every->month;
	}
	else if (every->time == 0 && every->month == 0 && days > 0)
	{
		part = days % 7 == 0 ? 52 : 3652425;
		whole = days % 7 == 0 ? 12 * (days / 7) : 12 * 10000 * days;
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an amount cannot be paid every %s",
						DatumGetCString(DirectFunctionCall1(interval_out, PG_GETARG_DATUM(1)))),
				 errhint("Write months and years, or weeks and days, above zero and not both: "
						 "interval '1 year', interval '4 weeks'.")));
	PG_RETURN_NUMERIC(
		numeric_divide(numeric_times(amount, numeric_from_int64(part)), numeric_from_int64(whole)));
}
