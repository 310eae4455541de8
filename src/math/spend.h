/*
 * spend.h
 *		Gamma-Gamma: how much customers spend each time. Numbers only.
 *
 * What a customer spends is gamma-distributed with shape p about a mean of their own, which is spread over customers so
 * that p v / (q - 1) is the mean of all: P. S. Fader, B. G. S. Hardie and K. L. Lee, "RFM and CLV: using iso-value
 * curves for customer base analysis", J. Marketing Res. 42 (2005) 415-430; Fader and Hardie, "The gamma-gamma model of
 * monetary value" (2013).
 */
#ifndef RETENTION_SPEND_H
#define RETENTION_SPEND_H

#include <stdint.h>

#include "math/fit.h"

#define SPEND_PARAMETERS 3

/* Customers with x repeat purchases of `mean` each on average; both above 0. */
typedef struct Spend
{
	double x;
	double mean;
	double customers;
} Spend;

typedef struct SpendData
{
	int64_t count;
	const Spend *spend; /* sorted by x is fastest */
	bool (*stop)(void); /* set by the fit */
} SpendData;

extern double spend_likelihood(const double *parameters, double x, double mean);
/* data: a SpendData. stop: whether to give up now. */
extern FitEnd fit_spend(const void *data, FitResult *result, bool (*stop)(void));

/* Pearson's correlation of x and mean over customers; NaN where either does not vary. */
extern double spend_correlation(const SpendData *data);

/* The mean of a customer's purchases to come; infinite where the distribution has none. x = 0: of a new customer. */
extern double spend_expected(const double *parameters, double x, double mean);

#endif /* RETENTION_SPEND_H */
