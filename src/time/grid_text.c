/*
 * grid_text.c
 *		The text of a grid: the one reader of a grid's bytes, and the one writer.
 */
#include "retention.h"

#include "base/choice.h"
#include "base/wire.h"
#include "common/int.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "time/civil.h"
#include "time/grid_text.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#define MAX_COUNT 10000
#define MAX_BRACKETS 1000
#define MAX_OFFSET 100000
#define MAX_YEAR 294276

const char *const grid_unit_names[] = {"hour", "day", "week", "month", "quarter", "year"};
const char *const grid_day_names[] = {"sunday",	  "monday", "tuesday", "wednesday",
									  "thursday", "friday", "saturday"};
const char *const grid_windows_names[] = {"calendar", "elapsed"};
const char *const grid_cohorts_names[] = {"first", "recurring"};

#define UNITS_HINT "Units are hour, day, week, month, quarter and year."
#define OPTIONS_HINT                                                                                \
	"Options are week_start, time_zone, origin, windows, cohorts, brackets, min_events, as_of and " \
	"reactivation_within."
#define CLOCK_HINT                                                                                 \
	"A grid reads no clock; (SELECT retention_grid('month', as_of => localtimestamp)) does."

/* A text that is being read. An option is read by a copy whose end is that of its value. */
typedef struct Reader
{
	const char *argument; /* of the builder; NULL where the whole grid is read */
	bool stored;		  /* any error means that the value is corrupt */
	const char *text;
	const char *at;
	const char *end;
} Reader;

/* ---------- what is wrong ---------- */

/* Counted in characters, from 1. */
static int
position_of(const Reader *in, const char *word)
{
	return pg_mbstrlen_with_len(in->text, (int) (word - in->text)) + 1;
}

static void refuse(const Reader *in, char *detail, const char *hint) pg_attribute_noreturn();

static void
refuse(const Reader *in, char *detail, const char *hint)
{
	if (in->stored)
		wire_corrupt("retention_grid", "Its text is not that of a grid.");
	if (in->argument != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid argument \"%s\" of retention_grid(): \"%s\"", in->argument,
							   in->text),
						errdetail_internal("%s", detail), hint ? errhint("%s", hint) : 0));
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("invalid input syntax for type %s: \"%s\"", "retention_grid", in->text),
					errdetail_internal("%s", detail), hint ? errhint("%s", hint) : 0));
}

/* The word [word, end) is not what is expected there; what is a noun with its article. */
static void refuse_word(const Reader *in, const char *word, const char *end, const char *what,
						const char *hint) pg_attribute_noreturn();

static void
refuse_word(const Reader *in, const char *word, const char *end, const char *what, const char *hint)
{
	if (word >= end)
		refuse(in, psprintf("At position %d there should be %s.", position_of(in, word), what),
			   hint);
	refuse(in,
		   psprintf("\"%.*s\" at position %d is not %s.", (int) (end - word), word,
					position_of(in, word), what),
		   hint);
}

/* The text can be parsed but has no meaning. A stored grid is then corrupt, too. */
static void refuse_value(const Reader *in, char *message, char *detail, const char *hint)
	pg_attribute_noreturn();

static void
refuse_value(const Reader *in, char *message, char *detail, const char *hint)
{
	if (in != NULL && in->stored)
		wire_corrupt("retention_grid", "Its text is not that of a grid.");
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg_internal("%s", message),
					detail ? errdetail_internal("%s", detail) : 0, hint ? errhint("%s", hint) : 0));
}

/* ---------- words ---------- */

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
lower_case(char c)
{
	return (char) pg_ascii_tolower((unsigned char) c);
}

static void
skip_blanks(Reader *in)
{
	while (in->at < in->end && is_blank(*in->at))
		in->at++;
}

/* Skip blanks at both ends. */
static void
trim(Reader *in)
{
	skip_blanks(in);
	while (in->end > in->at && is_blank(in->end[-1]))
		in->end--;
}

static bool
take(Reader *in, char c)
{
	if (in->at >= in->end || *in->at != c)
		return false;
	in->at++;
	return true;
}

/* The end of the word at a place: letters, digits and non-ASCII characters, or one other character. */
static const char *
word_end(const Reader *in, const char *word)
{
	const char *end = word;

	while (end < in->end &&
		   (is_digit(*end) || (lower_case(*end) >= 'a' && lower_case(*end) <= 'z') || *end == '_' ||
			IS_HIGHBIT_SET(*end)))
		end++;
	if (end == word && end < in->end)
		end++;
	return end;
}

/* The place of a word in a list, or -1. */
static int
find_name(const char *word, const char *end, const char *const *names, int n)
{
	return choice_find(word, (int) (end - word), names, n);
}

/* The hint that names what was probably meant, or else the list. */
static const char *
hint_near(const char *word, const char *end, const char *const *names, int n, const char *list)
{
	const char *near = choice_near(word, (int) (end - word), names, n);

	return near == NULL ? list : psprintf("Perhaps you meant \"%s\".", near);
}

/* All of the remaining text must be one name of a list. */
static int
read_name(Reader *in, const char *const *names, int n, const char *what, const char *list)
{
	int i = find_name(in->at, in->end, names, n);

	if (i < 0)
		refuse_word(in, in->at, in->end, what, hint_near(in->at, in->end, names, n, list));
	in->at = in->end;
	return i;
}

/* Reads digits; a number that does not fit becomes the largest one. False: there are none. */
static bool
read_digits(Reader *in, int64 *number)
{
	const char *start = in->at;

	*number = 0;
	for (; in->at < in->end && is_digit(*in->at); in->at++)
		if (*number < PG_INT32_MAX)
			*number = *number * 10 + (*in->at - '0');
	return in->at > start;
}

/* ---------- dates ---------- */

/* A number of exactly so many digits. */
static bool
read_fixed(Reader *in, int least, int most, int64 *number)
{
	const char *start = in->at;

	return read_digits(in, number) && in->at - start >= least && in->at - start <= most;
}

#define DATE_HINT "Write a date as YYYY-MM-DD, for example 2026-04-01."
#define TIME_HINT "Write a time as YYYY-MM-DD HH:MM:SS, for example 2026-04-01 00:00:00."

/* Only ISO format, so that no setting of the session is read. */
static int64
read_date(Reader *in, const char *what, const char *hint)
{
	const char *start = in->at;
	int64 year, month, day;

	if (!read_fixed(in, 4, 6, &year) || !take(in, '-') || !read_fixed(in, 2, 2, &month) ||
		!take(in, '-') || !read_fixed(in, 2, 2, &day))
	{
		static const char *const clock[] = {"now", "today", "yesterday", "tomorrow"};

		if (find_name(start, in->end, clock, lengthof(clock)) >= 0)
			hint = CLOCK_HINT;
		refuse_word(in, start, in->end, what, hint);
	}
	if (year < 1 || year > MAX_YEAR || month < 1 || month > 12 || day < 1 ||
		day > days_of_month(year * 12 + month - 1))
		refuse_word(in, start, in->at, "a day of the calendar, from 0001-01-01 to 294276-12-31",
					NULL);
	return day_of_civil(year * 12 + month - 1, (int32) day);
}

static int64
read_time(Reader *in, const char *what)
{
	const char *start = in->at;
	int64 hour, minute, second = 0, fraction = 0;

	if (!read_fixed(in, 2, 2, &hour) || !take(in, ':') || !read_fixed(in, 2, 2, &minute))
		refuse_word(in, start, in->end, what, TIME_HINT);
	if (take(in, ':'))
	{
		if (!read_fixed(in, 2, 2, &second))
			refuse_word(in, start, in->end, what, TIME_HINT);
		if (take(in, '.'))
		{
			const char *digits = in->at;

			if (!read_fixed(in, 1, 6, &fraction))
				refuse_word(in, start, in->end, what,
							"Seconds have at most six digits after the point.");
			for (int i = (int) (in->at - digits); i < 6; i++)
				fraction *= 10;
		}
	}
	if (in->at < in->end)
		refuse_word(in, start, in->end, what,
					"It is wall-clock time of the grid's time zone and has no offset of its own.");
	if (hour > 23 || minute > 59 || second > 59)
		refuse_word(in, start, in->end, "a time of day from 00:00:00 to 23:59:59.999999", NULL);
	return ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC + fraction;
}

/* ---------- options ---------- */

static void
read_unit(Reader *in, Grid *grid)
{
	const char *word = in->at, *end;
	int64 count = 1;
	int unit;

	if (in->at < in->end && (is_digit(*word) || *word == '-' || *word == '+' || *word == '.'))
	{
		bool whole = read_digits(in, &count);

		if (!whole || (in->at < in->end && strchr(".,:-", *in->at) != NULL))
		{
			while (in->at < in->end && !is_blank(*in->at))
				in->at++;
			refuse_word(in, word, in->at, "a whole number",
						"Write a period as a number and a unit, for example \"28 days\".");
		}
		if (count < 1 || count > MAX_COUNT)
			refuse_value(in, psprintf("a period must be 1 to %d units long", MAX_COUNT),
						 psprintf("\"%.*s\" at position %d is not.", (int) (in->at - word), word,
								  position_of(in, word)),
						 NULL);
		skip_blanks(in);
	}
	word = in->at;
	end = word_end(in, word);
	unit = find_name(word, end, grid_unit_names, lengthof(grid_unit_names));
	if (unit < 0 && end - word > 1 && lower_case(end[-1]) == 's')
		unit = find_name(word, end - 1, grid_unit_names, lengthof(grid_unit_names));
	if (unit < 0)
		refuse_word(in, word, end, "a unit of time",
					hint_near(word, end, grid_unit_names, lengthof(grid_unit_names), UNITS_HINT));
	in->at = end;
	grid->unit = (GridUnit) unit;
	grid->count = (int32) count;
}

static void
read_week_start(Reader *in, Grid *grid)
{
	grid->week_start = read_name(in, grid_day_names, lengthof(grid_day_names), "a day of the week",
								 "Days are monday, tuesday, wednesday, thursday, friday, saturday "
								 "and sunday.");
}

bool
grid_zone_name_fits(const char *name)
{
	const char *c = name;

	for (; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == ';')
			return false;
	return c > name;
}

static void
read_time_zone(Reader *in, Grid *grid)
{
	char *name = pnstrdup(in->at, in->end - in->at);
	Zone *zone;

	if (*name == '\0')
		refuse_word(in, in->at, in->end, "the name of a time zone", NULL);
	if (!in->stored)
	{
		if (*name == '+' || *name == '-' || is_digit(*name))
			refuse_value(
				in, psprintf("time zone \"%s\" is an offset, not a name", name), NULL,
				"Write a name such as Europe/Berlin; it knows when clocks change. The names are in "
				"pg_timezone_names.");
		zone = grid_zone_name_fits(name) ? zone_find(name) : NULL;
		if (zone == NULL || !grid_zone_name_fits(zone_name(zone)))
			refuse_value(in, psprintf("time zone \"%s\" is not recognized", name), NULL,
						 "Time zones are listed in pg_timezone_names, for example Europe/Berlin.");
		pfree(name);
		name = pstrdup(zone_name(zone));
	}
	else if (!grid_zone_name_fits(name))
		refuse_word(in, in->at, in->end, "the name of a time zone", NULL);
	grid->zone_name = name;
	in->at = in->end;
}

static void
read_origin(Reader *in, Grid *grid)
{
	const char *start = in->at;

	grid->origin = (DateADT) read_date(in, "a date", DATE_HINT);
	if (in->at < in->end)
		refuse_word(in, start, in->end, "a date", DATE_HINT);
	grid->has_origin = true;
}

static void
read_windows(Reader *in, Grid *grid)
{
	grid->windows =
		(GridWindows) read_name(in, grid_windows_names, lengthof(grid_windows_names),
								"a kind of windows", "Windows are calendar or elapsed.");
}

static void
read_cohorts(Reader *in, Grid *grid)
{
	grid->cohorts = (GridCohorts) read_name(in, grid_cohorts_names, lengthof(grid_cohorts_names),
											"a kind of cohorts", "Cohorts are first or recurring.");
}

#define BRACKETS_HINT "Write brackets as offsets and ranges of them, for example 1,3,7,14-30."

static void
read_brackets(Reader *in, Grid *grid)
{
	int capacity = 16;

	grid->nbrackets = 0;
	grid->brackets = palloc(capacity * sizeof(GridBracket));
	do
	{
		const char *start, *stop;
		int64 first, last;
		int32 before;

		CHECK_FOR_INTERRUPTS();
		skip_blanks(in);
		start = in->at;
		if (!read_digits(in, &first))
			refuse_word(in, start, word_end(in, start), "an offset", BRACKETS_HINT);
		last = first;
		stop = in->at;
		skip_blanks(in);
		if (take(in, '-'))
		{
			const char *word;

			skip_blanks(in);
			word = in->at;
			if (!read_digits(in, &last))
				refuse_word(in, word, word_end(in, word), "an offset", BRACKETS_HINT);
			stop = in->at;
			skip_blanks(in);
		}
		if (first < 1)
			refuse_value(in, pstrdup("brackets begin at offset 1"),
						 psprintf("\"%.*s\" at position %d is before it.", (int) (stop - start),
								  start, position_of(in, start)),
						 "Offset 0 is the period of the start itself; every customer is in it.");
		before = grid->nbrackets > 0 ? grid->brackets[grid->nbrackets - 1].last : 0;
		if (first <= before || last < first)
			refuse_value(in, pstrdup("brackets must ascend and not overlap"),
						 psprintf("\"%.*s\" at position %d does not.", (int) (stop - start), start,
								  position_of(in, start)),
						 BRACKETS_HINT);
		if (last > MAX_OFFSET)
			refuse_value(in, psprintf("brackets end at offset %d", MAX_OFFSET),
						 psprintf("\"%.*s\" at position %d is beyond it.", (int) (stop - start),
								  start, position_of(in, start)),
						 NULL);
		if (grid->nbrackets == MAX_BRACKETS)
			refuse_value(in, psprintf("a grid has at most %d brackets", MAX_BRACKETS), NULL, NULL);
		if (grid->nbrackets == capacity)
		{
			capacity *= 2;
			grid->brackets = repalloc(grid->brackets, capacity * sizeof(GridBracket));
		}
		grid->brackets[grid->nbrackets].first = (int32) first;
		grid->brackets[grid->nbrackets].last = (int32) last;
		grid->nbrackets++;
	} while (take(in, ','));
	if (in->at < in->end)
		refuse_word(in, in->at, word_end(in, in->at), "an offset", BRACKETS_HINT);
}

static void
read_min_events(Reader *in, Grid *grid)
{
	const char *start = in->at;
	int64 number;
	bool negative = take(in, '-');

	if (!read_digits(in, &number) || in->at < in->end)
		refuse_word(in, start, in->end, "a whole number", NULL);
	if (negative || number < 1 || number > PG_INT32_MAX)
		refuse_value(in, pstrdup("min_events must be 1 or more, and fit into an integer"), NULL,
					 NULL);
	grid->min_events = (int32) number;
}

static void
read_as_of(Reader *in, Grid *grid)
{
	static const char what[] = "a date and time";
	int64 time = 0, day = read_date(in, what, TIME_HINT);

	if (in->at < in->end)
	{
		if (!take(in, ' ') && !take(in, 'T') && !take(in, 't'))
			refuse_word(in, in->at, in->end, "a time of day", TIME_HINT);
		skip_blanks(in);
		time = read_time(in, "a time of day");
	}
	grid->as_of = day * USECS_PER_DAY + time;
	grid->has_as_of = true;
}

#define GAP_HINT "Write a length of time as a number and a unit, for example \"90 days\"."

/* The number and the unit of a period; kept as months, days or hours, so that equal gaps are equal text. */
static void
read_gap(Reader *in, Grid *grid)
{
	static const GridGap units[] = {
		[GRID_HOUR] = {.hours = 1},	  [GRID_DAY] = {.days = 1},		  [GRID_WEEK] = {.days = 7},
		[GRID_MONTH] = {.months = 1}, [GRID_QUARTER] = {.months = 3}, [GRID_YEAR] = {.months = 12}};
	const char *start = in->at;
	const GridGap *unit;
	Grid length;

	if (in->at >= in->end)
		refuse_word(in, in->at, in->end, "a length of time", GAP_HINT);
	read_unit(in, &length);
	skip_blanks(in);
	if (in->at < in->end)
		refuse_word(in, start, in->end, "a length of time", GAP_HINT);
	unit = &units[length.unit];
	grid->reactivation_within = (GridGap){.months = length.count * unit->months,
										  .days = length.count * unit->days,
										  .hours = length.count * unit->hours};
}

GridGap
gap_of_interval(const char *name, const Interval *interval)
{
	int64 hours = interval->time / USECS_PER_HOUR;
	GridGap gap = {interval->month, interval->day, (int32) Min(hours, PG_INT32_MAX)};

	if (interval->time % USECS_PER_HOUR != 0 || gap.months < 0 || gap.days < 0 || hours < 0 ||
		(gap.months > 0) + (gap.days > 0) + (hours > 0) != 1 ||
		Max(Max(gap.months, gap.days), gap.hours) > MAX_COUNT * 12)
		refuse_value(NULL,
					 psprintf("%s must be a number of months, days or hours, not %s", name,
							  DatumGetCString(
								  DirectFunctionCall1(interval_out, IntervalPGetDatum(interval)))),
					 NULL, psprintf("For example, %s => interval '90 days'.", name));
	return gap;
}

static const char *const option_names[] = {"week_start", "time_zone", "origin",
										   "windows",	 "cohorts",	  "brackets",
										   "min_events", "as_of",	  "reactivation_within"};
static void (*const option_readers[])(Reader *, Grid *) = {
	read_week_start, read_time_zone,  read_origin, read_windows, read_cohorts,
	read_brackets,	 read_min_events, read_as_of,  read_gap};

/* ---------- the whole ---------- */

static void
check(const Reader *in, const Grid *grid)
{
	if (grid->unit == GRID_HOUR && grid->windows == GRID_CALENDAR &&
		(grid->count > HOURS_PER_DAY || HOURS_PER_DAY % grid->count != 0))
		refuse_value(in, psprintf("%d hours do not divide the day", grid->count), NULL,
					 "Calendar periods of hours are 1, 2, 3, 4, 6, 8, 12 or 24 hours long; "
					 "with windows=elapsed they may have any length.");
}

Grid *
grid_new(void)
{
	Grid *grid = palloc0(sizeof(Grid));

	grid->unit = GRID_MONTH;
	grid->count = 1;
	grid->week_start = 1;
	grid->min_events = 1;
	return grid;
}

static Grid *
read_grid(Reader *in)
{
	Grid *grid = grid_new();
	bool given[lengthof(option_names)] = {false};

	trim(in);
	read_unit(in, grid);
	skip_blanks(in);
	while (in->at < in->end)
	{
		const char *word = in->at, *end;
		Reader value;
		int option;

		if (!take(in, ';'))
		{
			end = word_end(in, word);
			refuse(in,
				   psprintf("\"%.*s\" at position %d is not expected there.", (int) (end - word),
							word, position_of(in, word)),
				   is_digit(*word)
					   ? "Write the number before the unit, for example \"28 days\"."
					   : "Options follow after semicolons, for example \"month; time_zone=UTC\".");
		}
		skip_blanks(in);
		word = in->at;
		end = word_end(in, word);
		option = find_name(word, end, option_names, lengthof(option_names));
		if (option < 0)
			refuse_word(in, word, end, "an option",
						hint_near(word, end, option_names, lengthof(option_names), OPTIONS_HINT));
		if (given[option])
			refuse(in,
				   psprintf("Option \"%s\" at position %d is given twice.", option_names[option],
							position_of(in, word)),
				   NULL);
		given[option] = true;
		in->at = end;
		skip_blanks(in);
		if (!take(in, '='))
			refuse_word(in, in->at, word_end(in, in->at), "an equals sign",
						psprintf("Write \"%s=\" and its value.", option_names[option]));

		value = *in;
		value.end = memchr(in->at, ';', in->end - in->at);
		if (value.end == NULL)
			value.end = in->end;
		in->at = value.end;
		trim(&value);
		option_readers[option](&value, grid);
	}
	check(in, grid);
	return grid;
}

Grid *
grid_read(const char *input)
{
	Reader in = {.text = input, .at = input, .end = input + strlen(input)};

	return read_grid(&in);
}

Grid *
grid_read_stored(const char *bytes, int length)
{
	Reader in = {.stored = true, .text = bytes, .at = bytes, .end = bytes + length};
	Grid *grid = read_grid(&in);
	char *canonical = grid_write(grid);

	if (strlen(canonical) != length || memcmp(canonical, bytes, length) != 0)
		wire_corrupt("retention_grid", "Its text is not that of a grid.");
	pfree(canonical);
	return grid;
}

void
grid_read_argument(Grid *grid, const char *name, const char *value)
{
	Reader in = {.argument = name, .text = value, .at = value, .end = value + strlen(value)};

	trim(&in);
	if (strcmp(name, "unit") != 0)
	{
		int option = find_name(name, name + strlen(name), option_names, lengthof(option_names));

		Assert(option >= 0);
		option_readers[option](&in, grid);
		return;
	}
	read_unit(&in, grid);
	if (in.at < in.end)
		refuse(
			&in,
			psprintf("\"%.*s\" at position %d is not expected there.", (int) (in.end - in.at),
					 in.at, position_of(&in, in.at)),
			"Options are arguments of their own: retention_grid('month', week_start => 'sunday').");
}

void
grid_check(const Grid *grid)
{
	check(NULL, grid);
	if (grid->min_events < 1)
		refuse_value(NULL, pstrdup("min_events must be 1 or more, and fit into an integer"), NULL,
					 NULL);
}

void
grid_check_date(const char *name, int64 day)
{
	if (day < day_of_civil(1 * 12, 1) || day > day_of_civil(MAX_YEAR * 12 + 11, 31))
		refuse_value(NULL, psprintf("%s must lie in the years 0001 to %d", name, MAX_YEAR), NULL,
					 NULL);
}

/* ---------- writing ---------- */

static void
write_date(StringInfo out, int64 day)
{
	Civil civil = civil_of_day(day);

	appendStringInfo(out, "%04d-%02d-%02d", (int) (civil.month / 12), (int) (civil.month % 12 + 1),
					 civil.day);
}

static void
write_time(StringInfo out, int64 time)
{
	int seconds = (int) (time / USECS_PER_SEC);
	int fraction = (int) (time % USECS_PER_SEC);

	appendStringInfo(out, " %02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
	if (fraction != 0)
	{
		appendStringInfo(out, ".%06d", fraction);
		while (out->data[out->len - 1] == '0')
			out->data[--out->len] = '\0';
	}
}

char *
grid_period_text(const Grid *grid)
{
	const char *unit = grid_unit_names[grid->unit];

	return grid->count == 1 ? pstrdup(unit) : psprintf("%d %ss", grid->count, unit);
}

char *
grid_bracket_text(GridBracket bracket)
{
	return bracket.first == bracket.last ? psprintf("%d", bracket.first)
										 : psprintf("%d-%d", bracket.first, bracket.last);
}

char *
grid_period_label(const Grid *grid, int64 period)
{
	GridBracket bracket = {(int32) period, (int32) period};
	const char *unit = grid->count == 1 ? grid_unit_names[grid->unit] : "period";

	if (period > 0 && period <= grid->nbrackets)
		bracket = grid->brackets[period - 1];
	return psprintf("%s%s %s", unit, bracket.first == bracket.last ? "" : "s",
					grid_bracket_text(bracket));
}

char *
grid_gap_text(const GridGap *gap)
{
	int32 count = gap->months + gap->days + gap->hours;

	return psprintf("%d %s%s", count,
					gap->months > 0 ? "month"
					: gap->days > 0 ? "day"
									: "hour",
					count == 1 ? "" : "s");
}

char *
grid_write(const Grid *grid)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, grid_period_text(grid));
	if (grid->week_start != 1)
		appendStringInfo(&out, "; week_start=%s", grid_day_names[grid->week_start]);
	if (grid->zone_name != NULL)
		appendStringInfo(&out, "; time_zone=%s", grid->zone_name);
	if (grid->has_origin)
	{
		appendStringInfoString(&out, "; origin=");
		write_date(&out, grid->origin);
	}
	if (grid->windows != GRID_CALENDAR)
		appendStringInfo(&out, "; windows=%s", grid_windows_names[grid->windows]);
	if (grid->cohorts != GRID_FIRST)
		appendStringInfo(&out, "; cohorts=%s", grid_cohorts_names[grid->cohorts]);
	for (int i = 0; i < grid->nbrackets; i++)
	{
		appendStringInfoString(&out, i == 0 ? "; brackets=" : ",");
		appendStringInfoString(&out, grid_bracket_text(grid->brackets[i]));
	}
	if (grid->min_events != 1)
		appendStringInfo(&out, "; min_events=%d", grid->min_events);
	if (grid->has_as_of)
	{
		int64 day = floor_divide(grid->as_of, USECS_PER_DAY);

		appendStringInfoString(&out, "; as_of=");
		write_date(&out, day);
		write_time(&out, grid->as_of - day * USECS_PER_DAY);
	}
	if (gap_is_set(&grid->reactivation_within))
		appendStringInfo(&out, "; reactivation_within=%s",
						 grid_gap_text(&grid->reactivation_within));
	return out.data;
}
