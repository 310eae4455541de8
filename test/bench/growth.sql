-- Benchmark of the batch scan: how its time grows with events and customers.
-- script/bench growth [most=100000000]; the default is up to 30 million events
\if :{?most} \else \set most 30000000 \endif
CREATE TEMP TABLE growth (events bigint, customers bigint, processes int, seconds double precision);
CREATE PROCEDURE pg_temp.growth(events bigint, customers bigint) LANGUAGE plpgsql AS $$
DECLARE started timestamptz;
BEGIN
  DROP TABLE IF EXISTS bench_growth;
  EXECUTE format('CREATE UNLOGGED TABLE bench_growth AS SELECT 1 + (hashint8extended(i, 3) & 1125899906842623) %% %2$s AS customer_id,
    timestamptz ''2024-01-01 00:00+00'' + (i * (731 * 86400.0 / %1$s)) * interval ''1 second'' AS ordered_at FROM generate_series(0::bigint, %1$s - 1) i', events, customers);
  COMMIT;
  ANALYZE bench_growth;
  PERFORM count(*) FROM bench_growth;
  FOR workers IN 0 .. 1 LOOP
    PERFORM set_config('max_parallel_workers_per_gather', workers::text, false);
    FOR run IN 1 .. 3 LOOP
      started := clock_timestamp();
      -- dynamic, because the plan of a static statement would be older than the setting
      EXECUTE $q$SELECT cohort_retention(customer_id, ordered_at, 'month') FROM bench_growth$q$;
      INSERT INTO growth VALUES (events, customers, 1 + workers, extract(epoch FROM clock_timestamp() - started));
    END LOOP;
  END LOOP;
END $$;
SET client_min_messages = warning;
SET work_mem = '2GB';
SET jit = off;
SET min_parallel_table_scan_size = 0;
SELECT format('CALL pg_temp.growth(%s, %s)', events, customers)
FROM (VALUES (1000000, 100000), (3000000, 300000), (10000000, 10000), (10000000, 100000), (10000000, 1000000), (10000000, 10000000),
             (30000000, 2000000), (100000000, 2000000)) v (events, customers)
WHERE events <= :most ORDER BY events, customers \gexec
SELECT events, customers, round(min(seconds) FILTER (WHERE processes = 1)::numeric, 3) AS one_process_s,
  round(min(seconds) FILTER (WHERE processes = 2)::numeric, 3) AS two_processes_s,
  round((min(seconds) FILTER (WHERE processes = 2) / events * 1e9)::numeric, 1) AS two_processes_ns_per_event
FROM growth GROUP BY events, customers ORDER BY events, customers;
DROP TABLE bench_growth;
