/*
 * scan_state.h
 *		A running batch scan: what its files share.
 */
#ifndef RETENTION_SCAN_STATE_H
#define RETENTION_SCAN_STATE_H

#include "access/parallel.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "scan/scan.h"

/* Rows of a batch; a page has fewer. */
#define SCAN_ROWS 512

/* The rows at hand: columns of the input, each an array. */
typedef struct ScanBatch
{
	int count;
	Datum **values; /* by column of the input */
	bool **nulls;
} ScanBatch;

/* Where an argument or a FILTER comes from. */
typedef struct ScanExpression
{
	int column;		/* of the input, or -1 */
	Oid short_type; /* the column is of this smaller type of whole numbers; InvalidOid: as it is */
	bool constant;	/* computed once, before the first row */
	Oid type;		/* of a constant */
	ExprState *state; /* where it is not a column */
	Datum *values;	  /* computed for the rows of a batch */
	bool *nulls;
} ScanExpression;

typedef struct ScanAggregate
{
	BatchCall call;
	const BatchFinish *finish;
	int narguments;
	ScanExpression arguments[BATCH_ARGUMENTS];
	bool has_filter;
	ScanExpression filter;
	bool opened;
	BatchColumn columns[BATCH_ARGUMENTS]; /* of the batch at hand */
} ScanAggregate;

typedef struct ScanGroup
{
	struct ScanGroup *next;
	MinimalTuple key;			/* NULL without GROUP BY */
	uint64 seen_in;				/* the batch that place is of */
	int place;					/* in that batch's list of groups */
	struct varlena **summaries; /* by aggregate, once they are made; NULL: no state */
	Population *populations[FLEXIBLE_ARRAY_MEMBER]; /* by aggregate; NULL: no state yet */
} ScanGroup;

typedef struct ScanShared ScanShared;

typedef struct BatchScan
{
	CustomScanState css;
	int naggregates;
	int ninputs;
	ScanAggregate *aggregates;
	ScanBatch batch;

	/* Groups: without GROUP BY there is one, always. */
	int ncolumns;
	AttrNumber *columns; /* of the input, from 1 */
	AttrNumber *keys;	 /* 1..ncolumns: of a group's key */
	Oid *equal_functions;
	FmgrInfo *hash_functions;
	Oid *collations;
	TupleDesc key_desc;
	TupleTableSlot *key_slot;
	TupleHashTable table;
	MemoryContext table_context;
	ScanGroup *groups; /* in the order in which they came, newest first */
	ScanGroup *next;   /* to be emitted */
	uint64 batch_number;
	ScanGroup **row_groups; /* of each row of the batch */
	struct ScanRecent
	{
		Datum value;
		ScanGroup *group;
	} * recent; /* by hash of a single key that is passed by value; NULL: not used */

	bool done;				 /* everything is read */
	MemoryContext data;		 /* groups, constants, summaries; emptied at a re-scan */
	MemoryContext home;		 /* in it: populations, until they are summaries */
	MemoryContext temporary; /* of a batch */

	ScanShared *shared; /* NULL: alone */
	int number;			/* of this participant */
} BatchScan;

/* scan_input.c: calls scan_batch() with all rows of the children. */
extern void scan_read(BatchScan *scan);

/* scan_group.c */
extern void scan_groups_begin(BatchScan *scan);
extern void scan_groups_reset(BatchScan *scan);
extern ScanGroup *scan_group_of_key(BatchScan *scan, MinimalTuple key);
extern void scan_batch(BatchScan *scan);
extern void scan_summarise(BatchScan *scan, Share share);
extern void
scan_merge_summary(BatchScan *scan, ScanGroup *group, int aggregate, const struct varlena *summary);

/* scan_share.c: between processes. scan_share_finish() is true where this process is to emit the groups. */
extern bool scan_share_attach(BatchScan *scan);
extern bool scan_share_finish(BatchScan *scan);
extern Size scan_share_estimate(CustomScanState *node, ParallelContext *context);
extern void scan_share_create(CustomScanState *node, ParallelContext *context, void *place);
extern void scan_share_reset(CustomScanState *node, ParallelContext *context, void *place);
extern void scan_share_open(CustomScanState *node, shm_toc *toc, void *place);

#endif /* RETENTION_SCAN_STATE_H */
