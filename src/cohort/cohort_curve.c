/*
 * cohort_curve.c
 *		One curve from all cohorts.
 */
#include "retention.h"

#include <math.h>

#include "base/choice.h"
#include "base/number.h"
#include "cohort/cohort.h"

CurveMean
cohort_mean(const char *name, CohortCriterion criterion)
{
	static const char *const names[] = {"pooled", "simple", "chained"};
	CurveMean mean = choice("mean", name, names, lengthof(names));

	if (mean == MEAN_CHAINED && criterion != CRITERION_ON_OR_BEFORE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the mean \"chained\" needs the criterion \"on_or_before\""),
						errdetail("It is the survival curve of the first return.")));
	return mean;
}

/* Sums over the observed cells of one period. */
typedef struct CurveSums
{
	int64 cohorts;
	int64 at_risk;
	int64 retained;
	int64 waiting;	/* chained: customers who have not come back before */
	int64 returned; /* chained: of those, who come back in this period */
	Numeric rates;	/* simple: sum of the rates */
	double below;	/* simple: squared distances of the limits from the rates, added */
	double above;
	int64 sure_at_risk; /* recurring: cells that are in COHORT_SUMS */
	int64 sure_retained;
} CurveSums;

static void
add_simple(CurveSums *sums, const CohortCell *cell, double confidence)
{
	Numeric rate =
		numeric_per_cent(numeric_from_int64(cell->retained), numeric_from_int64(cell->at_risk));
	double fraction = (double) cell->retained / (double) cell->at_risk;
	Limits limits = wilson_interval((double) cell->retained, (double) cell->at_risk, confidence);

	sums->rates = sums->cohorts == 1 ? rate : numeric_plus(sums->rates, rate);
	sums->below += (fraction - limits.low) * (fraction - limits.low);
	sums->above += (limits.high - fraction) * (limits.high - fraction);
}

static void
pooled_point(CurvePoint *point, const CurveSums *sums, double confidence)
{
	point->rate =
		numeric_per_cent(numeric_from_int64(sums->retained), numeric_from_int64(sums->at_risk));
	point->limits = wilson_interval((double) sums->retained, (double) sums->at_risk, confidence);
	point->has_limits = true;
}

/*
 * A customer who is in several cohorts is not several customers. The variance of the ratio of sums over customers (W.
 * G. Cochran, "Sampling Techniques", 3rd ed. 1977, chapter 6: the estimate from residuals x - R n) gives the number
 * of independent cells that would tell as much (L. Kish, "Survey Sampling", 1965, section 8.2: the effective sample
 * size). Wilson's interval is computed for that number. If all or none came back, the residuals are 0, and every
 * customer counts as one.
 */
static void
recurring_point(CurvePoint *point, const CurveSums *sums, const int64 *row,
				CohortCriterion criterion, double confidence)
{
	double customers = (double) row[SUM_CUSTOMERS];
	double cells = (double) sums->sure_at_risk;
	double ratio = (double) sums->sure_retained / cells;
	double effective = customers;
	double total;

	if (customers > 1 && sums->sure_retained > 0 && sums->sure_retained < sums->sure_at_risk)
	{
		double residuals = (double) row[SUM_XX + criterion] -
						   2 * ratio * (double) row[SUM_XN + criterion] +
						   ratio * ratio * (double) row[SUM_NN];
		double variance = customers / (customers - 1) * residuals / (cells * cells);

		effective = variance > 0 ? fmin(ratio * (1 - ratio) / variance, cells) : cells;
	}
	total = (double) sums->at_risk * (effective / cells);
	point->limits = wilson_interval(sums->retained == sums->at_risk
										? total
										: (double) sums->retained / (double) sums->at_risk * total,
									total, confidence);
	point->has_limits = true;
}

/*
 * The mean of the cohorts' rates, all with the same weight. Its limits are those of a sum of independent fractions,
 * from Wilson's limits of each: G. Y. Zou, W. Huang and X. Zhang, "A note on confidence interval estimation for a
 * linear function of binomial proportions", Comput. Stat. Data Anal. 53 (2009) 1080-1085.
 */
static void
simple_point(CurvePoint *point, const CurveSums *sums)
{
	double fraction;

	point->rate = numeric_divide(sums->rates, numeric_from_int64(sums->cohorts));
	fraction = numeric_to_double(point->rate) / 100;
	point->limits.low = fmax(fraction - sqrt(sums->below) / (double) sums->cohorts, 0);
	point->limits.high = fmin(fraction + sqrt(sums->above) / (double) sums->cohorts, 1);
	point->has_limits = true;
}

/*
 * The product-limit curve of the first return: E. L. Kaplan and P. Meier, J. Am. Stat. Assoc. 53 (1958) 457-481, with
 * Greenwood's variance (1926) on the scale of log(-log): J. D. Kalbfleisch and R. L. Prentice, "The Statistical
 * Analysis of Failure Time Data" (1980), section 1.3. still and greenwood are carried from period to period.
 */
static void
chained_point(CurvePoint *point, const CurveSums *sums, double confidence, Numeric *still,
			  double *greenwood)
{
	int64 left = sums->waiting - sums->returned;
	double survival;

	point->at_risk = sums->waiting;
	point->retained = sums->returned;
	if (sums->waiting > 0)
	{
		*still = numeric_divide(numeric_times(*still, numeric_from_int64(left)),
								numeric_from_int64(sums->waiting));
		*greenwood += (double) sums->returned / ((double) sums->waiting * (double) left);
	}
	point->rate =
		numeric_times(numeric_from_int64(100), numeric_minus(numeric_from_int64(1), *still));
	survival = numeric_to_double(*still);
	if (survival > 0 && survival < 1)
	{
		double z = two_sided_z(confidence);
		double spread = exp(z * sqrt(*greenwood) / fabs(log(survival)));

		point->limits.low = 1 - pow(survival, 1 / spread);
		point->limits.high = 1 - pow(survival, spread);
		point->has_limits = true;
	}
}

static const int64 *
sums_row(const Cohorts *cohorts, int64 offset)
{
	const int64 *row = cohort_table(cohorts, COHORT_SUMS);

	/* There is a row for every offset from 1 on, unless the bytes were made up. */
	if (offset < 1 || offset > cohorts->counts[COHORT_SUMS])
		return NULL;
	row += (offset - 1) * SUM_COLUMNS;
	return row[SUM_OFFSET] == offset ? row : NULL;
}

/* Add up the observed cells; returns the number of periods. */
static int64
sum_cells(const Cohorts *cohorts, CohortCriterion criterion, CurveMean mean, const Timestamp *as_of,
		  double confidence, CurveSums **sums, bool *later)
{
	CellReader reader = cohort_cells_begin(cohorts, criterion, as_of);
	const Grid *grid = reader.time.grid;
	bool elapsed = grid->windows == GRID_ELAPSED;
	bool recurring = cohort_is_recurring(cohorts);
	int64 capacity = 64, count = 0;
	int64 returned = 0; /* chained: of this cohort, before the cell */
	int64 complete = 0;
	CohortCell cell;

	*later = reader.time.later;
	*sums = palloc0(capacity * sizeof(CurveSums));
	while (cohort_cells_next(&reader, &cell))
	{
		CurveSums *at;

		CHECK_FOR_INTERRUPTS();
		if (cell.period == 0)
		{
			returned = 0;
			if (elapsed && recurring)
				complete =
					cohort_complete_windows(grid, cohorts->kind, cell.cohort, reader.time.as_of);
		}
		if (!cell.observed)
			continue;
		if (cell.period >= capacity)
		{
			*sums = repalloc(*sums, 2 * capacity * sizeof(CurveSums));
			memset(*sums + capacity, 0, capacity * sizeof(CurveSums));
			capacity *= 2;
		}
		count = Max(count, cell.period + 1);
		at = &(*sums)[cell.period];
		at->cohorts++;
		at->at_risk += cell.at_risk;
		at->retained += cell.retained;
		if (cell.period == 0)
			continue;
		if (!elapsed || cell.last <= complete)
		{
			at->sure_at_risk += cell.at_risk;
			at->sure_retained += cell.retained;
		}
		at->waiting += cell.size - returned;
		at->returned += cell.retained - returned;
		returned = cell.retained;
		if (mean == MEAN_SIMPLE)
			add_simple(at, &cell, confidence);
	}
	return count;
}

int64
cohort_curve(const Cohorts *cohorts, CohortCriterion criterion, CurveMean mean,
			 const Timestamp *as_of, double confidence, CurvePoint **points)
{
	bool recurring = cohort_is_recurring(cohorts);
	Numeric still = numeric_from_int64(1);
	double greenwood = 0;
	CurveSums *sums;
	bool later;
	int64 count = sum_cells(cohorts, criterion, mean, as_of, confidence, &sums, &later);

	*points = palloc0(Max(count, 1) * sizeof(CurvePoint));
	for (int64 i = 0; i < count; i++)
	{
		CurvePoint *point = &(*points)[i];
		const int64 *row = sums_row(cohorts, i);

		point->period = i;
		point->cohorts = sums[i].cohorts;
		if (point->cohorts == 0)
			continue;
		point->at_risk = sums[i].at_risk;
		point->retained = sums[i].retained;
		if (i == 0)
			point->rate = numeric_from_int64(100);
		else if (mean == MEAN_SIMPLE)
			simple_point(point, &sums[i]);
		else if (mean == MEAN_CHAINED)
			chained_point(point, &sums[i], confidence, &still, &greenwood);
		else
			pooled_point(point, &sums[i], confidence);

		/* If cohorts share customers, only the pooled mean knows how many. */
		if (recurring)
			point->has_limits = false;
		if (recurring && mean == MEAN_POOLED && row != NULL && !later && sums[i].sure_at_risk > 0)
			recurring_point(point, &sums[i], row, criterion, confidence);
	}
	return count;
}
