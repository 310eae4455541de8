/*
 * counted.h
 *		Tables of counters in one flat value: how many customers there are of each key.
 *
 * A table has items, slots and tags. Items are the few things whose keys are counted apart: the attributes of a
 * customer, the groups of a test. They are numbered from 0. A slot has the counters of one key of one item: of a value,
 * of a time. Tags are the bytes of names and texts. In memory and in tables of the database they follow each other:
 *
 *		head | slots | items | tags
 *
 * The head is a struct of the module that begins with a Counted, an item one that begins with a CountedItem, a slot one
 * that begins with a CountedSlot.
 *
 * While an aggregate runs, its table is HASHED: the place of a slot follows from a hash of its key (linear probing),
 * and a table that fills up is replaced by a larger one. What leaves an aggregate is SORTED, without gaps, so that
 * equal rows give equal bytes whatever their order. Partial states travel between workers hashed: whoever reads two
 * states takes both forms.
 *
 * How to use it (survival/times.c and drivers/drivers.c do):
 *
 *	 1. Fill in a CountedType, static const in the file that looks up slots, so that the compiler sees its functions.
 *	 2. Make an empty table with counted_new(). Find the slot of a key with counted_find(). If the place is not taken,
 *		check the limits of the module (54000), call counted_add_slot(), then fill in the key. Items likewise.
 *	 3. The StoredType has counted_is_own(), and a copy and a merge that call counted_copy() and counted_merge().
 *		All other functions, the final one too, read a state with counted_open().
 *	 4. Write the wire form from a sorted table. Read it into a sorted one that counted_alloc() has made of the right
 *		size, in the order of its bytes, by counted_add_slot() and counted_add_item(); end with counted_check().
 *
 * Bytes of an argument are hostile: counted_check() checks everything that this file knows and asks the module for the
 * rest. Only a table that carries the number of this process (aggregate_process_mark()) is changed in place.
 */
#ifndef RETENTION_COUNTED_H
#define RETENTION_COUNTED_H

#include "base/wire.h"

typedef enum CountedForm
{
	COUNTED_SORTED = 0,
	COUNTED_HASHED = 1,
} CountedForm;

typedef struct Counted
{
	FlatHeader header;
	int32 form;	  /* CountedForm */
	uint32 maker; /* hashed: aggregate_process_mark(); sorted: 0 */
	int32 slot_size;
	int32 capacity; /* places for slots; hashed: a power of two; sorted: used */
	int32 used;
	int32 items;
	int32 item_capacity; /* hashed: a power of two, or 0; sorted: items */
	int32 tag_bytes;
	int32 tag_capacity; /* sorted: tag_bytes */
	int32 zero;
} Counted;

/* Where the bytes of a tag are. A tag of negative length has none; the module may give that a meaning. */
typedef struct TagPlace
{
	int32 offset;
	int32 length;
} TagPlace;

typedef struct CountedItem
{
	TagPlace tag;
	uint32 hash; /* of the tag */
	int32 head;	 /* hashed: 1 + the first item of the chain of this place, or 0 */
	int32 next;	 /* hashed: 1 + the next item of this chain, or 0 */
} CountedItem;

typedef struct CountedSlot
{
	int32 item;	 /* 0 in a table without items */
	int32 taken; /* 1, or 0: an empty place of the hashed form */
} CountedSlot;

/* The numbers that slots are sorted by. */
#define COUNTED_SORT_KEYS 4

typedef struct CountedType
{
	int version; /* of the flat layout */
	Size head_size;
	Size item_size;
	Size slot_size;
	Size wide_slot_size; /* the size of slots after counted_widen(); 0: they have one size */
	Size slot_tag;		 /* the place of the TagPlace in a slot; 0: slots have no tags */
	int first_capacity;	 /* of slots: a power of two */
	int places_per_slot; /* of the hashed form, at least 2 */

	const char *(*name)(WireKind kind); /* for messages */

	/* The hash of a slot's key, and whether a slot that is taken has a key (in the form that the module looks up). */
	uint32 (*hash)(const CountedSlot *slot);
	bool (*same)(const Counted *table, const CountedSlot *slot, const void *key);

	/* The order of items in a sorted table; NULL: the order in which they were added. */
	int (*compare_items)(const Counted *table, int one, int other);
	/*
	 * The order of slots: by these numbers, which are 0 before, then by their tags. The slot may be of another table
	 * and is taken as one of `item`.
	 */
	void (*sort_key)(const Counted *table, int item, const CountedSlot *slot, uint64 *key);

	/*
	 * Called after a table was made from one of the other form or of another process, when its items are in place.
	 * May be NULL.
	 */
	void (*form_changed)(Counted *table);
	/* Adds a table of either form to a hashed one. */
	void (*merge)(Counted **into, const Counted *from);

	/* Raise XX001 on what cannot be. Items may be read when the front has been checked, slots when the items have. */
	void (*check_front)(const Counted *table);
	void (*check_item)(const Counted *table, const CountedItem *item);
	void (*check_slot)(const Counted *table, const CountedSlot *slot);
	void (*check_whole)(const Counted *table);
} CountedType;

static inline CountedSlot *
counted_slot(const CountedType *type, const Counted *table, int number)
{
	/* The size of slots; a constant for types whose slots have one size. */
	Size size = type->wide_slot_size == 0 ? type->slot_size : (Size) table->slot_size;

	return (CountedSlot *) ((char *) table + type->head_size + size * (Size) number);
}

static inline CountedItem *
counted_item(const CountedType *type, const Counted *table, int number)
{
	return (CountedItem *) ((char *) counted_slot(type, table, table->capacity) +
							type->item_size * (Size) number);
}

static inline char *
counted_tags(const CountedType *type, const Counted *table)
{
	return (char *) counted_item(type, table, table->item_capacity);
}

static inline Tag
counted_tag(const CountedType *type, const Counted *table, TagPlace place)
{
	return (Tag){counted_tags(type, table) + place.offset, place.length};
}

/* The place of a key in a hashed table, or an empty place if the key is not in it. There is always an empty place. */
static pg_attribute_always_inline CountedSlot *
counted_find(const CountedType *type, const Counted *table, uint32 hash, const void *key)
{
	uint32 mask = (uint32) table->capacity - 1;

	for (uint32 at = hash & mask;; at = (at + 1) & mask)
	{
		CountedSlot *slot = counted_slot(type, table, (int) at);

		if (!slot->taken || type->same(table, slot, key))
			return slot;
	}
}

/* The first item of a hashed table whose tag may have this hash, or -1. The next one is item->next - 1. */
static inline int
counted_first_item(const CountedType *type, const Counted *table, uint32 hash)
{
	if (table->item_capacity == 0)
		return -1;
	return counted_item(type, table, (int) (hash & (uint32) (table->item_capacity - 1)))->head - 1;
}

/* An empty table with that capacity, in the current context. counted_new(): hashed, with space for a few slots. */
extern Counted *counted_alloc(const CountedType *type, WireKind kind, CountedForm form,
							  Size slot_size, int64 slots, int64 items, int64 tag_bytes);
extern Counted *counted_new(const CountedType *type, WireKind kind, int64 items, int64 tag_bytes);

/*
 * Add a slot or an item with its hash, its item and a place for a tag of that length; the caller fills in the rest. A
 * hashed table may move: then *table is a larger one, allocated in the current context. The old one is not freed, for
 * the executor copies a state at a new address and frees the old one itself. counted_widen() makes slots wide; their
 * new part is 0.
 */
extern CountedSlot *
counted_add_slot(const CountedType *type, Counted **table, uint32 hash, int item, int tag_length);
extern CountedItem *
counted_add_item(const CountedType *type, Counted **table, uint32 hash, int tag_length);
extern void counted_widen(const CountedType *type, Counted **table);

/* A hashed table with the head and the items of another one, with the same capacity and without slots. */
extern Counted *counted_without_slots(const CountedType *type, const Counted *from);

/* A hashed and a sorted copy of a table of either form, which has been checked. */
extern Counted *counted_thaw(const CountedType *type, const Counted *from);
extern Counted *counted_sorted(const CountedType *type, const Counted *from);

/* ---- The state of an aggregate ---- */

/* For the fields of a StoredType (base/type_sql.h): is_own, and what copy and merge call. */
extern bool counted_is_own(const void *state);
extern Counted *counted_copy(const CountedType *type, Datum value, WireKind kind);
extern Counted *counted_merge(const CountedType *type, Counted *state, Datum value, WireKind kind);

/* An argument in sorted form, checked. Raises XX001 on bytes that no aggregate has written. */
extern const Counted *counted_open(const CountedType *type, Datum value, WireKind kind);

/* Checks everything in a table of this type. Raises XX001. */
extern void counted_check(const CountedType *type, const Counted *table);

#endif /* RETENTION_COUNTED_H */
