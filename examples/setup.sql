-- What the examples read: the shop and the source of the README, its views, and a role for the tool. If you ran the
-- README, begin at CREATE ROLE.
SELECT relation, rows FROM retention_example('shop');
SELECT retention_source('shop.members', 'subscriptions', 'shop.subscriptions', 'customer_id', started => 'started',
  ended => 'ended', segments => '{plan}', reason => 'reason', grid => 'month; time_zone=UTC', as_of => $$date '2026-01-01'$$);
SELECT view FROM retention_create_views('shop.members');

CREATE ROLE dashboard LOGIN;
SELECT object, privilege FROM retention_grant('shop.members', 'dashboard');
GRANT SELECT ON shop.subscriptions TO dashboard;  -- the views run with the rights of their reader
