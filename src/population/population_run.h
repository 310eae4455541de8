/*
 * population_run.h
 *		Runs: entries of a large population in a temporary file, in the order of their keys.
 *
 * A table that has to leave memory becomes a run, and the runs of a population are merged when it is read. An entry has
 * its length in front. Populations without keys have nothing to merge: their runs are read one after the other.
 */
#ifndef RETENTION_POPULATION_RUN_H
#define RETENTION_POPULATION_RUN_H

#include "population/population_ledger.h"
#include "population/population_table.h"

typedef struct SpillRun
{
	int64 start; /* in the ledger's file */
	int64 size;
	int64 entries;
	int64 payload; /* size without the lengths, which a flat log does not have */
} SpillRun;

typedef struct RunList
{
	const LedgerMember *owner;
	KeyKind key;
	EventShape shape;
	SpillRun *runs;
	int count;
	int capacity;
} RunList;

/* A table becomes a run, and is empty then. */
extern void runs_write_table(RunList *list, CustomerTable *table);

/* Put everything into one run (without keys: into any number of runs). */
extern void runs_compact(RunList *list);

/* Every customer of the runs once. */
extern void runs_each(RunList *list, EntryVisitor visitor, void *argument);

/* All entries, after runs_compact(), as a log of so many bytes. */
extern void runs_copy(RunList *list, char *to, Size size);

#endif /* RETENTION_POPULATION_RUN_H */
