-- report: the money section, of sources with amounts: its JSON, its cards and its pictures.

-- Numbers.

CREATE FUNCTION retention_internal.report_spent(periods jsonb, cells jsonb, below integer) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- A period is hidden if few came or came back in it, or if its new customers are a cell that is hidden; and where one
  -- alone would be, another with it.
  WITH period AS (
    SELECT e.p, e.place::integer AS place, n.came + n.back AS customers,
      coalesce(n.came BETWEEN 1 AND $3 - 1 OR n.back BETWEEN 1 AND $3 - 1, false) OR EXISTS (
        SELECT FROM jsonb_array_elements($2) AS c (cell)
        WHERE c.cell -> 'cohort' = e.p -> 'period_start' AND c.cell -> 'period' = '0'
          AND c.cell ->> 'status' = 'suppressed') AS small
    FROM jsonb_array_elements($1) WITH ORDINALITY AS e (p, place),
      LATERAL (SELECT (e.p ->> 'came')::bigint AS came, (e.p ->> 'back')::bigint AS back) AS n
  ), hidden AS (
    SELECT u.hidden, u.place
    FROM (
      SELECT retention_internal.source_hidden(array_agg(p.small ORDER BY p.place),
        array_agg(p.customers ORDER BY p.place), array_agg(false ORDER BY p.place), array_agg(p.place ORDER BY p.place),
        array_agg(1 ORDER BY p.place)) AS hidden
      FROM period AS p
    ) AS a, unnest(a.hidden) WITH ORDINALITY AS u (hidden, place)
  )
  SELECT CASE WHEN $3 IS NULL THEN $1 ELSE (
    SELECT coalesce(jsonb_agg(CASE WHEN h.hidden
      THEN p.p || '{"status": "suppressed", "new": null, "returned": null, "amount": null}' ELSE p.p END
      ORDER BY p.place), '[]')
    FROM period AS p JOIN hidden AS h ON h.place = p.place) END
$$;
COMMENT ON FUNCTION retention_internal.report_spent(jsonb, jsonb, integer) IS
'the revenue of periods without those of few customers, beside cells of cohorts of which some are hidden; below NULL: '
'all are shown';

CREATE FUNCTION retention_internal.report_purchases(source retention_internal.source, known timestamp,
  plain retention_grid, first timestamptz, since timestamptz, most integer, hidden jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $body$
#variable_conflict use_variable
DECLARE
  o constant record := @extschema@.grid_options(source.grid);
  daily retention_internal.source := source;
  grid text;
  value @extschema@.retention_value;
  cohorts @extschema@.retention_cohort_value;
  cells jsonb;
  revenue jsonb;
BEGIN
  -- Purchases of one day are one.
  IF (@extschema@.grid_options(plain)).unit = 'hour' THEN
    daily.grid := 'day; time_zone=' || source.time_zone;
  END IF;
  grid := retention_internal.source_grid(daily, format('%L::timestamp', known), true);
  EXECUTE format('SELECT @extschema@.customer_value(e.%1$s, %2$s, e.amount::numeric, %3$s), '
      '@extschema@.cohort_value(e.%1$s, %2$s, e.amount::numeric, %4$L::@extschema@.retention_grid) FROM %5$s AS e',
    retention_internal.source_customer(source), retention_internal.source_event_time('e'), grid, plain, source.source)
    INTO value, cohorts;
  -- What is hidden is known of calendar periods: for others there is none.
  IF source.suppress_below IS NOT NULL AND (o.windows <> 'calendar' OR o.cohorts <> 'first' OR o.brackets IS NOT NULL)
  THEN
    cohorts := NULL;
  END IF;
  SELECT coalesce(jsonb_agg(jsonb_build_object('cohort', retention_internal.report_time(c.cohort, plain),
      'cohort_size', c.cohort_size, 'period', c.period, 'at_risk', c.at_risk, 'retained', c.retained,
      'amount', c.amount, 'cumulative', c.cumulative, 'status', c.status) ORDER BY c.cohort, c.period), '[]') INTO cells
  FROM (
    SELECT n.*, n.value AS amount, l.value AS cumulative, dense_rank() OVER (ORDER BY n.cohort DESC) AS place
    FROM @extschema@.cohort_value_cells_at(cohorts, 'sum'::text) AS n
      JOIN @extschema@.cohort_value_cells_at(cohorts, 'cumulative'::text) AS l USING (cohort, period)
  ) AS c
  WHERE c.place <= most AND c.period < most;
  cells := retention_internal.report_suppressed(cells, 'cohort_value', hidden, '{}'::jsonb);
  SELECT coalesce(jsonb_agg(jsonb_build_object('period_start', retention_internal.report_time(c.period_start, plain),
      'period_end', retention_internal.report_time(c.period_end, plain), 'status', c.status, 'new', c.new,
      'returned', c.amount - c.new, 'amount', c.amount, 'shown', c.period_start >= since, 'came', c.came,
      'back', c.back) ORDER BY c.period_start), '[]') INTO revenue
  FROM (
    SELECT n.period_start, n.period_end, n.status, coalesce(sum(n.value) FILTER (WHERE n.period = 0), 0) AS new,
      sum(n.value) AS amount, coalesce(sum(n.retained) FILTER (WHERE n.period = 0), 0) AS came,
      coalesce(sum(n.retained) FILTER (WHERE n.period > 0), 0) AS back
    FROM @extschema@.cohort_value_cells_at(cohorts, 'sum'::text) AS n
    WHERE n.period_start >= first
    GROUP BY n.period_start, n.period_end, n.status
  ) AS c;
  revenue := retention_internal.report_spent(revenue, cells, source.suppress_below);
  RETURN jsonb_build_object('kind', 'purchases',
    'figures', (
      SELECT retention_internal.report_suppressed(jsonb_build_array(to_jsonb(f) || CASE
        WHEN f.customers < 10 * source.suppress_below THEN '{"top_tenth_share": null}'::jsonb ELSE '{}' END),
        'value'::text, hidden, '{}'::jsonb) -> 0
      FROM @extschema@.value_figures(value) AS f WHERE f.customers IS NOT NULL),
    'headline', retention_internal.report_revenue(revenue),
    'revenue', (SELECT coalesce(jsonb_agg(p.period - '{shown,came,back}'::text[] ORDER BY p.place), '[]')
      FROM jsonb_array_elements(revenue) WITH ORDINALITY AS p (period, place) WHERE (p.period ->> 'shown')::boolean),
    'cohorts', (
      -- What has been spent so far would tell a cell that is hidden.
      SELECT coalesce(jsonb_agg(e.cell - '{at_risk,retained}'::text[]
        || CASE WHEN e.told THEN '{"cumulative": null}'::jsonb ELSE '{}' END ORDER BY e.place), '[]')
      FROM (
        SELECT c.cell, c.place, bool_or(c.cell ->> 'status' = 'suppressed') OVER (PARTITION BY c.cell -> 'cohort'
          ORDER BY c.place) AS told
        FROM jsonb_array_elements(cells) WITH ORDINALITY AS c (cell, place)
      ) AS e));
END
$body$;
COMMENT ON FUNCTION retention_internal.report_purchases(retention_internal.source, timestamp, retention_grid,
  timestamptz, timestamptz, integer, jsonb) IS
'the money section of a report on events: figures of the customers, revenue by period, the LTV curves of cohorts';

CREATE FUNCTION retention_internal.report_revenue(revenue jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH period AS (
    SELECT row_number() OVER (ORDER BY p.place DESC) AS back, (p.period ->> 'period_start')::timestamp AS starts,
      (p.period ->> 'period_end')::timestamp AS ends, jsonb_build_object('period_start', p.period -> 'period_start',
        'period_end', p.period -> 'period_end', 'value', p.period -> 'amount', 'low', NULL, 'high', NULL, 'of', NULL)
      AS figure
    FROM jsonb_array_elements(revenue) WITH ORDINALITY AS p (period, place)
    WHERE p.period ->> 'status' = 'observed'
  )
  SELECT coalesce(jsonb_agg(retention_internal.report_figure('revenue', 'Revenue', 'money', n.figure, b.figure,
    y.figure)), '[]')
  FROM period AS n
    LEFT JOIN period AS b ON b.back = 2
    LEFT JOIN period AS y ON y.back > 2 AND y.starts = n.starts - interval '1 year'
      AND y.ends = n.ends - interval '1 year'
  WHERE n.back = 1
$$;
COMMENT ON FUNCTION retention_internal.report_revenue(jsonb) IS
'the revenue of the last complete period as a figure of the headline of a report, from rows with period_start, '
'period_end, status and amount';

CREATE FUNCTION retention_internal.report_forecast(source retention_internal.source, known timestamp, currencies jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  query constant text := retention_internal.source_view(source, 'forecast'::text, format('%L::timestamp', known));
  forecast jsonb := '[]';
BEGIN
  IF query IS NOT NULL THEN
    EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(f) ORDER BY c.place, f.period_start), ''[]'') FROM (%s) AS f '
      'JOIN jsonb_array_elements_text($1) WITH ORDINALITY AS c (currency, place) '
      'ON f.currency IS NOT DISTINCT FROM c.currency', query)
      INTO forecast USING currencies;
  END IF;
  RETURN forecast;
END
$$;
COMMENT ON FUNCTION retention_internal.report_forecast(retention_internal.source, timestamp, jsonb) IS
'the rows of the view forecast of a source in some currencies, in their order; none in a grid of hours, or if the '
'model could not be fitted';

CREATE FUNCTION retention_internal.report_money(source retention_internal.source, known timestamp,
  plain retention_grid, first timestamptz, since timestamptz, most integer, hidden jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT m.money || jsonb_build_object('forecast', retention_internal.report_forecast(source, known,
    CASE source.kind WHEN 'events' THEN '[null]' ELSE jsonb_path_query_array(m.money, '$.currencies[*].currency') END))
  FROM (
    SELECT CASE WHEN source.has_amount THEN CASE source.kind
      WHEN 'events' THEN retention_internal.report_purchases(source, known, plain, first, since, most, hidden)
      WHEN 'subscriptions' THEN retention_internal.report_contracts(source, known, plain, since, hidden) END END
      AS money
  ) AS m
$$;
COMMENT ON FUNCTION retention_internal.report_money(retention_internal.source, timestamp, retention_grid, timestamptz,
  timestamptz, integer, jsonb) IS
'the money section of a report, with a key "headline" of figures for its head; NULL: the source has no amounts. '
'hidden: what report_hidden() returned';

-- Pictures.

CREATE FUNCTION retention_internal.plot_money(value numeric) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN abs(value) < 10000 THEN to_char(round(value, 2), 'FM999,990.00')
    ELSE retention_internal.plot_count(value) END
$$;
COMMENT ON FUNCTION retention_internal.plot_money(numeric) IS 'an amount: with cents below 10,000';

CREATE FUNCTION retention_internal.plot_revenue(revenue jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.plot_bars('revenue', 'Revenue by ' || unit,
    'Net amounts of customers in the period of their first purchase and of those who came back. Below the line: net '
    'refunds.', 'revenue',
    jsonb_agg(jsonb_build_object('at', period_start, 'hatched', status = 'partial',
      'up', jsonb_build_array(greatest(returned, 0), greatest(new, 0)),
      'down', greatest(-returned, 0) + greatest(-new, 0),
      'words', format('%s: revenue %s, of new customers %s, of returning customers %s%s',
        retention_internal.plot_period(period_start, unit), retention_internal.plot_money(amount),
        retention_internal.plot_money(new), retention_internal.plot_money(returned),
        CASE WHEN status = 'partial' THEN ' (partial)' ELSE '' END))),
    ARRAY['returning customers', 'new customers', 'refunds'], ARRAY['s1', 's5', 's2'], unit, width)
  FROM jsonb_to_recordset(revenue) AS r (period_start timestamp, status text, amount numeric, new numeric,
    returned numeric)
$$;
COMMENT ON FUNCTION retention_internal.plot_revenue(jsonb, text, integer) IS 'revenue by period as SVG';

CREATE FUNCTION retention_internal.money_lines(cells jsonb, scale retention_internal.plot_scale, x0 double precision,
  band double precision, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.fill('curve', jsonb_agg(jsonb_build_object('colour', (n - 1) % 8 + 1, 'dashed', '',
    'line', CASE WHEN points > 1 THEN line END, 'band', NULL, 'points', retention_internal.fill('money_point', dots),
    'ends', NULL) ORDER BY n))
  FROM (
    SELECT n, count(*) AS points, string_agg(x || ' ' || y, 'L' ORDER BY period) AS line,
      jsonb_agg(jsonb_build_object('x', x, 'y', y, 'unit', unit, 'period', period,
        'cohort', retention_internal.plot_period(cohort, unit), 'amount', retention_internal.plot_money(cumulative),
        'customers', retention_internal.plot_count(cohort_size)) ORDER BY period) AS dots
    FROM (
      SELECT c.*, dense_rank() OVER (ORDER BY c.cohort) AS n, round((x0 + band * (period + 0.5))::numeric, 1) AS x,
        retention_internal.plot_pixel(scale, cumulative::double precision) AS y
      FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric, period integer, cumulative numeric)
    ) AS p
    GROUP BY n
  ) AS g
$$;
COMMENT ON FUNCTION retention_internal.money_lines(jsonb, retention_internal.plot_scale, double precision,
  double precision, text) IS 'amounts so far of cohorts, a line for each';

CREATE FUNCTION retention_internal.plot_ltv(cells jsonb, grid text, width integer DEFAULT 520) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  unit constant text := retention_internal.plot_unit(grid);
  x0 constant double precision := 48;
  drawn jsonb;
  last integer;
  low double precision;
  high double precision;
  step double precision;
  scale retention_internal.plot_scale;
  band double precision;
  key record;
BEGIN
  -- Eight cohorts can be told apart: the newest with more than one period that is over.
  WITH cell AS (
    SELECT c.*, count(*) OVER (PARTITION BY c.cohort) AS periods
    FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric, period integer, cumulative numeric)
    WHERE c.cumulative IS NOT NULL
  ), newest AS (
    SELECT c.*, dense_rank() OVER (ORDER BY c.cohort DESC) AS back FROM cell AS c WHERE c.periods > 1
  )
  SELECT jsonb_agg(to_jsonb(n) ORDER BY n.cohort, n.period), max(n.period), min(n.cumulative), max(n.cumulative)
    INTO drawn, last, low, high
    FROM newest AS n WHERE n.back <= 8;
  IF drawn IS NULL THEN
    RETURN retention_internal.plot_svg('ltv', width, 48, 'Customer value', 'No cohort has two complete periods.', '');
  END IF;
  low := least(low, 0);
  step := retention_internal.plot_step(greatest(high - low, 1), 5);
  scale := retention_internal.plot_y_scale(floor(low / step) * step, greatest(1, ceil(high / step)) * step, step,
    width);
  band := (width - x0 - 14) / (last + 1);
  SELECT * INTO key FROM retention_internal.plot_legend((
      SELECT jsonb_agg(jsonb_build_object('name', retention_internal.plot_period(c.cohort, unit),
        'class', format('s%s fill', c.n)) ORDER BY c.n)
      FROM (
        SELECT o.cohort, row_number() OVER (ORDER BY o.cohort) AS n
        FROM (SELECT DISTINCT d.cohort FROM jsonb_to_recordset(drawn) AS d (cohort timestamp)) AS o
      ) AS c), 0, (scale).low_pixel + 56, width);
  RETURN retention_internal.plot_svg('ltv', width, ((scale).low_pixel + 42 + key.height)::integer,
    'Customer value: amount so far for each customer of a cohort, by ' || unit || ' after the first purchase',
    'The newest cohorts with two complete periods; refunds are taken off.',
    retention_internal.plot_with_axes(scale, x0, width, '', 'amount so far per customer',
      retention_internal.plot_x_axis((SELECT array_agg(i::text ORDER BY i) FROM generate_series(0, last) i), x0, band,
        (scale).low_pixel + 18), retention_internal.plot_units(unit) || ' after the first purchase',
      retention_internal.money_lines(drawn, scale, x0, band, unit) || key.body));
END
$$;
COMMENT ON FUNCTION retention_internal.plot_ltv(jsonb, text, integer) IS
'the LTV curves of cohorts as SVG: [{"cohort", "cohort_size", "period", "cumulative"}]';

CREATE FUNCTION retention_internal.plot_forecast(forecast jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.plot_bars('forecast', format('Expected %s by %s', w.what, unit),
    'What a model expects of the customers who are known now. Nothing here was observed.', 'expected ' || w.what,
    jsonb_agg(jsonb_build_object('at', f.period_start, 'hatched', false,
      'up', jsonb_build_array(CASE w.what WHEN 'revenue' THEN f.revenue ELSE f.customers END), 'down', 0,
      'words', format('%s: expected customers %s%s', retention_internal.plot_period(f.period_start, unit),
        retention_internal.plot_count(f.customers),
        ', expected revenue ' || retention_internal.plot_money(f.revenue)))),
    ARRAY['expected ' || w.what], ARRAY['s0'], unit, width)
  FROM jsonb_to_recordset(forecast) AS f (period_start timestamp, customers numeric, revenue numeric),
    (SELECT CASE WHEN bool_and(r.revenue >= 0) THEN 'revenue' ELSE 'customers' END AS what
      FROM jsonb_to_recordset(forecast) AS r (revenue numeric)) AS w
  GROUP BY w.what
$$;
COMMENT ON FUNCTION retention_internal.plot_forecast(jsonb, text, integer) IS
'what a model expects of the next periods as SVG, in grey: revenue, or customers where that is not '
'known';

-- Cards.

CREATE FUNCTION retention_internal.page_purchases(money jsonb, grid text, unit text, currency text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.fill('pair', jsonb_build_object('cards',
    retention_internal.page_card('Revenue', format('Amounts%s by %s, refunds taken off.', ' in ' || currency, unit),
      retention_internal.plot_revenue(revenue, unit, 520), retention_internal.plot_revenue(revenue, unit, 320),
      retention_internal.page_figures(retention_internal.page_named(revenue, unit), ARRAY[['name', 'period', 'word'],
        ['amount', 'revenue', 'money'], ['new', 'new customers', 'money'],
        ['returned', 'returning customers', 'money']]))
    || retention_internal.page_card('Customer value', format('What the customers of a cohort have spent so far%s, '
        'for each customer who ever joined it (LTV), by %s after the first purchase.', ', in ' || currency,
        retention_internal.plot_units(unit)),
      retention_internal.plot_ltv(cohorts, grid, 520), retention_internal.plot_ltv(cohorts, grid, 320),
      retention_internal.page_figures((
        SELECT jsonb_agg(jsonb_build_object('cohort', retention_internal.plot_period(c.cohort, unit),
          'cohort_size', c.cohort_size, 'period', c.period, 'amount', c.amount, 'cumulative', c.cumulative,
          'status', c.status) ORDER BY c.cohort, c.period)
        FROM jsonb_to_recordset(cohorts) AS c (cohort timestamp, cohort_size numeric, period integer, amount numeric,
          cumulative numeric, status text)
        WHERE c.period < 12), ARRAY[['cohort', 'cohort', 'word'], ['cohort_size', 'customers', 'count'],
        ['period', unit, 'count'], ['amount', 'amount', 'money'], ['cumulative', 'so far per customer', 'money']]))))
    || retention_internal.page_card('Purchases', format('All customers until the as-of time%s.',
        '; amounts in ' || currency), NULL, NULL,
      retention_internal.page_table(jsonb_build_array(money -> 'figures'), ARRAY[['customers', 'customers', 'count'],
        ['orders', 'orders', 'count'], ['refunds', 'refunds', 'count'], ['revenue', 'revenue', 'money'],
        ['average_order_value', 'average order', 'money'], ['repeat_purchase_rate', 'bought again', 'percent'],
        ['rate_low', 'CI low', 'percent'], ['rate_high', 'CI high', 'percent'],
        ['days_between_median', 'median time between', 'days'],
        ['top_tenth_share', 'share of the top tenth', 'percent']]))
  FROM (SELECT retention_internal.page_rows(money -> 'revenue') AS revenue,
    retention_internal.page_rows(money -> 'cohorts') AS cohorts) AS m
$$;
COMMENT ON FUNCTION retention_internal.page_purchases(jsonb, text, text, text) IS
'the money section of a report on events as cards';

CREATE FUNCTION retention_internal.page_forecast(forecast jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(retention_internal.page_card('Expected' || coalesce(', ' || f.currency, ''),
    format('What the model %s expects of the customers who are known now, by %s. New customers are not in it, and '
      'nothing of it was observed.', f.rows -> 0 ->> 'model', unit),
    retention_internal.plot_forecast(f.rows, unit, 1060), retention_internal.plot_forecast(f.rows, unit, 320),
    retention_internal.page_figures(retention_internal.page_named(f.rows, unit), ARRAY[['name', 'period', 'word'],
      ['customers', 'expected customers', 'number'], ['purchases', 'expected purchases', 'number'],
      ['revenue', 'expected revenue', 'money']])), '' ORDER BY f.place)
  FROM (
    SELECT e.one ->> 'currency' AS currency, min(e.place) AS place, jsonb_agg(e.one ORDER BY e.place) AS rows
    FROM jsonb_array_elements(forecast) WITH ORDINALITY AS e (one, place)
    GROUP BY 1
  ) AS f
$$;
COMMENT ON FUNCTION retention_internal.page_forecast(jsonb, text) IS
'the forecast of a report, a card for each currency; NULL where there is none';

CREATE FUNCTION retention_internal.page_money(money jsonb, grid text, unit text, currency text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nullif(concat(CASE money ->> 'kind' WHEN 'purchases' THEN retention_internal.page_purchases(money, grid,
        unit, currency)
      WHEN 'contracts' THEN retention_internal.page_contracts(money, unit) END,
    retention_internal.page_forecast(retention_internal.page_rows(money -> 'forecast'), unit)), '')
$$;
COMMENT ON FUNCTION retention_internal.page_money(jsonb, text, text, text) IS
'the money section of a report; NULL where it has none';
