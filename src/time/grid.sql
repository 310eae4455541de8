-- The grid: how time is cut into periods.

CREATE FUNCTION retention_grid(
  unit text,
  week_start text DEFAULT 'monday',
  time_zone text DEFAULT NULL,
  origin date DEFAULT NULL,
  windows text DEFAULT 'calendar',
  cohorts text DEFAULT 'first',
  brackets text DEFAULT NULL,
  min_events integer DEFAULT 1,
  as_of timestamp DEFAULT NULL,
  reactivation_within interval DEFAULT NULL
) RETURNS retention_grid
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_grid';

COMMENT ON FUNCTION
retention_grid(text, text, text, date, text, text, text, integer, timestamp, interval) IS
'a grid from its parts, for example retention_grid(''week'', time_zone => ''Europe/Berlin'')';

CREATE FUNCTION grid_options(
  grid retention_grid,
  OUT period text,
  OUT unit text,
  OUT count integer,
  OUT length interval,
  OUT week_start text,
  OUT time_zone text,
  OUT origin date,
  OUT windows text,
  OUT cohorts text,
  OUT brackets text[],
  OUT min_events integer,
  OUT as_of timestamp,
  OUT reactivation_within interval
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'grid_options';

COMMENT ON FUNCTION grid_options(retention_grid) IS
'the parts of a grid as columns, with its defaults filled in';

CREATE FUNCTION retention_internal.grid_calendar(grid retention_grid) RETURNS retention_grid
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'grid_calendar';

COMMENT ON FUNCTION retention_internal.grid_calendar(retention_grid) IS
'the calendar periods of a grid: its unit, week_start, time_zone and origin alone';

CREATE FUNCTION retention_period_number(at date, grid retention_grid) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_period_number_date';

CREATE FUNCTION retention_period_number(at timestamp, grid retention_grid) RETURNS bigint
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_period_number_local';

CREATE FUNCTION retention_period_number(at timestamptz, grid retention_grid) RETURNS bigint
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_period_number_instant';

COMMENT ON FUNCTION retention_period_number(date, retention_grid) IS
'the number of the period a day lies in; consecutive, 0 at the origin';
COMMENT ON FUNCTION retention_period_number(timestamp, retention_grid) IS
'the number of the period a wall-clock time lies in; consecutive, 0 at the origin';
COMMENT ON FUNCTION retention_period_number(timestamptz, retention_grid) IS
'the number of the period an instant lies in; consecutive, 0 at the origin';

CREATE FUNCTION retention_period_start(at date, grid retention_grid) RETURNS date
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_period_start_date';

CREATE FUNCTION retention_period_start(at timestamp, grid retention_grid) RETURNS timestamp
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_period_start_local';

CREATE FUNCTION retention_period_start(at timestamptz, grid retention_grid) RETURNS timestamptz
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_period_start_instant';

COMMENT ON FUNCTION retention_period_start(date, retention_grid) IS
'the first day of the period a day lies in';
COMMENT ON FUNCTION retention_period_start(timestamp, retention_grid) IS
'the beginning of the period a wall-clock time lies in';
COMMENT ON FUNCTION retention_period_start(timestamptz, retention_grid) IS
'the beginning of the period an instant lies in';

CREATE FUNCTION retention_periods(grid retention_grid, "from" date, "to" date)
RETURNS TABLE (period bigint, period_start date, period_end date)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'retention_periods';

COMMENT ON FUNCTION retention_periods(retention_grid, date, date) IS
'every period that overlaps the days from (included) to (excluded)';

CREATE FUNCTION retention_periods_at(grid retention_grid, "from" timestamptz, "to" timestamptz)
RETURNS TABLE (period bigint, period_start timestamptz, period_end timestamptz)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'retention_periods_at';

COMMENT ON FUNCTION retention_periods_at(retention_grid, timestamptz, timestamptz) IS
'every period that overlaps the time from (included) to (excluded)';

CREATE FUNCTION retention_period(
  grid retention_grid, steps integer DEFAULT -1, at timestamptz DEFAULT pg_catalog.now()
) RETURNS daterange
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_period';

COMMENT ON FUNCTION retention_period(retention_grid, integer, timestamptz) IS
'a period as days: the last complete one (-1), the running one (0), the next (1), as seen at an instant';

CREATE FUNCTION retention_period_tz(
  grid retention_grid, steps integer DEFAULT -1, at timestamptz DEFAULT pg_catalog.now()
) RETURNS tstzrange
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_period_tz';

COMMENT ON FUNCTION retention_period_tz(retention_grid, integer, timestamptz) IS
'a period as instants: the last complete one (-1), the running one (0), the next (1), as seen at an instant';
