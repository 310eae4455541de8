/*
 * population.h
 *		Customers and their histories: the state of every aggregate that gets rows of many customers.
 *
 * A population is the type retention_population. Modules add events by customer and in the end read each customer's
 * history once; the form in which a population is kept is not theirs to know. A row travels so:
 *
 *		a transition function		population_state(), population_add_*(), population_datum()
 *		population.c				to the log of a small population, or to the batch of a large one
 *		population_flat			small: entries one after the other in one value; this form is also stored and sent
 *		population_large			beyond 4 kB: an expanded object with a table, a batch and a log
 *		population_table			key to cell: pages (population_page) or a hash table (population_hash)
 *		population_rows				many customers that are hashed: rows by partition, before they get into tables
 *		population_cell			the events of one customer: a word of 64 bits, one event, or a log of bytes
 *		population_ledger, _log		beyond the memory of the query: tables go to a file, by partition
 *		population_form, _share		reading all customers, or those of a share; packets for other processes
 *		population_shared			pages that all processes of a query fill together
 *		a final function			population_argument(), population_visit()
 *
 * population_entry has the keys and the bytes of an entry, population_key the customer of a row, and batch.h is for the
 * batch scan, which adds many rows at a time. Each of these files has a header, which includes lower ones only.
 *
 * What an event is depends on the shape in the population's identity (EventShape in history.h). Most populations keep a
 * count and three flags; with a cap of 1 and without amounts, a customer is usually one word. A population with amounts
 * adds up an exact amount for each customer and value, and keeps logs only; one with more flags has up to sixteen, for
 * the steps of a funnel. The others do not pay for that. An aggregate names its shape in is_shape_of(), too
 * (population_flat.c). For example, revenue by customer and month:
 *
 *		PopulationIdentity identity = {.aggregate = AGGREGATE_..., .key = KEY_INT64, .kind = TIME_DATE,
 *			.shape = {.cap = 1, .has_amount = true}, .tag = grid->text, .tag_length = grid->text_length};
 *		Population *population = population_state(fcinfo, &identity, &differs);
 *		Event event = {.value = month, .count = 1, .flags = EVENT_PLAIN};
 *
 *		population_add_int64_amount(population, PG_GETARG_INT64(1), event,
 *			amount_of_datum(PG_GETARG_DATUM(3), &population_totals(population)->decimals));
 *
 * and in the final function a visitor reads ((const AmountEvent *) events)[i], one for each month of a customer.
 * Contracts have a cap of 0, a count of 1 and the amount at their start, -1 and the amount negated at their end: the
 * running sums are the customer's contracts and revenue. population_events_sql.c is a complete example, the batch scan
 * included.
 */
#ifndef RETENTION_POPULATION_H
#define RETENTION_POPULATION_H

#include "history/history.h"
#include "time/grid.h"

typedef enum KeyKind
{
	KEY_NONE, /* every entry is a customer of its own: facts, which were made by customer before */
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
	EventShape shape;
	const char *tag; /* bytes that the module compares: the grid's text, or the periods asked for */
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

	/* The earliest and latest moment seen, of the identity's kind; PG_INT64_MAX, PG_INT64_MIN: none. */
	int64 first;
	int64 latest;

	int64 decimals; /* the most that an amount of a row was written with, at most AMOUNT_DECIMALS */
} PopulationTotals;

typedef struct Population Population;

/*
 * The state of the running aggregate (argument 0), or a new one in its context. Where the state has another tag than
 * identity, *differs is set to it (palloc'ed) for the module's message, else to NULL; any other difference is an error.
 */
extern Population *
population_state(FunctionCallInfo fcinfo, const PopulationIdentity *identity, char **differs);

/*
 * A population without an aggregate, for a batch scan. It lives in context, which has to be the current context
 * whenever something is added.
 */
extern Population *population_create(const PopulationIdentity *identity, MemoryContext context);

/* The datum that a transition function returns; the handle ends with the call. */
extern Datum population_datum(Population *population);

/* Valid until population_datum(), whatever is added meanwhile. */
extern PopulationTotals *population_totals(Population *population);

/*
 * One event of one customer, which must be possible (event_is_possible()), but its count may be larger than cap. It may
 * wait in a batch; bytes of key are copied.
 */
extern void population_add_int64(Population *population, int64 key, Event event);
extern void population_add_bytes(Population *population, const void *key, int size, Event event);

/* The same in a population with amounts (amount.h makes one of a numeric); in registers where that is possible. */
extern void
population_add_int64_amount(Population *population, int64 key, Event event, int128 amount);
extern void
population_add_bytes_amount(Population *population, const void *key, int size, AmountEvent event);

/* So many events will be added at once: a population that will be large is so from the start. */
extern void population_expect(Population *population, int count);

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
 * Each customer's normalised history once, in any order; a customer without events is left out. Reading does not change
 * what a population contains: a second call visits the same histories. The visitor may overwrite the events.
 */
typedef void (*PopulationVisitor)(void *argument, Event *events, int count);
extern void population_visit(Population *population, PopulationVisitor visitor, void *argument);

/* The same for keys that are bytes (KEY_TEXT), with the key: for modules whose keys are more than a customer. */
typedef void (*PopulationKeyVisitor)(void *argument, const char *key, Size size, Event *events,
									 int count);

/* ---- Shares: customers divided among processes by a hash of their keys ---- */

/* Share number of count; {0, 1} is everybody. A customer belongs to the same share in every process. */
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

extern void population_visit_keys(Population *population, Share share, PopulationKeyVisitor visitor,
								  void *argument);

/*
 * The customers of all shares but one's own as packets of bytes, which mean something in this cluster's processes and
 * in this query only, and back. A packet is for the share of that number. Afterwards only one's own share may be read.
 */
typedef void (*PacketSink)(void *argument, int share, const char *bytes, Size size);
extern void population_send(Population *population, Share own, PacketSink sink, void *argument);
extern void population_receive(Population *population, const char *bytes, Size size);

/*
 * Memory that the processes of one query fill together where customers are integers that lie close together: for each
 * population that all of them have, shared_pages_size() bytes, which are begun once. A process joins before it adds
 * much. shared_pages_free() frees what was filled in the area, and begins anew.
 */
typedef struct SharedPages SharedPages;
struct dsa_area;
extern Size shared_pages_size(void);
extern void shared_pages_begin(SharedPages *pages);
extern void shared_pages_free(SharedPages *pages, struct dsa_area *area);
extern uint64 shared_pages_bytes(SharedPages *pages);
extern void population_join(Population *population, SharedPages *pages, struct dsa_area *area);

/* Add the totals of another process. */
extern void population_totals_add(PopulationTotals *into, const PopulationTotals *totals);

#endif /* RETENTION_POPULATION_H */
