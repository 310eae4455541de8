/*
 * zone.h
 *		A time zone as a table of its offsets, so that no row needs the zone rules.
 */
#ifndef RETENTION_ZONE_H
#define RETENTION_ZONE_H

#include "datatype/timestamp.h"
#include "pgtime.h"

typedef struct Zone Zone;

/* The zone of that name, or NULL if timestamps can use none of that name. Zones are never freed: they are few. */
extern Zone *zone_find(const char *name);

/*
 * The session's TimeZone. An error in a session that Citus opened to run part of a query on another server: Citus does
 * not pass the time zone of the session that asks, so this one would silently give the months of another zone.
 */
extern Zone *zone_of_session(void);

/* Whether this is such a session, which Citus marks in application_name; and the error. */
extern bool zone_session_is_of_citus(void);
extern void pg_attribute_noreturn() zone_not_known(void);

/* The name as SHOW TimeZone prints it. */
extern const char *zone_name(const Zone *zone);

/* Wall-clock time of an instant. Finite values only. */
extern Timestamp zone_local(Zone *zone, TimestampTz instant);

/* Whether the offset is the same from one instant to another, both included. */
extern bool zone_steady(Zone *zone, TimestampTz from, TimestampTz to);

/*
 * The instant of a wall-clock time, the same as `timestamp AT TIME ZONE zone` for times that a clock skips or shows
 * twice. Raises 22008 if it is out of range.
 */
extern TimestampTz zone_instant(Zone *zone, Timestamp local);

/*
 * Hours as they pass, numbered without a gap and never backwards; the hour that an autumn clock shows twice is two
 * hours. They begin where the clock of the zone shows a full hour. A clock that shifts by a part of an hour makes the
 * hour it shifts in longer or shorter. zone_hour_start() is the first instant of an hour; the range is not checked.
 */
extern int64 zone_hour(Zone *zone, TimestampTz instant);
extern TimestampTz zone_hour_start(Zone *zone, int64 hour);

#endif /* RETENTION_ZONE_H */
