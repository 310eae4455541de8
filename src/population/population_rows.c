/*
 * population_rows.c
 *		Rows of a population by partition: plain events of customers that are hashed, before they are put together.
 */
#include "retention.h"

#include "population/population_rows.h"

RowStore *
rows_create(MemoryContext parent, KeyKind key, int64 origin)
{
	MemoryContext context =
		AllocSetContextCreate(parent, "retention rows", 0, 1024, 8 * 1024 * 1024);
	RowStore *store = MemoryContextAllocZero(context, sizeof(RowStore));

	store->context = context;
	store->key = key;
	store->chunk_size = offsetof(RowChunk, b) + (key == KEY_UUID ? CHUNK_ROWS * sizeof(uint64) : 0);
	store->origin = origin;
	return store;
}

void
rows_free(RowStore *store)
{
	MemoryContextDelete(store->context);
}

void
rows_free_partition(RowStore *store, int partition)
{
	RowChunk *chunk = store->chunks[partition];

	while (chunk != NULL)
	{
		RowChunk *next = chunk->next;

		pfree(chunk);
		chunk = next;
	}
	store->chunks[partition] = NULL;
}

static pg_noinline RowChunk *
next_chunk(RowStore *store, int partition)
{
	RowChunk *chunk = MemoryContextAlloc(store->context, store->chunk_size);

	chunk->next = store->chunks[partition];
	chunk->used = 0;
	chunk->partition = partition;
	store->chunks[partition] = chunk;
	return chunk;
}

static pg_attribute_always_inline bool
add_row(RowStore *store, bool wide, uint64 a, uint64 b, int64 value)
{
	int64 offset = (int64) ((uint64) value - (uint64) store->origin);
	int partition = key_partition(wide ? KEY_UUID : KEY_INT64, a, b);
	RowChunk *chunk = store->chunks[partition];

	if (unlikely(offset != (int32) offset))
		return false;
	if (unlikely(chunk == NULL || chunk->used == CHUNK_ROWS))
		chunk = next_chunk(store, partition);
	chunk->a[chunk->used] = a;
	if (wide)
		chunk->b[chunk->used] = b;
	chunk->values[chunk->used++] = (int32) offset;
	return true;
}

int
rows_add_plain(RowStore *store, const int64 *keys, const int64 *values, int count, int64 *left_keys,
			   int64 *left_values)
{
	int left = 0;

	for (int i = 0; i < count; i++)
		if (unlikely(!add_row(store, false, (uint64) keys[i], 0, values[i])))
		{
			left_values[left] = values[i];
			left_keys[left++] = keys[i];
		}
	return left;
}

bool
rows_add(RowStore *store, uint64 a, uint64 b, int64 value)
{
	return store->key == KEY_UUID ? add_row(store, true, a, b, value)
								  : add_row(store, false, a, 0, value);
}

void
rows_to_table(const RowStore *store, int partition, CustomerTable *table)
{
	for (const RowChunk *chunk = store->chunks[partition]; chunk != NULL; chunk = chunk->next)
		for (int done = 0; done < chunk->used; done += BATCH_EVENTS)
		{
			int64 values[BATCH_EVENTS];
			int count = Min(chunk->used - done, BATCH_EVENTS);

			CHECK_FOR_INTERRUPTS();
			for (int i = 0; i < count; i++)
				values[i] =
					(int64) ((uint64) store->origin + (uint64) (int64) chunk->values[done + i]);
			table_reserve(table, count, 0);
			table_apply_plain(table, chunk->a + done, chunk->b + done, values, count);
		}
}

bool
rows_load(RowStore *store, const RowChunk *from, int64 origin)
{
	RowChunk *first = store->chunks[from->partition];
	RowChunk *copy;

	/* A small chunk would waste memory. */
	if (origin != store->origin || from->used < CHUNK_ROWS / 2)
		return false;
	copy = MemoryContextAlloc(store->context, store->chunk_size);
	memcpy(copy, from, store->chunk_size);
	/* Behind the one that is being filled. */
	copy->next = first == NULL ? NULL : first->next;
	if (first == NULL)
		store->chunks[from->partition] = copy;
	else
		first->next = copy;
	return true;
}
