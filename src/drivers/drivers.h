/*
 * drivers.h
 *		Which attributes and which reasons go with leaving: customers counted by the value of every attribute.
 *
 * The way of a row: the transition function of churn_drivers() (drivers_sql.c) reads the columns of its record
 * (base/attributes.h) and counts the customer under the value of each of them (drivers.c). The state is a table of
 * counters (base/counted.h) whose items are the attributes, and whose slots are their values; partial states and
 * stored values add up. What is shown is computed from the sorted table: values, bands of numbers and the ranking of
 * attributes in driver_values.c, with the statistics of math/compare.h; drivers_sql.c makes rows of it.
 * survival_drivers() asks the same of how long customers stay: survival_drivers_sql.c, over a table of times
 * (survival/times.h).
 *
 * The state is bounded: a text attribute with too many values drops them and says so; an integer or a number with too
 * many keeps them in bins of three significant digits (math/bins.h). Which it is follows from the set of values alone.
 *
 * Reasons for leaving are the same state with one attribute and one count.
 */
#ifndef RETENTION_DRIVERS_H
#define RETENTION_DRIVERS_H

#include "base/attributes.h"
#include "base/counted.h"

/* Distinct values of an attribute that are kept as they are. */
#define MAX_VALUES 1000
/* Distinct reasons. */
#define MAX_REASONS 10000
#define MAX_TOP_VALUES 1000
/* Distinct numbers that are shown one by one; more are shown in bands. */
#define MAX_SHOWN_NUMBERS 20
/* Bands hold about the same number of customers each. */
#define NUMBER_BANDS 10

#define DRIVERS_TYPE "retention_drivers"
#define REASONS_TYPE "retention_reasons"

/* How the values of an attribute are kept. Once it is not exact it stays so. */
typedef enum DriverHow
{
	DRIVER_EXACT = 0,
	DRIVER_BINS = 1, /* integers and numbers */
	DRIVER_MANY = 2, /* texts: dropped, for there are too many */
	DRIVER_LONG = 3, /* texts: dropped, for one is too long */
	DRIVER_HOW_LAST = DRIVER_LONG,
} DriverHow;

typedef enum DriverWhich
{
	DRIVER_KEPT = 0,
	DRIVER_CHURNED = 1,
} DriverWhich;

/* Its tag is its name. */
typedef struct DriverAttribute
{
	CountedItem base;
	int32 kind;	  /* AttributeKind */
	int32 how;	  /* DriverHow */
	int32 values; /* distinct ones in the table, without NULL */
} DriverAttribute;

/* The lengths of tags of slots that are not texts. */
#define LENGTH_NUMBER (-1)
#define LENGTH_NULL (-2)

typedef struct DriverSlot
{
	CountedSlot base; /* of an attribute */
	TagPlace tag;	  /* a text */
	/* Of a text: attribute_text_key(). Else its first word is a boolean, an integer, the bits of a number or a bin. */
	AttributeKey key;
	int64 count[2];
} DriverSlot;

typedef struct Drivers
{
	Counted base;
	uint64 shape;	/* hashed: AttributeReader.shape, or 0 where none has been seen; sorted: 0 */
	int64 unknown;	/* rows left out: churned is NULL */
	int64 count[2]; /* customers */
} Drivers;

/* The layout version of flat values and the version of the wire form. */
#define DRIVERS_VERSION 1

/* What the functions of base/counted.h ask for. */
extern const CountedType *const counted_drivers;

static inline DriverSlot *
drivers_slots(const Drivers *drivers)
{
	return (DriverSlot *) (drivers + 1);
}

static inline DriverAttribute *
drivers_attribute(const Drivers *drivers, int attribute)
{
	return (DriverAttribute *) (drivers_slots(drivers) + drivers->base.capacity) + attribute;
}

static inline Tag
drivers_tag(const Drivers *drivers, TagPlace place)
{
	const char *tags = (const char *) drivers_attribute(drivers, drivers->base.item_capacity);

	return (Tag){tags + place.offset, place.length};
}

extern const char *drivers_type_name(WireKind kind);

/* An empty hashed state of these attributes, in the current context. */
extern Drivers *drivers_new(const AttributeReader *reader);
extern Drivers *reasons_new(void);

/* The same for top_values(): its attribute is named after how many values are asked for, at most MAX_TOP_VALUES. */
extern Drivers *top_values_new(int most);

/* How many values a state of top_values() is asked for; 0: it is one of reasons. */
extern int top_values_most(const Drivers *drivers);

/* 22023 unless the state has the attributes of the reader. Remembers in the state that it has. */
extern void drivers_require_shape(Drivers *drivers, const AttributeReader *reader);

/* One customer: the row at hand of the reader, or a reason. May move the state, as counted_add_slot() does. */
extern void drivers_add(Drivers **drivers, AttributeReader *reader, DriverWhich which);
extern void reasons_add(Drivers **reasons, AttributeValue reason);

/* Any value of an argument in sorted form, checked: XX001 on bytes that no aggregate has written. */
extern const Drivers *drivers_open(Datum value, WireKind kind);

/* Fields of a StoredType (base/type_sql.h). */
extern void *drivers_read(const char *bytes, Size size, WireKind kind);
extern void drivers_write(Datum value, StringInfo out, WireKind kind);
extern void *drivers_copy(Datum value, WireKind kind);
extern void *drivers_merge(void *state, Datum value, WireKind kind);

/* ---- What is shown ---- */

typedef struct DriverValue
{
	char *text;		  /* NULL: no value */
	const char *note; /* NULL: none */
	bool band;
	bool ordered; /* a number or a band: the next value is its neighbour */
	int64 count[2];
} DriverValue;

/* A number of an attribute, or a bin of numbers, as an end of a band. */
typedef struct BandEnd
{
	bool integer;
	bool bin;	 /* from low up to high, which is not in it */
	int64 least; /* integers */
	int64 most;
	double low; /* numbers */
	double high;
} BandEnd;

/* The band of each number, from their customers: bands of about as many customers each, numbered from 0. */
extern void number_bands(const int64 *customers, int numbers, int *band);
/* What a band is called; next: the first number of the next one, or NULL. */
extern char *band_text(const BandEnd *first, const BandEnd *last, const BandEnd *next);

extern char *drivers_attribute_name(const Drivers *drivers, int attribute);

/* The values or bands of an attribute of a sorted state, in their order, NULL at the end. */
extern DriverValue *drivers_values(const Drivers *drivers, int attribute, int *values);

typedef struct DriverRank
{
	int attribute;
	int values; /* -1: dropped */
	double chi2;
	int df;
	double p_value;
	double p_adjusted;
	double v;
	double v_corrected;
	double information;
	double area; /* of numbers: AUC and the distance of Kolmogorov and Smirnov */
	double distance;
	char *note;
} DriverRank;

/* All attributes, strongest first; NaN where a figure is not known. */
extern DriverRank *drivers_ranking(const Drivers *drivers);

#endif /* RETENTION_DRIVERS_H */
