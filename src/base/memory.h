/*
 * memory.h
 *		Clearing and copying memory of any size, in pieces between which a query can be cancelled.
 *
 * The system provides pages when they are first written, so a gigabyte takes most of a second.
 */
#ifndef RETENTION_MEMORY_H
#define RETENTION_MEMORY_H

extern void memory_clear(void *at, Size size);
extern void memory_copy(void *to, const void *from, Size size);

/* Like palloc0(). */
extern void *memory_alloc(Size size);

#endif /* RETENTION_MEMORY_H */
