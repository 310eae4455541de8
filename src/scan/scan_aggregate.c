/*
 * scan_aggregate.c
 *		Which aggregates a batch scan can compute: members of this extension whose functions have a batch form.
 *
 * The functions alone are not enough: anybody may create an aggregate of them that means something else.
 */
#include "retention.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "scan/scan.h"
#include "utils/syscache.h"

#define EXTENSION_NAME "retention"

/*
 * Looked up again for each query: it takes two catalog lookups, only where the state's type is not built in, and
 * nothing has to be invalidated.
 */
bool
scan_is_ours(Oid aggregate)
{
	HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Oid extension = InvalidOid;
	char *name;

	if (!HeapTupleIsValid(tuple))
		return false;
	if (((Form_pg_aggregate) GETSTRUCT(tuple))->aggtranstype >= FirstNormalObjectId)
		extension = getExtensionOfObject(ProcedureRelationId, aggregate);
	ReleaseSysCache(tuple);
	if (!OidIsValid(extension))
		return false;
	name = get_extension_name(extension);
	return name != NULL && strcmp(name, EXTENSION_NAME) == 0;
}

/* The C function that a call would reach; NULL where it is not declared as ours are. */
static PGFunction
function_behind(Oid function, bool strict)
{
	FmgrInfo info;

	fmgr_info(function, &info);
	return info.fn_strict == strict ? info.fn_addr : NULL;
}

bool
scan_find_parts(Oid aggregate, AggregateParts *parts)
{
	HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Form_pg_aggregate form;
	PGFunction transition;
	PGFunction final;
	bool plain;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	parts->transition = form->aggtransfn;
	parts->final = form->aggfinalfn;
	/* The owner of the extension may add aggregates to it; they must have nothing that the scan would ignore. */
	plain = form->aggkind == AGGKIND_NORMAL && OidIsValid(form->aggfinalfn) &&
			!form->aggfinalextra && heap_attisnull(tuple, Anum_pg_aggregate_agginitval, NULL);
	ReleaseSysCache(tuple);
	if (!plain)
		return false;

	transition = function_behind(parts->transition, false);
	final = function_behind(parts->final, true);
	return batch_find(transition, final, &parts->methods, &parts->finish);
}
