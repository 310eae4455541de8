/*
 * bins.c
 *		Numbers cut to three significant decimal digits.
 */
#include "math/bins.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A positive bin is [m 10^e, (m + 1) 10^e) with m in 100..999, a negative one [-m 10^e, -(m - 1) 10^e) with m in
 * 101..1000. The number of either is (e + SHIFT) * STEP + m - 100, with the sign of its values.
 */
#define SHIFT 400
#define STEP 1000
#define LEAST_EXPONENT (-326)
#define GREATEST_EXPONENT 306

/* m 10^e, rounded once. */
static double
edge(int m, int e)
{
	static const double tens[] = {1e0,	1e1,  1e2,	1e3,  1e4,	1e5,  1e6,	1e7,
								  1e8,	1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
								  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	char text[16];

	/* Both factors are exact there. */
	if (e >= 0 && e <= 22)
		return m * tens[e];
	if (e < 0 && e >= -22)
		return m / tens[-e];
	snprintf(text, sizeof(text), "%de%d", m, e);
	return strtod(text, NULL);
}

/* The largest edge that is not above a positive finite value. */
static void
cut(double value, int *m, int *e)
{
	/* A first guess, off by a little at most; the comparisons decide. */
	*e = (int) floor(log10(value)) - 2;
	if (*e < LEAST_EXPONENT)
		*e = LEAST_EXPONENT;
	*m = (int) (value / edge(1, *e > -323 ? *e : -323));
	if (*m < 100)
		*m = 100;
	if (*m > 999)
		*m = 999;
	while (value < edge(*m, *e))
		if (--*m < 100)
		{
			*m = 999;
			--*e;
		}
	while (value >= edge(*m + 1, *e))
		if (++*m > 999)
		{
			*m = 100;
			++*e;
		}
}

static int64_t
number_of(int m, int e)
{
	return (int64_t) (e + SHIFT) * STEP + m - 100;
}

int64_t
bin_of_double(double value)
{
	double size = fabs(value);
	int m;
	int e;

	if (isnan(value))
		return BIN_NAN;
	if (isinf(value))
		return value > 0 ? BIN_INFINITY : -BIN_INFINITY;
	if (size == 0)
		return 0;
	cut(size, &m, &e);
	if (value > 0)
		return number_of(m, e);
	/* The edge below it: the next one up in size, unless it is one itself. */
	if (size != edge(m, e))
		m++;
	else if (m == 100)
	{
		m = 1000;
		e--;
	}
	return -number_of(m, e);
}

int64_t
bin_of_integer(int64_t value)
{
	uint64_t size = value < 0 ? -(uint64_t) value : (uint64_t) value;
	uint64_t m = size;
	uint64_t ten = 1;
	int e = 0;

	if (value == 0)
		return 0;
	for (; m < 100; m *= 10)
		e--;
	for (; m > 999; m /= 10)
	{
		ten *= 10;
		e++;
	}
	if (value > 0)
		return number_of((int) m, e);
	if (e > 0 && m * ten != size)
		m++;
	else if (m == 100)
	{
		m = 1000;
		e--;
	}
	return -number_of((int) m, e);
}

static void
parts_of(int64_t bin, int *m, int *e)
{
	int64_t size = bin < 0 ? -bin : bin;

	*e = (int) (size / STEP) - SHIFT;
	*m = (int) (size % STEP) + 100;
}

int64_t
bin_coarse(int64_t bin)
{
	int64_t rest = bin % 10;

	if (bin == BIN_NAN || bin >= BIN_INFINITY || bin <= -BIN_INFINITY)
		return bin;
	return bin - (rest < 0 ? rest + 10 : rest);
}

bool
bin_is_valid(int64_t bin)
{
	int m;
	int e;

	if (bin == 0 || bin == BIN_NAN || bin == BIN_INFINITY || bin == -BIN_INFINITY)
		return true;
	if (bin > BIN_INFINITY || bin < -BIN_INFINITY)
		return false;
	parts_of(bin, &m, &e);
	if (e < LEAST_EXPONENT - 1 || e > GREATEST_EXPONENT)
		return false;
	return bin > 0 ? m <= 999 : m >= 101 && m <= 1000;
}

double
bin_low(int64_t bin)
{
	int m;
	int e;

	if (bin == 0)
		return 0;
	if (bin == BIN_INFINITY || bin == -BIN_INFINITY)
		return bin > 0 ? INFINITY : -INFINITY;
	parts_of(bin, &m, &e);
	return bin > 0 ? edge(m, e) : -edge(m, e);
}

double
bin_high(int64_t bin)
{
	int m;
	int e;

	if (bin == 0 || bin == BIN_INFINITY || bin == -BIN_INFINITY)
		return bin_low(bin);
	parts_of(bin, &m, &e);
	return bin > 0 ? edge(m + 1, e) : -edge(m - 1, e);
}

/* m 10^e as an integer: the least of those not below it. */
static int64_t
ceiling(int m, int e, bool negative)
{
	__int128 value = m;
	__int128 rest;

	for (int i = 0; i < e && value <= INT64_MAX; i++)
		value *= 10;
	if (e < 0)
	{
		int ten = 1;

		for (int i = e; i < 0 && ten < 10000; i++)
			ten *= 10;
		rest = value % ten;
		value /= ten;
		if (rest != 0 && !negative)
			value++;
	}
	if (negative)
		value = -value;
	return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t) value;
}

int64_t
bin_least_integer(int64_t bin)
{
	int m;
	int e;

	if (bin == 0)
		return 0;
	parts_of(bin, &m, &e);
	return ceiling(m, e, bin < 0);
}

int64_t
bin_greatest_integer(int64_t bin)
{
	int64_t above;
	int m;
	int e;

	if (bin == 0)
		return 0;
	parts_of(bin, &m, &e);
	above = bin > 0 ? ceiling(m + 1, e, false) : ceiling(m - 1, e, true);
	/* The edge above is the least integer beyond, or past the end of 64 bits. */
	return bin > 0 && above == INT64_MAX ? above : above - 1;
}
