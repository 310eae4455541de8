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
 * Where a participant has divided its groups (scan_partition.c), all do so when the rows are read. Then each takes
 * whole partitions from all of them after the second wait, and emits their groups itself.
 *
 * No participant waits after it has emitted a row, and none emits before the last wait, so that there is no deadlock
 * with the reader of the rows. Packets are in the query's dynamic shared memory, and their receiver frees them; beyond
 * the memory that a query may use they go to temporary files that the participants share.
 */
#include "retention.h"

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

/* Of the streams of customers and summaries: there are as many as pairs of processes. */
#define FIRST_CHUNK_BYTES (16 * 1024)
#define CHUNK_BYTES (256 * 1024)

struct ScanShared
{
	Barrier barrier;
	pg_atomic_uint32 participants;
	pg_atomic_uint64 exchanged;	  /* bytes of records */
	pg_atomic_uint64 partitioned; /* of these, in partitions of groups */
	int most;					  /* the greatest number of participants */
	dsm_handle
		segment; /* the one that this struct is in: files belong to it; 0: no other processes */
	SharedFileSet files;
	Size pages; /* offset of the shared pages of each aggregate; 0: there are none */
	int naggregates;
	int partitions;					 /* of groups, where there are too many of them */
	pg_atomic_uint32 is_partitioned; /* 1: some participant has partitions, so that all have */
	/*
	 * Stream i * most + j is what participant i sends to j; i == j: its summaries. After these come the streams of
	 * partitions, of each participant.
	 */
	StreamHead heads[FLEXIBLE_ARRAY_MEMBER];
};

/* ---- streams ---- */

static StreamSpace
exchange_space(const BatchScan *scan)
{
	return (StreamSpace){.context = scan->data,
						 .area = scan->css.ss.ps.state->es_query_dsa,
						 .files = &scan->shared->files.fs,
						 .first_bytes = FIRST_CHUNK_BYTES,
						 .most_bytes = CHUNK_BYTES,
						 .room = get_hash_memory_limit()};
}

static void
begin_stream(StreamWriter *writer, StreamSpace *space, const BatchScan *scan, int to)
{
	int number = scan->number * scan->shared->most + to;

	stream_begin(writer, space, &scan->shared->heads[number], number);
}

static StreamReader
open_stream(StreamSpace *space, const BatchScan *scan, int from, int to)
{
	int number = from * scan->shared->most + to;

	return stream_open(space, &scan->shared->heads[number], number);
}

/* ---- customers ---- */

/* Send the others all they need: all groups and totals, and the customers of their shares. */
static void
send_shares(BatchScan *scan, Share own)
{
	StreamSpace space = exchange_space(scan);
	StreamWriter *writers = palloc(own.count * sizeof(StreamWriter));
	ListCell *cell;

	for (int to = 0; to < own.count; to++)
		begin_stream(&writers[to], &space, scan, to);
	foreach (cell, scan->groups)
		scan_send_group(scan, lfirst(cell), own, writers);
	for (int to = 0; to < own.count; to++)
		stream_end(&writers[to]);
	scan->sent += space.written;
	pfree(writers);
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

/*
 * Receive what the others have sent. All participants make the same list of groups: those of participant 0 in its
 * order, then the additional ones of participant 1, and so on.
 */
static void
receive_shares(BatchScan *scan, int participants)
{
	StreamSpace space = exchange_space(scan);
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
		StreamReader reader = open_stream(&space, scan, from, scan->number);
		ScanGroup *group = NULL;
		const StreamRecord *record;

		if (from == scan->number)
			foreach (cell, own)
				scan_list_group(scan, lfirst(cell));
		else
			while ((record = stream_next(&reader)) != NULL)
				scan_receive(scan, &group, record);
		stream_close(&reader);
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
send_summaries(BatchScan *scan, Share share)
{
	StreamSpace space = exchange_space(scan);
	StreamWriter writer;
	MemoryContext summaries =
		AllocSetContextCreate(CurrentMemoryContext, "retention summaries", ALLOCSET_DEFAULT_SIZES);
	ListCell *cell;

	begin_stream(&writer, &space, scan, scan->number);
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
			stream_write(&writer, RECORD_SUMMARY, i, summary,
						 summary == NULL ? 0 : VARSIZE(summary));
			MemoryContextReset(summaries);
		}
	}
	stream_end(&writer);
	scan->sent += space.written;
	MemoryContextDelete(summaries);
}

/* The summary of the next group, merged from all participants, palloc'ed; NULL: there is no state. */
struct varlena *
scan_share_summary(BatchScan *scan, int aggregate)
{
	struct varlena *sum = NULL;

	for (int i = 0; i < scan->nstreams; i++)
	{
		const StreamRecord *record = stream_next(&scan->streams[i]);

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
		stream_close(&scan->streams[i]);
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

/* All participants divide what they have by group; each will put whole partitions together. */
static void
finish_partitions(BatchScan *scan)
{
	if (scan->to == NULL)
		scan_partition(scan);
	scan_partition_end(scan);
	pg_atomic_fetch_add_u64(&scan->shared->partitioned, scan->partitioned);
	scan->sent += scan->partitioned;
	scan->partitioned = 0;
}

static void
finish_shares(BatchScan *scan, Share own)
{
	if (own.count == 1)
		return;
	receive_shares(scan, own.count);
	send_summaries(scan, own);
}

/* The last participant has the summaries of all. */
static void
open_summaries(BatchScan *scan, int participants)
{
	if (participants == 1)
		return;
	scan->space = exchange_space(scan);
	scan->streams = MemoryContextAlloc(scan->data, participants * sizeof(StreamReader));
	for (int from = 0; from < participants; from++)
		scan->streams[from] = open_stream(&scan->space, scan, from, from);
	scan->nstreams = participants;
}

bool
scan_share_finish(BatchScan *scan)
{
	ScanShared *shared = scan->shared;
	Share own = {.number = scan->number};
	bool partitioned;
	bool is_last;

	BarrierArriveAndWait(&shared->barrier, PG_WAIT_EXTENSION);
	own.count = scan->participants = (int) pg_atomic_read_u32(&shared->participants);
	partitioned = scan->to != NULL || pg_atomic_read_u32(&shared->is_partitioned) != 0;
	if (partitioned)
		finish_partitions(scan);
	else if (own.count > 1)
		send_shares(scan, own);
	BarrierArriveAndWait(&shared->barrier, PG_WAIT_EXTENSION);
	if (!partitioned)
		finish_shares(scan, own);

	pg_atomic_fetch_add_u64(&shared->exchanged, scan->sent);
	scan->sent = 0;
	is_last = BarrierArriveAndDetach(&shared->barrier);
	if (is_last && !partitioned)
		open_summaries(scan, own.count);
	return is_last || partitioned;
}

/* ---- partitions of groups ---- */

int
scan_share_processes(const BatchScan *scan)
{
	return scan->shared == NULL ? 1 : scan->shared->most;
}

bool
scan_share_partitions(BatchScan *scan, StreamSpace *space, StreamHead **heads, int *first)
{
	ScanShared *shared = scan->shared;

	/* Without a segment there is no other process. */
	if (shared == NULL || shared->segment == 0)
		return false;
	*first = shared->most * shared->most + scan->number * shared->partitions;
	*heads = &shared->heads[*first];
	space->area = scan->css.ss.ps.state->es_query_dsa;
	space->files = &shared->files.fs;
	pg_atomic_write_u32(&shared->is_partitioned, 1);
	return true;
}

StreamReader
scan_share_partition(BatchScan *scan, StreamSpace *space, int from, int partition)
{
	ScanShared *shared = scan->shared;
	int number = shared->most * shared->most + from * shared->partitions + partition;

	return stream_open(space, &shared->heads[number], number);
}

bool
scan_share_owns(const BatchScan *scan, int partition)
{
	return partition % scan->participants == scan->number;
}

/* ---- the server's parallel machinery ---- */

static int
count_streams(int most, int partitions)
{
	return most * (most + partitions);
}

static int
partitions_of(const BatchScan *scan, int most)
{
	return scan->ncolumns > 0 ? scan_partition_count(most) : 0;
}

static Size
heads_size(const BatchScan *scan, int most)
{
	return MAXALIGN(
		add_size(offsetof(ScanShared, heads),
				 mul_size(sizeof(StreamHead), count_streams(most, partitions_of(scan, most)))));
}

/* The leader is a participant, too. */
Size
scan_share_estimate(CustomScanState *node, ParallelContext *context)
{
	return add_size(heads_size((BatchScan *) node, context->nworkers + 1),
					mul_size(((BatchScan *) node)->naggregates, shared_pages_size()));
}

static void
begin_shared(ScanShared *shared)
{
	BarrierInit(&shared->barrier, 0);
	pg_atomic_init_u32(&shared->participants, 0);
	pg_atomic_init_u64(&shared->exchanged, 0);
	pg_atomic_init_u64(&shared->partitioned, 0);
	pg_atomic_init_u32(&shared->is_partitioned, 0);
	memset(shared->heads, 0, count_streams(shared->most, shared->partitions) * sizeof(StreamHead));
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
	StreamSpace space = {.area = area};

	for (int i = 0; i < count_streams(shared->most, shared->partitions); i++)
		stream_free(&space, &shared->heads[i]);
}

void
scan_share_create(CustomScanState *node, ParallelContext *context, void *place)
{
	ScanShared *shared = place;

	shared->most = context->nworkers + 1;
	shared->partitions = partitions_of((BatchScan *) node, shared->most);
	begin_shared(shared);
	shared->segment = 0;
	/* Without a segment the leader is alone, and nothing is sent. */
	if (context->seg != NULL)
	{
		SharedFileSetInit(&shared->files, context->seg);
		shared->segment = dsm_segment_handle(context->seg);
	}
	shared->naggregates = ((BatchScan *) node)->naggregates;
	shared->pages = can_share_pages((BatchScan *) node, shared)
						? heads_size((BatchScan *) node, shared->most)
						: 0;
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
	scan->partitioned += pg_atomic_exchange_u64(&shared->partitioned, 0);
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

	if (!explain->analyze)
		return;
	if (scan->partitioned > 0)
		ExplainPropertyUInteger("Partitioned", "kB", (scan->partitioned + 1023) / 1024, explain);
	if (!node->ss.ps.plan->parallel_aware)
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
