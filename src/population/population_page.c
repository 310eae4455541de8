/*
 * population_page.c
 *		Pages of cells: making, widening and freeing them.
 */
#include "retention.h"

#include "base/memory.h"
#include "population/population_page.h"

#define PAGES_PER_BLOCK 1024

/*
 * Rows are written to it in random order, so that a large piece is faster in a few large pages of the processor than
 * in many small ones.
 */
void *
table_memory(MemoryContext context, Size size)
{
	char *memory = memory_large(context, size);

	memory_clear(memory, size);
	return memory;
}

void
pages_reserve(CellPages *pages, uint64 count)
{
	CellBlock *block = MemoryContextAlloc(pages->context, sizeof(CellBlock));

	block->size = count * page_bytes(pages);
	block->cells = table_memory(pages->context, block->size);
	block->next = pages->blocks;
	pages->blocks = block;
	pages->block_left = block->size;
}

/* The cells of a new page. Blocks grow with the table. */
static void *
allocate_page(CellPages *pages)
{
	CellBlock *block;
	char *cells;

	if (pages->block_left == 0)
		pages_reserve(pages, Max(1, Min(pages->count / 4, PAGES_PER_BLOCK)));
	block = pages->blocks;
	cells = block->cells + block->size - pages->block_left;
	pages->block_left -= page_bytes(pages);
	return cells;
}

static void
free_blocks(CellBlock *block)
{
	while (block != NULL)
	{
		CellBlock *next = block->next;

		pfree(block->cells);
		pfree(block);
		block = next;
	}
}

/* A new page is addressed directly, too, if that takes little memory. */
static void
page_near(CellPages *pages, const CellPage *page)
{
	if (page->number - pages->near_first >= pages->near_count)
	{
		uint64 span = pages->last - pages->first + 1;

		if (span > NEAR_SPAN * pages->count)
			return;
		if (pages->near_cells != NULL)
			pfree(pages->near_cells);
		/* With space on both sides, new keys seldom lead here again. */
		pages->near_first = pages->first - Min(pages->first, span);
		pages->near_count = 3 * span;
		pages->near_cells = MemoryContextAllocExtended(
			pages->context, pages->near_count * sizeof(void *), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		for (uint64 i = 0; i < pages->places; i++)
			if (pages->directory[i].cells != NULL)
				pages->near_cells[pages->directory[i].number - pages->near_first] =
					pages->directory[i].cells;
	}
	pages->near_cells[page->number - pages->near_first] = page->cells;
}

void *
page_create(CellPages *pages, uint64 number)
{
	CellPage *page;

	if (pages->places == 0 || pages->count >= pages->places / 2)
	{
		uint64 places = Max(pages->places * 2, 16);
		CellPage *grown = MemoryContextAllocExtended(pages->context, places * sizeof(CellPage),
													 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

		for (uint64 i = 0; i < pages->places; i++)
			if (pages->directory[i].cells != NULL)
				*page_place(grown, places, pages->directory[i].number) = pages->directory[i];
		if (pages->directory != NULL)
			pfree(pages->directory);
		pages->directory = grown;
		pages->places = places;
	}
	page = page_place(pages->directory, pages->places, number);
	page->number = number;
	page->cells = allocate_page(pages);
	pages->first = pages->count == 0 ? number : Min(pages->first, number);
	pages->last = pages->count == 0 ? number : Max(pages->last, number);
	pages->count++;
	page_near(pages, page);
	return page->cells;
}

void
pages_widen(CellPages *pages, const CellPool *pool)
{
	CellBlock *blocks = pages->blocks;

	pages->narrow = false;
	pages->blocks = NULL;
	pages->block_left = 0;
	pages_reserve(pages, pages->count);
	for (uint64 i = 0; i < pages->places; i++)
	{
		CellPage *page = &pages->directory[i];
		const uint64 *from = page->cells;
		EventCell *cells;

		CHECK_FOR_INTERRUPTS();
		if (from == NULL)
			continue;
		cells = allocate_page(pages);
		for (int j = 0; j < CELL_PAGE_CELLS; j++)
			if (from[j] != 0)
				cells[j] = narrow_cell(pages, pool, from[j]);
		page->cells = cells;
		if (page->number - pages->near_first < pages->near_count)
			pages->near_cells[page->number - pages->near_first] = cells;
	}
	free_blocks(blocks);
}

void
pages_free(CellPages *pages)
{
	free_blocks(pages->blocks);
	pages->blocks = NULL;
	pages->block_left = 0;
	if (pages->directory != NULL)
		pfree(pages->directory);
	pages->directory = NULL;
	pages->places = pages->count = 0;
	if (pages->near_cells != NULL)
		pfree(pages->near_cells);
	pages->near_cells = NULL;
	pages->near_count = 0;
	pages->narrow = false;
}
