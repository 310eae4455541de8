/*
 * scan_send.c
 *		Groups as records: a key, then for each aggregate its population or the state of an aggregate of the server.
 *
 * They go to another process, or to a partition of groups. What is received is trusted: it never leaves the query.
 */
#include "retention.h"

#include "access/htup_details.h"
#include "scan/scan_state.h"

typedef struct IdentityRecord
{
	PopulationIdentity identity; /* its tag follows; the pointer is not valid */
	PopulationTotals totals;
	char tag[FLEXIBLE_ARRAY_MEMBER];
} IdentityRecord;

/* The streams to the owners of shares, by number. */
typedef struct Sending
{
	StreamWriter *writers;
	Share own;
	int aggregate;
} Sending;

static void
write_to_all(const Sending *sending, RecordKind kind, const void *bytes, Size size)
{
	for (int to = 0; to < sending->own.count; to++)
		if (to != sending->own.number)
			stream_write(&sending->writers[to], kind, sending->aggregate, bytes, size);
}

static void
write_packet(void *argument, int share, const char *bytes, Size size)
{
	Sending *sending = argument;

	stream_write(&sending->writers[share], RECORD_PACKET, sending->aggregate, bytes, size);
}

static void
write_identity(const Sending *sending, Population *population)
{
	const PopulationIdentity *identity = population_identity(population);
	Size size = offsetof(IdentityRecord, tag) + identity->tag_length;
	IdentityRecord *record = palloc0(size);

	/* Field by field: neither the pointer nor the padding is sent. */
	record->identity.aggregate = identity->aggregate;
	record->identity.key = identity->key;
	record->identity.kind = identity->kind;
	record->identity.shape.cap = identity->shape.cap;
	record->identity.shape.more_flags = identity->shape.more_flags;
	record->identity.shape.has_amount = identity->shape.has_amount;
	record->identity.tag_length = identity->tag_length;
	record->totals = *population_totals(population);
	memcpy(record->tag, identity->tag, identity->tag_length);
	write_to_all(sending, RECORD_IDENTITY, record, size);
	pfree(record);
}

void
scan_send_group(BatchScan *scan, ScanGroup *group, Share own, StreamWriter *writers)
{
	Sending sending = {.writers = writers, .own = own};

	write_to_all(&sending, RECORD_GROUP, group->key, group->key == NULL ? 0 : group->key->t_len);
	for (int i = 0; i < scan->naggregates; i++)
	{
		sending.aggregate = i;
		if (group->populations[i] != NULL)
		{
			write_identity(&sending, group->populations[i]);
			population_send(group->populations[i], own, write_packet, &sending);
		}
		/* Nobody has a share of the server's states: they are added up with the summaries, or go with the group. */
		else if (scan->aggregates[i].server != NULL && own.number < 0)
		{
			struct varlena *state = scan_summary(scan, group, i, (Share){0, 1});

			if (state == NULL)
				continue;
			write_to_all(&sending, RECORD_SUMMARY, state, VARSIZE(state));
			pfree(state);
		}
	}
}

void
scan_receive(BatchScan *scan, ScanGroup **group, const StreamRecord *record)
{
	MemoryContext old = MemoryContextSwitchTo(scan->population_context);

	switch ((RecordKind) record->kind)
	{
		case RECORD_GROUP:
			*group =
				scan_group_of_key(scan, record->size == 0 ? NULL : (MinimalTuple) record->bytes);
			scan_list_group(scan, *group);
			break;
		case RECORD_IDENTITY:
		{
			const IdentityRecord *sent = (const IdentityRecord *) record->bytes;
			Population **population = &(*group)->populations[record->aggregate];

			if (*population == NULL)
			{
				PopulationIdentity identity = sent->identity;

				identity.tag = sent->tag;
				*population = population_create(&identity, scan->population_context);
			}
			population_totals_add(population_totals(*population), &sent->totals);
			break;
		}
		case RECORD_PACKET:
			population_receive((*group)->populations[record->aggregate], record->bytes,
							   record->size);
			break;
		case RECORD_SUMMARY:
			scan_server_receive(scan, &scan->aggregates[record->aggregate],
								&(*group)->states[record->aggregate],
								(const struct varlena *) record->bytes);
			break;
		default:
			elog(ERROR, "unexpected record %u of a batch scan", record->kind);
	}
	MemoryContextSwitchTo(old);
}
