/*
 * renewals.c
 *		The state of fit_renewal_model(): how many of each cohort were there at each renewal.
 */
#include "retention.h"

#include "base/check.h"
#include "base/mix.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "model/model.h"

static const char *
name_of(WireKind kind)
{
	return RENEWALS_TYPE;
}

typedef struct RenewalKey
{
	int64 renewal;
	int cohort;
} RenewalKey;

static uint32
key_hash(int64 renewal, int cohort)
{
	return (uint32) mix64((uint64) renewal, (uint64) cohort);
}

static uint32
slot_hash(const CountedSlot *slot)
{
	return key_hash(((const RenewalSlot *) slot)->renewal, slot->item);
}

static bool
slot_same(const Counted *table, const CountedSlot *slot, const void *key)
{
	const RenewalKey *wanted = key;

	return ((const RenewalSlot *) slot)->renewal == wanted->renewal && slot->item == wanted->cohort;
}

static const CountedType type;

static Tag
cohort_tag(const Counted *table, int number)
{
	return counted_tag(&type, table, counted_item(&type, table, number)->tag);
}

static int
compare_cohorts(const Counted *table, int one, int other)
{
	return tag_compare(cohort_tag(table, one), cohort_tag(table, other));
}

static void
slot_sort_key(const Counted *table, int item, const CountedSlot *slot, uint64 *key)
{
	key[0] = (uint64) item;
	key[1] = (uint64) ((const RenewalSlot *) slot)->renewal;
}

static uint32
name_hash(Tag tag)
{
	return tag.length < 0 ? 1 : hash_bytes((const unsigned char *) tag.bytes, tag.length);
}

static void
check_front(const Counted *table)
{
	if (table->used > MAX_RENEWAL_ROWS || table->items > MAX_RENEWAL_COHORTS ||
		table->tag_bytes > MAX_RENEWAL_TAG_BYTES || (table->items == 0 && table->used > 0))
		wire_corrupt(RENEWALS_TYPE, "A number at its front is out of range.");
}

static void
check_item(const Counted *table, const CountedItem *item)
{
	Tag tag = counted_tag(&type, table, item->tag);

	if (tag.length < -1)
		wire_corrupt(RENEWALS_TYPE, "The length of a name is out of range.");
	wire_check_text(RENEWALS_TYPE, tag);
	if (item->hash != name_hash(tag))
		wire_corrupt(RENEWALS_TYPE, "The hash of a name is not its own.");
}

static void
check_slot(const Counted *table, const CountedSlot *base)
{
	const RenewalSlot *slot = (const RenewalSlot *) base;

	if (slot->renewal < 0 || slot->renewal > PG_INT32_MAX || slot->alive < 0)
		wire_corrupt(RENEWALS_TYPE, "A number of customers or a renewal in it is out of range.");
}

static void
check_whole(const Counted *table)
{
}

static void merge(Counted **into, const Counted *from);

static const CountedType type = {
	.version = RENEWALS_VERSION,
	.head_size = sizeof(Renewals),
	.item_size = sizeof(CountedItem),
	.slot_size = sizeof(RenewalSlot),
	.first_capacity = 16,
	.places_per_slot = 2,
	.name = name_of,
	.hash = slot_hash,
	.same = slot_same,
	.compare_items = compare_cohorts,
	.sort_key = slot_sort_key,
	.merge = merge,
	.check_front = check_front,
	.check_item = check_item,
	.check_slot = check_slot,
	.check_whole = check_whole,
};

Renewals *
renewals_new(void)
{
	return (Renewals *) counted_new(&type, WIRE_RENEWALS, 0, 0);
}

static void
fill_tag(const Counted *table, CountedItem *item, Tag tag)
{
	if (tag.length > 0)
		memcpy(counted_tags(&type, table) + item->tag.offset, tag.bytes, tag.length);
}

static int
find_cohort(Counted **table, Tag cohort)
{
	uint32 hash = name_hash(cohort);
	CountedItem *item;

	for (int i = counted_first_item(&type, *table, hash); i >= 0;
		 i = counted_item(&type, *table, i)->next - 1)
		if (counted_item(&type, *table, i)->hash == hash &&
			tag_compare(cohort_tag(*table, i), cohort) == 0)
			return i;
	if ((*table)->items >= MAX_RENEWAL_COHORTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a renewal model is fitted to at most %d cohorts", MAX_RENEWAL_COHORTS)));
	if ((int64) (*table)->tag_bytes + Max(cohort.length, 0) > MAX_RENEWAL_TAG_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the names of the cohorts take more than %d bytes",
							   MAX_RENEWAL_TAG_BYTES)));
	item = counted_add_item(&type, table, hash, cohort.length);
	fill_tag(*table, item, cohort);
	return (*table)->items - 1;
}

static void
count_renewal(Counted **table, int cohort, int64 renewal, int64 alive)
{
	RenewalKey key = {renewal, cohort};
	uint32 hash = key_hash(renewal, cohort);
	RenewalSlot *slot = (RenewalSlot *) counted_find(&type, *table, hash, &key);

	if (!slot->base.taken)
	{
		if ((*table)->used >= MAX_RENEWAL_ROWS)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("a renewal model is fitted to at most %d numbers of customers",
								   MAX_RENEWAL_ROWS)));
		slot = (RenewalSlot *) counted_add_slot(&type, table, hash, cohort, 0);
		slot->renewal = renewal;
		slot->alive = 0;
	}
	count_add(&slot->alive, alive);
}

void
renewals_add(Renewals **state, Tag cohort, int64 renewal, int64 alive)
{
	int number = find_cohort((Counted **) state, cohort);

	count_renewal((Counted **) state, number, renewal, alive);
}

static void
merge(Counted **into, const Counted *from)
{
	int *cohorts = palloc(sizeof(int) * Max(from->items, 1));

	for (int i = 0; i < from->items; i++)
		cohorts[i] = find_cohort(into, cohort_tag(from, i));
	for (int i = 0; i < from->capacity; i++)
	{
		const RenewalSlot *theirs = (const RenewalSlot *) counted_slot(&type, from, i);

		CHECK_NOW_AND_THEN(i);
		if (theirs->base.taken)
			count_renewal(into, cohorts[theirs->base.item], theirs->renewal, theirs->alive);
	}
	pfree(cohorts);
}

const Renewals *
renewals_open(Datum value)
{
	return (const Renewals *) counted_open(&type, value, WIRE_RENEWALS);
}

void *
renewals_copy(Datum value, WireKind kind)
{
	return counted_copy(&type, value, kind);
}

void *
renewals_merge(void *state, Datum value, WireKind kind)
{
	return counted_merge(&type, state, value, kind);
}

void
renewals_write(Datum value, StringInfo out, WireKind kind)
{
	const Counted *table = &renewals_open(value)->base;

	wire_begin(out, kind, RENEWALS_VERSION);
	wire_put_int(out, table->items);
	for (int i = 0; i < table->items; i++)
		wire_put_tag(out, cohort_tag(table, i));
	wire_put_int(out, table->used);
	for (int i = 0; i < table->used; i++)
	{
		const RenewalSlot *slot = (const RenewalSlot *) counted_slot(&type, table, i);

		CHECK_NOW_AND_THEN(i);
		wire_put_ints(out, slot->base.item, slot->renewal, slot->alive);
	}
}

void *
renewals_read(const char *bytes, Size size, WireKind kind)
{
	WireReader in = wire_open(bytes, size, kind, RENEWALS_VERSION, RENEWALS_TYPE);
	WireReader tags;
	Counted *table;
	int64 tag_bytes = 0;
	int items = (int) wire_get_int_between(&in, 0, MAX_RENEWAL_COHORTS);
	int used;

	/* Names are read twice: first only their bytes are counted. */
	tags = in;
	for (int i = 0; i < items; i++)
	{
		Tag tag = wire_get_tag(&in, -1, MAX_RENEWAL_TAG_BYTES);

		tag_bytes += Max(tag.length, 0);
	}
	/* A slot takes three bytes at least. */
	used = (int) wire_get_int_between(&in, 0, Min(MAX_RENEWAL_ROWS, (in.end - in.at) / 3));
	table = counted_alloc(&type, kind, COUNTED_SORTED, sizeof(RenewalSlot), used, items, tag_bytes);
	for (int i = 0; i < items; i++)
	{
		Tag tag = wire_get_tag(&tags, -1, MAX_RENEWAL_TAG_BYTES);
		CountedItem *item = counted_add_item(&type, &table, name_hash(tag), tag.length);

		fill_tag(table, item, tag);
	}
	for (int i = 0; i < used; i++)
	{
		int item = (int) wire_get_int_between(&in, 0, Max(items - 1, 0));
		RenewalSlot *slot;

		CHECK_NOW_AND_THEN(i);
		slot = (RenewalSlot *) counted_add_slot(&type, &table, 0, item, 0);
		slot->renewal = wire_get_int_between(&in, 0, PG_INT32_MAX);
		slot->alive = wire_get_int_between(&in, 0, PG_INT64_MAX);
	}
	wire_end(&in);
	counted_check(&type, table);
	return table;
}

RenewalTerm *
renewal_terms(const Renewals *state, int *count, int64 *customers, const char **note)
{
	const Counted *table = &state->base;
	RenewalTerm *terms =
		palloc_extended(mul_size(sizeof(RenewalTerm), Max(table->used, 1)), MCXT_ALLOC_HUGE);
	const RenewalSlot *start = NULL;

	*count = 0;
	*customers = 0;
	for (int i = 0; i < table->used; i++)
	{
		const RenewalSlot *slot = (const RenewalSlot *) counted_slot(&type, table, i);
		const RenewalSlot *next =
			i + 1 < table->used ? (const RenewalSlot *) counted_slot(&type, table, i + 1) : NULL;

		CHECK_NOW_AND_THEN(i);
		if (start == NULL || start->base.item != slot->base.item)
		{
			start = slot;
			count_add(customers, slot->alive);
		}
		if (next == NULL || next->base.item != slot->base.item)
		{
			terms[(*count)++] = (RenewalTerm){(double) start->renewal, (double) slot->renewal,
											  (double) slot->renewal, (double) slot->alive, true};
			continue;
		}
		if (next->alive > slot->alive)
		{
			Tag tag = cohort_tag(table, slot->base.item);

			*note = psprintf("cohort %.*s has more customers at renewal " INT64_FORMAT
							 " than at renewal " INT64_FORMAT,
							 tag.length < 0 ? 4 : pg_mbcliplen(tag.bytes, tag.length, 100),
							 tag.length < 0 ? "NULL" : tag.bytes, next->renewal, slot->renewal);
			return NULL;
		}
		terms[(*count)++] =
			(RenewalTerm){(double) start->renewal, (double) slot->renewal, (double) next->renewal,
						  (double) (slot->alive - next->alive), false};
	}
	return terms;
}
