/*
 * predict_sql.c
 *		What a model expects of a customer, as SQL calls it.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "model/model_sql.h"
#include "utils/timestamp.h"
#include "value/purchases.h"
#include "value/value.h"

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

/* The customer that a function is asked about. */
typedef struct Asked
{
	bool is_known; /* else the answer is NULL */
	History history;
	double mean; /* of their repeat purchases */
	int next;	 /* the argument after the customer */
} Asked;

/* Three numbers from argument `first` on. */
static Asked
asked_by_figures(FunctionCallInfo fcinfo, const Model *model, int first)
{
	return (Asked){
		.is_known = model->is_known,
		.history = history_checked(model, PG_GETARG_FLOAT8(first), PG_GETARG_FLOAT8(first + 1),
								   PG_GETARG_FLOAT8(first + 2)),
		.next = first + 3,
	};
}

/* The mean amount of a repeat purchase; 0 without one. */
static double
mean_of(const PurchaseFigures *figures)
{
	double repeats = (double) figures->times - 1;

	return repeats > 0 ? (double) figures->again / 1e6 / repeats : 0;
}

/* Purchases in argument `first`; the last argument of the function is as_of. An argument that is NULL gives NULL. */
static Asked
asked_by_purchases(FunctionCallInfo fcinfo, const Model *model, int first)
{
	Asked asked = {.next = first + 1};
	int last = PG_NARGS() - 1;
	PurchasesView view;
	PurchaseFigures figures;
	bool whole = counts_opportunities(model);

	for (int i = first; i < last; i++)
		if (PG_ARGISNULL(i))
			return asked;
	view = purchases_view(PG_GETARG_DATUM(first));
	if (!isnan(model->unit_days) && !whole && model->unit_days != value_unit_days(view.grid))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the model and the purchases have different units of time"),
				 errdetail("The unit of the model is %g days, that of the purchases %g days.",
						   model->unit_days, value_unit_days(view.grid)),
				 errhint("Fit the model on the grid of the purchases.")));
	figures = purchases_figures(&view, !PG_ARGISNULL(last),
								PG_ARGISNULL(last) ? 0 : PG_GETARG_TIMESTAMP(last), whole);
	if (figures.days == 0 || isnan(figures.age) || !model->is_known)
		return asked;
	asked.is_known = true;
	asked.history =
		history_checked(model, (double) figures.times - 1, figures.recency, figures.age);
	asked.mean = mean_of(&figures);
	return asked;
}

#define ANY_NULL(fcinfo) (PG_ARGISNULL(0) || PG_ARGISNULL(1))

static Datum
answer_alive(FunctionCallInfo fcinfo, Model *model, Asked asked)
{
	if (!asked.is_known)
		PG_RETURN_NULL();
	return number(fcinfo, history_alive(&model->purchases, asked.history));
}

/* (model, frequency, recency, age) */
RETENTION_FUNCTION(p_alive);
Datum
p_alive(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_PURCHASES);

	return answer_alive(fcinfo, model, asked_by_figures(fcinfo, model, 1));
}

/* (model, purchases, as_of) */
RETENTION_FUNCTION(p_alive_purchases);
Datum
p_alive_purchases(PG_FUNCTION_ARGS)
{
	Model *model;

	if (ANY_NULL(fcinfo))
		PG_RETURN_NULL();
	model = model_argument(fcinfo, 0, USE_PURCHASES);
	return answer_alive(fcinfo, model, asked_by_purchases(fcinfo, model, 1));
}

/* With a horizon after the customer; silent: the probability of no purchase, else the expected number of them. */
static Datum
answer_ahead(FunctionCallInfo fcinfo, Model *model, Asked asked, bool silent)
{
	double horizon;

	if (!asked.is_known)
		PG_RETURN_NULL();
	horizon = horizon_checked(model, asked.history.T, PG_GETARG_FLOAT8(asked.next));
	return number(fcinfo, silent ? history_silent(&model->purchases, asked.history, horizon)
								 : history_purchases(&model->purchases, asked.history, horizon));
}

static Datum
ahead_of_figures(FunctionCallInfo fcinfo, bool silent)
{
	Model *model = model_argument(fcinfo, 0, USE_PURCHASES);

	return answer_ahead(fcinfo, model, asked_by_figures(fcinfo, model, 1), silent);
}

static Datum
ahead_of_purchases(FunctionCallInfo fcinfo, bool silent)
{
	Model *model;

	if (ANY_NULL(fcinfo))
		PG_RETURN_NULL();
	model = model_argument(fcinfo, 0, USE_PURCHASES);
	return answer_ahead(fcinfo, model, asked_by_purchases(fcinfo, model, 1), silent);
}

/* (model, frequency, recency, age, horizon), (model, purchases, horizon, as_of) */
RETENTION_FORWARD(expected_purchases, ahead_of_figures(fcinfo, false))
RETENTION_FORWARD(expected_purchases_purchases, ahead_of_purchases(fcinfo, false))
RETENTION_FORWARD(p_no_purchase, ahead_of_figures(fcinfo, true))
RETENTION_FORWARD(p_no_purchase_purchases, ahead_of_purchases(fcinfo, true))

/* (model, frequency, recency, age, after, until) */
RETENTION_FUNCTION(p_purchase_between);
Datum
p_purchase_between(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_PURCHASES);
	Asked asked = asked_by_figures(fcinfo, model, 1);
	double after = horizon_checked(model, asked.history.T, PG_GETARG_FLOAT8(4));
	double until = horizon_checked(model, asked.history.T, PG_GETARG_FLOAT8(5));

	if (!asked.is_known)
		PG_RETURN_NULL();
	return number(fcinfo, history_buys(&model->purchases, asked.history, after, until));
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

/* (spend, purchases) */
RETENTION_FUNCTION(expected_spend_purchases);
Datum
expected_spend_purchases(PG_FUNCTION_ARGS)
{
	Model *spend = model_argument(fcinfo, 0, USE_SPEND);
	PurchasesView view = purchases_view(PG_GETARG_DATUM(1));
	PurchaseFigures figures = purchases_figures(&view, false, 0, false);

	if (!spend->is_known || figures.days == 0)
		PG_RETURN_NULL();
	return number(fcinfo, spend_of(spend, (double) figures.times - 1, mean_of(&figures)));
}

/* Steps of a lifetime value: 27 years of days. */
#define MAX_STEPS 10000

static void
check_for_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

/*
 * With horizon, discount, margin and step after the customer: the purchases of each step are paid at its end; a last,
 * shorter step ends at the horizon.
 */
static Datum
answer_lifetime(FunctionCallInfo fcinfo, Model *model, Model *spend, Asked asked)
{
	double horizon;
	double discount;
	double margin;
	double step;
	double each;

	if (!asked.is_known || !spend->is_known)
		PG_RETURN_NULL();
	horizon = horizon_checked(model, asked.history.T, PG_GETARG_FLOAT8(asked.next));
	discount = checked(PG_GETARG_FLOAT8(asked.next + 1), "discount", 0, GREATEST);
	margin = checked(PG_GETARG_FLOAT8(asked.next + 2), "margin", -GREATEST, GREATEST);
	step = checked(PG_GETARG_FLOAT8(asked.next + 3), "step", 0, GREATEST);
	if (counts_opportunities(model))
		(void) whole(step, "step", MAX_OPPORTUNITIES);
	if (step == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("step must not be 0")));
	if (discount > 0 && horizon / step > MAX_STEPS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a lifetime value has at most %d steps, not %.0f", MAX_STEPS,
							   ceil(horizon / step)),
						errhint("Take a longer step, and the discount of such a step.")));
	each = margin * spend_of(spend, asked.history.x, asked.mean);
	if (discount == 0)
		return number(fcinfo, each * history_purchases(&model->purchases, asked.history, horizon));
	return number(fcinfo, each * discounted_purchases(&model->purchases, asked.history, horizon,
													  step, discount, check_for_interrupts));
}

/* (model, spend, frequency, recency, age, mean, horizon, discount, margin, step) */
RETENTION_FUNCTION(lifetime_value);
Datum
lifetime_value(PG_FUNCTION_ARGS)
{
	Model *model = model_argument(fcinfo, 0, USE_PURCHASES);
	Model *spend = model_argument(fcinfo, 1, USE_SPEND);
	Asked asked = asked_by_figures(fcinfo, model, 2);

	asked.mean = PG_GETARG_FLOAT8(asked.next++);
	return answer_lifetime(fcinfo, model, spend, asked);
}

/* (model, spend, purchases, horizon, discount, margin, step, as_of) */
RETENTION_FUNCTION(lifetime_value_purchases);
Datum
lifetime_value_purchases(PG_FUNCTION_ARGS)
{
	Model *model;
	Model *spend;

	if (ANY_NULL(fcinfo) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	model = model_argument(fcinfo, 0, USE_PURCHASES);
	spend = model_argument(fcinfo, 1, USE_SPEND);
	return answer_lifetime(fcinfo, model, spend, asked_by_purchases(fcinfo, model, 2));
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
