/*
 * population_form.c
 *		A population in either form: from a flat value to a handle, from the flat to the large form, and reading both.
 */
#include "retention.h"

#include "population/population_form.h"
#include "utils/memutils.h"

/* A flat value up to this size is read by sorting its entries, without a table. */
#define SORT_MOST (64 * 1024)

void
form_begin_flat(Population *population, FlatPopulation *flat, MemoryContext context)
{
	population->identity = flat_identity(flat);
	population->totals = flat->totals;
	population->context = context;
	population->sharing = NULL;
	population->flat = flat;
	population->large = NULL;
}

bool
form_reserve_flat(Population *population, Size more)
{
	FlatPopulation *flat = flat_reserve(population->flat, more);

	if (flat == NULL)
		return false;
	population->flat = flat;
	population->identity.tag = flat->data;
	return true;
}

void
form_enlarge(Population *population)
{
	FlatPopulation *flat = population->flat;
	LargePopulation *large;

	if (population->large != NULL)
		return;
	large = large_create(&population->identity, population->context);
	large_load(large, flat_log(flat));
	large->self.totals = population->totals;
	large->self.sharing = population->sharing;
	population->identity = large->self.identity;
	population->flat = NULL;
	population->large = large;
}

void
form_load(Population *population, WireReader log)
{
	Size size = log.end - log.at;

	if (population->large == NULL && form_reserve_flat(population, size))
	{
		memcpy(FLAT_END(population->flat), log.at, size);
		population->flat->used += (int32) size;
		return;
	}
	form_enlarge(population);
	large_load(population->large, log);
}

Population *
form_copy(Datum value, MemoryContext context)
{
	LargePopulation *source = large_of(value);
	Population *population = palloc0(sizeof(Population));
	PopulationTotals *totals;

	if (source == NULL)
	{
		FlatPopulation *flat = flat_argument(value);
		Size head = offsetof(FlatPopulation, data) + flat->tag_length;

		form_begin_flat(population, flat, context);
		if (flat->used - head <= FLAT_LIMIT)
		{
			FlatPopulation *copy = flat_create(&population->identity, flat->used - head + 32);

			memcpy(FLAT_LOG(copy), FLAT_LOG(flat), flat->used - head);
			copy->used = flat->used;
			copy->totals = flat->totals;
			form_begin_flat(population, copy, context);
		}
		else
			form_enlarge(population);
		return population;
	}

	population = &large_create(&source->self.identity, context)->self;
	totals = population_totals(population);
	*totals = source->self.totals;
	large_each(source, large_load_entry, population->large);
	return population;
}

void
form_each(Population *population, EntryVisitor visitor, void *argument)
{
	if (population->large != NULL)
		large_each(population->large, visitor, argument);
	else if (population->identity.key == KEY_NONE)
		flat_each(population->flat, visitor, argument);
	else if (population->flat->used <= SORT_MOST)
		flat_each_merged(population->flat, visitor, argument);
	else
	{
		MemoryContext context =
			AllocSetContextCreate(CurrentMemoryContext, "retention visit", ALLOCSET_SMALL_SIZES);
		LargePopulation *large = large_create(&population->identity, context);

		large_load(large, flat_log(population->flat));
		large_each(large, visitor, argument);
		MemoryContextDelete(context);
	}
}
