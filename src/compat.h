/*
 * compat.h
 *		The only file that knows server versions: PostgreSQL 14 to 18.
 */
#ifndef RETENTION_COMPAT_H
#define RETENTION_COMPAT_H

#if PG_VERSION_NUM < 140000
#error "retention needs PostgreSQL 14 or later"
#endif

/* From 16 on variable-length data has its own header. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 says pg_noreturn, in front. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

#endif /* RETENTION_COMPAT_H */
