/*
 * cox_rows.c
 *		The rows that a regression is fitted to.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/memory.h"
#include "common/hashfn.h"
#include "cox/cox.h"
#include "storage/shmem.h"
#include "survival/times.h"
#include "utils/memutils.h"

#define ROWS_NAME "retention_cox_rows"
#define FIRST_CAPACITY 16
#define FIRST_STRATA 8
#define FIRST_TAG_BYTES 128
/* Half of a cluster: as many bits as a double holds exactly. */
#define CLUSTER_BITS ((UINT64CONST(1) << 53) - 1)

/* How much space a state has. */
typedef struct Capacity
{
	int64 rows;
	int64 strata;
	int64 tag_bytes;
} Capacity;

static Size
rows_size(int stride, Capacity capacity)
{
	Size rows = mul_size(mul_size(stride, sizeof(double)), capacity.rows);
	Size strata = add_size(mul_size(sizeof(CoxStratumName), capacity.strata), capacity.tag_bytes);

	return add_size(sizeof(CoxRows), add_size(rows, strata));
}

static Capacity
capacity_of(const CoxRows *state)
{
	return (Capacity){state->capacity, state->stratum_capacity, state->tag_capacity};
}

static CoxRows *
rows_alloc(int covariates, CoxTies ties, int columns, Capacity capacity)
{
	Size size = rows_size(cox_stride_of(covariates, columns), capacity);
	CoxRows *state;

	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the rows of a regression take more than 1 GB"),
				 errdetail("A row takes 8 bytes, and 8 more for each covariate, for the entry, the "
						   "stratum and the weight, and 16 for the cluster."),
				 errhint("Fit a sample of the customers.")));
	state = palloc(size);
	memset(state, 0, sizeof(CoxRows));
	flat_mark(state, WIRE_COX_ROWS, COX_ROWS_VERSION, size);
	state->covariates = covariates;
	state->ties = ties;
	state->columns = columns;
	state->capacity = capacity.rows;
	state->stratum_capacity = (int32) capacity.strata;
	state->tag_capacity = (int32) capacity.tag_bytes;
	return state;
}

CoxRows *
cox_rows_new(int covariates, CoxTies ties, int columns)
{
	bool strata = (columns & COX_STRATUM) != 0;
	CoxRows *state = rows_alloc(
		covariates, ties, columns,
		(Capacity){FIRST_CAPACITY, strata ? FIRST_STRATA : 0, strata ? FIRST_TAG_BYTES : 0});

	memory_clear(cox_row(state, 0), VARSIZE(state) - sizeof(CoxRows));
	return state;
}

/* A row of one state as a row of another one, which has its columns and perhaps entries. */
static void
convert_row(const CoxRows *from, const double *row, const CoxRows *to, double *out)
{
	int before = cox_column(from, COX_ENTRY);
	int added = (to->columns & ~from->columns & COX_ENTRY) != 0;

	memcpy(out, row, sizeof(double) * before);
	if (added)
		out[before] = -1;
	memcpy(out + before + added, row + before, sizeof(double) * (cox_stride(from) - before));
}

static char *
stratum_tags(const CoxRows *state)
{
	return (char *) cox_stratum(state, state->stratum_capacity);
}

/* A copy with that capacity, and with more columns if wanted. */
static CoxRows *
rows_rebuild(const CoxRows *from, int columns, Capacity capacity)
{
	CoxRows *state = rows_alloc(from->covariates, (CoxTies) from->ties, columns, capacity);

	state->rows = from->rows;
	state->unknown = from->unknown;
	state->never_at_risk = from->never_at_risk;
	state->strata = from->strata;
	state->tag_bytes = from->tag_bytes;
	if (columns == from->columns)
		memory_copy(cox_row(state, 0), cox_row(from, 0),
					sizeof(double) * cox_stride(from) * (Size) from->rows);
	else
		for (int64 i = 0; i < from->rows; i++)
		{
			CHECK_NOW_AND_THEN(i);
			convert_row(from, cox_row(from, i), state, cox_row(state, i));
		}
	/* A state may travel to another process: no memory in it is uninitialised. */
	memory_clear(cox_row(state, state->rows),
				 VARSIZE(state) - ((char *) cox_row(state, state->rows) - (char *) state));
	memcpy(cox_stratum(state, 0), cox_stratum(from, 0), sizeof(CoxStratumName) * from->strata);
	memcpy(stratum_tags(state), stratum_tags(from), from->tag_bytes);
	return state;
}

/* Space for `more` rows, with entries if wanted. */
static void
rows_reserve(CoxRows **state, int64 more, int columns)
{
	CoxRows *it = *state;
	Capacity capacity = capacity_of(it);
	int64 most;

	columns |= it->columns;
	if (it->rows + more <= capacity.rows && columns == it->columns)
		return;
	if (it->rows + more > capacity.rows)
	{
		/* Double, but at the end use all of the 1 GB that a value can have. */
		Size other = rows_size(0, capacity);

		capacity.rows = Max(capacity.rows * 2, it->rows + more);
		most = (int64) ((MaxAllocSize - other) /
						(sizeof(double) * cox_stride_of(it->covariates, columns)));
		if (capacity.rows > most)
			capacity.rows = Max(most, it->rows + more);
	}
	*state = rows_rebuild(it, columns, capacity);
}

static uint64
stratum_hash(Tag name)
{
	return name.length < 0 ? 0 : hash_bytes_extended((const uint8 *) name.bytes, name.length, 1);
}

static void
check_stratum_name(const CoxRows *state, int number)
{
	const CoxStratumName *name = cox_stratum(state, number);

	if (name->length < -1 || name->length > MAX_STRATUM_BYTES || name->offset < 0 ||
		name->offset > state->tag_bytes - Max(name->length, 0))
		wire_corrupt(ROWS_NAME, "The name of a stratum is not inside of it.");
}

/* The number of a stratum, which is added if it is new. May move the state. */
static int
find_stratum(CoxRows **state, Tag name)
{
	CoxRows *it = *state;
	uint64 hash = stratum_hash(name);
	Capacity capacity;
	CoxStratumName *added;

	for (int i = 0; i < it->strata; i++)
		if (cox_stratum(it, i)->hash == hash)
		{
			/* A state that is changed in place was not checked as a whole. */
			check_stratum_name(it, i);
			if (tag_compare(cox_stratum_name(it, i), name) == 0)
				return i;
		}
	if (it->strata >= MAX_STRATA)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a regression has at most %d strata", MAX_STRATA)));
	if (name.length > MAX_STRATUM_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the name of a stratum is longer than %d bytes", MAX_STRATUM_BYTES)));
	capacity = capacity_of(it);
	if (it->strata >= capacity.strata)
		capacity.strata = capacity.strata * 2 + FIRST_STRATA;
	if (it->tag_bytes + Max(name.length, 0) > capacity.tag_bytes)
		capacity.tag_bytes = MAXALIGN(2 * (capacity.tag_bytes + name.length));
	if (capacity.strata > it->stratum_capacity || capacity.tag_bytes > it->tag_capacity)
		*state = it = rows_rebuild(it, it->columns, capacity);
	added = cox_stratum(it, it->strata);
	*added = (CoxStratumName){hash, it->tag_bytes, name.length};
	if (name.length > 0)
		memcpy(stratum_tags(it) + it->tag_bytes, name.bytes, name.length);
	it->tag_bytes += Max(name.length, 0);
	return it->strata++;
}

void
cox_rows_add(CoxRows **state, const CoxRow *from)
{
	int stratum = 0;
	CoxRows *it;
	double *row;

	rows_reserve(state, 1, from->entry >= 0 ? COX_ENTRY : 0);
	if ((*state)->columns & COX_STRATUM)
		stratum = find_stratum(state, from->stratum);
	it = *state;
	row = cox_row(it, it->rows++);
	row[0] = from->churned ? -from->duration : from->duration; /* -0 for leaving at 0 */
	for (int k = 0; k < it->covariates; k++)
		row[1 + k] = from->covariates[k] + 0.0;
	if (it->columns & COX_ENTRY)
		row[cox_column(it, COX_ENTRY)] = from->entry;
	if (it->columns & COX_STRATUM)
		row[cox_column(it, COX_STRATUM)] = stratum;
	if (it->columns & COX_WEIGHT)
		row[cox_column(it, COX_WEIGHT)] = from->weight;
	if (it->columns & COX_CLUSTER)
		for (int half = 0; half < 2; half++)
			/* Two names of which all 106 bits are the same would be one cluster. */
			row[cox_column(it, COX_CLUSTER) + half] =
				from->cluster.length < 0
					? -1
					: (double) (hash_bytes_extended((const uint8 *) from->cluster.bytes,
													from->cluster.length, half + 2) &
								CLUSTER_BITS);
}

void
cox_rows_require(const CoxRows *state, int covariates, CoxTies ties, int columns)
{
	bool logit = (columns & COX_LOGIT) != 0;

	/* Entries may come later. */
	if ((state->columns & ~COX_ENTRY) != columns)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("states of different regressions cannot be combined")));
	if (state->covariates != covariates)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("every row of %s() must have the same number of covariates",
						logit ? "logit_fit" : "cox_fit"),
				 errdetail("There are rows with %d and with %d.", state->covariates, covariates)));
	if (state->ties != (int32) ties)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the way to treat ties must be the same in every row")));
}

/* Whether a double is a whole number from 0 to most. */
static bool
is_whole(double value, double most)
{
	return value >= 0 && value <= most && value == floor(value);
}

static void
check_row(const CoxRows *state, const double *row)
{
	if (!isfinite(row[0]) || ((state->columns & COX_LOGIT) && row[0] != 0))
		wire_corrupt(ROWS_NAME, "A duration in it is not one that a row can have.");
	for (int k = 0; k < state->covariates; k++)
		if (!isfinite(row[1 + k]))
			wire_corrupt(ROWS_NAME, "A covariate in it is not finite.");
	if (state->columns & COX_ENTRY)
	{
		double entry = row[cox_column(state, COX_ENTRY)];

		if (!(entry == -1 || (entry >= 0 && entry < fabs(row[0]))))
			wire_corrupt(ROWS_NAME, "An entry in it is not before the end of its duration.");
	}
	if ((state->columns & COX_STRATUM) &&
		!is_whole(row[cox_column(state, COX_STRATUM)], state->strata - 1))
		wire_corrupt(ROWS_NAME, "A row in it is of no stratum.");
	if ((state->columns & COX_WEIGHT) &&
		!(row[cox_column(state, COX_WEIGHT)] * (double) WEIGHT_ONE >= 0.5 &&
		  row[cox_column(state, COX_WEIGHT)] <= WEIGHT_MOST))
		wire_corrupt(ROWS_NAME, "A weight in it is out of range.");
	if (state->columns & COX_CLUSTER)
	{
		const double *cluster = row + cox_column(state, COX_CLUSTER);

		if (!(cluster[0] == -1 && cluster[1] == -1) &&
			!(is_whole(cluster[0], (double) CLUSTER_BITS) &&
			  is_whole(cluster[1], (double) CLUSTER_BITS)))
			wire_corrupt(ROWS_NAME, "A cluster in it is out of range.");
	}
}

static void
check_strata(const CoxRows *state)
{
	int32 bytes = 0;

	for (int i = 0; i < state->strata; i++)
	{
		const CoxStratumName *name = cox_stratum(state, i);

		check_stratum_name(state, i);
		if (name->offset != bytes)
			wire_corrupt(ROWS_NAME, "The names of its strata are not in their order.");
		bytes += Max(name->length, 0);
		wire_check_text(ROWS_NAME, cox_stratum_name(state, i));
		if (name->hash != stratum_hash(cox_stratum_name(state, i)))
			wire_corrupt(ROWS_NAME, "The hash of a stratum is not that of its name.");
		for (int j = 0; j < i; j++)
			if (cox_stratum(state, j)->hash == name->hash &&
				tag_compare(cox_stratum_name(state, j), cox_stratum_name(state, i)) == 0)
				wire_corrupt(ROWS_NAME, "Two strata in it have one name.");
	}
	if (bytes != state->tag_bytes)
		wire_corrupt(ROWS_NAME, "The names of its strata are not all of its text.");
}

bool
cox_rows_have_shape(const void *value)
{
	const CoxRows *state = value;

	return state->covariates >= 1 && state->covariates <= MAX_COVARIATES && state->columns >= 0 &&
		   state->columns <= COX_COLUMNS && state->rows >= 0 && state->capacity >= state->rows &&
		   state->capacity <= (int64) (MaxAllocSize / sizeof(double)) && state->strata >= 0 &&
		   state->strata <= MAX_STRATA && state->stratum_capacity >= state->strata &&
		   state->tag_bytes >= 0 && state->tag_capacity >= state->tag_bytes &&
		   VARSIZE(state) == rows_size(cox_stride(state), capacity_of(state));
}

const CoxRows *
cox_rows_open(Datum value)
{
	const CoxRows *state =
		flat_open(value, WIRE_COX_ROWS, COX_ROWS_VERSION, sizeof(CoxRows), ROWS_NAME);

	if (!cox_rows_have_shape(state) || (state->ties != COX_EFRON && state->ties != COX_BRESLOW) ||
		state->zero != 0 || state->unknown < 0 || state->never_at_risk < 0 ||
		((state->columns & COX_LOGIT) && state->columns != COX_LOGIT))
		wire_corrupt(ROWS_NAME, "A number at its front is out of range.");
	check_strata(state);
	for (int64 i = 0; i < state->rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		check_row(state, cox_row(state, i));
	}
	return state;
}

void *
cox_rows_copy(Datum value, WireKind kind)
{
	const CoxRows *from = cox_rows_open(value);
	Capacity capacity = capacity_of(from);

	capacity.rows = Max(from->rows, FIRST_CAPACITY);
	return rows_rebuild(from, from->columns, capacity);
}

void *
cox_rows_merge(void *state, Datum value, WireKind kind)
{
	CoxRows *into = state;
	const CoxRows *from = cox_rows_open(value);
	int *number = palloc(sizeof(int) * Max(from->strata, 1));

	cox_rows_require(into, from->covariates, (CoxTies) from->ties, from->columns & ~COX_ENTRY);
	rows_reserve(&into, from->rows, from->columns & COX_ENTRY);
	count_add(&into->unknown, from->unknown);
	count_add(&into->never_at_risk, from->never_at_risk);
	for (int i = 0; i < from->strata; i++)
		number[i] = find_stratum(&into, cox_stratum_name(from, i));
	for (int64 i = 0; i < from->rows; i++)
	{
		double *row = cox_row(into, into->rows + i);

		CHECK_NOW_AND_THEN(i);
		convert_row(from, cox_row(from, i), into, row);
		if (into->columns & COX_STRATUM)
			row[cox_column(into, COX_STRATUM)] = number[(int) row[cox_column(into, COX_STRATUM)]];
	}
	into->rows += from->rows;
	pfree(number);
	return into;
}

void
cox_rows_write(Datum value, StringInfo out, WireKind kind)
{
	const CoxRows *state = cox_rows_open(value);

	wire_begin(out, WIRE_COX_ROWS, COX_ROWS_VERSION);
	wire_put_ints(out, state->covariates, state->ties, state->columns, state->unknown,
				  state->never_at_risk, state->rows, state->strata);
	for (int i = 0; i < state->strata; i++)
		wire_put_tag(out, cox_stratum_name(state, i));
	for (int64 i = 0; i < state->rows; i++)
	{
		CHECK_NOW_AND_THEN(i);
		for (int k = 0; k < cox_stride(state); k++)
			wire_put_double(out, cox_row(state, i)[k]);
	}
}

void *
cox_rows_read(const char *bytes, Size size, WireKind kind)
{
	WireReader in = wire_open(bytes, size, WIRE_COX_ROWS, COX_ROWS_VERSION, ROWS_NAME);
	int covariates = (int) wire_get_int_between(&in, 1, MAX_COVARIATES);
	CoxTies ties = (CoxTies) wire_get_int_between(&in, COX_EFRON, COX_BRESLOW);
	int columns = (int) wire_get_int_between(&in, 0, COX_COLUMNS);
	int stride = cox_stride_of(covariates, columns);
	int64 unknown = wire_get_int_between(&in, 0, PG_INT64_MAX);
	int64 never_at_risk = wire_get_int_between(&in, 0, PG_INT64_MAX);
	int64 rows;
	int strata;
	CoxRows *state;

	/* A number takes a byte at least. */
	rows = wire_get_int_between(&in, 0, (in.end - in.at) / stride + 1);
	strata = (int) wire_get_int_between(&in, 0, MAX_STRATA);
	state = rows_alloc(covariates, ties, columns, (Capacity){Max(rows, 1), 0, 0});
	memory_clear(cox_row(state, 0), VARSIZE(state) - sizeof(CoxRows));
	for (int i = 0; i < strata; i++)
	{
		Tag name = wire_get_tag(&in, -1, MAX_STRATUM_BYTES);

		if (find_stratum(&state, name) != i)
			wire_corrupt(ROWS_NAME, "Two strata in it have one name.");
	}
	state->rows = rows;
	state->unknown = unknown;
	state->never_at_risk = never_at_risk;
	for (int64 i = 0; i < rows; i++)
	{
		double *row = cox_row(state, i);

		CHECK_NOW_AND_THEN(i);
		for (int k = 0; k < stride; k++)
			row[k] = wire_get_double(&in);
	}
	wire_end(&in);
	(void) cox_rows_open(PointerGetDatum(state));
	return state;
}
