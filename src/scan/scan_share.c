/*
 * scan_share.c
 *		A batch scan in several processes.
 *
 * Each participant reads its part of the table into populations of its own. The customers are then divided among the
 * participants by their keys: each participant sends the others the customers of their shares and summarises its own
 * share. By then all of them know all groups and list them in the same order. The last participant to finish merges the
 * summaries, group by group, and emits the answers. The phases of the barrier:
 *
 *		0	rows are read; a process that attaches later has nothing to do
 *		1	all rows are read and the number of participants is final: customers are sent
 *		2	everything is sent: it is received and summarised
 *
 * No participant waits after it has emitted a row, and none emits before the last wait, so that there is no deadlock
 * with the reader of the rows. Packets are in the query's dynamic shared memory, and their receiver frees them; beyond
 * the memory that a query may use they go to temporary files that the participants share.
 */
#include "retention.h"

#include <fcntl.h>

#include "access/htup_details.h"
#include "access/parallel.h"
#include "port/atomics.h"
#include "scan/scan_state.h"
#include "storage/barrier.h"
#include "storage/buffile.h"
#include "storage/sharedfileset.h"
#include "utils/dsa.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include HEADER_OF_EXPLAIN_FORMAT

#define CHUNK_BYTES (256 * 1024)
/* The first chunk of each stream is in memory, whatever the limit: there are as many as pairs of processes. */
#define FIRST_CHUNK_BYTES (16 * 1024)

struct ScanShared
{
	Barrier barrier;
	pg_atomic_uint32 participants;
	pg_atomic_uint64 exchanged; /* bytes of records */
	int most;					/* the greatest number of participants */
	dsm_handle
		segment; /* the one that this struct is in: files belong to it; 0: no other processes */
	SharedFileSet files;
	Size pages; /* offset of the shared pages of each aggregate; 0: there are none */
	int naggregates;
	/* The first chunk of what participant i sends to j is heads[i * most + j]; i == j: its summaries. */
	dsa_pointer heads[FLEXIBLE_ARRAY_MEMBER];
};

typedef struct StreamChunk
{
	dsa_pointer next;
	Size used;
	Size in_file;					   /* in the first chunk, 1: the stream continues in a file */
	char bytes[FLEXIBLE_ARRAY_MEMBER]; /* records, each aligned */
} StreamChunk;

typedef enum RecordKind
{
	RECORD_GROUP, /* the key of the group of the following records; empty: there are no columns */
	RECORD_IDENTITY, /* of a population, with its totals */
	RECORD_PACKET,	 /* of its customers */
	RECORD_SUMMARY,	 /* of an aggregate of the next group of the list; empty: it has no state */
} RecordKind;

typedef struct StreamRecord
{
	uint32 kind;
	int32 aggregate;
	Size size;
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} StreamRecord;

typedef struct IdentityRecord
{
	PopulationIdentity identity; /* its tag follows; the pointer is not valid */
	PopulationTotals totals;
	char tag[FLEXIBLE_ARRAY_MEMBER];
} IdentityRecord;

StaticAssertDecl(offsetof(StreamChunk, bytes) % MAXIMUM_ALIGNOF == 0, "records are aligned");
StaticAssertDecl(offsetof(StreamRecord, bytes) % MAXIMUM_ALIGNOF == 0, "their bytes are aligned");

/* ---- streams of records ---- */

typedef struct StreamWriter
{
	ScanShared *shared;
	dsa_area *area;
	Size *memory; /* bytes that this participant may still use; shared by its streams */
	uint64 *sent; /* bytes of records; shared by its streams */
	int from;
	int to;
	StreamChunk *first;
	StreamChunk *last;
	Size capacity; /* of the last chunk */
	BufFile *file; /* NULL: everything is in memory so far */
} StreamWriter;

static void
file_name(char *name, int from, int to)
{
	snprintf(name, MAXPGPATH, "retention.%d.%d", from, to);
}

/* For records that do not fit into memory. */
static void
write_to_file(StreamWriter *writer, const StreamRecord *head, const void *bytes)
{
	Size padding = MAXALIGN(head->size) - head->size;
	static char zeros[MAXIMUM_ALIGNOF];

	if (writer->file == NULL)
	{
		char name[MAXPGPATH];

		file_name(name, writer->from, writer->to);
		writer->file = BufFileCreateFileSet(&writer->shared->files.fs, name);
		writer->first->in_file = 1;
	}
	BufFileWrite(writer->file, unconstify(StreamRecord *, head), offsetof(StreamRecord, bytes));
	if (head->size > 0)
		BufFileWrite(writer->file, unconstify(void *, bytes), head->size);
	if (padding > 0)
		BufFileWrite(writer->file, zeros, padding);
}

static void
end_stream(StreamWriter *writer)
{
	if (writer->file != NULL)
	{
		BufFileExportFileSet(writer->file);
		BufFileClose(writer->file);
	}
}

static void
write_record(StreamWriter *writer, RecordKind kind, int aggregate, const void *bytes, Size size)
{
	Size need = MAXALIGN(offsetof(StreamRecord, bytes) + size);
	StreamRecord *record;

	*writer->sent += need;

	if (writer->file != NULL || writer->last == NULL ||
		writer->capacity - writer->last->used < need)
	{
		Size chunk_bytes = writer->last == NULL ? FIRST_CHUNK_BYTES : CHUNK_BYTES;
		Size capacity = Max(chunk_bytes - offsetof(StreamChunk, bytes), need);
		dsa_pointer at;
		StreamChunk *chunk;

		/* The first chunk is always in memory. */
		if (writer->file != NULL || (writer->last != NULL && *writer->memory < capacity))
		{
			StreamRecord head = {.kind = kind, .aggregate = aggregate, .size = size};

			write_to_file(writer, &head, bytes);
			return;
		}
		*writer->memory -= Min(*writer->memory, capacity);
		at = dsa_allocate_extended(writer->area, offsetof(StreamChunk, bytes) + capacity,
								   DSA_ALLOC_HUGE);
		chunk = dsa_get_address(writer->area, at);

		chunk->next = InvalidDsaPointer;
		chunk->used = chunk->in_file = 0;
		if (writer->last != NULL)
			writer->last->next = at;
		else
		{
			writer->first = chunk;
			writer->shared->heads[writer->from * writer->shared->most + writer->to] = at;
		}
		writer->last = chunk;
		writer->capacity = capacity;
	}
	record = (StreamRecord *) (writer->last->bytes + writer->last->used);
	record->kind = kind;
	record->aggregate = aggregate;
	record->size = size;
	if (size > 0)
		memcpy(record->bytes, bytes, size);
	writer->last->used += need;
}

/* A stream that is being read: its chunks are freed, and its file is closed, when their last record has been used. */
struct ScanStream
{
	int from;
	int to;
	Size used;	  /* of the first chunk that is left */
	bool in_file; /* it continues in a file */
	BufFile *file;
	StreamRecord *record; /* the latest one of the file */
	Size capacity;		  /* of its bytes */
};

static ScanStream
stream_from(int from, int to)
{
	return (ScanStream){.from = from, .to = to};
}

static void
close_stream(ScanStream *stream)
{
	if (stream->file != NULL)
		BufFileClose(stream->file);
	if (stream->record != NULL)
		pfree(stream->record);
	stream->file = NULL;
	stream->record = NULL;
}

/* The next record of the file, or NULL. */
static const StreamRecord *
next_of_file(BatchScan *scan, ScanStream *stream)
{
	StreamRecord head;
	Size size;

	if (stream->file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(scan->data);
		char name[MAXPGPATH];

		file_name(name, stream->from, stream->to);
		stream->file = BufFileOpenFileSet(&scan->shared->files.fs, name, O_RDONLY, false);
		MemoryContextSwitchTo(old);
	}
	if (BufFileRead(stream->file, &head, offsetof(StreamRecord, bytes)) !=
		offsetof(StreamRecord, bytes))
		return NULL;
	size = MAXALIGN(head.size);
	if (stream->record == NULL || size > stream->capacity)
	{
		if (stream->record != NULL)
			pfree(stream->record);
		stream->record = NULL;
		stream->capacity = Max(size, CHUNK_BYTES);
		stream->record =
			MemoryContextAllocHuge(scan->data, offsetof(StreamRecord, bytes) + stream->capacity);
	}
	*stream->record = head;
	if (size > 0 && BufFileRead(stream->file, stream->record->bytes, size) != size)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read a temporary file")));
	return stream->record;
}

/* The next record, valid until the call after it; NULL after the last. */
static const StreamRecord *
next_record(BatchScan *scan, ScanStream *stream)
{
	dsa_area *area = scan->css.ss.ps.state->es_query_dsa;
	dsa_pointer *head = &scan->shared->heads[stream->from * scan->shared->most + stream->to];

	CHECK_FOR_INTERRUPTS();
	while (DsaPointerIsValid(*head))
	{
		dsa_pointer at = *head;
		StreamChunk *chunk = dsa_get_address(area, at);

		if (stream->used < chunk->used)
		{
			const StreamRecord *record = (const StreamRecord *) (chunk->bytes + stream->used);

			stream->used += MAXALIGN(offsetof(StreamRecord, bytes) + record->size);
			return record;
		}
		stream->in_file = stream->in_file || chunk->in_file > 0;
		stream->used = 0;
		*head = chunk->next;
		dsa_free(area, at);
	}
	return stream->in_file ? next_of_file(scan, stream) : NULL;
}

static StreamWriter
writer_to(BatchScan *scan, int to, Size *memory)
{
	return (StreamWriter){.shared = scan->shared,
						  .area = scan->css.ss.ps.state->es_query_dsa,
						  .memory = memory,
						  .sent = &scan->sent,
						  .from = scan->number,
						  .to = to};
}

static void
write_group(StreamWriter *writer, const ScanGroup *group)
{
	write_record(writer, RECORD_GROUP, 0, group->key, group->key == NULL ? 0 : group->key->t_len);
}

/* ---- customers ---- */

/* The streams to all others, by number; one's own is not used. */
typedef struct Sending
{
	StreamWriter *writers;
	int count;
	int own;
	int aggregate;
} Sending;

static void
write_packet(void *argument, int share, const char *bytes, Size size)
{
	Sending *sending = argument;

	write_record(&sending->writers[share], RECORD_PACKET, sending->aggregate, bytes, size);
}

static void
write_identity(Sending *sending, Population *population)
{
	const PopulationIdentity *identity = population_identity(population);
	Size size = offsetof(IdentityRecord, tag) + identity->tag_length;
	IdentityRecord *record = palloc0(size);

	/* Field by field: neither the pointer nor the padding is sent. */
	record->identity.aggregate = identity->aggregate;
	record->identity.key = identity->key;
	record->identity.kind = identity->kind;
	record->identity.shape.cap = identity->shape.cap;
	record->identity.shape.more_flags = identity->shape.more_flags;
	record->identity.shape.has_amount = identity->shape.has_amount;
	record->identity.tag_length = identity->tag_length;
	record->totals = *population_totals(population);
	memcpy(record->tag, identity->tag, identity->tag_length);
	for (int to = 0; to < sending->count; to++)
		if (to != sending->own)
			write_record(&sending->writers[to], RECORD_IDENTITY, sending->aggregate, record, size);
	pfree(record);
}

/* Send the others all they need: all groups and totals, and the customers of their shares. */
static void
send_shares(BatchScan *scan, Share own, Size *memory)
{
	Sending sending = {
		.writers = palloc(own.count * sizeof(StreamWriter)), .count = own.count, .own = own.number};
	ListCell *cell;

	for (int to = 0; to < own.count; to++)
		sending.writers[to] = writer_to(scan, to, memory);
	foreach (cell, scan->groups)
	{
		ScanGroup *group = lfirst(cell);

		for (int to = 0; to < own.count; to++)
			if (to != own.number)
				write_group(&sending.writers[to], group);
		for (int i = 0; i < scan->naggregates; i++)
		{
			if (group->populations[i] == NULL)
				continue;
			sending.aggregate = i;
			write_identity(&sending, group->populations[i]);
			population_send(group->populations[i], own, write_packet, &sending);
		}
	}
	for (int to = 0; to < own.count; to++)
		end_stream(&sending.writers[to]);
	pfree(sending.writers);
}

/* ---- shared pages ---- */

static SharedPages *
pages_of(ScanShared *shared, int aggregate)
{
	return (SharedPages *) ((char *) shared + shared->pages + aggregate * shared_pages_size());
}

/* Without groups, what an aggregate has of all customers is one population, and its pages are filled by all. */
static void
join_pages(BatchScan *scan, ScanGroup *group)
{
	scan->joined = 0;
	for (int i = 0; i < scan->naggregates; i++)
		if (group->populations[i] != NULL)
		{
			population_join(group->populations[i], pages_of(scan->shared, i),
							scan->css.ss.ps.state->es_query_dsa);
			scan->joined++;
		}
}

void
scan_share_join(BatchScan *scan)
{
	if (scan->shared == NULL || scan->joined == scan->naggregates || scan->shared->pages == 0 ||
		scan->ncolumns > 0 || scan->groups == NIL)
		return;
	join_pages(scan, linitial(scan->groups));
}

/* ---- receiving ---- */

static void
receive_record(BatchScan *scan, ScanGroup **group, const StreamRecord *record)
{
	Population **population;
	MemoryContext old = MemoryContextSwitchTo(scan->population_context);

	switch ((RecordKind) record->kind)
	{
		case RECORD_GROUP:
			*group =
				scan_group_of_key(scan, record->size == 0 ? NULL : (MinimalTuple) record->bytes);
			scan_list_group(scan, *group);
			break;
		case RECORD_IDENTITY:
		{
			const IdentityRecord *sent = (const IdentityRecord *) record->bytes;

			population = &(*group)->populations[record->aggregate];
			if (*population == NULL)
			{
				PopulationIdentity identity = sent->identity;

				identity.tag = sent->tag;
				*population = population_create(&identity, scan->population_context);
			}
			population_totals_add(population_totals(*population), &sent->totals);
			break;
		}
		case RECORD_PACKET:
			population_receive((*group)->populations[record->aggregate], record->bytes,
							   record->size);
			break;
		default:
			elog(ERROR, "unexpected record %u of a batch scan", record->kind);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Receive what the others have sent. All participants make the same list of groups: those of participant 0 in its
 * order, then the additional ones of participant 1, and so on.
 */
static void
receive_shares(BatchScan *scan, int participants)
{
	List *own = scan->groups;
	ListCell *cell;

	/* Without columns to group by there is at most one group. */
	if (scan->ncolumns > 0)
	{
		scan->groups = NIL;
		foreach (cell, own)
			((ScanGroup *) lfirst(cell))->listed = false;
	}
	for (int from = 0; from < participants; from++)
	{
		ScanStream stream = stream_from(from, scan->number);
		ScanGroup *group = NULL;
		const StreamRecord *record;

		if (from == scan->number)
			foreach (cell, own)
				scan_list_group(scan, lfirst(cell));
		else
			while ((record = next_record(scan, &stream)) != NULL)
				receive_record(scan, &group, record);
		close_stream(&stream);
	}
	/* What was made of an identity only has no page yet. */
	scan_share_join(scan);
}

/* ---- summaries ---- */

/* Rows are counted once, by participant 0. */
static void
forget_rows(BatchScan *scan, ScanGroup *group)
{
	for (int i = 0; i < scan->naggregates; i++)
		if (group->populations[i] != NULL)
		{
			PopulationTotals *totals = population_totals(group->populations[i]);

			totals->rows = totals->ignored = 0;
		}
}

static void
send_summaries(BatchScan *scan, Share share, Size *memory)
{
	StreamWriter writer = writer_to(scan, scan->number, memory);
	MemoryContext summaries =
		AllocSetContextCreate(CurrentMemoryContext, "retention summaries", ALLOCSET_DEFAULT_SIZES);
	ListCell *cell;

	foreach (cell, scan->groups)
	{
		ScanGroup *group = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (share.number > 0)
			forget_rows(scan, group);
		for (int i = 0; i < scan->naggregates; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(summaries);
			struct varlena *summary = scan_summary(scan, group, i, share);

			MemoryContextSwitchTo(old);
			write_record(&writer, RECORD_SUMMARY, i, summary,
						 summary == NULL ? 0 : VARSIZE(summary));
			MemoryContextReset(summaries);
		}
	}
	end_stream(&writer);
	MemoryContextDelete(summaries);
}

/* The summary of the next group, merged from all participants, palloc'ed; NULL: there is no state. */
struct varlena *
scan_share_summary(BatchScan *scan, int aggregate)
{
	struct varlena *sum = NULL;

	for (int i = 0; i < scan->nstreams; i++)
	{
		const StreamRecord *record = next_record(scan, &scan->streams[i]);

		if (record == NULL || record->kind != RECORD_SUMMARY || record->aggregate != aggregate)
			elog(ERROR, "summaries of a batch scan are out of order");
		if (record->size == 0)
			continue;
		if (sum == NULL)
			sum = memcpy(palloc(record->size), record->bytes, record->size);
		else
			sum = scan_merge(scan, aggregate, sum, (const struct varlena *) record->bytes);
	}
	return sum;
}

void
scan_share_close(BatchScan *scan)
{
	for (int i = 0; i < scan->nstreams; i++)
		close_stream(&scan->streams[i]);
	scan->nstreams = 0;
	scan->joined = 0;
}

/* ---- phases ---- */

/* Become a participant; false where all rows have been read before. */
bool
scan_share_attach(BatchScan *scan)
{
	ScanShared *shared = scan->shared;

	if (BarrierAttach(&shared->barrier) > 0)
	{
		BarrierDetach(&shared->barrier);
		return false;
	}
	scan->number = (int) pg_atomic_fetch_add_u32(&shared->participants, 1);
	return true;
}

bool
scan_share_finish(BatchScan *scan)
{
	ScanShared *shared = scan->shared;
	Size memory = get_hash_memory_limit();
	int number = scan->number;
	int participants;

	BarrierArriveAndWait(&shared->barrier, PG_WAIT_EXTENSION);
	participants = (int) pg_atomic_read_u32(&shared->participants);
	if (participants > 1)
		send_shares(scan, (Share){number, participants}, &memory);
	BarrierArriveAndWait(&shared->barrier, PG_WAIT_EXTENSION);
	if (participants > 1)
	{
		receive_shares(scan, participants);
		memory = get_hash_memory_limit();
		send_summaries(scan, (Share){number, participants}, &memory);
	}

	pg_atomic_fetch_add_u64(&shared->exchanged, scan->sent);
	scan->sent = 0;
	/* The last participant has the summaries of all. */
	if (!BarrierArriveAndDetach(&shared->barrier))
		return false;
	if (participants > 1)
	{
		scan->streams = MemoryContextAlloc(scan->data, participants * sizeof(ScanStream));
		for (int from = 0; from < participants; from++)
			scan->streams[from] = stream_from(from, from);
		scan->nstreams = participants;
	}
	return true;
}

/* ---- the server's parallel machinery ---- */

static Size
heads_size(int most)
{
	return add_size(offsetof(ScanShared, heads),
					mul_size(sizeof(dsa_pointer), mul_size(most, most)));
}

/* The leader is a participant, too. */
Size
scan_share_estimate(CustomScanState *node, ParallelContext *context)
{
	return add_size(heads_size(context->nworkers + 1),
					mul_size(((BatchScan *) node)->naggregates, shared_pages_size()));
}

static void
begin_shared(ScanShared *shared)
{
	BarrierInit(&shared->barrier, 0);
	pg_atomic_init_u32(&shared->participants, 0);
	pg_atomic_init_u64(&shared->exchanged, 0);
	for (int i = 0; i < shared->most * shared->most; i++)
		shared->heads[i] = InvalidDsaPointer;
}

/* Other processes have the same memory only if there is a segment; pages need atomic operations of 64 bits. */
static bool
can_share_pages(const BatchScan *scan, const ScanShared *shared)
{
#ifdef PG_HAVE_ATOMIC_U64_SIMULATION
	return false;
#else
	return shared->segment != 0 && scan->ncolumns == 0;
#endif
}

/* Free what was not read: a query may end before its last group. */
static void
free_streams(ScanShared *shared, dsa_area *area)
{
	for (int i = 0; i < shared->most * shared->most; i++)
		while (DsaPointerIsValid(shared->heads[i]))
		{
			dsa_pointer at = shared->heads[i];

			shared->heads[i] = ((StreamChunk *) dsa_get_address(area, at))->next;
			dsa_free(area, at);
		}
}

void
scan_share_create(CustomScanState *node, ParallelContext *context, void *place)
{
	ScanShared *shared = place;

	shared->most = context->nworkers + 1;
	begin_shared(shared);
	shared->segment = 0;
	/* Without a segment the leader is alone, and nothing is sent. */
	if (context->seg != NULL)
	{
		SharedFileSetInit(&shared->files, context->seg);
		shared->segment = dsm_segment_handle(context->seg);
	}
	shared->naggregates = ((BatchScan *) node)->naggregates;
	shared->pages = can_share_pages((BatchScan *) node, shared) ? heads_size(shared->most) : 0;
	for (int i = 0; i < shared->naggregates && shared->pages > 0; i++)
		shared_pages_begin(pages_of(shared, i));
	((BatchScan *) node)->shared = shared;
}

/* Add up what was exchanged, before the memory that says so goes. */
static void
count_exchanged(BatchScan *scan)
{
	ScanShared *shared = scan->shared;

	scan->exchanged += pg_atomic_exchange_u64(&shared->exchanged, 0);
	scan->filled = 0;
	for (int i = 0; i < shared->naggregates && shared->pages > 0; i++)
		scan->filled += shared_pages_bytes(pages_of(shared, i));
}

void
scan_share_shutdown(CustomScanState *node)
{
	BatchScan *scan = (BatchScan *) node;

	/* Only once: the shared memory may be gone afterwards. */
	if (IsParallelWorker() || scan->shared == NULL)
		return;
	count_exchanged(scan);
	scan->shared = NULL;
}

void
scan_share_explain(CustomScanState *node, List *ancestors, ExplainState *explain)
{
	const BatchScan *scan = (const BatchScan *) node;

	if (!explain->analyze || !node->ss.ps.plan->parallel_aware)
		return;
	ExplainPropertyUInteger("Exchanged", "kB", (scan->exchanged + 1023) / 1024, explain);
	ExplainPropertyUInteger("Shared Pages", "kB", (scan->filled + 1023) / 1024, explain);
}

void
scan_share_reset(CustomScanState *node, ParallelContext *context, void *place)
{
	ScanShared *shared = place;

	count_exchanged((BatchScan *) node);
	free_streams(shared, node->ss.ps.state->es_query_dsa);
	for (int i = 0; i < shared->naggregates && shared->pages > 0; i++)
		shared_pages_free(pages_of(shared, i), node->ss.ps.state->es_query_dsa);
	begin_shared(shared);
	if (shared->segment != 0)
		SharedFileSetDeleteAll(&shared->files);
}

void
scan_share_open(CustomScanState *node, shm_toc *toc, void *place)
{
	ScanShared *shared = place;

	SharedFileSetAttach(&shared->files, dsm_find_mapping(shared->segment));
	((BatchScan *) node)->shared = shared;
}
