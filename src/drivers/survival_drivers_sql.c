/*
 * survival_drivers_sql.c
 *		Churn drivers over time: survival by attribute, as SQL calls it.
 */
#include "retention.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/check.h"
#include "catalog/pg_type.h"
#include "drivers/attributes_sql.h"
#include "drivers/survival_drivers.h"
#include "math/compare.h"
#include "math/quantile.h"
#include "survival/survival.h"
#include "survival/times_sql.h"
#include "utils/array.h"
#include "utils/builtins.h"

static const StoredType survival_drivers_type = {
	.name = "retention_survival_drivers",
	.kind = WIRE_SURVIVAL_DRIVERS,
	.read = times_read,
	.write = times_write,
	.describe = times_type_describe,
	.use = "survival_driver_ranking()",
	.version = TIMES_VERSION,
	.least = sizeof(TimeTable),
	.is_own = counted_is_own,
	.copy = times_copy,
	.merge = stays_merge,
};

STORED_TYPE_FUNCTIONS(retention_survival_drivers, survival_drivers_type)
STORED_TYPE_ORDER(retention_survival_drivers, survival_drivers_type)

/*
 * (state, duration, churned, attributes [, entry]): one customer. The attributes are a record, or one value of a type.
 */
static Datum
add_customer(FunctionCallInfo fcinfo, Oid type)
{
	TimeTable *table = stored_type_state(fcinfo, &survival_drivers_type);
	AttributeReader *reader;
	double duration;
	double entry = -1;

	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	duration = check_time(PG_GETARG_FLOAT8(1), "duration");
	if (PG_NARGS() > 4 && !PG_ARGISNULL(4))
		entry = check_time(PG_GETARG_FLOAT8(4), "entry");
	reader = attributes_argument(fcinfo, 3, type);
	if (table == NULL)
		table = times_new(WIRE_SURVIVAL_DRIVERS);
	if (PG_ARGISNULL(2))
		count_add(&table->unknown, 1);
	else if (entry >= duration)
		count_add(&table->never_at_risk, 1);
	else
		stays_add(&table, reader, duration, PG_GETARG_BOOL(2) ? TIME_CHURNED : TIME_CENSORED,
				  entry);
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

typedef struct Ranked
{
	const StayAttribute *attribute;
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

/*
 * The standard deviation of the logarithm of the hazard among customers, without what chance alone makes of it: with
 * hazards that differ little, chi-squared is expected to be df + departures * variance (D. A. Schoenfeld, "The
 * asymptotic properties of nonparametric tests for comparing survival distributions", Biometrika 68 (1981) 316-319).
 */
static double
effect_size(const TestResult *test)
{
	double departures = 0;

	for (int i = 0; i < test->groups; i++)
		departures += test->observed[i];
	return sqrt(fmax(test->chi2 - test->df, 0) / departures);
}

/* survival_driver_ranking(state) -> the log-rank test of every attribute */
RETENTION_FUNCTION(survival_driver_ranking);
Datum
survival_driver_ranking(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const TimeTable *table = times_open(PG_GETARG_DATUM(0), WIRE_SURVIVAL_DRIVERS);
	int attributes;
	StayAttribute *attribute = stays_attributes(table, &attributes);
	Ranked *ranked = palloc0(sizeof(Ranked) * Max(attributes, 1));
	double *p = palloc(sizeof(double) * Max(attributes, 1));
	double *adjusted = palloc(sizeof(double) * Max(attributes, 1));

	for (int i = 0; i < attributes; i++)
	{
		Ranked *one = &ranked[i];

		one->attribute = &attribute[i];
		one->place = i;
		one->test.chi2 = NAN;
		if (attribute[i].values > MAX_COMPARED)
			one->note = psprintf("more than %d distinct values", MAX_COMPARED);
		else
			one->test = stays_test(table, &attribute[i], &one->note);
		if (attribute[i].values == 1)
			one->note = "one value only";
		else if (one->note == NULL && isnan(one->test.chi2))
			one->note = "nothing to compare";
		if (attribute[i].bands)
			one->note = one->note == NULL ? "in bands" : psprintf("in bands; %s", one->note);
		p[i] = isnan(one->test.chi2) ? NAN : chi_squared_tail(one->test.df, one->test.chi2);
		one->p_value = p[i];
	}
	benjamini_hochberg(p, adjusted, attributes);
	qsort(ranked, attributes, sizeof(Ranked), compare_ranked);
	for (int i = 0; i < attributes; i++)
	{
		bool tested = !isnan(ranked[i].test.chi2);
		Datum values[8];
		bool nulls[8] = {false};

		values[0] = CStringGetTextDatum(ranked[i].attribute->name);
		values[1] = Int32GetDatum(ranked[i].attribute->values);
		put_number(values, nulls, 2, ranked[i].test.chi2);
		values[3] = Int32GetDatum(tested ? ranked[i].test.df : 0);
		put_number(values, nulls, 4, ranked[i].p_value);
		put_number(values, nulls, 5, adjusted[ranked[i].place]);
		put_number(values, nulls, 6, tested ? effect_size(&ranked[i].test) : NAN);
		put_text(values, nulls, 7, ranked[i].note);
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

/* The values that others are compared with, from an argument. */
typedef struct References
{
	Tag *value;
	int count;
} References;

static References
references_argument(FunctionCallInfo fcinfo, int number)
{
	References references = {NULL, 0};
	Datum *elements;
	bool *unknown;

	if (PG_ARGISNULL(number))
		return references;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(number), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &unknown, &references.count);
	references.value = palloc(sizeof(Tag) * Max(references.count, 1));
	for (int i = 0; i < references.count; i++)
	{
		text *value = unknown[i] ? NULL : DatumGetTextPP(elements[i]);

		references.value[i] = value == NULL
								  ? (Tag){NULL, -1}
								  : (Tag){VARDATA_ANY(value), (int) VARSIZE_ANY_EXHDR(value)};
	}
	return references;
}

static int64
customers_of(const TimeTable *table, int64 *churned)
{
	int64 customers = 0;

	*churned = 0;
	for (int i = 0; i < table->base.used; i++)
	{
		CHECK_NOW_AND_THEN(i);
		*churned += times_slot(table, i)->rows[TIME_CHURNED];
		customers += times_slot(table, i)->rows[TIME_CENSORED];
	}
	return customers + *churned;
}

/* The value of an attribute that the others are compared with: the first that was asked for, or the most frequent. */
static int
reference_of(const TimeTable *table, const StayAttribute *attribute, const References *references)
{
	int64 *customers = palloc0(sizeof(int64) * attribute->values);
	int most = 0;

	for (int i = 0; i < references->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < attribute->values; j++)
			if (tag_compare(references->value[i], attribute->value[j]) == 0)
				return j;
	}
	for (int i = 0; i < attribute->slots; i++)
	{
		const TimeSlot *slot = times_slot(table, attribute->first_slot + i);

		CHECK_NOW_AND_THEN(i);
		customers[attribute->value_of[slot->base.item - attribute->first_cell]] +=
			slot->rows[TIME_CHURNED] + slot->rows[TIME_CENSORED];
	}
	for (int i = 1; i < attribute->values; i++)
		if (customers[i] > customers[most])
			most = i;
	pfree(customers);
	return most;
}

/* Raises 22023 unless every value that was asked for is one of some attribute. */
static void
check_references(const References *references, const StayAttribute *attribute, int attributes)
{
	for (int i = 0; i < references->count; i++)
	{
		Tag wanted = references->value[i];
		bool known = false;

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < attributes && !known; j++)
			for (int k = 0; k < attribute[j].values && !known; k++)
				known = tag_compare(wanted, attribute[j].value[k]) == 0;
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 wanted.length < 0 ? errmsg("no attribute has a reference value of NULL")
									   : errmsg("no attribute has the reference value \"%s\"",
												pnstrdup(wanted.bytes, wanted.length)),
					 errhint("Values are those of the column \"value\" of the answer.")));
	}
}

/* What all rows of an attribute have in common. */
typedef struct CurveRows
{
	const char *attribute;
	const double *times;
	int asked;
	CurveScale scale;
	double z;
	const char *note;
	Tag reference;
	const RestrictedMean *reference_mean; /* by time; NULL: nothing to compare with */
} CurveRows;

static RestrictedMean
mean_until(const TimeTable *table, double time)
{
	return time > 0 ? restricted_mean_of(table, time) : (RestrictedMean){NAN, NAN, NULL};
}

static void
emit_curve(Emitter *emitter, const TimeTable *table, const CurveRows *rows, Tag value)
{
	SurvivalCurve curve = curve_of(table);
	int64 churned;
	int64 customers = customers_of(table, &churned);

	for (int i = 0; i < rows->asked; i++)
	{
		double time = rows->times[i];
		const SurvivalPoint *point = curve_at(&curve, time);
		double survival = curve_survival(&curve, time);
		Limits limits = {NAN, NAN};
		RestrictedMean mean = mean_until(table, time);
		RestrictedMean other = rows->reference_mean != NULL ? rows->reference_mean[i]
															: (RestrictedMean){NAN, NAN, NULL};
		double difference = mean.mean - other.mean;
		double reach = rows->z * sqrt(mean.variance);
		double difference_reach = rows->z * sqrt(mean.variance + other.variance);
		Datum values[16];
		bool nulls[16] = {false};

		if (!isnan(survival))
			limits =
				curve_limits(rows->scale, survival, point == NULL ? 0 : point->std_error, rows->z);
		put_text(values, nulls, 0, rows->attribute);
		put_tag(values, nulls, 1, value);
		values[2] = Int64GetDatum(customers);
		values[3] = Int64GetDatum(churned);
		values[4] = Float8GetDatum(time);
		put_number(values, nulls, 5, survival);
		put_number(values, nulls, 6, limits.low);
		put_number(values, nulls, 7, limits.high);
		put_number(values, nulls, 8, mean.mean);
		put_number(values, nulls, 9, mean.mean - reach);
		put_number(values, nulls, 10, mean.mean + reach);
		put_tag(values, nulls, 11, rows->reference);
		put_number(values, nulls, 12, difference);
		put_number(values, nulls, 13, difference - difference_reach);
		put_number(values, nulls, 14, difference + difference_reach);
		put_text(values, nulls, 15, rows->note != NULL ? rows->note : mean.note);
		emit_row(emitter, values, nulls);
	}
}

/* survival_driver_table(state, times, ci, confidence, reference) -> rows by attribute, value and time */
RETENTION_FUNCTION(survival_driver_table);
Datum
survival_driver_table(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const TimeTable *table;
	CurveRows rows = {0};
	References references;
	int attributes;
	StayAttribute *attribute;
	RestrictedMean *reference_mean;

	for (int i = 0; i < 4; i++)
		if (PG_ARGISNULL(i))
			return (Datum) 0;
	table = times_open(PG_GETARG_DATUM(0), WIRE_SURVIVAL_DRIVERS);
	rows.times = times_argument(fcinfo, 1, &rows.asked);
	rows.scale = curve_scale(text_argument(fcinfo, 2));
	rows.z = two_sided_z(check_confidence(PG_GETARG_FLOAT8(3)));
	references = references_argument(fcinfo, 4);
	attribute = stays_attributes(table, &attributes);
	check_references(&references, attribute, attributes);
	reference_mean = palloc(sizeof(RestrictedMean) * Max(rows.asked, 1));

	for (int i = 0; i < attributes; i++)
	{
		bool many = attribute[i].values > MAX_COMPARED;
		int reference = many ? -1 : reference_of(table, &attribute[i], &references);
		TimeTable *of = stays_of_value(table, &attribute[i], reference);

		rows.attribute = attribute[i].name;
		rows.note = many ? psprintf("more than %d distinct values", MAX_COMPARED) : NULL;
		rows.reference = many ? (Tag){NULL, -1} : attribute[i].value[reference];
		rows.reference_mean = NULL;
		if (many)
			emit_curve(&emitter, of, &rows, rows.reference);
		for (int j = 0; j < rows.asked && !many; j++)
		{
			CHECK_FOR_INTERRUPTS();
			reference_mean[j] = mean_until(of, rows.times[j]);
		}
		pfree(of);
		for (int j = 0; j < attribute[i].values && !many; j++)
		{
			CHECK_FOR_INTERRUPTS();
			of = stays_of_value(table, &attribute[i], j);
			rows.reference_mean = j == reference ? NULL : reference_mean;
			emit_curve(&emitter, of, &rows, attribute[i].value[j]);
			pfree(of);
		}
	}
	return (Datum) 0;
}
