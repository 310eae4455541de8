/*
 * span.c
 *		What a period or a span of time means to times of one kind.
 */
#include "retention.h"

#include "access/xact.h"
#include "base/wire.h"
#include "catalog/pg_type_d.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "time/span.h"
#include "time/zone.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

static const Oid range_types[] = {
	[TIME_DATE] = DATERANGEOID, [TIME_LOCAL] = TSRANGEOID, [TIME_INSTANT] = TSTZRANGEOID};

static const Oid time_types[] = {
	[TIME_DATE] = DATEOID, [TIME_LOCAL] = TIMESTAMPOID, [TIME_INSTANT] = TIMESTAMPTZOID};

/* The largest range: two timestamps. */
#define RANGE_BYTES (sizeof(RangeType) + 2 * sizeof(Timestamp) + 1)

/* A value that was converted. What it means depends on the session and, because of 'today', on the transaction. */
typedef struct Conversion
{
	Size size; /* bytes of the value; 0: empty slot */
	char value[VARHDRSZ + SPAN_TEXT_BYTES];
	TimeKind kind;
	TimestampTz transaction;
	pg_tz *zone;
	int date_order;
	char abbreviations[NAMEDATALEN]; /* timezone_abbreviations, if there may be one in the text */
	union
	{
		RangeType range;
		int64 bytes[(RANGE_BYTES + 7) / 8];
	} result;
} Conversion;

/*
 * The last conversions: every row of a query has the same values, one or two for each of its aggregates. Others are
 * converted anew.
 */
#define CONVERSIONS 32

static Conversion conversions[CONVERSIONS];

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static const char *
zone_abbreviations(void)
{
	return GetConfigOption("timezone_abbreviations", false, false);
}

TimeKind
span_kind_of_range(Oid range_type)
{
	for (int kind = 0; kind < (int) lengthof(range_types); kind++)
		if (range_types[kind] == range_type)
			return (TimeKind) kind;
	elog(ERROR, "unexpected range type %u", range_type);
}

Oid
span_range_type(const struct varlena *value)
{
	const RangeType *range = (const RangeType *) value;
	Size size = VARSIZE(value);
	char flags;
	int bounds;

	if (size <= sizeof(RangeType))
		return InvalidOid;
	for (int kind = 0; kind < (int) lengthof(range_types); kind++)
		if (range->rangetypid == range_types[kind])
		{
			flags = ((const char *) value)[size - 1];
			bounds = RANGE_HAS_LBOUND(flags) + RANGE_HAS_UBOUND(flags);
			if (size != sizeof(RangeType) + bounds * (kind == TIME_DATE ? 4 : 8) + 1)
				wire_corrupt(SPAN_TYPE, "The size of its range does not fit its bounds.");
			return range->rangetypid;
		}
	return InvalidOid;
}

char *
span_text(const struct varlena *value)
{
	Oid type = span_range_type(value);
	Oid output;
	bool is_varlena;

	if (!OidIsValid(type))
		return pnstrdup(VARDATA(value), VARSIZE(value) - VARHDRSZ);
	getTypeOutputInfo(type, &output, &is_varlena);
	return OidOutputFunctionCall(output, PointerGetDatum(value));
}

/*
 * A period of which Citus sent the text to this server has to mean the same in every time zone: it is read in two that
 * differ. Comparing with the session's own would miss a zone that has the same time as the other at that moment.
 */
static void
check_zone_is_written(Oid input, char *string, Oid argument)
{
	pg_tz *session = session_timezone;
	RangeType *ranges[2];

	PG_TRY();
	{
		for (int i = 0; i < 2; i++)
		{
			session_timezone = pg_tzset_offset(i * SECS_PER_HOUR);
			ranges[i] = DatumGetRangeTypeP(OidInputFunctionCall(input, string, argument, -1));
		}
	}
	PG_FINALLY();
	{
		session_timezone = session;
	}
	PG_END_TRY();
	if (VARSIZE(ranges[0]) != VARSIZE(ranges[1]) ||
		memcmp(ranges[0], ranges[1], VARSIZE(ranges[0])) != 0)
		zone_not_known();
}

static void
convert(Conversion *conversion, const struct varlena *value, Oid type, TimeKind kind)
{
	Oid input;
	Oid argument;
	RangeType *range;
	char *string;

	if (OidIsValid(type) && span_kind_of_range(type) > kind)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("a period of type %s does not fit times of type %s",
							   format_type_be(type), format_type_be(time_types[kind])),
						errhint("Write the period as a %s.", format_type_be(range_types[kind]))));
	conversion->size = 0; /* an error below leaves an empty slot */
	getTypeInputInfo(range_types[kind], &input, &argument);
	string = span_text(value);
	range = DatumGetRangeTypeP(OidInputFunctionCall(input, string, argument, -1));
	if (kind == TIME_INSTANT && zone_session_is_of_citus())
		check_zone_is_written(input, string, argument);
	if (VARSIZE(range) > sizeof(conversion->result) || VARSIZE(value) > sizeof(conversion->value))
		elog(ERROR, "a span of %d bytes", (int) VARSIZE(value));
	memcpy(&conversion->result, range, VARSIZE(range));
	memcpy(conversion->value, value, VARSIZE(value));
	conversion->size = VARSIZE(value);
	conversion->kind = kind;
	conversion->transaction = GetCurrentTransactionStartTimestamp();
	conversion->zone = session_timezone;
	conversion->date_order = DateOrder;
	conversion->abbreviations[0] = '\0';
	if (!OidIsValid(type) && strcspn(string, LETTERS) < strlen(string))
		strlcpy(conversion->abbreviations, zone_abbreviations(), NAMEDATALEN);
}

const RangeType *
span_range(Datum datum, TimeKind kind)
{
	static int next = 0;
	static int last = 0; /* that of the call before, which may still be in use */
	const struct varlena *value = PG_DETOAST_DATUM(datum);
	Oid type = span_range_type(value);
	Conversion *conversion;

	if (likely(type == range_types[kind]))
		return (const RangeType *) value;
	for (int i = 0; i < CONVERSIONS; i++)
	{
		conversion = &conversions[i];
		if (conversion->size == VARSIZE(value) && conversion->kind == kind &&
			memcmp(conversion->value, value, VARSIZE(value)) == 0 &&
			conversion->transaction == GetCurrentTransactionStartTimestamp() &&
			conversion->zone == session_timezone && conversion->date_order == DateOrder &&
			(conversion->abbreviations[0] == '\0' ||
			 strcmp(conversion->abbreviations, zone_abbreviations()) == 0))
		{
			last = i;
			return &conversion->result.range;
		}
	}
	if (next == last)
		next = (next + 1) % CONVERSIONS;
	conversion = &conversions[next];
	last = next;
	next = (next + 1) % CONVERSIONS;
	convert(conversion, value, type, kind);
	return &conversion->result.range;
}
