/*
 * ldl.h
 *		Symmetric matrices that are not negative: their LDL' decomposition, and what is solved by it. Numbers only.
 *
 * A matrix of n rows is an array of n * n, row by row, of which the lower triangle is used.
 */
#ifndef RETENTION_LDL_H
#define RETENTION_LDL_H

#include <stdbool.h>

/* A row follows from those before it if its pivot is smaller than this part of its diagonal. */
#define LDL_DEPENDENT 1e-10

/*
 * Decomposes a into l, whose diagonal has the pivots. Rows with out[i] != 0 are left out: their pivots are 0. A row
 * that follows from those before it is left out, too, and out[i] becomes 1; without `find` the answer then is false.
 */
extern bool ldl_decompose(const double *a, int n, double *l, int *out, bool find);

/* x = a^- b, with a as ldl_decompose() left it in l; 0 in rows that are left out. x may be b. */
extern void ldl_solve(const double *l, int n, const double *b, double *x);

#endif /* RETENTION_LDL_H */
