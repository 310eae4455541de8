/*
 * renewal.c
 *		Shifted beta-geometric: customers of a contract who renew it or do not.
 */
#include "math/renewal.h"

#include <math.h>
#include <stddef.h>

#include "math/integral.h"
#include "math/purchase.h"
#include "math/quantile.h"

/* Fader and Hardie 2007, equation 6: S(t) = B(alpha, beta + t) / B(alpha, beta). */
double
log_renewals(const double *parameters, double t)
{
	if (t == 0)
		return 0;
	return log_beta(parameters[0], parameters[1] + t) - log_beta(parameters[0], parameters[1]);
}

/* log S(t), and its derivatives by alpha and beta. */
static double
survivor(const double *p, double t, double *slope)
{
	double psi = digamma(p[0] + p[1]) - digamma(p[0] + p[1] + t);

	slope[0] = psi;
	slope[1] = digamma(p[1] + t) - digamma(p[1]) + psi;
	return log_renewals(p, t);
}

/*
 * Equation B1, for cohorts that are not counted at every renewal: who left between two of them did so with the
 * probability S(after) - S(until).
 */
static double
all_renewals(const double *logs, double *gradient, void *argument)
{
	const RenewalData *data = argument;
	double p[RENEWAL_PARAMETERS] = {exp(logs[0]), exp(logs[1])};
	double sum = 0;

	gradient[0] = gradient[1] = 0;
	for (int64_t i = 0; i < data->count; i++)
	{
		const RenewalTerm *term = &data->terms[i];
		double start[2], until[2];
		double s = survivor(p, term->start, start);
		double u = survivor(p, term->until, until);

		if ((i & 4095) == 4095 && data->stop != NULL && data->stop())
			return NAN;
		if (term->last)
		{
			sum += term->customers * (u - s);
			for (int j = 0; j < RENEWAL_PARAMETERS; j++)
				gradient[j] += term->customers * (until[j] - start[j]);
		}
		else
		{
			double after[2];
			double a = survivor(p, term->after, after);
			double gap = -expm1(u - a); /* 1 - S(until) / S(after) */
			double ratio = exp(u - a);

			/* One renewal: alpha of alpha + beta + after leave, with no difference of equal numbers. */
			if (term->until == term->after + 1)
			{
				gap = p[0] / (p[0] + p[1] + term->after);
				ratio = 1 - gap;
			}
			sum += term->customers * (a + log(gap) - s);
			for (int j = 0; j < RENEWAL_PARAMETERS; j++)
				gradient[j] += term->customers * ((after[j] - ratio * until[j]) / gap - start[j]);
		}
	}
	for (int j = 0; j < RENEWAL_PARAMETERS; j++)
		gradient[j] *= p[j];
	return sum;
}

FitEnd
fit_renewals(const void *given, FitResult *result, bool (*stop)(void))
{
	RenewalData with_stop = *(const RenewalData *) given;
	const RenewalData *data = &with_stop;
	static const double shapes[6][2] = {{1, 1}, {0.5, 2}, {1, 10}, {3, 30}, {5, 5}, {0.2, 0.2}};
	double start[6][FIT_PARAMETERS] = {{0}};
	FitProblem problem = {
		.parameters = RENEWAL_PARAMETERS,
		.weight = data->customers,
		.function = all_renewals,
		.argument = &with_stop,
		.stop = stop,
		.starts = 6,
		.start = (const double(*)[FIT_PARAMETERS]) start,
	};

	with_stop.stop = stop;
	for (int i = 0; i < 6; i++)
		for (int j = 0; j < RENEWAL_PARAMETERS; j++)
			start[i][j] = log(shapes[i][j]);
	return fit_maximum(&problem, result);
}

/* log((1 - p) / (1 - (1 - p) / (1 + d))) = log((1 - p) (1 + d) / (d + p)) */
static double
payments(double log_p, double log_q, const void *argument)
{
	double discount = *(const double *) argument;

	return log_q + log1p(discount) - log(discount + exp(log_p));
}

/*
 * P. S. Fader and B. G. S. Hardie, "Customer-base valuation in a contractual setting: the perils of ignoring
 * heterogeneity", Marketing Sci. 29 (2010) 85-93, equation 6 has it as a Gaussian hypergeometric function of 1 / (1 +
 * d), whose series converges slowly where d is small. It is the mean, over the probability of leaving of those who have
 * renewed n times, of the sum of a geometric series.
 */
double
residual_renewals(const double *parameters, double n, double discount)
{
	double alpha = parameters[0];
	double beta = parameters[1] + n;

	if (discount == 0)
		return alpha > 1 ? beta / (alpha - 1) : INFINITY;
	return beta_mean(alpha, beta, payments, &discount);
}
