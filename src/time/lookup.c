/*
 * lookup.c
 *		The periods of many moments: the same as grid_period(), from a small table.
 */
#include "retention.h"

#include "time/lookup.h"
#include "time/moment.h"

/* Buckets of 2^36 microseconds are 19 hours: shorter than any day, and in few of them a clock is changed. */
#define BUCKET_BITS 36

PeriodLookup *
lookup_create(const Grid *grid, TimeKind kind)
{
	PeriodLookup *lookup = palloc0(sizeof(PeriodLookup));

	lookup->kind = kind;
	lookup->zone = grid->zone;
	lookup->shift = grid->hours > 0 ? -1 : kind == TIME_DATE ? 0 : BUCKET_BITS;
	lookup->as_of = grid->has_as_of ? grid_as_of(grid, kind) : PG_INT64_MAX;
	return lookup;
}

/* Fill in a bucket, unless a clock is changed in it. Without such a change periods are in the order of moments. */
static void
fill(LookupBucket *bucket, const PeriodLookup *lookup, const Grid *grid, int64 number)
{
	int64 first = (int64) ((uint64) number << lookup->shift);
	int64 last = first + ((INT64CONST(1) << lookup->shift) - 1);

	if (!moment_is_valid(lookup->kind, first) || !moment_is_valid(lookup->kind, last))
		return;
	if (lookup->kind == TIME_INSTANT && !zone_steady(grid->zone, first, last))
		return;
	bucket->before = grid_period(grid, lookup->kind, first);
	bucket->after = grid_period(grid, lookup->kind, last);
	if (bucket->after == bucket->before)
		bucket->boundary = first;
	else if (lookup->kind == TIME_INSTANT)
		bucket->boundary = grid_period_start(grid, TIME_LOCAL, bucket->after) -
						   (zone_local(grid->zone, first) - first);
	else
		bucket->boundary = grid_period_start(grid, lookup->kind, bucket->after);
	bucket->number = number + 1;
}

int64
lookup_period(PeriodLookup *lookup, const Grid *grid, int64 moment)
{
	/* Times before 2000 are too rare for a table. */
	if (lookup->shift >= 0 && moment >= 0)
	{
		int64 number = moment >> lookup->shift;

		fill(&lookup->buckets[number & (LOOKUP_BUCKETS - 1)], lookup, grid, number);
	}
	return grid_period(grid, lookup->kind, moment);
}
