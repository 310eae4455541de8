/*
 * flow_batch.h
 *		The aggregates of the room with a customer, for the batch scan: lists that end with NULL.
 */
#ifndef RETENTION_FLOW_BATCH_H
#define RETENTION_FLOW_BATCH_H

#include "population/batch.h"

extern const BatchEntry flow_batch_entries[];
extern const BatchFinish flow_batch_finishes[];

#endif /* RETENTION_FLOW_BATCH_H */
