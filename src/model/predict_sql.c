/*
 * predict_sql.c
 *		What a model expects of a customer, as SQL calls it.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "model/model_sql.h"

/* No number that is asked for lies beyond; products of a few of them are finite. */
#define GREATEST 1e15

static double
checked(double value, const char *what, double least, double most)
{
	if (!(value >= least && value <= most))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be from %g to %g, not %g", what, least, most, value)));
	return value + 0.0;
}

static double
whole(double value, const char *what, double most)
{
	if (checked(value, what, 0, most) != floor(value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a whole number, not %g", what, value)));
	return value + 0.0;
}

static bool
counts_opportunities(const Model *model)
{
	return model->kind == MODEL_BG_BB;
}

/* A time from 0 on. */
static double
time_checked(const Model *model, double value, const char *what)
{
	if (counts_opportunities(model))
		return whole(value, what, MAX_OPPORTUNITIES);
	return checked(value, what, 0, GREATEST);
}

History
history_checked(const Model *model, double frequency, double recency, double age)
{
	History history = {whole(frequency, "frequency", GREATEST),
					   time_checked(model, recency, "recency"), time_checked(model, age, "age")};

	if (history.t_x > history.T)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("recency %g is greater than age %g", recency, age),
						errdetail("Recency is the time from the first purchase to the last one, "
								  "age the time from the first purchase to now.")));
	if (history.x == 0 && history.t_x > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("recency must be 0 where frequency is 0, not %g", recency),
						errdetail("Frequency is the number of purchases after the first.")));
	if (counts_opportunities(model) && history.x > history.t_x)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("frequency %g is greater than recency %g", frequency, recency),
						errdetail("With BG/BB times are whole periods, with one purchase in each "
								  "at most.")));
	return history;
}

double
horizon_checked(const Model *model, double age, double horizon)
{
	(void) time_checked(model, horizon, "horizon");
	if (counts_opportunities(model))
		(void) time_checked(model, age + horizon, "age and horizon together");
	return horizon + 0.0;
}

/* NaN, which only numbers at the ends of their ranges give, is not known. */
static Datum
number(FunctionCallInfo fcinfo, double value)
{
	if (isnan(value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/* Arguments 1 to 3: frequency, recency, age. */
static History
history_argument(FunctionCallInfo fcinfo, const Model *model, int first)
{
	return history_checked(model, PG_GETARG_FLOAT8(first), PG_GETARG_FLOAT8(first + 1),
						   PG_GETARG_FLOAT8(first + 2));
}

/* (model, frequency, recency, age) */
RETENTION_FUNCTION(p_alive);
Datum
p_alive(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_PURCHASES);
	History history = history_argument(fcinfo, model, 1);

	if (!model->is_known)
		PG_RETURN_NULL();
	return number(fcinfo, history_alive(&model->purchases, history));
}

/* (model, frequency, recency, age, horizon) */
RETENTION_FUNCTION(expected_purchases);
Datum
expected_purchases(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_PURCHASES);
	History history = history_argument(fcinfo, model, 1);
	double horizon = horizon_checked(model, history.T, PG_GETARG_FLOAT8(4));

	if (!model->is_known)
		PG_RETURN_NULL();
	return number(fcinfo, history_purchases(&model->purchases, history, horizon));
}

/* (model, t) */
RETENTION_FUNCTION(expected_purchases_new);
Datum
expected_purchases_new(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_PURCHASES);
	double t = time_checked(model, PG_GETARG_FLOAT8(1), "t");

	if (!model->is_known)
		PG_RETURN_NULL();
	return number(fcinfo, new_purchases(&model->purchases, t));
}

/* (model, n, t) */
RETENTION_FUNCTION(purchase_probability);
Datum
purchase_probability(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_PURCHASES);
	double n = whole(PG_GETARG_FLOAT8(1), "n", GREATEST);
	double t = time_checked(model, PG_GETARG_FLOAT8(2), "t");

	if (!model->is_known)
		PG_RETURN_NULL();
	return number(fcinfo, new_purchase_probability(&model->purchases, n, t));
}

/* (model, frequency, recency, age, horizon) */
RETENTION_FUNCTION(p_no_purchase);
Datum
p_no_purchase(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_PURCHASES);
	History history = history_argument(fcinfo, model, 1);
	double horizon = horizon_checked(model, history.T, PG_GETARG_FLOAT8(4));

	if (!model->is_known)
		PG_RETURN_NULL();
	return number(fcinfo, history_silent(&model->purchases, history, horizon));
}

/* Refunds may be worth more than the purchases: such a mean counts as nothing spent. */
static double
spend_of(const Model *model, double frequency, double mean)
{
	return spend_expected(model->parameters, whole(frequency, "frequency", GREATEST),
						  fmax(checked(mean, "mean", -GREATEST, GREATEST), 0));
}

/* (spend, frequency, mean) */
RETENTION_FUNCTION(expected_spend);
Datum
expected_spend(PG_FUNCTION_ARGS)
{
	Model *spend = model_argument(fcinfo, 0, USE_SPEND);

	if (!spend->is_known)
		PG_RETURN_NULL();
	return number(fcinfo, spend_of(spend, PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)));
}

/*
 * (model, spend, frequency, recency, age, mean, horizon, discount, margin, step): the purchases of each step are paid
 * at its end; a last, shorter step ends at the horizon.
 */
RETENTION_FUNCTION(lifetime_value);
Datum
lifetime_value(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_PURCHASES);
	Model *spend = model_argument(fcinfo, 1, USE_SPEND);
	History history = history_argument(fcinfo, model, 2);
	double horizon = horizon_checked(model, history.T, PG_GETARG_FLOAT8(6));
	double discount = checked(PG_GETARG_FLOAT8(7), "discount", 0, GREATEST);
	double margin = checked(PG_GETARG_FLOAT8(8), "margin", -GREATEST, GREATEST);
	double step = checked(PG_GETARG_FLOAT8(9), "step", 0, GREATEST);
	double each;
	double before = 0;
	double sum = 0;
	double steps;

	if (counts_opportunities(model))
		(void) whole(step, "step", MAX_OPPORTUNITIES);
	if (step == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("step must not be 0")));
	steps = ceil(horizon / step);
	if (discount > 0 && steps > MAX_PERIODS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a lifetime value has at most %d steps, not %.0f", MAX_PERIODS, steps)));
	if (!model->is_known || !spend->is_known)
		PG_RETURN_NULL();
	each = margin * spend_of(spend, history.x, PG_GETARG_FLOAT8(5));
	if (discount == 0)
		return number(fcinfo, each * history_purchases(&model->purchases, history, horizon));
	for (double k = 1; k <= steps; k++)
	{
		double end = fmin(k * step, horizon);
		double until = history_purchases(&model->purchases, history, end);

		CHECK_FOR_INTERRUPTS();
		sum += (until - before) * exp(-log1p(discount) * (end / step));
		before = until;
	}
	return number(fcinfo, each * sum);
}

/* (model, t, given) */
RETENTION_FUNCTION(renewal_survival);
Datum
renewal_survival(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_RENEWALS);
	double t = checked(PG_GETARG_FLOAT8(1), "t", 0, GREATEST);
	double given = checked(PG_GETARG_FLOAT8(2), "given", 0, GREATEST);

	if (t < given)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("t %g is less than given %g", t, given),
						errdetail("Both are counted from the start.")));
	if (!model->is_known)
		PG_RETURN_NULL();
	return number(fcinfo,
				  exp(log_renewals(model->parameters, t) - log_renewals(model->parameters, given)));
}

/* (model, t): Fader and Hardie 2007, equation 7. */
RETENTION_FUNCTION(renewal_rate);
Datum
renewal_rate(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_RENEWALS);
	double before = checked(PG_GETARG_FLOAT8(1), "t", 1, GREATEST) - 1;

	if (!model->is_known)
		PG_RETURN_NULL();
	return number(fcinfo, (model->parameters[1] + before) /
							  (model->parameters[0] + model->parameters[1] + before));
}

/* (model, renewals, discount) */
RETENTION_FUNCTION(residual_lifetime);
Datum
residual_lifetime(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_RENEWALS);
	double renewals = checked(PG_GETARG_FLOAT8(1), "renewals", 0, GREATEST);
	double discount = checked(PG_GETARG_FLOAT8(2), "discount", 0, GREATEST);

	if (!model->is_known)
		PG_RETURN_NULL();
	return number(fcinfo, residual_renewals(model->parameters, renewals, discount));
}
