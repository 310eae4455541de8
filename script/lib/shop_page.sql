-- The shop as a source, and its report as a page: psql -v page=FILE -f shop_page.sql
SET timezone = 'UTC';
CREATE VIEW stays AS
SELECT subscription_id, customer_id, plan, channel, country, started, ended FROM subscriptions JOIN customers USING (customer_id);
COMMENT ON VIEW stays IS 'subscriptions with what is known of their customers';
SELECT retention_source('shop', 'subscriptions', 'stays', 'customer_id', started => 'started', ended => 'ended',
  segments => '{plan,channel,country}', grid => 'month; time_zone=UTC', as_of => 'date ''2026-01-01''') \g /dev/null
SELECT retention_source('orders', 'events', 'orders', 'customer_id', at => 'ordered_at', grid => 'month; time_zone=UTC',
  as_of => 'timestamptz ''2026-01-01 00:00+00''') \g /dev/null
SELECT retention_report_html('shop') \g (format=unaligned tuples_only=on) :page
