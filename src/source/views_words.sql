-- source: comments, what a BI tool shows beside a view or a column.

CREATE FUNCTION retention_internal.source_view_words(what text, presence text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT (SELECT l.words FROM retention_internal.source_view_list() AS l WHERE l.what = $1)
    || CASE WHEN $1 ~ '^(cohorts|curve|lifecycle)' THEN CASE $2
      WHEN 'at_end' THEN '; active: a customer at the end of the period'
      WHEN 'any' THEN '; active: a customer at any moment of the period' ELSE '' END ELSE '' END
$$;
COMMENT ON FUNCTION retention_internal.source_view_words(text, text) IS 'the comment of a view of a source';

CREATE FUNCTION retention_internal.source_column_words() RETURNS TABLE (what text, attribute text, words text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 130 SET search_path = pg_catalog, pg_temp AS $$
  VALUES
  (NULL, 'period_start', 'first day of the period; in a grid of hours its first moment'),
  (NULL, 'period_end', 'first day after the period; in a grid of hours the first moment after it'),
  (NULL, 'status', 'observed: the period is over; partial: it has begun'),
  (NULL, 'segment', 'the column that customers are compared by; all: everybody'),
  (NULL, 'value', 'the value in that column; all: everybody'),
  (NULL, 'at_start', 'customers when the period begins'),
  (NULL, 'kept', 'customers both when the period begins and when it ends'),
  (NULL, 'lost', 'customers when the period begins who are not when it ends'),
  (NULL, 'retention_rate', 'per cent: 100 * kept / at_start'),
  (NULL, 'retention_low', 'lower 95 % confidence limit of retention_rate (Wilson)'),
  (NULL, 'retention_high', 'upper 95 % confidence limit of retention_rate (Wilson)'),
  (NULL, 'churn_rate', 'per cent: 100 * lost / at_start'),
  (NULL, 'churn_low', 'lower 95 % confidence limit of churn_rate (Wilson)'),
  (NULL, 'churn_high', 'upper 95 % confidence limit of churn_rate (Wilson)'),
  ('flow', 'joined', 'customers whose first membership starts in the period'),
  ('flow', 'gained', 'customers at the end, not at the start, and never before'),
  ('flow', 'reactivated', 'customers at the end, not at the start, but before'),
  ('flow', 'at_end', 'customers when the period ends: at_start + gained + reactivated - lost'),
  ('flow', 'joined_and_left', 'customers only in between, and never before'),
  ('flow', 'reactivated_and_left', 'customers only in between, but before, too'),
  ('flow', 'left_and_returned', 'departures followed by a return in the same period'),
  ('flow', 'departures', 'departures; a customer may have several'),
  ('flow', 'customer_days', 'days of membership inside the period'),
  ('cohorts', 'cohort', 'first day of the period in which the cohort started'),
  ('cohorts', 'cohort_size', 'customers who started in it'),
  (NULL, 'period', '0 for the period of the start, then 1, 2, ...; with brackets the number of the bracket'),
  (NULL, 'period_label', 'the period in words: month 2, days 1-3'),
  (NULL, 'at_risk', 'customers for whom the period has begun'),
  (NULL, 'retained', 'those at risk who were active in the period'),
  ('cohorts', 'retention_rate', 'per cent: 100 * retained / at_risk'),
  ('cohorts', 'note', 'what must be known to read the cell: records begin here (who was a customer before counts as '
    'new), no rows of anybody (a gap in the data?); NULL: nothing'),
  ('curve', 'retention_rate', 'per cent: 100 * retained / at_risk, over all cohorts whose period is over'),
  (NULL, 'ci_low', 'lower 95 % confidence limit of the rate'),
  (NULL, 'ci_high', 'upper 95 % confidence limit of the rate'),
  ('curve', 'cohorts', 'how many cohorts the point is made of'),
  ('cohort_value', 'cohort', 'first day of the period in which the cohort started'),
  ('cohort_value', 'cohort_size', 'customers who started in it'),
  ('cohort_value', 'amount', 'of the period, refunds taken off'),
  ('cohort_value', 'per_retained', 'amount / retained'),
  ('cohort_value', 'per_customer', 'amount / cohort_size'),
  ('cohort_value', 'cumulative', 'amount of all periods so far / cohort_size: the LTV curve'),
  ('cohort_value', 'share_of_first', 'per cent of the amount of period 0'),
  ('cohort_value', 'gross_share_of_first',
    'the same without what customers spend more than in their own period 0'),
  ('revenue', 'currency', 'the segment of that name; NULL: the source has none'),
  ('revenue', 'opening_mrr', 'revenue per month just before the period'),
  ('revenue', 'new_mrr', 'won from customers who never paid before'),
  ('revenue', 'reactivation_mrr', 'won from customers who paid before and came back'),
  ('revenue', 'expansion_mrr', 'more revenue from customers who pay at both ends'),
  ('revenue', 'contraction_mrr', 'less revenue from customers who pay at both ends'),
  ('revenue', 'churned_mrr', 'lost with customers who no longer pay'),
  ('revenue', 'closing_mrr', 'revenue per month at the end of the period'),
  ('revenue', 'opening_customers', 'customers who pay just before the period'),
  ('revenue', 'new_customers', 'those who pay at the end and never did before'),
  ('revenue', 'reactivated_customers', 'those who pay at the end, not at the start, but before'),
  ('revenue', 'expanded_customers', 'those who pay more than at the start'),
  ('revenue', 'contracted_customers', 'those who pay less than at the start'),
  ('revenue', 'churned_customers', 'those who no longer pay'),
  ('revenue', 'closing_customers', 'customers who pay at the end of the period'),
  ('revenue', 'net_revenue_retention', 'per cent: closing of the opening customers / their opening'),
  ('revenue', 'nrr_low', 'lower 95 % confidence limit of net_revenue_retention'),
  ('revenue', 'nrr_high', 'upper 95 % confidence limit of net_revenue_retention'),
  ('revenue', 'gross_revenue_retention',
    'per cent: the lesser of opening and closing of each opening customer / their opening'),
  ('revenue', 'grr_low', 'lower 95 % confidence limit of gross_revenue_retention'),
  ('revenue', 'grr_high', 'upper 95 % confidence limit of gross_revenue_retention'),
  ('revenue', 'gross_mrr_churn_rate', 'per cent: (churned + contraction) / opening'),
  ('revenue', 'net_mrr_churn_rate', 'per cent: (churned + contraction - expansion - reactivation) / opening'),
  ('revenue', 'quick_ratio', '(new + expansion) / (contraction + churned)'),
  ('revenue', 'arpa', 'closing_mrr / closing_customers'),
  ('revenue', 'unpaid_customers', 'there at the end of the period without revenue'),
  ('value', 'customers', 'customers with a purchase or a refund'),
  ('value', 'one_time_buyers', 'customers with one purchase day'),
  ('value', 'repeat_buyers', 'customers with more than one purchase day'),
  ('value', 'repeat_purchase_rate', 'per cent of those who bought who are repeat buyers'),
  ('value', 'rate_low', 'lower 95 % confidence limit of repeat_purchase_rate (Wilson)'),
  ('value', 'rate_high', 'upper 95 % confidence limit of repeat_purchase_rate (Wilson)'),
  ('value', 'orders', 'rows at or above zero, or without an amount'),
  ('value', 'refunds', 'rows below zero'),
  ('value', 'purchase_days', 'days with a purchase, of all customers together'),
  ('value', 'orders_per_customer', 'orders / customers who bought'),
  ('value', 'average_order_value', 'revenue / orders'),
  ('value', 'revenue', 'all amounts, refunds taken off'),
  ('value', 'days_between_mean', 'mean days from one purchase day of a customer to the next'),
  ('value', 'days_between_median', 'median days from one purchase day of a customer to the next'),
  ('value', 'top_tenth_share', 'per cent of the revenue that the tenth of the customers with most has'),
  ('lifecycle', 'active', 'customers active in the period: new + retained + resurrected'),
  ('lifecycle', 'new', 'never active before'),
  ('lifecycle', 'retained', 'active in the period before, too'),
  ('lifecycle', 'resurrected', 'active before, but not in the period before'),
  ('lifecycle', 'dormant', 'active in the period before and not in this one'),
  ('forecast', 'model', 'the model that expects it: MBG/NBD of events, sBG (renewals) of subscriptions'),
  ('forecast', 'currency', 'that of contracts, each for itself; NULL: none is named'),
  ('forecast', 'customers', 'events: expected customers who buy in the period; subscriptions: expected customers at '
    'its end, of those who are there now'),
  ('forecast', 'purchases', 'expected days with a purchase, of the customers who are known now; NULL: subscriptions'),
  ('forecast', 'revenue', 'events: expected amount of the purchases; subscriptions: the amounts of the expected '
    'customers; NULL: there are no amounts, or what customers spend could not be fitted'),
  ('stickiness', 'active_periods', 'the number of periods a customer was active in'),
  ('stickiness', 'customers', 'customers who were active in that many periods'),
  ('stickiness', 'share', 'per cent of all customers'),
  (NULL, 'customer', 'the customer: this view shows persons'),
  ('customers', 'first_at', 'when they began'),
  ('customers', 'last_at', 'their latest event; of subscriptions the end of the last membership, NULL: a member'),
  ('customers', 'tenure', 'days since they began; of those who have left until they had left, of subscriptions of the '
    'current or last membership'),
  ('customers', 'state', 'events: active, new, returned, slipping (silent for longer than is usual for them) or '
    'lapsed; subscriptions: active, returned or lapsed'),
  ('customers', 'silence', 'days from the start of their last active period to that of the running one'),
  ('customers', 'usual_gap', 'the median of the gaps in days between their active periods; NULL: they have one period'),
  ('customers', 'silence_ratio', 'silence / usual_gap: above 1 they are later than usual'),
  ('customers', 'renewal_at', 'the end of the current membership, if it has one'),
  ('customers', 'hazard',
    'probability (0 to 1) that who has stayed as long leaves within one period; beyond what is known, the last known'),
  ('customers', 'amount', 'the sum of their amounts; of subscriptions of the current memberships'),
  ('customers', 'mean_amount', 'the mean amount of their events'),
  ('customers', 'risk_rank', 'sorted by it, those most at risk come first: from 0, 1 is no risk; NULL: they have left'),
  ('customers', 'p_alive', 'probability (0 to 1) that they will buy again, by the purchase model of the source'),
  ('customers', 'expected_purchases', 'days with a purchase to expect of them within one period from now on'),
  ('cohort_customers', 'segment', 'all: the customers in a cell of cohorts; else as in cohorts_by_segment'),
  ('cohort_customers', 'value', 'all, or the value in that column'),
  ('cohort_customers', 'cohort', 'the cell of cohorts or cohorts_by_segment: its cohort'),
  ('cohort_customers', 'period', 'the cell of cohorts or cohorts_by_segment: its period; its rows are at_risk'),
  ('cohort_customers', 'standing',
    'retained: one of the retained of the cell; not_retained; not_yet: the period is not over for the customer'),
  ('cohort_customers', 'complete', 'the period is over for the customer; in all rows of a cell that is observed'),
  ('movements', 'segment', 'all: the customers in a row of flow; else as in flow_by_segment'),
  ('movements', 'value', 'all, or the value in that column'),
  ('movements', 'period_start', 'the row of flow or flow_by_segment: its period_start'),
  ('movements', 'movement', 'the column of flow that counts the customer: kept, lost, gained, reactivated, '
    'joined_and_left or reactivated_and_left'),
  ('movements', 'departures', 'how often the customer left inside the period'),
  ('segments', 'rest_at_start', 'customers of all other values when the period begins'),
  ('segments', 'rest_kept', 'customers of all other values both when the period begins and when it ends'),
  ('segments', 'rest_retention_rate', 'per cent: 100 * rest_kept / rest_at_start'),
  ('segments', 'difference', 'retention_rate minus rest_retention_rate, in percentage points'),
  ('segments', 'difference_low', 'lower 95 % confidence limit of the difference'),
  ('segments', 'difference_high', 'upper 95 % confidence limit of the difference'),
  ('segments', 'p_value', 'probability (0 to 1) of a difference at least as large if there were none'),
  ('survival', 'days', 'days since the customer started'),
  ('survival', 'hours', 'hours since the customer started'),
  ('survival', 'at_risk', 'customers followed that long and not gone before'),
  ('survival', 'churned', 'those at risk who leave at that time'),
  ('survival', 'censored', 'those at risk who are still customers and have not been followed longer'),
  ('survival', 'survival_rate', 'per cent of the customers who stay longer (Kaplan-Meier)')
$$;
COMMENT ON FUNCTION retention_internal.source_column_words() IS
'comments of the columns of views, by view and column; view NULL: of a column of any view';

CREATE FUNCTION retention_internal.source_comment_view(view regclass, what text, shows text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  attribute name;
  words text;
BEGIN
  -- Comments that somebody else wrote stay.
  PERFORM FROM unnest(ARRAY['at_end', 'any', NULL]) AS p (p)
  WHERE coalesce(obj_description(view) = retention_internal.source_view_words(what, p.p), true);
  IF FOUND THEN
    EXECUTE format('COMMENT ON VIEW %s IS %L', view, shows);
  END IF;
  FOR attribute, words IN
    SELECT a.attname, coalesce((SELECT w.words FROM retention_internal.source_column_words() AS w
        WHERE w.attribute = a.attname AND coalesce($2 IN (w.what, w.what || '_by_segment'), true)
        ORDER BY w.what LIMIT 1),
      CASE WHEN $2 = 'customers' THEN 'a segment: the value of the customer' END)
    FROM pg_attribute AS a
    WHERE a.attrelid = view AND a.attnum > 0 AND col_description(a.attrelid, a.attnum) IS NULL
    ORDER BY a.attnum
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', view, attribute, words);
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_internal.source_comment_view(regclass, text, text) IS
'comments a view of a source and its columns';
