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

/* A year or a month as ISO 8601 names it, 2026 or 2026-01, as the text of its range; NULL: it is none. */
static char *
range_of_name(const char *text, int length)
{
	int year;
	int month = 1;

	if (strspn(text, "0123456789") != 4 || (length != 4 && length != 7))
		return NULL;
	year = atoi(text);
	if (length == 4)
		return psprintf("[%04d-01-01,%04d-01-01)", year, year + 1);
	if (text[4] != '-' || strspn(text + 5, "0123456789") < 2)
		return NULL;
	month = atoi(text + 5);
	if (month < 1 || month > 12)
		return NULL;
	return psprintf("[%04d-%02d-01,%04d-%02d-01)", year, month, year + month / 12, month % 12 + 1);
}

static Datum
span_of_text(const char *text)
{
	const char *end = text + strlen(text);
	char *range;

	while (isspace((unsigned char) *text))
		text++;
	while (end > text && isspace((unsigned char) end[-1]))
		end--;
	if (end - text > SPAN_TEXT_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the text of a period is longer than %d bytes", SPAN_TEXT_BYTES)));
	range = range_of_name(text, end - text);
	if (range != NULL)
		return PointerGetDatum(cstring_to_text(range));
	if (!has_form_of_range(text, end - text))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid period: \"%s\"", text),
			 errdetail(
				 "A period is a range such as [2026-01-01,2026-02-01), or a month or year such as 2026-01 or 2026."),
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
