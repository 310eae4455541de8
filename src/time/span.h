/*
 * span.h
 *		A period or a span of time as an argument: a range of dates or timestamps, or the text of one.
 *
 * A function that takes a retention_span needs no overload for each type of range, a literal needs no cast, and a text
 * that cannot be a range gets an error that says what can. What a text means is decided when the type of the times is
 * known. A value is the range as the server stores it, or the text: a text never has a zero byte, and the type of a
 * range, with which its bytes begin, always has one.
 */
#ifndef RETENTION_SPAN_H
#define RETENTION_SPAN_H

#include "time/grid.h"
#include "utils/rangetypes.h"

#define SPAN_TYPE "retention_span"

/* The longest text, in bytes. */
#define SPAN_TEXT_BYTES 200

/* The type of the range in a value, which is not toasted; InvalidOid if it is a text. Raises XX001 on corrupt bytes. */
extern Oid span_range_type(const struct varlena *value);

/* The text of a value, which is not toasted; palloc'ed. */
extern char *span_text(const struct varlena *value);

/*
 * A value as a range of times of that kind. A daterange begins and ends at midnight; times without a zone are in the
 * session's. Raises 42804 if it cannot be such a range. The result belongs to a cache or is the value, and is valid for
 * the current call, together with that of one more span.
 */
extern const RangeType *span_range(Datum value, TimeKind kind);

/* The kind of the times in a range type. */
extern TimeKind span_kind_of_range(Oid range_type);

#endif /* RETENTION_SPAN_H */
