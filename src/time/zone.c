/*
 * zone.c
 *		A time zone as a table of its offsets, so that no row needs the zone rules.
 *
 * A span is a stretch of time with one offset. The spans of a zone are computed once, up to SPANS_UNTIL; if the rules
 * of the zone go on for ever, the span of a later instant is taken from the server's zone rules. Time is also cut
 * into buckets of equal length that know where to begin to look, so that there is no search, whatever the order of
 * the rows.
 */
#include "retention.h"

#include "time/civil.h"
#include "time/zone.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct Span
{
	TimestampTz from, until; /* [from, until) */
	int64 offset;			 /* local time minus UTC, microseconds */
	/* Wall-clock times in [local_from, local_until) belong to this span only, with a margin of a day. */
	Timestamp local_from, local_until;
	int64 least_hour; /* see zone_hour() */
} Span;

struct Zone
{
	struct Zone *next; /* in the list of all zones */
	pg_tz *tz;		   /* belongs to the server, which never frees it */
	Span *spans;	   /* cover everything before spans[nspans - 1].until */
	int nspans;
	Span beyond;	 /* the span last looked up outside those */
	uint16 bucket[]; /* the span that the first instant of a bucket lies in */
};

/* 2200-01-01, in seconds since 1970; first transitions are not expected before 1800-01-01. */
#define SPANS_UNTIL INT64CONST(7258118400)
#define SPANS_SINCE INT64CONST(-5364662400)
/* Buckets of 2^43 microseconds (102 days), from 1900-01-01. */
#define BUCKET_BITS 43
#define BUCKETS_SINCE ((INT64CONST(-2208988800) - EPOCH_SECONDS) * USECS_PER_SEC)
#define BUCKETS_UNTIL ((SPANS_UNTIL - EPOCH_SECONDS) * USECS_PER_SEC)
#define NBUCKETS (((BUCKETS_UNTIL - BUCKETS_SINCE) >> BUCKET_BITS) + 1)
#define BEYOND_MARGIN (40 * SECS_PER_DAY)
#define EPOCH_SECONDS ((pg_time_t) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)
#define EVER_BEFORE PG_INT64_MIN
#define EVER_AFTER PG_INT64_MAX

/* All zones, in TopMemoryContext. */
static Zone *zones = NULL;

static TimestampTz
instant_of_seconds(pg_time_t seconds)
{
	return (seconds - EPOCH_SECONDS) * USECS_PER_SEC;
}

static pg_time_t
seconds_of_instant(TimestampTz instant)
{
	return floor_divide(instant, USECS_PER_SEC) + EPOCH_SECONDS;
}

/* floor(local hour) minus the whole hours of the offset, without regard to the time before the span. */
static inline int64
plain_hour(const Span *span, TimestampTz instant)
{
	return floor_divide(instant + span->offset, USECS_PER_HOUR) -
		   floor_divide(span->offset, USECS_PER_HOUR);
}

/*
 * Fill in the span that begins at (or contains) the second `from`. It ends with the next change of the zone's rules,
 * which is returned, or 0 if there is none.
 */
static bool
measure_span(pg_tz *tz, pg_time_t from, Span *span, pg_time_t *boundary)
{
	struct pg_tm *local = pg_localtime(&from, tz);
	long before, after;
	int before_dst, after_dst;
	int found;

	if (local == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	span->offset = (int64) local->tm_gmtoff * USECS_PER_SEC;
	found = pg_next_dst_boundary(&from, &before, &before_dst, boundary, &after, &after_dst, tz);
	if (found < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	/* Ignore changes after the last timestamp: products would overflow. */
	if (found && *boundary >= seconds_of_instant(END_TIMESTAMP))
		found = 0;
	span->from = instant_of_seconds(from);
	span->until = found ? instant_of_seconds(*boundary) : EVER_AFTER;

	/*
	 * DetermineTimeZoneOffset() takes a wall-clock time as if it were UTC and looks a day back: if the next boundary
	 * is more than a day later, the offset is that of this span. If it sees another offset than pg_localtime()
	 * (before a zone's first transition), it is asked for each time.
	 */
	if (before == local->tm_gmtoff)
	{
		span->local_from = span->from + USECS_PER_DAY;
		span->local_until = found ? span->until - USECS_PER_DAY : EVER_AFTER;
	}
	else
		span->local_from = span->local_until = 0;
	span->least_hour = PG_INT64_MIN;
	return found != 0;
}

static Zone *
zone_build(pg_tz *tz)
{
	Zone *zone;
	Span *spans;
	int nspans = 0, capacity = 16;
	pg_time_t from = seconds_of_instant(MIN_TIMESTAMP), boundary;
	bool more;

	spans = palloc(capacity * sizeof(Span));
	more = measure_span(tz, from, &spans[0], &boundary);
	if (more && boundary < SPANS_SINCE)
	{
		/* The rules repeat into the past: for times before the first span the server is asked. */
		more = measure_span(tz, SPANS_SINCE, &spans[0], &boundary);
	}
	else
	{
		/* A local time before the first boundary can only be in this span. */
		spans[0].from = EVER_BEFORE;
		if (spans[0].local_from != spans[0].local_until)
			spans[0].local_from = EVER_BEFORE;
	}
	nspans = 1;
	while (more && boundary < SPANS_UNTIL)
	{
		Span *span, *before;

		if (nspans == capacity)
		{
			capacity *= 2;
			spans = repalloc(spans, capacity * sizeof(Span));
		}
		span = &spans[nspans++];
		before = span - 1;
		more = measure_span(tz, boundary, span, &boundary);
		/* A shift by part of an hour must not return to an hour that is over. */
		span->least_hour = Max(plain_hour(before, span->from - 1), before->least_hour);
	}

	zone =
		MemoryContextAllocZero(TopMemoryContext, sizeof(Zone) + NBUCKETS * sizeof(zone->bucket[0]));
	zone->spans = MemoryContextAlloc(TopMemoryContext, nspans * sizeof(Span));
	memcpy(zone->spans, spans, nspans * sizeof(Span));
	zone->nspans = nspans;
	zone->tz = tz;
	for (int i = 0, span = 0; i < NBUCKETS; i++)
	{
		while (BUCKETS_SINCE + ((int64) i << BUCKET_BITS) >= spans[span].until)
			span++;
		zone->bucket[i] = (uint16) span;
	}
	pfree(spans);
	return zone;
}

static Zone *
zone_of(pg_tz *tz)
{
	Zone *zone;

	for (zone = zones; zone != NULL; zone = zone->next)
		if (zone->tz == tz)
			return zone;
	zone = zone_build(tz);
	zone->next = zones;
	zones = zone;
	return zone;
}

Zone *
zone_find(const char *name)
{
	pg_tz *tz = pg_tzset(name);

	if (tz == NULL || !pg_tz_acceptable(tz))
		return NULL;
	return zone_of(tz);
}

bool
zone_session_is_of_citus(void)
{
	return strncmp(application_name, "citus_", 6) == 0 &&
		   strstr(application_name, " gpid=") != NULL;
}

void
zone_not_known(void)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("the time zone of who asks is not known here"),
		 errdetail("Citus runs this part of the query in a session of its own, with the time zone "
				   "of that server."),
		 errhint(
			 "Write the time zone into the grid, as in 'month; time_zone=Europe/Berlin', into the "
			 "times of a period, or convert times with AT TIME ZONE.")));
}

Zone *
zone_of_session(void)
{
	static Zone *last = NULL;

	if (zone_session_is_of_citus())
		zone_not_known();
	if (last == NULL || last->tz != session_timezone)
		last = zone_of(session_timezone);
	return last;
}

const char *
zone_name(const Zone *zone)
{
	return pg_get_timezone_name(zone->tz);
}

/* The span of an instant that no bucket covers. */
static const Span *
find_span(Zone *zone, TimestampTz instant)
{
	int low = 0, high = zone->nspans - 1;

	if (instant < zone->spans[0].from || instant >= zone->spans[high].until)
	{
		Span *beyond = &zone->beyond;

		if (instant < beyond->from || instant >= beyond->until)
		{
			pg_time_t second = seconds_of_instant(instant), boundary;
			Span span;

			/* Begin somewhat earlier if that is the same span: zone_instant() needs a margin. */
			if (measure_span(zone->tz, second - BEYOND_MARGIN, &span, &boundary) &&
				boundary <= second)
				(void) measure_span(zone->tz, second, &span, &boundary);
			*beyond = span;
		}
		return beyond;
	}
	while (low < high)
	{
		int middle = (low + high + 1) / 2;

		if (instant >= zone->spans[middle].from)
			low = middle;
		else
			high = middle - 1;
	}
	return &zone->spans[low];
}

static inline const Span *
span_of(Zone *zone, TimestampTz instant)
{
	if (likely(instant >= BUCKETS_SINCE && instant < BUCKETS_UNTIL))
	{
		const Span *span =
			&zone->spans[zone->bucket[(uint64) (instant - BUCKETS_SINCE) >> BUCKET_BITS]];

		while (instant >= span->until)
			span++;
		return span;
	}
	return find_span(zone, instant);
}

Timestamp
zone_local(Zone *zone, TimestampTz instant)
{
	return instant + span_of(zone, instant)->offset;
}

bool
zone_steady(Zone *zone, TimestampTz from, TimestampTz to)
{
	const Span *span = span_of(zone, from);

	return from >= span->from && to < span->until;
}

TimestampTz
zone_instant(Zone *zone, Timestamp local)
{
	/* An instant within a day of the answer: if only its span is near, it has the offset. */
	const Span *span = span_of(zone, local);
	TimestampTz instant;

	if (likely(local >= span->local_from && local < span->local_until))
		instant = local - span->offset;
	else
	{
		struct pg_tm tm;
		fsec_t fraction;

		if (timestamp2tm(local, NULL, &tm, &fraction, NULL, NULL) != 0)
			ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
							errmsg("timestamp out of range")));
		instant = local + (int64) DetermineTimeZoneOffset(&tm, zone->tz) * USECS_PER_SEC;
	}
	if (!IS_VALID_TIMESTAMP(instant))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return instant;
}

int64
zone_hour(Zone *zone, TimestampTz instant)
{
	const Span *span = span_of(zone, instant);

	return Max(plain_hour(span, instant), span->least_hour);
}

TimestampTz
zone_hour_start(Zone *zone, int64 hour)
{
	/* The hour begins in (hour - 1, hour] of UTC; no span before hour - 2 contains it. */
	TimestampTz from = (hour - 2) * USECS_PER_HOUR;

	for (;;)
	{
		const Span *span = span_of(zone, from);
		TimestampTz start = hour * USECS_PER_HOUR - span->offset +
							floor_divide(span->offset, USECS_PER_HOUR) * USECS_PER_HOUR;

		start = Max(start, from);
		if (start < span->until)
			return start;
		from = span->until;
	}
}
