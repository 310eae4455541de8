-- source: the view of what is expected: forecast. It has rows only where the model's fit converged.

CREATE FUNCTION retention_internal.source_forecast_periods(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres' AS $$
  -- The first is the one that begins at as_of or next after it.
  SELECT format(E'period AS (\n  SELECT b.start AS period_start, b.start + interval %1$L AS period_end, k.as_of\n'
      '  FROM known AS k,\n'
      '    LATERAL (SELECT @extschema@.retention_period_start(k.as_of, %2$s)::timestamp AS start) AS n,\n'
      '    LATERAL (SELECT n.start + i * interval %1$L AS start FROM generate_series(0, 12) AS i) AS b\n'
      '  WHERE b.start >= k.as_of AND b.start < k.as_of + 12 * interval %1$L\n)',
    (@extschema@.grid_options($1.grid)).length, $2.calendar)
$$;
COMMENT ON FUNCTION retention_internal.source_forecast_periods(
  retention_internal.source, retention_internal.view_parts) IS
'the part "period" of a WITH: the next twelve periods';

CREATE FUNCTION retention_internal.source_enough(source retention_internal.source, customers text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $1.suppress_below IS NULL THEN '' ELSE format(E'\nHAVING %s >= %s', $2, $1.suppress_below) END
$$;
COMMENT ON FUNCTION retention_internal.source_enough(retention_internal.source, text) IS
'a HAVING: only groups of as many customers as may be shown; empty: all may';

CREATE FUNCTION retention_internal.source_event_forecast(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- With MBG/NBD customers may leave after their first purchase. What they spend has nothing to do with when they
  -- bought, so the mean of those who bought as often is enough.
  SELECT format($q$WITH %1$s,
model AS MATERIALIZED (
  SELECT s.value, @extschema@.fit_purchase_model(s.value, 'MBG/NBD'::text) AS shop,
    @extschema@.fit_spend_model(s.value) AS spend
  FROM (
    SELECT @extschema@.customer_value(e.%2$s, %3$s, %4$s, %5$s) AS value
    FROM %6$s AS e
  ) AS s
),
spent AS (
  SELECT b.frequency, sum(b.customers * @extschema@.expected_spend(m.spend, b.frequency::double precision,
    b.amount / b.frequency)) / sum(b.customers) AS mean
  FROM model AS m, retention_internal.value_buyers(m.value) AS b
  WHERE (m.spend).converged
  GROUP BY b.frequency
  UNION ALL
  SELECT 0, @extschema@.expected_spend(m.spend, 0::double precision, 0::double precision) FROM model AS m
  WHERE (m.spend).converged
),
%7$s,
ahead AS (
  SELECT p.period_start, p.period_end, extract(epoch FROM p.period_start - p.as_of)::double precision / 86400
    / (m.shop).unit_days AS after, extract(epoch FROM p.period_end - p.as_of)::double precision / 86400
    / (m.shop).unit_days AS until
  FROM period AS p CROSS JOIN model AS m
)
SELECT p.period_start::date AS period_start, p.period_end::date AS period_end, (m.shop).name AS model,
  NULL::text AS currency,
  round(sum((c.customers * retention_internal.p_purchase_between(m.shop, c.frequency::double precision, c.recency,
    c.age, p.after, p.until))::numeric), 2) AS customers,
  round(sum((c.customers * e.purchases)::numeric), 2) AS purchases,
  round(sum((c.customers * e.purchases * s.mean)::numeric), 2) AS revenue
FROM model AS m CROSS JOIN ahead AS p CROSS JOIN LATERAL retention_internal.value_customers(m.value) AS c
  CROSS JOIN LATERAL (
    SELECT @extschema@.expected_purchases(m.shop, c.frequency::double precision, c.recency, c.age,
        p.until)
      - @extschema@.expected_purchases(m.shop, c.frequency::double precision, c.recency, c.age,
        p.after) AS purchases
  ) AS e
  LEFT JOIN spent AS s ON s.frequency = c.frequency
WHERE (m.shop).converged
GROUP BY p.period_start, p.period_end, m.shop%8$s
ORDER BY p.period_start$q$,
    $2.known, retention_internal.source_customer($1), retention_internal.source_event_time('e'),
    CASE WHEN $1.has_amount THEN 'e.amount::numeric' ELSE 'NULL::numeric' END,
    retention_internal.source_grid($1, '(SELECT as_of FROM known)', true), $1.source,
    retention_internal.source_forecast_periods($1, $2), retention_internal.source_enough($1, 'sum(c.customers)'))
$$;
COMMENT ON FUNCTION retention_internal.source_event_forecast(
  retention_internal.source, retention_internal.view_parts) IS 'the query of the view forecast of events';

CREATE FUNCTION retention_internal.source_whole_periods(source retention_internal.source, later text, earlier text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN o.months > 0 THEN format('((extract(year FROM age(%1$s, %2$s)) * 12 + '
      'extract(month FROM age(%1$s, %2$s)))::integer / %3$s)', $2, $3, o.months)
    ELSE format('floor(extract(epoch FROM %1$s - %2$s) / %3$s)::integer', $2, $3, o.seconds) END
  FROM (SELECT (extract(year FROM g.length) * 12 + extract(month FROM g.length))::integer AS months,
    extract(epoch FROM g.length)::bigint AS seconds FROM @extschema@.grid_options($1.grid) AS g) AS o
$$;
COMMENT ON FUNCTION retention_internal.source_whole_periods(retention_internal.source, text, text) IS
'an SQL expression of how many whole periods of a grid lie between two timestamps';

CREATE FUNCTION retention_internal.source_member_forecast(
  source retention_internal.source, p retention_internal.view_parts
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- A membership that ends when a period of it is over was not renewed then. What happens at as_of itself is not known
  -- yet, and who ends with a period was there until its end. Customers who have been known for as many periods are a
  -- cohort.
  SELECT format($q$WITH %1$s,
%2$s,
tenure AS (
  SELECT %3$s AS known, CASE WHEN c.ended IS NOT NULL THEN %4$s END AS renewed
  FROM customer AS c, known AS k
),
model AS MATERIALIZED (
  SELECT @extschema@.fit_renewal_model(s.known::text, s.renewal, s.alive) AS renewals
  FROM (
    SELECT t.known, r.renewal, count(*) FILTER (WHERE t.renewed IS NULL OR t.renewed >= r.renewal) AS alive
    FROM tenure AS t, generate_series(0, t.known) AS r (renewal)
    WHERE t.known >= 0
    GROUP BY t.known, r.renewal
  ) AS s
),
%5$s,
%6$smember AS (
  -- Those who began at one moment are expected to stay as long. Their amounts are added up as they are.
  SELECT c.currency, c.started, count(*) AS customers, sum(c.amount) AS amount
  FROM (
    SELECT p.currency, (min(min(p.started)) OVER (PARTITION BY p.customer)%7$s)::timestamp AS started,
      sum(p.amount) AS amount
    FROM %8$s AS p
    WHERE p.ended IS NULL AND isfinite(p.started)
    GROUP BY p.customer, p.currency
  ) AS c
  GROUP BY c.currency, c.started
)
SELECT p.period_start::date AS period_start, p.period_end::date AS period_end, (m.renewals).name AS model, c.currency,
  round(sum(c.customers * s.still), 2) AS customers, NULL::numeric AS purchases,
  round(sum(c.amount * s.still), 2) AS revenue
FROM model AS m CROSS JOIN period AS p CROSS JOIN member AS c
  CROSS JOIN LATERAL (
    SELECT @extschema@.renewal_survival(m.renewals, greatest(%9$s, %10$s)::double precision,
      greatest(%10$s, 0)::double precision)::numeric AS still
  ) AS s
WHERE (m.renewals).converged
GROUP BY c.currency, p.period_start, p.period_end, m.renewals%11$s
ORDER BY c.currency, p.period_start$q$,
    $2.known, retention_internal.source_first_stays($1, $2),
    retention_internal.source_whole_periods($1, '(k.as_of - interval ''1 microsecond'')',
      format('(c.started%s)::timestamp', $2.moved)),
    retention_internal.source_whole_periods($1, format('((c.ended%s)::timestamp - interval ''1 microsecond'')',
      $2.moved), format('(c.started%s)::timestamp', $2.moved)),
    retention_internal.source_forecast_periods($1, $2),
    CASE WHEN $1.has_amount THEN retention_internal.source_contracts($1, '(SELECT as_of FROM known)') || E',\n'
      ELSE '' END,
    $2.moved,
    CASE WHEN $1.has_amount THEN 'contract' ELSE '(SELECT q.customer, q.started, q.ended, NULL::text AS currency, '
      'NULL::numeric AS amount FROM presence AS q)' END,
    retention_internal.source_whole_periods($1, '(p.period_end - interval ''1 microsecond'')', 'c.started'),
    retention_internal.source_whole_periods($1, '(p.as_of - interval ''1 microsecond'')', 'c.started'),
    retention_internal.source_enough($1, 'sum(c.customers)'))
$$;
COMMENT ON FUNCTION retention_internal.source_member_forecast(
  retention_internal.source, retention_internal.view_parts) IS 'the query of the view forecast of subscriptions';

CREATE FUNCTION retention_internal.source_forecast_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $2.hours THEN NULL
    WHEN $1.kind = 'events' THEN retention_internal.source_event_forecast($1, $2)
    ELSE retention_internal.source_member_forecast($1, $2) END
$$;
COMMENT ON FUNCTION retention_internal.source_forecast_view(
  retention_internal.source, retention_internal.view_parts, text) IS
'the query of the view forecast; NULL in a grid of hours';
