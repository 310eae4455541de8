/*
 * moment.h
 *		Moments: the values of a time column as int64.
 *
 * Days of a date, microseconds of the other types, as the server stores them. The infinities of a date are those of its
 * type.
 */
#ifndef RETENTION_MOMENT_H
#define RETENTION_MOMENT_H

#include "time/grid.h"
#include "utils/timestamp.h"

static inline int64
moment_of_datum(TimeKind kind, Datum value)
{
	return kind == TIME_DATE ? (int64) DatumGetDateADT(value) : DatumGetInt64(value);
}

static inline Datum
moment_datum(TimeKind kind, int64 moment)
{
	return kind == TIME_DATE ? DateADTGetDatum((DateADT) moment) : TimestampTzGetDatum(moment);
}

/* Whether the moment is a finite value of the type. */
static inline bool
moment_is_valid(TimeKind kind, int64 moment)
{
	return kind == TIME_DATE ? IS_VALID_DATE(moment) : IS_VALID_TIMESTAMP(moment);
}

#endif /* RETENTION_MOMENT_H */
