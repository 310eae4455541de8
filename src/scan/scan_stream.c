/*
 * scan_stream.c
 *		Streams of records: what a batch scan keeps for later, and what its processes send each other.
 *
 * In a file each chunk has its size in front.
 */
#include "retention.h"

#include <fcntl.h>

#include "base/memory.h"
#include "miscadmin.h"
#include "scan/scan_stream.h"

#define CHUNK_HEAD offsetof(StreamChunk, bytes)
#define RECORD_HEAD offsetof(StreamRecord, bytes)
/* The system provides memory in few large pages then. They are freed with the context of the space. */
#define BLOCK_BYTES ((Size) 8 * 1024 * 1024)
#define BLOCK_ROOM (8 * BLOCK_BYTES)

StaticAssertDecl(CHUNK_HEAD % MAXIMUM_ALIGNOF == 0, "records are aligned");
StaticAssertDecl(RECORD_HEAD % MAXIMUM_ALIGNOF == 0, "their bytes are aligned");

static StreamChunk *
chunk_at(const StreamSpace *space, uint64 at)
{
	return space->area != NULL ? dsa_get_address(space->area, (dsa_pointer) at)
							   : (StreamChunk *) (uintptr_t) at;
}

static void
free_chunk(const StreamSpace *space, uint64 at)
{
	if (space->area != NULL)
		dsa_free(space->area, (dsa_pointer) at);
	else if (!chunk_at(space, at)->in_block)
		pfree((void *) (uintptr_t) at);
}

static void
file_name(char *name, int number)
{
	snprintf(name, MAXPGPATH, "retention.%d", number);
}

/* ---- writing ---- */

void
stream_begin(StreamWriter *writer, StreamSpace *space, StreamHead *head, int number)
{
	*writer = (StreamWriter){.space = space, .head = head, .number = number};
}

/* Memory for a chunk of this process. */
static StreamChunk *
private_chunk(StreamSpace *space, Size size)
{
	StreamChunk *chunk;

	if (space->block_left < size && space->room >= BLOCK_ROOM && size <= space->most_bytes)
	{
		space->block = memory_large(space->context, BLOCK_BYTES);
		space->block_left = BLOCK_BYTES;
	}
	if (space->block_left < size)
	{
		chunk = MemoryContextAllocHuge(space->context, size);
		chunk->in_block = 0;
		return chunk;
	}
	chunk = (StreamChunk *) space->block;
	chunk->in_block = 1;
	space->block += MAXALIGN(size);
	space->block_left -= MAXALIGN(size);
	return chunk;
}

static void
add_chunk(StreamWriter *writer, Size size)
{
	StreamSpace *space = writer->space;
	StreamChunk *chunk;
	uint64 at;

	if (space->area != NULL)
		at = dsa_allocate_extended(space->area, size, DSA_ALLOC_HUGE);
	else
		at = (uintptr_t) private_chunk(space, size);
	space->room -= Min(space->room, size);
	chunk = chunk_at(space, at);
	chunk->next = 0;
	chunk->used = 0;
	if (writer->last != NULL)
	{
		space->written += writer->last->used;
		writer->last->next = at;
	}
	else
		writer->head->first = at;
	writer->last = chunk;
	writer->capacity = size - CHUNK_HEAD;
}

static void
write_bytes(StreamWriter *writer, const void *bytes, Size size)
{
	if (size > 0)
		BufFileWrite(writer->file, unconstify(void *, bytes), size);
}

/* The last chunk goes to the file, and is empty then. */
static void
flush_chunk(StreamWriter *writer)
{
	StreamSpace *space = writer->space;
	StreamChunk *last = writer->last;

	if (writer->file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(space->context);
		char name[MAXPGPATH];

		file_name(name, writer->number);
		writer->file = space->files == NULL ? BufFileCreateTemp(false)
											: BufFileCreateFileSet(space->files, name);
		writer->head->in_file = 1;
		MemoryContextSwitchTo(old);
	}
	writer->rows = NULL;
	if (last->used == 0)
		return;
	write_bytes(writer, &last->used, sizeof(last->used));
	write_bytes(writer, last->bytes, last->used);
	space->written += last->used;
	last->used = 0;
}

/* Space for a record of so many bytes in the last chunk; NULL: it has to go to the file, where it is the next. */
static StreamRecord *
reserve(StreamWriter *writer, Size need)
{
	const StreamSpace *space = writer->space;
	StreamRecord *record;

	writer->rows = NULL;
	if (writer->last == NULL || writer->capacity - writer->last->used < need)
	{
		Size size = space->first_bytes;

		if (writer->last != NULL)
			size = Min(2 * (writer->capacity + CHUNK_HEAD), space->most_bytes);
		size = Max(size, CHUNK_HEAD + need);
		if (writer->file == NULL && space->room >= size)
			add_chunk(writer, size);
		else if (writer->last == NULL)
			add_chunk(writer, space->first_bytes);
		else
			flush_chunk(writer);
		if (writer->capacity < need)
		{
			flush_chunk(writer);
			return NULL;
		}
	}
	record = (StreamRecord *) (writer->last->bytes + writer->last->used);
	writer->last->used += need;
	return record;
}

void
stream_write(StreamWriter *writer, RecordKind kind, int aggregate, const void *bytes, Size size)
{
	Size need = RECORD_HEAD + MAXALIGN(size);
	StreamRecord *record = reserve(writer, need);
	StreamRecord head = {.kind = kind, .aggregate = aggregate, .size = size};

	if (record == NULL)
	{
		static const char zeros[MAXIMUM_ALIGNOF];

		write_bytes(writer, &need, sizeof(need));
		write_bytes(writer, &head, RECORD_HEAD);
		write_bytes(writer, bytes, size);
		write_bytes(writer, zeros, MAXALIGN(size) - size);
		writer->space->written += need;
		return;
	}
	memcpy(record, &head, RECORD_HEAD);
	if (size > 0)
		memcpy(record->bytes, bytes, size);
}

char *
stream_new_rows(StreamWriter *writer, Size size)
{
	StreamRecord *record = reserve(writer, RECORD_HEAD + size);

	if (record == NULL)
		return NULL;
	record->kind = RECORD_ROWS;
	record->aggregate = 0;
	record->size = size;
	writer->rows = record;
	return record->bytes;
}

void
stream_end(StreamWriter *writer)
{
	writer->rows = NULL;
	if (writer->last != NULL)
		writer->space->written += writer->last->used;
	if (writer->file == NULL || writer->space->files == NULL)
		return;
	BufFileExportFileSet(writer->file);
	BufFileClose(writer->file);
	writer->file = NULL;
}

/* ---- reading ---- */

StreamReader
stream_open(StreamSpace *space, StreamHead *head, int number)
{
	return (StreamReader){.space = space, .head = head, .number = number};
}

StreamReader
stream_reread(StreamWriter *writer)
{
	StreamReader reader = stream_open(writer->space, writer->head, writer->number);

	reader.file = writer->file;
	writer->file = NULL;
	return reader;
}

static void
cannot_read(void)
{
	ereport(ERROR, (errcode_for_file_access(), errmsg("could not read a temporary file")));
}

static void
open_file(StreamReader *reader)
{
	char name[MAXPGPATH];
	MemoryContext old;

	if (reader->file != NULL)
	{
		if (BufFileSeek(reader->file, 0, 0, SEEK_SET) != 0)
			cannot_read();
		return;
	}
	old = MemoryContextSwitchTo(reader->space->context);
	file_name(name, reader->number);
	reader->file = BufFileOpenFileSet(reader->space->files, name, O_RDONLY, false);
	MemoryContextSwitchTo(old);
}

static bool
read_chunk(StreamReader *reader)
{
	Size used;
	Size size = BufFileRead(reader->file, &used, sizeof(used));

	if (size == 0)
		return false;
	if (size != sizeof(used))
		cannot_read();
	if (reader->buffer == NULL || reader->capacity < used)
	{
		if (reader->buffer != NULL)
			pfree(reader->buffer);
		reader->buffer = NULL;
		reader->buffer = MemoryContextAllocHuge(reader->space->context, CHUNK_HEAD + used);
		reader->capacity = used;
	}
	reader->buffer->used = used;
	if (BufFileRead(reader->file, reader->buffer->bytes, used) != used)
		cannot_read();
	return true;
}

void
stream_close(StreamReader *reader)
{
	if (reader->file != NULL)
		BufFileClose(reader->file);
	if (reader->buffer != NULL)
		pfree(reader->buffer);
	reader->file = NULL;
	reader->buffer = NULL;
}

/* Go to the next chunk; false: there is none. */
static bool
next_chunk(StreamReader *reader)
{
	StreamHead *head = reader->head;
	StreamChunk *chunk;

	CHECK_FOR_INTERRUPTS();
	reader->at = 0;
	if (reader->in_file)
	{
		if (read_chunk(reader))
		{
			reader->chunk = reader->buffer;
			return true;
		}
		stream_close(reader);
		reader->in_file = false;
	}
	else if (reader->chunk != NULL)
	{
		uint64 at = head->first;

		head->first = reader->chunk->next;
		free_chunk(reader->space, at);
	}
	reader->chunk = NULL;
	if (head->first == 0)
		return false;
	chunk = chunk_at(reader->space, head->first);
	if (chunk->next == 0 && head->in_file != 0 && !reader->file_read)
	{
		reader->file_read = reader->in_file = true;
		open_file(reader);
		return next_chunk(reader);
	}
	reader->chunk = chunk;
	return true;
}

const StreamRecord *
stream_next(StreamReader *reader)
{
	const StreamRecord *record;

	while (reader->chunk == NULL || reader->at == reader->chunk->used)
		if (!next_chunk(reader))
			return NULL;
	record = (const StreamRecord *) (reader->chunk->bytes + reader->at);
	reader->at += RECORD_HEAD + MAXALIGN(record->size);
	return record;
}

void
stream_free(StreamSpace *space, StreamHead *head)
{
	while (head->first != 0)
	{
		uint64 at = head->first;

		head->first = chunk_at(space, at)->next;
		free_chunk(space, at);
	}
	head->in_file = 0;
}
