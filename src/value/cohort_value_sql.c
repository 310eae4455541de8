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
#include "population/batch.h"
#include "population/population_key.h"
#include "time/moment.h"
#include "utils/builtins.h"
#include "value/cohort_value.h"
#include "value/value_batch.h"

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

static void
null_grid(void)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("the grid of cohort_value must not be null")));
}

static PopulationIdentity
identity_of(const Grid *grid, KeyKind key, TimeKind kind, bool has_flags)
{
	return (PopulationIdentity){
		.aggregate = has_flags ? AGGREGATE_COHORT_VALUE_FLAGS : AGGREGATE_COHORT_VALUE,
		.key = key,
		.kind = kind,
		.shape = {.cap = grid->min_events, .has_amount = true},
		.tag = grid->text,
		.tag_length = grid->text_length,
	};
}

/* A row that counts: at, and the period (or moment) that activity_value() gave; flags are is_start and is_return. */
static pg_attribute_always_inline void
add_row(Population *population, const Grid *grid, KeyKind key, Datum customer, int64 at,
		int64 value, NullableDatum amount, const NullableDatum *flags)
{
	PopulationTotals *totals = population_totals(population);
	AmountEvent event = {.event = {.count = 1, .flags = EVENT_PLAIN}};

	count_add(&totals->rows, 1);
	totals->first = Min(totals->first, at);
	totals->latest = Max(totals->latest, at);
	event.event.value = cohort_value_by_moment(grid, flags != NULL) ? at : value;
	if (flags != NULL)
	{
		bool is_return = !flags[1].isnull && DatumGetBool(flags[1].value);

		event.event.flags =
			activity_flags(!flags[0].isnull && DatumGetBool(flags[0].value), is_return);
		event.event.count = is_return;
	}
	if (event.event.count > 0 && !amount.isnull)
		event.amount = amount_of_datum(amount.value, &totals->decimals);
	population_add_value_amount(population, key, customer, event);
}

static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key, TimeKind kind, bool has_flags)
{
	const Grid *grid;
	PopulationIdentity identity;
	Population *population;
	int64 at;
	int64 value;
	char *differs;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(4))
		null_grid();
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE_UNCHANGED();
	if (key == KEY_TEXT)
		population_require_byte_equality(PG_GET_COLLATION());
	grid = grid_open(PG_GETARG_DATUM(4));
	cohort_value_check_grid(grid);
	at = moment_of_datum(kind, PG_GETARG_DATUM(2));
	if (!activity_value(grid, kind, at, &value))
		RETURN_STATE_UNCHANGED();
	identity = identity_of(grid, key, kind, has_flags);
	population = population_state(fcinfo, &identity, &differs);
	if (unlikely(differs != NULL))
		grid_mismatch(differs, grid->text);
	add_row(population, grid, key, PG_GETARG_DATUM(1), at, value, fcinfo->args[3],
			has_flags ? &fcinfo->args[5] : NULL);
	return population_datum(population);
}

/* cohort_value_transfn(state, customer, at, amount, grid [, is_start, is_return]) */
/* clang-format off */
#define FUNCTIONS_OF_TIME(X, name, key, kind) \
	X(cohort_value_##name, key, kind, false) \
	X(cohort_value_##name##_flags, key, kind, true)
#define FUNCTIONS_OF_KEY(X, name, key) \
	FUNCTIONS_OF_TIME(X, name##_date, key, TIME_DATE) \
	FUNCTIONS_OF_TIME(X, name##_local, key, TIME_LOCAL) \
	FUNCTIONS_OF_TIME(X, name##_instant, key, TIME_INSTANT)
#define FUNCTIONS(X) \
	FUNCTIONS_OF_KEY(X, bigint, KEY_INT64) \
	FUNCTIONS_OF_KEY(X, uuid, KEY_UUID) \
	FUNCTIONS_OF_KEY(X, text, KEY_TEXT)

#define DEFINE(name, key, kind, has_flags) \
	RETENTION_FUNCTION(name); \
	Datum name(PG_FUNCTION_ARGS) \
	{ \
		return accumulate(fcinfo, key, kind, has_flags); \
	}
FUNCTIONS(DEFINE)
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

static CohortValue *
value_of_share(Population *population, Share share)
{
	const PopulationIdentity *identity = population_identity(population);
	const PopulationTotals *totals = population_totals(population);
	Visit visit;

	if (identity->aggregate != AGGREGATE_COHORT_VALUE &&
		identity->aggregate != AGGREGATE_COHORT_VALUE_FLAGS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of cohort_value")));
	visit.grid = grid_open_text(identity->tag, identity->tag_length);
	cohort_value_check_grid(visit.grid);
	visit.by_moment =
		cohort_value_by_moment(visit.grid, identity->aggregate == AGGREGATE_COHORT_VALUE_FLAGS);
	visit.value = cohort_value_new(identity->kind, identity->tag, identity->tag_length);
	visit.value->first = totals->first;
	visit.value->latest = totals->latest;
	visit.value->decimals = (int32) totals->decimals;
	population_visit_share(population, share, NULL, visit_customer, &visit);
	return visit.value;
}

/* cohort_value_final(population) -> retention_cohort_value */
RETENTION_FUNCTION(cohort_value_final);
Datum
cohort_value_final(PG_FUNCTION_ARGS)
{
	Population *population;

	(void) aggregate_context(fcinfo);
	population = population_argument(PG_GETARG_DATUM(0));
	PG_RETURN_POINTER(
		cohort_value_open(PointerGetDatum(value_of_share(population, (Share){0, 1}))));
}

/* ---- the batch scan ---- */

static void
batch_add(BatchCall *call, Population **population, MemoryContext context,
		  const BatchColumn *columns, const uint16 *rows, int count)
{
	const BatchMethods *methods = call->methods;
	const bool has_flags = methods->form;
	const Grid *grid = NULL;
	PopulationIdentity identity;

	if (call->constant_nulls[3])
		null_grid();
	/* The grid is opened for each batch: without a zone it depends on the session's time zone. */
	for (int i = 0; i < count; i++)
	{
		int n = rows[i];
		NullableDatum values[3];
		int64 at;
		int64 value;

		if (columns[0].nulls[n] || columns[1].nulls[n])
			continue;
		if (grid == NULL)
		{
			if (methods->key == KEY_TEXT)
				population_require_byte_equality(call->collation);
			grid = grid_open(call->constants[3]);
			cohort_value_check_grid(grid);
			identity = identity_of(grid, methods->key, methods->kind, has_flags);
		}
		at = moment_of_datum(methods->kind, columns[1].values[n]);
		if (!activity_value(grid, methods->kind, at, &value))
			continue;
		value_batch_population(population, &identity, context);
		values[0] = (NullableDatum){columns[2].values[n], columns[2].nulls[n]};
		for (int flag = 1; has_flags && flag < lengthof(values); flag++)
			values[flag] = (NullableDatum){columns[3 + flag].values[n], columns[3 + flag].nulls[n]};
		add_row(*population, grid, methods->key, columns[0].values[n], at, value, values[0],
				has_flags ? &values[1] : NULL);
	}
}

static struct varlena *
batch_summarise(Population *population, Share share)
{
	return (struct varlena *) value_of_share(population, share);
}

static struct varlena *
batch_merge(struct varlena *into, const struct varlena *other)
{
	CohortValue *value = (CohortValue *) into;

	cohort_value_merge(&value, (const CohortValue *) other);
	return (struct varlena *) value;
}

static Datum
finish_value(struct varlena *summary, bool *isnull)
{
	*isnull = false;
	return PointerGetDatum(cohort_value_open(PointerGetDatum(summary)));
}

/* clang-format off */
#define ENTRY(name, key_kind, row_kind, has_flags) \
	{name, &(const BatchMethods){.narguments = (has_flags) ? 6 : 4, .form = (has_flags), .constants = 1 << 3, \
								 .key = (key_kind), .kind = (row_kind), .add = batch_add, \
								 .summarise = batch_summarise, .merge = batch_merge}},
static const BatchEntry batch_entries[] = {FUNCTIONS(ENTRY) {NULL, NULL}};
/* clang-format on */

static const BatchFinish batch_finishes[] = {{cohort_value_final, finish_value}, {NULL, NULL}};

void
cohort_value_start(void)
{
	static BatchFamily family = {batch_entries, batch_finishes, NULL};

	batch_register(&family);
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
