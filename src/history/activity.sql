-- Facts of one customer: when he was active.

CREATE TYPE retention_activity;

CREATE FUNCTION retention_internal.retention_activity_in(cstring) RETURNS retention_activity
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_activity_in(cstring) IS 'I/O';

CREATE FUNCTION retention_internal.retention_activity_out(retention_activity) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_activity_out(retention_activity) IS 'I/O';

CREATE FUNCTION retention_internal.retention_activity_recv(internal) RETURNS retention_activity
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_activity_recv(internal) IS 'I/O';

CREATE FUNCTION retention_internal.retention_activity_send(retention_activity) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_activity_send(retention_activity) IS 'I/O';

CREATE TYPE retention_activity (
  INPUT = retention_internal.retention_activity_in,
  OUTPUT = retention_internal.retention_activity_out,
  RECEIVE = retention_internal.retention_activity_recv,
  SEND = retention_internal.retention_activity_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = int4,
  STORAGE = extended
);
COMMENT ON TYPE retention_activity IS
'the facts of one customer: when he first started, when he was active, which periods; added by activity_union()';

CREATE FUNCTION retention_internal.activity_combine(retention_activity, retention_activity) RETURNS retention_activity
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.activity_combine(retention_activity, retention_activity) IS 'combine function of the activity aggregates';

CREATE FUNCTION retention_internal.activity_final(retention_activity) RETURNS retention_activity
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.activity_final(retention_activity) IS 'final function of the activity aggregates';

CREATE FUNCTION retention_internal.activity_transfn(retention_activity, date, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transfn_date';
COMMENT ON FUNCTION retention_internal.activity_transfn(retention_activity, date, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(at date, grid retention_grid) (
  SFUNC = retention_internal.activity_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(date, retention_grid) IS
'the facts of one customer, from his rows';

CREATE FUNCTION retention_internal.activity_transfn(retention_activity, timestamp, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transfn_local';
COMMENT ON FUNCTION retention_internal.activity_transfn(retention_activity, timestamp, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(at timestamp, grid retention_grid) (
  SFUNC = retention_internal.activity_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(timestamp, retention_grid) IS
'the facts of one customer, from his rows';

CREATE FUNCTION retention_internal.activity_transfn(retention_activity, timestamptz, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transfn_instant';
COMMENT ON FUNCTION retention_internal.activity_transfn(retention_activity, timestamptz, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.activity_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(timestamptz, retention_grid) IS
'the facts of one customer, from his rows';

CREATE FUNCTION retention_internal.activity_flags_transfn(retention_activity, date, retention_grid, boolean, boolean) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_flags_transfn_date';
COMMENT ON FUNCTION retention_internal.activity_flags_transfn(retention_activity, date, retention_grid, boolean, boolean) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(at date, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.activity_flags_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(date, retention_grid, boolean, boolean) IS
'the facts of one customer, where not every row starts a cohort or counts as coming back';

CREATE FUNCTION retention_internal.activity_flags_transfn(retention_activity, timestamp, retention_grid, boolean, boolean) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_flags_transfn_local';
COMMENT ON FUNCTION retention_internal.activity_flags_transfn(retention_activity, timestamp, retention_grid, boolean, boolean) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(at timestamp, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.activity_flags_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(timestamp, retention_grid, boolean, boolean) IS
'the facts of one customer, where not every row starts a cohort or counts as coming back';

CREATE FUNCTION retention_internal.activity_flags_transfn(retention_activity, timestamptz, retention_grid, boolean, boolean) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_flags_transfn_instant';
COMMENT ON FUNCTION retention_internal.activity_flags_transfn(retention_activity, timestamptz, retention_grid, boolean, boolean) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(at timestamptz, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.activity_flags_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(timestamptz, retention_grid, boolean, boolean) IS
'the facts of one customer, where not every row starts a cohort or counts as coming back';

CREATE FUNCTION retention_internal.activity_anchor_transfn(retention_activity, date, date, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_anchor_transfn_date_date';
COMMENT ON FUNCTION retention_internal.activity_anchor_transfn(retention_activity, date, date, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(anchor date, at date, grid retention_grid) (
  SFUNC = retention_internal.activity_anchor_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(date, date, retention_grid) IS
'the facts of one customer, where each row carries his own start';

CREATE FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamp, date, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_anchor_transfn_local_date';
COMMENT ON FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamp, date, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(anchor timestamp, at date, grid retention_grid) (
  SFUNC = retention_internal.activity_anchor_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(timestamp, date, retention_grid) IS
'the facts of one customer, where each row carries his own start';

CREATE FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamptz, date, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_anchor_transfn_instant_date';
COMMENT ON FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamptz, date, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(anchor timestamptz, at date, grid retention_grid) (
  SFUNC = retention_internal.activity_anchor_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(timestamptz, date, retention_grid) IS
'the facts of one customer, where each row carries his own start';

CREATE FUNCTION retention_internal.activity_anchor_transfn(retention_activity, date, timestamp, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_anchor_transfn_date_local';
COMMENT ON FUNCTION retention_internal.activity_anchor_transfn(retention_activity, date, timestamp, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(anchor date, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.activity_anchor_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(date, timestamp, retention_grid) IS
'the facts of one customer, where each row carries his own start';

CREATE FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamp, timestamp, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_anchor_transfn_local_local';
COMMENT ON FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamp, timestamp, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(anchor timestamp, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.activity_anchor_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(timestamp, timestamp, retention_grid) IS
'the facts of one customer, where each row carries his own start';

CREATE FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamptz, timestamp, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_anchor_transfn_instant_local';
COMMENT ON FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamptz, timestamp, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(anchor timestamptz, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.activity_anchor_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(timestamptz, timestamp, retention_grid) IS
'the facts of one customer, where each row carries his own start';

CREATE FUNCTION retention_internal.activity_anchor_transfn(retention_activity, date, timestamptz, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_anchor_transfn_date_instant';
COMMENT ON FUNCTION retention_internal.activity_anchor_transfn(retention_activity, date, timestamptz, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(anchor date, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.activity_anchor_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(date, timestamptz, retention_grid) IS
'the facts of one customer, where each row carries his own start';

CREATE FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamp, timestamptz, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_anchor_transfn_local_instant';
COMMENT ON FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamp, timestamptz, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(anchor timestamp, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.activity_anchor_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(timestamp, timestamptz, retention_grid) IS
'the facts of one customer, where each row carries his own start';

CREATE FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamptz, timestamptz, retention_grid) RETURNS retention_activity
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_anchor_transfn_instant_instant';
COMMENT ON FUNCTION retention_internal.activity_anchor_transfn(retention_activity, timestamptz, timestamptz, retention_grid) IS 'transition function of the aggregate activity';

CREATE AGGREGATE activity(anchor timestamptz, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.activity_anchor_transfn,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity(timestamptz, timestamptz, retention_grid) IS
'the facts of one customer, where each row carries his own start';

-- Facts added up.

CREATE AGGREGATE activity_union(activity retention_activity) (
  SFUNC = retention_internal.activity_combine,
  STYPE = retention_activity,
  SSPACE = 160,
  FINALFUNC = retention_internal.activity_final,
  COMBINEFUNC = retention_internal.activity_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE activity_union(retention_activity) IS
'the facts of one customer from facts of some of his rows each; no row may be in two of them';

CREATE FUNCTION activity_union(activity retention_activity, other retention_activity) RETURNS retention_activity
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION activity_union(retention_activity, retention_activity) IS
'the facts of one customer from facts of some of his rows each; no row may be in both';

CREATE FUNCTION coarsen(activity retention_activity, grid retention_grid) RETURNS retention_activity
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_coarsen_sql';
COMMENT ON FUNCTION coarsen(retention_activity, retention_grid) IS
'the same facts on a coarser grid, such as months from days; an error where that is not exact';

-- Answers.

CREATE FUNCTION first_active(activity retention_activity) RETURNS timestamp
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_first_active';
COMMENT ON FUNCTION first_active(retention_activity) IS
'the first start, in the wall-clock time of the grid''s zone';

CREATE FUNCTION first_active_at(activity retention_activity) RETURNS timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_first_active_at';
COMMENT ON FUNCTION first_active_at(retention_activity) IS
'the first start';

CREATE FUNCTION last_active(activity retention_activity) RETURNS timestamp
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_last_active';
COMMENT ON FUNCTION last_active(retention_activity) IS
'the time of the last row, in the wall-clock time of the grid''s zone';

CREATE FUNCTION last_active_at(activity retention_activity) RETURNS timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_last_active_at';
COMMENT ON FUNCTION last_active_at(retention_activity) IS
'the time of the last row';

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

CREATE FUNCTION active_periods_at(activity retention_activity)
RETURNS TABLE (
  period bigint,
  period_start timestamptz,
  period_end timestamptz,
  events integer,
  is_start boolean,
  is_return boolean
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME', 'activity_active_periods_at';
COMMENT ON FUNCTION active_periods_at(retention_activity) IS
'every period with a row in it, its bounds as instants';
