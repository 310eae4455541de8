/*
 * cohort_sql.c
 *		The SQL functions of cohort: rows of many customers in, cohorts out.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "base/emit.h"
#include "base/number.h"
#include "base/type_sql.h"
#include "cohort/cohort.h"
#include "cohort/cohort_batch.h"
#include "cohort/cohort_rows.h"
#include "history/activity.h"
#include "population/population_key.h"
#include "time/grid_text.h"
#include "time/moment.h"
#include "utils/builtins.h"

/* ---------- rows in ---------- */

/* One row. All arguments but the first are constants, so that the compiler makes code for each function. */
static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key, RowForm form, TimeKind anchor_kind, TimeKind kind)
{
	const int at_argument = form == ROW_ANCHOR ? 3 : 2;
	const int grid_argument = at_argument + 1;
	const Grid *grid;
	PopulationIdentity identity;
	Population *population;
	CohortRow row = {.has_customer = !PG_ARGISNULL(1), .has_at = !PG_ARGISNULL(at_argument)};
	Event events[2];
	int count;
	char *differs;

	if (form != ROW_MONTHS && PG_ARGISNULL(grid_argument))
		cohort_null_grid();
	if (key == KEY_TEXT)
		population_require_byte_equality(PG_GET_COLLATION());
	grid = form == ROW_MONTHS ? grid_open_text(COHORT_DEFAULT_GRID, strlen(COHORT_DEFAULT_GRID))
							  : grid_open(PG_GETARG_DATUM(grid_argument));
	identity = cohort_identity(grid, key, form, kind);
	population = population_state(fcinfo, &identity, &differs);
	if (unlikely(differs != NULL))
		grid_mismatch(differs, grid->text);

	if (row.has_at)
		row.at = moment_of_datum(kind, PG_GETARG_DATUM(at_argument));
	if (form == ROW_ANCHOR)
	{
		row.has_anchor = !PG_ARGISNULL(2);
		if (row.has_anchor)
			row.anchor = moment_of_datum(anchor_kind, PG_GETARG_DATUM(2));
	}
	if (form == ROW_FLAGS || form == ROW_MAY)
	{
		row.is_start = !PG_ARGISNULL(grid_argument + 1) && PG_GETARG_BOOL(grid_argument + 1);
		row.is_return = !PG_ARGISNULL(grid_argument + 2) && PG_GETARG_BOOL(grid_argument + 2);
	}
	if (form == ROW_MAY)
		row.may_start = !PG_ARGISNULL(grid_argument + 3) && PG_GETARG_BOOL(grid_argument + 3);
	count = cohort_row_events(grid, NULL, form, anchor_kind, kind, &row,
							  population_totals(population), events);
	for (int i = 0; i < count; i++)
		population_add_key(fcinfo, population, key, events[i]);
	return population_datum(population);
}

/* cohort_transfn(state, customer, ...): a function for each type of customer and of each time. */
/* clang-format off */
#define FUNCTIONS_OF_KEY(X, name, key) \
	X(cohort_transfn_##name##_date, key, ROW_PLAIN, TIME_DATE, TIME_DATE) \
	X(cohort_transfn_##name##_local, key, ROW_PLAIN, TIME_LOCAL, TIME_LOCAL) \
	X(cohort_transfn_##name##_instant, key, ROW_PLAIN, TIME_INSTANT, TIME_INSTANT) \
	X(cohort_transfn_##name##_date_months, key, ROW_MONTHS, TIME_DATE, TIME_DATE) \
	X(cohort_transfn_##name##_local_months, key, ROW_MONTHS, TIME_LOCAL, TIME_LOCAL) \
	X(cohort_transfn_##name##_instant_months, key, ROW_MONTHS, TIME_INSTANT, TIME_INSTANT) \
	X(cohort_transfn_##name##_date_flags, key, ROW_FLAGS, TIME_DATE, TIME_DATE) \
	X(cohort_transfn_##name##_local_flags, key, ROW_FLAGS, TIME_LOCAL, TIME_LOCAL) \
	X(cohort_transfn_##name##_instant_flags, key, ROW_FLAGS, TIME_INSTANT, TIME_INSTANT) \
	X(cohort_transfn_##name##_date_may, key, ROW_MAY, TIME_DATE, TIME_DATE) \
	X(cohort_transfn_##name##_local_may, key, ROW_MAY, TIME_LOCAL, TIME_LOCAL) \
	X(cohort_transfn_##name##_instant_may, key, ROW_MAY, TIME_INSTANT, TIME_INSTANT) \
	X(cohort_transfn_##name##_date_date, key, ROW_ANCHOR, TIME_DATE, TIME_DATE) \
	X(cohort_transfn_##name##_date_local, key, ROW_ANCHOR, TIME_DATE, TIME_LOCAL) \
	X(cohort_transfn_##name##_date_instant, key, ROW_ANCHOR, TIME_DATE, TIME_INSTANT) \
	X(cohort_transfn_##name##_local_date, key, ROW_ANCHOR, TIME_LOCAL, TIME_DATE) \
	X(cohort_transfn_##name##_local_local, key, ROW_ANCHOR, TIME_LOCAL, TIME_LOCAL) \
	X(cohort_transfn_##name##_local_instant, key, ROW_ANCHOR, TIME_LOCAL, TIME_INSTANT) \
	X(cohort_transfn_##name##_instant_date, key, ROW_ANCHOR, TIME_INSTANT, TIME_DATE) \
	X(cohort_transfn_##name##_instant_local, key, ROW_ANCHOR, TIME_INSTANT, TIME_LOCAL) \
	X(cohort_transfn_##name##_instant_instant, key, ROW_ANCHOR, TIME_INSTANT, TIME_INSTANT)
#define FUNCTIONS(X) \
	FUNCTIONS_OF_KEY(X, bigint, KEY_INT64) \
	FUNCTIONS_OF_KEY(X, uuid, KEY_UUID) \
	FUNCTIONS_OF_KEY(X, text, KEY_TEXT)

#define DEFINE(name, key, form, anchor_kind, kind) \
	RETENTION_FUNCTION(name); \
	Datum name(PG_FUNCTION_ARGS) \
	{ \
		return accumulate(fcinfo, key, form, anchor_kind, kind); \
	}
FUNCTIONS(DEFINE)

#define ENTRY(name, ...) {name, COHORT_BATCH_METHODS(__VA_ARGS__)},
static const BatchEntry batch_entries[] = {FUNCTIONS(ENTRY) {NULL, NULL}};
/* clang-format on */

/* cohort_transfn(state, activity): facts, each value a customer. */
RETENTION_FUNCTION(cohort_transfn_activity);
Datum
cohort_transfn_activity(PG_FUNCTION_ARGS)
{
	ActivityView view = {0};
	PopulationIdentity identity = {.key = KEY_NONE};
	Population *population;
	PopulationTotals *totals;
	char *differs;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	activity_view(PG_GETARG_DATUM(1), &view);
	identity.aggregate = view.anchored ? AGGREGATE_COHORT_ANCHOR : AGGREGATE_COHORT_ROWS;
	identity.kind = view.kind;
	identity.shape.cap = view.grid->min_events;
	identity.tag = view.grid_text;
	identity.tag_length = view.grid_length;
	population = population_state(fcinfo, &identity, &differs);
	if (differs != NULL)
		grid_mismatch(differs, view.grid->text);
	totals = population_totals(population);
	count_add(&totals->rows, view.rows);
	count_add(&totals->ignored, view.ignored);
	totals->first = Min(totals->first, view.first);
	totals->latest = Max(totals->latest, view.latest);
	if (view.count > 0)
		population_add_history(population, view.events, view.count);
	return population_datum(population);
}

/* cohort_final(state) -> retention_cohorts */
RETENTION_FUNCTION(cohort_final);
Datum
cohort_final(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	PG_RETURN_POINTER(cohort_build(population_argument(PG_GETARG_DATUM(0)), (Share){0, 1}));
}

/* A summary is the answer. */
static Datum
finish_cohorts(struct varlena *summary, bool *isnull)
{
	*isnull = false;
	return PointerGetDatum(summary);
}

static const BatchFinish batch_finishes[] = {{cohort_final, finish_cohorts}, {NULL, NULL}};

void
cohort_start(void)
{
	static BatchFamily family = {batch_entries, batch_finishes, NULL};

	batch_register(&family);
}

/* ---------- the type ---------- */

static const Cohorts *
cohorts_argument(Datum value)
{
	Cohorts *cohorts =
		flat_open(value, WIRE_COHORTS, COHORT_VERSION, offsetof(Cohorts, numbers), COHORT_TYPE);

	cohort_check(cohorts);
	return cohorts;
}

static void *
read_cohorts(const char *bytes, Size size, WireKind kind)
{
	return cohort_read(bytes, size);
}

static void
write_cohorts(Datum value, StringInfo out, WireKind kind)
{
	cohort_write(cohorts_argument(value), out);
}

static void
describe_cohorts(Datum value, StringInfo out, WireKind kind)
{
	const Cohorts *cohorts = cohorts_argument(value);

	describe_grid(out, cohort_grid_text(cohorts), cohorts->grid_length);
	describe_count(out, cohorts->counts[COHORT_SIZES], "cohort");
	describe_count(out, cohorts->customers, "customer");
}

static void *
copy_cohorts(Datum value, WireKind kind)
{
	return flat_copy(cohorts_argument(value));
}

/* A summary that had to grow is in the context of this row: the executor copies it and frees the old one. */
static void *
merge_cohorts(void *state, Datum value, WireKind kind)
{
	return cohort_merge(state, cohorts_argument(value));
}

static const StoredType cohorts_type = {
	.name = COHORT_TYPE,
	.kind = WIRE_COHORTS,
	.read = read_cohorts,
	.write = write_cohorts,
	.describe = describe_cohorts,
	.use = "cohort_cells()",
	.version = COHORT_VERSION,
	.least = offsetof(Cohorts, numbers),
	.is_own = cohort_has_shape,
	.copy = copy_cohorts,
	.merge = merge_cohorts,
};

STORED_TYPE_FUNCTIONS(retention_cohorts, cohorts_type)
STORED_TYPE_ORDER(retention_cohorts, cohorts_type)

/* rollup() of stored cohorts, and of its partial states */
STORED_TYPE_COMBINE(cohort_combine, cohorts_type)

/* NULL if no row is left, as from an aggregate without rows. */
static Datum
cohorts_or_null(FunctionCallInfo fcinfo, const Cohorts *cohorts)
{
	if (cohorts->rows == 0)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(cohorts);
}

static void nothing_to_take_from(void) pg_attribute_noreturn();

static void
nothing_to_take_from(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("the cohorts to take out are not part of the others"),
					errdetail("There are no cohorts to take them out of.")));
}

/* cohort_subtract(cohorts, part) */
RETENTION_FUNCTION(cohort_subtract_sql);
Datum
cohort_subtract_sql(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) && !PG_ARGISNULL(1))
		nothing_to_take_from();
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	return cohorts_or_null(fcinfo, cohort_subtract(cohorts_argument(PG_GETARG_DATUM(0)),
												   cohorts_argument(PG_GETARG_DATUM(1))));
}

static Datum
replace_arguments(FunctionCallInfo fcinfo, bool exact)
{
	const Cohorts *whole, *old, *new;

	if (PG_ARGISNULL(0) && !PG_ARGISNULL(1))
		nothing_to_take_from();
	if (PG_ARGISNULL(0))
	{
		if (PG_ARGISNULL(2))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(2));
	}
	if (PG_ARGISNULL(1) && PG_ARGISNULL(2))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	whole = cohorts_argument(PG_GETARG_DATUM(0));
	if (PG_ARGISNULL(2))
		return cohorts_or_null(fcinfo,
							   cohort_subtract(whole, cohorts_argument(PG_GETARG_DATUM(1))));
	new = cohorts_argument(PG_GETARG_DATUM(2));
	if (!PG_ARGISNULL(1))
	{
		old = cohorts_argument(PG_GETARG_DATUM(1));
		return cohorts_or_null(fcinfo, cohort_replace(whole, old, new, exact));
	}
	/* The argument is not ours to change. */
	PG_RETURN_POINTER(cohort_merge(flat_copy(whole), new));
}

/* cohort_replace(cohorts, old, new) */
RETENTION_FORWARD(cohort_replace_sql, replace_arguments(fcinfo, false))

/* cohort_replace_exact(cohorts, old, new): new has the first and the latest row of the result where old had them */
RETENTION_FORWARD(cohort_replace_exact, replace_arguments(fcinfo, true))

/* ---------- answers ---------- */

/* The same answer with periods as dates, or as instants. */
typedef Datum (*ShowPeriod)(const Cohorts *cohorts, const Grid *grid, int64 period);

static Datum
show_date(const Cohorts *cohorts, const Grid *grid, int64 period)
{
	return DateADTGetDatum((DateADT) grid_period_start(grid, TIME_DATE, period));
}

static Datum
show_instant(const Cohorts *cohorts, const Grid *grid, int64 period)
{
	return TimestampTzGetDatum(grid_period_start(grid, TIME_INSTANT, period));
}

static void
require_days(const Grid *grid, ShowPeriod show, const char *instead)
{
	if (show == show_date && grid->hours > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("periods of hours cannot be shown as dates"),
						errhint("%s shows them as timestamps.", instead)));
}

/* Whether one of these arguments is NULL: then the answer has no rows. */
static bool
any_null(FunctionCallInfo fcinfo, const int *arguments, int count)
{
	for (int i = 0; i < count; i++)
		if (PG_ARGISNULL(arguments[i]))
			return true;
	return false;
}

static const Timestamp *
optional_as_of(FunctionCallInfo fcinfo, int argument, Timestamp *as_of)
{
	if (PG_ARGISNULL(argument))
		return NULL;
	*as_of = PG_GETARG_TIMESTAMP(argument);
	return as_of;
}

static void
put_limits(Datum *values, bool *nulls, bool has_limits, Limits limits)
{
	nulls[0] = nulls[1] = !has_limits;
	values[0] = has_limits ? NumericGetDatum(numeric_rate_limit(limits.low)) : (Datum) 0;
	values[1] = has_limits ? NumericGetDatum(numeric_rate_limit(limits.high)) : (Datum) 0;
}

/* The first row of the table of periods that is not before a period. */
static int64
period_row(const Cohorts *cohorts, int64 period)
{
	const int64 *table = cohort_table(cohorts, COHORT_PERIODS);
	int64 low = 0, high = cohorts->counts[COHORT_PERIODS];

	while (low < high)
	{
		int64 middle = low + (high - low) / 2;

		if (table[middle * PERIOD_COLUMNS + PERIOD_NUMBER] < period)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What must be known about a cell to read it; NULL: nothing. */
static const char *
note_of(const Cohorts *cohorts, const Grid *grid, const CohortCell *cell)
{
	int64 from = cell->cohort + cell->first;
	int64 until = cell->cohort + cell->last + 1;

	if (cell->period == 0)
	{
		/* Who was a customer before the first row is one of those who start with it, unless the start is known. */
		if (!cohorts->anchored &&
			cell->cohort == grid_period(grid, (TimeKind) cohorts->kind, cohorts->first))
			return "records begin here";
		return NULL;
	}
	/* The tables count calendar periods with enough events of a customer. */
	if (grid->windows != GRID_CALENDAR || grid->min_events > 1 || !cell->observed)
		return NULL;
	return period_row(cohorts, until) - period_row(cohorts, from) < until - from
			   ? "no rows of anybody"
			   : NULL;
}

/* Those of cohort_cells(), and the note. */
#define CELL_ANSWER_COLUMNS 13

/* The limit below which cells are hidden; 0: none. */
static int32
suppress_argument(FunctionCallInfo fcinfo, int argument)
{
	int32 below;

	if (PG_ARGISNULL(argument))
		return 0;
	below = PG_GETARG_INT32(argument);
	if (below < 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("suppress_below must be 2 or more, not %d", below)));
	return below;
}

static Datum
emit_cells(FunctionCallInfo fcinfo, ShowPeriod show, bool noted)
{
	Emitter emitter = emit_begin(fcinfo);
	const Cohorts *cohorts;
	const Grid *grid;
	CellReader reader;
	CohortCell cell, *cells = NULL;
	CohortCriterion criterion;
	double confidence;
	Timestamp as_of;
	int32 suppress_below;
	int64 count = 0;
	bool *hidden = NULL;
	bool cohort_hidden = false;
	Datum begin = (Datum) 0;
	MemoryContext row_context, old;

	if (any_null(fcinfo, (const int[]){0, 1, 3}, 3))
		return (Datum) 0;
	cohorts = cohorts_argument(PG_GETARG_DATUM(0));
	criterion = cohort_criterion(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	confidence = check_confidence(PG_GETARG_FLOAT8(3));
	suppress_below = suppress_argument(fcinfo, 4);
	reader = cohort_cells_begin(cohorts, criterion, optional_as_of(fcinfo, 2, &as_of));
	grid = reader.time.grid;
	require_days(grid, show, "cohort_cells_at()");
	if (suppress_below > 0)
		count = cohort_cells_suppressed(&reader, suppress_below, &cells, &hidden);

	row_context =
		AllocSetContextCreate(CurrentMemoryContext, "retention row", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(row_context);
	for (int64 i = 0; cells != NULL ? i < count : cohort_cells_next(&reader, &cell); i++)
	{
		Datum values[CELL_ANSWER_COLUMNS] = {0};
		bool nulls[CELL_ANSWER_COLUMNS] = {false};
		Limits limits = {0, 0};
		bool has_limits, is_hidden = false;

		if (cells != NULL)
		{
			cell = cells[i];
			is_hidden = hidden[i];
		}
		has_limits = cell.observed && cell.period > 0 && !is_hidden;
		if (cell.period == 0)
		{
			begin = show(cohorts, grid, cell.cohort);
			cohort_hidden = is_hidden;
		}
		if (has_limits)
			limits = wilson_interval((double) cell.retained, (double) cell.at_risk, confidence);
		values[0] = begin;
		nulls[1] = cohort_hidden;
		values[1] = Int64GetDatum(cell.size);
		values[2] = Int32GetDatum((int32) cell.period);
		values[3] = CStringGetTextDatum(grid_period_label(grid, cell.period));
		/* Elapsed windows have no dates. */
		nulls[4] = nulls[5] = grid->windows == GRID_ELAPSED;
		values[4] = nulls[4] ? (Datum) 0 : show(cohorts, grid, cell.cohort + cell.first);
		values[5] = nulls[5] ? (Datum) 0 : show(cohorts, grid, cell.cohort + cell.last + 1);
		nulls[6] = nulls[7] = nulls[8] = is_hidden;
		values[6] = Int64GetDatum(cell.at_risk);
		values[7] = Int64GetDatum(cell.retained);
		if (!is_hidden)
			values[8] = NumericGetDatum(numeric_per_cent(numeric_from_int64(cell.retained),
														 numeric_from_int64(cell.at_risk)));
		put_limits(&values[9], &nulls[9], has_limits, limits);
		values[11] = CStringGetTextDatum(is_hidden		 ? "suppressed"
										 : cell.observed ? "observed"
														 : "partial");
		/* Of a hidden cell a note would say that nobody came back. */
		if (noted)
			put_text(values, nulls, 12, is_hidden ? NULL : note_of(cohorts, grid, &cell));
		emit_row(&emitter, values, nulls);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	return (Datum) 0;
}

/* cohort_cells(cohorts, criterion, as_of, confidence, suppress_below) */
RETENTION_FORWARD(cohort_cells, emit_cells(fcinfo, show_date, false))

/* cohort_cells_at(cohorts, criterion, as_of, confidence, suppress_below): periods as timestamps */
RETENTION_FORWARD(cohort_cells_at, emit_cells(fcinfo, show_instant, false))

/* noted_cells(...) and noted_cells_at(...): the same, with the note of each cell */
RETENTION_FORWARD(noted_cells, emit_cells(fcinfo, show_date, true))

RETENTION_FORWARD(noted_cells_at, emit_cells(fcinfo, show_instant, true))

static Datum
emit_notes(FunctionCallInfo fcinfo, ShowPeriod show)
{
	Emitter emitter = emit_begin(fcinfo);
	const Cohorts *cohorts;
	CellReader reader;
	CohortCell cell;
	Timestamp as_of;

	if (any_null(fcinfo, (const int[]){0}, 1))
		return (Datum) 0;
	cohorts = cohorts_argument(PG_GETARG_DATUM(0));
	reader = cohort_cells_begin(cohorts, CRITERION_ON, optional_as_of(fcinfo, 1, &as_of));
	require_days(reader.time.grid, show, "cohort_notes_at()");
	for (int64 i = 0; cohort_cells_next(&reader, &cell); i++)
	{
		const char *note = note_of(cohorts, reader.time.grid, &cell);
		Datum values[3];
		bool nulls[3] = {false};

		CHECK_NOW_AND_THEN(i);
		if (note == NULL)
			continue;
		values[0] = show(cohorts, reader.time.grid, cell.cohort);
		values[1] = Int32GetDatum((int32) cell.period);
		values[2] = CStringGetTextDatum(note);
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

/* cohort_notes(cohorts, as_of) */
RETENTION_FORWARD(cohort_notes, emit_notes(fcinfo, show_date))

/* cohort_notes_at(cohorts, as_of): cohorts as timestamps */
RETENTION_FORWARD(cohort_notes_at, emit_notes(fcinfo, show_instant))

#define CURVE_ANSWER_COLUMNS 8

/* retention_curve(cohorts, criterion, mean, as_of, confidence) */
RETENTION_FUNCTION(cohort_retention_curve);
Datum
cohort_retention_curve(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const Cohorts *cohorts;
	CohortCriterion criterion;
	CurveMean mean;
	double confidence;
	Timestamp as_of;
	CurvePoint *points;
	int64 count;

	if (any_null(fcinfo, (const int[]){0, 1, 2, 4}, 4))
		return (Datum) 0;
	cohorts = cohorts_argument(PG_GETARG_DATUM(0));
	criterion = cohort_criterion(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	mean = cohort_mean(text_to_cstring(PG_GETARG_TEXT_PP(2)), criterion);
	confidence = check_confidence(PG_GETARG_FLOAT8(4));
	count = cohort_curve(cohorts, criterion, mean, optional_as_of(fcinfo, 3, &as_of), confidence,
						 &points);
	for (int64 i = 0; i < count; i++)
	{
		Datum values[CURVE_ANSWER_COLUMNS];
		bool nulls[CURVE_ANSWER_COLUMNS] = {false};

		if (points[i].cohorts == 0)
			continue;
		values[0] = Int32GetDatum((int32) points[i].period);
		values[1] = CStringGetTextDatum(grid_period_label(cohort_grid(cohorts), points[i].period));
		values[2] = Int64GetDatum(points[i].cohorts);
		values[3] = Int64GetDatum(points[i].at_risk);
		values[4] = Int64GetDatum(points[i].retained);
		values[5] = NumericGetDatum(points[i].rate);
		put_limits(&values[6], &nulls[6], points[i].has_limits, points[i].limits);
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

#define LIFECYCLE_COLUMNS 7

static Datum
emit_lifecycle(FunctionCallInfo fcinfo, ShowPeriod show)
{
	Emitter emitter = emit_begin(fcinfo);
	const Cohorts *cohorts;
	const int64 *row, *end;
	CohortTime time;
	Timestamp as_of;
	int64 before = 0;

	if (any_null(fcinfo, (const int[]){0}, 1))
		return (Datum) 0;
	cohorts = cohorts_argument(PG_GETARG_DATUM(0));
	time = cohort_time(cohorts, optional_as_of(fcinfo, 1, &as_of));
	require_days(time.grid, show, "lifecycle_at()");
	row = cohort_table(cohorts, COHORT_PERIODS);
	end = row + cohorts->counts[COHORT_PERIODS] * PERIOD_COLUMNS;
	if (!time.known || row == end)
		return (Datum) 0;
	if (time.begun - row[PERIOD_NUMBER] >= MAX_PERIODS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a lifecycle has at most %d periods up to as_of", MAX_PERIODS),
						errhint("Use a coarser grid or an earlier as_of.")));
	for (int64 period = row[PERIOD_NUMBER]; period <= time.begun || row < end; period++)
	{
		static const int64 nobody[PERIOD_COLUMNS] = {0};
		bool here = row < end && row[PERIOD_NUMBER] == period;
		const int64 *counts = here ? row : nobody;
		Datum values[LIFECYCLE_COLUMNS];
		bool nulls[LIFECYCLE_COLUMNS] = {false};

		values[0] = show(cohorts, time.grid, period);
		values[1] = Int64GetDatum(counts[PERIOD_ACTIVE]);
		values[2] = Int64GetDatum(counts[PERIOD_NEW]);
		values[3] = Int64GetDatum(counts[PERIOD_RETAINED]);
		values[4] =
			Int64GetDatum(counts[PERIOD_ACTIVE] - counts[PERIOD_NEW] - counts[PERIOD_RETAINED]);
		values[5] = Int64GetDatum(before - counts[PERIOD_RETAINED]);
		values[6] = CStringGetTextDatum(period <= time.complete ? "observed" : "partial");
		emit_row(&emitter, values, nulls);
		before = counts[PERIOD_ACTIVE];
		if (here)
			row += PERIOD_COLUMNS;
	}
	return (Datum) 0;
}

/* lifecycle(cohorts, as_of) */
RETENTION_FORWARD(cohort_lifecycle, emit_lifecycle(fcinfo, show_date))

/* lifecycle_at(cohorts, as_of): periods as timestamps */
RETENTION_FORWARD(cohort_lifecycle_at, emit_lifecycle(fcinfo, show_instant))

/* stickiness(cohorts) */
RETENTION_FUNCTION(cohort_stickiness);
Datum
cohort_stickiness(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const Cohorts *cohorts = cohorts_argument(PG_GETARG_DATUM(0));
	const int64 *row = cohort_table(cohorts, COHORT_HISTOGRAM);
	int64 customers = 0;

	for (int64 i = 0; i < cohorts->counts[COHORT_HISTOGRAM]; i++)
		customers += row[i * HISTOGRAM_COLUMNS + HISTOGRAM_CUSTOMERS];
	for (int64 i = 0; i < cohorts->counts[COHORT_HISTOGRAM]; i++, row += HISTOGRAM_COLUMNS)
	{
		Datum values[3];
		bool nulls[3] = {false};

		values[0] = Int64GetDatum(row[HISTOGRAM_PERIODS]);
		values[1] = Int64GetDatum(row[HISTOGRAM_CUSTOMERS]);
		values[2] = NumericGetDatum(numeric_per_cent(numeric_from_int64(row[HISTOGRAM_CUSTOMERS]),
													 numeric_from_int64(customers)));
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

static Datum
local_or_null(const Grid *grid, TimeKind kind, int64 moment, bool known, bool *null)
{
	*null = !known;
	if (!known)
		return (Datum) 0;
	return TimestampGetDatum(kind == TIME_DATE	  ? moment * USECS_PER_DAY
							 : kind == TIME_LOCAL ? moment
												  : zone_local(grid->zone, moment));
}

/* cohort_totals(cohorts): counts and times of the rows; times are wall-clock times in the grid's zone */
RETENTION_FUNCTION(cohort_totals);
Datum
cohort_totals(PG_FUNCTION_ARGS)
{
	const Cohorts *cohorts = cohorts_argument(PG_GETARG_DATUM(0));
	CohortTime time = cohort_time(cohorts, NULL);
	Datum values[7];
	bool nulls[7] = {false};

	values[0] = PointerGetDatum(cstring_to_text_with_len(time.grid->text, time.grid->text_length));
	values[1] = Int64GetDatum(cohorts->customers);
	values[2] = Int64GetDatum(cohorts->rows);
	values[3] = Int64GetDatum(cohorts->ignored);
	values[4] = local_or_null(time.grid, cohorts->kind, cohorts->first, time.known, &nulls[4]);
	values[5] = local_or_null(time.grid, cohorts->kind, cohorts->latest, time.known, &nulls[5]);
	values[6] = local_or_null(time.grid, cohorts->kind, time.as_of, time.known, &nulls[6]);
	return emit_one(fcinfo, values, nulls);
}
