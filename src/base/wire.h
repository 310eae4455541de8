/*
 * wire.h
 *		Bytes that leave the server, and bytes that come in.
 *
 * A summary has two forms. Its flat form is the varlena that lives in memory and in tables; each room has one
 * check() for it, called on every value that was not made by the running aggregate. Its wire form is what binary
 * COPY, text output and pg_dump carry: magic, kind, version, then the room's fields as numbers of variable length.
 * Text is the hexadecimal form of the wire bytes, so that there is one reader.
 *
 * Every reading function raises wire_corrupt() on bytes that end early or say something impossible: bytes are hostile.
 */
#ifndef RETENTION_WIRE_H
#define RETENTION_WIRE_H

#include "lib/stringinfo.h"

/* The letters that stored bytes carry are all here. Never change one, never use one again. */

/* Of a stored type. */
typedef enum WireKind
{
	WIRE_ACTIVITY = 'A',
	WIRE_COHORTS = 'C',
	WIRE_FLOW = 'F',
	WIRE_POPULATION = 'P',
	WIRE_SURVIVAL = 'S',
	WIRE_LOGRANK = 'L',
	WIRE_INCIDENCE = 'I',
	WIRE_COX_ROWS = 'W',
	WIRE_COX = 'X',
	WIRE_DRIVERS = 'D',
	WIRE_REASONS = 'Q',
	WIRE_SURVIVAL_DRIVERS = 'Y',
} WireKind;

/* Inside a population: the aggregate whose state it is. States of two do not mix. */
typedef enum WireAggregate
{
	AGGREGATE_COHORT_ANCHOR = 'A', /* a customer's earliest anchor starts their cohort */
	AGGREGATE_COHORT_ROWS = 'C',   /* rows start cohorts */
	AGGREGATE_FLOW = 'F',
	AGGREGATE_RATE = 'R',	  /* retention_rate(customer, at, base, returns) */
	AGGREGATE_SURVIVAL = 'S', /* survival(customer, started, ended, as_of) */
} WireAggregate;

/* A text that may be NULL: then its length is negative. */
typedef struct Tag
{
	const char *bytes;
	int length;
} Tag;

typedef struct WireReader
{
	const char *type_name; /* for messages, such as "retention_flow" */
	const char *at;
	const char *end;
	int version;
} WireReader;

/* The marks at the front of a flat value; each flat struct begins with this. */
typedef struct FlatHeader
{
	int32 vl_len_; /* varlena header, touch only through VARSIZE and SET_VARSIZE */
	char magic;	   /* FLAT_MAGIC */
	char kind;	   /* WireKind */
	uint8 version; /* of the flat layout of this kind */
	uint8 zero;	   /* 0 */
} FlatHeader;

#define FLAT_MAGIC 'R'

extern void flat_mark(void *flat, WireKind kind, int version, Size size);

/* Whether a value with a plain header, of the size of a FlatHeader at least, has these marks. */
static inline bool
flat_is(const void *flat, WireKind kind, int version)
{
	const FlatHeader *header = flat;

	return header->magic == FLAT_MAGIC && header->kind == (char) kind &&
		   header->version == (uint8) version && header->zero == 0;
}

/* A copy of a flat value with a plain header, palloc'ed. */
extern void *flat_copy(const void *flat);

/*
 * The detoasted, 8-byte aligned value of an argument, its marks and its minimal size checked. The result may be
 * the argument itself and must not be changed.
 */
extern void *flat_open(Datum value, WireKind kind, int version, Size least, const char *type_name);

/* The bytes of type_name are not what it writes: XX001 of stored ones, inside wire_read() 22P02 or 22P03. */
extern void wire_corrupt(const char *type_name, const char *detail) pg_attribute_noreturn();

typedef enum WireSource
{
	WIRE_STORED,	  /* bytes in a table or a state */
	WIRE_FROM_TEXT,	  /* a text input: merely wrong */
	WIRE_FROM_CLIENT, /* a binary input */
} WireSource;

/* The reader of a type: a palloc'ed value, checked. */
typedef void *(*WireRead)(const char *bytes, Size size, WireKind kind);

/* Calls a reader with bytes from outside. */
extern void *
wire_read(WireSource source, WireRead read, const char *bytes, Size size, WireKind kind);

extern void wire_begin(StringInfo out, WireKind kind, int version);
extern void wire_put_int(StringInfo out, int64 value);
extern void wire_put_double(StringInfo out, double value); /* its bits */
extern void wire_put_bytes(StringInfo out, const void *bytes, Size size);
extern void
wire_put_tag(StringInfo out, Tag tag); /* the length, also a negative one, and the bytes */

extern WireReader
wire_open(const char *bytes, Size size, WireKind kind, int newest, const char *type_name);
extern int64 wire_get_int(WireReader *in);
extern int64 wire_get_int_between(WireReader *in, int64 low, int64 high);
extern double wire_get_double(WireReader *in); /* any bits: NaN and infinities too */
extern const char *wire_get_bytes(WireReader *in, Size size);
extern Tag
wire_get_tag(WireReader *in, int least, int longest); /* points into the bytes that are read */
extern void wire_end(WireReader *in);				  /* nothing may be left over */

/* Bytes that are to be a text: no NUL in them, and characters of the database's encoding only. */
extern void wire_check_text(const char *type_name, Tag tag);

/* By bytes; NULL comes last. */
extern int tag_compare(Tag a, Tag b);

/* Hexadecimal digits, appended to out, and back. wire_from_text() raises 22P02 on anything else. */
extern void wire_to_text(StringInfo wire, StringInfo out);
extern void wire_from_text(const char *digits, StringInfo out, const char *type_name);

#endif /* RETENTION_WIRE_H */
