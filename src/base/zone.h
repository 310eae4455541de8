/*
 * zone.h
 *		A time zone as a table of its offsets, so that no row asks the zone rules.
 */
#ifndef RETENTION_ZONE_H
#define RETENTION_ZONE_H

#include "datatype/timestamp.h"
#include "pgtime.h"

typedef struct Zone Zone;

/* The zone of that name, or NULL if there is none that timestamps may use. Zones are never freed: they are few. */
extern Zone *zone_find(const char *name);

/* The session's TimeZone. */
extern Zone *zone_of_session(void);

/* As SET TimeZone would show it. */
extern const char *zone_name(const Zone *zone);

/* Wall-clock time of an instant. Finite values only. */
extern Timestamp zone_local(Zone *zone, TimestampTz instant);

/*
 * The instant of a wall-clock time, by PostgreSQL's own choice for times that a clock skips or shows twice (the same
 * as `timestamp AT TIME ZONE zone`). 22008 where it leaves the range.
 */
extern TimestampTz zone_instant(Zone *zone, Timestamp local);

#endif /* RETENTION_ZONE_H */
