/*
 * drivers.c
 *		Customers counted by the value of every attribute: the state.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "drivers/drivers.h"
#include "math/bins.h"

/* Bins of all numbers of a double. */
#define MAX_BINS 1200000

#define REASON "reason"
#define TOP_VALUES "top "

const char *
drivers_type_name(WireKind kind)
{
	return kind == WIRE_REASONS ? REASONS_TYPE : DRIVERS_TYPE;
}

/* ---- Keys of values ---- */

/* What a slot is looked up by. */
typedef struct DriverKey
{
	int attribute;
	int length; /* of a text, LENGTH_NUMBER or LENGTH_NULL */
	AttributeKey key;
	const char *bytes; /* of a text */
} DriverKey;

static const AttributeKey no_key = {{0, 0}};

static inline AttributeKey
number_key(uint64 word)
{
	return (AttributeKey){{word, 0}};
}

static inline bool
same_key(AttributeKey one, AttributeKey other)
{
	return one.word[0] == other.word[0] && one.word[1] == other.word[1];
}

static inline uint32
key_hash(int attribute, AttributeKey key)
{
	uint64 word = key.word[0] ^ (key.word[1] << 29 | key.word[1] >> 35);

	/* Numbers and texts of eight letters may differ in their upper bits only. */
	return (uint32) mix64(word ^ (word >> 32), (uint64) attribute << 24);
}

static uint32
slot_hash(const CountedSlot *slot)
{
	return key_hash(slot->item, ((const DriverSlot *) slot)->key);
}

static inline bool
slot_same(const Counted *drivers, const CountedSlot *base, const void *wanted)
{
	const DriverSlot *slot = (const DriverSlot *) base;
	const DriverKey *key = wanted;

	return same_key(slot->key, key->key) && base->item == key->attribute &&
		   slot->tag.length == key->length &&
		   (key->length <= KEY_BYTES ||
			memcmp(drivers_tag((const Drivers *) drivers, slot->tag).bytes, key->bytes,
				   key->length) == 0);
}

static uint64
bits_of(double number)
{
	uint64 bits;

	if (isnan(number))
		number = NAN; /* the one that is kept */
	number += 0.0;	  /* no -0 */
	memcpy(&bits, &number, sizeof(bits));
	return bits;
}

static double
number_of(uint64 bits)
{
	double number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

/* The bits of a signed number as an unsigned one that has the same order. */
static uint64
signed_order(uint64 bits)
{
	return bits ^ (UINT64CONST(1) << 63);
}

/* By attribute, NULL at the end of each; texts by their bytes alone. */
static void
slot_sort_key(const Counted *counted, int item, const CountedSlot *base, uint64 *key)
{
	const DriverSlot *slot = (const DriverSlot *) base;
	const DriverAttribute *attribute = drivers_attribute((const Drivers *) counted, item);
	uint64 word = slot->key.word[0];

	key[0] = 2 * (uint64) item + (slot->tag.length == LENGTH_NULL);
	key[1] = 0;
	if (slot->tag.length != LENGTH_NUMBER)
		return;
	/* The bits of negative numbers have the reverse order; NaN is the greatest. */
	if (attribute->kind == ATTRIBUTE_NUMBER && attribute->how == DRIVER_EXACT && word >> 63)
		key[1] = ~word;
	else
		key[1] = signed_order(word);
}

/* The bin of a value that was kept as it is. */
static AttributeKey
bin_key(const DriverAttribute *attribute, AttributeKey key)
{
	return number_key((uint64) (attribute->kind == ATTRIBUTE_INTEGER
									? bin_of_integer((int64) key.word[0])
									: bin_of_double(number_of(key.word[0]))));
}

static inline bool
is_dropped(const DriverAttribute *attribute)
{
	return attribute->how == DRIVER_MANY || attribute->how == DRIVER_LONG;
}

/* Which shape the attributes have is known only while the state is of one form in one process. */
static void
forget_shape(Counted *counted)
{
	((Drivers *) counted)->shape = 0;
}

static void merge(Counted **into, const Counted *from);
static void check_front(const Counted *counted);
static void check_attribute(const Counted *counted, const CountedItem *item);
static void check_slot(const Counted *counted, const CountedSlot *slot);
static void check_counts(const Counted *counted);

static const CountedType type = {
	.version = DRIVERS_VERSION,
	.head_size = sizeof(Drivers),
	.item_size = sizeof(DriverAttribute),
	.slot_size = sizeof(DriverSlot),
	.slot_tag = offsetof(DriverSlot, tag),
	.first_capacity = 32,
	.places_per_slot = 4,
	.name = drivers_type_name,
	.hash = slot_hash,
	.same = slot_same,
	.sort_key = slot_sort_key,
	.form_changed = forget_shape,
	.merge = merge,
	.check_front = check_front,
	.check_item = check_attribute,
	.check_slot = check_slot,
	.check_whole = check_counts,
};
const CountedType *const counted_drivers = &type;

/* ---- Attributes ---- */

static DriverAttribute *
attribute_add(Drivers **drivers, Tag name, AttributeKind kind)
{
	CountedItem *item = counted_add_item(&type, (Counted **) drivers, 0, name.length);
	DriverAttribute *attribute = (DriverAttribute *) item;

	memcpy(counted_tags(&type, &(*drivers)->base) + item->tag.offset, name.bytes, name.length);
	attribute->kind = kind;
	return attribute;
}

static Tag
attribute_name(const Drivers *drivers, int attribute)
{
	return drivers_tag(drivers, drivers_attribute(drivers, attribute)->base.tag);
}

Drivers *
drivers_new(const AttributeReader *reader)
{
	Drivers *drivers = (Drivers *) counted_new(&type, WIRE_DRIVERS, reader->count,
											   (int64) NAMEDATALEN * reader->count);

	for (int i = 0; i < reader->count; i++)
	{
		const AttributeColumn *column = &reader->column[i];

		(void) attribute_add(&drivers, (Tag){column->name, (int) strlen(column->name)},
							 column->kind);
	}
	drivers->shape = reader->shape;
	return drivers;
}

Drivers *
reasons_new(void)
{
	Drivers *drivers = (Drivers *) counted_new(&type, WIRE_REASONS, 1, 256);

	(void) attribute_add(&drivers, (Tag){REASON, strlen(REASON)}, ATTRIBUTE_TEXT);
	return drivers;
}

Drivers *
top_values_new(int most)
{
	Drivers *drivers = (Drivers *) counted_new(&type, WIRE_REASONS, 1, 256);
	char name[NAMEDATALEN];
	int length = snprintf(name, sizeof(name), TOP_VALUES "%d", most);

	(void) attribute_add(&drivers, (Tag){name, length}, ATTRIBUTE_TEXT);
	return drivers;
}

int
top_values_most(const Drivers *drivers)
{
	Tag name = attribute_name(drivers, 0);
	int start = strlen(TOP_VALUES);
	int most = 0;

	if (name.length <= start || memcmp(name.bytes, TOP_VALUES, start) != 0)
		return 0;
	for (int i = start; i < name.length; i++)
	{
		int digit = name.bytes[i] - '0';

		if (digit < 0 || digit > 9 || (most == 0 && digit == 0) ||
			most * 10 + digit > MAX_TOP_VALUES)
			return 0;
		most = most * 10 + digit;
	}
	return most;
}

char *
drivers_attribute_name(const Drivers *drivers, int attribute)
{
	Tag name = attribute_name(drivers, attribute);

	return pnstrdup(name.bytes, name.length);
}

/* The attributes and their kinds, for a message. */
static char *
describe(const Drivers *drivers)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < drivers->base.items; i++)
		appendStringInfo(&out, "%s%s %s", i > 0 ? ", " : "(", drivers_attribute_name(drivers, i),
						 attribute_kind_name((AttributeKind) drivers_attribute(drivers, i)->kind));
	appendStringInfoChar(&out, ')');
	return out.data;
}

static void
require_same_attributes(const Drivers *one, const Drivers *other)
{
	bool same = one->base.items == other->base.items;

	for (int i = 0; same && i < one->base.items; i++)
		same = drivers_attribute(one, i)->kind == drivers_attribute(other, i)->kind &&
			   tag_compare(attribute_name(one, i), attribute_name(other, i)) == 0;
	if (!same)
		attributes_changed(describe(one), describe(other));
}

void
drivers_require_shape(Drivers *drivers, const AttributeReader *reader)
{
	Drivers *empty;

	if (likely(drivers->shape == reader->shape))
		return;
	empty = drivers_new(reader);
	require_same_attributes(drivers, empty);
	pfree(empty);
	drivers->shape = reader->shape;
}

/* ---- Counting ---- */

static inline DriverSlot *
slot_find(const Drivers *drivers, const DriverKey *key)
{
	return (DriverSlot *) counted_find(&type, &drivers->base, key_hash(key->attribute, key->key),
									   key);
}

/* The slot of a value that the table has not. */
static DriverSlot *
slot_add(Drivers **drivers, const DriverKey *key)
{
	DriverSlot *slot = (DriverSlot *) counted_add_slot(&type, (Counted **) drivers,
													   key_hash(key->attribute, key->key),
													   key->attribute, key->length);

	slot->key = key->key;
	if (key->length > 0)
		memcpy(counted_tags(&type, &(*drivers)->base) + slot->tag.offset, key->bytes, key->length);
	if (key->length != LENGTH_NULL)
		drivers_attribute(*drivers, key->attribute)->values++;
	return slot;
}

static void merge_slots(Drivers **into, const Drivers *from);

/* Keeps the values of an attribute in another way from now on: those it has are dropped or put into bins. */
static void
change_how(Drivers **drivers, int attribute, DriverHow how)
{
	const Drivers *from = *drivers;
	bool has_values = !is_dropped(drivers_attribute(from, attribute));

	if (has_values)
		*drivers = (Drivers *) counted_without_slots(&type, &from->base);
	drivers_attribute(*drivers, attribute)->how = how;
	if (!has_values)
		return;
	for (int i = 0; i < from->base.items; i++)
		drivers_attribute(*drivers, i)->values = 0;
	merge_slots(drivers, from);
}

/* What a state of reasons counts. */
static const char *
what_of(const Drivers *reasons)
{
	return top_values_most(reasons) > 0 ? "value" : "reason";
}

static void
too_many_reasons(const Drivers *reasons, const char *message)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg_internal("%s", message),
					errhint("Map free texts to a few %ss first.", what_of(reasons))));
}

/* The slot of a value, made if it is new; NULL where the values are dropped, which this one may be the reason for. */
static DriverSlot *
slot_take(Drivers **drivers, const DriverKey *wanted)
{
	DriverKey key = *wanted;
	const DriverAttribute *it = drivers_attribute(*drivers, key.attribute);
	bool reasons = (*drivers)->base.header.kind == WIRE_REASONS;
	DriverSlot *slot;

	if (unlikely(key.length > MAX_VALUE_BYTES))
	{
		if (reasons)
			too_many_reasons(*drivers, psprintf("a %s is longer than %d bytes", what_of(*drivers),
												MAX_VALUE_BYTES));
		if (it->how != DRIVER_LONG)
			change_how(drivers, key.attribute, DRIVER_LONG);
		return NULL;
	}
	if (unlikely(it->how != DRIVER_EXACT && key.length != LENGTH_NULL && is_dropped(it)))
		return NULL;
	slot = slot_find(*drivers, &key);
	if (likely(slot->base.taken))
		return slot;

	if (key.length != LENGTH_NULL && it->how == DRIVER_EXACT &&
		it->values >= (reasons ? MAX_REASONS : MAX_VALUES))
	{
		if (reasons)
			too_many_reasons(*drivers,
							 psprintf("more than %d %ss", MAX_REASONS, what_of(*drivers)));
		if (it->kind == ATTRIBUTE_TEXT)
		{
			change_how(drivers, key.attribute, DRIVER_MANY);
			return NULL;
		}
		change_how(drivers, key.attribute, DRIVER_BINS);
		key.key = bin_key(drivers_attribute(*drivers, key.attribute), key.key);
		slot = slot_find(*drivers, &key);
		if (slot->base.taken)
			return slot;
	}
	return slot_add(drivers, &key);
}

static void
merge_slots(Drivers **into, const Drivers *from)
{
	for (int i = 0; i < from->base.capacity; i++)
	{
		const DriverSlot *theirs = &drivers_slots(from)[i];
		const DriverAttribute *attribute;
		DriverKey key;
		DriverSlot *slot;

		CHECK_NOW_AND_THEN(i);
		if (!theirs->base.taken)
			continue;
		key = (DriverKey){theirs->base.item, theirs->tag.length, theirs->key,
						  drivers_tag(from, theirs->tag).bytes};
		attribute = drivers_attribute(from, key.attribute);
		if (key.length == LENGTH_NUMBER && attribute->how == DRIVER_EXACT &&
			drivers_attribute(*into, key.attribute)->how == DRIVER_BINS)
			key.key = bin_key(attribute, key.key);
		slot = slot_take(into, &key);
		if (slot != NULL)
		{
			count_add(&slot->count[0], theirs->count[0]);
			count_add(&slot->count[1], theirs->count[1]);
		}
	}
}

static void
merge(Counted **counted, const Counted *other)
{
	Drivers **into = (Drivers **) counted;
	const Drivers *from = (const Drivers *) other;

	require_same_attributes(*into, from);
	count_add(&(*into)->unknown, from->unknown);
	count_add(&(*into)->count[0], from->count[0]);
	count_add(&(*into)->count[1], from->count[1]);
	for (int i = 0; i < other->items; i++)
		if (drivers_attribute(from, i)->how > drivers_attribute(*into, i)->how)
			change_how(into, i, (DriverHow) drivers_attribute(from, i)->how);
	merge_slots(into, from);
}

static void
add_value(Drivers **drivers, int attribute, AttributeValue value, DriverWhich which)
{
	const DriverAttribute *it = drivers_attribute(*drivers, attribute);
	DriverKey key = {attribute, LENGTH_NUMBER, no_key, value.bytes};
	DriverSlot *slot;

	if (value.null)
		key.length = LENGTH_NULL;
	else
		switch (it->kind)
		{
			case ATTRIBUTE_TEXT:
				key.length = value.length;
				if (likely(value.length <= MAX_VALUE_BYTES))
					key.key = attribute_text_key(value.bytes, value.length);
				break;
			case ATTRIBUTE_NUMBER:
				key.key = number_key(it->how == DRIVER_BINS ? (uint64) bin_of_double(value.number)
															: bits_of(value.number));
				break;
			case ATTRIBUTE_INTEGER:
				key.key = number_key(it->how == DRIVER_BINS ? (uint64) bin_of_integer(value.integer)
															: (uint64) value.integer);
				break;
			default:
				key.key = number_key((uint64) value.integer);
		}
	slot = slot_take(drivers, &key);
	if (slot != NULL)
		count_add(&slot->count[which], 1);
}

void
drivers_add(Drivers **drivers, AttributeReader *reader, DriverWhich which)
{
	const DriverAttribute *attributes = drivers_attribute(*drivers, 0);

	count_add(&(*drivers)->count[which], 1);
	for (int i = 0; i < reader->count; i++)
	{
		const AttributeColumn *column = &reader->column[i];
		Datum datum = reader->values[column->number];
		DriverKey key = {i, LENGTH_NUMBER, no_key, NULL};
		DriverSlot *slot;

		/* The usual cases first: a value that is in the table, read without a call. */
		if (attributes[i].how == DRIVER_EXACT && !reader->nulls[column->number])
		{
			switch (column->type)
			{
				case TEXTOID:
				case VARCHAROID:
				{
					const struct varlena *value = (const struct varlena *) DatumGetPointer(datum);

					key.length = LENGTH_NULL;
					if (VARATT_IS_EXTENDED(value) && !VARATT_IS_SHORT(value))
						break;
					key.bytes = VARDATA_ANY(value);
					key.length = (int) VARSIZE_ANY_EXHDR(value);
					if (key.length <= KEY_BYTES &&
						attribute_is_inside(reader, key.bytes, KEY_BYTES))
						key.key = attribute_short_text_key(key.bytes, key.length);
					else if (key.length <= MAX_VALUE_BYTES)
						key.key = attribute_text_key(key.bytes, key.length);
					else
						key.length = LENGTH_NULL;
					break;
				}
				case BOOLOID:
					key.key.word[0] = DatumGetBool(datum);
					break;
				case INT4OID:
					key.key.word[0] = (uint64) (int64) DatumGetInt32(datum);
					break;
				case INT8OID:
					key.key.word[0] = (uint64) DatumGetInt64(datum);
					break;
				default:
					key.length = LENGTH_NULL;
			}
			if (key.length != LENGTH_NULL)
			{
				slot = slot_find(*drivers, &key);
				if (likely(slot->base.taken))
				{
					count_add(&slot->count[which], 1);
					continue;
				}
			}
		}
		add_value(drivers, i, attribute_value(reader, i), which);
		attributes = drivers_attribute(*drivers, 0); /* it may have moved */
	}
}

void
reasons_add(Drivers **reasons, AttributeValue reason)
{
	count_add(&(*reasons)->count[DRIVER_KEPT], 1);
	add_value(reasons, 0, reason, DRIVER_KEPT);
}

/* ---- Bytes that come in ---- */

static void
corrupt(const Drivers *drivers, const char *detail)
{
	wire_corrupt(drivers_type_name((WireKind) drivers->base.header.kind), detail);
}

static int
most_values(const Drivers *drivers, const DriverAttribute *attribute)
{
	return attribute->how == DRIVER_BINS			   ? MAX_BINS
		   : is_dropped(attribute)					   ? 0
		   : drivers->base.header.kind == WIRE_REASONS ? MAX_REASONS
													   : MAX_VALUES;
}

static void
check_front(const Counted *counted)
{
	const Drivers *drivers = (const Drivers *) counted;
	int64 customers;

	if (counted->items < 1 || counted->items > MAX_ATTRIBUTES || drivers->unknown < 0 ||
		drivers->count[0] < 0 || drivers->count[1] < 0 ||
		pg_add_s64_overflow(drivers->count[0], drivers->count[1], &customers) ||
		(counted->form == COUNTED_SORTED && drivers->shape != 0))
		corrupt(drivers, "A number at its front is out of range.");
	if (counted->header.kind == WIRE_REASONS &&
		(counted->items != 1 || drivers->count[DRIVER_CHURNED] != 0 || drivers->unknown != 0))
		corrupt(drivers, "Reasons have one attribute and one count.");
}

static void
check_attribute(const Counted *counted, const CountedItem *item)
{
	const Drivers *drivers = (const Drivers *) counted;
	const DriverAttribute *attribute = (const DriverAttribute *) item;
	Tag name = drivers_tag(drivers, item->tag);

	if (attribute->kind < ATTRIBUTE_TEXT || attribute->kind > ATTRIBUTE_LAST ||
		attribute->how < 0 || attribute->how > DRIVER_HOW_LAST || attribute->values < 0 ||
		attribute->values > most_values(drivers, attribute) || item->hash != 0 ||
		(is_dropped(attribute) && attribute->kind != ATTRIBUTE_TEXT) ||
		(attribute->how == DRIVER_BINS && attribute->kind != ATTRIBUTE_INTEGER &&
		 attribute->kind != ATTRIBUTE_NUMBER))
		corrupt(drivers, "An attribute in it is of a kind that does not exist.");
	if (name.length < 1 || name.length >= NAMEDATALEN)
		corrupt(drivers, "The length of an attribute's name is out of range.");
	wire_check_text(drivers_type_name((WireKind) counted->header.kind), name);
	for (const DriverAttribute *other = drivers_attribute(drivers, 0); other < attribute; other++)
		if (tag_compare(drivers_tag(drivers, other->base.tag), name) == 0)
			corrupt(drivers, "Two attributes in it have one name.");
	if (counted->header.kind == WIRE_REASONS &&
		(attribute->kind != ATTRIBUTE_TEXT || attribute->how != DRIVER_EXACT ||
		 (tag_compare(name, (Tag){REASON, strlen(REASON)}) != 0 && top_values_most(drivers) == 0)))
		corrupt(drivers, "Its attribute is not that of reasons.");
}

/* Whether the key of a value that is not a text is one that a value of that attribute has. */
static bool
key_is_valid(const DriverAttribute *attribute, AttributeKey key)
{
	int64 bin = (int64) key.word[0];

	if (key.word[1] != 0)
		return false;
	if (attribute->how == DRIVER_BINS)
		return bin_is_valid(bin) && (attribute->kind != ATTRIBUTE_INTEGER ||
									 bin == bin_of_integer(bin_least_integer(bin)));
	switch (attribute->kind)
	{
		case ATTRIBUTE_BOOLEAN:
			return key.word[0] <= 1;
		case ATTRIBUTE_NUMBER:
			return key.word[0] == bits_of(number_of(key.word[0]));
		default:
			return true;
	}
}

static void
check_slot(const Counted *counted, const CountedSlot *base)
{
	const Drivers *drivers = (const Drivers *) counted;
	const DriverSlot *slot = (const DriverSlot *) base;
	const DriverAttribute *attribute = drivers_attribute(drivers, base->item);
	Tag value = drivers_tag(drivers, slot->tag);
	AttributeKey key = no_key;

	if (slot->count[0] < 0 || slot->count[1] < 0 || (slot->count[0] == 0 && slot->count[1] == 0))
		corrupt(drivers, "A value in it has no customers.");
	if (value.length < LENGTH_NULL || value.length > MAX_VALUE_BYTES ||
		(value.length != LENGTH_NULL &&
		 (is_dropped(attribute) ||
		  (attribute->kind == ATTRIBUTE_TEXT) != (value.length != LENGTH_NUMBER))))
		corrupt(drivers, "A value in it is not one that its attribute can have.");
	if (value.length == LENGTH_NUMBER)
	{
		if (!key_is_valid(attribute, slot->key))
			corrupt(drivers, "A number in it is not one that its attribute can have.");
		return;
	}
	wire_check_text(drivers_type_name((WireKind) counted->header.kind), value);
	if (value.length >= 0)
		key = attribute_text_key(value.bytes, value.length);
	if (!same_key(slot->key, key))
		corrupt(drivers, "The key of a value is not that of its text.");
}

/* Every customer has one value of each attribute, unless its values are dropped. */
static void
check_counts(const Counted *counted)
{
	const Drivers *drivers = (const Drivers *) counted;
	int64(*counts)[3] = palloc0(sizeof(*counts) * counted->items);

	for (int i = 0; i < counted->capacity; i++)
	{
		const DriverSlot *slot = &drivers_slots(drivers)[i];
		int64 *of = counts[slot->base.item];

		CHECK_NOW_AND_THEN(i);
		if (!slot->base.taken)
			continue;
		if (pg_add_s64_overflow(of[0], slot->count[0], &of[0]) ||
			pg_add_s64_overflow(of[1], slot->count[1], &of[1]))
			corrupt(drivers, "A count in it is too large.");
		of[2] += slot->tag.length != LENGTH_NULL;
	}
	for (int i = 0; i < counted->items; i++)
	{
		const DriverAttribute *attribute = drivers_attribute(drivers, i);
		bool all = !is_dropped(attribute);

		if (attribute->values != counts[i][2] ||
			(all ? counts[i][0] != drivers->count[0] || counts[i][1] != drivers->count[1]
				 : counts[i][0] > drivers->count[0] || counts[i][1] > drivers->count[1]))
			corrupt(drivers, "The counts of an attribute's values do not add up to its customers.");
	}
	pfree(counts);
}

const Drivers *
drivers_open(Datum value, WireKind kind)
{
	return (const Drivers *) counted_open(&type, value, kind);
}

void *
drivers_copy(Datum value, WireKind kind)
{
	return counted_copy(&type, value, kind);
}

void *
drivers_merge(void *state, Datum value, WireKind kind)
{
	return counted_merge(&type, state, value, kind);
}

/* ---- Wire form ---- */

void
drivers_write(Datum value, StringInfo out, WireKind kind)
{
	const Drivers *drivers = drivers_open(value, kind);
	const DriverSlot *slot = drivers_slots(drivers);
	const DriverSlot *end = slot + drivers->base.used;

	wire_begin(out, kind, DRIVERS_VERSION);
	wire_put_ints(out, drivers->unknown, drivers->count[0], drivers->count[1], drivers->base.items);
	for (int i = 0; i < drivers->base.items; i++)
	{
		const DriverAttribute *attribute = drivers_attribute(drivers, i);
		const DriverSlot *last = slot;

		while (last < end && last->base.item == i)
			last++;
		wire_put_tag(out, attribute_name(drivers, i));
		wire_put_ints(out, attribute->kind, attribute->how, last - slot);
		slot = last;
	}
	for (slot = drivers_slots(drivers); slot < end; slot++)
	{
		CHECK_NOW_AND_THEN(slot - drivers_slots(drivers));
		wire_put_tag(out, drivers_tag(drivers, slot->tag));
		if (slot->tag.length == LENGTH_NUMBER)
			wire_put_int(out, (int64) slot->key.word[0]);
		wire_put_int(out, slot->count[0]);
		wire_put_int(out, slot->count[1]);
	}
}

void *
drivers_read(const char *bytes, Size size, WireKind kind)
{
	WireReader in = wire_open(bytes, size, kind, DRIVERS_VERSION, drivers_type_name(kind));
	int64 unknown = wire_get_int(&in);
	int64 kept = wire_get_int(&in);
	int64 churned = wire_get_int(&in);
	int attributes = (int) wire_get_int_between(&in, 1, MAX_ATTRIBUTES);
	int64 values[MAX_ATTRIBUTES];
	WireReader again = in;
	Drivers *drivers = NULL;
	int64 slots = 0;
	int64 tags = 0;

	/* Read twice: the first time only to know how much there is. */
	for (int pass = 0; pass < 2; pass++)
	{
		if (pass == 1)
		{
			in = again;
			drivers = (Drivers *) counted_alloc(&type, kind, COUNTED_SORTED, type.slot_size, slots,
												attributes, tags);
			drivers->unknown = unknown;
			drivers->count[0] = kept;
			drivers->count[1] = churned;
		}
		for (int i = 0; i < attributes; i++)
		{
			Tag name = wire_get_tag(&in, 0, NAMEDATALEN - 1);
			AttributeKind attribute_kind =
				(AttributeKind) wire_get_int_between(&in, ATTRIBUTE_TEXT, ATTRIBUTE_LAST);
			DriverHow how = (DriverHow) wire_get_int_between(&in, 0, DRIVER_HOW_LAST);

			values[i] = wire_get_int_between(&in, 0, MAX_BINS);
			slots += values[i];
			tags += name.length;
			if (pass == 1)
				attribute_add(&drivers, name, attribute_kind)->how = how;
		}
		for (int i = 0; i < attributes; i++)
			for (int64 j = 0; j < values[i]; j++)
			{
				Tag value = wire_get_tag(&in, LENGTH_NULL, MAX_VALUE_BYTES);
				DriverKey key = {i, value.length, no_key, value.bytes};
				int64 count[2];

				CHECK_NOW_AND_THEN(j);
				if (value.length >= 0)
					key.key = attribute_text_key(value.bytes, value.length);
				else if (value.length == LENGTH_NUMBER)
					key.key.word[0] = (uint64) wire_get_int(&in);
				count[0] = wire_get_int(&in);
				count[1] = wire_get_int(&in);
				tags += Max(value.length, 0);
				if (pass == 1)
					memcpy(slot_add(&drivers, &key)->count, count, sizeof(count));
			}
	}
	wire_end(&in);
	counted_check(&type, &drivers->base);
	return drivers;
}
