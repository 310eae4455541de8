/*
 * memory.h
 *		Clearing and copying memory of any size: in pieces, between which a cancel is heard.
 *
 * The system makes pages when they are first written, so that a gigabyte takes most of a second.
 */
#ifndef RETENTION_MEMORY_H
#define RETENTION_MEMORY_H

extern void memory_clear(void *at, Size size);
extern void memory_copy(void *to, const void *from, Size size);

/* As palloc0(). */
extern void *memory_alloc(Size size);

#endif /* RETENTION_MEMORY_H */
