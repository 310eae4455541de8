-- The batch scan: which queries are taken, and which are left to the server. (t/055_batch_scan.pl asks whether the answers
-- are the same; here each is compared once.)
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET client_min_messages = warning;
CREATE SCHEMA batch_scan_test;
SET search_path = batch_scan_test, public;

CREATE TABLE visit (customer bigint, small integer, id uuid, name text, at date, moment timestamptz, ended date, plan text, x integer, good boolean) WITH (autovacuum_enabled = off);
INSERT INTO visit
  SELECT i % 50, i % 50, md5((i % 50)::text)::uuid, 'c' || i % 50, date '2024-01-01' + i % 300, timestamptz '2024-01-01' + i % 300 * interval '1 day',
    CASE WHEN i % 3 > 0 THEN date '2024-11-01' + i % 30 END, (ARRAY['basic', 'plus', NULL])[1 + i % 3], i % 100, i % 2 = 0
  FROM generate_series(1, 1000) i;
CREATE TABLE part (LIKE visit) PARTITION BY RANGE (at);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2024-04-01');
CREATE TABLE part_2 (x integer, plan text, lost text, ended date, moment timestamptz, at date, name text, id uuid, small integer, customer bigint, good boolean);
ALTER TABLE part_2 DROP COLUMN lost;
ALTER TABLE part ATTACH PARTITION part_2 DEFAULT;
INSERT INTO part SELECT * FROM visit;
CREATE TABLE parent (LIKE visit);
CREATE TABLE child (more text) INHERITS (parent);
INSERT INTO child SELECT *, 'more' FROM visit;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM visit;
CREATE INDEX ON visit (x);
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
ANALYZE;

-- 16 and later sort before the aggregate.
DO $$ BEGIN
  PERFORM set_config(name, 'off', false) FROM pg_settings WHERE name = 'enable_presorted_aggregate';
END $$;
-- The nodes of a query's plan, and whether it answers the same without the batch scan.
CREATE FUNCTION asked(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE answers text[]; answer text; line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    IF line !~ ':|InitPlan' THEN RETURN NEXT line; END IF;
  END LOOP;
  FOREACH answer IN ARRAY ARRAY['on', 'off'] LOOP
    PERFORM set_config('retention.enable_batch_scan', answer, true);
    EXECUTE format('SELECT string_agg(q::text, E''\n'' ORDER BY q::text) FROM (%s) q', query) INTO answer;
    answers := answers || coalesce(answer, 'none');
  END LOOP;
  PERFORM set_config('retention.enable_batch_scan', 'on', true);
  RETURN NEXT CASE WHEN answers[1] = answers[2] THEN 'the same' ELSE 'DIFFERENT' END;
END $$;
\pset tuples_only on
\pset format unaligned

-- ---- Taken ----
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM visit$$);
SELECT asked($$SELECT cohort_retention(small, moment, 'month', good, x > 5) FROM visit$$);
SELECT asked($$SELECT cohort_retention(id, at, moment, 'month; windows=elapsed') FROM visit$$);
SELECT asked($$SELECT cohort_retention(name, moment, 'week; cohorts=recurring; brackets=1,2-3; min_events=2') FROM visit$$);
SELECT asked($$SELECT cohort_retention(name::varchar, at, 'month') FROM visit$$);
SELECT asked($$SELECT retention_rate(customer, at, daterange('2024-01-01', '2024-02-01'), daterange('2024-03-01', '2024-04-01')),
  churn_rate(customer, at, daterange('2024-01-01', '2024-02-01'), daterange('2024-03-01', '2024-04-01')) FROM visit$$);
SELECT asked($$SELECT customer_flow(customer, at, ended, 'month', daterange('2024-01-01', '2024-12-01')), customer_flow(id, at, ended, daterange('2024-01-01', '2024-12-01')),
  retention_rate(name, at, ended, daterange('2024-03-01', '2024-05-01')), churn_rate(customer, at, ended, daterange('2024-03-01', '2024-05-01')) FROM visit$$);
-- purchases, with refunds and without amounts
SELECT asked($$SELECT customer_value(customer, at, x - 10, 'week; as_of=2024-09-01'), customer_value(id, moment, NULL, 'month'), cohort_value(name, at, x / 7.0, 'month; min_events=2'),
  cohort_value(small, moment, x, 'week; windows=elapsed; as_of=2024-09-01', good, x > 5) FROM visit$$);
SELECT asked($$SELECT plan, customer_value(customer, moment, x, 'day') FILTER (WHERE good), cohort_value(id, at, -x, 'month') FROM visit GROUP BY plan$$);
-- conditions, FILTER, groups, HAVING, an order
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM visit WHERE at >= '2024-03-01' AND x < 60 AND plan IS NOT NULL$$);
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM visit WHERE name LIKE 'c1%' OR good$$);
SELECT asked($$SELECT plan, cohort_retention(customer, at, 'month') FILTER (WHERE good), retention_rate(customer, at, daterange('2024-01-01', '2024-02-01'), daterange('2024-03-01', '2024-04-01')) AS r
  FROM visit GROUP BY plan HAVING churn_rate(customer, at, daterange('2024-01-01', '2024-02-01'), daterange('2024-03-01', '2024-04-01')) >= 0 ORDER BY plan$$);
SELECT asked($$SELECT x % 3, date_trunc('quarter', at), cohort_retention(customer, at, 'month')::text FROM visit GROUP BY 1, 2$$);
-- the server's own aggregates beside ours
SELECT asked($$SELECT cohort_retention(customer, at, 'month'), count(*), count(plan), count(*) FILTER (WHERE good), sum(x), sum(small), sum(customer), sum(x * 1.5), avg(x), avg(small),
  avg(customer), avg(x::numeric / 7), min(x), max(small), min(customer), min(at), max(moment), max(moment::time), min(name), max(plan), sum(x) FILTER (WHERE x < 0) FROM visit$$);
SELECT asked($$SELECT plan, count(*) > 5, cohort_retention(customer, at, 'month') FILTER (WHERE x < 50), max(name || x), avg(x) FILTER (WHERE good)
  FROM visit GROUP BY plan HAVING sum(x) > 10 AND count(*) > 1 ORDER BY count(*)$$);
SELECT asked($$SELECT count(*), count(plan), sum(x), avg(x), avg(customer), min(name), cohort_retention(customer, at, 'month') FROM visit WHERE x * 2 < 0$$);
CREATE TABLE number AS SELECT customer, at, good, CASE x % 9 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' WHEN 2 THEN NULL WHEN 3 THEN x / 3.0 ELSE x END::numeric AS n, x % 9 AS g FROM visit;
ANALYZE number;
SELECT asked($$SELECT g, good, cohort_retention(customer, at, 'month'), sum(n), avg(n), sum(n) FILTER (WHERE n < 50) FROM number GROUP BY g, good$$);
-- tables of other kinds
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM part$$);
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM part WHERE at < '2024-03-01'$$);
SET enable_partitionwise_aggregate = on;
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM part$$);
SELECT asked($$SELECT plan, cohort_retention(customer, at, 'month'), count(*) FROM part GROUP BY plan$$);
RESET enable_partitionwise_aggregate;
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM parent$$);
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM kept$$);
-- not a scan of a table: its rows come one by one
SET enable_seqscan = off;
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM visit WHERE x = 7$$);
RESET enable_seqscan;
SELECT asked($$SELECT cohort_retention(v.customer, v.at, 'month') FROM visit v JOIN (VALUES ('basic'), ('plus')) p (plan) USING (plan)$$);
SELECT asked($$SELECT cohort_retention(i, date '2024-01-01' + i, 'month') FROM generate_series(1, 100) i$$);
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM (SELECT DISTINCT customer, at FROM visit) v$$);
-- a grid that is computed, and one of an outer row
SELECT asked($$SELECT cohort_retention(customer, at, (SELECT retention_grid('month', as_of => (SELECT max(at) FROM visit)))) FROM visit$$);
SELECT asked($$SELECT g, s::text FROM unnest('{month,week,quarter}'::retention_grid[]) g, LATERAL (SELECT cohort_retention(customer, at, g) AS s FROM visit WHERE x <> length(g::text)) l$$);
-- the index for a few rows, the table in its order for many, though the server prefers an index there, too
CREATE TABLE indexed AS SELECT i AS id, i % 1000 AS customer, date '2024-01-01' + i % 300 AS at, repeat('w', 40) AS w FROM generate_series(1, 20000) i;
ALTER TABLE indexed ADD PRIMARY KEY (id);
ANALYZE indexed;
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM indexed WHERE id = 7$$);
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM indexed WHERE id <= 8000$$);
SELECT line FROM asked($$SELECT max(customer), max(at) FROM indexed WHERE id <= 8000$$) line WHERE line ~ '->';
-- how many groups an expression of time has
CREATE TABLE moment AS SELECT i % 100 AS customer, timestamptz '2023-01-01 00:00+00' + i * interval '53 minutes' AS at, (date '2023-01-01' + i % 700)::timestamp AS t, date '2023-01-01' + i % 700 AS d, i % 4 AS g FROM generate_series(1, 20000) i;
INSERT INTO moment VALUES (1, 'infinity', '-infinity', 'infinity', 1), (1, NULL, NULL, NULL, NULL);
ANALYZE moment;
CREATE FUNCTION estimated(grouped text, OUT groups integer, OUT scanned boolean, OUT really integer) LANGUAGE plpgsql AS $$
DECLARE plan json; query text := format('SELECT %s, cohort_retention(customer, t, ''month'') FROM moment WHERE isfinite(t) GROUP BY %1$s', grouped);
BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
  groups := plan #> '{0,Plan,Plan Rows}';
  scanned := plan #>> '{0,Plan,Node Type}' = 'Custom Scan';
  EXECUTE format('SELECT count(*) FROM (%s) q', query) INTO really;
END $$;
SELECT e, (estimated(e)).* FROM unnest(ARRAY[$$date_trunc('month', at)$$, $$date_trunc('Days', at)$$, $$date_trunc('quarter', at, 'Europe/Berlin')::date$$, $$date_trunc('month', d)$$, $$at::date$$,
  $$date_trunc('hour', t)$$, $$date_trunc('week', at AT TIME ZONE 'Asia/Tokyo') + interval '1 day'$$, $$extract(dow FROM at)$$, $$date_part('month', d)$$, $$extract(year FROM t) * 100 + extract(quarter FROM t)$$,
  $$extract(epoch FROM d)$$, $$to_char(date_trunc('month', at), 'YYYY-MM')$$, $$date_trunc('month', at), g$$, $$at::date::text$$, $$date_trunc('nonsense', NULLIF(at, at))$$]) e;
-- no rows
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM visit WHERE x < 0 AND at < '2020-01-01'$$);
SELECT asked($$SELECT plan, cohort_retention(customer, at, 'month') FROM visit WHERE x < 0 AND at < '2020-01-01' GROUP BY plan$$);
-- (from 16 on the planner drops a constant from GROUP BY)
SELECT bool_or(a ~ 'RetentionScan') AS taken, bool_or(a = 'the same') AS same FROM asked($$SELECT cohort_retention(customer, at, 'month') FROM visit WHERE x * 2 < 0 GROUP BY 'all'::text$$) a;
-- written elsewhere
CREATE TABLE summary (filler bigint, s retention_cohorts, plan text);
EXPLAIN (COSTS OFF) INSERT INTO summary (s, plan) SELECT cohort_retention(customer, at, 'month'), plan FROM visit GROUP BY plan;
INSERT INTO summary (s, plan) SELECT cohort_retention(customer, at, 'month'), plan FROM visit GROUP BY plan;
SELECT count(*), (cohort_totals(rollup(s))).customers FROM summary;
-- rows of somebody else stay hidden
CREATE ROLE batch_scan_reader;
GRANT USAGE ON SCHEMA batch_scan_test TO batch_scan_reader;
GRANT SELECT ON visit TO batch_scan_reader;
ALTER TABLE visit ENABLE ROW LEVEL SECURITY;
CREATE POLICY basic ON visit TO batch_scan_reader USING (plan = 'basic');
SET ROLE batch_scan_reader;
EXPLAIN (COSTS OFF) SELECT cohort_retention(customer, at, 'month') FROM visit;
SELECT (cohort_totals(cohort_retention(customer, at, 'month'))).rows_seen FROM visit;
RESET ROLE;
SELECT (cohort_totals(cohort_retention(customer, at, 'month'))).rows_seen FROM visit;
ALTER TABLE visit DISABLE ROW LEVEL SECURITY;

-- ---- In workers ----
SET enable_parallel_append = on;
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM visit$$);
SELECT asked($$SELECT plan, cohort_retention(name, at, 'month') FROM visit GROUP BY plan$$);
SELECT asked($$SELECT customer_value(customer, at, x - 10, 'week'), cohort_value(name, at, x / 7.0, 'month') FROM visit$$);
SELECT asked($$SELECT plan, customer_value(id, moment, x - 10, 'week'), cohort_value(name, at, x / 7.0, 'month', good, x > 5) FROM visit GROUP BY plan$$);
SELECT asked($$SELECT plan, count(*), count(good), cohort_retention(customer, at, 'month'), sum(x), sum(customer), sum(x * 1.5), avg(x), avg(customer), avg(x / 7.0), min(name), max(moment) FROM visit GROUP BY plan$$);
SELECT asked($$SELECT cohort_retention(customer, at, 'month'), count(*), avg(x), max(name) FROM visit$$);
SELECT asked($$SELECT g, good, cohort_retention(customer, at, 'month'), sum(n), avg(n), sum(n) FILTER (WHERE n < 50) FROM number GROUP BY g, good$$);
SELECT asked($$SELECT cohort_retention(customer, at, 'month'), count(*), avg(x), max(name) FROM visit WHERE x * 2 < 0$$);
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM part$$);
SELECT bool_or(a ~ 'RetentionScan') AS taken, bool_or(a = 'the same') AS same FROM asked($$SELECT cohort_retention(customer, at, 'month') FROM visit WHERE x * 2 < 0 GROUP BY 'all'::text$$) a;
-- what cannot run in workers
SELECT asked($$SELECT cohort_retention(customer, at, 'month') FROM visit WHERE random() >= 0$$);
-- groups are equal as their types say: 0 and -0, 1.0 and 1.00, a day and 24 hours, trailing spaces
CREATE TABLE odd AS
SELECT i::bigint AS customer, date '2024-01-01' + i % 90 AS at, (ARRAY[0.0, -0.0, 'NaN', 1])[1 + i % 4]::float8 AS f, (ARRAY[1.0, 1.00, 2, 'NaN'])[1 + i % 4] AS n,
  (ARRAY['a ', 'a', 'b'])[1 + i % 3]::char(4) AS ch, ARRAY[i % 2] AS ar, (i % 3)::"char" AS q, CASE i % 2 WHEN 0 THEN interval '1 day' ELSE '24 hours' END AS iv,
  jsonb_build_object('a', i % 3) AS j
FROM generate_series(1, 5000) i;
ANALYZE odd;
CREATE FUNCTION odd_groups() RETURNS TABLE (grouped text, groups bigint, same boolean) LANGUAGE plpgsql AS $$
DECLARE answers text[]; answer text;
BEGIN
  FOREACH grouped IN ARRAY ARRAY['f', 'n', 'ch', 'ar', 'q', 'iv', 'j', 'f, n', 'ROW(ch, f)', 'iv, ch, ar', 'customer % 7, customer % 3', 'NULL::text', 'f IS NULL'] LOOP
    answers := '{}';
    FOREACH answer IN ARRAY ARRAY['on', 'off'] LOOP
      PERFORM set_config('retention.enable_batch_scan', answer, true);
      EXECUTE format('SELECT string_agg(s, ''|'' ORDER BY s COLLATE "C"), count(*) FROM (SELECT cohort_retention(customer, at, ''month'')::text AS s FROM odd GROUP BY %s) q', grouped) INTO answer, groups;
      answers := answers || answer;
    END LOOP;
    same := answers[1] = answers[2];
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('retention.enable_batch_scan', 'on', true);
END $$;
SELECT * FROM odd_groups();
SET max_parallel_workers_per_gather = 0;
SELECT * FROM odd_groups();

-- ---- Left to the server ----
SELECT asked($$SELECT cohort_retention(customer, at, 'month'), sum(x::float8) FROM visit$$);
SELECT line FROM asked($$SELECT cohort_retention(customer, at, 'month'), count(DISTINCT customer), sum(x ORDER BY x) FROM visit$$) line WHERE line !~ '->';
SELECT asked($$SELECT cohort_retention(customer, at, 'month'), max(name COLLATE any_case) FROM visit$$);
SELECT asked($$SELECT cohort_retention(customer, at, 'month'), max(x::numeric), array_agg(x) FROM visit$$);
SELECT asked($$SELECT count(*), max(x) FROM visit WHERE customer > 3$$);
SELECT asked($$SELECT plan, cohort_retention(customer, at, 'month') FROM visit GROUP BY ROLLUP (plan)$$);
-- (whether the rows are sorted before depends on the version)
SELECT line FROM asked($$SELECT cohort_retention(customer, at, 'month' ORDER BY x) FROM visit$$) line WHERE line !~ '->';
SELECT line FROM asked($$SELECT cohort_retention(DISTINCT customer, at, 'month'::retention_grid) FROM visit$$) line WHERE line !~ '->';
SELECT asked($$SELECT cohort_retention(customer, at, CASE WHEN x > 5 THEN 'month' ELSE '1 month' END::retention_grid) FROM visit$$);
SELECT asked($$SELECT cohort_retention(activity(at, 'month')) FROM visit$$) WHERE false;
SELECT asked($$SELECT cohort_retention(a) FROM (SELECT activity(at, 'month') AS a FROM visit GROUP BY customer) q$$);
SELECT asked($$SELECT customer_flow(at, ended, 'month', daterange('2024-01-01', '2024-12-01')) FROM visit$$);
SELECT asked($$SELECT DISTINCT cohort_retention(customer, at, 'month') OVER (PARTITION BY plan)::text FROM visit$$);
SELECT asked($$SELECT cohort_retention(customer, at + (random() * 0)::integer, 'month') FROM visit$$);
-- somebody else's aggregates, of the same name or of our functions
CREATE FUNCTION last_of(text, bigint, date) RETURNS text LANGUAGE sql AS 'SELECT $2::text';
CREATE AGGREGATE cohort_retention(bigint, date) (SFUNC = last_of, STYPE = text);
SELECT asked($$SELECT cohort_retention(customer, at) FROM (SELECT * FROM visit ORDER BY x LIMIT 5) q$$);
CREATE AGGREGATE half_way(bigint, date, retention_grid) (SFUNC = retention_internal.cohort_transfn, STYPE = retention_internal.retention_population);
SELECT asked($$SELECT length(half_way(customer, at, 'month')::text) > 100 FROM visit$$);
CREATE AGGREGATE of_mine(bigint, date, retention_grid) (SFUNC = retention_internal.cohort_transfn, STYPE = retention_internal.retention_population, FINALFUNC = retention_internal.cohort_final);
SELECT asked($$SELECT of_mine(customer, at, 'month') FROM visit$$);
-- switched off
SET retention.enable_batch_scan = off;
EXPLAIN (COSTS OFF) SELECT cohort_retention(customer, at, 'month') FROM visit;
RESET retention.enable_batch_scan;

-- ---- The same errors ----
CREATE FUNCTION refused(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE said text[]; detail text;
BEGIN
  FOR i IN 1 .. 2 LOOP
    PERFORM set_config('retention.enable_batch_scan', (ARRAY['on', 'off'])[i], true);
    BEGIN
      EXECUTE query;
      said := said || 'no error'::text;
    EXCEPTION WHEN others THEN
      GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
      said := said || concat_ws(' ', sqlstate, sqlerrm, detail);
    END;
  END LOOP;
  PERFORM set_config('retention.enable_batch_scan', 'on', true);
  RETURN CASE WHEN said[1] = said[2] THEN said[1] ELSE said::text END;
END $$;
SELECT refused(q) FROM unnest(ARRAY[
  $$SELECT cohort_retention(customer, at, NULL) FROM visit$$,
  $$SELECT cohort_retention(customer, at, NULL) FROM visit WHERE x < 0$$,
  $$SELECT cohort_retention(customer, at, NULL) FILTER (WHERE x < 0) FROM visit$$,
  $$SELECT cohort_retention(customer, at, 'hour') FROM visit$$,
  $$SELECT cohort_retention(customer, CASE WHEN x = 50 THEN 'infinity' ELSE at END, 'month') FROM visit$$,
  $$SELECT cohort_retention(customer, at, CASE WHEN x > 5 THEN 'month' ELSE 'week' END::retention_grid) FROM visit$$,
  $$SELECT customer_flow(customer, ended, at, daterange('2024-01-01', '2024-12-01')) FROM visit$$,
  $$SELECT customer_flow(customer, at, ended, 'month; windows=elapsed', daterange('2024-01-01', '2024-12-01')) FROM visit$$,
  $$SELECT retention_rate(customer, at, NULL::daterange, daterange('2024-01-01', '2024-12-01')) FROM visit$$,
  $$SELECT retention_rate(customer, at, daterange('2024-01-01', '2024-01-01'), daterange('2024-01-01', '2024-12-01')) FROM visit$$,
  $$SELECT cohort_retention(customer, at, 'month') FROM visit WHERE 1 / (x - 7) > 0$$,
  $$SELECT cohort_retention(1 / (x - 7), at, 'month') FROM visit$$,
  -- a sub-select that no row comes to, and one that rows come to
  $$SELECT cohort_retention(customer, at, 'month') FROM visit WHERE small < 0 AND customer < (SELECT 1 / count(*) FROM visit WHERE x < 0)$$,
  $$SELECT cohort_retention(customer, at, 'month') FROM visit WHERE name LIKE 'nobody%' AND customer < (SELECT 1 / count(*) FROM visit WHERE x < 0)$$,
  $$SELECT cohort_retention(customer, at, 'month') FROM visit WHERE name <> 'nobody' AND customer < (SELECT 1 / count(*) FROM visit WHERE x < 0)$$]) q;

-- who may not call an aggregate, or not read a column
BEGIN;
REVOKE EXECUTE ON FUNCTION cohort_retention(bigint, date, retention_grid) FROM PUBLIC;
REVOKE SELECT ON visit FROM batch_scan_reader;
GRANT SELECT (customer, at, moment) ON visit TO batch_scan_reader;
SET LOCAL ROLE batch_scan_reader;
SELECT refused(q) FROM unnest(ARRAY[
  $$SELECT cohort_retention(customer, at, 'month') FROM visit$$,
  $$SELECT cohort_retention(customer, moment, 'month') FROM visit$$,
  $$SELECT cohort_retention(customer, moment, 'month') FILTER (WHERE x > 5) FROM visit$$,
  $$SELECT plan, cohort_retention(customer, moment, 'month') FROM visit GROUP BY plan$$]) q;
ROLLBACK;

-- Populations large enough for pages: narrow cells, cells that become wide by a value far away, pages that become a hash table by keys far apart.
CREATE FUNCTION draw(i bigint, salt bigint, most bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8extended(i, salt) & 4611686018427387903) % most $$;
CREATE TABLE narrow AS SELECT 1 + draw(i, 1, 20000) AS c, timestamptz '2024-03-01 00:00+00' + draw(i, 2, 51840000) * interval '1 second' AS t FROM generate_series(1, 60000) i;
CREATE TABLE widened AS SELECT c, t FROM narrow UNION ALL
SELECT 1 + draw(i, 3, 20000), timestamptz '2009-01-01 00:00+00' + draw(i, 4, 500000000) * interval '1 second' FROM generate_series(1, 5000) i;
CREATE TABLE hashed AS SELECT c, t FROM narrow UNION ALL SELECT draw(i, 5, 1000000000000000), timestamptz '2024-04-01 00:00+00' + i * interval '3 minutes' FROM generate_series(1, 60000) i;
CREATE TABLE negative AS SELECT -c AS c, t FROM narrow;
CREATE FUNCTION asked(question text, batches boolean, workers integer, memory text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
  PERFORM set_config('retention.enable_batch_scan', batches::text, true), set_config('max_parallel_workers_per_gather', workers::text, true),
    set_config('min_parallel_table_scan_size', '0', true), set_config('parallel_setup_cost', '0', true), set_config('work_mem', memory, true);
  EXECUTE question INTO answer;
  RETURN answer;
END $$;
ANALYZE narrow, widened, hashed, negative;
SELECT name, grid, asked(question, true, 0, '64MB') = plain AS serial, asked(question, true, 2, '64MB') = plain AS workers, asked(question, true, 1, '64kB') = plain AS spilled
FROM unnest('{narrow,widened,hashed,negative}'::text[]) WITH ORDINALITY n (name, place), unnest('{month; time_zone=UTC,day; time_zone=UTC}'::text[]) WITH ORDINALITY g (grid, grid_place),
  LATERAL (SELECT format('SELECT md5(cohort_retention(c, t, %L)::text) FROM %I', grid, name) AS question) q, LATERAL (SELECT asked(question, false, 0, '64MB') AS plain) p
ORDER BY place, grid_place;

-- Pages that processes fill together: several aggregates, of other customers and shapes, too; values and keys that some of them do not fit; again and again.
CREATE TABLE sorted AS SELECT 1 + draw(i, 6, 30000) AS c, timestamptz '2020-01-01 00:00+00' + i * interval '20 minutes' AS t FROM generate_series(1, 150000) i;
ANALYZE sorted;
SELECT name, asked(question, true, 0, '64MB') = plain AS serial, asked(question, true, 1, '64MB') = plain AS worker, asked(question, true, 3, '64MB') = plain AS workers, asked(question, true, 3, '256kB') = plain AS spilled
FROM unnest('{narrow,widened,hashed,negative,sorted}'::text[]) WITH ORDINALITY n (name, place),
  LATERAL (SELECT format($$SELECT md5(concat_ws(' ', cohort_retention(c, t, 'month; time_zone=UTC')::text, (cohort_retention(c, t, 'quarter; time_zone=UTC') FILTER (WHERE c %% 3 = 0))::text,
    cohort_retention(c::text, t, 'month; time_zone=UTC')::text, (cohort_retention(c, t, 'month; time_zone=UTC') FILTER (WHERE c = 7))::text, (cohort_retention(c, t, 'month; time_zone=UTC') FILTER (WHERE c > 1000000000000000000))::text,
    cohort_retention(c, t, 'month; time_zone=UTC', c %% 5 > 0, c %% 7 > 0)::text, churn_rate(c, t, tstzrange('2024-04-01', '2024-06-01'), tstzrange('2024-06-01', '2024-09-01')))) FROM %I$$, name) AS question) q,
  LATERAL (SELECT asked(question, false, 0, '64MB') AS plain) p
ORDER BY place;
SET max_parallel_workers_per_gather = 2;
SELECT count(*), count(DISTINCT s) FROM generate_series(1, 3) i, LATERAL (SELECT cohort_retention(c, t, 'month; time_zone=UTC')::text AS s FROM narrow LIMIT i) l;
SET max_parallel_workers_per_gather = 0;

-- Rows in partitions: of integers and uuids far apart; with events that are not plain, few rows in some processes, values far apart; left for a table where memory ends.
CREATE TABLE scattered AS SELECT draw(i % 60000, 7, 1000000000000000000) AS c, md5((i % 60000)::text)::uuid AS u, timestamptz '2024-01-01 00:00+00' + draw(i, 8, 51840000) * interval '1 second' AS t, i < 95000 OR i % 3 > 0 AS s
FROM generate_series(1, 100000) i;
CREATE TABLE scattered_far AS SELECT c, u, t, true AS s FROM scattered UNION ALL SELECT c, u, t - 5000 * interval '1 day', true FROM scattered WHERE c % 10 = 0;
CREATE TABLE scattered_late AS SELECT i AS c, md5(i::text)::uuid AS u, timestamptz '2024-01-01 00:00+00' + i * interval '1 minute' AS t, true AS s FROM generate_series(1, 3000) i UNION ALL SELECT c, u, t, s FROM scattered;
ANALYZE scattered, scattered_far, scattered_late;
SELECT name, asked(question, false, 0, '64MB') = plain AS rows, asked(question, true, 0, '64MB') = plain AS serial, asked(question, true, 1, '64MB') = plain AS worker, asked(question, true, 3, '64MB') = plain AS workers,
  asked(question, true, 0, '3400kB') = plain AS less, asked(question, true, 2, '3400kB') = plain AS less_by_workers
FROM unnest('{scattered,scattered_far,scattered_late}'::text[]) WITH ORDINALITY n (name, place),
  LATERAL (SELECT format($$SELECT md5(concat_ws(' ', cohort_retention(c, t, 'month; time_zone=UTC')::text, cohort_retention(u, t, 'month; time_zone=UTC')::text, cohort_retention(u, t, 'quarter; time_zone=UTC', s, true)::text,
    churn_rate(c, t, tstzrange('2024-04-01', '2024-06-01'), tstzrange('2024-06-01', '2024-09-01')), customer_flow(c, t, NULL, 'month; time_zone=UTC', tstzrange('2024-01-01', '2024-06-01'))::text)) FROM %I$$, name) AS question) q,
  LATERAL (SELECT asked(question, false, 0, '64kB') AS plain) p
ORDER BY place;
-- Enough for partitions in each of two and three processes.
CREATE TABLE wide_scattered AS SELECT draw(i % 170000, 7, 1000000000000000000) AS c, md5((i % 170000)::text)::uuid AS u, timestamptz '2024-01-01 00:00+00' + draw(i, 8, 51840000) * interval '1 second' AS t FROM generate_series(1, 210000) i;
INSERT INTO wide_scattered SELECT c, u, t - 3000 * interval '1 day' FROM wide_scattered LIMIT 20;
ANALYZE wide_scattered;
SELECT asked(question, true, 1, '64MB') = plain AS worker, asked(question, true, 2, '64MB') = plain AS workers, asked(question, true, 2, '5MB') = plain AS less
FROM (VALUES ('c'), ('u')) k (key),
  LATERAL (SELECT format($$SELECT md5(concat_ws(' ', cohort_retention(%1$s, t, 'month; time_zone=UTC')::text, churn_rate(%1$s, t, tstzrange('2024-04-01', '2024-06-01'), tstzrange('2024-06-01', '2024-09-01')))) FROM wide_scattered$$, key) AS question) q,
  LATERAL (SELECT asked(question, false, 0, '64kB') AS plain) p;

-- What EXPLAIN says of it: ids close together are in shared pages and hardly exchanged; a process alone says nothing. (How much others are depends on who comes first.)
CREATE FUNCTION exchanged(question text, workers integer, leads boolean DEFAULT true) RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
  PERFORM set_config('max_parallel_workers_per_gather', workers::text, true), set_config('parallel_leader_participation', leads::text, true), set_config('work_mem', '64MB', true);
  EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || question INTO plan;
  RETURN regexp_match(plan::text, '"Exchanged": (\d+).*"Shared Pages": (\d+)')::integer[];
END $$;
SELECT exchanged($$SELECT cohort_retention(c, t, 'month; time_zone=UTC') FROM narrow$$, 0) IS NULL AS alone;
SELECT e[1] < 600 AS little_exchanged, e[2] > 100 AS shared
FROM (SELECT exchanged($$SELECT cohort_retention(c, t, 'month; time_zone=UTC') FROM narrow$$, 2, leads) AS e FROM unnest(ARRAY[true, false]) leads) q;
SELECT e[1] >= 0 AS said, e[2] > 0 AS shared
FROM (VALUES ($$SELECT cohort_retention(u, t, 'month; time_zone=UTC') FROM scattered$$), ($$SELECT cohort_retention(c, t, 'day; time_zone=UTC') FROM narrow$$)) q (question), exchanged(question, 2) e;

-- Answers of many groups, more than memory has place for: one at a time, and not all of them may be wanted.
CREATE TABLE grouped AS SELECT c % 60 AS g, c, t FROM narrow;
ANALYZE grouped;
SELECT asked(question, true, 0, '64kB') = plain AS serial, asked(question, true, 2, '64MB') = plain AS workers, asked(question, true, 2, '64kB') = plain AS spilled
FROM (SELECT $$SELECT md5(string_agg(s, ' ' ORDER BY s COLLATE "C")) FROM (SELECT cohort_retention(c, t, 'day; time_zone=UTC')::text AS s FROM grouped GROUP BY g) q$$ AS question) q,
  LATERAL (SELECT asked(question, false, 0, '64MB') AS plain) p;
SET retention.enable_batch_scan = off;
CREATE TABLE answers AS SELECT cohort_retention(c, t, 'day; time_zone=UTC')::text AS s FROM grouped GROUP BY g;
RESET retention.enable_batch_scan;
SET work_mem = '64kB';
SET max_parallel_workers_per_gather = 2;
-- under a LIMIT that shrinks, one that grows, and one above a single row
PREPARE again (integer, integer, integer) AS SELECT i, count(*), count(DISTINCT s), bool_and(s IN (SELECT s FROM answers))
FROM generate_series($1, $2, $3) i, LATERAL (SELECT cohort_retention(c, t, 'day; time_zone=UTC')::text AS s FROM grouped GROUP BY g LIMIT i * i) l GROUP BY i ORDER BY i;
SELECT asked($$SELECT cohort_retention(c, t, 'day; time_zone=UTC') FROM grouped GROUP BY g$$);
EXECUTE again(9, 0, -3);
EXECUTE again(0, 9, 1);
SET parallel_leader_participation = off;
EXECUTE again(0, 9, 2);
RESET parallel_leader_participation;
SELECT i, count(*), count(DISTINCT s) FROM generate_series(0, 3) i, LATERAL (SELECT cohort_retention(c, t, 'month; time_zone=UTC')::text AS s FROM grouped LIMIT i) l GROUP BY i ORDER BY i;
BEGIN;
DECLARE few CURSOR FOR SELECT cohort_retention(c, t, 'day; time_zone=UTC')::text IN (SELECT s FROM answers) FROM grouped GROUP BY g;
FETCH 2 FROM few;
SAVEPOINT later;
FETCH 1 FROM few;
ROLLBACK TO later;
MOVE 56 FROM few;
FETCH ALL FROM few;
COMMIT;

-- More groups than memory has place for, which the planner does not know: their rows wait in files.
CREATE TABLE many AS SELECT i % 7 AS c, 'g' || i * 7919 % 15000 AS g, i % 15000 AS n, timestamptz '2024-01-01 00:00+00' + i * interval '1 hour' AS t, (i % 90)::numeric / 7 AS x FROM generate_series(1, 45000) i;
CREATE FUNCTION many_groups(grouped text, more text) RETURNS text LANGUAGE sql AS
$$ SELECT format('SELECT md5(string_agg(q::text, E''\n'' ORDER BY q::text COLLATE "C")) FROM (SELECT %s, cohort_retention(c, t, ''quarter; time_zone=UTC'')%s FROM many GROUP BY %1$s OFFSET 0) q', grouped, more) $$;
RESET work_mem;
RESET max_parallel_workers_per_gather;
SELECT line FROM asked(many_groups('g', '')) line WHERE line ~ 'Retention|same|DIFF';
SELECT grouped, asked(many_groups(grouped, more), true, 0, '64kB') = asked(many_groups(grouped, more), false, 0, '64MB') AS same
FROM (VALUES ('g', ''), ('n', ', count(*), max(g), sum(x) FILTER (WHERE n > 5)'), ('n % 9000, g', ', avg(n)'), ('coalesce(g, c::text)', '')) v (grouped, more);
SELECT grouped, asked(many_groups(grouped, more), true, 1, '64kB') = plain AS worker, asked(many_groups(grouped, more), true, 3, '64kB') = plain AS workers, asked(many_groups(grouped, more), true, 2, '2MB') = plain AS more
FROM (VALUES ('g', ''), ('n', ', count(*), max(g), sum(x) FILTER (WHERE n > 5), sum(n), avg(c), avg(x), min(t)'), ('n % 9000, g', ', avg(n)'), ('coalesce(g, c::text)', '')) v (grouped, more),
  LATERAL (SELECT asked(many_groups(grouped, more), false, 0, '64MB') AS plain) p;
-- Groups that are equal as their types say, divided; NULLs, rows larger than the memory of a stream.
CREATE TABLE divided AS SELECT i % 50 AS c, timestamptz '2024-01-01 00:00+00' + i * interval '1 hour' AS t, CASE WHEN i % 200 = 0 THEN (ARRAY['0', '-0'])[1 + i / 200 % 2] ELSE (i % 200)::text END::float8 AS f,
  CASE i / 200 % 2 WHEN 0 THEN (i % 200)::numeric ELSE (i % 200)::numeric(10, 2) END AS n, (i % 200 || repeat(' ', i / 200 % 3))::char(8) AS ch, ARRAY[i % 200, i % 3] AS ar,
  CASE i / 200 % 2 WHEN 0 THEN i % 200 * interval '1 day' ELSE i % 200 * interval '24 hours' END AS iv, CASE WHEN i % 4000 = 7 THEN repeat(md5(i::text), 4000) ELSE 'w' || i % 200 END AS w,
  CASE WHEN i % 4000 = 8 THEN (SELECT string_agg(md5(i || '/' || j), '') FROM generate_series(1, 3000) j) ELSE repeat('x', i % 50) || i % 200 END AS v, md5((i % 200)::text)::uuid AS u, NULLIF(i % 200, 5)::smallint AS z
FROM generate_series(1, 24000) i;
ANALYZE divided;
CREATE FUNCTION divided(grouped text) RETURNS text LANGUAGE sql AS
$$ SELECT format('SELECT md5(string_agg(q, E''\n'' ORDER BY q COLLATE "C")) FROM (SELECT concat_ws('' '', count(*), md5(max(v)), cohort_retention(c, t, ''quarter; time_zone=UTC''), cohort_retention(v, t, ''year; time_zone=UTC'') FILTER (WHERE c > 1)) AS q FROM divided GROUP BY %s OFFSET 0) q', grouped) $$;
SELECT grouped, asked(divided(grouped), true, 0, '64kB') = plain AS serial, asked(divided(grouped), true, 2, '64kB') = plain AS workers, asked(divided(grouped), true, 2, '4MB') = plain AS more
FROM unnest(ARRAY['f', 'n', 'ch', 'ar', 'iv', 'w', 'v', 'u', 'z', 'f, n', 'z, u, ar', 'w COLLATE "C"', 'row(z, w)', 'array_append(ar, c)', 'z = 4, f']) grouped, LATERAL (SELECT asked(divided(grouped), false, 0, '64MB') AS plain) p;
-- They are divided indeed: by a process alone, by several, further; a few groups are not.
CREATE FUNCTION partitioned(question text, workers integer, memory text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
  PERFORM set_config('max_parallel_workers_per_gather', workers::text, true), set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true), set_config('min_parallel_table_scan_size', '0', true),
    set_config('work_mem', memory, true);
  EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || question INTO plan;
  RETURN (regexp_match(plan::text, '"Partitioned": (\d+)'))[1]::integer > 0;
END $$;
SELECT partitioned(divided('f'), 0, '64kB') AS alone, partitioned(divided('f'), 2, '64kB') AS by_workers, partitioned(many_groups('g', ''), 0, '64kB') AS further, partitioned(many_groups('g', ''), 2, '64kB') AS further_by_workers,
  partitioned(divided('f'), 0, '64MB') AS small, partitioned('SELECT c % 9, cohort_retention(n, t, ''month'') FROM many GROUP BY c % 9', 2, '64kB') AS few;
-- Memory becomes free again while rows wait: the states of the first groups shrink. Their groups are not made twice.
CREATE TABLE shrinking AS SELECT CASE WHEN i % 17000 < 600 THEN i / 17000 % 2 * 300 + i % 17000 % 300 ELSE 0 END AS g, i % 1000 AS c, timestamptz '2024-01-01 00:00+00' + i * interval '1 hour' AS t,
  i / 17000 AS part FROM generate_series(0, 4 * 17000 - 1) i;
SELECT asked(question, true, 0, '1MB') AS answer, asked(question, true, 0, '1MB') = asked(question, false, 0, '64MB') AS same
FROM (SELECT $$SELECT count(*) || ' of ' || count(DISTINCT g) || ' groups' FROM (SELECT g, cohort_retention(c, t, 'month; time_zone=UTC') AS s, max(part || repeat('x', CASE WHEN part < 1 THEN 16000 ELSE 1 END)) AS m
  FROM shrinking GROUP BY g OFFSET 0) q WHERE s IS NOT NULL AND m > ''$$ AS question) q;
-- a re-scan, an error, and a cursor that is closed in the middle
SET work_mem = '64kB';
SET max_parallel_workers_per_gather = 0;
SELECT i, count(*), count(DISTINCT g), sum(n) FROM generate_series(1, 3) i, LATERAL (SELECT g, count(*) + 0 * i AS n, cohort_retention(c, t, 'year; time_zone=UTC') AS s FROM many WHERE n > i GROUP BY g) l WHERE s IS NOT NULL GROUP BY i ORDER BY i;
SELECT refused($$SELECT g, cohort_retention(1 / (n - 14998), t, 'month') FROM many GROUP BY g$$);
BEGIN;
DECLARE several CURSOR FOR SELECT length(cohort_retention(c, t, 'month; time_zone=UTC')::text) > 10 FROM many GROUP BY g;
FETCH 1 FROM several;
MOVE 9000 FROM several;
FETCH 1 FROM several;
CLOSE several;
COMMIT;

SET client_min_messages = error;
DROP SCHEMA batch_scan_test CASCADE;
DROP ROLE batch_scan_reader;
