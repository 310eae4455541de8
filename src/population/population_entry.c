/*
 * population_entry.c
 *		Customers inside a population: their keys, and the bytes of an entry.
 */
#include "retention.h"

#include "common/hashfn.h"
#include "population/population_entry.h"

/* A group of entries ends after so many events. */
#define GROUP_EVENTS 4096

CustomerKey
key_of_int64(int64 value)
{
	return (CustomerKey){.a = (uint64) value};
}

CustomerKey
key_of_bytes(KeyKind kind, const void *bytes, Size size)
{
	CustomerKey key = {0};

	if (kind == KEY_UUID)
	{
		Assert(size == 16);
		memcpy(&key.a, bytes, 8);
		memcpy(&key.b, (const char *) bytes + 8, 8);
		return key;
	}
	key.a = hash_bytes_extended(bytes, (int) size, 0);
	key.b = size;
	key.bytes = bytes;
	return key;
}

int
key_compare(KeyKind kind, const CustomerKey *one, const CustomerKey *other)
{
	if (one->a != other->a)
		return one->a < other->a ? -1 : 1;
	if (one->b != other->b)
		return one->b < other->b ? -1 : 1;
	return kind == KEY_TEXT ? memcmp(one->bytes, other->bytes, one->b) : 0;
}

void
entry_write(StringInfo out, KeyKind kind, const EventShape *shape, const CustomerKey *key,
			const Event *events, int count)
{
	switch (kind)
	{
		case KEY_NONE:
			break;
		case KEY_INT64:
			wire_put_int(out, (int64) key->a);
			break;
		case KEY_UUID:
			wire_put_bytes(out, &key->a, 8);
			wire_put_bytes(out, &key->b, 8);
			break;
		case KEY_TEXT:
			wire_put_int(out, (int64) key->b);
			wire_put_bytes(out, key->bytes, key->b);
			break;
	}
	events_write(shape, out, events, count);
}

CustomerKey
entry_read_key(WireReader *in, KeyKind kind)
{
	Size size;

	switch (kind)
	{
		case KEY_NONE:
			break;
		case KEY_INT64:
			return key_of_int64(wire_get_int(in));
		case KEY_UUID:
			return key_of_bytes(kind, wire_get_bytes(in, 16), 16);
		case KEY_TEXT:
			size = (Size) wire_get_int_between(in, 0, MaxAllocSize);
			return key_of_bytes(kind, wire_get_bytes(in, size), size);
	}
	return (CustomerKey){0};
}

bool
entries_read(WireReader *log, KeyKind kind, const EventShape *shape, EntryGroup *group)
{
	int events = 0;

	group->used = 0;
	while (log->at < log->end && group->used < GROUP_ENTRIES && events < GROUP_EVENTS)
	{
		int i = group->used++;

		group->keys[i] = entry_read_key(log, kind);
		group->counts[i] =
			events_read(shape, log, &group->buffer.events, &group->buffer.capacity, events);
		events += group->counts[i];
	}
	return group->used > 0;
}
