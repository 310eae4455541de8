/*
 * population_log.c
 *		The log of a large population: entries by partition, in memory or in the ledger's file.
 */
#include "retention.h"

#include "population/population_log.h"

/* With its head, a chunk of so many bytes takes a power of two, which memory contexts do not round up. */
#define CHUNK_LEAST (4096 - offsetof(LogChunk, bytes))
#define CHUNK_MOST ((Size) 1024 * 1024)
/* What lies together in the file is read together, up to so many bytes. */
#define EXTENT_MOST (64 * 1024)
/* Parts beyond this share of the memory of a query are divided before they become a table, at most so often. */
#define PARTS_IN_MEMORY 8
#define LOG_BITS_MOST 8
#define DEPTH_MOST 3
#define DIVIDED_BITS_LEAST 2

/* Entries in memory. */
typedef struct LogChunk
{
	struct LogChunk *next;
	Size used;
	Size capacity;
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} LogChunk;

/* Entries in the file. */
typedef struct LogExtent
{
	int64 start;
	Size size;
} LogExtent;

struct LogPart
{
	LogChunk *chunks; /* the newest is first */
	LogExtent *extents;
	int count;
	int capacity;
	uint64 bytes; /* of all entries */
};

/* ---- adding ---- */

void
log_begin(EntryLog *log, const LedgerMember *owner, KeyKind key, const EventShape *shape)
{
	*log = (EntryLog){.owner = owner, .key = key, .shape = *shape};
}

/* How many parts, as bits, may have a chunk each in so many bytes. */
static int
bits_for(Size bytes)
{
	uint64 chunks = bytes / (offsetof(LogChunk, bytes) + CHUNK_LEAST);

	return chunks < 2 ? 0 : Min(pg_leftmost_one_pos64(chunks), LOG_BITS_MOST);
}

static void
make_parts(EntryLog *log, MemoryContext parent, int bits)
{
	MemoryContext old;

	log->context = AllocSetContextCreate(parent, "retention log", 0, 1024, 8 * 1024 * 1024);
	log->bits = bits;
	log->parts = MemoryContextAllocZero(log->context, sizeof(LogPart) << bits);
	old = MemoryContextSwitchTo(log->context);
	initStringInfo(&log->entry);
	MemoryContextSwitchTo(old);
}

static LogPart *
part_of_key(const EntryLog *log, const CustomerKey *key)
{
	uint64 hash = key_divide(log->key, key->a, key->b);

	/* What is divided once more is divided in another way. */
	if (log->depth > 0)
		hash = key_mix(hash + (uint64) log->depth);
	return log->bits == 0 ? log->parts : &log->parts[hash >> (64 - log->bits)];
}

static void
write_chunks(const EntryLog *log, LogPart *part)
{
	Ledger *ledger = log->owner->ledger;

	if (ledger == NULL)
		elog(ERROR, "population outlives its aggregate");
	while (part->chunks != NULL)
	{
		LogChunk *chunk = part->chunks;
		LogExtent *last = part->count > 0 ? &part->extents[part->count - 1] : NULL;
		int64 start = ledger_file_end(ledger);

		ledger_write(ledger, chunk->bytes, chunk->used);
		if (last != NULL && last->start + (int64) last->size == start &&
			last->size + chunk->used <= EXTENT_MOST)
			last->size += chunk->used;
		else
		{
			if (part->count == part->capacity)
			{
				part->capacity = Max(8, 2 * part->capacity);
				if (part->extents == NULL)
					part->extents =
						MemoryContextAlloc(log->context, part->capacity * sizeof(LogExtent));
				else
					part->extents =
						repalloc_huge(part->extents, part->capacity * sizeof(LogExtent));
			}
			part->extents[part->count++] = (LogExtent){start, chunk->used};
		}
		part->chunks = chunk->next;
		pfree(chunk);
	}
}

static void
add_entry(EntryLog *log, const CustomerKey *key, const Event *events, int count)
{
	LogPart *part = part_of_key(log, key);
	LogChunk *chunk = part->chunks;
	StringInfo entry = &log->entry;

	resetStringInfo(entry);
	entry_write(entry, log->key, &log->shape, key, events, count);
	if (chunk == NULL || chunk->capacity - chunk->used < (Size) entry->len)
	{
		Size capacity =
			chunk == NULL || log->in_file ? CHUNK_LEAST : Min(2 * chunk->capacity, CHUNK_MOST);

		if (log->in_file)
			write_chunks(log, part);
		capacity = Max(capacity, (Size) entry->len);
		chunk = MemoryContextAllocHuge(log->context, offsetof(LogChunk, bytes) + capacity);
		chunk->used = 0;
		chunk->capacity = capacity;
		chunk->next = part->chunks;
		part->chunks = chunk;
	}
	memcpy(chunk->bytes + chunk->used, entry->data, entry->len);
	chunk->used += entry->len;
	part->bytes += entry->len;
}

void
log_add(EntryLog *log, const Event *events, int count)
{
	CustomerKey key = {0};

	if (log_is_empty(log))
		make_parts(log, log->owner->context, 0);
	add_entry(log, &key, events, count);
}

bool
log_write_out(EntryLog *log)
{
	if (log_is_empty(log) || log->in_file)
		return false;
	log->in_file = true;
	for (int i = 0; i < 1 << log->bits; i++)
		write_chunks(log, &log->parts[i]);
	return true;
}

/* An EntryVisitor. */
static void
write_entry(void *log, const CustomerKey *key, Event *events, int count)
{
	add_entry(log, key, events, count);
}

void
log_write_table(EntryLog *log, CustomerTable *table)
{
	if (table->pool.customers == 0)
		return;
	if (log_is_empty(log))
	{
		/* Beside the table, chunks take half as much as it does itself. */
		make_parts(log, log->owner->context, bits_for(table_bytes(table) / 2));
		log->in_file = true;
	}
	table_each(table, write_entry, log);
	table_clear(table);
}

/* ---- reading ---- */

typedef void (*GroupTaker)(void *argument, const EntryGroup *group);

static void
take_piece(const EntryLog *log, const char *bytes, Size size, EntryGroup *group, GroupTaker taker,
		   void *argument)
{
	WireReader piece = {.type_name = POPULATION_NAME, .at = bytes, .end = bytes + size};

	while (entries_read(&piece, log->key, &log->shape, group))
	{
		CHECK_FOR_INTERRUPTS();
		taker(argument, group);
	}
}

/* All entries of a part. */
static void
take_part(const EntryLog *log, const LogPart *part, GroupTaker taker, void *argument)
{
	EntryGroup group = {0};
	char *bytes = NULL;
	Size capacity = 0;

	for (int i = 0; i < part->count; i++)
	{
		const LogExtent *extent = &part->extents[i];

		if (extent->size > capacity)
		{
			if (bytes != NULL)
				pfree(bytes);
			capacity = Max(extent->size, EXTENT_MOST);
			bytes = MemoryContextAllocHuge(CurrentMemoryContext, capacity);
		}
		ledger_read(log->owner->ledger, extent->start, bytes, extent->size);
		take_piece(log, bytes, extent->size, &group, taker, argument);
	}
	for (const LogChunk *chunk = part->chunks; chunk != NULL; chunk = chunk->next)
		take_piece(log, chunk->bytes, chunk->used, &group, taker, argument);
	if (bytes != NULL)
		pfree(bytes);
	if (group.buffer.events != NULL)
		pfree(group.buffer.events);
}

typedef struct LogVisit
{
	const EventShape *shape;
	EntryVisitor visitor;
	void *argument;
	CustomerTable table; /* of a part; without keys it is not used */
} LogVisit;

/* Group takers: entries to the visitor, to a table, to the log of what is divided. */
static void
visit_group(void *argument, const EntryGroup *group)
{
	LogVisit *visit = argument;
	Event *events = group->buffer.events;

	for (int i = 0; i < group->used; i++)
	{
		visit->visitor(visit->argument, &group->keys[i], events, group->counts[i]);
		events = event_at(visit->shape, events, group->counts[i]);
	}
}

static void
load_group(void *argument, const EntryGroup *group)
{
	CustomerTable *table = argument;
	const Event *events = group->buffer.events;

	table_reserve(table, group->used, 0);
	for (int i = 0; i < group->used; i++)
		table_prefetch(table, &group->keys[i]);
	for (int i = 0; i < group->used; i++)
	{
		table_add(table, &group->keys[i], events, group->counts[i]);
		events = event_at(&table->pool.shape, events, group->counts[i]);
	}
}

static void
divide_group(void *argument, const EntryGroup *group)
{
	EntryLog *log = argument;
	const Event *events = group->buffer.events;

	for (int i = 0; i < group->used; i++)
	{
		add_entry(log, &group->keys[i], events, group->counts[i]);
		events = event_at(&log->shape, events, group->counts[i]);
	}
}

/* The bytes of a log in the file. */
static int64
bytes_in_file(const EntryLog *log)
{
	int64 bytes = 0;

	for (int i = 0; i < 1 << log->bits; i++)
		for (int j = 0; j < log->parts[i].count; j++)
			bytes += (int64) log->parts[i].extents[j].size;
	return bytes;
}

static void
visit_parts(const EntryLog *log, LogVisit *visit)
{
	Ledger *ledger = log->owner->ledger;
	Size most = Max(ledger_limit(ledger) / PARTS_IN_MEMORY, 4 * CHUNK_LEAST);

	for (int i = 0; i < 1 << log->bits; i++)
	{
		const LogPart *part = &log->parts[i];

		if (log->key == KEY_NONE)
			take_part(log, part, visit_group, visit);
		else if (part->bytes <= most || log->depth == DEPTH_MOST)
		{
			table_empty(&visit->table);
			take_part(log, part, load_group, &visit->table);
			table_each(&visit->table, visit->visitor, visit->argument);
		}
		else
		{
			EntryLog parts = *log;
			int64 end = ledger_file_end(ledger);

			parts.depth++;
			make_parts(&parts, CurrentMemoryContext, Max(bits_for(most / 2), DIVIDED_BITS_LEAST));
			take_part(log, part, divide_group, &parts);
			visit_parts(&parts, visit);
			/* A window reads a state for each of its rows: the file must not grow each time. */
			if (ledger_file_end(ledger) == end + bytes_in_file(&parts))
				ledger_forget(ledger, end);
			MemoryContextDelete(parts.context);
		}
	}
}

void
log_each(const EntryLog *log, EntryVisitor visitor, void *argument)
{
	LogVisit visit = {.shape = &log->shape, .visitor = visitor, .argument = argument};

	if (log_is_empty(log))
		return;
	if (log->owner->ledger == NULL)
		elog(ERROR, "population outlives its aggregate");
	if (log->key != KEY_NONE)
		table_begin(&visit.table, table_context(CurrentMemoryContext), log->key, &log->shape);
	visit_parts(log, &visit);
	if (log->key != KEY_NONE)
		MemoryContextDelete(visit.table.pool.context);
}
