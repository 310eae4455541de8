/*
 * mrr.h
 *		The facts of one customer: how their recurring revenue changed. Type retention_mrr.
 *
 * For each currency the events of a population: at each moment how many contracts began less those that ended, and by
 * how much the revenue changed. Facts of some contracts each are added by adding what happened at the same moments, so
 * contracts that overlap add up, and a union is exact. Equal facts are equal bytes: the stored form is the wire form
 * without its head.
 */
#ifndef RETENTION_MRR_H
#define RETENTION_MRR_H

#include "population/population.h"
#include "revenue/revenue.h"

#define MRR_TYPE "retention_mrr"
#define MRR_VERSION 1

/* What is kept of a customer's contracts in a population or of facts. */
#define MRR_SHAPE ((EventShape){.cap = 0, .has_amount = true})

typedef struct MrrCurrency
{
	Currency currency;
	AmountEvent *events; /* in order; amounts in millionths */
	int count;
} MrrCurrency;

/* A value, checked and decoded. */
typedef struct MrrView
{
	TimeKind kind;
	int32 decimals;
	int64 latest; /* the latest start or end of a contract; SINCE_EVER: there is none */
	int currencies;
	MrrCurrency *currency; /* in order */
} MrrView;

extern void mrr_view(Datum value, MrrView *view);

/* The facts that a population of mrr_history has: its keys are the currencies. */
extern struct varlena *mrr_store(Population *population);

/* Add a customer's facts to a summary. */
extern void mrr_add_to(const MrrView *view, const Grid *grid, int64 as_of, Revenue **revenue);

extern void mrr_write(Datum value, StringInfo wire);
extern struct varlena *mrr_read(const char *bytes, Size size);

#endif /* RETENTION_MRR_H */
