-- Sources: registration and its checks, who sees and runs what, views against plain SQL.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET TimeZone = 'Europe/Berlin';
SET DateStyle = ISO;
SET client_min_messages = warning;
CREATE ROLE retention_boss SUPERUSER;
SET SESSION AUTHORIZATION retention_boss;

CREATE SCHEMA shop;
CREATE TABLE shop.subscription (
  customer_id int, plan text, started date, ended date, cancelled timestamptz, fee numeric, why text, tags text[], place point, info xml);
CREATE TABLE shop.orders (
  id bigint PRIMARY KEY, customer_id varchar(20), ordered_at timestamptz, ordered_on date, status text, amount numeric, country text);

-- The first source of each kind.
SELECT retention_source('subs', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended',
  segments => '{plan}', amount => 'fee', reason => 'why');
SELECT retention_source('orders', kind => 'events', relation => 'shop.orders', customer => 'customer_id', at => 'ordered_at',
  event => 'status', events => '{paid,shipped}', segments => '{country}', amount => 'amount',
  grid => 'week; time_zone=America/New_York', filter => 'amount > 0', as_of => $$timestamptz '2026-04-01 00:00-04'$$);
SELECT name, kind, relation, columns, segments, grid, filter, as_of, gone_after, state FROM retention_sources;

-- What is wrong is said with the words of the call.
SELECT retention_source('subs', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended');
SELECT retention_source('', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source(NULL, 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source(repeat('ü', 26) || 'x', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source('a', 'event', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source('a', 'purchases', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source('a', NULL, 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source('a', 'events', 'shop.order', 'customer_id', at => 'ordered_at');
SELECT retention_source('a', 'events', NULL, 'customer_id', at => 'ordered_at');
SELECT retention_source('a', 'events', 'shop.orders_pkey', 'customer_id', at => 'ordered_at');
CREATE TEMP TABLE passing (who int, at date);
SELECT retention_source('a', 'events', 'passing', 'who', at => 'at');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id');
SELECT retention_source('a', 'events', 'shop.orders', NULL, at => 'ordered_at');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', started => 'ordered_on');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', reason => 'status');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', 'cancelled');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', gone_after => '1 day');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', events => '{a}');
SELECT retention_source('a', 'events', 'shop.orders', 'custmer_id', at => 'ordered_at');
SELECT retention_source('a', 'events', 'shop.orders', 'CustomerID', at => 'ordered_at');
SELECT retention_source('a', 'events', 'shop.orders', 'zebra', at => 'ordered_at');
SELECT retention_source('a', 'events', 'shop.orders', 'ctid', at => 'ordered_at');
SELECT retention_source('a', 'events', 'shop.orders', 'amount', at => 'ordered_at');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'amount');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', amount => 'status');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', event => 'status');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', events => '{paid}');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', event => 'status', events => '{}');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', event => 'amount', events => '{1}');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'cancelled');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', segments => '{plan,plan}');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', segments => '{plan,NULL}');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', segments => '{started}');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', segments => '{tags}');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', segments => '{place}');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', segments => '{info}');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', reason => 'fee');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', gone_after => '0 days');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', keep_runs => 0);
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', grid => 'mnth');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', grid => NULL);
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', grid => 'month; as_of=2026-04-01');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', grid => 'month; time_zone=CET');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_on', grid => 'hour');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', grid => 'month; windows=elapsed');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', grid => 'month; min_events=2');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'stauts = ''paid''');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'amount');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'amount >');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'mine(amount)');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'true); DROP TABLE shop.orders; SELECT (true');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'true THEN true END; DROP TABLE shop.orders; SELECT CASE WHEN true');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', as_of => 'yesterday');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', as_of => '7');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', as_of => 'now()); DROP TABLE shop.orders; SELECT (now()');
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE shop.loose (who text COLLATE loose, at date);
SELECT retention_source('a', 'events', 'shop.loose', 'who', at => 'at');
-- by whatever way it is written
UPDATE retention_source SET customer = 'custom' WHERE name = 'subs';
INSERT INTO retention_source (name, kind, relation, customer) VALUES ('direct', 'events', 'shop.orders', 'customer_id');
INSERT INTO retention_source (name, kind, relation, customer, at, segments, gone_after, grid) VALUES
  ('direct', 'events', 'shop.orders', 'customer_id', 'ordered_on', '{}', NULL, 'quarter');
SELECT owner = current_user::regrole AS mine, segments, grid, gone_after FROM retention_source WHERE name = 'direct';
SELECT retention_drop_source('direct');
SELECT retention_drop_source('direct');
SELECT retention_drop_source('orderz');
-- a name of 52 bytes has views of 63
SELECT octet_length(retention_source(repeat('ü', 26), 'events', 'shop.orders', 'customer_id', at => 'ordered_at'));
SELECT count(*) FROM retention_create_views(repeat('ü', 26));
SELECT max(octet_length(relname)) FROM pg_class WHERE relname LIKE 'ü%' AND relkind = 'v';
SELECT count(*) FROM retention_drop_views(repeat('ü', 26));
SELECT retention_drop_source(repeat('ü', 26));

-- Look-up.
SELECT (source_find('subs')).relation;
SELECT (source_find(current_user || '.subs')).relation;
SELECT source_find('sub');
SELECT source_find('nobody knows');
SELECT source_find(NULL);

-- The texts a source is made of.
\pset format unaligned
\pset tuples_only on
SELECT source_rows(source_find('subs'));
SELECT source_as_of(source_find('subs'));
SELECT source_grid(source_find('subs'), plain => true);
SELECT source_presence(source_find('subs'));
SELECT source_rows(source_find('orders'));
SELECT source_as_of(source_find('orders'));
SELECT source_grid(source_find('orders'));
SELECT source_presence(source_find('orders'));
SELECT source_view(source_find('subs'), 'cohorts');
SELECT source_view(source_find('orders'), 'segments');
SELECT source_view(source_find('orders'), 'nothing');
\pset tuples_only off
\pset format aligned

-- An empty table has no rows in any view, and no error.
CREATE SCHEMA bi;
SELECT * FROM retention_create_views('subs', 'bi');
SELECT * FROM retention_create_views('orders', schema => 'bi');
SELECT (SELECT count(*) FROM bi.subs_flow) + (SELECT count(*) FROM bi.subs_cohorts) + (SELECT count(*) FROM bi.subs_curve)
  + (SELECT count(*) FROM bi.subs_lifecycle) + (SELECT count(*) FROM bi.subs_segments) + (SELECT count(*) FROM bi.subs_survival) AS subs,
  (SELECT count(*) FROM bi.orders_flow) + (SELECT count(*) FROM bi.orders_cohorts) + (SELECT count(*) FROM bi.orders_curve)
  + (SELECT count(*) FROM bi.orders_lifecycle) + (SELECT count(*) FROM bi.orders_stickiness) + (SELECT count(*) FROM bi.orders_segments)
  + (SELECT count(*) FROM bi.orders_survival) AS orders;
-- Only NULLs: the same.
INSERT INTO shop.subscription (customer_id, plan) VALUES (1, 'a'), (NULL, 'b');
INSERT INTO shop.subscription (customer_id, started) VALUES (NULL, '2026-01-01');
SELECT count(*) FROM bi.subs_flow;
SELECT count(*) FROM bi.subs_cohorts;
SELECT count(*) FROM bi.subs_segments;
SELECT count(*) FROM bi.subs_survival;
TRUNCATE shop.subscription;

-- Subscriptions in every type of time, against plain SQL. One row in seven is of a customer who comes back, some overlap, some touch.
INSERT INTO shop.subscription (customer_id, plan, started, ended, fee, why)
SELECT c, plan, s, CASE WHEN i % 5 > 0 THEN s + len END, 10, 'reason ' || i % 3
FROM (SELECT i, i % 240 AS c, 'plan ' || (i * 7 % 11) % 3 AS plan, DATE '2024-01-01' + (i * 7919 % 700) AS s, (i * 104729 % 200) AS len
      FROM generate_series(1, 400) i) q
UNION ALL SELECT 900, NULL, '2024-02-01', '2024-03-01', 1, NULL
UNION ALL SELECT 900, 'plan 1', '2024-03-01', '2024-04-01', 1, NULL
UNION ALL SELECT NULL, 'plan 1', '2024-03-01', '2024-04-01', 1, NULL
UNION ALL SELECT 901, 'plan 1', NULL, '2024-04-01', 1, NULL
UNION ALL SELECT 902, 'plan 1', '2027-01-01', NULL, 1, NULL;
CREATE VIEW shop.subscription_local AS SELECT customer_id, plan, started::timestamp AS started, ended::timestamp AS ended FROM shop.subscription;
CREATE TABLE shop.subscription_tz AS SELECT customer_id, plan, started::timestamptz AS started, ended::timestamptz AS ended FROM shop.subscription;
UPDATE retention_source SET as_of = 'date ''2026-02-10''' WHERE name = 'subs';
SELECT retention_source('subs_local', 'subscriptions', 'shop.subscription_local', 'customer_id', 'started', 'ended', segments => '{plan}', as_of => 'date ''2026-02-10''');
SELECT retention_source('subs_tz', 'subscriptions', 'shop.subscription_tz', 'customer_id', 'started', 'ended', segments => '{plan}', as_of => 'timestamptz ''2026-02-10 Europe/Berlin''');
SELECT count(*) FROM unnest('{subs,subs_local,subs_tz}'::text[]) s, retention_create_views(s, 'bi');

-- who was there, by month: a plain join with every month
CREATE VIEW plain_month AS SELECT m::date AS starts, (m + interval '1 month')::date AS ends FROM generate_series(timestamp '2024-01-01', '2026-02-01', '1 month') m;
CREATE VIEW plain_presence AS SELECT customer_id AS c, plan, started AS s, CASE WHEN ended < '2026-02-10' THEN ended END AS e FROM shop.subscription
  WHERE customer_id IS NOT NULL AND started < '2026-02-10' AND started < coalesce(ended, 'infinity');
CREATE VIEW plain_there AS SELECT starts, ends, c,
    bool_or(s < starts AND coalesce(e >= starts, true)) AS at_start, bool_or(s < ends AND coalesce(e >= ends, true)) AS at_end,
    bool_or(s < starts) AS before
  FROM plain_month, plain_presence GROUP BY 1, 2, 3;
CREATE VIEW plain_flow AS SELECT starts AS period_start, ends AS period_end, count(*) FILTER (WHERE at_start) AS at_start,
    count(*) FILTER (WHERE at_end AND NOT at_start AND NOT before) AS gained, count(*) FILTER (WHERE at_end AND NOT at_start AND before) AS reactivated,
    count(*) FILTER (WHERE at_start AND NOT at_end) AS lost, count(*) FILTER (WHERE at_end) AS at_end, count(*) FILTER (WHERE at_start AND at_end) AS kept
  FROM plain_there GROUP BY 1, 2;
SELECT count(*), count(*) FILTER (WHERE v.status = 'partial') AS partial,
  count(*) FILTER (WHERE (v.at_start, v.gained, v.reactivated, v.lost, v.at_end, v.kept) IS DISTINCT FROM (p.at_start, p.gained, p.reactivated, p.lost, p.at_end, p.kept)) AS differ
FROM plain_flow p FULL JOIN bi.subs_flow v USING (period_start, period_end);
SELECT (SELECT count(*) FROM (TABLE bi.subs_flow EXCEPT TABLE bi.subs_local_flow) d) AS local, (SELECT count(*) FROM (
  SELECT period_start, at_start, kept, lost, retention_rate FROM bi.subs_flow EXCEPT SELECT period_start, at_start, kept, lost, retention_rate FROM bi.subs_tz_flow) d) AS tz;

-- cohorts: active in a month in which the customer was there at all
CREATE VIEW plain_active AS SELECT DISTINCT c, starts AS m FROM plain_month, plain_presence WHERE s < least(ends, DATE '2026-02-10') AND coalesce(e > starts, true);
CREATE VIEW plain_cells AS
WITH first AS (SELECT c, min(m) AS cohort FROM plain_active GROUP BY c),
size AS (SELECT cohort, count(*) AS cohort_size FROM first GROUP BY cohort),
cell AS (SELECT cohort, m, count(*) AS retained FROM first JOIN plain_active USING (c) GROUP BY 1, 2)
SELECT s.cohort, cohort_size, ((extract(year FROM starts) - extract(year FROM s.cohort)) * 12 + extract(month FROM starts) - extract(month FROM s.cohort))::int AS period,
  starts AS period_start, coalesce(retained, 0) AS retained
FROM size s JOIN plain_month ON starts >= s.cohort LEFT JOIN cell ON cell.cohort = s.cohort AND m = starts;
SELECT count(*), count(*) FILTER (WHERE status = 'partial') AS partial,
  count(*) FILTER (WHERE (p.cohort_size, p.period_start, p.retained) IS DISTINCT FROM (v.cohort_size, v.period_start, v.retained)) AS differ
FROM plain_cells p FULL JOIN bi.subs_cohorts v USING (cohort, period);
SELECT (SELECT count(*) FROM (TABLE bi.subs_cohorts EXCEPT TABLE bi.subs_local_cohorts) d) AS local,
  (SELECT count(*) FROM (TABLE bi.subs_cohorts EXCEPT TABLE bi.subs_tz_cohorts) d) AS tz;
SELECT count(*), count(*) FILTER (WHERE round(v.retention_rate, 6) IS DISTINCT FROM round(100.0 * p.retained / p.size, 6)) AS differ
FROM (SELECT period, sum(retained) AS retained, sum(cohort_size) AS size FROM plain_cells WHERE period_start < '2026-02-01' GROUP BY 1) p
  FULL JOIN bi.subs_curve v USING (period);
SELECT count(*), count(*) FILTER (WHERE p.active IS DISTINCT FROM v.active OR p.new IS DISTINCT FROM v.new OR p.retained IS DISTINCT FROM v.retained) AS differ
FROM (SELECT m AS period_start, count(*) AS active, count(*) FILTER (WHERE first) AS new, count(*) FILTER (WHERE kept) AS retained
      FROM (SELECT m, m = min(m) OVER (PARTITION BY c) AS first,
              lag(m) OVER (PARTITION BY c ORDER BY m) = m - interval '1 month' AS kept FROM plain_active) q GROUP BY 1) p
  FULL JOIN bi.subs_lifecycle v USING (period_start);

-- segments: by the plan that held when the last complete month began
SELECT v.segment, v.value, v.period_start, v.at_start, v.kept, round(v.retention_rate, 2) AS rate, round(v.rest_retention_rate, 2) AS rest,
  v.difference = v.retention_rate - v.rest_retention_rate AS difference, (v.at_start, v.kept) = (p.at_start, p.kept) AS same
FROM bi.subs_segments v LEFT JOIN (
  SELECT 'plan' AS segment, plan AS value, count(*) AS at_start, count(*) FILTER (WHERE at_end) AS kept
  FROM plain_there JOIN (SELECT DISTINCT ON (c) c, plan FROM plain_presence WHERE s < '2026-01-01' AND coalesce(e >= '2026-01-01', true) ORDER BY c, s DESC, plan) q USING (c)
  WHERE starts = '2026-01-01' AND at_start GROUP BY 2
  UNION ALL SELECT 'all', 'all', at_start, kept FROM plain_flow WHERE period_start = '2026-01-01') p USING (segment, value);
SELECT (SELECT count(*) FROM (TABLE bi.subs_segments EXCEPT TABLE bi.subs_local_segments) d) AS local,
  (SELECT count(*) FROM (TABLE bi.subs_segments EXCEPT TABLE bi.subs_tz_segments) d) AS tz;
SELECT i.low = v.retention_low AND i.high = v.retention_high AS interval, d.difference = v.difference AND d.p_value = v.p_value AS difference
FROM bi.subs_segments v, rate_interval(kept, at_start) i, rate_difference(kept, at_start, rest_kept, rest_at_start) d WHERE segment = 'plan';

-- survival: the first stay, overlapping and touching rows taken together
CREATE VIEW plain_stay AS
  SELECT c, (SELECT plan FROM plain_presence o WHERE o.c = q.c ORDER BY s, plan LIMIT 1) AS plan, lower(r) AS s,
    CASE WHEN upper(r) < '2026-02-10' THEN upper(r) END AS e
  FROM (SELECT DISTINCT ON (c) c, r FROM (SELECT c, unnest(range_agg(daterange(s, e))) AS r FROM plain_presence GROUP BY c) u ORDER BY c, r) q;
SELECT count(*), count(*) FILTER (WHERE p.rate IS DISTINCT FROM v.survival_rate OR p.at_risk IS DISTINCT FROM v.at_risk) AS differ
FROM (SELECT segment, value, time::int AS days, at_risk::bigint, round((100 * survival)::numeric, 6) AS rate FROM (
        SELECT segment, value, survival(s, e, DATE '2026-02-10') AS state FROM plain_stay, LATERAL (VALUES ('all', 'all'), ('plan', plan)) x (segment, value) GROUP BY 1, 2) q,
      survival_curve(state)) p
  FULL JOIN (SELECT * FROM bi.subs_survival WHERE days > 0) v ON v.segment = p.segment AND v.value IS NOT DISTINCT FROM p.value AND v.days = p.days;
SELECT (SELECT count(*) FROM (TABLE bi.subs_survival EXCEPT TABLE bi.subs_local_survival) d) AS local,
  (SELECT count(*) FROM (TABLE bi.subs_survival EXCEPT TABLE bi.subs_tz_survival) d) AS tz;
SELECT * FROM bi.subs_survival WHERE days = 0 ORDER BY segment, value;

-- Events: views equal the plain calls, in every type of time.
INSERT INTO shop.orders
SELECT i, 'c' || i * 31 % 97, timestamptz '2025-01-01 23:30 America/New_York' + i * 71 % 11000 * interval '1 hour', NULL::date, (ARRAY['paid', 'shipped', 'void'])[1 + i % 3],
  i % 4, (ARRAY['DE', 'FR', NULL])[1 + i % 97 % 3]
FROM generate_series(1, 900) i
UNION ALL SELECT 1001, NULL, '2025-05-01', NULL, 'paid', 1, 'DE'
UNION ALL SELECT 1002, 'c5', NULL, NULL, 'paid', 1, 'DE'
UNION ALL SELECT 1003, 'c5', '2026-12-24', NULL, 'paid', 1, 'DE'
UNION ALL SELECT 1004, 'late', '2026-12-24', NULL, 'paid', 1, 'DE';
CREATE VIEW plain_orders AS SELECT * FROM shop.orders WHERE amount > 0 AND status IN ('paid', 'shipped');
CREATE VIEW plain_summary AS SELECT cohort_retention(customer_id, ordered_at, 'week; time_zone=America/New_York; as_of=2026-04-01') AS s FROM plain_orders;
SELECT (SELECT count(*) FROM bi.orders_cohorts) AS cells,
  (SELECT count(*) FROM (TABLE bi.orders_cohorts EXCEPT SELECT c.* FROM plain_summary, cohort_cells(s) c) d) AS cohorts,
  (SELECT count(*) FROM (TABLE bi.orders_curve EXCEPT SELECT c.* FROM plain_summary, retention_curve(s) c) d) AS curve,
  (SELECT count(*) FROM (TABLE bi.orders_lifecycle EXCEPT SELECT c.* FROM plain_summary, lifecycle(s) c) d) AS lifecycle,
  (SELECT count(*) FROM (TABLE bi.orders_stickiness EXCEPT SELECT c.* FROM plain_summary, stickiness(s) c) d) AS stickiness;
SELECT count(*), count(*) FILTER (WHERE v IS DISTINCT FROM p) AS differ FROM bi.orders_flow v FULL JOIN (
  SELECT f.* FROM (SELECT customer_flow(customer_id, l, l + interval '21 days', retention_grid('week', time_zone => 'America/New_York', as_of => '2026-04-01'),
      '[2024-12-30,2026-05-01)'::tsrange) AS flow FROM plain_orders, LATERAL (SELECT ordered_at AT TIME ZONE 'America/New_York' AS l) x) q, flow_periods(flow) f) p USING (period_start);
SELECT segment, value, period_start, at_start, kept FROM bi.orders_segments;
SELECT segment, value, max(days) FILTER (WHERE survival_rate >= 50) AS half, max(at_risk) AS customers FROM bi.orders_survival GROUP BY 1, 2 ORDER BY 1, 2;
-- the session's zone changes nothing
CREATE TEMP TABLE here AS SELECT 'flow' AS view, md5(string_agg(v::text, E'\n')) AS seen FROM bi.orders_flow v
UNION ALL SELECT 'cohorts', md5(string_agg(v::text, E'\n')) FROM bi.orders_cohorts v UNION ALL SELECT 'segments', md5(string_agg(v::text, E'\n')) FROM bi.orders_segments v
UNION ALL SELECT 'survival', md5(string_agg(v::text, E'\n')) FROM bi.orders_survival v UNION ALL SELECT 'subs_tz', md5(string_agg(v::text, E'\n')) FROM bi.subs_tz_flow v;
SET TimeZone = 'Asia/Tokyo';
SELECT count(*) AS same FROM here WHERE (view, seen) IN (SELECT 'flow' AS view, md5(string_agg(v::text, E'\n')) AS seen FROM bi.orders_flow v
UNION ALL SELECT 'cohorts', md5(string_agg(v::text, E'\n')) FROM bi.orders_cohorts v UNION ALL SELECT 'segments', md5(string_agg(v::text, E'\n')) FROM bi.orders_segments v
UNION ALL SELECT 'survival', md5(string_agg(v::text, E'\n')) FROM bi.orders_survival v UNION ALL SELECT 'subs_tz', md5(string_agg(v::text, E'\n')) FROM bi.subs_tz_flow v);
SET TimeZone = 'Europe/Berlin';

-- Grids of hours, recurring cohorts, brackets, elapsed windows.
CREATE TABLE shop.visits (who uuid, at timestamptz, until timestamptz, local timestamp, local_until timestamp, kind char(6));
INSERT INTO shop.visits SELECT md5((i % 20)::text)::uuid, t, t + i % 5 * interval '50 minutes', t AT TIME ZONE 'UTC', (t + i % 5 * interval '50 minutes') AT TIME ZONE 'UTC', 'visit'
FROM (SELECT i, timestamptz '2026-03-28 22:10+00' + i * 37 % 1500 * interval '1 minute' AS t FROM generate_series(1, 80) i) q;
SELECT retention_source('hourly', 'subscriptions', 'shop.visits', 'who', 'at', 'until', grid => '2 hours; time_zone=UTC', segments => '{kind}');
SELECT retention_source('hourly_local', 'subscriptions', 'shop.visits', 'who', 'local', 'local_until', grid => '2 hours; time_zone=UTC', segments => '{kind}');
SELECT retention_source('hourly_events', 'events', 'shop.visits', 'who', at => 'at', grid => '2 hours; time_zone=UTC', event => 'kind', events => '{visit}');
SELECT count(*) FROM unnest('{hourly,hourly_local,hourly_events}'::text[]) s, retention_create_views(s, 'bi');
SELECT pg_typeof(period_start), count(*) FROM bi.hourly_flow GROUP BY 1;
SELECT (SELECT count(*) FROM (TABLE bi.hourly_flow EXCEPT TABLE bi.hourly_local_flow) d) AS flow, (SELECT count(*) FROM (TABLE bi.hourly_cohorts EXCEPT TABLE bi.hourly_local_cohorts) d) AS cohorts,
  (SELECT count(*) FROM (TABLE bi.hourly_segments EXCEPT TABLE bi.hourly_local_segments) d) AS segments, (SELECT count(*) FROM (TABLE bi.hourly_survival EXCEPT TABLE bi.hourly_local_survival) d) AS survival,
  (SELECT count(*) FROM bi.hourly_cohorts) AS cells, (SELECT count(*) FROM bi.hourly_lifecycle) AS periods, (SELECT count(*) FROM bi.hourly_segments) AS parts;
SELECT cohort, cohort_size, period, retained, status FROM bi.hourly_cohorts WHERE period < 3 LIMIT 4;
SELECT * FROM bi.hourly_survival WHERE segment = 'all' ORDER BY hours LIMIT 3;
SELECT count(*) AS cells FROM bi.hourly_events_cohorts;
UPDATE retention_source SET grid = 'day; time_zone=UTC; cohorts=recurring; brackets=1,2-3' WHERE name LIKE 'hourly%';
SELECT count(*) FROM unnest('{hourly,hourly_local,hourly_events}'::text[]) s, retention_create_views(s, 'bi');
SELECT pg_typeof(period_start), count(*) FROM bi.hourly_flow GROUP BY 1;
SELECT v.cohort, v.cohort_size, p.starts FROM (SELECT DISTINCT cohort, cohort_size FROM bi.hourly_cohorts) v
  LEFT JOIN (SELECT (at AT TIME ZONE 'UTC')::date AS cohort, count(DISTINCT who) AS starts FROM shop.visits WHERE until > at GROUP BY 1) p USING (cohort) ORDER BY 1;
UPDATE retention_source SET grid = '36 hours; time_zone=UTC; windows=elapsed' WHERE name = 'hourly_events';
UPDATE retention_source SET grid = '12 hours; time_zone=UTC; windows=elapsed; min_events=2' WHERE name = 'hourly_events';
SELECT view FROM retention_create_views('hourly_events', 'bi');
SELECT * FROM bi.hourly_events_curve;
SELECT count(*) FROM (SELECT c.* FROM (SELECT cohort_retention(who, at, '12 hours; time_zone=UTC; windows=elapsed; min_events=2') AS s FROM shop.visits) q, retention_curve(s) c EXCEPT TABLE bi.hourly_events_curve) d;
UPDATE retention_source SET grid = '36 hours; time_zone=UTC; windows=elapsed' WHERE name = 'hourly';

-- Idempotent, and careful with what is not its own.
SELECT count(*) FROM retention_create_views('subs', 'bi');
GRANT SELECT ON bi.subs_flow TO pg_monitor;
CREATE VIEW dashboard AS SELECT count(*) FROM bi.subs_flow;
SELECT count(*) FROM retention_create_views('subs', 'bi');
SELECT has_table_privilege('pg_monitor', 'bi.subs_flow', 'SELECT') AS still_granted;
SELECT * FROM retention_drop_views('subs');
DROP VIEW dashboard;
CREATE TABLE bi.other_curve (a int);
SELECT retention_source('other', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT view FROM retention_create_views('other', 'bi');
SELECT view FROM retention_create_views('other', 'nowhere');
DROP TABLE bi.other_curve;
SELECT view FROM retention_create_views('other', 'bi');
-- a segment more, a segment less
UPDATE retention_source SET segments = '{country}' WHERE name = 'other';
SELECT count(*) FROM retention_create_views('other', 'bi');
UPDATE retention_source SET segments = '{}' WHERE name = 'other';
SELECT count(*) FROM retention_create_views('other', 'bi');
SELECT to_regclass('bi.other_segments') AS segments;
-- the views outlive the registration
SELECT retention_drop_source('other');
SELECT count(*) > 0 AS there FROM bi.other_flow;
SELECT * FROM retention_drop_views('other');
SELECT * FROM retention_drop_views('other');
-- a comment on every view and every column
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'bi'::regnamespace AND c.relkind = 'v' AND attnum > 0 AND (col_description(c.oid, attnum) IS NULL OR obj_description(c.oid) IS NULL);
SELECT DISTINCT format_type(atttypid, NULL) AS type FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'bi'::regnamespace AND c.relname ~ '^(subs|orders)_' AND attnum > 0 ORDER BY 1;
SELECT attname, format_type(atttypid, NULL) AS type, col_description(attrelid, attnum) AS says FROM pg_attribute WHERE attrelid = 'bi.subs_lifecycle'::regclass AND attnum > 0 ORDER BY attnum;
SELECT reloptions, obj_description(oid) FROM pg_class WHERE oid = 'bi.subs_lifecycle'::regclass;

-- Names.
CREATE SCHEMA "Sch; ema";
CREATE TABLE "Sch; ema"."Ta'ble ""x"" %s" ("select" text, "as_of" date, "k" int, "Plan, B" text, known text);
INSERT INTO "Sch; ema"."Ta'ble ""x"" %s" SELECT 'ü' || i % 9, DATE '2026-01-01' + i % 80, i, 'plan ''' || i % 2, '%s' FROM generate_series(1, 100) i;
SELECT retention_source('so''urce "é" %s \', 'events', '"Sch; ema"."Ta''ble ""x"" %s"', 'select', at => 'as_of', segments => '{known,"Plan, B"}', filter => E'k > 1 -- and "Plan, B" <> ''x''',
  event => 'Plan, B', events => ARRAY['plan ''1', 'a,"b"']);
SELECT * FROM retention_create_views('so''urce "é" %s \', 'Sch; ema');
SELECT segment, value, at_start, kept FROM "Sch; ema"."so'urce ""é"" %s \_segments" ORDER BY segment COLLATE "C";
SELECT count(*) FROM "Sch; ema"."so'urce ""é"" %s \_survival";
SELECT count(*) FROM "Sch; ema"."so'urce ""é"" %s \_flow";
SELECT count(*) FROM "Sch; ema"."so'urce ""é"" %s \_cohorts";
SELECT count(*) FROM retention_drop_views('so''urce "é" %s \');
SELECT retention_drop_source('so''urce "é" %s \');

-- Domains, enums, partitions, materialised views that are not filled.
CREATE DOMAIN shop.customer_number AS integer CHECK (VALUE > 0);
CREATE TYPE shop.step AS ENUM ('seen', 'bought');
CREATE TABLE shop.steps (who shop.customer_number, at date, step shop.step) PARTITION BY RANGE (at);
CREATE TABLE shop.steps_2026 PARTITION OF shop.steps FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO shop.steps VALUES (1, '2026-01-05', 'seen'), (1, '2026-02-05', 'bought'), (2, '2026-02-06', 'seen');
SELECT retention_source('steps', 'events', 'shop.steps', 'who', at => 'at', event => 'step', events => '{bought}', segments => '{step}');
SELECT count(*) FROM retention_create_views('steps', 'bi');
SELECT cohort, cohort_size FROM bi.steps_cohorts;
CREATE MATERIALIZED VIEW shop.later AS SELECT who, at FROM shop.steps WITH NO DATA;
SELECT retention_source('later', 'events', 'shop.later', 'who', at => 'at');
REFRESH MATERIALIZED VIEW shop.later;
SELECT source_as_of(source_find('later')) AS as_of \gset
SELECT :as_of;

-- State.
DROP MATERIALIZED VIEW shop.later;
ALTER TABLE shop.steps DROP COLUMN step CASCADE;
SELECT name, state FROM retention_sources WHERE name IN ('later', 'steps', 'subs');
SELECT source_find('later');
SELECT source_find('steps');
SELECT retention_drop_source('later'), retention_drop_source('steps');

-- Other roles.
CREATE ROLE retention_ann;
CREATE ROLE retention_bob;
CREATE ROLE retention_tenant;
GRANT USAGE ON SCHEMA shop, bi TO retention_ann, retention_bob, retention_tenant;
GRANT CREATE ON SCHEMA bi TO retention_ann;
CREATE TABLE shop.secret (who int, at date);
SELECT retention_source('secret', 'events', 'shop.secret', 'who', at => 'at');
GRANT SELECT ON shop.orders TO retention_ann, retention_tenant;
SET ROLE retention_ann;
-- sees what may be read; may not write for others
SELECT name, state FROM retention_sources ORDER BY 1;
SELECT source_find('secret');
SELECT source_rows(s) IS NOT NULL AS from_superuser FROM source_find('orders') s;
SELECT retention_source('secret', 'events', 'shop.secret', 'who', at => 'at');
UPDATE retention_source SET filter = 'false';
DELETE FROM retention_source;
SELECT retention_drop_source('orders');
INSERT INTO retention_source (name, owner, kind, relation, customer, at) VALUES ('mine', 'retention_boss', 'events', 'shop.orders', 'customer_id', 'ordered_at');
-- one's own goes first; the views are the caller's
SELECT retention_source('orders', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'country = ''DE''');
SELECT (source_find('orders')).filter, (source_find('retention_boss.orders')).filter;
SELECT source_label(source_find('orders')), source_label(source_find('retention_boss.orders'));
SELECT retention_source('ann only', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT view FROM retention_create_views('ann only', 'bi');
SELECT * FROM retention_drop_views('subs');
RESET ROLE;
-- what somebody else wrote is run by nobody but its owner, unless that one owns the table or is a superuser
SET ROLE retention_tenant;
SELECT name, owner, state FROM retention_sources ORDER BY 1, 2;
SELECT source_find('orders');
SELECT source_find('ann only');
SELECT (source_find('retention_boss.orders')).name;
RESET ROLE;
-- nor by a superuser who changes a row of hers, not even in the planner
SET ROLE retention_ann;
CREATE FUNCTION bi.evil() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE WARNING 'evil ran as %', current_user; RETURN true; END $$;
UPDATE retention_source SET filter = 'bi.evil()' WHERE name = 'ann only';
RESET ROLE;
UPDATE retention_source SET keep_runs = 7 WHERE name = 'ann only';
SELECT source_find('ann only');
SELECT state FROM retention_sources WHERE name = 'ann only';
-- without the privilege on a column
SET ROLE retention_bob;
SELECT count(*) FROM retention_sources;
RESET ROLE;
GRANT SELECT (customer_id, ordered_at) ON shop.orders TO retention_bob;
SET ROLE retention_bob;
SELECT retention_source('part', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source('more', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', segments => '{country}');
SELECT retention_source('more', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'amount > 0');
RESET ROLE;
-- the owner of a table may offer a source of it to all who may read it
CREATE TABLE shop.offer (who int, at date);
INSERT INTO shop.offer VALUES (1, '2026-01-01'), (2, '2026-02-01');
ALTER TABLE shop.offer OWNER TO retention_ann;
SET ROLE retention_ann;
SELECT retention_source('offer', 'events', 'shop.offer', 'who', at => 'at', filter => 'who > 0');
GRANT SELECT ON shop.offer TO retention_bob;
SET ROLE retention_bob;
SELECT (source_find('offer')).filter;
RESET ROLE;

-- roles have any name
CREATE ROLE "Retention 'Zoë', ""-"".";
GRANT USAGE ON SCHEMA shop TO "Retention 'Zoë', ""-"".";
GRANT SELECT ON shop.offer TO "Retention 'Zoë', ""-"".";
SET ROLE "Retention 'Zoë', ""-"".";
SELECT retention_source('own offer', 'events', 'shop.offer', 'who', at => 'at');
SELECT retention_source('own offer', 'events', 'shop.offer', 'who', at => 'at');
SELECT source_label(source_find('own offer')), source_label(source_find('Retention ''Zoë'', "-"..own offer')), source_label(source_find('offer'));
SELECT name, owner, state FROM retention_sources ORDER BY name;
SELECT retention_drop_source('Retention ''Zoë'', "-"..own offer');
RESET ROLE;

-- Tenants: a policy on the table, views of the owner, each reader sees the own numbers.
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON shop.orders USING (country = CASE current_user WHEN 'retention_tenant' THEN 'FR' WHEN 'retention_bob' THEN 'DE' END);
GRANT SELECT ON shop.orders TO retention_bob;
GRANT SELECT ON ALL TABLES IN SCHEMA bi TO retention_tenant, retention_bob;
GRANT SELECT ON plain_orders TO PUBLIC;
CREATE FUNCTION seen() RETURNS TABLE (who name, customers bigint, cohorts numeric, at_start bigint, segments text, followed bigint) LANGUAGE sql AS $$
  SELECT current_user, (SELECT count(DISTINCT customer_id) FROM shop.orders WHERE amount > 0 AND status IN ('paid', 'shipped') AND ordered_at < '2026-04-01 00:00-04'),
    (SELECT sum(cohort_size) FROM bi.orders_cohorts WHERE period = 0), (SELECT at_start FROM bi.orders_flow WHERE period_start = '2026-02-02'),
    (SELECT string_agg(format('%s %s %s', segment, value, at_start), ', ' ORDER BY segment, value) FROM bi.orders_segments),
    (SELECT max(at_risk) FROM bi.orders_survival WHERE segment = 'all') $$;
SELECT * FROM seen();
SET ROLE retention_tenant;
SELECT * FROM seen();
SET ROLE retention_bob;
SELECT * FROM seen();
RESET ROLE;
-- who may not read the table sees nothing through a view
REVOKE SELECT ON shop.orders FROM retention_bob;
SET ROLE retention_bob;
SELECT count(*) FROM bi.orders_flow;
RESET ROLE;

-- Guesses.
CREATE TABLE shop.account (id uuid PRIMARY KEY, created_at timestamptz, updated_at timestamptz, cancelled_at timestamptz, cancel_reason text, plan text,
  is_test boolean, mrr numeric, parent_id uuid);
SELECT retention_guess('shop.account');
INSERT INTO shop.account SELECT md5(i::text)::uuid, timestamptz '2025-01-01' + i * interval '2 days', now(), CASE WHEN i % 4 = 0 THEN timestamptz '2199-01-01' END,
  NULL, 'plan ' || i % 3, i % 50 = 0, i FROM generate_series(1, 200) i;
ANALYZE shop.account;
SELECT retention_guess('shop.account');
ANALYZE shop.orders;
SELECT retention_guess('shop.orders');
SELECT retention_guess('shop.steps');
CREATE TABLE shop.log (page text, hits int);
SELECT retention_guess('shop.log');
ALTER TABLE shop.log DROP page, DROP hits, ADD t date, ADD a point;
SELECT retention_guess('shop.log');
SELECT retention_guess('shop.orders_pkey');
SET ROLE retention_bob;
SELECT retention_guess('shop.account');
RESET ROLE;
-- what is proposed can be pasted
SELECT string_agg(g, E'\n') AS call FROM retention_guess('shop.account') g \gset
:call
SELECT name, columns, segments, filter, as_of, state FROM retention_sources WHERE name = 'account';

-- Away.
DROP FUNCTION seen();
DROP SCHEMA shop, bi, "Sch; ema" CASCADE;
DROP VIEW plain_month CASCADE;
SELECT name, state FROM retention_sources ORDER BY owner = current_user, name LIMIT 3;
DELETE FROM retention_source;
DROP COLLATION loose;
DROP TABLE here, passing;
RESET SESSION AUTHORIZATION;
DROP ROLE "Retention 'Zoë', ""-"".";
DROP ROLE retention_ann, retention_bob, retention_tenant, retention_boss;
