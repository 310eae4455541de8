-- Who is about to leave. Visualisation: Table. Shows persons: give it to those only who may see them.
SELECT customer, plan, first_at, tenure AS days, renewal_at, round(hazard::numeric, 3) AS hazard
FROM shop.members_customers
WHERE risk_rank IS NOT NULL  -- NULL: has left
ORDER BY risk_rank, customer
LIMIT 50
