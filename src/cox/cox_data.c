/*
 * cox_data.c
 *		The rows of a regression in order, and the walk over the times at which customers leave.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/sort.h"
#include "cox/cox_data.h"
#include "cox/newton.h"

typedef struct SortKey
{
	double time;
	const double *row;
	int stratum;
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

	if (one->stratum != other->stratum)
		return one->stratum < other->stratum ? -1 : 1;
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
	const CoxData *data = arg;
	int64 one = *(const int64 *) a;
	int64 other = *(const int64 *) b;
	int order = compare_doubles(data->entry[other], data->entry[one]);

	if (row_stratum(data, one) != row_stratum(data, other))
		return row_stratum(data, one) > row_stratum(data, other) ? -1 : 1;
	return order != 0 ? order : (one < other ? -1 : 1);
}

static int
compare_names(const void *a, const void *b, void *arg)
{
	const CoxRows *state = arg;

	return tag_compare(cox_stratum_name(state, *(const int *) a),
					   cox_stratum_name(state, *(const int *) b));
}

/* The strata in the order of their names: the place of each number. */
static int *
order_strata(const CoxRows *state, CoxData *data)
{
	int *number = palloc(sizeof(int) * Max(state->strata, 1));
	int *place = palloc(sizeof(int) * Max(state->strata, 1));

	data->strata = Max(state->strata, 1);
	data->name = palloc(sizeof(Tag) * data->strata);
	data->name[0] = (Tag){NULL, -1};
	for (int i = 0; i < state->strata; i++)
		number[i] = i;
	sort_any(number, state->strata, sizeof(int), compare_names, unconstify(CoxRows *, state));
	for (int i = 0; i < state->strata; i++)
	{
		place[number[i]] = i;
		data->name[i] = cox_stratum_name(state, number[i]);
	}
	pfree(number);
	return place;
}

/* Centre and scale the covariates: the model is the same, and the arithmetic loses less. */
void
center_column(double *x, int64 rows, int stride, int number, double *mean, double *scale)
{
	double squares = 0;
	double least = rows > 0 ? x[0] : 0;
	double most = least;

	*mean = 0;
	*scale = 0;
	for (int64 i = 0; i < rows; i++)
	{
		double value = x[i * stride];

		CHECK_NOW_AND_THEN(i);
		/* A running mean: the sum of large values could overflow. */
		*mean += (value - *mean) / (double) (i + 1);
		least = fmin(least, value);
		most = fmax(most, value);
	}
	if (!(most > least))
		*mean = least;
	if (!isfinite(*mean) || !isfinite(most - least))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("the values of covariate %d are too far apart", number)));
	for (int64 i = 0; i < rows; i++)
	{
		double share = most > least ? (x[i * stride] - *mean) / (most - least) : 0;

		CHECK_NOW_AND_THEN(i);
		squares += share * share;
	}
	if (most > least)
		*scale = (most - least) * sqrt(squares / (double) rows);
	for (int64 i = 0; i < rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		x[i * stride] = *scale > 0 ? (x[i * stride] - *mean) / *scale : 0;
	}
}

/* Whether a covariate never varies within a stratum: then it says nothing, which rounding would hide. */
static bool
is_constant_in_strata(const CoxData *data, int covariate)
{
	for (int s = 0; s < data->strata; s++)
		for (int64 i = data->first[s] + 1; i < data->first[s + 1]; i++)
		{
			CHECK_NOW_AND_THEN(i);
			if (data->x[i * data->covariates + covariate] !=
				data->x[(i - 1) * data->covariates + covariate])
				return false;
		}
	return true;
}

CoxData
cox_order(const CoxRows *state)
{
	CoxData data = {.rows = state->rows, .covariates = state->covariates, .ties = state->ties};
	SortKey *key = alloc_array(sizeof(SortKey), state->rows);
	int *place = order_strata(state, &data);
	int values = cox_stride(state) - 1;
	int p = state->covariates;
	bool entries = (state->columns & COX_ENTRY) != 0;
	bool strata = data.strata > 1;
	bool clusters = (state->columns & COX_CLUSTER) != 0;

	for (int64 i = 0; i < state->rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		key[i].row = cox_row(state, i);
		key[i].time = fabs(key[i].row[0]);
		key[i].stratum = strata ? place[(int) key[i].row[cox_column(state, COX_STRATUM)]] : 0;
	}
	sort_any(key, state->rows, sizeof(SortKey), compare_sort_keys, &values);

	data.time = alloc_array(sizeof(double), state->rows);
	data.churned = alloc_array(sizeof(bool), state->rows);
	data.x = alloc_array(sizeof(double) * p, state->rows);
	data.mean = palloc0(sizeof(double) * p);
	data.scale = palloc0(sizeof(double) * p);
	data.first = palloc0(sizeof(int64) * (data.strata + 1));
	if (strata)
		data.stratum = alloc_array(sizeof(int), state->rows);
	if (state->columns & COX_WEIGHT)
		data.weight = alloc_array(sizeof(double), state->rows);
	if (clusters)
		data.cluster = alloc_array(2 * sizeof(double), state->rows);
	if (entries)
	{
		data.entry = alloc_array(sizeof(double), state->rows);
		data.by_entry = alloc_array(sizeof(int64), state->rows);
	}
	for (int64 i = 0; i < state->rows; i++)
	{
		const double *row = key[i].row;

		CHECK_NOW_AND_THEN(i);
		data.time[i] = key[i].time;
		data.churned[i] = signbit(row[0]);
		memcpy(data.x + i * p, row + 1, sizeof(double) * p);
		if (strata)
			data.stratum[i] = key[i].stratum;
		data.first[key[i].stratum + 1] = i + 1;
		if (data.weight != NULL)
		{
			data.weight[i] = row[cox_column(state, COX_WEIGHT)];
			data.fractional = data.fractional || data.weight[i] != floor(data.weight[i]);
		}
		if (clusters)
			memcpy(data.cluster + 2 * i, row + cox_column(state, COX_CLUSTER), 2 * sizeof(double));
		if (entries)
		{
			data.entry[i] = row[cox_column(state, COX_ENTRY)];
			data.by_entry[i] = i;
		}
	}
	for (int s = 0; s < data.strata; s++)
		data.first[s + 1] = Max(data.first[s + 1], data.first[s]);
	if (entries)
		sort_any(data.by_entry, state->rows, sizeof(int64), compare_entries, &data);
	pfree(key);
	pfree(place);

	for (int k = 0; k < p; k++)
	{
		if (strata && is_constant_in_strata(&data, k))
			for (int64 i = 0; i < state->rows; i++)
			{
				CHECK_NOW_AND_THEN(i);
				data.x[i * p + k] = 0;
			}
		center_column(data.x + k, state->rows, p, k + 1, &data.mean[k], &data.scale[k]);
	}
	return data;
}

static void
risk_clear(RiskSums *sums, int p)
{
	sums->s0 = 0;
	memset(sums->s1, 0, sizeof(double) * p);
	memset(sums->s2, 0, sizeof(double) * p * p);
}

static inline void
risk_add(RiskSums *sums, const double *restrict x, int p, double weight, bool squares)
{
	double *restrict s1 = sums->s1;

	sums->s0 += weight;
	for (int k = 0; k < p; k++)
	{
		double more = weight * x[k];
		double *restrict s2 = sums->s2 + k * p;

		s1[k] += more;
		if (squares)
			for (int l = 0; l <= k; l++)
				s2[l] += more * x[l];
	}
}

CoxWalk
cox_walk_new(const CoxData *data, bool squares)
{
	int p = data->covariates;
	CoxWalk walk = {.x = alloc_doubles(p), .squares = squares};

	walk.moment.x = walk.x;
	walk.moment.risk.s1 = alloc_doubles(p);
	walk.moment.risk.s2 = alloc_doubles(p * p);
	walk.moment.leaving.s1 = alloc_doubles(p);
	walk.moment.leaving.s2 = alloc_doubles(p * p);
	return walk;
}

/* The sums over the denominators of a moment. */
static void
sum_denominators(CoxMoment *moment, CoxTies ties)
{
	int64 steps = ties == COX_BRESLOW ? 1 : moment->count;
	double weight = moment->weight / (double) steps;
	double *sums = moment->sums;

	memset(sums, 0, sizeof(moment->sums));
	moment->log_denominators = 0;
	for (int64 i = 0; i < steps; i++)
	{
		double share = (double) i / (double) steps;
		double one = 1 / (moment->risk.s0 - share * moment->leaving.s0);
		double more = weight * one;

		CHECK_NOW_AND_THEN(i);
		moment->log_denominators -= weight * log(one);
		sums[0] += more;
		sums[1] += share * more;
		sums[2] += more * one;
		sums[3] += share * more * one;
		sums[4] += share * share * more * one;
	}
}

/*
 * From the latest time back: the customers at risk are those met so far, less those who have not entered yet. At a time
 * with d departures Efron divides by the sums over those at risk, less j / d of the sums over those leaving, for
 * j = 0 .. d - 1; Breslow by those over all at risk, d times. A weight stands in all sums; those who leave at one time
 * share their mean weight, as in T. M. Therneau and P. M. Grambsch, "Modeling Survival Data" (2000) section 3.3.
 */
void
cox_walk(const CoxData *data, const double *beta, CoxWalk *walk, CoxVisit visit, void *arg)
{
	CoxMoment *moment = &walk->moment;
	int p = data->covariates;

	for (int s = data->strata - 1; s >= 0; s--)
	{
		int64 begin = data->first[s];
		int64 entering = data->rows - data->first[s + 1]; /* next of by_entry not taken out */
		int64 entering_end = data->rows - begin;
		int64 next;

		risk_clear(&moment->risk, p);
		moment->stratum = s;
		for (int64 at = data->first[s + 1] - 1; at >= begin; at = next)
		{
			double time = data->time[at];

			CHECK_FOR_INTERRUPTS();
			/* Of equal times the customers who left come first, so last here. */
			for (next = at; next >= begin && data->time[next] == time && !data->churned[next];
				 next--)
			{
				CHECK_FOR_INTERRUPTS();
				risk_add(&moment->risk, data->x + next * p, p,
						 row_weight(data, next) * exp(row_eta(data, beta, next)), walk->squares);
			}
			if (next < begin || data->time[next] != time)
				continue;

			for (; data->entry != NULL && entering < entering_end &&
				   data->entry[data->by_entry[entering]] >= time;
				 entering++)
			{
				int64 row = data->by_entry[entering];

				CHECK_FOR_INTERRUPTS();
				risk_add(&moment->risk, data->x + row * p, p,
						 -row_weight(data, row) * exp(row_eta(data, beta, row)), walk->squares);
			}

			risk_clear(&moment->leaving, p);
			memset(walk->x, 0, sizeof(double) * p);
			moment->eta = moment->weight = 0;
			moment->count = 0;
			for (; next >= begin && data->time[next] == time; next--)
			{
				const double *x = data->x + next * p;
				double weight = row_weight(data, next);
				double eta = row_eta(data, beta, next);

				CHECK_FOR_INTERRUPTS();
				risk_add(&moment->leaving, x, p, weight * exp(eta), walk->squares);
				moment->eta += weight * eta;
				moment->weight += weight;
				for (int k = 0; k < p; k++)
					walk->x[k] += weight * x[k];
				moment->count++;
			}
			moment->risk.s0 += moment->leaving.s0;
			for (int k = 0; k < p; k++)
			{
				moment->risk.s1[k] += moment->leaving.s1[k];
				for (int l = 0; walk->squares && l <= k; l++)
					moment->risk.s2[k * p + l] += moment->leaving.s2[k * p + l];
			}
			moment->time = time;
			moment->first = next + 1;
			sum_denominators(moment, data->ties);
			visit(data, moment, arg);
		}
	}
}
