-- Benchmark of the batch scan by processes: reading, max, and cohorts of dense, hashed and uuid customers.
-- script/bench cores [events=...] [customers=...]
-- Processes are 1, 2, 4 and 8, and 16 where there are as many cores. Beyond the number of cores only the processor time
-- of all processes means something; that of reading the rows is taken off in the last column.
\if :{?events} \else \set events 10000000 \endif
\if :{?customers} \else \set customers 1000000 \endif
\ir events.sql
\ir keys.sql
ALTER TABLE bench_event SET (parallel_workers = 32);
ALTER TABLE bench_event_hashed SET (parallel_workers = 32);
ALTER TABLE bench_event_uuid SET (parallel_workers = 32);
CREATE TEMP TABLE bench_time (n int, query text, processes int, seconds double precision, processor double precision);
-- Seconds of processor time of this process and of all that have ended: field 14 and 15, and 16 and 17 of the postmaster.
CREATE FUNCTION pg_temp.processor_time() RETURNS double precision LANGUAGE sql VOLATILE AS $$
SELECT (self[12]::bigint + self[13]::bigint + server[14]::bigint + server[15]::bigint) / 100.0
FROM (SELECT string_to_array(regexp_replace(pg_read_file('/proc/self/stat'), '^.*\) ', ''), ' ')) s (self),
  LATERAL (SELECT string_to_array(regexp_replace(pg_read_file('/proc/' || self[2] || '/stat'), '^.*\) ', ''), ' ')) p (server) $$;
CREATE FUNCTION pg_temp.bench(n int, name text, query text, processes int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  before double precision := pg_temp.processor_time();
  started timestamptz;
  took double precision;
BEGIN
  PERFORM set_config('max_parallel_workers_per_gather', (processes - 1)::text, true);
  started := clock_timestamp();
  EXECUTE query;
  took := extract(epoch FROM clock_timestamp() - started);
  -- until the server has noticed the end of the workers
  PERFORM pg_sleep(0.2);
  INSERT INTO bench_time VALUES (n, name, processes, took, pg_temp.processor_time() - before);
END $$;
CREATE TEMP TABLE bench_query (n int, query text, sql text);
INSERT INTO bench_query VALUES
  (1, 'pages read', $$SELECT cohort_retention(customer_id, ordered_at, 'month') FROM bench_event WHERE customer_id < 0$$),
  (2, 'max, max', 'SELECT max(customer_id), max(ordered_at) FROM bench_event'),
  (3, 'dense ids', $$SELECT c.* FROM (SELECT cohort_retention(customer_id, ordered_at, 'month') s FROM bench_event) q, cohort_cells(s) c$$),
  (4, 'hashed ids', $$SELECT c.* FROM (SELECT cohort_retention(customer_id, ordered_at, 'month') s FROM bench_event_hashed) q, cohort_cells(s) c$$),
  (5, 'uuids', $$SELECT c.* FROM (SELECT cohort_retention(customer_id, ordered_at, 'month') s FROM bench_event_uuid) q, cohort_cells(s) c$$);

SET work_mem = '1GB';
SET jit = off;
SET timezone = 'UTC';
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
-- read once, so that every run finds the tables cached
SELECT (SELECT count(*) FROM bench_event), (SELECT count(*) FROM bench_event_hashed), (SELECT count(*) FROM bench_event_uuid);
SELECT pg_temp.bench(n, query, sql, processes) FROM generate_series(1, 5) run, unnest(ARRAY[1, 2, 4, 8, 16]) processes, bench_query
WHERE processes <= greatest(8, :cores) ORDER BY run, processes, n \g /dev/null
SELECT query, t.processes, least_s, median_s, processor_s, processor_s - first_value(processor_s) OVER (PARTITION BY t.processes ORDER BY n) AS beyond_reading_s
FROM (SELECT n, query, processes, round(min(seconds)::numeric, 3) AS least_s, round((percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds))::numeric, 3) AS median_s,
        round(min(processor)::numeric, 2) AS processor_s FROM bench_time GROUP BY n, query, processes) t ORDER BY n, processes;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT cohort_retention(customer_id, ordered_at, 'month') FROM bench_event_hashed;
