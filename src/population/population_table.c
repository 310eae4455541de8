/*
 * population_table.c
 *		The table of a large population: from a key to the events of a customer.
 */
#include "retention.h"

#include "base/check.h"
#include "population/population_table.h"

/* Pages are tried from so many places of a hash table on. */
#define DENSE_PLACES_LEAST 8192
/*
 * Pages may take so many bytes for a place of the hash table, or for a customer. A hash table takes 24 bytes a place,
 * some 43 a customer. In rows in random order most of a page's customers come later, and each process hashes all that
 * came before the switch: with 8 of them, 1 million customers and no more than 18 bytes a place that was a third of
 * the work.
 */
#define PAGE_BYTES_FOR_PLACE 48
#define PAGE_BYTES_FOR_CUSTOMER 172
/* Pages that all processes fill are there once for all of them: they may take more, so that less is hashed before. */
#define SHARED_SOONER 16
/* Their directory has place for 67 million ids or more: half a megabyte. */
#define SHARED_PAGES_LEAST 65536
#define PAGE_BYTES_FREE ((uint64) 256 * 1024)
/* A narrow cell is fetched so many events ahead; logs are, so many together. */
#define NARROW_AHEAD 32
#define LOGS_AHEAD 16

/* ---- pages or a hash table ---- */

/* The slot at a place of the hash table, whose keys are integers. */
static inline HashSlot *
int_slot(const CustomerTable *table, uint64 place)
{
	return hash_slot(&table->hash, KEY_INT64, place);
}

/* On how many pages the keys of the hash table lie; beyond most it stops. */
static uint64
count_pages(const CustomerTable *table, uint64 most)
{
	uint64 places = pg_nextpower2_64(Max(2 * most, 16));
	CellPage *seen = MemoryContextAllocExtended(CurrentMemoryContext, places * sizeof(CellPage),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint64 count = 0;

	for (uint64 i = 0; i < table->hash.places && count <= most; i++)
	{
		HashSlot *slot = int_slot(table, i);
		CellPage *page;

		CHECK_NOW_AND_THEN(i);
		if (slot->cell.form == CELL_EMPTY)
			continue;
		page = page_place(seen, places, slot->a >> CELL_PAGE_BITS);
		if (page->cells != NULL)
			continue;
		page->number = slot->a >> CELL_PAGE_BITS;
		page->cells = slot; /* any pointer */
		count++;
	}
	pfree(seen);
	return count;
}

/*
 * How many pages may take the place of a hash table that would have so many places, or 0; room is the memory that is
 * left to the query.
 */
static uint64
pages_would_do(const CustomerTable *table, uint64 hash_places, Size room)
{
	uint64 bytes = Min(PAGE_BYTES_FOR_PLACE * hash_places,
					   Max(hash_slot_size(KEY_INT64) / 4 * 3 * hash_places, room / 2));
	uint64 most = bytes / page_bytes(&table->pages);
	uint64 count = count_pages(table, most);

	return count <= most ? count : 0;
}

/* Whether the customers of the hash table fit into narrow pages; sets narrow_first. */
static bool
choose_narrow(CustomerTable *table)
{
	int64 least = PG_INT64_MAX;
	int64 most = PG_INT64_MIN;

	if (!table->pool.takes_words)
		return false;
	for (uint64 i = 0; i < table->hash.places; i++)
	{
		const EventCell *cell = &int_slot(table, i)->cell;

		CHECK_NOW_AND_THEN(i);
		if (cell->form == CELL_EMPTY)
			continue;
		if (cell->form != CELL_WORD)
			return false;
		least = Min(least, cell->base);
		most = Max(most, (int64) cell->base + pg_leftmost_one_pos64(cell->bits));
	}
	if (least > most || most - least >= 64)
		return false;
	/* With space on both sides, more of it for later values. */
	return !pg_add_s64_overflow(table->pool.origin, least - (63 - (most - least)) / 4,
								&table->pages.narrow_first) &&
		   table->pages.narrow_first < PG_INT64_MAX - 64;
}

static void
pages_from_hash(CustomerTable *table, uint64 count)
{
	pages_reserve(&table->pages, count);
	for (uint64 i = 0; i < table->hash.places; i++)
	{
		const HashSlot *slot = int_slot(table, i);
		uint64 number = slot->a >> CELL_PAGE_BITS;
		const EventCell *cell = &slot->cell;
		void *cells;

		CHECK_NOW_AND_THEN(i);
		if (cell->form == CELL_EMPTY)
			continue;
		cells = table->pages.count > 0 ? page_cells(&table->pages, number) : NULL;
		if (cells == NULL)
			cells = page_create(&table->pages, number);
		if (table->pages.narrow)
			((uint64 *) cells)[slot->a & (CELL_PAGE_CELLS - 1)] =
				cell->bits << (table->pool.origin + cell->base - table->pages.narrow_first);
		else
			((EventCell *) cells)[slot->a & (CELL_PAGE_CELLS - 1)] = *cell;
	}
	pfree(table->hash.slots);
	table->hash.slots = NULL;
	table->hash.places = 0;
	table->dense = true;
}

static void
pages_to_hash(CustomerTable *table)
{
	table->dense = false;
	table->was_dense = true;
	hash_resize(&table->hash, hash_places_for(&table->hash, table->pool.customers + BATCH_EVENTS));
	for (uint64 i = 0; i < table->pages.places; i++)
	{
		const CellPage *page = &table->pages.directory[i];

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < CELL_PAGE_CELLS && page->cells != NULL; j++)
		{
			CustomerKey key = {.a = page->number << CELL_PAGE_BITS | j};
			const uint64 *narrow = page->cells;
			const EventCell *cells = page->cells;

			if (table->pages.narrow ? narrow[j] == 0 : cells[j].form == CELL_EMPTY)
				continue;
			*hash_find(&table->hash, &key) =
				table->pages.narrow ? narrow_cell(&table->pages, &table->pool, narrow[j])
									: cells[j];
		}
	}
	pages_free(&table->pages);
}

/* Whether so many pages take much more memory than a hash table would. */
static inline bool
too_many_pages(const CustomerTable *table, uint64 count, Size bytes)
{
	return count * bytes >
		   PAGE_BYTES_FOR_CUSTOMER * (uint64) table->pool.customers + PAGE_BYTES_FREE;
}

/* Narrow pages do not do: wide ones, or a hash table where those would take too much memory. */
static pg_noinline void
leave_narrow(CustomerTable *table)
{
	if (too_many_pages(table, table->pages.count, CELL_PAGE_BYTES))
		pages_to_hash(table);
	else
		pages_widen(&table->pages, &table->pool);
}

/* The cells of a key's page in a table of pages; NULL where pages took too much memory and the table is hashed now. */
static inline void *
cells_of_key(CustomerTable *table, uint64 key)
{
	void *cells = page_cells(&table->pages, key >> CELL_PAGE_BITS);

	if (unlikely(cells == NULL))
	{
		if (too_many_pages(table, table->pages.count + 1, page_bytes(&table->pages)))
		{
			pages_to_hash(table);
			return NULL;
		}
		cells = page_create(&table->pages, key >> CELL_PAGE_BITS);
	}
	return cells;
}

/* The cell of a key in wide pages, or NULL as above. */
static inline EventCell *
dense_cell(CustomerTable *table, uint64 key)
{
	EventCell *cells = cells_of_key(table, key);

	return cells == NULL ? NULL : &cells[key & (CELL_PAGE_CELLS - 1)];
}

/* Add a word to a narrow cell. False: it did not fit, and the table is no longer narrow. */
static inline bool
add_narrow_word(CustomerTable *table, uint64 key, int64 first, uint64 bits)
{
	uint64 place = narrow_place(&table->pages, first);
	uint64 *cells;

	if (place >= 64 || place + pg_leftmost_one_pos64(bits) >= 64)
	{
		leave_narrow(table);
		return false;
	}
	cells = cells_of_key(table, key);
	if (cells == NULL)
		return false;
	narrow_add(&table->pool, &cells[key & (CELL_PAGE_CELLS - 1)], bits << place);
	return true;
}

bool
table_would_be_near(CustomerTable *table, Size room, int64 *first, uint64 *near_first,
					uint64 *near_count)
{
	uint64 least = PG_UINT64_MAX;
	uint64 most = 0;
	uint64 count = 0;
	uint64 span;

	if (table->key != KEY_INT64 || table->dense || table->hash.places < DENSE_PLACES_LEAST / 2)
		return false;
	table->pages.narrow = choose_narrow(table);
	if (table->pages.narrow)
		count = pages_would_do(table, SHARED_SOONER * table->hash.places, room);
	*first = table->pages.narrow_first;
	table->pages.narrow = false;
	if (count == 0)
		return false;
	for (uint64 i = 0; i < table->hash.places; i++)
	{
		uint64 number = int_slot(table, i)->a >> CELL_PAGE_BITS;

		CHECK_NOW_AND_THEN(i);
		if (int_slot(table, i)->cell.form == CELL_EMPTY)
			continue;
		least = Min(least, number);
		most = Max(most, number);
	}
	span = most - least + 1;
	/* Ids mostly grow with time: the first rows tell little of how far. */
	*near_first = least - Min(least, Max(span, SHARED_PAGES_LEAST / 8));
	*near_count = Max(3 * span, SHARED_PAGES_LEAST);
	return span <= NEAR_SPAN * count;
}

bool
table_is_scattered(const CustomerTable *table)
{
	uint64 most = (uint64) table->pool.customers / 2;

	return table->key != KEY_INT64 || table->was_dense || count_pages(table, most) > most;
}

/* ---- adding ---- */

void
table_begin(CustomerTable *table, MemoryContext context, KeyKind key, const EventShape *shape)
{
	memset(table, 0, sizeof(CustomerTable));
	table->pool.context = context;
	table->key = key;
	table->pool.shape = *shape;
	table->pool.takes_words = shape->cap == 1 && !shape->has_amount;
	table->pages.context = table->hash.context = context;
	table->hash.key = key;
}

void
table_clear(CustomerTable *table)
{
	const EventShape shape = table->pool.shape;

	MemoryContextReset(table->pool.context);
	table_begin(table, table->pool.context, table->key, &shape);
}

Size
table_growth(const CustomerTable *table, int count)
{
	uint64 places;

	if (table->dense)
		return 0;
	places = hash_places_for(&table->hash, table->pool.customers + count);
	return places == table->hash.places ? 0 : places * hash_slot_size(table->key);
}

void
table_reserve(CustomerTable *table, int count, Size room)
{
	uint64 places;

	if (table->dense)
		return;
	places = hash_places_for(&table->hash, table->pool.customers + count);
	if (places == table->hash.places)
		return;
	/* While the table is nearly empty, for many rows are expected, its keys say nothing yet. */
	if (table->key == KEY_INT64 && places >= DENSE_PLACES_LEAST && !table->was_dense &&
		places == 2 * table->hash.places)
	{
		uint64 count;

		table->pages.narrow = choose_narrow(table);
		count = pages_would_do(table, places, room);
		if (count > 0)
		{
			pages_from_hash(table, count);
			return;
		}
		table->pages.narrow = false;
	}
	hash_resize(&table->hash, places);
}

void
table_prefetch(const CustomerTable *table, const CustomerKey *key)
{
	if (table->dense)
	{
		const char *cells = page_cells(&table->pages, key->a >> CELL_PAGE_BITS);

		if (cells != NULL)
			__builtin_prefetch(cells + (key->a & (CELL_PAGE_CELLS - 1)) *
										   (page_bytes(&table->pages) / CELL_PAGE_CELLS),
							   1);
	}
	else
		__builtin_prefetch(
			hash_slot(&table->hash, table->key, key_hash(table->key, key->a, key->b)), 1);
}

void
table_add(CustomerTable *table, const CustomerKey *key, const Event *events, int count)
{
	EventCell *cell = NULL;

	if (count == 0)
		return;
	while (table->pages.narrow && count > 0 && is_plain(events) &&
		   add_narrow_word(table, key->a, events->value, 1))
	{
		events++;
		count--;
	}
	if (count == 0)
		return;
	if (table->pages.narrow)
		leave_narrow(table);
	if (table->dense)
		cell = dense_cell(table, key->a);
	if (cell == NULL)
		cell = hash_find(&table->hash, key);
	for (int i = 0; i < count; i++)
		cell_add(&table->pool, cell, event_at(&table->pool.shape, events, i));
}

static inline void
prefetch_log(const EventCell *cell)
{
	if (cell->form == CELL_LOG)
		__builtin_prefetch((const char *) (uintptr_t) cell->bits + cell->base, 1);
}

/* Of some cells, from one on: one after the other, so that looking up their pages overlaps, too. */
static inline void
prefetch_logs(EventCell *const *cells, int from, int count)
{
	for (int i = from; i < Min(from + LOGS_AHEAD, count); i++)
		prefetch_log(cells[i]);
}

/* To read them all; most are short. */
static inline void
prefetch_events(const EventCell *cells, int from)
{
	for (int i = from; i < Min(from + LOGS_AHEAD, CELL_PAGE_CELLS); i++)
	{
		const char *memory = (const char *) (uintptr_t) cells[i].bits;

		if (cells[i].form != CELL_LOG)
			continue;
		__builtin_prefetch(memory);
		__builtin_prefetch(memory + cells[i].base);
	}
}

/* Before the cell at place i of a page is read. */
static inline void
prefetch_page(const CustomerTable *table, const CellPage *page, int i)
{
	if (table->pages.narrow || i % LOGS_AHEAD != 0)
		return;
	if (i == 0)
		prefetch_events(page->cells, 0);
	prefetch_events(page->cells, i + LOGS_AHEAD);
}

static pg_attribute_always_inline void
add_one(CellPool *pool, EventCell *cell, const Event *events, Size size, const int64 *values, int i)
{
	if (events != NULL)
		cell_add(pool, cell, (const Event *) ((const char *) events + i * size));
	else
		cell_add_plain(pool, cell, values[i]);
}

/* Add events (or plain events of these values, where events is NULL) to wide pages; false: they are given up. */
static pg_attribute_always_inline bool
apply_wide(CustomerTable *table, const uint64 *keys, const Event *events, Size size,
		   const int64 *values, int count)
{
	EventCell *cells[BATCH_EVENTS];

	for (int i = 0; i < count; i++)
	{
		cells[i] = dense_cell(table, keys[i]);
		if (unlikely(cells[i] == NULL))
			return false;
		__builtin_prefetch(cells[i], 1);
	}
	prefetch_logs(cells, 0, count);
	for (int i = 0; i < count; i++)
	{
		if (i % LOGS_AHEAD == 0)
			prefetch_logs(cells, i + LOGS_AHEAD, count);
		add_one(&table->pool, cells[i], events, size, values, i);
	}
	return true;
}

/* Keys as batches have them: see EventBatch. */
typedef struct KeyColumns
{
	const uint64 *a;
	const uint64 *b;
	const char *texts;
} KeyColumns;

static pg_attribute_always_inline CustomerKey
key_at(KeyKind kind, const KeyColumns *keys, int i)
{
	CustomerKey key = {.a = keys->a[i]};

	if (kind == KEY_UUID)
		key.b = keys->b[i];
	else if (kind == KEY_TEXT)
	{
		uint32 size;

		memcpy(&size, keys->texts + keys->b[i], sizeof(size));
		key.b = size;
		key.bytes = keys->texts + keys->b[i] + sizeof(size);
	}
	return key;
}

/* The same to the hash table. */
static pg_attribute_always_inline void
apply_hash(CustomerTable *table, KeyKind kind, const KeyColumns *keys, const Event *events,
		   Size size, const int64 *values, int count)
{
	uint64 places[BATCH_EVENTS];

	for (int i = 0; i < count; i++)
	{
		places[i] = key_hash(kind, keys->a[i], kind == KEY_UUID ? keys->b[i] : 0);
		__builtin_prefetch(hash_slot(&table->hash, kind, places[i]), 1);
	}
	for (int i = 0; i < count && kind == KEY_TEXT; i++)
	{
		const HashSlot *slot = hash_slot(&table->hash, kind, places[i]);

		if (slot->cell.form != CELL_EMPTY)
			__builtin_prefetch((const void *) (uintptr_t) slot->b[0]);
	}
	for (int i = 0; i < count; i++)
	{
		CustomerKey key = key_at(kind, keys, i);

		/* Most keys are in the first place that is looked at. */
		if (i % LOGS_AHEAD == 0)
			for (int j = i + LOGS_AHEAD; j < Min(i + 2 * LOGS_AHEAD, count); j++)
				prefetch_log(&hash_slot(&table->hash, kind, places[j])->cell);
		add_one(&table->pool, hash_cell(&table->hash, kind, &key, places[i]), events, size, values,
				i);
	}
}

static pg_attribute_always_inline void
apply(CustomerTable *table, const KeyColumns *keys, const Event *events, Size size,
	  const int64 *values, int count)
{
	if (table->dense && apply_wide(table, keys->a, events, size, values, count))
		return;
	if (table->key == KEY_INT64)
		apply_hash(table, KEY_INT64, keys, events, size, values, count);
	else if (table->key == KEY_UUID)
		apply_hash(table, KEY_UUID, keys, events, size, values, count);
	else
		apply_hash(table, KEY_TEXT, keys, events, size, values, count);
}

void
table_apply(CustomerTable *table, const EventBatch *batch)
{
	KeyColumns keys = {batch->a, batch->b, batch->texts.data};
	const Event *events = batch->events.events;
	int count = batch->used;

	if (table->pool.shape.has_amount)
	{
		apply(table, &keys, events, sizeof(AmountEvent), NULL, count);
		return;
	}
	while (table->pages.narrow && count > 0 && is_plain(events) &&
		   add_narrow_word(table, *keys.a, events->value, 1))
	{
		keys.a++;
		events++;
		count--;
	}
	if (table->pages.narrow && count > 0)
		leave_narrow(table);
	apply(table, &keys, events, sizeof(Event), NULL, count);
}

/* As many plain events as fit into narrow pages: cells are found and fetched first, so that their misses overlap. */
static int
apply_narrow(CustomerTable *table, const uint64 *keys, const int64 *values, int count)
{
	uint64 *found[BATCH_EVENTS];
	int ahead = 0;

	for (int i = 0; i < count; i++)
	{
		uint64 place = narrow_place(&table->pages, values[i]);

		for (; ahead < count && ahead < i + NARROW_AHEAD; ahead++)
		{
			found[ahead] = page_cells(&table->pages, keys[ahead] >> CELL_PAGE_BITS);
			if (likely(found[ahead] != NULL))
			{
				found[ahead] += keys[ahead] & (CELL_PAGE_CELLS - 1);
				__builtin_prefetch(found[ahead], 1);
			}
		}
		if (likely(place < 64 && found[i] != NULL))
			narrow_add(&table->pool, found[i], UINT64CONST(1) << place);
		else if (!add_narrow_word(table, keys[i], values[i], 1))
			return i;
	}
	return count;
}

void
table_apply_plain(CustomerTable *table, const uint64 *a, const uint64 *b, const int64 *values,
				  int count)
{
	KeyColumns keys = {a, b, NULL};
	int done = 0;

	if (table->pages.narrow)
	{
		done = apply_narrow(table, a, values, count);
		keys.a += done;
	}
	apply(table, &keys, NULL, 0, values + done, count - done);
}

void
table_empty(CustomerTable *table)
{
	uint64 places = table->hash.places;

	table_clear(table);
	table->was_dense = true;
	if (places > 0)
		hash_resize(&table->hash, places);
}

bool
table_is_hash_of_words(const CustomerTable *table)
{
	CustomerKey key = {0};

	if (table->dense || !table->pool.takes_words)
		return false;
	for (uint64 i = 0; i < table->hash.places; i++)
	{
		const EventCell *cell = hash_cell_at(&table->hash, i, &key);

		CHECK_NOW_AND_THEN(i);
		if (cell != NULL && cell->form != CELL_WORD)
			return false;
	}
	return true;
}

void
table_add_words(CustomerTable *table, const KeyedWord *words, int count)
{
	CustomerKey key = {0};

	for (int i = 0; i < count; i++)
	{
		key.a = words[i].key;
		table_prefetch(table, &key);
	}
	for (int i = 0; i < count; i++)
	{
		EventCell *cell;

		key.a = words[i].key;
		if (table->pages.narrow &&
			add_narrow_word(table, words[i].key, words[i].first, words[i].bits))
			continue;
		cell = table->dense ? dense_cell(table, words[i].key) : NULL;
		if (cell == NULL)
			cell = hash_find(&table->hash, &key);
		cell_add_word(&table->pool, cell, words[i].first, words[i].bits);
	}
}

static void
visit_cell(const CustomerTable *table, const CustomerKey *key, const EventCell *cell,
		   EventBuffer *buffer, EntryVisitor visitor, void *argument)
{
	int count = cell_events(&table->pool, cell, buffer);

	CHECK_FOR_INTERRUPTS();
	if (count > 0)
		visitor(argument, key, buffer->events, count);
}

static void
visit_page(const CustomerTable *table, const CellPage *page, EventBuffer *buffer,
		   EntryVisitor visitor, void *argument)
{
	CustomerKey key = {0};

	for (int j = 0; j < CELL_PAGE_CELLS; j++)
	{
		EventCell cell;

		prefetch_page(table, page, j);
		if (!cell_of_page(&table->pages, &table->pool, page, j, &cell))
			continue;
		key.a = page->number << CELL_PAGE_BITS | j;
		visit_cell(table, &key, &cell, buffer, visitor, argument);
	}
}

static void
visit_place(const CustomerTable *table, uint64 place, EventBuffer *buffer, EntryVisitor visitor,
			void *argument)
{
	CustomerKey key = {0};
	const EventCell *cell = hash_cell_at(&table->hash, place, &key);

	if (cell != NULL)
		visit_cell(table, &key, cell, buffer, visitor, argument);
}

void
table_each(CustomerTable *table, EntryVisitor visitor, void *argument)
{
	EventBuffer buffer = {0};

	for (uint64 i = 0; i < table->pages.places; i++)
		if (table->pages.directory[i].cells != NULL)
			visit_page(table, &table->pages.directory[i], &buffer, visitor, argument);
	for (uint64 i = 0; i < table->hash.places; i++)
	{
		CHECK_NOW_AND_THEN(i);
		visit_place(table, hash_place(&table->hash, i), &buffer, visitor, argument);
	}
	if (buffer.events != NULL)
		pfree(buffer.events);
}

typedef struct WordVisit
{
	Share share;
	KeyKind kind;
	EntryVisitor visitor;
	void *argument;
} WordVisit;

/* An EntryVisitor that passes the customers of the share on. */
static void
visit_of_share(void *argument, const CustomerKey *key, Event *events, int count)
{
	WordVisit *visit = argument;

	if (in_share(visit->kind, key, visit->share))
		visit->visitor(visit->argument, key, events, count);
}

static inline bool
visit_word(const CustomerTable *table, uint64 key, const EventCell *cell, KeyedWordVisitor words,
		   void *argument)
{
	KeyedWord word;

	if (cell->form != CELL_WORD)
		return false;
	word.key = key;
	word.bits = cell->bits;
	word.first = (int64) ((uint64) table->pool.origin + (uint64) (int64) cell->base);
	words(argument, &word);
	return true;
}

void
table_each_word(CustomerTable *table, Share share, KeyedWordVisitor words, EntryVisitor visitor,
				void *argument)
{
	EventBuffer buffer = {0};
	WordVisit visit = {share, table->key, visitor, argument};

	if (words == NULL)
	{
		table_each(table, share.count > 1 ? visit_of_share : visitor,
				   share.count > 1 ? &visit : argument);
		return;
	}
	for (uint64 i = 0; i < table->pages.places; i++)
	{
		const CellPage *page = &table->pages.directory[i];
		CustomerKey key = {.a = page->number << CELL_PAGE_BITS};

		if (page->cells == NULL || !in_share(KEY_INT64, &key, share))
			continue;
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < CELL_PAGE_CELLS; j++, key.a++)
		{
			EventCell cell;

			prefetch_page(table, page, j);
			if (cell_of_page(&table->pages, &table->pool, page, j, &cell) &&
				!visit_word(table, key.a, &cell, words, argument))
				visit_cell(table, &key, &cell, &buffer, visitor, argument);
		}
	}
	for (uint64 i = 0; i < table->hash.places; i++)
	{
		CustomerKey key = {0};
		const EventCell *cell = hash_cell_at(&table->hash, hash_place(&table->hash, i), &key);

		CHECK_NOW_AND_THEN(i);
		if (cell != NULL && in_share(table->key, &key, share) &&
			!visit_word(table, key.a, cell, words, argument))
			visit_cell(table, &key, cell, &buffer, visitor, argument);
	}
	if (buffer.events != NULL)
		pfree(buffer.events);
}

typedef struct WordGiver
{
	CustomerTable *table;
	WordTaker taker;
	void *argument;
} WordGiver;

static void
give_word(void *argument, const KeyedWord *word)
{
	WordGiver *giver = argument;

	if (giver->taker(giver->argument, word))
		return;
	table_reserve(giver->table, 1, 0);
	table_add_words(giver->table, word, 1);
}

static void
keep_entry(void *argument, const CustomerKey *key, Event *events, int count)
{
	WordGiver *giver = argument;

	table_reserve(giver->table, 1, 0);
	table_add(giver->table, key, events, count);
}

void
table_give_words(CustomerTable *table, WordTaker taker, void *argument)
{
	CustomerTable old = *table;
	WordGiver giver = {table, taker, argument};

	table_begin(table, table_context(MemoryContextGetParent(old.pool.context)), old.key,
				&old.pool.shape);
	table_each_word(&old, (Share){0, 1}, give_word, keep_entry, &giver);
	MemoryContextDelete(old.pool.context);
}
