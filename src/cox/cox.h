/*
 * cox.h
 *		Churn drivers by regression: by which factor each covariate changes the rate, or the odds, of leaving.
 *
 * The way of a row of cox_fit() (cox_sql.c): the transition function checks it and appends it to the state, all rows as
 * they came (cox_rows.c). Partial states are appended to each other. The final function sorts the rows, so that equal
 * rows give equal bits (cox_data.c), maximises the likelihood (cox.c, by newton.c), and computes from the maximum what
 * the model has to keep for its questions (cox_after.c): robust errors, the test of proportional hazards, and the
 * baseline of predictions. Only the fitted model is the value that is stored (cox_model.c); cox_table(), cox_summary(),
 * cox_zph() and cox_predict() (cox_model_sql.c) read it.
 *
 * logit_fit() (logit_sql.c) gathers the same rows and fits a logistic regression to them (logit.c).
 */
#ifndef RETENTION_COX_H
#define RETENTION_COX_H

#include "base/wire.h"

#define MAX_COVARIATES 100
#define MAX_STRATA 1000
/* Bytes of the name of a stratum. */
#define MAX_STRATUM_BYTES 1000
/* Times at which a model keeps its baseline, in all strata together. */
#define MAX_BASELINE 4096

typedef enum CoxTies
{
	COX_EFRON = 0,
	COX_BRESLOW = 1,
} CoxTies;

/*
 * The rows of the running aggregate, in any order: one flat varlena that grows by doubling. A row is the duration (its
 * sign bit set if the customer left), the covariates, and the columns that its state has, in this order. A NULL entry
 * is -1, from the start. A stratum is its number in this state, whose names follow the rows. A cluster is a hash in two
 * whole numbers; -1 is a cluster of its own.
 */
#define COX_ENTRY 1
#define COX_STRATUM 2
#define COX_WEIGHT 4
#define COX_CLUSTER 8
#define COX_LOGIT 16 /* no column: the rows of logit_fit(), whose durations are 0 */
#define COX_COLUMNS 31

#define COX_ROWS_VERSION 1

typedef struct CoxRows
{
	FlatHeader header;
	int32 covariates;
	int32 ties;
	int32 columns;
	int32 strata;
	int32 stratum_capacity;
	int32 tag_bytes;
	int32 tag_capacity;
	int32 zero;
	int64 rows;
	int64 capacity;
	int64 unknown;
	int64 never_at_risk;
} CoxRows;

typedef struct CoxStratumName
{
	uint64 hash;
	int32 offset; /* in the tags */
	int32 length; /* -1: NULL */
} CoxStratumName;

static inline int
cox_stride_of(int covariates, int columns)
{
	return 1 + covariates + ((columns & COX_ENTRY) != 0) + ((columns & COX_STRATUM) != 0) +
		   ((columns & COX_WEIGHT) != 0) + 2 * ((columns & COX_CLUSTER) != 0);
}

static inline int
cox_stride(const CoxRows *state)
{
	return cox_stride_of(state->covariates, state->columns);
}

/* The place of a column in a row: after the covariates and the columns before it. */
static inline int
cox_column(const CoxRows *state, int column)
{
	return cox_stride_of(state->covariates, state->columns & (column - 1));
}

static inline double *
cox_row(const CoxRows *state, int64 number)
{
	return (double *) (state + 1) + number * cox_stride(state);
}

static inline CoxStratumName *
cox_stratum(const CoxRows *state, int number)
{
	return (CoxStratumName *) cox_row(state, state->capacity) + number;
}

static inline Tag
cox_stratum_name(const CoxRows *state, int number)
{
	const CoxStratumName *name = cox_stratum(state, number);

	return (Tag){(const char *) cox_stratum(state, state->stratum_capacity) + name->offset,
				 name->length};
}

/* A row as it comes in. */
typedef struct CoxRow
{
	double duration;
	bool churned;
	double entry;			  /* -1: none */
	const double *covariates; /* as many as the state has */
	Tag stratum;
	double weight;
	Tag cluster;
} CoxRow;

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
	double mean;
	double scale; /* the standard deviation; 0: constant */
	double zph;	  /* chi-squared of its change with time; NaN: not known */
	int64 flag;
} CoxTerm;

/* A stratum of a model. Its points follow those of the stratum before. */
typedef struct CoxStratum
{
	double followed; /* the last time at which a customer was at risk */
	int32 points;
	int32 offset; /* of its name, in the tags */
	int32 length; /* -1: NULL */
	int32 zero;
} CoxStratum;

/*
 * A fitted model. Covariates are centred and scaled in the variance and the baseline. After the terms come the lower
 * triangle of the variance of the coefficients, the points of the baseline, the strata in the order of their names, and
 * the bytes of these.
 */
typedef struct CoxFit
{
	FlatHeader header;
	int32 covariates;
	int32 ties;
	int32 iterations;
	int32 converged;
	int32 df;
	int32 robust;	  /* standard errors are */
	int32 stratified; /* rows had a stratum */
	int32 strata;	  /* 0: there were no rows */
	int32 points;
	int32 tag_bytes;
	int32 baseline; /* it is known */
	int32 zero;
	int64 customers;
	int64 churned;
	int64 unknown;
	int64 never_at_risk;
	int64 clusters; /* 0: none were given */
	int64 moments;	/* times at which somebody left, in all strata */
	double loglik_null;
	double loglik;
	double score;
	double wald;		/* NaN: a coefficient is infinite */
	double concordance; /* NaN: no pairs of customers to compare */
	double zph;			/* NaN: not known */
	CoxTerm term[FLEXIBLE_ARRAY_MEMBER];
} CoxFit;

#define COX_VARIANCES(covariates) ((covariates) * ((covariates) + 1) / 2)

static inline double *
cox_variance(const CoxFit *fit)
{
	return (double *) &fit->term[fit->covariates];
}

static inline double
cox_covariance(const CoxFit *fit, int i, int j)
{
	return cox_variance(fit)[COX_VARIANCES(Max(i, j)) + Min(i, j)];
}

/*
 * A point of a baseline: its time, the cumulative hazard of somebody with average covariates, the part of its variance
 * that does not come from the coefficients, and by covariate the integral of the average of those at risk.
 */
#define COX_POINT_TIME 0
#define COX_POINT_HAZARD 1
#define COX_POINT_VARIANCE 2
#define COX_POINT_MEANS 3
#define COX_POINT_SIZE(covariates) (COX_POINT_MEANS + (covariates))

static inline double *
cox_point(const CoxFit *fit, int number)
{
	return cox_variance(fit) + COX_VARIANCES(fit->covariates) +
		   (Size) COX_POINT_SIZE(fit->covariates) * (Size) number;
}

static inline CoxStratum *
cox_fit_stratum(const CoxFit *fit, int number)
{
	return (CoxStratum *) cox_point(fit, fit->points) + number;
}

static inline Tag
cox_fit_stratum_name(const CoxFit *fit, int number)
{
	const CoxStratum *stratum = cox_fit_stratum(fit, number);

	return (Tag){(const char *) cox_fit_stratum(fit, fit->strata) + stratum->offset,
				 stratum->length};
}

/* ---- Rows (cox_rows.c) ---- */

/* columns: those that every row has; entries come when the first row has one. */
extern CoxRows *cox_rows_new(int covariates, CoxTies ties, int columns);
/* May leave a larger state in *state; the old one is not freed (see times.h). */
extern void cox_rows_add(CoxRows **state, const CoxRow *row);
/* 22023 unless the state has so many covariates, these ties and these columns. */
extern void cox_rows_require(const CoxRows *state, int covariates, CoxTies ties, int columns);
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

/* ---- The model as a value (cox_model.c) ---- */

/* A model of these sizes, all of it 0. */
extern CoxFit *cox_fit_alloc(int covariates, int points, int strata, int tag_bytes);
extern const CoxFit *cox_open(Datum value);
extern void *cox_read(const char *bytes, Size size, WireKind kind);
extern void cox_write(Datum value, StringInfo out, WireKind kind);

/* NaN: not known. */
typedef struct CoxPrediction
{
	double survival;
	double std_error;
} CoxPrediction;

/* The probability that a customer who is there at `given` stays longer than `time`. */
extern CoxPrediction
cox_prediction(const CoxFit *fit, const double *covariates, Tag stratum, double time, double given);

#endif /* RETENTION_COX_H */
