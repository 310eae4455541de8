/*
 * choice.h
 *		Choices by name: the value of an argument that is one of a few words.
 */
#ifndef RETENTION_CHOICE_H
#define RETENTION_CHOICE_H

/* The place of a word in a list of lower-case names, or -1. Upper and lower case of ASCII are the same. */
extern int choice_find(const char *word, int length, const char *const *names, int count);

/* The name that was probably meant: the only one that begins so, or the nearest within two changes; NULL: none. */
extern const char *choice_near(const char *word, int length, const char *const *names, int count);

/* The place of a name in the list; else 22023: unrecognized what, with a hint that lists the names. */
extern int choice(const char *what, const char *name, const char *const *names, int count);

/* The error of choice(), for a word that stands for more than a name. */
extern void choice_unrecognized(const char *what, const char *name, const char *const *names,
								int count) pg_attribute_noreturn();

#endif /* RETENTION_CHOICE_H */
