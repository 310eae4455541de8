/*
 * cohort_value.c
 *		What cohorts are worth: counting customers, checks, wire form, reading cell by cell.
 */
#include "retention.h"

#include "base/check.h"
#include "base/mix.h"
#include "population/amount.h"
#include "time/elapsed.h"
#include "time/moment.h"
#include "value/cohort_value.h"

static const char *
type_name(WireKind kind)
{
	return COHORT_VALUE_TYPE;
}

typedef struct CellKey
{
	int64 cohort;
	int64 offset;
} CellKey;

static inline uint32
key_hash(int64 cohort, int64 offset)
{
	return (uint32) mix64(mix64(1, (uint64) cohort), (uint64) offset);
}

static uint32
slot_hash(const CountedSlot *base)
{
	const CohortValueSlot *slot = (const CohortValueSlot *) base;

	return key_hash(slot->cohort, slot->offset);
}

static inline bool
slot_same(const Counted *table, const CountedSlot *base, const void *key)
{
	const CohortValueSlot *slot = (const CohortValueSlot *) base;
	const CellKey *wanted = key;

	return slot->cohort == wanted->cohort && slot->offset == wanted->offset;
}

static void
slot_sort_key(const Counted *table, int item, const CountedSlot *base, uint64 *key)
{
	const CohortValueSlot *slot = (const CohortValueSlot *) base;

	key[0] = (uint64) slot->cohort ^ UINT64CONST(1) << 63;
	key[1] = (uint64) slot->offset;
}

static void merge(Counted **into, const Counted *from);
static void check_front(const Counted *counted);
static void check_item(const Counted *counted, const CountedItem *item);
static void check_slot(const Counted *counted, const CountedSlot *slot);
static void check_whole(const Counted *counted);

static const CountedType type = {
	.version = COHORT_VALUE_VERSION,
	.head_size = sizeof(CohortValue),
	.item_size = sizeof(CountedItem),
	.slot_size = sizeof(CohortValueSlot),
	.first_capacity = 8,
	.places_per_slot = 2,
	.name = type_name,
	.hash = slot_hash,
	.same = slot_same,
	.sort_key = slot_sort_key,
	.merge = merge,
	.check_front = check_front,
	.check_item = check_item,
	.check_slot = check_slot,
	.check_whole = check_whole,
};
const CountedType *const cohort_value_counted = &type;

static inline CohortValueSlot *
slot_at(const CohortValue *value, int number)
{
	return (CohortValueSlot *) ((char *) (value + 1) + sizeof(CohortValueSlot) * (Size) number);
}

static void
add_grid(Counted **table, const char *grid_text, int grid_length)
{
	CountedItem *item = counted_add_item(&type, table, 0, grid_length);

	memcpy(counted_tags(&type, *table) + item->tag.offset, grid_text, grid_length);
}

static Tag
grid_tag(const CohortValue *value)
{
	return counted_tag(&type, &value->base, counted_item(&type, &value->base, 0)->tag);
}

const Grid *
cohort_value_grid(const CohortValue *value)
{
	Tag grid = grid_tag(value);

	return grid_open_text(grid.bytes, grid.length);
}

void
cohort_value_check_grid(const Grid *grid)
{
	const char *option = grid->cohorts != GRID_FIRST			  ? "cohorts"
						 : grid->nbrackets > 0					  ? "brackets"
						 : gap_is_set(&grid->reactivation_within) ? "reactivation_within"
																  : NULL;

	if (option != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cohort_value does not take a grid with the option \"%s\"", option),
						errdetail("The grid is \"%s\".", grid->text)));
	if (grid->windows == GRID_ELAPSED && !grid->has_as_of)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cohort_value with elapsed windows needs an as_of"),
						errdetail("The grid is \"%s\".", grid->text),
						errhint("Set as_of in the grid: retention_grid(..., as_of => ...).")));
}

CohortValue *
cohort_value_new(TimeKind kind, const char *grid_text, int grid_length)
{
	Counted *table = counted_new(&type, WIRE_COHORT_VALUE, 1, grid_length);
	CohortValue *value;

	add_grid(&table, grid_text, grid_length);
	value = (CohortValue *) table;
	value->kind = kind;
	value->first = PG_INT64_MAX;
	value->latest = PG_INT64_MIN;
	return value;
}

/* ---- counting ---- */

static CohortValueSlot *
slot_of(CohortValue **value, int64 cohort, int64 offset)
{
	CellKey key = {cohort, offset};
	uint32 hash = key_hash(cohort, offset);
	CohortValueSlot *slot = (CohortValueSlot *) counted_find(&type, &(*value)->base, hash, &key);

	if (slot->base.taken)
		return slot;
	slot = (CohortValueSlot *) counted_add_slot(&type, (Counted **) value, hash, 0, 0);
	memset((char *) slot + sizeof(CountedSlot), 0, sizeof(CohortValueSlot) - sizeof(CountedSlot));
	slot->cohort = cohort;
	slot->offset = offset;
	return slot;
}

static void
add_cell(CohortValue **value, int64 cohort, int64 offset, bool came, int128 amount, int128 least)
{
	CohortValueSlot *slot;

	if (!came && amount == 0 && least == 0)
		return;
	slot = slot_of(value, cohort, offset);
	count_add(&slot->customers, came);
	wide_add(&slot->amount, amount);
	wide_add(&slot->least, least);
}

/* The kind of time in which windows are measured: elapsed days are not those that a clock shows. */
static TimeKind
clock_kind(const Grid *grid, TimeKind kind)
{
	return kind == TIME_LOCAL && grid->months == 0 ? TIME_INSTANT : kind;
}

/* What an event's value says. Bytes of a state may be any; beyond the end of time there are windows without end. */
static inline int64
checked_time(TimeKind kind, bool by_moment, const AmountEvent *event)
{
	if (unlikely(by_moment && !moment_is_valid(kind, event->event.value)))
		wire_corrupt("retention_population", "A moment in it is out of range.");
	return event->event.value;
}

void
cohort_value_add(CohortValue **value, const Grid *grid, bool by_moment, const AmountEvent *events,
				 int count)
{
	const bool elapsed = grid->windows == GRID_ELAPSED;
	const TimeKind kind = (TimeKind) (*value)->kind;
	const TimeKind clock = clock_kind(grid, kind);
	int128 first = 0;
	int64 cohort = 0;
	int64 start = 0;
	int64 offset = 0;
	int64 came = 0;
	int128 amount = 0;
	int i = 0;

	while (i < count && !(events[i].event.flags & EVENT_START))
		i++;
	if (i == count)
		return;
	start = checked_time(kind, by_moment, &events[i]);
	cohort = by_moment ? grid_period(grid, kind, start) : start;
	if (clock != kind && elapsed)
		start = zone_instant(grid->zone, start);

	/* One step more than there are events: the end of the last cell. */
	for (; i <= count; i++)
	{
		int64 here = offset;

		CHECK_NOW_AND_THEN(i);
		if (i < count)
		{
			int64 at = checked_time(kind, by_moment, &events[i]);

			if (elapsed)
				here = grid_elapsed(grid, clock, start,
									clock != kind ? zone_instant(grid->zone, at) : at);
			else
				here = (by_moment ? grid_period(grid, kind, at) : at) - cohort;
			/* Times that a clock shows twice may change their order. */
			here = Max(here, offset);
		}
		if (i == count || here > offset)
		{
			if (offset == 0)
			{
				first = amount;
				add_cell(value, cohort, 0, true, first, Min(first, 0));
			}
			else
				add_cell(value, cohort, offset, came >= grid->min_events, amount,
						 Min(first, amount) - Min(first, 0));
			came = 0;
			amount = 0;
			offset = here;
		}
		if (i < count)
		{
			count_add(&came, events[i].event.count);
			wide_add(&amount, events[i].amount);
		}
	}
	if (elapsed)
	{
		int64 as_of = grid_as_of(grid, kind);
		int64 whole;
		int64 begun;

		if (clock != kind)
			as_of = zone_instant(grid->zone, as_of);
		whole = Max(grid_elapsed(grid, clock, start, as_of), 0);
		begun = Max(whole + (grid_window_start(grid, clock, start, whole) < as_of), 1);
		count_add(&slot_of(value, cohort, whole)->whole, 1);
		count_add(&slot_of(value, cohort, begun)->begun, 1);
	}
}

static void
merge(Counted **into, const Counted *from)
{
	cohort_value_merge((CohortValue **) into, (const CohortValue *) from);
}

void
cohort_value_merge(CohortValue **into, const CohortValue *other)
{
	CohortValue *value = *into;
	Tag one = grid_tag(value);
	Tag two = grid_tag(other);

	if (tag_compare(one, two) != 0)
		grid_mismatch(pnstrdup(one.bytes, one.length), pnstrdup(two.bytes, two.length));
	if (value->kind != other->kind)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("values of cohorts with different time types cannot be combined"),
						errhint("Cast the times to one type.")));
	value->first = Min(value->first, other->first);
	value->latest = Max(value->latest, other->latest);
	value->decimals = Max(value->decimals, other->decimals);
	for (int i = 0; i < other->base.capacity; i++)
	{
		const CohortValueSlot *theirs = slot_at(other, i);
		CohortValueSlot *slot;

		CHECK_NOW_AND_THEN(i);
		if (!theirs->base.taken)
			continue;
		slot = slot_of(into, theirs->cohort, theirs->offset);
		count_add(&slot->customers, theirs->customers);
		count_add(&slot->begun, theirs->begun);
		count_add(&slot->whole, theirs->whole);
		wide_add(&slot->amount, theirs->amount);
		wide_add(&slot->least, theirs->least);
	}
}

/* ---- bytes that come in ---- */

static void
check_front(const Counted *counted)
{
	const CohortValue *value = (const CohortValue *) counted;

	if (counted->items != 1 || value->kind < TIME_DATE || value->kind > TIME_INSTANT ||
		value->decimals < 0 || value->decimals > AMOUNT_DECIMALS ||
		(counted->used > 0 &&
		 (value->first > value->latest || !moment_is_valid((TimeKind) value->kind, value->first) ||
		  !moment_is_valid((TimeKind) value->kind, value->latest))))
		wire_corrupt(COHORT_VALUE_TYPE, "A number at its front is out of range.");
}

static void
check_item(const Counted *counted, const CountedItem *item)
{
	if (item->hash != 0 || item->tag.length <= 0 || item->tag.length > PG_INT16_MAX)
		wire_corrupt(COHORT_VALUE_TYPE, "Its grid is impossible.");
}

static void
check_slot(const Counted *counted, const CountedSlot *base)
{
	const CohortValueSlot *slot = (const CohortValueSlot *) base;

	if (slot->offset < 0 || slot->customers < 0 || slot->begun < 0 || slot->whole < 0 ||
		(slot->offset == 0 && (slot->customers == 0 || slot->least > 0)))
		wire_corrupt(COHORT_VALUE_TYPE, "A counter in it is impossible.");
}

/* In order: each cohort has its customers, and nobody comes back before the first or after the latest row. */
static void
check_whole(const Counted *counted)
{
	const CohortValue *value = (const CohortValue *) counted;
	const CohortValueSlot *cohort = NULL;
	const Grid *grid = cohort_value_grid(value);
	int64 first;
	int64 last;
	int64 begun = 0;
	int64 whole = 0;

	cohort_value_check_grid(grid);
	if (counted->form != COUNTED_SORTED || counted->used == 0)
		return;
	first = grid_period(grid, (TimeKind) value->kind, value->first);
	last = grid_period(grid, (TimeKind) value->kind, value->latest);
	for (int i = 0; i < counted->used; i++)
	{
		const CohortValueSlot *slot = slot_at(value, i);
		bool ends = i + 1 == counted->used || slot_at(value, i + 1)->cohort != slot->cohort;
		bool fine;

		CHECK_NOW_AND_THEN(i);
		if (slot->offset == 0)
		{
			cohort = slot;
			begun = whole = 0;
		}
		fine = cohort != NULL && cohort->cohort == slot->cohort &&
			   slot->customers <= cohort->customers && slot->begun <= cohort->customers - begun &&
			   slot->whole <= cohort->customers - whole;
		if (fine)
		{
			begun += slot->begun;
			whole += slot->whole;
			/* A clock that is set back shows a period before the latest. */
			fine = grid->windows == GRID_ELAPSED
					   ? slot->cohort >= first - 1 && slot->cohort <= last + 1 &&
							 (!ends || (begun == cohort->customers && whole == cohort->customers))
					   : slot->cohort >= first - 1 && slot->offset <= last + 1 - slot->cohort &&
							 begun == 0 && whole == 0;
		}
		if (!fine)
			wire_corrupt(COHORT_VALUE_TYPE, "A cohort in it is impossible.");
	}
}

/* ---- wire form ---- */

void
cohort_value_write(Datum datum, StringInfo out)
{
	const CohortValue *value = cohort_value_open(datum);

	wire_begin(out, WIRE_COHORT_VALUE, COHORT_VALUE_VERSION);
	wire_put_int(out, value->kind);
	wire_put_tag(out, grid_tag(value));
	wire_put_ints(out, value->decimals, value->first, value->latest, value->base.used);
	for (int i = 0; i < value->base.used; i++)
	{
		const CohortValueSlot *slot = slot_at(value, i);

		CHECK_NOW_AND_THEN(i);
		wire_put_ints(out, slot->cohort, slot->offset, slot->customers, slot->begun, slot->whole);
		wire_put_wide(out, slot->amount);
		wire_put_wide(out, slot->least);
	}
}

void *
cohort_value_read(const char *bytes, Size size)
{
	WireReader in =
		wire_open(bytes, size, WIRE_COHORT_VALUE, COHORT_VALUE_VERSION, COHORT_VALUE_TYPE);
	int32 kind = (int32) wire_get_int_between(&in, TIME_DATE, TIME_INSTANT);
	Tag grid = wire_get_tag(&in, 1, PG_INT16_MAX);
	int32 decimals = (int32) wire_get_int_between(&in, 0, AMOUNT_DECIMALS);
	int64 first = wire_get_int(&in);
	int64 latest = wire_get_int(&in);
	int64 used = wire_get_int_between(&in, 0, (in.end - in.at) / 7);
	Counted *counted = counted_alloc(&type, WIRE_COHORT_VALUE, COUNTED_SORTED,
									 sizeof(CohortValueSlot), used, 1, grid.length);
	CohortValue *value = (CohortValue *) counted;

	add_grid(&counted, grid.bytes, grid.length);
	value->kind = kind;
	value->decimals = decimals;
	value->first = first;
	value->latest = latest;
	for (int64 i = 0; i < used; i++)
	{
		CohortValueSlot *slot = (CohortValueSlot *) counted_add_slot(&type, &counted, 0, 0, 0);

		CHECK_NOW_AND_THEN(i);
		slot->cohort = wire_get_int(&in);
		slot->offset = wire_get_int(&in);
		slot->customers = wire_get_int(&in);
		slot->begun = wire_get_int(&in);
		slot->whole = wire_get_int(&in);
		slot->amount = wire_get_wide(&in);
		slot->least = wire_get_wide(&in);
	}
	wire_end(&in);
	counted_check(&type, counted);
	return counted;
}

/* ---- reading ---- */

const CohortValue *
cohort_value_open(Datum datum)
{
	return (const CohortValue *) counted_open(&type, datum, WIRE_COHORT_VALUE);
}

CohortValueReader
cohort_value_read_cells(const CohortValue *value)
{
	CohortValueReader reader = {.value = value, .grid = cohort_value_grid(value)};
	TimeKind kind = (TimeKind) value->kind;

	if (value->base.used > 0)
	{
		/* Without as_of, the latest row is the last that is known. */
		int64 as_of = reader.grid->has_as_of ? grid_as_of(reader.grid, kind) : value->latest + 1;

		reader.begun = grid_period(reader.grid, kind, as_of - 1);
		reader.complete =
			reader.begun - (grid_period_start(reader.grid, kind, reader.begun + 1) > as_of);
	}
	return reader;
}

static const CohortValueSlot *
slot_here(const CohortValueReader *reader, int64 cohort)
{
	const CohortValueSlot *slot;

	if (reader->next >= reader->value->base.used)
		return NULL;
	slot = slot_at(reader->value, reader->next);
	return slot->cohort == cohort ? slot : NULL;
}

/* The numbers of the cell of the reader from its slot, if it has one. False: it has not begun for anybody. */
static bool
fill_cell(CohortValueReader *reader)
{
	CohortValueCell *cell = &reader->cell;
	const CohortValueSlot *slot = slot_here(reader, cell->cohort);
	bool elapsed = reader->grid->windows == GRID_ELAPSED;

	if (slot != NULL && slot->offset != cell->offset)
		slot = NULL;
	if (slot != NULL && elapsed)
	{
		reader->not_begun += slot->begun;
		reader->not_whole += slot->whole;
	}
	cell->at_risk = elapsed ? cell->size - reader->not_begun : cell->size;
	cell->observed =
		elapsed ? reader->not_whole == 0 : cell->cohort + cell->offset <= reader->complete;
	if (elapsed ? cell->at_risk <= 0 : cell->cohort + cell->offset > reader->begun)
		return false;
	cell->retained = slot != NULL ? slot->customers : 0;
	cell->amount = slot != NULL ? slot->amount : 0;
	cell->least = cell->offset == 0 ? cell->amount : reader->negative;
	if (slot != NULL && cell->offset > 0)
		wide_add(&cell->least, slot->least);
	wide_add(&cell->cumulative, cell->amount);
	reader->next += slot != NULL;
	return true;
}

const CohortValueCell *
cohort_value_next(CohortValueReader *reader)
{
	CohortValueCell *cell = &reader->cell;

	if (reader->inside)
	{
		if (++cell->offset > MAX_PERIODS)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("a cohort has at most %d periods up to as_of", MAX_PERIODS),
							errhint("Use a coarser grid or an earlier as_of.")));
		if (fill_cell(reader))
			return cell;
		/* The slots that are left count windows that have not begun. */
		while (slot_here(reader, cell->cohort) != NULL)
			reader->next++;
		reader->inside = false;
	}
	while (reader->next < reader->value->base.used)
	{
		const CohortValueSlot *slot = slot_at(reader->value, reader->next);

		*cell = (CohortValueCell){
			.cohort = slot->cohort, .size = slot->customers, .first = slot->amount};
		reader->negative = slot->least;
		reader->not_begun = reader->not_whole = 0;
		reader->inside = true;
		if (fill_cell(reader))
			return cell;
		while (slot_here(reader, slot->cohort) != NULL)
			reader->next++;
		reader->inside = false;
	}
	return NULL;
}
