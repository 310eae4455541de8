/*
 * facts_link.c
 *		Which trigger notes changes in which table, and which tables are dropped with a source: entries of pg_depend.
 *
 * No SQL command writes such an entry for a trigger of this kind. An entry therefore proves that link_trigger() was
 * called by the owner of both tables. A dump does not contain it.
 */
#include "retention.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "source/facts.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* 42501 unless the relation belongs to the caller and to no other role; 42809 unless it is of this kind. */
static void
check_own(Oid relation, char kind)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Form_pg_class class;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relation)));
	class = (Form_pg_class) GETSTRUCT(tuple);
	if (class->relowner != GetUserId())
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(class->relkind),
					   NameStr(class->relname));
	if (class->relkind != kind)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a %s", NameStr(class->relname),
							   kind == RELKIND_VIEW ? "view" : "table")));
	ReleaseSysCache(tuple);
}

/* Whether this entry links a trigger of a relation; a trigger depends on its own relation, too. */
static bool
is_link(Form_pg_depend entry, Oid relation)
{
	return entry->refclassid == RelationRelationId && entry->refobjid != relation &&
		   entry->refobjsubid == 0 && entry->deptype == DEPENDENCY_AUTO;
}

/* The table that a trigger is linked to; forget: removes the link. */
static Oid
link_scan(Oid trigger, Oid relation, bool forget)
{
	Relation depend = relation_open(DependRelationId, forget ? RowExclusiveLock : AccessShareLock);
	Oid found = InvalidOid;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(TriggerRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(trigger));
	scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend entry = (Form_pg_depend) GETSTRUCT(tuple);

		if (!is_link(entry, relation))
			continue;
		found = entry->refobjid;
		if (!forget)
			break;
		CatalogTupleDelete(depend, &tuple->t_self);
	}
	systable_endscan(scan);
	relation_close(depend, forget ? RowExclusiveLock : AccessShareLock);
	return found;
}

Oid
link_find(Oid trigger, Oid relation)
{
	return link_scan(trigger, relation, false);
}

void
link_trigger(Oid relation, const char *name, Oid changes)
{
	Relation table = try_relation_open(relation, ShareRowExclusiveLock);
	Oid trigger = InvalidOid;
	ObjectAddress depender;
	ObjectAddress referenced;

	if (table == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relation)));
	if (relation == changes)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("changes of table \"%s\" cannot be noted in itself",
							   RelationGetRelationName(table))));
	if (!relation_is_owned(relation, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(table->rd_rel->relkind),
					   RelationGetRelationName(table));
	LockRelationOid(changes, AccessShareLock);
	check_own(changes, RELKIND_RELATION);
	for (int i = 0; table->trigdesc != NULL && i < table->trigdesc->numtriggers; i++)
	{
		Trigger *candidate = &table->trigdesc->triggers[i];

		/* A constraint trigger may depend on another table already: CREATE CONSTRAINT TRIGGER ... FROM. */
		if (strcmp(candidate->tgname, name) == 0 && !candidate->tgisinternal &&
			!OidIsValid(candidate->tgconstraint))
			trigger = candidate->tgoid;
	}
	if (!OidIsValid(trigger))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("table \"%s\" has no trigger \"%s\" that notes changes",
							   RelationGetRelationName(table), name)));
	link_scan(trigger, relation, true);
	ObjectAddressSet(depender, TriggerRelationId, trigger);
	ObjectAddressSet(referenced, RelationRelationId, changes);
	recordDependencyOn(&depender, &referenced, DEPENDENCY_AUTO);
	relation_close(table, NoLock);
}

void
link_table(Oid table, Oid source, Oid extension)
{
	ObjectAddress depender;
	ObjectAddress referenced;

	LockRelationOid(table, AccessShareLock);
	LockRelationOid(source, AccessShareLock);
	check_own(table, RELKIND_RELATION);
	check_own(source, RELKIND_VIEW);
	ObjectAddressSet(depender, RelationRelationId, table);
	deleteDependencyRecordsForSpecific(RelationRelationId, table, DEPENDENCY_AUTO,
									   RelationRelationId, source);
	deleteDependencyRecordsForSpecific(RelationRelationId, table, DEPENDENCY_AUTO,
									   ExtensionRelationId, extension);
	ObjectAddressSet(referenced, RelationRelationId, source);
	recordDependencyOn(&depender, &referenced, DEPENDENCY_AUTO);
	ObjectAddressSet(referenced, ExtensionRelationId, extension);
	recordDependencyOn(&depender, &referenced, DEPENDENCY_AUTO);
}
