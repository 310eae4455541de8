/*
 * population_cell.c
 *		The events of one customer of a table: cells that are not words, and logs.
 */
#include "retention.h"

#include "base/memory.h"
#include "population/population_cell.h"
#include "port/pg_bitutils.h"
#include "port/pg_bswap.h"

static inline int64
value_of(const CellPool *pool, int64 offset)
{
	return (int64) ((uint64) pool->origin + (uint64) offset);
}

/* ---- logs ---- */

/*
 * The bytes of an event in a log: a head, the distance of its value from the origin, its count and its flags unless it
 * is of a common kind, and its amount. All numbers have as many bytes as they need, the least first. The bits of a
 * head:
 *
 *		0, 1		0: EVENT_PLAIN, counted once; 1: EVENT_ACTIVE, not counted; 2: count and flags follow
 *		2 to 4		the bytes of the distance, less one
 *		5 to 7		the amount: up to 5 bytes of hundredths, or 8 or 16 bytes of millionths
 *
 * Events are appended, whatever they are. When a log of LOG_MERGED bytes or more is full, its events are put together,
 * and it grows if more than half of it is still used. So a log is as long as what a customer did, not as their rows.
 */
#define LOG_LEAST 5 /* powers of two: of the smallest log, the largest in a block, the largest */
#define LOG_IN_BLOCK 15
#define LOG_MOST 30
#define LOG_BLOCK_LEAST 1024
#define LOG_BLOCK_MOST (8 * 1024 * 1024)
#define LOG_MERGED 8
#define LOG_SECOND 7 /* a customer who comes again mostly comes often */
#define LOG_HUNDREDTH 10000
#define LOG_HUNDREDTHS 5 /* the most bytes of them */
#define LOG_NARROW 6
#define LOG_WIDE 7

/* Numbers are read and written by eight bytes, the last of which may belong to what follows. */
#define LOG_BEYOND 8

StaticAssertDecl(LOG_IN_BLOCK - LOG_LEAST + 1 == CELL_LOG_SIZES,
				 "each size has a list of free logs");

static const uint8 amount_bytes[8] = {0, 1, 2, 3, 4, 5, 8, 16};
static const uint8 kind_bytes[4] = {0, 0, 6, 0};

typedef struct LogNumbers
{
	uint8 head;
	uint8 bytes; /* of all */
	uint64 distance;
	uint64 kind; /* the count, then the flags */
	uint64 amount;
	uint64 upper; /* half of an amount of 16 bytes */
} LogNumbers;

static inline uint64
zigzag(int64 n)
{
	return ((uint64) n << 1) ^ (uint64) (n >> 63);
}

static inline int64
unzigzag(uint64 n)
{
	return (int64) (n >> 1) ^ -(int64) (n & 1);
}

static inline uint64
load_bytes(const char *at)
{
	uint64 n;

	memcpy(&n, at, sizeof(n));
#ifdef WORDS_BIGENDIAN
	n = pg_bswap64(n);
#endif
	return n;
}

static inline void
store_bytes(char *at, uint64 n)
{
#ifdef WORDS_BIGENDIAN
	n = pg_bswap64(n);
#endif
	memcpy(at, &n, sizeof(n));
}

static inline uint64
load_number(const char *at, int bytes)
{
	return bytes == 0 ? 0 : load_bytes(at) & (PG_UINT64_MAX >> (64 - 8 * bytes));
}

static inline int
head_bytes(uint8 head)
{
	return 1 + 1 + (head >> 2 & 7) + kind_bytes[head & 3] + amount_bytes[head >> 5];
}

static inline Size
log_capacity(const EventCell *cell)
{
	return ((Size) 1 << cell->flags) - LOG_BEYOND;
}

static pg_attribute_always_inline LogNumbers
log_numbers(const CellPool *pool, const Event *event)
{
	LogNumbers n = {.distance = zigzag((int64) ((uint64) event->value - (uint64) pool->origin))};
	int amount = 0;
	int kind = 2;

	if (event->flags == EVENT_PLAIN && event->count == 1)
		kind = 0;
	else if (event->flags == EVENT_ACTIVE && event->count == 0)
		kind = 1;
	else
		n.kind = (uint32) event->count | (uint64) event->flags << 32;
	if (pool->shape.has_amount)
	{
		int128 wide = ((const AmountEvent *) event)->amount;
		int64 narrow = (int64) wide;
		int64 hundredths = narrow / LOG_HUNDREDTH;

		if (unlikely(narrow != wide))
		{
			amount = LOG_WIDE;
			n.amount = (uint64) narrow;
			n.upper = (uint64) (wide >> 64);
		}
		else
		{
			n.amount = zigzag(hundredths);
			amount = n.amount == 0 ? 0 : pg_leftmost_one_pos64(n.amount) / 8 + 1;
			if (hundredths * LOG_HUNDREDTH != narrow || amount > LOG_HUNDREDTHS)
			{
				amount = LOG_NARROW;
				n.amount = (uint64) narrow;
			}
		}
	}
	n.head = (uint8) (kind | pg_leftmost_one_pos64(n.distance | 1) / 8 << 2 | amount << 5);
	n.bytes = (uint8) head_bytes(n.head);
	return n;
}

static inline void
log_write(char *at, const LogNumbers *n)
{
	*at++ = (char) n->head;
	store_bytes(at, n->distance);
	at += 1 + (n->head >> 2 & 7);
	if ((n->head & 3) == 2)
	{
		store_bytes(at, n->kind);
		at += kind_bytes[2];
	}
	store_bytes(at, n->amount);
	if (n->head >> 5 == LOG_WIDE)
		store_bytes(at + 8, n->upper);
}

/* The event at a place of a log; returns the place of the next. event is of the pool's shape. */
static inline const char *
log_read(const CellPool *pool, const char *at, Event *event)
{
	uint8 head = (uint8) *at++;
	int bytes = 1 + (head >> 2 & 7);

	event->value = value_of(pool, unzigzag(load_number(at, bytes)));
	at += bytes;
	event->count = (head & 3) == 0;
	event->flags = (head & 3) == 0 ? EVENT_PLAIN : EVENT_ACTIVE;
	if ((head & 3) == 2)
	{
		uint64 both = load_bytes(at);

		event->count = (int32) (uint32) both;
		event->flags = (uint16) (both >> 32);
		at += kind_bytes[2];
	}
	if (pool->shape.has_amount)
	{
		int128 *amount = &((AmountEvent *) event)->amount;
		int code = head >> 5;

		if (likely(code <= LOG_HUNDREDTHS))
			*amount = unzigzag(load_number(at, code)) * LOG_HUNDREDTH;
		else if (code == LOG_NARROW)
			*amount = (int64) load_bytes(at);
		else
			*amount = (int128) ((uint128) load_bytes(at + 8) << 64 | load_bytes(at));
		at += amount_bytes[code];
	}
	return at;
}

/* Logs have no header of their own, and lie in large blocks; those that are given up are used again. */
static char *
log_allocate(CellPool *pool, int size)
{
	Size bytes = (Size) 1 << size;
	char *memory = size <= LOG_IN_BLOCK ? pool->free_logs[size - LOG_LEAST] : NULL;

	if (size > LOG_IN_BLOCK)
		return MemoryContextAllocHuge(pool->context, bytes);
	if (memory != NULL)
	{
		memcpy(&pool->free_logs[size - LOG_LEAST], memory, sizeof(char *));
		return memory;
	}
	if (pool->block_left < bytes)
	{
		pool->block_size = Max(Min(2 * pool->block_size, LOG_BLOCK_MOST), LOG_BLOCK_LEAST);
		pool->block_size = Max(pool->block_size, bytes);
		pool->block = memory_large(pool->context, pool->block_size);
		pool->block_left = pool->block_size;
	}
	memory = pool->block;
	pool->block += bytes;
	pool->block_left -= bytes;
	return memory;
}

static void
log_free(CellPool *pool, const EventCell *cell)
{
	char *memory = (char *) (uintptr_t) cell->bits;

	if (cell->flags > LOG_IN_BLOCK)
	{
		pfree(memory);
		return;
	}
	memcpy(memory, &pool->free_logs[cell->flags - LOG_LEAST], sizeof(char *));
	pool->free_logs[cell->flags - LOG_LEAST] = memory;
}

static void
log_create(CellPool *pool, EventCell *cell, int size)
{
	if (size > LOG_MOST)
		history_too_long();
	cell->bits = (uintptr_t) log_allocate(pool, size);
	cell->flags = (uint16) size;
	cell->base = 0;
	cell->form = CELL_LOG;
}

/* An upper bound of the events in a log, or, of a long one, their number. */
static int
log_count(const EventCell *cell)
{
	const char *at = (const char *) (uintptr_t) cell->bits;
	const char *end = at + cell->base;
	int count = 0;

	if (cell->base < 1024)
		return cell->base / 2;
	for (; at < end; at += head_bytes((uint8) *at))
	{
		CHECK_NOW_AND_THEN(count);
		count++;
	}
	return count;
}

/* Make the buffer large enough; rows that are not put together may be more than a history can have. */
static void
buffer_reserve(const CellPool *pool, EventBuffer *buffer, int count)
{
	if (buffer->events != NULL && count <= buffer->capacity)
		return;
	if (buffer->events != NULL)
		pfree(buffer->events);
	buffer->capacity = (int) Max(Min(2 * (int64) count, event_limit(&pool->shape)), count);
	buffer->events = palloc_extended(buffer->capacity * event_size(&pool->shape), MCXT_ALLOC_HUGE);
}

/* The events of a log, normalised. */
static int
log_events(const CellPool *pool, const EventCell *cell, EventBuffer *buffer)
{
	const char *at = (const char *) (uintptr_t) cell->bits;
	const char *end = at + cell->base;
	const EventShape *shape = &pool->shape;
	bool ordered = shape->cap > 0; /* and each value once */
	int64 before = 0;
	int count = 0;

	buffer_reserve(pool, buffer, log_count(cell));
	for (; at < end; count++)
	{
		Event *event = event_at(shape, buffer->events, count);

		CHECK_NOW_AND_THEN(count);
		at = log_read(pool, at, event);
		ordered = ordered && (count == 0 || before < event->value);
		before = event->value;
	}
	if (!ordered)
		count = events_normalise(shape, buffer->events, count);
	if (count > event_limit(shape))
		history_too_long();
	return count;
}

/* A full log: what is in it is put together, and it grows where it has to. */
static pg_noinline void
log_grow(CellPool *pool, EventCell *cell)
{
	EventCell old = *cell;
	EventBuffer buffer = {0};
	Size need = 0;
	int size = old.flags;
	char *to;
	int count;

	if (size < LOG_MERGED)
	{
		log_create(pool, cell, Max(size + 1, LOG_SECOND));
		memcpy((void *) (uintptr_t) cell->bits, (const void *) (uintptr_t) old.bits, old.base);
		cell->base = old.base;
		log_free(pool, &old);
		return;
	}
	count = log_events(pool, cell, &buffer);
	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		need += log_numbers(pool, event_at(&pool->shape, buffer.events, i)).bytes;
	}
	while (((Size) 1 << size) - LOG_BEYOND < 2 * need)
		size++;
	if (size > old.flags)
		log_create(pool, cell, size);
	to = (char *) (uintptr_t) cell->bits;
	for (int i = 0; i < count; i++)
	{
		LogNumbers n = log_numbers(pool, event_at(&pool->shape, buffer.events, i));

		CHECK_NOW_AND_THEN(i);
		log_write(to, &n);
		to += n.bytes;
	}
	cell->base = (int32) need;
	if (size > old.flags)
		log_free(pool, &old);
	pfree(buffer.events);
}

static pg_attribute_always_inline void
log_add(CellPool *pool, EventCell *cell, const Event *event)
{
	LogNumbers n = log_numbers(pool, event);

	while (unlikely((Size) cell->base + n.bytes > log_capacity(cell)))
		log_grow(pool, cell);
	log_write((char *) (uintptr_t) cell->bits + cell->base, &n);
	cell->base += n.bytes;
}

/* ---- cells of all forms ---- */

int
cell_events(const CellPool *pool, const EventCell *cell, EventBuffer *buffer)
{
	Event *events;
	int count = 0;

	if (cell->form == CELL_LOG)
		return log_events(pool, cell, buffer);
	buffer_reserve(pool, buffer, 64);
	events = buffer->events;
	if (cell->form == CELL_WORD)
		for (uint64 bits = cell->bits; bits != 0; bits &= bits - 1)
			events[count++] =
				(Event){.value = value_of(pool, (int64) cell->base + pg_rightmost_one_pos64(bits)),
						.count = 1,
						.flags = EVENT_PLAIN};
	else if (cell->form == CELL_SINGLE &&
			 (pool->shape.cap > 0 || cell->base != 0 || cell->flags > EVENT_ACTIVE))
		events[count++] =
			(Event){.value = (int64) cell->bits, .count = cell->base, .flags = cell->flags};
	return count;
}

/* A cell of another form becomes a log. */
static pg_noinline void
cell_to_log(CellPool *pool, EventCell *cell)
{
	EventCell old = *cell;
	EventBuffer buffer = {0};
	int count = old.form == CELL_EMPTY ? 0 : cell_events(pool, &old, &buffer);

	log_create(pool, cell, LOG_LEAST);
	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		log_add(pool, cell, event_at(&pool->shape, buffer.events, i));
	}
	if (buffer.events != NULL)
		pfree(buffer.events);
}

void
cell_add_slowly(CellPool *pool, EventCell *cell, const Event *given)
{
	AmountEvent taken;
	Event *event = &taken.event;

	if (pool->shape.has_amount)
		taken = *(const AmountEvent *) given;
	else
		*event = *given;
	if (!event_take(&pool->shape, event, event_amount(&pool->shape, event)))
		return;
	if (likely(cell->form == CELL_LOG))
	{
		log_add(pool, cell, event);
		return;
	}
	if (cell->form == CELL_EMPTY)
		pool->customers++;
	if (cell->form == CELL_EMPTY && !pool->shape.has_amount)
		*cell = (EventCell){.bits = (uint64) event->value,
							.base = event->count,
							.flags = (uint16) event->flags,
							.form = CELL_SINGLE};
	else if (cell->form == CELL_SINGLE && (int64) cell->bits == event->value)
	{
		Event here = {.value = event->value, .count = cell->base, .flags = cell->flags};

		events_merge(&pool->shape, &here, event);
		cell->base = here.count;
		cell->flags = (uint16) here.flags;
	}
	else
	{
		if (!pool->has_origin)
		{
			pool->origin = event->value;
			pool->has_origin = true;
		}
		cell_to_log(pool, cell);
		log_add(pool, cell, event);
	}
}

void
cell_add_word(CellPool *pool, EventCell *cell, int64 first, uint64 bits)
{
	int32 offset = 0;

	if (unlikely(!pool->has_origin))
	{
		pool->origin = first;
		pool->has_origin = true;
	}
	if (likely(offset_of(pool, first, &offset) && offset <= PG_INT32_MAX - 64))
	{
		if (cell->form == CELL_WORD)
		{
			int64 ahead = (int64) offset - cell->base;

			if (ahead == 0 || (ahead > 0 && ahead < 64 && (bits >> (64 - ahead)) == 0))
			{
				cell->bits |= bits << ahead;
				return;
			}
			if (ahead < 0 && ahead > -64 && (cell->bits >> (64 + ahead)) == 0)
			{
				cell->bits = (cell->bits << -ahead) | bits;
				cell->base = offset;
				return;
			}
		}
		else if (cell->form == CELL_EMPTY)
		{
			cell->bits = bits;
			cell->base = offset;
			cell->form = CELL_WORD;
			pool->customers++;
			return;
		}
	}
	for (; bits != 0; bits &= bits - 1)
		cell_add_plain(pool, cell, first + pg_rightmost_one_pos64(bits));
}
