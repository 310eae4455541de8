-- Flow: tables with several rows per customer.
SET datestyle = 'ISO';
SET timezone = 'UTC';

-- The month that sql/flow.sql works out by hand, from the rows of the subscriptions
CREATE TABLE subscription (customer text, started date, ended date);
INSERT INTO subscription VALUES
  ('Ann',  '2025-01-10', NULL),
  ('Ben',  '2025-06-01', '2026-03-10'),
  ('Cleo', '2025-03-01', '2026-03-05'), ('Cleo', '2026-03-20', NULL),
  ('Dan',  '2025-08-01', '2026-03-01'),
  ('Eve',  '2025-09-01', '2026-04-01'),
  ('Finn', '2024-01-01', '2025-03-15'), ('Finn', '2026-03-15', NULL),
  ('Gus',  '2024-02-01', '2025-02-28'), ('Gus',  '2026-03-05', '2026-03-25'),
  ('Hana', '2026-03-08', NULL),
  ('Ivo',  '2026-03-12', '2026-03-19'),
  ('Jo',   '2026-03-02', '2026-03-09'), ('Jo',   '2026-03-16', NULL),
  ('Kim',  '2025-11-01', '2026-03-15'), ('Kim',  '2026-02-01', NULL),
  ('Lea',  '2026-03-01', NULL),
  ('Max',  '2026-04-01', NULL),
  ('Nia',  '2026-03-20', '2026-03-31');
SELECT at_start, joined, gained, reactivated, lost, at_end, kept, joined_and_left, reactivated_and_left, left_and_returned, departures,
  customer_days
FROM (SELECT customer_flow(customer, started, ended, daterange('2026-03-01', '2026-04-01')) s FROM subscription) q, flow_periods(s);
SELECT retention_rate(customer, started, ended, '[2026-03-01,2026-04-01)'),
  churn_rate(customer, started, ended, '[2026-03-01,2026-04-01)') FROM subscription;
SELECT period_start, status, at_start, joined, lost, at_end, retention_rate IS NULL AS unknown
FROM (SELECT customer_flow(customer, started, ended, 'month', daterange('2026-01-01', '2026-07-01')) s FROM subscription) q, flow_periods(s);
-- an as_of; rows of a customer that touch, overlap, lie in each other, repeat, are of no length or have no start
SELECT who, at_start s, joined j, gained g, reactivated r, lost l, at_end e, joined_and_left jl, left_and_returned lr, departures d, customer_days days
FROM (SELECT who, customer_flow(who, s, e, retention_grid('month', as_of => '2026-03-20'), daterange('2026-03-01', '2026-04-01')) f
      FROM (VALUES ('touch', date '2026-03-02', date '2026-03-05'), ('touch', '2026-03-05', '2026-03-08'),
        ('nest', '2026-02-01', NULL), ('nest', '2026-03-02', '2026-03-03'), ('repeat', '2026-03-02', '2026-03-04'),
        ('repeat', '2026-03-02', '2026-03-04'), ('gap', '2026-02-01', '2026-03-02'), ('gap', '2026-03-04', '2026-03-30'),
        ('never', '2026-03-05', '2026-03-05'), ('since ever', '-infinity', '2026-03-10'), ('later', '2026-03-20', NULL)) v (who, s, e)
      GROUP BY who) q, flow_periods(f) ORDER BY who COLLATE "C";
SELECT customer_flow(c, s, NULL, daterange('2026-03-01', '2026-04-01')) IS NULL AS nothing
FROM (VALUES (NULL::text, date '2026-03-01'), ('a', NULL)) v (c, s);
SELECT retention_rate(customer, started, ended, '[2026-03-01,2026-04-01)') FROM subscription WHERE false;

-- Errors
SELECT customer_flow(1, date '2026-03-02', '2026-03-01', daterange('2026-03-01', '2026-04-01'));
SELECT customer_flow(1, date '2026-03-02', NULL, NULL::daterange);
SELECT customer_flow(1, date '2026-03-02', NULL, NULL, daterange('2026-03-01', '2026-04-01'));
SELECT churn_rate(1, timestamp '2026-03-02', NULL::timestamp, '[2026-03-01,2026-04-01]');
SELECT customer_flow(1, date '2026-03-02', NULL, retention_grid('month', brackets => '1'), '[2026-03-01,2026-04-01)');
SELECT customer_flow(1, date '2026-03-02', NULL, daterange(d, '2026-04-01')) FROM (VALUES (date '2026-03-01'), ('2026-03-02')) v (d);
SELECT customer_flow(1, date '2026-03-02', NULL, g, '[2026-01-01,2026-04-01)') FROM (VALUES (retention_grid 'month'), ('week')) v (g);
-- A collation that takes different bytes for the same text; a server without ICU has none.
DO $$
BEGIN
  BEGIN
    CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    RAISE NOTICE 'customers cannot be told apart by a nondeterministic collation';
    RETURN;
  END;
  PERFORM customer_flow(customer COLLATE any_case, started, ended, daterange('2026-03-01', '2026-04-01')) FROM subscription;
EXCEPTION WHEN feature_not_supported THEN
  RAISE NOTICE '%', sqlerrm;
END $$;
SELECT retention_internal.flow_customers_final(NULL);
SELECT retention_internal.population_combine(NULL, NULL);

-- The same as with range_agg: random rows, three types of customer, three types of time, many groups and one
CREATE TABLE row_of_customer AS
SELECT seed, c, c % 7 AS part, t AS s, CASE WHEN h % 13 > 0 THEN t + (h / 31 % 150) * interval '9 hours' END AS e
FROM generate_series(1, 2) seed, generate_series(1, 2000) c, generate_series(1, 1 + c % 4) i, abs(hashint8extended(c * 10 + i, seed)) h,
  LATERAL (SELECT timestamptz '2024-01-01' + (h / 7 % 800) * interval '1 day') l (t);
CREATE VIEW one_row AS SELECT seed, c, part, range_agg(tstzrange(s, e)) AS p, range_agg(tsrange(s AT TIME ZONE 'UTC', e AT TIME ZONE 'UTC')) AS p_local,
  range_agg(daterange(s::date, e::date)) AS p_date FROM row_of_customer GROUP BY 1, 2, 3;
CREATE TABLE expected AS
SELECT seed, part, customer_flow(p, g, tstzrange('2023-12-01', '2026-12-01'))::text AS instant,
  customer_flow(p_local, g, tsrange('2023-12-01', '2026-12-01'))::text AS local,
  customer_flow(p_date, g, daterange('2023-12-01', '2026-12-01'))::text AS day,
  retention_rate(p, tstzrange('2024-06-01', '2024-09-01')) AS r, churn_rate(p_date, daterange('2024-06-01', '2024-09-01')) AS ch
FROM one_row, retention_grid('month', as_of => '2027-01-01') g GROUP BY GROUPING SETS ((seed, part), (seed), ());
CREATE VIEW answers AS
SELECT seed, part,
  customer_flow(seed * 100000 + c, s, e, g, tstzrange('2023-12-01', '2026-12-01'))::text AS instant,
  customer_flow(seed || '/' || c, s, e, g, tstzrange('2023-12-01', '2026-12-01'))::text AS instant_text,
  customer_flow(md5(seed || '/' || c)::uuid, s AT TIME ZONE 'UTC', e AT TIME ZONE 'UTC', g, tsrange('2023-12-01', '2026-12-01'))::text AS local,
  customer_flow(seed * 100000 + c, s::date, e::date, g, daterange('2023-12-01', '2026-12-01'))::text AS day,
  retention_rate(seed * 100000 + c, s, e, tstzrange('2024-06-01', '2024-09-01')) AS r,
  churn_rate(seed || '/' || c, s::date, e::date, daterange('2024-06-01', '2024-09-01')) AS ch
FROM row_of_customer, retention_grid('month', as_of => '2027-01-01') g GROUP BY GROUPING SETS ((seed, part), (seed), ());
CREATE FUNCTION compare(OUT groups bigint, OUT differ bigint) LANGUAGE sql AS $$
  SELECT count(*), count(*) FILTER (WHERE (e.instant, e.instant, e.local, e.day, e.r, e.ch)
    IS DISTINCT FROM (a.instant, a.instant_text, a.local, a.day, a.r, a.ch))
  FROM expected e FULL JOIN answers a ON coalesce(e.seed, 0) = coalesce(a.seed, 0) AND coalesce(e.part, -1) = coalesce(a.part, -1)
$$;
SELECT * FROM compare();
-- also without as_of: how far the rows reach follows from memberships, not from rows inside of one or of no length
SELECT count(*) AS customers, count(*) FILTER (WHERE (by_row, by_week) IS DISTINCT FROM (merged, merged_by_week)) AS differ
FROM (SELECT seed, c, customer_flow(c, s, e, 'month', tstzrange('2023-12-01', '2026-12-01'))::text AS by_row,
        customer_flow(c::text, s::date, e::date, 'week', daterange('2023-12-01', '2026-12-01'))::text AS by_week FROM row_of_customer GROUP BY 1, 2) a
  JOIN (SELECT seed, c, customer_flow(p, 'month', tstzrange('2023-12-01', '2026-12-01'))::text AS merged,
        customer_flow(p_date, 'week', daterange('2023-12-01', '2026-12-01'))::text AS merged_by_week FROM one_row GROUP BY 1, 2) b USING (seed, c);
SELECT period_start, status, at_end FROM (SELECT customer_flow(c, s, e, 'month', '[2026-01-01,2026-06-01)') f
  FROM (VALUES (1, date '2026-01-10', NULL::date), (1, '2026-03-05', NULL), (2, '2026-05-05', '2026-05-05')) v (c, s, e)) q, flow_periods(f);
SELECT period_start, status, at_end FROM (SELECT customer_flow(s, e, 'month', '[2026-01-01,2026-06-01)') f
  FROM (VALUES (date '2026-01-10', NULL::date), ('2026-05-05', '2026-05-05')) v (s, e)) q, flow_periods(f);
-- in little memory: temporary files
SET work_mem = '64kB';
SELECT * FROM compare();
RESET work_mem;
-- in parallel
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT customer_flow(c, s, e, retention_grid('month', as_of => '2027-01-01'), tstzrange('2023-12-01', '2026-12-01'))::text
  = (SELECT customer_flow(p, retention_grid('month', as_of => '2027-01-01'), tstzrange('2023-12-01', '2026-12-01'))::text
     FROM one_row WHERE seed = 1) AS parallel_same
FROM row_of_customer WHERE seed = 1;
SET work_mem = '64kB';
SELECT customer_flow(c, s, e, retention_grid('month', as_of => '2027-01-01'), tstzrange('2023-12-01', '2026-12-01'))::text
  = (SELECT customer_flow(p, retention_grid('month', as_of => '2027-01-01'), tstzrange('2023-12-01', '2026-12-01'))::text
     FROM one_row WHERE seed = 1) AS parallel_same
FROM row_of_customer WHERE seed = 1;
RESET ALL;
SET timezone = 'UTC';
-- in a window frame
SELECT count(*), count(*) FILTER (WHERE f IS DISTINCT FROM (SELECT customer_flow(c, s, e, 'year', tstzrange('2024-01-01', '2027-01-01'))::text
  FROM row_of_customer o WHERE seed = 1 AND o.c BETWEEN w.c - 3 AND w.c)) AS differ
FROM (SELECT c, customer_flow(c, s, e, 'year', tstzrange('2024-01-01', '2027-01-01')) OVER (ORDER BY c RANGE BETWEEN 3 PRECEDING AND CURRENT ROW)::text AS f
      FROM row_of_customer WHERE seed = 1 AND c <= 100) w;

-- An option of grids that is for revenue alone
SELECT customer_flow(customer, started, ended, 'month; reactivation_within=90 days', daterange('2026-01-01', '2026-04-01')) FROM subscription;

SET client_min_messages = warning;
DROP TABLE subscription, row_of_customer, expected CASCADE;
DROP FUNCTION compare;
