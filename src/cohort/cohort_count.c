/*
 * cohort_count.c
 *		What one customer adds to the cells and sums of a summary.
 *
 * The work for a customer depends on what they add: a cell is reached by a search among their returns, not by reading
 * all of these for each of their cohorts.
 */
#include "retention.h"

#include "base/check.h"
#include "base/mix.h"
#include "cohort/cohort_build.h"
#include "port/pg_bitutils.h"
#include "time/elapsed.h"

static inline uint32
hash_key(CellKey key)
{
	return (uint32) mix64(mix64(0, key.cohort), key.number);
}

/* Do not grow early because of a long probe: the tables are small, and memory is scarce. */
#define SH_GROW_MAX_DIB 100
#define SH_GROW_MAX_MOVE 1000
#define SH_PREFIX cells
#define SH_ELEMENT_TYPE HashedCell
#define SH_KEY_TYPE CellKey
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_key(key)
#define SH_EQUAL(table, a, b) ((a).cohort == (b).cohort && (a).number == (b).number)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* ---------- cells ---------- */

static void too_many_rows(void) pg_attribute_noreturn();

static void
too_many_rows(void)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("a cohort summary has at most %d rows", MAX_COHORT_ROWS),
					errhint("Use a coarser grid, a shorter span of time, or brackets.")));
}

int64 *
cell_of(CellTable *table, int64 cohort, int64 number)
{
	CellKey key = {(uint32) cohort, (uint32) number};
	cells_hash **part = &table->parts[key.cohort % CELL_PARTS];
	bool found;
	HashedCell *cell;

	if (*part == NULL)
		*part = cells_create(CurrentMemoryContext, 8, NULL);
	cell = cells_insert(*part, key, &found);
	if (!found)
	{
		memset(cell->counts, 0, sizeof(cell->counts));
		if (++table->cells > MAX_COHORT_ROWS)
			too_many_rows();
	}
	return cell->counts;
}

void
cells_each(CellTable *table, CellVisitor visitor, void *argument)
{
	for (int i = 0; i < CELL_PARTS; i++)
	{
		cells_iterator iterator;
		const HashedCell *cell;

		CHECK_FOR_INTERRUPTS();
		if (table->parts[i] == NULL)
			continue;
		cells_start_iterate(table->parts[i], &iterator);
		while ((cell = cells_iterate(table->parts[i], &iterator)) != NULL)
			visitor(argument, cell);
	}
}

CellCounts *
row_of(Builder *b, int64 cohort)
{
	if (!b->dense)
		return NULL;
	if (b->rows[cohort] == NULL)
		b->rows[cohort] = palloc0(row_width(b, cohort) * sizeof(CellCounts));
	return b->rows[cohort];
}

/* ---------- returns ---------- */

/* The first return from `at` on that is not before value. It is mostly near. */
static inline int
first_return(const int64 *values, int at, int count, int64 value)
{
	int low = at;
	int high = at;

	for (int step = 1; high < count && values[high] < value; step *= 2)
	{
		low = high + 1;
		high = Min((int64) high + step, count);
	}
	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (values[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The smallest offset from `least` on in which the customer came back, or 0. */
static pg_attribute_always_inline int64
next_return(Returns *r, int64 least, bool elapsed)
{
	const Builder *b = r->b;

	if (!elapsed)
	{
		r->next = first_return(r->values, r->next, r->count, r->start + least);
		return r->next < r->count ? r->values[r->next++] - r->start : 0;
	}
	while (r->next < r->count)
	{
		int64 window = grid_elapsed(b->grid, b->clock, r->start, b->returns[r->next]);
		int from = r->next;

		CHECK_FOR_INTERRUPTS();
		if (window < least)
		{
			r->next = first_return(b->returns, from + 1, r->count,
								   grid_window_start(b->grid, b->clock, r->start, least));
			continue;
		}
		r->next++;
		if (b->grid->min_events == 1)
			return window;
		r->next = first_return(b->returns, r->next, r->count,
							   grid_window_start(b->grid, b->clock, r->start, window + 1));
		if (b->counts[r->next] - b->counts[from] >= b->grid->min_events)
			return window;
	}
	return 0;
}

/* The greatest offset in which the customer came back; it may be asked for at any time. */
static pg_attribute_always_inline int64
last_return(const Returns *r, bool elapsed)
{
	const Builder *b = r->b;

	if (!elapsed)
		return b->returns[r->count - 1] - r->start;
	for (int end = r->count; end > 0;)
	{
		int64 window = grid_elapsed(b->grid, b->clock, r->start, b->returns[end - 1]);
		int from;

		CHECK_FOR_INTERRUPTS();
		if (window < 1 || b->grid->min_events == 1)
			return Max(window, 0);
		from = first_return(b->returns, 0, end,
							grid_window_start(b->grid, b->clock, r->start, window));
		if (b->counts[end] - b->counts[from] >= b->grid->min_events)
			return window;
		end = from;
	}
	return 0;
}

void
check_rows(Builder *b, int starts, int returns)
{
	bool elapsed = b->grid->windows == GRID_ELAPSED;
	int64 rows = 0;

	/* Without brackets every return has a cell of its own in each cohort. */
	if (b->grid->nbrackets > 0 || (int64) starts * returns <= MAX_COHORT_ROWS)
		return;
	for (int s = 0; s < starts; s++)
	{
		Returns r = {b, b->returns, elapsed ? b->moments[s] : b->starts[s], returns, 0};
		int64 offset = 0;

		CHECK_FOR_INTERRUPTS();
		while ((offset = next_return(&r, offset + 1, elapsed)) > 0)
			if (++rows > MAX_COHORT_ROWS)
				too_many_rows();
	}
}

/* ---------- cells of a customer ---------- */

static inline void
reserve_on(Builder *b, int64 cells)
{
	if (cells <= b->on_capacity)
		return;
	b->on_capacity = Max(Max(64, b->on_capacity * 2), cells);
	b->on = b->on == NULL ? palloc(b->on_capacity * sizeof(int64))
						  : repalloc(b->on, b->on_capacity * sizeof(int64));
}

/* The cell in which a customer came back, noted for the sums of recurring cohorts. */
static inline void
note_on(Builder *b, Outcome *outcome, int64 number)
{
	reserve_on(b, outcome->on_count + 1);
	b->on[outcome->on_count++] = number;
}

/*
 * All returns of a cohort with calendar windows, each with a cell of its own. The loops are short so that the
 * processor fetches many cells at a time.
 */
static void
count_offsets(Builder *b, int64 cohort, CellCounts *row, const int64 *periods, int count,
			  Outcome *outcome)
{
	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
		if (likely(row != NULL))
			row[periods[i] - cohort][CELL_ON - CELL_ON]++;
		else
			cell_of(&b->cells, cohort, periods[i] - cohort)[CELL_ON - CELL_ON]++;
	while (outcome->ended <= count && periods[outcome->ended - 1] - cohort == outcome->ended)
		outcome->ended++;
	outcome->last = periods[count - 1] - cohort;
	if (!b->recurring)
		return;
	reserve_on(b, count);
	for (int i = 0; i < count; i++)
		b->on[i] = periods[i] - cohort;
	outcome->on_count = count;
}

/* Skip the brackets from j on that end before the offset, or that begin by it. */
static int
bracket_after(const Grid *grid, int j, int64 offset, bool begun)
{
	int high = grid->nbrackets;

	while (j < high)
	{
		int middle = (j + high) / 2;
		const GridBracket *bracket = &grid->brackets[middle];

		if (begun ? bracket->first <= offset : bracket->last < offset)
			j = middle + 1;
		else
			high = middle;
	}
	return j;
}

static pg_attribute_always_inline Outcome
count_cells(Builder *b, int64 cohort, Returns returns, bool elapsed)
{
	Returns *r = &returns; /* a copy, so that it can be in registers */
	const Grid *grid = b->grid;
	CellCounts *row = row_of(b, cohort);
	int64 width = row_width(b, cohort);
	Outcome outcome = {.ended = 1};
	int64 offset;

#define COUNT(number, column)                                                                      \
	((likely(row != NULL && (number) < width)                                                      \
		  ? row[number]                                                                            \
		  : cell_of(&b->cells, cohort, number))[(column) -CELL_ON]++)
#define COUNT_ON(number)                                                                           \
	do                                                                                             \
	{                                                                                              \
		COUNT(number, CELL_ON);                                                                    \
		outcome.ended += (number) == outcome.ended;                                                \
		if (b->recurring)                                                                          \
			note_on(b, &outcome, number);                                                          \
	} while (0)

	b->sizes[cohort]++;
	offset = next_return(r, 1, elapsed);
	outcome.first = offset;
	if (grid->nbrackets == 0 && !elapsed)
		count_offsets(b, cohort, row, r->values + (r->next - 1),
					  offset > 0 ? r->count - r->next + 1 : 0, &outcome);
	else if (grid->nbrackets == 0)
	{
		for (; offset > 0; offset = next_return(r, offset + 1, elapsed))
		{
			COUNT_ON(offset);
			outcome.last = offset;
		}
	}
	else if (offset > 0)
	{
		int j = bracket_after(grid, 0, offset, false);

		outcome.first = j + 1;
		while (offset > 0 && j < grid->nbrackets)
		{
			const GridBracket *bracket = &grid->brackets[j];

			CHECK_FOR_INTERRUPTS();
			if (bracket->first <= offset)
			{
				COUNT_ON(j + 1);
				offset = next_return(r, (int64) bracket->last + 1, elapsed);
			}
			else
				offset = next_return(r, bracket->first, elapsed);
			if (offset > 0)
				j = bracket_after(grid, j, offset, false);
		}
		outcome.last = bracket_after(grid, 0, last_return(r, elapsed), true);
	}
	if (outcome.first > 0)
		COUNT(outcome.first, CELL_FIRST);
	if (outcome.last > 0)
		COUNT(outcome.last, CELL_LAST);
	COUNT(outcome.ended, CELL_ENDED);
	return outcome;
#undef COUNT_ON
#undef COUNT
}

Outcome
count_member(Builder *b, int64 cohort, Returns *returns)
{
	CHECK_FOR_INTERRUPTS();
	return b->grid->windows == GRID_ELAPSED ? count_cells(b, cohort, *returns, true)
											: count_cells(b, cohort, *returns, false);
}

/* ---------- sums of recurring cohorts ---------- */

/* The sums of a customer, by cell, and which of them are touched. */
typedef struct CustomerSumCells
{
	CustomerSums *own;
	uint64 *touched;
} CustomerSumCells;

static inline CustomerSums *
own_cell(CustomerSumCells cells, int64 cell)
{
	cells.touched[cell / 64] |= UINT64CONST(1) << (cell % 64);
	return &cells.own[cell];
}

static inline void
own_range(CustomerSumCells cells, int criterion, int64 from, int64 to)
{
	if (from <= to)
	{
		own_cell(cells, from)->x[criterion]++;
		own_cell(cells, to + 1)->x[criterion]--;
	}
}

static void
own_reserve(Builder *b, int64 cells)
{
	int64 before = b->own_capacity;
	int64 capacity = Max(cells + 63, before * 2) / 64 * 64;

	if (cells <= before)
		return;
	b->own_capacity = capacity;
	if (before == 0)
	{
		b->own = palloc0(capacity * sizeof(CustomerSums));
		b->touched = palloc0(capacity / 64 * sizeof(uint64));
		return;
	}
	b->own = repalloc(b->own, capacity * sizeof(CustomerSums));
	b->touched = repalloc(b->touched, capacity / 64 * sizeof(uint64));
	memset(b->own + before, 0, (capacity - before) * sizeof(CustomerSums));
	memset(b->touched + before / 64, 0, (capacity - before) / 64 * sizeof(uint64));
}

void
sums_add(Builder *b, const Outcome *outcome, int64 reach)
{
	int64 cells = b->grid->nbrackets == 0 ? reach : bracket_after(b->grid, 0, reach + 1, false);
	const int64 *on = b->on;
	CustomerSumCells own;

	if (cells < 1)
		return;
	if (cells > MAX_PERIODS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a cohort has at most %d periods up to as_of", MAX_PERIODS),
						errhint("Use a coarser grid, an earlier as_of, or brackets.")));
	/* What ends with the last cell is subtracted in the one after it. */
	own_reserve(b, cells + 2);
	b->own_reach = Max(b->own_reach, cells + 1);
	own = (CustomerSumCells){b->own, b->touched};
	own_cell(own, 1)->n++;
	own_cell(own, cells + 1)->n--;
	for (int64 i = 0; i < outcome->on_count && on[i] <= cells; i++)
		own_cell(own, on[i])->x[CRITERION_ON]++;
	own_range(own, CRITERION_ON_OR_AFTER, 1, Min(outcome->last, cells));
	if (outcome->first > 0)
		own_range(own, CRITERION_ON_OR_BEFORE, outcome->first, cells);
	own_range(own, CRITERION_STREAK, 1, Min(outcome->ended - 1, cells));
}

/* Add the squares and products of a customer from a cell on to the differences there, or subtract them. */
static inline void
add_products(int64 *sums, const CustomerSums *run, int64 sign)
{
	sums[SUM_CUSTOMERS] += run->n > 0 ? sign : 0;
	sums[SUM_NN] += sign * run->n * run->n;
	for (int criterion = CRITERION_ON + 1; criterion < CRITERIA; criterion++)
	{
		sums[SUM_XX + criterion] += sign * run->x[criterion] * run->x[criterion];
		sums[SUM_XN + criterion] += sign * run->x[criterion] * run->n;
	}
}

void
sums_end_customer(Builder *b)
{
	CustomerSums run = {0};

	if (b->own_reach == 0)
		return;
	if (b->own_reach + 1 > b->sums_capacity)
	{
		int64 capacity = Max(b->own_reach + 1, b->sums_capacity * 2);

		b->sums = b->sums == NULL ? palloc(capacity * sizeof(*b->sums))
								  : repalloc(b->sums, capacity * sizeof(*b->sums));
		memset(b->sums + b->sums_capacity, 0, (capacity - b->sums_capacity) * sizeof(*b->sums));
		b->sums_capacity = capacity;
	}
	b->sums_reach = Max(b->sums_reach, b->own_reach - 1);
	for (int64 word = 0; word <= b->own_reach / 64; word++)
	{
		for (; b->touched[word] != 0; b->touched[word] &= b->touched[word] - 1)
		{
			int64 cell = word * 64 + pg_rightmost_one_pos64(b->touched[word]);
			CustomerSums *own = &b->own[cell];
			int64 *sums = b->sums[cell];
			int64 on = own->x[CRITERION_ON];

			if (own->n != 0 || own->x[CRITERION_ON_OR_AFTER] != 0 ||
				own->x[CRITERION_ON_OR_BEFORE] != 0 || own->x[CRITERION_STREAK] != 0)
			{
				add_products(sums, &run, -1);
				run.n += own->n;
				for (int criterion = CRITERION_ON + 1; criterion < CRITERIA; criterion++)
					run.x[criterion] += own->x[criterion];
				add_products(sums, &run, 1);
			}
			if (cell == 1)
				count_add(&b->most, run.n * run.n);
			sums[SUM_XX + CRITERION_ON] += on * on;
			sums[SUM_XN + CRITERION_ON] += on * run.n;
			*own = (CustomerSums){0};
		}
	}
	b->own_reach = 0;
}

void
sums_finish(Builder *b)
{
	for (int64 cell = 2; cell <= b->sums_reach; cell++)
		for (int column = SUM_CUSTOMERS; column < SUM_COLUMNS; column++)
			if (column != SUM_XX + CRITERION_ON && column != SUM_XN + CRITERION_ON)
				b->sums[cell][column] += b->sums[cell - 1][column];
}
