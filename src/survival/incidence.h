/*
 * incidence.h
 *		Several ways to leave: the probability of having left for each cause.
 */
#ifndef RETENTION_INCIDENCE_H
#define RETENTION_INCIDENCE_H

#include "survival/times.h"

typedef struct IncidencePoint
{
	double time;
	double incidence;
	double std_error;
} IncidencePoint;

typedef struct Incidence
{
	int points;
	IncidencePoint *point; /* one per distinct time */
	double survival;	   /* at the last of them */
} Incidence;

/* The curve of the cause that is a cell of a sorted table, into curve->point: allocated if it is NULL, else reused. */
extern void incidence_of(const TimeTable *table, int cell, Incidence *curve);

#endif /* RETENTION_INCIDENCE_H */
