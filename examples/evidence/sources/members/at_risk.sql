SELECT customer, plan, first_at, tenure, renewal_at, hazard, risk_rank
FROM shop.members_customers
WHERE risk_rank IS NOT NULL
ORDER BY risk_rank, customer
