/*
 * batch.h
 *		What a room offers to the batch scan: an aggregate by many rows at a time, and by shares of its customers.
 *
 * A door belongs to a transition function, a finish to a final function: of an aggregate that is a member of this
 * extension the scan finds both by the addresses of the C functions behind them. What a row means is the same code as in the transition function, but for plain rows of integer
 * customers (add_plain_rows() of the room cohort), which have a short way of their own.
 */
#ifndef RETENTION_BATCH_H
#define RETENTION_BATCH_H

#include "population/population.h"

/* Arguments of an aggregate, the state not counted. */
#define BATCH_ARGUMENTS 6

/* The values of one argument in the rows of a batch. */
typedef struct BatchColumn
{
	const Datum *values;
	const bool *nulls;
} BatchColumn;

typedef struct BatchMethods BatchMethods;

/* One aggregate of a query. */
typedef struct BatchCall
{
	const BatchMethods *methods;
	Oid collation;
	/* Of the arguments that are the same in every row: */
	Datum constants[BATCH_ARGUMENTS];
	bool constant_nulls[BATCH_ARGUMENTS];
	void *private_data; /* what open() leaves for the others */
} BatchCall;

struct BatchMethods
{
	int narguments;
	uint32 constants; /* bit i: argument i must be the same in every row */
	KeyKind key;
	TimeKind kind;
	TimeKind anchor_kind; /* of a row's first time, where it has two types of time */
	int form;			  /* the room's own */

	/* Called once, before the first row; may be NULL. Allocates in the current context. */
	void (*open)(BatchCall *call);

	/*
	 * Some rows of a batch, count > 0: rows[i] is an index into the columns. *population is NULL before the first row that
	 * makes a state; it is made in context, which is the current context.
	 */
	void (*add)(BatchCall *call, Population **population, MemoryContext context,
				const BatchColumn *columns, const uint16 *rows, int count);

	/* A flat value for a share of the customers, palloc'ed; the totals of the population are those of all shares. */
	struct varlena *(*summarise)(Population *population, Share share);

	/* Summaries of disjoint shares put together: into changed in place, or a new one. */
	struct varlena *(*merge)(struct varlena *into, const struct varlena *other);
};

typedef struct BatchEntry
{
	PGFunction transition;
	const BatchMethods *methods;
} BatchEntry;

/* The answer of an aggregate from its summary. */
typedef struct BatchFinish
{
	PGFunction final;
	Datum (*finish)(struct varlena *summary, bool *isnull);
} BatchFinish;

/* Transition functions, and the final functions that understand their states: lists that end with NULL. */
typedef struct BatchFamily
{
	const BatchEntry *entries;
	const BatchFinish *finishes;
	struct BatchFamily *next; /* of those that are registered */
} BatchFamily;

/* Offer a family to the scan, which keeps the pointer. Called when the library is loaded. */
extern void batch_register(BatchFamily *family);

/* What belongs to a transition and a final function of one family; false: the scan cannot compute their aggregate. */
extern bool batch_find(PGFunction transition, PGFunction final, const BatchMethods **methods,
					   const BatchFinish **finish);

#endif /* RETENTION_BATCH_H */
