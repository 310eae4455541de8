/*
 * grid.h
 *		The grid: how time is cut into periods. Here, and only here, a moment becomes a period.
 *
 * A retention_grid value is its own canonical text and nothing else: equal grids are equal bytes, text input and
 * output cannot disagree, and the parser is the only reader of hostile bytes. Decoded grids are cached in each
 * process, so that a row costs a comparison of a few bytes, and no look-up of a catalog or of zone rules.
 *
 * The module time knows nothing of customers:
 *
 *	 grid		calendar periods: a moment to its period and back; grid_text: the parser and the writer
 *	 elapsed	windows that begin with a customer
 *	 zone		a time zone as a table of offsets; civil: days to months and back
 *	 moment		the values of a time column as int64
 *	 lookup		periods of many moments from a small table, for the batch scan
 *	 span		a period or span of time as an argument: a range of any type, or a text
 *	 request	the periods that a row of memberships asks for, decoded and cached
 *	 grid_sql	the SQL functions: the type, retention_grid(), retention_periods() and others
 *
 * The path of a row: grid_open() finds its grid in the cache, grid_period() maps its moment to the number of a
 * period; when the answer is shown, grid_period_start() maps numbers back to dates or times.
 */
#ifndef RETENTION_GRID_H
#define RETENTION_GRID_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "time/zone.h"
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

/* A length of time: one of the three is above 0. */
typedef struct GridGap
{
	int32 months;
	int32 days;
	int32 hours;
} GridGap;

static inline bool
gap_is_set(const GridGap *gap)
{
	return gap->months > 0 || gap->days > 0 || gap->hours > 0;
}

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
	/* The longest gap after which a customer who comes back is reactivated and not new. All 0: of any length. */
	GridGap reactivation_within;

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
 * Decode a retention_grid. If it has no zone, the session's TimeZone is used. The result belongs to the cache; it is
 * valid at least until the current function returns (a call may open a handful of grids).
 */
extern const Grid *grid_open(Datum value);

/* The same from the canonical text in a state, which has a zone. Raises XX001 on any other text. */
extern const Grid *grid_open_text(const char *grid_text, int length);

/* For descriptions: " of 28 days", from the canonical text of a grid. */
static inline void
describe_grid(StringInfo out, const char *grid_text, int length)
{
	const char *options = memchr(grid_text, ';', length);

	appendStringInfo(out, " of %.*s", options == NULL ? length : (int) (options - grid_text),
					 grid_text);
}

/*
 * The period that contains a moment. Periods have consecutive numbers; 0 is the one at the origin. Raises 22008 on
 * infinite moments, 22023 on dates in grids of hours.
 */
extern int64 grid_period(const Grid *grid, TimeKind kind, int64 moment);

/* The calendar day of a moment in the grid's zone, as a date. Raises 22008 on infinite moments. */
extern int64 grid_day(const Grid *grid, TimeKind kind, int64 moment);

/* The first moment of a period, as a value of that kind. Raises 22008 if it is out of the type's range. */
extern int64 grid_period_start(const Grid *grid, TimeKind kind, int64 period);

/* as_of as a moment of that kind, if has_as_of: moments >= it are not known yet. */
extern int64 grid_as_of(const Grid *grid, TimeKind kind);

/*
 * The start of the transaction as a moment of that kind, in the session's zone; for a date the day, which is not
 * over. Parallel workers get it from the leader.
 */
extern int64 transaction_moment(TimeKind kind);

/* Raises 22023: two states or two rows of an aggregate have different grids. Shows both. */
extern void grid_mismatch(const char *one, const char *other) pg_attribute_noreturn();

/*
 * Raises 22023 unless the grid has calendar periods and no other options, but for reactivation_within where that is
 * allowed; the message names the caller, what.
 */
extern void grid_require_plain_calendar(const Grid *grid, const char *what, bool reactivation);

#endif /* RETENTION_GRID_H */
