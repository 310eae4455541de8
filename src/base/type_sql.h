/*
 * type_sql.h
 *		The SQL functions of a stored type, and what the aggregates share whose state it is.
 *
 * A type has one reader and one writer of its wire form. Its text is that form in hexadecimal digits, after a comment
 * that tells people what it is; values are equal where their wire forms are. To add a type:
 *
 * 1. its letter in WireKind (base/wire.h);
 * 2. in <module>_sql.c a StoredType and STORED_TYPE_FUNCTIONS(retention_x, x_type), with
 *	  STORED_TYPE_ORDER(retention_x, x_type) where people compare values;
 * 3. the line "type retention_x" in <module>.overloads, which makes the SQL functions;
 * 4. its line in sql/hostile.sql, sql/untrusted.sql and test/fuzz/fuzz.sql: each of them fails without.
 *
 * An aggregate whose state is a value of the type begins its transition function with stored_type_state() and has
 * STORED_TYPE_COMBINE(x_combine, x_type) as its combine function, which rollup() uses, too.
 */
#ifndef RETENTION_TYPE_SQL_H
#define RETENTION_TYPE_SQL_H

#include "base/aggregate.h"

typedef struct StoredType
{
	const char *name; /* for messages */
	WireKind kind;	  /* for functions that serve several kinds */
	WireRead read;	  /* raises by wire_corrupt() what cannot be a value */
	void (*write)(Datum value, StringInfo out, WireKind kind);
	/* Appends what the comment says after the name, such as " of month, 25 cohorts". */
	void (*describe)(Datum value, StringInfo out, WireKind kind);
	const char
		*use; /* the function that the comment tells people to use; NULL: there is no comment */

	/* Of types that are the state of an aggregate: see aggregate_own_state(). */
	int version; /* of the layout that the aggregate changes in place */
	Size least;	 /* bytes */
	/* Whether a state, whose marks are checked, may be changed in place. */
	bool (*is_own)(const void *state);
	/* Any value as a state, palloc'ed in the current memory context. */
	void *(*copy)(Datum value, WireKind kind);
	/* Adds a value, which is not changed, to a state; returns the state, which may have moved. */
	void *(*merge)(void *state, Datum value, WireKind kind);
} StoredType;

/* For descriptions: ", 25 cohorts". */
extern void describe_count(StringInfo out, int64 count, const char *what);

extern Datum stored_type_in(FunctionCallInfo fcinfo, const StoredType *type);
extern Datum stored_type_out(FunctionCallInfo fcinfo, const StoredType *type);
extern Datum stored_type_recv(FunctionCallInfo fcinfo, const StoredType *type);
extern Datum stored_type_send(FunctionCallInfo fcinfo, const StoredType *type);

/* < 0, 0 or > 0: the order of the wire forms. It has no meaning; sorting and GROUP BY need one. */
extern int stored_type_compare(FunctionCallInfo fcinfo, const StoredType *type);
extern Datum stored_type_hash(FunctionCallInfo fcinfo, const StoredType *type);

/* The state in argument 0, or a copy if it may not be changed in place. NULL before the first row. */
static inline void *
stored_type_state(FunctionCallInfo fcinfo, const StoredType *type)
{
	void *state;

	if (PG_ARGISNULL(0))
	{
		(void) aggregate_context(fcinfo);
		return NULL;
	}
	state = aggregate_own_state(fcinfo, type->kind, type->version, type->least);
	if (likely(state != NULL && type->is_own(state)))
		return state;
	return type->copy(PG_GETARG_DATUM(0), type->kind);
}

/* Argument 1 is a partial state of the same aggregate, or a stored value. */
extern Datum stored_type_combine(FunctionCallInfo fcinfo, const StoredType *type);

/* name_in(), name_out(), name_recv() and name_send() */
#define STORED_TYPE_FUNCTIONS(name, type)                                                          \
	RETENTION_FORWARD(name##_in, stored_type_in(fcinfo, &(type)))                                  \
	RETENTION_FORWARD(name##_out, stored_type_out(fcinfo, &(type)))                                \
	RETENTION_FORWARD(name##_recv, stored_type_recv(fcinfo, &(type)))                              \
	RETENTION_FORWARD(name##_send, stored_type_send(fcinfo, &(type)))

/* name_eq(), name_ne(), name_lt(), name_le(), name_gt(), name_ge(), name_cmp() and name_hash() */
#define STORED_TYPE_ORDER(name, type)                                                              \
	RETENTION_FORWARD(name##_eq, BoolGetDatum(stored_type_compare(fcinfo, &(type)) == 0))          \
	RETENTION_FORWARD(name##_ne, BoolGetDatum(stored_type_compare(fcinfo, &(type)) != 0))          \
	RETENTION_FORWARD(name##_lt, BoolGetDatum(stored_type_compare(fcinfo, &(type)) < 0))           \
	RETENTION_FORWARD(name##_le, BoolGetDatum(stored_type_compare(fcinfo, &(type)) <= 0))          \
	RETENTION_FORWARD(name##_gt, BoolGetDatum(stored_type_compare(fcinfo, &(type)) > 0))           \
	RETENTION_FORWARD(name##_ge, BoolGetDatum(stored_type_compare(fcinfo, &(type)) >= 0))          \
	RETENTION_FORWARD(name##_cmp, Int32GetDatum(stored_type_compare(fcinfo, &(type))))             \
	RETENTION_FORWARD(name##_hash, stored_type_hash(fcinfo, &(type)))

#define STORED_TYPE_COMBINE(function, type)                                                        \
	RETENTION_FORWARD(function, stored_type_combine(fcinfo, &(type)))

#endif /* RETENTION_TYPE_SQL_H */
