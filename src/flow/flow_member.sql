-- One customer in the periods of a flow.

CREATE FUNCTION flow_membership(presence datemultirange, period retention_span) RETURNS TABLE (
  period_start date,
  period_end date,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 1 AS 'MODULE_PATHNAME', 'flow_membership_date';
COMMENT ON FUNCTION flow_membership(datemultirange, retention_span) IS
'how one customer counts in a period';

CREATE FUNCTION flow_membership(presence tsmultirange, period retention_span) RETURNS TABLE (
  period_start date,
  period_end date,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 1 AS 'MODULE_PATHNAME', 'flow_membership_local';
COMMENT ON FUNCTION flow_membership(tsmultirange, retention_span) IS
'how one customer counts in a period';

CREATE FUNCTION flow_membership(presence tstzmultirange, period retention_span) RETURNS TABLE (
  period_start date,
  period_end date,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 1 AS 'MODULE_PATHNAME', 'flow_membership_instant';
COMMENT ON FUNCTION flow_membership(tstzmultirange, retention_span) IS
'how one customer counts in a period';

CREATE FUNCTION flow_membership(presence datemultirange, grid retention_grid, span retention_span) RETURNS TABLE (
  period_start date,
  period_end date,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'flow_membership_date_grid';
COMMENT ON FUNCTION flow_membership(datemultirange, retention_grid, retention_span) IS
'how one customer counts in every period of a grid that lies inside the span';

CREATE FUNCTION flow_membership(presence tsmultirange, grid retention_grid, span retention_span) RETURNS TABLE (
  period_start date,
  period_end date,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'flow_membership_local_grid';
COMMENT ON FUNCTION flow_membership(tsmultirange, retention_grid, retention_span) IS
'how one customer counts in every period of a grid that lies inside the span';

CREATE FUNCTION flow_membership(presence tstzmultirange, grid retention_grid, span retention_span) RETURNS TABLE (
  period_start date,
  period_end date,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'flow_membership_instant_grid';
COMMENT ON FUNCTION flow_membership(tstzmultirange, retention_grid, retention_span) IS
'how one customer counts in every period of a grid that lies inside the span';

CREATE FUNCTION flow_membership_at(presence datemultirange, period retention_span) RETURNS TABLE (
  period_start timestamptz,
  period_end timestamptz,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 1 AS 'MODULE_PATHNAME', 'flow_membership_at_date';
COMMENT ON FUNCTION flow_membership_at(datemultirange, retention_span) IS
'how one customer counts in a period; periods as timestamps';

CREATE FUNCTION flow_membership_at(presence tsmultirange, period retention_span) RETURNS TABLE (
  period_start timestamptz,
  period_end timestamptz,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 1 AS 'MODULE_PATHNAME', 'flow_membership_at_local';
COMMENT ON FUNCTION flow_membership_at(tsmultirange, retention_span) IS
'how one customer counts in a period; periods as timestamps';

CREATE FUNCTION flow_membership_at(presence tstzmultirange, period retention_span) RETURNS TABLE (
  period_start timestamptz,
  period_end timestamptz,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 1 AS 'MODULE_PATHNAME', 'flow_membership_at_instant';
COMMENT ON FUNCTION flow_membership_at(tstzmultirange, retention_span) IS
'how one customer counts in a period; periods as timestamps';

CREATE FUNCTION flow_membership_at(presence datemultirange, grid retention_grid, span retention_span) RETURNS TABLE (
  period_start timestamptz,
  period_end timestamptz,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'flow_membership_at_date_grid';
COMMENT ON FUNCTION flow_membership_at(datemultirange, retention_grid, retention_span) IS
'how one customer counts in every period of a grid that lies inside the span; periods as timestamps';

CREATE FUNCTION flow_membership_at(presence tsmultirange, grid retention_grid, span retention_span) RETURNS TABLE (
  period_start timestamptz,
  period_end timestamptz,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'flow_membership_at_local_grid';
COMMENT ON FUNCTION flow_membership_at(tsmultirange, retention_grid, retention_span) IS
'how one customer counts in every period of a grid that lies inside the span; periods as timestamps';

CREATE FUNCTION flow_membership_at(presence tstzmultirange, grid retention_grid, span retention_span) RETURNS TABLE (
  period_start timestamptz,
  period_end timestamptz,
  there_at_start boolean,
  there_at_end boolean,
  movement text,
  departures bigint,
  days_present numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'flow_membership_at_instant_grid';
COMMENT ON FUNCTION flow_membership_at(tstzmultirange, retention_grid, retention_span) IS
'how one customer counts in every period of a grid that lies inside the span; periods as timestamps';

-- flow_movements_at: periods as timestamps
CREATE FUNCTION retention_internal.flow_movements(presence datemultirange, grid retention_grid, span retention_span)
RETURNS TABLE (
  period_start date,
  period_end date,
  movement text,
  departures bigint
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'flow_movements_date';
COMMENT ON FUNCTION retention_internal.flow_movements(datemultirange, retention_grid, retention_span) IS
'flow_membership() in few columns, of the periods in which the customer was there';

-- flow_movements_at: periods as timestamps
CREATE FUNCTION retention_internal.flow_movements(presence tsmultirange, grid retention_grid, span retention_span)
RETURNS TABLE (
  period_start date,
  period_end date,
  movement text,
  departures bigint
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'flow_movements_local';
COMMENT ON FUNCTION retention_internal.flow_movements(tsmultirange, retention_grid, retention_span) IS
'flow_membership() in few columns, of the periods in which the customer was there';

-- flow_movements_at: periods as timestamps
CREATE FUNCTION retention_internal.flow_movements(presence tstzmultirange, grid retention_grid, span retention_span)
RETURNS TABLE (
  period_start date,
  period_end date,
  movement text,
  departures bigint
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'flow_movements_instant';
COMMENT ON FUNCTION retention_internal.flow_movements(tstzmultirange, retention_grid, retention_span) IS
'flow_membership() in few columns, of the periods in which the customer was there';
