/*
 * population_large.c
 *		The large form of a population: an expanded object with a table, a batch of waiting events, and runs.
 */
#include "retention.h"

#include "population/population_internal.h"

/* From this size on, misses of the processor's caches are worth a batch. */
#define BATCH_FROM (256 * 1024)
/* So many additions without a batch between two looks at the memory. */
#define COUNT_EVERY 64
/* So many entries of a log are loaded together. */
#define LOAD_ENTRIES 64
#define LOAD_EVENTS 4096

static Size large_flat_size(ExpandedObjectHeader *header);
static void large_flatten(ExpandedObjectHeader *header, void *result, Size size);

static const ExpandedObjectMethods large_methods = {.get_flat_size = large_flat_size,
													.flatten_into = large_flatten};

Large *
large_create(const PopulationIdentity *identity, MemoryContext parent)
{
	MemoryContext context =
		AllocSetContextCreate(parent, "retention population", ALLOCSET_SMALL_SIZES);
	Large *large = MemoryContextAllocZero(context, sizeof(Large));
	char *tag = MemoryContextAlloc(context, Max(identity->tag_length, 1));

	EOH_init_header(&large->header, &large_methods, context);
	memcpy(tag, identity->tag, identity->tag_length);
	large->self.identity = *identity;
	large->self.identity.tag = tag;
	large->self.totals.first = PG_INT64_MAX;
	large->self.totals.latest = PG_INT64_MIN;
	large->self.context = parent;
	large->self.large = large;
	large->flat_size = -1;
	table_begin(&large->table,
				AllocSetContextCreate(context, "retention table", 0, 1024, 8 * 1024 * 1024),
				identity->key, identity->cap);
	ledger_join(large);
	ledger_count(large);
	return large;
}

/* Make room for so many new keys; the largest populations may be written out for it. */
static void
large_reserve(Large *large, int count)
{
	Size growth = table_growth(&large->table, count);

	if (growth > 0)
		ledger_reserve(large, growth);
	table_reserve(&large->table, count);
}

void
large_flush(Large *large)
{
	Batch *batch = large->batch;

	if (batch == NULL || batch->used == 0)
		return;
	CHECK_FOR_INTERRUPTS();
	large->flat_size = -1;
	large_reserve(large, batch->used);
	if (large->table.key == KEY_INT64)
		table_apply_int64(&large->table, batch->a, batch->events, batch->used);
	else
		table_apply_wide(&large->table, batch);
	batch->used = 0;
	batch->texts.len = 0;
	ledger_reserve(large, 0);
}

/* Up to BATCH_EVENTS plain events of integer customers, past the batch, which is empty; cap is 1. */
void
large_add_plain(Large *large, const int64 *keys, const int64 *values, int count)
{
	CHECK_FOR_INTERRUPTS();
	large->flat_size = -1;
	large_reserve(large, count);
	table_apply_plain(&large->table, keys, values, count);
	ledger_reserve(large, 0);
}

/* The events of some customers, past the batch: counts[i] of events belong to keys[i]. */
static void
add_entries(Large *large, const Key *keys, const Event *events, const int *counts, int n)
{
	large->flat_size = -1;
	large_reserve(large, n);
	if (n > 1)
		for (int i = 0; i < n; i++)
			table_prefetch(&large->table, &keys[i]);
	for (int i = 0; i < n; i++)
	{
		table_add(&large->table, &keys[i], events, counts[i]);
		events += counts[i];
		large->since += 1 + counts[i] / 16;
		if (large->table.key == KEY_TEXT)
			large->since += (int) (keys[i].b / 256);
	}
	if (large->since < COUNT_EVERY)
		return;
	CHECK_FOR_INTERRUPTS();
	ledger_reserve(large, 0);
	if (large->batch == NULL && large->table.key != KEY_NONE &&
		table_bytes(&large->table) >= BATCH_FROM)
	{
		large->batch = MemoryContextAlloc(large->header.eoh_context, sizeof(Batch));
		large->batch->used = 0;
		memset(&large->batch->texts, 0, sizeof(StringInfoData));
	}
}

void
large_add(Large *large, const Key *key, const Event *events, int count)
{
	add_entries(large, key, events, &count, 1);
}

/* An EntryVisitor that adds to the population argument. */
void
large_load_entry(void *argument, const Key *key, Event *events, int count)
{
	large_add(argument, key, events, count);
}

/* All entries of a log. */
void
large_load(Large *large, WireReader in)
{
	KeyKind kind = large->self.identity.key;
	int32 cap = large->self.identity.cap;
	Scratch scratch = {0};
	Key keys[LOAD_ENTRIES];
	int counts[LOAD_ENTRIES];

	while (in.at < in.end)
	{
		int n = 0;
		int used = 0;

		while (in.at < in.end && n < LOAD_ENTRIES && used < LOAD_EVENTS)
		{
			keys[n] = entry_read_key(&in, kind);
			counts[n] = history_read_after(&in, cap, &scratch.events, &scratch.capacity, used);
			used += counts[n++];
		}
		add_entries(large, keys, scratch.events, counts, n);
	}
	if (scratch.events != NULL)
		pfree(scratch.events);
}

/* Integer customers whose events are words. */
void
large_load_words(Large *large, const KeyedWord *words, int count)
{
	while (count > 0)
	{
		int n = Min(count, BATCH_EVENTS);

		CHECK_FOR_INTERRUPTS();
		large->flat_size = -1;
		large_reserve(large, n);
		table_add_words(&large->table, words, n);
		ledger_reserve(large, 0);
		words += n;
		count -= n;
	}
}

void
large_each(Large *large, EntryVisitor visitor, void *argument)
{
	large_flush(large);
	/* The visitor may add to another population of the same ledger. */
	large->pins++;
	if (large->nruns > 0)
		spill_each(large, visitor, argument);
	else
		table_each(&large->table, visitor, argument);
	large->pins--;
}

typedef struct FlatWriter
{
	const Large *large;
	StringInfoData entry;
	char *to; /* NULL: only count */
	int64 size;
	int64 capacity;
} FlatWriter;

static void
flatten_entry(void *argument, const Key *key, Event *events, int count)
{
	FlatWriter *writer = argument;

	resetStringInfo(&writer->entry);
	entry_write(&writer->entry, writer->large->self.identity.key, key, events, count);
	if (writer->to != NULL)
	{
		if (writer->entry.len > writer->capacity - writer->size)
			elog(ERROR, "population has more entries than it counted");
		memcpy(writer->to + writer->size, writer->entry.data, writer->entry.len);
	}
	writer->size += writer->entry.len;
}

/*
 * The methods of an expanded object are called in whatever context is current, which from 17 on may be one that can
 * neither free nor enlarge (that of a sort): they work in one of their own.
 */
static MemoryContext
begin_work(Large *large, MemoryContext *old)
{
	MemoryContext work = AllocSetContextCreate(large->header.eoh_context, "retention flattening",
											   ALLOCSET_DEFAULT_SIZES);

	*old = MemoryContextSwitchTo(work);
	return work;
}

static void
end_work(MemoryContext work, MemoryContext old)
{
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}

/* The entries of a table as a log, or only counted where to is NULL; returns its bytes. */
static int64
flatten_table(Large *large, char *to, int64 capacity)
{
	FlatWriter writer = {.large = large, .to = to, .capacity = capacity};

	initStringInfo(&writer.entry);
	table_each(&large->table, flatten_entry, &writer);
	return writer.size;
}

static int64
count_flat_size(Large *large)
{
	int64 size = offsetof(FlatPopulation, data) + large->self.identity.tag_length;

	large_flush(large);
	if (large->flat_size >= 0)
		return large->flat_size;
	if (large->nruns == 0)
		return size + flatten_table(large, NULL, 0);
	spill_compact(large);
	for (int i = 0; i < large->nruns; i++)
		size += large->runs[i].payload;
	return size;
}

static Size
large_flat_size(ExpandedObjectHeader *header)
{
	Large *large = (Large *) header;
	MemoryContext old;
	MemoryContext work = begin_work(large, &old);

	large->flat_size = count_flat_size(large);
	end_work(work, old);
	if (large->flat_size > FLAT_LARGEST)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("state of the aggregate is too large to be sent to another process"),
						errdetail("It would take %lld bytes; the limit is %lld.",
								  (long long) large->flat_size, (long long) FLAT_LARGEST),
						errhint("Compute facts per customer first and aggregate them, or set "
								"max_parallel_workers_per_gather to 0 for this query.")));
	return (Size) large->flat_size;
}

static void
large_flatten(ExpandedObjectHeader *header, void *result, Size size)
{
	Large *large = (Large *) header;
	FlatPopulation *flat = result;
	Size head = offsetof(FlatPopulation, data) + large->self.identity.tag_length;
	MemoryContext old;
	MemoryContext work;

	if ((int64) size != large->flat_size)
		elog(ERROR, "population was not counted");
	memset(flat, 0, offsetof(FlatPopulation, data));
	flat_mark(flat, WIRE_POPULATION, POPULATION_FLAT_VERSION, size);
	flat->aggregate = large->self.identity.aggregate;
	flat->key = (uint8) large->self.identity.key;
	flat->kind = (uint8) large->self.identity.kind;
	flat->cap = large->self.identity.cap;
	flat->tag_length = large->self.identity.tag_length;
	flat->used = (int32) size;
	flat->totals = large->self.totals;
	memcpy(flat->data, large->self.identity.tag, flat->tag_length);
	work = begin_work(large, &old);
	/* Another population may have had this one's table written out meanwhile: the entries are the same. */
	if (large->nruns > 0)
		spill_copy(large, FLAT_LOG(flat), size - head);
	else if (flatten_table(large, FLAT_LOG(flat), (int64) (size - head)) != (int64) (size - head))
		elog(ERROR, "population has fewer entries than it counted");
	end_work(work, old);
}

/* The large population behind an expanded datum, or NULL where it is flat. */
Large *
large_of(Datum value)
{
	Large *large;

	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return NULL;
	large = (Large *) DatumGetEOHP(value);
	if (large->header.eoh_methods != &large_methods)
		elog(ERROR, "not a population");
	return large;
}
