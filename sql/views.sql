-- Views by segment and lists of customers: each count equals its rows, each value is a source of its customers, over the
-- rows and over kept facts.
CREATE SCHEMA views_test;
SET search_path = views_test, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET client_min_messages = warning;

\set views_file `echo "${PG_ABS_SRCDIR:-.}/test/views.sql"`
\set ECHO none
\i :views_file
\set ECHO all

-- Customers who change plan, rows that overlap and touch, rows of nobody, without a time, never there.
CREATE TABLE event AS
SELECT abs(hashint4(g)) % 60 AS customer_id, timestamptz '2025-01-05 10:00+00' + abs(hashint4(g * 3)) % 400 * interval '17 hours' AS at,
  (ARRAY['a', 'b', 'c', NULL])[1 + abs(hashint4(g * 7)) % 4] AS plan, (ARRAY['DE', 'FR'])[1 + abs(hashint4(g * 11)) % 2] AS country
FROM generate_series(1, 400) g;
INSERT INTO event VALUES (1, NULL, 'x', 'y'), (2, 'infinity', 'x', 'y'), (1001, '1800-01-01', 'x', 'y'), (NULL, '2025-03-03', 'x', 'y');
ALTER TABLE event ADD local timestamp, ADD day date;
UPDATE event SET local = at AT TIME ZONE 'Europe/Berlin', day = (at AT TIME ZONE 'UTC')::date;
CREATE TABLE sub AS
SELECT abs(hashint4(g)) % 50 AS customer_id, s AS started, CASE WHEN g % 5 > 0 THEN s + abs(hashint4(g * 5)) % 90 END AS ended,
  (ARRAY['a', 'b', 'c', NULL])[1 + abs(hashint4(g * 7)) % 4] AS plan, (ARRAY['DE', 'FR'])[1 + abs(hashint4(g * 11)) % 2] AS country
FROM (SELECT g, date '2025-01-03' + abs(hashint4(g * 3)) % 300 AS s FROM generate_series(1, 120) g) q;
INSERT INTO sub VALUES (1, NULL, '2025-03-03', 'x', 'y'), (NULL, '2025-03-03', NULL, 'x', 'y'), (2, '2027-01-01', NULL, 'x', 'y'), (1002, '2025-05-05', '2025-05-05', 'never', 'DE');
ALTER TABLE sub ADD local timestamp, ADD local_end timestamp, ADD at timestamptz, ADD at_end timestamptz;
UPDATE sub SET local = started + interval '7 hours', local_end = ended + interval '9 hours', at = started AT TIME ZONE 'America/New_York', at_end = (ended + interval '5 hours') AT TIME ZONE 'America/New_York';

CREATE FUNCTION all_differ(sources text[]) RETURNS TABLE (source text, views bigint, lines bigint, differ bigint, where_ text) LANGUAGE plpgsql AS $$
BEGIN
  FOREACH source IN ARRAY sources LOOP
    PERFORM retention_create_views(source::regclass);
    SELECT count(*), sum(d.lines), sum(d.differ), string_agg(d.what, ', ') FILTER (WHERE d.differ > 0) INTO views, lines, differ, where_ FROM views_differ(source::regclass) d;
    RETURN NEXT;
  END LOOP;
END $$;

-- ---- Events: kinds of time, cohorts, windows ----
SELECT count(*) FROM (VALUES ('e_tz', 'at', 'month; time_zone=Europe/Berlin'), ('e_local', 'local', 'week; time_zone=UTC'), ('e_date', 'day', 'month; time_zone=UTC'),
  ('e_hours', 'at', '12 hours; time_zone=UTC'), ('e_recurring', 'at', 'month; time_zone=UTC; cohorts=recurring; brackets=1,2-3'),
  ('e_elapsed', 'at', '30 days; time_zone=UTC; windows=elapsed'), ('e_twice', 'at', 'month; time_zone=UTC; min_events=2')) v (name, at, grid),
  retention_source(name, 'events', 'event', 'customer_id', at => v.at, grid => v.grid, segments => '{plan,country}', filter => CASE name WHEN 'e_hours' THEN 'at < ''2025-02-20 00:00+00''' END);
SELECT * FROM all_differ('{e_tz,e_local,e_date,e_hours,e_recurring,e_elapsed,e_twice}');
-- the value of the latest event; an as_of of its own
SELECT retention_source('e_current', 'events', 'event', 'customer_id', at => 'at', segments => '{plan,country}', segments_at => 'current'),
  retention_source('e_as_of', 'events', 'event', 'customer_id', at => 'at', segments => '{plan,country}', segments_at => 'current', as_of => 'timestamptz ''2025-08-10 12:00+00''');
SELECT * FROM all_differ('{e_current,e_as_of}');
-- no segments
SELECT retention_source('e_none', 'events', 'event', 'customer_id', at => 'at');
SELECT * FROM all_differ('{e_none}');

-- ---- The same over kept facts ----
CREATE TABLE over_rows (view text, line text);
DO $$ DECLARE v record; BEGIN
  FOR v IN SELECT w.view FROM retention_sources s, retention_internal.source_views(s.source) w WHERE s.source::text IN ('e_tz', 'e_local', 'e_date', 'e_hours', 'e_recurring', 'e_elapsed', 'e_twice', 'e_current', 'e_none') LOOP
    EXECUTE format('INSERT INTO over_rows SELECT %L, v::text FROM %s v', v.view, v.view);
  END LOOP;
END $$;
SELECT retention_materialize(s::regclass) FROM unnest('{e_tz,e_local,e_date,e_hours,e_recurring,e_elapsed,e_twice,e_current,e_none}'::text[]) s;
CREATE FUNCTION over_facts() RETURNS SETOF over_rows LANGUAGE plpgsql AS $$ DECLARE name text; BEGIN
  FOR name IN SELECT DISTINCT o.view FROM over_rows o LOOP
    RETURN QUERY EXECUTE format('SELECT %L::text, v::text FROM %s v', name, name);
  END LOOP;
END $$;
SELECT count(*) > 5000 AS lines, count(*) FILTER (WHERE differ) AS differ, array_agg(DISTINCT view) FILTER (WHERE differ) AS where_ FROM (
  SELECT view, false AS differ FROM over_rows
  UNION ALL SELECT view, true FROM ((SELECT * FROM over_rows EXCEPT ALL SELECT * FROM over_facts()) UNION ALL (SELECT * FROM over_facts() EXCEPT ALL SELECT * FROM over_rows)) d) x;
SELECT count(*) AS views, count(*) FILTER (WHERE pg_get_viewdef(to_regclass(view)) ~ '_(facts|summary)') AS read_facts FROM (SELECT DISTINCT view FROM over_rows) v;

-- ---- Subscriptions: customers who change plan ----
SELECT count(*) FROM (VALUES ('s_date', 'started', 'ended', 'month; time_zone=UTC', 'start', 'at_end'), ('s_any', 'started', 'ended', 'month; time_zone=UTC', 'start', 'any'),
  ('s_local', 'local', 'local_end', 'month; time_zone=Europe/Berlin', 'start', 'at_end'), ('s_tz', 'at', 'at_end', 'week; time_zone=America/New_York', 'start', 'at_end'),
  ('s_hours', 'at', 'at_end', '24 hours; time_zone=UTC', 'start', 'at_end'), ('s_recurring', 'started', 'ended', 'month; time_zone=UTC; cohorts=recurring', 'start', 'at_end'),
  ('s_first', 'started', 'ended', 'month; time_zone=UTC', 'first', 'at_end'), ('s_current', 'at', 'at_end', 'month; time_zone=UTC', 'current', 'any')) v (name, started, ended, grid, segments_at, presence),
  retention_source(name, 'subscriptions', 'sub', 'customer_id', v.started, v.ended, grid => v.grid, segments => '{plan,country}', segments_at => v.segments_at, presence => v.presence, filter => CASE name WHEN 's_hours' THEN 'started < ''2025-02-20''' END,
  as_of => format('timestamptz ''2025-%s-10 00:00+00''', CASE name WHEN 's_hours' THEN '03' ELSE '11' END));
SELECT * FROM all_differ('{s_date,s_any,s_local,s_tz,s_hours,s_recurring,s_first,s_current}');
-- somebody who changes is told by the plan that held when the period began, or with which they came
CREATE TABLE one (c text, s date, e date, plan text);
INSERT INTO one VALUES ('ann', '2025-01-10', '2025-03-05', 'basic'), ('ann', '2025-03-05', NULL, 'plus'), ('bob', '2025-01-10', '2025-02-10', 'basic'), ('bob', '2025-04-10', NULL, 'plus'), ('cid', '2025-01-15', NULL, 'basic');
SELECT retention_source('o', 'subscriptions', 'one', 'c', 's', 'e', grid => 'month; time_zone=UTC', segments => '{plan}', as_of => 'date ''2025-05-01''');
SELECT * FROM all_differ('{o}');
SELECT value, period_start, at_start, gained, reactivated, lost, at_end, kept, customer_days, round(retention_rate, 1) AS retention FROM o_flow_by_segment;
SELECT value, customer, period_start, movement FROM o_movements WHERE segment = 'plan' ORDER BY customer, period_start;

-- ---- One row per customer ----
-- events: the status of the facts on the grid of the source, and the amounts of their rows
ALTER TABLE event ADD fee numeric;
UPDATE event SET fee = CASE WHEN abs(hashint4(customer_id)) % 5 > 0 THEN extract(day FROM at) END WHERE isfinite(at);
SELECT retention_source('e_fee', 'events', 'event', 'customer_id', at => 'at', amount => 'fee', segments => '{plan}', grid => 'month; time_zone=Europe/Berlin', gone_after => '60 days', as_of => 'timestamptz ''2025-09-01 00:00+02''');
SELECT count(*) > 10 AS views FROM retention_create_views('e_fee');
-- numbers have a declared scale, which clients ask for; amounts are exact
SELECT format_type(a.atttypid, a.atttypmod) AS type, string_agg(DISTINCT a.attname, ' ' ORDER BY a.attname) AS columns FROM pg_attribute a, retention_internal.source_views('e_fee') v
WHERE a.attrelid = v.view AND a.attnum > 0 AND a.atttypid IN ('numeric'::regtype, 'double precision'::regtype) GROUP BY 1 ORDER BY 1;
SELECT count(*) AS customers, count(*) FILTER (WHERE (v.state, v.silence, v.usual_gap, v.silence_ratio) IS DISTINCT FROM (s.state, s.silence, round(s.usual_gap, 2), round(s.silence_ratio, 6))) AS state,
  count(*) FILTER (WHERE v.first_at <> p.first_at OR v.last_at <> p.last_at OR v.last_at <> s.last_at AT TIME ZONE 'Europe/Berlin') AS times, count(*) FILTER (WHERE v.plan IS DISTINCT FROM p.plan) AS plan,
  count(*) FILTER (WHERE (v.amount, v.mean_amount) IS DISTINCT FROM (p.amount, p.mean_amount)) AS amounts, count(*) FILTER (WHERE v.amount IS NULL) AS no_amount,
  count(*) FILTER (WHERE (v.risk_rank IS NULL) <> (v.state = 'lapsed')) AS ranks
FROM e_fee_customers v FULL JOIN (SELECT customer_id AS customer, min(at) AS first_at, max(at) AS last_at, (array_agg(plan ORDER BY at, plan))[1] AS plan, sum(fee) AS amount, avg(fee) AS mean_amount,
    customer_status(activity(at, 'month; time_zone=Europe/Berlin; as_of=2025-09-01'), '2025-09-01', '60 days') AS s
  FROM event WHERE at < '2025-09-01 00:00+02' AND at > '1900-01-01' AND customer_id IS NOT NULL GROUP BY 1) p USING (customer), LATERAL (SELECT (p.s).*) s;
SELECT state, count(*), round(min(risk_rank), 3) AS least, round(max(risk_rank), 3) AS most FROM e_fee_customers GROUP BY 1 ORDER BY 1;
SELECT customer, state, silence, silence_ratio > 2 AS late, risk_rank FROM e_fee_customers ORDER BY risk_rank, customer LIMIT 3;
-- everybody who is there, once; subscriptions: the risk is that of staying one period longer, of all who stayed as long
SELECT (SELECT at_end FROM e_tz_flow WHERE status = 'partial') AS at_end, count(*) FILTER (WHERE state <> 'lapsed') AS customers, count(*) FILTER (WHERE risk_rank IS NOT NULL) AS ranks FROM e_tz_customers;
SELECT (SELECT at_end FROM s_tz_flow WHERE status = 'partial') AS at_end, count(*) FILTER (WHERE state <> 'lapsed') AS customers, count(*) = count(DISTINCT customer) AS once,
  count(*) FILTER (WHERE (last_at IS NULL) <> (state <> 'lapsed')) AS last_at FROM s_tz_customers;
SELECT count(*) AS customers, count(*) FILTER (WHERE v.hazard IS DISTINCT FROM round((1 - survival_at(l.s, floor(v.tenure)::float8 + 30) / survival_at(l.s, floor(v.tenure)::float8))::numeric, 6)) AS differ,
  count(*) FILTER (WHERE v.risk_rank <> 1 - v.hazard) AS ranks
FROM s_date_customers v, (SELECT survival(coalesce(upper(r), '2025-11-10') - lower(r), upper(r) IS NOT NULL) AS s FROM (
  SELECT DISTINCT ON (customer_id) r FROM (SELECT customer_id, unnest(range_agg(daterange(started, CASE WHEN ended < '2025-11-10' THEN ended END))) AS r FROM sub
    WHERE customer_id IS NOT NULL AND started < '2025-11-10' AND started < coalesce(ended, 'infinity') GROUP BY 1) u ORDER BY customer_id, r) f) l
WHERE v.state <> 'lapsed' AND v.tenure + 30 <= (survival_summary(l.s)).followed_until;
-- over kept facts one customer is found by the primary key
SET enable_seqscan = off;
ANALYZE e_tz_facts;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;
SELECT bool_or(line ~ 'e_tz_facts_pkey') AND NOT bool_or(line ~ 'Seq Scan on e_tz_facts') AS by_key FROM plan_of('SELECT * FROM e_tz_customers WHERE customer = 7') line;
SELECT bool_or(line ~ 'e_tz_facts_pkey') AND NOT bool_or(line ~ 'Seq Scan on e_tz_facts') AS by_key FROM plan_of('SELECT * FROM e_tz_movements WHERE customer = 7') line;
SELECT bool_or(line ~ 'e_tz_facts_pkey') AND NOT bool_or(line ~ 'Seq Scan on e_tz_facts') AS by_key FROM plan_of('SELECT * FROM e_tz_cohort_customers WHERE customer = 7') line;
RESET enable_seqscan;

-- ---- The largest values and the rest ----
SELECT retention_source_set(s::regclass, top => 1) FROM unnest('{e_tz,e_as_of,s_date,s_first}'::text[]) s;
SELECT count(*) > 0 AS views FROM unnest('{e_tz,e_as_of,s_date,s_first}'::text[]) s, retention_create_views(s::regclass);
SELECT name, segment, value, count(DISTINCT customer) AS customers FROM (SELECT 'e_tz' AS name, * FROM e_tz_movements UNION ALL SELECT 'e_as_of', * FROM e_as_of_movements) q GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT name, segment, value, count(DISTINCT customer) AS customers FROM (SELECT 's_date' AS name, * FROM s_date_movements UNION ALL SELECT 's_first', * FROM s_first_movements) q GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- over kept facts; nobody is counted twice
SELECT d.what, d.lines > 0 AS lines, d.differ FROM views_differ('e_tz') d WHERE d.what !~ 'by_segment';
SELECT d.what, d.lines > 0 AS lines, d.differ FROM views_differ('s_date') d WHERE d.what !~ 'by_segment';
SELECT count(*) AS cells, count(*) FILTER (WHERE v.retained <> c.retained OR v.at_risk <> c.at_risk) AS differ FROM e_tz_cohorts c FULL JOIN (
  SELECT segment, cohort, period, sum(retained) AS retained, sum(at_risk) AS at_risk FROM e_tz_cohorts_by_segment GROUP BY 1, 2, 3) v USING (cohort, period);
SELECT DISTINCT v.segment, v.value FROM e_tz_segments v UNION ALL SELECT DISTINCT v.segment, v.value FROM e_tz_survival v ORDER BY 1, 2;

-- ---- Notes: those of cohort_notes() ----
CREATE TABLE gap AS SELECT g % 30 AS customer_id, at, CASE WHEN g % 30 < 12 THEN 'a' ELSE 'b' END AS plan
FROM generate_series(1, 300) g, LATERAL (SELECT date '2025-01-03' + g * 7 % 300 + CASE WHEN g % 30 < 12 THEN 60 ELSE 0 END AS at) x WHERE at < '2025-06-01' OR at >= '2025-07-01';
SELECT retention_source('e_gap', 'events', 'gap', 'customer_id', at => 'at', segments => '{plan}', grid => 'month; time_zone=UTC');
SELECT count(*) > 10 AS views FROM retention_create_views('e_gap');
SELECT 'month; as_of=' || max(at) + 1 AS grid FROM gap \gset
CREATE TABLE told AS SELECT 'all' AS value, n.* FROM (SELECT cohort_retention(customer_id, at, :'grid') AS s FROM gap) q, cohort_notes(s) n
UNION ALL SELECT plan, n.* FROM (SELECT plan, cohort_retention(customer_id, at, :'grid') AS s FROM gap GROUP BY plan) q, cohort_notes(s) n;
CREATE VIEW seen AS SELECT 'all' AS value, cohort, period, note FROM e_gap_cohorts WHERE note IS NOT NULL UNION ALL SELECT value, cohort, period, note FROM e_gap_cohorts_by_segment WHERE note IS NOT NULL;
SELECT value, note, count(*), min(cohort) AS first, max(cohort) AS last FROM seen GROUP BY 1, 2 ORDER BY 1, 2;
SELECT (SELECT count(*) FROM (TABLE told EXCEPT ALL TABLE seen) d) AS missing, (SELECT count(*) FROM (TABLE seen EXCEPT ALL TABLE told) d) AS wrong;
SELECT retention_materialize('e_gap');
SELECT (SELECT count(*) FROM (TABLE told EXCEPT ALL TABLE seen) d) AS missing, (SELECT count(*) FROM (TABLE seen EXCEPT ALL TABLE told) d) AS wrong;
-- subscriptions; a grid of hours
SELECT note, count(*), min(cohort) AS cohort FROM s_any_cohorts GROUP BY 1 ORDER BY 1;
SELECT (SELECT count(*) FROM e_hours_cohorts WHERE note IS NOT NULL) AS notes, count(*) AS cells, count(*) FILTER (WHERE v.note IS DISTINCT FROM n.note) AS differ FROM (
  SELECT n.* FROM (SELECT cohort_retention(customer_id, at, (SELECT ('12 hours; time_zone=UTC; as_of=' || max(at) AT TIME ZONE 'UTC' + interval '1 microsecond')::retention_grid FROM event WHERE at < '2025-02-20 00:00+00')) AS s
    FROM event WHERE at < '2025-02-20 00:00+00' AND at > '1900-01-01') q, cohort_notes_at(s) n) n LEFT JOIN e_hours_cohorts v USING (cohort, period);
-- a cell that is hidden has none
SELECT retention_source_set('e_gap', suppress_below => 8);
SELECT count(*) > 10 AS views FROM retention_create_views('e_gap');
SELECT status, count(*) AS cells, count(t.note) AS told, count(v.note) AS shown FROM e_gap_cohorts v LEFT JOIN told t ON t.value = 'all' AND t.cohort = v.cohort AND t.period = v.period GROUP BY 1 ORDER BY 1;

-- ---- Small counts are not shown ----
SELECT retention_source_set(s::regclass, suppress_below => 4, top => 0) FROM unnest('{e_tz,s_date}'::text[]) s;
SELECT count(*) > 10 AS views FROM unnest('{e_tz,s_date}'::text[]) s, retention_create_views(s::regclass);
SELECT to_regclass('e_tz_customers') AS no_customers, to_regclass('e_tz_movements') AS no_movements, to_regclass('s_date_cohort_customers') AS no_cohort_customers;
SELECT count(*) AS periods, count(*) FILTER (WHERE v.status = 'suppressed') AS hidden, count(*) FILTER (WHERE v.status <> 'suppressed' AND least(nullif(v.gained, 0), nullif(v.lost, 0), nullif(v.reactivated, 0), nullif(v.joined_and_left, 0)) < 4) AS small,
  count(*) FILTER (WHERE (v.status = 'suppressed') <> (num_nulls(v.at_start, v.joined, v.gained, v.reactivated, v.lost, v.at_end, v.kept, v.joined_and_left, v.reactivated_and_left, v.left_and_returned, v.departures) > 0) OR num_nulls(v.at_start, v.kept, v.lost) > 0 AND v.retention_rate IS NOT NULL) AS wrong FROM s_date_flow v;
SELECT count(*) FILTER (WHERE status = 'suppressed') > 1 AS hidden, count(*) FILTER (WHERE status <> 'suppressed' AND (retained BETWEEN 1 AND 3 OR at_risk BETWEEN 1 AND 3)) AS small, count(*) FILTER (WHERE status = 'suppressed' AND (retained IS NOT NULL OR retention_rate IS NOT NULL)) AS wrong FROM e_tz_cohorts;
SELECT count(*) FILTER (WHERE status = 'suppressed') > 1 AS hidden, count(*) FILTER (WHERE status <> 'suppressed' AND (retained BETWEEN 1 AND 3 OR at_risk BETWEEN 1 AND 3)) AS small FROM s_date_cohorts_by_segment;
SELECT count(*) FILTER (WHERE status = 'suppressed') > 1 AS hidden, count(*) FILTER (WHERE new BETWEEN 1 AND 3 OR dormant BETWEEN 1 AND 3) AS small FROM e_tz_lifecycle_by_segment;
-- never one alone: of a segment's values, the next smallest is hidden, too
SELECT segment, count(*) AS "values", count(*) FILTER (WHERE at_start IS NULL) AS hidden FROM s_date_segments GROUP BY 1 ORDER BY 1;
SELECT count(*) AS sections FROM (SELECT segment, value FROM e_tz_flow_by_segment GROUP BY 1, 2 HAVING count(*) FILTER (WHERE status = 'suppressed') = 1) v;
SELECT active_periods, customers, share FROM e_tz_stickiness WHERE customers IS NULL OR customers < 4;

-- Somebody who adds and subtracts learns no small number: see views_attack() in test/views.sql.
CREATE TABLE crowd AS
SELECT g AS customer_id, (ARRAY['a', 'a', 'a', 'b', 'b', 'c', NULL])[1 + abs(hashint4(g)) % 7] AS plan, CASE abs(hashint4(g * 3)) % 40 WHEN 0 THEN 'LU' WHEN 1 THEN 'MT' ELSE 'DE' END AS country,
  date '2025-01-01' + abs(hashint4(g * 5)) % 200 AS started, CASE WHEN g % 3 = 0 THEN date '2025-01-01' + abs(hashint4(g * 5)) % 200 + 1 + abs(hashint4(g * 7)) % 120 END AS ended,
  CASE g % 9 WHEN 0 THEN 'moved' WHEN 3 THEN 'price' WHEN 6 THEN CASE WHEN g < 60 THEN 'died' ELSE 'price' END END AS why
FROM generate_series(1, 1500) g;
INSERT INTO crowd SELECT customer_id, CASE WHEN customer_id % 2 = 0 THEN 'b' ELSE plan END, country, ended + 40, NULL FROM crowd WHERE ended IS NOT NULL AND customer_id % 7 = 0;
CREATE TABLE crowd_event AS SELECT customer_id, plan, country, started + k * (7 + abs(hashint4(customer_id)) % 80) AS at FROM crowd, generate_series(0, 5) k WHERE started + k * (7 + abs(hashint4(customer_id)) % 80) < '2025-09-20';
SELECT retention_source(n.name, 'subscriptions', 'crowd', 'customer_id', started => 'started', ended => 'ended', segments => '{plan,country}', reason => 'why', grid => 'month; time_zone=UTC', as_of => 'date ''2025-09-20''', presence => n.presence, suppress_below => n.below)
  FROM (VALUES ('s_open', 'at_end', NULL), ('s_crowd', 'at_end', 5), ('s_any_open', 'any', NULL), ('s_any_crowd', 'any', 5)) n (name, presence, below);
SELECT retention_source(n.name, 'events', 'crowd_event', 'customer_id', at => 'at', segments => '{plan,country}', grid => 'month; time_zone=UTC', suppress_below => n.below) FROM (VALUES ('e_open', NULL), ('e_crowd', 5)) n (name, below);
SELECT count(*) FROM unnest('{s_open,s_crowd,s_any_open,s_any_crowd,e_open,e_crowd}'::text[]) s, retention_create_views(s::regclass);
SELECT n.name, a.small > 100 AS small, a.small_shown, a.wrong, a.learned > 20 AS learned, a.small_learned FROM unnest('{s,s_any,e}'::text[]) n (name), views_attack(n.name || '_crowd', n.name || '_open', 5) a;
-- and of amounts: contracts in two currencies, some of no amount, and purchases with refunds
CREATE TABLE crowd_paid AS SELECT *, CASE WHEN customer_id % 50 = 0 THEN 0 ELSE 5 + customer_id % 7 END AS amount, CASE WHEN customer_id % 4 = 0 THEN 'USD' ELSE 'EUR' END AS currency FROM crowd;
CREATE TABLE crowd_spent AS SELECT *, (customer_id % 23 - 2 + extract(day FROM at))::numeric / 4 AS amount FROM crowd_event WHERE country <> 'MT';
SELECT retention_source(n.name, 'subscriptions', 'crowd_paid', 'customer_id', started => 'started', ended => 'ended', segments => n.segments, amount => 'amount', grid => 'month; time_zone=UTC', as_of => 'date ''2025-09-20''', suppress_below => n.below)
  FROM (VALUES ('p_open', '{plan}'::name[], NULL), ('p_crowd', '{plan}', 5), ('c_open', '{currency}', NULL), ('c_crowd', '{currency}', 5)) n (name, segments, below);
SELECT retention_source(n.name, 'events', 'crowd_spent', 'customer_id', at => 'at', segments => '{plan,country}', amount => 'amount', grid => 'month; time_zone=UTC', suppress_below => n.below) FROM (VALUES ('v_open', NULL), ('v_crowd', 5)) n (name, below);
SELECT count(*) FROM unnest('{p_open,p_crowd,c_open,c_crowd,v_open,v_crowd}'::text[]) s, retention_create_views(s::regclass);
SELECT n.name, a.small > 50 AS small, a.small_shown, a.wrong, a.learned > 20 AS learned, a.small_learned FROM unnest('{p,c,v}'::text[]) n (name), views_attack(n.name || '_crowd', n.name || '_open', 5) a;
-- amounts and rates go with the customers that they are of, and a row without a count says so
SELECT count(*) AS periods, count(closing_customers) > 5 AS shown, count(*) FILTER (WHERE status = 'suppressed') AS hidden, count(*) FILTER (WHERE num_nulls(opening_mrr, new_mrr, churned_mrr, expansion_mrr, closing_mrr) <> num_nulls(opening_customers, new_customers, churned_customers,
    expanded_customers, closing_customers) OR (net_revenue_retention IS NOT NULL AND num_nulls(opening_customers, expanded_customers, contracted_customers, churned_customers) > 0)
    OR (status = 'suppressed') <> (num_nulls(opening_customers, new_customers, reactivated_customers, expanded_customers, contracted_customers, churned_customers, closing_customers, unpaid_customers) > 0)) AS wrong FROM p_crowd_revenue;
SELECT count(*) AS cells, count(*) FILTER (WHERE status = 'suppressed') > 5 AS hidden, count(*) FILTER (WHERE status = 'suppressed' AND num_nonnulls(at_risk, retained, amount, per_retained, per_customer, cumulative, share_of_first, gross_share_of_first) > 0) AS told,
  count(*) FILTER (WHERE cumulative IS NOT NULL AND EXISTS (SELECT FROM v_crowd_cohort_value e WHERE e.cohort = v.cohort AND e.period <= v.period AND e.status = 'suppressed')) AS so_far, count(cumulative) > 0 AS curves FROM v_crowd_cohort_value v;
-- a tenth of the customers is a few of them
SELECT segment, value, customers, revenue IS NOT NULL AS revenue, top_tenth_share IS NOT NULL AS top_tenth FROM v_crowd_value_by_segment UNION ALL SELECT 'all', 'all', customers, true, top_tenth_share IS NOT NULL FROM v_crowd_value ORDER BY 1, 2;
-- the report shows and hides the same; there is no forecast of few customers
CREATE TABLE crowd_report AS SELECT s, retention_report(s::regclass, NULL, 1000) AS r FROM unnest('{p_crowd,v_crowd,v_open}'::text[]) s;
CREATE FUNCTION rounded(r jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_object_agg(key, CASE WHEN jsonb_typeof(value) = 'number' THEN to_jsonb(round((value #>> '{}')::numeric, 2)) ELSE value END) FROM jsonb_each(r) $$;
CREATE FUNCTION money_differs(source text) RETURNS TABLE (part text, lines bigint, hidden bigint, differ bigint) LANGUAGE plpgsql AS $$
DECLARE
  money jsonb := (SELECT r -> 'money' FROM crowd_report WHERE s = source);
BEGIN
  FOR part IN SELECT unnest(CASE money ->> 'kind' WHEN 'contracts' THEN '{revenue}'::text[] ELSE '{value,cohort_value}' END) LOOP
    EXECUTE format('SELECT count(*), count(*) FILTER (WHERE r.r::text ~ ''null''), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM %s_%s v WHERE rounded(to_jsonb(v)) @> rounded(r.r))) FROM jsonb_array_elements($1) r (r)', source, part)
    INTO lines, hidden, differ USING CASE part WHEN 'revenue' THEN (SELECT jsonb_agg(p || jsonb_build_object('currency', c -> 'currency')) FROM jsonb_array_elements(money -> 'currencies') c, jsonb_array_elements(c -> 'periods') p)
      WHEN 'value' THEN jsonb_build_array(money -> 'figures') ELSE money -> 'cohorts' END;
    RETURN NEXT;
  END LOOP;
END $$;
SELECT n.name, d.* FROM unnest('{p_crowd,v_crowd,v_open}'::text[]) n (name), money_differs(n.name) d;
SELECT count(*) AS periods, count(*) FILTER (WHERE h ->> 'status' = 'suppressed') AS hidden, count(*) FILTER (WHERE (h ->> 'status' = 'suppressed') <> (num_nulls(h ->> 'new', h ->> 'returned', h ->> 'amount') = 3)) AS wrong,
  count(*) FILTER (WHERE h ->> 'status' <> 'suppressed' AND h - 'status' <> o - 'status') AS differ, count(*) FILTER (WHERE h ->> 'status' <> 'suppressed' AND EXISTS (SELECT FROM v_crowd_cohort_value c WHERE c.cohort = (h ->> 'period_start')::date AND c.period = 0 AND c.status = 'suppressed')) AS told
FROM crowd_report c, jsonb_array_elements(c.r -> 'money' -> 'revenue') WITH ORDINALITY h (h, n) JOIN jsonb_array_elements((SELECT r -> 'money' -> 'revenue' FROM crowd_report WHERE s = 'v_open')) WITH ORDINALITY o (o, n) USING (n) WHERE c.s = 'v_crowd';
SELECT s, length(retention_report_page(r)) > 10000 AS page FROM crowd_report;
SELECT retention_source('f_few', 'subscriptions', 'crowd_paid', 'customer_id', started => 'started', ended => 'ended', segments => '{currency}', amount => 'amount', filter => 'currency = ''EUR'' OR customer_id < 40', grid => 'month; time_zone=UTC', as_of => 'date ''2025-09-20''', suppress_below => 9);
SELECT count(*) > 5 AS views FROM retention_create_views('f_few');
SELECT count(*) FILTER (WHERE currency = 'EUR') AS eur, count(*) FILTER (WHERE currency = 'USD') AS usd, (SELECT count(*) FROM crowd_paid WHERE currency = 'USD' AND customer_id < 40 AND started < '2025-09-20' AND coalesce(ended >= '2025-09-20', true)) AS usd_customers FROM f_few_forecast;
-- survival: steps of nobody or of enough, for each value and for those left out, and a value of few has no curve
CREATE VIEW life AS SELECT 's' AS of, * FROM s_crowd_survival UNION ALL SELECT 'e', * FROM e_crowd_survival;
SELECT of, segment, value, count(*) AS times, sum(churned) AS churned, max(at_risk) AS customers, count(*) FILTER (WHERE churned BETWEEN 1 AND 4 OR censored BETWEEN 1 AND 4 OR at_risk BETWEEN 1 AND 4) AS small FROM life GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT of, count(*) AS steps, count(*) FILTER (WHERE step BETWEEN 1 AND 4) AS small FROM (SELECT of, at_risk - lead(at_risk) OVER (PARTITION BY of, segment, value ORDER BY days) AS step FROM life) s GROUP BY 1 ORDER BY 1;
-- everybody less the values that are shown, until the times that a segment has: who left, who is followed no longer, who remains
WITH until AS (
  SELECT of, segment, days, sum(churned) OVER w AS churned, sum(censored) OVER w AS censored, at_risk - churned - censored AS remain FROM (
    SELECT of, segment, days, sum(churned) AS churned, sum(censored) AS censored, sum(at_risk) AS at_risk FROM life WHERE days > 0 GROUP BY 1, 2, 3) l WINDOW w AS (PARTITION BY of, segment ORDER BY days)
), rest AS (
  SELECT v.of, v.segment, a.churned - v.churned - lag(a.churned - v.churned, 1, 0) OVER w AS churned, a.remain - v.remain AS remain FROM until v JOIN until a USING (of, days) WHERE a.segment = 'all' AND v.segment <> 'all' WINDOW w AS (PARTITION BY v.of, v.segment ORDER BY days)
) SELECT of, segment, count(*) AS times, count(*) FILTER (WHERE churned BETWEEN 1 AND 4 OR remain BETWEEN 1 AND 4) AS small FROM rest GROUP BY 1, 2 ORDER BY 1, 2;
-- the coarse curve is near the other one, at the times that both have
SELECT c.of, count(*) AS times, max(abs(c.survival_rate - o.survival_rate)) < 3 AS near FROM life c JOIN (SELECT 's' AS of, * FROM s_open_survival UNION ALL SELECT 'e', * FROM e_open_survival) o USING (of, segment, days) WHERE c.segment = 'all' AND c.days > 0 AND o.at_risk > 200 GROUP BY 1 ORDER BY 1;
-- too few of everybody
SELECT retention_source('s_few', 'subscriptions', 'crowd', 'customer_id', started => 'started', ended => 'ended', segments => '{plan}', filter => 'customer_id < 4', suppress_below => 5);
SELECT count(*) > 5 FROM retention_create_views('s_few');
SELECT (SELECT count(*) FROM s_few_survival) AS survival, (SELECT count(*) FROM s_few_segments WHERE at_start > 0 OR rest_at_start > 0) AS segments, (SELECT count(*) FROM s_few_flow WHERE at_end > 0 OR joined > 0) AS flow, (SELECT count(*) FROM s_few_cohorts WHERE cohort_size > 0 OR retained > 0) AS cohorts;
-- a report hides what the views hide, and shows what they show
CREATE FUNCTION report_differs(source regclass) RETURNS TABLE (part text, lines bigint, hidden bigint, differ bigint) LANGUAGE plpgsql AS $$
DECLARE
  report jsonb := retention_report(source, NULL, 1000);
BEGIN
  FOR part IN SELECT unnest('{flow,cohorts,lifecycle,curve,segments,stickiness}'::text[]) LOOP
    CONTINUE WHEN report -> part = 'null' OR report -> part IS NULL;
    EXECUTE format('SELECT count(*), count(*) FILTER (WHERE to_jsonb(v)::text ~ ''null''), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM jsonb_array_elements($1) r WHERE r @> (to_jsonb(v) - ''{period_start,period_end,retention_low,retention_high,churn_rate,churn_low,churn_high,rest_at_start,rest_kept,rest_retention_rate,lost,difference,difference_low,difference_high,p_value}''::text[] '
      '|| CASE WHEN to_jsonb(v) ? ''segment'' THEN ''{}'' ELSE jsonb_build_object(''lost'', to_jsonb(v) -> ''lost'') - CASE WHEN to_jsonb(v) ? ''lost'' THEN '''' ELSE ''lost'' END END))) FROM %s_%s v WHERE %s', source, part, CASE part WHEN 'segments' THEN 'v.segment <> ''all''' ELSE 'true' END)
    INTO lines, hidden, differ USING (SELECT jsonb_agg((SELECT jsonb_object_agg(e.key, CASE jsonb_typeof(e.value) WHEN 'number' THEN to_jsonb(round((e.value #>> '{}')::numeric, 6)) ELSE e.value END)
      FROM jsonb_each(r) e)) FROM jsonb_array_elements(report -> part) r);
    RETURN NEXT;
  END LOOP;
END $$;
SELECT n.name, d.* FROM unnest('{s_crowd,e_crowd}'::text[]) n (name), report_differs(n.name::regclass) d;
SELECT r -> 'reasons' AS reasons FROM retention_report('s_crowd') r;
SELECT d ->> 'attribute' AS attribute, d ->> 'value' AS value, d - '{attribute,value,note}'::text[] = jsonb_strip_nulls(d - '{attribute,value,note}'::text[]) AS whole, d ->> 'note' = 'suppressed' AS suppressed, count(*) FILTER (WHERE (d ->> 'churned')::int BETWEEN 1 AND 4 OR (d ->> 'customers')::int BETWEEN 1 AND 4) AS small
  FROM retention_report('s_crowd') r, jsonb_array_elements(r -> 'drivers') d GROUP BY d ORDER BY 1, 2;
SELECT k ->> 'attribute' AS attribute, k ->> 'chi2' IS NULL AS hidden, k ->> 'note' AS note FROM retention_report('s_crowd') r, jsonb_array_elements(r -> 'driver_ranking') k ORDER BY 1;
SELECT s ->> 'segment' AS segment, s ->> 'value' AS value, s -> 'customers' AS customers, jsonb_array_length(s -> 'curve') AS times FROM retention_report('s_crowd') r, jsonb_array_elements(r -> 'survival') s;
SELECT length(retention_report_html('s_crowd')) > 10000 AND length(retention_report_html('e_crowd')) > 10000 AND length(retention_report_html('s_few')) > 5000 AS pages;
-- hostile lists
SELECT retention_internal.source_hidden('{t,f,f}', '{1,2,3}', '{f,f,f}', '{1,2,3}', '{1,1,1}'), retention_internal.source_hidden('{t,f,f}', '{1,NULL,-5}', '{f,f,f}', '{1,2,3}', '{1,1,1}'), retention_internal.source_hidden('{}', '{}', '{}', '{}', '{}'), retention_internal.source_hidden('{t}', '{1}', '{t}', '{}', '{}');
SELECT retention_internal.source_hidden('{t,f}', '{1}', '{f,f}', '{1,2}', '{1,1}');
SELECT retention_internal.source_hidden('{t,NULL}', '{1,2}', '{f,f}', '{1,2}', '{1,1}');
SELECT retention_internal.source_hidden('{t,f}', '{1,2}', '{f,f}', '{2,1}', '{1,1}');
SELECT retention_internal.source_hidden('{t,f}', '{1,2}', '{f,f}', '{1,3}', '{1,1}');
SELECT retention_internal.source_hidden('{t,f}', '{1,2}', '{f,f}', '{1,2}', '{1,3}');
SELECT retention_internal.source_hidden('{t,f}', '{1,2}', '{f,f}', '{1,2}', '{0,1}');

-- ---- Segments that are called as the queries call their own columns ----
CREATE TABLE called AS SELECT g % 30 AS customer_id, date '2025-01-03' + g % 200 AS day, date '2025-02-03' + g % 200 AS till, 'x' || g % 2 AS a, 'x' || g % 2 AS stays, 'x' || g % 2 AS member FROM generate_series(1, 200) g;
SELECT retention_source('called_e', 'events', 'called', 'customer_id', at => 'day', segments => '{a,stays,member}', grid => 'month; time_zone=UTC'),
  retention_source('called_s', 'subscriptions', 'called', 'customer_id', 'day', 'till', segments => '{a,stays,member}', grid => 'month; time_zone=UTC');
SELECT * FROM all_differ('{called_e,called_s}');
SELECT n.name, (SELECT array_agg(DISTINCT d ->> 'attribute') FROM jsonb_array_elements(r -> 'drivers') d) AS drivers FROM unnest('{called_e,called_s}'::text[]) n (name), retention_report(n.name::regclass) r;

-- ---- A source without rows: its views have none ----
SELECT retention_source('nobody_' || left(n.kind, 1) || coalesce(n.below, 0), n.kind, 'called', 'customer_id', CASE n.kind WHEN 'events' THEN NULL ELSE 'day' END, CASE n.kind WHEN 'events' THEN NULL ELSE 'till' END,
  at => CASE n.kind WHEN 'events' THEN 'day' END, segments => '{a}', grid => 'month; time_zone=UTC', filter => 'false', suppress_below => n.below) FROM (VALUES ('events', NULL), ('events', 5), ('subscriptions', NULL), ('subscriptions', 5)) n (kind, below);
CREATE FUNCTION lines_of(source regclass) RETURNS TABLE (views bigint, lines bigint) LANGUAGE plpgsql AS $$
DECLARE v record; n bigint; BEGIN
  views := 0; lines := 0;
  FOR v IN SELECT * FROM retention_create_views(source) LOOP
    EXECUTE 'SELECT count(*) FROM (SELECT * FROM ' || v.view || ' OFFSET 0) x' INTO n;
    views := views + 1; lines := lines + n;
  END LOOP;
  RETURN NEXT;
END $$;
SELECT n.name, l.* FROM unnest('{nobody_e0,nobody_e5,nobody_s0,nobody_s5}'::text[]) n (name), lines_of(n.name::regclass) l;

SET client_min_messages = error;
DROP SCHEMA views_test CASCADE;
