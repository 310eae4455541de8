/*
 * population_sql.c
 *		The SQL functions of retention_population.
 */
#include "retention.h"

#include "base/type_sql.h"
#include "population/population_flat.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

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
RETENTION_FORWARD(population_combine, population_combine_states(fcinfo))

/* numeric_customer(numeric) -> bigint, as the type numeric_customer */
RETENTION_FUNCTION(numeric_customer);
Datum
numeric_customer(PG_FUNCTION_ARGS)
{
	Datum value = PG_GETARG_DATUM(0);

	if (!DatumGetBool(DirectFunctionCall2(
			numeric_eq, value, DirectFunctionCall2(numeric_trunc, value, Int32GetDatum(0)))))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the customer %s is not a whole number",
							   numeric_normalize(DatumGetNumeric(value))),
						errhint("Cast such customers to text.")));
	return DirectFunctionCall1(numeric_int8, value);
}
