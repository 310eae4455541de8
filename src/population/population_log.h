/*
 * population_log.h
 *		The log of a large population: entries one after the other, by partition, in memory or in the ledger's file.
 *
 * Customers without keys are kept so, in one partition. Other populations write their tables to it when memory ends;
 * a customer may have entries of several tables then. When the log is read, the entries of a partition are put together
 * in a small table. A partition that is too large for that is divided first.
 */
#ifndef RETENTION_POPULATION_LOG_H
#define RETENTION_POPULATION_LOG_H

#include "population/population_ledger.h"
#include "population/population_table.h"

typedef struct LogPart LogPart;

typedef struct EntryLog
{
	const LedgerMember *owner;
	MemoryContext context; /* of the parts and their entries; NULL: there are no entries */
	KeyKind key;
	EventShape shape;
	bool in_file; /* chunks of entries are written as soon as they are full */
	int depth;	  /* how often what is in it has been divided */
	int bits;	  /* there are 1 << bits parts */
	LogPart *parts;
	StringInfoData entry; /* the one that is being added */
} EntryLog;

extern void
log_begin(EntryLog *log, const LedgerMember *owner, KeyKind key, const EventShape *shape);

static inline bool
log_is_empty(const EntryLog *log)
{
	return log->context == NULL;
}

/* Add a customer without a key. */
extern void log_add(EntryLog *log, const Event *events, int count);

/* What is in memory goes to the file, and all that is added later; false: it has gone before. */
extern bool log_write_out(EntryLog *log);

/* The customers of a table go to the file; the table is empty then. */
extern void log_write_table(EntryLog *log, CustomerTable *table);

/* Every customer once. */
extern void log_each(const EntryLog *log, EntryVisitor visitor, void *argument);

#endif /* RETENTION_POPULATION_LOG_H */
