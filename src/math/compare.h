/*
 * compare.h
 *		Ratios of fractions, a fraction against a given one, and the strength of a table. Numbers only.
 */
#ifndef RETENTION_COMPARE_H
#define RETENTION_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "math/interval.h"

/*
 * Score limits of the ratio of two independent fractions, hits_a / total_a over hits_b / total_b: 0..infinity.
 * NaN where both have no hits, or a total is 0.
 */
extern Limits
koopman_interval(double hits_a, double total_a, double hits_b, double total_b, double confidence);

/*
 * The odds ratio of a table of counts, (hits_a / misses_a) / (hits_b / misses_b), 0..infinity, and its limits. NaN
 * where a group has nobody, or nobody is a hit, or everybody; a count of 0 leaves no limits.
 */
extern double odds_ratio(double hits_a, double misses_a, double hits_b, double misses_b);
extern Limits odds_ratio_interval(double hits_a, double misses_a, double hits_b, double misses_b,
								  double confidence);

/* Exact two-sided p-value of a fraction that is expected to be p. NaN at a total of 0. */
extern double binomial_p_value(double hits, double total, double p);

/* Below this an expected count makes chi-squared rough: W. G. Cochran, Biometrics 10 (1954) 417-451. */
#define FEW_EXPECTED 5
/* What answers say of it: there is no test, or some values were pooled for it. */
#define FEW_EXPECTED_NOTE "an expected count is below %d"
#define POOLED_NOTE "values with an expected count below %d are taken together"

/*
 * Values of which fewer than FEW_EXPECTED are expected are taken together as one group, and if it still is too small,
 * with the smallest of the others. A value that is left alone is a group of its own, as is one of which nothing is
 * expected. group[i] becomes the group of value i, counted in their order; returns how many groups there are.
 */
extern int pool_values(const double *expected, int values, int *group);

/* Pearson's chi-squared of a table of `values` rows and two columns, whose column sums are not 0. */
extern double two_column_chi2(const double *first, const double *second, int values);

/* Cramer's V of such a table: of n customers. Corrected: for the bias that grows with the values; NaN at n < 2. */
extern double cramers_v(double chi2, double n);
extern double cramers_v_corrected(double chi2, double n, int values);

/* Information value; a cell that is empty counts as 0.5, and *adjusted says that there was one. */
extern double
information_value(const double *first, const double *second, int values, bool *adjusted);

/* ln of the share of `part` in `all` over that of `other` in `all_others`; NaN if there is nothing to compare. */
extern double weight_of_evidence(double part, double all, double other, double all_others);

/*
 * How well an ordered value tells the first from the second, from their counts by value, the smallest value first: the
 * probability that the value of one of the first is larger, equal ones counting one half (the area under the ROC
 * curve), and the largest distance of the two distributions. NaN if there are none of either.
 */
extern void separation_of(const double *first, const double *second, int64_t values, double *area,
						  double *distance);

/* p-values, in any order, adjusted to hold together; NaN is left out. adjusted is another array than p. */
extern void benjamini_hochberg(const double *p, double *adjusted, int count);

#endif /* RETENTION_COMPARE_H */
