/*
 * facts.h
 *		Kept facts: what may be kept of a source, and how statements note what they change.
 */
#ifndef RETENTION_FACTS_H
#define RETENTION_FACTS_H

#include "commands/trigger.h"
#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"

/* What a source reads. The sets hold attribute numbers of the relation, which are positive. */
typedef struct SourceShape
{
	Query *query;		  /* the view's, a copy */
	Index index;		  /* of the relation in the range table of the query */
	Oid relation;		  /* a table or a partitioned table */
	Bitmapset *columns;	  /* that facts depend on */
	Bitmapset *customers; /* those of them that make up the customer */
} SourceShape;

/* 0A000 with the reason where the facts of a source cannot be kept. palloc'ed in the current context. */
extern SourceShape *shape_read(Oid source);

typedef enum ShapeRows
{
	SHAPE_ALL,		/* of a table: rows that count, with customer, at and segments */
	SHAPE_INSERTED, /* of a table of changes: the same of rows that were inserted */
	SHAPE_LOOK_UP /* of a table of changes: customers to look up, whether their rows count or not */
} ShapeRows;

/*
 * SQL text of what facts need of a source, read from another relation that has the columns of shape.columns (for
 * customers to look up: of shape.customers) under the same names.
 */
extern char *shape_over(const SourceShape *shape, Oid relation, ShapeRows rows);

/*
 * A trigger notes changes in the table that it depends on. The dependency is made by link_trigger() for the owner of
 * both tables, and by nothing that SQL has; dropping the table of changes drops the trigger.
 */
extern void link_trigger(Oid relation, const char *trigger, Oid changes);

/* The table of changes that a trigger is linked to; InvalidOid: none. */
extern Oid link_find(Oid trigger, Oid relation);

/* A table of kept facts goes with its source, and with this extension. */
extern void link_table(Oid table, Oid source, Oid extension);

/* Note what a statement or, in a row trigger, a row has changed. */
extern void note_changes(TriggerData *data, Oid changes);

#endif /* RETENTION_FACTS_H */
