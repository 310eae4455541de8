-- Trials and renewals: answers.

-- trial_cells_at: cohorts as timestamps
CREATE FUNCTION trial_cells(trials retention_trials, confidence double precision DEFAULT 0.95) RETURNS TABLE (
  cohort date,
  trials bigint,
  converted bigint,
  conversion_rate numeric,
  ci_low numeric,
  ci_high numeric,
  status text
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION trial_cells(retention_trials, double precision) IS
'trials by the period of their start, one row each: how many converted';

-- renewal_cells_at: periods as timestamps
CREATE FUNCTION renewal_cells(trials retention_trials, confidence double precision DEFAULT 0.95) RETURNS TABLE (
  period_start date,
  due bigint,
  churned bigint,
  churn_rate numeric,
  ci_low numeric,
  ci_high numeric,
  status text
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION renewal_cells(retention_trials, double precision) IS
'contracts by the period in which their term ends, one row each: how many were left';
