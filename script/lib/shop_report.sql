-- The report on the demo's own shop: customers gained and lost month by month, and the churn of each plan.
SET timezone = 'UTC';
\pset footer off
\pset null '-'
SELECT clock_timestamp() AS began \gset

\echo 'Month by month: at_start + gained + reactivated - lost = at_end.'
\echo 'Customers who joined and left within the month are in joined_and_left.'
\echo
SELECT to_char(period_start, 'YYYY-MM') AS month, at_start, gained, reactivated, lost, at_end, joined_and_left,
  round(retention_rate, 1) AS retention, round(churn_rate, 1) AS churn, status
FROM flow_periods((
  SELECT customer_flow(presence, retention_grid('month', as_of => '2026-01-01'), daterange('2023-01-01', '2026-01-01'))
  FROM presence));

\echo 'Churn by plan, in 2025 and in its last quarter: of the customers at the start, the percentage who left.'
\echo
CREATE TEMP VIEW by_plan AS
SELECT plan, over, f.*
FROM (
    SELECT plan, over, customer_flow(presence, period) AS flow
    FROM presence,
      (VALUES ('2025', daterange('2025-01-01', '2026-01-01')),
        ('2025 Q4', daterange('2025-10-01', '2026-01-01'))) p (over, period)
    GROUP BY plan, over
  ) s,
  flow_periods(flow) f;
SELECT over, plan, at_start, lost, round(churn_rate, 1) AS churn,
  round(churn_low, 1) || ' to ' || round(churn_high, 1) AS "95 % interval", round(retention_rate, 1) AS retention
FROM by_plan
ORDER BY over, churn_rate DESC;

\echo 'Do basic and plus differ? The difference of their churn in 2025, in percentage points.'
\echo
SELECT round(difference, 1) AS difference, round(low, 1) || ' to ' || round(high, 1) AS "95 % interval",
  CASE WHEN p_value < 0.0001 THEN '< 0.0001' ELSE round(p_value::numeric, 4)::text END AS p_value
FROM by_plan a, by_plan b, rate_difference(a.lost, a.at_start, b.lost, b.at_start)
WHERE a.plan = 'basic' AND b.plan = 'plus' AND a.over = '2025' AND b.over = '2025';

SELECT round(extract(epoch FROM clock_timestamp() - :'began') * 1000) AS took \gset
\echo 'The three queries took' :took 'ms.'
