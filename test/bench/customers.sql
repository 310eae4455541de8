-- Benchmark of the views of customers over kept facts: processor time of one process (counted in steps of some
-- milliseconds) and time on the clock, least of some runs each. Linux only.
-- script/bench customers [events=20000000] [customers=2000000] [runs=3]
\if :{?events} \else \set events 20000000 \endif
\if :{?runs} \else \set runs 3 \endif
\ir events.sql
-- Noted changes must survive a crash together with their table.
ALTER TABLE bench_event SET LOGGED;
SET work_mem = '256MB';
SET jit = off;
SET timezone = 'UTC';
SET max_parallel_workers_per_gather = 0;
CREATE VIEW bench WITH (security_invoker = true) AS
SELECT customer_id AS customer, ordered_at AS at, CASE customer_id % 3 WHEN 0 THEN 'basic' WHEN 1 THEN 'plus' ELSE 'premium' END AS plan FROM bench_event;
SELECT retention_source_set('bench', grid => 'month; time_zone=UTC', gone_after => '60 days') \g /dev/null
SELECT view FROM retention_create_views('bench') \g /dev/null
SELECT retention_materialize('bench') \g /dev/null
VACUUM ANALYZE bench_facts;
SELECT count(*) AS customers, pg_size_pretty(pg_relation_size('bench_facts')) AS facts FROM bench_facts;
CREATE FUNCTION pg_temp.processor_seconds() RETURNS double precision LANGUAGE sql AS
$$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::double precision / 1e9 $$;
CREATE FUNCTION pg_temp.measured(query text, runs integer, OUT rows bigint, OUT processor_s numeric, OUT clock_ms numeric) LANGUAGE plpgsql AS $$
DECLARE began double precision; at timestamptz; least double precision := 'Infinity'; shortest interval; r record;
BEGIN
  FOR run IN 1 .. runs LOOP
    rows := 0;
    began := pg_temp.processor_seconds();
    at := clock_timestamp();
    FOR r IN EXECUTE query LOOP rows := rows + 1; END LOOP;
    least := least(least, pg_temp.processor_seconds() - began);
    shortest := least(shortest, clock_timestamp() - at);
  END LOOP;
  processor_s := round(least::numeric, 2);
  clock_ms := round(1000 * extract(epoch FROM shortest), 1);
END $$;
SELECT v.query, m.*
FROM (VALUES (1, 'facts read', 'SELECT customer, facts, stays FROM bench_facts'),
    (2, 'customers: one', 'SELECT * FROM bench_customers WHERE customer = 4711'),
    (3, 'customers: all', 'SELECT * FROM bench_customers'),
    (4, 'customers: ten most at risk', 'SELECT * FROM bench_customers ORDER BY risk_rank DESC NULLS LAST LIMIT 10'),
    (5, 'cohort_customers: a cell', $$SELECT * FROM bench_cohort_customers WHERE segment = 'all' AND cohort = '2024-06-01' AND period = 3$$),
    (6, 'cohort_customers: a cell of a segment', $$SELECT * FROM bench_cohort_customers WHERE segment = 'plan' AND value = 'plus' AND cohort = '2024-06-01' AND period = 3$$),
    (7, 'cohort_customers: one', 'SELECT * FROM bench_cohort_customers WHERE customer = 4711'),
    (8, 'movements: a month', $$SELECT * FROM bench_movements WHERE segment = 'all' AND period_start = '2024-09-01'$$),
    (9, 'movements: who was lost in a month', $$SELECT * FROM bench_movements WHERE segment = 'all' AND period_start = '2024-09-01' AND movement = 'lost'$$),
    (10, 'movements: one customer', 'SELECT * FROM bench_movements WHERE customer = 4711'),
    (11, 'movements: all', $$SELECT * FROM bench_movements WHERE segment = 'all'$$)) v (n, query, sql),
  LATERAL pg_temp.measured(v.sql, CASE WHEN v.n IN (2, 7, 10) THEN 10 ELSE :runs END) m
ORDER BY n;
-- the rows are those that the counts stand for
SELECT (SELECT at_risk FROM bench_cohorts WHERE cohort = '2024-06-01' AND period = 3) =
  (SELECT count(*) FROM bench_cohort_customers WHERE segment = 'all' AND cohort = '2024-06-01' AND period = 3) AS cell,
  (SELECT lost FROM bench_flow WHERE period_start = '2024-09-01') =
  (SELECT count(*) FROM bench_movements WHERE segment = 'all' AND period_start = '2024-09-01' AND movement = 'lost') AS lost;
SELECT retention_unmaterialize('bench') \g /dev/null
SELECT retention_drop_source('bench') \g /dev/null
DROP TABLE bench_event;
