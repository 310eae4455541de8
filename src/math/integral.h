/*
 * integral.h
 *		Integrals of positive functions with one hump, and means over a beta distribution. Numbers only.
 */
#ifndef RETENTION_INTEGRAL_H
#define RETENTION_INTEGRAL_H

typedef double (*LogFunction)(double at, const void *argument);

/* Gauss-Legendre nodes and weights on -1..1, of one half: the other is symmetric. */
#define GAUSS_HALF 4
extern const double gauss_node[GAUSS_HALF];
extern const double gauss_weight[GAUSS_HALF];

/*
 * The logarithm of the integral of exp(f) from low to high, both finite; f rises to one top and falls from there. The
 * number of its evaluations is bounded.
 */
extern double log_integral(LogFunction f, const void *argument, double low, double high);

/* The mean of exp(g(p)) where p has a beta distribution with shapes a and b. g gets the logarithms of p and 1 - p. */
typedef double (*LogOfShare)(double log_p, double log_q, const void *argument);
extern double beta_mean(double a, double b, LogOfShare g, const void *argument);

#endif /* RETENTION_INTEGRAL_H */
