/*
 * logrank.c
 *		Do groups leave at the same pace? Rank tests of survival curves.
 */
#include "retention.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/choice.h"
#include "base/sort.h"
#include "survival/logrank.h"

TestWeighting
test_weighting(const char *name, double *rho)
{
	/* As TestWeighting; RHO stands for a number. */
	static const char *const names[] = {"logrank",	 "gehan-wilcoxon", "tarone-ware",
										"peto-peto", "peto-modified",  "fleming-harrington(RHO)"};
	static const char *const with_rho[] = {"fleming-harrington("};
	int length = (int) strlen(with_rho[0]);

	*rho = 0;
	if (choice_find(name, (int) strnlen(name, length), with_rho, 1) == 0)
	{
		char *end;

		*rho = strtod(name + length, &end);
		if (end > name + length && strcmp(end, ")") == 0 && isfinite(*rho) && *rho >= 0)
		{
			*rho += 0.0; /* no -0 */
			return TEST_FLEMING_HARRINGTON;
		}
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized weighting of a test: \"%s\"", name),
				 errhint("RHO must be a finite number, 0 or more, as in fleming-harrington(1).")));
	}
	return choice("weighting of a test", name, names, lengthof(names));
}

static void
too_many_groups(void)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("a test compares at most %d groups", MAX_GROUPS),
					errhint("Combine rare values.")));
}

static int
compare_tags(const void *a, const void *b)
{
	return tag_compare(*(const Tag *) a, *(const Tag *) b);
}

TestRow *
test_rows(const TimeTable *table, int *rows, Tag **groups, int *ngroups)
{
	TestRow *row =
		palloc_extended(mul_size(Max(table->base.used, 1), sizeof(TestRow)), MCXT_ALLOC_HUGE);
	Tag *tag = palloc(sizeof(Tag) * Max(table->base.items, 1));
	int *group = palloc(sizeof(int) * Max(table->base.items, 1));
	int n = 0;

	/* A group may have a cell in several strata. */
	for (int i = 0; i < table->base.items; i++)
		tag[i] = times_group(table, i);
	qsort(tag, table->base.items, sizeof(Tag), compare_tags);
	for (int i = 0; i < table->base.items; i++)
		if (n == 0 || tag_compare(tag[n - 1], tag[i]) != 0)
			tag[n++] = tag[i];
	if (n > MAX_GROUPS)
		too_many_groups();
	for (int i = 0; i < table->base.items; i++)
	{
		Tag wanted = times_group(table, i);

		group[i] = (int) ((Tag *) bsearch(&wanted, tag, n, sizeof(Tag), compare_tags) - tag);
	}

	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		row[i].stratum = times_cell(table, slot->base.item)->stratum;
		row[i].group = group[slot->base.item];
		row[i].time = slot->time;
		for (int what = 0; what < TIME_WHATS; what++)
			row[i].count[what] = (double) slot->rows[what];
	}
	pfree(group);
	*rows = table->base.used;
	*groups = tag;
	*ngroups = n;
	return row;
}

static int
compare_rows(const void *a, const void *b, void *arg)
{
	const TestRow *one = a;
	const TestRow *other = b;

	if (one->time != other->time)
		return one->time < other->time ? -1 : 1;
	return one->group - other->group;
}

TestRow *
test_rows_of_states(const TimeTable **states, int nstates, int *rows)
{
	TestRow *row;
	int64 total = 0;
	int n = 0;

	if (nstates > MAX_GROUPS)
		too_many_groups();
	for (int i = 0; i < nstates; i++)
	{
		if (states[i] != NULL && states[i]->flags & TIME_FRACTIONAL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("rank tests take whole weights only"),
							errdetail("State %d has weights that are not whole numbers.", i + 1)));
		total += states[i] != NULL ? states[i]->base.used : 0;
	}
	if (total > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the states of a test have more than %d times together", PG_INT32_MAX)));
	row = palloc_extended(mul_size(Max(total, 1), sizeof(TestRow)), MCXT_ALLOC_HUGE);
	for (int i = 0; i < nstates; i++)
		for (int at = 0; states[i] != NULL && at < states[i]->base.used; at++)
		{
			const TimeSlot *slot = times_slot(states[i], at);

			CHECK_NOW_AND_THEN(at);
			row[n].stratum = 0;
			row[n].group = i;
			row[n].time = slot->time;
			for (int what = 0; what < TIME_WHATS; what++)
				row[n].count[what] =
					(double) slot_amount(states[i], slot, (TimeWhat) what) * times_unit(states[i]);
			n++;
		}
	sort_any(row, n, sizeof(TestRow), compare_rows, NULL);
	*rows = n;
	return row;
}

/*
 * x' V^- x for a symmetric V >= 0 of the given size, by the LDL' decomposition; *rank gets the number of pivots that
 * are not zero. V and x are overwritten.
 */
static double
quadratic_form(double *v, double *x, int size, int *rank)
{
	double form = 0;
	double largest = 0;

	for (int i = 0; i < size; i++)
		largest = fmax(largest, v[i * size + i]);
	*rank = 0;
	for (int i = 0; i < size; i++)
	{
		double pivot = v[i * size + i];

		if (!(pivot > 1e-12 * largest))
			continue; /* follows from the others */
		(*rank)++;
		form += x[i] * x[i] / pivot;
		for (int j = i + 1; j < size; j++)
		{
			double factor = v[j * size + i] / pivot;

			CHECK_FOR_INTERRUPTS();
			x[j] -= factor * x[i];
			for (int k = i + 1; k <= j; k++)
				v[j * size + k] -= factor * v[k * size + i];
		}
	}
	return form;
}

/* The weight of a time at which n are at risk: by the curves just after it (Peto and Peto's) and before it. */
static double
weight_of_time(TestWeighting weighting, double n, double peto, double survival, double rho)
{
	switch (weighting)
	{
		case TEST_LOGRANK:
			return 1;
		case TEST_GEHAN_WILCOXON:
			return n;
		case TEST_TARONE_WARE:
			return sqrt(n);
		case TEST_PETO_PETO:
			return peto;
		case TEST_PETO_MODIFIED:
			return peto * n / (n + 1);
		case TEST_FLEMING_HARRINGTON:
			return pow(survival, rho);
	}
	return 1;
}

/*
 * N. Mantel, Cancer Chemother. Rep. 50 (1966) 163-170, for several groups D. R. Cox, J. R. Stat. Soc. B 34 (1972) and
 * R. Peto and J. Peto, J. R. Stat. Soc. A 135 (1972) 185-207: at each time d of n customers leave, of whom d n_g / n
 * are expected in group g, with the covariances of the hypergeometric distribution. The weights of the times: E. A.
 * Gehan, Biometrika 52 (1965) 203; R. E. Tarone and J. Ware, Biometrika 64 (1977) 156; Peto and Peto 1972, modified by
 * P. K. Andersen and others, both as in J. P. Klein and M. L. Moeschberger, "Survival Analysis" (2nd ed. 2003) section
 * 7.3; D. P. Harrington and T. R. Fleming, Biometrika 69 (1982) 553-566, with the Kaplan-Meier curve just before the
 * time.
 */
TestResult
test_groups(const TestRow *row, int rows, int groups, TestWeighting weighting, double rho)
{
	TestResult result = {.chi2 = NAN, .groups = groups};
	double *covariance = palloc0(mul_size(sizeof(double), mul_size(groups, groups)));
	double *at_risk = palloc(sizeof(double) * Max(groups, 1));
	double *x = palloc(sizeof(double) * Max(groups, 1));
	double *v;
	int *used = palloc(sizeof(int) * Max(groups, 1));
	int size = 0;

	result.customers = palloc0(sizeof(double) * Max(groups, 1));
	result.observed = palloc0(sizeof(double) * Max(groups, 1));
	result.expected = palloc0(sizeof(double) * Max(groups, 1));

	for (int first = 0, last; first < rows; first = last)
	{
		double survival = 1;
		double peto = 1;

		for (int g = 0; g < groups; g++)
			at_risk[g] = 0;
		for (last = first; last < rows && row[last].stratum == row[first].stratum; last++)
		{
			double left = row[last].count[TIME_CHURNED] + row[last].count[TIME_CENSORED];

			CHECK_NOW_AND_THEN(last);
			at_risk[row[last].group] += left - row[last].count[TIME_ENTERED];
			result.customers[row[last].group] += left;
		}

		for (int at = first, next; at < last; at = next)
		{
			double n = 0;
			double d = 0;

			CHECK_FOR_INTERRUPTS();
			for (next = at; next < last && row[next].time == row[at].time; next++)
				d += row[next].count[TIME_CHURNED];
			if (d > 0)
			{
				double weight;
				double spread;

				for (int g = 0; g < groups; g++)
					n += at_risk[g];
				peto *= 1 - d / (n + 1);
				weight = weight_of_time(weighting, n, peto, survival, rho);
				survival *= (n - d) / n;

				spread = n > 1 ? weight * weight * d * (n - d) / (n - 1) : 0;
				for (int i = at; i < next; i++)
					result.observed[row[i].group] += weight * row[i].count[TIME_CHURNED];
				for (int g = 0; g < groups; g++)
				{
					double share = at_risk[g] / n;

					if (share == 0)
						continue;
					result.expected[g] += weight * d * share;
					covariance[g * groups + g] += spread * share;
					for (int h = 0; h <= g; h++)
						covariance[g * groups + h] -= spread * share * (at_risk[h] / n);
				}
			}
			for (int i = at; i < next; i++)
				at_risk[row[i].group] += row[i].count[TIME_ENTERED] - row[i].count[TIME_CHURNED] -
										 row[i].count[TIME_CENSORED];
		}
	}

	/* A group in which no departures are expected tells nothing; of the others one follows from the rest. */
	for (int g = 0; g < groups; g++)
		if (result.expected[g] > 0)
			used[size++] = g;
	if (size < 2)
		return result;
	size--;
	v = palloc(mul_size(sizeof(double), mul_size(size, size)));
	for (int i = 0; i < size; i++)
	{
		x[i] = result.observed[used[i + 1]] - result.expected[used[i + 1]];
		for (int j = 0; j <= i; j++)
			v[i * size + j] = covariance[used[i + 1] * groups + used[j + 1]];
	}
	result.chi2 = quadratic_form(v, x, size, &result.df);
	if (result.df == 0)
		result.chi2 = NAN;
	return result;
}
