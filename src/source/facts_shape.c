/*
 * facts_shape.c
 *		What the query of a source reads, and the same query over another relation.
 *
 * Facts can be kept of the rows of one table where immutable expressions over the columns of a row tell whether and how
 * it counts. Then the row alone tells what a statement did to it.
 */
#include "retention.h"

#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "source/facts.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

static void
refuse(const char *source, const char *reason)
{
	error_context_stack = NULL; /* see source_refuse() */
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("facts of source \"%s\" cannot be kept: %s", source, reason),
		 errdetail(
			 "The source must read one table, and whether a row counts must follow from its own columns for good.")));
}

/* Why a query as a whole is not a SELECT of the rows of one table; NULL: it is. */
static const char *
query_reason(const Query *query)
{
	if (query->commandType != CMD_SELECT || query->utilityStmt != NULL)
		return "it is not a SELECT";
	if (query->setOperations != NULL)
		return "it joins queries by UNION, INTERSECT or EXCEPT";
	if (query->cteList != NIL)
		return "it has WITH";
	if (query->hasAggs || query->groupClause != NIL || query->groupingSets != NIL ||
		query->havingQual != NULL)
		return "it aggregates";
	if (query->hasWindowFuncs)
		return "it has window functions";
	if (query->distinctClause != NIL)
		return "it has DISTINCT";
	if (query->limitCount != NULL || query->limitOffset != NULL)
		return "it has LIMIT or OFFSET";
	if (query->hasTargetSRFs)
		return "it has functions that return sets";
	if (query->rowMarks != NIL)
		return "it locks rows";
	if (list_length(query->jointree->fromlist) != 1 ||
		!IsA(linitial(query->jointree->fromlist), RangeTblRef))
		return "it reads more than one table";
	return NULL;
}

/* Why an expression may change its value for a row; NULL: it cannot. Columns that it reads are added to the set. */
static const char *
expression_reason(Node *expression, Index index, Bitmapset **columns)
{
	Bitmapset *found = NULL;
	int member = -1;

	if (checkExprHasSubLink(expression))
		return "it has a sub-select";
	if (contain_mutable_functions(expression))
		return "it depends on the time or the session";
	pull_varattnos(expression, index, &found);
	while ((member = bms_next_member(found, member)) >= 0)
	{
		int attribute = member + FirstLowInvalidHeapAttributeNumber;

		if (attribute <= 0)
			return "it reads a whole row or a system column";
		*columns = bms_add_member(*columns, attribute);
	}
	return NULL;
}

static bool
is_column(const TargetEntry *entry, const char *name)
{
	return entry->resname != NULL && strcmp(entry->resname, name) == 0;
}

/* Columns of a source that are not part of facts. */
static bool
is_beside(const TargetEntry *entry)
{
	return entry->resjunk || is_column(entry, "as_of") || is_column(entry, "amount") ||
		   is_column(entry, "reason");
}

SourceShape *
shape_read(Oid source)
{
	SourceShape *shape = palloc0(sizeof(SourceShape));
	Relation view = try_relation_open(source, AccessShareLock);
	RangeTblEntry *entry;
	const char *reason;
	char *name;
	ListCell *cell;

	if (view == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", source)));
	name = pstrdup(RelationGetRelationName(view));
	if (view->rd_rel->relkind != RELKIND_VIEW)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not a view", name)));
	shape->query = copyObject(get_view_query(view));
	relation_close(view, AccessShareLock);

	reason = query_reason(shape->query);
	if (reason != NULL)
		refuse(name, reason);
	shape->index = linitial_node(RangeTblRef, shape->query->jointree->fromlist)->rtindex;
	entry = rt_fetch(shape->index, shape->query->rtable);
	if (entry->rtekind != RTE_RELATION ||
		(entry->relkind != RELKIND_RELATION && entry->relkind != RELKIND_PARTITIONED_TABLE))
		refuse(name, "it does not read a table");
	if (entry->tablesample != NULL || !entry->inh)
		refuse(name, "it does not read all rows of the table");
	shape->relation = entry->relid;

	foreach (cell, shape->query->targetList)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (is_beside(target))
			continue;
		reason = expression_reason((Node *) target->expr, shape->index, &shape->columns);
		if (reason == NULL && is_column(target, "customer"))
			reason = expression_reason((Node *) target->expr, shape->index, &shape->customers);
		if (reason != NULL)
			refuse(name, psprintf("column \"%s\": %s", target->resname, reason));
	}
	if (shape->customers == NULL)
		refuse(name, "its customer is not made of columns");
	reason = expression_reason(shape->query->jointree->quals, shape->index, &shape->columns);
	if (reason != NULL)
		refuse(name, psprintf("WHERE: %s", reason));
	return shape;
}

/* The columns of one relation in terms of another. */
typedef struct ColumnMap
{
	Index index;
	AttrNumber *other; /* by attribute number; 0: none */
	int count;
} ColumnMap;

static bool
renumber(Node *node, void *context)
{
	const ColumnMap *map = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var *var = (Var *) node;

		if (var->varno == map->index && var->varlevelsup == 0)
		{
			Assert(var->varattno > 0 && var->varattno <= map->count);
			var->varattno = map->other[var->varattno - 1];
			var->varnosyn = var->varno;
			var->varattnosyn = var->varattno;
		}
		return false;
	}
	return expression_tree_walker(node, renumber, context);
}

/* Every column of shape.columns in the other relation, by name and type. */
static ColumnMap
map_columns(const SourceShape *shape, Relation other)
{
	Relation relation = relation_open(shape->relation, AccessShareLock);
	TupleDesc from = RelationGetDescr(relation);
	TupleDesc to = RelationGetDescr(other);
	ColumnMap map = {shape->index, palloc0(sizeof(AttrNumber) * (from->natts + 1)), from->natts};
	int member = -1;

	while ((member = bms_next_member(shape->columns, member)) >= 0)
	{
		Form_pg_attribute wanted = TupleDescAttr(from, member - 1);

		for (int i = 0; i < to->natts && map.other[member - 1] == 0; i++)
		{
			Form_pg_attribute found = TupleDescAttr(to, i);

			if (!found->attisdropped && found->atttypid == wanted->atttypid &&
				strcmp(NameStr(found->attname), NameStr(wanted->attname)) == 0)
				map.other[member - 1] = found->attnum;
		}
		if (map.other[member - 1] == 0)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
							errmsg("relation \"%s\" has no column \"%s\" of type %s",
								   RelationGetRelationName(other), NameStr(wanted->attname),
								   format_type_be(wanted->atttypid))));
	}
	relation_close(relation, AccessShareLock);
	return map;
}

static List *
column_names(TupleDesc columns)
{
	List *names = NIL;

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		names =
			lappend(names, makeString(column->attisdropped ? pstrdup("")
														   : pstrdup(NameStr(column->attname))));
	}
	return names;
}

/* The condition that a row of changes has this mark, for a query over that table. */
static Node *
mark_condition(Index index, Relation changes, bool marked)
{
	BooleanTest *test = makeNode(BooleanTest);
	AttrNumber mark = get_attnum(RelationGetRelid(changes), "retention_redo");

	if (mark == InvalidAttrNumber || get_atttype(RelationGetRelid(changes), mark) != BOOLOID)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("\"%s\" is not a table of changes", RelationGetRelationName(changes))));
	test->arg = (Expr *) makeVar(index, mark, BOOLOID, -1, InvalidOid, 0);
	test->booltesttype = marked ? IS_TRUE : IS_FALSE;
	test->location = -1;
	return (Node *) test;
}

char *
shape_over(const SourceShape *shape, Oid relation, ShapeRows rows)
{
	Query *query = copyObject(shape->query);
	RangeTblEntry *entry = rt_fetch(shape->index, query->rtable);
	Relation other = try_relation_open(relation, AccessShareLock);
	List *targets = NIL;
	ColumnMap map;
	ListCell *cell;
	char *definition;

	if (other == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relation)));
	map = map_columns(shape, other);
	foreach (cell, query->targetList)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (!is_beside(target) && (rows != SHAPE_LOOK_UP || is_column(target, "customer")))
			targets = lappend(targets, target);
	}
	query->targetList = targets;
	query->sortClause = NIL;
	if (rows == SHAPE_LOOK_UP)
		query->jointree->quals = NULL;
	renumber((Node *) query->targetList, &map);
	renumber(query->jointree->quals, &map);
	if (rows != SHAPE_ALL)
		query->jointree->quals = make_and_qual(
			query->jointree->quals, mark_condition(shape->index, other, rows == SHAPE_LOOK_UP));

	entry->relid = relation;
	entry->relkind = other->rd_rel->relkind;
	entry->inh = false;
	entry->alias = makeAlias("r", NIL);
	entry->eref = makeAlias("r", column_names(RelationGetDescr(other)));
	definition = pg_get_querydef(query, false);
	relation_close(other, AccessShareLock);
	return definition;
}
