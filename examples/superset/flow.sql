-- Churn by plan and month. Chart: Line. X axis period_start, time grain month, dimension plan, metric as custom SQL:
-- 100.0 * SUM(lost) / SUM(at_start). It stays right when months or plans are added up; an average of rates does not.
SELECT value AS plan, period_start, at_start, gained, reactivated, lost, at_end
FROM shop.members_flow_by_segment
WHERE segment = 'plan' AND status = 'observed'
ORDER BY plan, period_start
