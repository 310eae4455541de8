SELECT * FROM shop.members_curve_by_segment WHERE segment = 'plan' AND cohorts >= 3 ORDER BY value, period
