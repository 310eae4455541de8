-- What cohorts are worth, as rows.

-- cohort_value_cells_at: periods as timestamps
CREATE FUNCTION cohort_value_cells(value retention_cohort_value, measure text DEFAULT 'sum') RETURNS TABLE (
  cohort date,
  cohort_size bigint,
  period integer,
  period_start date,
  period_end date,
  at_risk bigint,
  retained bigint,
  value numeric,
  status text
)
LANGUAGE C STABLE PARALLEL SAFE ROWS 300 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION cohort_value_cells(retention_cohort_value, text) IS
'the amounts of cohorts, one row per cohort and period, by a measure';
