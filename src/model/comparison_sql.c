/*
 * comparison_sql.c
 *		model_comparison(): customers as they were known before a day, and what they did from then on.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "base/emit.h"
#include "math/purchase.h"
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

/* Customers who bought before a time, in days and units, or in whole periods. */
typedef struct Side
{
	Value *known;
	int64 purchases; /* purchase days, or periods with one, from then on */
	int64 active;	 /* such customers with one */
} Side;

typedef struct Comparison
{
	const Grid *grid;
	int64 holdout; /* day */
	double unit;
	Side days;
	/* For models of opportunities. The period that the first day held out lies in is held out. */
	Side periods;
	int64 first_period; /* that is held out */
	int64 last_period;	/* that is known as a whole */
	int64 earliest;		/* with a purchase */
} Comparison;

/* How often a customer bought before a time, first and last, and how often from then on. */
typedef struct Bought
{
	int64 first;
	int64 last;
	int64 before;
	int64 after;
	int64 latest; /* of those after */
} Bought;

/* Times come in their order; the same again counts once. */
static inline void
add_purchase(Bought *bought, int64 time, int64 holdout, int64 end)
{
	if (time < holdout)
	{
		if (bought->before == 0)
			bought->first = time;
		bought->before += bought->before == 0 || time != bought->last;
		bought->last = time;
	}
	else if (time <= end)
	{
		bought->after += bought->after == 0 || time != bought->latest;
		bought->latest = time;
	}
}

static void
add_customer(Side *side, const Bought *bought, int64 holdout, double unit)
{
	if (bought->before == 0)
		return;
	value_add_summary(&side->known, bought->before - 1,
					  (double) (bought->last - bought->first) / unit,
					  (double) (holdout - 1 - bought->first) / unit, false, 0, 1);
	count_add(&side->purchases, bought->after);
	side->active += bought->after > 0;
}

/* Rows have such days. Those in a state may be any numbers. */
static int64
checked_day(int64 day)
{
	if (unlikely(day < PG_INT32_MIN || day > PG_INT32_MAX))
		wire_corrupt("retention_population", "A day in it is not one that a row can have.");
	return day;
}

static void
visit_customer(void *argument, Event *events, int count)
{
	Comparison *comparison = argument;
	const AmountEvent *all = (const AmountEvent *) events;
	Bought days = {0};
	Bought periods = {0};

	for (int i = 0; i < count; i++)
	{
		int64 day = checked_day(all[i].event.value);

		CHECK_NOW_AND_THEN(i);
		if (all[i].event.count == 0)
			continue; /* refunds only */
		add_purchase(&days, day, comparison->holdout, PG_INT64_MAX);
		add_purchase(&periods, grid_period(comparison->grid, TIME_DATE, day),
					 comparison->first_period, comparison->last_period);
	}
	if (periods.before > 0)
		comparison->earliest = Min(comparison->earliest, periods.first);
	add_customer(&comparison->days, &days, comparison->holdout, comparison->unit);
	add_customer(&comparison->periods, &periods, comparison->first_period, 1);
}

static Datum
known_datum(const Side *side)
{
	return PointerGetDatum(value_open(PointerGetDatum(side->known)));
}

#define COMPARISON_COLUMNS 8

/* (population) -> retention_model_comparison */
RETENTION_FUNCTION(model_comparison_final);
Datum
model_comparison_final(PG_FUNCTION_ARGS)
{
	Population *population;
	const PopulationIdentity *identity;
	Comparison comparison = {.earliest = PG_INT64_MAX};
	int64 last_day;
	int64 periods;
	Datum values[COMPARISON_COLUMNS];
	bool nulls[COMPARISON_COLUMNS] = {false};

	(void) aggregate_context(fcinfo);
	population = population_argument(PG_GETARG_DATUM(0));
	identity = population_identity(population);
	if (identity->aggregate != AGGREGATE_COMPARISON || identity->tag_length < TAG_HEAD)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of model_comparison")));
	comparison.grid = grid_open_text(identity->tag + TAG_HEAD, identity->tag_length - TAG_HEAD);
	value_check_grid(comparison.grid, "model_comparison");
	memcpy(&comparison.holdout, identity->tag, TAG_HEAD);
	last_day = checked_day(
		value_last_day(comparison.grid, identity->kind, population_totals(population)->latest));
	comparison.unit = value_unit_days(comparison.grid);
	comparison.first_period =
		grid_period(comparison.grid, TIME_DATE, checked_day(comparison.holdout));
	comparison.last_period = grid_period(comparison.grid, TIME_DATE, last_day + 1) - 1;
	comparison.days.known = value_new(VALUE_OF_SUMMARIES, NULL, 0);
	comparison.periods.known = value_new(VALUE_OF_SUMMARIES, NULL, 0);
	population_visit(population, visit_customer, &comparison);

	values[0] = known_datum(&comparison.days);
	values[1] =
		Float8GetDatum((double) Max(last_day - comparison.holdout + 1, 0) / comparison.unit);
	values[2] = Int64GetDatum(comparison.days.purchases);
	values[3] = Int64GetDatum(comparison.days.active);
	periods = Max(comparison.last_period - comparison.first_period + 1, 0);
	values[4] = known_datum(&comparison.periods);
	nulls[4] = comparison.earliest != PG_INT64_MAX &&
			   comparison.first_period + periods - comparison.earliest > MAX_OPPORTUNITIES;
	values[5] = Float8GetDatum((double) periods);
	values[6] = Int64GetDatum(comparison.periods.purchases);
	values[7] = Int64GetDatum(comparison.periods.active);
	return emit_one(fcinfo, values, nulls);
}
