-- Benchmark of customer_value, beside cohort_retention of the same rows without the batch scan.
-- script/bench value [rows=30000000] [customers=2000000]; processor time of one process, the least of three runs
\if :{?rows} \else \set rows 3000000 \endif
\if :{?customers} \else \set customers 200000 \endif
SET client_min_messages = warning;
SET work_mem = '2GB';
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET retention.enable_batch_scan = off;
DROP TABLE IF EXISTS bench_purchase;
CREATE UNLOGGED TABLE bench_purchase AS
SELECT 1 + (hashint8extended(i, 3) & 1125899906842623) % :customers AS customer_id,
  timestamptz '2024-01-01 00:00+00' + (i * (731 * 86400.0 / :rows)) * interval '1 second' AS bought_at,
  (500 + (hashint8extended(i, 4) & 1125899906842623) % 20000)::numeric / 100 AS amount
FROM generate_series(0::bigint, :rows - 1) i;
ANALYZE bench_purchase;
CREATE TEMP TABLE taken (query text, seconds numeric);
CREATE FUNCTION pg_temp.processor_seconds() RETURNS numeric LANGUAGE sql AS $$
  SELECT (f[12]::numeric + f[13]::numeric) / 100
  FROM regexp_split_to_array(regexp_replace(pg_read_file('/proc/self/stat'), '^.*\) ', ''), ' ') AS f
$$;
CREATE PROCEDURE pg_temp.measure() LANGUAGE plpgsql AS $$
DECLARE
  query text;
  before numeric;
BEGIN
  PERFORM count(*) FROM bench_purchase;
  FOR run IN 1 .. 3 LOOP
    FOREACH query IN ARRAY ARRAY[
        $q$SELECT cohort_retention(customer_id, bought_at, 'month') FROM bench_purchase$q$,
        $q$SELECT customer_value(customer_id, bought_at, amount, 'week; as_of=2026-01-01') FROM bench_purchase$q$,
        $q$SELECT cohort_value(customer_id, bought_at, amount, 'month') FROM bench_purchase$q$,
        $q$SELECT customer_value(p) FROM (SELECT purchases(bought_at, amount, 'week; as_of=2026-01-01') AS p
          FROM bench_purchase GROUP BY customer_id) q$q$] LOOP
      before := pg_temp.processor_seconds();
      EXECUTE query;
      INSERT INTO taken VALUES (query, pg_temp.processor_seconds() - before);
    END LOOP;
  END LOOP;
END $$;
CALL pg_temp.measure();
SELECT regexp_replace(query, '\s+', ' ', 'g') AS query, round(min(seconds), 2) AS processor_s, round(min(seconds) / :rows * 1e9) AS ns_per_row,
  round(min(seconds) / min(min(seconds)) FILTER (WHERE query ~ 'cohort_retention') OVER (), 2) AS of_cohort_retention
FROM taken GROUP BY query ORDER BY min(seconds);
DROP TABLE bench_purchase;
