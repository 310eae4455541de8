-- Customers of type numeric. Every integer type becomes a numeric without a cast, so an overload for numeric would make
-- calls with an integer ambiguous; only numeric becomes this type, which is a bigint otherwise.

CREATE TYPE retention_internal.numeric_customer;

CREATE FUNCTION retention_internal.numeric_customer_in(cstring) RETURNS retention_internal.numeric_customer
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'int8in';
COMMENT ON FUNCTION retention_internal.numeric_customer_in(cstring) IS 'text input of numeric_customer';

CREATE FUNCTION retention_internal.numeric_customer_out(retention_internal.numeric_customer) RETURNS cstring
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'int8out';
COMMENT ON FUNCTION retention_internal.numeric_customer_out(retention_internal.numeric_customer) IS
'text output of numeric_customer';

CREATE FUNCTION retention_internal.numeric_customer_recv(internal) RETURNS retention_internal.numeric_customer
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'int8recv';
COMMENT ON FUNCTION retention_internal.numeric_customer_recv(internal) IS 'binary input of numeric_customer';

CREATE FUNCTION retention_internal.numeric_customer_send(retention_internal.numeric_customer) RETURNS bytea
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'int8send';
COMMENT ON FUNCTION retention_internal.numeric_customer_send(retention_internal.numeric_customer) IS
'binary output of numeric_customer';

CREATE TYPE retention_internal.numeric_customer (
  INPUT = retention_internal.numeric_customer_in,
  OUTPUT = retention_internal.numeric_customer_out,
  RECEIVE = retention_internal.numeric_customer_recv,
  SEND = retention_internal.numeric_customer_send,
  LIKE = bigint
);
COMMENT ON TYPE retention_internal.numeric_customer IS 'a customer of type numeric, as an argument of aggregates';

CREATE FUNCTION retention_internal.numeric_customer(numeric) RETURNS retention_internal.numeric_customer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.numeric_customer(numeric) IS
'a whole number as a customer; an error if it is not one, or does not fit into bigint';

CREATE CAST (numeric AS retention_internal.numeric_customer)
WITH FUNCTION retention_internal.numeric_customer(numeric) AS IMPLICIT;
COMMENT ON CAST (numeric AS retention_internal.numeric_customer) IS
'so that aggregates take a customer of type numeric';
