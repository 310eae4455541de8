/*
 * population_key.c
 *		The customer of a row, as transition functions get it.
 */
#include "retention.h"

#include "catalog/pg_collation_d.h"
#include "population/population_key.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

void
population_require_byte_equality(Oid collation)
{
	static Oid last = DEFAULT_COLLATION_OID; /* known to be deterministic */

	if (collation == last || !OidIsValid(collation))
		return;
	if (!get_collation_isdeterministic(collation))
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("customers cannot be told apart by a nondeterministic collation"),
			 errhint(
				 "Write the customer with COLLATE \"C\", or in one spelling, as lower() makes it.")));
	last = collation;
}

char *
population_key_text(KeyKind key, Datum customer)
{
	switch (key)
	{
		case KEY_INT64:
			return psprintf(INT64_FORMAT, DatumGetInt64(customer));
		case KEY_UUID:
			return DatumGetCString(DirectFunctionCall1(uuid_out, customer));
		default:
			return TextDatumGetCString(customer);
	}
}
