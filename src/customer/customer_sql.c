/*
 * customer_sql.c
 *		The SQL functions about one customer's own history.
 */
#include "retention.h"

#include "base/check.h"
#include "base/emit.h"
#include "base/number.h"
#include "base/type_sql.h"
#include "catalog/pg_type_d.h"
#include "customer/customer.h"
#include "time/request.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/multirangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* ---- The type ---- */

static void
describe_gaps(Datum value, StringInfo out, WireKind kind)
{
	const Counted *gaps = gaps_open(value);
	Tag period = gaps_period_of(gaps);

	appendStringInfo(out, " of %.*s", period.length, period.bytes);
	describe_count(out, gaps_total(gaps, GAPS_USUAL), "customer");
}

static const StoredType gaps_type = {
	.name = GAPS_TYPE,
	.kind = WIRE_GAPS,
	.read = gaps_read,
	.write = gaps_write,
	.describe = describe_gaps,
	.use = "usage_interval_figures()",
	.version = GAPS_VERSION,
	.least = sizeof(Counted),
	.is_own = counted_is_own,
	.copy = gaps_copy,
	.merge = gaps_merge,
};

STORED_TYPE_FUNCTIONS(retention_gaps, gaps_type)
STORED_TYPE_ORDER(retention_gaps, gaps_type)
STORED_TYPE_COMBINE(gaps_combine, gaps_type)

/* usage_intervals(activity): one customer */
RETENTION_FUNCTION(gaps_transfn);
Datum
gaps_transfn(PG_FUNCTION_ARGS)
{
	ActivityView view = {0};
	Counted *gaps;

	if (PG_ARGISNULL(1))
	{
		(void) aggregate_context(fcinfo);
		RETURN_STATE_UNCHANGED();
	}
	gaps = stored_type_state(fcinfo, &gaps_type);
	activity_view(PG_GETARG_DATUM(1), &view);
	gaps_add(&gaps, &view);
	PG_RETURN_POINTER(gaps);
}

RETENTION_FUNCTION(gaps_final);
Datum
gaps_final(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(gaps_open(PG_GETARG_DATUM(0)));
}

/* ---- Gaps ---- */

/* usage_interval(activity): the median gap in days; NULL below two active periods */
RETENTION_FUNCTION(usage_interval);
Datum
usage_interval(PG_FUNCTION_ARGS)
{
	ActivityView view = {0};
	int64 *days;
	int count;

	activity_view(PG_GETARG_DATUM(0), &view);
	count = gaps_days(&view, &days);
	if (count < 2)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(quantile_days(gaps_quantile(gaps_between(days, count), count - 1, 50), 1));
}

/* usage_interval_figures(gaps) -> customers, median, p25, p75, p90 */
RETENTION_FUNCTION(usage_interval_figures);
Datum
usage_interval_figures(PG_FUNCTION_ARGS)
{
	static const int percent[] = {50, 25, 75, 90};
	const Counted *gaps = gaps_open(PG_GETARG_DATUM(0));
	Datum values[5];
	bool nulls[5] = {false};

	values[0] = Int64GetDatum(gaps_total(gaps, GAPS_USUAL));
	for (int i = 0; i < (int) lengthof(percent); i++)
	{
		Quantile quantile;

		nulls[1 + i] = !gaps_series_quantile(gaps, GAPS_USUAL, percent[i], &quantile);
		values[1 + i] = nulls[1 + i] ? (Datum) 0 : NumericGetDatum(quantile_days(quantile, 2));
	}
	return emit_one(fcinfo, values, nulls);
}

/* ---- Status ---- */

/* The base of the call before: nearly all calls of a query have the same, and checking it takes long. */
typedef struct BaseCache
{
	struct varlena *bytes;
	GapsBase base;
	char period[64];
} BaseCache;

static const BaseCache *
base_argument(FunctionCallInfo fcinfo, int argument)
{
	struct varlena *bytes = PG_DETOAST_DATUM(PG_GETARG_DATUM(argument));
	BaseCache *cache = fcinfo->flinfo->fn_extra;
	MemoryContext old;
	const Counted *gaps;
	Tag period;

	if (cache != NULL && VARSIZE(cache->bytes) == VARSIZE(bytes) &&
		memcmp(cache->bytes, bytes, VARSIZE(bytes)) == 0)
		return cache;
	gaps = gaps_open(PointerGetDatum(bytes));
	period = gaps_period_of(gaps);
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	fcinfo->flinfo->fn_extra = NULL;
	if (cache != NULL)
	{
		pfree(cache->bytes);
		pfree(cache);
	}
	cache = palloc(sizeof(BaseCache));
	cache->bytes = palloc(VARSIZE(bytes));
	memcpy(cache->bytes, bytes, VARSIZE(bytes));
	cache->base = gaps_base(gaps);
	snprintf(cache->period, sizeof(cache->period), "%.*s", period.length, period.bytes);
	fcinfo->flinfo->fn_extra = cache;
	MemoryContextSwitchTo(old);
	return cache;
}

const Interval *
interval_argument(const char *name, Datum argument)
{
	Interval hour = {.time = USECS_PER_HOUR};

	if (DatumGetBool(DirectFunctionCall2(interval_lt, argument, IntervalPGetDatum(&hour))))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be at least one hour, not %s", name,
							   DatumGetCString(DirectFunctionCall1(interval_out, argument))),
						errhint("Write the unit, as in '90 days'. A number alone is seconds.")));
	return DatumGetIntervalP(argument);
}

/* customer_status(activity, as_of, lapse_after, base) */
RETENTION_FUNCTION(customer_status);
Datum
customer_status(PG_FUNCTION_ARGS)
{
	ActivityView view = {0};
	const Interval *lapse_after = NULL;
	const BaseCache *base = NULL;
	Timestamp as_of;
	CustomerStatus status;
	Datum values[6] = {0};
	bool nulls[6] = {true, true, true, true, true, true};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	activity_view(PG_GETARG_DATUM(0), &view);
	if (!PG_ARGISNULL(1))
		as_of = PG_GETARG_TIMESTAMP(1);
	if (!PG_ARGISNULL(2))
		lapse_after = interval_argument("lapse_after", PG_GETARG_DATUM(2));
	if (!PG_ARGISNULL(3))
	{
		char *period = gaps_period(view.grid);

		base = base_argument(fcinfo, 3);
		if (strcmp(base->period, period) != 0)
			gaps_mismatch((Tag){base->period, (int) strlen(base->period)},
						  (Tag){period, (int) strlen(period)});
	}
	if (customer_status_of(&view, PG_ARGISNULL(1) ? NULL : &as_of, lapse_after,
						   base == NULL ? NULL : &base->base, &status))
	{
		nulls[0] = nulls[1] = nulls[2] = nulls[3] = false;
		values[0] = CStringGetTextDatum(customer_state_names[status.state]);
		values[1] = TimestampGetDatum(status.since);
		values[2] = TimestampGetDatum(status.last_at);
		values[3] = Int32GetDatum((int32) status.silence);
		nulls[4] = nulls[5] = status.usual_gap == NULL;
		values[4] = NumericGetDatum(status.usual_gap);
		values[5] = NumericGetDatum(status.silence_ratio);
	}
	return emit_one(fcinfo, values, nulls);
}

/* Days between two moments, exact. */
static Numeric
days_between(TimeKind kind, int64 from, int64 until)
{
	Numeric length = numeric_minus(numeric_from_int64(until), numeric_from_int64(from));

	return kind == TIME_DATE ? length : numeric_divide(length, numeric_from_int64(USECS_PER_DAY));
}

/*
 * The memberships of a customer as of a time. They are there if they have started before it and have not ended before
 * it, as the customers at the end of a period that ends then.
 */
static Datum
status_of_presence(FunctionCallInfo fcinfo, TimeKind kind)
{
	MultirangeType *presence = PG_GETARG_MULTIRANGE_P(0);
	TypeCacheEntry *type = multirange_get_typcache(fcinfo, MultirangeTypeGetOid(presence))->rngtype;
	int64 as_of = request_moment(kind, PG_GETARG_DATUM(1));
	int64 from = STILL_THERE, until = STILL_THERE;
	bool there, before = false;
	Datum values[4] = {0};
	bool nulls[4] = {true, true, true, true};

	if (as_of == SINCE_EVER || as_of == STILL_THERE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("as_of must be a finite time")));
	for (uint32 i = 0; i < presence->rangeCount; i++)
	{
		RangeBound lower, upper;
		int64 started;

		CHECK_NOW_AND_THEN(i);
		multirange_get_bounds(type, presence, i, &lower, &upper);
		if ((!lower.infinite && !lower.inclusive) || (!upper.infinite && upper.inclusive))
			request_half_open_expected("a membership", MultirangeTypeGetOid(presence),
									   MultirangeTypePGetDatum(presence));
		started = lower.infinite ? SINCE_EVER : request_moment(kind, lower.val);
		if (i > 0 && started >= as_of)
			break;
		before = i > 0;
		from = started;
		until = upper.infinite ? STILL_THERE : request_moment(kind, upper.val);
	}
	if (presence->rangeCount == 0)
		return emit_one(fcinfo, values, nulls);

	there = from < as_of && until >= as_of;
	nulls[0] = false;
	values[0] = CStringGetTextDatum(from >= as_of ? "not_started"
									: !there	  ? "lapsed"
									: before	  ? "returned"
												  : "active");
	if (from < as_of && !there)
	{
		nulls[1] = false;
		values[1] = moment_datum(kind, until);
	}
	else if (from != SINCE_EVER)
	{
		nulls[1] = false;
		values[1] = moment_datum(kind, from);
	}
	if (from < as_of && from != SINCE_EVER)
	{
		nulls[2] = false;
		values[2] = NumericGetDatum(days_between(kind, from, there ? as_of : until));
	}
	if (there && until != STILL_THERE)
	{
		nulls[3] = false;
		values[3] = moment_datum(kind, until);
	}
	return emit_one(fcinfo, values, nulls);
}

/* customer_status(presence, as_of) */
RETENTION_FORWARD(customer_status_date, status_of_presence(fcinfo, TIME_DATE))

RETENTION_FORWARD(customer_status_local, status_of_presence(fcinfo, TIME_LOCAL))

RETENTION_FORWARD(customer_status_instant, status_of_presence(fcinfo, TIME_INSTANT))
