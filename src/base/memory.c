/*
 * memory.c
 *		Clearing and copying memory of any size, in pieces between which a query can be cancelled.
 */
#include "retention.h"

#include "base/memory.h"

#define PIECE ((Size) 16 * 1024 * 1024)

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
