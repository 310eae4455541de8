/*
 * wire.h
 *		The bytes of stored values: reading, writing and checking.
 *
 * A summary has two forms. The flat form is the varlena in memory and in tables; each module has a check() for it,
 * which is called on every value that was not made by the running aggregate. The wire form is what binary COPY, text
 * output and pg_dump carry: magic, kind and version, then the fields of the module as numbers of variable length.
 * Text is the wire form in hexadecimal digits, so that there is a single reader.
 *
 * Bytes are hostile: every reading function raises wire_corrupt() if they end early or say something impossible.
 */
#ifndef RETENTION_WIRE_H
#define RETENTION_WIRE_H

#include "lib/stringinfo.h"

/* All letters in stored bytes are defined here. Never change or reuse one. */

/* The letter of a stored type. */
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
	WIRE_LOGIT = 'J',
	WIRE_DRIVERS = 'D',
	WIRE_REASONS = 'Q',
	WIRE_SURVIVAL_DRIVERS = 'Y',
	WIRE_PURCHASES = 'B',
	WIRE_VALUE = 'V',
	WIRE_GAPS = 'G',
	WIRE_COHORT_VALUE = 'M',
	WIRE_RENEWALS = 'N',
	WIRE_RFM_CUTS = 'K',
	WIRE_ROLLING = 'Z',
	WIRE_REVENUE = 'U',
	WIRE_MRR = 'H',
	WIRE_TRIALS = 'T',
} WireKind;

/* The letter of the aggregate whose state a population is. States of different aggregates cannot be combined. */
typedef enum WireAggregate
{
	AGGREGATE_COHORT_ANCHOR = 'A', /* a customer's earliest anchor starts their cohort */
	AGGREGATE_COHORT_MAY = 'B',	   /* rows start cohorts if the first of them may */
	AGGREGATE_COHORT_ROWS = 'C',   /* rows start cohorts */
	AGGREGATE_EVENTS = 'E',		   /* population_events() */
	AGGREGATE_FLOW = 'F',
	AGGREGATE_RATE = 'R',				/* retention_rate(customer, at, base, returns) */
	AGGREGATE_SURVIVAL = 'S',			/* survival(customer, started, ended, as_of) */
	AGGREGATE_COHORT_VALUE = 'M',		/* cohort_value() */
	AGGREGATE_COHORT_VALUE_FLAGS = 'N', /* the same with is_start and is_return */
	AGGREGATE_RFM = 'K',				/* rfm_cuts() */
	AGGREGATE_VALUE = 'V',				/* customer_value() */
	AGGREGATE_COMPARISON = 'J',			/* model_comparison() */
	AGGREGATE_MRR = 'H',				/* mrr_history() */
	AGGREGATE_REVENUE = 'U',			/* mrr_movements() of rows without a currency */
	AGGREGATE_REVENUE_OF = 'W',			/* of rows with one, which is a part of the key */
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

/* The marks of a flat value. Each flat struct begins with this. */
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

/* Whether a value has these marks. It has a plain header and at least the size of a FlatHeader. */
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
 * The detoasted value of an argument, aligned to 8 bytes; its marks and its least size are checked. The result may be
 * the argument itself and must not be changed.
 */
extern void *flat_open(Datum value, WireKind kind, int version, Size least, const char *type_name);

/* Raises that bytes are not a value of type_name: XX001 for stored bytes, inside wire_read() 22P02 or 22P03. */
extern void wire_corrupt(const char *type_name, const char *detail) pg_attribute_noreturn();

typedef enum WireSource
{
	WIRE_STORED,	  /* bytes in a table or a state */
	WIRE_FROM_TEXT,	  /* text input */
	WIRE_FROM_CLIENT, /* binary input */
} WireSource;

/* The reader of a type: returns a palloc'ed value, which is checked. */
typedef void *(*WireRead)(const char *bytes, Size size, WireKind kind);

/* Calls a reader with bytes from a client. */
extern void *
wire_read(WireSource source, WireRead read, const char *bytes, Size size, WireKind kind);

extern void wire_begin(StringInfo out, WireKind kind, int version);
extern void wire_put_int(StringInfo out, int64 value);
/* Integers one after the other: wire_put_ints(out, a, b, c) */
#define wire_put_ints(out, ...)                                                                    \
	wire_put_int_array(out, (const int64[]){__VA_ARGS__}, lengthof(((const int64[]){__VA_ARGS__})))
extern void wire_put_int_array(StringInfo out, const int64 *values, int count);
extern void wire_put_wide(StringInfo out, int128 value); /* that of wire_put_int() where it fits */
extern void wire_put_double(StringInfo out, double value); /* its bits */
extern void wire_put_bytes(StringInfo out, const void *bytes, Size size);
extern void
wire_put_tag(StringInfo out, Tag tag); /* the length, also a negative one, and the bytes */

extern WireReader
wire_open(const char *bytes, Size size, WireKind kind, int newest, const char *type_name);
extern int64 wire_get_int(WireReader *in);
extern int128 wire_get_wide(WireReader *in);
extern int64 wire_get_int_between(WireReader *in, int64 low, int64 high);
extern double wire_get_double(WireReader *in); /* any bits: NaN and infinities too */
extern const char *wire_get_bytes(WireReader *in, Size size);
extern Tag
wire_get_tag(WireReader *in, int least, int longest); /* points into the bytes that are read */
extern void wire_end(WireReader *in);				  /* no bytes may be left */

/* Raises wire_corrupt() unless the bytes are a text: valid in the encoding of the database, without a zero byte. */
extern void wire_check_text(const char *type_name, Tag tag);

/* The order of the bytes; NULL comes last. */
static inline int
tag_compare(Tag a, Tag b)
{
	int common;

	if (a.length < 0 || b.length < 0)
		return (a.length < 0) - (b.length < 0);
	common = memcmp(a.bytes, b.bytes, Min(a.length, b.length));
	return common != 0 ? common : a.length - b.length;
}

/* To hexadecimal digits, appended to out, and back. wire_from_text() raises 22P02 on anything else. */
extern void wire_to_text(StringInfo wire, StringInfo out);
extern void wire_from_text(const char *digits, StringInfo out, const char *type_name);

#endif /* RETENTION_WIRE_H */
