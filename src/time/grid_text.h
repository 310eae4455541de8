/*
 * grid_text.h
 *		The text of a grid: the one reader of a grid's bytes, and the one writer.
 *
 *		text   := [count] unit { ';' key '=' value }
 *
 * Keywords are case-insensitive and blanks are free; what is written has its options in the order of the struct Grid,
 * and none that has its default.
 */
#ifndef RETENTION_GRID_TEXT_H
#define RETENTION_GRID_TEXT_H

#include "time/grid.h"

/* A grid with default options (months), in the current memory context. */
extern Grid *grid_new(void);

/* Reads what a user wrote. Raises 22P02 if it cannot be parsed, 22023 if it has no meaning. */
extern Grid *grid_read(const char *input);

/*
 * Reads what a table or a state holds; the text need not end with a zero byte. Raises XX001 unless it is canonical.
 * The zone is not looked up, so that a value can be shown if the server no longer has it.
 */
extern Grid *grid_read_stored(const char *bytes, int length);

/* One argument of the builder; name is that of the argument and of the option. Errors: 22023. */
extern void grid_read_argument(Grid *grid, const char *name, const char *value);

/* An interval as a length of time: months, days or hours. Raises 22023 on others; name is that of the argument. */
extern GridGap gap_of_interval(const char *name, const Interval *interval);

/* Checks that the options fit together, for grids made with grid_read_argument(). */
extern void grid_check(const Grid *grid);

/* Raises 22023 unless the day is in the years 1 to 294276. */
extern void grid_check_date(const char *name, int64 day);

/* The canonical text, palloc'ed. */
extern char *grid_write(const Grid *grid);

/* Parts of that text: the length of a period, such as "28 days", a bracket, such as "1-3", and a gap, "90 days". */
extern char *grid_period_text(const Grid *grid);
extern char *grid_bracket_text(GridBracket bracket);
extern char *grid_gap_text(const GridGap *gap);

/*
 * What a person calls a period after the start, 0 for that of the start itself, with brackets the number of one:
 * "month 2", "days 1-3". Palloc'ed.
 */
extern char *grid_period_label(const Grid *grid, int64 period);

/* Its words, by the values of the enums; days by week_start. */
extern const char *const grid_unit_names[];
extern const char *const grid_day_names[];
extern const char *const grid_windows_names[];
extern const char *const grid_cohorts_names[];

/* Whether a zone's name can be part of the text. */
extern bool grid_zone_name_fits(const char *name);

#endif /* RETENTION_GRID_TEXT_H */
