-- Survival: how long customers stay, read off a survival summary.

CREATE FUNCTION survival_curve(
  s retention_survival,
  ci text DEFAULT 'log-log',
  confidence double precision DEFAULT 0.95,
  times double precision[] DEFAULT NULL,
  cumulative_hazard text DEFAULT 'nelson-aalen')
RETURNS TABLE (
  "time" double precision,
  at_risk double precision,
  churned double precision,
  censored double precision,
  survival double precision,
  std_error double precision,
  ci_low double precision,
  ci_high double precision,
  cumulative_hazard double precision,
  hazard_std_error double precision)
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_curve';
COMMENT ON FUNCTION survival_curve(retention_survival, text, double precision, double precision[], text) IS
'the survival curve (0..1) at each time somebody left or was still there, or at the given times; ci: plain, log, '
'log-log, logit, arcsin; cumulative_hazard: nelson-aalen, or fleming-harrington with equal times corrected';

-- The confidence as the second argument. It has no name: with one, a call with confidence => 0.9 would be ambiguous.
CREATE FUNCTION survival_curve(s retention_survival, double precision)
RETURNS TABLE (
  "time" double precision,
  at_risk double precision,
  churned double precision,
  censored double precision,
  survival double precision,
  std_error double precision,
  ci_low double precision,
  ci_high double precision,
  cumulative_hazard double precision,
  hazard_std_error double precision)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT * FROM @extschema@.survival_curve($1, 'log-log'::text, $2, NULL::double precision[],
  'nelson-aalen'::text) $$;
COMMENT ON FUNCTION survival_curve(retention_survival, double precision) IS
'the survival curve (0..1) at each time somebody left or was still there, with limits of the given confidence';

CREATE FUNCTION survival_at(s retention_survival, "time" double precision) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_at';
COMMENT ON FUNCTION survival_at(retention_survival, double precision) IS
'probability (0..1) of staying longer than a time; NULL if nobody was followed that long';

CREATE FUNCTION conditional_survival(
  s retention_survival,
  "time" double precision,
  given double precision)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'conditional_survival';
COMMENT ON FUNCTION conditional_survival(retention_survival, double precision, double precision) IS
'probability (0..1) of staying longer than a time for those who stayed longer than the given one';

CREATE FUNCTION survival_quantile(
  s retention_survival,
  p double precision,
  ci text DEFAULT 'log-log',
  confidence double precision DEFAULT 0.95,
  OUT "time" double precision,
  OUT ci_low double precision,
  OUT ci_high double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_quantile';
COMMENT ON FUNCTION survival_quantile(retention_survival, double precision, text, double precision) IS
'the time by which a share p (0..1) has left, with limits; NULL: not reached';

CREATE FUNCTION median_survival(
  s retention_survival,
  ci text DEFAULT 'log-log',
  confidence double precision DEFAULT 0.95,
  OUT "time" double precision,
  OUT ci_low double precision,
  OUT ci_high double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'median_survival';
COMMENT ON FUNCTION median_survival(retention_survival, text, double precision) IS
'the time by which half of them have left, with limits; NULL: not reached';

CREATE FUNCTION median_survival(
  s retention_survival,
  double precision,
  OUT "time" double precision,
  OUT ci_low double precision,
  OUT ci_high double precision)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT * FROM @extschema@.median_survival($1, 'log-log'::text, $2) $$;
COMMENT ON FUNCTION median_survival(retention_survival, double precision) IS
'the time by which half of them have left, with limits of the given confidence; NULL: not reached';

CREATE FUNCTION restricted_mean(
  s retention_survival,
  tau double precision,
  confidence double precision DEFAULT 0.95,
  OUT restricted_mean double precision,
  OUT std_error double precision,
  OUT ci_low double precision,
  OUT ci_high double precision,
  OUT note text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'restricted_mean';
COMMENT ON FUNCTION restricted_mean(retention_survival, double precision, double precision) IS
'mean time stayed of the first tau: the area under the survival curve; NULL with a note if customers were not '
'followed that long';

CREATE FUNCTION restricted_mean_difference(
  a retention_survival,
  b retention_survival,
  tau double precision,
  confidence double precision DEFAULT 0.95,
  OUT difference double precision,
  OUT std_error double precision,
  OUT ci_low double precision,
  OUT ci_high double precision,
  OUT z double precision,
  OUT p_value double precision,
  OUT note text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'restricted_mean_difference';
COMMENT ON FUNCTION
  restricted_mean_difference(retention_survival, retention_survival, double precision, double precision) IS
'restricted mean of a minus that of b, its limits, and the p-value of no difference';

CREATE FUNCTION hazard_by(
  s retention_survival,
  width double precision DEFAULT 1,
  confidence double precision DEFAULT 0.95)
RETURNS TABLE (
  band_start double precision,
  band_end double precision,
  churned double precision,
  customer_time double precision,
  rate double precision,
  ci_low double precision,
  ci_high double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'hazard_by';
COMMENT ON FUNCTION hazard_by(retention_survival, double precision, double precision) IS
'departures per customer and unit of time in bands (start, end] of the duration, with exact Poisson limits';

CREATE FUNCTION payback(
  s retention_survival,
  margin_per_unit_time double precision,
  acquisition_cost double precision,
  confidence double precision DEFAULT 0.95,
  OUT "time" double precision,
  OUT ci_low double precision,
  OUT ci_high double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'payback';
COMMENT ON FUNCTION payback(retention_survival, double precision, double precision, double precision) IS
'the first time at which margin_per_unit_time times the restricted mean has paid back the cost, with limits; NULL: '
'not in the time for which customers were followed';

CREATE FUNCTION survival_value(
  s retention_survival,
  margin double precision,
  horizon double precision,
  discount double precision DEFAULT 0,
  confidence double precision DEFAULT 0.95,
  OUT value double precision,
  OUT std_error double precision,
  OUT ci_low double precision,
  OUT ci_high double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_value';
COMMENT ON FUNCTION
  survival_value(retention_survival, double precision, double precision, double precision, double precision) IS
'what a customer is worth until the horizon: margin per unit of time times the time that they stay, discounted by a '
'fraction per unit of time; NULL if customers were not followed that long';

CREATE FUNCTION retention_uplift(
  s retention_survival,
  points double precision,
  margin double precision,
  horizon double precision,
  discount double precision DEFAULT 0,
  acquisition_cost double precision DEFAULT NULL,
  OUT value_now double precision,
  OUT value_after double precision,
  OUT difference double precision,
  OUT payback_now double precision,
  OUT payback_after double precision)
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_uplift';
COMMENT ON FUNCTION retention_uplift(
  retention_survival, double precision, double precision, double precision, double precision, double precision) IS
'what a customer would be worth until the horizon if so many percentage points more were still there then, and when '
'the cost of acquiring them would be paid back';

CREATE FUNCTION survival_summary(
  s retention_survival,
  OUT customers bigint,
  OUT churned bigint,
  OUT censored bigint,
  OUT late_entries bigint,
  OUT weight double precision,
  OUT unknown bigint,
  OUT never_at_risk bigint,
  OUT not_started bigint,
  OUT distinct_times integer,
  OUT followed_until double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_summary';
COMMENT ON FUNCTION survival_summary(retention_survival) IS
'what a survival summary holds: rows used, rows left out and why, and how long customers were followed';
