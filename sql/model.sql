-- Models of purchases, spend and renewals. Customers of published examples come from test/model/data.sql; the figures of
-- a second opinion are those that test/model/model.py prints.
CREATE SCHEMA model_test;
SET search_path = model_test, public;
\set srcdir `echo "${PG_ABS_SRCDIR:-.}"`
\set rows_file :srcdir '/test/model/data.sql'
\set helpers_file :srcdir '/test/helpers.sql'
SET client_min_messages = warning;
\set ECHO none
\i :rows_file
\i :helpers_file
\set ECHO all

-- ---- What a model of known parameters expects ----
CREATE TABLE known (m retention_model);
INSERT INTO known VALUES (retention_model('BG/NBD', '{0.243,4.414,0.793,2.426}')), (retention_model('mbg/nbd', '{0.525,6.183,0.891,1.614}')),
  (retention_model('Pareto/NBD', '{0.553,10.578,0.606,11.669}')), (retention_model('BG/BB', '{1.204,0.750,0.657,2.783}')),
  (retention_model('Gamma-Gamma', '{6.25,3.74,15.44}')), (retention_model('sBG', '{0.668,3.806}'));
SELECT (m).name, p.* FROM known, model_parameters(m) p;
SELECT s.* FROM known, model_summary(m) s;

-- against the second opinion, which integrates over the traits of customers
CREATE TABLE opinion (name text, parameters float8[], x float8, t float8, age float8, horizon float8, log_likelihood float8,
  alive float8, purchases float8, silent float8);
\copy opinion FROM stdin WITH (DELIMITER '|')
BG/NBD|{0.243,4.414,0.793,2.426}|2|30.43|38.86|39|-9.4586063|0.7265786|1.2260282|0.4453729
BG/NBD|{0.243,4.414,0.793,2.426}|0|0|38.86|39|-0.5547133|1.0000000|0.1950981|0.8554495
BG/NBD|{0.243,4.414,0.793,2.426}|5|10|38.86|13|-14.3719324|0.0248044|0.0359610|0.9814532
BG/NBD|{0.243,4.414,0.793,2.426}|0|0|0|52|0.0000000|1.0000000|1.4460506|0.5384027
MBG/NBD|{0.525,6.183,0.891,1.614}|2|30.43|38.86|39|-9.4855513|0.7062023|1.2629606|0.4400059
MBG/NBD|{0.525,6.183,0.891,1.614}|0|0|38.86|39|-0.5398375|0.3897351|0.1540127|0.8911706
MBG/NBD|{0.525,6.183,0.891,1.614}|5|10|38.86|13|-14.3340360|0.0253055|0.0368627|0.9809288
MBG/NBD|{0.525,6.183,0.891,1.614}|0|0|0|52|0.0000000|0.6443114|1.4197238|0.5542787
Pareto/NBD|{0.553,10.578,0.606,11.669}|2|30.43|38.86|39|-9.5542832|0.8691676|1.4551232|0.4080627
Pareto/NBD|{0.553,10.578,0.606,11.669}|0|0|38.86|39|-0.5210463|0.2952866|0.1070815|0.9307148
Pareto/NBD|{0.553,10.578,0.606,11.669}|5|10|38.86|13|-14.6114978|0.0466858|0.0634843|0.9678667
Pareto/NBD|{0.553,10.578,0.606,11.669}|0|0|0|52|0.0000000|1.0000000|1.4729968|0.5738700
Pareto/NBD|{0.8,3,1,9}|2|30.43|38.86|39|-10.6210581|0.7690568|1.4674015|0.4679934
Pareto/NBD|{0.8,3,1,9}|0|0|38.86|39|-0.9333265|0.0580585|0.0316511|0.9815694
Pareto/NBD|{0.8,3,1,9}|5|10|38.86|13|-12.6529131|0.0040848|0.0065090|0.9970365
Pareto/NBD|{0.8,3,1,9}|0|0|0|52|0.0000000|1.0000000|4.5927583|0.3892459
BG/NBD|{0.5,8,1,3}|2|30.43|38.86|39|-9.0327828|0.7089891|1.2074591|0.4470265
BG/NBD|{0.5,8,1,3}|0|0|38.86|39|-0.8838614|1.0000000|0.3645688|0.7387640
BG/NBD|{0.5,8,1,3}|5|10|38.86|13|-14.3629755|0.0350112|0.0487098|0.9740957
BG/NBD|{0.5,8,1,3}|0|0|0|52|0.0000000|1.0000000|1.7851037|0.3651484
\.
SELECT o.name, count(*), max(abs(p_alive(m, x, t, age) - alive)) < 1e-6 AS alive,
  max(abs(expected_purchases(m, x, t, age, horizon) - purchases)) < 1e-6 AS purchases,
  max(abs(p_no_purchase(m, x, t, age, horizon) - silent)) < 1e-6 AS silent
FROM opinion o, LATERAL (SELECT retention_model(o.name, o.parameters) AS m OFFSET 0) q GROUP BY o.name ORDER BY o.name;
-- P(alive) of Pareto/NBD by the printed formula with 60 digits: where its series is short, long, or not used at all
CREATE TABLE digits (parameters float8[], x float8, t float8, age float8, alive float8);
\copy digits FROM stdin WITH (DELIMITER '|')
{0.553,10.578,0.606,11.669}|0.0|0.0|39.0|0.29446703101458643
{0.553,10.578,0.606,11.669}|1.0|0.5|39.0|0.13813073599297923
{0.553,10.578,0.606,11.669}|4.0|38.9999|39.0|0.99999880399649051
{0.553,10.578,0.606,11.669}|254.0|300.0|301.0|0.99700085719933176
{0.553,10.578,0.606,11.669}|12.0|20.0|2000.0|2.7381260938553538e-23
{1.2,30,0.7,4}|0.0|0.0|39.0|0.097532660238209306
{1.2,30,0.7,4}|1.0|0.5|39.0|0.059908572081354593
{1.2,30,0.7,4}|4.0|38.9999|39.0|0.99999837208632122
{1.2,30,0.7,4}|254.0|300.0|301.0|0.99654072036254673
{1.2,30,0.7,4}|12.0|20.0|2000.0|2.8161489570240307e-22
{0.4,3,0.9,40}|0.0|0.0|39.0|0.42802906705433794
{0.4,3,0.9,40}|1.0|0.5|39.0|0.15828273839506069
{0.4,3,0.9,40}|4.0|38.9999|39.0|0.9999988607534541
{0.4,3,0.9,40}|254.0|300.0|301.0|0.99587303868492215
{0.4,3,0.9,40}|12.0|20.0|2000.0|1.2988812115823161e-24
{2,7,1.5,7}|0.0|0.0|39.0|0.003201638116605952
{2,7,1.5,7}|1.0|0.5|39.0|0.0008555372498427805
{2,7,1.5,7}|4.0|38.9999|39.0|0.99999673911094041
{2,7,1.5,7}|254.0|300.0|301.0|0.99242471504390909
{2,7,1.5,7}|12.0|20.0|2000.0|1.0254028260131767e-28
{0.5,1000,0.6,2}|0.0|0.0|39.0|0.16111723025967688
{0.5,1000,0.6,2}|1.0|0.5|39.0|0.17974987014411981
{0.5,1000,0.6,2}|4.0|38.9999|39.0|0.99999853658433508
{0.5,1000,0.6,2}|254.0|300.0|301.0|0.99781160976884365
{0.5,1000,0.6,2}|12.0|20.0|2000.0|1.8472366966329958e-7
{0.5,0.01,20,500}|0.0|0.0|39.0|0.1014177091945528
{0.5,0.01,20,500}|1.0|0.5|39.0|0.010629946603801621
{0.5,0.01,20,500}|4.0|38.9999|39.0|0.99999628940999915
{0.5,0.01,20,500}|254.0|300.0|301.0|0.96166246238160685
{0.5,0.01,20,500}|12.0|20.0|2000.0|3.7174086408833853e-38
{0.00346518,2.63071,369.563,351.385}|0.0|0.0|23.7648|3.1147013038698011e-11
{0.0775502,5.39191,19.0653,92.9888}|0.0|0.0|363.037|5.1411523595482575e-14
{19.8451,324.702,0.0151836,0.00373479}|48.0|10.3893|144.989|2.0361277815216911e-8
\.
SELECT parameters, count(*), max(abs(p_alive(m, x, t, age) / alive - 1)) < 1e-11 AS alive
FROM digits, LATERAL (SELECT retention_model('Pareto/NBD', parameters) AS m OFFSET 0) q GROUP BY parameters ORDER BY parameters;
-- a customer of CDNOW, as published: 1.23 purchases in the next 39 weeks
SELECT round(expected_purchases(m, 2, 30.43, 38.86, 39)::numeric, 3) AS purchases, round(p_alive(m, 2, 30.43, 38.86)::numeric, 4) AS alive
FROM known WHERE (m).name = 'BG/NBD';

-- The probabilities of all numbers of purchases add up to 1, and their mean is the expected number.
SELECT name, count(*), bool_and(abs(sum - 1) < 1e-9) AS sum, bool_and(abs(mean - expected) < 1e-9 * (1 + expected)) AS mean
FROM (SELECT (m).name, sum(p) AS sum, sum(n * p) AS mean, min(expected_purchases(m, t)) AS expected
  FROM known, unnest('{1,7,39}'::float8[]) t, generate_series(0, 700) n, purchase_probability(m, n, t) p
  WHERE (m).name ~ 'B[BD]$' GROUP BY (m).name, t) q GROUP BY name ORDER BY name;
-- the expectation of a new customer, and nobody buys in no time
SELECT (m).name, near(expected_purchases(m, 0, 0, 0, 12) / p_alive(m, 0, 0, 0) * CASE (m).name WHEN 'MBG/NBD' THEN 1.614 / (0.891 + 1.614)
    WHEN 'BG/BB' THEN 2.783 / (0.657 + 2.783) ELSE 1 END, expected_purchases(m, 12)) AS new,
  expected_purchases(m, 2, 3, 9, 0) AS none, p_no_purchase(m, 2, 3, 9, 0) AS surely, purchase_probability(m, 0, 0) AS surely_0
FROM known WHERE (m).name ~ 'B[BD]$' ORDER BY 1;
-- What is long ahead is summed up in another way than what is near; both agree where one takes over, and on the way there
-- the number only grows.
SELECT (m).name, bool_and(e >= before) AS grows, max(e - before) < 1.1 * min(e - before) AS steadily
FROM (SELECT m, t, expected_purchases(m, 20, 37, 39, t) AS e, lag(expected_purchases(m, 20, 37, 39, t)) OVER (PARTITION BY (m).name ORDER BY t) AS before
  FROM known, generate_series(3000, 3060, 1) t WHERE (m).name ~ 'BG/NBD') q WHERE before IS NOT NULL GROUP BY 1 ORDER BY 1;

-- Random models and customers, and extreme ones: a number, and one that can be.
SELECT setseed(0.5);
CREATE TABLE tried AS
SELECT m, x, CASE WHEN x = 0 THEN 0 ELSE least(age, greatest(x, floor(age * part))) END AS t, age, horizon
FROM (SELECT retention_model(name, ARRAY[exp(random() * 12 - 6), exp(random() * 12 - 6), exp(random() * 12 - 6), exp(random() * 12 - 6)]) AS m, name,
    floor(exp(random() * 6 - 1)) AS x, floor(exp(random() * 7)) AS age, random() AS part, floor(exp(random() * 8)) AS horizon
  FROM unnest('{BG/NBD,MBG/NBD,Pareto/NBD,BG/BB}'::text[]) name, generate_series(1, 2000)) q
WHERE x <= age OR name <> 'BG/BB';
INSERT INTO tried SELECT m, 254, 300, 300 + late, 52 FROM known, unnest('{0,1,2000}'::float8[]) late WHERE (m).name ~ 'B[BD]$';
INSERT INTO tried SELECT m, x, least(age, CASE x WHEN 0 THEN 0 ELSE 1e15 END), age, horizon FROM known, unnest('{0,1,1000000,1000000000000000}'::float8[]) x,
  unnest('{0,0.000001,1000000000000000}'::float8[]) age, unnest('{0.000001,1000000000000000}'::float8[]) horizon WHERE (m).name ~ 'NBD$';
SELECT (m).name, count(*) > 1000 AS many, count(*) - count(alive) AS unknown, bool_and(alive BETWEEN 0 AND 1) AS alive,
  bool_and(purchases >= 0 AND purchases < 'infinity') AS purchases, bool_and(silent BETWEEN 0 AND 1) AS silent,
  -- whoever is expected to buy something does so at times, and the other way round; Markov's inequality
  bool_and(1 - silent <= purchases + 1e-6) AS markov
FROM (SELECT m, p_alive(m, x, t, age) AS alive, expected_purchases(m, x, t, age, horizon) AS purchases,
  p_no_purchase(m, x, t, age, horizon) AS silent FROM tried) q GROUP BY 1 ORDER BY 1;

-- Spend: published (Fader and Hardie 2013): the mean of all is p v / (q - 1); who bought more counts more.
SELECT round(expected_spend(m, 0, 0)::numeric, 2) AS new, round(expected_spend(m, 1, 50)::numeric, 2) AS once, round(expected_spend(m, 20, 50)::numeric, 2) AS often,
  expected_spend(m, 3, -5) = expected_spend(m, 3, 0) AS refunds, expected_spend(retention_model('gamma-gamma', '{1,0.5,1}'), 0, 0) AS without_mean
FROM known WHERE (m).name = 'Gamma-Gamma';
-- Lifetime value: without a discount it is purchases times spend; with one, the sum over the steps.
SELECT near(lifetime_value(m, g, 2, 30, 38, 20, 40), expected_purchases(m, 2, 30, 38, 40) * expected_spend(g, 2, 20)) AS plain,
  near(lifetime_value(m, g, 2, 30, 38, 20, 10, 0.01, 0.3, 4), 0.3 * expected_spend(g, 2, 20) * (e4 / 1.01 + (e8 - e4) / 1.01 ^ 2 + (e10 - e8) / 1.01 ^ 2.5)) AS steps,
  lifetime_value(m, g, 2, 30, 38, 20, 0, 0.01) AS none, near(lifetime_value(m, g, 2, 30, 38, 20, 40, 1e-12), lifetime_value(m, g, 2, 30, 38, 20, 40)) AS hardly
FROM (SELECT m, g, expected_purchases(m, 2, 30, 38, 4) AS e4, expected_purchases(m, 2, 30, 38, 8) AS e8, expected_purchases(m, 2, 30, 38, 10) AS e10
  FROM known, (SELECT m AS g FROM known WHERE (m).name = 'Gamma-Gamma') s WHERE (m).name ~ 'B[BD]$') q;

-- many steps: the sum that the functions give, and what lies so far ahead that it is worth nothing
SELECT (m).name, near(lifetime_value(m, g, 2, 30, 38, 20, 400, 0.003), expected_spend(g, 2, 20) * (SELECT sum((e - before) / 1.003 ^ k)
    FROM (SELECT k, e, lag(e, 1, 0::float8) OVER (ORDER BY k) AS before FROM generate_series(1, 400) k, expected_purchases(m, 2, 30, 38, k) e) s)) AS sum,
  near(lifetime_value(m, g, 2, 30, 38, 20, 10000, 0.5), lifetime_value(m, g, 2, 30, 38, 20, 200, 0.5)) AS far
FROM known, (SELECT m AS g FROM known WHERE (m).name = 'Gamma-Gamma') s WHERE (m).name ~ 'B[BD]$';

-- ---- Renewals: Fader and Hardie 2007, table 1: per cent of customers who are still there ----
CREATE TABLE segment AS
SELECT name, t - 1 AS renewal, (percent * 10)::bigint AS alive FROM (VALUES
  ('Regular', '{100,63.1,46.8,38.2,32.6,28.9,26.2,24.1,22.3,20.7,19.4,18.3,17.3}'::numeric[]),
  ('High End', '{100,86.9,74.3,65.3,59.3,55.1,51.7,49.1,46.8,44.5,42.7,40.9,39.4}')) v (name, percents), unnest(percents) WITH ORDINALITY u (percent, t);
CREATE TABLE renewing AS SELECT name, fit_renewal_model(name, renewal::integer, alive) AS m FROM segment WHERE renewal <= 7 GROUP BY name;
-- published: Regular 0.704 and 1.182, High End 0.668 and 3.806
SELECT name, parameter, round(estimate::numeric, 3) AS estimate, round(std_error::numeric, 4) AS std_error, round(ci_low::numeric, 3) AS ci_low, round(ci_high::numeric, 3) AS ci_high
FROM renewing, model_parameters(m) ORDER BY name, parameter;
SELECT name, model, customers, round(log_likelihood::numeric, 4) AS log_likelihood, round(aic::numeric, 3) AS aic, converged, note FROM renewing, model_summary(m) ORDER BY name;
-- in the years that it has not seen it stays within 2 per cent of all
SELECT name, max(abs(100 * renewal_survival(m, renewal) - alive / 10.0)) < 2 AS near FROM renewing JOIN segment USING (name) WHERE renewal > 7 GROUP BY name ORDER BY name;
-- several cohorts at once, and cohorts that are not counted at every renewal or from a later one on
SELECT parameter, round(estimate::numeric, 4) AS estimate FROM (SELECT fit_renewal_model(name, renewal::integer, alive) AS m FROM segment WHERE renewal <= 7) s, model_parameters(m);
SELECT which, parameter, round(estimate::numeric, 3) AS estimate
FROM (SELECT 'every third', fit_renewal_model(NULL, renewal::integer, alive) FROM segment WHERE name = 'High End' AND renewal IN (0, 3, 6)
  UNION ALL SELECT 'from 2 on', fit_renewal_model('', renewal::integer, alive) FROM segment WHERE name = 'High End' AND renewal BETWEEN 2 AND 12) q (which, m), model_parameters(m);
SELECT parameter, estimate > 0 AS estimated, std_error IS NULL AS no_error, ci_low FROM (SELECT fit_renewal_model('a', r, 100 - 10 * r) AS m FROM generate_series(0, 1) r) q, model_parameters(m);
-- curves: against their definition, for contracts that were renewed some times already
SELECT near(renewal_survival(m, 5), renewal_rate(m, 1) * renewal_rate(m, 2) * renewal_rate(m, 3) * renewal_rate(m, 4) * renewal_rate(m, 5)) AS rates,
  near(renewal_survival(m, 5, 3), renewal_survival(m, 5) / renewal_survival(m, 3)) AS given, renewal_survival(m, 0) AS start,
  round(renewal_survival(m, 12)::numeric, 4) AS after_12, round(renewal_rate(m, 1)::numeric, 4) AS first
FROM renewing WHERE name = 'High End';
SELECT name, bool_and(abs(residual_lifetime(m, n, 0.1) - sum) < 1e-9) AS sum, residual_lifetime(min(m::text)::retention_model, 0, 0) AS undiscounted
FROM (SELECT name, m, n, (SELECT sum(renewal_survival(m, n + 1 + k, n) / 1.1 ^ k) FROM generate_series(0, 400) k) AS sum FROM renewing, generate_series(0, 4) n) q
GROUP BY name, m ORDER BY name;
SELECT residual_lifetime(retention_model('sBG', '{3,5}'), 1, 0) AS without_discount, round(residual_lifetime(retention_model('sBG', '{3,5}'), 1, 1e-9)::numeric, 6) AS hardly,
  round(residual_lifetime(retention_model('sBG', '{0.01,0.02}'), 0, 1e-4)::numeric, 3) AS divided, round(residual_lifetime(retention_model('sBG', '{100000,200000}'), 3, 0.05)::numeric, 6) AS alike,
  round((SELECT sum((2.0 / 3) ^ (k + 1) / 1.05 ^ k) FROM generate_series(0, 400) k), 6) AS of_equals;

-- customers who nearly all renew always or never: the mean has tails
SELECT a, b, abs(residual_lifetime(m, 2, 0.1) / (SELECT sum(renewal_survival(m, 3 + k, 2) / 1.1 ^ k) FROM generate_series(0, 400) k) - 1) < 1e-12 AS sum
FROM (VALUES (0.01, 0.01), (0.001, 0.001), (0.001, 1), (1, 0.001)) v (a, b), retention_model('sBG', ARRAY[a, b]) m;
SELECT abs(residual_lifetime(m, 0, 1e-4) / (SELECT sum(renewal_survival(m, 1 + k) / 1.0001 ^ k) FROM generate_series(0, 400000) k) - 1) < 1e-9 AS sum
FROM retention_model('sBG', '{0.01,0.02}') m;
-- large parameters do not lead beyond what can be: no more purchases than opportunities, probabilities from 0 to 1
SELECT round((expected_purchases(m, 1001) - expected_purchases(m, 1000))::numeric, 4) AS one_more FROM retention_model('BG/BB', '{1,1,0.5,2.4e7}') m;
SELECT count(*) > 1000 AS many, bool_and(expected_purchases(m, 0, 0, 50000, h) BETWEEN 0 AND h) AS purchases,
  bool_and(purchase_probability(m, 5, 1000) BETWEEN 0 AND 1 AND (kind = 'BG/BB' OR retention_internal.p_purchase_between(m, 0, 0, 50000, h / 2, h) BETWEEN 0 AND 1)) AS probabilities
FROM unnest('{BG/BB,MBG/NBD,Pareto/NBD}'::text[]) kind, unnest('{1e-12,1,1e12}'::float8[]) a, unnest('{1e-12,1,1e12}'::float8[]) b, unnest('{1e-12,1,1e12}'::float8[]) c,
  unnest('{1e-12,1,1e12}'::float8[]) d, unnest('{0,1,900,2000,50000}'::float8[]) h, retention_model(kind, ARRAY[a, b, c, d]) m WHERE kind = 'BG/BB' OR h > 0;

-- ---- Fits of purchases and spend ----
CREATE TABLE shop AS SELECT name, v[1] AS x, v[2] AS t, v[3] AS age, coalesce(v[4], 1)::bigint AS customers
FROM (SELECT name, string_to_array(btrim(one, E'\n'), ' ')::float8[] AS v FROM sample, regexp_split_to_table(customers, ',') one WHERE name <> 'spend') q;
CREATE TABLE spent AS SELECT v[1]::bigint AS x, v[2]::numeric AS mean, coalesce(v[3], 1)::bigint AS customers
FROM (SELECT string_to_array(btrim(one, E'\n'), ' ')::float8[] AS v FROM sample, regexp_split_to_table(customers, ',') one WHERE name = 'spend') q;
CREATE TABLE fitted AS
SELECT (m).name, m FROM (SELECT fit_purchase_model(v, model) AS m
  FROM (SELECT customer_value(x::bigint, t / 7, age / 7, 0, customers) AS v FROM shop WHERE name = 'cdnow') q, unnest('{BG/NBD,mbg/nbd,Pareto/NBD}'::text[]) model
  UNION ALL SELECT fit_purchase_model(customer_value(x::bigint, t, age, 0, customers), 'BG/BB') FROM shop WHERE name = 'donors'
  UNION ALL SELECT fit_spend_model(customer_value(x, 1, 1, mean, customers)) FROM spent) q;
-- Published: BG/NBD 0.243, 4.414, 0.793, 2.426 and -9582.4; Pareto/NBD 0.553, 10.578, 0.606, 11.669 and -9595.0; BG/BB 1.204, 0.750, 0.657, 2.783
-- and -33225.6; Gamma-Gamma 6.25, 3.74, 15.44. The second opinion has all of these figures, with the standard errors.
SELECT name, parameter, round(estimate::numeric, 4) AS estimate, round(std_error::numeric, 4) AS std_error, round(ci_low::numeric, 3) AS ci_low, round(ci_high::numeric, 3) AS ci_high
FROM fitted, model_parameters(m) WITH ORDINALITY p (parameter, estimate, std_error, ci_low, ci_high, n) ORDER BY name, n;
SELECT s.model, s.customers, round(s.log_likelihood::numeric, 4) AS log_likelihood, round(s.aic::numeric, 3) AS aic, s.converged, s.iterations BETWEEN 20 AND 300 AS iterations, s.note
FROM fitted, model_summary(m) s ORDER BY 1;
-- who never comes again, all alike, nobody: no error
SELECT what, model, converged, CASE WHEN note ~ 'likelihood' THEN 'the likelihood' ELSE note END AS note, customers, (SELECT count(estimate) FROM model_parameters(m)) AS estimates, (SELECT count(std_error) FROM model_parameters(m)) AS errors
FROM (SELECT what, fit_purchase_model(customer_value(x, t, age, 5, n), model) AS m FROM (VALUES ('once', 0, 0.0, 10.0, 1000), ('alike', 3, 8.0, 10.0, 1000), ('one', 2, 5.0, 10.0, 1),
    ('known for no time', 0, 0, 0, 5)) v (what, x, t, age, n), unnest('{BG/NBD,MBG/NBD,Pareto/NBD,BG/BB}'::text[]) model GROUP BY what, model
  UNION ALL SELECT 'refunds', fit_purchase_model(customer_value(1, date '2024-01-01', -5, 'week'), 'BG/NBD')
  UNION ALL SELECT 'refunds', fit_spend_model(customer_value(1, date '2024-01-01', -5, 'week'))
  UNION ALL SELECT 'same spend', fit_spend_model(customer_value(x, 5, 9, 7.5, 100)) FROM generate_series(1, 5) x
  UNION ALL SELECT 'not whole', fit_purchase_model(customer_value(1, 0.5, 9, 7.5), 'BG/BB')
  UNION ALL SELECT 'more than periods', fit_purchase_model(customer_value(3, 2, 9, 7.5), 'BG/BB')
  UNION ALL SELECT 'too many', fit_purchase_model(customer_value(3, 20, 100001, 7.5), 'BG/BB')) q (what, m), model_summary(m) ORDER BY what COLLATE "C", model COLLATE "C";

-- ---- The purchases of a customer, instead of figures ----
CREATE TABLE bought AS SELECT c AS customer, date '2024-01-01' + c % 60 + (k * (c % 17 + 3)) AS at, (c % 13 + k)::numeric - CASE k WHEN 5 THEN 30 ELSE 0 END AS amount
FROM generate_series(1, 400) c, generate_series(0, c % 8) k;
CREATE TABLE each AS SELECT customer, purchases(at, amount, 'week; as_of=2024-07-01') AS p FROM bought GROUP BY customer;
CREATE TABLE weekly AS SELECT fit_purchase_model(customer_value(customer, at, amount, 'week; as_of=2024-07-01'), 'MBG/NBD') AS m,
  fit_spend_model(customer_value(customer, at, amount, 'week; as_of=2024-07-01')) AS s FROM bought;
SELECT (m).unit_days, (m).customers, (m).converged, (s).converged AS spend, (SELECT fit_purchase_model(customer_value(p), 'MBG/NBD') = m FROM each) AS same FROM weekly;
SELECT count(*), bool_and(p_alive(m, p) = p_alive(m, f.frequency, f.recency, f.age)) AS alive,
  bool_and(expected_purchases(m, p, 13) = expected_purchases(m, f.frequency, f.recency, f.age, 13)) AS purchases,
  bool_and(p_no_purchase(m, p, 13) = p_no_purchase(m, f.frequency, f.recency, f.age, 13)) AS silent,
  bool_and(near(expected_spend(s, p), expected_spend(s, f.frequency, f.mean_repeat_amount))) AS spend,
  bool_and(near(lifetime_value(m, s, p, 52, 0.01, 0.5), lifetime_value(m, s, f.frequency, f.recency, f.age, f.mean_repeat_amount::float8, 52, 0.01, 0.5))) AS value
FROM weekly, each, purchase_summary(p) f;
-- later, with models of whole periods, and of customers who are none
SELECT bool_and(p_alive(m, p, '2024-09-01') = p_alive(m, f.frequency, f.recency, f.age)) AS later,
  bool_and(p_alive(b.b, p, '2024-09-01') = p_alive(b.b, w.frequency, w.recency, w.age)) AS whole
FROM weekly, (SELECT m AS b FROM known WHERE (m).name = 'BG/BB') b, each, purchase_summary(p, '2024-09-01') f, purchase_summary(p, '2024-09-01', true) w;
SELECT p_alive(m, r) AS refunds_only, expected_spend(s, r) AS spend, p_alive(m, open) AS without_age, p_alive(m, open, '2024-03-01') > 0 AS with_age, p_alive(m, NULL::retention_purchases) AS nothing
FROM weekly, (SELECT purchases(date '2024-01-01', -5, 'week; as_of=2024-07-01') AS r, purchases(date '2024-01-01', 5, 'week') AS open) q;

-- ---- Which model is right: fitted to what was known before a day, against what came ----
CREATE TABLE compared AS SELECT model_comparison(customer, at, amount, 'week; as_of=2024-07-01', '2024-03-10') AS c FROM bought;
-- against plain SQL: purchase days of customers who bought before the day; amounts below 0 are no purchases
SELECT (c).horizon = 113.0 / 7 AS horizon, (c).purchases = q.purchases AS purchases, (c).active = q.active AS active,
  (SELECT fit_purchase_model((c).known, 'MBG/NBD')) IS NOT DISTINCT FROM (SELECT fit_purchase_model(customer_value(x, t / 7.0, age / 7.0, 0), 'MBG/NBD')
    FROM (SELECT count(DISTINCT at) - 1 AS x, max(at) - min(at) AS t, date '2024-03-09' - min(at) AS age FROM bought WHERE at < '2024-03-10' AND amount >= 0 GROUP BY customer) k) AS known
FROM compared, (SELECT sum(n) AS purchases, count(*) FILTER (WHERE n > 0) AS active
  FROM (SELECT count(DISTINCT at) FILTER (WHERE at >= '2024-03-10') AS n FROM bought WHERE amount >= 0 AND at < '2024-07-01' GROUP BY customer HAVING min(at) < '2024-03-10') k) q;
-- the same in whole weeks, of which the one with the first day held out is held out: the last of them begins on 2024-06-24
SELECT (c).periods, (c).period_purchases = q.purchases AS purchases, (c).period_active = q.active AS active,
  (SELECT array_agg(v ORDER BY v) FROM retention_internal.value_customers((c).known_periods) v) = (SELECT array_agg(v ORDER BY v) FROM (
    SELECT customer_value(s.frequency, s.recency, s.age, 0) AS value FROM (SELECT purchases(at, amount, 'week; as_of=2024-03-04') AS p FROM bought WHERE at < '2024-03-04' GROUP BY customer) k,
    purchase_summary(p, NULL, true) s WHERE s.frequency >= 0) q, retention_internal.value_customers(value) v) AS known
FROM compared, (SELECT sum(n) AS purchases, count(*) FILTER (WHERE n > 0) AS active
  FROM (SELECT count(DISTINCT date_trunc('week', at)) FILTER (WHERE at >= '2024-03-04') AS n FROM bought WHERE amount >= 0 AND at < '2024-07-01' GROUP BY customer HAVING min(at) < '2024-03-04') k) q;
-- a last week that is not over counts nothing, and neither do more periods than a model takes
SELECT (c).periods, (c).period_purchases = (SELECT count(DISTINCT (customer, date_trunc('week', at))) FROM bought b WHERE amount >= 0 AND at >= '2024-03-04' AND at < '2024-04-08'
  AND EXISTS (SELECT FROM bought f WHERE f.customer = b.customer AND f.at < '2024-03-04' AND f.amount >= 0)) AS whole
FROM (SELECT model_comparison(customer, at, amount, 'week; as_of=2024-04-10', '2024-03-10') AS c FROM bought) q;
SELECT (c).known_periods IS NULL AS too_many, (c).horizon > 1000 AS horizon, (SELECT string_agg(model, ' ' ORDER BY model) FROM comparison_table(c)) AS models
FROM (SELECT model_comparison(1, d, 5, 'day; as_of=2024-01-01', '2020-01-01') AS c FROM unnest('{1700-01-01,2021-05-05}'::date[]) d) q;
-- of every type of customer and time, by workers, and row by row in another order
SELECT count(DISTINCT c) AS answers, count(*)
FROM (SELECT c FROM compared
  UNION ALL SELECT model_comparison(customer::text, at::timestamp, amount, 'week; as_of=2024-07-01', '2024-03-10') FROM bought
  UNION ALL SELECT model_comparison(customer::numeric, at::timestamptz, amount, 'week; as_of=2024-07-01', '2024-03-10 12:00') FROM bought
  UNION ALL SELECT model_comparison(md5(customer::text)::uuid, at, amount, 'week; as_of=2024-07-01', '2024-03-10') FROM (SELECT * FROM bought ORDER BY at DESC, amount) b) q;
-- customers who do what BG/NBD says: it expects what comes
CREATE FUNCTION chance(i bigint, salt integer) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT (('x' || left(md5(i || ' ' || salt), 7))::bit(28)::integer + 0.5) / 268435456 $$;
CREATE TABLE simulated AS
SELECT c AS customer, date '2024-01-01' + (c % 60 + 7 * sum(gap) OVER (PARTITION BY c ORDER BY n))::integer AS at
FROM (SELECT c, n, CASE n WHEN 0 THEN 0 ELSE -ln(chance(c, 1000 + n)) / rate END AS gap,
    bool_or(n > 0 AND chance(c, 3000 + n) < p) OVER (PARTITION BY c ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS gone
  FROM (SELECT c, -ln(chance(c, 1)) / 20 AS rate, 1 - chance(c, 2) ^ (1 / 3.0) AS p FROM generate_series(1, 3000) c) k, generate_series(0, 60) n) q WHERE gone IS NOT TRUE;
SELECT model, customers, CASE WHEN converged THEN round(expected_purchases) END AS expected_purchases, actual_purchases,
  CASE WHEN converged THEN round(expected_active) END AS expected_active, actual_active, round(log_likelihood) AS log_likelihood, converged
FROM (SELECT model_comparison(customer, at, 1, 'week; as_of=2026-01-01', '2025-01-01') AS c FROM simulated) q, comparison_table(c);
SELECT model_comparison(customer, at, 1, 'week', '2020-01-01') IS NOT NULL AS nobody_known FROM simulated;
SELECT t.* FROM (SELECT model_comparison(customer, at, 1, 'week; as_of=2024-03-01', '2025-01-01') AS c FROM simulated WHERE customer < 9) q, comparison_table(c) t WHERE expected_purchases > 0;
SELECT (SELECT model_comparison(customer, at, 1, 'week', '2025-01-01') FROM simulated WHERE false) IS NULL AS no_rows;

-- ---- The forecast of a source ----
SELECT retention_source('model_test.shops', 'events', 'model_test.simulated', 'customer', at => 'at', grid => 'month', as_of => $$timestamp '2025-01-01'$$, gone_after => '90 days');
CREATE TABLE renewing_members AS
SELECT c, date '2023-01-01' + (c % 24) * interval '1 month' AS s, date '2023-01-01' + (c % 24) * interval '1 month' + stays * interval '1 month' AS e, 10 + c % 3 AS fee
FROM (SELECT c, floor(ln(chance(c, 5)) / ln(1 - (1 - chance(c, 6) ^ (1 / 4.0))))::integer + 1 AS stays FROM generate_series(1, 6000) c) q;
SELECT retention_source('model_test.members', 'subscriptions', 'model_test.renewing_members', 'c', 's', 'e', amount => 'fee', grid => 'month', as_of => $$timestamp '2025-01-01'$$);
SELECT count(*) > 5 AS views FROM unnest('{shops,members}'::regclass[]) s, retention_create_views(s) v;
-- events: what the functions say of all customers, period by period, and close to what came
SELECT count(*), min(period_start), max(period_end), min(model) AS model, bool_and(abs(f.purchases - e.purchases) < 0.006) AS purchases, bool_and(customers <= f.purchases) AS customers,
  abs(sum(f.purchases) / (SELECT count(*) FROM simulated s WHERE at >= '2025-01-01' AND at < '2026-01-01' AND EXISTS (SELECT FROM simulated o WHERE o.customer = s.customer AND o.at < '2025-01-01')) - 1) < 0.15 AS near, count(revenue) AS revenue
FROM shops_forecast f, (SELECT fit_purchase_model(customer_value(customer, at, 1, 'month; as_of=2025-01-01'), 'MBG/NBD') AS m FROM simulated) q,
  LATERAL (SELECT sum(expected_purchases(m, x - 1, t / 30.436875, age / 30.436875, (period_end - '2025-01-01') / 30.436875)
      - expected_purchases(m, x - 1, t / 30.436875, age / 30.436875, (period_start - '2025-01-01') / 30.436875)) AS purchases
    FROM (SELECT count(DISTINCT at) AS x, max(at) - min(at) AS t, date '2024-12-31' - min(at) AS age FROM simulated WHERE at < '2025-01-01' GROUP BY customer) c) e;
-- who buys in a period is as likely as the difference of who has not bought until its ends says, for those who were there
SELECT name, bool_and(abs(retention_internal.p_purchase_between(m, x, t, age, 0, 9) - (1 - p_no_purchase(m, x, t, age, 9))) < 1e-9) AS from_now,
  bool_and(retention_internal.p_purchase_between(m, x, t, age, 3, 9) BETWEEN 0 AND retention_internal.p_purchase_between(m, x, t, age, 0, 9)) AS later,
  bool_and(abs(retention_internal.p_purchase_between(m, x, t, age, 20, 20.0001) - (expected_purchases(m, x, t, age, 20.0001) - expected_purchases(m, x, t, age, 20))) < 1e-6) AS soon
FROM (SELECT (m).name, m FROM known WHERE (m).name ~ 'NBD') k, (VALUES (0, 0, 30), (1, 5, 30), (7, 28, 30), (254, 29, 30)) v (x, t, age) GROUP BY name ORDER BY name;
-- subscriptions: against who is really there at the end of the periods
SELECT count(*), min(period_start), max(period_end), min(model) AS model, bool_and(abs(customers / there - 1) < 0.06) AS customers, bool_and(abs(revenue / fees - 1) < 0.06) AS revenue, count(purchases) AS purchases
FROM members_forecast, LATERAL (SELECT count(*) AS there, sum(fee) AS fees FROM renewing_members WHERE s < '2025-01-01' AND e >= period_end) l;
CREATE VIEW paid AS SELECT customer, at, (10 + customer % 7 * 5 + customer * 31 % 11)::numeric AS amount FROM simulated;
SELECT retention_source('model_test.spenders', 'events', 'model_test.paid', 'customer', at => 'at', amount => 'amount', grid => 'month', as_of => $$timestamp '2025-01-01'$$);
-- contracts in several currencies: some pay in two, some in none that is named, some have no amount
CREATE VIEW in_currencies AS
SELECT c, s, e, CASE WHEN c % 11 > 0 THEN fee + 0.37 END AS fee, (ARRAY['EUR', 'USD', NULL, CASE WHEN c % 2 = 0 THEN 'GBP' END, 'EUR'])[1 + c % 5] AS currency FROM renewing_members
UNION ALL SELECT c, s, e, 1000.01, 'USD' FROM renewing_members WHERE c % 7 = 0;
SELECT retention_source('model_test.several', 'subscriptions', 'model_test.in_currencies', 'c', 's', 'e', amount => 'fee', segments => '{currency}', grid => 'month', as_of => $$timestamp '2025-01-01'$$);
SELECT count(*) > 5 AS views FROM unnest('{spenders,several}'::regclass[]) s, retention_create_views(s) v;
CREATE FUNCTION months(a timestamp, b timestamp) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT (extract(year FROM age(b, a)) * 12 + extract(month FROM age(b, a)))::integer $$;
CREATE TABLE renewing_fit AS SELECT fit_renewal_model(known::text, r, alive) AS m FROM (
  SELECT known, r, count(*) FILTER (WHERE renewed IS NULL OR renewed >= r) AS alive
  FROM (SELECT months(s, '2025-01-01') - 1 AS known, CASE WHEN e < '2025-01-01' THEN months(s, e) - 1 END AS renewed FROM renewing_members WHERE s < '2025-01-01') t, generate_series(0, known) r GROUP BY 1, 2) a;
-- each currency for itself: what the model of all customers expects of those who are there, with their amounts as they are
SELECT v.currency, count(*) AS periods, min(v.model) AS model, bool_and(v.customers = e.customers) AS customers, bool_and(v.revenue = e.revenue) AS revenue, count(v.purchases) AS purchases
FROM several_forecast v LEFT JOIN LATERAL (
    SELECT round(sum(h.still), 2) AS customers, round(sum(h.amount * h.still), 2) AS revenue
    FROM (SELECT i.c, sum(i.fee) AS amount, renewal_survival((SELECT m FROM renewing_fit), months(i.s, v.period_end) - 1,
        months(i.s, '2025-01-01') - 1)::numeric AS still
      FROM in_currencies i WHERE i.s < '2025-01-01' AND i.e >= '2025-01-01' AND i.currency IS NOT DISTINCT FROM v.currency GROUP BY i.c, i.s) h) e ON true
GROUP BY v.currency ORDER BY v.currency;
-- in the report: the same rows, in a card of their own
CREATE TABLE reports AS SELECT s, retention_report(('model_test.' || s)::regclass) AS r FROM unnest('{members,spenders,several,shops}'::text[]) s;
SELECT s, jsonb_array_length(f) AS periods, f #>> '{0,period_start}' AS first, f #>> '{0,model}' AS model, f = (SELECT jsonb_agg(e.row ORDER BY array_position(ARRAY(SELECT coalesce(c ->> 'currency', '-') FROM jsonb_array_elements(r #> '{money,currencies}') c), coalesce(e.row ->> 'currency', '-')), e.row ->> 'period_start')
    FROM (SELECT 'members' AS s, to_jsonb(v) AS row FROM members_forecast v UNION ALL SELECT 'spenders', to_jsonb(v) FROM spenders_forecast v UNION ALL SELECT 'several', to_jsonb(v) FROM several_forecast v WHERE currency IN ('EUR', 'USD') OR currency IS NULL) e WHERE e.s = q.s) AS same,
  (SELECT count(p ->> 'revenue') FROM jsonb_array_elements(f) p) AS revenue, page ~ '<h2[^>]*>Expected' AS card, substring(page, 'Expected (?:revenue|customers) by month') AS picture,
  (SELECT count(*) FROM regexp_matches(page, 'Dec 2025: expected customers [\d,.]+, expected revenue [\d,.]+', 'g')) AS words
FROM (SELECT s, r, r #> '{money,forecast}' AS f, retention_report_page(r) AS page FROM reports) q ORDER BY s;
-- until an earlier time, and what is no forecast
SELECT retention_report('members', '2024-07-01') #>> '{money,forecast,0,period_start}' AS first, retention_report('members', '2023-01-01') #> '{money,forecast}' AS nobody;
SELECT f, retention_report_page(r || jsonb_build_object('money', jsonb_build_object('forecast', f))) ~ 'Expected' AS shown FROM reports, unnest('{"[]","7",null,"{}"}'::jsonb[]) f WHERE s = 'members';
SELECT retention_report_page(r || '{"money": {"forecast": [{"period_start": "2025-01-01", "model": "<i6>", "customers": 3}]}}') ~ '<i6>' AS raw FROM reports WHERE s = 'members';

-- ---- The purchase model of a source: p_alive in the view customers ----
CREATE TABLE ordered AS SELECT customer, (at + (customer % 24) * interval '1 hour')::timestamp AT TIME ZONE 'Europe/Berlin' AS at, CASE WHEN customer % 7 = 0 AND extract(day FROM at) > 27 THEN -3 ELSE 5 + customer % 11 END::numeric AS amount
FROM simulated WHERE customer <= 500 AND at < '2025-07-01';
INSERT INTO ordered VALUES (9001, '2025-01-01', -5), (NULL, '2025-01-01', 5), (9002, '2025-01-01', NULL);
CREATE TABLE asked (source text, grid text, amount text, of_kind text, unit float8);
INSERT INTO asked VALUES ('in_weeks', 'week; time_zone=Europe/Berlin', 'amount', 'MBG/NBD', 7), ('in_months', 'month; time_zone=Europe/Berlin', NULL, 'MBG/NBD', 7), ('in_hours', '12 hours; time_zone=UTC', 'amount', 'Pareto/NBD', NULL),
  ('in_windows', '30 days; windows=elapsed; time_zone=UTC', NULL, 'Pareto/NBD', 7), ('in_opportunities', '2 weeks; time_zone=Europe/Berlin', 'amount', 'BG/BB', NULL), ('in_facts', '2 weeks; time_zone=UTC', NULL, 'BG/BB', 14);
SELECT count(*) FROM asked, LATERAL retention_source('model_test.' || source, 'events', 'model_test.ordered', 'customer', at => 'at', amount => amount, grid => grid::retention_grid, as_of => $$timestamp '2025-06-20 06:00'$$, gone_after => '90 days');
CREATE FUNCTION asked_model(kind text, unit float8) RETURNS retention_model LANGUAGE sql AS
$$ SELECT ROW((m).name, (m).parameters, NULL, NULL, NULL, NULL, NULL, NULL, unit)::retention_model FROM known WHERE (m).name = kind $$;
SET extra_float_digits = 0;
SELECT count(retention_source_set(source::regclass, purchase_model => asked_model(of_kind, unit))) FROM asked;
CREATE FUNCTION show_customers(source text) RETURNS boolean LANGUAGE sql AS $$
  SELECT retention_internal.source_replace_view('model_test.' || source || '_customers', retention_internal.source_view(retention_internal.source_find(source::regclass), 'customers'), 'customers') $$;
SELECT count(show_customers(source)) FROM asked;
RESET extra_float_digits;
SELECT source, purchase_model FROM retention_sources WHERE purchase_model IS NOT NULL ORDER BY source::text COLLATE "C";
-- against the functions over the purchases of each customer
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;
CREATE FUNCTION alive_differs(source text) RETURNS TABLE (customers bigint, unknown bigint, mean numeric, differ bigint) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$SELECT count(*), count(*) - count(v.p_alive), round(avg(v.p_alive), 3), count(*) FILTER (WHERE (v.p_alive, v.expected_purchases) IS DISTINCT FROM
      (round(p_alive(m, frequency, recency / unit, age / unit)::numeric, 6), round(expected_purchases(m, frequency, recency / unit, age / unit, horizon)::numeric, 6)))
    FROM %1$I_customers v LEFT JOIN (SELECT c.customer, m, u.unit, a.horizon, s.* FROM asked JOIN (VALUES ('in_weeks', 7, 'day; time_zone=Europe/Berlin', 1.0), ('in_months', 7, 'day; time_zone=Europe/Berlin', 30.436875 / 7),
          ('in_hours', 1, 'day; time_zone=UTC', 1), ('in_windows', 7, 'day; time_zone=UTC', 30 / 7.0::float8), ('in_opportunities', 1, '2 weeks; time_zone=Europe/Berlin', 1), ('in_facts', 1, '2 weeks; time_zone=UTC', 1)) a (source, unit, grid, horizon) USING (source),
        LATERAL (SELECT a.unit::float8 AS unit, asked_model(of_kind, asked.unit) AS m) u, LATERAL (SELECT o.customer, purchases(o.at, CASE WHEN asked.amount IS NOT NULL THEN o.amount END, (a.grid || '; as_of=2025-06-20 06:00')::retention_grid) AS p
          FROM ordered o WHERE o.customer IS NOT NULL AND o.at < '2025-06-20 06:00' AT TIME ZONE split_part(a.grid, '=', 2) GROUP BY o.customer) c, purchase_summary(p, NULL, of_kind = 'BG/BB') s
      WHERE asked.source = %1$L) e USING (customer)$q$, source);
END $$;
SELECT source, d.* FROM asked, alive_differs(source) d ORDER BY source;
-- the same over kept facts, which end with the latest row
CREATE VIEW asked_kept AS SELECT * FROM asked WHERE source IN ('in_facts', 'in_windows', 'in_hours');
SELECT count(*) FROM asked_kept, LATERAL retention_source('model_test.kept_' || source, 'events', 'model_test.ordered', 'customer', at => 'at', amount => amount, grid => grid::retention_grid, gone_after => '90 days');
SELECT count(retention_source_set(('kept_' || source)::regclass, purchase_model => asked_model(of_kind, unit))) FROM asked_kept;
SELECT count(show_customers('kept_' || source)) FROM asked_kept;
CREATE FUNCTION alive_rows() RETURNS TABLE (line text) LANGUAGE plpgsql AS $$
DECLARE s text;
BEGIN
  FOR s IN SELECT source FROM asked_kept LOOP
    RETURN QUERY EXECUTE format('SELECT concat_ws('' '', %L, customer, p_alive, expected_purchases) FROM kept_%I_customers', s, s);
  END LOOP;
END $$;
CREATE TABLE alive_before AS SELECT line FROM alive_rows() line;
SELECT count(*) FROM asked_kept, retention_materialize(('kept_' || source)::regclass);
SELECT count(*), (SELECT count(*) FROM alive_before) AS before, count(*) FILTER (WHERE line NOT IN (SELECT line FROM alive_before)) AS differ FROM alive_rows() line;
-- one customer by their key, without their rows where there are no amounts
SET enable_seqscan = off;
ANALYZE kept_in_facts_facts;
SELECT bool_or(line ~ 'kept_in_facts_facts_pkey') AS by_key, bool_or(line ~ 'ordered') AS by_row FROM plan_of('SELECT * FROM kept_in_facts_customers WHERE customer = 7') line;
RESET enable_seqscan;
-- NULL leaves the model, another setting too; a model of NULLs takes it away, and a new one keeps grants
GRANT SELECT ON in_months_customers TO PUBLIC;
SELECT retention_source_set('in_months', top => 3, purchase_model => NULL);
SELECT retention_source_set('in_months', purchase_model => retention_model('BG/NBD', '{0.243,4.414,0.793,2.426}'));
SELECT show_customers('in_months');
SELECT purchase_model, has_table_privilege('pg_monitor', 'in_months_customers', 'SELECT') AS granted, (SELECT near(v.p_alive::float8, round(p_alive(retention_model('BG/NBD', '{0.243,4.414,0.793,2.426}'), frequency, recency / 30.436875, age / 30.436875)::numeric, 6)::float8)
  FROM in_months_customers v, (SELECT purchases(at, NULL, 'day; time_zone=Europe/Berlin; as_of=2025-06-20 06:00') AS p FROM ordered WHERE customer = 7 AND at < '2025-06-20 06:00' AT TIME ZONE 'Europe/Berlin') q, purchase_summary(p) WHERE customer = 7) AS of_the_grid
FROM retention_sources WHERE source = 'in_months'::regclass;
-- the model goes on counting in its unit when the grid changes, or says that it cannot
SELECT retention_source_set('in_months', grid => 'week; time_zone=UTC');
SELECT purchase_model FROM retention_internal.source_setting WHERE source = 'in_months'::regclass;
SELECT f.* FROM fails($$SELECT retention_source_set('in_facts', grid => 'week; time_zone=UTC')$$) f;
SELECT retention_source_set('in_months', purchase_model => '(,,,,,,,,)');
SELECT show_customers('in_months');
SELECT purchase_model, (SELECT count(*) FROM pg_attribute WHERE attrelid = 'in_months_customers'::regclass AND attname ~ 'alive|expected') AS columns FROM retention_sources WHERE source = 'in_months'::regclass;
-- a segment of that name, and what is no model for a source
CREATE VIEW named AS SELECT *, customer % 2 = 0 AS p_alive FROM ordered;
SELECT retention_source('model_test.of_names', 'events', 'model_test.named', 'customer', at => 'at', segments => '{p_alive}', grid => 'month; time_zone=UTC', as_of => $$timestamp '2025-06-20'$$);
SELECT retention_source_set('of_names', purchase_model => (SELECT m FROM known WHERE (m).name = 'BG/NBD'));
SELECT count(*) > 10 AS views FROM retention_create_views('of_names');
SELECT pg_typeof(segment_p_alive), pg_typeof(p_alive) FROM of_names_customers LIMIT 1;
-- another role: it may not set the model of a source of others, sees the rows that it may see, and goes on as the new owner
CREATE ROLE regress_model_other;
GRANT USAGE, CREATE ON SCHEMA model_test TO regress_model_other;
GRANT SELECT ON known, ordered, named, of_names, of_names_customers TO regress_model_other;
ALTER TABLE ordered ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON ordered TO regress_model_other USING (customer < 100);
ALTER VIEW named SET (security_invoker = true);
CREATE TABLE seen_by_owner AS SELECT customer, p_alive FROM of_names_customers;
GRANT SELECT ON seen_by_owner TO regress_model_other;
SET ROLE regress_model_other;
SELECT f.code, f.message FROM fails($$SELECT retention_source_set('of_names', purchase_model => m) FROM known WHERE (m).name = 'BG/NBD'$$) f;
SELECT count(*), count(*) FILTER (WHERE c.p_alive = o.p_alive) AS same, max(customer) FROM of_names_customers c JOIN seen_by_owner o USING (customer);
RESET ROLE;
DO $$ DECLARE v regclass; BEGIN
  FOR v IN SELECT view FROM retention_internal.source_views('of_names') LOOP EXECUTE format('ALTER VIEW %s OWNER TO regress_model_other', v); END LOOP;
END $$;
ALTER VIEW named OWNER TO regress_model_other;
ALTER VIEW of_names OWNER TO regress_model_other;
SET ROLE regress_model_other;
SELECT show_customers('of_names');
SELECT count(*), count(*) FILTER (WHERE c.p_alive = o.p_alive) AS same FROM of_names_customers c JOIN seen_by_owner o USING (customer);
SELECT retention_source_set('of_names', purchase_model => m) FROM known WHERE (m).name = 'MBG/NBD';
SELECT show_customers('of_names');
SELECT count(*), count(*) FILTER (WHERE c.p_alive < o.p_alive) AS less FROM of_names_customers c JOIN seen_by_owner o USING (customer);
RESET ROLE;
SELECT f.* FROM unnest(ARRAY[
    $$SELECT retention_source_set('in_months', purchase_model => m) FROM known WHERE (m).name = 'sBG'$$,
    $$SELECT retention_source_set('in_months', purchase_model => m) FROM known WHERE (m).name = 'Gamma-Gamma'$$,
    $$SELECT retention_source_set('in_months', purchase_model => '(BG/NBG,"{1,1,1,1}",,,,,,,)')$$,
    $$SELECT retention_source_set('in_months', purchase_model => '(BG/NBD,"{1,1,1}",,,,,,,)')$$,
    $$SELECT retention_source_set('in_months', purchase_model => '(,"{1,1,1,1}",,,,,,,)')$$,
    $$SELECT retention_source_set('in_months', purchase_model => fit_purchase_model(customer_value(1, 1, 5, 5), 'BG/NBD'))$$,
    $$SELECT retention_source_set('in_months', purchase_model => '(BG/NBD,"{1,1,1,1}",,5,,f,1,,7)')$$,
    $$SELECT retention_source_set('in_months', purchase_model => '(bg/bb,"{1,1,1,1}",,,,,,,8)')$$,
    $$SELECT retention_source_set('in_months', purchase_model => '(BG/NBD,"{1,1,1,1}",,,,,,,-7)')$$,
    $$SELECT retention_source_set('members', purchase_model => m) FROM known WHERE (m).name = 'BG/NBD'$$]) q, fails(q) f;

-- ---- No answer is no error ----
SELECT fit_renewal_model('a', 1, 5) IS NULL AS nothing FROM segment WHERE false;
SELECT what, converged, CASE WHEN note ~ 'likelihood' THEN 'the likelihood' ELSE note END AS note, customers, (SELECT count(estimate) FROM model_parameters(m)) AS estimates, renewal_rate(m, 1) IS NULL AS unknown
FROM (VALUES ('grows', (SELECT fit_renewal_model('a é', r, 5 + r) FROM generate_series(0, 2) r)),
  ('grows', (SELECT fit_renewal_model(NULL, r, 5 + r) FROM generate_series(0, 2) r)),
  ('nobody', (SELECT fit_renewal_model('a', r, 0) FROM generate_series(0, 2) r)),
  ('nobody leaves', (SELECT fit_renewal_model('a', r, 100) FROM generate_series(0, 2) r)),
  ('all leave', (SELECT fit_renewal_model('a', r, CASE r WHEN 0 THEN 100 ELSE 0 END) FROM generate_series(0, 2) r)),
  ('one count', (SELECT fit_renewal_model('a', 0, 100))),
  ('alike', (SELECT fit_renewal_model('a', r, 1024 >> r) FROM generate_series(0, 6) r))) v (what, m), model_summary(m);
-- rows without a number are left out; rows of one cohort and renewal add up
SELECT a.m = b.m AS same FROM (SELECT fit_renewal_model(name, renewal::integer, n) AS m FROM segment, LATERAL (VALUES (alive / 2), (alive - alive / 2), (NULL)) v (n)) a,
  (SELECT fit_renewal_model(name, renewal::integer, alive) AS m FROM segment) b;
-- NULL in, NULL out; a model that is not known says nothing
SELECT p_alive(NULL, 1, 1, 1) IS NULL AS model, p_alive(m, NULL, 1, 1) IS NULL AS x, (SELECT count(*) FROM model_parameters(NULL)) AS no_parameters,
  p_alive(ROW('BG/NBD', NULL, NULL, 5, NULL, false, 1, 'note', NULL)::retention_model, 1, 1, 1) IS NULL AS unknown FROM known WHERE (m).name = 'BG/NBD';
-- a model as text, as a record, and kept in a table, compressed or not
CREATE TABLE kept (m retention_model);
INSERT INTO kept SELECT m FROM known UNION ALL SELECT m::text::retention_model FROM known UNION ALL SELECT ROW((m).*)::retention_model FROM known
  UNION ALL SELECT ROW((m).name, (m).parameters, NULL, NULL, NULL, NULL, NULL, repeat('x', 5000), NULL)::retention_model FROM known;
SELECT (m).name, count(DISTINCT p_alive(m, 3, 4, 5)) AS answers FROM kept WHERE (m).name ~ 'B[BD]$' GROUP BY 1 ORDER BY 1;
-- models that alternate from row to row
SELECT count(*) FILTER (WHERE p <> p_alive(m, 3, 4, 5)) AS differ, count(DISTINCT p) FROM (SELECT m, p_alive(m, 3, 4, 5) AS p FROM kept, generate_series(1, 3) WHERE (m).name ~ 'B[BD]$') q;

-- ---- Errors ----
SELECT f.* FROM unnest(ARRAY[
    $$SELECT retention_model('BG/NBG', '{1,1,1,1}')$$,
    $$SELECT retention_model('BG/NBD', '{1,1,1}')$$,
    $$SELECT retention_model('sBG', '{{1,1},{1,1}}')$$,
    $$SELECT retention_model('sBG', '{1,NULL}')$$,
    $$SELECT retention_model('sBG', '{1,0}')$$,
    $$SELECT retention_model('sBG', '{1,infinity}')$$,
    $$SELECT retention_model('Gamma-Gamma', '{NaN,1,1}')$$,
    $$SELECT p_alive(m, -1, 0, 1) FROM known LIMIT 1$$,
    $$SELECT p_alive(m, 1.5, 0, 1) FROM known LIMIT 1$$,
    $$SELECT p_alive(m, 'NaN', 0, 1) FROM known LIMIT 1$$,
    $$SELECT p_alive(m, 1, 2, 1) FROM known LIMIT 1$$,
    $$SELECT p_alive(m, 1, 'infinity', 'infinity') FROM known LIMIT 1$$,
    $$SELECT p_alive(m, 0, 1, 2) FROM known LIMIT 1$$,
    $$SELECT p_alive(m, 1, 1, 2) FROM known WHERE (m).name = 'sBG'$$,
    $$SELECT p_alive(m, 2, 1, 3) FROM known WHERE (m).name = 'BG/BB'$$,
    $$SELECT p_alive(m, 1, 1.5, 3) FROM known WHERE (m).name = 'BG/BB'$$,
    $$SELECT expected_purchases(m, 1, 1, 3, 0.5) FROM known WHERE (m).name = 'BG/BB'$$,
    $$SELECT expected_purchases(m, 1, 1, 90000, 90000) FROM known WHERE (m).name = 'BG/BB'$$,
    $$SELECT expected_purchases(m, 1, 1, 3, -1) FROM known LIMIT 1$$,
    $$SELECT expected_purchases(m, -1) FROM known LIMIT 1$$,
    $$SELECT purchase_probability(m, 0.5, 1) FROM known LIMIT 1$$,
    $$SELECT expected_spend(m, 1, 1) FROM known LIMIT 1$$,
    $$SELECT expected_spend(m, 1, 'NaN') FROM known WHERE (m).name = 'Gamma-Gamma'$$,
    $$SELECT lifetime_value(m, m, 1, 1, 3, 5, 10) FROM known LIMIT 1$$,
    $$SELECT lifetime_value(m, retention_model('Gamma-Gamma', '{1,2,3}'), 1, 1, 3, 5, 10, -0.1) FROM known LIMIT 1$$,
    $$SELECT lifetime_value(m, retention_model('Gamma-Gamma', '{1,2,3}'), 1, 1, 3, 5, 10, 0.1, 1, 0) FROM known LIMIT 1$$,
    $$SELECT lifetime_value(m, retention_model('Gamma-Gamma', '{1,2,3}'), 1, 1, 3, 5, 10, 0.1, 1, 0.5) FROM known WHERE (m).name = 'BG/BB'$$,
    $$SELECT lifetime_value(m, retention_model('Gamma-Gamma', '{1,2,3}'), 1, 1, 3, 5, 1e9, 0.1) FROM known LIMIT 1$$,
    $$SELECT lifetime_value(m, retention_model('Gamma-Gamma', '{1,2,3}'), 1, 1, 3, 5, 10000.5, 0.1) FROM known LIMIT 1$$,
    $$SELECT renewal_survival(m, 1) FROM known LIMIT 1$$,
    $$SELECT renewal_survival(m, 1, 2) FROM renewing LIMIT 1$$,
    $$SELECT renewal_rate(m, 0) FROM renewing LIMIT 1$$,
    $$SELECT residual_lifetime(m, -1, 0.1) FROM renewing LIMIT 1$$,
    $$SELECT residual_lifetime(m, 1, -0.1) FROM renewing LIMIT 1$$,
    $$SELECT fit_purchase_model(customer_value(1, 1, 5, 5), 'sBG')$$,
    $$SELECT p_alive(m, purchases(date '2024-01-01', 5, 'month; as_of=2024-03-01')) FROM weekly GROUP BY m$$,
    $$SELECT lifetime_value(m, s, p, -1) FROM weekly, each$$,
    $$SELECT model_comparison(1, date '2024-01-01', 5, 'week', NULL::date)$$,
    $$SELECT model_comparison(1, date '2024-01-01', 5, 'week', date 'infinity')$$,
    $$SELECT model_comparison(1, date '2024-01-01', 5, 'hour', date '2024-01-01')$$,
    $$SELECT model_comparison(1, date '2024-01-01', 5, 'week', date '2024-01-01' + i) FROM generate_series(1, 2) i$$,
    $$SELECT retention_internal.model_comparison_final((SELECT s FROM (SELECT retention_internal.population_events_transfn(NULL, 1::bigint, 1::bigint, 1, 1, 1, 1) s) q))$$,
    $$SELECT fit_renewal_model('a', -1, 5)$$,
    $$SELECT fit_renewal_model('a', 1, -5)$$,
    $$SELECT fit_renewal_model('a', i, 9223372036854775807) FROM unnest('{1,1}'::integer[]) i$$,
    $$SELECT fit_renewal_model(i::text, 1, 5) FROM generate_series(1, 10001) i$$,
    $$SELECT fit_renewal_model(repeat('x', 9000000) || i, 1, 5) FROM generate_series(1, 2) i$$,
    $$SELECT model_parameters(m, 1) FROM known LIMIT 1$$,
    $$SELECT p_alive(ROW(NULL, '{1,1}', NULL, 5, NULL, false, 1, 'note', NULL)::retention_model, 1, 1, 1)$$,
    $$SELECT p_alive(ROW('BG/NBD', '{1,1}', NULL, 5, NULL, false, 1, 'note', NULL)::retention_model, 1, 1, 1)$$,
    $$SELECT model_parameters(ROW('sBG', '{1,1}', '{1}', 5, NULL, false, 1, 'note', NULL)::retention_model)$$,
    $$SELECT p_alive(ROW('BG/NBD', '{1,1,1,-1}', NULL, 5, NULL, false, 1, 'note', NULL)::retention_model, 1, 1, 1)$$,
    $$SELECT retention_internal.renewals_transfn(NULL, 'a', 1, 5)$$]) q, fails(q) f;

-- ---- The state of a fit ----
CREATE AGGREGATE renewals_state(text, integer, bigint) (SFUNC = retention_internal.renewals_transfn, STYPE = retention_internal.retention_renewals);
CREATE AGGREGATE renewals_of(retention_internal.retention_renewals) (SFUNC = retention_internal.renewals_combine,
  STYPE = retention_internal.retention_renewals, FINALFUNC = retention_internal.renewals_final);
CREATE TABLE many_renewals AS SELECT NULLIF('c' || c % 7, 'c3') AS cohort, r, 1000 / (1 + r) + c % 5 AS alive FROM generate_series(1, 50) c, generate_series(0, c % 12) r;
-- from rows, from parts, as text, by workers
SELECT count(DISTINCT m) AS models, count(*), bool_and((m).converged) AS converged
FROM (SELECT fit_renewal_model(cohort, r, alive) AS m FROM many_renewals
  UNION ALL SELECT fit_renewal_model(cohort, r, alive) FROM (SELECT * FROM many_renewals ORDER BY alive, r) q
  UNION ALL SELECT renewals_of(s) FROM (SELECT renewals_state(cohort, r, alive) AS s FROM many_renewals GROUP BY r % 3) q
  UNION ALL SELECT renewals_of(s::text::retention_internal.retention_renewals) FROM (SELECT renewals_state(cohort, r, alive) AS s FROM many_renewals GROUP BY r % 3) q) q;
-- changed bytes
SELECT DISTINCT code FROM (SELECT renewals_state(cohort, r, alive)::text AS s FROM many_renewals WHERE r < 3) q, generate_series(0, length(s) / 2 - 1) i,
  unnest(ARRAY[1, 2, 128]) flip,
  LATERAL (SELECT encode(set_byte(decode(s, 'hex'), i, get_byte(decode(s, 'hex'), i) # flip), 'hex') AS changed) c,
  LATERAL fails(format('SELECT renewals_of(%L::retention_internal.retention_renewals)', changed)) f ORDER BY code;

SET client_min_messages = warning;
DROP SCHEMA model_test CASCADE;
DROP ROLE regress_model_other;
