/*
 * elapsed.h
 *		Windows that begin when the customer does, and not when the calendar says.
 *
 * Window n of a customer lasts from his n-th anniversary to the next; window 0 begins at his start. Anniversaries
 * are always counted from the start, never from the one before: who starts on 31 January has them on 28 February
 * and 31 March. Months, quarters and years keep the wall-clock time of the grid's zone. Hours, days and weeks are
 * real elapsed time, a day being 24 hours; a date column counts days.
 */
#ifndef RETENTION_ELAPSED_H
#define RETENTION_ELAPSED_H

#include "time/grid.h"

/* The window that a moment lies in: the n with start of n <= moment < start of n + 1; negative before start. */
extern int64 grid_elapsed(const Grid *grid, TimeKind kind, int64 start, int64 moment);

/* The moment at which window n begins; PG_INT64_MAX where that is after every moment of the type. */
extern int64 grid_window_start(const Grid *grid, TimeKind kind, int64 start, int64 n);

#endif /* RETENTION_ELAPSED_H */
