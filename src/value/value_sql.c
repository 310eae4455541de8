/*
 * value_sql.c
 *		customer_value() and what is read off a value, as SQL calls them.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/emit.h"
#include "base/number.h"
#include "base/type_sql.h"
#include "math/interval.h"
#include "population/amount.h"
#include "population/batch.h"
#include "population/population_key.h"
#include "time/moment.h"
#include "utils/builtins.h"
#include "value/purchases.h"
#include "value/value.h"
#include "value/value_batch.h"

/* ---- the type ---- */

static void *
read_value(const char *bytes, Size size, WireKind kind)
{
	return value_read(bytes, size);
}

static void
write_value(Datum datum, StringInfo out, WireKind kind)
{
	value_write(datum, out);
}

static void
describe_value(Datum datum, StringInfo out, WireKind kind)
{
	const Value *value = value_open(datum);
	const Grid *grid = value_grid(value);
	int customers = value->level[VALUE_CUSTOMERS];
	int spend = value->level[VALUE_SPEND];

	if (grid != NULL)
		describe_grid(out, grid->text, grid->text_length);
	describe_count(out, value->customers, "customer");
	if (customers > 0 && grid != NULL)
		appendStringInfo(out, ", times cut to %d days", 1 << customers);
	else if (customers == 1)
		appendStringInfoString(out, ", times rounded to whole units");
	else if (customers > 1)
		appendStringInfo(out, ", times cut to %d units", 1 << (customers - 1));
	if (spend > 0)
		appendStringInfo(out, ", amounts rounded to %d digits", 7 - spend);
}

static void *
copy_value(Datum datum, WireKind kind)
{
	return counted_copy(value_counted, datum, kind);
}

static void *
merge_value(void *state, Datum datum, WireKind kind)
{
	return counted_merge(value_counted, state, datum, kind);
}

static const StoredType value_type = {
	.name = VALUE_TYPE,
	.kind = WIRE_VALUE,
	.read = read_value,
	.write = write_value,
	.describe = describe_value,
	.use = "value_figures()",
	.version = VALUE_VERSION,
	.least = sizeof(Value),
	.is_own = counted_is_own,
	.copy = copy_value,
	.merge = merge_value,
};

STORED_TYPE_FUNCTIONS(retention_value, value_type)
STORED_TYPE_ORDER(retention_value, value_type)
STORED_TYPE_COMBINE(value_combine, value_type)

/* value_final(state) -> retention_value: in sorted form */
RETENTION_FUNCTION(value_final);
Datum
value_final(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(value_open(PG_GETARG_DATUM(0)));
}

/* ---- rows of many customers ---- */

static PopulationIdentity
identity_of(const Grid *grid, KeyKind key, TimeKind kind)
{
	return (PopulationIdentity){
		.aggregate = AGGREGATE_VALUE,
		.key = key,
		.kind = kind,
		.shape = {.cap = PG_INT32_MAX, .has_amount = true},
		.tag = grid->text,
		.tag_length = grid->text_length,
	};
}

static void
null_grid(void)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("the grid of customer_value must not be null")));
}

/* The moment of a row that has a customer; false: it is not before as_of. */
static inline bool
row_counts(const Grid *grid, TimeKind kind, Datum time, int64 *at)
{
	*at = moment_of_datum(kind, time);
	return !grid->has_as_of || *at < grid_as_of(grid, kind);
}

static pg_attribute_always_inline void
add_row(Population *population, const Grid *grid, KeyKind key, TimeKind kind, Datum customer,
		int64 at, NullableDatum amount)
{
	PopulationTotals *totals = population_totals(population);
	AmountEvent event =
		purchase_event(grid, kind, at, amount.isnull, amount.value, &totals->decimals);

	count_add(&totals->rows, 1);
	totals->first = Min(totals->first, at);
	totals->latest = Max(totals->latest, at);
	population_add_value_amount(population, key, customer, event);
}

static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key, TimeKind kind)
{
	const Grid *grid;
	PopulationIdentity identity;
	Population *population;
	int64 at;
	char *differs;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(4))
		null_grid();
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE_UNCHANGED();
	if (key == KEY_TEXT)
		population_require_byte_equality(PG_GET_COLLATION());
	grid = grid_open(PG_GETARG_DATUM(4));
	value_check_grid(grid, "customer_value");
	if (!row_counts(grid, kind, PG_GETARG_DATUM(2), &at))
		RETURN_STATE_UNCHANGED();
	identity = identity_of(grid, key, kind);
	population = population_state(fcinfo, &identity, &differs);
	if (unlikely(differs != NULL))
		grid_mismatch(differs, grid->text);
	add_row(population, grid, key, kind, PG_GETARG_DATUM(1), at, fcinfo->args[3]);
	return population_datum(population);
}

/* customer_value_transfn(state, customer, at, amount, grid) */
/* clang-format off */
#define FUNCTIONS_OF_KEY(X, name, key) \
	X(customer_value_##name##_date, key, TIME_DATE) \
	X(customer_value_##name##_local, key, TIME_LOCAL) \
	X(customer_value_##name##_instant, key, TIME_INSTANT)
#define FUNCTIONS(X) \
	FUNCTIONS_OF_KEY(X, bigint, KEY_INT64) \
	FUNCTIONS_OF_KEY(X, uuid, KEY_UUID) \
	FUNCTIONS_OF_KEY(X, text, KEY_TEXT)

#define DEFINE(name, key, kind) \
	RETENTION_FUNCTION(name); \
	Datum name(PG_FUNCTION_ARGS) \
	{ \
		return accumulate(fcinfo, key, kind); \
	}
FUNCTIONS(DEFINE)
/* clang-format on */

/* customer_value_transfn(state, purchases): facts, each value a customer */
RETENTION_FUNCTION(customer_value_purchases);
Datum
customer_value_purchases(PG_FUNCTION_ARGS)
{
	PurchasesView view;
	PopulationIdentity identity;
	Population *population;
	PopulationTotals *totals;
	char *differs;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	view = purchases_view(PG_GETARG_DATUM(1));
	identity = identity_of(view.grid, KEY_NONE, view.kind);
	population = population_state(fcinfo, &identity, &differs);
	if (differs != NULL)
		grid_mismatch(differs, view.grid->text);
	totals = population_totals(population);
	count_add(&totals->rows, view.orders);
	count_add(&totals->rows, view.refunds);
	totals->decimals = Max(totals->decimals, view.decimals);
	totals->first = Min(totals->first, view.first);
	totals->latest = Max(totals->latest, view.latest);
	if (view.count > 0)
		population_add_history(population, &view.events->event, view.count);
	return population_datum(population);
}

static void
visit_customer(void *argument, Event *events, int count)
{
	value_add_customer(argument, (const AmountEvent *) events, count);
}

/* The value of a share. Its refunds are the rows of all shares: who knows all orders makes refunds of them. */
static Value *
value_of_share(Population *population, Share share)
{
	const PopulationIdentity *identity = population_identity(population);
	const PopulationTotals *totals = population_totals(population);
	const Grid *grid;
	ValueBuilder *builder;
	Value *value;

	if (identity->aggregate != AGGREGATE_VALUE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of customer_value")));
	grid = grid_open_text(identity->tag, identity->tag_length);
	value_check_grid(grid, "customer_value");
	builder = value_begin(identity->kind, identity->tag, identity->tag_length);
	population_visit_share(population, share, NULL, visit_customer, builder);
	value = value_finish(builder);
	value->first = totals->first;
	value->latest = totals->latest;
	value->decimals = totals->decimals;
	value->refunds = totals->rows;
	return value;
}

/* The value of all shares. Rows that are no purchases are refunds. */
static Datum
finish_value(struct varlena *summary, bool *isnull)
{
	Value *value = (Value *) summary;

	value->refunds -= value->orders;
	*isnull = false;
	return PointerGetDatum(value_open(PointerGetDatum(value)));
}

/* customer_value_final(population) -> retention_value */
RETENTION_FUNCTION(customer_value_final);
Datum
customer_value_final(PG_FUNCTION_ARGS)
{
	Population *population;
	bool isnull;

	(void) aggregate_context(fcinfo);
	population = population_argument(PG_GETARG_DATUM(0));
	return finish_value((struct varlena *) value_of_share(population, (Share){0, 1}), &isnull);
}

/* ---- the batch scan ---- */

static void
batch_add(BatchCall *call, Population **population, MemoryContext context,
		  const BatchColumn *columns, const uint16 *rows, int count)
{
	const KeyKind key = call->methods->key;
	const TimeKind kind = call->methods->kind;
	const Grid *grid = NULL;
	PopulationIdentity identity;

	if (call->constant_nulls[3])
		null_grid();
	/* The grid is opened for each batch: without a zone it depends on the session's time zone. */
	for (int i = 0; i < count; i++)
	{
		int n = rows[i];
		NullableDatum amount = {columns[2].values[n], columns[2].nulls[n]};
		int64 at;

		if (columns[0].nulls[n] || columns[1].nulls[n])
			continue;
		if (grid == NULL)
		{
			if (key == KEY_TEXT)
				population_require_byte_equality(call->collation);
			grid = grid_open(call->constants[3]);
			value_check_grid(grid, "customer_value");
			identity = identity_of(grid, key, kind);
		}
		if (!row_counts(grid, kind, columns[1].values[n], &at))
			continue;
		value_batch_population(population, &identity, context);
		add_row(*population, grid, key, kind, columns[0].values[n], at, amount);
	}
}

static struct varlena *
batch_summarise(Population *population, Share share)
{
	return (struct varlena *) value_of_share(population, share);
}

static struct varlena *
batch_merge(struct varlena *into, const struct varlena *other)
{
	Value *value = (Value *) into;
	int64 rows = value->refunds;

	value_merge(&value, (const Value *) other);
	value->refunds = rows;
	return (struct varlena *) value;
}

/* clang-format off */
#define ENTRY(name, key_kind, row_kind) \
	{name, &(const BatchMethods){.narguments = 4, .constants = 1 << 3, .key = (key_kind), .kind = (row_kind), \
								 .add = batch_add, .summarise = batch_summarise, .merge = batch_merge}},
static const BatchEntry batch_entries[] = {FUNCTIONS(ENTRY) {NULL, NULL}};
/* clang-format on */

static const BatchFinish batch_finishes[] = {{customer_value_final, finish_value}, {NULL, NULL}};

void
value_start(void)
{
	static BatchFamily family = {batch_entries, batch_finishes, NULL};

	batch_register(&family);
}

/* ---- one row of figures for each customer ---- */

static double
time_argument(double value, const char *what)
{
	if (!(isfinite(value) && value >= 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be finite and not negative, not %g", what, value)));
	return value + 0.0;
}

/* The mean amount times the number of repeat purchases, in millionths. */
static int128
spend_of(Datum mean, int64 frequency)
{
	Numeric product = numeric_times(DatumGetNumeric(mean), numeric_from_int64(frequency));
	int64 decimals = 0;

	return amount_from_numeric(product, &decimals);
}

/* customer_value_summary(state, frequency, recency, age, mean_amount [, customers]) */
RETENTION_FUNCTION(customer_value_summary);
Datum
customer_value_summary(PG_FUNCTION_ARGS)
{
	Value *value = stored_type_state(fcinfo, &value_type);
	bool has_spend = !PG_ARGISNULL(4);
	int64 customers = 1;
	int64 frequency;
	double recency;
	double age;
	int128 spend = 0;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) ||
		(PG_NARGS() > 5 && PG_ARGISNULL(5)))
		RETURN_STATE_UNCHANGED();
	frequency = PG_GETARG_INT64(1);
	recency = time_argument(PG_GETARG_FLOAT8(2), "recency");
	age = time_argument(PG_GETARG_FLOAT8(3), "age");
	if (PG_NARGS() > 5)
		customers = PG_GETARG_INT64(5);
	if (frequency < 0 || frequency > VALUE_FREQUENCY_MOST)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("frequency must lie between 0 and %d, not %lld",
							   VALUE_FREQUENCY_MOST, (long long) frequency)));
	if (recency > age)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("recency must not be greater than age"),
						errdetail("Recency is %.15g, age is %.15g.", recency, age)));
	if (frequency == 0 && recency > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("recency must be 0 where frequency is 0, not %.15g", recency),
						errdetail("Recency is the time from the first to the last purchase.")));
	if (customers < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("customers must not be negative, but is %lld", (long long) customers)));
	if (customers == 0)
		RETURN_STATE_UNCHANGED();
	if (has_spend && frequency > 0)
		spend = spend_of(PG_GETARG_DATUM(4), frequency);
	if (value == NULL)
		value = value_new(VALUE_OF_SUMMARIES, "", 0);
	value_add_summary(&value, frequency, recency, age, has_spend, spend, customers);
	PG_RETURN_POINTER(value);
}

/* ---- figures ---- */

static Datum
numeric_or_null(Numeric value, bool *isnull)
{
	*isnull = value == NULL;
	return NumericGetDatum(value);
}

/* a / b, or NULL */
static Numeric
ratio(Numeric a, int64 b)
{
	return b == 0 ? NULL : numeric_divide(a, numeric_from_int64(b));
}

/* The middle of the days between purchases, or the mean of the two in the middle. NULL: there are none. */
static Numeric
median_gap(const Value *value)
{
	int count;
	const ValueSlot *slots = value_table(value, VALUE_GAPS, &count);
	int64 gaps = 0;
	int64 seen = 0;
	int64 low = -1;

	for (int i = 0; i < count; i++)
		count_add(&gaps, slots[i].count);
	for (int i = 0; i < count; i++)
	{
		seen += slots[i].count;
		if (low < 0 && seen > (gaps - 1) / 2)
			low = slots[i].key[0];
		if (seen > gaps / 2)
			return numeric_divide(numeric_from_int128((int128) low + slots[i].key[0], 0),
								  numeric_from_int64(2));
	}
	return NULL;
}

/*
 * The share, in per cent of the net amount of all, of the tenth of the customers with the highest amounts. Where a
 * tenth is no whole number, the last of them counts in part. NULL: there is no revenue.
 */
static Numeric
top_tenth_share(const Value *value)
{
	int count;
	const ValueSlot *slots = value_table(value, VALUE_AMOUNTS, &count);
	int128 left = value->customers; /* tenths of customers */
	int128 top = 0;
	int128 all = 0;

	for (int i = count - 1; i >= 0; i--)
	{
		int128 tenths = Min(left, (int128) slots[i].count * 10);
		int128 amount = wide_of_key(slots[i].key);
		int128 product;

		CHECK_NOW_AND_THEN(i);
		if (__builtin_mul_overflow(amount, tenths, &product))
			sum_overflow();
		wide_add(&top, product);
		left -= tenths;
		if (__builtin_mul_overflow(amount, (int128) slots[i].count * 10, &product))
			sum_overflow();
		wide_add(&all, product);
	}
	return all <= 0 ? NULL
					: numeric_per_cent(numeric_from_int128(top, 0), numeric_from_int128(all, 0));
}

#define FIGURES 15

/* value_figures(value) */
RETENTION_FUNCTION(value_figures);
Datum
value_figures(PG_FUNCTION_ARGS)
{
	const Value *value = value_open(PG_GETARG_DATUM(0));
	bool rows = value->kind != VALUE_OF_SUMMARIES;
	int count;
	const ValueSlot *slots = value_table(value, VALUE_CUSTOMERS, &count);
	int64 one_time = 0;
	int64 repeat = 0;
	int64 buyers;
	int128 repeats = 0;
	Numeric revenue = amount_to_numeric(value->revenue, value->decimals);
	Datum values[FIGURES];
	bool nulls[FIGURES] = {false};
	int at = 0;

	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		if (slots[i].key[0] == 0)
			one_time += slots[i].count;
		else
			repeat += slots[i].count;
		repeats += (int128) slots[i].key[0] * slots[i].count;
	}
	buyers = one_time + repeat;
	if (repeats > PG_INT64_MAX - buyers)
		count_overflow();
	values[at++] = Int64GetDatum(value->customers);
	values[at++] = Int64GetDatum(one_time);
	values[at++] = Int64GetDatum(repeat);
	nulls[at] = nulls[at + 1] = nulls[at + 2] = buyers == 0;
	if (buyers > 0)
	{
		Limits limits = wilson_interval((double) repeat, (double) buyers, 0.95);

		values[at] = NumericGetDatum(
			numeric_per_cent(numeric_from_int64(repeat), numeric_from_int64(buyers)));
		values[at + 1] = NumericGetDatum(numeric_rate_limit(limits.low));
		values[at + 2] = NumericGetDatum(numeric_rate_limit(limits.high));
	}
	at += 3;
	for (int i = 0; i < 2; i++)
	{
		nulls[at] = !rows;
		values[at++] = Int64GetDatum(i == 0 ? value->orders : value->refunds);
	}
	values[at++] = Int64GetDatum((int64) repeats + buyers);
	values[at] =
		numeric_or_null(rows ? ratio(numeric_from_int64(value->orders), buyers) : NULL, &nulls[at]);
	at++;
	values[at] = numeric_or_null(rows ? ratio(revenue, value->orders) : NULL, &nulls[at]);
	at++;
	values[at] = numeric_or_null(rows ? revenue : NULL, &nulls[at]);
	at++;
	values[at] = numeric_or_null(
		rows ? ratio(numeric_from_int64(value->gap_days), (int64) repeats) : NULL, &nulls[at]);
	at++;
	values[at] = numeric_or_null(rows ? median_gap(value) : NULL, &nulls[at]);
	at++;
	values[at] = numeric_or_null(rows ? top_tenth_share(value) : NULL, &nulls[at]);
	Assert(at == FIGURES - 1);
	return emit_one(fcinfo, values, nulls);
}

/* repeat_purchase_curve(value, confidence): of those who made the n-th purchase, who made the next */
RETENTION_FUNCTION(repeat_purchase_curve);
Datum
repeat_purchase_curve(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const Value *value;
	const ValueSlot *slots;
	double confidence;
	int64 customers = 0;
	int count;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	value = value_open(PG_GETARG_DATUM(0));
	confidence = check_confidence(PG_GETARG_FLOAT8(1));
	slots = value_table(value, VALUE_CUSTOMERS, &count);
	for (int i = 0; i < count; i++)
		customers += slots[i].count;
	if (count > 0 && slots[count - 1].key[0] >= MAX_PERIODS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a curve of repeat purchases has at most %d rows", MAX_PERIODS)));
	for (int64 purchase = 1, i = 0; customers > 0; purchase++)
	{
		int64 again = customers;
		Limits limits;
		Datum values[6];
		bool nulls[6] = {false};

		CHECK_FOR_INTERRUPTS();
		/* Slots are in the order of x; those with x = purchase - 1 did not come again. */
		for (; i < count && slots[i].key[0] == purchase - 1; i++)
			again -= slots[i].count;
		limits = wilson_interval((double) again, (double) customers, confidence);
		values[0] = Int64GetDatum(purchase);
		values[1] = Int64GetDatum(customers);
		values[2] = Int64GetDatum(again);
		values[3] = NumericGetDatum(
			numeric_per_cent(numeric_from_int64(again), numeric_from_int64(customers)));
		values[4] = NumericGetDatum(numeric_rate_limit(limits.low));
		values[5] = NumericGetDatum(numeric_rate_limit(limits.high));
		emit_row(&emitter, values, nulls);
		customers = again;
	}
	return (Datum) 0;
}

/* ---- the tables, for tests ---- */

/* value_customers(value): frequency, recency, age, customers */
RETENTION_FUNCTION(value_customers_rows);
Datum
value_customers_rows(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	int count;
	const ValueCustomers *all = value_customers(value_open(PG_GETARG_DATUM(0)), &count);

	for (int i = 0; i < count; i++)
	{
		Datum values[] = {Int64GetDatum(all[i].frequency), Float8GetDatum(all[i].recency),
						  Float8GetDatum(all[i].age), Int64GetDatum(all[i].customers)};
		bool nulls[lengthof(values)] = {false};

		CHECK_FOR_INTERRUPTS();
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}

/* value_buyers(value): frequency, amount, customers */
RETENTION_FUNCTION(value_buyers_rows);
Datum
value_buyers_rows(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	int count;
	const ValueBuyers *all = value_buyers(value_open(PG_GETARG_DATUM(0)), &count);

	for (int i = 0; i < count; i++)
	{
		Datum values[] = {Int64GetDatum(all[i].frequency), Float8GetDatum(all[i].amount),
						  Int64GetDatum(all[i].customers)};
		bool nulls[lengthof(values)] = {false};

		CHECK_FOR_INTERRUPTS();
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}
