/*
 * population.h
 *		Customers and their histories: the state of every aggregate that gets rows of many customers.
 *
 * A population is the type retention_population. Small, it is a flat log of entries; large, an expanded object with
 * a table; beyond the memory of its query, sorted runs in temporary files. The rooms above see none of that: they
 * add events by customer and in the end read each customer's history once.
 */
#ifndef RETENTION_POPULATION_H
#define RETENTION_POPULATION_H

#include "time/grid.h"
#include "history/history.h"

typedef enum KeyKind
{
	KEY_NONE, /* every entry is a customer of his own (facts) */
	KEY_INT64,
	KEY_UUID,
	KEY_TEXT,
} KeyKind;

/* What all rows and all partial states of one aggregate have in common. */
typedef struct PopulationIdentity
{
	char aggregate; /* WireAggregate */
	KeyKind key;
	TimeKind kind;
	int32 cap;		 /* see history_normalise() */
	const char *tag; /* what the room compares: the grid's text, or the periods asked for */
	int tag_length;
} PopulationIdentity;

static inline bool
population_same_tag(const PopulationIdentity *one, const PopulationIdentity *other)
{
	return one->tag_length == other->tag_length &&
		   memcmp(one->tag, other->tag, one->tag_length) == 0;
}

typedef struct PopulationTotals
{
	int64 rows;	   /* seen, the ignored ones included */
	int64 ignored; /* no customer, no time, or at or after as_of */
	int64
		first; /* earliest and latest moment seen (of the identity's kind); PG_INT64_MAX, PG_INT64_MIN: none */
	int64 latest;
} PopulationTotals;

typedef struct Population Population;

/*
 * The state of the running aggregate (argument 0), or a new one in its context. The identity must be that of the state:
 * *differs is set to the state's tag (palloc'ed) where it is not, for the room's message, else to NULL.
 */
extern Population *
population_state(FunctionCallInfo fcinfo, const PopulationIdentity *identity, char **differs);

/*
 * A population without an aggregate, for a batch scan. It lives in context, which is to be the current context whenever
 * something is added.
 */
extern Population *population_create(const PopulationIdentity *identity, MemoryContext context);

/* The datum that a transition function returns; the handle ends with the call. */
extern Datum population_datum(Population *population);

/* Valid until population_datum(), whatever is added meanwhile. */
extern PopulationTotals *population_totals(Population *population);

/*
 * One event of one customer, with a flag and a count as history_read() wants them (a larger count is cut at cap).
 * Buffered; bytes of key are copied.
 */
extern void population_add_int64(Population *population, int64 key, Event event);
extern void population_add_bytes(Population *population, const void *key, int size, Event event);

/* Events that are EVENT_PLAIN with a count of 1, of integer customers. */
extern void
population_add_plain(Population *population, const int64 *keys, const int64 *values, int count);

/* A whole customer of a population without keys. */
extern void population_add_history(Population *population, const Event *events, int count);

/* The combine function of every such aggregate: (NULL, NULL) is NULL, (NULL, p) a copy, (p, q) p changed in place. */
extern Datum population_combine_states(FunctionCallInfo fcinfo);

/* A stored or partial value as an argument of a final function. */
extern Population *population_argument(Datum value);
extern const PopulationIdentity *population_identity(Population *population);

/*
 * Each customer's normalised history once, in any order; a customer without events is left out. What can be seen does not change (a second call gives the
 * same histories). The events belong to the scan and may be scribbled on.
 */
typedef void (*PopulationVisitor)(void *argument, Event *events, int count);
extern void population_visit(Population *population, PopulationVisitor visitor, void *argument);

/* ---- Shares: the customers of several processes, divided among them by their keys ---- */

/* The customers of share number of count; {0, 1} is all of them. A customer has the same share in every process. */
typedef struct Share
{
	int number;
	int count;
} Share;

/* Plain events of a customer (cap 1): bit i of bits is the value first + i, and bit 0 is set. */
typedef void (*WordVisitor)(void *argument, int64 first, uint64 bits);

/* population_visit() of a share. Where words is not NULL, customers may come as words instead. */
extern void population_visit_share(Population *population, Share share, WordVisitor words,
								   PopulationVisitor visitor, void *argument);

/*
 * The customers of a share as packets of bytes that mean something in this cluster's processes and in this query
 * only, and back.
 */
typedef void (*PacketSink)(void *argument, const char *bytes, Size size);
extern void population_send(Population *population, Share share, PacketSink sink, void *argument);
extern void population_receive(Population *population, const char *bytes, Size size);

/* Totals of another process. */
extern void population_totals_add(PopulationTotals *into, const PopulationTotals *totals);

#endif /* RETENTION_POPULATION_H */
