/*
 * population_table.c
 *		The table of a large population: from a key to the events of a customer.
 *
 * Most customers are one 64-bit word: bit i is a plain event i periods after his first. Others have lists. Integer
 * keys that lie close together are addressed directly, page by page; all other keys are hashed (open addressing).
 * Which of the two is decided where a hash table would have to grow, by the memory that either would take.
 */
#include "retention.h"

#include "base/check.h"
#include "common/hashfn.h"
#include "population/population_page.h"

#define PLACES_LEAST 64
#define DENSE_PLACES_LEAST 8192
/* So many events ahead a list is fetched. */
#define LIST_AHEAD 8
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

	if (need > table->text_capacity)
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
		table->text_capacity = block;
	}
	text = (KeyText *) table->text_at;
	table->text_at += need;
	table->text_capacity -= need;
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

	table->slots = page_memory(table->context, places * table->slot_size);
	table->places = places;
	for (uint64 i = 0; i < old_places; i++)
	{
		CHECK_NOW_AND_THEN(i);
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
		const Page *page = &table->pages[i];

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < PAGE_CELLS && page->cells != NULL; j++)
		{
			uint64 key = page->number << PAGE_BITS | j;
			const uint64 *narrow = page->cells;
			const Cell *cells = page->cells;

			if (table->narrow ? narrow[j] == 0 : cells[j].form == CELL_EMPTY)
				continue;
			*hash_int(table, key, mix(key)) =
				table->narrow ? narrow_cell(table, narrow[j]) : cells[j];
		}
	}
	pages_free(table);
}

/* The cells of a key's page in a table of pages; NULL where pages went wrong and the table is a hash table now. */
static inline void *
cells_of_key(Table *table, uint64 key)
{
	void *cells = page_cells(table, key >> PAGE_BITS);

	if (unlikely(cells == NULL))
	{
		/* A hash table takes some 43 bytes a customer (24 at a load of 9/16): twice that is too much. */
		if ((table->npages + 1) * page_size(table) > 86 * (uint64) table->customers + 256 * 1024)
		{
			pages_to_hash(table);
			return NULL;
		}
		cells = page_create(table, key >> PAGE_BITS);
	}
	return cells;
}

/* The cell of a key in wide pages, or NULL as above. */
static inline Cell *
dense_cell(Table *table, uint64 key)
{
	Cell *cells = cells_of_key(table, key);

	return cells == NULL ? NULL : &cells[key & (PAGE_CELLS - 1)];
}

/* Whether the word is in a narrow cell of its key now. If not, the table is not narrow any more. */
static inline bool
add_narrow_word(Table *table, uint64 key, int64 first, uint64 bits)
{
	uint64 place = narrow_place(table, first);
	uint64 *cells;

	if (place >= 64 || place + pg_leftmost_one_pos64(bits) >= 64)
	{
		pages_widen(table);
		return false;
	}
	cells = cells_of_key(table, key);
	if (cells == NULL)
		return false;
	narrow_add(table, &cells[key & (PAGE_CELLS - 1)], bits << place);
	return true;
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
		pages_would_do(table, places * sizeof(IntSlot) / 4 * 3 / PAGE_SIZE))
		pages_from_hash(table);
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
	if (chunk == NULL || chunk->capacity - chunk->used < need)
	{
		Size capacity = chunk == NULL ? CHUNK_LEAST : Min(2 * chunk->capacity, CHUNK_MOST);

		capacity = Max(capacity, need);
		chunk = MemoryContextAllocHuge(table->context, offsetof(Chunk, bytes) + capacity);
		chunk->next = NULL;
		chunk->used = 0;
		chunk->capacity = capacity;
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
		const char *cells = page_cells(table, key->a >> PAGE_BITS);

		if (cells != NULL)
			__builtin_prefetch(
				cells + (key->a & (PAGE_CELLS - 1)) * (page_size(table) / PAGE_CELLS), 1);
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
			while (table->narrow && count > 0 && is_plain(events) &&
				   add_narrow_word(table, key->a, events->value, 1))
			{
				events++;
				count--;
			}
			if (count == 0)
				return;
			if (table->narrow)
				pages_widen(table);
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

	while (table->narrow && count > 0 && is_plain(events) &&
		   add_narrow_word(table, *keys, events->value, 1))
	{
		keys++;
		events++;
		count--;
	}
	if (table->narrow && count > 0)
		pages_widen(table);
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

/* Plain events into narrow pages: as many as go there. Nothing depends on what a cell holds, so that they overlap. */
static int
apply_narrow(Table *table, const int64 *keys, const int64 *values, int count)
{
	for (int i = 0; i < count; i++)
	{
		uint64 key = (uint64) keys[i];
		uint64 place = narrow_place(table, values[i]);
		uint64 *cells = page_cells(table, key >> PAGE_BITS);

		if (likely(place < 64 && cells != NULL))
			narrow_add(table, &cells[key & (PAGE_CELLS - 1)], UINT64CONST(1) << place);
		else if (!add_narrow_word(table, key, values[i], 1))
			return i;
	}
	return count;
}

/* The same of plain events, of a table with cap 1. */
void
table_apply_plain(Table *table, const int64 *keys, const int64 *values, int count)
{
	Cell *cells[BATCH_EVENTS];
	uint64 places[BATCH_EVENTS];

	if (table->narrow)
	{
		int done = apply_narrow(table, keys, values, count);

		keys += done;
		values += done;
		count -= done;
	}
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
		Cell *cell;

		if (table->narrow && add_narrow_word(table, words[i].key, words[i].first, words[i].bits))
			continue;
		cell = table->dense ? dense_cell(table, words[i].key) : NULL;
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
		Cell cell;

		if (!cell_of_page(table, page, j, &cell))
			continue;
		key.a = page->number << PAGE_BITS | j;
		visit_cell(table, &key, &cell, scratch, visitor, argument);
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
			int count = history_read(&in, table->cap, &scratch->events, &scratch->capacity);

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
	{
		CHECK_NOW_AND_THEN(i);
		visit_slot(table, table->slots + i * table->slot_size, &scratch, visitor, argument);
	}
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
			Cell cell;

			if (cell_of_page(table, page, j, &cell) &&
				!visit_word(table, key.a, &cell, words, argument))
				visit_cell(table, &key, &cell, &scratch, visitor, argument);
		}
	}
	for (uint64 i = 0; i < table->places; i++)
	{
		const IntSlot *slot = (const IntSlot *) (table->slots + i * sizeof(IntSlot));
		Key key = {.a = slot->a};

		CHECK_NOW_AND_THEN(i);
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

		CHECK_NOW_AND_THEN(i);
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
