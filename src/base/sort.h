/*
 * sort.h
 *		qsort_arg() for data of any size: it can be cancelled.
 */
#ifndef RETENTION_SORT_H
#define RETENTION_SORT_H

/* Less than 0, 0 or more than 0, as for qsort_arg(). */
typedef int (*SortCompare)(const void *one, const void *other, void *argument);

extern void
sort_any(void *elements, size_t count, size_t size, SortCompare compare, void *argument);

/* Ascending. */
extern void sort_int64(int64 *values, size_t count);

#endif /* RETENTION_SORT_H */
