/*
 * type_sql.h
 *		The four functions of a stored type: in, out, recv, send.
 *
 * A type has one reader and one writer of its wire form; its text is that form in hexadecimal digits.
 */
#ifndef RETENTION_TYPE_SQL_H
#define RETENTION_TYPE_SQL_H

#include "base/wire.h"

typedef struct StoredType
{
	const char *name; /* for messages */
	WireKind kind;	  /* for readers and writers of several kinds */
	WireRead read;	  /* raises by wire_corrupt() what cannot be a value */
	void (*write)(Datum value, StringInfo out, WireKind kind);
} StoredType;

extern Datum stored_type_in(FunctionCallInfo fcinfo, const StoredType *type);
extern Datum stored_type_out(FunctionCallInfo fcinfo, const StoredType *type);
extern Datum stored_type_recv(FunctionCallInfo fcinfo, const StoredType *type);
extern Datum stored_type_send(FunctionCallInfo fcinfo, const StoredType *type);

#define STORED_TYPE_FUNCTION(prefix, way)                                                          \
	RETENTION_FUNCTION(prefix##_##way);                                                            \
	Datum prefix##_##way(PG_FUNCTION_ARGS)                                                         \
	{                                                                                              \
		return stored_type_##way(fcinfo, &prefix##_type);                                          \
	}

/* prefix_in(), prefix_out(), prefix_recv() and prefix_send(); what follows are the fields of the StoredType. */
#define STORED_TYPE_FUNCTIONS(prefix, ...)                                                         \
	static const StoredType prefix##_type = {__VA_ARGS__};                                         \
	STORED_TYPE_FUNCTION(prefix, in)                                                               \
	STORED_TYPE_FUNCTION(prefix, out)                                                              \
	STORED_TYPE_FUNCTION(prefix, recv)                                                             \
	STORED_TYPE_FUNCTION(prefix, send)

#endif /* RETENTION_TYPE_SQL_H */
