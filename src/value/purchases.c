/*
 * purchases.c
 *		The purchases of one customer: growing, merging, storing, checking.
 */
#include "retention.h"

#include "base/check.h"
#include "time/moment.h"
#include "value/purchases.h"
#include "value/value.h"

#define PURCHASES_LEAST 192 /* bytes of a new state: some ten rows */
#define EVENT_BYTES 48		/* the most that a history of one event takes */

static inline char *
log_of(const Purchases *state)
{
	return (char *) state->bytes + state->grid_length;
}

static inline Size
log_capacity(const Purchases *state)
{
	return VARSIZE(state) - (Size) (log_of(state) - (const char *) state);
}

bool
purchases_has_shape(const void *value)
{
	const Purchases *state = value;

	return log_of(state) <= (const char *) state + VARSIZE(state) && state->used >= 0 &&
		   (Size) state->used <= log_capacity(state) && state->kind <= TIME_INSTANT;
}

static Purchases *
allocate(TimeKind kind, const char *grid_text, int grid_length, Size size)
{
	Purchases *state = palloc0(size);

	flat_mark(state, WIRE_PURCHASES, PURCHASES_VERSION, size);
	state->kind = (uint8) kind;
	state->grid_length = (uint16) grid_length;
	state->first = state->first_purchase = PG_INT64_MAX;
	state->latest = state->last_purchase = PG_INT64_MIN;
	memcpy(state->bytes, grid_text, grid_length);
	return state;
}

Purchases *
purchases_new(TimeKind kind, const Grid *grid)
{
	Size size = PURCHASES_LEAST;

	while (size < offsetof(Purchases, bytes) + (Size) grid->text_length + EVENT_BYTES)
		size *= 2;
	return allocate(kind, grid->text, grid->text_length, size);
}

/* All events of the log, by day, palloc'ed. */
static AmountEvent *
read_log(const Purchases *state, int *count)
{
	const EventShape shape = PURCHASE_SHAPE;
	WireReader in = {
		.type_name = PURCHASES_TYPE, .at = log_of(state), .end = log_of(state) + state->used};
	Event *events = NULL;
	int capacity = 0;
	int used = 0;

	while (in.at < in.end)
		used += events_read(&shape, &in, &events, &capacity, used);
	*count = used == 0 ? 0 : events_normalise(&shape, events, used);
	return (AmountEvent *) events;
}

/* Make space for more bytes; the log may be put together for it. */
static Purchases *
reserve(Purchases *state, Size more)
{
	const EventShape shape = PURCHASE_SHAPE;
	Size head = (Size) (log_of(state) - (char *) state);
	StringInfoData log;
	AmountEvent *events;
	Size size = VARSIZE(state);
	int count;

	if (likely(log_capacity(state) >= (Size) state->used + more))
		return state;
	events = read_log(state, &count);
	initStringInfo(&log);
	if (count > 0)
		events_write(&shape, &log, &events->event, count);
	while (size < head + 2 * (Size) log.len + more)
		size *= 2;
	if (size > PURCHASES_MOST)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the purchases of one customer are too many"),
						errdetail("They would take more than %d bytes.", PURCHASES_MOST)));
	if (size > VARSIZE(state))
	{
		Purchases *grown = palloc0(size);

		memcpy(grown, state, head);
		SET_VARSIZE(grown, size);
		state = grown;
	}
	memcpy(log_of(state), log.data, log.len);
	state->used = log.len;
	if (events != NULL)
		pfree(events);
	pfree(log.data);
	return state;
}

/* Append a history. */
static Purchases *
append(Purchases *state, const AmountEvent *events, int count)
{
	const EventShape shape = PURCHASE_SHAPE;
	StringInfoData out;

	if (count == 1)
		state = reserve(state, EVENT_BYTES);
	else
	{
		initStringInfo(&out);
		events_write(&shape, &out, &events->event, count);
		state = reserve(state, (Size) out.len + 1);
		pfree(out.data);
	}
	/* Written in place: there is enough space, so that it never grows. */
	out.data = log_of(state) + state->used;
	out.len = out.cursor = 0;
	out.maxlen = (int) (log_capacity(state) - (Size) state->used);
	events_write(&shape, &out, &events->event, count);
	state->used += out.len;
	return state;
}

void
purchases_match(const Purchases *state, TimeKind kind, const char *grid_text, int grid_length)
{
	if (unlikely(state->grid_length != grid_length ||
				 memcmp(state->bytes, grid_text, grid_length) != 0))
		grid_mismatch(pnstrdup(state->bytes, state->grid_length), pnstrdup(grid_text, grid_length));
	if (unlikely(state->kind != kind))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("purchases with different time types cannot be combined"),
						errhint("Cast the times to one type.")));
}

Purchases *
purchases_add(Purchases *state, int64 at, const AmountEvent *event, int64 decimals)
{
	state->first = Min(state->first, at);
	state->latest = Max(state->latest, at);
	state->decimals = (uint8) Max(state->decimals, decimals);
	if (event->event.count > 0)
	{
		state->first_purchase = Min(state->first_purchase, at);
		state->last_purchase = Max(state->last_purchase, at);
	}
	else
		count_add(&state->refunds, 1);
	return append(state, event, 1);
}

Purchases *
purchases_merge(Purchases *state, Datum value)
{
	PurchasesView view = purchases_view(value);

	purchases_match(state, view.kind, view.grid->text, view.grid->text_length);
	count_add(&state->refunds, view.refunds);
	state->first = Min(state->first, view.first);
	state->latest = Max(state->latest, view.latest);
	state->first_purchase = Min(state->first_purchase, view.first_purchase);
	state->last_purchase = Max(state->last_purchase, view.last_purchase);
	state->decimals = (uint8) Max(state->decimals, view.decimals);
	return append(state, view.events, view.count);
}

Purchases *
purchases_store(const Purchases *state)
{
	const EventShape shape = PURCHASE_SHAPE;
	Size head = (Size) (log_of(state) - (const char *) state);
	StringInfoData log;
	Purchases *stored;
	int count;
	AmountEvent *events = read_log(state, &count);

	initStringInfo(&log);
	events_write(&shape, &log, &events->event, count);
	stored = palloc0(head + (Size) log.len);
	memcpy(stored, state, head);
	SET_VARSIZE(stored, head + (Size) log.len);
	stored->used = log.len;
	memcpy(log_of(stored), log.data, log.len);
	pfree(log.data);
	return stored;
}

/* ---- reading ---- */

static const Purchases *
open_value(Datum value)
{
	const Purchases *state = flat_open(value, WIRE_PURCHASES, PURCHASES_VERSION,
									   offsetof(Purchases, bytes), PURCHASES_TYPE);

	if (!purchases_has_shape(state))
		wire_corrupt(PURCHASES_TYPE, "Its sizes are impossible.");
	return state;
}

PurchasesView
purchases_view(Datum value)
{
	const Purchases *state = open_value(value);
	PurchasesView view = {.grid = grid_open_text(state->bytes, state->grid_length),
						  .kind = (TimeKind) state->kind,
						  .decimals = state->decimals,
						  .refunds = state->refunds,
						  .first = state->first,
						  .latest = state->latest,
						  .first_purchase = state->first_purchase,
						  .last_purchase = state->last_purchase};
	bool bought;

	view.events = read_log(state, &view.count);
	for (int i = 0; i < view.count; i++)
		count_add(&view.orders, view.events[i].event.count);
	bought = view.orders > 0;
	if (view.count == 0 || view.refunds < 0 || view.decimals > AMOUNT_DECIMALS ||
		(!bought && view.refunds == 0) || view.first > view.latest ||
		!moment_is_valid(view.kind, view.first) || !moment_is_valid(view.kind, view.latest) ||
		(bought ? view.first_purchase < view.first || view.last_purchase > view.latest ||
					  view.first_purchase > view.last_purchase
				: view.first_purchase != PG_INT64_MAX || view.last_purchase != PG_INT64_MIN))
		wire_corrupt(PURCHASES_TYPE, "Its totals are impossible.");
	value_check_grid(view.grid, PURCHASES_TYPE);
	if (view.events[0].event.value < grid_day(view.grid, view.kind, view.first) - 1 ||
		view.events[view.count - 1].event.value > grid_day(view.grid, view.kind, view.latest) + 1)
		wire_corrupt(PURCHASES_TYPE, "A day in it is outside of the time of its rows.");
	return view;
}

Purchases *
purchases_copy(Datum value)
{
	const Purchases *state = open_value(value);

	(void) purchases_view(value);
	return flat_copy(state);
}

/* ---- wire form ---- */

void
purchases_write(Datum value, StringInfo out)
{
	const EventShape shape = PURCHASE_SHAPE;
	PurchasesView view = purchases_view(value);

	wire_begin(out, WIRE_PURCHASES, PURCHASES_VERSION);
	wire_put_tag(out, (Tag){view.grid->text, view.grid->text_length});
	wire_put_ints(out, view.kind, view.decimals, view.refunds, view.first, view.latest,
				  view.first_purchase, view.last_purchase);
	events_write(&shape, out, &view.events->event, view.count);
}

Purchases *
purchases_read(const char *bytes, Size size)
{
	const EventShape shape = PURCHASE_SHAPE;
	WireReader in = wire_open(bytes, size, WIRE_PURCHASES, PURCHASES_VERSION, PURCHASES_TYPE);
	Tag grid = wire_get_tag(&in, 1, PG_INT16_MAX);
	TimeKind kind = (TimeKind) wire_get_int_between(&in, TIME_DATE, TIME_INSTANT);
	uint8 decimals = (uint8) wire_get_int_between(&in, 0, AMOUNT_DECIMALS);
	int64 moments[5];
	const char *log;
	Event *events = NULL;
	int capacity = 0;
	Purchases *state;

	for (int i = 0; i < lengthof(moments); i++)
		moments[i] = wire_get_int(&in);
	log = in.at;
	(void) events_read(&shape, &in, &events, &capacity, 0);
	wire_end(&in);
	if (in.at - log > PURCHASES_MOST)
		wire_corrupt(PURCHASES_TYPE, "It is too large.");
	state = allocate(kind, grid.bytes, grid.length,
					 offsetof(Purchases, bytes) + (Size) grid.length + (Size) (in.at - log));
	state->decimals = decimals;
	state->refunds = moments[0];
	state->first = moments[1];
	state->latest = moments[2];
	state->first_purchase = moments[3];
	state->last_purchase = moments[4];
	state->used = (int32) (in.at - log);
	memcpy(log_of(state), log, in.at - log);
	(void) purchases_view(PointerGetDatum(state));
	return state;
}
