/*
 * rfm_sql.c
 *		rfm_cuts() and rfm_score(), as SQL calls them.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/emit.h"
#include "base/type_sql.h"
#include "population/amount.h"
#include "value/rfm.h"

static void *
read_cuts(const char *bytes, Size size, WireKind kind)
{
	return rfm_read(bytes, size);
}

static void
write_cuts(Datum datum, StringInfo out, WireKind kind)
{
	rfm_write(datum, out);
}

static void
describe_cuts(Datum datum, StringInfo out, WireKind kind)
{
	const RfmCuts *cuts = rfm_open(datum);

	appendStringInfo(out, " of %d bins", cuts->bins);
	describe_count(out, cuts->customers, "customer");
}

static const StoredType cuts_type = {
	.name = RFM_TYPE,
	.kind = WIRE_RFM_CUTS,
	.read = read_cuts,
	.write = write_cuts,
	.describe = describe_cuts,
	.use = "rfm_score()",
};

STORED_TYPE_FUNCTIONS(retention_rfm_cuts, cuts_type)
STORED_TYPE_ORDER(retention_rfm_cuts, cuts_type)

/* The numbers of a customer from three arguments that are not NULL. */
static void
numbers_of(FunctionCallInfo fcinfo, int argument, int64 numbers[RFM_MEASURES])
{
	double recency = PG_GETARG_FLOAT8(argument);
	int64 decimals = 0;
	int64 bits;

	if (!(isfinite(recency) && recency >= 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("recency must be finite and not negative, not %g", recency),
						errhint("It is the time since the last purchase here.")));
	recency += 0.0;
	memcpy(&bits, &recency, sizeof(bits));
	/* The bits of numbers that are not negative have the order of the numbers. */
	numbers[RFM_RECENCY] = -bits;
	numbers[RFM_FREQUENCY] = PG_GETARG_INT64(argument + 1);
	numbers[RFM_AMOUNT] = amount_of_datum(PG_GETARG_DATUM(argument + 2), &decimals);
}

#define DEFAULT_BINS 5

/* rfm_cuts_transfn(state, recency, frequency, amount [, bins]) */
RETENTION_FUNCTION(rfm_cuts_transfn);
Datum
rfm_cuts_transfn(PG_FUNCTION_ARGS)
{
	int32 bins = DEFAULT_BINS;
	PopulationIdentity identity = {.aggregate = AGGREGATE_RFM, .key = KEY_NONE, .kind = TIME_DATE};
	Population *population;
	int64 numbers[RFM_MEASURES];
	Event events[RFM_MEASURES];
	char tag[16];
	char *differs;

	(void) aggregate_context(fcinfo);
	if (PG_NARGS() > 4)
	{
		if (PG_ARGISNULL(4))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("bins must not be null")));
		bins = PG_GETARG_INT32(4);
	}
	if (bins < 2 || bins > RFM_BINS_MOST)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("bins must lie between 2 and %d, not %d", RFM_BINS_MOST, bins)));
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		RETURN_STATE_UNCHANGED();
	numbers_of(fcinfo, 1, numbers);
	identity.shape.cap = 1;
	identity.tag = tag;
	identity.tag_length = snprintf(tag, sizeof(tag), "%d", bins);
	population = population_state(fcinfo, &identity, &differs);
	if (differs != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bins must be the same in every row, not %s and %d", differs, bins)));
	count_add(&population_totals(population)->rows, 1);
	population_add_history(population, events, rfm_events(numbers, events));
	return population_datum(population);
}

/* rfm_cuts_final(population) -> retention_rfm_cuts */
RETENTION_FUNCTION(rfm_cuts_final);
Datum
rfm_cuts_final(PG_FUNCTION_ARGS)
{
	Population *population;
	const PopulationIdentity *identity;
	RfmCuts *cuts;
	int bins;

	(void) aggregate_context(fcinfo);
	population = population_argument(PG_GETARG_DATUM(0));
	identity = population_identity(population);
	bins = atoi(pnstrdup(identity->tag, identity->tag_length));
	if (identity->aggregate != AGGREGATE_RFM || bins < 2 || bins > RFM_BINS_MOST)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the state is not one of rfm_cuts")));
	cuts = rfm_build(population, bins);
	if (cuts == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(rfm_open(PointerGetDatum(cuts)));
}

/* rfm_score(cuts, recency, frequency, amount): r, f, m */
RETENTION_FUNCTION(rfm_score);
Datum
rfm_score(PG_FUNCTION_ARGS)
{
	const RfmCuts *cuts = rfm_open(PG_GETARG_DATUM(0));
	int64 numbers[RFM_MEASURES];
	Datum values[RFM_MEASURES];
	bool nulls[RFM_MEASURES] = {false};

	numbers_of(fcinfo, 1, numbers);
	for (int i = 0; i < RFM_MEASURES; i++)
		values[i] = Int32GetDatum(rfm_score_of(cuts, (RfmMeasure) i, numbers[i]));
	return emit_one(fcinfo, values, nulls);
}
