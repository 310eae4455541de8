-- source: the views of recurring revenue, of subscriptions with an amount per month: revenue, revenue_by_segment.

CREATE FUNCTION retention_internal.source_revenue_grid(source retention_internal.source, as_of text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Calendar periods, and after how long a gap a customer is new again.
  source.grid := retention_internal.grid_calendar(source.grid)::text
    || coalesce(substring(source.grid::text FROM '; reactivation_within=[^;]*'), '');
  RETURN retention_internal.source_grid(source, as_of);
END
$$;
COMMENT ON FUNCTION retention_internal.source_revenue_grid(retention_internal.source, text) IS
'an SQL expression of the grid on which revenue of a source is counted, with an as_of given as SQL';

CREATE FUNCTION retention_internal.source_contracts(source retention_internal.source, as_of text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- A segment with the name currency is the currency.
  SELECT format($q$contract AS NOT MATERIALIZED (
  SELECT r.%1$s AS customer, r.started, CASE WHEN r.ended < k.as_of THEN r.ended END AS ended,
    r.amount::numeric AS amount, %2$s AS currency, %3$s AS involuntary
  FROM %4$s AS r%5$s, (SELECT %6$s AS as_of) AS k
  WHERE r.customer IS NOT NULL AND r.started < k.as_of
)$q$,
    retention_internal.source_customer($1),
    CASE WHEN 'currency' = ANY ($1.segments) THEN 'r.currency::text' ELSE 'NULL::text' END,
    CASE WHEN $1.has_reason THEN 'n.involuntary' ELSE 'NULL::boolean' END, $1.source,
    CASE WHEN $1.has_reason
      THEN ' LEFT JOIN @extschema@.retention_churn_reason AS n ON n.reason = r.reason::text' ELSE '' END,
    CASE $1.time_type WHEN 'date'::regtype THEN $2 || '::date'
      WHEN 'timestamptz'::regtype THEN format('%s AT TIME ZONE %L', $2, $1.time_zone) ELSE $2 END)
$$;
COMMENT ON FUNCTION retention_internal.source_contracts(retention_internal.source, text) IS
'the part "contract" of a WITH: the contracts that have begun by an as_of given as SQL';

CREATE FUNCTION retention_internal.source_revenue_of(source retention_internal.source, as_of text, span text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format(E'@extschema@.mrr_movements(o.customer, o.started, o.ended, o.amount, %s,\n'
      '    %s, o.currency, o.involuntary)', retention_internal.source_revenue_grid($1, $2), $3)
$$;
COMMENT ON FUNCTION retention_internal.source_revenue_of(retention_internal.source, text, text) IS
'an SQL expression of the revenue of the rows o of "contract", as of a time and over a span given as SQL';

CREATE FUNCTION retention_internal.source_revenue_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN $1.kind <> 'subscriptions' OR NOT $1.has_amount THEN NULL
    WHEN $3 = 'revenue' THEN format($q$WITH %1$s,
%2$s,
%3$s,
summary AS (
  SELECT %4$s AS revenue
  FROM contract AS o
)
SELECT f.* FROM summary AS s, @extschema@.revenue_periods%5$s(s.revenue, 'net'::text, 0.95::double precision) AS f$q$,
      $2.known, retention_internal.source_flow_span($1, $2), t.contracts, t.revenue, t.suffix)
    WHEN $1.segments <> '{}' THEN format($q$WITH %1$s,
%2$s,
%3$s,
%6$s,
customer AS (
  SELECT %10$s AS customer%7$s
  FROM presence AS p
  GROUP BY p.customer
),
%8$ssummary AS (
  SELECT s.segment, s.value, min(o.started) FILTER (WHERE o.started >= '1900-01-01 00:00+00') AS first,
    %4$s AS revenue
  FROM customer AS c JOIN contract AS o ON o.customer = c.customer, LATERAL %9$s
  GROUP BY s.segment, s.value
)
SELECT s.segment, s.value, f.*
FROM summary AS s, @extschema@.revenue_periods%5$s(s.revenue, 'net'::text, 0.95::double precision) AS f
WHERE coalesce(f.period_end%11$s > s.first, true)
ORDER BY s.segment, s.value, f.currency, f.period_start$q$,
      $2.known, retention_internal.source_flow_span($1, $2), t.contracts, t.revenue, t.suffix,
      $2.presence,
      -- one value for each customer: that of their first membership, as everywhere where customers have one
      retention_internal.source_segment_list($1, E',\n    (array_agg(p.%2$I ORDER BY '
        'p.started < coalesce(p.ended, ''infinity'') DESC, p.started, p.%2$I))[1] AS %2$I'),
      retention_internal.source_largest($1, 'customer'), retention_internal.source_by_segment($1, false),
      'p.' || retention_internal.source_customer($1), $2.bound) END
  FROM (SELECT retention_internal.source_contracts($1, '(SELECT as_of FROM known)') AS contracts,
    retention_internal.source_revenue_of($1, '(SELECT as_of FROM known)',
      '(SELECT span::@extschema@.retention_span FROM span)') AS revenue,
    CASE WHEN $2.hours THEN '_at' ELSE '' END AS suffix) AS t
$$;
COMMENT ON FUNCTION retention_internal.source_revenue_view(
  retention_internal.source, retention_internal.view_parts, text) IS
'the query of the view revenue or revenue_by_segment; NULL without amounts or without segments';
