/*
 * population_table.h
 *		The table of a large population: from a key to the events of a customer.
 *
 * Integer keys that lie close together are addressed directly, page by page (population_page.h); other keys are hashed
 * (population_hash.h). Which of the two is decided where the hash table would have to grow, by the memory that either
 * would take.
 */
#ifndef RETENTION_POPULATION_TABLE_H
#define RETENTION_POPULATION_TABLE_H

#include "population/population_hash.h"
#include "population/population_page.h"
#include "utils/memutils.h"

/* The context of a table, below that of its owner. */
static inline MemoryContext
table_context(MemoryContext parent)
{
	return AllocSetContextCreate(parent, "retention table", 0, 1024, 8 * 1024 * 1024);
}

/* Everything a table owns is in the context of its pool; table_clear() empties it. */
typedef struct CustomerTable
{
	KeyKind key;
	bool dense;		/* pages are used, and the hash table has no places */
	bool was_dense; /* pages were tried and took too much memory */
	CellPool pool;
	CellPages pages;
	CustomerHash hash;
} CustomerTable;

/* Events of integer customers that are applied together. */
#define BATCH_EVENTS 512

/* A customer whose events are a word: see WordVisitor. */
typedef struct KeyedWord
{
	uint64 key;
	uint64 bits;
	int64 first;
} KeyedWord;

typedef void (*KeyedWordVisitor)(void *argument, const KeyedWord *word);

/* Events that wait to be applied together, so that their cache misses overlap. */
typedef struct EventBatch
{
	int used;
	uint64 a[BATCH_EVENTS];
	uint64 b[BATCH_EVENTS]; /* of texts: where they begin in texts; their size is in front */
	StringInfoData texts;
	union
	{
		Event events[BATCH_EVENTS];
		AmountEvent amount_events[BATCH_EVENTS];
	} events; /* only as much of it as the shape needs is allocated: BATCH_SIZE() */
} EventBatch;

#define BATCH_SIZE(shape) (offsetof(EventBatch, events) + BATCH_EVENTS * event_size(shape))

extern void
table_begin(CustomerTable *table, MemoryContext context, KeyKind key, const EventShape *shape);
extern void table_clear(CustomerTable *table);

/*
 * So many new keys will find a place; table_growth() is the memory that this would take. room is what the query may
 * still use.
 */
extern Size table_growth(const CustomerTable *table, int count);
extern void table_reserve(CustomerTable *table, int count, Size room);

/* All of these after table_reserve(). Begin to fetch the memory that table_add() will need. */
extern void table_prefetch(const CustomerTable *table, const CustomerKey *key);
extern void table_add(CustomerTable *table, const CustomerKey *key, const Event *events, int count);

/* A batch; up to BATCH_EVENTS plain events, in a table that takes words: a and, of uuids, b are their keys. */
extern void table_apply(CustomerTable *table, const EventBatch *batch);
extern void table_apply_plain(CustomerTable *table, const uint64 *a, const uint64 *b,
							  const int64 *values, int count);

/* An empty table that keeps its places; it will not have pages. */
extern void table_empty(CustomerTable *table);

/* Whether it is hashed, with words alone. */
extern bool table_is_hash_of_words(const CustomerTable *table);

/* Customers whose events are words, in a table of integers that takes words. */
extern void table_add_words(CustomerTable *table, const KeyedWord *words, int count);

/*
 * Where pages would do for a table of words that is hashed: the value of their first bit, the number of the first page
 * and how many pages to address directly.
 */
extern bool table_would_be_near(CustomerTable *table, Size room, int64 *first, uint64 *near_first,
								uint64 *near_count);

/* Whether the keys of a table that is hashed are so far apart that it will never have pages. */
extern bool table_is_scattered(const CustomerTable *table);

/* Words that taker takes leave the table. Its memory is a new context then, beside the old. */
typedef bool (*WordTaker)(void *argument, const KeyedWord *word);
extern void table_give_words(CustomerTable *table, WordTaker taker, void *argument);

/* Every customer, in any order. */
extern void table_each(CustomerTable *table, EntryVisitor visitor, void *argument);

/*
 * The customers of a share, in any order. Where words is not NULL, those that are words are passed to it, with the
 * first half of their key; all others go to visitor.
 */
extern void table_each_word(CustomerTable *table, Share share, KeyedWordVisitor words,
							EntryVisitor visitor, void *argument);

static inline Size
table_bytes(const CustomerTable *table)
{
	return MemoryContextMemAllocated(table->pool.context, false);
}

static inline bool
is_plain(const Event *event)
{
	return event->flags == EVENT_PLAIN && event->count > 0;
}

#endif /* RETENTION_POPULATION_TABLE_H */
