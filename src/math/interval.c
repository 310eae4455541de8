/*
 * interval.c
 *		Confidence limits of fractions and of rates of events.
 */
#include "math/interval.h"

#include <math.h>

#include "math/quantile.h"

static const Limits no_limits = {NAN, NAN};

/* The z with P(|Z| <= z) = confidence, from the small side, which has the digits. */
double
two_sided_z(double confidence)
{
	return -normal_quantile((1 - confidence) / 2);
}

/*
 * E. B. Wilson, "Probable inference, the law of succession, and statistical inference", J. Am. Stat. Assoc. 22 (1927)
 * 209-212: the limits are the roots of (hits / total - x)^2 = z^2 x (1 - x) / total. The upper root is taken from the
 * formula without a difference, the lower one from the product of the two, hits^2 / (total (total + z^2)).
 */
static double
wilson_low(double hits, double total, double z)
{
	double misses = total - hits;

	if (hits == 0)
		return 0;
	return hits * (hits / total) / (hits + z * z / 2 + z * sqrt(hits / total * misses + z * z / 4));
}

static double
wilson_high(double hits, double total, double z)
{
	double misses = total - hits;
	double high;

	if (misses == 0)
		return 1;
	high = (hits + z * z / 2 + z * sqrt(hits / total * misses + z * z / 4)) / (total + z * z);
	return fmin(high, 1);
}

Limits
wilson_interval(double hits, double total, double confidence)
{
	double z = two_sided_z(confidence);

	if (!(total > 0))
		return no_limits;
	return (Limits){wilson_low(hits, total, z), wilson_high(hits, total, z)};
}

/*
 * C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
 * Biometrika 26 (1934) 404-413; a tail of the binomial is one of a beta distribution: M. Abramowitz and I. A. Stegun,
 * "Handbook of Mathematical Functions" (1964), 26.5.24.
 */
Limits
clopper_pearson_interval(double hits, double total, double confidence)
{
	double tail = (1 - confidence) / 2;
	double misses = total - hits;

	if (!(total > 0))
		return no_limits;
	return (Limits){hits == 0 ? 0 : beta_quantile(hits, misses + 1, tail),
					misses == 0 ? 1 : beta_tail_quantile(hits + 1, misses, tail)};
}

/*
 * F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936) 437-442; a tail of the Poisson
 * distribution is one of a chi-squared distribution: Abramowitz and Stegun 26.4.21.
 */
Limits
poisson_interval(double events, double confidence)
{
	double tail = (1 - confidence) / 2;

	return (Limits){events == 0 ? 0 : chi_squared_quantile(2 * events, tail) / 2,
					chi_squared_tail_quantile(2 * events + 2, tail) / 2};
}

/*
 * R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven
 * methods", Statist. Med. 17 (1998) 873-890, method 10: the distances of each Wilson limit from its fraction,
 * squared and added.
 */
Limits
newcombe_interval(double hits_a, double total_a, double hits_b, double total_b, double confidence)
{
	Limits a = wilson_interval(hits_a, total_a, confidence);
	Limits b = wilson_interval(hits_b, total_b, confidence);
	double fraction_a = hits_a / total_a;
	double fraction_b = hits_b / total_b;
	double difference = fraction_a - fraction_b;

	if (!(total_a > 0 && total_b > 0))
		return no_limits;
	return (Limits){
		fmax(difference - hypot(fraction_a - a.low, b.high - fraction_b), -1),
		fmin(difference + hypot(a.high - fraction_a, fraction_b - b.low), 1),
	};
}

/*
 * The difference of the fractions over its standard error under the pooled fraction. Its square is the chi-squared of
 * the two-by-two table, without a correction for continuity: K. Pearson, Phil. Mag. (5) 50 (1900) 157-175, with the
 * one degree of freedom of R. A. Fisher, J. R. Stat. Soc. 85 (1922) 87-94.
 */
double
two_proportion_p_value(double hits_a, double total_a, double hits_b, double total_b)
{
	double total = total_a + total_b;
	double pooled = (hits_a + hits_b) / total;
	double misses = (total_a - hits_a) + (total_b - hits_b);
	double variance = pooled * (misses / total) * (1 / total_a + 1 / total_b);

	if (!(total_a > 0 && total_b > 0))
		return NAN;
	if (variance == 0) /* all or nothing in both: equal */
		return 1;
	return fmin(2 * normal_tail(fabs(hits_a / total_a - hits_b / total_b) / sqrt(variance)), 1);
}
