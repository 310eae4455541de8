/*
 * survival.c
 *		How long customers stay: the survival curve of a table of times, and what is read off it.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/choice.h"
#include "math/quantile.h"
#include "survival/survival.h"

CurveScale
curve_scale(const char *name)
{
	static const char *const names[] = {"plain", "log", "log-log", "logit", "arcsin"};

	return choice("scale of an interval", name, names, lengthof(names));
}

/*
 * Limits that are symmetric on a transformed scale, by the delta method: O. Borgan and K. Liestol, "A note on
 * confidence intervals and bands for the survival function based on transformations", Scand. J. Stat. 17 (1990) 35-41
 * (log-log, arcsin); J. D. Kalbfleisch and R. L. Prentice, "The Statistical Analysis of Failure Time Data" (1980)
 * section 1.3 (log, log-log, logit). At p = 0 there are none; at p = 1 only the plain and the log scale have them.
 */
Limits
curve_limits(CurveScale scale, double p, double std_error, double z)
{
	Limits none = {NAN, NAN};
	double reach = z * std_error;
	double middle;

	if (isnan(std_error) || !(p > 0) || (p >= 1 && scale != SCALE_PLAIN && scale != SCALE_LOG))
		return none;
	switch (scale)
	{
		case SCALE_PLAIN:
			return (Limits){fmax(p - reach, 0), fmin(p + reach, 1)};
		case SCALE_LOG:
			return (Limits){p * exp(-reach / p), fmin(p * exp(reach / p), 1)};
		case SCALE_LOG_LOG:
			middle = reach / (p * -log(p));
			return (Limits){exp(log(p) * exp(middle)), exp(log(p) * exp(-middle))};
		case SCALE_LOGIT:
			middle = log(p / (1 - p));
			reach /= p * (1 - p);
			return (Limits){1 / (1 + exp(reach - middle)), 1 / (1 + exp(-reach - middle))};
		case SCALE_ARCSIN:
			middle = asin(sqrt(p));
			reach /= 2 * sqrt(p * (1 - p));
			return (Limits){pow(sin(fmax(middle - reach, 0)), 2),
							pow(sin(fmin(middle + reach, M_PI_2)), 2)};
	}
	return none;
}

/* Whether some came under observation late. An entry at 0 is late only where a customer leaves at 0. */
static bool
table_has_late_entries(const TimeTable *table)
{
	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		if (slot->rows[TIME_ENTERED] > 0 &&
			(slot->time > 0 || slot->rows[TIME_CHURNED] + slot->rows[TIME_CENSORED] > 0))
			return true;
	}
	return false;
}

void
times_counts_at(const TimeTable *table, double time, double *at_risk, double *churned,
				double *censored)
{
	double unit = times_unit(table);
	int128 there = 0;
	int128 left[2] = {0, 0};

	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		if (slot->time >= time)
			there += slot_amount(table, slot, TIME_CHURNED) +
					 slot_amount(table, slot, TIME_CENSORED) -
					 slot_amount(table, slot, TIME_ENTERED);
		if (slot->time <= time)
			for (int what = TIME_CHURNED; what <= TIME_CENSORED; what++)
				left[what] += slot_amount(table, slot, (TimeWhat) what);
	}
	*at_risk = (double) there * unit;
	*churned = (double) left[TIME_CHURNED] * unit;
	*censored = (double) left[TIME_CENSORED] * unit;
}

HazardKind
hazard_kind(const char *name)
{
	static const char *const names[] = {"nelson-aalen", "fleming-harrington"}; /* as HazardKind */

	return choice("cumulative hazard", name, names, lengthof(names));
}

/* Terms of a sum that are added one by one; where all are smaller, the formula that follows is exact to a rounding. */
#define TERMS_ADDED 40

/*
 * The sums of 1 / x and of 1 / x^2 for the `terms` numbers x = top, top - 1, ...; all are at least 1. The rest of a
 * long sum is an integral with corrections (L. Euler and C. Maclaurin; M. Abramowitz and I. A. Stegun, "Handbook of
 * Mathematical Functions" (1964) 23.1.30).
 */
static void
harmonic_sums(double top, double terms, double *inverse, double *squared)
{
	double x = top - terms + 1;

	*inverse = *squared = 0;
	for (; terms > 0 && (x < TERMS_ADDED || terms <= TERMS_ADDED); x++, terms--)
	{
		*inverse += 1 / x;
		*squared += 1 / (x * x);
	}
	if (terms > 0)
	{
		double y = top;

		*inverse += log1p((y - x) / x) + (1 / x + 1 / y) / 2 + (1 / (x * x) - 1 / (y * y)) / 12 -
					(pow(x, -4) - pow(y, -4)) / 120 + (pow(x, -6) - pow(y, -6)) / 252;
		*squared += (y - x) / x / y + (1 / (x * x) + 1 / (y * y)) / 2 +
					(pow(x, -3) - pow(y, -3)) / 6 - (pow(x, -5) - pow(y, -5)) / 30 +
					(pow(x, -7) - pow(y, -7)) / 42;
	}
}

/*
 * What d of n customers who leave at one time add to the cumulative hazard, to its variance, and to the sums of which
 * its jackknife is made: the derivative by the weight of a customer who stays is -q, of one who leaves `leaving`.
 */
typedef struct HazardStep
{
	double hazard;
	double variance;
	double q;
	double leaving;
} HazardStep;

/*
 * Nelson and Aalen: d / n. T. R. Fleming and D. P. Harrington, Commun. Stat. Theory Methods 13 (1984) 2469-2486, as if
 * those who leave at one time left one after the other: 1 / n + 1 / (n - 1) + ... Whole weights are customers. Weights
 * that are not stand for rows of their mean weight c, as in T. M. Therneau's survival package: c / n + c / (n - c) ...;
 * with x = n / c - k that is the sum of 1 / x.
 */
static HazardStep
hazard_step(HazardKind kind, double n, double d, double rows, bool robust)
{
	HazardStep step = {.hazard = d / n, .variance = d / n / n};
	double terms = robust ? rows : d;
	double c = d / terms;
	double squared;

	if (kind == HAZARD_FLEMING_HARRINGTON)
	{
		harmonic_sums(n / c, terms, &step.hazard, &squared);
		step.variance = squared;
		step.q = squared / c;
		step.leaving = (n - d) / d * step.q;
		return step;
	}
	step.q = step.variance;
	step.leaving = 1 / n - step.q;
	return step;
}

/*
 * Survival: E. L. Kaplan and P. Meier, J. Am. Stat. Assoc. 53 (1958) 457-481; its variance: M. Greenwood, "The natural
 * duration of cancer" (1926). Cumulative hazard: W. Nelson, Technometrics 14 (1972) 945-966, and O. Aalen, Ann. Stat. 6
 * (1978) 701-726, with the sum of d / n^2 as its variance.
 *
 * With weights that are not whole the variances are infinitesimal jackknives (B. Efron, "The Jackknife, the Bootstrap
 * and Other Resampling Plans" (1982) chapter 6), sums of (weight times derivative by the weight)^2 over customers. From
 * S = prod(1 - d / n) the derivative of log S by the weight of a customer is, with G = sum d / (n (n - d)) over the
 * times up to t at which the customer was at risk without leaving: G, less 1 / n at the time of leaving. From
 * H = sum d / n, with Q = sum d / n^2 likewise, the derivative of H is -Q, plus 1 / n - d / n^2 at leaving.
 * T. M. Therneau's survival package prints the same.
 */
SurvivalCurve
curve_with(const TimeTable *table, HazardKind kind)
{
	SurvivalCurve curve = {
		0, palloc_extended(mul_size(Max(table->base.used, 1), sizeof(SurvivalPoint)),
						   MCXT_ALLOC_HUGE)};
	double unit = times_unit(table);
	bool robust = (table->flags & TIME_FRACTIONAL) != 0;
	bool truncated = table_has_late_entries(table);
	int128 at_risk = 0;
	int128 squares_left = 0; /* squared weights of those who are still followed */
	double survival = 1;
	double greenwood = 0;
	double hazard = 0;
	double hazard_variance = 0;
	double hazard_q = 0; /* robust: the sum of HazardStep.q */
	double gone = 0; /* robust: sum of (weight * derivative)^2 of customers no longer followed */
	double gone_hazard = 0; /* the same for the hazard */

	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		at_risk += slot_amount(table, slot, TIME_CHURNED) +
				   slot_amount(table, slot, TIME_CENSORED) - slot_amount(table, slot, TIME_ENTERED);
		squares_left +=
			slot_squares(table, slot, TIME_CHURNED) + slot_squares(table, slot, TIME_CENSORED);
	}

	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);
		SurvivalPoint *point = &curve.point[curve.points];
		int128 churned = slot_amount(table, slot, TIME_CHURNED);
		int128 censored = slot_amount(table, slot, TIME_CENSORED);
		int128 entered = slot_amount(table, slot, TIME_ENTERED);
		double n = (double) at_risk * unit;
		double d = (double) churned * unit;

		CHECK_NOW_AND_THEN(i);
		if (churned > 0)
		{
			double stay = (double) (at_risk - churned) * unit;
			double before = greenwood;
			double before_q = hazard_q;
			HazardStep step = hazard_step(kind, n, d, (double) slot->rows[TIME_CHURNED], robust);

			survival *= stay / n;
			greenwood += d / n / stay; /* infinite where all leave: survival is 0 then */
			hazard += step.hazard;
			hazard_variance += step.variance;
			hazard_q += step.q;
			if (robust)
			{
				double w2 = (double) slot_squares(table, slot, TIME_CHURNED) * unit;

				gone += w2 * pow(1 / n - before, 2);
				gone_hazard += w2 * pow(step.leaving - before_q, 2);
			}
		}
		if (robust && censored > 0)
		{
			double w2 = (double) slot_squares(table, slot, TIME_CENSORED) * unit;

			/* Where all leave no customer is censored, so greenwood is finite. */
			gone += w2 * pow(greenwood, 2);
			gone_hazard += w2 * pow(hazard_q, 2);
		}
		squares_left -=
			slot_squares(table, slot, TIME_CHURNED) + slot_squares(table, slot, TIME_CENSORED);
		at_risk += entered - churned - censored;
		if (churned == 0 && censored == 0)
			continue; /* only entries: no point of the curve */

		point->time = slot->time;
		point->at_risk = n;
		point->churned = d;
		point->censored = (double) censored * unit;
		point->survival = survival;
		point->hazard = hazard;
		if (!robust)
		{
			point->std_error = survival > 0 ? survival * sqrt(greenwood) : NAN;
			point->hazard_std_error = sqrt(hazard_variance);
		}
		else if (truncated)
			point->std_error = point->hazard_std_error = NAN;
		else
		{
			double left = (double) squares_left * unit;

			point->std_error = survival > 0 ? survival * sqrt(gone + left * pow(greenwood, 2)) : 0;
			point->hazard_std_error = sqrt(gone_hazard + left * pow(hazard_q, 2));
		}
		curve.points++;
	}
	return curve;
}

SurvivalCurve
curve_of(const TimeTable *table)
{
	return curve_with(table, HAZARD_NELSON_AALEN);
}

const SurvivalPoint *
curve_at(const SurvivalCurve *curve, double time)
{
	int reached = points_reached(curve->point, sizeof(SurvivalPoint), curve->points, time);

	return reached == 0 ? NULL : &curve->point[reached - 1];
}

double
curve_followed(const SurvivalCurve *curve)
{
	return curve->points == 0 ? -1 : curve->point[curve->points - 1].time;
}

double
curve_survival(const SurvivalCurve *curve, double time)
{
	const SurvivalPoint *point = curve_at(curve, time);
	double survival = point == NULL ? 1 : point->survival;

	if (time > curve_followed(curve) && survival > 0)
		return NAN;
	return survival;
}

/* Shares closer than this are equal, as in R: the square root of the precision of a double. */
#define SHARE_TOLERANCE 1.490116119384766e-8

static double
limit_low(const SurvivalPoint *point, CurveScale scale, double z)
{
	return curve_limits(scale, point->survival, point->std_error, z).low;
}

static double
limit_high(const SurvivalPoint *point, CurveScale scale, double z)
{
	return curve_limits(scale, point->survival, point->std_error, z).high;
}

static double
survival_itself(const SurvivalPoint *point, CurveScale scale, double z)
{
	return point->survival;
}

/*
 * The first time at which the value has fallen to 1 - p. Where it stays at 1 - p for a while, the middle of that span;
 * it ends at the last time followed if the value never falls below.
 */
static double
first_below(const SurvivalCurve *curve, double p, CurveScale scale, double z,
			double (*value)(const SurvivalPoint *, CurveScale, double))
{
	double first = NAN;

	if (p <= 0)
		return 0;
	for (int i = 0; i < curve->points; i++)
	{
		double share = 1 - value(&curve->point[i], scale, z);

		CHECK_NOW_AND_THEN(i);
		if (isnan(share))
			continue;
		if (isnan(first) && share + SHARE_TOLERANCE >= p)
			first = curve->point[i].time;
		if (share - SHARE_TOLERANCE >= p)
			return (first + curve->point[i].time) / 2;
	}
	/* NaN if first is. */
	return (first + curve_followed(curve)) / 2;
}

/* Limits: R. Brookmeyer and J. Crowley, Biometrics 38 (1982) 29-41, by the limits of the curve. */
void
curve_quantile(const SurvivalCurve *curve, double p, CurveScale scale, double z, double *time,
			   Limits *limits)
{
	*time = first_below(curve, p, scale, z, survival_itself);
	limits->low = first_below(curve, p, scale, z, limit_low);
	limits->high = first_below(curve, p, scale, z, limit_high);
}

/*
 * The area under the curve up to a time that moves on. Its variance is the sum over the times of leaving t_j of
 * A_j^2 d_j / (n_j (n_j - d_j)), with A_j the area from t_j on (Kaplan and Meier 1958, section 6.2). As A_j grows by
 * the same x for all j, three sums are enough to follow it.
 */
typedef struct Area
{
	double force; /* of the discount: ln(1 + discount); 0: none */
	double time;
	double survival;
	double mean;
	double squares; /* sum of h A^2 */
	double linear;	/* sum of h A */
	double weights; /* sum of h */
} Area;

double
discounted_time(double from, double until, double force)
{
	if (force == 0)
		return until - from;
	return exp(-force * from) * -expm1(-force * (until - from)) / force;
}

static void
area_advance(Area *area, double time)
{
	double more = area->survival * discounted_time(area->time, time, area->force);

	area->mean += more;
	area->squares += more * (2 * area->linear + more * area->weights);
	area->linear += more * area->weights;
	area->time = time;
}

static void
area_leave(Area *area, const SurvivalPoint *point)
{
	double stay = point->at_risk - point->churned;

	if (point->churned > 0 && point->survival > 0)
		area->weights += point->churned / point->at_risk / stay;
	area->survival = point->survival;
}

/*
 * The variance of a restricted mean as an infinitesimal jackknife: the derivative of curve_of(), integrated. A customer
 * adds the sum of A_j d_j / (n_j (n_j - d_j)) over the times at risk, less A / n at the time of leaving.
 */
static double
robust_mean_variance(const TimeTable *table, const SurvivalCurve *curve, double tau, double force,
					 double mean)
{
	double unit = times_unit(table);
	double so_far = 0; /* area up to the point */
	double time = 0;
	double survival = 1;
	double at_risk_sum = 0;
	double variance = 0;
	int at = 0;
	int128 left = 0;

	for (int i = 0; i < table->base.used; i++)
	{
		CHECK_NOW_AND_THEN(i);
		left += slot_squares(table, times_slot(table, i), TIME_CHURNED) +
				slot_squares(table, times_slot(table, i), TIME_CENSORED);
	}

	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);
		const SurvivalPoint *point = &curve->point[at];
		double rest;

		CHECK_NOW_AND_THEN(i);
		if (slot->time > tau)
			break;
		if (slot->time != point->time)
			continue; /* entries at 0 */
		at++;
		so_far += survival * discounted_time(time, point->time, force);
		time = point->time;
		survival = point->survival;
		rest = fmax(mean - so_far, 0);
		if (point->churned > 0)
		{
			variance += (double) slot_squares(table, slot, TIME_CHURNED) * unit *
						pow(rest / point->at_risk - at_risk_sum, 2);
			if (survival > 0)
				at_risk_sum +=
					rest * point->churned / point->at_risk / (point->at_risk - point->churned);
		}
		variance += (double) slot_squares(table, slot, TIME_CENSORED) * unit * pow(at_risk_sum, 2);
		left -= slot_squares(table, slot, TIME_CHURNED) + slot_squares(table, slot, TIME_CENSORED);
	}
	return variance + (double) left * unit * pow(at_risk_sum, 2);
}

/*
 * The restricted mean and its use: J. O. Irwin, J. Hyg. 47 (1949) 188-189; P. Royston and M. K. B. Parmar, BMC Med.
 * Res. Methodol. 13 (2013) 152.
 */
RestrictedMean
discounted_mean_of(const TimeTable *table, double tau, double force)
{
	SurvivalCurve curve = curve_of(table);
	RestrictedMean answer = {NAN, NAN, NULL};
	Area area = {.force = force, .survival = 1};

	if (curve.points == 0)
	{
		answer.note = "nobody was at risk";
		return answer;
	}
	if (isnan(curve_survival(&curve, tau)))
	{
		answer.note = psprintf("followed only until %.15g, when some were still there",
							   curve_followed(&curve));
		return answer;
	}
	for (int i = 0; i < curve.points && curve.point[i].time <= tau; i++)
	{
		CHECK_NOW_AND_THEN(i);
		area_advance(&area, curve.point[i].time);
		area_leave(&area, &curve.point[i]);
	}
	area_advance(&area, tau);
	answer.mean = area.mean;
	if (!(table->flags & TIME_FRACTIONAL))
		answer.variance = area.squares;
	else if (!table_has_late_entries(table))
		answer.variance = robust_mean_variance(table, &curve, tau, force, area.mean);
	else
		answer.note = "no standard error for weights that are not whole with late entries";
	return answer;
}

RestrictedMean
restricted_mean_of(const TimeTable *table, double tau)
{
	return discounted_mean_of(table, tau, 0);
}

/* When `rate` per unit of time, from customers who stay as on the curve to the power theta, has added up to a cost. */
static double
area_pays(const SurvivalCurve *curve, double rate, double theta, double force, double cost)
{
	double time = 0;
	double survival = 1;
	double rest = cost;

	if (cost <= 0)
		return 0;
	if (!(rate > 0))
		return NAN;
	for (int i = 0; i < curve->points; i++)
	{
		double next = curve->point[i].time;
		double paid = rate * survival * discounted_time(time, next, force);

		CHECK_NOW_AND_THEN(i);
		if (paid >= rest)
		{
			double x = rest / (rate * survival);

			if (force != 0)
				x = -log1p(-fmin(x * force * exp(force * time), 1)) / force;
			return fmin(time + x, next);
		}
		rest -= paid;
		time = next;
		survival = pow(curve->point[i].survival, theta);
	}
	return NAN;
}

/*
 * A curve S and the curve S^theta, which is as many points of a hundred higher at the horizon: hazards that are theta
 * times as high (proportional hazards; D. R. Cox, J. R. Stat. Soc. B 34 (1972) 187-220).
 */
RetentionUplift
uplift_of(const TimeTable *table, double points, double margin, double horizon, double force,
		  double cost)
{
	SurvivalCurve curve = curve_of(table);
	double at_horizon = curve_survival(&curve, horizon);
	double wanted = fmin(fmax(at_horizon + points / 100, 0), 1);
	double theta = log(wanted) / log(at_horizon);
	double value[2] = {0, 0};
	RetentionUplift answer = {NAN, NAN, NAN, NAN};
	double time = 0;
	double survival = 1;

	if (points == 0 || (at_horizon == 1 && points > 0) || (at_horizon == 0 && points < 0))
		theta = 1;
	else if (at_horizon == 1 || at_horizon == 0)
		theta = NAN; /* no power of the curve gets there */
	answer.payback_now = area_pays(&curve, margin, 1, force, cost);
	if (isnan(at_horizon) || curve.points == 0)
		return answer;

	for (int i = 0; time < horizon; i++)
	{
		double next = i < curve.points ? fmin(curve.point[i].time, horizon) : horizon;
		double more = margin * discounted_time(time, next, force);

		CHECK_NOW_AND_THEN(i);
		value[0] += more * survival;
		value[1] += more * pow(survival, theta);
		time = next;
		if (i < curve.points)
			survival = curve.point[i].survival;
	}
	answer.value_now = value[0];
	if (!isnan(theta))
	{
		answer.value_after = value[1];
		answer.payback_after = area_pays(&curve, margin, theta, force, cost);
	}
	return answer;
}

/*
 * The first x in 0..most with mean + S x + sign z sqrt(variance(x)) >= target, for the area as it stands; NaN if there
 * is none. variance(x) = squares + 2 linear S x + weights (S x)^2, so it is a root of a quadratic in y = S x:
 * (target - mean - y)^2 = z^2 variance, where sign (target - mean - y) >= 0.
 */
static double
area_reaches(const Area *area, double target, double most, double sign, double z)
{
	double gap = target - area->mean;
	double a = 1 - z * z * area->weights;
	double half_b = -(gap + z * z * area->linear);
	double c = gap * gap - z * z * area->squares;
	/* half_b^2 - a c without its large terms, which cancel */
	double discriminant =
		z * z * (area->squares + gap * (2 * area->linear + gap * area->weights)) -
		z * z * z * z * (area->weights * area->squares - area->linear * area->linear);
	double roots[2];
	double best = NAN;

	/* It is there already: a limit is a continuous function of time. */
	if (area->mean + sign * z * sqrt(area->squares) >= target)
		return 0;
	if (!(area->survival > 0))
		return NAN;
	if (sign == 0)
	{
		double x = gap / area->survival;

		return x <= most ? x : NAN;
	}

	if (discriminant < 0)
		return NAN;
	half_b += copysign(sqrt(discriminant), half_b);
	roots[0] = a != 0 ? -half_b / a : NAN;
	roots[1] = half_b != 0 ? c / -half_b : NAN;
	for (int i = 0; i < 2; i++)
	{
		double x = roots[i] / area->survival;

		/* The other root belongs to the other limit. */
		if (isnan(x) || x < 0 || x > most || sign * (gap - roots[i]) < 0)
			continue;
		if (isnan(best) || x < best)
			best = x;
	}
	return best;
}

void
mean_reaches(const TimeTable *table, double target, double z, double *time, Limits *limits)
{
	SurvivalCurve curve = curve_of(table);
	Area area = {.survival = 1};
	double reached[3] = {NAN, NAN, NAN};
	static const double signs[3] = {0, 1, -1};
	bool limited = !(table->flags & TIME_FRACTIONAL);

	for (int i = 0; i < curve.points; i++)
	{
		for (int which = 0; which < (limited ? 3 : 1); which++)
			if (isnan(reached[which]))
				reached[which] =
					area.time +
					area_reaches(&area, target, curve.point[i].time - area.time, signs[which], z);
		CHECK_NOW_AND_THEN(i);
		area_advance(&area, curve.point[i].time);
		area_leave(&area, &curve.point[i]);
	}
	/* It may be reached exactly at the end. */
	for (int which = 0; curve.points > 0 && which < (limited ? 3 : 1); which++)
		if (isnan(reached[which]))
			reached[which] = area.time + area_reaches(&area, target, 0, signs[which], z);
	*time = reached[0];
	limits->low = reached[1];
	limits->high = reached[2];
}

/* The band of a time: (low, high], the first with its low end. */
static int
band_of(double time, double width)
{
	double number = ceil(time / width) - 1;

	/* The quotient is rounded: the ends of the bands decide. */
	if (number * width >= time)
		number--;
	else if ((number + 1) * width < time)
		number++;
	return number < 0 ? 0 : (int) number;
}

HazardBand *
hazard_bands(const TimeTable *table, double width, int *bands)
{
	double unit = times_unit(table);
	double last = 0;
	int128 at_risk = 0;
	double from = 0;
	HazardBand *band;
	int at = 0;

	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);
		int128 left =
			slot_amount(table, slot, TIME_CHURNED) + slot_amount(table, slot, TIME_CENSORED);

		CHECK_NOW_AND_THEN(i);
		at_risk += left - slot_amount(table, slot, TIME_ENTERED);
		if (left > 0)
			last = slot->time;
	}
	if (!(last / width < MAX_BANDS))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d bands of %g until %g", MAX_BANDS, width, last),
						errhint("Choose wider bands.")));
	*bands = table->base.used == 0 ? 0 : band_of(last, width) + 1;
	band = palloc0(sizeof(HazardBand) * Max(*bands, 1));
	for (int i = 0; i < *bands; i++)
	{
		band[i].low = i * width;
		band[i].high = (i + 1) * width;
	}

	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);
		int128 churned = slot_amount(table, slot, TIME_CHURNED);

		CHECK_NOW_AND_THEN(i);
		if (slot->time > last)
			break;
		/* Customers at risk spend (from, time] in these bands. */
		while (at < *bands - 1 && slot->time > band[at].high)
		{
			band[at].exposure += (double) at_risk * unit * (band[at].high - from);
			from = band[at++].high;
		}
		band[at].exposure += (double) at_risk * unit * (slot->time - from);
		band[at].churned += (double) churned * unit;
		from = slot->time;
		at_risk += slot_amount(table, slot, TIME_ENTERED) - churned -
				   slot_amount(table, slot, TIME_CENSORED);
	}
	return band;
}
