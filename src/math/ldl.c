/*
 * ldl.c
 *		The LDL' decomposition of symmetric matrices: G. H. Golub and C. F. Van Loan, "Matrix Computations" (4th ed.
 *		2013) algorithm 4.1.1, without pivoting, so that of rows that depend on each other the first ones stay.
 */
#include "math/ldl.h"

#include <math.h>

bool
ldl_decompose(const double *a, int n, double *l, int *out, bool find)
{
	for (int i = 0; i < n; i++)
	{
		double pivot = a[i * n + i];

		for (int j = 0; j < i; j++)
		{
			double sum = a[i * n + j];

			for (int k = 0; k < j; k++)
				sum -= l[i * n + k] * l[j * n + k] * l[k * n + k];
			l[i * n + j] = l[j * n + j] > 0 ? sum / l[j * n + j] : 0;
			pivot -= l[i * n + j] * l[i * n + j] * l[j * n + j];
		}
		if (out[i] != 0)
			pivot = 0;
		else if (!(pivot > LDL_DEPENDENT * a[i * n + i]) || !isfinite(pivot))
		{
			if (!find)
				return false;
			out[i] = 1;
			pivot = 0;
		}
		l[i * n + i] = pivot;
		if (pivot == 0)
			for (int j = 0; j < i; j++)
				l[i * n + j] = 0;
	}
	return true;
}

void
ldl_solve(const double *l, int n, const double *b, double *x)
{
	for (int i = 0; i < n; i++)
	{
		x[i] = l[i * n + i] > 0 ? b[i] : 0;
		for (int j = 0; j < i; j++)
			x[i] -= l[i * n + j] * x[j];
	}
	for (int i = n - 1; i >= 0; i--)
	{
		x[i] = l[i * n + i] > 0 ? x[i] / l[i * n + i] : 0;
		for (int j = i + 1; j < n; j++)
			x[i] -= l[j * n + i] * x[j];
		if (!(l[i * n + i] > 0))
			x[i] = 0;
	}
}
