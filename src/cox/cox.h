/*
 * cox.h
 *		Churn drivers by proportional hazards regression: which covariates go with leaving, and by how much.
 *
 * The module answers by which factor a covariate changes the rate at which customers leave. The way of a row: the
 * transition function of cox_fit() (cox_sql.c) checks it and appends it to the state, all rows as they came
 * (cox_rows.c). Partial states are appended to each other. The final function sorts the rows, so that equal rows give
 * equal bits, and fits the model by Newton's method (cox.c). Only the fitted model, a few numbers for each covariate,
 * is the value that is stored; cox_table() and cox_summary() (cox_sql.c) show it.
 */
#ifndef RETENTION_COX_H
#define RETENTION_COX_H

#include "base/wire.h"

#define MAX_COVARIATES 100

typedef enum CoxTies
{
	COX_EFRON = 0,
	COX_BRESLOW = 1,
} CoxTies;

/*
 * The rows of the running aggregate, in any order: one flat varlena that grows by doubling. A row is the duration (its
 * sign bit set if the customer left), the covariates, and the entry if any row has one (-1: from the start).
 */
#define COX_ROWS_VERSION 1

typedef struct CoxRows
{
	FlatHeader header;
	int32 covariates;
	int32 ties;
	int32 entries; /* 1: rows end with their entry */
	int32 zero;
	int64 rows;
	int64 capacity;
	int64 unknown;
	int64 never_at_risk;
} CoxRows;

static inline int
cox_stride(const CoxRows *state)
{
	return 1 + state->covariates + state->entries;
}

static inline double *
cox_row(const CoxRows *state, int64 number)
{
	return (double *) (state + 1) + number * cox_stride(state);
}

typedef enum CoxFlag
{
	COX_FINE = 0,
	COX_COLLINEAR =
		1, /* follows from the covariates before it, or never varies among those at risk */
	COX_INFINITE = 2, /* the likelihood rises without end with it */
} CoxFlag;

typedef struct CoxTerm
{
	double coefficient; /* 0 where collinear; +-infinity where infinite */
	double std_error;	/* 0 unless fine */
	int64 flag;
} CoxTerm;

/* A fitted model. */
typedef struct CoxFit
{
	FlatHeader header;
	int32 covariates;
	int32 ties;
	int32 iterations;
	int32 converged;
	int32 df;
	int32 zero;
	int64 customers;
	int64 churned;
	int64 unknown;
	int64 never_at_risk;
	double loglik_null;
	double loglik;
	double score;
	double wald;		/* NaN: a coefficient is infinite */
	double concordance; /* NaN: no pairs of customers to compare */
	CoxTerm term[FLEXIBLE_ARRAY_MEMBER];
} CoxFit;

/* ---- Rows (cox_rows.c) ---- */

extern CoxRows *cox_rows_new(int covariates, CoxTies ties);
/* May leave a larger state in *state; the old one is not freed (see times.h). entry -1: none. */
extern void cox_rows_add(CoxRows **state, double duration, bool churned, double entry,
						 const double *covariates);
/* 22023 unless the state has so many covariates and these ties. */
extern void cox_rows_require(const CoxRows *state, int covariates, CoxTies ties);
/* Whether the sizes written in a state, its marks known, are those of its memory. */
extern bool cox_rows_have_shape(const void *value);
extern const CoxRows *cox_rows_open(Datum value);
/* Fields of a StoredType (base/type_sql.h). */
extern void *cox_rows_read(const char *bytes, Size size, WireKind kind);
extern void cox_rows_write(Datum value, StringInfo out, WireKind kind);
extern void *cox_rows_copy(Datum value, WireKind kind);
extern void *cox_rows_merge(void *state, Datum value, WireKind kind);

/* ---- Fit (cox.c) ---- */

extern CoxFit *cox_fit_rows(const CoxRows *state);
extern const CoxFit *cox_open(Datum value);
extern void *cox_read(const char *bytes, Size size, WireKind kind);
extern void cox_write(Datum value, StringInfo out, WireKind kind);

#endif /* RETENTION_COX_H */
