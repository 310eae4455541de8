/*
 * flow_batch.h
 *		The aggregates of this module with a customer, for the batch scan.
 */
#ifndef RETENTION_FLOW_BATCH_H
#define RETENTION_FLOW_BATCH_H

/* Called when the library is loaded: registers them. */
extern void flow_start(void);

#endif /* RETENTION_FLOW_BATCH_H */
