/*
 * cohort_value_sql.c
 *		cohort_value() and its cells, as SQL calls them.
 */
#include "retention.h"

#include "base/check.h"
#include "base/choice.h"
#include "base/emit.h"
#include "base/number.h"
#include "base/type_sql.h"
#include "history/activity.h"
#include "population/amount.h"
#include "population/population_key.h"
#include "time/moment.h"
#include "utils/builtins.h"
#include "value/cohort_value.h"

/* ---- the type ---- */

static void *
read_value(const char *bytes, Size size, WireKind kind)
{
	return cohort_value_read(bytes, size);
}

static void
write_value(Datum datum, StringInfo out, WireKind kind)
{
	cohort_value_write(datum, out);
}

static void
describe_value(Datum datum, StringInfo out, WireKind kind)
{
	const CohortValue *value = cohort_value_open(datum);
	const Grid *grid = cohort_value_grid(value);
	CohortValueReader reader = cohort_value_read_cells(value);
	const CohortValueCell *cell;
	int64 cohorts = 0;
	int64 customers = 0;

	while ((cell = cohort_value_next(&reader)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		cohorts += cell->offset == 0;
		if (cell->offset == 0)
			count_add(&customers, cell->size);
	}
	describe_grid(out, grid->text, grid->text_length);
	describe_count(out, cohorts, "cohort");
	describe_count(out, customers, "customer");
}

static void *
copy_value(Datum datum, WireKind kind)
{
	return counted_copy(cohort_value_counted, datum, kind);
}

static void *
merge_value(void *state, Datum datum, WireKind kind)
{
	return counted_merge(cohort_value_counted, state, datum, kind);
}

static const StoredType value_type = {
	.name = COHORT_VALUE_TYPE,
	.kind = WIRE_COHORT_VALUE,
	.read = read_value,
	.write = write_value,
	.describe = describe_value,
	.use = "cohort_value_cells()",
	.version = COHORT_VALUE_VERSION,
	.least = sizeof(CohortValue),
	.is_own = counted_is_own,
	.copy = copy_value,
	.merge = merge_value,
};

STORED_TYPE_FUNCTIONS(retention_cohort_value, value_type)
STORED_TYPE_ORDER(retention_cohort_value, value_type)
STORED_TYPE_COMBINE(cohort_value_combine, value_type)

/* cohort_value_sorted(state) -> retention_cohort_value */
RETENTION_FUNCTION(cohort_value_sorted);
Datum
cohort_value_sorted(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(cohort_value_open(PG_GETARG_DATUM(0)));
}

/* ---- rows ---- */

static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key, TimeKind kind, bool has_flags)
{
	const Grid *grid;
	Population *population;
	PopulationTotals *totals;
	AmountEvent event = {.event = {.count = 1, .flags = EVENT_PLAIN}};
	int64 at;
	int64 value;
	char *differs;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(4))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the grid of cohort_value must not be null")));
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE_UNCHANGED();
	if (key == KEY_TEXT)
		population_require_byte_equality(PG_GET_COLLATION());
	grid = grid_open(PG_GETARG_DATUM(4));
	cohort_value_check_grid(grid);
	at = moment_of_datum(kind, PG_GETARG_DATUM(2));
	if (!activity_value(grid, kind, at, &value))
		RETURN_STATE_UNCHANGED();
	{
		PopulationIdentity identity = {
			.aggregate = has_flags ? AGGREGATE_COHORT_VALUE_FLAGS : AGGREGATE_COHORT_VALUE,
			.key = key,
			.kind = kind,
			.shape = {.cap = grid->min_events, .has_amount = true},
			.tag = grid->text,
			.tag_length = grid->text_length,
		};

		population = population_state(fcinfo, &identity, &differs);
	}
	if (unlikely(differs != NULL))
		grid_mismatch(differs, grid->text);
	totals = population_totals(population);
	count_add(&totals->rows, 1);
	totals->first = Min(totals->first, at);
	totals->latest = Max(totals->latest, at);
	event.event.value = cohort_value_by_moment(grid, has_flags) ? at : value;
	if (has_flags)
	{
		bool is_return = !PG_ARGISNULL(6) && PG_GETARG_BOOL(6);

		event.event.flags = activity_flags(!PG_ARGISNULL(5) && PG_GETARG_BOOL(5), is_return);
		event.event.count = is_return;
	}
	if (event.event.count > 0 && !PG_ARGISNULL(3))
		event.amount = amount_of_datum(PG_GETARG_DATUM(3), &totals->decimals);
	population_add_value_amount(population, key, PG_GETARG_DATUM(1), event);
	return population_datum(population);
}

/* cohort_value_transfn(state, customer, at, amount, grid [, is_start, is_return]) */
/* clang-format off */
#define FUNCTIONS_OF_KEY(name, key) \
	RETENTION_FORWARD(cohort_value_##name##_date, accumulate(fcinfo, key, TIME_DATE, false)) \
	RETENTION_FORWARD(cohort_value_##name##_local, accumulate(fcinfo, key, TIME_LOCAL, false)) \
	RETENTION_FORWARD(cohort_value_##name##_instant, accumulate(fcinfo, key, TIME_INSTANT, false)) \
	RETENTION_FORWARD(cohort_value_##name##_date_flags, accumulate(fcinfo, key, TIME_DATE, true)) \
	RETENTION_FORWARD(cohort_value_##name##_local_flags, accumulate(fcinfo, key, TIME_LOCAL, true)) \
	RETENTION_FORWARD(cohort_value_##name##_instant_flags, accumulate(fcinfo, key, TIME_INSTANT, true))

FUNCTIONS_OF_KEY(bigint, KEY_INT64)
FUNCTIONS_OF_KEY(uuid, KEY_UUID)
FUNCTIONS_OF_KEY(text, KEY_TEXT)
/* clang-format on */

typedef struct Visit
{
	CohortValue *value;
	const Grid *grid;
	bool by_moment;
} Visit;

static void
visit_customer(void *argument, Event *events, int count)
{
	Visit *visit = argument;

	cohort_value_add(&visit->value, visit->grid, visit->by_moment, (const AmountEvent *) events,
					 count);
}

/* cohort_value_final(population) -> retention_cohort_value */
RETENTION_FUNCTION(cohort_value_final);
Datum
cohort_value_final(PG_FUNCTION_ARGS)
{
	Population *population;
	const PopulationIdentity *identity;
	const PopulationTotals *totals;
	Visit visit;

	(void) aggregate_context(fcinfo);
	population = population_argument(PG_GETARG_DATUM(0));
	identity = population_identity(population);
	if (identity->aggregate != AGGREGATE_COHORT_VALUE &&
		identity->aggregate != AGGREGATE_COHORT_VALUE_FLAGS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of cohort_value")));
	visit.grid = grid_open_text(identity->tag, identity->tag_length);
	cohort_value_check_grid(visit.grid);
	visit.by_moment =
		cohort_value_by_moment(visit.grid, identity->aggregate == AGGREGATE_COHORT_VALUE_FLAGS);
	visit.value = cohort_value_new(identity->kind, identity->tag, identity->tag_length);
	totals = population_totals(population);
	visit.value->first = totals->first;
	visit.value->latest = totals->latest;
	visit.value->decimals = (int32) totals->decimals;
	population_visit(population, visit_customer, &visit);
	PG_RETURN_POINTER(cohort_value_open(PointerGetDatum(visit.value)));
}

/* ---- cells ---- */

typedef enum Measure
{
	MEASURE_SUM,
	MEASURE_PER_RETAINED,
	MEASURE_PER_CUSTOMER,
	MEASURE_CUMULATIVE,
	MEASURE_SHARE_OF_FIRST,
	MEASURE_GROSS_SHARE_OF_FIRST,
} Measure;

static const char *const measure_names[] = {"sum",		  "per_retained",	"per_customer",
											"cumulative", "share_of_first", "gross_share_of_first"};

/* NULL: there is none. */
static Numeric
cell_value(const CohortValueCell *cell, Measure measure, int64 decimals)
{
	int128 part = measure == MEASURE_CUMULATIVE				? cell->cumulative
				  : measure == MEASURE_GROSS_SHARE_OF_FIRST ? cell->least
															: cell->amount;
	Numeric amount = amount_to_numeric(part, decimals);

	if (measure == MEASURE_SUM)
		return amount;
	if (!cell->observed)
		return NULL;
	switch (measure)
	{
		case MEASURE_PER_RETAINED:
			if (cell->retained == 0)
				return NULL;
			return numeric_divide(amount, numeric_from_int64(cell->retained));
		case MEASURE_PER_CUSTOMER:
		case MEASURE_CUMULATIVE:
			return numeric_divide(amount, numeric_from_int64(cell->size));
		default:
			if (cell->first <= 0)
				return NULL;
			return numeric_per_cent(amount, amount_to_numeric(cell->first, decimals));
	}
}

#define CELL_COLUMNS 9

static Datum
emit_cells(FunctionCallInfo fcinfo, TimeKind show)
{
	Emitter emitter = emit_begin(fcinfo);
	const CohortValue *value;
	const CohortValueCell *cell;
	CohortValueReader reader;
	const Grid *grid;
	Measure measure;
	Datum begin = (Datum) 0;
	MemoryContext row_context;
	MemoryContext old;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	value = cohort_value_open(PG_GETARG_DATUM(0));
	measure = choice("measure", text_to_cstring(PG_GETARG_TEXT_PP(1)), measure_names,
					 lengthof(measure_names));
	reader = cohort_value_read_cells(value);
	grid = reader.grid;
	if (show == TIME_DATE && grid->hours > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("periods of hours cannot be shown as dates"),
						errhint("cohort_value_cells_at() shows them as timestamps.")));
	row_context =
		AllocSetContextCreate(CurrentMemoryContext, "retention row", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(row_context);
	while ((cell = cohort_value_next(&reader)) != NULL)
	{
		Datum values[CELL_COLUMNS];
		bool nulls[CELL_COLUMNS] = {false};
		Numeric number = cell_value(cell, measure, value->decimals);

		CHECK_FOR_INTERRUPTS();
		if (cell->offset == 0)
			begin = moment_datum(show, grid_period_start(grid, show, cell->cohort));
		values[0] = begin;
		values[1] = Int64GetDatum(cell->size);
		values[2] = Int32GetDatum((int32) cell->offset);
		/* Elapsed windows have no dates. */
		nulls[3] = nulls[4] = grid->windows == GRID_ELAPSED;
		for (int i = 0; i < 2 && !nulls[3]; i++)
			values[3 + i] =
				moment_datum(show, grid_period_start(grid, show, cell->cohort + cell->offset + i));
		values[5] = Int64GetDatum(cell->at_risk);
		values[6] = Int64GetDatum(cell->retained);
		nulls[7] = number == NULL;
		values[7] = NumericGetDatum(number);
		values[8] = CStringGetTextDatum(cell->observed ? "observed" : "partial");
		emit_row(&emitter, values, nulls);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	return (Datum) 0;
}

/* cohort_value_cells(value, measure) */
RETENTION_FORWARD(cohort_value_cells, emit_cells(fcinfo, TIME_DATE))

/* cohort_value_cells_at(value, measure): periods as timestamps */
RETENTION_FORWARD(cohort_value_cells_at, emit_cells(fcinfo, TIME_INSTANT))
