/*
 * scan_plan.c
 *		Where the planner is offered a batch scan.
 *
 * The plan has no range-table index of its own: its children know what they read, and everything else is found by its
 * position in a target list.
 */
#include "retention.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type_d.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/planner.h"
#include "optimizer/tlist.h"
#include "scan/scan.h"
#include "scan/scan_offer.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

/* A row of a batch for an aggregate, as a part of cpu_operator_cost, which the server takes for it. */
#define ADD_ROW 0.7
/* So many groups are expected to be divided by partitions: a row that is written and read, as a part of the same. */
#define PARTITIONED_GROUPS 32
#define PARTITION_ROW 1.0
/* What a row of a partition has beside its columns. */
#define PARTITION_ROW_BYTES 16
/*
 * A page of a temporary file that is written and read, as a part of seq_page_cost: mostly they are in the system's
 * cache. The server prices none for what its aggregate of many customers would write.
 */
#define PARTITION_PAGE 0.2

bool scan_enabled = true;

static create_upper_paths_hook_type next_hook;

static Plan *plan_scan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist,
					   List *clauses, List *plans);

static const CustomPathMethods path_methods = {.CustomName = SCAN_NAME,
											   .PlanCustomPath = plan_scan};

const CustomScanMethods scan_methods = {.CustomName = SCAN_NAME,
										.CreateCustomScanState = scan_create_state};

/* ---- the query ---- */

typedef struct ScanWanted
{
	List *aggregates; /* Aggref, each once */
	List *grouped;	  /* expressions of the input that are grouped by */
	bool impossible;
} ScanWanted;

/* Collect the aggregates of an output expression, which may contain nothing else but grouping expressions. */
static bool
collect_wanted(Node *node, void *argument)
{
	ScanWanted *wanted = argument;

	if (node == NULL)
		return false;
	if (list_member(wanted->grouped, node))
		return false;
	if (IsA(node, Aggref))
	{
		wanted->aggregates = list_append_unique(wanted->aggregates, node);
		return false;
	}
	if (IsA(node, Var) || IsA(node, PlaceHolderVar) || IsA(node, GroupingFunc) ||
		IsA(node, WindowFunc))
	{
		wanted->impossible = true;
		return true;
	}
	return expression_tree_walker(node, collect_wanted, argument);
}

static bool
is_constant(Node *expression)
{
	return pull_var_clause(expression, PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
										   PVC_INCLUDE_PLACEHOLDERS) == NIL &&
		   !contain_subplans(expression);
}

static bool
aggregate_fits(const Aggref *aggregate)
{
	AggregateParts parts;
	ListCell *cell;
	int argument = 0;

	if (aggregate->aggkind != AGGKIND_NORMAL || aggregate->aggdistinct != NIL ||
		aggregate->aggorder != NIL || aggregate->agglevelsup != 0 || aggregate->aggvariadic ||
		aggregate->aggsplit != AGGSPLIT_SIMPLE)
		return false;
	if (contain_volatile_functions((Node *) aggregate->args) ||
		contain_volatile_functions((Node *) aggregate->aggfilter))
		return false;
	if (scan_is_server_aggregate(aggregate))
		return true;
	if (!scan_is_ours(aggregate->aggfnoid) || !scan_find_parts(aggregate->aggfnoid, &parts) ||
		list_length(aggregate->args) != parts.methods->narguments)
		return false;
	foreach (cell, aggregate->args)
	{
		Node *expression = (Node *) lfirst_node(TargetEntry, cell)->expr;

		if ((parts.methods->constants & (1 << argument)) != 0 && !is_constant(expression))
			return false;
		argument++;
	}
	return true;
}

/* All of them, and at least one is of this extension. */
static bool
aggregates_fit(const List *aggregates)
{
	bool ours = false;
	ListCell *cell;

	foreach (cell, aggregates)
	{
		const Aggref *aggregate = lfirst_node(Aggref, cell);

		if (!aggregate_fits(aggregate))
			return false;
		ours = ours || !scan_is_server_aggregate(aggregate);
	}
	return ours;
}

/* ---- the path ---- */

typedef struct ScanOffer
{
	PlannerInfo *root;
	RelOptInfo *output;
	List *aggregates;
	List *having;
	List *group_clause;
	double groups;
} ScanOffer;

static int
column_of_group(const PathTarget *target, Index sortgroupref)
{
	for (int i = 0; i < list_length(target->exprs); i++)
		if (get_pathtarget_sortgroupref(target, i) == sortgroupref)
			return i;
	return -1;
}

/* The columns of the input that are grouped by, from 0; false where one of them is not there. */
static bool
group_columns(const ScanOffer *offer, const PathTarget *target, List **columns)
{
	ListCell *cell;

	*columns = NIL;
	foreach (cell, offer->group_clause)
	{
		int column = column_of_group(target, lfirst_node(SortGroupClause, cell)->tleSortGroupRef);

		if (column < 0)
			return false;
		*columns = lappend_int(*columns, column);
	}
	return true;
}

/* The cost of the aggregates for a row, and of a group's answers. */
static void
aggregate_costs(const ScanOffer *offer, Cost *of_row, Cost *of_group)
{
	ListCell *cell;

	*of_row = *of_group = 0;
	foreach (cell, offer->aggregates)
	{
		const Aggref *aggregate = lfirst_node(Aggref, cell);
		QualCost arguments;
		QualCost filter;

		cost_qual_eval_node(&arguments, (Node *) aggregate->args, offer->root);
		cost_qual_eval_node(&filter, (Node *) aggregate->aggfilter, offer->root);
		*of_row += cpu_operator_cost * ADD_ROW + arguments.per_tuple + filter.per_tuple;
		*of_group += cpu_operator_cost;
	}
}

/* The cost of rows that are divided by partitions of groups before they are put together. */
static Cost
partition_cost(const ScanOffer *offer, const ScanSource *source)
{
	double bytes = source->rows * (source->target->width + PARTITION_ROW_BYTES);
	Cost cost = source->rows * cpu_operator_cost * PARTITION_ROW;

	if (offer->groups < PARTITIONED_GROUPS)
		return 0;
	/* As much as fits stays in memory; the rest goes to a file and back. */
	bytes -= (double) get_hash_memory_limit() / 2 / (source->workers + 1);
	return cost + Max(bytes, 0) / BLCKSZ * seq_page_cost * PARTITION_PAGE;
}

static CustomPath *
create_scan_path(const ScanOffer *offer, const ScanSource *source)
{
	CustomPath *path = makeNode(CustomPath);
	QualCost having;
	Cost of_row;
	Cost of_group;
	List *columns;

	if (!group_columns(offer, source->target, &columns))
		return NULL;
	path->path.pathtype = T_CustomScan;
	path->path.parent = offer->output;
	path->path.pathtarget = offer->output->reltarget;
	path->path.parallel_aware = source->workers > 0;
	path->path.parallel_safe = offer->output->consider_parallel && source->parallel_safe;
	path->path.parallel_workers = source->workers;
	path->path.rows = offer->groups;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = source->children;
	path->custom_private =
		list_make4(offer->aggregates, source->target->exprs, columns, offer->having);
	path->methods = &path_methods;

	cost_qual_eval(&having, offer->having, offer->root);
	aggregate_costs(offer, &of_row, &of_group);
	path->path.startup_cost = source->cost + having.startup + partition_cost(offer, source) +
							  source->rows * (of_row + list_length(columns) * cpu_operator_cost);
	path->path.total_cost =
		path->path.startup_cost + offer->groups * (of_group + cpu_tuple_cost + having.per_tuple);
	path->path.startup_cost += path->path.pathtarget->cost.startup;
	path->path.total_cost +=
		path->path.pathtarget->cost.startup + path->path.pathtarget->cost.per_tuple * offer->groups;
	return path;
}

static void
add_scan(const ScanOffer *offer, const ScanSource *source)
{
	Path *path = (Path *) create_scan_path(offer, source);
	double groups = offer->groups;

	if (path == NULL)
		return;
	if (source->workers > 0)
	{
		if (!path->parallel_safe)
			return;
		path = (Path *) create_gather_path(offer->root, offer->output, path,
										   offer->output->reltarget, NULL, &groups);
		/*
		 * A Gather tells its workers how many rows a LIMIT above it wants, but not the new number where it is
		 * re-scanned with another LIMIT, and one worker may emit all rows. A Material keeps the number from it. It
		 * hands the rows through, and keeps them only where they may be read again.
		 */
		if (offer->group_clause != NIL)
			path = (Path *) create_material_path(offer->output, path);
	}
	add_path(offer->output, path);
}

/* Over a path of the input, and over its tables read in their order, which the server may have priced higher. */
static void
offer_over(const ScanOffer *offer, Path *input, bool partial)
{
	ScanSource source;

	if (scan_source_of_path(offer->root, input, partial, &source))
		add_scan(offer, &source);
	if (scan_source_of_tables(offer->root, input, partial, &source))
		add_scan(offer, &source);
}

static void
offer_scan(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output, GroupPathExtraData *extra)
{
	Query *parse = root->parse;
	ScanOffer offer = {.root = root, .output = output, .group_clause = planner_group_clause(root)};
	ScanWanted wanted = {0};
	Path *path;
	List *columns;
	ListCell *cell;

	if (!scan_enabled || !parse->hasAggs || parse->groupingSets != NIL ||
		input->cheapest_total_path == NULL || IS_OTHER_REL(input) || IS_OTHER_REL(output) ||
		!grouping_is_hashable(offer.group_clause))
		return;
	path = input->cheapest_total_path;
	if (path->param_info != NULL || !group_columns(&offer, path->pathtarget, &columns))
		return;

	foreach (cell, columns)
		wanted.grouped =
			lappend(wanted.grouped, list_nth(path->pathtarget->exprs, lfirst_int(cell)));
	offer.having = (List *) extra->havingQual;
	if (collect_wanted((Node *) output->reltarget->exprs, &wanted) ||
		collect_wanted((Node *) offer.having, &wanted) || !aggregates_fit(wanted.aggregates))
		return;
	offer.aggregates = wanted.aggregates;

	offer.groups = 1;
	if (offer.group_clause != NIL)
		offer.groups = scan_estimate_groups(
			root, get_sortgrouplist_exprs(offer.group_clause, root->processed_tlist), path->rows);

	offer_over(&offer, path, false);
	if (output->consider_parallel && input->partial_pathlist != NIL)
		offer_over(&offer, linitial(input->partial_pathlist), true);
}

static void
upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *output,
			void *extra)
{
	if (next_hook != NULL)
		next_hook(root, stage, input, output, extra);
	if (stage == UPPERREL_GROUP_AGG && extra != NULL)
		offer_scan(root, input, output, extra);
}

/* ---- the plan ---- */

static Plan *
plan_scan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses,
		  List *plans)
{
	CustomScan *scan = makeNode(CustomScan);
	List *aggregates = linitial(path->custom_private);
	List *inputs = lsecond(path->custom_private);
	List *columns = lthird(path->custom_private);
	List *having = lfourth(path->custom_private);
	List *arguments = NIL;
	List *equal_operators = NIL;
	List *collations = NIL;
	AttrNumber number = 0;
	ListCell *cell;
	ListCell *of_clause;

	foreach (cell, aggregates)
	{
		Aggref *aggregate = lfirst_node(Aggref, cell);
		int count = list_length(aggregate->args);
		ListCell *of_argument;
		AggregateParts parts;

		/* The server knows that the plan depends on the aggregate, but not that it depends on its functions. */
		if (!scan_is_server_aggregate(aggregate))
		{
			if (!scan_find_parts(aggregate->aggfnoid, &parts))
				elog(ERROR, "aggregate %u has no batch scan", aggregate->aggfnoid);
			record_plan_function_dependency(root, parts.transition);
			record_plan_function_dependency(root, parts.final);
		}
		scan->custom_scan_tlist = lappend(
			scan->custom_scan_tlist, makeTargetEntry((Expr *) aggregate, ++number, NULL, false));
		foreach (of_argument, aggregate->args)
			scan->custom_exprs =
				lappend(scan->custom_exprs, lfirst_node(TargetEntry, of_argument)->expr);
		if (aggregate->aggfilter != NULL)
		{
			scan->custom_exprs = lappend(scan->custom_exprs, aggregate->aggfilter);
			count += SCAN_FILTER;
		}
		arguments = lappend_int(arguments, count);
	}
	foreach (cell, inputs)
		scan->custom_scan_tlist = lappend(
			scan->custom_scan_tlist, makeTargetEntry((Expr *) lfirst(cell), ++number, NULL, false));
	forboth(of_clause, planner_group_clause(root), cell, columns)
	{
		Node *expression = list_nth(inputs, lfirst_int(cell));

		equal_operators =
			lappend_oid(equal_operators, lfirst_node(SortGroupClause, of_clause)->eqop);
		collations = lappend_oid(collations, exprCollation(expression));
	}

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = having;
	scan->scan.scanrelid = 0;
	scan->flags = path->flags;
	scan->custom_plans = plans;
	/* All columns of GROUP BY may be redundant, but without rows there still is no group. */
	scan->custom_private = list_make5(arguments, columns, equal_operators, collations,
									  list_make1_int(root->parse->groupClause != NIL));
	scan->methods = &scan_methods;
	return &scan->scan.plan;
}

void
scan_start(void)
{
	DefineCustomBoolVariable(
		"retention.enable_batch_scan",
		"Lets the planner read tables in batches for the aggregates of this extension.", NULL,
		&scan_enabled, true, PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	MarkGUCPrefixReserved("retention");
	RegisterCustomScanMethods(&scan_methods);
	next_hook = create_upper_paths_hook;
	create_upper_paths_hook = upper_paths;
}
