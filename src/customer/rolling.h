/*
 * rolling.h
 *		Customers active in windows that roll from day to day. Type retention_rolling.
 *
 * A customer is active in the window of a day if they were active on it or on one of the days before, as many as the
 * window is long. So each run of active days without a longer gap adds one at its first day and takes it away a window
 * after its last: a table of these differences (base/counted.h) has the counts of all days. A second part counts, by
 * month, customers by the number of active days among the last 28 days of the month.
 */
#ifndef RETENTION_ROLLING_H
#define RETENTION_ROLLING_H

#include "base/counted.h"
#include "history/activity.h"

#define ROLLING_TYPE "retention_rolling"

/* The layout version of flat values and the version of the wire form. */
#define ROLLING_VERSION 1

/* Counters in a table. */
#define MAX_ROLLING 4000000

typedef enum RollingSeries
{
	ROLLING_DAY,
	ROLLING_WEEK,
	ROLLING_MONTH,
	ROLLING_POWER, /* by month */
	ROLLING_SERIES,
} RollingSeries;

/* The days in a window, the day itself included. */
#define ROLLING_WEEK_DAYS 7
#define ROLLING_MONTH_DAYS 28

typedef struct RollingSlot
{
	CountedSlot base;
	int32 series; /* RollingSeries */
	int32 active; /* ROLLING_POWER: of the last 28 days of the month; else 0 */
	int64 day;	  /* ROLLING_POWER: the first one of a month */
	int64 begun;  /* customers who are active from this day on; ROLLING_POWER: customers */
	int64 ended;  /* ... and no more from it on */
} RollingSlot;

typedef struct Rolling
{
	Counted base; /* its one item is the text of the grid */
	int64
		first; /* days: the first and the last with a row; PG_INT64_MAX and PG_INT64_MIN: there is none */
	int64 last;
} Rolling;

static inline RollingSlot *
rolling_slot(const Rolling *rolling, int number)
{
	return (RollingSlot *) (rolling + 1) + number;
}

/* Adds a customer to a table, which may move; *rolling is NULL at first. 22023: another grid, or one without days. */
extern void rolling_add(Rolling **rolling, const ActivityView *view);

/* Raises 22023 unless the facts know the days. */
extern void rolling_require_days(const Grid *grid);

/* Any value of an argument in sorted form, checked: XX001 on bytes that no aggregate has written. */
extern const Rolling *rolling_open(Datum value);

extern const Grid *rolling_grid(const Rolling *rolling);

/* The day after the last one that is known. */
extern int64 rolling_until(const Rolling *rolling);

/* Fields of a StoredType (base/type_sql.h). */
extern void *rolling_read(const char *bytes, Size size, WireKind kind);
extern void rolling_write(Datum value, StringInfo out, WireKind kind);
extern void *rolling_copy(Datum value, WireKind kind);
extern void *rolling_merge(void *state, Datum value, WireKind kind);

#endif /* RETENTION_ROLLING_H */
