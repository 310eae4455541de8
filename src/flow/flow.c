/*
 * flow.c
 *		The state of a flow: adding customers, merging, checking, storing, reading.
 */
#include "retention.h"

#include "base/check.h"
#include "base/number.h"
#include "flow/flow.h"
#include "storage/shmem.h"

static Size
flow_size(int64 periods, int grid_length)
{
	Size numbers = mul_size((Size) periods, FLOW_COUNTERS + 2);

	return add_size(offsetof(Flow, numbers) + 2 * sizeof(int64) + grid_length,
					mul_size(numbers, sizeof(int64)));
}

Flow *
flow_new(TimeKind kind, int64 periods, const char *grid_text, int grid_length)
{
	Size size = flow_size(periods, grid_length);
	Flow *flow = palloc0(size);

	flat_mark(flow, WIRE_FLOW, FLOW_VERSION, size);
	flow->kind = kind;
	flow->grid_length = grid_length;
	flow->periods = periods;
	flow->as_of = STILL_THERE;
	flow->latest = SINCE_EVER;
	if (grid_length > 0)
		memcpy(flow_grid_text(flow), grid_text, grid_length);
	return flow;
}

const RequestUse flow_use = {.function = "customer_flow", .answer = "a flow"};

Flow *
flow_of_request(const PeriodRequest *request, const Grid *grid)
{
	Flow *flow = grid == NULL
					 ? flow_new(request->kind, 1, NULL, 0)
					 : flow_new(request->kind, request->periods, grid->text, grid->text_length);

	flow->as_of = request->as_of;
	request_bounds(request, grid, flow_bounds(flow));
	return flow;
}

static inline int64
flow_locate(const Flow *flow, int64 moment)
{
	return period_locate(flow_bounds(flow), flow->periods, moment);
}

/* Keep FLOW_DAY_PART below a day, so that no sum of it can overflow. */
static inline void
flow_add_time(Flow *flow, int64 period, int64 days, int64 part)
{
	int64 *parts = &flow_counters(flow, FLOW_DAY_PART)[period];

	*parts += part;
	if (*parts >= USECS_PER_DAY)
	{
		*parts -= USECS_PER_DAY;
		days++;
	}
	count_add(&flow_counters(flow, FLOW_DAYS)[period], days);
}

static inline void
flow_add_span(Flow *flow, int64 period, int64 from, int64 until)
{
	int64 length = until - from;

	if (flow->kind == TIME_DATE)
		flow_add_time(flow, period, length, 0);
	else
		flow_add_time(flow, period, length / USECS_PER_DAY, length % USECS_PER_DAY);
}

static inline void
flow_count(Flow *flow, FlowCounter counter, int64 period)
{
	count_add(&flow_counters(flow, counter)[period], 1);
}

/* What one customer did inside one period. */
typedef struct Movements
{
	int64 period;  /* -1: none yet */
	bool at_start; /* there at the period's start */
	bool before;   /* there at some time before the period */
	bool at_end;   /* there at its end, after the movements seen so far */
	int64 departures;
} Movements;

/* Which movement a customer counts as: the table in doc/flow.md. */
static inline void
flow_count_movements(Flow *flow, const Movements *m)
{
	int64 returns = m->at_end ? m->departures : m->departures - 1;

	if (m->period < 0)
		return;
	if (returns > 0)
		count_add(&flow_counters(flow, FLOW_LEFT_AND_RETURNED)[m->period], returns);
	if (m->at_start)
	{
		flow_count(flow, FLOW_INTERRUPTED, m->period);
		if (!m->at_end)
			flow_count(flow, FLOW_LOST, m->period);
	}
	else if (m->at_end)
		flow_count(flow, m->before ? FLOW_REACTIVATED : FLOW_GAINED, m->period);
	else
		flow_count(flow, m->before ? FLOW_REACTIVATED_AND_LEFT : FLOW_JOINED_AND_LEFT, m->period);
}

static inline void
flow_move(Flow *flow, Movements *m, int64 period, int64 first_period, bool arrives)
{
	if (period != m->period)
	{
		flow_count_movements(flow, m);
		m->period = period;
		m->at_start = !arrives;
		m->before = first_period < period;
		m->departures = 0;
	}
	m->at_end = arrives;
	if (!arrives)
		m->departures++;
}

void
flow_add(Flow *flow, const Presence *presences, int count)
{
	const int64 *bounds = flow_bounds(flow);
	int64 *presence = flow_presence(flow);
	int64 periods = flow->periods;
	int64 first_period = periods;
	Movements movements = {.period = -1};

	for (int i = 0; i < count; i++)
	{
		int64 started = presences[i].started;
		int64 ended = presences[i].ended;
		int64 from;
		int64 until;

		CHECK_NOW_AND_THEN(i);
		if (started >= flow->as_of)
			break;
		if (ended >= flow->as_of)
			ended = STILL_THERE;
		if (started == ended)
			continue; /* never there */
		if (started != SINCE_EVER && started > flow->latest)
			flow->latest = started;
		if (ended != STILL_THERE && ended > flow->latest)
			flow->latest = ended;

		from = flow_locate(flow, started);
		until = flow_locate(flow, ended);
		first_period = Min(first_period, from);
		if (until < 0 || from >= periods)
			continue;

		/* There at the start of each period after from, up to until itself. */
		if (from < until)
		{
			count_add(&presence[from + 1], 1);
			if (until < periods)
				count_add(&presence[until + 1], -1);
		}
		if (from >= 0)
		{
			flow_add_span(flow, from, started, from < until ? bounds[from + 1] : ended);
			flow_move(flow, &movements, from, first_period, true);
		}
		if (until < periods)
		{
			if (from < until)
				flow_add_span(flow, until, bounds[until], ended);
			flow_move(flow, &movements, until, first_period, false);
		}
	}
	flow_count_movements(flow, &movements);
}

static char *
flow_print_span(const Flow *flow)
{
	const int64 *bounds = flow_bounds(flow);

	return psprintf("[%s,%s)", moment_text(flow->kind, bounds[0]),
					moment_text(flow->kind, bounds[flow->periods]));
}

void
flow_merge(Flow *flow, const Flow *other)
{
	int64 periods = flow->periods;

	if (flow->grid_length != other->grid_length ||
		memcmp(flow_grid_text(flow), flow_grid_text(other), flow->grid_length) != 0)
		grid_mismatch(pnstrdup(flow_grid_text(flow), flow->grid_length),
					  pnstrdup(flow_grid_text(other), other->grid_length));
	if (flow->kind != other->kind || periods != other->periods ||
		memcmp(flow_bounds(flow), flow_bounds(other), (periods + 1) * sizeof(int64)) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("flows over different periods cannot be added"),
						errdetail("One has %lld periods in %s, the other %lld in %s.",
								  (long long) periods, flow_print_span(flow),
								  (long long) other->periods, flow_print_span(other))));

	if (flow->as_of != other->as_of)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("flows as of different times cannot be added"),
				 errdetail("The period %s was not over for both of them.", flow_print_span(flow)),
				 errhint("Make both with the same as_of.")));

	flow->latest = Max(flow->latest, other->latest);
	for (int64 i = 0; i <= periods; i++)
		count_add(&flow_presence(flow)[i], flow_presence(other)[i]);
	for (int counter = 0; counter < FLOW_DAYS; counter++)
		for (int64 i = 0; i < periods; i++)
			count_add(&flow_counters(flow, counter)[i], flow_counters(other, counter)[i]);
	for (int64 i = 0; i < periods; i++)
		flow_add_time(flow, i, flow_counters(other, FLOW_DAYS)[i],
					  flow_counters(other, FLOW_DAY_PART)[i]);
}

bool
flow_has_shape(const void *state)
{
	const Flow *flow = state;
	return flow->periods >= 0 && flow->periods <= MAX_PERIODS && flow->grid_length >= 0 &&
		   flow->grid_length <= (int) VARSIZE(flow) &&
		   flow_size(flow->periods, flow->grid_length) == VARSIZE(flow);
}

void
flow_check(const Flow *flow)
{
	const int64 *bounds;
	int64 at_start = 0;

	if (flow->kind != TIME_DATE && flow->kind != TIME_LOCAL && flow->kind != TIME_INSTANT)
		wire_corrupt(FLOW_TYPE, "Its type of time is not recognized.");
	if (!flow_has_shape(flow))
		wire_corrupt(FLOW_TYPE, "Its length is not that of its periods.");
	if (flow->grid_length > 0)
		(void) grid_open_text(flow_grid_text(flow), flow->grid_length);
	else if (flow->periods != 1)
		wire_corrupt(FLOW_TYPE, "Without a grid it must have one period.");

	bounds = flow_bounds(flow);
	if (flow->grid_length == 0 && flow->as_of != STILL_THERE && flow->as_of >= bounds[1])
		wire_corrupt(FLOW_TYPE, "Its period was over.");
	for (int64 i = 0; i <= flow->periods; i++)
		/* A day that a zone skipped is a period without length; it is never the only one. */
		if ((i > 0 &&
			 (int64) ((uint64) bounds[i] - (uint64) bounds[i - 1]) < (flow->grid_length == 0)) ||
			!moment_is_valid(flow->kind, bounds[i]))
			wire_corrupt(FLOW_TYPE, "Its periods do not follow each other.");

	for (int64 i = 0; i <= flow->periods; i++)
	{
		int64 at_end;

		if (pg_add_s64_overflow(at_start, flow_presence(flow)[i], &at_start) || at_start < 0)
			wire_corrupt(FLOW_TYPE, "Its customers do not add up.");
		if (i == flow->periods)
			break;
		for (int counter = 0; counter < FLOW_COUNTERS; counter++)
			if (flow_counters(flow, counter)[i] < 0)
				wire_corrupt(FLOW_TYPE, "A count in it is negative.");
		if (flow_counters(flow, FLOW_DAY_PART)[i] >= (flow->kind == TIME_DATE ? 1 : USECS_PER_DAY))
			wire_corrupt(FLOW_TYPE, "A part of a day in it is longer than a day.");
		if (flow_counters(flow, FLOW_INTERRUPTED)[i] > at_start ||
			flow_counters(flow, FLOW_LOST)[i] > flow_counters(flow, FLOW_INTERRUPTED)[i] ||
			pg_add_s64_overflow(at_start, flow_presence(flow)[i + 1], &at_end) ||
			(uint64) at_end != (uint64) at_start + (uint64) flow_counters(flow, FLOW_GAINED)[i] +
								   (uint64) flow_counters(flow, FLOW_REACTIVATED)[i] -
								   (uint64) flow_counters(flow, FLOW_LOST)[i])
			wire_corrupt(FLOW_TYPE, "Its movements do not add up.");
	}
}

void
flow_write(const Flow *flow, StringInfo wire)
{
	const int64 *bounds = flow_bounds(flow);

	wire_begin(wire, WIRE_FLOW, FLOW_VERSION);
	wire_put_int(wire, flow->kind);
	wire_put_int(wire, flow->grid_length);
	wire_put_bytes(wire, flow_grid_text(flow), flow->grid_length);
	wire_put_ints(wire, flow->periods, flow->as_of, flow->latest, bounds[0]);
	for (int64 i = 0; i < flow->periods; i++)
		wire_put_int(wire, (int64) ((uint64) bounds[i + 1] - (uint64) bounds[i]));
	for (int64 i = 0; i <= flow->periods; i++)
		wire_put_int(wire, flow_presence(flow)[i]);
	for (int counter = 0; counter < FLOW_COUNTERS; counter++)
		for (int64 i = 0; i < flow->periods; i++)
			wire_put_int(wire, flow_counters(flow, counter)[i]);
}

Flow *
flow_read(const char *bytes, Size size)
{
	WireReader in = wire_open(bytes, size, WIRE_FLOW, FLOW_VERSION, FLOW_TYPE);
	TimeKind kind = (TimeKind) wire_get_int_between(&in, TIME_DATE, TIME_INSTANT);
	int grid_length = (int) wire_get_int_between(&in, 0, (int64) size);
	const char *grid_text = wire_get_bytes(&in, grid_length);
	int64 periods = wire_get_int_between(&in, 0, MAX_PERIODS);
	Flow *flow = flow_new(kind, periods, grid_text, grid_length);
	int64 *bounds = flow_bounds(flow);

	flow->as_of = wire_get_int(&in);
	flow->latest = wire_get_int(&in);
	bounds[0] = wire_get_int(&in);
	for (int64 i = 0; i < periods; i++)
		bounds[i + 1] = (int64) ((uint64) bounds[i] + (uint64) wire_get_int(&in));
	for (int64 i = 0; i <= periods; i++)
		flow_presence(flow)[i] = wire_get_int(&in);
	for (int counter = 0; counter < FLOW_COUNTERS; counter++)
		for (int64 i = 0; i < periods; i++)
			flow_counters(flow, counter)[i] = wire_get_int(&in);
	wire_end(&in);
	flow_check(flow);
	return flow;
}

FlowReader
flow_read_begin(const Flow *flow)
{
	FlowReader reader = {.flow = flow, .known_until = flow->as_of};

	/*
	 * Without an as_of a flow is known up to the latest start or end of a presence, itself included (for a date its
	 * whole day). One period without a grid and without an as_of was over when it was asked for.
	 */
	if (flow->grid_length > 0 && flow->as_of == STILL_THERE)
		reader.known_until = flow->latest == SINCE_EVER ? SINCE_EVER : flow->latest + 1;
	return reader;
}

bool
flow_read_row(FlowReader *reader, FlowRow *row)
{
	const Flow *flow = reader->flow;
	int64 i = reader->next;

	if (i >= flow->periods || flow_bounds(flow)[i] >= reader->known_until)
		return false;
	reader->next++;
	row->period_start = flow_bounds(flow)[i];
	row->period_end = flow_bounds(flow)[i + 1];
	row->partial = row->period_end > reader->known_until;
	row->unknown = row->partial ? row->period_end - reader->known_until : 0;
	row->length = row->period_end - row->period_start;
	row->day = flow->kind == TIME_DATE ? 1 : USECS_PER_DAY;
	for (int counter = 0; counter < FLOW_COUNTERS; counter++)
		row->counts[counter] = flow_counters(flow, counter)[i];

	reader->at_start += flow_presence(flow)[i];
	row->at_start = reader->at_start;
	row->at_end = reader->at_start + flow_presence(flow)[i + 1];
	row->kept = row->at_start - row->counts[FLOW_LOST];
	row->joined = row->counts[FLOW_GAINED];
	count_add(&row->joined, row->counts[FLOW_JOINED_AND_LEFT]);
	row->departures = row->counts[FLOW_LOST];
	count_add(&row->departures, row->counts[FLOW_JOINED_AND_LEFT]);
	count_add(&row->departures, row->counts[FLOW_REACTIVATED_AND_LEFT]);
	count_add(&row->departures, row->counts[FLOW_LEFT_AND_RETURNED]);
	row->continuous = row->at_start - row->counts[FLOW_INTERRUPTED];
	return true;
}
