-- Revenue: contracts with an amount per month.
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET intervalstyle = 'postgres';

-- ---- Figures from amounts that are there already ----
SELECT every, monthly_amount(120, every) FROM unnest('{1 month,3 months,1 year,2 years 6 months,7 days,4 weeks,1 day,10 days,364 days,365 days}'::interval[]) AS every;
SELECT monthly_amount(-99.99, '1 year'), monthly_amount(0, '1 day'), monthly_amount(1e20, '1 week'), monthly_amount(NULL, '1 day') AS nothing;
SELECT monthly_amount(1, '0');
SELECT monthly_amount(1, '-1 month');
SELECT monthly_amount(1, '1 month 3 days');
SELECT monthly_amount(1, '24 hours');
SELECT monthly_amount(1, '1 day -1 hour');
SELECT monthly_amount('NaN', '1 day');

SELECT net_revenue_retention(100000, 12000, 3000, 5000), gross_revenue_retention(100000, 3000, 5000), quick_ratio(20000, 12000, 3000, 5000);
SELECT net_revenue_retention(0, 1, 0, 0) AS no_base, gross_revenue_retention(0, 0, 0) AS no_base, quick_ratio(5, 5, 0, 0) AS no_loss, quick_ratio(0, 0, 1, 0);
SELECT net_revenue_retention(-1, 0, 0, 0);
SELECT gross_revenue_retention(100, -3, 0);
SELECT gross_revenue_retention(100, 3, -1);
SELECT net_revenue_retention(100, 'NaN', 0, 0);
SELECT net_revenue_retention(100, 'Infinity', 0, 0);
SELECT quick_ratio(-1, 0, 1, 1);
-- nobody loses more than they paid
SELECT gross_revenue_retention(100, 60, 40) AS all_lost, net_revenue_retention(100, 5, 60, 40) AS only_won, gross_revenue_retention(0, 200, 300) AS no_base;
SELECT gross_revenue_retention(100, 200, 300);
SELECT net_revenue_retention(100, 450, 60, 40.01);
-- 5 % churn a month: 20 months; a discount of 1 % a month
SELECT simple_lifetime_value(30, 5), round(simple_lifetime_value(30, 5, 1), 6) AS discounted, simple_lifetime_value(30, 0) AS never_leaves,
  simple_lifetime_value(30, 0, 1) AS perpetuity, simple_lifetime_value(30, 100) AS one_period, simple_lifetime_value(-2, 5) AS negative;
SELECT simple_lifetime_value(30, 101);
SELECT simple_lifetime_value(30, -1);
SELECT simple_lifetime_value(30, 5, -1);
SELECT simple_lifetime_value('NaN', 5);

-- ---- Documented examples ----
-- ChartMogul, "Understanding MRR movements" (help.chartmogul.com, article 201244842): Syncalytics takes four Gold yearly plans (2,000 a
-- year), adds two Silver monthly plans (60), cancels these, does not renew Gold, and comes back with three Gold monthly plans.
CREATE TABLE syncalytics (started date, ended date, amount numeric);
INSERT INTO syncalytics VALUES ('2023-01-10', '2024-01-10', round(monthly_amount(2000, '1 year'), 2)), ('2023-01-14', '2023-01-28', 60), ('2024-03-05', NULL, 150);
SELECT c.* FROM (SELECT mrr_history(started, ended, amount) AS mrr FROM syncalytics) q, mrr_changes(mrr) c;
-- The same, "Net MRR churn rate" (article 4414075567250): 100 at the start; 10 lost to churn, 10 to contraction, 10 won by expansion:
-- gross 20 %, net 10 %.
CREATE TABLE example (customer text, started date, ended date, amount numeric);
INSERT INTO example VALUES ('leaves', '2024-01-01', '2024-02-10', 10), ('shrinks', '2024-01-01', '2024-02-11', 50), ('shrinks', '2024-02-11', NULL, 40),
  ('grows', '2024-01-01', '2024-02-12', 40), ('grows', '2024-02-12', NULL, 50), ('comes', '2024-03-01', NULL, 1);
SELECT opening_mrr, expansion_mrr, contraction_mrr, churned_mrr, closing_mrr, gross_mrr_churn_rate, net_mrr_churn_rate, net_revenue_retention, gross_revenue_retention
FROM (SELECT mrr_movements(customer, started, ended, amount, 'month', '[2024-02-01,2024-03-01)') m FROM example) q, revenue_periods(m);
-- Stripe, "Billing metric definitions" (docs.stripe.com/billing/subscriptions/analytics/glossary): 100 subscribers at 100 a month and 50
-- at 600 a year have an MRR of 12,500 (the page writes 800 / 12 in the sum, but computes with 600). A subscription for 1,200 a year counts 100
-- (support.stripe.com/questions/billing-analytics); trials do not count.
SELECT closing_mrr, closing_customers, arpa, unpaid_customers, monthly_amount(1200, '1 year') AS yearly
FROM (SELECT mrr_movements(c, date '2024-01-05', NULL, CASE WHEN c <= 100 THEN 100 WHEN c <= 150 THEN monthly_amount(600, '1 year') END,
    'month; as_of=2024-02-01', '[2024-01-01,2024-02-01)') m FROM generate_series(1, 157) c) q, revenue_periods(m);

-- ---- By hand ----
CREATE TABLE contract (customer text, started date, ended date, amount numeric, currency text, involuntary boolean);
INSERT INTO contract VALUES
  ('Ann',  '2024-01-10', NULL, 100, 'EUR', NULL),
  ('Ben',  '2024-01-15', '2024-03-10', 50, 'EUR', true), ('Ben', '2024-03-20', NULL, 70.5, 'EUR', NULL), -- left and came back within a period
  ('Cleo', '2024-02-01', '2024-03-01', 30, 'USD', false), ('Cleo', '2024-03-01', NULL, 30, 'EUR', NULL),  -- another currency
  ('Dan',  '2024-02-02', '2024-02-20', 0, 'EUR', NULL), ('Dan', '2024-02-20', NULL, NULL, 'EUR', NULL),   -- a trial
  ('Eve',  '2024-01-01', '2024-04-02', 10, 'EUR', false), ('Eve', '2024-02-10', '2024-03-10', -4, 'EUR', NULL), -- a discount for a month
  ('Finn', '2024-03-03', '2024-03-20', 20, 'EUR', true),                                                   -- only in between
  ('Gus',  '2024-02-01', '2024-02-01', 99, 'EUR', NULL),                                                   -- never there
  (NULL,   '2024-02-01', NULL, 1000, 'EUR', NULL), ('Hal', NULL, NULL, 1000, 'EUR', NULL);                 -- ignored
CREATE VIEW state AS SELECT mrr_movements(customer, started, ended, amount, 'month', daterange('2024-01-01', '2024-06-01'), currency, involuntary) AS m FROM contract;
SELECT period_start, status, currency, opening_mrr AS opening, new_mrr AS new, reactivation_mrr AS back, expansion_mrr AS more, contraction_mrr AS less,
  churned_mrr AS churned, closing_mrr AS closing, opening_customers AS o, new_customers AS n, reactivated_customers AS r, expanded_customers AS e,
  contracted_customers AS k, churned_customers AS c, closing_customers AS cl, unpaid_customers AS u FROM state, revenue_periods(m);
SELECT period_start, currency, round(net_revenue_retention, 3) AS nrr, nrr_low, nrr_high, round(gross_revenue_retention, 3) AS grr, grr_low, grr_high,
  round(gross_mrr_churn_rate, 3) AS gross, round(net_mrr_churn_rate, 3) AS net, round(quick_ratio, 3) AS quick, round(arpa, 3) AS arpa FROM state, revenue_periods(m);
-- every change
SELECT period_start, currency, new_mrr AS new, reactivation_mrr AS back, expansion_mrr AS more, contraction_mrr AS less, churned_mrr AS churned,
  new_customers AS n, reactivated_customers AS r, expanded_customers AS e, contracted_customers AS k, churned_customers AS c
FROM state, revenue_periods(m, 'event') WHERE currency = 'EUR';
SELECT period_start, currency, involuntary, mrr, customers FROM state, revenue_movements(m, 'event') WHERE movement = 'churn' ORDER BY 2, 1, 3;
SELECT DISTINCT movement, involuntary FROM (SELECT mrr_movements(customer, started, ended, amount, 'month', daterange('2024-01-01', '2024-06-01')) AS m FROM contract) q,
  revenue_movements(m) ORDER BY 1;
SELECT customer, c.* FROM (SELECT customer, mrr_history(started, ended, amount, currency, involuntary) AS mrr FROM contract GROUP BY customer) q, mrr_changes(mrr) c
WHERE customer IN ('Cleo', 'Eve') ORDER BY customer, at, currency;
SELECT m AS summary FROM state;
SELECT mrr_history(started, ended, amount, currency) FROM contract WHERE customer = 'Ben';

-- A gap of exactly 30 days is a reactivation, a longer one is new again; in net the first return of the period decides
CREATE TABLE gap (customer bigint, started timestamptz, ended timestamptz);
INSERT INTO gap VALUES (1, '2024-01-01', '2024-02-01 12:00'), (1, '2024-03-02 12:00', NULL), (2, '2024-01-01', '2024-02-01 12:00'), (2, '2024-03-02 12:00:00.000001', NULL),
  (3, '2024-01-01', '2024-01-20'), (3, '2024-03-10', '2024-03-11'), (3, '2024-03-12', NULL), (4, '2024-01-01', '2024-02-29'), (4, '2024-03-31', NULL);
SELECT grid, g.grain, new_customers, reactivated_customers, new_mrr, reactivation_mrr, churned_mrr FROM unnest('{month,month; reactivation_within=30 days,month; reactivation_within=720 hours,month; reactivation_within=1 month}'::text[]) grid,
  LATERAL (SELECT mrr_movements(customer, started, ended, 10, grid, '[2024-03-01,2024-04-01)') m FROM gap) q, (VALUES ('net'), ('event')) g (grain), revenue_periods(m, g.grain);
-- months keep the wall-clock time of the grid's zone: from 10:00 in winter to 10:00 in summer
SELECT reactivated_customers FROM (SELECT mrr_movements(1, started, ended, 10, 'month; time_zone=Europe/Berlin; reactivation_within=1 month',
    tstzrange('2024-03-01 00:00+01', '2024-05-01 00:00+02')) m
  FROM (VALUES (timestamptz '2024-01-01', timestamptz '2024-02-29 10:00+01'), ('2024-03-29 10:00+01', '2024-03-30 10:00+01'), ('2024-04-30 10:00+02', NULL)) v (started, ended)) q,
  revenue_periods_at(m, 'event') WHERE period_start > '2024-03-30';

-- Sums below zero count as they are, without a customer; an amount of NULL or 0 is presence
SELECT period_start, opening_mrr AS opening, new_mrr AS new, reactivation_mrr AS back, expansion_mrr AS more, contraction_mrr AS less, churned_mrr AS churned, closing_mrr AS closing,
  closing_customers AS n, expanded_customers AS e, contracted_customers AS k, unpaid_customers AS u, net_revenue_retention AS nrr, gross_mrr_churn_rate AS gross
FROM (SELECT mrr_movements(1, started, ended, amount, 'month; as_of=2024-07-01', '[2024-01-01,2024-07-01)') m
  FROM (VALUES (date '2024-01-05', date '2024-06-10', -20), ('2024-02-05', NULL, 15), ('2024-03-05', NULL, 30), ('2024-04-05', '2024-05-05', -25)) v (started, ended, amount)) q, revenue_periods(m);

-- Before the span; since ever; after as_of; a span without a period; nothing
SELECT period_start, opening_mrr, opening_customers, closing_mrr, unpaid_customers FROM (SELECT mrr_movements(c, started, ended, amount, 'month; as_of=2024-03-01', '[2024-02-01,2024-06-01)') m
  FROM (VALUES (1, date '-infinity', date 'infinity', 5), (2, '2023-01-01', '2024-02-10', 7), (3, '2023-01-01', NULL, 0), (4, '2024-03-01', NULL, 100), (5, '2024-02-01', '2024-03-01', 11),
    (6, 'infinity', NULL, 1)) v (c, started, ended, amount)) q, revenue_periods(m);
SELECT count(*) FROM (SELECT mrr_movements(1, date '2024-01-01', NULL, 5, 'month', '[2024-01-02,2024-02-20)') m) q, revenue_periods(m);
SELECT mrr_movements(customer, started, ended, 1, 'month', '[2024-01-01,2024-02-01)') FROM contract WHERE false;
SELECT mrr_movements(customer, started, ended, 1, 'month', '[2024-01-01,2024-02-01)') IS NULL AS all_ignored FROM contract WHERE customer IS NULL OR started IS NULL;
SELECT mrr_history(started, ended, amount) IS NULL AS all_ignored FROM contract WHERE started IS NULL;
SELECT rollup(m) IS NULL AS nothing FROM state WHERE false;
SELECT count(*) FROM revenue_periods(NULL), mrr_changes(NULL), revenue_movements(NULL);
SELECT count(*) AS rows FROM (SELECT mrr_movements(1, date '2024-01-02', date '2024-01-02', 5, 'month', '[2024-01-01,2024-02-01)') m) q, revenue_periods(m);
-- the last row is known: without an as_of a period is over after its last day has a row
SELECT started, count(*) FILTER (WHERE status = 'observed') AS observed, count(*) AS rows
FROM (SELECT started, mrr_movements(1, started, NULL, 5, 'month', '[2024-02-01,2024-04-01)') m FROM (VALUES (date '2024-02-28'), ('2024-02-29'), ('2024-03-01')) v (started) GROUP BY 1) q,
  revenue_periods(m) GROUP BY 1 ORDER BY 1;
-- planned ends: without an as_of they count as known, as in a flow; with it they are no knowledge
SELECT coalesce(as_of::text, 'none') AS as_of, period_start, r.status, r.closing_mrr, f.status AS flow FROM unnest('{NULL,2024-03-10}'::timestamp[]) as_of,
  LATERAL (SELECT mrr_movements(c, started, ended, 5, retention_grid('month', as_of => as_of), '[2024-02-01,2024-06-01)') m, customer_flow(c, started, ended, retention_grid('month', as_of => as_of), '[2024-02-01,2024-06-01)') f
    FROM (VALUES (1, date '2024-01-05', date '2024-05-01'), (2, '2024-03-02', NULL)) v (c, started, ended)) q, revenue_periods(m) r FULL JOIN LATERAL flow_periods(f) f USING (period_start) ORDER BY as_of IS NOT NULL, 2;
-- hours, and periods that do not begin at midnight
SELECT period_start, new_mrr FROM (SELECT mrr_movements(1, timestamp '2024-01-01 11:30', NULL, 5, '12 hours; time_zone=UTC', '[2024-01-01,2024-01-02)') m) q, revenue_periods_at(m);
SELECT count(*) FROM (SELECT mrr_movements(1, timestamp '2024-01-01 13:30', NULL, 5, '12 hours; time_zone=UTC', '[2024-01-01,2024-01-02)') m) q, revenue_periods(m);

-- Amounts: decimals as the data have, six at most; beyond 64 bits in sums; out of range
SELECT amount, closing_mrr FROM (SELECT amount, mrr_movements(1, date '2024-01-02', NULL, amount, 'month', '[2024-01-01,2024-02-01)') m
  FROM unnest('{5,6.00,5.1234565,5.1234564,-0.0000005,0.00000049}'::numeric[]) amount GROUP BY 1) q, revenue_periods(m) ORDER BY 1;
SELECT closing_mrr, closing_customers FROM (SELECT mrr_movements(c, date '2024-01-02', NULL, 9000000000000, 'month', '[2024-01-01,2024-02-01)') m FROM generate_series(1, 1000) c) q, revenue_periods(m);
SELECT mrr_movements(1, date '2024-01-02', NULL, 1e13, 'month', '[2024-01-01,2024-02-01)');
SELECT mrr_movements(1, date '2024-01-02', NULL, 'NaN', 'month', '[2024-01-01,2024-02-01)');
SELECT mrr_movements(1, date '2024-01-02', NULL, 'Infinity', 'month', '[2024-01-01,2024-02-01)');
SELECT mrr_movements(c, date '2024-01-02', NULL, 9000000000000.000001, 'month', '[2024-01-01,2024-02-01)') FROM generate_series(1, 3) c;

-- ---- Errors ----
SELECT mrr_movements(7, date '2024-01-02', date '2024-01-01', 5, 'month', '[2024-01-01,2024-02-01)');
SELECT mrr_history(date '2024-01-02', date '2024-01-01', 5);
SELECT mrr_movements(7, date '2024-01-02', NULL, 5, NULL::retention_grid, '[2024-01-01,2024-02-01)');
SELECT mrr_movements(7, date '2024-01-02', NULL, 5, 'month', NULL::daterange);
SELECT mrr_movements(7, date '2024-01-02', NULL, 5, 'month', '[2024-01-01,)');
SELECT mrr_movements(7, date '2024-01-02', NULL, 5, 'month', 'empty');
SELECT mrr_movements(7, date '2024-01-02', NULL, 5, 'day', '[1000-01-01,2024-02-01)');
SELECT mrr_movements(7, date '2024-01-02', NULL, 5, 'month; min_events=2', '[2024-01-01,2024-02-01)');
SELECT mrr_movements(7, date '2024-01-02', NULL, 5, 'month; reactivation_within=5 hours', '[2024-01-01,2024-02-01)');
SELECT mrr_movements(7, date '2024-01-02', NULL, 5, g, '[2024-01-01,2024-02-01)') FROM unnest('{month,week}'::retention_grid[]) g;
SELECT mrr_movements(7, date '2024-01-02', NULL, 5, 'month', s::retention_span) FROM unnest('{"[2024-01-01,2024-02-01)","[2024-01-01,2024-03-01)"}'::daterange[]) s;
SELECT mrr_movements(7, date '2024-01-02', NULL, 5, 'month', '[2024-01-01,2024-02-01)', repeat('é', 32));
SELECT closing_mrr FROM (SELECT mrr_movements(7, date '2024-01-02', NULL, 5, 'month', '[2024-01-01,2024-02-01)', repeat('x', 63)) m) q, revenue_periods(m);
SELECT mrr_movements(1, date '2024-01-02', NULL, 5, 'month', '[2024-01-01,2024-02-01)', c::text) IS NULL FROM generate_series(1, 1001) c;
SELECT count(*) FROM state, revenue_periods(m, 'gross');
SELECT count(*) FROM state, revenue_periods(m, confidence => 1);
SELECT count(*) FROM state, revenue_movements(m, 'nett');
SELECT rollup(m) FROM (SELECT mrr_movements(1, date '2024-01-02', NULL, 5, 'month', s::retention_span) m FROM unnest('{"[2024-01-01,2024-02-01)","[2024-01-01,2024-03-01)"}'::daterange[]) s GROUP BY s) q;
SELECT rollup(m) FROM (SELECT mrr_movements(1, date '2024-01-02', NULL, 5, g, '[2024-01-01,2024-02-01)') m FROM unnest('{month,week}'::retention_grid[]) g GROUP BY g) q;
SELECT mrr_union(m) FROM (SELECT mrr_history(date '2024-01-01', NULL, 1) m UNION ALL SELECT mrr_history(timestamp '2024-01-01', NULL, 1)) u;

-- ---- Trials ----
CREATE TABLE trial (customer int, started date, converted date);
INSERT INTO trial VALUES (1, '2024-01-01', '2024-01-15'), (2, '2024-01-31', '2024-02-14'), (3, '2024-01-31', '2024-02-15'), (4, '2024-01-02', NULL), (5, '2024-01-20', '2024-01-20'),
  (6, '2024-02-10', '2024-02-20'), (7, '2024-02-29', '2024-03-14'), (8, '2024-02-15', NULL), (9, '2024-04-01', '2024-04-02'), (10, '2024-04-09', NULL), (11, NULL, '2024-01-01'), (12, '2024-04-30', '2024-05-01');
SELECT c.* FROM (SELECT trial_conversion(started, converted, 'month; as_of=2024-04-10', '14 days') t FROM trial) q, trial_cells(t) c;
-- without an as_of: known until the last row; March has no trials, and what is not over is partial
SELECT cohort, trials, converted, round(conversion_rate, 2) AS rate, status FROM (SELECT trial_conversion(started, converted, 'month', '1 month') t FROM trial) q, trial_cells(t, 0.9);
-- the last day on which a trial of January can convert is 14 February
SELECT as_of, status, converted, conversion_rate FROM (SELECT as_of, trial_conversion(started, converted, retention_grid('month', as_of => as_of), '14 days') t
  FROM trial, unnest('{2024-02-14,2024-02-15}'::timestamp[]) as_of GROUP BY as_of) q, trial_cells(t) WHERE cohort = '2024-01-01' ORDER BY as_of;
SELECT trial_conversion(started, converted, 'month', '14 days') FROM trial;
SELECT trial_conversion(started, converted, 'month', '14 days') IS NULL AS nothing FROM trial WHERE started IS NULL;
-- 1 - Kaplan-Meier at 14 days is the same, where everybody has had the time
SELECT round(100 * (1 - survival_at(s, 14))::numeric, 6) AS kaplan_meier, (SELECT round(conversion_rate, 6) FROM trial_cells(t)) AS conversion_rate
FROM (SELECT survival(coalesce(converted, date '2024-04-10') - started, converted IS NOT NULL AND converted < '2024-04-10') AS s, trial_conversion(started, converted, 'year; as_of=2025-01-15', '14 days') AS t
  FROM trial WHERE started < '2024-03-01') q;
-- plain SQL, random rows, every way
CREATE TABLE trials AS SELECT i, date '2023-01-01' + (h % 500)::int AS started, CASE WHEN h % 3 > 0 THEN date '2023-01-01' + (h % 500)::int + (h / 1000 % 60)::int END AS converted
FROM generate_series(1, 3000) i, abs(hashint8extended(i, 5)) h;
ANALYZE trials;
CREATE VIEW conversion AS SELECT trial_conversion(started, converted, 'week; as_of=2024-04-10', '30 days') AS t FROM trials;
SELECT count(*) > 60 AS many, count(*) FILTER (WHERE (c.trials, c.converted, c.status, c.conversion_rate) IS DISTINCT FROM (e.n, e.k, e.status, CASE e.status WHEN 'observed' THEN trim_scale(100 * e.k::numeric / e.n) END)) AS wrong
FROM conversion, trial_cells(t) c FULL JOIN (
  SELECT date_trunc('week', started)::date AS cohort, count(*) AS n, count(*) FILTER (WHERE converted <= started + 30 AND converted < '2024-04-10') AS k,
    CASE WHEN date_trunc('week', started)::date + 7 + 30 <= '2024-04-10' THEN 'observed' ELSE 'partial' END AS status
  FROM trials WHERE started < '2024-04-10' GROUP BY 1, 4) e USING (cohort);
SELECT (SELECT rollup(t)::text FROM (SELECT trial_conversion(started, converted, 'week; as_of=2024-04-10', '30 days') AS t FROM trials GROUP BY i % 7) q) = t::text AS rollup,
  (SELECT trial_conversion(started, converted, 'week; as_of=2024-04-10', '30 days' ORDER BY i DESC)::text FROM trials) = t::text AS another_order,
  split_part(t::text, ' ', -1)::retention_trials = t AS digits,
  (SELECT count(*) FROM (SELECT trial_conversion(started::timestamp, converted::timestamp, 'week; as_of=2024-04-10', '30 days') AS l,
      trial_conversion(started::timestamptz, converted::timestamptz, 'week; as_of=2024-04-10', '720 hours') AS i FROM trials) k, trial_cells(k.l) a FULL JOIN trial_cells(k.i) b USING (cohort)
    FULL JOIN trial_cells(t) c USING (cohort) WHERE (a.converted, a.trials, a.status) IS DISTINCT FROM (b.converted, b.trials, b.status) OR (a.converted, a.trials, a.status) IS DISTINCT FROM (c.converted, c.trials, c.status)) AS other_times_differ
FROM conversion;
-- up for renewal: of the contracts whose term ends in the period, who was left by then, or within a grace time
SELECT c.* FROM (SELECT up_for_renewal(term_ends, ended, 'month; as_of=2024-05-01', '7 days') r FROM (VALUES (date '2024-01-31', NULL), ('2024-01-15', date '2024-01-15'), ('2024-01-20', '2023-11-01'),
  ('2024-02-10', '2024-02-17'), ('2024-02-10', '2024-02-18'), ('2024-04-28', '2024-04-29'), ('2024-06-01', '2024-04-01'), (NULL, '2024-01-01')) v (term_ends, ended)) q, renewal_cells(r) c;
SELECT trial_conversion(date '2024-01-02', date '2024-01-01', 'month', '14 days');
SELECT trial_conversion(date '2024-01-02', NULL, NULL, '14 days');
SELECT trial_conversion(date '2024-01-02', NULL, 'month', NULL);
SELECT trial_conversion(date '2024-01-02', NULL, 'month', '0');
SELECT trial_conversion(date '2024-01-02', NULL, 'month', '1 month 1 day');
SELECT trial_conversion(date '2024-01-02', NULL, 'month', '12 hours');
SELECT trial_conversion(date '2024-01-02', NULL, 'month; windows=elapsed', '1 day');
SELECT trial_conversion(date '2024-01-02', NULL, 'month', w) FROM unnest('{1 day,2 days}'::interval[]) w;
SELECT trial_conversion(date '2024-01-02', NULL, g, '1 day') FROM unnest('{month,week}'::retention_grid[]) g;
SELECT trial_conversion(d, NULL, 'day', '1 day') FROM unnest('{1500-01-01,2024-01-01}'::date[]) d;
SELECT trial_conversion('-infinity'::date, NULL, 'month', '1 day');
SELECT trial_conversion('infinity'::date, NULL, 'month', '1 day');
SELECT cohort, converted, status FROM (SELECT trial_conversion(timestamp '2024-01-01', 'infinity', 'month', '1 day') t) q, trial_cells(t);
SELECT renewal_cells(t) FROM conversion;
SELECT trial_cells(up_for_renewal(date '2024-01-02', NULL, 'month; as_of=2024-03-01', '1 day'));
-- terms end in the future: without an as_of they would all be known and nobody would have left
SELECT up_for_renewal(date '2024-01-02', NULL, 'month', '1 day');
SELECT r.* FROM (SELECT up_for_renewal(d, NULL, 'month; as_of=2024-03-10', '1 day') AS s FROM unnest('{2024-01-02,2024-03-02,2024-03-20,2034-01-01}'::date[]) d) q, renewal_cells(s) r;
SELECT trial_cells(t, 0) FROM conversion;
SELECT trial_cells(trial_conversion(timestamp '2024-01-01 13:00', NULL, '6 hours', '1 day'));
SELECT cohort, status FROM (SELECT trial_conversion(timestamp '2024-01-01 13:00', NULL, '6 hours', '1 day') t) q, trial_cells_at(t);
SELECT period_start, due, status FROM (SELECT up_for_renewal(timestamp '2024-01-01 13:00', NULL, '6 hours; as_of=2024-01-02', '1 day') t) q, renewal_cells_at(t);
DROP TABLE trial, trials CASCADE;

-- ---- A thousand random sets of contracts: against plain SQL, and every way to the same bits ----
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0; -- the oracle is slow enough
\set oracle `echo "${PG_ABS_SRCDIR:-.}/test/oracle"`
\set oracle_revenue :oracle /revenue.sql
\i :oracle_revenue
CREATE FUNCTION compare(gap interval, as_of date, first date, until date, OUT rows bigint, OUT wrong bigint, OUT observed bigint) LANGUAGE plpgsql AS $$
DECLARE
  grid retention_grid := retention_grid('month', time_zone => 'UTC', as_of => as_of, reactivation_within => gap);
BEGIN
  DROP TABLE IF EXISTS want, have;
  CREATE TEMP TABLE want AS SELECT * FROM oracle_revenue(gap, as_of, first, until, '1 month');
  CREATE TEMP TABLE have AS
  SELECT q.set, g.grain, r.period_start, r.period_end, r.status, coalesce(r.currency, '(none)') AS currency, r.opening_mrr, r.new_mrr, r.reactivation_mrr,
    r.expansion_mrr, r.contraction_mrr, r.churned_mrr, r.closing_mrr, r.opening_customers, r.new_customers, r.reactivated_customers, r.expanded_customers,
    r.contracted_customers, r.churned_customers, r.closing_customers, round(r.net_revenue_retention, 10) AS net_revenue_retention, round(r.nrr_low, 4) AS nrr_low,
    round(r.nrr_high, 4) AS nrr_high, round(r.gross_revenue_retention, 10) AS gross_revenue_retention, round(r.grr_low, 4) AS grr_low, round(r.grr_high, 4) AS grr_high,
    round(r.gross_mrr_churn_rate, 10) AS gross_mrr_churn_rate, round(r.net_mrr_churn_rate, 10) AS net_mrr_churn_rate, round(r.quick_ratio, 10) AS quick_ratio,
    round(r.arpa, 10) AS arpa, r.unpaid_customers, v.voluntary, v.involuntary
  FROM (SELECT c.set, mrr_movements(c.customer, c.started, c.ended, c.amount, grid, daterange(first, until), c.currency, c.involuntary) AS m FROM oracle_contract c GROUP BY 1) q,
    (VALUES ('net'), ('event')) g (grain), revenue_periods(m, g.grain) r,
    LATERAL (SELECT coalesce(sum(x.mrr) FILTER (WHERE NOT x.involuntary), 0) AS voluntary, coalesce(sum(x.mrr) FILTER (WHERE x.involuntary), 0) AS involuntary
      FROM revenue_movements(m, g.grain) x WHERE x.period_start = r.period_start AND x.currency IS NOT DISTINCT FROM r.currency AND x.movement = 'churn') v;
  SELECT count(*), count(*) FILTER (WHERE status = 'observed') INTO rows, observed FROM have;
  SELECT count(*) INTO wrong FROM ((TABLE have EXCEPT TABLE want) UNION ALL (TABLE want EXCEPT TABLE have)) x;
END $$;
SELECT rows > 50000 AS many, wrong, observed > 50000 AS observed FROM compare(NULL, NULL, '2024-02-01', '2025-02-01');
SELECT rows > 50000 AS many, wrong, observed < rows AS partial FROM compare('30 days', '2024-12-15', '2024-02-01', '2025-02-01');
-- identity and carry-over, per currency, in both grains
CREATE TABLE parts AS
SELECT set, mrr_movements(customer, started, ended, amount, 'month; reactivation_within=30 days; as_of=2025-03-01', '[2023-12-01,2025-03-01)', currency, involuntary) AS m
FROM oracle_contract GROUP BY set;
SELECT grain, count(*) > 10000 AS many,
  count(*) FILTER (WHERE opening_mrr + new_mrr + reactivation_mrr + expansion_mrr - contraction_mrr - churned_mrr <> closing_mrr) AS amounts,
  count(*) FILTER (WHERE opening_customers + new_customers + reactivated_customers - churned_customers <> closing_customers) AS customers,
  count(*) FILTER (WHERE closing_mrr <> next_mrr OR closing_customers <> next_customers) AS carry_over
FROM (SELECT g.grain, r.*, lead(opening_mrr) OVER w AS next_mrr, lead(opening_customers) OVER w AS next_customers
  FROM parts, (VALUES ('net'), ('event')) g (grain), revenue_periods(m, g.grain) r WINDOW w AS (PARTITION BY set, g.grain, r.currency ORDER BY period_start)) q GROUP BY grain ORDER BY grain;
-- over disjoint sets, the summary of all is the sum of the summaries: amounts per currency, rates not
SELECT count(*) > 30 AS many, count(*) FILTER (WHERE (a.opening_mrr, a.new_mrr, a.reactivation_mrr, a.expansion_mrr, a.contraction_mrr, a.churned_mrr, a.closing_mrr, a.closing_customers, a.unpaid_customers)
  IS DISTINCT FROM (s.opening_mrr, s.new_mrr, s.reactivation_mrr, s.expansion_mrr, s.contraction_mrr, s.churned_mrr, s.closing_mrr, s.closing_customers, s.unpaid_customers)) AS wrong
FROM (SELECT rollup(m) AS m FROM parts) t CROSS JOIN LATERAL revenue_periods(t.m) a
  LEFT JOIN (SELECT r.currency, r.period_start, sum(r.opening_mrr) AS opening_mrr, sum(r.new_mrr) AS new_mrr, sum(r.reactivation_mrr) AS reactivation_mrr, sum(r.expansion_mrr) AS expansion_mrr,
      sum(r.contraction_mrr) AS contraction_mrr, sum(r.churned_mrr) AS churned_mrr, sum(r.closing_mrr) AS closing_mrr, sum(r.closing_customers) AS closing_customers, sum(r.unpaid_customers) AS unpaid_customers
    FROM parts, revenue_periods(m) r GROUP BY 1, 2) s ON s.period_start = a.period_start AND s.currency IS NOT DISTINCT FROM a.currency;
-- ---- The views of a source and the money section of a report ----
CREATE TABLE subscription AS
SELECT 'c' || h % 300 AS customer, (ARRAY['basic', 'pro', NULL])[1 + h % 3] AS plan, date '2024-01-01' + (h % 500)::int AS started,
  CASE WHEN h % 4 > 0 THEN date '2024-01-01' + (h % 500)::int + (h / 7 % 300)::int END AS ended, (h % 9) * 5 AS amount, (ARRAY['EUR', 'USD'])[1 + h / 3 % 2] AS currency,
  (ARRAY['payment failed', 'low usage', NULL])[1 + h / 11 % 3] AS why
FROM generate_series(1, 900) i, abs(hashint8extended(i, 3)) h;
CREATE FUNCTION make_source(name text, relation text) RETURNS bigint LANGUAGE sql AS $$
  SELECT retention_source(name, 'subscriptions', relation::regclass, 'customer', started => 'started', ended => 'ended', segments => '{plan,currency}', amount => 'amount', reason => 'why',
    grid => 'month; time_zone=UTC; reactivation_within=90 days', as_of => $q$date '2026-01-15'$q$);
  SELECT count(*) FROM retention_create_views(name::regclass) $$;
SELECT make_source('subs', 'subscription') > 10 AS views;
SELECT view FROM retention_create_views('subs') WHERE view ~ 'revenue';
-- the view is the aggregate over the rows, with six decimals of rates
SELECT count(*) > 40 AS many, count(*) FILTER (WHERE (SELECT jsonb_object_agg(key, CASE WHEN jsonb_typeof(value) = 'number' THEN to_jsonb(round((value #>> '{}')::numeric, 6)) ELSE value END) FROM jsonb_each(to_jsonb(v)))
  IS DISTINCT FROM (SELECT jsonb_object_agg(key, CASE WHEN jsonb_typeof(value) = 'number' THEN to_jsonb(round((value #>> '{}')::numeric, 6)) ELSE value END) FROM jsonb_each(to_jsonb(r)))) AS wrong
FROM subs_revenue v FULL JOIN (SELECT r.* FROM (SELECT mrr_movements(customer, started, ended, amount, 'month; time_zone=UTC; reactivation_within=90 days; as_of=2026-01-15', daterange('2024-01-01', '2027-01-01'), currency) AS m
  FROM subscription) q, revenue_periods(m) r) r USING (currency, period_start);
-- each value of a segment, NULL too, is the view of a source of these customers alone
CREATE FUNCTION differs(segment text, value text, OUT rows bigint, OUT differ bigint) LANGUAGE plpgsql AS $$
BEGIN
  DROP VIEW IF EXISTS of_value CASCADE;
  EXECUTE format('CREATE VIEW of_value AS SELECT * FROM subscription WHERE customer IN (SELECT customer FROM (SELECT DISTINCT ON (customer) customer, %1$I AS v FROM subscription
    ORDER BY customer, started < coalesce(ended, ''infinity'') DESC, started, %1$I) q WHERE v IS NOT DISTINCT FROM %2$L)', segment, value);
  PERFORM make_source('part', 'of_value');
  SELECT count(*) FILTER (WHERE p IS NOT NULL), count(*) FILTER (WHERE to_jsonb(p) IS DISTINCT FROM to_jsonb(s) - 'segment' - 'value') INTO rows, differ
  FROM part_revenue p FULL JOIN (SELECT * FROM subs_revenue_by_segment s WHERE s.segment = $1 AND s.value IS NOT DISTINCT FROM $2) s USING (currency, period_start);
END $$;
SELECT segment, value, rows > 20 AS many, differ FROM (VALUES ('plan', 'basic'), ('plan', 'pro'), ('plan', NULL), ('currency', 'EUR')) v (segment, value), differs(segment, value);
-- and all values of a segment add up
SELECT segment, count(*) FILTER (WHERE (s.opening_mrr, s.closing_mrr, s.new_customers) IS DISTINCT FROM (v.opening_mrr, v.closing_mrr, v.new_customers)) AS wrong
FROM (SELECT segment, currency, period_start, sum(opening_mrr) AS opening_mrr, sum(closing_mrr) AS closing_mrr, sum(new_customers) AS new_customers FROM subs_revenue_by_segment GROUP BY 1, 2, 3) s
  JOIN subs_revenue v USING (currency, period_start) GROUP BY segment ORDER BY segment;
SELECT r -> 'money' ->> 'kind' AS kind, c ->> 'currency' AS currency, jsonb_array_length(c -> 'periods') AS periods,
  (SELECT count(*) FROM jsonb_populate_recordset(NULL::subs_revenue, c -> 'periods') j JOIN subs_revenue v ON v.currency = c ->> 'currency' AND v.period_start = j.period_start
    AND (v.closing_mrr, v.nrr_low, v.grr_high, v.unpaid_customers) IS NOT DISTINCT FROM (j.closing_mrr, j.nrr_low, j.grr_high, j.unpaid_customers)) AS same,
  (SELECT h -> 'value' FROM jsonb_array_elements(r -> 'headline') h WHERE h ->> 'name' = 'revenue') AS headline
FROM retention_report('subs') r, jsonb_array_elements(r -> 'money' -> 'currencies') c;
SELECT page ~ 'Recurring revenue, EUR' AS bridge, page ~ 'Revenue kept, USD' AS kept, (SELECT count(*) FROM regexp_matches(page, '<svg[^>]*retention-plot (?:bridge|kept)"', 'g')) AS pictures, (SELECT count(*) FROM regexp_matches(page, '<title>Dec 2025: (?:net|gross) ', 'g')) AS points FROM retention_report_html('subs') page;
SELECT retention_report_page(retention_report('subs') || '{"money": {"kind": "contracts", "currencies": [{"currency": "<i5>", "periods": []}, {}, 7]}}') ~ '<i5>' AS raw;
DROP VIEW subs, part, of_value CASCADE;
DROP TABLE subscription;
DROP FUNCTION make_source, differs;

DROP TABLE syncalytics, example, contract, gap, oracle_contract, parts CASCADE;
DROP FUNCTION compare, oracle_changes, oracle_revenue;
