/*
 * logrank.h
 *		Do groups leave at the same pace? Rank tests of survival curves.
 */
#ifndef RETENTION_LOGRANK_H
#define RETENTION_LOGRANK_H

#include "survival/times.h"

/* Groups of one test. */
#define MAX_GROUPS 1000

/* Customers of one group at one time, in the order (stratum, time, group). */
typedef struct TestRow
{
	int stratum;
	int group;
	double time;
	double count[TIME_WHATS];
} TestRow;

typedef struct TestResult
{
	double chi2; /* NaN where nothing can be compared */
	int df;
	int groups;
	double *customers; /* by group */
	double *observed;  /* weighted departures */
	double *expected;
} TestResult;

/* "logrank" to "fleming-harrington(0.5)"; 22023 on anything else. */
extern TestWeighting test_weighting(const char *name, double *rho);

/* The rows of a sorted table, and the names of its groups in order. */
extern TestRow *test_rows(const TimeTable *table, int *rows, Tag **groups, int *ngroups);

/* The rows of plain states, a group each; a NULL state has no customers. */
extern TestRow *test_rows_of_states(const TimeTable **states, int nstates, int *rows);

extern TestResult
test_groups(const TestRow *row, int rows, int groups, TestWeighting weighting, double rho);

#endif /* RETENTION_LOGRANK_H */
