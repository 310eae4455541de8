/*
 * check.h
 *		Limits and checks of arguments that several modules need.
 *
 * The module base has what all other modules share and what is not about customers:
 *
 *	 wire		stored bytes: letters, headers, reading and writing; the checks of hostile bytes begin here
 *	 type_sql	the SQL functions of a stored type, from one struct; states of aggregates
 *	 counted	tables of counters by key in one value, which survival and drivers are made of
 *	 aggregate	whether a state may be changed in place
 *	 attributes	the columns of a record as attributes of a customer
 *	 choice		an argument that is one of a few words; text_sql: text arguments and results
 *	 number		exact numerics; emit: rows of an answer
 *	 memory, sort	work on data of any size that can be cancelled
 *	 suppress	which counts are hidden, so that small ones cannot be computed from totals
 *
 * On its way, a row meets base twice: its aggregate asks aggregate_own_state() whether the state may be changed in
 * place, and the answer leaves by emit_row().
 */
#ifndef RETENTION_CHECK_H
#define RETENTION_CHECK_H

#include "common/int.h"

/* The number of periods one summary may hold (11 years of hours). */
#define MAX_PERIODS 100000

/* *counter += n. Counts are int64 everywhere. A count that would overflow raises 54000. */
static inline void count_add(int64 *counter, int64 n);

/* For loops of short steps over data of any size: checks for interrupts in some of the steps i. */
#define CHECK_NOW_AND_THEN(i)                                                                      \
	do                                                                                             \
	{                                                                                              \
		if (((i) &4095) == 0)                                                                      \
			CHECK_FOR_INTERRUPTS();                                                                \
	} while (0)

/* The confidence of an interval: strictly between 0 and 1, else 22023. Returns it. */
extern double check_confidence(double confidence);

extern void count_overflow(void) pg_attribute_noreturn();
extern void sum_overflow(void) pg_attribute_noreturn();

static inline void
count_add(int64 *counter, int64 n)
{
	if (unlikely(pg_add_s64_overflow(*counter, n, counter)))
		count_overflow();
}

/* *sum += more, for sums of amounts. 22003 beyond 128 bits. */
static inline void
wide_add(int128 *sum, int128 more)
{
	if (unlikely(__builtin_add_overflow(*sum, more, sum)))
		sum_overflow();
}

#endif /* RETENTION_CHECK_H */
