/*
 * emit.h
 *		Rows out of a set-returning function, the same on every server version.
 */
#ifndef RETENTION_EMIT_H
#define RETENTION_EMIT_H

#include <math.h>

#include "access/tupdesc.h"
#include "base/wire.h"
#include "utils/tuplestore.h"

typedef struct Emitter
{
	Tuplestorestate *rows; /* owned by the executor once emit_begin() has returned */
	TupleDesc columns;
} Emitter;

/*
 * Begin the answer of a function that RETURNS TABLE or SETOF record with OUT columns. Answers are materialized, for
 * they are as small as summaries. The caller returns (Datum) 0 at the end.
 */
extern Emitter emit_begin(FunctionCallInfo fcinfo);

/* One row; values and nulls have one entry per declared column. */
extern void emit_row(Emitter *emitter, const Datum *values, const bool *nulls);

/* A field of an answer. NaN becomes NULL; infinity stays, such as a ratio of something to nothing. */
static inline void
put_number(Datum *values, bool *nulls, int at, double value)
{
	nulls[at] = isnan(value);
	values[at] = Float8GetDatum(value);
}

/* A text, NULL where there is none. */
extern void put_tag(Datum *values, bool *nulls, int at, Tag tag);
extern void put_text(Datum *values, bool *nulls, int at, const char *string);

/* One composite value as a result: for functions declared with OUT columns and no SETOF. */
extern Datum emit_one(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

#endif /* RETENTION_EMIT_H */
