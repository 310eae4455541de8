-- Value: purchases of a customer, what customers are worth, and what is read off that.
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET extra_float_digits = 0;
SET client_min_messages = warning;
CREATE SCHEMA value_test;
SET search_path = value_test, public;
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

-- ---- One customer, by hand ----
CREATE TABLE bought (customer bigint, at timestamptz, amount numeric);
INSERT INTO bought VALUES
  (1, '2026-01-01 09:00+00', 20), (1, '2026-01-01 21:00+00', 5.5),   -- one day
  (1, '2026-01-31 23:30+00', 30),                                    -- 1 February in Berlin
  (1, '2026-03-02 23:30+00', NULL), (1, '2026-03-05 12:00+00', -10), -- no amount is a purchase of 0; a refund
  (2, '2026-01-10 00:00+00', 8),
  (3, '2026-02-01 00:00+00', -5), (3, '2026-02-03 00:00+00', -1),    -- refunds only
  (4, NULL, 7), (NULL, '2026-02-01', 9),                             -- ignored
  (5, '2026-04-01 00:00+00', 100);                                   -- not before as_of
CREATE VIEW facts AS SELECT customer, purchases(at, amount, 'week; time_zone=UTC; as_of=2026-04-01') AS p FROM bought GROUP BY customer;
SELECT customer, split_part(p::text, '*/', 1) AS says, s.* FROM facts, purchase_summary(p) s ORDER BY customer;
-- the units of time, and whole periods of the calendar
SELECT g, s.frequency, round(s.recency::numeric, 6) AS recency, round(s.age::numeric, 6) AS age, round(s.mean_repeat_amount, 6) AS mean_repeat_amount, round(s.days_between, 6) AS days_between, whole
FROM unnest('{day,2 days,week,4 weeks,month,quarter,year}'::text[]) WITH ORDINALITY u (g, n), (VALUES (false), (true)) w (whole),
  LATERAL (SELECT purchases(at, amount, (g || '; time_zone=UTC')::retention_grid) AS p FROM bought WHERE customer = 1) q, purchase_summary(p, '2026-04-01', whole) s
ORDER BY whole, n;
-- the day is that of the grid's zone
SELECT z, s.frequency, s.recency, s.age, s.first_at, s.last_at FROM unnest('{UTC,Europe/Berlin,America/New_York}'::text[]) z,
  LATERAL (SELECT purchases(at, amount, retention_grid('day', time_zone => z)) AS p FROM bought WHERE customer = 1) q, purchase_summary(p, '2026-04-01') s ORDER BY z DESC;
-- the last day that is known: the day before as_of at midnight, else the day it lies in; of dates the day before in any case
SELECT as_of, (purchase_summary(p, as_of)).age, (purchase_summary(d, as_of)).age AS of_dates, (purchase_summary(l, as_of)).age AS of_local
FROM unnest('{2026-01-12,2026-01-12 00:00:00.000001,2026-01-12 23:59:59.999999,2026-01-13}'::timestamp[]) as_of,
  (SELECT purchases(at, amount, 'day; time_zone=UTC') AS p, purchases(at::date, amount, 'day; time_zone=UTC') AS d, purchases(at::timestamp, amount, 'day; time_zone=UTC') AS l FROM bought WHERE customer = 2) q;
-- the example of Fader, Hardie and Lee: who came on 1 January 1997 had 38.86 weeks by the end of September
SELECT s.frequency, s.recency, round(s.age::numeric, 2) AS age FROM (SELECT purchases(date '1997-01-01', 11.77, 'week; time_zone=UTC; as_of=1997-10-01') AS p) q, purchase_summary(p) s;
-- without any as_of nobody knows the age
SELECT s.age, s.frequency FROM (SELECT purchases(at, amount, 'day; time_zone=UTC') AS p FROM bought WHERE customer = 2) q, purchase_summary(p) s;
SELECT purchases(at, amount, 'day') IS NULL AS nothing FROM bought WHERE customer = 4;
SELECT purchase_summary(NULL) IS NULL AS nothing, purchases_union(NULL, NULL) IS NULL AS no_union;

-- ---- Many customers, by hand ----
SELECT split_part(v::text, '*/', 1) AS says, f.* FROM (SELECT customer_value(customer, at, amount, 'week; time_zone=UTC; as_of=2026-04-01') AS v FROM bought) q, value_figures(v) f \gx
SELECT c.* FROM (SELECT customer_value(customer, at, amount, 'day; time_zone=UTC; as_of=2026-04-01') AS v FROM bought) q, retention_internal.value_customers(v) c;
SELECT c.* FROM (SELECT customer_value(customer, at, amount, 'day; time_zone=UTC; as_of=2026-04-01') AS v FROM bought) q, retention_internal.value_buyers(v) c;
SELECT purchase, customers, came_again, round(rate, 4) AS rate, ci_low, ci_high FROM (SELECT customer_value(customer, at, amount, 'week; time_zone=UTC; as_of=2026-04-01') AS v FROM bought) q, repeat_purchase_curve(v);
-- nothing, refunds only, a customer alone, all equal, no revenue
SELECT customer_value(customer, at, amount, 'week') IS NULL AS nothing FROM bought WHERE customer = 4;
SELECT f.* FROM (SELECT customer_value(customer, at, amount, 'week') AS v FROM bought WHERE customer = 3) q, value_figures(v) f \gx
SELECT count(*) FROM (SELECT customer_value(customer, at, amount, 'week') AS v FROM bought WHERE customer = 3) q, repeat_purchase_curve(v);
SELECT f.customers, f.top_tenth_share, f.days_between_mean FROM (SELECT customer_value(customer, at, amount, 'week') AS v FROM bought WHERE customer = 2) q, value_figures(v) f;
SELECT f.top_tenth_share, f.revenue FROM (SELECT customer_value(i, date '2026-01-01', 3, 'week') AS v FROM generate_series(1::bigint, 7) i) q, value_figures(v) f;
SELECT f.top_tenth_share, f.revenue FROM (SELECT customer_value(i, date '2026-01-01', 0, 'week') AS v FROM generate_series(1::bigint, 7) i) q, value_figures(v) f;
SELECT value_figures(NULL) IS NULL AS nothing, (SELECT count(*) FROM repeat_purchase_curve(NULL)) AS no_rows;
-- sums of amounts beyond 64 bits
SELECT f.revenue, f.average_order_value FROM (SELECT customer_value(i % 3, date '2026-01-01' + i::int, 9e12, 'week') AS v FROM generate_series(1::bigint, 30) i) q, value_figures(v) f;
SELECT s.amount, s.mean_repeat_amount FROM (SELECT purchases(date '2026-01-01' + i, 9e12, 'week') AS p FROM generate_series(1, 30) i) q, purchase_summary(p) s;

-- ---- From figures ----
SELECT f.* FROM (SELECT customer_value(x, tx, t, mean, n) AS v FROM (VALUES (0::bigint, 0::float8, 38.86::float8, NULL::numeric, 3::bigint), (2, 30.43, 38.86, 22.35, 1),
  (2, 30.43, 38.86, 22.35, 1), (1, 1.71, 38.86, 11.77, 1), (NULL, 1, 2, 3, 1), (1, NULL, 2, 3, 1), (1, 1, NULL, 3, 1), (1, 1, 2, 3, NULL), (1, 1, 2, 3, 0)) r (x, tx, t, mean, n)) q, value_figures(v) f \gx
SELECT c.* FROM (SELECT customer_value(x, tx, t, mean) AS v FROM (VALUES (0::bigint, 0::float8, 38.86::float8, NULL::numeric), (2, 30.43, 38.86, 22.35), (1, 1.71, 38.86, 11.77)) r (x, tx, t, mean)) q,
  retention_internal.value_customers(v) c;
SELECT c.* FROM (SELECT customer_value(x, tx, t, mean) AS v FROM (VALUES (0::bigint, 0::float8, 38.86::float8, NULL::numeric), (2, 30.43, 38.86, 22.35), (3, 30.43, 38.86, NULL), (1, 1.71, 38.86, 11.77)) r (x, tx, t, mean)) q,
  retention_internal.value_buyers(v) c;

-- ---- Errors ----
SELECT fails(q) FROM (VALUES
  ('SELECT purchases(date ''2026-01-01'', 1, NULL)'), ('SELECT customer_value(1::bigint, date ''2026-01-01'', 1, NULL)'),
  ('SELECT purchases(timestamp ''2026-01-01'', 1, ''hour'')'), ('SELECT customer_value(1::bigint, timestamp ''2026-01-01'', 1, ''6 hours'')'),
  ('SELECT purchases(date ''2026-01-01'', 1, ''month; windows=elapsed'')'), ('SELECT customer_value(1::bigint, date ''2026-01-01'', 1, ''month; cohorts=recurring'')'),
  ('SELECT customer_value(1::bigint, date ''2026-01-01'', 1, ''month; brackets=1-3'')'), ('SELECT customer_value(1::bigint, date ''2026-01-01'', 1, ''month; min_events=2'')'),
  ('SELECT purchases(date ''infinity'', 1, ''month'')'), ('SELECT purchases(timestamptz ''-infinity'', 1, ''month'')'),
  ('SELECT purchases(date ''2026-01-01'', ''NaN'', ''month'')'), ('SELECT purchases(date ''2026-01-01'', 1e30, ''month'')'), ('SELECT purchases(date ''2026-01-01'', ''-Infinity'', ''month'')'),
  ('SELECT purchases(date ''2026-01-01'', 1, g::retention_grid) FROM unnest(''{day,week}''::text[]) g'), ('SELECT customer_value(1::bigint, date ''2026-01-01'', 1, g::retention_grid) FROM unnest(''{day,week}''::text[]) g'),
  ('SELECT purchases_union(purchases(date ''2026-01-01'', 1, ''day''), purchases(date ''2026-01-01'', 1, ''week''))'),
  ('SELECT purchases_union(purchases(date ''2026-01-01'', 1, ''day''), purchases(timestamp ''2026-01-01'', 1, ''day''))'),
  ('SELECT customer_value(p) FROM (SELECT purchases(date ''2026-01-01'', 1, g::retention_grid) AS p FROM unnest(''{day,week}''::text[]) g GROUP BY g) q'),
  ('SELECT rollup(v) FROM (SELECT customer_value(1::bigint, date ''2026-01-01'', 1, g::retention_grid) AS v FROM unnest(''{day,week}''::text[]) g GROUP BY g) q'),
  ('SELECT rollup(v) FROM (SELECT customer_value(1::bigint, date ''2026-01-01'', 1, ''day'') UNION ALL SELECT customer_value(2::bigint, timestamp ''2026-01-01'', 1, ''day'')) q (v)'),
  ('SELECT rollup(v) FROM (SELECT customer_value(1::bigint, date ''2026-01-01'', 1, ''day'') UNION ALL SELECT customer_value(1::bigint, 1, 1, 1)) q (v)'),
  ('SELECT purchase_summary(purchases(date ''2026-01-05'', 1, ''day''), ''2026-01-05'')'), ('SELECT purchase_summary(purchases(date ''2026-01-05'', 1, ''day; as_of=2026-03-01''), ''2026-02-01'')'),
  ('SELECT purchase_summary(purchases(date ''2026-01-05'', 1, ''day''), ''infinity'')'),
  ('SELECT customer_value(-1::bigint, 1, 2, 3)'), ('SELECT customer_value(2147483648::bigint, 1, 2, 3)'), ('SELECT customer_value(1::bigint, ''NaN'', 2, 3)'), ('SELECT customer_value(1::bigint, -1, 2, 3)'),
  ('SELECT customer_value(1::bigint, 1, ''Infinity'', 3)'), ('SELECT customer_value(1::bigint, 3, 2, 3)'), ('SELECT customer_value(0::bigint, 1, 2, 3)'), ('SELECT customer_value(1::bigint, 1, 2, 3, -1)'),
  ('SELECT customer_value(1000000::bigint, 1, 2, 1e9)'), ('SELECT customer_value(1::bigint, 1, 2, ''NaN'')'),
  ('SELECT repeat_purchase_curve(customer_value(1::bigint, 1, 2, 3), 1)'), ('SELECT repeat_purchase_curve(customer_value(100000::bigint, 1, 2, 3))')) v (q);
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT fails('SELECT customer_value(''a''::text COLLATE value_test.loose, date ''2026-01-01'', 1, ''day'')');

-- ---- Against plain SQL: random purchases with refunds, several a day, in a zone, seen as of a time ----
CREATE TABLE random_rows (customer bigint, id uuid, name text, at timestamptz, amount numeric, segment text) WITH (autovacuum_enabled = off);
INSERT INTO random_rows
SELECT c, md5(c::text)::uuid, 'customer ' || c, timestamptz '2025-01-01' + (h / 7 % 40000) * interval '13 minutes',
  CASE WHEN h % 11 > 0 THEN round((h % 100003 - 10000) / 100.0, (h % 3)::int) END, 'segment ' || c % 5
FROM generate_series(1, 20000) i, abs(hashint8extended(i, 5)) h, LATERAL (SELECT (h / 3 % 97) * (h / 5 % 31) AS c) l;
ANALYZE random_rows;
CREATE VIEW expected AS
WITH day AS (
  SELECT customer, (at AT TIME ZONE 'America/New_York')::date AS day, count(*) FILTER (WHERE amount >= 0 OR amount IS NULL) AS orders,
    count(*) FILTER (WHERE amount < 0) AS refunds, coalesce(sum(amount), 0) AS amount, min(at) FILTER (WHERE amount >= 0 OR amount IS NULL) AS first_at, max(at) FILTER (WHERE amount >= 0 OR amount IS NULL) AS last_at
  FROM random_rows WHERE at < timestamptz '2025-11-15 12:00-05' GROUP BY 1, 2),
first AS (SELECT *, min(day) FILTER (WHERE orders > 0) OVER (PARTITION BY customer) AS first_day FROM day)
SELECT customer, count(*) FILTER (WHERE orders > 0) - 1 AS x, max(day) FILTER (WHERE orders > 0) - min(first_day) AS t_x, date '2025-11-15' - min(first_day) AS t,
  sum(orders)::bigint AS orders, sum(refunds)::bigint AS refunds, sum(amount) AS amount, coalesce(sum(amount) FILTER (WHERE day > first_day), 0) AS again,
  min(first_at) AT TIME ZONE 'America/New_York' AS first_at, max(last_at) AT TIME ZONE 'America/New_York' AS last_at
FROM first GROUP BY customer;
CREATE VIEW summaries AS SELECT customer, s.* FROM (SELECT customer, purchases(at, amount, 'day; time_zone=America/New_York; as_of=2025-11-15 12:00') AS p FROM random_rows GROUP BY 1) q, purchase_summary(p) s;
SELECT count(*) AS customers, count(*) FILTER (WHERE x < 0) AS refunds_only, count(*) FILTER (WHERE
  (nullif(e.x, -1), e.t_x, e.t, e.orders, e.refunds, e.amount, e.first_at, e.last_at) IS DISTINCT FROM
  (s.frequency, s.recency, s.age, s.orders, s.refunds, s.amount, s.first_at, s.last_at)
  OR round(e.again / nullif(x, 0), 6) IS DISTINCT FROM CASE WHEN x > 0 THEN round(s.mean_repeat_amount, 6) END
  OR round(e.amount / nullif(e.orders, 0), 6) IS DISTINCT FROM round(s.average_order_value, 6)
  OR round(e.t_x::numeric / nullif(x, 0), 6) IS DISTINCT FROM CASE WHEN x > 0 THEN round(s.days_between, 6) END) AS differ
FROM expected e FULL JOIN summaries s USING (customer);
CREATE TABLE value AS SELECT customer_value(customer, at, amount, 'day; time_zone=America/New_York; as_of=2025-11-15 12:00') AS v FROM random_rows;
SELECT count(*) AS keys, count(*) FILTER (WHERE e.n IS DISTINCT FROM c.customers) AS differ
FROM (SELECT x AS frequency, t_x::float8 AS recency, t::float8 AS age, count(*) AS n FROM expected WHERE x >= 0 GROUP BY 1, 2, 3) e
FULL JOIN (SELECT c.* FROM value, retention_internal.value_customers(v) c) c USING (frequency, recency, age);
SELECT count(*) AS keys, count(*) FILTER (WHERE e.n IS DISTINCT FROM c.customers) AS differ
FROM (SELECT x AS frequency, again::float8 AS amount, count(*) AS n FROM expected WHERE x > 0 GROUP BY 1, 2) e
FULL JOIN (SELECT c.* FROM value, retention_internal.value_buyers(v) c) c USING (frequency, amount);
CREATE FUNCTION figures_expected() RETURNS text LANGUAGE sql AS $$
  WITH gap AS (SELECT day - lag(day) OVER (PARTITION BY customer ORDER BY day) AS days FROM (SELECT DISTINCT customer, (at AT TIME ZONE 'America/New_York')::date AS day
    FROM random_rows WHERE at < timestamptz '2025-11-15 12:00-05' AND (amount >= 0 OR amount IS NULL)) d),
  ranked AS (SELECT amount, row_number() OVER (ORDER BY amount DESC) AS rank, count(*) OVER () / 10.0 AS tenth FROM expected)
  SELECT ROW(count(*), count(*) FILTER (WHERE x = 0), count(*) FILTER (WHERE x > 0), round(100.0 * count(*) FILTER (WHERE x > 0) / count(*) FILTER (WHERE x >= 0), 6),
    sum(orders), sum(refunds), sum(x + 1), round(sum(orders) / count(*) FILTER (WHERE x >= 0), 6), round(sum(amount) / sum(orders), 6), sum(amount),
    (SELECT round(avg(days), 6) FROM gap), (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY days)::numeric FROM gap),
    (SELECT round(100 * sum(amount * least(1, greatest(0, tenth - rank + 1))) / (SELECT sum(amount) FROM expected), 6) FROM ranked))::text FROM expected
$$;
SELECT ROW(customers, one_time_buyers, repeat_buyers, round(repeat_purchase_rate, 6), orders, refunds, purchase_days, round(orders_per_customer, 6), round(average_order_value, 6), revenue,
  round(days_between_mean, 6), days_between_median, round(top_tenth_share, 6))::text = figures_expected() AS same FROM value, value_figures(v);
SELECT bool_and((customers, came_again) = (SELECT count(*) FILTER (WHERE x >= purchase - 1), count(*) FILTER (WHERE x >= purchase) FROM expected)
  AND ci_low = (rate_interval(came_again, customers)).low AND ci_high = (rate_interval(came_again, customers)).high) AS same, max(purchase) = max((SELECT max(x) + 1 FROM expected)) AS all_purchases
FROM value, repeat_purchase_curve(v);

-- ---- The same by every way ----
CREATE FUNCTION ways(OUT way text, OUT runs bigint, OUT differ bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  g text := '''day; time_zone=America/New_York; as_of=2025-11-15 12:00''';
  want text := (SELECT v::text FROM value);
  got text;
  memory text;
  workers text;
BEGIN
  FOREACH way IN ARRAY ARRAY[
      'SELECT customer_value(customer, at, amount, GRID) FROM random_rows', 'SELECT customer_value(id, at, amount, GRID) FROM random_rows',
      'SELECT customer_value(name, at, amount, GRID) FROM random_rows', 'SELECT customer_value(customer::numeric, at, amount, GRID) FROM random_rows',
      'SELECT customer_value(customer, at, amount, GRID ORDER BY amount) FROM random_rows',
      'SELECT rollup(v) FROM (SELECT customer_value(customer, at, amount, GRID) AS v FROM random_rows GROUP BY segment) q',
      'SELECT customer_value(p) FROM (SELECT purchases(at, amount, GRID) AS p FROM random_rows GROUP BY customer) q',
      'SELECT customer_value(p) FROM (SELECT purchases_union(p) AS p FROM (SELECT customer, purchases(at, amount, GRID) AS p FROM random_rows GROUP BY customer, extract(month FROM at)) q GROUP BY customer) q',
      'SELECT customer_value(purchases_union(p, o)) FROM (SELECT purchases(at, amount, GRID) FILTER (WHERE amount > 50) AS p, purchases(at, amount, GRID) FILTER (WHERE amount > 50 IS NOT TRUE) AS o FROM random_rows GROUP BY customer) q',
      'SELECT rollup(v) FROM (SELECT customer_value(p) AS v FROM (SELECT customer, purchases(at, amount, GRID) AS p FROM random_rows GROUP BY customer) q GROUP BY customer % 7) q'] LOOP
    runs := 0;
    differ := 0;
    FOREACH memory IN ARRAY ARRAY['4MB', '64kB'] LOOP
      FOREACH workers IN ARRAY ARRAY['0', '2'] LOOP
        PERFORM set_config('work_mem', memory, true), set_config('hash_mem_multiplier', '1', true), set_config('max_parallel_workers_per_gather', workers, true),
          set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true), set_config('min_parallel_table_scan_size', '0', true);
        EXECUTE replace(way, 'GRID', g) INTO got;
        runs := runs + 1;
        differ := differ + (got IS DISTINCT FROM want)::int;
      END LOOP;
    END LOOP;
    RETURN NEXT;
  END LOOP;
END $$;
SELECT * FROM ways();
-- parts that each know their own rows only: without as_of, T is counted to the latest row of all
SELECT rollup(v)::text = (SELECT customer_value(customer, at, amount, 'month; time_zone=UTC')::text FROM random_rows) AS same
FROM (SELECT customer_value(customer, at, amount, 'month; time_zone=UTC') AS v FROM random_rows GROUP BY customer) q;
-- from figures: the same keys as from rows
SELECT count(*) AS keys, count(*) FILTER (WHERE a.customers IS DISTINCT FROM b.customers) AS differ FROM (SELECT c.* FROM value, retention_internal.value_customers(v) c) a FULL JOIN
  (SELECT c.* FROM (SELECT customer_value(frequency, recency, age, mean_repeat_amount) AS v FROM summaries) q, retention_internal.value_customers(v) c) b USING (frequency, recency, age);
SELECT customer_value(frequency, recency, age, mean_repeat_amount)::text = (SELECT rollup(v)::text FROM (SELECT customer_value(frequency, recency, age, mean_repeat_amount, 1) AS v FROM summaries GROUP BY customer % 9) q) AS same FROM summaries;
SELECT count(*) AS customers, count(*) FILTER (WHERE p::text <> p::text::retention_purchases::text) AS differ FROM (SELECT purchases(at, amount, 'week; time_zone=UTC') AS p FROM random_rows GROUP BY customer) q;

-- ---- Coarser tables: more keys than a table has, in any order and in parts ----
CREATE TABLE many AS SELECT i AS customer, date '2000-01-01' + (h % 4000)::int AS at, ((h / 7) % 100000000) / 1000.0 AS amount FROM generate_series(1::bigint, 300000) i, abs(hashint8extended(i % 150000, 1)) h;
UPDATE many SET at = at + (abs(hashint8extended(customer, 2)) % 3000)::int WHERE customer > 150000;
UPDATE many SET customer = customer - 150000 WHERE customer > 150000;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE coarse AS SELECT customer_value(customer, at, amount, 'week; as_of=2020-01-01; time_zone=UTC') AS v FROM many;
SELECT split_part(v::text, '*/', 1) AS says, f.customers, f.revenue = (SELECT sum(amount) FROM many) AS revenue, round(f.top_tenth_share, 1) AS top_tenth_share FROM coarse, value_figures(v) f;
SELECT round(100 * sum(amount) FILTER (WHERE rank <= n / 10) / sum(amount), 1) AS top_tenth_share FROM (SELECT sum(amount) AS amount, row_number() OVER (ORDER BY sum(amount) DESC) AS rank, count(*) OVER () AS n FROM many GROUP BY customer) r;
SELECT rollup(v)::text = (SELECT v::text FROM coarse) AS same FROM (SELECT customer_value(customer, at, amount, 'week; as_of=2020-01-01; time_zone=UTC') AS v FROM many GROUP BY customer % 5) q;
SELECT customer_value(customer, at, amount, 'week; as_of=2020-01-01; time_zone=UTC' ORDER BY amount DESC)::text = (SELECT v::text FROM coarse) AS same FROM many;
SELECT v::text::retention_value::text = v::text AS same FROM coarse;
-- what is counted together is in the middle of it: means do not move
SELECT count(*) <= 100000 AS few, sum(c.customers) AS customers, round((sum(c.age * c.customers) / sum(c.customers))::numeric, 1) AS age, round((sum(c.recency * c.customers) / sum(c.customers))::numeric, 1) AS recency, bool_and(c.recency <= c.age AND c.recency >= 0) AS ordered
FROM coarse, retention_internal.value_customers(v) c;
SELECT round(avg(t) / 7, 1) AS age, round(avg(t_x) / 7, 1) AS recency FROM (SELECT date '2019-12-31' - min(at) AS t, max(at) - min(at) AS t_x FROM many GROUP BY customer) r;
SELECT count(*) <= 100000 AS few, sum(c.customers) AS customers, round((sum(c.amount * c.customers) / sum(c.customers))::numeric, 0) AS amount FROM coarse, retention_internal.value_buyers(v) c;
SELECT count(*) AS customers, round(avg(amount)) AS amount FROM (SELECT sum(amount) FILTER (WHERE at > first) AS amount FROM (SELECT *, min(at) OVER (PARTITION BY customer) AS first FROM many) f GROUP BY customer HAVING max(at) > min(at)) r;
-- of figures
CREATE TABLE coarse_figures AS SELECT customer_value(1 + i % 3, (h % 100000) / 1000.0, (h % 100000) / 1000.0 + (h / 7 % 100000) / 1000.0, 1) AS v FROM generate_series(1::bigint, 250000) i, abs(hashint8extended(i, 1)) h;
SELECT split_part(v::text, '*/', 1) AS says, v::text::retention_value::text = v::text AS same,
  (SELECT bool_and(c.recency <= c.age) AND sum(c.customers) = 250000 AND count(*) <= 100000 FROM retention_internal.value_customers(v) c) AS fine FROM coarse_figures;
SELECT rollup(v)::text = (SELECT v::text FROM coarse_figures) AS same
FROM (SELECT customer_value(1 + i % 3, (h % 100000) / 1000.0, (h % 100000) / 1000.0 + (h / 7 % 100000) / 1000.0, 1) AS v FROM generate_series(1::bigint, 250000) i, abs(hashint8extended(i, 1)) h GROUP BY i % 3) q;
RESET max_parallel_workers_per_gather;

-- a clock that is set back over midnight: the latest row is on the day before another one
SELECT s.frequency, s.recency, s.age FROM (SELECT purchases(at, 1, 'day; time_zone=America/St_Johns') AS p FROM (VALUES (timestamptz '2006-10-29 02:30:30+00'), ('2006-10-29 02:45+00')) v (at)) q, purchase_summary(p, '2006-10-30') s;
SELECT v::text::retention_value::text = v::text AS same, c.* FROM (SELECT customer_value(1::bigint, at, 1, 'day; time_zone=America/St_Johns') AS v FROM (VALUES (timestamptz '2006-10-29 02:30:30+00'), ('2006-10-29 02:45+00')) r (at)) q, retention_internal.value_customers(v) c;
-- the ends of time
SELECT count(*) AS read_again FROM (SELECT customer_value(1::bigint, at, 1, 'year; time_zone=UTC') AS v, purchases(at, 1, 'year; time_zone=UTC') AS p FROM (VALUES (date '4714-11-24 BC'), ('5874897-12-31')) d (at) GROUP BY at) q
WHERE v::text::retention_value::text = v::text AND p::text::retention_purchases::text = p::text;
SELECT c.recency, c.age FROM (SELECT customer_value(1::bigint, at, 1, 'day; time_zone=UTC') AS v FROM (VALUES (date '4714-11-24 BC'), ('5874897-12-31')) d (at)) q, retention_internal.value_customers(v) c;

-- ---- Hostile bytes ----
SET allow_system_table_mods = on;
INSERT INTO pg_cast (oid, castsource, casttarget, castfunc, castcontext, castmethod)
SELECT 4100000000 + row_number() OVER (ORDER BY t.oid, way), CASE way WHEN 1 THEN 'bytea'::regtype ELSE t.oid END, CASE way WHEN 1 THEN t.oid ELSE 'bytea'::regtype END, 0, 'e', 'b'
FROM pg_type t, generate_series(1, 2) way WHERE typname IN ('retention_value', 'retention_purchases');
CREATE FUNCTION use_value(v retention_value) RETURNS text LANGUAGE sql AS
$$ SELECT concat(1 / (v::text = v::text::retention_value::text)::int, value_figures(v), (SELECT count(c::text) FROM repeat_purchase_curve(v) c), (SELECT count(c::text) FROM retention_internal.value_customers(v) c),
  (SELECT count(c::text) FROM retention_internal.value_buyers(v) c), (SELECT rollup(x)::text FROM (VALUES (v), (v)) u (x))) $$;
CREATE FUNCTION use_purchases(p retention_purchases) RETURNS text LANGUAGE sql AS
$$ SELECT concat(1 / (p::text = p::text::retention_purchases::text)::int, purchase_summary(p, '290000-01-01'), purchases_union(p, p), (SELECT customer_value(x)::text FROM (VALUES (p), (p)) u (x))) $$;
CREATE FUNCTION mutate(bytes bytea, use text, OUT outcome text, OUT times bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  changed bytea;
  outcomes text[];
BEGIN
  FOR i IN 0 .. length(bytes) - 1 LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, get_byte(bytes, i) # 128), set_byte(bytes, i, 255), set_byte(bytes, i, 127), set_byte(bytes, i, 0), substr(bytes, 1, i), bytes || substr(bytes, i + 1, 1)] LOOP
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
CREATE TABLE sample AS SELECT customer_value(customer, at, amount, 'week; time_zone=UTC') AS v, purchases(at, amount, 'week; time_zone=UTC') AS p FROM bought;
INSERT INTO sample SELECT customer_value(i % 3, i % 3 * 2.5, i + 5, 2) FROM generate_series(1::bigint, 9) i;
SELECT outcome, times > 50 AS many FROM sample, mutate(v::bytea, 'SELECT use_value($1::retention_value)') ORDER BY v, 1;
SELECT outcome, times > 50 AS many FROM sample, mutate(decode(split_part(v::text, ' ', -1), 'hex'), 'SELECT use_value(encode($1, ''hex'')::retention_value)') ORDER BY v, 1;
SELECT outcome, times > 50 AS many FROM (SELECT * FROM sample WHERE p IS NOT NULL) sample, mutate(p::bytea, 'SELECT use_purchases($1::retention_purchases)') ORDER BY 1;
SELECT outcome, times > 50 AS many FROM (SELECT * FROM sample WHERE p IS NOT NULL) sample, mutate(decode(split_part(p::text, ' ', -1), 'hex'), 'SELECT use_purchases(encode($1, ''hex'')::retention_purchases)') ORDER BY 1;
DELETE FROM pg_cast WHERE oid > 4100000000;
DROP SCHEMA value_test CASCADE;
