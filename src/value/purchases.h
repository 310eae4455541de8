/*
 * purchases.h
 *		The purchases of one customer. Type retention_purchases.
 *
 * By day of the grid's zone: the number of purchases, and the net amount with that of refunds. The value is a log: each
 * row appends a history of one event (history.h). When the space is used up, the events of a day are put together, and
 * if more than half of it is still needed, the space is doubled. What leaves an aggregate is one history.
 */
#ifndef RETENTION_PURCHASES_H
#define RETENTION_PURCHASES_H

#include "history/history.h"
#include "population/amount.h"
#include "time/grid.h"

#define PURCHASES_TYPE "retention_purchases"
#define PURCHASES_VERSION 1

/* Bytes of a value: some three million days. */
#define PURCHASES_MOST 0x2000000

typedef struct Purchases
{
	FlatHeader mark;
	int32 used; /* bytes of the log */
	uint16 grid_length;
	uint8 kind; /* TimeKind */
	uint8 decimals;
	int64 refunds; /* rows that are no purchases */
	int64 first;   /* moments of rows, refunds included */
	int64 latest;
	int64 first_purchase; /* PG_INT64_MAX and PG_INT64_MIN: there is none */
	int64 last_purchase;
	char bytes[FLEXIBLE_ARRAY_MEMBER]; /* the grid's text, the log */
} Purchases;

/* The shape of the events, also in populations. */
#define PURCHASE_SHAPE ((EventShape){.cap = PG_INT32_MAX, .has_amount = true})

/*
 * The event of a row: its day; a purchase counts, a refund does not. amount may be packed, and is not read where it is
 * NULL: a purchase without an amount.
 */
static inline AmountEvent
purchase_event(const Grid *grid, TimeKind kind, int64 at, bool no_amount, Datum amount,
			   int64 *decimals)
{
	AmountEvent event = {
		.event = {.value = grid_day(grid, kind, at), .count = 1, .flags = EVENT_PLAIN}};

	if (!no_amount)
		event.amount = amount_of_datum(amount, decimals);
	if (event.amount < 0)
	{
		event.event.count = 0;
		event.event.flags = EVENT_ACTIVE;
	}
	return event;
}

/* ---- the state of an aggregate: functions that may move it return it ---- */

extern bool purchases_has_shape(const void *state);
extern Purchases *purchases_new(TimeKind kind, const Grid *grid);
/* A copy of any value, checked. */
extern Purchases *purchases_copy(Datum value);
/* 22023: the state is of another grid or type of time. */
extern void
purchases_match(const Purchases *state, TimeKind kind, const char *grid_text, int grid_length);
extern Purchases *
purchases_add(Purchases *state, int64 at, const AmountEvent *event, int64 decimals);
extern Purchases *purchases_merge(Purchases *state, Datum value);
/* The form in which it leaves the aggregate, palloc'ed. */
extern Purchases *purchases_store(const Purchases *state);

/* ---- reading ---- */

typedef struct PurchasesView
{
	const Grid *grid; /* belongs to the cache */
	TimeKind kind;
	int64 decimals;
	int64 orders;
	int64 refunds;
	int64 first;
	int64 latest;
	int64 first_purchase;
	int64 last_purchase;
	AmountEvent *events; /* by day, palloc'ed */
	int count;
} PurchasesView;

/* Decodes and checks a value. */
extern PurchasesView purchases_view(Datum value);

/* What is read off it (purchases_sql.c). */
typedef struct PurchaseFigures
{
	int64 days;	 /* with a purchase */
	int64 times; /* the same, or the whole periods with one */
	int64 first_day;
	int64 last_day;
	double recency; /* in units of the grid, or in whole periods */
	double age;		/* NaN: not known */
	int128 total;	/* amount */
	int128 again;	/* amount of the repeat purchases */
} PurchaseFigures;

/* as_of on the clock of the grid; 22023 if it is before that of the grid, or before a row. */
extern PurchaseFigures
purchases_figures(const PurchasesView *view, bool has_as_of, int64 as_of, bool whole);

extern void purchases_write(Datum value, StringInfo out);
extern Purchases *purchases_read(const char *bytes, Size size);

#endif /* RETENTION_PURCHASES_H */
