/*
 * activity.h
 *		The facts of one customer: type retention_activity.
 *
 * A value has two flat forms, told apart by the version in its marks. Stored, it is a few numbers of variable length
 * behind the marks; equal facts are equal bytes. Running, it is the state of an aggregate, which grows in place; the
 * two mean the same, and whatever reads one reads the other.
 */
#ifndef RETENTION_ACTIVITY_H
#define RETENTION_ACTIVITY_H

#include "time/civil.h"
#include "time/grid.h"
#include "history/history.h"

#define ACTIVITY_TYPE "retention_activity"

/* Moments that are not there. */
#define ACTIVITY_NO_FIRST PG_INT64_MAX
#define ACTIVITY_NO_LATEST PG_INT64_MIN

/*
 * One value, checked and opened. The counts and the earliest and latest moment are such as population totals have, so
 * that facts and rows lead to the same summary.
 */
typedef struct ActivityView
{
	TimeKind kind;
	const Grid *grid;	   /* of the cache */
	const char *grid_text; /* canonical, with a zone; grid->text */
	int grid_length;
	bool anchored; /* the start is an anchor, and the only event with EVENT_START */
	int64 rows;	   /* seen, the ignored ones included */
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
 * Open any retention_activity. A view that is used again keeps its array of events (palloc'ed in the context of the
 * call that makes or grows it); the first time it is all zero.
 */
extern void activity_view(Datum value, ActivityView *view);

/* ---- What one row means: the same for facts and for rows of many customers ---- */

/*
 * What a history keeps of a moment: the number of its period, or where windows are elapsed the moment itself. False:
 * the moment is at or after as_of and is not known. Raises an error for moments that have no period.
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

/* The flags of a row that says whether it starts and whether it returns. Its count is 1 if it returns, else 0. */
static inline uint32
activity_flags(bool is_start, bool is_return)
{
	return EVENT_ACTIVE | (is_start ? EVENT_START : 0) | (is_return ? EVENT_RETURN : 0);
}

/*
 * A row with an anchor is ignored where its anchor is NULL or at or after as_of. Else the anchor is an event
 * {EVENT_START, count 0}; a time that is NULL or at or after as_of adds nothing, any other is an event
 * {EVENT_ACTIVE | EVENT_RETURN, count 1}. Of several anchors of a customer only the earliest is a start.
 *
 * activity_convert() gives the anchor as a moment of the type of the row's time, by the grid's zone; a day is its
 * midnight. Infinite ones stay so.
 */
extern int64 activity_convert(const Grid *grid, TimeKind from, TimeKind to, int64 moment);

/* ---- Facts ---- */

/*
 * The running form: changed in place by the aggregate that owns it, VARSIZE is what is allocated. Where it moves, the
 * new one is palloc'ed in the current memory context and the old one is left alone: the executor copies what is new
 * into the aggregate's context and frees what was there.
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

/* 22023 unless rows of that kind and grid belong into the state. */
extern void activity_match(const Activity *state, TimeKind kind, bool anchored, const Grid *grid);

/*
 * These may move the state. moment is the event's own time, value what activity_value() makes of it.
 */
extern Activity *
activity_add(Activity *state, const Grid *grid, int64 moment, int64 value, uint32 flags);
extern void activity_add_anchor(Activity *state, int64 moment);
extern Activity *activity_absorb(Activity *state, const ActivityView *view);

/* The stored form of a running state, palloc'ed. The state is not changed. */
extern struct varlena *activity_store(const Activity *state);
extern struct varlena *activity_store_view(const ActivityView *view);

/* The same facts on a coarser grid, in stored form; 22023 where that would not be exact. */
extern struct varlena *activity_coarsen(const ActivityView *view, Datum grid);

extern void activity_write(Datum value, StringInfo wire);
extern struct varlena *activity_read(const char *bytes, Size size);

#endif /* RETENTION_ACTIVITY_H */
