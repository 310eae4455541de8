/*
 * suppress.h
 *		Which counts of a table are hidden, so that those that are too small cannot be computed from a total.
 */
#ifndef RETENTION_SUPPRESS_H
#define RETENTION_SUPPRESS_H

/* The most cells of a table: some 80 MB. Beyond it 54000. */
#define MAX_SUPPRESSIBLE 1000000

/*
 * A line is a set of cells of which each follows from the others: a row, a column, the values of a segment in one
 * period, and what adds up to what. A cell may be on any number of lines.
 */
typedef struct SuppressTable
{
	int32 ncells;
	int32 nlines;
	const int32 *first; /* of each cell, and at the end: where its lines begin in ... */
	const int32 *lines; /* the lines, as numbers from 0 to nlines - 1 */
	const int64 *sizes; /* of each cell; -1: it may not be hidden, others show it */
	const bool *heads;	/* cells with which their whole first line is hidden */
	bool *hidden;		/* in: what must not be shown; suppress_lines() adds to it */
} SuppressTable;

/*
 * Hide more until no line hides exactly one cell, unless it has no other that may be hidden: each time the smallest
 * that is not hidden, a head only if there is no other, and one of nobody last.
 */
extern void suppress_lines(const SuppressTable *table);

/* 54000 for a table of more cells than can be looked at. */
extern void suppress_check_size(int64 ncells);

#endif /* RETENTION_SUPPRESS_H */
