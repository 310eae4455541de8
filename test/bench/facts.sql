-- Benchmark of kept facts: what it costs to keep them, and what views cost then.
-- script/bench facts [events=...] [customers=...]
\ir events.sql
-- Noted changes must survive a crash together with their table.
ALTER TABLE bench_event SET LOGGED;
\set days 5
SET work_mem = '256MB';
SET jit = off;
SET timezone = 'UTC';
CREATE TEMP TABLE bench_time (what text, n bigint, seconds double precision);
CREATE FUNCTION pg_temp.bench(name text, query text, many bigint DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE started timestamptz := clock_timestamp();
BEGIN
  EXECUTE query;
  INSERT INTO bench_time VALUES (name, many, extract(epoch FROM clock_timestamp() - started));
END $$;
CREATE TEMP TABLE bench_event_before AS SELECT max(customer_id) AS customer_id, max(ordered_at) AS ordered_at FROM bench_event;
-- The new rows of a day: most of them of existing customers, mostly recent ones.
CREATE FUNCTION pg_temp.day(day bigint) RETURNS SETOF bench_event LANGUAGE sql AS $$
  SELECT CASE WHEN i % 15 = 0 THEN m.customers + day * 3000 + i / 15 ELSE greatest(1, m.customers - (m.customers * u * u)::bigint) END,
    m.latest + (day * 86400 + i * 2) * interval '1 second'
  FROM (SELECT i, (hashint8extended(i + day * 1000000, 7) & 1073741823) / 1073741824.0::float8 AS u FROM generate_series(1::bigint, 40000) i) e,
    (SELECT max(customer_id) AS customers, date_trunc('day', max(ordered_at)) AS latest FROM bench_event_before) m $$;
SELECT retention_source('bench', 'events', 'bench_event', 'customer_id', at => 'ordered_at', grid => 'month; time_zone=UTC') \g /dev/null
SELECT view FROM retention_create_views('bench') \g /dev/null
SELECT count(*) FROM bench_event;

-- without facts
SELECT pg_temp.bench('insert 40,000 rows, nothing kept', 'INSERT INTO bench_event SELECT * FROM pg_temp.day(0)') \g /dev/null
SELECT pg_temp.bench('2,000 inserts of a row, nothing kept', $$DO 'BEGIN FOR i IN 1 .. 2000 LOOP INSERT INTO bench_event VALUES (i, ''2024-03-03''); END LOOP; END'$$, 2000) \g /dev/null
SELECT pg_temp.bench('2,000 updates of a row, nothing kept', $$DO 'BEGIN FOR i IN 1 .. 2000 LOOP UPDATE bench_event SET ordered_at = ordered_at + interval ''1 day'' WHERE ctid = format(''(%s,1)'', i)::tid; END LOOP; END'$$, 2000) \g /dev/null
SELECT pg_temp.bench('one-step query', $$SELECT c.* FROM (SELECT cohort_retention(customer_id, ordered_at, 'month; time_zone=UTC') s FROM bench_event) q, cohort_cells(s) c$$) FROM generate_series(1, 3) \g /dev/null
SELECT pg_temp.bench('view bench_cohorts over the rows', 'SELECT * FROM bench_cohorts') \g /dev/null
CREATE TEMP TABLE said AS SELECT * FROM bench_cohorts;

SELECT pg_temp.bench('materialise', $$SELECT retention_materialize('bench')$$) \g /dev/null
VACUUM ANALYZE bench_facts;
SELECT pg_size_pretty(pg_total_relation_size('bench_event')) AS rows, pg_size_pretty(pg_relation_size('bench_facts')) AS facts,
  pg_size_pretty(pg_indexes_size('bench_facts')) AS indexes, (SELECT count(*) FROM bench_facts) AS customers;
SELECT count(*) AS cells, (SELECT count(*) FROM ((TABLE said EXCEPT ALL TABLE bench_cohorts) UNION ALL (TABLE bench_cohorts EXCEPT ALL TABLE said)) d) AS differ FROM said;

-- with facts: days of 40,000 rows
SELECT pg_temp.bench('insert 40,000 rows, noted', format('INSERT INTO bench_event SELECT * FROM pg_temp.day(%s)', day)),
  pg_temp.bench('refresh after 40,000 rows', $$SELECT retention_refresh('bench')$$, 40000)
FROM generate_series(1, :days) day \g /dev/null
SELECT pg_temp.bench('2,000 inserts of a row, noted', $$DO 'BEGIN FOR i IN 1 .. 2000 LOOP INSERT INTO bench_event VALUES (i, ''2024-03-03''); END LOOP; END'$$, 2000) \g /dev/null
SELECT pg_temp.bench('refresh after 2,000 rows', $$SELECT retention_refresh('bench')$$, 2000) \g /dev/null
INSERT INTO bench_event SELECT i * 1000, '2024-05-05' FROM generate_series(1, 100) i;
SELECT pg_temp.bench('refresh after 100 rows', $$SELECT retention_refresh('bench')$$, 100) \g /dev/null
SELECT pg_temp.bench('refresh after nothing', $$SELECT retention_refresh('bench')$$, 0) \g /dev/null
-- corrections: without an index on the customer the rows are read once
DELETE FROM bench_event WHERE ctid IN (SELECT ctid FROM bench_event TABLESAMPLE SYSTEM (0.01) REPEATABLE (1) LIMIT 1000);
SELECT pg_temp.bench('refresh after 1,000 deletes, no index', $$SELECT retention_refresh('bench')$$, 1000) \g /dev/null
CREATE INDEX ON bench_event (customer_id);
ANALYZE bench_event;
DELETE FROM bench_event WHERE ctid IN (SELECT ctid FROM bench_event TABLESAMPLE SYSTEM (0.01) REPEATABLE (2) LIMIT 1000);
SELECT pg_temp.bench('refresh after 1,000 deletes, index', $$SELECT retention_refresh('bench')$$, 1000) \g /dev/null
SELECT pg_temp.bench('2,000 updates of a row, noted', $$DO 'BEGIN FOR i IN 1 .. 2000 LOOP UPDATE bench_event SET ordered_at = ordered_at + interval ''1 day'' WHERE ctid = format(''(%s,2)'', i)::tid; END LOOP; END'$$, 2000) \g /dev/null
SELECT pg_temp.bench('refresh after 2,000 updates, index', $$SELECT retention_refresh('bench')$$, 2000) \g /dev/null
SELECT pg_temp.bench('view bench_' || view, 'SELECT * FROM bench_' || view) FROM unnest('{cohorts,curve,lifecycle,stickiness,flow,survival}'::text[]) view, generate_series(1, CASE WHEN view IN ('flow', 'survival') THEN 1 ELSE 5 END) \g /dev/null
SELECT what, n AS rows, count(*) AS runs, round(min(seconds)::numeric, 4) AS least_s, round((percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds))::numeric, 4) AS median_s,
  round((max(seconds))::numeric, 4) AS most_s FROM bench_time GROUP BY what, n ORDER BY min(ctid);
-- the kept facts are what the rows say
SELECT (SELECT cohorts::text FROM bench_summary WHERE part = 0) = (SELECT cohort_retention(customer_id, ordered_at, 'month; time_zone=UTC')::text FROM bench_event) AS same;
SELECT retention_unmaterialize('bench') \g /dev/null
SELECT retention_drop_source('bench') \g /dev/null
