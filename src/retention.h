/*
 * retention.h
 *		What every file of the extension includes first.
 */
#ifndef RETENTION_H
#define RETENTION_H

#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "compat.h"

/* With -fvisibility=hidden only the functions that SQL calls leave the library. */
#define RETENTION_FUNCTION(name)                                                                   \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
	PG_FUNCTION_INFO_V1(name)

#endif /* RETENTION_H */
