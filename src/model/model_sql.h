/*
 * model_sql.h
 *		Models as arguments and results of SQL functions.
 */
#ifndef RETENTION_MODEL_SQL_H
#define RETENTION_MODEL_SQL_H

#include "base/emit.h"
#include "model/model.h"

/* The attributes of retention_model. */
enum
{
	MODEL_NAME,
	MODEL_PARAMETERS,
	MODEL_COVARIANCE,
	MODEL_CUSTOMERS,
	MODEL_LOG_LIKELIHOOD,
	MODEL_CONVERGED,
	MODEL_ITERATIONS,
	MODEL_NOTE,
	MODEL_UNIT_DAYS,
	MODEL_COLUMNS
};

typedef enum ModelUse
{
	USE_ANY,
	USE_PURCHASES,
	USE_SPEND,
	USE_RENEWALS,
} ModelUse;

/*
 * Argument `number`, which is not NULL, checked: 22023 if it cannot be a model or is none of this use. It is kept in
 * fn_extra and looked up there for the next row. Arguments 0 and 1 may be models.
 */
extern Model *model_argument(FunctionCallInfo fcinfo, int number, ModelUse use);

/* The result of a fit. unit_days NaN: not known; note NULL: that of the end. */
extern Datum model_result(FunctionCallInfo fcinfo, int kind, FitEnd end, const FitResult *result,
						  int64 customers, double unit_days, const char *note);

/* The result of a fit that was not tried. */
extern Datum
model_unfit(FunctionCallInfo fcinfo, int kind, int64 customers, double unit_days, const char *note);

/* Checked figures of a customer; a purchase model of opportunities takes whole numbers only. */
extern History history_checked(const Model *model, double frequency, double recency, double age);
extern double horizon_checked(const Model *model, double age, double horizon);

#endif /* RETENTION_MODEL_SQL_H */
