/*
 * fit.h
 *		The maximum of a log-likelihood of a few positive parameters. Numbers only.
 *
 * The search is in the logarithms of the parameters: NLopt from the best of several starts, then steps of Newton's
 * method, which bring the estimates to all their digits and show whether there is a maximum at all.
 */
#ifndef RETENTION_FIT_H
#define RETENTION_FIT_H

#include <stdbool.h>

#define FIT_PARAMETERS 4

/*
 * The log-likelihood at these logarithms, and its derivatives by them. NaN where there is none, or if the work was
 * stopped in the middle.
 */
typedef double (*FitFunction)(const double *logs, double *gradient, void *argument);

typedef struct FitProblem
{
	int parameters;
	double weight; /* customers: what the log-likelihood is divided by */
	FitFunction function;
	void *argument;
	bool (*stop)(void); /* whether to give up now; NULL: never */
	int starts;
	const double (*start)[FIT_PARAMETERS]; /* logarithms */
} FitProblem;

typedef enum FitEnd
{
	FIT_CONVERGED,
	FIT_FLAT, /* the likelihood has no maximum that stands out, or rises without end with `parameter` */
	FIT_NOWHERE, /* the likelihood is finite at no start */
	FIT_STOPPED,
	FIT_NO_MEMORY,
} FitEnd;

typedef struct FitResult
{
	double logs[FIT_PARAMETERS];
	double covariance[FIT_PARAMETERS * FIT_PARAMETERS]; /* of the logarithms; if converged */
	double log_likelihood;
	int iterations; /* evaluations of the likelihood */
	int parameter;	/* that runs away, or -1 */
} FitResult;

/* Calls nothing that could leave it by a jump, unless the function does. */
extern FitEnd fit_maximum(const FitProblem *problem, FitResult *result);

#endif /* RETENTION_FIT_H */
