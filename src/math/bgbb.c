/*
 * bgbb.c
 *		BG/BB. Equations are those of Fader, Hardie and Shang 2010. Parameters: alpha, beta of buying, gamma, delta of
 *		leaving.
 */
#include <math.h>
#include <stddef.h>

#include "math/purchase.h"
#include "math/quantile.h"

void
bgbb_begin(PurchaseProcess *model)
{
	const double *p = model->p;

	model->of_p[0] = log_beta(p[0], p[1]);
	model->of_p[1] = log_beta(p[2], p[3]);
	model->of_p[2] = digamma(p[0] + p[1]);
	model->of_p[3] = digamma(p[2] + p[3]);
	model->of_p[4] = digamma(p[0]);
	model->of_p[5] = digamma(p[1]);
}

/*
 * Equation 5 without its constant 1 / (B(alpha, beta) B(gamma, delta)). Its last part is a sum over when the customer
 * left, after opportunity t_x + i; each term follows from the one before. Returns the log of the sum over its first
 * term, whose log is in *first, and the means of the derivatives of the terms' logs by beta, gamma and delta, less
 * those of the first term.
 */
static double
left_terms(const PurchaseProcess *model, History history, double *first, double *slope)
{
	double alpha = model->p[0], beta = model->p[1], gamma = model->p[2], delta = model->p[3];
	double misses = beta + history.t_x - history.x;
	double all = alpha + beta + history.t_x;
	double stays = delta + history.t_x;
	double ends = gamma + delta + 1 + history.t_x;
	int count = (int) (history.T - history.t_x);
	double term = 1;
	double sum = 0;
	double by[4] = {0};	  /* of the log of the term at hand, by alpha, beta, gamma, delta */
	double mean[4] = {0}; /* times the terms */

	*first = log_beta(alpha + history.x, misses) + log_beta(gamma + 1, stays);
	for (int i = 0; i < count; i++)
	{
		sum += term;
		if (slope != NULL)
		{
			for (int j = 0; j < 4; j++)
				mean[j] += term * by[j];
			by[0] -= 1 / (all + i);
			by[1] += 1 / (misses + i) - 1 / (all + i);
			by[2] -= 1 / (ends + i);
			by[3] += 1 / (stays + i) - 1 / (ends + i);
		}
		term *= (misses + i) / (all + i) * ((stays + i) / (ends + i));
		if (term < 1e-18 * sum && slope == NULL)
			break;
	}
	if (slope != NULL)
		for (int j = 0; j < 4; j++)
			slope[j] = mean[j] / sum;
	return log(sum);
}

double
bgbb_likelihood(PurchaseProcess *model, History history, double *gradient)
{
	double alpha = model->p[0], beta = model->p[1], gamma = model->p[2], delta = model->p[3];
	double x = history.x, t = history.t_x, n = history.T;
	double here = log_beta(alpha + x, beta + n - x) + log_beta(gamma, delta + n);
	double first = -INFINITY;
	double sum = -INFINITY;
	double slope[4] = {0};
	double left;

	if (n > t)
		sum = left_terms(model, history, &first, gradient != NULL ? slope : NULL) + first;
	model->death = sum - here;
	if (gradient != NULL)
	{
		double psi_x = digamma(alpha + x);
		double psi_all = digamma(alpha + beta + n);
		double psi_end = digamma(gamma + delta + n);

		left = 1 / (1 + exp(-model->death));
		gradient[0] = (1 - left) * (psi_x - psi_all);
		gradient[1] = (1 - left) * (digamma(beta + n - x) - psi_all);
		gradient[2] = (1 - left) * (digamma(gamma) - psi_end);
		gradient[3] = (1 - left) * (digamma(delta + n) - psi_end);
		if (left > 0)
		{
			double psi_then = digamma(alpha + beta + t);
			double psi_gone = digamma(gamma + delta + 1 + t);

			gradient[0] += left * (psi_x - psi_then + slope[0]);
			gradient[1] += left * (digamma(beta + t - x) - psi_then + slope[1]);
			gradient[2] += left * (digamma(gamma + 1) - psi_gone + slope[2]);
			gradient[3] += left * (digamma(delta + t) - psi_gone + slope[3]);
		}
		gradient[0] += model->of_p[2] - model->of_p[4];
		gradient[1] += model->of_p[2] - model->of_p[5];
		gradient[2] += model->of_p[3] - digamma(gamma);
		gradient[3] += model->of_p[3] - digamma(delta);
	}
	return here + log1p_exp(model->death) - model->of_p[0] - model->of_p[1];
}

double
bgbb_there(PurchaseProcess *model, History history)
{
	(void) bgbb_likelihood(model, history, NULL);
	return 1 / (1 + exp(model->death));
}

/* Of those who are there at T, who is there at opportunity T + 1: delta + T of gamma + delta + T. */
double
bgbb_stays(const PurchaseProcess *model, double T)
{
	double gamma = model->p[2], delta = model->p[3];

	return (delta + T) / (gamma + delta + T);
}

/*
 * The sum over k = 1 .. steps of the probability of being there k opportunities after T: the product of (delta + T +
 * i) / (gamma + delta + T + i) over i < k. In closed form it has a factor 1 / (gamma - 1), which is no pole.
 */
static double
opportunities_left(double gamma, double delta, double T, double steps)
{
	double from = delta + T;
	double stretch = gamma - 1;
	double sum = 0;
	double here = 1;

	if (steps <= 1000)
	{
		for (double k = 0; k < steps; k++)
		{
			here *= (from + k) / (gamma + from + k);
			sum += here;
		}
		return sum;
	}
	if (fabs(stretch) < 1e-7)
		return fmin(from * (digamma(1 + from + steps) - digamma(1 + from)), steps);
	here =
		log_gamma_ratio(gamma + from + steps, -stretch) - log_gamma_ratio(gamma + from, -stretch);
	return fmin(fmax(-expm1(here) * from / stretch, 0), steps);
}

/* Equation 13, of a customer who is there at T. */
double
bgbb_expected(const PurchaseProcess *model, History history, double horizon)
{
	double alpha = model->p[0], beta = model->p[1];

	return (alpha + history.x) / (alpha + beta + history.T) *
		   opportunities_left(model->p[2], model->p[3], history.T, horizon);
}

/* Equation 9. */
double
bgbb_new_purchases(const PurchaseProcess *model, double t)
{
	const double *p = model->p;

	return p[0] / (p[0] + p[1]) * opportunities_left(p[2], p[3], 0, t);
}

/* log of n over k */
static double
log_choose(double n, double k)
{
	return log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(n - k + 1);
}

/* Equation 8: still there after t opportunities, or gone after i < t of them. */
double
bgbb_probability(const PurchaseProcess *model, double n, double t)
{
	const double *p = model->p;
	double sum;
	double front = -log_beta(p[0], p[1]) - log_beta(p[2], p[3]);

	if (n > t)
		return 0;
	sum =
		exp(front + log_choose(t, n) + log_beta(p[0] + n, p[1] + t - n) + log_beta(p[2], p[3] + t));
	for (double i = n; i < t; i++)
		sum += exp(front + log_choose(i, n) + log_beta(p[0] + n, p[1] + i - n) +
				   log_beta(p[2] + 1, p[3] + i));
	return fmin(sum, 1);
}
