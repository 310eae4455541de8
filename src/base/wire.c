/*
 * wire.c
 *		The bytes of stored values: reading, writing and checking.
 */
#include "retention.h"

#include "base/check.h"
#include "base/wire.h"
#include "mb/pg_wchar.h"
#include "storage/shmem.h"
#include "utils/builtins.h"

#define HEX_PIECE (1024 * 1024)

void
flat_mark(void *flat, WireKind kind, int version, Size size)
{
	FlatHeader *header = (FlatHeader *) flat;

	SET_VARSIZE(header, size);
	header->magic = FLAT_MAGIC;
	header->kind = (char) kind;
	header->version = (uint8) version;
	header->zero = 0;
}

void *
flat_copy(const void *flat)
{
	void *copy = palloc(VARSIZE(flat));

	memcpy(copy, flat, VARSIZE(flat));
	return copy;
}

void *
flat_open(Datum value, WireKind kind, int version, Size least, const char *type_name)
{
	FlatHeader *header = (FlatHeader *) PG_DETOAST_DATUM(value);

	/* Only a value that this type did not write has a long header that is not aligned to 8 bytes. */
	if ((uintptr_t) header % MAXIMUM_ALIGNOF != 0)
		header = flat_copy(header);
	if (VARSIZE(header) < Max(least, sizeof(FlatHeader)))
		wire_corrupt(type_name, "It is too short.");
	if (header->magic != FLAT_MAGIC || header->kind != (char) kind || header->zero != 0)
		wire_corrupt(type_name, "It does not begin with the header of its type.");
	if (header->version != version)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("unrecognized layout version %d of %s", header->version, type_name)));
	return header;
}

/* Where the bytes that are being read come from. */
static WireSource reading = WIRE_STORED;

void
wire_corrupt(const char *type_name, const char *detail)
{
	ereport(ERROR, (errcode(reading == WIRE_STORED		? ERRCODE_DATA_CORRUPTED
							: reading == WIRE_FROM_TEXT ? ERRCODE_INVALID_TEXT_REPRESENTATION
														: ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid %s value", type_name), errdetail("%s", detail)));
}

void *
wire_read(WireSource source, WireRead read, const char *bytes, Size size, WireKind kind)
{
	void *volatile value = NULL;

	reading = source;
	PG_TRY();
	{
		value = read(bytes, size, kind);
	}
	PG_FINALLY();
	{
		reading = WIRE_STORED;
	}
	PG_END_TRY();
	return value;
}

void
wire_begin(StringInfo out, WireKind kind, int version)
{
	appendStringInfoChar(out, FLAT_MAGIC);
	appendStringInfoChar(out, (char) kind);
	appendStringInfoChar(out, (char) version);
}

/* Seven bits in each byte, lowest first; the sign becomes the lowest bit. */
void
wire_put_int(StringInfo out, int64 value)
{
	uint64 rest = ((uint64) value << 1) ^ (uint64) (value >> 63);

	while (rest >= 0x80)
	{
		appendStringInfoCharMacro(out, (char) (rest | 0x80));
		rest >>= 7;
	}
	appendStringInfoCharMacro(out, (char) rest);
}

void
wire_put_wide(StringInfo out, int128 value)
{
	uint128 rest = ((uint128) value << 1) ^ (uint128) (value >> 127);

	while (rest >= 0x80)
	{
		appendStringInfoCharMacro(out, (char) ((uint8) rest | 0x80));
		rest >>= 7;
	}
	appendStringInfoCharMacro(out, (char) rest);
}

void
wire_put_int_array(StringInfo out, const int64 *values, int count)
{
	for (int i = 0; i < count; i++)
		wire_put_int(out, values[i]);
}

void
wire_put_double(StringInfo out, double value)
{
	int64 bits;

	memcpy(&bits, &value, sizeof(bits));
	wire_put_int(out, bits);
}

void
wire_put_bytes(StringInfo out, const void *bytes, Size size)
{
	appendBinaryStringInfo(out, bytes, (int) size);
}

void
wire_put_tag(StringInfo out, Tag tag)
{
	wire_put_int(out, tag.length);
	if (tag.length > 0)
		wire_put_bytes(out, tag.bytes, tag.length);
}

WireReader
wire_open(const char *bytes, Size size, WireKind kind, int newest, const char *type_name)
{
	WireReader in = {.type_name = type_name, .at = bytes, .end = bytes + size};
	const char *marks = wire_get_bytes(&in, 3);

	if (marks[0] != FLAT_MAGIC || marks[1] != (char) kind)
		wire_corrupt(type_name, "It does not begin with the header of its type.");
	in.version = (uint8) marks[2];
	if (in.version < 1 || in.version > newest)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("unrecognized version %d of %s", in.version, type_name)));
	return in;
}

int64
wire_get_int(WireReader *in)
{
	uint64 folded = 0;

	for (int shift = 0; shift < 64; shift += 7)
	{
		uint8 byte;

		if (in->at >= in->end)
			wire_corrupt(in->type_name, "It ends early.");
		byte = (uint8) *in->at++;
		/* The tenth byte has space for one bit; with a zero at the end a number would have a second form. */
		if ((shift == 63 && byte > 1) || (shift > 0 && byte == 0))
			wire_corrupt(in->type_name, "A number in it is too large or not in its shortest form.");
		folded |= (uint64) (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return (int64) (folded >> 1) ^ -(int64) (folded & 1);
	}
	wire_corrupt(in->type_name, "A number in it is too long.");
}

int128
wire_get_wide(WireReader *in)
{
	uint128 folded = 0;

	for (int shift = 0; shift < 128; shift += 7)
	{
		uint8 byte;

		if (in->at >= in->end)
			wire_corrupt(in->type_name, "It ends early.");
		byte = (uint8) *in->at++;
		/* The last byte has space for two bits. */
		if ((shift == 126 && byte > 3) || (shift > 0 && byte == 0))
			wire_corrupt(in->type_name, "A number in it is too large or not in its shortest form.");
		folded |= (uint128) (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return (int128) (folded >> 1) ^ -(int128) (folded & 1);
	}
	wire_corrupt(in->type_name, "A number in it is too long.");
}

int64
wire_get_int_between(WireReader *in, int64 low, int64 high)
{
	int64 value = wire_get_int(in);

	if (value < low || value > high)
		wire_corrupt(in->type_name, "A number in it is out of range.");
	return value;
}

double
wire_get_double(WireReader *in)
{
	int64 bits = wire_get_int(in);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

const char *
wire_get_bytes(WireReader *in, Size size)
{
	const char *bytes = in->at;

	if (size > (Size) (in->end - in->at))
		wire_corrupt(in->type_name, "It ends early.");
	in->at += size;
	return bytes;
}

Tag
wire_get_tag(WireReader *in, int least, int longest)
{
	Tag tag = {.length = (int) wire_get_int_between(in, least, longest)};

	tag.bytes = wire_get_bytes(in, Max(tag.length, 0));
	wire_check_text(in->type_name, tag);
	return tag;
}

void
wire_check_text(const char *type_name, Tag tag)
{
	if (tag.length > 0 && (memchr(tag.bytes, '\0', tag.length) != NULL ||
						   !pg_verifymbstr(tag.bytes, tag.length, true)))
		wire_corrupt(type_name, "A text in it is not valid in the encoding of the database.");
}

void
wire_end(WireReader *in)
{
	if (in->at != in->end)
		wire_corrupt(in->type_name, "It has extra bytes at its end.");
}

void
wire_to_text(StringInfo wire, StringInfo out)
{
	/* In pieces, between which a query can be cancelled. */
	enlargeStringInfo(out, (int) Min(mul_size(wire->len, 2), PG_INT32_MAX));
	for (int at = 0; at < wire->len; at += HEX_PIECE)
	{
		CHECK_FOR_INTERRUPTS();
		out->len +=
			(int) hex_encode(wire->data + at, Min(wire->len - at, HEX_PIECE), out->data + out->len);
	}
	out->data[out->len] = '\0';
}

/* The value of a digit as wire_to_text() writes it, or -1. */
static inline int
hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

void
wire_from_text(const char *digits, StringInfo out, const char *type_name)
{
	Size size = strlen(digits) / 2;
	bool valid = digits[2 * size] == '\0';

	enlargeStringInfo(out, (int) size);
	for (Size i = 0; i < size && valid; i++)
	{
		int high = hex_digit(digits[2 * i]);
		int low = hex_digit(digits[2 * i + 1]);

		CHECK_NOW_AND_THEN(i);
		valid = high >= 0 && low >= 0;
		out->data[i] = (char) (high << 4 | low);
	}
	if (!valid)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s", type_name),
			 errdetail("A %s is written as hexadecimal digits.", type_name),
			 errhint(
				 "Such a value comes from its aggregate or from a dump; it is not written by hand.")));
	out->len = (int) size;
}
