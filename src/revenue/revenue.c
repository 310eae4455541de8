/*
 * revenue.c
 *		The state of revenue: adding customers, merging, checking, storing.
 */
#include "retention.h"

#include "base/check.h"
#include "base/choice.h"
#include "mb/pg_wchar.h"
#include "population/amount.h"
#include "revenue/revenue.h"
#include "time/elapsed.h"
#include "utils/memutils.h"

const RequestUse revenue_use = {
	.function = "mrr_movements", .answer = "revenue", .reactivation = true};

const char *const revenue_movement_names[] = {"new", "reactivation", "expansion", "contraction",
											  "churn"};

RevenueGrain
revenue_grain(const char *name)
{
	static const char *const names[] = {"net", "event"};

	return (RevenueGrain) choice("grain of revenue", name, names, lengthof(names));
}

/* ---- Currencies ---- */

Currency
currency_of_text(const char *bytes, Size size)
{
	Currency currency = {.length = (uint8) size};

	if (size > CURRENCY_BYTES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a currency must not be longer than %d bytes", CURRENCY_BYTES),
						errdetail("It begins with \"%s\".",
								  pnstrdup(bytes, pg_mbcliplen(bytes, (int) size, 40)))));
	memcpy(currency.bytes, bytes, size);
	return currency;
}

Currency
currency_of_null(void)
{
	return (Currency){.length = CURRENCY_NULL};
}

void
currency_check(const Currency *currency, const char *type_name)
{
	int used = currency->length == CURRENCY_NULL ? 0 : currency->length;

	if (used > CURRENCY_BYTES)
		wire_corrupt(type_name, "A currency in it is too long.");
	for (int i = used; i < CURRENCY_BYTES; i++)
		if (currency->bytes[i] != '\0')
			wire_corrupt(type_name, "A currency in it is not in its one form.");
	if (currency->length != CURRENCY_NULL)
		wire_check_text(type_name, currency_tag(currency));
}

void
currency_write(StringInfo out, const Currency *currency)
{
	wire_put_tag(out, currency_tag(currency));
}

Currency
currency_read(WireReader *in)
{
	Tag tag = wire_get_tag(in, -1, CURRENCY_BYTES);

	return tag.length < 0 ? currency_of_null() : currency_of_text(tag.bytes, (Size) tag.length);
}

/* ---- Layout ---- */

/* 0: larger than a value can be. */
static Size
revenue_size(int64 periods, int64 currencies, int64 grid_length)
{
	/* With these limits nothing overflows. */
	Size base = sizeof(RevenueBase) +
				(Size) periods * (REVENUE_WIDES * sizeof(int128) + REVENUE_COUNTS * sizeof(int64));
	Size size = offsetof(Revenue, bounds) + (Size) (periods + 1) * sizeof(int64) +
				(Size) currencies * base + (Size) grid_length;

	return size <= MaxAllocSize ? size : 0;
}

static Revenue *
revenue_new(TimeKind kind, int64 periods, int currencies, const char *grid_text, int grid_length)
{
	Size size = revenue_size(periods, currencies, grid_length);
	Revenue *revenue;

	if (size == 0 || currencies > CURRENCIES_MOST)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("revenue of %d currencies over %lld periods is too large",
							   currencies, (long long) periods),
						errhint("Take a shorter span, a coarser grid or fewer currencies.")));
	revenue = palloc0(size);
	flat_mark(revenue, WIRE_REVENUE, REVENUE_VERSION, size);
	revenue->kind = kind;
	revenue->grid_length = grid_length;
	revenue->periods = periods;
	revenue->as_of = STILL_THERE;
	revenue->latest = SINCE_EVER;
	revenue->currencies = currencies;
	memcpy(revenue_grid_text(revenue), grid_text, grid_length);
	return revenue;
}

Revenue *
revenue_of_request(const PeriodRequest *request, const Grid *grid)
{
	Revenue *revenue =
		revenue_new(request->kind, request->periods, 0, grid->text, grid->text_length);

	revenue->as_of = request->as_of;
	request_bounds(request, grid, revenue->bounds);
	return revenue;
}

bool
revenue_has_shape(const void *state)
{
	const Revenue *revenue = state;

	return revenue->periods >= 0 && revenue->periods <= MAX_PERIODS && revenue->currencies >= 0 &&
		   revenue->currencies <= CURRENCIES_MOST && revenue->grid_length > 0 &&
		   revenue->grid_length <= (int) VARSIZE(revenue) && revenue->decimals >= 0 &&
		   revenue->decimals <= AMOUNT_DECIMALS &&
		   revenue_size(revenue->periods, revenue->currencies, revenue->grid_length) ==
			   VARSIZE(revenue);
}

/* The base of a currency, which is added if it is new. */
static RevenueBase *
find_base(Revenue **state, const Currency *currency)
{
	Revenue *revenue = *state;
	Revenue *larger;
	RevenueBase *base;
	int low = 0;
	int high = revenue->currencies;

	while (low < high)
	{
		int middle = (low + high) / 2;
		int order = currency_compare(&revenue_base(revenue, middle)->currency, currency);

		if (order == 0)
			return revenue_base(revenue, middle);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	larger = revenue_new((TimeKind) revenue->kind, revenue->periods, revenue->currencies + 1,
						 revenue_grid_text(revenue), revenue->grid_length);
	larger->as_of = revenue->as_of;
	larger->latest = revenue->latest;
	larger->decimals = revenue->decimals;
	memcpy(larger->bounds, revenue->bounds, (revenue->periods + 1) * sizeof(int64));
	base = revenue_base(larger, low);
	memcpy(revenue_base(larger, 0), revenue_base(revenue, 0), low * revenue_base_size(revenue));
	memcpy(revenue_base(larger, low + 1), revenue_base(revenue, low),
		   (revenue->currencies - low) * revenue_base_size(revenue));
	base->currency = *currency;
	*state = larger;
	return base;
}

/* ---- Adding a customer ---- */

int
revenue_track(RevenueTrack *track, const Grid *grid, TimeKind kind, const Event *event,
			  int128 amount, int128 *before)
{
	bool returns = track->has_paid;
	int movement;

	*before = track->sum;
	wide_add(&track->sum, amount);
	count_add(&track->contracts, event->count);
	if (returns && *before <= 0 && track->sum > 0 && grid != NULL &&
		gap_is_set(&grid->reactivation_within))
		returns = event->value <=
				  grid_gap_end(grid, kind, &grid->reactivation_within, track->unpaid_since);
	movement = revenue_movement(*before, track->sum, returns);
	if (movement == REVENUE_CHURN)
		track->unpaid_since = event->value;
	track->has_paid = track->has_paid || track->sum > 0;
	return movement;
}

static int128
square(int128 value)
{
	int128 result;

	if (unlikely(__builtin_mul_overflow(value, value, &result)))
		sum_overflow();
	return result;
}

static inline int128
distance(int128 a, int128 b)
{
	return a < b ? b - a : a - b;
}

/* The customer whose changes are read. */
typedef struct Customer
{
	const Revenue *revenue;
	RevenueBase *base;
	RevenueTrack track;
	int64 period;	/* of the changes read last; -1: before the first period */
	int128 opening; /* revenue when it began */
	int returned;	/* what the first return in it is: REVENUE_NEW or REVENUE_REACTIVATION */
	uint32 left;	/* flags of the last churn in it */
	bool unpaid;	/* whether they are counted as there without revenue */
} Customer;

static void
count_movement(const Customer *customer, RevenueGrain grain, int movement, uint32 flags,
			   int128 before, int128 after)
{
	const Revenue *revenue = customer->revenue;
	int64 period = customer->period;
	int place = REVENUE_PLACE(grain, movement);

	if (movement == REVENUE_NONE)
		return;
	wide_add(&revenue_wides(revenue, customer->base, place)[period], distance(before, after));
	if (before > 0 || after > 0)
		count_add(&revenue_counts(revenue, customer->base, place)[period], 1);
	if (movement != REVENUE_CHURN || (flags & (REVENUE_VOLUNTARY | REVENUE_INVOLUNTARY)) == 0)
		return;
	/* Several contracts may end at once: it was the customer's decision if one of them was. */
	place = REVENUE_PLACE(grain, flags & REVENUE_VOLUNTARY ? REVENUE_CHURN_VOLUNTARY
														   : REVENUE_CHURN_INVOLUNTARY);
	wide_add(&revenue_wides(revenue, customer->base, place)[period], distance(before, after));
	count_add(&revenue_counts(revenue, customer->base, place)[period], 1);
}

/* The end of the period in which the customer's last changes are. */
static void
end_period(Customer *customer)
{
	const Revenue *revenue = customer->revenue;
	RevenueBase *base = customer->base;
	int64 period = customer->period;
	int128 o = customer->opening;
	int128 c = customer->track.sum;
	bool unpaid = customer->track.contracts > 0 && c <= 0;

	if (unpaid != customer->unpaid && revenue->periods > 0)
		count_add(&revenue_counts(revenue, base, COUNT_UNPAID)[Max(period, 0)], unpaid ? 1 : -1);
	customer->unpaid = unpaid;
	if (period < 0)
	{
		wide_add(&base->opening, c);
		if (c > 0)
			count_add(&base->paying, 1);
		return;
	}
	count_movement(customer, REVENUE_NET, revenue_movement(o, c, customer->returned != REVENUE_NEW),
				   customer->left, o, c);
	if (o > 0)
	{
		int128 g = Min(o, c);
		const int128 sums[] = {o, c, g, square(o), square(c), square(g), o * c, o * g};

		for (int i = 0; i < (int) lengthof(sums); i++)
			wide_add(&revenue_wides(revenue, base, WIDE_O + i)[period], sums[i]);
	}
}

/* Revenue that lasts from after the period of the last changes until another period begins. */
static void
add_steady(const Customer *customer, int64 until)
{
	const Revenue *revenue = customer->revenue;
	int128 *amounts = revenue_wides(revenue, customer->base, WIDE_STEADY);
	int128 *squares = revenue_wides(revenue, customer->base, WIDE_STEADY_SQUARES);
	int64 from = customer->period + 1;
	int128 sum = customer->track.sum;

	if (sum <= 0 || from >= until)
		return;
	wide_add(&amounts[from], sum);
	wide_add(&squares[from], square(sum));
	if (until < revenue->periods)
	{
		wide_add(&amounts[until], -sum);
		wide_add(&squares[until], -square(sum));
	}
}

static int128
power_of_ten(int exponent)
{
	int128 power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

void
revenue_add(Revenue **state, const Grid *grid, const Currency *currency, const AmountEvent *events,
			int count)
{
	RevenueBase *base = find_base(state, currency);
	const Revenue *revenue = *state;
	const int64 unit = (int64) power_of_ten(AMOUNT_DECIMALS - revenue->decimals);
	Customer customer = {.revenue = revenue, .base = base, .period = -1, .returned = REVENUE_NONE};

	for (int i = 0; i < count; i++)
	{
		const Event *event = &events[i].event;
		int128 amount = events[i].amount;
		int64 period = period_locate(revenue->bounds, revenue->periods, event->value);
		int128 before;
		int movement;

		CHECK_NOW_AND_THEN(i);
		if (period >= revenue->periods)
			break;
		if (unit > 1)
			amount = amount >= PG_INT64_MIN && amount <= PG_INT64_MAX ? (int64) amount / unit
																	  : amount / unit;
		if (period != customer.period)
		{
			end_period(&customer);
			add_steady(&customer, period);
			customer.period = period;
			customer.opening = customer.track.sum;
			customer.returned = REVENUE_NONE;
			customer.left = 0;
		}
		movement =
			revenue_track(&customer.track, grid, (TimeKind) revenue->kind, event, amount, &before);
		if (before != customer.track.sum)
			wide_add(&base->squares, square(customer.track.sum));
		if (movement == REVENUE_CHURN)
			customer.left = event->flags;
		if ((movement == REVENUE_NEW || movement == REVENUE_REACTIVATION) &&
			customer.returned == REVENUE_NONE)
			customer.returned = movement;
		if (period >= 0)
			count_movement(&customer, REVENUE_EVENT, movement, event->flags, before,
						   customer.track.sum);
	}
	end_period(&customer);
	add_steady(&customer, revenue->periods);
}

/* ---- Scale and merging ---- */

static void
scale_wide(int128 *value, int128 factor)
{
	if (unlikely(__builtin_mul_overflow(*value, factor, value)))
		sum_overflow();
}

void
revenue_rescale(Revenue *revenue, int decimals)
{
	int128 factor;
	int128 squared;

	if (decimals <= revenue->decimals)
		return;
	factor = power_of_ten(decimals - revenue->decimals);
	squared = factor * factor;
	revenue->decimals = decimals;
	for (int b = 0; b < revenue->currencies; b++)
	{
		RevenueBase *base = revenue_base(revenue, b);

		scale_wide(&base->opening, factor);
		scale_wide(&base->squares, squared);
		for (int wide = 0; wide < REVENUE_WIDES; wide++)
		{
			bool of_squares = wide == WIDE_STEADY_SQUARES || (wide >= WIDE_OO && wide <= WIDE_OG);
			int128 *values = revenue_wides(revenue, base, wide);

			CHECK_FOR_INTERRUPTS();
			for (int64 i = 0; i < revenue->periods; i++)
				scale_wide(&values[i], of_squares ? squared : factor);
		}
	}
}

static char *
print_span(const Revenue *revenue)
{
	TimeKind kind = (TimeKind) revenue->kind;

	return psprintf("[%s,%s)", moment_text(kind, revenue->bounds[0]),
					moment_text(kind, revenue->bounds[revenue->periods]));
}

void
revenue_merge(Revenue **state, const Revenue *other)
{
	Revenue *into = *state;
	int64 periods = into->periods;

	if (into->grid_length != other->grid_length ||
		memcmp(revenue_grid_text(into), revenue_grid_text(other), into->grid_length) != 0)
		grid_mismatch(pnstrdup(revenue_grid_text(into), into->grid_length),
					  pnstrdup(revenue_grid_text(other), other->grid_length));
	if (into->kind != other->kind || periods != other->periods || into->as_of != other->as_of ||
		memcmp(into->bounds, other->bounds, (periods + 1) * sizeof(int64)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revenue over different periods cannot be added"),
				 errdetail("One has %lld periods in %s, the other %lld in %s.", (long long) periods,
						   print_span(into), (long long) other->periods, print_span(other))));

	revenue_rescale(into, other->decimals);
	if (other->decimals < into->decimals)
	{
		Revenue *copy = flat_copy(other);

		revenue_rescale(copy, into->decimals);
		other = copy;
	}
	into->latest = Max(into->latest, other->latest);
	for (int b = 0; b < other->currencies; b++)
	{
		const RevenueBase *from = revenue_base(other, b);
		RevenueBase *base = find_base(state, &from->currency);

		count_add(&base->paying, from->paying);
		wide_add(&base->opening, from->opening);
		wide_add(&base->squares, from->squares);
		for (int wide = 0; wide < REVENUE_WIDES; wide++)
		{
			CHECK_FOR_INTERRUPTS();
			for (int64 i = 0; i < periods; i++)
				wide_add(&revenue_wides(*state, base, wide)[i],
						 revenue_wides(other, from, wide)[i]);
		}
		for (int count = 0; count < REVENUE_COUNTS; count++)
			for (int64 i = 0; i < periods; i++)
				count_add(&revenue_counts(*state, base, count)[i],
						  revenue_counts(other, from, count)[i]);
	}
}

/* ---- Stored bytes ---- */

static void corrupt(const char *detail) pg_attribute_noreturn();

static void
corrupt(const char *detail)
{
	wire_corrupt(REVENUE_TYPE, detail);
}

static int128
checked_plus(int128 a, int128 b)
{
	int128 sum;

	if (__builtin_add_overflow(a, b, &sum))
		corrupt("A sum in it is too large.");
	return sum;
}

/* What the movements of one grain come to, customers and amounts. */
static void
net_change(const Revenue *revenue, const RevenueBase *base, RevenueGrain grain, int64 period,
		   int128 *amount, int128 *customers)
{
	static const int signs[] = {1, 1, 1, -1, -1};

	*amount = *customers = 0;
	for (int movement = 0; movement < (int) lengthof(signs); movement++)
	{
		int place = REVENUE_PLACE(grain, movement);

		*amount =
			checked_plus(*amount, signs[movement] * revenue_wides(revenue, base, place)[period]);
		if (movement != REVENUE_EXPANSION && movement != REVENUE_CONTRACTION)
			*customers += signs[movement] * revenue_counts(revenue, base, place)[period];
	}
}

static void
check_base(const Revenue *revenue, const RevenueBase *base)
{
	int128 customers = base->paying;
	int128 opening = base->opening;
	int128 steady = 0;
	int128 steady_squares = 0;
	int64 unpaid = 0;

	currency_check(&base->currency, REVENUE_TYPE);
	if (base->paying < 0 || base->squares < 0)
		corrupt("A count in it is negative.");
	for (int64 i = 0; i < revenue->periods; i++)
	{
		int128 changes[REVENUE_GRAINS][2];

		CHECK_NOW_AND_THEN(i);
		for (int place = 0; place < WIDE_O; place++)
			if (revenue_wides(revenue, base, place)[i] < 0 ||
				revenue_counts(revenue, base, place)[i] < 0)
				corrupt("A movement in it is negative.");
		for (int grain = 0; grain < REVENUE_GRAINS; grain++)
		{
			int churn = REVENUE_PLACE(grain, REVENUE_CHURN);
			int voluntary = REVENUE_PLACE(grain, REVENUE_CHURN_VOLUNTARY);
			int involuntary = REVENUE_PLACE(grain, REVENUE_CHURN_INVOLUNTARY);

			net_change(revenue, base, grain, i, &changes[grain][0], &changes[grain][1]);
			if (checked_plus(revenue_wides(revenue, base, voluntary)[i],
							 revenue_wides(revenue, base, involuntary)[i]) >
					revenue_wides(revenue, base, churn)[i] ||
				(int128) revenue_counts(revenue, base, voluntary)[i] +
						revenue_counts(revenue, base, involuntary)[i] >
					revenue_counts(revenue, base, churn)[i])
				corrupt("More churn in it has a reason than there is.");
		}
		if (changes[REVENUE_NET][0] != changes[REVENUE_EVENT][0] ||
			changes[REVENUE_NET][1] != changes[REVENUE_EVENT][1])
			corrupt("Its movements do not add up.");
		steady = checked_plus(steady, revenue_wides(revenue, base, WIDE_STEADY)[i]);
		steady_squares =
			checked_plus(steady_squares, revenue_wides(revenue, base, WIDE_STEADY_SQUARES)[i]);
		if (steady < 0 || steady_squares < 0)
			corrupt("Its lasting revenue is negative.");
		for (int sum = WIDE_O; sum < WIDE_STEADY; sum++)
			(void) checked_plus(revenue_wides(revenue, base, sum)[i],
								sum <= WIDE_G ? steady : steady_squares);
		if (revenue_wides(revenue, base, WIDE_O)[i] < 0)
			corrupt("Its opening revenue is negative.");
		if (pg_add_s64_overflow(unpaid, revenue_counts(revenue, base, COUNT_UNPAID)[i], &unpaid) ||
			unpaid < 0)
			corrupt("Its customers without revenue do not add up.");
		opening = checked_plus(opening, changes[REVENUE_EVENT][0]);
		customers += changes[REVENUE_EVENT][1];
		if (customers < 0 || customers > PG_INT64_MAX)
			corrupt("Its customers do not add up.");
	}
}

const Grid *
revenue_check(const Revenue *revenue)
{
	const Grid *grid;

	if (revenue->kind != TIME_DATE && revenue->kind != TIME_LOCAL && revenue->kind != TIME_INSTANT)
		corrupt("Its type of time is not recognized.");
	if (!revenue_has_shape(revenue))
		corrupt("Its length is not that of its periods.");
	grid = grid_open_text(revenue_grid_text(revenue), revenue->grid_length);
	if (revenue->as_of !=
			(grid->has_as_of ? grid_as_of(grid, (TimeKind) revenue->kind) : STILL_THERE) ||
		(grid->has_as_of && revenue->latest != SINCE_EVER))
		corrupt("Its as_of is not that of its grid.");
	for (int64 i = 0; i <= revenue->periods; i++)
		/* A day that a zone skipped is a period without length. */
		if ((i > 0 && revenue->bounds[i] < revenue->bounds[i - 1]) ||
			!moment_is_valid((TimeKind) revenue->kind, revenue->bounds[i]))
			corrupt("Its periods do not follow each other.");
	for (int b = 0; b < revenue->currencies; b++)
	{
		const RevenueBase *base = revenue_base(revenue, b);

		check_base(revenue, base);
		if (b > 0 &&
			currency_compare(&base[0].currency, &revenue_base(revenue, b - 1)->currency) <= 0)
			corrupt("Its currencies are not in order.");
	}
	return grid;
}

void
revenue_write(const Revenue *revenue, StringInfo wire)
{
	wire_begin(wire, WIRE_REVENUE, REVENUE_VERSION);
	wire_put_ints(wire, revenue->kind, revenue->grid_length);
	wire_put_bytes(wire, revenue_grid_text(revenue), revenue->grid_length);
	wire_put_ints(wire, revenue->periods, revenue->currencies, revenue->decimals, revenue->latest,
				  revenue->bounds[0]);
	for (int64 i = 0; i < revenue->periods; i++)
		wire_put_int(wire, (int64) ((uint64) revenue->bounds[i + 1] - (uint64) revenue->bounds[i]));
	for (int b = 0; b < revenue->currencies; b++)
	{
		const RevenueBase *base = revenue_base(revenue, b);

		currency_write(wire, &base->currency);
		wire_put_int(wire, base->paying);
		wire_put_wide(wire, base->opening);
		wire_put_wide(wire, base->squares);
		for (int wide = 0; wide < REVENUE_WIDES; wide++)
		{
			CHECK_FOR_INTERRUPTS();
			for (int64 i = 0; i < revenue->periods; i++)
				wire_put_wide(wire, revenue_wides(revenue, base, wide)[i]);
		}
		for (int count = 0; count < REVENUE_COUNTS; count++)
			for (int64 i = 0; i < revenue->periods; i++)
				wire_put_int(wire, revenue_counts(revenue, base, count)[i]);
	}
}

Revenue *
revenue_read(const char *bytes, Size size)
{
	WireReader in = wire_open(bytes, size, WIRE_REVENUE, REVENUE_VERSION, REVENUE_TYPE);
	TimeKind kind = (TimeKind) wire_get_int_between(&in, TIME_DATE, TIME_INSTANT);
	int grid_length = (int) wire_get_int_between(&in, 1, REQUEST_GRID_BYTES);
	const char *grid_text = wire_get_bytes(&in, grid_length);
	int64 periods = wire_get_int_between(&in, 0, MAX_PERIODS);
	int currencies = (int) wire_get_int_between(&in, 0, CURRENCIES_MOST);
	const Grid *grid = grid_open_text(grid_text, grid_length);
	Revenue *revenue;

	/* Every number takes a byte at least, so no more memory is allocated than the bytes justify. */
	if (in.end - in.at <
		(Size) periods * (1 + (Size) currencies * (REVENUE_WIDES + REVENUE_COUNTS)))
		corrupt("It ends early.");
	revenue = revenue_new(kind, periods, currencies, grid_text, grid_length);
	revenue->as_of = grid->has_as_of ? grid_as_of(grid, kind) : STILL_THERE;
	revenue->decimals = (int32) wire_get_int_between(&in, 0, AMOUNT_DECIMALS);
	revenue->latest = wire_get_int(&in);
	revenue->bounds[0] = wire_get_int(&in);
	for (int64 i = 0; i < periods; i++)
		revenue->bounds[i + 1] = (int64) ((uint64) revenue->bounds[i] + (uint64) wire_get_int(&in));
	for (int b = 0; b < currencies; b++)
	{
		RevenueBase *base = revenue_base(revenue, b);

		base->currency = currency_read(&in);
		base->paying = wire_get_int(&in);
		base->opening = wire_get_wide(&in);
		base->squares = wire_get_wide(&in);
		for (int wide = 0; wide < REVENUE_WIDES; wide++)
		{
			CHECK_FOR_INTERRUPTS();
			for (int64 i = 0; i < periods; i++)
				revenue_wides(revenue, base, wide)[i] = wire_get_wide(&in);
		}
		for (int count = 0; count < REVENUE_COUNTS; count++)
			for (int64 i = 0; i < periods; i++)
				revenue_counts(revenue, base, count)[i] = wire_get_int(&in);
	}
	wire_end(&in);
	(void) revenue_check(revenue);
	return revenue;
}
