/*
 * population_ledger.h
 *		The ledger: what all large populations of one aggregate's context share, a limit of memory and a temporary file.
 *
 * An aggregate with GROUP BY has many populations at once, so the memory of a query (work_mem * hash_mem_multiplier) is
 * theirs together. Where they would exceed it, the largest ones write their tables to the file.
 */
#ifndef RETENTION_POPULATION_LEDGER_H
#define RETENTION_POPULATION_LEDGER_H

#include "lib/ilist.h"
#include "utils/palloc.h"

typedef struct Ledger Ledger;
typedef struct LedgerMember LedgerMember;

struct LedgerMember
{
	Ledger *ledger;		   /* NULL: the context of the aggregate is gone */
	dlist_node link;	   /* in the ledger */
	MemoryContext context; /* the member's memory, that of its children included */
	Size counted;		   /* bytes of it that the ledger has counted */
	int since;			   /* additions since they were counted */
	int pins;			   /* while it is above 0 the member is being read and is not written out */

	/* Write the table to the file and empty it; false: it is too small to be worth that. */
	bool (*write_out)(LedgerMember *member);

	MemoryContextCallback gone;
};

/* Become a member of the ledger of an aggregate's context, which is made for its first one. */
extern void ledger_join(LedgerMember *member, MemoryContext aggregate);

/* Count the member's memory anew. */
extern void ledger_count(LedgerMember *member);

/* Write out the largest members until more bytes may be taken: maybe this one, whose table is empty then. */
extern void ledger_reserve(LedgerMember *member, Size more);

extern Size ledger_limit(const Ledger *ledger);

/* Bytes that the members may still take. */
extern Size ledger_room(const LedgerMember *member);

/* The file: where it ends, more bytes at its end, and bytes of it. What follows an earlier end is written over. */
extern int64 ledger_file_end(const Ledger *ledger);
extern void ledger_forget(Ledger *ledger, int64 end);
extern void ledger_write(Ledger *ledger, char *bytes, Size size);
extern void ledger_read(Ledger *ledger, int64 start, char *bytes, Size size);

#endif /* RETENTION_POPULATION_LEDGER_H */
