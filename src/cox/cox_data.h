/*
 * cox_data.h
 *		The rows of a regression in order, and the walk over the times at which customers leave.
 */
#ifndef RETENTION_COX_DATA_H
#define RETENTION_COX_DATA_H

#include "cox/cox.h"

/* The rows by stratum and duration; of equal ones, customers who left come before those who are still there. */
typedef struct CoxData
{
	int64 rows;
	int covariates;
	CoxTies ties;
	double *time;
	bool *churned;
	double *x;		 /* by row; centred and scaled */
	double *weight;	 /* NULL: all are 1 */
	bool fractional; /* some weight is not whole */
	double *entry;	 /* NULL: none */
	int64 *
		by_entry; /* rows from the latest entry to the earliest, the last stratum first; NULL: none */
	double *mean;	 /* of each covariate */
	double *scale;	 /* 0: constant */
	int strata;		 /* at least 1 */
	int64 *first;	 /* the first row of each stratum, and the number of rows */
	int *stratum;	 /* by row; NULL: there is one */
	Tag *name;		 /* of each stratum */
	double *cluster; /* two numbers by row; NULL: none */
} CoxData;

/* Sums over customers of w exp(eta), w exp(eta) x and w exp(eta) x x' (lower triangle). */
typedef struct RiskSums
{
	double s0;
	double *s1;
	double *s2;
} RiskSums;

/* A time at which customers of a stratum leave. */
typedef struct CoxMoment
{
	double time;
	int stratum;
	int64 first; /* the rows of those who leave: first .. first + count - 1 */
	int64 count;
	double weight;	 /* of them together */
	double eta;		 /* their sum of w eta */
	const double *x; /* their sum of w x */
	RiskSums risk;
	RiskSums leaving;
	/*
	 * With ties by Efron those who leave have one after the other the denominators D = s0 - share * leaving.s0, with
	 * the shares j / count; by Breslow there is one, without a share. Of their sums, each of the mean weight: 1 / D,
	 * share / D, 1 / D^2, share / D^2, share^2 / D^2, and log D.
	 */
	double sums[5];
	double log_denominators;
} CoxMoment;

typedef void (*CoxVisit)(const CoxData *data, const CoxMoment *moment, void *arg);

/* What cox_walk() works with. */
typedef struct CoxWalk
{
	CoxMoment moment;
	double *x;
	bool squares; /* whether s2 is wanted */
} CoxWalk;

extern CoxData cox_order(const CoxRows *state);
extern CoxWalk cox_walk_new(const CoxData *data, bool squares);

/* Calls visit for all times at which customers leave, of the last stratum first, and the latest time of each. */
extern void
cox_walk(const CoxData *data, const double *beta, CoxWalk *walk, CoxVisit visit, void *arg);

static inline double
row_weight(const CoxData *data, int64 row)
{
	return data->weight == NULL ? 1 : data->weight[row];
}

static inline double
row_eta(const CoxData *data, const double *beta, int64 row)
{
	const double *x = data->x + row * data->covariates;
	double eta = 0;

	for (int k = 0; k < data->covariates; k++)
		eta += beta[k] * x[k];
	return eta;
}

/* The stratum of a row, and the first row after it. */
static inline int
row_stratum(const CoxData *data, int64 row)
{
	return data->stratum == NULL ? 0 : data->stratum[row];
}

/* Centres and scales a column of x, every `stride` numbers; the mean and the scale, which is 0 for a constant. */
extern void
center_column(double *x, int64 rows, int stride, int number, double *mean, double *scale);

/* ---- What the model keeps (cox_after.c) ---- */

/*
 * The steps of the baseline hazard at the coefficients, by stratum and time. A step has `size` numbers: the cumulative
 * hazard, its variance and the integral of the average covariates, as in a point of the baseline; and for robust errors
 * what those who leave have less of the hazard and of the integral, and the average covariates that they are compared
 * with.
 */
typedef struct CoxSteps
{
	int64 count;
	int size;
	double *step;
	int64 *first; /* the first step of each stratum, and the number of steps */
} CoxSteps;

extern CoxSteps cox_steps(const CoxData *data, const double *beta, bool robust);

/* The robust variance of the coefficients (a square matrix), from that of the information. */
extern void cox_robust_variance(const CoxData *data, const double *beta, const CoxSteps *steps,
								const double *variance, double *robust, int64 *clusters);

/* The tests of a change with time: chi-squared of each coefficient without a flag, and of all; NaN: not known. */
extern void
cox_zph_test(const CoxData *data, const double *beta, const int *flag, double *chi2, double *all);

/* The points of the baseline: the steps, of which at most MAX_BASELINE are kept. */
typedef struct CoxBaseline
{
	int points;
	double *point; /* COX_POINT_SIZE by point */
	int *end;	   /* by stratum */
} CoxBaseline;

/* False: some figure is not finite. */
extern bool cox_baseline(const CoxData *data, const CoxSteps *steps, CoxBaseline *baseline);

#endif /* RETENTION_COX_DATA_H */
