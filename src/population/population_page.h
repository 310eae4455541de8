/*
 * population_page.h
 *		The way from a key to its cell in a table of pages; inlined, for every row takes it.
 */
#ifndef RETENTION_POPULATION_PAGE_H
#define RETENTION_POPULATION_PAGE_H

#include "population/population_internal.h"
#include "port/pg_bitutils.h"

static inline Size
page_size(const Table *table)
{
	return table->narrow ? NARROW_SIZE : PAGE_SIZE;
}

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
static inline void *
page_cells(const Table *table, uint64 number)
{
	if (likely(number - table->near_first < table->near_count))
		return table->near[number - table->near_first];
	return page_place(table->pages, table->page_places, number)->cells;
}

/* A cell of a narrow page as any other. */
static inline Cell
narrow_cell(const Table *table, uint64 bits)
{
	int lowest = pg_rightmost_one_pos64(bits);

	return (Cell){.bits = bits >> lowest,
				  .base = (int32) (table->narrow_first - table->origin + lowest),
				  .form = CELL_WORD};
}

/* The place of a value in the cells of narrow pages; 64 or more: it has none. */
static inline uint64
narrow_place(const Table *table, int64 value)
{
	return (uint64) value - (uint64) table->narrow_first;
}

static inline bool
is_plain(const Event *event)
{
	return event->flags == EVENT_PLAIN && event->count > 0;
}

/* Add events to a narrow cell. */
static inline void
narrow_add(Table *table, uint64 *cell, uint64 bits)
{
	table->customers += *cell == 0;
	*cell |= bits;
}

/* A copy of a cell of a page; false where it is empty. */
static inline bool
cell_of_page(const Table *table, const Page *page, int number, Cell *cell)
{
	if (table->narrow)
	{
		uint64 bits = ((const uint64 *) page->cells)[number];

		if (bits != 0)
			*cell = narrow_cell(table, bits);
		return bits != 0;
	}
	*cell = ((const Cell *) page->cells)[number];
	return cell->form != CELL_EMPTY;
}

/* population_page.c */
extern void *page_memory(MemoryContext context, Size size);
extern void *page_create(Table *table, uint64 number);
extern void pages_free(Table *table);
extern void pages_widen(Table *table);
extern bool pages_would_do(const Table *table, uint64 most);
extern void pages_from_hash(Table *table);

#endif /* RETENTION_POPULATION_PAGE_H */
