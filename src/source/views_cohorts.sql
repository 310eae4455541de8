-- source: the views made of cohorts: cohorts, curve, lifecycle, stickiness.

CREATE FUNCTION retention_internal.source_active(source retention_internal.source, calendar text, known text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  o record := @extschema@.grid_options(source.grid);
  hours boolean := o.unit = 'hour';
  is_date boolean := source.time_type = 'date'::regtype;
  -- Memberships, brought to what retention_periods() takes: days or wall-clock times, in a grid of hours instants.
  moved text := CASE WHEN NOT is_date AND (source.time_type = 'timestamptz'::regtype) <> hours
    THEN format(' AT TIME ZONE %L', source.time_zone) ELSE '' END;
  first_start text := CASE o.cohorts WHEN 'first' THEN 'joined' ELSE 'started' END;
  begins text[] := ARRAY(
    SELECT format('@extschema@.retention_period_start(s.%s, %s)', c.c, calendar)
      || CASE WHEN is_date OR hours THEN '' ELSE '::date' END
    FROM unnest(ARRAY[first_start, 'started', 'ended']) WITH ORDINALITY AS c (c, place) ORDER BY c.place);
  until text := format('coalesce(s.ended, %s)', CASE WHEN is_date THEN known || '::date'
    WHEN hours THEN format('%s AT TIME ZONE %L', known, source.time_zone) ELSE known END);
BEGIN
  RETURN format($q$stay AS (
  SELECT c.customer, lower(c.stays) AS joined, lower(s.stay) AS started, upper(s.stay) AS ended
  FROM (
    SELECT p.customer, range_agg(%1$s(p.started, p.ended)) AS stays
    FROM (SELECT customer, started%2$s AS started, ended%2$s AS ended FROM presence WHERE isfinite(started)) AS p
    WHERE p.started < coalesce(p.ended, 'infinity')
    GROUP BY p.customer
  ) AS c, unnest(c.stays) AS s (stay)
),
active AS (
  SELECT s.customer, greatest(d.period_start%3$s, s.started) AS at, false AS starts
  FROM stay AS s, @extschema@.%4$s(%5$s, %6$s) AS d%7$s
  UNION ALL
  SELECT s.customer, s.started, true FROM stay AS s
),
first AS (
  SELECT s.cohort, count(*) AS retained
  FROM (SELECT %8$s AS cohort, %9$s AS started, %10$s AS ended FROM stay AS s) AS s
  WHERE s.started = s.cohort AND coalesce(s.ended > s.cohort, true)
  GROUP BY s.cohort
)$q$,
    CASE WHEN is_date THEN 'daterange' WHEN hours THEN 'tstzrange' ELSE 'tsrange' END, moved,
    CASE WHEN is_date OR hours THEN '' ELSE '::timestamp' END,
    CASE WHEN hours THEN 'retention_periods_at' ELSE 'retention_periods' END, calendar,
    CASE WHEN is_date OR hours THEN 's.started, ' || until
      ELSE format('s.started::date, (%s - interval ''1 microsecond'')::date + 1', until) END,
    CASE source.presence WHEN 'any' THEN '' ELSE E'\n  WHERE coalesce(s.ended >= d.period_end, true)' END,
    begins[1], begins[2], begins[3]);
END
$$;
COMMENT ON FUNCTION retention_internal.source_active(retention_internal.source, text, text) IS
'three parts of a WITH, made from the memberships of subscriptions: stay (memberships that overlap or touch as one), '
'active (starts, and periods that a customer is active in), first (those of a cohort still there at the end of its '
'period 0)';

-- Period 0 of a summary counts everybody who started in it. Where cohorts count the end of a period, those still there
-- at its end are put in their place.

CREATE FUNCTION retention_internal.source_cells(source retention_internal.source, what text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN $1.presence = 'at_end' AND $2 = 'cohorts' THEN format($q$SELECT c.cohort, c.cohort_size, c.period,
  c.period_start, c.period_end, c.at_risk, r.retained,
  CASE WHEN c.status = 'observed' THEN trim_scale(100 * r.retained / c.at_risk::numeric) END AS retention_rate,
  CASE WHEN c.period > 0 THEN c.ci_low ELSE i.low END AS ci_low,
  CASE WHEN c.period > 0 THEN c.ci_high ELSE i.high END AS ci_high, c.status
FROM summary AS s CROSS JOIN LATERAL @extschema@.%1$s AS c
  LEFT JOIN first AS f ON c.period = 0 AND f.cohort = c.cohort
  CROSS JOIN LATERAL (SELECT CASE c.period WHEN 0 THEN coalesce(f.retained, 0) ELSE c.retained END AS retained) AS r
  LEFT JOIN LATERAL %4$s AS i ON c.period = 0 AND c.status = 'observed'
ORDER BY c.cohort, c.period$q$, o.cells, o.curve, NULL, format(o.limits, 'r.retained'))
    WHEN $1.presence = 'at_end' AND $2 = 'curve' THEN format($q$SELECT c.period, c.cohorts, c.at_risk,
  coalesce(f.retained, c.retained) AS retained,
  CASE WHEN c.period > 0 THEN c.retention_rate
    ELSE trim_scale(100 * f.retained / c.at_risk::numeric) END AS retention_rate,
  coalesce(i.low, c.ci_low) AS ci_low, coalesce(i.high, c.ci_high) AS ci_high
FROM summary AS s CROSS JOIN LATERAL @extschema@.%2$s AS c
  LEFT JOIN LATERAL (
    SELECT coalesce(sum(n.retained), 0)::bigint AS retained
    FROM first AS n
    WHERE n.cohort IN (SELECT o.cohort FROM @extschema@.%1$s AS o WHERE o.period = 0 AND o.status = 'observed')
  ) AS f ON c.period = 0
  LEFT JOIN LATERAL %4$s AS i ON %3$s
ORDER BY c.period$q$, o.cells, o.curve,
      -- Customers who are in several cohorts are not several customers.
      CASE o.cohorts WHEN 'first' THEN 'c.period = 0' ELSE 'false' END, format(o.limits, 'f.retained'))
    WHEN $2 = 'cohorts' THEN format('SELECT c.cohort, c.cohort_size, c.period, c.period_start, c.period_end, '
      'c.at_risk, c.retained, CASE WHEN c.status = ''observed'' THEN c.retention_rate END AS retention_rate, c.ci_low, '
      'c.ci_high, c.status FROM summary AS s, @extschema@.%s AS c', o.cells)
    ELSE format('SELECT c.* FROM summary AS s, @extschema@.%s AS c',
      CASE $2 WHEN 'curve' THEN o.curve WHEN 'lifecycle' THEN o.lifecycle ELSE 'stickiness(s.cohorts)' END) END
  FROM (SELECT format('cohort_cells%s(s.cohorts, ''on''::text, NULL::timestamp, 0.95::double precision, NULL::integer)',
    n.suffix)
        AS cells,
      'retention_curve(s.cohorts, ''on''::text, ''pooled''::text, NULL::timestamp, 0.95::double precision)' AS curve,
      format('lifecycle%s(s.cohorts, NULL::timestamp)', n.suffix) AS lifecycle,
      '@extschema@.rate_interval(%s::numeric, c.at_risk::numeric, 0.95::double precision, ''wilson''::text)' AS limits,
      n.cohorts
    FROM (SELECT g.cohorts, CASE g.unit WHEN 'hour' THEN '_at' ELSE '' END AS suffix
      FROM @extschema@.grid_options($1.grid) AS g) AS n) AS o
$$;
COMMENT ON FUNCTION retention_internal.source_cells(retention_internal.source, text) IS
'the SELECT of cohorts, curve, lifecycle or stickiness from the part "summary" of a WITH and, where cohorts count the '
'end of a period, from "first"';

CREATE FUNCTION retention_internal.source_cells_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $3 <> 'stickiness' OR $1.kind = 'events' THEN format(E'WITH %s,\n%s\n%s', $2.known, CASE
      WHEN $2.kept IS NOT NULL THEN format('summary AS (SELECT s.cohorts %s)', $2.kept)
      WHEN $1.kind = 'events' THEN
        format('summary AS (SELECT @extschema@.cohort_retention(e.%s, %s, %s) AS cohorts FROM %s AS e)',
          k.customer, retention_internal.source_event_time('e'), k.grid, $1.source)
      -- In a lifecycle, customers are new in the first period that they are active in.
      ELSE format(E'%s,\n%s,\nsummary AS (SELECT @extschema@.cohort_retention(a.%s, a.at, %s%s) AS cohorts '
          'FROM active AS a%s)',
        $2.presence, retention_internal.source_active($1, $2.calendar, '(SELECT as_of FROM known)'), k.customer, k.grid,
        CASE $3 WHEN 'lifecycle' THEN '' ELSE ', a.starts, NOT a.starts' END,
        CASE $3 WHEN 'lifecycle' THEN ' WHERE NOT a.starts' ELSE '' END)
      END, retention_internal.source_cells($1, $3)) END
  FROM (SELECT retention_internal.source_customer($1) AS customer,
    retention_internal.source_grid($1, '(SELECT as_of FROM known)') AS grid) AS k
$$;
COMMENT ON FUNCTION retention_internal.source_cells_view(retention_internal.source, retention_internal.view_parts, text)
IS 'the query of the view cohorts, curve, lifecycle or stickiness';
