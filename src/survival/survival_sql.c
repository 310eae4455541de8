/*
 * survival_sql.c
 *		survival() of one row per customer, and what is read off its state, as SQL calls them.
 */
#include "retention.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/check.h"
#include "base/emit.h"
#include "math/quantile.h"
#include "survival/survival.h"
#include "survival/times_sql.h"
#include "utils/builtins.h"

static const StoredType survival_type =
	TIMES_TYPE("retention_survival", WIRE_SURVIVAL, "survival_curve()");

STORED_TYPE_FUNCTIONS(retention_survival, survival_type)
STORED_TYPE_ORDER(retention_survival, survival_type)

/* A weight in units of 2^-40, rounded. */
static int64
weight_units(double weight)
{
	return (int64) rint(check_weight(weight) * (double) WEIGHT_ONE);
}

/* (state, duration, churned [, entry [, weight]]): one customer. */
RETENTION_FUNCTION(survival_transfn);
Datum
survival_transfn(PG_FUNCTION_ARGS)
{
	TimeTable *table = stored_type_state(fcinfo, &survival_type);
	bool has_entry = PG_NARGS() > 3 && !PG_ARGISNULL(3);
	double duration;
	double entry = 0;
	int64 weight = WEIGHT_ONE;

	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	duration = check_time(PG_GETARG_FLOAT8(1), "duration");
	if (has_entry)
		entry = check_time(PG_GETARG_FLOAT8(3), "entry");
	if (PG_NARGS() > 4 && !PG_ARGISNULL(4))
		weight = weight_units(PG_GETARG_FLOAT8(4));

	if (table == NULL)
		table = times_new(WIRE_SURVIVAL);
	if (PG_ARGISNULL(2) || (PG_NARGS() > 4 && PG_ARGISNULL(4)))
		count_add(&table->unknown, 1);
	else if (has_entry && entry >= duration)
		count_add(&table->never_at_risk, 1);
	else if (weight > 0)
	{
		times_count(&table, duration, 0, PG_GETARG_BOOL(2) ? TIME_CHURNED : TIME_CENSORED, weight);
		if (has_entry)
			times_count(&table, entry, 0, TIME_ENTERED, weight);
	}
	PG_RETURN_POINTER(table);
}

/* (state, started, ended, as_of [, records_from]): one customer, in days. */
static Datum
add_membership(FunctionCallInfo fcinfo, TimeKind kind)
{
	TimeTable *table = stored_type_state(fcinfo, &survival_type);
	bool has_end = !PG_ARGISNULL(2);
	bool late = PG_NARGS() > 4 && !PG_ARGISNULL(4);
	double entry = 0;
	double duration;
	int64 started;
	int64 ended;
	int64 as_of;
	int64 from = 0;

	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	as_of = as_of_argument(kind, PG_GETARG_DATUM(3), PG_ARGISNULL(3));
	started = finite_moment(kind, PG_GETARG_DATUM(1), "started");
	ended = has_end ? moment_of_datum(kind, PG_GETARG_DATUM(2)) : as_of;
	if (late)
		from = finite_moment(kind, PG_GETARG_DATUM(4), "records_from");

	if (table == NULL)
		table = times_new(WIRE_SURVIVAL);
	if (started >= as_of)
	{
		count_add(&table->not_started, 1);
		PG_RETURN_POINTER(table);
	}
	has_end = ended < as_of;
	if (!has_end)
		ended = as_of;
	/* A membership that ends where it starts, or before, does not count, as in a flow. */
	if (ended <= started || (late && from >= ended))
	{
		count_add(&table->never_at_risk, 1);
		PG_RETURN_POINTER(table);
	}
	late = late && from > started;
	duration = whole_days(kind, started, ended, has_end);
	if (late)
		entry = whole_days(kind, started, from, false);
	if (late && entry >= duration)
		count_add(&table->never_at_risk, 1);
	else
	{
		times_count(&table, duration, 0, has_end ? TIME_CHURNED : TIME_CENSORED, WEIGHT_ONE);
		if (late)
			times_count(&table, entry, 0, TIME_ENTERED, WEIGHT_ONE);
	}
	PG_RETURN_POINTER(table);
}

RETENTION_FORWARD(survival_date_transfn, add_membership(fcinfo, TIME_DATE))

RETENTION_FORWARD(survival_timestamp_transfn, add_membership(fcinfo, TIME_LOCAL))

RETENTION_FORWARD(survival_timestamptz_transfn, add_membership(fcinfo, TIME_INSTANT))

STORED_TYPE_COMBINE(survival_combine, survival_type)

RETENTION_FORWARD(survival_final, times_finish(fcinfo, WIRE_SURVIVAL))

static const TimeTable *
table_argument(FunctionCallInfo fcinfo, int number)
{
	return times_open(PG_GETARG_DATUM(number), WIRE_SURVIVAL);
}

#define CURVE_COLUMNS 10

static void
emit_point(Emitter *emitter, const SurvivalPoint *point, CurveScale scale, double z)
{
	Datum values[CURVE_COLUMNS];
	bool nulls[CURVE_COLUMNS];
	Limits limits = curve_limits(scale, point->survival, point->std_error, z);

	put_number(values, nulls, 0, point->time);
	put_number(values, nulls, 1, point->at_risk);
	put_number(values, nulls, 2, point->churned);
	put_number(values, nulls, 3, point->censored);
	put_number(values, nulls, 4, point->survival);
	put_number(values, nulls, 5, point->std_error);
	put_number(values, nulls, 6, limits.low);
	put_number(values, nulls, 7, limits.high);
	put_number(values, nulls, 8, point->hazard);
	put_number(values, nulls, 9, point->hazard_std_error);
	emit_row(emitter, values, nulls);
}

/* The row of a time that was asked for: the curve then, with counts until then. */
static SurvivalPoint
point_asked(const TimeTable *table, const SurvivalCurve *curve, double time)
{
	const SurvivalPoint *known = curve_at(curve, time);
	SurvivalPoint point = {.survival = 1};

	if (known != NULL)
		point = *known;
	else if (table->flags & TIME_FRACTIONAL && curve->points > 0 &&
			 isnan(curve->point[0].std_error))
		point.std_error = point.hazard_std_error = NAN;
	if (isnan(curve_survival(curve, time)))
		point.survival = point.std_error = point.hazard = point.hazard_std_error = NAN;
	point.time = time;
	times_counts_at(table, time, &point.at_risk, &point.churned, &point.censored);
	return point;
}

RETENTION_FUNCTION(survival_curve);
Datum
survival_curve(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const TimeTable *table;
	CurveScale scale;
	SurvivalCurve curve;
	double z;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(4))
		return (Datum) 0;
	table = table_argument(fcinfo, 0);
	scale = curve_scale(text_argument(fcinfo, 1));
	z = two_sided_z(check_confidence(PG_GETARG_FLOAT8(2)));
	curve = curve_with(table, hazard_kind(text_argument(fcinfo, 4)));

	if (PG_ARGISNULL(3))
	{
		for (int i = 0; i < curve.points; i++)
			emit_point(&emitter, &curve.point[i], scale, z);
	}
	else
	{
		int asked;
		double *times = times_argument(fcinfo, 3, &asked);

		for (int i = 0; i < asked; i++)
		{
			SurvivalPoint point = point_asked(table, &curve, times[i]);

			emit_point(&emitter, &point, scale, z);
		}
	}
	return (Datum) 0;
}

RETENTION_FUNCTION(survival_at);
Datum
survival_at(PG_FUNCTION_ARGS)
{
	SurvivalCurve curve = curve_of(table_argument(fcinfo, 0));
	double survival = curve_survival(&curve, check_time(PG_GETARG_FLOAT8(1), "time"));

	if (isnan(survival))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(survival);
}

RETENTION_FUNCTION(conditional_survival);
Datum
conditional_survival(PG_FUNCTION_ARGS)
{
	SurvivalCurve curve = curve_of(table_argument(fcinfo, 0));
	double time = check_time(PG_GETARG_FLOAT8(1), "time");
	double given = check_time(PG_GETARG_FLOAT8(2), "time");
	double then;
	double now;

	if (time < given)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time %g lies before the given time %g", time, given)));
	then = curve_survival(&curve, time);
	now = curve_survival(&curve, given);
	if (isnan(then) || !(now > 0))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(then / now);
}

static Datum
answer_quantile(FunctionCallInfo fcinfo, double p, int next)
{
	SurvivalCurve curve = curve_of(table_argument(fcinfo, 0));
	CurveScale scale = curve_scale(text_argument(fcinfo, next));
	double z = two_sided_z(check_confidence(PG_GETARG_FLOAT8(next + 1)));
	Datum values[3];
	bool nulls[3];
	double time;
	Limits limits;

	if (!(p >= 0 && p <= 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("p, the share that has left, must lie between 0 and 1, not %g", p),
						errhint("Write 0.25 for the time by which a quarter have left.")));
	curve_quantile(&curve, p, scale, z, &time, &limits);
	put_number(values, nulls, 0, time);
	put_number(values, nulls, 1, limits.low);
	put_number(values, nulls, 2, limits.high);
	return emit_one(fcinfo, values, nulls);
}

RETENTION_FORWARD(survival_quantile, answer_quantile(fcinfo, PG_GETARG_FLOAT8(1), 2))

RETENTION_FORWARD(median_survival, answer_quantile(fcinfo, 0.5, 1))

static double
positive_argument(FunctionCallInfo fcinfo, int number, const char *what)
{
	double value = PG_GETARG_FLOAT8(number);

	if (!(isfinite(value) && value > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be finite and positive, not %g", what, value)));
	return value;
}

static double
tau_argument(FunctionCallInfo fcinfo, int number)
{
	return positive_argument(fcinfo, number, "tau");
}

static double
finite_argument(FunctionCallInfo fcinfo, int number, const char *what)
{
	double value = PG_GETARG_FLOAT8(number);

	if (!isfinite(value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be finite, not %g", what, value)));
	return value;
}

/* ln(1 + discount), where discount is a fraction for each unit of time. */
static double
force_argument(FunctionCallInfo fcinfo, int number)
{
	return log1p(check_time(PG_GETARG_FLOAT8(number), "discount"));
}

RETENTION_FUNCTION(restricted_mean);
Datum
restricted_mean(PG_FUNCTION_ARGS)
{
	RestrictedMean answer = restricted_mean_of(table_argument(fcinfo, 0), tau_argument(fcinfo, 1));
	double reach = two_sided_z(check_confidence(PG_GETARG_FLOAT8(2))) * sqrt(answer.variance);
	Datum values[5];
	bool nulls[5];

	put_number(values, nulls, 0, answer.mean);
	put_number(values, nulls, 1, sqrt(answer.variance));
	put_number(values, nulls, 2, answer.mean - reach);
	put_number(values, nulls, 3, answer.mean + reach);
	put_text(values, nulls, 4, answer.note);
	return emit_one(fcinfo, values, nulls);
}

static void
check_value(double value)
{
	if (isinf(value))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("the value is too large for double precision")));
}

/* survival_value(state, margin, horizon, discount, confidence): margin times a restricted mean with a discount */
RETENTION_FUNCTION(survival_value);
Datum
survival_value(PG_FUNCTION_ARGS)
{
	const TimeTable *table = table_argument(fcinfo, 0);
	double margin = finite_argument(fcinfo, 1, "margin");
	double horizon = positive_argument(fcinfo, 2, "horizon");
	double force = force_argument(fcinfo, 3);
	double z = two_sided_z(check_confidence(PG_GETARG_FLOAT8(4)));
	RestrictedMean mean = discounted_mean_of(table, horizon, force);
	double value = margin * mean.mean;
	double std_error = fabs(margin) * sqrt(mean.variance);
	Datum values[4];
	bool nulls[4];

	check_value(value);
	check_value(std_error);
	put_number(values, nulls, 0, value);
	put_number(values, nulls, 1, std_error);
	put_number(values, nulls, 2, value - z * std_error);
	put_number(values, nulls, 3, value + z * std_error);
	return emit_one(fcinfo, values, nulls);
}

/* retention_uplift(state, points, margin, horizon, discount, acquisition_cost); only the cost may be NULL */
RETENTION_FUNCTION(retention_uplift);
Datum
retention_uplift(PG_FUNCTION_ARGS)
{
	RetentionUplift answer;
	double points;
	double cost = NAN;
	Datum values[5];
	bool nulls[5];

	for (int i = 0; i < 5; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	points = PG_GETARG_FLOAT8(1);
	if (!(points >= -100 && points <= 100))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("points must lie between -100 and 100, not %g", points),
						errhint("Write 5 for five percentage points.")));
	if (!PG_ARGISNULL(5))
		cost = check_time(PG_GETARG_FLOAT8(5), "acquisition_cost");
	answer = uplift_of(table_argument(fcinfo, 0), points, finite_argument(fcinfo, 2, "margin"),
					   positive_argument(fcinfo, 3, "horizon"), force_argument(fcinfo, 4), cost);
	check_value(answer.value_now);
	check_value(answer.value_after);
	put_number(values, nulls, 0, answer.value_now);
	put_number(values, nulls, 1, answer.value_after);
	put_number(values, nulls, 2, answer.value_after - answer.value_now);
	put_number(values, nulls, 3, answer.payback_now);
	put_number(values, nulls, 4, answer.payback_after);
	return emit_one(fcinfo, values, nulls);
}

/* The difference of two independent means is normal: P. Royston and M. K. B. Parmar, Statist. Med. 30 (2011) 2409. */
RETENTION_FUNCTION(restricted_mean_difference);
Datum
restricted_mean_difference(PG_FUNCTION_ARGS)
{
	double tau = tau_argument(fcinfo, 2);
	RestrictedMean a = restricted_mean_of(table_argument(fcinfo, 0), tau);
	RestrictedMean b = restricted_mean_of(table_argument(fcinfo, 1), tau);
	double std_error = sqrt(a.variance + b.variance);
	double difference = a.mean - b.mean;
	double reach = two_sided_z(check_confidence(PG_GETARG_FLOAT8(3))) * std_error;
	double z = std_error > 0 ? difference / std_error : NAN;
	Datum values[7];
	bool nulls[7];

	put_number(values, nulls, 0, difference);
	put_number(values, nulls, 1, std_error);
	put_number(values, nulls, 2, difference - reach);
	put_number(values, nulls, 3, difference + reach);
	put_number(values, nulls, 4, z);
	put_number(values, nulls, 5, isnan(z) ? NAN : fmin(2 * normal_tail(fabs(z)), 1));
	put_text(values, nulls, 6,
			 a.note != NULL && b.note != NULL ? psprintf("a: %s; b: %s", a.note, b.note)
			 : a.note != NULL				  ? psprintf("a: %s", a.note)
			 : b.note != NULL				  ? psprintf("b: %s", b.note)
											  : NULL);
	return emit_one(fcinfo, values, nulls);
}

RETENTION_FUNCTION(hazard_by);
Datum
hazard_by(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const TimeTable *table = table_argument(fcinfo, 0);
	double width = positive_argument(fcinfo, 1, "width");
	double confidence = check_confidence(PG_GETARG_FLOAT8(2));
	HazardBand *band;
	int bands;

	band = hazard_bands(table, width, &bands);
	for (int i = 0; i < bands; i++)
	{
		bool exposed = band[i].exposure > 0;
		bool exact = exposed && !(table->flags & TIME_FRACTIONAL);
		Limits limits = {NAN, NAN};
		Datum values[7];
		bool nulls[7];

		if (exact)
			limits = poisson_interval(band[i].churned, confidence);
		put_number(values, nulls, 0, band[i].low);
		put_number(values, nulls, 1, band[i].high);
		put_number(values, nulls, 2, band[i].churned);
		put_number(values, nulls, 3, band[i].exposure);
		put_number(values, nulls, 4, exposed ? band[i].churned / band[i].exposure : NAN);
		put_number(values, nulls, 5, limits.low / band[i].exposure);
		put_number(values, nulls, 6, limits.high / band[i].exposure);
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

RETENTION_FUNCTION(payback);
Datum
payback(PG_FUNCTION_ARGS)
{
	const TimeTable *table = table_argument(fcinfo, 0);
	double margin = positive_argument(fcinfo, 1, "margin_per_unit_time");
	double cost = PG_GETARG_FLOAT8(2);
	double z = two_sided_z(check_confidence(PG_GETARG_FLOAT8(3)));
	Datum values[3];
	bool nulls[3];
	double time;
	Limits limits;

	(void) check_time(cost, "acquisition_cost");
	mean_reaches(table, cost / margin, z, &time, &limits);
	put_number(values, nulls, 0, time);
	put_number(values, nulls, 1, limits.low);
	put_number(values, nulls, 2, limits.high);
	return emit_one(fcinfo, values, nulls);
}

RETENTION_FUNCTION(survival_summary);
Datum
survival_summary(PG_FUNCTION_ARGS)
{
	const TimeTable *table = table_argument(fcinfo, 0);
	SurvivalCurve curve = curve_of(table);
	int64 rows[TIME_WHATS] = {0};
	int128 weight = 0;
	Datum values[10];
	bool nulls[10] = {false};

	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		for (int what = 0; what < TIME_WHATS; what++)
			rows[what] += slot->rows[what];
		weight += slot_amount(table, slot, TIME_CHURNED) + slot_amount(table, slot, TIME_CENSORED);
	}
	values[0] = Int64GetDatum(rows[TIME_CHURNED] + rows[TIME_CENSORED]);
	values[1] = Int64GetDatum(rows[TIME_CHURNED]);
	values[2] = Int64GetDatum(rows[TIME_CENSORED]);
	values[3] = Int64GetDatum(rows[TIME_ENTERED]);
	values[4] = Float8GetDatum((double) weight * times_unit(table));
	values[5] = Int64GetDatum(table->unknown);
	values[6] = Int64GetDatum(table->never_at_risk);
	values[7] = Int64GetDatum(table->not_started);
	values[8] = Int32GetDatum(curve.points);
	put_number(values, nulls, 9, curve.points > 0 ? curve_followed(&curve) : NAN);
	return emit_one(fcinfo, values, nulls);
}
