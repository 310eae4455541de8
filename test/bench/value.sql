-- Benchmark of customer_value, beside cohort_retention of the same rows without the batch scan.
-- script/bench value [rows=30000000] [customers=2000000]; processor time of one process, the least of three runs
\if :{?rows} \else \set rows 3000000 \endif
\if :{?customers} \else \set customers 200000 \endif
SET client_min_messages = warning;
SET work_mem = '2GB';
\ir processor.sql
SET retention.enable_batch_scan = off;
DROP TABLE IF EXISTS bench_purchase;
CREATE UNLOGGED TABLE bench_purchase AS
SELECT 1 + (hashint8extended(i, 3) & 1125899906842623) % :customers AS customer_id,
  timestamptz '2024-01-01 00:00+00' + (i * (731 * 86400.0 / :rows)) * interval '1 second' AS bought_at,
  (500 + (hashint8extended(i, 4) & 1125899906842623) % 20000)::numeric / 100 AS amount
FROM generate_series(0::bigint, :rows - 1) i;
ANALYZE bench_purchase;
SELECT count(*) FROM bench_purchase; -- read once, so that every run finds the table cached
CALL pg_temp.measure(ARRAY[
    ['cohort_retention', $$SELECT cohort_retention(customer_id, bought_at, 'month') FROM bench_purchase$$],
    ['customer_value', $$SELECT customer_value(customer_id, bought_at, amount, 'week; as_of=2026-01-01') FROM bench_purchase$$],
    ['cohort_value', $$SELECT cohort_value(customer_id, bought_at, amount, 'month') FROM bench_purchase$$],
    ['customer_value from purchases', $$SELECT customer_value(p) FROM (SELECT purchases(bought_at, amount, 'week; as_of=2026-01-01') AS p FROM bench_purchase
      GROUP BY customer_id) q$$]], 3);
SELECT * FROM pg_temp.measured(:rows);
DROP TABLE bench_purchase;
