-- source: the views that compare segments: segments, survival.

CREATE FUNCTION retention_internal.source_segments_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $1.segments <> '{}' THEN format($q$WITH %1$s,
period AS (
  SELECT lower(d.period) AS period_start, upper(d.period) AS period_end,
    lower(d.period)%2$s AS starts, upper(d.period)%2$s AS ends
  FROM (SELECT @extschema@.retention_period%3$s(%4$s, -1, as_of AT TIME ZONE %5$s) AS period FROM known) AS d
),
%6$s,
%9$scustomer AS (
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
    retention_internal.source_by_segment($1, true), retention_internal.source_largest($1, 'presence')) END
$$;
COMMENT ON FUNCTION retention_internal.source_segments_view(
  retention_internal.source, retention_internal.view_parts, text) IS
'the query of the view segments';

CREATE FUNCTION retention_internal.source_first_stays(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $2.kept IS NULL THEN format($q$%1$s,
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
      max(coalesce(p.ended, 'infinity'))), 'infinity') AS ended%2$s
  FROM stay AS p
  GROUP BY p.customer
)$q$, $2.presence,
      string_agg(format(', (array_agg(p.%I ORDER BY p.started, p.%1$I))[1] AS %1$I', s.segment), '' ORDER BY s.place))
    -- Kept facts have the stays of a customer in order.
    ELSE format($q$customer AS (
  SELECT f.customer, lower(s.stay) AS started, CASE WHEN upper(s.stay) < k.as_of THEN upper(s.stay) END AS ended%2$s
  FROM %1$s AS f, retention_internal.facts_first_stay(f.stays) AS s (stay), (SELECT %3$s AS as_of FROM known) AS k
  WHERE lower(s.stay) < k.as_of
)$q$, ($1.kept).facts, string_agg(format(', f.segment_%s AS %I', s.place, s.segment), '' ORDER BY s.place),
      CASE $2.time_type WHEN 'date' THEN 'as_of::date' ELSE 'as_of' END) END
  FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)
$$;
COMMENT ON FUNCTION retention_internal.source_first_stays(retention_internal.source, retention_internal.view_parts) IS
'items of a WITH that end with customer: the first stay of each customer, and their segments';

CREATE FUNCTION retention_internal.source_duration(p retention_internal.view_parts, item integer) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE $2
    WHEN 1 THEN CASE $1.time_type WHEN 'date' THEN 'coalesce(c.ended, k.as_of) - c.started'
      ELSE format(E'CASE\n    WHEN c.ended IS NULL THEN floor(extract(epoch FROM k.as_of - c.started%1$s) / %2$s)\n'
          '    ELSE ceil(extract(epoch FROM c.ended%1$s - c.started%1$s) / %2$s) END',
        $1.moved, CASE WHEN $1.hours THEN 3600 ELSE 86400 END) END
    ELSE CASE WHEN $1.time_type = 'date' THEN 'as_of::date'
      WHEN $1.hours THEN format('as_of AT TIME ZONE %s AS as_of', $1.zone) ELSE 'as_of' END END
$$;
COMMENT ON FUNCTION retention_internal.source_duration(retention_internal.view_parts, integer) IS
'1: an SQL expression of how long a first stay c took, in days or hours, as of k.as_of; 2: that column, of "known"';

CREATE FUNCTION retention_internal.source_survival_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- Durations are whole days, in a grid of hours whole hours. Customers who left in the course of a day left at its
  -- end; those who are still there were seen for the whole days that have passed.
  SELECT format($q$WITH %1$s,
%2$s,
%7$s%8$s AS (
  SELECT s.segment, s.value, @extschema@.survival((%3$s)::double precision, c.ended IS NOT NULL) AS survival
  FROM customer AS c, (SELECT %4$s FROM known) AS k, LATERAL %5$s
  GROUP BY s.segment, s.value
)%9$s
SELECT p.segment, p.value, 0 AS %6$s, m.customers AS at_risk, 0::bigint AS churned, 0::bigint AS censored,
  100::numeric AS survival_rate, NULL::numeric AS ci_low, NULL::numeric AS ci_high
FROM part AS p, @extschema@.survival_summary(p.survival) AS m
UNION ALL
SELECT p.segment, p.value, v."time"::integer, v.at_risk::bigint, v.churned::bigint, v.censored::bigint,
  trim_scale(round((100 * v.survival)::numeric, 6)), trim_scale(round((100 * v.ci_low)::numeric, 6)),
  trim_scale(round((100 * v.ci_high)::numeric, 6))
FROM part AS p,
  @extschema@.survival_curve(p.survival, 'log-log'::text, 0.95::double precision, NULL::double precision[],
    'nelson-aalen'::text) AS v
WHERE v."time" > 0
ORDER BY 1, 2, 3$q$,
    $2.known, retention_internal.source_first_stays($1, $2),
    retention_internal.source_duration($2, 1), retention_internal.source_duration($2, 2),
    retention_internal.source_by_segment($1, true), CASE WHEN $2.hours THEN 'hours' ELSE 'days' END,
    retention_internal.source_largest($1, CASE WHEN $2.kept IS NULL THEN 'presence' ELSE 'customer' END),
    CASE WHEN $1.suppress_below IS NULL THEN 'part' ELSE 'exact' END,
    CASE WHEN $1.suppress_below IS NULL THEN '' ELSE format(E',\npart AS MATERIALIZED (\n  SELECT s.*\n  FROM ('
      'SELECT array_agg(e.segment) AS segments, array_agg(e.value) AS "values", array_agg(e.survival) AS states\n'
      '    FROM exact AS e) AS e, retention_internal.survival_shown(e.segments, e."values", e.states, %s) AS s\n)',
      $1.suppress_below) END)
$$;
COMMENT ON FUNCTION retention_internal.source_survival_view(
  retention_internal.source, retention_internal.view_parts, text) IS
'the query of the view survival';
