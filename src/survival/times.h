/*
 * times.h
 *		A table of distinct times: how many left, were censored and entered at each. The one state behind survival
 *		curves, tests between groups and several ways to leave.
 *
 * It is a table of counters (base/counted.h) whose items are cells. A cell is a group within a stratum (tests) or a
 * cause (several ways to leave); a plain survival state has none. In a sorted table the order of cells is that of
 * strata and groups, the order of slots that of strata, times and cells.
 */
#ifndef RETENTION_TIMES_H
#define RETENTION_TIMES_H

#include "base/counted.h"

/* Distinct times of one state, counted by cell: 2^21. */
#define MAX_TIMES 2097152
/* Groups by strata, or causes. */
#define MAX_CELLS 10000
/* Cells of drivers over time, which count their limit of MAX_CELLS without numbers that may yet go into bins. */
#define MAX_DRIVER_CELLS 60000
/* Bytes of all tags together. */
#define MAX_TAG_BYTES (16 * 1024 * 1024)

/* Weights are whole numbers of 2^-40; the largest is 2^20. */
#define WEIGHT_BITS 40
#define WEIGHT_ONE (INT64CONST(1) << WEIGHT_BITS)
#define WEIGHT_MOST 1048576.0

typedef enum TimeWhat
{
	TIME_CHURNED,
	TIME_CENSORED,
	TIME_ENTERED, /* came under observation later than at 0 */
} TimeWhat;
#define TIME_WHATS 3

typedef struct TimeSlot
{
	CountedSlot base; /* of a cell, 0 where there are none */
	double time;	  /* finite, >= 0, never -0 */
	int64 rows[TIME_WHATS];
} TimeSlot;

/* After the slot, in tables with weights other than 1. */
typedef struct TimeWeights
{
	int128 sum[TIME_WHATS];		/* of weights, in 2^-40 */
	int128 squares[TIME_WHATS]; /* of their squares, each rounded to 2^-40 */
} TimeWeights;

/* Its tag is the group's bytes and then the stratum's. */
typedef struct TimeCell
{
	CountedItem base;
	int32 stratum;		  /* sorted: its number */
	int32 group_length;	  /* -1: NULL */
	int32 stratum_length; /* -1: NULL */
} TimeCell;

/* How a test weighs the times of leaving; stored. */
typedef enum TestWeighting
{
	TEST_LOGRANK = 0,
	TEST_GEHAN_WILCOXON = 1,
	TEST_TARONE_WARE = 2,
	TEST_PETO_PETO = 3,
	TEST_PETO_MODIFIED = 4,
	TEST_FLEMING_HARRINGTON = 5,
	TEST_LAST = TEST_FLEMING_HARRINGTON,
} TestWeighting;

#define TIME_WEIGHTED 1	  /* some weight is not 1: slots are wide */
#define TIME_FRACTIONAL 2 /* some weight is not whole */

typedef struct TimeTable
{
	Counted base;
	int32 flags;
	int32 option;		 /* tests: TestWeighting */
	double parameter;	 /* tests: rho */
	int64 unknown;		 /* rows left out: churned is NULL */
	int64 never_at_risk; /* rows left out: entered at the end or later */
	int64 not_started;	 /* rows left out: started at as_of or later */
} TimeTable;

/* The layout version of flat values and the version of the wire form. */
#define TIMES_VERSION 1

/* What the functions of base/counted.h ask for. */
extern const CountedType *const counted_times;

static inline TimeSlot *
times_slot(const TimeTable *table, int number)
{
	return (TimeSlot *) ((char *) (table + 1) + (Size) table->base.slot_size * (Size) number);
}

static inline TimeCell *
times_cell(const TimeTable *table, int number)
{
	return (TimeCell *) times_slot(table, table->base.capacity) + number;
}

static inline Tag
times_group(const TimeTable *table, int number)
{
	const TimeCell *cell = times_cell(table, number);

	return (Tag){(const char *) times_cell(table, table->base.item_capacity) +
					 cell->base.tag.offset,
				 cell->group_length};
}

static inline Tag
times_stratum(const TimeTable *table, int number)
{
	Tag group = times_group(table, number);

	return (Tag){group.bytes + Max(group.length, 0), times_cell(table, number)->stratum_length};
}

/* The customers of a slot, in units of times_unit(): exact. */
static inline int128
slot_amount(const TimeTable *table, const TimeSlot *slot, TimeWhat what)
{
	if (table->flags & TIME_WEIGHTED)
		return ((const TimeWeights *) (slot + 1))->sum[what];
	return slot->rows[what];
}

/* The sum of their squared weights, in units of times_unit(). */
static inline int128
slot_squares(const TimeTable *table, const TimeSlot *slot, TimeWhat what)
{
	if (table->flags & TIME_WEIGHTED)
		return ((const TimeWeights *) (slot + 1))->squares[what];
	return slot->rows[what];
}

static inline double
times_unit(const TimeTable *table)
{
	return (table->flags & TIME_WEIGHTED) ? 1.0 / (double) WEIGHT_ONE : 1.0;
}

extern const char *times_type_name(WireKind kind);

/* An empty hashed table, in the current context. */
extern TimeTable *times_new(WireKind kind);

/* The number of a cell, which is added if it is new. May move the table, as counted_add_slot() does. */
extern int times_find_cell(TimeTable **table, Tag group, Tag stratum);
/* 54000: the table has more than MAX_CELLS. */
extern void times_too_many_cells(const TimeTable *table) pg_attribute_noreturn();
/* The number of a cell, or -1. */
extern int times_lookup_cell(const TimeTable *table, Tag group, Tag stratum);

/* Says in which cell the customers of a cell are from now on. */
typedef void (*TimesRename)(void *arg, Tag *group, Tag *stratum);

/* Adds a checked table; without one, makes a new one of the counts in *table. rename says in which cells. */
extern void
times_add_renamed(TimeTable **table, const TimeTable *more, TimesRename rename, void *arg);

/* Counts one customer of a cell at a time. May move the table, too. */
extern void times_count(TimeTable **table, double time, int cell, TimeWhat what, int64 weight);

/* 22023 unless the table is of a test with this weighting. */
extern void times_require_test(const TimeTable *table, int option, double parameter);

/* Any value of an argument in sorted form, checked: XX001 on bytes that no aggregate has written. */
extern const TimeTable *times_open(Datum value, WireKind kind);

/* Fields of a StoredType (base/type_sql.h). */
extern void *times_read(const char *bytes, Size size, WireKind kind);
extern void times_write(Datum value, StringInfo out, WireKind kind);
extern void *times_copy(Datum value, WireKind kind);
extern void *times_merge(void *state, Datum value, WireKind kind);

/* How many points of a curve have a time of at most this one. A point of a curve begins with its time. */
static inline int
points_reached(const void *points, Size size, int count, double time)
{
	int low = 0;
	int high = count;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (*(const double *) ((const char *) points + size * middle) <= time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif /* RETENTION_TIMES_H */
