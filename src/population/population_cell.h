/*
 * population_cell.h
 *		The events of one customer of a table, in 16 bytes where they are a few plain ones.
 *
 * The usual customer is one word: bit i is a plain event i periods after their first. cell_add() is the way of an event
 * into it and is inlined, since every row takes it; everything else is in population_cell.c.
 */
#ifndef RETENTION_POPULATION_CELL_H
#define RETENTION_POPULATION_CELL_H

#include "base/check.h"
#include "population/population_entry.h"

typedef enum CellForm
{
	CELL_EMPTY,
	CELL_WORD,	 /* plain events: bit i of bits is the value origin + base + i, and bit 0 is set */
	CELL_SINGLE, /* one event: bits is its value, base its count, flags its flags */
	CELL_LOG, /* events of any kind, as bytes that bits points to: base are used, of two to the power of flags */
} CellForm;

typedef struct EventCell
{
	uint64 bits;
	int32 base;
	uint16 form;
	uint16 flags;
} EventCell;

/* The sizes of logs that are kept in blocks. */
#define CELL_LOG_SIZES 11

/* What all cells of a table have in common. */
typedef struct CellPool
{
	MemoryContext context; /* of logs */
	EventShape shape;
	bool takes_words; /* cap 1, no amounts: cells may be words */
	bool has_origin;
	int64 origin; /* the first value: words and logs are relative to it */
	int64 customers;
	/* Of logs: what is left of a block, and logs of each size that are free: each begins with the next. */
	char *block;
	Size block_left;
	Size block_size;
	char *free_logs[CELL_LOG_SIZES];
} CellPool;

/* The events of a cell, normalised, into the buffer; returns how many. */
extern int cell_events(const CellPool *pool, const EventCell *cell, EventBuffer *buffer);

/* cell_add() for events and cells of any kind. */
extern void cell_add_slowly(CellPool *pool, EventCell *cell, const Event *event);

/* Plain events at first + i for each bit i of bits, in a pool that takes words; bit 0 is set. */
extern void cell_add_word(CellPool *pool, EventCell *cell, int64 first, uint64 bits);

static inline bool
offset_of(const CellPool *pool, int64 value, int32 *offset)
{
	int64 difference;

	if (pg_sub_s64_overflow(value, pool->origin, &difference) ||
		difference != (int64) (int32) difference)
		return false;
	*offset = (int32) difference;
	return true;
}

static inline void
cell_add(CellPool *pool, EventCell *cell, const Event *event)
{
	int32 offset = 0;

	if (likely(event->flags == EVENT_PLAIN && pool->takes_words && event->count > 0))
	{
		if (unlikely(!pool->has_origin))
		{
			pool->origin = event->value;
			pool->has_origin = true;
		}
		if (likely(offset_of(pool, event->value, &offset)))
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
			/* Offsets near the greatest would let base + 63 overflow. */
			else if (cell->form == CELL_EMPTY && offset <= PG_INT32_MAX - 64)
			{
				cell->bits = 1;
				cell->base = offset;
				cell->form = CELL_WORD;
				pool->customers++;
				return;
			}
		}
	}
	cell_add_slowly(pool, cell, event);
}

/* A plain event, in a pool that takes words. */
static inline void
cell_add_plain(CellPool *pool, EventCell *cell, int64 value)
{
	int64 ahead = (int64) ((uint64) value - (uint64) pool->origin) - cell->base;

	/* Far from the origin the difference may wrap around, but not into a word: those are near it. */
	if (likely(cell->form == CELL_WORD && (uint64) ahead < 64))
		cell->bits |= UINT64CONST(1) << ahead;
	else
	{
		Event event = {.value = value, .count = 1, .flags = EVENT_PLAIN};

		cell_add(pool, cell, &event);
	}
}

#endif /* RETENTION_POPULATION_CELL_H */
