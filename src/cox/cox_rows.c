/*
 * cox_rows.c
 *		The rows that a proportional hazards regression is fitted to.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/memory.h"
#include "cox/cox.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#define ROWS_NAME "retention_cox_rows"
#define FIRST_CAPACITY 16

static Size
rows_size(int stride, int64 capacity)
{
	return add_size(sizeof(CoxRows), mul_size(mul_size(stride, sizeof(double)), capacity));
}

static CoxRows *
rows_alloc(int covariates, CoxTies ties, int entries, int64 capacity)
{
	Size size = rows_size(1 + covariates + entries, capacity);
	CoxRows *state;

	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the rows of cox_fit() take more than 1 GB"),
				 errdetail("A row takes 8 bytes, and 8 more for each covariate and for the entry."),
				 errhint("Fit a sample of the customers.")));
	state = palloc(size);
	memset(state, 0, sizeof(CoxRows));
	flat_mark(state, WIRE_COX_ROWS, COX_ROWS_VERSION, size);
	state->covariates = covariates;
	state->ties = ties;
	state->entries = entries;
	state->capacity = capacity;
	return state;
}

CoxRows *
cox_rows_new(int covariates, CoxTies ties)
{
	CoxRows *state = rows_alloc(covariates, ties, 0, FIRST_CAPACITY);

	memory_clear(cox_row(state, 0), VARSIZE(state) - sizeof(CoxRows));
	return state;
}

/* A copy with that capacity, and with entries if wanted. */
static CoxRows *
rows_rebuild(const CoxRows *from, int entries, int64 capacity)
{
	CoxRows *state = rows_alloc(from->covariates, (CoxTies) from->ties, entries, capacity);

	state->rows = from->rows;
	state->unknown = from->unknown;
	state->never_at_risk = from->never_at_risk;
	if (entries == from->entries)
		memory_copy(cox_row(state, 0), cox_row(from, 0),
					sizeof(double) * cox_stride(from) * (Size) from->rows);
	else
		for (int64 i = 0; i < from->rows; i++)
		{
			CHECK_NOW_AND_THEN(i);
			memcpy(cox_row(state, i), cox_row(from, i), sizeof(double) * cox_stride(from));
			cox_row(state, i)[1 + from->covariates] = -1;
		}
	/* A state may travel to another process: no memory in it is uninitialised. */
	memory_clear(cox_row(state, state->rows),
				 sizeof(double) * cox_stride(state) * (Size) (capacity - state->rows));
	return state;
}

/* Space for `more` rows, with entries if wanted. */
static void
rows_reserve(CoxRows **state, int64 more, int entries)
{
	CoxRows *it = *state;
	int64 capacity = it->capacity;
	int64 most;

	entries |= it->entries;
	if (it->rows + more <= capacity && entries == it->entries)
		return;
	if (it->rows + more > capacity)
	{
		/* Double, but at the end use all of the 1 GB that a value can have. */
		capacity = Max(capacity * 2, it->rows + more);
		most = (int64) ((MaxAllocSize - sizeof(CoxRows)) /
						(sizeof(double) * (1 + it->covariates + entries)));
		if (capacity > most)
			capacity = Max(most, it->rows + more);
	}
	*state = rows_rebuild(it, entries, capacity);
}

void
cox_rows_add(CoxRows **state, double duration, bool churned, double entry, const double *covariates)
{
	double *row;

	rows_reserve(state, 1, entry >= 0);
	row = cox_row(*state, (*state)->rows++);
	row[0] = churned ? -duration : duration; /* -0 for leaving at 0 */
	for (int k = 0; k < (*state)->covariates; k++)
		row[1 + k] = covariates[k] + 0.0;
	if ((*state)->entries)
		row[1 + (*state)->covariates] = entry;
}

void
cox_rows_require(const CoxRows *state, int covariates, CoxTies ties)
{
	if (state->covariates != covariates)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("every row of cox_fit() must have the same number of covariates"),
				 errdetail("There are rows with %d and with %d.", state->covariates, covariates)));
	if (state->ties != (int32) ties)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the way to treat ties must be the same in every row")));
}

static void
check_row(const CoxRows *state, const double *row)
{
	if (!isfinite(row[0]))
		wire_corrupt(ROWS_NAME, "A duration in it is not finite.");
	for (int k = 0; k < state->covariates; k++)
		if (!isfinite(row[1 + k]))
			wire_corrupt(ROWS_NAME, "A covariate in it is not finite.");
	if (state->entries &&
		!(row[1 + state->covariates] == -1 ||
		  (row[1 + state->covariates] >= 0 && row[1 + state->covariates] < fabs(row[0]))))
		wire_corrupt(ROWS_NAME, "An entry in it is not before the end of its duration.");
}

bool
cox_rows_have_shape(const void *value)
{
	const CoxRows *state = value;

	return state->covariates >= 1 && state->covariates <= MAX_COVARIATES &&
		   (state->entries == 0 || state->entries == 1) && state->rows >= 0 &&
		   state->capacity >= state->rows &&
		   state->capacity <= (int64) (MaxAllocSize / sizeof(double)) &&
		   VARSIZE(state) == rows_size(cox_stride(state), state->capacity);
}

const CoxRows *
cox_rows_open(Datum value)
{
	const CoxRows *state =
		flat_open(value, WIRE_COX_ROWS, COX_ROWS_VERSION, sizeof(CoxRows), ROWS_NAME);

	if (!cox_rows_have_shape(state) || (state->ties != COX_EFRON && state->ties != COX_BRESLOW) ||
		state->zero != 0 || state->unknown < 0 || state->never_at_risk < 0)
		wire_corrupt(ROWS_NAME, "A number at its front is out of range.");
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

	return rows_rebuild(from, from->entries, Max(from->rows, FIRST_CAPACITY));
}

void *
cox_rows_merge(void *state, Datum value, WireKind kind)
{
	CoxRows *into = state;
	const CoxRows *from = cox_rows_open(value);

	cox_rows_require(into, from->covariates, (CoxTies) from->ties);
	rows_reserve(&into, from->rows, from->entries);
	count_add(&into->unknown, from->unknown);
	count_add(&into->never_at_risk, from->never_at_risk);
	if (into->entries == from->entries)
		memory_copy(cox_row(into, into->rows), cox_row(from, 0),
					sizeof(double) * cox_stride(from) * (Size) from->rows);
	else
		for (int64 i = 0; i < from->rows; i++)
		{
			double *row = cox_row(into, into->rows + i);

			CHECK_NOW_AND_THEN(i);
			memcpy(row, cox_row(from, i), sizeof(double) * cox_stride(from));
			row[1 + from->covariates] = -1;
		}
	into->rows += from->rows;
	return into;
}

void
cox_rows_write(Datum value, StringInfo out, WireKind kind)
{
	const CoxRows *state = cox_rows_open(value);

	wire_begin(out, WIRE_COX_ROWS, COX_ROWS_VERSION);
	wire_put_ints(out, state->covariates, state->ties, state->entries, state->unknown,
				  state->never_at_risk, state->rows);
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
	int entries = (int) wire_get_int_between(&in, 0, 1);
	int64 unknown = wire_get_int_between(&in, 0, PG_INT64_MAX);
	int64 never_at_risk = wire_get_int_between(&in, 0, PG_INT64_MAX);
	int64 rows;
	CoxRows *state;

	/* A number takes a byte at least. */
	rows = wire_get_int_between(&in, 0, (in.end - in.at) / (1 + covariates + entries) + 1);
	state = rows_alloc(covariates, ties, entries, Max(rows, 1));
	state->rows = rows;
	state->unknown = unknown;
	state->never_at_risk = never_at_risk;
	memory_clear(cox_row(state, 0), VARSIZE(state) - sizeof(CoxRows));
	for (int64 i = 0; i < rows; i++)
	{
		double *row = cox_row(state, i);

		CHECK_NOW_AND_THEN(i);
		for (int k = 0; k < cox_stride(state); k++)
			row[k] = wire_get_double(&in);
		check_row(state, row);
	}
	wire_end(&in);
	return state;
}
