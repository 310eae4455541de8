-- Every aggregate in every way that it can be run: the same answer from each.
SET datestyle = 'ISO';
SET timezone = 'UTC';

-- Whether a plan has a node.
CREATE FUNCTION plan_has(query text, node text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line text; found boolean := false;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
    found := found OR line ~ node;
  END LOOP;
  RETURN found;
END $$;

-- ---- flow ----
CREATE TABLE presence (customer bigint, plan text, started timestamptz, ended timestamptz) WITH (autovacuum_enabled = off);
INSERT INTO presence
SELECT c, (ARRAY['basic', 'plus', 'premium'])[1 + h % 3], t, CASE WHEN h % 4 > 0 THEN t + (h / 31 % 400) * interval '7 hours' END
FROM generate_series(1, 20000) c, abs(hashint8extended(c, 7)) h,
  LATERAL (SELECT timestamptz '2024-01-01' + (h / 7 % 20000) * interval '1 hour' AS t) l;
ANALYZE presence;

-- serial: what the other ways are compared with
SET max_parallel_workers_per_gather = 0;
CREATE TABLE flow_serial AS
SELECT plan, customer_flow(started, ended, 'month', tstzrange('2024-01-01', '2026-01-01')) AS flow,
  customer_flow(tstzrange(started, ended), tstzrange('2024-06-01', '2024-07-01')) AS one,
  retention_rate(started, ended, tstzrange('2024-06-01', '2024-07-01')) AS retention,
  churn_rate(tstzmultirange(tstzrange(started, ended)), tstzrange('2024-06-01', '2024-07-01')) AS churn
FROM presence GROUP BY GROUPING SETS ((plan), ());
SELECT plan, round(retention, 6) AS retention, round(churn, 6) AS churn, md5(split_part(flow::text, ' ', -1)), length(split_part(flow::text, ' ', -1)) > 400 AS long
FROM flow_serial ORDER BY plan;

CREATE VIEW flow_again AS
SELECT plan, customer_flow(started, ended, 'month', tstzrange('2024-01-01', '2026-01-01')) AS flow,
  customer_flow(tstzrange(started, ended), tstzrange('2024-06-01', '2024-07-01')) AS one,
  retention_rate(started, ended, tstzrange('2024-06-01', '2024-07-01')) AS retention,
  churn_rate(tstzmultirange(tstzrange(started, ended)), tstzrange('2024-06-01', '2024-07-01')) AS churn
FROM presence GROUP BY plan;
CREATE FUNCTION differs_from_serial(OUT rows bigint, OUT differ bigint) LANGUAGE sql AS $$
  SELECT count(*), count(*) FILTER (WHERE (d.flow::text, d.one::text, d.retention, d.churn)
    IS DISTINCT FROM (s.flow::text, s.one::text, s.retention, s.churn))
  FROM flow_again d JOIN flow_serial s USING (plan)
$$;

-- a view; sorted and hashed groups
SELECT * FROM differs_from_serial();
SET enable_hashagg = off;
SELECT * FROM differs_from_serial();
RESET enable_hashagg;

-- parallel: partial states made by workers, combined by the leader
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT plan_has('SELECT * FROM flow_again', 'Partial (Hash|Group)?Aggregate');
SELECT * FROM differs_from_serial();
SET parallel_leader_participation = off;
SELECT * FROM differs_from_serial();
RESET parallel_leader_participation;
-- workers without a row send NULL
SELECT customer_flow(started, ended, 'month', tstzrange('2024-01-01', '2026-01-01')) IS NULL AS nothing,
  retention_rate(started, ended, tstzrange('2024-06-01', '2024-07-01')) FROM presence WHERE customer < 0;
SELECT at_end FROM (SELECT customer_flow(started, ended, tstzrange('2020-01-01', '2024-07-01')) s FROM presence WHERE customer = 17) q,
  flow_periods(s);
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- hash aggregate that spills: many groups in little memory
SET enable_sort = off;
SET work_mem = '64kB';
SET max_parallel_workers_per_gather = 0;
SELECT plan_has($$SELECT customer % 3000, customer_flow(started, ended, 'month', tstzrange('2024-01-01', '2026-01-01'))
  FROM presence GROUP BY 1$$, 'Batches: ([2-9]|\d\d)');
CREATE TABLE flow_spilled AS SELECT customer % 3000 AS part, customer_flow(started, ended, 'month', tstzrange('2024-01-01', '2026-01-01')) AS flow
FROM presence GROUP BY 1;
RESET enable_sort;
RESET work_mem;
RESET max_parallel_workers_per_gather;
SELECT count(*) AS parts, rollup(flow)::text = (SELECT flow::text FROM flow_serial WHERE plan IS NULL) AS same FROM flow_spilled;

-- a group has its state in memory once (24 months take 2.2 kB, for which palloc takes 4)
CREATE FUNCTION hash_memory(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
    IF line ~ 'Memory Usage' THEN RETURN (regexp_match(line, 'Memory Usage: (\d+)kB'))[1]; END IF;
  END LOOP;
END $$;
SET enable_sort = off;
SET work_mem = '64MB';
SET max_parallel_workers_per_gather = 0;
SELECT hash_memory($$SELECT customer % 2000, customer_flow(started, ended, 'month', tstzrange('2024-01-01', '2026-01-01'))
  FROM presence GROUP BY 1$$) < 2000 * 8 AS once;
RESET enable_sort;
RESET work_mem;
RESET max_parallel_workers_per_gather;

-- window frames: each row's frame is the aggregate of its rows, and an earlier answer does not change
CREATE TABLE few AS SELECT *, row_number() OVER (ORDER BY customer) AS n FROM presence WHERE customer <= 60;
WITH w AS MATERIALIZED (
  SELECT n, customer_flow(started, ended, 'quarter', tstzrange('2024-01-01', '2026-01-01')) OVER (ORDER BY n) AS growing,
    customer_flow(started, ended, 'quarter', tstzrange('2024-01-01', '2026-01-01')) OVER (ORDER BY n ROWS BETWEEN 4 PRECEDING AND 2 FOLLOWING) AS sliding,
    retention_rate(started, ended, tstzrange('2024-06-01', '2024-07-01')) OVER (ORDER BY n) AS rate
  FROM few)
SELECT count(*), count(*) FILTER (WHERE growing::text IS DISTINCT FROM (SELECT customer_flow(started, ended, 'quarter', tstzrange('2024-01-01', '2026-01-01'))::text
    FROM few f WHERE f.n <= w.n)) AS growing_differ,
  count(*) FILTER (WHERE sliding::text IS DISTINCT FROM (SELECT customer_flow(started, ended, 'quarter', tstzrange('2024-01-01', '2026-01-01'))::text
    FROM few f WHERE f.n BETWEEN w.n - 4 AND w.n + 2)) AS sliding_differ,
  count(*) FILTER (WHERE rate IS DISTINCT FROM (SELECT retention_rate(started, ended, tstzrange('2024-06-01', '2024-07-01'))
    FROM few f WHERE f.n <= w.n)) AS rate_differ
FROM w;

-- FILTER, HAVING, ORDER BY inside the call, a cursor read in pieces, a prepared statement, LATERAL
SELECT count(*) FROM (SELECT plan FROM presence GROUP BY plan
  HAVING retention_rate(started, ended, tstzrange('2024-06-01', '2024-07-01')) > 0) q;
SELECT customer_flow(started, ended, 'month', tstzrange('2024-01-01', '2026-01-01')) FILTER (WHERE plan = 'plus')::text
    = (SELECT flow::text FROM flow_serial WHERE plan = 'plus') AS filtered,
  customer_flow(started, ended, 'month', tstzrange('2024-01-01', '2026-01-01') ORDER BY started DESC)::text
    = (SELECT flow::text FROM flow_serial WHERE plan IS NULL) AS ordered
FROM presence;
PREPARE flow_plan(text, retention_grid, tstzrange) AS SELECT customer_flow(started, ended, $2, $3)::text
  = (SELECT flow::text FROM flow_serial WHERE plan = $1) AS prepared FROM presence WHERE plan = $1;
EXECUTE flow_plan('plus', 'month', '[2024-01-01,2026-01-01)');
SET plan_cache_mode = force_generic_plan;
EXECUTE flow_plan('basic', 'month', '[2024-01-01,2026-01-01)');
RESET plan_cache_mode;
BEGIN;
DECLARE pieces CURSOR FOR SELECT d.plan, d.flow::text = s.flow::text AS same FROM flow_again d JOIN flow_serial s USING (plan) ORDER BY 1;
FETCH 1 FROM pieces;
FETCH 2 FROM pieces;
COMMIT;
SELECT p.plan, q.flow::text = s.flow::text AS lateral_same FROM (SELECT DISTINCT plan FROM presence) p,
  LATERAL (SELECT customer_flow(started, ended, 'month', tstzrange('2024-01-01', '2026-01-01')) AS flow FROM presence x WHERE x.plan = p.plan) q,
  flow_serial s WHERE s.plan = p.plan ORDER BY 1;

-- rollup of stored flows in any order and grouping, with NULLs between; over partial states of workers too
SELECT rollup(flow)::text = (SELECT flow::text FROM flow_serial WHERE plan IS NULL) AS same FROM flow_serial WHERE plan IS NOT NULL;
SELECT rollup(flow ORDER BY plan DESC)::text = (SELECT flow::text FROM flow_serial WHERE plan IS NULL) AS same FROM flow_serial WHERE plan IS NOT NULL;
SELECT rollup(f)::text = (SELECT flow::text FROM flow_serial WHERE plan IS NULL) AS same
FROM (SELECT flow f FROM flow_serial WHERE plan IS NOT NULL UNION ALL SELECT NULL) q;
SELECT rollup(NULL::retention_flow) IS NULL AS nothing;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT plan_has('SELECT rollup(flow) FROM flow_spilled', 'Partial Aggregate');
SELECT rollup(flow)::text = (SELECT flow::text FROM flow_serial WHERE plan IS NULL) AS same FROM flow_spilled;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- text round trip, binary COPY, short and toasted values
CREATE TABLE flow_text AS SELECT plan, flow::text::retention_flow AS flow, one::text::retention_flow AS one FROM flow_serial;
SELECT count(*) FILTER (WHERE t.flow::text <> s.flow::text OR t.one::text <> s.one::text) AS text_differ
FROM flow_text t JOIN flow_serial s ON t.plan IS NOT DISTINCT FROM s.plan;
CREATE TABLE flow_binary (plan text, flow retention_flow, one retention_flow);
DO $$
DECLARE file text := current_setting('data_directory') || '/retention_entry_points.copy';
BEGIN
  EXECUTE format('COPY (SELECT plan, flow, one FROM flow_serial) TO %L (FORMAT binary)', file);
  EXECUTE format('COPY flow_binary FROM %L (FORMAT binary)', file);
  EXECUTE format('COPY (SELECT) TO %L', file);
END $$;
SELECT count(*), count(*) FILTER (WHERE b.flow::text <> s.flow::text OR b.one::text <> s.one::text) AS binary_differ
FROM flow_binary b JOIN flow_serial s ON b.plan IS NOT DISTINCT FROM s.plan;
CREATE TABLE flow_stored (plan text, flow retention_flow);
ALTER TABLE flow_stored ALTER flow SET STORAGE external;
INSERT INTO flow_stored SELECT plan, flow FROM flow_serial WHERE plan IS NOT NULL;
INSERT INTO flow_stored SELECT 'one', one FROM flow_serial WHERE plan IS NULL;
SELECT rollup(flow)::text = (SELECT flow::text FROM flow_serial WHERE plan IS NULL) AS external_same FROM flow_stored WHERE plan <> 'one';
SELECT pg_column_size(flow) < 256 AS small, retention_rate(flow) = (SELECT retention FROM flow_serial WHERE plan IS NULL) AS same
FROM flow_stored WHERE plan = 'one';

-- large states pass through a sort, whose memory can neither be freed nor enlarged from 17 on: from tables, then from files
CREATE TABLE cohort_serial AS SELECT plan, cohort_retention(customer, started, 'month') AS cohorts FROM presence GROUP BY plan;
CREATE VIEW cohort_sorted AS SELECT plan, count(*), cohort_retention(customer, started, 'month') AS cohorts FROM presence GROUP BY plan;
SET retention.enable_batch_scan = off;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT plan_has('SELECT * FROM cohort_sorted', 'Sort Method') AS sorted, plan_has('SELECT * FROM cohort_sorted', 'Partial HashAggregate') AS hashed_first;
SELECT plan, p.cohorts::text = s.cohorts::text AS same FROM cohort_sorted p JOIN cohort_serial s USING (plan) ORDER BY plan;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT plan_has('SELECT * FROM cohort_sorted', 'Sort Method') AS sorted, plan_has('SELECT * FROM cohort_sorted', 'Partial HashAggregate') AS hashed_first;
SELECT plan, p.cohorts::text = s.cohorts::text AS same FROM cohort_sorted p JOIN cohort_serial s USING (plan) ORDER BY plan;
RESET ALL;

-- ---- revenue: contracts of a thousand random sets, in several currencies ----
\set oracle_revenue `echo "${PG_ABS_SRCDIR:-.}/test/oracle/revenue.sql"`
\set ECHO none
\i :oracle_revenue
\set ECHO all
CREATE TABLE rows AS SELECT set % 7 AS part, set * 10 + customer AS customer, md5((set * 10 + customer)::text)::uuid AS u, 'c' || set * 10 + customer AS t, started, ended, amount, currency, involuntary FROM oracle_contract;
ANALYZE rows;
CREATE FUNCTION answer(from_what text DEFAULT 'rows') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answer text;
BEGIN
  EXECUTE format('SELECT mrr_movements(customer, started, ended, amount, ''month; reactivation_within=30 days; time_zone=UTC'', ''[2024-01-01,2025-01-01)'', currency, involuntary)::text FROM %s', from_what) INTO answer;
  RETURN answer;
END $$;
SET max_parallel_workers_per_gather = 0;
SET retention.enable_batch_scan = off;
CREATE TABLE serial AS SELECT answer() AS a;
CREATE VIEW revenue_again AS
SELECT part, mrr_movements(customer, started, ended, amount, 'month; reactivation_within=30 days; time_zone=UTC', '[2024-01-01,2025-01-01)', currency, involuntary)::text AS revenue FROM rows GROUP BY part;
CREATE TABLE revenue_serial AS SELECT * FROM revenue_again;
CREATE FUNCTION groups_differ(OUT rows bigint, OUT differ bigint) LANGUAGE sql AS $$
  SELECT count(*), count(*) FILTER (WHERE a.revenue IS DISTINCT FROM s.revenue) FROM revenue_again a FULL JOIN revenue_serial s USING (part) $$;
SELECT length(a) > 5000 AS long, answer('(SELECT * FROM rows ORDER BY hashtext(t || started::text), amount) q') = a AS another_order,
  (SELECT rollup(m)::text FROM (SELECT mrr_movements(customer, started, ended, amount, 'month; reactivation_within=30 days; time_zone=UTC', '[2024-01-01,2025-01-01)', currency, involuntary) AS m
    FROM rows GROUP BY customer % 17) q) = a AS rollup,
  (SELECT mrr_movements(f, 'month; reactivation_within=30 days; time_zone=UTC', '[2024-01-01,2025-01-01)')::text FROM
    (SELECT mrr_history(started, ended, amount, currency, involuntary) AS f FROM rows WHERE customer IS NOT NULL GROUP BY customer) q) = a AS facts,
  (SELECT mrr_movements(f, 'month; reactivation_within=30 days; time_zone=UTC', '[2024-01-01,2025-01-01)')::text FROM
    (SELECT mrr_union(f) AS f FROM (SELECT customer, mrr_history(started, ended, amount, currency, involuntary) AS f FROM rows WHERE customer IS NOT NULL
      GROUP BY customer, hashtext(started::text || amount) % 3) p GROUP BY customer) q) = a AS united_facts,
  (SELECT count(*) FROM (SELECT customer, mrr_union(f)::text AS f FROM (SELECT customer, mrr_history(started, ended, amount, currency, involuntary) AS f FROM rows
      GROUP BY customer, hashtext(started::text) % 3) p GROUP BY customer
    EXCEPT SELECT customer, mrr_history(started, ended, amount, currency, involuntary)::text FROM rows GROUP BY customer) q) AS unions_differ,
  (SELECT mrr_movements(u, started, ended, amount, 'month; reactivation_within=30 days; time_zone=UTC', '[2024-01-01,2025-01-01)', currency, involuntary)::text FROM rows WHERE customer IS NOT NULL) = a AS uuids,
  (SELECT mrr_movements(t, started, ended, amount, 'month; reactivation_within=30 days; time_zone=UTC', '[2024-01-01,2025-01-01)', currency, involuntary)::text FROM rows WHERE customer IS NOT NULL) = a AS texts,
  (SELECT mrr_movements(customer::numeric, started, ended, amount, 'month; reactivation_within=30 days; time_zone=UTC', '[2024-01-01,2025-01-01)', currency, involuntary)::text FROM rows) = a AS numerics,
  split_part(a, ' ', -1)::retention_revenue::text = a AS digits
FROM serial;
SET enable_hashagg = off;
SELECT plan_has('SELECT * FROM revenue_again', 'GroupAggregate') AS sorted, g.* FROM groups_differ() g;
RESET enable_hashagg;
SET enable_sort = off;
SET work_mem = '64kB';
SELECT plan_has('SELECT customer, mrr_movements(customer, started, ended, amount, ''month'', ''[2024-01-01,2025-01-01)'', currency) FROM rows GROUP BY 1', 'Batches: ([2-9]|\d\d)') AS spills, g.*, answer() = a AS all_spilled
FROM serial, groups_differ() g;
SELECT rollup(m)::text = a AS spilled_groups FROM serial, (SELECT mrr_movements(customer, started, ended, amount, 'month; reactivation_within=30 days; time_zone=UTC', '[2024-01-01,2025-01-01)', currency, involuntary) AS m
  FROM rows GROUP BY customer) q GROUP BY a;
RESET enable_sort;
RESET work_mem;
SET retention.enable_batch_scan = on;
SELECT plan_has('SELECT * FROM revenue_again', 'Retention') AS batch_scan, g.*, answer() = a AS of_all FROM serial, groups_differ() g;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT plan_has('SELECT * FROM revenue_again', 'Gather') AND plan_has('SELECT * FROM revenue_again', 'Retention') AS parallel_batch_scan, g.*, answer() = a AS of_all FROM serial, groups_differ() g;
SET retention.enable_batch_scan = off;
SELECT plan_has('SELECT * FROM revenue_again', 'Partial (Hash|Group)?Aggregate') AS parallel, g.*, answer() = a AS of_all FROM serial, groups_differ() g;
SET parallel_leader_participation = off;
SELECT g.*, answer() = a AS of_all FROM serial, groups_differ() g;
RESET parallel_leader_participation;
RESET retention.enable_batch_scan;
RESET max_parallel_workers_per_gather;
-- binary COPY, out of line
CREATE TABLE revenue_stored (customer bigint, m retention_revenue, f retention_mrr);
ALTER TABLE revenue_stored ALTER m SET STORAGE external, ALTER f SET STORAGE external;
INSERT INTO revenue_stored SELECT NULL, split_part(a, ' ', -1)::retention_revenue, NULL FROM serial
UNION ALL SELECT customer, NULL, mrr_history(started, ended, amount, currency, involuntary) FROM rows WHERE customer IS NOT NULL GROUP BY customer;
DO $$
DECLARE file text := current_setting('data_directory') || '/retention_entry_points.copy';
BEGIN
  EXECUTE format('COPY revenue_stored TO %L (FORMAT binary)', file);
  EXECUTE format('COPY revenue_stored FROM %L (FORMAT binary)', file);
  EXECUTE format('COPY (SELECT) TO %L', file);
END $$;
SELECT count(*) > 1000 AS many, count(*) FILTER (WHERE n <> 2 OR different > 1) AS differ FROM (SELECT customer, count(*) AS n, count(DISTINCT f::text) AS different FROM revenue_stored GROUP BY 1) c;
SELECT bool_and(m::text = a) AS same, count(*), min(pg_column_size(m)) > 2000 AS large, (SELECT mrr_movements(f, 'month; reactivation_within=30 days; time_zone=UTC', '[2024-01-01,2025-01-01)')::text FROM (SELECT DISTINCT ON (customer) f FROM revenue_stored) c) = min(a) AS facts_same
FROM revenue_stored, serial WHERE m IS NOT NULL;
-- without a currency: one base; the other types of time, too
SELECT count(*) AS periods, bool_and(ways = 8 AND answers = 1) AS same FROM (SELECT period_start, count(*) AS ways, count(DISTINCT a) AS answers FROM (SELECT period_start, to_jsonb(r)::text AS a FROM (
    SELECT 1, mrr_movements(customer, started, ended, amount, 'month; as_of=2025-01-01', '[2024-01-01,2025-01-01)') FROM rows
    UNION ALL SELECT 2, mrr_movements(u, started, ended, amount, 'month; as_of=2025-01-01', '[2024-01-01,2025-01-01)') FROM rows WHERE customer IS NOT NULL
    UNION ALL SELECT 3, mrr_movements(t, started, ended, amount, 'month; as_of=2025-01-01', '[2024-01-01,2025-01-01)') FROM rows WHERE customer IS NOT NULL
    UNION ALL SELECT 4, mrr_movements(customer, started::timestamp, ended::timestamp, amount, 'month; as_of=2025-01-01', '[2024-01-01,2025-01-01)') FROM rows
    UNION ALL SELECT 5, mrr_movements(customer, started::timestamptz, ended::timestamptz, amount, 'month; as_of=2025-01-01', '[2024-01-01,2025-01-01)') FROM rows
    UNION ALL SELECT 6, mrr_movements(customer, started, ended, amount, 'month; as_of=2025-01-01', '[2024-01-01,2025-01-01)', NULL) FROM rows
    UNION ALL SELECT 7, mrr_movements(f, 'month; as_of=2025-01-01', '[2024-01-01,2025-01-01)') FROM (SELECT mrr_history(started, ended, amount) AS f FROM rows WHERE customer IS NOT NULL GROUP BY customer) q
    UNION ALL SELECT 8, mrr_movements(f, 'month; as_of=2025-01-01', '[2024-01-01,2025-01-01)') FROM (SELECT mrr_history(started::timestamptz, ended::timestamptz, amount) AS f FROM rows WHERE customer IS NOT NULL GROUP BY customer) q
  ) s (kind, m), revenue_periods(m) r) q GROUP BY period_start) q;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

SET client_min_messages = warning;
DROP VIEW flow_again, cohort_sorted CASCADE;
DROP TABLE presence, flow_serial, flow_spilled, few, flow_text, flow_binary, flow_stored, cohort_serial, oracle_contract, rows, serial, revenue_serial, revenue_stored CASCADE;
DROP FUNCTION differs_from_serial, plan_has, hash_memory, answer, groups_differ, oracle_changes, oracle_revenue;
