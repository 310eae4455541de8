-- Customers gained and lost by month. Visualisation: Bar, stacked. X period_start; Y gained, reactivated and lost.
-- The last condition is an optional filter: set the type of its variable, plan, to Text.
SELECT period_start, sum(gained) AS gained, sum(reactivated) AS reactivated, -sum(lost) AS lost
FROM shop.members_flow_by_segment
WHERE segment = 'plan' AND status = 'observed' [[AND value = {{plan}}]]
GROUP BY period_start
ORDER BY period_start
