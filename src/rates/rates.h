/*
 * rates.h
 *		Rates from counts that are already there: exact per cent, with confidence intervals.
 *
 * Every function here checks its arguments, raises 22023, with all figures, if they cannot be counts of the same
 * customers, and then answers. Results are palloc'ed in the current context. NULL (or false) is the answer if the rate
 * would divide by 0.
 *
 * The module rates reads no rows of users: its functions take counts that a query has already. rates.c computes, with
 * the confidence intervals of math/; rates_sql.c has the SQL functions retention_rate, churn_rate, compound_retention,
 * compound_churn, rate_interval, rate_difference and person_time_interval. Rates of aggregates over rows are computed
 * by flow/ and cohort/. The path of a call: arguments in rates_sql.c, check and formula in rates.c, limits in
 * math/interval.c or math/compare.c, back as numeric.
 */
#ifndef RETENTION_RATES_H
#define RETENTION_RATES_H

#include "utils/numeric.h"

typedef enum RateMethod
{
	RATE_WILSON,
	RATE_EXACT, /* Clopper-Pearson */
} RateMethod;

typedef struct RateLimits
{
	Numeric low; /* per cent */
	Numeric high;
} RateLimits;

typedef struct RateDifference
{
	Numeric difference; /* percentage points, a - b */
	Numeric low;
	Numeric high;
	double p_value; /* 0..1 */
} RateDifference;

typedef struct PersonTimeRate
{
	Numeric rate; /* events per unit of exposure */
	Numeric low;
	Numeric high;
} PersonTimeRate;

/* 'wilson' or 'exact'; anything else raises 22023. */
extern RateMethod rate_method_from_text(const char *name);

/* 100 * (at_end - new_ones) / at_start. */
extern Numeric rate_of_retention(Numeric at_start, Numeric at_end, Numeric new_ones);

/* 100 * lost / at_start. */
extern Numeric rate_of_churn(Numeric lost, Numeric at_start);

/*
 * 100 * (churned - joined_and_left - reactivated) / at_start: of all departures those of customers who were there at
 * the start and did not come back.
 */
extern Numeric
rate_of_departures(Numeric churned, Numeric at_start, Numeric joined_and_left, Numeric reactivated);

/* What a rate of one period comes to over `periods` of them, which may be a fraction. */
extern Numeric rate_compound_retention(Numeric rate, Numeric periods);
extern Numeric rate_compound_churn(Numeric rate, Numeric periods);

extern bool
rate_limits(Numeric hits, Numeric total, double confidence, RateMethod method, RateLimits *answer);
extern bool rate_compare(Numeric hits_a, Numeric total_a, Numeric hits_b, Numeric total_b,
						 double confidence, RateDifference *answer);
extern bool
rate_person_time(Numeric events, Numeric exposure, double confidence, PersonTimeRate *answer);

#endif /* RETENTION_RATES_H */
