/*
 * population_table.c
 *		The table of a large population: from a key to the events of a customer.
 *
 * Most customers are one 64-bit word: bit i is a plain event i periods after his first. Others have lists. Integer
 * keys that lie close together are addressed directly, page by page; all other keys are hashed (open addressing).
 * Which of the two is decided where a hash table would have to grow, by the memory that either would take.
 */
#include "retention.h"

#include <sys/mman.h>

#include "common/hashfn.h"
#include "population/population_internal.h"
#include "port/pg_bitutils.h"

#define PLACES_LEAST 64
#define DENSE_PLACES_LEAST 8192
/* Of the processor, where it has some. */
#define HUGE_PAGE ((Size) 2 * 1024 * 1024)
#define PAGES_OF_BLOCK 1024
/* So many events ahead a list is fetched. */
#define LIST_AHEAD 8
/* Pages are addressed directly where they lie in a span of so many times their number. */
#define NEAR_SPAN 8
#define CHUNK_LEAST 1024
#define CHUNK_MOST (1024 * 1024)
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

#define ST_SORT sort_pages
#define ST_ELEMENT_TYPE Page
#define ST_COMPARE(x, y) ((x)->number < (y)->number ? -1 : (x)->number > (y)->number)
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

/* The finaliser of MurmurHash3 (Appleby 2011, fmix64). */
static inline uint64
mix(uint64 x)
{
	x ^= x >> 33;
	x *= UINT64CONST(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64CONST(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return x;
}

static inline uint64
wide_hash(const Table *table, uint64 a, uint64 b)
{
	return table->key == KEY_TEXT ? a : mix(a ^ mix(b));
}

/* Integers go by pages, so that a page is of one share. */
int
key_share(KeyKind kind, const Key *key, int shares)
{
	uint64 hash;

	switch (kind)
	{
		case KEY_INT64:
			hash = mix(key->a >> PAGE_BITS);
			break;
		case KEY_UUID:
			hash = mix(key->a ^ mix(key->b));
			break;
		case KEY_TEXT:
			hash = mix(key->a);
			break;
		default:
			hash = 0;
	}
	return (int) (((hash >> 32) * (uint64) shares) >> 32);
}

/* ---- memory ---- */

/*
 * Zeroed memory. Rows come to it in no order, so that a large piece is better in few large pages of the processor's
 * than in many small ones; where the system has none, nothing is lost.
 */
static void *
allocate_zeroed(MemoryContext context, Size size)
{
	char *memory = MemoryContextAllocHuge(context, size);

#ifdef MADV_HUGEPAGE
	if (size >= 2 * HUGE_PAGE)
	{
		char *first = (char *) TYPEALIGN(HUGE_PAGE, memory);
		char *end = (char *) TYPEALIGN_DOWN(HUGE_PAGE, memory + size);

		(void) madvise(first, end - first, MADV_HUGEPAGE);
	}
#endif
	memset(memory, 0, size);
	return memory;
}

/* The cells of a new page. Blocks grow with the table. */
static Cell *
allocate_page(Table *table)
{
	PageBlock *block = table->blocks;
	char *cells;

	if (table->block_left == 0)
	{
		Size size = Max(1, Min(table->npages / 4, PAGES_OF_BLOCK)) * PAGE_SIZE;

		block = MemoryContextAlloc(table->context, sizeof(PageBlock));
		block->cells = allocate_zeroed(table->context, size);
		block->size = size;
		block->next = table->blocks;
		table->blocks = block;
		table->block_left = size;
	}
	cells = (char *) block->cells + block->size - table->block_left;
	table->block_left -= PAGE_SIZE;
	return (Cell *) cells;
}

/* ---- the directory of pages ---- */

/* Numbers that follow each other spread well by a multiplication (Knuth 1998, section 6.4: Fibonacci hashing). */
static inline Page *
page_place(Page *pages, uint64 places, uint64 number)
{
	uint64 i = (number * UINT64CONST(0x9e3779b97f4a7c15)) >> 32;

	for (;; i++)
	{
		Page *page = &pages[i & (places - 1)];

		if (likely(page->number == number) || page->cells == NULL)
			return page;
	}
}

/* The cells of a page, or NULL where it is not in the directory. */
static inline Cell *
page_cells(const Table *table, uint64 number)
{
	if (likely(number - table->near_first < table->near_count))
		return table->near[number - table->near_first];
	return page_place(table->pages, table->page_places, number)->cells;
}

/* A new page is addressed directly too, if that takes little memory. */
static void
page_near(Table *table, const Page *page)
{
	uint64 first = page->number;
	uint64 last = page->number;
	uint64 count;

	if (page->number - table->near_first >= table->near_count)
	{
		for (uint64 i = 0; i < table->page_places; i++)
			if (table->pages[i].cells != NULL)
			{
				first = Min(first, table->pages[i].number);
				last = Max(last, table->pages[i].number);
			}
		/* Keys mostly grow: leave room behind them. */
		if (last - first >= NEAR_SPAN * table->npages)
			return;
		count = 2 * (last - first + 1);
		if (table->near != NULL)
			pfree(table->near);
		table->near = MemoryContextAllocExtended(table->context, count * sizeof(Cell *),
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		table->near_first = first;
		table->near_count = count;
		for (uint64 i = 0; i < table->page_places; i++)
			if (table->pages[i].cells != NULL)
				table->near[table->pages[i].number - first] = table->pages[i].cells;
	}
	table->near[page->number - table->near_first] = page->cells;
}

static Cell *
page_create(Table *table, uint64 number)
{
	Page *page;

	if (table->page_places == 0 || table->npages >= table->page_places / 2)
	{
		uint64 places = Max(table->page_places * 2, 16);
		Page *pages = MemoryContextAllocExtended(table->context, places * sizeof(Page),
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

		for (uint64 i = 0; i < table->page_places; i++)
			if (table->pages[i].cells != NULL)
				*page_place(pages, places, table->pages[i].number) = table->pages[i];
		if (table->pages != NULL)
			pfree(table->pages);
		table->pages = pages;
		table->page_places = places;
	}
	page = page_place(table->pages, table->page_places, number);
	page->number = number;
	page->cells = allocate_page(table);
	table->npages++;
	page_near(table, page);
	return page->cells;
}

/* ---- the hash table ---- */

static inline Cell *
hash_int(Table *table, uint64 key, uint64 place)
{
	IntSlot *slots = (IntSlot *) table->slots;

	for (;; place++)
	{
		IntSlot *slot = &slots[place & (table->places - 1)];

		if (slot->cell.form == CELL_EMPTY)
			slot->a = key;
		if (slot->a == key)
			return &slot->cell;
	}
}

static KeyText *
keep_text(Table *table, const char *bytes, Size size)
{
	Size need = TYPEALIGN(sizeof(uint32), offsetof(KeyText, bytes) + size);
	KeyText *text;

	if (need > table->text_room)
	{
		Size block = Max(Min(table_bytes(table) / 8, TEXT_BLOCK_MOST), TEXT_BLOCK_LEAST);

		if (need > block / 4)
		{
			text = MemoryContextAllocHuge(table->context, need);
			text->size = (uint32) size;
			memcpy(text->bytes, bytes, size);
			return text;
		}
		table->text_at = MemoryContextAlloc(table->context, block);
		table->text_room = block;
	}
	text = (KeyText *) table->text_at;
	table->text_at += need;
	table->text_room -= need;
	text->size = (uint32) size;
	memcpy(text->bytes, bytes, size);
	return text;
}

static inline Cell *
hash_uuid(Table *table, uint64 a, uint64 b, uint64 place)
{
	WideSlot *slots = (WideSlot *) table->slots;

	for (;; place++)
	{
		WideSlot *slot = &slots[place & (table->places - 1)];

		if (slot->cell.form == CELL_EMPTY)
		{
			slot->a = a;
			slot->b = b;
		}
		if (slot->a == a && slot->b == b)
			return &slot->cell;
	}
}

static inline Cell *
hash_text(Table *table, uint64 a, const char *bytes, Size size)
{
	WideSlot *slots = (WideSlot *) table->slots;

	for (uint64 place = a;; place++)
	{
		WideSlot *slot = &slots[place & (table->places - 1)];
		KeyText *text;

		if (slot->cell.form == CELL_EMPTY)
		{
			slot->a = a;
			slot->b = (uintptr_t) keep_text(table, bytes, size);
			return &slot->cell;
		}
		text = (KeyText *) (uintptr_t) slot->b;
		if (slot->a == a && text->size == size && memcmp(text->bytes, bytes, size) == 0)
			return &slot->cell;
	}
}

static void
hash_resize(Table *table, uint64 places)
{
	char *old = table->slots;
	uint64 old_places = table->places;

	table->slots = allocate_zeroed(table->context, places * table->slot_size);
	table->places = places;
	for (uint64 i = 0; i < old_places; i++)
	{
		if (table->key == KEY_INT64)
		{
			IntSlot *slot = &((IntSlot *) old)[i];

			if (slot->cell.form != CELL_EMPTY)
				*hash_int(table, slot->a, mix(slot->a)) = slot->cell;
		}
		else
		{
			WideSlot *slot = &((WideSlot *) old)[i];
			uint64 place = wide_hash(table, slot->a, slot->b);
			WideSlot *slots = (WideSlot *) table->slots;

			if (slot->cell.form == CELL_EMPTY)
				continue;
			while (slots[place & (places - 1)].cell.form != CELL_EMPTY)
				place++;
			slots[place & (places - 1)] = *slot;
		}
	}
	if (old != NULL)
		pfree(old);
}

/* ---- pages or hash ---- */

/* Whether the keys of the hash table lie on at most so many pages. */
static bool
keys_are_dense(const Table *table, uint64 most)
{
	uint64 places = pg_nextpower2_64(Max(2 * most, 16));
	Page *seen = palloc0(places * sizeof(Page));
	const IntSlot *slots = (const IntSlot *) table->slots;
	uint64 count = 0;

	for (uint64 i = 0; i < table->places && count <= most; i++)
	{
		Page *page;

		if (slots[i].cell.form == CELL_EMPTY)
			continue;
		page = page_place(seen, places, slots[i].a >> PAGE_BITS);
		if (page->cells != NULL)
			continue;
		page->number = slots[i].a >> PAGE_BITS;
		page->cells = unconstify(Cell *, &slots[i].cell); /* any pointer */
		count++;
	}
	pfree(seen);
	return count <= most;
}

static void
hash_to_pages(Table *table)
{
	IntSlot *slots = (IntSlot *) table->slots;

	for (uint64 i = 0; i < table->places; i++)
	{
		uint64 number = slots[i].a >> PAGE_BITS;
		Cell *cells;

		if (slots[i].cell.form == CELL_EMPTY)
			continue;
		cells = table->npages > 0 ? page_cells(table, number) : NULL;
		if (cells == NULL)
			cells = page_create(table, number);
		cells[slots[i].a & (PAGE_CELLS - 1)] = slots[i].cell;
	}
	pfree(slots);
	table->slots = NULL;
	table->places = 0;
	table->dense = true;
}

static uint64
places_for(const Table *table, int64 customers)
{
	uint64 places = Max(table->places, PLACES_LEAST);

	while ((uint64) customers > places / 4 * 3)
		places *= 2;
	return places;
}

static void
pages_to_hash(Table *table)
{
	table->dense = false;
	table->was_dense = true;
	hash_resize(table, places_for(table, table->customers + BATCH_EVENTS));
	for (uint64 i = 0; i < table->page_places; i++)
	{
		Page *page = &table->pages[i];

		if (page->cells == NULL)
			continue;
		for (int j = 0; j < PAGE_CELLS; j++)
		{
			uint64 key = page->number << PAGE_BITS | j;

			if (page->cells[j].form != CELL_EMPTY)
				*hash_int(table, key, mix(key)) = page->cells[j];
		}
	}
	for (PageBlock *block = table->blocks, *next; block != NULL; block = next)
	{
		next = block->next;
		pfree(block->cells);
		pfree(block);
	}
	table->blocks = NULL;
	table->block_left = 0;
	pfree(table->pages);
	table->pages = NULL;
	table->page_places = table->npages = 0;
	if (table->near != NULL)
		pfree(table->near);
	table->near = NULL;
	table->near_count = 0;
}

/* The cell of a key of a table of pages; NULL where pages went wrong and the table is a hash table now. */
static inline Cell *
dense_cell(Table *table, uint64 key)
{
	Cell *cells = page_cells(table, key >> PAGE_BITS);

	if (unlikely(cells == NULL))
	{
		/* A hash table takes some 43 bytes a customer (24 at a load of 9/16): twice that is too much. */
		if ((table->npages + 1) * PAGE_SIZE > 86 * (uint64) table->customers + 256 * 1024)
		{
			pages_to_hash(table);
			return NULL;
		}
		cells = page_create(table, key >> PAGE_BITS);
	}
	return &cells[key & (PAGE_CELLS - 1)];
}

/* ---- what the rest of the room calls ---- */

void
table_begin(Table *table, MemoryContext context, KeyKind key, int32 cap)
{
	memset(table, 0, sizeof(Table));
	table->context = context;
	table->key = key;
	table->cap = cap;
	table->slot_size = key == KEY_INT64 ? sizeof(IntSlot) : sizeof(WideSlot);
}

void
table_clear(Table *table)
{
	MemoryContextReset(table->context);
	table_begin(table, table->context, table->key, table->cap);
}

/* The bytes that table_reserve() would take. */
Size
table_growth(const Table *table, int count)
{
	uint64 places;

	if (table->key == KEY_NONE || table->dense)
		return 0;
	places = places_for(table, table->customers + count);
	return places == table->places ? 0 : places * table->slot_size;
}

/* So many new keys will find a place without the table growing. */
void
table_reserve(Table *table, int count)
{
	uint64 places;

	if (table->key == KEY_NONE || table->dense)
		return;
	places = places_for(table, table->customers + count);
	if (places == table->places)
		return;
	if (table->key == KEY_INT64 && places >= DENSE_PLACES_LEAST && !table->was_dense &&
		keys_are_dense(table, places * sizeof(IntSlot) / 4 * 3 / PAGE_SIZE))
		hash_to_pages(table);
	else
		hash_resize(table, places);
}

static void
chunk_add(Table *table, const Event *events, int count)
{
	StringInfoData entry;
	Size need;
	Chunk *chunk = table->last_chunk;

	initStringInfo(&entry);
	entry_write(&entry, KEY_NONE, NULL, events, count);
	need = entry.len + 10;
	if (chunk == NULL || chunk->room - chunk->used < need)
	{
		Size room = chunk == NULL ? CHUNK_LEAST : Min(2 * chunk->room, CHUNK_MOST);

		room = Max(room, need);
		chunk = MemoryContextAllocHuge(table->context, offsetof(Chunk, bytes) + room);
		chunk->next = NULL;
		chunk->used = 0;
		chunk->room = room;
		if (table->last_chunk != NULL)
			table->last_chunk->next = chunk;
		else
			table->chunks = chunk;
		table->last_chunk = chunk;
	}
	memcpy(chunk->bytes + chunk->used, entry.data, entry.len);
	chunk->used += entry.len;
	table->customers++;
	pfree(entry.data);
}

/* Begin to fetch what table_add() will touch. */
void
table_prefetch(Table *table, const Key *key)
{
	if (table->dense)
	{
		const Cell *cells = page_cells(table, key->a >> PAGE_BITS);

		if (cells != NULL)
			__builtin_prefetch(&cells[key->a & (PAGE_CELLS - 1)], 1);
	}
	else if (table->key == KEY_INT64)
		__builtin_prefetch(&((IntSlot *) table->slots)[mix(key->a) & (table->places - 1)], 1);
	else if (table->key != KEY_NONE)
		__builtin_prefetch(
			&((WideSlot *) table->slots)[wide_hash(table, key->a, key->b) & (table->places - 1)],
			1);
}

/* One customer's events, after table_reserve(). */
void
table_add(Table *table, const Key *key, const Event *events, int count)
{
	Cell *cell = NULL;

	if (count == 0)
		return;
	switch (table->key)
	{
		case KEY_NONE:
			chunk_add(table, events, count);
			return;
		case KEY_INT64:
			if (table->dense)
				cell = dense_cell(table, key->a);
			if (cell == NULL)
				cell = hash_int(table, key->a, mix(key->a));
			break;
		case KEY_UUID:
			cell = hash_uuid(table, key->a, key->b, wide_hash(table, key->a, key->b));
			break;
		case KEY_TEXT:
			cell = hash_text(table, key->a, key->bytes, key->b);
			break;
	}
	for (int i = 0; i < count; i++)
		cell_add(table, cell, &events[i]);
}

static inline void
prefetch_list(const Cell *cell)
{
	if (cell->form >= CELL_LIST)
		__builtin_prefetch((const void *) (uintptr_t) cell->bits, 1);
}

/* Up to BATCH_EVENTS events of integer customers, after table_reserve(). */
void
table_apply_int64(Table *table, const uint64 *keys, const Event *events, int count)
{
	Cell *cells[BATCH_EVENTS];
	uint64 places[BATCH_EVENTS];

	if (table->dense)
	{
		int i;

		for (i = 0; i < count; i++)
		{
			cells[i] = dense_cell(table, keys[i]);
			if (unlikely(cells[i] == NULL))
				break;
			__builtin_prefetch(cells[i], 1);
		}
		if (likely(i == count))
		{
			for (i = 0; i < count; i++)
			{
				if (i + LIST_AHEAD < count)
					prefetch_list(cells[i + LIST_AHEAD]);
				cell_add(table, cells[i], &events[i]);
			}
			return;
		}
	}

	for (int i = 0; i < count; i++)
	{
		places[i] = mix(keys[i]);
		__builtin_prefetch(&((IntSlot *) table->slots)[places[i] & (table->places - 1)], 1);
	}
	for (int i = 0; i < count; i++)
	{
		/* Most keys are where they are looked for first. */
		if (i + LIST_AHEAD < count)
			prefetch_list(
				&((IntSlot *) table->slots)[places[i + LIST_AHEAD] & (table->places - 1)].cell);
		cell_add(table, hash_int(table, keys[i], places[i]), &events[i]);
	}
}

/* The same of plain events, of a table with cap 1. */
void
table_apply_plain(Table *table, const int64 *keys, const int64 *values, int count)
{
	Cell *cells[BATCH_EVENTS];
	uint64 places[BATCH_EVENTS];

	if (table->dense)
	{
		int i;

		for (i = 0; i < count; i++)
		{
			cells[i] = dense_cell(table, (uint64) keys[i]);
			if (unlikely(cells[i] == NULL))
				break;
			__builtin_prefetch(cells[i], 1);
		}
		if (likely(i == count))
		{
			for (i = 0; i < count; i++)
			{
				if (i + LIST_AHEAD < count)
					prefetch_list(cells[i + LIST_AHEAD]);
				cell_add_plain(table, cells[i], values[i]);
			}
			return;
		}
	}

	for (int i = 0; i < count; i++)
	{
		places[i] = mix((uint64) keys[i]);
		__builtin_prefetch(&((IntSlot *) table->slots)[places[i] & (table->places - 1)], 1);
	}
	for (int i = 0; i < count; i++)
	{
		if (i + LIST_AHEAD < count)
			prefetch_list(
				&((IntSlot *) table->slots)[places[i + LIST_AHEAD] & (table->places - 1)].cell);
		cell_add_plain(table, hash_int(table, (uint64) keys[i], places[i]), values[i]);
	}
}

/* A buffer of uuids or texts, after table_reserve(). */
void
table_apply_wide(Table *table, const Batch *batch)
{
	uint64 places[BATCH_EVENTS];

	for (int i = 0; i < batch->used; i++)
	{
		places[i] = wide_hash(table, batch->a[i], batch->b[i]);
		__builtin_prefetch(&((WideSlot *) table->slots)[places[i] & (table->places - 1)], 1);
	}
	if (table->key == KEY_TEXT)
	{
		for (int i = 0; i < batch->used; i++)
		{
			const WideSlot *slot = &((WideSlot *) table->slots)[places[i] & (table->places - 1)];

			if (slot->cell.form != CELL_EMPTY)
				__builtin_prefetch((const void *) (uintptr_t) slot->b);
		}
		for (int i = 0; i < batch->used; i++)
		{
			const char *text = batch->texts.data + batch->b[i];
			uint32 size;

			memcpy(&size, text, sizeof(size));
			cell_add(table, hash_text(table, batch->a[i], text + sizeof(size), size),
					 &batch->events[i]);
		}
	}
	else
		for (int i = 0; i < batch->used; i++)
			cell_add(table, hash_uuid(table, batch->a[i], batch->b[i], places[i]),
					 &batch->events[i]);
}

/* Customers whose events are words, after table_reserve(). */
void
table_add_words(Table *table, const KeyedWord *words, int count)
{
	Key key = {0};

	for (int i = 0; i < count; i++)
	{
		key.a = words[i].key;
		table_prefetch(table, &key);
	}
	for (int i = 0; i < count; i++)
	{
		Cell *cell = table->dense ? dense_cell(table, words[i].key) : NULL;

		if (cell == NULL)
			cell = hash_int(table, words[i].key, mix(words[i].key));
		cell_add_word(table, cell, words[i].first, words[i].bits);
	}
}

static void
visit_cell(const Table *table, const Key *key, const Cell *cell, Scratch *scratch,
		   EntryVisitor visitor, void *argument)
{
	int count = cell_events(table, cell, scratch);

	CHECK_FOR_INTERRUPTS();
	if (count > 0)
		visitor(argument, key, scratch->events, count);
}

static void
visit_page(const Table *table, const Page *page, Scratch *scratch, EntryVisitor visitor,
		   void *argument)
{
	Key key = {0};

	for (int j = 0; j < PAGE_CELLS; j++)
	{
		if (page->cells[j].form == CELL_EMPTY)
			continue;
		key.a = page->number << PAGE_BITS | j;
		visit_cell(table, &key, &page->cells[j], scratch, visitor, argument);
	}
}

static void
visit_slot(const Table *table, const char *at, Scratch *scratch, EntryVisitor visitor,
		   void *argument)
{
	Key key = {0};

	if (table->key == KEY_INT64)
	{
		const IntSlot *slot = (const IntSlot *) at;

		key.a = slot->a;
		if (slot->cell.form != CELL_EMPTY)
			visit_cell(table, &key, &slot->cell, scratch, visitor, argument);
	}
	else
	{
		const WideSlot *slot = (const WideSlot *) at;

		if (slot->cell.form == CELL_EMPTY)
			return;
		key.a = slot->a;
		key.b = slot->b;
		if (table->key == KEY_TEXT)
		{
			const KeyText *text = (const KeyText *) (uintptr_t) slot->b;

			key.b = text->size;
			key.bytes = text->bytes;
		}
		visit_cell(table, &key, &slot->cell, scratch, visitor, argument);
	}
}

static void
visit_chunks(const Table *table, Scratch *scratch, EntryVisitor visitor, void *argument)
{
	Key key = {0};

	for (const Chunk *chunk = table->chunks; chunk != NULL; chunk = chunk->next)
	{
		WireReader in = {
			.type_name = POPULATION_NAME, .at = chunk->bytes, .end = chunk->bytes + chunk->used};

		while (in.at < in.end)
		{
			int count = history_read(&in, table->cap, &scratch->events, &scratch->room);

			CHECK_FOR_INTERRUPTS();
			visitor(argument, &key, scratch->events, count);
		}
	}
}

/* Every customer of the table, in any order. */
void
table_each(Table *table, EntryVisitor visitor, void *argument)
{
	Scratch scratch = {0};

	visit_chunks(table, &scratch, visitor, argument);
	for (uint64 i = 0; i < table->page_places; i++)
		if (table->pages[i].cells != NULL)
			visit_page(table, &table->pages[i], &scratch, visitor, argument);
	for (uint64 i = 0; i < table->places; i++)
		visit_slot(table, table->slots + i * table->slot_size, &scratch, visitor, argument);
	if (scratch.events != NULL)
		pfree(scratch.events);
}

typedef struct WordVisit
{
	Share share;
	KeyKind kind;
	EntryVisitor visitor;
	void *argument;
} WordVisit;

/* An EntryVisitor that passes on what is of the share. */
static void
visit_of_share(void *argument, const Key *key, Event *events, int count)
{
	WordVisit *visit = argument;

	if (in_share(visit->kind, key, visit->share))
		visit->visitor(visit->argument, key, events, count);
}

static inline bool
visit_word(const Table *table, uint64 key, const Cell *cell, KeyedWordVisitor words, void *argument)
{
	KeyedWord word;

	if (cell->form != CELL_WORD)
		return false;
	word.key = key;
	word.bits = cell->bits;
	word.first = (int64) ((uint64) table->origin + (uint64) (int64) cell->base);
	words(argument, &word);
	return true;
}

/*
 * The customers of a share, in any order, those that are words as such if words is not NULL. Only a table of integers
 * has words that are told apart.
 */
void
table_each_word(Table *table, Share share, KeyedWordVisitor words, EntryVisitor visitor,
				void *argument)
{
	Scratch scratch = {0};
	WordVisit visit = {share, table->key, visitor, argument};

	if (table->key != KEY_INT64 || words == NULL)
	{
		table_each(table, share.count > 1 ? visit_of_share : visitor,
				   share.count > 1 ? &visit : argument);
		return;
	}
	for (uint64 i = 0; i < table->page_places; i++)
	{
		const Page *page = &table->pages[i];
		Key key = {.a = page->number << PAGE_BITS};

		if (page->cells == NULL || !in_share(KEY_INT64, &key, share))
			continue;
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < PAGE_CELLS; j++, key.a++)
		{
			const Cell *cell = &page->cells[j];

			if (cell->form != CELL_EMPTY && !visit_word(table, key.a, cell, words, argument))
				visit_cell(table, &key, cell, &scratch, visitor, argument);
		}
	}
	for (uint64 i = 0; i < table->places; i++)
	{
		const IntSlot *slot = (const IntSlot *) (table->slots + i * sizeof(IntSlot));
		Key key = {.a = slot->a};

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (slot->cell.form == CELL_EMPTY || !in_share(KEY_INT64, &key, share))
			continue;
		if (!visit_word(table, key.a, &slot->cell, words, argument))
			visit_cell(table, &key, &slot->cell, &scratch, visitor, argument);
	}
	if (scratch.events != NULL)
		pfree(scratch.events);
}

/*
 * Every customer in the order of key_compare(). The order is made in place: nothing can be done with the table afterwards
 * but table_clear().
 */
void
table_each_sorted(Table *table, EntryVisitor visitor, void *argument)
{
	Scratch scratch = {0};
	uint64 count = 0;

	visit_chunks(table, &scratch, visitor, argument);

	for (uint64 i = 0; i < table->page_places; i++)
		if (table->pages[i].cells != NULL)
			table->pages[count++] = table->pages[i];
	if (count > 1)
		sort_pages(table->pages, count);
	for (uint64 i = 0; i < count; i++)
		visit_page(table, &table->pages[i], &scratch, visitor, argument);

	count = 0;
	for (uint64 i = 0; i < table->places; i++)
	{
		const char *slot = table->slots + i * table->slot_size;

		if (table->key == KEY_INT64 ? ((const IntSlot *) slot)->cell.form != CELL_EMPTY
									: ((const WideSlot *) slot)->cell.form != CELL_EMPTY)
			memmove(table->slots + count++ * table->slot_size, slot, table->slot_size);
	}
	if (count <= 1)
		;
	else if (table->key == KEY_INT64)
		sort_int_slots((IntSlot *) table->slots, count);
	else if (table->key == KEY_UUID)
		sort_uuid_slots((WideSlot *) table->slots, count);
	else if (table->key == KEY_TEXT)
		sort_text_slots((WideSlot *) table->slots, count);
	for (uint64 i = 0; i < count; i++)
		visit_slot(table, table->slots + i * table->slot_size, &scratch, visitor, argument);
	if (scratch.events != NULL)
		pfree(scratch.events);
}
