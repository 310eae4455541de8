/*
 * comparison_sql.c
 *		model_comparison(): customers as they were known before a day, and what they did from then on.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "base/emit.h"
#include "population/population_key.h"
#include "time/moment.h"
#include "value/purchases.h"
#include "value/value.h"

/* The tag of its population: the first day that is held out, and the grid's text. */
#define TAG_HEAD ((int) sizeof(int64))

static PopulationIdentity
identity_of(const Grid *grid, KeyKind key, TimeKind kind, int64 holdout)
{
	char *tag = palloc(TAG_HEAD + grid->text_length);

	memcpy(tag, &holdout, TAG_HEAD);
	memcpy(tag + TAG_HEAD, grid->text, grid->text_length);
	return (PopulationIdentity){
		.aggregate = AGGREGATE_COMPARISON,
		.key = key,
		.kind = kind,
		.shape = PURCHASE_SHAPE,
		.tag = tag,
		.tag_length = TAG_HEAD + grid->text_length,
	};
}

/* (state, customer, at, amount, grid, holdout_from) */
static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key, TimeKind kind)
{
	const Grid *grid;
	PopulationIdentity identity;
	Population *population;
	PopulationTotals *totals;
	AmountEvent event;
	int64 at;
	int64 holdout;
	char *differs;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(4) || PG_ARGISNULL(5))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the grid and holdout_from of model_comparison must not be null")));
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE_UNCHANGED();
	if (key == KEY_TEXT)
		population_require_byte_equality(PG_GET_COLLATION());
	grid = grid_open(PG_GETARG_DATUM(4));
	value_check_grid(grid, "model_comparison");
	holdout = moment_of_datum(kind, PG_GETARG_DATUM(5));
	if (!moment_is_valid(kind, holdout))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("holdout_from must be a finite time")));
	at = moment_of_datum(kind, PG_GETARG_DATUM(2));
	if (grid->has_as_of && at >= grid_as_of(grid, kind))
		RETURN_STATE_UNCHANGED();
	identity = identity_of(grid, key, kind, grid_day(grid, kind, holdout));
	population = population_state(fcinfo, &identity, &differs);
	if (differs != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the grid and holdout_from of model_comparison must be the same in "
							   "every row")));
	totals = population_totals(population);
	event = purchase_event(grid, kind, at, PG_ARGISNULL(3), PG_GETARG_DATUM(3), &totals->decimals);
	count_add(&totals->rows, 1);
	totals->first = Min(totals->first, at);
	totals->latest = Max(totals->latest, at);
	population_add_value_amount(population, key, PG_GETARG_DATUM(1), event);
	return population_datum(population);
}

#define FUNCTIONS_OF_KEY(name, key)                                                                \
	RETENTION_FORWARD(model_comparison_##name##_date, accumulate(fcinfo, key, TIME_DATE))          \
	RETENTION_FORWARD(model_comparison_##name##_local, accumulate(fcinfo, key, TIME_LOCAL))        \
	RETENTION_FORWARD(model_comparison_##name##_instant, accumulate(fcinfo, key, TIME_INSTANT))

FUNCTIONS_OF_KEY(bigint, KEY_INT64)
FUNCTIONS_OF_KEY(uuid, KEY_UUID)
FUNCTIONS_OF_KEY(text, KEY_TEXT)

typedef struct Comparison
{
	Value *known;
	int64 holdout; /* day */
	double unit;
	int64 purchases; /* purchase days held out, of customers who bought before */
	int64 active;	 /* such customers with one */
} Comparison;

static void
visit_customer(void *argument, Event *events, int count)
{
	Comparison *comparison = argument;
	const AmountEvent *all = (const AmountEvent *) events;
	int64 first = 0;
	int64 last = 0;
	int64 before = 0;
	int64 after = 0;

	for (int i = 0; i < count; i++)
	{
		int64 day = all[i].event.value;

		CHECK_NOW_AND_THEN(i);
		if (all[i].event.count == 0)
			continue; /* refunds only */
		if (day >= comparison->holdout)
			after++;
		else
		{
			if (before++ == 0)
				first = day;
			last = day;
		}
	}
	if (before == 0)
		return;
	value_add_summary(&comparison->known, before - 1, (double) (last - first) / comparison->unit,
					  (double) (comparison->holdout - 1 - first) / comparison->unit, false, 0, 1);
	count_add(&comparison->purchases, after);
	comparison->active += after > 0;
}

/* (population) -> retention_model_comparison */
RETENTION_FUNCTION(model_comparison_final);
Datum
model_comparison_final(PG_FUNCTION_ARGS)
{
	Population *population;
	const PopulationIdentity *identity;
	Comparison comparison = {0};
	const Grid *grid;
	int64 last_day;
	Datum values[4];
	bool nulls[4] = {false};

	(void) aggregate_context(fcinfo);
	population = population_argument(PG_GETARG_DATUM(0));
	identity = population_identity(population);
	if (identity->aggregate != AGGREGATE_COMPARISON || identity->tag_length < TAG_HEAD)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of model_comparison")));
	grid = grid_open_text(identity->tag + TAG_HEAD, identity->tag_length - TAG_HEAD);
	value_check_grid(grid, "model_comparison");
	memcpy(&comparison.holdout, identity->tag, TAG_HEAD);
	comparison.unit = value_unit_days(grid);
	comparison.known = value_new(VALUE_OF_SUMMARIES, NULL, 0);
	last_day = value_last_day(grid, identity->kind, population_totals(population)->latest);
	population_visit(population, visit_customer, &comparison);
	values[0] = PointerGetDatum(value_open(PointerGetDatum(comparison.known)));
	values[1] = Float8GetDatum(Max((double) last_day - (double) comparison.holdout + 1, 0) /
							   comparison.unit);
	values[2] = Int64GetDatum(comparison.purchases);
	values[3] = Int64GetDatum(comparison.active);
	return emit_one(fcinfo, values, nulls);
}
