/*
 * fit_sql.c
 *		Fits of models of purchases and spend to a retention_value, as SQL calls them.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/choice.h"
#include "model/model_sql.h"
#include "utils/builtins.h"
#include "value/value.h"

static bool
is_whole(double value)
{
	return value == floor(value);
}

/*
 * The histories in a value; false if they are not those of a model of opportunities, with a note. Figures of summaries
 * are what somebody wrote, so they are put into what can be.
 */
static bool
histories_of(const Value *value, int kind, CountedHistory **all, int *count, int64 *customers,
			 const char **note)
{
	const ValueCustomers *rows = value_customers(value, count);

	*all = palloc_extended(mul_size(sizeof(CountedHistory), Max(*count, 1)), MCXT_ALLOC_HUGE);
	*customers = 0;
	for (int i = 0; i < *count; i++)
	{
		History *history = &(*all)[i].history;

		CHECK_NOW_AND_THEN(i);
		count_add(customers, rows[i].customers);
		(*all)[i].customers = (double) rows[i].customers;
		history->x = (double) rows[i].frequency;
		history->t_x = rows[i].frequency == 0 ? 0 : rows[i].recency;
		history->T = fmax(rows[i].age, history->t_x);
		if (kind != MODEL_BG_BB)
			continue;
		if (!is_whole(history->t_x) || !is_whole(history->T) || history->x > history->t_x)
			*note =
				"BG/BB needs whole periods: customer_value() over purchase_summary() with whole_periods";
		else if (history->T > MAX_OPPORTUNITIES)
			*note = psprintf("BG/BB takes at most %d periods", MAX_OPPORTUNITIES);
		if (*note != NULL)
			return false;
	}
	return true;
}

static double
unit_of(const Value *value)
{
	const Grid *grid = value_grid(value);

	return grid != NULL ? value_unit_days(grid) : NAN;
}

/* (value, model) */
RETENTION_FUNCTION(fit_purchase_model);
Datum
fit_purchase_model(PG_FUNCTION_ARGS)
{
	const Value *value = value_open(PG_GETARG_DATUM(0));
	int kind = choice("model of purchases", text_to_cstring(PG_GETARG_TEXT_PP(1)), model_names,
					  PURCHASE_MODELS);
	PurchaseData data = {.model = (PurchaseModel) kind};
	const char *note = NULL;
	CountedHistory *all;
	FitResult result;
	FitEnd end;
	int64 customers;
	int count;

	if (histories_of(value, kind, &all, &count, &customers, &note) && customers == 0)
		note = "there are no customers";
	if (note != NULL)
		return model_unfit(fcinfo, kind, customers, unit_of(value), note);
	data.count = count;
	data.histories = all;
	end = model_fit(fit_purchases, &data, &result);
	pfree(all);
	return model_result(fcinfo, kind, end, &result, customers, unit_of(value), NULL);
}

/* (value) */
RETENTION_FUNCTION(fit_spend_model);
Datum
fit_spend_model(PG_FUNCTION_ARGS)
{
	const Value *value = value_open(PG_GETARG_DATUM(0));
	int count;
	const ValueBuyers *rows = value_buyers(value, &count);
	Spend *all = palloc_extended(mul_size(sizeof(Spend), Max(count, 1)), MCXT_ALLOC_HUGE);
	SpendData data = {.spend = all};
	int64 customers = 0;
	double correlation;
	FitResult result;
	FitEnd end;

	for (int i = 0; i < count; i++)
	{
		double x = (double) rows[i].frequency;

		CHECK_NOW_AND_THEN(i);
		if (!(x > 0 && rows[i].amount > 0))
			continue;
		count_add(&customers, rows[i].customers);
		all[data.count++] = (Spend){x, rows[i].amount / x, (double) rows[i].customers};
	}
	if (customers == 0)
		return model_unfit(fcinfo, MODEL_GAMMA_GAMMA, 0, NAN,
						   "there are no repeat buyers who spent something");
	correlation = spend_correlation(&data);
	end = model_fit(fit_spend, &data, &result);
	pfree(all);
	return model_result(fcinfo, MODEL_GAMMA_GAMMA, end, &result, customers, NAN,
						isnan(correlation)
							? NULL
							: psprintf("correlation of frequency and mean: %.2f", correlation));
}
