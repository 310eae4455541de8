/*
 * scan_stream.h
 *		Streams of records: what a batch scan keeps for later, and what its processes send each other.
 *
 * A stream is written by one process, then read once, by this or another one. It is a list of chunks of memory. Where
 * its space has no more room, the last chunk goes to a temporary file whenever it is full.
 */
#ifndef RETENTION_SCAN_STREAM_H
#define RETENTION_SCAN_STREAM_H

#include "storage/buffile.h"
#include "utils/dsa.h"

typedef enum RecordKind
{
	RECORD_GROUP, /* the key of the group of the following records; empty: there are no columns */
	RECORD_IDENTITY, /* of a population, with its totals */
	RECORD_PACKET,	 /* of its customers */
	RECORD_SUMMARY,	 /* of an aggregate; empty: it has no state */
	RECORD_ROWS,	 /* of the input, for groups that are not known yet (scan_partition.c) */
	RECORD_ZONE,	 /* the session's time zone when the following rows were read */
} RecordKind;

typedef struct StreamRecord
{
	uint32 kind;
	int32 aggregate;
	Size size;
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} StreamRecord;

typedef struct StreamChunk
{
	uint64 next; /* as StreamHead.first; 0: it is the last */
	Size used;
	uint64 in_block;				   /* 1: it is a part of a block of its space */
	char bytes[FLEXIBLE_ARRAY_MEMBER]; /* records, each aligned */
} StreamChunk;

/* Where a stream is; in shared memory if another process reads it. All zeros: it has no record. */
typedef struct StreamHead
{
	uint64 first;	/* chunk: an address, or a dsa_pointer */
	uint64 in_file; /* 1: there are more between the last chunk but one and the last one */
} StreamHead;

/* The memory and files of the streams that a process writes, or reads. */
typedef struct StreamSpace
{
	MemoryContext context;
	dsa_area *area; /* of chunks that other processes read; NULL: chunks are in context */
	FileSet *files; /* NULL: files are of this process alone */
	Size
		first_bytes; /* of a stream's first chunk, which is always in memory; each next one is twice as large */
	Size most_bytes;
	Size room;		/* bytes of chunks that may still be taken */
	uint64 written; /* bytes of records */
	char *block;	/* where there is much room, chunks of this process are cut from large blocks */
	Size block_left;
} StreamSpace;

typedef struct StreamWriter
{
	StreamSpace *space;
	StreamHead *head;
	int number; /* of the stream among all of its files */
	StreamChunk *last;
	Size capacity;		/* of its bytes */
	StreamRecord *rows; /* the last record, if it is RECORD_ROWS and in the last chunk */
	BufFile *file;		/* NULL: everything is in memory so far */
} StreamWriter;

typedef struct StreamReader
{
	StreamSpace *space;
	StreamHead *head;
	int number;
	const StreamChunk *chunk; /* that is being read; NULL: none yet */
	Size at;				  /* of its bytes */
	bool in_file;			  /* it is a chunk of the file */
	bool file_read;
	BufFile *file;
	StreamChunk *buffer; /* for chunks of the file */
	Size capacity;
} StreamReader;

extern void stream_begin(StreamWriter *writer, StreamSpace *space, StreamHead *head, int number);
extern void
stream_write(StreamWriter *writer, RecordKind kind, int aggregate, const void *bytes, Size size);
/* After the last record. A file of this process stays open for stream_reread(). */
extern void stream_end(StreamWriter *writer);

/* A new RECORD_ROWS of so many bytes; NULL: it is too large for memory. */
extern char *stream_new_rows(StreamWriter *writer, Size size);

/* So many more bytes, aligned, of a RECORD_ROWS, for a row; NULL as above. */
static inline char *
stream_rows(StreamWriter *writer, Size size)
{
	char *bytes;

	if (unlikely(writer->rows == NULL || writer->capacity - writer->last->used < size))
		return stream_new_rows(writer, size);
	bytes = writer->last->bytes + writer->last->used;
	writer->last->used += size;
	writer->rows->size += size;
	return bytes;
}

/* A stream of another process, and one that this process has written. */
extern StreamReader stream_open(StreamSpace *space, StreamHead *head, int number);
extern StreamReader stream_reread(StreamWriter *writer);
/* The next record, valid until the next call; NULL after the last. Chunks are freed when they have been read. */
extern const StreamRecord *stream_next(StreamReader *reader);
extern void stream_close(StreamReader *reader);

/* Free chunks that were not read. */
extern void stream_free(StreamSpace *space, StreamHead *head);

#endif /* RETENTION_SCAN_STREAM_H */
