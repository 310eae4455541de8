/*
 * revenue_answer_sql.c
 *		Answers from a summary of revenue: revenue_periods(), revenue_movements() and their twins with timestamps.
 */
#include "retention.h"

#include "base/check.h"
#include "base/emit.h"
#include "base/number.h"
#include "population/amount.h"
#include "revenue/revenue_type.h"
#include "utils/builtins.h"

/* How the bounds of a period are shown. */
typedef Datum (*ShowMoment)(const Revenue *revenue, const Grid *grid, int64 moment);

static Datum
show_date(const Revenue *revenue, const Grid *grid, int64 moment)
{
	return moment_as_date((TimeKind) revenue->kind, grid->zone, moment, "revenue",
						  "revenue_periods_at");
}

static Datum
show_instant(const Revenue *revenue, const Grid *grid, int64 moment)
{
	return moment_as_instant((TimeKind) revenue->kind, grid->zone, moment);
}

/* The columns that an answer is made of, from left to right. */
typedef struct Columns
{
	const Revenue *revenue;
	Datum values[32];
	bool nulls[32];
	int used;
} Columns;

static void
put(Columns *columns, Datum value)
{
	columns->nulls[columns->used] = false;
	columns->values[columns->used++] = value;
}

static void
put_amount(Columns *columns, int128 amount)
{
	put(columns, NumericGetDatum(numeric_from_int128(amount, columns->revenue->decimals)));
}

/* NULL where it is not known or over nothing. */
static void
put_rate(Columns *columns, bool known, Numeric rate)
{
	put(columns, NumericGetDatum(rate));
	columns->nulls[columns->used - 1] = !known;
}

static Numeric
whole(int128 value)
{
	return numeric_from_int128(value, 0);
}

static void
put_period(Columns *columns, const Grid *grid, ShowMoment show, const RevenueRow *row,
		   const Currency *currency)
{
	columns->used = 0;
	put(columns, show(columns->revenue, grid, row->period_start));
	put(columns, show(columns->revenue, grid, row->period_end));
	put(columns, CStringGetTextDatum(row->partial ? "partial" : "observed"));
	put_tag(columns->values, columns->nulls, columns->used++, currency_tag(currency));
}

static void
put_retention(Columns *columns, const RevenueRow *row, bool gross, double confidence)
{
	Numeric rate = NULL;
	Numeric low = NULL;
	Numeric high = NULL;
	bool known = revenue_retention(row, gross, &rate);

	put_rate(columns, known, rate);
	known = revenue_retention_limits(row, gross, confidence, &low, &high);
	put_rate(columns, known, low);
	put_rate(columns, known, high);
}

static void
put_row(Columns *columns, const RevenueRow *row, RevenueGrain grain, double confidence)
{
	const int128 *moved = row->moved[grain];
	int128 lost = moved[REVENUE_CONTRACTION] + moved[REVENUE_CHURN];
	int128 won = moved[REVENUE_EXPANSION] + moved[REVENUE_REACTIVATION];
	bool known;

	put_amount(columns, row->opening);
	for (int movement = 0; movement <= REVENUE_CHURN; movement++)
		put_amount(columns, moved[movement]);
	put_amount(columns, row->closing);
	put(columns, Int64GetDatum(row->opening_customers));
	for (int movement = 0; movement <= REVENUE_CHURN; movement++)
		put(columns, Int64GetDatum(row->counts[grain][movement]));
	put(columns, Int64GetDatum(row->closing_customers));
	put_retention(columns, row, false, confidence);
	put_retention(columns, row, true, confidence);

	known = !row->partial && row->opening > 0;
	put_rate(columns, known, known ? numeric_per_cent(whole(lost), whole(row->opening)) : NULL);
	put_rate(columns, known,
			 known ? numeric_per_cent(whole(lost - won), whole(row->opening)) : NULL);
	known = !row->partial && lost > 0;
	put_rate(columns, known,
			 known
				 ? numeric_divide(whole(moved[REVENUE_NEW] + moved[REVENUE_EXPANSION]), whole(lost))
				 : NULL);
	known = !row->partial && row->closing_customers > 0;
	put_rate(columns, known,
			 known ? numeric_divide(numeric_from_int128(row->closing, columns->revenue->decimals),
									numeric_from_int64(row->closing_customers))
				   : NULL);
	put(columns, Int64GetDatum(row->unpaid));
}

static void
notice_no_period(const Revenue *revenue)
{
	if (revenue->periods == 0)
		ereport(NOTICE, (errmsg("no period of the grid \"%s\" lies inside the span",
								pnstrdup(revenue_grid_text(revenue), revenue->grid_length)),
						 errhint("Only whole periods count. Take a longer span or a finer grid.")));
}

static Datum
emit_periods(FunctionCallInfo fcinfo, ShowMoment show)
{
	const Grid *grid;
	const Revenue *revenue = revenue_argument(PG_GETARG_DATUM(0), &grid);
	RevenueGrain grain = revenue_grain(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	double confidence = check_confidence(PG_GETARG_FLOAT8(2));
	Emitter emitter = emit_begin(fcinfo);
	Columns columns = {.revenue = revenue};

	notice_no_period(revenue);
	for (int b = 0; b < revenue->currencies; b++)
	{
		RevenueReader reader = revenue_read_begin(revenue, b);
		const RevenueRow *row;

		while ((row = revenue_read_row(&reader)) != NULL)
		{
			put_period(&columns, grid, show, row, &reader.base->currency);
			put_row(&columns, row, grain, confidence);
			emit_row(&emitter, columns.values, columns.nulls);
		}
	}
	return (Datum) 0;
}

/* revenue_periods(revenue, grain, confidence): rows with dates */
RETENTION_FORWARD(revenue_periods, emit_periods(fcinfo, show_date))

/* revenue_periods_at(revenue, grain, confidence): the same with timestamps */
RETENTION_FORWARD(revenue_periods_at, emit_periods(fcinfo, show_instant))

/* Whether any churn of a currency has a reason that says whether it was voluntary. */
static bool
has_reasons(const Revenue *revenue, const RevenueBase *base)
{
	for (int movement = REVENUE_CHURN_VOLUNTARY; movement < REVENUE_MOVEMENTS; movement++)
		for (int64 i = 0; i < revenue->periods; i++)
			if (revenue_counts(revenue, base, REVENUE_PLACE(REVENUE_EVENT, movement))[i] > 0)
				return true;
	return false;
}

/* -1: not known */
static void
emit_movement(Emitter *emitter, Columns *columns, int movement, int involuntary, int128 amount,
			  int64 customers)
{
	columns->used = 4;
	put_text(columns->values, columns->nulls, columns->used++, revenue_movement_names[movement]);
	put(columns, BoolGetDatum(involuntary > 0));
	columns->nulls[columns->used - 1] = involuntary < 0;
	put_amount(columns, amount);
	put(columns, Int64GetDatum(customers));
	emit_row(emitter, columns->values, columns->nulls);
}

static Datum
emit_movements(FunctionCallInfo fcinfo, ShowMoment show)
{
	const Grid *grid;
	const Revenue *revenue = revenue_argument(PG_GETARG_DATUM(0), &grid);
	RevenueGrain grain = revenue_grain(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	Emitter emitter = emit_begin(fcinfo);
	Columns columns = {.revenue = revenue};

	notice_no_period(revenue);
	for (int b = 0; b < revenue->currencies; b++)
	{
		RevenueReader reader = revenue_read_begin(revenue, b);
		bool reasons = has_reasons(revenue, reader.base);
		const RevenueRow *row;

		while ((row = revenue_read_row(&reader)) != NULL)
		{
			const int128 *moved = row->moved[grain];
			const int64 *counts = row->counts[grain];
			int voluntary = REVENUE_CHURN_VOLUNTARY;
			int involuntary = REVENUE_CHURN_INVOLUNTARY;

			put_period(&columns, grid, show, row, &reader.base->currency);
			for (int movement = 0; movement < REVENUE_CHURN; movement++)
				emit_movement(&emitter, &columns, movement, -1, moved[movement], counts[movement]);
			if (reasons)
			{
				emit_movement(&emitter, &columns, REVENUE_CHURN, 0, moved[voluntary],
							  counts[voluntary]);
				emit_movement(&emitter, &columns, REVENUE_CHURN, 1, moved[involuntary],
							  counts[involuntary]);
			}
			emit_movement(&emitter, &columns, REVENUE_CHURN, -1,
						  moved[REVENUE_CHURN] - moved[voluntary] - moved[involuntary],
						  counts[REVENUE_CHURN] - counts[voluntary] - counts[involuntary]);
		}
	}
	return (Datum) 0;
}

/* revenue_movements(revenue, grain): rows with dates */
RETENTION_FORWARD(revenue_movements, emit_movements(fcinfo, show_date))

/* revenue_movements_at(revenue, grain): the same with timestamps */
RETENTION_FORWARD(revenue_movements_at, emit_movements(fcinfo, show_instant))
