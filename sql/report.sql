-- Reports: each part against the direct call, runs that are kept, changes between them, schedules without pg_cron.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
\set VERBOSITY terse

CREATE TABLE report_subs AS
SELECT i AS id, CASE i % 3 WHEN 0 THEN 'basic' WHEN 1 THEN 'pro' ELSE '<script>alert(1)</script>' END AS plan,
  CASE WHEN i % 7 > 0 THEN 'c' || i % 7 END AS country, i % 25 AS age, date '2025-01-01' + (i * 37) % 420 AS started,
  CASE WHEN i % 5 < 2 + i % 3 THEN date '2025-01-01' + (i * 37) % 420 + (i * 11) % 300 + 1 END AS ended,
  CASE i % 4 WHEN 0 THEN 'price' WHEN 1 THEN 'low usage' WHEN 2 THEN 'wrong use case' END AS why
FROM generate_series(1, 600) i;
-- customers who changed their plan, one who came back, and rows that are left out
INSERT INTO report_subs VALUES (1, 'pro', 'c1', 1, '2025-01-01', '2025-06-01', NULL), (2, 'basic', 'c2', 2, '2026-02-01', NULL, NULL),
  (NULL, 'basic', 'c2', 2, '2025-02-01', NULL, NULL), (900, 'basic', 'c2', 2, NULL, NULL, NULL);
CREATE TABLE report_events AS
SELECT i % 150 AS customer_id, timestamptz '2025-01-01 00:00+00' + (i * i % 9973) * interval '1 hour' AS at,
  CASE i % 150 % 3 WHEN 0 THEN 'shop' ELSE 'web' END AS channel, CASE i % 4 WHEN 0 THEN 'visit' ELSE 'order' END AS name
FROM generate_series(1, 1500) i;
INSERT INTO report_events VALUES (NULL, '2025-03-01', 'web', 'order'), (7, NULL, 'web', 'order');

SELECT retention_source('report subs', 'subscriptions', 'report_subs', 'id', started => 'started', ended => 'ended',
  segments => '{plan,country,age}', reason => 'why', grid => 'month; time_zone=Europe/Berlin', as_of => $$date '2026-03-10'$$, keep_runs => 2);
SELECT retention_source('report events', 'events', 'report_events', 'customer_id', at => 'at', event => 'name', events => '{order}',
  segments => '{channel}', grid => 'month; time_zone=America/New_York');

-- What a report says of itself
SELECT retention_report('report subs') - '{version,headline,flow,cohorts,curve,lifecycle,survival,segments,drivers,driver_ranking,reasons}'::text[];
SELECT retention_report('report events', periods => 3) - '{version,headline,flow,cohorts,curve,lifecycle,stickiness,survival,segments,drivers,driver_ranking}'::text[];
SELECT retention_report('report subs') ->> 'version' = retention_version() AS version;
SELECT string_agg(key, ' ' ORDER BY key COLLATE "C") FROM jsonb_object_keys(retention_report('report subs')) AS key;
SELECT string_agg(key, ' ' ORDER BY key COLLATE "C") FROM jsonb_object_keys(retention_report('report events', '2000-01-01')) AS key;

-- Each part is the direct call. rows_of(query): its rows as a report writes them, without what differs by purpose.
CREATE FUNCTION rows_of(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE answer jsonb;
BEGIN
  EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(q)), ''[]'') FROM (%s) q', query) INTO answer;
  RETURN answer;
END $$;
CREATE TEMP TABLE subs AS SELECT retention_report('report subs') AS r;
CREATE TEMP TABLE events AS SELECT retention_report('report events') AS r;

SELECT r -> 'flow' = rows_of($$ SELECT f.* FROM flow_periods((SELECT customer_flow(id, started, CASE WHEN ended < '2026-03-10' THEN ended END,
    retention_grid('month', time_zone => 'Europe/Berlin', as_of => '2026-03-10'), daterange('2025-03-01', '2026-04-01')) FROM report_subs)) f
  ORDER BY period_start $$) AS flow, jsonb_array_length(r -> 'flow') AS periods FROM subs;
SELECT r -> 'cohorts' = rows_of(source_view(s, 'cohorts')) AS cohorts, r -> 'curve' = rows_of(source_view(s, 'curve')) AS curve,
  r -> 'lifecycle' = rows_of(source_view(s, 'lifecycle')) AS lifecycle, jsonb_array_length(r -> 'cohorts') AS cells
FROM subs, retention_source AS s WHERE s.name = 'report subs';
SELECT r -> 'cohorts' = rows_of($$ SELECT c.* FROM cohort_cells((SELECT cohort_retention(customer_id, at,
    (SELECT retention_grid('month', time_zone => 'America/New_York', as_of => max(at) AT TIME ZONE 'America/New_York' + interval '1 microsecond')
     FROM report_events WHERE name = 'order' AND customer_id IS NOT NULL)) FROM report_events WHERE name = 'order')) c $$) AS cohorts,
  r -> 'curve' = rows_of(source_view(s, 'curve')) AS curve, r -> 'lifecycle' = rows_of(source_view(s, 'lifecycle')) AS lifecycle,
  r -> 'stickiness' = rows_of(source_view(s, 'stickiness')) AS stickiness, jsonb_array_length(r -> 'cohorts') AS cells
FROM events, retention_source AS s WHERE s.name = 'report events';
SELECT r -> 'flow' = rows_of(format('SELECT f.* FROM (%s) f ORDER BY period_start DESC LIMIT 13', source_view(s, 'flow')))
    OR r -> 'flow' = rows_of(format('SELECT * FROM (SELECT f.* FROM (%s) f ORDER BY period_start DESC LIMIT 13) f ORDER BY period_start', source_view(s, 'flow'))) AS flow
FROM events, retention_source AS s WHERE s.name = 'report events';
-- segments: the columns that both have, of the values a report shows
CREATE TEMP TABLE viewed (source text, what text, rows jsonb);
INSERT INTO viewed SELECT s.name, w, rows_of(source_view(s, w)) FROM retention_source AS s, unnest('{segments,survival}'::text[]) AS w WHERE s.name IN ('report subs', 'report events');
SELECT p.source, count(*) AS shown, count(*) FILTER (WHERE d ->> 'value' IS NULL) AS unknown, count(DISTINCT v ->> 'segment') AS segments,
  count(*) FILTER (WHERE (v - 'low' - 'high' - 'p_adjusted') <> (SELECT jsonb_object_agg(key, value) FROM jsonb_each(d)
    WHERE key IN ('segment', 'value', 'at_start', 'kept', 'retention_rate', 'difference', 'difference_low', 'difference_high', 'p_value'))
    OR v -> 'low' <> d -> 'retention_low' OR v -> 'high' <> d -> 'retention_high') AS wrong
FROM (SELECT 'report subs' AS source, r FROM subs UNION ALL SELECT 'report events', r FROM events) AS p, jsonb_array_elements(r -> 'segments') AS v
  JOIN viewed ON what = 'segments', jsonb_array_elements(rows) AS d
WHERE viewed.source = p.source AND d ->> 'segment' = v ->> 'segment' AND d -> 'value' = v -> 'value'
GROUP BY 1 ORDER BY 1;
SELECT v ->> 'segment' AS segment, v ->> 'value' AS value, v ->> 'at_start' AS at_start, round((v ->> 'retention_rate')::numeric, 2) AS rate,
  round((v ->> 'difference')::numeric, 2) AS difference, round((v ->> 'p_value')::numeric, 4) AS p, round((v ->> 'p_adjusted')::numeric, 4) AS adjusted
FROM subs, jsonb_array_elements(r -> 'segments') AS v WHERE v ->> 'segment' <> 'age';
SELECT retention_internal.report_adjusted('{0.01,NULL,0.04,0.03,0.9}') AS adjusted, retention_internal.report_adjusted('{NULL}') AS none;
-- survival, at the days a report shows
CREATE TEMP TABLE curves AS SELECT source, nullif(d ->> 'segment', 'all') AS segment, CASE WHEN d ->> 'segment' <> 'all' THEN d ->> 'value' END AS value,
  (d ->> 'days')::integer AS days, (d ->> 'survival_rate')::numeric AS survival, (d ->> 'ci_low')::numeric AS low
FROM viewed, jsonb_array_elements(rows) AS d WHERE what = 'survival';
SELECT p.source, count(DISTINCT (v ->> 'segment', v ->> 'value')) AS curves, count(*) AS points,
  count(*) FILTER (WHERE round((100 * (c ->> 'survival')::float8)::numeric, 6) IS DISTINCT FROM d.survival
    OR (c ->> 'time')::float8 > 0 AND round((100 * (c ->> 'low')::float8)::numeric, 6) IS DISTINCT FROM d.low) AS wrong
FROM (SELECT 'report subs' AS source, r FROM subs UNION ALL SELECT 'report events', r FROM events) AS p,
  jsonb_array_elements(r -> 'survival') AS v, jsonb_array_elements(v -> 'curve') AS c
  LEFT JOIN LATERAL (SELECT s.* FROM curves AS s
    WHERE s.source = p.source AND s.segment IS NOT DISTINCT FROM v ->> 'segment' AND s.value IS NOT DISTINCT FROM v ->> 'value' AND s.days <= (c ->> 'time')::float8
    ORDER BY s.days DESC LIMIT 1) AS d ON true
GROUP BY 1 ORDER BY 1;
SELECT v ->> 'segment' AS segment, v ->> 'value' AS value, v ->> 'customers' AS customers, v ->> 'churned' AS churned, v ->> 'median' AS median
FROM subs, jsonb_array_elements(r -> 'survival') AS v LIMIT 4;
SELECT days, (retention_internal.report_times(days))[1:3] AS first, array_length(retention_internal.report_times(days), 1) AS times FROM unnest('{0,59,60,61,400,10000}'::float8[]) AS days;
-- drivers and reasons
SELECT r -> 'drivers_since' AS since,
  r -> 'driver_ranking' = rows_of($$ SELECT n.* FROM (SELECT churn_drivers(NOT kept, a) AS state FROM (SELECT id,
      bool_or(coalesce(ended >= '2026-03-01', true)) AS kept,
      (array_agg(plan ORDER BY started DESC, plan) FILTER (WHERE held))[1] AS plan, (array_agg(country ORDER BY started DESC, country) FILTER (WHERE held))[1] AS country,
      (array_agg(age ORDER BY started DESC, age) FILTER (WHERE held))[1] AS age
    FROM (SELECT *, started < since AND coalesce(ended >= since, true) AS held
          FROM report_subs, (SELECT (r -> 'drivers_since' ->> 'period_start')::date AS since FROM subs) d WHERE started < '2026-03-01') h
    GROUP BY id HAVING bool_or(held)) c, LATERAL (SELECT c.plan, c.country, c.age) AS a WHERE id IS NOT NULL) q, driver_ranking(state) n $$) AS ranking,
  jsonb_array_length(r -> 'drivers') AS values
FROM subs;
SELECT d ->> 'attribute' AS attribute, d ->> 'value' AS value, d ->> 'customers' AS customers, d ->> 'churned' AS churned, round((d ->> 'churn_rate')::numeric, 2) AS rate
FROM subs, jsonb_array_elements(r -> 'drivers') AS d WHERE d ->> 'attribute' = 'plan';
SELECT r -> 'reasons' = rows_of($$ SELECT n.* FROM reason_table((SELECT churn_reasons(why) FROM report_subs
  WHERE id IS NOT NULL AND started < ended AND ended >= '2025-03-01' AND ended < '2026-03-01')) n $$) AS reasons FROM subs;
-- the head
SELECT h ->> 'name' AS name, h ->> 'period_start' AS period, round((h ->> 'value')::numeric, 2) AS value, h ->> 'of' AS of,
  h -> 'previous' ->> 'period_start' AS before, round((h -> 'difference' ->> 'value')::numeric, 2) AS difference,
  round((h -> 'difference' ->> 'p_value')::numeric, 4) AS p, h -> 'year_before' ->> 'period_start' AS year_before, round((h -> 'year_difference' ->> 'value')::numeric, 2) AS year
FROM (SELECT r FROM subs UNION ALL SELECT r FROM events) AS q, jsonb_array_elements(r -> 'headline') AS h;
SELECT h -> 'difference' = (SELECT jsonb_build_object('value', d.difference, 'low', d.low, 'high', d.high, 'p_value', d.p_value)
  FROM rate_difference((r -> 'flow' -> -2 ->> 'kept')::int, (r -> 'flow' -> -2 ->> 'at_start')::int,
    (r -> 'flow' -> -3 ->> 'kept')::int, (r -> 'flow' -> -3 ->> 'at_start')::int) d) AS tested
FROM (SELECT r, r -> 'headline' -> 0 AS h FROM subs) AS q;

-- The same bytes again, whatever session asks
SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German'; SET extra_float_digits = -3; SET IntervalStyle = 'iso_8601'; SET enable_hashagg = off; SET work_mem = '64kB';
SELECT (SELECT r::text FROM subs) = retention_report('report subs')::text AS subs, (SELECT r::text FROM events) = retention_report('report events')::text AS events;
SHOW TimeZone;
RESET work_mem; RESET enable_hashagg; RESET IntervalStyle; RESET extra_float_digits; SET DateStyle = 'ISO, YMD'; SET TimeZone = 'UTC';
-- and of the same rows in another order
CREATE TABLE report_again AS SELECT * FROM report_subs ORDER BY md5(report_subs::text);
SELECT retention_source('report again', 'subscriptions', 'report_again', 'id', started => 'started', ended => 'ended',
  segments => '{plan,country,age}', reason => 'why', grid => 'month; time_zone=Europe/Berlin', as_of => $$date '2026-03-10'$$) IS NOT NULL;
SELECT (SELECT (r - 'source')::text FROM subs) = (retention_report('report again') - 'source')::text AS same;
-- and from kept facts, which do not know of rows without a customer
SELECT retention_materialize('report events') > 0 AS kept;
SELECT (SELECT r - '{notes,rows,ignored}'::text[] FROM events) = retention_report('report events') - '{notes,rows,ignored}'::text[] AS same, retention_report('report events') -> 'notes' -> 3 AS note,
  (retention_report('report events', '2025-10-01') -> 'notes')::text ~ 'kept facts' AS of_another_time;
SELECT retention_unmaterialize('report events');
-- the past, as it was known then
SELECT r ->> 'as_of' AS as_of, r -> 'flow' -> -1 ->> 'period_start' AS last, r -> 'flow' -> -1 ->> 'status' AS status, jsonb_array_length(r -> 'flow') AS periods, r -> 'notes' -> 0 AS note
FROM (VALUES (timestamp '2025-12-01', 3), ('2025-12-01 00:00:00.000001', 3), ('2025-12-02', 3), ('2024-06-01', 2), ('2030-01-01', 2)) v (at, n), retention_report('report subs', at, n) r;

-- Other kinds of time, of customers and of grids
CREATE TABLE report_kinds AS SELECT 'k' || id AS who, started::timestamptz + interval '5 hours' AS since, ended::timestamptz + interval '6 hours' AS until,
  started + time '05:00' AS since_local, ended + time '06:00' AS until_local, md5(id::text)::uuid AS token FROM report_subs WHERE id < 200;
SELECT retention_source('report zoned', 'subscriptions', 'report_kinds', 'who', started => 'since', ended => 'until', grid => 'quarter; time_zone=Asia/Kathmandu') IS NOT NULL,
  retention_source('report local', 'subscriptions', 'report_kinds', 'token', started => 'since_local', ended => 'until_local', grid => 'week; time_zone=Europe/Berlin; week_start=sunday') IS NOT NULL,
  retention_source('report hours', 'events', 'report_events', 'customer_id', at => 'at', grid => '6 hours; time_zone=Europe/Berlin', gone_after => '2 days', filter => $$at < '2025-01-15'$$) IS NOT NULL,
  retention_source('report elapsed', 'events', 'report_events', 'customer_id', at => 'at', grid => '28 days; time_zone=Europe/Berlin; windows=elapsed; min_events=2') IS NOT NULL,
  retention_source('report brackets', 'events', 'report_events', 'customer_id', at => 'at', grid => 'day; time_zone=UTC; brackets=1,3,7,14-30; cohorts=recurring', filter => $$at < '2025-03-15'$$) IS NOT NULL,
  retention_source('report year', 'subscriptions', 'report_subs', 'id', started => 'started', ended => 'ended', grid => 'year; time_zone=UTC; origin=2025-03-01', as_of => $$date '2026-03-10'$$) IS NOT NULL;
CREATE TEMP TABLE kinds AS SELECT place, s.*, retention_report(s.name, periods => 4) AS r
FROM unnest('{report zoned,report local,report hours,report elapsed,report brackets,report year}'::text[]) WITH ORDINALITY AS n (name, place)
  JOIN retention_source AS s USING (name);
SELECT name, r ->> 'as_of' AS as_of, r ->> 'customers' AS customers, r -> 'flow' -> -2 ->> 'period_start' AS period, r -> 'flow' -> -2 ->> 'at_end' AS at_end,
  jsonb_array_length(r -> 'cohorts') AS cells, r -> 'cohorts' -> 1 ->> 'cohort' AS cohort, r -> 'survival' -> 0 ->> 'unit' AS unit, length(retention_report_page(r)) > 5000 AS page
FROM kinds ORDER BY place;
-- what is shown is in the views: all of it, or the newest
SELECT k.name, rows_of(format('SELECT c.* FROM (%s) c WHERE cohort >= %L AND period < 36 ORDER BY cohort, period', source_view(s, 'cohorts'), k.r -> 'cohorts' -> 0 ->> 'cohort')) = k.r -> 'cohorts' AS cohorts,
  rows_of(format('SELECT c.* FROM (%s) c WHERE period < 36 ORDER BY period', source_view(s, 'curve'))) = k.r -> 'curve' AS curve,
  rows_of(format('SELECT * FROM (SELECT c.* FROM (%s) c ORDER BY period_start DESC LIMIT 36) c ORDER BY period_start', source_view(s, 'lifecycle'))) = k.r -> 'lifecycle' AS lifecycle,
  rows_of(format('SELECT * FROM (SELECT c.* FROM (%s) c ORDER BY period_start DESC LIMIT 5) c ORDER BY period_start', source_view(s, 'flow'))) = k.r -> 'flow' AS flow
FROM kinds AS k JOIN retention_source AS s USING (name) WHERE name <> 'report hours' ORDER BY place;
SELECT r -> 'notes' FROM kinds WHERE name = 'report brackets';
SELECT b ->> 'industry' AS industry, b ->> 'of' AS of, round((b ->> 'retention_rate')::numeric, 2) AS rate, b ->> 'benchmark' AS benchmark, round((b ->> 'difference')::numeric, 2) AS difference
FROM (SELECT r FROM kinds WHERE name = 'report year') AS k, jsonb_array_elements(r -> 'benchmark') AS b;

-- Little data, and none
CREATE TABLE "Report ""odd"" <i>" ("Who? %s" int, "a b" date, "c'd" date, "%I" text);
SELECT retention_source('O''Neil <b>"&%s\n', 'subscriptions', '"Report ""odd"" <i>"', 'Who? %s', started => 'a b', ended => 'c''d', segments => '{"%I"}', grid => 'month; time_zone=UTC') IS NOT NULL;
SELECT retention_report('O''Neil <b>"&%s\n') - '{version,format}'::text[] AS empty;
INSERT INTO "Report ""odd"" <i>" VALUES (NULL, NULL, NULL, NULL), (1, NULL, NULL, NULL), (NULL, '2026-01-01', NULL, NULL);
SELECT retention_report('O''Neil <b>"&%s\n') -> 'notes' AS all_null;
INSERT INTO "Report ""odd"" <i>" VALUES (1, '2026-01-05', NULL, '<script>');
SELECT retention_report('O''Neil <b>"&%s\n', periods => 1) - '{version,format,source}'::text[] AS one_row;
SELECT retention_report('O''Neil <b>"&%s\n', '2026-05-01', 2) - '{version,format,source,cohorts,curve,lifecycle,survival,headline}'::text[] AS later;
SELECT page ~ '<script' AS script, page ~ '<b>"' AS bold, page ~ '&lt;script' AS escaped FROM retention_report_html('O''Neil <b>"&%s\n', '2026-05-01', 2) AS page;
SELECT retention_run_report('O''Neil <b>"&%s\n') > 0 AS run;
SELECT state, as_of FROM retention_report_runs('O''Neil <b>"&%s\n');

-- Errors
SELECT retention_report('report sub');
SELECT retention_report(NULL);
SELECT retention_report('report subs', periods => 0);
SELECT retention_report('report subs', periods => 1001);
SELECT retention_report('report subs', periods => NULL);
SELECT retention_report('report subs', 'infinity');
INSERT INTO report_again VALUES (5000, 'basic', 'c1', 1, '2026-02-02', '2026-02-01', NULL);
SELECT retention_report('report again');

-- Runs
SELECT retention_run_report('report nowhere');
CREATE FUNCTION last_run(what text) RETURNS text LANGUAGE sql AS
  $$ SELECT concat_ws(' | ', state, as_of, periods, error, report IS NOT NULL, html IS NOT NULL, finished >= started) FROM retention_report_run WHERE source = $1 ORDER BY id DESC LIMIT 1 $$;
SELECT retention_run_report('report again') > 0;
SELECT last_run('report again');
CALL retention_run_job('report again');
DELETE FROM report_again WHERE id = 5000;
SELECT count(*) FROM retention_report_runs('report again') WHERE state = 'failed';
BEGIN; CALL retention_run_job('report again'); ROLLBACK;
CALL retention_run_job('report again', '2026-01-15', 3);
SELECT last_run('report again');
SELECT html = retention_report_page(report) AS page, report = retention_report('report again', '2026-01-15', 3) AS report FROM retention_report_run WHERE source = 'report again' AND state = 'done';
SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory';
SELECT count(retention_run_report('report subs', at)) FROM unnest('{2025-10-05,2025-11-05,2025-12-05,2026-01-10}'::timestamp[]) AS at;
SELECT as_of, state, took >= interval '0' AS took, error FROM retention_report_runs('report subs');
SELECT retention_run_report('report subs', '2025-01-01', 0) > 0, retention_run_report('report subs', '2025-01-01', 0) > 0, retention_run_report('report subs', '2025-01-01', 0) > 0;
SELECT state, count(*) FROM retention_report_runs('report subs') GROUP BY 1 ORDER BY 1;

-- Changes
SELECT what, segment, value, before_start::date, now_start::date, round(before, 2) AS before, round(now, 2) AS now, round(difference, 2) AS difference,
  round(p_value::numeric, 4) AS p, round(p_adjusted::numeric, 4) AS adjusted, verdict
FROM retention_report_changes('report subs') WHERE segment IS DISTINCT FROM 'age';
SELECT c.p_value = d.p_value AND c.low = d.low AND c.high = d.high AS tested
FROM retention_report_changes('report subs') c,
  (SELECT min(id) AS old, max(id) AS new FROM retention_report_run WHERE source = 'report subs' AND state = 'done') i,
  retention_report_run o, retention_report_run n,
  rate_difference((n.report -> 'headline' -> 0 ->> 'hits')::int, (n.report -> 'headline' -> 0 ->> 'of')::int,
    (o.report -> 'headline' -> 0 ->> 'hits')::int, (o.report -> 'headline' -> 0 ->> 'of')::int) d
WHERE c.what = 'retention_rate' AND c.segment IS NULL AND o.id = i.old AND n.id = i.new;
-- the same period again, corrected; then another grid
SELECT count(retention_run_report('report again', '2026-01-20')) FROM generate_series(1, 2);
SELECT DISTINCT verdict FROM retention_report_changes('report again');
UPDATE report_again SET ended = '2025-12-20' WHERE ended IS NULL AND started < '2025-12-01' AND id % 50 = 3;
SELECT retention_run_report('report again', '2026-01-20') > 0;
SELECT verdict, count(*), count(p_value) AS tests FROM retention_report_changes('report again') GROUP BY 1 ORDER BY 1;
UPDATE retention_source SET grid = 'quarter; time_zone=Europe/Berlin' WHERE name = 'report again';
SELECT retention_run_report('report again', '2026-01-20') > 0;
SELECT DISTINCT verdict FROM retention_report_changes('report again');
SELECT verdict, count(*) FROM (SELECT array_agg(id ORDER BY id) AS ids FROM retention_report_run WHERE source = 'report again' AND state = 'done') AS i,
  retention_report_changes('report again', ids[2], ids[1]) GROUP BY 1 ORDER BY 1;
SELECT * FROM retention_report_changes('report events');
SELECT * FROM retention_report_changes('report subs', 0);

-- Who sees what
CREATE ROLE regress_report_ann;
CREATE ROLE "regress_report Ben";
GRANT SELECT ON report_subs, report_events TO regress_report_ann;
GRANT SELECT ON report_subs TO "regress_report Ben";
ALTER TABLE report_subs ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON report_subs USING (country = CASE CURRENT_USER WHEN 'regress_report_ann' THEN 'c1' ELSE 'c2' END);
SET ROLE regress_report_ann;
SELECT retention_report('report subs') ->> 'rows' AS rows, retention_report('report subs') -> 'notes' @> to_jsonb('Row-level security: only rows that regress_report_ann may see are counted.'::text) AS noted;
SELECT retention_run_report('report subs') > 0;
SELECT count(*) AS runs, count(*) FILTER (WHERE owner::text = CURRENT_USER) AS own, min(report ->> 'rows') AS rows FROM retention_report_run;
INSERT INTO retention_report_run (source, owner) VALUES ('report subs', '"regress_report Ben"');
SELECT * FROM retention_report_changes('report subs');
SELECT retention_run_report('report local');
SET ROLE "regress_report Ben";
SELECT count(*) AS runs FROM retention_report_run;
SELECT retention_report('report events');
SELECT retention_run_report('report subs') > 0;
SELECT count(*) AS runs, min(report ->> 'rows') AS rows, min(owner::text) AS owner FROM retention_report_run;
DELETE FROM retention_report_run WHERE report ->> 'rows' <> '0';
SELECT count(*) AS runs FROM retention_report_run;
RESET ROLE;
SELECT count(*) FILTER (WHERE owner::text = 'regress_report_ann') AS of_ann, count(*) FILTER (WHERE owner::text ~ 'Ben') AS of_ben FROM retention_report_run;

-- Schedules without pg_cron: what to do instead. (With it: t/060_schedule.pl.)
\set VERBOSITY default
CREATE FUNCTION said(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text; h text;
BEGIN
  EXECUTE statement;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
  RETURN replace(concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(d, ''), nullif(h, '')), current_database(), 'DATABASE');
END $$;
SELECT said($$ SELECT retention_schedule('report subs', '0 6 1 * *') $$) ~ '^0A000 there is no pg_cron in database "DATABASE"' AS error;
SELECT split_part(said($$ SELECT retention_schedule('report subs', '0 6 1 * *') $$), E'\n', 3) = format('0 6 1 * * psql -X -U ''%s'' -d ''DATABASE'' -c ''CALL public.retention_run_job(''\''''report subs''\'''')''', CURRENT_USER) AS line;
SELECT said($$ SELECT retention_schedule('report subs', '@monthly') $$) ~ '^0A000' AS word;
SELECT said($$ SELECT retention_schedule('report subs', E'* * * * *\n* * * * * evil') $$);
SELECT said($$ SELECT retention_schedule('report subs', '0 6 1') $$);
SELECT said($$ SELECT retention_schedule('report subs', '') $$);
SELECT said($$ SELECT retention_schedule('no such', '0 6 1 * *') $$) ~ '^42704' AS unknown;
SELECT said($$ SELECT retention_unschedule('report subs') $$) ~ '^42704' AS not_scheduled;
SELECT retention_schedule(NULL, '0 6 1 * *'), retention_schedule('report subs', NULL), retention_unschedule(NULL);
SELECT * FROM retention_schedules;
SELECT retention_internal.report_job_command(E'a\'b\\c\n%'), retention_internal.report_job_name('a b'), retention_internal.report_job_name(repeat('x', 41)) = 'retention report: ' || md5(repeat('x', 41)) AS digest;

SELECT retention_drop_source(name) FROM retention_source WHERE name ~ '^report |Neil' ORDER BY name COLLATE "C";
TRUNCATE retention_report_run;
DROP TABLE report_subs, report_events, report_again, report_kinds, "Report ""odd"" <i>";
DROP FUNCTION rows_of, last_run, said;
DROP ROLE regress_report_ann, "regress_report Ben";
