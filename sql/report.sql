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

SELECT retention_source('r_subs', 'subscriptions', 'report_subs', 'id', started => 'started', ended => 'ended',
  segments => '{plan,country,age}', reason => 'why', grid => 'month; time_zone=Europe/Berlin', as_of => $$date '2026-03-10'$$, keep_runs => 2);
SELECT retention_source('r_events', 'events', 'report_events', 'customer_id', at => 'at', event => 'name', events => '{order}',
  segments => '{channel}', grid => 'month; time_zone=America/New_York');

-- What a report says about itself (without the definition of its source, which server versions write differently)
SELECT (retention_report('r_subs') #- '{source,definition}') - '{version,headline,flow,cohorts,curve,lifecycle,survival,segments,drivers,driver_ranking,reasons}'::text[];
SELECT (retention_report('r_events', periods => 3) #- '{source,definition}') - '{version,headline,flow,cohorts,curve,lifecycle,stickiness,survival,segments,drivers,driver_ranking}'::text[];
SELECT r ->> 'version' = retention_version() AS version, r #>> '{source,definition}' LIKE '%FROM public.report_subs;' AS definition FROM retention_report('r_subs') AS r;
SELECT string_agg(key, ' ' ORDER BY key COLLATE "C") FROM jsonb_object_keys(retention_report('r_subs')) AS key;
SELECT string_agg(key, ' ' ORDER BY key COLLATE "C") FROM jsonb_object_keys(retention_report('r_events', '2000-01-01')) AS key;

-- Each part equals a direct call. rows_of(query): its rows as a report writes them.
CREATE FUNCTION rows_of(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE answer jsonb;
BEGIN
  EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(q)), ''[]'') FROM (%s) q', query) INTO answer;
  RETURN answer;
END $$;
-- The SELECT behind a view of a source.
CREATE FUNCTION view_of(source regclass, what text) RETURNS text LANGUAGE sql AS
  $$ SELECT retention_internal.source_view(retention_internal.source_find($1), $2) $$;
CREATE TEMP TABLE subs AS SELECT retention_report('r_subs') AS r;
CREATE TEMP TABLE events AS SELECT retention_report('r_events') AS r;

SELECT r -> 'flow' = rows_of($$ SELECT f.* FROM flow_periods((SELECT customer_flow(id, started, CASE WHEN ended < '2026-03-10' THEN ended END,
    retention_grid('month', time_zone => 'Europe/Berlin', as_of => '2026-03-10'), daterange('2025-03-01', '2026-04-01')) FROM report_subs)) f
  ORDER BY period_start $$) AS flow, jsonb_array_length(r -> 'flow') AS periods FROM subs;
SELECT r -> 'cohorts' = rows_of(view_of('r_subs', 'cohorts')) AS cohorts, r -> 'curve' = rows_of(view_of('r_subs', 'curve')) AS curve,
  r -> 'lifecycle' = rows_of(view_of('r_subs', 'lifecycle')) AS lifecycle, jsonb_array_length(r -> 'cohorts') AS cells
FROM subs;
SELECT r -> 'cohorts' = rows_of($$ SELECT c.cohort, c.cohort_size, c.period, c.period_label, c.period_start, c.period_end, c.at_risk, c.retained,
      CASE WHEN c.status = 'observed' THEN c.retention_rate END AS retention_rate, c.ci_low, c.ci_high, c.status,
      (SELECT n.note FROM cohort_notes(k.s) n WHERE n.cohort = c.cohort AND n.period = c.period) AS note
    FROM (SELECT cohort_retention(customer_id, at,
    (SELECT retention_grid('month', time_zone => 'America/New_York', as_of => max(at) AT TIME ZONE 'America/New_York' + interval '1 microsecond')
     FROM report_events WHERE name = 'order' AND customer_id IS NOT NULL)) AS s FROM report_events WHERE name = 'order') k, cohort_cells(k.s) c $$) AS cohorts,
  r -> 'curve' = rows_of(view_of('r_events', 'curve')) AS curve, r -> 'lifecycle' = rows_of(view_of('r_events', 'lifecycle')) AS lifecycle,
  r -> 'stickiness' = rows_of(view_of('r_events', 'stickiness')) AS stickiness, jsonb_array_length(r -> 'cohorts') AS cells
FROM events;
SELECT r -> 'flow' = rows_of(format('SELECT * FROM (SELECT f.* FROM (%s) f ORDER BY period_start DESC LIMIT 13) f ORDER BY period_start', view_of('r_events', 'flow'))) AS flow
FROM events;
-- Of subscriptions, cohorts and flow count the same customers: summed over all cohorts, those at the end of a period
SELECT count(*) AS periods, count(*) FILTER (WHERE f.at_end <> c.retained) AS differ, min(f.at_end) > 0 AS some
FROM subs, jsonb_to_recordset(r -> 'flow') AS f (period_start date, at_end bigint, status text),
  LATERAL (SELECT sum(n.retained) AS retained FROM jsonb_to_recordset(r -> 'cohorts') AS n (period_start date, retained bigint) WHERE n.period_start = f.period_start) c;
-- unless the source asks for customers at any time of a period
SELECT retention_source('r_any', 'subscriptions', 'report_subs', 'id', started => 'started', ended => 'ended',
  grid => 'month; time_zone=Europe/Berlin', as_of => $$date '2026-03-10'$$, presence => 'any');
SELECT r -> 'cohorts' = rows_of(view_of('r_any', 'cohorts')) AS cohorts, r -> 'curve' = rows_of(view_of('r_any', 'curve')) AS curve,
  r -> 'lifecycle' = rows_of(view_of('r_any', 'lifecycle')) AS lifecycle, r -> 'notes' -> 2 AS note,
  bool_and(coalesce(n.retained, n.cohort_size) = n.cohort_size) AS all_in_0, bool_or(f.at_end < c.retained) AS more
FROM retention_report('r_any') r, jsonb_to_recordset(r -> 'cohorts') AS n (period integer, retained bigint, cohort_size bigint),
  jsonb_to_recordset(r -> 'flow') AS f (period_start date, at_end bigint),
  LATERAL (SELECT sum(n.retained) AS retained FROM jsonb_to_recordset(r -> 'cohorts') AS n (period_start date, retained bigint) WHERE n.period_start = f.period_start) c
WHERE n.period = 0 GROUP BY r;
-- Periods that are not over have no rate
SELECT p.source, count(*) AS partial, count(rate) AS rates FROM (SELECT 'subs' AS source, r FROM subs UNION ALL SELECT 'events', r FROM events) AS p,
  LATERAL (SELECT n.status, n.retention_rate AS rate FROM jsonb_to_recordset(r -> 'cohorts') AS n (status text, retention_rate numeric)
    UNION ALL SELECT f.status, coalesce(f.retention_rate, f.churn_rate) FROM jsonb_to_recordset(r -> 'flow') AS f (status text, retention_rate numeric, churn_rate numeric)) n
WHERE status = 'partial' GROUP BY 1;
-- segments: the columns that both have, of the values a report shows
CREATE TEMP TABLE viewed (source text, what text, rows jsonb);
INSERT INTO viewed SELECT s, w, rows_of(view_of(s::regclass, w)) FROM unnest('{r_subs,r_events}'::text[]) AS s, unnest('{segments,survival}'::text[]) AS w;
SELECT p.source, count(*) AS shown, count(*) FILTER (WHERE d ->> 'value' IS NULL) AS unknown, count(DISTINCT v ->> 'segment') AS segments,
  count(*) FILTER (WHERE (v - 'low' - 'high' - 'p_adjusted') <> (SELECT jsonb_object_agg(key, value) FROM jsonb_each(d)
    WHERE key IN ('segment', 'value', 'at_start', 'kept', 'retention_rate', 'difference', 'difference_low', 'difference_high', 'p_value'))
    OR v -> 'low' <> d -> 'retention_low' OR v -> 'high' <> d -> 'retention_high') AS wrong
FROM (SELECT 'r_subs' AS source, r FROM subs UNION ALL SELECT 'r_events', r FROM events) AS p, jsonb_array_elements(r -> 'segments') AS v
  JOIN viewed ON what = 'segments', jsonb_array_elements(rows) AS d
WHERE viewed.source = p.source AND d ->> 'segment' = v ->> 'segment' AND d -> 'value' = v -> 'value'
GROUP BY 1 ORDER BY 1;
SELECT v ->> 'segment' AS segment, v ->> 'value' AS value, v ->> 'at_start' AS at_start, round((v ->> 'retention_rate')::numeric, 2) AS rate,
  round((v ->> 'difference')::numeric, 2) AS difference, round((v ->> 'p_value')::numeric, 4) AS p, round((v ->> 'p_adjusted')::numeric, 4) AS adjusted
FROM subs, jsonb_array_elements(r -> 'segments') AS v WHERE v ->> 'segment' <> 'age';
SELECT retention_internal.report_adjusted('{0.01,NULL,0.04,0.03,0.9}') AS adjusted, retention_internal.report_adjusted('{NULL}') AS none;
-- survival, at the days that a report shows
CREATE TEMP TABLE curves AS SELECT source, nullif(d ->> 'segment', 'all') AS segment, CASE WHEN d ->> 'segment' <> 'all' THEN d ->> 'value' END AS value,
  (d ->> 'days')::integer AS days, (d ->> 'survival_rate')::numeric AS survival, (d ->> 'ci_low')::numeric AS low
FROM viewed, jsonb_array_elements(rows) AS d WHERE what = 'survival';
SELECT p.source, count(DISTINCT (v ->> 'segment', v ->> 'value')) AS curves, count(*) AS points,
  count(*) FILTER (WHERE round((100 * (c ->> 'survival')::float8)::numeric, 6) IS DISTINCT FROM d.survival
    OR (c ->> 'time')::float8 > 0 AND round((100 * (c ->> 'low')::float8)::numeric, 6) IS DISTINCT FROM d.low) AS wrong
FROM (SELECT 'r_subs' AS source, r FROM subs UNION ALL SELECT 'r_events', r FROM events) AS p,
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
-- the headline
SELECT h ->> 'name' AS name, h ->> 'period_start' AS period, round((h ->> 'value')::numeric, 2) AS value, h ->> 'of' AS of,
  h -> 'previous' ->> 'period_start' AS before, round((h -> 'difference' ->> 'value')::numeric, 2) AS difference,
  round((h -> 'difference' ->> 'p_value')::numeric, 4) AS p, h -> 'year_before' ->> 'period_start' AS year_before, round((h -> 'year_difference' ->> 'value')::numeric, 2) AS year
FROM (SELECT r FROM subs UNION ALL SELECT r FROM events) AS q, jsonb_array_elements(r -> 'headline') AS h;
SELECT h -> 'difference' = (SELECT jsonb_build_object('value', d.difference, 'low', d.low, 'high', d.high, 'p_value', d.p_value)
  FROM rate_difference((r -> 'flow' -> -2 ->> 'kept')::int, (r -> 'flow' -> -2 ->> 'at_start')::int,
    (r -> 'flow' -> -3 ->> 'kept')::int, (r -> 'flow' -> -3 ->> 'at_start')::int) d) AS tested
FROM (SELECT r, r -> 'headline' -> 0 AS h FROM subs) AS q;

-- The same bytes again, whatever the settings of the session
SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German'; SET extra_float_digits = -3; SET IntervalStyle = 'iso_8601'; SET enable_hashagg = off; SET work_mem = '64kB';
SELECT (SELECT r::text FROM subs) = retention_report('r_subs')::text AS subs, (SELECT r::text FROM events) = retention_report('r_events')::text AS events;
SHOW TimeZone;
RESET work_mem; RESET enable_hashagg; RESET IntervalStyle; RESET extra_float_digits; SET DateStyle = 'ISO, YMD'; SET TimeZone = 'UTC';
-- and of the same rows in another order
CREATE TABLE report_again AS SELECT * FROM report_subs ORDER BY md5(report_subs::text);
SELECT retention_source('r_again', 'subscriptions', 'report_again', 'id', started => 'started', ended => 'ended',
  segments => '{plan,country,age}', reason => 'why', grid => 'month; time_zone=Europe/Berlin', as_of => $$date '2026-03-10'$$) IS NOT NULL;
SELECT (SELECT (r - 'source')::text FROM subs) = (retention_report('r_again') - 'source')::text AS same;
-- and from kept facts, which do not know of rows without a customer
SELECT retention_materialize('r_events') > 0 AS kept;
SELECT (SELECT r - '{notes,rows,ignored}'::text[] FROM events) = retention_report('r_events') - '{notes,rows,ignored}'::text[] AS same, retention_report('r_events') -> 'notes' -> 3 AS note,
  (retention_report('r_events', '2025-10-01') -> 'notes')::text ~ 'kept facts' AS of_another_time;
SELECT retention_unmaterialize('r_events');
-- earlier times: what was known then
SELECT r ->> 'as_of' AS as_of, r -> 'flow' -> -1 ->> 'period_start' AS last, r -> 'flow' -> -1 ->> 'status' AS status, jsonb_array_length(r -> 'flow') AS periods, r -> 'notes' -> 0 AS note
FROM (VALUES (timestamp '2025-12-01', 3), ('2025-12-01 00:00:00.000001', 3), ('2025-12-02', 3), ('2024-06-01', 2), ('2030-01-01', 2)) v (at, n), retention_report('r_subs', at, n) r;

-- Other kinds of time, of customers and of grids
CREATE TABLE report_kinds AS SELECT 'k' || id AS who, started::timestamptz + interval '5 hours' AS since, ended::timestamptz + interval '6 hours' AS until,
  started + time '05:00' AS since_local, ended + time '06:00' AS until_local, md5(id::text)::uuid AS token FROM report_subs WHERE id < 200;
SELECT retention_source('r_zoned', 'subscriptions', 'report_kinds', 'who', started => 'since', ended => 'until', grid => 'quarter; time_zone=Asia/Kathmandu') IS NOT NULL,
  retention_source('r_local', 'subscriptions', 'report_kinds', 'token', started => 'since_local', ended => 'until_local', grid => 'week; time_zone=Europe/Berlin; week_start=sunday') IS NOT NULL,
  retention_source('r_hours', 'events', 'report_events', 'customer_id', at => 'at', grid => '6 hours; time_zone=Europe/Berlin', gone_after => '2 days', filter => $$at < '2025-01-15'$$) IS NOT NULL,
  retention_source('r_elapsed', 'events', 'report_events', 'customer_id', at => 'at', grid => '28 days; time_zone=Europe/Berlin; windows=elapsed; min_events=2') IS NOT NULL,
  retention_source('r_brackets', 'events', 'report_events', 'customer_id', at => 'at', grid => 'day; time_zone=UTC; brackets=1,3,7,14-30; cohorts=recurring', filter => $$at < '2025-03-15'$$) IS NOT NULL,
  retention_source('r_year', 'subscriptions', 'report_subs', 'id', started => 'started', ended => 'ended', grid => 'year; time_zone=UTC; origin=2025-03-01', as_of => $$date '2026-03-10'$$) IS NOT NULL;
CREATE TEMP TABLE kinds AS SELECT place, name, retention_report(name::regclass, periods => 4) AS r
FROM unnest('{r_zoned,r_local,r_hours,r_elapsed,r_brackets,r_year}'::text[]) WITH ORDINALITY AS n (name, place);
SELECT name, r ->> 'as_of' AS as_of, r ->> 'customers' AS customers, r -> 'flow' -> -2 ->> 'period_start' AS period, r -> 'flow' -> -2 ->> 'at_end' AS at_end,
  jsonb_array_length(r -> 'cohorts') AS cells, r -> 'cohorts' -> 1 ->> 'cohort' AS cohort, r -> 'survival' -> 0 ->> 'unit' AS unit, length(retention_report_page(r)) > 5000 AS page
FROM kinds ORDER BY place;
-- what a report shows is in the views: all rows, or the newest
SELECT k.name, rows_of(format('SELECT c.* FROM (%s) c WHERE cohort >= %L AND period < 36 ORDER BY cohort, period', view_of(k.name::regclass, 'cohorts'), k.r -> 'cohorts' -> 0 ->> 'cohort')) = k.r -> 'cohorts' AS cohorts,
  rows_of(format('SELECT c.* FROM (%s) c WHERE period < 36 ORDER BY period', view_of(k.name::regclass, 'curve'))) = k.r -> 'curve' AS curve,
  rows_of(format('SELECT * FROM (SELECT c.* FROM (%s) c ORDER BY period_start DESC LIMIT 36) c ORDER BY period_start', view_of(k.name::regclass, 'lifecycle'))) = k.r -> 'lifecycle' AS lifecycle,
  rows_of(format('SELECT * FROM (SELECT c.* FROM (%s) c ORDER BY period_start DESC LIMIT 5) c ORDER BY period_start', view_of(k.name::regclass, 'flow'))) = k.r -> 'flow' AS flow
FROM kinds AS k WHERE name <> 'r_hours' ORDER BY place;
SELECT r -> 'notes' FROM kinds WHERE name = 'r_brackets';
SELECT b ->> 'industry' AS industry, b ->> 'of' AS of, round((b ->> 'retention_rate')::numeric, 2) AS rate, b ->> 'benchmark' AS benchmark, round((b ->> 'difference')::numeric, 2) AS difference
FROM (SELECT r FROM kinds WHERE name = 'r_year') AS k, jsonb_array_elements(r -> 'benchmark') AS b;

-- Few rows, and none
CREATE TABLE "Report ""odd"" <i>" ("Who? %s" int, "a b" date, "c'd" date, "%I" text);
SELECT retention_source('"O''Neil <b>""&%s\n"', 'subscriptions', '"Report ""odd"" <i>"', 'Who? %s', started => 'a b', ended => 'c''d', segments => '{"%I"}', grid => 'month; time_zone=UTC') IS NOT NULL;
CREATE FUNCTION odd() RETURNS regclass LANGUAGE sql AS $$ SELECT oid::regclass FROM pg_class WHERE relname ~ '^O.Neil' AND relkind = 'v' $$;
SELECT (retention_report(odd()) #- '{source,definition}') - '{version,format}'::text[] AS empty;
INSERT INTO "Report ""odd"" <i>" VALUES (NULL, NULL, NULL, NULL), (1, NULL, NULL, NULL), (NULL, '2026-01-01', NULL, NULL);
SELECT retention_report(odd()) -> 'notes' AS all_null;
INSERT INTO "Report ""odd"" <i>" VALUES (1, '2026-01-05', NULL, '<script>');
SELECT retention_report(odd(), periods => 1) - '{version,format,source}'::text[] AS one_row;
SELECT retention_report(odd(), '2026-05-01', 2) - '{version,format,source,cohorts,curve,lifecycle,survival,headline}'::text[] AS later;
SELECT page ~ '<script' AS script, page ~ '<b>"' AS bold, page ~ '&lt;script' AS escaped FROM retention_report_html(odd(), '2026-05-01', 2) AS page;
SELECT retention_run_report(odd()) > 0 AS run;
SELECT state, as_of FROM retention_report_runs(odd());
-- segments with names that the query of a report uses itself
CREATE TABLE report_names AS SELECT id, started, ended, plan AS kept, country AS "there", age AS place, plan AS value, country AS "starts", age AS still, plan AS segment FROM report_subs;
SELECT retention_source('r_names', 'subscriptions', 'report_names', 'id', started => 'started', ended => 'ended', segments => '{kept,there,place,value,starts,still,segment}',
  grid => 'month; time_zone=UTC', as_of => $$date '2026-03-10'$$);
SELECT jsonb_array_length(r -> 'segments') AS segments, jsonb_array_length(r -> 'drivers') > 0 AS drivers FROM retention_report('r_names') AS r;
-- and literals under another session setting
CREATE FUNCTION page_and_back(source regclass) RETURNS text LANGUAGE sql AS $$ SELECT md5(retention_report_html($1, '2026-02-01')) $$;
CREATE TEMP TABLE page AS SELECT page_and_back('r_subs') AS md5, page_and_back('r_hours') AS hours;
SET standard_conforming_strings = off;
SELECT md5 = page_and_back('r_subs') AND hours = page_and_back('r_hours') AS same, retention_run_report('r_hours', '2025-01-14') > 0 AS run FROM page;
RESET standard_conforming_strings;

-- Errors
SELECT retention_report('r_sub');
SELECT retention_report('report_subs');
SELECT retention_report(NULL);
SELECT retention_report('r_subs', periods => 0);
SELECT retention_report('r_subs', periods => 1001);
SELECT retention_report('r_subs', periods => NULL);
SELECT retention_report('r_subs', 'infinity');
INSERT INTO report_again VALUES (5000, 'basic', 'c1', 1, '2026-02-02', '2026-02-01', NULL);
SELECT retention_report('r_again');

-- Runs: in a table of the role that makes them
SELECT retention_run_report('report_subs');
SELECT * FROM retention_report_runs('r_again');
CREATE FUNCTION last_run() RETURNS text LANGUAGE plpgsql AS
  $$ BEGIN RETURN (SELECT concat_ws(' | ', state, as_of, periods, error, report IS NOT NULL, html IS NOT NULL, finished >= started) FROM r_again_report_run ORDER BY run DESC LIMIT 1); END $$;
SELECT retention_run_report('r_again');
SELECT last_run();
CALL retention_run_job('r_again');
DELETE FROM report_again WHERE id = 5000;
SELECT run, state FROM retention_report_runs('r_again');
BEGIN; CALL retention_run_job('r_again'); ROLLBACK;
CALL retention_run_job('r_again', '2026-01-15', 3);
SELECT last_run();
SELECT html = retention_report_page(report) AS page, report = retention_report('r_again', '2026-01-15', 3) AS report FROM r_again_report_run WHERE state = 'done';
SELECT count(*) AS locks FROM pg_locks WHERE locktype IN ('advisory', 'object');
SELECT count(retention_run_report('r_subs', at)) FROM unnest('{2025-10-05,2025-11-05,2025-11-10,2025-12-05}'::timestamp[]) AS at;
SELECT run, as_of, periods, state, took >= interval '0' AS took, error FROM retention_report_runs('r_subs');
SELECT retention_run_report('r_subs', '2025-01-01', 0) > 0, retention_run_report('r_subs', '2025-01-01', 0) > 0, retention_run_report('r_subs', '2025-01-01', 0) > 0;
SELECT state, count(*) FROM retention_report_runs('r_subs') GROUP BY 1 ORDER BY 1;
-- a run whose row says that it runs, although it does not
INSERT INTO r_subs_report_run (run, periods, pid) VALUES (100, 12, pg_backend_pid());
SELECT state FROM retention_report_runs('r_subs') LIMIT 1;
SELECT retention_run_report('r_subs', '2026-01-10') > 0;
SELECT state, left(error, 5) FROM retention_report_runs('r_subs') LIMIT 2;
-- in another schema; and where something else has the name of the table
CREATE SCHEMA report_other;
SELECT retention_run_report('r_subs', '2026-01-10', schema => 'report_other');
SELECT run, state FROM retention_report_runs('r_subs', 'report_other');
SELECT retention_run_report('r_subs', schema => 'report_nowhere');
CREATE TABLE r_local_report_run (run bigint);
SELECT retention_run_report('r_local');
SELECT * FROM retention_report_runs('r_local');
DROP TABLE r_local_report_run;

-- Changes
SELECT what, segment, value, before_start::date, now_start::date, round(before, 2) AS before, round(now, 2) AS now, round(difference, 2) AS difference,
  round(p_value::numeric, 4) AS p, round(p_adjusted::numeric, 4) AS adjusted, verdict
FROM retention_report_changes('r_subs') WHERE segment IS DISTINCT FROM 'age';
SELECT c.p_value = d.p_value AND c.low = d.low AND c.high = d.high AS tested
FROM retention_report_changes('r_subs') c,
  (SELECT min(run) AS old, max(run) AS new FROM r_subs_report_run WHERE state = 'done') i,
  r_subs_report_run o, r_subs_report_run n,
  rate_difference((n.report -> 'headline' -> 0 ->> 'hits')::int, (n.report -> 'headline' -> 0 ->> 'of')::int,
    (o.report -> 'headline' -> 0 ->> 'hits')::int, (o.report -> 'headline' -> 0 ->> 'of')::int) d
WHERE c.what = 'retention_rate' AND c.segment IS NULL AND o.run = i.old AND n.run = i.new;
-- the same period again, corrected; then another grid, another view
SELECT count(retention_run_report('r_again', '2026-01-20')) FROM generate_series(1, 2);
SELECT DISTINCT verdict FROM retention_report_changes('r_again');
UPDATE report_again SET ended = '2025-12-20' WHERE ended IS NULL AND started < '2025-12-01' AND id % 50 = 3;
SELECT retention_run_report('r_again', '2026-01-20') > 0;
SELECT verdict, count(*), count(p_value) AS tests FROM retention_report_changes('r_again') GROUP BY 1 ORDER BY 1;
SELECT retention_source_set('r_again', grid => 'quarter; time_zone=Europe/Berlin');
SELECT retention_run_report('r_again', '2026-01-20') > 0;
SELECT DISTINCT verdict FROM retention_report_changes('r_again');
SELECT verdict, count(*) FROM (SELECT array_agg(run ORDER BY run) AS runs FROM r_again_report_run WHERE state = 'done') AS i,
  retention_report_changes('r_again', runs[2], runs[1]) GROUP BY 1 ORDER BY 1;
CREATE OR REPLACE VIEW r_again WITH (security_invoker = true) AS
SELECT id AS customer, started, ended, why AS reason, date '2026-03-10' AS as_of, plan, country, age FROM report_again WHERE id > 10;
SELECT retention_run_report('r_again', '2026-01-20') > 0;
SELECT DISTINCT verdict FROM retention_report_changes('r_again');
SELECT * FROM retention_report_changes('r_events');
SELECT * FROM retention_report_changes('r_subs', 0);

-- Privileges
CREATE ROLE regress_report_ann;
CREATE ROLE "regress_report Ben";
CREATE SCHEMA report_ann AUTHORIZATION regress_report_ann;
CREATE SCHEMA report_ben AUTHORIZATION "regress_report Ben";
GRANT SELECT ON report_subs, r_subs, report_events, r_events TO regress_report_ann;
GRANT SELECT ON report_subs, r_subs TO "regress_report Ben";
ALTER TABLE report_subs ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON report_subs USING (country = CASE CURRENT_USER WHEN 'regress_report_ann' THEN 'c1' ELSE 'c2' END);
SET ROLE regress_report_ann;
SELECT retention_report('r_subs') ->> 'rows' AS rows, retention_report('r_subs') -> 'notes' @> to_jsonb('Row-level security: only rows that regress_report_ann may see are counted.'::text) AS noted;
SELECT retention_run_report('r_subs');
SELECT retention_run_report('r_subs', schema => 'report_ann');
SELECT count(*) AS runs, min(report ->> 'rows') AS rows FROM report_ann.r_subs_report_run;
INSERT INTO r_subs_report_run (run, periods) VALUES (1000, 12);
SELECT * FROM retention_report_runs('r_subs');
SELECT retention_internal.source_lock('r_subs_report_run', 2, false);
SELECT * FROM retention_report_changes('r_subs', schema => 'report_ann');
SELECT retention_run_report('r_local', schema => 'report_ann');
SET ROLE "regress_report Ben";
SELECT * FROM retention_report_runs('r_subs', 'report_ann');
SELECT retention_report('r_events');
SELECT retention_run_report('r_subs', schema => 'report_ben');
SELECT count(*) AS runs, min(report ->> 'rows') AS rows FROM report_ben.r_subs_report_run;
RESET ROLE;
-- progress shows a number; a role that may not use the schema does not learn the name
SELECT format('retention: report 1/3 %s phase', 'report_ben.r_subs_report_run'::regclass::oid) AS said \gset
SET application_name = :'said';
SELECT source FROM retention_progress WHERE pid = pg_backend_pid();
SET ROLE regress_report_ann;
SELECT what, source, phase FROM retention_progress WHERE pid = pg_backend_pid();
RESET ROLE;
RESET application_name;

-- No role can make a superuser run its code
SET ROLE regress_report_ann;
CREATE FUNCTION report_ann.trap() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('is_superuser') = 'on' THEN
    ALTER ROLE regress_report_ann SUPERUSER;
  END IF;
  RETURN true;
END $$;
CREATE TABLE report_ann.stay AS SELECT g AS id, date '2026-01-01' + g AS started, NULL::date AS ended FROM generate_series(1, 9) g;
SELECT retention_source('report_ann.weekly', 'subscriptions', 'report_ann.stay', 'id', started => 'started', ended => 'ended', grid => 'week; time_zone=UTC', filter => 'report_ann.trap()');
SELECT retention_run_report('report_ann.weekly');
GRANT ALL ON ALL TABLES IN SCHEMA report_ann TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA report_ann TO PUBLIC;
-- what a superuser might take for harmless: a view over a view, a type with a cast, an operator, a domain
CREATE VIEW report_ann.inner AS SELECT id, started, ended FROM report_ann.stay WHERE report_ann.trap();
CREATE TYPE report_ann.colour AS ENUM ('red');
CREATE FUNCTION report_ann.colour_text(report_ann.colour) RETURNS text LANGUAGE sql AS $$ SELECT report_ann.trap()::text $$;
CREATE CAST (report_ann.colour AS text) WITH FUNCTION report_ann.colour_text(report_ann.colour);
CREATE TABLE report_ann.coloured AS SELECT s.*, 'red'::report_ann.colour AS colour FROM report_ann.stay AS s;
CREATE FUNCTION report_ann.after(date, date) RETURNS boolean LANGUAGE sql AS $$ SELECT report_ann.trap() $$;
CREATE OPERATOR report_ann.>>> (LEFTARG = date, RIGHTARG = date, FUNCTION = report_ann.after);
CREATE FUNCTION report_ann.checked(date) RETURNS boolean LANGUAGE sql AS $$ SELECT report_ann.trap() $$;
CREATE DOMAIN report_ann.checked_date AS date CHECK (report_ann.checked(VALUE));
GRANT SELECT ON ALL TABLES IN SCHEMA report_ann TO PUBLIC;
RESET ROLE;
GRANT USAGE, CREATE ON SCHEMA public, report_other TO regress_report_ann;
GRANT SELECT ON r_subs_report_run TO regress_report_ann;
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
  EXECUTE statement;
  RETURN 'DONE';
EXCEPTION WHEN insufficient_privilege THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' ', SQLSTATE, hint);
END $$;
SELECT call, refused(call) FROM unnest(ARRAY[$$SELECT retention_report('report_ann.weekly')$$, $$SELECT retention_report_html('report_ann.weekly')$$,
  $$SELECT retention_run_report('report_ann.weekly')$$, $$SELECT retention_run_report('report_ann.weekly', schema => 'report_other')$$,
  $$SELECT retention_schedule('report_ann.weekly', '* * * * *')$$, $$SELECT count(*) FROM retention_report_runs('report_ann.weekly')$$]) AS call;
CALL retention_run_job('report_ann.weekly');
SELECT retention_source('r_inner', 'subscriptions', 'report_ann.inner', 'id', started => 'started', ended => 'ended', grid => 'week; time_zone=UTC');
SELECT retention_source('r_colour', 'subscriptions', 'report_ann.coloured', 'id', started => 'started', ended => 'ended', segments => '{colour}', grid => 'week; time_zone=UTC');
SELECT retention_source('r_operator', 'subscriptions', 'report_ann.stay', 'id', started => 'started', ended => 'ended', grid => 'week; time_zone=UTC', filter => $$started OPERATOR(report_ann.>>>) date '2026-01-01'$$);
SELECT retention_source('r_domain', 'subscriptions', 'report_ann.stay', 'id', started => 'started', ended => 'ended', grid => 'week; time_zone=UTC', filter => $$started::report_ann.checked_date > date '2026-01-01'$$);
SELECT name, refused(format('SELECT retention_report(%L)', name)) FROM unnest('{r_inner,r_colour,r_operator,r_domain}'::text[]) AS name;
-- a table of runs of another role, with a trigger; a view in the place of one
SET ROLE regress_report_ann;
CREATE TABLE r_events_report_run (LIKE r_subs_report_run INCLUDING ALL);
CREATE FUNCTION report_ann.trap_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM report_ann.trap(); RETURN new; END $$;
CREATE TRIGGER trap BEFORE INSERT ON r_events_report_run FOR EACH ROW EXECUTE FUNCTION report_ann.trap_trigger();
CREATE VIEW report_other.r_events_report_run AS SELECT * FROM r_events_report_run WHERE report_ann.trap();
GRANT ALL ON r_events_report_run, report_other.r_events_report_run TO PUBLIC;
RESET ROLE;
SELECT refused($$SELECT retention_run_report('r_events')$$), refused($$SELECT count(*) FROM retention_report_runs('r_events')$$);
SELECT count(*) AS in_a_schema_that_is_named FROM retention_report_runs('r_events', 'public');
SELECT * FROM retention_report_runs('r_events', 'report_other');
SELECT * FROM retention_report_changes('r_events', schema => 'report_other');
-- functions that match the calls of a report better than ours do
SET ROLE regress_report_ann;
DO $$
DECLARE signature text; answer text;
BEGIN
  FOR signature, answer IN SELECT v.signature, v.answer
FROM (VALUES ('rate_interval(bigint, bigint, OUT low numeric, OUT high numeric)', 'record'), ('rate_interval(numeric, numeric, OUT low numeric, OUT high numeric)', 'record'),
    ('rate_difference(bigint, bigint, numeric, numeric)', 'record'), ('rate_difference(numeric, numeric, numeric, numeric)', 'record'), ('flow_periods_at(retention_flow)', 'SETOF record'),
    ('cohort_cells(retention_cohorts)', 'SETOF record'), ('cohort_cells_at(retention_cohorts)', 'SETOF record'), ('retention_curve(retention_cohorts)', 'SETOF record'),
    ('lifecycle(retention_cohorts)', 'SETOF record'), ('lifecycle_at(retention_cohorts)', 'SETOF record'), ('survival_curve(retention_survival)', 'SETOF record'),
    ('median_survival(retention_survival)', 'record'), ('reason_table(retention_reasons)', 'SETOF record'), ('driver_table(retention_drivers)', 'SETOF record'),
    ('against_benchmark(bigint, bigint, text)', 'record'), ('retention_period(retention_grid, integer)', 'daterange'), ('retention_period_tz(retention_grid, integer)', 'tstzrange'),
    ('retention_report(regclass)', 'jsonb'), ('retention_report(regclass, timestamp)', 'jsonb'), ('retention_report_page(json)', 'text'), ('retention_version(text)', 'text'),
    ('retention_grid(unit text, time_zone text, as_of timestamp)', 'retention_grid'), ('cohort_totals(text)', 'record'), ('source_near(name, text[])', 'text'), ('progress(text, name, text, integer, integer)', 'void')) AS v (signature, answer)
  LOOP
    EXECUTE format('CREATE FUNCTION public.%s RETURNS %s LANGUAGE plpgsql AS ''BEGIN PERFORM report_ann.trap(); RAISE ''''hijacked''''; END''', signature, answer);
  END LOOP;
END $$;
RESET ROLE;
SELECT refused($$SELECT retention_report_html(r, NULL::timestamp, 12) FROM unnest('{r_subs,r_events,r_year,r_hours}'::regclass[]) AS r$$), refused($$SELECT retention_run_report('r_again', '2026-01-20')$$);
SELECT state FROM retention_report_runs('r_again') LIMIT 1;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_report_ann';
-- each of them works for its owner
SET ROLE regress_report_ann;
SELECT retention_report('report_ann.weekly'::regclass, NULL::timestamp, 12) ->> 'customers' AS customers;
RESET ROLE;
SELECT retention_drop_source(name::regclass) FROM unnest('{r_inner,r_colour,r_operator,r_domain}'::text[]) AS name;
DROP OWNED BY regress_report_ann, "regress_report Ben" CASCADE;

-- Progress: an application_name can say anything
SET application_name = 'retention: report 1/3 99999999999 phase';
SELECT count(*) FROM retention_progress WHERE pid = pg_backend_pid();
SET application_name = 'retention: report 1/3 4294967296 phase';
SELECT what, source, phase, done FROM retention_progress WHERE pid = pg_backend_pid();
RESET application_name;

-- Schedules without pg_cron: what to do instead. (With pg_cron: t/060_schedule.pl.)
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
SELECT said($$ SELECT retention_schedule('r_subs', '0 6 1 * *') $$) ~ '^0A000 there is no pg_cron in database "DATABASE"' AS error;
SELECT split_part(said($$ SELECT retention_schedule('r_subs', '0 6 1 * *') $$), E'\n', 3) = format('0 6 1 * * psql -X -U ''%s'' -d ''DATABASE'' -c ''CALL public.retention_run_job(''\''''public.r_subs''\''''::pg_catalog.regclass, NULL::pg_catalog.timestamp, 12, NULL::pg_catalog.name)''', CURRENT_USER) AS line;
SELECT said($$ SELECT retention_schedule('r_subs', '@monthly') $$) ~ '^0A000' AS word;
SELECT said($$ SELECT retention_schedule('r_subs', E'* * * * *\n* * * * * evil') $$);
SELECT said($$ SELECT retention_schedule('r_subs', '0 6 1') $$);
SELECT said($$ SELECT retention_schedule('r_subs', '') $$);
SELECT said($$ SELECT retention_schedule('report_subs', '0 6 1 * *') $$) ~ '^42809' AS no_source;
SELECT said($$ SELECT retention_unschedule('r_subs') $$) ~ '^42704' AS not_scheduled;
SELECT said($$ SELECT retention_schedule(NULL, '0 6 1 * *') $$), said($$ SELECT retention_schedule('r_subs', NULL) $$), retention_unschedule(NULL);
SELECT * FROM retention_schedules;
CREATE VIEW "a'b\c
%" AS SELECT 1 AS customer;
SELECT retention_internal.report_job_command(c.oid, NULL), retention_internal.report_job_command(c.oid, E'o\'\nther') ~ $$, E'o''\\nther'::pg_catalog.name\)$$ AS schema, retention_internal.report_job_name(c.oid)
FROM pg_class AS c WHERE relname = E'a\'b\\c\n%';

-- ---- Notes on cohorts: those of the cells that are drawn ----
CREATE TABLE report_gap AS SELECT i % 40 AS id, d AS at FROM generate_series(1, 400) i, LATERAL (SELECT date '2025-01-03' + i * 7 % 420 AS d) x WHERE d < '2025-03-01' OR d >= '2025-05-01';
SELECT retention_source('r_gap', 'events', 'report_gap', 'id', at => 'at', grid => 'month; time_zone=UTC', as_of => $$date '2025-08-01'$$);
SELECT c ->> 'note' AS note, count(*), min(c ->> 'cohort') AS cohort, min(c ->> 'period_start') AS starts, max(c ->> 'period_start') AS until FROM retention_report('r_gap') r, jsonb_array_elements(r -> 'cohorts') c GROUP BY 1 ORDER BY 1;
SELECT substring(retention_report_html('r_gap') FROM '<p class="soft">(Records begin[^<]*)</p>') AS line;
SELECT substring(retention_report_html('r_gap', '2025-03-01') FROM '<p class="soft">(Records begin[^<]*)</p>') AS line;
-- brackets; a report from before there were notes
SELECT retention_source_set('r_gap', grid => 'month; time_zone=UTC; brackets=1-3,4-5');
SELECT substring(retention_report_html('r_gap') FROM '<p class="soft">(Records begin[^<]*)</p>') AS line;
SELECT retention_report_page(jsonb_set(r, '{cohorts}', (SELECT jsonb_agg(c - 'note') FROM jsonb_array_elements(r -> 'cohorts') c))) ~ 'Records begin|No rows of anybody' AS line FROM retention_report('r_gap') r;
-- more gaps than are named
SELECT retention_internal.page_cohort_notes((SELECT jsonb_agg(jsonb_build_object('cohort', date '2025-01-01', 'period_start', date '2025-01-01' + g, 'note', 'no rows of anybody')) FROM generate_series(1, 9) g), 'day', 'day');

-- ---- Times far in the past, in a grid of hours: left out and counted ----
CREATE TABLE report_far AS SELECT customer_id, at FROM report_events WHERE at < '2025-02-01' UNION ALL VALUES (5, timestamptz '0001-01-01'), (6, timestamptz '1850-06-01'), (7, 'infinity');
SELECT retention_source('r_far', 'events', 'report_far', 'customer_id', at => 'at', grid => '6 hours; time_zone=UTC', gone_after => '2 days', as_of => 'timestamptz ''2025-02-01 00:00+00''');
SELECT r ->> 'rows' AS rows, r ->> 'ignored' AS ignored, (SELECT min(c ->> 'cohort') > '2025' FROM jsonb_array_elements(r -> 'cohorts') c) AS cohorts, length(retention_report_page(r)) > 5000 AS page FROM retention_report('r_far') r;

-- ---- The largest values of a segment, and Other, as in the views: nobody counted twice ----
SELECT retention_source_set('r_subs', top => 3), retention_source_set('r_events', top => 1);
SELECT n.n, s ->> 'segment' AS segment, s ->> 'value' AS value, (s ->> 'at_start')::int AS at_start, (s ->> 'kept')::int AS kept, (s ->> 'at_start', s ->> 'kept') = (v.v ->> 'at_start', v.v ->> 'kept') AS as_view
FROM unnest('{r_subs,r_events}'::regclass[]) n (n), retention_report(n.n) r, jsonb_array_elements(r -> 'segments') s LEFT JOIN LATERAL (SELECT v FROM jsonb_array_elements(rows_of(view_of(n.n, 'segments'))) v
  WHERE v -> 'segment' = s -> 'segment' AND v -> 'value' = s -> 'value') v ON true ORDER BY n.n::text, 2, 4 DESC, 3;
SELECT n.n, s ->> 'segment' AS segment, count(*) AS "values", sum((s ->> 'customers')::int) AS customers, count(*) FILTER (WHERE s ->> 'value' = 'Other') AS other,
  bool_and((s ->> 'customers')::numeric = (SELECT (v ->> 'at_risk')::numeric FROM jsonb_array_elements(rows_of(view_of(n.n, 'survival'))) v WHERE (v ->> 'days')::int = 0 AND v ->> 'segment' = coalesce(s ->> 'segment', 'all')
    AND v ->> 'value' IS NOT DISTINCT FROM CASE WHEN s ->> 'segment' IS NULL THEN 'all' ELSE s ->> 'value' END)) AS as_view
FROM unnest('{r_subs,r_events}'::regclass[]) n (n), retention_report(n.n) r, jsonb_array_elements(r -> 'survival') s GROUP BY 1, 2 ORDER BY n.n::text, 2;
SELECT d ->> 'attribute' AS attribute, string_agg(coalesce(d ->> 'value', 'NULL'), ' ' ORDER BY d ->> 'value') AS "values", sum((d ->> 'customers')::int) = max((r #>> '{drivers_since,customers}')::int) AS everybody FROM retention_report('r_subs') r, jsonb_array_elements(r -> 'drivers') d GROUP BY 1 ORDER BY 1;
SELECT retention_source_set('r_subs', top => 0), retention_source_set('r_events', top => 0);

-- ---- Lists of customers: only if the source says so ----
SELECT r -> 'at_risk' AS at_risk, r -> 'losses' AS losses FROM retention_report('r_subs') r;
SELECT regexp_count(p, 'Customers most at risk|Largest losses') AS cards FROM retention_report_html('r_subs') p;
SELECT retention_source_set('r_subs', list_customers => true), retention_source_set('r_events', list_customers => true);
SELECT name, r -> 'at_risk' ->> 'count' AS at_risk, jsonb_array_length(r -> 'at_risk' -> 'customers') AS listed, r -> 'losses' ->> 'count' AS lost,
  (SELECT h ->> 'value' FROM jsonb_array_elements(r -> 'headline') h WHERE h ->> 'name' = 'lost') AS headline, jsonb_array_length(r -> 'losses' -> 'customers') AS shown, r -> 'losses' ->> 'period_start' AS period_start
FROM (SELECT 'subs' AS name, retention_report('r_subs') AS r UNION ALL SELECT 'events', retention_report('r_events') UNION ALL SELECT 'earlier', retention_report('r_events', '2025-11-15')) q ORDER BY 1;
-- the ten are those of the views
SELECT s.s, (SELECT array_agg(c ->> 'customer') FROM jsonb_array_elements(r -> 'at_risk' -> 'customers') c) = (SELECT array_agg(v ->> 'customer' ORDER BY place) FROM (
    SELECT v, row_number() OVER (ORDER BY (v ->> 'risk_rank')::numeric, (v ->> 'customer')::bigint) AS place FROM jsonb_array_elements(rows_of(view_of(s.s, 'customers'))) v
    WHERE (v ->> 'risk_rank')::numeric < CASE s.s::text WHEN 'r_events' THEN 0.5 ELSE 2 END) v WHERE place <= 10) AS same
FROM unnest('{r_subs,r_events}'::regclass[]) s (s), retention_report(s.s) r;
SELECT r -> 'at_risk' -> 'customers' -> 0 AS first, r -> 'losses' -> 'customers' -> 0 AS longest FROM retention_report('r_subs') r;
SELECT r -> 'at_risk' -> 'customers' -> 0 AS first, r -> 'losses' -> 'customers' -> 0 AS longest FROM retention_report('r_events') r;
SELECT regexp_count(p, 'Customers most at risk|Largest losses') AS cards, p ~ '<script>' AS unescaped FROM retention_report_html('r_subs') p;
-- small counts and lists of persons exclude each other
SELECT retention_source_set('r_subs', suppress_below => 5);
SELECT retention_source_set('r_subs', list_customers => false), retention_source_set('r_events', list_customers => false);
-- small counts are hidden in a report, too, and its page is drawn without them
SELECT retention_source_set('r_subs', suppress_below => 20), retention_source_set('r_events', suppress_below => 20);
SELECT s.s, k.key, count(*) AS rows, count(*) FILTER (WHERE e ->> 'status' = 'suppressed' OR e -> 'at_start' = 'null' OR e -> 'customers' = 'null') AS hidden,
  count(*) FILTER (WHERE 20 > ANY (ARRAY[nullif((e ->> 'lost')::int, 0), nullif((e ->> 'gained')::int, 0), nullif((e ->> 'retained')::int, 0), nullif((e ->> 'at_start')::int, 0), nullif((e ->> 'new')::int, 0)])) AS small
FROM unnest('{r_subs,r_events}'::regclass[]) s (s), retention_report(s.s) r, unnest('{flow,cohorts,lifecycle,segments,stickiness}'::text[]) k (key), jsonb_array_elements(nullif(r -> k.key, 'null')) e GROUP BY 1, 2 ORDER BY s.s::text, 2;
SELECT length(retention_report_html('r_subs')) > 10000 AND length(retention_report_html('r_events')) > 10000 AS pages;
SELECT retention_source_set('r_subs', suppress_below => 0), retention_source_set('r_events', suppress_below => 0);
-- one customer, who always pays the same: all rates are 100 %
CREATE TABLE report_one AS SELECT 7 AS customer_id, date '2025-01-10' AS started, date '2025-06-10' AS ended, 9 AS amount;
SELECT retention_source('r_one', 'subscriptions', 'report_one', 'customer_id', 'started', 'ended', amount => 'amount', grid => 'month; time_zone=UTC');
SELECT length(retention_report_html('r_one')) > 10000 AS page;
-- a file for a spreadsheet: neither a text nor a heading, which may be the name of a segment, is a formula there
SELECT convert_from(decode(split_part(retention_internal.page_csv('[{"a": "=1+1", "b": -5, "c": null}, {"a": "x\"y", "b": "-5", "c": "@z"}]', ARRAY[['a', '=2+2', 'word'], ['b', 'b"q', 'count'], ['c', '-x', 'word']]), ',', 2), 'base64'), 'UTF8') AS file;

DROP SCHEMA report_other CASCADE;
SELECT retention_drop_source(source) FROM retention_sources WHERE source::text ~ '^r_|Neil';
DROP TABLE report_one, report_subs, report_events, report_again, report_kinds, report_names, report_gap, report_far, "Report ""odd"" <i>";
SELECT format('DROP TABLE %s', oid::regclass) FROM pg_class WHERE relname ~ '_report_run$' ORDER BY relname COLLATE "C"
\gexec
DROP VIEW "a'b\c
%";
DROP FUNCTION rows_of, view_of, odd, page_and_back, last_run, refused, said;
DROP ROLE regress_report_ann, "regress_report Ben";
