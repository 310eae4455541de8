/*
 * driver_values.c
 *		What is shown of the state: values and bands, and the ranking of attributes.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "drivers/drivers.h"
#include "math/bins.h"
#include "math/compare.h"
#include "math/quantile.h"
#include "storage/shmem.h"

static void
add_counts(DriverValue *value, const int64 *count)
{
	/* The sums of all slots of an attribute fit: drivers_open() has checked it. */
	value->count[0] += count[0];
	value->count[1] += count[1];
}

/* The number in a slot that is not a bin. */
static double
slot_number(const DriverSlot *slot)
{
	double number;

	memcpy(&number, &slot->key.word[0], sizeof(number));
	return number;
}

static char *
value_text(const Drivers *drivers, const DriverAttribute *attribute, const DriverSlot *slot)
{
	if (attribute->kind == ATTRIBUTE_TEXT)
		return pnstrdup(drivers_tag(drivers, slot->tag).bytes, slot->tag.length);
	return attribute_value_text((AttributeKind) attribute->kind, (int64) slot->key.word[0],
								slot_number(slot));
}

/* The lower edge of a slot; a value is its own. */
static double
slot_low(const DriverAttribute *attribute, const DriverSlot *slot)
{
	return attribute->how == DRIVER_BINS ? bin_low((int64) slot->key.word[0]) : slot_number(slot);
}

/*
 * Integers: from the least to the greatest. Numbers: from its lower edge up to where the next band begins; the last
 * band ends with the greatest value, or before the end of its bin.
 */
char *
band_text(const BandEnd *first, const BandEnd *last, const BandEnd *next)
{
	double high = next != NULL ? next->low : last->high;

	if (first->integer)
	{
		if (first->least == last->most)
			return psprintf(INT64_FORMAT, first->least);
		return psprintf(INT64_FORMAT " to " INT64_FORMAT, first->least, last->most);
	}
	if (first->low == high)
		return attribute_number_text(first->low);
	return psprintf("[%s,%s%c", attribute_number_text(first->low), attribute_number_text(high),
					next != NULL || (last->bin && high != last->low) ? ')' : ']');
}

static BandEnd
band_end(const DriverAttribute *attribute, const DriverSlot *slot)
{
	int64 word = (int64) slot->key.word[0];
	BandEnd end = {.integer = attribute->kind == ATTRIBUTE_INTEGER,
				   .bin = attribute->how == DRIVER_BINS};

	if (end.integer)
	{
		end.least = end.bin ? bin_least_integer(word) : word;
		end.most = end.bin ? bin_greatest_integer(word) : word;
		return end;
	}
	end.low = slot_low(attribute, slot);
	end.high = end.bin ? bin_high(word) : end.low;
	return end;
}

void
number_bands(const int64 *customers, int numbers, int *band)
{
	int64 all = 0;
	int64 below = 0;
	int made = 0;
	int class = 0;

	for (int i = 0; i < numbers; i++)
		all += customers[i];
	for (int i = 0; i < numbers; i++)
	{
		/* The band of a number follows from the share of customers with a smaller one. */
		int next = (int) ((int128) (below + customers[i]) * NUMBER_BANDS / Max(all, 1));

		CHECK_NOW_AND_THEN(i);
		band[i] = made;
		below += customers[i];
		if (next > class)
			made++;
		class = next;
	}
}

static bool
slot_is_nan(const DriverAttribute *attribute, const DriverSlot *slot)
{
	return attribute->kind == ATTRIBUTE_NUMBER && slot->tag.length == LENGTH_NUMBER &&
		   (attribute->how == DRIVER_BINS ? (int64) slot->key.word[0] == BIN_NAN
										  : isnan(slot_low(attribute, slot)));
}

/* slot[0 .. n) are distinct numbers in their order, none of them NaN. */
static int
make_bands(const DriverAttribute *attribute, const DriverSlot *slot, int n, DriverValue *out)
{
	int64 *customers = palloc_extended(mul_size(Max(n, 1), sizeof(int64)), MCXT_ALLOC_HUGE);
	int *band = palloc_extended(mul_size(Max(n, 1), sizeof(int)), MCXT_ALLOC_HUGE);
	int start = 0;

	for (int i = 0; i < n; i++)
		customers[i] = slot[i].count[0] + slot[i].count[1];
	number_bands(customers, n, band);
	for (int i = 0; i < n; i++)
	{
		bool last = i + 1 == n;

		CHECK_NOW_AND_THEN(i);
		add_counts(&out[band[i]], slot[i].count);
		if (last || band[i + 1] > band[i])
		{
			BandEnd from = band_end(attribute, &slot[start]);
			BandEnd until = band_end(attribute, &slot[i]);
			BandEnd next = last ? until : band_end(attribute, &slot[i + 1]);

			out[band[i]].text = band_text(&from, &until, last ? NULL : &next);
			start = i + 1;
		}
	}
	n = n > 0 ? band[n - 1] + 1 : 0;
	pfree(customers);
	pfree(band);
	return n;
}

DriverValue *
drivers_values(const Drivers *drivers, int attribute, int *values)
{
	const DriverAttribute *it = drivers_attribute(drivers, attribute);
	const DriverSlot *slot = drivers_slots(drivers);
	const DriverSlot *end = slot + drivers->base.used;
	DriverValue *value;
	int numbers;
	int n = 0;

	while (slot < end && slot->base.item < attribute)
		slot++;
	value = palloc0(sizeof(DriverValue) * (it->values + NUMBER_BANDS + 2));

	if (it->how == DRIVER_MANY || it->how == DRIVER_LONG)
	{
		value[n].note = it->how == DRIVER_MANY
							? psprintf("more than %d distinct values", MAX_VALUES)
							: psprintf("a value is longer than %d bytes", MAX_VALUE_BYTES);
		memcpy(value[n].count, drivers->count, sizeof(value[n].count));
		if (slot < end && slot->base.item == attribute)
			for (int i = 0; i < 2; i++)
				value[n].count[i] -= slot->count[i];
		n++;
	}

	numbers = it->values;
	if (numbers > 0 && slot_is_nan(it, slot + numbers - 1))
		numbers--;
	if ((it->kind == ATTRIBUTE_INTEGER || it->kind == ATTRIBUTE_NUMBER) &&
		(it->how == DRIVER_BINS || it->values > MAX_SHOWN_NUMBERS))
	{
		n = make_bands(it, slot, numbers, value);
		slot += numbers;
		for (int i = 0; i < n; i++)
			value[i].band = value[i].ordered = true;
	}
	for (; slot < end && slot->base.item == attribute; slot++, n++)
	{
		if (slot_is_nan(it, slot))
			value[n].text = pstrdup("NaN");
		else if (slot->tag.length != LENGTH_NULL)
		{
			value[n].text = value_text(drivers, it, slot);
			value[n].ordered = it->kind == ATTRIBUTE_INTEGER || it->kind == ATTRIBUTE_NUMBER;
		}
		add_counts(&value[n], slot->count);
	}
	*values = n;
	return value;
}

/* How well a number, as it is, tells those who churned: the larger, the sooner. NULL and NaN do not count. */
static void
rank_number(const Drivers *drivers, DriverRank *rank)
{
	const DriverAttribute *it = drivers_attribute(drivers, rank->attribute);
	const DriverSlot *slot = drivers_slots(drivers);
	const DriverSlot *end = slot + drivers->base.used;
	double *churned =
		palloc_extended(mul_size(Max(it->values, 1), sizeof(double)), MCXT_ALLOC_HUGE);
	double *kept = palloc_extended(mul_size(Max(it->values, 1), sizeof(double)), MCXT_ALLOC_HUGE);
	int n = 0;

	while (slot < end && slot->base.item < rank->attribute)
		slot++;
	for (; n < it->values && !slot_is_nan(it, &slot[n]); n++)
	{
		CHECK_NOW_AND_THEN(n);
		churned[n] = (double) slot[n].count[DRIVER_CHURNED];
		kept[n] = (double) slot[n].count[DRIVER_KEPT];
	}
	separation_of(churned, kept, n, &rank->area, &rank->distance);
	pfree(churned);
	pfree(kept);
}

static void
add_note(DriverRank *rank, const char *note)
{
	rank->note = rank->note == NULL ? pstrdup(note) : psprintf("%s; %s", rank->note, note);
}

/* Combines neighbours until enough departures are expected of each; returns how many are left. */
static int
pool_neighbours(double *kept, double *churned, int ordered, double share)
{
	int n = 0;

	for (int i = 0; i < ordered; i++)
	{
		if (n > 0 && (kept[n - 1] + churned[n - 1]) * share < FEW_EXPECTED)
		{
			kept[n - 1] += kept[i];
			churned[n - 1] += churned[i];
			continue;
		}
		kept[n] = kept[i];
		churned[n++] = churned[i];
	}
	if (n > 1 && (kept[n - 1] + churned[n - 1]) * share < FEW_EXPECTED)
	{
		n--;
		kept[n - 1] += kept[n];
		churned[n - 1] += churned[n];
	}
	return n;
}

/*
 * The table that is tested: of each value, or group of values, those who stayed and those who left. At least
 * FEW_EXPECTED are expected in every cell, or there is one group only. share: of the rarer of the two among all.
 */
static int
table_to_test(const DriverValue *value, int values, double share, double *kept, double *churned)
{
	double *expected = palloc(sizeof(double) * Max(values, 1));
	int *group = palloc(sizeof(int) * Max(values, 1));
	int ordered = 0;
	int left;
	int groups;

	for (int i = 0; i < values; i++)
	{
		kept[i] = (double) value[i].count[DRIVER_KEPT];
		churned[i] = (double) value[i].count[DRIVER_CHURNED];
		ordered += value[i].ordered; /* they come first */
	}
	left = pool_neighbours(kept, churned, ordered, share);
	for (int i = ordered; i < values; i++)
	{
		kept[left] = kept[i];
		churned[left++] = churned[i];
	}
	for (int i = 0; i < left; i++)
		expected[i] = (kept[i] + churned[i]) * share;
	groups = pool_values(expected, left, group);
	for (int i = 0, seen = 0; i < left; i++)
	{
		double k = kept[i];
		double c = churned[i];

		/* The first value of a group comes at its place or after it, so that nothing is overwritten unread. */
		if (group[i] == seen)
		{
			kept[seen] = churned[seen] = 0;
			seen++;
		}
		kept[group[i]] += k;
		churned[group[i]] += c;
	}
	pfree(expected);
	pfree(group);
	return groups;
}

/* Whether a value says who churned. A whole row as the attributes has such a column: churn itself. */
static bool
decides(const double *churned, const double *kept, int groups)
{
	for (int i = 0; i < groups; i++)
		if (churned[i] > 0 && kept[i] > 0)
			return false;
	return true;
}

static DriverRank
rank_attribute(const Drivers *drivers, int attribute)
{
	const DriverAttribute *it = drivers_attribute(drivers, attribute);
	DriverRank rank = {attribute, -1, NAN, 0, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NULL};
	double n = (double) drivers->count[0] + (double) drivers->count[1];
	double smaller = (double) Min(drivers->count[0], drivers->count[1]);
	DriverValue *value = drivers_values(drivers, attribute, &rank.values);
	double *kept = palloc(sizeof(double) * Max(rank.values, 1));
	double *churned = palloc(sizeof(double) * Max(rank.values, 1));
	bool adjusted;
	int groups;

	if (it->how == DRIVER_MANY || it->how == DRIVER_LONG)
	{
		add_note(&rank, value[0].note);
		rank.values = -1;
		return rank;
	}
	if (it->kind == ATTRIBUTE_INTEGER || it->kind == ATTRIBUTE_NUMBER)
		rank_number(drivers, &rank);
	if (n == 0)
	{
		add_note(&rank, "no customers");
		return rank;
	}
	if (rank.values < 2)
		add_note(&rank, "one value only");
	if (drivers->count[DRIVER_CHURNED] == 0)
		add_note(&rank, "nobody churned");
	if (drivers->count[DRIVER_KEPT] == 0)
		add_note(&rank, "everybody churned");
	if (rank.note != NULL)
		return rank;

	groups = table_to_test(value, rank.values, smaller / n, kept, churned);
	if (value[0].band)
		add_note(&rank, "in bands");
	if (groups < 2)
	{
		add_note(&rank, psprintf(FEW_EXPECTED_NOTE, FEW_EXPECTED));
		return rank;
	}
	rank.df = groups - 1;
	rank.chi2 = two_column_chi2(churned, kept, groups);
	rank.p_value = chi_squared_tail(rank.df, rank.chi2);
	rank.v = cramers_v(rank.chi2, n);
	rank.v_corrected = cramers_v_corrected(rank.chi2, n, groups);
	rank.information = information_value(churned, kept, groups, &adjusted);
	if (groups < rank.values)
		add_note(&rank, psprintf(POOLED_NOTE, FEW_EXPECTED));
	if (adjusted)
		add_note(&rank, "an empty cell counts as 0.5 in information_value");
	if (decides(churned, kept, groups))
		add_note(&rank,
				 "every value has only churned or only kept customers: perhaps it is churn itself");
	return rank;
}

/* NaN is less than any number; in the end the order of the columns decides. */
static int
compare_ranks(const void *a, const void *b)
{
	const DriverRank *one = a;
	const DriverRank *other = b;
	const double keys[3][2] = {{one->v_corrected, other->v_corrected},
							   {one->v, other->v},
							   {-(double) one->attribute, -(double) other->attribute}};

	for (int i = 0; i < 3; i++)
	{
		double x = isnan(keys[i][0]) ? -PG_INT32_MAX : keys[i][0];
		double y = isnan(keys[i][1]) ? -PG_INT32_MAX : keys[i][1];

		if (x != y)
			return x > y ? -1 : 1;
	}
	return 0;
}

DriverRank *
drivers_ranking(const Drivers *drivers)
{
	DriverRank *ranks = palloc(sizeof(DriverRank) * drivers->base.items);
	double *p = palloc(sizeof(double) * drivers->base.items);
	double *adjusted = palloc(sizeof(double) * drivers->base.items);

	for (int i = 0; i < drivers->base.items; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ranks[i] = rank_attribute(drivers, i);
		p[i] = ranks[i].p_value;
	}
	benjamini_hochberg(p, adjusted, drivers->base.items);
	for (int i = 0; i < drivers->base.items; i++)
		ranks[i].p_adjusted = adjusted[i];
	qsort(ranks, drivers->base.items, sizeof(DriverRank), compare_ranks);
	return ranks;
}
