-- Heat map of cohorts. Visualisation: Table. Switch on "Pivot table": pivot column period, cell column retention_rate.
-- Then Conditional formatting, a colour range from 0 to 100 for all columns.
SELECT to_char(cohort, 'YYYY-MM') AS cohort, period, round(retention_rate, 1) AS retention_rate
FROM shop.members_cohorts
WHERE period BETWEEN 1 AND 12  -- period 0 is near 100 and would take the strongest colour
ORDER BY cohort, period
