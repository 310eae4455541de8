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

/* Before a cell stands its key: a for integers, else a and b (of a text, b points to a KeyText). */
typedef struct IntSlot
{
	uint64 a;
	EventCell cell;
} IntSlot;

typedef struct WideSlot
{
	uint64 a;
	uint64 b;
	EventCell cell;
} WideSlot;

typedef struct CustomerHash
{
	MemoryContext context;
	KeyKind key;
	int slot_size;
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

static inline IntSlot *
int_slot(const CustomerHash *hash, uint64 place)
{
	return &((IntSlot *) hash->slots)[place & (hash->places - 1)];
}

static inline WideSlot *
wide_slot(const CustomerHash *hash, uint64 place)
{
	return &((WideSlot *) hash->slots)[place & (hash->places - 1)];
}

/* The cell of an integer, from the place that is its key_mix(). */
static inline EventCell *
hash_int(CustomerHash *hash, uint64 key, uint64 place)
{
	for (;; place++)
	{
		IntSlot *slot = int_slot(hash, place);

		if (slot->cell.form == CELL_EMPTY)
			slot->a = key;
		if (slot->a == key)
			return &slot->cell;
	}
}

/* The cell of a uuid, from the place that is its key_hash(). */
static inline EventCell *
hash_uuid(CustomerHash *hash, uint64 a, uint64 b, uint64 place)
{
	for (;; place++)
	{
		WideSlot *slot = wide_slot(hash, place);

		if (slot->cell.form == CELL_EMPTY)
		{
			slot->a = a;
			slot->b = b;
		}
		if (slot->a == a && slot->b == b)
			return &slot->cell;
	}
}

/* The cell of a text, whose hash is a. */
static inline EventCell *
hash_text(CustomerHash *hash, uint64 a, const char *bytes, Size size)
{
	for (uint64 place = a;; place++)
	{
		WideSlot *slot = wide_slot(hash, place);
		const KeyText *kept;

		if (slot->cell.form == CELL_EMPTY)
		{
			slot->a = a;
			slot->b = (uintptr_t) hash_keep_text(hash, bytes, size);
			return &slot->cell;
		}
		kept = (const KeyText *) (uintptr_t) slot->b;
		if (slot->a == a && kept->size == size && memcmp(kept->bytes, bytes, size) == 0)
			return &slot->cell;
	}
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
	const WideSlot *slot;

	if (hash->key == KEY_INT64)
	{
		const IntSlot *narrow = &((const IntSlot *) hash->slots)[place];

		key->a = narrow->a;
		return narrow->cell.form == CELL_EMPTY ? NULL : &narrow->cell;
	}
	slot = &((const WideSlot *) hash->slots)[place];
	if (slot->cell.form == CELL_EMPTY)
		return NULL;
	key->a = slot->a;
	key->b = slot->b;
	if (hash->key == KEY_TEXT)
	{
		const KeyText *kept = (const KeyText *) (uintptr_t) slot->b;

		key->b = kept->size;
		key->bytes = kept->bytes;
	}
	return &slot->cell;
}

#endif /* RETENTION_POPULATION_HASH_H */
