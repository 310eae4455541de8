/*
 * bins.h
 *		Numbers cut to three significant decimal digits: a sketch of their distribution with a relative accuracy.
 *
 * Every number that begins with the same three digits is in the same bin, so a bin is at most a hundredth of its
 * values wide, and its middle is off by half a per cent at most. That is the guarantee of C. Masson, J. E. Rim and
 * H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", Proc. VLDB Endow.
 * 12 (2019) 2195-2205, whose bins are powers of one base; decimal ones have edges that people can read and type, and
 * need no logarithm that differs between machines.
 *
 * A bin is [low, high): a number belongs to the bin of the largest edge that is not above it. 0 is a bin of its own.
 * Bins are numbered in the order of their values.
 */
#ifndef RETENTION_BINS_H
#define RETENTION_BINS_H

#include <stdbool.h>
#include <stdint.h>

#define BIN_INFINITY (INT64_C(1) << 40) /* and its negative */
#define BIN_NAN INT64_MAX

extern int64_t bin_of_double(double value);
extern int64_t bin_of_integer(int64_t value);

/*
 * The first of the ten bins that begin with the same two digits, whose last is this + 9: numbers cut to two digits. 0,
 * the infinities and NaN are alone.
 */
extern int64_t bin_coarse(int64_t bin);

/* Whether a number is that of a bin. */
extern bool bin_is_valid(int64_t bin);

/* The edges of a bin that is not BIN_NAN. */
extern double bin_low(int64_t bin);
extern double bin_high(int64_t bin);

/* The least and the greatest integer in a bin of integers, as far as 64 bits go. */
extern int64_t bin_least_integer(int64_t bin);
extern int64_t bin_greatest_integer(int64_t bin);

#endif /* RETENTION_BINS_H */
