/*
 * grid.c
 *		From a moment to its period and back.
 *
 * Functions that are called for each row do not allocate memory and look nothing up.
 */
#include "retention.h"

#include "access/xact.h"
#include "time/civil.h"
#include "time/grid.h"
#include "time/grid_text.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * Decoded grids of this process. Each grid has a memory context of its own, a child of TopMemoryContext. The least
 * recently used grid is freed if its place is needed, so a call may hold several.
 */
typedef struct CachedGrid
{
	MemoryContext context; /* NULL: the place is free */
	const Grid *grid;
	const char *key; /* the bytes of the value, in the context */
	int key_length;
	pg_tz
		*session; /* the session's zone the grid was completed with, or NULL if it names its own */
	uint64 used;  /* when it was used last, by grid_clock */
} CachedGrid;

#define GRID_CACHE_SIZE 32
static CachedGrid grid_cache[GRID_CACHE_SIZE];
static CachedGrid *grid_last = &grid_cache[0];
static uint64 grid_clock = 0;

/* The periods of all valid moments are nearer to 0; products with a count do not overflow. */
#define PERIOD_LIMIT INT64CONST(10000000000)

/* ---------- opening ---------- */

/* Fill in what is derived. zone is the grid's own or the session's. */
static void
grid_complete(Grid *grid, Zone *zone)
{
	int64 base = 0;

	grid->zone = zone;
	grid->months = grid->days = grid->hours = 0;
	if (grid->has_origin)
		base = grid->origin;
	switch (grid->unit)
	{
		case GRID_HOUR:
			grid->hours = grid->count;
			break;
		case GRID_DAY:
			grid->days = grid->count;
			break;
		case GRID_WEEK:
			grid->days = grid->count * 7;
			/*
			 * The week start on or before the origin, which is Monday 2000-01-03 by default. 2000-01-01 was a
			 * Saturday.
			 */
			if (!grid->has_origin)
				base = 2;
			base -= (base + 6 - grid->week_start + 7) -
					floor_divide(base + 6 - grid->week_start + 7, 7) * 7;
			break;
		case GRID_MONTH:
			grid->months = grid->count;
			break;
		case GRID_QUARTER:
			grid->months = grid->count * 3;
			break;
		case GRID_YEAR:
			grid->months = grid->count * 12;
			break;
	}
	grid->base = (DateADT) base;
	if (grid->hours > 0)
		grid->base_hour = zone_hour(zone, zone_instant(zone, base * USECS_PER_DAY));
}

static const Grid *
grid_remember(const char *key, int length)
{
	CachedGrid *place = &grid_cache[0];
	MemoryContext context, old;
	Grid *grid;
	Zone *zone;
	bool own_zone;
	char *key_copy;

	context = AllocSetContextCreate(CurrentMemoryContext, "retention grid", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	grid = grid_read_stored(key, length);
	own_zone = grid->zone_name != NULL;
	if (own_zone)
	{
		zone = zone_find(grid->zone_name);
		if (zone == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("time zone \"%s\" of a retention_grid is not recognized by this server",
							grid->zone_name)));
	}
	else
	{
		zone = zone_of_session();
		if (!grid_zone_name_fits(zone_name(zone)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the session's time zone \"%s\" cannot be part of a retention_grid",
							zone_name(zone)),
					 errhint("Set TimeZone to one of the names in pg_timezone_names.")));
		grid->zone_name = pstrdup(zone_name(zone));
	}
	grid_complete(grid, zone);
	grid->text = grid_write(grid);
	grid->text_length = (int) strlen(grid->text);
	key_copy = palloc(length + 1);
	memcpy(key_copy, key, length);
	MemoryContextSwitchTo(old);

	/* Nothing can fail from here on. */
	for (int i = 1; i < GRID_CACHE_SIZE; i++)
		if (grid_cache[i].used < place->used)
			place = &grid_cache[i];
	if (place->context != NULL)
		MemoryContextDelete(place->context);
	MemoryContextSetParent(context, TopMemoryContext);
	place->context = context;
	place->grid = grid;
	place->key = key_copy;
	place->key_length = length;
	place->session = own_zone ? NULL : session_timezone;
	place->used = ++grid_clock;
	grid_last = place;
	return grid;
}

static inline bool
grid_is(const CachedGrid *place, const char *key, int length)
{
	return place->key_length == length && place->grid != NULL &&
		   memcmp(place->key, key, length) == 0 &&
		   (place->session == NULL || place->session == session_timezone);
}

static const Grid *
grid_lookup(const char *key, int length)
{
	if (likely(grid_is(grid_last, key, length)))
		return grid_last->grid;
	for (int i = 0; i < GRID_CACHE_SIZE; i++)
		if (grid_is(&grid_cache[i], key, length))
		{
			grid_last = &grid_cache[i];
			grid_last->used = ++grid_clock;
			return grid_last->grid;
		}
	return grid_remember(key, length);
}

const Grid *
grid_open(Datum value)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
	const Grid *grid = grid_lookup(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));

	if ((Pointer) bytes != DatumGetPointer(value))
		pfree(bytes);
	return grid;
}

const Grid *
grid_open_text(const char *grid_text, int length)
{
	return grid_lookup(grid_text, length);
}

/* ---------- periods ---------- */

static void no_period_of_infinity(bool negative) pg_attribute_noreturn();

static void
no_period_of_infinity(bool negative)
{
	ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					errmsg("\"%s\" has no period", negative ? "-infinity" : "infinity"),
					errhint("Leave such rows out, or write NULL for an end that is not known.")));
}

static void no_hour_of_date(void) pg_attribute_noreturn();

static void
no_hour_of_date(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("a date has no period in a retention_grid of hours"),
					errhint("Use a grid of days or longer, or a column of type timestamp.")));
}

static void period_out_of_range(TimeKind kind) pg_attribute_noreturn();

static void
period_out_of_range(TimeKind kind)
{
	ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					errmsg(kind == TIME_DATE ? "date out of range" : "timestamp out of range")));
}

/* The day of the month at which periods begin, or the last day of a month that is too short. */
static inline int64
month_start(const Grid *grid, const Civil *base, int64 month)
{
	if (base->day <= 28)
		return day_of_civil(month, base->day);
	return day_of_civil(month, Min(base->day, days_of_month(month)));
}

/* The period of a local day, in grids of days or longer. */
static inline int64
period_of_day(const Grid *grid, int64 day)
{
	Civil civil;
	int64 period;

	if (grid->days > 0)
		return grid->days == 1 ? day - grid->base : floor_divide(day - grid->base, grid->days);

	civil = civil_of_day(day);
	if (!grid->has_origin)
		return floor_divide(civil.month - 2000 * 12, grid->months);
	else
	{
		Civil base = civil_of_day(grid->base);

		period = floor_divide(civil.month - base.month, grid->months);
		if (day < month_start(grid, &base, base.month + period * grid->months))
			period--;
		return period;
	}
}

static inline int64
day_of_period(const Grid *grid, int64 period)
{
	Civil base;

	if (grid->days > 0)
		return grid->base + period * grid->days;
	base = civil_of_day(grid->base);
	return month_start(grid, &base, base.month + period * grid->months);
}

/*
 * Whether hours are counted as they pass instead of read off the clock: single hours, and with elapsed windows also
 * numbers of hours that do not divide the day.
 */
static inline bool
hours_pass(const Grid *grid)
{
	return grid->hours == 1 || HOURS_PER_DAY % grid->hours != 0;
}

int64
grid_day(const Grid *grid, TimeKind kind, int64 moment)
{
	if (kind == TIME_DATE)
	{
		if (unlikely(DATE_NOT_FINITE(moment)))
			no_period_of_infinity(DATE_IS_NOBEGIN(moment));
		return moment;
	}
	if (unlikely(TIMESTAMP_NOT_FINITE(moment)))
		no_period_of_infinity(TIMESTAMP_IS_NOBEGIN(moment));
	if (kind == TIME_INSTANT)
		moment = zone_local(grid->zone, moment);
	return floor_divide(moment, USECS_PER_DAY);
}

int64
grid_period(const Grid *grid, TimeKind kind, int64 moment)
{
	Timestamp local;

	if (kind == TIME_DATE)
	{
		if (unlikely(DATE_NOT_FINITE(moment)))
			no_period_of_infinity(DATE_IS_NOBEGIN(moment));
		if (unlikely(grid->hours > 0))
			no_hour_of_date();
		return period_of_day(grid, moment);
	}
	if (unlikely(TIMESTAMP_NOT_FINITE(moment)))
		no_period_of_infinity(TIMESTAMP_IS_NOBEGIN(moment));
	if (grid->hours > 0 && hours_pass(grid))
	{
		TimestampTz instant = kind == TIME_LOCAL ? zone_instant(grid->zone, moment) : moment;
		int64 hour = zone_hour(grid->zone, instant) - grid->base_hour;

		return grid->hours == 1 ? hour : floor_divide(hour, grid->hours);
	}
	local = kind == TIME_LOCAL ? moment : zone_local(grid->zone, moment);
	if (grid->hours > 0)
		return floor_divide(local, grid->hours * USECS_PER_HOUR) -
			   grid->base * (int64) (HOURS_PER_DAY / grid->hours);
	return period_of_day(grid, floor_divide(local, USECS_PER_DAY));
}

int64
grid_period_start(const Grid *grid, TimeKind kind, int64 period)
{
	Timestamp local;

	if (period < -PERIOD_LIMIT || period > PERIOD_LIMIT)
		period_out_of_range(kind);
	if (grid->hours > 0 && kind == TIME_DATE)
		no_hour_of_date();
	if (grid->hours > 0)
	{
		bool pass = hours_pass(grid);
		int64 hour =
			period * grid->hours + (pass ? grid->base_hour : grid->base * (int64) HOURS_PER_DAY);
		TimestampTz instant;

		if (hour > END_TIMESTAMP / USECS_PER_HOUR || hour < MIN_TIMESTAMP / USECS_PER_HOUR)
			period_out_of_range(kind);
		if (pass)
		{
			instant = zone_hour_start(grid->zone, hour);
			if (!IS_VALID_TIMESTAMP(instant))
				period_out_of_range(kind);
			if (kind == TIME_INSTANT)
				return instant;
			local = zone_local(grid->zone, instant);
		}
		else
			local = hour * USECS_PER_HOUR;
	}
	else
	{
		int64 day = day_of_period(grid, period);

		if (day < DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE ||
			day >=
				(kind == TIME_DATE ? DATE_END_JULIAN : TIMESTAMP_END_JULIAN) - POSTGRES_EPOCH_JDATE)
			period_out_of_range(kind);
		if (kind == TIME_DATE)
			return day;
		local = day * USECS_PER_DAY;
	}
	if (!IS_VALID_TIMESTAMP(local))
		period_out_of_range(kind);
	return kind == TIME_LOCAL ? local : zone_instant(grid->zone, local);
}

int64
transaction_moment(TimeKind kind)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	Timestamp local;

	if (kind == TIME_INSTANT)
		return now;
	/* Where the zone of who asks is not known, the earliest clock on earth: what is over there is over everywhere. */
	local =
		zone_session_is_of_citus() ? now - 12 * USECS_PER_HOUR : zone_local(zone_of_session(), now);
	return kind == TIME_DATE ? floor_divide(local, USECS_PER_DAY) : local;
}

int64
grid_as_of(const Grid *grid, TimeKind kind)
{
	switch (kind)
	{
		case TIME_DATE:
			/* The day of as_of is not over, so it is not known yet. */
			return floor_divide(grid->as_of, USECS_PER_DAY);
		case TIME_LOCAL:
			return grid->as_of;
		case TIME_INSTANT:
			return zone_instant(grid->zone, grid->as_of);
	}
	pg_unreachable();
}

/* ---------- refusals ---------- */

void
grid_mismatch(const char *one, const char *other)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("grids differ"),
					errdetail("One is \"%s\", the other is \"%s\".", one, other),
					errhint("All rows and states of one answer need the same grid.")));
}

void
grid_require_plain_calendar(const Grid *grid, const char *what, bool reactivation)
{
	const char *option = NULL;

	if (grid->windows != GRID_CALENDAR)
		option = "windows";
	else if (grid->cohorts != GRID_FIRST)
		option = "cohorts";
	else if (grid->nbrackets > 0)
		option = "brackets";
	else if (grid->min_events > 1)
		option = "min_events";
	else if (gap_is_set(&grid->reactivation_within) && !reactivation)
		option = "reactivation_within";
	if (option != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s does not take a grid with the option \"%s\"", what, option),
						errdetail("The grid is \"%s\".", grid->text),
						errhint("Give it a grid of calendar periods only.")));
}
