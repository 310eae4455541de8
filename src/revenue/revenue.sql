-- Revenue: answers from summaries and facts, and figures from amounts that a query has already.

-- revenue_periods_at: periods as timestamps
CREATE FUNCTION revenue_periods(
  revenue retention_revenue,
  grain text DEFAULT 'net',
  confidence double precision DEFAULT 0.95
) RETURNS TABLE (
  period_start date,
  period_end date,
  status text,
  currency text,
  opening_mrr numeric,
  new_mrr numeric,
  reactivation_mrr numeric,
  expansion_mrr numeric,
  contraction_mrr numeric,
  churned_mrr numeric,
  closing_mrr numeric,
  opening_customers bigint,
  new_customers bigint,
  reactivated_customers bigint,
  expanded_customers bigint,
  contracted_customers bigint,
  churned_customers bigint,
  closing_customers bigint,
  net_revenue_retention numeric,
  nrr_low numeric,
  nrr_high numeric,
  gross_revenue_retention numeric,
  grr_low numeric,
  grr_high numeric,
  gross_mrr_churn_rate numeric,
  net_mrr_churn_rate numeric,
  quick_ratio numeric,
  arpa numeric,
  unpaid_customers bigint
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION revenue_periods(retention_revenue, text, double precision) IS
'recurring revenue, one row for each currency and period: movements, customers, rates with limits';

-- revenue_movements_at: periods as timestamps
CREATE FUNCTION revenue_movements(revenue retention_revenue, grain text DEFAULT 'net') RETURNS TABLE (
  period_start date,
  period_end date,
  status text,
  currency text,
  movement text,
  involuntary boolean,
  mrr numeric,
  customers bigint
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 200 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION revenue_movements(retention_revenue, text) IS
'movements of recurring revenue, one row for each currency, period and movement; churn by whether it was '
'involuntary';

-- mrr_changes_at: with instants
CREATE FUNCTION mrr_changes(mrr retention_mrr) RETURNS TABLE (
  at timestamp,
  currency text,
  change numeric,
  mrr numeric,
  movement text
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION mrr_changes(retention_mrr) IS
'how the recurring revenue of one customer changed: one row for each currency and moment of change';

CREATE FUNCTION monthly_amount(amount numeric, every interval) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION monthly_amount(numeric, interval) IS
'what an amount that is paid once in so many months, weeks or days comes to per month';

CREATE FUNCTION net_revenue_retention(opening numeric, expansion numeric, contraction numeric, churned numeric)
RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'net_revenue_retention_totals';
COMMENT ON FUNCTION net_revenue_retention(numeric, numeric, numeric, numeric) IS
'per cent of the opening revenue that its customers still pay: 100 * (opening + expansion - contraction - churned) / '
'opening';

CREATE FUNCTION gross_revenue_retention(opening numeric, contraction numeric, churned numeric) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gross_revenue_retention_totals';
COMMENT ON FUNCTION gross_revenue_retention(numeric, numeric, numeric) IS
'per cent of the opening revenue that was kept, without expansion: 100 * (opening - contraction - churned) / opening';

CREATE FUNCTION quick_ratio(new numeric, expansion numeric, contraction numeric, churned numeric) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quick_ratio_totals';
COMMENT ON FUNCTION quick_ratio(numeric, numeric, numeric, numeric) IS
'revenue won per revenue lost: (new + expansion) / (contraction + churned)';

CREATE FUNCTION simple_lifetime_value(arpa numeric, churn_rate numeric, discount numeric DEFAULT 0) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION simple_lifetime_value(numeric, numeric, numeric) IS
'value of a customer at a constant churn rate and discount, both per cent per period: arpa * (100 + discount) / '
'(discount + churn_rate)';
