/*
 * population_entry.h
 *		Customers inside a population: their keys, and the bytes of an entry.
 *
 * An entry is a customer's key and a history, as history_write() writes it. Flat values, temporary files and packets
 * are logs: sequences of entries.
 */
#ifndef RETENTION_POPULATION_ENTRY_H
#define RETENTION_POPULATION_ENTRY_H

#include "population/population.h"

#define POPULATION_NAME "retention_population"

/*
 * A key as hash tables see it. Equal keys have equal a and b and, for texts, equal bytes. a and b are the
 * integer and 0, the bytes of a uuid, or the hash of a text and its size.
 */
typedef struct CustomerKey
{
	uint64 a;
	uint64 b;
	const char *bytes; /* texts only */
} CustomerKey;

/* Called with each customer; events, of the shape of the population, belong to the caller and may be overwritten. */
typedef void (*EntryVisitor)(void *argument, const CustomerKey *key, Event *events, int count);

/* Memory for the events of one customer; it grows with use. Zeroed before its first use. */
typedef struct EventBuffer
{
	Event *events;
	int capacity;
} EventBuffer;

extern CustomerKey key_of_int64(int64 value);
extern CustomerKey key_of_bytes(KeyKind kind, const void *bytes, Size size);

/* An order of keys; it means nothing to users. */
extern int key_compare(KeyKind kind, const CustomerKey *one, const CustomerKey *other);

/*
 * Integer customers in groups of 1024 whose keys differ in their last bits only. A group belongs to one share, and a
 * table that addresses cells by their keys has a page for each group (population_page.h).
 */
#define CELL_PAGE_BITS 10

/* The finaliser of MurmurHash3 (Appleby 2011, fmix64). */
static inline uint64
key_mix(uint64 x)
{
	x ^= x >> 33;
	x *= UINT64CONST(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64CONST(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return x;
}

static inline uint64
key_hash(KeyKind kind, uint64 a, uint64 b)
{
	return kind == KEY_TEXT ? a : kind == KEY_UUID ? key_mix(a ^ key_mix(b)) : key_mix(a);
}

/* The hash by which customers are divided. All keys of a page have the same. */
static inline uint64
key_divide(KeyKind kind, uint64 a, uint64 b)
{
	/* The hash of a text is its place in a table already. */
	return kind == KEY_INT64  ? key_mix(a >> CELL_PAGE_BITS)
		   : kind == KEY_UUID ? key_hash(kind, a, b)
		   : kind == KEY_TEXT ? key_mix(a)
							  : 0;
}

/* A partition, its first byte, belongs to one share. */
#define KEY_PARTITIONS 256

static inline int
key_partition(KeyKind kind, uint64 a, uint64 b)
{
	return (int) (key_divide(kind, a, b) >> 56);
}

/* The number of the share, of so many, that a customer belongs to. */
static inline int
key_share(KeyKind kind, const CustomerKey *key, int shares)
{
	return (int) ((int64) key_partition(kind, key->a, key->b) * shares / KEY_PARTITIONS);
}

static inline bool
in_share(KeyKind kind, const CustomerKey *key, Share share)
{
	return share.count <= 1 || key_share(kind, key, share.count) == share.number;
}

extern void entry_write(StringInfo out, KeyKind kind, const EventShape *shape,
						const CustomerKey *key, const Event *events, int count);

/* The key at the front of an entry; its bytes stay where they are. */
extern CustomerKey entry_read_key(WireReader *in, KeyKind kind);

/* Entries of a log that are handled together: counts[i] events belong to keys[i]. Zeroed before its first use. */
#define GROUP_ENTRIES 64

typedef struct EntryGroup
{
	int used;
	CustomerKey keys[GROUP_ENTRIES];
	int counts[GROUP_ENTRIES];
	EventBuffer buffer;
} EntryGroup;

/* The next ones; false: the log has ended. */
extern bool entries_read(WireReader *log, KeyKind kind, const EventShape *shape, EntryGroup *group);

#endif /* RETENTION_POPULATION_ENTRY_H */
