/*
 * population_sql.c
 *		The SQL functions of retention_population.
 */
#include "retention.h"

#include "libpq/pqformat.h"
#include "population/population_internal.h"
#include "utils/builtins.h"

/* retention_population_in(cstring) -> retention_population: hexadecimal wire form; 22P02, XX001. */
RETENTION_FUNCTION(retention_population_in);
Datum
retention_population_in(PG_FUNCTION_ARGS)
{
	StringInfoData wire;

	initStringInfo(&wire);
	wire_from_text(PG_GETARG_CSTRING(0), &wire, POPULATION_NAME);
	PG_RETURN_DATUM(population_read(wire.data, wire.len));
}

/* retention_population_out(retention_population) -> cstring */
RETENTION_FUNCTION(retention_population_out);
Datum
retention_population_out(PG_FUNCTION_ARGS)
{
	StringInfoData wire;

	initStringInfo(&wire);
	population_write(&wire, PG_GETARG_DATUM(0));
	PG_RETURN_CSTRING(wire_to_text(&wire));
}

/* retention_population_recv(internal) -> retention_population: wire form; XX001. */
RETENTION_FUNCTION(retention_population_recv);
Datum
retention_population_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	Size size = message->len - message->cursor;

	PG_RETURN_DATUM(population_read(pq_getmsgbytes(message, (int) size), size));
}

/* retention_population_send(retention_population) -> bytea */
RETENTION_FUNCTION(retention_population_send);
Datum
retention_population_send(PG_FUNCTION_ARGS)
{
	StringInfoData wire;

	pq_begintypsend(&wire);
	population_write(&wire, PG_GETARG_DATUM(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&wire));
}

/* population_combine(state, state): the combine function of every aggregate whose state is a population */
RETENTION_FUNCTION(population_combine);
Datum
population_combine(PG_FUNCTION_ARGS)
{
	return population_combine_states(fcinfo);
}
