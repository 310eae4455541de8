/*
 * cohort.h
 *		Cohorts: who started when, and who of them came back. Type retention_cohorts.
 *
 * The module cohort answers every question about cohorts from one summary:
 *
 *	 cohort_sql, cohort_rows	rows in: what a row means; cohort_batch: the same for the batch scan
 *	 cohort_build, cohort_count	from the histories of customers to a summary
 *	 cohort						the summary: merging, subtracting, checking, reading and writing
 *	 cohort_cells, cohort_curve	answers: the cohort table by a criterion, one curve from all cohorts
 *	 cohort_suppress			cells of few customers hidden
 *	 cohort_member				answers about one customer: in which cells they are, and how they count there
 *	 cohort_rate_sql			retention_rate and churn_rate of two ranges of time, without a summary
 *
 * The path of a row: a transition function in cohort_sql.c calls cohort_row_events() and adds the events to the
 * history of the customer in population/. cohort_build() visits every customer once and counts them into the tables
 * of a summary. cohort_cells() checks the summary, reads it cell by cell and adds confidence intervals.
 *
 * A summary is six tables of whole numbers, each sorted by its keys, without rows that are all zero. Every number is
 * a sum over customers, so that summaries of disjoint customers can be added. An offset is the number of periods
 * since that of the cohort (calendar) or of windows since the customer's start (elapsed), always >= 1. If the grid
 * has brackets, it is the number of the bracket, and the number of brackets + 1 means beyond the last.
 */
#ifndef RETENTION_COHORT_H
#define RETENTION_COHORT_H

#include "base/wire.h"
#include "history/activity.h"
#include "math/interval.h"
#include "population/population.h"
#include "time/grid.h"
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
	WINDOW_WHOLE, /* customers with exactly so many complete windows; brackets do not count here */
	WINDOW_BEGUN, /* customers for whom exactly so many windows have begun */
	WINDOW_RETURNED, /* those of them who came back in any window >= 1 */
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
 * Sums over customers, by offset: n is the number of a customer's cohorts with a complete cell there, x the number of
 * those cells in which they are retained. With elapsed windows a cell is complete if it is for a start at the very
 * end of the cohort's period.
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
	int64 rows;			/* all of them, ignored ones included */
	int64 ignored;		/* no customer, no start time, or at or after as_of */
	int64 first; /* earliest and latest moment; PG_INT64_MAX and PG_INT64_MIN if there is none */
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

/* The grid, decoded; it belongs to the cache. */
extern const Grid *cohort_grid(const Cohorts *cohorts);

/* The as_of of a summary if none is asked for: the grid's, or the end of the latest row. False: no rows. */
extern bool cohort_known_until(const Grid *grid, TimeKind kind, int64 latest, int64 *as_of);

/*
 * The summary of a share of a population, palloc'ed in the current context, with the totals of the whole population.
 * The population may be reorganized, but its contents do not change.
 */
extern Cohorts *cohort_build(Population *population, Share share);

/*
 * The kind of time in which windows are measured. Elapsed hours, days and weeks are not those that a clock shows, so
 * wall-clock times become instants.
 */
static inline TimeKind
cohort_clock(const Grid *grid, TimeKind kind)
{
	return kind == TIME_LOCAL && grid->months == 0 ? TIME_INSTANT : kind;
}

/* A wall-clock time as a moment of that clock: a time that the clock skips must not pass as_of. */
static inline int64
cohort_clock_moment(const Grid *grid, int64 local, int64 clock_as_of)
{
	return Min(zone_instant(grid->zone, local), clock_as_of - 1);
}

/* A cohort of one customer, and with elapsed windows the moment at which its clock begins. */
typedef struct CohortStart
{
	int64 cohort; /* period */
	int64 moment; /* of cohort_clock() */
} CohortStart;

/*
 * The summary of one customer alone, and the cohorts they are in; both palloc'ed. The events of the view may be
 * changed.
 */
extern Cohorts *cohort_of_customer(const ActivityView *view, CohortStart **starts, int *count);

/*
 * An empty summary with space for the rows. All but kind, grid and counts is zero. Raises 54000 if it is too large.
 */
extern Cohorts *cohort_new(TimeKind kind, const char *grid_text, int grid_length,
						   const int64 counts[COHORT_TABLES]);

/*
 * Add the customers of another summary; none may be in both. If cohorts has all rows of the other, it is changed in
 * place and returned, else a new summary in the current context is.
 */
extern Cohorts *cohort_merge(Cohorts *cohorts, const Cohorts *other);

/*
 * The customers of whole without those of part, palloc'ed; all rows of part must be in whole. Raises 22023 if that
 * cannot be. When the remaining rows begin and end is not known, so the moments are those of whole. Therefore elapsed
 * windows must end with the same row in both, or as_of must be set; otherwise recurring cohorts have no sums.
 */
extern Cohorts *cohort_subtract(const Cohorts *whole, const Cohorts *part);

/*
 * Replace customers: whole without old, with new. The moments are those of whole and new together. exact: they are
 * exact, for the caller ensures that new has the first or latest row of the result if old has that of whole.
 */
extern Cohorts *
cohort_replace(const Cohorts *whole, const Cohorts *old, const Cohorts *new, bool exact);

/* Raises XX001 unless the numbers can come from cohort_build(). */
extern void cohort_check(const Cohorts *cohorts);

/* Whether the sizes written in a summary, its marks known, are those of its memory. */
extern bool cohort_has_shape(const void *state);

extern void cohort_write(const Cohorts *cohorts, StringInfo wire);
extern Cohorts *cohort_read(const char *bytes, Size size);

/* ---- Answers ---- */

/* Raises 22023 on an unrecognized name. */
extern CohortCriterion cohort_criterion(const char *name);

/* The time as of which an answer is given. */
typedef struct CohortTime
{
	const Grid *grid;
	bool known;		/* false: the summary has no moments, and nothing can be said */
	bool later;		/* as_of is later than that of the summary */
	int64 as_of;	/* a moment of the summary's kind */
	int64 begun;	/* the last calendar period that has begun by then */
	int64 complete; /* the last one that is over: begun, or begun - 1 */
} CohortTime;

/* as_of: wall-clock time in the grid's zone, or NULL. Raises 22023 if the summary has no answer for that time. */
extern CohortTime cohort_time(const Cohorts *cohorts, const Timestamp *as_of);

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
	int64 not_begun;   /* elapsed windows: customers for whom the window has not begun */
	int64 not_at_risk; /* those of them who have come back */
	int64 not_whole;
	int64 whole_window;
} CellReader;

extern CellReader
cohort_cells_begin(const Cohorts *cohorts, CohortCriterion criterion, const Timestamp *as_of);

/* The next cell, by cohort and period, or false after the last. */
extern bool cohort_cells_next(CellReader *reader, CohortCell *cell);

/*
 * All remaining cells, palloc'ed, and which of them are hidden because they have fewer customers than `least`, or would
 * tell of one that has. If the first cell of a cohort is hidden, all of its cells are. Returns their number.
 */
extern int64
cohort_cells_suppressed(CellReader *reader, int64 least, CohortCell **cells, bool **hidden);

/* ---- One customer ---- */

/* Something that a customer did. */
typedef struct MemberEvent
{
	int64 place; /* a period; elapsed windows: a moment of the clock */
	int64 at;	 /* a moment of the facts, or the start of their period */
	int64 count; /* returning events before this one */
} MemberEvent;

typedef struct MemberReader
{
	TimeKind kind;
	TimeKind clock;
	CellReader cells; /* of the summary of this customer alone */
	CohortStart *starts;
	int nstarts;
	int start;			 /* of the cohort at hand */
	MemberEvent *events; /* by place and time; one more at the end */
	int nevents;
	bool has_at;
	int32 cap; /* events of a period are counted up to it; 1: they are not counted */
} MemberReader;

/* The cell of one customer, for whom it has begun. */
typedef struct MemberCell
{
	CohortCell cell; /* retained is 0 or 1; observed: the period is over for the customer */
	int64 from;		 /* elapsed windows: their window, in moments of the clock */
	int64 until;	 /* ... PG_INT64_MAX: after every moment */
	bool has_at;	 /* there is a row in it, and when is known */
	int64 first_at;
	int64 last_at;
	int64 events; /* returning events, up to the cap of the reader */
} MemberCell;

/*
 * The cells of a customer; grid and as_of are as for activity_coarsen_view(), and as_of may be later than that of a
 * grid with calendar windows. Allocates in the current context.
 */
extern MemberReader cohort_member_begin(const ActivityView *facts, const Datum *grid,
										CohortCriterion criterion, const Timestamp *as_of);

/* The next cell, by cohort and period, or false after the last. */
extern bool cohort_member_next(MemberReader *reader, MemberCell *member);

typedef enum CurveMean
{
	MEAN_POOLED,  /* all customers of all cohorts as one */
	MEAN_SIMPLE,  /* every cohort counts the same */
	MEAN_CHAINED, /* on_or_before: as a survival curve of the first return */
} CurveMean;

/* Raises 22023 on an unrecognized name and on one that does not fit the criterion. */
extern CurveMean cohort_mean(const char *name, CohortCriterion criterion);

/* One period of a curve, from the observed cells of all cohorts. */
typedef struct CurvePoint
{
	int64 cohorts; /* 0: no cell is observed, and only period is set */
	int64 period;
	int64 at_risk;	/* chained: customers who have not come back before */
	int64 retained; /* chained: those of them who come back first here */
	Numeric rate;	/* per cent */
	bool has_limits;
	Limits limits; /* fractions */
} CurvePoint;

/* Points 0..count - 1, palloc'ed; returns count. */
extern int64 cohort_curve(const Cohorts *cohorts, CohortCriterion criterion, CurveMean mean,
						  const Timestamp *as_of, double confidence, CurvePoint **points);

/*
 * Elapsed windows: the number of base offsets that are complete for all customers who start in a cohort (a period),
 * even at its very end. as_of is a moment of the summary's kind.
 */
extern int64 cohort_complete_windows(const Grid *grid, TimeKind kind, int64 cohort, int64 as_of);

#endif /* RETENTION_COHORT_H */
