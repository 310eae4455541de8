/*
 * facts_sql.c
 *		Functions of kept facts: what a source reads, links of tables and triggers, and the trigger itself.
 */
#include "retention.h"

#include "access/htup_details.h"
#include "base/emit.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "source/facts.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/multirangetypes.h"

static Datum
name_array(Oid relation, Bitmapset *columns)
{
	Datum *names = palloc(sizeof(Datum) * (bms_num_members(columns) + 1));
	int count = 0;
	int member = -1;

	while ((member = bms_next_member(columns, member)) >= 0)
	{
		Name name = palloc0(sizeof(NameData));

		namestrcpy(name, get_attname(relation, member, false));
		names[count++] = NameGetDatum(name);
	}
	return PointerGetDatum(
		construct_array(names, count, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

/* source_shape(regclass) -> (relation regclass, customers name[], others name[]) */
RETENTION_FUNCTION(source_shape);
Datum
source_shape(PG_FUNCTION_ARGS)
{
	SourceShape *shape = shape_read(PG_GETARG_OID(0));
	Datum values[3];
	bool nulls[3] = {false};

	values[0] = ObjectIdGetDatum(shape->relation);
	values[1] = name_array(shape->relation, shape->customers);
	values[2] = name_array(shape->relation, bms_difference(shape->columns, shape->customers));
	PG_RETURN_DATUM(emit_one(fcinfo, values, nulls));
}

/* facts_first_stay(anymultirange) -> anyrange */
RETENTION_FUNCTION(facts_first_stay);
Datum
facts_first_stay(PG_FUNCTION_ARGS)
{
	MultirangeType *stays = PG_GETARG_MULTIRANGE_P(0);
	TypeCacheEntry *type;

	if (MultirangeIsEmpty(stays))
		PG_RETURN_NULL();
	type = multirange_get_typcache(fcinfo, MultirangeTypeGetOid(stays));
	PG_RETURN_RANGE_P(multirange_get_range(type->rngtype, stays, 0));
}

/* source_over(regclass, regclass, boolean) -> text */
RETENTION_FUNCTION(source_over);
Datum
source_over(PG_FUNCTION_ARGS)
{
	ShapeRows rows = PG_ARGISNULL(2)	 ? SHAPE_ALL
					 : PG_GETARG_BOOL(2) ? SHAPE_LOOK_UP
										 : SHAPE_INSERTED;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(
		cstring_to_text(shape_over(shape_read(PG_GETARG_OID(0)), PG_GETARG_OID(1), rows)));
}

/* facts_link_trigger(regclass, name, regclass) -> void */
RETENTION_FUNCTION(facts_link_trigger);
Datum
facts_link_trigger(PG_FUNCTION_ARGS)
{
	link_trigger(PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(1)), PG_GETARG_OID(2));
	PG_RETURN_VOID();
}

/* facts_link_table(regclass, regclass) -> void */
RETENTION_FUNCTION(facts_link_table);
Datum
facts_link_table(PG_FUNCTION_ARGS)
{
	Oid extension = getExtensionOfObject(ProcedureRelationId, fcinfo->flinfo->fn_oid);

	if (!OidIsValid(extension))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the function does not belong to an extension")));
	link_table(PG_GETARG_OID(0), PG_GETARG_OID(1), extension);
	PG_RETURN_VOID();
}

/* facts_linked(oid, regclass) -> regclass */
RETENTION_FUNCTION(facts_linked);
Datum
facts_linked(PG_FUNCTION_ARGS)
{
	Oid changes = link_find(PG_GETARG_OID(0), PG_GETARG_OID(1));

	if (!OidIsValid(changes))
		PG_RETURN_NULL();
	PG_RETURN_OID(changes);
}

/* facts_note() -> trigger */
RETENTION_FUNCTION(facts_note);
Datum
facts_note(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	Oid changes;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event))
		ereport(
			ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg(
				 "facts_note() must be called as a trigger that fires after a statement or a row")));
	if (TRIGGER_FIRED_FOR_STATEMENT(data->tg_event) && !TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) &&
		data->tg_oldtable == NULL && data->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" has no transition table", data->tg_trigger->tgname)));
	/* Row triggers that note changes of each other's tables would recurse without end. */
	check_stack_depth();
	/* Who makes a constraint trigger chooses tables that it depends on. */
	changes = OidIsValid(data->tg_trigger->tgconstraint)
				  ? InvalidOid
				  : link_find(data->tg_trigger->tgoid, RelationGetRelid(data->tg_relation));
	if (OidIsValid(changes))
		note_changes(data, changes);
	return PointerGetDatum(NULL);
}
