/*
 * population_key.h
 *		The customer of a row, as transition functions get it: argument 1, a bigint, a uuid or a text.
 */
#ifndef RETENTION_POPULATION_KEY_H
#define RETENTION_POPULATION_KEY_H

#include "population/population.h"
#include "utils/uuid.h"

/* 0A000 where text that is equal need not be the same bytes. */
extern void population_require_byte_equality(Oid collation);

/* The customer of a row, as SQL prints it. */
extern char *population_key_text(KeyKind key, Datum customer);

static inline void
population_add_value(Population *population, KeyKind key, Datum value, Event event)
{
	if (key == KEY_INT64)
		population_add_int64(population, DatumGetInt64(value), event);
	else if (key == KEY_UUID)
		population_add_bytes(population, DatumGetUUIDP(value)->data, UUID_LEN, event);
	else
	{
		struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

		population_add_bytes(population, VARDATA_ANY(bytes), (int) VARSIZE_ANY_EXHDR(bytes), event);
		if (unlikely((Pointer) bytes != DatumGetPointer(value)))
			pfree(bytes);
	}
}

/* The same in a population with amounts. */
static inline void
population_add_value_amount(Population *population, KeyKind key, Datum value, AmountEvent event)
{
	if (key == KEY_INT64)
		population_add_int64_amount(population, DatumGetInt64(value), event.event, event.amount);
	else if (key == KEY_UUID)
		population_add_bytes_amount(population, DatumGetUUIDP(value)->data, UUID_LEN, event);
	else
	{
		struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

		population_add_bytes_amount(population, VARDATA_ANY(bytes), (int) VARSIZE_ANY_EXHDR(bytes),
									event);
		if (unlikely((Pointer) bytes != DatumGetPointer(value)))
			pfree(bytes);
	}
}

static inline void
population_add_key(FunctionCallInfo fcinfo, Population *population, KeyKind key, Event event)
{
	population_add_value(population, key, PG_GETARG_DATUM(1), event);
}

#endif /* RETENTION_POPULATION_KEY_H */
