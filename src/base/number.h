/*
 * number.h
 *		Exact numerics. Every result is palloc'ed in the current context and has no trailing zeros: 95, not 95.0000.
 */
#ifndef RETENTION_NUMBER_H
#define RETENTION_NUMBER_H

#include "utils/numeric.h"

extern Numeric numeric_from_int64(int64 value);

/* 15 significant digits. Not for infinities or NaN. */
extern Numeric numeric_from_double(double value);

/* 100 * part / whole: exact until the division, which is the last step. whole is not 0. */
extern Numeric numeric_per_cent(Numeric part, Numeric whole);

/* A limit of a rate: a fraction 0..1 (differences: -1..1) as per cent, rounded to 6 decimals. Not for NaN. */
extern Numeric numeric_rate_limit(double fraction);

/* Whether it is a finite whole number >= 0, however many decimals it is written with. */
extern bool numeric_is_count(Numeric value);

/* As a double, rounded. Raises 22003 where it is beyond what a double holds. */
extern double numeric_to_double(Numeric value);

/* Plain arithmetic; divide raises 22012 at a divisor of 0. */
extern Numeric numeric_plus(Numeric a, Numeric b);
extern Numeric numeric_minus(Numeric a, Numeric b);
extern Numeric numeric_times(Numeric a, Numeric b);
extern Numeric numeric_divide(Numeric a, Numeric b);

/* < 0, 0 or > 0. */
extern int numeric_compare(Numeric a, Numeric b);
extern int numeric_sign_of(Numeric value);

/* As SQL prints it. */
extern char *numeric_text(Numeric value);

#endif /* RETENTION_NUMBER_H */
