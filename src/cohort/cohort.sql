-- Answers from cohorts.

CREATE FUNCTION cohort_subtract(summary retention_cohorts, part retention_cohorts) RETURNS retention_cohorts
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cohort_subtract_sql';
COMMENT ON FUNCTION cohort_subtract(retention_cohorts, retention_cohorts) IS
'the cohorts without the customers of the part; all rows of these must be in the summary';

CREATE FUNCTION cohort_replace(summary retention_cohorts, old retention_cohorts, new retention_cohorts)
RETURNS retention_cohorts
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cohort_replace_sql';
COMMENT ON FUNCTION cohort_replace(retention_cohorts, retention_cohorts, retention_cohorts) IS
'the cohorts after some customers changed: without the old, with the new; known as far as both are';

CREATE FUNCTION retention_internal.cohort_replace_exact(
  summary retention_cohorts, old retention_cohorts, new retention_cohorts
) RETURNS retention_cohorts
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cohort_replace_exact';
COMMENT ON FUNCTION retention_internal.cohort_replace_exact(retention_cohorts, retention_cohorts, retention_cohorts) IS
'cohort_replace if the new have the first and the latest row of the result wherever the old had those of the summary';

-- cohort_cells_at: periods as timestamps
CREATE FUNCTION cohort_cells(
  summary retention_cohorts,
  criterion text DEFAULT 'on',
  as_of timestamp DEFAULT NULL,
  confidence double precision DEFAULT 0.95,
  suppress_below integer DEFAULT NULL
) RETURNS TABLE (
  cohort date,
  cohort_size bigint,
  period integer,
  period_label text,
  period_start date,
  period_end date,
  at_risk bigint,
  retained bigint,
  retention_rate numeric,
  ci_low numeric,
  ci_high numeric,
  status text
)
LANGUAGE C STABLE PARALLEL SAFE ROWS 300 AS 'MODULE_PATHNAME', 'cohort_cells';
COMMENT ON FUNCTION cohort_cells(retention_cohorts, text, timestamp, double precision, integer) IS
'the cohort table, one row per cohort and period';

CREATE FUNCTION cohort_notes(summary retention_cohorts, as_of timestamp DEFAULT NULL)
RETURNS TABLE (cohort date, period integer, note text)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION cohort_notes(retention_cohorts, timestamp) IS
'cells of a cohort table that must be read with care: where the records begin, and where there are no rows of anybody';

CREATE FUNCTION cohort_notes_at(summary retention_cohorts, as_of timestamp DEFAULT NULL)
RETURNS TABLE (cohort timestamptz, period integer, note text)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION cohort_notes_at(retention_cohorts, timestamp) IS
'cells of a cohort table that must be read with care; cohorts as timestamps';

-- noted_cells_at: periods as timestamps
CREATE FUNCTION retention_internal.noted_cells(
  summary retention_cohorts,
  criterion text,
  as_of timestamp,
  confidence double precision,
  suppress_below integer
) RETURNS TABLE (
  cohort date,
  cohort_size bigint,
  period integer,
  period_label text,
  period_start date,
  period_end date,
  at_risk bigint,
  retained bigint,
  retention_rate numeric,
  ci_low numeric,
  ci_high numeric,
  status text,
  note text
)
LANGUAGE C STABLE PARALLEL SAFE ROWS 300 AS 'MODULE_PATHNAME', 'noted_cells';
COMMENT ON FUNCTION retention_internal.noted_cells(retention_cohorts, text, timestamp, double precision, integer) IS
'the cohort table with what cohort_notes() says of a cell that is not suppressed';

CREATE FUNCTION retention_curve(
  summary retention_cohorts,
  criterion text DEFAULT 'on',
  mean text DEFAULT 'pooled',
  as_of timestamp DEFAULT NULL,
  confidence double precision DEFAULT 0.95
) RETURNS TABLE (
  period integer,
  period_label text,
  cohorts bigint,
  at_risk bigint,
  retained bigint,
  retention_rate numeric,
  ci_low numeric,
  ci_high numeric
)
LANGUAGE C STABLE PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'cohort_retention_curve';
COMMENT ON FUNCTION retention_curve(retention_cohorts, text, text, timestamp, double precision) IS
'one retention curve from the observed cells of all cohorts';

-- lifecycle_at: periods as timestamps
CREATE FUNCTION lifecycle(
  summary retention_cohorts,
  as_of timestamp DEFAULT NULL
) RETURNS TABLE (
  period_start date,
  active bigint,
  new bigint,
  retained bigint,
  resurrected bigint,
  dormant bigint,
  status text
)
LANGUAGE C STABLE PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'cohort_lifecycle';
COMMENT ON FUNCTION lifecycle(retention_cohorts, timestamp) IS
'active customers of every period: new, retained and resurrected, and those who went dormant';

CREATE FUNCTION stickiness(summary retention_cohorts) RETURNS TABLE (
  active_periods bigint,
  customers bigint,
  share numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'cohort_stickiness';
COMMENT ON FUNCTION stickiness(retention_cohorts) IS
'how many customers were active in how many periods, and their share in per cent';

CREATE FUNCTION cohort_totals(
  summary retention_cohorts,
  OUT grid text,
  OUT customers bigint,
  OUT rows_seen bigint,
  OUT rows_ignored bigint,
  OUT first_at timestamp,
  OUT latest_at timestamp,
  OUT as_of timestamp
)
LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION cohort_totals(retention_cohorts) IS
'what the cohorts were made of: grid, customers, rows, times; times are local times of the time zone of the grid';
