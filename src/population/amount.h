/*
 * amount.h
 *		Amounts of money and the like: exact, as whole numbers of millionths.
 *
 * All amounts have one scale, so that a sum does not depend on the order of rows; the decimals with which they were
 * written (PopulationTotals.decimals) say how many to show. The amount of a row has 64 bits; a sum has 128, which all
 * the rows that int64 can count do not fill.
 */
#ifndef RETENTION_AMOUNT_H
#define RETENTION_AMOUNT_H

#include "utils/numeric.h"

#define AMOUNT_DECIMALS 6

/*
 * The amount of one row: a numeric in millionths, rounded half away from zero at the sixth decimal. *decimals becomes
 * the number of its decimals, if that is more. 22003: it is out of range (about 9.2e12); 22023: it is NaN.
 */
extern int64 amount_from_numeric(Numeric value, int64 *decimals);

/* The same of a numeric argument that may be packed. */
extern int64 amount_of_datum(Datum value, int64 *decimals);

/* A sum of amounts, with so many decimals, which have to be enough. */
extern Numeric amount_to_numeric(int128 amount, int64 decimals);

#endif /* RETENTION_AMOUNT_H */
