/*
 * elapsed.h
 *		Windows that begin with the customer and not with the calendar.
 *
 * Window n of a customer lasts from their n-th anniversary to the next one; window 0 begins at their start.
 * Anniversaries are always counted from the start, never from the one before: a customer who starts on 31 January has
 * them on 28 February and 31 March. Months, quarters and years keep the wall-clock time of the grid's zone. Hours,
 * days and weeks are real elapsed time, with days of 24 hours; a date column counts days.
 */
#ifndef RETENTION_ELAPSED_H
#define RETENTION_ELAPSED_H

#include "time/grid.h"

/* The window that contains a moment: the n with start of n <= moment < start of n + 1; negative before the start. */
extern int64 grid_elapsed(const Grid *grid, TimeKind kind, int64 start, int64 moment);

/* The moment at which window n begins; PG_INT64_MAX if that is after every moment of the type. */
extern int64 grid_window_start(const Grid *grid, TimeKind kind, int64 start, int64 n);

/*
 * The end of a length of time that begins at a moment, which is finite; PG_INT64_MAX if that is after every moment of
 * the type. Months keep the wall-clock time of the grid's zone.
 */
extern int64 grid_gap_end(const Grid *grid, TimeKind kind, const GridGap *gap, int64 moment);

#endif /* RETENTION_ELAPSED_H */
