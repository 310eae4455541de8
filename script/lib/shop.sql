-- The demo's own data: a shop with subscriptions over three years, 2023 to 2025.
--   psql -v customers=50000 -f shop.sql
-- Nothing is random: each draw is a hash of the customer and of what is drawn, so that the data are the same on every
-- machine. What is built in, for the reports to find:
--   * signups have a season (strong in November and January, weak in summer), a weekday and a growth of a quarter a
--     year;
--   * churn depends on the plan (basic loses most), falls with tenure, and is higher after "social" and lower after
--     "referral"; the country has no influence;
--   * 8 in 100 customers who leave come back after three weeks to seven months.
\if :{?customers}
\else
  \set customers 50000
\endif
SET timezone = 'UTC';
SET client_min_messages = warning;

-- A number in [0, 1): the same for the same customer and draw.
CREATE FUNCTION draw(customer bigint, what bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT (hashint8extended(customer, what) & 1099511627775) / 1099511627776.0::double precision $$;

-- How likely it is to have signed up by the end of each day, and to have left by the end of each month of tenure.
CREATE TEMP TABLE signup AS
SELECT array_agg(reached ORDER BY day) AS curve
FROM (
  SELECT day, (sum(weight) OVER (ORDER BY day) / sum(weight) OVER ())::double precision AS reached
  FROM (
    SELECT day,
      (ARRAY[1.30, 1.05, 1.00, 0.95, 0.95, 0.80, 0.70, 0.75, 1.05, 1.10, 1.45, 1.20])[extract(month FROM day)::int]
      * (ARRAY[1.15, 1.10, 1.05, 1.00, 1.00, 0.85, 0.85])[extract(isodow FROM day)::int]
      * (1 + 0.25 * (day - DATE '2023-01-01') / 365) AS weight
    FROM (SELECT DATE '2023-01-01' + i AS day FROM generate_series(0, 1095) i) d
  ) w
) r;

CREATE TEMP TABLE leaving (plan text, channel text, curve double precision[]);
INSERT INTO leaving
WITH RECURSIVE month AS (
  SELECT plan, channel, hazard, 1 AS tenure, 1 - hazard AS there
  FROM (VALUES ('basic', 0.12), ('plus', 0.07), ('premium', 0.04)) p (plan, base),
    (VALUES ('search', 1.0), ('social', 1.3), ('partner', 1.0), ('referral', 0.8)) c (channel, factor),
    LATERAL (SELECT base * factor AS hazard) h
  UNION ALL
  SELECT plan, channel, hazard, tenure + 1, round(there * (1 - hazard * (0.35 + 0.65 / (tenure + 1))), 12)
  FROM month
  WHERE tenure < 37
)
SELECT plan, channel, array_agg((1 - there)::double precision ORDER BY tenure) FROM month GROUP BY plan, channel;

CREATE TABLE customers (
  customer_id bigint PRIMARY KEY,
  signed_up date NOT NULL,
  country text NOT NULL,
  channel text NOT NULL
);
COMMENT ON TABLE customers IS 'one row per customer of the shop';

CREATE TABLE subscriptions (
  subscription_id bigint PRIMARY KEY,
  customer_id bigint NOT NULL,
  plan text NOT NULL,
  started date NOT NULL,
  ended date,
  CHECK (ended > started)
);
COMMENT ON TABLE subscriptions IS
'one row per subscription, from its first day to the day it was over; a customer who comes back has another row';
COMMENT ON COLUMN subscriptions.ended IS 'NULL: still running at the end of 2025';

CREATE TABLE orders (
  order_id bigint PRIMARY KEY,
  customer_id bigint NOT NULL,
  ordered_at timestamptz NOT NULL,
  amount numeric(10, 2) NOT NULL
);
COMMENT ON TABLE orders IS 'the orders of subscribers, more of them before Christmas than in summer';

CREATE TEMP TABLE drawn AS
SELECT c.customer_id, c.plan, c.channel, c.country, s.started, l.curve,
  s.started + 30 * width_bucket(draw(c.customer_id, 5), l.curve) + 1 + (29 * draw(c.customer_id, 6))::int AS ended
FROM (
    SELECT id AS customer_id,
      (ARRAY['basic', 'plus', 'premium'])[1 + width_bucket(draw(id, 1), ARRAY[0.55, 0.85]::double precision[])] AS plan,
      (ARRAY['search', 'social', 'partner', 'referral'])[1
        + width_bucket(draw(id, 2), ARRAY[0.45, 0.7, 0.85]::double precision[])] AS channel,
      (ARRAY['Germany', 'France', 'United Kingdom', 'Netherlands', 'Spain'])[1
        + width_bucket(draw(id, 3), ARRAY[0.35, 0.6, 0.8, 0.9]::double precision[])] AS country
    FROM generate_series(1, :customers) id
  ) c
  JOIN leaving l USING (plan, channel)
  CROSS JOIN signup g
  CROSS JOIN LATERAL (SELECT DATE '2023-01-01' + width_bucket(draw(c.customer_id, 4), g.curve) AS started) s;

INSERT INTO customers
SELECT customer_id, started, country, channel FROM drawn ORDER BY customer_id;

INSERT INTO subscriptions
SELECT row_number() OVER (ORDER BY started, customer_id), customer_id, plan, started,
  CASE WHEN ended <= DATE '2025-12-31' THEN ended END
FROM (
  SELECT customer_id, plan, started, ended FROM drawn
  UNION ALL
  SELECT customer_id, plan, again,
    again + 30 * width_bucket(draw(customer_id, 9), curve) + 1 + (29 * draw(customer_id, 10))::int
  FROM drawn, LATERAL (SELECT ended + 20 + (190 * draw(customer_id, 8))::int AS again) b
  WHERE draw(customer_id, 7) < 0.08 AND again <= DATE '2025-12-31'
) s
ORDER BY started, customer_id;

INSERT INTO orders
SELECT row_number() OVER (ORDER BY ordered_at, customer_id), customer_id, ordered_at, amount
FROM (
  SELECT s.customer_id, o.ordered_at,
    round((p.amount * (0.4 + 1.2 * draw(s.subscription_id, 1000 + 3 * n)))::numeric, 2) AS amount,
    s.ended, draw(s.subscription_id, 1001 + 3 * n) AS luck
  FROM subscriptions s
    JOIN (VALUES ('basic', 60, 28.0), ('plus', 45, 45.0), ('premium', 30, 80.0)) p (plan, days, amount) USING (plan)
    CROSS JOIN LATERAL generate_series(0, (coalesce(s.ended, DATE '2026-01-01') - s.started) / p.days) n
    CROSS JOIN LATERAL (
      SELECT (s.started + n * p.days)::timestamp AT TIME ZONE 'UTC'
        + floor(p.days * 86400 * draw(s.subscription_id, 1002 + 3 * n)) * interval '1 second' AS ordered_at
    ) o
) o
WHERE ordered_at < coalesce(ended, DATE '2026-01-01')::timestamp AT TIME ZONE 'UTC'
  AND luck < (ARRAY[0.80, 0.75, 0.75, 0.75, 0.75, 0.65, 0.60, 0.60, 0.75, 0.80, 1.00, 1.00])[
    extract(month FROM ordered_at)::int];

-- From here on each row is a customer, with the times of all their subscriptions.
CREATE TABLE presence AS
SELECT customer_id, min(plan) AS plan, min(country) AS country, min(channel) AS channel,
  range_agg(daterange(started, ended)) AS presence
FROM subscriptions JOIN customers USING (customer_id)
GROUP BY customer_id
ORDER BY customer_id;
ALTER TABLE presence ADD PRIMARY KEY (customer_id);
COMMENT ON TABLE presence IS 'one row per customer: the times of their subscriptions';

DROP FUNCTION draw;
ANALYZE;
