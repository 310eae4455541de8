/*
 * cohort_member.c
 *		One customer in the cells of a cohort table.
 *
 * The summary of the customer alone is made and read by the code that makes and reads that of all customers, so that
 * the counts of a cell are those of its customers.
 */
#include "retention.h"

#include "base/check.h"
#include "base/sort.h"
#include "cohort/cohort.h"
#include "time/civil.h"
#include "time/elapsed.h"
#include "time/grid_text.h"

static int
compare_events(const void *one, const void *other, void *argument)
{
	const MemberEvent *x = one, *y = other;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* What the customer did, by the places of the grid. values: what the events of the facts are on it. */
static void
take_events(MemberReader *reader, const ActivityView *facts, const int64 *values)
{
	const CohortTime *time = &reader->cells.time;
	const Grid *fine = facts->grid;
	bool moments = fine->windows == GRID_ELAPSED;
	bool clock = time->grid->windows == GRID_ELAPSED && reader->clock != reader->kind;
	int64 clock_as_of = clock ? zone_instant(time->grid->zone, time->as_of) : 0;
	bool ordered = true;
	int64 before = 0;
	int n = 0;

	reader->has_at = moments || fine->days == 1 || fine->hours > 0;
	reader->events = palloc((facts->count + (Size) 1) * sizeof(MemberEvent));
	for (int i = 0; i < facts->count; i++)
	{
		const Event *event = &facts->events[i];
		MemberEvent *to = &reader->events[n];

		CHECK_NOW_AND_THEN(i);
		if (!(event->flags & EVENT_ACTIVE))
			continue;
		to->place = clock ? cohort_clock_moment(time->grid, values[i], clock_as_of) : values[i];
		to->at = moments		  ? event->value
				 : reader->has_at ? grid_period_start(fine, facts->kind, event->value)
								  : 0;
		to->count = event->count;
		ordered = ordered && (n == 0 || compare_events(to - 1, to, NULL) <= 0);
		n++;
	}
	if (!ordered)
		sort_any(reader->events, n, sizeof(MemberEvent), compare_events, NULL);
	for (int i = 0; i <= n; i++)
	{
		int64 count = i < n ? reader->events[i].count : 0;

		reader->events[i].count = before;
		before += count;
	}
	reader->nevents = n;
}

MemberReader
cohort_member_begin(const ActivityView *facts, const Datum *grid, CohortCriterion criterion,
					const Timestamp *as_of)
{
	MemberReader reader = {.kind = facts->kind, .cap = facts->grid->min_events};
	int64 *values = palloc(Max(facts->count, 1) * sizeof(int64));
	ActivityView view;

	if (as_of != NULL)
	{
		if (TIMESTAMP_NOT_FINITE(*as_of))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("as_of must be a finite time")));
		grid_check_date("as_of", floor_divide(*as_of, USECS_PER_DAY));
	}
	view = activity_coarsen_view(facts, grid, as_of, values);
	reader.clock = cohort_clock(view.grid, view.kind);
	reader.cells = cohort_cells_begin(cohort_of_customer(&view, &reader.starts, &reader.nstarts),
									  criterion, as_of);
	if (reader.cells.time.known)
		take_events(&reader, facts, values);
	return reader;
}

/* The first event that is not before a place. */
static int
event_from(const MemberReader *reader, int64 place)
{
	int low = 0, high = reader->nevents;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (reader->events[middle].place < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
cohort_member_next(MemberReader *reader, MemberCell *member)
{
	const Grid *grid = reader->cells.time.grid;
	CohortCell *cell = &member->cell;
	int first, end;

	if (!cohort_cells_next(&reader->cells, cell))
		return false;
	if (grid->windows == GRID_CALENDAR)
	{
		member->from = cell->cohort + cell->first;
		member->until = cell->cohort + cell->last + 1;
	}
	else
	{
		int64 start;

		/* Cohorts come in order, and so do nearly all starts. */
		for (int i = 0; i < reader->nstarts && reader->starts[reader->start].cohort != cell->cohort;
			 i++)
			reader->start = (reader->start + 1) % reader->nstarts;
		start = reader->starts[reader->start].moment;
		member->from = grid_window_start(grid, reader->clock, start, cell->first);
		member->until = grid_window_start(grid, reader->clock, start, (int64) cell->last + 1);
	}
	first = event_from(reader, member->from);
	end = event_from(reader, member->until);
	member->has_at = reader->has_at && first < end;
	if (member->has_at)
	{
		member->first_at = reader->events[first].at;
		member->last_at = reader->events[end - 1].at;
	}
	member->events =
		Min(reader->events[end].count - reader->events[first].count, (int64) reader->cap);
	return true;
}
