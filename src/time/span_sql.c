/*
 * span_sql.c
 *		The SQL functions of retention_span.
 */
#include "retention.h"

#include "libpq/pqformat.h"
#include "time/span.h"
#include "utils/builtins.h"

/* Whether a text has the form of a range: two bounds in brackets, or "empty". The bounds are not read. */
static bool
has_form_of_range(const char *input, int length)
{
	int commas = 0;
	bool quoted = false;

	if (length == 5 && pg_strncasecmp(input, "empty", 5) == 0)
		return true;
	if (length < 3 || strchr("[(", input[0]) == NULL || strchr("])", input[length - 1]) == NULL)
		return false;
	for (int i = 1; i < length - 1; i++)
	{
		if (input[i] == '\\')
			i++;
		else if (input[i] == '"')
			quoted = !quoted;
		else if (input[i] == ',' && !quoted)
			commas++;
	}
	return commas == 1;
}

/* The range of a year or month in ISO 8601 (2026, 2026-01) as a text, or NULL if the name is neither. */
static char *
range_of_name(const char *name, int length)
{
	int year;
	int month = 1;

	if (strspn(name, "0123456789") != 4 || (length != 4 && length != 7))
		return NULL;
	year = atoi(name);
	if (length == 4)
		return psprintf("[%04d-01-01,%04d-01-01)", year, year + 1);
	if (name[4] != '-' || strspn(name + 5, "0123456789") < 2)
		return NULL;
	month = atoi(name + 5);
	if (month < 1 || month > 12)
		return NULL;
	return psprintf("[%04d-%02d-01,%04d-%02d-01)", year, month, year + month / 12, month % 12 + 1);
}

static Datum
span_of_text(const char *input)
{
	const char *end = input + strlen(input);
	char *range;

	while (isspace((unsigned char) *input))
		input++;
	while (end > input && isspace((unsigned char) end[-1]))
		end--;
	if (end - input > SPAN_TEXT_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the text of a period is longer than %d bytes", SPAN_TEXT_BYTES)));
	range = range_of_name(input, end - input);
	if (range != NULL)
		return PointerGetDatum(cstring_to_text(range));
	if (!has_form_of_range(input, end - input))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid period: \"%s\"", input),
			 errdetail(
				 "A period is a range such as [2026-01-01,2026-02-01), or a month or year such as 2026-01 or 2026."),
			 errhint("Use retention_period('month') for the latest complete month.")));
	return PointerGetDatum(cstring_to_text_with_len(input, end - input));
}

/* retention_span_in(cstring) -> retention_span. Raises 22P02 if the text does not have the form of a range. */
RETENTION_FORWARD(retention_span_in, span_of_text(PG_GETARG_CSTRING(0)))

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
	char *written = span_text(PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));

	pq_begintypsend(&out);
	pq_sendtext(&out, written, strlen(written));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* retention_span(daterange | tsrange | tstzrange) -> retention_span: the value is the range itself. */
RETENTION_FUNCTION(span_of_range);
Datum
span_of_range(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
