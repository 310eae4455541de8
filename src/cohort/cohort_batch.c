/*
 * cohort_batch.c
 *		cohort_retention for the batch scan: many rows at a time.
 */
#include "retention.h"

#include "cohort/cohort_batch.h"
#include "population/population_key.h"
#include "time/moment.h"

void
cohort_null_grid(void)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("the grid of cohort_retention must not be null")));
}

/* Rows that are looked up at a time. */
#define PLAIN_ROWS 512

static const Grid *
grid_of_call(const BatchCall *call)
{
	const BatchMethods *methods = call->methods;
	int argument = methods->form == ROW_ANCHOR ? 3 : 2;

	if (methods->form == ROW_MONTHS)
		return grid_open_text(COHORT_DEFAULT_GRID, strlen(COHORT_DEFAULT_GRID));
	if (call->constant_nulls[argument])
		cohort_null_grid();
	return grid_open(call->constants[argument]);
}

void
cohort_batch_open(BatchCall *call)
{
	const BatchMethods *methods = call->methods;
	const Grid *grid = grid_of_call(call);

	if (methods->key == KEY_TEXT)
		population_require_byte_equality(call->collation);
	call->private_data = lookup_create(grid, methods->kind);
}

/* Rows of one form and type of customer. The compiler makes code for each. */
static pg_attribute_always_inline void
add_rows(const Grid *grid, PeriodLookup *lookup, KeyKind key, RowForm form, TimeKind anchor_kind,
		 TimeKind kind, Population *population, const BatchColumn *columns, const uint16 *rows,
		 int count)
{
	const BatchColumn *customers = &columns[0];
	const BatchColumn *times = &columns[form == ROW_ANCHOR ? 2 : 1];
	PopulationTotals totals = {0, 0, PG_INT64_MAX, PG_INT64_MIN, 0};

	for (int i = 0; i < count; i++)
	{
		int n = rows[i];
		Event events[2];
		int nevents;
		CohortRow row = {.has_customer = !customers->nulls[n], .has_at = !times->nulls[n]};

		if (row.has_at)
			row.at = moment_of_datum(kind, times->values[n]);
		if (form == ROW_ANCHOR)
		{
			row.has_anchor = !columns[1].nulls[n];
			if (row.has_anchor)
				row.anchor = moment_of_datum(anchor_kind, columns[1].values[n]);
		}
		if (form == ROW_FLAGS || form == ROW_MAY)
		{
			row.is_start = !columns[3].nulls[n] && DatumGetBool(columns[3].values[n]);
			row.is_return = !columns[4].nulls[n] && DatumGetBool(columns[4].values[n]);
		}
		if (form == ROW_MAY)
			row.may_start = !columns[5].nulls[n] && DatumGetBool(columns[5].values[n]);
		nevents = cohort_row_events(grid, lookup, form, anchor_kind, kind, &row, &totals, events);
		for (int e = 0; e < nevents; e++)
			population_add_value(population, key, customers->values[n], events[e]);
	}
	population_totals_add(population_totals(population), &totals);
}

/* Plain rows of integer customers, without making events of them. */
static void
add_plain_rows(const Grid *grid, PeriodLookup *lookup, TimeKind kind, Population *population,
			   const BatchColumn *columns, const uint16 *rows, int count)
{
	const bool elapsed = grid->windows == GRID_ELAPSED;
	const Datum *customers = columns[0].values;
	const Datum *times = columns[1].values;
	const bool *no_customer = columns[0].nulls;
	const bool *no_time = columns[1].nulls;
	int64 keys[PLAIN_ROWS];
	int64 values[PLAIN_ROWS];
	PopulationTotals totals = {count, 0, PG_INT64_MAX, PG_INT64_MIN, 0};

	for (int done = 0; done < count;)
	{
		int until = Min(count, done + PLAIN_ROWS);
		int used = 0;
		int64 first = PG_INT64_MAX;
		int64 latest = PG_INT64_MIN;

		for (; done < until; done++)
		{
			int n = rows[done];
			int64 at, period;

			if (unlikely(no_customer[n] | no_time[n]))
				continue;
			at = moment_of_datum(kind, times[n]);
			if (unlikely(!lookup_known_period(lookup, grid, at, &period)))
				continue;
			first = Min(first, at);
			latest = Max(latest, at);
			keys[used] = DatumGetInt64(customers[n]);
			values[used++] = elapsed ? at : period;
		}
		totals.first = Min(totals.first, first);
		totals.latest = Max(totals.latest, latest);
		totals.ignored -= used;
		population_add_plain(population, keys, values, used);
	}
	totals.ignored += count;
	population_totals_add(population_totals(population), &totals);
}

void
cohort_batch_add(BatchCall *call, Population **population, MemoryContext context,
				 const BatchColumn *columns, const uint16 *rows, int count)
{
	const BatchMethods *methods = call->methods;
	const Grid *grid = grid_of_call(call);
	const bool is_plain = methods->form == ROW_PLAIN || methods->form == ROW_MONTHS;
	PeriodLookup *lookup = call->private_data;
	PopulationIdentity identity = cohort_identity(grid, methods->key, methods->form, methods->kind);

	if (*population == NULL)
		*population = population_create(&identity, context);
	else if (unlikely(!population_same_tag(population_identity(*population), &identity)))
	{
		const PopulationIdentity *before = population_identity(*population);

		grid_mismatch(pnstrdup(before->tag, before->tag_length), grid->text);
	}
	population_expect(*population, count);
	if (unlikely(lookup->zone != grid->zone))
	{
		pfree(lookup);
		call->private_data = lookup = lookup_create(grid, methods->kind);
	}
	/* The most frequent forms have code of their own. */
	if (is_plain && methods->key == KEY_INT64)
		add_plain_rows(grid, lookup, methods->kind, *population, columns, rows, count);
	else if (is_plain)
		add_rows(grid, lookup, methods->key, ROW_PLAIN, TIME_INSTANT, methods->kind, *population,
				 columns, rows, count);
	else if (methods->form == ROW_FLAGS)
		add_rows(grid, lookup, methods->key, ROW_FLAGS, TIME_INSTANT, methods->kind, *population,
				 columns, rows, count);
	else if (methods->form == ROW_MAY)
		add_rows(grid, lookup, methods->key, ROW_MAY, TIME_INSTANT, methods->kind, *population,
				 columns, rows, count);
	else
		add_rows(grid, lookup, methods->key, ROW_ANCHOR, methods->anchor_kind, methods->kind,
				 *population, columns, rows, count);
}

struct varlena *
cohort_batch_summarise(Population *population, Share share)
{
	return (struct varlena *) cohort_build(population, share);
}

struct varlena *
cohort_batch_merge(struct varlena *into, const struct varlena *other)
{
	return (struct varlena *) cohort_merge((Cohorts *) into, (const Cohorts *) other);
}
