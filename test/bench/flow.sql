-- Benchmark of the module flow: customer_flow() against the cheapest pass over the same table, and against plain SQL.
-- psql -v rows=10000000 -f test/bench/flow.sql     (script/bench flow does it on a private cluster)
\set ON_ERROR_STOP on
\if :{?rows} \else \set rows 10000000 \endif
SET client_min_messages = warning;

-- Ten years of subscriptions; a quarter still runs.
CREATE TEMP TABLE bench_time (query text, run int, seconds double precision);
DROP TABLE IF EXISTS bench_subscription;
CREATE UNLOGGED TABLE bench_subscription AS
SELECT d AS started, CASE WHEN h % 4 > 0 THEN d + 1 + (h / 4000 % 900)::int END AS ended
FROM generate_series(1, :rows) c, LATERAL (SELECT abs(hashint8extended(c, 1))) x (h),
  LATERAL (SELECT date '2016-01-01' + (h / 7 % 3600)::int) y (d);
VACUUM (ANALYZE) bench_subscription;
CREATE TEMP TABLE bench_tenth AS SELECT * FROM bench_subscription TABLESAMPLE BERNOULLI (10) REPEATABLE (1);
VACUUM (ANALYZE) bench_tenth;

CREATE FUNCTION pg_temp.bench(name text, query text, runs int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE started timestamptz;
BEGIN
  FOR run IN 1 .. runs LOOP
    started := clock_timestamp();
    EXECUTE query;
    INSERT INTO bench_time VALUES (name, run, extract(epoch FROM clock_timestamp() - started));
  END LOOP;
END $$;

SELECT count(*) FROM bench_subscription; -- read once, so that every run finds the table cached
SET jit = off;
SET max_parallel_workers_per_gather = 0;
-- in turn, so that a machine whose speed drifts treats all alike
SELECT pg_temp.bench('max(started), max(ended)', 'SELECT max(started), max(ended) FROM bench_subscription', 1),
  pg_temp.bench('customer_flow, 1 month', $$SELECT customer_flow(started, ended, daterange('2020-01-01', '2020-02-01')) FROM bench_subscription$$, 1),
  pg_temp.bench('customer_flow, 120 months', $$SELECT customer_flow(started, ended, 'month', daterange('2016-01-01', '2026-01-01')) FROM bench_subscription$$, 1),
  pg_temp.bench('customer_flow, 3,653 days', $$SELECT customer_flow(started, ended, 'day', daterange('2016-01-01', '2026-01-01')) FROM bench_subscription$$, 1)
FROM generate_series(1, 5);
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SELECT pg_temp.bench('parallel: max(started), max(ended)', 'SELECT max(started), max(ended) FROM bench_subscription', 1),
  pg_temp.bench('parallel: customer_flow, 120 months', $$SELECT customer_flow(started, ended, 'month', daterange('2016-01-01', '2026-01-01')) FROM bench_subscription$$, 1)
FROM generate_series(1, 5);
SET max_parallel_workers_per_gather = 0;
-- What is usually written: every month joined to everybody who was there in it. On a tenth of the rows, for it takes so long.
SELECT pg_temp.bench('a tenth: customer_flow, 120 months', $$SELECT customer_flow(started, ended, 'month', daterange('2016-01-01', '2026-01-01')) FROM bench_tenth$$, 1)
FROM generate_series(1, 5);
SELECT pg_temp.bench('a tenth: generate_series join, 120 months', $$
  SELECT m, count(*) FILTER (WHERE started < m AND (ended IS NULL OR ended >= m)) AS at_start,
    count(*) FILTER (WHERE started < m_end AND (ended IS NULL OR ended >= m_end)) AS at_end,
    count(*) FILTER (WHERE started >= m) AS joined, count(*) FILTER (WHERE ended >= m AND ended < m_end) AS departures
  FROM (SELECT m::date AS m, (m + interval '1 month')::date AS m_end
        FROM generate_series(date '2016-01-01', '2025-12-01', interval '1 month') m) x
  JOIN bench_tenth ON started < m_end AND (ended IS NULL OR ended >= m)
  GROUP BY m$$, 1);

-- The ratio of each to the first line of its kind (serial, parallel, a tenth).
SELECT query, runs, round(median::numeric, 3) AS median_s, round(low::numeric, 3) AS min_s, round(high::numeric, 3) AS max_s,
  round((median / first_value(median) OVER (PARTITION BY split_part(query, ':', 1) IN ('parallel'), split_part(query, ':', 1) IN ('a tenth') ORDER BY at))::numeric, 2) AS ratio
FROM (SELECT query, count(*) AS runs, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median, min(seconds) AS low, max(seconds) AS high,
        min(ctid) AS at
      FROM bench_time GROUP BY query) t ORDER BY at;
DROP TABLE bench_subscription;
