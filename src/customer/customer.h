/*
 * customer.h
 *		What one customer's own history says: how often they usually come, and how things stand with them now.
 *
 * The module customer compares a customer with themselves and with others like them:
 *
 *	 gaps		how many days lie between a customer's active periods; and those of many customers, counted: type
 *				retention_gaps
 *	 status		the state of a customer as of a time: new, active, slipping, lapsed, returned
 *	 rolling		customers active in windows that roll from day to day: type retention_rolling
 *	 customer_sql, rolling_sql	the SQL functions
 *
 * The path of a customer: gaps_days() takes the first days of their active periods from their facts. usage_intervals()
 * adds the gaps between these to a table of counters (base/counted.h), from which customer_status() reads what is usual
 * where a customer has too few gaps of their own.
 */
#ifndef RETENTION_CUSTOMER_H
#define RETENTION_CUSTOMER_H

#include "base/counted.h"
#include "history/activity.h"
#include "utils/numeric.h"

#define GAPS_TYPE "retention_gaps"

/* The layout version of flat values and the version of the wire form. */
#define GAPS_VERSION 1

/* A customer with so many gaps has a usual one. */
#define GAPS_OWN 3

/* Distinct gaps in a table. */
#define MAX_GAPS 1000000

/* What is counted: customers by their usual gap in half days, and gaps by the active days before, up to GAPS_OWN. */
#define GAPS_USUAL 0
#define GAPS_SERIES (GAPS_OWN + 1)

typedef struct GapSlot
{
	CountedSlot base;
	int64 series; /* GAPS_USUAL, or the number of active days before the gap */
	int64 length; /* days; GAPS_USUAL: half days */
	int64 count;
} GapSlot;

/* A number between two others, as percentile_cont() has it: low + (high - low) * rest / 100. */
typedef struct Quantile
{
	int64 low;
	int64 high;
	int rest;
} Quantile;

/*
 * The first days of the periods in which a customer was active, ascending, palloc'ed; returns their number. Facts by
 * hour and those with moments give days.
 */
extern int gaps_days(const ActivityView *view, int64 **days);

/* The gaps between days, sorted, palloc'ed; there are count - 1. */
extern int64 *gaps_between(const int64 *days, int count);

/* A quantile, in per cent, of sorted values; there is one at least. */
extern Quantile gaps_quantile(const int64 *values, int count, int percent);

/* The value of a quantile of numbers in 1 / parts of a day. */
extern Numeric quantile_days(Quantile quantile, int parts);

/* Whether a quantile in days is less than a number of days; and the whole days in it. */
extern bool quantile_below(Quantile quantile, int64 days);
extern int64 quantile_floor(Quantile quantile);

/* What periods are called in a table of gaps: those of the facts, or days. */
extern char *gaps_period(const Grid *grid);

/* An argument that is a length of time. Raises 22023 below an hour: a number without a unit is seconds. */
extern const Interval *interval_argument(const char *name, Datum argument);

/* ---- Gaps of many customers ---- */

/* Adds a customer to a table, which may move; *gaps is NULL at first. 22023: their periods are others. */
extern void gaps_add(Counted **gaps, const ActivityView *view);

/* Any value of an argument in sorted form, checked: XX001 on bytes that no aggregate has written. */
extern const Counted *gaps_open(Datum value);

extern Tag gaps_period_of(const Counted *gaps);
extern int64 gaps_total(const Counted *gaps, int series);

/* A quantile of a series; false if there is nothing in it. */
extern bool gaps_series_quantile(const Counted *gaps, int series, int percent, Quantile *quantile);

/* What is usual after 1 to GAPS_OWN active days. */
typedef struct GapsBase
{
	bool known[GAPS_SERIES];
	Quantile usual[GAPS_SERIES]; /* the median */
	Quantile most[GAPS_SERIES];	 /* the quantile of 90 % */
} GapsBase;

extern GapsBase gaps_base(const Counted *gaps);

/* Raises 22023: gaps of different periods. */
extern void gaps_mismatch(Tag one, Tag other) pg_attribute_noreturn();

/* Fields of a StoredType (base/type_sql.h). */
extern void *gaps_read(const char *bytes, Size size, WireKind kind);
extern void gaps_write(Datum value, StringInfo out, WireKind kind);
extern void *gaps_copy(Datum value, WireKind kind);
extern void *gaps_merge(void *state, Datum value, WireKind kind);

/* ---- The state of one customer ---- */

typedef enum CustomerState
{
	CUSTOMER_LAPSED,
	CUSTOMER_SLIPPING,
	CUSTOMER_RETURNED,
	CUSTOMER_NEW,
	CUSTOMER_ACTIVE,
} CustomerState;

extern const char *const customer_state_names[];

typedef struct CustomerStatus
{
	CustomerState state;
	Timestamp since; /* times are local times of the grid's zone */
	Timestamp last_at;
	int64 silence;	   /* days */
	Numeric usual_gap; /* days; NULL: not known */
	Numeric silence_ratio;
} CustomerStatus;

/*
 * The state as of a time, or if it is NULL as of that of the facts. lapse_after and base may be NULL. False: the
 * customer has done nothing. Raises 22023 if the facts have rows at or after that time.
 */
extern bool
customer_status_of(const ActivityView *view, const Timestamp *as_of, const Interval *lapse_after,
				   const GapsBase *base, CustomerStatus *status);

#endif /* RETENTION_CUSTOMER_H */
