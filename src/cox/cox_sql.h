/*
 * cox_sql.h
 *		What the SQL functions of regressions share.
 */
#ifndef RETENTION_COX_SQL_H
#define RETENTION_COX_SQL_H

#include "base/type_sql.h"
#include "cox/cox.h"

/* The covariates in an argument, a one-dimensional array of finite numbers (else 22023); NULL if one of them is. */
extern const double *covariates_argument(FunctionCallInfo fcinfo, int number, int *count);
/* The same, or of a single number, which is put into *one. */
extern const double *
row_covariates(FunctionCallInfo fcinfo, int number, bool single, double *one, int *count);

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

/*
 * Columns 1 to 7 of a table of coefficients: coefficient, its power of e, std_error, the limits of that power, z and
 * p_value. knows_error: whether the error of a coefficient that is fine is known.
 */
extern void put_coefficient(Datum *values, bool *nulls, double coefficient, double std_error,
							int64 flag, bool knows_error, double reach);
/* What is wrong with a coefficient (CoxFlag); NULL: nothing. */
extern const char *term_note(int64 flag);

/*
 * Nine columns of a summary: both log-likelihoods, df, and chi-squared and p_value of the likelihood ratio, Wald's and
 * the score test.
 */
extern void put_tests(Datum *values, bool *nulls, int column, double loglik_null, double loglik,
					  int df, double wald, double score);
#endif /* RETENTION_COX_SQL_H */
