/*
 * flow.h
 *		The flow: who was there, came, left and came back, period by period. Type retention_flow.
 *
 * The module flow answers this from presences [started, ended), and makes rates of it by named conventions:
 *
 *	 flow			a summary: adding customers, merging, checking, reading period by period
 *	 flow_rate		conventions: rates of retention and churn from one period
 *	 flow_sql		SQL functions for tables with one row per customer, and the answers
 *	 flow_customer_sql	for tables with several rows per customer: the state is a population; the batch scan
 *
 * The path of a row: request_find() of time/ gives the periods it asks for. With one row per customer flow_add() counts
 * its presence in the summary at once. With several, the row adds +1 at its start and -1 at its end to the history of
 * its customer in population/, and in the end each customer's presences go to flow_add(). flow_periods() reads the
 * summary by flow_read_row() and adds rates and confidence intervals.
 *
 * Everything is counted where it happens: a presence touches the period of its start and the period of its end, and
 * none between. What lasts (there at start, whole periods of presence) is kept as differences, which are summed once
 * when the flow is read. So a row costs the same for one period and for a thousand.
 */
#ifndef RETENTION_FLOW_H
#define RETENTION_FLOW_H

#include "base/wire.h"
#include "time/request.h"
#include "utils/numeric.h"

/* A customer's presence [started, ended). */
typedef struct Presence
{
	int64 started; /* SINCE_EVER: before anything */
	int64 ended;   /* STILL_THERE: not yet */
} Presence;

/* What is counted in each period. The names are the columns of flow_periods() where there is one. */
typedef enum FlowCounter
{
	FLOW_GAINED,
	FLOW_REACTIVATED,
	FLOW_LOST,
	FLOW_JOINED_AND_LEFT,
	FLOW_REACTIVATED_AND_LEFT,
	FLOW_LEFT_AND_RETURNED,
	FLOW_INTERRUPTED, /* customers there at start with at least one departure */
	FLOW_DAYS,		  /* whole days of presence of those who came or left in the period ... */
	FLOW_DAY_PART,	  /* ... and microseconds beyond, less than a day in all */
	FLOW_COUNTERS,
} FlowCounter;

/* The stored value: flat, sized by the number of periods, changed in place by the aggregate that owns it. */
typedef struct Flow
{
	FlatHeader mark;
	int32 kind;		   /* TimeKind */
	int32 grid_length; /* bytes of the grid's text at the end; 0: one period without a grid */
	int64 periods;
	int64
		as_of; /* moments >= it are not known; STILL_THERE: the rows say it, or the period is over */
	int64 latest; /* the latest start or end of a presence; SINCE_EVER: there is none */
	int64 numbers[FLEXIBLE_ARRAY_MEMBER];
	/* bounds[periods + 1], presence[periods + 1], counters[FLOW_COUNTERS][periods], then the grid's text */
} Flow;

#define FLOW_TYPE "retention_flow"
#define FLOW_VERSION 1

static inline int64 *
flow_bounds(const Flow *flow)
{
	return (int64 *) flow->numbers;
}

/* Differences of the number of customers there at each period's start; the last is for the end. */
static inline int64 *
flow_presence(const Flow *flow)
{
	return flow_bounds(flow) + flow->periods + 1;
}

static inline int64 *
flow_counters(const Flow *flow, FlowCounter counter)
{
	return flow_presence(flow) + flow->periods + 1 + counter * flow->periods;
}

static inline char *
flow_grid_text(const Flow *flow)
{
	return (char *) flow_counters(flow, FLOW_COUNTERS);
}

/* A new flow without customers, palloc'ed in the current context. The caller fills in the bounds. */
extern Flow *flow_new(TimeKind kind, int64 periods, const char *grid_text, int grid_length);

/* A flow over the periods of a request, without customers, palloc'ed. */
extern Flow *flow_of_request(const PeriodRequest *request, const Grid *grid);

/* Who asks for the periods of a flow. */
extern const RequestUse flow_use;

/* Add a customer: their presences, ascending, neither overlapping nor adjacent. Changes flow in place. */
extern void flow_add(Flow *flow, const Presence *presences, int count);

/* Add the customers of another flow over the same periods; none may be in both. Changes flow in place. */
extern void flow_merge(Flow *flow, const Flow *other);

/* Whether the sizes written in a flow, its marks known, are those of its memory. */
extern bool flow_has_shape(const void *state);

/* Raises XX001 unless the numbers can come from flow_add(). */
extern void flow_check(const Flow *flow);

extern void flow_write(const Flow *flow, StringInfo wire);
extern Flow *flow_read(const char *bytes, Size size);

/* One period, read. */
typedef struct FlowRow
{
	int64 period_start;
	int64 period_end;
	bool partial;
	int64 at_start;
	int64 at_end;
	int64 kept;
	int64 joined;
	int64 departures;
	int64 continuous;			 /* there at start, and no departure in the period */
	int64 counts[FLOW_COUNTERS]; /* as counted */
	int64 unknown; /* end of the period that is not known yet: days of a date, else microseconds */
	int64 length;  /* of the period, in the same unit */
	int64 day;	   /* one day in that unit */
} FlowRow;

typedef struct FlowReader
{
	const Flow *flow;
	int64 next;
	int64 at_start;
	int64 known_until; /* periods that end later are partial */
} FlowReader;

extern FlowReader flow_read_begin(const Flow *flow);

/* The next period, or false where no more is known. */
extern bool flow_read_row(FlowReader *reader, FlowRow *row);

/* The named ways to make a rate of a row. */
typedef enum FlowConvention
{
	FLOW_KEPT,
	FLOW_FORMULA,
	FLOW_CONTINUOUS, /* the last of retention */
	FLOW_RATE_LOST,
	FLOW_SIMPLE,
	FLOW_EXPOSED,
	FLOW_AVERAGE,
	FLOW_CUSTOMER_DAYS,
	FLOW_NOT_CONTINUOUS, /* the churn of the name 'continuous' */
} FlowConvention;

/* Raise 22023 on an unrecognized name. */
extern FlowConvention flow_retention_convention(const char *name);
extern FlowConvention flow_churn_convention(const char *name);

/* A rate of a row in per cent; false if it is not known (partial) or over nothing. */
extern bool flow_rate(const FlowRow *row, FlowConvention convention, Numeric *rate);

/* The rate of a flow of one period; false as above. Raises 22023 if it has more periods. */
extern bool flow_single_rate(const Flow *flow, FlowConvention convention, Numeric *rate);

/* The confidence interval of a row's rate in per cent; false if it has none. */
extern bool flow_rate_interval(const FlowRow *row, FlowConvention convention, double confidence,
							   Numeric *low, Numeric *high);

/* Presence in the period, in the unit of its length, and in days. */
extern Numeric flow_customer_time(const FlowRow *row);
extern Numeric flow_customer_days(const FlowRow *row);

#endif /* RETENTION_FLOW_H */
