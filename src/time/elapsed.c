/*
 * elapsed.c
 *		Windows that begin with the customer. Nothing here allocates memory.
 */
#include "retention.h"

#include "common/int.h"
#include "time/civil.h"
#include "time/elapsed.h"
#include "time/moment.h"

/* After every moment. */
#define NEVER PG_INT64_MAX

static void anniversary_out_of_range(TimeKind kind) pg_attribute_noreturn();

static void
anniversary_out_of_range(TimeKind kind)
{
	ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					errmsg(kind == TIME_DATE ? "date out of range" : "timestamp out of range")));
}

static void no_hours_of_dates(void) pg_attribute_noreturn();

static void
no_hours_of_dates(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("a date has no windows in a retention_grid of hours"),
					errhint("Use a grid of days or longer, or a column of type timestamp.")));
}

/* Length of a window in the unit of the kind; grids of hours, days and weeks. */
static inline int64
window_length(const Grid *grid, TimeKind kind)
{
	if (kind == TIME_DATE)
	{
		if (grid->hours > 0)
			no_hours_of_dates();
		return grid->days;
	}
	return grid->hours > 0 ? grid->hours * USECS_PER_HOUR : grid->days * USECS_PER_DAY;
}

/* The day n windows of months after a day, or the last day of the month if the month is too short. */
static inline int64
day_after_months(const Grid *grid, int64 day, int64 n)
{
	Civil civil = civil_of_day(day);
	int64 month = civil.month + n * grid->months;

	if (civil.day > 28)
		civil.day = Min(civil.day, days_of_month(month));
	return day_of_civil(month, civil.day);
}

/*
 * The n-th anniversary in grids of months, as a moment of the kind; NEVER if it is out of range. local is the start
 * as wall-clock time. |n| is at most the number of months in the calendar.
 */
static int64
month_anniversary(const Grid *grid, TimeKind kind, int64 local, int64 n)
{
	int64 day;

	if (kind == TIME_DATE)
	{
		day = day_after_months(grid, local, n);
		return day >= DATE_END_JULIAN - POSTGRES_EPOCH_JDATE ? NEVER : day;
	}
	day = floor_divide(local, USECS_PER_DAY);
	local -= day * USECS_PER_DAY;
	day = day_after_months(grid, day, n);
	/* With a margin of a day: the zone may move it. */
	if (day >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE - 1)
		return NEVER;
	if (day < DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE + 1)
		anniversary_out_of_range(kind);
	local += day * USECS_PER_DAY;
	return kind == TIME_LOCAL ? local : zone_instant(grid->zone, local);
}

int64
grid_elapsed(const Grid *grid, TimeKind kind, int64 start, int64 moment)
{
	int64 from, until, n;

	if (grid->months == 0)
	{
		int64 length = window_length(grid, kind);
		int64 passed;

		if (kind == TIME_LOCAL)
		{
			start = zone_instant(grid->zone, start);
			moment = zone_instant(grid->zone, moment);
		}
		/* The range of timestamps is wider than half of int64. */
		if (pg_sub_s64_overflow(moment, start, &passed))
			anniversary_out_of_range(kind);
		return floor_divide(passed, length);
	}

	from = kind == TIME_INSTANT ? zone_local(grid->zone, start) : start;
	until = kind == TIME_INSTANT ? zone_local(grid->zone, moment) : moment;
	if (kind == TIME_DATE)
		n = civil_of_day(until).month - civil_of_day(from).month;
	else
		n = civil_of_day(floor_divide(until, USECS_PER_DAY)).month -
			civil_of_day(floor_divide(from, USECS_PER_DAY)).month;
	n = floor_divide(n, grid->months);
	while (month_anniversary(grid, kind, from, n) > moment)
		n--;
	while (month_anniversary(grid, kind, from, n + 1) <= moment)
		n++;
	return n;
}

/* No calendar of PostgreSQL has more months. */
#define MONTH_LIMIT INT64CONST(4000000)

int64
grid_window_start(const Grid *grid, TimeKind kind, int64 start, int64 n)
{
	int64 moment;

	if (grid->months > 0)
	{
		if (n > MONTH_LIMIT / grid->months)
			return NEVER;
		if (n < -MONTH_LIMIT / grid->months)
			anniversary_out_of_range(kind);
		return month_anniversary(grid, kind,
								 kind == TIME_INSTANT ? zone_local(grid->zone, start) : start, n);
	}
	if (kind == TIME_LOCAL)
		start = zone_instant(grid->zone, start);
	if (pg_mul_s64_overflow(window_length(grid, kind), n, &moment) ||
		pg_add_s64_overflow(moment, start, &moment) || !moment_is_valid(kind, moment))
	{
		if (n > 0)
			return NEVER;
		anniversary_out_of_range(kind);
	}
	return kind == TIME_LOCAL ? zone_local(grid->zone, moment) : moment;
}

int64
grid_gap_end(const Grid *grid, TimeKind kind, const GridGap *gap, int64 moment)
{
	Grid window = {
		.months = gap->months, .days = gap->days, .hours = gap->hours, .zone = grid->zone};

	return grid_window_start(&window, kind, moment, 1);
}
