/*
 * scan_group.c
 *		The groups of a batch scan: from the rows of a batch to the aggregates of their groups.
 */
#include "retention.h"

#include "access/nbtree.h"
#include "catalog/pg_type_d.h"
#include "optimizer/optimizer.h"
#include "scan/scan_state.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#define RECENT_PLACES 1024
#define RECENT_WORDS 3
#define GROUPS_EXPECTED 64

/* A single key of few bytes, zeros behind them, and its group. Keys of the same bytes are equal, whatever the type. */
struct ScanRecent
{
	uint64 words[RECENT_WORDS];
	int length;
	ScanGroup *group; /* NULL: an empty place */
};

/* The columns that are needed when the rows of several pages are added to their groups. */
static void
find_copied(BatchScan *scan)
{
	TupleDesc input = scan->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	List *used = pull_var_clause((Node *) ((CustomScan *) scan->css.ss.ps.plan)->custom_exprs,
								 PVC_RECURSE_PLACEHOLDERS);
	ListCell *cell;

	scan->copied = palloc0(Max(scan->ninputs, 1) * sizeof(bool));
	foreach (cell, used)
	{
		int attribute = lfirst_node(Var, cell)->varattno - 1;

		if (!TupleDescAttr(input, attribute)->attbyval)
			scan->copied[attribute - scan->naggregates] = true;
	}
}

/* Whether all values that an operator calls equal have the same bytes. */
static bool
has_equal_bytes(Oid type, Oid equal, Oid collation)
{
	const TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY);
	Oid function;

	if (!OidIsValid(entry->btree_opf) ||
		get_opfamily_member(entry->btree_opf, entry->btree_opintype, entry->btree_opintype,
							BTEqualStrategyNumber) != equal)
		return false;
	function = get_opfamily_proc(entry->btree_opf, entry->btree_opintype, entry->btree_opintype,
								 BTEQUALIMAGE_PROC);
	return OidIsValid(function) &&
		   DatumGetBool(
			   OidFunctionCall1Coll(function, collation, ObjectIdGetDatum(entry->btree_opintype)));
}

void
scan_groups_begin(BatchScan *scan)
{
	CustomScan *plan = (CustomScan *) scan->css.ss.ps.plan;
	List *columns = list_nth(plan->custom_private, SCAN_GROUP_COLUMNS);
	List *operators = list_nth(plan->custom_private, SCAN_GROUP_EQUAL);
	List *collations = list_nth(plan->custom_private, SCAN_GROUP_COLLATIONS);
	TupleDesc input = scan->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	Oid *equal;

	scan->row_groups = palloc(scan->capacity * sizeof(ScanGroup *));
	scan->seen = palloc(scan->capacity * sizeof(ScanGroup *));
	scan->starts = palloc((scan->capacity + 1) * sizeof(int));
	scan->passed = palloc(scan->capacity * sizeof(uint16));
	scan->sorted = palloc(scan->capacity * sizeof(uint16));
	scan->batch_number = 1;
	find_copied(scan);
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
	scan->equal_bytes = palloc(scan->ncolumns * sizeof(bool));
	for (int i = 0; i < scan->ncolumns; i++)
		scan->equal_bytes[i] = has_equal_bytes(TupleDescAttr(scan->key_desc, i)->atttypid, equal[i],
											   scan->collations[i]);
	execTuplesHashPrepare(scan->ncolumns, equal, &scan->equal_functions, &scan->hash_functions);
	scan->key_slot =
		ExecInitExtraTupleSlot(scan->css.ss.ps.state, scan->key_desc, &TTSOpsMinimalTuple);
	scan->table_context = AllocSetContextCreate(scan->css.ss.ps.state->es_query_cxt,
												"retention groups", ALLOCSET_DEFAULT_SIZES);
	if (scan->ncolumns == 1)
		scan->recent = palloc0(RECENT_PLACES * sizeof(struct ScanRecent));
}

void
scan_groups_reset(BatchScan *scan)
{
	scan->groups = NIL;
	scan->emitted = 0;
	scan->batch.count = scan->grouped = scan->nseen = 0;
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

/* The place of a short key; NULL: it is not short. words and length become its own. */
static struct ScanRecent *
recent_place(const BatchScan *scan, Datum key, uint64 *words, int *length)
{
	const FormData_pg_attribute *column = TupleDescAttr(scan->key_desc, 0);
	const char *bytes = DatumGetPointer(key);
	uint64 hash;

	memset(words, 0, RECENT_WORDS * sizeof(uint64));
	*length = column->attlen;
	if (column->attbyval)
		words[0] = key;
	else
	{
		if (*length == -1)
		{
			if (VARATT_IS_EXTERNAL(bytes) || VARATT_IS_COMPRESSED(bytes))
				return NULL;
			*length = VARSIZE_ANY_EXHDR(bytes);
			bytes = VARDATA_ANY(bytes);
		}
		if (*length < 0 || *length > (int) (RECENT_WORDS * sizeof(uint64)))
			return NULL;
		memcpy(words, bytes, *length);
	}
	hash = words[0];
	for (int i = 1; i < RECENT_WORDS; i++)
		hash = (hash ^ hash >> 32) * UINT64CONST(0x9e3779b97f4a7c15) + words[i];
	hash = (hash ^ hash >> 32) * UINT64CONST(0x9e3779b97f4a7c15);
	return &scan->recent[hash >> 32 & (RECENT_PLACES - 1)];
}

static ScanGroup *
group_of_row(BatchScan *scan, int row)
{
	TupleTableSlot *slot = scan->key_slot;
	struct ScanRecent *recent = NULL;
	uint64 words[RECENT_WORDS];
	int length;
	ScanGroup *group;

	if (scan->recent != NULL && !scan->batch.nulls[scan->columns[0] - 1][row])
	{
		recent = recent_place(scan, scan->batch.values[scan->columns[0] - 1][row], words, &length);
		if (recent != NULL && recent->group != NULL && recent->length == length &&
			memcmp(recent->words, words, sizeof(words)) == 0)
			return recent->group;
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
	{
		memcpy(recent->words, words, sizeof(words));
		recent->length = length;
		recent->group = group;
	}
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
 * Collect the rows from *from on that pass the FILTER; returns how many. Computed values are in the
 * memory of the expression context: where that grows large, *from is set to the row to continue with, else to the end
 * of the batch.
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

/* Add some rows of the batch to their groups. */
static void
add_to_groups(BatchScan *scan, int number, const uint16 *rows, int count)
{
	int *starts = scan->starts;

	if (scan->nseen == 1)
	{
		add_rows(scan, number, scan->seen[0], rows, count);
		return;
	}
	memset(starts, 0, (scan->nseen + 1) * sizeof(int));
	for (int r = 0; r < count; r++)
		starts[scan->row_groups[rows[r]]->place + 1]++;
	for (int g = 0; g < scan->nseen; g++)
		starts[g + 1] += starts[g];
	for (int r = 0; r < count; r++)
		scan->sorted[starts[scan->row_groups[rows[r]]->place]++] = rows[r];
	/* Each start is now where the next group begins. */
	for (int g = 0; g < scan->nseen; g++)
	{
		int from = g == 0 ? 0 : starts[g - 1];

		add_rows(scan, number, scan->seen[g], scan->sorted + from, starts[g] - from);
	}
}

static void
see_group(BatchScan *scan, ScanGroup *group)
{
	group->seen_in = scan->batch_number;
	group->place = scan->nseen;
	scan->seen[scan->nseen++] = group;
}

/* Find the groups of the rows that are new in the batch. False: there are too many groups for the rest of them. */
static bool
group_rows(BatchScan *scan)
{
	if (scan->ncolumns == 0)
	{
		see_group(scan, scan_group_of_key(scan, NULL));
		scan->grouped = scan->batch.count;
	}
	for (; scan->grouped < scan->batch.count; scan->grouped++)
	{
		ScanGroup *group;

		if (scan_groups_are_full(scan))
			return false;
		group = group_of_row(scan, scan->grouped);
		scan->row_groups[scan->grouped] = group;
		if (group->seen_in != scan->batch_number)
			see_group(scan, group);
	}
	return true;
}

static void
add_batch(BatchScan *scan, int number)
{
	ScanAggregate *aggregate = &scan->aggregates[number];
	int row = 0;

	find_columns(scan, aggregate);
	while (row < scan->batch.count)
	{
		int count = evaluate(scan, aggregate, &row, scan->passed);
		MemoryContext old;

		if (count > 0)
		{
			if (!aggregate->opened)
				open_aggregate(scan, aggregate);
			old = MemoryContextSwitchTo(scan->population_context);
			add_to_groups(scan, number, scan->passed, count);
			MemoryContextSwitchTo(old);
		}
		ResetExprContext(scan->css.ss.ps.ps_ExprContext);
	}
}

/*
 * Add the rows to their groups. Where these become too many, they are divided, and the rest of the rows has no group.
 */
static void
add_to_all(BatchScan *scan)
{
	int count = scan->batch.count;
	int grouped;

	(void) group_rows(scan);
	grouped = scan->batch.count = scan->grouped;
	for (int i = 0; i < scan->naggregates; i++)
		add_batch(scan, i);
	if (scan_should_partition(scan))
		scan_partition(scan);
	scan->batch.count = count;
	scan->grouped = grouped;
}

void
scan_batch(BatchScan *scan)
{
	if (scan->batch.count == 0)
		return;
	if (scan->to == NULL)
		add_to_all(scan);
	if (scan->to != NULL)
		scan_partition_rows(scan);
	scan->batch.count = scan->grouped = scan->nseen = 0;
	scan->batch_number++;
	MemoryContextReset(scan->temporary);
}

void
scan_rows_read(BatchScan *scan)
{
	int from = scan->grouped;
	MemoryContext old;

	if (scan->capacity == SCAN_ROWS || scan->to != NULL || !group_rows(scan))
	{
		scan_batch(scan);
		return;
	}
	old = MemoryContextSwitchTo(scan->temporary);
	for (int column = 0; column < scan->ninputs; column++)
	{
		const FormData_pg_attribute *attribute = TupleDescAttr(
			scan->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor, scan->naggregates + column);

		if (scan->copied[column])
			for (int row = from; row < scan->batch.count; row++)
				if (!scan->batch.nulls[column][row])
					scan->batch.values[column][row] =
						datumCopy(scan->batch.values[column][row], false, attribute->attlen);
	}
	MemoryContextSwitchTo(old);
	if (scan->batch.count > scan->capacity - SCAN_ROWS ||
		MemoryContextMemAllocated(scan->temporary, false) >= SCAN_BYTES)
		scan_batch(scan);
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
