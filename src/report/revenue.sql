-- report: the money section of sources of contracts: recurring revenue, its movements and how much of it is kept.

CREATE FUNCTION retention_internal.report_contracts(source retention_internal.source, known timestamp,
  plain retention_grid, since timestamptz, hidden jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $body$
#variable_conflict use_variable
DECLARE
  p retention_internal.view_parts := retention_internal.source_view_parts(source, format('%L::timestamp', known));
  revenue @extschema@.retention_revenue;
  currencies jsonb;
BEGIN
  EXECUTE format(E'WITH %s,\n%s,\n%s\nSELECT %s FROM contract AS o', p.known,
    retention_internal.source_flow_span(source, p),
    retention_internal.source_contracts(source, '(SELECT as_of FROM known)'),
    retention_internal.source_revenue_of(source, '(SELECT as_of FROM known)',
      '(SELECT span::@extschema@.retention_span FROM span)'))
    INTO revenue;
  -- The currency that most customers pay in comes first; three are shown.
  SELECT coalesce(jsonb_agg(c.one ORDER BY c.customers DESC, c.currency COLLATE "C"), '[]') INTO currencies
  FROM (
    SELECT r.currency, (array_agg(r.closing_customers ORDER BY r.period_start DESC))[1] AS customers,
      jsonb_build_object('currency', r.currency, 'periods', retention_internal.report_suppressed(
        jsonb_agg(to_jsonb(r) || jsonb_build_object(
          'period_start', retention_internal.report_time(r.period_start, plain),
          'period_end', retention_internal.report_time(r.period_end, plain)) ORDER BY r.period_start),
        'revenue'::text, hidden, '{}'::jsonb)) AS one
    FROM @extschema@.revenue_periods_at(revenue, 'net'::text, 0.95::double precision) AS r
    GROUP BY r.currency
    ORDER BY 2 DESC, r.currency COLLATE "C"
    LIMIT 3
  ) AS c;
  RETURN jsonb_build_object('kind', 'contracts', 'headline', CASE WHEN currencies <> '[]'
      THEN retention_internal.report_revenue((
        SELECT jsonb_agg(e.period || jsonb_build_object('amount', e.period -> 'closing_mrr') ORDER BY e.place)
        FROM jsonb_array_elements(currencies -> 0 -> 'periods') WITH ORDINALITY AS e (period, place))) ELSE '[]' END,
    'currencies', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('currency', c.one -> 'currency', 'periods', (
        SELECT coalesce(jsonb_agg(e.period - 'currency' ORDER BY e.place), '[]')
        FROM jsonb_array_elements(c.one -> 'periods') WITH ORDINALITY AS e (period, place)
        WHERE (e.period ->> 'period_start')::timestamp >= since AT TIME ZONE source.time_zone)) ORDER BY c.place), '[]')
      FROM jsonb_array_elements(currencies) WITH ORDINALITY AS c (one, place)));
END
$body$;
COMMENT ON FUNCTION retention_internal.report_contracts(retention_internal.source, timestamp, retention_grid,
  timestamptz, jsonb) IS
'the money section of a report on contracts: the rows of revenue_periods() of the three currencies with most customers';

CREATE FUNCTION retention_internal.plot_bridge(periods jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.plot_bars('bridge', 'Revenue won and lost by ' || unit,
    'Above the line: revenue from new customers, from those who came back, and more revenue from those who stayed. '
    'Below it: revenue lost by contraction and churn.', 'revenue',
    jsonb_agg(jsonb_build_object('at', period_start, 'hatched', status = 'partial',
      'up', jsonb_build_array(new_mrr, reactivation_mrr, expansion_mrr), 'down', contraction_mrr + churned_mrr,
      'words', format('%s: opening %s, new %s, back %s, expansion %s, contraction %s, churned %s, closing %s%s',
        retention_internal.plot_period(period_start, unit), retention_internal.plot_money(opening_mrr),
        retention_internal.plot_money(new_mrr), retention_internal.plot_money(reactivation_mrr),
        retention_internal.plot_money(expansion_mrr), retention_internal.plot_money(contraction_mrr),
        retention_internal.plot_money(churned_mrr), retention_internal.plot_money(closing_mrr),
        CASE WHEN status = 'partial' THEN ' (partial)' ELSE '' END))),
    ARRAY['new', 'came back', 'expansion', 'lost'], ARRAY['s5', 's6', 's1', 's2'], unit, width)
  FROM jsonb_to_recordset(periods) AS r (period_start timestamp, status text, opening_mrr numeric, new_mrr numeric,
    reactivation_mrr numeric, expansion_mrr numeric, contraction_mrr numeric, churned_mrr numeric, closing_mrr numeric)
$$;
COMMENT ON FUNCTION retention_internal.plot_bridge(jsonb, text, integer) IS
'the movements of revenue in the rows of revenue_periods() as SVG';

CREATE FUNCTION retention_internal.plot_kept(periods jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.plot_rates('kept', 'Net and gross revenue retention by ' || unit,
    'How much of the revenue at the start of each period its customers still pay at its end, with 95 % confidence '
    'intervals. Net: with what they pay more. Gross: without.', 'per cent of the opening revenue',
    coalesce(jsonb_agg(s.one ORDER BY s.place), '[]'), unit, width)
  FROM (
    SELECT v.place, jsonb_build_object('name', v.name, 'class', v.class, 'rates', jsonb_agg(jsonb_build_object(
      'at', r.period_start, 'rate', v.rate, 'low', v.low, 'high', v.high, 'words', format('%s: %s %s%s of %s',
        retention_internal.plot_period(r.period_start, unit), v.name, retention_internal.plot_percent(v.rate),
        retention_internal.plot_limits(v.low, v.high), retention_internal.plot_money(r.opening_mrr))))) AS one
    FROM jsonb_to_recordset(periods) AS r (period_start timestamp, opening_mrr numeric, net_revenue_retention numeric,
        nrr_low numeric, nrr_high numeric, gross_revenue_retention numeric, grr_low numeric, grr_high numeric),
      LATERAL (VALUES (1, 'net', 's1', r.net_revenue_retention, r.nrr_low, r.nrr_high),
        (2, 'gross', 's2', r.gross_revenue_retention, r.grr_low, r.grr_high)) AS v (place, name, class, rate, low, high)
    GROUP BY v.place, v.name, v.class
  ) AS s
$$;
COMMENT ON FUNCTION retention_internal.plot_kept(jsonb, text, integer) IS
'net and gross revenue retention in the rows of revenue_periods() as SVG';

CREATE FUNCTION retention_internal.page_contracts(money jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(retention_internal.fill('pair', jsonb_build_object('cards',
    retention_internal.page_card('Recurring revenue' || c.suffix,
      format('What was won and lost by %s, per month.', unit),
      retention_internal.plot_bridge(c.periods, unit, 520), retention_internal.plot_bridge(c.periods, unit, 320),
      retention_internal.page_figures(c.named, ARRAY[['name', 'period', 'word'], ['opening_mrr', 'opening', 'money'],
        ['new_mrr', 'new', 'money'], ['reactivation_mrr', 'came back', 'money'],
        ['expansion_mrr', 'expansion', 'money'], ['contraction_mrr', 'contraction', 'money'],
        ['churned_mrr', 'churned', 'money'], ['closing_mrr', 'closing', 'money'],
        ['closing_customers', 'customers', 'count'], ['arpa', 'per customer', 'money'],
        ['unpaid_customers', 'without revenue', 'count']]))
    || retention_internal.page_card('Revenue kept' || c.suffix, 'Of the revenue at the start of a period, how much its '
        'customers still pay at its end: with what they pay more (net), and without (gross).',
      retention_internal.plot_kept(c.periods, unit, 520), retention_internal.plot_kept(c.periods, unit, 320),
      retention_internal.page_figures(c.named, ARRAY[['name', 'period', 'word'],
        ['net_revenue_retention', 'net', 'percent'], ['nrr_low', 'CI low', 'percent'],
        ['nrr_high', 'CI high', 'percent'], ['gross_revenue_retention', 'gross', 'percent'],
        ['grr_low', 'CI low', 'percent'], ['grr_high', 'CI high', 'percent'],
        ['quick_ratio', 'quick ratio', 'number']])))), '' ORDER BY c.place)
  FROM (
    SELECT e.place, retention_internal.page_rows(e.one -> 'periods') AS periods,
      retention_internal.page_named(retention_internal.page_rows(e.one -> 'periods'), unit) AS named,
      coalesce(', ' || (e.one ->> 'currency'), '') AS suffix
    FROM jsonb_array_elements(retention_internal.page_rows(money -> 'currencies')) WITH ORDINALITY AS e (one, place)
  ) AS c
$$;
COMMENT ON FUNCTION retention_internal.page_contracts(jsonb, text) IS
'the money section of a report on contracts as cards, a pair for each currency';
