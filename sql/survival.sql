-- Survival: how long customers stay. Rows and figures of R come from test/survival (see export.R there).
CREATE SCHEMA survival_test;
SET search_path = survival_test, public;
\set srcdir `echo "${PG_ABS_SRCDIR:-.}"`
\set rows_file :srcdir '/test/survival/data.sql'
\set figures_file :srcdir '/test/survival/figures.sql'
\set helpers_file :srcdir '/test/helpers.sql'
SET client_min_messages = warning;
\set ECHO none
\i :rows_file
\i :figures_file
\i :helpers_file
\set ECHO all
-- two leave at the first time, or later if they are last seen before; one was seen for so long
CREATE FUNCTION survival_of(first float8, last float8, seen float8) RETURNS retention_survival LANGUAGE sql AS
$$ SELECT public.survival(d, d <= seen) FROM unnest(ARRAY[first, first, last]) d $$;
CREATE TABLE states AS
SELECT dataset, survival(duration, churned, entry, weight) s FROM r_rows GROUP BY dataset;

--
-- The curve, its limits, the hazard: R's figures, to nine digits
--
SELECT count(*) AS figures, count(*) FILTER (WHERE c."time" IS NULL) AS missing,
    count(*) FILTER (WHERE NOT (near(r.at_risk, c.at_risk) AND near(r.churned, c.churned)
        AND near(r.censored, c.censored) AND near(r.survival, c.survival) AND near(r.std_error, c.std_error)
        AND near(r.ci_low, c.ci_low) AND near(r.ci_high, c.ci_high)
        AND near(r.cumulative_hazard, c.cumulative_hazard)
        AND near(r.hazard_std_error, c.hazard_std_error))) AS wrong
FROM r_curve r LEFT JOIN
    (SELECT w.dataset, w.ci, w.confidence, c.* FROM states NATURAL JOIN
        (SELECT DISTINCT dataset, ci, confidence FROM r_curve) w,
        survival_curve(s, w.ci, w.confidence) c) AS c (dataset, ci, confidence, "time", at_risk, churned, censored,
        survival, std_error, ci_low, ci_high, cumulative_hazard, hazard_std_error)
    USING (dataset, ci, confidence, "time");
-- not one row more than R has
SELECT (SELECT count(*) FROM r_curve) = sum((SELECT count(*) FROM survival_curve(s, w.ci, w.confidence))) AS as_many
FROM states NATURAL JOIN (SELECT DISTINCT dataset, ci, confidence FROM r_curve) w;
SELECT count(*) AS figures, count(*) FILTER (WHERE near(r."time", q."time") AND near(r.ci_low, q.ci_low)
    AND near(r.ci_high, q.ci_high)) AS as_r
FROM r_quantile r NATURAL JOIN states, survival_quantile(s, p, ci, confidence) q;
SELECT count(*) AS figures, count(*) FILTER (WHERE near(r.restricted_mean, m.restricted_mean)
    AND near(r.std_error, m.std_error)) AS as_r
FROM r_mean r NATURAL JOIN states, restricted_mean(s, tau) m;
SELECT count(*) AS figures, count(*) FILTER (WHERE near(r."time", p."time") AND near(r.ci_low, p.ci_low)
    AND near(r.ci_high, p.ci_high)) AS as_r
FROM r_payback r NATURAL JOIN states, payback(s, margin, cost, confidence) p;
SELECT count(*) AS figures, count(*) FILTER (WHERE near(r.band_start, h.band_start) AND near(r.band_end, h.band_end)
    AND near(r.churned, h.churned) AND near(r.customer_time, h.customer_time) AND near(r.rate, h.rate)
    AND near(r.ci_low, h.ci_low) AND near(r.ci_high, h.ci_high)) AS as_r
FROM (SELECT *, row_number() OVER (PARTITION BY dataset, width ORDER BY band_start) AS n FROM r_hazard) r
    NATURAL JOIN states, LATERAL (SELECT *, row_number() OVER () AS m FROM hazard_by(s, width)) h
WHERE n = m;

-- corrected for ties: R's ctype = 2; the rest of the curve is the same
SELECT count(*) AS figures, count(*) FILTER (WHERE c."time" IS NULL) AS missing,
    count(*) FILTER (WHERE NOT near(r.cumulative_hazard, c.cumulative_hazard)) AS wrong,
    count(*) FILTER (WHERE NOT coalesce(abs(r.hazard_std_error - c.hazard_std_error) <= 1e-7 * r.hazard_std_error,
      num_nulls(r.hazard_std_error, c.hazard_std_error) = 2)) AS wrong_errors
FROM r_hazard2 r LEFT JOIN (SELECT dataset, c.* FROM states, survival_curve(s, cumulative_hazard => 'fleming-harrington') c) c
    USING (dataset, "time");
SELECT count(*) AS rows, bool_and((a."time", a.at_risk, a.survival, a.std_error, a.ci_low) IS NOT DISTINCT FROM
    (b."time", b.at_risk, b.survival, b.std_error, b.ci_low)) AS same, bool_or(a.cumulative_hazard < b.cumulative_hazard) AS more
FROM states, survival_curve(s) a JOIN survival_curve(s, 'log-log', 0.95, NULL, 'Fleming-Harrington') b USING ("time");
-- many leave at once: the sum 1/n + 1/(n - 1) + ..., of which a weight of 1000000 is as many customers
SELECT n, d, near(c.cumulative_hazard, sums.h) AS hazard, near(c.hazard_std_error, sqrt(sums.v)) AS std_error
FROM (VALUES (100, 100), (100, 1), (1000, 990), (5000, 3), (100000, 60000)) v (n, d),
    LATERAL (SELECT survival(i, i = 1, NULL, CASE i WHEN 1 THEN d ELSE n - d END) s FROM generate_series(1, 2) i) q,
    survival_curve(s, times => '{1}', cumulative_hazard => 'fleming-harrington') c,
    LATERAL (SELECT sum(1.0::float8 / j) AS h, sum(1.0::float8 / j ^ 2) AS v FROM generate_series(n - d + 1, n) j) sums;
SELECT c.cumulative_hazard::numeric(20, 12) AS half_of_2_to_61 FROM (SELECT survival(i, i = 1) s FROM generate_series(1, 2) i) q,
    LATERAL (WITH RECURSIVE more AS (SELECT 0 AS n, q.s UNION ALL SELECT n + 1, (SELECT rollup(x) FROM (VALUES (m.s), (m.s)) v (x)) FROM more m WHERE n < 60)
      SELECT s FROM more WHERE n = 60) m, survival_curve(m.s, times => '{1}', cumulative_hazard => 'fleming-harrington') c;

-- What is printed: R's ovarian data.
SELECT "time", at_risk, churned, censored, survival::numeric(8, 6), std_error::numeric(8, 6), ci_low::numeric(8, 6),
    ci_high::numeric(8, 6), cumulative_hazard::numeric(8, 6), hazard_std_error::numeric(8, 6)
FROM states, survival_curve(s) WHERE dataset = 'ovarian';
SELECT dataset, y.* FROM states, survival_summary(s) y WHERE dataset IN ('ovarian', 'heart', 'random 2', 'random 9') ORDER BY dataset COLLATE "C";
SELECT m.* FROM states, median_survival(s) m WHERE dataset = 'lung';
SELECT m.* FROM states, median_survival(s, 'plain', 0.9) m WHERE dataset = 'lung';

-- the confidence as the second argument
SELECT bool_and(a = b) FROM states, survival_curve(s, 0.9) a JOIN survival_curve(s, confidence => 0.9) b USING ("time");
SELECT bool_and(median_survival(s, 0.9) IS NOT DISTINCT FROM median_survival(s, 'log-log', 0.9)) AS median,
  bool_and(median_survival(s, confidence => 0.9) IS NOT DISTINCT FROM median_survival(s, 0.9)) AS by_name FROM states;

--
-- At asked times: before the first, between, at one, at the last, beyond
--
SELECT "time", at_risk, churned, censored, survival::numeric(8, 6), std_error::numeric(8, 6), ci_low::numeric(8, 6),
    ci_high::numeric(8, 6), cumulative_hazard::numeric(8, 6), hazard_std_error::numeric(8, 6)
FROM states, survival_curve(s, times => '{0,58.5,59,400,1227,1228}') WHERE dataset = 'ovarian';
SELECT t, survival_at(s, t)::numeric(8, 6) AS survival_at, conditional_survival(s, t, 400)::numeric(8, 6) AS of_those_at_400
FROM states, unnest('{400,500,1227,1228}'::float8[]) t WHERE dataset = 'ovarian';
SELECT survival_at(s, 1022)::numeric(8, 6), survival_at(s, 1023) FROM states WHERE dataset = 'lung';
-- a curve that reaches 0 stays there; nobody is asked for more
SELECT survival_at(s, 4), survival_at(s, 5), conditional_survival(s, 5, 4), conditional_survival(s, 5, 3)
FROM (SELECT survival(d, true) s FROM generate_series(1, 4) d) q;
-- exactly one half for a while: the middle of it (as R), to the last time where it never falls below
SELECT m.* FROM (SELECT survival(d, true) s FROM generate_series(1, 4) d) q, median_survival(s) m;
SELECT m.* FROM (SELECT survival(d, d <= 2) s FROM generate_series(1, 4) d) q, median_survival(s) m;
-- all leave at once, nobody leaves, no customers
SELECT d, "time", at_risk, survival, std_error, ci_low, ci_high
FROM (SELECT d, survival(2, d) s FROM (VALUES (true), (true), (false)) v (d) GROUP BY d) q, survival_curve(s) ORDER BY d;
SELECT survival(NULL::float8, true) IS NULL AS no_durations, survival(1, NULL) IS NULL AS unknown,
    survival(1, true) FILTER (WHERE false) IS NULL AS no_rows;
SELECT c.*, r.*, h.*, m.*, survival_at(s, 0), survival_at(s, 1) FROM (SELECT survival(1, NULL) s) q
    LEFT JOIN LATERAL survival_curve(s) c ON true, restricted_mean(s, 1) r,
    LATERAL (SELECT count(*) FROM hazard_by(s, 1)) h, median_survival(s) m;

--
-- Late entry: at risk on (entry, duration]
--
SELECT "time", at_risk, churned, censored, survival
FROM (SELECT survival(d, c, e) s FROM (VALUES (2, true, NULL), (2, true, 1), (3, true, 2), (3, false, 2.5), (4, true, 3),
    (4, true, 4), (1, true, 3), (5, NULL, 0), (0, true, NULL), (0, true, 0)) v (d, c, e)) q, survival_curve(s);
SELECT y.* FROM (SELECT survival(d, c, e) s FROM (VALUES (2, true, NULL), (2, true, 1), (3, true, 2), (3, false, 2.5), (4, true, 3),
    (4, true, 4), (1, true, 3), (5, NULL, 0), (0, true, NULL), (0, true, 0)) v (d, c, e)) q, survival_summary(s) y;
-- -0 is 0
SELECT survival('-0'::float8, true)::text = survival(0, true)::text AS same FROM generate_series(1, 3);

--
-- Dates, in days
--
CREATE TABLE customers (started date, ended date);
INSERT INTO customers VALUES ('2025-01-01', '2025-01-11'), ('2025-01-01', NULL), ('2025-01-01', '2025-03-01'),
    ('2025-01-01', '2026-01-01'), ('2025-03-01', NULL), ('2025-04-01', '2025-04-02'), (NULL, '2025-01-01'),
    ('2025-02-01', 'infinity'), ('2025-02-01', '2025-02-01');
SELECT "time", at_risk, churned, censored FROM (SELECT survival(started, ended, '2025-03-01'::date) s FROM customers) q,
    survival_curve(s);
SELECT y.* FROM (SELECT survival(started, ended, '2025-03-01'::date) s FROM customers) q, survival_summary(s) y;
SELECT "time", at_risk, churned, censored FROM (SELECT survival(started, ended, '2025-03-01'::date, '2025-01-21'::date) s
    FROM customers) q, survival_curve(s);
SELECT y.* FROM (SELECT survival(started, ended, '2025-03-01'::date, '2025-01-21'::date) s FROM customers) q, survival_summary(s) y;
-- a row of no length is no membership, as in a flow; one that ends before it starts is left out and counted
SELECT y.customers, f.joined, y.churned, f.departures, y.never_at_risk FROM
    (SELECT survival(s, e, '2025-03-01'::date) FILTER (WHERE n < 6) AS s, customer_flow(s, e, retention_grid('year', as_of => '2025-03-01'), daterange('2025-01-01', '2026-01-01')) FILTER (WHERE n < 6) AS f
     FROM (VALUES (1, date '2025-01-01', date '2025-01-05'), (2, '2025-01-01', '2025-01-01'), (3, '2025-02-28', '2025-02-28'), (4, '2025-01-01', NULL), (5, '2025-01-03', '2025-03-01'), (6, '2025-01-03', '2025-01-02')) v (n, s, e)) q,
    survival_summary(q.s) y, flow_periods(q.f) f;
SELECT y.customers, y.churned, y.never_at_risk, y.not_started FROM (SELECT survival(s, e, '2025-03-01'::date) AS s FROM (VALUES (date '2025-01-01', date '2025-01-05'), ('2025-01-03', '2025-01-02'), ('2025-04-03', '2025-04-02')) v (s, e)) q, survival_summary(s) y;
SELECT survival(started, ended, '2025-03-01'::date)::text = survival(started, ended, '2025-03-01'::date, NULL)::text AS same
FROM customers;

-- times of day, in whole days; departures that were not recorded before a time
SELECT started, ended, from_time, c.* FROM (SELECT started, ended, from_time, survival(started, ended,
  timestamp '2025-01-04 12:00', from_time) s FROM (VALUES
    (timestamp '2025-01-01 10:00', timestamp '2025-01-01 15:00', NULL::timestamp), ('2025-01-01 10:00',
      '2025-01-02 11:00', NULL), ('2025-01-01 10:00', NULL, NULL), ('2025-01-01 13:00', NULL, '2024-01-01'),
    ('2025-01-01 10:00', '2025-01-03 11:00', '2025-01-03 10:30'), ('2025-01-01 10:00', NULL, '2025-01-04 11:00'),
      ('2025-01-01 13:00', NULL, '2025-01-04 11:00'), ('2025-01-04 12:00', NULL, NULL)) v (started, ended, from_time)
  GROUP BY 1, 2, 3) q, LATERAL (SELECT customers, churned, late_entries AS late, never_at_risk, not_started,
    followed_until FROM survival_summary(s)) c ORDER BY 1, 2, 3;
SELECT survival(d::timestamp, d::timestamp + interval '5 days', '2025-03-31')::text = survival(d, d + 5,
  '2025-03-31')::text AS timestamp,
    survival(d::timestamptz, d::timestamptz + interval '5 days', '2025-03-31')::text = survival(d, d + 5,
      '2025-03-31')::text AS timestamptz,
    survival(d::timestamptz, d::timestamptz + interval '5 days', '2025-03-31', '2025-03-10')::text = survival(d,
      d + 5, '2025-03-31', '2025-03-10')::text AS late
FROM (SELECT date '2025-03-01' + i AS d FROM generate_series(0, 40) i) q;

--
-- Several rows per customer: one membership, from the first start to the last end
--
SET timezone = 'UTC';
CREATE TABLE membership (customer text, started date, ended date);
INSERT INTO membership VALUES ('once', '2025-01-01', '2025-01-11'),
  ('renewed', '2025-01-01', '2025-02-01'), ('renewed', '2025-02-01', '2025-03-01'),
  ('came back', '2025-01-01', '2025-01-06'), ('came back', '2025-02-01', '2025-02-06'),
  ('overlapping', '2025-01-03', '2025-01-07'), ('overlapping', '2025-01-01', '2025-01-21'), ('overlapping',
    '2025-01-05', '2025-01-06'),
  ('still there', '2025-01-01', '2025-01-05'), ('still there', '2025-03-01', NULL), ('still there', '2025-03-01',
    '2025-03-02'),
  ('ends at as_of', '2025-01-01', '2025-06-01'), ('not yet back', '2025-03-01', '2025-03-11'), ('not yet back',
    '2025-07-01', NULL),
  ('not yet', '2025-06-01', NULL), ('of no length', '2025-01-01', '2025-01-01'), ('backwards', '2025-01-02',
    '2025-01-01'),
  (NULL, '2025-01-01', '2025-01-31'), ('no start', NULL, '2025-01-31');
SELECT c."time", at_risk, churned, censored FROM (SELECT survival(customer, started, ended, '2025-06-01') s
  FROM membership) q, survival_curve(s) c;
SELECT customers, churned, censored, unknown, never_at_risk, not_started FROM (SELECT survival(customer, started,
  ended, '2025-06-01') s FROM membership) q, survival_summary(s);
SELECT survival(customer, started, ended, '2025-06-01') IS NULL AS no_rows FROM membership WHERE customer IS NULL;
-- any order of rows, type of customer and type of time; memory that does not suffice; partial states; the batch scan
CREATE TABLE contract AS SELECT c::bigint AS id, md5(c::text)::uuid AS uuid, 'c' || c AS name, started,
  CASE WHEN i % 10 < 7 THEN started + (hashint4(i + 5) & 63) END AS ended
FROM generate_series(1, 30000) i, LATERAL (SELECT hashint4(i) & 8191 AS c,
  date '2025-01-01' + (hashint4(i + 3) & 255) AS started) r;
CREATE TABLE expected AS SELECT survival(started, ended, '2025-07-01')::text AS s
  FROM (SELECT min(started) AS started, nullif(max(coalesce(ended, 'infinity')), 'infinity') AS ended
  FROM contract WHERE started < '2025-07-01' AND ended IS DISTINCT FROM started GROUP BY id) one_row;
-- rows left out are counted by row: make that the same
CREATE FUNCTION only_times(s retention_survival) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(c::text, ';') FROM survival_curve(s) c $$;
SET work_mem = '64kB';
SET retention.enable_batch_scan = off;
SELECT name, only_times(s) = (SELECT only_times(e.s::retention_survival) FROM expected e) AS same FROM (
  SELECT 'bigint date', survival(id, started, ended, '2025-07-01') FROM contract
  UNION ALL SELECT 'integer', survival(id::integer, started, ended, date '2025-07-01') FROM contract
  UNION ALL SELECT 'numeric', survival(id::numeric, started, ended, '2025-07-01') FROM contract
  UNION ALL SELECT 'uuid date', survival(uuid, started, ended, '2025-07-01') FROM contract
  UNION ALL SELECT 'text date', survival(name, started, ended, '2025-07-01') FROM contract
  UNION ALL SELECT 'varchar', survival(name::varchar, started, ended, '2025-07-01') FROM contract
  UNION ALL SELECT 'bigint timestamp', survival(id, started::timestamp, ended::timestamp, '2025-07-01') FROM contract
  UNION ALL SELECT 'uuid timestamp', survival(uuid, started::timestamp, ended::timestamp, '2025-07-01') FROM contract
  UNION ALL SELECT 'text timestamp', survival(name, started::timestamp, ended::timestamp, '2025-07-01') FROM contract
  UNION ALL SELECT 'bigint timestamptz', survival(id, started::timestamptz, ended::timestamptz, '2025-07-01')
    FROM contract
  UNION ALL SELECT 'uuid timestamptz', survival(uuid, started::timestamptz, ended::timestamptz, '2025-07-01')
    FROM contract
  UNION ALL SELECT 'text timestamptz', survival(name, started::timestamptz, ended::timestamptz, '2025-07-01')
    FROM contract
  UNION ALL SELECT 'backwards', survival(id, started, ended, '2025-07-01' ORDER BY started DESC, ended)
    FROM contract) q (name, s);
RESET retention.enable_batch_scan;
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS OFF) SELECT survival(id, started, ended, '2025-07-01') FROM contract;
RESET max_parallel_workers_per_gather;
SELECT bool_and(on_scan.s::text = row_by_row.s::text) AS same, count(*) AS groups
FROM (SELECT id % 3 AS part, survival(id, started, ended, '2025-07-01') s FROM contract GROUP BY 1) on_scan
  JOIN (SELECT id % 3 AS part, survival(id, started, ended, '2025-07-01' ORDER BY ended) s
    FROM contract GROUP BY 1) row_by_row USING (part);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT only_times(survival(id, started, ended, '2025-07-01')) = (SELECT only_times(s::retention_survival)
  FROM expected) AS same FROM contract;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET work_mem;
-- times of day: who left in the course of a day left at its end, who is still there was seen for the days that have
-- passed
SELECT started, ended, c."time", c.churned FROM (SELECT started, ended, survival(1::bigint, started, ended,
  '2025-01-04 12:00') s FROM (VALUES
    (timestamp '2025-01-01 10:00', timestamp '2025-01-01 15:00'), ('2025-01-01 10:00', '2025-01-02 09:00'),
      ('2025-01-01 10:00', '2025-01-02 10:00'),
    ('2025-01-01 10:00', '2025-01-02 11:00'), ('2025-01-01 10:00', NULL), ('2025-01-01 13:00', NULL)) v (started,
      ended) GROUP BY 1, 2) q, survival_curve(s) c ORDER BY 1, 2;
-- days on the clock of the session: one of 23 and one of 25 hours are days
SET timezone = 'Europe/Berlin';
SELECT started, ended, c."time" FROM (SELECT started, ended, survival(1::bigint, started, ended, '2025-12-01') s
  FROM (VALUES
    (timestamptz '2025-03-30 00:00', timestamptz '2025-03-31 00:00'), ('2025-10-26 00:00',
      '2025-10-27 00:00')) v (started, ended) GROUP BY 1, 2) q, survival_curve(s) c ORDER BY 1;
RESET timezone;

--
-- Weights: whole ones are repeated rows; where all are 1 the bits are those without weights
--
SELECT bool_and(near(a.std_error, b.std_error) AND near(a.at_risk, b.at_risk) AND near(a.hazard_std_error, b.hazard_std_error))
FROM (SELECT survival(duration, churned, entry, weight) s FROM r_rows WHERE dataset = 'random 1') w,
    (SELECT survival(duration, churned, entry) s FROM r_rows, generate_series(1, weight::int) WHERE dataset = 'random 1') r,
    survival_curve(w.s) a JOIN LATERAL survival_curve(r.s) b USING ("time");
SELECT survival(duration, churned, entry, 1)::text = survival(duration, churned, entry)::text AS same,
    survival(duration, churned, NULL, 0.5) FILTER (WHERE false) IS NULL AS empty FROM r_rows;
SELECT y.* FROM (SELECT survival(d, true, NULL, w) s FROM (VALUES (1, 0), (2, NULL), (3, 1e-15), (4, 2)) v (d, w)) q,
    survival_summary(s) y;
-- the smallest unit is 2^-40; sums do not depend on order
SELECT survival(d, c, NULL, w ORDER BY d)::text = survival(d, c, NULL, w ORDER BY w)::text AS same
FROM (SELECT i % 7 AS d, i % 3 = 0 AS c, sqrt(i) / 10 AS w FROM generate_series(1, 1000) i) q;

--
-- Restricted mean: of a segment that is too young there is a note
--
SELECT m.* FROM states, restricted_mean(s, 1500) m WHERE dataset = 'ovarian';
SELECT restricted_mean, std_error::numeric(12, 6), ci_low::numeric(12, 6), ci_high::numeric(12, 6), note
FROM (SELECT survival(d, true) s FROM generate_series(1, 4) d) q, restricted_mean(s, 100);
SELECT m.restricted_mean::numeric(10, 6), m.note FROM states, restricted_mean(s, 0.5) m WHERE dataset = 'random 6';
SELECT difference::numeric(12, 6), std_error::numeric(12, 6), ci_low::numeric(12, 6), ci_high::numeric(12, 6),
    z::numeric(12, 6), p_value::numeric(12, 10), note
FROM (SELECT survival(duration, churned) FILTER (WHERE grp = 'female') a, survival(duration, churned) FILTER (WHERE grp = 'male') b
    FROM r_rows WHERE dataset = 'lung') q, restricted_mean_difference(a, b, 600);
SELECT d.* FROM (SELECT survival(duration, churned) FILTER (WHERE grp = 'female') a, survival(duration, churned) FILTER (WHERE grp = 'male') b
    FROM r_rows WHERE dataset = 'lung') q, restricted_mean_difference(a, b, 6000) d;

--
-- What a curve is worth, and what a higher one would be: the integrals in R, the restricted mean where nothing is
-- discounted, and payback()
--
SELECT count(*) AS figures, count(*) FILTER (WHERE near(r.value, v.value) AND abs(r.std_error - v.std_error) <= 1e-7 * r.std_error
      AND near((v.ci_low + v.ci_high) / 2, v.value) AND abs(v.ci_high - v.value - 1.959963984540054 * v.std_error) < 1e-9 * v.value) AS value,
    count(*) FILTER (WHERE near(r.value, u.value_now) AND abs(r.value_after - u.value_after) <= 1e-9 * r.value_after
      AND near(u.difference, u.value_after - u.value_now)) AS uplift,
    count(*) FILTER (WHERE coalesce(abs(r.payback_now - u.payback_now) < 1e-7, num_nulls(r.payback_now, u.payback_now) = 2)
      AND coalesce(abs(r.payback_after - u.payback_after) < 1e-7, num_nulls(r.payback_after, u.payback_after) = 2)) AS payback
FROM r_value r NATURAL JOIN states, survival_value(s, margin, horizon, discount) v,
    retention_uplift(s, points, margin, horizon, discount, cost) u;
SELECT count(*) AS figures, count(*) FILTER (WHERE near(v.value, -2 * m.restricted_mean) AND near(v.std_error, 2 * m.std_error)
    AND near(v.ci_low, -2 * m.ci_high) AND near(v.ci_high, -2 * m.ci_low)) AS as_means,
    count(*) FILTER (WHERE near(u.payback_now, p."time")) AS as_payback
FROM r_mean r NATURAL JOIN states, restricted_mean(s, tau, 0.9) m, survival_value(s, -2, tau, confidence => 0.9) v,
    retention_uplift(s, 5, 2, tau, acquisition_cost => tau) u, payback(s, 2, tau) p;
-- the curve after has so many points more at the horizon, within 0 and 100
SELECT points, value_now::numeric(8, 4), value_after::numeric(8, 4), difference::numeric(8, 4), payback_now::numeric(8, 4), payback_after::numeric(8, 4)
FROM (SELECT survival(d, d <= 3) s FROM generate_series(1, 4) d) q, unnest('{-100,-25,-10,0,5,75,100}'::float8[]) points,
    retention_uplift(s, points, 1, 3.5, 0, 2.75);
-- nobody has left by the horizon, all have, nobody was followed so long, there is nobody
SELECT name, points, value_now::numeric(8, 4), value_after::numeric(8, 4), difference::numeric(8, 4), payback_now, payback_after FROM (VALUES ('nobody left', survival_of(5, 9, 9)), ('all left', survival_of(1, 2, 2)), ('short', survival_of(1, 3, 1)),
    ('no customers', (SELECT survival(1, NULL)))) v (name, s), unnest('{-5,0,5}'::float8[]) points, retention_uplift(s, points, 10, 4, 0, 15) ORDER BY name COLLATE "C", points;
SELECT name, w.* FROM (VALUES ('nobody left', survival_of(5, 9, 9)), ('all left', survival_of(1, 2, 2)), ('short', survival_of(1, 3, 1)),
    ('no customers', (SELECT survival(1, NULL)))) v (name, s), survival_value(s, 10, 4) w;
SELECT survival_value(NULL, 1, 1), survival_value(survival_of(1, 2, 2), NULL, 1), retention_uplift(NULL, 1, 1, 1), retention_uplift(survival_of(1, 2, 2), 1, 1, NULL);
-- a discount that leaves nothing of what comes later
SELECT (survival_value(s, 1, 1000, 1e300)).value < 0.002 AS little, (retention_uplift(s, 5, 1, 1000, 1e300, 5)).payback_after FROM (SELECT survival_of(500, 2000, 900) AS s) q;

--
-- Payback: at once, never, on the way
--
SELECT p.* FROM states, payback(s, 1, 0) p WHERE dataset = 'ovarian';
SELECT p.* FROM states, payback(s, 1, 5000) p WHERE dataset = 'ovarian';
SELECT p.* FROM (SELECT survival(10, false) s FROM generate_series(1, 3)) q, payback(s, 5, 20) p;
SELECT p.* FROM (SELECT survival(10, false) s FROM generate_series(1, 3)) q, payback(s, 2, 20) p;

--
-- Bands of hazard: ends belong to the band before, the first has its start
--
SELECT band_start, band_end, churned, customer_time, rate::numeric(8, 6), ci_low::numeric(8, 6), ci_high::numeric(8, 6)
FROM (SELECT survival(d, c) s FROM (VALUES (0, true), (10, true), (10.5, true), (20, false), (20, true), (31, false)) v (d, c)) q,
    hazard_by(s, 10);
-- 0.1 is no binary fraction: bands end where they say
SELECT h.band_end, h.churned FROM (SELECT survival(i * 0.1::float8, true) s FROM generate_series(1, 5) i) q, hazard_by(s, 0.1) h;
SELECT h.* FROM (SELECT survival(d, true, NULL, 0.5) s FROM generate_series(1, 2) d) q, hazard_by(s, 1) h;

--
-- One answer in every way, bit for bit
--
CREATE TABLE many AS SELECT i, (i * 7919 % 1009)::float8 AS d, i % 3 = 0 AS c,
    CASE WHEN i % 5 = 0 THEN (i * 7919 % 1009) / 2.0 END AS e, 'g' || i % 4 AS g
FROM generate_series(1, 20000) i;
ANALYZE many;
CREATE TABLE one AS SELECT g, survival(d, c, e) s FROM many GROUP BY g;
SELECT count(*) FROM one JOIN (SELECT g, survival(d, c, e ORDER BY i DESC) s FROM many GROUP BY g) o USING (g)
WHERE one.s::text = o.s::text;
SELECT rollup(s)::text = (SELECT survival(d, c, e)::text FROM many) AS merged FROM one;
SELECT rollup(s)::text = (SELECT survival(d, c, e)::text FROM many) AS merged
FROM (SELECT survival(d, c, e) s FROM many GROUP BY i % 100) q;
SELECT rollup(s)::text = max(s::text) AS alone, count(*) FROM one GROUP BY g ORDER BY g;
SELECT count(*), bool_and(s::text = (CASE WHEN g IS NULL THEN (SELECT survival(d, c, e)::text FROM many) ELSE (SELECT o.s::text FROM one o WHERE o.g = q.g) END))
FROM (SELECT g, survival(d, c, e) s FROM many GROUP BY GROUPING SETS ((g), ())) q;
SET enable_hashagg = off;
SELECT count(*) FROM one JOIN (SELECT g, survival(d, c, e) s FROM many GROUP BY g) o USING (g) WHERE one.s::text = o.s::text;
RESET enable_hashagg;
SELECT bool_and(w.s::text = a.s::text) FROM (SELECT i, survival(d, c, e) OVER (ORDER BY i ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) s
    FROM many WHERE i <= 50) w,
    LATERAL (SELECT survival(d, c, e) s FROM many WHERE i BETWEEN w.i - 5 AND w.i) a;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE many SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT survival(d, c, e) FROM many;
SELECT count(*) FROM one JOIN (SELECT g, survival(d, c, e) s FROM many GROUP BY g) o USING (g) WHERE one.s::text = o.s::text;
SELECT survival(d, c, e, 0.1)::text = survival(d, c, e, 0.1 ORDER BY i)::text AS weighted FROM many;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- a column shorter than a varlena header of four bytes allows, a toasted one
CREATE TABLE stored (n int, s retention_survival);
INSERT INTO stored SELECT 1, survival(1, true);
INSERT INTO stored SELECT 2, survival(d, c, e) FROM many;
INSERT INTO stored SELECT 3, survival(d, c, e, i % 10 / 8.0) FROM many;
SELECT n, s::text = s::text::retention_survival::text AS text_round_trip FROM stored ORDER BY n;
SELECT rollup(s)::text = (SELECT rollup(s ORDER BY n DESC)::text FROM stored) AS any_order FROM stored;
SELECT current_setting('data_directory') || '/survival_test.bin' AS binary_file \gset
\set ECHO none
COPY stored TO :'binary_file' (FORMAT binary);
CREATE TABLE back (LIKE stored);
COPY back FROM :'binary_file' (FORMAT binary);
COPY (SELECT '') TO :'binary_file';
\set ECHO all
SELECT n, b.s::text = o.s::text AS binary_round_trip FROM stored o JOIN back b USING (n) ORDER BY n;

--
-- Tests between groups: R's survdiff, and the definitions for what it has not
--
SELECT r.origin, r.weighting, count(*) AS figures, count(*) FILTER (WHERE near(r.chi2, (t).chi2) AND r.df = (t).df
    AND near(r.p_value, (t).p_value) AND r.groups = (t).groups AND r.n = (t).n
    AND (SELECT bool_and(near(a, b) AND near(c, d)) FROM unnest(r.observed, (t).observed, r.expected, (t).expected) u (a, b, c, d))) AS as_r
FROM r_test r, LATERAL (SELECT logrank_test(duration, churned, grp, r.weighting, CASE WHEN r.stratified THEN stratum END, entry) t
    FROM r_rows w WHERE w.dataset = r.dataset) q
GROUP BY r.origin, r.weighting ORDER BY r.origin COLLATE "C", r.weighting COLLATE "C";
SELECT (t).chi2::numeric(8, 6), (t).df, (t).p_value::numeric(8, 6), (t).groups, (t).n, (t).observed,
    ARRAY(SELECT e::numeric(8, 4) FROM unnest((t).expected) e) AS expected
FROM (SELECT logrank_test(duration, churned, grp) t FROM r_rows WHERE dataset = 'lung') q;
-- the short forms, stored states, repeated rows
SELECT bool_and(a.t = b.t), bool_and(b.t = c.t) FROM
    (SELECT dataset, logrank_test(duration, churned, grp) t FROM r_rows WHERE entry IS NULL GROUP BY dataset) a
    JOIN (SELECT dataset, logrank_test(duration, churned, grp, 'logrank') t FROM r_rows WHERE entry IS NULL GROUP BY dataset) b USING (dataset)
    JOIN (SELECT dataset, logrank_test(duration, churned, grp, 'logrank', NULL) t FROM r_rows WHERE entry IS NULL GROUP BY dataset) c USING (dataset);
CREATE TABLE by_group AS
SELECT dataset, grp, survival(duration, churned, entry) s, survival(duration, churned, entry, 2) twice FROM r_rows GROUP BY dataset, grp;
SELECT w, bool_and(near((a.t).chi2, (b.t).chi2) AND (a.t).n = (b.t).n AND (a.t).df = (b.t).df
    AND (b.t).groups = ARRAY(SELECT i::text FROM generate_series(1, cardinality((a.t).n)) i)) AS as_rows
FROM unnest('{logrank,peto-modified,fleming-harrington(2)}'::text[]) w,
    LATERAL (SELECT dataset, logrank_test(duration, churned, grp, w, NULL, entry) t FROM r_rows GROUP BY dataset) a
    JOIN LATERAL (SELECT dataset, logrank_test(w, VARIADIC array_agg(s ORDER BY grp)) t FROM by_group GROUP BY dataset) b USING (dataset)
GROUP BY w ORDER BY w;
SELECT bool_and(logrank_test(a, b) = logrank_test('logrank', a, b)), bool_and((logrank_test(a, NULL, b)).df = 1),
    bool_and((logrank_test(a, NULL, b)).n[2] = 0) FROM
    (SELECT min(s::text)::retention_survival a, max(s::text)::retention_survival b FROM by_group GROUP BY dataset) q;
SELECT near((a.t).chi2, (b.t).chi2) AS twice FROM
    (SELECT logrank_test(VARIADIC array_agg(twice ORDER BY grp)) t FROM by_group WHERE dataset = 'random 4') a,
    (SELECT logrank_test(duration, churned, grp, 'logrank', NULL, entry) t FROM r_rows, generate_series(1, 2) WHERE dataset = 'random 4') b;
-- a NULL group is a group, a NULL stratum a stratum; one group and none; nobody expected to leave; nothing varies
SELECT (t).groups, (t).n FROM (SELECT logrank_test(d, true, g) t FROM (VALUES (1, 'b'), (2, NULL), (3, 'a'), (4, 'b'), (NULL, 'z')) v (d, g)) q;
SELECT logrank_test(d, d > 1, 'a') FROM generate_series(1, 3) d;
SELECT logrank_test(d, NULL, 'a') FROM generate_series(1, 3) d;
SELECT logrank_test(d, true, 'a') FROM generate_series(1, 3) d WHERE false;
SELECT (t).chi2::numeric(8, 6), (t).df, (t).groups, (t).n, (t).observed, (t).expected::numeric(8, 6)[]
FROM (SELECT logrank_test(d, c, g) t FROM (VALUES (1, false, 'young'), (2, true, 'a'), (3, true, 'b'), (3, true, 'a')) v (d, c, g)) q;
SELECT logrank_test(2, true, g) FROM unnest('{a,b}'::text[]) g;
SELECT logrank_test(d, true, g, 'logrank', g) FROM (VALUES (1, 'a'), (2, 'b')) v (d, g);
-- groups, strata and causes of any type are those of their text
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE DOMAIN short_text AS char(9);
CREATE TABLE grouped AS SELECT d, c, e, i % 4 = 1 AS b, (i % 4)::smallint AS s, i % 4 AS i, i % 4 / 2.0 AS n,
  (ARRAY['glad', 'sad']::mood[])[1 + i % 2] AS enum,
    date '2025-01-01' + i % 4 AS day, md5((i % 4)::text)::uuid AS uuid, ('g' || i % 4)::short_text AS dom,
      ('g' || i % 4)::varchar AS v, 'g' || i % 4 AS t FROM many;
SELECT (logrank_test(d, c, b)).groups AS b, (logrank_test(d, c, i)).groups AS i, (logrank_test(d, c,
  enum)).groups AS enum, (logrank_test(d, c, day)).groups AS day, (logrank_test(d, c, dom)).groups AS dom
  FROM grouped;
SELECT logrank_test(d, c, b) = logrank_test(d, c, b::text) AS b, logrank_test(d, c, s) = logrank_test(d, c,
  s::text) AS s, logrank_test(d, c, i) = logrank_test(d, c, i::text) AS i,
    logrank_test(d, c, n) = logrank_test(d, c, n::text) AS n, logrank_test(d, c, enum) = logrank_test(d, c,
      enum::text) AS enum, logrank_test(d, c, day) = logrank_test(d, c, day::text) AS day,
    logrank_test(d, c, uuid) = logrank_test(d, c, uuid::text) AS uuid, logrank_test(d, c, dom) = logrank_test(d, c,
      t) AS dom, logrank_test(d, c, v) = logrank_test(d, c, t) AS v,
    logrank_test(d, c, i, 'tarone-ware') = logrank_test(d, c, i::text, 'tarone-ware') AS weighted, logrank_test(d, c,
      i, 'logrank', day) = logrank_test(d, c, i::text, 'logrank', day::text) AS stratum,
    logrank_test(d, c, t, 'logrank', b, e) = logrank_test(d, c, t, 'logrank', b::text, e) AS entry,
    logrank_test(d, c, nullif(i, 2)) = logrank_test(d, c, nullif(i, 2)::text) AS with_null, logrank_test(d, c, i,
      'logrank', 'x') = logrank_test(d, c, i::text) AS one_stratum FROM grouped;
SELECT cumulative_incidence(d, CASE WHEN c THEN i END)::text = cumulative_incidence(d,
  CASE WHEN c THEN i::text END)::text AS i, cumulative_incidence(d,
  CASE WHEN c THEN enum END)::text = cumulative_incidence(d, CASE WHEN c THEN enum::text END)::text AS enum
  FROM grouped;
-- one answer in every way
CREATE TABLE tested AS SELECT i % 3 AS part, logrank_test(d, c, g, 'tarone-ware', CASE WHEN i % 7 < 3 THEN 'x' END, e) t FROM many GROUP BY 1;
SELECT count(*) FROM tested JOIN (SELECT i % 3 AS part, logrank_test(d, c, g, 'tarone-ware', CASE WHEN i % 7 < 3 THEN 'x' END, e ORDER BY d) t
    FROM many GROUP BY 1) o USING (part) WHERE tested.t = o.t;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT logrank_test(d, c, g) FROM many;
SELECT count(*) FROM tested JOIN (SELECT i % 3 AS part, logrank_test(d, c, g, 'tarone-ware', CASE WHEN i % 7 < 3 THEN 'x' END, e) t
    FROM many GROUP BY 1) o USING (part) WHERE tested.t = o.t;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT bool_and(w.t = a.t) FROM (SELECT i, logrank_test(d, c, g) OVER (ORDER BY i ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) t
    FROM many WHERE i <= 50) w, LATERAL (SELECT logrank_test(d, c, g) t FROM many WHERE i BETWEEN w.i - 9 AND w.i) a
WHERE w.i > 20;
-- the state is a type like others (workers and other servers send it as text)
CREATE AGGREGATE logrank_state(double precision, boolean, text, text,
  text) (SFUNC = retention_internal.logrank_transfn, STYPE = retention_internal.retention_logrank_state);
CREATE AGGREGATE logrank_of(retention_internal.retention_logrank_state) (SFUNC = retention_internal.logrank_combine,
  STYPE = retention_internal.retention_logrank_state, FINALFUNC = retention_internal.logrank_final);
SELECT (SELECT logrank_of(s::text::retention_internal.retention_logrank_state) FROM (SELECT logrank_state(d, c, g, 'peto-peto', g) s FROM many GROUP BY i % 10) q)
    = (SELECT logrank_test(d, c, g, 'peto-peto', g) FROM many) AS merged_as_text;

--
-- Several ways to leave: R's Aalen-Johansen estimates
--
CREATE TABLE caused AS
SELECT dataset, cumulative_incidence(duration, cause) s, survival(duration, cause IS NOT NULL) stay FROM r_rows GROUP BY dataset;
SELECT count(*) AS figures, count(*) FILTER (WHERE near(r.incidence, c.incidence) AND near(r.std_error, c.std_error)
    AND near(r.ci_low, c.ci_low) AND near(r.ci_high, c.ci_high)) AS as_r
FROM r_incidence r LEFT JOIN
    (SELECT k.dataset, w.ci, w.confidence, c.* FROM caused k NATURAL JOIN
        (SELECT DISTINCT dataset, ci, confidence FROM r_incidence) w,
        incidence_curve(s, w.ci, w.confidence) c) c USING (dataset, ci, confidence, cause, "time");
SELECT (SELECT count(*) FROM r_incidence) = sum((SELECT count(*) FROM incidence_curve(s, w.ci, w.confidence))) AS as_many
FROM caused NATURAL JOIN (SELECT DISTINCT dataset, ci, confidence FROM r_incidence) w;
-- one cause is a survival curve; all causes and staying make 1
SELECT bool_and(near(1 - c.survival, i.incidence) AND near(coalesce(c.std_error, 0), i.std_error))
FROM (SELECT cumulative_incidence(duration, CASE WHEN churned THEN 'left' END) i, survival(duration, churned) s
    FROM r_rows WHERE dataset = 'lung') q, survival_curve(s) c JOIN LATERAL incidence_curve(i) i USING ("time");
SELECT count(*), max(abs(1 - total)) < 1e-12 AS make_one FROM
    (SELECT dataset, c."time", c.survival + sum(i.incidence) AS total FROM caused k, survival_curve(stay) c
        JOIN LATERAL incidence_curve(s) i USING ("time") GROUP BY dataset, c."time", c.survival) q;
SELECT cause, "time", incidence::numeric(8, 6), std_error::numeric(8, 6), ci_low::numeric(8, 6), ci_high::numeric(8, 6)
FROM (SELECT cumulative_incidence(d, c) s FROM (VALUES (1, 'price'), (2, NULL), (2, 'bug'), (2, 'price'), (3, 'bug'), (5, NULL)) v (d, c)) q,
    incidence_curve(s);
SELECT cause, "time", incidence::numeric(8, 6), std_error::numeric(8, 6), ci_low::numeric(8, 6), ci_high::numeric(8, 6)
FROM (SELECT cumulative_incidence(d, c) s FROM (VALUES (1, 'price'), (2, NULL), (2, 'bug'), (2, 'price'), (3, 'bug'), (5, NULL)) v (d, c)) q,
    incidence_curve(s, 'plain', 0.8, '{0,2.5,5,5.1}');
-- a curve that reaches 0; nobody leaves; no customers
SELECT cause, "time", incidence, std_error::numeric(8, 6), ci_low::numeric(8, 6), ci_high::numeric(8, 6)
FROM (SELECT cumulative_incidence(d, c) s FROM (VALUES (1, 'price'), (2, 'bug'), (2, 'price')) v (d, c)) q,
    incidence_curve(s, times => '{1,2,3}');
SELECT count(*) FROM (SELECT cumulative_incidence(1, NULL) s) q, incidence_curve(s);
SELECT cumulative_incidence(NULL, 'price') IS NULL AS nobody, cumulative_incidence(1, 'price') FILTER (WHERE false) IS NULL AS no_rows;
SELECT count(*) FROM incidence_curve(NULL);
-- all have left for one cause: 1 and nothing to be unsure of, however many they are; a cause of its own, or after another, is less
SELECT count(*) AS curves, count(*) FILTER (WHERE incidence = 1 AND std_error = 0 AND ci_low IS NULL AND ci_high IS NULL) AS sure
FROM generate_series(1, 100) n, unnest('{plain,log,log-log,logit,arcsin}'::text[]) ci,
    LATERAL (SELECT cumulative_incidence(i, 'p') AS s FROM generate_series(1, n) i) q, incidence_curve(s, ci) c WHERE "time" = n;
SELECT cause, count(*) AS curves, count(*) FILTER (WHERE incidence < 1 AND std_error > 0 AND ci_low < ci_high) AS unsure
FROM generate_series(3, 50) n, LATERAL (SELECT cumulative_incidence(i, CASE WHEN i = 2 THEN 'q' ELSE 'p' END) AS s FROM generate_series(1, n) i) q, incidence_curve(s) c WHERE "time" = n GROUP BY 1;
-- one answer in every way
CREATE TABLE lost AS SELECT i % 10 AS part, cumulative_incidence(d, CASE WHEN c THEN g END) s FROM many GROUP BY 1;
SELECT rollup(s)::text = (SELECT cumulative_incidence(d, CASE WHEN c THEN g END)::text FROM many) AS merged,
    rollup(s ORDER BY part)::text = rollup(s ORDER BY part DESC)::text AS any_order,
    bool_and(s::text::retention_incidence::text = s::text) AS text_round_trip FROM lost;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT cumulative_incidence(d, CASE WHEN c THEN g END)::text = (SELECT rollup(s)::text FROM lost) AS parallel FROM many;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

--
-- Landmarks
--
SELECT d, landmark_duration(d, 3), landmark_known(d, 3) FROM unnest('{0,2,3,3.5,10,NULL}'::float8[]) d;
SELECT started, ended, landmark_start(started, ended, '3 months'), landmark_known(ended, started, '3 months')
FROM (VALUES ('2025-01-31'::date, NULL::date), ('2025-01-31', '2025-04-30'), ('2025-01-31', '2025-05-01'), (NULL, '2025-05-01'),
    ('2025-01-31', 'infinity')) v (started, ended);
SELECT y.customers, y.not_started, y.followed_until FROM
    (SELECT survival(landmark_start(started, ended, '10 days'), ended, '2025-03-01'::date) s FROM customers) q, survival_summary(s) y;
SELECT landmark_start('2025-01-01', NULL, NULL), landmark_known('2025-01-01', NULL, '1 day'), landmark_known(1, NULL);

--
-- Regression: R's coxph
--
CREATE TABLE fits AS
SELECT dataset, ties, cox_fit(duration, churned, x, ties, entry) f FROM r_rows, unnest('{efron,breslow}'::text[]) ties
WHERE x IS NOT NULL GROUP BY dataset, ties;
SELECT count(*) AS figures, count(*) FILTER (WHERE near(r.coefficient, c.coefficient) AND near(r.hazard_ratio, c.hazard_ratio)
    AND near(r.std_error, c.std_error) AND near(r.ci_low, c.ci_low) AND near(r.ci_high, c.ci_high) AND near(r.z, c.z)
    AND near(r.p_value, c.p_value) AND c.note IS NULL) AS as_r
FROM r_cox r LEFT JOIN (SELECT dataset, ties, c.* FROM fits, cox_table(f) c) c
    ON (r.dataset, r.ties, r.covariate::text) = (c.dataset, c.ties, c.covariate);
SELECT count(*) AS figures, count(*) FILTER (WHERE r.customers = c.customers AND r.churned = c.churned AND r.df = c.df
    AND near(r.loglik_null, c.loglik_null) AND near(r.loglik, c.loglik) AND near(r.likelihood_ratio, c.likelihood_ratio)
    AND near(r.wald, c.wald) AND near(r.score, c.score) AND near(r.concordance, c.concordance) AND r.ties = c.ties
    AND c.converged) AS as_r
FROM r_cox_summary r LEFT JOIN fits USING (dataset, ties) LEFT JOIN LATERAL cox_summary(f) c ON true;
SELECT covariate, coefficient::numeric(9, 6), hazard_ratio::numeric(9, 6), std_error::numeric(9, 6), ci_low::numeric(9, 6),
    ci_high::numeric(9, 6), z::numeric(9, 6), p_value::numeric(9, 6), note
FROM fits, cox_table(f, '{age,sex,NULL}') WHERE dataset = 'lung' AND ties = 'efron';
SELECT customers, churned, unknown, never_at_risk, loglik_null::numeric(12, 6), loglik::numeric(12, 6), df,
    likelihood_ratio::numeric(9, 6), likelihood_ratio_p_value::numeric(9, 6), wald::numeric(9, 6), wald_p_value::numeric(9, 6),
    score::numeric(9, 6), score_p_value::numeric(9, 6), concordance::numeric(9, 6), y.ties, converged
FROM fits, cox_summary(f) y WHERE dataset = 'lung' AND fits.ties = 'efron';
-- the short forms
SELECT bool_and(cox.f::text = fits.f::text) FROM fits JOIN
    (SELECT dataset, cox_fit(duration, churned, x) f FROM r_rows WHERE x IS NOT NULL AND entry IS NULL GROUP BY dataset) cox USING (dataset)
WHERE ties = 'efron' AND dataset NOT IN (SELECT dataset FROM r_rows WHERE entry IS NOT NULL);
SELECT count(*) FROM fits JOIN (SELECT dataset, cox_fit(duration, churned, x, 'breslow') f FROM r_rows WHERE x IS NOT NULL GROUP BY dataset) cox
    USING (dataset) WHERE ties = 'breslow' AND cox.f::text = fits.f::text;
-- one covariate alone
SELECT cox_fit(duration, churned, id % 5)::text = cox_fit(duration, churned, ARRAY[id % 5])::text AS same,
  cox_fit(duration, churned, CASE WHEN id % 7 > 0 THEN id % 5 END)::text = cox_fit(duration, churned,
  ARRAY[CASE WHEN id % 7 > 0 THEN id % 5 END])::text AS with_null
FROM (SELECT *, row_number() OVER () AS id FROM r_rows WHERE dataset = 'lung') q;
-- what has no answer has a note: separation, collinear and constant covariates
SELECT covariate, coefficient::numeric(8, 6), hazard_ratio::numeric(8, 6), std_error::numeric(8, 6), ci_low::numeric(8, 6),
    z::numeric(8, 6), note
FROM (SELECT cox_fit(i * 7919 % 101, i % 3 = 0, ARRAY[i * 31 % 17, i * 41 % 7, 2 * (i * 31 % 17) + 1, 5, i * 31 % 17 + i * 41 % 7]) f
    FROM generate_series(1, 300) i) q, cox_table(f);
SELECT covariate, sign(coefficient), hazard_ratio > 2 AS doubles, std_error::numeric(8, 6), p_value::numeric(8, 6), note
FROM (SELECT cox_fit(i * 7919 % 101, i % 3 = 0, ARRAY[(i % 3 = 0)::int, (i % 3 > 0)::int * 10, i * 41 % 7]) f FROM generate_series(1, 300) i) q,
    cox_table(f);
SELECT df, wald, likelihood_ratio > 100 AS far, converged
FROM (SELECT cox_fit(i * 7919 % 101, i % 3 = 0, ARRAY[(i % 3 > 0)::int]) f FROM generate_series(1, 300) i) q, cox_summary(f);
-- nobody leaves; one customer; only unknown ones; NULLs are left out and counted
SELECT c.coefficient, c.note, y.customers, y.churned, y.unknown, y.never_at_risk, y.df, y.loglik, y.score, y.concordance FROM
    (SELECT cox_fit(i, false, ARRAY[i]) f FROM generate_series(1, 5) i
        UNION ALL SELECT cox_fit(1, true, ARRAY[1]) UNION ALL SELECT cox_fit(1, NULL, ARRAY[1])
        UNION ALL SELECT cox_fit(1, true, ARRAY[NULL::float8, 1])
        UNION ALL SELECT cox_fit(1, true, ARRAY[1], 'efron', 1)) q, cox_table(f) c, cox_summary(f) y;
SELECT cox_fit(NULL, true, ARRAY[1]) IS NULL AS no_duration, cox_fit(1, true, NULL::float8[]) IS NULL AS no_covariates,
    cox_fit(1, true, ARRAY[1]) FILTER (WHERE false) IS NULL AS no_rows;
-- units do not matter
SELECT a.covariate, abs(a.z - b.z) < 1e-9 AS same FROM
    (SELECT cox_fit(duration, churned, ARRAY[x[1], x[2]]) f, cox_fit(duration, churned, ARRAY[1e9 + x[1], x[2] * 1e-200]) g
        FROM r_rows WHERE dataset = 'lung') q, cox_table(f) a JOIN LATERAL cox_table(g) b USING (covariate) ORDER BY 1;
-- one answer in every way, bit for bit
CREATE TABLE fitted AS SELECT i % 2 AS part, cox_fit(d, c, ARRAY[i % 11, i % 13], 'efron', e) f FROM many GROUP BY 1;
SELECT count(*) FROM fitted JOIN (SELECT i % 2 AS part, cox_fit(d, c, ARRAY[i % 11, i % 13], 'efron', e ORDER BY d, i DESC) f FROM many GROUP BY 1) o
    USING (part) WHERE fitted.f::text = o.f::text;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT cox_fit(d, c, ARRAY[e, d]) FROM many;
SELECT count(*) FROM fitted JOIN (SELECT i % 2 AS part, cox_fit(d, c, ARRAY[i % 11, i % 13], 'efron', e) f FROM many GROUP BY 1) o
    USING (part) WHERE fitted.f::text = o.f::text;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT bool_and(w.f::text = a.f::text) FROM (SELECT i, cox_fit(d, c, ARRAY[i % 5]) OVER (ORDER BY i ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) f
    FROM many WHERE i <= 40) w, LATERAL (SELECT cox_fit(d, c, ARRAY[i % 5]) f FROM many WHERE i BETWEEN w.i - 19 AND w.i) a;
SELECT bool_and(f::text::retention_cox::text = f::text) AS text_round_trip FROM fits;
CREATE AGGREGATE cox_gather(double precision, boolean, double precision[], text, double precision)
    (SFUNC = retention_internal.cox_transfn, STYPE = retention_internal.retention_cox_rows);
CREATE AGGREGATE cox_of(retention_internal.retention_cox_rows) (SFUNC = retention_internal.cox_combine,
  STYPE = retention_internal.retention_cox_rows, FINALFUNC = retention_internal.cox_final);
SELECT (SELECT cox_of(r::text::retention_internal.retention_cox_rows)::text FROM (SELECT cox_gather(d, c, ARRAY[i % 11, i % 13], 'efron', e) r FROM many GROUP BY i % 10) q)
    = (SELECT cox_fit(d, c, ARRAY[i % 11, i % 13], 'efron', e)::text FROM many) AS merged_as_text;
CREATE TABLE kept AS SELECT 1 AS n, f, (SELECT cox_gather(d, c, ARRAY[i % 11], 'breslow', e) FROM many WHERE i < 100) r FROM fits WHERE dataset = 'heart' AND ties = 'efron';
\set ECHO none
COPY kept TO :'binary_file' (FORMAT binary);
CREATE TABLE kept_back (LIKE kept);
COPY kept_back FROM :'binary_file' (FORMAT binary);
COPY (SELECT '') TO :'binary_file';
\set ECHO all
SELECT k.f::text = b.f::text AND k.r::text = b.r::text AS binary_round_trip FROM kept k JOIN kept_back b USING (n);

--
-- Errors
--
-- a state merged with itself, n times
CREATE FUNCTION doubled(s retention_survival, n int) RETURNS retention_survival LANGUAGE plpgsql AS
$$ BEGIN
    FOR i IN 1 .. n LOOP
        s = (SELECT rollup(v) FROM unnest(ARRAY[s, s]) v);
    END LOOP;
    RETURN s;
END $$;
SELECT (survival_summary(doubled(survival(1, true), 62))).customers = 2::numeric ^ 62 AS many_customers,
    (survival_summary(doubled(survival(1, true, NULL, 1048576), 24))).weight = 2::float8 ^ 44 AS much_weight;
\pset format unaligned
SELECT statement, f.* FROM unnest(ARRAY[
    $$SELECT survival('NaN', true)$$,
    $$SELECT survival('infinity', true)$$,
    $$SELECT survival(-1, true)$$,
    $$SELECT survival(1, true, -1)$$,
    $$SELECT survival(1, true, 'NaN')$$,
    $$SELECT survival(1, true, NULL, -1)$$,
    $$SELECT survival(1, true, NULL, 'NaN')$$,
    $$SELECT survival(1, true, NULL, 2e6)$$,
    $$SELECT survival(1, true, NULL, 1048577)$$,
    $$SELECT survival('-infinity', '2025-01-01', '2025-02-01'::date)$$,
    $$SELECT survival('2025-01-01', NULL, 'infinity'::date)$$,
    $$SELECT survival('2025-01-01', '2025-01-01', NULL::date)$$,
    $$SELECT survival(date '2025-01-01', '2025-01-01', '2025-02-01', '-infinity')$$,
    $$SELECT survival(1::bigint, date '2025-01-01', NULL, NULL)$$,
    $$SELECT survival(1::bigint, date '2025-01-01', NULL, 'infinity')$$,
    $$SELECT survival(1::bigint, timestamp '-infinity', NULL, '2025-02-01')$$,
    $$SELECT survival(1::bigint, date '2025-01-01', NULL, date '2025-02-01' + i) FROM generate_series(1, 2) i$$,
    $$SELECT retention_internal.survival_bigint_date_transfn(NULL, 1, '2025-01-01', NULL, '2025-02-01')$$,
    $$SELECT survival(i, true) FROM generate_series(1, 2097153) i$$,
    $$SELECT doubled(survival(1, true), 64)$$,
    $$SELECT doubled(survival(1, true, NULL, 1048576), 25)$$,
    $$SELECT survival_curve(survival(1, true), 'loglog')$$,
    $$SELECT survival_curve(survival(1, true), confidence => 95)$$,
    $$SELECT survival_curve(survival(1, true), times => '{1,NULL}')$$,
    $$SELECT survival_curve(survival(1, true), times => '{NaN}')$$,
    $$SELECT survival_at(survival(1, true), -1)$$,
    $$SELECT conditional_survival(survival(1, true), 1, 2)$$,
    $$SELECT survival_quantile(survival(1, true), 50)$$,
    $$SELECT restricted_mean(survival(1, true), 0)$$,
    $$SELECT restricted_mean_difference(survival(1, true), survival(1, true), 'infinity')$$,
    $$SELECT survival_curve(survival(1, true), cumulative_hazard => 'nelson')$$,
    $$SELECT survival_value(survival(1, true), 'NaN', 1)$$,
    $$SELECT survival_value(survival(1, true), 1, 0)$$,
    $$SELECT survival_value(survival(1, true), 1, 'infinity')$$,
    $$SELECT survival_value(survival(1, true), 1, 1, -0.1)$$,
    $$SELECT survival_value(survival(1, true), 1, 1, 0, 1)$$,
    $$SELECT survival_value(survival(1e10, false), 1e300, 1e10)$$,
    $$SELECT retention_uplift(survival(1, true), 101, 1, 1)$$,
    $$SELECT retention_uplift(survival(1, true), 5, 'infinity', 1)$$,
    $$SELECT retention_uplift(survival(1, true), 5, 1, -1)$$,
    $$SELECT retention_uplift(survival(1, true), 5, 1, 1, 'NaN')$$,
    $$SELECT retention_uplift(survival(1, true), 5, 1, 1, 0, -1)$$,
    $$SELECT retention_uplift(survival(1e10, false), 5, 1e300, 1e10)$$,
    $$SELECT hazard_by(survival(1, true), 0)$$,
    $$SELECT hazard_by(survival(1, true), 1e-6)$$,
    $$SELECT payback(survival(1, true), 0, 1)$$,
    $$SELECT payback(survival(1, true), 1, -1)$$,
    $$SELECT retention_internal.survival_transfn(NULL, 1, true)$$,
    $$SELECT retention_internal.survival_combine(NULL, NULL)$$,
    $$SELECT retention_internal.survival_final(s) FROM stored$$,
    $$SELECT logrank_test(-1, true, 'a')$$,
    $$SELECT logrank_test(1, true, 'a', 'log-rank')$$,
    $$SELECT logrank_test(1, true, 'a', 'fleming-harrington')$$,
    $$SELECT logrank_test(1, true, 'a', 'fleming-harrington(-1)')$$,
    $$SELECT logrank_test(1, true, 'a', NULL)$$,
    $$SELECT logrank_test(i, true, 'a', CASE i WHEN 1 THEN 'logrank' ELSE 'tarone-ware' END) FROM generate_series(1, 2) i$$,
    $$SELECT logrank_test(1, true, i::text) FROM generate_series(1, 1001) i$$,
    $$SELECT logrank_test(1, true, i::text) FROM generate_series(1, 10001) i$$,
    $$SELECT logrank_test(1, true, repeat('x', 6000000) || i) FROM generate_series(1, 3) i$$,
    $$SELECT logrank_test('gehan', s, s) FROM stored WHERE n = 1$$,
    $$SELECT logrank_test(survival(1, true), survival(1, true, NULL, 0.5))$$,
    $$SELECT retention_internal.logrank_transfn(NULL, 1, true, 'a')$$,
    $$SELECT cumulative_incidence(-1, 'price')$$,
    $$SELECT incidence_curve(cumulative_incidence(1, 'price'), 'wide')$$,
    $$SELECT incidence_curve(cumulative_incidence(1, 'price'), times => '{-1}')$$,
    $$SELECT retention_internal.incidence_transfn(NULL, 1, 'price')$$,
    $$SELECT landmark_duration(-1, 3)$$,
    $$SELECT landmark_duration(1, 'NaN')$$,
    $$SELECT landmark_start('infinity', NULL, '3 months')$$,
    $$SELECT landmark_start('2025-01-01', NULL, '-3 months')$$,
    $$SELECT cox_fit(-1, true, ARRAY[1])$$,
    $$SELECT cox_fit(1, true, ARRAY[1], 'efron', 'NaN')$$,
    $$SELECT cox_fit(1, true, ARRAY[1], 'exact')$$,
    $$SELECT cox_fit(1, true, ARRAY[1], NULL)$$,
    $$SELECT cox_fit(1, true, '{}'::float8[])$$,
    $$SELECT cox_fit(1, true, '{{1,2},{3,4}}'::float8[])$$,
    $$SELECT cox_fit(1, true, '{1,infinity}'::float8[])$$,
    $$SELECT cox_fit(1, true, 'infinity'::float8)$$,
    $$SELECT cox_fit(1, true, array_fill(1.0::float8, ARRAY[101]))$$,
    $$SELECT cox_fit(1, true, array_fill(1.0::float8, ARRAY[i])) FROM generate_series(1, 2) i$$,
    $$SELECT cox_fit(1, true, ARRAY[i], CASE i WHEN 1 THEN 'efron' ELSE 'breslow' END) FROM generate_series(1, 2) i$$,
    $$SELECT cox_fit(abs(j), true, ARRAY[j * 1.5e308]) FROM unnest('{-1,0,1}'::float8[]) j$$,
    $$SELECT cox_table(f, '{a}') FROM fits WHERE dataset = 'lung'$$,
    $$SELECT cox_table(f, confidence => 1) FROM fits WHERE dataset = 'lung'$$,
    $$SELECT retention_internal.cox_transfn(NULL, 1, true, ARRAY[1])$$,
    $$SELECT retention_internal.cox_combine(NULL, NULL)$$,
    $$SELECT cox_of(r) FROM (SELECT cox_gather(1, true, ARRAY[1], 'efron', NULL) UNION ALL SELECT cox_gather(1, true, ARRAY[1, 2], 'efron', NULL)) q (r)$$,
    $$SELECT cox_of(r) FROM (SELECT cox_gather(1, true, ARRAY[1], 'efron', NULL) UNION ALL SELECT cox_gather(1, true, ARRAY[1], 'breslow', NULL)) q (r)$$,
    $$SELECT 'x'::retention_cox$$,
    $$SELECT 'x'::retention_internal.retention_cox_rows$$,
    $$SELECT 'x'::retention_survival$$,
    $$SELECT ''::retention_survival$$,
    $$SELECT '525302'::retention_survival$$,
    $$SELECT '524c01'::retention_survival$$
]) WITH ORDINALITY AS s (statement, n), fails(statement) f ORDER BY n;
\pset format aligned
-- NULL in, NULL or nothing out
SELECT survival_at(NULL, 1), median_survival(NULL), restricted_mean(NULL, 1), payback(NULL, 1, 1);
SELECT rollup(NULL::retention_survival) IS NULL AS none, rollup(v)::text = (SELECT survival(1, true)::text) AS one_of_two
FROM unnest(ARRAY[NULL, (SELECT survival(1, true))]) v;
SELECT count(*) FROM survival_curve(NULL);
SELECT count(*) FROM stored, survival_curve(s, NULL);
SELECT count(*) FROM hazard_by(NULL, 1);

--
-- Hostile bytes: an error, or a value that can be read
--
SET max_parallel_workers_per_gather = 0; -- thousands of small queries
CREATE FUNCTION hostile(type text, good text, ask text) RETURNS TABLE (code text, tries bigint) LANGUAGE plpgsql AS
$$ DECLARE
    bad text;
    found jsonb = '{}';
BEGIN
    good = split_part(good, ' ', -1); -- without the comment
    FOR i IN 0 .. length(good) / 2 - 1 LOOP
        FOREACH bad IN ARRAY ARRAY[left(good, i * 2), overlay(good PLACING 'ff' FROM i * 2 + 1 FOR 2),
            overlay(good PLACING '00' FROM i * 2 + 1 FOR 2), overlay(good PLACING '7f' FROM i * 2 + 1 FOR 2),
            overlay(good PLACING '01' FROM i * 2 + 1 FOR 2), overlay(good PLACING '80' FROM i * 2 + 1 FOR 2),
            overlay(good PLACING '' FROM i * 2 + 1 FOR 2), overlay(good PLACING '0100' FROM i * 2 + 1 FOR 2)] LOOP
            BEGIN
                code = 'reads';
                EXECUTE format(ask, bad, type);
            EXCEPTION WHEN data_corrupted OR feature_not_supported OR program_limit_exceeded OR invalid_text_representation
                OR character_not_in_repertoire THEN
                code = SQLSTATE;
            END;
            found = found || jsonb_build_object(code, coalesce((found ->> code)::bigint, 0) + 1);
        END LOOP;
    END LOOP;
    RETURN QUERY SELECT key, value::bigint FROM jsonb_each_text(found) WHERE key <> 'reads' ORDER BY key COLLATE "C";
END $$;
SELECT h.code, h.tries > 0 AS some FROM (SELECT survival(d, d < 3, CASE WHEN d = 2 THEN 1 END, 1.5) s FROM generate_series(0, 3) d) q,
    hostile('retention_survival', s::text, 'SELECT count(*) FROM (SELECT rollup(%1$L::%2$s) s) q, survival_curve(s), hazard_by(s, 100000), restricted_mean(s, 1)') h;
SELECT h.code, h.tries > 0 AS some FROM (SELECT survival(d, d < 3) s FROM generate_series(0, 3) d) q,
    hostile('retention_survival', s::text, 'SELECT count(*) FROM (SELECT rollup(%1$L::%2$s) s) q, survival_curve(s), hazard_by(s, 100000), restricted_mean(s, 1)') h;
SELECT h.code, h.tries > 0 AS some FROM (SELECT logrank_state(d, d < 3, 'g' || d % 2, 'fleming-harrington(0.5)', CASE WHEN d < 2 THEN 's' END) s FROM generate_series(0, 3) d) q,
    hostile('retention_internal.retention_logrank_state', s::text, 'SELECT logrank_of(%1$L::%2$s)') h;
SELECT h.code, h.tries > 0 AS some FROM (SELECT cumulative_incidence(d, CASE WHEN d < 3 THEN 'g' || d % 2 END) s FROM generate_series(0, 3) d) q,
    hostile('retention_incidence', s::text, 'SELECT count(*) FROM (SELECT rollup(%1$L::%2$s) s) q, incidence_curve(s)') h;
SELECT h.code, h.tries > 0 AS some FROM (SELECT cox_gather(d, d < 3, ARRAY[d, d % 2], 'efron', CASE WHEN d = 2 THEN 1 END) r FROM generate_series(0, 3) d) q,
    hostile('retention_internal.retention_cox_rows', r::text, 'SELECT cox_of(%1$L::%2$s)') h;
SELECT h.code, h.tries > 0 AS some FROM fits, hostile('retention_cox', f::text, 'SELECT count(*) FROM (SELECT %1$L::%2$s f) q, cox_table(f), cox_summary(f)') h
WHERE dataset = 'random 1' AND ties = 'efron';
CREATE AGGREGATE cox_gather(double precision, boolean, double precision[], text, double precision, text, double precision, text)
    (SFUNC = retention_internal.cox_transfn, STYPE = retention_internal.retention_cox_rows);
SELECT h.code, h.tries > 0 AS some FROM (SELECT cox_gather(d, d < 3, ARRAY[d], 'efron', CASE WHEN d = 2 THEN 1 END, CASE WHEN d > 1 THEN 's' || d % 2 END, 1.5, 'c' || d) r FROM generate_series(0, 5) d) q,
    hostile('retention_internal.retention_cox_rows', r::text, 'SELECT cox_of(%1$L::%2$s)') h;
SELECT h.code, h.tries > 0 AS some FROM (SELECT cox_fit(d, d < 8, ARRAY[d % 3], 'efron', NULL, CASE WHEN d > 4 THEN 's' || d % 2 END, 1.5) f FROM generate_series(0, 10) d) q,
    hostile('retention_cox', f::text, 'SELECT count(*) FROM (SELECT %1$L::%2$s f) q, cox_table(f), cox_summary(f), cox_zph(f), cox_predict(f, ARRAY[2], 5, 1, ''s1'')') h;

SET client_min_messages = warning;
DROP SCHEMA survival_test CASCADE;
