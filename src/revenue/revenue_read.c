/*
 * revenue_read.c
 *		Revenue, read period by period: amounts, customers, and rates with their limits.
 */
#include "retention.h"

#include <math.h>

#include "base/number.h"
#include "math/interval.h"
#include "revenue/revenue.h"

RevenueReader
revenue_read_begin(const Revenue *revenue, int currency)
{
	RevenueReader reader = {
		.revenue = revenue, .base = revenue_base(revenue, currency), .known_until = revenue->as_of};

	/*
	 * Without an as_of revenue is known up to the latest start or end of a contract, itself included (for a date its
	 * whole day).
	 */
	if (revenue->as_of == STILL_THERE)
		reader.known_until = revenue->latest == SINCE_EVER ? SINCE_EVER : revenue->latest + 1;
	reader.row.closing = reader.base->opening;
	reader.row.closing_customers = reader.base->paying;
	return reader;
}

const RevenueRow *
revenue_read_row(RevenueReader *reader)
{
	const Revenue *revenue = reader->revenue;
	const RevenueBase *base = reader->base;
	RevenueRow *row = &reader->row;
	const int128(*moved)[REVENUE_MOVEMENTS] = (const int128(*)[REVENUE_MOVEMENTS]) row->moved;
	const int64(*counts)[REVENUE_MOVEMENTS] = (const int64(*)[REVENUE_MOVEMENTS]) row->counts;
	int64 i = reader->next;

	if (i >= revenue->periods || revenue->bounds[i] >= reader->known_until)
		return NULL;
	reader->next++;
	row->period_start = revenue->bounds[i];
	row->period_end = revenue->bounds[i + 1];
	row->partial = row->period_end > reader->known_until;
	for (int grain = 0; grain < REVENUE_GRAINS; grain++)
		for (int movement = 0; movement < REVENUE_MOVEMENTS; movement++)
		{
			int place = REVENUE_PLACE(grain, movement);

			row->moved[grain][movement] = revenue_wides(revenue, base, place)[i];
			row->counts[grain][movement] = revenue_counts(revenue, base, place)[i];
		}
	row->opening = row->closing;
	row->closing += moved[REVENUE_NET][REVENUE_NEW] + moved[REVENUE_NET][REVENUE_REACTIVATION] +
					moved[REVENUE_NET][REVENUE_EXPANSION] -
					moved[REVENUE_NET][REVENUE_CONTRACTION] - moved[REVENUE_NET][REVENUE_CHURN];
	row->opening_customers = row->closing_customers;
	row->closing_customers += counts[REVENUE_NET][REVENUE_NEW] +
							  counts[REVENUE_NET][REVENUE_REACTIVATION] -
							  counts[REVENUE_NET][REVENUE_CHURN];
	row->unpaid += revenue_counts(revenue, base, COUNT_UNPAID)[i];
	reader->steady += revenue_wides(revenue, base, WIDE_STEADY)[i];
	reader->steady_squares += revenue_wides(revenue, base, WIDE_STEADY_SQUARES)[i];
	for (int sum = WIDE_O; sum < WIDE_STEADY; sum++)
		row->sums[sum - WIDE_O] = revenue_wides(revenue, base, sum)[i] +
								  (sum <= WIDE_G ? reader->steady : reader->steady_squares);
	return row;
}

static Numeric
sum_of(const RevenueRow *row, RevenueWide sum)
{
	return numeric_from_int128(row->sums[sum - WIDE_O], 0);
}

bool
revenue_retention(const RevenueRow *row, bool gross, Numeric *rate)
{
	if (row->partial || row->sums[0] <= 0)
		return false;
	*rate = numeric_per_cent(sum_of(row, gross ? WIDE_G : WIDE_C), sum_of(row, WIDE_O));
	return true;
}

/*
 * W. G. Cochran, Sampling Techniques (3rd ed. 1977), 6.4: the variance of a ratio R = c / o over n customers is
 * (Scc - 2 R Soc + R^2 Soo) / ((n - 1) n (So / n)^2). With the common denominator So^4 it is exact up to the division.
 */
bool
revenue_retention_limits(const RevenueRow *row, bool gross, double confidence, Numeric *low,
						 Numeric *high)
{
	int64 n = row->opening_customers;
	Numeric o;
	Numeric c;
	Numeric o2;
	Numeric residual;
	double rate;
	double variance;
	double margin;

	if (row->partial || row->sums[0] <= 0 || n < 2)
		return false;
	o = sum_of(row, WIDE_O);
	c = sum_of(row, gross ? WIDE_G : WIDE_C);
	o2 = numeric_times(o, o);
	residual = numeric_plus(
		numeric_minus(numeric_times(sum_of(row, gross ? WIDE_GG : WIDE_CC), o2),
					  numeric_times(numeric_times(numeric_from_int64(2), numeric_times(c, o)),
									sum_of(row, gross ? WIDE_OG : WIDE_OC))),
		numeric_times(numeric_times(c, c), sum_of(row, WIDE_OO)));
	/* Below 0 only in bytes that nobody made by adding customers. */
	if (numeric_sign_of(residual) < 0)
		return false;
	rate = numeric_to_double(numeric_divide(c, o));
	variance = numeric_to_double(
		numeric_divide(numeric_times(numeric_from_int64(n), residual),
					   numeric_times(numeric_from_int64(n - 1), numeric_times(o2, o2))));
	margin = two_sided_z(confidence) * sqrt(variance);
	*low = numeric_rate_limit(rate - margin);
	*high = numeric_rate_limit(rate + margin);
	return true;
}
