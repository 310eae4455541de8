/*
 * source_sql.c
 *		What sources need of the server and SQL cannot do: check who owns a relation, write settings for its owner alone,
 *		take a lock that nobody else can take, tell whether a text is one expression, hide counts of a table so that none
 *		follows from a total, raise an error without a CONTEXT.
 */
#include "retention.h"

#include "access/htup_details.h"
#include "base/check.h"
#include "base/choice.h"
#include "base/emit.h"
#include "base/suppress.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define SETTINGS "retention_internal.source_setting"

RETENTION_FUNCTION(source_check_owner);
RETENTION_FUNCTION(source_write);
RETENTION_FUNCTION(source_forget);
RETENTION_FUNCTION(source_lock);
RETENTION_FUNCTION(source_unlock);
RETENTION_FUNCTION(source_is_expression);
RETENTION_FUNCTION(source_near);
RETENTION_FUNCTION(source_hidden);
RETENTION_FUNCTION(source_query_columns);
RETENTION_FUNCTION(source_refuse);

/* 42501 unless the current role itself owns the relation; a superuser or a member of the owning role does not. */
static void
check_owner(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Form_pg_class form;
	char *owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relation)));
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->relowner != GetUserId())
	{
		owner = GetUserNameFromId(form->relowner, true);
		error_context_stack = NULL; /* see source_refuse() */
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("%s belongs to another role",
							   quote_qualified_identifier(get_namespace_name(form->relnamespace),
														  NameStr(form->relname))),
						owner == NULL ? 0
									  : errhint("Its owner can do this: SET ROLE %s.",
												quote_identifier(owner))));
	}
	ReleaseSysCache(tuple);
}

static Oid
settings_table(void)
{
	return get_relname_relid("source_setting", get_namespace_oid("retention_internal", false));
}

/* Runs a statement with the rights of the owner of the settings. All its names are qualified. */
static void
write_settings(const char *statement, int count, Oid *types, Datum *values, const char *nulls)
{
	Oid table = settings_table();
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid owner;
	Oid user;
	int context;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);

	/* After an error the server restores the role itself. */
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(owner,
						   context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(statement, count, types, values, nulls, false, 0) < 0)
		elog(ERROR, "could not write " SETTINGS);
	SPI_finish();
	SetUserIdAndSecContext(user, context);
}

static Oid
checked_relation(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the relation must not be null")));
	check_owner(PG_GETARG_OID(0));
	return PG_GETARG_OID(0);
}

Datum
source_check_owner(PG_FUNCTION_ARGS)
{
	(void) checked_relation(fcinfo);
	PG_RETURN_VOID();
}

/* source_write(source, setting): setting is a row of the table of settings, of this source. */
Datum
source_write(PG_FUNCTION_ARGS)
{
	Oid types[] = {REGCLASSOID, get_rel_type_id(settings_table())};
	Datum values[] = {ObjectIdGetDatum(checked_relation(fcinfo)), PG_GETARG_DATUM(1)};

	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the settings of a source must not be null")));
	/* Deletes settings of views that were dropped. */
	write_settings("DELETE FROM " SETTINGS
				   " AS s WHERE NOT (EXISTS (SELECT FROM pg_catalog.pg_class "
				   "AS c WHERE c.oid OPERATOR(pg_catalog.=) s.source))",
				   0, NULL, NULL, NULL);
	write_settings("INSERT INTO " SETTINGS
				   " SELECT ($2).* WHERE ($2).source OPERATOR(pg_catalog.=) $1 "
				   "ON CONFLICT (source) DO UPDATE SET grid = excluded.grid, "
				   "gone_after = excluded.gone_after, keep_runs = excluded.keep_runs, "
				   "presence = excluded.presence, segments_at = excluded.segments_at, "
				   "top = excluded.top, list_customers = excluded.list_customers, "
				   "suppress_below = excluded.suppress_below, "
				   "purchase_model = excluded.purchase_model",
				   2, types, values, NULL);
	PG_RETURN_VOID();
}

Datum
source_forget(PG_FUNCTION_ARGS)
{
	Oid types[] = {REGCLASSOID};
	Datum values[] = {ObjectIdGetDatum(checked_relation(fcinfo))};

	write_settings("DELETE FROM " SETTINGS " AS s WHERE s.source OPERATOR(pg_catalog.=) $1", 1,
				   types, values, NULL);
	PG_RETURN_VOID();
}

/* The lock tag of a part of a relation of the current role. */
static LOCKTAG
checked_part(FunctionCallInfo fcinfo)
{
	Oid relation = checked_relation(fcinfo);
	LOCKTAG tag;
	int32 part;

	part = PG_GETARG_INT32(1);
	if (part < 1 || part > PG_UINT16_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a part to lock is 1 to %d, not %d", PG_UINT16_MAX, part)));
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationRelationId, relation, part);
	return tag;
}

/*
 * source_lock(relation, part, wait, over_commit): neither the server nor any SQL command takes such a lock on a part of
 * a relation. A lock over a COMMIT is a lock of the session; like those of VACUUM it is released by any error.
 */
Datum
source_lock(PG_FUNCTION_ARGS)
{
	LOCKTAG tag;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	tag = checked_part(fcinfo);
	PG_RETURN_BOOL(LockAcquire(&tag, ExclusiveLock, PG_GETARG_BOOL(3), !PG_GETARG_BOOL(2)) !=
				   LOCKACQUIRE_NOT_AVAIL);
}

Datum
source_unlock(PG_FUNCTION_ARGS)
{
	LOCKTAG tag;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	tag = checked_part(fcinfo);
	PG_RETURN_BOOL(LockRelease(&tag, ExclusiveLock, true));
}

/*
 * Whether a text is one SQL expression and nothing else, so that in parentheses it cannot end the statement around it.
 * 42601 where it is not SQL at all. Nothing is looked up and nothing runs.
 */
Datum
source_is_expression(PG_FUNCTION_ARGS)
{
	List *parsed = raw_parser(text_to_cstring(PG_GETARG_TEXT_PP(0)), RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *query = (SelectStmt *) linitial_node(RawStmt, parsed)->stmt;
	SelectStmt plain = {.type = T_SelectStmt};

	if (list_length(parsed) != 1 || !IsA(query, SelectStmt) ||
		list_length(query->targetList) != 1 ||
		linitial_node(ResTarget, query->targetList)->name != NULL)
		PG_RETURN_BOOL(false);
	/* Apart from its one column it has to be an empty SELECT. */
	plain.targetList = query->targetList;
	PG_RETURN_BOOL(equal(&plain, query));
}

/* What two names are compared by: their letters in lower case, without what separates words. */
static char *
letters_of(Datum name)
{
	char *letters = TextDatumGetCString(name);
	int length = 0;

	for (const char *c = letters; *c != '\0'; c++)
		if (*c != '_' && *c != '-' && *c != ' ')
			letters[length++] = (char) pg_ascii_tolower((unsigned char) *c);
	letters[length] = '\0';
	return letters;
}

/* source_near(word text, words text[]) -> text: the one of the words that was probably meant; NULL: none. */
Datum
source_near(PG_FUNCTION_ARGS)
{
	char *word = letters_of(PG_GETARG_DATUM(0));
	const char **names;
	const char *near;
	Datum *words;
	int count;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &words, NULL,
					  &count);
	names = palloc((count + 1) * sizeof(char *));
	for (int i = 0; i < count; i++)
		names[i] = letters_of(words[i]);
	near = choice_near(word, (int) strlen(word), names, count);
	for (int i = 0; i < count; i++)
		if (near == names[i])
			PG_RETURN_DATUM(words[i]);
	PG_RETURN_NULL();
}

/* An array of int4 or bool without NULLs, of the given length or of any (-1). */
static Datum *
plain_array(FunctionCallInfo fcinfo, int argument, Oid type, int *count)
{
	Datum *values;
	int length;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), type, type == BOOLOID ? 1 : 4, true,
					  type == BOOLOID ? TYPALIGN_CHAR : TYPALIGN_INT, &values, NULL, &length);
	if (*count >= 0 && length != *count)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("lists of cells have different lengths")));
	*count = length;
	return values;
}

/*
 * source_hidden(small boolean[], sizes bigint[], heads boolean[], cells integer[], lines integer[]) -> boolean[]; see
 * base/suppress.h. Cell cells[i] is on line lines[i], both counted from 1, in the order of cells.
 */
Datum
source_hidden(PG_FUNCTION_ARGS)
{
	int count = -1, nlines = -1, nsizes;
	Datum *small = plain_array(fcinfo, 0, BOOLOID, &count);
	Datum *heads = plain_array(fcinfo, 2, BOOLOID, &count);
	Datum *lines = plain_array(fcinfo, 4, INT4OID, &nlines);
	Datum *cells = plain_array(fcinfo, 3, INT4OID, &nlines);
	Datum *sizes, *answer = palloc((count + 1) * sizeof(Datum));
	bool *unknown;
	SuppressTable table = {.ncells = count};
	int32 *first = palloc((count + 1) * sizeof(int32));
	int32 *numbers = palloc((nlines + 1) * sizeof(int32));
	int64 *known = palloc((count + 1) * sizeof(int64));
	bool *is_head = palloc((count + 1) * sizeof(bool));
	int32 cell = 0;

	suppress_check_size(count);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &sizes, &unknown, &nsizes);
	if (nsizes != count)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("lists of cells have different lengths")));
	first[0] = 0;
	for (int i = 0; i < nlines; i++)
	{
		int32 line = DatumGetInt32(lines[i]);

		CHECK_NOW_AND_THEN(i);
		if (DatumGetInt32(cells[i]) <= 0 || DatumGetInt32(cells[i]) > count ||
			DatumGetInt32(cells[i]) < cell || line <= 0 || line > nlines)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("lines must be numbered, and in the order of their cells")));
		while (cell < DatumGetInt32(cells[i]))
			first[cell++] = i;
		numbers[i] = line - 1;
		table.nlines = Max(table.nlines, line);
	}
	while (cell <= count)
		first[cell++] = nlines;
	table.hidden = palloc((count + 1) * sizeof(bool));
	for (int i = 0; i < count; i++)
	{
		CHECK_NOW_AND_THEN(i);
		known[i] = unknown[i] ? -1 : Max(DatumGetInt64(sizes[i]), -1);
		is_head[i] = DatumGetBool(heads[i]);
		table.hidden[i] = DatumGetBool(small[i]);
	}
	table.first = first;
	table.lines = numbers;
	table.sizes = known;
	table.heads = is_head;
	suppress_lines(&table);
	for (int i = 0; i < count; i++)
		answer[i] = BoolGetDatum(table.hidden[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(answer, count, BOOLOID, 1, true, TYPALIGN_CHAR));
}

/*
 * source_refuse(state text, message text, detail text, hint text): raises an error that says all that its reader needs.
 * RAISE would add a CONTEXT of several lines, which names functions that nobody called. (What is taken off the stack
 * here comes back where the error is caught.)
 */
Datum
source_refuse(PG_FUNCTION_ARGS)
{
	char *part[4];

	for (int i = 0; i < 4; i++)
		part[i] = PG_ARGISNULL(i) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i));
	/* Class 00 is success. */
	if (part[0] == NULL || part[1] == NULL || strlen(part[0]) != 5 ||
		strspn(part[0], "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 ||
		strncmp(part[0], "00", 2) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("an error needs an SQLSTATE and a message")));
	error_context_stack = NULL;
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE(part[0][0], part[0][1], part[0][2], part[0][3], part[0][4])),
			 errmsg_internal("%s", part[1]), part[2] ? errdetail_internal("%s", part[2]) : 0,
			 part[3] ? errhint("%s", part[3]) : 0));
}

/* source_query_columns(query text): the columns of a SELECT, which is analyzed and not run. */
Datum
source_query_columns(PG_FUNCTION_ARGS)
{
	char *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Emitter emitter = emit_begin(fcinfo);
	SPIPlanPtr plan;
	TupleDesc columns;

	SPI_connect();
	plan = SPI_prepare(query, 0, NULL);
	if (plan == NULL || list_length(SPI_plan_get_plan_sources(plan)) != 1)
		elog(ERROR, "not one statement: %s", query);
	columns = ((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan)))->resultDesc;
	if (columns == NULL)
		elog(ERROR, "not a query: %s", query);
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);
		Datum values[2] = {NameGetDatum(&column->attname), ObjectIdGetDatum(column->atttypid)};
		bool nulls[2] = {false};

		emit_row(&emitter, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}
