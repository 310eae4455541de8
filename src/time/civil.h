/*
 * civil.h
 *		Days to years, months and back, in the Gregorian calendar that goes on in both directions.
 *
 * A year is taken to begin in March, so that the leap day is its last; 400 years have 146,097 days and are
 * alike. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013), days_from_civil and
 * civil_from_days. Days count from 2000-01-01, as a date does. Exact for every date PostgreSQL has.
 */
#ifndef RETENTION_CIVIL_H
#define RETENTION_CIVIL_H

#define DAYS_PER_ERA 146097
#define YEARS_PER_ERA 400
/* Days from 0000-03-01, where the eras begin, to 2000-01-01. */
#define DAYS_BEFORE_2000 730425

typedef struct Civil
{
	int64 month; /* months since 0000-01 */
	int32 day;	 /* 1..31 */
} Civil;

static inline int64
floor_divide(int64 a, int64 b)
{
	int64 quotient = a / b;

	return quotient - (a % b < 0);
}

static inline Civil
civil_of_day(int64 day)
{
	int64 since = day + DAYS_BEFORE_2000;
	int64 era = floor_divide(since, DAYS_PER_ERA);
	uint32 in_era = (uint32) (since - era * DAYS_PER_ERA);
	uint32 year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	uint32 in_year = in_era - (365 * year + year / 4 - year / 100);
	uint32 march_month = (5 * in_year + 2) / 153; /* 0 = March */
	Civil civil;

	civil.month = (era * YEARS_PER_ERA + year) * 12 + march_month + 2;
	civil.day = (int32) (in_year - (153 * march_month + 2) / 5 + 1);
	return civil;
}

static inline int64
day_of_civil(int64 month, int32 day)
{
	int64 march = month - 2;
	int64 years = floor_divide(march, 12);
	uint32 march_month = (uint32) (march - years * 12);
	int64 era = floor_divide(years, YEARS_PER_ERA);
	uint32 year = (uint32) (years - era * YEARS_PER_ERA);
	uint32 in_year = (153 * march_month + 2) / 5 + (uint32) day - 1;

	return era * DAYS_PER_ERA + 365 * year + year / 4 - year / 100 + in_year - DAYS_BEFORE_2000;
}

static inline int32
days_of_month(int64 month)
{
	return (int32) (day_of_civil(month + 1, 1) - day_of_civil(month, 1));
}

#endif /* RETENTION_CIVIL_H */
