/*
 * compat.h
 *		The only file that knows server versions: PostgreSQL 14 to 18.
 */
#ifndef RETENTION_COMPAT_H
#define RETENTION_COMPAT_H

#if PG_VERSION_NUM < 140000
#error "retention needs PostgreSQL 14 or later"
#endif

/* From 16 on variable-length data has its own header. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 says pg_noreturn, in front. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* Custom scans can always project before 15. */
#if PG_VERSION_NUM >= 150000
#define SCAN_PATH_FLAGS CUSTOMPATH_SUPPORT_PROJECTION
#define hash_memory_limit() get_hash_memory_limit()
#define reserve_settings(prefix) MarkGUCPrefixReserved(prefix)
#else
#define SCAN_PATH_FLAGS 0
#define hash_memory_limit() ((size_t) get_hash_mem() * 1024)
#define reserve_settings(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

#if PG_VERSION_NUM >= 160000
#define function_privilege(function, role, mode)                                                   \
	object_aclcheck(ProcedureRelationId, function, role, mode)
#else
#define function_privilege(function, role, mode) pg_proc_aclcheck(function, role, mode)
#endif

/* Temporary files that processes share. */
#if PG_VERSION_NUM >= 150000
#define create_shared_file(set, name) BufFileCreateFileSet(&(set)->fs, name)
#define open_shared_file(set, name) BufFileOpenFileSet(&(set)->fs, name, O_RDONLY, false)
#define export_shared_file(file) BufFileExportFileSet(file)
#else
#define create_shared_file(set, name) BufFileCreateShared(set, name)
#define open_shared_file(set, name) BufFileOpenShared(set, name, O_RDONLY)
#define export_shared_file(file) BufFileExportShared(file)
#endif

/* From 16 on the planner drops redundant columns of GROUP BY. */
#if PG_VERSION_NUM >= 160000
#define planner_group_clause(root) ((root)->processed_groupClause)
#else
#define planner_group_clause(root) ((root)->parse->groupClause)
#endif

/* Rows that a scan handed out without heap_getnext() being called for each. */
#if PG_VERSION_NUM >= 160000
#define count_heap_rows(relation, n)                                                               \
	do                                                                                             \
	{                                                                                              \
		if (pgstat_should_count_relation(relation))                                                \
			(relation)->pgstat_info->counts.tuples_returned += (n);                                \
	} while (0)
#elif PG_VERSION_NUM >= 150000
#define count_heap_rows(relation, n)                                                               \
	do                                                                                             \
	{                                                                                              \
		if (pgstat_should_count_relation(relation))                                                \
			(relation)->pgstat_info->t_counts.t_tuples_returned += (n);                            \
	} while (0)
#else
#define count_heap_rows(relation, n)                                                               \
	do                                                                                             \
	{                                                                                              \
		if ((relation)->pgstat_info != NULL)                                                       \
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
