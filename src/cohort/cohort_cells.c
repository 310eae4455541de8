/*
 * cohort_cells.c
 *		Reading cohorts cell by cell.
 */
#include "retention.h"

#include "base/check.h"
#include "base/choice.h"
#include "cohort/cohort.h"
#include "time/civil.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* In the order of CohortCriterion, and then other names that the field has for the first ones. */
static const char *const criterion_names[] = {"on",	   "on_or_after", "on_or_before", "streak",
											  "n-day", "rolling",	  "unbounded"};

CohortCriterion
cohort_criterion(const char *name)
{
	const char *digits = name + strcspn(name, "0123456789");
	int found;

	/* D7 and day 7 are no criteria but offsets. */
	if (pg_strncasecmp(name, "d", 1) == 0 && *digits != '\0' &&
		digits[strspn(digits, "0123456789")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized criterion: \"%s\"", name),
				 errhint("Offsets are brackets of the grid, such as 'day; brackets=1,7,30'.")));
	found = choice("criterion", name, criterion_names, lengthof(criterion_names));
	if (found < CRITERIA)
		return found;
	return found == CRITERIA ? CRITERION_ON : CRITERION_ON_OR_AFTER;
}

/* Wall-clock time in the grid's zone as a moment; a day that is not over is not known. */
static int64
moment_of_local(const Grid *grid, TimeKind kind, Timestamp local)
{
	switch (kind)
	{
		case TIME_DATE:
			return floor_divide(local, USECS_PER_DAY);
		case TIME_LOCAL:
			return local;
		case TIME_INSTANT:
			return zone_instant(grid->zone, local);
	}
	pg_unreachable();
}

static char *
print_moment(const Grid *grid, TimeKind kind, int64 moment)
{
	Timestamp local = kind == TIME_DATE	   ? moment * USECS_PER_DAY
					  : kind == TIME_LOCAL ? moment
										   : zone_local(grid->zone, moment);

	return DatumGetCString(DirectFunctionCall1(timestamp_out, TimestampGetDatum(local)));
}

CohortTime
cohort_time(const Cohorts *cohorts, const Timestamp *as_of)
{
	CohortTime time = {.grid = cohort_grid(cohorts)};

	if (as_of != NULL && TIMESTAMP_NOT_FINITE(*as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("as_of must be a finite time")));
	time.known = cohort_known_until(time.grid, cohorts->kind, cohorts->latest, &time.as_of);
	if (!time.known)
		return time;
	if (as_of != NULL)
	{
		int64 moment = moment_of_local(time.grid, cohorts->kind, *as_of);

		if (moment < time.as_of || (moment > time.as_of && time.grid->windows == GRID_ELAPSED))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 moment < time.as_of
						 ? errmsg("cohorts cannot be read as of a time before their rows end")
						 : errmsg("cohorts with elapsed windows cannot be read as of a later time"),
					 errdetail("They are as of %s, the time asked for is %s.",
							   print_moment(time.grid, cohorts->kind, time.as_of),
							   print_moment(time.grid, cohorts->kind, moment)),
					 errhint("Set as_of in the grid: retention_grid(..., as_of => ...).")));
		time.later = moment > time.as_of;
		time.as_of = moment;
	}
	time.begun = grid_period(time.grid, cohorts->kind, time.as_of - 1);
	time.complete =
		time.begun - (grid_period_start(time.grid, cohorts->kind, time.begun + 1) > time.as_of);
	return time;
}

CellReader
cohort_cells_begin(const Cohorts *cohorts, CohortCriterion criterion, const Timestamp *as_of)
{
	CellReader reader = {
		.cohorts = cohorts, .time = cohort_time(cohorts, as_of), .criterion = criterion};

	return reader;
}

static const int64 *
cells_at(const CellReader *reader)
{
	return cohort_table(reader->cohorts, COHORT_CELLS) + reader->next_cell * CELL_COLUMNS;
}

static const int64 *
window_at(const CellReader *reader, int64 row)
{
	return cohort_table(reader->cohorts, COHORT_WINDOWS) + row * WINDOW_COLUMNS;
}

/* Whether the next row of a table belongs to the cohort. */
static bool
has_row(const CellReader *reader, CohortTable table, int64 row, int64 cohort)
{
	return row < reader->cohorts->counts[table] &&
		   cohort_table(reader->cohorts, table)[row * cohort_columns[table]] == cohort;
}

static void
enter_cohort(CellReader *reader, int64 cohort)
{
	int64 row = reader->next_cell;

	reader->remaining = 0;
	for (; has_row(reader, COHORT_CELLS, row, cohort); row++)
	{
		CHECK_NOW_AND_THEN(row);
		reader->remaining +=
			cohort_table(reader->cohorts, COHORT_CELLS)[row * CELL_COLUMNS + CELL_LAST];
	}
	reader->reached = reader->not_begun = reader->not_at_risk = reader->not_whole = 0;
	reader->whole_window = reader->next_window;
}

/* Skip the remaining rows of the cohort. */
static void
leave_cohort(CellReader *reader, int64 cohort)
{
	while (has_row(reader, COHORT_CELLS, reader->next_cell, cohort))
		reader->next_cell++;
	while (has_row(reader, COHORT_WINDOWS, reader->next_window, cohort))
		reader->next_window++;
	reader->next_cohort++;
	reader->next_period = 0;
}

/*
 * The customers at risk, and whether the window is complete for all of them. False: the cell has not begun for
 * anybody.
 */
static bool
judge_cell(CellReader *reader, CohortCell *cell)
{
	const CohortTime *time = &reader->time;

	if (time->grid->windows == GRID_CALENDAR)
	{
		cell->at_risk = cell->size;
		cell->observed = cell->cohort + cell->last <= time->complete;
		return cell->cohort + cell->first <= time->begun;
	}
	/* A window has begun for the customers for whom more windows have begun than there are before it. */
	while (has_row(reader, COHORT_WINDOWS, reader->next_window, cell->cohort) &&
		   window_at(reader, reader->next_window)[WINDOW_NUMBER] <= cell->first)
	{
		const int64 *window = window_at(reader, reader->next_window++);

		reader->not_begun += window[WINDOW_BEGUN];
		reader->not_at_risk += window[WINDOW_RETURNED];
	}
	while (has_row(reader, COHORT_WINDOWS, reader->whole_window, cell->cohort) &&
		   window_at(reader, reader->whole_window)[WINDOW_NUMBER] <= cell->last)
		reader->not_whole += window_at(reader, reader->whole_window++)[WINDOW_WHOLE];
	cell->at_risk = cell->size - reader->not_begun;
	cell->observed = reader->not_whole == 0;
	return cell->at_risk > 0;
}

/* The criteria from the counts of a summary; they are defined in doc/cohort.md. */
static void
count_retained(CellReader *reader, CohortCell *cell)
{
	bool here = has_row(reader, COHORT_CELLS, reader->next_cell, cell->cohort) &&
				cells_at(reader)[CELL_OFFSET] == cell->period;
	const int64 *counts = here ? cells_at(reader) : NULL;

	switch (reader->criterion)
	{
		case CRITERION_ON:
			cell->retained = here ? counts[CELL_ON] : 0;
			break;
		case CRITERION_ON_OR_AFTER:
			cell->retained = reader->remaining;
			if (here)
				reader->remaining -= counts[CELL_LAST];
			break;
		case CRITERION_ON_OR_BEFORE:
			/* Customers who came back earlier, and for whom this window has not begun, are not at risk here. */
			if (here)
				reader->reached += counts[CELL_FIRST];
			cell->retained = reader->reached - reader->not_at_risk;
			break;
		case CRITERION_STREAK:
			if (here)
				reader->reached += counts[CELL_ENDED];
			cell->retained = cell->size - reader->reached;
			break;
		case CRITERIA:
			break;
	}
	if (here)
		reader->next_cell++;
}

bool
cohort_cells_next(CellReader *reader, CohortCell *cell)
{
	const Cohorts *cohorts = reader->cohorts;
	const Grid *grid = reader->time.grid;

	while (reader->time.known && reader->next_cohort < cohorts->counts[COHORT_SIZES])
	{
		const int64 *row = cohort_table(cohorts, COHORT_SIZES) + reader->next_cohort * SIZE_COLUMNS;

		cell->cohort = row[SIZE_COHORT];
		cell->size = row[SIZE_CUSTOMERS];
		cell->period = reader->next_period++;
		if (cell->period == 0)
		{
			enter_cohort(reader, cell->cohort);
			cell->first = cell->last = 0;
			(void) judge_cell(reader, cell);
			cell->retained = cell->at_risk;
			return true;
		}
		if (cell->period > MAX_PERIODS)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("a cohort has at most %d periods up to as_of", MAX_PERIODS),
							errhint("Use a coarser grid, an earlier as_of, or brackets.")));
		if (grid->nbrackets == 0)
			cell->first = cell->last = cell->period;
		else if (cell->period <= grid->nbrackets)
		{
			cell->first = grid->brackets[cell->period - 1].first;
			cell->last = grid->brackets[cell->period - 1].last;
		}
		if ((grid->nbrackets == 0 || cell->period <= grid->nbrackets) && judge_cell(reader, cell))
		{
			count_retained(reader, cell);
			return true;
		}
		leave_cohort(reader, cell->cohort);
	}
	return false;
}
