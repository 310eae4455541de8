/*
 * population_spill.c
 *		Populations beyond the memory of their query: one limit and one temporary file per aggregate context.
 *
 * HashAgg does not spill groups that grow, so the states themselves hold to work_mem * hash_mem_multiplier, all of an
 * aggregate context together. Where they would pass it, the largest writes its table as a run, in the order of its
 * keys, and begins an empty one. A visit merges the runs. What cannot be written out is a few kB per population.
 */
#include "retention.h"

#include "access/xact.h"
#include "population/population_internal.h"
#include "storage/buffile.h"
#include "utils/resowner.h"

/* A table smaller than this is not worth a run. */
#define SPILL_LEAST (16 * 1024)
#define WRITE_BYTES (64 * 1024)
#define FAN_LEAST 16
#define FAN_MOST 128
#define READ_LEAST (4 * 1024)
#define READ_MOST (256 * 1024)
/* The length of an entry, as wire_put_int() writes it, takes at most so many bytes. */
#define LENGTH_MOST 10

struct Ledger
{
	MemoryContext context; /* the aggregate's context; the ledger lives in it */
	dlist_node link;	   /* in ledgers */
	dlist_head members;	   /* Large */
	Size limit;
	Size total; /* bytes of all members */
	Size quiet; /* up to this total nobody but the asking member is worth a run */
	BufFile *file;
	ResourceOwner owner; /* closes the file if the query fails */
	int64 end;
	MemoryContextCallback gone;
};

typedef struct RunReader
{
	Ledger *ledger;
	KeyKind kind;
	int64 next; /* what is not read yet, in the file */
	int64 end;
	char *bytes;
	Size capacity;
	Size used;
	Size at;
	/* The entry that is looked at: */
	const char *entry;
	Size size;
	Key key;
	WireReader history;
} RunReader;

typedef struct RunWriter
{
	Ledger *ledger;
	KeyKind kind;
	StringInfoData bytes;
	StringInfoData entry;
	Run run;
} RunWriter;

/* Of this process; few. */
static dlist_head ledgers = DLIST_STATIC_INIT(ledgers);

/* ---- the ledger ---- */

/*
 * Files of a failed query are closed by its resource owner, maybe long before its memory goes: forget them then. All
 * files of a ledger are made under one owner.
 */
static void
owner_releases(ResourceReleasePhase phase, bool commit, bool top, void *argument)
{
	dlist_iter i;

	dlist_foreach(i, &ledgers)
	{
		Ledger *ledger = dlist_container(Ledger, link, i.cur);

		if (ledger->owner == CurrentResourceOwner)
		{
			ledger->owner = NULL;
			ledger->file = NULL;
		}
	}
}

static void
ledger_gone(void *argument)
{
	Ledger *ledger = argument;
	dlist_mutable_iter i;

	dlist_foreach_modify(i, &ledger->members)
	{
		Large *large = dlist_container(Large, link, i.cur);

		dlist_delete(i.cur);
		large->ledger = NULL;
	}
	dlist_delete(&ledger->link);
	/* While a transaction is being aborted its resource owner closes the file: closing may write, and fail. */
	if (ledger->file != NULL && IsTransactionState())
		BufFileClose(ledger->file);
	ledger->file = NULL;
}

Ledger *
ledger_of(MemoryContext context)
{
	dlist_iter i;
	Ledger *ledger;
	double limit = (double) work_mem * 1024 * hash_mem_multiplier;

	dlist_foreach(i, &ledgers)
	{
		ledger = dlist_container(Ledger, link, i.cur);
		if (ledger->context == context)
			return ledger;
	}

	ledger = MemoryContextAllocZero(context, sizeof(Ledger));
	ledger->context = context;
	ledger->limit = (Size) Min(limit, (double) (SIZE_MAX / 2));
	dlist_init(&ledger->members);
	dlist_push_head(&ledgers, &ledger->link);
	ledger->gone.func = ledger_gone;
	ledger->gone.arg = ledger;
	MemoryContextRegisterResetCallback(context, &ledger->gone);
	return ledger;
}

static void
large_gone(void *argument)
{
	Large *large = argument;

	if (large->ledger == NULL)
		return;
	dlist_delete(&large->link);
	large->ledger->total -= large->counted;
}

void
ledger_join(Large *large)
{
	Ledger *ledger = ledger_of(large->self.context);

	large->ledger = ledger;
	dlist_push_head(&ledger->members, &large->link);
	large->gone.func = large_gone;
	large->gone.arg = large;
	MemoryContextRegisterResetCallback(large->header.eoh_context, &large->gone);
}

void
ledger_count(Large *large)
{
	Size bytes = MemoryContextMemAllocated(large->header.eoh_context, true);

	large->since = 0;
	if (large->ledger == NULL)
		return;
	large->ledger->total += bytes - large->counted;
	large->counted = bytes;
}

/* Write out the largest populations until there is room for more bytes: maybe this one, whose table is empty then. */
void
ledger_reserve(Large *large, Size more)
{
	Ledger *ledger = large->ledger;

	ledger_count(large);
	while (ledger != NULL && ledger->total + more > ledger->limit)
	{
		Large *victim = large;
		bool looked = ledger->total > ledger->quiet;

		if (looked)
		{
			dlist_iter i;

			dlist_foreach(i, &ledger->members)
			{
				Large *other = dlist_container(Large, link, i.cur);

				if (other->pins == 0 && (victim->pins > 0 || other->counted > victim->counted))
					victim = other;
			}
		}
		if (victim->pins > 0 || table_bytes(&victim->table) < SPILL_LEAST)
		{
			/* Many small ones: do not look through all of them again at once. */
			if (looked)
				ledger->quiet = ledger->total + ledger->limit / 8;
			return;
		}
		spill_table(victim);
		ledger_count(victim);
		if (victim == large)
			more = 0; /* it was for a table that is empty now */
		if (ledger->total < ledger->limit)
			ledger->quiet = 0;
	}
}

static void
ledger_write(Ledger *ledger, char *bytes, Size size)
{
	static bool registered = false;

	if (size == 0)
		return;
	if (!registered)
	{
		RegisterResourceReleaseCallback(owner_releases, NULL);
		registered = true;
	}
	if (ledger->file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(ledger->context);

		if (ledger->end > 0)
			elog(ERROR, "temporary file of a population is gone");
		ledger->owner = CurrentResourceOwner;
		ledger->file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	if (BufFileSeek(ledger->file, 0, ledger->end, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not seek in a temporary file: %m")));
	BufFileWrite(ledger->file, bytes, size);
	ledger->end += size;
}

static void
ledger_read(Ledger *ledger, int64 start, char *bytes, Size size)
{
	if (ledger == NULL || ledger->file == NULL)
		elog(ERROR, "temporary file of a population is gone");
	if (BufFileSeek(ledger->file, 0, start, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not seek in a temporary file: %m")));
	if (BufFileRead(ledger->file, bytes, size) != size)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read a temporary file")));
}

/* ---- runs ---- */

static void
writer_begin(RunWriter *writer, Large *large)
{
	memset(writer, 0, sizeof(RunWriter));
	writer->ledger = large->ledger;
	writer->kind = large->self.identity.key;
	initStringInfo(&writer->bytes);
	initStringInfo(&writer->entry);
	if (writer->ledger == NULL)
		elog(ERROR, "population outlives its aggregate");
	writer->run.start = writer->ledger->end;
}

static void
writer_flush(RunWriter *writer)
{
	ledger_write(writer->ledger, writer->bytes.data, writer->bytes.len);
	writer->run.size += writer->bytes.len;
	resetStringInfo(&writer->bytes);
}

static void
writer_entry(void *argument, const Key *key, Event *events, int count)
{
	RunWriter *writer = argument;

	resetStringInfo(&writer->entry);
	entry_write(&writer->entry, writer->kind, key, events, count);
	wire_put_int(&writer->bytes, writer->entry.len);
	if (writer->entry.len > WRITE_BYTES)
	{
		/* Do not hold it twice. */
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
writer_end(RunWriter *writer, Large *large)
{
	writer_flush(writer);
	pfree(writer->bytes.data);
	pfree(writer->entry.data);
	if (writer->run.entries == 0)
		return;
	if (large->nruns == large->runs_capacity)
	{
		int capacity = Max(8, 2 * large->runs_capacity);

		if (large->runs == NULL)
			large->runs = MemoryContextAllocHuge(large->header.eoh_context, capacity * sizeof(Run));
		else
			large->runs = repalloc_huge(large->runs, capacity * sizeof(Run));
		large->runs_capacity = capacity;
	}
	large->runs[large->nruns++] = writer->run;
}

/* The table becomes a run; a buffer is not touched. */
void
spill_table(Large *large)
{
	RunWriter writer;

	if (large->table.customers == 0)
		return;
	writer_begin(&writer, large);
	table_each_sorted(&large->table, writer_entry, &writer);
	table_clear(&large->table);
	writer_end(&writer, large);
	if (large->batch != NULL && large->batch->used == 0)
	{
		if (large->batch->texts.data != NULL)
			pfree(large->batch->texts.data);
		pfree(large->batch);
		large->batch = NULL;
	}
}

static void
reader_begin(RunReader *reader, Large *large, const Run *run, Size capacity)
{
	memset(reader, 0, sizeof(RunReader));
	reader->ledger = large->ledger;
	reader->kind = large->self.identity.key;
	reader->next = run->start;
	reader->end = run->start + run->size;
	reader->capacity = capacity;
	reader->bytes = palloc(capacity);
}

/* Have so many bytes in the buffer, or all that are left. */
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

/* Move the reader at place i of the heap to where it belongs: the smallest key is in front. */
static void
heap_sink(RunReader **heap, int count, int i)
{
	RunReader *reader = heap[i];

	for (;;)
	{
		int child = 2 * i + 1;

		if (child >= count)
			break;
		if (child + 1 < count &&
			key_compare(reader->kind, &heap[child + 1]->key, &heap[child]->key) < 0)
			child++;
		if (key_compare(reader->kind, &reader->key, &heap[child]->key) <= 0)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = reader;
}

/* How many runs are read at once, and with buffers of which size. */
static int
fan_of(const Large *large, Size *bytes)
{
	Size share = large->ledger == NULL ? 0 : large->ledger->limit / 4;
	int fan = (int) Max(FAN_LEAST, Min(FAN_MOST, share / (16 * 1024)));

	*bytes = Max(READ_LEAST, Min(READ_MOST, share / fan));
	return fan;
}

/* The first count runs, equal keys put together. */
static void
merge_runs(Large *large, int count, EntryVisitor visitor, void *argument)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "retention merge", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int32 cap = large->self.identity.cap;
	KeyKind kind = large->self.identity.key;
	RunReader *readers = palloc(count * sizeof(RunReader));
	RunReader **heap = palloc(count * sizeof(RunReader *));
	Scratch scratch = {0};
	StringInfoData text;
	Size bytes;
	int live = 0;

	initStringInfo(&text);
	(void) fan_of(large, &bytes);
	for (int i = 0; i < count; i++)
	{
		reader_begin(&readers[i], large, &large->runs[i], bytes);
		if (reader_next(&readers[i]))
			heap[live++] = &readers[i];
	}
	for (int i = live / 2 - 1; i >= 0; i--)
		heap_sink(heap, live, i);

	while (live > 0)
	{
		Key key = heap[0]->key;
		int used = 0;
		int parts = 0;

		CHECK_FOR_INTERRUPTS();
		if (kind == KEY_TEXT)
		{
			/* The reader's bytes move on before the visitor is called. */
			resetStringInfo(&text);
			appendBinaryStringInfo(&text, key.bytes, (int) key.b);
			key.bytes = text.data;
		}
		while (live > 0 && key_compare(kind, &heap[0]->key, &key) == 0)
		{
			used += history_read_after(&heap[0]->history, cap, &scratch.events, &scratch.capacity,
									   used);
			parts++;
			if (!reader_next(heap[0]))
				heap[0] = heap[--live];
			if (live > 0)
				heap_sink(heap, live, 0);
		}
		if (parts > 1)
			used = history_normalise(scratch.events, used, cap);
		if (used == 0)
			continue;
		MemoryContextSwitchTo(old);
		visitor(argument, &key, scratch.events, used);
		MemoryContextSwitchTo(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* The first count runs become one, the last. */
static void
merge_to_run(Large *large, int count)
{
	RunWriter writer;

	writer_begin(&writer, large);
	merge_runs(large, count, writer_entry, &writer);
	memmove(large->runs, large->runs + count, (large->nruns - count) * sizeof(Run));
	large->nruns -= count;
	writer_end(&writer, large);
}

static void
merge_down(Large *large)
{
	Size bytes;
	int fan = fan_of(large, &bytes);

	while (large->nruns > fan)
		merge_to_run(large, Min(fan, large->nruns - fan + 1));
}

/* Everything in one run (without keys: in any number of runs); called with an empty buffer. */
void
spill_compact(Large *large)
{
	spill_table(large);
	if (large->self.identity.key == KEY_NONE)
		return;
	merge_down(large);
	if (large->nruns > 1)
		merge_to_run(large, large->nruns);
}

/* Every customer of the runs and the table, which becomes a run; called with an empty buffer. */
void
spill_each(Large *large, EntryVisitor visitor, void *argument)
{
	spill_table(large);
	if (large->self.identity.key == KEY_NONE)
	{
		/* One after the other: there is nothing to merge. */
		Scratch scratch = {0};
		Size bytes;

		(void) fan_of(large, &bytes);
		for (int i = 0; i < large->nruns; i++)
		{
			RunReader reader;

			reader_begin(&reader, large, &large->runs[i], bytes);
			while (reader_next(&reader))
			{
				int count = history_read(&reader.history, large->self.identity.cap, &scratch.events,
										 &scratch.capacity);

				CHECK_FOR_INTERRUPTS();
				visitor(argument, &reader.key, scratch.events, count);
			}
			pfree(reader.bytes);
		}
		if (scratch.events != NULL)
			pfree(scratch.events);
		return;
	}
	merge_down(large);
	merge_runs(large, large->nruns, visitor, argument);
}

/* The entries of all runs as a log of so many bytes. */
void
spill_copy(Large *large, char *to, Size size)
{
	Size bytes;

	(void) fan_of(large, &bytes);
	for (int i = 0; i < large->nruns; i++)
	{
		RunReader reader;

		reader_begin(&reader, large, &large->runs[i], bytes);
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
