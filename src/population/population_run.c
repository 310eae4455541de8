/*
 * population_run.c
 *		Runs: entries of a large population in a temporary file, in the order of their keys.
 */
#include "retention.h"

#include "lib/binaryheap.h"
#include "population/population_run.h"

#define WRITE_BYTES (64 * 1024)
#define FAN_LEAST 16
#define FAN_MOST 128
#define READ_LEAST (4 * 1024)
#define READ_MOST (256 * 1024)
/* The length of an entry, as wire_put_int() writes it, takes at most so many bytes. */
#define LENGTH_MOST 10

typedef struct RunReader
{
	Ledger *ledger;
	KeyKind kind;
	int64 next; /* in the file: the first byte that is not read yet */
	int64 end;
	char *bytes;
	Size capacity;
	Size used;
	Size at;
	/* The current entry: */
	const char *entry;
	Size size;
	CustomerKey key;
	WireReader history;
} RunReader;

typedef struct RunWriter
{
	Ledger *ledger;
	KeyKind kind;
	const EventShape *shape;
	StringInfoData bytes;
	StringInfoData entry;
	SpillRun run;
} RunWriter;

static void
writer_begin(RunWriter *writer, RunList *list)
{
	memset(writer, 0, sizeof(RunWriter));
	writer->ledger = list->owner->ledger;
	writer->kind = list->key;
	writer->shape = &list->shape;
	initStringInfo(&writer->bytes);
	initStringInfo(&writer->entry);
	if (writer->ledger == NULL)
		elog(ERROR, "population outlives its aggregate");
	writer->run.start = ledger_file_end(writer->ledger);
}

static void
writer_flush(RunWriter *writer)
{
	ledger_write(writer->ledger, writer->bytes.data, writer->bytes.len);
	writer->run.size += writer->bytes.len;
	resetStringInfo(&writer->bytes);
}

static void
writer_entry(void *argument, const CustomerKey *key, Event *events, int count)
{
	RunWriter *writer = argument;

	resetStringInfo(&writer->entry);
	entry_write(&writer->entry, writer->kind, writer->shape, key, events, count);
	wire_put_int(&writer->bytes, writer->entry.len);
	if (writer->entry.len > WRITE_BYTES)
	{
		/* A large entry is not copied once more. */
		writer_flush(writer);
		ledger_write(writer->ledger, writer->entry.data, writer->entry.len);
		writer->run.size += writer->entry.len;
	}
	else
		wire_put_bytes(&writer->bytes, writer->entry.data, writer->entry.len);
	writer->run.entries++;
	writer->run.payload += writer->entry.len;
	if (writer->bytes.len >= WRITE_BYTES)
		writer_flush(writer);
}

static void
writer_end(RunWriter *writer, RunList *list)
{
	writer_flush(writer);
	pfree(writer->bytes.data);
	pfree(writer->entry.data);
	if (writer->run.entries == 0)
		return;
	if (list->count == list->capacity)
	{
		int capacity = Max(8, 2 * list->capacity);

		if (list->runs == NULL)
			list->runs = MemoryContextAllocHuge(list->owner->context, capacity * sizeof(SpillRun));
		else
			list->runs = repalloc_huge(list->runs, capacity * sizeof(SpillRun));
		list->capacity = capacity;
	}
	list->runs[list->count++] = writer->run;
}

void
runs_write_table(RunList *list, CustomerTable *table)
{
	RunWriter writer;

	if (table->pool.customers == 0)
		return;
	writer_begin(&writer, list);
	table_each_sorted(table, writer_entry, &writer);
	table_clear(table);
	writer_end(&writer, list);
}

static void
reader_begin(RunReader *reader, RunList *list, const SpillRun *run, Size capacity)
{
	memset(reader, 0, sizeof(RunReader));
	reader->ledger = list->owner->ledger;
	reader->kind = list->key;
	reader->next = run->start;
	reader->end = run->start + run->size;
	reader->capacity = capacity;
	reader->bytes = palloc(capacity);
}

/* Make sure that the buffer has so many bytes, or all that are left. */
static void
reader_fill(RunReader *reader, Size need)
{
	Size have = reader->used - reader->at;
	Size more;

	if (have >= need || reader->next == reader->end)
		return;
	memmove(reader->bytes, reader->bytes + reader->at, have);
	reader->at = 0;
	if (need > reader->capacity)
	{
		reader->bytes = repalloc_huge(reader->bytes, need);
		reader->capacity = need;
	}
	more = (Size) Min((int64) (reader->capacity - have), reader->end - reader->next);
	ledger_read(reader->ledger, reader->next, reader->bytes + have, more);
	reader->next += more;
	reader->used = have + more;
}

static bool
reader_next(RunReader *reader)
{
	WireReader in = {.type_name = POPULATION_NAME};

	reader_fill(reader, LENGTH_MOST);
	if (reader->at == reader->used)
		return false;
	in.at = reader->bytes + reader->at;
	in.end = reader->bytes + reader->used;
	reader->size = (Size) wire_get_int_between(&in, 0, MaxAllocSize);
	reader->at = in.at - reader->bytes;

	reader_fill(reader, reader->size);
	reader->entry = reader->bytes + reader->at;
	if (reader->size > reader->used - reader->at)
		wire_corrupt(POPULATION_NAME, "A temporary file ends early.");
	reader->at += reader->size;
	reader->history = (WireReader){
		.type_name = POPULATION_NAME, .at = reader->entry, .end = reader->entry + reader->size};
	reader->key = entry_read_key(&reader->history, reader->kind);
	return true;
}

/* The heap of binaryheap.h has the greatest in front; this one the smallest key. */
static int
compare_readers(Datum one, Datum other, void *argument)
{
	const RunReader *x = (const RunReader *) DatumGetPointer(one);
	const RunReader *y = (const RunReader *) DatumGetPointer(other);

	return key_compare(x->kind, &y->key, &x->key);
}

/* How many runs are read at once, and with buffers of which size. */
static int
fan_of(const RunList *list, Size *bytes)
{
	Size memory = list->owner->ledger == NULL ? 0 : ledger_limit(list->owner->ledger) / 4;
	int fan = (int) Max(FAN_LEAST, Min(FAN_MOST, memory / (16 * 1024)));

	*bytes = Max(READ_LEAST, Min(READ_MOST, memory / fan));
	return fan;
}

/* Each customer of the first count runs once. */
static void
merge_runs(RunList *list, int count, EntryVisitor visitor, void *argument)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "retention merge", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	const EventShape *shape = &list->shape;
	KeyKind kind = list->key;
	RunReader *readers = palloc(count * sizeof(RunReader));
	binaryheap *heap = binaryheap_allocate(count, compare_readers, NULL);
	EventBuffer buffer = {0};
	StringInfoData kept;
	Size bytes;

	initStringInfo(&kept);
	(void) fan_of(list, &bytes);
	for (int i = 0; i < count; i++)
	{
		reader_begin(&readers[i], list, &list->runs[i], bytes);
		if (reader_next(&readers[i]))
			binaryheap_add_unordered(heap, PointerGetDatum(&readers[i]));
	}
	binaryheap_build(heap);

	while (!binaryheap_empty(heap))
	{
		RunReader *reader = (RunReader *) DatumGetPointer(binaryheap_first(heap));
		CustomerKey key = reader->key;
		int used = 0;
		int parts = 0;

		CHECK_FOR_INTERRUPTS();
		if (kind == KEY_TEXT)
		{
			/* The reader's bytes change before the visitor is called. */
			resetStringInfo(&kept);
			appendBinaryStringInfo(&kept, key.bytes, (int) key.b);
			key.bytes = kept.data;
		}
		do
		{
			used += events_read(shape, &reader->history, &buffer.events, &buffer.capacity, used);
			parts++;
			if (reader_next(reader))
				binaryheap_replace_first(heap, PointerGetDatum(reader));
			else
				(void) binaryheap_remove_first(heap);
			reader = binaryheap_empty(heap) ? NULL
											: (RunReader *) DatumGetPointer(binaryheap_first(heap));
		} while (reader != NULL && key_compare(kind, &reader->key, &key) == 0);
		if (parts > 1)
			used = events_normalise(shape, buffer.events, used);
		if (used == 0)
			continue;
		MemoryContextSwitchTo(old);
		visitor(argument, &key, buffer.events, used);
		MemoryContextSwitchTo(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* The first count runs become one, the last. */
static void
merge_to_run(RunList *list, int count)
{
	RunWriter writer;

	writer_begin(&writer, list);
	merge_runs(list, count, writer_entry, &writer);
	memmove(list->runs, list->runs + count, (list->count - count) * sizeof(SpillRun));
	list->count -= count;
	writer_end(&writer, list);
}

static void
merge_down(RunList *list)
{
	Size bytes;
	int fan = fan_of(list, &bytes);

	while (list->count > fan)
		merge_to_run(list, Min(fan, list->count - fan + 1));
}

void
runs_compact(RunList *list)
{
	if (list->key == KEY_NONE)
		return;
	merge_down(list);
	if (list->count > 1)
		merge_to_run(list, list->count);
}

void
runs_each(RunList *list, EntryVisitor visitor, void *argument)
{
	if (list->key == KEY_NONE)
	{
		/* One after the other: there is nothing to merge. */
		EventBuffer buffer = {0};
		Size bytes;

		(void) fan_of(list, &bytes);
		for (int i = 0; i < list->count; i++)
		{
			RunReader reader;

			reader_begin(&reader, list, &list->runs[i], bytes);
			while (reader_next(&reader))
			{
				int count =
					events_read(&list->shape, &reader.history, &buffer.events, &buffer.capacity, 0);

				CHECK_FOR_INTERRUPTS();
				visitor(argument, &reader.key, buffer.events, count);
			}
			pfree(reader.bytes);
		}
		if (buffer.events != NULL)
			pfree(buffer.events);
		return;
	}
	merge_down(list);
	merge_runs(list, list->count, visitor, argument);
}

void
runs_copy(RunList *list, char *to, Size size)
{
	Size bytes;

	(void) fan_of(list, &bytes);
	for (int i = 0; i < list->count; i++)
	{
		RunReader reader;

		reader_begin(&reader, list, &list->runs[i], bytes);
		while (reader_next(&reader))
		{
			CHECK_FOR_INTERRUPTS();
			if (reader.size > size)
				elog(ERROR, "population has more entries than it counted");
			memcpy(to, reader.entry, reader.size);
			to += reader.size;
			size -= reader.size;
		}
		pfree(reader.bytes);
	}
	if (size != 0)
		elog(ERROR, "population has fewer entries than it counted");
}
