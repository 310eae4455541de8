/*
 * integral.c
 *		Integrals of positive functions with one hump, by Gauss-Legendre quadrature from the top outwards.
 */
#include "math/integral.h"

#include <math.h>
#include <stddef.h>

#include "math/quantile.h"

/* Eight nodes: M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions" (1964), table 25.4. */
const double gauss_node[GAUSS_HALF] = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
									   0.9602898564975363};
const double gauss_weight[GAUSS_HALF] = {0.3626837833783620, 0.3137066458778873, 0.2223810344533745,
										 0.1012285362903763};

/* exp(-40) of the top adds nothing that a double shows. */
#define NEGLIGIBLE 40.0
#define MAX_PANELS 1500
/* How far f may fall within a panel. */
#define GREATEST_FALL 3.0

static double
panel(LogFunction f, const void *argument, double from, double to, double top)
{
	double middle = from + (to - from) / 2;
	double half = (to - from) / 2;
	double sum = 0;

	for (int i = 0; i < GAUSS_HALF; i++)
		sum += gauss_weight[i] * (exp(f(middle + half * gauss_node[i], argument) - top) +
								  exp(f(middle - half * gauss_node[i], argument) - top));
	return sum * fabs(half);
}

/* From the top to an end, in panels within which f does not fall far. */
static double
one_side(LogFunction f, const void *argument, double at, double top, double end)
{
	double direction = end > at ? 1 : -1;
	double width = 1;
	double here = f(at, argument);
	double sum = 0;

	for (int i = 0; i < MAX_PANELS && at != end; i++)
	{
		double next;
		double there;

		for (;; width /= 2)
		{
			next = at + direction * width;
			if ((next - end) * direction > 0)
				next = end;
			there = f(next, argument);
			if (!(fabs(here - there) > GREATEST_FALL) || width < 1e-12)
				break;
		}
		sum += panel(f, argument, at, next, top);
		if (there < top - NEGLIGIBLE)
			break;
		if (fabs(here - there) < GREATEST_FALL / 4 && width < 1)
			width *= 2;
		at = next;
		here = there;
	}
	return sum;
}

double
log_integral(LogFunction f, const void *argument, double low, double high)
{
	const double golden = 0.6180339887498949;
	double a = low;
	double b = high;
	double top;
	double at;
	double left = b - golden * (b - a);
	double right = a + golden * (b - a);
	double f_left = f(left, argument);
	double f_right = f(right, argument);

	if (!(high > low))
		return -INFINITY;
	for (int i = 0; i < 120 && b - a > 1e-9 * (1 + fabs(a)); i++)
		if (f_left < f_right)
		{
			a = left;
			left = right;
			f_left = f_right;
			right = a + golden * (b - a);
			f_right = f(right, argument);
		}
		else
		{
			b = right;
			right = left;
			f_right = f_left;
			left = b - golden * (b - a);
			f_left = f(left, argument);
		}
	at = a + (b - a) / 2;
	top = f(at, argument);
	return top + log(one_side(f, argument, at, top, low) + one_side(f, argument, at, top, high));
}

typedef struct BetaMean
{
	double a;
	double b;
	LogOfShare g;
	const void *argument;
} BetaMean;

/* In v = log(p / (1 - p)) the density has one hump and its tails fall by powers of e. */
static double
beta_weight(double v, const void *argument)
{
	const BetaMean *mean = argument;
	double log_p = v < 0 ? v - log1p(exp(v)) : -log1p(exp(-v));
	double log_q = v < 0 ? -log1p(exp(v)) : -v - log1p(exp(-v));
	double g = mean->g != NULL ? mean->g(log_p, log_q, mean->argument) : 0;

	return mean->a * log_p + mean->b * log_q + g;
}

/* log of the integral over all v: beyond the ends g is what it is at them, so that an exponential is left. */
static double
beta_integral(const BetaMean *mean, double low, double high)
{
	double part[3] = {log_integral(beta_weight, mean, low, high),
					  beta_weight(low, mean) - log(mean->a),
					  beta_weight(high, mean) - log(mean->b)};
	double top = fmax(fmax(part[0], part[1]), part[2]);

	return top + log(exp(part[0] - top) + exp(part[1] - top) + exp(part[2] - top));
}

double
beta_mean(double a, double b, LogOfShare g, const void *argument)
{
	BetaMean above = {a, b, g, argument};
	BetaMean below = {a, b, NULL, NULL};
	double low = -fmin(NEGLIGIBLE / a + 50, 700);
	double high = fmin(NEGLIGIBLE / b + 50, 700);

	return exp(beta_integral(&above, low, high) - beta_integral(&below, low, high));
}
