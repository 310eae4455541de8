/*
 * cohort_member_sql.c
 *		The SQL functions that show one customer in the cells of a cohort table.
 */
#include "retention.h"

#include "base/emit.h"
#include "cohort/cohort.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define MEMBER_COLUMNS 9

/* The start of a period or of a customer's window, as a date or as an instant. */
static Datum
show_start(const MemberReader *reader, TimeKind show, int64 start)
{
	const Grid *grid = reader->cells.time.grid;

	if (grid->windows == GRID_CALENDAR)
		start = grid_period_start(grid, show, start);
	else
		start = activity_convert(grid, reader->clock, show, start);
	return show == TIME_DATE ? DateADTGetDatum((DateADT) start) : TimestampTzGetDatum(start);
}

static Datum
show_cohort(const MemberReader *reader, TimeKind show, int64 cohort)
{
	int64 start = grid_period_start(reader->cells.time.grid, show, cohort);

	return show == TIME_DATE ? DateADTGetDatum((DateADT) start) : TimestampTzGetDatum(start);
}

/* show: TIME_DATE for dates and local times, TIME_INSTANT for instants. */
static Datum
emit_member(FunctionCallInfo fcinfo, bool has_grid, TimeKind show)
{
	const TimeKind show_at = show == TIME_DATE ? TIME_LOCAL : TIME_INSTANT;
	const int criterion_argument = has_grid ? 2 : 1;
	Emitter emitter = emit_begin(fcinfo);
	MemoryContext context, old;
	ActivityView facts = {0};
	CohortCriterion criterion;
	Timestamp as_of;
	bool has_as_of = has_grid && !PG_ARGISNULL(3);
	MemberReader reader;
	MemberCell member;
	const Grid *grid;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(criterion_argument) || (has_grid && PG_ARGISNULL(1)))
		return (Datum) 0;
	criterion = cohort_criterion(text_to_cstring(PG_GETARG_TEXT_PP(criterion_argument)));
	if (has_as_of)
		as_of = PG_GETARG_TIMESTAMP(3);

	context =
		AllocSetContextCreate(CurrentMemoryContext, "retention member", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	activity_view(PG_GETARG_DATUM(0), &facts);
	reader = cohort_member_begin(&facts, has_grid ? &fcinfo->args[1].value : NULL, criterion,
								 has_as_of ? &as_of : NULL);
	grid = reader.cells.time.grid;
	if (show == TIME_DATE && grid->hours > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("periods of hours cannot be shown as dates"),
						errhint("cohort_membership_at() shows them as timestamps.")));
	while (cohort_member_next(&reader, &member))
	{
		const CohortCell *cell = &member.cell;
		Datum values[MEMBER_COLUMNS];
		bool nulls[MEMBER_COLUMNS] = {false};

		values[0] = show_cohort(&reader, show, cell->cohort);
		values[1] = Int32GetDatum((int32) cell->period);
		values[2] = show_start(&reader, show, member.from);
		nulls[3] = member.until == PG_INT64_MAX;
		values[3] = nulls[3] ? (Datum) 0 : show_start(&reader, show, member.until);
		values[4] = CStringGetTextDatum(cell->retained > 0 ? "retained"
										: cell->observed   ? "not_retained"
														   : "not_yet");
		values[5] = BoolGetDatum(cell->observed);
		nulls[6] = nulls[7] = !member.has_at;
		values[6] = values[7] = (Datum) 0;
		if (member.has_at)
		{
			values[6] =
				TimestampGetDatum(activity_convert(grid, reader.kind, show_at, member.first_at));
			values[7] =
				TimestampGetDatum(activity_convert(grid, reader.kind, show_at, member.last_at));
		}
		nulls[8] = reader.cap == 1;
		values[8] = Int32GetDatum((int32) member.events);
		emit_row(&emitter, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/* cohort_membership(activity, criterion) and cohort_membership(activity, grid, criterion, as_of) */
RETENTION_FORWARD(cohort_membership, emit_member(fcinfo, false, TIME_DATE))

RETENTION_FORWARD(cohort_membership_grid, emit_member(fcinfo, true, TIME_DATE))

/* cohort_membership_at(...): the same with timestamps */
RETENTION_FORWARD(cohort_membership_at, emit_member(fcinfo, false, TIME_INSTANT))

RETENTION_FORWARD(cohort_membership_at_grid, emit_member(fcinfo, true, TIME_INSTANT))
