/*
 * survival_drivers.c
 *		Churn drivers over time: how long customers stay, by the value of every attribute.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "base/sort.h"
#include "drivers/drivers.h"
#include "drivers/survival_drivers.h"
#include "math/bins.h"
#include "math/compare.h"
#include "storage/shmem.h"

/* ---- Cells ---- */

/* A stratum: three digits of the column, one of the kind, one that says whether numbers are in bins; then the name. */
#define COLUMN_DIGITS 3
#define FRONT_DIGITS (COLUMN_DIGITS + 2)

typedef struct Stratum
{
	int column;
	AttributeKind kind;
	bool bins;
	Tag name;
} Stratum;

static void
corrupt(const char *detail)
{
	wire_corrupt(times_type_name(WIRE_SURVIVAL_DRIVERS), detail);
}

static bool
is_number(AttributeKind kind)
{
	return kind == ATTRIBUTE_INTEGER || kind == ATTRIBUTE_NUMBER;
}

/* The longest tag of a stratum. */
#define STRATUM_BYTES (FRONT_DIGITS + NAMEDATALEN)

/* Written into STRATUM_BYTES bytes. */
static Tag
stratum_tag(const Stratum *stratum, char *bytes)
{
	bytes[0] = (char) ('0' + stratum->column / 100);
	bytes[1] = (char) ('0' + stratum->column / 10 % 10);
	bytes[2] = (char) ('0' + stratum->column % 10);
	bytes[COLUMN_DIGITS] = (char) ('0' + (int) stratum->kind);
	bytes[COLUMN_DIGITS + 1] = stratum->bins ? '1' : '0';
	memcpy(bytes + FRONT_DIGITS, stratum->name.bytes, stratum->name.length);
	return (Tag){bytes, FRONT_DIGITS + stratum->name.length};
}

static Stratum
read_stratum(Tag tag)
{
	Stratum stratum = {0};

	if (tag.length <= FRONT_DIGITS)
		corrupt("An attribute has no name.");
	for (int i = 0; i < FRONT_DIGITS; i++)
		if (tag.bytes[i] < '0' || tag.bytes[i] > '9')
			corrupt("An attribute has no number.");
	for (int i = 0; i < COLUMN_DIGITS; i++)
		stratum.column = 10 * stratum.column + (tag.bytes[i] - '0');
	stratum.kind = (AttributeKind) (tag.bytes[COLUMN_DIGITS] - '0');
	stratum.bins = tag.bytes[COLUMN_DIGITS + 1] == '1';
	stratum.name = (Tag){tag.bytes + FRONT_DIGITS, tag.length - FRONT_DIGITS};
	if (stratum.column >= MAX_ATTRIBUTES || stratum.name.length >= NAMEDATALEN ||
		stratum.kind < ATTRIBUTE_TEXT || stratum.kind > ATTRIBUTE_LAST ||
		tag.bytes[COLUMN_DIGITS + 1] > '1' || (stratum.bins && !is_number(stratum.kind)))
		corrupt("An attribute is of a kind that does not exist.");
	return stratum;
}

static Tag
string_tag(char *string)
{
	return (Tag){string, (int) strlen(string)};
}

static Tag
bin_tag(AttributeKind kind, int64 integer, double number)
{
	int64 bin = kind == ATTRIBUTE_INTEGER ? bin_of_integer(integer) : bin_of_double(number);

	return string_tag(psprintf(INT64_FORMAT, bin_coarse(bin)));
}

/* The number of a cell: a value, or a bin in `integer`. */
typedef struct CellNumber
{
	int64 integer;
	double number;
} CellNumber;

static CellNumber
read_number(const Stratum *stratum, Tag group)
{
	char *text = pnstrdup(group.bytes, group.length);
	CellNumber number = {0, 0};
	char *end = text;
	char *again;

	if (stratum->bins || stratum->kind == ATTRIBUTE_INTEGER)
		number.integer = strtoll(text, &end, 10);
	else
		number.number = strtod(text, &end);
	again = stratum->bins ? psprintf(INT64_FORMAT, number.integer)
						  : attribute_value_text(stratum->kind, number.integer, number.number);
	if (*end != '\0' || strcmp(again, text) != 0)
		corrupt("A number in it is not written as one.");
	if (stratum->bins &&
		(!bin_is_valid(number.integer) || bin_coarse(number.integer) != number.integer ||
		 (stratum->kind == ATTRIBUTE_INTEGER &&
		  bin_coarse(bin_of_integer(bin_least_integer(number.integer))) != number.integer)))
		corrupt("A bin in it is not one that its attribute can have.");
	pfree(text);
	pfree(again);
	return number;
}

/* How the numbers of each column are kept. */
typedef struct Columns
{
	bool bins[MAX_ATTRIBUTES];
	int exact[MAX_ATTRIBUTES]; /* distinct numbers that are kept as they are */
} Columns;

static void
look_at_columns(const TimeTable *table, Columns *columns)
{
	memset(columns, 0, sizeof(Columns));
	for (int i = 0; i < table->base.items; i++)
	{
		Stratum stratum = read_stratum(times_stratum(table, i));

		CHECK_NOW_AND_THEN(i);
		if (stratum.bins)
			columns->bins[stratum.column] = true;
		else if (is_number(stratum.kind))
			columns->exact[stratum.column] += times_group(table, i).length >= 0;
	}
}

/* The same of one column of numbers, whose tag without bins is `exact`: called for every new number of a state. */
static int
look_at_column(const TimeTable *table, Tag exact, bool *bins)
{
	int numbers = 0;

	*bins = false;
	for (int i = 0; i < table->base.items; i++)
	{
		Tag tag = times_stratum(table, i);

		CHECK_NOW_AND_THEN(i);
		if (tag.length <= FRONT_DIGITS)
			corrupt("An attribute has no name.");
		if (memcmp(tag.bytes, exact.bytes, COLUMN_DIGITS) != 0)
			continue;
		if (tag.bytes[COLUMN_DIGITS + 1] == '1')
			*bins = true;
		else
			numbers += times_group(table, i).length >= 0;
	}
	return numbers;
}

/* The cells of the columns that are to be in bins. arg: bool by column. */
static void
into_bins(void *arg, Tag *group, Tag *tag)
{
	const bool *wanted = arg;
	Stratum stratum = read_stratum(*tag);

	if (stratum.bins || !is_number(stratum.kind) || !wanted[stratum.column])
		return;
	if (group->length >= 0)
	{
		CellNumber number = read_number(&stratum, *group);

		*group = bin_tag(stratum.kind, number.integer, number.number);
	}
	stratum.bins = true;
	*tag = stratum_tag(&stratum, palloc(STRATUM_BYTES));
}

/*
 * Numbers that are kept as they are do not count: how many of them a state has at times depends on the order of its
 * rows. All else only grows.
 */
static void
check_cells(const TimeTable *table, int more)
{
	int cells = more;

	if (table->base.items + more <= MAX_CELLS)
		return;
	for (int i = 0; i < table->base.items; i++)
	{
		Tag tag = times_stratum(table, i);

		CHECK_NOW_AND_THEN(i);
		if (tag.length <= FRONT_DIGITS)
			corrupt("An attribute has no name.");
		cells += tag.bytes[COLUMN_DIGITS + 1] == '1' ||
				 !is_number((AttributeKind) (tag.bytes[COLUMN_DIGITS] - '0'));
	}
	if (cells > MAX_CELLS)
		times_too_many_cells(table);
}

/* The cell of a value, which is added if it is new. */
static int
find_value(TimeTable **table, AttributeReader *reader, int attribute)
{
	const AttributeColumn *column = &reader->column[attribute];
	AttributeValue value = attribute_value(reader, attribute);
	Stratum exact = {attribute, column->kind, false, {column->name, (int) strlen(column->name)}};
	Stratum binned = exact;
	Tag group = {NULL, -1};
	Tag bin = {NULL, -1};
	char exact_bytes[STRATUM_BYTES];
	char binned_bytes[STRATUM_BYTES];
	Tag exact_tag = stratum_tag(&exact, exact_bytes);
	Tag binned_tag;
	bool bins;
	int numbers;
	int cell;

	if (!value.null && column->kind == ATTRIBUTE_TEXT)
	{
		group = (Tag){value.bytes, value.length};
		if (value.length > MAX_VALUE_BYTES)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("the value of an attribute is longer than %d bytes", MAX_VALUE_BYTES)));
	}
	else if (!value.null)
		group = string_tag(attribute_value_text(column->kind, value.integer, value.number + 0.0));
	cell = times_lookup_cell(*table, group, exact_tag);
	if (cell >= 0)
		return cell;
	if (!is_number(column->kind))
	{
		check_cells(*table, 1);
		return times_find_cell(table, group, exact_tag);
	}
	binned.bins = true;
	binned_tag = stratum_tag(&binned, binned_bytes);
	if (!value.null)
		bin = bin_tag(column->kind, value.integer, value.number + 0.0);
	cell = times_lookup_cell(*table, bin, binned_tag);
	if (cell >= 0)
		return cell;
	numbers = look_at_column(*table, exact_tag, &bins);
	if (!bins && !value.null && numbers >= MAX_EXACT_NUMBERS)
	{
		bool wanted[MAX_ATTRIBUTES] = {false};

		bins = wanted[attribute] = true;
		times_add_renamed(table, NULL, into_bins, wanted);
	}
	if (bins)
	{
		check_cells(*table, 1);
		return times_find_cell(table, bin, binned_tag);
	}
	return times_find_cell(table, group, exact_tag);
}

void
stays_add(TimeTable **table, AttributeReader *reader, double duration, TimeWhat what, double entry)
{
	for (int i = 0; i < reader->count; i++)
	{
		int cell = find_value(table, reader, i);

		times_count(table, duration, cell, what, WEIGHT_ONE);
		if (entry >= 0)
			times_count(table, entry, cell, TIME_ENTERED, WEIGHT_ONE);
	}
}

void *
stays_merge(void *state, Datum value, WireKind kind)
{
	TimeTable *into = state;
	const TimeTable *from = times_open(value, kind);
	Columns *columns = palloc(sizeof(Columns));
	Columns *theirs = palloc(sizeof(Columns));
	bool changed = false;
	bool too_many = false;

	look_at_columns(into, columns);
	look_at_columns(from, theirs);
	for (int i = 0; i < MAX_ATTRIBUTES; i++)
	{
		changed = changed || (theirs->bins[i] && !columns->bins[i]);
		theirs->bins[i] |= columns->bins[i];
	}
	if (changed)
		times_add_renamed(&into, NULL, into_bins, theirs->bins);
	times_add_renamed(&into, from, into_bins, theirs->bins);
	look_at_columns(into, columns);
	for (int i = 0; i < MAX_ATTRIBUTES; i++)
		if (columns->exact[i] > MAX_EXACT_NUMBERS)
			columns->bins[i] = too_many = true;
	if (too_many)
		times_add_renamed(&into, NULL, into_bins, columns->bins);
	check_cells(into, 0);
	pfree(columns);
	pfree(theirs);
	return into;
}

/* ---- What is shown ---- */

/* A cell of a number, for sorting. */
typedef struct NumberCell
{
	int cell;  /* from the first one of the attribute */
	int class; /* 0: a number, 1: NaN, 2: no value */
	CellNumber value;
	int64 customers;
} NumberCell;

static int
compare_number_cells(const void *a, const void *b, void *arg)
{
	const NumberCell *one = a;
	const NumberCell *other = b;

	if (one->class != other->class)
		return one->class - other->class;
	if (one->value.integer != other->value.integer)
		return one->value.integer < other->value.integer ? -1 : 1;
	if (one->value.number != other->value.number)
		return one->value.number < other->value.number ? -1 : 1;
	return one->cell - other->cell;
}

static BandEnd
band_end(const StayAttribute *attribute, CellNumber value)
{
	BandEnd end = {.integer = attribute->kind == ATTRIBUTE_INTEGER, .bin = attribute->bins};
	/* Ten bins begin with the same two digits; 0 and the infinities are alone. */
	int64 last = bin_coarse(value.integer + 9) == value.integer && value.integer != 0
					 ? value.integer + 9
					 : value.integer;

	if (end.integer)
	{
		end.least = end.bin ? bin_least_integer(value.integer) : value.integer;
		end.most = end.bin ? bin_greatest_integer(last) : value.integer;
		return end;
	}
	end.low = end.bin ? bin_low(value.integer) : value.number;
	end.high = end.bin ? bin_high(last) : value.number;
	return end;
}

/* The values of numbers in their order, as bands if they are many; then NaN, and no value. */
static void
set_numbers(const TimeTable *table, const int64 *customers, const Stratum *stratum,
			StayAttribute *attribute)
{
	NumberCell *cell = palloc(sizeof(NumberCell) * attribute->cells);
	int64 *of = palloc(sizeof(int64) * attribute->cells);
	int *band = palloc(sizeof(int) * attribute->cells);
	int numbers = 0;
	int n = 0;

	for (int i = 0; i < attribute->cells; i++)
	{
		Tag group = times_group(table, attribute->first_cell + i);

		cell[i] = (NumberCell){.cell = i, .customers = customers[attribute->first_cell + i]};
		if (group.length < 0)
			cell[i].class = 2;
		else
			cell[i].value = read_number(stratum, group);
		if (cell[i].class == 0 &&
			(stratum->bins ? cell[i].value.integer == BIN_NAN : isnan(cell[i].value.number)))
			cell[i] = (NumberCell){.cell = i, .class = 1};
		numbers += cell[i].class == 0;
	}
	sort_any(cell, attribute->cells, sizeof(NumberCell), compare_number_cells, NULL);
	attribute->bands = numbers > 0 && (stratum->bins || numbers > MAX_SHOWN_NUMBERS);
	for (int i = 0; i < numbers; i++)
	{
		of[i] = cell[i].customers;
		band[i] = i;
	}
	if (attribute->bands)
		number_bands(of, numbers, band);
	for (int i = 0, start = 0; i < numbers; i++)
	{
		bool last = i + 1 == numbers;
		BandEnd from;
		BandEnd until;
		BandEnd next;

		attribute->value_of[cell[i].cell] = n;
		if (!last && band[i + 1] == band[i])
			continue;
		from = band_end(attribute, cell[start].value);
		until = band_end(attribute, cell[i].value);
		next = last ? until : band_end(attribute, cell[i + 1].value);
		/* A number alone is written as it is. */
		attribute->value[n++] = attribute->bands
									? string_tag(band_text(&from, &until, last ? NULL : &next))
									: times_group(table, attribute->first_cell + cell[i].cell);
		start = i + 1;
	}
	for (int i = numbers; i < attribute->cells; i++)
	{
		attribute->value[n] = cell[i].class == 1 ? string_tag(pstrdup("NaN")) : (Tag){NULL, -1};
		attribute->value_of[cell[i].cell] = n++;
	}
	attribute->values = n;
	pfree(cell);
	pfree(of);
	pfree(band);
}

static void
set_values(const TimeTable *table, const int64 *customers, const Stratum *stratum,
		   StayAttribute *attribute)
{
	attribute->value = palloc(sizeof(Tag) * attribute->cells);
	attribute->value_of = palloc(sizeof(int) * attribute->cells);
	if (is_number(stratum->kind))
	{
		set_numbers(table, customers, stratum, attribute);
		return;
	}
	attribute->values = attribute->cells;
	for (int i = 0; i < attribute->cells; i++)
	{
		attribute->value[i] = times_group(table, attribute->first_cell + i);
		attribute->value_of[i] = i;
	}
}

StayAttribute *
stays_attributes(const TimeTable *table, int *count)
{
	StayAttribute *attributes = palloc0(sizeof(StayAttribute) * Max(table->base.items, 1));
	int64 *customers = palloc0(sizeof(int64) * Max(table->base.items, 1));
	int64 first = 0;
	int slot = 0;
	int n = 0;

	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *one = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		customers[one->base.item] += one->rows[TIME_CHURNED] + one->rows[TIME_CENSORED];
	}
	for (int i = 0, next; i < table->base.items; i = next, n++)
	{
		StayAttribute *attribute = &attributes[n];
		Stratum stratum = read_stratum(times_stratum(table, i));
		int64 all = 0;

		CHECK_FOR_INTERRUPTS();
		attribute->name = pnstrdup(stratum.name.bytes, stratum.name.length);
		attribute->kind = stratum.kind;
		attribute->bins = stratum.bins;
		attribute->first_cell = i;
		for (next = i; next < table->base.items && times_cell(table, next)->stratum == n; next++)
			all += customers[next];
		attribute->cells = next - i;
		attribute->first_slot = slot;
		for (; slot < table->base.used && times_slot(table, slot)->base.item < next; slot++)
			attribute->slots++;
		/* Different if some rows had other columns; hostile bytes may say so, too. */
		if (n == 0)
			first = all;
		else if (all != first)
			attributes_changed(attributes[0].name, attribute->name);
		set_values(table, customers, &stratum, attribute);
	}
	pfree(customers);
	*count = n;
	return attributes;
}

TimeTable *
stays_of_value(const TimeTable *table, const StayAttribute *attribute, int value)
{
	TimeTable *of = (TimeTable *) counted_alloc(counted_times, WIRE_SURVIVAL, COUNTED_SORTED,
												counted_times->slot_size, attribute->slots, 0, 0);

	for (int i = 0; i < attribute->slots; i++)
	{
		const TimeSlot *from = times_slot(table, attribute->first_slot + i);
		TimeSlot *to = of->base.used > 0 ? times_slot(of, of->base.used - 1) : NULL;

		CHECK_NOW_AND_THEN(i);
		if (value >= 0 && attribute->value_of[from->base.item - attribute->first_cell] != value)
			continue;
		if (to != NULL && to->time == from->time)
			for (int what = 0; what < TIME_WHATS; what++)
				to->rows[what] += from->rows[what];
		else
		{
			to = times_slot(of, of->base.used++);
			*to = *from;
			to->base.item = 0;
		}
	}
	of->base.capacity = of->base.used;
	return of;
}

/*
 * The log-rank test of an attribute. Its chi-squared is rough, and far too large in the tail, where few departures are
 * expected of a value: such values are put together and tested again.
 */
TestResult
stays_test(const TimeTable *table, const StayAttribute *attribute, const char **note)
{
	TestRow *row =
		palloc_extended(mul_size(Max(attribute->slots, 1), sizeof(TestRow)), MCXT_ALLOC_HUGE);
	int *group = palloc(sizeof(int) * attribute->values);
	TestResult result;
	int groups;

	for (int i = 0; i < attribute->slots; i++)
	{
		const TimeSlot *slot = times_slot(table, attribute->first_slot + i);

		CHECK_NOW_AND_THEN(i);
		row[i].stratum = 0;
		row[i].group = attribute->value_of[slot->base.item - attribute->first_cell];
		row[i].time = slot->time;
		for (int what = 0; what < TIME_WHATS; what++)
			row[i].count[what] = (double) slot->rows[what];
	}
	result = test_groups(row, attribute->slots, attribute->values, TEST_LOGRANK, 0);
	groups = pool_values(result.expected, attribute->values, group);
	if (groups < attribute->values)
	{
		for (int i = 0; i < attribute->slots; i++)
			row[i].group = group[row[i].group];
		result = test_groups(row, attribute->slots, groups, TEST_LOGRANK, 0);
		*note = psprintf(isnan(result.chi2) ? FEW_EXPECTED_NOTE : POOLED_NOTE, FEW_EXPECTED);
	}
	pfree(row);
	return result;
}
