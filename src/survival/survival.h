/*
 * survival.h
 *		How long customers stay: the survival curve of a table of times, and what is read off it.
 */
#ifndef RETENTION_SURVIVAL_SURVIVAL_H
#define RETENTION_SURVIVAL_SURVIVAL_H

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

/* The state of the curve just after a time at which somebody left or was censored. A NaN is "cannot be said". */
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

/* NaN in a field: not to be said; note says why. */
typedef struct RestrictedMean
{
	double mean;
	double variance;
	const char *note;
} RestrictedMean;

typedef struct HazardBand
{
	double low;
	double high;
	double churned;
	double exposure; /* customers times time */
} HazardBand;

/* 22023 on an unknown name. */
extern CurveScale curve_scale(const char *name);

/* Limits of probability p with that standard error; NaN where the scale has none. */
extern Limits curve_limits(CurveScale scale, double p, double std_error, double z);

extern SurvivalCurve curve_of(const TimeTable *table);

/* Customers at risk at a time (just before it), and those who left or were censored until it, itself included. */
extern void times_counts_at(const TimeTable *table, double time, double *at_risk, double *churned,
							double *censored);

/* The last point at or before a time; NULL before the first. */
extern const SurvivalPoint *curve_at(const SurvivalCurve *curve, double time);

/* Survival at a time; NaN where nobody was followed that long and some were still there. */
extern double curve_survival(const SurvivalCurve *curve, double time);

/* The last time at which somebody was seen; -1 for a curve without points. */
extern double curve_followed(const SurvivalCurve *curve);

/* The first time by which a share p has left; NaN: not reached. ci limits likewise, of the curve's limits. */
extern void curve_quantile(const SurvivalCurve *curve, double p, CurveScale scale, double z,
						   double *time, Limits *limits);

extern RestrictedMean restricted_mean_of(const TimeTable *table, double tau);

/*
 * The first times at which the restricted mean, its upper and its lower limit reach a target; NaN: not within what
 * was followed.
 */
extern void
mean_reaches(const TimeTable *table, double target, double z, double *time, Limits *limits);

/* Bands of equal width that cover all times. */
extern HazardBand *hazard_bands(const TimeTable *table, double width, int *bands);

#endif /* RETENTION_SURVIVAL_SURVIVAL_H */
