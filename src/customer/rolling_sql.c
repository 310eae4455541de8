/*
 * rolling_sql.c
 *		The SQL functions about customers active in rolling windows.
 */
#include "retention.h"

#include "base/check.h"
#include "base/emit.h"
#include "base/number.h"
#include "base/type_sql.h"
#include "customer/customer.h"
#include "customer/rolling.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* ---- The type ---- */

static void
describe_rolling(Datum value, StringInfo out, WireKind kind)
{
	const Rolling *rolling = rolling_open(value);

	describe_count(out, rolling->base.used == 0 ? 0 : rolling->last - rolling->first + 1, "day");
}

static const StoredType rolling_type = {
	.name = ROLLING_TYPE,
	.kind = WIRE_ROLLING,
	.read = rolling_read,
	.write = rolling_write,
	.describe = describe_rolling,
	.use = "rolling_active_days()",
	.version = ROLLING_VERSION,
	.least = sizeof(Rolling),
	.is_own = counted_is_own,
	.copy = rolling_copy,
	.merge = rolling_merge,
};

STORED_TYPE_FUNCTIONS(retention_rolling, rolling_type)
STORED_TYPE_ORDER(retention_rolling, rolling_type)
STORED_TYPE_COMBINE(rolling_combine, rolling_type)

/* rolling_active(activity): one customer */
RETENTION_FUNCTION(rolling_transfn);
Datum
rolling_transfn(PG_FUNCTION_ARGS)
{
	ActivityView view = {0};
	Rolling *rolling;

	if (PG_ARGISNULL(1))
	{
		(void) aggregate_context(fcinfo);
		RETURN_STATE_UNCHANGED();
	}
	rolling = stored_type_state(fcinfo, &rolling_type);
	activity_view(PG_GETARG_DATUM(1), &view);
	rolling_add(&rolling, &view);
	PG_RETURN_POINTER(rolling);
}

RETENTION_FUNCTION(rolling_final);
Datum
rolling_final(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(rolling_open(PG_GETARG_DATUM(0)));
}

/* ---- Answers ---- */

#define DAY_COLUMNS 5

/* Where a series is read, and what it has come to. */
typedef struct SeriesReader
{
	int next; /* slot */
	int64 customers;
} SeriesReader;

static void
per_cent_or_null(Datum *values, bool *nulls, int at, int64 part, int64 whole)
{
	nulls[at] = whole == 0;
	values[at] = whole == 0 ? (Datum) 0
							: NumericGetDatum(numeric_per_cent(numeric_from_int64(part),
															   numeric_from_int64(whole)));
}

/* rolling_active_days(rolling) -> day, dau, wau, mau, dau_mau */
RETENTION_FUNCTION(rolling_active_days);
Datum
rolling_active_days(PG_FUNCTION_ARGS)
{
	static const int windows[] = {1, ROLLING_WEEK_DAYS, ROLLING_MONTH_DAYS};
	Emitter emitter = emit_begin(fcinfo);
	const Rolling *rolling = rolling_open(PG_GETARG_DATUM(0));
	int64 until = rolling_until(rolling);
	SeriesReader series[ROLLING_POWER] = {{0, 0}};
	int slot = 0;

	if (rolling->base.used == 0)
		return (Datum) 0;
	if (until - rolling->first > MAX_PERIODS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a series has at most %d days", MAX_PERIODS),
						errhint("Leave out rows with times that cannot be.")));
	for (int i = 0; i < ROLLING_POWER; i++)
	{
		while (slot < rolling->base.used && rolling_slot(rolling, slot)->series < i)
			slot++;
		series[i].next = slot;
	}
	for (int64 day = rolling->first; day < until; day++)
	{
		Datum values[DAY_COLUMNS];
		bool nulls[DAY_COLUMNS] = {false};

		CHECK_NOW_AND_THEN(day);
		values[0] = DateADTGetDatum((DateADT) day);
		for (int i = 0; i < ROLLING_POWER; i++)
		{
			SeriesReader *reader = &series[i];

			while (reader->next < rolling->base.used &&
				   rolling_slot(rolling, reader->next)->series == i &&
				   rolling_slot(rolling, reader->next)->day <= day)
			{
				const RollingSlot *at = rolling_slot(rolling, reader->next++);

				count_add(&reader->customers, at->begun - at->ended);
				if (reader->customers < 0)
					wire_corrupt(ROLLING_TYPE, "Its counts do not add up.");
			}
			/* A window that begins before the records is not known. */
			nulls[1 + i] = day - windows[i] + 1 < rolling->first;
			values[1 + i] = Int64GetDatum(reader->customers);
		}
		nulls[4] = nulls[3];
		values[4] = (Datum) 0;
		if (!nulls[3])
			per_cent_or_null(values, nulls, 4, series[ROLLING_DAY].customers,
							 series[ROLLING_MONTH].customers);
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

/* power_user_curve(rolling) -> month, active_days, customers, share */
RETENTION_FUNCTION(power_user_curve);
Datum
power_user_curve(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const Rolling *rolling = rolling_open(PG_GETARG_DATUM(0));
	int64 until = rolling_until(rolling);
	int64 month;
	int slot = 0;

	if (rolling->base.used == 0)
		return (Datum) 0;
	if (until - rolling->first > MAX_PERIODS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a series has at most %d days", MAX_PERIODS),
						errhint("Leave out rows with times that cannot be.")));
	while (slot < rolling->base.used && rolling_slot(rolling, slot)->series < ROLLING_POWER)
		slot++;
	for (month = civil_of_day(rolling->first).month; day_of_civil(month + 1, 1) <= until; month++)
	{
		int64 first = day_of_civil(month, 1);
		int64 counts[ROLLING_MONTH_DAYS + 1] = {0};
		int64 total = 0;

		CHECK_FOR_INTERRUPTS();
		for (; slot < rolling->base.used && rolling_slot(rolling, slot)->day <= first; slot++)
		{
			const RollingSlot *at = rolling_slot(rolling, slot);

			if (at->day == first)
				counts[at->active] = at->begun;
			total += at->begun;
		}
		if (day_of_civil(month + 1, 1) - ROLLING_MONTH_DAYS < rolling->first)
			continue;
		for (int active = 1; active <= ROLLING_MONTH_DAYS; active++)
		{
			Datum values[4];
			bool nulls[4] = {false};

			values[0] = DateADTGetDatum((DateADT) first);
			values[1] = Int32GetDatum(active);
			values[2] = Int64GetDatum(counts[active]);
			per_cent_or_null(values, nulls, 3, counts[active], total);
			emit_row(&emitter, values, nulls);
		}
	}
	return (Datum) 0;
}

/* ---- One window ---- */

/* Whether a customer was active from a local time until another: by the day, on a whole day between them. */
static bool
is_active_between(const ActivityView *view, Timestamp from, Timestamp until)
{
	const Grid *grid = view->grid;

	for (int i = view->count - 1; i >= 0; i--)
	{
		const Event *event = &view->events[i];
		Timestamp begins, ends;

		CHECK_NOW_AND_THEN(i);
		if (!(event->flags & EVENT_ACTIVE))
			continue;
		if (grid->windows == GRID_ELAPSED)
		{
			begins = activity_convert(grid, view->kind, TIME_LOCAL, event->value);
			ends = view->kind == TIME_DATE ? begins + USECS_PER_DAY : begins + 1;
		}
		else
		{
			begins = grid_period_start(grid, TIME_LOCAL, event->value);
			ends = grid_period_start(grid, TIME_LOCAL, event->value + 1);
		}
		if (begins >= from && ends <= until)
			return true;
		/* A clock that is set back shows at most a day again. */
		if (begins < from - USECS_PER_DAY)
			return false;
	}
	return false;
}

/* active_customers(activity, window, as_of): the state is the count */
RETENTION_FUNCTION(active_customers_transfn);
Datum
active_customers_transfn(PG_FUNCTION_ARGS)
{
	int64 count = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	ActivityView view = {0};
	Timestamp as_of, from;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the window and the as_of of active customers must not be null")));
	(void) interval_argument("the window", PG_GETARG_DATUM(2));
	as_of = PG_GETARG_TIMESTAMP(3);
	if (TIMESTAMP_NOT_FINITE(as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("as_of must be a finite time")));
	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	activity_view(PG_GETARG_DATUM(1), &view);
	rolling_require_days(view.grid);
	from = DatumGetTimestamp(
		DirectFunctionCall2(timestamp_mi_interval, PG_GETARG_DATUM(3), PG_GETARG_DATUM(2)));
	if (is_active_between(&view, from, as_of))
		count_add(&count, 1);
	PG_RETURN_INT64(count);
}

RETENTION_FUNCTION(active_customers_combine);
Datum
active_customers_combine(PG_FUNCTION_ARGS)
{
	int64 count;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	count = PG_GETARG_INT64(1);
	if (!PG_ARGISNULL(0))
		count_add(&count, PG_GETARG_INT64(0));
	PG_RETURN_INT64(count);
}
