/*
 * population_share.c
 *		The customers of several processes, divided among them by their keys.
 *
 * A packet is a header and, aligned, either words of integer customers or entries of a log. Packets stay within one
 * query on one machine: they are trusted.
 */
#include "retention.h"

#include "population/population_form.h"

#define PACKET_WORDS 2048
#define PACKET_BYTES (48 * 1024)

typedef struct Packet
{
	uint32 nwords; /* 0: entries */
	uint32 size;   /* bytes of entries */
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} Packet;

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
	return population->large->runs.count == 0;
}

void
population_visit_share(Population *population, Share share, WordVisitor words,
					   PopulationVisitor visitor, void *argument)
{
	ShareVisit visit = {share, population->identity.key, words, visitor, argument};

	if (all_in_table(population))
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

typedef struct Sender
{
	Share share;
	KeyKind kind;
	const EventShape *shape;
	PacketSink sink;
	void *argument;
	StringInfoData entries;
	Packet *words; /* with space for PACKET_WORDS */
} Sender;

static void
send_words(Sender *sender)
{
	if (sender->words->nwords > 0)
		sender->sink(sender->argument, (const char *) sender->words,
					 offsetof(Packet, bytes) + sender->words->nwords * sizeof(KeyedWord));
	sender->words->nwords = 0;
}

static void
send_entries(Sender *sender)
{
	Packet *packet = (Packet *) sender->entries.data;

	packet->nwords = 0;
	packet->size = (uint32) (sender->entries.len - offsetof(Packet, bytes));
	if (packet->size > 0)
		sender->sink(sender->argument, sender->entries.data, sender->entries.len);
	sender->entries.len = offsetof(Packet, bytes);
}

static void
sender_word(void *argument, const KeyedWord *word)
{
	Sender *sender = argument;

	((KeyedWord *) sender->words->bytes)[sender->words->nwords] = *word;
	if (++sender->words->nwords == PACKET_WORDS)
		send_words(sender);
}

static void
sender_entry(void *argument, const CustomerKey *key, Event *events, int count)
{
	Sender *sender = argument;

	if (!in_share(sender->kind, key, sender->share))
		return;
	entry_write(&sender->entries, sender->kind, sender->shape, key, events, count);
	if (sender->entries.len >= PACKET_BYTES)
		send_entries(sender);
}

void
population_send(Population *population, Share share, PacketSink sink, void *argument)
{
	Sender sender = {.share = share,
					 .kind = population->identity.key,
					 .shape = &population->identity.shape,
					 .sink = sink,
					 .argument = argument};

	initStringInfo(&sender.entries);
	enlargeStringInfo(&sender.entries, PACKET_BYTES);
	sender.entries.len = offsetof(Packet, bytes);
	sender.words = palloc(offsetof(Packet, bytes) + PACKET_WORDS * sizeof(KeyedWord));
	sender.words->nwords = 0;
	sender.words->size = 0;
	if (all_in_table(population))
	{
		LargePopulation *large = population->large;

		large->member.pins++;
		table_each_word(&large->table, share, sender_word, sender_entry, &sender);
		large->member.pins--;
	}
	else
		form_each(population, sender_entry, &sender);
	send_words(&sender);
	send_entries(&sender);
	pfree(sender.words);
	pfree(sender.entries.data);
}

void
population_receive(Population *population, const char *bytes, Size size)
{
	const Packet *packet = (const Packet *) bytes;

	form_enlarge(population);
	if (packet->nwords > 0)
		large_load_words(population->large, (const KeyedWord *) packet->bytes,
						 (int) packet->nwords);
	else
		large_load(population->large, (WireReader){.type_name = POPULATION_NAME,
												   .at = packet->bytes,
												   .end = packet->bytes + packet->size});
}
