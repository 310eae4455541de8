/*
 * logit.h
 *		Churn drivers by logistic regression: by which factor a covariate changes the odds of leaving.
 *
 * A row is one of cox_rows.c, with the columns COX_LOGIT.
 */
#ifndef RETENTION_LOGIT_H
#define RETENTION_LOGIT_H

#include "cox/cox.h"

typedef struct LogitTerm
{
	double coefficient; /* 0 where collinear; +-infinity where infinite */
	double std_error;	/* 0 unless fine */
	int64 flag;			/* CoxFlag */
} LogitTerm;

/* A fitted model. Its first term is the intercept; without customers who left, or who stayed, it is infinite. */
typedef struct LogitFit
{
	FlatHeader header;
	int32 covariates;
	int32 iterations;
	int32 converged;
	int32 df;
	int64 customers;
	int64 churned;
	int64 unknown;
	double loglik_null;
	double loglik;
	double score;
	double wald;		/* NaN: a coefficient is infinite */
	double concordance; /* NaN: nobody left, or stayed */
	LogitTerm term[FLEXIBLE_ARRAY_MEMBER];
} LogitFit;

extern LogitFit *logit_fit_rows(const CoxRows *rows);

/* Fields of a StoredType (base/type_sql.h). */
extern const LogitFit *logit_open(Datum value);
extern void *logit_read(const char *bytes, Size size, WireKind kind);
extern void logit_write(Datum value, StringInfo out, WireKind kind);

#endif /* RETENTION_LOGIT_H */
