/*
 * fuzz.c
 *		libFuzzer inside a server: every way in which bytes become a value of one of our types.
 *
 * Only a build with FUZZ=1 has this file; script/fuzz runs it. The server is a real one in single-user mode, so nothing
 * of it is replaced: what is fuzzed is what users run. A form is a way in:
 *
 *		text	the type's input function: the grid parser and the hexadecimal text of the other types
 *		wire	its receive function
 *		flat	bytes as they lie in a table, read by its output function
 *
 * An error with a specific SQLSTATE is a correct answer. A finding is a report of a sanitizer, an internal error
 * (XX000), a hang, too much memory, or a value that text or wire do not carry unchanged. What was accepted is used by a
 * query, if one was given.
 */
#include "retention.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

extern int
LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

typedef struct FuzzType
{
	const char *name;
	Oid type;
	Oid parameter;
	bool by_value;
	FmgrInfo in;
	FmgrInfo out;
	FmgrInfo recv;
	FmgrInfo send;
	SPIPlanPtr use; /* NULL: not used */
} FuzzType;

/* By the letter of the type (WireKind). The grid has the place of letter 0 and the span of [: their bytes are texts. */
static FuzzType *fuzz_types[256];
static int (*fuzz_form)(const uint8_t *data, size_t size);
static MemoryContext fuzz_context;
static uint64 fuzz_accepted;

#define FUZZ_USE_EVERY 1024

static void
finding(const FuzzType *type, const char *what)
{
	fprintf(stderr, "finding: %s: %s\n", type->name, what);
	abort();
}

static bytea *
bytes_of(const void *data, size_t size)
{
	bytea *bytes = palloc(VARHDRSZ + size);

	SET_VARSIZE(bytes, VARHDRSZ + size);
	memcpy(VARDATA(bytes), data, size);
	return bytes;
}

static bool
same_bytes(const FuzzType *type, Datum one, Datum other)
{
	struct varlena *a;
	struct varlena *b;

	if (type->by_value)
		return one == other;
	a = PG_DETOAST_DATUM(one);
	b = PG_DETOAST_DATUM(other);
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

static Datum
receive(FuzzType *type, const void *data, size_t size)
{
	StringInfoData in;
	Datum value;

	/* A copy of exactly this size, so that a byte read beyond it is seen. */
	in.data = malloc(size + 1);
	memcpy(in.data, data, size);
	in.data[size] = '\0';
	in.len = (int) size;
	in.maxlen = (int) size + 1;
	in.cursor = 0;
	PG_TRY();
	{
		value = ReceiveFunctionCall(&type->recv, &in, type->parameter, -1);
	}
	PG_FINALLY();
	{
		free(in.data);
	}
	PG_END_TRY();
	return value;
}

/* Whether text and wire carry a value unchanged. */
static void
check_carried(FuzzType *type, Datum value)
{
	char *text = OutputFunctionCall(&type->out, value);
	bytea *wire = SendFunctionCall(&type->send, value);

	if (!same_bytes(type, value, InputFunctionCall(&type->in, text, type->parameter, -1)))
		finding(type, "its text is read back as another value");
	if (!same_bytes(type, value, receive(type, VARDATA(wire), VARSIZE(wire) - VARHDRSZ)))
		finding(type, "its binary form is read back as another value");
}

static void
use(FuzzType *type, Datum value)
{
	ResourceOwner owner = CurrentResourceOwner;

	if (type->use == NULL || fuzz_accepted++ % FUZZ_USE_EVERY != 0)
		return;
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		SPI_execute_plan(type->use, &value, NULL, true, 0);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		RollbackAndReleaseCurrentSubTransaction();
		CurrentResourceOwner = owner;
		MemoryContextSwitchTo(fuzz_context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(fuzz_context);
	SPI_freetuptable(SPI_tuptable);
}

static FuzzType *
type_of(const uint8_t *data, size_t size)
{
	if (size >= 2 && data[0] == 'R')
		return fuzz_types[data[1]];
	/* A span is a text in brackets, or a range as it is stored, which begins with a small number in four bytes. */
	if ((size >= 1 && (data[0] == '[' || data[0] == '(')) ||
		(size >= 4 && data[2] == 0 && data[3] == 0))
		return fuzz_types['['];
	return fuzz_types[0];
}

static void
check_and_use(FuzzType *type, Datum value)
{
	check_carried(type, value);
	use(type, value);
}

static int
fuzz_text(const uint8_t *data, size_t size)
{
	uint8_t marks[2];
	FuzzType *type;
	char *text;
	const char *digits;
	Datum value;

	/* What reaches an input function is valid text without a zero. */
	if (memchr(data, '\0', size) != NULL || !pg_verifymbstr((const char *) data, (int) size, true))
		return 0;
	text = pnstrdup((const char *) data, size);
	/* The digits may come after a comment. */
	digits = strstr(text, " */ ");
	digits = digits == NULL ? text : digits + 4;
	if (strspn(digits, "0123456789abcdef") >= 4)
	{
		hex_decode(digits, 4, (char *) marks);
		type = type_of(marks, 2);
	}
	else
		type = fuzz_types[text[0] == '[' || text[0] == '(' ? '[' : 0];
	if (type == NULL)
		return 0;
	value = InputFunctionCall(&type->in, text, type->parameter, -1);
	check_and_use(type, value);
	return 0;
}

static int
fuzz_wire(const uint8_t *data, size_t size)
{
	FuzzType *type = type_of(data, size);
	Datum value;

	if (type == NULL)
		return 0;
	value = receive(type, data, size);
	check_and_use(type, value);
	return 0;
}

static int
fuzz_flat(const uint8_t *data, size_t size)
{
	FuzzType *type = type_of(data, size);
	Datum value;

	if (type == NULL || type->by_value)
		return 0;
	value = PointerGetDatum(bytes_of(data, size));
	(void) OutputFunctionCall(&type->out, value);
	use(type, value);
	return 0;
}

static int
fuzz_one(const uint8_t *data, size_t size)
{
	MemoryContext before = MemoryContextSwitchTo(fuzz_context);

	CHECK_FOR_INTERRUPTS();
	PG_TRY();
	{
		fuzz_form(data, size);
	}
	PG_CATCH();
	{
		if (geterrcode() == ERRCODE_INTERNAL_ERROR)
		{
			EmitErrorReport();
			abort();
		}
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(before);
	MemoryContextReset(fuzz_context);
	return 0;
}

static char **
text_array(ArrayType *array, int *n)
{
	Datum *datums;
	bool *nulls;
	char **texts;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &datums, &nulls, n);
	texts = palloc0(sizeof(char *) * (*n + 1));
	for (int i = 0; i < *n; i++)
		texts[i] = nulls[i] ? NULL : TextDatumGetCString(datums[i]);
	return texts;
}

/*
 * retention_fuzz(form text, types text[], letters text[], uses text[], arguments text[]): three arrays of one length
 * that say what there is, then libFuzzer's own arguments. libFuzzer ends the process when it is done.
 */
RETENTION_FUNCTION(retention_fuzz);

Datum
retention_fuzz(PG_FUNCTION_ARGS)
{
	char *form = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int types, letters, uses, argc;
	char **type = text_array(PG_GETARG_ARRAYTYPE_P(1), &types);
	char **letter = text_array(PG_GETARG_ARRAYTYPE_P(2), &letters);
	char **query = text_array(PG_GETARG_ARRAYTYPE_P(3), &uses);
	char **argv = text_array(PG_GETARG_ARRAYTYPE_P(4), &argc);

	fuzz_form = strcmp(form, "text") == 0	? fuzz_text
				: strcmp(form, "wire") == 0 ? fuzz_wire
											: fuzz_flat;
	/* Blocks so small that nearly every chunk is an allocation of its own, which the sanitizer watches. */
	fuzz_context = AllocSetContextCreate(TopMemoryContext, "fuzz", 0, 1024, 1024);
	SPI_connect();
	for (int i = 0; i < types; i++)
	{
		FuzzType *one = MemoryContextAllocZero(TopMemoryContext, sizeof(FuzzType));
		Oid in, out, recv, send;
		bool varlena;

		one->name = type[i];
		one->type = DatumGetObjectId(DirectFunctionCall1(regtypein, CStringGetDatum(type[i])));
		one->by_value = get_typbyval(one->type);
		getTypeInputInfo(one->type, &in, &one->parameter);
		getTypeBinaryInputInfo(one->type, &recv, &one->parameter);
		getTypeOutputInfo(one->type, &out, &varlena);
		getTypeBinaryOutputInfo(one->type, &send, &varlena);
		fmgr_info_cxt(in, &one->in, TopMemoryContext);
		fmgr_info_cxt(out, &one->out, TopMemoryContext);
		fmgr_info_cxt(recv, &one->recv, TopMemoryContext);
		fmgr_info_cxt(send, &one->send, TopMemoryContext);
		if (query[i] != NULL)
		{
			one->use = SPI_prepare(query[i], 1, &one->type);
			SPI_keepplan(one->use);
		}
		fuzz_types[(uint8) letter[i][0]] = one;
	}
	/* libFuzzer's own alarm ends a hang. */
	LLVMFuzzerRunDriver(&argc, &argv, fuzz_one);
	SPI_finish();
	PG_RETURN_VOID();
}

/* The bytes of a value as they lie in a table, to begin with. */
RETENTION_FUNCTION(retention_flat_bytes);

Datum
retention_flat_bytes(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_DETOAST_DATUM(PG_GETARG_DATUM(0));

	PG_RETURN_BYTEA_P(bytes_of(VARDATA(value), VARSIZE(value) - VARHDRSZ));
}
