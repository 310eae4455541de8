/*
 * times.c
 *		A table of distinct times: how many left, were censored and entered at each.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/mix.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "survival/times.h"

/* The largest sum of weights of a slot, so that sums over all slots fit, too. */
#define WEIGHT_SUM_MOST ((int128) 1 << 104)

const char *
times_type_name(WireKind kind)
{
	switch (kind)
	{
		case WIRE_LOGRANK:
			return "retention_logrank_state";
		case WIRE_INCIDENCE:
			return "retention_incidence";
		case WIRE_SURVIVAL_DRIVERS:
			return "retention_survival_drivers";
		default:
			return "retention_survival";
	}
}

static const char *
table_name(const TimeTable *table)
{
	return times_type_name((WireKind) table->base.header.kind);
}

static uint64
time_bits(double time)
{
	uint64 bits;

	memcpy(&bits, &time, sizeof(bits));
	return bits;
}

static inline uint32
time_hash(double time, int cell)
{
	uint64 bits = time_bits(time);

	/* Whole numbers differ in their upper bits only. */
	return (uint32) mix64(bits ^ (bits >> 32), (uint64) cell);
}

static uint32
slot_hash(const CountedSlot *slot)
{
	return time_hash(((const TimeSlot *) slot)->time, slot->item);
}

typedef struct TimeKey
{
	double time;
	int cell;
} TimeKey;

static inline bool
slot_same(const Counted *table, const CountedSlot *slot, const void *key)
{
	const TimeKey *wanted = key;

	return ((const TimeSlot *) slot)->time == wanted->time && slot->item == wanted->cell;
}

static int
compare_cells(const Counted *counted, int one, int other)
{
	const TimeTable *table = (const TimeTable *) counted;
	int by_stratum = tag_compare(times_stratum(table, one), times_stratum(table, other));

	return by_stratum != 0 ? by_stratum
						   : tag_compare(times_group(table, one), times_group(table, other));
}

/* The bits of numbers that are not negative have the order of the numbers. */
static void
slot_sort_key(const Counted *counted, int item, const CountedSlot *slot, uint64 *key)
{
	const TimeTable *table = (const TimeTable *) counted;
	uint64 stratum = counted->items > 0 ? (uint64) times_cell(table, item)->stratum : 0;
	uint64 bits = time_bits(((const TimeSlot *) slot)->time);

	key[0] = stratum << 32 | bits >> 32;
	key[1] = bits << 32 | (uint64) item;
}

static bool
begins_stratum(const TimeTable *table, int cell)
{
	return cell > 0 && tag_compare(times_stratum(table, cell - 1), times_stratum(table, cell)) != 0;
}

static void
number_strata(Counted *counted)
{
	TimeTable *table = (TimeTable *) counted;
	int stratum = 0;

	for (int i = 0; i < counted->items && counted->form == COUNTED_SORTED; i++)
	{
		stratum += begins_stratum(table, i);
		times_cell(table, i)->stratum = stratum;
	}
}

static void merge(Counted **into, const Counted *from);
static void check_front(const Counted *counted);
static void check_cell(const Counted *counted, const CountedItem *item);
static void check_slot(const Counted *counted, const CountedSlot *slot);
static void check_flow(const Counted *counted);

static const CountedType type = {
	.version = TIMES_VERSION,
	.head_size = sizeof(TimeTable),
	.item_size = sizeof(TimeCell),
	.slot_size = sizeof(TimeSlot),
	.wide_slot_size = sizeof(TimeSlot) + sizeof(TimeWeights),
	.first_capacity = 8,
	.places_per_slot = 2,
	.name = times_type_name,
	.hash = slot_hash,
	.same = slot_same,
	.compare_items = compare_cells,
	.sort_key = slot_sort_key,
	.form_changed = number_strata,
	.merge = merge,
	.check_front = check_front,
	.check_item = check_cell,
	.check_slot = check_slot,
	.check_whole = check_flow,
};
const CountedType *const counted_times = &type;

TimeTable *
times_new(WireKind kind)
{
	return (TimeTable *) counted_new(&type, kind, 0, 0);
}

static void
slot_widen(TimeSlot *slot)
{
	TimeWeights *weights = (TimeWeights *) (slot + 1);

	for (int what = 0; what < TIME_WHATS; what++)
		weights->sum[what] = weights->squares[what] = (int128) slot->rows[what] * WEIGHT_ONE;
}

static void
require_flags(TimeTable **table, int flags)
{
	if ((flags & TIME_WEIGHTED) && !((*table)->flags & TIME_WEIGHTED))
	{
		counted_widen(&type, (Counted **) table);
		for (int i = 0; i < (*table)->base.capacity; i++)
		{
			CHECK_NOW_AND_THEN(i);
			if (times_slot(*table, i)->base.taken)
				slot_widen(times_slot(*table, i));
		}
	}
	(*table)->flags |= flags;
}

static uint32
hash_tags(Tag group, Tag stratum)
{
	uint32 hash =
		group.length < 0 ? 1 : hash_bytes((const unsigned char *) group.bytes, group.length);

	if (stratum.length >= 0)
		hash =
			hash_combine(hash, hash_bytes((const unsigned char *) stratum.bytes, stratum.length));
	return hash;
}

/* Fills in a cell that has been added, with its bytes. */
static void
cell_fill(TimeTable *table, CountedItem *item, Tag group, Tag stratum)
{
	TimeCell *cell = (TimeCell *) item;
	char *bytes = counted_tags(&type, &table->base) + item->tag.offset;

	cell->group_length = group.length;
	cell->stratum_length = stratum.length;
	if (group.length > 0)
		memcpy(bytes, group.bytes, group.length);
	if (stratum.length > 0)
		memcpy(bytes + Max(group.length, 0), stratum.bytes, stratum.length);
}

static int
tags_length(Tag group, Tag stratum)
{
	return Max(group.length, 0) + Max(stratum.length, 0);
}

static int
lookup_cell(const TimeTable *table, uint32 hash, Tag group, Tag stratum)
{
	for (int i = counted_first_item(&type, &table->base, hash); i >= 0;
		 i = times_cell(table, i)->base.next - 1)
		if (times_cell(table, i)->base.hash == hash &&
			tag_compare(times_group(table, i), group) == 0 &&
			tag_compare(times_stratum(table, i), stratum) == 0)
			return i;
	return -1;
}

int
times_lookup_cell(const TimeTable *table, Tag group, Tag stratum)
{
	return lookup_cell(table, hash_tags(group, stratum), group, stratum);
}

static int
most_cells(WireKind kind)
{
	return kind == WIRE_SURVIVAL_DRIVERS ? MAX_DRIVER_CELLS : MAX_CELLS;
}

void
times_too_many_cells(const TimeTable *table)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("more than %d groups in %s", MAX_CELLS, table_name(table)),
					errhint("Combine rare values.")));
	pg_unreachable();
}

int
times_find_cell(TimeTable **table, Tag group, Tag stratum)
{
	const TimeTable *it = *table;
	uint32 hash = hash_tags(group, stratum);
	int known = lookup_cell(it, hash, group, stratum);
	CountedItem *item;

	if (known >= 0)
		return known;
	if (it->base.items >= most_cells((WireKind) it->base.header.kind))
		times_too_many_cells(it);
	if ((int64) it->base.tag_bytes + Max(group.length, 0) + Max(stratum.length, 0) > MAX_TAG_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the names of the groups in %s take more than %d bytes",
							   table_name(it), MAX_TAG_BYTES)));
	item = counted_add_item(&type, (Counted **) table, hash, tags_length(group, stratum));
	cell_fill(*table, item, group, stratum);
	return (*table)->base.items - 1;
}

/* The slot of (time, cell), made if it is new. */
static inline TimeSlot *
slot_take(TimeTable **table, double time, int cell)
{
	TimeKey key = {time, cell};
	uint32 hash = time_hash(time, cell);
	TimeSlot *slot = (TimeSlot *) counted_find(&type, &(*table)->base, hash, &key);

	if (likely(slot->base.taken))
		return slot;
	if ((*table)->base.used >= MAX_TIMES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d distinct times in %s", MAX_TIMES, table_name(*table)),
						errhint("Round the durations, for instance to whole days.")));
	slot = (TimeSlot *) counted_add_slot(&type, (Counted **) table, hash, cell, 0);
	slot->time = time;
	return slot;
}

static void
sum_add(int128 *sum, int128 more)
{
	*sum += more; /* both at most 2^104 */
	if (*sum > WEIGHT_SUM_MOST)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the sum of the weights is too large")));
}

void
times_count(TimeTable **table, double time, int cell, TimeWhat what, int64 weight)
{
	TimeSlot *slot;

	if (unlikely(weight != WEIGHT_ONE))
		require_flags(table, TIME_WEIGHTED | (weight % WEIGHT_ONE != 0 ? TIME_FRACTIONAL : 0));
	slot = slot_take(table, time, cell);
	count_add(&slot->rows[what], 1);
	if ((*table)->flags & TIME_WEIGHTED)
	{
		TimeWeights *weights = (TimeWeights *) (slot + 1);
		int128 square = (int128) weight * weight;

		sum_add(&weights->sum[what], weight);
		sum_add(&weights->squares[what], (square + WEIGHT_ONE / 2) >> WEIGHT_BITS);
	}
}

void
times_require_test(const TimeTable *table, int option, double parameter)
{
	if (table->option != option || table->parameter != parameter)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the weighting of a test must be the same in every row")));
}

static void
merge_renamed(TimeTable **into, const TimeTable *from, TimesRename rename, void *arg)
{
	const Counted *other = &from->base;
	int *cells = palloc0(sizeof(int) * Max(other->items, 1));

	times_require_test(*into, from->option, from->parameter);
	require_flags(into, from->flags);
	count_add(&(*into)->unknown, from->unknown);
	count_add(&(*into)->never_at_risk, from->never_at_risk);
	count_add(&(*into)->not_started, from->not_started);
	for (int i = 0; i < other->items; i++)
	{
		Tag group = times_group(from, i);
		Tag stratum = times_stratum(from, i);

		CHECK_NOW_AND_THEN(i);
		if (rename != NULL)
			rename(arg, &group, &stratum);
		cells[i] = times_find_cell(into, group, stratum);
	}

	for (int i = 0; i < other->capacity; i++)
	{
		const TimeSlot *theirs = times_slot(from, i);
		TimeSlot *slot;

		CHECK_NOW_AND_THEN(i);
		if (!theirs->base.taken)
			continue;
		slot = slot_take(into, theirs->time, cells[theirs->base.item]);
		for (int what = 0; what < TIME_WHATS; what++)
		{
			count_add(&slot->rows[what], theirs->rows[what]);
			if ((*into)->flags & TIME_WEIGHTED)
			{
				TimeWeights *weights = (TimeWeights *) (slot + 1);
				int128 unit = (from->flags & TIME_WEIGHTED) ? 1 : WEIGHT_ONE;

				sum_add(&weights->sum[what], slot_amount(from, theirs, (TimeWhat) what) * unit);
				sum_add(&weights->squares[what],
						slot_squares(from, theirs, (TimeWhat) what) * unit);
			}
		}
	}
	pfree(cells);
}

static void
merge(Counted **into, const Counted *from)
{
	merge_renamed((TimeTable **) into, (const TimeTable *) from, NULL, NULL);
}

void
times_add_renamed(TimeTable **table, const TimeTable *more, TimesRename rename, void *arg)
{
	if (more == NULL)
	{
		more = *table;
		*table = times_new((WireKind) more->base.header.kind);
		(*table)->option = more->option;
		(*table)->parameter = more->parameter;
	}
	merge_renamed(table, more, rename, arg);
}

/* ---- Bytes that come in ---- */

static void
check_front(const Counted *counted)
{
	const TimeTable *table = (const TimeTable *) counted;
	const char *name = table_name(table);
	WireKind kind = (WireKind) counted->header.kind;

	if ((table->flags & ~(TIME_WEIGHTED | TIME_FRACTIONAL)) != 0 ||
		table->flags == TIME_FRACTIONAL || counted->used > MAX_TIMES ||
		counted->items > most_cells(kind) || counted->tag_bytes > MAX_TAG_BYTES ||
		table->unknown < 0 || table->never_at_risk < 0 || table->not_started < 0 ||
		!isfinite(table->parameter) || signbit(table->parameter) || table->option < 0 ||
		table->option > TEST_LAST)
		wire_corrupt(name, "A number at its front is out of range.");
	if ((counted->slot_size == (int32) type.wide_slot_size) != (table->flags & TIME_WEIGHTED))
		wire_corrupt(name, "Its flags do not agree with the size of its counters.");
	if (kind == WIRE_SURVIVAL ? counted->items != 0 : counted->items == 0 && counted->used > 0)
		wire_corrupt(name, "It has groups that its type does not have, or times without a group.");
	if ((kind != WIRE_LOGRANK && table->option != 0) ||
		(table->option != TEST_FLEMING_HARRINGTON && table->parameter != 0))
		wire_corrupt(name, "It has the weighting of another type.");
}

static void
check_cell(const Counted *counted, const CountedItem *item)
{
	const TimeTable *table = (const TimeTable *) counted;
	const TimeCell *cell = (const TimeCell *) item;
	const char *name = table_name(table);
	int number = (int) (cell - times_cell(table, 0));
	Tag group = times_group(table, number);
	Tag stratum = times_stratum(table, number);

	if (group.length < -1 || stratum.length < -1 || item->tag.length < Max(group.length, 0) ||
		item->tag.length - Max(group.length, 0) != Max(stratum.length, 0))
		wire_corrupt(name, "The length of a group is out of range.");
	wire_check_text(name, group);
	wire_check_text(name, stratum);
	if (item->hash != hash_tags(group, stratum))
		wire_corrupt(name, "The hash of a group is not that of its name.");
	if (counted->form == COUNTED_SORTED &&
		cell->stratum != (number == 0 ? 0 : (cell - 1)->stratum + begins_stratum(table, number)))
		wire_corrupt(name, "The strata in it are not numbered in their order.");
}

static void
check_slot(const Counted *counted, const CountedSlot *base)
{
	const TimeTable *table = (const TimeTable *) counted;
	const TimeSlot *slot = (const TimeSlot *) base;

	if (!isfinite(slot->time) || signbit(slot->time))
		wire_corrupt(table_name(table), "A time in it is negative or not finite.");
	for (int what = 0; what < TIME_WHATS; what++)
	{
		if (slot->rows[what] < 0)
			wire_corrupt(table_name(table), "A count in it is negative.");
		if (table->flags & TIME_WEIGHTED)
		{
			const TimeWeights *weights = (const TimeWeights *) (slot + 1);

			if (weights->sum[what] < 0 || weights->sum[what] > WEIGHT_SUM_MOST ||
				weights->squares[what] < 0 || weights->squares[what] > WEIGHT_SUM_MOST ||
				(slot->rows[what] == 0) != (weights->sum[what] == 0))
				wire_corrupt(table_name(table), "A weight in it is out of range.");
		}
	}
	if (slot->rows[TIME_CHURNED] == 0 && slot->rows[TIME_CENSORED] == 0 &&
		slot->rows[TIME_ENTERED] == 0)
		wire_corrupt(table_name(table), "A time in it has no customers.");
	if (counted->header.kind == WIRE_INCIDENCE)
	{
		bool here = times_cell(table, base->item)->group_length < 0;

		if (slot->rows[TIME_ENTERED] != 0 || slot->rows[here ? TIME_CHURNED : TIME_CENSORED] != 0)
			wire_corrupt(table_name(table),
						 "Customers in it left without a cause, or did not leave and have one.");
	}
}

/*
 * At no time do more customers of a cell leave than are at risk; found by going through the times of a sorted table.
 * Afterwards the sums of all counts are known to fit into 64 bits.
 */
static void
check_flow(const Counted *counted)
{
	const TimeTable *table = (const TimeTable *) counted;
	int cells = Max(counted->items, 1);
	int64 *rows = palloc0(sizeof(int64) * cells);
	int128 *amount = palloc0(sizeof(int128) * cells);
	int64 total = 0;
	int64 entered = 0;

	if (counted->form != COUNTED_SORTED)
		return;
	for (int i = 0; i < counted->used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);
		int64 left = slot->rows[TIME_CHURNED];

		CHECK_NOW_AND_THEN(i);
		if (pg_add_s64_overflow(left, slot->rows[TIME_CENSORED], &left) ||
			pg_add_s64_overflow(total, left, &total) ||
			pg_add_s64_overflow(entered, slot->rows[TIME_ENTERED], &entered))
			wire_corrupt(table_name(table), "A count in it is too large.");
		rows[slot->base.item] += left - slot->rows[TIME_ENTERED];
		amount[slot->base.item] += slot_amount(table, slot, TIME_CHURNED) +
								   slot_amount(table, slot, TIME_CENSORED) -
								   slot_amount(table, slot, TIME_ENTERED);
	}
	for (int i = 0; i < counted->used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		/* Customers who enter at this time are at risk after it. */
		rows[slot->base.item] -= slot->rows[TIME_CHURNED] + slot->rows[TIME_CENSORED];
		amount[slot->base.item] -=
			slot_amount(table, slot, TIME_CHURNED) + slot_amount(table, slot, TIME_CENSORED);
		if (rows[slot->base.item] < 0 || amount[slot->base.item] < 0)
			wire_corrupt(table_name(table), "More customers leave in it than are at risk.");
		rows[slot->base.item] += slot->rows[TIME_ENTERED];
		amount[slot->base.item] += slot_amount(table, slot, TIME_ENTERED);
	}
	pfree(rows);
	pfree(amount);
}

const TimeTable *
times_open(Datum value, WireKind kind)
{
	return (const TimeTable *) counted_open(&type, value, kind);
}

void *
times_copy(Datum value, WireKind kind)
{
	return counted_copy(&type, value, kind);
}

void *
times_merge(void *state, Datum value, WireKind kind)
{
	return counted_merge(&type, state, value, kind);
}

/* ---- Wire form ---- */

static void
put_wide(StringInfo out, int128 value)
{
	wire_put_int(out, (int64) (value >> 64));
	wire_put_int(out, (int64) (uint64) value);
}

static int128
get_wide(WireReader *in)
{
	int64 high = wire_get_int_between(in, 0, INT64CONST(1) << 40);

	return ((int128) high << 64) | (uint64) wire_get_int(in);
}

void
times_write(Datum value, StringInfo out, WireKind kind)
{
	const TimeTable *table = times_open(value, kind);

	wire_begin(out, kind, TIMES_VERSION);
	wire_put_int(out, table->flags);
	wire_put_int(out, table->option);
	wire_put_double(out, table->parameter);
	wire_put_ints(out, table->unknown, table->never_at_risk, table->not_started, table->base.items);
	for (int i = 0; i < table->base.items; i++)
	{
		wire_put_tag(out, times_group(table, i));
		wire_put_tag(out, times_stratum(table, i));
	}
	wire_put_int(out, table->base.used);
	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		wire_put_double(out, slot->time);
		if (table->base.items > 0)
			wire_put_int(out, slot->base.item);
		for (int what = 0; what < TIME_WHATS; what++)
		{
			wire_put_int(out, slot->rows[what]);
			if (table->flags & TIME_WEIGHTED)
			{
				put_wide(out, slot_amount(table, slot, what));
				put_wide(out, slot_squares(table, slot, what));
			}
		}
	}
}

void *
times_read(const char *bytes, Size size, WireKind kind)
{
	WireReader in = wire_open(bytes, size, kind, TIMES_VERSION, times_type_name(kind));
	TimeTable head = {.flags =
						  (int32) wire_get_int_between(&in, 0, TIME_WEIGHTED | TIME_FRACTIONAL)};
	bool wide = (head.flags & TIME_WEIGHTED) != 0;
	Counted *table;
	WireReader tags;
	int64 tag_bytes = 0;
	int cells;
	int used;

	head.option = (int32) wire_get_int_between(&in, 0, TEST_LAST);
	head.parameter = wire_get_double(&in);
	head.unknown = wire_get_int_between(&in, 0, PG_INT64_MAX);
	head.never_at_risk = wire_get_int_between(&in, 0, PG_INT64_MAX);
	head.not_started = wire_get_int_between(&in, 0, PG_INT64_MAX);

	/* Cells are read twice: first only the bytes of their tags are counted. */
	cells = (int) wire_get_int_between(&in, 0, most_cells(kind));
	tags = in;
	for (int i = 0; i < cells; i++)
	{
		Tag group = wire_get_tag(&in, -1, MAX_TAG_BYTES);

		tag_bytes += tags_length(group, wire_get_tag(&in, -1, MAX_TAG_BYTES));
	}
	/* A slot takes four bytes at least. */
	used = (int) wire_get_int_between(&in, 0, Min(MAX_TIMES, (in.end - in.at) / 4));

	table = counted_alloc(&type, kind, COUNTED_SORTED, wide ? type.wide_slot_size : type.slot_size,
						  used, cells, tag_bytes);
	memcpy((char *) table + sizeof(Counted), (char *) &head + sizeof(Counted),
		   sizeof(TimeTable) - sizeof(Counted));
	for (int i = 0; i < cells; i++)
	{
		Tag group = wire_get_tag(&tags, -1, MAX_TAG_BYTES);
		Tag stratum = wire_get_tag(&tags, -1, MAX_TAG_BYTES);
		CountedItem *item =
			counted_add_item(&type, &table, hash_tags(group, stratum), tags_length(group, stratum));

		cell_fill((TimeTable *) table, item, group, stratum);
	}
	number_strata(table);
	for (int i = 0; i < used; i++)
	{
		double time = wire_get_double(&in);
		int cell = cells > 0 ? (int) wire_get_int_between(&in, 0, cells - 1) : 0;
		TimeSlot *slot = (TimeSlot *) counted_add_slot(&type, &table, 0, cell, 0);

		CHECK_NOW_AND_THEN(i);
		slot->time = time;
		for (int what = 0; what < TIME_WHATS; what++)
		{
			slot->rows[what] = wire_get_int_between(&in, 0, PG_INT64_MAX);
			if (wide)
			{
				TimeWeights *weights = (TimeWeights *) (slot + 1);

				weights->sum[what] = get_wide(&in);
				weights->squares[what] = get_wide(&in);
			}
		}
	}
	wire_end(&in);
	counted_check(&type, table);
	return table;
}
