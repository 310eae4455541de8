-- Activity: the facts of one customer.
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET client_min_messages = warning;
-- Under valgrind (script/test --valgrind) the longest tests use fewer cases; 1 is all of them.
SELECT least(5, coalesce(nullif(current_setting('retention_test.thin', true), ''), '1')::integer) AS thin \gset

-- ---- A customer, worked out by hand ----
CREATE TABLE visit (customer int, at timestamptz, kind text);
INSERT INTO visit VALUES
  (1, '2026-01-31 23:50+00', 'order'), (1, '2026-02-01 00:10+00', 'look'), (1, '2026-02-01 09:00+00', 'order'),
  (1, '2026-04-07 12:00+00', 'look'), (1, NULL, 'order'),
  (2, '2026-03-03 03:03:03.030303+00', 'look'), (2, '2026-03-03 03:03:03.030303+00', 'look'),
  (3, NULL, 'look');
CREATE VIEW fact AS SELECT customer, activity(at, 'day') AS a FROM visit GROUP BY customer;
SELECT customer, first_active(a), last_active(a), first_active_at(a), last_active_at(a) FROM fact ORDER BY customer;
SELECT customer, p.* FROM fact, active_periods(a) p ORDER BY customer, period;
SELECT customer, p.* FROM fact, active_periods_at(coarsen(a, 'month')) p ORDER BY customer, period;
-- what starts a cohort is not what counts as coming back; a NULL flag is false
SELECT customer, first_active(a), last_active(a), p.*
FROM (SELECT customer, activity(at, 'month; min_events=3', kind = 'order', nullif(kind, 'order') = 'look') a FROM visit GROUP BY customer) q
  LEFT JOIN active_periods(a) p ON true ORDER BY customer, period;
-- each row has the start of the customer; a row with a NULL time still has a start, one with a NULL anchor is ignored
SELECT customer, first_active(a), last_active(a), p.*
FROM (SELECT customer, activity(anchor, at, 'month') a
      FROM visit NATURAL JOIN (VALUES (1, '2026-02-01'::date), (2, NULL), (3, '2025-12-24')) s (customer, anchor) GROUP BY customer) q
  LEFT JOIN active_periods(a) p ON true ORDER BY customer, period;
-- the earliest of several anchors counts
SELECT first_active(a), last_active(a), p.* FROM (SELECT activity(anchor, at, 'month') a
  FROM (VALUES ('2026-03-01'::date, '2026-02-02'::date), ('2026-01-15', NULL), ('2026-05-05', '2026-03-31')) v (anchor, at)) q, active_periods(a) p;
-- an anchor of another type
SELECT first_active(activity(d, t, g)) d_t, first_active(activity(d, z, g)) d_z, first_active(activity(t, d, g)) t_d, first_active(activity(t, z, g)) t_z,
  first_active(activity(z, d, g)) z_d, first_active(activity(z, t, g)) z_t, first_active(activity(d, d, g)) d_d, first_active(activity(t, t, g)) t_t, first_active(activity(z, z, g)) z_z
FROM (VALUES (date '2026-03-29', timestamp '2026-03-29 04:05:06', timestamptz '2026-03-29 23:30:00+00', 'day; time_zone=Europe/Berlin'::retention_grid)) v (d, t, z, g);
-- without rows there are no facts; if all rows are ignored, there are facts without a time
SELECT activity(at, 'day') IS NULL AS none FROM visit WHERE false;
SELECT a, first_active(a), last_active_at(a), (SELECT count(*) FROM active_periods(a)) FROM fact WHERE customer = 3;
-- rows at or after as_of are ignored; a day that as_of lies in is not over
SELECT last_active(activity(at, 'day; as_of=2026-02-01 09:00')), last_active(activity(at::date, 'day; as_of=2026-02-01 09:00')),
  last_active(activity(at, 'day; as_of=2026-02-01 09:00:00.000001')) FROM visit WHERE customer = 1;
-- the session's time zone is recorded at the first row
SET timezone = 'Asia/Tokyo';
SELECT first_active(activity(at, 'month')), first_active_at(activity(at, 'month')) FROM visit WHERE customer = 1;
SELECT period_start FROM (SELECT activity(at, 'month') a FROM visit WHERE customer = 1) q, active_periods(a);
SET timezone = 'UTC';
-- tens of bytes: ten days in three years
CREATE TABLE small AS SELECT activity(at, 'day') AS instant, activity(at::date, 'day') AS day, activity(at, 'day; windows=elapsed') AS elapsed
  FROM generate_series('2024-01-05 10:20:30.405060+00'::timestamptz, '2026-12-31', '115 days 1 hour') at;
SELECT pg_column_size(instant) AS instant, pg_column_size(day) AS day, pg_column_size(elapsed) AS elapsed, (SELECT count(*) FROM active_periods(day)) FROM small;

-- ---- What is refused ----
SELECT activity(at, NULL::retention_grid) FROM visit;
SELECT activity(at, CASE customer WHEN 1 THEN 'day' ELSE 'month' END::retention_grid) FROM visit;
SELECT activity('infinity'::timestamptz, 'day');
SELECT activity('-infinity'::date, 'day; as_of=2026-01-01');
SELECT first_active(activity('infinity'::date, 'day; as_of=2026-01-01'));
SELECT activity(date '2026-01-01', 'hour');
-- an anchor that is a day is its midnight, a row that is one has no hour
SELECT activity(date '2026-01-01', timestamptz '2026-01-01 05:30+00', 'hour; time_zone=UTC')::text = activity(timestamp '2026-01-01', timestamptz '2026-01-01 05:30+00', 'hour; time_zone=UTC')::text AS midnight;
SELECT activity(timestamp '2026-01-01', date '2026-01-01', 'hour');
SELECT activity(timestamp 'infinity', date '2026-01-01', 'day');
SELECT activity(date '5000000-01-01', timestamp '2026-01-01', 'day');
SELECT first_active(activity(date '5000000-01-01', 'day'));
SELECT active_periods(activity(at, 'hour')) FROM visit;
SELECT retention_internal.activity_transfn(NULL, at, 'day') FROM visit;
SELECT retention_internal.activity_combine(a, a) FROM fact;
SELECT retention_internal.activity_final(a) FROM fact;
SELECT activity_union(activity(at, 'day'), activity(at, 'month')) FROM visit;
SELECT activity_union(activity(at, 'day'), activity(at::date, 'day')) FROM visit;
SELECT activity_union(activity(at, 'day'), activity(at::date, at, 'day')) FROM visit;
SELECT activity_union(a) FROM (SELECT activity(at, 'day') FROM visit UNION ALL SELECT activity(at, 'day; as_of=2026-02-02') FROM visit) v (a);
SELECT 'x'::retention_activity;
SELECT ''::retention_activity;
SELECT '52'::retention_activity;
SELECT '524601'::retention_activity;
SELECT '524102'::retention_activity;
SELECT '52410100'::retention_activity;
-- what cannot be known on a coarser grid
CREATE FUNCTION refused(value text, fine text, coarse text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text; hint text;
BEGIN
  RETURN coarsen((SELECT activity(at::timestamptz, fine::retention_grid) FROM unnest(value::text[]) at), coarse::retention_grid)::text;
EXCEPTION WHEN invalid_parameter_value THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' / ', sqlerrm, detail, hint);
END $$;
SELECT refused('{2026-01-01}', fine, coarse) FROM (VALUES
  ('day', 'day; time_zone=Europe/Berlin'), ('day', 'month; min_events=2'), ('day', 'month; windows=elapsed'), ('week', 'month'), ('month', 'day'),
  ('day', 'hour'), ('day; as_of=2026-02-01', 'month'), ('day; as_of=2026-02-01', 'month; as_of=2026-03-01'), ('day', 'month; as_of=2026-01-01'),
  ('2 weeks', '3 weeks'), ('week', 'week; week_start=sunday'), ('2 days', '4 days; origin=2026-01-03'), ('2 months', 'quarter'),
  ('month; origin=2000-01-15', 'quarter'), ('2 months', '4 months; origin=2000-02-01'), ('2 hours', '3 hours')) v (fine, coarse);
-- an hour in two days: the clocks of St. John's went back at a minute past midnight
SELECT refused('{2010-11-07 02:30:30+00}', 'hour; time_zone=America/St_Johns', 'day');
SELECT refused('{2010-11-07 05:30:30+00}', 'hour; time_zone=America/St_Johns', 'day') LIKE '% 5241%' AS exact;
-- a wall-clock time that Samoa skipped with its whole day counts a day later by the hour
SELECT coarsen(activity(timestamp '2011-12-30 10:00', 'hour; time_zone=Pacific/Apia'), 'day');
SELECT period_start FROM (SELECT coarsen(activity(timestamp '2012-01-02 00:10', 'hour; time_zone=Pacific/Apia'), 'day') AS a) q, active_periods(a);

-- ---- Against an oracle in SQL ----
-- Random rows with a fixed seed: days and hours in clusters, clock changes, ties, NULLs.
CREATE FUNCTION random_number(seed bigint, number bigint, below bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
AS 'SELECT abs(mod(hashint8extended($2, $1), $3))';
CREATE TABLE event AS
SELECT c AS customer,
  CASE WHEN random_number(1, n, 40) = 0 THEN NULL ELSE
    CASE random_number(2, n, 5) WHEN 0 THEN '2024-03-31 00:00+00' WHEN 1 THEN '2024-10-26 20:00+00' ELSE '2023-12-25 00:00+00' END::timestamptz
    + random_number(3, n, CASE random_number(4, c, 3) WHEN 0 THEN 700 WHEN 1 THEN 90 ELSE 20 END) * interval '1 day' * (random_number(5, n, 3) > 0)::int
    + random_number(6, n, 30) * interval '1 hour' + random_number(7, n, 4) * interval '15 minutes 0.000001 seconds' END AS at,
  CASE random_number(8, n, 5) WHEN 0 THEN NULL ELSE random_number(8, n, 3) = 1 END AS is_start,
  CASE random_number(9, n, 7) WHEN 0 THEN NULL ELSE random_number(9, n, 2) = 1 END AS is_return,
  n
FROM generate_series(1, 60) c, LATERAL (SELECT c * 1000 + i AS n FROM generate_series(1, 1 + random_number(10, c, CASE WHEN mod(c, 10) = 0 THEN 300 ELSE 25 END)) i) s;
CREATE TABLE grid (grid retention_grid, unit text, zone text, shift interval, min_events int, as_of timestamp);
INSERT INTO grid
SELECT retention_grid(unit, week_start => week_start, time_zone => zone, min_events => min_events, as_of => as_of, windows => windows),
  unit, zone, CASE WHEN week_start = 'sunday' AND unit = 'week' THEN interval '1 day' ELSE '0' END, min_events, as_of
FROM unnest('{hour,day,week,month,quarter,year}'::text[]) WITH ORDINALITY u (unit, i), unnest('{UTC,Europe/Berlin,America/New_York}'::text[]) WITH ORDINALITY z (zone, j),
  (VALUES (1, 'calendar', 1, 'monday', NULL), (2, 'calendar', 2, 'sunday', NULL), (3, 'elapsed', 3, 'sunday', NULL),
    (4, 'calendar', 1, 'monday', timestamp '2024-10-27 02:30'), (5, 'elapsed', 1, 'monday', '2024-03-31 03:00')) o (k, windows, min_events, week_start, as_of)
WHERE mod(i + j + k, :thin) = 0;

-- every period of all facts, in both directions: instants
CREATE TABLE oracle AS
SELECT g.grid, customer,
  date_trunc(unit, (CASE unit WHEN 'hour' THEN at AT TIME ZONE 'UTC' ELSE at AT TIME ZONE zone END) + shift) - shift AS period,
  least(min_events, count(*) FILTER (WHERE is_return)) AS events, bool_or(is_start IS TRUE) AS is_start, bool_or(is_return IS TRUE) AS is_return,
  min(at) FILTER (WHERE is_start) AS first, max(at) AS last
FROM event, grid g WHERE at IS NOT NULL AND (as_of IS NULL OR at < as_of AT TIME ZONE zone) GROUP BY g.grid, zone, unit, shift, min_events, customer, period;
CREATE TABLE facts AS SELECT grid, zone, unit, customer, activity(at, grid, is_start, is_return) AS a FROM event, grid GROUP BY grid, zone, unit, customer;
CREATE VIEW answer AS SELECT grid, customer,
    CASE unit WHEN 'hour' THEN period_start AT TIME ZONE 'UTC' ELSE period_start AT TIME ZONE zone END AS period, events, is_start, is_return
  FROM facts, active_periods_at(a);
SELECT (SELECT count(*) FROM oracle) > 10000 / :thin AS many, count(*) AS wrong
FROM (SELECT grid, customer, period, events, is_start, is_return FROM oracle) o FULL JOIN answer a USING (grid, customer, period, events, is_start, is_return)
WHERE o.grid IS NULL OR a.grid IS NULL;
SELECT count(*) AS wrong FROM facts LEFT JOIN (SELECT grid, customer, min(first) AS first, max(last) AS last FROM oracle GROUP BY 1, 2) o USING (grid, customer)
WHERE (first_active_at(a), last_active_at(a), first_active(a), last_active(a)) IS DISTINCT FROM (first, last, first AT TIME ZONE zone, last AT TIME ZONE zone);
-- local times and days: the same answers as from instants, if they are the same moments
CREATE FUNCTION shown(a retention_activity) RETURNS text LANGUAGE sql AS 'SELECT string_agg(p::text, '' '') FROM active_periods(a) p';
SELECT count(*) AS wrong FROM (
  SELECT grid, customer, activity(at AT TIME ZONE zone, grid, is_start, is_return) AS l, activity((at AT TIME ZONE zone)::date, grid, is_start, is_return) AS d
  FROM event, grid WHERE unit <> 'hour' AND as_of IS NULL GROUP BY grid, customer) q JOIN facts f USING (grid, customer)
WHERE shown(a) IS DISTINCT FROM shown(l) OR shown(a) IS DISTINCT FROM shown(d) OR last_active(l) IS DISTINCT FROM last_active(a)
  OR first_active(l) IS DISTINCT FROM first_active(a) OR last_active(d) IS DISTINCT FROM last_active(a)::date;
-- a row without flags starts a cohort and counts as coming back
SELECT count(*) AS wrong FROM (SELECT activity(at, grid) AS one, activity(at, grid, true, true) AS other FROM event, grid GROUP BY grid, customer) q WHERE one::text <> other::text;

-- ---- Any order, any plan ----
SELECT count(*) AS wrong FROM facts JOIN (
  SELECT grid, customer, activity(at, grid, is_start, is_return ORDER BY at) AS b, activity(at, grid, is_start, is_return ORDER BY at DESC) AS c,
    activity(at, grid, is_start, is_return ORDER BY random_number(11, n, 1000000)) AS d FROM event, grid GROUP BY grid, customer) q USING (grid, customer)
WHERE a::text <> b::text OR a::text <> c::text OR a::text <> d::text;
-- parallel: partial states of the workers
ALTER TABLE event SET (parallel_workers = 2);
ANALYZE event;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off;
CREATE FUNCTION plan_has(query text, word text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line text; found boolean := false;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    found := found OR line LIKE '%' || word || '%';
  END LOOP;
  RETURN found;
END $$;
SET enable_sort = off;
SELECT plan_has('SELECT activity(at, ''day; min_events=2'') FROM event', 'Partial') AS one, plan_has('SELECT customer, activity(at, ''day; min_events=2'') FROM event GROUP BY customer', 'Partial HashAggregate') AS groups;
CREATE TABLE parallel AS
SELECT 0 AS customer, activity(at, 'day; min_events=2') AS a, activity(at, 'hour; windows=elapsed', is_start, is_return) AS b, activity(at - interval '1 month', at, 'week') AS c FROM event
UNION ALL SELECT customer, activity(at, 'day; min_events=2'), activity(at, 'hour; windows=elapsed', is_start, is_return), activity(at - interval '1 month', at, 'week') FROM event GROUP BY customer;
RESET enable_sort;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS
SELECT 0 AS customer, activity(at, 'day; min_events=2') AS a, activity(at, 'hour; windows=elapsed', is_start, is_return) AS b, activity(at - interval '1 month', at, 'week') AS c FROM event
UNION ALL SELECT customer, activity(at, 'day; min_events=2'), activity(at, 'hour; windows=elapsed', is_start, is_return), activity(at - interval '1 month', at, 'week') FROM event GROUP BY customer;
SELECT count(*), count(*) FILTER (WHERE s.a::text <> p.a::text OR s.b::text <> p.b::text OR s.c::text <> p.c::text) AS wrong FROM serial s FULL JOIN parallel p USING (customer);
-- sorted groups, spilled groups, grouping sets
SET enable_hashagg = off;
SELECT count(*) AS wrong FROM serial s JOIN (SELECT customer, activity(at, 'day; min_events=2') AS a FROM event GROUP BY customer) q USING (customer) WHERE s.a::text <> q.a::text;
RESET enable_hashagg;
SET work_mem = '64kB'; SET enable_sort = off;
SELECT count(*) AS wrong FROM (SELECT n, activity(at, 'day') AS a FROM event GROUP BY n) s JOIN event e USING (n) WHERE last_active_at(a) IS DISTINCT FROM at;
RESET work_mem; RESET enable_sort;
SELECT count(*) AS wrong FROM serial s JOIN (SELECT coalesce(customer, 0) AS customer, activity(at, 'day; min_events=2') AS a FROM event GROUP BY ROLLUP (customer)) q USING (customer) WHERE s.a::text <> q.a::text;
-- window frames: one that grows keeps the state, one that moves starts again; FILTER
SELECT count(*), count(*) FILTER (WHERE grown::text <> g::text) AS grown_wrong, count(*) FILTER (WHERE moved::text <> m::text) AS moved_wrong
FROM (SELECT customer, n, activity(at, 'day; min_events=2') OVER (PARTITION BY customer ORDER BY n) AS grown,
    activity(at, 'day; min_events=2') OVER (PARTITION BY customer ORDER BY n ROWS 3 PRECEDING) AS moved FROM event WHERE customer <= 12) w,
  LATERAL (SELECT activity(at, 'day; min_events=2') AS g, activity(at, 'day; min_events=2') FILTER (WHERE recent <= 4) AS m
    FROM (SELECT at, row_number() OVER (ORDER BY e.n DESC) AS recent FROM event e WHERE e.customer = w.customer AND e.n <= w.n) l) o;

-- ---- Facts add up ----
CREATE TABLE half AS SELECT grid, customer, mod(random_number(12, n, 3), 3) AS part, activity(at, grid, is_start, is_return) AS a FROM event, grid GROUP BY 1, 2, 3;
ANALYZE facts, half;
SELECT count(*) * :thin AS count, count(*) FILTER (WHERE f.a::text <> q.a::text) AS wrong FROM facts f FULL JOIN (SELECT grid, customer, activity_union(a) AS a FROM half GROUP BY 1, 2) q USING (grid, customer);
SELECT count(*) AS wrong FROM facts f JOIN half x USING (grid, customer) JOIN half y USING (grid, customer) LEFT JOIN half z ON z.grid = f.grid AND z.customer = f.customer AND z.part = 2
WHERE x.part = 0 AND y.part = 1 AND (activity_union(activity_union(x.a, y.a), z.a)::text <> f.a::text OR activity_union(z.a, activity_union(y.a, x.a))::text <> f.a::text);
SELECT activity_union(NULL, NULL) IS NULL AS nothing, activity_union(a, NULL)::text = a::text AS one, activity_union(NULL, a)::text = a::text AS other FROM fact WHERE customer = 1;
-- anchors: the earliest of all
SELECT count(*) AS wrong FROM (SELECT customer, activity_union(a) AS u FROM (SELECT customer, activity(at - mod(n, 50) * interval '1 day', at, 'day; min_events=2') AS a FROM event GROUP BY customer, mod(n, 7)) h GROUP BY customer) q
JOIN (SELECT customer, activity(at - mod(n, 50) * interval '1 day', at, 'day; min_events=2') AS a FROM event GROUP BY customer) w USING (customer) WHERE u::text <> a::text;
-- a row that is added twice counts as two: min_events shows it
SELECT (SELECT sum(events) FROM active_periods(activity_union(one, one))) AS one, (SELECT sum(events) FROM active_periods(activity_union(two, two))) AS two
FROM (SELECT activity(d, 'day') AS one, activity(d, 'day; min_events=2') AS two FROM generate_series(timestamp '2026-01-01', '2026-01-03', '1 day') d) q;

-- ---- Coarser grids ----
CREATE FUNCTION try_coarsen(a retention_activity, grid retention_grid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN coarsen(a, grid)::text;
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN 'refused';
END $$;
CREATE TABLE step (number int, grid text);
INSERT INTO step SELECT row_number() OVER (), g FROM unnest('{hour,2 hours,6 hours,24 hours,day,2 days,week,2 weeks,28 days,month,2 months,quarter,6 months,year,month; origin=2000-01-15,year; origin=2001-07-01,
  week; week_start=sunday,day; windows=elapsed,month; windows=elapsed,week; brackets=1-2; cohorts=recurring}'::text[]) g;
CREATE TABLE stepped AS
SELECT number, s.grid, customer, activity(at, (s.grid || '; time_zone=Europe/Berlin; min_events=3')::retention_grid, is_start, is_return) AS fine,
  activity(at, (s.grid || '; time_zone=Europe/Berlin; min_events=2')::retention_grid, is_start, is_return) AS direct
FROM event, step s WHERE customer <= 30 GROUP BY 1, 2, 3;
CREATE TABLE coarse AS
SELECT f.number AS fine_number, f.grid AS fine, c.number AS coarse_number, c.grid AS coarse, customer, direct::text,
  try_coarsen(f.fine, (c.grid || '; min_events=2')::retention_grid) AS coarsened
FROM (SELECT number, grid, customer, fine FROM stepped) f JOIN (SELECT number, grid, customer, direct FROM stepped) c USING (customer);
SELECT count(*) FILTER (WHERE coarsened <> 'refused') > 5000 AS many, count(*) FILTER (WHERE coarsened NOT IN ('refused', direct)) AS wrong FROM coarse;
SELECT fine, string_agg(coarse, ', ' ORDER BY coarse_number) FILTER (WHERE refused = 0) AS exact,
  string_agg(coarse, ', ' ORDER BY coarse_number) FILTER (WHERE refused > 0 AND refused < customers) AS sometimes
FROM (SELECT fine_number, fine, coarse_number, coarse, count(*) AS customers, count(*) FILTER (WHERE coarsened = 'refused') AS refused FROM coarse GROUP BY 1, 2, 3, 4) q
GROUP BY fine_number, fine ORDER BY fine_number;
-- local times, days and anchors
SELECT c.grid, count(*) FILTER (WHERE coarsen(l, c.grid::retention_grid)::text <> dl::text) AS local_wrong, count(*) FILTER (WHERE coarsen(d, c.grid::retention_grid)::text <> dd::text) AS date_wrong,
  count(*) FILTER (WHERE coarsen(n, c.grid::retention_grid)::text <> dn::text) AS anchor_wrong, count(*) FILTER (WHERE coarsen(e, c.grid::retention_grid)::text <> dn::text) AS elapsed_wrong
FROM (VALUES ('day'), ('3 days'), ('week; week_start=sunday'), ('month'), ('quarter'), ('year; origin=2000-03-01')) c (grid), LATERAL (
  SELECT activity(at::timestamp, 'hour') AS l, activity(at::date, 'day') AS d, activity(at - interval '40 days', at, 'day') AS n, activity(at - interval '40 days', at, 'hour; windows=elapsed') AS e,
    activity(at::timestamp, c.grid::retention_grid) AS dl, activity(at::date, c.grid::retention_grid) AS dd, activity(at - interval '40 days', at, c.grid::retention_grid) AS dn FROM event GROUP BY customer) q
GROUP BY c.grid ORDER BY c.grid;
-- a grid without a zone takes that of the facts; an as_of after every row is exact
SELECT count(*) AS wrong FROM (SELECT coarsen(activity(at, 'day; time_zone=Europe/Berlin'), 'month')::text AS a, activity(at, 'month; time_zone=Europe/Berlin')::text AS b,
  coarsen(activity(at, 'day'), 'week; as_of=2030-01-01')::text AS c, activity(at, 'week; as_of=2030-01-01')::text AS d,
  coarsen(activity(at, 'day; as_of=2024-05-05'), 'month; as_of=2024-05-05')::text AS e, activity(at, 'month; as_of=2024-05-05')::text AS f FROM event GROUP BY customer) q
WHERE a <> b OR c <> d OR e <> f;

-- where clocks change over midnight or by a part of an hour: exact or an error, never wrong
CREATE TABLE change (zone text, at timestamptz);
INSERT INTO change VALUES
  ('America/St_Johns', '2010-11-07 02:31+00'), ('America/St_Johns', '2010-03-14 03:31+00'), ('Australia/Lord_Howe', '2024-04-06 15:00+00'),
  ('Australia/Lord_Howe', '2024-10-05 15:30+00'), ('Pacific/Apia', '2011-12-30 10:00+00'), ('America/Sao_Paulo', '2018-11-04 03:00+00'),
  ('America/Sao_Paulo', '2018-02-18 02:00+00'), ('Asia/Kathmandu', '1985-12-31 18:30+00'), ('Africa/Monrovia', '1972-01-07 00:44:30+00');
SELECT fine, bool_or(instant <> 'refused' AND plain <> 'refused') AS some, count(*) FILTER (WHERE instant NOT IN ('refused', direct)) AS wrong,
  count(*) FILTER (WHERE plain NOT IN ('refused', plain_direct)) AS plain_wrong
FROM (SELECT fine, try_coarsen(activity(at, (fine || '; time_zone=' || zone)::retention_grid), coarse::retention_grid) AS instant,
    activity(at, (coarse || '; time_zone=' || zone)::retention_grid)::text AS direct,
    try_coarsen(activity(at AT TIME ZONE 'UTC', (fine || '; time_zone=' || zone)::retention_grid), coarse::retention_grid) AS plain,
    activity(at AT TIME ZONE 'UTC', (coarse || '; time_zone=' || zone)::retention_grid)::text AS plain_direct
  FROM (SELECT zone, n / 2 AS customer, at + CASE random_number(14, n, 2) WHEN 0 THEN '0' ELSE at AT TIME ZONE zone - at AT TIME ZONE 'UTC' END
      + (random_number(15, n, 3600) - 1800) * interval '1 minute' AS at FROM change, generate_series(1, 200 / :thin) n) e,
    unnest('{hour,2 hours,day,day; windows=elapsed}'::text[]) fine, unnest('{2 hours,day,3 days,month}'::text[]) coarse
  GROUP BY zone, customer, fine, coarse) q GROUP BY fine ORDER BY fine COLLATE "C";

-- ---- Many events of one customer ----
CREATE TABLE many AS SELECT activity(at, 'hour') AS a, activity(at, 'hour; windows=elapsed') AS e, activity(at, 'hour' ORDER BY at DESC) AS d
  FROM generate_series('2000-01-01'::timestamptz, '2002-12-31 23:00', '1 hour') at;
SELECT (SELECT count(*) FROM active_periods_at(a)) AS hours, a::text = d::text AS same, a::text = coarsen(e, 'hour')::text AS coarsened,
  coarsen(a, 'month')::text = (SELECT activity(at, 'month')::text FROM generate_series('2000-01-01'::timestamptz, '2002-12-31 23:00', '1 hour') at) AS months FROM many;
-- the ends of time
SELECT p.* FROM (SELECT activity(at, 'day; windows=elapsed') AS a FROM (VALUES (timestamp '4714-11-25 BC'), ('294276-12-30 23:59:59.999999')) v (at)) q, active_periods_at(coarsen(a, 'day')) p;
SELECT first_active(a), last_active(a), a::text::retention_activity::text = a::text AS round_trip
FROM (SELECT activity(at, 'day') AS a FROM (VALUES (timestamp '4714-11-24 BC'), ('294276-12-31 23:59:59.999999')) v (at)) q;

-- ---- Output and input ----
SELECT count(*) * :thin AS count, count(*) FILTER (WHERE a::text::retention_activity::text <> a::text OR encode(retention_internal.retention_activity_send(a), 'hex') <> split_part(a::text, ' ', -1)) AS wrong FROM facts;
CREATE TABLE copied (LIKE serial);
DO $$
DECLARE
  file text := current_setting('data_directory') || '/retention_activity_test.copy';
BEGIN
  EXECUTE format('COPY serial TO %L (FORMAT binary)', file);
  EXECUTE format('COPY copied FROM %L (FORMAT binary)', file);
  EXECUTE format('COPY (SELECT) TO PROGRAM %L', format('cat > /dev/null; rm %L', file));
END $$;
SELECT count(*), count(*) FILTER (WHERE s.a::text <> c.a::text OR s.b::text <> c.b::text OR s.c::text <> c.c::text) AS wrong FROM serial s FULL JOIN copied c USING (customer);

-- ---- A state without its final function can be used as facts ----
CREATE AGGREGATE unfinished(timestamptz, retention_grid, boolean, boolean) (SFUNC = retention_internal.activity_flags_transfn, STYPE = retention_activity, COMBINEFUNC = retention_internal.activity_combine, PARALLEL = SAFE);
CREATE TABLE running AS SELECT grid, customer, unfinished(at, grid, is_start, is_return ORDER BY random_number(13, n, 1000000)) AS a FROM event, grid GROUP BY 1, 2;
SELECT count(*) * :thin AS count, count(*) FILTER (WHERE r.a::text <> f.a::text) AS text_wrong, count(*) FILTER (WHERE activity_union(r.a, NULL)::text <> f.a::text) AS union_wrong,
  count(*) FILTER (WHERE activity_union(r.a, f.a)::text <> activity_union(f.a, f.a)::text) AS both_wrong, count(*) FILTER (WHERE last_active(r.a) <> last_active(f.a)) AS last_wrong
FROM running r FULL JOIN facts f USING (grid, customer);
SELECT count(*) AS wrong FROM (SELECT customer, activity_union(a) AS a FROM (SELECT grid, customer, a FROM running UNION ALL SELECT grid, customer, a FROM facts) u GROUP BY grid, customer) o
  FULL JOIN (SELECT customer, activity_union(a) AS a FROM (SELECT grid, customer, a FROM facts UNION ALL SELECT grid, customer, a FROM facts) u GROUP BY grid, customer) p ON o.customer = p.customer AND o.a::text = p.a::text
WHERE o.customer IS NULL OR p.customer IS NULL;

-- ---- Corrupt bytes ----
CREATE CAST (bytea AS retention_activity) WITHOUT FUNCTION;
CREATE CAST (retention_activity AS bytea) WITHOUT FUNCTION;
CREATE FUNCTION use_activity(a retention_activity) RETURNS text LANGUAGE sql AS $$
  SELECT concat(1 / (a::text = a::text::retention_activity::text)::int, a::text, (SELECT count(*) FROM active_periods_at(a)), first_active(a), first_active_at(a), last_active(a), last_active_at(a),
    try_coarsen(a, 'year'), activity_union(a, a), (SELECT activity_union(x) FROM (VALUES (a), (a)) v (x)))
$$;
-- each byte changed in several ways, values cut short, a byte repeated
CREATE FUNCTION mutate(bytes bytea, as_text boolean) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  changed bytea; why text;
BEGIN
  FOR i IN 0 .. length(bytes) - 1 LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, get_byte(bytes, i) # 2), set_byte(bytes, i, get_byte(bytes, i) # 128),
        set_byte(bytes, i, 255), set_byte(bytes, i, 127), set_byte(bytes, i, 0), substr(bytes, 1, i), bytes || substr(bytes, i + 1, 1)] LOOP
      CONTINUE WHEN changed = bytes;
      BEGIN
        PERFORM use_activity(CASE WHEN as_text THEN encode(changed, 'hex')::retention_activity ELSE changed::retention_activity END);
        RETURN NEXT 'a value';
      EXCEPTION WHEN data_corrupted OR invalid_text_representation THEN
        GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
        RETURN NEXT why;
      WHEN feature_not_supported OR invalid_parameter_value OR datetime_field_overflow OR program_limit_exceeded OR character_not_in_repertoire THEN
        RETURN NEXT 'another error';
      END;
    END LOOP;
  END LOOP;
END $$;
CREATE TABLE sample AS
SELECT 'periods' AS what, activity(at, 'day') AS a FROM event WHERE customer = 3
UNION ALL SELECT 'counts', activity(at, 'week; min_events=3', is_start, is_return) FROM event WHERE customer = 4
UNION ALL SELECT 'anchor', activity(at - interval '3 days', at, 'hour') FROM event WHERE customer = 5
UNION ALL SELECT 'moments', activity(at, 'month; windows=elapsed') FROM event WHERE customer = 6
UNION ALL SELECT 'dates', activity(at::date, 'month; as_of=2024-03-01') FROM event WHERE customer = 7
UNION ALL SELECT 'nothing', activity(NULL::date, 'month')
UNION ALL SELECT 'running', unfinished(at, 'day; min_events=2', is_start, is_return) FROM event WHERE customer = 8;
SELECT outcome, count(*) FILTER (WHERE as_text) > 0 AS in_text, count(*) FILTER (WHERE NOT as_text) > 0 AS in_bytes
FROM sample, (VALUES (true), (false)) v (as_text), mutate(CASE WHEN as_text THEN decode(split_part(a::text, ' ', -1), 'hex') ELSE a::bytea END, as_text) outcome GROUP BY 1 ORDER BY outcome COLLATE "C";
SELECT '\x'::bytea::retention_activity;
SELECT '\x52460100'::bytea::retention_activity;
SELECT '\x52410300'::bytea::retention_activity;
SELECT overlay(a::bytea PLACING '\x09' FROM 3)::retention_activity FROM sample WHERE what = 'periods';
SELECT (a::text || '00')::retention_activity FROM sample WHERE what = 'periods';
SELECT left(split_part(a::text, ' ', -1), 60)::retention_activity FROM sample WHERE what = 'periods';
-- a grid without a zone, a last moment outside of the periods, periods in another order
SELECT ('524101' || '00' || '06' || encode('day', 'hex') || '0202')::retention_activity;
SELECT ('524101' || '00' || '20' || encode('day; time_zone=U', 'hex') || '0202')::retention_activity;
SELECT ('524101' || '00' || '24' || encode('day; time_zone=UTC', 'hex') || '02' || '02')::retention_activity;
SELECT ('524101' || '00' || '26' || encode('week; time_zone=UTC', 'hex') || '0200' || '0400' || '0202' || '06' || '08')::retention_activity;

DROP CAST (bytea AS retention_activity);
DROP CAST (retention_activity AS bytea);
DROP AGGREGATE unfinished(timestamptz, retention_grid, boolean, boolean);
DROP TABLE visit, small, event, grid, oracle, facts, parallel, serial, copied, half, step, stepped, coarse, change, many, running, sample CASCADE;
DROP FUNCTION refused, random_number, shown, plan_has, try_coarsen, use_activity, mutate;

-- A count that would not fit into 64 bits is an error.
CREATE AGGREGATE go_on(date, retention_grid) (SFUNC = retention_internal.activity_transfn, STYPE = retention_activity,
  INITCOND = '52410100306d6f6e74683b2074696d655f7a6f6e653d4574632f555443feffffffffffffffff0100b6940104020206f004');
SELECT go_on(NULL, 'month; time_zone=Etc/UTC');
SELECT go_on('2026-01-05', 'month; time_zone=Etc/UTC');
DROP AGGREGATE go_on(date, retention_grid);
