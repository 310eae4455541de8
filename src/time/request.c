/*
 * request.c
 *		The periods that a row asks for, and its moments, from the arguments of aggregates over memberships.
 */
#include "retention.h"

#include "base/check.h"
#include "base/wire.h"
#include "catalog/pg_type_d.h"
#include "time/request.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* The last few requests, for nearly every row of a query asks for the same. Others are computed anew. */
#define REQUESTS 4

static PeriodRequest requests[REQUESTS];

static char *
print_datum(Oid type, Datum value)
{
	Oid output;
	bool varlena;

	getTypeOutputInfo(type, &output, &varlena);
	return OidOutputFunctionCall(output, value);
}

void
request_half_open_expected(const char *what, Oid type, Datum shown)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must include its start and exclude its end, not %s", what,
					print_datum(type, shown)),
			 errhint("Write [start,end): the end is the first moment that no longer belongs.")));
}

void
request_backwards(TimeKind kind, Datum started, Datum ended, const char *customer)
{
	Oid type = kind == TIME_DATE ? DATEOID : kind == TIME_LOCAL ? TIMESTAMPOID : TIMESTAMPTZOID;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 customer == NULL
				 ? errmsg("a customer's membership ends before it starts")
				 : errmsg("a membership of customer %s ends before it starts", customer),
			 errdetail("It starts at %s and ends at %s.", print_datum(type, started),
					   print_datum(type, ended)),
			 errhint("Leave such rows out with WHERE NOT coalesce(ended < started, false).")));
}

void
request_null(const RequestUse *use, bool with_grid)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg(with_grid ? "the grid and the span of %s must not be null"
									 : "the period of %s must not be null",
						   use->answer)));
}

void
request_changed(const RequestUse *use)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the periods of %s and its as_of must be the same in every row", use->answer),
			 errhint("Compute the period once: (SELECT retention_period('month')).")));
}

void
request_differs(const RequestUse *use, const char *tag, int tag_length, const Grid *grid)
{
	const int head = REQUEST_TAG_HEAD;

	if (grid != NULL && tag_length > head)
	{
		char *earlier = pnstrdup(tag + head, tag_length - head);

		if (strcmp(earlier, grid->text) != 0)
			grid_mismatch(earlier, grid->text);
	}
	request_changed(use);
}

/* The moments of a period or span, checked. */
static void
span_moments(const RangeType *span, const char *what, int64 *from, int64 *until)
{
	Oid type = RangeTypeGetOid(span);
	TimeKind kind = span_kind_of_range(type);
	RangeBound lower;
	RangeBound upper;
	bool empty;
	int64 length;

	range_deserialize(lookup_type_cache(type, TYPECACHE_RANGE_INFO), span, &lower, &upper, &empty);
	if (empty)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be empty", what)));
	*from = lower.infinite ? SINCE_EVER : request_moment(kind, lower.val);
	*until = upper.infinite ? STILL_THERE : request_moment(kind, upper.val);
	if (*from == SINCE_EVER || *until == STILL_THERE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have a start and an end, not %s", what,
							   print_datum(type, RangeTypePGetDatum(span)))));
	if (!lower.inclusive || upper.inclusive)
		request_half_open_expected(what, type, RangeTypePGetDatum(span));
	if (pg_sub_s64_overflow(*until, *from, &length))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("%s is too long", what)));
}

/* known: for one period, moments >= it are not known. */
static void
request_compute(const RequestUse *use, PeriodRequest *request, TimeKind kind, int64 from,
				int64 until, int64 known, const Grid *grid)
{
	request->use = use;
	request->kind = kind;
	request->known = known;
	request->periods = 1;
	request->bounds[0] = from;
	request->bounds[1] = until;
	if (grid == NULL)
	{
		/* The answer for a period that is over is always the same. */
		request->as_of = until <= known ? STILL_THERE : known;
		return;
	}

	grid_require_plain_calendar(grid, use->function, use->reactivation);
	if (kind == TIME_DATE && grid->reactivation_within.hours > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("reactivation_within must not be hours where times are dates"),
						errhint("Write it in days or months, or use a column of type timestamp.")));
	request->as_of = grid->has_as_of ? grid_as_of(grid, kind) : STILL_THERE;
	request->first = grid_period(grid, kind, from);
	if (grid_period_start(grid, kind, request->first) < from)
		request->first++;
	request->periods = Max(0, grid_period(grid, kind, until) - request->first);
	if (request->periods > MAX_PERIODS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s has at most %d periods, not %lld", use->answer, MAX_PERIODS,
							   (long long) request->periods),
						errhint("Take a shorter span or a coarser grid.")));
	request->bounds[0] = grid_period_start(grid, kind, request->first);
}

const PeriodRequest *
request_find(const RequestUse *use, const RangeType *span, const Grid *grid, const Datum *as_of)
{
	static int next = 0;
	const int head = REQUEST_TAG_HEAD;
	int grid_length = grid == NULL ? 0 : grid->text_length;
	TimeKind kind = span_kind_of_range(RangeTypeGetOid(span));
	int64 known = STILL_THERE;
	PeriodRequest *request;
	int64 moments[2];

	if (grid == NULL)
		known = as_of != NULL ? request_moment(kind, *as_of) : transaction_moment(kind);
	for (int i = 0; i < REQUESTS; i++)
		if (requests[i].span_size == VARSIZE(span) && requests[i].use == use &&
			memcmp(requests[i].span, span, VARSIZE(span)) == 0 && requests[i].known == known &&
			requests[i].tag_length == head + grid_length &&
			(grid_length == 0 || memcmp(requests[i].tag + head, grid->text, grid_length) == 0))
			return &requests[i];

	request = &requests[next];
	next = (next + 1) % REQUESTS;
	request->span_size = 0; /* an error below leaves an empty slot */
	span_moments(span, grid == NULL ? "a period" : "a span", &moments[0], &moments[1]);
	request_compute(use, request, kind, moments[0], moments[1], known, grid);
	if (grid_length > REQUEST_GRID_BYTES || VARSIZE(span) > sizeof(request->span))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the grid of %s is longer than %d bytes", use->answer,
							   REQUEST_GRID_BYTES)));
	memcpy(request->tag, moments, sizeof(moments));
	memcpy(request->tag + sizeof(moments), grid == NULL ? &request->as_of : &request->known,
		   sizeof(int64));
	if (grid_length > 0)
		memcpy(request->tag + head, grid->text, grid_length);
	request->tag_length = head + grid_length;
	memcpy(request->span, span, VARSIZE(span));
	request->span_size = VARSIZE(span);
	return request;
}

const Grid *
request_of_tag(const RequestUse *use, PeriodRequest *request, TimeKind kind, const char *tag,
			   int tag_length)
{
	const int head = REQUEST_TAG_HEAD;
	const Grid *grid = NULL;
	int64 moments[3]; /* from, until, as_of of one period */
	int64 length;

	if (tag_length < head)
		wire_corrupt("retention_population", "It does not say which periods it is for.");
	memcpy(moments, tag, head);
	if (moments[0] == SINCE_EVER || moments[1] == STILL_THERE ||
		pg_sub_s64_overflow(moments[1], moments[0], &length) || length <= 0)
		wire_corrupt("retention_population", "Its period has no length.");
	if (tag_length > head)
		grid = grid_open_text(tag + head, tag_length - head);
	request_compute(use, request, kind, moments[0], moments[1], moments[2], grid);
	return grid;
}

/* The bounds of the latest grid, for a function that is called for each customer asks for them each time. */
#define BOUNDS_KEPT 512

static struct
{
	char grid[REQUEST_GRID_BYTES + 1]; /* its text, the zone included; empty: none are kept */
	TimeKind kind;
	int64 first;
	int64 periods;
	int64 bounds[BOUNDS_KEPT + 1];
} kept;

static void
compute_bounds(const PeriodRequest *request, const Grid *grid, int64 *bounds)
{
	bounds[0] = request->bounds[0];
	for (int64 i = 1; i <= request->periods; i++)
	{
		CHECK_NOW_AND_THEN(i);
		bounds[i] = grid_period_start(grid, request->kind, request->first + i);
	}
}

void
request_bounds(const PeriodRequest *request, const Grid *grid, int64 *bounds)
{
	if (grid == NULL)
	{
		bounds[0] = request->bounds[0];
		bounds[1] = request->bounds[1];
	}
	else if (request->periods > BOUNDS_KEPT || grid->text_length > REQUEST_GRID_BYTES)
		compute_bounds(request, grid, bounds);
	else
	{
		if (kept.periods != request->periods || kept.first != request->first ||
			kept.kind != request->kind || strcmp(kept.grid, grid->text) != 0)
		{
			kept.grid[0] = 0; /* an error below leaves none */
			compute_bounds(request, grid, kept.bounds);
			kept.kind = request->kind;
			kept.first = request->first;
			kept.periods = request->periods;
			strlcpy(kept.grid, grid->text, sizeof(kept.grid));
		}
		memcpy(bounds, kept.bounds, (request->periods + 1) * sizeof(int64));
	}
}

char *
moment_text(TimeKind kind, int64 moment)
{
	if (kind == TIME_DATE)
		return DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum((DateADT) moment)));
	if (kind == TIME_LOCAL)
		return DatumGetCString(DirectFunctionCall1(timestamp_out, TimestampGetDatum(moment)));
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(moment)));
}

Datum
moment_as_date(TimeKind kind, Zone *zone, int64 moment, const char *what, const char *twin)
{
	Timestamp local;

	if (kind == TIME_DATE)
		return DateADTGetDatum((DateADT) moment);
	local = kind == TIME_LOCAL ? moment : zone_local(zone, moment);
	if (local % USECS_PER_DAY != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a period of this %s does not begin and end at midnight", what),
						errhint("%s() shows its periods as timestamps.", twin)));
	return DateADTGetDatum((DateADT) (local / USECS_PER_DAY));
}

Datum
moment_as_instant(TimeKind kind, Zone *zone, int64 moment)
{
	if (kind == TIME_INSTANT)
		return TimestampTzGetDatum(moment);
	return TimestampTzGetDatum(
		zone_instant(zone, kind == TIME_DATE ? moment * USECS_PER_DAY : moment));
}

Datum
moment_shown(TimeKind kind, TimeKind shown, Zone *zone, int64 moment)
{
	if (moment == SINCE_EVER)
		return TimestampGetDatum(DT_NOBEGIN);
	if (shown == TIME_INSTANT)
		return moment_as_instant(kind, zone, moment);
	if (kind == TIME_INSTANT)
		return TimestampGetDatum(zone_local(zone, moment));
	return TimestampGetDatum(kind == TIME_DATE ? moment * USECS_PER_DAY : moment);
}
