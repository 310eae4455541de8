/*
 * population.c
 *		Customers and their histories: what the rooms above call, whichever form a population has.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "population/population_internal.h"

/* The texts of a batch. */
#define BATCH_TEXTS (64 * 1024)
/* A flat value up to this size is visited by sorting its entries, without a table. */
#define SORT_MOST (64 * 1024)

/* ---- identities ---- */

static bool
same_kinds(const PopulationIdentity *one, const PopulationIdentity *other)
{
	return one->aggregate == other->aggregate && one->key == other->key && one->kind == other->kind;
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

	/* Tags of different aggregates are not to be compared, nor shown side by side. */
	if (!same_kinds(one, other))
		differing_kinds();
	if (!population_same_tag(one, other))
	{
		/* Not every room's tag is a text. */
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
	if (one->cap != other->cap)
		differing_kinds();
}

static void
begin_flat(Population *population, FlatPopulation *flat, MemoryContext context)
{
	population->identity = flat_identity(flat);
	population->totals = flat->totals;
	population->context = context;
	population->flat = flat;
	population->large = NULL;
}

/* The flat log of a handle becomes a large form; its totals stay with the handle until population_datum(). */
static void
enlarge(Population *population)
{
	FlatPopulation *flat = population->flat;
	Large *large = large_create(&population->identity, population->context);

	large_load(large, flat_log(flat));
	large->self.totals = population->totals;
	population->identity = large->self.identity;
	population->flat = NULL;
	population->large = large;
}

/* A state that may be changed, of a value that may not: what is added to it must be given back by population_datum(). */
static Population *
copy_state(Datum value, MemoryContext context)
{
	Large *source = large_of(value);
	Population *population = palloc0(sizeof(Population));
	PopulationTotals *totals;

	if (source == NULL)
	{
		FlatPopulation *flat = flat_argument(value);
		Size head = offsetof(FlatPopulation, data) + flat->tag_length;

		begin_flat(population, flat, context);
		if (flat->used - head <= FLAT_LIMIT)
		{
			FlatPopulation *copy = flat_create(&population->identity, flat->used - head + 32);

			memcpy(FLAT_LOG(copy), FLAT_LOG(flat), flat->used - head);
			copy->used = flat->used;
			copy->totals = flat->totals;
			begin_flat(population, copy, context);
		}
		else
			enlarge(population);
		return population;
	}

	population = &large_create(&source->self.identity, context)->self;
	totals = population_totals(population);
	*totals = source->self.totals;
	large_each(source, large_load_entry, population->large);
	return population;
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
		Large *large = large_of(value);

		if (likely(MemoryContextGetParent(large->header.eoh_context) == context))
			return &large->self;
		return copy_state(value, context);
	}
	flat = aggregate_own_state(fcinfo, WIRE_POPULATION, POPULATION_FLAT_VERSION,
							   offsetof(FlatPopulation, data));
	if (flat == NULL)
		return copy_state(value, context);
	population = palloc(sizeof(Population));
	begin_flat(population, flat_check(flat), context);
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
		begin_flat(population, flat_create(identity, MAXALIGN(head + 48) - head), context);
		return population;
	}
	population = population_own(fcinfo, context);
	if (unlikely(!same_kinds(&population->identity, identity)))
		differing_kinds();
	if (unlikely(!population_same_tag(&population->identity, identity)))
		*differs = pnstrdup(population->identity.tag, population->identity.tag_length);
	else if (unlikely(population->identity.cap != identity->cap))
		differing_kinds();
	return population;
}

Population *
population_create(const PopulationIdentity *identity, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Population *population = palloc(sizeof(Population));

	begin_flat(population, flat_create(identity, 128), context);
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

/* Add an entry in any form but the buffer. */
static void
add_entry(Population *population, const Key *key, const Event *events, int count)
{
	KeyKind kind = population->identity.key;

	if (population->large == NULL)
	{
		/* An upper bound for one event; more are written twice. */
		Size bytes = 48;
		StringInfoData out;

		if (kind == KEY_TEXT)
			bytes += key->b;
		if (count != 1)
		{
			initStringInfo(&out);
			entry_write(&out, kind, key, events, count);
			bytes = out.len + 1;
			pfree(out.data);
		}
		if (flat_reserve(population, bytes))
		{
			FlatPopulation *flat = population->flat;

			/* Written in place: there is room enough for it never to grow. */
			out.data = FLAT_END(flat);
			out.len = out.cursor = 0;
			out.maxlen = (int) (VARSIZE(flat) - flat->used);
			entry_write(&out, kind, key, events, count);
			flat->used += out.len;
			return;
		}
		enlarge(population);
	}
	large_add(population->large, key, events, count);
}

/* What the table would refuse, or change. False: there is nothing to add. */
static inline bool
check_event(const PopulationIdentity *identity, Event *event)
{
	if (identity->cap == 0)
		return event->count != 0;
	if (event->flags == 0 || event->flags > EVENT_PLAIN || event->count < 0 ||
		(event->count > 0) != ((event->flags & EVENT_RETURN) != 0))
		elog(ERROR, "impossible event");
	event->count = Min(event->count, identity->cap);
	return true;
}

void
population_add_int64(Population *population, int64 key, Event event)
{
	Large *large = population->large;

	Assert(population->identity.key == KEY_INT64);
	if (likely(large != NULL && large->batch != NULL))
	{
		Batch *batch = large->batch;

		batch->a[batch->used] = (uint64) key;
		batch->events[batch->used] = event;
		if (++batch->used == BATCH_EVENTS)
			large_flush(large);
	}
	else
	{
		Key found = key_of_int64(key);

		if (check_event(&population->identity, &event))
			add_entry(population, &found, &event, 1);
	}
}

void
population_add_bytes(Population *population, const void *key, int size, Event event)
{
	Large *large = population->large;
	Key found = key_of_bytes(population->identity.key, key, size);

	if (likely(large != NULL && large->batch != NULL))
	{
		Batch *batch = large->batch;

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
		batch->events[batch->used] = event;
		if (++batch->used == BATCH_EVENTS || batch->texts.len >= BATCH_TEXTS)
			large_flush(large);
	}
	else if (check_event(&population->identity, &event))
		add_entry(population, &found, &event, 1);
}

void
population_add_plain(Population *population, const int64 *keys, const int64 *values, int count)
{
	int done = 0;

	/* While it is small, and where counts matter, event by event. */
	while (done < count && (population->large == NULL || population->large->batch == NULL ||
							population->identity.cap != 1))
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
	Key key = {0};

	Assert(population->identity.key == KEY_NONE);
	if (count > 0)
		add_entry(population, &key, events, count);
}

Population *
population_argument(Datum value)
{
	Large *large = large_of(value);
	Population *population;

	if (large != NULL)
		return &large->self;
	population = palloc0(sizeof(Population));
	begin_flat(population, flat_argument(value), CurrentMemoryContext);
	return population;
}

typedef struct Visit
{
	PopulationVisitor visitor;
	void *argument;
} Visit;

static void
visit_entry(void *argument, const Key *key, Event *events, int count)
{
	Visit *visit = argument;

	if (count > 0)
		visit->visitor(visit->argument, events, count);
}

/* Every customer once, whichever form the population has. */
void
population_each(Population *population, EntryVisitor visitor, void *argument)
{
	if (population->large != NULL)
		large_each(population->large, visitor, argument);
	else if (population->identity.key == KEY_NONE)
		flat_each(population->flat, visitor, argument);
	else if (population->flat->used <= SORT_MOST)
		flat_each_merged(population->flat, visitor, argument);
	else
	{
		MemoryContext context =
			AllocSetContextCreate(CurrentMemoryContext, "retention visit", ALLOCSET_SMALL_SIZES);
		Large *large = large_create(&population->identity, context);

		large_load(large, flat_log(population->flat));
		large_each(large, visitor, argument);
		MemoryContextDelete(context);
	}
}

void
population_visit(Population *population, PopulationVisitor visitor, void *argument)
{
	Visit visit = {.visitor = visitor, .argument = argument};

	population_each(population, visit_entry, &visit);
}

void
population_enlarge(Population *population)
{
	if (population->large == NULL)
		enlarge(population);
}

void
population_totals_add(PopulationTotals *into, const PopulationTotals *totals)
{
	count_add(&into->rows, totals->rows);
	count_add(&into->ignored, totals->ignored);
	into->first = Min(into->first, totals->first);
	into->latest = Max(into->latest, totals->latest);
}

Datum
population_combine_states(FunctionCallInfo fcinfo)
{
	MemoryContext context = aggregate_context(fcinfo);
	Population *into;
	Population *from;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		return population_datum(copy_state(PG_GETARG_DATUM(1), context));

	into = population_own(fcinfo, context);
	from = population_argument(PG_GETARG_DATUM(1));
	check_same_identity(&into->identity, &from->identity);
	population_totals_add(&into->totals, &from->totals);
	if (from->large != NULL)
	{
		if (into->large == NULL)
			enlarge(into);
		if (from->large == into->large)
			elog(ERROR, "population cannot be combined with itself");
		large_each(from->large, large_load_entry, into->large);
	}
	else
	{
		Size log = FLAT_END(from->flat) - FLAT_LOG(from->flat);

		if (into->large == NULL && flat_reserve(into, log))
		{
			memcpy(FLAT_END(into->flat), FLAT_LOG(from->flat), log);
			into->flat->used += (int32) log;
		}
		else
		{
			if (into->large == NULL)
				enlarge(into);
			large_load(into->large, flat_log(from->flat));
		}
	}
	return population_datum(into);
}
