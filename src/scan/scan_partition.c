/*
 * scan_partition.c
 *		Many groups: rows are divided by a hash of their group before they are put together.
 *
 * Where the customers of the groups no longer fit into the caches of the processor, each row costs waits for memory: it
 * belongs to one customer of one of many populations. And there may be more groups than fit into memory at all. Then
 * the groups that there are, and all further rows, are written to streams, one for each partition of groups. Afterwards
 * the groups of one partition at a time are put together from its stream, emitted and forgotten. If they are still too
 * many, they are divided by further bits of the hash. Of several processes each takes whole partitions, from the
 * streams of all of them, so that nothing else is exchanged or added up.
 *
 * A row in a stream is its size and a bit for each column that is NULL, then the columns that are passed by value, at
 * fixed offsets, then the bytes of the others.
 */
#include "retention.h"

#include "base/mix.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "scan/scan_state.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#define PARTITIONS_LEAST 16
#define PARTITIONS_MOST 256
/* Of a stream's chunks. */
#define CHUNK_LEAST 2048
#define CHUNK_MOST (64 * 1024)
/* What a stream may take beside its first chunk: the buffer of a file. */
#define STREAM_BYTES (CHUNK_LEAST + BLCKSZ)
#define HASH_BITS 32

/* Rows of fewer groups in a batch find what they need in the cache, or soon there. */
#define SPREAD_GROUPS 32
/* What fits into the caches of a processor, about. */
#define CACHE_BYTES ((Size) 4 * 1024 * 1024)

/* A column of the input in a row of a stream. */
typedef struct RowColumn
{
	int16 length;
	bool by_value;
	Size offset; /* by value */
} RowColumn;

struct ScanPartitions
{
	MemoryContext context;
	struct ScanPartitions *above; /* one of its partitions is what is divided here */
	int depth;
	int count;
	int shift; /* of a hash: the bits below it are not used yet */
	int next;  /* the next partition to read */
	StreamSpace space;
	StreamWriter *writers; /* by partition */
	pg_tz **zones;		   /* of the last row, by partition; NULL: there is none */
	RowColumn *columns;	   /* of the input */
	Size fixed;			   /* of a row: where its bytes begin */
	bool has_bytes;		   /* some column is passed by reference */
	StreamHead *heads;	   /* of this process, by partition */
};

/* ---- hashes ---- */

/* A value as it is compared, without what its bytes may differ in. */
static inline uint64
word_of(Datum value, int length)
{
	switch (length)
	{
		case 8:
			return (uint64) value;
		case 4:
			return (uint32) value;
		case 2:
			return (uint16) value;
		default:
			return (uint8) value;
	}
}

static uint64
hash_of_bytes(Datum value, int length)
{
	struct varlena *text;
	uint64 hash;

	if (length > 0)
		return hash_bytes_extended((const unsigned char *) DatumGetPointer(value), length, 0);
	text = PG_DETOAST_DATUM_PACKED(value);
	hash = hash_bytes_extended((const unsigned char *) VARDATA_ANY(text),
							   (int) VARSIZE_ANY_EXHDR(text), 0);
	if ((Pointer) text != DatumGetPointer(value))
		pfree(text);
	return hash;
}

static inline uint64
add_to_hash(const BatchScan *scan, int key, uint64 hash, Datum value, bool isnull)
{
	const FormData_pg_attribute *column = TupleDescAttr(scan->key_desc, key);

	if (isnull)
		return mix64(hash, 1);
	if (!scan->equal_bytes[key])
		return mix64(hash, DatumGetUInt32(FunctionCall1Coll(&scan->hash_functions[key],
															scan->collations[key], value)));
	if (column->attbyval)
		return mix64(hash, word_of(value, column->attlen));
	return mix64(hash, hash_of_bytes(value, column->attlen));
}

static inline uint32
hash_of_row(const BatchScan *scan, int row)
{
	uint64 hash = 0;

	for (int i = 0; i < scan->ncolumns; i++)
	{
		int column = scan->columns[i] - 1;

		hash = add_to_hash(scan, i, hash, scan->batch.values[column][row],
						   scan->batch.nulls[column][row]);
	}
	return (uint32) mix64(hash, 0);
}

static uint32
hash_of_key(const BatchScan *scan, MinimalTuple key)
{
	ExprContext *context = scan->css.ss.ps.ps_ExprContext;
	MemoryContext old = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
	uint64 hash = 0;

	ExecStoreMinimalTuple(key, scan->key_slot, false);
	slot_getallattrs(scan->key_slot);
	for (int i = 0; i < scan->ncolumns; i++)
		hash = add_to_hash(scan, i, hash, scan->key_slot->tts_values[i],
						   scan->key_slot->tts_isnull[i]);
	MemoryContextSwitchTo(old);
	ResetExprContext(context);
	return (uint32) mix64(hash, 0);
}

static inline int
partition_of(const ScanPartitions *partitions, uint32 hash)
{
	return (int) (hash >> partitions->shift & (partitions->count - 1));
}

/* ---- when ---- */

int
scan_partition_count(int processes)
{
	Size room = get_hash_memory_limit() / 2 / processes;
	int count = PARTITIONS_MOST;

	while (count > PARTITIONS_LEAST && count * STREAM_BYTES > room)
		count /= 2;
	return count;
}

static bool
can_partition(const BatchScan *scan)
{
	return scan->ncolumns > 0 && scan->to == NULL && (scan->from == NULL || scan->from->shift > 0);
}

/* So many groups may be in memory. */
int
scan_most_groups(const BatchScan *scan)
{
	Size most = get_hash_memory_limit() / 2 / scan_share_processes(scan) /
				(SCAN_GROUP_BYTES * scan->naggregates);

	return (int) Min(Max(most, 64), PG_INT32_MAX);
}

bool
scan_groups_are_full(const BatchScan *scan)
{
	return list_length(scan->groups) >= scan->most_groups && can_partition(scan);
}

bool
scan_should_partition(const BatchScan *scan)
{
	Size limit = get_hash_memory_limit() / scan_share_processes(scan);
	Size used;

	if (list_length(scan->groups) < SPREAD_GROUPS || !can_partition(scan))
		return false;
	if (scan_groups_are_full(scan))
		return true;
	/* Large populations are in contexts below: they follow the ledger. */
	used = MemoryContextMemAllocated(scan->data, false) +
		   MemoryContextMemAllocated(scan->table_context, false) +
		   MemoryContextMemAllocated(scan->population_context, false);
	if (used > limit)
		return true;
	return scan->from == NULL && scan->nseen >= SPREAD_GROUPS &&
		   MemoryContextMemAllocated(scan->population_context, true) > Min(CACHE_BYTES, limit / 4);
}

/* ---- writing ---- */

/* Where the columns are in a row. */
static void
lay_out_rows(const BatchScan *scan, ScanPartitions *partitions)
{
	TupleDesc input = scan->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	Size offset = sizeof(uint32) + (scan->ninputs + 7) / 8;

	partitions->columns =
		MemoryContextAlloc(partitions->context, Max(scan->ninputs, 1) * sizeof(RowColumn));
	for (int i = 0; i < scan->ninputs; i++)
	{
		const FormData_pg_attribute *attribute = TupleDescAttr(input, scan->naggregates + i);
		RowColumn *column = &partitions->columns[i];

		*column = (RowColumn){.length = attribute->attlen, .by_value = attribute->attbyval};
		if (!column->by_value)
		{
			partitions->has_bytes = true;
			continue;
		}
		column->offset = TYPEALIGN(column->length, offset);
		offset = column->offset + column->length;
	}
	partitions->fixed = MAXALIGN(offset);
}

/* Groups in memory, and rows from now on, go to partitions. The batch must be empty. */
void
scan_partition(BatchScan *scan)
{
	EState *estate = scan->css.ss.ps.state;
	MemoryContext context =
		AllocSetContextCreate(estate->es_query_cxt, "retention partitions", ALLOCSET_DEFAULT_SIZES);
	ScanPartitions *partitions = MemoryContextAllocZero(context, sizeof(ScanPartitions));
	int processes = scan_share_processes(scan);
	int first = 0; /* number of a stream */
	int bits;
	ListCell *cell;

	partitions->context = context;
	partitions->above = scan->from;
	partitions->count = scan_partition_count(processes);
	bits = pg_leftmost_one_pos32(partitions->count);
	partitions->shift = Max((scan->from == NULL ? HASH_BITS : scan->from->shift) - bits, 0);
	partitions->space =
		(StreamSpace){.context = context, .first_bytes = CHUNK_LEAST, .most_bytes = CHUNK_MOST};
	partitions->space.room = get_hash_memory_limit() / 2 / processes;
	if (scan->from != NULL ||
		!scan_share_partitions(scan, &partitions->space, &partitions->heads, &first))
		partitions->heads = MemoryContextAllocZero(context, partitions->count * sizeof(StreamHead));
	partitions->writers = MemoryContextAlloc(context, partitions->count * sizeof(StreamWriter));
	partitions->zones = MemoryContextAllocZero(context, partitions->count * sizeof(pg_tz *));
	for (int i = 0; i < partitions->count; i++)
		stream_begin(&partitions->writers[i], &partitions->space, &partitions->heads[i], first + i);
	lay_out_rows(scan, partitions);

	foreach (cell, scan->groups)
	{
		ScanGroup *group = lfirst(cell);
		uint32 hash = hash_of_key(scan, group->key);

		CHECK_FOR_INTERRUPTS();
		scan_send_group(scan, group, (Share){-1, 1},
						&partitions->writers[partition_of(partitions, hash)]);
	}
	scan_forget_groups(scan);
	scan->to = partitions;
}

static inline Size
size_of(Datum value, int length)
{
	if (length == -1)
		return VARSIZE_ANY(DatumGetPointer(value));
	return length > 0 ? (Size) length : strlen(DatumGetCString(value)) + 1;
}

/* The bytes of a value by reference: they become its own where it has none in one piece. */
static Size
bytes_of(BatchScan *scan, Datum *value, int length)
{
	if (length == -1 && VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(*value)))
	{
		MemoryContext old = MemoryContextSwitchTo(scan->temporary);

		*value = datumCopy(*value, false, length);
		MemoryContextSwitchTo(old);
	}
	return size_of(*value, length);
}

static Size
size_of_row(BatchScan *scan, int row)
{
	Size size = scan->to->fixed;

	for (int i = 0; i < scan->ninputs; i++)
	{
		const RowColumn *column = &scan->to->columns[i];

		if (!column->by_value && !scan->batch.nulls[i][row])
			size += MAXALIGN(bytes_of(scan, &scan->batch.values[i][row], column->length));
	}
	return size;
}

static inline void
write_value(char *to, Datum value, int length)
{
	switch (length)
	{
		case 8:
			*(Datum *) to = value;
			break;
		case 4:
			*(int32 *) to = DatumGetInt32(value);
			break;
		case 2:
			*(int16 *) to = DatumGetInt16(value);
			break;
		default:
			*to = DatumGetChar(value);
	}
}

static void
write_values(const BatchScan *scan, int row, char *to, Size size)
{
	const ScanPartitions *partitions = scan->to;
	uint8 *nulls = (uint8 *) to + sizeof(uint32);
	char *at = to + partitions->fixed;

	*(uint32 *) to = (uint32) size;
	memset(nulls, 0, (scan->ninputs + 7) / 8);
	for (int i = 0; i < scan->ninputs; i++)
	{
		const RowColumn *column = &partitions->columns[i];
		Datum value = scan->batch.values[i][row];

		if (unlikely(scan->batch.nulls[i][row]))
			nulls[i / 8] |= 1 << i % 8;
		else if (column->by_value)
			write_value(to + column->offset, value, column->length);
		else
		{
			Size bytes = size_of(value, column->length);

			memcpy(at, DatumGetPointer(value), bytes);
			at += MAXALIGN(bytes);
		}
	}
}

static void
write_row(BatchScan *scan, int row)
{
	ScanPartitions *partitions = scan->to;
	int partition = partition_of(partitions, hash_of_row(scan, row));
	StreamWriter *writer = &partitions->writers[partition];
	Size size = partitions->has_bytes ? size_of_row(scan, row) : partitions->fixed;
	char *bytes;

	if (size > PG_UINT32_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("row is too large for a batch scan")));
	if (unlikely(partitions->zones[partition] != scan->zone))
	{
		partitions->zones[partition] = scan->zone;
		stream_write(writer, RECORD_ZONE, 0, &scan->zone, sizeof(scan->zone));
	}
	bytes = stream_rows(writer, size);
	if (likely(bytes != NULL))
	{
		write_values(scan, row, bytes, size);
		return;
	}
	bytes = MemoryContextAllocHuge(scan->temporary, size);
	write_values(scan, row, bytes, size);
	stream_write(writer, RECORD_ROWS, 0, bytes, size);
	pfree(bytes);
}

void
scan_partition_rows(BatchScan *scan)
{
	/* Hash functions of types may leave something. */
	MemoryContext old = MemoryContextSwitchTo(scan->temporary);

	for (int row = scan->grouped; row < scan->batch.count; row++)
		write_row(scan, row);
	MemoryContextSwitchTo(old);
}

void
scan_partition_end(BatchScan *scan)
{
	ScanPartitions *partitions = scan->to;

	if (partitions == NULL)
		return;
	for (int i = 0; i < partitions->count; i++)
		stream_end(&partitions->writers[i]);
	scan->partitioned += partitions->space.written;
	scan->from = partitions;
	scan->to = NULL;
}

/* ---- reading ---- */

static inline Datum
read_value(const char *at, int length)
{
	switch (length)
	{
		case 8:
			return *(const Datum *) at;
		case 4:
			return Int32GetDatum(*(const int32 *) at);
		case 2:
			return Int16GetDatum(*(const int16 *) at);
		default:
			return CharGetDatum(*at);
	}
}

/* Values that are bytes of the row. */
static void
read_bytes(BatchScan *scan, const char *bytes, int row)
{
	bytes += scan->from->fixed;
	for (int i = 0; i < scan->ninputs; i++)
	{
		const RowColumn *column = &scan->from->columns[i];

		if (column->by_value || scan->batch.nulls[i][row])
			continue;
		scan->batch.values[i][row] = PointerGetDatum(bytes);
		bytes += MAXALIGN(size_of(PointerGetDatum(bytes), column->length));
	}
}

/* Rows of a record into batches. */
static void
read_rows(BatchScan *scan, const StreamRecord *record)
{
	const char *at = record->bytes;
	const char *end = at + record->size;

	while (at < end)
	{
		int first = scan->batch.count;
		const char *rows[SCAN_ROWS];
		int count = 0;

		for (; at < end && count < SCAN_ROWS; at += *(const uint32 *) at)
			rows[count++] = at;
		for (int i = 0; i < scan->ninputs; i++)
		{
			const RowColumn *column = &scan->from->columns[i];
			Datum *values = scan->batch.values[i] + first;
			bool *nulls = scan->batch.nulls[i] + first;

			for (int r = 0; r < count; r++)
				nulls[r] = (rows[r][sizeof(uint32) + i / 8] & 1 << i % 8) != 0;
			if (column->by_value)
				for (int r = 0; r < count; r++)
					values[r] = read_value(rows[r] + column->offset, column->length);
		}
		for (int r = 0; r < count && scan->from->has_bytes; r++)
			read_bytes(scan, rows[r], first + r);
		scan->batch.count += count;
		scan_in_zone(scan, scan_rows_read);
	}
}

/* A record of a group that is being divided further. */
static void
forward(BatchScan *scan, StreamWriter **writer, const StreamRecord *record)
{
	if (record->kind == RECORD_GROUP)
		*writer =
			&scan->to
				 ->writers[partition_of(scan->to, hash_of_key(scan, (MinimalTuple) record->bytes))];
	stream_write(*writer, (RecordKind) record->kind, record->aggregate, record->bytes,
				 record->size);
}

static void
read_stream(BatchScan *scan, StreamReader *reader)
{
	const StreamRecord *record;
	ScanGroup *group = NULL;
	StreamWriter *writer = NULL;
	bool forwards = false;

	while ((record = stream_next(reader)) != NULL)
		switch ((RecordKind) record->kind)
		{
			case RECORD_ROWS:
				read_rows(scan, record);
				break;
			case RECORD_ZONE:
			{
				pg_tz *zone = *(pg_tz *const *) record->bytes;

				/* In several processes it cannot change, and a pointer of another one is none. */
				if (scan->from->space.area != NULL || zone == scan->zone)
					break;
				scan_in_zone(scan, scan_batch);
				scan->zone = zone;
				break;
			}
			default:
				if (record->kind == RECORD_GROUP)
				{
					/* Rows of another process may have come before. */
					scan_in_zone(scan, scan_batch);
					if (scan_groups_are_full(scan))
						scan_partition(scan);
					forwards = scan->to != NULL;
				}
				if (forwards)
					forward(scan, &writer, record);
				else
					scan_receive(scan, &group, record);
		}
}

static void
free_partitions(ScanPartitions *partitions)
{
	for (int i = 0; i < partitions->count; i++)
		if (partitions->writers[i].file != NULL)
			BufFileClose(partitions->writers[i].file);
	MemoryContextDelete(partitions->context);
}

/* Read the next partition of those that this process has. */
static void
read_partition(BatchScan *scan, int partition)
{
	ScanPartitions *partitions = scan->from;
	StreamReader reader;

	scan_forget_groups(scan);
	if (partitions->space.area == NULL)
	{
		reader = stream_reread(&partitions->writers[partition]);
		read_stream(scan, &reader);
		stream_close(&reader);
	}
	else
		for (int process = 0; process < scan->participants; process++)
		{
			reader = scan_share_partition(scan, &partitions->space, process, partition);
			read_stream(scan, &reader);
			stream_close(&reader);
		}
	scan_in_zone(scan, scan_batch);
}

bool
scan_next_partition(BatchScan *scan)
{
	while (scan->from != NULL)
	{
		ScanPartitions *partitions = scan->from;
		int partition = partitions->next;

		if (partition >= partitions->count)
		{
			scan->from = partitions->above;
			free_partitions(partitions);
			continue;
		}
		partitions->next++;
		if (partitions->space.area != NULL && !scan_share_owns(scan, partition))
			continue;
		read_partition(scan, partition);
		scan_partition_end(scan);
		if (scan->groups != NIL)
			return true;
	}
	return false;
}

void
scan_partitions_close(BatchScan *scan)
{
	if (scan->to != NULL)
		free_partitions(scan->to);
	scan->to = NULL;
	while (scan->from != NULL)
	{
		ScanPartitions *partitions = scan->from;

		scan->from = partitions->above;
		free_partitions(partitions);
	}
}
