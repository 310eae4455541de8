/*
 * batch.h
 *		What a module offers to the batch scan: an aggregate by many rows at a time, and by shares of its customers.
 *
 * A module registers lists of its transition and final functions when the library is loaded (batch.c). The scan looks
 * at aggregates that are members of this extension only, and finds their entry and their finish by the addresses of
 * the C functions behind them. A row travels so:
 *
 *		open()			once for each aggregate of a query, before its first row
 *		add()			some rows of a batch into the population of their group: what the transition function does,
 *						by the same code (but for add_plain_rows() of cohort_batch.c, which is faster)
 *		summarise()		the customers of a share, in each process, as a flat value of the module
 *		merge()			the summaries of all shares
 *		finish()		the answer, as the final function would give it
 */
#ifndef RETENTION_BATCH_H
#define RETENTION_BATCH_H

#include "population/population.h"

/* Arguments of an aggregate, the state not counted. */
#define BATCH_ARGUMENTS 8

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
	void *private_data; /* of the module: open() sets it */
} BatchCall;

struct BatchMethods
{
	int narguments;
	uint32 constants; /* bit i: argument i must be the same in every row */
	KeyKind key;
	TimeKind kind;
	TimeKind anchor_kind; /* of a row's first time, where it has two types of time */
	int form;			  /* the module's own */

	/* Called once, before the first row; may be NULL. Allocates in the current context. */
	void (*open)(BatchCall *call);

	/*
	 * Some rows of a batch, count > 0: rows[i] is an index into the columns. *population is NULL until a row needs a
	 * state, which is then created in context, the current context.
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
