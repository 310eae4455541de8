-- Several ways to leave.

CREATE FUNCTION incidence_curve(
  s retention_incidence,
  ci text DEFAULT 'log-log',
  confidence double precision DEFAULT 0.95,
  times double precision[] DEFAULT NULL)
RETURNS TABLE (
  cause text,
  "time" double precision,
  incidence double precision,
  std_error double precision,
  ci_low double precision,
  ci_high double precision)
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'incidence_curve';
COMMENT ON FUNCTION incidence_curve(retention_incidence, text, double precision, double precision[]) IS
'probability (0..1) of having left for each cause by each time (Aalen-Johansen), or by the given times';
