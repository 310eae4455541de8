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

/* The number of events that one customer may have: as many as fit into one allocation. */
#define MAX_EVENTS ((int) (MaxAllocSize / sizeof(Event)))

typedef struct Event
{
	int64 value;  /* a period's number, or a moment of the population's TimeKind */
	int32 count;  /* returning events (at most cap), or starts minus ends */
	uint32 flags; /* EVENT_* */
} Event;

/*
 * Bring events into order, equal values put together: flags are united, counts added. With cap > 0 a count is cut
 * at cap (a sum of cut counts reaches cap exactly where the sum of the counts does). With cap 0 counts are signed
 * sums, and an event whose count is 0 is dropped. Works in place; returns the new number of events.
 */
extern int history_normalise(Event *events, int count, int32 cap);

/* Sort by value. */
extern void history_sort(Event *events, int count);

/* Merge an event into another one with the same value. */
extern void history_merge(Event *into, const Event *event, int32 cap);

/* 54000: more than MAX_EVENTS. */
extern void history_too_long(void) pg_attribute_noreturn();

/* Compact bytes of a normalised history: 10 plain periods take some 12 bytes. */
extern void history_write(StringInfo out, const Event *events, int count);

/*
 * Read them back: returns the number of events, and puts the events into *events (palloc'ed, or reused and grown where
 * *events is not NULL). Order, flags and counts are checked: with cap > 0 an event has a flag, and a count in 1..cap if
 * and only if EVENT_RETURN is one of its flags; with cap 0 its count is not 0.
 */
extern int history_read(WireReader *in, int32 cap, Event **events, int *capacity);

/* The same, after the first used events of *events; returns the number of events read. */
extern int history_read_after(WireReader *in, int32 cap, Event **events, int *capacity, int used);

#endif /* RETENTION_HISTORY_H */
