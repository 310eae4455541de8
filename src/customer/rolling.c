/*
 * rolling.c
 *		Customers active in windows that roll from day to day: the table of counters.
 */
#include "retention.h"

#include "base/check.h"
#include "base/mix.h"
#include "customer/customer.h"
#include "customer/rolling.h"

/* The longest text of a grid. */
#define GRID_BYTES PG_UINT16_MAX

typedef struct RollingKey
{
	int series;
	int active;
	int64 day;
} RollingKey;

static uint32
key_hash(const RollingKey *key)
{
	return (uint32) mix64((uint64) key->day, (uint64) key->series << 32 | (uint32) key->active);
}

static RollingKey
key_of(const CountedSlot *base)
{
	const RollingSlot *slot = (const RollingSlot *) base;

	return (RollingKey){slot->series, slot->active, slot->day};
}

static uint32
slot_hash(const CountedSlot *slot)
{
	RollingKey key = key_of(slot);

	return key_hash(&key);
}

static bool
slot_same(const Counted *table, const CountedSlot *base, const void *key)
{
	const RollingSlot *slot = (const RollingSlot *) base;
	const RollingKey *wanted = key;

	return slot->series == wanted->series && slot->active == wanted->active &&
		   slot->day == wanted->day;
}

/* Days are before 2^32 and may be negative. */
static void
slot_sort_key(const Counted *table, int item, const CountedSlot *base, uint64 *key)
{
	const RollingSlot *slot = (const RollingSlot *) base;

	key[0] = (uint64) slot->series;
	key[1] = (uint64) (slot->day + ((int64) 1 << 32)) << 8 | (uint64) slot->active;
}

static const char *
name_of(WireKind kind)
{
	return ROLLING_TYPE;
}

static void merge(Counted **into, const Counted *from);
static void check_front(const Counted *table);
static void check_item(const Counted *table, const CountedItem *item);
static void check_slot(const Counted *table, const CountedSlot *slot);
static void check_whole(const Counted *table);

static const CountedType type = {
	.version = ROLLING_VERSION,
	.head_size = sizeof(Rolling),
	.item_size = sizeof(CountedItem),
	.slot_size = sizeof(RollingSlot),
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

static Tag
grid_text(const Rolling *rolling)
{
	return counted_tag(&type, &rolling->base, counted_item(&type, &rolling->base, 0)->tag);
}

const Grid *
rolling_grid(const Rolling *rolling)
{
	Tag text = grid_text(rolling);

	return grid_open_text(text.bytes, text.length);
}

static void
add_grid(Rolling **rolling, Tag text)
{
	CountedItem *item = counted_add_item(&type, (Counted **) rolling, 0, text.length);

	memcpy(counted_tags(&type, &(*rolling)->base) + item->tag.offset, text.bytes, text.length);
}

static void
require_same_grid(const Rolling *rolling, Tag text)
{
	Tag own = grid_text(rolling);

	if (tag_compare(own, text) != 0)
		grid_mismatch(pnstrdup(own.bytes, own.length), pnstrdup(text.bytes, text.length));
}

static RollingSlot *
slot_take(Rolling **rolling, RollingKey key)
{
	uint32 hash = key_hash(&key);
	RollingSlot *slot = (RollingSlot *) counted_find(&type, &(*rolling)->base, hash, &key);

	if (likely(slot->base.taken))
		return slot;
	if ((*rolling)->base.used >= MAX_ROLLING)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d counters in %s", MAX_ROLLING, ROLLING_TYPE),
						errhint("Leave out rows with times that cannot be.")));
	slot = (RollingSlot *) counted_add_slot(&type, (Counted **) rolling, hash, 0, 0);
	slot->series = key.series;
	slot->active = key.active;
	slot->day = key.day;
	return slot;
}

void
rolling_require_days(const Grid *grid)
{
	if (grid->windows == GRID_CALENDAR && grid->days != 1 && grid->hours == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("facts on the grid \"%s\" do not know the days of activity", grid->text),
				 errhint("Build these facts by the day, the hour, or with elapsed windows.")));
}

/* The runs of days of which the next one comes within the window. */
static void
add_runs(Rolling **rolling, RollingSeries series, int window, const int64 *days, int count)
{
	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (i == 0 || days[i] - days[i - 1] > window)
			count_add(&slot_take(rolling, (RollingKey){series, 0, days[i]})->begun, 1);
		if (i == count - 1 || days[i + 1] - days[i] > window)
			count_add(&slot_take(rolling, (RollingKey){series, 0, days[i] + window})->ended, 1);
	}
}

static void
add_power(Rolling **rolling, const int64 *days, int count)
{
	for (int i = 0; i < count;)
	{
		int64 month = civil_of_day(days[i]).month;
		int64 next = day_of_civil(month + 1, 1);
		int active = 0;

		for (; i < count && days[i] < next; i++)
			active += days[i] >= next - ROLLING_MONTH_DAYS;
		CHECK_NOW_AND_THEN(i);
		if (active > 0)
			count_add(
				&slot_take(rolling, (RollingKey){ROLLING_POWER, active, day_of_civil(month, 1)})
					 ->begun,
				1);
	}
}

void
rolling_add(Rolling **rolling, const ActivityView *view)
{
	Tag text = {view->grid_text, view->grid_length};
	int64 *days;
	int count;

	if (*rolling == NULL)
	{
		rolling_require_days(view->grid);
		*rolling = (Rolling *) counted_new(&type, WIRE_ROLLING, 1, text.length);
		(*rolling)->first = PG_INT64_MAX;
		(*rolling)->last = PG_INT64_MIN;
		add_grid(rolling, text);
	}
	else
		require_same_grid(*rolling, text);
	count = gaps_days(view, &days);
	if (count > 0)
	{
		(*rolling)->first = Min((*rolling)->first, days[0]);
		(*rolling)->last = Max((*rolling)->last, days[count - 1]);
	}
	add_runs(rolling, ROLLING_DAY, 1, days, count);
	add_runs(rolling, ROLLING_WEEK, ROLLING_WEEK_DAYS, days, count);
	add_runs(rolling, ROLLING_MONTH, ROLLING_MONTH_DAYS, days, count);
	add_power(rolling, days, count);
	pfree(days);
}

static void
merge(Counted **counted, const Counted *other)
{
	Rolling **into = (Rolling **) counted;
	const Rolling *from = (const Rolling *) other;

	require_same_grid(*into, grid_text(from));
	(*into)->first = Min((*into)->first, from->first);
	(*into)->last = Max((*into)->last, from->last);
	for (int i = 0; i < other->capacity; i++)
	{
		const RollingSlot *theirs = rolling_slot(from, i);
		RollingSlot *slot;

		CHECK_NOW_AND_THEN(i);
		if (!theirs->base.taken)
			continue;
		slot = slot_take(into, key_of(&theirs->base));
		count_add(&slot->begun, theirs->begun);
		count_add(&slot->ended, theirs->ended);
	}
}

int64
rolling_until(const Rolling *rolling)
{
	const Grid *grid = rolling_grid(rolling);

	return grid->has_as_of ? floor_divide(grid->as_of, USECS_PER_DAY) : rolling->last + 1;
}

/* ---- Bytes that come in ---- */

static void
corrupt(const char *detail)
{
	wire_corrupt(ROLLING_TYPE, detail);
}

static void
check_front(const Counted *table)
{
	const Rolling *rolling = (const Rolling *) table;

	if (table->items != 1)
		corrupt("It has not one grid.");
	if (table->used == 0 ? rolling->first != PG_INT64_MAX || rolling->last != PG_INT64_MIN
						 : !IS_VALID_DATE(rolling->first) || !IS_VALID_DATE(rolling->last) ||
							   rolling->first > rolling->last)
		corrupt("Its first and last day are out of range.");
}

static void
check_item(const Counted *table, const CountedItem *item)
{
	Tag text = counted_tag(&type, table, item->tag);
	const Grid *grid;

	if (text.length < 1 || text.length > GRID_BYTES || item->hash != 0)
		corrupt("The text of its grid is too long.");
	grid = grid_open_text(text.bytes, text.length);
	if (grid->text_length != text.length || memcmp(grid->text, text.bytes, text.length) != 0)
		corrupt("Its grid has no time zone.");
}

static void
check_slot(const Counted *table, const CountedSlot *base)
{
	const Rolling *rolling = (const Rolling *) table;
	const RollingSlot *slot = (const RollingSlot *) base;
	bool power = slot->series == ROLLING_POWER;

	if (slot->series < 0 || slot->series >= ROLLING_SERIES || slot->begun < 0 || slot->ended < 0 ||
		(slot->begun == 0 && slot->ended == 0) ||
		(power ? slot->active < 1 || slot->active > ROLLING_MONTH_DAYS || slot->ended != 0
			   : slot->active != 0))
		corrupt("A number in it is out of range.");
	/* A month begins at most 30 days before its days, and a window ends at most 28 days after them. */
	if (slot->day < rolling->first - (power ? 30 : 0) ||
		slot->day > rolling->last + (power ? 0 : ROLLING_MONTH_DAYS) ||
		(power && civil_of_day(slot->day).day != 1))
		corrupt("A day in it is outside of its rows.");
}

/* Who begins ends, too. */
static void
check_whole(const Counted *table)
{
	int64 totals[ROLLING_SERIES][2] = {{0}};

	if (table->used > MAX_ROLLING)
		corrupt("It has too many counters.");
	for (int i = 0; i < table->capacity; i++)
	{
		const RollingSlot *slot = rolling_slot((const Rolling *) table, i);

		CHECK_NOW_AND_THEN(i);
		if (slot->base.taken &&
			(pg_add_s64_overflow(totals[slot->series][0], slot->begun, &totals[slot->series][0]) ||
			 pg_add_s64_overflow(totals[slot->series][1], slot->ended, &totals[slot->series][1])))
			corrupt("A count in it is too large.");
	}
	for (int i = 0; i < ROLLING_POWER; i++)
		if (totals[i][0] != totals[i][1])
			corrupt("Its counts do not add up.");
}

const Rolling *
rolling_open(Datum value)
{
	return (const Rolling *) counted_open(&type, value, WIRE_ROLLING);
}

void *
rolling_copy(Datum value, WireKind kind)
{
	return counted_copy(&type, value, kind);
}

void *
rolling_merge(void *state, Datum value, WireKind kind)
{
	return counted_merge(&type, state, value, kind);
}

/* ---- Wire form ---- */

void
rolling_write(Datum value, StringInfo out, WireKind kind)
{
	const Rolling *rolling = rolling_open(value);
	int64 before = 0;

	wire_begin(out, kind, ROLLING_VERSION);
	wire_put_tag(out, grid_text(rolling));
	wire_put_ints(out, rolling->first, rolling->last, rolling->base.used);
	for (int i = 0; i < rolling->base.used; i++)
	{
		const RollingSlot *slot = rolling_slot(rolling, i);

		CHECK_NOW_AND_THEN(i);
		wire_put_ints(out, slot->series, slot->active, slot->day - before, slot->begun,
					  slot->ended);
		before = slot->day;
	}
}

void *
rolling_read(const char *bytes, Size size, WireKind kind)
{
	WireReader in = wire_open(bytes, size, kind, ROLLING_VERSION, ROLLING_TYPE);
	Tag text = wire_get_tag(&in, 1, GRID_BYTES);
	int64 first = wire_get_int(&in);
	int64 last = wire_get_int(&in);
	int64 slots = wire_get_int_between(&in, 0, Min(MAX_ROLLING, (in.end - in.at) / 5));
	Rolling *rolling = (Rolling *) counted_alloc(&type, kind, COUNTED_SORTED, type.slot_size, slots,
												 1, text.length);
	int64 before = 0;

	rolling->first = first;
	rolling->last = last;
	add_grid(&rolling, text);
	for (int64 i = 0; i < slots; i++)
	{
		RollingKey key;
		RollingSlot *slot;

		CHECK_NOW_AND_THEN(i);
		key.series = (int) wire_get_int_between(&in, 0, ROLLING_SERIES - 1);
		key.active = (int) wire_get_int_between(&in, 0, ROLLING_MONTH_DAYS);
		key.day = (int64) ((uint64) before + (uint64) wire_get_int(&in));
		slot = (RollingSlot *) counted_add_slot(&type, (Counted **) &rolling, key_hash(&key), 0, 0);
		slot->series = key.series;
		slot->active = key.active;
		slot->day = before = key.day;
		slot->begun = wire_get_int(&in);
		slot->ended = wire_get_int(&in);
	}
	wire_end(&in);
	counted_check(&type, &rolling->base);
	return rolling;
}
