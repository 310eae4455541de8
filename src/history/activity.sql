-- Answers from the facts of one customer.

CREATE FUNCTION activity_union(activity retention_activity, other retention_activity) RETURNS retention_activity
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION activity_union(retention_activity, retention_activity) IS
'the facts of one customer from facts of some of their rows each; no row may be in both';

CREATE FUNCTION coarsen(activity retention_activity, grid retention_grid) RETURNS retention_activity
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_coarsen_sql';
COMMENT ON FUNCTION coarsen(retention_activity, retention_grid) IS
'the same facts on a coarser grid, such as months from days; an error if that is not exact';

CREATE FUNCTION first_active(activity retention_activity) RETURNS timestamp
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_first_active';
COMMENT ON FUNCTION first_active(retention_activity) IS
'the first start, as local time in the time zone of the grid';

CREATE FUNCTION first_active_at(activity retention_activity) RETURNS timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_first_active_at';
COMMENT ON FUNCTION first_active_at(retention_activity) IS
'the first start, as an instant';

CREATE FUNCTION last_active(activity retention_activity) RETURNS timestamp
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_last_active';
COMMENT ON FUNCTION last_active(retention_activity) IS
'the time of the last row, as local time in the time zone of the grid';

CREATE FUNCTION last_active_at(activity retention_activity) RETURNS timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_last_active_at';
COMMENT ON FUNCTION last_active_at(retention_activity) IS
'the time of the last row, as an instant';

-- active_periods_at: periods as timestamps
CREATE FUNCTION active_periods(activity retention_activity)
RETURNS TABLE (
  period bigint,
  period_start date,
  period_end date,
  events integer,
  is_start boolean,
  is_return boolean
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME', 'activity_active_periods';
COMMENT ON FUNCTION active_periods(retention_activity) IS
'every period with a row in it';

CREATE FUNCTION retention_internal.activity_summary(
  activity retention_activity, OUT frequency bigint, OUT recency double precision, OUT age double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_summary';
COMMENT ON FUNCTION retention_internal.activity_summary(retention_activity) IS
'what models of purchases ask of a customer, in periods of the grid and as of its as_of; NULL: it has none';
