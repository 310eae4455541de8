/*
 * memory.c
 *		Memory of any size: large pages, and clearing and copying in pieces between which a query can be cancelled.
 */
#include "retention.h"

#include <sys/mman.h>

#include "base/memory.h"

/* A large page of the processor. */
#define HUGE_PAGE ((Size) 2 * 1024 * 1024)
#define PIECE ((Size) 16 * 1024 * 1024)

void *
memory_large(MemoryContext context, Size size)
{
	char *memory = MemoryContextAllocHuge(context, size);

#ifdef MADV_HUGEPAGE
	if (size >= 2 * HUGE_PAGE)
	{
		char *first = (char *) TYPEALIGN(HUGE_PAGE, memory);
		char *end = (char *) TYPEALIGN_DOWN(HUGE_PAGE, memory + size);

		(void) madvise(first, end - first, MADV_HUGEPAGE);
	}
#endif
	return memory;
}

void
memory_clear(void *at, Size size)
{
	for (Size done = 0; done < size; done += PIECE)
	{
		CHECK_FOR_INTERRUPTS();
		memset((char *) at + done, 0, Min(size - done, PIECE));
	}
}

void
memory_copy(void *to, const void *from, Size size)
{
	for (Size done = 0; done < size; done += PIECE)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy((char *) to + done, (const char *) from + done, Min(size - done, PIECE));
	}
}

void *
memory_alloc(Size size)
{
	void *memory = palloc(size);

	memory_clear(memory, size);
	return memory;
}
