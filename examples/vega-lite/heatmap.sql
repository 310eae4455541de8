-- Heat map of cohorts.
SELECT retention_heatmap(cohort_retention(customer_id, started, ended, 'month; time_zone=UTC; as_of=2026-01-01'),
                         'vega-lite')
FROM shop.subscriptions
