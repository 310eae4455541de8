/*
 * interval.h
 *		Confidence limits of fractions and of rates of events. Numbers only.
 *
 * Fractions are 0..1. The callers have made sure that 0 <= hits <= total, events >= 0 and 0 < confidence < 1; a total
 * of 0 has no limits: both are NaN.
 */
#ifndef RETENTION_INTERVAL_H
#define RETENTION_INTERVAL_H

/* Not called Interval: that name is the server's. */
typedef struct Limits
{
	double low;
	double high;
} Limits;

/* The z of a two-sided interval: 1.96 at a confidence of 0.95. */
extern double two_sided_z(double confidence);

/* Limits of the fraction hits / total; exactly 0 at no hits, exactly 1 where all are hits. */
extern Limits wilson_interval(double hits, double total, double confidence);
extern Limits clopper_pearson_interval(double hits, double total, double confidence);

/* Exact limits of the expected number of events, from the number seen. low is exactly 0 at no events. */
extern Limits poisson_interval(double events, double confidence);

/* Limits of the difference of two independent fractions, a - b: -1..1. */
extern Limits
newcombe_interval(double hits_a, double total_a, double hits_b, double total_b, double confidence);

/* Two-sided p-value, 0..1, of the hypothesis that two independent fractions are equal. NaN at a total of 0. */
extern double two_proportion_p_value(double hits_a, double total_a, double hits_b, double total_b);

#endif /* RETENTION_INTERVAL_H */
