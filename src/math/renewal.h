/*
 * renewal.h
 *		Shifted beta-geometric: customers of a contract who renew it or do not. Numbers only.
 *
 * At each renewal a customer leaves with a probability of their own, beta-distributed (alpha, beta) over customers: P.
 * S. Fader and B. G. S. Hardie, "How to project customer retention", J. Interactive Marketing 21 (2007) 76-90.
 */
#ifndef RETENTION_RENEWAL_H
#define RETENTION_RENEWAL_H

#include <stdint.h>

#include "math/fit.h"

#define RENEWAL_PARAMETERS 2

/* So many of a cohort left between two renewals; last: so many were there at `until`, and that is all that is known. */
typedef struct RenewalTerm
{
	double start; /* the first renewal at which the cohort was counted: 0 for all customers */
	double after;
	double until;
	double customers;
	bool last;
} RenewalTerm;

typedef struct RenewalData
{
	int64_t count;
	const RenewalTerm *terms;
	double customers;	/* of all cohorts, when they were first counted */
	bool (*stop)(void); /* set by the fit */
} RenewalData;

/* data: a RenewalData. stop: whether to give up now. */
extern FitEnd fit_renewals(const void *data, FitResult *result, bool (*stop)(void));

/* log of the probability of renewing t times; t need not be whole. */
extern double log_renewals(const double *parameters, double t);

/* The sum over k >= 0 of S(n + 1 + k) / S(n) / (1 + discount)^k; infinite where it has no limit. */
extern double residual_renewals(const double *parameters, double n, double discount);

#endif /* RETENTION_RENEWAL_H */
