-- Rates from counts.
\pset null '(null)'
\set VERBOSITY default

--
-- Printed examples.
--
SELECT retention_rate(20, 24, 5), retention_rate(1000, 800, 400), retention_rate(1000, 1025, 65),
       retention_rate(44, 43, 12);
SELECT retention_rate(at_start => 20, at_end => 24, new => 5), churn_rate(lost => 1, at_start => 20),
       retention_rate(20.000, 24.0, 5), churn_rate(1, 3), churn_rate(2, 3);
-- Churn from the same three figures: the complement, with the same errors.
SELECT churn_rate(20, 24, 5), churn_rate(at_start => 1000, at_end => 800, new => 400), churn_rate(44, 43,
  12) = 100 - retention_rate(44, 43, 12) AS same,
       churn_rate(0, 7, 7) AS nobody, churn_rate(20, NULL, 5) AS unknown;
SELECT churn_rate(20, 24, 1);
-- A total of 0: NULL, not an error.
SELECT retention_rate(0, 0, 0), retention_rate(0, 7, 7), churn_rate(0, 0), churn_rate(0, 9);
-- A NULL argument gives NULL.
SELECT retention_rate(NULL, 24, 5), retention_rate(20, NULL, 5), retention_rate(20, 24, NULL), churn_rate(NULL, 1),
       churn_rate(1, NULL), compound_retention(NULL, 1), compound_retention(1, NULL), compound_churn(NULL, 1),
       compound_churn(1, NULL);
SELECT rate_interval(NULL, 1), rate_interval(1, NULL), rate_interval(1, 2, NULL), rate_interval(1, 2, 0.95, NULL),
       rate_difference(NULL, 1, 1, 1), rate_difference(1, 1, 1, 1, NULL), person_time_interval(NULL, 1),
       person_time_interval(1, 1, NULL);
SELECT * FROM rate_interval(NULL, 1);
-- Large counts.
SELECT retention_rate(1e15, 1e15, 1), churn_rate(1, 1e15), churn_rate(1e30, 3e30),
       churn_rate(9223372036854775807::numeric + 1, 2 * (9223372036854775807::numeric + 1));

-- Complements, with the division as the only rounding.
SELECT count(*), max(abs(retention_rate(s, s - l + g, g) + churn_rate(l, s) - 100)) < 1e-14 AS complement,
       bool_and(retention_rate(s, s - l + g, g) = trim_scale(100 * (s - l) / s)) AS as_in_sql
FROM (SELECT s, trunc(s * ((s * 7919) % 101) / 100) AS l, (s * 31) % 17 AS g FROM generate_series(1::numeric, 2000) s) x
WHERE l <= s;

--
-- Compounding.
--
SELECT compound_churn(5, 12), compound_retention(95, 12), compound_retention(1, 2);
-- Back from a year to a month, and half a period.
SELECT compound_churn(45.9639912337363037, 1.0 / 12), compound_retention(81, 0.5), compound_churn(36, 0.5),
       compound_retention(80, 1.5);
-- 0 and 100 per cent, 0 periods.
SELECT compound_retention(100, 7), compound_retention(0, 7), compound_retention(0, 0.5), compound_retention(0, 0),
       compound_retention(95, 0), compound_churn(100, 7), compound_churn(100, 0), compound_churn(0, 7), compound_churn(5, 0);
SELECT compound_churn(5, 1e9), compound_churn(5, 1e400), compound_retention(99.9, 1e30), compound_retention(5, 1e-300);
-- A small rate keeps its digits.
SELECT compound_churn(0.00000000000000001, 12), compound_churn(0.0001, 2), compound_churn(1e-20, 0.5);
-- The same as a product, period by period.
WITH RECURSIVE step (rate, n, kept) AS (
  SELECT r::numeric / 7, 0, 1::numeric FROM generate_series(0, 700, 23) r
  UNION ALL
  SELECT rate, n + 1, round(kept * (1 - rate / 100), 60) FROM step WHERE n < 40)
SELECT count(*), max(abs(compound_churn(rate, n) - 100 * (1 - kept))) < 1e-15 AS churn,
       max(abs(compound_retention(100 - rate, n) - 100 * kept)) < 1e-15 AS retention
FROM step;
-- Fractions of a period multiply to the whole.
SELECT count(*), max(abs(compound_retention(r, p) / 100 * compound_retention(r, q) - compound_retention(r, p + q))) < 1e-13 AS adds,
       max(abs(compound_retention(compound_retention(r, p), 1 / p) - r)) < 1e-9 AS inverse
FROM generate_series(10, 100, 9) r, unnest('{0.1, 0.25, 1, 1.75, 3}'::numeric[]) p, unnest('{0.3, 2, 2.5}'::numeric[]) q
WHERE compound_retention(r, p) >= 1;

--
-- Published figures.
--
-- Newcombe 1998 (Statist. Med. 17, 857-872), table I: Wilson, and Clopper-Pearson, without continuity correction.
SELECT hits, total, round(w.low / 100, 4) AS wilson_low, round(w.high / 100, 4) AS wilson_high,
       round(e.low / 100, 4) AS exact_low, round(e.high / 100, 4) AS exact_high
FROM (VALUES (81, 263), (15, 148), (0, 20), (1, 29)) v (hits, total),
     rate_interval(hits, total) w, rate_interval(hits, total, method => 'exact') e;
-- Newcombe 1998 (Statist. Med. 17, 873-890), table II, method 10.
SELECT v.*, d.difference, round(d.low / 100, 4) AS low, round(d.high / 100, 4) AS high
FROM (VALUES (56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (0, 10, 0, 20), (0, 10, 0, 10),
             (10, 10, 0, 20), (10, 10, 0, 10)) v (hits_a, total_a, hits_b, total_b),
     rate_difference(hits_a, total_a, hits_b, total_b) d;
-- Garwood 1936: limits of the expected number if x are seen.
SELECT x, p.rate, round(p.low, 3) AS low, round(p.high, 3) AS high
FROM unnest('{0, 1, 2, 5, 10, 20, 100}'::int[]) x, person_time_interval(x, 1) p;

-- Under valgrind the longest tests do less (script/test --valgrind): 1 is the whole.
SELECT least(5, coalesce(nullif(current_setting('retention_test.thin', true), ''), '1')::integer) AS thin \gset

--
-- A second implementation in SQL: the tail of the distribution at a limit is half of 1 - confidence. A limit is right
-- to its last decimal if the tail passes that value within half a unit of it.
--
CREATE FUNCTION pg_temp.binomial_tail(hits int, total int, x float8) RETURNS float8 -- P(X >= hits)
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(sum(exp(greatest(ln(factorial(total) / (factorial(k) * factorial(total - k)))::float8
                                   + k * ln(greatest(x, 1e-300)) + (total - k) * ln(greatest(1 - x, 1e-300)), -700))), 0)
  FROM generate_series(hits, total) k
$$;
CREATE FUNCTION pg_temp.poisson_tail(events int, x numeric) RETURNS numeric -- P(X >= events)
LANGUAGE sql IMMUTABLE AS $$
  SELECT 1 - coalesce(sum(x ^ k / factorial(k)), 0) * exp(-x) FROM generate_series(0, events - 1) k
$$;

-- Every hits and total up to 18, and some larger ones.
CREATE TEMP TABLE binomial_case AS
SELECT hits, total, confidence, (1 - confidence::float8) / 2 AS tail, r.low / 100 AS low, r.high / 100 AS high
FROM (SELECT hits, total, 0.95 AS confidence FROM generate_series(1, 18) total, generate_series(0, total) hits
      UNION ALL
      SELECT (i * 53) % (total + 1), total, (ARRAY[0.5, 0.8, 0.9, 0.99, 0.999, 0.999999])[i % 6 + 1]
      FROM generate_series(1, 60) i, LATERAL (SELECT 19 + (i * 37) % 130 AS total) t) c,
     rate_interval(hits, total, confidence, 'exact') r;
SELECT count(*),
       bool_and(CASE WHEN total % :thin > 0 THEN true WHEN hits = 0 THEN low = 0
                ELSE pg_temp.binomial_tail(hits, total, (low - 0.5000001e-8)::float8) <= tail
                     AND pg_temp.binomial_tail(hits, total, (low + 0.5000001e-8)::float8) >= tail END) AS low_is_right,
       bool_and(CASE WHEN total % :thin > 0 THEN true WHEN hits = total THEN high = 1
                ELSE 1 - pg_temp.binomial_tail(hits + 1, total, (high - 0.5000001e-8)::float8) >= tail
                     AND 1 - pg_temp.binomial_tail(hits + 1, total, (high + 0.5000001e-8)::float8) <= tail END) AS high_is_right
FROM binomial_case;
-- The same limits from the other side: misses are hits of the opposite.
SELECT count(*), bool_and(r.low = 100 - 100 * c.high AND r.high = 100 - 100 * c.low) AS mirrored
FROM binomial_case c, rate_interval(total - hits, total, confidence, 'exact') r;

SELECT count(*), bool_and(CASE WHEN x = 0 THEN p.low = 0
                          ELSE pg_temp.poisson_tail(x, p.low * (1 - 1e-12)) <= tail
                               AND pg_temp.poisson_tail(x, p.low * (1 + 1e-12)) >= tail END) AS low_is_right,
       bool_and(1 - pg_temp.poisson_tail(x + 1, p.high * (1 - 1e-12)) >= tail
                AND 1 - pg_temp.poisson_tail(x + 1, p.high * (1 + 1e-12)) <= tail) AS high_is_right
FROM (SELECT x, confidence, (1 - confidence) / 2 AS tail
      FROM generate_series(0, 40) x, unnest('{0.5, 0.95, 0.999}'::numeric[]) confidence) c,
     person_time_interval(x, 1, confidence) p;
-- Large numbers of events, on both sides of the size from which on the quantiles are expansions:
-- the Cornish-Fisher expansion of the gamma distribution (M. Abramowitz and I. A. Stegun, "Handbook of Mathematical
-- Functions" (1964), 26.2.49).
SELECT x, round(p.low - (x - z * sqrt(x) + (z * z - 1) / 3 - (z * z * z - 7 * z) / 36 / sqrt(x)), 3) AS low_off,
       round(p.high - (x + 1 + z * sqrt(x + 1) + (z * z - 1) / 3 + (z * z * z - 7 * z) / 36 / sqrt(x + 1)), 3) AS high_off
FROM unnest('{1e6, 1e8, 9e8, 1.1e9, 1e10, 1e11}'::numeric[]) x, (SELECT 1.959963984540054::numeric AS z) n,
     person_time_interval(x, 1) p;

-- Wilson: the roots of the quadratic, with z from tables.
CREATE FUNCTION pg_temp.wilson(hits numeric, total numeric, z numeric, sign int) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
  SELECT (hits + z * z / 2 + sign * z * sqrt(round(hits * (total - hits) / total + z * z / 4, 40))) / (total + z * z)
$$;
CREATE TEMP TABLE normal_table (confidence numeric, z numeric);
INSERT INTO normal_table VALUES (0.5, 0.674489750196082), (0.8, 1.281551565544600), (0.9, 1.644853626951473),
  (0.95, 1.959963984540054), (0.99, 2.575829303548901), (0.999, 3.290526731491926);
SELECT count(*), max(abs(r.low - 100 * pg_temp.wilson(hits, total, z, -1))) FILTER (WHERE total % :thin = 0) <= 0.5000001e-6 AS low_is_right,
       max(abs(r.high - 100 * pg_temp.wilson(hits, total, z, 1))) FILTER (WHERE total % :thin = 0) <= 0.5000001e-6 AS high_is_right,
       bool_and((hits > 0 OR r.low = 0) AND (hits < total OR r.high = 100)) AS ends
FROM normal_table,
     (SELECT hits, total FROM generate_series(1::numeric, 20) total, generate_series(0, total) hits
      UNION ALL
      SELECT trunc(n * ((i * 0.381966) % 1)), n FROM generate_series(1, 60) i, LATERAL (SELECT trunc(10::numeric ^ (i % 16)) AS n) t) c,
     rate_interval(hits, total, confidence::float8) r;

-- The difference: Wilson limits put together, and Pearson's chi-squared with the normal tail as a series
-- (Abramowitz and Stegun 26.2.11).
CREATE FUNCTION pg_temp.two_sided_p(z numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
  WITH RECURSIVE term (k, t) AS (
    SELECT 0, z
    UNION ALL
    SELECT k + 1, round(t * z * z / (2 * k + 3), 50) FROM term WHERE t > 1e-40)
  SELECT 1 - 2 * sum(t) * exp(-z * z / 2) / sqrt(2 * 3.14159265358979323846264338327950288419716940) FROM term
$$;
SELECT setseed(0.5);
CREATE TEMP TABLE pair AS
SELECT trunc(random()::numeric * (na + 1)) AS a, na, trunc(random()::numeric * (nb + 1)) AS b, nb
FROM (SELECT 1 + trunc(random()::numeric * 60) AS na, 1 + trunc(random()::numeric * 60) AS nb FROM generate_series(1, 150)) n;
SELECT count(*),
       bool_and(d.difference = trim_scale(100 * (a * nb - b * na) / (na * nb))) AS difference,
       max(abs(d.low - 100 * (pa - pb - sqrt((pa - la) ^ 2 + (ub - pb) ^ 2)))) < 1e-6 AS low,
       max(abs(d.high - 100 * (pa - pb + sqrt((ua - pa) ^ 2 + (pb - lb) ^ 2)))) < 1e-6 AS high,
       max(abs(d.p_value::numeric - CASE WHEN a + b IN (0, na + nb) THEN 1 ELSE pg_temp.two_sided_p(sqrt(chi_squared)) END)) < 1e-12 AS p_value
FROM pair,
     LATERAL (SELECT round(a / na, 40) AS pa, round(b / nb, 40) AS pb,
                     pg_temp.wilson(a, na, 2.575829303548901, -1) AS la, pg_temp.wilson(a, na, 2.575829303548901, 1) AS ua,
                     pg_temp.wilson(b, nb, 2.575829303548901, -1) AS lb, pg_temp.wilson(b, nb, 2.575829303548901, 1) AS ub,
                     round((na + nb) * (a * (nb - b) - b * (na - a)) ^ 2
                           / nullif(na * nb * (a + b) * (na + nb - a - b), 0), 40) AS chi_squared) o,
     rate_difference(a, na, b, nb, 0.99) d;
-- Swapped, the signs change and the p-value does not.
SELECT count(*), bool_and(d.difference = -e.difference AND d.low = -e.high AND d.high = -e.low AND d.p_value = e.p_value) AS turned
FROM pair, rate_difference(a, na, b, nb) d, rate_difference(b, nb, a, na) e;
-- Equal rates, rates of 0 and 100, totals of different sizes.
SELECT * FROM rate_difference(5, 5, 7, 7);
SELECT * FROM rate_difference(0, 5, 0, 7);
SELECT difference, p_value FROM rate_difference(1, 3, 300, 900);

--
-- Zero totals, and large ones.
--
SELECT rate_interval(0, 0), rate_interval(0, 0, 0.9, 'exact'), rate_difference(0, 0, 1, 2), rate_difference(1, 2, 0, 0),
       person_time_interval(0, 0), person_time_interval(0, 0.000);
SELECT * FROM rate_difference(0, 0, 0, 0);
SELECT total, method, r.*
FROM unnest('{1e9, 1000000001, 1e15, 9223372036854775807}'::numeric[]) total, unnest('{wilson, exact}'::text[]) method,
     rate_interval(trunc(total / 3), total, method => method) r;
SELECT total, method, r.*
FROM unnest('{1e9, 1e15}'::numeric[]) total, unnest('{wilson, exact}'::text[]) method, unnest('{0, 2, 20000}'::numeric[]) hits,
     rate_interval(hits, total, method => method) r;
SELECT difference, low, high, round(p_value::numeric, 6) AS p_value FROM rate_difference(5e14, 1e15, 500000050000000, 1e15);
SELECT p.rate, round(p.low * 1e15, 9) AS low, round(p.high * 1e15, 9) AS high FROM person_time_interval(3, 1e15) p;
SELECT (person_time_interval(0, 1e100)).low, (person_time_interval(0, 1e-100)).low;
-- Fractional exposure; a rate per year from days.
SELECT p.rate, round(p.low, 6) AS low, round(p.high, 6) AS high FROM person_time_interval(12, 4380.5 / 365.25) p;
-- Another unit, the same rate.
SELECT bool_and(abs(a.low / b.low - 12) < 1e-12 AND abs(a.high / b.high - 12) < 1e-12) AS unit
FROM generate_series(1, 50) x, person_time_interval(x, 10) a, person_time_interval(x, 120) b;
-- Confidence near 0 and 1.
SELECT c, method, r.* FROM unnest('{1e-300, 1e-9, 0.9999999999999999}'::float8[]) c, unnest('{wilson, exact}'::text[]) method,
  rate_interval(1, 3, c, method) r;
SELECT rate_interval(0, 3, 1e-300), rate_interval(3, 3, 1e-300, 'exact');
-- More confidence, wider; more customers, narrower; the rate lies inside.
SELECT bool_and(a.low >= b.low AND a.high <= b.high) AS wider, bool_and(c.high - c.low < a.high - a.low) AS narrower,
       bool_and(hits / 30.0 * 100 BETWEEN a.low - 1e-6 AND a.high + 1e-6) AS inside
FROM unnest('{wilson, exact}'::text[]) method, generate_series(0, 30) hits, rate_interval(hits, 30, 0.9, method) a,
     rate_interval(hits, 30, 0.95, method) b, rate_interval(hits * 10, 300, 0.9, method) c;

--
-- Over a table: groups, a view, a prepared statement, PL/pgSQL.
--
CREATE TEMP TABLE plan_month (plan text, month date, at_start bigint, lost bigint, joined int, customer_days bigint);
INSERT INTO plan_month VALUES ('basic', '2026-01-01', 400, 30, 50, 12300), ('basic', '2026-02-01', 420, 29, 40, 11800),
  ('pro', '2026-01-01', 200, 6, 20, 6210), ('pro', '2026-02-01', 214, 5, 20, 6050), ('new', '2026-02-01', 0, 0, 9, 130);
CREATE VIEW pg_temp.plan_rate AS
SELECT plan, retention_rate(sum(at_start), sum(at_start - lost + joined), sum(joined)) AS retention,
       churn_rate(sum(lost), sum(at_start)) AS churn, compound_churn(churn_rate(sum(lost), sum(at_start)), 12) AS churn_year,
       compound_retention(100 - churn_rate(sum(lost), sum(at_start)), 12) AS kept_year,
       (rate_interval(sum(lost), sum(at_start))).low, (rate_interval(sum(lost), sum(at_start))).high,
       (rate_interval(sum(lost), sum(at_start), 0.9, 'exact')).high AS exact_high,
       (person_time_interval(sum(lost), sum(customer_days) / 30.4375)).rate AS per_month,
       (person_time_interval(sum(lost), sum(customer_days) / 30.4375)).high AS per_month_high
FROM plan_month GROUP BY plan;
SELECT plan, round(retention, 2) AS retention, round(churn, 2) AS churn, round(churn_year, 2) AS churn_year, round(kept_year, 2) AS kept_year,
       low, high, exact_high, round(per_month, 4) AS per_month, round(per_month_high, 4) AS per_month_high
FROM plan_rate ORDER BY plan;
CREATE VIEW pg_temp.plan_difference AS
SELECT d.* FROM (SELECT sum(lost) FILTER (WHERE plan = 'basic') AS la, sum(at_start) FILTER (WHERE plan = 'basic') AS sa,
                        sum(lost) FILTER (WHERE plan = 'pro') AS lb, sum(at_start) FILTER (WHERE plan = 'pro') AS sb FROM plan_month) s,
              rate_difference(la, sa, lb, sb) d;
SELECT round(difference, 4) AS difference, low, high, round(p_value::numeric, 8) AS p_value FROM plan_difference;
SELECT plan, count(*), churn_rate(sum(lost), count(*) * 1000) FROM plan_month GROUP BY ROLLUP (plan) ORDER BY plan;
PREPARE kept (int, bigint, smallint) AS SELECT retention_rate($1, $2, $3);
SET plan_cache_mode = force_generic_plan;
EXECUTE kept (20, 24, 5);
RESET plan_cache_mode;
DO $$
DECLARE
  d record;
BEGIN
  SELECT * INTO d FROM public.rate_difference(56, 70, 48, 80);
  RAISE NOTICE 'difference %, limits % to %, p %', d.difference, d.low, d.high, round(d.p_value::numeric, 6);
END $$;

--
-- Wrong arguments: the messages.
--
SELECT retention_rate(20, 24, -5);
SELECT retention_rate(20, 24.5, 5);
SELECT retention_rate('NaN', 24, 5);
SELECT retention_rate(20, 'Infinity', 5);
SELECT retention_rate(0, 5, 6);
SELECT retention_rate(20, 24, 1);
SELECT retention_rate(0, 5, 3);
SELECT churn_rate(0.05, 20);
SELECT churn_rate(20, 1);
SELECT churn_rate(1, 0);
SELECT compound_churn(105, 12);
SELECT compound_churn('NaN', 12);
SELECT compound_retention(-1, 12);
SELECT compound_retention(95, -1);
-- a fraction where per cent is meant; a churn below 1 per cent is usual
SELECT compound_retention(0.95, 12);
SELECT compound_retention(0.99999, 1);
SELECT compound_churn(0.95, 12);
SELECT compound_retention(95, 'Infinity');
SELECT rate_interval(3, 2);
SELECT rate_interval(30.8, 100);
SELECT rate_interval(1, 2, 95);
SELECT rate_interval(1, 2, 0.95, 'Wilson') = rate_interval(1, 2) AS same;
SELECT rate_interval(1, 2, 0.95, 'wald');
SELECT rate_interval(1, 9223372036854775808);
SELECT rate_difference(1, 2, 4, 3);
SELECT rate_difference(1, 2, 1, 2, 1);
SELECT person_time_interval(1.5, 2);
SELECT person_time_interval(1, 0);
SELECT person_time_interval(1, -2);

-- And the SQLSTATE of each, bad counts before zero totals.
CREATE FUNCTION pg_temp.sqlstate_of(call text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'SELECT ' || call;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  RETURN sqlstate;
END $$;
SELECT pg_temp.sqlstate_of(call) AS sqlstate, count(*), min(call) AS for_example
FROM unnest(ARRAY[
  'retention_rate(-1, 24, 5)', 'retention_rate(20, -1, 5)', 'retention_rate(20, 24, -5)', 'retention_rate(20.5, 24, 5)',
  'retention_rate(20, 24.5, 5)', 'retention_rate(20, 24, 0.1)', $$retention_rate('NaN', 24, 5)$$,
  $$retention_rate(20, 'NaN', 5)$$, $$retention_rate(20, 24, 'NaN')$$, $$retention_rate('Infinity', 24, 5)$$,
  $$retention_rate(20, 'Infinity', 5)$$, $$retention_rate(20, 24, '-Infinity')$$, 'retention_rate(20, 24, 25)',
  'retention_rate(20, 24, 3)', 'retention_rate(0, 24, 25)', 'retention_rate(0, 24, 3)', 'retention_rate(0, 0, 0.5)',
  'churn_rate(-1, 1)', 'churn_rate(1, -1)', 'churn_rate(0.5, 1)', 'churn_rate(1, 1.5)', $$churn_rate('NaN', 1)$$,
  $$churn_rate(1, 'Infinity')$$, 'churn_rate(2, 1)', 'churn_rate(1, 0)', 'churn_rate(-1, 0)',
  'compound_churn(-0.1, 1)', 'compound_churn(100.1, 1)', $$compound_churn('NaN', 1)$$, $$compound_churn('Infinity', 1)$$,
  'compound_churn(1, -0.1)', $$compound_churn(1, 'NaN')$$, $$compound_churn(1, 'Infinity')$$, $$compound_churn(0, '-Infinity')$$,
  'compound_retention(-0.1, 1)', 'compound_retention(100.1, 1)', $$compound_retention('NaN', 1)$$,
  $$compound_retention('-Infinity', 1)$$, 'compound_retention(1, -0.1)', $$compound_retention(1, 'NaN')$$,
  'rate_interval(-1, 1)', 'rate_interval(1, -1)', 'rate_interval(0.5, 1)', 'rate_interval(1, 1.5)', 'rate_interval(2, 1)',
  'rate_interval(1, 0)', $$rate_interval('NaN', 1)$$, $$rate_interval(1, 'Infinity')$$, 'rate_interval(1, 2, 0)',
  'rate_interval(1, 2, 1)', $$rate_interval(1, 2, 'NaN')$$, 'rate_interval(1, 2, -1)', $$rate_interval(1, 2, 'Infinity')$$,
  'rate_interval(0, 0, 1)', $$rate_interval(0, 0, 0.95, 'wald')$$, $$rate_interval(1, 2, 0.95, '')$$,
  'rate_difference(2, 1, 1, 2)', 'rate_difference(1, 2, 2, 1)', 'rate_difference(1, 2, -1, 2)', 'rate_difference(0, 0, 3, 2)',
  $$rate_difference(1, 'NaN', 1, 2)$$, 'rate_difference(1, 2, 1, 2, 0)', 'rate_difference(0, 0, 0, 0, 1)',
  $$rate_difference(1, 2, 1, 2, 'NaN')$$,
  'person_time_interval(-1, 1)', 'person_time_interval(0.5, 1)', $$person_time_interval('NaN', 1)$$, 'person_time_interval(1, 0)',
  'person_time_interval(1, -1)', $$person_time_interval(1, 'NaN')$$, $$person_time_interval(1, 'Infinity')$$,
  'person_time_interval(1, 1e-101)', 'person_time_interval(1, 1e-1000)', 'person_time_interval(1, 1.1e100)',
  'person_time_interval(1, 1, 1)', 'person_time_interval(0, 0, 0)',
  'rate_interval(1, 9223372036854775808)', 'rate_interval(1e400, 1e400)', 'rate_difference(1, 2, 1, 1e19)',
  'person_time_interval(1e19, 1)', 'person_time_interval(1e400, 1)']) call
GROUP BY 1 ORDER BY 1;

--
-- What the planner knows about the functions; every function has a comment.
--
SELECT p.oid::regprocedure AS function, provolatile AS v, proisstrict AS s, proparallel AS p,
       obj_description(p.oid, 'pg_proc') IS NOT NULL AS described
FROM pg_proc p
WHERE prosrc IN ('retention_rate_counts', 'churn_rate_counts', 'compound_retention', 'compound_churn', 'rate_interval',
                 'rate_difference', 'person_time_interval') AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'c')
ORDER BY p.proname COLLATE "C";

-- From all departures: those who joined and left within the period, and those who came back, are taken off.
SELECT churn_rate(30, 200, 4, 6), churn_rate(0, 0, 0, 0) AS nobody, churn_rate(10, 200, 4, 6), churn_rate(210, 200, 4, 6), churn_rate(NULL, 1, 1, 1) AS unknown;
SELECT churn_rate(9, 200, 4, 6);
SELECT churn_rate(211, 200, 4, 6);
SELECT churn_rate(30, 200, -4, 6);
SELECT churn_rate(30.5, 200, 4, 6);
