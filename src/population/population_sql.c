/*
 * population_sql.c
 *		The SQL functions of retention_population.
 */
#include "retention.h"

#include "base/type_sql.h"
#include "population/population_flat.h"
#include "utils/builtins.h"

static void *
read_population(const char *bytes, Size size, WireKind kind)
{
	return flat_read(bytes, size);
}

static void
write_population(Datum value, StringInfo out, WireKind kind)
{
	flat_write(out, value);
}

static const StoredType population_type = {.name = POPULATION_NAME,
										   .kind = WIRE_POPULATION,
										   .read = read_population,
										   .write = write_population};

STORED_TYPE_FUNCTIONS(retention_population, population_type)

/* population_combine(state, state): the combine function of every aggregate whose state is a population */
RETENTION_FUNCTION(population_combine);
Datum
population_combine(PG_FUNCTION_ARGS)
{
	return population_combine_states(fcinfo);
}
