-- The batch scan and aggregates that others make of the functions of this extension; settings that change from row to row.
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET client_min_messages = warning;
-- Nothing but the settings that there are.
LOAD 'retention';
SET retention.enable_batch_scans = off;

CREATE ROLE batch_scan_builder;
CREATE SCHEMA batch_scan_hostile AUTHORIZATION batch_scan_builder;
SET search_path = batch_scan_hostile, public;
SET ROLE batch_scan_builder;
CREATE TABLE visit AS SELECT i % 100 AS customer, date '2024-01-01' + (i % 90)::integer AS at, date '2024-07-01' AS ended, i AS x FROM generate_series(1::bigint, 1000) i;
ANALYZE visit;

-- What a query answers without and with the batch scan, and whether its plan has it.
CREATE FUNCTION asked(query text, OUT scanned boolean, OUT without text, OUT same boolean) LANGUAGE plpgsql AS $$
DECLARE answer text; detail text; line text;
BEGIN
  FOR i IN 1 .. 2 LOOP
    PERFORM set_config('retention.enable_batch_scan', (ARRAY['off', 'on'])[i], true), set_config('timezone', 'UTC', true);
    BEGIN
      EXECUTE format('SELECT string_agg(q::text, '' '' ORDER BY q::text) FROM (%s) q', query) INTO answer;
    EXCEPTION WHEN others THEN
      GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
      answer := concat_ws(' ', sqlstate, sqlerrm, detail);
    END;
    IF i = 1 THEN without := answer; END IF;
  END LOOP;
  same := answer IS NOT DISTINCT FROM without;
  scanned := false;
  FOR line IN EXECUTE 'EXPLAIN ' || query LOOP scanned := scanned OR line ~ 'RetentionScan'; END LOOP;
EXCEPTION WHEN insufficient_privilege THEN scanned := NULL; -- no plan is shown
END $$;
\pset null ~

-- ---- An aggregate of one of our transition functions and one of our final functions ----
CREATE AGGREGATE flow_of_rate(bigint, date, retention_span, retention_span) (SFUNC = retention_internal.cohort_rate_transfn, STYPE = retention_internal.retention_population,
  FINALFUNC = retention_internal.flow_customers_retention_final);
CREATE AGGREGATE rate_of_cohorts(bigint, date, retention_grid) (SFUNC = retention_internal.cohort_transfn, STYPE = retention_internal.retention_population,
  FINALFUNC = retention_internal.cohort_retention_rate_final);
CREATE AGGREGATE churn_of_cohorts(bigint, date, retention_grid) (SFUNC = retention_internal.cohort_transfn, STYPE = retention_internal.retention_population,
  FINALFUNC = retention_internal.cohort_churn_rate_final);
CREATE AGGREGATE rate_of_flow(bigint, date, date, retention_grid, retention_span) (SFUNC = retention_internal.flow_bigint_date_grid_transfn, STYPE = retention_internal.retention_population,
  FINALFUNC = retention_internal.cohort_retention_rate_final);
CREATE AGGREGATE cohorts_of_rate(bigint, date, retention_span, retention_span) (SFUNC = retention_internal.cohort_rate_transfn, STYPE = retention_internal.retention_population,
  FINALFUNC = retention_internal.cohort_final);
CREATE AGGREGATE same_as_ours(bigint, date, retention_grid) (SFUNC = retention_internal.cohort_transfn, STYPE = retention_internal.retention_population,
  FINALFUNC = retention_internal.cohort_final);
SELECT left(a.without, 90) AS without, a.scanned, a.same
FROM unnest(ARRAY[
  $$SELECT flow_of_rate(customer, at, '[2024-01-01,2024-02-01)', '[2024-03-01,2024-04-01)') FROM visit$$,
  $$SELECT rate_of_cohorts(customer, at, 'month') FROM visit$$,
  $$SELECT churn_of_cohorts(customer, at, 'month') FROM visit$$,
  $$SELECT rate_of_flow(customer, at, ended, 'month', '[2024-01-01,2024-06-01)') FROM visit$$,
  $$SELECT cohorts_of_rate(customer, at, '[2024-01-01,2024-02-01)', '[2024-03-01,2024-04-01)') FROM visit$$]) q, asked(q) a;
SELECT scanned, same FROM asked($$SELECT same_as_ours(customer, at, 'month') FROM visit$$);
-- ---- One with a first state: its customers count ----
CREATE AGGREGATE state_of(bigint, date, retention_grid) (SFUNC = retention_internal.cohort_transfn, STYPE = retention_internal.retention_population);
SELECT state_of(1000 + i, date '2024-01-01' + i::integer, 'month') AS state FROM generate_series(1::bigint, 50) i \gset
CREATE AGGREGATE begun(bigint, date, retention_grid) (SFUNC = retention_internal.cohort_transfn, STYPE = retention_internal.retention_population,
  FINALFUNC = retention_internal.cohort_final, INITCOND = :'state');
SELECT * FROM asked($$SELECT (cohort_totals(begun(customer, at, 'month'))).customers FROM visit$$);
-- ---- Who may not call what an aggregate is made of ----
RESET ROLE;
GRANT batch_scan_builder TO CURRENT_USER;
BEGIN;
REVOKE EXECUTE ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, retention_grid) FROM PUBLIC;
SET LOCAL ROLE batch_scan_builder;
SELECT * FROM asked($$SELECT same_as_ours(customer, at, 'month') FROM visit$$);
-- The aggregate's own owner is asked, not who calls it.
SELECT scanned, same FROM asked($$SELECT cohort_retention(customer, at, 'month') FROM visit$$);
ROLLBACK;
-- As if the extension belonged to somebody who may not call its functions.
BEGIN;
ALTER AGGREGATE cohort_retention(bigint, date, retention_grid) OWNER TO batch_scan_builder;
REVOKE EXECUTE ON FUNCTION retention_internal.cohort_final(retention_internal.retention_population) FROM PUBLIC;
SELECT * FROM asked($$SELECT cohort_retention(customer, at, 'month') FROM batch_scan_hostile.visit$$);
GRANT EXECUTE ON FUNCTION retention_internal.cohort_final(retention_internal.retention_population) TO batch_scan_builder;
REVOKE EXECUTE ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, retention_grid) FROM PUBLIC;
SELECT * FROM asked($$SELECT cohort_retention(customer, at, 'month') FROM batch_scan_hostile.visit$$);
ROLLBACK;

-- ---- Members come and go ----
-- Who owns the extension can make anything its member.
ALTER EXTENSION retention ADD AGGREGATE batch_scan_hostile.begun(bigint, date, retention_grid);
ALTER EXTENSION retention ADD AGGREGATE batch_scan_hostile.rate_of_cohorts(bigint, date, retention_grid);
ALTER EXTENSION retention ADD AGGREGATE batch_scan_hostile.same_as_ours(bigint, date, retention_grid);
SELECT * FROM asked($$SELECT (cohort_totals(begun(customer, at, 'month'))).customers FROM visit$$);
SELECT * FROM asked($$SELECT rate_of_cohorts(customer, at, 'month') FROM visit$$);
SELECT scanned, same FROM asked($$SELECT same_as_ours(customer, at, 'month') FROM visit$$);
-- It is no member any more, and then another aggregate: the next plan knows, and so does one that was kept.
SET plan_cache_mode = force_generic_plan;
PREPARE kept AS SELECT (cohort_totals(same_as_ours(customer, at, 'month'))).customers FROM visit;
EXECUTE kept;
EXPLAIN (COSTS OFF) EXECUTE kept;
ALTER EXTENSION retention DROP AGGREGATE batch_scan_hostile.same_as_ours(bigint, date, retention_grid);
SELECT scanned, same FROM asked($$SELECT same_as_ours(customer, at, 'month') FROM visit$$);
EXECUTE kept;
ALTER EXTENSION retention ADD AGGREGATE batch_scan_hostile.same_as_ours(bigint, date, retention_grid);
CREATE OR REPLACE AGGREGATE same_as_ours(bigint, date, retention_grid) (SFUNC = retention_internal.cohort_transfn, STYPE = retention_internal.retention_population,
  FINALFUNC = retention_internal.cohort_final, INITCOND = :'state');
EXECUTE kept;
EXPLAIN (COSTS OFF) EXECUTE kept;
SELECT * FROM asked($$SELECT (cohort_totals(same_as_ours(customer, at, 'month'))).customers FROM visit$$);
DEALLOCATE kept;
ALTER EXTENSION retention DROP AGGREGATE batch_scan_hostile.begun(bigint, date, retention_grid);
ALTER EXTENSION retention DROP AGGREGATE batch_scan_hostile.rate_of_cohorts(bigint, date, retention_grid);
ALTER EXTENSION retention DROP AGGREGATE batch_scan_hostile.same_as_ours(bigint, date, retention_grid);
-- A function of ours is another one.
BEGIN;
PREPARE kept AS SELECT (cohort_totals(cohort_retention(customer, at, 'month'))).customers FROM visit;
EXECUTE kept;
EXPLAIN (COSTS OFF) EXECUTE kept;
CREATE OR REPLACE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, retention_grid)
RETURNS retention_internal.retention_population LANGUAGE sql AS 'SELECT $1';
EXECUTE kept;
EXPLAIN (COSTS OFF) EXECUTE kept;
ROLLBACK;
EXECUTE kept;
DEALLOCATE kept;
-- The extension goes, and comes again.
BEGIN;
PREPARE kept AS SELECT (cohort_totals(cohort_retention(customer, at, 'month'))).customers FROM visit;
EXECUTE kept;
DROP EXTENSION retention CASCADE;
CREATE EXTENSION retention SCHEMA public;
EXECUTE kept;
EXPLAIN (COSTS OFF) EXECUTE kept;
ROLLBACK;
DEALLOCATE kept;

-- ---- The session's time zone changes from row to row ----
SET ROLE batch_scan_builder;
CREATE TABLE moment AS SELECT i % 50 AS customer, timestamptz '2024-01-01' + i * interval '37 minutes' AS at, timestamptz '2024-12-01' AS ended, i AS x FROM generate_series(1::bigint, 3000) i;
ANALYZE moment;
CREATE FUNCTION here(x bigint, every bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM set_config('timezone', CASE WHEN x % every = 0 THEN 'Asia/Tokyo' ELSE 'UTC' END, true);
  RETURN true;
END $$;
SET enable_sort = off;
SELECT CASE WHEN a.without ~ 'grids' THEN a.without ELSE 'an answer' END AS without, a.scanned, a.same
FROM unnest(ARRAY[
  $$SELECT cohort_retention(customer, at, 'month') FROM moment WHERE here(x, 3)$$,
  -- once in a page, but never in its last row
  $$SELECT cohort_retention(customer, at, 'month') FROM moment WHERE here(x, 1000)$$,
  $$SELECT cohort_retention(customer, at, at, 'month') FROM moment WHERE here(x, 3)$$,
  $$SELECT cohort_retention(customer, at, 'month') FROM (SELECT *, here(x, 1000) FROM moment OFFSET 0) m$$,
  $$SELECT customer_flow(customer, at, ended, 'month', tstzrange('2024-01-01', '2024-06-01')) FROM moment WHERE here(x, 1000)$$,
  -- a grid with a zone of its own, none at all, and groups that each have one
  $$SELECT cohort_retention(customer, at, 'month; time_zone=Asia/Kolkata') FROM moment WHERE here(x, 3)$$,
  $$SELECT customer_flow(customer, at, ended, tstzrange('2024-01-01 00:00+00', '2024-06-01 00:00+00')) FROM moment WHERE here(x, 3)$$,
  $$SELECT x % 3 = 0, cohort_retention(customer, at, 'month') FROM moment WHERE here(x, 3) GROUP BY 1$$,
  $$SELECT x % 3 = 0, cohort_retention(customer, at::timestamp, 'day') FROM moment WHERE here(x, 3) GROUP BY 1$$,
  $$SELECT x % 3 = 0, customer_flow(customer, at, ended, 'month', tstzrange('2024-01-01', '2024-06-01')) FROM moment WHERE here(x, 3) GROUP BY 1$$]) q, asked(q) a;

-- groups that are divided: each row keeps the zone it was read in (what the server's own aggregate writes to files does not)
CREATE FUNCTION answer(query text, batches text, memory text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
  PERFORM set_config('retention.enable_batch_scan', batches, true), set_config('work_mem', memory, true), set_config('timezone', 'UTC', true);
  EXECUTE format('SELECT md5(string_agg(q::text, '' '' ORDER BY q::text)) FROM (%s OFFSET 0) q', query) INTO answer;
  RETURN answer;
EXCEPTION WHEN others THEN RETURN sqlerrm;
END $$;
SELECT length(a), a = answer(q, 'on', '64kB') AS same
FROM unnest(ARRAY[
  $$SELECT x % 300, cohort_retention(customer, at, 'month') FROM moment WHERE here(x, 3) GROUP BY 1$$,
  $$SELECT x % 600, cohort_retention(customer, at::timestamp, 'day') FROM moment WHERE here(x, 3) GROUP BY 1$$,
  $$SELECT x % 400, cohort_retention(customer, at, 'month') FROM moment WHERE here(x, 3) GROUP BY 1$$]) q, answer(q, 'off', '64MB') a;

-- ---- Rows that somebody may not see come to none of their functions ----
CREATE FUNCTION leak(x bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE COST 0.0001 PARALLEL SAFE AS $$
BEGIN
  IF x % 7 <> 0 THEN RAISE 'seen: %', x; END IF;
  RETURN x;
END $$;
RESET ROLE;
CREATE TABLE secret AS SELECT * FROM visit;
ANALYZE secret;
CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM secret WHERE x % 7 = 0;
GRANT SELECT ON barrier, secret TO batch_scan_builder;
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY sevenths ON secret TO batch_scan_builder USING (x % 7 = 0);
SET ROLE batch_scan_builder;
SELECT left(a.without, 30) AS without, a.scanned, a.same
FROM unnest('{secret,barrier}'::text[]) t, unnest(ARRAY[
  $$SELECT (cohort_totals(cohort_retention(customer, at, 'month'))).rows_seen FROM %I WHERE leak(x) > 20$$,
  $$SELECT (cohort_totals(cohort_retention(customer, at, 'month') FILTER (WHERE leak(x) > 20))).rows_seen FROM %I$$,
  $$SELECT (cohort_totals(cohort_retention(leak(x), at, 'month'))).rows_seen FROM %I WHERE x > 20 AND at IS NOT NULL$$,
  $$SELECT count(*) FROM (SELECT cohort_retention(customer, at, 'month') FROM %I GROUP BY leak(x) %% 14 HAVING cohort_retention(leak(x), at, 'month') IS NOT NULL) q$$]) q,
  asked(format(q, t)) a ORDER BY t, q;

-- ---- Expressions with sub-selects, domains and types of others ----
CREATE DOMAIN customer_id AS bigint CHECK (value < 99);
CREATE TYPE plan AS ENUM ('basic', 'plus');
CREATE TYPE place AS (country text, city text);
CREATE TABLE odd AS SELECT *, (ARRAY['basic', 'plus', NULL])[1 + x % 3]::plan AS plan, ROW(x % 2, x % 3)::place AS place, int4range((x % 3)::integer, 7) AS span FROM visit;
ANALYZE odd;
SELECT CASE WHEN a.without LIKE '(%' THEN 'an answer' ELSE a.without END AS without, a.scanned, a.same
FROM unnest(ARRAY[
  $$SELECT md5(cohort_retention((SELECT max(v.customer) FROM visit v WHERE v.x = o.x), at, 'month')::text) FROM odd o$$,
  $$SELECT md5(cohort_retention(customer, at, 'month') FILTER (WHERE EXISTS (SELECT FROM visit v WHERE v.x = o.x + 500))::text) FROM odd o$$,
  $$SELECT cohort_retention(customer::customer_id, at, 'month') FROM odd$$,
  $$SELECT md5(cohort_retention(customer::customer_id, at, 'month') FILTER (WHERE customer < 99)::text) FROM odd$$,
  $$SELECT md5(cohort_retention(plan::text, at, 'month')::text) FROM odd$$,
  $$SELECT md5(string_agg(k, ' ' ORDER BY k)) FROM (SELECT concat(plan, md5(cohort_retention(customer, at, 'month')::text)) AS k FROM odd GROUP BY plan) q$$,
  $$SELECT md5(string_agg(k, ' ' ORDER BY k)) FROM (SELECT concat(place, md5(cohort_retention(customer, at, 'month')::text)) AS k FROM odd GROUP BY place) q$$,
  $$SELECT md5(string_agg(k, ' ' ORDER BY k)) FROM (SELECT concat(span, md5(cohort_retention(customer, at, 'month')::text)) AS k FROM odd GROUP BY span) q$$]) q, asked(q) a;

RESET ROLE;
SET client_min_messages = error;
DROP SCHEMA batch_scan_hostile CASCADE;
DROP ROLE batch_scan_builder;
