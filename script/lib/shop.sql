-- The demo's own data: the shop of the examples (src/source/example.sql says what is built in), with more customers.
--   psql -v customers=50000 -f shop.sql
\if :{?customers}
\else
  \set customers 50000
\endif
SELECT FROM retention_example('public', :customers) \g /dev/null

-- From here on each row is a customer, with the times of all their subscriptions.
CREATE TABLE presence AS
SELECT customer_id, min(plan) AS plan, min(country) AS country, min(channel) AS channel,
  range_agg(daterange(started, ended)) AS presence
FROM subscriptions JOIN customers USING (customer_id)
GROUP BY customer_id
ORDER BY customer_id;
ALTER TABLE presence ADD PRIMARY KEY (customer_id);
COMMENT ON TABLE presence IS 'one row per customer: the times of their subscriptions';
ANALYZE presence;
