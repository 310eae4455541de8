-- Retention curves by plan.
SELECT retention_plot_curve(array_agg(cohorts ORDER BY plan), array_agg(plan ORDER BY plan), 'vega-lite')
FROM (SELECT plan, cohort_retention(customer_id, started, ended, 'month; time_zone=UTC; as_of=2026-01-01') AS cohorts
      FROM shop.subscriptions GROUP BY plan) AS by_plan
