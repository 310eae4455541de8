/*
 * cohort.c
 *		The stored form of cohorts: making, merging, checking, writing and reading it.
 */
#include "retention.h"

#include "base/check.h"
#include "base/memory.h"
#include "cohort/cohort.h"
#include "storage/shmem.h"
#include "time/moment.h"

const int cohort_columns[COHORT_TABLES] = {
	[COHORT_SIZES] = SIZE_COLUMNS,			[COHORT_CELLS] = CELL_COLUMNS,
	[COHORT_WINDOWS] = WINDOW_COLUMNS,		[COHORT_PERIODS] = PERIOD_COLUMNS,
	[COHORT_HISTOGRAM] = HISTOGRAM_COLUMNS, [COHORT_SUMS] = SUM_COLUMNS,
};

const int cohort_keys[COHORT_TABLES] = {
	[COHORT_SIZES] = 1,	  [COHORT_CELLS] = 2,	  [COHORT_WINDOWS] = 2,
	[COHORT_PERIODS] = 1, [COHORT_HISTOGRAM] = 1, [COHORT_SUMS] = 1,
};

int64 *
cohort_table(const Cohorts *cohorts, CohortTable table)
{
	const int64 *at = cohorts->numbers;

	for (int i = 0; i < (int) table; i++)
		at += cohorts->counts[i] * cohort_columns[i];
	return unconstify(int64 *, at);
}

const Grid *
cohort_grid(const Cohorts *cohorts)
{
	return grid_open_text(cohort_grid_text(cohorts), cohorts->grid_length);
}

bool
cohort_is_recurring(const Cohorts *cohorts)
{
	return !cohorts->anchored && cohort_grid(cohorts)->cohorts == GRID_RECURRING;
}

bool
cohort_known_until(const Grid *grid, TimeKind kind, int64 latest, int64 *as_of)
{
	if (latest == PG_INT64_MIN)
		return false;
	*as_of = grid->has_as_of ? grid_as_of(grid, kind) : latest + 1;
	return true;
}

/* Bytes of a summary. The counts are between 0 and MAX_COHORT_ROWS. */
static Size
cohort_size(const int64 counts[COHORT_TABLES], int grid_length)
{
	Size numbers = 0;

	for (int i = 0; i < COHORT_TABLES; i++)
		numbers += (Size) counts[i] * cohort_columns[i];
	return offsetof(Cohorts, numbers) + numbers * sizeof(int64) + grid_length;
}

Cohorts *
cohort_new(TimeKind kind, const char *grid_text, int grid_length, const int64 counts[COHORT_TABLES])
{
	int64 rows = 0;
	Size size;
	Cohorts *cohorts;

	for (int i = 0; i < COHORT_TABLES; i++)
		count_add(&rows, counts[i]);
	if (rows > MAX_COHORT_ROWS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a cohort summary has at most %d rows", MAX_COHORT_ROWS),
						errhint("Use a coarser grid, a shorter span of time, or brackets.")));
	size = cohort_size(counts, grid_length);
	cohorts = memory_alloc(size);
	flat_mark(cohorts, WIRE_COHORTS, COHORT_VERSION, size);
	cohorts->kind = kind;
	cohorts->grid_length = grid_length;
	memcpy(cohorts->counts, counts, sizeof(cohorts->counts));
	memcpy(unconstify(char *, cohort_grid_text(cohorts)), grid_text, grid_length);
	return cohorts;
}

/* ---------- merging ---------- */

static inline int
compare_keys(const int64 *a, const int64 *b, int keys)
{
	for (int i = 0; i < keys; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

/* The first row of a table whose key is not below the given one, or the end of the table. */
static const int64 *
find_row(const int64 *from, const int64 *end, const int64 *key, int columns, int keys)
{
	int64 low = 0, high = (end - from) / columns;

	while (low < high)
	{
		int64 middle = (low + high) / 2;

		if (compare_keys(from + middle * columns, key, keys) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return from + low * columns;
}

/*
 * The number of rows of b that a does not have. If add is set, the others are added to those of a. A small b is
 * searched for in a: a rollup of many small summaries must not read the large one for each of them.
 */
static int64
match_rows(Cohorts *a, const Cohorts *b, CohortTable table, bool add)
{
	int columns = cohort_columns[table];
	int keys = cohort_keys[table];
	int64 *at_a = cohort_table(a, table), *end_a = at_a + a->counts[table] * columns;
	const int64 *at_b = cohort_table(b, table), *end_b = at_b + b->counts[table] * columns;
	bool search = a->counts[table] / 16 > b->counts[table];
	int64 missing = 0;

	for (; at_b < end_b; at_b += columns)
	{
		CHECK_FOR_INTERRUPTS();
		if (search)
			at_a = unconstify(int64 *, find_row(at_a, end_a, at_b, columns, keys));
		else
			while (at_a < end_a && compare_keys(at_a, at_b, keys) < 0)
				at_a += columns;
		if (at_a == end_a || compare_keys(at_a, at_b, keys) != 0)
			missing++;
		else if (add)
			for (int i = keys; i < columns; i++)
				count_add(&at_a[i], at_b[i]);
	}
	return missing;
}

/* into has space for the union of both, as match_rows() counted it; if a is out of order, it may need more. */
static void
merge_table(Cohorts *into, const Cohorts *a, const Cohorts *b, CohortTable table)
{
	int columns = cohort_columns[table];
	int keys = cohort_keys[table];
	const int64 *at_a = cohort_table(a, table), *end_a = at_a + a->counts[table] * columns;
	const int64 *at_b = cohort_table(b, table), *end_b = at_b + b->counts[table] * columns;
	int64 *at = cohort_table(into, table), *end = at + into->counts[table] * columns;

	for (; at_a < end_a || at_b < end_b; at += columns)
	{
		int order = at_a == end_a ? 1 : at_b == end_b ? -1 : compare_keys(at_a, at_b, keys);

		CHECK_FOR_INTERRUPTS();
		if (at == end)
			wire_corrupt(COHORT_TYPE, "Its rows are not in order.");
		memcpy(at, order <= 0 ? at_a : at_b, columns * sizeof(int64));
		if (order == 0)
			for (int i = keys; i < columns; i++)
				count_add(&at[i], at_b[i]);
		if (order <= 0)
			at_a += columns;
		if (order >= 0)
			at_b += columns;
	}
	if (at != end)
		wire_corrupt(COHORT_TYPE, "Its rows are not in order.");
}

/* Some windows are complete in one summary and not in the other. */
static void
check_equal_as_of(const Cohorts *a, const Cohorts *b)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg(
			 "cohorts with elapsed windows cannot be added when their rows end at different times"),
		 errdetail("The grid is \"%s\".", pnstrdup(cohort_grid_text(a), a->grid_length)),
		 errhint("Set as_of in the grid, the same for all.")));
}

/* Raises 22023 unless the two can be added. */
static void
check_addable(const Cohorts *cohorts, const Cohorts *other)
{
	if (cohorts->grid_length != other->grid_length ||
		memcmp(cohort_grid_text(cohorts), cohort_grid_text(other), other->grid_length) != 0)
		grid_mismatch(pnstrdup(cohort_grid_text(cohorts), cohorts->grid_length),
					  pnstrdup(cohort_grid_text(other), other->grid_length));
	if (cohorts->kind != other->kind)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cohorts of different types of time cannot be added"),
						errhint("Use one of date, timestamp and timestamptz for all of them.")));
	if (cohorts->anchored != other->anchored)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cohorts of anchors and cohorts of rows cannot be added")));
}

Cohorts *
cohort_merge(Cohorts *cohorts, const Cohorts *other)
{
	const Grid *grid;
	Cohorts *into = cohorts;
	int64 counts[COHORT_TABLES];
	bool differ;
	bool unknown;

	check_addable(cohorts, other);
	grid = cohort_grid(cohorts);

	/* A summary without moments has nothing that depends on time. */
	differ = !grid->has_as_of && cohorts->latest != other->latest &&
			 cohorts->latest != PG_INT64_MIN && other->latest != PG_INT64_MIN;
	if (differ && grid->windows == GRID_ELAPSED)
		check_equal_as_of(cohorts, other);
	unknown =
		cohorts->sums_unknown || other->sums_unknown || (differ && cohort_is_recurring(cohorts));

	for (int i = 0; i < COHORT_TABLES; i++)
	{
		counts[i] = i == COHORT_SUMS && unknown
						? 0
						: cohorts->counts[i] + match_rows(cohorts, other, i, false);
		if (counts[i] != cohorts->counts[i])
			into = NULL;
	}
	if (into == NULL)
		into = cohort_new(cohorts->kind, cohort_grid_text(cohorts), cohorts->grid_length, counts);
	for (int i = 0; i < COHORT_TABLES; i++)
	{
		if (into == cohorts)
			match_rows(cohorts, other, i, true);
		else if (counts[i] > 0)
			merge_table(into, cohorts, other, i);
	}
	into->sums_unknown = unknown;
	into->anchored = cohorts->anchored;
	into->rows = cohorts->rows;
	into->ignored = cohorts->ignored;
	into->customers = cohorts->customers;
	count_add(&into->rows, other->rows);
	count_add(&into->ignored, other->ignored);
	count_add(&into->customers, other->customers);
	into->first = Min(cohorts->first, other->first);
	into->latest = Max(cohorts->latest, other->latest);
	return into;
}

/* ---------- taking customers out ---------- */

static void not_a_part(void) pg_attribute_noreturn();

static void
not_a_part(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("the cohorts to take out are not part of the others"),
					errdetail("Without them, a count would be negative."),
					errhint("Only customers whose rows are all in the others can be taken out.")));
}

/* The difference must be a valid summary again; if it is not, the part was not a part. */
static void
check_rest(const Cohorts *rest)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		cohort_check(rest);
	}
	PG_CATCH();
	{
		if (geterrcode() != ERRCODE_DATA_CORRUPTED)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		not_a_part();
	}
	PG_END_TRY();
}

static inline void
take(int64 *from, int64 n)
{
	if (*from < n)
		not_a_part();
	*from -= n;
}

/* Subtract the rows of part from those of whole, in place. Returns the number of rows that are not all zero then. */
static int64
take_rows(Cohorts *whole, const Cohorts *part, CohortTable table)
{
	int columns = cohort_columns[table];
	int keys = cohort_keys[table];
	int64 *from = cohort_table(whole, table), *end = from + whole->counts[table] * columns;
	const int64 *row = cohort_table(part, table), *row_end = row + part->counts[table] * columns;
	int64 left = whole->counts[table];

	for (; row < row_end; row += columns)
	{
		int64 rest = 0;

		CHECK_FOR_INTERRUPTS();
		from = unconstify(int64 *, find_row(from, end, row, columns, keys));
		if (from == end || compare_keys(from, row, keys) != 0)
			not_a_part();
		for (int i = keys; i < columns; i++)
		{
			take(&from[i], row[i]);
			rest |= from[i];
		}
		if (rest == 0)
			left--;
	}
	return left;
}

Cohorts *
cohort_subtract(const Cohorts *whole, const Cohorts *part)
{
	const Grid *grid = cohort_grid(whole);
	Cohorts *rest = palloc(VARSIZE(whole));
	Cohorts *into;
	int64 counts[COHORT_TABLES];
	bool differ;

	check_addable(whole, part);
	memory_copy(rest, whole, VARSIZE(whole));
	if (part->customers > 0 && (part->first < whole->first || part->latest > whole->latest))
		not_a_part();
	differ = !grid->has_as_of && part->customers > 0 && whole->latest != part->latest;
	if (differ && grid->windows == GRID_ELAPSED)
		check_equal_as_of(whole, part);
	if (part->sums_unknown || (differ && cohort_is_recurring(whole)))
		rest->sums_unknown = 1;

	for (int i = 0; i < COHORT_TABLES; i++)
		counts[i] = i == COHORT_SUMS && rest->sums_unknown ? 0 : take_rows(rest, part, i);
	take(&rest->customers, part->customers);
	take(&rest->rows, part->rows);
	take(&rest->ignored, part->ignored);
	if (rest->customers == 0)
	{
		rest->first = PG_INT64_MAX;
		rest->latest = PG_INT64_MIN;
		rest->sums_unknown = 0;
	}

	into = cohort_new(whole->kind, cohort_grid_text(whole), whole->grid_length, counts);
	for (int i = 0; i < COHORT_TABLES; i++)
	{
		int columns = cohort_columns[i];
		const int64 *from = cohort_table(rest, i);
		int64 *to = cohort_table(into, i);

		for (int64 n = counts[i]; n > 0; from += columns)
		{
			int64 any = 0;

			CHECK_FOR_INTERRUPTS();
			for (int column = cohort_keys[i]; column < columns; column++)
				any |= from[column];
			if (any == 0)
				continue;
			memcpy(to, from, columns * sizeof(int64));
			to += columns;
			n--;
		}
	}
	into->sums_unknown = rest->sums_unknown;
	into->anchored = rest->anchored;
	into->rows = rest->rows;
	into->ignored = rest->ignored;
	into->first = rest->first;
	into->latest = rest->latest;
	into->customers = rest->customers;
	pfree(rest);
	check_rest(into);
	return into;
}

Cohorts *
cohort_replace(const Cohorts *whole, const Cohorts *old, const Cohorts *new, bool exact)
{
	Cohorts *rest = cohort_subtract(whole, old);
	const Grid *grid = cohort_grid(whole);

	/* Without an as_of the last row says what is complete: what was counted up to one end cannot get another. */
	if (exact && rest->customers > 0 && old->customers > 0 && new->customers > 0 &&
		(grid->has_as_of || (grid->windows != GRID_ELAPSED && !cohort_is_recurring(whole))))
	{
		if (old->first == whole->first)
			rest->first = new->first;
		if (old->latest == whole->latest)
			rest->latest = new->latest;
		if (rest->first > rest->latest)
			not_a_part();
	}
	rest = cohort_merge(rest, new);
	check_rest(rest);
	return rest;
}

/* ---------- checking ---------- */

static void corrupt(const char *detail) pg_attribute_noreturn();

static void
corrupt(const char *detail)
{
	wire_corrupt(COHORT_TYPE, detail);
}

static inline void
add_checked(int64 *sum, int64 n)
{
	if (pg_add_s64_overflow(*sum, n, sum))
		corrupt("Its counts do not add up.");
}

/* Keys must ascend, counters must not be negative, and no row may be all zero. */
static void
check_table(const Cohorts *cohorts, CohortTable table)
{
	int columns = cohort_columns[table];
	int keys = cohort_keys[table];
	const int64 *row = cohort_table(cohorts, table);

	for (int64 i = 0; i < cohorts->counts[table]; i++, row += columns)
	{
		bool zero = true;

		CHECK_NOW_AND_THEN(i);
		if (i > 0 && compare_keys(row - columns, row, keys) >= 0)
			corrupt("Its rows are not in order.");
		for (int column = keys; column < columns; column++)
		{
			if (row[column] < 0)
				corrupt("A count in it is negative.");
			if (row[column] > 0)
				zero = false;
		}
		if (zero)
			corrupt("A row in it has only zeros.");
	}
}

/*
 * One cohort: every customer's streak ends once, and they come back for a first and for a last time at most once.
 * Customers who came back at an offset came back first at it or before and last at it or after, and a streak that
 * goes past an offset contains it.
 */
static void
check_cohort(const Grid *grid, const int64 *size, const int64 *cell, const int64 *end)
{
	int64 customers = size[SIZE_CUSTOMERS];
	int64 first = 0, last = 0, ended = 0, before = 0, remaining;

	for (const int64 *c = cell; c < end; c += CELL_COLUMNS)
	{
		if (c[CELL_OFFSET] < 1 ||
			c[CELL_OFFSET] > (grid->nbrackets > 0 ? grid->nbrackets + 1 : 2 * MAX_PERIODS))
			corrupt("An offset in it is out of range.");
		if (grid->nbrackets > 0 && c[CELL_OFFSET] > grid->nbrackets &&
			(c[CELL_ON] > 0 || c[CELL_LAST] > 0))
			corrupt("An offset in it is out of range.");
		add_checked(&first, c[CELL_FIRST]);
		add_checked(&last, c[CELL_LAST]);
		add_checked(&ended, c[CELL_ENDED]);
	}
	if (ended != customers || first > customers || last > first ||
		(grid->nbrackets == 0 && last != first))
		corrupt("Its cohorts do not add up.");
	first = ended = 0;
	remaining = last;
	before = 0;
	for (const int64 *c = cell; c < end; c += CELL_COLUMNS)
	{
		CHECK_FOR_INTERRUPTS();
		/* At an offset without a row nobody came back: every streak has ended by the first of them. */
		if (c[CELL_OFFSET] != before + 1 && ended != customers)
			corrupt("Its streaks have gaps.");
		before = c[CELL_OFFSET];
		first += c[CELL_FIRST];
		ended += c[CELL_ENDED];
		if (c[CELL_ON] > first || c[CELL_ON] > remaining || c[CELL_ON] < customers - ended ||
			(grid->nbrackets == 0 && (c[CELL_LAST] > c[CELL_ON] || c[CELL_FIRST] > c[CELL_ON])))
			corrupt("Its cells do not add up.");
		remaining -= c[CELL_LAST];
	}
}

static void
check_cells(const Cohorts *cohorts, const Grid *grid)
{
	const int64 *size = cohort_table(cohorts, COHORT_SIZES);
	const int64 *cell = cohort_table(cohorts, COHORT_CELLS);
	const int64 *cells_end = cell + cohorts->counts[COHORT_CELLS] * CELL_COLUMNS;
	int64 customers = 0;

	for (int64 i = 0; i < cohorts->counts[COHORT_SIZES]; i++, size += SIZE_COLUMNS)
	{
		const int64 *from = cell;

		CHECK_NOW_AND_THEN(i);
		add_checked(&customers, size[SIZE_CUSTOMERS]);
		if (size[SIZE_CUSTOMERS] > cohorts->customers)
			corrupt("A cohort in it is larger than its customers.");
		while (cell < cells_end && cell[CELL_COHORT] == size[SIZE_COHORT])
			cell += CELL_COLUMNS;
		check_cohort(grid, size, from, cell);
	}
	if (cell != cells_end)
		corrupt("A cell in it has no cohort.");
	if (!cohort_is_recurring(cohorts) && customers > cohorts->customers)
		corrupt("Its cohorts are larger than its customers.");
}

static void
check_windows(const Cohorts *cohorts, const Grid *grid)
{
	const int64 *size = cohort_table(cohorts, COHORT_SIZES);
	const int64 *window = cohort_table(cohorts, COHORT_WINDOWS);
	const int64 *end = window + cohorts->counts[COHORT_WINDOWS] * WINDOW_COLUMNS;

	if (grid->windows != GRID_ELAPSED)
	{
		if (window != end)
			corrupt("It has windows, but its grid has no elapsed windows.");
		return;
	}
	for (int64 i = 0; i < cohorts->counts[COHORT_SIZES]; i++, size += SIZE_COLUMNS)
	{
		int64 whole = 0, begun = 0;

		for (; window < end && window[WINDOW_COHORT] == size[SIZE_COHORT]; window += WINDOW_COLUMNS)
		{
			if (window[WINDOW_NUMBER] < 0 || window[WINDOW_RETURNED] > window[WINDOW_BEGUN] ||
				(window[WINDOW_NUMBER] < 1 && window[WINDOW_BEGUN] > 0) ||
				(window[WINDOW_NUMBER] < 2 && window[WINDOW_RETURNED] > 0))
				corrupt("Its windows do not add up.");
			add_checked(&whole, window[WINDOW_WHOLE]);
			add_checked(&begun, window[WINDOW_BEGUN]);
		}
		if (whole != size[SIZE_CUSTOMERS] || begun != size[SIZE_CUSTOMERS])
			corrupt("Its windows do not add up.");
	}
	if (window != end)
		corrupt("A window in it has no cohort.");
}

static void
check_periods(const Cohorts *cohorts)
{
	const int64 *period = cohort_table(cohorts, COHORT_PERIODS);
	const int64 *row = cohort_table(cohorts, COHORT_HISTOGRAM);
	int64 active = 0, new = 0;

	for (int64 i = 0; i < cohorts->counts[COHORT_PERIODS]; i++, period += PERIOD_COLUMNS)
	{
		int64 before = i > 0 && period[PERIOD_NUMBER - PERIOD_COLUMNS] == period[PERIOD_NUMBER] - 1
						   ? period[PERIOD_ACTIVE - PERIOD_COLUMNS]
						   : 0;

		if (period[PERIOD_NEW] > period[PERIOD_ACTIVE] ||
			period[PERIOD_RETAINED] > period[PERIOD_ACTIVE] - period[PERIOD_NEW] ||
			period[PERIOD_RETAINED] > before)
			corrupt("Its periods do not add up.");
		add_checked(&active, period[PERIOD_ACTIVE]);
		add_checked(&new, period[PERIOD_NEW]);
	}
	for (int64 i = 0; i < cohorts->counts[COHORT_HISTOGRAM]; i++, row += HISTOGRAM_COLUMNS)
	{
		int64 product;

		if (row[HISTOGRAM_PERIODS] < 1 ||
			pg_mul_s64_overflow(row[HISTOGRAM_PERIODS], row[HISTOGRAM_CUSTOMERS], &product) ||
			product > active || row[HISTOGRAM_CUSTOMERS] > new)
			corrupt("Its histogram does not add up.");
		active -= product;
		new -= row[HISTOGRAM_CUSTOMERS];
	}
	if (active != 0 || new != 0)
		corrupt("Its histogram does not add up.");
}

static void
check_sums(const Cohorts *cohorts, const Grid *grid)
{
	const int64 *row = cohort_table(cohorts, COHORT_SUMS);

	if (cohorts->counts[COHORT_SUMS] > 0 &&
		(!cohort_is_recurring(cohorts) || cohorts->sums_unknown))
		corrupt("It has sums, but its cohorts are not recurring.");
	for (int64 i = 0; i < cohorts->counts[COHORT_SUMS]; i++, row += SUM_COLUMNS)
	{
		if (row[SUM_OFFSET] < 1 || row[SUM_CUSTOMERS] > cohorts->customers ||
			row[SUM_CUSTOMERS] > row[SUM_NN])
			corrupt("Its sums do not add up.");
		for (int criterion = 0; criterion < CRITERIA; criterion++)
			if (row[SUM_XX + criterion] > row[SUM_XN + criterion] ||
				row[SUM_XN + criterion] > row[SUM_NN])
				corrupt("Its sums do not add up.");
	}
}

static int64
all_rows(const Cohorts *cohorts)
{
	int64 rows = 0;

	for (int i = 0; i < COHORT_TABLES; i++)
		rows += cohorts->counts[i];
	return rows;
}

bool
cohort_has_shape(const void *state)
{
	const Cohorts *cohorts = state;
	for (int i = 0; i < COHORT_TABLES; i++)
		if (cohorts->counts[i] < 0 || cohorts->counts[i] > MAX_COHORT_ROWS)
			return false;
	return all_rows(cohorts) <= MAX_COHORT_ROWS && cohorts->grid_length >= 1 &&
		   cohorts->grid_length <= (int) VARSIZE(cohorts) &&
		   cohort_size(cohorts->counts, cohorts->grid_length) == VARSIZE(cohorts);
}

void
cohort_check(const Cohorts *cohorts)
{
	const Grid *grid;

	if (cohorts->kind != TIME_DATE && cohorts->kind != TIME_LOCAL && cohorts->kind != TIME_INSTANT)
		corrupt("Its type of time is not recognized.");
	if (!cohort_has_shape(cohorts))
		corrupt("Its length is not that of its rows.");
	if ((cohorts->anchored != 0 && cohorts->anchored != 1) ||
		(cohorts->sums_unknown != 0 && cohorts->sums_unknown != 1))
		corrupt("A flag in it is not recognized.");

	grid = cohort_grid(cohorts);
	if (grid->text_length != cohorts->grid_length)
		corrupt("Its grid has no time zone.");
	if (cohorts->sums_unknown && (!cohort_is_recurring(cohorts) || grid->has_as_of))
		corrupt("A flag in it is not recognized.");
	if (cohorts->rows < 0 || cohorts->ignored < 0 || cohorts->ignored > cohorts->rows ||
		cohorts->customers < 0 || cohorts->customers > cohorts->rows - cohorts->ignored)
		corrupt("It has more customers than rows.");
	if (cohorts->customers == 0
			? (cohorts->first != PG_INT64_MAX || cohorts->latest != PG_INT64_MIN)
			: (!moment_is_valid(cohorts->kind, cohorts->first) ||
			   !moment_is_valid(cohorts->kind, cohorts->latest) ||
			   cohorts->first > cohorts->latest ||
			   (grid->has_as_of && cohorts->latest >= grid_as_of(grid, cohorts->kind))))
		corrupt("Its first and latest moment are out of order.");
	if (cohorts->customers == 0 && all_rows(cohorts) > 0)
		corrupt("It has rows without customers.");

	for (int i = 0; i < COHORT_TABLES; i++)
		check_table(cohorts, i);
	if (cohorts->customers > 0)
	{
		/* All periods must lie between those of the first and the latest moment. */
		int64 least = grid_period(grid, cohorts->kind, cohorts->first);
		int64 most = grid_period(grid, cohorts->kind, cohorts->latest);

		for (int i = COHORT_SIZES; i <= COHORT_PERIODS; i += COHORT_PERIODS - COHORT_SIZES)
		{
			const int64 *table = cohort_table(cohorts, i);
			int64 n = cohorts->counts[i];

			/* With a margin of one period: a clock that is set back over midnight shows the day before again. */
			if (n > 0 && (table[0] < least - 1 || table[(n - 1) * cohort_columns[i]] > most + 1))
				corrupt("A period in it is outside the time of its rows.");
		}
	}
	check_cells(cohorts, grid);
	check_windows(cohorts, grid);
	check_periods(cohorts);
	check_sums(cohorts, grid);
}

/* ---------- wire ---------- */

void
cohort_write(const Cohorts *cohorts, StringInfo wire)
{
	wire_begin(wire, WIRE_COHORTS, COHORT_VERSION);
	wire_put_int(wire, cohorts->kind);
	wire_put_int(wire, cohorts->grid_length);
	wire_put_bytes(wire, cohort_grid_text(cohorts), cohorts->grid_length);
	wire_put_ints(wire, cohorts->sums_unknown, cohorts->anchored, cohorts->rows, cohorts->ignored,
				  cohorts->first, cohorts->latest, cohorts->customers);
	for (int table = 0; table < COHORT_TABLES; table++)
	{
		const int64 *row = cohort_table(cohorts, table);
		int64 before = 0;

		wire_put_int(wire, cohorts->counts[table]);
		for (int64 i = 0; i < cohorts->counts[table]; i++, row += cohort_columns[table])
		{
			/* The first key is written as the distance to the one before: a small number. */
			wire_put_int(wire, (int64) ((uint64) row[0] - (uint64) before));
			before = row[0];
			for (int column = 1; column < cohort_columns[table]; column++)
				wire_put_int(wire, row[column]);
			CHECK_FOR_INTERRUPTS();
		}
	}
}

Cohorts *
cohort_read(const char *bytes, Size size)
{
	WireReader in = wire_open(bytes, size, WIRE_COHORTS, COHORT_VERSION, COHORT_TYPE);
	TimeKind kind = (TimeKind) wire_get_int_between(&in, TIME_DATE, TIME_INSTANT);
	int grid_length = (int) wire_get_int_between(&in, 1, (int64) size);
	const char *grid_text = wire_get_bytes(&in, grid_length);
	int64 head[7];
	int64 counts[COHORT_TABLES];
	int64 *tables[COHORT_TABLES];
	Cohorts *cohorts;

	for (int i = 0; i < (int) lengthof(head); i++)
		head[i] = wire_get_int(&in);
	/* The rows of a table follow its count: allocate only as many as the bytes can hold. */
	for (int table = 0; table < COHORT_TABLES; table++)
	{
		int columns = cohort_columns[table];
		int64 *row;
		int64 before = 0;

		counts[table] =
			wire_get_int_between(&in, 0, Min((in.end - in.at) / columns, MAX_COHORT_ROWS));
		row = tables[table] = palloc(Max(counts[table], 1) * columns * sizeof(int64));
		for (int64 i = 0; i < counts[table]; i++, row += columns)
		{
			row[0] = before = (int64) ((uint64) before + (uint64) wire_get_int(&in));
			for (int column = 1; column < columns; column++)
				row[column] = wire_get_int(&in);
			CHECK_FOR_INTERRUPTS();
		}
	}
	wire_end(&in);

	cohorts = cohort_new(kind, grid_text, grid_length, counts);
	for (int table = 0; table < COHORT_TABLES; table++)
	{
		memcpy(cohort_table(cohorts, table), tables[table],
			   counts[table] * cohort_columns[table] * sizeof(int64));
		pfree(tables[table]);
	}
	if ((head[0] != 0 && head[0] != 1) || (head[1] != 0 && head[1] != 1))
		corrupt("A flag in it is not recognized.");
	cohorts->sums_unknown = (int32) head[0];
	cohorts->anchored = (int32) head[1];
	cohorts->rows = head[2];
	cohorts->ignored = head[3];
	cohorts->first = head[4];
	cohorts->latest = head[5];
	cohorts->customers = head[6];
	cohort_check(cohorts);
	return cohorts;
}
