/*
 * mrr_sql.c
 *		retention_mrr, the facts of one customer: mrr_history(), mrr_union(), mrr_changes().
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "base/emit.h"
#include "base/type_sql.h"
#include "revenue/contract.h"
#include "revenue/mrr.h"

static void *
read_mrr(const char *bytes, Size size, WireKind kind)
{
	return mrr_read(bytes, size);
}

static void
write_mrr(Datum value, StringInfo out, WireKind kind)
{
	mrr_write(value, out);
}

static void
describe_mrr(Datum value, StringInfo out, WireKind kind)
{
	MrrView view = {0};
	int64 moments = 0;

	mrr_view(value, &view);
	for (int i = 0; i < view.currencies; i++)
		moments += view.currency[i].count;
	appendStringInfo(out, " of %d currenc%s", view.currencies, view.currencies == 1 ? "y" : "ies");
	describe_count(out, moments, "moment");
}

static const StoredType mrr_type = {
	.name = MRR_TYPE,
	.kind = WIRE_MRR,
	.read = read_mrr,
	.write = write_mrr,
	.describe = describe_mrr,
	.use = "mrr_changes()",
};

STORED_TYPE_FUNCTIONS(retention_mrr, mrr_type)
STORED_TYPE_ORDER(retention_mrr, mrr_type)

/* ---- Rows and facts in: the state is a population whose keys are the currencies ---- */

static Population *
population_of(FunctionCallInfo fcinfo, TimeKind kind)
{
	const PopulationIdentity identity = {
		.aggregate = AGGREGATE_MRR, .key = KEY_TEXT, .kind = kind, .shape = MRR_SHAPE, .tag = ""};
	char *differs;

	/* Another type of time is an error there. */
	return population_state(fcinfo, &identity, &differs);
}

static Datum
add_row(FunctionCallInfo fcinfo, TimeKind kind, int columns)
{
	NullableDatum values[CONTRACT_COLUMNS];
	char space[CONTRACT_KEY_SPACE];
	Population *population;
	Contract contract;
	char *made;
	int size;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	for (int i = 0; i < CONTRACT_COLUMNS; i++)
	{
		values[i].isnull = true;
		if (i < columns)
			values[i] = fcinfo->args[1 + i];
	}
	population = population_of(fcinfo, kind);
	if (!contract_read(&contract, population_totals(population), kind, STILL_THERE, values,
					   KEY_NONE, (Datum) 0))
		return population_datum(population);
	made = contract_key(&values[CONTRACT_CURRENCY], KEY_NONE, (Datum) 0, space, &size);
	population_add_bytes_amount(population, made, size, contract.start);
	if (contract.end.event.value != STILL_THERE)
		population_add_bytes_amount(population, made, size, contract.end);
	return population_datum(population);
}

/* mrr_history_transfn(state, started, ended, amount [, currency [, involuntary]]) */
#define HISTORY_TRANSITIONS(time, kind)                                                            \
	RETENTION_FORWARD(mrr_history_transfn_##time, add_row(fcinfo, kind, 3))                        \
	RETENTION_FORWARD(mrr_history_currency_transfn_##time, add_row(fcinfo, kind, 4))               \
	RETENTION_FORWARD(mrr_history_reason_transfn_##time, add_row(fcinfo, kind, 5))

HISTORY_TRANSITIONS(date, TIME_DATE)
HISTORY_TRANSITIONS(local, TIME_LOCAL)
HISTORY_TRANSITIONS(instant, TIME_INSTANT)

/* mrr_union_transfn(state, mrr) */
RETENTION_FUNCTION(mrr_union_transfn);
Datum
mrr_union_transfn(PG_FUNCTION_ARGS)
{
	Population *population;
	PopulationTotals *totals;
	MrrView view = {0};

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	mrr_view(PG_GETARG_DATUM(1), &view);
	population = population_of(fcinfo, view.kind);
	totals = population_totals(population);
	totals->decimals = Max(totals->decimals, view.decimals);
	totals->latest = Max(totals->latest, view.latest);
	totals->first = Min(totals->first, totals->latest);
	for (int i = 0; i < view.currencies; i++)
	{
		const MrrCurrency *of = &view.currency[i];

		for (int j = 0; j < of->count; j++)
		{
			CHECK_NOW_AND_THEN(j);
			population_add_bytes_amount(
				population, &of->currency,
				1 + (of->currency.length == CURRENCY_NULL ? 0 : of->currency.length),
				of->events[j]);
		}
	}
	return population_datum(population);
}

/* mrr_history_final(state) -> retention_mrr */
RETENTION_FUNCTION(mrr_history_final);
Datum
mrr_history_final(PG_FUNCTION_ARGS)
{
	Population *population;
	struct varlena *stored;
	MrrView view = {0};

	(void) aggregate_context(fcinfo);
	population = population_argument(PG_GETARG_DATUM(0));
	if (population_identity(population)->aggregate != AGGREGATE_MRR ||
		population_identity(population)->key != KEY_TEXT ||
		population_identity(population)->shape.cap != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of mrr_history")));
	stored = mrr_store(population);
	/* Bytes of a state may come from anywhere. */
	mrr_view(PointerGetDatum(stored), &view);
	PG_RETURN_POINTER(stored);
}

/* ---- The answer ---- */

/* A row for each moment at which the revenue of a currency changed. */
static Datum
emit_changes(FunctionCallInfo fcinfo, TimeKind shown)
{
	MrrView view = {0};
	Zone *zone = zone_of_session();
	Emitter emitter;

	mrr_view(PG_GETARG_DATUM(0), &view);
	emitter = emit_begin(fcinfo);
	for (int i = 0; i < view.currencies; i++)
	{
		const MrrCurrency *of = &view.currency[i];
		RevenueTrack track = {0};

		for (int j = 0; j < of->count; j++)
		{
			const Event *event = &of->events[j].event;
			int128 before;
			int movement =
				revenue_track(&track, NULL, view.kind, event, of->events[j].amount, &before);
			Datum values[5];
			bool nulls[5] = {false};

			CHECK_NOW_AND_THEN(j);
			if (movement == REVENUE_NONE)
				continue;
			values[0] = moment_shown(view.kind, shown, zone, event->value);
			put_tag(values, nulls, 1, currency_tag(&of->currency));
			values[2] = NumericGetDatum(amount_to_numeric(track.sum - before, view.decimals));
			values[3] = NumericGetDatum(amount_to_numeric(track.sum, view.decimals));
			put_text(values, nulls, 4, revenue_movement_names[movement]);
			emit_row(&emitter, values, nulls);
		}
	}
	return (Datum) 0;
}

/* mrr_changes(mrr): rows with timestamps; instants in the session's time zone */
RETENTION_FORWARD(mrr_changes, emit_changes(fcinfo, TIME_LOCAL))

/* mrr_changes_at(mrr): the same with timestamptz */
RETENTION_FORWARD(mrr_changes_at, emit_changes(fcinfo, TIME_INSTANT))
