/*
 * grid_sql.c
 *		The SQL functions of the grid.
 */
#include "retention.h"

#include "base/check.h"
#include "base/emit.h"
#include "base/type_sql.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "nodes/makefuncs.h"
#include "time/civil.h"
#include "time/grid_text.h"
#include "time/moment.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"

#define GRID_SEND_VERSION 1

/* ---------- the type ---------- */

static Datum
grid_datum(const Grid *grid)
{
	char *written = grid_write(grid);
	struct varlena *value = (struct varlena *) cstring_to_text(written);

	pfree(written);
	return PointerGetDatum(value);
}

/* A value as it is stored. The zone is not looked up, so that a value can be shown if the server no longer has it. */
static Grid *
stored_grid(Datum value)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	return grid_read_stored(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

/* The text of a value, checked, with a zero at its end. */
static char *
grid_text_of(Datum value)
{
	return grid_write(stored_grid(value));
}

/* retention_grid_in(cstring) -> retention_grid. 22P02 or 22023 on anything that is not a grid. */
RETENTION_FORWARD(retention_grid_in, grid_datum(grid_read(PG_GETARG_CSTRING(0))))

/* retention_grid_out(retention_grid) -> cstring. */
RETENTION_FUNCTION(retention_grid_out);
Datum
retention_grid_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(grid_text_of(PG_GETARG_DATUM(0)));
}

/* retention_grid_recv(internal) -> retention_grid: a version byte and the text. */
RETENTION_FUNCTION(retention_grid_recv);
Datum
retention_grid_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int version = pq_getmsgbyte(in);
	int size;
	char *written;

	if (version != GRID_SEND_VERSION)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("unrecognized version %d of %s", version, "retention_grid")));
	/* Checks the encoding, and that there is no zero byte. */
	written = pq_getmsgtext(in, in->len - in->cursor, &size);
	return grid_datum(grid_read(written));
}

/* retention_grid_send(retention_grid) -> bytea. */
RETENTION_FUNCTION(retention_grid_send);
Datum
retention_grid_send(PG_FUNCTION_ARGS)
{
	char *written = grid_text_of(PG_GETARG_DATUM(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, GRID_SEND_VERSION);
	pq_sendtext(&out, written, (int) strlen(written));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Equal grids are equal bytes, so these are compared. */
static void
write_bytes(Datum value, StringInfo out, WireKind kind)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	appendBinaryStringInfo(out, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

static const StoredType grid_type = {.name = "retention_grid", .write = write_bytes};

STORED_TYPE_ORDER(retention_grid, grid_type)

/*
 * retention_grid(unit text, week_start text, time_zone text, origin date, windows text, cohorts text, brackets text,
 * min_events integer, as_of timestamp, reactivation_within interval) -> retention_grid. NULL leaves an option at its
 * default; no unit, no grid.
 */
RETENTION_FUNCTION(retention_grid);
Datum
retention_grid(PG_FUNCTION_ARGS)
{
	static const struct
	{
		int number;
		const char *name;
	} texts[] = {{0, "unit"},	 {1, "week_start"}, {2, "time_zone"},
				 {4, "windows"}, {5, "cohorts"},	{6, "brackets"}};
	Grid *grid;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	grid = grid_new();
	for (int i = 0; i < lengthof(texts); i++)
		if (!PG_ARGISNULL(texts[i].number))
			grid_read_argument(grid, texts[i].name,
							   text_to_cstring(PG_GETARG_TEXT_PP(texts[i].number)));
	if (!PG_ARGISNULL(3))
	{
		grid->origin = PG_GETARG_DATEADT(3);
		grid->has_origin = true;
		grid_check_date("origin", grid->origin);
	}
	if (!PG_ARGISNULL(7))
		grid->min_events = PG_GETARG_INT32(7);
	if (!PG_ARGISNULL(8))
	{
		grid->as_of = PG_GETARG_TIMESTAMP(8);
		grid->has_as_of = true;
		grid_check_date("as_of", floor_divide(grid->as_of, USECS_PER_DAY));
	}
	if (!PG_ARGISNULL(9))
		grid->reactivation_within = gap_of_interval("reactivation_within", PG_GETARG_INTERVAL_P(9));
	grid_check(grid);
	return grid_datum(grid);
}

/* grid_of_interval(interval) -> retention_grid: whole months, days or hours. Seven days are a week. */
RETENTION_FUNCTION(grid_of_interval);
Datum
grid_of_interval(PG_FUNCTION_ARGS)
{
	const Interval *interval = PG_GETARG_INTERVAL_P(0);
	int64 hours = interval->time / USECS_PER_HOUR;
	Grid *grid = grid_new();

	if (interval->month > 0 && interval->day == 0 && interval->time == 0)
		grid_read_argument(grid, "unit", psprintf("%d months", interval->month));
	else if (interval->day > 0 && interval->month == 0 && interval->time == 0)
		grid_read_argument(grid, "unit",
						   interval->day == 7 ? "week" : psprintf("%d days", interval->day));
	else if (hours > 0 && interval->month == 0 && interval->day == 0 &&
			 interval->time % USECS_PER_HOUR == 0)
		grid_read_argument(grid, "unit", psprintf("%lld hours", (long long) hours));
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the interval %s is no length of the periods of a grid",
						DatumGetCString(DirectFunctionCall1(interval_out, PG_GETARG_DATUM(0)))),
				 errhint("Periods are a whole number of months, of days or of hours long.")));
	grid_check(grid);
	return grid_datum(grid);
}

/* ---------- what a grid says ---------- */

/*
 * grid_options(retention_grid) -> (period text, unit text, count integer, length interval, week_start text,
 * time_zone text, origin date, windows text, cohorts text, brackets text[], min_events integer, as_of timestamp,
 * reactivation_within interval).
 */
RETENTION_FUNCTION(grid_options);
Datum
grid_options(PG_FUNCTION_ARGS)
{
	static const Interval units[] = {[GRID_HOUR] = {.time = USECS_PER_HOUR},
									 [GRID_DAY] = {.day = 1},
									 [GRID_WEEK] = {.day = 7},
									 [GRID_MONTH] = {.month = 1},
									 [GRID_QUARTER] = {.month = 3},
									 [GRID_YEAR] = {.month = MONTHS_PER_YEAR}};
	const Grid *grid = stored_grid(PG_GETARG_DATUM(0));
	Interval length = units[grid->unit];
	Datum *brackets = palloc(Max(grid->nbrackets, 1) * sizeof(Datum));
	Interval gap = {.month = grid->reactivation_within.months,
					.day = grid->reactivation_within.days};
	Datum values[13] = {0};
	bool nulls[13] = {false};

	length.time *= grid->count;
	length.day *= grid->count;
	length.month *= grid->count;
	for (int i = 0; i < grid->nbrackets; i++)
		brackets[i] = CStringGetTextDatum(grid_bracket_text(grid->brackets[i]));
	nulls[5] = grid->zone_name == NULL;
	nulls[6] = !grid->has_origin;
	nulls[9] = grid->nbrackets == 0;
	nulls[11] = !grid->has_as_of;
	nulls[12] = !gap_is_set(&grid->reactivation_within);
	gap.time = grid->reactivation_within.hours * USECS_PER_HOUR;

	values[0] = CStringGetTextDatum(grid_period_text(grid));
	values[1] = CStringGetTextDatum(grid_unit_names[grid->unit]);
	values[2] = Int32GetDatum(grid->count);
	values[3] = IntervalPGetDatum(&length);
	values[4] = CStringGetTextDatum(grid_day_names[grid->week_start]);
	if (!nulls[5])
		values[5] = CStringGetTextDatum(grid->zone_name);
	values[6] = DateADTGetDatum(grid->origin);
	values[7] = CStringGetTextDatum(grid_windows_names[grid->windows]);
	values[8] = CStringGetTextDatum(grid_cohorts_names[grid->cohorts]);
	if (!nulls[9])
		values[9] = PointerGetDatum(
			construct_array(brackets, grid->nbrackets, TEXTOID, -1, false, TYPALIGN_INT));
	values[10] = Int32GetDatum(grid->min_events);
	values[11] = TimestampGetDatum(grid->as_of);
	values[12] = IntervalPGetDatum(&gap);
	return emit_one(fcinfo, values, nulls);
}

/* grid_calendar(retention_grid) -> retention_grid: its calendar periods, and nothing of how they are counted. */
RETENTION_FUNCTION(grid_calendar);
Datum
grid_calendar(PG_FUNCTION_ARGS)
{
	const Grid *grid = stored_grid(PG_GETARG_DATUM(0));
	Grid calendar = *grid;

	calendar.windows = GRID_CALENDAR;
	calendar.cohorts = GRID_FIRST;
	calendar.nbrackets = 0;
	calendar.min_events = 1;
	calendar.has_as_of = false;
	calendar.reactivation_within = (GridGap){0};
	grid_check(&calendar);
	return grid_datum(&calendar);
}

/* ---------- moments ---------- */

/* The grid of an argument, for functions that name periods all customers share. */
static const Grid *
calendar_grid(Datum value)
{
	const Grid *grid = grid_open(value);

	if (grid->windows != GRID_CALENDAR)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a grid of elapsed windows has no periods that customers share"),
						errdetail("The grid is \"%s\".", grid->text),
						errhint("Use a grid with windows=calendar.")));
	return grid;
}

/* retention_period_number(at date, grid) -> bigint. */
RETENTION_FORWARD(retention_period_number_date,
				  Int64GetDatum(grid_period(calendar_grid(PG_GETARG_DATUM(1)), TIME_DATE,
											PG_GETARG_DATEADT(0))))

/* retention_period_number(at timestamp, grid) -> bigint. */
RETENTION_FORWARD(retention_period_number_local,
				  Int64GetDatum(grid_period(calendar_grid(PG_GETARG_DATUM(1)), TIME_LOCAL,
											PG_GETARG_TIMESTAMP(0))))

/* retention_period_number(at timestamptz, grid) -> bigint. */
RETENTION_FORWARD(retention_period_number_instant,
				  Int64GetDatum(grid_period(calendar_grid(PG_GETARG_DATUM(1)), TIME_INSTANT,
											PG_GETARG_TIMESTAMPTZ(0))))

static int64
start_of(const Grid *grid, TimeKind kind, int64 moment)
{
	return grid_period_start(grid, kind, grid_period(grid, kind, moment));
}

/* retention_period_start(at date, grid) -> date. */
RETENTION_FORWARD(retention_period_start_date,
				  DateADTGetDatum((DateADT) start_of(calendar_grid(PG_GETARG_DATUM(1)), TIME_DATE,
													 PG_GETARG_DATEADT(0))))

/* retention_period_start(at timestamp, grid) -> timestamp. */
RETENTION_FORWARD(retention_period_start_local,
				  TimestampGetDatum(start_of(calendar_grid(PG_GETARG_DATUM(1)), TIME_LOCAL,
											 PG_GETARG_TIMESTAMP(0))))

/* retention_period_start(at timestamptz, grid) -> timestamptz. */
RETENTION_FORWARD(retention_period_start_instant,
				  TimestampTzGetDatum(start_of(calendar_grid(PG_GETARG_DATUM(1)), TIME_INSTANT,
											   PG_GETARG_TIMESTAMPTZ(0))))

/* ---------- lists of periods ---------- */

/*
 * One row for every period that overlaps [from, to). Where a clock is set back over the beginning of a period, the
 * period of an instant may begin after it; the list goes by beginnings and ends.
 */
static void
list_periods(FunctionCallInfo fcinfo, TimeKind kind, int64 from, int64 to)
{
	const Grid *grid = calendar_grid(PG_GETARG_DATUM(0));
	Emitter out;
	int64 first, last;
	Datum start;

	first = grid_period(grid, kind, from);
	last = grid_period(grid, kind, to);
	if (from > to)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"from\" must not be after argument \"to\"")));
	out = emit_begin(fcinfo);
	if (from == to)
		return;
	while (grid_period_start(grid, kind, first) > from)
		first--;
	while (grid_period_start(grid, kind, first + 1) <= from)
		first++;
	while (grid_period_start(grid, kind, last) >= to)
		last--;
	while (grid_period_start(grid, kind, last + 1) < to)
		last++;
	if (last - first >= MAX_PERIODS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a list has at most %d periods", MAX_PERIODS),
						errdetail("From %lld to %lld there are %lld.", (long long) first,
								  (long long) last, (long long) (last - first + 1))));
	start = moment_datum(kind, grid_period_start(grid, kind, first));
	for (int64 period = first; period <= last; period++)
	{
		Datum values[3];
		bool nulls[3] = {false, false, false};

		values[0] = Int64GetDatum(period);
		values[1] = start;
		values[2] = start = moment_datum(kind, grid_period_start(grid, kind, period + 1));
		emit_row(&out, values, nulls);
	}
}

/* retention_periods(grid, from date, to date) -> (period bigint, period_start date, period_end date). */
RETENTION_FUNCTION(retention_periods);
Datum
retention_periods(PG_FUNCTION_ARGS)
{
	const Grid *grid = calendar_grid(PG_GETARG_DATUM(0));

	if (grid->hours > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("retention_periods() does not take a grid of hours"),
				 errhint("Use retention_periods_at(), which lists periods as timestamptz.")));
	list_periods(fcinfo, TIME_DATE, PG_GETARG_DATEADT(1), PG_GETARG_DATEADT(2));
	return (Datum) 0;
}

/* retention_periods_at(grid, from timestamptz, to timestamptz) -> the same with timestamptz columns. */
RETENTION_FUNCTION(retention_periods_at);
Datum
retention_periods_at(PG_FUNCTION_ARGS)
{
	list_periods(fcinfo, TIME_INSTANT, PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2));
	return (Datum) 0;
}

/* ---------- one period as a range ---------- */

/* [start, end) by the constructor of a range type, which learns from its call expression what to build. */
static Datum
make_period(Oid constructor, Oid range_type, Datum start, Datum end)
{
	FmgrInfo function;

	fmgr_info(constructor, &function);
	fmgr_info_set_expr((Node *) makeFuncExpr(constructor, range_type, NIL, InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &function);
	return FunctionCall2(&function, start, end);
}

static void
period_bounds(FunctionCallInfo fcinfo, const Grid *grid, TimeKind kind, Datum bounds[2])
{
	int64 period = grid_period(grid, TIME_INSTANT, PG_GETARG_TIMESTAMPTZ(2)) + PG_GETARG_INT32(1);

	bounds[0] = moment_datum(kind, grid_period_start(grid, kind, period));
	bounds[1] = moment_datum(kind, grid_period_start(grid, kind, period + 1));
}

/* retention_period(grid, steps integer, at timestamptz) -> daterange: so many periods from the one of at. */
RETENTION_FUNCTION(retention_period);
Datum
retention_period(PG_FUNCTION_ARGS)
{
	const Grid *grid = calendar_grid(PG_GETARG_DATUM(0));
	Datum bounds[2];

	if (grid->hours > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("retention_period() does not take a grid of hours"),
						errhint("Use retention_period_tz(), which returns a tstzrange.")));
	period_bounds(fcinfo, grid, TIME_DATE, bounds);
	return make_period(F_DATERANGE_DATE_DATE, DATERANGEOID, bounds[0], bounds[1]);
}

/* retention_period_tz(grid, steps integer, at timestamptz) -> tstzrange. */
RETENTION_FUNCTION(retention_period_tz);
Datum
retention_period_tz(PG_FUNCTION_ARGS)
{
	const Grid *grid = calendar_grid(PG_GETARG_DATUM(0));
	Datum bounds[2];

	period_bounds(fcinfo, grid, TIME_INSTANT, bounds);
	return make_period(F_TSTZRANGE_TIMESTAMPTZ_TIMESTAMPTZ, TSTZRANGEOID, bounds[0], bounds[1]);
}
