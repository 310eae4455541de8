-- Cohort: who started when, and who of them came back.
CREATE SCHEMA cohort_test;
SET search_path = cohort_test, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET jit = off;

-- ---- Seven customers, worked out by hand (doc/cohort.md shows them) ----
CREATE TABLE orders (customer_id bigint, plan text, ordered_at date);
INSERT INTO orders VALUES
  (1, 'basic', '2026-01-05'), (1, 'basic', '2026-02-10'), (1, 'basic', '2026-03-03'), (1, 'basic', '2026-04-20'),
  (2, 'basic', '2026-01-20'), (2, 'basic', '2026-03-31'),
  (3, 'plus', '2026-01-31'), (3, 'plus', '2026-01-31'), (3, 'plus', '2026-02-01'),
  (4, 'plus', '2026-01-02'),
  (5, 'basic', '2026-02-14'), (5, 'basic', '2026-03-01'), (5, 'basic', '2026-03-02'),
  (6, 'plus', '2026-02-28'), (6, 'plus', '2026-04-01'),
  (7, 'basic', '2026-04-30');
-- January: 1, 2, 3, 4. February: 5, 6. April: 7. March has no cohort.
CREATE VIEW monthly AS SELECT cohort_retention(customer_id, ordered_at, 'month') AS s FROM orders;
SELECT c.* FROM monthly, cohort_cells(s) c;
SELECT criterion, cohort, period, retained, status FROM monthly,
  unnest('{on,on_or_after,on_or_before,streak}'::text[]) WITH ORDINALITY x (criterion, n), LATERAL cohort_cells(s, criterion) c
WHERE period > 0 AND cohort = '2026-01-01' ORDER BY n, period;

-- Without a grid cohorts are of months, for each type of customer and time. Drivers send a grid as text or varchar.
SELECT bool_and(months::text = with_grid::text) AS the_same FROM (
  SELECT unnest(ARRAY[cohort_retention(customer_id::int, ordered_at), cohort_retention(plan, ordered_at::timestamp),
      cohort_retention(md5(plan)::uuid, ordered_at::timestamptz)]) AS months,
    unnest(ARRAY[cohort_retention(customer_id, ordered_at, 'month'),
      cohort_retention(plan, ordered_at::timestamp, 'month'),
      cohort_retention(md5(plan)::uuid, ordered_at::timestamptz, 'month')]) AS with_grid FROM orders) q;
PREPARE by_text(text, varchar) AS
  SELECT (cohort_totals(cohort_retention(customer_id, ordered_at, $1))).grid AS text,
    (cohort_totals(cohort_retention(customer_id, ordered_at, $2))).grid AS varchar FROM orders;
EXECUTE by_text('month', 'week');
DEALLOCATE by_text;
-- A customer of type numeric is a whole number.
SELECT cohort_retention(customer_id::numeric, ordered_at)::text = (SELECT s::text FROM monthly) AS months,
  cohort_retention(customer_id::numeric(10, 0), ordered_at::timestamp, 'week')::text
    = cohort_retention(customer_id::smallint, ordered_at::timestamp, 'week')::text AS weeks,
  retention_rate(customer_id::numeric, ordered_at, '2026-01', '2026-02') AS january_to_february
FROM orders;
-- DISTINCT compares all arguments.
SELECT cohort_retention(DISTINCT customer_id::numeric, ordered_at)::text
    = cohort_retention(DISTINCT customer_id, ordered_at)::text AS numeric,
  retention_rate(DISTINCT customer_id, ordered_at, '2026-01', '[2026-02-01,2026-03-01)')
    = retention_rate(customer_id, ordered_at, '2026-01', '2026-02') AS rate,
  customer_flow(DISTINCT customer_id, ordered_at, NULL, daterange('2026-01-01', '2026-02-01'))::text
    = customer_flow(customer_id, ordered_at, NULL, '2026-01')::text AS flow
FROM orders;
SELECT cohort_retention(customer_id + 0.5, ordered_at) FROM orders;
SELECT cohort_retention(customer_id * 1e30, ordered_at) FROM orders;
-- Row by row they give the same.
SET retention.enable_batch_scan = off;
SELECT cohort_retention(customer_id, ordered_at)::text = cohort_retention(customer_id, ordered_at, 'month')::text AS months,
  cohort_retention(customer_id, ordered_at)::text = (SELECT s::text FROM monthly) AS again,
  cohort_retention(customer_id::numeric, ordered_at)::text = (SELECT s::text FROM monthly) AS numeric FROM orders;
RESET retention.enable_batch_scan;
-- A grid may be an interval.
SELECT i, i::retention_grid FROM unnest('{1 month,1 year,7 days,28 days,12 hours}'::interval[]) i;
SELECT (cohort_totals(cohort_retention(customer_id, ordered_at, interval '1 week'::retention_grid))).grid FROM orders;
SELECT cohort_retention(customer_id, ordered_at, interval '1 month 2 days'::retention_grid) FROM orders;
SELECT interval '90 minutes'::retention_grid;
-- Intervals and texts are not compared as grids.
SELECT interval '10 days' > text '9 days';
SELECT varchar '30 days' = interval '1 month';
-- Other names of criteria.
SELECT criterion, count(*) FILTER (WHERE c.retained = x.retained) AS the_same, count(*) AS cells
FROM monthly, (VALUES ('n-day', 'on'), ('Rolling', 'on_or_after'), ('unbounded', 'on_or_after')) v (criterion, of),
  LATERAL (SELECT * FROM cohort_cells(s, criterion)) c
  JOIN LATERAL (SELECT * FROM cohort_cells(s, of)) x USING (cohort, period) GROUP BY 1 ORDER BY 1;
SELECT (SELECT array_agg(retained) FROM retention_curve(s, 'rolling'))
  = (SELECT array_agg(retained) FROM retention_curve(s, 'on_or_after')) AS the_same FROM monthly;
-- The last rows are of 30 April: as of 1 May April is complete. Later fewer cells are partial and more are 0.
SELECT cohort, period, period_start, retained, status FROM monthly, cohort_cells(s, as_of => '2026-05-15') c WHERE cohort >= '2026-02-01';

-- As of the middle of March, March is partial.
SELECT cohort, period, at_risk, retained, retention_rate, ci_low, status
FROM (SELECT cohort_retention(customer_id, ordered_at, retention_grid('month', as_of => '2026-03-15')) AS s FROM orders) q, cohort_cells(s) c;

-- Brackets: months 1, 2 to 3. The second is known only when both of its months are over.
SELECT criterion, cohort, period, period_start, period_end, retained, status
FROM (SELECT cohort_retention(customer_id, ordered_at, 'month; brackets=1,2-3') AS s FROM orders) q,
  unnest('{on,on_or_after,on_or_before,streak}'::text[]) WITH ORDINALITY x (criterion, n), LATERAL cohort_cells(s, criterion) c
WHERE period > 0 ORDER BY n, cohort, period;

-- A month with one order does not count: only customer 5 came back in March.
SELECT cohort, period, retained FROM (SELECT cohort_retention(customer_id, ordered_at, 'month; min_events=2') AS s FROM orders) q, cohort_cells(s) c
WHERE retained > 0 AND period > 0;

-- Elapsed months: customer 3 came back on 1 February, a day after the start, which is in month 0. Customer 2's second
-- month ends on 20 March.
SELECT cohort, period, at_risk, retained, status
FROM (SELECT cohort_retention(customer_id, ordered_at, 'month; windows=elapsed') AS s FROM orders) q, cohort_cells(s) c WHERE period < 4;

-- Recurring cohorts: the customers of every month, and who of them came back.
SELECT cohort, cohort_size, period, retained FROM (SELECT cohort_retention(customer_id, ordered_at, 'month; cohorts=recurring') AS s FROM orders) q, cohort_cells(s) c;

-- A day later is not 24 hours later.
SELECT windows, c.cohort, c.period, c.at_risk, c.retained, c.status FROM (
  SELECT windows, cohort_retention(1, at, retention_grid('day', windows => windows)) AS s
  FROM (VALUES (timestamptz '2026-01-01 23:50'), ('2026-01-02 00:10'), ('2026-01-03 23:49:59.999999')) v (at), unnest('{calendar,elapsed}'::text[]) windows
  GROUP BY windows) q, cohort_cells(s) c ORDER BY windows, cohort, period;

-- Anniversaries are counted from the start: 31 January, 28 February, 31 March.
SELECT at, c.period FROM (VALUES (date '2026-02-27'), ('2026-02-28'), ('2026-03-30'), ('2026-03-31'), ('2026-04-29'), ('2026-04-30')) v (at),
  LATERAL (SELECT cohort_retention(1, x, 'month; windows=elapsed') AS s FROM (VALUES (date '2026-01-31'), (at)) y (x)) q,
  LATERAL (SELECT max(period) AS period FROM cohort_cells(s) WHERE retained > 0) c;

-- What starts a cohort need not be what counts as coming back.
SELECT c.cohort, c.cohort_size, c.period, c.retained, c.status
FROM (SELECT cohort_retention(c, at, 'month', what = 'sign-up', what = 'order') AS s
      FROM (VALUES (1, date '2026-01-10', 'order'), (1, '2026-02-10', 'sign-up'), (1, '2026-03-10', 'visit'), (1, '2026-04-10', 'order'),
                   (2, '2026-02-11', 'sign-up'), (2, '2026-03-11', 'order'), (3, '2026-03-12', 'order'), (4, '2026-02-12', NULL)) v (c, at, what)) q,
  cohort_cells(s) c;

-- Each row has the start of the customer; a row without an order keeps the customer in their cohort.
CREATE TABLE account (customer_id uuid, signed_up timestamptz);
INSERT INTO account SELECT md5(i::text)::uuid, timestamptz '2026-01-15 12:00' + (i % 3) * interval '20 days' FROM generate_series(1, 9) i;
SELECT c.cohort, c.cohort_size, c.period, c.retained, c.status
FROM (SELECT cohort_retention(a.customer_id, a.signed_up, o.ordered_at, 'month') AS s
      FROM account a LEFT JOIN (SELECT md5(customer_id::text)::uuid AS customer_id, ordered_at FROM orders) o USING (customer_id)) q, cohort_cells(s) c;

-- Curves.
SELECT mean, c.* FROM monthly, unnest('{pooled,simple}'::text[]) mean, LATERAL retention_curve(s, mean => mean) c;
SELECT c.* FROM monthly, retention_curve(s, 'on_or_before', 'chained') c;
-- By hand: 3 of 6 customers return first in their first month; 2 of the other 3 in their second; the 1 who is left, of
-- January, not in the third.
SELECT round(100 * (1 - (3 / 6.0) * (1 / 3.0)), 10) AS second;
SELECT c.* FROM (SELECT cohort_retention(customer_id, ordered_at, 'month; cohorts=recurring') AS s FROM orders) q, retention_curve(s) c;
-- The sums for the interval are of the cells at one as_of: at another as_of there is no interval.
SELECT c.* FROM (SELECT cohort_retention(customer_id, ordered_at, 'month; cohorts=recurring') AS s FROM orders) q, retention_curve(s, as_of => '2026-06-01') c;

-- Lifecycle and stickiness.
SELECT c.* FROM monthly, lifecycle(s) c;
SELECT c.* FROM monthly, lifecycle(s, '2026-06-10') c WHERE period_start >= '2026-04-01';
SELECT c.* FROM monthly, stickiness(s) c;
SELECT c.* FROM monthly, cohort_totals(s) c;

-- Hours. The clock shows 2 o'clock twice when it goes back: two periods.
SELECT c.cohort, c.period, c.period_start, c.retained, c.status
FROM (SELECT cohort_retention(1, at, 'hour; time_zone=Europe/Berlin; brackets=1,2') AS s
      FROM (VALUES (timestamptz '2025-10-25 23:30+00'), ('2025-10-26 00:30+00'), ('2025-10-26 01:30+00')) v (at)) q, cohort_cells_at(s) c;
SELECT c.* FROM (SELECT cohort_retention(1, at, 'hour; time_zone=Europe/Berlin') AS s
      FROM (VALUES (timestamptz '2025-10-25 23:30+00'), ('2025-10-26 00:30+00'), ('2025-10-26 01:30+00')) v (at)) q, lifecycle_at(s) c;

-- No rows, NULL customers, NULL arguments.
SELECT cohort_retention(customer_id, ordered_at, 'month') IS NULL AS no_rows FROM orders WHERE false;
SELECT g, (cohort_totals(s)).* FROM (SELECT g, cohort_retention(CASE WHEN g = 1 THEN 1 END, CASE WHEN g = 2 THEN date '2026-01-01' END, 'month') AS s
  FROM generate_series(1, 2) g GROUP BY g) q ORDER BY g;
SELECT (SELECT count(*) FROM cohort_cells(s)) AS cells, (SELECT count(*) FROM retention_curve(s)) AS curve, (SELECT count(*) FROM lifecycle(s)) AS lifecycle,
  (SELECT count(*) FROM stickiness(s)) AS stickiness, (SELECT count(*) FROM cohort_cells(s, 'on', '2027-01-01')) AS later
FROM (SELECT cohort_retention(NULL::bigint, date '2026-01-01', 'month') AS s) q;
SELECT (SELECT count(*) FROM cohort_cells(NULL)), (SELECT count(*) FROM cohort_cells(s, NULL)), (SELECT count(*) FROM cohort_cells(s, confidence => NULL)),
  (SELECT count(*) FROM retention_curve(s, mean => NULL)), (SELECT count(*) FROM lifecycle(NULL)), (SELECT count(*) FROM stickiness(NULL)), (cohort_totals(NULL)).grid
FROM monthly;

-- Rates of two ranges.
SELECT retention_rate(customer_id, ordered_at, daterange('2026-01-01', '2026-02-01'), daterange('2026-02-01', '2026-03-01')) AS january_to_february,
  churn_rate(customer_id, ordered_at, daterange('2026-01-01', '2026-02-01'), daterange('2026-02-01', '2026-03-01')) AS churn,
  retention_rate(customer_id::text, ordered_at::timestamp, tsrange('2026-01-01', '2026-02-01'), tsrange('2026-03-31', NULL, '[]')) AS at_last,
  retention_rate(md5(customer_id::text)::uuid, ordered_at::timestamptz, tstzrange(NULL, '2026-01-31', '[]'), tstzrange('2026-01-31', '2026-02-01', '(]')) AS edges,
  retention_rate(customer_id, ordered_at, daterange('2025-01-01', '2025-02-01'), daterange('2026-02-01', '2026-03-01')) AS nobody
FROM orders;

-- A literal is a range, not a time; a range of days does for timestamps.
SELECT
  retention_rate(customer_id, ordered_at, '[2026-01-01,2026-02-01)', '[2026-02-01,2026-03-01)') AS january_to_february,
  churn_rate(customer_id::int, ordered_at::timestamptz, '[2026-01-01,2026-02-01)', '[2026-02-01,2026-03-01)') AS churn,
  retention_rate(plan, ordered_at, '[2026-01-01,2026-02-01)', '[2026-02-01,2026-03-01)', '2026-02-10') AS not_over,
  retention_rate(customer_id, ordered_at::timestamp, daterange '[2026-01-01,2026-02-01)',
    '[2026-02-01,2026-03-01)') AS timestamps
FROM orders;
-- Texts are converted once and kept, up to 32: the second of a row does not take the place of the first.
SET retention.enable_batch_scan = off;
BEGIN;
SELECT count(rate) AS rates FROM generate_series(1, 16) i, LATERAL (SELECT retention_rate(customer_id, ordered_at,
  format('[2026-01-01,2026-02-%s)', i), format('[2026-02-01,2026-03-%s)', i)) AS rate FROM orders) q;
SELECT retention_rate(customer_id, ordered_at, '2026-01', '[2026-02-01,2026-03-1)') AS january_to_february FROM orders;
SELECT retention_rate(customer_id, ordered_at, '[2026-01-01,2026-02-2)', '2026-03') AS january_to_march FROM orders;
COMMIT;
RESET retention.enable_batch_scan;
SELECT retention_rate(customer_id, ordered_at, 'month', 'month') FROM orders;
SELECT retention_rate(customer_id, ordered_at, tstzrange('2026-01-01', '2026-02-01'), 'empty') FROM orders;

-- ---- Errors ----
SELECT cohort_retention(customer_id, ordered_at, NULL) FROM orders;
SELECT cohort_retention(customer_id, ordered_at, CASE WHEN customer_id < 3 THEN 'month' ELSE 'week' END::retention_grid) FROM orders;
SELECT cohort_retention(customer_id, ordered_at, 'mnth') FROM orders;
SELECT cohort_retention(customer_id, ordered_at, 'hour') FROM orders;
SELECT cohort_retention(customer_id, ordered_at, 'hour; windows=elapsed') FROM orders;
SELECT cohort_retention(1, at, 'month') FROM (VALUES (date '2026-01-01'), ('infinity')) v (at);
SELECT cohort_retention(1, at, 'month; windows=elapsed') FROM (VALUES (timestamptz '2026-01-01'), ('-infinity')) v (at);
SELECT cohort_retention(1, at, 'day') FROM (VALUES (date '2026-01-01'), ('0001-01-01')) v (at);
SELECT retention_internal.cohort_transfn(NULL, 1::bigint, date '2026-01-01', 'month');
SELECT retention_internal.cohort_final(NULL) IS NULL, retention_internal.cohort_final('');
SELECT retention_internal.cohort_combine(s, s) FROM monthly;
SELECT c.* FROM monthly, cohort_cells(s, 'after') c;
SELECT c.* FROM monthly, cohort_cells(s, 'D7') c;
SELECT c.* FROM monthly, cohort_cells(s, confidence => 95) c;
SELECT c.* FROM monthly, cohort_cells(s, as_of => '2026-04-30') c;
SELECT c.* FROM monthly, cohort_cells(s, as_of => 'infinity') c;
SELECT count(*) FROM (SELECT cohort_retention(customer_id, ordered_at, 'day') AS s FROM orders) q, cohort_cells(s, as_of => '9999-01-01') c;
SELECT count(*) FROM (SELECT cohort_retention(customer_id, ordered_at, 'day') AS s FROM orders) q, lifecycle(s, '9999-01-01') c;
SELECT cohort_retention(customer_id, ordered_at, 'day; cohorts=recurring; as_of=9999-01-01') FROM orders;
SELECT c.* FROM (SELECT cohort_retention(customer_id, ordered_at, 'month; windows=elapsed') AS s FROM orders) q, retention_curve(s, as_of => '2026-05-02') c;
SELECT c.* FROM monthly, retention_curve(s, 'on', 'average') c;
SELECT c.* FROM monthly, retention_curve(s, 'on', 'chained') c;
SELECT c.* FROM (SELECT cohort_retention(1, timestamptz '2026-01-01', 'hour') AS s) q, cohort_cells(s) c;
SELECT c.* FROM (SELECT cohort_retention(1, timestamptz '2026-01-01', 'hour') AS s) q, lifecycle(s) c;
SELECT rollup(s) FROM (SELECT cohort_retention(customer_id, ordered_at, 'month') AS s FROM orders UNION ALL SELECT cohort_retention(customer_id, ordered_at, 'week') FROM orders) q;
SELECT rollup(s) FROM (SELECT cohort_retention(customer_id, ordered_at, 'month') AS s FROM orders UNION ALL SELECT cohort_retention(customer_id, ordered_at::timestamp, 'month') FROM orders) q;
SELECT rollup(s) FROM (SELECT cohort_retention(customer_id, ordered_at, 'month') AS s FROM orders UNION ALL SELECT cohort_retention(customer_id, ordered_at, ordered_at, 'month') FROM orders) q;
SELECT rollup(s) FROM (SELECT cohort_retention(customer_id, ordered_at, 'month; windows=elapsed') AS s FROM orders GROUP BY plan) q;
SELECT cohort_retention(f) FROM (SELECT activity(ordered_at, 'month') AS f FROM orders UNION ALL SELECT activity(ordered_at, 'week') FROM orders) q;
SELECT cohort_retention(f) FROM (SELECT activity(ordered_at, 'month') AS f FROM orders UNION ALL SELECT activity(ordered_at::timestamp, 'month') FROM orders) q;
SELECT cohort_retention(f) FROM (SELECT activity(ordered_at, 'month') AS f FROM orders UNION ALL SELECT activity(ordered_at, ordered_at, 'month') FROM orders) q;
SELECT retention_rate(customer_id, ordered_at, NULL::daterange, daterange('2026-02-01', '2026-03-01')) FROM orders;
SELECT retention_rate(customer_id, ordered_at, daterange('2026-02-01', '2026-02-01'), daterange('2026-02-01', '2026-03-01')) FROM orders;
SELECT retention_rate(customer_id, ordered_at, daterange('2026-02-01', '2026-03-01'), 'empty'::daterange) FROM orders;
SELECT churn_rate(customer_id, ordered_at, daterange('2026-01-01', ordered_at + 1), daterange('2026-02-01', '2026-03-01')) FROM orders;
-- A collation that takes different bytes for the same text; a server without ICU has none.
DO $$
BEGIN
  BEGIN
    CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    RAISE NOTICE 'customers cannot be told apart by a nondeterministic collation';
    RETURN;
  END;
  PERFORM cohort_retention(plan COLLATE no_case, ordered_at, 'month') FROM orders;
EXCEPTION WHEN feature_not_supported THEN
  RAISE NOTICE '%', sqlerrm;
END $$;

-- ---- A rollup of cohorts that end at different times ----
SELECT c.* FROM (SELECT rollup(s) AS s FROM (SELECT cohort_retention(customer_id, ordered_at, 'month; cohorts=recurring') AS s FROM orders GROUP BY plan) q) q, cohort_totals(s) c;
-- The sums per customer are lost, and the interval with them; all else is that of all customers.
SELECT c.* FROM (SELECT rollup(s) AS s FROM (SELECT cohort_retention(customer_id, ordered_at, 'month; cohorts=recurring') AS s FROM orders GROUP BY plan) q) q, retention_curve(s) c;
SELECT count(*) FROM (
  (SELECT c.* FROM (SELECT rollup(s) AS s FROM (SELECT cohort_retention(customer_id, ordered_at, 'month') AS s FROM orders GROUP BY plan) q) q, cohort_cells(s) c
   EXCEPT SELECT c.* FROM monthly, cohort_cells(s) c)) d;
-- NULL summaries add nothing, and those without customers add their rows.
SELECT (cohort_totals(rollup(s))).*, rollup(s)::text = max(s::text) FILTER (WHERE (cohort_totals(s)).customers > 0) AS same
FROM (SELECT s FROM monthly UNION ALL SELECT NULL UNION ALL SELECT cohort_retention(NULL::bigint, NULL::date, 'month')) q;

-- ---- The oracle ----
-- Without workers, for there are thousands of small queries.
SET max_parallel_workers_per_gather = 0;
\set oracle `echo "${PG_ABS_SRCDIR:-.}/test/oracle"`
\set oracle_cohort :oracle /cohort.sql
\set oracle_check :oracle /cohort_check.sql
\set ECHO none
SET client_min_messages = warning;
\i :oracle_cohort
\o /dev/null
\i :oracle_check
\o
RESET client_min_messages;
\set ECHO all
SELECT unit, count(*) AS rows, count(DISTINCT customer) AS customers, count(DISTINCT at) AS times FROM oracle_events GROUP BY unit ORDER BY unit;
-- The cases are all combinations of: rows, flags, anchors; date, timestamp, timestamptz; windows; cohorts; brackets;
-- min_events; as_of. This takes one of twelve.
-- SELECT * FROM oracle_run(0, 1) does all 288.
SELECT grids, differing, ways_differing, cells > 3000 AS many_cells FROM oracle_run(2, 12);

-- An answer as of a later time, of a grid without as_of, is that of a grid with this as_of.
SELECT count(*) AS differing FROM unnest('{day,week,month,quarter,year}'::text[]) chosen,
  LATERAL (SELECT max(at) AT TIME ZONE 'Europe/Berlin' + 40 * ('1 ' || replace(chosen, 'quarter', 'month'))::interval AS later FROM oracle_events e WHERE e.unit = chosen) l,
  LATERAL (SELECT cohort_retention(customer, at, retention_grid(chosen, time_zone => 'Europe/Berlin')) AS open,
             cohort_retention(customer, at, retention_grid(chosen, time_zone => 'Europe/Berlin', as_of => later)) AS closed FROM oracle_events e WHERE e.unit = chosen) s
WHERE EXISTS (SELECT c.* FROM cohort_cells(open, 'on_or_after', later) c EXCEPT SELECT c.* FROM cohort_cells(closed, 'on_or_after') c)
   OR EXISTS (SELECT c.* FROM cohort_cells(closed) c EXCEPT SELECT c.* FROM cohort_cells(open, 'on', later) c)
   OR EXISTS (SELECT c.* FROM retention_curve(closed) c EXCEPT SELECT c.* FROM retention_curve(open, as_of => later) c)
   OR EXISTS (SELECT c.* FROM lifecycle(closed) c EXCEPT SELECT c.* FROM lifecycle(open, later) c);

-- ---- Invariants on more rows ----
CREATE TABLE visit (customer bigint, at timestamptz, plan text) WITH (autovacuum_enabled = off);
INSERT INTO visit
SELECT c, timestamptz '2024-01-01' + oracle_random('start', c, 500) * interval '1 day' + oracle_random('at', c * 20 + g, 100000) * interval '443 seconds',
  (ARRAY['basic', 'plus', 'premium'])[1 + c % 3]
FROM generate_series(1, 1500) c, generate_series(1, 1 + oracle_random('n', c, 12)) g;
ANALYZE visit;
CREATE TABLE grids (n serial, grid retention_grid);
INSERT INTO grids (grid)
SELECT retention_grid(unit, windows => windows, cohorts => cohorts, brackets => brackets, min_events => min_events, as_of => '2025-05-20 13:00')
FROM unnest('{month,28 days}'::text[]) unit, unnest('{calendar,elapsed}'::text[]) windows, unnest('{first,recurring}'::text[]) cohorts,
  unnest('{NULL,"1,2-4,6"}'::text[]) brackets, unnest('{1,2}'::integer[]) min_events;
CREATE TABLE whole AS
SELECT n, grid, (SELECT cohort_retention(customer, at, grid) FROM visit) AS s FROM grids;
SELECT count(*) AS grids,
  count(*) FILTER (WHERE EXISTS (SELECT FROM cohort_cells(s, criterion) c WHERE retained > at_risk OR at_risk > cohort_size OR (ci_low > retention_rate OR ci_high < retention_rate))) AS retained_above_risk,
  count(*) FILTER (WHERE EXISTS (SELECT FROM cohort_cells(s, criterion) c WHERE (status = 'observed' AND period > 0) <> (ci_low IS NOT NULL))) AS intervals_amiss,
  count(*) FILTER (WHERE grid::text NOT LIKE '%recurring%' AND (SELECT sum(cohort_size) FROM cohort_cells(s, criterion) WHERE period = 0) <> (SELECT count(DISTINCT customer) FROM visit WHERE at < '2025-05-20 13:00')) AS sizes_amiss
FROM whole, unnest('{on,on_or_after,on_or_before,streak}'::text[]) criterion;
-- on_or_after and streak fall, on_or_before rises, and on is between streak and both.
SELECT count(*) FILTER (WHERE after > after_before OR streak > streak_before OR before < before_before OR "on" > after OR "on" > before OR streak > "on") AS amiss, count(*) > 2000 AS many
FROM (SELECT *, lag(after) OVER w AS after_before, lag(before) OVER w AS before_before, lag(streak) OVER w AS streak_before
      FROM (SELECT n, cohort, period, sum(retained) FILTER (WHERE criterion = 'on') AS "on", sum(retained) FILTER (WHERE criterion = 'on_or_after') AS after,
              sum(retained) FILTER (WHERE criterion = 'on_or_before') AS before, sum(retained) FILTER (WHERE criterion = 'streak') AS streak
            FROM whole, unnest('{on,on_or_after,on_or_before,streak}'::text[]) criterion, LATERAL cohort_cells(s, criterion) c
            WHERE period > 0 AND status = 'observed' GROUP BY n, cohort, period) y
      WINDOW w AS (PARTITION BY n, cohort ORDER BY period)) x;
SELECT count(*) FILTER (WHERE new + resurrected - dormant <> active - before OR retained + dormant <> before) AS amiss, count(*) > 200 AS many
FROM (SELECT l.*, coalesce(lag(active) OVER (PARTITION BY n ORDER BY period_start), 0) AS before FROM whole, lifecycle(s) l) x;

-- ---- The same bits from every plan ----
-- Under valgrind (script/test --valgrind) the longest tests use fewer cases; 1 is all of them.
CREATE FUNCTION asked_less() RETURNS integer LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('retention_test.thin', true), ''), '1')::integer $$;
CREATE FUNCTION differing(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE differ bigint := 0; g record; answer text; thin integer := least(7, asked_less());
BEGIN
  FOR g IN SELECT * FROM whole WHERE n % thin = 1 % thin LOOP
    EXECUTE replace(query, 'GRID', quote_literal(g.grid)) INTO answer;
    IF answer IS DISTINCT FROM g.s::text THEN differ := differ + 1; END IF;
  END LOOP;
  RETURN differ;
END $$;
SELECT differing('SELECT cohort_retention(customer, at, GRID)::text FROM (SELECT * FROM visit ORDER BY oracle_random(''shuffle'', customer * 1000 + extract(epoch FROM at)::integer % 997, 10000)) v') AS shuffled,
  differing('SELECT cohort_retention(customer::text, at, GRID)::text FROM visit') AS text_keys,
  differing('SELECT cohort_retention(md5(customer::text)::uuid, at, GRID)::text FROM visit') AS uuid_keys,
  differing('SELECT cohort_retention(customer * 1000003, at, GRID)::text FROM visit') AS sparse_keys,
  differing('SELECT cohort_retention(f)::text FROM (SELECT activity(at, GRID) AS f FROM visit GROUP BY customer) q') AS facts,
  differing('SELECT rollup(s)::text FROM (SELECT cohort_retention(customer, at, GRID) AS s FROM visit GROUP BY plan) q') AS rollup,
  differing('SELECT rollup(s)::text FROM (SELECT cohort_retention(customer, at, GRID) AS s FROM visit GROUP BY customer % 300) q') AS rollup_of_many,
  differing('SELECT cohort_retention(customer, at, GRID)::text FROM visit GROUP BY GROUPING SETS ((plan), ()) HAVING GROUPING(plan) = 1') AS grouping_sets,
  differing('SELECT cohort_retention(customer, at, GRID, true, true)::text FROM visit') AS flags;
-- A frame that grows: the final function is called for each row and does not change the state.
SELECT count(*) AS frames, count(*) FILTER (WHERE framed.s::text IS DISTINCT FROM alone.s::text) AS differ
FROM (SELECT n, grid FROM whole WHERE grid::text LIKE 'month%') g,
  LATERAL (SELECT DISTINCT ON (k) k, s FROM (SELECT customer % 4 AS k, cohort_retention(customer, at, grid) OVER (ORDER BY customer % 4) AS s FROM visit WHERE customer <= 200) w) framed,
  LATERAL (SELECT cohort_retention(customer, at, grid) AS s FROM visit WHERE customer <= 200 AND customer % 4 <= k) alone;
SET work_mem = '64kB';
SELECT differing('SELECT cohort_retention(customer, at, GRID)::text FROM visit') AS little_memory_batches;
SET retention.enable_batch_scan = off;
SELECT differing('SELECT cohort_retention(customer, at, GRID)::text FROM visit') AS little_memory,
  differing('SELECT rollup(s)::text FROM (SELECT cohort_retention(customer, at, GRID) AS s FROM visit GROUP BY customer % 500) q') AS little_memory_groups;
RESET retention.enable_batch_scan;
RESET work_mem;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET retention.enable_batch_scan = off;
EXPLAIN (COSTS OFF) SELECT cohort_retention(customer, at, 'month') FROM visit;
SELECT differing('SELECT cohort_retention(customer, at, GRID)::text FROM visit') AS parallel;
RESET retention.enable_batch_scan;
SELECT differing('SELECT cohort_retention(customer, at, GRID)::text FROM visit') AS parallel_batches;
SET parallel_leader_participation = off;
SELECT differing('SELECT rollup(s)::text FROM (SELECT cohort_retention(customer, at, GRID) AS s FROM visit GROUP BY plan) q') AS parallel_groups;
RESET parallel_leader_participation;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- Stored, compressed, as text and as binary.
CREATE TABLE stored (n integer, s retention_cohorts);
INSERT INTO stored SELECT n, s FROM whole;
SELECT count(*) FILTER (WHERE w.s::text IS DISTINCT FROM stored.s::text OR w.s::text::retention_cohorts::text IS DISTINCT FROM w.s::text) AS differ FROM stored JOIN whole w USING (n);
CREATE TABLE received (n serial, s retention_cohorts);
DO $$
DECLARE file text := current_setting('data_directory') || '/retention_cohort.copy';
BEGIN
  EXECUTE format('COPY (SELECT s FROM whole ORDER BY n) TO %L (FORMAT binary)', file);
  EXECUTE format('COPY received (s) FROM %L (FORMAT binary)', file);
  EXECUTE format('COPY (SELECT) TO %L', file);
END $$;
SELECT count(*) FILTER (WHERE w.s::text IS DISTINCT FROM received.s::text) AS differ FROM received JOIN whole w USING (n);
-- The ranges against plain SQL.
SELECT count(*) AS cases, count(*) FILTER (WHERE mine IS DISTINCT FROM theirs OR mine + churn <> 100) AS differ
FROM generate_series(0, 20) m, LATERAL (SELECT tstzrange(timestamptz '2024-01-01' + m * interval '20 days', timestamptz '2024-01-01' + (m + 2) * interval '20 days') AS base,
                                          tstzrange(timestamptz '2024-01-01' + (m + 1) * interval '30 days', NULL) AS returned) r,
  LATERAL (SELECT retention_rate(customer, at, base, returned) AS mine, churn_rate(customer, at, base, returned) AS churn FROM visit) a,
  LATERAL (SELECT trim_scale(100 * count(*) FILTER (WHERE b) ::numeric / count(*)) AS theirs
           FROM (SELECT bool_or(at <@ base) AS a, bool_or(at <@ returned) AS b FROM visit GROUP BY customer) x WHERE a) b;

-- ---- Customers subtracted and replaced ----
-- What is left is bit for bit what the rows of the other customers give; only the first and latest time differ if the
-- customers who were subtracted had them.
CREATE TABLE open_grids AS SELECT grid, true AS sums FROM grids
UNION ALL SELECT retention_grid(unit, brackets => brackets, min_events => min_events), true FROM unnest('{quarter,month}'::text[]) unit, unnest('{NULL,"1,2-4,6"}'::text[]) brackets, unnest('{1,2}'::integer[]) min_events
UNION ALL SELECT retention_grid('month', cohorts => 'recurring'), false;
CREATE FUNCTION without_moments(s retention_cohorts) RETURNS text LANGUAGE sql AS
  'SELECT jsonb_build_array((SELECT jsonb_agg(c) FROM unnest(''{on,on_or_after,on_or_before,streak}''::text[]) x, LATERAL cohort_cells(s, x, CASE WHEN (cohort_totals(s)).grid !~ ''as_of'' THEN timestamp ''2027-01-01'' END) c), (SELECT jsonb_agg(c) FROM lifecycle(s, CASE WHEN (cohort_totals(s)).grid !~ ''as_of'' THEN timestamp ''2027-01-01'' END) c), (SELECT jsonb_agg(c) FROM stickiness(s) c), (SELECT jsonb_build_array(grid, customers, rows_seen, rows_ignored) FROM cohort_totals(s)))::text';
SELECT count(*) AS cases, count(*) FILTER (WHERE inside) > 30 AS many_inside,
  count(*) FILTER (WHERE inside AND left_over::text IS DISTINCT FROM rest::text AND sums) AS bits_differ,
  count(*) FILTER (WHERE without_moments(left_over) IS DISTINCT FROM without_moments(rest)) AS answers_differ,
  count(*) FILTER (WHERE (cohort_totals(left_over)).first_at > (cohort_totals(rest)).first_at OR (cohort_totals(left_over)).latest_at < (cohort_totals(rest)).latest_at) AS moments_amiss
FROM (SELECT sums, rest, cohort_subtract(total, part) AS left_over,
        (cohort_totals(part)).first_at > (cohort_totals(total)).first_at AND (cohort_totals(part)).latest_at < (cohort_totals(total)).latest_at AS inside
      FROM open_grids, (VALUES (2), (9)) m (parts), generate_series(0, 1) k,
        LATERAL (SELECT cohort_retention(customer, at, grid) AS total, cohort_retention(customer, at, grid) FILTER (WHERE customer % parts = k) AS part,
                   cohort_retention(customer, at, grid) FILTER (WHERE customer % parts <> k) AS rest FROM visit WHERE customer <= 200 / least(5, asked_less())) s) q;
-- Old rows out, new rows in: some customers gain rows, some lose them, some are new or gone. The first and the latest row
-- may go, too.
CREATE FUNCTION replaced(grid retention_grid, seed integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE total retention_cohorts; old retention_cohorts; new retention_cohorts; result retention_cohorts; touched bigint[];
  ends timestamptz := CASE WHEN grid::text ~ 'as_of' THEN '2025-05-20 13:00' ELSE 'infinity' END;
BEGIN
  CREATE TEMP TABLE was ON COMMIT DROP AS SELECT customer, at FROM visit WHERE customer <= 150;
  -- the latest row goes in every third case, the first in every fourth, and rows of some
  CREATE TEMP TABLE is_now ON COMMIT DROP AS SELECT customer, at FROM was
    WHERE NOT (oracle_random('customer', customer * 50 + seed, 20) = 0 AND oracle_random('row', (extract(epoch FROM at)::bigint % 100000 + seed)::integer, 2) = 0)
      AND NOT (seed % 3 = 0 AND at = (SELECT max(at) FROM was WHERE at < ends)) AND NOT (seed % 4 = 0 AND at = (SELECT min(at) FROM was))
    UNION ALL SELECT 140 + oracle_random('new', g + seed, 20), timestamptz '2024-02-01' + oracle_random('when', g + seed, 600) * interval '1 day' FROM generate_series(1, 10) g;
  SELECT array_agg(customer) INTO touched FROM (SELECT customer FROM ((TABLE was EXCEPT ALL TABLE is_now) UNION ALL (TABLE is_now EXCEPT ALL TABLE was)) d
    UNION SELECT customer FROM is_now WHERE at IN (SELECT max(at) FROM is_now WHERE at < ends UNION SELECT min(at) FROM is_now)) t;
  SELECT cohort_retention(customer, at, grid), cohort_retention(customer, at, grid) FILTER (WHERE customer = ANY (touched)) INTO total, old FROM was;
  SELECT cohort_retention(customer, at, grid), cohort_retention(customer, at, grid) FILTER (WHERE customer = ANY (touched)) INTO result, new FROM is_now;
  DROP TABLE was, is_now;
  -- and without the promise that the touched have the first and the latest row of the result: the same but for these two
  RETURN retention_internal.cohort_replace_exact(total, old, new)::text = result::text
    AND without_moments(cohort_replace(total, old, new)) = without_moments(result);
END $$;
SELECT count(*) AS cases, count(*) FILTER (WHERE replaced(grid, k) IS NOT true) AS differ FROM open_grids, generate_series(1, 4) k WHERE sums;
-- The latest order of all is cancelled: what was known of the other customers stays known.
SELECT customers, first_at, latest_at, as_of FROM (SELECT cohort_replace(cohort_retention(c, d, 'month'), cohort_retention(c, d, 'month') FILTER (WHERE c = 1),
    cohort_retention(c, d, 'month') FILTER (WHERE c = 1 AND d < last)) AS s
  FROM (VALUES (1, date '2024-01-05'), (1, '2024-09-03'), (2, '2024-01-10'), (2, '2024-02-01'), (2, '2024-06-25')) v (c, d), (VALUES (date '2024-09-03')) l (last)) q, cohort_totals(s);
SELECT c.cohort, c.period, c.at_risk, c.retained, c.status FROM (SELECT cohort_replace(cohort_retention(c, d, 'month'), cohort_retention(c, d, 'month') FILTER (WHERE c = 1),
    cohort_retention(c, d, 'month') FILTER (WHERE c = 1 AND d < '2024-03-01')) AS s
  FROM (VALUES (1, date '2024-01-05'), (1, '2024-03-03'), (2, '2024-01-10'), (2, '2024-02-01'), (2, '2024-02-25')) v (c, d)) q, cohort_cells(s) c;
-- If the promise does not hold, rows outside of the first and latest time are an error.
SELECT retention_internal.cohort_replace_exact(cohort_retention(c, d, 'month'), cohort_retention(c, d, 'month') FILTER (WHERE c = 1), cohort_retention(c, d, 'month') FILTER (WHERE c = 1 AND d < '2024-03-01'))
FROM (VALUES (1, date '2024-01-05'), (1, '2024-09-03'), (2, '2024-01-10'), (2, '2024-06-25')) v (c, d);
-- All customers, no customers, a NULL summary.
SELECT cohort_subtract(s, s) IS NULL AS nothing, cohort_subtract(s, NULL)::text = s::text AS all_of_it, cohort_subtract(NULL, NULL) IS NULL AS nobody,
  cohort_replace(s, s, s)::text = s::text AS same, cohort_replace(NULL, NULL, s)::text = s::text AS new, cohort_replace(s, s, NULL) IS NULL AS gone,
  cohort_replace(s, NULL, NULL)::text = s::text AS untouched, (cohort_totals(cohort_replace(s, NULL, (SELECT cohort_retention(NULL::bigint, NULL::date, 'month'))))).rows_seen - (cohort_totals(s)).rows_seen AS a_row_more
FROM monthly;
-- Customers who are not in the summary cannot be subtracted.
SELECT cohort_subtract(s, (SELECT cohort_retention(customer_id, ordered_at, 'month') FROM orders WHERE ordered_at < '2026-03-01')) FROM monthly;
SELECT cohort_subtract(s, (SELECT cohort_retention(1, date '2026-06-01', 'month'))) FROM monthly;
SELECT cohort_subtract(s, (SELECT cohort_retention(1, date '2026-01-01', 'week'))) FROM monthly;
SELECT cohort_subtract(s, (SELECT cohort_retention(1, timestamp '2026-01-05', 'month'))) FROM monthly;
SELECT cohort_subtract(s, (SELECT cohort_retention(1, date '2026-01-05', date '2026-01-05', 'month'))) FROM monthly;
SELECT cohort_subtract(NULL, s) FROM monthly;
SELECT cohort_replace(NULL, s, s) FROM monthly;
SELECT cohort_subtract(cohort_retention(customer_id, ordered_at, 'month; windows=elapsed'), cohort_retention(customer_id, ordered_at, 'month; windows=elapsed') FILTER (WHERE customer_id = 1)) FROM orders;

-- ---- Corrupt bytes ----
-- The text of a summary with another first and latest day, as days from 2000-01-01; numbers are written doubled.
CREATE FUNCTION margin_of(value text, moments text, day integer, OUT outcome text) LANGUAGE plpgsql AS $$
BEGIN
  ASSERT length(value) - length(replace(value, moments, '')) = length(moments);
  outcome := (cohort_totals(replace(value, moments, '00000200' || repeat(lpad(to_hex(2 * day), 2, '0'), 2) || '0')::retention_cohorts)).latest_at;
EXCEPTION WHEN invalid_text_representation THEN
  GET STACKED DIAGNOSTICS outcome = PG_EXCEPTION_DETAIL;
END $$;
SET max_parallel_workers_per_gather = 0;
-- Each byte changed in several ways, and each prefix: an error, or a value that can be used.
-- As text, and as the bytes of a table: only a superuser can put those there.
SET allow_system_table_mods = on;
INSERT INTO pg_cast (oid, castsource, casttarget, castfunc, castcontext, castmethod)
VALUES (4000000011, 'bytea'::regtype, 'retention_cohorts'::regtype, 0, 'e', 'b'), (4000000012, 'retention_cohorts'::regtype, 'bytea'::regtype, 0, 'e', 'b');
CREATE FUNCTION hostile(good retention_cohorts, bytes bytea, stored boolean) RETURNS TABLE (outcome text, many boolean) LANGUAGE plpgsql AS $$
DECLARE changed bytea; errors bigint := 0; fine bigint := 0; s retention_cohorts; thin integer := least(7, asked_less());
BEGIN
  FOR i IN 0 .. length(bytes) - 1 BY thin LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, get_byte(bytes, i) # 2), set_byte(bytes, i, get_byte(bytes, i) # 128),
        set_byte(bytes, i, 255), set_byte(bytes, i, 0), substr(bytes, 1, i), bytes || substr(bytes, i + 1, 1)] LOOP
      BEGIN
        s := CASE WHEN stored THEN changed::retention_cohorts ELSE encode(changed, 'hex')::retention_cohorts END;
        IF NOT stored AND split_part(s::text, ' ', -1) <> encode(changed, 'hex') OR stored AND s::text::retention_cohorts::bytea <> changed THEN RAISE 'another value'; END IF;
        PERFORM FROM cohort_cells_at(s, 'on_or_before') LIMIT 50;
        PERFORM FROM retention_curve(s, 'streak');
        PERFORM FROM lifecycle_at(s) LIMIT 50;
        PERFORM FROM stickiness(s);
        PERFORM cohort_totals(s);
        PERFORM rollup(x) FROM (VALUES (s), (s)) v (x);
        PERFORM cohort_subtract(s, s), cohort_replace(s, s, s);
        BEGIN
          PERFORM cohort_subtract(good, s), cohort_subtract(s, good), cohort_replace(good, s, good), cohort_replace(good, good, s);
        EXCEPTION WHEN invalid_parameter_value OR program_limit_exceeded OR numeric_value_out_of_range THEN
        END;
        fine := fine + 1;
      EXCEPTION WHEN data_corrupted OR feature_not_supported OR invalid_text_representation OR invalid_parameter_value
          OR datetime_field_overflow OR program_limit_exceeded OR character_not_in_repertoire OR numeric_value_out_of_range THEN
        errors := errors + 1;
      END;
    END LOOP;
  END LOOP;
  RETURN QUERY VALUES ('an error', errors > 3 * fine), ('a value', fine > 0);
END $$;
SELECT grid, stored, h.* FROM (SELECT grid, (SELECT cohort_retention(customer_id, ordered_at, grid) FROM orders) AS s FROM unnest(ARRAY['month', 'month; cohorts=recurring',
  'month; windows=elapsed; brackets=1,2-3', 'week; brackets=1,2-5; as_of=2026-04-10']::retention_grid[]) grid) q,
  unnest('{f,t}'::boolean[]) stored, LATERAL hostile(s, CASE WHEN stored THEN s::bytea ELSE decode(split_part(s::text, ' ', -1), 'hex') END, stored) h;
DELETE FROM pg_cast WHERE oid IN (4000000011, 4000000012);
RESET allow_system_table_mods;
SELECT ''::retention_cohorts;
SELECT '5243'::retention_cohorts;
SELECT 'no cohorts'::retention_cohorts;
SELECT '524302'::retention_cohorts;

-- Partial states come from other servers, so their bytes may be forged. The final function must cope with all that the
-- reader of states accepts.
CREATE AGGREGATE state_of(bigint, timestamptz, retention_grid) (SFUNC = retention_internal.cohort_transfn, STYPE = retention_internal.retention_population);
CREATE AGGREGATE cohorts_of(retention_internal.retention_population) (SFUNC = retention_internal.population_combine, STYPE = retention_internal.retention_population, FINALFUNC = retention_internal.cohort_final);
CREATE FUNCTION hostile_state(value text) RETURNS TABLE (outcome text, found boolean) LANGUAGE plpgsql AS $$
DECLARE bytes bytea := decode(value, 'hex'); changed bytea; errors bigint := 0; fine bigint := 0; s retention_cohorts; thin integer := least(7, asked_less());
BEGIN
  FOR i IN 0 .. length(bytes) - 1 BY thin LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, get_byte(bytes, i) # 2), set_byte(bytes, i, get_byte(bytes, i) # 64),
        set_byte(bytes, i, 255), set_byte(bytes, i, 0), substr(bytes, 1, i), bytes || substr(bytes, i + 1, 1)] LOOP
      BEGIN
        SELECT cohorts_of(x::retention_internal.retention_population) INTO s FROM (VALUES (encode(changed, 'hex'))) v (x);
        PERFORM FROM cohort_cells_at(s, 'on_or_before') LIMIT 50;
        fine := fine + 1;
      EXCEPTION WHEN data_corrupted OR feature_not_supported OR invalid_text_representation OR invalid_parameter_value
          OR datetime_field_overflow OR program_limit_exceeded OR character_not_in_repertoire OR numeric_value_out_of_range THEN
        errors := errors + 1;
      END;
    END LOOP;
  END LOOP;
  RETURN QUERY VALUES ('an error', errors > 0), ('a value', fine > 0);
END $$;
SELECT cohorts_of(s)::text = (SELECT cohort_retention(customer_id, ordered_at::timestamptz, 'month')::text FROM orders) AS same
FROM (SELECT state_of(customer_id, ordered_at::timestamptz, 'month') AS s FROM orders GROUP BY customer_id % 3) q;
SELECT grid, h.* FROM (SELECT grid, (SELECT state_of(customer_id, ordered_at::timestamptz, grid) FROM orders) AS s
  FROM unnest(ARRAY['month', 'month; windows=elapsed; cohorts=recurring', 'week; brackets=1,2-5; as_of=2026-04-10; min_events=2']::retention_grid[]) grid) q, hostile_state(s::text) h;

-- Windows of several hours are real elapsed time, but cohorts, lifecycle and stickiness begin by the clock, as those of
-- calendar grids do.
SELECT count(*) AS grids, count(*) FILTER (WHERE differ) AS differ
FROM unnest('{2,3,4,6,8,12,24}'::integer[]) hours, unnest('{UTC,Europe/Berlin,America/St_Johns,Asia/Kathmandu}'::text[]) zone,
  LATERAL (SELECT cohort_retention(customer, at, (hours || ' hours; windows=elapsed; time_zone=' || zone)::retention_grid) AS elapsed,
      cohort_retention(customer, at, (hours || ' hours; time_zone=' || zone)::retention_grid) AS calendar FROM visit WHERE at BETWEEN '2024-03-29' AND '2024-04-02') s,
  LATERAL (WITH e AS (SELECT cohort, cohort_size, NULL::bigint AS new FROM cohort_cells_at(elapsed) WHERE period = 0 UNION ALL SELECT period_start, active, new FROM lifecycle_at(elapsed) WHERE active > 0 UNION ALL SELECT NULL, active_periods, customers FROM stickiness(elapsed)),
      c AS (SELECT cohort, cohort_size, NULL::bigint FROM cohort_cells_at(calendar) WHERE period = 0 UNION ALL SELECT period_start, active, new FROM lifecycle_at(calendar) WHERE active > 0 UNION ALL SELECT NULL, active_periods, customers FROM stickiness(calendar))
    SELECT EXISTS ((TABLE e EXCEPT TABLE c) UNION ALL (TABLE c EXCEPT TABLE e)) AS differ) x;
SELECT cohort AT TIME ZONE 'Europe/Berlin' AS cohort, cohort_size FROM (SELECT cohort_retention(c, t, '24 hours; time_zone=Europe/Berlin; windows=elapsed') AS s
  FROM (VALUES (1, timestamptz '2024-07-05 00:30 Europe/Berlin'), (2, '2024-07-04 12:00 Europe/Berlin')) v (c, t)) q, cohort_cells_at(s) WHERE period = 0;
-- Hours that do not divide the day are counted from the midnight of the origin.
SELECT count(*) AS cohorts, count(*) FILTER (WHERE extract(epoch FROM cohort - timestamptz '2000-01-01 UTC')::bigint % (36 * 3600) <> 0) AS elsewhere
FROM (SELECT cohort_retention(customer, at, '36 hours; windows=elapsed; time_zone=UTC') AS s FROM visit WHERE customer < 50) q, cohort_cells_at(s) WHERE period = 0;
-- An anchor that is a date is its midnight, also in grids of hours.
SELECT cohort_retention(1, date '2024-07-05', at, grid)::text = cohort_retention(1, timestamp '2024-07-05', at, grid)::text AS midnight
FROM (VALUES (timestamptz '2024-07-05 12:00+00')) v (at), unnest('{hour; time_zone=UTC,12 hours; time_zone=Europe/Berlin,hour; windows=elapsed; time_zone=Asia/Kathmandu}'::retention_grid[]) grid GROUP BY grid;
-- Periods may reach one beyond those of the first and the latest moment, for clocks that go back over midnight, not two.
SELECT cohort, cohort_size FROM (SELECT cohort_retention(c, t, 'day; time_zone=America/St_Johns')::text::retention_cohorts AS s
  FROM (VALUES (1, timestamptz '2010-11-07 02:30:30 UTC'), (2, '2010-11-07 02:40 UTC')) v (c, t)) q, cohort_cells(s) WHERE period = 0 ORDER BY cohort;
SELECT day, m.outcome FROM (SELECT cohort_retention(1, date '2000-01-10', 'day; time_zone=UTC')::text AS text) q, generate_series(6, 12) day, margin_of(text, '0000020012120', day) m;

-- One customer with very many returns and cohorts: the work grows with what they add, not with the product of the two.
SET statement_timeout = '20s';
SELECT count(*) AS cells, sum(retained) FILTER (WHERE period = 1) AS first_year, sum(retained) FILTER (WHERE period = 2) AS later
FROM (SELECT cohort_retention(1, timestamptz '1400-01-01 UTC' + g * interval '58 hours', 'month; windows=elapsed; cohorts=recurring; brackets=1-12,13-6000; min_events=3; time_zone=UTC') AS s
  FROM generate_series(1, 100000) g) q, cohort_cells(s);
SELECT cohort_retention(1, timestamptz '2010-01-01 UTC' + g * interval '1 hour', 'hour; windows=elapsed; cohorts=recurring; time_zone=UTC') FROM generate_series(1, 90000) g;
RESET statement_timeout;
-- The latest row of all in an hour that the clock shows twice: window 0 of that customer has begun.
SELECT cohort_size, period, at_risk, status FROM (SELECT cohort_retention(1, timestamptz '2024-10-27 00:30 UTC', 'month; windows=elapsed; time_zone=Europe/Berlin')::text::retention_cohorts AS s) q, cohort_cells(s);

-- What a person calls a period, in cells and in curves.
SELECT g AS grid, (SELECT string_agg(DISTINCT c.period_label, ', ' ORDER BY c.period_label) FROM cohort_cells_at(q.s) AS c) AS cells,
  (SELECT string_agg(c.period_label, ', ' ORDER BY c.period) FROM retention_curve(q.s) AS c) AS curve
FROM unnest('{"day; brackets=1-3,7","week","month; windows=elapsed","28 days","hour; brackets=2","quarter","year"}'::text[]) AS g,
  LATERAL (SELECT cohort_retention(1, d, (g || '; time_zone=UTC; as_of=2026-01-31')::retention_grid) AS s
    FROM unnest('{2026-01-01,2026-01-04,2026-01-25}'::timestamp[]) AS d) AS q;

SET client_min_messages = warning;
DROP SCHEMA cohort_test CASCADE;
