/*
 * trials.c
 *		What was due in a period and how it ended: adding, merging, checking, storing.
 */
#include "retention.h"

#include "base/check.h"
#include "revenue/trials.h"
#include "time/elapsed.h"

static Size
trials_size(int64 periods, int64 grid_length)
{
	return offsetof(Trials, cells) + (Size) periods * sizeof(TrialCell) + (Size) grid_length;
}

static Trials *
allocate(TimeKind kind, TrialSubject subject, const GridGap *within, int64 periods,
		 const char *grid_text, int grid_length)
{
	Size size = trials_size(periods, grid_length);
	Trials *trials = palloc0(size);

	flat_mark(trials, WIRE_TRIALS, TRIALS_VERSION, size);
	trials->kind = kind;
	trials->subject = subject;
	trials->within = *within;
	trials->grid_length = grid_length;
	trials->latest = SINCE_EVER;
	trials->periods = periods;
	memcpy(trials_grid_text(trials), grid_text, grid_length);
	return trials;
}

Trials *
trials_new(TimeKind kind, TrialSubject subject, const GridGap *within, const char *grid_text,
		   int grid_length)
{
	return allocate(kind, subject, within, 0, grid_text, grid_length);
}

bool
trials_has_shape(const void *state)
{
	const Trials *trials = state;

	return trials->periods >= 0 && trials->periods <= MAX_PERIODS && trials->grid_length > 0 &&
		   trials->grid_length <= (int) VARSIZE(trials) && trials->first >= PG_INT64_MIN / 4 &&
		   trials->first <= PG_INT64_MAX / 4 &&
		   trials_size(trials->periods, trials->grid_length) == VARSIZE(trials);
}

void
trials_match(const Trials *trials, TimeKind kind, TrialSubject subject, const GridGap *within,
			 const char *grid_text, int grid_length)
{
	if (trials->grid_length != grid_length ||
		memcmp(trials_grid_text(trials), grid_text, grid_length) != 0)
		grid_mismatch(pnstrdup(trials_grid_text(trials), trials->grid_length),
					  pnstrdup(grid_text, grid_length));
	if (trials->kind != (int32) kind || trials->subject != (int32) subject ||
		memcmp(&trials->within, within, sizeof(GridGap)) != 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(
				 "the length of time in which an outcome counts, and the type of the times, must "
				 "be the same in every row")));
}

/* Make space for the periods from..to. */
static void
reserve(Trials **state, int64 from, int64 to)
{
	Trials *old = *state;
	Trials *larger;
	int64 first = old->periods == 0 ? from : Min(old->first, from);
	int64 end = old->periods == 0 ? to + 1 : Max(old->first + old->periods, to + 1);

	if (old->periods > 0 && first == old->first && end == old->first + old->periods)
		return;
	if (end - first > MAX_PERIODS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the rows lie in more than %d periods", MAX_PERIODS),
						errhint("Take a shorter time or a coarser grid.")));
	if (old->periods > 0)
	{
		/* More than is needed, on the side where it is needed. */
		int64 more = Min(old->periods / 2, MAX_PERIODS - (end - first));

		if (first < old->first)
			first -= more;
		else
			end += more;
	}
	larger = allocate((TimeKind) old->kind, (TrialSubject) old->subject, &old->within, end - first,
					  trials_grid_text(old), old->grid_length);
	larger->latest = old->latest;
	larger->first = first;
	if (old->periods > 0)
		memcpy(larger->cells + (old->first - first), old->cells, old->periods * sizeof(TrialCell));
	*state = larger;
}

void
trials_add(Trials **state, const Grid *grid, int64 moment, int64 outcome)
{
	TimeKind kind = (TimeKind) (*state)->kind;
	int64 as_of = grid->has_as_of ? grid_as_of(grid, kind) : STILL_THERE;
	int64 period;
	TrialCell *cell;

	if (moment >= as_of)
		return;
	period = grid_period(grid, kind, moment);
	reserve(state, period, period);
	cell = &(*state)->cells[period - (*state)->first];
	count_add(&cell->due, 1);
	if (outcome < as_of && outcome <= grid_gap_end(grid, kind, &(*state)->within, moment))
		cell->reached++;
	if (!grid->has_as_of)
		(*state)->latest =
			Max((*state)->latest, outcome == STILL_THERE ? moment : Max(moment, outcome));
}

void
trials_range(const Trials *trials, int64 *from, int64 *count)
{
	int64 low = 0;
	int64 high = trials->periods;

	while (low < high && trials->cells[low].due == 0)
		low++;
	while (high > low && trials->cells[high - 1].due == 0)
		high--;
	*from = low;
	*count = high - low;
}

void
trials_merge(Trials **state, const Trials *other)
{
	int64 from;
	int64 count;

	trials_match(*state, (TimeKind) other->kind, (TrialSubject) other->subject, &other->within,
				 trials_grid_text(other), other->grid_length);
	trials_range(other, &from, &count);
	if (count > 0)
		reserve(state, other->first + from, other->first + from + count - 1);
	(*state)->latest = Max((*state)->latest, other->latest);
	for (int64 i = 0; i < count; i++)
	{
		TrialCell *cell = &(*state)->cells[other->first + from + i - (*state)->first];

		CHECK_NOW_AND_THEN(i);
		count_add(&cell->due, other->cells[from + i].due);
		count_add(&cell->reached, other->cells[from + i].reached);
	}
}

static void corrupt(const char *detail) pg_attribute_noreturn();

static void
corrupt(const char *detail)
{
	wire_corrupt(TRIALS_TYPE, detail);
}

const Grid *
trials_check(const Trials *trials)
{
	const GridGap *within = &trials->within;
	const Grid *grid;

	if (trials->kind != TIME_DATE && trials->kind != TIME_LOCAL && trials->kind != TIME_INSTANT)
		corrupt("Its type of time is not recognized.");
	if (trials->subject < 0 || trials->subject >= TRIAL_SUBJECTS || !trials_has_shape(trials))
		corrupt("Its length is not that of its periods.");
	if (within->months < 0 || within->days < 0 || within->hours < 0 ||
		(within->months > 0) + (within->days > 0) + (within->hours > 0) != 1 ||
		(trials->kind == TIME_DATE && within->hours > 0))
		corrupt("Its length of time is impossible.");
	grid = grid_open_text(trials_grid_text(trials), trials->grid_length);
	if (trials->subject == TRIAL_RENEWAL && !grid->has_as_of)
		corrupt("Its grid has no as_of.");
	if (trials->latest != SINCE_EVER &&
		(grid->has_as_of || !moment_is_valid((TimeKind) trials->kind, trials->latest)))
		corrupt("A moment in it is out of range.");
	for (int64 i = 0; i < trials->periods; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (trials->cells[i].due < 0 || trials->cells[i].reached < 0 ||
			trials->cells[i].reached > trials->cells[i].due)
			corrupt("A count in it is impossible.");
	}
	return grid;
}

void
trials_write(const Trials *trials, StringInfo wire)
{
	int64 from;
	int64 count;

	trials_range(trials, &from, &count);
	wire_begin(wire, WIRE_TRIALS, TRIALS_VERSION);
	wire_put_ints(wire, trials->kind, trials->subject, trials->within.months, trials->within.days,
				  trials->within.hours, trials->latest, trials->grid_length);
	wire_put_bytes(wire, trials_grid_text(trials), trials->grid_length);
	wire_put_ints(wire, count, count == 0 ? 0 : trials->first + from);
	for (int64 i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		wire_put_ints(wire, trials->cells[from + i].due, trials->cells[from + i].reached);
	}
}

Trials *
trials_read(const char *bytes, Size size)
{
	WireReader in = wire_open(bytes, size, WIRE_TRIALS, TRIALS_VERSION, TRIALS_TYPE);
	TimeKind kind = (TimeKind) wire_get_int_between(&in, TIME_DATE, TIME_INSTANT);
	TrialSubject subject = (TrialSubject) wire_get_int_between(&in, 0, TRIAL_SUBJECTS - 1);
	GridGap within;
	Trials *trials;
	int64 latest;
	int64 periods;
	int64 from;
	int64 count;
	int grid_length;
	const char *grid_text;

	within.months = (int32) wire_get_int_between(&in, 0, PG_INT32_MAX);
	within.days = (int32) wire_get_int_between(&in, 0, PG_INT32_MAX);
	within.hours = (int32) wire_get_int_between(&in, 0, PG_INT32_MAX);
	latest = wire_get_int(&in);
	grid_length = (int) wire_get_int_between(&in, 1, REQUEST_GRID_BYTES);
	grid_text = wire_get_bytes(&in, grid_length);
	periods = wire_get_int_between(&in, 0, MAX_PERIODS);
	if (in.end - in.at < 2 * periods)
		corrupt("It ends early.");
	trials = allocate(kind, subject, &within, periods, grid_text, grid_length);
	trials->latest = latest;
	trials->first = wire_get_int(&in);
	for (int64 i = 0; i < periods; i++)
	{
		CHECK_NOW_AND_THEN(i);
		trials->cells[i].due = wire_get_int(&in);
		trials->cells[i].reached = wire_get_int(&in);
	}
	wire_end(&in);
	(void) trials_check(trials);
	trials_range(trials, &from, &count);
	if (count != periods || (periods == 0 && trials->first != 0))
		corrupt("It is not in its one form.");
	return trials;
}
