/*
 * activity_coarsen.c
 *		Facts from a fine grid to a coarse one, if every period of the fine grid lies within one of the coarse grid.
 */
#include "retention.h"

#include "base/check.h"
#include "history/activity.h"
#include "time/grid_text.h"

static void refuse(const Grid *fine, const Grid *coarse, const char *reason, const char *hint)
	pg_attribute_noreturn();

static void
refuse(const Grid *fine, const Grid *coarse, const char *reason, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("facts on the grid \"%s\" cannot be converted to \"%s\"", fine->text,
						   coarse->text),
					errdetail("%s", reason), errhint("%s", hint)));
}

#define ROWS_HINT "Build these facts from the rows."
#define FINER_HINT "Build these facts from the rows, or keep them on a finer grid, such as days."

/* The grid to coarsen to: the value, or that of the facts; a zone and an as_of that it does not have are added. */
static const Grid *
open_coarse(const Grid *fine, const Datum *value, const Timestamp *as_of)
{
	Grid *grid;
	char *written;

	if (value == NULL)
		grid = grid_read_stored(fine->text, fine->text_length);
	else
	{
		struct varlena *bytes = PG_DETOAST_DATUM_PACKED(*value);

		grid = grid_read_stored(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	}
	if (grid->zone_name == NULL)
		grid->zone_name = fine->zone_name;
	if (as_of != NULL && !grid->has_as_of)
	{
		grid->has_as_of = true;
		grid->as_of = *as_of;
		grid_check(grid);
	}
	written = grid_write(grid);
	return grid_open_text(written, (int) strlen(written));
}

/* Whether no calendar period of the fine grid contains a boundary of the coarse one. */
static bool
nests(const Grid *fine, const Grid *coarse)
{
	Civil fine_base, coarse_base;

	if (coarse->hours > 0)
		return fine->hours > 0 && coarse->hours % fine->hours == 0;
	if (fine->hours > 0 || fine->days == 1)
		return true;
	if (coarse->days > 0)
		return fine->days > 0 && coarse->days % fine->days == 0 &&
			   (coarse->base - (int64) fine->base) % fine->days == 0;
	if (fine->months == 0)
		return false;
	fine_base = civil_of_day(fine->base);
	coarse_base = civil_of_day(coarse->base);
	return coarse->months % fine->months == 0 && fine_base.day == coarse_base.day &&
		   (coarse_base.month - fine_base.month) % fine->months == 0;
}

/*
 * The period of an hour as it passes. False: the hour belongs to two days, for a clock was set by part of an hour or
 * over midnight.
 */
static bool
period_of_hour(const Grid *fine, const Grid *coarse, TimeKind kind, int64 hour, int64 *period)
{
	int64 ends[2];

	ends[0] = grid_period_start(fine, TIME_INSTANT, hour);
	ends[1] = grid_period_start(fine, TIME_INSTANT, hour + 1) - 1;
	*period = grid_period(coarse, TIME_INSTANT, ends[0]);
	for (int i = 0; i < 2; i++)
	{
		Timestamp local = zone_local(fine->zone, ends[i]);
		/* By how much the clock was set forward in the last 26 hours (a zone may skip a day). */
		int64 before = ends[i] - 26 * USECS_PER_HOUR;
		int64 skipped = (local - ends[i]) - (zone_local(fine->zone, before) - before);

		if (grid_period(coarse, TIME_INSTANT, ends[i]) != *period)
			return false;
		/* A wall-clock time that was skipped counts in a later hour, maybe of the next day. */
		if (kind == TIME_LOCAL && skipped > 0 &&
			grid_period(fine, TIME_LOCAL, local - skipped) == hour &&
			grid_period(coarse, TIME_LOCAL, local - skipped) != *period)
			return false;
	}
	return true;
}

/* The period of the coarse grid that contains a period of the fine one. */
static bool
period_of_period(const Grid *fine, const Grid *coarse, TimeKind kind, int64 value, int64 *period)
{
	int64 day;

	if (fine->hours == 1)
		return period_of_hour(fine, coarse, kind, value, period);
	if (fine->hours > 0)
	{
		int64 hour = fine->base * (int64) HOURS_PER_DAY + value * fine->hours;

		if (coarse->hours > 0)
		{
			*period = floor_divide(hour - coarse->base * (int64) HOURS_PER_DAY, coarse->hours);
			return true;
		}
		day = floor_divide(hour, HOURS_PER_DAY);
	}
	else if (fine->days > 0)
		day = fine->base + value * fine->days;
	else
	{
		Civil base = civil_of_day(fine->base);
		int64 month = base.month + value * fine->months;

		day = day_of_civil(month, Min(base.day, days_of_month(month)));
	}
	*period = grid_period(coarse, TIME_DATE, day);
	return true;
}

ActivityView
activity_coarsen_view(const ActivityView *view, const Datum *value, const Timestamp *as_of,
					  int64 *values)
{
	const Grid *fine = view->grid;
	const Grid *coarse = value == NULL && as_of == NULL ? fine : open_coarse(fine, value, as_of);
	bool moments = fine->windows == GRID_ELAPSED;
	ActivityView answer = *view;

	if (strcmp(fine->zone_name, coarse->zone_name) != 0)
		refuse(fine, coarse, "The time zones differ.", ROWS_HINT);
	if (coarse->min_events > fine->min_events)
		refuse(fine, coarse, "The facts count the events of a period only up to their min_events.",
			   "Build these facts from the rows, with the greatest min_events that is asked for.");
	if (fine->has_as_of && !coarse->has_as_of)
		refuse(fine, coarse, "The facts know nothing from their as_of on.",
			   "Give the grid the same as_of.");
	if (coarse->has_as_of)
	{
		int64 as_of = grid_as_of(coarse, view->kind);

		if (fine->has_as_of && as_of > grid_as_of(fine, view->kind))
			refuse(fine, coarse, "The facts know nothing from their as_of on.",
				   "Give the grid the same as_of.");
		if (view->latest >= as_of)
			refuse(fine, coarse, "The facts hold rows at or after as_of.", ROWS_HINT);
	}
	if (!moments && coarse->windows == GRID_ELAPSED)
		refuse(fine, coarse,
			   "Elapsed windows need the moments themselves, and the facts keep periods.",
			   "Build these facts from the rows, with windows => 'elapsed'.");
	if (!moments && !nests(fine, coarse))
		refuse(fine, coarse, "Its periods are not made of whole periods of the facts.", FINER_HINT);

	answer.grid = coarse;
	answer.grid_text = coarse->text;
	answer.grid_length = coarse->text_length;
	answer.events = palloc(Max(view->count, 1) * sizeof(Event));
	for (int i = 0; i < view->count; i++)
	{
		Event *event = &answer.events[i];

		CHECK_NOW_AND_THEN(i);
		*event = view->events[i];
		if (moments)
		{
			int64 period = grid_period(coarse, view->kind, event->value);

			if (coarse->windows == GRID_CALENDAR)
				event->value = period;
		}
		else if (!period_of_period(fine, coarse, view->kind, event->value, &event->value))
			refuse(fine, coarse,
				   "The clock was set in an hour of the facts that is part of two days.",
				   ROWS_HINT);
		if (values != NULL)
			values[i] = event->value;
	}
	answer.capacity = Max(view->count, 1);
	answer.count = history_normalise(answer.events, answer.count, coarse->min_events);
	return answer;
}

struct varlena *
activity_coarsen(const ActivityView *view, Datum grid)
{
	ActivityView answer = activity_coarsen_view(view, &grid, NULL, NULL);

	return activity_store_view(&answer);
}
