-- How long customers stay, by plan.
SELECT retention_plot_survival(array_agg(curve ORDER BY plan), array_agg(plan ORDER BY plan), 'vega-lite')
FROM (SELECT plan, survival(customer_id, started, ended, '2026-01-01') AS curve
      FROM shop.subscriptions GROUP BY plan) AS by_plan
