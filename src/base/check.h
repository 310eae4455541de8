/*
 * check.h
 *		Limits and argument checks that more than one room needs.
 */
#ifndef RETENTION_CHECK_H
#define RETENTION_CHECK_H

#include "common/int.h"

/* The number of periods one summary may hold (11 years of hours). */
#define MAX_PERIODS 100000

/*
 * *counter += n. Counts are int64 everywhere; one that would overflow is an error (54000), never a
 * wrapped number.
 */
static inline void count_add(int64 *counter, int64 n);

/* For loops of short steps over data of any size: step i looks at interrupts now and then. */
#define CHECK_NOW_AND_THEN(i)                                                                      \
	do                                                                                             \
	{                                                                                              \
		if (((i) &4095) == 0)                                                                      \
			CHECK_FOR_INTERRUPTS();                                                                \
	} while (0)

/* The confidence of an interval: strictly between 0 and 1, else 22023. Returns it. */
extern double check_confidence(double confidence);

extern void count_overflow(void) pg_attribute_noreturn();

static inline void
count_add(int64 *counter, int64 n)
{
	if (unlikely(pg_add_s64_overflow(*counter, n, counter)))
		count_overflow();
}

#endif /* RETENTION_CHECK_H */
