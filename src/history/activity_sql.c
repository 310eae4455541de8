/*
 * activity_sql.c
 *		The SQL functions of the facts of one customer.
 */
#include "retention.h"

#include "base/check.h"
#include "base/emit.h"
#include "base/type_sql.h"
#include "history/activity.h"
#include "time/moment.h"

/* ---- The type ---- */

static void *
read_activity(const char *bytes, Size size, WireKind kind)
{
	return activity_read(bytes, size);
}

static void
write_activity(Datum value, StringInfo out, WireKind kind)
{
	activity_write(value, out);
}

static void
describe_activity(Datum value, StringInfo out, WireKind kind)
{
	ActivityView view = {0};

	activity_view(value, &view);
	describe_grid(out, view.grid_text, view.grid_length);
	describe_count(out, view.rows, "row");
}

static void *
copy_activity(Datum value, WireKind kind)
{
	return activity_run(value);
}

static void *
merge_activity(void *state, Datum value, WireKind kind)
{
	ActivityView view = {0};

	activity_view(value, &view);
	return activity_absorb(state, &view);
}

static const StoredType activity_type = {
	.name = ACTIVITY_TYPE,
	.kind = WIRE_ACTIVITY,
	.read = read_activity,
	.write = write_activity,
	.describe = describe_activity,
	.use = "active_periods()",
	.version = ACTIVITY_RUNNING,
	.least = sizeof(Activity),
	.is_own = activity_has_shape,
	.copy = copy_activity,
	.merge = merge_activity,
};

STORED_TYPE_FUNCTIONS(retention_activity, activity_type)
STORED_TYPE_ORDER(retention_activity, activity_type)

/* ---- Rows in ---- */

/* The state that a row is added to, after checking that it fits. Counts the row. */
static inline Activity *
state_of_row(FunctionCallInfo fcinfo, TimeKind kind, bool anchored, int grid_argument,
			 const Grid **grid)
{
	Activity *state = stored_type_state(fcinfo, &activity_type);

	if (unlikely(PG_ARGISNULL(grid_argument)))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the grid of an activity must not be null")));
	*grid = grid_open(PG_GETARG_DATUM(grid_argument));
	if (state == NULL)
		state = activity_new(kind, anchored, *grid);
	else
		activity_match(state, kind, anchored, *grid);
	count_add(&state->rows, 1);
	return state;
}

static inline Datum
add_row(FunctionCallInfo fcinfo, TimeKind kind, uint32 flags)
{
	const Grid *grid;
	Activity *state = state_of_row(fcinfo, kind, false, 2, &grid);
	int64 at, value;

	if (PG_ARGISNULL(1))
	{
		state->ignored++;
		PG_RETURN_POINTER(state);
	}
	at = moment_of_datum(kind, PG_GETARG_DATUM(1));
	if (activity_value(grid, kind, at, &value))
		state = activity_add(state, grid, at, value, flags);
	else
		state->ignored++;
	PG_RETURN_POINTER(state);
}

/* A NULL is_start or is_return counts as false. */
static inline uint32
row_flags(FunctionCallInfo fcinfo)
{
	return activity_flags(!PG_ARGISNULL(3) && PG_GETARG_BOOL(3),
						  !PG_ARGISNULL(4) && PG_GETARG_BOOL(4));
}

static Datum
add_anchored_row(FunctionCallInfo fcinfo, TimeKind anchor_kind, TimeKind kind)
{
	const Grid *grid;
	Activity *state = state_of_row(fcinfo, kind, true, 3, &grid);
	int64 moment, value;

	if (PG_ARGISNULL(1))
	{
		state->ignored++;
		PG_RETURN_POINTER(state);
	}
	moment =
		activity_convert(grid, anchor_kind, kind, moment_of_datum(anchor_kind, PG_GETARG_DATUM(1)));
	if (!activity_value(grid, kind, moment, &value))
	{
		state->ignored++;
		PG_RETURN_POINTER(state);
	}
	activity_add_anchor(state, moment);
	if (PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	moment = moment_of_datum(kind, PG_GETARG_DATUM(2));
	if (activity_value(grid, kind, moment, &value))
		state = activity_add(state, grid, moment, value, EVENT_ACTIVE | EVENT_RETURN);
	PG_RETURN_POINTER(state);
}

/* activity_transfn(state, at, grid) */
#define ACTIVITY_TRANSITION(name, kind)                                                            \
	RETENTION_FUNCTION(name);                                                                      \
	Datum name(PG_FUNCTION_ARGS)                                                                   \
	{                                                                                              \
		return add_row(fcinfo, kind, EVENT_PLAIN);                                                 \
	}

ACTIVITY_TRANSITION(activity_transfn_date, TIME_DATE)
ACTIVITY_TRANSITION(activity_transfn_local, TIME_LOCAL)
ACTIVITY_TRANSITION(activity_transfn_instant, TIME_INSTANT)

/* activity_transfn(state, at, grid, is_start, is_return) */
#define ACTIVITY_FLAGS_TRANSITION(name, kind)                                                      \
	RETENTION_FUNCTION(name);                                                                      \
	Datum name(PG_FUNCTION_ARGS)                                                                   \
	{                                                                                              \
		return add_row(fcinfo, kind, row_flags(fcinfo));                                           \
	}

ACTIVITY_FLAGS_TRANSITION(activity_flags_transfn_date, TIME_DATE)
ACTIVITY_FLAGS_TRANSITION(activity_flags_transfn_local, TIME_LOCAL)
ACTIVITY_FLAGS_TRANSITION(activity_flags_transfn_instant, TIME_INSTANT)

/* activity_transfn(state, anchor, at, grid) */
#define ACTIVITY_ANCHOR_TRANSITION(name, anchor_kind, kind)                                        \
	RETENTION_FUNCTION(name);                                                                      \
	Datum name(PG_FUNCTION_ARGS)                                                                   \
	{                                                                                              \
		return add_anchored_row(fcinfo, anchor_kind, kind);                                        \
	}

ACTIVITY_ANCHOR_TRANSITION(activity_anchor_transfn_date_date, TIME_DATE, TIME_DATE)
ACTIVITY_ANCHOR_TRANSITION(activity_anchor_transfn_local_date, TIME_LOCAL, TIME_DATE)
ACTIVITY_ANCHOR_TRANSITION(activity_anchor_transfn_instant_date, TIME_INSTANT, TIME_DATE)
ACTIVITY_ANCHOR_TRANSITION(activity_anchor_transfn_date_local, TIME_DATE, TIME_LOCAL)
ACTIVITY_ANCHOR_TRANSITION(activity_anchor_transfn_local_local, TIME_LOCAL, TIME_LOCAL)
ACTIVITY_ANCHOR_TRANSITION(activity_anchor_transfn_instant_local, TIME_INSTANT, TIME_LOCAL)
ACTIVITY_ANCHOR_TRANSITION(activity_anchor_transfn_date_instant, TIME_DATE, TIME_INSTANT)
ACTIVITY_ANCHOR_TRANSITION(activity_anchor_transfn_local_instant, TIME_LOCAL, TIME_INSTANT)
ACTIVITY_ANCHOR_TRANSITION(activity_anchor_transfn_instant_instant, TIME_INSTANT, TIME_INSTANT)

/* ---- Activities in ---- */

/* Partial states of one aggregate, or stored facts in activity_union(). */
STORED_TYPE_COMBINE(activity_combine, activity_type)

/* activity_final(state) -> retention_activity, in its stored form */
RETENTION_FUNCTION(activity_final);
Datum
activity_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(activity_store(stored_type_state(fcinfo, &activity_type)));
}

/* activity_union(activity, activity) -> retention_activity: either may be NULL */
RETENTION_FUNCTION(activity_union);
Datum
activity_union(PG_FUNCTION_ARGS)
{
	Activity *state = NULL;
	struct varlena *stored;

	for (int i = 0; i < 2; i++)
	{
		ActivityView view = {0};

		if (PG_ARGISNULL(i))
			continue;
		activity_view(PG_GETARG_DATUM(i), &view);
		if (state == NULL)
			state = activity_new(view.kind, view.anchored, view.grid);
		state = activity_absorb(state, &view);
		if (view.capacity > 0)
			pfree(view.events);
	}
	if (state == NULL)
		PG_RETURN_NULL();
	stored = activity_store(state);
	pfree(state);
	PG_RETURN_POINTER(stored);
}

/* coarsen(activity, grid) -> retention_activity */
RETENTION_FUNCTION(activity_coarsen_sql);
Datum
activity_coarsen_sql(PG_FUNCTION_ARGS)
{
	ActivityView view = {0};

	activity_view(PG_GETARG_DATUM(0), &view);
	PG_RETURN_POINTER(activity_coarsen(&view, PG_GETARG_DATUM(1)));
}

/* ---- Answers ---- */

static int64
local_of(const Grid *grid, TimeKind kind, int64 moment)
{
	return activity_convert(grid, kind, TIME_LOCAL, moment);
}

static int64
instant_of(const Grid *grid, TimeKind kind, int64 moment)
{
	return activity_convert(grid, kind, TIME_INSTANT, moment);
}

static Datum
first_moment(FunctionCallInfo fcinfo, int64 (*show)(const Grid *, TimeKind, int64))
{
	ActivityView view = {0};

	activity_view(PG_GETARG_DATUM(0), &view);
	if (view.first_start == ACTIVITY_NO_FIRST)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(show(view.grid, view.kind, view.first_start));
}

static Datum
last_moment(FunctionCallInfo fcinfo, int64 (*show)(const Grid *, TimeKind, int64))
{
	ActivityView view = {0};

	activity_view(PG_GETARG_DATUM(0), &view);
	if (view.last == ACTIVITY_NO_LATEST)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(show(view.grid, view.kind, view.last));
}

/* first_active(activity) -> timestamp: the first start, wall-clock time of the grid's zone */
RETENTION_FORWARD(activity_first_active, first_moment(fcinfo, local_of))

/* first_active_at(activity) -> timestamptz */
RETENTION_FORWARD(activity_first_active_at, first_moment(fcinfo, instant_of))

/* last_active(activity) -> timestamp: the last row */
RETENTION_FORWARD(activity_last_active, last_moment(fcinfo, local_of))

/* last_active_at(activity) -> timestamptz */
RETENTION_FORWARD(activity_last_active_at, last_moment(fcinfo, instant_of))

/*
 * activity_summary(activity) -> frequency, recency, age: what models of purchases ask of a customer, in periods of the
 * grid: active periods after the first, the time from the first to the last, and to the last that is known by the
 * grid's as_of. NULL without one, and without an active period.
 */
RETENTION_FUNCTION(activity_summary);
Datum
activity_summary(PG_FUNCTION_ARGS)
{
	ActivityView view = {0};
	int64 first;
	int64 last;
	int64 known;
	Datum values[3];
	bool nulls[3] = {false};

	activity_view(PG_GETARG_DATUM(0), &view);
	if (view.grid->windows == GRID_ELAPSED)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("activity_summary() takes activities in calendar periods")));
	if (view.count == 0 || !view.grid->has_as_of)
		PG_RETURN_NULL();
	first = view.events[0].value;
	last = view.events[view.count - 1].value;
	/* A clock that is set back over midnight shows a day before the last. */
	known = Max(grid_period(view.grid, TIME_LOCAL, view.grid->as_of - 1), last);
	values[0] = Int64GetDatum(view.count - 1);
	values[1] = Float8GetDatum((double) last - (double) first);
	values[2] = Float8GetDatum((double) known - (double) first);
	return emit_one(fcinfo, values, nulls);
}

/*
 * One row for each period in which the customer was active. With elapsed windows moments are shown by their calendar
 * period.
 */
static Datum
emit_periods(FunctionCallInfo fcinfo, TimeKind kind)
{
	ActivityView view = {0};
	Emitter emitter;

	activity_view(PG_GETARG_DATUM(0), &view);
	if (kind == TIME_DATE && view.grid->hours > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("active_periods() does not take activities on a grid of hours"),
						errhint("Use active_periods_at(), which shows periods as timestamptz.")));
	if (view.grid->windows == GRID_ELAPSED)
	{
		for (int i = 0; i < view.count; i++)
		{
			CHECK_NOW_AND_THEN(i);
			view.events[i].value = grid_period(view.grid, view.kind, view.events[i].value);
		}
		view.count = history_normalise(view.events, view.count, view.grid->min_events);
	}
	emitter = emit_begin(fcinfo);
	for (int i = 0; i < view.count; i++)
	{
		const Event *event = &view.events[i];
		Datum values[6];
		bool nulls[6] = {false};

		if (!(event->flags & EVENT_ACTIVE))
			continue;
		values[0] = Int64GetDatum(event->value);
		for (int end = 0; end < 2; end++)
			values[1 + end] =
				moment_datum(kind, grid_period_start(view.grid, kind, event->value + end));
		values[3] = Int32GetDatum(event->count);
		values[4] = BoolGetDatum((event->flags & EVENT_START) != 0);
		values[5] = BoolGetDatum((event->flags & EVENT_RETURN) != 0);
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

/* active_periods(activity): rows with dates */
RETENTION_FORWARD(activity_active_periods, emit_periods(fcinfo, TIME_DATE))

/* active_periods_at(activity): the same with timestamptz */
RETENTION_FORWARD(activity_active_periods_at, emit_periods(fcinfo, TIME_INSTANT))
