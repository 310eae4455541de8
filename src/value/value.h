/*
 * value.h
 *		What customers are worth. Type retention_value: how often, how recently and for how much they buy.
 *
 * The module value:
 *
 *	 value, value_sql			customer_value(): the bounded tables of this file, and what is read off them
 *	 purchases, purchases_sql	the facts of one customer, retention_purchases
 *	 cohort_value, …_sql		what cohorts are worth, period by period
 *	 rfm, rfm_sql				scores of recency, frequency and amount by cuts that are kept
 *
 * A row is a purchase (its amount is not negative, or NULL) or a refund (negative). All purchases of a customer on one
 * day of the grid's zone are one purchase day; a refund is none. In the notation of the literature (Fader, Hardie and
 * Lee 2005) x is the number of purchase days after the first, t_x the time from the first to the last of them, and T
 * the time from the first to the last day that is known.
 *
 * A value has four tables, which are counted together (base/counted.h). A table with more than VALUE_FINE_MOST keys is
 * made coarser, level by level; which level follows from the keys alone and not from their order. Customers who have
 * refunds only are counted as customers and by amount, and are in no other table.
 *
 * A row's day is known before that of the latest row is, so the tables keep the day of the first purchase; what reads
 * them computes T (value_customers()). Values of disjoint customers add up to the value of all, also where each knew
 * its own rows only.
 */
#ifndef RETENTION_VALUE_H
#define RETENTION_VALUE_H

#include "base/counted.h"
#include "history/history.h"
#include "time/grid.h"

typedef enum ValueTable
{
	VALUE_CUSTOMERS, /* who bought: x, t_x in days, day of the first purchase; of summaries: x, bits of t_x and of T */
	VALUE_SPEND, /* who bought again: x, and the amount of the days after the first purchase day (128 bits) */
	VALUE_GAPS,	   /* days from one purchase day of a customer to the next */
	VALUE_AMOUNTS, /* customers: their amount (128 bits) */
} ValueTable;

#define VALUE_TABLES 4
#define VALUE_KEYS 3

/* The keys of a table before it is made coarser. */
#define VALUE_FINE_MOST 100000

/*
 * The coarsest level of each table. The times of customers at level n are cut to multiples of 2^n days (of summaries:
 * rounded to whole units at level 1 and cut to multiples of 2^(n - 1) units then); amounts and gaps are rounded to
 * 7 - n significant digits, so to three or more.
 */
#define VALUE_TIME_LEVELS 20
#define VALUE_DIGIT_LEVELS 4

/* Purchase days of one customer. */
#define VALUE_FREQUENCY_MOST PG_INT32_MAX

/* Instead of a TimeKind: the value was made of one row of figures for each customer. */
#define VALUE_OF_SUMMARIES (-1)

typedef struct ValueSlot
{
	CountedSlot base; /* of a table: its item is the ValueTable */
	int64 key[VALUE_KEYS];
	int64 count; /* > 0 */
} ValueSlot;

/* The tag of item 0 is the text of the grid, which values of summaries do not have. */
typedef struct Value
{
	Counted base;
	int32 kind; /* TimeKind of the rows, or VALUE_OF_SUMMARIES */
	int32 level[VALUE_TABLES];
	int32 used[VALUE_TABLES]; /* slots */
	int32 zero;
	/* Of rows; 0 in values of summaries, but for customers: */
	int64 customers;
	int64 orders;	/* rows that are purchases */
	int64 refunds;	/* rows that are refunds */
	int64 gap_days; /* the sum of t_x, in days */
	int64 first;	/* moments of rows */
	int64 latest;
	int64 decimals;
	int128 revenue; /* net, in millionths */
} Value;

#define VALUE_TYPE "retention_value"
#define VALUE_VERSION 1

extern const CountedType *const value_counted;

/* An empty state, in the current context. grid: NULL for values of summaries. */
extern Value *value_new(int32 kind, const char *grid_text, int grid_length);

/*
 * A value of many customers. Each table is counted in a value of its own, which is smaller; keys wait, so that their
 * cache misses overlap. Nearly all gaps are short, and are counted apart until value_finish().
 */
#define VALUE_GAPS_SHORT 4096
#define VALUE_WAITING 64

typedef struct WaitingKey
{
	int64 key[VALUE_KEYS];
	ValueTable table;
	int level; /* of the key */
	uint32 hash;
} WaitingKey;

typedef struct ValueBuilder
{
	Value *tables[VALUE_TABLES]; /* the totals are those of the first */
	int waiting;
	WaitingKey keys[VALUE_WAITING];
	int64 gaps[VALUE_GAPS_SHORT]; /* by days */
} ValueBuilder;

/* palloc'ed. */
extern ValueBuilder *value_begin(TimeKind kind, const char *grid_text, int grid_length);
/* A customer's events: days, with counts of purchases and amounts. */
extern void value_add_customer(ValueBuilder *builder, const AmountEvent *events, int count);
/* The value, without the times of rows and what else the builder does not know. */
extern Value *value_finish(ValueBuilder *builder);

/* Customers of the same figures; has_spend: amount is that of their days after the first. May move the value. */
extern void value_add_summary(Value **value, int64 frequency, double recency, double age,
							  bool has_spend, int128 amount, int64 customers);

/* ---- Reading: of a value that value_open() has returned ---- */

/* An argument in sorted form, checked. */
extern const Value *value_open(Datum datum);

static inline ValueSlot *
value_slot(const Value *value, int number)
{
	return (ValueSlot *) ((char *) (value + 1) + sizeof(ValueSlot) * (Size) number);
}

/* The slots of a table of a sorted value; they follow each other, in the order of their keys. */
extern const ValueSlot *value_table(const Value *value, ValueTable table, int *count);

/* The grid, which belongs to the cache. NULL: the value is made of summaries. */
extern const Grid *value_grid(const Value *value);

/* The days of a unit of the grid (its multiple included): 7 of a week, 30.436875 of a month, 365.2425 of a year. */
extern double value_unit_days(const Grid *grid);

/* The last day that is known of rows of a kind: the latest row is the last that counts where there is no as_of. */
extern int64 value_last_day(const Grid *grid, TimeKind kind, int64 latest);

/* Raises 22023 unless purchases can be counted on this grid: calendar periods of days or longer. */
extern void value_check_grid(const Grid *grid, const char *what);

/* Customers of the same x, t_x and T; times in units of the grid, or in those of the summaries. */
typedef struct ValueCustomers
{
	int64 frequency;
	double recency;
	double age;
	int64 customers;
} ValueCustomers;

/* All who bought, palloc'ed. At a coarse level times are the middle of those that are counted together. */
extern ValueCustomers *value_customers(const Value *value, int *count);

/* Customers with the same x > 0 and the same amount on their x repeat purchase days (net, in units of money). */
typedef struct ValueBuyers
{
	int64 frequency;
	double amount;
	int64 customers;
} ValueBuyers;

extern ValueBuyers *value_buyers(const Value *value, int *count);

static inline int128
wide_of_key(const int64 *key)
{
	return (int128) (((uint128) (uint64) key[0] << 64) | (uint64) key[1]);
}

extern void value_write(Datum datum, StringInfo out);
extern void *value_read(const char *bytes, Size size);

/* Values of the same kind and grid. 22023: they are not. */
extern void value_merge(Value **into, const Value *from);

#endif /* RETENTION_VALUE_H */
