-- The grid: how time is cut into periods.
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET client_min_messages = warning;
-- Under valgrind the longest questions ask less (script/test --valgrind): 1 is the whole.
SELECT coalesce(nullif(current_setting('retention_test.thin', true), ''), '1')::integer AS thin \gset

-- The error of a statement, as one text.
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
  hint text;
BEGIN
  EXECUTE statement;
  RETURN 'no error';
EXCEPTION WHEN others THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(E'\n    ', SQLSTATE || ' ' || SQLERRM,
    nullif('DETAIL: ' || detail, 'DETAIL: '), nullif('HINT: ' || hint, 'HINT: '));
END $$;

---------------------------------------------------------------------------------------------------
-- Text in and out
---------------------------------------------------------------------------------------------------

SELECT input, input::retention_grid AS grid
FROM (VALUES
  ('month'), ('MONTHS'), ('1 month'), (' 3  months '), ('quarter'), ('2 quarters'), ('hour'), ('24hours'),
  ('01 day'), ('10000 years'), ('week;week_start=monday'), ('week ; WEEK_START = Sunday'),
  ('day; time_zone=europe/berlin'), ('day; time_zone=EST5EDT'), ('day;origin=2024-02-29'),
  ('day; origin=0001-01-01'), ('day; origin=294276-12-31'), ('day; windows=calendar; cohorts=first; min_events=1'),
  ('36 hours; windows=elapsed'), ('day; cohorts=RECURRING'), ('day; brackets=1,3,7,14,30'),
  ('day; brackets= 1 - 3 , 4-10,12-12'), ('day; min_events=2147483647'), ('month; as_of=2026-04-01'),
  ('month; as_of=2026-04-01T10:20'), ('month; as_of=2026-04-01 10:20:30'),
  ('month; as_of=2026-04-01 23:59:59.999999'), ('month; as_of=2026-04-01  00:00:00.500'),
  ('month; as_of=0001-01-01'), ('month; as_of=294276-12-31 23:59:59.999999'),
  ('28 days; as_of=2026-04-01; min_events=2; brackets=1-3,4-10; cohorts=recurring; windows=elapsed; ' ||
   'origin=2024-04-06; time_zone=Europe/Berlin; week_start=sunday')) AS v (input);

-- A grid may be a key.
CREATE TABLE reports (grid retention_grid PRIMARY KEY);
INSERT INTO reports VALUES ('month'), ('week');
INSERT INTO reports VALUES ('1 month') ON CONFLICT DO NOTHING;
SELECT grid FROM reports ORDER BY grid DESC;
DROP TABLE reports;

-- What is written is read back as the same grid.
SELECT count(*) AS grids,
  count(*) FILTER (WHERE g::text::retention_grid::text <> g::text OR g::text::retention_grid <> g) AS differ
FROM unnest('{hour,12 hours,day,28 days,week,2 weeks,month,3 months,quarter,year,7 years}'::text[]) AS unit,
  unnest('{monday,saturday}'::text[]) AS week_start,
  unnest('{NULL,UTC,America/St_Johns}'::text[]) AS time_zone,
  unnest('{NULL,1999-12-31}'::date[]) AS origin,
  unnest('{calendar,elapsed}'::text[]) AS windows,
  unnest('{first,recurring}'::text[]) AS cohorts,
  unnest('{NULL,"1","1-3,5,7-100000"}'::text[]) AS brackets,
  unnest('{1,3}'::integer[]) AS min_events,
  unnest('{NULL,1969-12-31 23:59:59.999999}'::timestamp[]) AS as_of,
  LATERAL (SELECT retention_grid(unit, week_start, time_zone, origin, windows, cohorts, brackets, min_events,
    as_of) AS g) AS built;

-- Everything that is refused, with its error.
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.refusal(format('SELECT %L::retention_grid', input))
FROM unnest(ARRAY[
  '', '  ', 'mnth', 'minute', 'monthly', 'x', '3', '3 ', '0 days', '10001 days', '99999999999999999999 days',
  '-1 day', '+1 day', '1.5 months', '.5 days', 'days 3', 'month 2 days', 'month, week_start=sunday', 'month;',
  'month; ; origin=2024-01-01', 'week; weekstart=sunday', 'week; start=sunday', 'week; week_start',
  'week; week_start sunday', 'week; week_start=', 'week; week_start=sun', 'week; week_start=funday',
  'week; week_start=7', 'week; week_start=sunday; week_start=sunday', 'day; time_zone=', 'day; time_zone=Mars/Base',
  'day; time_zone=Europe/Berlin x', 'day; time_zone=+02', 'day; origin=2024', 'day; origin=01.02.2024',
  'day; origin=2023-02-29', 'day; origin=2024-13-01', 'day; origin=2024-00-01', 'day; origin=2024-01-00',
  'day; origin=0000-01-01', 'day; origin=294277-01-01', 'day; origin=24-01-01', 'day; origin=today',
  'day; origin=infinity', 'day; origin=2024-01-01 00:00', 'day; origin=2024-01-01 BC', 'day; windows=rolling',
  'day; windows=elapse', 'day; cohorts=repeating', 'day; brackets=', 'day; brackets=0', 'day; brackets=0-3',
  'day; brackets=a', 'day; brackets=1,', 'day; brackets=1;2', 'day; brackets=-1', 'day; brackets=3,2',
  'day; brackets=1-3,3', 'day; brackets=1,1', 'day; brackets=5-2', 'day; brackets=1-', 'day; brackets=1 2',
  'day; brackets=100001', 'day; brackets=1-99999999999999999999', 'day; min_events=0', 'day; min_events=-3',
  'day; min_events=2147483648', 'day; min_events=two', 'day; min_events=1.5', 'day; as_of=now',
  'day; as_of=infinity', 'day; as_of=2024-01-01 24:00', 'day; as_of=2024-01-01 23:60',
  'day; as_of=2024-01-01 23:59:60', 'day; as_of=2024-01-01 23', 'day; as_of=2024-01-01x',
  'day; as_of=2024-01-01 10:00:00.1234567', 'day; as_of=2024-01-01 10:00:00.', 'day; as_of=2024-01-01 10:00Z',
  'day; as_of=2024-01-01 10:00+02', 'day; as_of=2024-01-01 10:00 PM', '5 hours', '48 hours', '7 hours; windows=calendar',
  'täglich', 'month; Größe=3', 'month; tz=UTC']) AS input;

SELECT pg_temp.refusal(format('SELECT ''day; brackets=%s''::retention_grid', string_agg(n::text, ',')))
FROM generate_series(1, 1001) AS n;

-- The builder raises the same errors for its arguments.
SELECT pg_temp.refusal('SELECT retention_grid(' || arguments || ')')
FROM unnest(ARRAY[
  '''mnth''::text', 'unit => ''month; week_start=sunday''', 'unit => ''week'', week_start => ''funday''',
  'unit => ''day'', time_zone => ''Europe/Belin''', 'unit => ''day'', time_zone => ''''', 'unit => ''day'', time_zone => ''UTC; x''',
  'unit => ''day'', windows => ''rolling''', 'unit => ''day'', cohorts => ''all''', 'unit => ''day'', brackets => ''0''',
  'unit => ''day'', brackets => ''''', 'unit => ''day'', brackets => ''1;3''', 'unit => ''day'', min_events => 0',
  'unit => ''day'', origin => ''infinity''', 'unit => ''day'', origin => ''0001-12-31 BC''',
  'unit => ''day'', origin => ''294277-01-01''', 'unit => ''day'', as_of => ''-infinity''',
  'unit => ''day'', as_of => ''infinity''', 'unit => ''day'', as_of => ''0001-12-31 23:59 BC''',
  'unit => ''5 hours''', 'unit => ''0 days''']) AS arguments;
\pset format aligned
\pset tuples_only off

-- NULL leaves an option out; no unit, no grid.
SELECT retention_grid('month', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS all_null,
  retention_grid(NULL::text) IS NULL AS no_unit,
  retention_grid(NULL, 'funday') IS NULL AS nothing_read;

-- The longest gap of a reactivation: months, days or hours, so that equal lengths are equal text.
SELECT text::retention_grid AS grid, (grid_options(text::retention_grid)).reactivation_within
FROM unnest('{month; reactivation_within=90 days,month; reactivation_within=1 day,week; REACTIVATION_WITHIN = 2 Weeks ; as_of=2026-04-01,
  month; reactivation_within=quarter,month; reactivation_within=2 years,day; reactivation_within=36 hours; time_zone=UTC}'::text[]) AS text;
SELECT count(*) AS built, count(*) FILTER (WHERE retention_grid('month', reactivation_within => t::interval)
    <> ('month; reactivation_within=' || t)::retention_grid) AS differ
FROM unnest('{90 days,1 day,2 weeks,3 months,1 year,36 hours,1 hour}'::text[]) AS t;
SELECT retention_grid('month', reactivation_within => interval '1 month 3 days');
SELECT retention_grid('month', reactivation_within => interval '90 minutes');
SELECT retention_grid('month', reactivation_within => interval '0');
SELECT retention_grid('month', reactivation_within => interval '-90 days');
SELECT retention_grid('month', reactivation_within => interval '10001 years');
SELECT 'month; reactivation_within='::retention_grid;
SELECT 'month; reactivation_within=90'::retention_grid;
SELECT 'month; reactivation_within=90 days 3'::retention_grid;
SELECT 'month; reactivation_within=0 days'::retention_grid;
SELECT 'month; reactivation_within=forever'::retention_grid;

-- It folds to a constant.
EXPLAIN (COSTS OFF, VERBOSE) SELECT retention_grid('week', week_start => 'sunday', time_zone => 'europe/berlin');

-- Neither way reads a setting of the session.
SET DateStyle = 'German';
SELECT retention_grid('day', origin => '2024-04-06', as_of => '2026-04-01 12:30'), 'day; origin=2024-04-06'::retention_grid;
SET DateStyle = 'ISO, YMD';

-- Equality.
SELECT 'month'::retention_grid = ' 1 MONTH', 'month'::retention_grid <> 'month; time_zone=UTC',
  'month'::retention_grid = 'months; time_zone=UTC';
SELECT grid, count(*) FROM unnest('{month,week,month,1 months}'::retention_grid[]) AS grid GROUP BY grid ORDER BY grid;
SELECT count(*) FILTER (WHERE (a < b) = (a::text COLLATE "C" < b::text) AND (a <= b) = (b >= a) AND (a > b) = (b < a)
  AND (a <= b) = (a < b OR a = b) AND (a = b) = (retention_internal.retention_grid_hash(a) = retention_internal.retention_grid_hash(b))
  AND sign(retention_internal.retention_grid_cmp(a, b)) = (a > b)::integer - (a < b)::integer) AS right_pairs, count(*) AS pairs
FROM unnest('{month,week,months,3 months,28 days,month; time_zone=UTC,day}'::retention_grid[]) AS a,
  unnest('{month,week,months,3 months,28 days,month; time_zone=UTC,day}'::retention_grid[]) AS b;

---------------------------------------------------------------------------------------------------
-- Binary in and out
---------------------------------------------------------------------------------------------------

CREATE TABLE grids (id integer, grid retention_grid);
CREATE TABLE raw (id integer, bytes bytea);
INSERT INTO grids VALUES (1, 'month'), (2, NULL),
  (3, '28 days; time_zone=Europe/Berlin; brackets=1-3,4-10; as_of=2026-04-01 00:00:00.000001');
INSERT INTO grids SELECT 4, retention_grid('day', brackets => string_agg((10000 + n)::text, ',')) FROM generate_series(1, 1000) AS n;
SELECT retention_internal.retention_grid_send(grid) FROM grids WHERE id = 1;
COPY grids TO STDOUT (FORMAT binary) \g grid_binary.tmp
CREATE TABLE copies (LIKE grids);
\copy copies FROM 'grid_binary.tmp' (FORMAT binary)
SELECT id, retention_internal.retention_grid_send(g.grid) = retention_internal.retention_grid_send(c.grid) AS same_bytes, g.grid = c.grid AS equal,
  length(c.grid::text)
FROM grids AS g JOIN copies AS c USING (id) ORDER BY id;

-- A long grid is stored compressed, and is read like any other.
SELECT pg_column_size(grid) < length(grid::text) AS compressed,
  retention_period_number('2000-01-05'::date, grid) AS number FROM copies WHERE id = 4;

-- Input is not trusted.
\set SHOW_CONTEXT never
INSERT INTO raw VALUES (1, '\x02' || 'month'::bytea);
COPY raw TO STDOUT (FORMAT binary) \g grid_binary.tmp
\copy copies FROM 'grid_binary.tmp' (FORMAT binary)
UPDATE raw SET bytes = '';
COPY raw TO STDOUT (FORMAT binary) \g grid_binary.tmp
\copy copies FROM 'grid_binary.tmp' (FORMAT binary)
UPDATE raw SET bytes = '\x01';
COPY raw TO STDOUT (FORMAT binary) \g grid_binary.tmp
\copy copies FROM 'grid_binary.tmp' (FORMAT binary)
UPDATE raw SET bytes = '\x01' || 'mnth'::bytea;
COPY raw TO STDOUT (FORMAT binary) \g grid_binary.tmp
\copy copies FROM 'grid_binary.tmp' (FORMAT binary)
UPDATE raw SET bytes = '\x01' || 'day; time_zone=Nowhere'::bytea;
COPY raw TO STDOUT (FORMAT binary) \g grid_binary.tmp
\copy copies FROM 'grid_binary.tmp' (FORMAT binary)
UPDATE raw SET bytes = '\x01' || 'month'::bytea || '\x00';
COPY raw TO STDOUT (FORMAT binary) \g grid_binary.tmp
\copy copies FROM 'grid_binary.tmp' (FORMAT binary)
UPDATE raw SET bytes = '\x01' || 'month '::bytea || '\xff';
COPY raw TO STDOUT (FORMAT binary) \g grid_binary.tmp
\copy copies FROM 'grid_binary.tmp' (FORMAT binary)
-- Input that is not canonical becomes canonical.
UPDATE raw SET bytes = '\x01' || ' 1 MONTHS;week_start=Sunday '::bytea;
COPY raw TO STDOUT (FORMAT binary) \g grid_binary.tmp
\copy copies FROM 'grid_binary.tmp' (FORMAT binary)
SELECT grid FROM copies WHERE grid::text LIKE 'month;%';
\! rm -f grid_binary.tmp

-- Bytes that the type did not write.
CREATE CAST (bytea AS retention_grid) WITHOUT FUNCTION;
\pset format unaligned
\pset tuples_only on
SELECT bytes || ': ' || pg_temp.refusal(format(call, format('%L::bytea::retention_grid', bytes)))
FROM unnest(ARRAY['', 'mnth', 'Month', 'month ', '1 month', 'month; week_start=monday', 'day; brackets=0',
    'day; brackets=1-1', 'day; as_of=2026-04-01', 'day; min_events=99999999999', '5 hours', 'day; time_zone=+02 ']) AS bytes,
  unnest(ARRAY['SELECT (%s)::text', 'SELECT retention_internal.retention_grid_send(%s)',
    'SELECT retention_period_number(''2024-01-01''::date, %s)']) AS call;
-- A zone that this server does not know (any more) is shown, but not used.
SELECT pg_temp.refusal(format(call, '''day; time_zone=Gone/Zone''::bytea::retention_grid'))
FROM unnest(ARRAY['SELECT (%s)::text', 'SELECT retention_period_number(''2024-01-01''::date, %s)']) AS call;
\pset format aligned
\pset tuples_only off
DROP CAST (bytea AS retention_grid);
DROP TABLE grids, raw, copies;

---------------------------------------------------------------------------------------------------
-- Periods: numbers and beginnings
---------------------------------------------------------------------------------------------------

-- Number 0 is the period at the origin.
SELECT unit, retention_period_number('2000-01-01'::date, unit) AS saturday, retention_period_number('2000-01-03'::date, unit) AS monday,
  retention_period_start('2000-01-03'::date, unit) AS monday_in, retention_period_number('1999-12-31'::date, unit) AS eve,
  retention_period_start('1999-12-31'::date, unit) AS eve_in
FROM unnest('{day,2 days,28 days,week,2 weeks,"week; week_start=sunday","week; week_start=tuesday",month,3 months,quarter,2 quarters,year,10 years}'::retention_grid[]) AS unit;

-- The three kinds of time agree.
SELECT retention_period_start('2024-02-29'::date, 'month') AS of_date,
  retention_period_start('2024-02-29 23:59:59.999999'::timestamp, 'month') AS of_timestamp,
  retention_period_start('2024-02-29 23:59:59.999999'::timestamptz, 'month; time_zone=UTC') AS of_timestamptz,
  retention_period_start('2024-02-29 23:59:59.999999'::timestamptz, 'month; time_zone=Europe/Berlin') AS in_berlin;
SELECT retention_period_start(at => '2024-02-29'::date, grid => 'week; week_start=sunday');

-- Leap years, first and last years, dates before 1970 and before 2000, the year 1 and the years before it.
SELECT day, retention_period_start(day, 'week') AS week, retention_period_start(day, 'week; week_start=sunday') AS sunday,
  retention_period_start(day, 'month') AS month, retention_period_start(day, 'quarter') AS quarter,
  retention_period_start(day, 'year') AS year, retention_period_start(day, '10 years') AS ten,
  retention_period_start(day, '28 days') AS days_28
FROM unnest('{1600-02-29,1900-02-28,1900-03-01,1969-12-31,1970-01-01,1999-12-31,2000-02-29,2023-02-28,2024-02-29,2100-03-01,
  0001-01-01,"0001-12-31 BC","0005-02-29 BC","4700-01-31 BC",9999-12-31,294276-12-31,5874897-12-31}'::date[]) AS day;

-- An origin: fiscal years, the 15th, the last day of the month (counted from the origin, so it does not wear off).
SELECT * FROM retention_periods('year; origin=2024-04-06', '2022-12-01', '2025-01-01');
SELECT * FROM retention_periods('month; origin=2024-01-15', '2024-01-14', '2024-03-15');
SELECT * FROM retention_periods('month; origin=2023-12-31', '2023-11-30', '2024-04-30');
SELECT * FROM retention_periods('year; origin=2024-02-29', '2023-03-01', '2025-03-01');
SELECT * FROM retention_periods('2 weeks; origin=2024-05-01', '2024-04-28', '2024-05-14');
SELECT * FROM retention_periods('10 days; origin=2024-05-01', '2024-04-30', '2024-05-12');

-- Every period against date arithmetic of the server, also over 1900, 2000, 2100 and the year 1.
SELECT count(*) AS periods,
  count(*) FILTER (WHERE period % :thin = 0 AND (period_start <> (origin + period * step)::date
    OR period_end <> (origin + (period + 1) * step)::date
    OR retention_period_number(period_start, grid) <> period
    OR retention_period_number(period_end - 1, grid) <> period
    OR period_start <> before)) AS wrong
FROM (SELECT g.origin, g.step, g.grid, p.*, lag(p.period_end, 1, p.period_start) OVER (PARTITION BY g.grid, f ORDER BY p.period) AS before
  FROM (SELECT o AS origin, (n || u)::interval AS step, retention_grid(n || u, origin => o) AS grid
    FROM unnest('{2000-01-01,2024-01-31,1996-02-29,2023-12-30,2030-05-15}'::date[]) AS o,
      unnest('{" day"," month"," year"}'::text[]) AS u, unnest('{1,3,28}'::integer[]) AS n) AS g,
    unnest('{1899-01-01,1990-01-01,2095-01-01,"0010-01-01 BC"}'::date[]) AS f,
    LATERAL retention_periods(g.grid, f, f + 7300) AS p) AS all_periods;
SELECT count(*) AS weeks, count(*) FILTER (WHERE extract(dow FROM p.period_start) <> w.day
  OR p.period_end <> p.period_start + 7 OR retention_period_number(p.period_start, w.grid) <> p.period
  OR retention_period_number(p.period_end - 1, w.grid) <> p.period) AS wrong
FROM (SELECT n - 1 AS day, retention_grid('week', week_start => name) AS grid
  FROM unnest('{sunday,monday,tuesday,wednesday,thursday,friday,saturday}'::text[]) WITH ORDINALITY AS d (name, n)) AS w,
  LATERAL retention_periods(w.grid, '1890-01-01', '2110-01-01') AS p;

---------------------------------------------------------------------------------------------------
-- Zones
---------------------------------------------------------------------------------------------------

-- A grid without a zone uses that of the session, also when it changes.
PREPARE day_of AS SELECT retention_period_start('2024-03-31 23:30:00+00'::timestamptz, 'day') AT TIME ZONE 'UTC' AS utc;
EXECUTE day_of;
SET TimeZone = 'Asia/Tokyo';
EXECUTE day_of;
SET TimeZone = 'America/New_York';
EXECUTE day_of;
SET TimeZone = '-3.5';
EXECUTE day_of;
SET TimeZone = '<a b>-3';
EXECUTE day_of;
SET TimeZone = 'UTC';
EXECUTE day_of;
DEALLOCATE day_of;

-- Short names are zones as for SET TimeZone, with their daylight saving, not the fixed offsets of AT TIME ZONE.
SELECT retention_period_start('2024-07-01 12:00+00'::timestamptz, 'day; time_zone=CET');

-- Days on which the clock changes, and how long they are.
SELECT zone, p.period_start AT TIME ZONE zone AS local_start, p.period_start, p.period_end - p.period_start AS length
FROM (VALUES
  ('Europe/Berlin', '2024-03-31'), ('Europe/Berlin', '2024-10-27'),
  ('America/New_York', '2024-03-10'), ('America/New_York', '2024-11-03'),
  ('Australia/Lord_Howe', '2024-10-06'), ('Australia/Lord_Howe', '2024-04-07'),
  ('America/Sao_Paulo', '2018-11-04'), ('America/Sao_Paulo', '2018-02-17'), ('America/Sao_Paulo', '2018-02-18'),
  ('America/Havana', '2024-03-10'), ('America/Havana', '2024-11-03'),
  ('Asia/Kolkata', '2024-03-31'), ('Asia/Kathmandu', '1986-01-01'),
  ('Pacific/Apia', '2011-12-29'), ('Pacific/Apia', '2011-12-31'),
  ('America/St_Johns', '2006-10-29'), ('America/St_Johns', '1988-04-03'),
  ('Africa/Cairo', '2024-04-26'), ('UTC', '2024-03-31'), ('Asia/Tokyo', '2024-03-31')) AS v (zone, day),
  LATERAL (SELECT day::timestamp AT TIME ZONE zone AS at) AS a,
  LATERAL retention_periods_at(retention_grid('day', time_zone => zone), at, at + '1 microsecond') AS p;

-- Samoa had no 30 December 2011: its period is there, and empty.
SELECT * FROM retention_periods_at('day; time_zone=Pacific/Apia', '2011-12-29 12:00+00', '2011-12-31 12:00+00');
SELECT * FROM retention_periods('day; time_zone=Pacific/Apia', '2011-12-29', '2012-01-01');
-- Havana's clock shows the first hour of 3 November twice; the day begins with the second, as it does for date_trunc().
SELECT at, retention_period_start(at, 'day; time_zone=America/Havana'), date_trunc('day', at, 'America/Havana'),
  retention_period_number(at, 'day; time_zone=America/Havana')
FROM unnest('{2024-11-03 03:59:59+00,2024-11-03 04:30:00+00,2024-11-03 05:00:00+00}'::timestamptz[]) AS at;
SELECT * FROM retention_periods_at('day; time_zone=America/Havana', '2024-11-03 04:30:00+00', '2024-11-03 05:00:00.000001+00');

-- Hours: the hour that autumn repeats is two periods, the one that spring skips is none.
SELECT period, period_start, period_start AT TIME ZONE 'Europe/Berlin' AS local_start
FROM retention_periods_at('hour; time_zone=Europe/Berlin', '2024-10-26 23:00+00', '2024-10-27 03:00+00');
SELECT period, period_start, period_start AT TIME ZONE 'Europe/Berlin' AS local_start
FROM retention_periods_at('hour; time_zone=Europe/Berlin', '2024-03-30 23:00+00', '2024-03-31 02:00+00');
-- Zones off by half an hour and by three quarters.
SELECT period, period_start FROM retention_periods_at('hour; time_zone=Asia/Kolkata', '2024-01-01 00:00+00', '2024-01-01 01:00+00');
SELECT period, period_start FROM retention_periods_at('hour; time_zone=Asia/Kathmandu', '2024-01-01 00:00+00', '2024-01-01 01:00+00');
-- Half an hour of daylight saving makes one hour longer and one shorter.
SELECT period_start AT TIME ZONE 'Australia/Lord_Howe' AS local_start, period_end - period_start AS length
FROM retention_periods_at('hour; time_zone=Australia/Lord_Howe', '2024-10-05 14:30+00', '2024-10-05 17:00+00');
SELECT period_start AT TIME ZONE 'Australia/Lord_Howe' AS local_start, period_end - period_start AS length
FROM retention_periods_at('hour; time_zone=Australia/Lord_Howe', '2024-04-06 14:00+00', '2024-04-06 17:00+00');
-- Several hours are read off the clock.
SELECT period_start AT TIME ZONE 'Europe/Berlin' AS local_start, period_end - period_start AS length
FROM retention_periods_at('6 hours; time_zone=Europe/Berlin', '2024-03-30 22:00+00', '2024-03-31 22:00+00');
SELECT retention_period_number('2000-01-01 00:00'::timestamp, '6 hours') AS first,
  retention_period_number('1999-12-31 23:59'::timestamp, '6 hours') AS before,
  retention_period_number('2024-05-01 13:00'::timestamp, '6 hours; origin=2024-05-01') AS of_origin,
  retention_period_start('2024-05-01 13:00'::timestamp, '6 hours; origin=2024-05-02') AS start,
  retention_period_number('2024-05-01 13:30'::timestamp, 'hour; origin=2024-05-01; time_zone=Asia/Kolkata') AS hour_of_origin,
  retention_period_start('2024-05-01 13:30'::timestamp, 'hour; time_zone=Asia/Kolkata') AS local_hour;

-- One million random instants of the years 1950 to 2060 in 12 zones and 6 units: no difference from date_trunc().
-- (Where a clock shifts by half an hour, hours cannot be consecutive and agree: another zone stands in for that.)
WITH grids AS MATERIALIZED (
  SELECT row_number() OVER () AS k, unit, name, retention_grid(unit, time_zone => name) AS grid
  FROM unnest('{hour,day,week,month,quarter,year}'::text[]) AS unit,
    unnest('{Europe/Berlin,America/New_York,Australia/Lord_Howe,America/Sao_Paulo,America/Havana,Asia/Kolkata,
      Asia/Kathmandu,Pacific/Apia,America/St_Johns,Africa/Cairo,UTC,Asia/Tokyo}'::text[]) AS zone,
    LATERAL (SELECT CASE WHEN unit = 'hour' AND zone = 'Australia/Lord_Howe' THEN 'Australia/Adelaide' ELSE zone END AS name) AS n)
SELECT round(count(*) * :thin, -4) AS instants, count(DISTINCT k) AS grids,
  count(*) FILTER (WHERE retention_period_start(at, grid) IS DISTINCT FROM date_trunc(unit, at, name)) AS differences
FROM (SELECT k, unit, name, grid, timestamptz '1950-01-01 00:00+00'
    + (random / 1000000 % (110 * 31557600::bigint)) * interval '1 second' + (random % 1000000) * interval '1 microsecond' AS at
  FROM grids, generate_series(1, 13889 / :thin) AS i,
    LATERAL (SELECT hashint8extended(i, k) & 9223372036854775807 AS random OFFSET 0) AS r
  WHERE (k - 1) * 13889 + i <= 1000000) AS instants;

-- And the instants around every change of those clocks.
CREATE TABLE changes AS
WITH RECURSIVE halves AS (
  SELECT zone, low, low + '15 days' AS high
  FROM unnest('{Europe/Berlin,America/New_York,Australia/Lord_Howe,America/Sao_Paulo,America/Havana,Asia/Kolkata,
      Asia/Kathmandu,Pacific/Apia,America/St_Johns,Africa/Cairo,UTC,Asia/Tokyo}'::text[]) AS zone,
    generate_series('1880-01-01'::timestamptz, '2060-01-01', '15 days') AS low
  WHERE (low AT TIME ZONE zone) + '15 days' <> (low + '15 days') AT TIME ZONE zone
  UNION ALL
  SELECT zone, CASE WHEN later THEN middle ELSE low END, CASE WHEN later THEN high ELSE middle END
  FROM (SELECT zone, low, high, middle, (low AT TIME ZONE zone) + (middle - low) = middle AT TIME ZONE zone AS later
    FROM (SELECT zone, low, high, date_trunc('second', low + (high - low) / 2) AS middle
      FROM halves WHERE high - low > '1 second') AS h) AS m)
SELECT zone, high AS change FROM halves WHERE high - low <= '1 second';
CREATE TABLE around AS
SELECT zone, change + distance AS at
FROM changes, unnest('{-25:00,-24:00,-02:00,-01:00,-00:30,-00:00:00.000001,00:00,00:00:00.000001,00:30,01:00,02:00,23:30,24:00,25:00}'::interval[]) AS distance;
SELECT count(*) > 15000 AS enough,
  count(*) FILTER (WHERE retention_period_start(at, grid) <> date_trunc(unit, at, zone)) AS differences
FROM unnest('{day,week,month,quarter,year}'::text[]) AS unit,
  LATERAL (SELECT zone, at, retention_grid(unit, time_zone => zone) AS grid FROM around OFFSET 0) AS a;
-- Zones that once shifted by a part of an hour; in Athens and Montserrat counting off the clock would go back.
INSERT INTO around
SELECT zone, change::timestamptz + n * interval '30 seconds'
FROM (VALUES ('Europe/Athens', '1916-07-27 22:26:08+00'), ('America/Montserrat', '1911-07-01 04:09:52+00'),
    ('America/Cancun', '1922-01-01 06:00+00'), ('America/Guyana', '1975-08-01 03:45+00')) AS v (zone, change),
  generate_series(-130, 130) AS n;
-- Hours: numbers never fall, periods are as their beginnings say, local times are those of AT TIME ZONE.
SELECT count(*) FILTER (WHERE number < before) AS falls, count(*) FILTER (WHERE start > at) AS late,
  count(*) FILTER (WHERE retention_period_number(start, grid) <> number) AS not_in_it,
  count(*) FILTER (WHERE retention_period_number(start - interval '1 microsecond', grid) <> number - 1) AS no_tile,
  count(*) FILTER (WHERE retention_period_number(at AT TIME ZONE zone, grid)
    <> retention_period_number((at AT TIME ZONE zone) AT TIME ZONE zone, grid)) AS local_differs
FROM (SELECT *, lag(number) OVER (PARTITION BY zone ORDER BY at) AS before
  FROM (SELECT zone, at, grid, retention_period_number(at, grid) AS number, retention_period_start(at, grid) AS start
    FROM (SELECT zone, at, retention_grid('hour', time_zone => zone) AS grid FROM around OFFSET 0) AS a) AS n) AS w;
-- Six hours against date_bin() of the local time.
SELECT count(*) FILTER (WHERE retention_period_start(at, grid)
  <> date_bin('6 hours', at AT TIME ZONE zone, '2000-01-01') AT TIME ZONE zone) AS differences
FROM (SELECT zone, at, retention_grid('6 hours', time_zone => zone) AS grid FROM around OFFSET 0) AS a;
-- Far past and far future.
SELECT count(*) FILTER (WHERE retention_period_start(at, grid) <> date_trunc(unit, at, zone)) AS differences
FROM unnest('{hour,day,week,month,quarter,year}'::text[]) AS unit,
  unnest('{Europe/Berlin,America/New_York,Pacific/Apia,UTC}'::text[]) AS zone,
  LATERAL (SELECT retention_grid(unit, time_zone => zone) AS grid OFFSET 0) AS g,
  generate_series(1, 500) AS i,
  LATERAL (SELECT timestamptz '2195-01-01 00:00+00' + (hashint8extended(i, 1) & 9223372036854775807) % (290000 * 31557600::bigint) * interval '1 second' AS at
    UNION ALL SELECT timestamptz '4710-01-01 00:00+00 BC' + (hashint8extended(i, 2) & 9223372036854775807) % (6600 * 31557600::bigint) * interval '1 second') AS r;

-- At a change of the clock in the year 2300.
SELECT retention_period_start(at, '3 hours; time_zone=Europe/Berlin') AT TIME ZONE 'Europe/Berlin' AS local_start
FROM unnest('{2300-03-25 01:00:00+00,2300-03-25 00:59:59.999999+00}'::timestamptz[]) AS at;

-- More grids than the cache has, in turn, give what each gives alone.
SELECT count(DISTINCT n) AS grids, count(*) FILTER (WHERE number <> floor((day - date '2000-01-01') / n::numeric)) AS wrong
FROM (SELECT day::date, n, retention_period_number(day::date, retention_grid(n || ' days')) AS number
  FROM generate_series('1990-01-01'::timestamp, '2010-01-01', '100 days') AS day, generate_series(1, 100) AS n) AS turns;

---------------------------------------------------------------------------------------------------
-- Lists of periods, and one period as a range
---------------------------------------------------------------------------------------------------

SELECT * FROM retention_periods('month', '2024-01-15', '2024-03-01');
SELECT * FROM retention_periods('quarter', '2024-04-01', '2024-04-01');
SELECT * FROM retention_periods('week', "from" => '2024-02-29', "to" => '2024-03-01');
SELECT * FROM retention_periods_at('month; time_zone=Europe/Berlin', '2024-03-31 22:30+00', '2024-03-31 22:30:00.000001+00');
SELECT * FROM retention_periods_at('12 hours', '2024-01-01 12:00', '2024-01-02');
SELECT * FROM retention_periods(NULL, '2024-04-01', '2024-05-01');
SELECT count(*) FROM retention_periods('day', '1900-01-01', '2100-01-01');

SELECT at, retention_period('month; time_zone=Europe/Berlin', at => at) AS last_complete,
  retention_period('month; time_zone=Europe/Berlin', 0, at) AS running, retention_period('month; time_zone=Europe/Berlin', 1, at) AS next
FROM unnest('{2024-03-31 21:59:59+00,2024-03-31 22:00:00+00}'::timestamptz[]) AS at;
SELECT retention_period_tz('month; time_zone=Europe/Berlin', at => '2024-04-15 00:00+00'),
  retention_period_tz('hour', 0, '2024-04-15 10:20+00'), retention_period('28 days', -12, '2024-04-15 10:20+00');
SELECT retention_period(NULL), retention_period('month', NULL), retention_period_tz('month', 0, NULL);
SELECT retention_period('month') = retention_period('month', -1, now()) AS defaults,
  upper(retention_period('day; time_zone=UTC')) = (now() AT TIME ZONE 'UTC')::date AS until_today,
  upper(retention_period_tz('month')) = date_trunc('month', now()) AS until_this_month;
SELECT retention_period_tz('day; time_zone=Pacific/Apia', 1, '2011-12-29 12:00+00') AS day_that_was_not;

-- A date's periods read no setting and may be indexed.
CREATE TABLE days (day date);
CREATE INDEX days_month ON days (retention_period_number(day, 'month'));
DROP TABLE days;

-- What they refuse.
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.refusal('SELECT ' || call)
FROM unnest(ARRAY[
  'retention_period_number(''infinity''::date, ''month'')', 'retention_period_number(''-infinity''::date, ''month'')',
  'retention_period_number(''infinity''::timestamp, ''month'')', 'retention_period_number(''-infinity''::timestamptz, ''hour'')',
  'retention_period_start(''2024-01-01''::date, ''hour'')', 'retention_period_number(''2024-01-01''::date, ''6 hours'')',
  'retention_period_start(''4713-01-01 BC''::date, ''7 years'')', 'retention_period_start(''4714-11-24 BC''::date, ''month'')',
  'retention_period_start(''4714-11-24 00:00+00 BC''::timestamptz, ''week; week_start=sunday'')',
  'retention_period_number(''2024-01-01''::date, ''day; windows=elapsed'')', 'retention_period_start(''2024-01-01''::timestamp, ''day; windows=elapsed'')',
  'retention_periods(''day; windows=elapsed'', ''2024-01-01'', ''2024-01-02'')', 'retention_periods_at(''day; windows=elapsed'', ''2024-01-01'', ''2024-01-02'')',
  'retention_period(''day; windows=elapsed'')', 'retention_period_tz(''36 hours; windows=elapsed'')',
  'retention_periods(''hour'', ''2024-01-01'', ''2024-01-02'')', 'retention_period(''12 hours'')',
  'retention_periods(''day'', ''2024-01-02'', ''2024-01-01'')', 'retention_periods_at(''day'', ''2024-01-02'', ''2024-01-01'')',
  'retention_periods(''day'', ''-infinity'', ''2024-01-01'')', 'retention_periods(''day'', ''2024-01-01'', ''infinity'')',
  'retention_periods_at(''day'', ''2024-01-01'', ''infinity'')', 'retention_periods(''day'', ''1000-01-01'', ''2000-01-01'')',
  'retention_periods(''year'', ''2024-01-01'', ''5874897-12-31'')', 'retention_period(''month'', at => ''infinity'')',
  'retention_period(''10000 years'', 2147483647, ''2024-01-01'')', 'retention_period_tz(''month'', -2147483648, ''2024-01-01'')',
  'retention_period_tz(''hour'', 2147483647, ''294276-01-01'')', 'retention_period_tz(''hour'', -2147483648, ''2024-01-01'')']) AS call;
\pset format aligned
\pset tuples_only off

DROP TABLE changes, around;

-- The parts of a grid, as columns.
SELECT g AS grid, o.*
FROM unnest(ARRAY['month', '28 days; week_start=sunday; origin=2024-04-06', 'quarter; time_zone=UTC',
  '36 hours; windows=elapsed; cohorts=recurring; brackets=1,3-5,7; min_events=2; as_of=2026-04-01 12:30',
  '2 weeks', 'year']::retention_grid[]) AS g, grid_options(g) AS o \gx
SELECT o.* IS NULL AS of_null FROM grid_options(NULL) AS o;
-- The parts of a grid make the same grid again, and a period is as long as its interval.
SELECT count(*) AS grids,
  count(*) FILTER (WHERE retention_grid(o.period, o.week_start, o.time_zone, o.origin, o.windows, o.cohorts,
    array_to_string(o.brackets, ','), o.min_events, o.as_of) <> g) AS differ,
  count(*) FILTER (WHERE o.period::retention_grid::text <> o.period OR o.length <> CASE o.unit
    WHEN 'quarter' THEN 3 * o.count * interval '1 month' ELSE (o.count || ' ' || o.unit)::interval END) AS other_length
FROM unnest(ARRAY['hour', '5 days', 'week', '2 months', '3 quarters', 'year']) AS u (unit),
  unnest('{sunday,monday}'::text[]) AS w (week_start), unnest('{NULL,Europe/Berlin}'::text[]) AS z (zone),
  unnest('{NULL,2024-04-06}'::date[]) AS r (origin), unnest('{calendar,elapsed}'::text[]) AS v (windows),
  unnest('{first,recurring}'::text[]) AS c (cohorts), unnest('{NULL,"2,4-9"}'::text[]) AS b (brackets),
  generate_series(1, 2) AS m (min_events), unnest('{NULL,2026-04-01}'::timestamp[]) AS a (as_of),
  LATERAL retention_grid(unit, week_start, zone, origin, windows, cohorts, brackets, min_events, as_of) AS g,
  grid_options(g) AS o;
-- The calendar periods of a grid alone.
SELECT retention_internal.grid_calendar('2 weeks; week_start=sunday; time_zone=UTC; origin=2024-04-07; '
  'windows=elapsed; cohorts=recurring; brackets=1-3; min_events=2; as_of=2026-04-01');

-- Sessions in which Citus runs part of a query for a session elsewhere do not know its time zone.
SET application_name = 'citus_internal gpid=10000000123';
SELECT cohort_retention(1, timestamptz '2026-01-31 23:30+00', '13 months');
SELECT cohort_retention(1, date '2026-01-31', 'month; time_zone=UTC') IS NOT NULL AS known;
SELECT retention_rate(1, timestamptz '2026-01-31 23:30+00', '[2026-01-01,2026-02-01)', '[2026-02-01,2026-03-01)');
SET TimeZone = 'Etc/GMT+1';
SELECT retention_rate(1, timestamptz '2026-01-31 23:30+00', '[2026-01-01,2026-02-01)', '[2026-02-01,2026-03-01)');
SET TimeZone = 'UTC';
SELECT retention_rate(1, timestamptz '2026-01-31 23:30+00', '[2026-01-01 00:00+00,2026-02-01 00:00+00)', '[2026-02-01 00:00+00,2026-03-01 00:00+00)');
SELECT retention_rate(1, timestamp '2026-01-31 23:30', '[2026-01-01,2026-02-01)', '[2026-02-01,2026-03-01)');
SHOW TimeZone;
RESET application_name;
SELECT cohort_retention(1, timestamptz '2026-01-31 23:30+00', '13 months') IS NOT NULL AS known;
