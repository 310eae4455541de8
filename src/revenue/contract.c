/*
 * contract.c
 *		The key of a customer in a currency.
 */
#include "retention.h"

#include "port/pg_bswap.h"
#include "revenue/contract.h"

char *
contract_key(const NullableDatum *currency, KeyKind key, Datum customer, char *space, int *size)
{
	struct varlena *text_of_key = NULL;
	const char *bytes = NULL;
	Size length = 0;
	Currency of = currency_of_null();
	uint64 number;
	char *made = space;
	Size head;

	if (!currency->isnull)
	{
		struct varlena *value = PG_DETOAST_DATUM_PACKED(currency->value);

		of = currency_of_text(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
		if ((Pointer) value != DatumGetPointer(currency->value))
			pfree(value);
	}
	switch (key)
	{
		case KEY_NONE:
			break;
		case KEY_INT64:
			/* The same bytes on every machine, for a state may travel. */
			number = pg_hton64((uint64) DatumGetInt64(customer));
			bytes = (const char *) &number;
			length = sizeof(number);
			break;
		case KEY_UUID:
			bytes = (const char *) DatumGetUUIDP(customer)->data;
			length = UUID_LEN;
			break;
		case KEY_TEXT:
			text_of_key = PG_DETOAST_DATUM_PACKED(customer);
			bytes = VARDATA_ANY(text_of_key);
			length = VARSIZE_ANY_EXHDR(text_of_key);
			break;
	}
	head = 1 + (of.length == CURRENCY_NULL ? 0 : of.length);
	if (head + length > CONTRACT_KEY_SPACE)
		made = palloc(head + length);
	memcpy(made, &of, head);
	if (length > 0)
		memcpy(made + head, bytes, length);
	if (text_of_key != NULL && (Pointer) text_of_key != DatumGetPointer(customer))
		pfree(text_of_key);
	*size = (int) (head + length);
	return made;
}

Currency
contract_currency(const char *key, Size size)
{
	Currency currency = {0};
	Size used;

	if (size == 0)
		wire_corrupt("retention_population", "A key in it has no currency.");
	currency.length = (uint8) key[0];
	used = currency.length == CURRENCY_NULL ? 0 : currency.length;
	if (used > CURRENCY_BYTES || used > size - 1)
		wire_corrupt("retention_population", "A key in it has no currency.");
	memcpy(currency.bytes, key + 1, used);
	currency_check(&currency, "retention_population");
	return currency;
}
