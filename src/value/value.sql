-- Answers from the purchases of customers.

CREATE FUNCTION purchases_union(purchases retention_purchases, other retention_purchases) RETURNS retention_purchases
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchases_union(retention_purchases, retention_purchases) IS
'the purchases of one customer from some of their rows each; no row may be in both';

CREATE FUNCTION purchase_summary(
  purchases retention_purchases,
  as_of timestamp DEFAULT NULL,
  whole_periods boolean DEFAULT false,
  OUT frequency bigint,
  OUT recency double precision,
  OUT age double precision,
  OUT orders bigint,
  OUT refunds bigint,
  OUT amount numeric,
  OUT average_order_value numeric,
  OUT mean_repeat_amount numeric,
  OUT days_between numeric,
  OUT first_at timestamp,
  OUT last_at timestamp
)
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION purchase_summary(retention_purchases, timestamp, boolean) IS
'how often, how recently and for how much a customer bought: frequency, recency and age as purchase models take them';

CREATE FUNCTION value_figures(
  value retention_value,
  OUT customers bigint,
  OUT one_time_buyers bigint,
  OUT repeat_buyers bigint,
  OUT repeat_purchase_rate numeric,
  OUT rate_low numeric,
  OUT rate_high numeric,
  OUT orders bigint,
  OUT refunds bigint,
  OUT purchase_days bigint,
  OUT orders_per_customer numeric,
  OUT average_order_value numeric,
  OUT revenue numeric,
  OUT days_between_mean numeric,
  OUT days_between_median numeric,
  OUT top_tenth_share numeric
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION value_figures(retention_value) IS
'what shops ask for first: repeat purchase rate, average order value, revenue, days between purchases';

CREATE FUNCTION repeat_purchase_curve(
  value retention_value,
  confidence double precision DEFAULT 0.95
) RETURNS TABLE (
  purchase bigint,
  customers bigint,
  came_again bigint,
  rate numeric,
  ci_low numeric,
  ci_high numeric
)
LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 30 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION repeat_purchase_curve(retention_value, double precision) IS
'of those who made the n-th purchase, how many made the next one by as_of';

CREATE FUNCTION retention_internal.value_customers(value retention_value)
RETURNS TABLE (frequency bigint, recency double precision, age double precision, customers bigint)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_customers_rows';
COMMENT ON FUNCTION retention_internal.value_customers(retention_value) IS
'customers by frequency, recency and age: what purchase models are fitted to';

CREATE FUNCTION retention_internal.value_buyers(value retention_value)
RETURNS TABLE (frequency bigint, amount double precision, customers bigint)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_buyers_rows';
COMMENT ON FUNCTION retention_internal.value_buyers(retention_value) IS
'customers who came again by frequency and amount of their repeat purchases: what spend models are fitted to';
