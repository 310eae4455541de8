/*
 * population_large.c
 *		The large form of a population: an expanded object with a table, a batch of waiting events, and a log.
 */
#include "retention.h"

#include "population/population_large.h"

/* From this size of a table on, cache misses make a batch worthwhile. */
#define BATCH_FROM (256 * 1024)
/* Without a batch, memory is counted after so many additions. */
#define COUNT_EVERY 64

/* A hash table of so many places is partitioned before it grows: it would not fit into the cache of one processor. */
#define PARTITION_FROM 65536
/* A table smaller than this is not worth being written. */
#define SPILL_LEAST (16 * 1024)

static Size large_flat_size(ExpandedObjectHeader *header);
static void large_flatten(ExpandedObjectHeader *header, void *result, Size size);

static const ExpandedObjectMethods large_methods = {.get_flat_size = large_flat_size,
													.flatten_into = large_flatten};

/* Rows leave their partitions for the table, which is written where it would grow too large. */
static void
pour_rows(LargePopulation *large)
{
	Size most = Max(ledger_limit(large->member.ledger) / 4, SPILL_LEAST);
	RowStore *rows = large->rows;

	large->rows = NULL;
	large->not_partitioned = true;
	for (int partition = 0; partition < KEY_PARTITIONS; partition++)
	{
		rows_to_table(rows, partition, &large->table);
		rows_free_partition(rows, partition);
		if (table_bytes(&large->table) >= most)
			log_write_table(&large->log, &large->table);
	}
	rows_free(rows);
}

/* The ledger asks for memory: the table or the log is written; the batch is not touched. */
static bool
write_out(LedgerMember *member)
{
	LargePopulation *large =
		(LargePopulation *) ((char *) member - offsetof(LargePopulation, member));

	if (large->table.key == KEY_NONE)
		return log_write_out(&large->log);
	if (large->rows != NULL)
		pour_rows(large);
	else if (large->table.pool.customers == 0 || table_bytes(&large->table) < SPILL_LEAST)
		return false;
	else
		log_write_table(&large->log, &large->table);
	if (large->batch != NULL && large->batch->used == 0 && !sharing_is_open(large->self.sharing))
	{
		if (large->batch->texts.data != NULL)
			pfree(large->batch->texts.data);
		pfree(large->batch);
		large->batch = NULL;
	}
	return true;
}

LargePopulation *
large_create(const PopulationIdentity *identity, MemoryContext parent)
{
	MemoryContext context =
		AllocSetContextCreate(parent, "retention population", ALLOCSET_SMALL_SIZES);
	LargePopulation *large = MemoryContextAllocZero(context, sizeof(LargePopulation));
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
	table_begin(&large->table, table_context(context), identity->key, &identity->shape);
	log_begin(&large->log, &large->member, identity->key, &identity->shape);
	large->member.context = context;
	large->member.write_out = write_out;
	ledger_join(&large->member, parent);
	ledger_count(&large->member);
	return large;
}

static void
make_batch(LargePopulation *large)
{
	if (large->batch != NULL)
		return;
	large->batch =
		MemoryContextAlloc(large->header.eoh_context, BATCH_SIZE(&large->self.identity.shape));
	large->batch->used = 0;
	memset(&large->batch->texts, 0, sizeof(StringInfoData));
}

static bool
take_word(void *sharing, const KeyedWord *word)
{
	return sharing_add_word(sharing, word);
}

/* Share pages from now on, if the table would have pages itself or another process has them already. */
static void
begin_sharing(LargePopulation *large)
{
	PageSharing *sharing = large->self.sharing;
	int64 first;
	uint64 near_first, near_count;

	if (!large->table.pool.takes_words || sharing->closed)
		return;
	if (!sharing_open(sharing) && table_would_be_near(&large->table, ledger_room(&large->member),
													  &first, &near_first, &near_count))
		sharing_create(sharing, first, near_first, near_count);
	if (!sharing_is_open(sharing))
		return;
	table_give_words(&large->table, take_word, sharing);
	make_batch(large);
}

static void
partition_entry(void *argument, const CustomerKey *key, Event *events, int count)
{
	RowStore *rows = argument;

	for (int i = 0; i < count; i++)
		if (!rows_add(rows, key->a, key->b, events[i].value))
			elog(ERROR, "a word of a population is too far from the others");
}

/* A table of words that will not have pages, and has become too large for the caches. */
static void
begin_partitions(LargePopulation *large)
{
	CustomerTable *table = &large->table;

	if (large->not_partitioned || (table->key != KEY_INT64 && table->key != KEY_UUID) ||
		large->member.ledger == NULL || !log_is_empty(&large->log) ||
		table_bytes(table) > ledger_limit(large->member.ledger) / 4)
		return;
	if (!table_is_hash_of_words(table) || !table_is_scattered(table))
		return;
	large->rows = rows_create(large->header.eoh_context, table->key, table->pool.origin);
	table_each(table, partition_entry, large->rows);
	table_clear(table);
	make_batch(large);
}

/* Make space for so many new keys; the largest populations may be written out for it. */
static void
large_reserve(LargePopulation *large, int count)
{
	Size growth = table_growth(&large->table, count);

	if (growth > 0 && large->self.sharing != NULL && !sharing_is_open(large->self.sharing))
	{
		begin_sharing(large);
		growth = table_growth(&large->table, count);
	}
	if (growth > 0 && large->rows == NULL && large->table.hash.places >= PARTITION_FROM)
	{
		begin_partitions(large);
		growth = table_growth(&large->table, count);
	}
	if (growth > 0)
		ledger_reserve(&large->member, growth);
	table_reserve(&large->table, count, ledger_room(&large->member));
}

void
large_expect(LargePopulation *large, int count)
{
	large_reserve(large, count);
	if (table_bytes(&large->table) >= BATCH_FROM)
		make_batch(large);
}

/* Plain events of a batch go to the shared pages, as far as they fit. */
static void
share_batch(PageSharing *sharing, EventBatch *batch)
{
	int left = 0;

	for (int i = 0; i < batch->used; i++)
	{
		const Event *event = &batch->events.events[i];
		KeyedWord word = {.key = batch->a[i], .bits = 1, .first = event->value};

		if (is_plain(event) && sharing_add_word(sharing, &word))
			continue;
		batch->a[left] = batch->a[i];
		batch->events.events[left++] = *event;
	}
	batch->used = left;
}

/* The same to the partitions. */
static void
partition_batch(RowStore *rows, EventBatch *batch)
{
	int left = 0;

	for (int i = 0; i < batch->used; i++)
	{
		const Event *event = &batch->events.events[i];

		if (is_plain(event) && rows_add(rows, batch->a[i], batch->b[i], event->value))
			continue;
		batch->a[left] = batch->a[i];
		batch->b[left] = batch->b[i];
		batch->events.events[left++] = *event;
	}
	batch->used = left;
}

void
large_flush(LargePopulation *large)
{
	EventBatch *batch = large->batch;

	if (batch == NULL || batch->used == 0)
		return;
	CHECK_FOR_INTERRUPTS();
	large->flat_size = -1;
	if (sharing_is_open(large->self.sharing))
		share_batch(large->self.sharing, batch);
	large_reserve(large, batch->used);
	if (large->rows != NULL)
		partition_batch(large->rows, batch);
	table_apply(&large->table, batch);
	batch->used = 0;
	batch->texts.len = 0;
	ledger_reserve(&large->member, 0);
}

void
large_add_plain(LargePopulation *large, const int64 *keys, const int64 *values, int count)
{
	int64 left_keys[BATCH_EVENTS];
	int64 left_values[BATCH_EVENTS];

	CHECK_FOR_INTERRUPTS();
	large->flat_size = -1;
	if (sharing_is_open(large->self.sharing))
	{
		count = sharing_add_plain(large->self.sharing, keys, values, count, left_keys, left_values);
		if (count == 0)
			return;
		keys = left_keys;
		values = left_values;
	}
	large_reserve(large, count);
	if (large->rows != NULL)
	{
		count = rows_add_plain(large->rows, keys, values, count, left_keys, left_values);
		keys = left_keys;
		values = left_values;
	}
	table_apply_plain(&large->table, (const uint64 *) keys, NULL, values, count);
	ledger_reserve(&large->member, 0);
}

/* Plain events of a customer to the partitions; false: some of them are not, or are too far. */
static bool
partition_events(RowStore *rows, const CustomerKey *key, const Event *events, int count)
{
	for (int i = 0; i < count; i++)
		if (!is_plain(&events[i]))
			return false;
	/* What was added before one that is too far is added twice, which plain events may be. */
	for (int i = 0; i < count; i++)
		if (!rows_add(rows, key->a, key->b, events[i].value))
			return false;
	return true;
}

/* The events of some customers, past the batch: counts[i] of events belong to keys[i]. */
static void
add_entries(LargePopulation *large, const CustomerKey *keys, const Event *events, const int *counts,
			int n)
{
	const EventShape *shape = &large->self.identity.shape;
	KeyKind kind = large->table.key;

	large->flat_size = -1;
	if (kind != KEY_NONE)
		large_reserve(large, n);
	for (int i = 0; i < n && n > 1 && kind != KEY_NONE; i++)
		table_prefetch(&large->table, &keys[i]);
	for (int i = 0; i < n; i++)
	{
		if (kind == KEY_NONE)
			log_add(&large->log, events, counts[i]);
		else if (large->rows == NULL || !partition_events(large->rows, &keys[i], events, counts[i]))
			table_add(&large->table, &keys[i], events, counts[i]);
		events = event_at(shape, events, counts[i]);
		large->member.since += 1 + counts[i] / 16;
		if (kind == KEY_TEXT)
			large->member.since += (int) (keys[i].b / 256);
	}
	if (large->member.since < COUNT_EVERY)
		return;
	CHECK_FOR_INTERRUPTS();
	ledger_reserve(&large->member, 0);
	if (kind != KEY_NONE && table_bytes(&large->table) >= BATCH_FROM)
		make_batch(large);
}

void
large_add(LargePopulation *large, const CustomerKey *key, const Event *events, int count)
{
	add_entries(large, key, events, &count, 1);
}

void
large_load_entry(void *argument, const CustomerKey *key, Event *events, int count)
{
	large_add(argument, key, events, count);
}

void
large_load(LargePopulation *large, WireReader log)
{
	EntryGroup group = {0};

	while (entries_read(&log, large->table.key, &large->self.identity.shape, &group))
		add_entries(large, group.keys, group.buffer.events, group.counts, group.used);
	if (group.buffer.events != NULL)
		pfree(group.buffer.events);
}

void
large_load_words(LargePopulation *large, const KeyedWord *words, int count)
{
	while (count > 0)
	{
		int n = Min(count, BATCH_EVENTS);

		CHECK_FOR_INTERRUPTS();
		large->flat_size = -1;
		large_reserve(large, n);
		if (large->rows == NULL)
			table_add_words(&large->table, words, n);
		else
			for (int i = 0; i < n; i++)
				for (uint64 bits = words[i].bits; bits != 0; bits &= bits - 1)
				{
					CustomerKey key = {.a = words[i].key};
					Event event = {.value = words[i].first + pg_rightmost_one_pos64(bits),
								   .count = 1,
								   .flags = EVENT_PLAIN};

					if (!rows_add(large->rows, key.a, 0, event.value))
						table_add(&large->table, &key, &event, 1);
				}
		ledger_reserve(&large->member, 0);
		words += n;
		count -= n;
	}
}

void
large_share(LargePopulation *large)
{
	PageSharing *sharing = large->self.sharing;

	large_flush(large);
	if (sharing == NULL || !large->table.pool.takes_words ||
		!(sharing_is_open(sharing) || sharing_open(sharing)))
		return;
	if (large->table.pool.customers > 0)
		table_give_words(&large->table, take_word, sharing);
	ledger_reserve(&large->member, 0);
}

static void
load_word(void *large, const KeyedWord *word)
{
	large_load_words(large, word, 1);
}

void
large_unshare(LargePopulation *large, Share share)
{
	PageSharing *sharing = large->self.sharing;

	if (!sharing_is_open(sharing) ||
		(large->rows == NULL && large->table.pool.customers == 0 && log_is_empty(&large->log)))
		return;
	large->self.sharing = NULL;
	sharing_each_word(sharing, share, load_word, large);
}

void
large_load_rows(LargePopulation *large, const RowChunk *chunk, int64 origin)
{
	CHECK_FOR_INTERRUPTS();
	large->flat_size = -1;
	if (large->rows == NULL)
		begin_partitions(large);
	if (large->rows == NULL || !rows_load(large->rows, chunk, origin))
		for (int i = 0; i < chunk->used; i++)
		{
			CustomerKey key = {.a = chunk->a[i],
							   .b = large->table.key == KEY_UUID ? chunk->b[i] : 0};
			Event event = {.value = (int64) ((uint64) origin + (uint64) (int64) chunk->values[i]),
						   .count = 1,
						   .flags = EVENT_PLAIN};

			large_add(large, &key, &event, 1);
		}
	ledger_reserve(&large->member, 0);
}

bool
large_is_partitioned(LargePopulation *large)
{
	large_flush(large);
	if (large->rows == NULL)
		return false;
	if (large->table.pool.customers == 0 && log_is_empty(&large->log))
		return true;
	pour_rows(large);
	ledger_reserve(&large->member, 0);
	return false;
}

CustomerTable *
large_begin_partitions(LargePopulation *large)
{
	CustomerTable *scratch = palloc(sizeof(CustomerTable));

	table_begin(scratch, table_context(CurrentMemoryContext), large->table.key,
				&large->self.identity.shape);
	return scratch;
}

void
large_partition(LargePopulation *large, int partition, CustomerTable *scratch)
{
	table_empty(scratch);
	rows_to_table(large->rows, partition, scratch);
}

void
large_end_partitions(CustomerTable *scratch)
{
	MemoryContextDelete(scratch->pool.context);
	pfree(scratch);
}

void
large_each(LargePopulation *large, EntryVisitor visitor, void *argument)
{
	bool partitioned = large_is_partitioned(large);

	/* The visitor may add to another population of the same ledger. */
	large->member.pins++;
	if (partitioned)
	{
		CustomerTable *scratch = large_begin_partitions(large);

		for (int i = 0; i < KEY_PARTITIONS; i++)
		{
			large_partition(large, i, scratch);
			table_each(scratch, visitor, argument);
		}
		large_end_partitions(scratch);
	}
	else if (!log_is_empty(&large->log))
	{
		log_write_table(&large->log, &large->table);
		log_each(&large->log, visitor, argument);
	}
	else
		table_each(&large->table, visitor, argument);
	large->member.pins--;
}

typedef struct FlatWriter
{
	const LargePopulation *large;
	StringInfoData entry;
	char *to; /* NULL: only count */
	int64 size;
	int64 capacity;
} FlatWriter;

static void
flatten_entry(void *argument, const CustomerKey *key, Event *events, int count)
{
	FlatWriter *writer = argument;

	resetStringInfo(&writer->entry);
	entry_write(&writer->entry, writer->large->self.identity.key,
				&writer->large->self.identity.shape, key, events, count);
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
 * neither free nor enlarge (that of a sort), so that they work in one of their own.
 */
static MemoryContext
begin_work(LargePopulation *large, MemoryContext *old)
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

/* Write all customers as a log, or only count its bytes where to is NULL; returns them. */
static int64
write_log(LargePopulation *large, char *to, int64 capacity)
{
	FlatWriter writer = {.large = large, .to = to, .capacity = capacity};

	initStringInfo(&writer.entry);
	large_each(large, flatten_entry, &writer);
	return writer.size;
}

static Size
large_flat_size(ExpandedObjectHeader *header)
{
	LargePopulation *large = (LargePopulation *) header;
	MemoryContext old;
	MemoryContext work = begin_work(large, &old);

	large_flush(large);
	if (large->flat_size < 0)
		large->flat_size = offsetof(FlatPopulation, data) + large->self.identity.tag_length +
						   write_log(large, NULL, 0);
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
	LargePopulation *large = (LargePopulation *) header;
	FlatPopulation *flat = result;
	Size head = offsetof(FlatPopulation, data) + large->self.identity.tag_length;
	MemoryContext old;
	MemoryContext work;

	if ((int64) size != large->flat_size)
		elog(ERROR, "population was not counted");
	memset(flat, 0, offsetof(FlatPopulation, data));
	flat_mark(flat, WIRE_POPULATION, POPULATION_FLAT_VERSION, size);
	flat_set_identity(flat, &large->self.identity);
	flat->used = (int32) size;
	flat->totals = large->self.totals;
	work = begin_work(large, &old);
	/* The ledger may have had the table written meanwhile: the customers are the same. */
	if (write_log(large, FLAT_LOG(flat), (int64) (size - head)) != (int64) (size - head))
		elog(ERROR, "population has fewer entries than it counted");
	end_work(work, old);
}

LargePopulation *
large_of(Datum value)
{
	LargePopulation *large;

	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return NULL;
	large = (LargePopulation *) DatumGetEOHP(value);
	if (large->header.eoh_methods != &large_methods)
		elog(ERROR, "not a population");
	return large;
}
