/*
 * flow_customer_sql.c
 *		The functions of flow for tables with several rows per customer: the customer is the first argument.
 *
 * A population keeps +1 at each start and -1 at each end of a customer; while the running sum is above 0, they are
 * there. So overlapping and adjacent rows become one presence.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "flow/flow.h"
#include "flow/flow_batch.h"
#include "population/batch.h"
#include "population/population_key.h"

/* What follows customer, started and ended: a period; a period and as_of; a grid and a span. */
typedef enum FlowForm
{
	FLOW_PERIOD,
	FLOW_PERIOD_AS_OF,
	FLOW_GRID,
} FlowForm;

/* A row asks for other periods than the rows before it. */
static void
identities_differ(const PopulationIdentity *before, const Grid *grid)
{
	request_differs(&flow_use, before->tag, before->tag_length, grid);
}

/* One row of a customer who is not NULL. */
static pg_attribute_always_inline void
add_row(const PeriodRequest *request, Population *population, KeyKind key, TimeKind kind,
		Datum customer, Datum from, bool has_end, Datum until)
{
	PopulationTotals *totals = population_totals(population);
	int64 started = request_moment(kind, from);
	int64 ended = has_end ? request_moment(kind, until) : STILL_THERE;

	count_add(&totals->rows, 1);
	if (ended < started)
		request_backwards(kind, from, until, population_key_text(key, customer));
	if (started >= request->as_of)
	{
		count_add(&totals->ignored, 1);
		return;
	}
	if (ended >= request->as_of)
		ended = STILL_THERE;
	if (started < ended)
	{
		population_add_value(population, key, customer, (Event){started, 1, EVENT_ACTIVE});
		if (ended != STILL_THERE)
			population_add_value(population, key, customer, (Event){ended, -1, EVENT_ACTIVE});
	}
}

static inline PopulationIdentity
population_part(const PeriodRequest *request, KeyKind key, TimeKind kind)
{
	return (PopulationIdentity){.aggregate = AGGREGATE_FLOW,
								.key = key,
								.kind = kind,
								.shape = {.cap = 0},
								.tag = request->tag,
								.tag_length = request->tag_length};
}

static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key, TimeKind kind, FlowForm form)
{
	const int grid_argument = form == FLOW_GRID ? 4 : 0;
	const int span_argument = form == FLOW_GRID ? 5 : 4;
	const Datum *as_of = NULL;
	const Grid *grid = NULL;
	const PeriodRequest *request;
	PopulationIdentity identity;
	Population *population;
	char *differs;

	/* A row that is ignored leaves the state as it was, be it NULL. */
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE_UNCHANGED();
	if (PG_ARGISNULL(span_argument) || (grid_argument > 0 && PG_ARGISNULL(grid_argument)))
		request_null(&flow_use, grid_argument > 0);
	if (key == KEY_TEXT)
		population_require_byte_equality(PG_GET_COLLATION());
	if (grid_argument > 0)
		grid = grid_open(PG_GETARG_DATUM(grid_argument));
	if (form == FLOW_PERIOD_AS_OF && !PG_ARGISNULL(5))
		as_of = &fcinfo->args[5].value;
	request =
		request_find(&flow_use, span_range(PG_GETARG_DATUM(span_argument), kind), grid, as_of);
	identity = population_part(request, key, kind);
	population = population_state(fcinfo, &identity, &differs);
	if (unlikely(differs != NULL))
		identities_differ(population_identity(population_argument(PG_GETARG_DATUM(0))), grid);

	add_row(request, population, key, kind, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2),
			!PG_ARGISNULL(3), PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3));
	return population_datum(population);
}

/* flow_KEY_TIME_transfn(state, customer, started, ended, period), with as_of, and with a grid and a span */
/* clang-format off */
#define FUNCTIONS_OF_TIME(X, name, key, kind) \
	X(flow_##name##_transfn, key, kind, FLOW_PERIOD) \
	X(flow_##name##_as_of_transfn, key, kind, FLOW_PERIOD_AS_OF) \
	X(flow_##name##_grid_transfn, key, kind, FLOW_GRID)
#define FUNCTIONS_OF_KEY(X, name, key) \
	FUNCTIONS_OF_TIME(X, name##_date, key, TIME_DATE) \
	FUNCTIONS_OF_TIME(X, name##_timestamp, key, TIME_LOCAL) \
	FUNCTIONS_OF_TIME(X, name##_timestamptz, key, TIME_INSTANT)
#define FUNCTIONS(X) \
	FUNCTIONS_OF_KEY(X, bigint, KEY_INT64) \
	FUNCTIONS_OF_KEY(X, uuid, KEY_UUID) \
	FUNCTIONS_OF_KEY(X, text, KEY_TEXT)

#define DEFINE(name, key, kind, form) \
	RETENTION_FUNCTION(name); \
	Datum name(PG_FUNCTION_ARGS) \
	{ \
		return accumulate(fcinfo, key, kind, form); \
	}
FUNCTIONS(DEFINE)
/* clang-format on */

typedef struct FlowBuilder
{
	Flow *flow;
	Presence *presences; /* palloc'ed, reused from customer to customer */
	int capacity;
} FlowBuilder;

static void
add_customer(void *argument, Event *events, int count)
{
	FlowBuilder *builder = (FlowBuilder *) argument;
	int64 depth = 0;
	int presences = 0;

	if (builder->capacity < count)
	{
		builder->capacity = Max(count, 2 * builder->capacity);
		builder->presences = repalloc(builder->presences, builder->capacity * sizeof(Presence));
	}
	for (int i = 0; i < count; i++)
	{
		int64 before = depth;

		CHECK_NOW_AND_THEN(i);
		depth += events[i].count;
		if (before <= 0 && depth > 0)
			builder->presences[presences++] = (Presence){events[i].value, STILL_THERE};
		else if (before > 0 && depth <= 0)
			builder->presences[presences - 1].ended = events[i].value;
	}
	flow_add(builder->flow, builder->presences, presences);
}

static Flow *
flow_of_share(Population *population, Share share)
{
	const PopulationIdentity *part = population_identity(population);
	PeriodRequest request;
	const Grid *grid;
	FlowBuilder builder;

	if (part->aggregate != AGGREGATE_FLOW || part->shape.cap != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of customer_flow")));
	grid = request_of_tag(&flow_use, &request, part->kind, part->tag, part->tag_length);
	builder.flow = flow_of_request(&request, grid);
	builder.capacity = 64;
	builder.presences = palloc(builder.capacity * sizeof(Presence));
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

RETENTION_FORWARD(flow_customers_retention_final, flow_customers_rate(fcinfo, FLOW_KEPT))

RETENTION_FORWARD(flow_customers_churn_final, flow_customers_rate(fcinfo, FLOW_RATE_LOST))

/* ---------- the batch scan: arguments customer, started, ended, then what FlowForm says ---------- */

static const Grid *
grid_of_call(const BatchCall *call)
{
	return call->methods->form == FLOW_GRID ? grid_open(call->constants[3]) : NULL;
}

static const PeriodRequest *
identity_of_call(const BatchCall *call)
{
	const Grid *grid = grid_of_call(call);
	const Datum *as_of = NULL;

	if (call->methods->form == FLOW_PERIOD_AS_OF && !call->constant_nulls[4])
		as_of = &call->constants[4];
	return request_find(&flow_use,
						span_range(call->constants[grid != NULL ? 4 : 3], call->methods->kind),
						grid, as_of);
}

static void
batch_add(BatchCall *call, Population **population, MemoryContext context,
		  const BatchColumn *columns, const uint16 *rows, int count)
{
	const BatchMethods *methods = call->methods;
	const PeriodRequest *request = NULL;
	PopulationIdentity part;

	/* The request is looked up for each batch: without a zone its grid depends on the session's time zone. */
	for (int i = 0; i < count; i++)
	{
		int n = rows[i];

		if (columns[0].nulls[n] || columns[1].nulls[n])
			continue;
		if (request == NULL)
		{
			if (call->constant_nulls[3] || (methods->form == FLOW_GRID && call->constant_nulls[4]))
				request_null(&flow_use, methods->form == FLOW_GRID);
			if (methods->key == KEY_TEXT)
				population_require_byte_equality(call->collation);
			request = identity_of_call(call);
			part = population_part(request, methods->key, methods->kind);
			if (*population == NULL)
				*population = population_create(&part, context);
			else if (!population_same_tag(population_identity(*population), &part))
				identities_differ(population_identity(*population), grid_of_call(call));
		}
		add_row(request, *population, methods->key, methods->kind, columns[0].values[n],
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
#define ENTRY(name, key_kind, row_kind, row_form) \
	{name, &(const BatchMethods){.narguments = (row_form) == FLOW_PERIOD ? 4 : 5, .form = (row_form), \
								 .constants = 1 << 3 | ((row_form) == FLOW_PERIOD ? 0 : 1 << 4), \
								 .key = (key_kind), .kind = (row_kind), .add = batch_add, \
								 .summarise = batch_summarise, .merge = batch_merge}},
static const BatchEntry batch_entries[] = {FUNCTIONS(ENTRY) {NULL, NULL}};
/* clang-format on */

static const BatchFinish batch_finishes[] = {
	{flow_customers_final, finish_flow},
	{flow_customers_retention_final, finish_retention},
	{flow_customers_churn_final, finish_churn},
	{NULL, NULL},
};

void
flow_start(void)
{
	static BatchFamily family = {batch_entries, batch_finishes, NULL};

	batch_register(&family);
}
