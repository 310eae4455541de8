/*
 * rfm.h
 *		Scores of recency, frequency and amount, by cuts that are kept. Type retention_rfm_cuts.
 *
 * The score of a number is ceil(bins * its cumulative distribution), so that equal customers get equal scores
 * (Hughes 1994 sorts into equal groups instead, which tears them apart). It is 1 + the number of cuts that the number
 * reaches: cut k is the number at place floor(k * customers / bins) of all in order, counted from 0.
 *
 * Numbers are kept as int64 in their order. A recency, the time since the last purchase, is good where it is small: it
 * is kept as the bits of the double, negated.
 */
#ifndef RETENTION_RFM_H
#define RETENTION_RFM_H

#include "base/wire.h"
#include "population/population.h"

typedef enum RfmMeasure
{
	RFM_RECENCY,
	RFM_FREQUENCY,
	RFM_AMOUNT, /* millionths */
	RFM_MEASURES,
} RfmMeasure;

#define RFM_BINS_MOST 100

typedef struct RfmCuts
{
	FlatHeader mark;
	int32 bins; /* at least 2 */
	int64 customers;
	int64 cuts[FLEXIBLE_ARRAY_MEMBER]; /* bins - 1 of each measure, ascending */
} RfmCuts;

#define RFM_TYPE "retention_rfm_cuts"
#define RFM_VERSION 1

/* The events of a customer: an event for each number, whose flags say of which measures it is. */
extern int rfm_events(const int64 numbers[RFM_MEASURES], Event *events);

/* From a population of such customers, palloc'ed. NULL: there is nobody. */
extern RfmCuts *rfm_build(Population *population, int bins);

static inline int
rfm_score_of(const RfmCuts *cuts, RfmMeasure measure, int64 number)
{
	const int64 *of = cuts->cuts + (Size) measure * (Size) (cuts->bins - 1);
	int score = 1;

	while (score < cuts->bins && number >= of[score - 1])
		score++;
	return score;
}

extern const RfmCuts *rfm_open(Datum datum);
extern void rfm_write(Datum datum, StringInfo out);
extern RfmCuts *rfm_read(const char *bytes, Size size);

#endif /* RETENTION_RFM_H */
