/*
 * compare.c
 *		Ratios of fractions, a fraction against a given one, and the strength of a table.
 */
#include "math/compare.h"

#include <math.h>

#include "math/quantile.h"

/*
 * P. A. R. Koopman, "Confidence intervals for the ratio of two binomial proportions", Biometrics 40 (1984) 513-517:
 * the chi-squared of both samples under the likeliest fractions whose ratio is `ratio`. Those solve the quadratic
 * equation of O. S. Miettinen and M. Nurminen, Statist. Med. 4 (1985) 213-226, appendix I.
 */
static double
ratio_chi2(double hits_a, double total_a, double hits_b, double total_b, double ratio)
{
	double a = (total_a + total_b) * ratio;
	double b = total_a * ratio + hits_a + total_b + hits_b * ratio;
	double c = hits_a + hits_b;
	double root = b * sqrt(fmax(1 - 4 * (a / b) * (c / b), 0));
	double fraction_b = 2 * c / (b + root);
	double fraction_a = fmin(ratio * fraction_b, 1);
	double miss_a = hits_a - total_a * fraction_a;
	double miss_b = hits_b - total_b * fraction_b;
	double chi2 = 0;

	if (miss_a != 0)
		chi2 += miss_a * miss_a / (total_a * fraction_a * (1 - fraction_a));
	if (miss_b != 0)
		chi2 += miss_b * miss_b / (total_b * fraction_b * (1 - fraction_b));
	return chi2;
}

/*
 * The log of the ratio at which chi-squared passes z^2, on the side of `estimate` that `step` points to. It grows away
 * from the estimate.
 */
static double
ratio_limit(double hits_a, double total_a, double hits_b, double total_b, double z2,
			double estimate, double step)
{
	double inside = estimate;
	double outside = estimate + step;

	while (fabs(outside) < 700 &&
		   !(ratio_chi2(hits_a, total_a, hits_b, total_b, exp(outside)) > z2))
	{
		inside = outside;
		step *= 2;
		outside += step;
	}
	for (int i = 0; i < 200; i++)
	{
		double middle = inside + (outside - inside) / 2;

		if (middle == inside || middle == outside)
			break;
		if (ratio_chi2(hits_a, total_a, hits_b, total_b, exp(middle)) > z2)
			outside = middle;
		else
			inside = middle;
	}
	return exp(inside);
}

Limits
koopman_interval(double hits_a, double total_a, double hits_b, double total_b, double confidence)
{
	double z = two_sided_z(confidence);
	double log_ratio;
	Limits limits = {0, INFINITY};

	if (!(total_a > 0 && total_b > 0) || (hits_a == 0 && hits_b == 0))
		return (Limits){NAN, NAN};
	/* Without hits on one side chi-squared is 0 at the end of the line; any finite start is inside for a search. */
	if (hits_a > 0 && hits_b > 0)
		log_ratio = log(hits_a / total_a) - log(hits_b / total_b);
	else
		log_ratio = hits_a == 0 ? -600 : 600;
	if (hits_a > 0)
		limits.low = ratio_limit(hits_a, total_a, hits_b, total_b, z * z, log_ratio, -1.0 / 16);
	if (hits_b > 0)
		limits.high = ratio_limit(hits_a, total_a, hits_b, total_b, z * z, log_ratio, 1.0 / 16);
	return limits;
}

/*
 * Of the outcomes from `rare`, which is not likelier than at_most, to `likely`, the last that is not. Each step halves
 * the distance; above 2^53 doubles are further apart than 1, and the search ends at neighbours.
 */
static double
rare_outcome(double total, double p, double at_most, double likely, double rare)
{
	for (;;)
	{
		double middle = floor((likely + rare) / 2);

		if (middle == likely || middle == rare)
			return rare;
		if (binomial_density(total, p, middle) <= at_most)
			rare = middle;
		else
			likely = middle;
	}
}

/*
 * The sum of the probabilities of all outcomes that are not likelier than the one seen, as R's binom.test has it, with
 * its tolerance for equal ones.
 */
double
binomial_p_value(double hits, double total, double p)
{
	double mean = total * p;
	double at_most;
	double rare;

	if (!(total > 0))
		return NAN;
	if (p <= 0 || p >= 1)
		return hits == (p <= 0 ? 0 : total);
	if (hits == mean)
		return 1;
	at_most = binomial_density(total, p, hits) * (1 + 1e-7);

	/* Beyond the mean, on the other side, the probabilities fall: find where they are small enough. */
	if (hits < mean)
	{
		rare = rare_outcome(total, p, at_most, ceil(mean) - 1, total + 1);
		return fmin(binomial_low_tail(total, p, hits) + binomial_tail(total, p, rare), 1);
	}
	rare = rare_outcome(total, p, at_most, floor(mean) + 1, -1);
	return fmin(binomial_low_tail(total, p, rare) + binomial_tail(total, p, hits), 1);
}

int
pool_values(const double *expected, int values, int *group)
{
	const int pooled = -1;
	double together = 0;
	int groups = 0;
	int pool = -1;

	for (int i = 0; i < values; i++)
	{
		group[i] = expected[i] > 0 && expected[i] < FEW_EXPECTED ? pooled : 0;
		if (group[i] == pooled)
			together += expected[i];
	}
	while (together > 0 && together < FEW_EXPECTED)
	{
		int next = -1;

		for (int i = 0; i < values; i++)
			if (group[i] != pooled && expected[i] > 0 && (next < 0 || expected[i] < expected[next]))
				next = i;
		if (next < 0)
			break;
		group[next] = pooled;
		together += expected[next];
	}
	for (int i = 0; i < values; i++)
	{
		if (group[i] == pooled && pool < 0)
			pool = groups++;
		group[i] = group[i] == pooled ? pool : groups++;
	}
	return groups;
}

/* K. Pearson, Phil. Mag. (5) 50 (1900) 157-175, without a correction for continuity. */
double
two_column_chi2(const double *first, const double *second, int values)
{
	double sum_first = 0;
	double sum_second = 0;
	double chi2 = 0;

	for (int i = 0; i < values; i++)
	{
		sum_first += first[i];
		sum_second += second[i];
	}
	for (int i = 0; i < values; i++)
	{
		double share = (first[i] + second[i]) / (sum_first + sum_second);
		double miss_first = first[i] - sum_first * share;
		double miss_second = second[i] - sum_second * share;

		chi2 += miss_first * miss_first / (sum_first * share) +
				miss_second * miss_second / (sum_second * share);
	}
	return chi2;
}

/* H. Cramer, "Mathematical Methods of Statistics" (1946), 21.9; with two columns the smaller side is 2. */
double
cramers_v(double chi2, double n)
{
	return fmin(sqrt(chi2 / n), 1);
}

/* W. Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", J. Korean Stat. Soc. 42 (2013), section 3. */
double
cramers_v_corrected(double chi2, double n, int values)
{
	double df = values - 1;
	double phi2 = fmax(chi2 / n - df / (n - 1), 0);
	double rows = values - df * df / (n - 1);
	double columns = 2 - 1 / (n - 1);
	double smaller = fmin(rows, columns) - 1;

	if (!(n >= 2) || !(smaller > 0))
		return NAN;
	return fmin(sqrt(phi2 / smaller), 1);
}

/*
 * S. Kullback, "Information Theory and Statistics" (1959), chapter 1, the divergence J; as a measure of an attribute:
 * N. Siddiqi, "Credit Risk Scorecards" (2006), chapter 6. In natural units.
 */
double
information_value(const double *first, const double *second, int values, bool *adjusted)
{
	double sum_first = 0;
	double sum_second = 0;
	double information = 0;

	*adjusted = false;
	for (int i = 0; i < values; i++)
	{
		sum_first += first[i];
		sum_second += second[i];
	}
	for (int i = 0; i < values; i++)
	{
		double share_first = (first[i] == 0 ? 0.5 : first[i]) / sum_first;
		double share_second = (second[i] == 0 ? 0.5 : second[i]) / sum_second;

		if (first[i] == 0 || second[i] == 0)
			*adjusted = true;
		information += (share_first - share_second) * log(share_first / share_second);
	}
	return information;
}

/*
 * Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", J. R. Stat. Soc. B 57 (1995) 289-300. The
 * least of p m / rank over all p that are not smaller; there are few.
 */
void
benjamini_hochberg(const double *p, double *adjusted, int count)
{
	int asked = 0;

	for (int i = 0; i < count; i++)
		asked += !isnan(p[i]);
	for (int i = 0; i < count; i++)
	{
		int rank = 0;

		for (int j = 0; j < count; j++)
			rank += p[j] <= p[i];
		adjusted[i] = isnan(p[i]) ? NAN : fmin(p[i] * asked / rank, 1);
	}
	/* A least value put back in place changes no other least value. */
	for (int i = 0; i < count; i++)
		for (int j = 0; j < count; j++)
			if (p[j] >= p[i])
				adjusted[i] = fmin(adjusted[i], adjusted[j]);
}

double
odds_ratio(double hits_a, double misses_a, double hits_b, double misses_b)
{
	double above = hits_a * misses_b;
	double below = misses_a * hits_b;

	if (above > 0)
		return below > 0 ? above / below : INFINITY;
	return below > 0 ? 0 : NAN;
}

/* B. Woolf, "On estimating the relation between blood group and disease", Ann. Hum. Genet. 19 (1955) 251-253. */
Limits
odds_ratio_interval(double hits_a, double misses_a, double hits_b, double misses_b,
					double confidence)
{
	double ratio = odds_ratio(hits_a, misses_a, hits_b, misses_b);
	double reach =
		two_sided_z(confidence) * sqrt(1 / hits_a + 1 / misses_a + 1 / hits_b + 1 / misses_b);

	if (!(ratio > 0 && isfinite(ratio)))
		return (Limits){NAN, NAN};
	return (Limits){ratio * exp(-reach), ratio * exp(reach)};
}

/* N. Siddiqi, "Credit Risk Scorecards" (2006) chapter 6, without its factor 100. */
double
weight_of_evidence(double part, double all, double other, double all_others)
{
	if (!(all > 0 && all_others > 0) || (part == 0 && other == 0))
		return NAN;
	return log(part / all) - log(other / all_others);
}

/*
 * J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
 * curve", Radiology 143 (1982) 29-36; the distance is that of N. V. Smirnov, Bull. Univ. Moscou 2 (1939) 3-16.
 */
void
separation_of(const double *first, const double *second, int64_t values, double *area,
			  double *distance)
{
	double all[2] = {0, 0};
	double seen[2] = {0, 0};
	double larger = 0;

	*area = *distance = NAN;
	for (int64_t i = 0; i < values; i++)
	{
		all[0] += first[i];
		all[1] += second[i];
	}
	if (!(all[0] > 0 && all[1] > 0))
		return;
	*distance = 0;
	for (int64_t i = 0; i < values; i++)
	{
		larger += first[i] * (seen[1] + second[i] / 2);
		seen[0] += first[i];
		seen[1] += second[i];
		*distance = fmax(*distance, fabs(seen[0] / all[0] - seen[1] / all[1]));
	}
	*area = larger / all[0] / all[1];
}
