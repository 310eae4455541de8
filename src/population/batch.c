/*
 * batch.c
 *		The aggregates that modules offer to the batch scan.
 */
#include "retention.h"

#include "population/batch.h"

static BatchFamily *families;

void
batch_register(BatchFamily *family)
{
	family->next = families;
	families = family;
}

bool
batch_find(PGFunction transition, PGFunction final, const BatchMethods **methods,
		   const BatchFinish **finish)
{
	for (const BatchFamily *family = families; family != NULL; family = family->next)
	{
		const BatchEntry *entry = family->entries;
		const BatchFinish *end = family->finishes;

		while (entry->transition != NULL && entry->transition != transition)
			entry++;
		while (end->final != NULL && end->final != final)
			end++;
		if (entry->transition != NULL && end->final != NULL)
		{
			*methods = entry->methods;
			*finish = end;
			return true;
		}
	}
	return false;
}
