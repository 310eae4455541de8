-- Regressions: strata, weights and clusters, the test of proportional hazards, predictions. Rows and figures of R come
-- from test/survival (see export.R there); plain fits are tested in survival.sql.
CREATE SCHEMA cox_test;
SET search_path = cox_test, public;
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

--
-- R's coxph with strata, weights and clusters, in the shortest form that has them
--
CREATE TABLE fits AS
SELECT dataset, ties, 'plain' AS variant, cox_fit(duration, churned, x, ties, entry) AS f
FROM r_rows, unnest('{efron,breslow}'::text[]) ties WHERE x IS NOT NULL GROUP BY dataset, ties
UNION ALL SELECT dataset, ties, 'strata', cox_fit(duration, churned, x, ties, entry, stratum)
FROM r_rows, unnest('{efron,breslow}'::text[]) ties WHERE x IS NOT NULL GROUP BY dataset, ties
UNION ALL SELECT dataset, ties, 'weight', cox_fit(duration, churned, x, ties, entry, NULL, weight)
FROM r_rows, unnest('{efron,breslow}'::text[]) ties WHERE x IS NOT NULL GROUP BY dataset, ties
UNION ALL SELECT dataset, ties, 'strata weight', cox_fit(duration, churned, x, ties, entry, stratum, weight)
FROM r_rows, unnest('{efron,breslow}'::text[]) ties WHERE x IS NOT NULL GROUP BY dataset, ties
UNION ALL SELECT dataset, ties, 'strata weight cluster', cox_fit(duration, churned, x, ties, entry, stratum, weight, floor(x[1])::text)
FROM r_rows, unnest('{efron,breslow}'::text[]) ties WHERE x IS NOT NULL GROUP BY dataset, ties;
SELECT r.variant, count(*) AS figures, count(*) FILTER (WHERE near(r.coefficient, c.coefficient) AND near(r.std_error, c.std_error)
    AND near(c.z, c.coefficient / c.std_error)) AS coefficients,
  count(r.zph) AS tests, count(*) FILTER (WHERE abs(r.zph - z.chi2) <= 1e-9 * (1 + r.zph) AND abs(r.zph_p_value - z.p_value) < 1e-9 AND z.df = 1) AS as_r
FROM r_cox2 r LEFT JOIN (SELECT dataset, ties, variant, c.* FROM fits, cox_table(f) c) c
    ON (r.dataset, r.ties, r.variant, r.covariate::text) = (c.dataset, c.ties, c.variant, c.covariate)
  LEFT JOIN (SELECT dataset, ties, variant, c.* FROM fits, cox_zph(f) c) z
    ON (r.dataset, r.ties, r.variant, r.covariate::text) = (z.dataset, z.ties, z.variant, z.covariate)
GROUP BY r.variant ORDER BY r.variant;
SELECT r.variant, count(*) AS figures, count(*) FILTER (WHERE near(r.loglik_null, c.loglik_null) AND near(r.loglik, c.loglik)) AS loglik,
  count(*) FILTER (WHERE near(r.wald, c.wald) AND near(r.score, c.score)) AS tests, count(*) FILTER (WHERE near(r.concordance, c.concordance)) AS concordance,
  count(*) FILTER (WHERE r.customers = c.customers AND r.churned = c.churned AND c.converged AND c.clusters IS NOT DISTINCT FROM r.clusters
    AND c.robust = (r.clusters IS NOT NULL OR r.variant LIKE '%weight%' AND w.fractional) AND c.strata IS NOT DISTINCT FROM CASE WHEN r.variant = 'plain' THEN NULL WHEN r.variant LIKE 'strata%' THEN w.strata ELSE 1 END) AS counts,
  count(r.zph) AS global, count(*) FILTER (WHERE abs(r.zph - z.chi2) <= 1e-9 * (1 + r.zph) AND abs(r.zph_p_value - z.p_value) < 1e-9 AND z.df = c.df) AS as_r
FROM r_cox2_summary r JOIN fits USING (dataset, ties, variant) JOIN LATERAL cox_summary(f) c ON true
  JOIN (SELECT dataset, bool_or(weight <> floor(weight)) AS fractional, count(DISTINCT stratum) AS strata FROM r_rows WHERE x IS NOT NULL GROUP BY 1) w USING (dataset)
  LEFT JOIN LATERAL cox_zph(f) z ON z.covariate = 'GLOBAL'
GROUP BY r.variant ORDER BY r.variant;

--
-- Predictions: R's survfit(coxph), from the start and of those who are there at a time
--
SELECT r.variant, count(*) AS figures, count(*) FILTER (WHERE near(r.survival, p.survival)) AS survival,
  count(*) FILTER (WHERE near(r.std_error, p.std_error)) AS std_error,
  count(*) FILTER (WHERE near(r.ci_low, p.ci_low) AND near(r.ci_high, p.ci_high)) AS limits
FROM r_predict r LEFT JOIN fits USING (dataset, ties, variant) LEFT JOIN LATERAL cox_predict(f, r.x, r.t, r.given, r.stratum, r.ci) p ON true
GROUP BY r.variant ORDER BY r.variant;

-- a covariate that is the stratum says nothing: the rest is as without it
SELECT c.covariate, c.coefficient, c.note, z.chi2, z.df FROM fits, cox_table(f) c JOIN LATERAL cox_zph(f) z USING (covariate)
WHERE dataset = 'veteran' AND ties = 'efron' AND variant = 'strata' AND covariate = '1';
SELECT near(a.chi2, b.chi2) AS global, a.df, near(p.survival, q.survival) AND near(p.std_error, q.std_error) AS prediction
FROM (SELECT f, (SELECT cox_fit(duration, churned, x[2:5], 'efron', NULL, stratum) FROM r_rows WHERE dataset = 'veteran') g FROM fits
    WHERE dataset = 'veteran' AND ties = 'efron' AND variant = 'strata') m,
  cox_zph(f) a JOIN LATERAL cox_zph(g) b USING (covariate), cox_predict(f, '{1,50,3,60,0}', 100, 0, '2') p, cox_predict(g, '{50,3,60,0}', 100, 0, '2') q
WHERE covariate = 'GLOBAL';

-- what is printed
SELECT covariate, coefficient::numeric(9, 6), std_error::numeric(9, 6), ci_low::numeric(9, 6), ci_high::numeric(9, 6), note
FROM fits, cox_table(f, '{age,sex,karno}') WHERE dataset = 'lung' AND ties = 'efron' AND variant = 'strata weight cluster';
SELECT covariate, chi2::numeric(9, 6), df, p_value::numeric(9, 6) FROM fits, cox_zph(f, '{age,NULL,karno}')
WHERE dataset = 'lung' AND ties = 'efron' AND variant = 'strata';
SELECT customers, churned, df, wald::numeric(9, 6), concordance::numeric(9, 6), strata, clusters, robust, event_times, baseline_times, note
FROM fits, cox_summary(f) y WHERE dataset = 'lung' AND fits.ties = 'efron' AND variant = 'strata weight cluster';
SELECT t, survival::numeric(9, 6), std_error::numeric(9, 6), ci_low::numeric(9, 6), ci_high::numeric(9, 6)
FROM fits, unnest('{0,4,5,500,1022,1023}'::float8[]) t, cox_predict(f, '{65,2,80}', t) WHERE dataset = 'lung' AND ties = 'efron' AND variant = 'plain';

--
-- Weights and clusters by their meaning
--
CREATE FUNCTION same_model(a retention_cox, b retention_cox) RETURNS boolean LANGUAGE sql AS $$
  SELECT bool_and(near(x.coefficient, y.coefficient) AND near(x.std_error, y.std_error)) FROM public.cox_table(a) x JOIN public.cox_table(b) y USING (covariate) $$;
-- whole weights are repeated rows with ties by Breslow; a weight of 0 is nobody, a NULL one is not known
SELECT same_model(w.f, r.f) AS repeated, (cox_summary(w.f)).robust FROM
  (SELECT cox_fit(duration, churned, x, 'breslow', entry, stratum, weight) f FROM r_rows WHERE dataset = 'random 1') w,
  (SELECT cox_fit(duration, churned, x, 'breslow', entry, stratum) f FROM r_rows, generate_series(1, weight::int) WHERE dataset = 'random 1') r;
SELECT w.f::text = r.f::text AS all_1 FROM
  (SELECT cox_fit(duration, churned, x, 'efron', entry, stratum, 1) f FROM r_rows WHERE dataset = 'random 1') w,
  (SELECT cox_fit(duration, churned, x, 'efron', entry, stratum) f FROM r_rows WHERE dataset = 'random 1') r;
SELECT customers, churned, unknown, never_at_risk FROM (SELECT cox_fit(d, true, ARRAY[d], 'efron', e, NULL, w)
  FROM (VALUES (1, NULL, 1), (2, NULL, 0), (3, NULL, NULL), (4, 4, 1), (5, 1, 0.5)) v (d, e, w)) q (f), cox_summary(f);
-- without a cluster everybody is one of their own
SELECT same_model(own.f, named.f) AS same, clusters, customers, robust FROM
  (SELECT cox_fit(duration, churned, x, 'efron', entry, stratum, 1, NULL) f FROM r_rows WHERE dataset = 'random 3') own,
  (SELECT cox_fit(duration, churned, x, 'efron', entry, stratum, 1, 'c' || n) f FROM (SELECT *, row_number() OVER () n FROM r_rows WHERE dataset = 'random 3') r) named,
  cox_summary(own.f);
-- of one cluster there is nothing to learn; weights that are next to nothing are nobody; strata without a baseline are counted
SELECT t.coefficient IS NOT NULL AS coefficient, t.std_error, t.p_value, y.wald, y.clusters FROM (SELECT cox_fit(duration, churned, x, 'efron', entry, stratum, 1, 'all') f FROM r_rows WHERE dataset = 'random 3') q, cox_table(f) t, cox_summary(f) y;
SELECT w, y.customers FROM unnest('{1e-310,4e-13,5e-13}'::float8[]) w, LATERAL (SELECT cox_fit(i, i % 3 = 0, ARRAY[i * 7 % 11], 'efron', NULL, NULL, w) f FROM generate_series(1, 30) i) q, cox_summary(f) y;
SELECT strata, baseline_times, event_times, converged, note FROM (SELECT cox_fit(i, i % 3 = 0, ARRAY[i * 7 % 11], 'efron', NULL, (i % 3)::text) f FROM generate_series(1, 30) i) q, cox_summary(f);
-- rows that are the same twice: the robust error in pairs is that of one of them
SELECT bool_and(near(a.coefficient, b.coefficient) AND near(a.std_error, b.std_error)) AS same FROM
  (SELECT cox_fit(duration, churned, x, 'breslow', entry, stratum, 1, n::text) f FROM (SELECT *, row_number() OVER () n FROM r_rows WHERE dataset = 'random 4') r, generate_series(1, 2)) twice,
  (SELECT cox_fit(duration, churned, x, 'breslow', entry, stratum, 1, n::text) f FROM (SELECT *, row_number() OVER () n FROM r_rows WHERE dataset = 'random 4') r) once,
  cox_table(twice.f) a JOIN LATERAL cox_table(once.f) b USING (covariate);

--
-- Predictions: strata, what is not known, what is left out of the model
--
CREATE TABLE strata AS SELECT cox_fit(d, c, ARRAY[x], 'breslow', NULL, s) f FROM (SELECT i % 23 + 1 AS d, i % 3 > 0 AS c, i % 7 AS x, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 's' || i % 4 END AS s
  FROM generate_series(1, 400) i) q;
SELECT stratum, p.survival::numeric(9, 6), p.ci_low::numeric(9, 6) FROM strata, unnest(ARRAY[NULL, '', 's2', 's3', 's4']) stratum, cox_predict(f, '{3}', 11, stratum => stratum) p;
SELECT strata, note FROM strata, cox_summary(f);
-- with nobody's covariates different the prediction is the curve of Breslow: exp of the hazard of Nelson and Aalen, and with ties by Efron that of Fleming and Harrington
SELECT ties, count(*) AS times, bool_and(near(p.survival, exp(-c.cumulative_hazard)) AND near(p.std_error, p.survival * c.hazard_std_error)) AS same FROM
  (SELECT ties, cox_fit(duration, churned, ARRAY[7], ties, entry) f, survival(duration, churned, entry) s FROM r_rows, (VALUES ('breslow'), ('efron')) t (ties) WHERE dataset = 'heart' GROUP BY ties) q,
  survival_curve(s, cumulative_hazard => CASE ties WHEN 'breslow' THEN 'nelson-aalen' ELSE 'fleming-harrington' END) c, cox_predict(f, '{7}', c."time") p GROUP BY ties ORDER BY ties;
-- a covariate that follows from others does not count; one without a finite estimate leaves no prediction; nobody left; nobody at all
SELECT near(p.survival, q.survival) AS collinear FROM (SELECT cox_fit(d, c, ARRAY[x, 2 * x + 1, 5]) f, cox_fit(d, c, x) g FROM (SELECT i * 7919 % 101 AS d, i % 3 = 0 AS c, i * 31 % 17 AS x FROM generate_series(1, 300) i) q) m,
  cox_predict(f, '{4,9,5}', 50) p, cox_predict(g, '{4}', 50) q;
SELECT what, survival, std_error, ci_low, ci_high, note, baseline_times FROM (
  SELECT 'separated', cox_fit(i * 7919 % 101, i % 3 = 0, (i % 3 = 0)::int) FROM generate_series(1, 300) i
  UNION ALL SELECT 'nobody left', cox_fit(i, false, i) FROM generate_series(1, 5) i
  UNION ALL SELECT 'no rows', cox_fit(1, NULL, 1)) q (what, f), cox_predict(f, '{1}', 3), cox_summary(f) s;
SELECT p.* FROM strata, cox_predict(f, '{NULL}', 3) p;
SELECT cox_predict(NULL, '{1}', 1), cox_predict(f, NULL, 1), cox_predict(f, '{1}', NULL), cox_predict(f, '{1}', 1, NULL), cox_predict(f, '{1}', 1, ci => NULL), cox_predict(f, '{1}', 1, confidence => NULL) FROM strata;
SELECT count(*) AS no_rows FROM cox_zph(NULL);
-- covariates far away: certainty, and no rounding beyond it
SELECT x, survival, std_error, ci_low, ci_high FROM (SELECT cox_fit(duration, churned, x[1]) f FROM r_rows WHERE dataset = 'lung') q, unnest('{-1e6,1e6,1e300}'::float8[]) x, cox_predict(f, ARRAY[x], 500);

--
-- The baseline is kept at 4096 times at most: one in plain SQL, Breslow's, is near at all times
--
CREATE TABLE long AS SELECT i, i::float8 AS d, i % 3 > 0 AS c, i % 5 / 4.0 AS x FROM generate_series(1, 30000) i;
CREATE TABLE long_fit AS SELECT cox_fit(d, c, x) f, cox_fit(d, c, ARRAY[x], 'efron', NULL, (i % 900)::text) g FROM long;
SELECT event_times, baseline_times, note FROM long_fit, cox_summary(f);
SELECT event_times, baseline_times BETWEEN 3000 AND 4096 AS kept, strata, note LIKE 'the baseline is kept at % of 20000 times' AS noted FROM long_fit, cox_summary(g);
SELECT max(abs(p.survival - exp(-o.h * exp(b.coefficient * 0.5)))) < 1e-3 AS near, min(p.survival) < 0.01 AS to_the_end FROM long_fit, cox_table(f) b,
  (SELECT d, sum(CASE WHEN c THEN 1 / r ELSE 0 END) OVER (ORDER BY d) AS h FROM (SELECT d, c, sum(exp(coefficient * x)) OVER (ORDER BY d DESC) AS r FROM long, (SELECT coefficient FROM long_fit, cox_table(f)) b) q) o,
  cox_predict(f, '{0.5}', o.d) p WHERE o.d::int % 97 = 0;

--
-- One answer in every way, bit for bit
--
CREATE TABLE many AS SELECT i, (i * 7919 % 1009)::float8 AS d, i % 3 = 0 AS c, CASE WHEN i % 5 = 0 THEN (i * 7919 % 1009) / 2.0 END AS e,
  's' || i * 31 % 17 AS s, 0.25 + i % 7 AS w, 'cluster ' || i % 999 AS k FROM generate_series(1, 20000) i;
ANALYZE many;
CREATE TABLE fitted AS SELECT i % 2 AS part, cox_fit(d, c, ARRAY[i % 11, i % 13], 'efron', e, s, w, k) f FROM many GROUP BY 1;
SELECT count(*) FROM fitted JOIN (SELECT i % 2 AS part, cox_fit(d, c, ARRAY[i % 11, i % 13], 'efron', e, s, w, k ORDER BY s, d, i DESC) f FROM many GROUP BY 1) o
    USING (part) WHERE fitted.f::text = o.f::text;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT cox_fit(d, c, ARRAY[e, d], 'efron', e, s, w, k) FROM many;
SELECT count(*) FROM fitted JOIN (SELECT i % 2 AS part, cox_fit(d, c, ARRAY[i % 11, i % 13], 'efron', e, s, w, k) f FROM many GROUP BY 1) o
    USING (part) WHERE fitted.f::text = o.f::text;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
CREATE AGGREGATE gather(double precision, boolean, double precision[], text, double precision, text, double precision, text)
    (SFUNC = retention_internal.cox_transfn, STYPE = retention_internal.retention_cox_rows);
CREATE AGGREGATE gather(double precision, boolean, double precision[]) (SFUNC = retention_internal.cox_transfn, STYPE = retention_internal.retention_cox_rows);
CREATE AGGREGATE fit_of(retention_internal.retention_cox_rows) (SFUNC = retention_internal.cox_combine,
  STYPE = retention_internal.retention_cox_rows, FINALFUNC = retention_internal.cox_final);
SELECT (SELECT fit_of(r::text::retention_internal.retention_cox_rows)::text FROM (SELECT gather(d, c, ARRAY[i % 11, i % 13], 'efron', CASE WHEN i % 10 > 3 THEN e END, s, w, k) r FROM many GROUP BY i % 10) q)
    = (SELECT cox_fit(d, c, ARRAY[i % 11, i % 13], 'efron', CASE WHEN i % 10 > 3 THEN e END, s, w, k)::text FROM many) AS merged_as_text;
SELECT bool_and(w.f::text = a.f::text) FROM (SELECT i, cox_fit(d, c, ARRAY[i % 5], 'efron', e, s, w, k) OVER (ORDER BY i ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) f
    FROM many WHERE i <= 40) w, LATERAL (SELECT cox_fit(d, c, ARRAY[i % 5], 'efron', e, s, w, k) f FROM many WHERE i BETWEEN w.i - 19 AND w.i) a;
SELECT bool_and(f::text::retention_cox::text = f::text) AS text_round_trip, count(*) FROM (SELECT f FROM fits UNION ALL SELECT f FROM fitted UNION ALL SELECT f FROM long_fit UNION ALL SELECT f FROM strata) q;
-- the model that a call remembers is the one that it is given: in memory, stored out of line, compressed, one after the other
CREATE TABLE stored (n int, f retention_cox);
INSERT INTO stored SELECT part, f FROM fitted;
ALTER TABLE stored ALTER f SET STORAGE external;
INSERT INTO stored SELECT 2 + part, f FROM fitted UNION ALL SELECT 4, f FROM strata;
CREATE TABLE score AS SELECT n, (SELECT p.survival FROM cox_predict(s.f, CASE n WHEN 4 THEN '{1}' ELSE '{2,1}' END::float8[], 10, stratum => CASE n WHEN 4 THEN 's2' ELSE 's3' END) p) AS p FROM stored s;
SELECT count(*) AS calls, count(p.survival) AS known, bool_and(p.survival = score.p) AS same
FROM generate_series(1, 3) again, (SELECT n, f FROM stored UNION ALL SELECT n, f::text::retention_cox FROM stored) s JOIN score USING (n),
  cox_predict(s.f, CASE n WHEN 4 THEN '{1}' ELSE '{2,1}' END::float8[], 10, stratum => CASE n WHEN 4 THEN 's2' ELSE 's3' END) p;

--
-- Logistic regression: R's glm
--
CREATE TABLE logits AS SELECT dataset, logit_fit(churned, x) f FROM r_rows WHERE x IS NOT NULL GROUP BY dataset;
SELECT count(*) AS figures, count(*) FILTER (WHERE near(r.coefficient, t.coefficient) AND near(r.std_error, t.std_error) AND t.note IS NULL
  AND near(t.odds_ratio, exp(r.coefficient)) AND near(t.z, r.coefficient / r.std_error) AND near(t.ci_low, exp(r.coefficient - 1.959963984540054 * r.std_error))) AS as_r
FROM r_logit r LEFT JOIN (SELECT dataset, t.*, row_number() OVER (PARTITION BY dataset) - 1 AS term FROM logits, logit_table(f) t) t USING (dataset, term);
SELECT count(*) AS figures, count(*) FILTER (WHERE (r.customers, r.churned) = (s.customers, s.churned) AND near(r.loglik_null, s.loglik_null) AND near(r.loglik, s.loglik)
  AND near(s.likelihood_ratio, 2 * (r.loglik - r.loglik_null)) AND near(r.score, s.score) AND near(r.wald, s.wald) AND near(r.concordance, s.concordance) AND converged AND note IS NULL) AS as_r
FROM r_logit_summary r JOIN logits USING (dataset) JOIN LATERAL logit_summary(f) s ON true;
SELECT covariate, coefficient::numeric(9, 6), odds_ratio::numeric(12, 6), std_error::numeric(9, 6), ci_low::numeric(12, 6), ci_high::numeric(12, 6), z::numeric(9, 6), p_value::numeric(9, 6), note
FROM logits, logit_table(f, '{age,NULL,karno}', 0.9) WHERE dataset = 'lung';
SELECT customers, churned, unknown, loglik_null::numeric(12, 6), loglik::numeric(12, 6), df, likelihood_ratio::numeric(9, 6), likelihood_ratio_p_value::numeric(9, 6), wald::numeric(9, 6),
  wald_p_value::numeric(9, 6), score::numeric(9, 6), score_p_value::numeric(9, 6), concordance::numeric(9, 6), converged, note FROM logits, logit_summary(f) WHERE dataset = 'lung';
-- one 0/1 covariate: the odds ratio of a table with the limits of Woolf; the score test is Pearson's chi-squared; the area under the curve of one number
SELECT near(t.odds_ratio, d.odds_ratio) AND near(t.ci_low, d.odds_ratio_low) AND near(t.ci_high, d.odds_ratio_high) AS table, near(s.score, r.chi2) AS score
FROM (SELECT logit_fit(churned, (x[2] = 2)::int) f, churn_drivers(churned, x[2] = 2) c FROM r_rows WHERE dataset = 'lung') q, logit_table(f) t, logit_summary(f) s, driver_table(c) d, driver_ranking(c) r
WHERE t.covariate = '1' AND d.value = 'true';
SELECT near(s.concordance, greatest(r.auc, 1 - r.auc)) AS auc FROM (SELECT logit_fit(churned, x[1]) f, churn_drivers(churned, x[1]) c FROM r_rows WHERE dataset = 'lung') q, logit_summary(f) s, driver_ranking(c) r;
-- rows that are left out: NULL covariates, NULL churned; arrays that are NULL are ignored
SELECT customers, churned, unknown FROM (SELECT logit_fit(c, x) FROM (VALUES (true, '{1}'::float8[]), (false, '{2}'), (NULL, '{3}'), (true, '{NULL}'), (true, NULL), (false, '{1}'), (true, '{2}')) v (c, x)) q (f), logit_summary(f);
SELECT logit_fit(true, NULL::float8[]) IS NULL AS nothing, logit_fit(true, 1) FILTER (WHERE false) IS NULL AS no_rows, (logit_summary(logit_fit(true, NULL::float8))).unknown AS unknown;
-- separation: of all, by one value, and not at all; it never raises. Terms beside it are those of the rest
SELECT what, covariate, round(coefficient::numeric, 6) AS coefficient, round(std_error::numeric, 6) AS std_error, note FROM (
  SELECT 1, 'complete', logit_fit(i > 20, ARRAY[i, i * 7 % 11]) FROM generate_series(1, 40) i
  UNION ALL SELECT 2, 'one value', logit_fit(i % 3 = 0 OR i % 5 = 0, ARRAY[(i % 5 = 0)::int, i * 7 % 11]) FROM generate_series(1, 300) i
  UNION ALL SELECT 3, 'one value below', logit_fit(i % 3 = 0 AND i % 5 > 0, ARRAY[(i % 5 = 0)::int, 1]) FROM generate_series(1, 300) i) q (n, what, f), logit_table(f) ORDER BY n, covariate = '(intercept)' DESC, covariate;
SELECT what, df, wald, likelihood_ratio > 50 AS far, concordance > 0.5 AS better, converged, note FROM (
  SELECT 1, 'complete', logit_fit(i > 20, ARRAY[i, i * 7 % 11]) FROM generate_series(1, 40) i
  UNION ALL SELECT 2, 'one value', logit_fit(i % 3 = 0 OR i % 5 = 0, ARRAY[(i % 5 = 0)::int, i * 7 % 11]) FROM generate_series(1, 300) i) q (n, what, f), logit_summary(f) ORDER BY n;
SELECT abs(a.coefficient - b.coefficient) < 1e-6 AS coefficient, abs(a.std_error - b.std_error) < 1e-6 AS std_error FROM
  (SELECT logit_fit(i % 3 = 0 OR i % 5 = 0, ARRAY[(i % 5 = 0)::int, i * 7 % 11]) f, logit_fit(i % 3 = 0, i * 7 % 11) FILTER (WHERE i % 5 > 0) g FROM generate_series(1, 300) i) q, logit_table(f) a, logit_table(g) b
WHERE (a.covariate, b.covariate) IN (('2', '1'));
-- nobody churned, everybody did, no customers; collinear and constant covariates
SELECT what, covariate, coefficient, odds_ratio, std_error, t.note, converged, s.note AS whole FROM (VALUES ('nobody', (SELECT logit_fit(false, i) FROM generate_series(1, 3) i)), ('everybody', (SELECT logit_fit(true, i) FROM generate_series(1, 3) i)),
  ('no customers', (SELECT logit_fit(NULL, 1)))) v (what, f), logit_table(f) t, logit_summary(f) s;
SELECT covariate, round(coefficient::numeric, 6) AS coefficient, note FROM (SELECT logit_fit(i % 3 = 0, ARRAY[i * 7 % 11, 5, 2 * (i * 7 % 11) - 1]) f FROM generate_series(1, 300) i) q, logit_table(f);
-- units do not matter; the intercept is that of the covariates as they are
SELECT near(b.coefficient * 1e-150, a.coefficient) AS unit, near(b.z, a.z) AS z FROM (SELECT logit_fit(churned, x[1]) f, logit_fit(churned, x[1] * 1e-150) g FROM r_rows WHERE dataset = 'lung') q, logit_table(f) a JOIN LATERAL logit_table(g) b USING (covariate) WHERE covariate = '1';
-- numbers that are nearly too small to be one: no estimate, and no error
SELECT count(t.note) AS notes, bool_or(s.converged) AS converged FROM (SELECT logit_fit(i % 2 = 0, i * 5e-324::float8) f FROM generate_series(1, 9) i) q, logit_table(f) t, logit_summary(f) s;
SELECT t.note, p.survival FROM (SELECT cox_fit(i, i % 2 = 0, i * 7 % 9 * 5e-324::float8) f FROM generate_series(1, 9) i) q, cox_table(f) t, cox_predict(f, '{0}', 3) p;
-- one answer in every way
CREATE TABLE logit_many AS SELECT i % 2 AS part, logit_fit(c, ARRAY[i % 11, d]) f FROM many GROUP BY 1;
SELECT count(*) FROM logit_many JOIN (SELECT i % 2 AS part, logit_fit(c, ARRAY[i % 11, d] ORDER BY d, i DESC) f FROM many GROUP BY 1) o USING (part) WHERE logit_many.f::text = o.f::text;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT logit_fit(c, ARRAY[i % 11, d]) FROM many;
SELECT count(*) FROM logit_many JOIN (SELECT i % 2 AS part, logit_fit(c, ARRAY[i % 11, d]) f FROM many GROUP BY 1) o USING (part) WHERE logit_many.f::text = o.f::text;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT bool_and(f::text::retention_logit = f) AS text_round_trip FROM (SELECT f FROM logit_many UNION ALL SELECT f FROM logits) q;
SELECT logit_fit(i % 3 = 0, nullif(i % 7, 2)) = logit_fit(i % 3 = 0, ARRAY[nullif(i % 7, 2)]) AS alone FROM generate_series(1, 50) i;
CREATE AGGREGATE logit_gather(boolean, double precision[]) (SFUNC = retention_internal.logit_transfn, STYPE = retention_internal.retention_cox_rows);
CREATE AGGREGATE logit_of(retention_internal.retention_cox_rows) (SFUNC = retention_internal.cox_combine,
  STYPE = retention_internal.retention_cox_rows, FINALFUNC = retention_internal.logit_final);
SELECT (SELECT logit_of(r::text::retention_internal.retention_cox_rows)::text FROM (SELECT logit_gather(c, ARRAY[i % 11, d]) r FROM many GROUP BY i % 10) q)
    = (SELECT logit_fit(c, ARRAY[i % 11, d])::text FROM many) AS merged_as_text;

--
-- Errors
--
\pset format unaligned
SELECT statement, f.* FROM unnest(ARRAY[
    $$SELECT cox_fit(1, true, ARRAY[1], 'efron', NULL, i::text) FROM generate_series(1, 1001) i$$,
    $$SELECT cox_fit(1, true, ARRAY[1], 'efron', NULL, repeat('x', 1001))$$,
    $$SELECT cox_fit(1, true, ARRAY[1], 'efron', NULL, NULL, -1)$$,
    $$SELECT cox_fit(1, true, ARRAY[1], 'efron', NULL, NULL, 'NaN')$$,
    $$SELECT cox_fit(1, true, ARRAY[1], 'efron', NULL, NULL, 1048577)$$,
    $$SELECT cox_predict(f, '{1}', -1) FROM strata$$,
    $$SELECT cox_predict(f, '{1}', 1, 'NaN') FROM strata$$,
    $$SELECT cox_predict(f, '{1}', 1, 2) FROM strata$$,
    $$SELECT cox_predict(f, '{1,2}', 1) FROM strata$$,
    $$SELECT cox_predict(f, '{}', 1) FROM strata$$,
    $$SELECT cox_predict(f, '{infinity}', 1) FROM strata$$,
    $$SELECT cox_predict(f, '{1}', 1, ci => 'wide') FROM strata$$,
    $$SELECT cox_predict(f, '{1}', 1, confidence => 2) FROM strata$$,
    $$SELECT cox_predict(f, '{1}', 1, stratum => 'a') FROM long_fit$$,
    $$SELECT cox_zph(f, '{a,b}') FROM strata$$,
    $$SELECT fit_of(r) FROM (SELECT gather(1, true, ARRAY[1], 'efron', NULL, NULL, 1, NULL) UNION ALL SELECT gather(1, true, ARRAY[1])) q (r)$$,
    $$SELECT logit_fit(true, '{}'::float8[])$$,
    $$SELECT logit_fit(true, '{1,NaN}'::float8[])$$,
    $$SELECT logit_fit(true, 'infinity'::float8)$$,
    $$SELECT logit_fit(true, array_fill(1.0::float8, ARRAY[101]))$$,
    $$SELECT logit_fit(true, array_fill(1.0::float8, ARRAY[i])) FROM generate_series(1, 2) i$$,
    $$SELECT logit_fit(i = 0, i * 1.5e308::float8) FROM generate_series(-1, 1) i$$,
    $$SELECT logit_table(f, '{a}') FROM logits WHERE dataset = 'lung'$$,
    $$SELECT logit_table(f, confidence => 0) FROM logits WHERE dataset = 'lung'$$,
    $$SELECT fit_of(r) FROM (SELECT logit_gather(true, ARRAY[1])) q (r)$$,
    $$SELECT logit_of(r) FROM (SELECT gather(1, true, ARRAY[1])) q (r)$$,
    $$SELECT logit_of(r) FROM (SELECT logit_gather(true, ARRAY[1]) UNION ALL SELECT gather(1, true, ARRAY[1])) q (r)$$,
    $$SELECT retention_internal.logit_transfn(NULL, true, ARRAY[1])$$,
    $$SELECT 'x'::retention_logit$$
]) WITH ORDINALITY AS s (statement, n), fails(statement) f ORDER BY n;
\pset format aligned

SET client_min_messages = warning;
DROP SCHEMA cox_test CASCADE;
