/*
 * survival_batch.h
 *		survival() with a customer, for the batch scan.
 */
#ifndef RETENTION_SURVIVAL_BATCH_H
#define RETENTION_SURVIVAL_BATCH_H

/* Called when the library is loaded: registers it. */
extern void survival_start(void);

#endif /* RETENTION_SURVIVAL_BATCH_H */
