-- Models of purchases, spend and renewals: the type, and what is read off a fitted model.

CREATE TYPE retention_model AS (
  name text,
  parameters double precision[],
  covariance double precision[],
  customers bigint,
  log_likelihood double precision,
  converged boolean,
  iterations integer,
  note text,
  unit_days double precision
);
COMMENT ON TYPE retention_model IS
'a fitted model: its parameters, the covariance of their logarithms (row by row), and how the fit ended; unit_days is '
'the unit of its times in days';

CREATE FUNCTION retention_model(name text, parameters double precision[]) RETURNS retention_model
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_model_of';
COMMENT ON FUNCTION retention_model(text, double precision[]) IS
'a model of known parameters: BG/NBD and MBG/NBD (r, alpha, a, b), Pareto/NBD (r, alpha, s, beta), BG/BB (alpha, beta, '
'gamma, delta), Gamma-Gamma (p, q, v), sBG (alpha, beta)';

CREATE FUNCTION model_parameters(
  model retention_model,
  confidence double precision DEFAULT 0.95)
RETURNS TABLE (
  parameter text,
  estimate double precision,
  std_error double precision,
  ci_low double precision,
  ci_high double precision)
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'model_parameters';
COMMENT ON FUNCTION model_parameters(retention_model, double precision) IS
'the parameters of a model with standard errors (delta method) and limits that are made on their logarithms';

CREATE FUNCTION model_summary(
  m retention_model,
  OUT model text,
  OUT customers bigint,
  OUT log_likelihood double precision,
  OUT aic double precision,
  OUT converged boolean,
  OUT iterations integer,
  OUT note text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT m.name, m.customers, m.log_likelihood, 2 * cardinality(m.parameters) - 2 * m.log_likelihood, m.converged,
    m.iterations, m.note
$$;
COMMENT ON FUNCTION model_summary(retention_model) IS
'a model as a whole: how many customers it was fitted to, how well, and whether the fit converged';

CREATE FUNCTION p_alive(
  model retention_model, frequency double precision, recency double precision, age double precision)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'p_alive';
COMMENT ON FUNCTION p_alive(retention_model, double precision, double precision, double precision) IS
'the probability that a customer will go on buying (BG/BB: is there at the next opportunity)';

CREATE FUNCTION expected_purchases(
  model retention_model, frequency double precision, recency double precision, age double precision,
  horizon double precision)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'expected_purchases';
COMMENT ON FUNCTION expected_purchases(retention_model, double precision, double precision, double precision,
  double precision) IS
'the number of purchases that a customer is expected to make within the horizon from now on';

CREATE FUNCTION expected_purchases(model retention_model, t double precision) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'expected_purchases_new';
COMMENT ON FUNCTION expected_purchases(retention_model, double precision) IS
'the number of repeat purchases that a new customer is expected to make in the time t after the first purchase';

CREATE FUNCTION purchase_probability(model retention_model, n double precision, t double precision)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'purchase_probability';
COMMENT ON FUNCTION purchase_probability(retention_model, double precision, double precision) IS
'the probability that a new customer makes n repeat purchases in the time t after the first purchase';

CREATE FUNCTION p_no_purchase(
  model retention_model, frequency double precision, recency double precision, age double precision,
  horizon double precision)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'p_no_purchase';
COMMENT ON FUNCTION p_no_purchase(retention_model, double precision, double precision, double precision,
  double precision) IS
'the probability that a customer buys nothing within the horizon from now on';

CREATE FUNCTION expected_spend(spend retention_model, frequency double precision, mean double precision)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'expected_spend';
COMMENT ON FUNCTION expected_spend(retention_model, double precision, double precision) IS
'the amount that a customer is expected to spend each time, from the mean of their repeat purchases';

CREATE FUNCTION lifetime_value(
  model retention_model, spend retention_model, frequency double precision, recency double precision,
  age double precision, mean double precision, horizon double precision, discount double precision DEFAULT 0,
  margin double precision DEFAULT 1, step double precision DEFAULT 1)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lifetime_value';
COMMENT ON FUNCTION lifetime_value(retention_model, retention_model, double precision, double precision,
  double precision, double precision, double precision, double precision, double precision, double precision) IS
'what a customer is expected to spend within the horizon, times the margin, discounted by (1 + discount) per step';

CREATE FUNCTION renewal_survival(model retention_model, t double precision, given double precision DEFAULT 0)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'renewal_survival';
COMMENT ON FUNCTION renewal_survival(retention_model, double precision, double precision) IS
'the probability that a contract is renewed t times, of those that were renewed `given` times';

CREATE FUNCTION renewal_rate(model retention_model, t double precision) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'renewal_rate';
COMMENT ON FUNCTION renewal_rate(retention_model, double precision) IS
'the share of contracts renewed at renewal t, of those that were renewed t - 1 times';

CREATE FUNCTION residual_lifetime(model retention_model, renewals double precision, discount double precision)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'residual_lifetime';
COMMENT ON FUNCTION residual_lifetime(retention_model, double precision, double precision) IS
'the number of payments expected from the next renewal on, of a contract that was renewed so many times, each '
'discounted by (1 + discount) per renewal after the next';
