/*
 * cohort_batch.h
 *		The aggregates of this module for the batch scan.
 */
#ifndef RETENTION_COHORT_BATCH_H
#define RETENTION_COHORT_BATCH_H

#include "cohort/cohort_rows.h"
#include "population/batch.h"

/* Called when the library is loaded: register cohort_retention, and retention_rate and churn_rate with a customer. */
extern void cohort_start(void);
extern void cohort_rate_start(void);

extern void cohort_batch_open(BatchCall *call);
extern void cohort_batch_add(BatchCall *call, Population **population, MemoryContext context,
							 const BatchColumn *columns, const uint16 *rows, int count);
extern struct varlena *cohort_batch_summarise(Population *population, Share share);
extern struct varlena *cohort_batch_merge(struct varlena *into, const struct varlena *other);

/* The methods of a transition function as a constant. The customer is argument 0; the grid follows the last time. */
#define COHORT_BATCH_METHODS(key_kind, row_form, row_anchor_kind, row_kind)                        \
	&(const BatchMethods)                                                                          \
	{                                                                                              \
		.narguments = (row_form) == ROW_MONTHS	? 2                                                \
					  : (row_form) == ROW_PLAIN ? 3                                                \
					  : (row_form) == ROW_FLAGS ? 5                                                \
					  : (row_form) == ROW_MAY	? 6                                                \
												: 4,                                                 \
		.constants = (row_form) == ROW_MONTHS	? 0                                                \
					 : (row_form) == ROW_ANCHOR ? 1 << 3                                           \
												: 1 << 2,                                          \
		.key = (key_kind), .kind = (row_kind), .anchor_kind = (row_anchor_kind),                   \
		.form = (row_form), .open = cohort_batch_open, .add = cohort_batch_add,                    \
		.summarise = cohort_batch_summarise, .merge = cohort_batch_merge                           \
	}

#endif /* RETENTION_COHORT_BATCH_H */
