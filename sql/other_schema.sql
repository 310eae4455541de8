-- The extension in a schema that is not in the search_path, whose name has to be quoted: every kind of call works.
SELECT current_database() AS database \gset
CREATE DATABASE regress_other_schema;
\c regress_other_schema
SET client_min_messages = warning;
CREATE SCHEMA "X y";
CREATE EXTENSION retention SCHEMA "X y";
CREATE SCHEMA shop;
SET search_path = pg_catalog;
SET timezone = 'UTC';
SET datestyle = 'ISO';

CREATE TABLE shop.member (id bigint, plan text, started date, ended date, why text);
INSERT INTO shop.member SELECT i % 40, (ARRAY['basic', 'plus'])[1 + i % 2], date '2025-01-01' + i * 7 % 300,
  CASE WHEN i % 3 > 0 THEN date '2025-01-01' + i * 7 % 300 + i % 90 + 1 END, 'low usage' FROM generate_series(1,
  60) i;
CREATE TABLE shop.visit AS SELECT i % 50 AS customer, timestamptz '2025-01-01' + i * interval '5 hours' AS at,
  (ARRAY['web', 'app'])[1 + i % 50 % 2] AS channel FROM generate_series(1, 1500) i;

-- rates, flow, cohorts, history
SELECT "X y".retention_rate(20, 24, 5), "X y".churn_rate(20, 24, 5), "X y".compound_churn(5, 12) > 45 AS compound,
  "X y".rate_interval(5, 20), ("X y".rate_difference(5, 20, 9, 20)).difference;
SELECT "X y".retention_rate(id, started, ended, daterange('2025-03-01', '2025-04-01')), "X y".churn_rate(started,
  ended, daterange('2025-03-01', '2025-04-01')) FROM shop.member;
SELECT period_start, at_start, joined, lost, at_end FROM "X y".flow_periods((SELECT "X y".customer_flow(id, started,
  ended, 'month', daterange('2025-03-01', '2025-06-01')) FROM shop.member));
SELECT "X y".retention_rate((SELECT "X y".customer_flow(id, started, ended, daterange('2025-03-01', '2025-04-01'))
  FROM shop.member), 'kept') > 0 AS of_flow;
SELECT cohort, period, retained FROM "X y".cohort_cells((SELECT "X y".cohort_retention(customer, at,
  "X y".retention_grid('month', time_zone => 'UTC')) FROM shop.visit)) WHERE cohort = '2025-01-01' AND period < 3;
SELECT count(*) > 1 AS periods FROM "X y".retention_curve((SELECT "X y".cohort_retention(customer, at, 'week')
  FROM shop.visit), 'on_or_after');
SELECT count(*) > 1 AS lifecycle FROM "X y".lifecycle((SELECT "X y".cohort_retention(customer, at, 'month')
  FROM shop.visit));
SELECT sum(customers) FROM (SELECT "X y".cohort_retention(a) AS s FROM (SELECT "X y".activity(at, 'month') AS a
  FROM shop.visit GROUP BY customer) q) q, "X y".stickiness(s);
SELECT count(*) FROM "X y".retention_periods('quarter'::"X y".retention_grid, '2025-01-01', '2026-01-01');
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS OFF) SELECT "X y".cohort_retention(customer, at, 'month') FROM shop.visit;
RESET max_parallel_workers_per_gather;
-- survival, tests, drivers, reasons, reference
SELECT "X y".median_survival(s), "X y".survival_at(s, 10) > 0 AS at_10, ("X y".restricted_mean(s,
  30)).restricted_mean > 0 AS mean, ("X y".survival_summary(s)).customers FROM (SELECT "X y".survival(id, started,
  ended, '2026-01-01') AS s FROM shop.member) q;
SELECT ("X y".logrank_test(id % 9, true, plan)).df, ("X y".logrank_test(id % 9, true, id % 3)).df AS of_integers
  FROM shop.member;
SELECT covariate FROM "X y".cox_table((SELECT "X y".cox_fit(1 + id % 9, id % 2 = 0, ARRAY[id % 3]) FROM shop.member),
  '{three}');
SELECT DISTINCT cause FROM "X y".incidence_curve((SELECT "X y".cumulative_incidence(id % 9, plan)
  FROM shop.member)) ORDER BY 1;
SELECT "X y".landmark_known(1, 2), "X y".landmark_duration(3, 1);
SELECT attribute FROM "X y".driver_ranking((SELECT "X y".churn_drivers(ended IS NOT NULL, m)
  FROM shop.member m)) ORDER BY 1;
SELECT count(*) > 0 AS table FROM "X y".driver_table((SELECT "X y".churn_drivers(ended IS NOT NULL, plan)
  FROM shop.member));
SELECT count(*) > 0 AS survival_drivers FROM "X y".survival_driver_table((SELECT "X y".survival_drivers(id,
  ended IS NOT NULL, plan) FROM shop.member), '{10}');
SELECT reason, mitigated_by FROM "X y".reason_table((SELECT "X y".churn_reasons(why) FROM shop.member));
SELECT difference FROM "X y".against_benchmark(850, 1000, 'IT');
-- stored, compared, added up; as text and back
CREATE TABLE shop.kept AS SELECT plan, "X y".survival(id, ended IS NOT NULL) AS s, "X y".customer_flow(started,
  ended, daterange('2025-03-01', '2025-04-01')) AS f FROM shop.member GROUP BY plan;
SELECT ("X y".survival_summary("X y".rollup(s))).customers, "X y".rollup(f) IS NOT NULL AS flow FROM shop.kept;
SELECT count(*) AS same FROM (SELECT s, f FROM shop.kept
  INTERSECT SELECT s::text::"X y".retention_survival, f::text::"X y".retention_flow FROM shop.kept) q;
-- pictures
SELECT left("X y".retention_plot_survival(s, unit => 'days'), 4) AS svg, left("X y".retention_plot_survival(ARRAY[s],
  format => 'vega-lite'), 1) AS vega FROM shop.kept LIMIT 1;
SELECT left("X y".retention_plot_curve(c), 4) AS curve, left("X y".retention_heatmap(c), 4) AS heatmap,
  (SELECT count(*) > 1 FROM "X y".retention_heatmap_text(c)) AS text FROM (SELECT "X y".cohort_retention(customer,
  at, 'month') AS c FROM shop.visit) q;
-- sources, their views, kept facts, reports, runs
SELECT string_agg(line, '') ~ 'retention_source' AS guess FROM "X y".retention_guess('shop.member') line;
SELECT "X y".retention_source('members', 'subscriptions', 'shop.member', 'id', started => 'started', ended => 'ended', segments => '{plan}', reason => 'why', grid => 'month', as_of => $$date '2026-01-01'$$, schema => 'shop');
SELECT "X y".retention_source('visits', 'events', 'shop.visit', 'customer', at => 'at', segments => '{channel}',
  grid => 'month; time_zone=UTC', schema => 'shop');
SELECT "X y".retention_source_set('shop.members', 'week', NULL, 3);
SELECT count(*) AS views FROM (SELECT "X y".retention_create_views('shop.members')
  UNION ALL SELECT "X y".retention_create_views('shop.visits')) q;
SELECT count(*) > 0 AS flow FROM shop.members_flow;
SELECT count(*) > 0 AS cohorts FROM shop.visits_cohorts;
SELECT count(*) > 0 AS survival FROM shop.members_survival;
SELECT count(*) > 0 AS segments FROM shop.visits_segments;
SELECT "X y".retention_materialize('shop.visits');
INSERT INTO shop.visit VALUES (3, '2026-01-01', 'web');
SELECT count(*) AS refreshed FROM "X y".retention_refresh('shop.visits');
SELECT count(*) > 0 AS curve FROM shop.visits_curve;
SELECT "X y".retention_report('shop.members') ? 'flow' AS report,
  "X y".retention_report_html('shop.visits') ~ '<svg' AS page;
SELECT "X y".retention_run_report('shop.members', schema => 'shop') IS NOT NULL AS run;
CALL "X y".retention_run_job('shop.members', schema => 'shop');
SELECT count(*) AS runs FROM "X y".retention_report_runs('shop.members', 'shop');
SELECT count(*) >= 0 AS changes FROM "X y".retention_report_changes('shop.members', schema => 'shop');
\set VERBOSITY terse
SELECT "X y".retention_schedule('shop.members', '0 6 * * 1', 'shop');
SELECT "X y".retention_unmaterialize('shop.visits');
SELECT count(*) AS dropped FROM "X y".retention_drop_views('shop.members');
SELECT "X y".retention_drop_views('shop.visits') IS NOT NULL AS dropped LIMIT 1;
SELECT "X y".retention_drop_source('shop.visits'), "X y".retention_drop_source('shop.members');
SELECT "X y".retention_version() = extversion AS version FROM pg_extension WHERE extname = 'retention';
DROP EXTENSION retention CASCADE;
\c :database
DROP DATABASE regress_other_schema;
