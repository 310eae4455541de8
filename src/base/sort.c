/*
 * sort.c
 *		qsort_arg() for data of any size: it can be cancelled.
 */
#include "retention.h"

#include "base/sort.h"

#define ST_SORT sort_any
#define ST_ELEMENT_TYPE_VOID
#define ST_COMPARE_RUNTIME_POINTER
#define ST_COMPARE_ARG_TYPE void
#define ST_COMPARATOR_TYPE_NAME SortCompare
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_values
#define ST_ELEMENT_TYPE int64
#define ST_COMPARE(x, y) (*(x) < *(y) ? -1 : *(x) > *(y))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

void
sort_int64(int64 *values, size_t count)
{
	if (count > 1)
		sort_values(values, count);
}
