-- The shop as a source, and its report as a page: psql -v page=FILE -f shop_page.sql
SET timezone = 'UTC';
-- A source is a view with standard column names. This one is written by hand, because it joins two tables ...
CREATE VIEW shop WITH (security_invoker = true) AS
SELECT customer_id AS customer, started, ended, plan, channel, country, date '2026-01-01' AS as_of
FROM subscriptions JOIN customers USING (customer_id);
COMMENT ON VIEW shop IS 'subscriptions with the attributes of their customers';
SELECT retention_source_set('shop', grid => 'month; time_zone=UTC') \g /dev/null
-- ... and this one by retention_source(), over one table.
SELECT retention_source('shop_orders', 'events', 'orders', 'customer_id', at => 'ordered_at',
  grid => 'month; time_zone=UTC', as_of => 'timestamptz ''2026-01-01 00:00+00''') \g /dev/null
SELECT retention_report_html('shop') \g (format=unaligned tuples_only=on) :page
