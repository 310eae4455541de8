/*
 * flow_request.h
 *		The periods that a row asks for, and its moments, from the arguments of the SQL functions.
 */
#ifndef RETENTION_FLOW_REQUEST_H
#define RETENTION_FLOW_REQUEST_H

#include "flow/flow.h"
#include "time/moment.h"
#include "time/span.h"

/* Bytes of a plain calendar grid's text: a zone's name is the longest part. */
#define REQUEST_GRID_BYTES 512

/* Bytes of a tag before the grid's text. */
#define REQUEST_TAG_HEAD (3 * (int) sizeof(int64))

typedef struct FlowRequest
{
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
} FlowRequest;

/*
 * The request of a period (grid NULL) or of a grid over a span. It belongs to a cache and is valid for the current
 * call. A period is known until *as_of, a value of the time column's type; if as_of is NULL, until the transaction
 * began. A grid has an as_of of its own.
 */
extern const FlowRequest *
flow_request_find(const RangeType *span, const Grid *grid, const Datum *as_of);

/*
 * Sets *request to the request that a tag came from and returns its grid or NULL. Raises XX001 if it came from none.
 */
extern const Grid *
flow_request_of_tag(FlowRequest *request, TimeKind kind, const char *tag, int tag_length);

/* A flow over the request, without customers, palloc'ed. */
extern Flow *flow_request_start(const FlowRequest *request, const Grid *grid);

/* Raises 22004: the period of a row, or its grid or span, is NULL. */
extern void flow_null_periods(bool with_grid) pg_attribute_noreturn();

/* Raises 22023: the rows of one flow must ask for the same periods, as of the same time. */
extern void flow_periods_changed(void) pg_attribute_noreturn();

/*
 * Raises 22023: ended < started, both values of the time column's type. The customer is as SQL prints it, or NULL if
 * the row has none.
 */
extern void flow_backwards(TimeKind kind, Datum started, Datum ended, const char *customer)
	pg_attribute_noreturn();

/* Raises 22023: bounds other than [start,end). */
extern void
flow_half_open_expected(const char *what, Oid type, Datum shown) pg_attribute_noreturn();

/* A date or timestamp as a moment; infinite ones become FLOW_SINCE_EVER and FLOW_STILL_THERE. */
static inline int64
flow_moment(TimeKind kind, Datum value)
{
	int64 moment = moment_of_datum(kind, value);

	if (kind != TIME_DATE || !DATE_NOT_FINITE(moment))
		return moment;
	return DATE_IS_NOBEGIN(moment) ? FLOW_SINCE_EVER : FLOW_STILL_THERE;
}

#endif /* RETENTION_FLOW_REQUEST_H */
