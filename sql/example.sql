-- The shop of the examples: retention_example() against what it says of itself.
\set SHOW_CONTEXT never
CREATE ROLE retention_example_visitor;
CREATE SCHEMA "My shop" AUTHORIZATION retention_example_visitor;
SET ROLE retention_example_visitor;
SELECT * FROM retention_example('My shop');
SELECT relname, relowner::regrole, reltuples::bigint FROM pg_class
WHERE relnamespace = '"My shop"'::regnamespace AND relkind = 'r' ORDER BY relname;
-- It replaces nothing, whatever is in its place.
SELECT * FROM retention_example('My shop');
DROP TABLE "My shop".customers, "My shop".subscriptions, "My shop".extras, "My shop".orders;
SELECT * FROM retention_example('My shop');
DROP TABLE "My shop".tickets;
CREATE VIEW "My shop".orders AS SELECT 1 AS one;
SELECT * FROM retention_example('My shop');
-- It does what its caller may do, and nothing else.
SELECT * FROM retention_example('retention_example_new');
RESET ROLE;
CREATE SCHEMA retention_example_other;
SET ROLE retention_example_visitor;
SELECT * FROM retention_example('retention_example_other');
RESET ROLE;
SELECT * FROM retention_example(NULL);
SELECT * FROM retention_example('retention_example_new', NULL);
SELECT * FROM retention_example('retention_example_new', 0);
SELECT * FROM retention_example('retention_example_new', 1000001);
SELECT relation, rows FROM retention_example('retention_example_other', 1);

-- A schema that does not exist is made. The rows are the same on every machine and in every time zone.
SET timezone = 'America/New_York';
SELECT relation, rows FROM retention_example('retention_example_new', 2000);
SET timezone = 'UTC';
SET search_path = retention_example_new, public;
SELECT count(*), sum(started - date '2023-01-01') AS started, sum(ended - started) AS stayed FROM subscriptions;
SELECT sum(extract(epoch FROM ordered_at)) AS ordered, sum(amount) AS amount FROM orders;
SELECT sum(extract(epoch FROM opened_at)) AS opened, sum(extract(epoch FROM answered_at - opened_at)) AS waited FROM tickets;
SELECT md5(string_agg(c::text, '' ORDER BY customer_id)) AS customers FROM customers AS c;

-- Rules of the rows: no rows.
SELECT * FROM subscriptions WHERE started NOT BETWEEN '2023-01-01' AND '2025-12-31' OR ended > '2025-12-31';
SELECT * FROM subscriptions WHERE reason IS NOT NULL AND ended IS NULL;
SELECT reason FROM subscriptions WHERE reason IS NOT NULL EXCEPT SELECT reason FROM retention_churn_reason;
SELECT * FROM orders AS o WHERE NOT EXISTS (SELECT FROM subscriptions AS s WHERE s.customer_id = o.customer_id
  AND ordered_at >= started AND ordered_at < coalesce(ended, '2026-01-01'));
SELECT * FROM extras AS e WHERE NOT EXISTS (SELECT FROM subscriptions AS s WHERE s.customer_id = e.customer_id
  AND e.started >= s.started AND coalesce(e.ended, 'infinity') <= coalesce(s.ended, 'infinity'));
SELECT * FROM tickets AS t JOIN customers USING (customer_id) WHERE opened_at::date <> signed_up OR answered_at <= opened_at;
SELECT customer_id FROM customers EXCEPT SELECT customer_id FROM subscriptions;
SELECT * FROM subscriptions AS a JOIN subscriptions AS b USING (customer_id)
WHERE a.subscription_id <> b.subscription_id AND daterange(a.started, a.ended) && daterange(b.started, b.ended);

-- What is built in is found: plan, channel, loyalty and waiting matter, in this order of their values; the country does not.
SELECT d.attribute, d.value, d.customers, round(d.churn_rate) AS churn
FROM (SELECT churn_drivers(s.ended IS NOT NULL, a) AS state
      FROM (SELECT customer_id, min(plan) AS plan, nullif(max(coalesce(ended, 'infinity')), 'infinity') AS ended FROM subscriptions GROUP BY 1) AS s
        JOIN customers AS c USING (customer_id) LEFT JOIN tickets AS t USING (customer_id),
        LATERAL (SELECT s.plan, c.channel, c.loyalty_member, c.country, answered_at - opened_at < interval '1 day' AS fast) AS a) AS q,
  driver_table(state) AS d ORDER BY d.attribute COLLATE "C", d.churn_rate;
SELECT attribute, p_value < 0.01 AS matters
FROM (SELECT survival_drivers(coalesce(ended, '2026-01-01') - started, ended IS NOT NULL, a) AS state
      FROM subscriptions AS s JOIN customers AS c USING (customer_id) LEFT JOIN tickets AS t USING (customer_id),
        LATERAL (SELECT s.plan, c.channel, c.loyalty_member, c.country, answered_at - opened_at < interval '1 day' AS fast) AS a) AS q,
  survival_driver_ranking(state) ORDER BY attribute COLLATE "C";

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA "My shop", retention_example_new, retention_example_other CASCADE;
DROP ROLE retention_example_visitor;
