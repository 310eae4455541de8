-- What cohorts are worth, period by period.
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE SCHEMA cohort_value_test;
SET search_path = cohort_value_test, public;
CREATE FUNCTION fails(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
  hint text;
BEGIN
  EXECUTE query;
  RETURN 'fine';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' / ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;

-- ---- By hand: every measure ----
CREATE TABLE bought (customer bigint, at timestamptz, amount numeric);
INSERT INTO bought VALUES
  (1, '2026-01-01 09:00+00', 20), (1, '2026-01-09 21:00+00', 5.5), (1, '2026-02-01 10:00+00', 30), (1, '2026-03-05 12:00+00', -10),
  (2, '2026-01-10 00:00+00', 8), (2, '2026-03-31 23:00+00', NULL), (2, '2026-04-02 00:00+00', 1),
  (3, '2026-02-01 00:00+00', -5), (3, '2026-02-03 00:00+00', -1), (3, '2026-04-01', 2),
  (4, NULL, 7), (NULL, '2026-02-01', 9), (5, '2026-04-20 00:00+00', 100);
CREATE TABLE summary AS SELECT cohort_value(customer, at, amount, 'month; time_zone=UTC; as_of=2026-04-20') AS v FROM bought;
SELECT split_part(v::text, '*/', 1) AS says FROM summary;
SELECT c.cohort, c.cohort_size AS size, c.period, c.period_start, c.period_end, c.at_risk, c.retained, c.value AS sum, round(r.value, 4) AS per_retained, round(p.value, 4) AS per_customer,
  round(l.value, 4) AS cumulative, round(f.value, 4) AS share_of_first, round(g.value, 4) AS gross, c.status
FROM summary, cohort_value_cells(v) c JOIN cohort_value_cells(v, 'per_retained') r USING (cohort, period) JOIN cohort_value_cells(v, 'PER_CUSTOMER') p USING (cohort, period)
  JOIN cohort_value_cells(v, 'cumulative') l USING (cohort, period) JOIN cohort_value_cells(v, 'share_of_first') f USING (cohort, period)
  JOIN cohort_value_cells(v, 'gross_share_of_first') g USING (cohort, period) ORDER BY 1, 3;
SELECT c.* FROM summary, cohort_value_cells_at(v) c LIMIT 2;
-- flags: who starts by the first purchase, not by a refund; amounts before the start do not count, those of rows that are no return neither
SELECT c.* FROM (SELECT cohort_value(customer, at, amount, 'month; time_zone=UTC; as_of=2026-04-20', amount >= 0, true) AS v FROM bought) q, cohort_value_cells(v) c;
SELECT c.cohort, c.cohort_size, c.period, c.retained, c.value, c.status FROM (SELECT cohort_value(1::bigint, at, amount, 'day; time_zone=UTC', is_start, is_return) AS v FROM (VALUES
  (timestamptz '2026-01-01 08:00+00', 1, false, true), ('2026-01-01 09:00+00', 2, true, false), ('2026-01-01 10:00+00', 4, NULL, true), ('2026-01-02 10:00+00', 8, true, true),
  ('2026-01-02 11:00+00', 16, true, NULL), ('2026-01-03 11:00+00', 32, false, false), ('2026-01-04 11:00+00', 64, false, true)) r (at, amount, is_start, is_return)) q, cohort_value_cells(v) c;
-- elapsed windows: 30 days since the first purchase of each
SELECT c.cohort, c.cohort_size, c.period, c.period_start, c.at_risk, c.retained, c.value, c.status, round(l.value, 4) AS cumulative
FROM (SELECT cohort_value(customer, at, amount, '30 days; time_zone=UTC; windows=elapsed; as_of=2026-04-20') AS v FROM bought) q, cohort_value_cells(v) c JOIN cohort_value_cells(v, 'cumulative') l USING (cohort, period) ORDER BY 1, 3;
-- hours; several events to count as coming back
SELECT c.* FROM (SELECT cohort_value(customer, at, amount, 'hour; time_zone=UTC; as_of=2026-01-01 12:30') AS v FROM bought) q, cohort_value_cells_at(v) c;
SELECT c.period, c.retained, c.value FROM (SELECT cohort_value(1::bigint, at, 5, 'month; min_events=2') AS v FROM (VALUES (date '2026-01-01'), ('2026-02-01'), ('2026-03-01'), ('2026-03-01'), ('2026-04-01')) r (at)) q, cohort_value_cells(v) c;
-- nothing; a cohort that bought for nothing; no as_of: the latest row is the last that is known
SELECT cohort_value(customer, at, amount, 'month') IS NULL AS nothing FROM bought WHERE customer = 4;
SELECT count(*) AS cells FROM (SELECT cohort_value(1::bigint, date '2026-01-01', 5, 'month', false, true) AS v) q, cohort_value_cells(v);
SELECT count(*) FROM cohort_value_cells(NULL);
SELECT m, c.value, c.status FROM (SELECT cohort_value(1::bigint, at, 0, 'month') AS v FROM (VALUES (date '2026-01-01'), ('2026-01-31')) r (at)) q,
  unnest('{sum,per_retained,per_customer,cumulative,share_of_first,gross_share_of_first}'::text[]) m, cohort_value_cells(v, m) c;
SELECT c.value, c.status FROM (SELECT cohort_value(1::bigint, at, 9e12, 'month') AS v FROM (VALUES (date '2026-01-01'), ('2026-01-31'), ('2026-02-27')) r (at)) q, cohort_value_cells(v) c;

-- ---- Errors ----
SELECT fails(q) FROM (VALUES
  ('SELECT cohort_value(1::bigint, date ''2026-01-01'', 1, NULL)'), ('SELECT cohort_value(1::bigint, date ''2026-01-01'', 1, ''month; cohorts=recurring'')'),
  ('SELECT cohort_value(1::bigint, date ''2026-01-01'', 1, ''month; brackets=1-3'')'), ('SELECT cohort_value(1::bigint, date ''2026-01-01'', 1, ''month; windows=elapsed'')'),
  ('SELECT cohort_value(1::bigint, date ''2026-01-01'', 1, ''hour'')'), ('SELECT cohort_value(1::bigint, date ''infinity'', 1, ''month'')'),
  ('SELECT cohort_value(1::bigint, date ''2026-01-01'', ''NaN'', ''month'')'), ('SELECT cohort_value(1::bigint, date ''2026-01-01'', 1e30, ''month'')'),
  ('SELECT cohort_value(1::bigint, date ''2026-01-01'', 1, g::retention_grid) FROM unnest(''{day,week}''::text[]) g'),
  ('SELECT rollup(v) FROM (SELECT cohort_value(1::bigint, date ''2026-01-01'', 1, g::retention_grid) AS v FROM unnest(''{day,week}''::text[]) g GROUP BY g) q'),
  ('SELECT rollup(v) FROM (SELECT cohort_value(1::bigint, date ''2026-01-01'', 1, ''day'') UNION ALL SELECT cohort_value(2::bigint, timestamp ''2026-01-01'', 1, ''day'')) q (v)'),
  ('SELECT cohort_value_cells(cohort_value(1::bigint, date ''2026-01-01'', 1, ''month''), ''mean'')'), ('SELECT cohort_value_cells(cohort_value(1::bigint, date ''2026-01-01'', 1, ''month''), ''cumulativ'')'),
  ('SELECT cohort_value_cells(cohort_value(1::bigint, timestamp ''2026-01-01'', 1, ''hour''))')) v (q);

-- ---- Random rows against plain SQL: amounts, customers and cells; in a zone, as of a time ----
CREATE TABLE random_rows (customer bigint, id uuid, name text, at timestamptz, amount numeric, is_start boolean, is_return boolean, segment text) WITH (autovacuum_enabled = off);
INSERT INTO random_rows
SELECT c, md5(c::text)::uuid, 'customer ' || c, timestamptz '2025-01-01' + (h / 7 % 40000) * interval '13 minutes', CASE WHEN h % 11 > 0 THEN round((h % 100003 - 20000) / 100.0, (h % 3)::int) END,
  h % 5 > 0, CASE WHEN h % 13 > 0 THEN h % 7 > 0 END, 'segment ' || c % 5
FROM generate_series(1, 12000) i, abs(hashint8extended(i, 5)) h, LATERAL (SELECT (h / 3 % 97) * (h / 5 % 31) AS c) l;
ANALYZE random_rows;
CREATE FUNCTION expected(flags boolean, elapsed boolean) RETURNS TABLE (cohort date, cohort_size bigint, period integer, at_risk bigint, retained bigint, sum numeric, gross numeric, status text) LANGUAGE sql AS $$
  WITH known AS (SELECT customer, at AT TIME ZONE 'Europe/Berlin' AS at, amount, NOT flags OR is_start AS is_start, NOT flags OR coalesce(is_return, false) AS is_return FROM random_rows WHERE at < timestamptz '2025-11-15 12:00+01'),
  start AS (SELECT customer, min(at) AS start FROM known WHERE is_start GROUP BY customer),
  each AS (SELECT s.customer, date_trunc('month', start)::date AS cohort, CASE WHEN elapsed THEN n.n ELSE (extract(year FROM at) - extract(year FROM start))::int * 12 + (extract(month FROM at) - extract(month FROM start))::int END AS period,
      coalesce(sum(amount) FILTER (WHERE is_return), 0) AS amount, count(*) FILTER (WHERE is_return) AS returns
    FROM known k JOIN start s ON s.customer = k.customer AND k.at >= s.start, LATERAL (SELECT max(n) AS n FROM generate_series(0, 12) n WHERE s.start + n * interval '1 month' <= k.at) n GROUP BY 1, 2, 3),
  cell AS (SELECT s.customer, date_trunc('month', start)::date AS cohort, period, start + period * interval '1 month' AS window_start, start + (period + 1) * interval '1 month' AS window_end,
      coalesce(e.amount, 0) AS amount, coalesce(f.amount, 0) AS first, coalesce(e.returns, 0) AS returns
    FROM start s CROSS JOIN generate_series(0, 11) period LEFT JOIN each e USING (customer, period) LEFT JOIN (SELECT customer, amount FROM each WHERE period = 0) f USING (customer))
  SELECT cohort, count(*), period, count(*) FILTER (WHERE NOT elapsed OR window_start < '2025-11-15 12:00'), CASE period WHEN 0 THEN count(*) FILTER (WHERE NOT elapsed OR window_start < '2025-11-15 12:00') ELSE count(*) FILTER (WHERE returns > 0) END, sum(amount), sum(least(amount, first)),
    CASE WHEN CASE WHEN elapsed THEN bool_and(window_end <= '2025-11-15 12:00') ELSE cohort + (period + 1) * interval '1 month' <= '2025-11-15 12:00' END THEN 'observed' ELSE 'partial' END
  FROM cell GROUP BY cohort, period
  HAVING CASE WHEN elapsed THEN bool_or(window_start < '2025-11-15 12:00') ELSE cohort + period * interval '1 month' < '2025-11-15 12:00' END
$$;
CREATE FUNCTION differ(v retention_cohort_value, flags boolean, elapsed boolean, OUT cells bigint, OUT partial bigint, OUT differ bigint) LANGUAGE sql AS $$
  SELECT count(*), count(*) FILTER (WHERE e.status = 'partial'), count(*) FILTER (WHERE (e.cohort_size, e.at_risk, e.retained, e.sum, e.status) IS DISTINCT FROM (c.cohort_size, c.at_risk, c.retained, c.value, c.status)
    OR CASE e.status WHEN 'observed' THEN round(e.sum / nullif(e.retained, 0), 9) END IS DISTINCT FROM round(r.value, 9) OR CASE e.status WHEN 'observed' THEN round(e.sum / e.cohort_size, 9) END IS DISTINCT FROM round(p.value, 9)
    OR CASE e.status WHEN 'observed' THEN round(sofar / e.cohort_size, 9) END IS DISTINCT FROM round(l.value, 9)
    OR CASE WHEN e.status = 'observed' AND first > 0 THEN round(100 * e.sum / first, 9) END IS DISTINCT FROM round(f.value, 9)
    OR CASE WHEN e.status = 'observed' AND first > 0 THEN round(100 * e.gross / first, 9) END IS DISTINCT FROM round(g.value, 9))
  FROM (SELECT *, sum(sum) OVER (PARTITION BY cohort ORDER BY period) AS sofar, first_value(sum) OVER (PARTITION BY cohort ORDER BY period) AS first FROM expected(flags, elapsed)) e
  FULL JOIN cohort_value_cells(v) c USING (cohort, period) LEFT JOIN cohort_value_cells(v, 'per_retained') r USING (cohort, period) LEFT JOIN cohort_value_cells(v, 'per_customer') p USING (cohort, period)
  LEFT JOIN cohort_value_cells(v, 'cumulative') l USING (cohort, period) LEFT JOIN cohort_value_cells(v, 'share_of_first') f USING (cohort, period) LEFT JOIN cohort_value_cells(v, 'gross_share_of_first') g USING (cohort, period)
$$;
SELECT flags, elapsed, d.* FROM (VALUES (false), (true)) f (flags), (VALUES (false), (true)) w (elapsed), LATERAL (SELECT CASE WHEN flags THEN
    (SELECT cohort_value(customer, at, amount, g, is_start, is_return) FROM random_rows) ELSE (SELECT cohort_value(customer, at, amount, g) FROM random_rows) END AS v
  FROM (SELECT retention_grid('month', time_zone => 'Europe/Berlin', as_of => '2025-11-15 12:00', windows => CASE WHEN elapsed THEN 'elapsed' ELSE 'calendar' END) AS g) g) q, differ(v, flags, elapsed) d;
-- cohorts and customers are those of cohort_retention, and no amount is lost
SELECT count(*) AS cells, count(*) FILTER (WHERE (a.cohort_size, a.period_start, a.period_end, a.at_risk, a.retained, a.status) IS DISTINCT FROM (b.cohort_size, b.period_start, b.period_end, b.at_risk, b.retained, b.status)) AS differ
FROM (SELECT c.* FROM (SELECT cohort_value(customer, at, amount, 'week; time_zone=UTC', is_start, is_return) AS v FROM random_rows) q, cohort_value_cells(v) c) a
FULL JOIN (SELECT c.* FROM (SELECT cohort_retention(customer, at, 'week; time_zone=UTC', is_start, is_return) AS s FROM random_rows) q, cohort_cells(s) c) b USING (cohort, period);
SELECT sum(c.value) = (SELECT sum(amount) FROM random_rows) AS all_of_it FROM (SELECT cohort_value(customer, at, amount, 'week; time_zone=UTC') AS v FROM random_rows) q, cohort_value_cells(v) c;

-- ---- The same by every way ----
CREATE FUNCTION ways(OUT way text, OUT runs bigint, OUT differ bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  grid text;
  want text;
  got text;
  settings text[];
BEGIN
  FOREACH way IN ARRAY ARRAY['SELECT cohort_value(id, at, amount, GRID FLAGS) FROM random_rows', 'SELECT cohort_value(name, at, amount, GRID FLAGS) FROM random_rows',
      'SELECT cohort_value(customer::numeric, at, amount, GRID FLAGS ORDER BY amount) FROM random_rows', 'SELECT rollup(v) FROM (SELECT cohort_value(customer, at, amount, GRID FLAGS) AS v FROM random_rows GROUP BY segment) q',
      'SELECT rollup(v) FROM (SELECT cohort_value(customer, at, amount, GRID FLAGS) AS v FROM random_rows GROUP BY customer) q', 'SELECT cohort_value(customer, at, amount, GRID FLAGS)::text::retention_cohort_value FROM random_rows'] LOOP
    runs := 0;
    differ := 0;
    FOREACH grid IN ARRAY ARRAY['''month; time_zone=Asia/Kathmandu''', '''week; time_zone=UTC; windows=elapsed; as_of=2025-11-15''', '''month; time_zone=UTC'', is_start, is_return'] LOOP
      PERFORM set_config('work_mem', '4MB', true), set_config('max_parallel_workers_per_gather', '0', true);
      EXECUTE format('SELECT cohort_value(customer, at, amount, %s) FROM random_rows', grid) INTO want;
      FOREACH settings SLICE 1 IN ARRAY ARRAY[['4MB', '0'], ['64kB', '0'], ['4MB', '2'], ['64kB', '2']] LOOP
        PERFORM set_config('work_mem', settings[1], true), set_config('hash_mem_multiplier', '1', true), set_config('max_parallel_workers_per_gather', settings[2], true),
          set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true), set_config('min_parallel_table_scan_size', '0', true);
        EXECUTE replace(way, 'GRID FLAGS', grid) INTO got;
        runs := runs + 1;
        differ := differ + (got IS DISTINCT FROM want)::int;
      END LOOP;
    END LOOP;
    RETURN NEXT;
  END LOOP;
END $$;
SELECT * FROM ways();

-- ---- Hostile bytes ----
SET allow_system_table_mods = on;
INSERT INTO pg_cast (oid, castsource, casttarget, castfunc, castcontext, castmethod)
SELECT 4110000000 + row_number() OVER (ORDER BY t.oid, way), CASE way WHEN 1 THEN 'bytea'::regtype ELSE t.oid END, CASE way WHEN 1 THEN t.oid ELSE 'bytea'::regtype END, 0, 'e', 'b'
FROM pg_type t, generate_series(1, 2) way WHERE typname = 'retention_cohort_value';
CREATE FUNCTION use_value(v retention_cohort_value) RETURNS text LANGUAGE sql AS
$$ SELECT concat(1 / (v::text = v::text::retention_cohort_value::text)::int, (SELECT count(c::text) FROM cohort_value_cells_at(v) c), (SELECT count(c::text) FROM cohort_value_cells_at(v, 'gross_share_of_first') c),
  (SELECT rollup(x)::text FROM (VALUES (v), (v)) u (x))) $$;
CREATE FUNCTION mutate(bytes bytea, use text, OUT outcome text, OUT times bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  changed bytea;
  outcomes text[];
BEGIN
  FOR i IN 0 .. length(bytes) - 1 LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, 255), set_byte(bytes, i, 127), set_byte(bytes, i, 0), substr(bytes, 1, i), bytes || substr(bytes, i + 1, 1)] LOOP
      BEGIN
        EXECUTE use USING changed;
        outcomes := outcomes || 'a value'::text;
      EXCEPTION WHEN data_corrupted OR feature_not_supported OR invalid_text_representation OR invalid_parameter_value OR datetime_field_overflow OR program_limit_exceeded
          OR numeric_value_out_of_range OR character_not_in_repertoire THEN
        outcomes := outcomes || 'an error'::text;
      END;
    END LOOP;
  END LOOP;
  RETURN QUERY SELECT o, count(*) FROM unnest(outcomes) o GROUP BY o ORDER BY o;
END $$;
INSERT INTO summary SELECT cohort_value(customer, at, amount, '60 days; time_zone=UTC; windows=elapsed; as_of=2026-04-20') FROM bought;
SELECT outcome, times > 50 AS many FROM summary, mutate(v::bytea, 'SELECT use_value($1::retention_cohort_value)') ORDER BY v, 1;
SELECT outcome, times > 50 AS many FROM summary, mutate(decode(split_part(v::text, ' ', -1), 'hex'), 'SELECT use_value(encode($1, ''hex'')::retention_cohort_value)') ORDER BY v, 1;
DELETE FROM pg_cast WHERE oid > 4110000000;
DROP SCHEMA cohort_value_test CASCADE;
