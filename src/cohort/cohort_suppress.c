/*
 * cohort_suppress.c
 *		Cells of few customers are hidden, and so many others that none of them can be computed from a total.
 *
 * Primary and secondary suppression as in L. Willenborg and T. de Waal, "Elements of Statistical Disclosure Control"
 * (2001), by the simplest rule: no row and no column has exactly one hidden cell. A row is a cohort, a column a period.
 */
#include "retention.h"

#include "base/check.h"
#include "cohort/cohort.h"
#include "utils/memutils.h"

/* The most cells of an answer with suppression: some 80 MB. */
#define MAX_SUPPRESSIBLE 1000000

/* A row or a column. */
typedef struct Line
{
	int64 first; /* place in the list of cells by line */
	int64 count;
	int64 hidden;
} Line;

typedef struct Hiding
{
	CohortCell *cells;
	bool *hidden;
	int32 *row; /* of each cell */
	Line *rows; /* cells are in the order of rows */
	Line *columns;
	int32 *by_column; /* cells in the order of columns */
	int64 *waiting;	  /* lines that may have one hidden cell: a row, or -1 - a column */
	int64 nwaiting;
} Hiding;

static void
hide(Hiding *h, int64 cell)
{
	Line *row = &h->rows[h->row[cell]];
	Line *column = &h->columns[h->cells[cell].period];

	if (h->hidden[cell])
		return;
	h->hidden[cell] = true;
	if (++row->hidden == 1)
		h->waiting[h->nwaiting++] = h->row[cell];
	if (++column->hidden == 1)
		h->waiting[h->nwaiting++] = -1 - h->cells[cell].period;
	/* Whoever knows that a cohort is small knows that its cells are; and cells tell its size. */
	if (h->cells[cell].period == 0)
		for (int64 i = row->first; i < row->first + row->count; i++)
		{
			CHECK_NOW_AND_THEN(i);
			if (!h->hidden[i])
				hide(h, i);
		}
}

/* The next smallest cell of a line; one of nobody only if there is no other. */
static void
hide_next(Hiding *h, const Line *line, const int32 *order)
{
	int64 best = -1;

	for (int64 i = line->first; i < line->first + line->count; i++)
	{
		int64 cell = order == NULL ? i : order[i];
		int64 retained = h->cells[cell].retained;

		CHECK_NOW_AND_THEN(i);
		if (h->hidden[cell])
			continue;
		if (best < 0 ||
			(retained > 0 && (h->cells[best].retained == 0 || retained < h->cells[best].retained)))
			best = cell;
	}
	if (best >= 0)
		hide(h, best);
}

static bool
is_few(int64 customers, int64 least)
{
	return customers > 0 && customers < least;
}

int64
cohort_cells_suppressed(CellReader *reader, int64 least, CohortCell **cells, bool **hidden)
{
	int64 capacity = 256, count = 0, ncolumns = 0;
	int32 rows = 0;
	Hiding h = {.cells = palloc(capacity * sizeof(CohortCell))};
	CohortCell cell;

	while (cohort_cells_next(reader, &cell))
	{
		CHECK_NOW_AND_THEN(count);
		if (count == MAX_SUPPRESSIBLE)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("a cohort table with suppressed cells has at most %d cells",
								   MAX_SUPPRESSIBLE),
							errhint("Use a coarser grid, an earlier as_of, or brackets.")));
		if (count == capacity)
		{
			capacity *= 2;
			h.cells = repalloc_huge(h.cells, capacity * sizeof(CohortCell));
		}
		rows += cell.period == 0;
		ncolumns = Max(ncolumns, cell.period + 1);
		h.cells[count++] = cell;
	}
	h.hidden = palloc0(Max(count, 1) * sizeof(bool));
	h.row = palloc(Max(count, 1) * sizeof(int32));
	h.by_column = palloc(Max(count, 1) * sizeof(int32));
	h.rows = palloc0(Max(rows, 1) * sizeof(Line));
	h.columns = palloc0(Max(ncolumns, 1) * sizeof(Line));
	h.waiting = palloc((rows + ncolumns + 1) * sizeof(int64));

	rows = -1;
	for (int64 i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (h.cells[i].period == 0)
			h.rows[++rows].first = i;
		h.row[i] = rows;
		h.rows[rows].count++;
		h.columns[h.cells[i].period].count++;
	}
	for (int64 i = 1; i < ncolumns; i++)
		h.columns[i].first = h.columns[i - 1].first + h.columns[i - 1].count;
	for (int64 i = 0; i < ncolumns; i++)
		h.columns[i].count = 0;
	for (int64 i = 0; i < count; i++)
	{
		Line *column = &h.columns[h.cells[i].period];

		CHECK_NOW_AND_THEN(i);
		h.by_column[column->first + column->count++] = (int32) i;
	}

	for (int64 i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (is_few(h.cells[i].at_risk, least) || is_few(h.cells[i].retained, least))
			hide(&h, i);
	}
	/* A line gets its first hidden cell once, so that it waits once. */
	for (int64 i = 0; i < h.nwaiting; i++)
	{
		int64 line = h.waiting[i];
		bool is_row = line >= 0;
		Line *of = is_row ? &h.rows[line] : &h.columns[-1 - line];

		CHECK_FOR_INTERRUPTS();
		if (of->hidden == 1)
			hide_next(&h, of, is_row ? NULL : h.by_column);
	}
	*cells = h.cells;
	*hidden = h.hidden;
	return count;
}
