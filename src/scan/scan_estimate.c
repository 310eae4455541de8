/*
 * scan_estimate.c
 *		How many groups there are, where GROUP BY has expressions.
 *
 * The server takes the number of values of date_trunc('month', at) for that of the column, which may be as great as the
 * number of rows. Here it follows from the span of time that the column's statistics know: of periods of a length, of
 * the fields of a moment, of days. A function has no more values than its arguments.
 */
#include "retention.h"

#include "catalog/pg_statistic.h"
#include "catalog/pg_type_d.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "scan/scan_offer.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#define SECONDS_OF_DAY 86400.0
#define DAYS_OF_YEAR 365.2425
#define UNKNOWN (-1.0)

/* A unit of time: its length in seconds, and how many values extract() has; UNKNOWN: as many as there are. */
typedef struct TimeUnit
{
	const char *name;
	double seconds;
	double fields;
} TimeUnit;

static const TimeUnit time_units[] = {
	{"second", 1, UNKNOWN},
	{"minute", 60, 60},
	{"hour", 3600, 24},
	{"day", SECONDS_OF_DAY, 31},
	{"dow", SECONDS_OF_DAY, 7},
	{"isodow", SECONDS_OF_DAY, 7},
	{"doy", SECONDS_OF_DAY, 366},
	{"week", 7 * SECONDS_OF_DAY, 53},
	{"month", DAYS_OF_YEAR / 12 * SECONDS_OF_DAY, 12},
	{"quarter", DAYS_OF_YEAR / 4 * SECONDS_OF_DAY, 4},
	{"year", DAYS_OF_YEAR *SECONDS_OF_DAY, UNKNOWN},
	{"isoyear", DAYS_OF_YEAR *SECONDS_OF_DAY, UNKNOWN},
	{"decade", 10 * DAYS_OF_YEAR *SECONDS_OF_DAY, UNKNOWN},
	{"century", 100 * DAYS_OF_YEAR *SECONDS_OF_DAY, UNKNOWN},
};

/* The unit that a constant names; NULL: none that is known here. Both functions take a plural, too. */
static const TimeUnit *
unit_of(const Node *node)
{
	const Const *constant = (const Const *) node;
	char *name;
	size_t length;

	if (!IsA(node, Const) || constant->constisnull || constant->consttype != TEXTOID)
		return NULL;
	name = text_to_cstring(DatumGetTextPP(constant->constvalue));
	length = strlen(name);
	if (length > 1 && pg_tolower((unsigned char) name[length - 1]) == 's')
		name[length - 1] = '\0';
	for (size_t i = 0; i < lengthof(time_units); i++)
		if (pg_strcasecmp(name, time_units[i].name) == 0)
			return &time_units[i];
	return NULL;
}

static bool
is_time(Oid type)
{
	return type == DATEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID;
}

/* ---- how long a span the values of an expression cover ---- */

typedef struct TimeRange
{
	bool known;
	double low; /* seconds */
	double high;
} TimeRange;

static void
widen_range(VariableStatData *variable, int kind, Oid type, TimeRange *range)
{
	AttStatsSlot slot;

	if (!get_attstatsslot(&slot, variable->statsTuple, kind, InvalidOid, ATTSTATSSLOT_VALUES))
		return;
	for (int i = 0; i < slot.nvalues; i++)
	{
		double seconds;

		if (type == DATEOID)
		{
			DateADT day = DatumGetDateADT(slot.values[i]);

			if (DATE_NOT_FINITE(day))
				continue;
			seconds = day * SECONDS_OF_DAY;
		}
		else
		{
			Timestamp moment = DatumGetTimestamp(slot.values[i]);

			if (TIMESTAMP_NOT_FINITE(moment))
				continue;
			seconds = (double) moment / USECS_PER_SEC;
		}
		range->low = range->known ? Min(range->low, seconds) : seconds;
		range->high = range->known ? Max(range->high, seconds) : seconds;
		range->known = true;
	}
	free_attstatsslot(&slot);
}

/* The only argument that is no constant; NULL: there are others, or none. */
static Node *
only_argument(Node *expression)
{
	List *arguments;
	Node *only = NULL;
	ListCell *cell;

	if (IsA(expression, RelabelType))
		return (Node *) ((RelabelType *) expression)->arg;
	if (IsA(expression, FuncExpr))
		arguments = ((FuncExpr *) expression)->args;
	else if (IsA(expression, OpExpr))
		arguments = ((OpExpr *) expression)->args;
	else
		return NULL;
	foreach (cell, arguments)
	{
		if (IsA(lfirst(cell), Const))
			continue;
		if (only != NULL)
			return NULL;
		only = lfirst(cell);
	}
	return only;
}

/* In seconds. What makes a time of another one moves each by about the same: an interval, the start of a month. */
static double
span_of(PlannerInfo *root, Node *expression)
{
	VariableStatData variable;
	TimeRange range = {0};
	Oid type = exprType(expression);
	Node *argument = only_argument(expression);

	if (!is_time(type))
		return UNKNOWN;
	if (argument != NULL)
		return span_of(root, argument);
	examine_variable(root, expression, 0, &variable);
	if (HeapTupleIsValid(variable.statsTuple) && variable.acl_ok)
	{
		widen_range(&variable, STATISTIC_KIND_HISTOGRAM, type, &range);
		widen_range(&variable, STATISTIC_KIND_MCV, type, &range);
	}
	ReleaseVariableStats(variable);
	return range.known ? range.high - range.low : UNKNOWN;
}

/* ---- how many values an expression has ---- */

static double
less_of(double a, double b)
{
	if (a == UNKNOWN || b == UNKNOWN)
		return Max(a, b);
	return Min(a, b);
}

static double
periods_of(PlannerInfo *root, Node *argument, double length)
{
	double span = span_of(root, argument);

	return span == UNKNOWN || length <= 0 ? UNKNOWN : span / length + 1;
}

/* Of a call, by what the function does. */
static double
values_of_call(PlannerInfo *root, const FuncExpr *call)
{
	const TimeUnit *unit;

	switch (call->funcid)
	{
		case F_DATE_TRUNC_TEXT_TIMESTAMP:
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ:
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT:
			unit = unit_of(linitial(call->args));
			return unit == NULL ? UNKNOWN : periods_of(root, lsecond(call->args), unit->seconds);
		case F_EXTRACT_TEXT_DATE:
		case F_EXTRACT_TEXT_TIMESTAMP:
		case F_EXTRACT_TEXT_TIMESTAMPTZ:
		case F_DATE_PART_TEXT_DATE:
		case F_DATE_PART_TEXT_TIMESTAMP:
		case F_DATE_PART_TEXT_TIMESTAMPTZ:
			unit = unit_of(linitial(call->args));
			if (unit == NULL)
				return UNKNOWN;
			return less_of(unit->fields, periods_of(root, lsecond(call->args), unit->seconds));
		case F_DATE_TIMESTAMP:
		case F_DATE_TIMESTAMPTZ:
			return periods_of(root, linitial(call->args), SECONDS_OF_DAY);
		default:
			return UNKNOWN;
	}
}

static double
values_of(PlannerInfo *root, Node *expression)
{
	double values = UNKNOWN;
	double of_arguments = 1;
	List *arguments;
	ListCell *cell;

	if (IsA(expression, FuncExpr))
	{
		const FuncExpr *call = (const FuncExpr *) expression;

		if (call->funcretset)
			return UNKNOWN;
		values = values_of_call(root, call);
		arguments = call->args;
	}
	else if (IsA(expression, OpExpr))
		arguments = ((OpExpr *) expression)->args;
	else if (IsA(expression, RelabelType))
		arguments = list_make1(((RelabelType *) expression)->arg);
	else if (IsA(expression, CoerceViaIO))
		arguments = list_make1(((CoerceViaIO *) expression)->arg);
	else
		return UNKNOWN;

	if (contain_volatile_functions(expression))
		return UNKNOWN;
	foreach (cell, arguments)
	{
		double of_argument;

		if (IsA(lfirst(cell), Const))
			continue;
		of_argument = values_of(root, lfirst(cell));
		if (of_argument == UNKNOWN)
			return values;
		of_arguments *= of_argument;
	}
	return less_of(values, of_arguments);
}

double
scan_estimate_groups(PlannerInfo *root, List *expressions, double rows)
{
	double all = estimate_num_groups(root, expressions, rows, NULL, NULL);
	double groups = 1;
	List *others = NIL;
	ListCell *cell;

	foreach (cell, expressions)
	{
		double values = values_of(root, lfirst(cell));

		if (values == UNKNOWN)
			others = lappend(others, lfirst(cell));
		else
			groups *= values;
	}
	if (list_length(others) == list_length(expressions))
		return all;
	if (others != NIL)
		groups *= estimate_num_groups(root, others, rows, NULL, NULL);
	return clamp_row_est(Min(groups, all));
}
