/*
 * revenue_type.h
 *		retention_revenue as an argument and as a state.
 */
#ifndef RETENTION_REVENUE_TYPE_H
#define RETENTION_REVENUE_TYPE_H

#include "base/type_sql.h"
#include "revenue/revenue.h"

extern const StoredType revenue_type;

/* A value from SQL, checked; not to be changed. */
extern const Revenue *revenue_argument(Datum value, const Grid **grid);

#endif /* RETENTION_REVENUE_TYPE_H */
