/*
 * gaps.c
 *		The days between a customer's active periods, and those of many customers.
 */
#include "retention.h"

#include "base/check.h"
#include "base/mix.h"
#include "base/number.h"
#include "base/sort.h"
#include "customer/customer.h"
#include "time/grid_text.h"

/* The longest name of a period, such as "1000000 months". */
#define PERIOD_BYTES 40

/* ---- One customer ---- */

static bool
has_days(const Grid *grid)
{
	return grid->windows == GRID_ELAPSED || grid->hours > 0;
}

char *
gaps_period(const Grid *grid)
{
	return has_days(grid) ? pstrdup("day") : grid_period_text(grid);
}

int
gaps_days(const ActivityView *view, int64 **days)
{
	const Grid *grid = view->grid;
	bool ordered = true;
	int count = 0, kept = 0;

	*days = palloc(Max(view->count, 1) * sizeof(int64));
	for (int i = 0; i < view->count; i++)
	{
		int64 value = view->events[i].value;
		int64 day;

		CHECK_NOW_AND_THEN(i);
		if (!(view->events[i].flags & EVENT_ACTIVE))
			continue;
		if (grid->windows == GRID_ELAPSED)
			day = activity_convert(grid, view->kind, TIME_DATE, value);
		else if (grid->hours > 0)
			day = floor_divide(grid_period_start(grid, TIME_LOCAL, value), USECS_PER_DAY);
		else
			day = grid_period_start(grid, TIME_DATE, value);
		ordered = ordered && (count == 0 || (*days)[count - 1] <= day);
		(*days)[count++] = day;
	}
	/* A clock that is set back over midnight shows a day again. */
	if (!ordered)
		sort_int64(*days, count);
	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (kept == 0 || (*days)[kept - 1] != (*days)[i])
			(*days)[kept++] = (*days)[i];
	}
	return kept;
}

int64 *
gaps_between(const int64 *days, int count)
{
	int64 *gaps = palloc(Max(count, 1) * sizeof(int64));

	for (int i = 1; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		gaps[i - 1] = days[i] - days[i - 1];
	}
	if (count > 2)
		sort_int64(gaps, count - 1);
	return gaps;
}

/* ---- Quantiles ---- */

/* The place of a quantile among sorted values, as percentile_cont() has it: that of its lower value, and the rest. */
static int64
quantile_place(int64 count, int percent, int *rest)
{
	int128 place = (int128) (count - 1) * percent;

	*rest = (int) (place % 100);
	return (int64) (place / 100);
}

Quantile
gaps_quantile(const int64 *values, int count, int percent)
{
	Quantile quantile;
	int64 place = quantile_place(count, percent, &quantile.rest);

	quantile.low = values[place];
	quantile.high = values[Min(place + 1, count - 1)];
	return quantile;
}

static int64
hundredths(Quantile quantile)
{
	return quantile.low * 100 + (quantile.high - quantile.low) * quantile.rest;
}

Numeric
quantile_days(Quantile quantile, int parts)
{
	return numeric_divide(numeric_from_int64(hundredths(quantile)),
						  numeric_from_int64((int64) parts * 100));
}

bool
quantile_below(Quantile quantile, int64 days)
{
	return hundredths(quantile) < days * 100;
}

int64
quantile_floor(Quantile quantile)
{
	return hundredths(quantile) / 100;
}

/* ---- The table ---- */

typedef struct GapKey
{
	int series;
	int64 length;
} GapKey;

static uint32
key_hash(int64 series, int64 length)
{
	return (uint32) mix64((uint64) series, (uint64) length);
}

static uint32
slot_hash(const CountedSlot *slot)
{
	return key_hash(((const GapSlot *) slot)->series, ((const GapSlot *) slot)->length);
}

static bool
slot_same(const Counted *table, const CountedSlot *slot, const void *key)
{
	const GapSlot *gap = (const GapSlot *) slot;
	const GapKey *wanted = key;

	return gap->series == wanted->series && gap->length == wanted->length;
}

static void
slot_sort_key(const Counted *table, int item, const CountedSlot *slot, uint64 *key)
{
	key[0] = (uint64) ((const GapSlot *) slot)->series;
	key[1] = (uint64) ((const GapSlot *) slot)->length;
}

static const char *
name_of(WireKind kind)
{
	return GAPS_TYPE;
}

static void merge(Counted **into, const Counted *from);
static void check_front(const Counted *table);
static void check_item(const Counted *table, const CountedItem *item);
static void check_slot(const Counted *table, const CountedSlot *slot);
static void check_whole(const Counted *table);

/* The one item of a table is the period of its gaps. */
static const CountedType type = {
	.version = GAPS_VERSION,
	.head_size = sizeof(Counted),
	.item_size = sizeof(CountedItem),
	.slot_size = sizeof(GapSlot),
	.first_capacity = 16,
	.places_per_slot = 2,
	.name = name_of,
	.hash = slot_hash,
	.same = slot_same,
	.sort_key = slot_sort_key,
	.merge = merge,
	.check_front = check_front,
	.check_item = check_item,
	.check_slot = check_slot,
	.check_whole = check_whole,
};

static GapSlot *
slot_at(const Counted *gaps, int number)
{
	return (GapSlot *) counted_slot(&type, gaps, number);
}

Tag
gaps_period_of(const Counted *gaps)
{
	return counted_tag(&type, gaps, counted_item(&type, gaps, 0)->tag);
}

static void
add_period(Counted **gaps, Tag period)
{
	CountedItem *item = counted_add_item(&type, gaps, 0, period.length);

	memcpy(counted_tags(&type, *gaps) + item->tag.offset, period.bytes, period.length);
}

void
gaps_mismatch(Tag one, Tag other)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("gaps between different periods cannot be compared"),
					errdetail("One has periods of a %.*s, the other of a %.*s.", one.length,
							  one.bytes, other.length, other.bytes)));
}

static void
count_gap(Counted **gaps, int series, int64 length, int64 count)
{
	GapKey key = {series, length};
	uint32 hash = key_hash(series, length);
	GapSlot *slot = (GapSlot *) counted_find(&type, *gaps, hash, &key);

	if (!slot->base.taken)
	{
		if ((*gaps)->used >= MAX_GAPS)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("more than %d distinct gaps in %s", MAX_GAPS, GAPS_TYPE)));
		slot = (GapSlot *) counted_add_slot(&type, gaps, hash, 0, 0);
		slot->series = series;
		slot->length = length;
	}
	count_add(&slot->count, count);
}

void
gaps_add(Counted **gaps, const ActivityView *view)
{
	char *name = gaps_period(view->grid);
	Tag period = {name, (int) strlen(name)};
	int64 *days, *between;
	Quantile usual;
	int count;

	if (*gaps == NULL)
	{
		*gaps = counted_new(&type, WIRE_GAPS, 1, PERIOD_BYTES);
		add_period(gaps, period);
	}
	else if (tag_compare(gaps_period_of(*gaps), period) != 0)
		gaps_mismatch(gaps_period_of(*gaps), period);
	count = gaps_days(view, &days);
	for (int i = 1; i < count && i <= GAPS_OWN; i++)
		count_gap(gaps, i, days[i] - days[i - 1], 1);
	if (count > 1)
	{
		between = gaps_between(days, count);
		usual = gaps_quantile(between, count - 1, 50);
		count_gap(gaps, GAPS_USUAL, hundredths(usual) / 50, 1);
		pfree(between);
	}
	pfree(days);
	pfree(name);
}

static void
merge(Counted **into, const Counted *from)
{
	if (tag_compare(gaps_period_of(*into), gaps_period_of(from)) != 0)
		gaps_mismatch(gaps_period_of(*into), gaps_period_of(from));
	for (int i = 0; i < from->capacity; i++)
	{
		const GapSlot *slot = slot_at(from, i);

		CHECK_NOW_AND_THEN(i);
		if (slot->base.taken)
			count_gap(into, (int) slot->series, slot->length, slot->count);
	}
}

int64
gaps_total(const Counted *gaps, int series)
{
	int64 total = 0;

	for (int i = 0; i < gaps->used; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (slot_at(gaps, i)->series == series)
			total += slot_at(gaps, i)->count;
	}
	return total;
}

bool
gaps_series_quantile(const Counted *gaps, int series, int percent, Quantile *quantile)
{
	int64 total = gaps_total(gaps, series);
	int64 place, passed = 0;
	bool has_low = false;

	if (total == 0)
		return false;
	place = quantile_place(total, percent, &quantile->rest);
	for (int i = 0; i < gaps->used; i++)
	{
		const GapSlot *slot = slot_at(gaps, i);

		CHECK_NOW_AND_THEN(i);
		if (slot->series != series)
			continue;
		passed += slot->count;
		if (!has_low && passed > place)
		{
			has_low = true;
			quantile->low = quantile->high = slot->length;
		}
		if (passed > place + 1)
		{
			quantile->high = slot->length;
			break;
		}
	}
	return true;
}

GapsBase
gaps_base(const Counted *gaps)
{
	GapsBase base;

	for (int i = 1; i < GAPS_SERIES; i++)
	{
		base.known[i] = gaps_series_quantile(gaps, i, 50, &base.usual[i]);
		if (base.known[i])
			(void) gaps_series_quantile(gaps, i, 90, &base.most[i]);
	}
	return base;
}

/* ---- Bytes that come in ---- */

static void
check_front(const Counted *table)
{
	if (table->items != 1)
		wire_corrupt(GAPS_TYPE, "It has not one period.");
}

static void
check_item(const Counted *table, const CountedItem *item)
{
	Tag period = counted_tag(&type, table, item->tag);

	if (period.length < 1 || period.length > PERIOD_BYTES || item->hash != 0)
		wire_corrupt(GAPS_TYPE, "The name of its period is too long.");
	wire_check_text(GAPS_TYPE, period);
}

/* The most days between two dates. */
#define MOST_DAYS ((int64) DATE_END_JULIAN - DATETIME_MIN_JULIAN)

static void
check_slot(const Counted *table, const CountedSlot *base)
{
	const GapSlot *slot = (const GapSlot *) base;
	int64 day = slot->series == GAPS_USUAL ? 2 : 1;

	if (slot->series < 0 || slot->series >= GAPS_SERIES || slot->count < 1 || slot->length < day ||
		slot->length > day * MOST_DAYS)
		wire_corrupt(GAPS_TYPE, "A number in it is out of range.");
}

/* Who has a second gap has a first one, and who has one has a usual one. */
static void
check_whole(const Counted *table)
{
	int64 totals[GAPS_SERIES] = {0};

	if (table->used > MAX_GAPS)
		wire_corrupt(GAPS_TYPE, "It has too many gaps.");
	for (int i = 0; i < table->capacity; i++)
	{
		const GapSlot *slot = slot_at(table, i);

		CHECK_NOW_AND_THEN(i);
		if (slot->base.taken &&
			pg_add_s64_overflow(totals[slot->series], slot->count, &totals[slot->series]))
			wire_corrupt(GAPS_TYPE, "A count in it is too large.");
	}
	for (int i = 1; i < GAPS_SERIES; i++)
		if (i == 1 ? totals[0] != totals[1] : totals[i] > totals[i - 1])
			wire_corrupt(GAPS_TYPE, "Its counts do not add up.");
}

const Counted *
gaps_open(Datum value)
{
	return counted_open(&type, value, WIRE_GAPS);
}

void *
gaps_copy(Datum value, WireKind kind)
{
	return counted_copy(&type, value, kind);
}

void *
gaps_merge(void *state, Datum value, WireKind kind)
{
	return counted_merge(&type, state, value, kind);
}

/* ---- Wire form ---- */

void
gaps_write(Datum value, StringInfo out, WireKind kind)
{
	const Counted *gaps = gaps_open(value);

	wire_begin(out, kind, GAPS_VERSION);
	wire_put_tag(out, gaps_period_of(gaps));
	wire_put_int(out, gaps->used);
	for (int i = 0; i < gaps->used; i++)
	{
		const GapSlot *slot = slot_at(gaps, i);

		CHECK_NOW_AND_THEN(i);
		wire_put_ints(out, slot->series, slot->length, slot->count);
	}
}

void *
gaps_read(const char *bytes, Size size, WireKind kind)
{
	WireReader in = wire_open(bytes, size, kind, GAPS_VERSION, GAPS_TYPE);
	Tag period = wire_get_tag(&in, 1, PERIOD_BYTES);
	int64 slots = wire_get_int_between(&in, 0, Min(MAX_GAPS, (in.end - in.at) / 3));
	Counted *gaps =
		counted_alloc(&type, kind, COUNTED_SORTED, type.slot_size, slots, 1, period.length);

	add_period(&gaps, period);
	for (int64 i = 0; i < slots; i++)
	{
		int64 series = wire_get_int(&in);
		int64 length = wire_get_int(&in);
		GapSlot *slot = (GapSlot *) counted_add_slot(&type, &gaps, key_hash(series, length), 0, 0);

		CHECK_NOW_AND_THEN(i);
		slot->series = series;
		slot->length = length;
		slot->count = wire_get_int(&in);
	}
	wire_end(&in);
	counted_check(&type, gaps);
	return gaps;
}
