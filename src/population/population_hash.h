/*
 * population_hash.h
 *		Cells by any key: a hash table of open addressing.
 *
 * The functions that find a cell are inlined, since every row takes them. They need a free place, so hash_resize()
 * comes first. An empty cell's key is not looked at; the first event that is added to it keeps it.
 */
#ifndef RETENTION_POPULATION_HASH_H
#define RETENTION_POPULATION_HASH_H

#include "population/population_cell.h"

/* A text that is kept. */
typedef struct KeyText
{
	uint32 size;
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} KeyText;

/* A cell and its key: a, and but for integers b (of a text, b points to a KeyText). */
typedef struct HashSlot
{
	uint64 a;
	EventCell cell;
	uint64 b[FLEXIBLE_ARRAY_MEMBER];
} HashSlot;

typedef struct CustomerHash
{
	MemoryContext context;
	KeyKind key;
	char *slots;
	uint64 places; /* 0, or a power of two */

	/* What is left of a block for texts. */
	char *text_at;
	Size text_capacity;
} CustomerHash;

/* The places that so many customers need: as many as there are, or more. */
extern uint64 hash_places_for(const CustomerHash *hash, int64 customers);

extern void hash_resize(CustomerHash *hash, uint64 places);

extern KeyText *hash_keep_text(CustomerHash *hash, const char *bytes, Size size);

/* kind, here and below, is that of the table: where it is a constant, each kind gets code of its own. */
static inline Size
hash_slot_size(KeyKind kind)
{
	return offsetof(HashSlot, b) + (kind == KEY_INT64 ? 0 : sizeof(uint64));
}

static inline HashSlot *
hash_slot(const CustomerHash *hash, KeyKind kind, uint64 place)
{
	return (HashSlot *) (hash->slots + (place & (hash->places - 1)) * hash_slot_size(kind));
}

/* The cell of a key, from the place that is its key_hash(). */
static pg_attribute_always_inline EventCell *
hash_cell(CustomerHash *hash, KeyKind kind, const CustomerKey *key, uint64 place)
{
	for (;; place++)
	{
		HashSlot *slot = hash_slot(hash, kind, place);

		if (slot->cell.form == CELL_EMPTY)
		{
			slot->a = key->a;
			if (kind == KEY_UUID)
				slot->b[0] = key->b;
			else if (kind == KEY_TEXT)
				slot->b[0] = (uintptr_t) hash_keep_text(hash, key->bytes, key->b);
			return &slot->cell;
		}
		if (slot->a != key->a)
			continue;
		if (kind == KEY_TEXT)
		{
			const KeyText *kept = (const KeyText *) (uintptr_t) slot->b[0];

			if (kept->size != key->b || memcmp(kept->bytes, key->bytes, key->b) != 0)
				continue;
		}
		else if (kind == KEY_UUID && slot->b[0] != key->b)
			continue;
		return &slot->cell;
	}
}

/* The same from the beginning. */
static inline EventCell *
hash_find(CustomerHash *hash, const CustomerKey *key)
{
	uint64 place = key_hash(hash->key, key->a, key->b);

	return hash->key == KEY_INT64  ? hash_cell(hash, KEY_INT64, key, place)
		   : hash->key == KEY_UUID ? hash_cell(hash, KEY_UUID, key, place)
								   : hash_cell(hash, KEY_TEXT, key, place);
}

/*
 * All places, for i from 0, 64 at a time and these out of order: keys that come in the order of their places would fill
 * one end of a smaller table long before the other, and each would go past all before it.
 */
static inline uint64
hash_place(const CustomerHash *hash, uint64 i)
{
	return ((i >> 6) * UINT64CONST(0x9e3779b97f4a7c15) << 6 | (i & 63)) & (hash->places - 1);
}

/* The cell at a place, and its key; NULL: the place is free. */
static inline const EventCell *
hash_cell_at(const CustomerHash *hash, uint64 place, CustomerKey *key)
{
	const HashSlot *slot = hash_slot(hash, hash->key, place);

	if (slot->cell.form == CELL_EMPTY)
		return NULL;
	key->a = slot->a;
	if (hash->key == KEY_UUID)
		key->b = slot->b[0];
	else if (hash->key == KEY_TEXT)
	{
		const KeyText *kept = (const KeyText *) (uintptr_t) slot->b[0];

		key->b = kept->size;
		key->bytes = kept->bytes;
	}
	return &slot->cell;
}

#endif /* RETENTION_POPULATION_HASH_H */
