/*
 * flow_sql.c
 *		The SQL functions of flow: presences in, flows out.
 */
#include "retention.h"

#include "base/check.h"
#include "base/emit.h"
#include "base/number.h"
#include "base/type_sql.h"
#include "flow/flow.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/multirangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* ---- Values in ---- */

static Presence
presence_of_bounds(TimeKind kind, const RangeBound *lower, const RangeBound *upper, Oid type,
				   Datum shown)
{
	Presence presence = {SINCE_EVER, STILL_THERE};

	if ((!lower->infinite && !lower->inclusive) || (!upper->infinite && upper->inclusive))
		request_half_open_expected("a membership", type, shown);
	if (!lower->infinite)
		presence.started = request_moment(kind, lower->val);
	if (!upper->infinite)
		presence.ended = request_moment(kind, upper->val);
	return presence;
}

static const Flow *
flow_argument(Datum value)
{
	Flow *flow = flat_open(value, WIRE_FLOW, FLOW_VERSION, offsetof(Flow, numbers), FLOW_TYPE);

	flow_check(flow);
	return flow;
}

static void *
read_flow(const char *bytes, Size size, WireKind kind)
{
	return flow_read(bytes, size);
}

static void
write_flow(Datum value, StringInfo out, WireKind kind)
{
	flow_write(flow_argument(value), out);
}

static void
describe_flow(Datum value, StringInfo out, WireKind kind)
{
	const Flow *flow = flow_argument(value);

	if (flow->grid_length == 0)
		appendStringInfoString(out, " of one period");
	else
	{
		describe_grid(out, flow_grid_text(flow), flow->grid_length);
		describe_count(out, flow->periods, "period");
	}
}

static void *
copy_flow(Datum value, WireKind kind)
{
	return flat_copy(flow_argument(value));
}

static void *
merge_flow(void *state, Datum value, WireKind kind)
{
	flow_merge(state, flow_argument(value));
	return state;
}

static const StoredType flow_type = {
	.name = FLOW_TYPE,
	.kind = WIRE_FLOW,
	.read = read_flow,
	.write = write_flow,
	.describe = describe_flow,
	.use = "flow_periods()",
	.version = FLOW_VERSION,
	.least = offsetof(Flow, numbers),
	.is_own = flow_has_shape,
	.copy = copy_flow,
	.merge = merge_flow,
};

STORED_TYPE_FUNCTIONS(retention_flow, flow_type)
STORED_TYPE_ORDER(retention_flow, flow_type)

/* ---- Rows in ---- */

/*
 * The state that this row is added to: a new one, or the running one after checking that the row asks for the same
 * periods. A new one is made in the context of the row: the executor copies new states into the context of the
 * aggregate.
 */
static Flow *
flow_state(FunctionCallInfo fcinfo, TimeKind kind, int grid_argument, int span_argument)
{
	const int as_of_argument = span_argument + 1;
	const Datum *as_of = NULL;
	const Grid *grid = NULL;
	const PeriodRequest *request;
	Flow *flow;

	(void) aggregate_context(fcinfo);

	if (PG_ARGISNULL(span_argument) || (grid_argument > 0 && PG_ARGISNULL(grid_argument)))
		request_null(&flow_use, grid_argument > 0);
	if (grid_argument > 0)
		grid = grid_open(PG_GETARG_DATUM(grid_argument));
	if (grid_argument == 0 && PG_NARGS() > as_of_argument && !PG_ARGISNULL(as_of_argument))
		as_of = &fcinfo->args[as_of_argument].value;
	request =
		request_find(&flow_use, span_range(PG_GETARG_DATUM(span_argument), kind), grid, as_of);

	if (PG_ARGISNULL(0))
		return flow_of_request(request, grid);
	flow = stored_type_state(fcinfo, &flow_type);
	if (grid != NULL && (flow->grid_length != grid->text_length ||
						 memcmp(flow_grid_text(flow), grid->text, grid->text_length) != 0))
		grid_mismatch(pnstrdup(flow_grid_text(flow), flow->grid_length), grid->text);
	if (flow->kind != (int32) request->kind || (grid == NULL && flow->grid_length > 0))
		request_changed(&flow_use);
	if (flow->periods != request->periods || flow_bounds(flow)[0] != request->bounds[0] ||
		(grid == NULL &&
		 (flow_bounds(flow)[1] != request->bounds[1] || flow->as_of != request->as_of)))
		request_changed(&flow_use);
	return flow;
}

static Datum
flow_accum_pair(FunctionCallInfo fcinfo, TimeKind kind, int grid_argument, int span_argument)
{
	Flow *flow;
	Presence presence = {.ended = STILL_THERE};

	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	flow = flow_state(fcinfo, kind, grid_argument, span_argument);
	presence.started = request_moment(flow->kind, PG_GETARG_DATUM(1));
	if (!PG_ARGISNULL(2))
		presence.ended = request_moment(flow->kind, PG_GETARG_DATUM(2));
	if (presence.ended < presence.started)
		request_backwards(flow->kind, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), NULL);
	flow_add(flow, &presence, 1);
	PG_RETURN_POINTER(flow);
}

static Datum
flow_accum_range(FunctionCallInfo fcinfo, TimeKind kind, int grid_argument, int span_argument)
{
	RangeType *range;
	Flow *flow;
	RangeBound lower;
	RangeBound upper;
	bool empty;

	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	flow = flow_state(fcinfo, kind, grid_argument, span_argument);
	range = PG_GETARG_RANGE_P(1);
	range_deserialize(range_get_typcache(fcinfo, RangeTypeGetOid(range)), range, &lower, &upper,
					  &empty);
	if (!empty)
	{
		Presence presence = presence_of_bounds(flow->kind, &lower, &upper, RangeTypeGetOid(range),
											   RangeTypePGetDatum(range));

		flow_add(flow, &presence, 1);
	}
	PG_RETURN_POINTER(flow);
}

/* The presences of a customer in an argument, palloc'ed. */
static Presence *
presences_of(FunctionCallInfo fcinfo, int argument, TimeKind kind, int *count)
{
	MultirangeType *multirange = PG_GETARG_MULTIRANGE_P(argument);
	TypeCacheEntry *type =
		multirange_get_typcache(fcinfo, MultirangeTypeGetOid(multirange))->rngtype;
	Presence *presences = palloc(Max(multirange->rangeCount, 1) * sizeof(Presence));

	*count = (int) multirange->rangeCount;
	for (int i = 0; i < *count; i++)
	{
		RangeBound lower;
		RangeBound upper;

		CHECK_NOW_AND_THEN(i);
		multirange_get_bounds(type, multirange, i, &lower, &upper);
		presences[i] = presence_of_bounds(kind, &lower, &upper, MultirangeTypeGetOid(multirange),
										  MultirangeTypePGetDatum(multirange));
	}
	return presences;
}

static Datum
flow_accum_multirange(FunctionCallInfo fcinfo, TimeKind kind, int grid_argument, int span_argument)
{
	Flow *flow;
	Presence *presences;
	int count;

	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	flow = flow_state(fcinfo, kind, grid_argument, span_argument);
	presences = presences_of(fcinfo, 1, flow->kind, &count);
	flow_add(flow, presences, count);
	PG_RETURN_POINTER(flow);
}

/*
 * flow_FORM_transfn(state, started, ended | presence, period [, as_of]) and flow_FORM_grid_transfn(..., grid, span): a
 * function for each form of a row and kind of time.
 */
#define FLOW_TRANSITIONS(name, accumulate, kind, grid_argument)                                    \
	RETENTION_FUNCTION(name);                                                                      \
	Datum name(PG_FUNCTION_ARGS)                                                                   \
	{                                                                                              \
		return accumulate(fcinfo, kind, 0, grid_argument);                                         \
	}                                                                                              \
	RETENTION_FUNCTION(name##_grid);                                                               \
	Datum name##_grid(PG_FUNCTION_ARGS)                                                            \
	{                                                                                              \
		return accumulate(fcinfo, kind, grid_argument, grid_argument + 1);                         \
	}                                                                                              \
	extern int no_such_variable

FLOW_TRANSITIONS(flow_pair_transfn_date, flow_accum_pair, TIME_DATE, 3);
FLOW_TRANSITIONS(flow_pair_transfn_local, flow_accum_pair, TIME_LOCAL, 3);
FLOW_TRANSITIONS(flow_pair_transfn_instant, flow_accum_pair, TIME_INSTANT, 3);
FLOW_TRANSITIONS(flow_range_transfn_date, flow_accum_range, TIME_DATE, 2);
FLOW_TRANSITIONS(flow_range_transfn_local, flow_accum_range, TIME_LOCAL, 2);
FLOW_TRANSITIONS(flow_range_transfn_instant, flow_accum_range, TIME_INSTANT, 2);
FLOW_TRANSITIONS(flow_multirange_transfn_date, flow_accum_multirange, TIME_DATE, 2);
FLOW_TRANSITIONS(flow_multirange_transfn_local, flow_accum_multirange, TIME_LOCAL, 2);
FLOW_TRANSITIONS(flow_multirange_transfn_instant, flow_accum_multirange, TIME_INSTANT, 2);

/* Partial states of one aggregate, or stored flows in rollup(). */
STORED_TYPE_COMBINE(flow_combine, flow_type)

/* ---- Answers ---- */

static Datum
flow_argument_rate(FunctionCallInfo fcinfo, FlowConvention convention)
{
	Numeric rate;

	if (!flow_single_rate(flow_argument(PG_GETARG_DATUM(0)), convention, &rate))
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(rate);
}

/* retention_rate(retention_flow, convention) -> numeric, per cent */
RETENTION_FORWARD(
	flow_retention_rate,
	flow_argument_rate(fcinfo, flow_retention_convention(text_to_cstring(PG_GETARG_TEXT_PP(1)))))

/* churn_rate(retention_flow, convention) -> numeric, per cent */
RETENTION_FORWARD(flow_churn_rate,
				  flow_argument_rate(fcinfo,
									 flow_churn_convention(text_to_cstring(PG_GETARG_TEXT_PP(1)))))

/* The final functions of the aggregates retention_rate and churn_rate. */
RETENTION_FUNCTION(flow_retention_final);
Datum
flow_retention_final(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	return flow_argument_rate(fcinfo, FLOW_KEPT);
}

RETENTION_FUNCTION(flow_churn_final);
Datum
flow_churn_final(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	return flow_argument_rate(fcinfo, FLOW_RATE_LOST);
}

/* The zone in which periods are shown: that of the grid, or the session's for one period without a grid. */
static Zone *
flow_zone(const Flow *flow)
{
	if (flow->grid_length == 0)
		return zone_of_session();
	return grid_open_text(flow_grid_text(flow), flow->grid_length)->zone;
}

static Datum
show_date(const Flow *flow, Zone *zone, int64 moment)
{
	return moment_as_date(flow->kind, zone, moment, "flow", "flow_periods_at");
}

static Datum
show_instant(const Flow *flow, Zone *zone, int64 moment)
{
	return moment_as_instant(flow->kind, zone, moment);
}

#define FLOW_COLUMNS 21

static Datum
flow_emit(FunctionCallInfo fcinfo, Datum (*show)(const Flow *, Zone *, int64))
{
	const Flow *flow = flow_argument(PG_GETARG_DATUM(0));
	FlowConvention conventions[2] = {
		flow_retention_convention(text_to_cstring(PG_GETARG_TEXT_PP(1))),
		flow_churn_convention(text_to_cstring(PG_GETARG_TEXT_PP(2))),
	};
	double confidence = check_confidence(PG_GETARG_FLOAT8(3));
	Zone *zone = flow_zone(flow);
	Emitter emitter = emit_begin(fcinfo);
	FlowReader reader = flow_read_begin(flow);
	FlowRow row;

	if (flow->periods == 0)
		ereport(NOTICE, (errmsg("no period of the grid \"%s\" lies inside the span",
								pnstrdup(flow_grid_text(flow), flow->grid_length)),
						 errhint("Only whole periods count. Take a longer span or a finer grid.")));
	while (flow_read_row(&reader, &row))
	{
		Datum values[FLOW_COLUMNS];
		bool nulls[FLOW_COLUMNS] = {false};
		int64 counts[] = {row.at_start,
						  row.joined,
						  row.counts[FLOW_GAINED],
						  row.counts[FLOW_REACTIVATED],
						  row.counts[FLOW_LOST],
						  row.at_end,
						  row.kept,
						  row.counts[FLOW_JOINED_AND_LEFT],
						  row.counts[FLOW_REACTIVATED_AND_LEFT],
						  row.counts[FLOW_LEFT_AND_RETURNED],
						  row.departures};
		int column = 0;

		values[column++] = show(flow, zone, row.period_start);
		values[column++] = show(flow, zone, row.period_end);
		values[column++] = CStringGetTextDatum(row.partial ? "partial" : "observed");
		for (int i = 0; i < (int) lengthof(counts); i++)
			values[column++] = Int64GetDatum(counts[i]);
		values[column++] = NumericGetDatum(flow_customer_days(&row));
		for (int i = 0; i < 2; i++)
		{
			Numeric rate;
			Numeric low;
			Numeric high;

			nulls[column] = !flow_rate(&row, conventions[i], &rate);
			values[column] = nulls[column] ? (Datum) 0 : NumericGetDatum(rate);
			column++;
			nulls[column] = nulls[column + 1] =
				!flow_rate_interval(&row, conventions[i], confidence, &low, &high);
			values[column] = nulls[column] ? (Datum) 0 : NumericGetDatum(low);
			values[column + 1] = nulls[column] ? (Datum) 0 : NumericGetDatum(high);
			column += 2;
		}
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

/* flow_periods(flow, retention, churn, confidence): rows with dates */
RETENTION_FORWARD(flow_periods, flow_emit(fcinfo, show_date))

/* flow_periods_at(flow, retention, churn, confidence): the same with timestamps */
RETENTION_FORWARD(flow_periods_at, flow_emit(fcinfo, show_instant))

/* ---- One customer ---- */

#define MEMBER_COLUMNS 7

/* How a customer counts in a period of their own flow; NULL: they are not there. */
static const char *
movement_of(const FlowRow *row)
{
	static const struct
	{
		FlowCounter counter;
		const char *name;
	} movements[] = {
		{FLOW_LOST, "lost"},
		{FLOW_GAINED, "gained"},
		{FLOW_REACTIVATED, "reactivated"},
		{FLOW_JOINED_AND_LEFT, "joined_and_left"},
		{FLOW_REACTIVATED_AND_LEFT, "reactivated_and_left"},
	};

	for (int i = 0; i < (int) lengthof(movements); i++)
		if (row->counts[movements[i].counter] > 0)
			return movements[i].name;
	return row->at_start > 0 ? "kept" : NULL;
}

static const RequestUse member_use = {.function = "flow_membership", .answer = "a flow"};

/*
 * The flow of one customer alone, period by period: counted by the code that counts all. moves: only the periods in
 * which they were there, with start, end, movement and departures.
 */
static Datum
emit_member(FunctionCallInfo fcinfo, TimeKind kind, bool has_grid, bool as_dates, bool moves)
{
	Emitter emitter = emit_begin(fcinfo);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "retention member", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	const Grid *grid = has_grid ? grid_open(PG_GETARG_DATUM(1)) : NULL;
	const RangeType *span = span_range(PG_GETARG_DATUM(has_grid ? 2 : 1), kind);
	Flow *flow = flow_of_request(request_find(&member_use, span, grid, NULL), grid);
	Zone *zone = grid != NULL ? grid->zone : zone_of_session();
	FlowReader reader;
	FlowRow row;
	int count;
	Presence *presences = presences_of(fcinfo, 0, kind, &count);

	flow_add(flow, presences, count);
	/* The rows of one customer do not say until when those of all are known. */
	reader = flow_read_begin(flow);
	reader.known_until = flow->as_of;
	while (flow_read_row(&reader, &row))
	{
		Datum values[MEMBER_COLUMNS];
		bool nulls[MEMBER_COLUMNS] = {false};
		const char *movement = movement_of(&row);
		int column = 2;

		if (moves && movement == NULL)
			continue;
		for (int end = 0; end < 2; end++)
		{
			int64 moment = end == 0 ? row.period_start : row.period_end;

			values[end] = as_dates
							  ? moment_as_date(kind, zone, moment, "flow", "flow_membership_at")
							  : moment_as_instant(kind, zone, moment);
		}
		if (!moves)
		{
			values[column++] = BoolGetDatum(row.at_start > 0);
			values[column++] = BoolGetDatum(row.at_end > 0);
		}
		values[column++] = CStringGetTextDatum(movement == NULL ? "absent" : movement);
		values[column++] = Int64GetDatum(row.departures);
		if (!moves)
			values[column++] = NumericGetDatum(flow_customer_days(&row));
		emit_row(&emitter, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/*
 * flow_membership(presence, period) and (presence, grid, span), with dates; flow_membership_at() with timestamps;
 * flow_movements(presence, grid, span) and flow_movements_at()
 */
#define FLOW_MEMBERS(name, kind)                                                                   \
	RETENTION_FORWARD(flow_membership_##name, emit_member(fcinfo, kind, false, true, false))       \
	RETENTION_FORWARD(flow_membership_##name##_grid, emit_member(fcinfo, kind, true, true, false)) \
	RETENTION_FORWARD(flow_membership_at_##name, emit_member(fcinfo, kind, false, false, false))   \
	RETENTION_FORWARD(flow_membership_at_##name##_grid,                                            \
					  emit_member(fcinfo, kind, true, false, false))                               \
	RETENTION_FORWARD(flow_movements_##name, emit_member(fcinfo, kind, true, true, true))          \
	RETENTION_FORWARD(flow_movements_##name##_at, emit_member(fcinfo, kind, true, false, true))

FLOW_MEMBERS(date, TIME_DATE)
FLOW_MEMBERS(local, TIME_LOCAL)
FLOW_MEMBERS(instant, TIME_INSTANT)
