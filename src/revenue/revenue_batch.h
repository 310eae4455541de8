/*
 * revenue_batch.h
 *		The aggregates of this module for the batch scan.
 */
#ifndef RETENTION_REVENUE_BATCH_H
#define RETENTION_REVENUE_BATCH_H

/* Called when the library is loaded: register mrr_movements with a customer. */
extern void revenue_start(void);

#endif /* RETENTION_REVENUE_BATCH_H */
