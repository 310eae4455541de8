/*
 * scan.c
 *		The node of a batch scan: begin, emit, end.
 *
 * All rows are read at the first call, and nothing is emitted before the last process has read its last row. A group's
 * answers are computed when its row is fetched, so that one group's answers at a time are in memory.
 */
#include "retention.h"

#include "access/htup_details.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type_d.h"
#include "executor/instrument.h"
#include "nodes/nodeFuncs.h"
#include "scan/scan_state.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

static void begin_scan(CustomScanState *node, EState *estate, int flags);
static TupleTableSlot *exec_scan(CustomScanState *node);
static void end_scan(CustomScanState *node);
static void rescan(CustomScanState *node);

const CustomExecMethods scan_exec_methods = {.CustomName = SCAN_NAME,
											 .BeginCustomScan = begin_scan,
											 .ExecCustomScan = exec_scan,
											 .EndCustomScan = end_scan,
											 .ReScanCustomScan = rescan,
											 .EstimateDSMCustomScan = scan_share_estimate,
											 .InitializeDSMCustomScan = scan_share_create,
											 .ReInitializeDSMCustomScan = scan_share_reset,
											 .InitializeWorkerCustomScan = scan_share_open,
											 .ShutdownCustomScan = scan_share_shutdown,
											 .ExplainCustomScan = scan_share_explain};

Node *
scan_create_state(CustomScan *plan)
{
	BatchScan *scan = palloc0(sizeof(BatchScan));

	NodeSetTag(scan, T_CustomScanState);
	scan->css.methods = &scan_exec_methods;
	return (Node *) scan;
}

/* The column of the input that an expression is, or -1. Types that share their bytes are the same column. */
static int
column_of(const BatchScan *scan, Node *expression, Oid *short_type)
{
	while (IsA(expression, RelabelType))
		expression = (Node *) ((RelabelType *) expression)->arg;
	*short_type = InvalidOid;
	if (IsA(expression, FuncExpr))
	{
		const FuncExpr *call = (const FuncExpr *) expression;

		if (call->funcid != F_INT8_INT4 && call->funcid != F_INT8_INT2)
			return -1;
		*short_type = call->funcid == F_INT8_INT4 ? INT4OID : INT2OID;
		expression = linitial(call->args);
	}
	if (IsA(expression, Var) && ((Var *) expression)->varno == INDEX_VAR)
		return ((Var *) expression)->varattno - 1 - scan->naggregates;
	*short_type = InvalidOid;
	return -1;
}

static void
begin_expression(BatchScan *scan, ScanExpression *expression, Expr *node, bool constant)
{
	expression->column = constant ? -1 : column_of(scan, (Node *) node, &expression->short_type);
	expression->constant = constant;
	expression->type = exprType((Node *) node);
	if (expression->column < 0)
		expression->state = ExecInitExpr(node, &scan->css.ss.ps);
	if (!constant && (expression->column < 0 || OidIsValid(expression->short_type)))
	{
		expression->values = palloc0(scan->capacity * sizeof(Datum));
		expression->nulls = palloc0(scan->capacity * sizeof(bool));
	}
}

static void
require_execute(Oid function, Oid role, ObjectType type)
{
	AclResult result = function_privilege(function, role, ACL_EXECUTE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, type, get_func_name(function));
	InvokeFunctionExecuteHook(function);
}

void
scan_require_privileges(Oid aggregate, const Oid *functions, int count)
{
	HeapTuple tuple;
	Oid owner;

	require_execute(aggregate, GetUserId(), OBJECT_AGGREGATE);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(aggregate));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", aggregate);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	for (int i = 0; i < count; i++)
		if (OidIsValid(functions[i]))
			require_execute(functions[i], owner, OBJECT_FUNCTION);
}

static void
begin_scan(CustomScanState *node, EState *estate, int flags)
{
	BatchScan *scan = (BatchScan *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;
	List *arguments = list_nth(plan->custom_private, SCAN_ARGUMENTS);
	ListCell *expression = list_head(plan->custom_exprs);
	ListCell *cell;

	scan->naggregates = list_length(arguments);
	scan->capacity =
		list_nth(plan->custom_private, SCAN_GROUP_COLUMNS) != NIL ? SCAN_GROUPED_ROWS : SCAN_ROWS;
	scan->ninputs = list_length(plan->custom_scan_tlist) - scan->naggregates;
	foreach (cell, plan->custom_plans)
		node->custom_ps = lappend(node->custom_ps, ExecInitNode(lfirst(cell), estate, flags));

	scan->aggregates = palloc0(scan->naggregates * sizeof(ScanAggregate));
	for (int i = 0; i < scan->naggregates; i++)
	{
		ScanAggregate *aggregate = &scan->aggregates[i];
		const TargetEntry *entry = list_nth_node(TargetEntry, plan->custom_scan_tlist, i);
		const Aggref *aggref = castNode(Aggref, entry->expr);
		int count = list_nth_int(arguments, i);
		AggregateParts parts;

		if (scan_is_server_aggregate(aggref))
			scan_server_begin(scan, aggregate, aggref);
		else if (!scan_find_parts(aggref->aggfnoid, &parts))
			ereport(
				ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the functions of aggregate %s have changed since the query was planned",
						get_func_name(aggref->aggfnoid))));
		else
		{
			scan_require_privileges(aggref->aggfnoid, (Oid[]){parts.final, parts.transition}, 2);
			aggregate->call.methods = parts.methods;
			aggregate->finish = parts.finish;
			aggregate->call.collation = aggref->inputcollid;
		}
		aggregate->has_filter = (count & SCAN_FILTER) != 0;
		aggregate->narguments = count & ~SCAN_FILTER;
		for (int a = 0; a < aggregate->narguments; a++)
		{
			begin_expression(scan, &aggregate->arguments[a], lfirst(expression),
							 aggregate->server == NULL &&
								 (aggregate->call.methods->constants & (1 << a)) != 0);
			expression = lnext(plan->custom_exprs, expression);
		}
		if (aggregate->has_filter)
		{
			begin_expression(scan, &aggregate->filter, lfirst(expression), false);
			expression = lnext(plan->custom_exprs, expression);
		}
	}

	scan->batch.values = palloc(scan->ninputs * sizeof(Datum *));
	scan->batch.nulls = palloc(scan->ninputs * sizeof(bool *));
	for (int i = 0; i < scan->ninputs; i++)
	{
		scan->batch.values[i] = palloc0(scan->capacity * sizeof(Datum));
		scan->batch.nulls[i] = palloc0(scan->capacity * sizeof(bool));
	}
	scan->data =
		AllocSetContextCreate(estate->es_query_cxt, "retention scan", ALLOCSET_DEFAULT_SIZES);
	scan->population_context =
		AllocSetContextCreate(scan->data, "retention populations", ALLOCSET_DEFAULT_SIZES);
	scan->temporary =
		AllocSetContextCreate(estate->es_query_cxt, "retention batch", ALLOCSET_DEFAULT_SIZES);
	scan_groups_begin(scan);
}

/* Put a group's answers and key into the scan slot. Everything is allocated in the current context. */
static TupleTableSlot *
store_group(BatchScan *scan, ScanGroup *group)
{
	TupleTableSlot *slot = scan->css.ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < scan->naggregates; i++)
	{
		struct varlena *summary = scan->nstreams > 0 ? scan_share_summary(scan, i)
													 : scan_summary(scan, group, i, (Share){0, 1});

		slot->tts_values[i] = scan_finish(scan, i, summary, &slot->tts_isnull[i]);
	}
	if (group->key != NULL)
	{
		ExecStoreMinimalTuple(group->key, scan->key_slot, false);
		slot_getallattrs(scan->key_slot);
		for (int i = 0; i < scan->ncolumns; i++)
		{
			int column = scan->naggregates + scan->columns[i] - 1;

			slot->tts_values[column] = scan->key_slot->tts_values[i];
			slot->tts_isnull[column] = scan->key_slot->tts_isnull[i];
		}
	}
	return ExecStoreVirtualTuple(slot);
}

static void
read_all(BatchScan *scan)
{
	scan->done = true;
	if (scan->shared != NULL && !scan_share_attach(scan))
		return;
	scan->most_groups = scan_most_groups(scan);
	scan_read(scan);
	/* Without GROUP BY there is an answer even without rows. */
	if (!scan->is_grouped)
		(void) scan_group_of_key(scan, NULL);
	if (scan->shared == NULL)
		scan_partition_end(scan);
	scan->emits = scan->shared == NULL || scan_share_finish(scan);
}

/* A group's summaries live until its row has been taken: the next call frees them. */
static TupleTableSlot *
exec_scan(CustomScanState *node)
{
	BatchScan *scan = (BatchScan *) node;
	ExprContext *context = node->ss.ps.ps_ExprContext;

	if (!scan->done)
		read_all(scan);
	while (scan->emits)
	{
		ScanGroup *group;
		MemoryContext old;

		if (scan->emitted == list_length(scan->groups))
		{
			if (!scan_next_partition(scan))
				break;
			continue;
		}
		group = list_nth(scan->groups, scan->emitted++);
		CHECK_FOR_INTERRUPTS();
		ResetExprContext(context);
		old = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
		context->ecxt_scantuple = store_group(scan, group);
		MemoryContextSwitchTo(old);
		if (!ExecQual(node->ss.ps.qual, context))
		{
			InstrCountFiltered1(node, 1);
			continue;
		}
		if (node->ss.ps.ps_ProjInfo != NULL)
			return ExecProject(node->ss.ps.ps_ProjInfo);
		return node->ss.ss_ScanTupleSlot;
	}
	return ExecClearTuple(node->ss.ps.ps_ResultTupleSlot);
}

static void
end_scan(CustomScanState *node)
{
	BatchScan *scan = (BatchScan *) node;
	ListCell *cell;

	scan_share_close(scan);
	scan_partitions_close(scan);
	foreach (cell, node->custom_ps)
		ExecEndNode(lfirst(cell));
	MemoryContextDelete(scan->data);
	MemoryContextDelete(scan->temporary);
}

void
scan_forget_groups(BatchScan *scan)
{
	scan_groups_reset(scan);
	MemoryContextReset(scan->data);
	scan->population_context =
		AllocSetContextCreate(scan->data, "retention populations", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < scan->naggregates; i++)
		scan->aggregates[i].opened = false;
}

static void
rescan(CustomScanState *node)
{
	BatchScan *scan = (BatchScan *) node;
	ListCell *cell;

	scan_share_close(scan);
	scan_partitions_close(scan);
	scan_forget_groups(scan);
	scan->done = scan->emits = false;
	foreach (cell, node->custom_ps)
	{
		PlanState *child = lfirst(cell);

		if (node->ss.ps.chgParam != NULL)
			UpdateChangedParamSet(child, node->ss.ps.chgParam);
		/* A child with changed parameters is re-scanned when its first row is fetched. */
		if (child->chgParam == NULL)
			ExecReScan(child);
	}
}
