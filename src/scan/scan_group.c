/*
 * scan_group.c
 *		The groups of a batch scan: from the rows of a batch to the aggregates of their groups.
 */
#include "retention.h"

#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "scan/scan_state.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define RECENT_PLACES 256
#define GROUPS_EXPECTED 64

void
scan_groups_begin(BatchScan *scan)
{
	CustomScan *plan = (CustomScan *) scan->css.ss.ps.plan;
	List *columns = list_nth(plan->custom_private, SCAN_GROUP_COLUMNS);
	List *operators = list_nth(plan->custom_private, SCAN_GROUP_EQUAL);
	List *collations = list_nth(plan->custom_private, SCAN_GROUP_COLLATIONS);
	TupleDesc input = scan->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	Oid *equal;

	scan->is_grouped = linitial_int(list_nth(plan->custom_private, SCAN_IS_GROUPED)) != 0;
	scan->ncolumns = list_length(columns);
	if (scan->ncolumns == 0)
		return;
	scan->columns = palloc(scan->ncolumns * sizeof(AttrNumber));
	scan->keys = palloc(scan->ncolumns * sizeof(AttrNumber));
	scan->collations = palloc(scan->ncolumns * sizeof(Oid));
	equal = palloc(scan->ncolumns * sizeof(Oid));
	scan->key_desc = CreateTemplateTupleDesc(scan->ncolumns);
	for (int i = 0; i < scan->ncolumns; i++)
	{
		scan->columns[i] = list_nth_int(columns, i) + 1;
		scan->keys[i] = i + 1;
		scan->collations[i] = list_nth_oid(collations, i);
		equal[i] = list_nth_oid(operators, i);
		TupleDescCopyEntry(scan->key_desc, i + 1, input, scan->naggregates + scan->columns[i]);
	}
	TupleDescFinalize(scan->key_desc);
	execTuplesHashPrepare(scan->ncolumns, equal, &scan->equal_functions, &scan->hash_functions);
	scan->key_slot =
		ExecInitExtraTupleSlot(scan->css.ss.ps.state, scan->key_desc, &TTSOpsMinimalTuple);
	scan->table_context = AllocSetContextCreate(scan->css.ss.ps.state->es_query_cxt,
												"retention groups", ALLOCSET_DEFAULT_SIZES);
	if (scan->ncolumns == 1 && TupleDescAttr(scan->key_desc, 0)->attbyval)
		scan->recent = palloc0(RECENT_PLACES * sizeof(struct ScanRecent));
}

void
scan_groups_reset(BatchScan *scan)
{
	scan->groups = NIL;
	scan->emitted = 0;
	scan->table = NULL;
	if (scan->table_context != NULL)
		MemoryContextReset(scan->table_context);
	if (scan->recent != NULL)
		memset(scan->recent, 0, RECENT_PLACES * sizeof(struct ScanRecent));
}

void
scan_list_group(BatchScan *scan, ScanGroup *group)
{
	MemoryContext old;

	if (group->listed)
		return;
	old = MemoryContextSwitchTo(scan->data);
	scan->groups = lappend(scan->groups, group);
	MemoryContextSwitchTo(old);
	group->listed = true;
}

static ScanGroup *
create_group(BatchScan *scan, MinimalTuple key)
{
	ScanGroup *group = MemoryContextAllocZero(
		scan->data, offsetof(ScanGroup, populations) + scan->naggregates * sizeof(Population *));

	group->key = key;
	group->states = scan_server_states(scan);
	scan_list_group(scan, group);
	return group;
}

/* The group of the key in key_slot. */
static ScanGroup *
find_group(BatchScan *scan)
{
	ExprContext *context = scan->css.ss.ps.ps_ExprContext;
	TupleHashEntry entry;
	void **place;
	bool is_new;

	if (scan->table == NULL)
		scan->table = tuple_hash_create(&scan->css.ss.ps, scan->key_desc, scan->ncolumns,
										scan->keys, scan->equal_functions, scan->hash_functions,
										scan->collations, GROUPS_EXPECTED, scan->table_context,
										scan->table_context, context->ecxt_per_tuple_memory);
	entry = LookupTupleHashEntry(scan->table, scan->key_slot, &is_new, NULL);
	ResetExprContext(context);
	place = tuple_hash_place(scan->table, entry);
	if (is_new)
		*place = create_group(scan, tuple_hash_tuple(entry));
	return *place;
}

/* The group of a key from another process; NULL: there are no columns to group by. */
ScanGroup *
scan_group_of_key(BatchScan *scan, MinimalTuple key)
{
	if (key == NULL)
		return scan->groups != NIL ? linitial(scan->groups) : create_group(scan, NULL);
	ExecStoreMinimalTuple(key, scan->key_slot, false);
	return find_group(scan);
}

static ScanGroup *
group_of_row(BatchScan *scan, int row)
{
	TupleTableSlot *slot = scan->key_slot;
	struct ScanRecent *recent = NULL;
	ScanGroup *group;

	if (scan->recent != NULL && !scan->batch.nulls[scan->columns[0] - 1][row])
	{
		Datum value = scan->batch.values[scan->columns[0] - 1][row];

		recent = &scan->recent[murmurhash32((uint32) value ^ (uint32) ((uint64) value >> 32)) %
							   RECENT_PLACES];
		if (recent->group != NULL && recent->value == value)
			return recent->group;
		recent->value = value;
	}
	ExecClearTuple(slot);
	for (int i = 0; i < scan->ncolumns; i++)
	{
		slot->tts_values[i] = scan->batch.values[scan->columns[i] - 1][row];
		slot->tts_isnull[i] = scan->batch.nulls[scan->columns[i] - 1][row];
	}
	ExecStoreVirtualTuple(slot);
	group = find_group(scan);
	if (recent != NULL)
		recent->group = group;
	return group;
}

/* ---- arguments ---- */

/* A constant is computed at the first row, as the executor would do, and kept until a re-scan. */
static void
open_aggregate(BatchScan *scan, ScanAggregate *aggregate)
{
	ExprContext *context = scan->css.ss.ps.ps_ExprContext;
	MemoryContext old;

	for (int a = 0; a < aggregate->narguments; a++)
	{
		ScanExpression *argument = &aggregate->arguments[a];
		Datum value;
		bool isnull;

		if (!argument->constant)
			continue;
		value = ExecEvalExprSwitchContext(argument->state, context, &isnull);
		if (!isnull)
		{
			int16 length;
			bool by_value;

			get_typlenbyval(argument->type, &length, &by_value);
			old = MemoryContextSwitchTo(scan->data);
			if (length == -1)
				value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
			else
				value = datumCopy(value, by_value, length);
			MemoryContextSwitchTo(old);
		}
		aggregate->call.constants[a] = value;
		aggregate->call.constant_nulls[a] = isnull;
	}
	old = MemoryContextSwitchTo(scan->data);
	if (aggregate->server == NULL && aggregate->call.methods->open != NULL)
		aggregate->call.methods->open(&aggregate->call);
	MemoryContextSwitchTo(old);
	aggregate->opened = true;
}

/* A column of smallint or integer as bigint. */
static void
to_bigint(const BatchScan *scan, ScanExpression *argument)
{
	const Datum *from = scan->batch.values[argument->column];

	if (argument->short_type == INT4OID)
		for (int row = 0; row < scan->batch.count; row++)
			argument->values[row] = Int64GetDatum(DatumGetInt32(from[row]));
	else
		for (int row = 0; row < scan->batch.count; row++)
			argument->values[row] = Int64GetDatum(DatumGetInt16(from[row]));
}

/* Put a row of the batch into the scan slot, for expressions. */
static void
store_row(BatchScan *scan, int row)
{
	TupleTableSlot *slot = scan->css.ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	for (int i = 0; i < scan->ninputs; i++)
	{
		slot->tts_values[scan->naggregates + i] = scan->batch.values[i][row];
		slot->tts_isnull[scan->naggregates + i] = scan->batch.nulls[i][row];
	}
	ExecStoreVirtualTuple(slot);
}

/* Set the columns of the arguments for this batch. */
static void
find_columns(BatchScan *scan, ScanAggregate *aggregate)
{
	for (int a = 0; a < aggregate->narguments; a++)
	{
		ScanExpression *argument = &aggregate->arguments[a];

		if (argument->constant)
			continue;
		if (OidIsValid(argument->short_type))
		{
			to_bigint(scan, argument);
			aggregate->columns[a] =
				(BatchColumn){argument->values, scan->batch.nulls[argument->column]};
		}
		else if (argument->column >= 0)
			aggregate->columns[a] = (BatchColumn){scan->batch.values[argument->column],
												  scan->batch.nulls[argument->column]};
		else
			aggregate->columns[a] = (BatchColumn){argument->values, argument->nulls};
	}
}

/* Whether the FILTER or an argument has to be computed from the rows. */
static bool
has_expressions(const ScanAggregate *aggregate)
{
	if (aggregate->has_filter && aggregate->filter.column < 0)
		return true;
	for (int a = 0; a < aggregate->narguments; a++)
		if (!aggregate->arguments[a].constant && aggregate->arguments[a].column < 0)
			return true;
	return false;
}

/* Whether a row passes the FILTER; arguments that are expressions are computed if it does. */
static bool
evaluate_row(BatchScan *scan, ScanAggregate *aggregate, int row)
{
	ExprContext *context = scan->css.ss.ps.ps_ExprContext;

	if (aggregate->has_filter)
	{
		const ScanExpression *filter = &aggregate->filter;
		bool isnull;
		Datum value;

		if (filter->column >= 0)
		{
			value = scan->batch.values[filter->column][row];
			isnull = scan->batch.nulls[filter->column][row];
		}
		else
			value = ExecEvalExpr(filter->state, context, &isnull);
		if (isnull || !DatumGetBool(value))
			return false;
	}
	for (int a = 0; a < aggregate->narguments; a++)
	{
		ScanExpression *argument = &aggregate->arguments[a];

		if (!argument->constant && argument->column < 0)
			argument->values[row] = ExecEvalExpr(argument->state, context, &argument->nulls[row]);
	}
	return true;
}

/*
 * Collect the rows from *from on that pass the FILTER; returns how many. Computed values are in the memory of the
 * expression context: where that grows large, *from is set to the row to continue with, else to the end of the batch.
 */
static int
evaluate(BatchScan *scan, ScanAggregate *aggregate, int *from, uint16 *rows)
{
	ExprContext *context = scan->css.ss.ps.ps_ExprContext;
	TupleTableSlot *slot = scan->css.ss.ss_ScanTupleSlot;
	bool computes = has_expressions(aggregate);
	int passed = 0;
	int row = *from;
	MemoryContext old;

	if (!computes && !aggregate->has_filter)
	{
		for (; row < scan->batch.count; row++)
			rows[passed++] = (uint16) row;
		*from = row;
		return passed;
	}
	if (computes)
	{
		memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
		context->ecxt_scantuple = slot;
	}
	old = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
	do
	{
		if (computes)
			store_row(scan, row);
		if (evaluate_row(scan, aggregate, row))
			rows[passed++] = (uint16) row;
		row++;
	} while (row < scan->batch.count &&
			 MemoryContextMemAllocated(context->ecxt_per_tuple_memory, true) < SCAN_BYTES);
	MemoryContextSwitchTo(old);
	*from = row;
	return passed;
}

static void
add_rows(BatchScan *scan, int number, ScanGroup *group, const uint16 *rows, int count)
{
	ScanAggregate *aggregate = &scan->aggregates[number];

	if (count == 0)
		return;
	if (aggregate->server != NULL)
		scan_server_add(scan, aggregate, &group->states[number], rows, count);
	else
		aggregate->call.methods->add(&aggregate->call, &group->populations[number],
									 scan->population_context, aggregate->columns, rows, count);
}

/* Add some rows of the batch to their groups; seen has the groups of the batch. */
static void
add_to_groups(BatchScan *scan, int number, ScanGroup *const *seen, int nseen, const uint16 *rows,
			  int count)
{
	int starts[SCAN_ROWS + 1];
	uint16 sorted[SCAN_ROWS];

	if (nseen == 1)
	{
		add_rows(scan, number, seen[0], rows, count);
		return;
	}
	memset(starts, 0, (nseen + 1) * sizeof(int));
	for (int r = 0; r < count; r++)
		starts[scan->row_groups[rows[r]]->place + 1]++;
	for (int g = 0; g < nseen; g++)
		starts[g + 1] += starts[g];
	for (int r = 0; r < count; r++)
		sorted[starts[scan->row_groups[rows[r]]->place]++] = rows[r];
	/* Each start is now where the next group begins. */
	for (int g = 0; g < nseen; g++)
	{
		int from = g == 0 ? 0 : starts[g - 1];

		add_rows(scan, number, seen[g], sorted + from, starts[g] - from);
	}
}

/* Add the rows of the batch to their groups. */
void
scan_batch(BatchScan *scan)
{
	ScanGroup *seen[SCAN_ROWS];
	int nseen = 0;

	if (scan->batch.count == 0)
		return;
	scan->batch_number++;
	if (scan->ncolumns == 0)
		seen[nseen++] = scan_group_of_key(scan, NULL);
	else
		for (int row = 0; row < scan->batch.count; row++)
		{
			ScanGroup *group = group_of_row(scan, row);

			if (group->seen_in != scan->batch_number)
			{
				group->seen_in = scan->batch_number;
				group->place = nseen;
				seen[nseen++] = group;
			}
			scan->row_groups[row] = group;
		}

	for (int i = 0; i < scan->naggregates; i++)
	{
		ScanAggregate *aggregate = &scan->aggregates[i];
		int row = 0;

		find_columns(scan, aggregate);
		while (row < scan->batch.count)
		{
			uint16 rows[SCAN_ROWS];
			int count = evaluate(scan, aggregate, &row, rows);
			MemoryContext old;

			if (count > 0)
			{
				if (!aggregate->opened)
					open_aggregate(scan, aggregate);
				old = MemoryContextSwitchTo(scan->population_context);
				add_to_groups(scan, i, seen, nseen, rows, count);
				MemoryContextSwitchTo(old);
			}
			ResetExprContext(scan->css.ss.ps.ps_ExprContext);
		}
	}
	MemoryContextReset(scan->temporary);
}

struct varlena *
scan_summary(BatchScan *scan, ScanGroup *group, int aggregate, Share share)
{
	const ScanAggregate *called = &scan->aggregates[aggregate];
	Population *population = group->populations[aggregate];

	if (called->server != NULL)
		return scan_server_summary(scan, called, &group->states[aggregate]);
	return population == NULL ? NULL : called->call.methods->summarise(population, share);
}

struct varlena *
scan_merge(BatchScan *scan, int aggregate, struct varlena *into, const struct varlena *other)
{
	const ScanAggregate *called = &scan->aggregates[aggregate];

	if (called->server != NULL)
		return scan_server_merge(scan, called, into, other);
	return called->call.methods->merge(into, other);
}

Datum
scan_finish(BatchScan *scan, int aggregate, struct varlena *summary, bool *isnull)
{
	const ScanAggregate *called = &scan->aggregates[aggregate];

	if (called->server != NULL)
		return scan_server_finish(scan, called, summary, isnull);
	*isnull = summary == NULL;
	return summary == NULL ? (Datum) 0 : called->finish->finish(summary, isnull);
}
