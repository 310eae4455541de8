/*
 * population.c
 *		Customers and their histories: what the other modules call, whichever form a population has.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "population/population_form.h"

/* A batch is applied when its texts take so many bytes. */
#define BATCH_TEXTS (64 * 1024)
/* So many events at once make a population large. */
#define PLAIN_AT_ONCE 64

/* ---- identities ---- */

static bool
same_kinds(const PopulationIdentity *one, const PopulationIdentity *other)
{
	return one->aggregate == other->aggregate && one->key == other->key && one->kind == other->kind;
}

static inline bool
same_shape(const EventShape *one, const EventShape *other)
{
	return one->cap == other->cap && one->more_flags == other->more_flags &&
		   one->has_amount == other->has_amount;
}

static void
differing_kinds(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("states of different aggregates cannot be combined")));
}

static void
check_same_identity(const PopulationIdentity *one, const PopulationIdentity *other)
{
	bool shown = true;

	/* Tags of different aggregates are not compared, nor shown side by side. */
	if (!same_kinds(one, other))
		differing_kinds();
	if (!population_same_tag(one, other))
	{
		/* Not every module's tag is printable. */
		for (int i = 0; i < one->tag_length; i++)
			shown = shown && one->tag[i] >= ' ' && one->tag[i] <= '~';
		for (int i = 0; i < other->tag_length; i++)
			shown = shown && other->tag[i] >= ' ' && other->tag[i] <= '~';
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("states of an aggregate differ"),
				 shown ? errdetail("One is for \"%s\", the other for \"%s\".",
								   pnstrdup(one->tag, one->tag_length),
								   pnstrdup(other->tag, other->tag_length))
					   : 0,
				 errhint("All rows and states of one answer need the same grid or periods.")));
	}
	if (!same_shape(&one->shape, &other->shape))
		differing_kinds();
}

/* The state in argument 0, which is not NULL, to be changed in place. */
static Population *
population_own(FunctionCallInfo fcinfo, MemoryContext context)
{
	Datum value = PG_GETARG_DATUM(0);
	Population *population;
	FlatPopulation *flat;

	if (likely(VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value))))
	{
		LargePopulation *large = large_of(value);

		if (likely(MemoryContextGetParent(large->header.eoh_context) == context))
			return &large->self;
		return form_copy(value, context);
	}
	flat = aggregate_own_state(fcinfo, WIRE_POPULATION, POPULATION_FLAT_VERSION,
							   offsetof(FlatPopulation, data));
	if (flat == NULL)
		return form_copy(value, context);
	population = palloc(sizeof(Population));
	form_begin_flat(population, flat_check(flat), context);
	return population;
}

Population *
population_state(FunctionCallInfo fcinfo, const PopulationIdentity *identity, char **differs)
{
	MemoryContext context = aggregate_context(fcinfo);
	Population *population;

	*differs = NULL;
	if (PG_ARGISNULL(0))
	{
		Size head = offsetof(FlatPopulation, data) + identity->tag_length;

		if (identity->tag_length > TAG_LONGEST)
			elog(ERROR, "tag of a population is too long");
		population = palloc(sizeof(Population));
		form_begin_flat(population, flat_create(identity, MAXALIGN(head + 48) - head), context);
		return population;
	}
	population = population_own(fcinfo, context);
	if (unlikely(!same_kinds(&population->identity, identity)))
		differing_kinds();
	if (unlikely(!population_same_tag(&population->identity, identity)))
		*differs = pnstrdup(population->identity.tag, population->identity.tag_length);
	else if (unlikely(!same_shape(&population->identity.shape, &identity->shape)))
		differing_kinds();
	return population;
}

Population *
population_create(const PopulationIdentity *identity, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Population *population = palloc(sizeof(Population));

	form_begin_flat(population, flat_create(identity, 128), context);
	MemoryContextSwitchTo(old);
	return population;
}

Datum
population_datum(Population *population)
{
	if (population->large == NULL)
	{
		population->flat->totals = population->totals;
		return PointerGetDatum(population->flat);
	}
	if (population != &population->large->self)
		population->large->self.totals = population->totals;
	return EOHPGetRWDatum(&population->large->header);
}

PopulationTotals *
population_totals(Population *population)
{
	return &population->totals;
}

const PopulationIdentity *
population_identity(Population *population)
{
	return &population->identity;
}

/* Add an entry in either form, past a batch. */
static void
add_entry(Population *population, const CustomerKey *key, const Event *events, int count)
{
	KeyKind kind = population->identity.key;

	if (population->large == NULL)
	{
		/* An upper bound for one event; more are written twice. */
		Size bytes = 64;
		StringInfoData out;

		if (kind == KEY_TEXT)
			bytes += key->b;
		if (count != 1)
		{
			initStringInfo(&out);
			entry_write(&out, kind, &population->identity.shape, key, events, count);
			bytes = out.len + 1;
			pfree(out.data);
		}
		if (form_reserve_flat(population, bytes))
		{
			FlatPopulation *flat = population->flat;

			/* Written in place: there is enough space, so that it never grows. */
			out.data = FLAT_END(flat);
			out.len = out.cursor = 0;
			out.maxlen = (int) (VARSIZE(flat) - flat->used);
			entry_write(&out, kind, &population->identity.shape, key, events, count);
			flat->used += out.len;
			return;
		}
		form_enlarge(population);
	}
	large_add(population->large, key, events, count);
}

/* has_amount is a constant: populations with and without amounts each get code of their own. */
static pg_attribute_always_inline void
put_event(EventBatch *batch, Event event, int128 amount, bool has_amount)
{
	if (has_amount)
	{
		batch->events.amount_events[batch->used].event = event;
		batch->events.amount_events[batch->used].amount = amount;
	}
	else
		batch->events.events[batch->used] = event;
}

/* An event past the batch. */
static void
add_event(Population *population, const CustomerKey *key, Event event, int128 amount)
{
	AmountEvent taken = {.event = event, .amount = amount};

	if (event_take(&population->identity.shape, &taken.event, amount))
		add_entry(population, key, &taken.event, 1);
}

static pg_attribute_always_inline void
add_int64(Population *population, int64 key, Event event, int128 amount, bool has_amount)
{
	LargePopulation *large = population->large;

	Assert(population->identity.key == KEY_INT64);
	Assert(population->identity.shape.has_amount == has_amount);
	if (likely(large != NULL && large->batch != NULL))
	{
		EventBatch *batch = large->batch;

		batch->a[batch->used] = (uint64) key;
		put_event(batch, event, amount, has_amount);
		if (++batch->used == BATCH_EVENTS)
			large_flush(large);
	}
	else
	{
		CustomerKey found = key_of_int64(key);

		add_event(population, &found, event, amount);
	}
}

void
population_add_int64(Population *population, int64 key, Event event)
{
	add_int64(population, key, event, 0, false);
}

void
population_add_int64_amount(Population *population, int64 key, Event event, int128 amount)
{
	add_int64(population, key, event, amount, true);
}

static pg_attribute_always_inline void
add_bytes(Population *population, const void *key, int size, Event event, int128 amount,
		  bool has_amount)
{
	LargePopulation *large = population->large;
	CustomerKey found = key_of_bytes(population->identity.key, key, size);

	Assert(population->identity.shape.has_amount == has_amount);
	if (likely(large != NULL && large->batch != NULL))
	{
		EventBatch *batch = large->batch;

		batch->a[batch->used] = found.a;
		batch->b[batch->used] = found.b;
		if (population->identity.key == KEY_TEXT)
		{
			uint32 length = (uint32) size;

			if (batch->texts.data == NULL)
			{
				MemoryContext old = MemoryContextSwitchTo(large->header.eoh_context);

				initStringInfo(&batch->texts);
				MemoryContextSwitchTo(old);
			}
			batch->b[batch->used] = batch->texts.len;
			appendBinaryStringInfo(&batch->texts, (const char *) &length, sizeof(length));
			appendBinaryStringInfo(&batch->texts, key, size);
		}
		put_event(batch, event, amount, has_amount);
		if (++batch->used == BATCH_EVENTS || batch->texts.len >= BATCH_TEXTS)
			large_flush(large);
	}
	else
		add_event(population, &found, event, amount);
}

void
population_add_bytes(Population *population, const void *key, int size, Event event)
{
	add_bytes(population, key, size, event, 0, false);
}

void
population_add_bytes_amount(Population *population, const void *key, int size, AmountEvent event)
{
	add_bytes(population, key, size, event.event, event.amount, true);
}

void
population_expect(Population *population, int count)
{
	if (count < PLAIN_AT_ONCE || population->identity.key == KEY_NONE)
		return;
	form_enlarge(population);
	large_expect(population->large, count);
}

void
population_add_plain(Population *population, const int64 *keys, const int64 *values, int count)
{
	int done = 0;

	/* Event by event while the population is small, and where counts matter. */
	while (done < count && (population->large == NULL ||
							(count < PLAIN_AT_ONCE && population->large->batch == NULL) ||
							!population->large->table.pool.takes_words))
	{
		population_add_int64(population, keys[done],
							 (Event){.value = values[done], .count = 1, .flags = EVENT_PLAIN});
		done++;
	}
	if (done < count)
		large_flush(population->large);
	while (done < count)
	{
		int n = Min(count - done, BATCH_EVENTS);

		large_add_plain(population->large, keys + done, values + done, n);
		done += n;
	}
}

void
population_add_history(Population *population, const Event *events, int count)
{
	CustomerKey key = {0};

	Assert(population->identity.key == KEY_NONE);
	if (count > 0)
		add_entry(population, &key, events, count);
}

Population *
population_argument(Datum value)
{
	LargePopulation *large = large_of(value);
	Population *population;

	if (large != NULL)
		return &large->self;
	population = palloc0(sizeof(Population));
	form_begin_flat(population, flat_argument(value), CurrentMemoryContext);
	return population;
}

typedef struct Visit
{
	PopulationVisitor visitor;
	void *argument;
} Visit;

static void
visit_entry(void *argument, const CustomerKey *key, Event *events, int count)
{
	Visit *visit = argument;

	if (count > 0)
		visit->visitor(visit->argument, events, count);
}

void
population_visit(Population *population, PopulationVisitor visitor, void *argument)
{
	Visit visit = {.visitor = visitor, .argument = argument};

	form_each(population, visit_entry, &visit);
}

void
population_totals_add(PopulationTotals *into, const PopulationTotals *totals)
{
	count_add(&into->rows, totals->rows);
	count_add(&into->ignored, totals->ignored);
	into->first = Min(into->first, totals->first);
	into->latest = Max(into->latest, totals->latest);
	into->decimals = Max(into->decimals, totals->decimals);
}

Datum
population_combine_states(FunctionCallInfo fcinfo)
{
	MemoryContext context = aggregate_context(fcinfo);
	Population *into;
	Population *from;

	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	if (PG_ARGISNULL(0))
		return population_datum(form_copy(PG_GETARG_DATUM(1), context));

	into = population_own(fcinfo, context);
	from = population_argument(PG_GETARG_DATUM(1));
	check_same_identity(&into->identity, &from->identity);
	population_totals_add(&into->totals, &from->totals);
	if (from->large != NULL)
	{
		if (into->large == NULL)
			form_enlarge(into);
		if (from->large == into->large)
			elog(ERROR, "population cannot be combined with itself");
		large_each(from->large, large_load_entry, into->large);
	}
	else
		form_load(into, flat_log(from->flat));
	return population_datum(into);
}
