-- Benchmark of the module cohort and the batch scan: the cohort table of raw events.
-- script/bench cohort [events=...] [customers=...]
-- The peers (DuckDB, ClickHouse) get the same rows in the same run: script/bench tells how.
\ir events.sql
\ir keys.sql
CREATE TEMP TABLE bench_time (query text, processes int, run int, seconds double precision);
CREATE FUNCTION pg_temp.bench(name text, query text, batches boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE started timestamptz;
BEGIN
  PERFORM set_config('retention.enable_batch_scan', batches::text, true);
  started := clock_timestamp();
  EXECUTE query;
  INSERT INTO bench_time VALUES (name, 1 + current_setting('max_parallel_workers_per_gather')::int, 1,
    extract(epoch FROM clock_timestamp() - started));
END $$;
CREATE TEMP TABLE bench_query (n int, query text, runs int, sql text, batches boolean DEFAULT true);
INSERT INTO bench_query VALUES
  (1, 'every page and row looked at, none counted', 5, $$SELECT cohort_retention(customer_id, ordered_at, 'month') FROM bench_event WHERE customer_id < 0$$),
  (2, 'max(customer_id), max(ordered_at)', 5, 'SELECT max(customer_id), max(ordered_at) FROM bench_event'),
  (3, 'cohort_retention', 5, $$SELECT c.* FROM (SELECT cohort_retention(customer_id, ordered_at, 'month') s FROM bench_event) q, cohort_cells(s) c$$),
  (4, 'cohort_retention, hashed ids', 5, $$SELECT c.* FROM (SELECT cohort_retention(customer_id, ordered_at, 'month') s FROM bench_event_hashed) q, cohort_cells(s) c$$),
  (5, 'cohort_retention, uuids', 5, $$SELECT c.* FROM (SELECT cohort_retention(customer_id, ordered_at, 'month') s FROM bench_event_uuid) q, cohort_cells(s) c$$),
  (6, 'expert SQL: bit_or', 1, $$
    SELECT cohort, k, sum((bits >> (cohort + k)) & 1) AS retained
    FROM (SELECT customer_id, min(m) AS cohort, bit_or(1::bigint << m) AS bits
          FROM (SELECT customer_id, ((date_part('year', ordered_at) - 2024) * 12 + date_part('month', ordered_at) - 1)::int AS m FROM bench_event) e
          GROUP BY customer_id) c, generate_series(0, 23) k
    WHERE cohort + k < 24 GROUP BY cohort, k$$),
  (7, 'everybody''s SQL: two CTEs, DISTINCT, a join', 1, $$
    WITH first AS (SELECT customer_id, date_trunc('month', min(ordered_at)) AS cohort FROM bench_event GROUP BY customer_id),
      active AS (SELECT DISTINCT customer_id, date_trunc('month', ordered_at) AS month FROM bench_event)
    SELECT cohort, month, count(*) FROM active JOIN first USING (customer_id) GROUP BY cohort, month$$);
INSERT INTO bench_query SELECT 8, query || ', without the batch scan', 3, sql, false FROM bench_query WHERE n = 3;

SET work_mem = '1GB';
SET jit = off;
SET timezone = 'UTC';
SET min_parallel_table_scan_size = 0;
-- read once, so that every run finds the tables cached
SELECT (SELECT count(*) FROM bench_event), (SELECT count(*) FROM bench_event_hashed), (SELECT count(*) FROM bench_event_uuid);
-- the serial queries in turn, then those with a second process
SET max_parallel_workers_per_gather = 0;
SELECT pg_temp.bench(query, sql, batches) FROM generate_series(1, 5) run, bench_query WHERE run <= runs ORDER BY run, n \g /dev/null
SET max_parallel_workers_per_gather = 1;
SELECT pg_temp.bench(query, sql, batches) FROM generate_series(1, 5) run, bench_query WHERE run <= runs ORDER BY run, n \g /dev/null

SELECT query, processes, runs, round(least::numeric, 3) AS least_s, round(median::numeric, 3) AS median_s,
  round((median / first_value(median) OVER (PARTITION BY processes ORDER BY at))::numeric, 2) AS to_pages
FROM (SELECT query, processes, count(*) AS runs, min(seconds) AS least, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
        min(ctid) AS at FROM bench_time GROUP BY query, processes) t ORDER BY at;
