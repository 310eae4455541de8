/*
 * purchases_sql.c
 *		purchases() and what is read off the purchases of one customer, as SQL calls them.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/emit.h"
#include "base/number.h"
#include "base/type_sql.h"
#include "time/civil.h"
#include "time/moment.h"
#include "utils/builtins.h"
#include "value/purchases.h"
#include "value/value.h"

static void *
read_purchases(const char *bytes, Size size, WireKind kind)
{
	return purchases_read(bytes, size);
}

static void
write_purchases(Datum value, StringInfo out, WireKind kind)
{
	purchases_write(value, out);
}

static void
describe_purchases(Datum value, StringInfo out, WireKind kind)
{
	PurchasesView view = purchases_view(value);

	describe_grid(out, view.grid->text, view.grid->text_length);
	describe_count(out, view.orders, "purchase");
}

static void *
copy_purchases(Datum value, WireKind kind)
{
	return purchases_copy(value);
}

static void *
merge_purchases(void *state, Datum value, WireKind kind)
{
	return purchases_merge(state, value);
}

static const StoredType purchases_type = {
	.name = PURCHASES_TYPE,
	.kind = WIRE_PURCHASES,
	.read = read_purchases,
	.write = write_purchases,
	.describe = describe_purchases,
	.use = "purchase_summary()",
	.version = PURCHASES_VERSION,
	.least = offsetof(Purchases, bytes),
	.is_own = purchases_has_shape,
	.copy = copy_purchases,
	.merge = merge_purchases,
};

STORED_TYPE_FUNCTIONS(retention_purchases, purchases_type)
STORED_TYPE_ORDER(retention_purchases, purchases_type)
STORED_TYPE_COMBINE(purchases_combine, purchases_type)

/* purchases_transfn(state, at, amount, grid) */
static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, TimeKind kind)
{
	Purchases *state = stored_type_state(fcinfo, &purchases_type);
	const Grid *grid;
	AmountEvent event;
	int64 decimals = 0;
	int64 at;

	if (PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the grid of purchases must not be null")));
	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	grid = grid_open(PG_GETARG_DATUM(3));
	value_check_grid(grid, "purchases");
	at = moment_of_datum(kind, PG_GETARG_DATUM(1));
	if (grid->has_as_of && at >= grid_as_of(grid, kind))
		RETURN_STATE_UNCHANGED();
	event = purchase_event(grid, kind, at, PG_ARGISNULL(2), PG_GETARG_DATUM(2), &decimals);
	if (state == NULL)
		state = purchases_new(kind, grid);
	else
		purchases_match(state, kind, grid->text, grid->text_length);
	PG_RETURN_POINTER(purchases_add(state, at, &event, decimals));
}

RETENTION_FORWARD(purchases_date, accumulate(fcinfo, TIME_DATE))
RETENTION_FORWARD(purchases_local, accumulate(fcinfo, TIME_LOCAL))
RETENTION_FORWARD(purchases_instant, accumulate(fcinfo, TIME_INSTANT))

/* purchases_final(state) -> retention_purchases */
RETENTION_FUNCTION(purchases_final);
Datum
purchases_final(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(purchases_store(purchases_copy(PG_GETARG_DATUM(0))));
}

/* purchases_union(one, other): either may be NULL */
RETENTION_FUNCTION(purchases_union);
Datum
purchases_union(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	if (PG_ARGISNULL(1))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	PG_RETURN_POINTER(
		purchases_store(purchases_merge(purchases_copy(PG_GETARG_DATUM(0)), PG_GETARG_DATUM(1))));
}

/* ---- the summary ---- */

static Datum
local_time(const PurchasesView *view, int64 moment)
{
	return TimestampGetDatum(view->kind == TIME_DATE	? moment * USECS_PER_DAY
							 : view->kind == TIME_LOCAL ? moment
														: zone_local(view->grid->zone, moment));
}

/*
 * The last day that is known, false: it is not. An as_of that is asked for must not be before that of the grid, or
 * before a row.
 */
static bool
known_day(const PurchasesView *view, bool has_as_of, Timestamp as_of, int64 *day)
{
	const Grid *grid = view->grid;
	Timestamp known;

	if (!has_as_of)
	{
		*day = grid->has_as_of ? value_last_day(grid, view->kind, 0) : 0;
		return grid->has_as_of;
	}
	if (TIMESTAMP_NOT_FINITE(as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("as_of must be a finite time")));
	known = grid->has_as_of			  ? grid->as_of
			: view->kind == TIME_DATE ? (view->latest + 1) * USECS_PER_DAY
									  : DatumGetTimestamp(local_time(view, view->latest)) + 1;
	if (as_of < known)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("purchases cannot be read as of a time before their rows end"),
						errdetail("They are as of %s, the time asked for is %s.",
								  DatumGetCString(DirectFunctionCall1(timestamp_out, known)),
								  DatumGetCString(DirectFunctionCall1(timestamp_out, as_of))),
						errhint("Set as_of in the grid: retention_grid(..., as_of => ...).")));
	*day = floor_divide(as_of - (view->kind == TIME_DATE ? USECS_PER_DAY : 1), USECS_PER_DAY);
	return true;
}

PurchaseFigures
purchases_figures(const PurchasesView *view, bool has_as_of, int64 as_of, bool whole)
{
	PurchaseFigures figures = {0};
	int64 first = 0; /* days, or with whole periods these */
	int64 last = 0;
	int64 known = 0;
	bool has_age = known_day(view, has_as_of, as_of, &known);
	double unit = whole ? 1 : value_unit_days(view->grid);

	for (int i = 0; i < view->count; i++)
	{
		int64 day = view->events[i].event.value;
		int64 time = whole ? grid_period(view->grid, TIME_DATE, day) : day;

		CHECK_NOW_AND_THEN(i);
		wide_add(&figures.total, view->events[i].amount);
		if (figures.days > 0 && time > first)
			wide_add(&figures.again, view->events[i].amount);
		if (view->events[i].event.count == 0)
			continue;
		if (figures.days++ == 0)
		{
			first = time;
			figures.first_day = day;
		}
		figures.times += figures.days == 1 || time != last;
		last = time;
		figures.last_day = day;
	}
	/* A clock that is set back over midnight shows a day before the last. */
	known = Max(known, figures.last_day);
	if (whole)
		known = grid_period(view->grid, TIME_DATE, known);
	figures.recency = (double) (last - first) / unit;
	figures.age = figures.days > 0 && has_age ? (double) (known - first) / unit : NAN;
	return figures;
}

#define SUMMARY_COLUMNS 11

/* purchase_summary(purchases, as_of, whole_periods) */
RETENTION_FUNCTION(purchase_summary);
Datum
purchase_summary(PG_FUNCTION_ARGS)
{
	PurchasesView view;
	PurchaseFigures figures;
	Datum values[SUMMARY_COLUMNS];
	bool nulls[SUMMARY_COLUMNS] = {false};
	Numeric amount;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	view = purchases_view(PG_GETARG_DATUM(0));
	figures = purchases_figures(&view, !PG_ARGISNULL(1),
								PG_ARGISNULL(1) ? 0 : PG_GETARG_TIMESTAMP(1), PG_GETARG_BOOL(2));
	amount = amount_to_numeric(figures.total, view.decimals);
	nulls[0] = nulls[1] = nulls[9] = nulls[10] = figures.days == 0;
	values[0] = Int64GetDatum(figures.times - 1);
	values[1] = Float8GetDatum(figures.recency);
	put_number(values, nulls, 2, figures.age);
	values[3] = Int64GetDatum(view.orders);
	values[4] = Int64GetDatum(view.refunds);
	values[5] = NumericGetDatum(amount);
	nulls[6] = view.orders == 0;
	if (!nulls[6])
		values[6] = NumericGetDatum(numeric_divide(amount, numeric_from_int64(view.orders)));
	nulls[7] = figures.days == 0;
	if (!nulls[7])
		values[7] = NumericGetDatum(
			figures.times == 1 ? numeric_from_int64(0)
							   : numeric_divide(amount_to_numeric(figures.again, view.decimals),
												numeric_from_int64(figures.times - 1)));
	nulls[8] = figures.days < 2;
	if (!nulls[8])
		values[8] =
			NumericGetDatum(numeric_divide(numeric_from_int64(figures.last_day - figures.first_day),
										   numeric_from_int64(figures.days - 1)));
	if (figures.days > 0)
	{
		values[9] = local_time(&view, view.first_purchase);
		values[10] = local_time(&view, view.last_purchase);
	}
	return emit_one(fcinfo, values, nulls);
}
