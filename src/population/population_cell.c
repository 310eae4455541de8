/*
 * population_cell.c
 *		The events of one customer of a table: cells that are not words, and lists.
 */
#include "retention.h"

#include "population/population_cell.h"
#include "port/pg_bitutils.h"

/* A list up to this length is kept in order; a longer one has a tail that is sorted in when it is full. */
#define LIST_SHORT 64
#define LIST_BYTES_LEAST 64

/*
 * Events, or values of plain events relative to the origin, in memory of their own. The first `sorted` are in order,
 * each value once.
 */
typedef struct EventList
{
	int32 used;
	int32 capacity;
	int32 sorted;
	char elements[FLEXIBLE_ARRAY_MEMBER];
} EventList;

#define LIST_HEAD MAXALIGN(offsetof(EventList, elements))
#define LIST_EVENTS(list) ((Event *) ((char *) (list) + LIST_HEAD))
#define LIST_SHORTS(list) ((int32 *) ((char *) (list) + LIST_HEAD))

#define ST_SORT sort_shorts
#define ST_ELEMENT_TYPE int32
#define ST_COMPARE(x, y) (*(x) < *(y) ? -1 : *(x) > *(y))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static inline EventList *
list_of(const EventCell *cell)
{
	return (EventList *) (uintptr_t) cell->bits;
}

static inline int64
value_of(const CellPool *pool, int64 offset)
{
	return (int64) ((uint64) pool->origin + (uint64) offset);
}

static inline Event
plain_event(int64 value)
{
	return (Event){.value = value, .count = 1, .flags = EVENT_PLAIN};
}

static inline Size
element_size(CellForm form)
{
	return form == CELL_SHORTS	  ? sizeof(int32)
		   : form == CELL_AMOUNTS ? sizeof(AmountEvent)
								  : sizeof(Event);
}

static EventList *
list_create(const CellPool *pool, CellForm form, int64 count)
{
	Size element = element_size(form);
	Size bytes = LIST_BYTES_LEAST;
	EventList *list;

	if (count > event_limit(&pool->shape))
		history_too_long();
	while (bytes < LIST_HEAD + element * (Size) count)
		bytes *= 2;
	list = MemoryContextAllocHuge(pool->context, bytes);
	list->used = list->sorted = 0;
	list->capacity = (int32) ((bytes - LIST_HEAD) / element);
	return list;
}

static void
list_sort(const CellPool *pool, CellForm form, EventList *list)
{
	int32 *values = LIST_SHORTS(list);
	int kept = 0;

	if (form != CELL_SHORTS)
	{
		if (list->sorted < list->used || pool->shape.cap == 0)
			list->used = list->sorted =
				events_normalise(&pool->shape, LIST_EVENTS(list), list->used);
		return;
	}
	if (list->sorted == list->used)
		return;
	sort_shorts(values, list->used);
	for (int i = 0; i < list->used; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (kept == 0 || values[kept - 1] != values[i])
			values[kept++] = values[i];
	}
	list->used = list->sorted = kept;
}

/*
 * Add an event to a list; in a list of short values, event->value is relative to the origin and the rest is ignored.
 * form is a constant: each gets code of its own. Returns the list, which may have moved.
 */
static pg_attribute_always_inline EventList *
list_add(const CellPool *pool, CellForm form, EventList *list, const Event *event)
{
	const bool shorts = form == CELL_SHORTS;
	const Size element = element_size(form);
	int low;
	int high;

	/* The value is the first field of each kind of event. */
#define LIST_VALUE(i)                                                                              \
	(shorts ? (int64) LIST_SHORTS(list)[i] : *(int64 *) ((char *) LIST_EVENTS(list) + (i) *element))
	if (list->used == list->sorted && list->used > 0 && LIST_VALUE(list->used - 1) == event->value)
	{
		if (!shorts)
			events_merge(&pool->shape, event_at(&pool->shape, LIST_EVENTS(list), list->used - 1),
						 event);
		return list;
	}
	if (list->used == list->capacity)
	{
		list_sort(pool, form, list);
		if (list->used > list->capacity / 4 * 3)
		{
			EventList *grown = list_create(pool, form, 2 * (int64) list->capacity);

			memcpy(LIST_EVENTS(grown), LIST_EVENTS(list), list->used * element);
			grown->used = grown->sorted = list->used;
			pfree(list);
			list = grown;
		}
	}

	/* The place in the sorted part of the first value that is not smaller: mostly near its end. */
	high = list->sorted;
	while (high > 0 && list->sorted - high < LIST_SHORT && LIST_VALUE(high - 1) >= event->value)
		high--;
	low = high > 0 && LIST_VALUE(high - 1) >= event->value ? 0 : high;
	while (low < high)
	{
		int middle = (low + high) / 2;

		if (LIST_VALUE(middle) < event->value)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < list->sorted && LIST_VALUE(low) == event->value)
	{
		if (!shorts)
			events_merge(&pool->shape, event_at(&pool->shape, LIST_EVENTS(list), low), event);
		return list;
	}
	if (list->used == list->sorted && (low == list->used || list->used <= LIST_SHORT))
	{
		char *at = (char *) LIST_EVENTS(list) + low * element;

		memmove(at + element, at, (list->used - low) * element);
		list->sorted++;
	}
	else
		low = list->used;
	if (shorts)
		LIST_SHORTS(list)[low] = (int32) event->value;
	else
		memcpy((char *) LIST_EVENTS(list) + low * element, event, element);
	list->used++;
	return list;
#undef LIST_VALUE
}

/* May put the cell's list in order. */
int
cell_events(const CellPool *pool, const EventCell *cell, EventBuffer *buffer)
{
	EventList *list = list_of(cell);
	int most = cell->form >= CELL_LIST ? list->used : 64;
	Event *events;
	int count = 0;

	if (buffer->events == NULL || most > buffer->capacity)
	{
		if (most > event_limit(&pool->shape))
			history_too_long();
		if (buffer->events != NULL)
			pfree(buffer->events);
		buffer->capacity = (int) Min(2 * (int64) most, event_limit(&pool->shape));
		buffer->events = palloc(buffer->capacity * event_size(&pool->shape));
	}
	events = buffer->events;

	switch ((CellForm) cell->form)
	{
		case CELL_EMPTY:
			break;
		case CELL_WORD:
			for (uint64 bits = cell->bits; bits != 0; bits &= bits - 1)
				events[count++] =
					plain_event(value_of(pool, (int64) cell->base + pg_rightmost_one_pos64(bits)));
			break;
		case CELL_SINGLE:
			if (pool->shape.cap > 0 || cell->base != 0 || cell->flags > EVENT_ACTIVE)
				events[count++] =
					(Event){.value = (int64) cell->bits, .count = cell->base, .flags = cell->flags};
			break;
		case CELL_LIST:
		case CELL_AMOUNTS:
			list_sort(pool, cell->form, list);
			memcpy(events, LIST_EVENTS(list), list->used * event_size(&pool->shape));
			count = list->used;
			break;
		case CELL_SHORTS:
			list_sort(pool, CELL_SHORTS, list);
			for (; count < list->used; count++)
			{
				CHECK_NOW_AND_THEN(count);
				events[count] = plain_event(value_of(pool, LIST_SHORTS(list)[count]));
			}
			break;
	}
	return count;
}

/* A cell of any form becomes a list of events. */
static pg_noinline void
cell_to_list(const CellPool *pool, EventCell *cell)
{
	Event few[64];
	EventBuffer buffer = {.events = few, .capacity = lengthof(few)};
	EventList *list;

	if (cell->form == CELL_SHORTS)
	{
		EventList *shorts = list_of(cell);

		list_sort(pool, CELL_SHORTS, shorts);
		list = list_create(pool, CELL_LIST, (int64) shorts->used + 1);
		for (int i = 0; i < shorts->used; i++)
		{
			CHECK_NOW_AND_THEN(i);
			LIST_EVENTS(list)[i] = plain_event(value_of(pool, LIST_SHORTS(shorts)[i]));
		}
		list->used = list->sorted = shorts->used;
		pfree(shorts);
	}
	else
	{
		int count = cell_events(pool, cell, &buffer);

		list = list_create(pool, CELL_LIST, count + 1);
		memcpy(LIST_EVENTS(list), few, count * sizeof(Event));
		list->used = list->sorted = count;
	}
	cell->bits = (uintptr_t) list;
	cell->form = CELL_LIST;
	cell->base = 0;
}

/* A word becomes a list of short values. */
static pg_noinline void
cell_to_shorts(const CellPool *pool, EventCell *cell)
{
	EventList *list = list_create(pool, CELL_SHORTS, pg_popcount64(cell->bits) + 1);

	for (uint64 bits = cell->bits; bits != 0; bits &= bits - 1)
		LIST_SHORTS(list)[list->used++] = cell->base + pg_rightmost_one_pos64(bits);
	list->sorted = list->used;
	cell->bits = (uintptr_t) list;
	cell->form = CELL_SHORTS;
	cell->base = 0;
}

static pg_noinline void
add_to_events(const CellPool *pool, EventCell *cell, const Event *event)
{
	cell->bits = (uintptr_t) list_add(pool, CELL_LIST, list_of(cell), event);
}

static pg_noinline void
add_to_shorts(const CellPool *pool, EventCell *cell, const Event *event)
{
	cell->bits = (uintptr_t) list_add(pool, CELL_SHORTS, list_of(cell), event);
}

static pg_noinline void
cell_add_amount(CellPool *pool, EventCell *cell, const Event *given)
{
	AmountEvent event = *(const AmountEvent *) given;

	if (!event_take(&pool->shape, &event.event, event.amount))
		return;
	if (cell->form == CELL_EMPTY)
	{
		cell->bits = (uintptr_t) list_create(pool, CELL_AMOUNTS, 1);
		cell->form = CELL_AMOUNTS;
		pool->customers++;
	}
	cell->bits = (uintptr_t) list_add(pool, CELL_AMOUNTS, list_of(cell), &event.event);
}

void
cell_add_slowly(CellPool *pool, EventCell *cell, const Event *given)
{
	Event event = *given;
	int32 offset = 0;

	if (pool->shape.has_amount)
	{
		cell_add_amount(pool, cell, given);
		return;
	}

	if (!event_take(&pool->shape, &event, 0))
		return;
	if (cell->form == CELL_EMPTY)
	{
		cell->bits = (uint64) event.value;
		cell->base = event.count;
		cell->flags = (uint16) event.flags;
		cell->form = CELL_SINGLE;
		pool->customers++;
	}
	else if (cell->form == CELL_SINGLE && (int64) cell->bits == event.value)
	{
		Event here = {.value = event.value, .count = cell->base, .flags = cell->flags};

		events_merge(&pool->shape, &here, &event);
		cell->base = here.count;
		cell->flags = (uint16) here.flags;
	}
	else if ((cell->form == CELL_WORD || cell->form == CELL_SHORTS) && pool->takes_words &&
			 event.flags == EVENT_PLAIN && pool->has_origin &&
			 offset_of(pool, event.value, &offset))
	{
		if (cell->form == CELL_WORD)
			cell_to_shorts(pool, cell);
		event.value = offset;
		add_to_shorts(pool, cell, &event);
	}
	else
	{
		if (cell->form != CELL_LIST)
			cell_to_list(pool, cell);
		add_to_events(pool, cell, &event);
	}
}

void
cell_add_word(CellPool *pool, EventCell *cell, int64 first, uint64 bits)
{
	int32 offset = 0;

	if (unlikely(!pool->has_origin))
	{
		pool->origin = first;
		pool->has_origin = true;
	}
	if (likely(offset_of(pool, first, &offset) && offset <= PG_INT32_MAX - 64))
	{
		if (cell->form == CELL_WORD)
		{
			int64 ahead = (int64) offset - cell->base;

			if (ahead == 0 || (ahead > 0 && ahead < 64 && (bits >> (64 - ahead)) == 0))
			{
				cell->bits |= bits << ahead;
				return;
			}
			if (ahead < 0 && ahead > -64 && (cell->bits >> (64 + ahead)) == 0)
			{
				cell->bits = (cell->bits << -ahead) | bits;
				cell->base = offset;
				return;
			}
		}
		else if (cell->form == CELL_EMPTY)
		{
			cell->bits = bits;
			cell->base = offset;
			cell->form = CELL_WORD;
			pool->customers++;
			return;
		}
	}
	for (; bits != 0; bits &= bits - 1)
		cell_add_plain(pool, cell, first + pg_rightmost_one_pos64(bits));
}
