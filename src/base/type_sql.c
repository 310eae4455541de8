/*
 * type_sql.c
 *		The SQL functions of a stored type, and what aggregates share whose state is a value of it.
 */
#include "retention.h"

#include "base/type_sql.h"
#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/memutils.h"

/* ---- Text and bytes ---- */

#define COMMENT_BEGIN "/* "
#define COMMENT_END " */ "

/*
 * Raises 22P02 on a text that no value has. A comment before the digits is skipped, whatever it says: the value is
 * that of the digits.
 */
Datum
stored_type_in(FunctionCallInfo fcinfo, const StoredType *type)
{
	const char *digits = PG_GETARG_CSTRING(0);
	StringInfoData wire;

	if (strncmp(digits, COMMENT_BEGIN, strlen(COMMENT_BEGIN)) == 0)
	{
		const char *end = strstr(digits, COMMENT_END);

		if (end != NULL)
			digits = end + strlen(COMMENT_END);
	}
	initStringInfo(&wire);
	wire_from_text(digits, &wire, type->name);
	PG_RETURN_POINTER(wire_read(WIRE_FROM_TEXT, type->read, wire.data, wire.len, type->kind));
}

void
describe_count(StringInfo out, int64 count, const char *what)
{
	appendStringInfo(out, ", " INT64_FORMAT " %s%s", count, what, count == 1 ? "" : "s");
}

Datum
stored_type_out(FunctionCallInfo fcinfo, const StoredType *type)
{
	StringInfoData wire;
	StringInfoData out;

	initStringInfo(&wire);
	type->write(PG_GETARG_DATUM(0), &wire, type->kind);
	initStringInfo(&out);
	if (type->use != NULL)
	{
		appendStringInfo(&out, COMMENT_BEGIN "%s", type->name);
		type->describe(PG_GETARG_DATUM(0), &out, type->kind);
		appendStringInfo(&out, "; use %s" COMMENT_END, type->use);
	}
	wire_to_text(&wire, &out);
	PG_RETURN_CSTRING(out.data);
}

/* Raises 22P03 on bytes that no value has. */
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

/* ---- Order ---- */

/* Wire forms are made in a context of their own, because a sort frees nothing between its comparisons. */
static MemoryContext
compare_begin(void)
{
	return MemoryContextSwitchTo(AllocSetContextCreate(CurrentMemoryContext, "retention comparison",
													   ALLOCSET_DEFAULT_SIZES));
}

static void
compare_end(MemoryContext caller)
{
	MemoryContextDelete(MemoryContextSwitchTo(caller));
}

int
stored_type_compare(FunctionCallInfo fcinfo, const StoredType *type)
{
	MemoryContext caller = compare_begin();
	StringInfoData wire[2];
	int order;

	for (int i = 0; i < 2; i++)
	{
		initStringInfo(&wire[i]);
		type->write(PG_GETARG_DATUM(i), &wire[i], type->kind);
	}
	order = memcmp(wire[0].data, wire[1].data, Min(wire[0].len, wire[1].len));
	if (order == 0)
		order = wire[0].len < wire[1].len ? -1 : wire[0].len > wire[1].len;
	compare_end(caller);
	return order;
}

Datum
stored_type_hash(FunctionCallInfo fcinfo, const StoredType *type)
{
	MemoryContext caller = compare_begin();
	StringInfoData wire;
	Datum hash;

	initStringInfo(&wire);
	type->write(PG_GETARG_DATUM(0), &wire, type->kind);
	hash = hash_any((const unsigned char *) wire.data, wire.len);
	compare_end(caller);
	return hash;
}

/* ---- States ---- */

Datum
stored_type_combine(FunctionCallInfo fcinfo, const StoredType *type)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(type->copy(PG_GETARG_DATUM(1), type->kind));
	PG_RETURN_POINTER(type->merge(stored_type_state(fcinfo, type), PG_GETARG_DATUM(1), type->kind));
}
