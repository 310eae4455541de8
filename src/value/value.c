/*
 * value.c
 *		The tables of a value: counting customers in them, coarser levels, checks, wire form, reading.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/mix.h"
#include "population/amount.h"
#include "time/civil.h"
#include "time/moment.h"
#include "value/value.h"

static const char *
value_type_name(WireKind kind)
{
	return VALUE_TYPE;
}

/* ---- keys ---- */

static uint32
keys_hash(int table, const int64 *key)
{
	uint64 hash = (uint64) table + 1;

	for (int i = 0; i < VALUE_KEYS; i++)
		hash = mix64(hash, (uint64) key[i]);
	return (uint32) mix64(hash, hash >> 32);
}

static uint32
slot_hash(const CountedSlot *slot)
{
	return keys_hash(slot->item, ((const ValueSlot *) slot)->key);
}

typedef struct ValueKey
{
	int table;
	const int64 *key;
} ValueKey;

static inline bool
slot_same(const Counted *table, const CountedSlot *slot, const void *key)
{
	const ValueKey *wanted = key;
	const int64 *here = ((const ValueSlot *) slot)->key;

	return here[0] == wanted->key[0] && here[1] == wanted->key[1] && here[2] == wanted->key[2] &&
		   slot->item == wanted->table;
}

/* By table, then by the numbers that the keys are: the lower half of a wide number has no sign. */
static void
slot_sort_key(const Counted *table, int item, const CountedSlot *slot, uint64 *key)
{
	const uint64 sign = UINT64CONST(1) << 63;

	key[0] = (uint64) item;
	for (int i = 0; i < VALUE_KEYS; i++)
		key[i + 1] = (uint64) ((const ValueSlot *) slot)->key[i] ^ sign;
	if (item == VALUE_SPEND)
		key[3] ^= sign;
	else if (item == VALUE_AMOUNTS)
		key[2] ^= sign;
}

static void
put_wide_key(int64 *key, int128 value)
{
	key[0] = (int64) (value >> 64);
	key[1] = (int64) (uint64) value;
}

static double
double_of_key(int64 key)
{
	double value;

	memcpy(&value, &key, sizeof(value));
	return value;
}

static int64
key_of_double(double value)
{
	int64 key;

	memcpy(&key, &value, sizeof(key));
	return key;
}

/* ---- coarser levels ---- */

/* Rounded half away from zero to so many significant digits. */
static int128
round_digits(int128 value, int digits)
{
	uint128 rest = value < 0 ? -(uint128) value : (uint128) value;
	uint128 most = 1;
	uint128 unit = 1;

	for (int i = 0; i < digits; i++)
		most *= 10;
	while (rest / unit >= most)
		unit *= 10;
	rest = (rest + unit / 2) / unit * unit;
	/* The ends of the type are no amounts of customers. */
	if (rest > (uint128) 1 << 126)
		return value;
	return value < 0 ? -(int128) rest : (int128) rest;
}

/* What is counted together from one level on; the last level before the next one is always taken first. */
static void
coarsen_key(const Value *value, ValueTable table, int level, int64 *key)
{
	const int64 days = INT64CONST(1) << level;
	const double units = ldexp(1, level - 1);
	int digits = 7 - level;

	switch (table)
	{
		case VALUE_CUSTOMERS:
			if (value->kind != VALUE_OF_SUMMARIES)
			{
				key[1] = key[1] / days * days;
				key[2] = floor_divide(key[2], days) * days;
				break;
			}
			for (int i = 1; i < VALUE_KEYS; i++)
				key[i] = key_of_double(floor(rint(double_of_key(key[i])) / units) * units);
			break;
		case VALUE_SPEND:
			put_wide_key(&key[1], round_digits(wide_of_key(&key[1]), digits));
			break;
		case VALUE_GAPS:
			key[0] = (int64) round_digits(key[0], digits);
			break;
		case VALUE_AMOUNTS:
			put_wide_key(key, round_digits(wide_of_key(key), digits));
			break;
	}
}

static int
last_level(ValueTable table)
{
	return table == VALUE_CUSTOMERS ? VALUE_TIME_LEVELS : VALUE_DIGIT_LEVELS;
}

/* ---- counting ---- */

static void merge_counted(Counted **into, const Counted *from);
static void check_front(const Counted *counted);
static void check_item(const Counted *counted, const CountedItem *item);
static void check_slot(const Counted *counted, const CountedSlot *slot);
static void check_whole(const Counted *counted);

static const CountedType type = {
	.version = VALUE_VERSION,
	.head_size = sizeof(Value),
	.item_size = sizeof(CountedItem),
	.slot_size = sizeof(ValueSlot),
	.first_capacity = 16,
	.places_per_slot = 2,
	.name = value_type_name,
	.hash = slot_hash,
	.same = slot_same,
	.sort_key = slot_sort_key,
	.merge = merge_counted,
	.check_front = check_front,
	.check_item = check_item,
	.check_slot = check_slot,
	.check_whole = check_whole,
};
const CountedType *const value_counted = &type;

static void
add_items(Counted **table, Tag grid)
{
	for (int i = 0; i < VALUE_TABLES; i++)
	{
		CountedItem *item =
			counted_add_item(&type, table, (uint32) i, i == 0 ? Max(grid.length, 0) : 0);

		if (item->tag.length > 0)
			memcpy(counted_tags(&type, *table) + item->tag.offset, grid.bytes, grid.length);
	}
}

Value *
value_new(int32 kind, const char *grid_text, int grid_length)
{
	Counted *table = counted_new(&type, WIRE_VALUE, VALUE_TABLES, grid_length);
	Value *value;

	add_items(&table, (Tag){grid_text, grid_length});
	value = (Value *) table;
	value->kind = kind;
	value->first = PG_INT64_MAX;
	value->latest = PG_INT64_MIN;
	return value;
}

static inline void
count_hashed(Value **value, ValueTable table, const int64 *key, uint32 hash, int64 count)
{
	ValueKey wanted = {table, key};
	ValueSlot *slot = (ValueSlot *) counted_find(&type, &(*value)->base, hash, &wanted);

	if (!slot->base.taken)
	{
		slot = (ValueSlot *) counted_add_slot(&type, (Counted **) value, hash, table, 0);
		memcpy(slot->key, key, sizeof(slot->key));
		slot->count = 0;
		(*value)->used[table]++;
	}
	count_add(&slot->count, count);
}

static void
count_keys(Value **value, ValueTable table, const int64 *key, int64 count)
{
	count_hashed(value, table, key, keys_hash(table, key), count);
}

/* The next level of a table. */
static void
coarsen(Value **value, ValueTable table)
{
	const Value *from = *value;
	Value *to = (Value *) counted_without_slots(&type, &from->base);

	memset(to->used, 0, sizeof(to->used));
	to->level[table]++;
	for (int i = 0; i < from->base.capacity; i++)
	{
		const ValueSlot *slot = value_slot(from, i);
		int64 key[VALUE_KEYS];

		CHECK_NOW_AND_THEN(i);
		if (!slot->base.taken)
			continue;
		memcpy(key, slot->key, sizeof(key));
		if (slot->base.item == (int) table)
			coarsen_key(to, table, to->level[table], key);
		count_keys(&to, (ValueTable) slot->base.item, key, slot->count);
	}
	*value = to;
}

/* Bring a key from level `from` to that of its table. */
static inline void
coarsen_to_level(const Value *value, ValueTable table, int64 *key, int from)
{
	for (int level = from + 1; level <= value->level[table]; level++)
		coarsen_key(value, table, level, key);
}

/* Make a table coarser that has too many keys; own: the old value is freed, as no aggregate has it. */
static inline void
keep_bounded(Value **value, ValueTable table, bool own)
{
	while (unlikely((*value)->used[table] > VALUE_FINE_MOST &&
					(*value)->level[table] < last_level(table)))
	{
		Value *old = *value;

		coarsen(value, table);
		if (own)
			pfree(old);
	}
}

/* Count customers or gaps with a key that is of level `from`. */
static inline void
count_at(Value **value, ValueTable table, int64 *key, int from, int64 count)
{
	coarsen_to_level(*value, table, key, from);
	count_keys(value, table, key, count);
	keep_bounded(value, table, false);
}

static inline void
count_numbers(Value **value, ValueTable table, int64 a, int64 b, int64 c, int64 count)
{
	int64 key[VALUE_KEYS] = {a, b, c};

	count_at(value, table, key, 0, count);
}

static void
count_spend(Value **value, int64 frequency, int128 amount, int64 count)
{
	int64 key[VALUE_KEYS] = {frequency};

	put_wide_key(&key[1], amount);
	count_at(value, VALUE_SPEND, key, 0, count);
}

ValueBuilder *
value_begin(TimeKind kind, const char *grid_text, int grid_length)
{
	ValueBuilder *builder = palloc0(sizeof(ValueBuilder));

	for (int table = 0; table < VALUE_TABLES; table++)
		builder->tables[table] = value_new(kind, grid_text, grid_length);
	return builder;
}

static void
count_waiting(ValueBuilder *builder)
{
	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < builder->waiting; i++)
	{
		const Counted *table = &builder->tables[builder->keys[i].table]->base;
		uint32 place = builder->keys[i].hash & (uint32) (table->capacity - 1);

		__builtin_prefetch(counted_slot(&type, table, (int) place), 1);
	}
	for (int i = 0; i < builder->waiting; i++)
	{
		WaitingKey *wait = &builder->keys[i];
		Value **value = &builder->tables[wait->table];
		Value *old = *value;

		if (unlikely(wait->level != old->level[wait->table]))
		{
			coarsen_to_level(old, wait->table, wait->key, wait->level);
			wait->hash = keys_hash(wait->table, wait->key);
		}
		count_hashed(value, wait->table, wait->key, wait->hash, 1);
		if (unlikely(*value != old))
			pfree(old);
		keep_bounded(value, wait->table, true);
	}
	builder->waiting = 0;
}

/* Count one customer or gap later. */
static inline void
count_later(ValueBuilder *builder, ValueTable table, int64 a, int64 b, int64 c)
{
	const Value *value;
	WaitingKey *wait;

	if (builder->waiting == VALUE_WAITING)
		count_waiting(builder);
	value = builder->tables[table];
	wait = &builder->keys[builder->waiting++];
	*wait = (WaitingKey){.key = {a, b, c}, .table = table, .level = value->level[table]};
	coarsen_to_level(value, table, wait->key, 0);
	wait->hash = keys_hash(table, wait->key);
}

void
value_add_customer(ValueBuilder *builder, const AmountEvent *events, int count)
{
	Value *value;
	int128 total = 0;
	int128 again = 0; /* of the days after the first purchase day */
	int64 orders = 0;
	int64 first = 0;
	int64 last = 0;
	int64 days = 0; /* with a purchase */

	for (int i = 0; i < count; i++)
	{
		int64 day = events[i].event.value;

		CHECK_NOW_AND_THEN(i);
		/* The days of rows. Those of a state may be any numbers, and distances between them count places here. */
		if (unlikely(day < PG_INT32_MIN || day > PG_INT32_MAX))
			wire_corrupt("retention_population", "A day in it is not one that a row can have.");
		wide_add(&total, events[i].amount);
		if (days > 0)
			wide_add(&again, events[i].amount);
		if (events[i].event.count == 0)
			continue;
		count_add(&orders, events[i].event.count);
		if (days++ == 0)
			first = day;
		else if (likely(day - last < VALUE_GAPS_SHORT))
			builder->gaps[day - last]++;
		else
			count_later(builder, VALUE_GAPS, day - last, 0, 0);
		last = day;
	}
	/* Counting a gap may have moved it. */
	value = builder->tables[0];
	count_add(&value->customers, 1);
	count_add(&value->orders, orders);
	count_add(&value->gap_days, last - first);
	wide_add(&value->revenue, total);
	if (days > 0)
		count_later(builder, VALUE_CUSTOMERS, days - 1, last - first, first);
	if (days > 1)
		count_later(builder, VALUE_SPEND, days - 1, (int64) (again >> 64), (int64) (uint64) again);
	count_later(builder, VALUE_AMOUNTS, (int64) (total >> 64), (int64) (uint64) total, 0);
}

Value *
value_finish(ValueBuilder *builder)
{
	Value *value;

	count_waiting(builder);
	for (int days = 1; days < VALUE_GAPS_SHORT; days++)
		if (builder->gaps[days] > 0)
			count_numbers(&builder->tables[VALUE_GAPS], VALUE_GAPS, days, 0, 0,
						  builder->gaps[days]);
	value = builder->tables[0];
	for (int table = 1; table < VALUE_TABLES; table++)
	{
		value_merge(&value, builder->tables[table]);
		pfree(builder->tables[table]);
	}
	pfree(builder);
	return value;
}

void
value_add_summary(Value **value, int64 frequency, double recency, double age, bool has_spend,
				  int128 amount, int64 customers)
{
	count_add(&(*value)->customers, customers);
	count_numbers(value, VALUE_CUSTOMERS, frequency, key_of_double(recency), key_of_double(age),
				  customers);
	if (has_spend && frequency > 0)
		count_spend(value, frequency, amount, customers);
}

static Tag
grid_tag(const Value *value)
{
	return counted_tag(&type, &value->base, counted_item(&type, &value->base, 0)->tag);
}

void
value_merge(Value **into, const Value *from)
{
	Tag one = grid_tag(*into);
	Tag other = grid_tag(from);

	if (((*into)->kind == VALUE_OF_SUMMARIES) != (from->kind == VALUE_OF_SUMMARIES))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("values of purchases and values of summaries cannot be combined")));
	if (tag_compare(one, other) != 0)
		grid_mismatch(pnstrdup(one.bytes, one.length), pnstrdup(other.bytes, other.length));
	if ((*into)->kind != from->kind)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("values of purchases with different time types cannot be combined"),
						errhint("Cast the times to one type.")));
	for (int table = 0; table < VALUE_TABLES; table++)
		while ((*into)->level[table] < from->level[table])
			coarsen(into, (ValueTable) table);
	count_add(&(*into)->customers, from->customers);
	count_add(&(*into)->orders, from->orders);
	count_add(&(*into)->refunds, from->refunds);
	count_add(&(*into)->gap_days, from->gap_days);
	(*into)->first = Min((*into)->first, from->first);
	(*into)->latest = Max((*into)->latest, from->latest);
	(*into)->decimals = Max((*into)->decimals, from->decimals);
	wide_add(&(*into)->revenue, from->revenue);
	for (int i = 0; i < from->base.capacity; i++)
	{
		const ValueSlot *slot = value_slot(from, i);
		ValueTable table = (ValueTable) slot->base.item;
		int64 key[VALUE_KEYS];

		CHECK_NOW_AND_THEN(i);
		if (!slot->base.taken)
			continue;
		memcpy(key, slot->key, sizeof(key));
		count_at(into, table, key, from->level[table], slot->count);
	}
}

static void
merge_counted(Counted **into, const Counted *from)
{
	value_merge((Value **) into, (const Value *) from);
}

/* ---- bytes that come in ---- */

static void
check_front(const Counted *counted)
{
	const Value *value = (const Value *) counted;
	int64 used = 0;

	if (counted->items != VALUE_TABLES || value->zero != 0 || value->kind < VALUE_OF_SUMMARIES ||
		value->kind > TIME_INSTANT || value->customers < 0 || value->orders < 0 ||
		value->refunds < 0 || value->gap_days < 0 || value->decimals < 0 ||
		value->decimals > AMOUNT_DECIMALS)
		wire_corrupt(VALUE_TYPE, "A number at its front is out of range.");
	for (int table = 0; table < VALUE_TABLES; table++)
	{
		if (value->level[table] < 0 || value->level[table] > last_level((ValueTable) table) ||
			value->used[table] < 0)
			wire_corrupt(VALUE_TYPE, "A level or a size of a table in it is out of range.");
		used += value->used[table];
	}
	if (used != counted->used)
		wire_corrupt(VALUE_TYPE, "The sizes of its tables do not add up.");
	if (value->kind == VALUE_OF_SUMMARIES
			? value->orders != 0 || value->refunds != 0 || value->gap_days != 0 ||
				  value->revenue != 0 || value->used[VALUE_GAPS] != 0 ||
				  value->used[VALUE_AMOUNTS] != 0
			: (value->customers > 0 || value->first != PG_INT64_MAX ||
			   value->latest != PG_INT64_MIN) &&
				  (!moment_is_valid((TimeKind) value->kind, value->first) ||
				   !moment_is_valid((TimeKind) value->kind, value->latest)))
		wire_corrupt(VALUE_TYPE, "Its totals are impossible.");
}

static void
check_item(const Counted *counted, const CountedItem *item)
{
	int number = (int) (item - counted_item(&type, counted, 0));
	bool has_grid = ((const Value *) counted)->kind != VALUE_OF_SUMMARIES && number == 0;

	if (item->hash != (uint32) number || (item->tag.length > 0) != has_grid ||
		item->tag.length < 0 || item->tag.length > PG_INT16_MAX)
		wire_corrupt(VALUE_TYPE, "Its grid is impossible.");
}

static void
check_slot(const Counted *counted, const CountedSlot *base)
{
	const Value *value = (const Value *) counted;
	const ValueSlot *slot = (const ValueSlot *) base;
	const int64 *key = slot->key;
	bool fine = slot->count > 0;

	switch ((ValueTable) base->item)
	{
		case VALUE_CUSTOMERS:
			fine = fine && key[0] >= 0 && key[0] <= VALUE_FREQUENCY_MOST && key[1] >= 0 &&
				   (key[0] > 0 || key[1] == 0);
			if (value->kind == VALUE_OF_SUMMARIES)
				/* The bits of numbers that are not negative have their order. */
				fine = fine && key[2] >= key[1] && isfinite(double_of_key(key[2]));
			else
				fine = fine && fabs((double) key[2]) <= PG_INT32_MAX && key[1] <= PG_INT32_MAX;
			break;
		case VALUE_SPEND:
			fine = fine && key[0] > 0;
			break;
		case VALUE_GAPS:
			fine = fine && key[0] > 0 && key[1] == 0 && key[2] == 0;
			break;
		case VALUE_AMOUNTS:
			fine = fine && key[2] == 0;
			break;
	}
	if (!fine)
		wire_corrupt(VALUE_TYPE, "A counter in it is impossible.");
}

/* What the tables say about the same customers. */
static void
check_whole(const Counted *counted)
{
	const Value *value = (const Value *) counted;
	bool summaries = value->kind == VALUE_OF_SUMMARIES;
	int128 count[VALUE_TABLES] = {0};
	int128 repeat_buyers = 0;
	int128 repeats = 0;
	int64 last_day = 0;
	bool fine;

	if (!summaries && counted->used > 0)
	{
		const Grid *grid = value_grid(value);

		value_check_grid(grid, VALUE_TYPE);
		last_day = value_last_day(grid, (TimeKind) value->kind, value->latest);
	}
	for (int i = 0; i < counted->capacity; i++)
	{
		const ValueSlot *slot = value_slot(value, i);

		CHECK_NOW_AND_THEN(i);
		if (!slot->base.taken)
			continue;
		count[slot->base.item] += slot->count;
		if (slot->base.item != VALUE_CUSTOMERS)
			continue;
		repeats += (int128) slot->key[0] * slot->count;
		if (slot->key[0] > 0)
			repeat_buyers += slot->count;
		/* A clock that is set back over midnight shows a day before the last. */
		if (!summaries && slot->key[2] + slot->key[1] > last_day + 1)
			wire_corrupt(VALUE_TYPE, "A purchase in it is later than what is known.");
	}
	if (summaries)
		fine = count[VALUE_CUSTOMERS] == value->customers && count[VALUE_SPEND] <= repeat_buyers;
	else
		fine = count[VALUE_CUSTOMERS] <= value->customers &&
			   count[VALUE_AMOUNTS] == value->customers && count[VALUE_SPEND] == repeat_buyers &&
			   count[VALUE_GAPS] == repeats && count[VALUE_CUSTOMERS] + repeats <= value->orders;
	if (!fine)
		wire_corrupt(VALUE_TYPE, "Its tables do not agree.");
}

/* ---- wire form ---- */

void
value_write(Datum datum, StringInfo out)
{
	const Value *value = value_open(datum);

	wire_begin(out, WIRE_VALUE, VALUE_VERSION);
	wire_put_int(out, value->kind);
	wire_put_tag(out, grid_tag(value));
	wire_put_ints(out, value->customers, value->orders, value->refunds, value->gap_days,
				  value->first, value->latest, value->decimals);
	wire_put_wide(out, value->revenue);
	for (int table = 0; table < VALUE_TABLES; table++)
		wire_put_ints(out, value->level[table], value->used[table]);
	for (int i = 0; i < value->base.used; i++)
	{
		const ValueSlot *slot = value_slot(value, i);
		ValueTable table = (ValueTable) slot->base.item;

		CHECK_NOW_AND_THEN(i);
		if (table == VALUE_CUSTOMERS || table == VALUE_SPEND || table == VALUE_GAPS)
			wire_put_int(out, slot->key[0]);
		if (table == VALUE_CUSTOMERS)
			wire_put_ints(out, slot->key[1], slot->key[2]);
		else if (table != VALUE_GAPS)
			wire_put_wide(out, wide_of_key(&slot->key[table == VALUE_SPEND ? 1 : 0]));
		wire_put_int(out, slot->count);
	}
}

void *
value_read(const char *bytes, Size size)
{
	WireReader in = wire_open(bytes, size, WIRE_VALUE, VALUE_VERSION, VALUE_TYPE);
	int32 kind = (int32) wire_get_int_between(&in, VALUE_OF_SUMMARIES, TIME_INSTANT);
	Tag grid = wire_get_tag(&in, 0, PG_INT16_MAX);
	Value head = {.kind = kind};
	Counted *counted;
	int64 used = 0;

	head.customers = wire_get_int(&in);
	head.orders = wire_get_int(&in);
	head.refunds = wire_get_int(&in);
	head.gap_days = wire_get_int(&in);
	head.first = wire_get_int(&in);
	head.latest = wire_get_int(&in);
	head.decimals = wire_get_int(&in);
	head.revenue = wire_get_wide(&in);
	for (int table = 0; table < VALUE_TABLES; table++)
	{
		head.level[table] = (int32) wire_get_int_between(&in, 0, last_level((ValueTable) table));
		head.used[table] = (int32) wire_get_int_between(&in, 0, PG_INT32_MAX);
		used += head.used[table];
	}
	/* A slot takes two bytes at least. */
	if (used > (in.end - in.at) / 2)
		wire_corrupt(VALUE_TYPE, "It ends early.");
	counted = counted_alloc(&type, WIRE_VALUE, COUNTED_SORTED, sizeof(ValueSlot), used,
							VALUE_TABLES, grid.length);
	memcpy((char *) counted + sizeof(Counted), (char *) &head + sizeof(Counted),
		   sizeof(Value) - sizeof(Counted));
	add_items(&counted, grid);
	for (int table = 0; table < VALUE_TABLES; table++)
		for (int i = 0; i < head.used[table]; i++)
		{
			ValueSlot *slot = (ValueSlot *) counted_add_slot(&type, &counted, 0, table, 0);

			CHECK_NOW_AND_THEN(i);
			if (table != VALUE_AMOUNTS)
				slot->key[0] = wire_get_int(&in);
			if (table == VALUE_CUSTOMERS)
			{
				slot->key[1] = wire_get_int(&in);
				slot->key[2] = wire_get_int(&in);
			}
			else if (table != VALUE_GAPS)
				put_wide_key(&slot->key[table == VALUE_SPEND ? 1 : 0], wire_get_wide(&in));
			slot->count = wire_get_int(&in);
		}
	wire_end(&in);
	counted_check(&type, counted);
	return counted;
}

/* ---- reading ---- */

const Value *
value_open(Datum datum)
{
	return (const Value *) counted_open(&type, datum, WIRE_VALUE);
}

const ValueSlot *
value_table(const Value *value, ValueTable table, int *count)
{
	int first = 0;

	for (int before = 0; before < (int) table; before++)
		first += value->used[before];
	*count = value->used[table];
	return value_slot(value, first);
}

const Grid *
value_grid(const Value *value)
{
	Tag grid = grid_tag(value);

	return value->kind == VALUE_OF_SUMMARIES ? NULL : grid_open_text(grid.bytes, grid.length);
}

double
value_unit_days(const Grid *grid)
{
	/* The mean year of the Gregorian calendar has 365.2425 days. */
	if (grid->unit == GRID_YEAR)
		return 365.2425 * grid->count;
	return grid->months > 0 ? 30.436875 * grid->months : grid->days;
}

int64
value_last_day(const Grid *grid, TimeKind kind, int64 latest)
{
	/* Of a column of dates, the day of as_of is not known, whatever its time is. */
	if (grid->has_as_of)
		return floor_divide(grid->as_of - (kind == TIME_DATE ? USECS_PER_DAY : 1), USECS_PER_DAY);
	return grid_day(grid, kind, latest);
}

void
value_check_grid(const Grid *grid, const char *what)
{
	grid_require_plain_calendar(grid, what, false);
	if (grid->hours > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s does not take a grid of hours", what),
						errdetail("The grid is \"%s\".", grid->text),
						errhint("Purchases of one day are one: take days or longer periods.")));
}

ValueCustomers *
value_customers(const Value *value, int *count)
{
	const ValueSlot *slots = value_table(value, VALUE_CUSTOMERS, count);
	ValueCustomers *all =
		palloc_extended(mul_size(sizeof(ValueCustomers), Max(*count, 1)), MCXT_ALLOC_HUGE);
	bool summaries = value->kind == VALUE_OF_SUMMARIES;
	const Grid *grid = value_grid(value);
	int level = value->level[VALUE_CUSTOMERS];
	/* What is counted together is spread over this, but for its first number. */
	double spread = ldexp(1, summaries ? Max(level - 1, 0) : level) - 1;
	double unit = summaries || *count == 0 ? 1 : value_unit_days(grid);
	int64 last_day =
		summaries || *count == 0 ? 0 : value_last_day(grid, (TimeKind) value->kind, value->latest);

	for (int i = 0; i < *count; i++)
	{
		const int64 *key = slots[i].key;
		double recency = summaries ? double_of_key(key[1]) : (double) key[1];
		double age = summaries ? double_of_key(key[2]) + spread / 2
							   : Max((double) (last_day - key[2]) - spread / 2, (double) key[1]);

		CHECK_NOW_AND_THEN(i);
		if (key[0] > 0)
			recency = Min(recency + spread / 2, age);
		all[i] = (ValueCustomers){key[0], recency / unit, age / unit, slots[i].count};
	}
	return all;
}

ValueBuyers *
value_buyers(const Value *value, int *count)
{
	const ValueSlot *slots = value_table(value, VALUE_SPEND, count);
	ValueBuyers *all =
		palloc_extended(mul_size(sizeof(ValueBuyers), Max(*count, 1)), MCXT_ALLOC_HUGE);

	for (int i = 0; i < *count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		all[i] = (ValueBuyers){slots[i].key[0], (double) wide_of_key(&slots[i].key[1]) / 1e6,
							   slots[i].count};
	}
	return all;
}
