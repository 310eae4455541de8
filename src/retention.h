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

/*
 * The library is built with hidden symbols, because PostgreSQL loads every library into one name space. Only what the
 * server and SQL call is exported; the linker hides what the C++ library would export (see SHLIB_EXPORTS in the
 * Makefile). A function that SQL calls is written
 *
 *		RETENTION_FUNCTION(name);
 *		Datum
 *		name(PG_FUNCTION_ARGS)
 */
#define RETENTION_SEEN_BEGIN _Pragma("GCC visibility push(default)")
#define RETENTION_SEEN_END _Pragma("GCC visibility pop")
/* clang-format off */
#define RETENTION_FUNCTION(name) \
	RETENTION_SEEN_BEGIN \
	extern Datum name(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name); \
	RETENTION_SEEN_END \
	extern int no_such_variable

/* A function that SQL calls and that only returns what another one answers; the arguments are fcinfo. */
#define RETENTION_FORWARD(name, answer) \
	RETENTION_FUNCTION(name); \
	Datum name(PG_FUNCTION_ARGS) \
	{ \
		return answer; \
	}
/* clang-format on */

#endif /* RETENTION_H */
