-- source: the views of movements: flow, flow_by_segment, movements.

CREATE FUNCTION retention_internal.source_flow_span(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres' AS $$
DECLARE
  time_column text := CASE source.kind WHEN 'events' THEN 'at' ELSE 'started' END;
  is_instant boolean := source.kind = 'events' AND source.time_type = 'timestamptz'::regtype;
BEGIN
  -- From the period of the first start to beyond as_of: a period that has not begun by then gives no row. Customers who
  -- started before 1900 were there before. Where nothing is known, as of no rows, there is no span.
  RETURN format($q$span AS (
  SELECT %1$s(
    @extschema@.retention_period_start(coalesce(least(f.first, k.as_of), k.as_of), %2$s),
    %3$s) AS span
  FROM (SELECT %4$s FROM known) AS k, (SELECT %5$s AS first %6$s) AS f
  WHERE k.as_of IS NOT NULL
)$q$,
    p.range, p.calendar,
    format(CASE p.time_type WHEN 'date' THEN '(k.as_of + interval %L)::date' ELSE 'k.as_of + interval %L' END,
      2 * (@extschema@.grid_options(source.grid)).length),
    CASE p.time_type WHEN 'date' THEN 'as_of::date' WHEN 'timestamp' THEN 'as_of'
      ELSE format('as_of AT TIME ZONE %s AS as_of', p.zone) END,
    CASE WHEN p.kept IS NOT NULL THEN 'max(t.first_at)' || CASE p.time_type WHEN 'date' THEN '::date' ELSE '' END
      ELSE format('min(%s)', time_column) || CASE WHEN is_instant THEN ' AT TIME ZONE ' || p.zone ELSE '' END END,
    coalesce(p.kept, format('FROM %s WHERE %s >= ''1900-01-01 00:00+00'' AND customer IS NOT NULL',
      source.source, time_column)));
END
$$;
COMMENT ON FUNCTION retention_internal.source_flow_span(retention_internal.source, retention_internal.view_parts) IS
'the part "span" of a WITH: the periods of a flow';

CREATE FUNCTION retention_internal.source_flow_periods(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT retention_internal.source_grid($1, '(SELECT as_of FROM known)', true)
    || E',\n    (SELECT span::@extschema@.retention_span FROM span)'
$$;
COMMENT ON FUNCTION retention_internal.source_flow_periods(retention_internal.source, retention_internal.view_parts) IS
'the last two arguments of customer_flow() or flow_membership(): the grid and the part "span" of a WITH';

CREATE FUNCTION retention_internal.source_flow_rows(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- Kept facts have all stays of a customer in one row. What begins or ends after as_of is beyond the last period.
  SELECT CASE WHEN $2.kept IS NULL THEN $2.presence || E',\nmember AS NOT MATERIALIZED (SELECT * FROM presence)'
    ELSE format('member AS (SELECT f.customer, f.stays AS retention_stays%s FROM %s AS f)',
      retention_internal.source_segment_list($1, ', f.segment_%s AS %I'), ($1.kept).facts) END
$$;
COMMENT ON FUNCTION retention_internal.source_flow_rows(retention_internal.source, retention_internal.view_parts) IS
'the part "member" of a WITH, with what it reads: what a flow is made of, memberships or all those of a customer';

CREATE FUNCTION retention_internal.source_flow_of(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('@extschema@.customer_flow(%s, %s)',
    CASE WHEN $2.kept IS NULL THEN format('c.%s, c.started, c.ended', retention_internal.source_customer($1))
      ELSE 'c.retention_stays' END,
    retention_internal.source_flow_periods($1, $2))
$$;
COMMENT ON FUNCTION retention_internal.source_flow_of(retention_internal.source, retention_internal.view_parts) IS
'an SQL expression of the flow of the rows c of "member"';

CREATE FUNCTION retention_internal.source_flow_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($q$WITH %1$s,
%2$s,
%3$s,
summary AS (SELECT %4$s AS flow FROM member AS c)
SELECT f.* FROM summary AS s,
  @extschema@.flow_periods%5$s(s.flow, 'kept'::text, 'lost'::text, 0.95::double precision) AS f$q$,
    $2.known, retention_internal.source_flow_span($1, $2), retention_internal.source_flow_rows($1, $2),
    retention_internal.source_flow_of($1, $2), CASE WHEN $2.hours THEN '_at' ELSE '' END)
$$;
COMMENT ON FUNCTION retention_internal.source_flow_view(
  retention_internal.source, retention_internal.view_parts, text) IS 'the query of the view flow';

-- By segment. Where a customer has one value for good, a flow is made of their memberships. Of subscriptions a
-- membership has a value: in each period a customer has that which held when it began, or with which they came. Those
-- who change are counted one by one.

CREATE FUNCTION retention_internal.source_has_changes(source retention_internal.source) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT $1.kind = 'subscriptions' AND $1.segments_at = 'start' AND $1.segments <> '{}'
$$;
COMMENT ON FUNCTION retention_internal.source_has_changes(retention_internal.source) IS
'whether a customer of a source may have one value of a segment in one period and another in the next';

CREATE FUNCTION retention_internal.source_members(
  source retention_internal.source, p retention_internal.view_parts, changed_only boolean
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($q$held AS (
  SELECT c.customer, s.segment, min(s.value) AS value,
    count(DISTINCT s.value) + max((s.value IS NULL)::integer) > 1 AS changes
  FROM presence AS c, LATERAL %1$s
  WHERE c.started < coalesce(c.ended, 'infinity')
  GROUP BY c.customer, s.segment
),
member AS (
  SELECT c.customer, m.*
  FROM (
    SELECT c.customer, range_agg(%2$s(c.started, c.ended)) AS stays
    FROM presence AS c
    WHERE c.started < coalesce(c.ended, 'infinity')%3$s
    GROUP BY c.customer
  ) AS c, %7$s%4$s(c.stays, %5$s) AS m%8$s
),
valued AS (
  SELECT DISTINCT ON (h.segment, m.customer, m.period_start) h.segment, s.value, m.*
  FROM held AS h JOIN member AS m ON m.customer = h.customer
    JOIN presence AS c ON c.customer = h.customer AND c.started < m.period_end%6$s
      AND coalesce(c.ended >= m.period_start%6$s, true) AND c.started < coalesce(c.ended, 'infinity'),
    LATERAL %1$s
  WHERE h.changes AND s.segment = h.segment
  ORDER BY h.segment, m.customer, m.period_start, c.started < m.period_start%6$s DESC,
    CASE WHEN c.started < m.period_start%6$s THEN c.started END DESC, c.started, s.value
)$q$,
    retention_internal.source_by_segment($1, false), $2.range,
    CASE WHEN $3 THEN ' AND c.customer IN (SELECT h.customer FROM held AS h WHERE h.changes)' ELSE '' END,
    CASE WHEN $2.hours THEN '_at' ELSE '' END, retention_internal.source_flow_periods($1, $2), $2.bound,
    CASE WHEN $3 THEN '@extschema@.flow_membership' ELSE 'retention_internal.flow_movements' END,
    CASE WHEN $3 THEN E'\n  WHERE m.movement <> ''absent''' ELSE '' END)
$$;
COMMENT ON FUNCTION retention_internal.source_members(
  retention_internal.source, retention_internal.view_parts, boolean) IS
'parts of a WITH: held (who has which value, and whether they change), member (how customers count in each period), '
'valued (the same of those who change, by segment and value)';

CREATE FUNCTION retention_internal.source_flow_changes(
  source retention_internal.source, p retention_internal.view_parts, part text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($q$%1$s,
%2$s,
counted AS (
  SELECT p.segment, p.value, f.period_start, f.period_end, f.at_start, f.joined, f.gained, f.reactivated, f.lost,
    f.at_end, f.kept, f.joined_and_left, f.reactivated_and_left, f.left_and_returned, f.departures, f.customer_days
  FROM part AS p,
    @extschema@.flow_periods%3$s(p.flow, 'kept'::text, 'lost'::text, 0.95::double precision) AS f
  UNION ALL
  SELECT v.segment, v.value, v.period_start, v.period_end, count(*) FILTER (WHERE v.there_at_start),
    count(*) FILTER (WHERE v.movement IN ('gained', 'joined_and_left')),
    count(*) FILTER (WHERE v.movement = 'gained'), count(*) FILTER (WHERE v.movement = 'reactivated'),
    count(*) FILTER (WHERE v.movement = 'lost'), count(*) FILTER (WHERE v.there_at_end),
    count(*) FILTER (WHERE v.movement = 'kept'), count(*) FILTER (WHERE v.movement = 'joined_and_left'),
    count(*) FILTER (WHERE v.movement = 'reactivated_and_left'),
    sum(v.departures) - count(*) FILTER (WHERE v.movement IN ('lost', 'joined_and_left', 'reactivated_and_left')),
    sum(v.departures), sum(v.days_present)
  FROM valued AS v
  GROUP BY v.segment, v.value, v.period_start, v.period_end
  UNION ALL
  -- every period of values that only those have who change
  SELECT v.segment, v.value, m.period_start, m.period_end, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
  FROM (SELECT DISTINCT v.segment, v.value FROM valued AS v) AS v,
    @extschema@.flow_membership%3$s(%4$s(), %5$s) AS m
),
summed AS (
  SELECT c.segment, c.value, c.period_start, c.period_end,
    CASE WHEN c.period_end%6$s <= (SELECT k.as_of FROM known AS k) THEN 'observed' ELSE 'partial' END AS status,
    sum(c.at_start)::bigint AS at_start, sum(c.joined)::bigint AS joined, sum(c.gained)::bigint AS gained,
    sum(c.reactivated)::bigint AS reactivated, sum(c.lost)::bigint AS lost, sum(c.at_end)::bigint AS at_end,
    sum(c.kept)::bigint AS kept, sum(c.joined_and_left)::bigint AS joined_and_left,
    sum(c.reactivated_and_left)::bigint AS reactivated_and_left, sum(c.left_and_returned)::bigint AS left_and_returned,
    sum(c.departures)::bigint AS departures, trim_scale(sum(c.customer_days)) AS customer_days
  FROM counted AS c
  GROUP BY c.segment, c.value, c.period_start, c.period_end
),
rated AS (
  SELECT c.*, trim_scale(100 * c.kept / i.at_start::numeric) AS retention_rate, i.low AS retention_low,
    i.high AS retention_high, trim_scale(100 * c.lost / i.at_start::numeric) AS churn_rate, 100 - i.high AS churn_low,
    100 - i.low AS churn_high
  FROM summed AS c LEFT JOIN LATERAL (
    SELECT c.at_start, i.low, i.high FROM @extschema@.rate_interval(c.kept::numeric, c.at_start::numeric,
      0.95::double precision, 'wilson'::text) AS i WHERE c.at_start > 0 AND c.status = 'observed'
  ) AS i ON true
)$q$,
    retention_internal.source_members($1, $2, true), $3, CASE WHEN $2.hours THEN '_at' ELSE '' END,
    replace($2.range, 'range', 'multirange'), retention_internal.source_flow_periods($1, $2),
    CASE WHEN $2.hours THEN ' AT TIME ZONE ' || $2.zone ELSE '::timestamp' END)
$$;
COMMENT ON FUNCTION retention_internal.source_flow_changes(
  retention_internal.source, retention_internal.view_parts, text) IS
'parts of a WITH that end with "rated": the flow of each value of a segment, of customers who change it, too';

CREATE FUNCTION retention_internal.source_flow_by_segment_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($q$WITH %1$s,
%2$s,
%3$s,
%4$s%5$s
SELECT r.segment, r.value, r.period_start, r.period_end, r.status, r.at_start, r.joined, r.gained, r.reactivated,
  r.lost, r.at_end, r.kept, r.joined_and_left, r.reactivated_and_left, r.left_and_returned, r.departures,
  r.customer_days, r.retention_rate, r.retention_low, r.retention_high, r.churn_rate, r.churn_low, r.churn_high
FROM (
  -- from the first period with customers of that value on
  SELECT r.*, min(r.period_start) FILTER (WHERE r.at_start + r.joined + r.at_end + r.departures > 0) OVER (
    PARTITION BY r.segment, r.value) AS first
  FROM rated AS r
) AS r
WHERE r.period_start >= r.first
ORDER BY r.segment, r.value, r.period_start$q$,
    $2.known, retention_internal.source_flow_span($1, $2), CASE WHEN retention_internal.source_has_changes($1)
      THEN $2.presence ELSE retention_internal.source_flow_rows($1, $2) END,
    retention_internal.source_largest($1, CASE WHEN $2.kept IS NULL THEN 'presence' ELSE 'member' END),
    CASE WHEN retention_internal.source_has_changes($1) THEN retention_internal.source_flow_changes($1, $2, format(
$q$part AS (
  SELECT h.segment, h.value, %s AS flow
  FROM presence AS c JOIN held AS h ON h.customer = c.customer
  WHERE NOT h.changes
  GROUP BY h.segment, h.value
)$q$, retention_internal.source_flow_of($1, $2)))
    ELSE format($q$part AS (
  SELECT s.segment, s.value, %1$s AS flow
  FROM member AS c, LATERAL %2$s
  GROUP BY s.segment, s.value
),
rated AS (
  SELECT p.segment, p.value, f.* FROM part AS p,
    @extschema@.flow_periods%3$s(p.flow, 'kept'::text, 'lost'::text, 0.95::double precision) AS f
)$q$, retention_internal.source_flow_of($1, $2), retention_internal.source_by_segment($1, false),
      CASE WHEN $2.hours THEN '_at' ELSE '' END) END)
  WHERE $1.segments <> '{}'
$$;
COMMENT ON FUNCTION retention_internal.source_flow_by_segment_view(
  retention_internal.source, retention_internal.view_parts, text) IS
'the query of the view flow_by_segment; NULL without segments';

CREATE FUNCTION retention_internal.source_movements_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $1.suppress_below IS NOT NULL THEN NULL
    WHEN retention_internal.source_has_changes($1) THEN format($q$WITH %1$s,
%2$s,
%3$s,
%4$s%5$s
SELECT 'all' AS segment, 'all' AS value, m.customer, m.period_start, m.period_end, m.movement, m.departures
FROM member AS m
UNION ALL
SELECT h.segment, h.value, m.customer, m.period_start, m.period_end, m.movement, m.departures
FROM member AS m JOIN held AS h ON h.customer = m.customer
WHERE NOT h.changes
UNION ALL
SELECT v.segment, v.value, v.customer, v.period_start, v.period_end, v.movement, v.departures
FROM valued AS v$q$,
      $2.known, retention_internal.source_flow_span($1, $2), $2.presence,
      retention_internal.source_largest($1, 'presence'), retention_internal.source_members($1, $2, false))
    ELSE format($q$WITH %1$s,
%2$s,
%3$s
SELECT s.segment, s.value, c.customer, m.period_start, m.period_end, m.movement, m.departures
FROM member AS c, retention_internal.flow_movements%4$s(c.retention_stays, %5$s) AS m, LATERAL %6$s$q$,
      $2.known, retention_internal.source_flow_span($1, $2),
      CASE WHEN $2.kept IS NOT NULL THEN retention_internal.source_flow_rows($1, $2)
          || coalesce(E',\n' || nullif(rtrim(retention_internal.source_largest($1, 'member'), E',\n'), ''), '')
        ELSE format(E'%s,\n%smember AS (\n  SELECT c.customer, range_agg(%s(c.started, '
          'c.ended)) AS retention_stays%s\n  FROM presence AS c\n  WHERE c.started < coalesce(c.ended, ''infinity'')\n'
          '  GROUP BY c.customer\n)', $2.presence, retention_internal.source_largest($1, 'presence'), $2.range,
          retention_internal.source_segment_list($1, ', (array_agg(c.%2$I))[1] AS %2$I')) END,
      CASE WHEN $2.hours THEN '_at' ELSE '' END, retention_internal.source_flow_periods($1, $2),
      retention_internal.source_by_segment($1, true)) END
$$;
COMMENT ON FUNCTION retention_internal.source_movements_view(
  retention_internal.source, retention_internal.view_parts, text) IS
'the query of the view movements; NULL where small counts are suppressed';
