/*
 * population_events_sql.c
 *		population_events(customer, value, count, flags, amount, cap): what a population keeps of each customer.
 *
 * An aggregate of retention_internal that passes its arguments on to a population as they are, with amounts and
 * sixteen flags, and returns the history of each customer as text: value:count:flags:amount of each event, in the
 * order of their values. It is how tests see what a population keeps, and the example of how a module uses one.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "catalog/pg_type_d.h"
#include "population/amount.h"
#include "population/batch.h"
#include "population/population_events.h"
#include "population/population_key.h"
#include "utils/array.h"
#include "utils/builtins.h"

static PopulationIdentity
identity_of(KeyKind key, int32 cap)
{
	if (cap < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cap must not be negative, but is %d", cap)));
	return (PopulationIdentity){
		.aggregate = AGGREGATE_EVENTS,
		.key = key,
		.kind = TIME_DATE,
		.shape = {.cap = cap, .more_flags = EVENT_MORE_FLAGS, .has_amount = true},
		.tag = "",
	};
}

/* The values of a row that follow the customer; NULL is 0. */
static void
add_row(Population *population, KeyKind key, Datum customer, const NullableDatum *values)
{
	PopulationTotals *totals = population_totals(population);
	AmountEvent added = {.event.value = DatumGetInt64(values[0].value)};
	int32 flags = values[2].isnull ? 0 : DatumGetInt32(values[2].value);

	if (!values[1].isnull)
		added.event.count = DatumGetInt32(values[1].value);
	if (flags < 0 || flags > PG_UINT16_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("flags must be between 0 and 65535, but are %d", flags)));
	if (population_identity(population)->shape.cap > 0 && (added.event.count < 0 || flags == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("with a cap, an event needs a flag and a count that is not negative"),
				 errdetail("Its count is %d, its flags are %d.", added.event.count, flags)));
	added.event.flags = (uint32) flags;
	if (!values[3].isnull)
		added.amount = amount_of_datum(values[3].value, &totals->decimals);
	count_add(&totals->rows, 1);
	population_add_value_amount(population, key, customer, added);
}

static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key)
{
	PopulationIdentity identity;
	Population *population;
	char *differs;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE_UNCHANGED();
	if (key == KEY_TEXT)
		population_require_byte_equality(PG_GET_COLLATION());
	identity = identity_of(key, PG_ARGISNULL(6) ? 1 : PG_GETARG_INT32(6));
	population = population_state(fcinfo, &identity, &differs);
	add_row(population, key, PG_GETARG_DATUM(1), &fcinfo->args[2]);
	return population_datum(population);
}

RETENTION_FORWARD(population_events_bigint, accumulate(fcinfo, KEY_INT64))

RETENTION_FORWARD(population_events_uuid, accumulate(fcinfo, KEY_UUID))

RETENTION_FORWARD(population_events_text, accumulate(fcinfo, KEY_TEXT))

/* ---- the histories of customers as a text, a line for each ---- */

typedef struct EventLines
{
	StringInfoData lines;
	int64 decimals;
} EventLines;

static void
visit_customer(void *argument, Event *events, int count)
{
	EventLines *lines_of = argument;
	const AmountEvent *at = (const AmountEvent *) events;

	for (int i = 0; i < count; i++)
	{
		Datum amount = NumericGetDatum(amount_to_numeric(at[i].amount, lines_of->decimals));

		appendStringInfo(&lines_of->lines, "%s%lld:%d:%u:%s", i == 0 ? "" : " ",
						 (long long) at[i].event.value, at[i].event.count, at[i].event.flags,
						 DatumGetCString(DirectFunctionCall1(numeric_out, amount)));
	}
	appendStringInfoChar(&lines_of->lines, '\n');
}

static struct varlena *
summarise(Population *population, Share share)
{
	const PopulationIdentity *identity = population_identity(population);
	EventLines lines_of = {.decimals = population_totals(population)->decimals};

	if (identity->aggregate != AGGREGATE_EVENTS || !identity->shape.has_amount)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of population_events")));
	initStringInfo(&lines_of.lines);
	population_visit_share(population, share, NULL, visit_customer, &lines_of);
	return (struct varlena *) cstring_to_text_with_len(lines_of.lines.data, lines_of.lines.len);
}

/* The lines as an array, in the order of their bytes. */
static int
compare_lines(const void *one, const void *other)
{
	return strcmp(TextDatumGetCString(*(const Datum *) one),
				  TextDatumGetCString(*(const Datum *) other));
}

static Datum
finish(struct varlena *summary, bool *isnull)
{
	char *line = text_to_cstring((text *) summary);
	int count = 0;
	Datum *lines;

	for (const char *at = line; *at != '\0'; at++)
		count += *at == '\n';
	lines = palloc(Max(count, 1) * sizeof(Datum));
	for (int i = 0; i < count; i++)
	{
		char *end = strchr(line, '\n');

		lines[i] = PointerGetDatum(cstring_to_text_with_len(line, (int) (end - line)));
		line = end + 1;
	}
	qsort(lines, count, sizeof(Datum), compare_lines);
	*isnull = false;
	return PointerGetDatum(construct_array(lines, count, TEXTOID, -1, false, TYPALIGN_INT));
}

RETENTION_FUNCTION(population_events_final);
Datum
population_events_final(PG_FUNCTION_ARGS)
{
	bool isnull;

	(void) aggregate_context(fcinfo);
	return finish(summarise(population_argument(PG_GETARG_DATUM(0)), (Share){0, 1}), &isnull);
}

/* ---- the batch scan ---- */

static void
batch_add(BatchCall *call, Population **population, MemoryContext context,
		  const BatchColumn *columns, const uint16 *rows, int count)
{
	KeyKind key = call->methods->key;

	if (key == KEY_TEXT)
		population_require_byte_equality(call->collation);
	for (int i = 0; i < count; i++)
	{
		int n = rows[i];
		NullableDatum values[4];

		if (columns[0].nulls[n] || columns[1].nulls[n])
			continue;
		for (int a = 0; a < lengthof(values); a++)
			values[a] = (NullableDatum){columns[a + 1].values[n], columns[a + 1].nulls[n]};
		if (*population == NULL)
		{
			PopulationIdentity identity =
				identity_of(key, call->constant_nulls[5] ? 1 : DatumGetInt32(call->constants[5]));

			*population = population_create(&identity, context);
		}
		add_row(*population, key, columns[0].values[n], values);
	}
}

static struct varlena *
batch_merge(struct varlena *into, const struct varlena *other)
{
	/* Both are lines, the customers of disjoint shares. */
	Size size = VARSIZE(into) + VARSIZE(other) - VARHDRSZ;
	struct varlena *merged = palloc(size);

	SET_VARSIZE(merged, size);
	memcpy(VARDATA(merged), VARDATA(into), VARSIZE(into) - VARHDRSZ);
	memcpy((char *) merged + VARSIZE(into), VARDATA(other), VARSIZE(other) - VARHDRSZ);
	return merged;
}

#define EVENTS_METHODS(key_kind)                                                                   \
	&(const BatchMethods)                                                                          \
	{                                                                                              \
		.narguments = 6, .constants = 1 << 5, .key = (key_kind), .kind = TIME_DATE,                \
		.add = batch_add, .summarise = summarise, .merge = batch_merge                             \
	}

static const BatchEntry batch_entries[] = {
	{population_events_bigint, EVENTS_METHODS(KEY_INT64)},
	{population_events_uuid, EVENTS_METHODS(KEY_UUID)},
	{population_events_text, EVENTS_METHODS(KEY_TEXT)},
	{NULL, NULL},
};

static const BatchFinish batch_finishes[] = {{population_events_final, finish}, {NULL, NULL}};

void
population_events_start(void)
{
	static BatchFamily family = {batch_entries, batch_finishes, NULL};

	batch_register(&family);
}
