/*
 * population_cell.c
 *		The events of one customer of a table.
 *
 * Most customers are one 64-bit word; the way of a plain event into it is cell_add(). Here is everything else: a
 * single event of any kind, and lists.
 */
#include "retention.h"

#include "population/population_internal.h"
#include "port/pg_bitutils.h"

/* A list up to this length is kept in order; a longer one has a tail that is sorted in when it is full. */
#define LIST_SHORT 64
#define LIST_BYTES_LEAST 64

typedef struct EventList
{
	int32 used;
	int32 capacity;
	int32 sorted; /* so many at the front are in order, each value once */
	Event events[FLEXIBLE_ARRAY_MEMBER];
} EventList;

/* Values of plain events relative to the table's origin. */
typedef struct ShortList
{
	int32 used;
	int32 capacity;
	int32 sorted;
	int32 values[FLEXIBLE_ARRAY_MEMBER];
} ShortList;

#define ST_SORT sort_shorts
#define ST_ELEMENT_TYPE int32
#define ST_COMPARE(x, y) (*(x) < *(y) ? -1 : *(x) > *(y))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static inline int64
value_of(const Table *table, int64 offset)
{
	return (int64) ((uint64) table->origin + (uint64) offset);
}

static Size
list_bytes(Size head, Size element, int64 count)
{
	Size bytes = LIST_BYTES_LEAST;

	if (count > MAX_EVENTS)
		history_too_long();
	while (bytes < head + element * (Size) count)
		bytes *= 2;
	return bytes;
}

static EventList *
list_create(Table *table, int64 count)
{
	Size bytes = list_bytes(offsetof(EventList, events), sizeof(Event), count);
	EventList *list = MemoryContextAllocHuge(table->context, bytes);

	list->used = list->sorted = 0;
	list->capacity = (int32) ((bytes - offsetof(EventList, events)) / sizeof(Event));
	return list;
}

static void
list_sort(const Table *table, EventList *list)
{
	if (list->sorted < list->used || table->cap == 0)
		list->used = list->sorted = history_normalise(list->events, list->used, table->cap);
}

static EventList *
list_add(Table *table, EventList *list, const Event *event)
{
	int low = 0;
	int high;

	if (list->used == list->sorted && list->used > 0 &&
		list->events[list->used - 1].value == event->value)
	{
		history_merge(&list->events[list->used - 1], event, table->cap);
		return list;
	}
	if (list->used == list->capacity)
	{
		list_sort(table, list);
		if (list->used > list->capacity / 4 * 3)
		{
			EventList *grown = list_create(table, 2 * (int64) list->capacity);

			memcpy(grown->events, list->events, list->used * sizeof(Event));
			grown->used = grown->sorted = list->used;
			pfree(list);
			list = grown;
		}
	}

	/* The place in the sorted part of the first value that is not smaller. */
	high = list->sorted;
	if (high > 0 && list->events[high - 1].value < event->value)
		low = high;
	while (low < high)
	{
		int middle = (low + high) / 2;

		if (list->events[middle].value < event->value)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < list->sorted && list->events[low].value == event->value)
		history_merge(&list->events[low], event, table->cap);
	else if (list->used == list->sorted && (low == list->used || list->used <= LIST_SHORT))
	{
		memmove(&list->events[low + 1], &list->events[low], (list->used - low) * sizeof(Event));
		list->events[low] = *event;
		list->used++;
		list->sorted++;
	}
	else
		list->events[list->used++] = *event;
	return list;
}

static ShortList *
shorts_create(Table *table, int64 count)
{
	Size bytes = list_bytes(offsetof(ShortList, values), sizeof(int32), count);
	ShortList *list = MemoryContextAllocHuge(table->context, bytes);

	list->used = list->sorted = 0;
	list->capacity = (int32) ((bytes - offsetof(ShortList, values)) / sizeof(int32));
	return list;
}

static void
shorts_sort(ShortList *list)
{
	int kept = 0;

	if (list->sorted == list->used)
		return;
	sort_shorts(list->values, list->used);
	for (int i = 0; i < list->used; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (kept == 0 || list->values[kept - 1] != list->values[i])
			list->values[kept++] = list->values[i];
	}
	list->used = list->sorted = kept;
}

static ShortList *
shorts_add(Table *table, ShortList *list, int32 value)
{
	int low = 0;
	int high;

	if (list->used == list->sorted && list->used > 0 && list->values[list->used - 1] == value)
		return list;
	if (list->used == list->capacity)
	{
		shorts_sort(list);
		if (list->used > list->capacity / 4 * 3)
		{
			ShortList *grown = shorts_create(table, 2 * (int64) list->capacity);

			memcpy(grown->values, list->values, list->used * sizeof(int32));
			grown->used = grown->sorted = list->used;
			pfree(list);
			list = grown;
		}
	}

	high = list->sorted;
	if (high > 0 && list->values[high - 1] < value)
		low = high;
	while (low < high)
	{
		int middle = (low + high) / 2;

		if (list->values[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < list->sorted && list->values[low] == value)
		return list;
	if (list->used == list->sorted && (low == list->used || list->used <= LIST_SHORT))
	{
		memmove(&list->values[low + 1], &list->values[low], (list->used - low) * sizeof(int32));
		list->values[low] = value;
		list->sorted++;
	}
	else
		list->values[list->used] = value;
	list->used++;
	return list;
}

/* The events of a cell, normalised, into a scratch of the caller's; may put the cell's list in order. */
int
cell_events(const Table *table, const Cell *cell, Scratch *scratch)
{
	EventList *list = (EventList *) (uintptr_t) cell->bits;
	ShortList *shorts = (ShortList *) (uintptr_t) cell->bits;
	Event *events;
	int count = 0;
	int most = cell->form == CELL_LIST ? list->used : cell->form == CELL_SHORTS ? shorts->used : 64;

	if (scratch->events == NULL || most > scratch->capacity)
	{
		if (most > MAX_EVENTS)
			history_too_long();
		if (scratch->events != NULL)
			pfree(scratch->events);
		scratch->capacity = (int) Min(2 * (int64) most, MAX_EVENTS);
		scratch->events = palloc(scratch->capacity * sizeof(Event));
	}
	events = scratch->events;

	switch ((CellForm) cell->form)
	{
		case CELL_EMPTY:
			break;
		case CELL_WORD:
			for (uint64 bits = cell->bits; bits != 0; bits &= bits - 1)
				events[count++] = (Event){
					.value = value_of(table, (int64) cell->base + pg_rightmost_one_pos64(bits)),
					.count = 1,
					.flags = EVENT_PLAIN};
			break;
		case CELL_SINGLE:
			if (table->cap > 0 || cell->base != 0)
				events[count++] =
					(Event){.value = (int64) cell->bits, .count = cell->base, .flags = cell->flags};
			break;
		case CELL_LIST:
			list_sort(table, list);
			memcpy(events, list->events, list->used * sizeof(Event));
			count = list->used;
			break;
		case CELL_SHORTS:
			shorts_sort(shorts);
			for (; count < shorts->used; count++)
			{
				CHECK_NOW_AND_THEN(count);
				events[count] = (Event){.value = value_of(table, shorts->values[count]),
										.count = 1,
										.flags = EVENT_PLAIN};
			}
			break;
	}
	return count;
}

/* Any form becomes an EventList. */
static EventList *
cell_to_list(Table *table, Cell *cell)
{
	Event few[64];
	Scratch scratch = {.events = few, .capacity = lengthof(few)};
	ShortList *shorts = (ShortList *) (uintptr_t) cell->bits;
	EventList *list;

	if (cell->form == CELL_SHORTS)
	{
		shorts_sort(shorts);
		list = list_create(table, shorts->used + 1);
		for (int i = 0; i < shorts->used; i++)
		{
			CHECK_NOW_AND_THEN(i);
			list->events[i] = (Event){
				.value = value_of(table, shorts->values[i]), .count = 1, .flags = EVENT_PLAIN};
		}
		list->used = list->sorted = shorts->used;
		pfree(shorts);
	}
	else
	{
		int count = cell_events(table, cell, &scratch);

		list = list_create(table, count + 1);
		memcpy(list->events, few, count * sizeof(Event));
		list->used = list->sorted = count;
	}
	cell->bits = (uintptr_t) list;
	cell->form = CELL_LIST;
	cell->base = 0;
	return list;
}

void
cell_add_slowly(Table *table, Cell *cell, const Event *given)
{
	Event event = *given;
	int32 offset = 0;
	bool is_short;

	if (table->cap > 0)
	{
		if (event.flags == 0 || event.flags > EVENT_PLAIN || event.count < 0 ||
			(event.count > 0) != ((event.flags & EVENT_RETURN) != 0))
			elog(ERROR, "impossible event");
		event.count = Min(event.count, table->cap);
	}
	else if (event.count == 0)
		return;
	is_short = table->cap == 1 && event.flags == EVENT_PLAIN && table->has_origin &&
			   offset_of(table, event.value, &offset);

	switch ((CellForm) cell->form)
	{
		case CELL_EMPTY:
			cell->bits = (uint64) event.value;
			cell->base = event.count;
			cell->flags = (uint16) event.flags;
			cell->form = CELL_SINGLE;
			table->customers++;
			break;
		case CELL_SINGLE:
			if ((int64) cell->bits == event.value)
			{
				Event here = {.value = event.value, .count = cell->base, .flags = cell->flags};

				history_merge(&here, &event, table->cap);
				cell->base = here.count;
				cell->flags = (uint16) here.flags;
				break;
			}
			cell->bits = (uintptr_t) list_add(table, cell_to_list(table, cell), &event);
			break;
		case CELL_WORD:
			if (is_short)
			{
				ShortList *shorts = shorts_create(table, pg_popcount64(cell->bits) + 1);

				for (uint64 bits = cell->bits; bits != 0; bits &= bits - 1)
					shorts->values[shorts->used++] = cell->base + pg_rightmost_one_pos64(bits);
				shorts->sorted = shorts->used;
				cell->bits = (uintptr_t) shorts_add(table, shorts, offset);
				cell->base = 0;
				cell->form = CELL_SHORTS;
				break;
			}
			cell->bits = (uintptr_t) list_add(table, cell_to_list(table, cell), &event);
			break;
		case CELL_SHORTS:
			if (is_short)
				cell->bits =
					(uintptr_t) shorts_add(table, (ShortList *) (uintptr_t) cell->bits, offset);
			else
				cell->bits = (uintptr_t) list_add(table, cell_to_list(table, cell), &event);
			break;
		case CELL_LIST:
			cell->bits = (uintptr_t) list_add(table, (EventList *) (uintptr_t) cell->bits, &event);
			break;
	}
}

/* Plain events at first + i for each bit i of bits, of a table with cap 1; bit 0 is set. */
void
cell_add_word(Table *table, Cell *cell, int64 first, uint64 bits)
{
	int32 offset = 0;

	if (unlikely(!table->has_origin))
	{
		table->origin = first;
		table->has_origin = true;
	}
	if (likely(offset_of(table, first, &offset) && offset <= PG_INT32_MAX - 64))
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
			table->customers++;
			return;
		}
	}
	for (; bits != 0; bits &= bits - 1)
	{
		Event event = {
			.value = first + pg_rightmost_one_pos64(bits), .count = 1, .flags = EVENT_PLAIN};

		cell_add(table, cell, &event);
	}
}
