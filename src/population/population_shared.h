/*
 * population_shared.h
 *		Narrow pages in dynamic shared memory, which all processes of a query fill together.
 *
 * An event of an integer customer sets a bit of their cell, atomically. Nothing is exchanged then, and neither the
 * memory nor the work depends on the number of processes. What does not fit (events that are not plain, values that
 * are far from the others, keys that are far from the others) stays in the population of its process, and is sent to
 * the process whose share the customer is in.
 *
 * The directory is made by the first process that has enough customers to see that they lie close together; it does
 * not change. Pages are made by the process that has the first event for one. Everything is freed by
 * shared_pages_free() or with the area.
 */
#ifndef RETENTION_POPULATION_SHARED_H
#define RETENTION_POPULATION_SHARED_H

#include "population/population_table.h"
#include "port/atomics.h"
#include "utils/dsa.h"

struct SharedPages
{
	pg_atomic_uint64 directory; /* a dsa_pointer to a SharedDirectory; invalid: there is none yet */
	pg_atomic_uint64 blocks;	/* a dsa_pointer to the newest SharedBlock */
	pg_atomic_uint64 bytes;		/* of blocks */
};

typedef struct SharedDirectory SharedDirectory;

/* What one process knows of them. */
typedef struct PageSharing
{
	SharedPages *shared;
	dsa_area *area;
	MemoryContext context;
	bool closed;				/* rows have been read: it is too late to make a directory */
	bool full;					/* there is no memory for more pages */
	int64 events;				/* that this process has put into pages */
	int64 made;					/* pages that it made */
	SharedDirectory *directory; /* NULL: not opened */
	int64 first;				/* the value of bit 0 */
	uint64 near_first;
	uint64 near_count;
	pg_atomic_uint64 **cells; /* of the pages near_first..; NULL: not known here */
	Size limit;				  /* of bytes in all processes */
	dsa_pointer block;		  /* the newest of this process */
	int block_left;			  /* pages of it that are not used */
} PageSharing;

extern PageSharing *
sharing_begin(SharedPages *shared, dsa_area *area, Size limit, MemoryContext context);

/* Whether any process has made the directory. */
static inline bool
shared_pages_made(PageSharing *sharing)
{
	return DsaPointerIsValid(pg_atomic_read_u64(&sharing->shared->directory));
}

/* Open the directory that another process has made; false: there is none. */
extern bool sharing_open(PageSharing *sharing);

/* Make the directory, for these pages, and open it, or that of a process that was faster. */
extern void sharing_create(PageSharing *sharing, int64 first, uint64 near_first, uint64 near_count);

static inline bool
sharing_is_open(const PageSharing *sharing)
{
	return sharing != NULL && sharing->directory != NULL;
}

/*
 * Plain events, at most BATCH_EVENTS. Those that do not fit are left in left_keys and left_values, which may be keys
 * and values; returns how many.
 */
extern int sharing_add_plain(PageSharing *sharing, const int64 *keys, const int64 *values,
							 int count, int64 *left_keys, int64 *left_values);

/* A customer whose events are a word; false: they do not fit. */
extern bool sharing_add_word(PageSharing *sharing, const KeyedWord *word);

/* The customers of a share. */
extern void
sharing_each_word(PageSharing *sharing, Share share, KeyedWordVisitor visitor, void *argument);

#endif /* RETENTION_POPULATION_SHARED_H */
