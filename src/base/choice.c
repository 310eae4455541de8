/*
 * choice.c
 *		Choices by name.
 */
#include "retention.h"

#include "base/choice.h"
#include "lib/stringinfo.h"
#include "utils/varlena.h"

/* A longer word is not a mistyped name. */
#define LONGEST 32

static inline char
lower_case(char c)
{
	return (char) pg_ascii_tolower((unsigned char) c);
}

static bool
word_is(const char *word, int length, const char *name)
{
	for (; length > 0 && *name != '\0'; length--, word++, name++)
		if (lower_case(*word) != *name)
			return false;
	return length == 0 && *name == '\0';
}

int
choice_find(const char *word, int length, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (word_is(word, length, names[i]))
			return i;
	return -1;
}

const char *
choice_near(const char *word, int length, const char *const *names, int count)
{
	int best = Min(3, length);
	int nbegin = 0;
	const char *begins = NULL;
	const char *near = NULL;
	char small[LONGEST];

	if (length == 0 || length > LONGEST)
		return NULL;
	for (int i = 0; i < length; i++)
		small[i] = lower_case(word[i]);
	for (int i = 0; i < count; i++)
	{
		int distance = varstr_levenshtein_less_equal(small, length, names[i],
													 (int) strlen(names[i]), 1, 1, 1, best, true);

		if (distance < best)
		{
			best = distance;
			near = names[i];
		}
		if (strncmp(small, names[i], length) == 0)
		{
			nbegin++;
			begins = names[i];
		}
	}
	return nbegin == 1 ? begins : near;
}

void
choice_unrecognized(const char *what, const char *name, const char *const *names, int count)
{
	const char *near = choice_near(name, (int) strlen(name), names, count);
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < count; i++)
		appendStringInfo(&list, "%s%s", i == 0 ? "" : i < count - 1 ? ", " : " and ", names[i]);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unrecognized %s: \"%s\"", what, name),
					near != NULL
						? errhint("Perhaps you meant \"%s\". Valid values are %s.", near, list.data)
						: errhint("Valid values are %s.", list.data)));
}

int
choice(const char *what, const char *name, const char *const *names, int count)
{
	int place = choice_find(name, (int) strlen(name), names, count);

	if (place < 0)
		choice_unrecognized(what, name, names, count);
	return place;
}
