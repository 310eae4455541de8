-- Answers from flows.

CREATE FUNCTION retention_rate(flow retention_flow, convention text DEFAULT 'kept') RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_retention_rate';
COMMENT ON FUNCTION retention_rate(retention_flow, text) IS
'retention rate in per cent of a flow of one period, by convention: kept, formula, continuous';

CREATE FUNCTION churn_rate(flow retention_flow, convention text DEFAULT 'lost') RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_churn_rate';
COMMENT ON FUNCTION churn_rate(retention_flow, text) IS
'churn rate in per cent of a flow of one period: lost, simple, exposed, average, customer_days or continuous';

-- flow_periods_at: periods as timestamps
CREATE FUNCTION flow_periods(
  flow retention_flow,
  retention text DEFAULT 'kept',
  churn text DEFAULT 'lost',
  confidence double precision DEFAULT 0.95
) RETURNS TABLE (
  period_start date,
  period_end date,
  status text,
  at_start bigint,
  joined bigint,
  gained bigint,
  reactivated bigint,
  lost bigint,
  at_end bigint,
  kept bigint,
  joined_and_left bigint,
  reactivated_and_left bigint,
  left_and_returned bigint,
  departures bigint,
  customer_days numeric,
  retention_rate numeric,
  retention_low numeric,
  retention_high numeric,
  churn_rate numeric,
  churn_low numeric,
  churn_high numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION flow_periods(retention_flow, text, text, double precision) IS
'the periods of a flow, one row each, with movements and rates';
