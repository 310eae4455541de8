/*
 * pareto.c
 *		Pareto/NBD. Equations are those of Fader and Hardie 2005, "A note on deriving the Pareto/NBD model".
 */
#include <math.h>
#include <stddef.h>

#include "math/integral.h"
#include "math/purchase.h"
#include "math/quantile.h"

void
pareto_begin(PurchaseProcess *model)
{
	model->of_p[0] = log_gamma(model->p[0]);
	model->of_p[1] = log(model->p[1]);
	model->of_p[2] = log(model->p[3]);
	model->of_p[3] = digamma(model->p[0]);
	model->of_p[4] = log(model->p[2]);
}

/* The integral of (alpha + t)^-m (beta + t)^-n, and the means of what its logarithm is derived by. */
typedef struct Powers
{
	double log_sum;
	double log_alpha; /* mean of log(alpha + t) */
	double log_beta;
	double of_alpha; /* mean of 1 / (alpha + t) */
	double of_beta;
} Powers;

/* Within a panel the integrand falls, or grows, by no more than e^3. */
#define GREATEST_FALL 3.0

/* How fast it falls in u, where the smaller of alpha + t and beta + t is `place`. */
static double
falling(double steep, double other, double place, double apart)
{
	return steep - 1 + other * place / (place + apart);
}

/*
 * From t = from to t = to. The paper writes it as the difference of two Gaussian hypergeometric functions (equations
 * 20 and 22); they are nearly equal where the times are, and their series converge slowly where alpha and beta are far
 * apart. The integrand itself is smooth in u = log(delta + t), delta the smaller of both: Gauss-Legendre quadrature in
 * panels.
 */
static Powers
powers(double alpha, double beta, double m, double n, double from, double to, bool with_means)
{
	bool beta_first = beta < alpha;
	double least = fmin(alpha, beta);
	double apart = fabs(alpha - beta);
	double begin = log(least + from);
	double reach = log((least + to) / (least + from));
	double steep = beta_first ? n : m; /* the power of the smaller */
	double other = beta_first ? m : n;
	double log_apart = log(apart + least + from);
	double top = -steep * begin - other * log_apart + begin;
	double u = 0;
	double sum = 0;
	double of_log_least = 0, of_log_other = 0, of_least = 0, of_other = 0;
	Powers answer;

	for (int i = 0; i < 500 && u < reach; i++)
	{
		double place = (least + from) * exp(u);
		double width = fmin(2, reach - u);
		double half;
		double of_panel = 0;

		/* It falls the faster, the farther it is. */
		while (width * fmax(fabs(falling(steep, other, place, apart)),
							fabs(falling(steep, other, place * exp(width), apart))) >
			   GREATEST_FALL)
			width /= 2;
		half = width / 2;
		for (int j = 0; j < 2 * GAUSS_HALF; j++)
		{
			double at = u + half * (1 + (j & 1 ? gauss_node[j / 2] : -gauss_node[j / 2]));
			double here = (least + from) * exp(at);
			double log_least = begin + at;
			double log_other = log(here + apart);
			double value = gauss_weight[j / 2] * half *
						   exp(log_least - steep * log_least - other * log_other - top);

			of_panel += value;
			if (with_means)
			{
				of_log_least += value * log_least;
				of_log_other += value * log_other;
				of_least += value / here;
				of_other += value / (here + apart);
			}
		}
		sum += of_panel;
		u += 2 * half;
		/* It falls from here on: before the top it would grow. */
		if (of_panel < 1e-17 * sum)
			break;
	}
	answer.log_sum = top + log(sum);
	answer.log_alpha = (beta_first ? of_log_other : of_log_least) / sum;
	answer.log_beta = (beta_first ? of_log_least : of_log_other) / sum;
	answer.of_alpha = (beta_first ? of_other : of_least) / sum;
	answer.of_beta = (beta_first ? of_least : of_other) / sum;
	return answer;
}

/* Terms of the series below; where it has more, the integral is computed as above. */
#define MAX_TERMS 400

/* Where one of the sums is far above 1, their difference may have lost digits. */
#define GREATEST_SUM 20.0

/*
 * The odds of having left between t_x and T, with all digits that 1 + odds shows.
 *
 * Equations 20 and 22 have a hypergeometric function whose power series grows before it falls. By Euler's
 * transformation (M. Abramowitz and I. A. Stegun 15.3.3) it becomes F(1, d; m + s + 1; z), whose terms only fall, from
 * one to the next by z (d + k) / (m + s + 1 + k); z < 1 says how far alpha and beta are apart. The integral from t on,
 * times s (alpha + t)^m (beta + t)^s, is s / (m + s) F with d = m if alpha is the larger; else with d = s + 1 and a
 * factor (alpha + t) / (beta + t). So the series at t_x and at T have their divisions in common.
 */
static double
odds_of_leaving(const PurchaseProcess *model, History history)
{
	double m = model->p[0] + history.x;
	double s = model->p[2];
	double alpha = model->p[1];
	double beta = model->p[3];
	double alpha_then = alpha + history.t_x;
	double beta_then = beta + history.t_x;
	double alpha_now = alpha + history.T;
	double beta_now = beta + history.T;
	double grown = m * log(alpha_now / alpha_then) + s * log(beta_now / beta_then);
	double z_then = fabs(alpha - beta) / fmax(alpha_then, beta_then);
	double z_now = fabs(alpha - beta) / fmax(alpha_now, beta_now);
	double d = alpha < beta ? s + 1 : m;
	double then = alpha < beta ? alpha_then / beta_then : 1;
	double now = alpha < beta ? alpha_now / beta_now : 1;
	double sum_then = then;
	double sum_now = now;

	if (!(history.T > history.t_x))
		return 0;
	if (grown < 600 && 1 / (1 - z_now) < GREATEST_SUM)
		for (int k = 0; k < MAX_TERMS; k++)
		{
			double ratio = (d + k) / (m + s + 1 + k);

			then *= ratio * z_then;
			now *= ratio * z_now;
			sum_then += then;
			sum_now += now;
			/* What is left is less than a geometric series. */
			if (then * z_then < 1e-17 * (1 - z_then) * sum_then)
				return fmax(s / (m + s) * (exp(grown) * sum_then - sum_now), 0);
		}
	return exp(log(s) + powers(alpha, beta, m, s + 1, history.t_x, history.T, false).log_sum +
			   m * log(alpha_now) + s * log(beta_now));
}

/* The likelihood but for Gamma(r + x) / Gamma(r) alpha^r beta^s: still there at T, or left between t_x and T. */
double
pareto_likelihood(PurchaseProcess *model, History history, double *gradient)
{
	double r = model->p[0];
	double alpha = model->p[1];
	double s = model->p[2];
	double beta = model->p[3];
	double m = r + history.x;
	double log_a = log(alpha + history.T);
	double log_b = log(beta + history.T);
	double here = -m * log_a - s * log_b;
	Powers gone = {.log_sum = -INFINITY};
	double left;

	if (model->x != history.x)
	{
		model->x = history.x;
		model->of_x[0] = log_gamma(m) - model->of_p[0];
		model->of_x[1] = digamma(m) - model->of_p[3];
	}
	if (history.T > history.t_x)
		gone = powers(alpha, beta, m, s + 1, history.t_x, history.T, gradient != NULL);
	model->death = model->of_p[4] + gone.log_sum - here;
	if (gradient != NULL)
	{
		left = 1 / (1 + exp(-model->death));
		gradient[0] = model->of_x[1] + model->of_p[1] - (1 - left) * log_a - left * gone.log_alpha;
		gradient[1] = r / alpha - (1 - left) * m / (alpha + history.T) - left * m * gone.of_alpha;
		gradient[2] = model->of_p[2] - (1 - left) * log_b + left * (1 / s - gone.log_beta);
		gradient[3] =
			s / beta - (1 - left) * s / (beta + history.T) - left * (s + 1) * gone.of_beta;
	}
	return model->of_x[0] + r * model->of_p[1] + s * model->of_p[2] + here +
		   log1p_exp(model->death);
}

double
pareto_there(const PurchaseProcess *model, History history)
{
	return 1 / (1 + odds_of_leaving(model, history));
}

/* Equation 41 without P(alive); the mean over the rate of leaving has no pole at s = 1 when it is written so. */
double
pareto_expected(const PurchaseProcess *model, double alpha, double beta, double r, double horizon)
{
	double s = model->p[2];
	double reach = log1p(horizon / beta);
	double stretch = s - 1;
	double there = fabs(stretch * reach) < 1e-12 ? reach : -expm1(-stretch * reach) / stretch;

	return r * beta / alpha * there;
}

typedef struct Ways
{
	const double *p;
	double n;
} Ways;

/* By v = log of the time of leaving: n purchases until then. */
static double
left_after(double v, const void *argument)
{
	const Ways *ways = argument;
	const double *p = ways->p;
	double t = exp(v);

	return (ways->n + 1) * v - (p[0] + ways->n) * log(p[1] + t) - (p[2] + 1) * log(p[3] + t);
}

/* Equation 16, its last part integrated. */
double
pareto_probability(const PurchaseProcess *model, double n, double t)
{
	const double *p = model->p;
	Ways ways = {p, n};
	double end = log(t);
	/* log of Gamma(r + n) / (Gamma(r) n!) alpha^r beta^s */
	double front = -log(n) - log_beta(p[0], n) + p[0] * log(p[1]) + p[2] * log(p[3]);
	double here = n * end - (p[0] + n) * log(p[1] + t) - p[2] * log(p[3] + t);
	double low = fmin(fmin(log(p[1]), log(p[3])), end) - 50 / fmin(n + 1, 50) - 10;
	double gone = log(p[2]) + log_integral(left_after, &ways, fmax(low - 40 / (n + 1), -740), end);

	return exp(front + here) + exp(front + gone);
}
