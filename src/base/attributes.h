/*
 * attributes.h
 *		The columns of a record as named attributes of a customer.
 *
 * The columns are found in the record itself, so that a user may pass those of any sub-select. They are remembered
 * for the next row of the same shape, which only makes it faster.
 */
#ifndef RETENTION_ATTRIBUTES_H
#define RETENTION_ATTRIBUTES_H

#include "access/tupdesc.h"
#include "base/mix.h"
#include "catalog/pg_type_d.h"

/* The largest number of attributes. */
#define MAX_ATTRIBUTES 200
/* The longest value that is kept as text, in bytes. */
#define MAX_VALUE_BYTES 1000

/* The kind of values of an attribute. It is stored. */
typedef enum AttributeKind
{
	ATTRIBUTE_TEXT = 1, /* text, enum, and the text of any other type */
	ATTRIBUTE_BOOLEAN = 2,
	ATTRIBUTE_INTEGER = 3,
	ATTRIBUTE_NUMBER = 4, /* numeric, double precision, real */
	ATTRIBUTE_LAST = ATTRIBUTE_NUMBER,
} AttributeKind;

typedef struct AttributeColumn
{
	const char *name;
	AttributeKind kind;
	Oid type;				/* of the values, without domains */
	int number;				/* in the record, from 0 */
	struct ValueText *text; /* for types that become a text by their output function, else NULL */
} AttributeColumn;

/* The kind of the attribute says which field is set. */
typedef struct AttributeValue
{
	bool null;
	int length; /* text */
	const char *bytes;
	int64 integer; /* boolean: 0 or 1 */
	double number;
} AttributeValue;

struct AttributeMemo;

typedef struct AttributeReader
{
	uint64
		layout; /* of the record's type, as the server numbers them: ALTER TYPE makes another one */
	TupleDesc columns;
	const char *start; /* of the row at hand */
	Size size;
	Datum *values; /* of the row at hand, by number */
	bool *nulls;
	MemoryContext context; /* of the reader */
	struct AttributeMemo *memo;
	uint64 shape; /* of names and kinds; never 0 */
	int count;
	AttributeColumn column[FLEXIBLE_ARRAY_MEMBER];
} AttributeReader;

/*
 * The attributes of a record. *remembered is the reader of the row before, or NULL at first; it is allocated in
 * context. Raises 22004 if record is 0 (NULL), 22023 on two columns with one name, 54000 on too many.
 */
extern AttributeReader *attributes_open(void **remembered, MemoryContext context, Datum record);

/*
 * The same for a single value instead of a record, of a type without domains. It is named "attribute" and may be
 * NULL.
 */
extern AttributeReader *
attributes_of_value(void **remembered, MemoryContext context, Oid type, Datum value, bool isnull);

/* Raises 22023: a row does not have the attributes of the rows before; one and other name them. */
extern void attributes_changed(const char *one, const char *other) pg_attribute_noreturn();

/* Whether so many bytes may be read there, because they lie in the row at hand. */
static inline bool
attribute_is_inside(const AttributeReader *reader, const char *bytes, Size size)
{
	return reader->size >= size && (Size) (bytes - reader->start) <= reader->size - size;
}

extern const char *attribute_kind_name(AttributeKind kind);

/* The value of an attribute in the row at hand; valid until the next row. */
extern AttributeValue attribute_value(AttributeReader *reader, int attribute);

/* The shortest decimal that reads back as the same number. */
extern char *attribute_number_text(double number);

/* The text of a value whose kind is not text: of its integer (a boolean: 0 or 1) or number. */
extern char *attribute_value_text(AttributeKind kind, int64 integer, double number);

/* The key of a text up to this length says all of it. */
#define KEY_BYTES 16

typedef struct AttributeKey
{
	uint64 word[2];
} AttributeKey;

/* The bytes of a text, padded with zeros; for a longer text its last bytes and a hash of the others. */
static inline AttributeKey
attribute_text_key(const char *bytes, int length)
{
	AttributeKey key = {{0, 0}};

	if (length <= KEY_BYTES)
	{
		memcpy(&key, bytes, length);
		return key;
	}
	for (; length > KEY_BYTES; bytes += 8, length -= 8)
	{
		uint64 word;

		memcpy(&word, bytes, 8);
		key.word[0] = mix64(key.word[0] + 1, word);
	}
	memcpy(&key.word[1], bytes + length - 8, 8);
	/* Up to eight bytes are in both parts. */
	key.word[0] = mix64(key.word[0], 0);
	return key;
}

/* The same for texts of up to KEY_BYTES, without a branch or a call. KEY_BYTES bytes must be readable there. */
static inline AttributeKey
attribute_short_text_key(const char *bytes, int length)
{
#ifndef WORDS_BIGENDIAN
#define MASK(n) (~UINT64CONST(0) >> (64 - 8 * (n)))
	static const uint64 mask[KEY_BYTES + 1][2] = {{0, 0},
												  {MASK(1), 0},
												  {MASK(2), 0},
												  {MASK(3), 0},
												  {MASK(4), 0},
												  {MASK(5), 0},
												  {MASK(6), 0},
												  {MASK(7), 0},
												  {MASK(8), 0},
												  {MASK(8), MASK(1)},
												  {MASK(8), MASK(2)},
												  {MASK(8), MASK(3)},
												  {MASK(8), MASK(4)},
												  {MASK(8), MASK(5)},
												  {MASK(8), MASK(6)},
												  {MASK(8), MASK(7)},
												  {MASK(8), MASK(8)}};
#undef MASK
	AttributeKey key;

	memcpy(&key, bytes, KEY_BYTES);
	key.word[0] &= mask[length][0];
	key.word[1] &= mask[length][1];
	return key;
#else
	return attribute_text_key(bytes, length);
#endif
}

#endif /* RETENTION_ATTRIBUTES_H */
