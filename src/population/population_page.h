/*
 * population_page.h
 *		Pages of cells: for integer customers whose keys lie close together, so that a key is the address of its cell.
 *
 * The way from a key to its cell is inlined, since every row takes it.
 */
#ifndef RETENTION_POPULATION_PAGE_H
#define RETENTION_POPULATION_PAGE_H

#include "population/population_cell.h"
#include "port/pg_bitutils.h"

#define CELL_PAGE_CELLS (1 << CELL_PAGE_BITS)
#define CELL_PAGE_BYTES (CELL_PAGE_CELLS * sizeof(EventCell))
#define NARROW_PAGE_BYTES (CELL_PAGE_CELLS * sizeof(uint64))

/* Pages are addressed directly where they lie in a span of so many times their number. */
#define NEAR_SPAN 8

typedef struct CellPage
{
	uint64 number; /* key >> CELL_PAGE_BITS */
	void *
		cells; /* EventCell, or uint64 where pages are narrow; NULL: this place of the directory is free */
} CellPage;

/* Memory that the cells of pages are cut from. */
typedef struct CellBlock
{
	struct CellBlock *next;
	Size size;
	char *cells;
} CellBlock;

/*
 * The directory of pages, a hash table of open addressing. Narrow pages: where every customer is a word and all values
 * lie within 64 of each other, a cell is a uint64, whose bit i is the value narrow_first + i. The first event that is
 * not so makes all pages wide.
 */
typedef struct CellPages
{
	MemoryContext context;
	bool narrow;
	int64 narrow_first;
	CellBlock *blocks; /* the newest is first */
	Size block_left;   /* bytes of the newest that are not cut */
	CellPage *directory;
	uint64 places; /* of the directory: 0, or a power of two */
	uint64 count;
	uint64 first; /* the least and the greatest number of a page */
	uint64 last;
	void **
		near_cells; /* where most pages are close together: cells of the pages near_first..; NULL: no such page */
	uint64 near_first;
	uint64 near_count;
} CellPages;

/* Zeroed memory for a table of any size. */
extern void *table_memory(MemoryContext context, Size size);

/* The cells of a new page, all empty. */
extern void *page_create(CellPages *pages, uint64 number);

/* The memory of so many pages that will be made now, in one piece. */
extern void pages_reserve(CellPages *pages, uint64 count);

extern void pages_free(CellPages *pages);

/* Every page gets cells of full size. */
extern void pages_widen(CellPages *pages, const CellPool *pool);

static inline Size
page_bytes(const CellPages *pages)
{
	return pages->narrow ? NARROW_PAGE_BYTES : CELL_PAGE_BYTES;
}

/* Numbers that follow each other spread well by a multiplication (Knuth 1998, section 6.4: Fibonacci hashing). */
static inline CellPage *
page_place(CellPage *pages, uint64 places, uint64 number)
{
	uint64 i = (number * UINT64CONST(0x9e3779b97f4a7c15)) >> 32;

	for (;; i++)
	{
		CellPage *page = &pages[i & (places - 1)];

		if (likely(page->number == number) || page->cells == NULL)
			return page;
	}
}

/* The cells of a page, or NULL where it is not in the directory. */
static inline void *
page_cells(const CellPages *pages, uint64 number)
{
	if (likely(number - pages->near_first < pages->near_count))
		return pages->near_cells[number - pages->near_first];
	return page_place(pages->directory, pages->places, number)->cells;
}

/* A cell of a narrow page as a cell of full size. */
static inline EventCell
narrow_cell(const CellPages *pages, const CellPool *pool, uint64 bits)
{
	int lowest = pg_rightmost_one_pos64(bits);

	return (EventCell){.bits = bits >> lowest,
					   .base = (int32) (pages->narrow_first - pool->origin + lowest),
					   .form = CELL_WORD};
}

/* The bit of a value in the cells of narrow pages; 64 or more: it has none. */
static inline uint64
narrow_place(const CellPages *pages, int64 value)
{
	return (uint64) value - (uint64) pages->narrow_first;
}

/* Add events to a narrow cell. */
static inline void
narrow_add(CellPool *pool, uint64 *cell, uint64 bits)
{
	pool->customers += *cell == 0;
	*cell |= bits;
}

/* A copy of a cell of a page; false where it is empty. */
static inline bool
cell_of_page(const CellPages *pages, const CellPool *pool, const CellPage *page, int number,
			 EventCell *cell)
{
	if (pages->narrow)
	{
		uint64 bits = ((const uint64 *) page->cells)[number];

		if (bits != 0)
			*cell = narrow_cell(pages, pool, bits);
		return bits != 0;
	}
	*cell = ((const EventCell *) page->cells)[number];
	return cell->form != CELL_EMPTY;
}

#endif /* RETENTION_POPULATION_PAGE_H */
