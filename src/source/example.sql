-- source: the shop of the examples, made up by one call. Nothing is random: each draw is a hash of the customer and of
-- what is drawn, so that the rows are the same on every machine. What is built in, for the examples to find:
--   * signups have a season (strong in November and January, weak in summer), a weekday, and grow by a quarter a year;
--   * leaving depends on the plan (basic loses most) and falls with tenure; it is higher after "social", lower after
--     "referral", lower for members of the loyalty programme, and higher for whoever waited long for an answer;
--     the country has no influence;
--   * 8 in 100 customers who leave come back after three weeks to seven months.

CREATE FUNCTION retention_internal.example_customers(customers integer) RETURNS TABLE (
  customer_id bigint, name text, country text, channel text, loyalty_member boolean, plan text, signed_up date,
  wait interval, u double precision[], leaving double precision[]
)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE signup AS MATERIALIZED (
    -- How likely it is to have signed up by the end of each day.
    SELECT array_agg(reached ORDER BY day) AS curve
    FROM (
      SELECT day, (sum(weight) OVER (ORDER BY day) / sum(weight) OVER ())::double precision AS reached
      FROM (
        SELECT day,
          (ARRAY[1.30, 1.05, 1.00, 0.95, 0.95, 0.80, 0.70, 0.75, 1.05, 1.10, 1.45, 1.20])[extract(month FROM day)::int]
          * (ARRAY[1.15, 1.10, 1.05, 1.00, 1.00, 0.85, 0.85])[extract(isodow FROM day)::int]
          * (1 + 0.25 * (day - date '2023-01-01') / 365) AS weight
        FROM (SELECT date '2023-01-01' + i AS day FROM generate_series(0, 1095) AS i) AS d
      ) AS w
    ) AS r
  ), month AS (
    -- How likely it is to have left by the end of each month, for each kind of customer.
    SELECT plan, channel, loyalty_member, answer, hazard, 1 AS tenure, 1 - hazard AS there
    FROM (VALUES ('basic', 0.12), ('plus', 0.07), ('premium', 0.04)) AS p (plan, base),
      (VALUES ('search', 1.0), ('social', 1.3), ('partner', 1.0), ('referral', 0.8)) AS c (channel, by_channel),
      (VALUES (true, 0.75), (false, 1.1)) AS l (loyalty_member, by_loyalty),
      (VALUES (0, 1.0), (1, 0.85), (2, 1.6)) AS a (answer, by_answer),
      LATERAL (SELECT base * by_channel * by_loyalty * by_answer AS hazard) AS h
    UNION ALL
    SELECT plan, channel, loyalty_member, answer, hazard, tenure + 1,
      round(there * (1 - hazard * (0.35 + 0.65 / (tenure + 1))), 12)
    FROM month WHERE tenure < 37
  ), leaving AS MATERIALIZED (
    SELECT plan, channel, loyalty_member, answer, array_agg((1 - there)::double precision ORDER BY tenure) AS curve
    FROM month GROUP BY plan, channel, loyalty_member, answer
  ), drawn AS (
    SELECT id, d.u,
      (ARRAY['basic', 'plus', 'premium'])[1 + width_bucket(d.u[1], '{0.55,0.85}'::double precision[])] AS plan,
      (ARRAY['search', 'social', 'partner', 'referral'])
        [1 + width_bucket(d.u[2], '{0.45,0.7,0.85}'::double precision[])] AS channel,
      d.u[4] < 0.35 AS loyalty_member,
      -- Nobody asked, or the answer came within a working day, or later.
      width_bucket(d.u[5], '{0.55,0.83}'::double precision[]) AS answer
    FROM generate_series(1, $1) AS id,
      LATERAL (SELECT array_agg((hashint8extended(id, n) & 1048575) / 1048576.0::double precision ORDER BY n) AS u
        FROM generate_series(1, 20) AS n) AS d
  )
  SELECT id,
    (ARRAY['Ada', 'Amir', 'Anna', 'Ben', 'Carla', 'Chen', 'Dana', 'David', 'Elif', 'Emma', 'Femke', 'Hugo', 'Ines',
      'Ivan', 'Jana', 'Jonas', 'Lena', 'Luca', 'Maria', 'Noah', 'Olga', 'Omar', 'Paula', 'Rosa', 'Sofia', 'Tom'])
      [1 + floor(d.u[6] * 26)::int] || ' ' ||
    (ARRAY['Alonso', 'Bakker', 'Becker', 'Brown', 'Costa', 'Dubois', 'Evans', 'Fischer', 'Garcia', 'Hansen', 'Ito',
      'Jansen', 'Kaya', 'Klein', 'Laurent', 'Martin', 'Novak', 'Okafor', 'Petit', 'Rossi', 'Schmidt', 'Silva', 'Smith',
      'Torres', 'Visser', 'Weber'])[1 + floor(d.u[7] * 26)::int],
    (ARRAY['Germany', 'France', 'United Kingdom', 'Netherlands', 'Spain'])
      [1 + width_bucket(d.u[3], '{0.35,0.6,0.8,0.9}'::double precision[])],
    channel, loyalty_member, plan, date '2023-01-01' + width_bucket(d.u[8], s.curve),
    CASE answer WHEN 1 THEN floor(60 + 540 * d.u[9]) WHEN 2 THEN floor(1560 + 3600 * d.u[9]) END * interval '1 minute',
    d.u, l.curve
  FROM drawn AS d JOIN leaving AS l USING (plan, channel, loyalty_member, answer) CROSS JOIN signup AS s
$$;
COMMENT ON FUNCTION retention_internal.example_customers(integer) IS
'the customers of the example, with what was drawn for them';

CREATE FUNCTION retention_internal.example_subscriptions(customers integer) RETURNS TABLE (
  subscription_id bigint, customer_id bigint, plan text, started date, ended date, monthly_price numeric, reason text
)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  WITH first AS (
    SELECT c.*, signed_up + 30 * width_bucket(u[10], leaving) + 1 + (29 * u[11])::int AS left_on
    FROM retention_internal.example_customers($1) AS c
  ), both_times AS (
    SELECT customer_id, plan, signed_up AS started, left_on AS ended, u[12] AS why FROM first
    UNION ALL
    SELECT customer_id, plan, again, again + 30 * width_bucket(u[15], leaving) + 1 + (29 * u[16])::int, u[17]
    FROM first, LATERAL (SELECT left_on + 20 + (190 * u[14])::int AS again) AS b
    WHERE u[13] < 0.08 AND again <= date '2025-12-31'
  )
  SELECT row_number() OVER (ORDER BY started, customer_id), customer_id, plan, started,
    CASE WHEN ended <= date '2025-12-31' THEN ended END,
    CASE plan WHEN 'basic' THEN 9 WHEN 'plus' THEN 19 ELSE 39 END,
    CASE WHEN ended <= date '2025-12-31' THEN
      (ARRAY['ROI and value', 'low usage', 'features and functionality', 'payment failed', 'wrong use case'])
      [1 + width_bucket(why, '{0.32,0.55,0.7,0.84,0.92}'::double precision[])] END
  FROM both_times
$$;
COMMENT ON FUNCTION retention_internal.example_subscriptions(integer) IS
'the subscriptions of the example; NULL as the reason of who left: they gave none';

CREATE FUNCTION retention_example(schema name, customers integer DEFAULT 600)
RETURNS TABLE (relation regclass, "rows" bigint, a_row_is text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tables constant name[] := '{customers,subscriptions,extras,orders,tickets}';
  taken text;
  made name;
BEGIN
  IF schema IS NULL OR customers IS NULL THEN
    PERFORM retention_internal.refuse('22004', 'the schema and the number of customers must not be null');
  ELSIF customers NOT BETWEEN 1 AND 1000000 THEN
    PERFORM retention_internal.refuse('22023', format('an example has 1 to 1000000 customers, not %s', customers));
  END IF;
  SELECT c.relname INTO taken FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = schema AND c.relname = ANY (tables) ORDER BY c.relname LIMIT 1;
  IF taken IS NOT NULL THEN
    PERFORM retention_internal.refuse('42P07', format('%I.%I exists already', schema, taken),
      'The example replaces nothing.', 'Name another schema; one that does not exist is made.');
  END IF;
  IF to_regnamespace(quote_ident(schema)) IS NULL THEN
    EXECUTE format('CREATE SCHEMA %I', schema);
  ELSIF NOT has_schema_privilege(quote_ident(schema), 'CREATE') THEN
    PERFORM retention_internal.refuse('42501', format('permission denied for schema %I', schema));
  END IF;

  EXECUTE format($sql$
    CREATE TABLE %1$I.customers (
      customer_id bigint PRIMARY KEY, name text NOT NULL, country text NOT NULL, channel text NOT NULL,
      loyalty_member boolean NOT NULL, signed_up date NOT NULL);
    COMMENT ON TABLE %1$I.customers IS 'a customer of the shop, who subscribed to coffee on the day they signed up';
    INSERT INTO %1$I.customers
    SELECT customer_id, name, country, channel, loyalty_member, signed_up
    FROM retention_internal.example_customers(%2$s) ORDER BY customer_id;

    CREATE TABLE %1$I.subscriptions (
      subscription_id bigint PRIMARY KEY, customer_id bigint NOT NULL, plan text NOT NULL, started date NOT NULL,
      ended date, monthly_price numeric NOT NULL, reason text, CHECK (ended > started));
    COMMENT ON TABLE %1$I.subscriptions IS
      'a subscription, from its first day to the day it was over; a customer who comes back has another row';
    COMMENT ON COLUMN %1$I.subscriptions.ended IS 'NULL: still running at the end of 2025';
    COMMENT ON COLUMN %1$I.subscriptions.reason IS 'why they left; NULL if they did not say, or are still there';
    INSERT INTO %1$I.subscriptions
    SELECT * FROM retention_internal.example_subscriptions(%2$s) ORDER BY subscription_id;

    -- Of a third of the subscriptions that last long enough: something beside the coffee, for some months.
    CREATE TABLE %1$I.extras (
      customer_id bigint NOT NULL, extra text NOT NULL, started date NOT NULL, ended date,
      monthly_price numeric NOT NULL, CHECK (ended > started));
    COMMENT ON TABLE %1$I.extras IS 'something that a customer pays for beside the subscription';
    INSERT INTO %1$I.extras
    SELECT customer_id, CASE WHEN u[1] < 0.6 THEN 'second bag' ELSE 'tasting box' END, since,
      CASE WHEN least(until, ended) <= date '2025-12-31' THEN least(until, ended) END,
      CASE WHEN u[1] < 0.6 THEN 8 ELSE 12 END
    FROM %1$I.subscriptions AS s,
      LATERAL (SELECT array_agg((hashint8extended(s.subscription_id, n) & 1048575) / 1048576.0 ORDER BY n) AS u
        FROM generate_series(31, 34) AS n) AS d,
      LATERAL (SELECT s.started + 40 + (120 * u[2])::int AS since) AS a,
      LATERAL (SELECT since + 60 + (400 * u[3])::int AS until) AS b
    WHERE u[4] < 0.33 AND since < coalesce(ended, date '2025-12-31') ORDER BY since, customer_id;

    CREATE TABLE %1$I.orders (
      order_id bigint PRIMARY KEY, customer_id bigint NOT NULL, ordered_at timestamptz NOT NULL, product text NOT NULL,
      amount numeric(10, 2) NOT NULL);
    COMMENT ON TABLE %1$I.orders IS 'an order of a subscriber; there are more of them before Christmas than in summer';
    INSERT INTO %1$I.orders
    SELECT row_number() OVER (ORDER BY ordered_at, customer_id), customer_id, ordered_at,
      (ARRAY['espresso', 'filter coffee', 'decaf', 'tea', 'chocolate'])
        [1 + width_bucket(hashint8extended(key, 4) & 1023, '{410,717,819,942}')],
      round(price * (0.4 + 1.2 * (hashint8extended(key, 1) & 1048575) / 1048576), 2)
    FROM %1$I.subscriptions AS s
      JOIN (VALUES ('basic', 60, 28.0), ('plus', 45, 45.0), ('premium', 30, 80.0)) AS p (plan, days, price) USING (plan)
      CROSS JOIN LATERAL generate_series(0, (coalesce(s.ended, date '2026-01-01') - s.started) / p.days) AS n
      CROSS JOIN LATERAL (SELECT s.subscription_id * 10000 + n AS key) AS k
      CROSS JOIN LATERAL (SELECT (s.started + n * p.days)::timestamp AT TIME ZONE 'UTC'
          + p.days * 86400 * (hashint8extended(key, 2) & 1048575) / 1048576 * interval '1 second' AS ordered_at) AS o
    WHERE ordered_at < coalesce(ended, date '2026-01-01')::timestamp AT TIME ZONE 'UTC'
      AND (hashint8extended(key, 3) & 1023) < (ARRAY[820, 768, 768, 768, 768, 666, 614, 614, 768, 820, 1024, 1024])
        [extract(month FROM ordered_at AT TIME ZONE 'UTC')::int];

    CREATE TABLE %1$I.tickets (
      ticket_id bigint PRIMARY KEY, customer_id bigint NOT NULL, opened_at timestamptz NOT NULL,
      answered_at timestamptz NOT NULL);
    COMMENT ON TABLE %1$I.tickets IS 'a question to the support, in the first days of a subscription';
    INSERT INTO %1$I.tickets
    SELECT row_number() OVER (ORDER BY opened_at, customer_id), customer_id, opened_at, opened_at + wait
    FROM retention_internal.example_customers(%2$s),
      LATERAL (SELECT signed_up::timestamp AT TIME ZONE 'UTC' + interval '1 minute' * floor(480 + 720 * u[18])
        AS opened_at) AS o
    WHERE wait IS NOT NULL;
    $sql$, schema, customers);

  FOREACH made IN ARRAY tables LOOP
    EXECUTE format('ANALYZE %I.%I', schema, made);
    relation := format('%I.%I', schema, made)::regclass;
    a_row_is := obj_description(relation, 'pg_class');
    EXECUTE format('SELECT count(*) FROM %I.%I', schema, made) INTO "rows";
    RETURN NEXT;
  END LOOP;
END $$;
COMMENT ON FUNCTION retention_example(name, integer) IS
'the shop of the examples: makes its tables in a schema, which is made if it does not exist';
