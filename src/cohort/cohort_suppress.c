/*
 * cohort_suppress.c
 *		Cells of few customers are hidden, and so many others that none of them can be computed from a total.
 *
 * A cell is on up to four lines (base/suppress.h): its cohort, its period, the observed cells of its period, which a
 * curve pools, and its calendar period, of which a lifecycle counts the active customers.
 */
#include "retention.h"

#include "base/check.h"
#include "base/suppress.h"
#include "cohort/cohort.h"

#define LINES_PER_CELL 4

static bool
is_few(int64 customers, int64 least)
{
	return customers > 0 && customers < least;
}

static CohortCell *
read_cells(CellReader *reader, int64 *count)
{
	int64 capacity = 256;
	CohortCell *cells = palloc(capacity * sizeof(CohortCell));
	CohortCell cell;

	*count = 0;
	while (cohort_cells_next(reader, &cell))
	{
		CHECK_NOW_AND_THEN(*count);
		suppress_check_size(*count + 1);
		if (*count == capacity)
		{
			capacity *= 2;
			cells = repalloc_huge(cells, capacity * sizeof(CohortCell));
		}
		cells[(*count)++] = cell;
	}
	return cells;
}

int64
cohort_cells_suppressed(CellReader *reader, int64 least, CohortCell **cells, bool **hidden)
{
	const Grid *grid = reader->time.grid;
	bool has_diagonals = reader->criterion == CRITERION_ON && grid->windows == GRID_CALENDAR &&
						 grid->cohorts == GRID_FIRST && grid->nbrackets == 0;
	int64 count;
	CohortCell *c = *cells = read_cells(reader, &count);
	int64 rows = 0, columns = 0, diagonals = 0, row = -1;
	int32 *lines = palloc((count * LINES_PER_CELL + 1) * sizeof(int32));
	int32 *first = palloc((count + 1) * sizeof(int32));
	int64 *sizes = palloc((count + 1) * sizeof(int64));
	bool *heads = palloc((count + 1) * sizeof(bool));
	SuppressTable table = {
		.ncells = (int32) count, .first = first, .lines = lines, .sizes = sizes, .heads = heads};
	int32 n = 0;

	*hidden = table.hidden = palloc((count + 1) * sizeof(bool));
	for (int64 i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		rows += c[i].period == 0;
		columns = Max(columns, c[i].period + 1);
		if (has_diagonals)
			diagonals = Max(diagonals, c[i].cohort + c[i].first - c[0].cohort + 1);
	}
	for (int64 i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		row += c[i].period == 0;
		first[i] = n;
		lines[n++] = (int32) row;
		lines[n++] = (int32) (rows + c[i].period);
		if (c[i].observed)
			lines[n++] = (int32) (rows + columns + c[i].period);
		if (has_diagonals)
			lines[n++] = (int32) (rows + 2 * columns + c[i].cohort + c[i].first - c[0].cohort);
		sizes[i] = c[i].retained;
		/* Whoever knows that a cohort is small knows that its cells are; and cells tell its size. */
		heads[i] = c[i].period == 0;
		table.hidden[i] = is_few(c[i].at_risk, least) || is_few(c[i].retained, least);
	}
	first[count] = n;
	table.nlines = (int32) (rows + 2 * columns + diagonals);
	suppress_lines(&table);
	return count;
}
