-- What queries cost: processor time of one process, the least of some runs, one query after the other in each run, so
-- that a machine whose speed drifts treats all alike. Linux only. For \ir.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE bench_time (n integer, query text, seconds double precision);
CREATE FUNCTION pg_temp.processor_seconds() RETURNS double precision LANGUAGE sql AS
$$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::double precision / 1e9 $$;
-- Pairs of a name and a query.
CREATE PROCEDURE pg_temp.measure(queries text[], runs integer) LANGUAGE plpgsql AS $$
DECLARE began double precision;
BEGIN
  FOR run IN 1 .. runs LOOP
    FOR n IN 1 .. array_length(queries, 1) LOOP
      began := pg_temp.processor_seconds();
      EXECUTE queries[n][2];
      INSERT INTO bench_time VALUES (n, queries[n][1], pg_temp.processor_seconds() - began);
    END LOOP;
  END LOOP;
END $$;
-- Each beside the first.
CREATE FUNCTION pg_temp.measured(per_rows bigint, OUT query text, OUT processor_s numeric, OUT ns_per_row numeric, OUT of_first numeric)
RETURNS SETOF record LANGUAGE sql AS $$
  SELECT query, round(least::numeric, 3), round((least / $1 * 1e9)::numeric), round((least / first_value(least) OVER (ORDER BY n))::numeric, 2)
  FROM (SELECT n, query, min(seconds) AS least FROM bench_time GROUP BY n, query) t ORDER BY n
$$;
