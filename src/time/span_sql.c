/*
 * span_sql.c
 *		The SQL functions of retention_span.
 */
#include "retention.h"

#include "libpq/pqformat.h"
#include "time/span.h"
#include "utils/builtins.h"

/* Whether a text has the form of a range: two bounds in brackets, or "empty". What the bounds say is left open. */
static bool
has_form_of_range(const char *text, int length)
{
	int commas = 0;
	bool quoted = false;

	if (length == 5 && pg_strncasecmp(text, "empty", 5) == 0)
		return true;
	if (length < 3 || strchr("[(", text[0]) == NULL || strchr("])", text[length - 1]) == NULL)
		return false;
	for (int i = 1; i < length - 1; i++)
	{
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (text[i] == ',' && !quoted)
			commas++;
	}
	return commas == 1;
}

static Datum
span_of_text(const char *text)
{
	const char *end = text + strlen(text);

	while (isspace((unsigned char) *text))
		text++;
	while (end > text && isspace((unsigned char) end[-1]))
		end--;
	if (end - text > SPAN_TEXT_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the text of a period is longer than %d bytes", SPAN_TEXT_BYTES)));
	if (!has_form_of_range(text, end - text))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid period: \"%s\"", text),
						errdetail("A period is a range of time, such as [2026-01-01,2026-02-01)."),
						errhint("Use retention_period('month') for the latest complete month.")));
	return PointerGetDatum(cstring_to_text_with_len(text, end - text));
}

/* retention_span_in(cstring) -> retention_span. 22P02 on what has not the form of a range. */
RETENTION_FUNCTION(retention_span_in);
Datum
retention_span_in(PG_FUNCTION_ARGS)
{
	return span_of_text(PG_GETARG_CSTRING(0));
}

/* retention_span_out(retention_span) -> cstring */
RETENTION_FUNCTION(retention_span_out);
Datum
retention_span_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(span_text(PG_DETOAST_DATUM(PG_GETARG_DATUM(0))));
}

/* retention_span_recv(internal) -> retention_span: its text */
RETENTION_FUNCTION(retention_span_recv);
Datum
retention_span_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int size;

	return span_of_text(pq_getmsgtext(in, in->len - in->cursor, &size));
}

/* retention_span_send(retention_span) -> bytea */
RETENTION_FUNCTION(retention_span_send);
Datum
retention_span_send(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	char *text = span_text(PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));

	pq_begintypsend(&out);
	pq_sendtext(&out, text, strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* retention_span(daterange | tsrange | tstzrange) -> retention_span: a range is one as it is. */
RETENTION_FUNCTION(span_of_range);
Datum
span_of_range(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
