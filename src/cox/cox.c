/*
 * cox.c
 *		Churn drivers by proportional hazards regression: which covariates go with leaving, and by how much.
 *
 * D. R. Cox, "Regression models and life-tables", J. R. Stat. Soc. B 34 (1972) 187-220: the partial likelihood,
 * maximised by Newton's method. Ties: B. Efron, J. Am. Stat. Assoc. 72 (1977) 557-565, or N. Breslow, Biometrics 30
 * (1974) 89-99. The rows are sorted first, so that equal rows give equal bits. In strata each has a hazard of its own.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/sort.h"
#include "cox/cox_data.h"
#include "cox/newton.h"
#include "math/ldl.h"

/* A likelihood that is being added up. */
typedef struct Evaluation
{
	const CoxData *data;
	CoxWalk walk;
	Likelihood *answer;
} Evaluation;

static void
add_moment(const CoxData *data, const CoxMoment *moment, void *arg)
{
	Likelihood *answer = ((Evaluation *) arg)->answer;
	const RiskSums *risk = &moment->risk;
	const RiskSums *leaving = &moment->leaving;
	const double *sums = moment->sums;
	int p = data->covariates;

	answer->loglik += moment->eta - moment->log_denominators;
	for (int k = 0; k < p; k++)
	{
		double *information = answer->information + k * p;

		answer->score[k] += moment->x[k] - (sums[0] * risk->s1[k] - sums[1] * leaving->s1[k]);
		for (int l = 0; l <= k; l++)
			information[l] +=
				sums[0] * risk->s2[k * p + l] - sums[1] * leaving->s2[k * p + l] -
				sums[2] * risk->s1[k] * risk->s1[l] +
				sums[3] * (risk->s1[k] * leaving->s1[l] + leaving->s1[k] * risk->s1[l]) -
				sums[4] * leaving->s1[k] * leaving->s1[l];
	}
}

static void
likelihood_at(void *model, const double *beta, Likelihood *answer)
{
	Evaluation *evaluation = model;
	int p = evaluation->data->covariates;

	answer->loglik = 0;
	memset(answer->score, 0, sizeof(double) * p);
	memset(answer->information, 0, sizeof(double) * p * p);
	evaluation->answer = answer;
	cox_walk(evaluation->data, beta, &evaluation->walk, add_moment, evaluation);
}

static int
compare_plain(const void *a, const void *b, void *arg)
{
	double one = *(const double *) a;
	double other = *(const double *) b;

	return one < other ? -1 : one > other;
}

/* The place of a value, which is one of the sorted ones. */
static int64
place_of(const double *sorted, int64 count, double value)
{
	int64 low = 0;

	while (low < count)
	{
		int64 middle = (low + count) / 2;

		if (sorted[middle] < value)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

static void
tree_add(double *tree, int64 size, int64 at, double more)
{
	for (at++; at <= size; at += at & -at)
		tree[at - 1] += more;
}

/* Makes everything 0 that tree_add() has changed at this place, without the rounding of a subtraction. */
static void
tree_forget(double *tree, int64 size, int64 at)
{
	for (at++; at <= size; at += at & -at)
		tree[at - 1] = 0;
}

static double
tree_sum(const double *tree, int64 before)
{
	double sum = 0;

	for (; before > 0; before -= before & -before)
		sum += tree[before - 1];
	return sum;
}

/* Pairs of customers, each counted as the product of their weights. */
typedef struct Pairs
{
	double concordant;
	double equal;
	double all;
} Pairs;

static void
count_pairs(const CoxData *data, int stratum, const int64 *rank, double *tree, int64 ranks,
			Pairs *pairs)
{
	int64 begin = data->first[stratum];
	int64 end = data->first[stratum + 1];
	int64 entering = data->rows - end;
	double inside = 0;
	int64 next;

	for (int64 at = end - 1; at >= begin; at = next)
	{
		double time = data->time[at];
		int64 first;

		CHECK_FOR_INTERRUPTS();
		for (next = at; next >= begin && data->time[next] == time && !data->churned[next]; next--)
		{
			CHECK_NOW_AND_THEN(next);
			tree_add(tree, ranks, rank[next], row_weight(data, next));
			inside += row_weight(data, next);
		}
		if (next < begin || data->time[next] != time)
			continue;
		for (; data->entry != NULL && entering < data->rows - begin &&
			   data->entry[data->by_entry[entering]] >= time;
			 entering++)
		{
			int64 row = data->by_entry[entering];

			CHECK_NOW_AND_THEN(entering);
			tree_add(tree, ranks, rank[row], -row_weight(data, row));
			inside -= row_weight(data, row);
		}
		first = next;
		for (; next >= begin && data->time[next] == time; next--)
		{
			double lower = tree_sum(tree, rank[next]);
			double weight = row_weight(data, next);

			CHECK_NOW_AND_THEN(next);
			pairs->concordant += weight * lower;
			pairs->equal += weight * (tree_sum(tree, rank[next] + 1) - lower);
			pairs->all += weight * inside;
		}
		for (int64 i = first; i > next; i--)
		{
			CHECK_NOW_AND_THEN(i);
			tree_add(tree, ranks, rank[i], row_weight(data, i));
			inside += row_weight(data, i);
		}
	}
	for (int64 i = begin; i < end; i++)
	{
		CHECK_NOW_AND_THEN(i);
		tree_forget(tree, ranks, rank[i]);
	}
}

/*
 * F. E. Harrell and others, J. Am. Med. Assoc. 247 (1982) 2543-2546: of the pairs in which one customer left while the
 * other was at risk and stayed longer, the share in which the one who left had the higher risk. Equal risks count one
 * half. Two customers who left at the same time, or of different strata, are no pair.
 */
static double
concordance_of(const CoxData *data, const double *beta)
{
	double *eta = alloc_array(sizeof(double), data->rows);
	double *sorted = alloc_array(sizeof(double), data->rows);
	int64 *rank = alloc_array(sizeof(int64), data->rows);
	double *tree;
	int64 ranks = 0;
	Pairs pairs = {0, 0, 0};

	for (int64 i = 0; i < data->rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		eta[i] = sorted[i] = row_eta(data, beta, i);
	}
	sort_any(sorted, data->rows, sizeof(double), compare_plain, NULL);
	for (int64 i = 0; i < data->rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (ranks == 0 || sorted[ranks - 1] != sorted[i])
			sorted[ranks++] = sorted[i];
	}
	for (int64 i = 0; i < data->rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		rank[i] = place_of(sorted, ranks, eta[i]);
	}
	tree = alloc_doubles(ranks + 1);
	for (int s = 0; s < data->strata; s++)
		count_pairs(data, s, rank, tree, ranks, &pairs);
	pfree(eta);
	pfree(sorted);
	pfree(rank);
	pfree(tree);
	return pairs.all > 0 ? (pairs.concordant + pairs.equal / 2) / pairs.all : NAN;
}

/* The variance of the coefficients that are fine, a square matrix. */
static double *
variance_of(const Newton *newton)
{
	int p = newton->size;
	double *variance = alloc_doubles(p * p);

	for (int k = 0; k < p; k++)
	{
		if (newton->flag[k] != COX_FINE)
			continue;
		variance[k * p + k] = 1;
		ldl_solve(newton->l, p, variance + k * p, variance + k * p);
	}
	return variance;
}

/* beta' V^- beta */
static double
wald_statistic(const Newton *newton, const double *variance)
{
	int p = newton->size;
	double *l = alloc_doubles(p * p);
	double *x = alloc_doubles(p);
	int *out = palloc(sizeof(int) * p);
	double wald = 0;

	memcpy(out, newton->flag, sizeof(int) * p);
	(void) ldl_decompose(variance, p, l, out, true);
	ldl_solve(l, p, newton->beta, x);
	for (int k = 0; k < p; k++)
		wald += out[k] == 0 ? newton->beta[k] * x[k] : 0;
	return wald;
}

static void
set_terms(const Newton *newton, const CoxData *data, const double *variance, CoxFit *fit)
{
	int p = newton->size;

	for (int k = 0; k < p; k++)
	{
		CoxTerm *term = &fit->term[k];

		term->flag = newton->flag[k];
		term->mean = data->mean[k];
		term->scale = data->scale[k];
		if (term->flag == COX_FINE)
		{
			term->coefficient = newton->beta[k] / data->scale[k];
			term->std_error = fit->clusters == 1 ? 0 : sqrt(variance[k * p + k]) / data->scale[k];
			/* Of numbers that are nearly too small to be one. */
			if (!isfinite(term->coefficient) || !isfinite(term->std_error))
				term->flag = COX_INFINITE;
		}
		if (term->flag == COX_INFINITE)
		{
			term->coefficient = copysign(INFINITY, newton->beta[k]);
			term->std_error = 0;
			fit->converged = 0;
		}
		for (int l = 0; l <= k; l++)
			cox_variance(fit)[COX_VARIANCES(k) + l] = variance[k * p + l];
	}
}

static void
set_baseline(const CoxData *data, const CoxBaseline *baseline, CoxFit *fit)
{
	int32 bytes = 0;
	int from = 0;

	if (fit->baseline)
		memcpy(cox_point(fit, 0), baseline->point,
			   sizeof(double) * COX_POINT_SIZE(data->covariates) * (Size) baseline->points);
	for (int s = 0; s < fit->strata; s++)
	{
		CoxStratum *stratum = cox_fit_stratum(fit, s);
		Tag name = data->name[s];

		stratum->followed =
			data->first[s + 1] > data->first[s] ? data->time[data->first[s + 1] - 1] : 0;
		stratum->points = fit->baseline ? baseline->end[s] - from : 0;
		stratum->offset = bytes;
		stratum->length = name.length;
		if (name.length > 0)
			memcpy((char *) cox_fit_stratum(fit, fit->strata) + bytes, name.bytes, name.length);
		bytes += Max(name.length, 0);
		from += stratum->points;
	}
}

CoxFit *
cox_fit_rows(const CoxRows *state)
{
	CoxData data = cox_order(state);
	Evaluation evaluation = {.data = &data, .walk = cox_walk_new(&data, true)};
	int p = state->covariates;
	Newton newton = newton_new(p, &evaluation, likelihood_at);
	bool robust = data.cluster != NULL || data.fractional;
	CoxSteps steps;
	CoxBaseline baseline = {0};
	double *naive;
	double *variance;
	double *zph = palloc(sizeof(double) * p);
	double zph_all = NAN;
	bool known;
	int64 clusters = 0;
	CoxFit *fit;

	newton_run(&newton);
	steps = cox_steps(&data, newton.beta, robust);
	variance = naive = variance_of(&newton);
	if (robust)
	{
		variance = alloc_doubles(p * p);
		cox_robust_variance(&data, newton.beta, &steps, naive, variance, &clusters);
	}
	known = data.rows > 0 && !newton.infinite && cox_baseline(&data, &steps, &baseline);
	for (int k = 0; k < p; k++)
		zph[k] = NAN;
	if (newton.converged)
		cox_zph_test(&data, newton.beta, newton.flag, zph, &zph_all);

	fit = cox_fit_alloc(p, known ? baseline.points : 0, data.rows > 0 ? data.strata : 0,
						data.rows > 0 ? state->tag_bytes : 0);
	fit->baseline = known;
	fit->ties = data.ties;
	fit->iterations = newton.iterations;
	fit->converged = newton.converged;
	fit->df = newton.fine;
	fit->robust = robust;
	fit->stratified = (state->columns & COX_STRATUM) != 0;
	fit->customers = data.rows;
	for (int64 i = 0; i < data.rows; i++)
		fit->churned += data.churned[i];
	fit->unknown = state->unknown;
	fit->never_at_risk = state->never_at_risk;
	fit->clusters = data.cluster != NULL ? clusters : 0;
	fit->moments = steps.count;
	fit->loglik_null = newton.loglik_start;
	fit->loglik = newton.now.loglik;
	fit->score = newton.score_start;
	/* The residuals of one cluster that is all customers add up to 0. */
	fit->wald = newton.infinite || clusters == 1 ? NAN : wald_statistic(&newton, variance);
	fit->concordance = concordance_of(&data, newton.beta);
	fit->zph = zph_all;
	set_terms(&newton, &data, variance, fit);
	for (int k = 0; k < p; k++)
		fit->term[k].zph = zph[k];
	set_baseline(&data, &baseline, fit);
	return fit;
}
