/*
 * population_shared.c
 *		Narrow pages in dynamic shared memory, which all processes of a query fill together.
 */
#include "retention.h"

#include "base/check.h"
#include "population/population_shared.h"

#define PAGES_PER_BLOCK 32
/* A process may make so many pages at once, and then one more for so many of its events: keys far apart get none. */
#define PAGES_FREE 1024
#define EVENTS_FOR_PAGE 16

struct SharedDirectory
{
	int64 first;
	uint64 near_first;
	uint64 near_count;
	pg_atomic_uint64 pages[FLEXIBLE_ARRAY_MEMBER]; /* dsa_pointers to cells */
};

/* Memory in a list, to be freed at the end. The size of its head keeps cells aligned to lines of the cache. */
typedef struct SharedBlock
{
	dsa_pointer next;
	char padding[64 - sizeof(dsa_pointer)];
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} SharedBlock;

Size
shared_pages_size(void)
{
	return sizeof(SharedPages);
}

void
shared_pages_begin(SharedPages *shared)
{
	pg_atomic_init_u64(&shared->directory, InvalidDsaPointer);
	pg_atomic_init_u64(&shared->blocks, InvalidDsaPointer);
	pg_atomic_init_u64(&shared->bytes, 0);
}

void
shared_pages_free(SharedPages *shared, dsa_area *area)
{
	dsa_pointer at = pg_atomic_read_u64(&shared->blocks);

	while (DsaPointerIsValid(at))
	{
		dsa_pointer next = ((SharedBlock *) dsa_get_address(area, at))->next;

		dsa_free(area, at);
		at = next;
	}
	shared_pages_begin(shared);
}

uint64
shared_pages_bytes(SharedPages *shared)
{
	return pg_atomic_read_u64(&shared->bytes);
}

PageSharing *
sharing_begin(SharedPages *shared, dsa_area *area, Size limit, MemoryContext context)
{
	PageSharing *sharing = MemoryContextAllocZero(context, sizeof(PageSharing));

	sharing->shared = shared;
	sharing->area = area;
	sharing->limit = limit;
	sharing->context = context;
	return sharing;
}

/* Zeroed memory that lives as long as the shared pages; invalid: it would be more than the query may use. */
static dsa_pointer
allocate_block(PageSharing *sharing, Size size)
{
	SharedPages *shared = sharing->shared;
	dsa_pointer at;
	uint64 newest;

	size += offsetof(SharedBlock, bytes);
	if (pg_atomic_fetch_add_u64(&shared->bytes, size) + size > sharing->limit)
	{
		pg_atomic_fetch_sub_u64(&shared->bytes, size);
		return InvalidDsaPointer;
	}
	at = dsa_allocate_extended(sharing->area, size, DSA_ALLOC_HUGE | DSA_ALLOC_ZERO);
	newest = pg_atomic_read_u64(&shared->blocks);
	do
	{
		((SharedBlock *) dsa_get_address(sharing->area, at))->next = newest;
	} while (!pg_atomic_compare_exchange_u64(&shared->blocks, &newest, at));
	return at;
}

bool
sharing_open(PageSharing *sharing)
{
	dsa_pointer at = pg_atomic_read_u64(&sharing->shared->directory);
	SharedDirectory *directory;

	if (!DsaPointerIsValid(at))
		return false;
	/* What the other process wrote into it before. */
	pg_read_barrier();
	directory = dsa_get_address(sharing->area, at);
	sharing->first = directory->first;
	sharing->near_first = directory->near_first;
	sharing->near_count = directory->near_count;
	sharing->cells = MemoryContextAllocExtended(sharing->context,
												sharing->near_count * sizeof(pg_atomic_uint64 *),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	sharing->directory = directory;
	return true;
}

void
sharing_create(PageSharing *sharing, int64 first, uint64 near_first, uint64 near_count)
{
	dsa_pointer block = allocate_block(sharing, offsetof(SharedDirectory, pages) +
													near_count * sizeof(pg_atomic_uint64));
	uint64 none = InvalidDsaPointer;
	SharedDirectory *directory;

	if (!DsaPointerIsValid(block))
		return;
	block += offsetof(SharedBlock, bytes);
	directory = dsa_get_address(sharing->area, block);
	directory->first = first;
	directory->near_first = near_first;
	directory->near_count = near_count;
	/* Where another process was faster this one is not used. */
	(void) pg_atomic_compare_exchange_u64(&sharing->shared->directory, &none, block);
	(void) sharing_open(sharing);
}

/* The cells of a page that this process does not know yet; NULL: there is no memory for them. */
static pg_noinline pg_atomic_uint64 *
find_page(PageSharing *sharing, uint64 number)
{
	pg_atomic_uint64 *place = &sharing->directory->pages[number];
	uint64 at = pg_atomic_read_u64(place);

	if (!DsaPointerIsValid(at))
	{
		dsa_pointer cells;

		if (sharing->made > PAGES_FREE + sharing->events / EVENTS_FOR_PAGE)
			return NULL;
		if (sharing->block_left == 0)
		{
			if (!sharing->full)
				sharing->block = allocate_block(sharing, PAGES_PER_BLOCK * NARROW_PAGE_BYTES);
			sharing->full = !DsaPointerIsValid(sharing->block);
			if (sharing->full)
				return NULL;
			sharing->block_left = PAGES_PER_BLOCK;
		}
		cells = sharing->block + offsetof(SharedBlock, bytes) +
				(PAGES_PER_BLOCK - sharing->block_left) * NARROW_PAGE_BYTES;
		/* Another process may be faster: at is its page then, and this one is for the next. */
		if (pg_atomic_compare_exchange_u64(place, &at, cells))
		{
			sharing->block_left--;
			sharing->made++;
			at = cells;
		}
	}
	sharing->cells[number] = dsa_get_address(sharing->area, at);
	return sharing->cells[number];
}

static inline pg_atomic_uint64 *
cells_near(PageSharing *sharing, uint64 key)
{
	uint64 number = (key >> CELL_PAGE_BITS) - sharing->near_first;
	pg_atomic_uint64 *cells;

	if (unlikely(number >= sharing->near_count))
		return NULL;
	cells = sharing->cells[number];
	return likely(cells != NULL) ? cells : find_page(sharing, number);
}

/* A cell that has the bits already is not taken away from the caches of other processors. */
static inline void
set_bits(pg_atomic_uint64 *cell, uint64 bits)
{
	if ((pg_atomic_read_u64(cell) & bits) != bits)
		(void) pg_atomic_fetch_or_u64(cell, bits);
}

int
sharing_add_plain(PageSharing *sharing, const int64 *keys, const int64 *values, int count,
				  int64 *left_keys, int64 *left_values)
{
	pg_atomic_uint64 *cells[BATCH_EVENTS];
	uint8 places[BATCH_EVENTS];
	int used = 0;
	int left = 0;

	for (int i = 0; i < count; i++)
	{
		uint64 key = (uint64) keys[i];
		uint64 place = (uint64) values[i] - (uint64) sharing->first;
		pg_atomic_uint64 *page = likely(place < 64) ? cells_near(sharing, key) : NULL;

		if (likely(page != NULL))
		{
			cells[used] = &page[key & (CELL_PAGE_CELLS - 1)];
			__builtin_prefetch(cells[used], 1);
			places[used++] = (uint8) place;
		}
		else
		{
			left_values[left] = values[i];
			left_keys[left++] = keys[i];
		}
	}
	for (int i = 0; i < used; i++)
		set_bits(cells[i], UINT64CONST(1) << places[i]);
	sharing->events += used;
	return left;
}

bool
sharing_add_word(PageSharing *sharing, const KeyedWord *word)
{
	uint64 place = (uint64) word->first - (uint64) sharing->first;
	pg_atomic_uint64 *page;

	if (place >= 64 || place + pg_leftmost_one_pos64(word->bits) >= 64)
		return false;
	page = cells_near(sharing, word->key);
	if (page == NULL)
		return false;
	set_bits(&page[word->key & (CELL_PAGE_CELLS - 1)], word->bits << place);
	sharing->events++;
	return true;
}

void
sharing_each_word(PageSharing *sharing, Share share, KeyedWordVisitor visitor, void *argument)
{
	for (uint64 i = 0; i < sharing->near_count; i++)
	{
		dsa_pointer at = pg_atomic_read_u64(&sharing->directory->pages[i]);
		CustomerKey key = {.a = (sharing->near_first + i) << CELL_PAGE_BITS};
		pg_atomic_uint64 *cells;

		CHECK_NOW_AND_THEN(i);
		if (!DsaPointerIsValid(at) || !in_share(KEY_INT64, &key, share))
			continue;
		CHECK_FOR_INTERRUPTS();
		cells = dsa_get_address(sharing->area, at);
		for (int j = 0; j < CELL_PAGE_CELLS; j++)
		{
			uint64 bits = pg_atomic_read_u64(&cells[j]);
			int lowest;
			KeyedWord word;

			if (bits == 0)
				continue;
			lowest = pg_rightmost_one_pos64(bits);
			word = (KeyedWord){
				.key = key.a | j, .bits = bits >> lowest, .first = sharing->first + lowest};
			visitor(argument, &word);
		}
	}
}
