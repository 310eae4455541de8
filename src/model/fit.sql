-- Fits to the value of customers, and what a model expects of the purchases of one.

CREATE FUNCTION fit_purchase_model(value retention_value, model text) RETURNS retention_model
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'fit_purchase_model';
COMMENT ON FUNCTION fit_purchase_model(retention_value, text) IS
'fits a model of purchases to customers: BG/NBD, MBG/NBD, Pareto/NBD, or BG/BB to those of whole periods';

CREATE FUNCTION fit_spend_model(value retention_value) RETURNS retention_model
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'fit_spend_model';
COMMENT ON FUNCTION fit_spend_model(retention_value) IS
'fits the Gamma-Gamma model of spend to repeat buyers who spent something';

CREATE FUNCTION p_alive(model retention_model, purchases retention_purchases, as_of timestamp DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'p_alive_purchases';
COMMENT ON FUNCTION p_alive(retention_model, retention_purchases, timestamp) IS
'the probability that a customer will go on buying, from their purchases';

CREATE FUNCTION expected_purchases(
  model retention_model, purchases retention_purchases, horizon double precision, as_of timestamp DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'expected_purchases_purchases';
COMMENT ON FUNCTION expected_purchases(retention_model, retention_purchases, double precision, timestamp) IS
'the number of purchases that a customer is expected to make within the horizon, from their purchases';

CREATE FUNCTION p_no_purchase(
  model retention_model, purchases retention_purchases, horizon double precision, as_of timestamp DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'p_no_purchase_purchases';
COMMENT ON FUNCTION p_no_purchase(retention_model, retention_purchases, double precision, timestamp) IS
'the probability that a customer buys nothing within the horizon, from their purchases';

CREATE FUNCTION expected_spend(spend retention_model, purchases retention_purchases) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'expected_spend_purchases';
COMMENT ON FUNCTION expected_spend(retention_model, retention_purchases) IS
'the amount that a customer is expected to spend each time, from their purchases';

CREATE FUNCTION lifetime_value(
  model retention_model, spend retention_model, purchases retention_purchases, horizon double precision,
  discount double precision DEFAULT 0, margin double precision DEFAULT 1, step double precision DEFAULT 1,
  as_of timestamp DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lifetime_value_purchases';
COMMENT ON FUNCTION lifetime_value(retention_model, retention_model, retention_purchases, double precision,
  double precision, double precision, double precision, timestamp) IS
'what a customer is expected to spend within the horizon, from their purchases';

CREATE FUNCTION retention_internal.p_purchase_between(
  model retention_model, frequency double precision, recency double precision, age double precision,
  after double precision, until double precision)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'p_purchase_between';
COMMENT ON FUNCTION retention_internal.p_purchase_between(retention_model, double precision, double precision,
  double precision, double precision, double precision) IS
'the probability that a customer buys something later than `after` and until `until` from now on';

CREATE TYPE retention_model_comparison AS (
  known retention_value,
  horizon double precision,
  purchases bigint,
  active bigint,
  known_periods retention_value,
  periods double precision,
  period_purchases bigint,
  period_active bigint
);
COMMENT ON TYPE retention_model_comparison IS
'customers who bought before a day, the time that is known after it, and what they bought in it; then all of it in '
'whole periods';

CREATE FUNCTION comparison_table(comparison retention_model_comparison)
RETURNS TABLE (
  model text,
  customers bigint,
  expected_purchases double precision,
  actual_purchases bigint,
  expected_active double precision,
  actual_active bigint,
  log_likelihood double precision,
  converged boolean)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 4
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT (f.m).name, (f.m).customers,
    (SELECT sum(c.customers * @extschema@.expected_purchases(f.m, c.frequency::double precision, c.recency, c.age,
        n.horizon)) FROM retention_internal.value_customers(n.known) AS c),
    n.purchases,
    (SELECT sum(c.customers * (1 - @extschema@.p_no_purchase(f.m, c.frequency::double precision, c.recency, c.age,
        n.horizon))) FROM retention_internal.value_customers(n.known) AS c),
    n.active, (f.m).log_likelihood, (f.m).converged
  FROM (
    SELECT d.name, d.place, (comparison).known, (comparison).horizon, (comparison).purchases, (comparison).active
    FROM unnest(ARRAY['BG/NBD', 'MBG/NBD', 'Pareto/NBD']) WITH ORDINALITY AS d (name, place)
    UNION ALL
    SELECT 'BG/BB', 4, (comparison).known_periods, (comparison).periods, (comparison).period_purchases,
      (comparison).period_active
    WHERE (comparison).known_periods IS NOT NULL
  ) AS n, LATERAL (SELECT @extschema@.fit_purchase_model(n.known, n.name) AS m OFFSET 0) AS f
  ORDER BY n.place
$$;
COMMENT ON FUNCTION comparison_table(retention_model_comparison) IS
'models of purchases fitted to what was known before a day, and what they expected beside what happened';
