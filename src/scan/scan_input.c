/*
 * scan_input.c
 *		Rows into batches: a page of a heap at a time, or the rows of any other plan.
 *
 * heap_getnext() is called once for each page: it finds the next page, decides which of its rows are visible, and
 * informs the server's statistics and serializable transactions. The rest of its list of visible rows is then read
 * here.
 */
#include "retention.h"

#include "access/heapam.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "catalog/pg_type_d.h"
#include "executor/instrument.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "pgstat.h"
#include "scan/scan_state.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

StaticAssertDecl(MaxHeapTuplesPerPage <= SCAN_ROWS, "a page is a batch");

/* A condition of the scan that is evaluated without the executor. */
typedef struct ScanCondition
{
	AttrNumber attribute;
	bool null_test;
	bool wants_null;
	bool is_constant;
	StrategyNumber strategy;
	Oid type; /* of the column */
	ExprState *state;
	Oid value_type;
	bool opened; /* never and value are known */
	bool never;	 /* its constant is NULL */
	int64 value;
} ScanCondition;

/* Where a column of the table is found in a row. */
typedef struct ColumnSource
{
	AttrNumber attribute;
	int offset; /* from the start of the row's data, if no column before it is NULL; -1: not fixed */
	int16 length;
	bool by_value;
	ExprState *computed; /* not a column: computed from the row */
} ColumnSource;

typedef struct TableInput
{
	SeqScanState *scan;
	TupleDesc desc;
	ColumnSource *sources; /* by column of the input */
	AttrNumber last;	   /* the highest attribute of a source or condition */
	ScanCondition *conditions;
	int nconditions;
	ColumnSource *condition_sources;
	ExprState *qual; /* NULL: the conditions are all there is */
	bool plain;		 /* no column needs heap_getattr() where a row has no NULL */
	bool computes;	 /* some are computed */
} TableInput;

/* ---- conditions ---- */

static bool
is_whole_number(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

static int64
number_of(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
		case DATEOID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* A column compared with a value that is fixed for the scan, of types that compare as integers; or IS [NOT] NULL. */
static bool
condition_of(SeqScanState *scan, Expr *clause, ScanCondition *condition)
{
	Var *column;
	Expr *value;
	OpExpr *operation;
	Oid family;
	Oid comparison;

	memset(condition, 0, sizeof(ScanCondition));
	if (IsA(clause, NullTest))
	{
		NullTest *test = (NullTest *) clause;

		column = (Var *) test->arg;
		if (test->argisrow || !IsA(column, Var) || column->varattno <= 0)
			return false;
		condition->attribute = column->varattno;
		condition->null_test = true;
		condition->wants_null = test->nulltesttype == IS_NULL;
		return true;
	}
	if (!IsA(clause, OpExpr) || list_length(((OpExpr *) clause)->args) != 2)
		return false;
	operation = (OpExpr *) clause;
	comparison = operation->opno;
	column = linitial(operation->args);
	value = lsecond(operation->args);
	if (!IsA(column, Var))
	{
		column = lsecond(operation->args);
		value = linitial(operation->args);
		comparison = get_commutator(comparison);
	}
	if (!IsA(column, Var) || column->varattno <= 0 || !OidIsValid(comparison) ||
		!(IsA(value, Const) || IsA(value, Param)))
		return false;
	condition->type = column->vartype;
	condition->value_type = exprType((Node *) value);
	if (!(is_whole_number(condition->type) && is_whole_number(condition->value_type)) &&
		!(condition->type == condition->value_type &&
		  (condition->type == DATEOID || condition->type == TIMESTAMPOID ||
		   condition->type == TIMESTAMPTZOID)))
		return false;
	family = lookup_type_cache(condition->type, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
	condition->strategy = get_op_opfamily_strategy(comparison, family);
	if (condition->strategy == InvalidStrategy)
		return false;
	condition->attribute = column->varattno;
	condition->is_constant = IsA(value, Const);
	condition->state = ExecInitExpr(value, &scan->ss.ps);
	return true;
}

/* Evaluated when the first row gets here, as the executor would: it may be a sub-select. */
static void
open_condition(const TableInput *input, ScanCondition *condition)
{
	Datum value = ExecEvalExprSwitchContext(condition->state, input->scan->ss.ps.ps_ExprContext,
											&condition->never);

	if (!condition->never)
		condition->value = number_of(condition->value_type, value);
	condition->opened = true;
}

static inline bool
holds(const TableInput *input, ScanCondition *condition, Datum value, bool isnull)
{
	int64 number;

	if (condition->null_test)
		return isnull == condition->wants_null;
	if (unlikely(!condition->opened))
		open_condition(input, condition);
	if (isnull || condition->never)
		return false;
	number = number_of(condition->type, value);
	switch (condition->strategy)
	{
		case BTLessStrategyNumber:
			return number < condition->value;
		case BTLessEqualStrategyNumber:
			return number <= condition->value;
		case BTEqualStrategyNumber:
			return number == condition->value;
		case BTGreaterEqualStrategyNumber:
			return number >= condition->value;
		default:
			return number > condition->value;
	}
}

/* ---- layouts ---- */

static ColumnSource
source_of(TupleDesc desc, AttrNumber attribute)
{
	ColumnSource source = {.attribute = attribute, .offset = 0};

	if (attribute <= 0)
	{
		source.offset = -1;
		return source;
	}
	for (int i = 0; i < attribute; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		source.offset = att_align_nominal(source.offset, column->attalign);
		if (i == attribute - 1)
		{
			/* A value of variable length may be aligned or not: only the first column has a fixed offset. */
			if (column->attlen < 0 && i > 0)
				source.offset = -1;
			source.length = column->attlen;
			source.by_value = column->attbyval;
		}
		else if (column->attlen < 0)
		{
			source.offset = -1;
			source.length = TupleDescAttr(desc, attribute - 1)->attlen;
			source.by_value = TupleDescAttr(desc, attribute - 1)->attbyval;
			break;
		}
		else
			source.offset += column->attlen;
	}
	return source;
}

/* What an entry of the target list is in a row of the table. */
static void
open_source(TableInput *input, ColumnSource *source, Expr *expression)
{
	const Var *var = (const Var *) expression;

	if (IsA(var, Var))
	{
		*source = source_of(input->desc, var->varattno);
		input->last = Max(input->last, var->varattno);
	}
	else
	{
		*source =
			(ColumnSource){.offset = -1, .computed = ExecInitExpr(expression, &input->scan->ss.ps)};
		input->computes = true;
	}
	input->plain = input->plain && source->offset >= 0;
}

/*
 * A scan of a heap whose target list has columns and what is computed from them; NULL for any other plan, which is read
 * row by row.
 */
static TableInput *
table_input(BatchScan *scan, PlanState *child)
{
	SeqScanState *table = (SeqScanState *) child;
	TableInput *input;
	ListCell *cell;
	int column = 0;

	/* A function may change the session's time zone: read_rows() sees it. */
	if (!IsA(child, SeqScanState) || contain_volatile_functions((Node *) child->plan->qual) ||
		contain_volatile_functions((Node *) child->plan->targetlist) ||
		list_length(child->plan->targetlist) != scan->ninputs ||
		table->ss.ss_currentRelation->rd_tableam != GetHeapamTableAmRoutine() ||
		!IsMVCCSnapshot(child->state->es_snapshot))
		return NULL;
	/* A ctid would be a pointer into memory that the next row uses, too, and so might be what a sub-select returns. */
	foreach (cell, pull_var_clause((Node *) child->plan->targetlist, PVC_RECURSE_PLACEHOLDERS))
	{
		const Var *var = lfirst_node(Var, cell);

		if (var->varattno == 0 || var->varattno == SelfItemPointerAttributeNumber)
			return NULL;
	}
	if (contain_subplans((Node *) child->plan->targetlist))
		return NULL;

	input = palloc0(sizeof(TableInput));
	input->scan = table;
	input->desc = RelationGetDescr(table->ss.ss_currentRelation);
	input->sources = palloc(Max(scan->ninputs, 1) * sizeof(ColumnSource));
	input->plain = true;
	foreach (cell, child->plan->targetlist)
		open_source(input, &input->sources[column++], lfirst_node(TargetEntry, cell)->expr);

	input->conditions = palloc(Max(list_length(child->plan->qual), 1) * sizeof(ScanCondition));
	input->condition_sources =
		palloc(Max(list_length(child->plan->qual), 1) * sizeof(ColumnSource));
	foreach (cell, child->plan->qual)
	{
		ScanCondition *condition = &input->conditions[input->nconditions];

		/* A possible sub-select keeps its place: it must not run for rows that fail an earlier condition. */
		if (condition_of(table, lfirst(cell), condition) &&
			(input->qual == NULL || condition->null_test || condition->is_constant))
		{
			input->condition_sources[input->nconditions] =
				source_of(input->desc, condition->attribute);
			input->plain = input->plain && input->condition_sources[input->nconditions].offset >= 0;
			input->last = Max(input->last, condition->attribute);
			input->nconditions++;
		}
		else
			input->qual = child->qual;
	}
	return input;
}

/* ---- rows ---- */

/* Whether the columns of a row, up to the last one that is needed, are stored and not NULL. */
static inline bool
is_whole(HeapTupleHeader row, AttrNumber last)
{
	if (HeapTupleHeaderGetNatts(row) < last)
		return false;
	if ((row->t_infomask & HEAP_HASNULL) != 0)
	{
		int whole = last / 8;
		int rest = last % 8;

		for (int i = 0; i < whole; i++)
			if (row->t_bits[i] != 0xff)
				return false;
		if (rest > 0 && (row->t_bits[whole] | (0xff << rest & 0xff)) != 0xff)
			return false;
	}
	return true;
}

static inline Datum
fetch(const ColumnSource *source, const char *data)
{
	const char *at = data + source->offset;

	if (source->by_value)
		switch (source->length)
		{
			case 8:
				return *(const Datum *) at;
			case 4:
				return Int32GetDatum(*(const int32 *) at);
			case 2:
				return Int16GetDatum(*(const int16 *) at);
			default:
				return CharGetDatum(*at);
		}
	return PointerGetDatum(at);
}

static inline Datum
fetch_any(const TableInput *input, const ColumnSource *source, HeapTuple tuple, bool whole,
		  bool *isnull)
{
	if (whole && source->offset >= 0)
	{
		*isnull = false;
		return fetch(source, (const char *) tuple->t_data + tuple->t_data->t_hoff);
	}
	return heap_getattr(tuple, source->attribute, input->desc, isnull);
}

/* Whether a row meets the conditions of the scan. */
static inline bool
passes(TableInput *input, HeapTuple tuple, bool whole, Buffer buffer)
{
	for (int i = 0; i < input->nconditions; i++)
	{
		bool isnull;
		Datum value = fetch_any(input, &input->condition_sources[i], tuple, whole, &isnull);

		if (!holds(input, &input->conditions[i], value, isnull))
			return false;
	}
	if (input->qual != NULL)
	{
		ExprContext *context = input->scan->ss.ps.ps_ExprContext;
		TupleTableSlot *slot = input->scan->ss.ss_ScanTupleSlot;

		ResetExprContext(context);
		ExecStoreBufferHeapTuple(tuple, slot, buffer);
		context->ecxt_scantuple = slot;
		return ExecQual(input->qual, context);
	}
	return true;
}

/* The columns of rows that have all of them at their fixed offsets, from the first free place of the batch on. */
static void
fetch_columns(BatchScan *scan, const TableInput *input, const char *const *rows, int count)
{
	for (int column = 0; column < scan->ninputs; column++)
	{
		const ColumnSource *source = &input->sources[column];
		Datum *values = scan->batch.values[column] + scan->batch.count;
		int offset = source->offset;

		memset(scan->batch.nulls[column] + scan->batch.count, false, count * sizeof(bool));
		if (!source->by_value)
			for (int i = 0; i < count; i++)
				values[i] = PointerGetDatum(rows[i] + offset);
		else if (source->length == 8)
			for (int i = 0; i < count; i++)
				values[i] = *(const Datum *) (rows[i] + offset);
		else if (source->length == 4)
			for (int i = 0; i < count; i++)
				values[i] = Int32GetDatum(*(const int32 *) (rows[i] + offset));
		else
			for (int i = 0; i < count; i++)
				values[i] = fetch(source, rows[i]);
	}
}

/* One row, whose columns need not be at fixed offsets, as the last one of the batch. */
static void
fetch_row(BatchScan *scan, TableInput *input, HeapTuple tuple, bool whole, Buffer buffer, int row)
{
	ExprContext *context = input->scan->ss.ps.ps_ExprContext;
	MemoryContext old;

	if (input->computes)
	{
		ExecStoreBufferHeapTuple(tuple, input->scan->ss.ss_ScanTupleSlot, buffer);
		context->ecxt_scantuple = input->scan->ss.ss_ScanTupleSlot;
	}
	old = MemoryContextSwitchTo(scan->temporary);
	for (int column = 0; column < scan->ninputs; column++)
	{
		const ColumnSource *source = &input->sources[column];
		bool *isnull = &scan->batch.nulls[column][row];

		scan->batch.values[column][row] = source->computed != NULL
											  ? ExecEvalExpr(source->computed, context, isnull)
											  : fetch_any(input, source, tuple, whole, isnull);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Put the rows of the current page of heap_getnext(), from the current row on, into the batch. Values that are passed
 * by reference stay on the page. Where computed values grow large, the rest of the page is left for the next call.
 */
static void
read_page(BatchScan *scan, TableInput *input, HeapScanDesc heap)
{
	Page page = BufferGetPage(heap->rs_cbuf);
	int from = heap->rs_cindex;
	int until = heap->rs_ntuples;
	bool choosy = input->nconditions > 0 || input->qual != NULL;
	const char *data[MaxHeapTuplesPerPage];
	int count = 0; /* rows in data, as long as all have their columns at fixed offsets */
	int taken = 0; /* rows whose columns are in the batch */
	HeapTupleData tuple;

	tuple.t_tableOid = RelationGetRelid(heap->rs_base.rs_rd);
	for (int i = from; i < until; i++)
	{
		OffsetNumber offset = heap->rs_vistuples[i];
		ItemId item = PageGetItemId(page, offset);
		bool whole;

		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		whole = is_whole(tuple.t_data, input->last);
		if (choosy || !whole || !input->plain)
		{
			tuple.t_len = ItemIdGetLength(item);
			ItemPointerSet(&tuple.t_self, BufferGetBlockNumber(heap->rs_cbuf), offset);
			if (choosy && !passes(input, &tuple, whole, heap->rs_cbuf))
				continue;
		}
		if (likely(whole && input->plain && taken == 0))
		{
			data[count++] = (const char *) tuple.t_data + tuple.t_data->t_hoff;
			continue;
		}
		/* Row by row from the first one that differs. */
		if (taken == 0 && count > 0)
		{
			fetch_columns(scan, input, data, count);
			taken = count;
		}
		fetch_row(scan, input, &tuple, whole, heap->rs_cbuf, scan->batch.count + taken++);
		if (input->computes && MemoryContextMemAllocated(scan->temporary, false) >= SCAN_BYTES)
			until = i + 1;
	}
	if (taken == 0)
	{
		fetch_columns(scan, input, data, count);
		taken = count;
	}
	InstrCountFiltered1(input->scan, until - from - taken);
	count_heap_rows(heap->rs_base.rs_rd, until - from - 1);
	scan->batch.count += taken;
	/* The rows until there have been read; the page stays pinned until the next heap_getnext(). */
	heap->rs_cindex = until - 1;
	if (input->qual != NULL || input->computes)
		ExecClearTuple(input->scan->ss.ss_ScanTupleSlot);
}

static void
read_table(BatchScan *scan, TableInput *input)
{
	PlanState *child = &input->scan->ss.ps;
	TableScanDesc table = input->scan->ss.ss_currentScanDesc;

	/* Begin it as the child would; in a parallel plan that is done already. */
	if (table == NULL)
	{
		table = begin_table_scan(input->scan->ss.ss_currentRelation, child->state->es_snapshot);
		input->scan->ss.ss_currentScanDesc = table;
	}
	for (;;)
	{
		HeapTuple tuple;
		int before;

		CHECK_FOR_INTERRUPTS();
		if (child->instrument != NULL)
			InstrStartNode(child->instrument);
		tuple = heap_getnext(table, ForwardScanDirection);
		if (tuple == NULL)
		{
			if (child->instrument != NULL)
				InstrStopNode(child->instrument, 0);
			break;
		}
		before = scan->batch.count;
		read_page(scan, input, (HeapScanDesc) table);
		if (child->instrument != NULL)
			InstrStopNode(child->instrument, scan->batch.count - before);
		scan_rows_read(scan);
		scan_share_join(scan);
	}
	scan_batch(scan);
}

void
scan_in_zone(BatchScan *scan, void (*pass)(BatchScan *scan))
{
	pg_tz *zone = session_timezone;

	PG_TRY();
	{
		session_timezone = scan->zone;
		pass(scan);
	}
	PG_FINALLY();
	{
		session_timezone = zone;
	}
	PG_END_TRY();
	scan_share_join(scan);
}

/* Append a row to the batch. Values that are passed by reference are copied, since the next row replaces them. */
static void
copy_row(BatchScan *scan, TupleTableSlot *slot)
{
	int row = scan->batch.count++;
	MemoryContext old = MemoryContextSwitchTo(scan->temporary);

	for (int column = 0; column < scan->ninputs; column++)
	{
		Form_pg_attribute attribute = TupleDescAttr(slot->tts_tupleDescriptor, column);
		bool isnull = slot->tts_isnull[column];

		scan->batch.nulls[column][row] = isnull;
		scan->batch.values[column][row] =
			isnull || attribute->attbyval
				? slot->tts_values[column]
				: datumCopy(slot->tts_values[column], false, attribute->attlen);
	}
	MemoryContextSwitchTo(old);
}

/* Any other plan. */
static void
read_rows(BatchScan *scan, PlanState *child)
{
	for (;;)
	{
		TupleTableSlot *slot;

		CHECK_FOR_INTERRUPTS();
		slot = ExecProcNode(child);
		if (TupIsNull(slot))
			break;
		if (session_timezone != scan->zone)
		{
			scan_in_zone(scan, scan_batch);
			scan->zone = session_timezone;
		}
		slot_getsomeattrs(slot, scan->ninputs);
		copy_row(scan, slot);
		if (scan->batch.count == scan->capacity ||
			MemoryContextMemAllocated(scan->temporary, false) >= SCAN_BYTES)
			scan_in_zone(scan, scan_batch);
	}
	scan_in_zone(scan, scan_batch);
}

void
scan_read(BatchScan *scan)
{
	EState *estate = scan->css.ss.ps.state;
	MemoryContext inputs =
		AllocSetContextCreate(estate->es_query_cxt, "retention input", ALLOCSET_SMALL_SIZES);
	ListCell *cell;

	foreach (cell, scan->css.custom_ps)
	{
		PlanState *child = lfirst(cell);
		TableInput *input;
		MemoryContext old;

		if (child->chgParam != NULL)
			ExecReScan(child);
		old = MemoryContextSwitchTo(inputs);
		input = table_input(scan, child);
		MemoryContextSwitchTo(old);
		scan->zone = session_timezone;
		if (input != NULL)
			read_table(scan, input);
		else
			read_rows(scan, child);
	}
	MemoryContextDelete(inputs);
}
