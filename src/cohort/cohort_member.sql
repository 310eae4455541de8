-- One customer in the cells of a cohort table.

CREATE FUNCTION cohort_membership(
  activity retention_activity,
  criterion text DEFAULT 'on'
) RETURNS TABLE (
  cohort date,
  period integer,
  period_start date,
  period_end date,
  standing text,
  complete boolean,
  first_at timestamp,
  last_at timestamp,
  events integer
)
LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 30 AS 'MODULE_PATHNAME', 'cohort_membership';
COMMENT ON FUNCTION cohort_membership(retention_activity, text) IS
'the cells of one customer in a cohort table, and whether they came back';

CREATE FUNCTION cohort_membership(
  activity retention_activity,
  grid retention_grid,
  criterion text DEFAULT 'on',
  as_of timestamp DEFAULT NULL
) RETURNS TABLE (
  cohort date,
  period integer,
  period_start date,
  period_end date,
  standing text,
  complete boolean,
  first_at timestamp,
  last_at timestamp,
  events integer
)
LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 30 AS 'MODULE_PATHNAME', 'cohort_membership_grid';
COMMENT ON FUNCTION cohort_membership(retention_activity, retention_grid, text, timestamp) IS
'the cells of one customer in a cohort table, and whether they came back on a grid';

CREATE FUNCTION cohort_membership_at(
  activity retention_activity,
  criterion text DEFAULT 'on'
) RETURNS TABLE (
  cohort timestamptz,
  period integer,
  period_start timestamptz,
  period_end timestamptz,
  standing text,
  complete boolean,
  first_at timestamptz,
  last_at timestamptz,
  events integer
)
LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 30 AS 'MODULE_PATHNAME', 'cohort_membership_at';
COMMENT ON FUNCTION cohort_membership_at(retention_activity, text) IS
'the cells of one customer in a cohort table, and whether they came back; periods as timestamps';

CREATE FUNCTION cohort_membership_at(
  activity retention_activity,
  grid retention_grid,
  criterion text DEFAULT 'on',
  as_of timestamp DEFAULT NULL
) RETURNS TABLE (
  cohort timestamptz,
  period integer,
  period_start timestamptz,
  period_end timestamptz,
  standing text,
  complete boolean,
  first_at timestamptz,
  last_at timestamptz,
  events integer
)
LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 30 AS 'MODULE_PATHNAME', 'cohort_membership_at_grid';
COMMENT ON FUNCTION cohort_membership_at(retention_activity, retention_grid, text, timestamp) IS
'the cells of one customer in a cohort table, and whether they came back on a grid; periods as timestamps';
