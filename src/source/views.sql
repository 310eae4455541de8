-- source: the views that a BI tool reads, plain SQL over the view of a source or over its kept facts.
-- source_view() writes the query of one; retention_create_views() creates them all.

CREATE TYPE retention_internal.view_parts AS (
  hours boolean,
  time_type text,
  zone text,
  bound text,
  moved text,
  calendar text,
  kept text,
  known text,
  presence text
);
COMMENT ON TYPE retention_internal.view_parts IS
'what the queries of the views of a source have in common, as SQL text';
COMMENT ON COLUMN retention_internal.view_parts.hours IS 'whether the grid is one of hours';
COMMENT ON COLUMN retention_internal.view_parts.time_type IS
'the type of a membership: wall-clock times of the grid for events, the type of the columns for subscriptions';
COMMENT ON COLUMN retention_internal.view_parts.zone IS 'the time zone of the grid';
COMMENT ON COLUMN retention_internal.view_parts.bound IS
'after the bound of a period (a date, in a grid of hours an instant): a cast to the type of a membership';
COMMENT ON COLUMN retention_internal.view_parts.moved IS
'after a time of a membership: a cast to what lengths are counted in, wall-clock times, in a grid of hours instants';
COMMENT ON COLUMN retention_internal.view_parts.calendar IS 'the calendar periods of the grid, a constant';
COMMENT ON COLUMN retention_internal.view_parts.kept IS
'FROM and WHERE of the totals of kept facts; NULL: read the rows';
COMMENT ON COLUMN retention_internal.view_parts.known IS 'the part "known" of a WITH: as_of';
COMMENT ON COLUMN retention_internal.view_parts.presence IS 'the part "presence" of a WITH: the memberships';

CREATE FUNCTION retention_internal.source_view_parts(source retention_internal.source, as_of text)
RETURNS retention_internal.view_parts
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p retention_internal.view_parts;
BEGIN
  p.hours := (@extschema@.grid_options(source.grid)).unit = 'hour';
  p.zone := quote_literal(source.time_zone);
  p.time_type := CASE source.time_type
    WHEN 'date'::regtype THEN 'date'
    WHEN 'timestamp'::regtype THEN 'timestamp'
    ELSE CASE source.kind WHEN 'events' THEN 'timestamp' ELSE 'timestamptz' END END;
  p.bound := CASE
    WHEN p.time_type = 'date' OR (p.hours AND p.time_type = 'timestamptz') THEN ''
    WHEN p.hours THEN ' AT TIME ZONE ' || p.zone
    WHEN p.time_type = 'timestamp' THEN '::timestamp'
    ELSE '::timestamp AT TIME ZONE ' || p.zone END;
  p.moved := CASE WHEN p.time_type <> 'date' AND (p.time_type = 'timestamptz') <> p.hours
    THEN ' AT TIME ZONE ' || p.zone ELSE '' END;
  p.calendar := quote_literal(retention_internal.grid_calendar(source.grid)) || '::@extschema@.retention_grid';
  -- Kept facts are known until the latest row; for an earlier as_of the rows are read.
  p.kept := CASE WHEN as_of IS NULL THEN retention_internal.facts_totals(source) END;
  -- A view over kept facts depends on the source, too, and is dropped with it.
  p.known := format('known AS (SELECT %s AS as_of%s)',
    coalesce(as_of, '(SELECT t.as_of ' || p.kept || ')', retention_internal.source_as_of(source)),
    CASE WHEN p.kept IS NULL THEN '' ELSE format(', %L::regclass AS source', source.source) END);
  p.presence := format('presence AS (%s)', CASE WHEN p.kept IS NULL
    THEN retention_internal.source_presence(source, '(SELECT as_of FROM known)')
    ELSE retention_internal.facts_presence(source, '(SELECT as_of FROM known)') END);
  RETURN p;
END
$$;
COMMENT ON FUNCTION retention_internal.source_view_parts(retention_internal.source, text) IS
'what the queries of the views of a source have in common, as of a time given as SQL';

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
    FROM @extschema@.%1$s AS o LEFT JOIN first AS n ON n.cohort = o.cohort WHERE o.period = 0 AND o.status = 'observed'
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
  FROM (SELECT format('cohort_cells%s(s.cohorts, ''on''::text, NULL::timestamp, 0.95::double precision)', n.suffix)
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
  SELECT format(E'WITH %s,\n%s\n%s', $2.known, CASE
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
      END, retention_internal.source_cells($1, $3))
  FROM (SELECT retention_internal.source_customer($1) AS customer,
    retention_internal.source_grid($1, '(SELECT as_of FROM known)') AS grid) AS k
$$;
COMMENT ON FUNCTION retention_internal.source_cells_view(retention_internal.source, retention_internal.view_parts, text)
IS 'the query of the view cohorts, curve, lifecycle or stickiness';

CREATE FUNCTION retention_internal.source_flow_view(
  source retention_internal.source, p retention_internal.view_parts
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
%8$s,
summary AS (
  SELECT @extschema@.customer_flow(p.%11$s, p.started, p.ended, %9$s,
    (SELECT span::@extschema@.retention_span FROM span)) AS flow
  FROM presence AS p
)
SELECT f.* FROM summary AS s,
  @extschema@.flow_periods%10$s(s.flow, 'kept'::text, 'lost'::text, 0.95::double precision) AS f$q$,
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
    p.presence, retention_internal.source_grid(source, '(SELECT as_of FROM known)', true),
    CASE WHEN p.hours THEN '_at' ELSE '' END, retention_internal.source_customer(source));
END
$$;
COMMENT ON FUNCTION retention_internal.source_flow_view(retention_internal.source, retention_internal.view_parts) IS
'the query of the view flow';

CREATE FUNCTION retention_internal.source_by_segment(segments name[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('(VALUES (''all'', ''all'')%s) AS s (segment, value)',
    string_agg(format(', (%L, c.%I::text)', s.segment, s.segment), '' ORDER BY s.place))
  FROM unnest($1) WITH ORDINALITY AS s (segment, place)
$$;
COMMENT ON FUNCTION retention_internal.source_by_segment(name[]) IS
'a table of the values of the segments of a customer c, as SQL text';

CREATE FUNCTION retention_internal.source_segments_view(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($q$WITH %1$s,
period AS (
  SELECT lower(d.period) AS period_start, upper(d.period) AS period_end,
    lower(d.period)%2$s AS starts, upper(d.period)%2$s AS ends
  FROM (SELECT @extschema@.retention_period%3$s(%4$s, -1, as_of AT TIME ZONE %5$s) AS period FROM known) AS d
),
%6$s,
customer AS (
  SELECT p.customer, bool_or(coalesce(p.ended >= q.ends, true)) AS retention_at_end%7$s
  FROM presence AS p, period AS q
  WHERE p.started < q.ends AND coalesce(p.ended >= q.starts, true)
  GROUP BY p.customer
  HAVING bool_or(p.started < q.starts)
),
part AS (
  SELECT s.segment, s.value, count(*) AS at_start, count(*) FILTER (WHERE c.retention_at_end) AS kept
  FROM customer AS c, LATERAL %8$s
  GROUP BY s.segment, s.value
),
compared AS (
  SELECT p.*, (sum(p.at_start) OVER w - p.at_start)::bigint AS rest_at_start,
    (sum(p.kept) OVER w - p.kept)::bigint AS rest_kept
  FROM part AS p
  WINDOW w AS (PARTITION BY p.segment)
)
SELECT c.segment, c.value, q.period_start, q.period_end, c.at_start, c.kept, c.at_start - c.kept AS lost,
  trim_scale(100 * c.kept / c.at_start::numeric) AS retention_rate,
  i.low AS retention_low, i.high AS retention_high,
  trim_scale(100 * (c.at_start - c.kept) / c.at_start::numeric) AS churn_rate,
  100 - i.high AS churn_low, 100 - i.low AS churn_high, c.rest_at_start, c.rest_kept,
  trim_scale(100 * c.rest_kept / nullif(c.rest_at_start, 0)::numeric) AS rest_retention_rate,
  d.difference, d.low AS difference_low, d.high AS difference_high, d.p_value
FROM compared AS c, period AS q, LATERAL @extschema@.rate_interval(
    c.kept::numeric, c.at_start::numeric, 0.95::double precision, 'wilson'::text) AS i,
  LATERAL @extschema@.rate_difference(c.kept::numeric, c.at_start::numeric, c.rest_kept::numeric,
    c.rest_at_start::numeric, 0.95::double precision) AS d
ORDER BY c.segment, c.at_start DESC, c.value$q$,
    $2.known, $2.bound, CASE WHEN $2.hours THEN '_tz' ELSE '' END, $2.calendar, $2.zone, $2.presence,
    -- The segments of a customer are those of the membership that held when the period began.
    (SELECT string_agg(format(', (array_agg(p.%I ORDER BY p.started DESC, p.%1$I) '
      'FILTER (WHERE p.started < q.starts))[1] AS %1$I', s.segment), '' ORDER BY s.place)
     FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)),
    retention_internal.source_by_segment($1.segments))
$$;
COMMENT ON FUNCTION retention_internal.source_segments_view(retention_internal.source, retention_internal.view_parts) IS
'the query of the view segments';

CREATE FUNCTION retention_internal.source_survival_view(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- Durations are whole days, in a grid of hours whole hours. Customers who left in the course of a day left at its
  -- end; those who are still there were seen for the whole days that have passed.
  SELECT format($q$WITH %1$s,
%2$s,
stay AS (
  -- until when the rows before this one reach: a start beyond that comes after a gap
  SELECT p.*, max(coalesce(p.ended, 'infinity')) OVER (
    PARTITION BY p.customer ORDER BY p.started, p.ended
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS retention_reached
  FROM presence AS p
  WHERE isfinite(p.started) AND p.started < coalesce(p.ended, 'infinity')
),
customer AS (
  SELECT p.customer, min(p.started) AS started,
    nullif(coalesce(min(p.retention_reached) FILTER (WHERE p.started > p.retention_reached),
      max(coalesce(p.ended, 'infinity'))), 'infinity') AS ended%3$s
  FROM stay AS p
  GROUP BY p.customer
),
part AS (
  SELECT s.segment, s.value, @extschema@.survival((%4$s)::double precision, c.ended IS NOT NULL) AS survival
  FROM customer AS c, (SELECT %5$s FROM known) AS k, LATERAL %6$s
  GROUP BY s.segment, s.value
)
SELECT p.segment, p.value, 0 AS %7$s, m.customers AS at_risk, 0::bigint AS churned, 0::bigint AS censored,
  100::numeric AS survival_rate, NULL::numeric AS ci_low, NULL::numeric AS ci_high
FROM part AS p, @extschema@.survival_summary(p.survival) AS m
UNION ALL
SELECT p.segment, p.value, v."time"::integer, v.at_risk::bigint, v.churned::bigint, v.censored::bigint,
  trim_scale(round((100 * v.survival)::numeric, 6)), trim_scale(round((100 * v.ci_low)::numeric, 6)),
  trim_scale(round((100 * v.ci_high)::numeric, 6))
FROM part AS p,
  @extschema@.survival_curve(p.survival, 'log-log'::text, 0.95::double precision, NULL::double precision[]) AS v
WHERE v."time" > 0
ORDER BY 1, 2, 3$q$,
    $2.known, $2.presence,
    (SELECT string_agg(format(', (array_agg(p.%I ORDER BY p.started, p.%1$I))[1] AS %1$I', s.segment), ''
       ORDER BY s.place)
     FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)),
    CASE $2.time_type WHEN 'date' THEN 'coalesce(c.ended, k.as_of) - c.started'
      ELSE format(E'CASE\n    WHEN c.ended IS NULL THEN floor(extract(epoch FROM k.as_of - c.started%1$s) / %2$s)\n'
          '    ELSE ceil(extract(epoch FROM c.ended%1$s - c.started%1$s) / %2$s) END',
        $2.moved, CASE WHEN $2.hours THEN 3600 ELSE 86400 END) END,
    CASE WHEN $2.time_type = 'date' THEN 'as_of::date'
      WHEN $2.hours THEN format('as_of AT TIME ZONE %s AS as_of', $2.zone) ELSE 'as_of' END,
    retention_internal.source_by_segment($1.segments), CASE WHEN $2.hours THEN 'hours' ELSE 'days' END)
$$;
COMMENT ON FUNCTION retention_internal.source_survival_view(retention_internal.source, retention_internal.view_parts) IS
'the query of the view survival';

CREATE FUNCTION retention_internal.source_view(source retention_internal.source, what text, as_of text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p retention_internal.view_parts := retention_internal.source_view_parts(source, as_of);
BEGIN
  IF what IN ('cohorts', 'curve', 'lifecycle', 'stickiness') THEN
    RETURN retention_internal.source_cells_view(source, p, what);
  ELSIF what = 'flow' THEN
    RETURN retention_internal.source_flow_view(source, p);
  ELSIF what = 'segments' THEN
    RETURN retention_internal.source_segments_view(source, p);
  ELSIF what = 'survival' THEN
    RETURN retention_internal.source_survival_view(source, p);
  END IF;
  PERFORM retention_internal.refuse('22023', format('unrecognized view of a source: "%s"', what),
    hint => 'The views are flow, cohorts, curve, lifecycle, stickiness, segments and survival.');
END
$$;
COMMENT ON FUNCTION retention_internal.source_view(retention_internal.source, text, text) IS
'the query of a view of a source, as of a time given as SQL; what: flow, cohorts, curve, lifecycle, stickiness, '
'segments or survival';

CREATE FUNCTION retention_internal.source_views(source regclass) RETURNS TABLE (view regclass, what text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 7 SET search_path = pg_catalog, pg_temp AS $$
  SELECT v.oid::regclass, w.what
  FROM pg_class AS s
  JOIN pg_class AS v ON v.relkind = 'v' AND v.relowner = s.relowner
  JOIN unnest('{flow,cohorts,curve,lifecycle,stickiness,segments,survival}'::text[]) AS w (what)
    ON v.relname = s.relname || '_' || w.what
  WHERE s.oid = $1 AND EXISTS (
    SELECT FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid
    WHERE r.ev_class = v.oid)
  ORDER BY v.oid::regclass::text COLLATE "C"
$$;
COMMENT ON FUNCTION retention_internal.source_views(regclass) IS
'the views of a source: they read it, belong to its owner and have its name with a suffix';

-- Comments: what a BI tool shows beside a view or a column.

CREATE FUNCTION retention_internal.source_view_words(what text, presence text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE $1
    WHEN 'flow' THEN 'customers at the start, gained, reactivated, lost and at the end, one row per period'
    WHEN 'cohorts' THEN 'cohorts by the period of the first start, one row per cohort and period'
    WHEN 'curve' THEN 'the retention curve of all cohorts together, one row per period since the start'
    WHEN 'lifecycle' THEN 'active customers: new, retained, resurrected, gone dormant, one row per period'
    WHEN 'stickiness' THEN 'in how many periods customers were active'
    WHEN 'segments' THEN 'retention of the last complete period, one row per value of each segment, against the rest'
    WHEN 'survival' THEN 'how long customers stay the first time, one row per segment, value and time'
    END
    || CASE WHEN $1 IN ('cohorts', 'curve', 'lifecycle') THEN CASE $2
      WHEN 'at_end' THEN '; active: a customer at the end of the period'
      WHEN 'any' THEN '; active: a customer at any moment of the period' ELSE '' END ELSE '' END
$$;
COMMENT ON FUNCTION retention_internal.source_view_words(text, text) IS 'the comment of a view of a source';

CREATE FUNCTION retention_internal.source_column_words() RETURNS TABLE (what text, attribute text, words text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 80 SET search_path = pg_catalog, pg_temp AS $$
  VALUES
  (NULL, 'period_start', 'first day of the period; in a grid of hours its first moment'),
  (NULL, 'period_end', 'first day after the period; in a grid of hours the first moment after it'),
  (NULL, 'status', 'observed: the period is over; partial: it has begun'),
  (NULL, 'segment', 'the column that customers are compared by; all: everybody'),
  (NULL, 'value', 'the value in that column; all: everybody'),
  (NULL, 'at_start', 'customers when the period begins'),
  (NULL, 'kept', 'customers both when the period begins and when it ends'),
  (NULL, 'lost', 'customers when the period begins who are not when it ends'),
  (NULL, 'retention_rate', 'per cent: 100 * kept / at_start'),
  (NULL, 'retention_low', 'lower 95 % confidence limit of retention_rate (Wilson)'),
  (NULL, 'retention_high', 'upper 95 % confidence limit of retention_rate (Wilson)'),
  (NULL, 'churn_rate', 'per cent: 100 * lost / at_start'),
  (NULL, 'churn_low', 'lower 95 % confidence limit of churn_rate (Wilson)'),
  (NULL, 'churn_high', 'upper 95 % confidence limit of churn_rate (Wilson)'),
  ('flow', 'joined', 'customers whose first membership starts in the period'),
  ('flow', 'gained', 'customers at the end, not at the start, and never before'),
  ('flow', 'reactivated', 'customers at the end, not at the start, but before'),
  ('flow', 'at_end', 'customers when the period ends: at_start + gained + reactivated - lost'),
  ('flow', 'joined_and_left', 'customers only in between, and never before'),
  ('flow', 'reactivated_and_left', 'customers only in between, but before, too'),
  ('flow', 'left_and_returned', 'departures followed by a return in the same period'),
  ('flow', 'departures', 'departures; a customer may have several'),
  ('flow', 'customer_days', 'days of membership inside the period'),
  ('cohorts', 'cohort', 'first day of the period in which the cohort started'),
  ('cohorts', 'cohort_size', 'customers who started in it'),
  (NULL, 'period', '0 for the period of the start, then 1, 2, ...; with brackets the number of the bracket'),
  (NULL, 'at_risk', 'customers for whom the period has begun'),
  (NULL, 'retained', 'those at risk who were active in the period'),
  ('cohorts', 'retention_rate', 'per cent: 100 * retained / at_risk'),
  ('curve', 'retention_rate', 'per cent: 100 * retained / at_risk, over all cohorts whose period is over'),
  (NULL, 'ci_low', 'lower 95 % confidence limit of the rate'),
  (NULL, 'ci_high', 'upper 95 % confidence limit of the rate'),
  ('curve', 'cohorts', 'how many cohorts the point is made of'),
  ('lifecycle', 'active', 'customers active in the period: new + retained + resurrected'),
  ('lifecycle', 'new', 'never active before'),
  ('lifecycle', 'retained', 'active in the period before, too'),
  ('lifecycle', 'resurrected', 'active before, but not in the period before'),
  ('lifecycle', 'dormant', 'active in the period before and not in this one'),
  ('stickiness', 'active_periods', 'the number of periods a customer was active in'),
  ('stickiness', 'customers', 'customers who were active in that many periods'),
  ('stickiness', 'share', 'per cent of all customers'),
  ('segments', 'rest_at_start', 'customers of all other values when the period begins'),
  ('segments', 'rest_kept', 'customers of all other values both when the period begins and when it ends'),
  ('segments', 'rest_retention_rate', 'per cent: 100 * rest_kept / rest_at_start'),
  ('segments', 'difference', 'retention_rate minus rest_retention_rate, in percentage points'),
  ('segments', 'difference_low', 'lower 95 % confidence limit of the difference'),
  ('segments', 'difference_high', 'upper 95 % confidence limit of the difference'),
  ('segments', 'p_value', 'probability (0 to 1) of a difference at least as large if there were none'),
  ('survival', 'days', 'days since the customer started'),
  ('survival', 'hours', 'hours since the customer started'),
  ('survival', 'at_risk', 'customers followed that long and not gone before'),
  ('survival', 'churned', 'those at risk who leave at that time'),
  ('survival', 'censored', 'those at risk who are still customers and have not been followed longer'),
  ('survival', 'survival_rate', 'per cent of the customers who stay longer (Kaplan-Meier)')
$$;
COMMENT ON FUNCTION retention_internal.source_column_words() IS
'comments of the columns of views, by view and column; view NULL: of a column of any view';

CREATE FUNCTION retention_internal.source_comment_view(view regclass, what text, shows text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  attribute name;
  words text;
BEGIN
  -- Comments that somebody else wrote stay.
  PERFORM FROM unnest(ARRAY['at_end', 'any', NULL]) AS p (p)
  WHERE coalesce(obj_description(view) = retention_internal.source_view_words(what, p.p), true);
  IF FOUND THEN
    EXECUTE format('COMMENT ON VIEW %s IS %L', view, shows);
  END IF;
  FOR attribute, words IN
    SELECT a.attname, (SELECT w.words FROM retention_internal.source_column_words() AS w
      WHERE w.attribute = a.attname AND coalesce(w.what = $2, true) ORDER BY w.what LIMIT 1)
    FROM pg_attribute AS a
    WHERE a.attrelid = view AND a.attnum > 0 AND col_description(a.attrelid, a.attnum) IS NULL
    ORDER BY a.attnum
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', view, attribute, words);
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_internal.source_comment_view(regclass, text, text) IS
'comments a view of a source and its columns';

CREATE FUNCTION retention_create_views(source regclass, schema name DEFAULT NULL)
RETURNS TABLE (view text, shows text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source;
  what text;
  query text;
  there regclass;
BEGIN
  PERFORM retention_internal.check_owner(source);
  s := retention_internal.source_find(source);
  schema := coalesce(schema, (SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = source));
  PERFORM FROM pg_namespace AS n WHERE n.nspname = schema;
  IF NOT FOUND THEN
    PERFORM retention_internal.refuse('3F000', format('schema "%s" does not exist', schema));
  END IF;
  FOREACH what IN ARRAY ARRAY['flow', 'cohorts', 'curve', 'lifecycle', 'stickiness', 'segments', 'survival'] LOOP
    SELECT format('%I.%I', schema, c.relname || '_' || what) INTO view FROM pg_class AS c WHERE c.oid = source;
    there := to_regclass(view);
    IF there IS NOT NULL AND there NOT IN (SELECT v.view FROM retention_internal.source_views(source) AS v) THEN
      PERFORM retention_internal.refuse('42P07', format('%s exists and is not a view of source %s', view, source),
        'A view of a source reads it and belongs to its owner.', 'Rename or drop it, or name another schema.');
    END IF;
    IF (what = 'stickiness' AND s.kind <> 'events') OR (what = 'segments' AND s.segments = '{}') THEN
      IF there IS NOT NULL THEN
        EXECUTE 'DROP VIEW ' || view;
      END IF;
      CONTINUE;
    END IF;
    query := 'VIEW ' || view || E' WITH (security_invoker = true) AS\n' || retention_internal.source_view(s, what);
    -- To replace a view keeps its privileges and what is built on it. Where its columns have changed that cannot be.
    BEGIN
      EXECUTE 'CREATE OR REPLACE ' || query;
    EXCEPTION WHEN invalid_table_definition THEN
      IF there IS NULL THEN
        RAISE;
      END IF;
      EXECUTE 'DROP VIEW ' || view;
      EXECUTE 'CREATE ' || query;
    END;
    shows := retention_internal.source_view_words(what, s.presence);
    PERFORM retention_internal.source_comment_view(to_regclass(view), what, shows);
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_create_views(regclass, name) IS
'creates or renews the views of a source: plain SQL that runs with the rights of its reader';

CREATE FUNCTION retention_internal.source_renew_views(source retention_internal.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v record;
BEGIN
  FOR v IN SELECT n.view, n.what FROM retention_internal.source_views(source.source) AS n LOOP
    EXECUTE format(E'CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS\n%s', v.view,
      retention_internal.source_view(source, v.what));
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_internal.source_renew_views(retention_internal.source) IS
'creates the existing views of a source anew: over its kept facts, or over itself';

CREATE FUNCTION retention_drop_views(source regclass) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  views text[];
BEGIN
  PERFORM retention_internal.check_owner(source);
  views := ARRAY(SELECT v.view::text FROM retention_internal.source_views(source) AS v);
  IF views <> '{}' THEN
    EXECUTE 'DROP VIEW ' || array_to_string(views, ', ');
  END IF;
  RETURN QUERY SELECT v.view FROM unnest(views) AS v (view);
END
$$;
COMMENT ON FUNCTION retention_drop_views(regclass) IS
'drops the views of a source in every schema and returns their names';
