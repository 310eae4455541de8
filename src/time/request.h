/*
 * request.h
 *		The periods that a row asks for, and its moments: a period, or a grid and a span, from the arguments of aggregates
 *		over memberships.
 *
 * Nearly every row of a query asks for the same, so requests are cached. A request has a tag, from which it can be made
 * again: that of a population, so that rows and states that ask for different periods are told apart.
 */
#ifndef RETENTION_REQUEST_H
#define RETENTION_REQUEST_H

#include "time/moment.h"
#include "time/span.h"

/* A moment before anything, and the end of a membership that has none. */
#define SINCE_EVER PG_INT64_MIN
#define STILL_THERE PG_INT64_MAX

/* Bytes of a plain calendar grid's text: a zone's name is the longest part. */
#define REQUEST_GRID_BYTES 512

/* Bytes of a tag before the grid's text. */
#define REQUEST_TAG_HEAD (3 * (int) sizeof(int64))

/* Who asks; static const, for requests are compared by its address, too. */
typedef struct RequestUse
{
	const char *function; /* "customer_flow" */
	const char *answer;	  /* "a flow" */
	bool reactivation;	  /* whether the grid may have reactivation_within */
} RequestUse;

typedef struct PeriodRequest
{
	const RequestUse *use;
	Size span_size; /* bytes of the range value in span; 0: empty slot */
	char span[64];
	TimeKind kind;
	int64 periods;
	int64 first;	 /* grid: number of the first period */
	int64 bounds[2]; /* of the first period; without a grid it is the only one */
	int64 known;	 /* one period: moments >= it were not known when it was asked for */
	int64 as_of;
	/*
	 * The tag of the request in a population: the two moments of the span, as_of of one period, then the grid's text.
	 */
	int tag_length;
	char tag[REQUEST_TAG_HEAD + REQUEST_GRID_BYTES];
} PeriodRequest;

/*
 * The request of a period (grid NULL) or of a grid over a span. It belongs to a cache and is valid for the current
 * call. A period is known until *as_of, a value of the time column's type; if as_of is NULL, until the transaction
 * began. A grid has an as_of of its own.
 */
extern const PeriodRequest *
request_find(const RequestUse *use, const RangeType *span, const Grid *grid, const Datum *as_of);

/*
 * Sets *request to the request that a tag came from and returns its grid or NULL. Raises XX001 if it came from none.
 */
extern const Grid *request_of_tag(const RequestUse *use, PeriodRequest *request, TimeKind kind,
								  const char *tag, int tag_length);

/* The bounds of all periods of a request, one more than there are. */
extern void request_bounds(const PeriodRequest *request, const Grid *grid, int64 *bounds);

/*
 * The period that contains a moment: -1 before the first, `periods` at or after the end of the last. Periods have
 * nearly the same length, so a proportional guess is off by one at most.
 */
static inline int64
period_locate(const int64 *bounds, int64 periods, int64 moment)
{
	int64 last = periods - 1;
	int64 guess;

	if (moment < bounds[0])
		return -1;
	if (moment >= bounds[last + 1])
		return last + 1;
	guess = (int64) ((double) ((uint64) moment - (uint64) bounds[0]) * (double) periods /
					 (double) ((uint64) bounds[last + 1] - (uint64) bounds[0]));
	guess = Min(guess, last);
	while (moment < bounds[guess])
		guess--;
	while (moment >= bounds[guess + 1])
		guess++;
	return guess;
}

/* Raises 22004: the period of a row, or its grid or span, is NULL. */
extern void request_null(const RequestUse *use, bool with_grid) pg_attribute_noreturn();

/* Raises 22023: the rows of one answer must ask for the same periods, as of the same time. */
extern void request_changed(const RequestUse *use) pg_attribute_noreturn();

/* The same, but names the grids if these differ: that of a tag, and that of a row or NULL. */
extern void request_differs(const RequestUse *use, const char *tag, int tag_length,
							const Grid *grid) pg_attribute_noreturn();

/*
 * Raises 22023: ended < started, both values of the time column's type. The customer is as SQL prints it, or NULL if
 * the row has none.
 */
extern void request_backwards(TimeKind kind, Datum started, Datum ended, const char *customer)
	pg_attribute_noreturn();

/* Raises 22023: bounds other than [start,end). */
extern void
request_half_open_expected(const char *what, Oid type, Datum shown) pg_attribute_noreturn();

/* A date or timestamp as a moment; infinite ones become SINCE_EVER and STILL_THERE. */
static inline int64
request_moment(TimeKind kind, Datum value)
{
	int64 moment = moment_of_datum(kind, value);

	if (kind != TIME_DATE || !DATE_NOT_FINITE(moment))
		return moment;
	return DATE_IS_NOBEGIN(moment) ? SINCE_EVER : STILL_THERE;
}

/* ---- The bounds of a period in an answer ---- */

/* A moment as SQL prints it, for messages. */
extern char *moment_text(TimeKind kind, int64 moment);

/*
 * A moment as a date, in the zone where it is an instant. Raises 22023 where it is no midnight; the message names what
 * has such periods, "flow", and the function that shows timestamps.
 */
extern Datum
moment_as_date(TimeKind kind, Zone *zone, int64 moment, const char *what, const char *twin);
extern Datum moment_as_instant(TimeKind kind, Zone *zone, int64 moment);

/* A moment, SINCE_EVER too, as a timestamp (TIME_LOCAL) or as a timestamptz (TIME_INSTANT). */
extern Datum moment_shown(TimeKind kind, TimeKind shown, Zone *zone, int64 moment);

#endif /* RETENTION_REQUEST_H */
