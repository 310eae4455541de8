/*
 * number.h
 *		Exact numerics. Every result is palloc'ed in the current context and has no trailing zeros: 95, not 95.0000.
 */
#ifndef RETENTION_NUMBER_H
#define RETENTION_NUMBER_H

#include "utils/numeric.h"

extern Numeric numeric_from_int64(int64 value);

/* value / 10^scale, exactly. Other than the rest of this file, it has so many decimals, zeros too. */
extern Numeric numeric_from_int128(int128 value, int scale);

/* With 15 significant digits. The value must be finite. */
extern Numeric numeric_from_double(double value);

/* 100 * part / whole: exact until the division, which is the last step. whole is not 0. */
extern Numeric numeric_per_cent(Numeric part, Numeric whole);

/*
 * A confidence limit of a rate: a fraction 0..1 (of a difference: -1..1) as per cent, rounded to 6 decimals. Not NaN.
 */
extern Numeric numeric_rate_limit(double fraction);

/* Whether the value is a finite whole number >= 0, with any number of decimals. */
extern bool numeric_is_count(Numeric value);

/* Rounded to a double. Raises 22003 if it is out of a double's range. */
extern double numeric_to_double(Numeric value);

/* Plain arithmetic. Division by 0 raises 22012. */
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
