/*
 * drivers.h
 *		Which attributes and which reasons go with leaving: customers counted by the value of every attribute.
 *
 * The state is one flat varlena: the attributes, then one table of (attribute, value) for all of them, then texts.
 * While an aggregate runs it is HASHED: places found by the bytes of the value, grown by doubling. What leaves an
 * aggregate is SORTED, without gaps, so that equal rows give equal bytes whatever their order.
 *
 * It is bounded: a text attribute with too many values gives them up and says so; an integer or a number with too
 * many goes over to bins of three significant digits (math/bins.h). Both follow from the set of values alone.
 *
 * Reasons are the same state with one attribute and one count.
 */
#ifndef RETENTION_DRIVERS_DRIVERS_H
#define RETENTION_DRIVERS_DRIVERS_H

#include "base/attributes.h"
#include "base/wire.h"

/* Distinct values of an attribute that are kept as they are. */
#define MAX_VALUES 1000
/* Distinct reasons. */
#define MAX_REASONS 10000
/* Distinct numbers that are shown one by one; more are shown in bands. */
#define MAX_SHOWN_NUMBERS 20
/* Bands hold about the same number of customers each. */
#define NUMBER_BANDS 10

#define DRIVERS_TYPE "retention_drivers"
#define REASONS_TYPE "retention_reasons"

/* How the values of an attribute are kept; each of those after the first is for good. */
typedef enum DriverHow
{
	DRIVER_EXACT = 0,
	DRIVER_BINS = 1, /* integers and numbers */
	DRIVER_MANY = 2, /* texts: too many, given up */
	DRIVER_LONG = 3, /* texts: too long, given up */
	DRIVER_HOW_LAST = DRIVER_LONG,
} DriverHow;

typedef enum DriverWhich
{
	DRIVER_KEPT = 0,
	DRIVER_CHURNED = 1,
} DriverWhich;

typedef struct DriverAttribute
{
	int32 kind;	  /* AttributeKind */
	int32 how;	  /* DriverHow */
	int32 values; /* distinct ones in the table, without NULL */
	int32 name_offset;
	int32 name_length;
	int32 zero;
} DriverAttribute;

/* Of slots that are not texts. */
#define LENGTH_NUMBER (-1)
#define LENGTH_NULL (-2)

typedef struct DriverSlot
{
	/* Of a text; or in its first word a boolean, an integer, the bits of a number, a bin. */
	AttributeKey key;
	int32 attribute;
	int32 length; /* of a text */
	int32 offset; /* of a text */
	int32 taken;  /* 0: an empty place of the hashed form */
	int64 count[2];
} DriverSlot;

typedef enum DriverForm
{
	DRIVERS_SORTED = 0,
	DRIVERS_HASHED = 1,
} DriverForm;

typedef struct Drivers
{
	FlatHeader header;
	int32 form;
	int32 attributes;
	int32 capacity; /* places for slots; hashed: a power of two; sorted: = used */
	int32 used;
	int32 tag_bytes;
	int32 tag_capacity;
	uint64 shape; /* hashed: AttributeReader.shape, or 0 where none has been seen; sorted: 0 */
	uint32 maker; /* hashed: aggregate_process_mark(); sorted: 0 */
	uint32 zero;
	int64 unknown;	/* rows left out: churned is NULL */
	int64 count[2]; /* customers */
} Drivers;

static inline DriverAttribute *
drivers_attribute(const Drivers *drivers, int attribute)
{
	return (DriverAttribute *) (drivers + 1) + attribute;
}

static inline DriverSlot *
drivers_slots(const Drivers *drivers)
{
	return (DriverSlot *) drivers_attribute(drivers, drivers->attributes);
}

static inline char *
drivers_tags(const Drivers *drivers)
{
	return (char *) (drivers_slots(drivers) + drivers->capacity);
}

/* The layout version of flat values, in their marks. */
#define DRIVERS_VERSION 1

extern const char *drivers_type_name(WireKind kind);

/* An empty hashed state of these attributes, in the current context. */
extern Drivers *drivers_new(const AttributeReader *reader);
extern Drivers *reasons_new(void);

/* Whether the state has the attributes of the reader, else 22023. Remembers the answer in the state. */
extern void drivers_require_shape(Drivers *drivers, const AttributeReader *reader);

/*
 * One customer: the row at hand of the reader. May leave a larger state in *drivers, allocated in the current context; the old one is not
 * freed, for the executor copies a state at a new address and frees the old one itself. The same for merging.
 */
extern void drivers_add(Drivers **drivers, AttributeReader *reader, DriverWhich which);
extern void reasons_add(Drivers **reasons, AttributeValue reason);
extern void drivers_merge(Drivers **into, const Drivers *from);

/* A hashed copy of a sorted state. */
extern Drivers *drivers_thaw(const Drivers *drivers);

/* Any value of an argument, checked: XX001 on bytes that no aggregate has written. */
extern const Drivers *drivers_open(Datum value, WireKind kind);
/* The same, and in sorted form. */
extern const Drivers *drivers_open_sorted(Datum value, WireKind kind);

extern void drivers_write(const Drivers *drivers, StringInfo out);
extern Drivers *drivers_read(const char *bytes, Size size, WireKind kind);

/* ---- What is shown ---- */

typedef struct DriverValue
{
	char *text;		  /* NULL: no value */
	const char *note; /* NULL: none */
	bool band;
	bool ordered; /* a number or a band of them: what comes next is its neighbour */
	int64 count[2];
} DriverValue;

extern char *drivers_attribute_name(const Drivers *drivers, int attribute);

/* The values or bands of an attribute of a sorted state, in their order, NULL at the end. */
extern DriverValue *drivers_values(const Drivers *drivers, int attribute, int *values);

typedef struct DriverRank
{
	int attribute;
	int values; /* -1: given up */
	double chi2;
	int df;
	double p_value;
	double p_adjusted;
	double v;
	double v_corrected;
	double information;
	char *note;
} DriverRank;

/* All attributes, strongest first; NaN where something cannot be said. */
extern DriverRank *drivers_ranking(const Drivers *drivers);

#endif /* RETENTION_DRIVERS_DRIVERS_H */
