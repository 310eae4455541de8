/*
 * facts_note.c
 *		Notes what statements change in the relation of a materialised source.
 *
 * A row of the table of changes has a mark and the columns that facts depend on. The mark is false for a row that was
 * inserted; true for a customer whose rows are to be looked up, with only the columns that make up the customer; NULL
 * where everything has to be read again. The row is written with the rights of the owner of that table, who may read
 * the relation anyway: writers need no privilege on it.
 */
#include "retention.h"

#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "source/facts.h"
#include "utils/acl.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/tuplestore.h"

/* How many customers a statement remembers, so as not to note one again. */
#define NOTED_LATELY 1024

typedef enum Mark
{
	MARK_INSERTED,
	MARK_LOOK_UP,
	MARK_EVERYTHING
} Mark;

typedef struct NotedColumn
{
	int from; /* its place in a row of the relation, and in one of the table of changes */
	int to;
	int16 length;
	bool by_value;
} NotedColumn;

typedef struct Notes
{
	Relation changes;
	EState *estate;
	ResultRelInfo *result;
	TupleTableSlot *row;
	bool reads_all; /* rows can be noted; else only that something changed */
	int columns;
	int customers; /* how many of them, the first, make up the customer */
	NotedColumn *column;
	Datum
		*lately; /* customers noted before, by hash; only where one column makes up the customer */
	bool *is_lately;
	bool null_lately;
} Notes;

/* The first column is the mark; columns of the relation follow, those of the customer before the others. */
static bool
map_notes(Notes *notes, TupleDesc relation, int customers)
{
	TupleDesc changes = RelationGetDescr(notes->changes);

	if (changes->natts < 2 || TupleDescAttr(changes, 0)->atttypid != BOOLOID ||
		TupleDescAttr(changes, 0)->attisdropped)
		return false;
	notes->column = palloc0(sizeof(NotedColumn) * changes->natts);
	notes->customers = customers;
	notes->reads_all = true;
	for (int i = 1; i < changes->natts; i++)
	{
		Form_pg_attribute to = TupleDescAttr(changes, i);
		int from = 0;

		if (to->attisdropped)
			continue;
		while (from < relation->natts)
		{
			Form_pg_attribute column = TupleDescAttr(relation, from);

			if (!column->attisdropped && column->atttypid == to->atttypid &&
				column->atttypmod == to->atttypmod &&
				strcmp(NameStr(column->attname), NameStr(to->attname)) == 0)
				break;
			from++;
		}
		if (from == relation->natts)
			notes->reads_all = false;
		notes->column[notes->columns++] = (NotedColumn){from, i, to->attlen, to->attbyval};
	}
	if (notes->columns < customers)
		notes->reads_all = false;
	return true;
}

/* Whether an insertion runs nothing of the owner, such as triggers and index expressions; else search_path is set. */
static bool
is_plain(Relation relation)
{
	return relation->trigdesc == NULL && !relation->rd_rel->relhasindex &&
		   !relation->rd_rel->relispartition && RelationGetDescr(relation)->constr == NULL;
}

static void
write_row(Notes *notes)
{
	CHECK_FOR_INTERRUPTS();
	ExecStoreVirtualTuple(notes->row);
	ExecSimpleRelationInsert(notes->result, notes->estate, notes->row);
	ExecClearTuple(notes->row);
	ResetPerTupleExprContext(notes->estate);
}

/* Starts the row to write: all columns are NULL except for the mark. */
static void
begin_row(Notes *notes, Mark mark)
{
	memset(notes->row->tts_isnull, true, sizeof(bool) * RelationGetDescr(notes->changes)->natts);
	if (mark == MARK_EVERYTHING)
		return;
	notes->row->tts_values[0] = BoolGetDatum(mark == MARK_LOOK_UP);
	notes->row->tts_isnull[0] = false;
}

static void
fill_row(Notes *notes, TupleTableSlot *from, int columns)
{
	slot_getallattrs(from);
	for (int i = 0; i < columns; i++)
	{
		const NotedColumn *column = &notes->column[i];

		notes->row->tts_values[column->to] = from->tts_values[column->from];
		notes->row->tts_isnull[column->to] = from->tts_isnull[column->from];
	}
}

static void
note_everything(Notes *notes)
{
	begin_row(notes, MARK_EVERYTHING);
	write_row(notes);
}

static void
note_inserted(Notes *notes, TupleTableSlot *from)
{
	begin_row(notes, MARK_INSERTED);
	fill_row(notes, from, notes->columns);
	write_row(notes);
}

/* Whether the customer was noted before by this statement; false where that is not remembered. */
static bool
noted_lately(Notes *notes, TupleTableSlot *from)
{
	const NotedColumn *column = &notes->column[0];
	Datum value;
	int place;

	if (notes->customers != 1)
		return false;
	value = slot_getattr(from, column->from + 1, &notes->row->tts_isnull[column->to]);
	if (notes->row->tts_isnull[column->to])
	{
		bool before = notes->null_lately;

		notes->null_lately = true;
		return before;
	}
	if (notes->lately == NULL)
	{
		notes->lately = palloc(sizeof(Datum) * NOTED_LATELY);
		notes->is_lately = palloc0(sizeof(bool) * NOTED_LATELY);
	}
	place = datum_image_hash(value, column->by_value, column->length) % NOTED_LATELY;
	if (notes->is_lately[place])
	{
		if (datum_image_eq(value, notes->lately[place], column->by_value, column->length))
			return true;
		if (!column->by_value)
			pfree(DatumGetPointer(notes->lately[place]));
	}
	notes->lately[place] = datumCopy(value, column->by_value, column->length);
	notes->is_lately[place] = true;
	return false;
}

static void
note_customer(Notes *notes, TupleTableSlot *from)
{
	if (noted_lately(notes, from))
		return;
	begin_row(notes, MARK_LOOK_UP);
	fill_row(notes, from, notes->customers);
	write_row(notes);
}

/* Whether two rows of the relation are the same in all columns that count. */
static bool
is_same(const Notes *notes, TupleTableSlot *one, TupleTableSlot *other)
{
	slot_getallattrs(one);
	slot_getallattrs(other);
	for (int i = 0; i < notes->columns; i++)
	{
		const NotedColumn *column = &notes->column[i];

		if (one->tts_isnull[column->from] != other->tts_isnull[column->from])
			return false;
		if (!one->tts_isnull[column->from] &&
			!datum_image_eq(one->tts_values[column->from], other->tts_values[column->from],
							column->by_value, column->length))
			return false;
	}
	return true;
}

/*
 * One row before and one after an update. They need not be versions of the same row: if no pair with a row of a
 * customer differs, the customer has the same rows as before.
 */
static void
note_pair(Notes *notes, TupleTableSlot *before, TupleTableSlot *after)
{
	if (before != NULL && after != NULL && is_same(notes, before, after))
		return;
	if (before != NULL)
		note_customer(notes, before);
	if (after != NULL)
		note_customer(notes, after);
}

/* Reads a transition table from its beginning. Other triggers read it, too, so it has a read pointer of its own. */
typedef struct RowReader
{
	Tuplestorestate *rows; /* NULL: no rows */
	int pointer;
	TupleTableSlot *slot;
} RowReader;

static RowReader
reader_begin(Tuplestorestate *rows, TupleDesc columns)
{
	RowReader reader = {rows, 0, NULL};

	if (rows == NULL)
		return reader;
	reader.pointer = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);
	reader.slot = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple);
	tuplestore_select_read_pointer(rows, reader.pointer);
	tuplestore_rescan(rows);
	return reader;
}

/* The next row, or NULL. */
static TupleTableSlot *
reader_next(RowReader *reader)
{
	CHECK_FOR_INTERRUPTS();
	if (reader->rows == NULL)
		return NULL;
	tuplestore_select_read_pointer(reader->rows, reader->pointer);
	return tuplestore_gettupleslot(reader->rows, true, false, reader->slot) ? reader->slot : NULL;
}

static void
reader_end(RowReader *reader)
{
	if (reader->slot != NULL)
		ExecDropSingleTupleTableSlot(reader->slot);
}

static void
note_statement(Notes *notes, const TriggerData *data)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	RowReader before = reader_begin(data->tg_oldtable, columns);
	RowReader after = reader_begin(data->tg_newtable, columns);

	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		for (TupleTableSlot *row; (row = reader_next(&after)) != NULL;)
			note_inserted(notes, row);
	else
		for (;;)
		{
			TupleTableSlot *old = reader_next(&before);
			TupleTableSlot *new = reader_next(&after);

			if (old == NULL && new == NULL)
				break;
			note_pair(notes, old, new);
		}
	reader_end(&before);
	reader_end(&after);
}

/* A row that a subscription brings. A statement may have noted it, too, so its customer is looked up. */
static void
note_row(Notes *notes, const TriggerData *data)
{
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		note_pair(notes, NULL, data->tg_trigslot);
	else if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
		note_pair(notes, data->tg_trigslot, NULL);
	else
		note_pair(notes, data->tg_trigslot, data->tg_newslot);
}

/* Whether the owner of the changes may still read all rows of the relation; else none is written there. */
static bool
may_read(const TriggerData *data, Oid owner)
{
	Oid relation = RelationGetRelid(data->tg_relation);

	return pg_class_aclcheck(relation, owner, ACL_SELECT) == ACLCHECK_OK &&
		   check_enable_rls(relation, owner, true) != RLS_ENABLED;
}

static void
notes_write(Notes *notes, const TriggerData *data)
{
	notes->estate = CreateExecutorState();
	notes->result = makeNode(ResultRelInfo);
	InitResultRelInfo(notes->result, notes->changes, 0, NULL, 0);
	ExecOpenIndices(notes->result, false);
	notes->row = table_slot_create(notes->changes, NULL);
	if (notes->changes->trigdesc != NULL)
		AfterTriggerBeginQuery();

	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) || !notes->reads_all)
		note_everything(notes);
	else if (TRIGGER_FIRED_FOR_STATEMENT(data->tg_event))
		note_statement(notes, data);
	else
		note_row(notes, data);

	if (notes->changes->trigdesc != NULL)
	{
		AfterTriggerEndQuery(notes->estate);
		ExecCloseResultRelations(notes->estate);
	}
	ExecResetTupleTable(notes->estate->es_tupleTable, false);
	ExecDropSingleTupleTableSlot(notes->row);
	ExecCloseIndices(notes->result);
	FreeExecutorState(notes->estate);
}

void
note_changes(TriggerData *data, Oid changes)
{
	Notes notes = {0};
	int customers = data->tg_trigger->tgnargs == 1 ? atoi(data->tg_trigger->tgargs[0]) : 0;
	Oid writer;
	int security;
	int settings;

	notes.changes = try_relation_open(changes, RowExclusiveLock);
	if (notes.changes == NULL)
		return;
	if (notes.changes->rd_rel->relkind == RELKIND_RELATION &&
		map_notes(&notes, RelationGetDescr(data->tg_relation), customers))
	{
		Oid owner = notes.changes->rd_rel->relowner;

		if (customers < 1 || !may_read(data, owner))
			notes.reads_all = false;
		GetUserIdAndSecContext(&writer, &security);
		SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE |
										  SECURITY_RESTRICTED_OPERATION);
		settings = NewGUCNestLevel();
		if (!is_plain(notes.changes))
			(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
									 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
		notes_write(&notes, data);
		AtEOXact_GUC(false, settings);
		SetUserIdAndSecContext(writer, security);
	}
	relation_close(notes.changes, NoLock);
}
