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
begun AS (
  SELECT s.customer, s.cohort
  FROM (SELECT s.customer, %8$s AS cohort, %9$s AS started, %10$s AS ended FROM stay AS s) AS s
  WHERE s.started = s.cohort AND coalesce(s.ended > s.cohort, true)
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
'active (starts, and periods that a customer is active in), begun (customers of a cohort still there at the end of its '
'period 0)';

-- Period 0 of a summary counts everybody who started in it. Where cohorts count the end of a period, those still there
-- at its end are put in their place.

CREATE FUNCTION retention_internal.source_cells(
  source retention_internal.source, what text, by_segment boolean DEFAULT false, as_of text DEFAULT 'NULL::timestamp'
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN $1.presence = 'at_end' AND $2 = 'cohorts' THEN format($q$SELECT %5$sc.cohort, c.cohort_size, c.period,
  c.period_label, c.period_start, c.period_end, c.at_risk, r.retained,
  CASE WHEN c.status = 'observed' THEN trim_scale(100 * r.retained / c.at_risk::numeric) END AS retention_rate,
  CASE WHEN c.period > 0 THEN c.ci_low ELSE i.low END AS ci_low,
  CASE WHEN c.period > 0 THEN c.ci_high ELSE i.high END AS ci_high, c.status,
  nullif(c.note, 'records begin here') AS note
FROM summary AS s CROSS JOIN LATERAL %1$s AS c
  LEFT JOIN first AS f ON c.period = 0 AND f.cohort = c.cohort%6$s
  CROSS JOIN LATERAL (
    SELECT CASE WHEN c.period > 0 THEN c.retained ELSE coalesce(f.retained, 0) END AS retained) AS r
  LEFT JOIN LATERAL %4$s AS i ON c.period = 0 AND c.status = 'observed'
ORDER BY %5$sc.cohort, c.period$q$, o.noted, o.curve, NULL, format(o.limits, 'r.retained'), o.names, o.same)
    WHEN $1.presence = 'at_end' AND $2 = 'curve' THEN format($q$SELECT %5$sc.period, c.period_label, c.cohorts,
  c.at_risk, coalesce(f.retained, c.retained) AS retained,
  CASE WHEN c.period > 0 THEN c.retention_rate
    ELSE trim_scale(100 * f.retained / c.at_risk::numeric) END AS retention_rate,
  coalesce(i.low, c.ci_low) AS ci_low, coalesce(i.high, c.ci_high) AS ci_high
FROM summary AS s CROSS JOIN LATERAL @extschema@.%2$s AS c
  LEFT JOIN LATERAL (
    SELECT coalesce(sum(f.retained), 0)::bigint AS retained
    FROM first AS f
    WHERE f.cohort IN (
      SELECT o.cohort FROM @extschema@.%1$s AS o WHERE o.period = 0 AND o.status = 'observed')%6$s
  ) AS f ON c.period = 0
  LEFT JOIN LATERAL %4$s AS i ON %3$s
ORDER BY %5$sc.period$q$, o.cells, o.curve,
      -- Customers who are in several cohorts are not several customers.
      CASE o.cohorts WHEN 'first' THEN 'c.period = 0' ELSE 'false' END, format(o.limits, 'f.retained'), o.names, o.same)
    WHEN $2 = 'cohorts' THEN format('SELECT %sc.cohort, c.cohort_size, c.period, c.period_label, c.period_start, '
      'c.period_end, '
      'c.at_risk, c.retained, CASE WHEN c.status = ''observed'' THEN c.retention_rate END AS retention_rate, c.ci_low, '
      'c.ci_high, c.status, %s AS note FROM summary AS s, LATERAL %s AS c%s', o.names,
      -- A subscription says when its customer started, however late the records begin.
      CASE $1.kind WHEN 'events' THEN 'c.note' ELSE 'nullif(c.note, ''records begin here'')' END, o.noted, o.sorted)
    ELSE format('SELECT %sc.* FROM summary AS s, @extschema@.%s AS c%s', o.names,
      CASE $2 WHEN 'curve' THEN o.curve WHEN 'lifecycle' THEN o.lifecycle ELSE 'stickiness(s.cohorts)' END,
      o.sorted) END
  FROM (SELECT format('cohort_cells%s(s.cohorts, ''on''::text, %s, 0.95::double precision, NULL::integer)', n.suffix,
        $4) AS cells,
      format('retention_internal.noted_cells%s(s.cohorts, ''on''::text, %s, 0.95::double precision, NULL::integer)',
        n.suffix, $4) AS noted,
      format('retention_curve(s.cohorts, ''on''::text, ''pooled''::text, %s, 0.95::double precision)', $4) AS curve,
      format('lifecycle%s(s.cohorts, %s)', n.suffix, $4) AS lifecycle,
      '@extschema@.rate_interval(%s::numeric, c.at_risk::numeric, 0.95::double precision, ''wilson''::text)' AS limits,
      n.cohorts, CASE WHEN $3 THEN 's.segment, s.value, ' ELSE '' END AS names,
      CASE WHEN $3 THEN ' AND ' || retention_internal.source_same('f', 's') ELSE '' END AS same,
      CASE WHEN $3 THEN format(E'\nORDER BY s.segment, s.value, %s', CASE $2 WHEN 'cohorts' THEN 'c.cohort, c.period'
        WHEN 'curve' THEN 'c.period' ELSE 'c.period_start' END) ELSE '' END AS sorted
    FROM (SELECT g.cohorts, CASE g.unit WHEN 'hour' THEN '_at' ELSE '' END AS suffix
      FROM @extschema@.grid_options($1.grid) AS g) AS n) AS o
$$;
COMMENT ON FUNCTION retention_internal.source_cells(retention_internal.source, text, boolean, text) IS
'the SELECT of cohorts, curve, lifecycle or stickiness from the part "summary" of a WITH and, where cohorts count the '
'end of a period, from "first"; by_segment: from one row per segment and value in these';

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
      ELSE format(E'%s,\n%s,\nfirst AS (SELECT b.cohort, count(*) AS retained FROM begun AS b '
          'GROUP BY b.cohort),\nsummary AS (SELECT @extschema@.cohort_retention(a.%s, a.at, %s%s) AS cohorts '
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

-- Who is in which cohort: the facts of each customer.

CREATE FUNCTION retention_internal.source_customers(
  source retention_internal.source, p retention_internal.view_parts, what text DEFAULT NULL
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN $2.kept IS NOT NULL THEN format('customer AS (SELECT f.customer, f.facts AS retention_facts%s FROM %s AS f)',
      retention_internal.source_segment_list($1, ', f.segment_%s AS %I'), ($1.kept).facts)
    WHEN $1.kind = 'events' THEN format(E'customer AS (\n  SELECT e.customer, @extschema@.activity(e.at, %s) '
        'AS retention_facts%s\n  FROM (%s) AS e WHERE e.customer IS NOT NULL GROUP BY e.customer\n)', k.grid,
      retention_internal.source_segment_list($1, ', (array_agg(e.%2$I ORDER BY ' || CASE $1.segments_at
        WHEN 'current' THEN 'e.at DESC, e.%2$I) FILTER (WHERE ' || k.at || ' < ' || k.known
        ELSE 'e.at, e.%2$I) FILTER (WHERE e.at IS NOT NULL' END || '))[1] AS %2$I'),
      retention_internal.source_rows($1))
    ELSE format(E'%s,\n%s,\nheld AS (\n  SELECT p.customer%s\n  FROM presence AS p\n'
        '  WHERE isfinite(p.started) AND p.started < coalesce(p.ended, ''infinity'')\n  GROUP BY p.customer\n),\n'
        'customer AS (\n  SELECT h.*, a.facts AS retention_facts\n'
        '  FROM held AS h JOIN (\n    SELECT a.customer, @extschema@.activity(a.at, %s%s) AS facts FROM active AS a%s '
        'GROUP BY a.customer\n  ) AS a ON a.customer = h.customer\n)',
      $2.presence, retention_internal.source_active($1, $2.calendar, k.known_at),
      retention_internal.source_segment_list($1, ', (array_agg(p.%2$I ORDER BY p.started, p.%2$I))[1] AS %2$I'), k.grid,
      CASE $3 WHEN 'lifecycle' THEN '' ELSE ', a.starts, NOT a.starts' END,
      CASE $3 WHEN 'lifecycle' THEN ' WHERE NOT a.starts' ELSE '' END) END
  FROM (SELECT retention_internal.source_grid($1, '(SELECT as_of FROM known)') AS grid,
    '(SELECT as_of FROM known)' AS known_at,
    '(SELECT as_of FROM known)' || CASE $1.time_type WHEN 'date'::regtype THEN '::date' ELSE '' END AS known,
    'e.at' || CASE $1.time_type WHEN 'timestamptz'::regtype THEN format(' AT TIME ZONE %L', $1.time_zone)
      ELSE '' END AS at) AS k
$$;
COMMENT ON FUNCTION retention_internal.source_customers(
  retention_internal.source, retention_internal.view_parts, text) IS
'parts of a WITH that end with "customer": one row per customer with the segments and the facts (retention_facts) that '
'cohorts are made of, for the view of that name';

CREATE FUNCTION retention_internal.source_cells_by_segment_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN $1.segments = '{}' THEN NULL
    -- What is complete in elapsed windows and recurring cohorts is in the summary already.
    WHEN $2.kept IS NOT NULL THEN format(E'WITH %s,\n%s%ssummary AS (\n  %s\n)\n%s', $2.known,
      CASE WHEN $1.top IS NULL THEN '' ELSE $2.presence || E',\n' END,
      retention_internal.source_largest($1, 'presence'),
      CASE WHEN $1.top IS NULL THEN format('SELECT k.segment, k.value, k.cohorts FROM %s AS k WHERE k.part > 0',
          ($1.kept).summary)
        ELSE format('SELECT k.segment, %s AS value, @extschema@.rollup(k.cohorts) AS cohorts FROM %s AS k '
          'LEFT JOIN largest AS l ON %s WHERE k.part > 0 GROUP BY 1, 2',
          'CASE WHEN l.segment IS NULL THEN ''Other'' ELSE k.value END', ($1.kept).summary,
          retention_internal.source_same('l', 'k')) END,
      retention_internal.source_cells($1, o.what, true, CASE WHEN g.windows = 'elapsed' OR g.cohorts = 'recurring'
        THEN 'NULL::timestamp' ELSE '(SELECT as_of FROM known)' END))
    ELSE format(E'WITH %s,\n%s,\n%s%ssummary AS (\n  SELECT s.segment, s.value, '
        '@extschema@.cohort_retention(c.retention_facts) AS cohorts\n  FROM customer AS c, LATERAL %s\n'
        '  GROUP BY s.segment, s.value\n)\n%s', $2.known, retention_internal.source_customers($1, $2, o.what),
      retention_internal.source_largest($1, CASE $1.kind WHEN 'events' THEN 'customer' ELSE 'presence' END),
      CASE $1.presence WHEN 'at_end' THEN format(E'first AS MATERIALIZED (\n  SELECT s.segment, s.value, b.cohort, '
          'count(*) AS retained\n  FROM begun AS b JOIN held AS c ON c.customer = b.customer, LATERAL %s\n'
          '  GROUP BY s.segment, s.value, b.cohort\n),\n', retention_internal.source_by_segment($1, false))
        ELSE '' END,
      retention_internal.source_by_segment($1, false), retention_internal.source_cells($1, o.what, true)) END
  FROM (SELECT split_part($3, '_', 1) AS what) AS o, @extschema@.grid_options($1.grid) AS g
$$;
COMMENT ON FUNCTION retention_internal.source_cells_by_segment_view(
  retention_internal.source, retention_internal.view_parts, text) IS
'the query of the view cohorts, curve or lifecycle by segment; NULL without segments';

CREATE FUNCTION retention_internal.source_cohort_customers_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $1.suppress_below IS NULL THEN format($q$WITH %1$s,
%2$s%3$s
SELECT s.segment, s.value, c.customer, %9$s.cohort, m.period, m.period_start, m.period_end, %4$s AS standing, m.complete
FROM customer AS c%10$s CROSS JOIN LATERAL @extschema@.cohort_membership%5$s(c.retention_facts, %6$s, 'on'::text,
    NULL::timestamp) AS m%7$s
  CROSS JOIN LATERAL %8$s$q$,
    $2.known, retention_internal.source_customers($1, $2),
    coalesce(E',\n' || nullif(rtrim(retention_internal.source_largest($1,
      CASE $1.kind WHEN 'events' THEN 'customer' ELSE 'presence' END), E',\n'), ''), ''),
    CASE $1.presence WHEN 'at_end' THEN E'CASE WHEN m.period > 0 THEN m.standing\n'
        '  WHEN b.customer IS NOT NULL THEN ''retained'' WHEN m.complete THEN ''not_retained'' ELSE ''not_yet'' END'
      ELSE 'm.standing' END,
    CASE WHEN $2.hours THEN '_at' ELSE '' END, retention_internal.source_grid($1, '(SELECT as_of FROM known)'),
    CASE $1.presence WHEN 'at_end'
      THEN E'\n  LEFT JOIN begun AS b ON m.period = 0 AND b.customer = c.customer AND b.cohort = m.cohort'
      ELSE '' END,
    retention_internal.source_by_segment($1, true), CASE WHEN o.start IS NULL THEN 'm' ELSE 'o' END,
    -- Known from the first start alone, so that a condition on the cohort is decided before the function is called.
    coalesce(E'\n  CROSS JOIN LATERAL (SELECT ' || o.start || ' AS cohort) AS o', '')) END
  FROM (SELECT CASE WHEN $1.kind = 'events' AND g.cohorts = 'first' AND g.windows = 'calendar' THEN CASE g.unit
      WHEN 'hour' THEN format('@extschema@.retention_period_start(@extschema@.first_active_at(c.retention_facts), %s)',
        $2.calendar)
      ELSE format('@extschema@.retention_period_start(@extschema@.first_active(c.retention_facts), %s)::date',
        $2.calendar) END END AS start
    FROM @extschema@.grid_options($1.grid) AS g) AS o
$$;
COMMENT ON FUNCTION retention_internal.source_cohort_customers_view(
  retention_internal.source, retention_internal.view_parts, text) IS
'the query of the view cohort_customers; NULL where small counts are suppressed';
