/*
 * contract.h
 *		What a row of contracts means: the same for facts of one customer and for rows of many.
 */
#ifndef RETENTION_CONTRACT_H
#define RETENTION_CONTRACT_H

#include "base/check.h"
#include "population/amount.h"
#include "population/population_key.h"
#include "revenue/revenue.h"
#include "utils/builtins.h"

/* The values of a row after the customer. */
typedef enum ContractColumn
{
	CONTRACT_STARTED, /* not NULL */
	CONTRACT_ENDED,
	CONTRACT_AMOUNT,
	CONTRACT_CURRENCY,
	CONTRACT_INVOLUNTARY,
	CONTRACT_COLUMNS,
} ContractColumn;

typedef struct Contract
{
	AmountEvent start;
	AmountEvent end; /* its value is STILL_THERE: there is none */
} Contract;

/*
 * Reads a row and counts it in the totals. False: it adds nothing, for it starts at or after as_of, or ends when it
 * starts. An end at or after as_of is none. Raises 22023 on an end before the start; *customer says who it is.
 */
static pg_attribute_always_inline bool
contract_read(Contract *contract, PopulationTotals *totals, TimeKind kind, int64 as_of,
			  const NullableDatum *values, KeyKind key, Datum customer)
{
	int64 started = request_moment(kind, values[CONTRACT_STARTED].value);
	int64 ended = values[CONTRACT_ENDED].isnull
					  ? STILL_THERE
					  : request_moment(kind, values[CONTRACT_ENDED].value);
	int64 amount = 0;

	count_add(&totals->rows, 1);
	if (unlikely(ended < started))
		request_backwards(kind, values[CONTRACT_STARTED].value, values[CONTRACT_ENDED].value,
						  key == KEY_NONE ? NULL : population_key_text(key, customer));
	/* Of every row, so that how many decimals there are does not depend on what else is known. */
	if (!values[CONTRACT_AMOUNT].isnull)
	{
		Numeric value = DatumGetNumeric(values[CONTRACT_AMOUNT].value);

		amount = amount_from_numeric(value, &totals->decimals);
		if ((Pointer) value != DatumGetPointer(values[CONTRACT_AMOUNT].value))
			pfree(value);
	}
	if (started >= as_of)
	{
		count_add(&totals->ignored, 1);
		return false;
	}
	if (ended >= as_of)
		ended = STILL_THERE;
	if (started == ended)
		return false;
	totals->first = Min(totals->first, started);
	totals->latest = Max(totals->latest, ended == STILL_THERE ? started : ended);
	contract->start = (AmountEvent){{started, 1, EVENT_ACTIVE}, amount};
	contract->end = (AmountEvent){{ended, -1, EVENT_ACTIVE}, -(int128) amount};
	if (!values[CONTRACT_INVOLUNTARY].isnull)
		contract->end.event.flags |= DatumGetBool(values[CONTRACT_INVOLUNTARY].value)
										 ? REVENUE_INVOLUNTARY
										 : REVENUE_VOLUNTARY;
	return true;
}

/*
 * The key of a customer in a currency: the currency's length and bytes, then the customer's. With KEY_NONE there is no
 * customer. In *space if it is large enough, else palloc'ed.
 */
#define CONTRACT_KEY_SPACE 256

extern char *
contract_key(const NullableDatum *currency, KeyKind key, Datum customer, char *space, int *size);

/* The currency at the front of such a key. Raises XX001 on other bytes. */
extern Currency contract_currency(const char *key, Size size);

#endif /* RETENTION_CONTRACT_H */
