/*
 * cohort_build.c
 *		From the histories of customers to a summary.
 *
 * Each customer is looked at once. What he adds is counted in arrays indexed by period and offset; where those would
 * be large, cells are counted in a hash table, so that memory follows what is there and not what could be.
 */
#include "retention.h"

#include "base/check.h"
#include "base/elapsed.h"
#include "cohort/cohort.h"
#include "port/pg_bitutils.h"

typedef struct CellKey
{
	int64 cohort;
	int64 number;
} CellKey;

/* The four counts of a cell, or the three of a window. */
typedef struct Cell
{
	CellKey key;
	int64 counts[4];
	char status;
} Cell;

/* Spread the bits of both keys: a multiplication by the golden ratio after each, and the upper half of the last. */
static inline uint32
hash_key(CellKey key)
{
	uint64 mixed = (uint64) key.cohort * UINT64CONST(0x9E3779B97F4A7C15);

	mixed = (mixed ^ (mixed >> 32) ^ (uint64) key.number) * UINT64CONST(0x9E3779B97F4A7C15);
	return (uint32) (mixed >> 32);
}

#define SH_PREFIX cells
#define SH_ELEMENT_TYPE Cell
#define SH_KEY_TYPE CellKey
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_key(key)
#define SH_EQUAL(table, a, b) ((a).cohort == (b).cohort && (a).number == (b).number)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Rows of cells by offset are taken where all of them would need no more than this. */
#define DENSE_CELLS (1024 * 1024)

typedef int64 CellCounts[4]; /* CELL_ON .. CELL_ENDED */

/* What one customer does in one of his cohorts, in numbers of cells: offsets or brackets. */
typedef struct Outcome
{
	int64 first; /* 0: never */
	int64 last;	 /* 0: never */
	int64 ended;
	int64 on_count; /* cells in Builder.on */
} Outcome;

/* The sums of one customer of recurring cohorts, as differences from cell to cell but for CRITERION_ON. */
typedef struct Own
{
	int64 n;
	int64 x[CRITERIA];
} Own;

/*
 * Words of one cohort that are not in the counts yet: plane p holds bit p of 64 counters, one for each place of a word,
 * so that a word is added to all of them with a few operations.
 */
#define WORD_PLANES 8
#define WORDS_MOST ((1 << WORD_PLANES) - 1)

typedef struct Words
{
	int count;
	uint64 on[WORD_PLANES];		  /* active, place i: i periods after the first */
	uint64 retained[WORD_PLANES]; /* active, and in the period before too */
} Words;

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

	Words **words;	   /* by cohort; NULL: no customers as words yet */
	CellCounts **rows; /* by cohort; NULL: not taken, or nobody yet */
	bool dense;
	cells_hash *cells;	 /* what the rows have no place for */
	cells_hash *windows; /* elapsed */

	int64 *values; /* scratch for the customer at hand: one entry per event */
	int64 *starts;
	int64 *moments;
	int64 *offsets;
	int room;
	int64 *on; /* cells in which he came back, without repeats */
	int64 on_room;

	int64 *complete_windows; /* elapsed and recurring: by cohort, -1: not known yet */
	Own *own;
	int64 own_room;
	int64 own_reach; /* cells of own that are not zero */
	int64 (*sums)[SUM_COLUMNS];
	int64 sums_reach;
	int64 sums_room;
} Builder;

/* ---------- counting ---------- */

static void
pg_attribute_noreturn() too_many_rows(void)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("a cohort summary has at most %d rows", MAX_COHORT_ROWS),
					errhint("Use a coarser grid, a shorter span of time, or brackets.")));
}

static int64 *
hashed_counts(cells_hash *hash, int64 cohort, int64 number)
{
	bool found;
	Cell *cell = cells_insert(hash, (CellKey){cohort, number}, &found);

	if (!found)
	{
		memset(cell->counts, 0, sizeof(cell->counts));
		if (hash->members > MAX_COHORT_ROWS)
			too_many_rows();
	}
	return cell->counts;
}

/* Cells of a row: offsets below it. Elapsed windows may be one more than the periods they lie in. */
static inline int64
row_width(const Builder *b, int64 cohort)
{
	return b->grid->nbrackets > 0 ? b->grid->nbrackets + 2 : b->span - cohort + 2;
}

static CellCounts *
row_of(Builder *b, int64 cohort)
{
	if (!b->dense)
		return NULL;
	if (b->rows[cohort] == NULL)
		b->rows[cohort] = palloc0(row_width(b, cohort) * sizeof(CellCounts));
	return b->rows[cohort];
}

static inline int64 *
cell_counts(Builder *b, CellCounts *row, int64 width, int64 cohort, int64 number)
{
	if (likely(row != NULL && number < width))
		return row[number];
	return hashed_counts(b->cells, cohort, number);
}

/* The cell in which a customer came back, noted for the sums of recurring cohorts. */
static inline void
note_on(Builder *b, Outcome *outcome, int64 number)
{
	if (outcome->on_count == b->on_room)
	{
		b->on_room = Max(64, b->on_room * 2);
		b->on = b->on == NULL ? palloc(b->on_room * sizeof(int64))
							  : repalloc(b->on, b->on_room * sizeof(int64));
	}
	b->on[outcome->on_count++] = number;
}

/* One customer of one cohort; offsets (ascending, >= 1) are those in which he came back. */
static Outcome
count_member(Builder *b, int64 cohort, const int64 *offsets, int count)
{
	const Grid *grid = b->grid;
	CellCounts *row = row_of(b, cohort);
	int64 width = row_width(b, cohort);
	Outcome outcome = {.ended = 1};

#define COUNT(number, column) (cell_counts(b, row, width, cohort, number)[(column) -CELL_ON]++)

	b->sizes[cohort]++;
	if (grid->nbrackets == 0)
	{
		for (int i = 0; i < count; i++)
		{
			COUNT(offsets[i], CELL_ON);
			outcome.ended += offsets[i] == outcome.ended;
			if (b->recurring)
				note_on(b, &outcome, offsets[i]);
		}
		if (count > 0)
		{
			outcome.first = offsets[0];
			outcome.last = offsets[count - 1];
		}
	}
	else if (count > 0)
	{
		const GridBracket *brackets = grid->brackets;
		int64 j = 0;  /* bracket, from 0: the first that does not end before the offset */
		int64 on = 0; /* the last number counted */

		for (int i = 0; i < count; i++)
		{
			while (j < grid->nbrackets && brackets[j].last < offsets[i])
				j++;
			if (i == 0)
				outcome.first = j + 1;
			if (j == grid->nbrackets)
				break;
			if (brackets[j].first <= offsets[i] && on != j + 1)
			{
				on = j + 1;
				COUNT(on, CELL_ON);
				outcome.ended += on == outcome.ended;
				if (b->recurring)
					note_on(b, &outcome, on);
			}
		}
		while (j < grid->nbrackets && brackets[j].first <= offsets[count - 1])
			j++;
		outcome.last = j;
		while (outcome.last > 0 && brackets[outcome.last - 1].first > offsets[count - 1])
			outcome.last--;
	}
	if (outcome.first > 0)
		COUNT(outcome.first, CELL_FIRST);
	if (outcome.last > 0)
		COUNT(outcome.last, CELL_LAST);
	COUNT(outcome.ended, CELL_ENDED);
	return outcome;
#undef COUNT
}

/* ---------- sums of recurring cohorts ---------- */

/* Numbers of cells that are complete where the base offsets up to reach are. */
static int64
complete_cells(const Grid *grid, int64 reach)
{
	int64 j = 0;

	if (grid->nbrackets == 0)
		return reach;
	while (j < grid->nbrackets && grid->brackets[j].last <= reach)
		j++;
	return j;
}

static void
own_range(Builder *b, int criterion, int64 from, int64 to)
{
	if (from <= to)
	{
		b->own[from].x[criterion]++;
		b->own[to + 1].x[criterion]--;
	}
}

/* One of the customer's cohorts; the cells 1..cells of it are complete. */
static void
own_add(Builder *b, const Outcome *outcome, int64 cells)
{
	if (cells < 1)
		return;
	if (cells > MAX_PERIODS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a cohort has at most %d periods up to as_of", MAX_PERIODS),
						errhint("Use a coarser grid, an earlier as_of, or brackets.")));
	if (cells + 2 > b->own_room)
	{
		int64 room = Max(cells + 2, b->own_room * 2);

		b->own = b->own == NULL ? palloc(room * sizeof(Own)) : repalloc(b->own, room * sizeof(Own));
		memset(b->own + b->own_room, 0, (room - b->own_room) * sizeof(Own));
		b->own_room = room;
	}
	b->own_reach = Max(b->own_reach, cells);
	b->own[1].n++;
	b->own[cells + 1].n--;
	for (int64 i = 0; i < outcome->on_count && b->on[i] <= cells; i++)
		b->own[b->on[i]].x[CRITERION_ON]++;
	own_range(b, CRITERION_ON_OR_AFTER, 1, Min(outcome->last, cells));
	if (outcome->first > 0)
		own_range(b, CRITERION_ON_OR_BEFORE, outcome->first, cells);
	own_range(b, CRITERION_STREAK, 1, Min(outcome->ended - 1, cells));
}

/* The customer is complete: squares and products of his own sums. */
static void
own_finish(Builder *b)
{
	Own run = {0};

	if (b->own_reach == 0)
		return;
	if (b->own_reach + 1 > b->sums_room)
	{
		int64 room = Max(b->own_reach + 1, b->sums_room * 2);

		b->sums = b->sums == NULL ? palloc(room * sizeof(*b->sums))
								  : repalloc(b->sums, room * sizeof(*b->sums));
		memset(b->sums + b->sums_room, 0, (room - b->sums_room) * sizeof(*b->sums));
		b->sums_room = room;
	}
	b->sums_reach = Max(b->sums_reach, b->own_reach);
	for (int64 i = 1; i <= b->own_reach; i++)
	{
		Own *own = &b->own[i];
		int64 *sums = b->sums[i];

		run.n += own->n;
		sums[SUM_CUSTOMERS] += run.n > 0;
		count_add(&sums[SUM_NN], run.n * run.n);
		for (int criterion = 0; criterion < CRITERIA; criterion++)
		{
			run.x[criterion] =
				own->x[criterion] + (criterion == CRITERION_ON ? 0 : run.x[criterion]);
			sums[SUM_XX + criterion] += run.x[criterion] * run.x[criterion];
			sums[SUM_XN + criterion] += run.x[criterion] * run.n;
		}
	}
	memset(b->own, 0, (b->own_reach + 2) * sizeof(Own));
	b->own_reach = 0;
}

/* ---------- customers ---------- */

/* An entry that is not what the room's transition functions add: the bytes of the population were made up. */
static void
pg_attribute_noreturn() not_ours(void)
{
	wire_corrupt("retention_population", "A period in it is outside its time.");
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
make_room(Builder *b, int count)
{
	if (count <= b->room)
		return;
	if (b->room > 0)
	{
		pfree(b->values);
		pfree(b->starts);
		pfree(b->moments);
		pfree(b->offsets);
	}
	b->room = Max(64, count * 2);
	b->values = palloc(b->room * sizeof(int64));
	b->starts = palloc(b->room * sizeof(int64));
	b->moments = palloc(b->room * sizeof(int64));
	b->offsets = palloc(b->room * sizeof(int64));
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
	int from = 0;

	if (count == 0)
		return;
	b->customers++;
	make_room(b, count);
	for (int i = 0; i < count; i++)
	{
		int64 period = checked_period(b, events[i].value);

		if (events[i].flags & EVENT_ACTIVE)
			b->values[active++] = period;
		if ((events[i].flags & EVENT_START) && (b->recurring || starts == 0))
			b->starts[starts++] = period;
		/* Nothing before the first start counts as coming back. */
		if (starts > 0 && (events[i].flags & EVENT_RETURN) &&
			events[i].count >= b->grid->min_events)
			b->moments[returns++] = period;
	}
	count_active(b, b->values, active);

	for (int s = 0; s < starts; s++)
	{
		Outcome outcome;

		while (from < returns && b->moments[from] <= b->starts[s])
			from++;
		for (int i = from; i < returns; i++)
			b->offsets[i] = b->moments[i] - b->starts[s];
		outcome = count_member(b, b->starts[s], b->offsets + from, returns - from);
		if (b->recurring)
			own_add(b, &outcome, complete_cells(b->grid, b->complete - b->starts[s]));
	}
	if (b->recurring)
		own_finish(b);
}

static inline void
planes_add(uint64 *planes, uint64 word)
{
	for (int p = 0; word != 0; p++)
	{
		uint64 carry = planes[p] & word;

		planes[p] ^= word;
		word = carry;
	}
}

/* The counter of a place. */
static inline int64
planes_count(const uint64 *planes, int place)
{
	int64 count = 0;

	for (int p = 0; p < WORD_PLANES; p++)
		count += (int64) (planes[p] >> place & 1) << p;
	return count;
}

static void
flush_words(Builder *b, int64 cohort)
{
	Words *words = b->words[cohort];
	CellCounts *row = row_of(b, cohort);

	if (words->count == 0)
		return;
	b->periods[cohort][PERIOD_NEW] += words->count;
	for (int i = 0; i < 64 && cohort + i < b->span; i++)
	{
		int64 on = planes_count(words->on, i);

		b->periods[cohort + i][PERIOD_ACTIVE] += on;
		b->periods[cohort + i][PERIOD_RETAINED] += planes_count(words->retained, i);
		if (i > 0)
			row[i][CELL_ON - CELL_ON] += on;
	}
	memset(words, 0, sizeof(Words));
}

/* visit_calendar() for plain events where each customer has one cohort, offsets are their own cells, and rows dense. */
static void
visit_word(void *argument, int64 first, uint64 bits)
{
	Builder *b = (Builder *) argument;
	int64 cohort = checked_period(b, first);
	uint64 after = bits >> 1;
	CellCounts *row = row_of(b, cohort);
	Words *words = b->words[cohort];

	(void) checked_period(b, first + pg_leftmost_one_pos64(bits));
	if (unlikely(words == NULL))
		words = b->words[cohort] = palloc0(sizeof(Words));
	b->customers++;
	b->sizes[cohort]++;
	b->histogram[pg_popcount64(bits)]++;
	if (after != 0)
	{
		row[pg_rightmost_one_pos64(after) + 1][CELL_FIRST - CELL_ON]++;
		row[pg_leftmost_one_pos64(after) + 1][CELL_LAST - CELL_ON]++;
	}
	row[pg_rightmost_one_pos64(~after) + 1][CELL_ENDED - CELL_ON]++;
	planes_add(words->on, bits);
	planes_add(words->retained, bits & bits << 1);
	if (++words->count == WORDS_MOST)
		flush_words(b, cohort);
}

static int
compare_int64(const void *a, const void *b)
{
	int64 x = *(const int64 *) a, y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

static int
compare_events(const void *a, const void *b)
{
	return compare_int64(&((const Event *) a)->value, &((const Event *) b)->value);
}

/* Wall-clock time to the clock of windows. Times that a clock skips change places, and must not pass as_of. */
static void
set_clock(Builder *b, Event *events, int count, int starts)
{
	bool ordered = true;

	for (int i = 0; i < count; i++)
	{
		events[i].value = Min(zone_instant(b->grid->zone, events[i].value), b->clock_as_of - 1);
		ordered = ordered && (i == 0 || events[i - 1].value <= events[i].value);
	}
	if (!ordered)
		qsort(events, count, sizeof(Event), compare_events);
	for (int s = 0; s < starts; s++)
		b->moments[s] = Min(zone_instant(b->grid->zone, b->moments[s]), b->clock_as_of - 1);
}

/* Sort, mostly what is sorted already, and drop repeats. */
static int
sort_once(int64 *values, int count)
{
	int kept = 1;
	bool ordered = true;

	if (count == 0)
		return 0;
	for (int i = 1; i < count && ordered; i++)
		ordered = values[i - 1] <= values[i];
	if (!ordered)
		qsort(values, count, sizeof(int64), compare_int64);
	for (int i = 1; i < count; i++)
		if (values[i] != values[i - 1])
			values[kept++] = values[i];
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

/* One clock of a customer: the windows since start in which he came back. Values are moments of the clock. */
static void
count_clock(Builder *b, int64 cohort, int64 start, const Event *events, int count)
{
	int64 returned = PG_INT64_MIN; /* the last window counted */
	int32 in_window = 0;
	int offsets = 0;
	int64 whole, begun;
	Outcome outcome;

	for (int i = 0; i < count; i++)
	{
		int64 window;

		if (!(events[i].flags & EVENT_RETURN))
			continue;
		window = grid_elapsed(b->grid, b->clock, start, events[i].value);
		if (window < 1)
			continue;
		if (window != returned)
			in_window = 0;
		returned = window;
		/* A window counts once, when it has enough. */
		if (in_window < b->grid->min_events)
		{
			in_window = (int32) Min((int64) in_window + events[i].count, b->grid->min_events);
			if (in_window == b->grid->min_events)
				b->offsets[offsets++] = window;
		}
	}

	whole = grid_elapsed(b->grid, b->clock, start, b->clock_as_of);
	begun = whole + (grid_anniversary(b->grid, b->clock, start, whole) < b->clock_as_of);
	outcome = count_member(b, cohort, b->offsets, offsets);
	hashed_counts(b->windows, cohort, whole)[WINDOW_WHOLE - WINDOW_WHOLE]++;
	hashed_counts(b->windows, cohort, begun)[WINDOW_BEGUN - WINDOW_WHOLE]++;
	if (offsets > 0)
		hashed_counts(b->windows, cohort, begun)[WINDOW_RETURNED - WINDOW_WHOLE]++;
	if (b->recurring)
		own_add(b, &outcome, complete_cells(b->grid, complete_windows(b, cohort)));
}

/* Elapsed windows: the value of an event is its moment. */
static void
visit_elapsed(void *argument, Event *events, int count)
{
	Builder *b = (Builder *) argument;
	int active = 0, starts = 0;

	if (count == 0)
		return;
	b->customers++;
	make_room(b, count);
	for (int i = 0; i < count; i++)
	{
		int64 moment = events[i].value;
		int64 period;
		bool again = false;

		if (b->kind == TIME_DATE ? !IS_VALID_DATE(moment) : !IS_VALID_TIMESTAMP(moment))
			not_ours();
		if (moment >= b->as_of)
			not_ours();
		period = checked_period(b, grid_period(b->grid, b->kind, moment));
		if (events[i].flags & EVENT_ACTIVE)
			b->values[active++] = period;
		if (!(events[i].flags & EVENT_START) || (!b->recurring && starts > 0))
			continue;
		/* Each cohort once. A clock put back over midnight shows a day again, so it need not be the last one. */
		for (int s = starts - 1; s >= 0 && !again && b->starts[s] >= period - 1; s--)
			again = b->starts[s] == period;
		if (again)
			continue;
		b->starts[starts] = period;
		b->moments[starts] = moment;
		starts++;
	}
	active = sort_once(b->values, active);
	count_active(b, b->values, active);

	if (b->clock != b->kind)
		set_clock(b, events, count, starts);
	for (int s = 0, from = 0; s < starts; s++)
	{
		while (from < count && events[from].value < b->moments[s])
			from++;
		count_clock(b, b->starts[s], b->moments[s], events + from, count - from);
	}
	if (b->recurring)
		own_finish(b);
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
	/* A clock that is put back over midnight shows a day again: periods need not be in the order of time. */
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
	b->words = palloc0(b->span * sizeof(*b->words));
	b->cells = cells_create(CurrentMemoryContext, b->dense ? 8 : 1024, NULL);
	b->windows = cells_create(CurrentMemoryContext, 64, NULL);
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

static int
compare_rows(const void *a, const void *b)
{
	const int64 *x = a, *y = b;
	int order = compare_int64(x, y);

	return order != 0 ? order : compare_int64(x + 1, y + 1);
}

/* Write one row, or only count it where there is no place yet. */
static void
put_row(int64 **at, int64 *rows, const int64 *keys, int nkeys, const int64 *counts, int ncounts)
{
	(*rows)++;
	if (*at == NULL)
		return;
	memcpy(*at, keys, nkeys * sizeof(int64));
	memcpy(*at + nkeys, counts, ncounts * sizeof(int64));
	*at += nkeys + ncounts;
}

static int64
put_hash(const Builder *b, cells_hash *hash, int64 *at, int ncounts)
{
	cells_iterator iterator;
	Cell *cell;
	int64 rows = 0;

	cells_start_iterate(hash, &iterator);
	while ((cell = cells_iterate(hash, &iterator)) != NULL)
	{
		int64 keys[2] = {cell->key.cohort + b->base, cell->key.number};

		put_row(&at, &rows, keys, 2, cell->counts, ncounts);
	}
	return rows;
}

static int64
put_cells(const Builder *b, int64 *at)
{
	int64 *begin = at;
	int64 rows = 0;

	for (int64 cohort = 0; b->dense && cohort < b->span; cohort++)
	{
		if (b->rows[cohort] == NULL)
			continue;
		for (int64 offset = 1; offset < row_width(b, cohort); offset++)
		{
			int64 keys[2] = {cohort + b->base, offset};

			if (!all_zero(b->rows[cohort][offset], 4))
				put_row(&at, &rows, keys, 2, b->rows[cohort][offset], 4);
		}
	}
	rows += put_hash(b, b->cells, at, 4);
	if (begin != NULL && b->cells->members > 0)
		qsort(begin, rows, CELL_COLUMNS * sizeof(int64), compare_rows);
	return rows;
}

/* A table; where at is NULL only its rows are counted. */
static int64
put_table(const Builder *b, CohortTable table, int64 *at)
{
	int64 *begin = at;
	int64 rows = 0;

	switch (table)
	{
		case COHORT_SIZES:
		case COHORT_PERIODS:
			for (int64 i = 0; i < b->span; i++)
			{
				int64 period = b->base + i;

				if (table == COHORT_SIZES && b->sizes[i] > 0)
					put_row(&at, &rows, &period, 1, &b->sizes[i], 1);
				if (table == COHORT_PERIODS &&
					!all_zero(&b->periods[i][PERIOD_ACTIVE], PERIOD_COLUMNS - 1))
					put_row(&at, &rows, &period, 1, &b->periods[i][PERIOD_ACTIVE],
							PERIOD_COLUMNS - 1);
			}
			break;
		case COHORT_CELLS:
			rows = put_cells(b, at);
			break;
		case COHORT_WINDOWS:
			rows = put_hash(b, b->windows, at, WINDOW_COLUMNS - WINDOW_WHOLE);
			if (begin != NULL)
				qsort(begin, rows, WINDOW_COLUMNS * sizeof(int64), compare_rows);
			break;
		case COHORT_HISTOGRAM:
			for (int64 i = 1; i <= b->span; i++)
				if (b->histogram[i] > 0)
					put_row(&at, &rows, &i, 1, &b->histogram[i], 1);
			break;
		case COHORT_SUMS:
			for (int64 i = 1; i <= b->sums_reach; i++)
				put_row(&at, &rows, &i, 1, &b->sums[i][SUM_CUSTOMERS], SUM_COLUMNS - 1);
			break;
		case COHORT_TABLES:
			break;
	}
	return rows;
}

Cohorts *
cohort_build(Population *population, Share share)
{
	const PopulationFrame *frame = population_frame(population);
	PopulationTotals totals = *population_totals(population);
	int64 counts[COHORT_TABLES] = {0};
	MemoryContext context, old;
	Builder *b;
	Cohorts *cohorts;

	if (frame->room != COHORT_ROOM_ROWS && frame->room != COHORT_ROOM_ANCHOR)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of cohort_retention")));
	context =
		AllocSetContextCreate(CurrentMemoryContext, "retention cohorts", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	b = palloc0(sizeof(Builder));
	b->grid = grid_open_text(frame->label, frame->label_length);
	if (b->grid->text_length != frame->label_length)
		wire_corrupt("retention_population", "Its grid has no time zone.");
	b->kind = frame->kind;
	b->recurring = b->grid->cohorts == GRID_RECURRING && frame->room == COHORT_ROOM_ROWS;
	if (totals.latest != PG_INT64_MIN)
	{
		bool takes_words;

		begin_time(b, &totals);
		begin_counts(b);
		takes_words = b->dense && !b->recurring && b->grid->nbrackets == 0;
		if (b->grid->windows == GRID_ELAPSED)
			population_visit_share(population, share, NULL, visit_elapsed, b);
		else
			population_visit_share(population, share, takes_words ? visit_word : NULL,
								   visit_calendar, b);
		for (int64 cohort = 0; takes_words && cohort < b->span; cohort++)
			if (b->words[cohort] != NULL)
				flush_words(b, cohort);
		for (int table = 0; table < COHORT_TABLES; table++)
			counts[table] = put_table(b, table, NULL);
	}
	MemoryContextSwitchTo(old);

	cohorts = cohort_new(b->kind, b->grid->text, b->grid->text_length, counts);
	for (int table = 0; table < COHORT_TABLES; table++)
		if (counts[table] > 0)
			put_table(b, table, cohort_table(cohorts, table));
	cohorts->anchored = frame->room == COHORT_ROOM_ANCHOR;
	cohorts->rows = totals.rows;
	cohorts->ignored = totals.ignored;
	cohorts->first = totals.first;
	cohorts->latest = totals.latest;
	cohorts->customers = b->customers;
	MemoryContextDelete(context);
	return cohorts;
}
