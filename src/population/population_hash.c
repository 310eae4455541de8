/*
 * population_hash.c
 *		Cells by any key: growing and sorting a hash table, and keeping texts.
 */
#include "retention.h"

#include "base/check.h"
#include "population/population_hash.h"
#include "population/population_page.h"

#define PLACES_LEAST 64
#define TEXT_BLOCK_LEAST 512
#define TEXT_BLOCK_MOST (256 * 1024)

static int compare_texts(const WideSlot *one, const WideSlot *other);

#define ST_SORT sort_int_slots
#define ST_ELEMENT_TYPE IntSlot
#define ST_COMPARE(x, y) ((x)->a < (y)->a ? -1 : (x)->a > (y)->a)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_uuid_slots
#define ST_ELEMENT_TYPE WideSlot
#define ST_COMPARE(x, y)                                                                           \
	((x)->a != (y)->a ? ((x)->a < (y)->a ? -1 : 1) : (x)->b < (y)->b ? -1 : (x)->b > (y)->b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_text_slots
#define ST_ELEMENT_TYPE WideSlot
#define ST_COMPARE(x, y) compare_texts(x, y)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static int
compare_texts(const WideSlot *one, const WideSlot *other)
{
	const KeyText *x = (const KeyText *) (uintptr_t) one->b;
	const KeyText *y = (const KeyText *) (uintptr_t) other->b;

	if (one->a != other->a)
		return one->a < other->a ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return memcmp(x->bytes, y->bytes, x->size);
}

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
	char *old = hash->slots;
	uint64 old_places = hash->places;

	hash->slots = table_memory(hash->context, places * hash->slot_size);
	hash->places = places;
	for (uint64 i = 0; i < old_places; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (hash->key == KEY_INT64)
		{
			IntSlot *slot = &((IntSlot *) old)[i];

			if (slot->cell.form != CELL_EMPTY)
				*hash_int(hash, slot->a, key_mix(slot->a)) = slot->cell;
		}
		else
		{
			WideSlot *slot = &((WideSlot *) old)[i];
			uint64 place = key_hash(hash->key, slot->a, slot->b);

			if (slot->cell.form == CELL_EMPTY)
				continue;
			while (wide_slot(hash, place)->cell.form != CELL_EMPTY)
				place++;
			*wide_slot(hash, place) = *slot;
		}
	}
	if (old != NULL)
		pfree(old);
}

uint64
hash_sort(CustomerHash *hash)
{
	uint64 count = 0;

	for (uint64 i = 0; i < hash->places; i++)
	{
		const char *slot = hash->slots + i * hash->slot_size;

		CHECK_NOW_AND_THEN(i);
		if (hash->key == KEY_INT64 ? ((const IntSlot *) slot)->cell.form != CELL_EMPTY
								   : ((const WideSlot *) slot)->cell.form != CELL_EMPTY)
			memmove(hash->slots + count++ * hash->slot_size, slot, hash->slot_size);
	}
	if (count <= 1)
		;
	else if (hash->key == KEY_INT64)
		sort_int_slots((IntSlot *) hash->slots, count);
	else if (hash->key == KEY_UUID)
		sort_uuid_slots((WideSlot *) hash->slots, count);
	else if (hash->key == KEY_TEXT)
		sort_text_slots((WideSlot *) hash->slots, count);
	return count;
}
