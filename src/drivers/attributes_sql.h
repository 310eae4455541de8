/*
 * attributes_sql.h
 *		The attributes of a customer as an argument: a record, or one value.
 *
 * A single value has a transition function for each type, because Citus, which evaluates aggregates piecewise, does not
 * say what type an argument has. An overload with "any" would make calls with the row of a table ambiguous.
 */
#ifndef RETENTION_ATTRIBUTES_SQL_H
#define RETENTION_ATTRIBUTES_SQL_H

#include "base/attributes.h"

/* TRANSITION(name, type) for each form of the attributes. */
#define ATTRIBUTE_FORMS(TRANSITION, name)                                                          \
	TRANSITION(name##_record_transfn, RECORDOID);                                                  \
	TRANSITION(name##_text_transfn, TEXTOID);                                                      \
	TRANSITION(name##_boolean_transfn, BOOLOID);                                                   \
	TRANSITION(name##_smallint_transfn, INT2OID);                                                  \
	TRANSITION(name##_integer_transfn, INT4OID);                                                   \
	TRANSITION(name##_bigint_transfn, INT8OID);                                                    \
	TRANSITION(name##_real_transfn, FLOAT4OID);                                                    \
	TRANSITION(name##_double_transfn, FLOAT8OID);                                                  \
	TRANSITION(name##_date_transfn, DATEOID);                                                      \
	TRANSITION(name##_enum_transfn, ANYENUMOID)

static inline AttributeReader *
attributes_argument(FunctionCallInfo fcinfo, int number, Oid type)
{
	FmgrInfo *call = fcinfo->flinfo;
	bool isnull = PG_ARGISNULL(number);
	Datum value = isnull ? (Datum) 0 : PG_GETARG_DATUM(number);

	if (type == RECORDOID)
		return attributes_open(&call->fn_extra, call->fn_mcxt, value);
	return attributes_of_value(&call->fn_extra, call->fn_mcxt, type, value, isnull);
}

#endif /* RETENTION_ATTRIBUTES_SQL_H */
