/*
 * purchase.c
 *		BG/NBD and MBG/NBD, and what the models of purchases have in common.
 */
#include "math/purchase.h"

#include <math.h>
#include <string.h>

#include "math/integral.h"
#include "math/quantile.h"

double
log1p_exp(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* What Stirling's formula leaves of log Gamma(x): M. Abramowitz and I. A. Stegun 6.1.41, for x from STIRLING on. */
#define STIRLING 20

static double
stirling_rest(double x)
{
	double y = 1 / (x * x);

	return (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y / 1680))) / x;
}

double
log_gamma_ratio(double b, double a)
{
	if (a < 0)
		return -log_gamma_ratio(b + a, -a);
	if (b < STIRLING)
		return log_gamma(a + b) - log_gamma(b);
	/* The difference of two large logarithms would lose their digits. */
	return (b - 0.5) * log1p(a / b) + a * (log(a + b) - 1) + stirling_rest(a + b) -
		   stirling_rest(b);
}

double
log_beta(double a, double b)
{
	double small = fmin(a, b);
	double large = fmax(a, b);

	if (small < STIRLING)
		return log_gamma(small) - log_gamma_ratio(large, small);
	return log(2 * M_PI / large) / 2 + (small - 0.5) * log(small / (a + b)) +
		   large * log1p(-small / (a + b)) + stirling_rest(a) + stirling_rest(b) -
		   stirling_rest(a + b);
}

/* ---- BG/NBD and MBG/NBD ---- */

/*
 * While a customer is there, their probability of leaving after a purchase has a beta distribution (a, b + x), and with
 * MBG/NBD, where they have stayed once more, (a, b + x + 1).
 */
static double
stays(const PurchaseProcess *model, double x)
{
	return model->p[3] + x + (model->model == MODEL_MBG_NBD);
}

/* What follows from x: log Gamma(r + x) / Gamma(r) alpha^r B(a, stays) / B(a, b), and its derivatives by r, a, b. */
static void
bg_of_x(PurchaseProcess *model, double x)
{
	double r = model->p[0];
	double a = model->p[2];
	double stay = stays(model, x);

	model->x = x;
	model->of_x[0] =
		log_gamma(r + x) - model->of_p[0] + r * model->of_p[1] + log_beta(a, stay) - model->of_p[2];
	model->of_x[1] = digamma(r + x) - model->of_p[3] + model->of_p[1];
	model->of_x[2] = model->of_p[4] - digamma(a + stay);
	model->of_x[3] = digamma(stay) - digamma(a + stay) - model->of_p[5];
	/* The odds of having left after the last purchase, but for the time since: a / (stays - 1). */
	model->of_x[4] = x == 0 && model->model == MODEL_BG_NBD ? -INFINITY : log(a) - log(stay - 1);
}

static void
bg_begin(PurchaseProcess *model)
{
	double r = model->p[0];
	double a = model->p[2];
	double b = model->p[3];

	model->of_p[0] = log_gamma(r);
	model->of_p[1] = log(model->p[1]);
	model->of_p[2] = log_beta(a, b);
	model->of_p[3] = digamma(r);
	model->of_p[4] = digamma(a + b);
	model->of_p[5] = digamma(b) - digamma(a + b);
}

/* The log of the odds of having left: Fader, Hardie and Lee, equation 6 and the P(alive) that follows from it. */
static double
bg_death(const PurchaseProcess *model, History history)
{
	double r = model->p[0];
	double alpha = model->p[1];
	double a = model->p[2];

	if (history.x == 0 && model->model == MODEL_BG_NBD)
		return -INFINITY;
	return log(a / (stays(model, history.x) - 1)) +
		   (r + history.x) * log((alpha + history.T) / (alpha + history.t_x));
}

static double
bg_likelihood(PurchaseProcess *model, History history, double *gradient)
{
	double r = model->p[0];
	double alpha = model->p[1];
	double m = r + history.x;
	double log_T = log(alpha + history.T);
	double log_t = log(alpha + history.t_x);
	double left;

	if (model->x != history.x)
		bg_of_x(model, history.x);
	model->death = model->of_x[4] + m * (log_T - log_t);
	if (gradient != NULL)
	{
		left = 1 / (1 + exp(-model->death));
		gradient[0] = model->of_x[1] - log_T + left * (log_T - log_t);
		gradient[1] =
			r / alpha - (1 - left) * m / (alpha + history.T) - left * m / (alpha + history.t_x);
		gradient[2] = model->of_x[2] + left / model->p[2];
		gradient[3] = model->of_x[3] - (left > 0 ? left / (stays(model, history.x) - 1) : 0);
	}
	return model->of_x[0] - m * log_T + log1p_exp(model->death);
}

/* log((1 - (1 + p w)^-R) / p) */
static double
bg_gain(double log_p, double log_q, const void *argument)
{
	const double *R_w = argument;
	double reach = R_w[0] * log1p(exp(log_p) * R_w[1]);

	/* p so small that the power is 1 to all digits. */
	if (reach < 1e-290)
		return log(R_w[0]) + log(R_w[1]);
	return log(-expm1(-reach)) - log_p;
}

/* Terms of the series below; beyond them the same number is integrated. */
#define MAX_TERMS 2000

/*
 * Purchases expected in the next w (in units of alpha + T) from a customer who is there, whose rate is
 * gamma-distributed with shape R and whose probability of leaving is beta-distributed (a, stay).
 *
 * Fader, Hardie and Lee have it as the Gaussian hypergeometric function of equation 10, with a factor 1 / (a - 1). Its
 * power series (Abramowitz and Stegun 15.1.1), sorted anew, has neither a pole at a = 1 nor terms of different sign: if
 * nobody left, the number of purchases K would be negative binomial; purchase j + 1 is made if the customer has not
 * left after any of the first j. So it is the sum over j of P(K > j) (stay)_j / (a + stay)_j. Where that has too many
 * terms, it is the mean over the probability of leaving p of (1 - (1 + p w)^-R) / p.
 */
static double
bg_expected(double R, double w, double a, double stay)
{
	double share = w / (1 + w);
	double none = -R * log1p(w);
	double probability = exp(none);
	double more = -expm1(none);
	double here = 1;
	double sum = 0;
	double R_w[2] = {R, w};

	if (none > -600 && R * w + 40 * sqrt(R * w * (1 + w)) < MAX_TERMS)
		for (int j = 0; j < MAX_TERMS; j++)
		{
			double term = more * here;

			sum += term;
			if (!(term > 1e-16 * sum))
				return sum;
			probability *= (R + j) / (j + 1) * share;
			more -= probability;
			here *= (stay + j) / (a + stay + j);
		}
	return beta_mean(a, stay, bg_gain, R_w);
}

/* Fader, Hardie and Lee, equation 9; MBG/NBD: times the share b / (a + b) who stay after the first purchase. */
static double
bg_new_purchases(const PurchaseProcess *model, double t)
{
	double a = model->p[2];
	double b = model->p[3];
	double here = model->model == MODEL_MBG_NBD ? b / (a + b) : 1;

	return here * bg_expected(model->p[0], t / model->p[1], a, stays(model, 0));
}

/* The log-probability of n of a negative binomial distribution with a gamma rate (r, alpha) over the time t. */
static double
negative_binomial(double n, double r, double alpha, double t)
{
	/* log Gamma(r + n) / (Gamma(r) n!) */
	double ways = n > 0 ? -log(n) - log_beta(r, n) : 0;

	return ways - r * log1p(t / alpha) + (n > 0 ? n * log(t / (alpha + t)) : 0);
}

/* Fader, Hardie and Lee, equation 8: n purchases and still there, or left after the n-th of at least n. */
static double
bg_probability(const PurchaseProcess *model, double n, double t)
{
	double r = model->p[0];
	double alpha = model->p[1];
	double a = model->p[2];
	double b = model->p[3];
	double stay = stays(model, n);
	double here = exp(log_beta(a, stay) - log_beta(a, b) + negative_binomial(n, r, alpha, t));
	double at_least = n > 0 ? beta_low_tail(n, r, t / (alpha + t)) : 1;

	if (n == 0 && model->model == MODEL_BG_NBD)
		return here;
	return fmin(here + exp(log_beta(a + 1, stay - 1) - log_beta(a, b)) * at_least, 1);
}

/* ---- All models ---- */

PurchaseProcess
process_of(PurchaseModel model, const double *parameters)
{
	PurchaseProcess answer = {.model = model, .x = NAN};

	memcpy(answer.p, parameters, sizeof(answer.p));
	if (model == MODEL_PARETO_NBD)
		pareto_begin(&answer);
	else if (model == MODEL_BG_BB)
		bgbb_begin(&answer);
	else
		bg_begin(&answer);
	return answer;
}

double
history_likelihood(PurchaseProcess *model, History history, double *gradient)
{
	if (model->model == MODEL_PARETO_NBD)
		return pareto_likelihood(model, history, gradient);
	if (model->model == MODEL_BG_BB)
		return bgbb_likelihood(model, history, gradient);
	return bg_likelihood(model, history, gradient);
}

/* The probability that the customer is still there at T, also with BG/BB. */
static double
history_there(PurchaseProcess *model, History history)
{
	if (model->model == MODEL_BG_BB)
		return bgbb_there(model, history);
	if (model->model == MODEL_PARETO_NBD)
		return pareto_there(model, history);
	return 1 / (1 + exp(bg_death(model, history)));
}

double
history_alive(PurchaseProcess *model, History history)
{
	double there = history_there(model, history);

	return model->model == MODEL_BG_BB ? there * bgbb_stays(model, history.T) : there;
}

/* Purchases expected in (T, T + horizon] from a customer who is still there at T. */
static double
purchases_if_there(const PurchaseProcess *model, History history, double horizon)
{
	const double *p = model->p;

	if (horizon == 0)
		return 0;
	if (model->model == MODEL_BG_BB)
		return bgbb_expected(model, history, horizon);
	if (model->model == MODEL_PARETO_NBD)
		return pareto_expected(model, p[1] + history.T, p[3] + history.T, p[0] + history.x,
							   horizon);
	return bg_expected(p[0] + history.x, horizon / (p[1] + history.T), p[2],
					   stays(model, history.x));
}

double
history_purchases(PurchaseProcess *model, History history, double horizon)
{
	return history_there(model, history) * purchases_if_there(model, history, horizon);
}

double
discounted_purchases(PurchaseProcess *model, History history, double horizon, double step,
					 double discount, void (*each)(void))
{
	double all = purchases_if_there(model, history, horizon);
	double before = 0;
	double sum = 0;

	for (double k = 1; !(before >= all); k++)
	{
		double end = fmin(k * step, horizon);
		double until = end < horizon ? purchases_if_there(model, history, end) : all;
		double worth = exp(-log1p(discount) * (end / step));

		each();
		sum += (until - before) * worth;
		before = until;
		/* All that is still to come is worth less than a digit. */
		if (end == horizon || (all - before) * worth < 1e-17 * sum)
			break;
	}
	return history_there(model, history) * sum;
}

double
new_purchases(PurchaseProcess *model, double t)
{
	if (t == 0)
		return 0;
	if (model->model == MODEL_BG_BB)
		return bgbb_new_purchases(model, t);
	if (model->model == MODEL_PARETO_NBD)
		return pareto_expected(model, model->p[1], model->p[3], model->p[0], t);
	return bg_new_purchases(model, t);
}

double
new_purchase_probability(PurchaseProcess *model, double n, double t)
{
	if (t == 0)
		return n == 0;
	if (model->model == MODEL_BG_BB)
		return bgbb_probability(model, n, t);
	if (model->model == MODEL_PARETO_NBD)
		return n == 0 ? history_silent(model, (History){0}, t) : pareto_probability(model, n, t);
	return bg_probability(model, n, t);
}

/* A history with nothing after T is the one that is known, as likely as it is at T + horizon. */
double
history_silent(PurchaseProcess *model, History history, double horizon)
{
	double now = history_likelihood(model, history, NULL);

	history.T += horizon;
	return fmin(exp(history_likelihood(model, history, NULL) - now), 1);
}

/* log((1 + p w)^-R) */
static double
bg_still(double log_p, double log_q, const void *argument)
{
	const double *R_w = argument;

	return -R_w[0] * log1p(exp(log_p) * R_w[1]);
}

/*
 * The mean of (1 + p w)^-R: that a customer who is there is still there after w. As in bg_expected(), it is the sum
 * over K, negative binomial, of the probability of staying K times.
 */
static double
bg_stays(double R, double w, double a, double stay)
{
	double share = w / (1 + w);
	double none = -R * log1p(w);
	double probability = exp(none);
	double here = 1;
	double sum = 0;
	double seen = 0;
	double R_w[2] = {R, w};

	if (w == 0)
		return 1;
	if (none > -600 && R * w + 40 * sqrt(R * w * (1 + w)) < MAX_TERMS)
		for (int j = 0; j < MAX_TERMS; j++)
		{
			sum += probability * here;
			seen += probability;
			if (!((1 - seen) * here > 1e-15 * sum))
				return sum;
			probability *= (R + j) / (j + 1) * share;
			here *= (stay + j) / (a + stay + j);
		}
	return beta_mean(a, stay, bg_still, R_w);
}

/*
 * BG/NBD: of a customer of known traits who is there at T, exp(-l p after) (1 - exp(-l (until - after))), for they
 * leave after a purchase only; the mean over the rate of buying l is a power, that over p is bg_stays().
 */
static double
buys_between(PurchaseProcess *model, History history, double after, double until)
{
	double R = model->p[0] + history.x;
	double scale = model->p[1] + history.T;
	double w = after / scale;
	double d = (until - after) / scale;
	double stay = stays(model, history.x);

	if (!(until > after))
		return 0;
	if (model->model == MODEL_BG_BB)
		return NAN;
	if (model->model == MODEL_PARETO_NBD)
	{
		/* Who is still there after that is a new customer with other parameters. */
		double then[FIT_PARAMETERS] = {R, scale, model->p[2], model->p[3] + history.T + after};
		PurchaseProcess later = process_of(MODEL_PARETO_NBD, then);

		return history_alive(model, history) *
			   exp(-model->p[2] * log1p(after / (model->p[3] + history.T))) *
			   -expm1(history_likelihood(&later, (History){.T = until - after}, NULL));
	}
	/* (1 + p w + d)^-R is (1 + d)^-R (1 + p w / (1 + d))^-R. */
	return history_alive(model, history) *
		   (bg_stays(R, w, model->p[2], stay) -
			exp(-R * log1p(d)) * bg_stays(R, w / (1 + d), model->p[2], stay));
}

double
history_buys(PurchaseProcess *model, History history, double after, double until)
{
	double probability = buys_between(model, history, after, until);

	/* Rounding may lead beyond. */
	return isnan(probability) ? NAN : fmin(fmax(probability, 0), 1);
}

static double
all_histories(const double *logs, double *gradient, void *argument)
{
	const PurchaseData *data = argument;
	double parameters[FIT_PARAMETERS];
	PurchaseProcess model;
	double sum = 0;

	for (int i = 0; i < FIT_PARAMETERS; i++)
	{
		parameters[i] = exp(logs[i]);
		gradient[i] = 0;
	}
	model = process_of(data->model, parameters);
	for (int64_t i = 0; i < data->count; i++)
	{
		const CountedHistory *one = &data->histories[i];
		double slope[FIT_PARAMETERS];

		/* A history of BG/BB may have MAX_OPPORTUNITIES terms. */
		if ((i & 63) == 63 && data->stop != NULL && data->stop())
			return NAN;
		sum += one->customers * history_likelihood(&model, one->history, slope);
		for (int j = 0; j < FIT_PARAMETERS; j++)
			gradient[j] += one->customers * slope[j];
	}
	for (int j = 0; j < FIT_PARAMETERS; j++)
		gradient[j] *= parameters[j];
	return sum;
}

FitEnd
fit_purchases(const void *given, FitResult *result, bool (*stop)(void))
{
	PurchaseData with_stop = *(const PurchaseData *) given;
	const PurchaseData *data = &with_stop;
	/* Shape of the rate; shapes of leaving. */
	static const double shapes[3] = {0.3, 1, 3};
	static const double leaving[3][2] = {{0.5, 2}, {1, 8}, {3, 3}};
	double start[9][FIT_PARAMETERS];
	double customers = 0;
	double purchases = 0;
	double time = 0;
	FitProblem problem = {
		.parameters = FIT_PARAMETERS,
		.function = all_histories,
		.argument = &with_stop,
		.stop = stop,
		.starts = 9,
		.start = (const double(*)[FIT_PARAMETERS]) start,
	};

	with_stop.stop = stop;
	for (int64_t i = 0; i < data->count; i++)
	{
		customers += data->histories[i].customers;
		purchases += data->histories[i].customers * data->histories[i].history.x;
		time += data->histories[i].customers * data->histories[i].history.T;
	}
	for (int i = 0; i < 9; i++)
	{
		double r = shapes[i / 3];
		double a = leaving[i % 3][0];
		double b = leaving[i % 3][1];
		/* The mean rate r / alpha is about that of all purchases. */
		double alpha = r * fmax(time, 1e-3) / fmax(purchases, 1);

		if (data->model == MODEL_PARETO_NBD)
		{
			a = leaving[i % 3][0];
			b = fmax(time, 1e-3) / customers * leaving[i % 3][1] / 8;
		}
		if (data->model == MODEL_BG_BB)
		{
			double share = purchases / fmax(time, 1);

			alpha = r * (1 - share) / share; /* beta of the buying probability */
		}
		start[i][0] = log(r);
		start[i][1] = fmin(fmax(log(alpha), -10), 12);
		start[i][2] = log(a);
		start[i][3] = fmin(fmax(log(b), -10), 12);
	}
	problem.weight = customers;
	return fit_maximum(&problem, result);
}
