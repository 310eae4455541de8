/*
 * cox.c
 *		Churn drivers by proportional hazards regression: which covariates go with leaving, and by how much.
 *
 * D. R. Cox, "Regression models and life-tables", J. R. Stat. Soc. B 34 (1972) 187-220: the partial likelihood,
 * maximised by Newton's method. Ties: B. Efron, J. Am. Stat. Assoc. 72 (1977) 557-565, or N. Breslow, Biometrics 30
 * (1974) 89-99. The rows are sorted first, so that equal rows give equal bits.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/sort.h"
#include "cox/cox.h"
#include "storage/shmem.h"

#define FIT_VERSION 1
#define FIT_NAME "retention_cox"

#define MAX_ITERATIONS 40
/* Newton's decrement, squared: twice what a step can still add to the likelihood. A standard error would be 1. */
#define FINISHED 1e-18
/* A covariate follows from others if its pivot is smaller than this part of its own variance. */
#define COLLINEAR 1e-10
/* A coefficient has no finite maximum if it still moves so far, in units of 1 / the standard deviation ... */
#define RUNAWAY_STEP 0.02
/* ... while the likelihood grows by no more than this part of itself. */
#define STANDSTILL 1e-8

/* The rows by duration; of equal ones, customers who left come before those who are still there. */
typedef struct CoxData
{
	int64 rows;
	int covariates;
	CoxTies ties;
	double *time;
	bool *churned;
	double *x;		 /* by row; centred and scaled */
	double *entry;	 /* NULL: none */
	int64 *by_entry; /* rows from the latest entry to the earliest; NULL: none */
	double *scale;	 /* of each covariate; 0: constant */
} CoxData;

/* The likelihood at one set of coefficients, with its first and second derivatives. */
typedef struct CoxLikelihood
{
	double loglik;
	double *score;
	double *information; /* lower triangle, row by row of covariates */
} CoxLikelihood;

typedef struct SortKey
{
	double time;
	const double *row;
} SortKey;

static int
compare_doubles(double a, double b)
{
	return a < b ? -1 : a > b;
}

/* An order of all rows that are not equal. arg: the number of values of a row after the first. */
static int
compare_sort_keys(const void *a, const void *b, void *arg)
{
	const SortKey *one = a;
	const SortKey *other = b;
	int values = *(int *) arg;
	int order = compare_doubles(one->time, other->time);

	if (order != 0)
		return order;
	if (signbit(one->row[0]) != signbit(other->row[0]))
		return signbit(one->row[0]) ? -1 : 1;
	for (int k = 1; k <= values; k++)
		if ((order = compare_doubles(one->row[k], other->row[k])) != 0)
			return order;
	return 0;
}

static int
compare_entries(const void *a, const void *b, void *arg)
{
	const double *entry = arg;
	int64 one = *(const int64 *) a;
	int64 other = *(const int64 *) b;
	int order = compare_doubles(entry[other], entry[one]);

	return order != 0 ? order : (one < other ? -1 : 1);
}

static void *
alloc_array(Size size, int64 count)
{
	return palloc_extended(mul_size(size, (Size) Max(count, 1)), MCXT_ALLOC_HUGE);
}

static CoxData
cox_order(const CoxRows *state)
{
	CoxData data = {.rows = state->rows, .covariates = state->covariates, .ties = state->ties};
	SortKey *key = alloc_array(sizeof(SortKey), state->rows);
	int values = cox_stride(state) - 1;
	int p = state->covariates;

	for (int64 i = 0; i < state->rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		key[i].row = cox_row(state, i);
		key[i].time = fabs(key[i].row[0]);
	}
	sort_any(key, state->rows, sizeof(SortKey), compare_sort_keys, &values);

	data.time = alloc_array(sizeof(double), state->rows);
	data.churned = alloc_array(sizeof(bool), state->rows);
	data.x = alloc_array(sizeof(double) * p, state->rows);
	data.scale = palloc0(sizeof(double) * p);
	if (state->entries)
	{
		data.entry = alloc_array(sizeof(double), state->rows);
		data.by_entry = alloc_array(sizeof(int64), state->rows);
	}
	for (int64 i = 0; i < state->rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		data.time[i] = key[i].time;
		data.churned[i] = signbit(key[i].row[0]);
		memcpy(data.x + i * p, key[i].row + 1, sizeof(double) * p);
		if (state->entries)
		{
			data.entry[i] = key[i].row[1 + p];
			data.by_entry[i] = i;
		}
	}
	if (state->entries)
		sort_any(data.by_entry, state->rows, sizeof(int64), compare_entries, data.entry);
	pfree(key);

	/* Centre and scale the covariates: the model is the same, and the arithmetic loses less. */
	for (int k = 0; k < p; k++)
	{
		double mean = 0;
		double squares = 0;
		double least = state->rows > 0 ? data.x[k] : 0;
		double most = least;

		for (int64 i = 0; i < state->rows; i++)
		{
			double value = data.x[i * p + k];

			CHECK_NOW_AND_THEN(i);
			/* A running mean: the sum of large values could overflow. */
			mean += (value - mean) / (double) (i + 1);
			least = fmin(least, value);
			most = fmax(most, value);
		}
		if (!(most > least))
			mean = least;
		if (!isfinite(mean) || !isfinite(most - least))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("the values of covariate %d are too far apart", k + 1)));
		for (int64 i = 0; i < state->rows; i++)
		{
			double share = most > least ? (data.x[i * p + k] - mean) / (most - least) : 0;

			CHECK_NOW_AND_THEN(i);
			squares += share * share;
		}
		if (most > least)
			data.scale[k] = (most - least) * sqrt(squares / (double) state->rows);
		for (int64 i = 0; i < state->rows; i++)
		{
			CHECK_NOW_AND_THEN(i);
			data.x[i * p + k] = data.scale[k] > 0 ? (data.x[i * p + k] - mean) / data.scale[k] : 0;
		}
	}
	return data;
}

/* Sums over customers of exp(eta), exp(eta) x and exp(eta) x x' (lower triangle). */
typedef struct RiskSums
{
	double s0;
	double *s1;
	double *s2;
} RiskSums;

static void
risk_clear(RiskSums *sums, int p)
{
	sums->s0 = 0;
	memset(sums->s1, 0, sizeof(double) * p);
	memset(sums->s2, 0, sizeof(double) * p * p);
}

static inline void
risk_add(RiskSums *sums, const double *restrict x, int p, double weight)
{
	double *restrict s1 = sums->s1;

	sums->s0 += weight;
	for (int k = 0; k < p; k++)
	{
		double more = weight * x[k];
		double *restrict s2 = sums->s2 + k * p;

		s1[k] += more;
		for (int l = 0; l <= k; l++)
			s2[l] += more * x[l];
	}
}

static double
row_eta(const CoxData *data, const double *beta, int64 row)
{
	const double *x = data->x + row * data->covariates;
	double eta = 0;

	for (int k = 0; k < data->covariates; k++)
		eta += beta[k] * x[k];
	return eta;
}

/*
 * From the latest time back: the customers at risk are those met so far, less those who have not entered yet. At a time
 * with d departures Efron divides by the sums over those at risk, less j / d of the sums over those leaving, for
 * j = 0 .. d - 1;
 * Breslow by those over all at risk, d times.
 */
static void
cox_likelihood(const CoxData *data, const double *beta, CoxLikelihood *answer, RiskSums *risk,
			   RiskSums *leaving)
{
	int p = data->covariates;
	int64 entering = 0; /* next of by_entry that has not been taken out */
	int64 next;

	answer->loglik = 0;
	memset(answer->score, 0, sizeof(double) * p);
	memset(answer->information, 0, sizeof(double) * p * p);
	risk_clear(risk, p);

	for (int64 at = data->rows - 1; at >= 0; at = next)
	{
		double time = data->time[at];
		double sums[5] = {0}; /* of 1 / D, j / D, 1 / D^2, j / D^2, j^2 / D^2; j as a share of d */
		int64 d = 0;

		CHECK_FOR_INTERRUPTS();
		/* Of equal times the customers who left come first, so last here. */
		for (next = at; next >= 0 && data->time[next] == time && !data->churned[next]; next--)
		{
			CHECK_FOR_INTERRUPTS();
			risk_add(risk, data->x + next * p, p, exp(row_eta(data, beta, next)));
		}
		if (next < 0 || data->time[next] != time)
			continue;

		for (; data->entry != NULL && entering < data->rows &&
			   data->entry[data->by_entry[entering]] >= time;
			 entering++)
		{
			int64 row = data->by_entry[entering];

			CHECK_FOR_INTERRUPTS();
			risk_add(risk, data->x + row * p, p, -exp(row_eta(data, beta, row)));
		}

		risk_clear(leaving, p);
		for (; next >= 0 && data->time[next] == time; next--)
		{
			const double *x = data->x + next * p;
			double eta = row_eta(data, beta, next);

			CHECK_FOR_INTERRUPTS();
			risk_add(leaving, x, p, exp(eta));
			answer->loglik += eta;
			for (int k = 0; k < p; k++)
				answer->score[k] += x[k];
			d++;
		}
		risk->s0 += leaving->s0;
		for (int k = 0; k < p; k++)
		{
			risk->s1[k] += leaving->s1[k];
			for (int l = 0; l <= k; l++)
				risk->s2[k * p + l] += leaving->s2[k * p + l];
		}

		if (data->ties == COX_BRESLOW)
		{
			answer->loglik -= (double) d * log(risk->s0);
			sums[0] = (double) d / risk->s0;
			sums[2] = sums[0] / risk->s0;
		}
		else
			for (int64 i = 0; i < d; i++)
			{
				double j = (double) i / (double) d;
				double one = 1 / (risk->s0 - j * leaving->s0);

				CHECK_NOW_AND_THEN(i);
				answer->loglik += log(one);
				sums[0] += one;
				sums[1] += j * one;
				sums[2] += one * one;
				sums[3] += j * one * one;
				sums[4] += j * j * one * one;
			}
		for (int k = 0; k < p; k++)
		{
			double *information = answer->information + k * p;

			answer->score[k] -= sums[0] * risk->s1[k] - sums[1] * leaving->s1[k];
			for (int l = 0; l <= k; l++)
				information[l] +=
					sums[0] * risk->s2[k * p + l] - sums[1] * leaving->s2[k * p + l] -
					sums[2] * risk->s1[k] * risk->s1[l] +
					sums[3] * (risk->s1[k] * leaving->s1[l] + leaving->s1[k] * risk->s1[l]) -
					sums[4] * leaving->s1[k] * leaving->s1[l];
		}
	}
}

/*
 * The LDL' decomposition of the information of the covariates that are fine; the pivots of others are 0. With `find`,
 * marks covariates that follow from those before them.
 */
static bool
decompose(const double *information, int p, double *l, CoxFlag *flag, bool find)
{
	for (int i = 0; i < p; i++)
	{
		double pivot = information[i * p + i];

		for (int j = 0; j < i; j++)
		{
			double sum = information[i * p + j];

			for (int k = 0; k < j; k++)
				sum -= l[i * p + k] * l[j * p + k] * l[k * p + k];
			l[i * p + j] = l[j * p + j] > 0 ? sum / l[j * p + j] : 0;
			pivot -= l[i * p + j] * l[i * p + j] * l[j * p + j];
		}
		if (flag[i] != COX_FINE)
			pivot = 0;
		else if (!(pivot > COLLINEAR * information[i * p + i]) || !isfinite(pivot))
		{
			if (!find)
				return false;
			flag[i] = COX_COLLINEAR;
			pivot = 0;
		}
		l[i * p + i] = pivot;
		if (pivot == 0)
			for (int j = 0; j < i; j++)
				l[i * p + j] = 0;
	}
	return true;
}

/* x = A^- b, with A as decompose() left it. */
static void
solve(const double *l, int p, const double *b, double *x)
{
	for (int i = 0; i < p; i++)
	{
		x[i] = l[i * p + i] > 0 ? b[i] : 0;
		for (int j = 0; j < i; j++)
			x[i] -= l[i * p + j] * x[j];
	}
	for (int i = p - 1; i >= 0; i--)
	{
		x[i] = l[i * p + i] > 0 ? x[i] / l[i * p + i] : 0;
		for (int j = i + 1; j < p; j++)
			x[i] -= l[j * p + i] * x[j];
		if (!(l[i * p + i] > 0))
			x[i] = 0;
	}
}

static int
compare_plain(const void *a, const void *b, void *arg)
{
	return compare_doubles(*(const double *) a, *(const double *) b);
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
tree_add(int64 *tree, int64 size, int64 at, int64 more)
{
	for (at++; at <= size; at += at & -at)
		tree[at - 1] += more;
}

static int64
tree_sum(const int64 *tree, int64 before)
{
	int64 sum = 0;

	for (; before > 0; before -= before & -before)
		sum += tree[before - 1];
	return sum;
}

/*
 * F. E. Harrell and others, J. Am. Med. Assoc. 247 (1982) 2543-2546: of the pairs in which one customer left while the
 * other was at risk and stayed longer, the share in which the one who left had the higher risk. Equal risks count one
 * half. Two customers who left at the same time are no pair.
 */
static double
concordance_of(const CoxData *data, const double *beta)
{
	double *eta = alloc_array(sizeof(double), data->rows);
	double *sorted = alloc_array(sizeof(double), data->rows);
	int64 *rank = alloc_array(sizeof(int64), data->rows);
	int64 *tree;
	int64 ranks = 0;
	int64 inside = 0;
	int64 entering = 0;
	double concordant = 0;
	double equal = 0;
	double pairs = 0;
	int64 next;

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
	tree = alloc_array(sizeof(int64), ranks + 1);
	memset(tree, 0, sizeof(int64) * (Size) (ranks + 1));

	for (int64 at = data->rows - 1; at >= 0; at = next)
	{
		double time = data->time[at];
		int64 first;

		CHECK_FOR_INTERRUPTS();
		for (next = at; next >= 0 && data->time[next] == time && !data->churned[next]; next--)
		{
			CHECK_NOW_AND_THEN(next);
			tree_add(tree, ranks, rank[next], 1);
			inside++;
		}
		if (next < 0 || data->time[next] != time)
			continue;
		for (; data->entry != NULL && entering < data->rows &&
			   data->entry[data->by_entry[entering]] >= time;
			 entering++)
		{
			CHECK_NOW_AND_THEN(entering);
			tree_add(tree, ranks, rank[data->by_entry[entering]], -1);
			inside--;
		}
		first = next;
		for (; next >= 0 && data->time[next] == time; next--)
		{
			int64 lower = tree_sum(tree, rank[next]);

			CHECK_NOW_AND_THEN(next);
			concordant += (double) lower;
			equal += (double) (tree_sum(tree, rank[next] + 1) - lower);
			pairs += (double) inside;
		}
		for (int64 i = first; i > next; i--)
		{
			CHECK_NOW_AND_THEN(i);
			tree_add(tree, ranks, rank[i], 1);
			inside++;
		}
	}
	pfree(eta);
	pfree(sorted);
	pfree(rank);
	pfree(tree);
	return pairs > 0 ? (concordant + equal / 2) / pairs : NAN;
}

static double
dot(const double *a, const double *b, int p)
{
	double sum = 0;

	for (int k = 0; k < p; k++)
		sum += a[k] * b[k];
	return sum;
}

/* The search for the maximum of the likelihood. */
typedef struct CoxSearch
{
	CoxData data;
	CoxLikelihood now;	 /* at beta */
	CoxLikelihood trial; /* at tried */
	RiskSums risk;
	RiskSums leaving;
	double *beta;
	double *step; /* from beta, by Newton's method */
	double *tried;
	double *l; /* the information at beta, decomposed */
	CoxFlag *flag;
} CoxSearch;

static double *
alloc_doubles(int count)
{
	return palloc0(sizeof(double) * count);
}

static CoxSearch
search_new(const CoxRows *state)
{
	int p = state->covariates;
	CoxSearch search = {.data = cox_order(state)};

	search.now.score = alloc_doubles(p);
	search.now.information = alloc_doubles(p * p);
	search.trial.score = alloc_doubles(p);
	search.trial.information = alloc_doubles(p * p);
	search.risk.s1 = alloc_doubles(p);
	search.risk.s2 = alloc_doubles(p * p);
	search.leaving.s1 = alloc_doubles(p);
	search.leaving.s2 = alloc_doubles(p * p);
	search.beta = alloc_doubles(p);
	search.step = alloc_doubles(p);
	search.tried = alloc_doubles(p);
	search.l = alloc_doubles(p * p);
	search.flag = palloc0(sizeof(CoxFlag) * p);
	return search;
}

static CoxFit *
fit_alloc(int covariates)
{
	Size size = offsetof(CoxFit, term) + sizeof(CoxTerm) * covariates;
	CoxFit *fit = palloc0(size);

	flat_mark(fit, WIRE_COX, FIT_VERSION, size);
	fit->covariates = covariates;
	return fit;
}

/* Goes a step, halved until the likelihood is not less, but for rounding. False: no step helps. */
static bool
search_step(CoxSearch *search)
{
	int p = search->data.covariates;
	CoxLikelihood before = search->now;

	for (int halvings = 0; halvings <= 20; halvings++)
	{
		if (halvings > 0)
			for (int k = 0; k < p; k++)
				search->step[k] /= 2;
		for (int k = 0; k < p; k++)
			search->tried[k] = search->beta[k] + search->step[k];
		cox_likelihood(&search->data, search->tried, &search->trial, &search->risk,
					   &search->leaving);
		if (isfinite(search->trial.loglik) &&
			search->trial.loglik >= before.loglik - 1e-11 * fabs(before.loglik) &&
			decompose(search->trial.information, p, search->l, search->flag, false))
		{
			memcpy(search->beta, search->tried, sizeof(double) * p);
			search->now = search->trial;
			search->trial = before;
			return true;
		}
	}
	return false;
}

/* Newton's method. Whether coefficients still moved at the end while the likelihood did not. */
static bool
search_maximum(CoxSearch *search, CoxFit *fit)
{
	int p = search->data.covariates;
	int standing = 0; /* steps without a better likelihood */

	while (fit->df > 0 && fit->iterations < MAX_ITERATIONS && standing < 2)
	{
		double before = search->now.loglik;
		double largest = 0;

		if (dot(search->step, search->now.score, p) <= FINISHED)
		{
			/* Take the last step, without computing the likelihood again. */
			for (int k = 0; k < p; k++)
				search->beta[k] += search->step[k];
			fit->converged = 1;
			return false;
		}
		fit->iterations++;
		if (!search_step(search))
			break;
		for (int k = 0; k < p; k++)
			largest = fmax(largest, fabs(search->step[k]));
		if (largest > RUNAWAY_STEP &&
			search->now.loglik - before <= STANDSTILL * (fabs(before) + 1))
			standing++;
		else
			standing = 0;
		solve(search->l, p, search->now.score, search->step);
	}
	return standing > 0;
}

/* beta' I beta, with the information I from its lower triangle. */
static double
wald_statistic(const CoxSearch *search)
{
	int p = search->data.covariates;
	const double *beta = search->beta;
	double wald = 0;

	for (int i = 0; i < p; i++)
		for (int j = 0; j < p; j++)
			wald += search->flag[i] == COX_FINE && search->flag[j] == COX_FINE
						? beta[i] * beta[j] * search->now.information[Max(i, j) * p + Min(i, j)]
						: 0;
	return wald;
}

static void
set_terms(CoxSearch *search, CoxFit *fit)
{
	int p = search->data.covariates;

	for (int k = 0; k < p; k++)
	{
		CoxTerm *term = &fit->term[k];

		term->flag = search->flag[k];
		if (term->flag == COX_FINE)
		{
			memset(search->tried, 0, sizeof(double) * p);
			search->tried[k] = 1;
			solve(search->l, p, search->tried, search->step);
			term->coefficient = search->beta[k] / search->data.scale[k];
			term->std_error = sqrt(search->step[k]) / search->data.scale[k];
		}
		else if (term->flag == COX_INFINITE)
			term->coefficient = copysign(INFINITY, search->beta[k]);
	}
}

CoxFit *
cox_fit_rows(const CoxRows *state)
{
	CoxSearch search = search_new(state);
	int p = state->covariates;
	CoxFit *fit = fit_alloc(p);
	bool infinite = false;

	fit->ties = search.data.ties;
	fit->customers = search.data.rows;
	fit->unknown = state->unknown;
	fit->never_at_risk = state->never_at_risk;
	for (int64 i = 0; i < search.data.rows; i++)
		fit->churned += search.data.churned[i];

	cox_likelihood(&search.data, search.beta, &search.now, &search.risk, &search.leaving);
	fit->loglik_null = search.now.loglik;
	(void) decompose(search.now.information, p, search.l, search.flag, true);
	solve(search.l, p, search.now.score, search.step);
	fit->score = dot(search.step, search.now.score, p);
	for (int k = 0; k < p; k++)
		fit->df += search.flag[k] == COX_FINE;

	/* A coefficient that still moves while the likelihood does not has no finite maximum. */
	if (search_maximum(&search, fit))
		for (int k = 0; k < p; k++)
			if (search.flag[k] == COX_FINE && fabs(search.step[k]) > RUNAWAY_STEP)
			{
				search.flag[k] = COX_INFINITE;
				infinite = true;
			}

	fit->loglik = search.now.loglik;
	fit->concordance = concordance_of(&search.data, search.beta);
	/* The information at the end, of the covariates that are fine. */
	(void) decompose(search.now.information, p, search.l, search.flag, false);
	fit->wald = infinite ? NAN : wald_statistic(&search);
	set_terms(&search, fit);
	return fit;
}

static void
check_fit(const CoxFit *fit)
{
	if (fit->covariates < 1 || fit->covariates > MAX_COVARIATES ||
		VARSIZE(fit) != offsetof(CoxFit, term) + sizeof(CoxTerm) * fit->covariates)
		wire_corrupt(FIT_NAME, "Its length is not that of its contents.");
	if ((fit->ties != COX_EFRON && fit->ties != COX_BRESLOW) || fit->iterations < 0 ||
		fit->iterations > MAX_ITERATIONS || (fit->converged != 0 && fit->converged != 1) ||
		fit->df < 0 || fit->df > fit->covariates || fit->zero != 0 || fit->customers < 0 ||
		fit->churned < 0 || fit->churned > fit->customers || fit->unknown < 0 ||
		fit->never_at_risk < 0 || isnan(fit->loglik) || isnan(fit->loglik_null) ||
		isnan(fit->score))
		wire_corrupt(FIT_NAME, "A number in it is out of range.");
	for (int k = 0; k < fit->covariates; k++)
	{
		const CoxTerm *term = &fit->term[k];

		if (term->flag < COX_FINE || term->flag > COX_INFINITE || isnan(term->coefficient) ||
			!(term->std_error >= 0) ||
			(isinf(term->coefficient) != 0) != (term->flag == COX_INFINITE) ||
			isinf(term->std_error))
			wire_corrupt(FIT_NAME, "A coefficient in it is not one that a fit can have.");
	}
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
				  fit->customers, fit->churned, fit->unknown, fit->never_at_risk);
	wire_put_double(out, fit->loglik_null);
	wire_put_double(out, fit->loglik);
	wire_put_double(out, fit->score);
	wire_put_double(out, fit->wald);
	wire_put_double(out, fit->concordance);
	for (int k = 0; k < fit->covariates; k++)
	{
		wire_put_int(out, fit->term[k].flag);
		wire_put_double(out, fit->term[k].coefficient);
		wire_put_double(out, fit->term[k].std_error);
	}
}

void *
cox_read(const char *bytes, Size size, WireKind kind)
{
	WireReader in = wire_open(bytes, size, WIRE_COX, FIT_VERSION, FIT_NAME);
	CoxFit *fit = fit_alloc((int) wire_get_int_between(&in, 1, MAX_COVARIATES));

	fit->ties = (int32) wire_get_int_between(&in, COX_EFRON, COX_BRESLOW);
	fit->iterations = (int32) wire_get_int_between(&in, 0, MAX_ITERATIONS);
	fit->converged = (int32) wire_get_int_between(&in, 0, 1);
	fit->df = (int32) wire_get_int_between(&in, 0, fit->covariates);
	fit->customers = wire_get_int_between(&in, 0, PG_INT64_MAX);
	fit->churned = wire_get_int_between(&in, 0, PG_INT64_MAX);
	fit->unknown = wire_get_int_between(&in, 0, PG_INT64_MAX);
	fit->never_at_risk = wire_get_int_between(&in, 0, PG_INT64_MAX);
	fit->loglik_null = wire_get_double(&in);
	fit->loglik = wire_get_double(&in);
	fit->score = wire_get_double(&in);
	fit->wald = wire_get_double(&in);
	fit->concordance = wire_get_double(&in);
	for (int k = 0; k < fit->covariates; k++)
	{
		fit->term[k].flag = wire_get_int_between(&in, COX_FINE, COX_INFINITE);
		fit->term[k].coefficient = wire_get_double(&in);
		fit->term[k].std_error = wire_get_double(&in);
	}
	wire_end(&in);
	check_fit(fit);
	return fit;
}
