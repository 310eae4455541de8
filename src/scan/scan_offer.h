/*
 * scan_offer.h
 *		What the files that plan a batch scan have in common.
 */
#ifndef RETENTION_SCAN_OFFER_H
#define RETENTION_SCAN_OFFER_H

#include "nodes/pathnodes.h"

/* What a batch scan would read: its children, and what their rows cost it. */
typedef struct ScanSource
{
	List *children; /* Path, each with the columns of the target */
	PathTarget *target;
	double rows; /* of one process */
	int workers; /* 0: it is not partial */
	bool parallel_safe;
	Cost cost; /* until the last row is in a batch */
} ScanSource;

/*
 * scan_cost.c: a source for a path of the input, and one that reads the same tables in their order whatever the path
 * does. False: there is none, or in the second case none but the first.
 */
extern bool scan_source_of_path(PlannerInfo *root, Path *path, bool partial, ScanSource *source);
extern bool scan_source_of_tables(PlannerInfo *root, Path *path, bool partial, ScanSource *source);

/* scan_estimate.c */
extern double scan_estimate_groups(PlannerInfo *root, List *expressions, double rows);

#endif /* RETENTION_SCAN_OFFER_H */
