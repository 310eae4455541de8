/*
 * population_flat.h
 *		The flat form of a population: one value, in which entries follow each other in the order in which they came.
 *
 * It is what a small population is, what a large one becomes when it is stored or sent to another process, and what the
 * functions of the type read and write.
 */
#ifndef RETENTION_POPULATION_FLAT_H
#define RETENTION_POPULATION_FLAT_H

#include "population/population_entry.h"

#define POPULATION_FLAT_VERSION 1
#define POPULATION_WIRE_VERSION 1

/* A log grows in place to this size; beyond it a population becomes large. */
#define FLAT_LIMIT 4096
/* A value must fit into a tuple, and a tuple into one allocation. */
#define FLAT_LARGEST ((int64) MaxAllocSize - 1024 * 1024)
#define TAG_LONGEST 65535
#define FLAT_HAS_AMOUNT 0x80

typedef struct FlatPopulation
{
	FlatHeader header;
	char aggregate;
	uint8 key;
	uint8 kind;
	uint8 shape; /* EventShape: more_flags, and FLAT_HAS_AMOUNT */
	int32 cap;
	int32 tag_length;
	int32 used; /* bytes in use, this struct included; VARSIZE may be more, and the rest is 0 */
	PopulationTotals totals;
	char data[FLEXIBLE_ARRAY_MEMBER]; /* the tag, then the log */
} FlatPopulation;

#define FLAT_LOG(flat) ((flat)->data + (flat)->tag_length)
#define FLAT_END(flat) ((char *) (flat) + (flat)->used)

/* A new value, in the current context, with space for so many bytes of log. */
extern FlatPopulation *flat_create(const PopulationIdentity *identity, Size capacity);

/* The value of an argument, which must not be changed. */
extern FlatPopulation *flat_argument(Datum value);

/* Check everything but the entries, which are checked where they are read. Returns its argument. */
extern FlatPopulation *flat_check(FlatPopulation *flat);

/* Write the identity into a value that has space for its tag. */
extern void flat_set_identity(FlatPopulation *flat, const PopulationIdentity *identity);

/* Its tag lies in the value. */
extern PopulationIdentity flat_identity(const FlatPopulation *flat);

extern WireReader flat_log(const FlatPopulation *flat);

/*
 * The value with space for more bytes of log, or NULL where the log would become too long. A new value is made in the
 * current context: the executor copies it into the aggregate's and frees the old one.
 */
extern FlatPopulation *flat_reserve(FlatPopulation *flat, Size more);

/* Each entry: a customer may come several times. */
extern void flat_each(const FlatPopulation *flat, EntryVisitor visitor, void *argument);

/* Each customer once, for small logs: sorts the entries. */
extern void flat_each_merged(const FlatPopulation *flat, EntryVisitor visitor, void *argument);

/* The wire form. */
extern void flat_write(StringInfo out, Datum value);
extern FlatPopulation *flat_read(const char *bytes, Size size);

#endif /* RETENTION_POPULATION_FLAT_H */
