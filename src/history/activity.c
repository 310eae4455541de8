/*
 * activity.c
 *		The facts of one customer: growing, merging, storing, checking.
 *
 * A running state logs its events as they come, each as the difference to the one before: a day that follows the last
 * one takes a byte. If the space is used up and the log is not in order, it is sorted and equal values are merged. If
 * it is still more than half full then, the space is doubled.
 */
#include "retention.h"

#include "base/check.h"
#include "history/activity.h"
#include "time/moment.h"
#include "utils/memutils.h"

#define ACTIVITY_STORED                                                                            \
	1 /* layout version of the stored form; that of the running form is ACTIVITY_RUNNING */
#define ACTIVITY_WIRE 1 /* version of the wire form, whose fields are those of the stored form */
#define ACTIVITY_MOST                                                                              \
	0x2000000 /* bytes of a running state: some 5 million moments, 30 million periods */
#define ACTIVITY_LEAST 128 /* bytes of a new running state; enough for some 20 days */

#define RUNNING_REPEAT 7 /* the flags of the event logged last: EVENT_* */
#define RUNNING_ANCHORED 8
#define RUNNING_ASCENDING 16 /* the log is in order, each value once */

#define EVENT_BYTES 16 /* the most that one event of a log takes */

static inline bool
is_anchored(const Activity *state)
{
	return (state->marks & RUNNING_ANCHORED) != 0;
}

static inline char *
grid_text_of(const Activity *state)
{
	return (char *) state->bytes + (is_anchored(state) ? sizeof(int64) : 0);
}

static inline uint8 *
log_of(const Activity *state)
{
	return (uint8 *) grid_text_of(state) + state->grid_length;
}

static inline Size
log_capacity(const Activity *state)
{
	return VARSIZE(state) - (log_of(state) - (const uint8 *) state);
}

static inline int64
latest_of(const Activity *state)
{
	return is_anchored(state) ? *(const int64 *) state->bytes : state->last;
}

static inline void
latest_is(Activity *state, int64 moment)
{
	int64 *latest = (int64 *) state->bytes;

	if (is_anchored(state) && moment > *latest)
		*latest = moment;
}

/* The flags that nearly every row's event has: they take no byte. */
static inline uint32
usual_flags(const Activity *state)
{
	return is_anchored(state) ? EVENT_ACTIVE | EVENT_RETURN : EVENT_PLAIN;
}

/* ---- The log ---- */

/*
 * An event, at most EVENT_BYTES: the difference of its value, lowest bits first. A bit in each byte says that another
 * one follows, and a bit in the first byte that count and flags follow.
 */
static inline int
event_encode(uint8 *to, int64 difference, int32 count, uint32 flags, uint32 usual)
{
	uint64 rest = ((uint64) difference << 1) ^ (uint64) (difference >> 63);
	bool other = flags != usual || count != 1;
	uint8 byte = (uint8) ((rest & 0x3f) << 1 | other);
	int n = 0;

	for (rest >>= 6; rest != 0; rest >>= 7)
	{
		to[n++] = byte | 0x80;
		byte = rest & 0x7f;
	}
	to[n++] = byte;
	if (other)
	{
		for (rest = (uint64) count << 3 | flags; rest >= 0x80; rest >>= 7)
			to[n++] = (uint8) rest | 0x80;
		to[n++] = (uint8) rest;
	}
	return n;
}

static uint64
number_decode(const uint8 **at, const uint8 *end, uint64 number, int shift)
{
	for (;; shift += 7)
	{
		if (*at >= end || shift >= 64)
			wire_corrupt(ACTIVITY_TYPE, "Its log of events is broken.");
		number |= (uint64) (**at & 0x7f) << shift;
		if (!(*(*at)++ & 0x80))
			return number;
	}
}

/* The events of a log in the order in which they came; the anchor is none of them. */
static void
log_unpack(const Activity *state, ActivityView *view)
{
	const uint8 *at = log_of(state);
	const uint8 *end = at + state->used;
	uint32 usual = usual_flags(state);
	int64 value = 0;
	int most = 1; /* for an anchor */

	for (const uint8 *byte = at; byte < end; byte++)
	{
		CHECK_NOW_AND_THEN(byte - at);
		most += !(*byte & 0x80);
	}
	if (view->capacity < most)
	{
		if (view->capacity > 0)
			pfree(view->events);
		view->capacity = most;
		view->events = palloc(most * sizeof(Event));
	}
	view->count = 0;
	while (at < end)
	{
		Event *event = &view->events[view->count++];
		uint8 byte = *at++;
		uint64 rest = (byte & 0x7f) >> 1;

		CHECK_NOW_AND_THEN(view->count);
		if (byte & 0x80)
			rest = number_decode(&at, end, rest, 6);
		value = (int64) ((uint64) value + ((rest >> 1) ^ -(rest & 1)));
		event->value = value;
		event->count = 1;
		event->flags = usual;
		if (byte & 1)
		{
			rest = number_decode(&at, end, 0, 0);
			if (rest >> 3 > PG_INT32_MAX)
				wire_corrupt(ACTIVITY_TYPE, "Its log of events is broken.");
			event->count = (int32) (rest >> 3);
			event->flags = rest & 7;
		}
	}
}

/* Make space for one more event. The log may be sorted for it. */
static Activity *
log_reserve(Activity *state, int32 cap)
{
	Size size = VARSIZE(state);
	Size before = log_of(state) - (uint8 *) state;
	Size need = state->used + EVENT_BYTES;
	uint8 *packed = NULL;

	if (!(state->marks & RUNNING_ASCENDING))
	{
		ActivityView view = {0};
		uint32 usual = usual_flags(state);
		int64 value = 0;
		int used = 0;

		log_unpack(state, &view);
		view.count = history_normalise(view.events, view.count, cap);
		packed = palloc(view.count * (Size) EVENT_BYTES);
		for (int i = 0; i < view.count; i++)
		{
			const Event *event = &view.events[i];

			CHECK_NOW_AND_THEN(i);
			used += event_encode(packed + used, (int64) ((uint64) event->value - (uint64) value),
								 event->count, event->flags, usual);
			value = event->value;
		}
		state->used = used;
		state->value = value;
		state->marks = (state->marks & RUNNING_ANCHORED) | RUNNING_ASCENDING;
		if (view.count > 0)
			state->marks |= view.events[view.count - 1].flags & RUNNING_REPEAT;
		pfree(view.events);
		need = 2 * (used + EVENT_BYTES);
	}
	if (before + need > size)
	{
		Size larger = size;
		Activity *grown;

		while (before + need > larger)
			larger *= 2;
		if (larger > ACTIVITY_MOST)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("the activity of one customer is too large"),
							errdetail("It would take more than %d bytes.", ACTIVITY_MOST),
							errhint("Use calendar windows or longer periods.")));
		grown = palloc0(larger);
		memcpy(grown, state, before + (packed == NULL ? state->used : 0));
		state = grown;
		SET_VARSIZE(state, larger);
	}
	if (packed != NULL)
	{
		memcpy(log_of(state), packed, state->used);
		pfree(packed);
	}
	return state;
}

static inline Activity *
log_event(Activity *state, int32 cap, int64 value, int32 count, uint32 flags)
{
	/* Another row of the same period adds nothing, where periods are not counted. */
	if (value == state->value && (flags & ~(uint32) (state->marks & RUNNING_REPEAT)) == 0 &&
		(cap == 1 || count == 0))
		return state;
	if (unlikely(log_capacity(state) < state->used + EVENT_BYTES))
		state = log_reserve(state, cap);
	if (state->used > 0 && value <= state->value)
		state->marks &= ~RUNNING_ASCENDING;
	state->used +=
		event_encode(log_of(state) + state->used, (int64) ((uint64) value - (uint64) state->value),
					 count, flags, usual_flags(state));
	state->value = value;
	state->marks = (state->marks & ~RUNNING_REPEAT) | (uint8) flags;
	return state;
}

/* ---- Running states ---- */

bool
activity_has_shape(const void *value)
{
	const Activity *state = value;

	return state->kind <= TIME_INSTANT && state->marks < 2 * RUNNING_ASCENDING &&
		   log_of(state) <= (const uint8 *) state + VARSIZE(state) && state->used >= 0 &&
		   state->used <= log_capacity(state);
}

Activity *
activity_new(TimeKind kind, bool anchored, const Grid *grid)
{
	Size size = ACTIVITY_LEAST;
	Activity *state;

	while (size < offsetof(Activity, bytes) + 2 * sizeof(int64) + grid->text_length + EVENT_BYTES)
		size *= 2;
	state = palloc0(size);
	flat_mark(state, WIRE_ACTIVITY, ACTIVITY_RUNNING, size);
	state->kind = (uint8) kind;
	state->marks = RUNNING_ASCENDING | (anchored ? RUNNING_ANCHORED : 0);
	state->grid_length = (uint16) grid->text_length;
	state->first = state->first_start = ACTIVITY_NO_FIRST;
	state->last = ACTIVITY_NO_LATEST;
	if (anchored)
		*(int64 *) state->bytes = ACTIVITY_NO_LATEST;
	memcpy(grid_text_of(state), grid->text, grid->text_length);
	return state;
}

Activity *
activity_run(Datum value)
{
	ActivityView view = {0};
	Activity *state;

	activity_view(value, &view);
	state = activity_new(view.kind, view.anchored, view.grid);
	state = activity_absorb(state, &view);
	if (view.capacity > 0)
		pfree(view.events);
	return state;
}

void
activity_match(const Activity *state, TimeKind kind, bool anchored, const Grid *grid)
{
	if (unlikely(state->grid_length != grid->text_length ||
				 memcmp(grid_text_of(state), grid->text, grid->text_length) != 0))
		grid_mismatch(pnstrdup(grid_text_of(state), state->grid_length), grid->text);
	if (unlikely(state->kind != kind))
	{
		static const char *const names[] = {"date", "timestamp", "timestamptz"};

		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("activities of different time types cannot be combined"),
						errdetail("One was built from %s, the other from %s.", names[state->kind],
								  names[kind])));
	}
	if (unlikely(is_anchored(state) != anchored))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("activities with and without an anchor cannot be combined")));
}

Activity *
activity_add(Activity *state, const Grid *grid, int64 moment, int64 value, uint32 flags)
{
	state->first = Min(state->first, moment);
	state->last = Max(state->last, moment);
	latest_is(state, moment);
	if (flags & EVENT_START)
		state->first_start = Min(state->first_start, moment);
	return log_event(state, grid->min_events, value, flags & EVENT_RETURN ? 1 : 0, flags);
}

/* An anchor is not logged: the earliest is enough. */
void
activity_add_anchor(Activity *state, int64 moment)
{
	state->first = Min(state->first, moment);
	state->first_start = Min(state->first_start, moment);
	latest_is(state, moment);
}

Activity *
activity_absorb(Activity *state, const ActivityView *view)
{
	activity_match(state, view->kind, view->anchored, view->grid);
	count_add(&state->rows, view->rows);
	count_add(&state->ignored, view->ignored);
	state->first = Min(state->first, view->first);
	state->first_start = Min(state->first_start, view->first_start);
	state->last = Max(state->last, view->last);
	latest_is(state, view->latest);
	for (int i = 0; i < view->count; i++)
	{
		const Event *event = &view->events[i];
		uint32 flags = view->anchored ? event->flags & ~EVENT_START : event->flags;

		CHECK_NOW_AND_THEN(i);
		if (flags != 0)
			state = log_event(state, view->grid->min_events, event->value, event->count, flags);
	}
	return state;
}

/* The moment; raises 22008 if the offset of a zone has moved it out of the range of its type. */
static int64
require_range(TimeKind kind, int64 moment)
{
	if (!moment_is_valid(kind, moment))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("%s out of range", kind == TIME_DATE ? "date" : "timestamp")));
	return moment;
}

int64
activity_convert(const Grid *grid, TimeKind from, TimeKind to, int64 moment)
{
	if (from == to)
		return moment;
	if (from == TIME_DATE)
	{
		if (DATE_NOT_FINITE(moment))
			return DATE_IS_NOBEGIN(moment) ? DT_NOBEGIN : DT_NOEND;
		if (moment >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
			ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
							errmsg("date out of range for timestamp")));
		moment *= USECS_PER_DAY;
		return to == TIME_LOCAL ? moment : require_range(to, zone_instant(grid->zone, moment));
	}
	if (TIMESTAMP_NOT_FINITE(moment))
	{
		if (to != TIME_DATE)
			return moment;
		return TIMESTAMP_IS_NOBEGIN(moment) ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
	}
	if (to == TIME_INSTANT)
		return require_range(to, zone_instant(grid->zone, moment));
	if (from == TIME_INSTANT)
		moment = zone_local(grid->zone, moment);
	return require_range(to, to == TIME_LOCAL ? moment : floor_divide(moment, USECS_PER_DAY));
}

/* ---- The stored form ---- */

static inline int64
difference(int64 larger, int64 smaller)
{
	/* Two timestamps may differ by more than an int64 holds; what wraps around here wraps back when it is read. */
	return (int64) ((uint64) larger - (uint64) smaller);
}

static void
put_fields(StringInfo out, const ActivityView *view)
{
	wire_put_int(out, view->kind | (view->anchored ? 4 : 0));
	wire_put_int(out, view->grid_length);
	wire_put_bytes(out, view->grid_text, view->grid_length);
	wire_put_int(out, view->rows);
	wire_put_int(out, view->ignored);
	if (view->count == 0)
		return; /* every row was ignored */
	wire_put_int(out, view->latest);
	wire_put_int(out, difference(view->latest, view->first));
	wire_put_int(out, view->first_start == ACTIVITY_NO_FIRST
						  ? 0
						  : difference(view->first_start, view->first) + 1);
	wire_put_int(out,
				 view->last == ACTIVITY_NO_LATEST ? 0 : difference(view->latest, view->last) + 1);
	history_write(out, view->events, view->count);
}

struct varlena *
activity_store_view(const ActivityView *view)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoSpaces(&out, sizeof(FlatHeader));
	put_fields(&out, view);
	flat_mark(out.data, WIRE_ACTIVITY, ACTIVITY_STORED, out.len);
	return (struct varlena *) out.data;
}

static inline int64
value_of(const Grid *grid, TimeKind kind, int64 moment)
{
	int64 period = grid_period(grid, kind, moment);

	return grid->windows == GRID_ELAPSED ? moment : period;
}

static void
view_of_running(const Activity *state, ActivityView *view)
{
	bool ordered = (state->marks & RUNNING_ASCENDING) != 0;

	view->kind = state->kind;
	view->grid = grid_open_text(grid_text_of(state), state->grid_length);
	view->grid_text = view->grid->text;
	view->grid_length = view->grid->text_length;
	view->anchored = is_anchored(state);
	view->rows = state->rows;
	view->ignored = state->ignored;
	view->first = state->first;
	view->latest = latest_of(state);
	view->first_start = state->first_start;
	view->last = state->last;
	log_unpack(state, view);
	if (view->anchored && view->first_start != ACTIVITY_NO_FIRST)
	{
		Event *start = &view->events[view->count++];

		start->value = value_of(view->grid, view->kind, view->first_start);
		start->count = 0;
		start->flags = EVENT_START;
		ordered = false;
	}
	if (!ordered)
		view->count = history_normalise(view->events, view->count, view->grid->min_events);
}

struct varlena *
activity_store(const Activity *state)
{
	ActivityView view = {0};
	struct varlena *stored;

	view_of_running(state, &view);
	stored = activity_store_view(&view);
	pfree(view.events);
	return stored;
}

/* ---- Reading ---- */

static void corrupt(const char *detail) pg_attribute_noreturn();

static void
corrupt(const char *detail)
{
	wire_corrupt(ACTIVITY_TYPE, detail);
}

/* The event of a moment; there must be one. */
static const Event *
event_of(const ActivityView *view, int64 moment)
{
	int64 value = value_of(view->grid, view->kind, moment);
	int low = 0, high = view->count - 1;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (view->events[middle].value < value)
			low = middle + 1;
		else
			high = middle;
	}
	if (view->events[low].value != value)
		corrupt("Its moments are not those of its events.");
	return &view->events[low];
}

/*
 * Checks what history_read() does not: that moments, events and counts fit together. If a clock was set back over
 * midnight, the first moment need not be in the first period, so periods have a margin of a day.
 */
static void
check_view(const ActivityView *view)
{
	const Grid *grid = view->grid;
	int64 used = view->rows - view->ignored;
	bool elapsed = grid->windows == GRID_ELAPSED;
	int64 margin = elapsed ? 0 : HOURS_PER_DAY;
	int64 counted = 0;
	bool active = false;
	int starts = 0;

	if (!moment_is_valid(view->kind, view->first) || !moment_is_valid(view->kind, view->latest) ||
		view->first > view->latest ||
		(grid->has_as_of && view->latest >= grid_as_of(grid, view->kind)))
		corrupt("A moment in it is out of range.");
	if (view->count < 1 || view->count - (view->anchored ? 1 : 0) > used)
		corrupt("Its events and rows do not add up.");
	if (view->events[0].value < value_of(grid, view->kind, view->first) - margin ||
		view->events[view->count - 1].value > value_of(grid, view->kind, view->latest) + margin)
		corrupt("Its moments are not those of its events.");
	for (int i = 0; i < view->count; i++)
	{
		const Event *event = &view->events[i];

		CHECK_NOW_AND_THEN(i);
		starts += (event->flags & EVENT_START) != 0;
		active |= (event->flags & EVENT_ACTIVE) != 0;
		counted += event->count;
		if (event->count < 0 || (event->count > 0) != ((event->flags & EVENT_RETURN) != 0))
			corrupt("Its counts are not those of returns.");
		if (view->anchored ? event->flags != EVENT_START &&
								 (event->flags & ~EVENT_START) != (EVENT_ACTIVE | EVENT_RETURN)
						   : !(event->flags & EVENT_ACTIVE))
			corrupt("An event in it belongs to no row.");
	}
	if (counted > used)
		corrupt("Its events and rows do not add up.");
	(void) event_of(view, view->first);
	if ((view->first_start != ACTIVITY_NO_FIRST) != (starts > 0) || (view->anchored && starts != 1))
		corrupt("Its start is not that of its events.");
	if (starts > 0)
	{
		if (view->first_start < view->first || view->first_start > view->latest ||
			!(event_of(view, view->first_start)->flags & EVENT_START))
			corrupt("Its start is not that of its events.");
	}
	if ((view->last != ACTIVITY_NO_LATEST) != active)
		corrupt("Its last moment is not that of its events.");
	if (active)
	{
		if (view->last < view->first || view->last > view->latest ||
			(!view->anchored && view->last != view->latest) ||
			!(event_of(view, view->last)->flags & EVENT_ACTIVE))
			corrupt("Its last moment is not that of its events.");
	}
}

static void
get_fields(WireReader *in, ActivityView *view)
{
	int64 kind = wire_get_int_between(in, 0, 7);
	int64 length = wire_get_int_between(in, 1, PG_UINT16_MAX);
	const char *bytes = wire_get_bytes(in, (Size) length);
	int64 code;

	if ((kind & 3) > TIME_INSTANT)
		corrupt("Its type of time is not recognized.");
	view->kind = (TimeKind) (kind & 3);
	view->anchored = (kind & 4) != 0;
	view->grid = grid_open_text(bytes, (int) length);
	view->grid_text = view->grid->text;
	view->grid_length = view->grid->text_length;
	if (view->grid_length != length || memcmp(view->grid_text, bytes, length) != 0)
		corrupt("Its grid has no time zone.");
	view->rows = wire_get_int_between(in, 1, PG_INT64_MAX);
	view->ignored = wire_get_int_between(in, 0, view->rows);
	view->first = view->first_start = ACTIVITY_NO_FIRST;
	view->latest = view->last = ACTIVITY_NO_LATEST;
	view->count = 0;
	if (view->ignored < view->rows)
	{
		view->latest = wire_get_int(in);
		view->first = difference(view->latest, wire_get_int(in));
		code = wire_get_int(in);
		if (code != 0)
			view->first_start = (int64) ((uint64) view->first + (uint64) code - 1);
		code = wire_get_int(in);
		if (code != 0)
			view->last = (int64) ((uint64) view->latest - ((uint64) code - 1));
		view->count = history_read(in, view->grid->min_events, &view->events, &view->capacity);
		check_view(view);
	}
	wire_end(in);
}

void
activity_view(Datum value, ActivityView *view)
{
	struct varlena *bytes = PG_DETOAST_DATUM(value);
	WireReader in = {.type_name = ACTIVITY_TYPE, .version = ACTIVITY_WIRE};

	if (VARSIZE(bytes) >= sizeof(Activity) &&
		((const FlatHeader *) bytes)->version == ACTIVITY_RUNNING)
	{
		const Activity *state = flat_open(PointerGetDatum(bytes), WIRE_ACTIVITY, ACTIVITY_RUNNING,
										  sizeof(Activity), ACTIVITY_TYPE);

		if (!activity_has_shape(state))
			corrupt("It is not the state of an aggregate.");
		view_of_running(state, view);
		if (view->rows < 1 || view->ignored < 0 || view->ignored > view->rows ||
			(view->count == 0) != (view->ignored == view->rows))
			corrupt("Its events and rows do not add up.");
		if (view->count > 0)
			check_view(view);
		return;
	}
	bytes = flat_open(PointerGetDatum(bytes), WIRE_ACTIVITY, ACTIVITY_STORED, sizeof(FlatHeader),
					  ACTIVITY_TYPE);
	in.at = (const char *) bytes + sizeof(FlatHeader);
	in.end = (const char *) bytes + VARSIZE(bytes);
	get_fields(&in, view);
}

void
activity_write(Datum value, StringInfo wire)
{
	ActivityView view = {0};

	activity_view(value, &view);
	wire_begin(wire, WIRE_ACTIVITY, ACTIVITY_WIRE);
	put_fields(wire, &view);
}

struct varlena *
activity_read(const char *bytes, Size size)
{
	WireReader in = wire_open(bytes, size, WIRE_ACTIVITY, ACTIVITY_WIRE, ACTIVITY_TYPE);
	const char *fields = in.at;
	ActivityView view = {0};
	struct varlena *stored;

	get_fields(&in, &view);
	stored = activity_store_view(&view);
	/* Each value has one form only. */
	if (VARSIZE(stored) - sizeof(FlatHeader) != in.end - fields ||
		memcmp((char *) stored + sizeof(FlatHeader), fields, in.end - fields) != 0)
		corrupt("It is not in its canonical form.");
	return stored;
}
