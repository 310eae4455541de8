/*
 * population_ledger.c
 *		The ledger: what all large populations of one aggregate's context share, a limit of memory and a temporary file.
 */
#include "retention.h"

#include "access/xact.h"
#include "population/population_ledger.h"
#include "storage/buffile.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

struct Ledger
{
	MemoryContext context; /* the aggregate's context; the ledger lives in it */
	dlist_node link;	   /* in ledgers */
	dlist_head members;
	Size limit;
	Size total;		   /* bytes of all members */
	Size search_above; /* up to this total other members are too small to be written out */
	BufFile *file;
	ResourceOwner owner; /* closes the file if the query fails */
	int64 end;
	MemoryContextCallback gone;
};

/* Of this process: one for each aggregate node that runs, so few that they are searched one by one. */
static dlist_head ledgers = DLIST_STATIC_INIT(ledgers);

/*
 * The file of a failed query is closed by its resource owner, maybe long before the ledger's memory is freed: the
 * ledger then forgets it.
 */
static void
owner_releases(ResourceReleasePhase phase, bool commit, bool top, void *argument)
{
	dlist_iter i;

	dlist_foreach(i, &ledgers)
	{
		Ledger *ledger = dlist_container(Ledger, link, i.cur);

		if (ledger->owner == CurrentResourceOwner)
		{
			ledger->owner = NULL;
			ledger->file = NULL;
		}
	}
}

static void
ledger_gone(void *argument)
{
	Ledger *ledger = argument;
	dlist_mutable_iter i;

	dlist_foreach_modify(i, &ledger->members)
	{
		LedgerMember *member = dlist_container(LedgerMember, link, i.cur);

		dlist_delete(i.cur);
		member->ledger = NULL;
	}
	dlist_delete(&ledger->link);
	/* While a transaction is being aborted its resource owner closes the file: closing may write, and fail. */
	if (ledger->file != NULL && IsTransactionState())
		BufFileClose(ledger->file);
	ledger->file = NULL;
}

static Ledger *
ledger_of(MemoryContext context)
{
	dlist_iter i;
	Ledger *ledger;
	double limit = (double) work_mem * 1024 * hash_mem_multiplier;

	dlist_foreach(i, &ledgers)
	{
		ledger = dlist_container(Ledger, link, i.cur);
		if (ledger->context == context)
			return ledger;
	}

	ledger = MemoryContextAllocZero(context, sizeof(Ledger));
	ledger->context = context;
	ledger->limit = (Size) Min(limit, (double) (SIZE_MAX / 2));
	dlist_init(&ledger->members);
	dlist_push_head(&ledgers, &ledger->link);
	ledger->gone.func = ledger_gone;
	ledger->gone.arg = ledger;
	MemoryContextRegisterResetCallback(context, &ledger->gone);
	return ledger;
}

static void
member_gone(void *argument)
{
	LedgerMember *member = argument;

	if (member->ledger == NULL)
		return;
	dlist_delete(&member->link);
	member->ledger->total -= member->counted;
}

void
ledger_join(LedgerMember *member, MemoryContext aggregate)
{
	Ledger *ledger = ledger_of(aggregate);

	member->ledger = ledger;
	dlist_push_head(&ledger->members, &member->link);
	member->gone.func = member_gone;
	member->gone.arg = member;
	MemoryContextRegisterResetCallback(member->context, &member->gone);
}

void
ledger_count(LedgerMember *member)
{
	Size bytes = MemoryContextMemAllocated(member->context, true);

	member->since = 0;
	if (member->ledger == NULL)
		return;
	member->ledger->total += bytes - member->counted;
	member->counted = bytes;
}

void
ledger_reserve(LedgerMember *member, Size more)
{
	Ledger *ledger = member->ledger;

	ledger_count(member);
	while (ledger != NULL && ledger->total + more > ledger->limit)
	{
		LedgerMember *victim = member;
		bool searched = ledger->total > ledger->search_above;

		if (searched)
		{
			dlist_iter i;

			dlist_foreach(i, &ledger->members)
			{
				LedgerMember *other = dlist_container(LedgerMember, link, i.cur);

				if (other->pins == 0 && (victim->pins > 0 || other->counted > victim->counted))
					victim = other;
			}
		}
		if (victim->pins > 0 || !victim->write_out(victim))
		{
			/* Many small ones: do not look through all of them again at once. */
			if (searched)
				ledger->search_above = ledger->total + ledger->limit / 8;
			return;
		}
		ledger_count(victim);
		if (victim == member)
			more = 0; /* it was for the table that is empty now */
		if (ledger->total < ledger->limit)
			ledger->search_above = 0;
	}
}

void
ledger_write(Ledger *ledger, char *bytes, Size size)
{
	static bool registered = false;

	if (size == 0)
		return;
	if (!registered)
	{
		RegisterResourceReleaseCallback(owner_releases, NULL);
		registered = true;
	}
	if (ledger->file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(ledger->context);

		if (ledger->end > 0)
			elog(ERROR, "temporary file of a population is gone");
		ledger->owner = CurrentResourceOwner;
		ledger->file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	if (BufFileSeek(ledger->file, 0, ledger->end, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not seek in a temporary file: %m")));
	BufFileWrite(ledger->file, bytes, size);
	ledger->end += size;
}

void
ledger_read(Ledger *ledger, int64 start, char *bytes, Size size)
{
	if (ledger == NULL || ledger->file == NULL)
		elog(ERROR, "temporary file of a population is gone");
	if (BufFileSeek(ledger->file, 0, start, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not seek in a temporary file: %m")));
	if (BufFileRead(ledger->file, bytes, size) != size)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read a temporary file")));
}

void
ledger_forget(Ledger *ledger, int64 end)
{
	ledger->end = end;
}

Size
ledger_limit(const Ledger *ledger)
{
	return ledger->limit;
}

Size
ledger_room(const LedgerMember *member)
{
	const Ledger *ledger = member->ledger;

	return ledger == NULL || ledger->total >= ledger->limit ? 0 : ledger->limit - ledger->total;
}

int64
ledger_file_end(const Ledger *ledger)
{
	return ledger->end;
}
