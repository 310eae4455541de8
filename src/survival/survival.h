/*
 * survival.h
 *		How long customers stay: the survival curve of a table of times, and what is read off it.
 *
 * The module answers how long customers stay (survival_sql.c), whether groups leave at the same pace (logrank_sql.c),
 * and how many leave for which cause (incidence_sql.c). The way of a row:
 *
 *	 1. A transition function of a *_sql.c checks its arguments and adds a customer to the aggregate's state, a table of
 *		times (times.h). survival_customer_sql.c first finds one membership of each customer, by a population.
 *	 2. Partial states are combined and stored states rolled up by times_sql.c, all of them tables of times.
 *	 3. The final function gives the sorted table, which is the value that is stored, or with logrank_test() the answer.
 *	 4. Functions over a stored value compute from the sorted table: survival.c curves, quantiles and means, logrank.c
 *		tests, incidence.c causes. landmark_sql.c has functions of single rows, to be called before an aggregate.
 *
 * times.c is a table of counters (base/counted.h). cox/ and drivers/ build on this module.
 */
#ifndef RETENTION_SURVIVAL_H
#define RETENTION_SURVIVAL_H

#include "math/interval.h"
#include "survival/times.h"

/* The most bands of hazard_by(). */
#define MAX_BANDS 100000

/* The scale on which limits of a probability are symmetric. */
typedef enum CurveScale
{
	SCALE_PLAIN,
	SCALE_LOG,
	SCALE_LOG_LOG,
	SCALE_LOGIT,
	SCALE_ARCSIN,
} CurveScale;

/* How the cumulative hazard treats customers who leave at the same time. */
typedef enum HazardKind
{
	HAZARD_NELSON_AALEN,
	HAZARD_FLEMING_HARRINGTON,
} HazardKind;

/* The curve just after a time at which a customer left or was censored. NaN: not known. */
typedef struct SurvivalPoint
{
	double time;
	double at_risk; /* just before */
	double churned;
	double censored;
	double survival;
	double std_error;
	double hazard; /* cumulative */
	double hazard_std_error;
} SurvivalPoint;

typedef struct SurvivalCurve
{
	int points;
	SurvivalPoint *point;
} SurvivalCurve;

/* NaN: not known; then note says why. */
typedef struct RestrictedMean
{
	double mean;
	double variance;
	const char *note;
} RestrictedMean;

/* What a curve is worth, and what a higher one would be. NaN: not known. */
typedef struct RetentionUplift
{
	double value_now;
	double value_after;
	double payback_now;
	double payback_after;
} RetentionUplift;

typedef struct HazardBand
{
	double low;
	double high;
	double churned;
	double exposure; /* customers times time */
} HazardBand;

/* 22023 on an unrecognized name. */
extern CurveScale curve_scale(const char *name);
extern HazardKind hazard_kind(const char *name);

/* Limits of probability p with that standard error; NaN where the scale has none. */
extern Limits curve_limits(CurveScale scale, double p, double std_error, double z);

extern SurvivalCurve curve_of(const TimeTable *table); /* with the hazard of Nelson and Aalen */
extern SurvivalCurve curve_with(const TimeTable *table, HazardKind kind);

/* Customers at risk just before a time, and those who left or were censored until then, at that time included. */
extern void times_counts_at(const TimeTable *table, double time, double *at_risk, double *churned,
							double *censored);

/* The last point at or before a time; NULL before the first. */
extern const SurvivalPoint *curve_at(const SurvivalCurve *curve, double time);

/* Survival at a time; NaN after the last time at which a customer was followed, if some were still there. */
extern double curve_survival(const SurvivalCurve *curve, double time);

/* The last time at which a customer was followed; -1 for a curve without points. */
extern double curve_followed(const SurvivalCurve *curve);

/* The first time by which a share p has left, and the same for the limits of the curve; NaN: not reached. */
extern void curve_quantile(const SurvivalCurve *curve, double p, CurveScale scale, double z,
						   double *time, Limits *limits);

extern RestrictedMean restricted_mean_of(const TimeTable *table, double tau);

/* The integral of exp(-force t), and of S(t) exp(-force t) until tau: time with a discount. */
extern double discounted_time(double from, double until, double force);
extern RestrictedMean discounted_mean_of(const TimeTable *table, double tau, double force);

/* What `points` more of a hundred who are still there at the horizon are worth. A cost that is NaN is never paid. */
extern RetentionUplift uplift_of(const TimeTable *table, double points, double margin,
								 double horizon, double force, double cost);

/*
 * The first times at which the restricted mean, its upper and its lower limit reach a target; NaN: not in the time that
 * customers were followed.
 */
extern void
mean_reaches(const TimeTable *table, double target, double z, double *time, Limits *limits);

/* Bands of equal width that cover all times. */
extern HazardBand *hazard_bands(const TimeTable *table, double width, int *bands);

#endif /* RETENTION_SURVIVAL_H */
