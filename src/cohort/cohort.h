/*
 * cohort.h
 *		Cohorts: who started when, and who of them came back. Type retention_cohorts.
 *
 * A summary is six tables of whole numbers, each sorted by its keys, with no row that is all zero. Every number is a
 * sum over customers, so that summaries of disjoint customers add. An offset is the number of periods since the
 * cohort's own (calendar) or of windows since the customer's start (elapsed), always >= 1; where the grid has
 * brackets, it is the number of the bracket, and the number of brackets + 1 means beyond the last.
 */
#ifndef RETENTION_COHORT_H
#define RETENTION_COHORT_H

#include "time/grid.h"
#include "base/wire.h"
#include "math/interval.h"
#include "population/population.h"
#include "utils/numeric.h"

typedef enum CohortTable
{
	COHORT_SIZES,
	COHORT_CELLS,
	COHORT_WINDOWS, /* elapsed windows only */
	COHORT_PERIODS,
	COHORT_HISTOGRAM,
	COHORT_SUMS, /* recurring cohorts only */
	COHORT_TABLES,
} CohortTable;

/* The columns of each table; keys come first. */
enum
{
	SIZE_COHORT, /* period */
	SIZE_CUSTOMERS,
	SIZE_COLUMNS,
};

enum
{
	CELL_COHORT,
	CELL_OFFSET,
	CELL_ON,	/* customers who came back at the offset */
	CELL_LAST,	/* ... for the last time; with brackets, the last bracket that begins by then */
	CELL_FIRST, /* ... for the first time; with brackets, the first that ends at it or later */
	CELL_ENDED, /* customers who came back at every offset before this one, and not at this one */
	CELL_COLUMNS,
};

enum
{
	WINDOW_COHORT,
	WINDOW_NUMBER,
	WINDOW_WHOLE, /* customers with exactly that many whole windows behind them, without brackets */
	WINDOW_BEGUN, /* customers for whom exactly that many windows have begun */
	WINDOW_RETURNED, /* of those, who came back in any window >= 1 */
	WINDOW_COLUMNS,
};

enum
{
	PERIOD_NUMBER,
	PERIOD_ACTIVE,
	PERIOD_NEW,		 /* never active before */
	PERIOD_RETAINED, /* active in the period before too */
	PERIOD_COLUMNS,
};

enum
{
	HISTOGRAM_PERIODS, /* a number of active periods, >= 1 */
	HISTOGRAM_CUSTOMERS,
	HISTOGRAM_COLUMNS,
};

typedef enum CohortCriterion
{
	CRITERION_ON,
	CRITERION_ON_OR_AFTER,
	CRITERION_ON_OR_BEFORE,
	CRITERION_STREAK,
	CRITERIA,
} CohortCriterion;

/*
 * Per customer and offset: n of his cohorts have a complete cell there, in x of those he is retained. Elapsed windows:
 * complete is what is so for a start at the very end of the cohort's period.
 */
enum
{
	SUM_OFFSET,
	SUM_CUSTOMERS,				/* with n > 0 */
	SUM_NN,						/* sum of n * n */
	SUM_XX,						/* sum of x * x, by criterion */
	SUM_XN = SUM_XX + CRITERIA, /* sum of x * n */
	SUM_COLUMNS = SUM_XN + CRITERIA,
};

/* The stored value: flat, never changed except by the aggregate that owns it. */
typedef struct Cohorts
{
	FlatHeader mark;
	int32 kind;			/* TimeKind */
	int32 grid_length;	/* bytes of the grid's text at the end */
	int32 sums_unknown; /* 1: recurring cohorts added up at different as_of, COHORT_SUMS is empty */
	int32 anchored;		/* 1: cohorts begin with anchors, and a customer is in one only */
	int64 rows;			/* seen, the ignored ones included */
	int64 ignored;		/* no customer, no start time, or at or after as_of */
	int64 first; /* earliest and latest moment: PG_INT64_MAX and PG_INT64_MIN where there is none */
	int64 latest;
	int64 customers;
	int64 counts[COHORT_TABLES]; /* rows of each table */
	int64 numbers[FLEXIBLE_ARRAY_MEMBER];
	/* The tables, row by row, then the grid's text. */
} Cohorts;

#define COHORT_TYPE "retention_cohorts"
#define COHORT_VERSION 1

/* Rows of all tables together: some 200 MB. */
#define MAX_COHORT_ROWS 4000000

/* Whether a customer can be in several cohorts. */
extern bool cohort_is_recurring(const Cohorts *cohorts);

extern const int cohort_columns[COHORT_TABLES];
extern const int cohort_keys[COHORT_TABLES];

static inline const char *
cohort_grid_text(const Cohorts *cohorts)
{
	return (const char *) cohorts + VARSIZE(cohorts) - cohorts->grid_length;
}

/* The first row of a table. */
extern int64 *cohort_table(const Cohorts *cohorts, CohortTable table);

/* The grid, opened: it belongs to the cache. */
extern const Grid *cohort_grid(const Cohorts *cohorts);

/* The as_of that a summary has when it is given none: the grid's, or the end of the latest row. False: no rows. */
extern bool cohort_known_until(const Grid *grid, TimeKind kind, int64 latest, int64 *as_of);

/*
 * The summary of a share of a population, palloc'ed in the current context. The population's totals are taken as they
 * are. What can be seen of the population does not change.
 */
extern Cohorts *cohort_build(Population *population, Share share);

/*
 * The kind of time in which windows are measured: hours, days and weeks that pass are not those a clock shows, so
 * that wall-clock time becomes instants.
 */
static inline TimeKind
cohort_clock(const Grid *grid, TimeKind kind)
{
	return kind == TIME_LOCAL && grid->months == 0 ? TIME_INSTANT : kind;
}

/* An empty summary with room for the rows; everything but kind, grid and counts is zero. 54000 where it is too large. */
extern Cohorts *cohort_new(TimeKind kind, const char *grid_text, int grid_length,
						   const int64 counts[COHORT_TABLES]);

/*
 * Add the customers of another summary; none may be in both. Returns cohorts changed in place where it has all rows
 * of the other, else a new summary in the current context.
 */
extern Cohorts *cohort_merge(Cohorts *cohorts, const Cohorts *other);

/*
 * Take customers out: what is left of whole without those of part, all of whose rows are in it, palloc'ed. 22023 where
 * that cannot be. Not known is when the rest's rows begin and end: its moments are those of whole. For that reason
 * elapsed windows must end with the same row in both, or as_of is set; recurring cohorts have no sums otherwise.
 */
extern Cohorts *cohort_subtract(const Cohorts *whole, const Cohorts *part);

/*
 * The same customers known anew: old out, new in. The moments are those of whole and of new together; exact: where old
 * has the first or the latest row of whole, the caller sees to it that new has that of the result, and they are exact.
 */
extern Cohorts *
cohort_replace(const Cohorts *whole, const Cohorts *old, const Cohorts *new, bool exact);

/* XX001 unless the numbers are such as cohort_build() makes. */
extern void cohort_check(const Cohorts *cohorts);

/* Whether the sizes written in a summary, its marks known, are those of its memory. */
extern bool cohort_has_shape(const void *state);

extern void cohort_write(const Cohorts *cohorts, StringInfo wire);
extern Cohorts *cohort_read(const char *bytes, Size size);

/* ---- Answers ---- */

/* 22023 with the list of names where there is none of that name. */
extern CohortCriterion cohort_criterion(const char *name);

/* Where time stands for an answer. */
typedef struct CohortTime
{
	const Grid *grid;
	bool known;		/* false: the summary has no moments, and nothing can be said */
	bool later;		/* than the time that the summary was made as of */
	int64 as_of;	/* a moment of the summary's kind */
	int64 begun;	/* the last calendar period that has begun by then */
	int64 complete; /* the last one that is over: begun, or begun - 1 */
} CohortTime;

/* asked: wall-clock time of the grid's zone, or NULL. 22023 where the summary does not know the answer then. */
extern CohortTime cohort_time(const Cohorts *cohorts, const Timestamp *asked);

typedef struct CohortCell
{
	int64 cohort; /* period */
	int64 size;
	int64 period;	   /* 0, or an offset or the number of a bracket */
	int64 first, last; /* base offsets */
	int64 at_risk;
	int64 retained;
	bool observed;
} CohortCell;

typedef struct CellReader
{
	const Cohorts *cohorts;
	CohortTime time;
	CohortCriterion criterion;
	int64 next_cohort; /* rows of the tables */
	int64 next_cell;
	int64 next_window;
	int64 window_end;
	int64 next_period;
	int64 reached; /* on_or_before: first returns so far; streak: streaks that have ended so far */
	int64 remaining;   /* on_or_after: customers whose last return is not before the cell */
	int64 not_begun;   /* elapsed: customers for whom the window has not begun */
	int64 not_at_risk; /* of those, who have come back */
	int64 not_whole;
	int64 whole_window;
} CellReader;

extern CellReader
cohort_cells_begin(const Cohorts *cohorts, CohortCriterion criterion, const Timestamp *asked);

/* The next cell, by cohort and period, or false after the last. */
extern bool cohort_cells_next(CellReader *reader, CohortCell *cell);

typedef enum CurveMean
{
	MEAN_POOLED,  /* all customers of all cohorts as one */
	MEAN_SIMPLE,  /* every cohort counts the same */
	MEAN_CHAINED, /* on_or_before: as a survival curve of the first return */
} CurveMean;

/* 22023 where there is none of that name, or none for the criterion. */
extern CurveMean cohort_mean(const char *name, CohortCriterion criterion);

/* One period of a curve, from the observed cells of all cohorts. */
typedef struct CurvePoint
{
	int64 cohorts; /* 0: no observed cell, and nothing below is set but period */
	int64 period;
	int64 at_risk;	/* chained: who has not come back before */
	int64 retained; /* chained: of those, who comes back here first */
	Numeric rate;	/* per cent */
	bool has_limits;
	Limits limits; /* fractions */
} CurvePoint;

/* Points 0..count - 1, palloc'ed; returns count. */
extern int64 cohort_curve(const Cohorts *cohorts, CohortCriterion criterion, CurveMean mean,
						  const Timestamp *asked, double confidence, CurvePoint **points);

/*
 * Elapsed windows: the base offsets that are complete for whoever starts in a cohort (a period), even at its very
 * end. as_of is a moment of the summary's kind.
 */
extern int64 cohort_complete_windows(const Grid *grid, TimeKind kind, int64 cohort, int64 as_of);

#endif /* RETENTION_COHORT_H */
