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

/* What is looked up lives in context. */
extern void value_text_open(ValueText *how, Oid type, MemoryContext context);

/* Packed, and not to be changed: it may be the value itself. */
extern text *value_text(ValueText *how, Datum value);

/*
 * The text of an argument declared as "any", which is not NULL. 0A000 where the server does not say what type it has,
 * as when it evaluates an aggregate piecewise. Uses fn_extra.
 */
extern text *value_text_argument(FunctionCallInfo fcinfo, int number);

#endif /* RETENTION_TEXT_SQL_H */
