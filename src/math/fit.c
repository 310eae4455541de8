/*
 * fit.c
 *		The maximum of a log-likelihood of a few positive parameters.
 *
 * S. G. Johnson, "The NLopt nonlinear-optimization package", with its SLSQP: D. Kraft, ACM Trans. Math. Softw. 20
 * (1994) 262-281.
 */
#include "math/fit.h"

#include <math.h>
#include <nlopt.h>
#include <string.h>

/* The logarithms that are searched: beyond these a parameter is taken to run away. */
#define LEAST_LOG (-16.0)
#define GREATEST_LOG 18.0
/* Searches from the best starts, each with so many evaluations at most. */
#define SEARCHES 2
#define MAX_EVALUATIONS 500
#define MAX_NEWTON_STEPS 30
/* A finished search: what a step could still add to the log-likelihood, in its own units. */
#define FINISHED 1e-10
#define DIFFERENCE 1e-4

typedef struct Search
{
	const FitProblem *problem;
	nlopt_opt optimizer;
	int evaluations;
	bool stopped;
} Search;

/* Less the log-likelihood, by customer. */
static double
evaluate(Search *search, const double *logs, double *gradient)
{
	const FitProblem *problem = search->problem;
	double value;

	if (search->stopped || (problem->stop != NULL && problem->stop()))
	{
		search->stopped = true;
		return NAN;
	}
	search->evaluations++;
	value = -problem->function(logs, gradient, problem->argument) / problem->weight;
	for (int i = 0; i < problem->parameters; i++)
		gradient[i] /= -problem->weight;
	if (isnan(value) && problem->stop != NULL && problem->stop())
		search->stopped = true;
	return value;
}

static double
objective(unsigned parameters, const double *logs, double *gradient, void *argument)
{
	Search *search = argument;
	double unused[FIT_PARAMETERS];
	double *into = gradient != NULL ? gradient : unused;
	double value = evaluate(search, logs, into);

	if (search->stopped)
		nlopt_force_stop(search->optimizer);
	if (!isfinite(value))
	{
		memset(into, 0, sizeof(double) * parameters);
		return HUGE_VAL;
	}
	return value;
}

/* The second derivatives, from differences of the first. false: some is not finite. */
static bool
second_derivatives(Search *search, const double *logs, double *hessian)
{
	int n = search->problem->parameters;

	for (int i = 0; i < n; i++)
	{
		double at[FIT_PARAMETERS];
		double above[FIT_PARAMETERS];
		double below[FIT_PARAMETERS];

		memcpy(at, logs, sizeof(at));
		at[i] = logs[i] + DIFFERENCE;
		(void) evaluate(search, at, above);
		at[i] = logs[i] - DIFFERENCE;
		(void) evaluate(search, at, below);
		if (search->stopped)
			return false;
		for (int j = 0; j < n; j++)
			hessian[i * n + j] = (above[j] - below[j]) / (2 * DIFFERENCE);
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
		{
			double middle = (hessian[i * n + j] + hessian[j * n + i]) / 2;

			if (!isfinite(middle))
				return false;
			hessian[i * n + j] = hessian[j * n + i] = middle;
		}
	return true;
}

/* The inverse of a positive definite matrix by its Cholesky decomposition; false if it is not one. */
static bool
invert(const double *matrix, int n, double *inverse)
{
	double l[FIT_PARAMETERS * FIT_PARAMETERS] = {0};

	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
		{
			double sum = matrix[i * n + j];

			for (int k = 0; k < j; k++)
				sum -= l[i * n + k] * l[j * n + k];
			if (i == j && !(sum > 1e-11 * matrix[i * n + i]))
				return false;
			l[i * n + j] = i == j ? sqrt(sum) : sum / l[j * n + j];
		}
	for (int column = 0; column < n; column++)
	{
		double x[FIT_PARAMETERS] = {0};

		for (int i = 0; i < n; i++)
		{
			x[i] = i == column;
			for (int k = 0; k < i; k++)
				x[i] -= l[i * n + k] * x[k];
			x[i] /= l[i * n + i];
		}
		for (int i = n - 1; i >= 0; i--)
		{
			for (int k = i + 1; k < n; k++)
				x[i] -= l[k * n + i] * x[k];
			x[i] /= l[i * n + i];
		}
		for (int i = 0; i < n; i++)
			inverse[i * n + column] = x[i];
	}
	return true;
}

static int
runaway(const double *logs, int n)
{
	for (int i = 0; i < n; i++)
		if (logs[i] < LEAST_LOG + 1 || logs[i] > GREATEST_LOG - 1)
			return i;
	return -1;
}

/*
 * Newton's method from where a search ended. A step that does not lead down is halved; where the second derivatives are
 * not those of a minimum, there is no answer.
 */
static bool
finish(Search *search, double *logs, double *value, double *covariance)
{
	const FitProblem *problem = search->problem;
	int n = problem->parameters;
	double gradient[FIT_PARAMETERS];

	*value = evaluate(search, logs, gradient);
	for (int step = 0; step < MAX_NEWTON_STEPS; step++)
	{
		double hessian[FIT_PARAMETERS * FIT_PARAMETERS];
		double inverse[FIT_PARAMETERS * FIT_PARAMETERS];
		double move[FIT_PARAMETERS];
		double gain = 0;
		double share = 1;

		if (!second_derivatives(search, logs, hessian) || !invert(hessian, n, inverse))
			return false;
		for (int i = 0; i < n; i++)
		{
			move[i] = 0;
			for (int j = 0; j < n; j++)
				move[i] -= inverse[i * n + j] * gradient[j];
			gain -= move[i] * gradient[i] / 2;
		}
		if (!(gain * problem->weight > FINISHED))
		{
			for (int i = 0; i < n * n; i++)
				covariance[i] = inverse[i] / problem->weight;
			return isfinite(gain);
		}
		for (;; share /= 2)
		{
			double at[FIT_PARAMETERS];
			double slope[FIT_PARAMETERS];
			double there;

			for (int i = 0; i < n; i++)
				at[i] = logs[i] + share * move[i];
			if (share < 1e-6 || (runaway(at, n) >= 0 && runaway(logs, n) >= 0))
				return false;
			there = runaway(at, n) >= 0 ? NAN : evaluate(search, at, slope);
			if (search->stopped)
				return false;
			/* Near the end the value itself has no digits left to tell. */
			if (there <= *value + 1e-14 * fabs(*value))
			{
				memcpy(logs, at, sizeof(at));
				memcpy(gradient, slope, sizeof(slope));
				*value = there;
				break;
			}
		}
	}
	return false;
}

/* The places of the best starts, best first; *count of them. */
static void
best_starts(Search *search, int *best, int *count)
{
	const FitProblem *problem = search->problem;
	double value[SEARCHES];

	*count = 0;
	for (int i = 0; i < problem->starts; i++)
	{
		double gradient[FIT_PARAMETERS];
		double here = evaluate(search, problem->start[i], gradient);
		int at = *count;

		if (!isfinite(here))
			continue;
		while (at > 0 && here < value[at - 1])
			at--;
		if (at == SEARCHES)
			continue;
		if (*count < SEARCHES)
			(*count)++;
		for (int j = *count - 1; j > at; j--)
		{
			best[j] = best[j - 1];
			value[j] = value[j - 1];
		}
		best[at] = i;
		value[at] = here;
	}
}

FitEnd
fit_maximum(const FitProblem *problem, FitResult *result)
{
	Search search = {.problem = problem};
	int n = problem->parameters;
	int best[SEARCHES];
	int searches;
	double least = HUGE_VAL;
	bool converged = false;

	memset(result, 0, sizeof(*result));
	result->parameter = -1;
	best_starts(&search, best, &searches);
	search.optimizer = nlopt_create(NLOPT_LD_SLSQP, (unsigned) n);
	if (search.optimizer == NULL)
		return FIT_NO_MEMORY;
	nlopt_set_min_objective(search.optimizer, objective, &search);
	nlopt_set_lower_bounds1(search.optimizer, LEAST_LOG);
	nlopt_set_upper_bounds1(search.optimizer, GREATEST_LOG);
	nlopt_set_ftol_rel(search.optimizer, 1e-9);
	nlopt_set_maxeval(search.optimizer, MAX_EVALUATIONS);

	/* The second start is for data with which the first leads nowhere, or to a lesser top. */
	for (int i = 0; i < searches && !search.stopped; i++)
	{
		double logs[FIT_PARAMETERS];
		double value;
		nlopt_result end;

		memcpy(logs, problem->start[best[i]], sizeof(logs));
		end = nlopt_optimize(search.optimizer, logs, &value);
		if (end == NLOPT_OUT_OF_MEMORY)
		{
			nlopt_destroy(search.optimizer);
			return FIT_NO_MEMORY;
		}
		if (isfinite(value) && value < least)
		{
			least = value;
			memcpy(result->logs, logs, sizeof(logs));
		}
	}
	nlopt_destroy(search.optimizer);

	if (!search.stopped && isfinite(least))
		converged = finish(&search, result->logs, &least, result->covariance);
	result->iterations = search.evaluations;
	result->log_likelihood = -least * problem->weight;
	result->parameter = runaway(result->logs, n);
	if (search.stopped)
		return FIT_STOPPED;
	if (!isfinite(least))
		return FIT_NOWHERE;
	return converged && result->parameter < 0 ? FIT_CONVERGED : FIT_FLAT;
}
