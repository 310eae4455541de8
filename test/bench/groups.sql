-- Benchmark of the batch scan with GROUP BY, other aggregates, an index, partitions: processor time of one process with
-- the batch scan and without. Linux only. script/bench groups [rows=5800000] [runs=3]
\if :{?rows} \else \set rows 5800000 \endif
\if :{?runs} \else \set runs 3 \endif
SET client_min_messages = warning;
SET work_mem = '256MB';
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE UNLOGGED TABLE bench_group AS
SELECT 1 + (hashint8extended(i, 1) & 1125899906842623) % 400000 AS customer_id, (hashint8extended(i, 3) & 1125899906842623) % 10000 AS g10000, i % 977 AS amount,
  timestamptz '2024-01-01 00:00+00' + (hashint8extended(i, 2) & 1125899906842623) % 63072000 * interval '1 second' AS ordered_at,
  (ARRAY['basic', 'plus', 'premium'])[1 + i % 3] AS plan, 't' || i % 200 AS t200
FROM generate_series(1::bigint, :rows) i;
CREATE INDEX ON bench_group (customer_id);
CREATE UNLOGGED TABLE bench_part (LIKE bench_group) PARTITION BY HASH (customer_id);
SELECT format('CREATE UNLOGGED TABLE bench_part_%s PARTITION OF bench_part FOR VALUES WITH (MODULUS 8, REMAINDER %1$s)', i) FROM generate_series(0, 7) i \gexec
INSERT INTO bench_part SELECT * FROM bench_group;
VACUUM ANALYZE bench_group;
VACUUM ANALYZE bench_part;
CREATE FUNCTION pg_temp.processor_seconds() RETURNS double precision LANGUAGE sql AS
$$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::double precision / 1e9 $$;
CREATE FUNCTION pg_temp.measured(query text, runs integer, OUT with_s numeric, OUT without_s numeric) LANGUAGE plpgsql AS $$
DECLARE began double precision; least double precision[] := '{Infinity,Infinity}'; r record;
BEGIN
  FOR run IN 1 .. runs LOOP
    FOR way IN 1 .. 2 LOOP
      PERFORM set_config('retention.enable_batch_scan', (ARRAY['on', 'off'])[way], true);
      began := pg_temp.processor_seconds();
      FOR r IN EXECUTE query LOOP END LOOP;
      least[way] := least(least[way], pg_temp.processor_seconds() - began);
    END LOOP;
  END LOOP;
  with_s := round(least[1]::numeric, 3);
  without_s := round(least[2]::numeric, 3);
END $$;
SET enable_partitionwise_aggregate = on;
SELECT columns AS query, m.*, round(m.without_s / nullif(m.with_s, 0), 2) AS times_as_fast
FROM (VALUES (1, 'no groups', 'bench_group', NULL), (2, 'a plan', 'bench_group', 'plan'), (3, '200 texts', 'bench_group', 't200'), (4, '10,000 numbers', 'bench_group', 'g10000'),
    (5, 'months', 'bench_group', 'date_trunc(''month'', ordered_at)'), (6, 'with count(*)', 'bench_group', NULL), (7, 'with five others', 'bench_group', NULL),
    (8, 'half, with an index', 'bench_group WHERE customer_id <= 200000', NULL), (9, 'one customer', 'bench_group WHERE customer_id = 20', NULL),
    (10, 'eight partitions, partitionwise', 'bench_part', NULL)) v (n, columns, source, grouped),
  LATERAL (SELECT CASE n WHEN 6 THEN ', count(*)' WHEN 7 THEN ', count(*), sum(amount), avg(amount), min(ordered_at), max(ordered_at)' ELSE '' END AS more) o,
  LATERAL pg_temp.measured(format('SELECT cohort_retention(customer_id, ordered_at, ''month'')%s FROM %s%s', more, source, ' GROUP BY ' || grouped), :runs) m
ORDER BY n;
DROP TABLE bench_group, bench_part;
