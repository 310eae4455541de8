/*
 * survival_drivers.h
 *		Churn drivers over time: how long customers stay, by the value of every attribute.
 *
 * The state is a table of times whose cells are the values of the attributes: the group is the value, as text, and the
 * stratum the attribute. Every customer is in one cell of each attribute. A number is a value like others until an
 * attribute has more than MAX_EXACT_NUMBERS of them; then all of its numbers are cut to two digits (math/bins.h), and
 * the group is the number of the bin. Which it is follows from the set of values alone.
 */
#ifndef RETENTION_SURVIVAL_DRIVERS_H
#define RETENTION_SURVIVAL_DRIVERS_H

#include "base/attributes.h"
#include "survival/logrank.h"
#include "survival/times.h"

/* Values of one attribute that are compared. */
#define MAX_COMPARED 100
/* Distinct numbers of an attribute that are kept as they are. */
#define MAX_EXACT_NUMBERS 100

/* An attribute of a sorted table: its cells and its slots, which lie together, and what is shown of them. */
typedef struct StayAttribute
{
	char *name;
	AttributeKind kind;
	bool bins;
	int first_cell;
	int cells;
	int first_slot;
	int slots;
	bool bands;
	int values;
	Tag *value;	   /* a value or a band; NULL: no value */
	int *value_of; /* by cell, from first_cell on */
} StayAttribute;

/* One customer: the row at hand of the reader. entry -1: from the start. */
extern void
stays_add(TimeTable **table, AttributeReader *reader, double duration, TimeWhat what, double entry);

/* A field of a StoredType (base/type_sql.h). */
extern void *stays_merge(void *state, Datum value, WireKind kind);

/* The attributes in the order of their columns. 22023 if some rows had others. */
extern StayAttribute *stays_attributes(const TimeTable *table, int *count);

/* The survival table of one value, sorted and without tags; -1: of all of them. */
extern TimeTable *stays_of_value(const TimeTable *table, const StayAttribute *attribute, int value);

/* The log-rank test of an attribute; a note that is not NULL says what else to know. */
extern TestResult
stays_test(const TimeTable *table, const StayAttribute *attribute, const char **note);

#endif /* RETENTION_SURVIVAL_DRIVERS_H */
