/*
 * times_sql.h
 *		What the SQL functions of all states that are tables of times share.
 */
#ifndef RETENTION_TIMES_SQL_H
#define RETENTION_TIMES_SQL_H

#include "base/emit.h"
#include "base/type_sql.h"
#include "survival/times.h"
#include "time/moment.h"

/* The StoredType of a state that is a table of times; NULL for use_function: its text has no comment. */
#define TIMES_TYPE(type_name, wire_kind, use_function)                                             \
	{                                                                                              \
		.name = type_name, .kind = wire_kind, .read = times_read, .write = times_write,            \
		.describe = times_type_describe, .use = use_function, .version = TIMES_VERSION,            \
		.least = sizeof(TimeTable), .is_own = counted_is_own, .copy = times_copy,                  \
		.merge = times_merge                                                                       \
	}
extern void times_type_describe(Datum value, StringInfo out, WireKind kind);

/* A final function: the state in sorted form. */
extern Datum times_finish(FunctionCallInfo fcinfo, WireKind kind);

/* A duration, an entry, ...: finite and not negative, else 22023. Turns -0 into 0. */
extern double check_time(double value, const char *what);

/* The weight of a customer: 0 to WEIGHT_MOST, else 22023. */
extern double check_weight(double weight);

/* A time of any kind; 22023 if it is infinite. */
extern int64 finite_moment(TimeKind kind, Datum value, const char *what);

/* The same for as_of, which must not be NULL: 22004. */
extern int64 as_of_argument(TimeKind kind, Datum value, bool isnull);

/*
 * The length of a membership in whole days, on the clock of the session: customers who left in the course of a day left
 * at its end, customers who are still there were seen for the days that have passed.
 */
extern double whole_days(TimeKind kind, int64 from, int64 until, bool left);

/* The tag of an argument: NULL, or the bytes of a text; if any is set, of the text of a value of any type. */
extern Tag tag_argument(FunctionCallInfo fcinfo, int number, bool any);

/* Argument `number` as a C string. */
extern char *text_argument(FunctionCallInfo fcinfo, int number);

/* Argument `number`, an array of times that are not NULL: 22004 and 22023. */
extern double *times_argument(FunctionCallInfo fcinfo, int number, int *asked);

#endif /* RETENTION_TIMES_SQL_H */
