/*
 * trials.h
 *		What was due in a period and how it ended: trials that converted, contracts that were not renewed. Type
 *		retention_trials.
 *
 * Both are rows with a moment and the moment of an outcome, which counts if it came within a length of time: a trial
 * that began converts within 30 days of its start, a contract whose term ended is left by then. They are counted by the
 * period of the first moment.
 */
#ifndef RETENTION_TRIALS_H
#define RETENTION_TRIALS_H

#include "base/wire.h"
#include "time/request.h"

typedef enum TrialSubject
{
	TRIAL_CONVERSION, /* an outcome before its beginning is an error */
	TRIAL_RENEWAL,	  /* a contract may be left before its term ends */
	TRIAL_SUBJECTS,
} TrialSubject;

typedef struct TrialCell
{
	int64 due;
	int64 reached; /* those with the outcome in time */
} TrialCell;

/* The stored value; grows by doubling while an aggregate runs, so that cells at its ends may be 0. */
typedef struct Trials
{
	FlatHeader mark;
	int32 kind; /* TimeKind */
	int32 subject;
	GridGap within;
	int32 grid_length;
	int64 latest; /* without as_of: the latest moment; SINCE_EVER: there is none */
	int64 first;  /* the period of the first cell */
	int64 periods;
	TrialCell cells[FLEXIBLE_ARRAY_MEMBER];
	/* then the grid's text */
} Trials;

#define TRIALS_TYPE "retention_trials"
#define TRIALS_VERSION 1

static inline char *
trials_grid_text(const Trials *trials)
{
	return (char *) (trials->cells + trials->periods);
}

extern Trials *trials_new(TimeKind kind, TrialSubject subject, const GridGap *within,
						  const char *grid_text, int grid_length);

/* Raises 22023 unless rows like these can be added. */
extern void trials_match(const Trials *trials, TimeKind kind, TrialSubject subject,
						 const GridGap *within, const char *grid_text, int grid_length);

/*
 * Adds a row: outcome is STILL_THERE if there is none. Changes *trials in place, or makes a larger one in the current
 * context; the old one is not freed.
 */
extern void trials_add(Trials **trials, const Grid *grid, int64 moment, int64 outcome);
extern void trials_merge(Trials **trials, const Trials *other);

extern bool trials_has_shape(const void *state);

/* Raises XX001 on what cannot be. Returns the grid. */
extern const Grid *trials_check(const Trials *trials);
extern void trials_write(const Trials *trials, StringInfo wire);
extern Trials *trials_read(const char *bytes, Size size);

/* The first cell that is not 0, and how many there are up to the last one. */
extern void trials_range(const Trials *trials, int64 *from, int64 *count);

#endif /* RETENTION_TRIALS_H */
