/*
 * compat.h
 *		The only file that knows server versions: PostgreSQL 15 to 18, and 19 before it is out.
 */
#ifndef RETENTION_COMPAT_H
#define RETENTION_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "retention needs PostgreSQL 15 or later"
#endif

/* From 16 on variable-length data has its own header. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Where ExplainPropertyUInteger() is. (The plain name is the guard of that header.) */
#if PG_VERSION_NUM >= 180000
#define HEADER_OF_EXPLAIN_FORMAT "commands/explain_format.h"
#else
#define HEADER_OF_EXPLAIN_FORMAT "commands/explain.h"
#endif

/* 18 says pg_noreturn, in front. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

#if PG_VERSION_NUM >= 160000
#define function_privilege(function, role, mode)                                                   \
	object_aclcheck(ProcedureRelationId, function, role, mode)
#else
#define function_privilege(function, role, mode) pg_proc_aclcheck(function, role, mode)
#endif

/* Whether a role owns a relation or is a member of the role that does. */
#if PG_VERSION_NUM >= 160000
#define relation_is_owned(relation, role) object_ownercheck(RelationRelationId, relation, role)
#else
#define relation_is_owned(relation, role) pg_class_ownercheck(relation, role)
#endif

/* From 16 on the planner drops redundant columns of GROUP BY. */
#if PG_VERSION_NUM >= 160000
#define planner_group_clause(root) ((root)->processed_groupClause)
#else
#define planner_group_clause(root) ((root)->parse->groupClause)
#endif

/* From 19 on what was put together by hand is finished so. */
#if PG_VERSION_NUM < 190000
#define TupleDescFinalize(desc) ((void) 0)
#endif

/* 19 wants flags. */
#if PG_VERSION_NUM >= 190000
#define begin_table_scan(relation, snapshot) table_beginscan(relation, snapshot, 0, NULL, 0)
#else
#define begin_table_scan(relation, snapshot) table_beginscan(relation, snapshot, 0, NULL)
#endif

/* Rows that a scan handed out without heap_getnext() being called for each. */
#if PG_VERSION_NUM >= 160000
#define count_heap_rows(relation, n)                                                               \
	do                                                                                             \
	{                                                                                              \
		if (pgstat_should_count_relation(relation))                                                \
			(relation)->pgstat_info->counts.tuples_returned += (n);                                \
	} while (0)
#else
#define count_heap_rows(relation, n)                                                               \
	do                                                                                             \
	{                                                                                              \
		if (pgstat_should_count_relation(relation))                                                \
			(relation)->pgstat_info->t_counts.t_tuples_returned += (n);                            \
	} while (0)
#endif

/* The pointer that belongs to an entry of a TupleHashTable made by tuple_hash_create(). */
#if PG_VERSION_NUM >= 180000
#define tuple_hash_create(parent, desc, n, columns, equal, hash, collations, buckets, meta, table, \
						  temporary)                                                               \
	BuildTupleHashTable(parent, desc, &TTSOpsMinimalTuple, n, columns, equal, hash, collations,    \
						buckets, sizeof(void *), meta, table, temporary, false)
#define tuple_hash_place(table, entry) ((void **) TupleHashEntryGetAdditional(table, entry))
#define tuple_hash_tuple(entry) TupleHashEntryGetTuple(entry)
#else
#define tuple_hash_create(parent, desc, n, columns, equal, hash, collations, buckets, meta, table, \
						  temporary)                                                               \
	BuildTupleHashTableExt(parent, desc, n, columns, equal, hash, collations, buckets, 0, meta,    \
						   table, temporary, false)
#define tuple_hash_place(table, entry) (&(entry)->additional)
#define tuple_hash_tuple(entry) ((entry)->firstTuple)
#endif

#endif /* RETENTION_COMPAT_H */
