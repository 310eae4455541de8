/*
 * population_flat.c
 *		The flat form of a population: entries one after the other, in the order in which they came.
 */
#include "retention.h"

#include "common/hashfn.h"
#include "population/population_internal.h"

/* One entry of a small log, for sorting. */
typedef struct FlatEntry
{
	KeyKind kind;
	Key key;
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

/* ---- keys and entries ---- */

Key
key_of_int64(int64 value)
{
	return (Key){.a = (uint64) value};
}

Key
key_of_bytes(KeyKind kind, const void *bytes, Size size)
{
	Key key = {0};

	if (kind == KEY_UUID)
	{
		Assert(size == 16);
		memcpy(&key.a, bytes, 8);
		memcpy(&key.b, (const char *) bytes + 8, 8);
		return key;
	}
	key.a = hash_bytes_extended(bytes, (int) size, 0);
	key.b = size;
	key.bytes = bytes;
	return key;
}

/* The order of runs; it means nothing to users. */
int
key_compare(KeyKind kind, const Key *one, const Key *other)
{
	if (one->a != other->a)
		return one->a < other->a ? -1 : 1;
	if (one->b != other->b)
		return one->b < other->b ? -1 : 1;
	return kind == KEY_TEXT ? memcmp(one->bytes, other->bytes, one->b) : 0;
}

void
entry_write(StringInfo out, KeyKind kind, const Key *key, const Event *events, int count)
{
	switch (kind)
	{
		case KEY_NONE:
			break;
		case KEY_INT64:
			wire_put_int(out, (int64) key->a);
			break;
		case KEY_UUID:
			wire_put_bytes(out, &key->a, 8);
			wire_put_bytes(out, &key->b, 8);
			break;
		case KEY_TEXT:
			wire_put_int(out, (int64) key->b);
			wire_put_bytes(out, key->bytes, key->b);
			break;
	}
	history_write(out, events, count);
}

/* The key at the front of an entry; its bytes stay where they are. */
Key
entry_read_key(WireReader *in, KeyKind kind)
{
	Size size;

	switch (kind)
	{
		case KEY_NONE:
			break;
		case KEY_INT64:
			return key_of_int64(wire_get_int(in));
		case KEY_UUID:
			return key_of_bytes(kind, wire_get_bytes(in, 16), 16);
		case KEY_TEXT:
			size = (Size) wire_get_int_between(in, 0, MaxAllocSize);
			return key_of_bytes(kind, wire_get_bytes(in, size), size);
	}
	return (Key){0};
}

/* ---- flat ---- */

/* A new flat population with room for so many bytes of log. In the current context. */
FlatPopulation *
flat_create(const PopulationIdentity *identity, Size capacity)
{
	Size used = offsetof(FlatPopulation, data) + identity->tag_length;
	FlatPopulation *flat = palloc0(used + capacity);

	flat_mark(flat, WIRE_POPULATION, POPULATION_FLAT_VERSION, used + capacity);
	flat->aggregate = identity->aggregate;
	flat->key = (uint8) identity->key;
	flat->kind = (uint8) identity->kind;
	flat->cap = identity->cap;
	flat->tag_length = identity->tag_length;
	flat->used = (int32) used;
	flat->totals.first = PG_INT64_MAX;
	flat->totals.latest = PG_INT64_MIN;
	memcpy(flat->data, identity->tag, identity->tag_length);
	return flat;
}

/* Everything but the entries, which are checked where they are read. Returns its argument. */
FlatPopulation *
flat_check(FlatPopulation *flat)
{
	const PopulationTotals *totals = &flat->totals;

	if (flat->key > KEY_TEXT || flat->kind > TIME_INSTANT || flat->zero != 0 || flat->cap < 0 ||
		flat->aggregate < 'A' || flat->aggregate > 'Z' || flat->tag_length < 0 ||
		flat->tag_length > TAG_LONGEST || flat->used < 0 || flat->used > VARSIZE(flat) ||
		flat->used < offsetof(FlatPopulation, data) + flat->tag_length)
		wire_corrupt(POPULATION_NAME, "Its identity is impossible.");
	if (totals->rows < 0 || totals->ignored < 0 || totals->ignored > totals->rows ||
		(totals->first > totals->latest &&
		 (totals->first != PG_INT64_MAX || totals->latest != PG_INT64_MIN)))
		wire_corrupt(POPULATION_NAME, "Its totals are impossible.");
	return flat;
}

/* The flat value of an argument: not to be changed. */
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
								.cap = flat->cap,
								.tag = flat->data,
								.tag_length = flat->tag_length};
}

WireReader
flat_log(const FlatPopulation *flat)
{
	return (WireReader){.type_name = POPULATION_NAME, .at = FLAT_LOG(flat), .end = FLAT_END(flat)};
}

/* Each entry of a log, equal keys not put together. */
void
flat_each(const FlatPopulation *flat, EntryVisitor visitor, void *argument)
{
	WireReader in = flat_log(flat);
	Scratch scratch = {0};

	while (in.at < in.end)
	{
		Key key = entry_read_key(&in, (KeyKind) flat->key);
		int count = history_read(&in, flat->cap, &scratch.events, &scratch.capacity);

		CHECK_FOR_INTERRUPTS();
		visitor(argument, &key, scratch.events, count);
	}
	if (scratch.events != NULL)
		pfree(scratch.events);
}

/*
 * Room for more bytes in the flat log, or false where it has become too long. A new flat value is made in the current
 * context: the executor copies it into its own and frees the old one.
 */
bool
flat_reserve(Population *population, Size more)
{
	FlatPopulation *flat = population->flat;
	FlatPopulation *grown;
	Size head = offsetof(FlatPopulation, data) + flat->tag_length;
	Size size;

	if (likely(VARSIZE(flat) - flat->used >= more))
		return true;
	if (more > FLAT_LIMIT || flat->used - head + more > FLAT_LIMIT)
		return false;
	size = Max(2 * VARSIZE(flat), MAXALIGN(flat->used + more));
	size = Min(size, MAXALIGN(head + FLAT_LIMIT));
	grown = palloc0(size);
	memcpy(grown, flat, flat->used);
	SET_VARSIZE(grown, size);
	population->flat = grown;
	population->identity.tag = grown->data;
	return true;
}

/* The same with equal keys put together, for small logs: sorts the entries. */
void
flat_each_merged(const FlatPopulation *flat, EntryVisitor visitor, void *argument)
{
	WireReader in = flat_log(flat);
	Scratch all = {0};
	Scratch one = {0};
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
		entry->count = history_read_after(&in, flat->cap, &all.events, &all.capacity, used);
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
			visitor(argument, &entry->key, all.events + entry->first, count);
			continue;
		}
		if (one.events == NULL)
			one.events = palloc(used * sizeof(Event));
		memcpy(one.events, all.events + entry->first, count * sizeof(Event));
		for (; i < n && compare_entries(entry, &entries[i]) == 0; i++)
		{
			memcpy(one.events + count, all.events + entries[i].first,
				   entries[i].count * sizeof(Event));
			count += entries[i].count;
		}
		count = history_normalise(one.events, count, flat->cap);
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
population_write(StringInfo out, Datum value)
{
	FlatPopulation *flat = flat_argument(value);

	wire_begin(out, WIRE_POPULATION, POPULATION_WIRE_VERSION);
	wire_put_int(out, flat->aggregate);
	wire_put_int(out, flat->key);
	wire_put_int(out, flat->kind);
	wire_put_int(out, flat->cap);
	wire_put_int(out, flat->totals.rows);
	wire_put_int(out, flat->totals.ignored);
	wire_put_int(out, flat->totals.first);
	wire_put_int(out, flat->totals.latest);
	wire_put_int(out, flat->tag_length);
	wire_put_bytes(out, flat->data, flat->tag_length);
	wire_put_int(out, FLAT_END(flat) - FLAT_LOG(flat));
	wire_put_bytes(out, FLAT_LOG(flat), FLAT_END(flat) - FLAT_LOG(flat));
}

static void
check_entry(void *argument, const Key *key, Event *events, int count)
{
	/* Reading it was the check. */
}

FlatPopulation *
population_read(const char *bytes, Size size)
{
	WireReader in =
		wire_open(bytes, size, WIRE_POPULATION, POPULATION_WIRE_VERSION, POPULATION_NAME);
	PopulationIdentity identity;
	PopulationTotals totals;
	FlatPopulation *flat;
	Size log;

	identity.aggregate = (char) wire_get_int_between(&in, 'A', 'Z');
	identity.key = (KeyKind) wire_get_int_between(&in, KEY_NONE, KEY_TEXT);
	identity.kind = (TimeKind) wire_get_int_between(&in, TIME_DATE, TIME_INSTANT);
	identity.cap = (int32) wire_get_int_between(&in, 0, PG_INT32_MAX);
	totals.rows = wire_get_int(&in);
	totals.ignored = wire_get_int(&in);
	totals.first = wire_get_int(&in);
	totals.latest = wire_get_int(&in);
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
