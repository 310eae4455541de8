/*
 * model.h
 *		Fitted models of purchases, spend and renewals: type retention_model.
 *
 * A model is a composite value: its name, its parameters and how well they are known. It is small, can be read by
 * anybody, and can be written by hand (retention_model()). Because anybody can write one, all of it is checked when it
 * is used. What the models say is computed in math (purchase.h, spend.h, renewal.h); this module turns SQL's values
 * into numbers and back.
 *
 *	 model, model_sql			models as values, and their parameters
 *	 predict_sql				what a model expects of a customer
 *	 fit_sql					fits to a retention_value
 *	 renewals, renewals_sql		the state of fit_renewal_model() and its fit
 */
#ifndef RETENTION_MODEL_H
#define RETENTION_MODEL_H

#include "base/counted.h"
#include "fmgr.h"
#include "math/purchase.h"
#include "math/renewal.h"
#include "math/spend.h"

/* The first are those of PurchaseModel. */
typedef enum ModelKind
{
	MODEL_GAMMA_GAMMA = PURCHASE_MODELS,
	MODEL_SBG,
	MODELS,
} ModelKind;

typedef struct ModelShape
{
	const char *name;
	int parameters;
	const char *parameter[FIT_PARAMETERS];
} ModelShape;

extern const ModelShape model_shapes[MODELS];
extern const char *const model_names[MODELS];

typedef struct Model
{
	int kind; /* ModelKind */
	bool is_known;
	double parameters[FIT_PARAMETERS]; /* if known: finite, > 0 */
	bool has_covariance;
	double covariance[FIT_PARAMETERS * FIT_PARAMETERS]; /* of the logarithms */
	double unit_days;		   /* the unit of time in days; NaN: not known */
	PurchaseProcess purchases; /* if known and a model of purchases */
} Model;

/* How a fit ended, for people; NULL: well. */
extern const char *model_fit_note(int kind, FitEnd end, const FitResult *result);

/* Whether the query that runs is to end; for fits, which raise nothing while NLopt runs. */
extern bool model_stop(void);

/* fit_purchases(), fit_spend() or fit_renewals(); raises what was asked for meanwhile. */
typedef FitEnd (*ModelFit)(const void *data, FitResult *result, bool (*stop)(void));
extern FitEnd model_fit(ModelFit fit, const void *data, FitResult *result);

/* ---- renewals.c: the state of fit_renewal_model() ---- */

/* Cohorts, and pairs of a cohort and a renewal. */
#define MAX_RENEWAL_COHORTS 10000
#define MAX_RENEWAL_ROWS 1000000
#define MAX_RENEWAL_TAG_BYTES (16 * 1024 * 1024)

#define RENEWALS_VERSION 1
#define RENEWALS_TYPE "retention_renewals"

/* Its items are cohorts, whose tags are their names; of length -1: NULL. */
typedef struct Renewals
{
	Counted base;
} Renewals;

typedef struct RenewalSlot
{
	CountedSlot base;
	int64 renewal;
	int64 alive;
} RenewalSlot;

extern Renewals *renewals_new(void);
extern void renewals_add(Renewals **state, Tag cohort, int64 renewal, int64 alive);
extern const Renewals *renewals_open(Datum value);
extern void *renewals_read(const char *bytes, Size size, WireKind kind);
extern void renewals_write(Datum value, StringInfo out, WireKind kind);
extern void *renewals_copy(Datum value, WireKind kind);
extern void *renewals_merge(void *state, Datum value, WireKind kind);

/*
 * The terms of the likelihood, palloc'ed. NULL if a cohort grows: then *note says which. *customers: of all cohorts,
 * when they were first counted.
 */
extern RenewalTerm *
renewal_terms(const Renewals *state, int *count, int64 *customers, const char **note);

#endif /* RETENTION_MODEL_H */
