/*
 * grid.h
 *		The grid: how time is cut into periods. The one place where an instant becomes a period.
 *
 * A retention_grid value is a varlena that holds its own canonical text, nothing else: equal grids are equal bytes,
 * text input and output cannot disagree, and the parser is the one reader of hostile bytes. Decoded grids are cached
 * per process, so that a row costs a comparison of a few bytes and no catalog or zone-rule look-up.
 */
#ifndef RETENTION_GRID_H
#define RETENTION_GRID_H

#include "time/zone.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/date.h"

typedef enum GridUnit
{
	GRID_HOUR,
	GRID_DAY,
	GRID_WEEK,
	GRID_MONTH,
	GRID_QUARTER,
	GRID_YEAR,
} GridUnit;

typedef enum GridWindows
{
	GRID_CALENDAR,
	GRID_ELAPSED,
} GridWindows;

typedef enum GridCohorts
{
	GRID_FIRST,
	GRID_RECURRING,
} GridCohorts;

/* Offsets first..last, both included; first >= 1. */
typedef struct GridBracket
{
	int32 first;
	int32 last;
} GridBracket;

/* The type of a time column. Its values travel as int64: days of a date, microseconds of the others. */
typedef enum TimeKind
{
	TIME_DATE,	  /* date: days since 2000-01-01 */
	TIME_LOCAL,	  /* timestamp: wall-clock time of the grid's zone */
	TIME_INSTANT, /* timestamptz */
} TimeKind;

typedef struct Grid
{
	GridUnit unit;
	int32 count;	/* units per period, >= 1 */
	int week_start; /* 0 = Sunday .. 6 = Saturday */
	bool has_origin;
	DateADT origin;
	GridWindows windows;
	GridCohorts cohorts;
	int32 min_events; /* >= 1 */
	int32 nbrackets;  /* 0: every offset is its own */
	GridBracket *brackets;
	bool has_as_of;
	Timestamp as_of; /* wall-clock time of the zone */

	const char *zone_name; /* NULL: unset (only before grid_open() fills it in) */

	/* Derived: */
	int32 months;	  /* length of a period in months, or 0 */
	int32 days;		  /* in days, or 0 */
	int32 hours;	  /* in hours, or 0 */
	DateADT base;	  /* the first day of period 0 (hours: the day whose midnight begins it) */
	Zone *zone;		  /* NULL while the zone is unset */
	int64 base_hour;  /* zone_hour() of the midnight that begins base; grids of hours only */
	const char *text; /* canonical text, the zone included */
	int text_length;
} Grid;

/*
 * Decode a retention_grid, with an unset zone taken from the session's TimeZone. The result belongs to the cache and
 * stays valid for the current function call at least (a call may open a handful of grids).
 */
extern const Grid *grid_open(Datum value);

/* The same from canonical text that a state holds; the text has a zone. Raises XX001 on text that is not canonical. */
extern const Grid *grid_open_text(const char *text, int length);

/* For descriptions: " of 28 days", from the canonical text of a grid. */
static inline void
describe_grid(StringInfo out, const char *grid_text, int length)
{
	const char *options = memchr(grid_text, ';', length);

	appendStringInfo(out, " of %.*s", options == NULL ? length : (int) (options - grid_text),
					 grid_text);
}

/*
 * The period a moment lies in: consecutive numbers, 0 is the period at the origin. Infinite moments are an error
 * (22008), dates in grids of hours too (22023).
 */
extern int64 grid_period(const Grid *grid, TimeKind kind, int64 moment);

/* The first moment of a period, as a value of that kind. 22008 where it leaves the range of the type. */
extern int64 grid_period_start(const Grid *grid, TimeKind kind, int64 period);

/* as_of as a moment of that kind: moments >= it are not known yet. Only where has_as_of. */
extern int64 grid_as_of(const Grid *grid, TimeKind kind);

/*
 * When the transaction began, as a value of that kind on the session's clock; a date is the day, which is not over.
 * Parallel workers have it from their leader.
 */
extern int64 transaction_moment(TimeKind kind);

/* 22023 where two states of an aggregate, or two rows, have different grids: shows both. */
extern void grid_mismatch(const char *one, const char *other) pg_attribute_noreturn();

/* 22023 unless the grid has what calendar-only answers need; what names the caller in the message. */
extern void grid_require_plain_calendar(const Grid *grid, const char *what);

#endif /* RETENTION_GRID_H */
