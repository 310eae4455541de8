SELECT to_char(cohort, 'YYYY-MM') AS cohort, period, retention_rate, retained, at_risk
FROM shop.members_cohorts
WHERE period BETWEEN 1 AND 12 AND status = 'observed'
ORDER BY cohort, period
