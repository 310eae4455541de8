-- Benchmark of the module drivers: churn_drivers() over eight attributes of five values against the eight GROUP BY
-- queries that count the same, and against the cheapest pass over the same table.
-- psql -v rows=5000000 -f test/bench/drivers.sql     (script/bench drivers does it on a private cluster)
\set ON_ERROR_STOP on
\if :{?rows} \else \set rows 5000000 \endif
SET client_min_messages = warning;

CREATE TEMP TABLE bench_time (query text, run int, seconds double precision);
DROP TABLE IF EXISTS bench_customer;
CREATE UNLOGGED TABLE bench_customer AS
SELECT h % 5 < 1 AS churned, (ARRAY['monthly', 'quarterly', 'yearly', 'two years', 'open'])[1 + h / 5 % 5] AS contract,
  (ARRAY['free', 'basic', 'plus', 'premium', 'enterprise'])[1 + h / 25 % 5] AS plan,
  (ARRAY['north', 'south', 'east', 'west', 'overseas'])[1 + h / 125 % 5] AS region,
  (ARRAY['search', 'referral', 'partner', 'advertisement', 'event'])[1 + h / 625 % 5] AS channel,
  (ARRAY['card', 'invoice', 'direct debit', 'transfer', 'other'])[1 + h / 3125 % 5] AS payment,
  (h / 15625 % 5)::int AS products, (h / 78125 % 5)::int AS seats, (h / 390625 % 5)::bigint AS tickets
FROM generate_series(1, :rows) c, LATERAL (SELECT abs(hashint8extended(c, 1))) x (h);
VACUUM (ANALYZE) bench_customer;

CREATE FUNCTION pg_temp.bench(name text, queries text[], runs int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE started timestamptz; query text;
BEGIN
  FOR run IN 1 .. runs LOOP
    started := clock_timestamp();
    FOREACH query IN ARRAY queries LOOP
      EXECUTE query;
    END LOOP;
    INSERT INTO bench_time VALUES (name, run, extract(epoch FROM clock_timestamp() - started));
  END LOOP;
END $$;
CREATE FUNCTION pg_temp.groups() RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(format('SELECT %I, count(*), count(*) FILTER (WHERE churned) FROM bench_customer WHERE churned IS NOT NULL GROUP BY 1', a))
  FROM unnest('{contract,plan,region,channel,payment,products,seats,tickets}'::text[]) a
$$;
CREATE FUNCTION pg_temp.sets() RETURNS text[] LANGUAGE sql AS $$
  SELECT ARRAY['SELECT contract, plan, region, channel, payment, products, seats, tickets, count(*), count(*) FILTER (WHERE churned)
    FROM bench_customer WHERE churned IS NOT NULL
    GROUP BY GROUPING SETS (contract, plan, region, channel, payment, products, seats, tickets)']
$$;
CREATE FUNCTION pg_temp.drivers() RETURNS text[] LANGUAGE sql AS $$
  SELECT ARRAY['SELECT churn_drivers(churned, a) FROM bench_customer c,
    LATERAL (SELECT c.contract, c.plan, c.region, c.channel, c.payment, c.products, c.seats, c.tickets) a']
$$;

SELECT count(*) FROM bench_customer; -- read once, so that every run finds the table cached
SET jit = off;
SET max_parallel_workers_per_gather = 0;
-- in turn, so that a machine whose speed drifts treats all alike
SELECT pg_temp.bench('churn_drivers, 8 attributes', pg_temp.drivers(), 1),
  pg_temp.bench('8 GROUP BY queries', pg_temp.groups(), 1),
  pg_temp.bench('max(tickets), bool_or(churned)', '{"SELECT max(tickets), bool_or(churned) FROM bench_customer"}', 1)
FROM generate_series(1, 5);
SELECT pg_temp.bench('GROUPING SETS', pg_temp.sets(), 1);
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SELECT pg_temp.bench('parallel: churn_drivers, 8 attributes', pg_temp.drivers(), 1),
  pg_temp.bench('parallel: 8 GROUP BY queries', pg_temp.groups(), 1)
FROM generate_series(1, 5);

-- The ratio of each to the first line of its kind (serial, parallel).
SELECT query, runs, round(median::numeric, 3) AS median_s, round(low::numeric, 3) AS min_s, round(high::numeric, 3) AS max_s,
  round((median / first_value(median) OVER (PARTITION BY split_part(query, ':', 1) IN ('parallel') ORDER BY at))::numeric, 2) AS ratio
FROM (SELECT query, count(*) AS runs, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median, min(seconds) AS low, max(seconds) AS high,
        min(ctid) AS at
      FROM bench_time GROUP BY query) t ORDER BY at;
DROP TABLE bench_customer;
