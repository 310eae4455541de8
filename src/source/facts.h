/*
 * facts.h
 *		Kept facts: which sources can have them, and the triggers that note what statements change.
 *
 * One source of events, from retention_materialize() to an answer:
 *		facts_shape.c	reads the query of its view: which table, which columns; or why its facts cannot be kept
 *		facts.sql		creates the tables _facts, _summary, _changes and _state, and the triggers
 *		facts_link.c	links each trigger to the table of changes, by an entry of pg_depend
 *		facts_note.c	is the trigger: it writes to the table of changes what a statement changed
 *		refresh.sql		retention_refresh() reads these changes and brings facts and summary up to date
 *		views.sql		the views read facts and summary instead of the table
 * The SQL functions are in facts_sql.c; source.sql tells what a source is.
 */
#ifndef RETENTION_FACTS_H
#define RETENTION_FACTS_H

#include "commands/trigger.h"
#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"

/* What a source reads. The sets hold attribute numbers of the relation, all of them positive. */
typedef struct SourceShape
{
	Query *query;		  /* the view's, a copy */
	Index index;		  /* of the relation in the range table of the query */
	Oid relation;		  /* a table or a partitioned table */
	Bitmapset *columns;	  /* that facts depend on */
	Bitmapset *customers; /* those of them that make up the customer */
} SourceShape;

/* palloc'ed in the current context. 0A000 with the reason where the facts of the source cannot be kept. */
extern SourceShape *shape_read(Oid source);

typedef enum ShapeRows
{
	SHAPE_ALL,		/* of a table: customer, at and segments of the rows that count */
	SHAPE_INSERTED, /* of a table of changes: the same of the rows that were inserted */
	SHAPE_LOOK_UP /* of a table of changes: the customers to look up, whether their rows count or not */
} ShapeRows;

/*
 * SQL text of what facts need of a source, read from another relation that has the columns of shape.columns (for
 * customers to look up: of shape.customers) under the same names.
 */
extern char *shape_over(const SourceShape *shape, Oid relation, ShapeRows rows);

/*
 * A trigger notes changes in the table that it depends on. Only link_trigger() makes that dependency, for the owner of
 * both tables; no SQL command does. To drop the table of changes drops the trigger.
 */
extern void link_trigger(Oid relation, const char *trigger, Oid changes);

/* The table of changes that a trigger is linked to; InvalidOid: none. */
extern Oid link_find(Oid trigger, Oid relation);

/* Makes a table of kept facts depend on its source and on this extension, so that it is dropped with either. */
extern void link_table(Oid table, Oid source, Oid extension);

/* Notes what a statement or, in a row trigger, a row has changed. */
extern void note_changes(TriggerData *data, Oid changes);

#endif /* RETENTION_FACTS_H */
