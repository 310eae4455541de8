/*
 * cox_sql.h
 *		What the SQL functions of regressions share.
 */
#ifndef RETENTION_COX_SQL_H
#define RETENTION_COX_SQL_H

#include "base/type_sql.h"
#include "cox/cox.h"

/* A covariate must be finite: 22023. */
extern void check_covariate(double value, int number);
/* The covariates in an argument, a one-dimensional array; NULL if one of them is. */
extern const double *covariates_argument(FunctionCallInfo fcinfo, int number, int *count);

/* The rows that a transition function adds to, and those of a final function: NULL if there are none. */
extern CoxRows *cox_rows_state(FunctionCallInfo fcinfo);
extern const CoxRows *cox_rows_final(FunctionCallInfo fcinfo, bool logit);

/* The names of covariates in an argument, NULL where they have none. */
typedef struct CovariateNames
{
	Datum *name; /* NULL: no names at all */
	bool *unnamed;
} CovariateNames;

/* 22023 if there are not as many names as covariates. */
extern CovariateNames names_argument(FunctionCallInfo fcinfo, int number, int covariates);
/* The name of a covariate, or its number from 1. */
extern Datum covariate_name(const CovariateNames *names, int number);

/* What is wrong with a coefficient (CoxFlag); NULL: nothing. */
extern const char *term_note(int64 flag);

/* The upper tail of chi-squared; NaN without degrees of freedom. */
extern double test_p_value(double chi2, int df);

#endif /* RETENTION_COX_SQL_H */
