/*
 * population_form.h
 *		A population in either form: from a flat value to a handle, from the flat to the large form, and reading both.
 */
#ifndef RETENTION_POPULATION_FORM_H
#define RETENTION_POPULATION_FORM_H

#include "population/population_large.h"

/* A handle of a flat value, which is to be changed. */
extern void form_begin_flat(Population *population, FlatPopulation *flat, MemoryContext context);

/* Make space for more bytes at the end of a flat log; false: it would become too long. */
extern bool form_reserve_flat(Population *population, Size more);

/*
 * The flat log of a handle becomes a large form, if it is not one yet. The totals stay with the handle until
 * population_datum().
 */
extern void form_enlarge(Population *population);

/*
 * Add the entries of a log. It stays flat while it is small: a large form for each of many groups would take kilobytes.
 */
extern void form_load(Population *population, WireReader log);

/* A state that may be changed, from a value that must not be: population_datum() returns what it has become. */
extern Population *form_copy(Datum value, MemoryContext context);

/* Every customer once. */
extern void form_each(Population *population, EntryVisitor visitor, void *argument);

#endif /* RETENTION_POPULATION_FORM_H */
