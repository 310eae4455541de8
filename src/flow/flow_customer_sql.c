/*
 * flow_customer_sql.c
 *		The doors of the room flow for tables with several rows per customer: the customer comes first.
 *
 * A population keeps +1 at each start and -1 at each end of a customer; where the running sum is above 0, he is there.
 * Overlapping and touching rows so become one presence.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "flow/flow_batch.h"
#include "flow/flow_frame.h"
#include "population/population_key.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* What follows customer, started and ended: a period; a period and as_of; a grid and a span. */
typedef enum FlowForm
{
	FLOW_PERIOD,
	FLOW_PERIOD_AS_OF,
	FLOW_GRID,
} FlowForm;

/* The letter of PopulationFrame. */
#define FLOW_ROOM 'F'

/* A row asks for other periods than the rows before it: name the grids where it is they that differ. */
static void
pg_attribute_noreturn() frames_differ(const PopulationFrame *before, const Grid *grid)
{
	const int head = FRAME_LABEL_HEAD;

	if (grid != NULL && before->label_length > head)
	{
		char *text = pnstrdup(before->label + head, before->label_length - head);

		if (strcmp(text, grid->text) != 0)
			grid_mismatch(text, grid->text);
	}
	flow_periods_changed();
}

static char *
print_customer(KeyKind key, Datum customer)
{
	switch (key)
	{
		case KEY_INT64:
			return psprintf(INT64_FORMAT, DatumGetInt64(customer));
		case KEY_UUID:
			return DatumGetCString(DirectFunctionCall1(uuid_out, customer));
		default:
			return TextDatumGetCString(customer);
	}
}

/* One row of a customer who is not NULL. */
static pg_attribute_always_inline void
add_row(const FlowFrame *frame, Population *population, KeyKind key, TimeKind kind, Datum customer,
		Datum from, bool has_end, Datum until)
{
	PopulationTotals *totals = population_totals(population);
	int64 started = flow_moment(kind, from);
	int64 ended = has_end ? flow_moment(kind, until) : FLOW_STILL_THERE;

	count_add(&totals->rows, 1);
	if (ended < started)
		flow_backwards(kind, from, until, print_customer(key, customer));
	if (started >= frame->as_of)
	{
		count_add(&totals->ignored, 1);
		return;
	}
	if (ended >= frame->as_of)
		ended = FLOW_STILL_THERE;
	if (started < ended)
	{
		population_add_value(population, key, customer, (Event){started, 1, EVENT_ACTIVE});
		if (ended != FLOW_STILL_THERE)
			population_add_value(population, key, customer, (Event){ended, -1, EVENT_ACTIVE});
	}
}

static inline PopulationFrame
population_part(const FlowFrame *frame, KeyKind key, TimeKind kind)
{
	return (PopulationFrame){.room = FLOW_ROOM,
							 .key = key,
							 .kind = kind,
							 .cap = 0,
							 .label = frame->label,
							 .label_length = frame->label_length};
}

static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key, TimeKind kind, FlowForm form)
{
	const int grid_argument = form == FLOW_GRID ? 4 : 0;
	const int span_argument = form == FLOW_GRID ? 5 : 4;
	const Datum *as_of = NULL;
	const Grid *grid = NULL;
	const FlowFrame *frame;
	PopulationFrame asked;
	Population *population;
	char *differs;

	/* A row that is ignored leaves the state as it was, be it NULL. */
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(span_argument) || (grid_argument > 0 && PG_ARGISNULL(grid_argument)))
		flow_null_periods(grid_argument > 0);
	if (key == KEY_TEXT)
		population_require_byte_equality(PG_GET_COLLATION());
	if (grid_argument > 0)
		grid = grid_open(PG_GETARG_DATUM(grid_argument));
	if (form == FLOW_PERIOD_AS_OF && !PG_ARGISNULL(5))
		as_of = &fcinfo->args[5].value;
	frame = flow_frame_find(PG_GETARG_RANGE_P(span_argument), grid, as_of);
	asked = population_part(frame, key, kind);
	population = population_state(fcinfo, &asked, &differs);
	if (unlikely(differs != NULL))
		frames_differ(population_frame(population_argument(PG_GETARG_DATUM(0))), grid);

	add_row(frame, population, key, kind, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), !PG_ARGISNULL(3),
			PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3));
	return population_datum(population);
}

/* flow_KEY_TIME_transfn(state, customer, started, ended, period), with as_of, and with a grid and a span */
#define FLOW_TRANSITION(name, key, kind, form)                                                     \
	RETENTION_FUNCTION(name);                                                                      \
	Datum name(PG_FUNCTION_ARGS)                                                                   \
	{                                                                                              \
		return accumulate(fcinfo, key, kind, form);                                                \
	}                                                                                              \
	extern int no_such_variable

#define FLOW_DOORS(name, key, kind)                                                                \
	FLOW_TRANSITION(flow_##name##_transfn, key, kind, FLOW_PERIOD);                                \
	FLOW_TRANSITION(flow_##name##_as_of_transfn, key, kind, FLOW_PERIOD_AS_OF);                    \
	FLOW_TRANSITION(flow_##name##_grid_transfn, key, kind, FLOW_GRID)

FLOW_DOORS(bigint_date, KEY_INT64, TIME_DATE);
FLOW_DOORS(bigint_timestamp, KEY_INT64, TIME_LOCAL);
FLOW_DOORS(bigint_timestamptz, KEY_INT64, TIME_INSTANT);
FLOW_DOORS(uuid_date, KEY_UUID, TIME_DATE);
FLOW_DOORS(uuid_timestamp, KEY_UUID, TIME_LOCAL);
FLOW_DOORS(uuid_timestamptz, KEY_UUID, TIME_INSTANT);
FLOW_DOORS(text_date, KEY_TEXT, TIME_DATE);
FLOW_DOORS(text_timestamp, KEY_TEXT, TIME_LOCAL);
FLOW_DOORS(text_timestamptz, KEY_TEXT, TIME_INSTANT);

typedef struct FlowBuilder
{
	Flow *flow;
	Presence *presences; /* palloc'ed, reused from customer to customer */
	int room;
} FlowBuilder;

static void
add_customer(void *argument, Event *events, int count)
{
	FlowBuilder *builder = (FlowBuilder *) argument;
	int64 depth = 0;
	int presences = 0;

	if (builder->room < count)
	{
		builder->room = Max(count, 2 * builder->room);
		builder->presences = repalloc(builder->presences, builder->room * sizeof(Presence));
	}
	for (int i = 0; i < count; i++)
	{
		int64 before = depth;

		CHECK_NOW_AND_THEN(i);
		depth += events[i].count;
		if (before <= 0 && depth > 0)
			builder->presences[presences++] = (Presence){events[i].value, FLOW_STILL_THERE};
		else if (before > 0 && depth <= 0)
			builder->presences[presences - 1].ended = events[i].value;
	}
	flow_add(builder->flow, builder->presences, presences);
}

static Flow *
flow_of_share(Population *population, Share share)
{
	const PopulationFrame *part = population_frame(population);
	FlowFrame frame;
	const Grid *grid;
	FlowBuilder builder;

	if (part->room != FLOW_ROOM || part->cap != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of customer_flow")));
	grid = flow_frame_of_label(&frame, part->kind, part->label, part->label_length);
	builder.flow = flow_frame_start(&frame, grid);
	builder.room = 64;
	builder.presences = palloc(builder.room * sizeof(Presence));
	population_visit_share(population, share, NULL, add_customer, &builder);
	pfree(builder.presences);
	return builder.flow;
}

static Flow *
flow_of_population(FunctionCallInfo fcinfo)
{
	(void) aggregate_context(fcinfo);
	return flow_of_share(population_argument(PG_GETARG_DATUM(0)), (Share){0, 1});
}

/* The final functions of customer_flow, retention_rate and churn_rate with a customer. */
RETENTION_FUNCTION(flow_customers_final);
Datum
flow_customers_final(PG_FUNCTION_ARGS)
{
	Flow *flow = flow_of_population(fcinfo);

	flow_check(flow);
	PG_RETURN_POINTER(flow);
}

static Datum
flow_customers_rate(FunctionCallInfo fcinfo, FlowConvention convention)
{
	Numeric rate;

	if (!flow_single_rate(flow_of_population(fcinfo), convention, &rate))
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(rate);
}

RETENTION_FUNCTION(flow_customers_retention_final);
Datum
flow_customers_retention_final(PG_FUNCTION_ARGS)
{
	return flow_customers_rate(fcinfo, FLOW_KEPT);
}

RETENTION_FUNCTION(flow_customers_churn_final);
Datum
flow_customers_churn_final(PG_FUNCTION_ARGS)
{
	return flow_customers_rate(fcinfo, FLOW_RATE_LOST);
}

/* ---------- the batch scan: arguments customer, started, ended, then what FlowForm says ---------- */

static const Grid *
grid_of_call(const BatchCall *call)
{
	return call->door->form == FLOW_GRID ? grid_open(call->constants[3]) : NULL;
}

static const FlowFrame *
frame_of_call(const BatchCall *call)
{
	const Grid *grid = grid_of_call(call);
	const Datum *as_of = NULL;

	if (call->door->form == FLOW_PERIOD_AS_OF && !call->constant_nulls[4])
		as_of = &call->constants[4];
	return flow_frame_find(DatumGetRangeTypeP(call->constants[grid != NULL ? 4 : 3]), grid, as_of);
}

static void
batch_add(BatchCall *call, Population **population, MemoryContext home, const BatchColumn *columns,
		  const uint16 *rows, int count)
{
	const BatchDoor *door = call->door;
	const FlowFrame *frame = NULL;
	PopulationFrame part;

	/* The frame is looked up for each batch: its grid follows the session's time zone where it names none. */
	for (int i = 0; i < count; i++)
	{
		int n = rows[i];

		if (columns[0].nulls[n] || columns[1].nulls[n])
			continue;
		if (frame == NULL)
		{
			if (call->constant_nulls[3] || (door->form == FLOW_GRID && call->constant_nulls[4]))
				flow_null_periods(door->form == FLOW_GRID);
			if (door->key == KEY_TEXT)
				population_require_byte_equality(call->collation);
			frame = frame_of_call(call);
			part = population_part(frame, door->key, door->kind);
			if (*population == NULL)
				*population = population_create(&part, home);
			else if (!population_same_label(population_frame(*population), &part))
				frames_differ(population_frame(*population), grid_of_call(call));
		}
		add_row(frame, *population, door->key, door->kind, columns[0].values[n],
				columns[1].values[n], !columns[2].nulls[n], columns[2].values[n]);
	}
}

static struct varlena *
batch_summarise(Population *population, Share share)
{
	return (struct varlena *) flow_of_share(population, share);
}

static struct varlena *
batch_merge(struct varlena *into, const struct varlena *other)
{
	flow_merge((Flow *) into, (const Flow *) other);
	return into;
}

static Datum
finish_flow(struct varlena *summary, bool *isnull)
{
	flow_check((Flow *) summary);
	*isnull = false;
	return PointerGetDatum(summary);
}

static Datum
finish_rate(struct varlena *summary, FlowConvention convention, bool *isnull)
{
	Numeric rate = NULL;

	*isnull = !flow_single_rate((Flow *) summary, convention, &rate);
	return NumericGetDatum(rate);
}

static Datum
finish_retention(struct varlena *summary, bool *isnull)
{
	return finish_rate(summary, FLOW_KEPT, isnull);
}

static Datum
finish_churn(struct varlena *summary, bool *isnull)
{
	return finish_rate(summary, FLOW_RATE_LOST, isnull);
}

/* clang-format off */
#define FLOW_BATCH_DOOR(row_form, count, constant, key_kind, row_kind) \
	&(const BatchDoor){.narguments = (count), .constants = (constant), .key = (key_kind), .kind = (row_kind), \
					   .form = (row_form), .add = batch_add, .summarise = batch_summarise, .merge = batch_merge}
#define FLOW_BATCH_DOORS(name, key, kind) \
	{flow_##name##_transfn, FLOW_BATCH_DOOR(FLOW_PERIOD, 4, 1 << 3, key, kind)}, \
	{flow_##name##_as_of_transfn, FLOW_BATCH_DOOR(FLOW_PERIOD_AS_OF, 5, 1 << 3 | 1 << 4, key, kind)}, \
	{flow_##name##_grid_transfn, FLOW_BATCH_DOOR(FLOW_GRID, 5, 1 << 3 | 1 << 4, key, kind)}

const BatchEntry flow_batch_entries[] = {
	FLOW_BATCH_DOORS(bigint_date, KEY_INT64, TIME_DATE),
	FLOW_BATCH_DOORS(bigint_timestamp, KEY_INT64, TIME_LOCAL),
	FLOW_BATCH_DOORS(bigint_timestamptz, KEY_INT64, TIME_INSTANT),
	FLOW_BATCH_DOORS(uuid_date, KEY_UUID, TIME_DATE),
	FLOW_BATCH_DOORS(uuid_timestamp, KEY_UUID, TIME_LOCAL),
	FLOW_BATCH_DOORS(uuid_timestamptz, KEY_UUID, TIME_INSTANT),
	FLOW_BATCH_DOORS(text_date, KEY_TEXT, TIME_DATE),
	FLOW_BATCH_DOORS(text_timestamp, KEY_TEXT, TIME_LOCAL),
	FLOW_BATCH_DOORS(text_timestamptz, KEY_TEXT, TIME_INSTANT),
	{NULL, NULL},
};
/* clang-format on */

const BatchFinish flow_batch_finishes[] = {
	{flow_customers_final, finish_flow},
	{flow_customers_retention_final, finish_retention},
	{flow_customers_churn_final, finish_churn},
	{NULL, NULL},
};
