/*
 * suppress.c
 *		Which counts of a table are hidden, so that those that are too small cannot be computed from a total.
 *
 * Primary and secondary suppression as in L. Willenborg and T. de Waal, "Elements of Statistical Disclosure Control"
 * (2001), by the simplest rule: no line has exactly one hidden cell.
 */
#include "retention.h"

#include "base/check.h"
#include "base/suppress.h"

typedef struct Line
{
	int32 first; /* place in the list of cells by line */
	int32 count;
	int32 hidden;
} Line;

typedef struct Hiding
{
	const SuppressTable *table;
	Line *lines;
	int32 *cells;	/* by line */
	int32 *waiting; /* lines that may have one hidden cell */
	int32 nwaiting;
} Hiding;

void
suppress_check_size(int64 ncells)
{
	if (ncells > MAX_SUPPRESSIBLE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a table with suppressed cells has at most %d cells", MAX_SUPPRESSIBLE),
				 errhint("Use a coarser grid, an earlier as_of, brackets, or fewer values of "
						 "segments (top).")));
}

/* Count a hidden cell in its lines. A line gets its first hidden cell once, so that it waits once. */
static void
note_hidden(Hiding *h, int32 cell)
{
	const SuppressTable *table = h->table;

	for (int32 i = table->first[cell]; i < table->first[cell + 1]; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (++h->lines[table->lines[i]].hidden == 1)
			h->waiting[h->nwaiting++] = table->lines[i];
	}
}

static void
hide(Hiding *h, int32 cell)
{
	const SuppressTable *table = h->table;
	const Line *line;

	table->hidden[cell] = true;
	note_hidden(h, cell);
	if (!table->heads[cell] || table->first[cell] == table->first[cell + 1])
		return;
	line = &h->lines[table->lines[table->first[cell]]];
	for (int32 i = line->first; i < line->first + line->count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (!table->hidden[h->cells[i]])
		{
			table->hidden[h->cells[i]] = true;
			note_hidden(h, h->cells[i]);
		}
	}
}

/* Whether hiding one cell costs less than hiding another. */
static bool
is_better(const SuppressTable *table, int32 cell, int32 other)
{
	bool nobody = table->sizes[cell] == 0, other_nobody = table->sizes[other] == 0;

	if (nobody != other_nobody)
		return other_nobody;
	if (table->heads[cell] != table->heads[other])
		return table->heads[other];
	return table->sizes[cell] < table->sizes[other];
}

static void
hide_next(Hiding *h, const Line *line)
{
	int32 best = -1;

	for (int32 i = line->first; i < line->first + line->count; i++)
	{
		int32 cell = h->cells[i];

		CHECK_NOW_AND_THEN(i);
		if (!h->table->hidden[cell] && h->table->sizes[cell] >= 0 &&
			(best < 0 || is_better(h->table, cell, best)))
			best = cell;
	}
	if (best >= 0)
		hide(h, best);
}

/* The cells of each line, in their order. */
static void
list_cells(Hiding *h)
{
	const SuppressTable *table = h->table;

	for (int32 i = 0; i < table->first[table->ncells]; i++)
	{
		CHECK_NOW_AND_THEN(i);
		h->lines[table->lines[i]].count++;
	}
	for (int32 i = 1; i < table->nlines; i++)
		h->lines[i].first = h->lines[i - 1].first + h->lines[i - 1].count;
	for (int32 i = 0; i < table->nlines; i++)
		h->lines[i].count = 0;
	for (int32 cell = 0; cell < table->ncells; cell++)
		for (int32 i = table->first[cell]; i < table->first[cell + 1]; i++)
		{
			Line *line = &h->lines[table->lines[i]];

			CHECK_NOW_AND_THEN(i);
			h->cells[line->first + line->count++] = cell;
		}
}

void
suppress_lines(const SuppressTable *table)
{
	Hiding h = {.table = table};
	bool *given;

	if (table->ncells == 0 || table->nlines == 0)
		return;
	h.lines = palloc0(table->nlines * sizeof(Line));
	h.cells = palloc((table->first[table->ncells] + 1) * sizeof(int32));
	h.waiting = palloc(table->nlines * sizeof(int32));
	given = palloc(table->ncells * sizeof(bool));
	list_cells(&h);

	memcpy(given, table->hidden, table->ncells * sizeof(bool));
	memset(table->hidden, 0, table->ncells * sizeof(bool));
	for (int32 i = 0; i < table->ncells; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (given[i] && !table->hidden[i])
			hide(&h, i);
	}
	for (int32 i = 0; i < h.nwaiting; i++)
	{
		const Line *line = &h.lines[h.waiting[i]];

		CHECK_FOR_INTERRUPTS();
		if (line->hidden == 1)
			hide_next(&h, line);
	}
	pfree(given);
	pfree(h.waiting);
	pfree(h.cells);
	pfree(h.lines);
}
