-- Benchmark of the room cohort: the cohort grid of raw events. script/bench cohort [events=...] [customers=...]
-- The peers (DuckDB, ClickHouse) get the same rows in the same run: script/bench tells how.
\ir events.sql
CREATE TEMP TABLE bench_time (query text, processes int, run int, seconds double precision);
CREATE FUNCTION pg_temp.bench(name text, query text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE started timestamptz := clock_timestamp();
BEGIN
  EXECUTE query;
  INSERT INTO bench_time VALUES (name, 1 + current_setting('max_parallel_workers_per_gather')::int, 1,
    extract(epoch FROM clock_timestamp() - started));
END $$;
CREATE TEMP TABLE bench_query (n int, query text, runs int, sql text);
INSERT INTO bench_query VALUES
  (1, 'max(customer_id), max(ordered_at)', 5, 'SELECT max(customer_id), max(ordered_at) FROM bench_event'),
  (2, 'cohort_retention', 5, $$SELECT c.* FROM (SELECT cohort_retention(customer_id, ordered_at, 'month') s FROM bench_event) q, cohort_cells(s) c$$),
  (3, 'cohort_retention, sparse ids', 5, $$SELECT c.* FROM (SELECT cohort_retention(customer_id * 2654435761, ordered_at, 'month') s FROM bench_event) q, cohort_cells(s) c$$),
  (4, 'expert SQL: bit_or', 1, $$
    SELECT cohort, k, sum((bits >> (cohort + k)) & 1) AS retained
    FROM (SELECT customer_id, min(m) AS cohort, bit_or(1::bigint << m) AS bits
          FROM (SELECT customer_id, ((date_part('year', ordered_at) - 2024) * 12 + date_part('month', ordered_at) - 1)::int AS m FROM bench_event) e
          GROUP BY customer_id) c, generate_series(0, 23) k
    WHERE cohort + k < 24 GROUP BY cohort, k$$),
  (5, 'everybody''s SQL: two CTEs, DISTINCT, a join', 1, $$
    WITH first AS (SELECT customer_id, date_trunc('month', min(ordered_at)) AS cohort FROM bench_event GROUP BY customer_id),
      active AS (SELECT DISTINCT customer_id, date_trunc('month', ordered_at) AS month FROM bench_event)
    SELECT cohort, month, count(*) FROM active JOIN first USING (customer_id) GROUP BY cohort, month$$);

SET work_mem = '1GB';
SET jit = off;
SET timezone = 'UTC';
SET min_parallel_table_scan_size = 0;
SELECT count(*) FROM bench_event; -- read once, so that every run finds the table cached
-- the serial queries in turn, then those with a second process
SET max_parallel_workers_per_gather = 0;
SELECT pg_temp.bench(query, sql) FROM generate_series(1, 5) run, bench_query WHERE run <= runs ORDER BY run, n \g /dev/null
SET max_parallel_workers_per_gather = 1;
SELECT pg_temp.bench(query, sql) FROM generate_series(1, 5) run, bench_query WHERE run <= runs ORDER BY run, n \g /dev/null

SELECT query, processes, runs, round(least::numeric, 2) AS least_s, round(median::numeric, 2) AS median_s,
  round((median / first_value(median) OVER (PARTITION BY processes ORDER BY at))::numeric, 2) AS to_max
FROM (SELECT query, processes, count(*) AS runs, min(seconds) AS least, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
        min(ctid) AS at FROM bench_time GROUP BY query, processes) t ORDER BY at;
