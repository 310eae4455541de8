/*
 * rfm.c
 *		The cuts of recency, frequency and amount: finding them, checking, reading and writing.
 */
#include "retention.h"

#include "base/check.h"
#include "value/rfm.h"

static Size
cuts_size(int bins)
{
	return offsetof(RfmCuts, cuts) + RFM_MEASURES * (Size) (bins - 1) * sizeof(int64);
}

int
rfm_events(const int64 numbers[RFM_MEASURES], Event *events)
{
	static const Event kinds[RFM_MEASURES] = {
		{.flags = EVENT_ACTIVE}, {.flags = EVENT_START}, {.flags = EVENT_RETURN, .count = 1}};

	for (int i = 0; i < RFM_MEASURES; i++)
	{
		events[i] = kinds[i];
		events[i].value = numbers[i];
	}
	return history_normalise(events, RFM_MEASURES, 1);
}

/*
 * All cuts are found together, from the upper bits of the numbers to the lower ones: each pass over the customers
 * counts, for the numbers that agree with a cut so far, their next bits. So memory does not depend on the customers.
 */
#define PASS_BITS 8
#define PASS_VALUES (1 << PASS_BITS)
#define FIRST_SHIFT 56 /* of the first pass, which finds the bits from there on */

typedef struct Search
{
	uint64 prefix; /* the bits found so far */
	int64 rank;	   /* of the cut among the numbers with this prefix, from 0 */
	int counter;   /* cuts of a measure with the same prefix share their counters */
} Search;

typedef struct Finder
{
	int bins;
	int shift; /* of the bits that this pass finds */
	int64 customers;
	Search *searches; /* by measure and cut */
	int64 (*counters)[PASS_VALUES];
	int used;
} Finder;

static inline uint64
ordered_bits(int64 number)
{
	return (uint64) number ^ UINT64CONST(1) << 63;
}

/* The bits above those of this pass. */
static inline uint64
upper_bits(const Finder *finder, uint64 bits)
{
	return finder->shift == FIRST_SHIFT ? 0 : bits >> (finder->shift + PASS_BITS);
}

static void
count_numbers(void *argument, Event *events, int count)
{
	Finder *finder = argument;

	finder->customers++;
	for (int i = 0; i < count; i++)
	{
		uint64 bits = ordered_bits(events[i].value);
		uint64 upper = upper_bits(finder, bits);

		for (int measure = 0; measure < RFM_MEASURES; measure++)
		{
			const Search *of = finder->searches + measure * (finder->bins - 1);

			if (!(events[i].flags & (1u << measure)))
				continue;
			for (int k = 0; k < finder->bins - 1; k++)
			{
				if (upper_bits(finder, of[k].prefix) > upper)
					break;
				if (upper_bits(finder, of[k].prefix) == upper)
				{
					finder->counters[of[k].counter][bits >> finder->shift & (PASS_VALUES - 1)]++;
					break;
				}
			}
		}
	}
}

/* Number the counters: the searches of a measure are in the order of their prefixes. */
static void
share_counters(Finder *finder)
{
	finder->used = 0;
	for (int i = 0; i < RFM_MEASURES * (finder->bins - 1); i++)
	{
		bool first = i % (finder->bins - 1) == 0;
		bool same = !first && upper_bits(finder, finder->searches[i].prefix) ==
								  upper_bits(finder, finder->searches[i - 1].prefix);

		finder->used += !same;
		finder->searches[i].counter = finder->used - 1;
	}
	memset(finder->counters, 0, (Size) finder->used * sizeof(*finder->counters));
}

RfmCuts *
rfm_build(Population *population, int bins)
{
	int searches = RFM_MEASURES * (bins - 1);
	Finder finder = {.bins = bins,
					 .shift = FIRST_SHIFT,
					 .searches = palloc0(sizeof(Search) * searches),
					 .counters = palloc(sizeof(*finder.counters) * searches)};
	RfmCuts *cuts;

	for (int pass = 0; pass == 0 || finder.shift > 0; pass++)
	{
		int64 customers;

		if (pass > 0)
			finder.shift -= PASS_BITS;
		share_counters(&finder);
		finder.customers = 0;
		population_visit(population, count_numbers, &finder);
		customers = finder.customers;
		if (customers == 0)
			return NULL;
		for (int i = 0; i < searches; i++)
		{
			Search *search = &finder.searches[i];
			const int64 *counters = finder.counters[search->counter];
			int bits = 0;

			if (pass == 0)
				search->rank = (int64) ((int128) customers * (i % (bins - 1) + 1) / bins);
			while (bits < PASS_VALUES - 1 && search->rank >= counters[bits])
				search->rank -= counters[bits++];
			search->prefix |= (uint64) bits << finder.shift;
		}
	}

	cuts = palloc0(cuts_size(bins));
	flat_mark(cuts, WIRE_RFM_CUTS, RFM_VERSION, cuts_size(bins));
	cuts->bins = bins;
	cuts->customers = finder.customers;
	for (int i = 0; i < searches; i++)
		cuts->cuts[i] = (int64) ordered_bits((int64) finder.searches[i].prefix);
	return cuts;
}

static const RfmCuts *
check(const RfmCuts *cuts)
{
	if (cuts->bins < 2 || cuts->bins > RFM_BINS_MOST || VARSIZE(cuts) != cuts_size(cuts->bins) ||
		cuts->customers < 1)
		wire_corrupt(RFM_TYPE, "A number at its front is out of range.");
	for (int i = 0; i < RFM_MEASURES * (cuts->bins - 1); i++)
		if (i % (cuts->bins - 1) > 0 && cuts->cuts[i] < cuts->cuts[i - 1])
			wire_corrupt(RFM_TYPE, "Its cuts are out of order.");
	return cuts;
}

const RfmCuts *
rfm_open(Datum datum)
{
	return check(flat_open(datum, WIRE_RFM_CUTS, RFM_VERSION, offsetof(RfmCuts, cuts), RFM_TYPE));
}

void
rfm_write(Datum datum, StringInfo out)
{
	const RfmCuts *cuts = rfm_open(datum);

	wire_begin(out, WIRE_RFM_CUTS, RFM_VERSION);
	wire_put_ints(out, cuts->bins, cuts->customers);
	wire_put_int_array(out, cuts->cuts, RFM_MEASURES * (cuts->bins - 1));
}

RfmCuts *
rfm_read(const char *bytes, Size size)
{
	WireReader in = wire_open(bytes, size, WIRE_RFM_CUTS, RFM_VERSION, RFM_TYPE);
	int bins = (int) wire_get_int_between(&in, 2, RFM_BINS_MOST);
	RfmCuts *cuts = palloc0(cuts_size(bins));

	flat_mark(cuts, WIRE_RFM_CUTS, RFM_VERSION, cuts_size(bins));
	cuts->bins = bins;
	cuts->customers = wire_get_int(&in);
	for (int i = 0; i < RFM_MEASURES * (bins - 1); i++)
		cuts->cuts[i] = wire_get_int(&in);
	wire_end(&in);
	(void) check(cuts);
	return cuts;
}
