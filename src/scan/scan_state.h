/*
 * scan_state.h
 *		A running batch scan: what the files of this module have in common.
 */
#ifndef RETENTION_SCAN_STATE_H
#define RETENTION_SCAN_STATE_H

#include "access/parallel.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "pgtime.h"
#include "scan/scan.h"
#include "scan/scan_stream.h"

/* Rows of a batch; a page has fewer than that. */
#define SCAN_ROWS 512
/* With groups: so many that most groups of a batch have some. Their numbers fit into 16 bits. */
#define SCAN_GROUPED_ROWS 32768
/* A batch ends earlier where copies of its values, or values computed from them, take so many bytes. */
#define SCAN_BYTES (1024 * 1024)
/* Memory of a group of one aggregate without large populations, as it is reckoned before they are there. */
#define SCAN_GROUP_BYTES 1024

/* Rows as columns of the input, each an array. */
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
	Oid short_type; /* the column has this smaller integer type; InvalidOid: it is used as it is */
	bool constant;	/* computed once, before the first row */
	Oid type;		/* of a constant */
	ExprState *state; /* where it is not a column */
	Datum *values;	  /* computed for the rows of a batch */
	bool *nulls;
} ScanExpression;

typedef struct ServerAggregate ServerAggregate;

typedef struct ScanAggregate
{
	ServerAggregate *server; /* NULL: it is one of this extension */
	BatchCall call;
	const BatchFinish *finish;
	int narguments;
	ScanExpression arguments[BATCH_ARGUMENTS];
	bool has_filter;
	ScanExpression filter;
	bool opened;
	BatchColumn columns[BATCH_ARGUMENTS]; /* of the batch */
} ScanAggregate;

/* The state of an aggregate of the server. */
typedef struct ServerState
{
	Datum value;
	bool isnull;
} ServerState;

typedef struct ScanGroup
{
	MinimalTuple key;	 /* NULL without GROUP BY */
	bool listed;		 /* in the scan's groups */
	uint64 seen_in;		 /* the batch to which place belongs */
	int place;			 /* in that batch's list of groups */
	ServerState *states; /* by aggregate; NULL: there is none of the server */
	Population *populations[FLEXIBLE_ARRAY_MEMBER]; /* by aggregate; NULL: no state yet */
} ScanGroup;

typedef struct ScanShared ScanShared;
typedef struct ScanPartitions ScanPartitions;

typedef struct BatchScan
{
	CustomScanState css;
	int naggregates;
	int ninputs;
	ScanAggregate *aggregates;
	AggState *server_caller;	/* for functions of the server's aggregates; NULL: there is none */
	MemoryContext call_context; /* of these functions: what a row leaves */
	int capacity;				/* rows of a batch at most */
	ScanBatch batch;

	/* Groups: without GROUP BY there is one, always; without columns at most one. */
	bool is_grouped;
	int ncolumns;
	AttrNumber *columns; /* of the input, from 1 */
	AttrNumber *keys;	 /* 1..ncolumns: of a group's key */
	Oid *equal_functions;
	FmgrInfo *hash_functions;
	Oid *collations;
	bool *equal_bytes; /* by column: values that are equal have equal bytes */
	TupleDesc key_desc;
	TupleTableSlot *key_slot;
	TupleHashTable table;
	MemoryContext table_context;
	List *groups; /* in the order in which they came */
	int emitted;  /* of them */
	uint64 batch_number;
	ScanGroup **row_groups; /* of each row of the batch */
	int grouped;			/* rows whose group is known */
	ScanGroup **seen;		/* the groups of the batch */
	int nseen;
	bool *copied; /* columns of values by reference that are needed when the page has been left */
	int *starts;
	uint16 *passed; /* rows of the batch, and the same by group */
	uint16 *sorted;
	struct ScanRecent *recent; /* groups by a hash of a short single key; NULL: not used */

	int most_groups;	  /* that may be in memory */
	ScanPartitions *to;	  /* rows are written to; NULL: they go to the groups in memory */
	ScanPartitions *from; /* these groups are one of its partitions; NULL: of the input */

	bool done;			/* everything is read */
	bool emits;			/* this process emits the answers */
	pg_tz *zone;		/* the session's time zone when the rows of the batch were read */
	MemoryContext data; /* groups, constants; emptied at a re-scan */
	MemoryContext population_context; /* in it: populations */
	MemoryContext temporary;		  /* of a batch */

	ScanShared *shared;	   /* NULL: there is no other process */
	int joined;			   /* populations that have joined shared pages */
	int number;			   /* of this participant */
	int participants;	   /* all rows have been read by so many */
	uint64 sent;		   /* bytes that this process has sent */
	uint64 exchanged;	   /* bytes that were sent, in all processes; for EXPLAIN */
	uint64 filled;		   /* bytes of shared pages */
	uint64 partitioned;	   /* bytes of rows and groups that were divided; for EXPLAIN */
	int nstreams;		   /* 0: this process makes the summaries of groups alone */
	StreamReader *streams; /* else they are merged from those of all participants */
	StreamSpace space;	   /* of streams */
} BatchScan;

/* scan.c: forget all groups and what was computed for them. */
extern void scan_forget_groups(BatchScan *scan);
/* As the executor checks any aggregate, the privileges of its caller, then those of its owner. */
extern void scan_require_privileges(Oid aggregate, const Oid *functions, int count);

/* scan_input.c: all rows of the children. */
extern void scan_read(BatchScan *scan);
/* Pass rows on in the time zone in which they were read: reading a row may have changed the session's. */
extern void scan_in_zone(BatchScan *scan, void (*pass)(BatchScan *scan));

/* scan_partition.c: groups that do not fit into memory, or into the caches of the processor. */
extern int scan_partition_count(int processes);
extern int scan_most_groups(const BatchScan *scan);
/* Whether there must be no more groups, and whether they should be divided, where they can be. */
extern bool scan_groups_are_full(const BatchScan *scan);
extern bool scan_should_partition(const BatchScan *scan);
/* Groups in memory, and rows from now on, go to partitions. The batch is empty, or its rows are in groups. */
extern void scan_partition(BatchScan *scan);
/* Those rows of the batch that have no group. */
extern void scan_partition_rows(BatchScan *scan);
extern void scan_partition_end(BatchScan *scan);
/* The groups of the next partition become those in memory; false: there is none. */
extern bool scan_next_partition(BatchScan *scan);
extern void scan_partitions_close(BatchScan *scan);

/* scan_send.c: a group to the owners of the other shares; own.number -1: all of it, to writers[0]. */
extern void scan_send_group(BatchScan *scan, ScanGroup *group, Share own, StreamWriter *writers);
/* A record of a group: RECORD_GROUP sets it, the others add to it. */
extern void scan_receive(BatchScan *scan, ScanGroup **group, const StreamRecord *record);

/* scan_group.c */
extern void scan_groups_begin(BatchScan *scan);
extern void scan_groups_reset(BatchScan *scan);
extern ScanGroup *scan_group_of_key(BatchScan *scan, MinimalTuple key);
extern void scan_list_group(BatchScan *scan, ScanGroup *group);
/* Rows have been appended to the batch; their values by reference are valid until the call returns. */
extern void scan_rows_read(BatchScan *scan);
/* Add the rows of the batch to their groups and empty it. */
extern void scan_batch(BatchScan *scan);
/* The summary of a share of a group's customers, palloc'ed; NULL: the aggregate has no state. */
extern struct varlena *scan_summary(BatchScan *scan, ScanGroup *group, int aggregate, Share share);
/* Summaries of two shares put together, into changed in place or a new one. */
extern struct varlena *
scan_merge(BatchScan *scan, int aggregate, struct varlena *into, const struct varlena *other);
/* The answer from a summary, which may be NULL. */
extern Datum scan_finish(BatchScan *scan, int aggregate, struct varlena *summary, bool *isnull);

/* scan_server.c: the same for the server's own aggregates. Results are palloc'ed. */
extern void scan_server_begin(BatchScan *scan, ScanAggregate *aggregate, const Aggref *aggref);
extern ServerState *scan_server_states(BatchScan *scan);
extern void scan_server_add(BatchScan *scan, ScanAggregate *aggregate, ServerState *state,
							const uint16 *rows, int count);
extern struct varlena *
scan_server_summary(BatchScan *scan, const ScanAggregate *aggregate, const ServerState *state);
extern struct varlena *scan_server_merge(BatchScan *scan, const ScanAggregate *aggregate,
										 struct varlena *into, const struct varlena *other);
extern void scan_server_receive(BatchScan *scan, const ScanAggregate *aggregate, ServerState *state,
								const struct varlena *packed);
extern Datum scan_server_finish(BatchScan *scan, const ScanAggregate *aggregate,
								struct varlena *summary, bool *isnull);

/*
 * scan_share.c: between processes. scan_share_join() is called now and then while rows are read. Where
 * scan_share_finish() is true this process emits the groups: it then calls scan_share_summary() once for each group, in
 * the order of the list, and each aggregate, in their order.
 */
extern bool scan_share_attach(BatchScan *scan);
extern void scan_share_join(BatchScan *scan);
extern bool scan_share_finish(BatchScan *scan);
extern struct varlena *scan_share_summary(BatchScan *scan, int aggregate);
extern void scan_share_close(BatchScan *scan);
/* The most processes that there may be, 1 where there is only this one. */
extern int scan_share_processes(const BatchScan *scan);
/* Where this process writes its partitions for all processes; false: there is no other. */
extern bool
scan_share_partitions(BatchScan *scan, StreamSpace *space, StreamHead **heads, int *first);
extern StreamReader
scan_share_partition(BatchScan *scan, StreamSpace *space, int from, int partition);
extern bool scan_share_owns(const BatchScan *scan, int partition);
extern Size scan_share_estimate(CustomScanState *node, ParallelContext *context);
extern void scan_share_create(CustomScanState *node, ParallelContext *context, void *place);
extern void scan_share_reset(CustomScanState *node, ParallelContext *context, void *place);
extern void scan_share_shutdown(CustomScanState *node);
extern void scan_share_explain(CustomScanState *node, List *ancestors, ExplainState *explain);
extern void scan_share_open(CustomScanState *node, shm_toc *toc, void *place);

#endif /* RETENTION_SCAN_STATE_H */
