-- Rates from counts that are already there.

CREATE FUNCTION retention_rate(at_start numeric, at_end numeric, new numeric) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_rate_counts';

COMMENT ON FUNCTION retention_rate(numeric, numeric, numeric) IS
'per cent of the customers at the start who are there at the end: 100 * (at_end - new) / at_start';

CREATE FUNCTION churn_rate(lost numeric, at_start numeric) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'churn_rate_counts';

COMMENT ON FUNCTION churn_rate(numeric, numeric) IS
'per cent of the customers at the start who are lost: 100 * lost / at_start';

CREATE FUNCTION churn_rate(at_start numeric, at_end numeric, new numeric) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'churn_rate_balances';

COMMENT ON FUNCTION churn_rate(numeric, numeric, numeric) IS
'per cent of the customers at the start who are not there at the end: 100 - retention_rate(at_start, at_end, new)';

CREATE FUNCTION churn_rate(churned numeric, at_start numeric, joined_and_left numeric, reactivated numeric)
RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'churn_rate_departures';

COMMENT ON FUNCTION churn_rate(numeric, numeric, numeric, numeric) IS
'per cent of the customers at the start who left for good, from all departures: 100 * (churned - joined_and_left - '
'reactivated) / at_start';

CREATE FUNCTION compound_retention(rate numeric, periods numeric) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'compound_retention';

COMMENT ON FUNCTION compound_retention(numeric, numeric) IS
'per cent retained over several periods, or a fraction of one, from the per cent retained in one';

CREATE FUNCTION compound_churn(rate numeric, periods numeric) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'compound_churn';

COMMENT ON FUNCTION compound_churn(numeric, numeric) IS
'per cent lost over several periods, or a fraction of one, from the per cent lost in one';

CREATE FUNCTION rate_interval(
  hits numeric,
  total numeric,
  confidence double precision DEFAULT 0.95,
  method text DEFAULT 'wilson',
  OUT low numeric,
  OUT high numeric)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rate_interval';

COMMENT ON FUNCTION rate_interval(numeric, numeric, double precision, text) IS
'confidence limits of the rate 100 * hits / total, in per cent; methods: wilson, exact';

CREATE FUNCTION rate_difference(
  hits_a numeric,
  total_a numeric,
  hits_b numeric,
  total_b numeric,
  confidence double precision DEFAULT 0.95,
  OUT difference numeric,
  OUT low numeric,
  OUT high numeric,
  OUT p_value double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rate_difference';

COMMENT ON FUNCTION rate_difference(numeric, numeric, numeric, numeric, double precision) IS
'the rate of a minus the rate of b in percentage points, its confidence limits, and the p-value of no difference';

CREATE FUNCTION person_time_interval(
  events numeric,
  exposure numeric,
  confidence double precision DEFAULT 0.95,
  OUT rate numeric,
  OUT low numeric,
  OUT high numeric)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'person_time_interval';

COMMENT ON FUNCTION person_time_interval(numeric, numeric, double precision) IS
'events per unit of exposure and its exact confidence limits';
