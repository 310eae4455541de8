/*
 * population_events.h
 *		population_events(): the histories that a population keeps, as text.
 */
#ifndef RETENTION_POPULATION_EVENTS_H
#define RETENTION_POPULATION_EVENTS_H

/* Called when the library is loaded: registers the aggregate with the batch scan. */
extern void population_events_start(void);

#endif /* RETENTION_POPULATION_EVENTS_H */
