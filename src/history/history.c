/*
 * history.c
 *		What one customer did: moments or periods in order, each once.
 *
 * The bytes of a history: a number 2 n + p (n events; p is 1 where every event is plain with a count of 1), the first
 * value, and for each further value its distance to the one before, less one. Where p is 0, each value is followed by
 * the number 8 count + flags. Each history has one form only.
 */
#include "retention.h"

#include "base/check.h"
#include "history/history.h"

#define SORT_SHORT 16

static inline bool event_is_plain(const Event *event);

#define ST_SORT sort_events
#define ST_ELEMENT_TYPE Event
#define ST_COMPARE(a, b) ((a)->value < (b)->value ? -1 : (a)->value > (b)->value)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static inline bool
event_is_plain(const Event *event)
{
	return event->flags == EVENT_PLAIN && event->count == 1;
}

void
history_too_long(void)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("one customer has more than %d events", MAX_EVENTS)));
}

void
history_merge(Event *into, const Event *event, int32 cap)
{
	into->flags |= event->flags;
	if (cap > 0)
		into->count = (int32) Min((int64) cap, (int64) into->count + event->count);
	else if (unlikely(pg_add_s32_overflow(into->count, event->count, &into->count)))
		count_overflow();
}

void
history_sort(Event *events, int count)
{
	sort_events(events, count);
}

int
history_normalise(Event *events, int count, int32 cap)
{
	bool ordered = true;
	int kept = 0;

	for (int i = 1; i < count && ordered; i++)
	{
		CHECK_NOW_AND_THEN(i);
		ordered = events[i - 1].value <= events[i].value;
	}
	if (!ordered && count <= SORT_SHORT)
	{
		for (int i = 1; i < count; i++)
		{
			Event event = events[i];
			int j = i;

			for (; j > 0 && events[j - 1].value > event.value; j--)
				events[j] = events[j - 1];
			events[j] = event;
		}
	}
	else if (!ordered)
		sort_events(events, count);

	for (int i = 0; i < count;)
	{
		Event event = events[i++];

		CHECK_NOW_AND_THEN(i);
		if (cap > 0 && event.count > cap)
			event.count = cap;
		while (i < count && events[i].value == event.value)
		{
			CHECK_NOW_AND_THEN(i);
			history_merge(&event, &events[i++], cap);
		}
		if (cap > 0 || event.count != 0)
			events[kept++] = event;
	}
	return kept;
}

void
history_write(StringInfo out, const Event *events, int count)
{
	bool plain = true;

	for (int i = 0; i < count && plain; i++)
	{
		CHECK_NOW_AND_THEN(i);
		plain = event_is_plain(&events[i]);
	}
	wire_put_int(out, 2 * (int64) count + plain);
	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		/* A distance may need all 64 bits: it is written as the signed number with the same bits. */
		wire_put_int(
			out, i == 0 ? events[0].value
						: (int64) ((uint64) events[i].value - (uint64) events[i - 1].value - 1));
		if (!plain)
			wire_put_int(out, 8 * (int64) events[i].count + events[i].flags);
	}
}

int
history_read_after(WireReader *in, int32 cap, Event **events, int *capacity, int used)
{
	int64 head = wire_get_int_between(in, 0, 2 * (int64) MAX_EVENTS + 1);
	int count = (int) (head / 2);
	bool plain = head % 2 != 0;
	bool all_plain = true;
	Event *at;

	/* Every event takes at least a byte, so no more memory is allocated than the bytes justify. */
	if (count > in->end - in->at)
		wire_corrupt(in->type_name, "It ends early.");
	if (count > MAX_EVENTS - used)
		history_too_long();
	if (*events == NULL || used + count > *capacity)
	{
		int grown = (int) Min(Max((int64) used + count, 2 * (int64) *capacity), MAX_EVENTS);

		grown = Max(grown, 16);
		*events = *events == NULL ? palloc(grown * sizeof(Event))
								  : repalloc(*events, grown * sizeof(Event));
		*capacity = grown;
	}

	at = *events + used;
	for (int i = 0; i < count; i++, at++)
	{
		CHECK_NOW_AND_THEN(i);
		at->value = wire_get_int(in);
		if (i > 0)
		{
			uint64 before = (uint64) at[-1].value;
			uint64 distance = (uint64) at->value;

			if (distance >= (uint64) PG_INT64_MAX - before)
				wire_corrupt(in->type_name, "The events of a customer are not in order.");
			at->value = (int64) (before + distance + 1);
		}
		if (plain)
		{
			at->count = 1;
			at->flags = EVENT_PLAIN;
			continue;
		}
		else
		{
			int64 both =
				wire_get_int_between(in, 8 * (int64) PG_INT32_MIN, 8 * (int64) PG_INT32_MAX + 7);

			at->flags = (uint32) (both & 7);
			at->count = (int32) ((both - (both & 7)) / 8);
		}
		if (cap > 0 ? at->count < 0 || at->count > cap || at->flags == 0 ||
						  (at->count > 0) != ((at->flags & EVENT_RETURN) != 0)
					: at->count == 0)
			wire_corrupt(in->type_name, "An event of a customer is impossible.");
		all_plain = all_plain && event_is_plain(at);
	}
	if (!plain && all_plain)
		wire_corrupt(in->type_name,
					 "The events of a customer are not in the form in which they are written.");
	return count;
}

int
history_read(WireReader *in, int32 cap, Event **events, int *capacity)
{
	return history_read_after(in, cap, events, capacity, 0);
}
