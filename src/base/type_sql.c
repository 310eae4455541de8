/*
 * type_sql.c
 *		The four functions of a stored type: in, out, recv, send.
 */
#include "retention.h"

#include "base/type_sql.h"
#include "libpq/pqformat.h"

/* 22P02 on a text that no value has. */
Datum
stored_type_in(FunctionCallInfo fcinfo, const StoredType *type)
{
	StringInfoData wire;

	initStringInfo(&wire);
	wire_from_text(PG_GETARG_CSTRING(0), &wire, type->name);
	PG_RETURN_POINTER(wire_read(WIRE_FROM_TEXT, type->read, wire.data, wire.len, type->kind));
}

Datum
stored_type_out(FunctionCallInfo fcinfo, const StoredType *type)
{
	StringInfoData wire;

	initStringInfo(&wire);
	type->write(PG_GETARG_DATUM(0), &wire, type->kind);
	PG_RETURN_CSTRING(wire_to_text(&wire));
}

/* 22P03 on bytes that no value has. */
Datum
stored_type_recv(FunctionCallInfo fcinfo, const StoredType *type)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int size = message->len - message->cursor;

	PG_RETURN_POINTER(
		wire_read(WIRE_FROM_CLIENT, type->read, pq_getmsgbytes(message, size), size, type->kind));
}

Datum
stored_type_send(FunctionCallInfo fcinfo, const StoredType *type)
{
	StringInfoData message;

	pq_begintypsend(&message);
	type->write(PG_GETARG_DATUM(0), &message, type->kind);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
