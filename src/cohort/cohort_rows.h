/*
 * cohort_rows.h
 *		What one row means for cohort_retention: the same code for its transition functions and for the batch scan.
 */
#ifndef RETENTION_COHORT_ROWS_H
#define RETENTION_COHORT_ROWS_H

#include "base/check.h"
#include "cohort/cohort.h"
#include "history/activity.h"
#include "time/lookup.h"

/* What a row says, after the customer. */
typedef enum RowForm
{
	ROW_PLAIN,	/* at, grid */
	ROW_MONTHS, /* at; the grid is COHORT_DEFAULT_GRID */
	ROW_FLAGS,	/* at, grid, is_start, is_return */
	ROW_ANCHOR, /* anchor, at, grid */
	ROW_MAY,	/* at, grid, is_start, is_return, may_start */
} RowForm;

/* A row that starts a cohort, and may. */
#define EVENT_MAY_START 8

typedef struct CohortRow
{
	bool has_customer;
	bool has_anchor;
	bool has_at;
	bool is_start; /* NULL counts as false */
	bool is_return;
	bool may_start;
	int64 anchor;
	int64 at;
} CohortRow;

/* activity_value(), by a lookup if there is one. */
static inline bool
cohort_value(const Grid *grid, TimeKind kind, PeriodLookup *lookup, int64 at, int64 *value)
{
	if (lookup == NULL)
		return activity_value(grid, kind, at, value);
	if (!lookup_known_period(lookup, grid, at, value))
		return false;
	if (grid->windows == GRID_ELAPSED)
		*value = at;
	return true;
}

static inline void
totals_moment(PopulationTotals *totals, int64 moment)
{
	totals->first = Min(totals->first, moment);
	totals->latest = Max(totals->latest, moment);
}

/* The events of a row, at most two. Adds the row to the totals. Inlined with constant form and kinds. */
static pg_attribute_always_inline int
cohort_row_events(const Grid *grid, PeriodLookup *lookup, RowForm form, TimeKind anchor_kind,
				  TimeKind kind, const CohortRow *row, PopulationTotals *totals, Event *events)
{
	int count = 0;
	int64 anchor = row->anchor;
	int64 value;
	int64 anchor_value = 0;
	bool has_anchor = false;
	bool has_time;

	count_add(&totals->rows, 1);
	if (form == ROW_ANCHOR && row->has_customer && row->has_anchor)
	{
		if (anchor_kind != kind)
			anchor = activity_convert(grid, anchor_kind, kind, anchor);
		has_anchor = cohort_value(grid, kind, lookup, anchor, &anchor_value);
	}
	if (!row->has_customer || (form == ROW_ANCHOR ? !has_anchor : !row->has_at))
	{
		count_add(&totals->ignored, 1);
		return 0;
	}
	has_time = row->has_at && cohort_value(grid, kind, lookup, row->at, &value);
	if (form != ROW_ANCHOR && !has_time)
	{
		count_add(&totals->ignored, 1);
		return 0;
	}

	if (has_anchor)
	{
		totals_moment(totals, anchor);
		events[count++] = (Event){anchor_value, 0, EVENT_START};
	}
	if (has_time)
	{
		Event event = {value, 1, EVENT_PLAIN};

		if (form == ROW_ANCHOR)
			event.flags = EVENT_ACTIVE | EVENT_RETURN;
		else if (form == ROW_FLAGS)
		{
			event.flags = activity_flags(row->is_start, row->is_return);
			event.count = row->is_return;
		}
		else if (form == ROW_MAY)
		{
			/* Which start is the first of all is known only by its moment. */
			event.value = row->at;
			event.flags = activity_flags(row->is_start, row->is_return);
			if (row->is_start && row->may_start)
				event.flags |= EVENT_MAY_START;
			event.count = row->is_return;
		}
		totals_moment(totals, row->at);
		events[count++] = event;
	}
	return count;
}

#define COHORT_DEFAULT_GRID "month"

/* Raises 22004: the grid is NULL. */
extern void cohort_null_grid(void) pg_attribute_noreturn();

/* The identity of a population of such rows. */
static inline PopulationIdentity
cohort_identity(const Grid *grid, KeyKind key, RowForm form, TimeKind kind)
{
	return (PopulationIdentity){
		.aggregate = form == ROW_ANCHOR ? AGGREGATE_COHORT_ANCHOR
					 : form == ROW_MAY	? AGGREGATE_COHORT_MAY
										: AGGREGATE_COHORT_ROWS,
		.key = key,
		.kind = kind,
		.shape = {.cap = grid->min_events, .more_flags = form == ROW_MAY ? 1 : 0},
		.tag = grid->text,
		.tag_length = grid->text_length,
	};
}

#endif /* RETENTION_COHORT_ROWS_H */
