-- Retention curve of all cohorts together. Visualisation: Line. X period; Y retention_rate, ci_low and ci_high.
SELECT period, period_label, retention_rate, ci_low, ci_high, at_risk, cohorts
FROM shop.members_curve
WHERE cohorts >= 3  -- the last points come from one or two cohorts only
ORDER BY period
