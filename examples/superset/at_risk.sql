-- Who is about to leave. Chart: Table, query mode Raw records. Shows persons: give it to those only who may see them.
SELECT risk_rank, customer, plan, first_at, tenure AS days, renewal_at, hazard
FROM shop.members_customers
WHERE risk_rank IS NOT NULL  -- NULL: has left
ORDER BY risk_rank, customer
