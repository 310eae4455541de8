-- source: the views of purchases, of events with an amount: value, cohort_value, and both by segment.

CREATE FUNCTION retention_internal.source_value_grid(source retention_internal.source, what text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  o record := @extschema@.grid_options(source.grid);
  plain boolean := what = 'value' OR o.cohorts <> 'first' OR o.brackets IS NOT NULL
    OR o.reactivation_within IS NOT NULL;
BEGIN
  -- Purchases of one day are one.
  IF what = 'value' AND o.unit = 'hour' THEN
    source.grid := 'day; time_zone=' || source.time_zone;
  END IF;
  RETURN retention_internal.source_grid(source, '(SELECT as_of FROM known)', plain);
END
$$;
COMMENT ON FUNCTION retention_internal.source_value_grid(retention_internal.source, text) IS
'an SQL expression of the grid on which the view value or cohort_value of a source counts, with its as_of: for value '
'calendar periods of days or longer, for cohort_value the grid of the source without recurring cohorts and brackets';

CREATE FUNCTION retention_internal.source_value(source retention_internal.source, what text, by_segment boolean)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE $2 WHEN 'value' THEN format(E'SELECT %sf.*\nFROM summary AS s, @extschema@.value_figures(s.money) AS f\n'
      'WHERE s.money IS NOT NULL%s', n.names, n.sorted)
    -- Sums of money first; what they are divided by follows from the same row.
    ELSE format($q$SELECT %1$sc.cohort, c.cohort_size, c.period, c.period_start, c.period_end, c.at_risk, c.retained,
  c.value AS amount, r.value AS per_retained, p.value AS per_customer, l.value AS cumulative, f.value AS share_of_first,
  g.value AS gross_share_of_first, c.status
FROM summary AS s
  CROSS JOIN LATERAL @extschema@.cohort_value_cells%2$s(s.money, 'sum'::text) AS c
  JOIN LATERAL @extschema@.cohort_value_cells%2$s(s.money, 'per_retained'::text) AS r USING (cohort, period)
  JOIN LATERAL @extschema@.cohort_value_cells%2$s(s.money, 'per_customer'::text) AS p USING (cohort, period)
  JOIN LATERAL @extschema@.cohort_value_cells%2$s(s.money, 'cumulative'::text) AS l USING (cohort, period)
  JOIN LATERAL @extschema@.cohort_value_cells%2$s(s.money, 'share_of_first'::text) AS f USING (cohort, period)
  JOIN LATERAL @extschema@.cohort_value_cells%2$s(s.money, 'gross_share_of_first'::text) AS g USING (cohort, period)
ORDER BY %1$sc.cohort, c.period$q$, n.names,
      CASE (@extschema@.grid_options($1.grid)).unit WHEN 'hour' THEN '_at' ELSE '' END) END
  FROM (SELECT CASE WHEN $3 THEN 's.segment, s.value, ' ELSE '' END AS names,
    CASE WHEN $3 THEN E'\nORDER BY s.segment, s.value' ELSE '' END AS sorted) AS n
$$;
COMMENT ON FUNCTION retention_internal.source_value(retention_internal.source, text, boolean) IS
'the SELECT of value or cohort_value from the part "summary" of a WITH; by_segment: from one row per segment and value';

CREATE FUNCTION retention_internal.source_value_view(
  source retention_internal.source, p retention_internal.view_parts, what text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $1.kind = 'events' AND $1.has_amount AND (NOT b.by_segment OR $1.segments <> '{}') THEN
    format(E'WITH %s,\n%s%ssummary AS (\n  SELECT %s@extschema@.%s(e.%s, %s, e.amount::numeric, %s) AS money\n'
        '  FROM %s AS e%s\n)\n%s', $2.known,
      CASE WHEN b.by_segment THEN retention_internal.source_customers($1, $2) || E',\n' ELSE '' END,
      CASE WHEN b.by_segment THEN retention_internal.source_largest($1, 'customer') ELSE '' END,
      CASE WHEN b.by_segment THEN 's.segment, s.value, ' ELSE '' END,
      CASE b.what WHEN 'value' THEN 'customer_value' ELSE 'cohort_value' END,
      retention_internal.source_customer($1), retention_internal.source_event_time('e'),
      retention_internal.source_value_grid($1, b.what), $1.source,
      CASE WHEN b.by_segment THEN format(E' JOIN customer AS c ON c.customer = e.customer, LATERAL %s\n'
        '  GROUP BY s.segment, s.value', retention_internal.source_by_segment($1, false)) ELSE '' END,
      retention_internal.source_value($1, b.what, b.by_segment)) END
  FROM (SELECT regexp_replace($3, '_by_segment$', '') AS what, $3 ~ '_by_segment$' AS by_segment) AS b
$$;
COMMENT ON FUNCTION retention_internal.source_value_view(
  retention_internal.source, retention_internal.view_parts, text) IS
'the query of the view value or cohort_value, or of one of them by segment; NULL without amounts or without segments';
