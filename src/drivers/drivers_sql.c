/*
 * drivers_sql.c
 *		Churn drivers and reasons, as SQL calls them.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/emit.h"
#include "base/number.h"
#include "base/text_sql.h"
#include "base/type_sql.h"
#include "drivers/attributes_sql.h"
#include "drivers/drivers.h"
#include "math/compare.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* A final function: the state in sorted form. */
static Datum
finish(FunctionCallInfo fcinfo, WireKind kind)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(drivers_open(PG_GETARG_DATUM(0), kind));
}

static void
describe_drivers(Datum value, StringInfo out, WireKind kind)
{
	const Drivers *drivers = drivers_open(value, kind);

	if (kind == WIRE_DRIVERS)
		describe_count(out, drivers->base.items, "attribute");
	describe_count(out, drivers->count[DRIVER_KEPT] + drivers->count[DRIVER_CHURNED], "customer");
}

#define DRIVERS_TYPE_OF(type_name, wire_kind, use_function)                                        \
	{                                                                                              \
		.name = type_name, .kind = wire_kind, .read = drivers_read, .write = drivers_write,        \
		.describe = describe_drivers, .use = use_function, .version = DRIVERS_VERSION,             \
		.least = sizeof(Drivers), .is_own = counted_is_own, .copy = drivers_copy,                  \
		.merge = drivers_merge                                                                     \
	}
static const StoredType drivers_type =
	DRIVERS_TYPE_OF(DRIVERS_TYPE, WIRE_DRIVERS, "driver_table()");
static const StoredType reasons_type =
	DRIVERS_TYPE_OF(REASONS_TYPE, WIRE_REASONS, "reason_table()");

STORED_TYPE_FUNCTIONS(retention_drivers, drivers_type)
STORED_TYPE_FUNCTIONS(retention_reasons, reasons_type)
STORED_TYPE_ORDER(retention_drivers, drivers_type)
STORED_TYPE_ORDER(retention_reasons, reasons_type)
STORED_TYPE_COMBINE(drivers_combine, drivers_type)
STORED_TYPE_COMBINE(reasons_combine, reasons_type)
RETENTION_FORWARD(drivers_final, finish(fcinfo, WIRE_DRIVERS))
RETENTION_FORWARD(reasons_final, finish(fcinfo, WIRE_REASONS))

/* (state, churned, attributes): one customer. The attributes are a record, or one value of a type. */
static Datum
add_customer(FunctionCallInfo fcinfo, Oid type)
{
	Drivers *drivers = stored_type_state(fcinfo, &drivers_type);
	AttributeReader *reader = attributes_argument(fcinfo, 2, type);
	DriverWhich which;

	if (drivers == NULL)
		drivers = drivers_new(reader);
	else
		drivers_require_shape(drivers, reader);
	if (PG_ARGISNULL(1))
	{
		count_add(&drivers->unknown, 1);
		PG_RETURN_POINTER(drivers);
	}
	which = PG_GETARG_BOOL(1) ? DRIVER_CHURNED : DRIVER_KEPT;
	drivers_add(&drivers, reader, which);
	PG_RETURN_POINTER(drivers);
}

#define DRIVERS_TRANSITION(name, type)                                                             \
	RETENTION_FUNCTION(name);                                                                      \
	Datum name(PG_FUNCTION_ARGS)                                                                   \
	{                                                                                              \
		return add_customer(fcinfo, type);                                                         \
	}                                                                                              \
	extern int no_such_variable

ATTRIBUTE_FORMS(DRIVERS_TRANSITION, drivers);

/* ---- Answers ---- */

/* 100 * part / whole; NULL if whole is 0. */
static void
put_rate(Datum *values, bool *nulls, int at, int64 part, int64 whole)
{
	nulls[at] = whole == 0;
	if (whole != 0)
		values[at] =
			NumericGetDatum(numeric_per_cent(numeric_from_int64(part), numeric_from_int64(whole)));
}

static void
put_limit(Datum *values, bool *nulls, int at, double fraction)
{
	nulls[at] = isnan(fraction);
	if (!nulls[at])
		values[at] = NumericGetDatum(numeric_rate_limit(fraction));
}

static void
emit_value(Emitter *emitter, const Drivers *drivers, const char *attribute,
		   const DriverValue *value, double confidence)
{
	int64 churned = value->count[DRIVER_CHURNED];
	int64 customers = value->count[DRIVER_KEPT] + churned;
	int64 all = drivers->count[DRIVER_KEPT] + drivers->count[DRIVER_CHURNED];
	int64 rest = all - customers;
	int64 rest_churned = drivers->count[DRIVER_CHURNED] - churned;
	int64 rarer = Min(drivers->count[DRIVER_KEPT], drivers->count[DRIVER_CHURNED]);
	Limits limits = wilson_interval((double) churned, (double) customers, confidence);
	double rate = (double) churned / (double) customers;
	double ratio = NAN;
	double expected = (double) customers * (double) rarer / (double) all;
	double kept = (double) (customers - churned);
	double rest_kept = (double) (rest - rest_churned);
	Limits ratio_limits;
	Limits odds_limits =
		odds_ratio_interval((double) churned, kept, (double) rest_churned, rest_kept, confidence);
	Datum values[18];
	bool nulls[18] = {false};

	ratio_limits = koopman_interval((double) churned, (double) customers, (double) rest_churned,
									(double) rest, confidence);
	if (rest_churned > 0)
		ratio = rate / ((double) rest_churned / (double) rest);
	else if (rest > 0 && churned > 0)
		ratio = INFINITY;
	put_text(values, nulls, 0, attribute);
	put_text(values, nulls, 1, value->text);
	values[2] = Int64GetDatum(customers);
	put_rate(values, nulls, 3, customers, all);
	values[4] = Int64GetDatum(churned);
	put_rate(values, nulls, 5, churned, customers);
	put_limit(values, nulls, 6, limits.low);
	put_limit(values, nulls, 7, limits.high);
	put_number(values, nulls, 8, ratio);
	put_number(values, nulls, 9, ratio_limits.low);
	put_number(values, nulls, 10, ratio_limits.high);
	put_number(values, nulls, 11, rate / ((double) drivers->count[DRIVER_CHURNED] / (double) all));
	put_number(values, nulls, 12, expected);
	put_number(values, nulls, 13,
			   odds_ratio((double) churned, kept, (double) rest_churned, rest_kept));
	put_number(values, nulls, 14, odds_limits.low);
	put_number(values, nulls, 15, odds_limits.high);
	put_number(values, nulls, 16,
			   weight_of_evidence((double) churned, (double) drivers->count[DRIVER_CHURNED], kept,
								  (double) drivers->count[DRIVER_KEPT]));
	put_text(values, nulls, 17,
			 value->note == NULL && expected < FEW_EXPECTED
				 ? psprintf(FEW_EXPECTED_NOTE, FEW_EXPECTED)
				 : value->note);
	emit_row(emitter, values, nulls);
}

/* driver_table(state, confidence) -> rows by attribute and value */
RETENTION_FUNCTION(driver_table);
Datum
driver_table(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const Drivers *drivers = drivers_open(PG_GETARG_DATUM(0), WIRE_DRIVERS);
	double confidence = check_confidence(PG_GETARG_FLOAT8(1));

	for (int i = 0; i < drivers->base.items; i++)
	{
		char *name = drivers_attribute_name(drivers, i);
		int values;
		DriverValue *value = drivers_values(drivers, i, &values);

		for (int j = 0; j < values; j++)
			if (value[j].count[0] > 0 || value[j].count[1] > 0)
				emit_value(&emitter, drivers, name, &value[j], confidence);
	}
	return (Datum) 0;
}

/* driver_ranking(state) -> rows by attribute, strongest first */
RETENTION_FUNCTION(driver_ranking);
Datum
driver_ranking(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const Drivers *drivers = drivers_open(PG_GETARG_DATUM(0), WIRE_DRIVERS);
	DriverRank *rank = drivers_ranking(drivers);

	for (int i = 0; i < drivers->base.items; i++)
	{
		Datum values[12];
		bool nulls[12] = {false};

		put_text(values, nulls, 0, drivers_attribute_name(drivers, rank[i].attribute));
		nulls[1] = rank[i].values < 0;
		values[1] = Int32GetDatum(rank[i].values);
		put_number(values, nulls, 2, rank[i].chi2);
		values[3] = Int32GetDatum(rank[i].df);
		put_number(values, nulls, 4, rank[i].p_value);
		put_number(values, nulls, 5, rank[i].p_adjusted);
		put_number(values, nulls, 6, rank[i].v);
		put_number(values, nulls, 7, rank[i].v_corrected);
		put_number(values, nulls, 8, rank[i].information);
		put_number(values, nulls, 9, rank[i].area);
		put_number(values, nulls, 10, rank[i].distance);
		put_text(values, nulls, 11, rank[i].note);
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

/* driver_summary(state) -> customers, churned, unknown, attributes */
RETENTION_FUNCTION(driver_summary);
Datum
driver_summary(PG_FUNCTION_ARGS)
{
	const Drivers *drivers = drivers_open(PG_GETARG_DATUM(0), WIRE_DRIVERS);
	Datum values[4];
	bool nulls[4] = {false};

	values[0] = Int64GetDatum(drivers->count[DRIVER_KEPT] + drivers->count[DRIVER_CHURNED]);
	values[1] = Int64GetDatum(drivers->count[DRIVER_CHURNED]);
	values[2] = Int64GetDatum(drivers->unknown);
	values[3] = Int32GetDatum(drivers->base.items);
	return emit_one(fcinfo, values, nulls);
}

/* ---- Reasons ---- */

/* (state, reason): one customer who left. The reason is a text; if any is set, a value of any type. */
static Datum
add_reason(FunctionCallInfo fcinfo, bool any)
{
	Drivers *reasons = stored_type_state(fcinfo, &reasons_type);
	AttributeValue value = {.null = PG_ARGISNULL(1)};

	if (reasons == NULL)
		reasons = reasons_new();
	if (!value.null)
	{
		text *reason = any ? value_text_argument(fcinfo, 1) : PG_GETARG_TEXT_PP(1);

		value.bytes = VARDATA_ANY(reason);
		value.length = (int) VARSIZE_ANY_EXHDR(reason);
	}
	reasons_add(&reasons, value);
	PG_RETURN_POINTER(reasons);
}

RETENTION_FORWARD(reasons_transfn, add_reason(fcinfo, false))

RETENTION_FORWARD(reasons_any_transfn, add_reason(fcinfo, true))

static int
compare_reasons(const void *a, const void *b)
{
	const DriverValue *one = a;
	const DriverValue *other = b;

	if (one->count[0] != other->count[0])
		return one->count[0] > other->count[0] ? -1 : 1;
	return strcmp(one->text, other->text);
}

/*
 * reason_shares(state, confidence) -> the known reasons, most frequent first, then the unknown ones.
 *
 * Simultaneous limits: L. A. Goodman, "On simultaneous confidence intervals for multinomial proportions",
 * Technometrics 7 (1965) 247-254, equation 2.9 with the error divided among the reasons. They are Wilson's, each at
 * the confidence 1 - (1 - confidence) / reasons.
 */
RETENTION_FUNCTION(reason_shares);
Datum
reason_shares(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const Drivers *reasons = drivers_open(PG_GETARG_DATUM(0), WIRE_REASONS);
	double confidence = check_confidence(PG_GETARG_FLOAT8(1));
	int known;
	DriverValue *value = drivers_values(reasons, 0, &known);
	int64 all = reasons->count[DRIVER_KEPT];
	int64 unknown = 0;
	int64 before = 0;
	Limits limits;
	Datum values[6];
	bool nulls[6] = {false};

	if (known > 0 && value[known - 1].text == NULL)
		unknown = value[--known].count[0];
	qsort(value, known, sizeof(DriverValue), compare_reasons);
	for (int i = 0; i < known; i++)
	{
		int64 customers = value[i].count[0];

		before += customers;
		limits = wilson_interval((double) customers, (double) (all - unknown),
								 1 - (1 - confidence) / known);
		put_text(values, nulls, 0, value[i].text);
		values[1] = Int64GetDatum(customers);
		put_rate(values, nulls, 2, customers, all - unknown);
		put_limit(values, nulls, 3, limits.low);
		put_limit(values, nulls, 4, limits.high);
		put_rate(values, nulls, 5, before, all - unknown);
		emit_row(&emitter, values, nulls);
	}
	if (unknown > 0)
	{
		limits = wilson_interval((double) unknown, (double) all, confidence);
		put_text(values, nulls, 0, NULL);
		values[1] = Int64GetDatum(unknown);
		put_rate(values, nulls, 2, unknown, all);
		put_limit(values, nulls, 3, limits.low);
		put_limit(values, nulls, 4, limits.high);
		nulls[5] = true;
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

/* ---- The most frequent values ---- */

/* (state, value, n): one row; a value that is NULL is not counted */
static Datum
add_top_value(FunctionCallInfo fcinfo, bool any)
{
	Drivers *values = stored_type_state(fcinfo, &reasons_type);
	AttributeValue value = {0};
	text *name;
	int most;

	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("n must not be null")));
	most = PG_GETARG_INT32(2);
	if (most < 1 || most > MAX_TOP_VALUES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("n must be from 1 to %d, not %d", MAX_TOP_VALUES, most)));
	if (values == NULL)
		values = top_values_new(most);
	else if (top_values_most(values) != most)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("n must be the same in every row")));
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(values);
	name = any ? value_text_argument(fcinfo, 1) : PG_GETARG_TEXT_PP(1);
	value.bytes = VARDATA_ANY(name);
	value.length = VARSIZE_ANY_EXHDR(name);
	reasons_add(&values, value);
	PG_RETURN_POINTER(values);
}

RETENTION_FORWARD(top_values_transfn, add_top_value(fcinfo, false))

RETENTION_FORWARD(top_values_any_transfn, add_top_value(fcinfo, true))

/* The values, most frequent first; as many as equally often come in the order of their bytes. */
RETENTION_FUNCTION(top_values_final);
Datum
top_values_final(PG_FUNCTION_ARGS)
{
	const Drivers *state;
	DriverValue *value;
	Datum *texts;
	int known, most;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = drivers_open(PG_GETARG_DATUM(0), WIRE_REASONS);
	value = drivers_values(state, 0, &known);
	most = Min(top_values_most(state), known);
	qsort(value, known, sizeof(DriverValue), compare_reasons);
	texts = palloc(Max(most, 1) * sizeof(Datum));
	for (int i = 0; i < most; i++)
		texts[i] = CStringGetTextDatum(value[i].text);
	PG_RETURN_ARRAYTYPE_P(construct_array(texts, most, TEXTOID, -1, false, TYPALIGN_INT));
}

/* ---- Against a reference ---- */

/* rate_p_value(hits, total, rate in per cent): exact and two-sided; NULL for a total of 0 */
RETENTION_FUNCTION(binomial_test);
Datum
binomial_test(PG_FUNCTION_ARGS)
{
	int64 hits = PG_GETARG_INT64(0);
	int64 total = PG_GETARG_INT64(1);
	double rate = PG_GETARG_FLOAT8(2);

	if (hits < 0 || hits > total)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("hits must lie between 0 and the total of %lld, not %lld",
							   (long long) total, (long long) hits)));
	if (!(rate >= 0 && rate <= 100))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("rate must lie between 0 and 100 per cent, not %g", rate)));
	if (total == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(binomial_p_value((double) hits, (double) total, rate / 100));
}
