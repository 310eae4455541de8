-- Benchmark of mrr_movements, beside customer_flow with a customer over the same contracts, with the batch scan and without.
-- script/bench revenue [rows=10000000]; processor time of one process, the least of three runs
\if :{?rows} \else \set rows 10000000 \endif
SET client_min_messages = warning;
SET work_mem = '2GB';
\ir processor.sql

-- Ten years of contracts, some two for each customer, with cents; a quarter still runs.
DROP TABLE IF EXISTS bench_contract;
CREATE UNLOGGED TABLE bench_contract AS
SELECT h / 13 % :rows / 2 AS customer, d AS started, CASE WHEN h % 4 > 0 THEN d + 1 + (h / 4000 % 900)::int END AS ended,
  ((h / 77 % 20 + 1) * 5 - 0.01)::numeric(10,2) AS amount, (ARRAY['EUR', 'USD', 'GBP'])[1 + h / 5 % 3] AS currency
FROM generate_series(1, :rows) c, LATERAL (SELECT abs(hashint8extended(c, 1))) x (h),
  LATERAL (SELECT date '2016-01-01' + (h / 7 % 3600)::int) y (d);
VACUUM (ANALYZE) bench_contract;
SELECT count(*) FROM bench_contract; -- read once, so that every run finds the table cached

CALL pg_temp.measure(ARRAY[
    ['customer_flow, 120 months', $$SELECT customer_flow(customer, started, ended, 'month', daterange('2016-01-01', '2026-01-01')) FROM bench_contract$$],
    ['mrr_movements, 120 months', $$SELECT mrr_movements(customer, started, ended, amount, 'month', daterange('2016-01-01', '2026-01-01')) FROM bench_contract$$],
    ['mrr_movements, 120 months, 3 currencies', $$SELECT mrr_movements(customer, started, ended, amount, 'month', daterange('2016-01-01', '2026-01-01'), currency) FROM bench_contract$$]], 3);
SELECT * FROM pg_temp.measured(:rows);
TRUNCATE bench_time;
SET retention.enable_batch_scan = off;
CALL pg_temp.measure(ARRAY[
    ['customer_flow, without the batch scan', $$SELECT customer_flow(customer, started, ended, 'month', daterange('2016-01-01', '2026-01-01')) FROM bench_contract$$],
    ['mrr_movements, without the batch scan', $$SELECT mrr_movements(customer, started, ended, amount, 'month', daterange('2016-01-01', '2026-01-01')) FROM bench_contract$$]], 3);
SELECT * FROM pg_temp.measured(:rows);
DROP TABLE bench_contract;
