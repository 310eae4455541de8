-- Speed of the models, to be run in an empty database against the plain (not sanitised) build:
--
--     psql -X -v rows=2000000 -v customers=10000000 -f test/bench/models.sql
--
-- Compare figures of one run with each other only: the machine may be doing other things.
\set ON_ERROR_STOP on
CREATE EXTENSION IF NOT EXISTS retention;
CREATE UNLOGGED TABLE history AS
SELECT (i % 20)::double precision AS x, CASE i % 20 WHEN 0 THEN 0 ELSE (i % 300) / 10.0 END::double precision AS t, 39::double precision AS age
FROM generate_series(1, :rows) i;
VACUUM ANALYZE history;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
\timing on
\echo count(x), sum(t)
SELECT count(x), sum(t) FROM history;
SELECT count(x), sum(t) FROM history;
\echo p_alive: BG/NBD, MBG/NBD, Pareto/NBD
SELECT sum(p_alive(retention_model('BG/NBD', '{0.243,4.414,0.793,2.426}'), x, t, age)) FROM history;
SELECT sum(p_alive(retention_model('MBG/NBD', '{0.525,6.183,0.891,1.614}'), x, t, age)) FROM history;
SELECT sum(p_alive(retention_model('Pareto/NBD', '{0.553,10.578,0.606,11.669}'), x, t, age)) FROM history;
\echo expected_purchases, BG/NBD
SELECT sum(expected_purchases(retention_model('BG/NBD', '{0.243,4.414,0.793,2.426}'), x, t, age, 39)) FROM history;
\timing off
CREATE UNLOGGED TABLE purchase AS
SELECT i % :customers AS customer, date '2024-01-01' + ((i * 7919 + i / :customers * 131) % 360)::integer AS at, (i % 97)::numeric AS amount
FROM generate_series(1::bigint, :customers::bigint * 3 / 2) i;
VACUUM ANALYZE purchase;
\timing on
\echo customers grouped and fitted, serial and with a worker
SELECT (fit_purchase_model(customer_value(customer, at, amount, 'week; as_of=2025-01-01'), 'BG/NBD')).note FROM purchase;
SET max_parallel_workers_per_gather = 1;
SELECT (fit_purchase_model(customer_value(customer, at, amount, 'week; as_of=2025-01-01'), 'BG/NBD')).note FROM purchase;
