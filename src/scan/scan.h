/*
 * scan.h
 *		The batch scan: aggregates with a customer, computed a page of rows at a time.
 *
 * Where a query aggregates with one-step aggregates of this extension only, the planner is offered a Custom Scan
 * (RetentionScan) that takes the place of the aggregate node. The paths that read the input stay its children.
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

/* What an aggregate is made of. */
typedef struct AggregateParts
{
	Oid transition;
	Oid final;
	const BatchMethods *methods; /* behind the transition function */
	const BatchFinish *finish;
} AggregateParts;

/* Whether an aggregate is a member of this extension. */
extern bool scan_is_ours(Oid aggregate);

/* False where an aggregate is not made of two functions that belong together. */
extern bool scan_find_parts(Oid aggregate, AggregateParts *parts);

/*
 * What the plan says, in custom_private: lists of integers and object identifiers.
 *
 * custom_scan_tlist holds the aggregates, then what the input has (what the first custom plan's target list computes);
 * custom_exprs the arguments of each aggregate, then its FILTER where it has one.
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
