/*
 * population_hash.c
 *		Cells by any key: growing a hash table, and keeping texts.
 */
#include "retention.h"

#include "base/check.h"
#include "population/population_hash.h"
#include "population/population_page.h"

#define PLACES_LEAST 64
#define TEXT_BLOCK_LEAST 512
#define TEXT_BLOCK_MOST (256 * 1024)

KeyText *
hash_keep_text(CustomerHash *hash, const char *bytes, Size size)
{
	Size need = TYPEALIGN(sizeof(uint32), offsetof(KeyText, bytes) + size);
	Size block = MemoryContextMemAllocated(hash->context, false) / 8;
	KeyText *kept;

	block = Max(Min(block, TEXT_BLOCK_MOST), TEXT_BLOCK_LEAST);
	if (need > hash->text_capacity && need > block / 4)
		kept = MemoryContextAllocHuge(hash->context, need);
	else
	{
		if (need > hash->text_capacity)
		{
			hash->text_at = MemoryContextAlloc(hash->context, block);
			hash->text_capacity = block;
		}
		kept = (KeyText *) hash->text_at;
		hash->text_at += need;
		hash->text_capacity -= need;
	}
	kept->size = (uint32) size;
	memcpy(kept->bytes, bytes, size);
	return kept;
}

uint64
hash_places_for(const CustomerHash *hash, int64 customers)
{
	uint64 places = Max(hash->places, PLACES_LEAST);

	while ((uint64) customers > places / 4 * 3)
		places *= 2;
	return places;
}

void
hash_resize(CustomerHash *hash, uint64 places)
{
	const CustomerHash old = *hash;
	Size size = hash_slot_size(hash->key);

	hash->slots = table_memory(hash->context, places * size);
	hash->places = places;
	for (uint64 i = 0; i < old.places; i++)
	{
		const HashSlot *slot = hash_slot(&old, hash->key, i);
		uint64 place;

		CHECK_NOW_AND_THEN(i);
		if (slot->cell.form == CELL_EMPTY)
			continue;
		place = key_hash(hash->key, slot->a, hash->key == KEY_UUID ? slot->b[0] : 0);
		while (hash_slot(hash, hash->key, place)->cell.form != CELL_EMPTY)
			place++;
		memcpy(hash_slot(hash, hash->key, place), slot, size);
	}
	if (old.slots != NULL)
		pfree(old.slots);
}
