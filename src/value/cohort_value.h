/*
 * cohort_value.h
 *		What cohorts are worth, period by period. Type retention_cohort_value.
 *
 * A table of counters (base/counted.h) by cohort and offset, as of a summary of cohorts (cohort/cohort.h): period 0 is
 * that of the start. All numbers are sums over customers, so that values of disjoint customers add up.
 */
#ifndef RETENTION_COHORT_VALUE_H
#define RETENTION_COHORT_VALUE_H

#include "base/counted.h"
#include "history/history.h"
#include "time/grid.h"

typedef struct CohortValueSlot
{
	CountedSlot base;
	int64 cohort; /* period */
	int64 offset;
	int64 customers; /* at offset 0 all customers of the cohort, else those who came back */
	int64
		begun; /* elapsed windows: customers for whom so many windows have begun, and so many are complete */
	int64 whole;
	int128 amount;
	/*
	 * Of least(the customer's own amount of period 0, their own amount here): at offset 0 the sum of least(own, 0),
	 * which is what customers without an amount here add; elsewhere what the others add to that.
	 */
	int128 least;
} CohortValueSlot;

/* It has one item, whose tag is the text of the grid. */
typedef struct CohortValue
{
	Counted base;
	int32 kind; /* TimeKind */
	int32 decimals;
	int64 first; /* moments of rows */
	int64 latest;
} CohortValue;

#define COHORT_VALUE_TYPE "retention_cohort_value"
#define COHORT_VALUE_VERSION 1

extern const CountedType *const cohort_value_counted;

/* Raises 22023 unless the grid has first cohorts without brackets, and as_of where it has elapsed windows. */
extern void cohort_value_check_grid(const Grid *grid);

/* Whether events are moments and not periods: elapsed windows, and where rows say whether they start a cohort. */
static inline bool
cohort_value_by_moment(const Grid *grid, bool flags)
{
	return flags || grid->windows == GRID_ELAPSED;
}

extern CohortValue *cohort_value_new(TimeKind kind, const char *grid_text, int grid_length);

/* A customer's events. May move the value. */
extern void cohort_value_add(CohortValue **value, const Grid *grid, bool by_moment,
							 const AmountEvent *events, int count);

/* Values of the same kind and grid; may move the first. 22023: they are not. */
extern void cohort_value_merge(CohortValue **into, const CohortValue *other);

/* An argument in sorted form, checked. */
extern const CohortValue *cohort_value_open(Datum datum);
extern const Grid *cohort_value_grid(const CohortValue *value);

typedef struct CohortValueCell
{
	int64 cohort;
	int64 size;
	int64 offset;
	int64 at_risk;
	int64 retained;
	int128 amount;
	int128 first;	   /* the amount of period 0 */
	int128 cumulative; /* up to this period */
	int128 least;	   /* sum of least(own amount of period 0, own amount here) */
	bool observed;
} CohortValueCell;

typedef struct CohortValueReader
{
	const CohortValue *value;
	const Grid *grid;
	int64 begun; /* calendar: the last period that has begun, and the last that is over */
	int64 complete;
	int next;	 /* slot */
	bool inside; /* a cohort, whose last cell was `cell` */
	int64 not_begun;
	int64 not_whole;
	int128 negative; /* what all customers of the cohort add to least */
	CohortValueCell cell;
} CohortValueReader;

/* value must come from cohort_value_open(). The next cell, by cohort and period; NULL after the last. */
extern CohortValueReader cohort_value_read_cells(const CohortValue *value);
extern const CohortValueCell *cohort_value_next(CohortValueReader *reader);

extern void cohort_value_write(Datum datum, StringInfo out);
extern void *cohort_value_read(const char *bytes, Size size);

#endif /* RETENTION_COHORT_VALUE_H */
