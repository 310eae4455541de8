/*
 * scan_cost.c
 *		What a batch scan reads, and the cost of it.
 *
 * The cost of a row is a part of what the server takes for it, as it was measured (doc/performance.md): a row of a page
 * that is read in order needs no executor. The children are those of an Append, if each of them is the scan of a
 * table: the Append itself never runs.
 */
#include "retention.h"

#include "access/table.h"
#include "catalog/pg_class_d.h"
#include "catalog/pg_type_d.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "parser/parsetree.h"
#include "scan/scan_offer.h"
#include "utils/lsyscache.h"
#include "utils/spccache.h"

/* A row of a page, as a part of cpu_tuple_cost. */
#define PAGE_ROW 0.2
/* A condition that is looked at on the page, as a part of cpu_operator_cost. */
#define PAGE_CONDITION 0.2
/* A row that the executor is needed for, and one that is copied into a batch: parts of cpu_tuple_cost. */
#define EXECUTOR_ROW 0.5
#define COPIED_ROW 0.05

static Path *
without_projection(Path *path)
{
	if (IsA(path, ProjectionPath) && ((ProjectionPath *) path)->dummypp)
		return ((ProjectionPath *) path)->subpath;
	return path;
}

static bool
is_table_scan(Path *path)
{
	path = without_projection(path);
	return IsA(path, Path) && path->pathtype == T_SeqScan;
}

static bool
is_param(Node *node, void *context)
{
	return node != NULL && (IsA(node, Param) || expression_tree_walker(node, is_param, context));
}

/* Whether partitions could be pruned at execution, by values that are not known yet. */
static bool
prunes_later(const RelOptInfo *rel)
{
	ListCell *cell;

	foreach (cell, rel->baserestrictinfo)
	{
		Node *clause = (Node *) lfirst_node(RestrictInfo, cell)->clause;

		if (contain_mutable_functions(clause) || is_param(clause, NULL))
			return true;
	}
	return false;
}

/* ---- costs ---- */

static bool
is_column_or_value(Node *node)
{
	return IsA(node, Var) || IsA(node, Const) || IsA(node, Param);
}

/* What scan_input.c compares without the executor: about the same question as that of condition_of(). */
static bool
is_page_condition(Node *clause)
{
	Oid type;

	if (IsA(clause, NullTest))
		return IsA(((NullTest *) clause)->arg, Var);
	if (!IsA(clause, OpExpr) || list_length(((OpExpr *) clause)->args) != 2 ||
		!is_column_or_value(linitial(((OpExpr *) clause)->args)) ||
		!is_column_or_value(lsecond(((OpExpr *) clause)->args)))
		return false;
	type = exprType(linitial(((OpExpr *) clause)->args));
	return type == INT2OID || type == INT4OID || type == INT8OID || type == DATEOID ||
		   type == TIMESTAMPOID || type == TIMESTAMPTZOID;
}

/* Conditions for each row of the table. */
static Cost
conditions_cost(PlannerInfo *root, const RelOptInfo *rel)
{
	Cost cost = 0;
	bool needs_executor = false;
	ListCell *cell;

	foreach (cell, rel->baserestrictinfo)
	{
		Node *clause = (Node *) lfirst_node(RestrictInfo, cell)->clause;
		QualCost of_clause;

		if (is_page_condition(clause))
		{
			cost += cpu_operator_cost * PAGE_CONDITION;
			continue;
		}
		cost_qual_eval_node(&of_clause, clause, root);
		cost += of_clause.per_tuple;
		needs_executor = true;
	}
	return cost + (needs_executor ? cpu_tuple_cost * EXECUTOR_ROW : 0);
}

static bool
computes_columns(const PathTarget *target)
{
	ListCell *cell;

	foreach (cell, target->exprs)
		if (!IsA(lfirst(cell), Var))
			return true;
	return false;
}

/* How many processes a parallel scan is worth, as the server reckons. */
static double
processes_of(int workers)
{
	double leader = parallel_leader_participation ? 1.0 - 0.3 * workers : 0;

	return workers + Max(leader, 0);
}

static Cost
child_cost(PlannerInfo *root, Path *path)
{
	RelOptInfo *rel = path->parent;
	double page_cost;
	Cost of_rows;

	if (!is_table_scan(path))
		return path->total_cost + path->rows * cpu_tuple_cost * COPIED_ROW;
	get_tablespace_page_costs(rel->reltablespace, NULL, &page_cost);
	of_rows = rel->tuples * (cpu_tuple_cost * PAGE_ROW + conditions_cost(root, rel));
	if (path->parallel_workers > 0)
		of_rows /= processes_of(path->parallel_workers);
	if (computes_columns(path->pathtarget))
		of_rows += path->rows * (cpu_tuple_cost * EXECUTOR_ROW + path->pathtarget->cost.per_tuple);
	return rel->baserestrictcost.startup + path->pathtarget->cost.startup + rel->pages * page_cost +
		   of_rows;
}

static void
add_costs(PlannerInfo *root, ScanSource *source)
{
	ListCell *cell;

	source->cost = 0;
	foreach (cell, source->children)
		source->cost += child_cost(root, lfirst(cell));
}

/* ---- children ---- */

/* The AppendPath whose children can be read instead of it, each with a layout of its own; NULL: there is none. */
static AppendPath *
append_of(Path *path)
{
	Path *below = without_projection(path);
	AppendPath *append;
	ListCell *cell;

	if (!IsA(below, AppendPath))
		return NULL;
	append = (AppendPath *) below;
	if (append->subpaths == NIL || append->path.param_info != NULL || append->limit_tuples >= 0 ||
		prunes_later(append->path.parent) ||
		!equal(path->pathtarget->exprs, append->path.pathtarget->exprs))
		return NULL;
	foreach (cell, append->subpaths)
		if (list_length(((Path *) lfirst(cell))->pathtarget->exprs) !=
			list_length(path->pathtarget->exprs))
			return NULL;
	return append;
}

static void
begin_source(Path *path, bool partial, ScanSource *source)
{
	*source = (ScanSource){.children = list_make1(path),
						   .target = path->pathtarget,
						   .rows = path->rows,
						   .workers = partial ? path->parallel_workers : 0,
						   .parallel_safe = path->parallel_safe};
}

bool
scan_source_of_path(PlannerInfo *root, Path *path, bool partial, ScanSource *source)
{
	AppendPath *append = append_of(path);

	if (path->param_info != NULL || (partial && path->parallel_workers <= 0))
		return false;
	begin_source(path, partial, source);
	if (append != NULL && !(partial && append->first_partial_path != 0))
	{
		bool tables = true;
		ListCell *cell;

		foreach (cell, append->subpaths)
			tables = tables && is_table_scan(lfirst(cell));
		if (tables)
			source->children = list_copy(append->subpaths);
	}
	add_costs(root, source);
	return true;
}

/* The scan of a table in its order, for a path that reads it in another way; NULL: it reads no table. */
static Path *
table_scan_for(PlannerInfo *root, Path *path, int workers)
{
	RelOptInfo *rel = path->parent;
	RangeTblEntry *entry;
	Path *scan;

	if (!IS_SIMPLE_REL(rel) || rel->rtekind != RTE_RELATION || path->param_info != NULL ||
		!bms_is_empty(rel->lateral_relids))
		return NULL;
	entry = planner_rt_fetch(rel->relid, root);
	if (entry->inh || entry->tablesample != NULL ||
		(entry->relkind != RELKIND_RELATION && entry->relkind != RELKIND_MATVIEW))
		return NULL;
	if (workers > 0 && !rel->consider_parallel)
		return NULL;
	scan = create_seqscan_path(root, rel, NULL, workers);
	/* The columns may not be those of the table's own list, but of what is grouped. */
	scan->pathtarget = path->pathtarget;
	scan->parallel_safe = scan->parallel_safe && path->parallel_safe;
	return scan;
}

bool
scan_source_of_tables(PlannerInfo *root, Path *path, bool partial, ScanSource *source)
{
	AppendPath *append = append_of(path);
	List *paths = append != NULL ? append->subpaths : list_make1(path);
	List *scans = NIL;
	int workers = 0;
	double rows = 0;
	bool others = false;
	ListCell *cell;

	/* A set-returning function is above the scan that it belongs to. */
	if (!enable_seqscan || path->param_info != NULL || root->parse->hasTargetSRFs)
		return false;
	if (partial)
		workers = append != NULL ? path->parallel_workers
								 : compute_parallel_worker(path->parent, path->parent->pages, -1,
														   max_parallel_workers_per_gather);
	if (partial && workers <= 0)
		return false;
	foreach (cell, paths)
	{
		Path *child = lfirst(cell);
		bool fits = is_table_scan(child) && child->parallel_workers == workers;

		if (!fits)
			child = table_scan_for(root, child, workers);
		if (child == NULL)
			return false;
		others = others || !fits;
		rows += child->rows;
		scans = lappend(scans, child);
	}
	begin_source(path, partial, source);
	source->children = scans;
	source->rows = rows;
	source->workers = workers;
	add_costs(root, source);
	return others;
}
