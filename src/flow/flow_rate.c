/*
 * flow_rate.c
 *		The conventions: named rates of retention and churn from one period of a flow.
 */
#include "retention.h"

#include "base/choice.h"
#include "base/number.h"
#include "flow/flow.h"
#include "math/interval.h"

/* In the order of FlowConvention; retention's names come first. */
static const char *const retention_names[] = {"kept", "formula", "continuous"};
static const char *const churn_names[] = {"lost",	 "simple",		  "exposed",
										  "average", "customer_days", "continuous"};

FlowConvention
flow_retention_convention(const char *name)
{
	return FLOW_KEPT +
		   choice("convention of retention", name, retention_names, lengthof(retention_names));
}

FlowConvention
flow_churn_convention(const char *name)
{
	return FLOW_RATE_LOST + choice("convention of churn", name, churn_names, lengthof(churn_names));
}

static Numeric
sum(int64 a, int64 b)
{
	return numeric_plus(numeric_from_int64(a), numeric_from_int64(b));
}

/*
 * The fraction behind a rate. The formulas are the table of conventions in doc/design.md: `formula` is the textbook's
 * (customers at end - new) / customers at start, `average` divides by the mean of both ends, customer_days is the
 * occurrence rate of person-time (Rothman, Modern Epidemiology).
 */
static void
flow_fraction(const FlowRow *row, FlowConvention convention, Numeric *part, Numeric *whole)
{
	*whole = numeric_from_int64(row->at_start);
	switch (convention)
	{
		case FLOW_KEPT:
			*part = numeric_from_int64(row->kept);
			break;
		case FLOW_FORMULA:
			*part = numeric_minus(numeric_from_int64(row->at_end), numeric_from_int64(row->joined));
			break;
		case FLOW_CONTINUOUS:
			*part = numeric_from_int64(row->continuous);
			break;
		case FLOW_NOT_CONTINUOUS:
			*part = numeric_from_int64(row->counts[FLOW_INTERRUPTED]);
			break;
		case FLOW_RATE_LOST:
			*part = numeric_from_int64(row->counts[FLOW_LOST]);
			break;
		case FLOW_SIMPLE:
			*part = numeric_from_int64(row->departures);
			break;
		case FLOW_EXPOSED:
			*part = numeric_from_int64(row->departures);
			*whole = sum(row->at_start, row->joined);
			break;
		case FLOW_AVERAGE:
			*part = sum(row->departures, row->departures);
			*whole = sum(row->at_start, row->at_end);
			break;
		case FLOW_CUSTOMER_DAYS:
			*part =
				numeric_times(numeric_from_int64(row->departures), numeric_from_int64(row->length));
			*whole = flow_customer_time(row);
			break;
	}
}

bool
flow_rate(const FlowRow *row, FlowConvention convention, Numeric *rate)
{
	Numeric part;
	Numeric whole;

	if (row->partial)
		return false;
	flow_fraction(row, convention, &part, &whole);
	if (numeric_sign_of(whole) == 0)
		return false;
	*rate = numeric_per_cent(part, whole);
	return true;
}

bool
flow_single_rate(const Flow *flow, FlowConvention convention, Numeric *rate)
{
	FlowReader reader = flow_read_begin(flow);
	FlowRow row;

	if (flow->periods != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a rate needs a flow of one period, not of %lld",
							   (long long) flow->periods),
						errhint("flow_periods() has the rates of every period.")));
	return flow_read_row(&reader, &row) && flow_rate(&row, convention, rate);
}

bool
flow_rate_interval(const FlowRow *row, FlowConvention convention, double confidence, Numeric *low,
				   Numeric *high)
{
	Numeric part;
	Numeric whole;
	Limits limits;

	if (row->partial)
		return false;
	flow_fraction(row, convention, &part, &whole);
	if (numeric_sign_of(whole) == 0)
		return false;
	switch (convention)
	{
		case FLOW_KEPT:
		case FLOW_CONTINUOUS:
		case FLOW_NOT_CONTINUOUS:
		case FLOW_RATE_LOST:
			limits = wilson_interval(numeric_to_double(part), numeric_to_double(whole), confidence);
			break;
		case FLOW_CUSTOMER_DAYS:
			limits = poisson_interval((double) row->departures, confidence);
			limits.low *= row->length / numeric_to_double(whole);
			limits.high *= row->length / numeric_to_double(whole);
			break;
		default:
			return false;
	}
	*low = numeric_rate_limit(limits.low);
	*high = numeric_rate_limit(limits.high);
	return true;
}

Numeric
flow_customer_time(const FlowRow *row)
{
	/* Customers who neither came nor left were there all the period; the time of the others has been added up. */
	Numeric time = numeric_plus(
		numeric_times(numeric_from_int64(row->continuous), numeric_from_int64(row->length)),
		numeric_plus(
			numeric_times(numeric_from_int64(row->counts[FLOW_DAYS]), numeric_from_int64(row->day)),
			numeric_from_int64(row->counts[FLOW_DAY_PART])));

	/* Those who are there at the end were counted up to the end of the period, also in time that is not known yet. */
	if (row->unknown > 0)
		time = numeric_minus(
			time, numeric_times(numeric_from_int64(row->at_end), numeric_from_int64(row->unknown)));
	return time;
}

Numeric
flow_customer_days(const FlowRow *row)
{
	return numeric_divide(flow_customer_time(row), numeric_from_int64(row->day));
}
