/*
 * times.h
 *		A table of distinct times: how many left, were censored and entered at each. The one state behind survival
 *		curves, tests between groups and several ways to leave.
 *
 * It is one flat varlena in one of two forms. While an aggregate runs it is HASHED: places found by the bytes of the
 * time, grown by doubling. What leaves an aggregate is SORTED: by stratum, time and cell, without gaps, so that equal
 * rows give equal bytes whatever their order. Partial states travel between workers hashed; every reader of two states
 * takes both forms.
 *
 * A cell is a group within a stratum (tests) or a cause (several ways to leave); a plain survival state has one cell
 * without tags.
 */
#ifndef RETENTION_SURVIVAL_TIMES_H
#define RETENTION_SURVIVAL_TIMES_H

#include "base/wire.h"

/* Distinct times (by cell) of one state: 2^21. */
#define MAX_TIMES 2097152
/* Groups by strata, or causes. */
#define MAX_CELLS 10000
/* All tags together. */
#define MAX_LABEL_BYTES (16 * 1024 * 1024)

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
	double time; /* finite, >= 0, never -0 */
	int32 cell;
	int32 taken; /* 0: an empty place of the hashed form */
	int64 rows[TIME_WHATS];
} TimeSlot;

/* Follows the slot in tables with weights other than 1. */
typedef struct TimeWeights
{
	int128 sum[TIME_WHATS];		/* of weights, in 2^-40 */
	int128 squares[TIME_WHATS]; /* of their squares, each rounded to 2^-40 */
} TimeWeights;

typedef struct TimeCell
{
	uint32 hash;
	int32 head; /* hashed: 1 + the first cell of the chain of this place, or 0 */
	int32 next; /* hashed: 1 + the next cell of my chain, or 0 */
	int32 stratum;
	int32 group_length;	  /* -1: NULL */
	int32 stratum_length; /* -1: NULL */
	int32 offset;		  /* of the group's bytes in the tags; the stratum's follow */
	int32 zero;
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

typedef enum TimeForm
{
	TIME_SORTED = 0,
	TIME_HASHED = 1,
} TimeForm;

#define TIME_WEIGHTED 1	  /* some weight is not 1: slots are wide */
#define TIME_FRACTIONAL 2 /* some weight is not whole */

typedef struct TimeTable
{
	FlatHeader header;
	int32 form;
	int32 flags;
	int32 capacity; /* places for slots; sorted: = used */
	int32 used;
	int32 cells;
	int32 cell_capacity;
	int32 tag_bytes;
	int32 tag_capacity;
	int32 option;		 /* tests: TestWeighting */
	uint32 maker;		 /* hashed: aggregate_process_mark(); sorted: 0 */
	double parameter;	 /* tests: rho */
	int64 unknown;		 /* rows left out: churned is NULL */
	int64 never_at_risk; /* rows left out: entered at the end or later */
	int64 not_started;	 /* rows left out: started at as_of or later */
} TimeTable;

/* A tag that may be NULL: length -1. */
typedef struct Tag
{
	const char *bytes;
	int length;
} Tag;

static inline Size
times_slot_size(const TimeTable *table)
{
	return sizeof(TimeSlot) + ((table->flags & TIME_WEIGHTED) ? sizeof(TimeWeights) : 0);
}

static inline TimeSlot *
times_slot(const TimeTable *table, int number)
{
	return (TimeSlot *) ((char *) (table + 1) + times_slot_size(table) * number);
}

static inline TimeCell *
times_cells(const TimeTable *table)
{
	return (TimeCell *) times_slot(table, table->capacity);
}

static inline char *
times_tags(const TimeTable *table)
{
	return (char *) (times_cells(table) + table->cell_capacity);
}

static inline Tag
times_group(const TimeTable *table, int cell)
{
	const TimeCell *it = times_cells(table) + cell;

	return (Tag){times_tags(table) + it->offset, it->group_length};
}

/* Customers of a slot, in units of times_unit(): exact. */
static inline int128
slot_amount(const TimeTable *table, const TimeSlot *slot, TimeWhat what)
{
	if (table->flags & TIME_WEIGHTED)
		return ((const TimeWeights *) (slot + 1))->sum[what];
	return slot->rows[what];
}

/* Their sum of squared weights, in units of times_unit(). */
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

/* The layout version of flat values, in their marks. */
#define TIMES_VERSION 1

/* By bytes; NULL comes last. */
extern int tag_compare(Tag a, Tag b);

extern const char *times_type_name(WireKind kind);

/* An empty hashed table, in the current context. */
extern TimeTable *times_new(WireKind kind);

/*
 * Each of these may leave a larger table in *table, allocated in the current context; the old one is not freed,
 * for the executor copies a state at a new address and frees the old one itself.
 */
extern int times_cell(TimeTable **table, Tag group, Tag stratum);
extern void times_count(TimeTable **table, double time, int cell, TimeWhat what, int64 weight);
extern void times_merge(TimeTable **into, const TimeTable *from);

/* A hashed copy of a sorted table. */
extern TimeTable *times_thaw(const TimeTable *table);

/* The sorted form, a new value in the current context; the argument is not changed. */
extern TimeTable *times_sorted(const TimeTable *table);

/* Any value of an argument, checked: XX001 on bytes that no aggregate has written. */
extern const TimeTable *times_open(Datum value, WireKind kind);
/* The same, and in sorted form. */
extern const TimeTable *times_open_sorted(Datum value, WireKind kind);

extern void times_write(const TimeTable *table, StringInfo out);
extern TimeTable *times_read(const char *bytes, Size size, WireKind kind);

#endif /* RETENTION_SURVIVAL_TIMES_H */
