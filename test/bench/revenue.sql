-- Benchmark of the module revenue: mrr_movements() against customer_flow() with a customer over the same contracts.
-- psql -v rows=10000000 -f test/bench/revenue.sql     (script/bench revenue does it on a private cluster)
\set ON_ERROR_STOP on
\if :{?rows} \else \set rows 10000000 \endif
SET client_min_messages = warning;

-- Ten years of contracts, some two for each customer, with cents; a quarter still runs.
CREATE TEMP TABLE bench_time (query text, run int, seconds double precision);
DROP TABLE IF EXISTS bench_contract;
CREATE UNLOGGED TABLE bench_contract AS
SELECT h / 13 % :rows / 2 AS customer, d AS started, CASE WHEN h % 4 > 0 THEN d + 1 + (h / 4000 % 900)::int END AS ended,
  ((h / 77 % 20 + 1) * 5 - 0.01)::numeric(10,2) AS amount, (ARRAY['EUR', 'USD', 'GBP'])[1 + h / 5 % 3] AS currency
FROM generate_series(1, :rows) c, LATERAL (SELECT abs(hashint8extended(c, 1))) x (h),
  LATERAL (SELECT date '2016-01-01' + (h / 7 % 3600)::int) y (d);
VACUUM (ANALYZE) bench_contract;

CREATE FUNCTION pg_temp.bench(name text, query text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE started timestamptz;
BEGIN
  started := clock_timestamp();
  EXECUTE query;
  INSERT INTO bench_time VALUES (name, 1, extract(epoch FROM clock_timestamp() - started));
END $$;

SELECT count(*) FROM bench_contract; -- read once, so that every run finds the table cached
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '2GB';
-- in turn, so that a machine whose speed drifts treats all alike
SELECT pg_temp.bench('customer_flow, 120 months', $$SELECT customer_flow(customer, started, ended, 'month', daterange('2016-01-01', '2026-01-01')) FROM bench_contract$$),
  pg_temp.bench('mrr_movements, 120 months', $$SELECT mrr_movements(customer, started, ended, amount, 'month', daterange('2016-01-01', '2026-01-01')) FROM bench_contract$$),
  pg_temp.bench('mrr_movements, 120 months, 3 currencies', $$SELECT mrr_movements(customer, started, ended, amount, 'month', daterange('2016-01-01', '2026-01-01'), currency) FROM bench_contract$$)
FROM generate_series(1, 3);

-- The ratio of each to customer_flow.
SELECT query, runs, round(median::numeric, 3) AS median_s, round(low::numeric, 3) AS min_s, round(high::numeric, 3) AS max_s,
  round((low / first_value(low) OVER (ORDER BY at))::numeric, 2) AS ratio
FROM (SELECT query, count(*) AS runs, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median, min(seconds) AS low, max(seconds) AS high,
        min(ctid) AS at
      FROM bench_time GROUP BY query) t ORDER BY at;
DROP TABLE bench_contract;
