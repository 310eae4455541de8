/*
 * text_sql.h
 *		The text of a value of any type, as a cast to text gives it.
 */
#ifndef RETENTION_TEXT_SQL_H
#define RETENTION_TEXT_SQL_H

#include "fmgr.h"

typedef struct ValueText
{
	Oid type; /* of the values, without domains */
	FmgrInfo output;
} ValueText;

/* Looks up how a type becomes a text; the result is allocated in context. */
extern void value_text_open(ValueText *how, Oid type, MemoryContext context);

/* The text of a value. It may be packed or the value itself, and must not be changed. */
extern text *value_text(ValueText *how, Datum value);

/*
 * The text of an argument declared as "any", which is not NULL. Raises 0A000 if the server does not say which type it
 * has, as when it evaluates an aggregate piecewise. Uses fn_extra.
 */
extern text *value_text_argument(FunctionCallInfo fcinfo, int number);

#endif /* RETENTION_TEXT_SQL_H */
