/*
 * history.h
 *		What one customer did: moments or periods in order, each once.
 *
 * Facts (what is kept of each customer), populations and cohorts all use it. A calendar grid needs only the periods;
 * elapsed windows need the moments themselves; a flow with several rows per customer keeps the starts (+1) and the ends
 * (-1) of their presences.
 */
#ifndef RETENTION_HISTORY_H
#define RETENTION_HISTORY_H

#include "base/wire.h"
#include "utils/memutils.h"

#define EVENT_ACTIVE 1 /* a row was seen */
#define EVENT_START 2  /* it starts a cohort */
#define EVENT_RETURN 4 /* it counts as coming back */
#define EVENT_PLAIN (EVENT_ACTIVE | EVENT_START | EVENT_RETURN)
#define EVENT_FLAG_BITS 3

typedef struct Event
{
	int64 value;  /* a period's number, or a moment of the population's TimeKind */
	int32 count;  /* returning events (at most cap), or starts minus ends */
	uint32 flags; /* EVENT_* */
} Event;

/*
 * An event with an amount: a sum, exact, of a unit that its module chooses. That of a row has 64 bits (amount.h), so
 * that no sum of as many rows as there can be overflows, in whatever order they come.
 */
typedef struct AmountEvent
{
	Event event;
	int128 amount;
} AmountEvent;

/*
 * What the events of a history are. Zeroed but for cap, they are Events with the three flags above. With more flags,
 * their meaning is the module's (steps of a funnel, for example); with amounts, arrays of events are arrays of
 * AmountEvent, passed as pointers to the first event.
 */
typedef struct EventShape
{
	int32 cap;		  /* see events_normalise() */
	int16 more_flags; /* bits of flags beyond EVENT_FLAG_BITS, at most EVENT_MORE_FLAGS */
	bool has_amount;
} EventShape;

#define EVENT_MORE_FLAGS 13

static inline Size
event_size(const EventShape *shape)
{
	return shape->has_amount ? sizeof(AmountEvent) : sizeof(Event);
}

static inline Event *
event_at(const EventShape *shape, const Event *events, int i)
{
	return (Event *) ((char *) unconstify(Event *, events) + i * event_size(shape));
}

static inline int128
event_amount(const EventShape *shape, const Event *event)
{
	return shape->has_amount ? ((const AmountEvent *) event)->amount : 0;
}

/* The number of events that one customer may have: as many as fit into one allocation. */
#define MAX_EVENTS ((int) (MaxAllocSize / sizeof(Event)))

static inline int
event_limit(const EventShape *shape)
{
	return (int) (MaxAllocSize / event_size(shape));
}

/*
 * Whether there can be such an event. With cap > 0 its count is 0..cap and it has a flag; of the three flags above,
 * EVENT_RETURN is set if and only if the count is above 0. With cap 0 its count or its amount is not 0, or it has a
 * flag beyond EVENT_ACTIVE.
 */
static inline bool
event_is_possible(const EventShape *shape, const Event *event, int128 amount)
{
	if (event->flags >> (EVENT_FLAG_BITS + shape->more_flags) != 0)
		return false;
	if (shape->cap == 0)
		return event->count != 0 || amount != 0 || event->flags > EVENT_ACTIVE;
	return event->count >= 0 && event->count <= shape->cap && event->flags != 0 &&
		   (shape->more_flags > 0 || (event->count > 0) == ((event->flags & EVENT_RETURN) != 0));
}

/*
 * Prepare an event from a row for a history: its count is cut at cap. False: it changes nothing. An event that cannot
 * be is an error of the module.
 */
static inline bool
event_take(const EventShape *shape, Event *event, int128 amount)
{
	/* Most are so, and possible in every shape. */
	if (likely(event->flags == EVENT_PLAIN && event->count == 1))
		return true;
	if (shape->cap > 0)
		event->count = Min(event->count, shape->cap);
	else if (event->count == 0 && amount == 0 && event->flags <= EVENT_ACTIVE)
		return false;
	if (!event_is_possible(shape, event, amount))
		elog(ERROR, "impossible event");
	return true;
}

/*
 * Bring events into order, equal values put together: flags are united, counts and amounts added. With cap > 0 a count
 * is cut at cap (a sum of cut counts reaches cap exactly where the sum of the counts does). With cap 0 counts are
 * signed sums, and an event whose count and amount are 0 is dropped, unless it has a flag beyond EVENT_ACTIVE: which
 * flags are united must not depend on the order in which events are added. Works in place; returns the new number of
 * events.
 * 22003: a sum of amounts is out of range, which takes amounts that no row has.
 */
extern int events_normalise(const EventShape *shape, Event *events, int count);

/* Merge an event into another one with the same value. */
extern void events_merge(const EventShape *shape, Event *into, const Event *event);

/* Compact bytes of a normalised history: 10 plain periods take some 12 bytes. */
extern void events_write(const EventShape *shape, StringInfo out, const Event *events, int count);

/*
 * Read them back: returns the number of events, and puts the events into *events (palloc'ed, or reused and grown where
 * *events is not NULL) after the first used ones. Their order is checked, and that they are possible.
 */
extern int
events_read(const EventShape *shape, WireReader *in, Event **events, int *capacity, int used);

/* 54000: more than MAX_EVENTS. */
extern void history_too_long(void) pg_attribute_noreturn();

/* The same for histories that have neither more flags nor amounts. */
extern int history_normalise(Event *events, int count, int32 cap);
extern void history_write(StringInfo out, const Event *events, int count);
extern int history_read(WireReader *in, int32 cap, Event **events, int *capacity);

/* Sort by value. */
extern void history_sort(Event *events, int count);

#endif /* RETENTION_HISTORY_H */
