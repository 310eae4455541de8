/*
 * cox_after.c
 *		What a fitted model keeps for its questions: robust errors, the test of proportional hazards, the baseline.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/sort.h"
#include "cox/cox_data.h"
#include "cox/newton.h"
#include "math/ldl.h"
#include "survival/times.h"

/* ---- The steps of the baseline hazard ---- */

/* Where the numbers of a step are; the covariates of a point come first, so that it begins like one. */
#define STEP_LESS(p) COX_POINT_SIZE(p)			 /* of the hazard */
#define STEP_LESS_MEANS(p) (STEP_LESS(p) + 1)	 /* of the integral */
#define STEP_MEANS(p) (STEP_LESS_MEANS(p) + (p)) /* what those who leave are compared with */
#define STEP_ROBUST_SIZE(p) (STEP_MEANS(p) + (p))

typedef struct StepWriter
{
	CoxSteps *steps;
	int64 next; /* they come from the last one back */
	bool robust;
} StepWriter;

static void
write_step(const CoxData *data, const CoxMoment *moment, void *arg)
{
	StepWriter *writer = arg;
	const double *s1 = moment->risk.s1;
	const double *e1 = moment->leaving.s1;
	const double *sums = moment->sums;
	int p = data->covariates;
	double *step = writer->steps->step + (Size) writer->steps->size * (Size) --writer->next;

	step[COX_POINT_TIME] = moment->time;
	step[COX_POINT_HAZARD] = sums[0];
	step[COX_POINT_VARIANCE] = sums[2];
	for (int k = 0; k < p; k++)
		step[COX_POINT_MEANS + k] = sums[2] * s1[k] - sums[3] * e1[k];
	if (!writer->robust)
		return;
	step[STEP_LESS(p)] = sums[1];
	for (int k = 0; k < p; k++)
	{
		step[STEP_LESS_MEANS(p) + k] = sums[3] * s1[k] - sums[4] * e1[k];
		step[STEP_MEANS(p) + k] = (sums[0] * s1[k] - sums[1] * e1[k]) / moment->weight;
	}
}

/*
 * N. Breslow, J. R. Stat. Soc. B 34 (1972) 216-217; with ties by Efron the sum over his denominators, and the variance
 * of both: Therneau and Grambsch 2000, sections 10.2 and 3.3.
 */
CoxSteps
cox_steps(const CoxData *data, const double *beta, bool robust)
{
	int p = data->covariates;
	CoxSteps steps = {.size = robust ? STEP_ROBUST_SIZE(p) : COX_POINT_SIZE(p)};
	StepWriter writer = {.steps = &steps, .robust = robust};
	CoxWalk walk = cox_walk_new(data, false);

	steps.first = palloc0(sizeof(int64) * (data->strata + 1));
	for (int s = 0; s < data->strata; s++)
	{
		steps.first[s] = steps.count;
		for (int64 i = data->first[s]; i < data->first[s + 1]; i++)
		{
			CHECK_NOW_AND_THEN(i);
			/* Of equal times those who left come first. */
			steps.count +=
				data->churned[i] && (i == data->first[s] || data->time[i - 1] != data->time[i]);
		}
	}
	steps.first[data->strata] = steps.count;
	steps.step = alloc_array(sizeof(double) * steps.size, steps.count);
	writer.next = steps.count;
	cox_walk(data, beta, &walk, write_step, &writer);

	for (int s = 0; s < data->strata; s++)
		for (int64 i = steps.first[s] + 1; i < steps.first[s + 1]; i++)
		{
			double *step = steps.step + (Size) steps.size * (Size) i;

			CHECK_NOW_AND_THEN(i);
			for (int k = COX_POINT_HAZARD; k < COX_POINT_SIZE(p); k++)
				step[k] += step[k - steps.size];
		}
	return steps;
}

/* The last step of a stratum at or before a time; NULL before the first. */
static const double *
step_at(const CoxSteps *steps, int stratum, double time)
{
	int64 low = steps->first[stratum];
	int64 high = steps->first[stratum + 1];

	while (low < high)
	{
		int64 middle = low + (high - low) / 2;

		if (steps->step[(Size) steps->size * (Size) middle] <= time)
			low = middle + 1;
		else
			high = middle;
	}
	return low == steps->first[stratum] ? NULL
										: steps->step + (Size) steps->size * (Size) (low - 1);
}

/* ---- Robust errors ---- */

static void
add_step(double *hazard, double *means, const double *step, int p, double sign)
{
	if (step == NULL)
		return;
	*hazard += sign * step[COX_POINT_HAZARD];
	for (int k = 0; k < p; k++)
		means[k] += sign * step[COX_POINT_MEANS + k];
}

/*
 * Adds the score residual of a row, times its weight: for who leaves, their covariates less the average of those at
 * risk then; and for everybody the hazard that they were exposed to, times the same difference (Therneau and Grambsch
 * 2000, section 4.2). means is space for p numbers.
 */
static void
add_residual(const CoxData *data, const double *beta, const CoxSteps *steps, int64 row,
			 double *means, double *residual)
{
	int p = data->covariates;
	const double *x = data->x + row * p;
	const double *step = step_at(steps, row_stratum(data, row), data->time[row]);
	double weight = row_weight(data, row);
	double exposed = weight * exp(row_eta(data, beta, row));
	double hazard = 0;

	memset(means, 0, sizeof(double) * p);
	add_step(&hazard, means, step, p, 1);
	if (data->entry != NULL)
		add_step(&hazard, means, step_at(steps, row_stratum(data, row), data->entry[row]), p, -1);
	if (data->churned[row])
	{
		hazard -= step[STEP_LESS(p)];
		for (int k = 0; k < p; k++)
		{
			means[k] -= step[STEP_LESS_MEANS(p) + k];
			residual[k] += weight * (x[k] - step[STEP_MEANS(p) + k]);
		}
	}
	for (int k = 0; k < p; k++)
		residual[k] -= exposed * (x[k] * hazard - means[k]);
}

static int
compare_clusters(const void *a, const void *b, void *arg)
{
	const double *cluster = arg;
	int64 one = *(const int64 *) a;
	int64 other = *(const int64 *) b;

	for (int half = 0; half < 2; half++)
		if (cluster[2 * one + half] != cluster[2 * other + half])
			return cluster[2 * one + half] < cluster[2 * other + half] ? -1 : 1;
	return one < other ? -1 : 1;
}

/*
 * D. Y. Lin and L. J. Wei, J. Am. Stat. Assoc. 84 (1989) 1074-1078, for rows and, added up first, for clusters
 * (Therneau and Grambsch 2000, chapter 8): V (sum of s s') V, with s the sum of the weighted residuals of a cluster.
 */
void
cox_robust_variance(const CoxData *data, const double *beta, const CoxSteps *steps,
					const double *variance, double *robust, int64 *clusters)
{
	int p = data->covariates;
	double *residual = alloc_doubles(p);
	double *change = alloc_doubles(p);
	double *means = alloc_doubles(p);
	int64 *row = NULL;
	int64 next;

	if (data->cluster != NULL)
	{
		row = alloc_array(sizeof(int64), data->rows);
		for (int64 i = 0; i < data->rows; i++)
		{
			CHECK_NOW_AND_THEN(i);
			row[i] = i;
		}
		sort_any(row, data->rows, sizeof(int64), compare_clusters, data->cluster);
	}
	*clusters = 0;
	memset(robust, 0, sizeof(double) * p * p);
	for (int64 i = 0; i < data->rows; i = next)
	{
		CHECK_FOR_INTERRUPTS();
		memset(residual, 0, sizeof(double) * p);
		next = i;
		do
		{
			CHECK_NOW_AND_THEN(next);
			add_residual(data, beta, steps, row == NULL ? next : row[next], means, residual);
			next++;
		} while (row != NULL && next < data->rows && data->cluster[2 * row[i]] >= 0 &&
				 memcmp(data->cluster + 2 * row[i], data->cluster + 2 * row[next],
						2 * sizeof(double)) == 0);
		(*clusters)++;
		for (int k = 0; k < p; k++)
		{
			change[k] = 0;
			for (int l = 0; l < p; l++)
				change[k] += variance[k * p + l] * residual[l];
		}
		for (int k = 0; k < p; k++)
			for (int l = 0; l < p; l++)
				robust[k * p + l] += change[k] * change[l];
	}
	if (row != NULL)
		pfree(row);
}

/* ---- Does a coefficient change with time? ---- */

/* 1 - the Kaplan-Meier curve just before each time at which somebody leaves, whatever their weight and stratum. */
typedef struct TimeScale
{
	int64 count;
	double *time;
	double *value;
	double mean; /* over those who leave */
} TimeScale;

typedef struct TimeEnd
{
	double time;
	bool churned;
} TimeEnd;

static int
compare_ends(const void *a, const void *b, void *arg)
{
	const TimeEnd *one = a;
	const TimeEnd *other = b;

	return one->time < other->time ? -1 : one->time > other->time;
}

static int
compare_times(const void *a, const void *b, void *arg)
{
	double one = *(const double *) a;
	double other = *(const double *) b;

	return one < other ? -1 : one > other;
}

static TimeScale
time_scale(const CoxData *data)
{
	TimeEnd *end = alloc_array(sizeof(TimeEnd), data->rows);
	double *entry = data->entry == NULL ? NULL : alloc_array(sizeof(double), data->rows);
	TimeScale scale = {.time = alloc_array(sizeof(double), data->rows),
					   .value = alloc_array(sizeof(double), data->rows)};
	double survival = 1;
	double leavers = 0;
	int64 entered = 0;
	int64 next;

	for (int64 i = 0; i < data->rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		end[i] = (TimeEnd){data->time[i], data->churned[i]};
		if (entry != NULL)
			entry[i] = data->entry[i];
	}
	if (data->strata > 1)
		sort_any(end, data->rows, sizeof(TimeEnd), compare_ends, NULL);
	if (entry != NULL)
		sort_any(entry, data->rows, sizeof(double), compare_times, NULL);
	for (int64 i = 0; i < data->rows; i = next)
	{
		int64 left = 0;

		for (next = i; next < data->rows && end[next].time == end[i].time; next++)
		{
			CHECK_NOW_AND_THEN(next);
			left += end[next].churned;
		}
		for (; entry != NULL && entered < data->rows && entry[entered] < end[i].time; entered++)
			CHECK_NOW_AND_THEN(entered);
		if (left == 0)
			continue;
		scale.time[scale.count] = end[i].time;
		scale.value[scale.count++] = 1 - survival;
		leavers += (double) left;
		scale.mean += (1 - survival - scale.mean) * ((double) left / leavers);
		survival *= 1 - (double) left / (double) ((entry == NULL ? data->rows : entered) - i);
	}
	pfree(end);
	if (entry != NULL)
		pfree(entry);
	return scale;
}

/* The score and the information of coefficients x g(t), beside those of x: a lower triangle each. */
typedef struct ZphSums
{
	TimeScale scale;
	double *score;
	double *plain;
	double *mixed;
	double *squared;
} ZphSums;

static void
add_zph(const CoxData *data, const CoxMoment *moment, void *arg)
{
	ZphSums *zph = arg;
	const RiskSums *risk = &moment->risk;
	const RiskSums *leaving = &moment->leaving;
	const double *sums = moment->sums;
	int p = data->covariates;
	int reached = points_reached(zph->scale.time, sizeof(double),
								 (int) Min(zph->scale.count, PG_INT32_MAX), moment->time);
	double g = zph->scale.value[reached - 1] - zph->scale.mean;

	for (int k = 0; k < p; k++)
	{
		zph->score[k] += g * (moment->x[k] - (sums[0] * risk->s1[k] - sums[1] * leaving->s1[k]));
		for (int l = 0; l <= k; l++)
		{
			double more = sums[0] * risk->s2[k * p + l] - sums[1] * leaving->s2[k * p + l] -
						  sums[2] * risk->s1[k] * risk->s1[l] +
						  sums[3] * (risk->s1[k] * leaving->s1[l] + leaving->s1[k] * risk->s1[l]) -
						  sums[4] * leaving->s1[k] * leaving->s1[l];

			zph->plain[k * p + l] += more;
			zph->mixed[k * p + l] += g * more;
			zph->squared[k * p + l] += g * g * more;
		}
	}
}

/*
 * The score test of P. Grambsch and T. Therneau, "Proportional hazards tests and diagnostics based on weighted
 * residuals", Biometrika 81 (1994) 515-526, with the exact information, as cox.zph() of R's survival 3.
 */
void
cox_zph_test(const CoxData *data, const double *beta, const int *flag, double *chi2, double *all)
{
	int p = data->covariates;
	ZphSums zph = {.scale = time_scale(data),
				   .score = alloc_doubles(p),
				   .plain = alloc_doubles(p * p),
				   .mixed = alloc_doubles(p * p),
				   .squared = alloc_doubles(p * p)};
	CoxWalk walk = cox_walk_new(data, true);
	double *l = alloc_doubles(p * p);
	double *solved = alloc_doubles(p * p); /* by column of mixed */
	double *x = alloc_doubles(p);
	int *out = palloc(sizeof(int) * p);
	bool known = true;

	cox_walk(data, beta, &walk, add_zph, &zph);
	memcpy(out, flag, sizeof(int) * p);
	if (!ldl_decompose(zph.plain, p, l, out, false))
		return;
	for (int j = 0; j < p; j++)
	{
		for (int k = 0; k < p; k++)
			x[k] = zph.mixed[Max(j, k) * p + Min(j, k)];
		ldl_solve(l, p, x, solved + j * p);
	}
	/* What is left of the information once the plain coefficients may follow. */
	for (int k = 0; k < p; k++)
	{
		double whole = zph.squared[k * p + k];

		for (int j = 0; j <= k; j++)
			for (int m = 0; m < p; m++)
				zph.squared[k * p + j] -= zph.mixed[Max(k, m) * p + Min(k, m)] * solved[j * p + m];
		if (flag[k] != COX_FINE)
			continue;
		if (zph.squared[k * p + k] > LDL_DEPENDENT * whole)
			chi2[k] = zph.score[k] * zph.score[k] / zph.squared[k * p + k];
		else
			known = false;
	}
	if (known && ldl_decompose(zph.squared, p, l, out, false))
	{
		ldl_solve(l, p, zph.score, x);
		*all = 0;
		for (int k = 0; k < p; k++)
			*all += x[k] * zph.score[k];
	}
}

/* ---- The baseline ---- */

/*
 * Of too many steps some are left out: those that are in one class with the step kept before them, both by their number
 * and by the share that has left by then. The last one of a stratum is always kept.
 */
bool
cox_baseline(const CoxData *data, const CoxSteps *steps, CoxBaseline *baseline)
{
	Size size = COX_POINT_SIZE(data->covariates);
	int classes = (MAX_BASELINE - data->strata) / 2;
	int64 seen = 0;
	int64 kept[2] = {-1, -1};

	baseline->end = palloc(sizeof(int) * data->strata);
	baseline->point = alloc_array(sizeof(double) * size, Min(steps->count, MAX_BASELINE));
	for (int s = 0; s < data->strata; s++)
	{
		for (int64 i = steps->first[s]; i < steps->first[s + 1]; i++, seen++)
		{
			const double *step = steps->step + (Size) steps->size * (Size) i;
			double left = -expm1(-step[COX_POINT_HAZARD]);
			int64 class[2];

			CHECK_NOW_AND_THEN(i);
			for (Size k = 0; k < size; k++)
				if (!isfinite(step[k]))
					return false;
			class[0] = seen * classes / steps->count;
			class[1] = (int64) ((s + left) / data->strata * classes);
			if (steps->count > MAX_BASELINE && i < steps->first[s + 1] - 1 && class[0] == kept[0] &&
				class[1] == kept[1])
				continue;
			memcpy(baseline->point + size * (Size) baseline->points++, step, sizeof(double) * size);
			memcpy(kept, class, sizeof(kept));
		}
		baseline->end[s] = baseline->points;
	}
	return true;
}
