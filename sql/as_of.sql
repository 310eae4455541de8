-- Rates of one period: a period that is not over has no rate. The time of the transaction decides, or the last argument,
-- as_of.
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE SCHEMA as_of_test;
SET search_path = as_of_test, public;

-- A period in the future has no rate and no flow, even if ends are planned
CREATE TABLE two (customer bigint, started date, ended date);
INSERT INTO two VALUES (1, '2025-01-10', NULL), (2, '2025-02-01', '2130-06-01');
SELECT retention_rate(started, ended, '[2130-01-01,2131-01-01)') AS retention, churn_rate(started, ended, '[2130-01-01,2131-01-01)') AS churn,
  retention_rate(customer, started, ended, '[2130-01-01,2131-01-01)') AS by_customer,
  retention_rate(customer, started, daterange('2025-01-01', '2025-03-01'), daterange('2130-01-01', '2131-01-01')) AS returned FROM two;
SELECT count(*) AS rows FROM (SELECT customer_flow(started, ended, daterange('2130-01-01', '2131-01-01')) s FROM two) q, flow_periods(s);
-- with an as_of after it the period is known, and planned ends count
SELECT retention_rate(started, ended, '[2130-01-01,2131-01-01)', as_of) AS retention, churn_rate(customer, started, ended, '[2130-01-01,2131-01-01)', as_of) AS churn
FROM two, (VALUES (date '2130-12-31'), ('2131-01-01'), ('infinity'), ('-infinity'), (NULL)) v (as_of) GROUP BY as_of ORDER BY as_of;

-- To the microsecond, and to the day of the session's clock: each pair is the last known and the first unknown end
SELECT retention_rate(now() - interval '2 days', NULL, tstzrange(now() - interval '1 day', now())) AS over,
  retention_rate(now() - interval '2 days', NULL, tstzrange(now() - interval '1 day', now() + interval '1 microsecond')) AS not_over;
SELECT retention_rate(localtimestamp - interval '2 days', NULL, tsrange(localtimestamp - interval '1 day', localtimestamp)) AS over,
  retention_rate(localtimestamp - interval '2 days', NULL, tsrange(localtimestamp - interval '1 day', localtimestamp + interval '1 microsecond')) AS not_over;
SELECT retention_rate(current_date - 9, NULL, daterange(current_date - 7, current_date)) AS over,
  retention_rate(current_date - 9, NULL, daterange(current_date - 7, current_date + 1)) AS not_over;
SELECT retention_rate(1, now(), tstzrange(now() - interval '1 day', now(), '[]'), tstzrange(now() - interval '1 day', now(), '(]')) AS not_over,
  retention_rate(1, now() - interval '1 hour', tstzrange(now() - interval '1 day', now()), tstzrange(now() - interval '1 day', now())) AS over;
-- a day that is over in one time zone and not in another
CREATE TABLE early AS SELECT (now() AT TIME ZONE 'Pacific/Kiritimati')::date AS day;
SET timezone = 'Pacific/Kiritimati';
SELECT retention_rate(day - 9, NULL, daterange(day - 7, day)) FROM early GROUP BY day;
SET timezone = 'Etc/GMT+12';
SELECT retention_rate(day - 9, NULL, daterange(day - 7, day)) FROM early GROUP BY day;
SELECT retention_rate((day - 9)::timestamp, NULL, tsrange(day - 7, day)) FROM early GROUP BY day;
SET timezone = 'UTC';
-- the time is that of the transaction, not of the clock
BEGIN;
SELECT pg_sleep(0.01);
SELECT retention_rate(now() - interval '2 days', NULL, tstzrange(now() - interval '1 day', clock_timestamp())) AS not_over FROM (SELECT) q;
COMMIT;
-- a prepared plan takes the time of each transaction
PREPARE known AS SELECT retention_rate(started, ended, daterange('2025-01-20', current_date)) IS NOT NULL AS over, retention_rate(started, ended, daterange('2025-03-01', current_date + 1)) IS NULL AS not_over FROM two;
EXECUTE known;
EXECUTE known;

-- A range without an end reaches as far as the rows are known: as_of ends it
SELECT retention_rate(c, at, january, after) AS open, retention_rate(c, at, january, daterange('2025-02-01', 'infinity')) AS endless, retention_rate(c, at, january, after, date '2025-04-01') AS open_as_of,
  retention_rate(c, at, daterange(NULL, '2025-02-01'), after, date '2025-02-01') AS nothing_yet, retention_rate(c, at, january, after, date '2025-01-31') AS base_not_over
FROM (VALUES (1, date '2025-01-05'), (2, '2025-01-06'), (3, '2025-01-07'), (4, '2025-01-08'), (1, '2025-03-01'), (2, '2025-04-01'), (3, '2130-01-01')) v (c, at),
  (VALUES (daterange('2025-01-01', '2025-02-01'), daterange('2025-02-01', NULL))) r (january, after);

-- ---- A flow of a period that is not over ----
SELECT period_start - current_date AS since, period_end - current_date AS until, status, at_start, joined, lost, at_end, customer_days, retention_rate, churn_low
FROM (SELECT customer_flow(s, e, daterange(current_date - 10, current_date + 10)) f FROM (VALUES (current_date - 20, NULL), (current_date - 20, current_date - 4), (current_date - 5, NULL),
        (current_date - 20, current_date + 5), (current_date + 2, NULL)) v (s, e)) q, flow_periods(f);
CREATE VIEW two_at AS SELECT customer, started::timestamptz AS s, ended::timestamptz AS e FROM two;
SELECT retention_rate(f) IS NULL AS rate, churn_rate(f, 'customer_days') IS NULL AS churn, f::text::retention_flow::text = f::text AS text, f::text = by_customer::text AS by_customer,
  f::text = (SELECT rollup(x)::text FROM (VALUES (f)) v (x)) AS rolled_up
FROM (SELECT customer_flow(s, e, p) AS f, customer_flow(customer, s, e, p) AS by_customer FROM two_at, tstzrange(now() - interval '1 year', now() + interval '1 hour') p) q;
-- A stored one does not change. One of a later transaction cannot be added to it, one of the same transaction can.
CREATE TABLE running AS SELECT customer_flow(s, e, tstzrange('2025-01-01', '2130-01-01')) AS f, 1 AS run FROM two_at;
INSERT INTO running SELECT customer_flow(s, e, tstzrange('2025-01-01', '2130-01-01')), 2 FROM two_at;
INSERT INTO running SELECT f, 3 FROM running WHERE run = 2;
SELECT count(DISTINCT f::text) AS flows FROM running;
SELECT at_end FROM (SELECT rollup(f) f FROM running WHERE run > 1) q, flow_periods(f);
DO $$ BEGIN PERFORM rollup(f) FROM running; EXCEPTION WHEN invalid_parameter_value THEN RAISE WARNING '%', sqlerrm; END $$;
-- a period that is over is the same flow whenever it is asked for
SELECT count(DISTINCT f) FROM (SELECT customer_flow(started, ended, daterange('2025-01-01', '2026-01-01'))::text AS f FROM two
  UNION ALL SELECT customer_flow(customer, started, ended, daterange('2025-01-01', '2026-01-01'))::text FROM two) q;

-- Errors: as_of is one for all rows
SELECT retention_rate(started, ended, '[2130-01-01,2131-01-01)', started) FROM two;
SELECT retention_rate(customer, started, ended, '[2130-01-01,2131-01-01)', started) FROM two;
SELECT retention_rate(customer, started, daterange('2025-01-01', '2025-02-01'), daterange('2025-02-01', NULL), started) FROM two;

-- ---- Every such rate has an overload with as_of ----
SELECT count(*) AS rates, count(*) FILTER (WHERE EXISTS (SELECT FROM pg_proc t WHERE t.proname = p.proname AND t.prokind = 'a'
    AND t.proargtypes::text = p.proargtypes::text || ' ' || CASE
      WHEN p.proargtypes::oid[] && ARRAY['date', 'daterange', 'datemultirange']::regtype[]::oid[] THEN 'date'::regtype
      WHEN p.proargtypes::oid[] && ARRAY['timestamp', 'tsrange', 'tsmultirange']::regtype[]::oid[] THEN 'timestamp'::regtype
      ELSE 'timestamptz'::regtype END::oid)) AS twins
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
WHERE p.prokind = 'a' AND p.proname IN ('retention_rate', 'churn_rate') AND p.proargtypes[p.pronargs - 1] = 'retention_span'::regtype;

-- Random rows, each overload, in each plan, against plain SQL
CREATE TABLE stay AS SELECT c AS customer, md5(c::text)::uuid AS id, 'c' || c AS name, c % 4 AS part, t AS s, CASE WHEN h % 5 > 0 THEN t + (h / 31 % 150) * interval '1 day' END AS e
FROM generate_series(1, 500) c, generate_series(1, 1 + c % 3) i, abs(hashint8extended(c * 10 + i, 7)) h, LATERAL (SELECT timestamptz '2024-01-01' + (h / 7 % 600) * interval '1 day') l (t);
CREATE TABLE once AS SELECT DISTINCT ON (customer) * FROM stay ORDER BY customer, s;
CREATE TABLE way (way text, source text, call text);
-- 1: function, 2: type of time, 3: its range, 4: its multirange, 5: period, 6: what follows it
INSERT INTO way VALUES ('pair', 'once', '%1$s(s::%2$s, e::%2$s, %5$s%6$s)'), ('range', 'once', '%1$s(%3$s(s::%2$s, e::%2$s), %5$s%6$s)'),
  ('multirange', 'once', '%1$s(%4$s(%3$s(s::%2$s, e::%2$s)), %5$s%6$s)'),
  ('bigint', 'stay', '%1$s(customer, s::%2$s, e::%2$s, %5$s%6$s)'), ('uuid', 'stay', '%1$s(id, s::%2$s, e::%2$s, %5$s%6$s)'),
  ('text', 'stay', '%1$s(name, s::%2$s, e::%2$s, %5$s%6$s)'),
  ('bigint, two ranges', 'stay', '%1$s(customer, s::%2$s, %3$s(''2024-02-01'', ''2024-05-01''), %5$s%6$s)'),
  ('uuid, two ranges', 'stay', '%1$s(id, s::%2$s, %3$s(''2024-02-01'', ''2024-05-01''), %5$s%6$s)'),
  ('text, two ranges', 'stay', '%1$s(name, s::%2$s, %3$s(''2024-02-01'', ''2024-05-01''), %5$s%6$s)');
CREATE TABLE variant (variant text, until text, as_of text, known boolean);
INSERT INTO variant VALUES ('as it is', '2024-09-01', '', true), ('at the end', '2024-09-01', $$, '2024-09-01'::%s$$, true), ('infinity', '2024-09-01', $$, 'infinity'::%s$$, true),
  ('not given', '2024-09-01', ', NULL::%s', true), ('before the end', '2024-09-01', $$, ('2024-09-01'::%1$s - interval '%2$s')::%1$s$$, false),
  ('future', '2130-09-01', '', false), ('planned', '2130-09-01', $$, 'infinity'::%s$$, true);
-- both rates of every part, of all variants at once
CREATE FUNCTION rates(call text, source text, what text, grouped text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  answer jsonb;
  range text := CASE what WHEN 'date' THEN 'daterange' WHEN 'timestamp' THEN 'tsrange' ELSE 'tstzrange' END;
  columns text;
BEGIN
  SELECT string_agg(format('concat_ws('' '', round(%s, 9), round(%s, 9)) AS %I', c[1], c[2], variant), ', ') INTO columns
  FROM variant, LATERAL (SELECT array_agg(format(call, f, what, range, replace(range, 'range', 'multirange'), format('%L::%s', '[2024-06-01,' || until || ')', range),
      format(as_of, what, CASE what WHEN 'date' THEN '1 day' ELSE '1 microsecond' END)) ORDER BY f DESC) AS c FROM unnest('{retention_rate,churn_rate}'::text[]) f) x;
  EXECUTE format('SELECT jsonb_agg(to_jsonb(q) - ''part'' ORDER BY part) FROM (SELECT part, %s FROM %s %s) q', columns, source, grouped) INTO answer;
  RETURN answer;
END $$;
-- the oracle: who is there just before a moment, or has a start in a range
CREATE FUNCTION truth(source text, two_ranges boolean, until text, grouped text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  answer text[];
BEGIN
  EXECUTE format('SELECT array_agg(concat_ws('' '', round(100.0 * both_ / nullif(first, 0), 9), round(100.0 * (first - both_) / nullif(first, 0), 9)) ORDER BY part)
    FROM (SELECT part, count(*) FILTER (WHERE x) AS first, count(*) FILTER (WHERE x AND y) AS both_ FROM (SELECT part, customer, bool_or(%1$s) AS x, bool_or(%2$s) AS y FROM %3$s GROUP BY 1, 2) q %4$s) q',
    CASE WHEN two_ranges THEN 's >= ''2024-02-01'' AND s < ''2024-05-01''' ELSE 's < ''2024-06-01'' AND coalesce(e >= ''2024-06-01'', true)' END,
    CASE WHEN two_ranges THEN format('s >= ''2024-06-01'' AND s < %L', until) ELSE format('s < %1$L AND coalesce(e >= %1$L, true)', until) END, source, grouped) INTO answer;
  RETURN answer;
END $$;
CREATE TABLE expected AS SELECT source, two_ranges, variant, grouped, CASE WHEN known THEN t ELSE array_fill(''::text, ARRAY[cardinality(t)]) END AS rates
FROM (SELECT DISTINCT source, way ~ 'two' AS two_ranges FROM way) w, variant, unnest('{GROUP BY part,"GROUP BY GROUPING SETS ((part), ())"}'::text[]) grouped, LATERAL (SELECT truth(source, two_ranges, until, grouped) AS t) x;
CREATE FUNCTION compare(grouped text) RETURNS TABLE (variant text, asked bigint, same bigint) LANGUAGE sql AS $$
  SELECT e.variant, count(*), count(*) FILTER (WHERE e.rates = (SELECT array_agg(r ->> e.variant ORDER BY place) FROM jsonb_array_elements(q.answers) WITH ORDINALITY a (r, place)))
  FROM (SELECT w.source, w.way ~ 'two' AS two_ranges, rates(w.call, w.source, what, compare.grouped) AS answers FROM way w, unnest('{date,timestamp,timestamptz}'::text[]) what OFFSET 0) q
    JOIN expected e ON e.source = q.source AND e.two_ranges = q.two_ranges AND e.grouped = compare.grouped GROUP BY 1 ORDER BY 1
$$;
SELECT * FROM compare('GROUP BY part');
SELECT * FROM compare('GROUP BY GROUPING SETS ((part), ())');
-- row by row, in little memory, in workers with and without the batch scan
SET retention.enable_batch_scan = off;
SET enable_hashagg = off;
SELECT * FROM compare('GROUP BY part');
SET work_mem = '64kB';
SELECT * FROM compare('GROUP BY part');
RESET enable_hashagg;
RESET work_mem;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT * FROM compare('GROUP BY part');
SET retention.enable_batch_scan = on;
SELECT * FROM compare('GROUP BY part');
-- (the parameter of a sub-select has a name before 17)
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    IF line !~ 'Params' THEN RETURN NEXT regexp_replace(line, ' \(returns \$\d+\)', ''); END IF;
  END LOOP;
END $$;
SELECT plan($$SELECT churn_rate(s, e, '[2024-06-01,2024-09-01)', timestamptz '2024-08-01') FROM once$$);
SELECT plan($$SELECT retention_rate(name, s, e, '[2024-06-01,2024-09-01)', timestamptz '2024-08-01') AS a,
  churn_rate(customer, s, tstzrange('2024-02-01', '2024-05-01'), tstzrange('2024-06-01', '2024-09-01'), (SELECT max(s) FROM once)) AS b FROM stay$$);
-- an as_of that is computed once
SELECT churn_rate(customer, s, tstzrange('2024-02-01', '2024-05-01'), tstzrange('2024-06-01', '2024-09-01'), (SELECT max(s) FROM once)) IS NOT NULL AS over FROM stay;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- in a window frame
SELECT count(*) AS rows, count(*) FILTER (WHERE r IS NOT NULL) AS rates, count(*) FILTER (WHERE round(r, 9)::text = split_part((SELECT rates FROM expected WHERE source = 'stay' AND NOT two_ranges AND variant = 'as it is' AND grouped = 'GROUP BY part')[part + 1], ' ', 1)) AS same, count(n) AS not_over
FROM (SELECT part, retention_rate(customer, s, e, '[2024-06-01,2024-09-01)', timestamptz '2024-09-01') OVER w AS r, retention_rate(customer, s, e, '[2024-06-01,2024-09-01)', timestamptz '2024-08-31') OVER w AS n
  FROM stay WINDOW w AS (PARTITION BY part)) q;

DROP SCHEMA as_of_test CASCADE;
