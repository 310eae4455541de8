/*
 * status.c
 *		How things stand with a customer as of a time, from their own facts.
 */
#include "retention.h"

#include "base/number.h"
#include "customer/customer.h"
#include "time/moment.h"
#include "utils/fmgrprotos.h"

const char *const customer_state_names[] = {"lapsed", "slipping", "returned", "new", "active"};

/* A local time as a moment of a grid with days. */
static int64
local_moment(const Grid *grid, TimeKind kind, Timestamp local)
{
	return kind == TIME_DATE	? floor_divide(local, USECS_PER_DAY)
		   : kind == TIME_LOCAL ? local
								: zone_instant(grid->zone, local);
}

static Timestamp
plus_interval(Timestamp local, const Interval *interval)
{
	return DatumGetTimestamp(DirectFunctionCall2(timestamp_pl_interval, TimestampGetDatum(local),
												 IntervalPGetDatum(interval)));
}

/* The time as of which is asked, in local time. */
static Timestamp
time_of_status(const ActivityView *view, const Timestamp *as_of)
{
	const Grid *grid = view->grid;

	if (as_of == NULL)
		return grid->has_as_of ? grid->as_of
							   : activity_convert(grid, view->kind, TIME_LOCAL, view->latest + 1);
	if (TIMESTAMP_NOT_FINITE(*as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("as_of must be a finite time")));
	if (view->latest >= local_moment(grid, view->kind, *as_of))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the facts hold rows at or after as_of"),
						errhint("Build these facts from the rows before it.")));
	if (grid->has_as_of && *as_of > grid->as_of)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the facts know nothing from their as_of on"),
						errhint("Build these facts from the rows with a later as_of.")));
	return *as_of;
}

/*
 * Days from the start of the last active period to that of the period of a local time: the least gap that coming now
 * would make.
 */
static int64
silence_of(const Grid *grid, int64 last_day, Timestamp local)
{
	int64 day = floor_divide(local, USECS_PER_DAY);

	if (grid->windows != GRID_ELAPSED && grid->hours == 0)
		day = grid_period_start(grid, TIME_DATE, grid_period(grid, TIME_DATE, day));
	return Max(day - last_day, 0);
}

/* Whether an event is in the last period that is over by a local time, or later. */
static bool
is_recent(const ActivityView *view, const Event *event, Timestamp local)
{
	const Grid *grid = view->grid;
	int64 period =
		grid->windows == GRID_ELAPSED ? grid_period(grid, view->kind, event->value) : event->value;

	return period >= grid_period(grid, view->kind, local_moment(grid, view->kind, local)) - 1;
}

/* Whether more than so long a time lies between two days. */
static bool
is_longer(int64 from, int64 until, const Interval *interval)
{
	return interval != NULL &&
		   plus_interval(from * USECS_PER_DAY, interval) < until * USECS_PER_DAY;
}

/* What is usual for the customer: their own gaps if there are enough, else the gaps of others after as many days. */
static void
set_usual(CustomerStatus *status, const int64 *days, int count, const GapsBase *base,
		  Quantile *most, bool *has_most)
{
	int64 *gaps = gaps_between(days, count);
	Quantile usual;

	*has_most = true;
	if (count > GAPS_OWN)
	{
		*most = gaps_quantile(gaps, count - 1, 90);
		usual = gaps_quantile(gaps, count - 1, 50);
	}
	else if (base != NULL && base->known[count])
	{
		*most = base->most[count];
		usual = base->usual[count];
	}
	else
	{
		*has_most = false;
		if (count < 2)
			return;
		usual = gaps_quantile(gaps, count - 1, 50);
	}
	status->usual_gap = quantile_days(usual, 1);
	status->silence_ratio = numeric_divide(numeric_from_int64(status->silence), status->usual_gap);
}

bool
customer_status_of(const ActivityView *view, const Timestamp *as_of, const Interval *lapse_after,
				   const GapsBase *base, CustomerStatus *status)
{
	const Event *first = NULL, *last = NULL;
	Quantile most;
	bool has_most;
	Timestamp local, first_at, lapses = 0;
	int64 *days;
	int count = gaps_days(view, &days);
	int run = count - 1; /* the first day after the last long gap */

	if (count == 0)
		return false;
	for (int i = 0; i < view->count && first == NULL; i++)
		if (view->events[i].flags & EVENT_ACTIVE)
			first = &view->events[i];
	for (int i = view->count - 1; i >= 0 && last == NULL; i--)
		if (view->events[i].flags & EVENT_ACTIVE)
			last = &view->events[i];
	memset(status, 0, sizeof(*status));
	local = time_of_status(view, as_of);
	first_at = view->anchored ? days[0] * USECS_PER_DAY
							  : activity_convert(view->grid, view->kind, TIME_LOCAL, view->first);
	status->last_at = activity_convert(view->grid, view->kind, TIME_LOCAL, view->last);
	status->silence = silence_of(view->grid, days[count - 1], local);
	set_usual(status, days, count, base, &most, &has_most);
	while (run > 0 && !is_longer(days[run - 1], days[run], lapse_after))
		run--;
	if (lapse_after != NULL)
		lapses = plus_interval(status->last_at, lapse_after);

	if (lapse_after != NULL && lapses < local)
	{
		status->state = CUSTOMER_LAPSED;
		status->since = lapses;
		return true;
	}
	if (has_most && quantile_below(most, status->silence))
	{
		status->state = CUSTOMER_SLIPPING;
		status->since = (days[count - 1] + quantile_floor(most) + 1) * USECS_PER_DAY;
		return true;
	}
	status->since = run > 0 ? days[run] * USECS_PER_DAY : first_at;
	if (run > 0 && run == count - 1 && is_recent(view, last, local))
		status->state = CUSTOMER_RETURNED;
	else
		status->state = is_recent(view, first, local) ? CUSTOMER_NEW : CUSTOMER_ACTIVE;
	return true;
}
