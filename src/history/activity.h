/*
 * activity.h
 *		The facts of one customer: type retention_activity.
 *
 * The module history answers when one customer was active, from their own rows:
 *
 *	 history	events in order, each once: sorting, merging, reading and writing; population/ uses it, too
 *	 activity	facts: the states of activity() and activity_union(), their stored form and its checks
 *	 activity_coarsen	facts on a coarser grid
 *	 activity_sql	the SQL functions: transition functions, first_active(), active_periods() and others
 *
 * The path of a row: a transition function in activity_sql.c finds the state, activity_value() turns the moment into
 * a period (or leaves it a moment for elapsed windows), activity_add() appends it to the log of the state.
 * activity_store() sorts the log into the stored form, and cohort_retention(activity) reads it by activity_view().
 *
 * A value has two flat forms, told apart by the version in its marks. The stored form is a few numbers of variable
 * length after the marks; equal facts are equal bytes. The running form is the state of an aggregate and grows in
 * place. Both have the same meaning, and every function reads both.
 */
#ifndef RETENTION_ACTIVITY_H
#define RETENTION_ACTIVITY_H

#include "history/history.h"
#include "time/civil.h"
#include "time/grid.h"

#define ACTIVITY_TYPE "retention_activity"

/* Instead of a moment: there is none. */
#define ACTIVITY_NO_FIRST PG_INT64_MAX
#define ACTIVITY_NO_LATEST PG_INT64_MIN

/*
 * A value, checked and decoded. Its counts and its earliest and latest moment mean the same as in PopulationTotals,
 * so that facts and rows give the same summary.
 */
typedef struct ActivityView
{
	TimeKind kind;
	const Grid *grid;	   /* belongs to the cache of grids */
	const char *grid_text; /* canonical, with a zone; grid->text */
	int grid_length;
	bool anchored; /* the start is an anchor, and the only event with EVENT_START */
	int64 rows;	   /* all of them, ignored ones included */
	int64 ignored; /* no time (or no anchor), or at or after as_of */
	int64 first;   /* the earliest and the latest moment used, anchors included */
	int64 latest;
	int64 first_start; /* ACTIVITY_NO_FIRST: no row starts a cohort */
	int64 last;		   /* of a row, without anchors; ACTIVITY_NO_LATEST: an anchor only */
	Event *events;	   /* normalised; cap is grid->min_events */
	int count;
	int capacity; /* allocated for events */
} ActivityView;

/*
 * Decode a retention_activity in either form. The view is all zero before the first use. A view that is used again
 * keeps its array of events, palloc'ed in the context of the call that makes or enlarges it.
 */
extern void activity_view(Datum value, ActivityView *view);

/* ---- What one row means: the same for facts and for rows of many customers ---- */

/*
 * The value of an event at a moment: the number of its period, or with elapsed windows the moment itself. False: the
 * moment is at or after as_of and so not known. Raises an error for moments that have no period.
 */
static inline bool
activity_value(const Grid *grid, TimeKind kind, int64 at, int64 *value)
{
	int64 period;

	if (grid->has_as_of && at >= grid_as_of(grid, kind))
		return false;
	period = grid_period(grid, kind, at);
	*value = grid->windows == GRID_ELAPSED ? at : period;
	return true;
}

/* The flags of the event of a row. Its count is 1 if is_return, else 0. */
static inline uint32
activity_flags(bool is_start, bool is_return)
{
	return EVENT_ACTIVE | (is_start ? EVENT_START : 0) | (is_return ? EVENT_RETURN : 0);
}

/*
 * A row with an anchor is ignored if the anchor is NULL or at or after as_of. Otherwise the anchor is an event
 * {EVENT_START, count 0}, and the time an event {EVENT_ACTIVE | EVENT_RETURN, count 1}, unless it is NULL or at or
 * after as_of. Only the earliest of a customer's anchors is a start.
 *
 * activity_convert() converts an anchor to the type of the row's time in the grid's zone; a day becomes its midnight.
 * Infinite moments stay infinite.
 */
extern int64 activity_convert(const Grid *grid, TimeKind from, TimeKind to, int64 moment);

/* ---- Facts ---- */

/*
 * The running form: changed in place by the aggregate that owns it; VARSIZE is what is allocated. If it has to move,
 * the new one is palloc'ed in the current memory context and the old one is not freed: the executor copies a new
 * state into the aggregate's context and frees the old one.
 */
typedef struct Activity
{
	FlatHeader mark;
	uint8 kind;	 /* TimeKind */
	uint8 marks; /* RUNNING_* */
	uint16 grid_length;
	int32 used; /* bytes of the log */
	int64 rows;
	int64 ignored;
	int64 first;
	int64 first_start;
	int64 last;
	int64 value; /* of the event logged last */
	/* The latest moment used (int64) where anchored, the grid's text, the log. */
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} Activity;

/* The layout version of running states, in their marks. */
#define ACTIVITY_RUNNING 2

/* Whether the sizes written in a running state, its marks known, are those of its memory. */
extern bool activity_has_shape(const void *state);

/* A state without rows, in the current memory context. */
extern Activity *activity_new(TimeKind kind, bool anchored, const Grid *grid);

/* The running form of any value, in the current memory context. */
extern Activity *activity_run(Datum value);

/* Raises 22023 unless the state has rows of that kind and grid. */
extern void activity_match(const Activity *state, TimeKind kind, bool anchored, const Grid *grid);

/* These may move the state. moment is the time of the event, value the result of activity_value(). */
extern Activity *
activity_add(Activity *state, const Grid *grid, int64 moment, int64 value, uint32 flags);
extern void activity_add_anchor(Activity *state, int64 moment);
extern Activity *activity_absorb(Activity *state, const ActivityView *view);

/* The stored form of a running state, palloc'ed. The state is not changed. */
extern struct varlena *activity_store(const Activity *state);
extern struct varlena *activity_store_view(const ActivityView *view);

/*
 * The same facts on a coarser grid, with events of their own. Raises 22023 if that would not be exact. grid: NULL for
 * that of the facts. as_of is that of a grid without one; NULL: none. values: NULL, or space for what each event of the
 * view has become.
 */
extern ActivityView activity_coarsen_view(const ActivityView *view, const Datum *grid,
										  const Timestamp *as_of, int64 *values);

/* The same in stored form. */
extern struct varlena *activity_coarsen(const ActivityView *view, Datum grid);

extern void activity_write(Datum value, StringInfo wire);
extern struct varlena *activity_read(const char *bytes, Size size);

#endif /* RETENTION_ACTIVITY_H */
