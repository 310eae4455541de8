/*
 * revenue.h
 *		Recurring revenue and its movements, period by period. Type retention_revenue.
 *
 * The module revenue answers from contracts [started, ended) with an amount per month:
 *
 *	 revenue		a summary: adding customers, merging, checking, storing
 *	 revenue_read	reading it period by period, with rates and limits
 *	 revenue_sql	the type, aggregates over rows and over facts, the batch scan
 *	 revenue_answer_sql	the answers from a summary: revenue_periods(), revenue_movements()
 *	 mrr, mrr_sql	the facts of one customer: type retention_mrr
 *	 trials, trials_sql	conversion of trials and renewals, by the period in which they began or are due: type
 *					retention_trials
 *	 contract		what a row means, the same for customers and for facts
 *	 money_sql		figures from amounts that a query has already: monthly_amount(), quick_ratio() and others
 *
 * The path of a row: contract_read() makes +1 and the amount at the start of the contract, -1 and minus the amount at
 * its end, which go to the history of the customer in population/. In the end revenue_add() reads each customer's
 * history once; revenue_periods() reads the summary by revenue_read_row().
 *
 * Currencies. Nothing is ever added or compared across currencies: who moves from one to another is churned in the one
 * and new in the other. So what has a history is not the customer but the customer in a currency, and the key in the
 * population is both: the currency, then the customer (contract_key()). That is a property of the row alone, so neither
 * order nor merging can change the answer. Numbers for currencies would be given out in the order of rows and differ
 * between workers; what events of one moment have is put together, and currencies must not be. In a summary the
 * currencies are in the order of their bytes. Rows without a currency have the currency NULL, which is one like any
 * other.
 *
 * Everything is counted where it happens, as in a flow: a change touches the period in which it lies, and revenue that
 * lasts is kept as differences, which are summed when the summary is read. So a customer costs as much as they have
 * changes, over a year or over a thousand periods.
 */
#ifndef RETENTION_REVENUE_H
#define RETENTION_REVENUE_H

#include "history/history.h"
#include "time/request.h"
#include "utils/numeric.h"

/* Flags of the events in a population, beside EVENT_ACTIVE: how the contracts left that end at this moment. */
#define REVENUE_VOLUNTARY 2
#define REVENUE_INVOLUNTARY 4

/* The movements; the first five are all of them, the others are parts of churn. */
typedef enum RevenueMovement
{
	REVENUE_NEW,
	REVENUE_REACTIVATION,
	REVENUE_EXPANSION,
	REVENUE_CONTRACTION,
	REVENUE_CHURN,
	REVENUE_CHURN_VOLUNTARY,
	REVENUE_CHURN_INVOLUNTARY,
	REVENUE_MOVEMENTS,
} RevenueMovement;

#define REVENUE_NONE (-1)

/* The names of the first five in answers. */
extern const char *const revenue_movement_names[];

/*
 * What a change of a customer's revenue is. They pay while it is above 0. A change between sums that do not pay is
 * contraction or expansion, of no customer.
 */
static inline int
revenue_movement(int128 before, int128 after, bool returns)
{
	if (before == after)
		return REVENUE_NONE;
	if (before <= 0 && after > 0)
		return returns ? REVENUE_REACTIVATION : REVENUE_NEW;
	if (before > 0 && after <= 0)
		return REVENUE_CHURN;
	return after > before ? REVENUE_EXPANSION : REVENUE_CONTRACTION;
}

/* A customer's revenue from change to change; zeroed at their beginning. */
typedef struct RevenueTrack
{
	int128 sum;
	int64 contracts;
	int64
		unpaid_since; /* where they have paid before and do not pay: the end of the last paid moment */
	bool has_paid;
} RevenueTrack;

/* The next change. *before is the revenue before it; returns the movement or REVENUE_NONE. */
extern int revenue_track(RevenueTrack *track, const Grid *grid, TimeKind kind, const Event *event,
						 int128 amount, int128 *before);

/* What is counted: every change (event), or the customer's revenue at the end against that at the start (net). */
typedef enum RevenueGrain
{
	REVENUE_NET,
	REVENUE_EVENT,
	REVENUE_GRAINS,
} RevenueGrain;

extern RevenueGrain revenue_grain(const char *name);

/*
 * Numbers of 128 bits that each period has. Amounts are whole numbers of 10^-decimals; the sums are those of Cochran's
 * ratio estimator (o the opening of a customer who pays then, c their closing, g the lesser of the two). Customers
 * without a change in the period, who have o = c = g, are in the last two only: as differences to the period before.
 */
typedef enum RevenueWide
{
	WIDE_MOVED, /* [RevenueGrain][RevenueMovement] */
	WIDE_O = REVENUE_GRAINS * REVENUE_MOVEMENTS,
	WIDE_C,
	WIDE_G,
	WIDE_OO,
	WIDE_CC,
	WIDE_GG,
	WIDE_OC,
	WIDE_OG,
	WIDE_STEADY,
	WIDE_STEADY_SQUARES,
	REVENUE_WIDES,
} RevenueWide;

/* Counts that each period has. */
typedef enum RevenueCount
{
	COUNT_MOVED, /* [RevenueGrain][RevenueMovement]: customers, or changes */
	/* There at the end of the period without revenue: the difference to the end of the one before. */
	COUNT_UNPAID = REVENUE_GRAINS * REVENUE_MOVEMENTS,
	REVENUE_COUNTS,
} RevenueCount;

/* The longest currency, in bytes; the most currencies of a summary. */
#define CURRENCY_BYTES 63
#define CURRENCIES_MOST 1000

/* A currency: its length and its bytes, the rest 0. NULL has the length CURRENCY_NULL and sorts last. */
typedef struct Currency
{
	uint8 length;
	char bytes[CURRENCY_BYTES];
} Currency;

#define CURRENCY_NULL 255

/* Raises 22023 if it is too long. currency_of_null() is that of rows without one. */
extern Currency currency_of_text(const char *bytes, Size size);
extern Currency currency_of_null(void);

static inline Tag
currency_tag(const Currency *currency)
{
	return (Tag){currency->bytes, currency->length == CURRENCY_NULL ? -1 : currency->length};
}

/* Raises XX001 unless it can be a currency. */
extern void currency_check(const Currency *currency, const char *type_name);

static inline int
currency_compare(const Currency *a, const Currency *b)
{
	return tag_compare(currency_tag(a), currency_tag(b));
}

/* To bytes of the wire and back. */
extern void currency_write(StringInfo out, const Currency *currency);
extern Currency currency_read(WireReader *in);

/* One currency of a summary: this, then wides[REVENUE_WIDES][periods] and counts[REVENUE_COUNTS][periods]. */
typedef struct RevenueBase
{
	Currency currency;
	int64 paying;	/* customers who pay when the first period begins */
	int128 opening; /* revenue then, negative sums included */
	/*
	 * The squares of all levels of revenue of all customers. It bounds every sum of squares here, whatever the order in
	 * which they are added, so that whether 128 bits are enough depends on the customers alone.
	 */
	int128 squares;
} RevenueBase;

/* The stored value: flat, sized by the number of periods and currencies. */
typedef struct Revenue
{
	FlatHeader mark;
	int32 kind; /* TimeKind */
	int32 grid_length;
	int64 periods;
	int64 as_of; /* moments >= it are not known; STILL_THERE: the rows say it */
	int64
		latest; /* without as_of: the latest start or end of a contract; SINCE_EVER: there is none */
	int32 decimals; /* of all amounts, 0..AMOUNT_DECIMALS */
	int32 currencies;
	int64 bounds[FLEXIBLE_ARRAY_MEMBER];
	/* bounds[periods + 1], the bases in the order of their currencies, then the grid's text */
} Revenue;

#define REVENUE_TYPE "retention_revenue"
#define REVENUE_VERSION 1

static inline Size
revenue_base_size(const Revenue *revenue)
{
	return sizeof(RevenueBase) +
		   revenue->periods * (REVENUE_WIDES * sizeof(int128) + REVENUE_COUNTS * sizeof(int64));
}

static inline RevenueBase *
revenue_base(const Revenue *revenue, int number)
{
	return (RevenueBase *) ((char *) (revenue->bounds + revenue->periods + 1) +
							number * revenue_base_size(revenue));
}

static inline int128 *
revenue_wides(const Revenue *revenue, const RevenueBase *base, int wide)
{
	return (int128 *) (base + 1) + wide * revenue->periods;
}

static inline int64 *
revenue_counts(const Revenue *revenue, const RevenueBase *base, int count)
{
	return (int64 *) revenue_wides(revenue, base, REVENUE_WIDES) + count * revenue->periods;
}

static inline char *
revenue_grid_text(const Revenue *revenue)
{
	return (char *) revenue_base(revenue, revenue->currencies);
}

/* The place of a movement among the wides and among the counts. */
#define REVENUE_PLACE(grain, movement) ((grain) *REVENUE_MOVEMENTS + (movement))

extern const RequestUse revenue_use;

/* A summary over the periods of a request, without customers, palloc'ed. */
extern Revenue *revenue_of_request(const PeriodRequest *request, const Grid *grid);

/*
 * Add a customer in one currency: their changes in order, amounts in millionths. Changes *revenue in place, or makes a
 * larger one in the current context if the currency is new; the old one is not freed.
 */
extern void revenue_add(Revenue **revenue, const Grid *grid, const Currency *currency,
						const AmountEvent *events, int count);

/* Amounts with at least so many decimals: all are brought to the larger number. */
extern void revenue_rescale(Revenue *revenue, int decimals);

/* Add the customers of another summary over the same periods; none may be in both. */
extern void revenue_merge(Revenue **revenue, const Revenue *other);

extern bool revenue_has_shape(const void *state);

/* Raises XX001 unless the numbers can come from revenue_add(). Returns the grid. */
extern const Grid *revenue_check(const Revenue *revenue);

extern void revenue_write(const Revenue *revenue, StringInfo wire);
extern Revenue *revenue_read(const char *bytes, Size size);

/* ---- Reading ---- */

/* A period of a currency. */
typedef struct RevenueRow
{
	int64 period_start;
	int64 period_end;
	bool partial;
	int128 opening;
	int128 closing;
	int64 opening_customers;
	int64 closing_customers;
	int64 unpaid;
	int128 moved[REVENUE_GRAINS][REVENUE_MOVEMENTS];
	int64 counts[REVENUE_GRAINS][REVENUE_MOVEMENTS];
	int128 sums[WIDE_STEADY - WIDE_O]; /* of the opening customers: o, c, g, oo, cc, gg, oc, og */
} RevenueRow;

typedef struct RevenueReader
{
	const Revenue *revenue;
	const RevenueBase *base;
	int64 next;
	int64 known_until; /* periods that end later are partial */
	int128 steady;
	int128 steady_squares;
	RevenueRow row; /* of the period before */
} RevenueReader;

extern RevenueReader revenue_read_begin(const Revenue *revenue, int currency);

/* The next period, or NULL where no more is known. */
extern const RevenueRow *revenue_read_row(RevenueReader *reader);

/*
 * Rates of a row in per cent; false where it is partial or the base is not above 0. closing: c for net revenue
 * retention, g for gross. Limits need two customers.
 */
extern bool revenue_retention(const RevenueRow *row, bool gross, Numeric *rate);
extern bool revenue_retention_limits(const RevenueRow *row, bool gross, double confidence,
									 Numeric *low, Numeric *high);

#endif /* RETENTION_REVENUE_H */
