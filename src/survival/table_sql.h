/*
 * table_sql.h
 *		What the doors of all states made of times share.
 */
#ifndef RETENTION_SURVIVAL_TABLE_SQL_H
#define RETENTION_SURVIVAL_TABLE_SQL_H

#include "base/emit.h"
#include "survival/times.h"

/* The state of the running aggregate, to be changed in place; NULL before the first row. */
extern TimeTable *table_own(FunctionCallInfo fcinfo, WireKind kind);

extern Datum table_combine(FunctionCallInfo fcinfo, WireKind kind);
extern Datum table_finish(FunctionCallInfo fcinfo, WireKind kind);
extern Datum table_type_in(FunctionCallInfo fcinfo, WireKind kind);
extern Datum table_type_out(FunctionCallInfo fcinfo, WireKind kind);
extern Datum table_type_recv(FunctionCallInfo fcinfo, WireKind kind);
extern Datum table_type_send(FunctionCallInfo fcinfo, WireKind kind);

/* A duration, an entry, ...: finite and not negative, else 22023. Makes -0 an ordinary 0. */
extern double check_time(double value, const char *what);

/* A label argument: NULL or its bytes. */
extern Label label_argument(FunctionCallInfo fcinfo, int number);

/* Argument `number` as a C string. */
extern char *text_argument(FunctionCallInfo fcinfo, int number);

/* Argument `number`, an array of times that are not NULL: 22004 and 22023. */
extern double *times_argument(FunctionCallInfo fcinfo, int number, int *asked);

#endif /* RETENTION_SURVIVAL_TABLE_SQL_H */
