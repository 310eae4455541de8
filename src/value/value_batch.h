/*
 * value_batch.h
 *		The aggregates of this module for the batch scan.
 */
#ifndef RETENTION_VALUE_BATCH_H
#define RETENTION_VALUE_BATCH_H

#include "population/population.h"

/* The population of rows with this identity, whose tag is the text of a grid: a new one, or that of earlier rows. */
static inline void
value_batch_population(Population **population, const PopulationIdentity *identity,
					   MemoryContext context)
{
	const PopulationIdentity *before;

	if (*population == NULL)
		*population = population_create(identity, context);
	before = population_identity(*population);
	if (unlikely(!population_same_tag(before, identity)))
		grid_mismatch(pnstrdup(before->tag, before->tag_length), identity->tag);
}

/* Called when the library is loaded: register customer_value and cohort_value with a customer. */
extern void value_start(void);
extern void cohort_value_start(void);

#endif /* RETENTION_VALUE_BATCH_H */
