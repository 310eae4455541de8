/*
 * population.c
 *		Customers and their histories: the flat log, the large form, and what the rooms above call.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "common/hashfn.h"
#include "population/population_internal.h"

/* From this size on, misses of the processor's caches are worth a buffer. */
#define BUFFER_FROM (256 * 1024)
/* So many additions without a buffer between two looks at the memory. */
#define COUNT_EVERY 64
/* Texts of a buffer. */
#define BUFFER_TEXTS (64 * 1024)
/* A flat value up to this size is visited by sorting its entries, without a table. */
#define SORT_MOST (64 * 1024)

static Size large_flat_size(ExpandedObjectHeader *header);
static void large_flatten(ExpandedObjectHeader *header, void *result, Size size);

static const ExpandedObjectMethods large_methods = {.get_flat_size = large_flat_size,
													.flatten_into = large_flatten};

/* One entry of a small log, for sorting. */
typedef struct FlatEntry
{
	KeyKind kind;
	Key key;
	int first; /* of its events */
	int count;
} FlatEntry;

static int
compare_entries(const FlatEntry *one, const FlatEntry *other)
{
	return key_compare(one->kind, &one->key, &other->key);
}

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE FlatEntry
#define ST_COMPARE(x, y) compare_entries(x, y)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* ---- keys and entries ---- */

Key
key_of_int64(int64 value)
{
	return (Key){.a = (uint64) value};
}

Key
key_of_bytes(KeyKind kind, const void *bytes, Size size)
{
	Key key = {0};

	if (kind == KEY_UUID)
	{
		Assert(size == 16);
		memcpy(&key.a, bytes, 8);
		memcpy(&key.b, (const char *) bytes + 8, 8);
		return key;
	}
	key.a = hash_bytes_extended(bytes, (int) size, 0);
	key.b = size;
	key.bytes = bytes;
	return key;
}

/* The order of runs; it means nothing to users. */
int
key_compare(KeyKind kind, const Key *one, const Key *other)
{
	if (one->a != other->a)
		return one->a < other->a ? -1 : 1;
	if (one->b != other->b)
		return one->b < other->b ? -1 : 1;
	return kind == KEY_TEXT ? memcmp(one->bytes, other->bytes, one->b) : 0;
}

void
entry_write(StringInfo out, KeyKind kind, const Key *key, const Event *events, int count)
{
	switch (kind)
	{
		case KEY_NONE:
			break;
		case KEY_INT64:
			wire_put_int(out, (int64) key->a);
			break;
		case KEY_UUID:
			wire_put_bytes(out, &key->a, 8);
			wire_put_bytes(out, &key->b, 8);
			break;
		case KEY_TEXT:
			wire_put_int(out, (int64) key->b);
			wire_put_bytes(out, key->bytes, key->b);
			break;
	}
	history_write(out, events, count);
}

/* The key at the front of an entry; its bytes stay where they are. */
Key
entry_read_key(WireReader *in, KeyKind kind)
{
	Size size;

	switch (kind)
	{
		case KEY_NONE:
			break;
		case KEY_INT64:
			return key_of_int64(wire_get_int(in));
		case KEY_UUID:
			return key_of_bytes(kind, wire_get_bytes(in, 16), 16);
		case KEY_TEXT:
			size = (Size) wire_get_int_between(in, 0, MaxAllocSize);
			return key_of_bytes(kind, wire_get_bytes(in, size), size);
	}
	return (Key){0};
}

/* ---- frames ---- */

static bool
same_label(const PopulationFrame *one, const PopulationFrame *other)
{
	return one->label_length == other->label_length &&
		   memcmp(one->label, other->label, one->label_length) == 0;
}

static bool
same_kinds(const PopulationFrame *one, const PopulationFrame *other)
{
	return one->room == other->room && one->key == other->key && one->kind == other->kind &&
		   one->cap == other->cap;
}

static void
differing_kinds(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("states of different aggregates cannot be combined")));
}

static void
check_same_frame(const PopulationFrame *one, const PopulationFrame *other)
{
	bool shown = true;

	if (!same_label(one, other))
	{
		/* Not every room's label is a text. */
		for (int i = 0; i < one->label_length; i++)
			shown = shown && one->label[i] >= ' ' && one->label[i] <= '~';
		for (int i = 0; i < other->label_length; i++)
			shown = shown && other->label[i] >= ' ' && other->label[i] <= '~';
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("states of an aggregate differ"),
				 shown ? errdetail("One is for \"%s\", the other for \"%s\".",
								   pnstrdup(one->label, one->label_length),
								   pnstrdup(other->label, other->label_length))
					   : 0,
				 errhint("All rows and states of one answer need the same grid or periods.")));
	}
	if (!same_kinds(one, other))
		differing_kinds();
}

/* ---- flat ---- */

/* A new flat population with room for so many bytes of log. In the current context. */
static FlatPopulation *
flat_create(const PopulationFrame *frame, Size room)
{
	Size used = offsetof(FlatPopulation, data) + frame->label_length;
	FlatPopulation *flat = palloc0(used + room);

	flat_mark(flat, WIRE_POPULATION, POPULATION_FLAT_VERSION, used + room);
	flat->room = frame->room;
	flat->key = (uint8) frame->key;
	flat->kind = (uint8) frame->kind;
	flat->cap = frame->cap;
	flat->label_length = frame->label_length;
	flat->used = (int32) used;
	flat->totals.first = PG_INT64_MAX;
	flat->totals.latest = PG_INT64_MIN;
	memcpy(flat->data, frame->label, frame->label_length);
	return flat;
}

/* Everything but the entries, which are checked where they are read. Returns its argument. */
static FlatPopulation *
flat_check(FlatPopulation *flat)
{
	const PopulationTotals *totals = &flat->totals;

	if (flat->key > KEY_TEXT || flat->kind > TIME_INSTANT || flat->zero != 0 || flat->cap < 0 ||
		flat->room < 'A' || flat->room > 'Z' || flat->label_length < 0 ||
		flat->label_length > LABEL_LONGEST || flat->used < 0 || flat->used > VARSIZE(flat) ||
		flat->used < offsetof(FlatPopulation, data) + flat->label_length)
		wire_corrupt(POPULATION_NAME, "Its frame is impossible.");
	if (totals->rows < 0 || totals->ignored < 0 || totals->ignored > totals->rows ||
		(totals->first > totals->latest &&
		 (totals->first != PG_INT64_MAX || totals->latest != PG_INT64_MIN)))
		wire_corrupt(POPULATION_NAME, "Its totals are impossible.");
	return flat;
}

/* The flat value of an argument: not to be changed. */
static FlatPopulation *
flat_argument(Datum value)
{
	return flat_check(flat_open(value, WIRE_POPULATION, POPULATION_FLAT_VERSION,
								offsetof(FlatPopulation, data), POPULATION_NAME));
}

static PopulationFrame
flat_frame(const FlatPopulation *flat)
{
	return (PopulationFrame){.room = flat->room,
							 .key = (KeyKind) flat->key,
							 .kind = (TimeKind) flat->kind,
							 .cap = flat->cap,
							 .label = flat->data,
							 .label_length = flat->label_length};
}

static void
begin_flat(Population *population, FlatPopulation *flat, MemoryContext home)
{
	population->frame = flat_frame(flat);
	population->totals = flat->totals;
	population->home = home;
	population->flat = flat;
	population->large = NULL;
}

/* Each entry of a log, equal keys not put together. */
static void
flat_each(const FlatPopulation *flat, EntryVisitor visitor, void *argument)
{
	WireReader in = {.type_name = POPULATION_NAME, .at = FLAT_LOG(flat), .end = FLAT_END(flat)};
	Scratch scratch = {0};

	while (in.at < in.end)
	{
		Key key = entry_read_key(&in, (KeyKind) flat->key);
		int count = history_read(&in, flat->cap, &scratch.events, &scratch.room);

		CHECK_FOR_INTERRUPTS();
		visitor(argument, &key, scratch.events, count);
	}
	if (scratch.events != NULL)
		pfree(scratch.events);
}

/*
 * Room for more bytes in the flat log, or false where it has become too long. A new flat value is made in the current
 * context: the executor copies it into its own and frees the old one.
 */
static bool
flat_reserve(Population *population, Size more)
{
	FlatPopulation *flat = population->flat;
	FlatPopulation *grown;
	Size head = offsetof(FlatPopulation, data) + flat->label_length;
	Size size;

	if (likely(VARSIZE(flat) - flat->used >= more))
		return true;
	if (more > FLAT_LIMIT || flat->used - head + more > FLAT_LIMIT)
		return false;
	size = Max(2 * VARSIZE(flat), MAXALIGN(flat->used + more));
	size = Min(size, MAXALIGN(head + FLAT_LIMIT));
	grown = palloc0(size);
	memcpy(grown, flat, flat->used);
	SET_VARSIZE(grown, size);
	population->flat = grown;
	population->frame.label = grown->data;
	return true;
}

/* ---- large ---- */

static Large *
large_create(const PopulationFrame *frame, MemoryContext home)
{
	MemoryContext context =
		AllocSetContextCreate(home, "retention population", ALLOCSET_SMALL_SIZES);
	Large *large = MemoryContextAllocZero(context, sizeof(Large));
	char *label = MemoryContextAlloc(context, Max(frame->label_length, 1));

	EOH_init_header(&large->header, &large_methods, context);
	memcpy(label, frame->label, frame->label_length);
	large->self.frame = *frame;
	large->self.frame.label = label;
	large->self.totals.first = PG_INT64_MAX;
	large->self.totals.latest = PG_INT64_MIN;
	large->self.home = home;
	large->self.large = large;
	large->flat_size = -1;
	table_begin(&large->table,
				AllocSetContextCreate(context, "retention table", 0, 1024, 8 * 1024 * 1024),
				frame->key, frame->cap);
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
		ledger_make_room(large, growth);
	table_reserve(&large->table, count);
}

static void
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
	ledger_make_room(large, 0);
}

/* One customer's events, without the buffer. */
static void
large_add(Large *large, const Key *key, const Event *events, int count)
{
	large->flat_size = -1;
	large_reserve(large, 1);
	table_add(&large->table, key, events, count);
	large->since += 1 + count / 16 + (large->table.key == KEY_TEXT ? (int) (key->b / 256) : 0);
	if (large->since < COUNT_EVERY)
		return;
	CHECK_FOR_INTERRUPTS();
	ledger_make_room(large, 0);
	if (large->batch == NULL && large->table.key != KEY_NONE &&
		table_bytes(&large->table) >= BUFFER_FROM)
	{
		large->batch = MemoryContextAlloc(large->header.eoh_context, sizeof(Batch));
		large->batch->used = 0;
		memset(&large->batch->texts, 0, sizeof(StringInfoData));
	}
}

static void
load_entry(void *argument, const Key *key, Event *events, int count)
{
	large_add(argument, key, events, count);
}

static void
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

/* The flat log of a handle becomes a large form; its totals stay with the handle until population_datum(). */
static void
enlarge(Population *population)
{
	FlatPopulation *flat = population->flat;
	Large *large = large_create(&population->frame, population->home);

	flat_each(flat, load_entry, large);
	large->self.totals = population->totals;
	population->frame = large->self.frame;
	population->flat = NULL;
	population->large = large;
}

typedef struct FlatWriter
{
	const Large *large;
	StringInfoData entry;
	char *to; /* NULL: only count */
	int64 size;
	int64 room;
} FlatWriter;

static void
flatten_entry(void *argument, const Key *key, Event *events, int count)
{
	FlatWriter *writer = argument;

	resetStringInfo(&writer->entry);
	entry_write(&writer->entry, writer->large->self.frame.key, key, events, count);
	if (writer->to != NULL)
	{
		if (writer->entry.len > writer->room - writer->size)
			elog(ERROR, "population has more entries than it counted");
		memcpy(writer->to + writer->size, writer->entry.data, writer->entry.len);
	}
	writer->size += writer->entry.len;
}

static Size
large_flat_size(ExpandedObjectHeader *header)
{
	Large *large = (Large *) header;
	int64 size = offsetof(FlatPopulation, data) + large->self.frame.label_length;

	large_flush(large);
	if (large->flat_size < 0)
	{
		if (large->nruns > 0)
		{
			spill_compact(large);
			for (int i = 0; i < large->nruns; i++)
				size += large->runs[i].payload;
		}
		else
		{
			FlatWriter writer = {.large = large};

			initStringInfo(&writer.entry);
			table_each(&large->table, flatten_entry, &writer);
			pfree(writer.entry.data);
			size += writer.size;
		}
		large->flat_size = size;
	}
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
	Size head = offsetof(FlatPopulation, data) + large->self.frame.label_length;

	if ((int64) size != large->flat_size)
		elog(ERROR, "population was not counted");
	memset(flat, 0, offsetof(FlatPopulation, data));
	flat_mark(flat, WIRE_POPULATION, POPULATION_FLAT_VERSION, size);
	flat->room = large->self.frame.room;
	flat->key = (uint8) large->self.frame.key;
	flat->kind = (uint8) large->self.frame.kind;
	flat->cap = large->self.frame.cap;
	flat->label_length = large->self.frame.label_length;
	flat->used = (int32) size;
	flat->totals = large->self.totals;
	memcpy(flat->data, large->self.frame.label, flat->label_length);
	if (large->nruns > 0)
	{
		/* Another population may have had this one's table written out meanwhile: the entries are the same. */
		spill_copy(large, FLAT_LOG(flat), size - head);
	}
	else
	{
		FlatWriter writer = {.large = large, .to = FLAT_LOG(flat), .room = (int64) (size - head)};

		initStringInfo(&writer.entry);
		table_each(&large->table, flatten_entry, &writer);
		pfree(writer.entry.data);
		if (writer.size != writer.room)
			elog(ERROR, "population has fewer entries than it counted");
	}
}

/* The large population behind an expanded datum, or NULL where it is flat. */
static Large *
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

/* ---- what rooms call ---- */

/* A state that may be changed, of a value that may not: what is added to it must be given back by population_datum(). */
static Population *
copy_state(Datum value, MemoryContext home)
{
	Large *source = large_of(value);
	Population *population = palloc0(sizeof(Population));
	PopulationTotals *totals;

	if (source == NULL)
	{
		FlatPopulation *flat = flat_argument(value);
		Size head = offsetof(FlatPopulation, data) + flat->label_length;

		begin_flat(population, flat, home);
		if (flat->used - head <= FLAT_LIMIT)
		{
			FlatPopulation *copy = flat_create(&population->frame, flat->used - head + 32);

			memcpy(FLAT_LOG(copy), FLAT_LOG(flat), flat->used - head);
			copy->used = flat->used;
			copy->totals = flat->totals;
			begin_flat(population, copy, home);
		}
		else
			enlarge(population);
		return population;
	}

	population = &large_create(&source->self.frame, home)->self;
	totals = population_totals(population);
	*totals = source->self.totals;
	large_each(source, load_entry, population->large);
	return population;
}

/* The population of argument 0, which is not NULL. */
static Population *
state_argument(FunctionCallInfo fcinfo, MemoryContext home)
{
	Datum value = PG_GETARG_DATUM(0);
	Population *population;
	FlatPopulation *flat;

	if (likely(VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value))))
		return &large_of(value)->self;
	if (VARATT_IS_EXTENDED(DatumGetPointer(value)))
		return copy_state(value, home);

	/* Detoasting gives back what is in place already. */
	flat = flat_argument(value);
	if (flat != (FlatPopulation *) DatumGetPointer(value))
		return copy_state(value, home);
	population = palloc(sizeof(Population));
	begin_flat(population, flat, home);
	return population;
}

Population *
population_state(FunctionCallInfo fcinfo, const PopulationFrame *frame, char **differs)
{
	MemoryContext home = aggregate_context(fcinfo);
	Population *population;

	*differs = NULL;
	if (PG_ARGISNULL(0))
	{
		Size head = offsetof(FlatPopulation, data) + frame->label_length;

		if (frame->label_length > LABEL_LONGEST)
			elog(ERROR, "label of a population is too long");
		population = palloc(sizeof(Population));
		begin_flat(population, flat_create(frame, MAXALIGN(head + 48) - head), home);
		return population;
	}

	population = state_argument(fcinfo, home);
	if (unlikely(!same_label(&population->frame, frame)))
		*differs = pnstrdup(population->frame.label, population->frame.label_length);
	else if (unlikely(!same_kinds(&population->frame, frame)))
		differing_kinds();
	return population;
}

Population *
population_create(const PopulationFrame *frame, MemoryContext home)
{
	return &large_create(frame, home)->self;
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

const PopulationFrame *
population_frame(Population *population)
{
	return &population->frame;
}

/* Add an entry in any form but the buffer. */
static void
add_entry(Population *population, const Key *key, const Event *events, int count)
{
	KeyKind kind = population->frame.key;

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
check_event(const PopulationFrame *frame, Event *event)
{
	if (frame->cap == 0)
		return event->count != 0;
	if (event->flags == 0 || event->flags > EVENT_PLAIN || event->count < 0 ||
		(event->count > 0) != ((event->flags & EVENT_RETURN) != 0))
		elog(ERROR, "impossible event");
	event->count = Min(event->count, frame->cap);
	return true;
}

void
population_add_int64(Population *population, int64 key, Event event)
{
	Large *large = population->large;

	Assert(population->frame.key == KEY_INT64);
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

		if (check_event(&population->frame, &event))
			add_entry(population, &found, &event, 1);
	}
}

void
population_add_bytes(Population *population, const void *key, int size, Event event)
{
	Large *large = population->large;
	Key found = key_of_bytes(population->frame.key, key, size);

	if (likely(large != NULL && large->batch != NULL))
	{
		Batch *batch = large->batch;

		batch->a[batch->used] = found.a;
		batch->b[batch->used] = found.b;
		if (population->frame.key == KEY_TEXT)
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
		if (++batch->used == BATCH_EVENTS || batch->texts.len >= BUFFER_TEXTS)
			large_flush(large);
	}
	else if (check_event(&population->frame, &event))
		add_entry(population, &found, &event, 1);
}

void
population_add_batch(Population *population, const int64 *keys, const int64 *values, uint32 flags,
					 int count)
{
	for (int i = 0; i < count; i++)
		population_add_int64(population, keys[i],
							 (Event){.value = values[i], .count = 1, .flags = flags});
}

void
population_add_history(Population *population, const Event *events, int count)
{
	Key key = {0};

	Assert(population->frame.key == KEY_NONE);
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

/* A small log: sort its entries by key. */
static void
visit_small(const FlatPopulation *flat, Visit *visit)
{
	WireReader in = {.type_name = POPULATION_NAME, .at = FLAT_LOG(flat), .end = FLAT_END(flat)};
	Scratch all = {0};
	Scratch one = {0};
	int used = 0;
	int room = 64;
	int n = 0;
	FlatEntry *entries = palloc(room * sizeof(FlatEntry));

	while (in.at < in.end)
	{
		FlatEntry *entry;

		if (n == room)
		{
			room *= 2;
			entries = repalloc(entries, room * sizeof(FlatEntry));
		}
		entry = &entries[n++];
		entry->kind = (KeyKind) flat->key;
		entry->key = entry_read_key(&in, entry->kind);
		entry->first = used;
		entry->count = history_read_after(&in, flat->cap, &all.events, &all.room, used);
		used += entry->count;
	}
	if (n > 1)
		sort_entries(entries, n);

	for (int i = 0; i < n;)
	{
		const FlatEntry *entry = &entries[i++];
		int count = entry->count;

		CHECK_FOR_INTERRUPTS();
		if (i == n || compare_entries(entry, &entries[i]) != 0)
		{
			visit_entry(visit, &entry->key, all.events + entry->first, count);
			continue;
		}
		if (one.events == NULL)
			one.events = palloc(used * sizeof(Event));
		memcpy(one.events, all.events + entry->first, count * sizeof(Event));
		for (; i < n && compare_entries(entry, &entries[i]) == 0; i++)
		{
			memcpy(one.events + count, all.events + entries[i].first,
				   entries[i].count * sizeof(Event));
			count += entries[i].count;
		}
		count = history_normalise(one.events, count, flat->cap);
		visit_entry(visit, &entry->key, one.events, count);
	}
	pfree(entries);
	if (all.events != NULL)
		pfree(all.events);
	if (one.events != NULL)
		pfree(one.events);
}

void
population_visit(Population *population, PopulationVisitor visitor, void *argument)
{
	Visit visit = {.visitor = visitor, .argument = argument};

	if (population->large != NULL)
		large_each(population->large, visit_entry, &visit);
	else if (population->frame.key == KEY_NONE)
		flat_each(population->flat, visit_entry, &visit);
	else if (population->flat->used <= SORT_MOST)
		visit_small(population->flat, &visit);
	else
	{
		MemoryContext home =
			AllocSetContextCreate(CurrentMemoryContext, "retention visit", ALLOCSET_SMALL_SIZES);
		Large *large = large_create(&population->frame, home);

		flat_each(population->flat, load_entry, large);
		large_each(large, visit_entry, &visit);
		MemoryContextDelete(home);
	}
}

static void
add_totals(PopulationTotals *into, const PopulationTotals *totals)
{
	count_add(&into->rows, totals->rows);
	count_add(&into->ignored, totals->ignored);
	into->first = Min(into->first, totals->first);
	into->latest = Max(into->latest, totals->latest);
}

Datum
population_combine_states(FunctionCallInfo fcinfo)
{
	MemoryContext home = aggregate_context(fcinfo);
	Population *into;
	Population *from;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		return population_datum(copy_state(PG_GETARG_DATUM(1), home));

	into = state_argument(fcinfo, home);
	from = population_argument(PG_GETARG_DATUM(1));
	check_same_frame(&into->frame, &from->frame);
	add_totals(&into->totals, &from->totals);
	if (from->large != NULL)
	{
		if (into->large == NULL)
			enlarge(into);
		if (from->large == into->large)
			elog(ERROR, "population cannot be combined with itself");
		large_each(from->large, load_entry, into->large);
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
			flat_each(from->flat, load_entry, into->large);
		}
	}
	return population_datum(into);
}

/* ---- wire form ---- */

void
population_write(StringInfo out, Datum value)
{
	FlatPopulation *flat = flat_argument(value);

	wire_begin(out, WIRE_POPULATION, POPULATION_WIRE_VERSION);
	wire_put_int(out, flat->room);
	wire_put_int(out, flat->key);
	wire_put_int(out, flat->kind);
	wire_put_int(out, flat->cap);
	wire_put_int(out, flat->totals.rows);
	wire_put_int(out, flat->totals.ignored);
	wire_put_int(out, flat->totals.first);
	wire_put_int(out, flat->totals.latest);
	wire_put_int(out, flat->label_length);
	wire_put_bytes(out, flat->data, flat->label_length);
	wire_put_int(out, FLAT_END(flat) - FLAT_LOG(flat));
	wire_put_bytes(out, FLAT_LOG(flat), FLAT_END(flat) - FLAT_LOG(flat));
}

static void
check_entry(void *argument, const Key *key, Event *events, int count)
{
	/* Reading it was the check. */
}

Datum
population_read(const char *bytes, Size size)
{
	WireReader in =
		wire_open(bytes, size, WIRE_POPULATION, POPULATION_WIRE_VERSION, POPULATION_NAME);
	PopulationFrame frame;
	PopulationTotals totals;
	FlatPopulation *flat;
	Size log;

	frame.room = (char) wire_get_int_between(&in, 'A', 'Z');
	frame.key = (KeyKind) wire_get_int_between(&in, KEY_NONE, KEY_TEXT);
	frame.kind = (TimeKind) wire_get_int_between(&in, TIME_DATE, TIME_INSTANT);
	frame.cap = (int32) wire_get_int_between(&in, 0, PG_INT32_MAX);
	totals.rows = wire_get_int(&in);
	totals.ignored = wire_get_int(&in);
	totals.first = wire_get_int(&in);
	totals.latest = wire_get_int(&in);
	frame.label_length = (int) wire_get_int_between(&in, 0, LABEL_LONGEST);
	frame.label = wire_get_bytes(&in, frame.label_length);
	log = (Size) wire_get_int_between(&in, 0, FLAT_LARGEST);
	bytes = wire_get_bytes(&in, log);
	wire_end(&in);

	flat = flat_create(&frame, log);
	flat->totals = totals;
	flat->used += (int32) log;
	memcpy(FLAT_LOG(flat), bytes, log);
	flat_each(flat_check(flat), check_entry, NULL);
	return PointerGetDatum(flat);
}
