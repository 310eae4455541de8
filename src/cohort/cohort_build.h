/*
 * cohort_build.h
 *		What the files share that make a summary from the histories of customers; no other file includes it.
 */
#ifndef RETENTION_COHORT_BUILD_H
#define RETENTION_COHORT_BUILD_H

#include "cohort/cohort.h"

/*
 * Counts by cohort and a number. A single hash table as large as a summary may be would take long to grow and be half
 * empty. So there are many small ones, each with some of the cohorts. Their number is prime, for cohorts may be days
 * in a grid of hours.
 */
typedef struct CellKey
{
	uint32 cohort;
	uint32 number;
} CellKey;

/* The four counts of a cell, or the three of a window. */
typedef struct HashedCell
{
	CellKey key;
	int64 counts[4];
	char status;
} HashedCell;

struct cells_hash;

#define CELL_PARTS 73

typedef struct CellTable
{
	int64 cells;
	struct cells_hash *parts[CELL_PARTS]; /* NULL: nothing in it yet */
} CellTable;

/* Called with each cell of a table, in any order. */
typedef void (*CellVisitor)(void *argument, const HashedCell *cell);

typedef int64 CellCounts[4]; /* CELL_ON .. CELL_ENDED */

/* What one customer does in one of their cohorts, in numbers of cells: offsets or brackets. */
typedef struct Outcome
{
	int64 first; /* 0: never */
	int64 last;	 /* 0: never */
	int64 ended;
	int64 on_count; /* cells in Builder.on */
} Outcome;

/*
 * The sums of one customer with recurring cohorts; all but those of CRITERION_ON are differences from cell to cell.
 */
typedef struct CustomerSums
{
	int64 n;
	int64 x[CRITERIA];
} CustomerSums;

/*
 * Bitmaps of the customers of one cohort that are not in the counts yet. Plane p holds bit p of 64 counters, one for
 * each bit of a bitmap, so that a bitmap is added to all counters with a few operations.
 */
#define BITMAP_PLANES 8
#define BITMAPS_MOST ((1 << BITMAP_PLANES) - 1)

typedef struct Bitmaps
{
	int count;
	uint64 on[BITMAP_PLANES];		/* active, place i: i periods after the first */
	uint64 retained[BITMAP_PLANES]; /* active, and in the period before too */
} Bitmaps;

typedef struct Builder
{
	const Grid *grid;
	TimeKind kind;
	TimeKind clock; /* the kind in which windows are measured */
	bool recurring;
	int64 base; /* period of the first moment */
	int64 span; /* periods up to the latest */
	int64 as_of;
	int64 clock_as_of;
	int64 complete; /* the last period that is over, from base */

	int64 customers;
	int64 *sizes;
	int64 (*periods)[PERIOD_COLUMNS]; /* as the table's rows, by period from base; likewise sums */
	int64 *histogram;

	Bitmaps **bitmaps; /* by cohort; NULL: no customer with a bitmap yet */
	CellCounts **rows; /* by cohort; NULL: not used, or nobody yet */
	bool dense;
	CellTable cells;   /* what is not in the rows */
	CellTable windows; /* elapsed */

	/* The customer at hand. Calendar windows: all are periods from base. */
	int64 *values;	/* periods with a row, one entry per event */
	int64 *returns; /* periods in which they came back; elapsed: moments of the clock, ascending */
	int64 *counts;	/* elapsed, min_events above 1: returning events before returns[i] */
	Event *periods_of; /* ... the calendar period of each event; both NULL otherwise */
	int capacity;
	int64 *starts; /* cohorts */
	int nstarts;
	int64 *moments; /* elapsed: when the clock of each cohort begins */
	int64 *on;		/* cells in which they came back, without repeats */
	int64 on_capacity;

	int64 *complete_windows; /* elapsed and recurring: by cohort, -1: not known yet */

	/*
	 * Sums of recurring cohorts. What one customer adds changes in a few cells only: `touched` has a bit for each of
	 * these. All sums but those of CRITERION_ON are differences from cell to cell until sums_finish().
	 */
	CustomerSums *own;
	uint64 *touched;
	int64 own_capacity;
	int64 own_reach; /* the greatest cell with a bit */
	int64 (*sums)[SUM_COLUMNS];
	int64 sums_reach;
	int64 sums_capacity;
	int64 most; /* the sum of n * n in cell 1, the largest sum of all */
} Builder;

/* The offsets of one cohort in which a customer came back, to be asked for in ascending order. */
typedef struct Returns
{
	const Builder *b;
	const int64 *values; /* b->returns */
	int64 start;		 /* the cohort, or the moment at which its clock begins */
	int count;			 /* of b->returns */
	int next;			 /* the first one to look at; those before it are too early */
} Returns;

/* cohort_count.c */

/* The number of offsets in a row. There may be one elapsed window more than there are periods. */
static inline int64
row_width(const Builder *b, int64 cohort)
{
	return b->grid->nbrackets > 0 ? b->grid->nbrackets + 2 : b->span - cohort + 2;
}

extern CellCounts *row_of(Builder *b, int64 cohort);
extern int64 *cell_of(CellTable *table, int64 cohort, int64 number);
extern void cells_each(CellTable *table, CellVisitor visitor, void *argument);

/* Raises 54000 if this customer alone, in `starts` cohorts, has more cells than a summary may have. */
extern void check_rows(Builder *b, int starts, int returns);

/* Add a customer with one cohort; returns are asked from the first offset on. */
extern Outcome count_member(Builder *b, int64 cohort, Returns *returns);

/* Add one of the customer's cohorts, in which the cells up to the base offset `reach` are complete. */
extern void sums_add(Builder *b, const Outcome *outcome, int64 reach);

/* All cohorts of the customer have been added. */
extern void sums_end_customer(Builder *b);

/* All customers have been added. */
extern void sums_finish(Builder *b);

#endif /* RETENTION_COHORT_BUILD_H */
