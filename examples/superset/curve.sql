-- Retention curves by plan. Chart: Line. X axis period (not as a time), metric MAX(retention_rate), dimension plan.
SELECT value AS plan, period, retention_rate, ci_low, ci_high, at_risk
FROM shop.members_curve_by_segment
WHERE segment = 'plan' AND cohorts >= 3  -- the last points come from one or two cohorts only
ORDER BY plan, period
