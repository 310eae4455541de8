/*
 * revenue_sql.c
 *		retention_revenue, the aggregate mrr_movements over rows of contracts, and rollup.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "population/batch.h"
#include "revenue/contract.h"
#include "revenue/mrr.h"
#include "revenue/revenue_batch.h"
#include "revenue/revenue_type.h"

/* ---- The type ---- */

const Revenue *
revenue_argument(Datum value, const Grid **grid)
{
	const Revenue *revenue =
		flat_open(value, WIRE_REVENUE, REVENUE_VERSION, offsetof(Revenue, bounds), REVENUE_TYPE);
	const Grid *checked = revenue_check(revenue);

	if (grid != NULL)
		*grid = checked;
	return revenue;
}

static void *
read_revenue(const char *bytes, Size size, WireKind kind)
{
	return revenue_read(bytes, size);
}

static void
write_revenue(Datum value, StringInfo out, WireKind kind)
{
	revenue_write(revenue_argument(value, NULL), out);
}

static void
describe_revenue(Datum value, StringInfo out, WireKind kind)
{
	const Revenue *revenue = revenue_argument(value, NULL);

	describe_grid(out, revenue_grid_text(revenue), revenue->grid_length);
	describe_count(out, revenue->periods, "period");
	appendStringInfo(out, ", %d currenc%s", revenue->currencies,
					 revenue->currencies == 1 ? "y" : "ies");
}

static void *
copy_revenue(Datum value, WireKind kind)
{
	return flat_copy(revenue_argument(value, NULL));
}

static void *
merge_revenue(void *state, Datum value, WireKind kind)
{
	Revenue *into = state;

	revenue_merge(&into, revenue_argument(value, NULL));
	return into;
}

const StoredType revenue_type = {
	.name = REVENUE_TYPE,
	.kind = WIRE_REVENUE,
	.read = read_revenue,
	.write = write_revenue,
	.describe = describe_revenue,
	.use = "revenue_periods()",
	.version = REVENUE_VERSION,
	.least = offsetof(Revenue, bounds),
	.is_own = revenue_has_shape,
	.copy = copy_revenue,
	.merge = merge_revenue,
};

STORED_TYPE_FUNCTIONS(retention_revenue, revenue_type)
STORED_TYPE_ORDER(retention_revenue, revenue_type)
STORED_TYPE_COMBINE(revenue_combine, revenue_type)

/* ---- Rows in: customer, started, ended, amount, grid, span [, currency [, involuntary]] ---- */

typedef enum RevenueForm
{
	REVENUE_ROWS,
	REVENUE_CURRENCY,
	REVENUE_REASON,
} RevenueForm;

static PopulationIdentity
population_part(const PeriodRequest *request, KeyKind key, TimeKind kind, RevenueForm form)
{
	return (PopulationIdentity){.aggregate =
									form == REVENUE_ROWS ? AGGREGATE_REVENUE : AGGREGATE_REVENUE_OF,
								.key = form == REVENUE_ROWS ? key : KEY_TEXT,
								.kind = kind,
								.shape = {.cap = 0, .has_amount = true},
								.tag = request->tag,
								.tag_length = request->tag_length};
}

static pg_attribute_always_inline void
add_row(const PeriodRequest *request, Population *population, KeyKind key, TimeKind kind,
		RevenueForm form, Datum customer, const NullableDatum *values)
{
	char space[CONTRACT_KEY_SPACE];
	Contract contract;
	char *made;
	int size;

	if (!contract_read(&contract, population_totals(population), kind, request->as_of, values, key,
					   customer))
		return;
	if (form == REVENUE_ROWS)
	{
		population_add_value_amount(population, key, customer, contract.start);
		if (contract.end.event.value != STILL_THERE)
			population_add_value_amount(population, key, customer, contract.end);
		return;
	}
	made = contract_key(&values[CONTRACT_CURRENCY], key, customer, space, &size);
	population_add_bytes_amount(population, made, size, contract.start);
	if (contract.end.event.value != STILL_THERE)
		population_add_bytes_amount(population, made, size, contract.end);
	if (made != space)
		pfree(made);
}

static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key, TimeKind kind, RevenueForm form)
{
	NullableDatum values[CONTRACT_COLUMNS];
	const Grid *grid;
	const PeriodRequest *request;
	PopulationIdentity identity;
	Population *population;
	char *differs;

	/* A row that is ignored leaves the state as it was, be it NULL. */
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE_UNCHANGED();
	if (PG_ARGISNULL(5) || PG_ARGISNULL(6))
		request_null(&revenue_use, true);
	if (key == KEY_TEXT)
		population_require_byte_equality(PG_GET_COLLATION());
	grid = grid_open(PG_GETARG_DATUM(5));
	request = request_find(&revenue_use, span_range(PG_GETARG_DATUM(6), kind), grid, NULL);
	identity = population_part(request, key, kind, form);
	population = population_state(fcinfo, &identity, &differs);
	if (unlikely(differs != NULL))
	{
		const PopulationIdentity *before =
			population_identity(population_argument(PG_GETARG_DATUM(0)));

		request_differs(&revenue_use, before->tag, before->tag_length, grid);
	}
	for (int i = 0; i < CONTRACT_CURRENCY; i++)
		values[i] = fcinfo->args[2 + i];
	values[CONTRACT_CURRENCY].isnull = values[CONTRACT_INVOLUNTARY].isnull = true;
	if (form >= REVENUE_CURRENCY)
		values[CONTRACT_CURRENCY] = fcinfo->args[7];
	if (form >= REVENUE_REASON)
		values[CONTRACT_INVOLUNTARY] = fcinfo->args[8];
	add_row(request, population, key, kind, form, PG_GETARG_DATUM(1), values);
	return population_datum(population);
}

/* mrr_KEY_TIME_transfn(state, customer, started, ended, amount, grid, span), with currency, and with involuntary */
/* clang-format off */
#define FUNCTIONS_OF_TIME(X, name, key, kind) \
	X(mrr_##name##_transfn, key, kind, REVENUE_ROWS) \
	X(mrr_##name##_currency_transfn, key, kind, REVENUE_CURRENCY) \
	X(mrr_##name##_reason_transfn, key, kind, REVENUE_REASON)
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

typedef struct RevenueBuilder
{
	Revenue *revenue;
	const Grid *grid;
	Currency currency;
} RevenueBuilder;

static void
add_customer(void *argument, Event *events, int count)
{
	RevenueBuilder *builder = argument;

	revenue_add(&builder->revenue, builder->grid, &builder->currency, (const AmountEvent *) events,
				count);
}

static void
add_keyed_customer(void *argument, const char *key, Size size, Event *events, int count)
{
	RevenueBuilder *builder = argument;

	Tag before = currency_tag(&builder->currency);

	/* Mostly that of the customer before. */
	if (size < 1 + (Size) Max(before.length, 0) || (uint8) key[0] != builder->currency.length ||
		memcmp(before.bytes, key + 1, Max(before.length, 0)) != 0)
		builder->currency = contract_currency(key, size);
	add_customer(builder, events, count);
}

static Revenue *
revenue_of_share(Population *population, Share share)
{
	const PopulationIdentity *part = population_identity(population);
	const PopulationTotals *totals = population_totals(population);
	RevenueBuilder builder = {.currency = currency_of_null()};
	PeriodRequest request;

	if ((part->aggregate != AGGREGATE_REVENUE && part->aggregate != AGGREGATE_REVENUE_OF) ||
		part->shape.cap != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of mrr_movements")));
	builder.grid = request_of_tag(&revenue_use, &request, part->kind, part->tag, part->tag_length);
	if (builder.grid == NULL)
		wire_corrupt("retention_population", "It has no grid.");
	builder.revenue = revenue_of_request(&request, builder.grid);
	builder.revenue->decimals = (int32) totals->decimals;
	if (!builder.grid->has_as_of)
		builder.revenue->latest = totals->latest;
	if (part->aggregate == AGGREGATE_REVENUE)
		population_visit_share(population, share, NULL, add_customer, &builder);
	else
		population_visit_keys(population, share, add_keyed_customer, &builder);
	return builder.revenue;
}

/* mrr_final(state) -> retention_revenue */
RETENTION_FUNCTION(mrr_final);
Datum
mrr_final(PG_FUNCTION_ARGS)
{
	Revenue *revenue;

	(void) aggregate_context(fcinfo);
	revenue = revenue_of_share(population_argument(PG_GETARG_DATUM(0)), (Share){0, 1});
	(void) revenue_check(revenue);
	PG_RETURN_POINTER(revenue);
}

/* ---- Facts in: retention_mrr, grid, span ---- */

/* mrr_facts_transfn(state, mrr, grid, span) -> retention_revenue */
RETENTION_FUNCTION(mrr_facts_transfn);
Datum
mrr_facts_transfn(PG_FUNCTION_ARGS)
{
	const PeriodRequest *request;
	const Grid *grid;
	Revenue *revenue;
	MrrView view = {0};

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		request_null(&revenue_use, true);
	mrr_view(PG_GETARG_DATUM(1), &view);
	grid = grid_open(PG_GETARG_DATUM(2));
	request = request_find(&revenue_use, span_range(PG_GETARG_DATUM(3), view.kind), grid, NULL);
	if (PG_ARGISNULL(0))
		revenue = revenue_of_request(request, grid);
	else
	{
		revenue = stored_type_state(fcinfo, &revenue_type);
		if (revenue->grid_length != grid->text_length ||
			memcmp(revenue_grid_text(revenue), grid->text, grid->text_length) != 0)
			grid_mismatch(pnstrdup(revenue_grid_text(revenue), revenue->grid_length), grid->text);
		if (revenue->kind != (int32) request->kind || revenue->periods != request->periods ||
			revenue->bounds[0] != request->bounds[0])
			request_changed(&revenue_use);
	}
	mrr_add_to(&view, grid, request->as_of, &revenue);
	PG_RETURN_POINTER(revenue);
}

/* ---- The batch scan ---- */

static void
batch_add(BatchCall *call, Population **population, MemoryContext context,
		  const BatchColumn *columns, const uint16 *rows, int count)
{
	const BatchMethods *methods = call->methods;
	const PeriodRequest *request = NULL;
	const RevenueForm form = (RevenueForm) methods->form;
	PopulationIdentity part;

	/* The request is looked up for each batch: without a zone its grid depends on the session's time zone. */
	for (int i = 0; i < count; i++)
	{
		NullableDatum values[CONTRACT_COLUMNS];
		int n = rows[i];

		if (columns[0].nulls[n] || columns[1].nulls[n])
			continue;
		if (request == NULL)
		{
			const Grid *grid;

			if (call->constant_nulls[4] || call->constant_nulls[5])
				request_null(&revenue_use, true);
			if (methods->key == KEY_TEXT)
				population_require_byte_equality(call->collation);
			grid = grid_open(call->constants[4]);
			request = request_find(&revenue_use, span_range(call->constants[5], methods->kind),
								   grid, NULL);
			part = population_part(request, methods->key, methods->kind, form);
			if (*population == NULL)
				*population = population_create(&part, context);
			else if (!population_same_tag(population_identity(*population), &part))
				request_differs(&revenue_use, population_identity(*population)->tag,
								population_identity(*population)->tag_length, grid);
		}
		for (int c = 0; c < CONTRACT_CURRENCY; c++)
			values[c] = (NullableDatum){columns[1 + c].values[n], columns[1 + c].nulls[n]};
		values[CONTRACT_CURRENCY].isnull = values[CONTRACT_INVOLUNTARY].isnull = true;
		if (form >= REVENUE_CURRENCY)
			values[CONTRACT_CURRENCY] = (NullableDatum){columns[6].values[n], columns[6].nulls[n]};
		if (form >= REVENUE_REASON)
			values[CONTRACT_INVOLUNTARY] =
				(NullableDatum){columns[7].values[n], columns[7].nulls[n]};
		add_row(request, *population, methods->key, methods->kind, form, columns[0].values[n],
				values);
	}
}

static struct varlena *
batch_summarise(Population *population, Share share)
{
	return (struct varlena *) revenue_of_share(population, share);
}

static struct varlena *
batch_merge(struct varlena *into, const struct varlena *other)
{
	Revenue *revenue = (Revenue *) into;

	revenue_merge(&revenue, (const Revenue *) other);
	return (struct varlena *) revenue;
}

static Datum
finish_revenue(struct varlena *summary, bool *isnull)
{
	(void) revenue_check((Revenue *) summary);
	*isnull = false;
	return PointerGetDatum(summary);
}

/* clang-format off */
#define ENTRY(name, key_kind, row_kind, row_form) \
	{name, &(const BatchMethods){.narguments = 6 + (row_form), .form = (row_form), .constants = 3 << 4, \
								 .key = (key_kind), .kind = (row_kind), .add = batch_add, \
								 .summarise = batch_summarise, .merge = batch_merge}},
static const BatchEntry batch_entries[] = {FUNCTIONS(ENTRY) {NULL, NULL}};
/* clang-format on */

static const BatchFinish batch_finishes[] = {{mrr_final, finish_revenue}, {NULL, NULL}};

void
revenue_start(void)
{
	static BatchFamily family = {batch_entries, batch_finishes, NULL};

	batch_register(&family);
}
