/*
 * times.c
 *		A table of distinct times: how many left, were censored and entered at each.
 */
#include "retention.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/sort.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "mb/pg_wchar.h"
#include "port/pg_bitutils.h"
#include "storage/shmem.h"
#include "survival/times.h"
#include "utils/memutils.h"

#define FIRST_CAPACITY 8

/* No sum of weights passes this, so that the sums over all times fit too. */
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
	return times_type_name((WireKind) table->header.kind);
}

static Size
table_size(int capacity, int cell_capacity, int tag_capacity, int flags)
{
	TimeTable shape = {.flags = flags};
	Size size = mul_size(capacity, times_slot_size(&shape));

	size = add_size(size, sizeof(TimeTable));
	size = add_size(size, mul_size(cell_capacity, sizeof(TimeCell)));
	return add_size(size, tag_capacity);
}

static TimeTable *
table_alloc(WireKind kind, TimeForm form, int flags, int capacity, int cell_capacity,
			int tag_capacity)
{
	Size size = table_size(capacity, cell_capacity, tag_capacity, flags);
	TimeTable *table;

	if (!AllocSizeIsValid(size))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s is larger than a value can be (1 GB)", times_type_name(kind))));
	table = memory_alloc(size);
	flat_mark(table, kind, TIMES_VERSION, size);
	table->form = form;
	table->maker = form == TIME_HASHED ? aggregate_process_mark() : 0;
	table->flags = flags;
	table->capacity = capacity;
	table->cell_capacity = cell_capacity;
	table->tag_capacity = tag_capacity;
	return table;
}

TimeTable *
times_new(WireKind kind)
{
	return table_alloc(kind, TIME_HASHED, 0, FIRST_CAPACITY, 0, 0);
}

static inline uint32
slot_hash(double time, int cell)
{
	uint64 bits;

	memcpy(&bits, &time, sizeof(bits));
	/* Whole numbers differ in their upper bits only: fold, multiply, take the middle. */
	bits ^= bits >> 32;
	bits = (bits + (uint64) cell) * UINT64CONST(0x9E3779B97F4A7C15);
	return (uint32) (bits >> 32);
}

/* The place of (time, cell): taken by it, or empty. There is always an empty place. */
static inline TimeSlot *
slot_find(const TimeTable *table, double time, int cell)
{
	uint32 mask = (uint32) table->capacity - 1;
	uint32 at = slot_hash(time, cell) & mask;

	for (;;)
	{
		TimeSlot *slot = times_slot(table, (int) at);

		if (!slot->taken || (slot->time == time && slot->cell == cell))
			return slot;
		at = (at + 1) & mask;
	}
}

static void
slot_widen(TimeSlot *slot)
{
	TimeWeights *weights = (TimeWeights *) (slot + 1);

	for (int what = 0; what < TIME_WHATS; what++)
		weights->sum[what] = weights->squares[what] = (int128) slot->rows[what] * WEIGHT_ONE;
}

static void
chain_cell(TimeTable *table, int cell)
{
	TimeCell *cells = times_cells(table);
	TimeCell *place = &cells[cells[cell].hash & (uint32) (table->cell_capacity - 1)];

	cells[cell].next = place->head;
	place->head = cell + 1;
}

/* A hashed table with the contents of `from` and room for more. */
static TimeTable *
table_rebuild(const TimeTable *from, int flags, int capacity, int cell_capacity, int tag_capacity)
{
	TimeTable *table = table_alloc((WireKind) from->header.kind, TIME_HASHED, flags, capacity,
								   cell_capacity, tag_capacity);
	bool widen = (flags & TIME_WEIGHTED) && !(from->flags & TIME_WEIGHTED);
	TimeCell *cells = times_cells(table);

	table->used = from->used;
	table->cells = from->cells;
	table->tag_bytes = from->tag_bytes;
	table->option = from->option;
	table->parameter = from->parameter;
	table->unknown = from->unknown;
	table->never_at_risk = from->never_at_risk;
	table->not_started = from->not_started;

	for (int i = 0; i < from->capacity; i++)
	{
		TimeSlot *old = times_slot(from, i);
		TimeSlot *slot;

		CHECK_NOW_AND_THEN(i);
		if (!old->taken)
			continue;
		slot = slot_find(table, old->time, old->cell);
		memcpy(slot, old, times_slot_size(from));
		if (widen)
			slot_widen(slot);
	}

	for (int i = 0; i < from->cells; i++)
	{
		const TimeCell *old = times_cells(from) + i;
		int head = cells[i].head; /* the chain of place i may have begun */

		cells[i] = *old;
		cells[i].head = head;
		chain_cell(table, i);
	}
	memcpy(times_tags(table), times_tags(from), from->tag_bytes);
	return table;
}

static int
next_power(int64 least)
{
	return (int) pg_nextpower2_32((uint32) Max(least, 1));
}

TimeTable *
times_thaw(const TimeTable *table)
{
	return table_rebuild(table, table->flags,
						 Max(next_power((int64) table->used * 2), FIRST_CAPACITY),
						 table->cells > 0 ? next_power(table->cells) : 0, table->tag_bytes);
}

int
tag_compare(Tag a, Tag b)
{
	int common;

	if (a.length < 0 || b.length < 0)
		return (a.length < 0) - (b.length < 0); /* NULL last */
	common = memcmp(a.bytes, b.bytes, Min(a.length, b.length));
	return common != 0 ? common : a.length - b.length;
}

static Tag
cell_stratum(const TimeTable *table, int cell)
{
	const TimeCell *it = times_cells(table) + cell;

	return (Tag){times_tags(table) + it->offset + Max(it->group_length, 0), it->stratum_length};
}

static uint32
hash_tag(Tag group, Tag stratum)
{
	uint32 hash =
		group.length < 0 ? 1 : hash_bytes((const unsigned char *) group.bytes, group.length);

	if (stratum.length >= 0)
		hash =
			hash_combine(hash, hash_bytes((const unsigned char *) stratum.bytes, stratum.length));
	return hash;
}

int
times_cell(TimeTable **table, Tag group, Tag stratum)
{
	TimeTable *it = *table;
	uint32 hash = hash_tag(group, stratum);
	int64 bytes = Max(group.length, 0) + (int64) Max(stratum.length, 0);
	TimeCell *cell;

	if (it->cell_capacity > 0)
	{
		const TimeCell *cells = times_cells(it);

		for (int i = cells[hash & (uint32) (it->cell_capacity - 1)].head; i > 0;
			 i = cells[i - 1].next)
			if (cells[i - 1].hash == hash && tag_compare(times_group(it, i - 1), group) == 0 &&
				tag_compare(cell_stratum(it, i - 1), stratum) == 0)
				return i - 1;
	}

	if (it->cells >= MAX_CELLS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d groups in %s", MAX_CELLS, table_name(it)),
						errhint("Put values that are rare together.")));
	if (it->tag_bytes + bytes > MAX_LABEL_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the names of the groups in %s are longer than %d bytes together",
							   table_name(it), MAX_LABEL_BYTES)));
	if (it->cells >= it->cell_capacity || it->tag_bytes + bytes > it->tag_capacity)
	{
		*table = it = table_rebuild(it, it->flags, it->capacity, next_power((int64) it->cells * 2),
									next_power(Max((it->tag_bytes + bytes) * 2, 64)));
	}

	cell = times_cells(it) + it->cells;
	cell->hash = hash;
	cell->stratum = 0;
	cell->group_length = group.length;
	cell->stratum_length = stratum.length;
	cell->offset = it->tag_bytes;
	if (group.length > 0)
		memcpy(times_tags(it) + it->tag_bytes, group.bytes, group.length);
	if (stratum.length > 0)
		memcpy(times_tags(it) + it->tag_bytes + Max(group.length, 0), stratum.bytes,
			   stratum.length);
	it->tag_bytes += (int32) bytes;
	chain_cell(it, it->cells);
	return it->cells++;
}

/* The slot of (time, cell), made if it is new, with the table able to hold it. */
static TimeSlot *
slot_take(TimeTable **table, double time, int cell)
{
	TimeSlot *slot = slot_find(*table, time, cell);

	if (likely(slot->taken))
		return slot;
	if ((*table)->used >= MAX_TIMES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d distinct times in %s", MAX_TIMES, table_name(*table)),
						errhint("Round the durations, for instance to whole days.")));
	if ((*table)->used * 2 >= (*table)->capacity)
	{
		*table = table_rebuild(*table, (*table)->flags, (*table)->capacity * 2,
							   (*table)->cell_capacity, (*table)->tag_capacity);
		slot = slot_find(*table, time, cell);
	}
	slot->time = time;
	slot->cell = cell;
	slot->taken = 1;
	(*table)->used++;
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

static void
table_require_flags(TimeTable **table, int flags)
{
	if ((flags & ~(*table)->flags) == 0)
		return;
	if ((flags & TIME_WEIGHTED) && !((*table)->flags & TIME_WEIGHTED))
		*table = table_rebuild(*table, (*table)->flags | flags, (*table)->capacity,
							   (*table)->cell_capacity, (*table)->tag_capacity);
	else
		(*table)->flags |= flags;
}

void
times_count(TimeTable **table, double time, int cell, TimeWhat what, int64 weight)
{
	TimeSlot *slot;

	if (unlikely(weight != WEIGHT_ONE))
		table_require_flags(table,
							TIME_WEIGHTED | (weight % WEIGHT_ONE != 0 ? TIME_FRACTIONAL : 0));
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
times_merge(TimeTable **into, const TimeTable *from)
{
	int *cells = NULL;

	if ((*into)->option != from->option || (*into)->parameter != from->parameter)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the weighting of a test must be the same in all rows")));
	table_require_flags(into, from->flags);
	count_add(&(*into)->unknown, from->unknown);
	count_add(&(*into)->never_at_risk, from->never_at_risk);
	count_add(&(*into)->not_started, from->not_started);

	if (from->cells > 0)
	{
		cells = palloc(sizeof(int) * from->cells);
		for (int i = 0; i < from->cells; i++)
			cells[i] = times_cell(into, times_group(from, i), cell_stratum(from, i));
	}

	for (int i = 0; i < from->capacity; i++)
	{
		const TimeSlot *theirs = times_slot(from, i);
		TimeSlot *slot;

		CHECK_NOW_AND_THEN(i);
		if (!theirs->taken)
			continue;
		slot = slot_take(into, theirs->time, cells ? cells[theirs->cell] : 0);
		for (int what = 0; what < TIME_WHATS; what++)
		{
			count_add(&slot->rows[what], theirs->rows[what]);
			if ((*into)->flags & TIME_WEIGHTED)
			{
				TimeWeights *weights = (TimeWeights *) (slot + 1);
				bool wide = (from->flags & TIME_WEIGHTED) != 0;

				sum_add(&weights->sum[what], wide ? slot_amount(from, theirs, what)
												  : (int128) theirs->rows[what] * WEIGHT_ONE);
				sum_add(&weights->squares[what], wide ? slot_squares(from, theirs, what)
													  : (int128) theirs->rows[what] * WEIGHT_ONE);
			}
		}
	}
	if (cells)
		pfree(cells);
}

static int
compare_cells(const void *a, const void *b, void *arg)
{
	const TimeTable *table = arg;
	int one = *(const int *) a;
	int other = *(const int *) b;
	int by_stratum = tag_compare(cell_stratum(table, one), cell_stratum(table, other));

	return by_stratum != 0 ? by_stratum
						   : tag_compare(times_group(table, one), times_group(table, other));
}

typedef struct SlotKey
{
	double time;
	int32 stratum;
	int32 cell;
	int32 from;
} SlotKey;

static int
compare_keys(const void *a, const void *b, void *arg)
{
	const SlotKey *one = a;
	const SlotKey *other = b;

	if (one->stratum != other->stratum)
		return one->stratum < other->stratum ? -1 : 1;
	if (one->time != other->time)
		return one->time < other->time ? -1 : 1;
	return one->cell < other->cell ? -1 : one->cell > other->cell;
}

TimeTable *
times_sorted(const TimeTable *from)
{
	TimeTable *table = table_alloc((WireKind) from->header.kind, TIME_SORTED, from->flags,
								   from->used, from->cells, from->tag_bytes);
	int *order = palloc(sizeof(int) * Max(from->cells, 1));
	int *number = palloc0(sizeof(int) * Max(from->cells, 1));
	SlotKey *keys = palloc_extended(mul_size(sizeof(SlotKey), Max(from->used, 1)), MCXT_ALLOC_HUGE);
	int stratum = 0;
	int n = 0;

	table->used = from->used;
	table->cells = from->cells;
	table->option = from->option;
	table->parameter = from->parameter;
	table->unknown = from->unknown;
	table->never_at_risk = from->never_at_risk;
	table->not_started = from->not_started;

	/* Cells by stratum and group, in the order of their bytes. */
	for (int i = 0; i < from->cells; i++)
		order[i] = i;
	sort_any(order, from->cells, sizeof(int), compare_cells, unconstify(TimeTable *, from));
	for (int i = 0; i < from->cells; i++)
	{
		const TimeCell *old = times_cells(from) + order[i];
		TimeCell *cell = times_cells(table) + i;
		int bytes = Max(old->group_length, 0) + Max(old->stratum_length, 0);

		if (i > 0 &&
			tag_compare(cell_stratum(from, order[i - 1]), cell_stratum(from, order[i])) != 0)
			stratum++;
		number[order[i]] = i;
		*cell = *old;
		cell->head = cell->next = 0;
		cell->stratum = stratum;
		cell->offset = table->tag_bytes;
		memcpy(times_tags(table) + cell->offset, times_tags(from) + old->offset, bytes);
		table->tag_bytes += bytes;
	}

	for (int i = 0; i < from->capacity; i++)
	{
		const TimeSlot *slot = times_slot(from, i);

		CHECK_NOW_AND_THEN(i);
		if (!slot->taken)
			continue;
		keys[n].time = slot->time;
		keys[n].cell = from->cells > 0 ? number[slot->cell] : 0;
		keys[n].stratum = from->cells > 0 ? times_cells(table)[keys[n].cell].stratum : 0;
		keys[n].from = i;
		n++;
	}
	Assert(n == from->used);
	sort_any(keys, n, sizeof(SlotKey), compare_keys, NULL);
	for (int i = 0; i < n; i++)
	{
		CHECK_NOW_AND_THEN(i);
		memcpy(times_slot(table, i), times_slot(from, keys[i].from), times_slot_size(table));
		times_slot(table, i)->cell = keys[i].cell;
	}
	pfree(keys);
	pfree(order);
	pfree(number);
	return table;
}

/* ---- Bytes that come in ---- */

static void
check_slot(const TimeTable *table, const TimeSlot *slot)
{
	if (slot->taken != 1 || !isfinite(slot->time) || signbit(slot->time) || slot->cell < 0 ||
		slot->cell >= Max(table->cells, 1))
		wire_corrupt(table_name(table), "A time in it is none.");
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
	if (table->header.kind == WIRE_INCIDENCE)
	{
		bool here = table->cells > 0 && times_cells(table)[slot->cell].group_length < 0;

		if (slot->rows[TIME_ENTERED] != 0 || slot->rows[here ? TIME_CHURNED : TIME_CENSORED] != 0)
			wire_corrupt(table_name(table), "A cause in it has customers of another kind.");
	}
}

/*
 * No cell has more customers at risk than came, nor fewer than leave: rows of one cell in the order of their times.
 * The sums of all counts fit into 64 bits afterwards.
 */
static void
check_flow(const TimeTable *table)
{
	int cells = Max(table->cells, 1);
	int64 *rows = palloc0(sizeof(int64) * cells);
	int128 *amount = palloc0(sizeof(int128) * cells);
	int64 total = 0;
	int64 entered = 0;

	for (int i = 0; i < table->used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);
		int64 left = slot->rows[TIME_CHURNED];

		CHECK_NOW_AND_THEN(i);
		if (pg_add_s64_overflow(left, slot->rows[TIME_CENSORED], &left) ||
			pg_add_s64_overflow(total, left, &total) ||
			pg_add_s64_overflow(entered, slot->rows[TIME_ENTERED], &entered))
			wire_corrupt(table_name(table), "A count in it is too large.");
		rows[slot->cell] += left - slot->rows[TIME_ENTERED];
		amount[slot->cell] += slot_amount(table, slot, TIME_CHURNED) +
							  slot_amount(table, slot, TIME_CENSORED) -
							  slot_amount(table, slot, TIME_ENTERED);
	}
	for (int i = 0; i < table->used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		/* Those who entered at this time are at risk after it. */
		rows[slot->cell] -= slot->rows[TIME_CHURNED] + slot->rows[TIME_CENSORED];
		amount[slot->cell] -=
			slot_amount(table, slot, TIME_CHURNED) + slot_amount(table, slot, TIME_CENSORED);
		if (rows[slot->cell] < 0 || amount[slot->cell] < 0)
			wire_corrupt(table_name(table), "More customers leave in it than were there.");
		rows[slot->cell] += slot->rows[TIME_ENTERED];
		amount[slot->cell] += slot_amount(table, slot, TIME_ENTERED);
	}
	pfree(rows);
	pfree(amount);
}

static void
check_sorted(const TimeTable *table)
{
	const TimeCell *cells = times_cells(table);

	for (int i = 0; i < table->used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		check_slot(table, slot);
		if (i > 0)
		{
			const TimeSlot *before = times_slot(table, i - 1);
			SlotKey a = {before->time, 0, before->cell, 0};
			SlotKey b = {slot->time, 0, slot->cell, 0};

			if (table->cells > 0)
			{
				a.stratum = cells[before->cell].stratum;
				b.stratum = cells[slot->cell].stratum;
			}
			if (compare_keys(&a, &b, NULL) >= 0)
				wire_corrupt(table_name(table), "The times in it are out of order.");
		}
	}
	for (int i = 1; i < table->cells; i++)
	{
		int a = i - 1;
		int same = tag_compare(cell_stratum(table, a), cell_stratum(table, i)) == 0;

		if (compare_cells(&a, &i, unconstify(TimeTable *, table)) >= 0 ||
			cells[i].stratum != cells[a].stratum + !same)
			wire_corrupt(table_name(table), "The groups in it are out of order.");
	}
	if (table->cells > 0 && cells[0].stratum != 0)
		wire_corrupt(table_name(table), "The groups in it are out of order.");
	check_flow(table);
}

/* Everything that can be wrong with the bytes of a flat value. */
static void
check_table(const TimeTable *table)
{
	int64 texts = 0;
	const char *name = table_name(table);
	Size fixed = sizeof(TimeTable);
	int taken = 0;

	if ((table->form != TIME_SORTED && table->form != TIME_HASHED) ||
		(table->flags & ~(TIME_WEIGHTED | TIME_FRACTIONAL)) != 0 ||
		table->flags == TIME_FRACTIONAL || table->used < 0 || table->used > MAX_TIMES ||
		table->capacity < table->used || table->capacity > 2 * MAX_TIMES || table->cells < 0 ||
		table->cells > MAX_CELLS || table->cell_capacity < table->cells ||
		table->cell_capacity > 4 * MAX_CELLS || table->tag_bytes < 0 ||
		table->tag_bytes > table->tag_capacity || table->tag_capacity > 2 * MAX_LABEL_BYTES ||
		(table->form == TIME_SORTED && table->maker != 0) || table->unknown < 0 ||
		table->never_at_risk < 0 || table->not_started < 0)
		wire_corrupt(name, "A number at its front is out of range.");
	if (table_size(table->capacity, table->cell_capacity, table->tag_capacity, table->flags) !=
			VARSIZE(table) ||
		fixed > VARSIZE(table))
		wire_corrupt(name, "Its length is not that of its contents.");
	if ((table->header.kind == WIRE_SURVIVAL && table->cells != 0) ||
		(table->header.kind != WIRE_SURVIVAL && table->cells == 0 && table->used > 0) ||
		(table->header.kind != WIRE_LOGRANK && (table->option != 0 || table->parameter != 0)) ||
		!isfinite(table->parameter) || signbit(table->parameter) || table->option < 0 ||
		table->option > TEST_LAST ||
		(table->option != TEST_FLEMING_HARRINGTON && table->parameter != 0))
		wire_corrupt(name, "It has parts that its type has not.");

	for (int i = 0; i < table->cells; i++)
	{
		const TimeCell *cell = times_cells(table) + i;
		int64 end =
			(int64) cell->offset + Max(cell->group_length, 0) + Max(cell->stratum_length, 0);

		if (cell->offset < 0 || cell->group_length < -1 || cell->stratum_length < -1 ||
			end > table->tag_bytes || cell->stratum < 0 || cell->stratum >= table->cells)
			wire_corrupt(name, "A group in it is out of range.");
		if (cell->hash != hash_tag(times_group(table, i), cell_stratum(table, i)))
			wire_corrupt(name, "A group in it is out of range.");
		/* Texts that overlap would need more room in a copy than they say. */
		texts += end - cell->offset;
		if (texts > table->tag_bytes)
			wire_corrupt(name, "Its texts overlap each other.");
	}

	if (table->form == TIME_SORTED)
	{
		if (table->capacity != table->used || table->cell_capacity != table->cells ||
			table->tag_capacity != table->tag_bytes)
			wire_corrupt(name, "A number at its front is out of range.");
		check_sorted(table);
		return;
	}
	for (int i = 0; i < table->capacity; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		if (!slot->taken)
			continue;
		check_slot(table, slot);
		taken++;
	}
	if (taken != table->used)
		wire_corrupt(name, "Its times are not as many as it says.");
}

const TimeTable *
times_open(Datum value, WireKind kind)
{
	const TimeTable *table =
		flat_open(value, kind, TIMES_VERSION, sizeof(TimeTable), times_type_name(kind));

	check_table(table);
	return table;
}

const TimeTable *
times_open_sorted(Datum value, WireKind kind)
{
	const TimeTable *table = times_open(value, kind);

	if (table->form != TIME_SORTED)
	{
		table = times_sorted(table);
		check_sorted(table);
	}
	return table;
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

static void
put_tag(StringInfo out, Tag tag)
{
	wire_put_int(out, tag.length);
	if (tag.length > 0)
		wire_put_bytes(out, tag.bytes, tag.length);
}

static Tag
get_tag(WireReader *in)
{
	Tag tag;

	tag.length = (int) wire_get_int_between(in, -1, MAX_LABEL_BYTES);
	tag.bytes = wire_get_bytes(in, Max(tag.length, 0));
	if (tag.length > 0 && (memchr(tag.bytes, '\0', tag.length) != NULL ||
						   !pg_verifymbstr(tag.bytes, tag.length, true)))
		wire_corrupt(in->type_name, "A text in it is not text.");
	return tag;
}

void
times_write(const TimeTable *table, StringInfo out)
{
	Assert(table->form == TIME_SORTED);
	wire_begin(out, (WireKind) table->header.kind, TIMES_VERSION);
	wire_put_int(out, table->flags);
	wire_put_int(out, table->option);
	wire_put_double(out, table->parameter);
	wire_put_int(out, table->unknown);
	wire_put_int(out, table->never_at_risk);
	wire_put_int(out, table->not_started);
	wire_put_int(out, table->cells);
	for (int i = 0; i < table->cells; i++)
	{
		put_tag(out, times_group(table, i));
		put_tag(out, cell_stratum(table, i));
	}
	wire_put_int(out, table->used);
	for (int i = 0; i < table->used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		wire_put_double(out, slot->time);
		if (table->cells > 0)
			wire_put_int(out, slot->cell);
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

TimeTable *
times_read(const char *bytes, Size size, WireKind kind)
{
	WireReader in = wire_open(bytes, size, kind, TIMES_VERSION, times_type_name(kind));
	int flags = (int) wire_get_int_between(&in, 0, TIME_WEIGHTED | TIME_FRACTIONAL);
	int option = (int) wire_get_int_between(&in, 0, TEST_LAST);
	double parameter = wire_get_double(&in);
	int64 unknown = wire_get_int_between(&in, 0, PG_INT64_MAX);
	int64 never_at_risk = wire_get_int_between(&in, 0, PG_INT64_MAX);
	int64 not_started = wire_get_int_between(&in, 0, PG_INT64_MAX);
	TimeTable *table = table_alloc(kind, TIME_HASHED, flags, 1, 0, 0);
	TimeTable *sorted;
	int cells;
	int used;
	int stratum = 0;

	/* Tags first, in a table without slots; each takes two bytes at least, a time takes four. */
	cells = (int) wire_get_int_between(&in, 0, Min(MAX_CELLS, (in.end - in.at) / 2));
	for (int i = 0; i < cells; i++)
	{
		Tag group = get_tag(&in);
		Tag in_stratum = get_tag(&in);

		if (times_cell(&table, group, in_stratum) != i)
			wire_corrupt(in.type_name, "A group in it comes twice.");
	}

	used = (int) wire_get_int_between(&in, 0, Min(MAX_TIMES, (in.end - in.at) / 4));
	sorted = table_alloc(kind, TIME_SORTED, flags, used, cells, table->tag_bytes);
	sorted->option = option;
	sorted->parameter = parameter;
	sorted->unknown = unknown;
	sorted->never_at_risk = never_at_risk;
	sorted->not_started = not_started;
	sorted->used = used;
	sorted->cells = cells;
	sorted->tag_bytes = table->tag_bytes;
	memcpy(times_tags(sorted), times_tags(table), table->tag_bytes);
	for (int i = 0; i < cells; i++)
	{
		TimeCell *cell = times_cells(sorted) + i;

		*cell = times_cells(table)[i];
		cell->head = cell->next = 0;
		if (i > 0 && tag_compare(cell_stratum(table, i - 1), cell_stratum(table, i)) != 0)
			stratum++;
		cell->stratum = stratum;
	}
	for (int i = 0; i < used; i++)
	{
		TimeSlot *slot = times_slot(sorted, i);

		CHECK_NOW_AND_THEN(i);
		slot->time = wire_get_double(&in);
		slot->cell = cells > 0 ? (int32) wire_get_int_between(&in, 0, cells - 1) : 0;
		slot->taken = 1;
		for (int what = 0; what < TIME_WHATS; what++)
		{
			slot->rows[what] = wire_get_int_between(&in, 0, PG_INT64_MAX);
			if (flags & TIME_WEIGHTED)
			{
				TimeWeights *weights = (TimeWeights *) (slot + 1);

				weights->sum[what] = get_wide(&in);
				weights->squares[what] = get_wide(&in);
			}
		}
	}
	wire_end(&in);
	check_table(sorted);
	return sorted;
}
