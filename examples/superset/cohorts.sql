-- Heat map of cohorts. Chart: Heatmap. X axis period, Y axis cohort, metric MAX(retention_rate), sorted by the axes,
-- value bounds 0 and 100. Each cell is one row, so that MAX takes it as it is.
SELECT to_char(cohort, 'YYYY-MM') AS cohort, period, retention_rate, retained, at_risk
FROM shop.members_cohorts
WHERE period BETWEEN 1 AND 12 AND status = 'observed'  -- period 0 would take the strongest colour
ORDER BY cohort, period
