/*
 * population_share.c
 *		The customers of several processes, divided among them by their keys.
 *
 * A packet is a header and, aligned, rows of a partition, words of integer customers, or entries of a log. It
 * stays within one query on one machine: packets are trusted.
 */
#include "retention.h"

#include "population/population_form.h"

#define WORDS_OF_PACKET 2048
#define PACKET_BYTES (48 * 1024)

typedef enum PacketKind
{
	PACKET_ROWS,	/* a RowsPacket */
	PACKET_WORDS,	/* so many KeyedWords */
	PACKET_ENTRIES, /* so many bytes of entries */
} PacketKind;

typedef struct Packet
{
	uint32 kind;
	uint32 count;
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} Packet;

typedef struct RowsPacket
{
	int64 origin;
	RowChunk chunk;
} RowsPacket;

StaticAssertDecl(offsetof(Packet, bytes) % MAXIMUM_ALIGNOF == 0, "words of a packet are aligned");

typedef struct ShareVisit
{
	Share share;
	KeyKind kind;
	WordVisitor words;
	PopulationVisitor visitor;
	void *argument;
} ShareVisit;

static void
share_word(void *argument, const KeyedWord *word)
{
	ShareVisit *visit = argument;

	visit->words(visit->argument, word->first, word->bits);
}

static void
share_entry(void *argument, const CustomerKey *key, Event *events, int count)
{
	ShareVisit *visit = argument;

	if (count > 0 && in_share(visit->kind, key, visit->share))
		visit->visitor(visit->argument, events, count);
}

/* Whether the population is large and all of it is in its table. */
static bool
all_in_table(Population *population)
{
	if (population->large == NULL)
		return false;
	large_flush(population->large);
	return log_is_empty(&population->large->log);
}

void
population_join(Population *population, SharedPages *pages, dsa_area *area)
{
	PageSharing *sharing;

	if (population->sharing != NULL || population->identity.key != KEY_INT64 ||
		population->identity.shape.cap != 1 || population->identity.shape.has_amount)
		return;
	sharing = sharing_begin(pages, area, get_hash_memory_limit(), population->context);
	population->sharing = sharing;
	if (population->large != NULL)
		population->large->self.sharing = sharing;
}

/* Before customers are sent: what fits into the shared pages need not be. */
static void
share_pages(Population *population)
{
	if (population->sharing == NULL)
		return;
	population->sharing->closed = true;
	if (!shared_pages_made(population->sharing))
		return;
	form_enlarge(population);
	large_share(population->large);
}

/* The same where the customer is to come as events. */
static void
share_word_as_events(void *argument, const KeyedWord *word)
{
	const ShareVisit *visit = argument;
	Event events[64];
	int count = 0;

	for (uint64 bits = word->bits; bits != 0; bits &= bits - 1)
		events[count++] = (Event){
			.value = word->first + pg_rightmost_one_pos64(bits), .count = 1, .flags = EVENT_PLAIN};
	visit->visitor(visit->argument, events, count);
}

/* Customers of shared pages; false: they are in the population, and maybe others. */
static bool
visit_shared(Population *population, ShareVisit *visit)
{
	if (population->sharing == NULL || !shared_pages_made(population->sharing))
		return false;
	form_enlarge(population);
	large_flush(population->large);
	if (!sharing_is_open(population->large->self.sharing))
		(void) sharing_open(population->sharing);
	large_unshare(population->large, visit->share);
	if (population->large->self.sharing == NULL)
	{
		population->sharing = NULL;
		return false;
	}
	sharing_each_word(population->sharing, visit->share,
					  visit->words != NULL ? share_word : share_word_as_events, visit);
	return true;
}

static void
visit_partitions(LargePopulation *large, ShareVisit *visit)
{
	CustomerTable *scratch = large_begin_partitions(large);

	large->member.pins++;
	for (int i = 0; i < KEY_PARTITIONS; i++)
		if (visit->share.count <= 1 ||
			i * visit->share.count / KEY_PARTITIONS == visit->share.number)
		{
			large_partition(large, i, scratch);
			table_each_word(scratch, (Share){0, 1}, visit->words != NULL ? share_word : NULL,
							share_entry, visit);
		}
	large->member.pins--;
	large_end_partitions(scratch);
}

void
population_visit_share(Population *population, Share share, WordVisitor words,
					   PopulationVisitor visitor, void *argument)
{
	ShareVisit visit = {share, population->identity.key, words, visitor, argument};

	if (visit_shared(population, &visit))
		;
	else if (population->large != NULL && large_is_partitioned(population->large))
		visit_partitions(population->large, &visit);
	else if (all_in_table(population))
	{
		LargePopulation *large = population->large;

		large->member.pins++;
		table_each_word(&large->table, share, words != NULL ? share_word : NULL, share_entry,
						&visit);
		large->member.pins--;
	}
	else
		form_each(population, share_entry, &visit);
}

typedef struct KeyVisit
{
	Share share;
	PopulationKeyVisitor visitor;
	void *argument;
} KeyVisit;

static void
share_key(void *argument, const CustomerKey *key, Event *events, int count)
{
	KeyVisit *visit = argument;

	if (count > 0 && in_share(KEY_TEXT, key, visit->share))
		visit->visitor(visit->argument, key->bytes, (Size) key->b, events, count);
}

void
population_visit_keys(Population *population, Share share, PopulationKeyVisitor visitor,
					  void *argument)
{
	KeyVisit visit = {share, visitor, argument};

	if (population->identity.key != KEY_TEXT)
		elog(ERROR, "keys of a population are not bytes");
	form_each(population, share_key, &visit);
}

/* What waits for one receiver; NULL: nothing was sent to it so far. */
typedef struct Outbox
{
	StringInfo entries;
	Packet *words; /* with space for WORDS_OF_PACKET */
} Outbox;

typedef struct Sender
{
	Share own;
	KeyKind kind;
	const EventShape *shape;
	PacketSink sink;
	void *argument;
	Outbox *boxes; /* by share */
} Sender;

static void
send_words(Sender *sender, int share)
{
	Packet *words = sender->boxes[share].words;

	if (words == NULL || words->count == 0)
		return;
	sender->sink(sender->argument, share, (const char *) words,
				 offsetof(Packet, bytes) + words->count * sizeof(KeyedWord));
	words->count = 0;
}

static void
send_entries(Sender *sender, int share)
{
	StringInfo entries = sender->boxes[share].entries;
	Packet *packet;

	if (entries == NULL || entries->len == offsetof(Packet, bytes))
		return;
	packet = (Packet *) entries->data;
	packet->kind = PACKET_ENTRIES;
	packet->count = (uint32) (entries->len - offsetof(Packet, bytes));
	sender->sink(sender->argument, share, entries->data, entries->len);
	entries->len = offsetof(Packet, bytes);
}

static void
sender_word(void *argument, const KeyedWord *word)
{
	Sender *sender = argument;
	CustomerKey key = {.a = word->key};
	int share = key_share(KEY_INT64, &key, sender->own.count);
	Packet *words = sender->boxes[share].words;

	if (share == sender->own.number)
		return;
	if (unlikely(words == NULL))
	{
		words = palloc(offsetof(Packet, bytes) + WORDS_OF_PACKET * sizeof(KeyedWord));
		*words = (Packet){PACKET_WORDS, 0};
		sender->boxes[share].words = words;
	}
	((KeyedWord *) words->bytes)[words->count] = *word;
	if (++words->count == WORDS_OF_PACKET)
		send_words(sender, share);
}

static void
sender_entry(void *argument, const CustomerKey *key, Event *events, int count)
{
	Sender *sender = argument;
	int share = key_share(sender->kind, key, sender->own.count);
	StringInfo entries = sender->boxes[share].entries;

	if (share == sender->own.number)
		return;
	if (unlikely(entries == NULL))
	{
		sender->boxes[share].entries = entries = makeStringInfo();
		entries->len = offsetof(Packet, bytes);
	}
	entry_write(entries, sender->kind, sender->shape, key, events, count);
	if (entries->len >= PACKET_BYTES)
		send_entries(sender, share);
}

/* Partitions of rows as they are. */
static void
send_partitions(Sender *sender, RowStore *rows)
{
	Size size = offsetof(Packet, bytes) + offsetof(RowsPacket, chunk) + rows->chunk_size;
	Packet *packet = palloc(size);
	RowsPacket *of_rows = (RowsPacket *) packet->bytes;

	*packet = (Packet){PACKET_ROWS, 1};
	of_rows->origin = rows->origin;
	for (int i = 0; i < KEY_PARTITIONS; i++)
	{
		int share = i * sender->own.count / KEY_PARTITIONS;

		if (share == sender->own.number)
			continue;
		for (const RowChunk *chunk = rows->chunks[i]; chunk != NULL; chunk = chunk->next)
		{
			CHECK_FOR_INTERRUPTS();
			memcpy(&of_rows->chunk, chunk, rows->chunk_size);
			sender->sink(sender->argument, share, (const char *) packet, size);
		}
		rows_free_partition(rows, i);
	}
	pfree(packet);
}

void
population_send(Population *population, Share own, PacketSink sink, void *argument)
{
	Sender sender = {.own = own,
					 .kind = population->identity.key,
					 .shape = &population->identity.shape,
					 .sink = sink,
					 .argument = argument,
					 .boxes = palloc0(own.count * sizeof(Outbox))};

	share_pages(population);
	if (population->large != NULL && large_is_partitioned(population->large))
		send_partitions(&sender, population->large->rows);
	else if (all_in_table(population))
	{
		LargePopulation *large = population->large;

		large->member.pins++;
		table_each_word(&large->table, (Share){0, 1}, sender.kind == KEY_INT64 ? sender_word : NULL,
						sender_entry, &sender);
		large->member.pins--;
	}
	else
		form_each(population, sender_entry, &sender);
	for (int share = 0; share < own.count; share++)
	{
		Outbox *box = &sender.boxes[share];

		send_words(&sender, share);
		send_entries(&sender, share);
		if (box->words != NULL)
			pfree(box->words);
		if (box->entries != NULL)
		{
			pfree(box->entries->data);
			pfree(box->entries);
		}
	}
	pfree(sender.boxes);
}

void
population_receive(Population *population, const char *bytes, Size size)
{
	const Packet *packet = (const Packet *) bytes;

	if (packet->kind != PACKET_ENTRIES)
		form_enlarge(population);
	switch ((PacketKind) packet->kind)
	{
		case PACKET_ROWS:
		{
			const RowsPacket *rows = (const RowsPacket *) packet->bytes;

			large_load_rows(population->large, &rows->chunk, rows->origin);
			break;
		}
		case PACKET_WORDS:
			large_load_words(population->large, (const KeyedWord *) packet->bytes,
							 (int) packet->count);
			break;
		case PACKET_ENTRIES:
			form_load(population, (WireReader){.type_name = POPULATION_NAME,
											   .at = packet->bytes,
											   .end = packet->bytes + packet->count});
			break;
	}
}
