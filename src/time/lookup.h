/*
 * lookup.h
 *		The periods of many moments: the same as grid_period(), from a small table.
 *
 * Time is cut into buckets shorter than a period, so that each bucket contains at most one boundary of periods. A
 * bucket is computed when it is first asked for.
 */
#ifndef RETENTION_LOOKUP_H
#define RETENTION_LOOKUP_H

#include "time/grid.h"

#define LOOKUP_BUCKETS 2048

typedef struct LookupBucket
{
	int64 number; /* moment >> shift, + 1 where the bucket is filled in; 0 */
	int64 boundary;
	int64 before; /* the period of moments before boundary, and of the others */
	int64 after;
} LookupBucket;

typedef struct PeriodLookup
{
	TimeKind kind;
	const Zone *zone; /* the grid's zone, or the session's */
	int shift;		  /* -1: the grid has no buckets */
	int64 as_of;	  /* moments >= it are not known; PG_INT64_MAX: there is none */
	LookupBucket buckets[LOOKUP_BUCKETS];
} PeriodLookup;

/* A lookup for one grid and kind, palloc'ed in the current context. Each call is passed the same grid again. */
extern PeriodLookup *lookup_create(const Grid *grid, TimeKind kind);

/* For a moment whose bucket is not filled in. */
extern int64 lookup_period(PeriodLookup *lookup, const Grid *grid, int64 moment);

/* grid_period() of a moment before as_of. False: the moment is not known. */
static inline bool
lookup_known_period(PeriodLookup *lookup, const Grid *grid, int64 moment, int64 *period)
{
	int64 number;
	const LookupBucket *bucket;

	/* The last moment is infinity, which is an error without as_of. */
	if (unlikely(moment >= lookup->as_of && lookup->as_of != PG_INT64_MAX))
		return false;
	number = lookup->shift >= 0 ? moment >> lookup->shift : -1;
	bucket = &lookup->buckets[number & (LOOKUP_BUCKETS - 1)];
	if (likely(bucket->number == number + 1 && number >= 0))
		*period = moment < bucket->boundary ? bucket->before : bucket->after;
	else
		*period = lookup_period(lookup, grid, moment);
	return true;
}

#endif /* RETENTION_LOOKUP_H */
