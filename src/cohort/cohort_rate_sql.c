/*
 * cohort_rate_sql.c
 *		The aggregates retention_rate and churn_rate over rows of many customers: how many of those active in one
 *		range of time are active in another.
 */
#include "retention.h"

#include "base/aggregate.h"
#include "base/check.h"
#include "base/number.h"
#include "cohort/cohort_batch.h"
#include "population/population_key.h"
#include "time/moment.h"
#include "time/span.h"
#include "utils/typcache.h"

/* The value of an event: which of the two ranges the row is in. */
#define IN_BASE 0
#define IN_RETURN 1

/* A range of moments, as plain numbers: finite bounds are [lower, upper). */
typedef struct Bounds
{
	bool unbounded_below;
	bool unbounded_above;
	int64 lower;
	int64 upper;
} Bounds;

/*
 * The two ranges of a row, decoded. Nearly every row of a query has the same ones, so the last pair is kept; others
 * are decoded anew. The tag is a byte that says whether both are over, then as_of or NEVER, then the bytes of both
 * values.
 */
typedef struct Ranges
{
	int size; /* of the tag; 0: nothing is kept */
	TimeKind kind;
	bool has_as_of;
	int64 known; /* moments >= it are not known: as_of, or when the transaction began */
	Bounds base;
	Bounds returns;
	char tag[128];
} Ranges;

#define NEVER PG_INT64_MAX
#define TAG_HEAD (1 + (int) sizeof(int64))

static void ranges_changed(void) pg_attribute_noreturn();

static void
ranges_changed(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("the two ranges of a rate and its as_of must be the same in every row"),
					errhint("Compute a range once: (SELECT retention_period('month')).")));
}

/* A bound as the first moment in the range (lower) or after it (upper). */
static int64
bound_moment(TimeKind kind, const RangeBound *bound)
{
	int64 moment = moment_of_datum(kind, bound->val);

	if (bound->inclusive != bound->lower && moment < PG_INT64_MAX)
		moment++;
	return moment;
}

static Bounds
decode_range(TimeKind kind, const RangeType *range, const char *what)
{
	TypeCacheEntry *type = lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO);
	RangeBound lower, upper;
	Bounds bounds = {0};
	bool empty;

	range_deserialize(type, range, &lower, &upper, &empty);
	if (empty)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the %s range must not be empty", what)));
	bounds.unbounded_below = lower.infinite;
	bounds.unbounded_above = upper.infinite;
	if (!lower.infinite)
		bounds.lower = bound_moment(kind, &lower);
	if (!upper.infinite)
		bounds.upper = bound_moment(kind, &upper);
	return bounds;
}

/* Whether a range is over at a moment. A range without an end extends to the last known moment. */
static bool
is_over(TimeKind kind, const Bounds *bounds, int64 moment)
{
	return bounds->unbounded_above || bounds->upper <= moment ||
		   bounds->upper >= (kind == TIME_DATE ? DATEVAL_NOEND : DT_NOEND);
}

static inline bool
contains(const Bounds *bounds, int64 moment)
{
	return (bounds->unbounded_below || moment >= bounds->lower) &&
		   (bounds->unbounded_above || moment < bounds->upper);
}

static void null_ranges(void) pg_attribute_noreturn();

static void
null_ranges(void)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("the two ranges of a rate must not be null")));
}

/* as_of NULL: they are known up to the start of the transaction. */
static const Ranges *
find_ranges(const RangeType *base, const RangeType *returns, const Datum *as_of, TimeKind kind)
{
	static Ranges kept;
	int base_size = VARSIZE(base);
	int size = TAG_HEAD + base_size + VARSIZE(returns);
	char *tag = kept.tag + TAG_HEAD;
	int64 known = as_of != NULL ? moment_of_datum(kind, *as_of) : transaction_moment(kind);
	int64 as_of_or_never;

	if (likely(kept.size == size && kept.kind == kind && kept.known == known &&
			   kept.has_as_of == (as_of != NULL) && memcmp(tag, base, base_size) == 0 &&
			   memcmp(tag + base_size, returns, VARSIZE(returns)) == 0))
		return &kept;

	kept.size = 0; /* an error below leaves nothing */
	if (size > (int) sizeof(kept.tag))
		elog(ERROR, "ranges of %d bytes", size);
	kept.kind = kind;
	kept.has_as_of = as_of != NULL;
	kept.known = known;
	kept.base = decode_range(kind, base, "base");
	kept.returns = decode_range(kind, returns, "return");
	as_of_or_never = as_of != NULL ? known : NEVER;
	kept.tag[0] = is_over(kind, &kept.base, known) && is_over(kind, &kept.returns, known);
	memcpy(kept.tag + 1, &as_of_or_never, sizeof(int64));
	memcpy(tag, base, base_size);
	memcpy(tag + base_size, returns, VARSIZE(returns));
	kept.size = size;
	return &kept;
}

/* Whether both ranges of a population were over when it was made. */
static bool
ranges_are_over(Population *population)
{
	const PopulationIdentity *identity = population_identity(population);

	return identity->tag_length > 0 && identity->tag[0] != 0;
}

static inline PopulationIdentity
identity_of(const Ranges *ranges, KeyKind key, TimeKind kind)
{
	return (PopulationIdentity){
		.aggregate = AGGREGATE_RATE,
		.key = key,
		.kind = kind,
		.shape = {.cap = 1},
		.tag = ranges->tag,
		.tag_length = ranges->size,
	};
}

/* One row, whose customer is not NULL. */
static inline void
add_row(const Ranges *ranges, Population *population, KeyKind key, TimeKind kind, Datum customer,
		Datum at)
{
	int64 moment = moment_of_datum(kind, at);

	if (ranges->has_as_of && moment >= ranges->known)
	{
		count_add(&population_totals(population)->ignored, 1);
		return;
	}
	if (contains(&ranges->base, moment))
		population_add_value(population, key, customer, (Event){IN_BASE, 1, EVENT_PLAIN});
	if (contains(&ranges->returns, moment))
		population_add_value(population, key, customer, (Event){IN_RETURN, 1, EVENT_PLAIN});
}

static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, KeyKind key, TimeKind kind, bool with_as_of)
{
	const Datum *as_of = NULL;
	const Ranges *ranges;
	PopulationIdentity identity;
	PopulationTotals *totals;
	Population *population;
	char *differs;

	if (PG_ARGISNULL(3) || PG_ARGISNULL(4))
		null_ranges();
	if (with_as_of && !PG_ARGISNULL(5))
		as_of = &fcinfo->args[5].value;
	ranges = find_ranges(span_range(PG_GETARG_DATUM(3), kind), span_range(PG_GETARG_DATUM(4), kind),
						 as_of, kind);
	identity = identity_of(ranges, key, kind);
	if (key == KEY_TEXT)
		population_require_byte_equality(PG_GET_COLLATION());
	population = population_state(fcinfo, &identity, &differs);
	if (unlikely(differs != NULL))
		ranges_changed();
	totals = population_totals(population);
	count_add(&totals->rows, 1);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		count_add(&totals->ignored, 1);
	else
		add_row(ranges, population, key, kind, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2));
	return population_datum(population);
}

/* cohort_rate_transfn(state, customer, at, base range, return range [, as_of]) */
/* clang-format off */
#define FUNCTIONS_OF_TIME(X, name, key, kind) \
	X(cohort_rate_transfn_##name, key, kind, false) \
	X(cohort_rate_transfn_##name##_as_of, key, kind, true)
#define FUNCTIONS_OF_KEY(X, name, key) \
	FUNCTIONS_OF_TIME(X, name##_date, key, TIME_DATE) \
	FUNCTIONS_OF_TIME(X, name##_local, key, TIME_LOCAL) \
	FUNCTIONS_OF_TIME(X, name##_instant, key, TIME_INSTANT)
#define FUNCTIONS(X) \
	FUNCTIONS_OF_KEY(X, bigint, KEY_INT64) \
	FUNCTIONS_OF_KEY(X, uuid, KEY_UUID) \
	FUNCTIONS_OF_KEY(X, text, KEY_TEXT)

#define DEFINE(name, key, kind, with_as_of) \
	RETENTION_FUNCTION(name); \
	Datum name(PG_FUNCTION_ARGS) \
	{ \
		return accumulate(fcinfo, key, kind, with_as_of); \
	}
FUNCTIONS(DEFINE)
/* clang-format on */

typedef struct RateCounts
{
	int64 base;
	int64 both;
} RateCounts;

static void
count_customer(void *argument, Event *events, int count)
{
	RateCounts *counts = (RateCounts *) argument;

	if (count == 0 || events[0].value != IN_BASE)
		return;
	counts->base++;
	if (count > 1)
		counts->both++;
}

/* Per cent; false where nobody was active in the base range. */
static bool
rate_of_counts(const RateCounts *counts, bool churn, Datum *rate)
{
	if (counts->base == 0)
		return false;
	*rate = NumericGetDatum(
		numeric_per_cent(numeric_from_int64(churn ? counts->base - counts->both : counts->both),
						 numeric_from_int64(counts->base)));
	return true;
}

static Datum
rate(FunctionCallInfo fcinfo, bool churn)
{
	Population *population;
	RateCounts counts = {0};
	Datum answer;

	(void) aggregate_context(fcinfo);
	population = population_argument(PG_GETARG_DATUM(0));
	if (population_identity(population)->aggregate != AGGREGATE_RATE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of retention_rate or churn_rate")));
	if (!ranges_are_over(population))
		PG_RETURN_NULL();
	population_visit(population, count_customer, &counts);
	if (!rate_of_counts(&counts, churn, &answer))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(answer);
}

/* cohort_retention_rate_final(state): customers active in both ranges / customers active in the base range */
RETENTION_FORWARD(cohort_retention_rate_final, rate(fcinfo, false))

/* cohort_churn_rate_final(state): its complement */
RETENTION_FORWARD(cohort_churn_rate_final, rate(fcinfo, true))

/* ---------- the batch scan ---------- */

typedef struct RateSummary
{
	int32 vl_len_;
	RateCounts counts;
} RateSummary;

static const Ranges *
ranges_of_call(const BatchCall *call)
{
	bool has_as_of = call->methods->narguments == 5 && !call->constant_nulls[4];

	return find_ranges(span_range(call->constants[2], call->methods->kind),
					   span_range(call->constants[3], call->methods->kind),
					   has_as_of ? &call->constants[4] : NULL, call->methods->kind);
}

static void
batch_open(BatchCall *call)
{
	if (call->constant_nulls[2] || call->constant_nulls[3])
		null_ranges();
	(void) ranges_of_call(call);
	if (call->methods->key == KEY_TEXT)
		population_require_byte_equality(call->collation);
}

static void
batch_add(BatchCall *call, Population **population, MemoryContext context,
		  const BatchColumn *columns, const uint16 *rows, int count)
{
	const Ranges *ranges = ranges_of_call(call);
	KeyKind key = call->methods->key;
	TimeKind kind = call->methods->kind;
	PopulationTotals *totals;

	if (*population == NULL)
	{
		PopulationIdentity identity = identity_of(ranges, key, kind);

		*population = population_create(&identity, context);
	}
	totals = population_totals(*population);
	count_add(&totals->rows, count);
	for (int i = 0; i < count; i++)
	{
		int n = rows[i];

		if (columns[0].nulls[n] || columns[1].nulls[n])
			count_add(&totals->ignored, 1);
		else
			add_row(ranges, *population, key, kind, columns[0].values[n], columns[1].values[n]);
	}
}

static struct varlena *
batch_summarise(Population *population, Share share)
{
	RateSummary *summary = palloc0(sizeof(RateSummary));

	SET_VARSIZE(summary, sizeof(RateSummary));
	/* If a range is not over, nobody is counted, so the rate is NULL. */
	if (ranges_are_over(population))
		population_visit_share(population, share, NULL, count_customer, &summary->counts);
	return (struct varlena *) summary;
}

static struct varlena *
batch_merge(struct varlena *into, const struct varlena *other)
{
	RateCounts *counts = &((RateSummary *) into)->counts;
	const RateCounts *more = &((const RateSummary *) other)->counts;

	counts->base += more->base;
	counts->both += more->both;
	return into;
}

static Datum
finish_retention(struct varlena *summary, bool *isnull)
{
	Datum answer = (Datum) 0;

	*isnull = !rate_of_counts(&((RateSummary *) summary)->counts, false, &answer);
	return answer;
}

static Datum
finish_churn(struct varlena *summary, bool *isnull)
{
	Datum answer = (Datum) 0;

	*isnull = !rate_of_counts(&((RateSummary *) summary)->counts, true, &answer);
	return answer;
}

/* clang-format off */
#define ENTRY(name, key_kind, row_kind, with_as_of) \
	{name, &(const BatchMethods){.narguments = (with_as_of) ? 5 : 4, .key = (key_kind), .kind = (row_kind), \
								 .constants = 1 << 2 | 1 << 3 | ((with_as_of) ? 1 << 4 : 0), .open = batch_open, \
								 .add = batch_add, .summarise = batch_summarise, .merge = batch_merge}},
static const BatchEntry batch_entries[] = {FUNCTIONS(ENTRY) {NULL, NULL}};
/* clang-format on */

static const BatchFinish batch_finishes[] = {
	{cohort_retention_rate_final, finish_retention},
	{cohort_churn_rate_final, finish_churn},
	{NULL, NULL},
};

void
cohort_rate_start(void)
{
	static BatchFamily family = {batch_entries, batch_finishes, NULL};

	batch_register(&family);
}
