/*
 * newton.h
 *		The maximum of a likelihood by Newton's method, with the covariates that have none.
 *
 * Coefficients are of covariates of standard deviation 1, so that a step of 1 is a large one.
 */
#ifndef RETENTION_NEWTON_H
#define RETENTION_NEWTON_H

#define MAX_ITERATIONS 40
/*
 * A coefficient has no finite maximum if it still moves so far, in units of 1 / the standard deviation, while the
 * likelihood does not.
 */
#define RUNAWAY_STEP 0.02

/* A logarithm of a likelihood with its first and (negative) second derivatives. */
typedef struct Likelihood
{
	double loglik;
	double *score;
	double *information; /* lower triangle, row by row of `size` */
} Likelihood;

/* Fills in a likelihood of some coefficients. */
typedef void (*LikelihoodAt)(void *model, const double *beta, Likelihood *answer);

typedef struct Newton
{
	int size;
	void *model;
	LikelihoodAt likelihood_at;
	Likelihood now;	  /* at beta */
	Likelihood trial; /* at tried */
	double *beta;
	double *step; /* from beta */
	double *tried;
	double *l; /* the information at beta, decomposed */
	int *flag; /* CoxFlag by coefficient */
	int fine;  /* coefficients without a flag at the start */
	double loglik_start;
	double score_start; /* the score test of the coefficients at the start */
	int iterations;
	bool converged;
	bool infinite; /* some coefficient has no finite maximum */
} Newton;

/* All of it in the current context; the start is 0, and can be changed in `beta`. */
extern Newton newton_new(int size, void *model, LikelihoodAt likelihood_at);
/* Runs until the maximum, or until it is clear that there is none; l is that of the information at the end. */
extern void newton_run(Newton *newton);

/* Arrays of any size, in the current context. */
extern double *alloc_doubles(Size count);
extern void *alloc_array(Size size, int64 count);

#endif /* RETENTION_NEWTON_H */
