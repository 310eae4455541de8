/*
 * attributes.c
 *		The columns of a record as named attributes of a customer.
 */
#include "retention.h"

#include <math.h>

#include "access/htup_details.h"
#include "base/attributes.h"
#include "base/number.h"
#include "base/text_sql.h"
#include "catalog/pg_enum.h"
#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* Values that are slow to read, remembered: labels of enums, and numbers that are not doubles. */
typedef struct AttributeMemo
{
	struct
	{
		Oid value;
		int length;
		char label[NAMEDATALEN];
	} labels[64];
	struct
	{
		int length; /* of the bytes; 0: empty */
		char bytes[20];
		double number;
	} numbers[256];
} AttributeMemo;

static AttributeKind
kind_of_type(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return ATTRIBUTE_BOOLEAN;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return ATTRIBUTE_INTEGER;
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:
			return ATTRIBUTE_NUMBER;
	}
	return ATTRIBUTE_TEXT;
}

const char *
attribute_kind_name(AttributeKind kind)
{
	static const char *const names[] = {"", "text", "boolean", "integer", "number"};

	return names[kind];
}

void
attributes_changed(const char *one, const char *other)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("the attributes of customers must be the same in every row"),
					errdetail("They are %s here and %s there.", one, other),
					errhint("The names, the types and the order of the columns must agree.")));
}

/* Whether a value becomes a text by the output function of its type: it is neither a text nor a label of an enum. */
static inline bool
needs_output(Oid type)
{
	return type != TEXTOID && type != VARCHAROID && type != BPCHAROID && type != NAMEOID &&
		   type != UNKNOWNOID && type != ANYENUMOID && !type_is_enum(type);
}

/* Add a column; type is that of its values, without domains. */
static void
add_column(AttributeReader *reader, const char *name, int number, Oid type)
{
	AttributeColumn *column = &reader->column[reader->count++];

	column->name = name;
	column->number = number;
	column->type = type;
	column->kind = kind_of_type(type);
	if (column->kind == ATTRIBUTE_TEXT && needs_output(type))
	{
		column->text = palloc(sizeof(ValueText));
		value_text_open(column->text, type, reader->context);
	}
	for (const char *c = name; *c != '\0'; c++)
		reader->shape = mix64(reader->shape, (uint8) *c);
	reader->shape = mix64(reader->shape, 256 + column->kind);
}

static AttributeReader *
reader_make(Oid type, int32 typmod, uint64 layout, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	TupleDesc columns = lookup_rowtype_tupdesc_copy(type, typmod);
	AttributeReader *reader = palloc0(offsetof(AttributeReader, column) +
									  sizeof(AttributeColumn) * Max(columns->natts, 1));

	reader->layout = layout;
	reader->columns = columns;
	reader->values = palloc(sizeof(Datum) * Max(columns->natts, 1));
	reader->nulls = palloc(sizeof(bool) * Max(columns->natts, 1));
	reader->context = context;
	reader->shape = 1;
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute from = TupleDescAttr(columns, i);
		const char *name = NameStr(from->attname);

		if (from->attisdropped)
			continue;
		if (reader->count >= MAX_ATTRIBUTES)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a customer cannot have more than %d attributes", MAX_ATTRIBUTES)));
		if (OidIsValid(from->attcollation) && !get_collation_isdeterministic(from->attcollation))
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("attribute \"%s\" has a nondeterministic collation", name),
							errdetail("Values are equal if their bytes are."),
							errhint("Give it another one with COLLATE.")));
		for (int j = 0; j < reader->count; j++)
			if (strcmp(reader->column[j].name, name) == 0)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("two attributes are named \"%s\"", name)));
		add_column(reader, name, i, getBaseType(from->atttypid));
	}
	if (reader->count == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a customer must have at least one attribute")));
	reader->shape |= 1;
	MemoryContextSwitchTo(old);
	return reader;
}

AttributeReader *
attributes_open(void **remembered, MemoryContext context, Datum value)
{
	AttributeReader *reader = *remembered;
	HeapTupleHeader record;
	HeapTupleData tuple;
	Oid type;
	int32 typmod;
	uint64 layout;

	if (value == (Datum) 0)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the attributes of a customer must not be null"),
						errhint("A single attribute may be.")));
	record = DatumGetHeapTupleHeader(value);
	type = HeapTupleHeaderGetTypeId(record);
	typmod = HeapTupleHeaderGetTypMod(record);
	layout = assign_record_type_identifier(type, typmod);
	if (reader == NULL || reader->layout != layout)
	{
		reader = reader_make(type, typmod, layout, context);
		*remembered = reader;
	}

	tuple.t_len = HeapTupleHeaderGetDatumLength(record);
	reader->start = (const char *) record;
	reader->size = tuple.t_len;
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = record;
	heap_deform_tuple(&tuple, reader->columns, reader->values, reader->nulls);
	return reader;
}

AttributeReader *
attributes_of_value(void **remembered, MemoryContext context, Oid type, Datum value, bool isnull)
{
	AttributeReader *reader = *remembered;

	if (reader == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		reader = palloc0(offsetof(AttributeReader, column) + sizeof(AttributeColumn));
		reader->values = palloc(sizeof(Datum));
		reader->nulls = palloc(sizeof(bool));
		reader->context = context;
		reader->shape = 1;
		add_column(reader, "attribute", 0, type);
		reader->shape |= 1;
		MemoryContextSwitchTo(old);
		*remembered = reader;
	}
	reader->values[0] = value;
	reader->nulls[0] = isnull;
	if (type == TEXTOID && !isnull)
	{
		reader->start = DatumGetPointer(value);
		reader->size = VARSIZE_ANY(reader->start);
	}
	return reader;
}

/* Made when it is first needed: if a new reader is made for every row, it would cost more than it saves. */
static AttributeMemo *
memo_of(AttributeReader *reader)
{
	if (reader->memo == NULL)
		reader->memo = MemoryContextAllocZero(reader->context, sizeof(AttributeMemo));
	return reader->memo;
}

static void
enum_label(AttributeMemo *memo, Oid value, AttributeValue *out)
{
	int place = value % lengthof(memo->labels);

	if (memo->labels[place].value != value)
	{
		HeapTuple tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));

		if (!HeapTupleIsValid(tuple))
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("invalid internal value for enum: %u", value)));
		strlcpy(memo->labels[place].label, NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel),
				NAMEDATALEN);
		memo->labels[place].length = (int) strlen(memo->labels[place].label);
		memo->labels[place].value = value;
		ReleaseSysCache(tuple);
	}
	out->bytes = memo->labels[place].label;
	out->length = memo->labels[place].length;
}

/* A real is read as its shortest decimal: 0.1 and not 0.10000000149. */
static double
real_number(float4 value)
{
	char digits[FLOAT_SHORTEST_DECIMAL_LEN];

	if (!isfinite(value))
		return value;
	float_to_shortest_decimal_buf(value, digits);
	return strtod(digits, NULL);
}

static double
slow_number(AttributeMemo *memo, Oid type, Datum value)
{
	struct varlena *numeric = NULL;
	float4 real = 0;
	const char *bytes;
	int length;
	AttributeKey key;
	uint64 hash;
	int place;

	if (type == FLOAT4OID)
	{
		real = DatumGetFloat4(value);
		bytes = (const char *) &real;
		length = sizeof(real);
	}
	else
	{
		numeric = PG_DETOAST_DATUM_PACKED(value);
		bytes = VARDATA_ANY(numeric);
		length = (int) VARSIZE_ANY_EXHDR(numeric);
	}
	key = attribute_text_key(bytes, length);
	hash = mix64(key.word[0], key.word[1]);
	place = (int) (hash % lengthof(memo->numbers));
	if (memo->numbers[place].length != length || length > (int) sizeof(memo->numbers[0].bytes) ||
		memcmp(memo->numbers[place].bytes, bytes, length) != 0)
	{
		double number =
			numeric != NULL ? numeric_to_double(DatumGetNumeric(value)) : real_number(real);

		if (length > (int) sizeof(memo->numbers[0].bytes))
			return number;
		memcpy(memo->numbers[place].bytes, bytes, length);
		memo->numbers[place].length = length;
		memo->numbers[place].number = number;
	}
	return memo->numbers[place].number;
}

AttributeValue
attribute_value(AttributeReader *reader, int attribute)
{
	const AttributeColumn *column = &reader->column[attribute];
	Datum datum = reader->values[column->number];
	AttributeValue value = {.null = reader->nulls[column->number]};

	if (value.null)
		return value;
	switch (column->type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		{
			struct varlena *packed = PG_DETOAST_DATUM_PACKED(datum);

			value.bytes = VARDATA_ANY(packed);
			value.length = (int) VARSIZE_ANY_EXHDR(packed);
			/* Blanks at its end are not part of a char(n). */
			if (column->type == BPCHAROID)
				while (value.length > 0 && value.bytes[value.length - 1] == ' ')
					value.length--;
			break;
		}
		case NAMEOID:
			value.bytes = NameStr(*DatumGetName(datum));
			value.length = (int) strlen(value.bytes);
			break;
		case UNKNOWNOID:
			value.bytes = DatumGetCString(datum);
			value.length = (int) strlen(value.bytes);
			break;
		case BOOLOID:
			value.integer = DatumGetBool(datum);
			break;
		case INT2OID:
			value.integer = DatumGetInt16(datum);
			break;
		case INT4OID:
			value.integer = DatumGetInt32(datum);
			break;
		case INT8OID:
			value.integer = DatumGetInt64(datum);
			break;
		case FLOAT8OID:
			value.number = DatumGetFloat8(datum);
			break;
		case FLOAT4OID:
		case NUMERICOID:
			value.number = slow_number(memo_of(reader), column->type, datum);
			break;
		default:
			if (column->text != NULL)
			{
				text *as_text = value_text(column->text, datum);

				value.bytes = VARDATA_ANY(as_text);
				value.length = (int) VARSIZE_ANY_EXHDR(as_text);
			}
			else
				enum_label(memo_of(reader), DatumGetObjectId(datum), &value);
	}
	return value;
}

char *
attribute_number_text(double number)
{
	char *digits = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	if (isnan(number))
		strcpy(digits, "NaN");
	else if (isinf(number))
		strcpy(digits, number > 0 ? "Infinity" : "-Infinity");
	else
		double_to_shortest_decimal_buf(number, digits);
	return digits;
}

char *
attribute_value_text(AttributeKind kind, int64 integer, double number)
{
	switch (kind)
	{
		case ATTRIBUTE_BOOLEAN:
			return pstrdup(integer != 0 ? "true" : "false");
		case ATTRIBUTE_INTEGER:
			return psprintf(INT64_FORMAT, integer);
		default:
			return attribute_number_text(number);
	}
}
