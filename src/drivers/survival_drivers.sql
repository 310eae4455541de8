-- Survival by attribute.

CREATE FUNCTION survival_driver_ranking(s retention_survival_drivers)
RETURNS TABLE (
  attribute text,
  "values" integer,
  chi2 double precision,
  df integer,
  p_value double precision,
  p_adjusted double precision,
  effect_size double precision,
  note text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'survival_driver_ranking';
COMMENT ON FUNCTION survival_driver_ranking(retention_survival_drivers) IS
'the log-rank test of every attribute: do customers with different values leave at the same pace? Smallest p-value '
'first; values with few departures are put together; effect_size: the standard deviation of the log hazard';

CREATE FUNCTION survival_driver_table(
  s retention_survival_drivers,
  times double precision[],
  ci text DEFAULT 'log-log',
  confidence double precision DEFAULT 0.95,
  reference text[] DEFAULT NULL)
RETURNS TABLE (
  attribute text,
  value text,
  customers bigint,
  churned bigint,
  "time" double precision,
  survival double precision,
  ci_low double precision,
  ci_high double precision,
  restricted_mean double precision,
  mean_low double precision,
  mean_high double precision,
  reference_value text,
  difference double precision,
  difference_low double precision,
  difference_high double precision,
  note text)
LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 50
AS 'MODULE_PATHNAME', 'survival_driver_table';
COMMENT ON FUNCTION
  survival_driver_table(retention_survival_drivers, double precision[], text, double precision, text[]) IS
'every value of every attribute at each given time: survival until then (0..1) with limits, and the mean time '
'stayed until then with limits, and its difference from that of a reference value; limits are not adjusted for the '
'number of values';
