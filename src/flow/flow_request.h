/*
 * flow_request.h
 *		The periods that a row asks for, and the moments in it, as the doors of the room get them.
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
	int64 known;	 /* one period: what was known when it was asked for */
	int64 as_of;
	/* What tells requests apart in a population: the span's two moments, as_of of one period, then the grid's text. */
	int tag_length;
	char tag[REQUEST_TAG_HEAD + REQUEST_GRID_BYTES];
} FlowRequest;

/*
 * The request of a period (grid NULL) or of a grid over a span. Belongs to a cache: valid for the current call. A period
 * is known until *as_of, a value of the time column's type, or until the transaction began where as_of is NULL; a grid
 * says so itself.
 */
extern const FlowRequest *
flow_request_find(const RangeType *span, const Grid *grid, const Datum *as_of);

/* The request that a tag came from, into *request, and its grid, or NULL. XX001 where it is none. */
extern const Grid *
flow_request_of_tag(FlowRequest *request, TimeKind kind, const char *tag, int tag_length);

/* A flow over the request, without customers, palloc'ed. */
extern Flow *flow_request_start(const FlowRequest *request, const Grid *grid);

/* 22004: the period of a row, or its grid or span, is NULL. */
extern void flow_null_periods(bool with_grid) pg_attribute_noreturn();

/* 22023: rows of one flow must ask for the same periods, as of the same time. */
extern void flow_periods_changed(void) pg_attribute_noreturn();

/*
 * 22023: ended < started, both values of the time column's type. The customer is as SQL prints it, or NULL where the
 * row does not say who it is.
 */
extern void flow_backwards(TimeKind kind, Datum started, Datum ended, const char *customer)
	pg_attribute_noreturn();

/* 22023: bounds other than [start,end). */
extern void
flow_half_open_expected(const char *what, Oid type, Datum shown) pg_attribute_noreturn();

/* A date or timestamp as a moment; the infinite ones become FLOW_SINCE_EVER and FLOW_STILL_THERE. */
static inline int64
flow_moment(TimeKind kind, Datum value)
{
	int64 moment = moment_of_datum(kind, value);

	if (kind != TIME_DATE || !DATE_NOT_FINITE(moment))
		return moment;
	return DATE_IS_NOBEGIN(moment) ? FLOW_SINCE_EVER : FLOW_STILL_THERE;
}

#endif /* RETENTION_FLOW_REQUEST_H */
