/*
 * purchase.h
 *		Models of customers who buy for a while and then leave without saying so. Numbers only.
 *
 * A history is (x, t_x, T): x repeat purchases, the last of them at t_x, and T is how long the customer has been known;
 * all times are counted from their first purchase. While they are there, customers buy at random (Poisson) at a rate
 * of their own, gamma-distributed with shape r and scale 1 / alpha over customers:
 *
 *	BG/NBD		after each repeat purchase they leave with a probability of their own, beta-distributed (a, b): P. S.
 *				Fader, B. G. S. Hardie and K. L. Lee, "Counting your customers the easy way", Marketing Sci. 24 (2005)
 *				275-284.
 *	MBG/NBD		the same, and they may also leave after the first purchase: E. P. Batislam, M. Denizel and A.
 *				Filiztekin, Int. J. Res. Marketing 24 (2007) 201-209.
 *	Pareto/NBD	they leave at a rate of their own, gamma-distributed (s, beta): D. C. Schmittlein, D. G. Morrison and
 *				R. Colombo, Management Sci. 33 (1987) 1-24; P. S. Fader and B. G. S. Hardie, "A note on deriving the
 *				Pareto/NBD model" (2005).
 *	BG/BB		time is a number of opportunities; at each they buy with a probability that is beta-distributed (alpha,
 *				beta), and before each they leave with one that is beta-distributed (gamma, delta): P. S. Fader, B. G.
 *				S. Hardie and J. Shang, "Customer-base analysis in a discrete-time noncontractual setting", Marketing
 *				Sci. 29 (2010) 1086-1108.
 */
#ifndef RETENTION_PURCHASE_H
#define RETENTION_PURCHASE_H

#include <stdint.h>

#include "math/fit.h"

typedef enum PurchaseModel
{
	MODEL_BG_NBD,
	MODEL_MBG_NBD,
	MODEL_PARETO_NBD,
	MODEL_BG_BB,
	PURCHASE_MODELS,
} PurchaseModel;

/* Opportunities of BG/BB: its sums have a term for each. */
#define MAX_OPPORTUNITIES 100000

typedef struct History
{
	double x;
	double t_x;
	double T;
} History;

typedef struct CountedHistory
{
	History history;
	double customers;
} CountedHistory;

/* Parameters and what follows from them and from x alone, which is remembered from one history to the next. */
typedef struct PurchaseProcess
{
	PurchaseModel model;
	double p[FIT_PARAMETERS];
	double of_p[6];
	double x;
	double of_x[6];
	double death; /* out: log of the odds of having left, at the last history */
} PurchaseProcess;

extern PurchaseProcess process_of(PurchaseModel model, const double *parameters);

/* The log-likelihood of a history; gradient: NULL, or gets the derivatives by the parameters. */
extern double history_likelihood(PurchaseProcess *model, History history, double *gradient);

/* The probability that the customer is still there at T (BG/BB: at the next opportunity). */
extern double history_alive(PurchaseProcess *model, History history);

/* Purchases expected in (T, T + horizon]. */
extern double history_purchases(PurchaseProcess *model, History history, double horizon);

/* The same, those of each step discounted at its end by (1 + discount)^k; each: called for each step. */
extern double discounted_purchases(PurchaseProcess *model, History history, double horizon,
								   double step, double discount, void (*each)(void));

/* The same in (0, t] from a new customer after their first purchase, and the probability of n of them. */
extern double new_purchases(PurchaseProcess *model, double t);
extern double new_purchase_probability(PurchaseProcess *model, double n, double t);

/* The probability of no purchase in (T, T + horizon]. */
extern double history_silent(PurchaseProcess *model, History history, double horizon);

/* The probability of a purchase in (T + after, T + until]; of BG/BB: NaN. */
extern double history_buys(PurchaseProcess *model, History history, double after, double until);

/* The likelihood of all histories, for fit_maximum(). */
typedef struct PurchaseData
{
	PurchaseModel model;
	int64_t count;
	const CountedHistory *histories; /* sorted by x is fastest */
	bool (*stop)(void);				 /* set by the fit */
} PurchaseData;
/* data: a PurchaseData. stop: whether to give up now. */
extern FitEnd fit_purchases(const void *data, FitResult *result, bool (*stop)(void));

/* ---- pareto.c, bgbb.c ---- */

extern void pareto_begin(PurchaseProcess *model);
extern double pareto_likelihood(PurchaseProcess *model, History history, double *gradient);
extern double pareto_there(const PurchaseProcess *model, History history);
extern double
pareto_expected(const PurchaseProcess *model, double alpha, double beta, double r, double horizon);
extern double pareto_probability(const PurchaseProcess *model, double n, double t);

extern void bgbb_begin(PurchaseProcess *model);
extern double bgbb_likelihood(PurchaseProcess *model, History history, double *gradient);
extern double bgbb_there(PurchaseProcess *model, History history);
extern double bgbb_stays(const PurchaseProcess *model, double T);
extern double bgbb_expected(const PurchaseProcess *model, History history, double horizon);
extern double bgbb_new_purchases(const PurchaseProcess *model, double t);
extern double bgbb_probability(const PurchaseProcess *model, double n, double t);

/* log(1 + exp(x)) */
extern double log1p_exp(double x);
extern double log_beta(double a, double b);

/* log of Gamma(b + a) / Gamma(b) */
extern double log_gamma_ratio(double b, double a);

#endif /* RETENTION_PURCHASE_H */
