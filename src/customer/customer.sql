-- What one customer's own history says.

CREATE FUNCTION usage_interval(activity retention_activity) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION usage_interval(retention_activity) IS
'the median number of days between the active periods of a customer; NULL below two periods';

CREATE FUNCTION usage_interval_figures(
  gaps retention_gaps,
  OUT customers bigint,
  OUT median numeric,
  OUT p25 numeric,
  OUT p75 numeric,
  OUT p90 numeric
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION usage_interval_figures(retention_gaps) IS
'the usual days between active periods of customers: how many have any, and quantiles of their medians';

CREATE FUNCTION customer_status(
  activity retention_activity,
  as_of timestamp DEFAULT NULL,
  lapse_after interval DEFAULT NULL,
  base retention_gaps DEFAULT NULL,
  OUT state text,
  OUT since timestamp,
  OUT last_at timestamp,
  OUT silence integer,
  OUT usual_gap numeric,
  OUT silence_ratio numeric
)
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION customer_status(retention_activity, timestamp, interval, retention_gaps) IS
'how things stand with a customer: lapsed, slipping, returned, new or active, and how long they have been silent';

CREATE FUNCTION customer_status(
  presence datemultirange, as_of date, OUT state text, OUT since date, OUT tenure numeric, OUT renewal_at date
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'customer_status_date';
COMMENT ON FUNCTION customer_status(datemultirange, date) IS
'how things stand with a member: not_started, active, returned or lapsed, for how long, and until when';

CREATE FUNCTION customer_status(
  presence tsmultirange, as_of timestamp, OUT state text, OUT since timestamp, OUT tenure numeric,
  OUT renewal_at timestamp
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'customer_status_local';
COMMENT ON FUNCTION customer_status(tsmultirange, timestamp) IS
'how things stand with a member: not_started, active, returned or lapsed, for how long, and until when';

CREATE FUNCTION customer_status(
  presence tstzmultirange, as_of timestamptz, OUT state text, OUT since timestamptz, OUT tenure numeric,
  OUT renewal_at timestamptz
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'customer_status_instant';
COMMENT ON FUNCTION customer_status(tstzmultirange, timestamptz) IS
'how things stand with a member: not_started, active, returned or lapsed, for how long, and until when';

CREATE FUNCTION rolling_active_days(rolling retention_rolling) RETURNS TABLE (
  day date,
  dau bigint,
  wau bigint,
  mau bigint,
  dau_mau numeric
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 365 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rolling_active_days(retention_rolling) IS
'by day, the customers active on it, in the 7 and in the 28 days up to it, and the first of the last in per cent';

CREATE FUNCTION power_user_curve(rolling retention_rolling) RETURNS TABLE (
  month date,
  active_days integer,
  customers bigint,
  share numeric
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 336 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION power_user_curve(retention_rolling) IS
'by month, how many customers were active on how many of its last 28 days, and their share in per cent';
