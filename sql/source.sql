-- Sources: registration and its checks, views against plain SQL, privileges.
\set VERBOSITY default

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

-- The first source of each kind: a view of its owner, with standard column names.
CREATE SCHEMA bi;
SELECT retention_source('bi.subs', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended',
  segments => '{plan}', amount => 'fee', reason => 'why');
SELECT retention_source('orders', schema => 'bi', kind => 'events', relation => 'shop.orders', customer => 'customer_id', at => 'ordered_at',
  event => 'status', events => '{paid,shipped}', segments => '{country}', amount => 'amount',
  grid => 'week; time_zone=America/New_York', filter => 'amount > 0', as_of => $$timestamptz '2026-04-01 00:00-04'$$);
SELECT * FROM retention_sources;
SELECT attrelid::regclass AS source, string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) AS columns
FROM pg_attribute WHERE attrelid IN ('bi.subs'::regclass, 'bi.orders'::regclass) AND attnum > 0 GROUP BY 1 ORDER BY 1;
SELECT relname, reloptions FROM pg_class WHERE relnamespace = 'bi'::regnamespace ORDER BY 1;

-- Errors name the arguments of the call.
SELECT retention_source('bi.subs', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended');
SELECT retention_source('shop.orders', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source('shop.subscription', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source('a.b.c', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source('a b', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', schema => 'nowhere');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', schema => NULL);
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', presence => 'any');
SELECT retention_source('a', 'subscriptions', 'shop.subscription', 'customer_id', 'started', 'ended', presence => 'at end');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', ignore_bad_rows => true);
SELECT retention_source('', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source(NULL, 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source(repeat('ü', 19) || 'xx', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
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
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'true) UNION SELECT 1, now() WHERE (true');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'true ORDER BY amount');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'true, false');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'true /* and');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', as_of => 'yesterday');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', as_of => '7');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', as_of => 'ordered_at');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', as_of => '1 FROM shop.orders');
SELECT retention_source('a', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', as_of => 'now()); DROP TABLE shop.orders; SELECT (now()');
DO $$
BEGIN
  CREATE COLLATION shop.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  CREATE TABLE shop.loose (who text COLLATE shop.loose, at date);
  PERFORM retention_source('bi.a', 'events', 'shop.loose', 'who', at => 'at');
  RAISE 'a nondeterministic collation is taken';
EXCEPTION WHEN feature_not_supported THEN
  -- a server without ICU reports the same
  NULL;
END $$;
SELECT count(*) AS nothing_was_made FROM retention_sources WHERE source::text ~ '(^|[.])a$';
-- the longest name that is taken has views with names of 63 bytes
SELECT octet_length(relname) FROM retention_source(repeat('ü', 19), 'events', 'shop.orders', 'customer_id', at => 'ordered_at') s JOIN pg_class ON oid = s;
SELECT count(*) FROM retention_create_views(repeat('ü', 19)::regclass);
SELECT max(octet_length(relname)) FROM pg_class WHERE relname LIKE 'ü%' AND relkind = 'v';
SELECT retention_drop_source(repeat('ü', 19)::regclass);
SELECT count(*) FROM pg_class WHERE relname LIKE 'ü%';

-- Settings.
SELECT retention_source('bi.settings', 'events', 'shop.orders', 'customer_id', at => 'ordered_on', grid => 'quarter');
SELECT grid, gone_after, keep_runs, presence FROM retention_sources WHERE source = 'bi.settings'::regclass;
SELECT retention_source_set('bi.settings', gone_after => '5 days', keep_runs => 3);
SELECT retention_source_set('bi.settings', gone_after => '3 months');
SELECT retention_source_set('bi.settings', grid => 'day; time_zone=UTC', gone_after => '5 days', keep_runs => 3);
SELECT grid, gone_after, keep_runs, presence FROM retention_sources WHERE source = 'bi.settings'::regclass;
SELECT retention_source_set('bi.settings', grid => 'hour');
SELECT retention_source_set('bi.settings', gone_after => '-1 day');
SELECT retention_source_set('bi.settings', gone_after => '90');
SELECT retention_source_set('bi.settings', keep_runs => 0);
SELECT retention_source_set('bi.settings', presence => 'any');
SELECT retention_source_set('bi.settings', grid => 'month; as_of=2026-04-01');
SELECT retention_source_set('bi.settings', segments_at => 'last');
SELECT retention_source_set('bi.settings', top => -1);
SELECT retention_source_set('bi.settings', top => 1001);
SELECT retention_source_set('bi.settings', suppress_below => 1);
SELECT retention_source_set('bi.settings', suppress_below => 5, list_customers => true);
SELECT retention_source_set('bi.settings', segments_at => 'current', top => 3, suppress_below => 5);
SELECT segments_at, top, list_customers, suppress_below FROM retention_sources WHERE source = 'bi.settings'::regclass;
SELECT retention_source_set('bi.settings', list_customers => true);
SELECT retention_source_set('bi.settings', list_customers => true, top => 0, suppress_below => 0);
SELECT segments_at, top, list_customers, suppress_below FROM retention_sources WHERE source = 'bi.settings'::regclass;
SELECT retention_source_set(NULL);
SELECT grid, gone_after, keep_runs, presence FROM retention_sources WHERE source = 'bi.settings'::regclass;
SELECT retention_drop_source('bi.settings');
SELECT retention_drop_source('shop.orders');

-- A view that was written by hand becomes a source.
CREATE VIEW bi.by_hand AS SELECT customer_id AS customer, ordered_on AS at, country, DATE '2026-01-01' AS as_of FROM shop.orders WHERE status LIKE 'paid%';
SELECT retention_internal.source_find('bi.by_hand');
SELECT retention_source_set('bi.by_hand', grid => 'month; time_zone=UTC');
SELECT kind, customer_type, time_type, segments, has_amount, has_reason, has_as_of, grid, time_zone, gone_after, keep_runs, presence
FROM retention_internal.source_find('bi.by_hand');
SELECT retention_internal.source_find('shop.orders');
SELECT retention_source_set('shop.orders');
CREATE VIEW bi.bad AS SELECT customer_id AS customer, ordered_on FROM shop.orders;
SELECT retention_source_set('bi.bad');
DROP VIEW bi.bad;
CREATE VIEW bi.bad AS SELECT customer_id AS customr, ordered_on AS at FROM shop.orders;
SELECT retention_source_set('bi.bad');
DROP VIEW bi.bad;
CREATE VIEW bi.bad AS SELECT customer_id AS customer, ordered_on AS at, ordered_on AS started FROM shop.orders;
SELECT retention_source_set('bi.bad');
DROP VIEW bi.bad;
CREATE VIEW bi.bad AS SELECT customer_id AS customer, amount AS at FROM shop.orders;
SELECT retention_source_set('bi.bad');
DROP VIEW bi.bad;
CREATE VIEW bi.bad AS SELECT customer_id AS customer, started, cancelled AS ended FROM shop.subscription;
SELECT retention_source_set('bi.bad');
DROP VIEW bi.bad;
CREATE VIEW bi.bad AS SELECT customer_id AS customer, ordered_on AS at, 'all' AS "all" FROM shop.orders;
SELECT retention_source_set('bi.bad');
DROP VIEW bi.bad;
CREATE VIEW bi.bad AS SELECT customer_id AS customer, ordered_on AS at, status AS as_of FROM shop.orders;
SELECT retention_source_set('bi.bad');
DROP VIEW bi.bad;
SELECT retention_drop_source('bi.by_hand');

-- Line feeds, comments and quotes in values and in a filter are kept.
CREATE TABLE shop.texts (who int, at date, what text);
INSERT INTO shop.texts VALUES (1, '2026-01-01', E'two\nlines'), (2, '2026-01-02', 'one line'), (3, '2026-01-03', E'-- it''s \\ %s /* no comment */');
SELECT retention_source('bi.texts', 'events', 'shop.texts', 'who', at => 'at', event => 'what', events => ARRAY[E'two\nlines', E'-- it''s \\ %s /* no comment */'],
  filter => E'what <> \'one\nline\' AND what ~ E\'\\n|%s\' -- and nothing else', as_of => E'date \'2026-02-01\' -- known');
SELECT count(*) FROM retention_create_views('bi.texts');
SELECT (SELECT count(*) FROM bi.texts) AS rows, (SELECT sum(cohort_size) FROM bi.texts_cohorts WHERE period = 0) AS customers,
  (SELECT at_end FROM bi.texts_flow WHERE period_start = '2026-01-01') AS at_end, (SELECT max(at_risk) FROM bi.texts_survival) AS followed;
SELECT retention_drop_source('bi.texts');

-- The queries of views.
\pset format unaligned
\pset tuples_only on
SELECT retention_internal.source_rows(s), retention_internal.source_as_of(s), retention_internal.source_grid(s, plain => true), retention_internal.source_presence(s)
FROM retention_internal.source_find('bi.subs') s \gx
SELECT retention_internal.source_rows(s), retention_internal.source_as_of(s), retention_internal.source_grid(s), retention_internal.source_presence(s)
FROM retention_internal.source_find('bi.orders') s \gx
SELECT retention_internal.source_view(retention_internal.source_find('bi.subs'), 'cohorts');
SELECT retention_internal.source_view(retention_internal.source_find('bi.orders'), 'segments');
SELECT retention_internal.source_view(retention_internal.source_find('bi.orders'), 'nothing');
\pset tuples_only off
\pset format aligned

-- An empty table has no rows in any view, and no error.
SELECT * FROM retention_create_views('bi.subs');
SELECT * FROM retention_create_views('bi.orders', schema => 'bi');
SELECT (SELECT count(*) FROM bi.subs_flow) + (SELECT count(*) FROM bi.subs_cohorts) + (SELECT count(*) FROM bi.subs_curve)
  + (SELECT count(*) FROM bi.subs_lifecycle) + (SELECT count(*) FROM bi.subs_segments) + (SELECT count(*) FROM bi.subs_survival) AS subs,
  (SELECT count(*) FROM bi.orders_flow) + (SELECT count(*) FROM bi.orders_cohorts) + (SELECT count(*) FROM bi.orders_curve)
  + (SELECT count(*) FROM bi.orders_lifecycle) + (SELECT count(*) FROM bi.orders_stickiness) + (SELECT count(*) FROM bi.orders_segments)
  + (SELECT count(*) FROM bi.orders_survival) AS orders;
-- A table of NULLs: the same.
INSERT INTO shop.subscription (customer_id, plan) VALUES (1, 'a'), (NULL, 'b');
INSERT INTO shop.subscription (customer_id, started) VALUES (NULL, '2026-01-01');
SELECT count(*) FROM bi.subs_flow;
SELECT count(*) FROM bi.subs_cohorts;
SELECT count(*) FROM bi.subs_segments;
SELECT count(*) FROM bi.subs_survival;
TRUNCATE shop.subscription;

-- Subscriptions in every type of time, against plain SQL. One row in seven belongs to a customer who comes back; some
-- rows overlap, some touch.
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
-- the owner changes the view: it gets an as_of
CREATE OR REPLACE VIEW bi.subs WITH (security_invoker = true) AS
  SELECT customer_id AS customer, started, ended, fee AS amount, why AS reason, plan, DATE '2026-02-10' AS as_of FROM shop.subscription;
SELECT retention_source('bi.subs_local', 'subscriptions', 'shop.subscription_local', 'customer_id', 'started', 'ended', segments => '{plan}', as_of => 'date ''2026-02-10''');
SELECT retention_source('bi.subs_tz', 'subscriptions', 'shop.subscription_tz', 'customer_id', 'started', 'ended', segments => '{plan}', as_of => 'timestamptz ''2026-02-10 Europe/Berlin''');
SELECT count(*) FROM unnest('{bi.subs,bi.subs_local,bi.subs_tz}'::regclass[]) s, retention_create_views(s);

-- customers by month: a plain join with every month
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

-- cohorts: active in a month means a customer at its end, in the first month as well
CREATE VIEW plain_active AS SELECT c, starts AS m FROM plain_there WHERE at_end;
CREATE VIEW plain_cells AS
WITH first AS (SELECT c, date_trunc('month', min(s))::date AS cohort FROM plain_presence GROUP BY c),
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

-- customers at the end of a month: the same in cohorts, lifecycle and flow, in every month and type of time
SELECT v.name, count(*) AS months, count(*) FILTER (WHERE partial) AS partial, count(*) FILTER (WHERE cohorts IS DISTINCT FROM flow OR lifecycle IS DISTINCT FROM flow) AS differ
FROM (SELECT 'subs' AS name, f.status = 'partial' AS partial, f.at_end AS flow, (SELECT sum(retained) FROM bi.subs_cohorts c WHERE c.period_start = f.period_start) AS cohorts,
    (SELECT active FROM bi.subs_lifecycle l WHERE l.period_start = f.period_start) AS lifecycle FROM bi.subs_flow f
  UNION ALL SELECT 'local', f.status = 'partial', f.at_end, (SELECT sum(retained) FROM bi.subs_local_cohorts c WHERE c.period_start = f.period_start),
    (SELECT active FROM bi.subs_local_lifecycle l WHERE l.period_start = f.period_start) FROM bi.subs_local_flow f
  UNION ALL SELECT 'tz', f.status = 'partial', f.at_end, (SELECT sum(retained) FROM bi.subs_tz_cohorts c WHERE c.period_start = f.period_start),
    (SELECT active FROM bi.subs_tz_lifecycle l WHERE l.period_start = f.period_start) FROM bi.subs_tz_flow f) v GROUP BY 1 ORDER BY 1;
SELECT count(*) FILTER (WHERE c.retained <> f.gained OR c.cohort_size <> f.joined) AS differ, count(*) FILTER (WHERE c.retained < c.cohort_size) AS left_at_once
FROM bi.subs_cohorts c JOIN bi.subs_flow f USING (period_start) WHERE period = 0;
-- the rates are those of the counts; a partial cell has none
SELECT status, count(*), count(*) FILTER (WHERE retention_rate IS NULL) AS no_rate, count(*) FILTER (WHERE round(retention_rate, 6) <> round(100.0 * retained / at_risk, 6)) AS wrong,
  count(*) FILTER (WHERE (ci_low, ci_high) IS DISTINCT FROM (SELECT (i.low, i.high) FROM rate_interval(retained, at_risk) i)) AS other_interval
FROM bi.subs_cohorts GROUP BY 1 ORDER BY 1;
SELECT c.period, c.retained = p.retained AND c.at_risk = p.size AND (c.ci_low, c.ci_high) = (i.low, i.high) AS pooled
FROM bi.subs_curve c JOIN (SELECT period, sum(retained) AS retained, sum(cohort_size) AS size FROM plain_cells WHERE period_start < '2026-02-01' GROUP BY 1) p USING (period),
  rate_interval(c.retained, c.at_risk) i WHERE period < 2 ORDER BY 1;
-- presence => 'any': customers at any moment of a month
SELECT retention_source_set('bi.subs', presence => 'any');
SELECT view, shows FROM retention_create_views('bi.subs') WHERE view ~ 'cohorts';
CREATE VIEW plain_any AS SELECT DISTINCT c, starts AS m FROM plain_month, plain_presence WHERE s < least(ends, DATE '2026-02-10') AND coalesce(e > starts, true);
SELECT count(*), count(*) FILTER (WHERE v.retained IS DISTINCT FROM p.retained) AS differ, count(*) FILTER (WHERE period = 0 AND v.retained < cohort_size) AS not_all,
  count(*) FILTER (WHERE (status = 'partial') <> (retention_rate IS NULL)) AS rates
FROM bi.subs_cohorts v FULL JOIN (SELECT cohort, m AS period_start, count(*) AS retained FROM (SELECT c, min(m) AS cohort FROM plain_any GROUP BY c) f JOIN plain_any USING (c) GROUP BY 1, 2
  UNION ALL SELECT DISTINCT k.cohort, starts, 0 FROM plain_cells k, plain_month WHERE starts > k.cohort AND NOT EXISTS (
    SELECT FROM plain_any a WHERE m = starts AND (SELECT min(m) FROM plain_any b WHERE b.c = a.c) = k.cohort)) p USING (cohort, period_start);
SELECT retention_source_set('bi.subs', presence => 'at_end');
SELECT count(*) FROM retention_create_views('bi.subs');

-- segments: by the plan that held when the last complete month began
SELECT v.segment, v.value, v.period_start, v.at_start, v.kept, round(v.retention_rate, 2) AS rate, round(v.rest_retention_rate, 2) AS rest,
  v.difference = v.retention_rate - v.rest_retention_rate AS difference, (v.at_start, v.kept) = (p.at_start, p.kept) AS same
FROM bi.subs_segments v LEFT JOIN (
  SELECT 'plan' AS segment, plan AS value, count(*) AS at_start, count(*) FILTER (WHERE at_end) AS kept
  FROM plain_there JOIN (SELECT DISTINCT ON (c) c, plan FROM plain_presence WHERE s < '2026-01-01' AND coalesce(e >= '2026-01-01', true) ORDER BY c, s DESC, plan) q USING (c)
  WHERE starts = '2026-01-01' AND at_start GROUP BY 2
  UNION ALL SELECT 'all', 'all', at_start, kept FROM plain_flow WHERE period_start = '2026-01-01') p USING (segment, value) ORDER BY segment, value;
SELECT (SELECT count(*) FROM (TABLE bi.subs_segments EXCEPT TABLE bi.subs_local_segments) d) AS local,
  (SELECT count(*) FROM (TABLE bi.subs_segments EXCEPT TABLE bi.subs_tz_segments) d) AS tz;
SELECT i.low = v.retention_low AND i.high = v.retention_high AS interval, round(d.difference, 6) = v.difference AND d.p_value::double precision = v.p_value AS difference
FROM bi.subs_segments v, rate_interval(kept, at_start) i, rate_difference(kept, at_start, rest_kept, rest_at_start) d WHERE segment = 'plan';

-- survival: the first membership, overlapping and touching rows taken together
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

-- Events: the views equal plain calls of the aggregates, in every type of time.
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
  (SELECT count(*) FROM (SELECT to_jsonb(v) FROM bi.orders_cohorts AS v WHERE status = 'observed' EXCEPT SELECT to_jsonb(c) || jsonb_build_object('retention_rate', round(c.retention_rate, 6), 'note', n.note) FROM plain_summary, cohort_cells(s) c LEFT JOIN (SELECT n.* FROM plain_summary, cohort_notes(s) n) n ON n.cohort = c.cohort AND n.period = c.period) d) AS observed,
  (SELECT count(*) FROM (SELECT cohort, period, retained, status FROM bi.orders_cohorts EXCEPT SELECT cohort, period, retained, status FROM plain_summary, cohort_cells(s) c) d) AS cohorts,
  (SELECT count(retention_rate) FROM bi.orders_cohorts WHERE status = 'partial') AS partial_rates,
  (SELECT count(*) FROM (SELECT to_jsonb(v) FROM bi.orders_curve AS v EXCEPT SELECT to_jsonb(c) || jsonb_build_object('retention_rate', round(c.retention_rate, 6)) FROM plain_summary, retention_curve(s) c) d) AS curve,
  (SELECT count(*) FROM (TABLE bi.orders_lifecycle EXCEPT SELECT c.* FROM plain_summary, lifecycle(s) c) d) AS lifecycle,
  (SELECT count(*) FROM (SELECT to_jsonb(v) FROM bi.orders_stickiness AS v EXCEPT SELECT to_jsonb(c) || jsonb_build_object('share', round(c.share, 6)) FROM plain_summary, stickiness(s) c) d) AS stickiness;
SELECT count(*), count(*) FILTER (WHERE to_jsonb(v) IS DISTINCT FROM to_jsonb(p) || (SELECT jsonb_object_agg(c, round((to_jsonb(p) ->> c)::numeric, 6)) FROM unnest('{customer_days,retention_rate,churn_rate}'::text[]) c)) AS differ FROM bi.orders_flow v FULL JOIN (
  SELECT f.* FROM (SELECT customer_flow(customer_id, l, l + interval '21 days', retention_grid('week', time_zone => 'America/New_York', as_of => '2026-04-01'),
      '[2024-12-30,2026-05-01)'::tsrange) AS flow FROM plain_orders, LATERAL (SELECT ordered_at AT TIME ZONE 'America/New_York' AS l) x) q, flow_periods(flow) f) p USING (period_start);
SELECT segment, value, period_start, at_start, kept FROM bi.orders_segments ORDER BY segment, value;
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
SELECT retention_source('bi.hourly', 'subscriptions', 'shop.visits', 'who', 'at', 'until', grid => '2 hours; time_zone=UTC', segments => '{kind}');
SELECT retention_source('bi.hourly_local', 'subscriptions', 'shop.visits', 'who', 'local', 'local_until', grid => '2 hours; time_zone=UTC', segments => '{kind}');
SELECT retention_source('bi.hourly_events', 'events', 'shop.visits', 'who', at => 'at', grid => '2 hours; time_zone=UTC', event => 'kind', events => '{visit}');
SELECT count(*) FROM unnest('{bi.hourly,bi.hourly_local,bi.hourly_events}'::regclass[]) s, retention_create_views(s);
SELECT pg_typeof(period_start), count(*) FROM bi.hourly_flow GROUP BY 1;
SELECT (SELECT count(*) FROM (TABLE bi.hourly_flow EXCEPT TABLE bi.hourly_local_flow) d) AS flow, (SELECT count(*) FROM (TABLE bi.hourly_cohorts EXCEPT TABLE bi.hourly_local_cohorts) d) AS cohorts,
  (SELECT count(*) FROM (TABLE bi.hourly_segments EXCEPT TABLE bi.hourly_local_segments) d) AS segments, (SELECT count(*) FROM (TABLE bi.hourly_survival EXCEPT TABLE bi.hourly_local_survival) d) AS survival,
  (SELECT count(*) FROM bi.hourly_cohorts) AS cells, (SELECT count(*) FROM bi.hourly_lifecycle) AS periods, (SELECT count(*) FROM bi.hourly_segments) AS parts;
SELECT cohort, cohort_size, period, retained, status FROM bi.hourly_cohorts WHERE period < 3 LIMIT 4;
SELECT * FROM bi.hourly_survival WHERE segment = 'all' ORDER BY hours LIMIT 3;
SELECT count(*) AS cells FROM bi.hourly_events_cohorts;
SELECT retention_source_set('bi.hourly_events', gone_after => '3 days');
SELECT retention_source_set(s, grid => 'day; time_zone=UTC; cohorts=recurring; brackets=1,2-3') FROM unnest('{bi.hourly,bi.hourly_local,bi.hourly_events}'::regclass[]) s;
SELECT count(*) FROM unnest('{bi.hourly,bi.hourly_local,bi.hourly_events}'::regclass[]) s, retention_create_views(s);
SELECT pg_typeof(period_start), count(*) FROM bi.hourly_flow GROUP BY 1;
-- starts that are not inside another membership, and who of them is a customer at the end of that day
SELECT v.cohort, v.cohort_size, p.starts, v.retained, p.still FROM bi.hourly_cohorts v FULL JOIN (
  SELECT (lower(r) AT TIME ZONE 'UTC')::date AS cohort, count(DISTINCT who) AS starts,
    count(DISTINCT who) FILTER (WHERE upper(r) >= ((lower(r) AT TIME ZONE 'UTC')::date + 1)::timestamp AT TIME ZONE 'UTC') AS still
  FROM (SELECT who, unnest(range_agg(tstzrange(at, until))) AS r FROM shop.visits WHERE until > at GROUP BY 1) q GROUP BY 1) p USING (cohort)
WHERE period = 0 ORDER BY 1;
SELECT retention_source_set('bi.hourly_events', grid => '36 hours; time_zone=UTC; windows=elapsed');
SELECT retention_source_set('bi.hourly_events', grid => '12 hours; time_zone=UTC; windows=elapsed; min_events=2');
SELECT view FROM retention_create_views('bi.hourly_events');
SELECT * FROM bi.hourly_events_curve;
SELECT count(*) FROM (SELECT c.* FROM (SELECT cohort_retention(who, at, '12 hours; time_zone=UTC; windows=elapsed; min_events=2') AS s FROM shop.visits) q, retention_curve(s) c EXCEPT TABLE bi.hourly_events_curve) d;
SELECT retention_source_set('bi.hourly', grid => '24 hours; time_zone=UTC; windows=elapsed');

-- Creating views twice changes nothing, and objects that are not views of the source are left alone.
COMMENT ON VIEW bi.subs_flow IS 'what the board looks at';
GRANT SELECT ON bi.subs_flow TO pg_monitor;
CREATE VIEW dashboard AS SELECT count(*) FROM bi.subs_flow;
SELECT count(*) FROM retention_create_views('bi.subs');
SELECT has_table_privilege('pg_monitor', 'bi.subs_flow', 'SELECT') AS still_granted, obj_description('bi.subs_flow'::regclass) AS says;
SELECT * FROM retention_drop_views('bi.subs');
DROP VIEW dashboard;
CREATE SCHEMA bi2;
SELECT view FROM retention_create_views('bi.subs', 'bi2') LIMIT 1;
SELECT * FROM retention_drop_views('bi.subs');
SELECT count(*) FROM retention_create_views('bi.subs');
SELECT retention_source('bi.other', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', segments => '{country}');
CREATE TABLE bi.other_curve (a int);
SELECT view FROM retention_create_views('bi.other');
DROP TABLE bi.other_curve;
CREATE VIEW bi.other_curve AS SELECT * FROM shop.orders;
SELECT view FROM retention_create_views('bi.other');
SELECT view FROM retention_create_views('bi.other', 'nowhere');
DROP VIEW bi.other_curve;
SELECT count(*) FROM retention_create_views('bi.other');
-- other columns of the source: the views follow
DROP VIEW bi.other CASCADE;
SELECT (retention_internal.source_find('bi.orders')).source AS others_stay;
CREATE VIEW bi.other AS SELECT customer_id::text AS customer, ordered_at AS at FROM shop.orders;
SELECT retention_source_set('bi.other', grid => 'month; time_zone=UTC');
SELECT count(*) FROM retention_create_views('bi.other');
CREATE OR REPLACE VIEW bi.other AS SELECT customer_id::text AS customer, ordered_at AS at, country, amount FROM shop.orders;
SELECT view FROM retention_create_views('bi.other');
-- objects of others that depend on the source are not dropped with it
CREATE VIEW built AS SELECT count(*) FROM bi.other;
SELECT retention_drop_source('bi.other');
DROP VIEW built;
SELECT retention_drop_source('bi.other');
SELECT count(*) FROM pg_class WHERE relname LIKE 'other%';
SELECT retention_source_set('bi.other');
-- a comment on every view and every column
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'bi'::regnamespace AND c.relkind = 'v' AND c.relname ~ '_(flow|cohorts|curve|lifecycle|stickiness|segments|survival|customers|movements)$'
  AND attnum > 0 AND (col_description(c.oid, attnum) IS NULL OR obj_description(c.oid) IS NULL);
SELECT DISTINCT format_type(atttypid, NULL) AS type FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'bi'::regnamespace AND c.relname ~ '^(subs|orders)_' AND attnum > 0 ORDER BY 1;
SELECT attname, format_type(atttypid, NULL) AS type, col_description(attrelid, attnum) AS says FROM pg_attribute WHERE attrelid = 'bi.subs_lifecycle'::regclass AND attnum > 0 ORDER BY attnum;
SELECT reloptions, obj_description(oid) FROM pg_class WHERE oid = 'bi.subs_lifecycle'::regclass;

-- Renames are followed: of a table, a column, the source, its schema.
CREATE SCHEMA moving;
CREATE TABLE moving.t (who int, at date);
INSERT INTO moving.t SELECT i % 7, DATE '2026-01-01' + i FROM generate_series(1, 90) i;
SELECT retention_source('moving.s', 'events', 'moving.t', 'who', at => 'at', grid => 'month; time_zone=UTC', filter => 'who > 0');
SELECT count(*) FROM retention_create_views('moving.s');
CREATE TEMP TABLE before AS SELECT * FROM moving.s_cohorts;
ALTER TABLE moving.t RENAME TO u;
ALTER TABLE moving.u RENAME COLUMN who TO customer_number;
ALTER SCHEMA moving RENAME TO moved;
SELECT count(*) AS differ FROM (TABLE moved.s_cohorts EXCEPT TABLE before) d;
SELECT count(*) FROM retention_create_views('moved.s');
SELECT count(*) AS differ FROM (TABLE moved.s_cohorts EXCEPT TABLE before) d;
ALTER VIEW moved.s RENAME TO r;
SELECT source, relation, state FROM retention_sources WHERE source = 'moved.r'::regclass;
-- views of the old name no longer belong to the source
SELECT * FROM retention_drop_views('moved.r');
SELECT view FROM retention_create_views('moved.r') LIMIT 1;
SELECT retention_drop_source('moved.r');
DROP SCHEMA moved CASCADE;

-- Hostile names and texts.
CREATE SCHEMA "Sch; %s ema";
CREATE TABLE "Sch; %s ema"."Ta'ble ""x"" %s
second line" ("select" text, "as_of" date, "k" int, "Plan, B" text, at_end text, "retention %I" text);
INSERT INTO "Sch; %s ema"."Ta'ble ""x"" %s
second line" SELECT 'ü' || i % 9, DATE '2026-01-01' + i % 80, i, 'plan ''' || i % 2, '%s', E'\\' || i % 2 FROM generate_series(1, 100) i;
SELECT retention_source('"so''urce ""é"" %s \"', 'events', E'"Sch; %s ema"."Ta''ble ""x"" %s\nsecond line"', 'select', at => 'as_of', schema => 'Sch; %s ema',
  segments => '{at_end,"Plan, B","retention %I"}', filter => E'k > 1 -- and "Plan, B" <> ''x''', event => 'Plan, B', events => ARRAY['plan ''1', 'a,"b"']);
SELECT * FROM retention_create_views('"Sch; %s ema"."so''urce ""é"" %s \"');
SELECT segment, value, at_start, kept FROM "Sch; %s ema"."so'urce ""é"" %s \_segments" ORDER BY segment COLLATE "C", value;
SELECT count(*) FROM "Sch; %s ema"."so'urce ""é"" %s \_survival";
SELECT count(*) FROM "Sch; %s ema"."so'urce ""é"" %s \_flow";
SELECT count(*) FROM "Sch; %s ema"."so'urce ""é"" %s \_cohorts";
SELECT retention_drop_source('"Sch; %s ema"."so''urce ""é"" %s \"');
-- standard_conforming_strings = off: no warning, the same answer
SET standard_conforming_strings = off;
SELECT retention_source('bi.old_way', 'events', '"Sch; %s ema"."Ta''ble ""x"" %s
second line"', 'select', at => 'as_of', segments => '{"retention %I"}', filter => $f$k > 1 AND "retention %I" <> '\0'$f$, grid => 'month; time_zone=Europe/Berlin');
SELECT count(*) FROM retention_create_views('bi.old_way');
SELECT segment, value, at_start, kept FROM bi.old_way_segments;
SELECT count(*) FROM retention_sources WHERE source = 'bi.old_way'::regclass;
SELECT retention_materialize('bi.old_way');
INSERT INTO "Sch; %s ema"."Ta'ble ""x"" %s
second line" VALUES ('new', '2026-03-25', 9, 'plan ''1', '%s', E'\\1');
SELECT retention_refresh('bi.old_way');
SELECT segment, value, at_start, kept FROM bi.old_way_segments;
SELECT retention_report('bi.old_way') ->> 'customers' AS customers, retention_report_html('bi.old_way') ~ '<h1' AS page;
SELECT retention_unmaterialize('bi.old_way');
SELECT retention_drop_source('bi.old_way');
SELECT retention_guess('"Sch; %s ema"."Ta''ble ""x"" %s
second line"');
SET standard_conforming_strings = on;

-- Domains, enums, partitions, materialised views without data.
CREATE DOMAIN shop.customer_number AS integer CHECK (VALUE > 0);
CREATE DOMAIN shop.customer_word AS varchar(20);
CREATE TYPE shop.step AS ENUM ('seen', 'bought');
CREATE TABLE shop.steps (who shop.customer_number, at date, step shop.step, word shop.customer_word) PARTITION BY RANGE (at);
CREATE TABLE shop.steps_2026 PARTITION OF shop.steps FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO shop.steps VALUES (1, '2026-01-05', 'seen', 'x'), (1, '2026-02-05', 'bought', 'x'), (2, '2026-02-06', 'seen', 'y');
SELECT retention_source('bi.steps', 'events', 'shop.steps', 'who', at => 'at', event => 'step', events => '{bought}', segments => '{step}');
SELECT retention_source('bi.words', 'events', 'shop.steps', 'word', at => 'at');
SELECT count(*) FROM retention_create_views('bi.steps');
SELECT cohort, cohort_size FROM bi.steps_cohorts;
SELECT customer_type FROM retention_internal.source_find('bi.words');
CREATE MATERIALIZED VIEW shop.later AS SELECT who, at FROM shop.steps WITH NO DATA;
SELECT retention_source('bi.later', 'events', 'shop.later', 'who', at => 'at');
REFRESH MATERIALIZED VIEW shop.later;
SELECT retention_internal.source_as_of(retention_internal.source_find('bi.later')) AS as_of \gset
SELECT :as_of;

-- A row that ends before it starts is an error, unless the source ignores such rows.
CREATE TABLE shop.contract (who int, since date, until date);
INSERT INTO shop.contract VALUES (1, '2026-01-01', NULL), (2, '2026-01-10', '2026-03-01'), (3, '2026-02-01', '2026-01-01'), (4, '9999-12-31', NULL), (5, '2026-01-05', '9999-12-31'), (6, '0001-01-01', '2026-02-01');
SELECT retention_source('bi.strict', 'subscriptions', 'shop.contract', 'who', 'since', 'until', grid => 'month; time_zone=UTC');
SELECT retention_source('bi.lenient', 'subscriptions', 'shop.contract', 'who', 'since', 'until', grid => 'month; time_zone=UTC', ignore_bad_rows => true);
SELECT count(*) FROM unnest('{bi.strict,bi.lenient}'::regclass[]) s, retention_create_views(s);
\set VERBOSITY terse
SELECT count(*) FROM bi.strict_flow;
\set VERBOSITY default
-- a time in the year 9999 means never; a customer from before 1900 is a customer from the beginning
SELECT min(period_start), max(period_end), count(*) FROM bi.lenient_flow;
SELECT period_start, at_start, at_end, status FROM bi.lenient_flow WHERE period_start >= '2026-01-01';
SELECT retention_drop_source('bi.strict'), retention_drop_source('bi.lenient');

-- State.
DROP MATERIALIZED VIEW shop.later;
DROP MATERIALIZED VIEW shop.later CASCADE;
ALTER VIEW bi.steps RENAME COLUMN at TO "when";
SELECT source, state FROM retention_sources ORDER BY source::text COLLATE "C";
SELECT retention_internal.source_find('bi.steps');
ALTER VIEW bi.steps RENAME COLUMN "when" TO at;
SELECT retention_drop_source('bi.steps'), retention_drop_source('bi.words');
-- settings of dropped views are not dumped and not shown, and are deleted by the next change of a setting
SELECT count(*) FROM retention_internal.source_setting s WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = s.source);
SELECT retention_source_set('bi.subs');
SELECT count(*) FROM retention_internal.source_setting s WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = s.source);

-- Other roles: only the owner changes a source.
CREATE ROLE retention_ann;
CREATE ROLE retention_bob;
CREATE ROLE retention_tenant;
CREATE ROLE retention_bypass BYPASSRLS;
GRANT USAGE ON SCHEMA shop, bi TO retention_ann, retention_bob, retention_tenant, retention_bypass;
CREATE SCHEMA ann AUTHORIZATION retention_ann;
GRANT USAGE ON SCHEMA ann TO PUBLIC;
CREATE TABLE shop.secret (who int, at date);
GRANT SELECT ON shop.orders TO retention_ann, retention_tenant;
SET ROLE retention_ann;
SELECT retention_source('ann.secret', 'events', 'shop.secret', 'who', at => 'at');
SELECT retention_source('bi.mine', 'events', 'shop.orders', 'customer_id', at => 'ordered_at');
SELECT retention_source('ann.orders', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', filter => 'country = ''DE''', grid => 'month; time_zone=UTC');
SELECT count(*) FROM retention_create_views('ann.orders');
-- everybody reads the settings, nobody writes them directly
SELECT source, owner, state FROM retention_sources ORDER BY source::text COLLATE "C";
INSERT INTO retention_internal.source_setting VALUES ('ann.orders', 'month', NULL, 1, NULL) ON CONFLICT DO NOTHING;
INSERT INTO retention_internal.source_setting VALUES ('bi.subs_tz', 'month', NULL, 1, NULL);
INSERT INTO retention_internal.source_setting VALUES (1, 'month', NULL, 1, NULL);
BEGIN;
LOCK TABLE retention_internal.source_setting IN SHARE MODE;
ROLLBACK;
UPDATE retention_internal.source_setting SET keep_runs = 1;
DELETE FROM retention_internal.source_setting;
-- nothing of another role is written, changed, locked or dropped, not even by a role that could do it by hand
SELECT retention_source_set('bi.subs', keep_runs => 1);
SELECT retention_drop_source('bi.subs');
SELECT * FROM retention_create_views('bi.subs', 'ann');
SELECT * FROM retention_drop_views('bi.subs');
SELECT retention_internal.source_write('bi.subs', ROW('bi.subs', 'month', NULL, 1, 'any', 'start', NULL, false, NULL, NULL));
SELECT retention_internal.source_forget('bi.subs');
SELECT retention_internal.source_lock('bi.subs', 1, true);
SELECT retention_internal.check_owner('bi.subs');
SELECT retention_internal.check_owner(NULL);
SELECT retention_internal.check_owner(1::oid);
SELECT retention_internal.source_write('ann.orders', NULL);
SELECT retention_internal.source_write('ann.orders', ROW('ann.orders', NULL, NULL, 1, 'any', 'start', NULL, false, NULL, NULL));
-- a row of another source is not written
SELECT retention_internal.source_write('ann.orders', ROW('bi.subs', 'day', NULL, 1, 'any', 'start', NULL, false, NULL, NULL));
SELECT grid FROM retention_internal.source_setting WHERE source = 'bi.subs'::regclass;
SELECT retention_internal.source_write('ann.orders', ROW('ann.orders', 'month; time_zone=UTC', '-1 day', -7, 'any', 'last', -1, false, 1, NULL));
SELECT retention_internal.source_find('ann.orders');
SELECT retention_source_set('ann.orders', gone_after => '1 month', keep_runs => 5, segments_at => 'start', top => 0, suppress_below => 0);
SELECT retention_internal.source_lock('ann.orders', 0, true);
SELECT retention_internal.source_lock('ann.orders', 70000, true);
SELECT retention_internal.source_lock('ann.orders', 1, false);
SELECT retention_internal.source_lock('ann.orders', NULL, false);
RESET ROLE;
SELECT retention_source_set('ann.orders', keep_runs => 1);
SELECT retention_drop_source('ann.orders');
-- readers need SELECT, as on any view
SET ROLE retention_tenant;
SELECT retention_internal.source_find('ann.orders');
SELECT source, state FROM retention_sources ORDER BY source::text COLLATE "C";
RESET ROLE;
GRANT SELECT ON ann.orders, ann.orders_cohorts TO retention_tenant, retention_bob, retention_bypass;
SET ROLE retention_tenant;
SELECT kind, gone_after, keep_runs FROM retention_internal.source_find('ann.orders');
SELECT count(*) > 0 AS cohorts FROM ann.orders_cohorts;
SET ROLE retention_bob;
SELECT count(*) FROM ann.orders_cohorts;
RESET ROLE;

-- One call lets a role read a source: it, its views, the schemas, and nothing else.
CREATE ROLE retention_tool;
CREATE SCHEMA lent;
GRANT CREATE, USAGE ON SCHEMA lent TO retention_ann;
SET ROLE retention_ann;
SET client_min_messages = notice;
SELECT * FROM retention_grant('ann.orders', 'retention_tool') WHERE object !~ '_by_segment|_value';
SET client_min_messages = warning;
SELECT retention_grant('ann.orders', 'nobody');
SELECT retention_grant('ann.orders', NULL);
SELECT retention_grant('bi.subs', 'retention_tool');
SELECT retention_source('lent.orders', 'events', 'shop.orders', 'customer_id', at => 'ordered_at', grid => 'month; time_zone=UTC');
SELECT retention_grant('lent.orders', 'retention_tool');
SELECT retention_drop_source('lent.orders');
RESET ROLE;
SELECT * FROM retention_grant('bi.subs', 'retention_tool') WHERE object !~ 'subs_';
SET ROLE retention_tool;
SELECT count(*) FROM ann.orders_cohorts;
RESET ROLE;
GRANT SELECT (customer_id, ordered_at, country) ON shop.orders TO retention_tool;
SET ROLE retention_ann;
SELECT count(*) = (SELECT count(*) FROM retention_internal.source_views('ann.orders')) + 1 AS again FROM retention_grant('ann.orders', 'retention_tool');
SET ROLE retention_tool;
SELECT count(*) > 0 AS cohorts FROM ann.orders_cohorts;
RESET ROLE;
SELECT a.privilege_type, count(*) > 5 AS many FROM pg_class c, aclexplode(c.relacl) a WHERE a.grantee = 'retention_tool'::regrole GROUP BY 1
UNION ALL SELECT a.privilege_type || ' ' || n.nspname, true FROM pg_namespace n, aclexplode(n.nspacl) a WHERE a.grantee = 'retention_tool'::regrole ORDER BY 1;
DROP SCHEMA lent;
DROP OWNED BY retention_tool;
DROP ROLE retention_tool;

-- A superuser runs no code of other roles: not a source of theirs, ...
SELECT retention_internal.source_find('ann.orders');
SET ROLE retention_bypass;
SELECT retention_internal.source_find('ann.orders');
RESET ROLE;
-- ... not a view, function, operator, aggregate or domain of theirs in a source of the superuser, however deep
SET ROLE retention_ann;
CREATE FUNCTION ann.evil(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE WARNING 'evil ran as %', current_user; RETURN $1; END $$;
CREATE OPERATOR ann.@@@ (FUNCTION = ann.evil, RIGHTARG = integer);
CREATE AGGREGATE ann.evil_sum(integer) (SFUNC = int4_sum, STYPE = bigint);
CREATE DOMAIN ann.evil_number AS integer CHECK (ann.evil(VALUE) > 0);
CREATE TYPE ann.harmless AS ENUM ('a', 'b');
CREATE TABLE ann.t (who integer, at date, kind ann.harmless);
INSERT INTO ann.t VALUES (1, '2026-01-01', 'a');
CREATE VIEW ann.v AS SELECT ann.evil(1) AS who, at FROM ann.t;
CREATE FUNCTION ann.inner_of(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT ann.evil($1)';
GRANT SELECT ON ALL TABLES IN SCHEMA ann TO retention_bypass;
RESET ROLE;
CREATE SCHEMA boss;
CREATE OPERATOR boss.@@@ (FUNCTION = ann.evil, RIGHTARG = integer);
CREATE AGGREGATE boss.evil_sum(integer) (SFUNC = int4_sum, STYPE = bigint, FINALFUNC = int8inc);
CREATE AGGREGATE boss.evil_most(integer) (SFUNC = int4larger, STYPE = integer, FINALFUNC = ann.evil);
CREATE DOMAIN boss.evil_number AS integer CHECK (ann.evil(VALUE) > 0);
CREATE VIEW boss.inner_view AS SELECT * FROM ann.v;
CREATE FUNCTION asks(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
  EXECUTE 'CREATE VIEW boss.s AS ' || query;
  PERFORM retention_source_set('boss.s', grid => 'month; time_zone=UTC');
  PERFORM retention_internal.source_find('boss.s');
  DROP VIEW boss.s;
  RETURN 'runs';
EXCEPTION WHEN insufficient_privilege THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' ', detail, hint);
END $$;
SELECT query, asks(query) FROM unnest(ARRAY[
  'SELECT who AS customer, at, kind FROM ann.t',
  'SELECT who AS customer, at FROM ann.v',
  'SELECT who AS customer, at FROM boss.inner_view',
  'SELECT customer, at FROM (SELECT who AS customer, at FROM ann.t WHERE who > (SELECT ann.evil(0))) q',
  'SELECT OPERATOR(ann.@@@) who AS customer, at FROM ann.t',
  'SELECT OPERATOR(boss.@@@) who AS customer, at FROM ann.t',
  'SELECT ann.evil_sum(who) AS customer, at FROM ann.t GROUP BY at',
  'SELECT boss.evil_sum(who) AS customer, at FROM ann.t GROUP BY at',
  'SELECT boss.evil_most(who) AS customer, at FROM ann.t GROUP BY at',
  'SELECT who::ann.evil_number::integer AS customer, at FROM ann.t',
  'SELECT who::boss.evil_number::integer AS customer, at FROM ann.t',
  'SELECT abs(who) AS customer, at FROM ann.t WHERE kind = ''a''::ann.harmless']) AS query;
-- ... not even in the planner, nor while a source is created
SELECT retention_source('boss.s', 'events', 'ann.v', 'who', at => 'at', filter => 'who > 0', as_of => 'ann.evil(1)::text::date');
SELECT retention_source('boss.s', 'events', 'ann.v', 'who', at => 'at', filter => 'who > ann.evil(0)');
SELECT retention_internal.source_find('boss.s');
SELECT retention_create_views('boss.s');
SELECT retention_drop_source('boss.s');
-- ... nor a view of the superuser in a schema where another role could replace it
CREATE VIEW ann.boss_view AS SELECT who AS customer, at FROM ann.t;
SELECT retention_source_set('ann.boss_view', grid => 'month; time_zone=UTC');
SELECT retention_internal.source_find('ann.boss_view');
DROP VIEW ann.boss_view;
-- for other roles PostgreSQL's privileges apply
GRANT SELECT ON ann.v TO retention_bob;
SET ROLE retention_ann;
SELECT retention_source('ann.own', 'events', 'ann.v', 'who', at => 'at', grid => 'month; time_zone=UTC');
GRANT SELECT ON ann.own TO retention_bob;
SELECT (retention_internal.source_find('ann.own')).source AS own;
SET ROLE retention_bob;
SELECT (retention_internal.source_find('ann.own')).source AS of_somebody;
RESET ROLE;

-- A source goes on after REASSIGN OWNED, and its old owner can be dropped.
GRANT SELECT ON shop.orders TO retention_bob;
REASSIGN OWNED BY retention_ann TO retention_bob;
DROP OWNED BY retention_ann;
DROP ROLE retention_ann;
SET ROLE retention_bob;
SELECT source, owner, keep_runs, state FROM retention_sources WHERE source = 'ann.orders'::regclass;
SELECT count(*) FROM retention_create_views('ann.orders');
SELECT count(*) > 0 AS cohorts FROM ann.orders_cohorts;
SELECT retention_drop_source('ann.orders');
RESET ROLE;
DROP SCHEMA boss, ann CASCADE;
SELECT count(*) AS leave_nothing FROM retention_sources WHERE owner <> current_user;

-- Tenants: a policy on the table and views of its owner; each reader sees their own numbers.
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON shop.orders USING (country = CASE current_user WHEN 'retention_tenant' THEN 'FR' WHEN 'retention_bob' THEN 'DE' END);
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
-- a role that may not read the table sees nothing through a view
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
-- the proposed call can be run
-- without an as_of they would count as known: a NOTICE says so; a time from 2200 on means never
SET client_min_messages = notice;
SELECT retention_source('shop.planned', 'subscriptions', 'shop.account', 'id', started => 'created_at', ended => 'cancelled_at');
SELECT retention_source('shop.unplanned', 'subscriptions', 'shop.account', 'id', started => 'created_at', ended => 'cancelled_at', as_of => 'now()');
BEGIN;
UPDATE shop.account SET cancelled_at = '9999-12-31' WHERE cancelled_at IS NOT NULL;
ANALYZE shop.account;
SELECT retention_source('shop.never', 'subscriptions', 'shop.account', 'id', started => 'created_at', ended => 'cancelled_at');
ROLLBACK;
SET client_min_messages = warning;
SELECT retention_drop_source(s::regclass) FROM unnest('{shop.planned,shop.unplanned}'::text[]) s;
SELECT string_agg(g, E'\n') AS call FROM retention_guess('shop.account') g \gset
:call
SELECT source, kind, relation, segments, grid, state FROM retention_sources WHERE relation = 'shop.account';

-- Ends that look planned: all rows have one, or many have the last one. The report says so, too, until there is an as_of.
CREATE TABLE shop.paid AS SELECT g AS customer_id, date '2019-01-01' + 30 * (g % 12) AS started, date '2019-01-31' + 30 * (g % 12) AS ended FROM generate_series(1, 600) g;
ANALYZE shop.paid;
SELECT * FROM retention_guess('shop.paid') g WHERE g ~ 'as_of';
SELECT string_agg(g, E'\n') AS call FROM retention_guess('shop.paid') g \gset
:call
SELECT retention_source('shop.seems_over', 'subscriptions', 'shop.paid', 'customer_id', 'started', 'ended', grid => 'month; time_zone=UTC');
SELECT s AS source, (retention_report(s::regclass) -> 'notes')::text ~ 'Every row has an end' AS noted, retention_report(s::regclass) #> '{headline,0,value}' AS retention FROM unnest('{paid_retention,shop.seems_over}'::text[]) s;
UPDATE shop.paid SET ended = CASE customer_id % 3 WHEN 0 THEN date '2020-01-01' WHEN 1 THEN ended END;
ANALYZE shop.paid;
SELECT * FROM retention_guess('shop.paid') g WHERE g ~ 'as_of';
UPDATE shop.paid SET ended = ended + customer_id % 20 WHERE customer_id % 3 = 0;
ANALYZE shop.paid;
SELECT * FROM retention_guess('shop.paid') g WHERE g ~ 'as_of';
SELECT retention_drop_source(s::regclass) FROM unnest('{paid_retention,shop.seems_over}'::text[]) s;
DROP TABLE shop.paid;

-- A table that is swapped, as dbt does: the post-hook lets the source read the new one before the old one is dropped.
CREATE TABLE shop.fct AS SELECT g % 50 AS customer_id, date '2025-01-01' + g % 100 AS day FROM generate_series(1, 400) g;
SELECT retention_source('bi.fct', 'events', 'shop.fct', 'customer_id', at => 'day', grid => 'month; time_zone=UTC', schema => 'bi');
SELECT count(*) > 5 AS views FROM retention_create_views('bi.fct');
SELECT retention_materialize('bi.fct');
GRANT SELECT ON bi.fct, bi.fct_cohorts TO pg_monitor;
SELECT sum(cohort_size) FROM bi.fct_cohorts WHERE period = 0;
SELECT retention_source('bi.fct', 'events', 'shop.fct', 'customer_id', at => 'day');
BEGIN;
CREATE TABLE shop.fct_tmp AS SELECT g % 500 AS customer_id, date '2025-01-01' + g % 100 AS day FROM generate_series(1, 1000) g;
ALTER TABLE shop.fct RENAME TO fct_backup;
ALTER TABLE shop.fct_tmp RENAME TO fct;
SELECT retention_source('bi.fct', 'events', 'shop.fct', 'customer_id', at => 'day', grid => 'month; time_zone=UTC', replace => true);
COMMIT;
DROP TABLE shop.fct_backup CASCADE;
SELECT sum(cohort_size), has_table_privilege('pg_monitor', 'bi.fct', 'SELECT') AND has_table_privilege('pg_monitor', 'bi.fct_cohorts', 'SELECT') AS still_granted FROM bi.fct_cohorts WHERE period = 0;
SELECT state FROM retention_sources WHERE source = 'bi.fct'::regclass;
SELECT retention_refresh('bi.fct');
INSERT INTO shop.fct VALUES (1000, '2025-02-02');
SELECT retention_refresh('bi.fct');
SELECT sum(cohort_size) FROM bi.fct_cohorts WHERE period = 0;
-- after DROP ... CASCADE the same calls bring it back
DROP TABLE shop.fct CASCADE;
CREATE TABLE shop.fct AS SELECT g % 70 AS customer_id, date '2025-01-01' + g % 100 AS day FROM generate_series(1, 300) g;
SELECT retention_source('bi.fct', 'events', 'shop.fct', 'customer_id', at => 'day', grid => 'month; time_zone=UTC', replace => true);
SELECT count(*) > 5 AS views FROM retention_create_views('bi.fct');
SELECT sum(cohort_size) FROM bi.fct_cohorts WHERE period = 0;
-- what the call does not say stays hidden
SELECT retention_source_set('bi.fct', suppress_below => 3, top => 2);
SELECT retention_source('bi.fct', 'events', 'shop.fct', 'customer_id', at => 'day', grid => 'month; time_zone=UTC', replace => true);
SELECT suppress_below, top FROM retention_sources WHERE source = 'bi.fct'::regclass;
SELECT retention_source('bi.fct', 'events', 'shop.fct', 'customer_id', at => 'day', grid => 'month; time_zone=UTC', suppress_below => 0, top => 0, replace => true);
SELECT suppress_below, top FROM retention_sources WHERE source = 'bi.fct'::regclass;
-- not another kind, not what is no source, not that of another role
SELECT retention_source('bi.fct', 'subscriptions', 'shop.fct', 'customer_id', started => 'day', ended => 'day', replace => true);
SELECT retention_source('shop.fct', 'events', 'shop.fct', 'customer_id', at => 'day', replace => true);
SELECT retention_source('bi.fct_flow', 'events', 'shop.fct', 'customer_id', at => 'day', replace => true);
GRANT SELECT ON shop.fct TO retention_bob;
SET ROLE retention_bob;
SELECT retention_source('bi.fct', 'events', 'shop.fct', 'customer_id', at => 'day', replace => true);
RESET ROLE;
SELECT retention_drop_source('bi.fct');
DROP TABLE shop.fct;

-- Natural mistakes get a hint, and no CONTEXT.
CREATE TABLE shop.bought (customer int, day date);
SELECT retention_source('bi.bought', 'events', 'shop.bought', 'customer', at => 'day');
SELECT retention_create_views('shop.bought');
SELECT retention_source('bi.bought2', 'events', 'shop.bought', 'customer', at => 'day', as_of => '2026-04-01');
SELECT retention_source('bought 2', 'events', 'shop.bought', 'customer', at => 'day');
SELECT retention_source('bi.bought2', 'events', 'shop.bought', 'customer', at => 'day', gone_after => '90');
SELECT retention_source_set('bi.bought', grid => 'year');
SELECT retention_source('bi.bought2', 'events', 'shop.bought', 'customer', at => 'day', filter => 'WHERE day > 1');
SELECT retention_source('bi.bought2', 'events', 'shop.bought', 'customer_id', at => 'day');
SELECT retention_drop_source('bi.bought');
DROP TABLE shop.bought;
SELECT retention_internal.source_near(w, '{customer_id,started,ended}') AS near
FROM unnest(ARRAY['CustomerID', 'strated', 'zebra', '', repeat('x', 1000)]) AS w;
SELECT retention_internal.refuse('22023', 'a message', 'A detail.', 'A hint.');
SELECT retention_internal.refuse('00000', 'a message');
SELECT retention_internal.refuse('2202', 'a message');

-- By shard, where there is no Citus (t/085_citus.pl is about where there is).
CREATE TABLE shop.bought (customer int, day date);
SELECT retention_by_shard('shop.bought', 'customer', 'SELECT rollup(NULL::retention_flow) FROM %s', NULL::retention_flow);
SELECT retention_by_shard('shop.bought', 'client', 'SELECT rollup(NULL::retention_flow) FROM %s', NULL::retention_flow);
SELECT retention_by_shard('shop.bought', 'customer', 'SELECT rollup(NULL::retention_flow) FROM shop.bought WHERE 7 %% 3 = 1', NULL::retention_flow);
SELECT retention_by_shard('shop.bought', 'customer', NULL, NULL::retention_flow);
DROP TABLE shop.bought;

-- Clean up.
DROP FUNCTION seen(), asks(text);
DROP SCHEMA shop, bi, bi2, "Sch; %s ema" CASCADE;
DROP VIEW plain_month CASCADE;
SELECT * FROM retention_sources;
DROP TABLE here, passing, before;
RESET SESSION AUTHORIZATION;
DROP ROLE retention_bob, retention_tenant, retention_bypass, retention_boss;
