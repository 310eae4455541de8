-- source: the view of movements: flow.

CREATE FUNCTION retention_internal.source_flow_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres' AS $$
DECLARE
  time_column text := CASE source.kind WHEN 'events' THEN 'at' ELSE 'started' END;
  is_instant boolean := source.kind = 'events' AND source.time_type = 'timestamptz'::regtype;
BEGIN
  -- From the period of the first start to beyond as_of: a period that has not begun by then gives no row. Customers who
  -- started before 1900 were there before.
  RETURN format($q$WITH %1$s,
span AS (
  SELECT %2$s(
    @extschema@.retention_period_start(coalesce(least(f.first, k.as_of), k.as_of), %3$s),
    %4$s) AS span
  FROM (SELECT %5$s FROM known) AS k, (SELECT %6$s AS first %7$s) AS f
),
%8$s
SELECT f.* FROM summary AS s,
  @extschema@.flow_periods%9$s(s.flow, 'kept'::text, 'lost'::text, 0.95::double precision) AS f$q$,
    p.known, CASE p.time_type WHEN 'date' THEN 'daterange' WHEN 'timestamp' THEN 'tsrange' ELSE 'tstzrange' END,
    p.calendar,
    format(CASE p.time_type WHEN 'date' THEN '(k.as_of + interval %L)::date' ELSE 'k.as_of + interval %L' END,
      2 * (@extschema@.grid_options(source.grid)).length),
    CASE p.time_type WHEN 'date' THEN 'as_of::date' WHEN 'timestamp' THEN 'as_of'
      ELSE format('as_of AT TIME ZONE %s AS as_of', p.zone) END,
    CASE WHEN p.kept IS NOT NULL THEN 'max(t.first_at)' || CASE p.time_type WHEN 'date' THEN '::date' ELSE '' END
      ELSE format('min(%s)', time_column) || CASE WHEN is_instant THEN ' AT TIME ZONE ' || p.zone ELSE '' END END,
    coalesce(p.kept, format('FROM %s WHERE %s >= ''1900-01-01 00:00+00'' AND customer IS NOT NULL',
      source.source, time_column)),
    format(CASE WHEN p.kept IS NULL THEN E'%1$s,\n'
        'summary AS (\n'
        '  SELECT @extschema@.customer_flow(p.%2$s, p.started, p.ended, %3$s,\n'
        '    (SELECT span::@extschema@.retention_span FROM span)) AS flow\n'
        '  FROM presence AS p\n)'
      -- All stays of a customer are in one row. What begins or ends after as_of is beyond the last period.
      ELSE E'summary AS (\n'
        '  SELECT @extschema@.customer_flow(f.stays, %3$s,\n'
        '    (SELECT span::@extschema@.retention_span FROM span)) AS flow\n'
        '  FROM %4$s AS f\n)' END,
      p.presence, retention_internal.source_customer(source),
      retention_internal.source_grid(source, '(SELECT as_of FROM known)', true), (source.kept).facts),
    CASE WHEN p.hours THEN '_at' ELSE '' END);
END
$$;
COMMENT ON FUNCTION retention_internal.source_flow_view(retention_internal.source, retention_internal.view_parts, text)
IS
'the query of the view flow';
