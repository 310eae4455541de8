/*
 * cohort_build.c
 *		From the histories of customers to a summary.
 *
 * Each customer is visited once. What they add is counted in arrays indexed by period and offset; if these would be
 * large, cells are counted in hash tables, so that memory depends on the cells that there are.
 */
#include "retention.h"

#include "base/check.h"
#include "base/sort.h"
#include "cohort/cohort_build.h"
#include "cohort/cohort_rows.h"
#include "port/pg_bitutils.h"
#include "time/elapsed.h"
#include "time/moment.h"

/* Counts are kept in arrays by offset if all of these would need no more bytes than this. */
#define DENSE_CELLS (1024 * 1024)

/* ---------- customers ---------- */

/* An entry that our transition functions do not add: the bytes of the population were made up. */
static void not_ours(void) pg_attribute_noreturn();

static void
not_ours(void)
{
	wire_corrupt("retention_population", "A period in it is outside the time of its rows.");
}

static inline int64
checked_period(const Builder *b, int64 period)
{
	int64 from_base = period - b->base;

	if (unlikely(from_base < 0 || from_base >= b->span))
		not_ours();
	return from_base;
}

static void
reserve(Builder *b, int count)
{
	if (count <= b->capacity)
		return;
	if (b->capacity > 0)
	{
		pfree(b->values);
		pfree(b->returns);
		if (b->counts != NULL)
		{
			pfree(b->counts);
			pfree(b->periods_of);
		}
	}
	b->capacity = Max(64, count * 2);
	b->values = palloc(b->capacity * sizeof(int64));
	b->returns = palloc(b->capacity * sizeof(int64));
	if (b->grid->windows == GRID_ELAPSED && b->grid->min_events > 1)
	{
		b->counts = palloc(((Size) b->capacity + 1) * sizeof(int64));
		b->periods_of = palloc((Size) b->capacity * sizeof(Event));
	}
}

/* Whether a customer is active in a calendar period: any row will do, or so many returning ones. */
static inline bool
is_active(const Grid *grid, const Event *event)
{
	return (event->flags & EVENT_ACTIVE) != 0 &&
		   (grid->min_events == 1 || event->count >= grid->min_events);
}

/* The calendar periods in which a customer was active, ascending and each once. */
static inline void
count_active(Builder *b, const int64 *periods, int count)
{
	if (count == 0)
		return;
	b->histogram[count]++;
	for (int i = 0; i < count; i++)
	{
		int64 *counts = b->periods[periods[i]];

		CHECK_NOW_AND_THEN(i);
		counts[PERIOD_ACTIVE]++;
		if (i == 0)
			counts[PERIOD_NEW]++;
		else if (periods[i - 1] == periods[i] - 1)
			counts[PERIOD_RETAINED]++;
	}
}

/* Calendar windows: the value of an event is its period. */
static void
visit_calendar(void *argument, Event *events, int count)
{
	Builder *b = (Builder *) argument;
	int active = 0, returns = 0, starts = 0;

	if (count == 0)
		return;
	b->customers++;
	reserve(b, count);
	for (int i = 0; i < count; i++)
	{
		int64 period = checked_period(b, events[i].value);

		CHECK_NOW_AND_THEN(i);
		if (is_active(b->grid, &events[i]))
			b->values[active++] = period;
		if ((events[i].flags & EVENT_START) && (b->recurring || starts == 0))
			b->starts[starts++] = period;
		/* Rows before the first start do not count as coming back. */
		if (starts > 0 && (events[i].flags & EVENT_RETURN) &&
			events[i].count >= b->grid->min_events)
			b->returns[returns++] = period;
	}
	count_active(b, b->values, active);

	check_rows(b, starts, returns);
	for (int s = 0; s < starts; s++)
	{
		Returns r = {.b = b, .values = b->returns, .start = b->starts[s], .count = returns};
		Outcome outcome = count_member(b, b->starts[s], &r);

		if (b->recurring)
			sums_add(b, &outcome, b->complete - b->starts[s]);
	}
	b->nstarts = starts;
	if (b->recurring)
		sums_end_customer(b);
}

static inline void
planes_add(uint64 *planes, uint64 bitmap)
{
	for (int p = 0; bitmap != 0; p++)
	{
		uint64 carry = planes[p] & bitmap;

		planes[p] ^= bitmap;
		bitmap = carry;
	}
}

/* The counter of a cell. */
static inline int64
planes_count(const uint64 *planes, int place)
{
	int64 count = 0;

	for (int p = 0; p < BITMAP_PLANES; p++)
		count += (int64) (planes[p] >> place & 1) << p;
	return count;
}

static void
flush_words(Builder *b, int64 cohort)
{
	Bitmaps *bitmaps = b->bitmaps[cohort];
	CellCounts *row = row_of(b, cohort);

	if (bitmaps->count == 0)
		return;
	b->periods[cohort][PERIOD_NEW] += bitmaps->count;
	for (int i = 0; i < 64 && cohort + i < b->span; i++)
	{
		int64 on = planes_count(bitmaps->on, i);

		b->periods[cohort + i][PERIOD_ACTIVE] += on;
		b->periods[cohort + i][PERIOD_RETAINED] += planes_count(bitmaps->retained, i);
		if (i > 0)
			row[i][CELL_ON - CELL_ON] += on;
	}
	memset(bitmaps, 0, sizeof(Bitmaps));
}

/* visit_calendar() for plain events where each customer has one cohort, offsets are their own cells, and rows dense. */
static void
visit_word(void *argument, int64 first, uint64 bits)
{
	Builder *b = (Builder *) argument;
	int64 cohort = checked_period(b, first);
	uint64 after = bits >> 1;
	CellCounts *row = row_of(b, cohort);
	Bitmaps *bitmaps = b->bitmaps[cohort];

	(void) checked_period(b, first + pg_leftmost_one_pos64(bits));
	if (unlikely(bitmaps == NULL))
		bitmaps = b->bitmaps[cohort] = palloc0(sizeof(Bitmaps));
	b->customers++;
	b->sizes[cohort]++;
	b->histogram[pg_popcount64(bits)]++;
	if (after != 0)
	{
		row[pg_rightmost_one_pos64(after) + 1][CELL_FIRST - CELL_ON]++;
		row[pg_leftmost_one_pos64(after) + 1][CELL_LAST - CELL_ON]++;
	}
	row[pg_rightmost_one_pos64(~after) + 1][CELL_ENDED - CELL_ON]++;
	planes_add(bitmaps->on, bits);
	planes_add(bitmaps->retained, bits & bits << 1);
	if (++bitmaps->count == BITMAPS_MOST)
		flush_words(b, cohort);
}

/*
 * Converts wall-clock times to the kind of windows. Times that a clock skips may change their order, and must not
 * pass as_of.
 */
static void
set_clock(Builder *b, Event *events, int count, int starts)
{
	bool ordered = true;

	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		events[i].value = cohort_clock_moment(b->grid, events[i].value, b->clock_as_of);
		ordered = ordered && (i == 0 || events[i - 1].value <= events[i].value);
	}
	if (!ordered)
		history_sort(events, count);
	for (int s = 0; s < starts; s++)
		b->moments[s] = cohort_clock_moment(b->grid, b->moments[s], b->clock_as_of);
}

/* Put the periods of moments together, and keep those in which the customer was active. */
static int
keep_active(Builder *b, int count)
{
	int kept = 0;

	count = history_normalise(b->periods_of, count, b->grid->min_events);
	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (is_active(b->grid, &b->periods_of[i]))
			b->values[kept++] = b->periods_of[i].value;
	}
	return kept;
}

/* Sort (mostly sorted values) and drop duplicates. */
static int
sort_once(int64 *values, int count)
{
	int kept = 1;

	if (count == 0)
		return 0;
	sort_int64(values, count);
	for (int i = 1; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (values[i] != values[i - 1])
			values[kept++] = values[i];
	}
	return kept;
}

int64
cohort_complete_windows(const Grid *grid, TimeKind kind, int64 cohort, int64 as_of)
{
	TimeKind clock = cohort_clock(grid, kind);
	int64 end;

	if (clock != kind)
		as_of = zone_instant(grid->zone, as_of);
	end = grid_period_start(grid, clock, cohort + 1);
	return end > as_of ? 0 : Max(0, grid_elapsed(grid, clock, end, as_of) - 1);
}

static int64
complete_windows(Builder *b, int64 cohort)
{
	if (b->complete_windows[cohort] < 0)
		b->complete_windows[cohort] =
			cohort_complete_windows(b->grid, b->kind, b->base + cohort, b->as_of);
	return b->complete_windows[cohort];
}

/* The returns of a customer, as moments of the clock. Returns their number. */
static int
take_returns(Builder *b, const Event *events, int count)
{
	int64 before = 0;
	int returns = 0;

	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (!(events[i].flags & EVENT_RETURN))
			continue;
		b->returns[returns] = events[i].value;
		if (b->counts != NULL)
			b->counts[returns] = before;
		before += events[i].count;
		returns++;
	}
	if (b->counts != NULL)
		b->counts[returns] = before;
	return returns;
}

/* One clock of a customer: in which windows since it began they came back. */
static void
count_clock(Builder *b, int64 cohort, int64 start, int returns)
{
	/* In an hour that a clock shows twice the start may be before window 0. */
	int64 whole = Max(grid_elapsed(b->grid, b->clock, start, b->clock_as_of), 0);
	int64 whole_from = grid_window_start(b->grid, b->clock, start, whole);
	int64 begun = Max(whole + (whole_from < b->clock_as_of), 1);
	Returns r = {.b = b, .values = b->returns, .start = start, .count = returns};
	Outcome outcome = count_member(b, cohort, &r);

	cell_of(&b->windows, cohort, whole)[WINDOW_WHOLE - WINDOW_WHOLE]++;
	cell_of(&b->windows, cohort, begun)[WINDOW_BEGUN - WINDOW_WHOLE]++;
	if (outcome.first > 0)
		cell_of(&b->windows, cohort, begun)[WINDOW_RETURNED - WINDOW_WHOLE]++;
	if (b->recurring)
		sums_add(b, &outcome, complete_windows(b, cohort));
}

/* Elapsed windows: the value of an event is its moment. */
static void
visit_elapsed(void *argument, Event *events, int count)
{
	Builder *b = (Builder *) argument;
	int active = 0, returns, starts = 0;

	if (count == 0)
		return;
	b->customers++;
	reserve(b, count);
	for (int i = 0; i < count; i++)
	{
		int64 moment = events[i].value;
		int64 period;
		bool again = false;

		CHECK_NOW_AND_THEN(i);
		if (!moment_is_valid(b->kind, moment))
			not_ours();
		if (moment >= b->as_of)
			not_ours();
		period = checked_period(b, grid_period(b->grid, b->kind, moment));
		if (b->periods_of != NULL)
			b->periods_of[active++] = (Event){period, events[i].count, events[i].flags};
		else if (events[i].flags & EVENT_ACTIVE)
			b->values[active++] = period;
		if (!(events[i].flags & EVENT_START) || (!b->recurring && starts > 0))
			continue;
		/* Each cohort once. It need not be the last one: a clock set back over midnight shows a day again. */
		for (int s = starts - 1; s >= 0 && !again && b->starts[s] >= period - 1; s--)
			again = b->starts[s] == period;
		if (again)
			continue;
		if (starts == b->span)
			not_ours();
		b->starts[starts] = period;
		b->moments[starts] = moment;
		starts++;
	}
	active = b->periods_of != NULL ? keep_active(b, active) : sort_once(b->values, active);
	count_active(b, b->values, active);

	if (b->clock != b->kind)
		set_clock(b, events, count, starts);
	returns = take_returns(b, events, count);
	check_rows(b, starts, returns);
	for (int s = 0; s < starts; s++)
		count_clock(b, b->starts[s], b->moments[s], returns);
	b->nstarts = starts;
	if (b->recurring)
		sums_end_customer(b);
}

/*
 * The first start of a customer decides whether they are in cohorts at all. The value of an event is its moment, with
 * calendar windows, too.
 */
static void
visit_may(void *argument, Event *events, int count)
{
	Builder *b = (Builder *) argument;
	bool elapsed = b->grid->windows == GRID_ELAPSED;
	bool started = false, may = false;

	for (int i = 0; i < count; i++)
	{
		Event *event = &events[i];

		CHECK_NOW_AND_THEN(i);
		if (!started && (event->flags & EVENT_START))
		{
			started = true;
			may = (event->flags & EVENT_MAY_START) != 0;
		}
		event->flags &= EVENT_PLAIN & ~(may ? 0 : EVENT_START);
		if (!elapsed && !moment_is_valid(b->kind, event->value))
			not_ours();
		if (!elapsed)
			event->value = grid_period(b->grid, b->kind, event->value);
	}
	if (elapsed)
		visit_elapsed(b, events, count);
	else
		visit_calendar(b, events, history_normalise(events, count, b->grid->min_events));
}

/* ---------- the whole ---------- */

static void
begin_time(Builder *b, const PopulationTotals *totals)
{
	const Grid *grid = b->grid;
	int64 begun;

	(void) cohort_known_until(grid, b->kind, totals->latest, &b->as_of);
	if (totals->first > totals->latest || totals->latest >= b->as_of)
		not_ours();
	b->base = grid_period(grid, b->kind, totals->first);
	b->span = grid_period(grid, b->kind, totals->latest) + 1 - b->base;
	if (b->span > MAX_PERIODS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a cohort summary has at most %d periods, not %lld", MAX_PERIODS,
						(long long) b->span),
				 errhint("Use a coarser grid, or leave out rows with times that cannot be.")));
	/* A clock that is set back over midnight shows a day again: periods need not be in the order of time. */
	b->base--;
	b->span += 2;
	begun = grid_period(grid, b->kind, b->as_of - 1);
	b->complete = begun - b->base - (grid_period_start(grid, b->kind, begun + 1) > b->as_of);

	b->clock = cohort_clock(grid, b->kind);
	b->clock_as_of = b->clock == b->kind ? b->as_of : zone_instant(grid->zone, b->as_of);
}

static void
begin_counts(Builder *b)
{
	int64 width = b->grid->nbrackets > 0 ? b->grid->nbrackets + 2 : b->span / 2 + 2;

	b->sizes = palloc0(b->span * sizeof(*b->sizes));
	b->periods = palloc0(b->span * sizeof(*b->periods));
	b->histogram = palloc0((b->span + 1) * sizeof(*b->histogram));
	b->dense = width * b->span <= DENSE_CELLS;
	if (b->dense)
		b->rows = palloc0(b->span * sizeof(*b->rows));
	b->bitmaps = palloc0(b->span * sizeof(*b->bitmaps));
	b->starts = palloc(b->span * sizeof(int64));
	b->moments = palloc0(b->span * sizeof(int64));
	b->complete_windows = palloc(b->span * sizeof(int64));
	for (int64 i = 0; i < b->span; i++)
		b->complete_windows[i] = -1;
}

static inline bool
all_zero(const int64 *counts, int n)
{
	for (int i = 0; i < n; i++)
		if (counts[i] != 0)
			return false;
	return true;
}

/* The two keys of a row. */
static int
compare_rows(const void *one, const void *other, void *argument)
{
	const int64 *x = one, *y = other;

	if (x[0] != y[0])
		return x[0] < y[0] ? -1 : 1;
	return x[1] < y[1] ? -1 : x[1] > y[1];
}

/* Rows of a table; if at is NULL, they are only counted. */
typedef struct Rows
{
	int64 *at;
	int64 count;
	int ncounts; /* columns after the keys */
	int64 base;
} Rows;

static void
put_row(Rows *rows, const int64 *keys, int nkeys, const int64 *counts)
{
	CHECK_NOW_AND_THEN(rows->count);
	rows->count++;
	if (rows->at == NULL)
		return;
	memcpy(rows->at, keys, nkeys * sizeof(int64));
	memcpy(rows->at + nkeys, counts, rows->ncounts * sizeof(int64));
	rows->at += nkeys + rows->ncounts;
}

static void
put_cell(void *argument, const HashedCell *cell)
{
	Rows *rows = argument;
	int64 keys[2] = {cell->key.cohort + rows->base, cell->key.number};

	put_row(rows, keys, 2, cell->counts);
}

static void
put_dense(const Builder *b, Rows *rows)
{
	for (int64 cohort = 0; b->dense && cohort < b->span; cohort++)
	{
		if (b->rows[cohort] == NULL)
			continue;
		CHECK_FOR_INTERRUPTS();
		for (int64 offset = 1; offset < row_width(b, cohort); offset++)
		{
			int64 keys[2] = {cohort + b->base, offset};

			if (!all_zero(b->rows[cohort][offset], 4))
				put_row(rows, keys, 2, b->rows[cohort][offset]);
		}
	}
}

/* A table; if at is NULL, only its rows are counted. */
static int64
put_table(Builder *b, CohortTable table, int64 *at)
{
	CellTable *cells = table == COHORT_CELLS ? &b->cells : &b->windows;
	Rows rows = {.at = at, .base = b->base};

	rows.ncounts = cohort_columns[table] - cohort_keys[table];
	switch (table)
	{
		case COHORT_SIZES:
		case COHORT_PERIODS:
			for (int64 i = 0; i < b->span; i++)
			{
				int64 period = b->base + i;
				const int64 *counts =
					table == COHORT_SIZES ? &b->sizes[i] : &b->periods[i][PERIOD_ACTIVE];

				if (!all_zero(counts, rows.ncounts))
					put_row(&rows, &period, 1, counts);
			}
			break;
		case COHORT_CELLS:
		case COHORT_WINDOWS:
			if (table == COHORT_CELLS)
				put_dense(b, &rows);
			cells_each(cells, put_cell, &rows);
			if (at != NULL && cells->cells > 0)
				sort_any(at, rows.count, cohort_columns[table] * sizeof(int64), compare_rows, NULL);
			break;
		case COHORT_HISTOGRAM:
			for (int64 i = 1; i <= b->span; i++)
				if (b->histogram[i] > 0)
					put_row(&rows, &i, 1, &b->histogram[i]);
			break;
		case COHORT_SUMS:
			for (int64 i = 1; i <= b->sums_reach; i++)
				put_row(&rows, &i, 1, &b->sums[i][SUM_CUSTOMERS]);
			break;
		case COHORT_TABLES:
			break;
	}
	return rows.count;
}

/* A builder without customers, in the current context; its time is that of the totals. */
static Builder *
builder_begin(const Grid *grid, TimeKind kind, bool anchored, const PopulationTotals *totals)
{
	Builder *b = palloc0(sizeof(Builder));

	b->grid = grid;
	b->kind = kind;
	b->recurring = grid->cohorts == GRID_RECURRING && !anchored;
	if (totals->latest != PG_INT64_MIN)
	{
		begin_time(b, totals);
		begin_counts(b);
	}
	return b;
}

/* The summary of a builder, which is made in a context of its own: it is palloc'ed in `context`. */
static Cohorts *
builder_end(Builder *b, bool anchored, const PopulationTotals *totals, MemoryContext context)
{
	int64 counts[COHORT_TABLES] = {0};
	Cohorts *cohorts;

	if (totals->latest != PG_INT64_MIN)
	{
		sums_finish(b);
		for (int table = 0; table < COHORT_TABLES; table++)
			counts[table] = put_table(b, table, NULL);
	}
	MemoryContextSwitchTo(context);
	cohorts = cohort_new(b->kind, b->grid->text, b->grid->text_length, counts);
	for (int table = 0; table < COHORT_TABLES; table++)
		if (counts[table] > 0)
			put_table(b, table, cohort_table(cohorts, table));
	cohorts->anchored = anchored;
	cohorts->rows = totals->rows;
	cohorts->ignored = totals->ignored;
	cohorts->first = totals->first;
	cohorts->latest = totals->latest;
	cohorts->customers = b->customers;
	return cohorts;
}

static MemoryContext
builder_context(void)
{
	return AllocSetContextCreate(CurrentMemoryContext, "retention cohorts", ALLOCSET_DEFAULT_SIZES);
}

Cohorts *
cohort_build(Population *population, Share share)
{
	const PopulationIdentity *identity = population_identity(population);
	PopulationTotals totals = *population_totals(population);
	bool anchored = identity->aggregate == AGGREGATE_COHORT_ANCHOR;
	bool may = identity->aggregate == AGGREGATE_COHORT_MAY;
	MemoryContext context, old;
	const Grid *grid;
	Builder *b;
	Cohorts *cohorts;

	if (identity->aggregate != AGGREGATE_COHORT_ROWS && !anchored && !may)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of cohort_retention")));
	context = builder_context();
	old = MemoryContextSwitchTo(context);
	grid = grid_open_text(identity->tag, identity->tag_length);
	if (grid->text_length != identity->tag_length)
		wire_corrupt("retention_population", "Its grid has no time zone.");
	b = builder_begin(grid, identity->kind, anchored, &totals);
	if (totals.latest != PG_INT64_MIN)
	{
		bool takes_words = b->dense && !b->recurring && b->grid->nbrackets == 0 && !may;

		if (may)
			population_visit_share(population, share, NULL, visit_may, b);
		else if (b->grid->windows == GRID_ELAPSED)
			population_visit_share(population, share, NULL, visit_elapsed, b);
		else
			population_visit_share(population, share, takes_words ? visit_word : NULL,
								   visit_calendar, b);
		for (int64 cohort = 0; takes_words && cohort < b->span; cohort++)
			if (b->bitmaps[cohort] != NULL)
				flush_words(b, cohort);
	}
	cohorts = builder_end(b, anchored, &totals, old);
	MemoryContextDelete(context);
	return cohorts;
}

Cohorts *
cohort_of_customer(const ActivityView *view, CohortStart **starts, int *count)
{
	PopulationTotals totals = {
		.rows = view->rows, .ignored = view->ignored, .first = view->first, .latest = view->latest};
	MemoryContext context = builder_context();
	MemoryContext old = MemoryContextSwitchTo(context);
	Builder *b = builder_begin(view->grid, view->kind, view->anchored, &totals);
	Cohorts *cohorts;

	if (view->count > 0 && view->grid->windows == GRID_ELAPSED)
		visit_elapsed(b, view->events, view->count);
	else if (view->count > 0)
		visit_calendar(b, view->events, view->count);
	cohorts = builder_end(b, view->anchored, &totals, old);
	*count = b->nstarts;
	*starts = palloc(Max(b->nstarts, 1) * sizeof(CohortStart));
	for (int i = 0; i < b->nstarts; i++)
		(*starts)[i] = (CohortStart){b->starts[i] + b->base, b->moments[i]};
	MemoryContextDelete(context);
	return cohorts;
}
