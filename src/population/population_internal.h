/*
 * population_internal.h
 *		What the files of the population room share; no other room includes it.
 *
 * A small population is a FlatPopulation: a log of entries, each a key and a history as history_write() writes it. A
 * large one has a table in memory and, when the memory of its query is used up, runs in a temporary file: entries in
 * the order of their keys, each with its length before it.
 */
#ifndef RETENTION_POPULATION_INTERNAL_H
#define RETENTION_POPULATION_INTERNAL_H

#include "base/check.h"
#include "lib/ilist.h"
#include "population/population.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#define POPULATION_NAME "retention_population"
#define POPULATION_FLAT_VERSION 1
#define POPULATION_WIRE_VERSION 1

/* A log grows in place to this size; beyond it a population becomes large. */
#define FLAT_LIMIT 4096
/* A value must fit into a tuple, and a tuple into one allocation. */
#define FLAT_LARGEST ((int64) MaxAllocSize - 1024 * 1024)
#define TAG_LONGEST 65535

typedef struct FlatPopulation
{
	FlatHeader header;
	char aggregate;
	uint8 key;
	uint8 kind;
	uint8 zero;
	int32 cap;
	int32 tag_length;
	int32 used; /* bytes in use, this struct included; VARSIZE may be more, and the rest is 0 */
	PopulationTotals totals;
	char data[FLEXIBLE_ARRAY_MEMBER]; /* the tag, then the log */
} FlatPopulation;

#define FLAT_LOG(flat) ((flat)->data + (flat)->tag_length)
#define FLAT_END(flat) ((char *) (flat) + (flat)->used)

/*
 * A key as the table and the runs see it; equal keys have equal a and b and, for texts, equal bytes. a and b are the
 * integer and 0, the bytes of a uuid, or the hash of a text and its size.
 */
typedef struct Key
{
	uint64 a;
	uint64 b;
	const char *bytes; /* texts only */
} Key;

/* A text that a table keeps. */
typedef struct KeyText
{
	uint32 size;
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} KeyText;

/* The events of one customer of a table. */
typedef enum CellForm
{
	CELL_EMPTY,
	CELL_WORD,	 /* plain events: bit i of bits is the value origin + base + i, and bit 0 is set */
	CELL_SINGLE, /* one event: bits is its value, base its count, flags its flags */
	CELL_LIST,	 /* bits points to an EventList */
	CELL_SHORTS, /* plain events: bits points to a ShortList */
} CellForm;

typedef struct Cell
{
	uint64 bits;
	int32 base;
	uint16 form;
	uint16 flags;
} Cell;

/* In the hash table a key stands before its cell: a for integers, else a and b (of a text: b points to a KeyText). */
typedef struct IntSlot
{
	uint64 a;
	Cell cell;
} IntSlot;

typedef struct WideSlot
{
	uint64 a;
	uint64 b;
	Cell cell;
} WideSlot;

/* Where integers are dense: 1024 cells that their keys address. */
#define PAGE_BITS 10
#define PAGE_CELLS (1 << PAGE_BITS)
#define PAGE_SIZE (PAGE_CELLS * sizeof(Cell))
#define NARROW_SIZE (PAGE_CELLS * sizeof(uint64))

typedef struct Page
{
	uint64 number; /* key >> PAGE_BITS */
	void *
		cells; /* Cell, or uint64 where pages are narrow; NULL: this place of the directory is free */
} Page;

typedef struct PageBlock
{
	struct PageBlock *next;
	Size size; /* of all pages in it */
	char *cells;
} PageBlock;

/* A piece of the log of a population without keys: entries as in a flat log. */
typedef struct Chunk
{
	struct Chunk *next;
	Size used;
	Size capacity;
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} Chunk;

/* Everything a table owns is in its context; table_clear() empties it. */
typedef struct Table
{
	MemoryContext context;
	KeyKind key;
	int32 cap;
	bool has_origin;
	int64 origin; /* the first value: words are relative to it */
	int64 customers;

	/* The hash table: places is 0 or a power of two. */
	char *slots;
	uint64 places;
	int slot_size;

	/* Pages instead of it; was_dense: it was tried and went wrong. */
	bool dense;
	bool was_dense;

	/*
	 * Narrow pages: where every customer is a word and all values lie within 64 of each other, a cell is a uint64, whose
	 * bit i is the value narrow_first + i. The first event that is not so makes them wide.
	 */
	bool narrow;
	int64 narrow_first;
	PageBlock *blocks; /* the cells of pages are cut from them; the newest is first */
	Size block_left;   /* bytes of the newest that are not cut */
	Page *pages;
	uint64 page_places;
	uint64 npages;
	uint64 first_page; /* the least and the greatest number of a page */
	uint64 last_page;
	Cell **
		near; /* cells of the pages near_first.., NULL: no such page; where most pages are close together */
	uint64 near_first;
	uint64 near_count;

	/* Bytes of texts. */
	char *text_at;
	Size text_capacity;

	/* KEY_NONE */
	Chunk *chunks;
	Chunk *last_chunk;
} Table;

#define BATCH_EVENTS 512

/* Events that wait to be applied together, so that their cache misses overlap. */
typedef struct Batch
{
	int used;
	uint64 a[BATCH_EVENTS];
	uint64 b[BATCH_EVENTS]; /* texts: where they begin in texts; their size is in front */
	Event events[BATCH_EVENTS];
	StringInfoData texts;
} Batch;

/* Bytes of the ledger's file. */
typedef struct Run
{
	int64 start;
	int64 size;	   /* in the file */
	int64 entries; /* each has its length in front, which a flat log does not */
	int64 payload; /* size without those lengths */
} Run;

/* What all large populations of one aggregate context share: a limit and a file. */
typedef struct Ledger Ledger;

typedef struct Large Large;

struct Population
{
	PopulationIdentity identity; /* its tag belongs to the flat or large form */
	PopulationTotals totals;
	MemoryContext context; /* where a large form is created: the aggregate's context */

	/* One of the two is NULL: */
	FlatPopulation *flat;
	Large *large;
};

struct Large
{
	ExpandedObjectHeader header;
	Population self;
	Ledger *ledger;
	dlist_node link; /* in the ledger */
	Size counted;	 /* bytes of this population that the ledger has counted */
	int since;		 /* additions since they were counted */
	int pins;		 /* while it is being read it is not written out */
	Table table;
	Batch *batch; /* NULL while the table is small */
	Run *runs;
	int nruns;
	int runs_capacity;
	int64 flat_size; /* -1: unknown */
	MemoryContextCallback gone;
};

/* Calls with each entry of a table, a log or a run; the events belong to the caller and may be scribbled on. */
typedef void (*EntryVisitor)(void *argument, const Key *key, Event *events, int count);

extern int key_share(KeyKind kind, const Key *key, int shares);

static inline bool
in_share(KeyKind kind, const Key *key, Share share)
{
	return share.count <= 1 || key_share(kind, key, share.count) == share.number;
}

/* A customer whose events are a word: see WordVisitor. */
typedef struct KeyedWord
{
	uint64 key;
	uint64 bits;
	int64 first;
} KeyedWord;

typedef void (*KeyedWordVisitor)(void *argument, const KeyedWord *word);

/* Grows with its use. */
typedef struct Scratch
{
	Event *events;
	int capacity;
} Scratch;

static inline Size
table_bytes(const Table *table)
{
	return MemoryContextMemAllocated(table->context, false);
}

/* population.c */
extern void population_each(Population *population, EntryVisitor visitor, void *argument);
extern void population_enlarge(Population *population);

/* population_cell.c */
extern int cell_events(const Table *table, const Cell *cell, Scratch *scratch);
extern void cell_add_slowly(Table *table, Cell *cell, const Event *given);
extern void cell_add_word(Table *table, Cell *cell, int64 first, uint64 bits);

static inline bool
offset_of(const Table *table, int64 value, int32 *offset)
{
	int64 difference;

	if (pg_sub_s64_overflow(value, table->origin, &difference) ||
		difference != (int64) (int32) difference)
		return false;
	*offset = (int32) difference;
	return true;
}

static inline void
cell_add(Table *table, Cell *cell, const Event *event)
{
	int32 offset = 0;

	if (likely(event->flags == EVENT_PLAIN && table->cap == 1 && event->count > 0))
	{
		if (unlikely(!table->has_origin))
		{
			table->origin = event->value;
			table->has_origin = true;
		}
		if (likely(offset_of(table, event->value, &offset)))
		{
			if (cell->form == CELL_WORD)
			{
				int64 ahead = (int64) offset - cell->base;

				if (likely(ahead >= 0 && ahead < 64))
				{
					cell->bits |= UINT64CONST(1) << ahead;
					return;
				}
				/* An earlier event: the word begins there, if its other events stay in it. */
				if (ahead < 0 && ahead > -64 && (cell->bits >> (64 + ahead)) == 0)
				{
					cell->bits = (cell->bits << -ahead) | 1;
					cell->base = offset;
					return;
				}
			}
			/* The last offsets of all would let base + 63 overflow. */
			else if (cell->form == CELL_EMPTY && offset <= PG_INT32_MAX - 64)
			{
				cell->bits = 1;
				cell->base = offset;
				cell->form = CELL_WORD;
				table->customers++;
				return;
			}
		}
	}
	cell_add_slowly(table, cell, event);
}

/* A plain event of a table with cap 1. */
static inline void
cell_add_plain(Table *table, Cell *cell, int64 value)
{
	int64 ahead = (int64) ((uint64) value - (uint64) table->origin) - cell->base;

	/* Far from the origin the difference may wrap around, but not into a word: those are near it. */
	if (likely(cell->form == CELL_WORD && (uint64) ahead < 64))
		cell->bits |= UINT64CONST(1) << ahead;
	else
	{
		Event event = {.value = value, .count = 1, .flags = EVENT_PLAIN};

		cell_add(table, cell, &event);
	}
}

/* population_flat.c */
extern Key key_of_int64(int64 value);
extern Key key_of_bytes(KeyKind kind, const void *bytes, Size size);
extern int key_compare(KeyKind kind, const Key *one, const Key *other);
extern void
entry_write(StringInfo out, KeyKind kind, const Key *key, const Event *events, int count);
extern Key entry_read_key(WireReader *in, KeyKind kind);
extern FlatPopulation *flat_create(const PopulationIdentity *identity, Size capacity);
extern FlatPopulation *flat_argument(Datum value);
extern FlatPopulation *flat_check(FlatPopulation *flat);
extern PopulationIdentity flat_identity(const FlatPopulation *flat);
extern WireReader flat_log(const FlatPopulation *flat);
extern bool flat_reserve(Population *population, Size more);
extern void flat_each(const FlatPopulation *flat, EntryVisitor visitor, void *argument);
extern void flat_each_merged(const FlatPopulation *flat, EntryVisitor visitor, void *argument);
extern void population_write(StringInfo out, Datum value);
extern FlatPopulation *population_read(const char *bytes, Size size);

/* population_large.c */
extern Large *large_create(const PopulationIdentity *identity, MemoryContext context);
extern Large *large_of(Datum value);
extern void large_add(Large *large, const Key *key, const Event *events, int count);
extern void large_load_entry(void *argument, const Key *key, Event *events, int count);
extern void large_load(Large *large, WireReader in);
extern void large_load_words(Large *large, const KeyedWord *words, int count);
extern void large_flush(Large *large);
extern void large_add_plain(Large *large, const int64 *keys, const int64 *values, int count);
extern void large_each(Large *large, EntryVisitor visitor, void *argument);

/* population_table.c */
extern void table_begin(Table *table, MemoryContext context, KeyKind key, int32 cap);
extern void table_clear(Table *table);
extern Size table_growth(const Table *table, int count);
extern void table_reserve(Table *table, int count);
extern void table_prefetch(Table *table, const Key *key);
extern void table_add(Table *table, const Key *key, const Event *events, int count);
extern void table_apply_int64(Table *table, const uint64 *keys, const Event *events, int count);
extern void table_apply_plain(Table *table, const int64 *keys, const int64 *values, int count);
extern void table_apply_wide(Table *table, const Batch *batch);
extern void table_each(Table *table, EntryVisitor visitor, void *argument);
extern void table_each_word(Table *table, Share share, KeyedWordVisitor words, EntryVisitor visitor,
							void *argument);
extern void table_add_words(Table *table, const KeyedWord *words, int count);
extern void table_each_sorted(Table *table, EntryVisitor visitor, void *argument);

/* population_spill.c */
extern Ledger *ledger_of(MemoryContext context);
extern void ledger_join(Large *large);
extern void ledger_count(Large *large);
extern void ledger_reserve(Large *large, Size more);
extern void spill_table(Large *large);
extern void spill_compact(Large *large);
extern void spill_each(Large *large, EntryVisitor visitor, void *argument);
extern void spill_copy(Large *large, char *to, Size size);

#endif /* RETENTION_POPULATION_INTERNAL_H */
