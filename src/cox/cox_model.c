/*
 * cox_model.c
 *		A fitted proportional hazards model as a value, and predictions from it.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "cox/cox.h"
#include "cox/newton.h"
#include "storage/shmem.h"
#include "survival/times.h"

#define FIT_VERSION 1
#define FIT_NAME "retention_cox"

static Size
fit_size(int covariates, int points, int strata, int tag_bytes)
{
	return offsetof(CoxFit, term) + sizeof(CoxTerm) * covariates +
		   sizeof(double) * COX_VARIANCES(covariates) +
		   sizeof(double) * COX_POINT_SIZE(covariates) * points + sizeof(CoxStratum) * strata +
		   tag_bytes;
}

CoxFit *
cox_fit_alloc(int covariates, int points, int strata, int tag_bytes)
{
	Size size = fit_size(covariates, points, strata, tag_bytes);
	CoxFit *fit = palloc0(size);

	flat_mark(fit, WIRE_COX, FIT_VERSION, size);
	fit->covariates = covariates;
	fit->points = points;
	fit->strata = strata;
	fit->tag_bytes = tag_bytes;
	return fit;
}

static void
check_terms(const CoxFit *fit)
{
	for (int k = 0; k < fit->covariates; k++)
	{
		const CoxTerm *term = &fit->term[k];

		if (term->flag < COX_FINE || term->flag > COX_INFINITE || isnan(term->coefficient) ||
			!(term->std_error >= 0) ||
			(isinf(term->coefficient) != 0) != (term->flag == COX_INFINITE) ||
			isinf(term->std_error) || !isfinite(term->mean) || !isfinite(term->scale) ||
			!(term->scale >= 0))
			wire_corrupt(FIT_NAME, "A coefficient in it is not one that a fit can have.");
	}
	for (int i = 0; i < COX_VARIANCES(fit->covariates); i++)
		if (isnan(cox_variance(fit)[i]))
			wire_corrupt(FIT_NAME, "A variance in it is not a number.");
}

static void
check_points(const CoxFit *fit, int first, int count)
{
	int size = COX_POINT_SIZE(fit->covariates);

	for (int i = first; i < first + count; i++)
	{
		const double *point = cox_point(fit, i);

		CHECK_NOW_AND_THEN(i);
		for (int k = 0; k < size; k++)
			if (!isfinite(point[k]))
				wire_corrupt(FIT_NAME, "A number of its baseline is not finite.");
		if (!(point[COX_POINT_TIME] >= 0) || !(point[COX_POINT_HAZARD] >= 0) ||
			!(point[COX_POINT_VARIANCE] >= 0) ||
			(i > first && !(point[COX_POINT_TIME] > point[COX_POINT_TIME - size] &&
							point[COX_POINT_HAZARD] >= point[COX_POINT_HAZARD - size] &&
							point[COX_POINT_VARIANCE] >= point[COX_POINT_VARIANCE - size])))
			wire_corrupt(FIT_NAME, "Its baseline does not rise with time.");
	}
}

static void
check_strata(const CoxFit *fit)
{
	int points = 0;
	int32 bytes = 0;

	for (int s = 0; s < fit->strata; s++)
	{
		const CoxStratum *stratum = cox_fit_stratum(fit, s);

		if (!isfinite(stratum->followed) || !(stratum->followed >= 0) || stratum->zero != 0 ||
			stratum->points < 0 || stratum->points > fit->points - points ||
			stratum->offset != bytes || stratum->length < -1 ||
			stratum->length > MAX_STRATUM_BYTES || Max(stratum->length, 0) > fit->tag_bytes - bytes)
			wire_corrupt(FIT_NAME, "A stratum in it is not one that a fit can have.");
		wire_check_text(FIT_NAME, cox_fit_stratum_name(fit, s));
		if (s > 0 &&
			tag_compare(cox_fit_stratum_name(fit, s - 1), cox_fit_stratum_name(fit, s)) >= 0)
			wire_corrupt(FIT_NAME, "Its strata are not in the order of their names.");
		check_points(fit, points, stratum->points);
		points += stratum->points;
		bytes += Max(stratum->length, 0);
	}
	if (points != fit->points || bytes != fit->tag_bytes)
		wire_corrupt(FIT_NAME, "Its strata are not all of it.");
	if (!fit->stratified && fit->strata > 0 &&
		(fit->strata > 1 || cox_fit_stratum_name(fit, 0).length >= 0))
		wire_corrupt(FIT_NAME, "It has strata that nobody gave.");
}

static void
check_fit(const CoxFit *fit)
{
	if (fit->covariates < 1 || fit->covariates > MAX_COVARIATES || fit->points < 0 ||
		fit->points > MAX_BASELINE || fit->strata < 0 || fit->strata > MAX_STRATA ||
		fit->tag_bytes < 0 || fit->tag_bytes > MAX_STRATA * MAX_STRATUM_BYTES ||
		VARSIZE(fit) != fit_size(fit->covariates, fit->points, fit->strata, fit->tag_bytes))
		wire_corrupt(FIT_NAME, "Its length is not that of its contents.");
	if ((fit->ties != COX_EFRON && fit->ties != COX_BRESLOW) || fit->iterations < 0 ||
		fit->iterations > MAX_ITERATIONS || (fit->converged != 0 && fit->converged != 1) ||
		fit->df < 0 || fit->df > fit->covariates || (fit->robust != 0 && fit->robust != 1) ||
		(fit->stratified != 0 && fit->stratified != 1) ||
		(fit->baseline != 0 && fit->baseline != 1) || (!fit->baseline && fit->points > 0) ||
		fit->zero != 0 || fit->customers < 0 || fit->churned < 0 || fit->churned > fit->customers ||
		fit->unknown < 0 || fit->never_at_risk < 0 || fit->clusters < 0 ||
		fit->clusters > fit->customers || fit->moments < fit->points ||
		fit->moments > fit->churned || isnan(fit->loglik) || isnan(fit->loglik_null) ||
		isnan(fit->score))
		wire_corrupt(FIT_NAME, "A number in it is out of range.");
	check_terms(fit);
	check_strata(fit);
}

const CoxFit *
cox_open(Datum value)
{
	const CoxFit *fit = flat_open(value, WIRE_COX, FIT_VERSION, offsetof(CoxFit, term), FIT_NAME);

	check_fit(fit);
	return fit;
}

void
cox_write(Datum value, StringInfo out, WireKind kind)
{
	const CoxFit *fit = cox_open(value);

	wire_begin(out, WIRE_COX, FIT_VERSION);
	wire_put_ints(out, fit->covariates, fit->ties, fit->iterations, fit->converged, fit->df,
				  fit->robust, fit->stratified, fit->baseline, fit->customers, fit->churned,
				  fit->unknown, fit->never_at_risk, fit->clusters, fit->moments, fit->points,
				  fit->strata, fit->tag_bytes);
	wire_put_double(out, fit->loglik_null);
	wire_put_double(out, fit->loglik);
	wire_put_double(out, fit->score);
	wire_put_double(out, fit->wald);
	wire_put_double(out, fit->concordance);
	wire_put_double(out, fit->zph);
	for (int k = 0; k < fit->covariates; k++)
	{
		const CoxTerm *term = &fit->term[k];

		wire_put_int(out, term->flag);
		wire_put_double(out, term->coefficient);
		wire_put_double(out, term->std_error);
		wire_put_double(out, term->mean);
		wire_put_double(out, term->scale);
		wire_put_double(out, term->zph);
	}
	for (int i = 0; i < COX_VARIANCES(fit->covariates); i++)
		wire_put_double(out, cox_variance(fit)[i]);
	for (int s = 0; s < fit->strata; s++)
	{
		wire_put_double(out, cox_fit_stratum(fit, s)->followed);
		wire_put_int(out, cox_fit_stratum(fit, s)->points);
		wire_put_tag(out, cox_fit_stratum_name(fit, s));
	}
	for (int i = 0; i < fit->points; i++)
	{
		CHECK_NOW_AND_THEN(i);
		for (int k = 0; k < COX_POINT_SIZE(fit->covariates); k++)
			wire_put_double(out, cox_point(fit, i)[k]);
	}
}

void *
cox_read(const char *bytes, Size size, WireKind kind)
{
	WireReader in = wire_open(bytes, size, WIRE_COX, FIT_VERSION, FIT_NAME);
	int covariates = (int) wire_get_int_between(&in, 1, MAX_COVARIATES);
	int64 front[13];
	int points;
	int strata;
	int tag_bytes;
	int32 offset = 0;
	CoxFit *fit;

	for (int i = 0; i < (int) lengthof(front); i++)
		front[i] = wire_get_int_between(&in, 0, i < 7 ? PG_INT32_MAX : PG_INT64_MAX);
	points = (int) wire_get_int_between(&in, 0, MAX_BASELINE);
	strata = (int) wire_get_int_between(&in, 0, MAX_STRATA);
	tag_bytes = (int) wire_get_int_between(&in, 0, MAX_STRATA * MAX_STRATUM_BYTES);
	/* A number and a byte of a name take a byte at least. */
	if ((int64) points * COX_POINT_SIZE(covariates) + tag_bytes > in.end - in.at)
		wire_corrupt(FIT_NAME, "It ends early.");
	fit = cox_fit_alloc(covariates, points, strata, tag_bytes);
	fit->ties = (int32) front[0];
	fit->iterations = (int32) front[1];
	fit->converged = (int32) front[2];
	fit->df = (int32) front[3];
	fit->robust = (int32) front[4];
	fit->stratified = (int32) front[5];
	fit->baseline = (int32) front[6];
	fit->customers = front[7];
	fit->churned = front[8];
	fit->unknown = front[9];
	fit->never_at_risk = front[10];
	fit->clusters = front[11];
	fit->moments = front[12];
	fit->loglik_null = wire_get_double(&in);
	fit->loglik = wire_get_double(&in);
	fit->score = wire_get_double(&in);
	fit->wald = wire_get_double(&in);
	fit->concordance = wire_get_double(&in);
	fit->zph = wire_get_double(&in);
	for (int k = 0; k < covariates; k++)
	{
		CoxTerm *term = &fit->term[k];

		term->flag = wire_get_int_between(&in, COX_FINE, COX_INFINITE);
		term->coefficient = wire_get_double(&in);
		term->std_error = wire_get_double(&in);
		term->mean = wire_get_double(&in);
		term->scale = wire_get_double(&in);
		term->zph = wire_get_double(&in);
	}
	for (int i = 0; i < COX_VARIANCES(covariates); i++)
		cox_variance(fit)[i] = wire_get_double(&in);
	for (int s = 0; s < strata; s++)
	{
		CoxStratum *stratum = cox_fit_stratum(fit, s);
		Tag name;

		stratum->followed = wire_get_double(&in);
		stratum->points = (int32) wire_get_int_between(&in, 0, points);
		name = wire_get_tag(&in, -1, MAX_STRATUM_BYTES);
		stratum->offset = offset;
		stratum->length = name.length;
		if (Max(name.length, 0) > tag_bytes - offset)
			wire_corrupt(FIT_NAME, "The names of its strata are longer than it says.");
		if (name.length > 0)
			memcpy((char *) cox_fit_stratum(fit, strata) + offset, name.bytes, name.length);
		offset += Max(name.length, 0);
	}
	for (int i = 0; i < points; i++)
	{
		CHECK_NOW_AND_THEN(i);
		for (int k = 0; k < COX_POINT_SIZE(covariates); k++)
			cox_point(fit, i)[k] = wire_get_double(&in);
	}
	wire_end(&in);
	check_fit(fit);
	return fit;
}

/* ---- Predictions ---- */

static int
find_stratum(const CoxFit *fit, Tag name, int *first)
{
	*first = 0;
	for (int s = 0; s < fit->strata; s++)
	{
		if (tag_compare(cox_fit_stratum_name(fit, s), name) == 0)
			return s;
		*first += cox_fit_stratum(fit, s)->points;
	}
	return -1;
}

/* Adds the point at or before a time to hazard, variance and means. */
static void
add_point(const CoxFit *fit, int first, int count, double time, double sign, double *sum)
{
	int size = COX_POINT_SIZE(fit->covariates);
	int reached = points_reached(cox_point(fit, first), sizeof(double) * size, count, time);
	const double *point = cox_point(fit, first + reached - 1);

	if (reached > 0)
		for (int k = COX_POINT_HAZARD; k < size; k++)
			sum[k] += sign * point[k];
}

/*
 * exp(-H) with the hazard of N. Breslow (1972) or the one that belongs to Efron's ties, and its variance by A. A.
 * Tsiatis, Ann. Stat. 9 (1981) 93-108; Therneau and Grambsch 2000, sections 10.2 and 10.3.
 */
CoxPrediction
cox_prediction(const CoxFit *fit, const double *covariates, Tag stratum, double time, double given)
{
	CoxPrediction unknown = {NAN, NAN};
	int p = fit->covariates;
	double x[MAX_COVARIATES];
	double change[MAX_COVARIATES];
	double sum[COX_POINT_SIZE(MAX_COVARIATES)] = {0};
	int first;
	int at = find_stratum(fit, stratum, &first);
	double eta = 0;
	double risk;
	double variance;
	double survival;

	if (!fit->baseline || at < 0 || time > cox_fit_stratum(fit, at)->followed)
		return unknown;
	for (int k = 0; k < p; k++)
	{
		const CoxTerm *term = &fit->term[k];

		if (term->flag == COX_INFINITE)
			return unknown;
		x[k] = term->scale > 0 ? (covariates[k] - term->mean) / term->scale : 0;
		if (term->flag == COX_FINE)
			eta += term->coefficient * term->scale * x[k];
	}
	add_point(fit, first, cox_fit_stratum(fit, at)->points, time, 1, sum);
	add_point(fit, first, cox_fit_stratum(fit, at)->points, given, -1, sum);

	risk = exp(eta);
	variance = sum[COX_POINT_VARIANCE];
	for (int k = 0; k < p; k++)
		change[k] = x[k] * sum[COX_POINT_HAZARD] - sum[COX_POINT_MEANS + k];
	for (int k = 0; k < p; k++)
		for (int l = 0; l < p; l++)
			variance += change[k] * change[l] * cox_covariance(fit, k, l);
	survival = exp(-risk * fmax(sum[COX_POINT_HAZARD], 0));
	if (isnan(survival)) /* an infinite risk of no hazard */
		return unknown;
	if (fit->clusters == 1)
		return (CoxPrediction){survival, NAN};
	return (CoxPrediction){survival, survival * risk * sqrt(fmax(variance, 0))};
}
