/*
 * rates.c
 *		Rates from counts.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/choice.h"
#include "base/number.h"
#include "lib/stringinfo.h"
#include "math/interval.h"
#include "rates/rates.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Compounded rates have this many decimals, or as many as the rate they come from. */
#define COMPOUND_DECIMALS 16

/* An argument and its name, for messages. */
typedef struct Figure
{
	const char *name;
	Numeric value;
} Figure;

/* "at_start is 20, at_end is 24, new is 5." */
static char *
describe(const Figure *figures, int count)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < count; i++)
		appendStringInfo(&list, "%s%s is %s", i > 0 ? ", " : "", figures[i].name,
						 numeric_text(figures[i].value));
	appendStringInfoChar(&list, '.');
	return list.data;
}

/* figures[i] must be a count; the others are shown in the message. */
static void
check_count(const Figure *figures, int count, int i)
{
	if (!numeric_is_count(figures[i].value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a whole number, 0 or more", figures[i].name),
						errdetail("%s", describe(figures, count)),
						errhint("Pass counts, such as count(*) or sum(...), not rates.")));
}

static void
check_counts(const Figure *figures, int count)
{
	for (int i = 0; i < count; i++)
		check_count(figures, count, i);
}

static Numeric
per_cent_or_null(Numeric part, Numeric whole)
{
	return numeric_sign_of(whole) == 0 ? NULL : numeric_per_cent(part, whole);
}

/*
 * Customers retained over customers at risk: P. W. Farris, N. T. Bendle, P. E. Pfeifer and D. J. Reibstein, "Marketing
 * Metrics" (2nd ed. 2010), section 5.1; with the retained counted as those at the end who are not new.
 */
Numeric
rate_of_retention(Numeric at_start, Numeric at_end, Numeric new_ones)
{
	const Figure figures[] = {{"at_start", at_start}, {"at_end", at_end}, {"new", new_ones}};
	Numeric kept;

	check_counts(figures, lengthof(figures));
	if (numeric_compare(new_ones, at_end) > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("more customers are new than there are at the end"),
						errdetail("%s", describe(figures, lengthof(figures))),
						errhint("Count as new only customers who are still there at the end.")));
	kept = numeric_minus(at_end, new_ones);
	if (numeric_compare(kept, at_start) > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("more customers are kept than there were at the start"),
						errdetail("%s", describe(figures, lengthof(figures))),
						errhint("Kept are at_end - new. Count as new everyone who is there at the "
								"end and was not there at the start.")));
	return per_cent_or_null(kept, at_start);
}

/* The complement: customers lost over customers at the start. */
Numeric
rate_of_churn(Numeric lost, Numeric at_start)
{
	const Figure figures[] = {{"lost", lost}, {"at_start", at_start}};

	check_counts(figures, lengthof(figures));
	if (numeric_compare(lost, at_start) > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("more customers are lost than there were at the start"),
						errdetail("%s", describe(figures, lengthof(figures))),
						errhint("The arguments are (lost, at_start). Count as lost only customers "
								"who were there at the start.")));
	return per_cent_or_null(lost, at_start);
}

Numeric
rate_of_departures(Numeric churned, Numeric at_start, Numeric joined_and_left, Numeric reactivated)
{
	const Figure figures[] = {{"churned", churned},
							  {"at_start", at_start},
							  {"joined_and_left", joined_and_left},
							  {"reactivated", reactivated}};
	Numeric lost;

	check_counts(figures, lengthof(figures));
	lost = numeric_minus(churned, numeric_plus(joined_and_left, reactivated));
	if (numeric_sign_of(lost) < 0 || numeric_compare(lost, at_start) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("churned - joined_and_left - reactivated must lie between 0 and at_start"),
				 errdetail("%s", describe(figures, lengthof(figures))),
				 errhint("Count every departure of the period as churned.")));
	return per_cent_or_null(lost, at_start);
}

/* x with so many decimals, padded or rounded. */
static Numeric
with_decimals(Numeric x, int decimals)
{
	return DatumGetNumeric(
		DirectFunctionCall2(numeric_round, NumericGetDatum(x), Int32GetDatum(decimals)));
}

static void
check_compound(Numeric rate, Numeric periods)
{
	if (numeric_is_nan(rate) || numeric_sign_of(rate) < 0 ||
		numeric_compare(rate, numeric_from_int64(100)) > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("rate must lie between 0 and 100, not %s", numeric_text(rate)),
						errhint("Rates are per cent: write 5 for 5 per cent.")));
	if (numeric_is_nan(periods) || numeric_is_inf(periods) || numeric_sign_of(periods) < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("periods must be a finite number, 0 or more, not %s",
							   numeric_text(periods)),
						errhint("Write 12 for a year of months, and 1.0 / 12 for a month of a "
								"year.")));
}

/*
 * 100 * (kept / 100) ^ periods: every period keeps the same share of those who are left (P. S. Fader and
 * B. G. S. Hardie, "How to project customer retention", J. Interactive Marketing 21 (2007) 76-90, the geometric case).
 * kept is per cent, exact; the caller rounds to that many decimals.
 */
static Numeric
compound(Numeric kept, Numeric periods, int decimals)
{
	Numeric hundredth =
		DatumGetNumeric(DirectFunctionCall2(numeric_div, NumericGetDatum(numeric_from_int64(1)),
											NumericGetDatum(numeric_from_int64(100))));
	Numeric share = numeric_times(kept, hundredth);
	Datum power;

	/* numeric_power gives no fewer decimals than its base has. */
	share = with_decimals(share, decimals + 4);
	power = DirectFunctionCall2(numeric_power, NumericGetDatum(share), NumericGetDatum(periods));
	return numeric_times(DatumGetNumeric(power), numeric_from_int64(100));
}

/* numeric_power() stops at 1000 decimals; a rate with more than some 900 is a mistake. */
static int
compound_decimals(Numeric rate)
{
	int32 decimals = DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(rate)));

	return Min(Max(decimals, COMPOUND_DECIMALS), 900);
}

static Numeric
rounded(Numeric x, int decimals)
{
	return DatumGetNumeric(
		DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(with_decimals(x, decimals))));
}

Numeric
rate_compound_retention(Numeric rate, Numeric periods)
{
	int decimals;

	check_compound(rate, periods);
	/* Nobody compounds a retention rate below 1 per cent, but many write 0.95 for 95 per cent. */
	if (numeric_sign_of(rate) > 0 && numeric_compare(rate, numeric_from_int64(1)) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rate must be 0, or lie between 1 and 100, not %s", numeric_text(rate)),
				 errhint("Rates are per cent: write %s for %s.",
						 numeric_text(rounded(numeric_times(rate, numeric_from_int64(100)),
											  compound_decimals(rate))),
						 numeric_text(rate))));
	decimals = compound_decimals(rate);
	return rounded(compound(rate, periods, decimals), decimals);
}

Numeric
rate_compound_churn(Numeric rate, Numeric periods)
{
	Numeric all = numeric_from_int64(100);
	int decimals;

	check_compound(rate, periods);
	decimals = compound_decimals(rate);
	return rounded(numeric_minus(all, compound(numeric_minus(all, rate), periods, decimals)),
				   decimals);
}

RateMethod
rate_method_from_text(const char *name)
{
	static const char *const names[] = {"wilson", "exact"};

	return choice("method of an interval", name, names, lengthof(names));
}

/* figures holds pairs: hits, total. */
static void
check_fractions(const Figure *figures, int count)
{
	check_counts(figures, count);
	for (int i = 0; i < count; i += 2)
		if (numeric_compare(figures[i].value, figures[i + 1].value) > 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s must not exceed %s", figures[i].name, figures[i + 1].name),
							errdetail("%s", describe(figures, count)),
							errhint("The first number counts some of those the second one counts; "
									"both are counts, not per cent.")));
}

/* A count as a double. Counts are int64 everywhere; the limits have been tested that far. */
static double
count_as_double(Numeric count)
{
	if (numeric_compare(count, numeric_from_int64(PG_INT64_MAX)) > 0)
		count_overflow();
	return numeric_to_double(count);
}

bool
rate_limits(Numeric hits, Numeric total, double confidence, RateMethod method, RateLimits *answer)
{
	const Figure figures[] = {{"hits", hits}, {"total", total}};
	double hits_seen;
	double total_seen;
	Limits interval;

	check_fractions(figures, lengthof(figures));
	check_confidence(confidence);
	hits_seen = count_as_double(hits);
	total_seen = count_as_double(total);
	if (total_seen == 0)
		return false;
	if (method == RATE_EXACT)
		interval = clopper_pearson_interval(hits_seen, total_seen, confidence);
	else
		interval = wilson_interval(hits_seen, total_seen, confidence);
	answer->low = numeric_rate_limit(interval.low);
	answer->high = numeric_rate_limit(interval.high);
	return true;
}

bool
rate_compare(Numeric hits_a, Numeric total_a, Numeric hits_b, Numeric total_b, double confidence,
			 RateDifference *answer)
{
	const Figure figures[] = {
		{"hits_a", hits_a}, {"total_a", total_a}, {"hits_b", hits_b}, {"total_b", total_b}};
	double seen[lengthof(figures)];
	Limits interval;

	check_fractions(figures, lengthof(figures));
	check_confidence(confidence);
	for (int i = 0; i < lengthof(figures); i++)
		seen[i] = count_as_double(figures[i].value);
	if (seen[1] == 0 || seen[3] == 0)
		return false;

	/* hits_a / total_a - hits_b / total_b over the common denominator, with a single division. */
	answer->difference = numeric_per_cent(
		numeric_minus(numeric_times(hits_a, total_b), numeric_times(hits_b, total_a)),
		numeric_times(total_a, total_b));
	interval = newcombe_interval(seen[0], seen[1], seen[2], seen[3], confidence);
	answer->low = numeric_rate_limit(interval.low);
	answer->high = numeric_rate_limit(interval.high);
	answer->p_value = two_proportion_p_value(seen[0], seen[1], seen[2], seen[3]);
	return true;
}

/* figures[i], an exposure, as a double, with bounds that keep a rate over it finite. */
static double
exposure_as_double(const Figure *figures, int count, int i)
{
	Numeric exposure = figures[i].value;
	double value = 0;
	Numeric most = numeric_from_double(1e100);

	if (!numeric_is_nan(exposure) && numeric_compare(exposure, most) <= 0)
	{
		if (numeric_sign_of(exposure) == 0)
			return 0;
		/* Only 120 decimals, so that a tiny one is refused here and not by the conversion. */
		if (numeric_sign_of(exposure) > 0)
			value = numeric_to_double(with_decimals(exposure, 120));
	}
	if (!(value >= 1e-100))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be 0, or lie between 1e-100 and 1e100", figures[i].name),
						errdetail("%s", describe(figures, count))));
	return value;
}

bool
rate_person_time(Numeric events, Numeric exposure, double confidence, PersonTimeRate *answer)
{
	const Figure figures[] = {{"events", events}, {"exposure", exposure}};
	double events_seen;
	double exposure_seen;
	Limits expected;

	check_count(figures, lengthof(figures), 0);
	exposure_seen = exposure_as_double(figures, lengthof(figures), 1);
	check_confidence(confidence);
	events_seen = count_as_double(events);
	if (exposure_seen == 0)
	{
		if (events_seen > 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("events must be 0 if exposure is 0"),
							errdetail("%s", describe(figures, lengthof(figures))),
							errhint("Exposure is the time during which events could happen, summed "
									"over customers.")));
		return false;
	}
	expected = poisson_interval(events_seen, confidence);
	answer->rate = numeric_divide(events, exposure);
	answer->low = numeric_from_double(expected.low / exposure_seen);
	answer->high = numeric_from_double(expected.high / exposure_seen);
	return true;
}
