-- report: everything about a source, as one jsonb. Keys are the column names of the functions that give the numbers.

-- Answers as rows of JSON. Periods are local times of the grid's zone: days, in a grid of hours clock times.

CREATE FUNCTION retention_internal.report_time(at timestamptz, grid retention_grid) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE o.unit WHEN 'hour' THEN to_jsonb(at AT TIME ZONE o.time_zone)
    ELSE to_jsonb((at AT TIME ZONE o.time_zone)::date) END
  FROM @extschema@.grid_options(grid) AS o
$$;
COMMENT ON FUNCTION retention_internal.report_time(timestamptz, retention_grid) IS
'the beginning of a period as a report writes it';

CREATE FUNCTION retention_internal.report_flow(flow retention_flow, grid retention_grid, since timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(f) || jsonb_build_object(
    'period_start', retention_internal.report_time(f.period_start, grid),
    'period_end', retention_internal.report_time(f.period_end, grid)) ORDER BY f.period_start), '[]')
  FROM @extschema@.flow_periods_at(flow, 'kept'::text, 'lost'::text, 0.95::double precision) AS f
  WHERE f.period_start >= since
$$;
COMMENT ON FUNCTION retention_internal.report_flow(retention_flow, retention_grid, timestamptz) IS
'the periods of a flow as a report writes them';

CREATE FUNCTION retention_internal.report_row(cells jsonb, grid retention_grid) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT cells - 'retention_place' || coalesce((
    SELECT jsonb_object_agg(e.key, retention_internal.report_time((e.value #>> '{}')::timestamptz, grid))
    FROM jsonb_each(cells) AS e
    WHERE e.key IN ('cohort', 'period_start', 'period_end') AND (@extschema@.grid_options(grid)).unit = 'hour'), '{}')
$$;
COMMENT ON FUNCTION retention_internal.report_row(jsonb, retention_grid) IS
'a row of cohorts or of a lifecycle as a report writes it';

-- A report contains a limited number of cohorts (the newest), offsets (the first) and periods (the newest): a grid of
-- days has more than anybody reads.
CREATE FUNCTION retention_internal.report_rows(source retention_internal.source, what text, most integer) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('(SELECT coalesce(jsonb_agg(retention_internal.report_row(to_jsonb(c), %L::@extschema@.retention_grid) '
      'ORDER BY %s), ''[]'') FROM (SELECT n.*, dense_rank() OVER (ORDER BY %s) AS retention_place FROM (%s) AS n) AS c '
      'WHERE c.retention_place <= %s%s)',
    $1.grid, w.place, w.newest, retention_internal.source_cells($1, $2), $3,
    CASE $2 WHEN 'cohorts' THEN format(' AND c.period < %s', $3) ELSE '' END)
  FROM (VALUES ('cohorts', 'c.cohort, c.period', 'n.cohort DESC'), ('curve', 'c.period', 'n.period'),
    ('lifecycle', 'c.period_start', 'n.period_start DESC'),
    ('stickiness', 'c.active_periods', 'n.active_periods')) AS w (what, place, newest)
  WHERE w.what = $2
$$;
COMMENT ON FUNCTION retention_internal.report_rows(retention_internal.source, text, integer) IS
'an SQL expression of cohorts, curve, lifecycle or stickiness as a report writes them, the newest or first of them, '
'from the parts of a WITH that source_cells() reads';

CREATE FUNCTION retention_internal.report_survival(state retention_survival, times double precision[], unit text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object('customers', n.customers, 'churned', n.churned, 'unit', unit, 'median', m."time",
    'median_low', m.ci_low, 'median_high', m.ci_high, 'followed_until', n.followed_until, 'curve', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('time', c."time", 'survival', c.survival, 'low', c.ci_low,
        'high', c.ci_high, 'at_risk', c.at_risk) ORDER BY c."time"), '[]')
      FROM @extschema@.survival_curve(state, 'log-log'::text, 0.95::double precision, times,
        'nelson-aalen'::text) AS c
      WHERE c.survival IS NOT NULL))
  FROM @extschema@.survival_summary(state) AS n,
    @extschema@.median_survival(state, 'log-log'::text, 0.95::double precision) AS m
$$;
COMMENT ON FUNCTION retention_internal.report_survival(retention_survival, double precision[], text) IS
'how long customers stay, as a report writes it: the curve at the given times';

CREATE FUNCTION retention_internal.report_times(followed_until double precision) RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- At most 60 steps, of a usual width.
  SELECT ARRAY(
    SELECT n::double precision * s.step FROM generate_series(0, floor(followed_until / s.step)::integer) AS n)
  FROM (
    SELECT coalesce(min(w), ceil(followed_until / 60)) AS step
    FROM unnest('{1, 2, 5, 7, 10, 14, 30, 60, 90, 180, 365}'::double precision[]) AS w
    WHERE w >= followed_until / 60
  ) AS s
$$;
COMMENT ON FUNCTION retention_internal.report_times(double precision) IS
'the times at which a report shows survival';

CREATE FUNCTION retention_internal.report_rate(flow jsonb, hits text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- A rate with its limits where hits is kept or churned of at_start, else a count.
  SELECT jsonb_build_object('period_start', flow -> 'period_start', 'period_end', flow -> 'period_end') || CASE hits
    WHEN 'kept' THEN jsonb_build_object('value', flow -> 'retention_rate', 'low', flow -> 'retention_low',
      'high', flow -> 'retention_high', 'hits', flow -> 'kept', 'of', flow -> 'at_start')
    WHEN 'churned' THEN jsonb_build_object('value', flow -> 'churn_rate', 'low', flow -> 'churn_low',
      'high', flow -> 'churn_high', 'hits', flow -> 'lost', 'of', flow -> 'at_start')
    ELSE jsonb_build_object('value', flow -> hits, 'low', NULL, 'high', NULL, 'of', NULL) END
$$;
COMMENT ON FUNCTION retention_internal.report_rate(jsonb, text) IS
'a figure of one period of a flow as the headline of a report has it';

CREATE FUNCTION retention_internal.report_difference(now jsonb, before jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN $1 ->> 'value' IS NULL OR $2 ->> 'value' IS NULL THEN NULL
    WHEN $1 ? 'hits' THEN (
      SELECT jsonb_build_object('value', d.difference, 'low', d.low, 'high', d.high, 'p_value', d.p_value)
      FROM @extschema@.rate_difference(($1 ->> 'hits')::numeric, ($1 ->> 'of')::numeric, ($2 ->> 'hits')::numeric,
        ($2 ->> 'of')::numeric, 0.95::double precision) AS d)
    ELSE jsonb_build_object('value', ($1 ->> 'value')::numeric - ($2 ->> 'value')::numeric, 'low', NULL, 'high', NULL,
      'p_value', NULL) END
$$;
COMMENT ON FUNCTION retention_internal.report_difference(jsonb, jsonb) IS
'one figure of a report minus an earlier one, with the test of no difference where they are rates';

CREATE FUNCTION retention_internal.report_figure(name text, label text, unit text, now jsonb, before jsonb, year jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object('name', $1, 'label', $2, 'unit', $3) || $4 || jsonb_build_object(
    'previous', $5, 'difference', retention_internal.report_difference($4, $5),
    'year_before', $6, 'year_difference', retention_internal.report_difference($4, $6))
$$;
COMMENT ON FUNCTION retention_internal.report_figure(text, text, text, jsonb, jsonb, jsonb) IS
'a figure in the headline of a report: now, against the period before and against the same period a year before';

CREATE FUNCTION retention_internal.report_headline(flow jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH period AS (
    SELECT p.period, row_number() OVER (ORDER BY p.place DESC) AS back,
      (p.period ->> 'period_start')::timestamp AS starts, (p.period ->> 'period_end')::timestamp AS ends
    FROM jsonb_array_elements(flow) WITH ORDINALITY AS p (period, place)
    WHERE p.period ->> 'status' = 'observed'
  ), three AS (
    SELECT n.period AS now, b.period AS before, y.period AS year
    FROM period AS n
      LEFT JOIN period AS b ON b.back = 2
      LEFT JOIN period AS y ON y.back > 2 AND y.starts = n.starts - interval '1 year'
        AND y.ends = n.ends - interval '1 year'
    WHERE n.back = 1
  ), figure (place, name, label, unit, hits) AS (VALUES
    (1, 'retention_rate', 'Retention', 'percent', 'kept'), (2, 'churn_rate', 'Churn', 'percent', 'churned'),
    (3, 'customers', 'Customers at the end', 'customers', 'at_end'), (4, 'joined', 'Joined', 'customers', 'joined'),
    (5, 'reactivated', 'Reactivated', 'customers', 'reactivated'), (6, 'lost', 'Lost', 'customers', 'lost'))
  SELECT coalesce(jsonb_agg(retention_internal.report_figure(f.name, f.label, f.unit,
    retention_internal.report_rate(t.now, f.hits), retention_internal.report_rate(t.before, f.hits),
    retention_internal.report_rate(t.year, f.hits)) ORDER BY f.place), '[]')
  FROM three AS t CROSS JOIN figure AS f
$$;
COMMENT ON FUNCTION retention_internal.report_headline(jsonb) IS
'the figures of the last complete period of a flow, against the period before and the same period a year before';

CREATE FUNCTION retention_internal.report_returns(cohorts jsonb, lifecycle jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- The customers active in the period after their first, of the newest cohort and the one before; and all active ones.
  WITH first_return AS (
    SELECT row_number() OVER (ORDER BY c.place DESC) AS back, jsonb_build_object('period_start', c.cell -> 'cohort',
      'period_end', c.cell -> 'period_start', 'value', c.cell -> 'retention_rate', 'low', c.cell -> 'ci_low',
      'high', c.cell -> 'ci_high', 'hits', c.cell -> 'retained', 'of', c.cell -> 'at_risk') AS figure
    FROM jsonb_array_elements(cohorts) WITH ORDINALITY AS c (cell, place)
    WHERE c.cell ->> 'status' = 'observed' AND (c.cell ->> 'period')::bigint = 1
  ), period AS (
    SELECT l.place, l.period, lead(l.period -> 'period_start') OVER (ORDER BY l.place) AS ends
    FROM jsonb_array_elements(lifecycle) WITH ORDINALITY AS l (period, place)
  ), active AS (
    SELECT row_number() OVER (ORDER BY p.place DESC) AS back, jsonb_build_object(
      'period_start', p.period -> 'period_start', 'period_end', p.ends, 'value', p.period -> 'active',
      'low', NULL, 'high', NULL, 'of', NULL) AS figure
    FROM period AS p
    WHERE p.period ->> 'status' = 'observed'
  ), pair (place, name, label, unit, now, before) AS (
    SELECT 1, 'first_return', 'New customers active in the next period', 'percent', n.figure, b.figure
    FROM first_return AS n LEFT JOIN first_return AS b ON b.back = 2 WHERE n.back = 1
    UNION ALL
    SELECT 2, 'active', 'Active', 'customers', n.figure, b.figure
    FROM active AS n LEFT JOIN active AS b ON b.back = 2 WHERE n.back = 1
  )
  SELECT coalesce(jsonb_agg(retention_internal.report_figure(p.name, p.label, p.unit, p.now, p.before, NULL)
    ORDER BY p.place), '[]')
  FROM pair AS p
$$;
COMMENT ON FUNCTION retention_internal.report_returns(jsonb, jsonb) IS
'figures of events in the headline of a report: how many of the newest complete cohort were active in the next period, '
'and how many customers were active';

CREATE FUNCTION retention_internal.report_adjusted(p_values double precision[]) RETURNS double precision[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289, procedure (1), as adjusted p-values. NULLs are not tests.
  WITH ranked AS (
    SELECT v.p, v.place, count(v.p) OVER () AS tests,
      CASE WHEN v.p IS NOT NULL THEN row_number() OVER (ORDER BY v.p NULLS LAST, v.place) END AS rank
    FROM unnest(p_values) WITH ORDINALITY AS v (p, place)
  ), adjusted AS (
    SELECT r.place, CASE WHEN r.p IS NOT NULL THEN least(1, min(r.p * r.tests / r.rank) OVER w) END AS p
    FROM ranked AS r WINDOW w AS (ORDER BY r.rank DESC NULLS LAST ROWS UNBOUNDED PRECEDING)
  )
  SELECT array_agg(a.p ORDER BY a.place) FROM adjusted AS a
$$;
COMMENT ON FUNCTION retention_internal.report_adjusted(double precision[]) IS
'p-values adjusted for how many tests there are (false discovery rate)';

CREATE FUNCTION retention_internal.report_segments(counts jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- At most 20 values of a segment are shown, those with most customers at the start.
  WITH value AS (
    SELECT s.segment, s.value, s.place, s.at_start, s.kept,
      sum(s.at_start) OVER w - s.at_start AS rest, sum(s.kept) OVER w - s.kept AS rest_kept,
      row_number() OVER (PARTITION BY s.place ORDER BY s.at_start DESC, s.value COLLATE "C" NULLS LAST) AS size
    FROM jsonb_to_recordset(counts) AS s (place integer, segment text, value text, at_start bigint, kept bigint)
    WINDOW w AS (PARTITION BY s.place)
  ), tested AS (
    SELECT v.*, i.low, i.high, d.difference, d.low AS difference_low, d.high AS difference_high, d.p_value,
      row_number() OVER (ORDER BY v.place, v.size) AS number
    FROM value AS v
      CROSS JOIN LATERAL @extschema@.rate_interval(v.kept::numeric, v.at_start::numeric, 0.95::double precision,
        'wilson'::text) AS i
      CROSS JOIN LATERAL @extschema@.rate_difference(v.kept::numeric, v.at_start::numeric, v.rest_kept, v.rest,
        0.95::double precision) AS d
    WHERE v.size <= 20 AND v.at_start > 0
  ), adjusted AS (
    SELECT retention_internal.report_adjusted(array_agg(t.p_value ORDER BY t.number)) AS p FROM tested AS t
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object('segment', t.segment, 'value', t.value, 'at_start', t.at_start,
    'kept', t.kept, 'retention_rate', trim_scale(100 * t.kept::numeric / t.at_start), 'low', t.low, 'high', t.high,
    'difference', t.difference, 'difference_low', t.difference_low, 'difference_high', t.difference_high,
    'p_value', t.p_value, 'p_adjusted', a.p[t.number]) ORDER BY t.number), '[]')
  FROM tested AS t, adjusted AS a
$$;
COMMENT ON FUNCTION retention_internal.report_segments(jsonb) IS
'the retention of each value of a segment, compared with all its other values, from counts of one period';

-- Times and the query of a report.

CREATE FUNCTION retention_internal.report_span(plain retention_grid, known timestamp, periods integer,
  OUT since timestamptz, OUT starts timestamptz, OUT until timestamptz, OUT last timestamptz, OUT first timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT lower(@extschema@.retention_period_tz($1, -$3, k.at)), lower(k.complete), upper(k.complete),
    upper(@extschema@.retention_period_tz($1, 0::integer, k.at)),
    least(lower(@extschema@.retention_period_tz($1, -$3, k.at)), CASE WHEN k.unit <> 'hour'
      THEN @extschema@.retention_period_start(
        (lower(k.complete) AT TIME ZONE k.time_zone - interval '1 year') AT TIME ZONE k.time_zone, $1) END)
  FROM (
    SELECT o.unit, o.time_zone, $2 AT TIME ZONE o.time_zone AS at,
      @extschema@.retention_period_tz($1, -1::integer, $2 AT TIME ZONE o.time_zone) AS complete
    FROM @extschema@.grid_options($1) AS o
  ) AS k
$$;
COMMENT ON FUNCTION retention_internal.report_span(retention_grid, timestamp, integer) IS
'since: the first period shown; starts, until: the last complete one; last: the end of the running one; first: the '
'first counted, a year before the last complete one, if that is earlier than since';

CREATE FUNCTION retention_internal.report_moment(type regtype, at text, zone text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(CASE $1 WHEN 'date'::regtype THEN '(%s AT TIME ZONE %L)::date' WHEN 'timestamptz'::regtype THEN '%s'
    ELSE '(%s AT TIME ZONE %L)' END, $2, $3)
$$;
COMMENT ON FUNCTION retention_internal.report_moment(regtype, text, text) IS
'SQL that converts an instant to a type of time';

-- The query of a report, in parts: each of the functions below gives SQL. A segment may have any name but those that
-- begin with retention_.

CREATE FUNCTION retention_internal.report_segment_list(segments name[], pattern text, separator text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(string_agg(format(pattern, n.place, n.segment), separator ORDER BY n.place), '')
  FROM unnest(segments) WITH ORDINALITY AS n (segment, place)
$$;
COMMENT ON FUNCTION retention_internal.report_segment_list(name[], text, text) IS
'a pattern for format() with the number (%1$s) and the name (%2$I) of each segment';

CREATE FUNCTION retention_internal.report_values(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Where the source tells only some values apart, they are those of the views, and Other.
  SELECT CASE WHEN $1.top IS NULL OR $1.segments = '{}' THEN 'LATERAL (VALUES (0, NULL, NULL)'
      || retention_internal.report_segment_list($1.segments, ', (%s, %2$L, c.%2$I::text)', '')
      || ') AS v (place, segment, value)'
    ELSE format('LATERAL (SELECT 0, NULL, NULL UNION ALL SELECT array_position(%L::text[], s.segment), s.segment, '
      's.value FROM %s) AS v (place, segment, value)', $1.segments, retention_internal.source_by_segment($1, false)) END
$$;
COMMENT ON FUNCTION retention_internal.report_values(retention_internal.source) IS
'SQL: all customers (place 0) and the value of each segment of a customer c; it reads what source_largest() writes';

CREATE FUNCTION retention_internal.report_held(segments name[], starts text, ends text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- The customers just before a period begins, with the segments of the row that held then, and whether they are still
  -- customers at its end.
  SELECT format('SELECT bool_or(p.retention_still) AS retention_kept%s FROM ('
      'SELECT q.*, q.started < w.starts AND coalesce(q.ended >= w.starts, true) AS retention_there, '
      'q.started < w.ends AND coalesce(q.ended >= w.ends, true) AS retention_still '
      'FROM presence AS q, (SELECT %s AS starts, %s AS ends) AS w) AS p '
      'GROUP BY p.customer HAVING bool_or(p.retention_there)',
    retention_internal.report_segment_list(segments, ', (array_agg(p.%2$I ORDER BY p.started DESC, p.%2$I) '
      'FILTER (WHERE p.retention_there))[1] AS %2$I', ''), starts, ends)
$$;
COMMENT ON FUNCTION retention_internal.report_held(name[], text, text) IS
'a SELECT of the customers at the start of a period, from the part "presence" of a WITH; its bounds are given as SQL';

CREATE FUNCTION retention_internal.report_summary(source retention_internal.source, kept text, known text,
  grid retention_grid, plain retention_grid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Of events the cohorts come directly from the rows, so that the batch scan applies; of subscriptions from presence.
  SELECT CASE
    WHEN $2 IS NOT NULL THEN 'summary AS MATERIALIZED (SELECT s.cohorts ' || $2 || ')'
    WHEN $1.kind = 'events' THEN format('summary AS MATERIALIZED (SELECT @extschema@.cohort_retention(a.%s, %s, '
        '%L::@extschema@.retention_grid) AS cohorts FROM %s AS a)',
      retention_internal.source_customer($1), retention_internal.source_event_time('a'), $4, $1.source)
    ELSE format('%s, first AS (SELECT b.cohort, count(*) AS retained FROM begun AS b GROUP BY b.cohort), '
        'summary AS MATERIALIZED (SELECT @extschema@.cohort_retention(a.%s, a.at, '
        '%L::@extschema@.retention_grid, a.starts, NOT a.starts) AS cohorts FROM active AS a), '
        'lived AS MATERIALIZED (SELECT @extschema@.cohort_retention(a.%2$s, a.at, '
        '%3$L::@extschema@.retention_grid) AS cohorts FROM active AS a WHERE NOT a.starts)',
      retention_internal.source_active($1, format('%L::@extschema@.retention_grid', $5), $3),
      retention_internal.source_customer($1), $4) END
$$;
COMMENT ON FUNCTION retention_internal.report_summary(retention_internal.source, text, text, retention_grid,
  retention_grid) IS
'the parts "summary" and, of subscriptions, "lived" of a WITH: the cohorts of a report';

CREATE FUNCTION retention_internal.report_stays(source retention_internal.source, type regtype, known timestamp,
  hours boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $body$
#variable_conflict use_variable
DECLARE
  -- Converts a time so that differences count: days of the calendar, or in a grid of hours the hours that pass.
  moved constant text := CASE WHEN type <> 'date'::regtype AND (type = 'timestamptz'::regtype) <> hours
    THEN ' AT TIME ZONE ' || quote_literal(source.time_zone) ELSE '' END;
  known_at constant text := CASE WHEN type = 'date'::regtype THEN format('%L::date', known::date)
    WHEN hours THEN format('%L::timestamptz', known AT TIME ZONE source.time_zone)
    ELSE format('%L::timestamp', known) END;
  elapsed constant text := CASE WHEN type = 'date'::regtype THEN '(%s - c.started)::double precision'
    ELSE '(extract(epoch FROM %s - c.started) / ' || CASE WHEN hours THEN 3600 ELSE 86400 END
      || ')::double precision' END;
BEGIN
  RETURN format($query$
reach AS (
  -- Until when the rows before this one reach: a start beyond that comes after a gap.
  SELECT p.*, max(coalesce(p.ended, 'infinity')) OVER (PARTITION BY p.customer ORDER BY p.started, p.ended
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS retention_reached
  FROM presence AS p
  WHERE isfinite(p.started) AND p.started < coalesce(p.ended, 'infinity')
), customer AS (
  -- The first stay, with the segments it began in.
  SELECT min(p.started)%1$s AS started, nullif(coalesce(
    min(p.retention_reached) FILTER (WHERE p.started > p.retention_reached),
    max(coalesce(p.ended, 'infinity'))), 'infinity')%1$s AS ended%2$s
  FROM reach AS p
  GROUP BY p.customer
), %6$s AS MATERIALIZED (
  -- A departure in the course of a day (or hour) counts at its end; customers who are still there have been observed
  -- for the whole days that have passed.
  SELECT v.place, v.segment, v.value, @extschema@.survival(
    CASE WHEN c.ended IS NULL THEN floor(%3$s) ELSE ceil(%4$s) END, c.ended IS NOT NULL) AS state
  FROM customer AS c, %5$s
  GROUP BY v.place, v.segment, v.value
)%7$s$query$, moved, retention_internal.report_segment_list(source.segments,
      ', (array_agg(p.%2$I ORDER BY p.started, p.%2$I))[1] AS %2$I', ''),
    format(elapsed, known_at), format(elapsed, 'c.ended'), retention_internal.report_values(source),
    CASE WHEN source.suppress_below IS NULL THEN 'survival' ELSE 'exact' END,
    CASE WHEN source.suppress_below IS NULL THEN '' ELSE format($query$, survival AS MATERIALIZED (
  SELECT coalesce(array_position(%1$L::text[], s.segment), 0) AS place, nullif(s.segment, 'all') AS segment,
    CASE WHEN s.segment <> 'all' THEN s.value END AS value, s.survival AS state
  FROM (SELECT array_agg(coalesce(e.segment, 'all')) AS segments, array_agg(e.value) AS "values",
      array_agg(e.state) AS states FROM exact AS e) AS e,
    retention_internal.survival_shown(e.segments, e."values", e.states, %2$s) AS s
)$query$, source.segments, source.suppress_below) END);
END
$body$;
COMMENT ON FUNCTION retention_internal.report_stays(retention_internal.source, regtype, timestamp, boolean) IS
'the parts "reach", "customer" and "survival" of a WITH: how long the customers of a report stay';

CREATE FUNCTION retention_internal.report_survival_rows(unit text, suppressed boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $body$
  SELECT format($query$
(SELECT jsonb_agg(jsonb_build_object('segment', v.segment, 'value', v.value)
    || retention_internal.report_survival(v.state, u.times, %L) ORDER BY v.place, v.size)
  FROM (
    SELECT w.*, row_number() OVER (
      PARTITION BY w.place ORDER BY n.customers DESC, w.value COLLATE "C" NULLS LAST) AS size
    FROM survival AS w, @extschema@.survival_summary(w.state) AS n
  ) AS v, (
    SELECT %s AS times
    FROM survival AS w, @extschema@.survival_summary(w.state) AS n WHERE w.place = 0
  ) AS u
  WHERE v.size <= 8)$query$, unit, CASE WHEN suppressed THEN 'NULL::double precision[]'
    ELSE 'retention_internal.report_times(n.followed_until)' END)
$body$;
COMMENT ON FUNCTION retention_internal.report_survival_rows(text, boolean) IS
'an SQL expression of the part "survival" as a report writes it: of each segment the eight largest values, at all '
'times of the curves where these are coarse';

CREATE FUNCTION retention_internal.report_scan(source retention_internal.source, kept text, known timestamp,
  grid retention_grid, plain retention_grid, periods integer) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $body$
#variable_conflict use_variable
DECLARE
  hours constant boolean := (@extschema@.grid_options(plain)).unit = 'hour';
  known_sql constant text := format('(%L::timestamp)', known);
  -- Stays of events are clock times of the grid's zone.
  type constant regtype := CASE WHEN source.kind = 'events' AND source.time_type = 'timestamptz'::regtype
    THEN 'timestamp' ELSE source.time_type END;
  most constant integer := greatest(36, periods + 1);
  starts text;
  ends text;
  span record;
BEGIN
  SELECT b.* INTO span FROM retention_internal.report_span(plain, known, periods) AS b;
  starts := retention_internal.report_moment(type, format('%L::timestamptz', span.starts), source.time_zone);
  ends := retention_internal.report_moment(type, format('%L::timestamptz', span.until), source.time_zone);

  RETURN format('WITH presence AS MATERIALIZED (%s), %s%s, ',
      CASE WHEN kept IS NULL THEN retention_internal.source_presence(source, known_sql)
        ELSE retention_internal.facts_presence(source, known_sql) END,
      retention_internal.source_largest(source, 'presence'),
      retention_internal.report_summary(source, kept, known_sql, grid, plain))
    || format('flow AS MATERIALIZED (SELECT @extschema@.customer_flow(p.%s, p.started, p.ended, '
        '%L::@extschema@.retention_grid, %s(%s, %s)::@extschema@.retention_span) AS flow FROM presence AS p), ',
      retention_internal.source_customer(source), plain, CASE type WHEN 'date'::regtype THEN 'daterange'
        WHEN 'timestamptz'::regtype THEN 'tstzrange' ELSE 'tsrange' END,
      retention_internal.report_moment(type, format('%L::timestamptz', span.first), source.time_zone),
      retention_internal.report_moment(type, format('%L::timestamptz', span.last), source.time_zone))
    || format('part AS (SELECT v.place, v.segment, v.value, count(*) AS at_start, '
        'count(*) FILTER (WHERE c.retention_kept) AS kept FROM (%s) AS c, %s WHERE v.place > 0 '
        'GROUP BY v.place, v.segment, v.value), ',
      CASE WHEN source.segments = '{}' THEN 'SELECT NULL::boolean AS retention_kept WHERE false'
        ELSE retention_internal.report_held(source.segments, starts, ends) END,
      retention_internal.report_values(source))
    || retention_internal.report_stays(source, type, known, hours)
    || format($query$,
since AS MATERIALIZED (
  -- The drivers are about the customers of the earliest complete period shown that has at least half as many as
  -- the one with most.
  SELECT q.period_start AS starts
  FROM (
    SELECT r.period_start, r.at_start, max(r.at_start) OVER () AS most
    FROM flow AS f, @extschema@.flow_periods_at(f.flow, 'kept'::text, 'lost'::text, 0.95::double precision) AS r
    WHERE r.status = 'observed' AND r.period_start >= %L::timestamptz
  ) AS q
  WHERE q.at_start > 0 AND 2 * q.at_start >= q.most
  ORDER BY q.period_start LIMIT 1
)
SELECT (SELECT f.flow FROM flow AS f) AS flow, (SELECT jsonb_agg(to_jsonb(n)) FROM part AS n) AS segments,
  %s AS survival, (
    SELECT jsonb_agg(jsonb_build_object('segment', z.segment, 'values', z.n) ORDER BY z.place)
    FROM (
      SELECT w.place, w.segment, count(*) AS n FROM survival AS w WHERE w.place > 0 GROUP BY w.place, w.segment
    ) AS z
    WHERE z.n > 8) AS crowded,
  %s AS drivers, (SELECT w.starts FROM since AS w) AS drivers_since,
  (SELECT s.cohorts FROM summary AS s) AS summary$query$,
      span.since, retention_internal.report_survival_rows(CASE WHEN hours THEN 'hours' ELSE 'days' END,
        source.suppress_below IS NOT NULL),
      CASE WHEN source.segments = '{}' THEN 'NULL::@extschema@.retention_drivers'
        ELSE format('(SELECT @extschema@.churn_drivers(NOT c.retention_kept, retention_row) FROM (%s) AS c, '
            'LATERAL (SELECT %s) AS retention_row)',
          retention_internal.report_held(source.segments,
            retention_internal.report_moment(type, '(SELECT s.starts FROM since AS s)', source.time_zone), ends),
          retention_internal.report_segment_list(source.segments, CASE WHEN source.top IS NULL THEN 'c.%2$I'
            ELSE 'CASE WHEN EXISTS (SELECT FROM largest AS l WHERE l.segment = %2$L AND coalesce(l.value = '
              'c.%2$I::text, l.value IS NULL AND c.%2$I IS NULL)) THEN c.%2$I::text ELSE ''Other'' END AS %2$I' END,
            ', ')) END)
    || format(', %s AS cohorts, %s AS curve, %s AS lifecycle, %s AS stickiness',
      retention_internal.report_rows(source, 'cohorts', most), retention_internal.report_rows(source, 'curve', most),
      format(CASE source.kind WHEN 'events' THEN '%s'
          ELSE '(WITH summary AS (SELECT l.cohorts FROM lived AS l) SELECT %s)' END,
        retention_internal.report_rows(source, 'lifecycle', most)),
      CASE source.kind WHEN 'events' THEN retention_internal.report_rows(source, 'stickiness', most)
        ELSE 'NULL::jsonb' END);
END
$body$;
COMMENT ON FUNCTION retention_internal.report_scan(retention_internal.source, text, timestamp, retention_grid,
  retention_grid, integer) IS
'the query of a report: everything that comes from the rows of a source or, with FROM and WHERE of their summary, from '
'its kept facts';

CREATE FUNCTION retention_internal.report_counted(source retention_internal.source, summary retention_cohorts,
  since text, until text, OUT rows bigint, OUT ignored bigint, OUT planned boolean, OUT reasons jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  stated @extschema@.retention_reasons;
BEGIN
  IF source.kind = 'events' THEN
    SELECT t.rows_seen, t.rows_ignored INTO rows, ignored FROM @extschema@.cohort_totals(summary) AS t;
    RETURN;
  END IF;
  EXECUTE format('SELECT count(*), count(*) FILTER (WHERE p.customer IS NULL OR p.started IS NULL), '
      'count(p.ended) = count(*) AND max(p.ended) > max(p.started), %s FROM %s AS p',
    CASE WHEN source.has_reason THEN format('@extschema@.churn_reasons(p.reason::text) FILTER (WHERE p.customer '
        'IS NOT NULL AND p.started < p.ended AND p.ended >= %s AND p.ended < %s)', since, until)
      ELSE 'NULL::@extschema@.retention_reasons' END, source.source)
    INTO rows, ignored, planned, stated;
  IF source.has_reason THEN
    SELECT coalesce(jsonb_agg(to_jsonb(r) - 'place' ORDER BY r.place), '[]') INTO reasons
      FROM @extschema@.reason_table(stated, 0.95::double precision) WITH ORDINALITY
        AS r (reason, category, mitigated_by, customers, share, ci_low, ci_high, cumulative_share, place);
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.report_counted(retention_internal.source, retention_cohorts, text, text) IS
'how many rows a source has, how many of them are ignored, whether every row has an end, some after the last start, '
'and the reasons of the departures between two times, which are given as SQL';

CREATE FUNCTION retention_internal.report_drivers(drivers retention_drivers, since jsonb, until jsonb,
  OUT rows jsonb, OUT ranking jsonb, OUT counted jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT (
      SELECT jsonb_agg(to_jsonb(d) - 'place' ORDER BY d.place)
      FROM @extschema@.driver_table($1, 0.95::double precision) WITH ORDINALITY
        AS d (attribute, value, customers, share, churned, churn_rate, ci_low, ci_high, risk_ratio, risk_ratio_low,
          risk_ratio_high, lift, min_expected, odds_ratio, odds_ratio_low, odds_ratio_high, weight_of_evidence, note,
          place)
    ), (
      SELECT jsonb_agg(to_jsonb(d) - 'place' ORDER BY d.place)
      FROM @extschema@.driver_ranking($1) WITH ORDINALITY AS d (attribute, "values", chi2, df, p_value, p_adjusted,
        cramers_v, cramers_v_corrected, information_value, auc, ks, note, place)
    ), (
      SELECT jsonb_build_object('period_start', $2, 'period_end', $3, 'customers', n.customers, 'churned', n.churned)
      FROM @extschema@.driver_summary($1) AS n
    )
  WHERE $1 IS NOT NULL
$$;
COMMENT ON FUNCTION retention_internal.report_drivers(retention_drivers, jsonb, jsonb) IS
'drivers as a report writes them, and which customers they are about';

CREATE FUNCTION retention_internal.report_benchmark(latest jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_agg(jsonb_build_object('industry', b.benchmark_industry, 'year', b.year,
    'retention_rate', latest -> 'retention_rate', 'low', latest -> 'retention_low', 'high', latest -> 'retention_high',
    'of', latest -> 'at_start', 'benchmark', b.benchmark, 'difference', b.difference, 'difference_low', b.ci_low,
    'difference_high', b.ci_high, 'p_value', b.p_value) ORDER BY b.benchmark, b.benchmark_industry COLLATE "C")
  FROM (
      SELECT DISTINCT lower(n.industry) AS industry FROM @extschema@.retention_benchmark AS n WHERE n.period = 'year'
    ) AS i, @extschema@.against_benchmark((latest ->> 'kept')::bigint, (latest ->> 'at_start')::bigint, i.industry,
      0.95::double precision) AS b
  WHERE (latest ->> 'at_start')::bigint > 0
    AND (latest ->> 'period_end')::timestamp = (latest ->> 'period_start')::timestamp + interval '1 year'
$$;
COMMENT ON FUNCTION retention_internal.report_benchmark(jsonb) IS
'the retention of a period of a year against each industry; NULL for other periods and where there were no customers';

CREATE FUNCTION retention_internal.report_secured(source regclass) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE used AS (
    SELECT $1::oid AS relation
    UNION
    SELECT d.refobjid FROM used AS u JOIN pg_rewrite AS w ON w.ev_class = u.relation
      JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
        AND d.refclassid = 'pg_class'::regclass
  )
  SELECT bool_or(row_security_active(u.relation)) FROM used AS u
$$;
COMMENT ON FUNCTION retention_internal.report_secured(regclass) IS
'whether row-level security holds for the caller in a table that a view reads';

CREATE FUNCTION retention_internal.report_interval(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$ SELECT regexp_replace(value, '\mmon(s?)\M', 'month\1') $$;
COMMENT ON FUNCTION retention_internal.report_interval(text) IS
'an interval in words: 3 months, where the server says 3 mons';

CREATE FUNCTION retention_internal.report_definition(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN source.kind = 'events' THEN format('A customer stays one from an event until %s without another one (the '
      'inactivity window).', retention_internal.report_interval(source.gone_after::text))
    WHEN source.presence = 'at_end' THEN 'Cohorts count the customers at the end of each period, as the flow does.'
    ELSE 'Cohorts count everyone who was a customer at any time in a period.' END
$$;
COMMENT ON FUNCTION retention_internal.report_definition(retention_internal.source) IS
'who counts as a customer in a report';

CREATE FUNCTION retention_internal.report_notes(source retention_internal.source, report jsonb, asked boolean,
  kept boolean, crowded jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH period AS (
    SELECT p.period, p.place, p.period ->> 'status' AS status, (p.period ->> 'at_start')::bigint AS at_start,
      row_number() OVER (PARTITION BY p.period ->> 'status' ORDER BY p.place DESC) AS back
    FROM jsonb_array_elements($2 -> 'flow') WITH ORDINALITY AS p (period, place)
  ), note (place, words) AS (
    SELECT 1, format(CASE WHEN $3 THEN 'As of %s, as requested.'
      WHEN $1.has_as_of THEN 'As of %s, which the source sets.'
      ELSE 'As of %s, so that the latest row is included.' END,
      retention_internal.page_as_of(($2 ->> 'as_of')::timestamp))
    UNION ALL
    SELECT 2, format('The period from %s to %s is not over: its counts are partial, and it has no rates.',
      retention_internal.page_as_of((p.period ->> 'period_start')::timestamp),
      retention_internal.page_as_of((p.period ->> 'period_end')::timestamp))
    FROM period AS p WHERE p.status = 'partial'
    UNION ALL
    SELECT 3, CASE
      WHEN NOT EXISTS (SELECT FROM period AS p WHERE p.status = 'observed' AND p.back = 1 AND p.at_start > 0)
        THEN 'There were no customers at the start of the last complete period, so it has no rates.'
      WHEN (SELECT p.at_start FROM period AS p WHERE p.place = 1) = 0 THEN (
        SELECT format('There were no customers before %s.',
          retention_internal.page_as_of((p.period ->> 'period_start')::timestamp)) FROM period AS p
        WHERE (p.period ->> 'at_end')::bigint > 0 OR (p.period ->> 'joined')::bigint > 0
        ORDER BY p.place LIMIT 1) END
    UNION ALL
    SELECT 4, format('There are %s cohorts; this report contains the newest %s, from %s on.',
      $2 ->> 'cohort_count', c.held, retention_internal.page_as_of(c.oldest::timestamp))
    FROM (
      SELECT count(DISTINCT n.cell -> 'cohort') AS held, min(n.cell ->> 'cohort') AS oldest
      FROM jsonb_array_elements($2 -> 'cohorts') AS n (cell)
    ) AS c
    WHERE c.held < ($2 ->> 'cohort_count')::bigint
    UNION ALL
    SELECT 5, retention_internal.report_definition($1)
    UNION ALL
    SELECT 6, 'Made from kept facts: rows written since the last refresh are missing.' WHERE $4
    UNION ALL
    SELECT 7, format('%s of %s rows are left out: they have no customer, no time, or a time at or after the as-of '
      'time.', $2 ->> 'ignored', $2 ->> 'rows')
    WHERE ($2 ->> 'ignored')::bigint > 0
    UNION ALL
    SELECT 8, format(CASE WHEN $4 THEN 'Row-level security: kept facts are of all rows; what is not made from them is '
        'of those that %s may see.' ELSE 'Row-level security: only rows that %s may see are counted.' END,
      quote_ident(current_user))
    WHERE retention_internal.report_secured($1.source)
    UNION ALL
    SELECT 9, format('%s has %s values: the 8 largest are drawn, the 20 largest compared.', z.segment, z."values")
    FROM jsonb_to_recordset($5) AS z (segment text, "values" bigint)
    UNION ALL
    SELECT 10, 'Fewer than half of the customers have left so far, so there is no median.'
    WHERE $2 -> 'survival' -> 0 ->> 'median' IS NULL
    UNION ALL
    SELECT 11, format('Churn drivers: of the %s customers as of %s, %s had left by %s. An association need '
        'not be a cause.', d.d ->> 'customers', retention_internal.page_as_of((d.d ->> 'period_start')::timestamp),
      d.d ->> 'churned', retention_internal.page_as_of((d.d ->> 'period_end')::timestamp))
    FROM (SELECT $2 -> 'drivers_since' AS d) AS d WHERE d.d ->> 'customers' IS NOT NULL
    UNION ALL
    SELECT 12, 'Every row has an end. If these are paid-until dates, set as_of: who has paid until then may stay.'
    WHERE ($2 ->> 'every_row_ends')::boolean
  )
  SELECT jsonb_agg(n.words ORDER BY n.place, n.words COLLATE "C") FROM note AS n WHERE n.words IS NOT NULL
$$;
COMMENT ON FUNCTION retention_internal.report_notes(retention_internal.source, jsonb, boolean, boolean, jsonb) IS
'the notes of a report';

CREATE FUNCTION retention_internal.report_head(source retention_internal.source, periods integer) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object('format', 1, 'version', @extschema@.retention_version(), 'periods', periods,
    'source', jsonb_build_object('name', c.relname, 'relation', $1.source::text, 'kind', $1.kind,
      'owner', pg_get_userbyid($1.owner), 'definition', pg_get_viewdef($1.source), 'grid', $1.grid::text,
      'segments', to_jsonb($1.segments), 'gone_after', $1.gone_after::text, 'presence', $1.presence))
  FROM pg_class AS c WHERE c.oid = $1.source
$$;
COMMENT ON FUNCTION retention_internal.report_head(retention_internal.source, integer) IS
'what a report begins with: its format and its source';

CREATE FUNCTION retention_internal.report_shown(flow jsonb, since timestamp) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- From the first period with customers on.
  SELECT coalesce(jsonb_agg(p.period ORDER BY p.place), '[]')
  FROM (
    SELECT e.period, e.place, min(e.place) FILTER (WHERE coalesce((e.period ->> 'at_start')::bigint
      + (e.period ->> 'at_end')::bigint + (e.period ->> 'departures')::bigint > 0, true)) OVER () AS begun
    FROM jsonb_array_elements(flow) WITH ORDINALITY AS e (period, place)
  ) AS p
  WHERE (p.period ->> 'period_start')::timestamp >= since AND p.place >= p.begun
$$;
COMMENT ON FUNCTION retention_internal.report_shown(jsonb, timestamp) IS
'the periods of a flow that a report shows';

CREATE FUNCTION retention_report(source regclass, as_of timestamp DEFAULT NULL, periods integer DEFAULT 12)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET IntervalStyle = 'postgres'
SET standard_conforming_strings = on
AS $body$
#variable_conflict use_variable
DECLARE
  s retention_internal.source;
  known timestamp := as_of;
  grid @extschema@.retention_grid;
  plain @extschema@.retention_grid;
  kept text;          -- FROM and WHERE of the summary that is kept, if one is
  span record;
  found record;
  counted record;
  drivers record;
  report jsonb;
  flow jsonb;
  money jsonb;
  shown jsonb;
  hidden jsonb;
BEGIN
  IF periods IS NULL OR periods NOT BETWEEN 1 AND 1000 THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('a report has 1 to 1000 periods, not %s', coalesce(periods::text, 'NULL'));
  END IF;
  IF NOT isfinite(as_of) THEN
    RAISE EXCEPTION USING ERRCODE = '22008', MESSAGE = 'the as_of of a report must be finite';
  END IF;
  s := retention_internal.source_find(source);
  -- Texts and casts of instants are local times of the grid, whatever the session's zone. Ends with this function.
  PERFORM set_config('TimeZone', s.time_zone, true);
  report := retention_internal.report_head(s, periods);

  PERFORM retention_internal.progress('report', source, 'until when', 1, 3);
  -- Kept facts reach until the latest row; for another time the source is read.
  kept := CASE WHEN as_of IS NULL THEN retention_internal.facts_totals(s) END;
  IF as_of IS NULL THEN
    EXECUTE 'SELECT ' || coalesce('t.as_of ' || kept, retention_internal.source_as_of(s)) INTO known;
  END IF;
  IF known IS NULL THEN
    PERFORM retention_internal.progress_end();
    RETURN report || '{"as_of": null, "rows": 0, "customers": 0, "ignored": 0, "headline": [], "flow": [],
      "cohort_count": 0, "cohorts": [], "curve": [], "lifecycle": [], "stickiness": null, "survival": [],
      "segments": [], "at_risk": null, "losses": null, "drivers": null, "driver_ranking": null,
      "drivers_since": null, "reasons": null, "benchmark": null, "money": null,
      "notes": ["There is no row with a customer and a time."]}';
  END IF;
  EXECUTE format('SELECT %s, %s', retention_internal.source_grid(s, format('%L::timestamp', known)),
    retention_internal.source_grid(s, format('%L::timestamp', known), true)) INTO grid, plain;
  SELECT b.* INTO span FROM retention_internal.report_span(plain, known, periods) AS b;

  PERFORM retention_internal.progress('report', source, 'cohorts, flow, segments, survival', 2, 3);
  EXECUTE retention_internal.report_scan(s, kept, known, grid, plain, periods) INTO found;
  hidden := retention_internal.report_hidden(s, CASE WHEN as_of IS NOT NULL THEN format('%L::timestamp', known) END);
  money := retention_internal.report_money(s, known, plain, span.first, span.since, greatest(36, periods + 1), hidden);
  flow := retention_internal.report_suppressed(retention_internal.report_flow(found.flow, plain, span.first), 'flow',
    hidden, '{}'::jsonb);
  found.cohorts := retention_internal.report_suppressed(found.cohorts, 'cohorts', hidden, '{}'::jsonb);
  found.lifecycle := retention_internal.report_suppressed(found.lifecycle, 'lifecycle', hidden, '{}'::jsonb);
  shown := retention_internal.report_shown(flow, span.since AT TIME ZONE s.time_zone);
  report := report || jsonb_build_object('as_of', known, 'flow', shown,
    'headline', retention_internal.report_headline(flow)
      || CASE WHEN s.kind = 'events' AND (@extschema@.grid_options(s.grid)).brackets IS NULL
        THEN retention_internal.report_returns(found.cohorts, found.lifecycle) ELSE '[]' END
      || coalesce(money -> 'headline', '[]'),
    'customers', (SELECT CASE WHEN t.customers NOT BETWEEN 1 AND coalesce(s.suppress_below, 0) - 1 THEN t.customers END
      FROM @extschema@.cohort_totals(found.summary) AS t),
    'cohort_count', (
      SELECT count(*)
      FROM @extschema@.cohort_cells_at(found.summary, 'on'::text, NULL::timestamp, 0.95::double precision,
        NULL::integer) AS c
      WHERE c.period = 0),
    'cohorts', found.cohorts,
    'curve', retention_internal.report_suppressed(found.curve, 'curve', hidden, '{}'::jsonb),
    'lifecycle', found.lifecycle,
    'stickiness', retention_internal.report_suppressed(found.stickiness, 'stickiness', hidden, '{}'::jsonb),
    'survival', coalesce(found.survival, '[]'), 'money', money - 'headline',
    'segments', retention_internal.report_suppressed_segments(
      retention_internal.report_segments(coalesce(found.segments, '[]')), hidden,
      retention_internal.report_time(span.starts, plain)),
    'benchmark', retention_internal.report_benchmark((
      SELECT p.period FROM jsonb_array_elements(shown) WITH ORDINALITY AS p (period, place)
      WHERE p.period ->> 'status' = 'observed' ORDER BY p.place DESC LIMIT 1)));

  PERFORM retention_internal.progress('report', source, 'reasons and rows', 3, 3);
  SELECT c.* INTO counted FROM retention_internal.report_counted(s, found.summary,
    retention_internal.report_moment(s.time_type, format('%L::timestamptz', span.since), s.time_zone),
    retention_internal.report_moment(s.time_type, format('%L::timestamptz', span.until), s.time_zone)) AS c;
  SELECT d.* INTO drivers FROM retention_internal.report_drivers(found.drivers,
    retention_internal.report_time(found.drivers_since, plain), retention_internal.report_time(span.until, plain)) AS d;
  report := report || CASE WHEN s.list_customers THEN retention_internal.report_lists(s,
      CASE WHEN as_of IS NOT NULL THEN format('%L::timestamp', known) END, span.starts, span.until)
    ELSE '{"at_risk": null, "losses": null}' END;
  drivers.rows := retention_internal.report_suppressed_values(drivers.rows, 'attribute', '{attribute,value}'::text[],
    s.suppress_below);
  report := report || jsonb_build_object('rows', counted.rows, 'ignored', counted.ignored,
    'every_row_ends', counted.planned AND as_of IS NULL AND NOT s.has_as_of,
    'reasons', retention_internal.report_suppressed_values(counted.reasons, 'all',
      '{reason,category,mitigated_by}'::text[], s.suppress_below),
    'drivers', drivers.rows,
    'driver_ranking', retention_internal.report_suppressed_ranking(drivers.ranking, drivers.rows),
    'drivers_since', retention_internal.report_suppressed_values(jsonb_build_array(drivers.counted), 'all',
      '{period_start,period_end}'::text[], s.suppress_below) -> 0);
  report := report || jsonb_build_object('notes', retention_internal.report_notes(s, report, as_of IS NOT NULL,
    kept IS NOT NULL, coalesce(found.crowded, '[]')));
  PERFORM retention_internal.progress_end();
  RETURN report;
END
$body$;
COMMENT ON FUNCTION retention_report(regclass, timestamp, integer) IS
'everything about a source in one JSON value: rates now and before, flow, cohorts, curve, lifecycle, survival, '
'segments, drivers, reasons, notes';
