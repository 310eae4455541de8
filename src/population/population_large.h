/*
 * population_large.h
 *		The large form of a population: an expanded object with a table, a batch of waiting events, and a log.
 */
#ifndef RETENTION_POPULATION_LARGE_H
#define RETENTION_POPULATION_LARGE_H

#include "population/population_flat.h"
#include "population/population_log.h"
#include "population/population_rows.h"
#include "population/population_shared.h"
#include "utils/expandeddatum.h"

typedef struct LargePopulation LargePopulation;

/* The handle of a population in either form. */
struct Population
{
	PopulationIdentity identity; /* its tag belongs to the flat or large form */
	PopulationTotals totals;
	MemoryContext context; /* the aggregate's context, in which a large form is created */

	PageSharing *sharing; /* NULL: customers are kept here alone */

	/* One of the two is NULL: */
	FlatPopulation *flat;
	LargePopulation *large;
};

/* Everything it owns is in the context of its header, and is freed with that. */
struct LargePopulation
{
	ExpandedObjectHeader header;
	Population self; /* its handle */
	LedgerMember member;
	CustomerTable table;
	EventBatch *batch;	  /* NULL while the table is small */
	RowStore *rows;		  /* NULL: not partitioned */
	bool not_partitioned; /* and never again */
	EntryLog log;		  /* customers without keys, and what did not fit into memory */
	int64 flat_size;	  /* -1: unknown */
};

extern LargePopulation *large_create(const PopulationIdentity *identity, MemoryContext parent);

/* The large population behind an expanded datum, or NULL where the datum is flat. */
extern LargePopulation *large_of(Datum value);

/* Add the events of one customer. An EntryVisitor that does so, and all entries of a log. */
extern void
large_add(LargePopulation *large, const CustomerKey *key, const Event *events, int count);
extern void large_load_entry(void *large, const CustomerKey *key, Event *events, int count);
extern void large_load(LargePopulation *large, WireReader log);

/* Integer customers whose events are words. */
extern void large_load_words(LargePopulation *large, const KeyedWord *words, int count);

/*
 * In a query of several processes: put into the shared pages what fits, if another process has made them; and take from
 * them the customers of a share if this population has customers, too.
 */
extern void large_share(LargePopulation *large);
extern void large_unshare(LargePopulation *large, Share share);

/* Rows of another process. */
extern void large_load_rows(LargePopulation *large, const RowChunk *chunk, int64 origin);

/*
 * Whether all customers are in partitions; else they are put into the table or the log, all of them. Then: the table
 * of a partition, in scratch, which is begun by large_begin_partitions().
 */
extern bool large_is_partitioned(LargePopulation *large);
extern CustomerTable *large_begin_partitions(LargePopulation *large);
extern void large_partition(LargePopulation *large, int partition, CustomerTable *scratch);
extern void large_end_partitions(CustomerTable *scratch);

/* Make space for so many customers. */
extern void large_expect(LargePopulation *large, int count);

/* Apply the batch. */
extern void large_flush(LargePopulation *large);

/* Up to BATCH_EVENTS plain events of integer customers, past the batch, which must be empty, where words are taken. */
extern void
large_add_plain(LargePopulation *large, const int64 *keys, const int64 *values, int count);

/* Every customer once. */
extern void large_each(LargePopulation *large, EntryVisitor visitor, void *argument);

#endif /* RETENTION_POPULATION_LARGE_H */
