/*
 * counted.c
 *		Tables of counters in one flat value: how many customers there are of each key.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "base/counted.h"
#include "base/memory.h"
#include "base/sort.h"
#include "port/pg_bitutils.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

static const char *
type_name(const CountedType *type, const Counted *table)
{
	return type->name((WireKind) table->header.kind);
}

static Size
counted_size(const CountedType *type, Size slot_size, int64 slots, int64 items, int64 tag_bytes)
{
	Size size = add_size(type->head_size, mul_size(slot_size, (Size) slots));

	size = add_size(size, mul_size(type->item_size, (Size) items));
	return add_size(size, (Size) tag_bytes);
}

Counted *
counted_alloc(const CountedType *type, WireKind kind, CountedForm form, Size slot_size, int64 slots,
			  int64 items, int64 tag_bytes)
{
	Size size = counted_size(type, slot_size, slots, items, tag_bytes);
	Counted *table;

	if (!AllocSizeIsValid(size))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s is larger than a value can be (1 GB)", type->name(kind))));
	table = memory_alloc(size);
	flat_mark(table, kind, type->version, size);
	table->form = form;
	table->maker = form == COUNTED_HASHED ? aggregate_process_mark() : 0;
	table->slot_size = (int32) slot_size;
	table->capacity = (int32) slots;
	table->item_capacity = (int32) items;
	table->tag_capacity = (int32) tag_bytes;
	return table;
}

/* The smallest power of two that is not less than a number; 0 for 0. */
static int64
power_of_two(int64 least)
{
	return least > 0 ? (int64) pg_nextpower2_64((uint64) least) : 0;
}

static int64
places_for(const CountedType *type, int64 slots)
{
	return power_of_two(Max(slots * type->places_per_slot, type->first_capacity));
}

Counted *
counted_new(const CountedType *type, WireKind kind, int64 items, int64 tag_bytes)
{
	return counted_alloc(type, kind, COUNTED_HASHED, type->slot_size, places_for(type, items),
						 power_of_two(items), tag_bytes);
}

static void
copy_head(const CountedType *type, Counted *table, const Counted *from)
{
	memcpy((char *) table + sizeof(Counted), (const char *) from + sizeof(Counted),
		   type->head_size - sizeof(Counted));
}

/* Take a place among the tags, for which there is space. */
static TagPlace
place_tag(Counted *table, int length)
{
	TagPlace place = {table->tag_bytes, length};

	if (length <= 0)
		place.offset = 0;
	else
		table->tag_bytes += length;
	return place;
}

static TagPlace
copy_tag(const CountedType *type, Counted *table, const Counted *from, TagPlace old)
{
	TagPlace place = place_tag(table, old.length);

	if (old.length > 0)
		memcpy(counted_tags(type, table) + place.offset, counted_tags(type, from) + old.offset,
			   old.length);
	return place;
}

static TagPlace *
slot_tag(const CountedType *type, const CountedSlot *slot)
{
	return (TagPlace *) ((char *) slot + type->slot_tag);
}

/* The free place for a key with this hash that is not in the table. */
static CountedSlot *
free_place(const CountedType *type, const Counted *table, uint32 hash)
{
	uint32 mask = (uint32) table->capacity - 1;
	CountedSlot *slot;

	for (uint32 at = hash;; at++)
	{
		slot = counted_slot(type, table, (int) (at & mask));
		if (!slot->taken)
			return slot;
	}
}

static void
chain_item(const CountedType *type, Counted *table, int number)
{
	CountedItem *item = counted_item(type, table, number);
	int place = (int) (item->hash & (uint32) (table->item_capacity - 1));
	CountedItem *first = counted_item(type, table, place);

	item->next = first->head;
	first->head = number + 1;
}

/* Copy the items of another table with their tags, in an order (NULL: their own). */
static void
copy_items(const CountedType *type, Counted *table, const Counted *from, const int *order)
{
	for (int i = 0; i < from->items; i++)
	{
		const CountedItem *old = counted_item(type, from, order != NULL ? order[i] : i);
		CountedItem *item = counted_item(type, table, i);
		int head = item->head; /* the chain of this place may have begun */

		memcpy(item, old, type->item_size);
		item->tag = copy_tag(type, table, from, old->tag);
		item->head = head;
		item->next = 0;
		if (table->form == COUNTED_HASHED)
			chain_item(type, table, i);
	}
	table->items = from->items;
}

/* A hashed table with the contents of another one of either form. */
static Counted *
rebuild(const CountedType *type, const Counted *from, Size slot_size, int64 slots, int64 items,
		int64 tag_bytes)
{
	Counted *table = counted_alloc(type, (WireKind) from->header.kind, COUNTED_HASHED, slot_size,
								   slots, items, tag_bytes);

	copy_head(type, table, from);
	copy_items(type, table, from, NULL);
	for (int i = 0; i < from->capacity; i++)
	{
		const CountedSlot *old = counted_slot(type, from, i);
		CountedSlot *slot;

		CHECK_NOW_AND_THEN(i);
		if (!old->taken)
			continue;
		slot = free_place(type, table, type->hash(old));
		memcpy(slot, old, from->slot_size);
		if (type->slot_tag > 0)
			*slot_tag(type, slot) = copy_tag(type, table, from, *slot_tag(type, old));
	}
	table->used = from->used;
	return table;
}

/*
 * Make space for more slots, items and bytes of tags. Only a part that is too small grows, at least to twice its
 * size.
 */
static void
reserve(const CountedType *type, Counted **table, int slots, int items, int64 tag_bytes)
{
	const Counted *it = *table;
	int64 capacity = it->capacity;
	int64 item_capacity = it->item_capacity;
	int64 tag_capacity = it->tag_capacity;

	if (it->form == COUNTED_SORTED)
	{
		if (slots > capacity - it->used || items > item_capacity - it->items ||
			tag_bytes > tag_capacity - it->tag_bytes)
			wire_corrupt(type_name(type, it), "It has more parts than it says.");
		return;
	}
	if (((int64) it->used + slots) * type->places_per_slot > capacity)
		capacity = places_for(type, (int64) it->used + slots);
	if (it->items + items > item_capacity)
		item_capacity = power_of_two((int64) it->items + items);
	if (it->tag_bytes + tag_bytes > tag_capacity)
		tag_capacity = Max(tag_capacity * 2, Max(it->tag_bytes + tag_bytes, 64));
	if (capacity != it->capacity || item_capacity != it->item_capacity ||
		tag_capacity != it->tag_capacity)
		*table = rebuild(type, it, it->slot_size, capacity, item_capacity, tag_capacity);
}

CountedSlot *
counted_add_slot(const CountedType *type, Counted **table, uint32 hash, int item, int tag_length)
{
	CountedSlot *slot;

	reserve(type, table, 1, 0, Max(tag_length, 0));
	slot = (*table)->form == COUNTED_HASHED ? free_place(type, *table, hash)
											: counted_slot(type, *table, (*table)->used);
	slot->item = item;
	slot->taken = 1;
	if (type->slot_tag > 0)
		*slot_tag(type, slot) = place_tag(*table, tag_length);
	(*table)->used++;
	return slot;
}

CountedItem *
counted_add_item(const CountedType *type, Counted **table, uint32 hash, int tag_length)
{
	CountedItem *item;

	reserve(type, table, 0, 1, Max(tag_length, 0));
	item = counted_item(type, *table, (*table)->items);
	item->hash = hash;
	item->tag = place_tag(*table, tag_length);
	if ((*table)->form == COUNTED_HASHED)
		chain_item(type, *table, (*table)->items);
	(*table)->items++;
	return item;
}

void
counted_widen(const CountedType *type, Counted **table)
{
	const Counted *it = *table;

	*table =
		rebuild(type, it, type->wide_slot_size, it->capacity, it->item_capacity, it->tag_capacity);
}

Counted *
counted_without_slots(const CountedType *type, const Counted *from)
{
	Counted *table =
		counted_alloc(type, (WireKind) from->header.kind, COUNTED_HASHED, from->slot_size,
					  from->capacity, from->item_capacity, from->tag_capacity);

	copy_head(type, table, from);
	copy_items(type, table, from, NULL);
	return table;
}

Counted *
counted_thaw(const CountedType *type, const Counted *from)
{
	Counted *table = rebuild(type, from, from->slot_size, places_for(type, (int64) from->used + 1),
							 power_of_two(from->items), from->tag_bytes);

	if (type->form_changed != NULL)
		type->form_changed(table);
	return table;
}

/* ---- The sorted form ---- */

typedef struct Sorting
{
	const CountedType *type;
	const Counted *from;
} Sorting;

typedef struct SlotPlace
{
	uint64 key[COUNTED_SORT_KEYS];
	int32 item; /* in the sorted table */
	int32 from; /* place in the old one */
} SlotPlace;

static int
compare_item_numbers(const void *a, const void *b, void *arg)
{
	const Sorting *sorting = arg;

	return sorting->type->compare_items(sorting->from, *(const int *) a, *(const int *) b);
}

static int
compare_places(const void *a, const void *b, void *arg)
{
	const Sorting *sorting = arg;
	const CountedType *type = sorting->type;
	const SlotPlace *one = a;
	const SlotPlace *other = b;

	for (int i = 0; i < COUNTED_SORT_KEYS; i++)
		if (one->key[i] != other->key[i])
			return one->key[i] < other->key[i] ? -1 : 1;
	if (type->slot_tag == 0)
		return 0;
	return tag_compare(
		counted_tag(type, sorting->from,
					*slot_tag(type, counted_slot(type, sorting->from, one->from))),
		counted_tag(type, sorting->from,
					*slot_tag(type, counted_slot(type, sorting->from, other->from))));
}

Counted *
counted_sorted(const CountedType *type, const Counted *from)
{
	Counted *table = counted_alloc(type, (WireKind) from->header.kind, COUNTED_SORTED,
								   from->slot_size, from->used, from->items, from->tag_bytes);
	Sorting sorting = {type, from};
	int *order = palloc(sizeof(int) * Max(from->items, 1));
	int *number = palloc0(sizeof(int) * Max(from->items, 1)); /* in the new table */
	SlotPlace *places =
		palloc_extended(mul_size(sizeof(SlotPlace), Max(from->used, 1)), MCXT_ALLOC_HUGE);
	int n = 0;

	for (int i = 0; i < from->items; i++)
		order[i] = i;
	if (type->compare_items != NULL)
		sort_any(order, from->items, sizeof(int), compare_item_numbers, &sorting);
	for (int i = 0; i < from->items; i++)
		number[order[i]] = i;
	copy_head(type, table, from);
	copy_items(type, table, from, order);
	if (type->form_changed != NULL)
		type->form_changed(table);

	for (int i = 0; i < from->capacity; i++)
	{
		const CountedSlot *slot = counted_slot(type, from, i);

		CHECK_NOW_AND_THEN(i);
		if (!slot->taken)
			continue;
		places[n] = (SlotPlace){.from = i};
		places[n].item = number[slot->item];
		type->sort_key(table, places[n].item, slot, places[n].key);
		n++;
	}
	Assert(n == from->used);
	sort_any(places, n, sizeof(SlotPlace), compare_places, &sorting);
	for (int i = 0; i < n; i++)
	{
		CountedSlot *slot = counted_slot(type, table, i);

		CHECK_NOW_AND_THEN(i);
		memcpy(slot, counted_slot(type, from, places[i].from), from->slot_size);
		slot->item = places[i].item;
		if (type->slot_tag > 0)
			*slot_tag(type, slot) = copy_tag(type, table, from, *slot_tag(type, slot));
	}
	table->used = n;
	pfree(places);
	pfree(order);
	pfree(number);
	return table;
}

/* ---- Bytes that come in ---- */

/* Check the numbers that must be right before anything else is read. */
static void
check_front(const CountedType *type, const Counted *table)
{
	const char *name = type_name(type, table);
	bool hashed = table->form == COUNTED_HASHED;

	if ((table->form != COUNTED_SORTED && !hashed) || table->zero != 0 || table->used < 0 ||
		table->items < 0 || table->tag_bytes < 0 ||
		(table->slot_size != (int32) type->slot_size &&
		 (type->wide_slot_size == 0 || table->slot_size != (int32) type->wide_slot_size)))
		wire_corrupt(name, "A number at its front is out of range.");
	if (hashed
			? table->capacity < type->first_capacity || table->capacity <= table->used ||
				  (table->capacity & (table->capacity - 1)) != 0 ||
				  table->item_capacity < table->items ||
				  (table->item_capacity & (table->item_capacity - 1)) != 0 ||
				  table->tag_capacity < table->tag_bytes
			: table->maker != 0 || table->capacity != table->used ||
				  table->item_capacity != table->items || table->tag_capacity != table->tag_bytes)
		wire_corrupt(name, "Its capacity does not agree with its contents.");
	if (counted_size(type, table->slot_size, table->capacity, table->item_capacity,
					 table->tag_capacity) != VARSIZE(table))
		wire_corrupt(name, "Its length is not that of its contents.");
}

/* Check that a tag lies among the tags; returns its length. */
static int64
check_tag(const CountedType *type, const Counted *table, TagPlace place)
{
	if (place.offset < 0 || (int64) place.offset + Max(place.length, 0) > table->tag_bytes)
		wire_corrupt(type_name(type, table), "The place of a text lies outside of the value.");
	return Max(place.length, 0);
}

/* Check that a slot of a hashed table can be found: no place between that of its hash and its own is empty. */
static void
check_place(const CountedType *type, const Counted *table, int number)
{
	uint32 mask = (uint32) table->capacity - 1;
	uint32 at = type->hash(counted_slot(type, table, number)) & mask;

	for (; at != (uint32) number; at = (at + 1) & mask)
		if (!counted_slot(type, table, (int) at)->taken)
			wire_corrupt(type_name(type, table), "A counter is not at its place.");
}

void
counted_check(const CountedType *type, const Counted *table)
{
	const char *name = type_name(type, table);
	bool hashed = table->form == COUNTED_HASHED;
	Sorting sorting = {type, table};
	SlotPlace before = {.from = -1};
	int64 tag_bytes = 0;
	int taken = 0;

	check_front(type, table);
	type->check_front(table);
	for (int i = 0; i < table->items; i++)
	{
		const CountedItem *item = counted_item(type, table, i);

		tag_bytes += check_tag(type, table, item->tag);
		if (!hashed && (item->head != 0 || item->next != 0))
			wire_corrupt(name, "An item of a sorted value is chained to others.");
		type->check_item(table, item);
		if (!hashed && i > 0 && type->compare_items != NULL &&
			type->compare_items(table, i - 1, i) >= 0)
			wire_corrupt(name, "Its items are out of order.");
	}
	for (int i = 0; i < table->capacity; i++)
	{
		const CountedSlot *slot = counted_slot(type, table, i);
		SlotPlace place = {.item = slot->item, .from = i};

		CHECK_NOW_AND_THEN(i);
		if (hashed && slot->taken == 0)
			continue;
		if (slot->taken != 1 || slot->item < 0 || slot->item >= Max(table->items, 1))
			wire_corrupt(name, "A counter belongs to an item that does not exist.");
		if (type->slot_tag > 0)
			tag_bytes += check_tag(type, table, *slot_tag(type, slot));
		type->check_slot(table, slot);
		taken++;
		if (hashed)
		{
			check_place(type, table, i);
			continue;
		}
		type->sort_key(table, slot->item, slot, place.key);
		if (i > 0 && compare_places(&before, &place, &sorting) >= 0)
			wire_corrupt(name, "Its counters are out of order.");
		before = place;
	}
	if (taken != table->used)
		wire_corrupt(name, "The number of its counters is not what it says.");
	/* In a copy every text has a place of its own; this ensures that there is space for them. */
	if (tag_bytes != table->tag_bytes)
		wire_corrupt(name, "Its texts overlap, or bytes lie between them.");
	type->check_whole(table);
}

/* For both forms. */
static const Counted *
open_any(const CountedType *type, Datum value, WireKind kind)
{
	const Counted *table = flat_open(value, kind, type->version, type->head_size, type->name(kind));

	counted_check(type, table);
	return table;
}

const Counted *
counted_open(const CountedType *type, Datum value, WireKind kind)
{
	const Counted *table = open_any(type, value, kind);

	if (table->form == COUNTED_SORTED)
		return table;
	/* That a hashed table has a key twice is found when it is sorted. */
	table = counted_sorted(type, table);
	counted_check(type, table);
	return table;
}

/* ---- The state of an aggregate ---- */

bool
counted_is_own(const void *state)
{
	const Counted *table = state;

	return table->form == COUNTED_HASHED && table->maker == aggregate_process_mark();
}

Counted *
counted_copy(const CountedType *type, Datum value, WireKind kind)
{
	return counted_thaw(type, open_any(type, value, kind));
}

Counted *
counted_merge(const CountedType *type, Counted *state, Datum value, WireKind kind)
{
	type->merge(&state, open_any(type, value, kind));
	return state;
}
