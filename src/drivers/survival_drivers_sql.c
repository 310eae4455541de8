/*
 * survival_drivers_sql.c
 *		Churn drivers over time: survival by attribute, as SQL calls it.
 *
 * The state is a table of times whose cells are the values of the attributes: the group is the value, as text, and
 * the stratum the attribute, as the three digits of its column and its name. Every customer is in one cell of each.
 */
#include "retention.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/check.h"
#include "drivers/attributes_sql.h"
#include "math/compare.h"
#include "math/quantile.h"
#include "survival/logrank.h"
#include "survival/survival.h"
#include "survival/times_sql.h"
#include "utils/builtins.h"

/* Values of one attribute that are compared. */
#define MAX_COMPARED 100
/* Digits of the column in front of an attribute's name. */
#define COLUMN_DIGITS 3

static const StoredType survival_drivers_type =
	TIMES_TYPE("retention_survival_drivers", WIRE_SURVIVAL_DRIVERS, "survival_driver_ranking()");

STORED_TYPE_FUNCTIONS(retention_survival_drivers, survival_drivers_type)
STORED_TYPE_ORDER(retention_survival_drivers, survival_drivers_type)

static Tag
value_tag(AttributeKind kind, AttributeValue value)
{
	char *string;

	if (value.null)
		return (Tag){NULL, -1};
	if (kind == ATTRIBUTE_TEXT)
	{
		if (value.length > MAX_VALUE_BYTES)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("the value of an attribute is longer than %d bytes", MAX_VALUE_BYTES)));
		return (Tag){value.bytes, value.length};
	}
	string = attribute_value_text(kind, value.integer, value.number + 0.0);
	return (Tag){string, (int) strlen(string)};
}

/* (state, duration, churned, attributes): one customer. The attributes are a record, or one value of a type. */
static Datum
add_customer(FunctionCallInfo fcinfo, Oid type)
{
	TimeTable *table = stored_type_state(fcinfo, &survival_drivers_type);
	AttributeReader *reader;
	TimeWhat what;
	double duration;

	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	duration = check_time(PG_GETARG_FLOAT8(1), "duration");
	reader = attributes_argument(fcinfo, 3, type);
	if (table == NULL)
		table = times_new(WIRE_SURVIVAL_DRIVERS);
	if (PG_ARGISNULL(2))
	{
		count_add(&table->unknown, 1);
		PG_RETURN_POINTER(table);
	}
	what = PG_GETARG_BOOL(2) ? TIME_CHURNED : TIME_CENSORED;
	for (int i = 0; i < reader->count; i++)
	{
		char stratum[COLUMN_DIGITS + NAMEDATALEN];
		int length =
			snprintf(stratum, sizeof(stratum), "%0*d%s", COLUMN_DIGITS, i, reader->column[i].name);
		int cell =
			times_find_cell(&table, value_tag(reader->column[i].kind, attribute_value(reader, i)),
							(Tag){stratum, length});

		times_count(&table, duration, cell, what, WEIGHT_ONE);
	}
	PG_RETURN_POINTER(table);
}

#define SURVIVAL_DRIVERS_TRANSITION(name, type)                                                    \
	RETENTION_FUNCTION(name);                                                                      \
	Datum name(PG_FUNCTION_ARGS)                                                                   \
	{                                                                                              \
		return add_customer(fcinfo, type);                                                         \
	}                                                                                              \
	extern int no_such_variable

ATTRIBUTE_FORMS(SURVIVAL_DRIVERS_TRANSITION, survival_drivers);

STORED_TYPE_COMBINE(survival_drivers_combine, survival_drivers_type)

RETENTION_FORWARD(survival_drivers_final, times_finish(fcinfo, WIRE_SURVIVAL_DRIVERS))

/* One attribute of a sorted table: its cells and its slots, which lie together. */
typedef struct Stratum
{
	char *name;
	int first_cell;
	int cells;
	int first_slot;
	int slots;
} Stratum;

static Stratum *
strata_of(const TimeTable *table, int *strata)
{
	Stratum *stratum = palloc0(sizeof(Stratum) * Max(table->base.items, 1));
	int64 *customers = palloc0(sizeof(int64) * Max(table->base.items, 1));
	int slot = 0;
	int n = 0;

	for (int i = 0; i < table->base.items; i++)
	{
		const TimeCell *cell = times_cell(table, i);

		if (n == 0 || cell->stratum != n - 1)
		{
			Tag tag = times_stratum(table, i);

			if (tag.length <= COLUMN_DIGITS)
				wire_corrupt(times_type_name(WIRE_SURVIVAL_DRIVERS), "An attribute has no name.");
			stratum[n].name = pnstrdup(tag.bytes + COLUMN_DIGITS, tag.length - COLUMN_DIGITS);
			stratum[n].first_cell = i;
			stratum[n].first_slot = slot;
			for (; slot < table->base.used &&
				   times_cell(table, times_slot(table, slot)->base.item)->stratum == n;
				 slot++)
			{
				const TimeSlot *one = times_slot(table, slot);

				CHECK_NOW_AND_THEN(slot);
				stratum[n].slots++;
				customers[n] += one->rows[TIME_CHURNED] + one->rows[TIME_CENSORED];
			}
			n++;
		}
		stratum[n - 1].cells++;
	}
	/* Different if some rows had other columns; hostile bytes may say so, too. */
	for (int i = 1; i < n; i++)
		if (customers[i] != customers[0])
			attributes_changed(stratum[0].name, stratum[i].name);
	pfree(customers);
	*strata = n;
	return stratum;
}

/*
 * The log-rank test of an attribute. Its chi-squared is rough, and far too large in the tail, where few departures are
 * expected of a value: such values are put together and tested again.
 */
static TestResult
test_stratum(const TimeTable *table, const Stratum *stratum, const char **note)
{
	TestRow *row =
		palloc_extended(mul_size(Max(stratum->slots, 1), sizeof(TestRow)), MCXT_ALLOC_HUGE);
	int *group = palloc(sizeof(int) * stratum->cells);
	TestResult result;
	int groups;

	for (int i = 0; i < stratum->slots; i++)
	{
		const TimeSlot *slot = times_slot(table, stratum->first_slot + i);

		CHECK_NOW_AND_THEN(i);
		row[i].stratum = 0;
		row[i].group = slot->base.item - stratum->first_cell;
		row[i].time = slot->time;
		for (int what = 0; what < TIME_WHATS; what++)
			row[i].count[what] = (double) slot->rows[what];
	}
	result = test_groups(row, stratum->slots, stratum->cells, TEST_LOGRANK, 0);
	groups = pool_values(result.expected, stratum->cells, group);
	if (groups < stratum->cells)
	{
		for (int i = 0; i < stratum->slots; i++)
			row[i].group = group[row[i].group];
		result = test_groups(row, stratum->slots, groups, TEST_LOGRANK, 0);
		*note = psprintf(isnan(result.chi2) ? FEW_EXPECTED_NOTE : POOLED_NOTE, FEW_EXPECTED);
	}
	return result;
}

typedef struct Ranked
{
	const Stratum *stratum;
	TestResult test;
	double p_value;
	const char *note;
	int place;
} Ranked;

static int
compare_ranked(const void *a, const void *b)
{
	const Ranked *one = a;
	const Ranked *other = b;

	if (isnan(one->p_value) != isnan(other->p_value))
		return isnan(one->p_value) - isnan(other->p_value);
	if (one->p_value < other->p_value || one->p_value > other->p_value)
		return one->p_value < other->p_value ? -1 : 1;
	/* The p-values are too small for a number: the larger chi-squared comes first. */
	if (one->test.chi2 / one->test.df != other->test.chi2 / other->test.df && !isnan(one->p_value))
		return one->test.chi2 / one->test.df > other->test.chi2 / other->test.df ? -1 : 1;
	return one->place - other->place;
}

/* survival_driver_ranking(state) -> the log-rank test of every attribute */
RETENTION_FUNCTION(survival_driver_ranking);
Datum
survival_driver_ranking(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const TimeTable *table = times_open(PG_GETARG_DATUM(0), WIRE_SURVIVAL_DRIVERS);
	int strata;
	Stratum *stratum = strata_of(table, &strata);
	Ranked *ranked = palloc0(sizeof(Ranked) * Max(strata, 1));
	double *p = palloc(sizeof(double) * Max(strata, 1));
	double *adjusted = palloc(sizeof(double) * Max(strata, 1));

	for (int i = 0; i < strata; i++)
	{
		ranked[i].stratum = &stratum[i];
		ranked[i].place = i;
		ranked[i].test.chi2 = NAN;
		if (stratum[i].cells > MAX_COMPARED)
			ranked[i].note = psprintf("more than %d distinct values", MAX_COMPARED);
		else
			ranked[i].test = test_stratum(table, &stratum[i], &ranked[i].note);
		if (stratum[i].cells == 1)
			ranked[i].note = "one value only";
		else if (ranked[i].note == NULL && isnan(ranked[i].test.chi2))
			ranked[i].note = "nothing to compare";
		p[i] = isnan(ranked[i].test.chi2)
				   ? NAN
				   : chi_squared_tail(ranked[i].test.df, ranked[i].test.chi2);
		ranked[i].p_value = p[i];
	}
	benjamini_hochberg(p, adjusted, strata);
	qsort(ranked, strata, sizeof(Ranked), compare_ranked);
	for (int i = 0; i < strata; i++)
	{
		Datum values[7];
		bool nulls[7] = {false};

		values[0] = CStringGetTextDatum(ranked[i].stratum->name);
		values[1] = Int32GetDatum(ranked[i].stratum->cells);
		put_number(values, nulls, 2, ranked[i].test.chi2);
		values[3] = Int32GetDatum(isnan(ranked[i].test.chi2) ? 0 : ranked[i].test.df);
		put_number(values, nulls, 4, ranked[i].p_value);
		put_number(values, nulls, 5, adjusted[ranked[i].place]);
		put_text(values, nulls, 6, ranked[i].note);
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

/* The survival table of one cell of an attribute, sorted and without tags; cell -1: of all of them. */
static const TimeTable *
table_of_cell(const TimeTable *table, const Stratum *stratum, int cell)
{
	TimeTable *of = (TimeTable *) counted_alloc(counted_times, WIRE_SURVIVAL, COUNTED_SORTED,
												counted_times->slot_size, stratum->slots, 0, 0);

	for (int i = 0; i < stratum->slots; i++)
	{
		const TimeSlot *from = times_slot(table, stratum->first_slot + i);
		TimeSlot *to = of->base.used > 0 ? times_slot(of, of->base.used - 1) : NULL;

		CHECK_NOW_AND_THEN(i);
		if (cell >= 0 && from->base.item != cell)
			continue;
		if (to != NULL && to->time == from->time)
			for (int what = 0; what < TIME_WHATS; what++)
				to->rows[what] += from->rows[what];
		else
		{
			to = times_slot(of, of->base.used++);
			*to = *from;
			to->base.item = 0;
		}
	}
	of->base.capacity = of->base.used;
	return of;
}

static void
emit_curve(Emitter *emitter, const TimeTable *table, const char *attribute, Tag value,
		   const double *times, int asked, CurveScale scale, double z, const char *note)
{
	SurvivalCurve curve = curve_of(table);
	int64 customers = 0;
	int64 churned = 0;

	for (int i = 0; i < table->base.used; i++)
	{
		CHECK_NOW_AND_THEN(i);
		churned += times_slot(table, i)->rows[TIME_CHURNED];
		customers += times_slot(table, i)->rows[TIME_CENSORED];
	}
	customers += churned;
	for (int i = 0; i < asked; i++)
	{
		const SurvivalPoint *point = curve_at(&curve, times[i]);
		double survival = curve_survival(&curve, times[i]);
		Limits limits = {NAN, NAN};
		RestrictedMean mean = {NAN, NAN, NULL};
		Datum values[12];
		bool nulls[12] = {false};
		double reach;

		if (!isnan(survival))
			limits = curve_limits(scale, survival, point == NULL ? 0 : point->std_error, z);
		if (times[i] > 0)
			mean = restricted_mean_of(table, times[i]);
		reach = z * sqrt(mean.variance);
		put_text(values, nulls, 0, attribute);
		put_tag(values, nulls, 1, value);
		values[2] = Int64GetDatum(customers);
		values[3] = Int64GetDatum(churned);
		values[4] = Float8GetDatum(times[i]);
		put_number(values, nulls, 5, survival);
		put_number(values, nulls, 6, limits.low);
		put_number(values, nulls, 7, limits.high);
		put_number(values, nulls, 8, mean.mean);
		put_number(values, nulls, 9, mean.mean - reach);
		put_number(values, nulls, 10, mean.mean + reach);
		put_text(values, nulls, 11, note != NULL ? note : mean.note);
		emit_row(emitter, values, nulls);
	}
}

/* survival_driver_table(state, times, ci, confidence) -> rows by attribute, value and time */
RETENTION_FUNCTION(survival_driver_table);
Datum
survival_driver_table(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const TimeTable *table = times_open(PG_GETARG_DATUM(0), WIRE_SURVIVAL_DRIVERS);
	int asked;
	double *times = times_argument(fcinfo, 1, &asked);
	CurveScale scale = curve_scale(text_argument(fcinfo, 2));
	double z = two_sided_z(check_confidence(PG_GETARG_FLOAT8(3)));
	int strata;
	Stratum *stratum = strata_of(table, &strata);

	for (int i = 0; i < strata; i++)
	{
		bool many = stratum[i].cells > MAX_COMPARED;

		if (many)
			emit_curve(&emitter, table_of_cell(table, &stratum[i], -1), stratum[i].name,
					   (Tag){NULL, -1}, times, asked, scale, z,
					   psprintf("more than %d distinct values", MAX_COMPARED));
		for (int j = 0; j < stratum[i].cells && !many; j++)
		{
			int cell = stratum[i].first_cell + j;
			const TimeTable *of = table_of_cell(table, &stratum[i], cell);

			CHECK_FOR_INTERRUPTS();
			emit_curve(&emitter, of, stratum[i].name, times_group(table, cell), times, asked, scale,
					   z, NULL);
			pfree(unconstify(TimeTable *, of));
		}
	}
	return (Datum) 0;
}
