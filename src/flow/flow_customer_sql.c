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
#include "flow/flow_frame.h"
#include "population/population_key.h"

/* The letter of PopulationFrame. */
#define FLOW_ROOM 'F'

/* A row asks for other periods than the rows before it: name the grids where it is they that differ. */
static void
pg_attribute_noreturn() frames_differ(const PopulationFrame *before, const Grid *grid)
{
	const int head = 2 * sizeof(int64);

	if (grid != NULL && before->label_length > head)
	{
		char *text = pnstrdup(before->label + head, before->label_length - head);

		if (strcmp(text, grid->text) != 0)
			grid_mismatch(text, grid->text);
	}
	flow_periods_changed();
}

static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key, TimeKind kind, int grid_argument,
		   int span_argument)
{
	const Grid *grid = NULL;
	const FlowFrame *frame;
	PopulationFrame asked = {.room = FLOW_ROOM, .key = key, .kind = kind, .cap = 0};
	Population *population;
	PopulationTotals *totals;
	int64 started;
	int64 ended = FLOW_STILL_THERE;
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
	frame = flow_frame_find(PG_GETARG_RANGE_P(span_argument), grid);
	asked.label = frame->label;
	asked.label_length = frame->label_length;
	population = population_state(fcinfo, &asked, &differs);
	if (unlikely(differs != NULL))
		frames_differ(population_frame(population_argument(PG_GETARG_DATUM(0))), grid);

	totals = population_totals(population);
	count_add(&totals->rows, 1);
	started = flow_moment(kind, PG_GETARG_DATUM(2));
	if (!PG_ARGISNULL(3))
		ended = flow_moment(kind, PG_GETARG_DATUM(3));
	if (ended < started)
		flow_backwards(kind, PG_GETARG_DATUM(2), PG_GETARG_DATUM(3));
	if (started >= frame->as_of)
	{
		count_add(&totals->ignored, 1);
		return population_datum(population);
	}
	if (ended >= frame->as_of)
		ended = FLOW_STILL_THERE;
	if (started != FLOW_SINCE_EVER)
	{
		totals->first = Min(totals->first, started);
		totals->latest = Max(totals->latest, started);
	}
	if (ended != FLOW_STILL_THERE && ended != FLOW_SINCE_EVER)
	{
		totals->first = Min(totals->first, ended);
		totals->latest = Max(totals->latest, ended);
	}
	if (started < ended)
	{
		population_add_key(fcinfo, population, key, (Event){started, 1, EVENT_ACTIVE});
		if (ended != FLOW_STILL_THERE)
			population_add_key(fcinfo, population, key, (Event){ended, -1, EVENT_ACTIVE});
	}
	return population_datum(population);
}

/* flow_KEY_TIME_transfn(state, customer, started, ended, period), and with a grid and a span */
#define FLOW_DOORS(name, key, kind)                                                                \
	RETENTION_FUNCTION(flow_##name##_transfn);                                                     \
	Datum flow_##name##_transfn(PG_FUNCTION_ARGS)                                                  \
	{                                                                                              \
		return accumulate(fcinfo, key, kind, 0, 4);                                                \
	}                                                                                              \
	RETENTION_FUNCTION(flow_##name##_grid_transfn);                                                \
	Datum flow_##name##_grid_transfn(PG_FUNCTION_ARGS)                                             \
	{                                                                                              \
		return accumulate(fcinfo, key, kind, 4, 5);                                                \
	}                                                                                              \
	extern int no_such_variable

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

		depth += events[i].count;
		if (before <= 0 && depth > 0)
			builder->presences[presences++] = (Presence){events[i].value, FLOW_STILL_THERE};
		else if (before > 0 && depth <= 0)
			builder->presences[presences - 1].ended = events[i].value;
	}
	flow_add(builder->flow, builder->presences, presences);
}

static Flow *
flow_of_population(FunctionCallInfo fcinfo)
{
	Population *population;
	const PopulationFrame *population_part;
	const PopulationTotals *totals;
	FlowFrame frame;
	const Grid *grid;
	FlowBuilder builder;

	(void) aggregate_context(fcinfo);
	population = population_argument(PG_GETARG_DATUM(0));
	population_part = population_frame(population);
	if (population_part->room != FLOW_ROOM || population_part->cap != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of customer_flow")));
	grid = flow_frame_of_label(&frame, population_part->kind, population_part->label,
							   population_part->label_length);
	builder.flow = flow_frame_start(&frame, grid);
	builder.room = 64;
	builder.presences = palloc(builder.room * sizeof(Presence));
	population_visit(population, add_customer, &builder);
	totals = population_totals(population);
	/* A row of no length is in no history, and has been seen all the same. */
	builder.flow->latest = Max(builder.flow->latest, totals->latest);
	pfree(builder.presences);
	return builder.flow;
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
