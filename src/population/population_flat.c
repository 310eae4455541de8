/*
 * population_flat.c
 *		The flat form of a population: reading, writing and checking it.
 */
#include "retention.h"

#include "population/amount.h"
#include "population/population_flat.h"

/* One entry of a small log, for sorting. */
typedef struct FlatEntry
{
	KeyKind kind;
	CustomerKey key;
	int first; /* of its events */
	int count;
} FlatEntry;

static int
compare_entries(const FlatEntry *one, const FlatEntry *other)
{
	return key_compare(one->kind, &one->key, &other->key);
}

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE FlatEntry
#define ST_COMPARE(x, y) compare_entries(x, y)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* ---- the value ---- */

static EventShape
shape_of(int32 cap, int bits)
{
	return (EventShape){.cap = cap,
						.more_flags = (int16) (bits & ~FLAT_HAS_AMOUNT),
						.has_amount = (bits & FLAT_HAS_AMOUNT) != 0};
}

/*
 * Whether the events of an aggregate may have this shape. Final functions rely on it, for stored bytes may claim
 * anything: an aggregate with amounts or more flags is named here.
 */
static bool
is_shape_of(char aggregate, int bits)
{
	if (aggregate == AGGREGATE_EVENTS)
		return bits == (EVENT_MORE_FLAGS | FLAT_HAS_AMOUNT);
	if (aggregate == AGGREGATE_VALUE || aggregate == AGGREGATE_COMPARISON ||
		aggregate == AGGREGATE_COHORT_VALUE || aggregate == AGGREGATE_COHORT_VALUE_FLAGS)
		return bits == FLAT_HAS_AMOUNT;
	if (aggregate == AGGREGATE_MRR || aggregate == AGGREGATE_REVENUE ||
		aggregate == AGGREGATE_REVENUE_OF)
		return bits == FLAT_HAS_AMOUNT;
	if (aggregate == AGGREGATE_COHORT_MAY)
		return bits == 1;
	return bits == 0;
}

static EventShape
flat_shape(const FlatPopulation *flat)
{
	return shape_of(flat->cap, flat->shape);
}

void
flat_set_identity(FlatPopulation *flat, const PopulationIdentity *identity)
{
	flat->aggregate = identity->aggregate;
	flat->key = (uint8) identity->key;
	flat->kind = (uint8) identity->kind;
	flat->cap = identity->shape.cap;
	flat->shape =
		(uint8) (identity->shape.more_flags | (identity->shape.has_amount ? FLAT_HAS_AMOUNT : 0));
	flat->tag_length = identity->tag_length;
	memcpy(flat->data, identity->tag, identity->tag_length);
}

FlatPopulation *
flat_create(const PopulationIdentity *identity, Size capacity)
{
	Size used = offsetof(FlatPopulation, data) + identity->tag_length;
	FlatPopulation *flat = palloc0(used + capacity);

	flat_mark(flat, WIRE_POPULATION, POPULATION_FLAT_VERSION, used + capacity);
	flat_set_identity(flat, identity);
	flat->used = (int32) used;
	flat->totals.first = PG_INT64_MAX;
	flat->totals.latest = PG_INT64_MIN;
	return flat;
}

FlatPopulation *
flat_check(FlatPopulation *flat)
{
	const PopulationTotals *totals = &flat->totals;

	if (flat->key > KEY_TEXT || flat->kind > TIME_INSTANT ||
		!is_shape_of(flat->aggregate, flat->shape) || flat->cap < 0 || flat->aggregate < 'A' ||
		flat->aggregate > 'Z' || flat->tag_length < 0 || flat->tag_length > TAG_LONGEST ||
		flat->used < 0 || flat->used > VARSIZE(flat) ||
		flat->used < offsetof(FlatPopulation, data) + flat->tag_length)
		wire_corrupt(POPULATION_NAME, "Its identity is impossible.");
	if (totals->rows < 0 || totals->ignored < 0 || totals->ignored > totals->rows ||
		totals->decimals < 0 || totals->decimals > AMOUNT_DECIMALS ||
		(totals->first > totals->latest &&
		 (totals->first != PG_INT64_MAX || totals->latest != PG_INT64_MIN)))
		wire_corrupt(POPULATION_NAME, "Its totals are impossible.");
	return flat;
}

FlatPopulation *
flat_argument(Datum value)
{
	return flat_check(flat_open(value, WIRE_POPULATION, POPULATION_FLAT_VERSION,
								offsetof(FlatPopulation, data), POPULATION_NAME));
}

PopulationIdentity
flat_identity(const FlatPopulation *flat)
{
	return (PopulationIdentity){.aggregate = flat->aggregate,
								.key = (KeyKind) flat->key,
								.kind = (TimeKind) flat->kind,
								.shape = flat_shape(flat),
								.tag = flat->data,
								.tag_length = flat->tag_length};
}

WireReader
flat_log(const FlatPopulation *flat)
{
	return (WireReader){.type_name = POPULATION_NAME, .at = FLAT_LOG(flat), .end = FLAT_END(flat)};
}

void
flat_each(const FlatPopulation *flat, EntryVisitor visitor, void *argument)
{
	const EventShape shape = flat_shape(flat);
	WireReader in = flat_log(flat);
	EventBuffer buffer = {0};

	while (in.at < in.end)
	{
		CustomerKey key = entry_read_key(&in, (KeyKind) flat->key);
		int count = events_read(&shape, &in, &buffer.events, &buffer.capacity, 0);

		CHECK_FOR_INTERRUPTS();
		visitor(argument, &key, buffer.events, count);
	}
	if (buffer.events != NULL)
		pfree(buffer.events);
}

FlatPopulation *
flat_reserve(FlatPopulation *flat, Size more)
{
	FlatPopulation *grown;
	Size head = offsetof(FlatPopulation, data) + flat->tag_length;
	Size size;

	if (likely(VARSIZE(flat) - flat->used >= more))
		return flat;
	if (more > FLAT_LIMIT || flat->used - head + more > FLAT_LIMIT)
		return NULL;
	size = Max(2 * VARSIZE(flat), MAXALIGN(flat->used + more));
	size = Min(size, MAXALIGN(head + FLAT_LIMIT));
	grown = palloc0(size);
	memcpy(grown, flat, flat->used);
	SET_VARSIZE(grown, size);
	return grown;
}

void
flat_each_merged(const FlatPopulation *flat, EntryVisitor visitor, void *argument)
{
	const EventShape shape = flat_shape(flat);
	WireReader in = flat_log(flat);
	EventBuffer all = {0};
	EventBuffer one = {0};
	int used = 0;
	int capacity = 64;
	int n = 0;
	FlatEntry *entries = palloc(capacity * sizeof(FlatEntry));

	while (in.at < in.end)
	{
		FlatEntry *entry;

		if (n == capacity)
		{
			capacity *= 2;
			entries = repalloc(entries, capacity * sizeof(FlatEntry));
		}
		entry = &entries[n++];
		entry->kind = (KeyKind) flat->key;
		entry->key = entry_read_key(&in, entry->kind);
		entry->first = used;
		entry->count = events_read(&shape, &in, &all.events, &all.capacity, used);
		used += entry->count;
	}
	if (n > 1)
		sort_entries(entries, n);

	for (int i = 0; i < n;)
	{
		const FlatEntry *entry = &entries[i++];
		int count = entry->count;

		CHECK_FOR_INTERRUPTS();
		if (i == n || compare_entries(entry, &entries[i]) != 0)
		{
			visitor(argument, &entry->key, event_at(&shape, all.events, entry->first), count);
			continue;
		}
		if (one.events == NULL)
			one.events = palloc(used * event_size(&shape));
		memcpy(one.events, event_at(&shape, all.events, entry->first), count * event_size(&shape));
		for (; i < n && compare_entries(entry, &entries[i]) == 0; i++)
		{
			memcpy(event_at(&shape, one.events, count),
				   event_at(&shape, all.events, entries[i].first),
				   entries[i].count * event_size(&shape));
			count += entries[i].count;
		}
		count = events_normalise(&shape, one.events, count);
		visitor(argument, &entry->key, one.events, count);
	}
	pfree(entries);
	if (all.events != NULL)
		pfree(all.events);
	if (one.events != NULL)
		pfree(one.events);
}

/* ---- wire form ---- */

void
flat_write(StringInfo out, Datum value)
{
	FlatPopulation *flat = flat_argument(value);

	wire_begin(out, WIRE_POPULATION, POPULATION_WIRE_VERSION);
	wire_put_ints(out, flat->aggregate, flat->key, flat->kind, flat->cap, flat->shape,
				  flat->totals.rows, flat->totals.ignored, flat->totals.first, flat->totals.latest,
				  flat->totals.decimals, flat->tag_length);
	wire_put_bytes(out, flat->data, flat->tag_length);
	wire_put_int(out, FLAT_END(flat) - FLAT_LOG(flat));
	wire_put_bytes(out, FLAT_LOG(flat), FLAT_END(flat) - FLAT_LOG(flat));
}

static void
check_entry(void *argument, const CustomerKey *key, Event *events, int count)
{
	/* Reading it was the check. */
}

FlatPopulation *
flat_read(const char *bytes, Size size)
{
	WireReader in =
		wire_open(bytes, size, WIRE_POPULATION, POPULATION_WIRE_VERSION, POPULATION_NAME);
	PopulationIdentity identity;
	PopulationTotals totals;
	FlatPopulation *flat;
	int32 cap;
	Size log;

	identity.aggregate = (char) wire_get_int_between(&in, 'A', 'Z');
	identity.key = (KeyKind) wire_get_int_between(&in, KEY_NONE, KEY_TEXT);
	identity.kind = (TimeKind) wire_get_int_between(&in, TIME_DATE, TIME_INSTANT);
	cap = (int32) wire_get_int_between(&in, 0, PG_INT32_MAX);
	identity.shape = shape_of(cap, (int) wire_get_int_between(&in, 0, PG_UINT8_MAX));
	totals.rows = wire_get_int(&in);
	totals.ignored = wire_get_int(&in);
	totals.first = wire_get_int(&in);
	totals.latest = wire_get_int(&in);
	totals.decimals = wire_get_int(&in);
	identity.tag_length = (int) wire_get_int_between(&in, 0, TAG_LONGEST);
	identity.tag = wire_get_bytes(&in, identity.tag_length);
	log = (Size) wire_get_int_between(&in, 0, FLAT_LARGEST);
	bytes = wire_get_bytes(&in, log);
	wire_end(&in);

	flat = flat_create(&identity, log);
	flat->totals = totals;
	flat->used += (int32) log;
	memcpy(FLAT_LOG(flat), bytes, log);
	flat_each(flat_check(flat), check_entry, NULL);
	return flat;
}
