/*
 * history.c
 *		What one customer did: moments or periods in order, each once.
 *
 * The bytes of a history: a number 2 n + p (n events; p is 1 where every event is plain with a count of 1 and without
 * an amount), the first value, and for each further value its distance to the one before, less one. Where p is 0, each
 * value is followed by the number count * 8 + flags (8 is two to the number of flags) and, in histories with amounts,
 * by the amount. Each history has one form only.
 *
 * What depends on the shape of events is written once as functions that are inlined twice, with and without amounts.
 */
#include "retention.h"

#include "base/check.h"
#include "history/history.h"

#define SORT_SHORT 16

#define ST_SORT sort_events
#define ST_ELEMENT_TYPE Event
#define ST_COMPARE(a, b) ((a)->value < (b)->value ? -1 : (a)->value > (b)->value)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_amount_events
#define ST_ELEMENT_TYPE AmountEvent
#define ST_COMPARE(a, b)                                                                           \
	((a)->event.value < (b)->event.value ? -1 : (a)->event.value > (b)->event.value)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

void
history_too_long(void)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("one customer has more than %d events", MAX_EVENTS)));
}

static inline bool
is_plain(const EventShape *shape, const Event *event)
{
	return event->flags == EVENT_PLAIN && event->count == 1 && event_amount(shape, event) == 0;
}

static pg_attribute_always_inline void
merge_event(const EventShape *shape, Event *into, const Event *event)
{
	into->flags |= event->flags;
	if (shape->cap > 0)
		into->count = (int32) Min((int64) shape->cap, (int64) into->count + event->count);
	else if (unlikely(pg_add_s32_overflow(into->count, event->count, &into->count)))
		count_overflow();
	if (shape->has_amount)
	{
		int128 *sum = &((AmountEvent *) into)->amount;

		wide_add(sum, event_amount(shape, event));
	}
}

void
history_sort(Event *events, int count)
{
	sort_events(events, count);
}

static pg_attribute_always_inline void
copy_event(const EventShape *shape, Event *to, const Event *from)
{
	memcpy(to, from, event_size(shape));
}

static pg_attribute_always_inline void
sort_any_events(const EventShape *shape, Event *events, int count)
{
	if (count > SORT_SHORT && shape->has_amount)
		sort_amount_events((AmountEvent *) events, count);
	else if (count > SORT_SHORT)
		sort_events(events, count);
	else
		for (int i = 1; i < count; i++)
		{
			AmountEvent event;
			int j = i;

			copy_event(shape, &event.event, event_at(shape, events, i));
			for (; j > 0 && event_at(shape, events, j - 1)->value > event.event.value; j--)
				copy_event(shape, event_at(shape, events, j), event_at(shape, events, j - 1));
			copy_event(shape, event_at(shape, events, j), &event.event);
		}
}

static pg_attribute_always_inline int
normalise_events(const EventShape *shape, Event *events, int count)
{
	const int32 cap = shape->cap;
	bool ordered = true;
	int kept = 0;

	for (int i = 1; i < count && ordered; i++)
	{
		CHECK_NOW_AND_THEN(i);
		ordered = event_at(shape, events, i - 1)->value <= event_at(shape, events, i)->value;
	}
	if (!ordered)
		sort_any_events(shape, events, count);

	for (int i = 0; i < count;)
	{
		AmountEvent event;

		copy_event(shape, &event.event, event_at(shape, events, i++));
		CHECK_NOW_AND_THEN(i);
		if (cap > 0 && event.event.count > cap)
			event.event.count = cap;
		while (i < count && event_at(shape, events, i)->value == event.event.value)
		{
			CHECK_NOW_AND_THEN(i);
			merge_event(shape, &event.event, event_at(shape, events, i++));
		}
		if (cap > 0 || event.event.count != 0 || event_amount(shape, &event.event) != 0 ||
			event.event.flags > EVENT_ACTIVE)
			copy_event(shape, event_at(shape, events, kept++), &event.event);
	}
	return kept;
}

static pg_attribute_always_inline void
write_events(const EventShape *shape, StringInfo out, const Event *events, int count)
{
	const int flag_bits = EVENT_FLAG_BITS + shape->more_flags;
	bool plain = true;

	for (int i = 0; i < count && plain; i++)
	{
		CHECK_NOW_AND_THEN(i);
		plain = is_plain(shape, event_at(shape, events, i));
	}
	wire_put_int(out, 2 * (int64) count + plain);
	for (int i = 0; i < count; i++)
	{
		const Event *event = event_at(shape, events, i);

		CHECK_NOW_AND_THEN(i);
		/* A distance may need all 64 bits: it is written as the signed number with the same bits. */
		wire_put_int(out, i == 0 ? event->value
								 : (int64) ((uint64) event->value -
											(uint64) event_at(shape, events, i - 1)->value - 1));
		if (plain)
			continue;
		wire_put_int(out, (int64) event->count * (1 << flag_bits) + event->flags);
		if (shape->has_amount)
			wire_put_wide(out, event_amount(shape, event));
	}
}

/* Make space for more events after the first used ones. */
static void
reserve_events(const EventShape *shape, Event **events, int *capacity, int used, int count)
{
	int limit = event_limit(shape);
	int grown;

	if (count > limit - used)
		history_too_long();
	if (*events != NULL && used + count <= *capacity)
		return;
	grown = (int) Min(Max((int64) used + count, 2 * (int64) *capacity), limit);
	grown = Max(grown, 16);
	*events = *events == NULL ? palloc(grown * event_size(shape))
							  : repalloc(*events, grown * event_size(shape));
	*capacity = grown;
}

static pg_attribute_always_inline int
read_events(const EventShape *shape, WireReader *in, Event **events, int *capacity, int used)
{
	const int flag_bits = EVENT_FLAG_BITS + shape->more_flags;
	const int64 flag_places = (int64) 1 << flag_bits;
	int64 head = wire_get_int_between(in, 0, 2 * (int64) MAX_EVENTS + 1);
	int count = (int) (head / 2);
	bool plain = head % 2 != 0;
	bool all_plain = true;
	int64 before = 0;

	/* Every event takes at least a byte, so no more memory is allocated than the bytes justify. */
	if (count > in->end - in->at)
		wire_corrupt(in->type_name, "It ends early.");
	reserve_events(shape, events, capacity, used, count);

	for (int i = 0; i < count; i++)
	{
		Event *at = event_at(shape, *events, used + i);

		CHECK_NOW_AND_THEN(i);
		at->value = wire_get_int(in);
		if (i > 0)
		{
			uint64 distance = (uint64) at->value;

			if (distance >= (uint64) PG_INT64_MAX - (uint64) before)
				wire_corrupt(in->type_name, "The events of a customer are not in order.");
			at->value = (int64) ((uint64) before + distance + 1);
		}
		before = at->value;
		at->count = 1;
		at->flags = EVENT_PLAIN;
		if (shape->has_amount)
			((AmountEvent *) at)->amount = 0;
		if (!plain)
		{
			int64 both = wire_get_int_between(in, flag_places * PG_INT32_MIN,
											  flag_places * PG_INT32_MAX + flag_places - 1);

			at->flags = (uint32) (both & (flag_places - 1));
			at->count = (int32) ((both - at->flags) / flag_places);
			if (shape->has_amount)
				((AmountEvent *) at)->amount = wire_get_wide(in);
			all_plain = all_plain && is_plain(shape, at);
		}
		if (!event_is_possible(shape, at, event_amount(shape, at)))
			wire_corrupt(in->type_name, "An event of a customer is impossible.");
	}
	if (!plain && all_plain)
		wire_corrupt(in->type_name,
					 "The events of a customer are not in the form in which they are written.");
	return count;
}

/* ---- each twice ---- */

/* The shape as constants where there is nothing but a cap. */
#define BARE_SHAPE(of_cap) (&(const EventShape){.cap = (of_cap)})

static inline bool
is_bare(const EventShape *shape)
{
	return shape->more_flags == 0 && !shape->has_amount;
}

int
history_normalise(Event *events, int count, int32 cap)
{
	return normalise_events(BARE_SHAPE(cap), events, count);
}

void
history_write(StringInfo out, const Event *events, int count)
{
	write_events(BARE_SHAPE(0), out, events, count);
}

static int
read_bare(WireReader *in, int32 cap, Event **events, int *capacity, int used)
{
	return read_events(BARE_SHAPE(cap), in, events, capacity, used);
}

int
history_read(WireReader *in, int32 cap, Event **events, int *capacity)
{
	return read_bare(in, cap, events, capacity, 0);
}

void
events_merge(const EventShape *shape, Event *into, const Event *event)
{
	merge_event(shape, into, event);
}

int
events_normalise(const EventShape *shape, Event *events, int count)
{
	return is_bare(shape) ? history_normalise(events, count, shape->cap)
						  : normalise_events(shape, events, count);
}

void
events_write(const EventShape *shape, StringInfo out, const Event *events, int count)
{
	if (is_bare(shape))
		history_write(out, events, count);
	else
		write_events(shape, out, events, count);
}

int
events_read(const EventShape *shape, WireReader *in, Event **events, int *capacity, int used)
{
	return is_bare(shape) ? read_bare(in, shape->cap, events, capacity, used)
						  : read_events(shape, in, events, capacity, used);
}
