/*
 * population_rows.h
 *		Rows of a population by partition: plain events of customers that are hashed, before they are put together.
 *
 * A hash table that does not fit into the caches of the processor costs a wait for memory for each row. Rows are
 * therefore only sorted into partitions by a hash of their key, one after the other, and each partition is put into a
 * small table when the population is read. A partition belongs to one share of the processes of a query as a whole, so
 * that rows, not customers of each process, are what they exchange: that does not grow with their number.
 */
#ifndef RETENTION_POPULATION_ROWS_H
#define RETENTION_POPULATION_ROWS_H

#include "population/population_table.h"

/* So many that a chunk is a piece of memory of its own: those of a context are rounded up. */
#define CHUNK_ROWS (2 * BATCH_EVENTS)

/* Rows of one partition. A key's second half is there for uuids only. */
typedef struct RowChunk
{
	struct RowChunk *next;
	int32 used;
	int32 partition;
	uint64 a[CHUNK_ROWS];
	int32 values[CHUNK_ROWS]; /* relative to the origin */
	uint64 b[FLEXIBLE_ARRAY_MEMBER];
} RowChunk;

typedef struct RowStore
{
	MemoryContext context;
	KeyKind key;
	Size chunk_size;
	int64 origin;
	RowChunk *chunks[KEY_PARTITIONS]; /* the newest is first */
} RowStore;

extern RowStore *rows_create(MemoryContext parent, KeyKind key, int64 origin);
extern void rows_free(RowStore *store);
extern void rows_free_partition(RowStore *store, int partition);

/* Plain events of integers. Those whose values are too far are left in left_keys and left_values; returns how many. */
extern int rows_add_plain(RowStore *store, const int64 *keys, const int64 *values, int count,
						  int64 *left_keys, int64 *left_values);

/* One plain event; false: its value is too far. */
extern bool rows_add(RowStore *store, uint64 a, uint64 b, int64 value);

/* Put the rows of a partition into a table, which must not be dense. */
extern void rows_to_table(const RowStore *store, int partition, CustomerTable *table);

/* A copy of a chunk of a store with that origin; false: its rows are to be added one by one. */
extern bool rows_load(RowStore *store, const RowChunk *chunk, int64 origin);

#endif /* RETENTION_POPULATION_ROWS_H */
