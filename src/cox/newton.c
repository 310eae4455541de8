/*
 * newton.c
 *		The maximum of a likelihood by Newton's method.
 */
#include "retention.h"

#include <math.h>

#include "cox/cox.h"
#include "cox/newton.h"
#include "math/ldl.h"
#include "storage/shmem.h"

/* Newton's decrement, squared: twice what a step can still add to the likelihood. A standard error would be 1. */
#define FINISHED 1e-18
/* The likelihood stands still if it grows by no more than this part of itself. */
#define STANDSTILL 1e-8

double *
alloc_doubles(Size count)
{
	return palloc_extended(mul_size(sizeof(double), Max(count, 1)),
						   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

void *
alloc_array(Size size, int64 count)
{
	return palloc_extended(mul_size(size, (Size) Max(count, 1)), MCXT_ALLOC_HUGE);
}

Newton
newton_new(int size, void *model, LikelihoodAt likelihood_at)
{
	Newton newton = {.size = size, .model = model, .likelihood_at = likelihood_at};

	newton.now.score = alloc_doubles(size);
	newton.now.information = alloc_doubles(size * size);
	newton.trial.score = alloc_doubles(size);
	newton.trial.information = alloc_doubles(size * size);
	newton.beta = alloc_doubles(size);
	newton.step = alloc_doubles(size);
	newton.tried = alloc_doubles(size);
	newton.l = alloc_doubles(size * size);
	newton.flag = palloc0(sizeof(int) * size);
	return newton;
}

static double
dot(const double *a, const double *b, int size)
{
	double sum = 0;

	for (int k = 0; k < size; k++)
		sum += a[k] * b[k];
	return sum;
}

/* Goes a step, halved until the likelihood is not less, but for rounding. False: no step helps. */
static bool
go_step(Newton *newton)
{
	int size = newton->size;
	Likelihood before = newton->now;

	for (int halvings = 0; halvings <= 20; halvings++)
	{
		if (halvings > 0)
			for (int k = 0; k < size; k++)
				newton->step[k] /= 2;
		for (int k = 0; k < size; k++)
			newton->tried[k] = newton->beta[k] + newton->step[k];
		newton->likelihood_at(newton->model, newton->tried, &newton->trial);
		if (isfinite(newton->trial.loglik) &&
			newton->trial.loglik >= before.loglik - 1e-11 * fabs(before.loglik) &&
			ldl_decompose(newton->trial.information, size, newton->l, newton->flag, false))
		{
			memcpy(newton->beta, newton->tried, sizeof(double) * size);
			newton->now = newton->trial;
			newton->trial = before;
			return true;
		}
	}
	return false;
}

/* Whether coefficients still moved at the end while the likelihood did not. */
static bool
climb(Newton *newton)
{
	int size = newton->size;
	int standing = 0; /* steps without a better likelihood */

	while (newton->fine > 0 && newton->iterations < MAX_ITERATIONS && standing < 2)
	{
		double before = newton->now.loglik;
		double largest = 0;

		if (dot(newton->step, newton->now.score, size) <= FINISHED)
		{
			/* Take the last step, without computing the likelihood again. */
			for (int k = 0; k < size; k++)
				newton->beta[k] += newton->step[k];
			newton->converged = true;
			return false;
		}
		newton->iterations++;
		if (!go_step(newton))
			break;
		for (int k = 0; k < size; k++)
			largest = fmax(largest, fabs(newton->step[k]));
		if (largest > RUNAWAY_STEP &&
			newton->now.loglik - before <= STANDSTILL * (fabs(before) + 1))
			standing++;
		else
			standing = 0;
		ldl_solve(newton->l, size, newton->now.score, newton->step);
	}
	return standing > 0;
}

void
newton_run(Newton *newton)
{
	int size = newton->size;

	newton->likelihood_at(newton->model, newton->beta, &newton->now);
	newton->loglik_start = newton->now.loglik;
	(void) ldl_decompose(newton->now.information, size, newton->l, newton->flag, true);
	ldl_solve(newton->l, size, newton->now.score, newton->step);
	newton->score_start = dot(newton->step, newton->now.score, size);
	for (int k = 0; k < size; k++)
		newton->fine += newton->flag[k] == COX_FINE;

	/* A coefficient that still moves while the likelihood does not has no finite maximum. */
	if (climb(newton))
		for (int k = 0; k < size; k++)
			if (newton->flag[k] == COX_FINE && fabs(newton->step[k]) > RUNAWAY_STEP)
			{
				newton->flag[k] = COX_INFINITE;
				newton->infinite = true;
			}
	/* The information at the end, of the covariates that are fine. */
	(void) ldl_decompose(newton->now.information, size, newton->l, newton->flag, false);
}
