-- source: the view of customers, one row for each. No column depends on other customers' rows but by a figure that is
-- the same for all, so that one customer is found by the primary key of kept facts.

CREATE FUNCTION retention_internal.source_amounts(source retention_internal.source, more text DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- Joined by customer, so that a condition on the customer reaches these rows, too.
  SELECT CASE WHEN $1.has_amount OR $2 IS NOT NULL THEN format(E'\n  LEFT JOIN (\n    SELECT r.customer, %s\n    FROM '
      '%s AS r, known AS k\n    WHERE %s\n    GROUP BY r.customer\n  ) AS a ON a.customer = c.customer',
    CASE $1.kind WHEN 'events' THEN concat_ws(', ', CASE WHEN $1.has_amount
        THEN 'sum(r.amount) AS amount, avg(r.amount) AS mean_amount' END, $2)
      ELSE format('sum(r.amount) FILTER (WHERE coalesce(r.ended >= %s, true)) AS amount', t.known) END,
    $1.source, CASE $1.kind WHEN 'events' THEN format('r.at >= ''1900-01-01 00:00+00'' AND r.at%s < %s', CASE
        $1.time_type WHEN 'timestamptz'::regtype THEN format(' AT TIME ZONE %L', $1.time_zone) ELSE '' END, t.known)
      ELSE format('r.started < %s AND r.started < coalesce(r.ended, ''infinity'')', t.known) END) ELSE '' END
  FROM (SELECT 'k.as_of' || CASE WHEN $1.time_type = 'date'::regtype THEN '::date'
    WHEN $1.time_type = 'timestamptz'::regtype AND $1.kind = 'subscriptions'
      THEN format(' AT TIME ZONE %L', $1.time_zone) ELSE '' END AS known) AS t
$$;
COMMENT ON FUNCTION retention_internal.source_amounts(retention_internal.source, text) IS
'a join of the amounts of a customer c, and of more aggregates over the rows of events; empty: neither is there';

CREATE FUNCTION retention_internal.source_unit_days(source retention_internal.source) RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- As the units of purchases; those of a grid of hours are counted by day.
  SELECT CASE o.unit WHEN 'hour' THEN 1 ELSE o.count * CASE o.unit WHEN 'day' THEN 1 WHEN 'week' THEN 7
    WHEN 'month' THEN 30.436875 WHEN 'quarter' THEN 91.310625 ELSE 365.2425 END END::double precision
  FROM @extschema@.grid_options($1.grid) AS o
$$;
COMMENT ON FUNCTION retention_internal.source_unit_days(retention_internal.source) IS
'the days of a period in which the purchases of a source are counted';

CREATE FUNCTION retention_internal.source_alive(
  source retention_internal.source, p retention_internal.view_parts,
  OUT rows_of text, OUT history text, OUT columns text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
-- Parameters are written with all digits.
SET extra_float_digits = 1 AS $$
DECLARE
  m @extschema@.retention_model := source.purchase_model;
  period double precision := retention_internal.source_unit_days(source);
  opportunities boolean := m.name ILIKE 'BG/BB';
  unit double precision := coalesce(m.unit_days, period);
  kept boolean := p.kept IS NOT NULL AND NOT source.has_amount;
BEGIN
  IF m IS NULL THEN
    RETURN;
  END IF;
  -- Days with a purchase; for BG/BB periods with one.
  IF NOT opportunities OR (@extschema@.grid_options(source.grid)).unit = 'hour' THEN
    source.grid := 'day; time_zone=' || source.time_zone;
  END IF;
  history := retention_internal.source_grid(source, '(SELECT as_of FROM known)', true);
  IF NOT kept THEN
    -- A refund is no purchase.
    rows_of := format('@extschema@.activity(r.at, %s)%s AS retention_bought', history,
      CASE WHEN source.has_amount THEN ' FILTER (WHERE (r.amount < 0) IS NOT TRUE)' ELSE '' END);
  END IF;
  history := format($q$ CROSS JOIN LATERAL (
    SELECT retention_internal.activity_summary(%s) AS h OFFSET 0
  ) AS h$q$, CASE WHEN kept THEN format('@extschema@.coarsen(c.retention_facts, %s)', history)
    ELSE 'a.retention_bought' END);
  columns := format($q$,
  round(@extschema@.p_alive(%1$s, (h.h).frequency::double precision, (h.h).recency%2$s, (h.h).age%2$s)::numeric, 6)
    AS p_alive,
  round(@extschema@.expected_purchases(%1$s, (h.h).frequency::double precision, (h.h).recency%2$s, (h.h).age%2$s,
    %3$s::double precision)::numeric, 6) AS expected_purchases$q$,
    format('@extschema@.retention_model(%L::text, %L::double precision[])', m.name, m.parameters),
    CASE WHEN opportunities THEN '' ELSE format(' / %s::double precision', unit) END,
    CASE WHEN opportunities THEN 1 ELSE period / unit END);
END
$$;
COMMENT ON FUNCTION retention_internal.source_alive(retention_internal.source, retention_internal.view_parts) IS
'what the purchase model of a source adds to the view customers: an aggregate over the rows of a customer (NULL: their '
'facts are read), a join of their history, columns; all NULL: the source has no model';

CREATE FUNCTION retention_internal.source_event_customers_view(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres' AS $$
  SELECT format($q$WITH %1$s,
%2$s
SELECT c.customer%3$s, @extschema@.first_active%4$s(c.retention_facts) AS first_at, (s.s).last_at%5$s AS last_at,
  round((extract(epoch FROM CASE (s.s).state WHEN 'lapsed' THEN (s.s).since ELSE k.as_of END
    - @extschema@.first_active(c.retention_facts)) / 86400)::numeric, 3) AS tenure,
  (s.s).state, (s.s).silence, (s.s).usual_gap, (s.s).silence_ratio%6$s,
  -- One active period tells no gap: then the inactivity window is what silence is compared with.
  CASE WHEN (s.s).state <> 'lapsed'
    THEN round(1 / (1 + coalesce((s.s).silence_ratio, (s.s).silence / %7$s)), 6) END AS risk_rank%11$s
FROM customer AS c CROSS JOIN known AS k CROSS JOIN LATERAL (
    SELECT @extschema@.customer_status(%8$s, k.as_of, %9$L::interval, NULL::@extschema@.retention_gaps) AS s OFFSET 0
  ) AS s%10$s%12$s
WHERE (s.s).state IS NOT NULL$q$,
    $2.known, retention_internal.source_customers($1, $2),
    retention_internal.source_segment_list($1, ', c.%2$I AS %3$I'), CASE WHEN o.is_instant THEN '_at' ELSE '' END,
    CASE WHEN o.is_instant THEN format(' AT TIME ZONE %L', $1.time_zone) ELSE '' END,
    CASE WHEN $1.has_amount THEN ', a.amount, a.mean_amount' ELSE '' END,
    extract(epoch FROM $1.gone_after) / 86400,
    CASE WHEN $2.kept IS NULL THEN 'c.retention_facts' ELSE format('@extschema@.coarsen(c.retention_facts, %s)',
      retention_internal.source_grid($1, '(SELECT as_of FROM known)')) END,
    $1.gone_after, retention_internal.source_amounts($1, l.rows_of), l.columns, l.history)
  FROM (SELECT $1.time_type = 'timestamptz'::regtype AS is_instant) AS o, retention_internal.source_alive($1, $2) AS l
$$;
COMMENT ON FUNCTION retention_internal.source_event_customers_view(
  retention_internal.source, retention_internal.view_parts) IS 'the query of the view customers of events';

CREATE FUNCTION retention_internal.source_member_customers_view(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($q$WITH %1$s,
%2$s,
life AS (
  -- who has stayed so long leaves in the next period with this probability
  SELECT d.day, round((1 - @extschema@.survival_at(s.state, (d.day + %3$s)::double precision)
    / nullif(@extschema@.survival_at(s.state, d.day::double precision), 0))::numeric, 6) AS hazard
  FROM (
    SELECT @extschema@.survival((%4$s)::double precision, c.ended IS NOT NULL) AS state
    FROM customer AS c, (SELECT %5$s FROM known) AS k
  ) AS s, @extschema@.survival_summary(s.state) AS m,
    generate_series(0, floor(m.followed_until)::integer - %3$s) AS d (day)
),
held AS (
  SELECT r.customer, min(r.started) AS retention_first,
    range_agg(%6$s(r.started, r.ended)) AS retention_stays%7$s
  FROM %8$s AS r, (SELECT %9$s AS as_of FROM known AS k) AS k
  WHERE r.customer IS NOT NULL AND r.started < k.as_of AND r.started < coalesce(r.ended, 'infinity')
  GROUP BY r.customer
)
SELECT c.customer%10$s, c.retention_first AS first_at,
  CASE s.state WHEN 'lapsed' THEN s.since END AS last_at, s.tenure, s.state,
  s.renewal_at, l.hazard%11$s, 1 - l.hazard AS risk_rank
FROM held AS c CROSS JOIN (SELECT %9$s AS as_of FROM known AS k) AS n
  CROSS JOIN LATERAL @extschema@.customer_status(c.retention_stays, n.as_of) AS s
  -- of those who have stayed longer than can be said, the last that is known
  LEFT JOIN life AS l ON s.state <> 'lapsed'
    AND l.day = least(floor(s.tenure%12$s)::integer, (SELECT max(m.day) FROM life AS m))%13$s$q$,
    $2.known, retention_internal.source_first_stays($1, $2), o.step, retention_internal.source_duration($2, 1),
    retention_internal.source_duration($2, 2), $2.range,
    retention_internal.source_segment_list($1, ', (array_agg(r.%2$I ORDER BY r.started' || CASE $1.segments_at
      WHEN 'first' THEN '' ELSE ' DESC' END || ', r.%2$I))[1] AS %2$I'),
    $1.source, 'k.as_of' || CASE $2.time_type WHEN 'date' THEN '::date'
      WHEN 'timestamptz' THEN ' AT TIME ZONE ' || $2.zone ELSE '' END,
    retention_internal.source_segment_list($1, ', c.%2$I AS %3$I'),
    CASE WHEN $1.has_amount THEN ', a.amount' ELSE '' END,
    CASE WHEN $2.hours THEN ' * 24' ELSE '' END, retention_internal.source_amounts($1))
  FROM (SELECT round(extract(epoch FROM (@extschema@.grid_options($1.grid)).length)
    / CASE WHEN $2.hours THEN 3600 ELSE 86400 END) AS step) AS o
$$;
COMMENT ON FUNCTION retention_internal.source_member_customers_view(
  retention_internal.source, retention_internal.view_parts) IS 'the query of the view customers of subscriptions';

CREATE FUNCTION retention_internal.source_customers_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $1.suppress_below IS NOT NULL THEN NULL
    WHEN $1.kind = 'events' THEN retention_internal.source_event_customers_view($1, $2)
    ELSE retention_internal.source_member_customers_view($1, $2) END
$$;
COMMENT ON FUNCTION retention_internal.source_customers_view(
  retention_internal.source, retention_internal.view_parts, text) IS
'the query of the view customers; NULL where small counts are suppressed';
