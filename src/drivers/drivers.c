/*
 * drivers.c
 *		Customers counted by the value of every attribute: the state.
 */
#include "retention.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/sort.h"
#include "drivers/drivers.h"
#include "mb/pg_wchar.h"
#include "math/bins.h"
#include "port/pg_bitutils.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#define FIRST_CAPACITY 32

/* Bins of all numbers of a double. */
#define MAX_BINS 1200000

const char *
drivers_type_name(WireKind kind)
{
	return kind == WIRE_REASONS ? REASONS_TYPE : DRIVERS_TYPE;
}

static const char *
type_name_of(const Drivers *drivers)
{
	return drivers_type_name((WireKind) drivers->header.kind);
}

static Size
drivers_size(int attributes, int capacity, int tag_capacity)
{
	Size size = add_size(sizeof(Drivers), mul_size(attributes, sizeof(DriverAttribute)));

	size = add_size(size, mul_size(capacity, sizeof(DriverSlot)));
	return add_size(size, tag_capacity);
}

static Drivers *
drivers_alloc(WireKind kind, DriverForm form, int attributes, int64 capacity, int64 tag_capacity)
{
	Drivers *drivers;
	Size size;

	if (capacity <= PG_INT32_MAX && tag_capacity <= PG_INT32_MAX)
		size = drivers_size(attributes, (int) capacity, (int) tag_capacity);
	else
		size = MaxAllocSize + (Size) 1;
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s is larger than a value can be (1 GB)", drivers_type_name(kind))));
	drivers = memory_alloc(size);
	flat_mark(drivers, kind, DRIVERS_VERSION, size);
	drivers->form = form;
	drivers->maker = form == DRIVERS_HASHED ? aggregate_process_mark() : 0;
	drivers->attributes = attributes;
	drivers->capacity = (int32) capacity;
	drivers->tag_capacity = (int32) tag_capacity;
	return drivers;
}

static int32
tag_put(Drivers *drivers, const char *bytes, int length)
{
	int32 offset = drivers->tag_bytes;

	/* Made-up values may name the same bytes twice, and so need more room than they say. */
	if (length > drivers->tag_capacity - offset)
		wire_corrupt(drivers_type_name((WireKind) drivers->header.kind),
					 "Its texts overlap each other.");
	memcpy(drivers_tags(drivers) + offset, bytes, length);
	drivers->tag_bytes += length;
	return offset;
}

static void
attribute_put(Drivers *drivers, int number, const char *name, int length, AttributeKind kind)
{
	DriverAttribute *attribute = drivers_attribute(drivers, number);

	attribute->kind = kind;
	attribute->name_offset = tag_put(drivers, name, length);
	attribute->name_length = length;
}

Drivers *
drivers_new(const AttributeReader *reader)
{
	int64 names = 0;
	Drivers *drivers;

	for (int i = 0; i < reader->count; i++)
		names += (int64) strlen(reader->column[i].name);
	drivers = drivers_alloc(WIRE_DRIVERS, DRIVERS_HASHED, reader->count,
							Max(FIRST_CAPACITY, pg_nextpower2_32(reader->count * 4)),
							names + 16 * reader->count);
	for (int i = 0; i < reader->count; i++)
		attribute_put(drivers, i, reader->column[i].name, (int) strlen(reader->column[i].name),
					  reader->column[i].kind);
	drivers->shape = reader->shape;
	return drivers;
}

Drivers *
reasons_new(void)
{
	Drivers *drivers = drivers_alloc(WIRE_REASONS, DRIVERS_HASHED, 1, FIRST_CAPACITY, 256);

	attribute_put(drivers, 0, "reason", 6, ATTRIBUTE_TEXT);
	return drivers;
}

char *
drivers_attribute_name(const Drivers *drivers, int attribute)
{
	const DriverAttribute *it = drivers_attribute(drivers, attribute);

	return pnstrdup(drivers_tags(drivers) + it->name_offset, it->name_length);
}

static void
append_attribute(StringInfo out, const char *name, AttributeKind kind)
{
	appendStringInfo(out, "%s%s %s", out->len > 0 ? ", " : "(", name, attribute_kind_name(kind));
}

static char *
describe(const Drivers *drivers)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < drivers->attributes; i++)
		append_attribute(&out, drivers_attribute_name(drivers, i),
						 (AttributeKind) drivers_attribute(drivers, i)->kind);
	appendStringInfoChar(&out, ')');
	return out.data;
}

static char *
describe_reader(const AttributeReader *reader)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < reader->count; i++)
		append_attribute(&out, reader->column[i].name, reader->column[i].kind);
	appendStringInfoChar(&out, ')');
	return out.data;
}

static bool
name_is(const Drivers *drivers, int attribute, const char *name, int length)
{
	const DriverAttribute *it = drivers_attribute(drivers, attribute);

	return it->name_length == length &&
		   memcmp(drivers_tags(drivers) + it->name_offset, name, length) == 0;
}

void
drivers_require_shape(Drivers *drivers, const AttributeReader *reader)
{
	bool same = drivers->attributes == reader->count;

	if (likely(drivers->shape == reader->shape))
		return;
	for (int i = 0; same && i < reader->count; i++)
		same = drivers_attribute(drivers, i)->kind == (int32) reader->column[i].kind &&
			   name_is(drivers, i, reader->column[i].name, (int) strlen(reader->column[i].name));
	if (!same)
		attributes_changed(describe(drivers), describe_reader(reader));
	drivers->shape = reader->shape;
}

static void
require_same_attributes(const Drivers *one, const Drivers *other)
{
	bool same = one->attributes == other->attributes;

	for (int i = 0; same && i < one->attributes; i++)
	{
		const DriverAttribute *it = drivers_attribute(other, i);

		same = drivers_attribute(one, i)->kind == it->kind &&
			   name_is(one, i, drivers_tags(other) + it->name_offset, it->name_length);
	}
	if (!same)
		attributes_changed(describe(one), describe(other));
}

/* ---- The table of values ---- */

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
slot_place(const Drivers *drivers, AttributeKey key, int attribute)
{
	uint64 hash = (key.word[0] ^ (uint64) (attribute + 1) * UINT64CONST(0xD6E8FEB86659FD93)) *
					  UINT64CONST(0x9E3779B97F4A7C15) +
				  key.word[1] * UINT64CONST(0xBF58476D1CE4E5B9);

	/* Keys differ in any of their bits; the middle of the product has seen all of the lower ones. */
	return (uint32) ((hash >> 32) ^ (hash >> 20)) & (uint32) (drivers->capacity - 1);
}

/* The place of a value: taken by it, or empty. There is always an empty place. */
static inline DriverSlot *
slot_find(const Drivers *drivers, int attribute, AttributeKey key, int length, const char *bytes)
{
	uint32 mask = (uint32) drivers->capacity - 1;
	uint32 at = slot_place(drivers, key, attribute);
	DriverSlot *slots = drivers_slots(drivers);

	for (;;)
	{
		DriverSlot *slot = &slots[at];

		if (same_key(slot->key, key) && slot->attribute == attribute && slot->length == length &&
			slot->taken &&
			(length <= KEY_BYTES ||
			 memcmp(drivers_tags(drivers) + slot->offset, bytes, length) == 0))
			return slot;
		if (!slot->taken)
			return slot;
		at = (at + 1) & mask;
	}
}

static uint64
bits_of(double number)
{
	uint64 bits;

	if (isnan(number))
		number = NAN; /* one of them */
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

/* The bin of a value that was kept as it is. */
static AttributeKey
bin_key(const DriverAttribute *attribute, AttributeKey key)
{
	return number_key((uint64) (attribute->kind == ATTRIBUTE_INTEGER
									? bin_of_integer((int64) key.word[0])
									: bin_of_double(number_of(key.word[0]))));
}

static inline bool
is_given_up(const DriverAttribute *attribute)
{
	return attribute->how == DRIVER_MANY || attribute->how == DRIVER_LONG;
}

/* Put a value that the table has not, into the empty place found for it, with room for its bytes. */
static void
slot_fill(Drivers *drivers, DriverSlot *slot, int attribute, AttributeKey key, int length,
		  const char *bytes)
{
	slot->key = key;
	slot->attribute = attribute;
	slot->length = length;
	slot->offset = length > 0 ? tag_put(drivers, bytes, length) : 0;
	slot->taken = 1;
	drivers->used++;
	if (length != LENGTH_NULL)
		drivers_attribute(drivers, attribute)->values++;
}

/*
 * A hashed state with the contents of `from` and that room. `changed` is an attribute whose way of keeping values is
 * now `how`: its values are dropped or put into bins. -1: none.
 */
static Drivers *
drivers_rebuild(const Drivers *from, int64 capacity, int64 tag_capacity, int changed, DriverHow how)
{
	Drivers *drivers = drivers_alloc((WireKind) from->header.kind, DRIVERS_HASHED, from->attributes,
									 capacity, tag_capacity);

	for (int i = 0; i < from->attributes; i++)
	{
		const DriverAttribute *old = drivers_attribute(from, i);

		attribute_put(drivers, i, drivers_tags(from) + old->name_offset, old->name_length,
					  (AttributeKind) old->kind);
		drivers_attribute(drivers, i)->how = i == changed ? (int32) how : old->how;
	}
	drivers->shape = from->shape;
	drivers->unknown = from->unknown;
	memcpy(drivers->count, from->count, sizeof(drivers->count));

	for (int i = 0; i < from->capacity; i++)
	{
		const DriverSlot *old = &drivers_slots(from)[i];
		const char *bytes = drivers_tags(from) + old->offset;
		AttributeKey key = old->key;
		DriverSlot *slot;

		CHECK_NOW_AND_THEN(i);
		if (!old->taken)
			continue;
		if (old->attribute == changed && old->length != LENGTH_NULL)
		{
			if (how != DRIVER_BINS)
				continue;
			key = bin_key(drivers_attribute(from, changed), key);
		}
		slot = slot_find(drivers, old->attribute, key, old->length, bytes);
		if (!slot->taken)
			slot_fill(drivers, slot, old->attribute, key, old->length, bytes);
		count_add(&slot->count[0], old->count[0]);
		count_add(&slot->count[1], old->count[1]);
	}
	return drivers;
}

static void
change_how(Drivers **drivers, int attribute, DriverHow how)
{
	Drivers *it = *drivers;

	if (is_given_up(drivers_attribute(it, attribute)))
		drivers_attribute(it, attribute)->how = how; /* no values left to change */
	else
		*drivers = drivers_rebuild(it, it->capacity, it->tag_capacity, attribute, how);
}

Drivers *
drivers_thaw(const Drivers *drivers)
{
	int64 capacity = Max(FIRST_CAPACITY, pg_nextpower2_32((uint32) drivers->used * 4 + 4));

	Drivers *thawed = drivers_rebuild(drivers, capacity, drivers->tag_bytes, -1, DRIVER_EXACT);

	thawed->shape = 0; /* another process may have written it */
	return thawed;
}

/* Room for one more value of that length. */
static void
require_capacity(Drivers **drivers, int length)
{
	Drivers *it = *drivers;
	int64 capacity = it->capacity;
	int64 tag_capacity = it->tag_capacity;

	if ((int64) it->used * 4 > capacity)
		capacity *= 2;
	if ((int64) it->tag_bytes + Max(length, 0) > tag_capacity)
		tag_capacity = Max(tag_capacity * 2, (int64) it->tag_bytes + length);
	if (capacity != it->capacity || tag_capacity != it->tag_capacity)
		*drivers = drivers_rebuild(it, capacity, tag_capacity, -1, DRIVER_EXACT);
}

static void
too_many_reasons(const char *message)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg_internal("%s", message),
					errhint("Put free texts into a few reasons first.")));
}

/*
 * The slot of a value, made if it is new; NULL where the attribute has given up its values. This may be what makes it
 * give up.
 */
static DriverSlot *
slot_take(Drivers **drivers, int attribute, AttributeKey key, int length, const char *bytes)
{
	DriverSlot *slot;
	const DriverAttribute *it = drivers_attribute(*drivers, attribute);
	bool reasons = (*drivers)->header.kind == WIRE_REASONS;

	if (unlikely(length > MAX_VALUE_BYTES))
	{
		if (reasons)
			too_many_reasons(psprintf("a reason is longer than %d bytes", MAX_VALUE_BYTES));
		if (it->how != DRIVER_LONG)
			change_how(drivers, attribute, DRIVER_LONG);
		return NULL;
	}
	if (unlikely(it->how != DRIVER_EXACT && length != LENGTH_NULL && is_given_up(it)))
		return NULL;
	slot = slot_find(*drivers, attribute, key, length, bytes);
	if (likely(slot->taken))
		return slot;

	if (length != LENGTH_NULL && it->how == DRIVER_EXACT &&
		it->values >= (reasons ? MAX_REASONS : MAX_VALUES))
	{
		if (reasons)
			too_many_reasons(psprintf("more than %d reasons", MAX_REASONS));
		if (it->kind == ATTRIBUTE_TEXT)
		{
			change_how(drivers, attribute, DRIVER_MANY);
			return NULL;
		}
		change_how(drivers, attribute, DRIVER_BINS);
		it = drivers_attribute(*drivers, attribute);
		key = bin_key(it, key);
		slot = slot_find(*drivers, attribute, key, length, bytes);
		if (slot->taken)
			return slot;
	}
	require_capacity(drivers, length);
	slot = slot_find(*drivers, attribute, key, length, bytes);
	slot_fill(*drivers, slot, attribute, key, length, bytes);
	return slot;
}

static void
add_value(Drivers **drivers, int attribute, AttributeValue value, DriverWhich which)
{
	const DriverAttribute *it = drivers_attribute(*drivers, attribute);
	AttributeKey key = no_key;
	int length = LENGTH_NUMBER;
	DriverSlot *slot;

	if (value.null)
		length = LENGTH_NULL;
	else
		switch (it->kind)
		{
			case ATTRIBUTE_TEXT:
				length = value.length;
				if (likely(length <= MAX_VALUE_BYTES))
					key = attribute_text_key(value.bytes, length);
				break;
			case ATTRIBUTE_NUMBER:
				key = number_key(it->how == DRIVER_BINS ? (uint64) bin_of_double(value.number)
														: bits_of(value.number));
				break;
			case ATTRIBUTE_INTEGER:
				key = number_key(it->how == DRIVER_BINS ? (uint64) bin_of_integer(value.integer)
														: (uint64) value.integer);
				break;
			default:
				key = number_key((uint64) value.integer);
		}
	slot = slot_take(drivers, attribute, key, length, value.bytes);
	if (slot != NULL)
		count_add(&slot->count[which], 1);
}

void
drivers_add(Drivers **drivers, AttributeReader *reader, DriverWhich which)
{
	count_add(&(*drivers)->count[which], 1);
	for (int i = 0; i < reader->count; i++)
	{
		const AttributeColumn *column = &reader->column[i];
		Datum datum = reader->values[column->number];
		const char *bytes = NULL;
		int length = LENGTH_NUMBER;
		AttributeKey key = no_key;
		DriverSlot *slot;

		/* The usual cases at once: a value that is in the table, read without a call. */
		if (drivers_attribute(*drivers, i)->how == DRIVER_EXACT && !reader->nulls[column->number])
		{
			switch (column->type)
			{
				case TEXTOID:
				case VARCHAROID:
				{
					const struct varlena *value = (const struct varlena *) DatumGetPointer(datum);

					length = LENGTH_NULL;
					if (VARATT_IS_EXTENDED(value) && !VARATT_IS_SHORT(value))
						break;
					bytes = VARDATA_ANY(value);
					length = (int) VARSIZE_ANY_EXHDR(value);
					if (length <= KEY_BYTES && attribute_is_inside(reader, bytes, KEY_BYTES))
						key = attribute_short_text_key(bytes, length);
					else if (length <= MAX_VALUE_BYTES)
						key = attribute_text_key(bytes, length);
					else
						length = LENGTH_NULL;
					break;
				}
				case BOOLOID:
					key.word[0] = DatumGetBool(datum);
					break;
				case INT4OID:
					key.word[0] = (uint64) (int64) DatumGetInt32(datum);
					break;
				case INT8OID:
					key.word[0] = (uint64) DatumGetInt64(datum);
					break;
				default:
					length = LENGTH_NULL;
			}
			if (length != LENGTH_NULL)
			{
				slot = slot_find(*drivers, i, key, length, bytes);
				if (likely(slot->taken))
				{
					count_add(&slot->count[which], 1);
					continue;
				}
			}
		}
		add_value(drivers, i, attribute_value(reader, i), which);
	}
}

void
reasons_add(Drivers **reasons, AttributeValue reason)
{
	count_add(&(*reasons)->count[DRIVER_KEPT], 1);
	add_value(reasons, 0, reason, DRIVER_KEPT);
}

void
drivers_merge(Drivers **into, const Drivers *from)
{
	require_same_attributes(*into, from);
	count_add(&(*into)->unknown, from->unknown);
	count_add(&(*into)->count[0], from->count[0]);
	count_add(&(*into)->count[1], from->count[1]);
	for (int i = 0; i < from->attributes; i++)
		if (drivers_attribute(from, i)->how > drivers_attribute(*into, i)->how)
			change_how(into, i, (DriverHow) drivers_attribute(from, i)->how);

	for (int i = 0; i < from->capacity; i++)
	{
		const DriverSlot *theirs = &drivers_slots(from)[i];
		const DriverAttribute *their_attribute;
		AttributeKey key;
		DriverSlot *slot;

		CHECK_NOW_AND_THEN(i);
		if (!theirs->taken)
			continue;
		key = theirs->key;
		their_attribute = drivers_attribute(from, theirs->attribute);
		if (theirs->length == LENGTH_NUMBER && their_attribute->how == DRIVER_EXACT &&
			drivers_attribute(*into, theirs->attribute)->how == DRIVER_BINS)
			key = bin_key(their_attribute, key);
		slot = slot_take(into, theirs->attribute, key, theirs->length,
						 drivers_tags(from) + theirs->offset);
		if (slot != NULL)
		{
			count_add(&slot->count[0], theirs->count[0]);
			count_add(&slot->count[1], theirs->count[1]);
		}
	}
}

/* ---- The sorted form ---- */

static int
compare_slots(const Drivers *drivers, const DriverSlot *one, const DriverSlot *other)
{
	const DriverAttribute *attribute;

	if (one->attribute != other->attribute)
		return one->attribute < other->attribute ? -1 : 1;
	if (one->length == LENGTH_NULL || other->length == LENGTH_NULL)
		return (one->length == LENGTH_NULL) - (other->length == LENGTH_NULL);
	attribute = drivers_attribute(drivers, one->attribute);
	if (attribute->kind == ATTRIBUTE_TEXT)
	{
		const char *tags = drivers_tags(drivers);
		int common =
			memcmp(tags + one->offset, tags + other->offset, Min(one->length, other->length));

		return common != 0 ? common : one->length - other->length;
	}
	if (attribute->kind == ATTRIBUTE_NUMBER && attribute->how == DRIVER_EXACT)
	{
		double a = number_of(one->key.word[0]);
		double b = number_of(other->key.word[0]);

		if (isnan(a) || isnan(b))
			return isnan(a) - isnan(b);
		return a < b ? -1 : a > b;
	}
	return (int64) one->key.word[0] < (int64) other->key.word[0]
			   ? -1
			   : (int64) one->key.word[0] > (int64) other->key.word[0];
}

static int
compare_places(const void *a, const void *b, void *arg)
{
	const Drivers *drivers = arg;
	const DriverSlot *slots = drivers_slots(drivers);

	return compare_slots(drivers, &slots[*(const int *) a], &slots[*(const int *) b]);
}

static Drivers *
drivers_sorted(const Drivers *from)
{
	int64 tag_bytes = 0;
	int *order = palloc_extended(mul_size(sizeof(int), Max(from->used, 1)), MCXT_ALLOC_HUGE);
	Drivers *drivers;
	int n = 0;

	for (int i = 0; i < from->attributes; i++)
		tag_bytes += drivers_attribute(from, i)->name_length;
	for (int i = 0; i < from->capacity; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (!drivers_slots(from)[i].taken)
			continue;
		order[n++] = i;
		tag_bytes += Max(drivers_slots(from)[i].length, 0);
	}
	sort_any(order, n, sizeof(int), compare_places, unconstify(Drivers *, from));

	drivers =
		drivers_alloc((WireKind) from->header.kind, DRIVERS_SORTED, from->attributes, n, tag_bytes);
	for (int i = 0; i < from->attributes; i++)
	{
		const DriverAttribute *old = drivers_attribute(from, i);

		attribute_put(drivers, i, drivers_tags(from) + old->name_offset, old->name_length,
					  (AttributeKind) old->kind);
		drivers_attribute(drivers, i)->how = old->how;
	}
	drivers->unknown = from->unknown;
	memcpy(drivers->count, from->count, sizeof(drivers->count));
	for (int i = 0; i < n; i++)
	{
		const DriverSlot *old = &drivers_slots(from)[order[i]];
		DriverSlot *slot = &drivers_slots(drivers)[i];

		CHECK_NOW_AND_THEN(i);
		slot_fill(drivers, slot, old->attribute, old->key, old->length,
				  drivers_tags(from) + old->offset);
		memcpy(slot->count, old->count, sizeof(slot->count));
	}
	pfree(order);
	return drivers;
}

/* ---- Bytes that come in ---- */

static void
corrupt(const Drivers *drivers, const char *detail)
{
	wire_corrupt(type_name_of(drivers), detail);
}

static void
check_text(const Drivers *drivers, int offset, int length)
{
	const char *bytes;

	if (offset < 0 || length < 0 || (int64) offset + length > drivers->tag_bytes)
		corrupt(drivers, "A text in it lies outside.");
	bytes = drivers_tags(drivers) + offset;
	if (memchr(bytes, '\0', length) != NULL || !pg_verifymbstr(bytes, length, true))
		corrupt(drivers, "A text in it is not text.");
}

static int
most_values(const Drivers *drivers, const DriverAttribute *attribute)
{
	return attribute->how == DRIVER_BINS		  ? MAX_BINS
		   : is_given_up(attribute)				  ? 0
		   : drivers->header.kind == WIRE_REASONS ? MAX_REASONS
												  : MAX_VALUES;
}

static void
check_attributes(const Drivers *drivers)
{
	for (int i = 0; i < drivers->attributes; i++)
	{
		const DriverAttribute *attribute = drivers_attribute(drivers, i);

		if (attribute->kind < ATTRIBUTE_TEXT || attribute->kind > ATTRIBUTE_LAST ||
			attribute->how < 0 || attribute->how > DRIVER_HOW_LAST || attribute->zero != 0 ||
			attribute->values < 0 || attribute->values > most_values(drivers, attribute) ||
			(is_given_up(attribute) && attribute->kind != ATTRIBUTE_TEXT) ||
			(attribute->how == DRIVER_BINS && attribute->kind != ATTRIBUTE_INTEGER &&
			 attribute->kind != ATTRIBUTE_NUMBER) ||
			attribute->name_length < 1 || attribute->name_length >= NAMEDATALEN)
			corrupt(drivers, "An attribute in it is none.");
		check_text(drivers, attribute->name_offset, attribute->name_length);
		for (int j = 0; j < i; j++)
			if (name_is(drivers, j, drivers_tags(drivers) + attribute->name_offset,
						attribute->name_length))
				corrupt(drivers, "Two attributes in it have one name.");
	}
	if (drivers->header.kind == WIRE_REASONS &&
		(drivers->attributes != 1 || drivers_attribute(drivers, 0)->kind != ATTRIBUTE_TEXT ||
		 drivers_attribute(drivers, 0)->how != DRIVER_EXACT || !name_is(drivers, 0, "reason", 6) ||
		 drivers->count[DRIVER_CHURNED] != 0 || drivers->unknown != 0))
		corrupt(drivers, "It has parts that its type has not.");
}

static void
check_slot(const Drivers *drivers, const DriverSlot *slot)
{
	const DriverAttribute *attribute;

	if (slot->taken != 1 || slot->attribute < 0 || slot->attribute >= drivers->attributes ||
		slot->count[0] < 0 || slot->count[1] < 0 || (slot->count[0] == 0 && slot->count[1] == 0))
		corrupt(drivers, "A value in it has no customers.");
	attribute = drivers_attribute(drivers, slot->attribute);
	if (slot->length == LENGTH_NULL)
	{
		if (!same_key(slot->key, no_key))
			corrupt(drivers, "A value in it is none.");
		return;
	}
	if ((attribute->kind == ATTRIBUTE_TEXT) != (slot->length >= 0) ||
		slot->length > MAX_VALUE_BYTES || slot->length < LENGTH_NULL || is_given_up(attribute))
		corrupt(drivers, "A value in it is none.");
	if (slot->length >= 0)
	{
		check_text(drivers, slot->offset, slot->length);
		if (!same_key(slot->key,
					  attribute_text_key(drivers_tags(drivers) + slot->offset, slot->length)))
			corrupt(drivers, "A value in it is none.");
		return;
	}
	if (slot->key.word[1] != 0)
		corrupt(drivers, "A value in it is none.");
	if (attribute->how == DRIVER_BINS)
	{
		int64 bin = (int64) slot->key.word[0];

		if (!bin_is_valid(bin) ||
			(attribute->kind == ATTRIBUTE_INTEGER && bin != bin_of_integer(bin_least_integer(bin))))
			corrupt(drivers, "A value in it is none.");
	}
	else if ((attribute->kind == ATTRIBUTE_BOOLEAN && slot->key.word[0] > 1) ||
			 (attribute->kind == ATTRIBUTE_NUMBER &&
			  slot->key.word[0] != bits_of(number_of(slot->key.word[0]))))
		corrupt(drivers, "A value in it is none.");
}

/* Everything that can be wrong with the bytes of a flat value. */
static void
check_drivers(const Drivers *drivers)
{
	int64 customers;
	int64(*counts)[3];
	int taken = 0;

	if ((drivers->form != DRIVERS_SORTED && drivers->form != DRIVERS_HASHED) ||
		drivers->attributes < 1 || drivers->attributes > MAX_ATTRIBUTES || drivers->used < 0 ||
		drivers->capacity < drivers->used || drivers->tag_bytes < 0 ||
		drivers->tag_capacity < drivers->tag_bytes || drivers->unknown < 0 || drivers->zero != 0 ||
		drivers->count[0] < 0 || drivers->count[1] < 0 ||
		pg_add_s64_overflow(drivers->count[0], drivers->count[1], &customers))
		corrupt(drivers, "A number at its front is out of range.");
	if (drivers->form == DRIVERS_SORTED
			? drivers->capacity != drivers->used || drivers->tag_capacity != drivers->tag_bytes ||
				  drivers->shape != 0 || drivers->maker != 0
			: drivers->capacity < FIRST_CAPACITY || drivers->capacity <= drivers->used ||
				  (drivers->capacity & (drivers->capacity - 1)) != 0)
		corrupt(drivers, "A number at its front is out of range.");
	if (drivers_size(drivers->attributes, drivers->capacity, drivers->tag_capacity) !=
		VARSIZE(drivers))
		corrupt(drivers, "Its length is not that of its contents.");
	check_attributes(drivers);

	counts = palloc0(sizeof(*counts) * drivers->attributes);
	for (int i = 0; i < drivers->capacity; i++)
	{
		const DriverSlot *slot = &drivers_slots(drivers)[i];
		int64 *of;

		CHECK_NOW_AND_THEN(i);
		if (drivers->form == DRIVERS_HASHED && slot->taken == 0)
			continue;
		check_slot(drivers, slot);
		taken++;
		of = counts[slot->attribute];
		if (pg_add_s64_overflow(of[0], slot->count[0], &of[0]) ||
			pg_add_s64_overflow(of[1], slot->count[1], &of[1]))
			corrupt(drivers, "A count in it is too large.");
		of[2] += slot->length != LENGTH_NULL;
		if (drivers->form == DRIVERS_SORTED && i > 0 && compare_slots(drivers, slot - 1, slot) >= 0)
			corrupt(drivers, "The values in it are out of order.");
	}
	if (taken != drivers->used)
		corrupt(drivers, "Its values are not as many as it says.");
	/* Now that every value is one: whether it would be found. */
	for (int i = 0; drivers->form == DRIVERS_HASHED && i < drivers->capacity; i++)
	{
		const DriverSlot *slot = &drivers_slots(drivers)[i];

		CHECK_NOW_AND_THEN(i);
		if (slot->taken != 0 && slot_find(drivers, slot->attribute, slot->key, slot->length,
										  drivers_tags(drivers) + Max(slot->offset, 0)) != slot)
			corrupt(drivers, "A value in it is not at its place.");
	}
	for (int i = 0; i < drivers->attributes; i++)
	{
		const DriverAttribute *attribute = drivers_attribute(drivers, i);
		bool all = !is_given_up(attribute);

		if (attribute->values != counts[i][2] ||
			(all ? counts[i][0] != drivers->count[0] || counts[i][1] != drivers->count[1]
				 : counts[i][0] > drivers->count[0] || counts[i][1] > drivers->count[1]))
			corrupt(drivers, "Its values have other customers than it says.");
	}
	pfree(counts);
}

const Drivers *
drivers_open(Datum value, WireKind kind)
{
	const Drivers *drivers =
		flat_open(value, kind, DRIVERS_VERSION, sizeof(Drivers), drivers_type_name(kind));

	check_drivers(drivers);
	return drivers;
}

const Drivers *
drivers_open_sorted(Datum value, WireKind kind)
{
	const Drivers *drivers = drivers_open(value, kind);

	if (drivers->form != DRIVERS_SORTED)
		drivers = drivers_sorted(drivers);
	return drivers;
}

/* ---- Wire form ---- */

/* Of a sorted state. */
void
drivers_write(const Drivers *drivers, StringInfo out)
{
	const DriverSlot *slot = drivers_slots(drivers);
	const DriverSlot *end = slot + drivers->used;

	wire_begin(out, (WireKind) drivers->header.kind, DRIVERS_VERSION);
	wire_put_int(out, drivers->unknown);
	wire_put_int(out, drivers->count[0]);
	wire_put_int(out, drivers->count[1]);
	wire_put_int(out, drivers->attributes);
	for (int i = 0; i < drivers->attributes; i++)
	{
		const DriverAttribute *attribute = drivers_attribute(drivers, i);
		const DriverSlot *last = slot;

		while (last < end && last->attribute == i)
			last++;
		wire_put_text(out, drivers_attribute_name(drivers, i));
		wire_put_int(out, attribute->kind);
		wire_put_int(out, attribute->how);
		wire_put_int(out, last - slot);
		slot = last;
	}
	for (slot = drivers_slots(drivers); slot < end; slot++)
	{
		CHECK_NOW_AND_THEN(slot - drivers_slots(drivers));
		wire_put_int(out, slot->length);
		if (slot->length >= 0)
			wire_put_bytes(out, drivers_tags(drivers) + slot->offset, slot->length);
		else if (slot->length == LENGTH_NUMBER)
			wire_put_int(out, (int64) slot->key.word[0]);
		wire_put_int(out, slot->count[0]);
		wire_put_int(out, slot->count[1]);
	}
}

Drivers *
drivers_read(const char *bytes, Size size, WireKind kind)
{
	const char *name = drivers_type_name(kind);
	WireReader in = wire_open(bytes, size, kind, DRIVERS_VERSION, name);
	int64 unknown = wire_get_int(&in);
	int64 kept = wire_get_int(&in);
	int64 churned = wire_get_int(&in);
	int attributes = (int) wire_get_int_between(&in, 1, MAX_ATTRIBUTES);
	int64 values[MAX_ATTRIBUTES];
	WireReader again = in;
	Drivers *drivers = NULL;
	int64 slots = 0;
	int64 tags = 0;

	/* Read twice: how much there is, and then what. */
	for (int pass = 0; pass < 2; pass++)
	{
		if (pass == 1)
		{
			in = again;
			drivers = drivers_alloc(kind, DRIVERS_SORTED, attributes, slots, tags);
			drivers->unknown = unknown;
			drivers->count[0] = kept;
			drivers->count[1] = churned;
		}
		for (int i = 0; i < attributes; i++)
		{
			char *attribute = wire_get_text(&in, NAMEDATALEN - 1);
			AttributeKind attribute_kind =
				(AttributeKind) wire_get_int_between(&in, ATTRIBUTE_TEXT, ATTRIBUTE_LAST);
			DriverHow how = (DriverHow) wire_get_int_between(&in, 0, DRIVER_HOW_LAST);

			values[i] = wire_get_int_between(&in, 0, MAX_BINS);
			slots += values[i];
			tags += (int64) strlen(attribute);
			if (pass == 1)
			{
				attribute_put(drivers, i, attribute, (int) strlen(attribute), attribute_kind);
				drivers_attribute(drivers, i)->how = how;
			}
		}
		for (int i = 0; i < attributes; i++)
			for (int64 j = 0; j < values[i]; j++)
			{
				int length = (int) wire_get_int_between(&in, LENGTH_NULL, MAX_VALUE_BYTES);
				const char *value = length >= 0 ? wire_get_bytes(&in, length) : NULL;
				AttributeKey key = no_key;
				int64 count[2];

				CHECK_NOW_AND_THEN(j);
				if (length >= 0)
					key = attribute_text_key(value, length);
				else if (length == LENGTH_NUMBER)
					key.word[0] = (uint64) wire_get_int(&in);
				count[0] = wire_get_int(&in);
				count[1] = wire_get_int(&in);
				tags += Max(length, 0);
				if (pass == 1)
				{
					DriverSlot *slot = &drivers_slots(drivers)[drivers->used];

					slot_fill(drivers, slot, i, key, length, value);
					memcpy(slot->count, count, sizeof(count));
				}
			}
	}
	wire_end(&in);
	check_drivers(drivers);
	return drivers;
}
