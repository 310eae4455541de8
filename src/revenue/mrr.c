/*
 * mrr.c
 *		The facts of one customer: storing, checking, adding them to a summary.
 */
#include "retention.h"

#include "base/check.h"
#include "population/amount.h"
#include "revenue/contract.h"
#include "revenue/mrr.h"

static const EventShape shape = {.cap = 0, .has_amount = true};

static void corrupt(const char *detail) pg_attribute_noreturn();

static void
corrupt(const char *detail)
{
	wire_corrupt(MRR_TYPE, detail);
}

/* ---- Writing ---- */

static void
put_fields(StringInfo out, const MrrView *view)
{
	wire_put_ints(out, view->kind, view->decimals, view->latest, view->currencies);
	for (int i = 0; i < view->currencies; i++)
	{
		currency_write(out, &view->currency[i].currency);
		events_write(&shape, out, &view->currency[i].events->event, view->currency[i].count);
	}
}

static struct varlena *
store_view(const MrrView *view)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoSpaces(&out, sizeof(FlatHeader));
	put_fields(&out, view);
	flat_mark(out.data, WIRE_MRR, MRR_VERSION, out.len);
	return (struct varlena *) out.data;
}

/* Space for one more currency. */
static MrrCurrency *
more_currencies(MrrView *view)
{
	if (view->currencies == CURRENCIES_MOST)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("one customer has more than %d currencies", CURRENCIES_MOST)));
	if (view->currency == NULL)
		view->currency = palloc(sizeof(MrrCurrency));
	else if ((view->currencies & (view->currencies - 1)) == 0)
		view->currency =
			repalloc(view->currency, 2 * (Size) view->currencies * sizeof(MrrCurrency));
	return &view->currency[view->currencies++];
}

static void
store_currency(void *argument, const char *key, Size size, Event *events, int count)
{
	MrrCurrency *added = more_currencies(argument);
	Size bytes = count * sizeof(AmountEvent);

	added->currency = contract_currency(key, size);
	added->count = count;
	added->events = palloc(bytes);
	memcpy(added->events, events, bytes);
}

static int
compare_currencies(const void *a, const void *b)
{
	return currency_compare(&((const MrrCurrency *) a)->currency,
							&((const MrrCurrency *) b)->currency);
}

struct varlena *
mrr_store(Population *population)
{
	const PopulationTotals *totals = population_totals(population);
	MrrView view = {.kind = population_identity(population)->kind,
					.decimals = (int32) totals->decimals,
					.latest = totals->latest};

	population_visit_keys(population, (Share){0, 1}, store_currency, &view);
	qsort(view.currency, view.currencies, sizeof(MrrCurrency), compare_currencies);
	return store_view(&view);
}

/* ---- Reading ---- */

/* Contracts end after they began, and their amounts with them. */
static void
check_events(const MrrView *view, const AmountEvent *events, int count)
{
	int64 contracts = 0;
	int128 sum = 0;

	if (count == 0)
		corrupt("A currency in it has no contract.");
	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (events[i].event.value > view->latest ||
			(!moment_is_valid(view->kind, events[i].event.value) &&
			 events[i].event.value != SINCE_EVER))
			corrupt("A moment in it is out of range.");
		contracts += events[i].event.count;
		if (contracts < 0 || __builtin_add_overflow(sum, events[i].amount, &sum) ||
			(contracts == 0 && sum != 0))
			corrupt("Its contracts do not add up.");
	}
}

static void
get_fields(WireReader *in, MrrView *view)
{
	int64 currencies;

	view->kind = (TimeKind) wire_get_int_between(in, TIME_DATE, TIME_INSTANT);
	view->decimals = (int32) wire_get_int_between(in, 0, AMOUNT_DECIMALS);
	view->latest = wire_get_int(in);
	if (view->latest != SINCE_EVER && !moment_is_valid(view->kind, view->latest))
		corrupt("A moment in it is out of range.");
	currencies = wire_get_int_between(in, 0, CURRENCIES_MOST);
	for (int64 i = 0; i < currencies; i++)
	{
		MrrCurrency *added = more_currencies(view);
		Event *events = NULL;
		int capacity = 0;

		CHECK_FOR_INTERRUPTS();
		added->currency = currency_read(in);
		currency_check(&added->currency, MRR_TYPE);
		if (i > 0 && compare_currencies(added - 1, added) >= 0)
			corrupt("Its currencies are not in order.");
		added->count = events_read(&shape, in, &events, &capacity, 0);
		added->events = (AmountEvent *) events;
		check_events(view, added->events, added->count);
	}
	wire_end(in);
}

void
mrr_view(Datum value, MrrView *view)
{
	struct varlena *bytes = flat_open(value, WIRE_MRR, MRR_VERSION, sizeof(FlatHeader), MRR_TYPE);
	WireReader in = {.type_name = MRR_TYPE,
					 .at = (const char *) bytes + sizeof(FlatHeader),
					 .end = (const char *) bytes + VARSIZE(bytes),
					 .version = MRR_VERSION};

	get_fields(&in, view);
}

void
mrr_write(Datum value, StringInfo wire)
{
	MrrView view = {0};

	mrr_view(value, &view);
	wire_begin(wire, WIRE_MRR, MRR_VERSION);
	put_fields(wire, &view);
}

struct varlena *
mrr_read(const char *bytes, Size size)
{
	WireReader in = wire_open(bytes, size, WIRE_MRR, MRR_VERSION, MRR_TYPE);
	MrrView view = {0};

	get_fields(&in, &view);
	return store_view(&view);
}

void
mrr_add_to(const MrrView *view, const Grid *grid, int64 as_of, Revenue **revenue)
{
	revenue_rescale(*revenue, view->decimals);
	if (!grid->has_as_of)
		(*revenue)->latest = Max((*revenue)->latest, view->latest);
	for (int i = 0; i < view->currencies; i++)
	{
		const MrrCurrency *of = &view->currency[i];
		int known = of->count;

		/* What is not known yet is at the end. */
		while (known > 0 && of->events[known - 1].event.value >= as_of)
			known--;
		if (known > 0)
			revenue_add(revenue, grid, &of->currency, of->events, known);
	}
}
