-- Speed of the module survival, to be run in an empty database against the plain (not sanitised) build:
--
--     psql -X -v rows=10000000 -v cox_rows=1000000 -f test/bench/survival.sql
--
-- Compare figures of one run with each other only: the machine may be doing other things.
\set ON_ERROR_STOP on
CREATE EXTENSION IF NOT EXISTS retention;
CREATE UNLOGGED TABLE stays AS
SELECT (random() * 3649)::integer::double precision AS duration, random() < 0.4 AS churned,
    (ARRAY['monthly', 'yearly', 'two years', 'trial', 'student'])[1 + i % 5] AS contract
FROM generate_series(1, :rows) i;
VACUUM ANALYZE stays;
CREATE UNLOGGED TABLE risks AS
SELECT ceil(-ln(1 - random()) * 900 * exp(-0.3 * a + 0.2 * b))::double precision AS duration, random() < 0.6 AS churned, a, b,
    random() AS c, random() AS d, (random() < 0.5)::integer::double precision AS e, (random() < 0.1)::integer::double precision AS f,
    random() * random() AS g, random() + a AS h
FROM (SELECT random() AS a, random() AS b FROM generate_series(1, :cox_rows)) q;
VACUUM ANALYZE risks;
CREATE TABLE state AS SELECT survival(duration, churned) AS s FROM stays;
SET max_parallel_workers_per_gather = 0;
\timing on
\echo max(duration), bool_or(churned)
SELECT max(duration), bool_or(churned) FROM stays;
SELECT max(duration), bool_or(churned) FROM stays;
\echo survival
SELECT (y).distinct_times FROM (SELECT survival_summary(survival(duration, churned)) y FROM stays) q;
SELECT (y).distinct_times FROM (SELECT survival_summary(survival(duration, churned)) y FROM stays) q;
\echo survival with weights of 1.5
SELECT (y).distinct_times FROM (SELECT survival_summary(survival(duration, churned, NULL, 1.5)) y FROM stays) q;
\echo the curve from the state
SELECT count(*) FROM state, survival_curve(s);
SELECT count(*) FROM state, survival_curve(s);
\echo max(duration), bool_or(churned), max(contract)
SELECT max(duration), bool_or(churned), max(contract COLLATE "C") FROM stays;
\echo logrank_test, 5 groups
SELECT (logrank_test(duration, churned, contract)).df FROM stays;
SELECT (logrank_test(duration, churned, contract)).df FROM stays;
\echo max(duration), bool_or(churned) again
SELECT max(duration), bool_or(churned) FROM stays;
\echo cumulative_incidence, 5 causes
SELECT cumulative_incidence(duration, CASE WHEN churned THEN contract END) IS NULL FROM stays;
\echo cox_fit, 8 covariates
SELECT (cox_summary(cox_fit(duration, churned, ARRAY[a, b, c, d, e, f, g, h]))).* FROM risks;
\echo cox_fit with strata, weights and clusters
SELECT (cox_summary(cox_fit(duration, churned, ARRAY[a, b, c, d, e, f, g, h], 'efron', NULL, e::text, 1 + f / 2, (a * 1000)::int::text))).converged FROM risks;
CREATE TABLE model AS SELECT cox_fit(duration, churned, ARRAY[a, b, c, d, e, f, g, h]) AS fit FROM risks;
\echo cox_predict for every customer
SELECT sum(p.survival) FROM model, risks, cox_predict(fit, ARRAY[a, b, c, d, e, f, g, h], 400, 100) p;
\echo logit_fit, 8 covariates
SELECT (logit_summary(logit_fit(churned, ARRAY[a, b, c, d, e, f, g, h]))).converged FROM risks;
\echo survival_drivers, 2 attributes
SELECT survival_drivers(duration, churned, r) IS NULL FROM risks, LATERAL (SELECT e > 0 AS e, f > 0 AS f) r;
\echo the same rows, only built
SELECT max(duration), bool_or(churned), max(ARRAY[a, b, c, d, e, f, g, h]) FROM risks;
SET max_parallel_workers_per_gather = 2;
\echo with 2 workers: max, survival, logrank_test, cox_fit
SELECT max(duration), bool_or(churned) FROM stays;
SELECT (y).distinct_times FROM (SELECT survival_summary(survival(duration, churned)) y FROM stays) q;
SELECT (logrank_test(duration, churned, contract)).df FROM stays;
SELECT (cox_summary(cox_fit(duration, churned, ARRAY[a, b, c, d, e, f, g, h]))).loglik FROM risks;
