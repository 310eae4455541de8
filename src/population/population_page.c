/*
 * population_page.c
 *		Pages of cells for integer keys that lie close together: making them, and what they are made of.
 */
#include "retention.h"

#include <sys/mman.h>

#include "base/check.h"
#include "base/memory.h"
#include "population/population_page.h"

/* Of the processor, where it has some. */
#define HUGE_PAGE ((Size) 2 * 1024 * 1024)
#define PAGES_OF_BLOCK 1024
/* Pages are addressed directly where they lie in a span of so many times their number. */
#define NEAR_SPAN 8

/*
 * Zeroed memory. Rows come to it in no order, so that a large piece is better in few large pages of the processor's
 * than in many small ones; where the system has none, nothing is lost.
 */
void *
page_memory(MemoryContext context, Size size)
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
	memory_clear(memory, size);
	return memory;
}

/* The cells of a new page. Blocks grow with the table. */
static void *
allocate_page(Table *table)
{
	PageBlock *block = table->blocks;
	char *cells;

	if (table->block_left == 0)
	{
		Size size = Max(1, Min(table->npages / 4, PAGES_OF_BLOCK)) * page_size(table);

		block = MemoryContextAlloc(table->context, sizeof(PageBlock));
		block->cells = page_memory(table->context, size);
		block->size = size;
		block->next = table->blocks;
		table->blocks = block;
		table->block_left = size;
	}
	cells = block->cells + block->size - table->block_left;
	table->block_left -= page_size(table);
	return cells;
}

static void
free_blocks(PageBlock *block)
{
	while (block != NULL)
	{
		PageBlock *next = block->next;

		pfree(block->cells);
		pfree(block);
		block = next;
	}
}

/* A new page is addressed directly too, if that takes little memory. */
static void
page_near(Table *table, const Page *page)
{
	if (page->number - table->near_first >= table->near_count)
	{
		uint64 span = table->last_page - table->first_page + 1;

		if (span > NEAR_SPAN * table->npages)
			return;
		if (table->near != NULL)
			pfree(table->near);
		/* Keys grow, or shrink: with room on both sides that is rare. */
		table->near_first = table->first_page - Min(table->first_page, span);
		table->near_count = 3 * span;
		table->near = MemoryContextAllocExtended(table->context, table->near_count * sizeof(void *),
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		for (uint64 i = 0; i < table->page_places; i++)
			if (table->pages[i].cells != NULL)
				table->near[table->pages[i].number - table->near_first] = table->pages[i].cells;
	}
	table->near[page->number - table->near_first] = page->cells;
}

void *
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
	table->first_page = table->npages == 0 ? number : Min(table->first_page, number);
	table->last_page = table->npages == 0 ? number : Max(table->last_page, number);
	table->npages++;
	page_near(table, page);
	return page->cells;
}

/* Whether the keys of the hash table lie on at most so many pages. */
bool
pages_would_do(const Table *table, uint64 most)
{
	uint64 places = pg_nextpower2_64(Max(2 * most, 16));
	Page *seen = palloc0(places * sizeof(Page));
	const IntSlot *slots = (const IntSlot *) table->slots;
	uint64 count = 0;

	for (uint64 i = 0; i < table->places && count <= most; i++)
	{
		Page *page;

		CHECK_NOW_AND_THEN(i);
		if (slots[i].cell.form == CELL_EMPTY)
			continue;
		page = page_place(seen, places, slots[i].a >> PAGE_BITS);
		if (page->cells != NULL)
			continue;
		page->number = slots[i].a >> PAGE_BITS;
		page->cells = unconstify(IntSlot *, &slots[i]); /* any pointer */
		count++;
	}
	pfree(seen);
	return count <= most;
}

/* Every page gets cells of full size. */
void
pages_widen(Table *table)
{
	PageBlock *blocks = table->blocks;

	table->narrow = false;
	table->blocks = NULL;
	table->block_left = 0;
	for (uint64 i = 0; i < table->page_places; i++)
	{
		Page *page = &table->pages[i];
		const uint64 *from = page->cells;
		Cell *cells;

		CHECK_FOR_INTERRUPTS();
		if (from == NULL)
			continue;
		cells = allocate_page(table);
		for (int j = 0; j < PAGE_CELLS; j++)
			if (from[j] != 0)
				cells[j] = narrow_cell(table, from[j]);
		page->cells = cells;
		if (page->number - table->near_first < table->near_count)
			table->near[page->number - table->near_first] = cells;
	}
	free_blocks(blocks);
}

/* Whether the customers of the hash table fit into narrow pages; sets narrow_first. */
static bool
choose_narrow(Table *table)
{
	const IntSlot *slots = (const IntSlot *) table->slots;
	int64 least = PG_INT64_MAX;
	int64 most = PG_INT64_MIN;

	if (table->cap != 1)
		return false;
	for (uint64 i = 0; i < table->places; i++)
	{
		const Cell *cell = &slots[i].cell;

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
	/* Room on both sides, more for what comes later. */
	return !pg_add_s64_overflow(table->origin, least - (63 - (most - least)) / 4,
								&table->narrow_first) &&
		   table->narrow_first < PG_INT64_MAX - 64;
}

void
pages_from_hash(Table *table)
{
	IntSlot *slots = (IntSlot *) table->slots;

	table->narrow = choose_narrow(table);
	for (uint64 i = 0; i < table->places; i++)
	{
		uint64 number = slots[i].a >> PAGE_BITS;
		const Cell *cell = &slots[i].cell;
		void *cells;

		CHECK_NOW_AND_THEN(i);
		if (cell->form == CELL_EMPTY)
			continue;
		cells = table->npages > 0 ? page_cells(table, number) : NULL;
		if (cells == NULL)
			cells = page_create(table, number);
		if (table->narrow)
			((uint64 *) cells)[slots[i].a & (PAGE_CELLS - 1)] =
				cell->bits << (table->origin + cell->base - table->narrow_first);
		else
			((Cell *) cells)[slots[i].a & (PAGE_CELLS - 1)] = *cell;
	}
	pfree(slots);
	table->slots = NULL;
	table->places = 0;
	table->dense = true;
}

/* All pages and what leads to them. */
void
pages_free(Table *table)
{
	free_blocks(table->blocks);
	table->blocks = NULL;
	table->block_left = 0;
	if (table->pages != NULL)
		pfree(table->pages);
	table->pages = NULL;
	table->page_places = table->npages = 0;
	if (table->near != NULL)
		pfree(table->near);
	table->near = NULL;
	table->near_count = 0;
	table->narrow = false;
}
