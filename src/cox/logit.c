/*
 * logit.c
 *		Churn drivers by logistic regression.
 *
 * D. R. Cox, "The regression analysis of binary sequences", J. R. Stat. Soc. B 20 (1958) 215-242: the likelihood,
 * maximised by Newton's method, which for it is iteratively reweighted least squares (P. McCullagh and J. A. Nelder,
 * "Generalized Linear Models", 2nd ed. 1989, section 4.4). The rows are sorted first, so that equal rows give equal
 * bits. Where a covariate tells those who leave from the others the likelihood has no maximum: A. Albert and J. A.
 * Anderson, Biometrika 71 (1984) 1-10.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/sort.h"
#include "cox/cox_data.h"
#include "cox/logit.h"
#include "cox/newton.h"
#include "math/compare.h"
#include "math/ldl.h"

#define FIT_VERSION 1
#define FIT_NAME "retention_logit"

static LogitFit *
fit_alloc(int covariates)
{
	Size size = offsetof(LogitFit, term) + sizeof(LogitTerm) * (1 + covariates);
	LogitFit *fit = palloc0(size);

	flat_mark(fit, WIRE_LOGIT, FIT_VERSION, size);
	fit->covariates = covariates;
	return fit;
}

/* The intercept is the first coefficient. */
static double
eta_of(const CoxData *data, const double *beta, int64 row)
{
	return beta[0] + row_eta(data, beta + 1, row);
}

static void
likelihood_at(void *model, const double *beta, Likelihood *answer)
{
	const CoxData *data = model;
	int p = data->covariates;
	int size = p + 1;

	answer->loglik = 0;
	memset(answer->score, 0, sizeof(double) * size);
	memset(answer->information, 0, sizeof(double) * size * size);
	for (int64 i = 0; i < data->rows; i++)
	{
		const double *x = data->x + i * p;
		double eta = eta_of(data, beta, i);
		double small = exp(-fabs(eta)); /* of the odds and their inverse the smaller one */
		double probability = eta < 0 ? small / (1 + small) : 1 / (1 + small);
		double rest = data->churned[i] ? 1 - probability : -probability;
		double weight = small / (1 + small) / (1 + small);

		CHECK_FOR_INTERRUPTS();
		if (data->churned[i] && eta >= 0)
			rest = small / (1 + small); /* without the digits that 1 - p has lost */
		answer->loglik += fmin(data->churned[i] ? eta : -eta, 0) - log1p(small);
		answer->score[0] += rest;
		answer->information[0] += weight;
		for (int k = 0; k < p; k++)
		{
			double *information = answer->information + (k + 1) * size;
			double more = weight * x[k];

			answer->score[k + 1] += rest * x[k];
			information[0] += more;
			for (int l = 0; l <= k; l++)
				information[l + 1] += more * x[l];
		}
	}
}

typedef struct Scored
{
	double eta;
	bool churned;
} Scored;

static int
compare_scored(const void *a, const void *b, void *arg)
{
	const Scored *one = a;
	const Scored *other = b;

	return one->eta < other->eta ? -1 : one->eta > other->eta;
}

/* The area under the ROC curve: of pairs of one who left and one who stayed, those in which the first has more risk. */
static double
concordance_of(const CoxData *data, const double *beta)
{
	Scored *scored = alloc_array(sizeof(Scored), data->rows);
	double *churned = alloc_array(sizeof(double), data->rows);
	double *kept = alloc_array(sizeof(double), data->rows);
	int64 values = 0;
	double area;
	double distance;

	for (int64 i = 0; i < data->rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		scored[i] = (Scored){eta_of(data, beta, i), data->churned[i]};
	}
	sort_any(scored, data->rows, sizeof(Scored), compare_scored, NULL);
	for (int64 i = 0; i < data->rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (i == 0 || scored[i - 1].eta != scored[i].eta)
			churned[values] = kept[values] = 0, values++;
		churned[values - 1] += scored[i].churned;
		kept[values - 1] += !scored[i].churned;
	}
	separation_of(churned, kept, values, &area, &distance);
	pfree(scored);
	pfree(churned);
	pfree(kept);
	return area;
}

/* The step of the intercept of covariates as they are, not centred. */
static double
intercept_of(const CoxData *data, const double *beta)
{
	double intercept = beta[0];

	for (int k = 0; k < data->covariates; k++)
		if (data->scale[k] > 0)
			intercept -= beta[k + 1] * (data->mean[k] / data->scale[k]);
	return intercept;
}

/* The variance of a coefficient, of covariates as they are: u' I^- u of the combination u of those that are fitted. */
static double
std_error_of(const Newton *newton, const CoxData *data, int term, double *u, double *solved)
{
	double variance = 0;

	memset(u, 0, sizeof(double) * newton->size);
	if (term == 0)
	{
		u[0] = 1;
		for (int k = 0; k < data->covariates; k++)
			if (data->scale[k] > 0)
				u[k + 1] = -data->mean[k] / data->scale[k];
	}
	else
		u[term] = 1 / data->scale[term - 1];
	ldl_solve(newton->l, newton->size, u, solved);
	for (int k = 0; k < newton->size; k++)
		variance += newton->flag[k] == COX_FINE ? u[k] * solved[k] : 0;
	return sqrt(variance);
}

/* beta' V^- beta of the covariates, without the intercept: its part of the information is swept out. */
static double
wald_statistic(const Newton *newton)
{
	int size = newton->size;
	const double *information = newton->now.information;
	double wald = 0;

	for (int i = 1; i < size; i++)
		for (int j = 1; j < size; j++)
			if (newton->flag[i] == COX_FINE && newton->flag[j] == COX_FINE)
				wald += newton->beta[i] * newton->beta[j] *
						(information[Max(i, j) * size + Min(i, j)] -
						 information[i * size] * information[j * size] / information[0]);
	return wald;
}

static void
set_terms(const Newton *newton, const CoxData *data, LogitFit *fit)
{
	double *u = alloc_doubles(newton->size);
	double *solved = alloc_doubles(newton->size);

	for (int k = 0; k < newton->size; k++)
	{
		LogitTerm *term = &fit->term[k];

		term->flag = newton->flag[k];
		if (term->flag == COX_FINE)
		{
			term->coefficient =
				k == 0 ? intercept_of(data, newton->beta) : newton->beta[k] / data->scale[k - 1];
			term->std_error = std_error_of(newton, data, k, u, solved);
			/* Of numbers that are nearly too small to be one. */
			if (!isfinite(term->coefficient) || !isfinite(term->std_error))
				term->flag = COX_INFINITE;
		}
		if (term->flag == COX_INFINITE)
		{
			term->coefficient =
				copysign(INFINITY, k == 0 ? intercept_of(data, newton->beta) : newton->beta[k]);
			term->std_error = 0;
			fit->converged = 0;
		}
	}
}

LogitFit *
logit_fit_rows(const CoxRows *rows)
{
	CoxData data = cox_order(rows);
	Newton newton = newton_new(data.covariates + 1, &data, likelihood_at);
	LogitFit *fit = fit_alloc(data.covariates);
	double kept;

	fit->customers = data.rows;
	fit->unknown = rows->unknown;
	for (int64 i = 0; i < data.rows; i++)
		fit->churned += data.churned[i];
	fit->wald = NAN;
	fit->concordance = NAN;
	kept = (double) (fit->customers - fit->churned);
	if (fit->churned == 0 || kept == 0)
	{
		/* Nothing can be told apart: the odds are 0, or infinite. */
		for (int k = 0; k <= data.covariates; k++)
			fit->term[k].flag = k == 0 && fit->customers > 0 ? COX_INFINITE : COX_COLLINEAR;
		if (fit->customers > 0)
			fit->term[0].coefficient = fit->churned == 0 ? -INFINITY : INFINITY;
		return fit;
	}

	newton.beta[0] = log((double) fit->churned) - log(kept);
	newton_run(&newton);
	/* Only the intercept of centred covariates may be what moves. */
	if (newton.infinite && newton.flag[0] == COX_INFINITE &&
		fabs(intercept_of(&data, newton.step)) <= RUNAWAY_STEP)
		newton.flag[0] = COX_FINE;
	if (newton.converged)
		likelihood_at(&data, newton.beta, &newton.now);
	(void) ldl_decompose(newton.now.information, newton.size, newton.l, newton.flag, false);
	fit->iterations = newton.iterations;
	fit->converged = newton.converged;
	fit->df = newton.fine - 1;
	fit->loglik_null = newton.loglik_start;
	fit->loglik = newton.now.loglik;
	fit->score = newton.score_start;
	if (!newton.infinite)
		fit->wald = wald_statistic(&newton);
	fit->concordance = concordance_of(&data, newton.beta);
	set_terms(&newton, &data, fit);
	return fit;
}

static void
check_fit(const LogitFit *fit)
{
	if (fit->covariates < 1 || fit->covariates > MAX_COVARIATES ||
		VARSIZE(fit) != offsetof(LogitFit, term) + sizeof(LogitTerm) * (1 + fit->covariates))
		wire_corrupt(FIT_NAME, "Its length is not that of its contents.");
	if (fit->iterations < 0 || fit->iterations > MAX_ITERATIONS ||
		(fit->converged != 0 && fit->converged != 1) || fit->df < 0 || fit->df > fit->covariates ||
		fit->customers < 0 || fit->churned < 0 || fit->churned > fit->customers ||
		fit->unknown < 0 || isnan(fit->loglik) || isnan(fit->loglik_null) || isnan(fit->score))
		wire_corrupt(FIT_NAME, "A number in it is out of range.");
	for (int k = 0; k <= fit->covariates; k++)
	{
		const LogitTerm *term = &fit->term[k];

		if (term->flag < COX_FINE || term->flag > COX_INFINITE || isnan(term->coefficient) ||
			!(term->std_error >= 0) || isinf(term->std_error) ||
			(isinf(term->coefficient) != 0) != (term->flag == COX_INFINITE))
			wire_corrupt(FIT_NAME, "A coefficient in it is not one that a fit can have.");
	}
}

const LogitFit *
logit_open(Datum value)
{
	const LogitFit *fit =
		flat_open(value, WIRE_LOGIT, FIT_VERSION, offsetof(LogitFit, term), FIT_NAME);

	check_fit(fit);
	return fit;
}

void
logit_write(Datum value, StringInfo out, WireKind kind)
{
	const LogitFit *fit = logit_open(value);

	wire_begin(out, WIRE_LOGIT, FIT_VERSION);
	wire_put_ints(out, fit->covariates, fit->iterations, fit->converged, fit->df, fit->customers,
				  fit->churned, fit->unknown);
	wire_put_double(out, fit->loglik_null);
	wire_put_double(out, fit->loglik);
	wire_put_double(out, fit->score);
	wire_put_double(out, fit->wald);
	wire_put_double(out, fit->concordance);
	for (int k = 0; k <= fit->covariates; k++)
	{
		wire_put_int(out, fit->term[k].flag);
		wire_put_double(out, fit->term[k].coefficient);
		wire_put_double(out, fit->term[k].std_error);
	}
}

void *
logit_read(const char *bytes, Size size, WireKind kind)
{
	WireReader in = wire_open(bytes, size, WIRE_LOGIT, FIT_VERSION, FIT_NAME);
	LogitFit *fit = fit_alloc((int) wire_get_int_between(&in, 1, MAX_COVARIATES));

	fit->iterations = (int32) wire_get_int_between(&in, 0, MAX_ITERATIONS);
	fit->converged = (int32) wire_get_int_between(&in, 0, 1);
	fit->df = (int32) wire_get_int_between(&in, 0, fit->covariates);
	fit->customers = wire_get_int_between(&in, 0, PG_INT64_MAX);
	fit->churned = wire_get_int_between(&in, 0, PG_INT64_MAX);
	fit->unknown = wire_get_int_between(&in, 0, PG_INT64_MAX);
	fit->loglik_null = wire_get_double(&in);
	fit->loglik = wire_get_double(&in);
	fit->score = wire_get_double(&in);
	fit->wald = wire_get_double(&in);
	fit->concordance = wire_get_double(&in);
	for (int k = 0; k <= fit->covariates; k++)
	{
		fit->term[k].flag = wire_get_int_between(&in, COX_FINE, COX_INFINITE);
		fit->term[k].coefficient = wire_get_double(&in);
		fit->term[k].std_error = wire_get_double(&in);
	}
	wire_end(&in);
	check_fit(fit);
	return fit;
}
