/*
 * emit.c
 *		Rows out of a set-returning function, the same on every server version.
 */
#include "retention.h"

#include "access/htup_details.h"
#include "base/emit.h"
#include "funcapi.h"
#include "utils/builtins.h"

Emitter
emit_begin(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	Emitter emitter;
	MemoryContext old;

	if (info == NULL || !IsA(info, ReturnSetInfo) || !(info->allowedModes & SFRM_Materialize))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in context that cannot accept a set")));

	/* The executor has looked up the columns once; to do it in each call costs more than a short answer. */
	old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	emitter.columns = info->expectedDesc;
	if (emitter.columns == NULL &&
		get_call_result_type(fcinfo, NULL, &emitter.columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	emitter.columns = BlessTupleDesc(CreateTupleDescCopy(emitter.columns));
	emitter.rows =
		tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	MemoryContextSwitchTo(old);

	info->returnMode = SFRM_Materialize;
	info->setResult = emitter.rows;
	info->setDesc = emitter.columns;
	return emitter;
}

void
emit_row(Emitter *emitter, const Datum *values, const bool *nulls)
{
	CHECK_FOR_INTERRUPTS();
	tuplestore_putvalues(emitter->rows, emitter->columns, unconstify(Datum *, values),
						 unconstify(bool *, nulls));
}

Datum
emit_one(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc columns;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

void
put_tag(Datum *values, bool *nulls, int at, Tag tag)
{
	nulls[at] = tag.length < 0;
	values[at] =
		nulls[at] ? (Datum) 0 : PointerGetDatum(cstring_to_text_with_len(tag.bytes, tag.length));
}

void
put_text(Datum *values, bool *nulls, int at, const char *string)
{
	put_tag(values, nulls, at, (Tag){string, string == NULL ? -1 : (int) strlen(string)});
}
