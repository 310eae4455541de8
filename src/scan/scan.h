/*
 * scan.h
 *		The batch scan: aggregates with a customer, computed a page of rows at a time.
 *
 * Where all aggregates of a query are registered with population/batch.h, the planner is offered a Custom Scan
 * (RetentionScan) that takes the place of the aggregate node. The paths that read the input stay its children. A row
 * travels so:
 *
 *		scan_plan.c			plans: when a batch scan is offered, and what its plan contains
 *		scan_cost.c			what it reads, and the cost of that
 *		scan_estimate.c		how many groups there are
 *		scan_aggregate.c	which aggregates it can compute: members of this extension that a module has registered
 *		scan.c				the node: begin, emit the groups, end
 *		scan_input.c		a page of the heap, or rows of any other plan, into a batch of columns
 *		scan_group.c		rows of the batch to their groups, FILTER and arguments, then BatchMethods.add()
 *		scan_partition.c	many groups: rows are divided by a hash of their group before they are put together
 *		scan_server.c		the server's own aggregates beside them, such as count(*)
 *		scan_send.c			groups as records, to another process or a partition
 *		scan_stream.c		streams of records, in memory or files
 *		scan_share.c		in a parallel query: customers are exchanged by share, summarised, and the summaries merged
 *
 * scan_state.h is what the files of a running scan have in common; scan_sql.c has the planner support function.
 */
#ifndef RETENTION_SCAN_H
#define RETENTION_SCAN_H

#include "nodes/extensible.h"
#include "nodes/pathnodes.h"
#include "population/batch.h"

/* Called when the library is loaded. */
extern void scan_start(void);

#define SCAN_NAME "RetentionScan"

/* retention.enable_batch_scan */
extern bool scan_enabled;

/* The functions of an aggregate, and what is registered for them. */
typedef struct AggregateParts
{
	Oid transition;
	Oid final;
	const BatchMethods *methods; /* of the transition function */
	const BatchFinish *finish;
} AggregateParts;

/* Whether an aggregate is a member of this extension. */
extern bool scan_is_ours(Oid aggregate);

/*
 * Whether it is one of the server's own that a batch scan computes beside those of this extension: one whose result is
 * the same in any order of the rows.
 */
extern bool scan_is_server_aggregate(const Aggref *aggregate);

/* False where no module has registered the pair of the transition and the final function. */
extern bool scan_find_parts(Oid aggregate, AggregateParts *parts);

/*
 * The lists in the plan's custom_private, of integers or object identifiers.
 *
 * custom_scan_tlist has the aggregates, then the columns of the input (the target list of the first custom plan);
 * custom_exprs has the arguments of each aggregate, then its FILTER where it has one.
 */
typedef enum ScanPrivate
{
	SCAN_ARGUMENTS,		/* for each aggregate: its number of arguments, + SCAN_FILTER */
	SCAN_GROUP_COLUMNS, /* columns of the input, from 0 */
	SCAN_GROUP_EQUAL,	/* equality operators */
	SCAN_GROUP_COLLATIONS,
	SCAN_IS_GROUPED, /* there is a GROUP BY, even if no column of it is needed */
} ScanPrivate;

#define SCAN_FILTER 64

extern const CustomScanMethods scan_methods;
extern const CustomExecMethods scan_exec_methods;
extern Node *scan_create_state(CustomScan *plan);

#endif /* RETENTION_SCAN_H */
