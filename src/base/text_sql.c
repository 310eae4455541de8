/*
 * text_sql.c
 *		The text of a value of any type, as a cast to text gives it.
 */
#include "retention.h"

#include "base/text_sql.h"
#include "catalog/pg_type_d.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

void
value_text_open(ValueText *how, Oid type, MemoryContext context)
{
	Oid function;
	bool is_varlena;

	how->type = getBaseType(type);
	getTypeOutputInfo(how->type, &function, &is_varlena);
	fmgr_info_cxt(function, &how->output, context);
}

text *
value_text(ValueText *how, Datum value)
{
	switch (how->type)
	{
		case TEXTOID:
		case VARCHAROID:
			return DatumGetTextPP(value);
		case BPCHAROID:
			return DatumGetTextPP(DirectFunctionCall1(rtrim1, value));
		case BOOLOID:
			return cstring_to_text(DatumGetBool(value) ? "true" : "false");
		default:
			return cstring_to_text(OutputFunctionCall(&how->output, value));
	}
}

text *
value_text_argument(FunctionCallInfo fcinfo, int number)
{
	FmgrInfo *call = fcinfo->flinfo;
	ValueText *how;

	if (call->fn_extra == NULL)
		call->fn_extra = MemoryContextAllocZero(call->fn_mcxt, PG_NARGS() * sizeof(ValueText));
	how = (ValueText *) call->fn_extra + number;
	if (!OidIsValid(how->type))
	{
		Oid type = get_fn_expr_argtype(call, number);

		if (!OidIsValid(type))
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("the type of argument %d of the aggregate is not known", number),
							errhint("Cast it to text.")));
		value_text_open(how, type, call->fn_mcxt);
	}
	return value_text(how, PG_GETARG_DATUM(number));
}
