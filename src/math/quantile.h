/*
 * quantile.h
 *		Probabilities and quantiles of the usual distributions. Numbers only: no header of the server is needed.
 *
 * Probabilities are 0..1. A question without an answer (a probability outside 0..1, a parameter that is not
 * positive, NaN anywhere) gives NaN; nothing here raises or throws. A tail is the upper one: P(X > x). Ask for
 * the tail where it is the small side, for 1 - p has lost the digits of a small p.
 */
#ifndef RETENTION_QUANTILE_H
#define RETENTION_QUANTILE_H

#ifdef __cplusplus
#define QUANTILE_NOTHROW noexcept
extern "C"
{
#else
#define QUANTILE_NOTHROW
#endif

	/* Standard normal distribution. */
	extern double normal_quantile(double p) QUANTILE_NOTHROW;
	extern double normal_tail(double z) QUANTILE_NOTHROW;

	/* Beta distribution with shapes a and b: the x with P(X <= x) = p, and the x with P(X > x) = q. */
	extern double beta_quantile(double a, double b, double p) QUANTILE_NOTHROW;
	extern double beta_tail_quantile(double a, double b, double q) QUANTILE_NOTHROW;

	/* Chi-squared distribution with df degrees of freedom, which need not be whole. */
	extern double chi_squared_quantile(double df, double p) QUANTILE_NOTHROW;
	extern double chi_squared_tail(double df, double x) QUANTILE_NOTHROW;
	extern double chi_squared_tail_quantile(double df, double q) QUANTILE_NOTHROW;

	/*
	 * Binomial distribution of n trials, 0 < p < 1, k whole and n >= 1: P(X = k), P(X <= k), and P(X >= k), with k
	 * itself in either tail. k may lie one beyond 0..n.
	 */
	extern double binomial_density(double n, double p, double k) QUANTILE_NOTHROW;
	extern double binomial_low_tail(double n, double p, double k) QUANTILE_NOTHROW;
	extern double binomial_tail(double n, double p, double k) QUANTILE_NOTHROW;

	/* The logarithm of the gamma function and its derivative, x > 0. */
	extern double log_gamma(double x) QUANTILE_NOTHROW;
	extern double digamma(double x) QUANTILE_NOTHROW;

	/* P(X <= x) and P(X > x) of a beta distribution with shapes a and b. */
	extern double beta_low_tail(double a, double b, double x) QUANTILE_NOTHROW;
	extern double beta_tail(double a, double b, double x) QUANTILE_NOTHROW;

#ifdef __cplusplus
}
#endif

#endif /* RETENTION_QUANTILE_H */
