/*
 * memory.h
 *		Memory of any size: large pages, and clearing and copying in pieces between which a query can be cancelled.
 *
 * The system provides pages when they are first written, so a gigabyte takes most of a second.
 */
#ifndef RETENTION_MEMORY_H
#define RETENTION_MEMORY_H

/* A piece of memory, in a few large pages of the processor where it is large and the system has them. */
extern void *memory_large(MemoryContext context, Size size);

extern void memory_clear(void *at, Size size);
extern void memory_copy(void *to, const void *from, Size size);

/* Like palloc0(). */
extern void *memory_alloc(Size size);

#endif /* RETENTION_MEMORY_H */
