/*
 * spend.c
 *		Gamma-Gamma: how much customers spend each time.
 */
#include "math/spend.h"

#include <math.h>
#include <stddef.h>

#include "math/quantile.h"

/* Fader and Hardie 2013, equation 1a. */
double
spend_likelihood(const double *parameters, double x, double mean)
{
	double p = parameters[0], q = parameters[1], v = parameters[2];

	return log_gamma(p * x + q) - log_gamma(p * x) - log_gamma(q) + q * log(v) +
		   (p * x - 1) * log(mean) + p * x * log(x) - (p * x + q) * log(v + x * mean);
}

static double
all_spend(const double *logs, double *gradient, void *argument)
{
	const SpendData *data = argument;
	double p = exp(logs[0]), q = exp(logs[1]), v = exp(logs[2]);
	double of_q = log_gamma(q) - q * log(v);
	double psi_q = digamma(q);
	double x = NAN;
	double of_x = 0, psi_all = 0, psi_x = 0, log_x = 0;
	double sum = 0;

	gradient[0] = gradient[1] = gradient[2] = 0;
	for (int64_t i = 0; i < data->count; i++)
	{
		const Spend *one = &data->spend[i];
		double log_mean = log(one->mean);
		double log_total = log(v + one->x * one->mean);

		if ((i & 4095) == 4095 && data->stop != NULL && data->stop())
			return NAN;
		if (x != one->x)
		{
			x = one->x;
			log_x = log(x);
			of_x = log_gamma(p * x + q) - log_gamma(p * x) - of_q + p * x * log_x;
			psi_all = digamma(p * x + q);
			psi_x = digamma(p * x);
		}
		sum += one->customers * (of_x + (p * x - 1) * log_mean - (p * x + q) * log_total);
		gradient[0] += one->customers * x * (psi_all - psi_x + log_mean + log_x - log_total);
		gradient[1] += one->customers * (psi_all - psi_q + logs[2] - log_total);
		gradient[2] += one->customers * (q / v - (p * x + q) / (v + x * one->mean));
	}
	gradient[0] *= p;
	gradient[1] *= q;
	gradient[2] *= v;
	return sum;
}

FitEnd
fit_spend(const void *given, FitResult *result, bool (*stop)(void))
{
	SpendData with_stop = *(const SpendData *) given;
	const SpendData *data = &with_stop;
	static const double shapes[3] = {1, 4, 12};
	static const double spreads[3] = {1.5, 4, 12};
	double start[9][FIT_PARAMETERS] = {{0}};
	double customers = 0;
	double sum = 0;
	FitProblem problem = {
		.parameters = SPEND_PARAMETERS,
		.function = all_spend,
		.argument = &with_stop,
		.stop = stop,
		.starts = 9,
		.start = (const double(*)[FIT_PARAMETERS]) start,
	};

	with_stop.stop = stop;
	for (int64_t i = 0; i < data->count; i++)
	{
		customers += data->spend[i].customers;
		sum += data->spend[i].customers * data->spend[i].mean;
	}
	for (int i = 0; i < 9; i++)
	{
		start[i][0] = log(shapes[i / 3]);
		start[i][1] = log(spreads[i % 3]);
		start[i][2] =
			fmin(fmax(log(sum / customers * (spreads[i % 3] - 1) / shapes[i / 3]), -14), 16);
	}
	problem.weight = customers;
	return fit_maximum(&problem, result);
}

double
spend_correlation(const SpendData *data)
{
	double n = 0, mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;

	for (int64_t i = 0; i < data->count; i++)
	{
		const Spend *one = &data->spend[i];
		double from_x = one->x - mean_x;
		double from_y = one->mean - mean_y;

		/* D. H. D. West, Comm. ACM 22 (1979) 532-535. */
		n += one->customers;
		mean_x += from_x * one->customers / n;
		mean_y += from_y * one->customers / n;
		xx += one->customers * from_x * (one->x - mean_x);
		yy += one->customers * from_y * (one->mean - mean_y);
		xy += one->customers * from_x * (one->mean - mean_y);
	}
	return xx > 0 && yy > 0 ? xy / sqrt(xx) / sqrt(yy) : NAN;
}

/* Fader and Hardie 2013, equation 5. */
double
spend_expected(const double *parameters, double x, double mean)
{
	double p = parameters[0], q = parameters[1], v = parameters[2];
	double shape = p * x + q - 1;

	if (!(shape > 0))
		return INFINITY;
	return p * (v / shape + x / shape * mean);
}
