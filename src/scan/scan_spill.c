/*
 * scan_spill.c
 *		Groups that do not fit into memory: their rows wait in temporary files.
 *
 * Where the groups of a process that is alone take all the memory of the query, rows of further groups are written to
 * files by a hash of the key, in their order. When the groups in memory have been emitted they are forgotten, and the
 * rows of one file are read as if they came from the input: its groups may again be too many. Several processes keep
 * all groups in memory.
 */
#include "retention.h"

#include "executor/executor.h"
#include "scan/scan_state.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#define SPILL_BITS 4
#define SPILL_FILES (1 << SPILL_BITS)
/* The bits of a hash are used up then. */
#define SPILL_DEEPEST (32 / SPILL_BITS)
/* So many groups are always in memory. */
#define SPILL_GROUPS 64

typedef struct SpillFile
{
	BufFile *file;
	int depth;
} SpillFile;

/* In front of each row's tuple. */
typedef struct SpillHead
{
	pg_tz *zone; /* of the session when it was read */
	uint32 size;
} SpillHead;

struct ScanSpill
{
	MemoryContext context;
	TupleTableSlot *row;		/* the columns of the input */
	TupleTableSlot *stored;		/* the same from a file */
	SpillFile *to[SPILL_FILES]; /* rows are written to; NULL: none yet */
	bool full;					/* rows of this pass are in files: it makes no further groups */
	int depth;					/* of the rows that are being read */
	List *waiting;				/* SpillFile */
};

static TupleDesc
input_desc(const BatchScan *scan)
{
	TupleDesc all = scan->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	TupleDesc desc = CreateTemplateTupleDesc(scan->ninputs);

	for (int i = 1; i <= scan->ninputs; i++)
		TupleDescCopyEntry(desc, i, all, scan->naggregates + i);
	TupleDescFinalize(desc);
	return desc;
}

static ScanSpill *
begin_spill(BatchScan *scan)
{
	EState *estate = scan->css.ss.ps.state;
	MemoryContext context =
		AllocSetContextCreate(estate->es_query_cxt, "retention spill", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ScanSpill *spill = palloc0(sizeof(ScanSpill));
	TupleDesc desc = input_desc(scan);

	spill->context = context;
	spill->row = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	spill->stored = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	MemoryContextSwitchTo(old);
	return spill;
}

bool
scan_groups_are_full(const BatchScan *scan)
{
	Size used;

	if (scan->shared != NULL || list_length(scan->groups) < SPILL_GROUPS ||
		(scan->spill != NULL && scan->spill->depth >= SPILL_DEEPEST))
		return false;
	/* Even where states have become smaller since: a group whose rows wait must not begin here, too. */
	if (scan->spill != NULL && scan->spill->full)
		return true;
	/* Large populations are in contexts below: they follow the ledger. */
	used = MemoryContextMemAllocated(scan->data, false) +
		   MemoryContextMemAllocated(scan->table_context, false) +
		   MemoryContextMemAllocated(scan->population_context, false);
	return used > get_hash_memory_limit();
}

void
scan_spill_row(BatchScan *scan, int row, uint32 hash)
{
	ScanSpill *spill;
	SpillFile **to;
	MinimalTuple tuple;
	SpillHead head = {.zone = scan->zone};
	bool is_copy;
	MemoryContext old;

	if (scan->spill == NULL)
		scan->spill = begin_spill(scan);
	spill = scan->spill;
	spill->full = true;
	old = MemoryContextSwitchTo(spill->context);
	to = &spill->to[hash >> (32 - SPILL_BITS * (spill->depth + 1)) & (SPILL_FILES - 1)];
	if (*to == NULL)
	{
		*to = palloc(sizeof(SpillFile));
		**to = (SpillFile){BufFileCreateTemp(false), spill->depth + 1};
	}
	ExecClearTuple(spill->row);
	for (int column = 0; column < scan->ninputs; column++)
	{
		spill->row->tts_values[column] = scan->batch.values[column][row];
		spill->row->tts_isnull[column] = scan->batch.nulls[column][row];
	}
	ExecStoreVirtualTuple(spill->row);
	tuple = ExecFetchSlotMinimalTuple(spill->row, &is_copy);
	head.size = tuple->t_len;
	BufFileWrite((*to)->file, &head, sizeof(head));
	BufFileWrite((*to)->file, tuple, tuple->t_len);
	if (is_copy)
		pfree(tuple);
	MemoryContextSwitchTo(old);
}

void
scan_spill_end_pass(BatchScan *scan)
{
	ScanSpill *spill = scan->spill;
	MemoryContext old;

	if (spill == NULL)
		return;
	spill->full = false;
	old = MemoryContextSwitchTo(spill->context);
	for (int i = 0; i < SPILL_FILES; i++)
		if (spill->to[i] != NULL)
		{
			spill->waiting = lappend(spill->waiting, spill->to[i]);
			spill->to[i] = NULL;
		}
	MemoryContextSwitchTo(old);
}

/* The next row as the last one of the batch; its tuple is in the memory of the batch. False: there is none. */
static bool
read_row(BatchScan *scan, BufFile *file)
{
	TupleTableSlot *slot = scan->spill->stored;
	SpillHead head;
	MinimalTuple tuple;
	Size size = BufFileRead(file, &head, sizeof(head));

	if (size == 0)
		return false;
	if (size != sizeof(head))
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read a temporary file")));
	if (head.zone != scan->zone)
	{
		scan_pass_rows(scan);
		scan->zone = head.zone;
	}
	tuple = MemoryContextAlloc(scan->temporary, head.size);
	if (BufFileRead(file, tuple, head.size) != head.size)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read a temporary file")));
	ExecStoreMinimalTuple(tuple, slot, false);
	slot_getallattrs(slot);
	for (int column = 0; column < scan->ninputs; column++)
	{
		scan->batch.values[column][scan->batch.count] = slot->tts_values[column];
		scan->batch.nulls[column][scan->batch.count] = slot->tts_isnull[column];
	}
	scan->batch.count++;
	ExecClearTuple(slot);
	return true;
}

bool
scan_spill_next_pass(BatchScan *scan)
{
	ScanSpill *spill = scan->spill;
	SpillFile *next;

	if (spill == NULL || spill->waiting == NIL)
		return false;
	/* Those that were written last are the smallest, so that few files wait. */
	next = llast(spill->waiting);
	spill->waiting = list_delete_last(spill->waiting);
	spill->depth = next->depth;
	scan_forget_groups(scan);
	if (BufFileSeek(next->file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read a temporary file")));
	while (read_row(scan, next->file))
	{
		CHECK_FOR_INTERRUPTS();
		if (scan->batch.count == scan->capacity ||
			MemoryContextMemAllocated(scan->temporary, false) >= SCAN_BYTES)
			scan_pass_rows(scan);
	}
	scan_pass_rows(scan);
	BufFileClose(next->file);
	pfree(next);
	scan_spill_end_pass(scan);
	return true;
}

void
scan_spill_end(BatchScan *scan)
{
	ScanSpill *spill = scan->spill;
	ListCell *cell;

	if (spill == NULL)
		return;
	scan_spill_end_pass(scan);
	foreach (cell, spill->waiting)
		BufFileClose(((SpillFile *) lfirst(cell))->file);
	ExecDropSingleTupleTableSlot(spill->row);
	ExecDropSingleTupleTableSlot(spill->stored);
	MemoryContextDelete(spill->context);
	scan->spill = NULL;
}
