/*
 * trials_sql.c
 *		retention_trials: trial_conversion(), up_for_renewal() and their answers.
 */
#include "retention.h"

#include "base/check.h"
#include "base/emit.h"
#include "base/number.h"
#include "base/type_sql.h"
#include "math/interval.h"
#include "revenue/trials.h"
#include "time/elapsed.h"
#include "time/grid_text.h"
#include "utils/builtins.h"

static const Trials *
trials_argument(Datum value, const Grid **grid)
{
	const Trials *trials =
		flat_open(value, WIRE_TRIALS, TRIALS_VERSION, offsetof(Trials, cells), TRIALS_TYPE);
	const Grid *checked = trials_check(trials);

	if (grid != NULL)
		*grid = checked;
	return trials;
}

static void *
read_trials(const char *bytes, Size size, WireKind kind)
{
	return trials_read(bytes, size);
}

static void
write_trials(Datum value, StringInfo out, WireKind kind)
{
	trials_write(trials_argument(value, NULL), out);
}

static void
describe_trials(Datum value, StringInfo out, WireKind kind)
{
	const Trials *trials = trials_argument(value, NULL);
	int64 due = 0;

	for (int64 i = 0; i < trials->periods; i++)
		count_add(&due, trials->cells[i].due);
	describe_grid(out, trials_grid_text(trials), trials->grid_length);
	describe_count(out, due, trials->subject == TRIAL_CONVERSION ? "trial" : "term");
}

static void *
copy_trials(Datum value, WireKind kind)
{
	return flat_copy(trials_argument(value, NULL));
}

static void *
merge_trials(void *state, Datum value, WireKind kind)
{
	Trials *trials = state;

	trials_merge(&trials, trials_argument(value, NULL));
	return trials;
}

static const StoredType trials_type = {
	.name = TRIALS_TYPE,
	.kind = WIRE_TRIALS,
	.read = read_trials,
	.write = write_trials,
	.describe = describe_trials,
	.use = "trial_cells() or renewal_cells()",
	.version = TRIALS_VERSION,
	.least = offsetof(Trials, cells),
	.is_own = trials_has_shape,
	.copy = copy_trials,
	.merge = merge_trials,
};

STORED_TYPE_FUNCTIONS(retention_trials, trials_type)
STORED_TYPE_ORDER(retention_trials, trials_type)
STORED_TYPE_COMBINE(trials_combine, trials_type)

/* ---- Rows in ---- */

static void backwards(TimeKind kind, int64 moment, int64 outcome) pg_attribute_noreturn();

static void
backwards(TimeKind kind, int64 moment, int64 outcome)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a trial converts before it starts"),
			 errdetail("It starts at %s and converts at %s.", moment_text(kind, moment),
					   moment_text(kind, outcome))));
}

/* (state, moment, outcome, grid, within) */
static Datum
add_row(FunctionCallInfo fcinfo, TimeKind kind, TrialSubject subject)
{
	const Grid *grid;
	GridGap within;
	Trials *trials;
	int64 moment;
	int64 outcome;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	if (PG_ARGISNULL(3) || PG_ARGISNULL(4))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the grid and the argument \"within\" must not be null")));
	grid = grid_open(PG_GETARG_DATUM(3));
	grid_require_plain_calendar(
		grid, subject == TRIAL_CONVERSION ? "trial_conversion" : "up_for_renewal", true);
	if (subject == TRIAL_RENEWAL && !grid->has_as_of)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the grid of up_for_renewal must have an as_of"),
			 errdetail(
				 "Terms end in the future, so the rows do not say until when they are known."),
			 errhint(
				 "Write retention_grid('month', as_of => now()::timestamp), or the time of your "
				 "last load.")));
	within = gap_of_interval("within", PG_GETARG_INTERVAL_P(4));
	if (kind == TIME_DATE && within.hours > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("within must not be hours where times are dates"),
						errhint("Write it in days or months, or use a column of type timestamp.")));
	/* An infinite one has no period, which is an error. */
	moment = moment_of_datum(kind, PG_GETARG_DATUM(1));
	outcome = PG_ARGISNULL(2) ? STILL_THERE : request_moment(kind, PG_GETARG_DATUM(2));
	if (subject == TRIAL_CONVERSION && outcome < moment)
		backwards(kind, moment, outcome);
	if (PG_ARGISNULL(0))
		trials = trials_new(kind, subject, &within, grid->text, grid->text_length);
	else
	{
		trials = stored_type_state(fcinfo, &trials_type);
		trials_match(trials, kind, subject, &within, grid->text, grid->text_length);
	}
	trials_add(&trials, grid, moment, outcome);
	PG_RETURN_POINTER(trials);
}

#define TRIAL_TRANSITIONS(name, subject)                                                           \
	RETENTION_FORWARD(name##_transfn_date, add_row(fcinfo, TIME_DATE, subject))                    \
	RETENTION_FORWARD(name##_transfn_local, add_row(fcinfo, TIME_LOCAL, subject))                  \
	RETENTION_FORWARD(name##_transfn_instant, add_row(fcinfo, TIME_INSTANT, subject))

TRIAL_TRANSITIONS(trial_conversion, TRIAL_CONVERSION)
TRIAL_TRANSITIONS(up_for_renewal, TRIAL_RENEWAL)

/* ---- Answers ---- */

static Datum
emit_cells(FunctionCallInfo fcinfo, TrialSubject subject, bool instants)
{
	const Grid *grid;
	const Trials *trials = trials_argument(PG_GETARG_DATUM(0), &grid);
	double confidence = check_confidence(PG_GETARG_FLOAT8(1));
	TimeKind kind = (TimeKind) trials->kind;
	int64 known_until = grid->has_as_of				   ? grid_as_of(grid, kind)
						: trials->latest == SINCE_EVER ? SINCE_EVER
													   : trials->latest + 1;
	const char *twin = subject == TRIAL_CONVERSION ? "trial_cells_at" : "renewal_cells_at";
	Emitter emitter = emit_begin(fcinfo);
	int64 from;
	int64 count;

	if (trials->subject != (int32) subject)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the state is one of %s",
					trials->subject == TRIAL_CONVERSION ? "trial_conversion" : "up_for_renewal"),
			 errhint("Read it with %s.",
					 trials->subject == TRIAL_CONVERSION ? "trial_cells()" : "renewal_cells()")));
	trials_range(trials, &from, &count);
	for (int64 i = from; i < from + count; i++)
	{
		const TrialCell *cell = &trials->cells[i];
		int64 start = grid_period_start(grid, kind, trials->first + i);
		int64 end = grid_period_start(grid, kind, trials->first + i + 1);
		/* Whether the last of them has had all the time. */
		bool observed = known_until >= grid_gap_end(grid, kind, &trials->within, end);
		Datum values[7];
		bool nulls[7] = {false};

		values[0] = instants ? moment_as_instant(kind, grid->zone, start)
							 : moment_as_date(kind, grid->zone, start, "state", twin);
		values[1] = Int64GetDatum(cell->due);
		values[2] = Int64GetDatum(cell->reached);
		nulls[3] = nulls[4] = nulls[5] = !observed || cell->due == 0;
		if (!nulls[3])
		{
			Limits limits = wilson_interval((double) cell->reached, (double) cell->due, confidence);

			values[3] = NumericGetDatum(
				numeric_per_cent(numeric_from_int64(cell->reached), numeric_from_int64(cell->due)));
			values[4] = NumericGetDatum(numeric_rate_limit(limits.low));
			values[5] = NumericGetDatum(numeric_rate_limit(limits.high));
		}
		values[6] = CStringGetTextDatum(observed ? "observed" : "partial");
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

/* trial_cells() and renewal_cells(trials, confidence): rows with dates; their twins: with timestamps */
RETENTION_FORWARD(trial_cells, emit_cells(fcinfo, TRIAL_CONVERSION, false))

RETENTION_FORWARD(trial_cells_at, emit_cells(fcinfo, TRIAL_CONVERSION, true))

RETENTION_FORWARD(renewal_cells, emit_cells(fcinfo, TRIAL_RENEWAL, false))

RETENTION_FORWARD(renewal_cells_at, emit_cells(fcinfo, TRIAL_RENEWAL, true))
