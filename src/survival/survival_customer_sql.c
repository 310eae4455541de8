/*
 * survival_customer_sql.c
 *		survival() of tables with several rows per customer: the customer comes first.
 *
 * All rows of a customer are one membership, from the first start to the last end. A population keeps +1 at each start
 * and -1 at each end: the first event is the first start, and where the sum is above 0 the customer is still there.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "population/batch.h"
#include "population/population_key.h"
#include "survival/survival_batch.h"
#include "survival/times_sql.h"
#include "time/moment.h"

/*
 * One row, whose customer and start are not NULL. The totals of the population count rows that are left
 * out: `rows` is the number of all of them, `ignored` of those that start at as_of or later.
 */
static pg_attribute_always_inline void
add_row(Population *population, KeyKind key, TimeKind kind, int64 as_of, Datum customer, Datum from,
		bool has_end, Datum until)
{
	PopulationTotals *totals = population_totals(population);
	int64 started = finite_moment(kind, from, "started");
	int64 ended = has_end ? moment_of_datum(kind, until) : as_of;

	if (started >= as_of)
	{
		count_add(&totals->rows, 1);
		count_add(&totals->ignored, 1);
	}
	else if (ended <= started)
		count_add(&totals->rows, 1);
	else
	{
		population_add_value(population, key, customer, (Event){started, 1, EVENT_ACTIVE});
		if (ended < as_of)
			population_add_value(population, key, customer, (Event){ended, -1, EVENT_ACTIVE});
	}
}

/* The tag of the population is as_of, which must be the same in every row. */
static PopulationIdentity
identity_of(const int64 *as_of, KeyKind key, TimeKind kind)
{
	return (PopulationIdentity){.aggregate = AGGREGATE_SURVIVAL,
								.key = key,
								.kind = kind,
								.tag = (const char *) as_of,
								.tag_length = sizeof(*as_of)};
}

static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key, TimeKind kind)
{
	PopulationIdentity identity;
	Population *population;
	int64 as_of;
	char *differs;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE_UNCHANGED();
	if (key == KEY_TEXT)
		population_require_byte_equality(PG_GET_COLLATION());
	as_of = as_of_argument(kind, PG_GETARG_DATUM(4), PG_ARGISNULL(4));
	identity = identity_of(&as_of, key, kind);
	population = population_state(fcinfo, &identity, &differs);
	if (unlikely(differs != NULL))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("as_of must be the same in every row")));
	add_row(population, key, kind, as_of, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), !PG_ARGISNULL(3),
			PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3));
	return population_datum(population);
}

/* survival_KEY_TIME_transfn(state, customer, started, ended, as_of) */
#define SURVIVAL_TRANSITION(name, key, kind)                                                       \
	RETENTION_FUNCTION(survival_##name##_transfn);                                                 \
	Datum survival_##name##_transfn(PG_FUNCTION_ARGS)                                              \
	{                                                                                              \
		return accumulate(fcinfo, key, kind);                                                      \
	}                                                                                              \
	extern int no_such_variable

SURVIVAL_TRANSITION(bigint_date, KEY_INT64, TIME_DATE);
SURVIVAL_TRANSITION(bigint_timestamp, KEY_INT64, TIME_LOCAL);
SURVIVAL_TRANSITION(bigint_timestamptz, KEY_INT64, TIME_INSTANT);
SURVIVAL_TRANSITION(uuid_date, KEY_UUID, TIME_DATE);
SURVIVAL_TRANSITION(uuid_timestamp, KEY_UUID, TIME_LOCAL);
SURVIVAL_TRANSITION(uuid_timestamptz, KEY_UUID, TIME_INSTANT);
SURVIVAL_TRANSITION(text_date, KEY_TEXT, TIME_DATE);
SURVIVAL_TRANSITION(text_timestamp, KEY_TEXT, TIME_LOCAL);
SURVIVAL_TRANSITION(text_timestamptz, KEY_TEXT, TIME_INSTANT);

typedef struct SurvivalBuilder
{
	TimeTable *table;
	TimeKind kind;
	int64 as_of;
} SurvivalBuilder;

static void
pg_attribute_noreturn() not_ours(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the state is not one of survival")));
}

static void
add_customer(void *argument, Event *events, int count)
{
	SurvivalBuilder *builder = argument;
	int64 from = events[0].value;
	int64 until = events[count - 1].value;
	int64 depth = 0;

	if (!moment_is_valid(builder->kind, from) || until >= builder->as_of)
		not_ours();
	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		depth += events[i].count;
	}
	if (depth > 0)
		until = builder->as_of;
	times_count(&builder->table, whole_days(builder->kind, from, until, depth <= 0), 0,
				depth > 0 ? TIME_CENSORED : TIME_CHURNED, WEIGHT_ONE);
}

static TimeTable *
survival_of_share(Population *population, Share share)
{
	const PopulationIdentity *identity = population_identity(population);
	const PopulationTotals *totals = population_totals(population);
	SurvivalBuilder builder = {.kind = identity->kind};

	if (identity->aggregate != AGGREGATE_SURVIVAL || identity->tag_length != sizeof(builder.as_of))
		not_ours();
	memcpy(&builder.as_of, identity->tag, sizeof(builder.as_of));
	if (!moment_is_valid(builder.kind, builder.as_of))
		not_ours();
	builder.table = times_new(WIRE_SURVIVAL);
	builder.table->not_started = totals->ignored;
	builder.table->never_at_risk = totals->rows - totals->ignored;
	population_visit_share(population, share, NULL, add_customer, &builder);
	return (TimeTable *) counted_sorted(counted_times, &builder.table->base);
}

RETENTION_FUNCTION(survival_customers_final);
Datum
survival_customers_final(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	PG_RETURN_POINTER(survival_of_share(population_argument(PG_GETARG_DATUM(0)), (Share){0, 1}));
}

/* ---- The batch scan: arguments customer, started, ended, as_of ---- */

static void
batch_open(BatchCall *call)
{
	if (call->methods->key == KEY_TEXT)
		population_require_byte_equality(call->collation);
}

static void
batch_add(BatchCall *call, Population **population, MemoryContext context,
		  const BatchColumn *columns, const uint16 *rows, int count)
{
	const BatchMethods *methods = call->methods;

	for (int i = 0; i < count; i++)
	{
		int n = rows[i];
		int64 as_of;

		if (columns[0].nulls[n] || columns[1].nulls[n])
			continue;
		as_of = as_of_argument(methods->kind, call->constants[3], call->constant_nulls[3]);
		if (*population == NULL)
		{
			PopulationIdentity identity = identity_of(&as_of, methods->key, methods->kind);

			*population = population_create(&identity, context);
		}
		add_row(*population, methods->key, methods->kind, as_of, columns[0].values[n],
				columns[1].values[n], !columns[2].nulls[n], columns[2].values[n]);
	}
}

static struct varlena *
batch_summarise(Population *population, Share share)
{
	return (struct varlena *) survival_of_share(population, share);
}

static struct varlena *
batch_merge(struct varlena *into, const struct varlena *other)
{
	Counted *table = (Counted *) into;

	if (table->form == COUNTED_SORTED)
		table = counted_thaw(counted_times, table);
	counted_times->merge(&table, (const Counted *) other);
	return (struct varlena *) table;
}

static Datum
batch_finish(struct varlena *summary, bool *isnull)
{
	const Counted *table = (const Counted *) summary;

	*isnull = false;
	PG_RETURN_POINTER(table->form == COUNTED_SORTED ? table : counted_sorted(counted_times, table));
}

/* clang-format off */
#define SURVIVAL_BATCH_ENTRY(name, key_kind, row_kind) \
	{survival_##name##_transfn, \
	 &(const BatchMethods){.narguments = 4, .constants = 1 << 3, .key = (key_kind), .kind = (row_kind), \
						   .open = batch_open, .add = batch_add, .summarise = batch_summarise, .merge = batch_merge}}

static const BatchEntry batch_entries[] = {
	SURVIVAL_BATCH_ENTRY(bigint_date, KEY_INT64, TIME_DATE),
	SURVIVAL_BATCH_ENTRY(bigint_timestamp, KEY_INT64, TIME_LOCAL),
	SURVIVAL_BATCH_ENTRY(bigint_timestamptz, KEY_INT64, TIME_INSTANT),
	SURVIVAL_BATCH_ENTRY(uuid_date, KEY_UUID, TIME_DATE),
	SURVIVAL_BATCH_ENTRY(uuid_timestamp, KEY_UUID, TIME_LOCAL),
	SURVIVAL_BATCH_ENTRY(uuid_timestamptz, KEY_UUID, TIME_INSTANT),
	SURVIVAL_BATCH_ENTRY(text_date, KEY_TEXT, TIME_DATE),
	SURVIVAL_BATCH_ENTRY(text_timestamp, KEY_TEXT, TIME_LOCAL),
	SURVIVAL_BATCH_ENTRY(text_timestamptz, KEY_TEXT, TIME_INSTANT),
	{NULL, NULL},
};
/* clang-format on */

static const BatchFinish batch_finishes[] = {
	{survival_customers_final, batch_finish},
	{NULL, NULL},
};

void
survival_start(void)
{
	static BatchFamily family = {batch_entries, batch_finishes, NULL};

	batch_register(&family);
}
