-- Pictures: what they contain. How they look in a browser is tested by t/070_browser.pl.
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
-- Well-formed XML, where the server can tell.
CREATE FUNCTION well_formed(document text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RETURN xml_is_well_formed_document(document);
EXCEPTION WHEN feature_not_supported THEN
  RETURN document IS NOT NULL;
END $$;
CREATE FUNCTION times(document text, what text) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM regexp_matches(document, what, 'g') $$;

-- Templates: a value is escaped, and is never looked at for marks
SELECT retention_internal.fill('legend', '{"x": 1, "y": 2.50, "class": "s1", "hatch": null,
  "name": "{{class}} {{{x}}} {{#x}}<b>&{{/x}}"}');
SELECT retention_internal.fill('survival_key', jsonb_build_object('median', m, 'narrow', n, 'customers', '<9>',
  'name', '<raw/>', 'unit', 'days', 'colour', 1, 'dashed', '', 'line_y', 1, 'y', 2, 'right', 3)) AS sections
FROM (VALUES ('5', true), (NULL, false), ('', NULL)) AS v (m, n);
SELECT retention_internal.fill('x_axis', '[{"x": 1, "y": 2, "label": "a"}, {"x": 3, "y": 4, "label": null}]') AS each,
  retention_internal.fill('x_axis', '[]') = '' AND retention_internal.fill('x_axis', NULL) = '' AS none;
SELECT retention_internal.fill('x_axis', '{"x": 1, "label": "a"}');
SELECT retention_internal.fill('no_such_template', '{}');

-- Words
SELECT retention_internal.plot_escape('<a href="x">''&amp;'''), retention_internal.plot_escape(E'tab\tline\nbell\x07esc\x1b') = E'tab\tline\nbell\\u0007esc\\u001B' AS cleaned, retention_internal.plot_escape(NULL) IS NULL AS nothing;
SELECT retention_internal.plot_escape('a' || chr(65534) || chr(65535) || chr(128512)) = 'a\uFFFE\uFFFF' || chr(128512) AS noncharacters;
-- what turns the direction of writing or cannot be seen is shown; letters of any script, joiners and emoji stay
SELECT retention_internal.plot_escape('basic' || chr(x'202E'::int) || 'cisab') AS turned, retention_internal.plot_fit('basic' || chr(x'202E'::int) || 'cisab', 100), retention_internal.plot_fit('basic' || chr(x'202E'::int) || 'cisab', 70);
SELECT string_agg(retention_internal.plot_escape(chr(c)), ' ' ORDER BY c) FROM unnest('{128,159,173,1564,8203,8206,8207,8232,8233,8234,8235,8236,8237,8238,8288,8294,8295,8296,8297,8303,65279,65529,917569}'::int[]) AS c;
SELECT retention_internal.plot_escape(kept) = kept AS kept FROM (SELECT string_agg(chr(c), '') AS kept FROM unnest('{233,1488,1575,8204,8205,65039,4352,12354,128105,917760}'::int[]) AS c) AS k;
SELECT retention_internal.plot_fit('premium', 60), retention_internal.plot_fit('premium plus', 60), retention_internal.plot_fit('WIDE WORDS', 60), retention_internal.plot_fit('<<<<<<<<', 30), retention_internal.plot_fit('x', 3), retention_internal.plot_fit('', 3), retention_internal.plot_fit(NULL, 9);
SELECT length(retention_internal.plot_fit(repeat('&', 100000), 1e9));
SELECT v, retention_internal.plot_count(v), retention_internal.plot_count_short(v) FROM unnest('{0,999,9999,10000,12345,999949,999950,1000000,-2500000,9223372036854775807,1e30}'::numeric[]) v;
SELECT retention_internal.plot_percent(88.1234), retention_internal.plot_percent(88.1234, 0), retention_internal.plot_percent(NULL);
SELECT u, retention_internal.plot_period('2026-04-01 00:00', u), retention_internal.plot_period('2026-04-06 15:00', u) FROM unnest('{hour,day,week,28 days,month,3 months,quarter,year}'::text[]) u;
SELECT retention_internal.plot_unit('month; time_zone=UTC'), retention_internal.plot_unit('3 months'), retention_internal.plot_unit(''), retention_internal.plot_unit(NULL);
SELECT s, retention_internal.plot_step(s, 5) FROM unnest('{0,0.3,1,4,5,7,11,24,51,100,9e18}'::double precision[]) s;

-- The cohort table
CREATE TEMP TABLE orders AS
SELECT c AS customer, date '2026-01-01' + (c % 60 + n * (9 + c % 7)) AS at FROM generate_series(1, 400) c, generate_series(0, 5) n WHERE n <= c % 6;
CREATE TEMP TABLE s AS SELECT cohort_retention(customer, at, 'month; time_zone=UTC') AS s FROM orders;
SELECT retention_heatmap_text(s) FROM s;
SELECT retention_heatmap_text(s, 'on_or_after') FROM s LIMIT 2;
SELECT well_formed(svg), times(svg, '<g class="cell ') AS cells, (SELECT count(*) FROM cohort_cells(s)) AS expected, times(svg, '<g class="pooled ') AS pooled,
  times(svg, '<g class="cell [^>]*><rect [^>]*><rect [^>]*url\(#retention-heatmap-[0-9]+\)') AS hatched, (SELECT count(*) FROM cohort_cells(s) WHERE status = 'partial') AS partial,
  times(svg, '<title>') AS titles, times(svg, '<desc>') AS descriptions, svg ~ '<script|NaN|NULL|####' AS bad
FROM s, retention_heatmap(s) svg;
-- each cell has a title with all that is known about it
SELECT regexp_matches(retention_heatmap(s), '<title>((?:Jan|Mar) 2026, month [1-4]:[^<]*)', 'g') FROM s;
-- later, narrower, other criteria, other grids
SELECT criterion, times(retention_heatmap(s, 'svg', criterion), '<g class="cell ') AS cells FROM s, unnest('{on,on_or_after,on_or_before,streak}'::text[]) criterion;
SELECT times(retention_heatmap(s, as_of => '2026-06-01'), 'url\(#retention-heatmap') AS hatched FROM s;
SELECT w, well_formed(svg), (regexp_match(svg, ' width="([0-9]+)"'))[1] AS width, times(svg, 'customers</text>') AS column_of_customers
FROM s, unnest('{0,320,480,1060}'::integer[]) w, retention_internal.plot_heatmap(retention_internal.cohort_cells_json(s), 'month', w) svg;
SELECT grid, well_formed(svg), times(svg, '<g class="cell ') = (SELECT count(*) FROM cohort_cells_at(c)) AS all_cells,
  (regexp_match(svg, '<title>([^<]*: [^<]*), [0-9]+ of [0-9]+[^<]*</title></g>'))[1] AS first_cell
FROM (SELECT grid, cohort_retention(customer, at::timestamp AT TIME ZONE 'UTC', grid::retention_grid) AS c
  FROM orders, unnest('{week; time_zone=UTC,day; time_zone=UTC; brackets=1-3\,7\,14,30 days; time_zone=UTC; windows=elapsed,year; time_zone=UTC,quarter; time_zone=Asia/Kolkata,24 hours; time_zone=America/New_York}'::text[]) grid
  WHERE customer <= 20 GROUP BY grid) q, retention_heatmap(c) svg ORDER BY grid COLLATE "C";
-- brackets are named as they are
SELECT regexp_replace(svg, '.*middle">(1-3)<.*middle">(7)<.*middle">(14)<.*', '\1 \2 \3') AS brackets, (regexp_match(svg, 'day 1-3: [^<]*'))[1] AS cell, (SELECT l FROM retention_heatmap_text(c) l LIMIT 1) AS text
FROM (SELECT cohort_retention(customer, at, 'day; time_zone=UTC; brackets=1-3,7,14') AS c FROM orders WHERE customer <= 20) q, retention_heatmap(c) svg;
SELECT well_formed(svg), svg ~ 'middle">1-3<' AS brackets FROM (SELECT cohort_retention(customer, at, 'day; time_zone=UTC; brackets=1-3,7,14') AS c FROM orders) q, retention_plot_curve(c) svg;
-- no cells, one cell, no retained customers, sixty cohorts
SELECT well_formed(svg), svg ~ 'Nothing to draw' AS nothing FROM retention_heatmap(NULL) svg;
SELECT count(*) FROM retention_heatmap_text(NULL);
SELECT well_formed(svg), times(svg, '<g class="cell ') AS cells, times(svg, '<g class="pooled ') AS pooled
FROM retention_heatmap((SELECT cohort_retention(1, date '2026-01-05', 'month; time_zone=UTC'))) svg;
SELECT retention_heatmap_text(cohort_retention(1, date '2026-01-05', 'month; time_zone=UTC')) AS one;
SELECT retention_heatmap_text(cohort_retention(c, at, 'month; time_zone=UTC')) AS nobody_came_back
FROM (VALUES (1, date '2026-01-05'), (2, date '2026-03-05')) v (c, at);
SELECT well_formed(svg), times(svg, '<g class="cell ') AS cells, length(svg) < 1000000 AS small
FROM retention_heatmap((SELECT cohort_retention(c, (date '2020-01-15' + (c % 60 + n) * interval '1 month')::date, 'month; time_zone=UTC')
  FROM generate_series(0, 119) c, generate_series(0, 59) n WHERE c % 60 + n < 60)) svg;
-- counts of any size, rates missing
SELECT well_formed(svg), svg ~ '9,223,372,036,854,775,807' AS whole, svg ~ '&#8211;</text>' AS dash
FROM retention_internal.plot_heatmap('[{"cohort": "2026-01-01", "cohort_size": 9223372036854775807, "period": 0, "at_risk": 9223372036854775807, "retained": 9223372036854775807, "retention_rate": 100, "status": "observed"},
  {"cohort": "2026-01-01", "cohort_size": 9223372036854775807, "period": 1, "at_risk": 0, "retained": 0, "retention_rate": null, "status": "observed"}]', 'month') svg;
-- too many to draw
SELECT retention_internal.plot_heatmap(jsonb_agg(jsonb_build_object('cohort', date '2020-01-01' + c, 'period', c, 'retention_rate', 1, 'status', 'observed')), 'day') FROM generate_series(0, 150) c;

-- Curves
SELECT well_formed(svg), times(svg, '<circle') AS points, (SELECT count(*) FROM retention_curve(s) WHERE period > 0) AS low_curve, times(svg, 'class="band"') AS bands
FROM s, retention_plot_curve(s) svg;
SELECT well_formed(svg), times(svg, '<g class="curve ') AS curves, svg ~ '&lt;script&gt;' AS escaped, svg ~ '<script' AS alive
FROM (SELECT array_agg(c ORDER BY k) AS c, array_agg(n ORDER BY k) AS n
  FROM (SELECT customer % 2 AS k, CASE customer % 2 WHEN 0 THEN '<script>alert(1)</script>' END AS n, cohort_retention(customer, at, 'month; time_zone=UTC; as_of=2026-05-01') AS c FROM orders GROUP BY 1, 2) q) a,
  retention_plot_curve(c, n) svg;
SELECT well_formed(svg), svg ~ 'Nothing to draw' AS nothing FROM unnest(ARRAY[retention_plot_curve(NULL::retention_cohorts), retention_plot_curve('{}'::retention_cohorts[]), retention_plot_curve(NULL::retention_cohorts[])]) svg;

-- Survival
CREATE TEMP TABLE stay AS SELECT CASE c % 3 WHEN 0 THEN 'basic' WHEN 1 THEN '"plus" & <more>' END AS plan, (c * 37 % 400)::double precision AS days, c % 5 <> 0 AS gone FROM generate_series(1, 300) c;
CREATE TEMP TABLE v AS SELECT array_agg(s ORDER BY plan) AS s, array_agg(plan ORDER BY plan) AS n FROM (SELECT plan, survival(days, gone) AS s FROM stay GROUP BY plan) q;
SELECT well_formed(svg), times(svg, '<g class="curve ') AS curves, times(svg, 'class="band"') AS bands, svg ~ '&quot;plus&quot; &amp; &lt;more&gt;' AS escaped, svg ~ '>unknown<' AS unknown
FROM v, retention_plot_survival(s, n) svg;
-- the curve goes through the probabilities: 210 pixels from 0 to 1
SELECT (regexp_match(svg, '<path class="line" d="[^"]*V([0-9.]+)"/></g>'))[1] AS end_of_line, round((236 - 210 * min(survival))::numeric, 1) AS expected
FROM (SELECT survival(days, gone AND days < 250) AS s FROM stay) q, retention_plot_survival(s) svg, survival_curve(s) GROUP BY svg;
SELECT well_formed(svg), times(svg, '<g class="curve ') AS curves, svg ~ 'months after the start' AS unit FROM v, unnest(ARRAY[retention_plot_survival(s), retention_plot_survival(s[1], unit => 'months')]) svg;
-- a curve lies inside its band wherever both are drawn, and has one wherever it has limits: y of the paths in the middle of every pixel
CREATE FUNCTION lines_at(path text) RETURNS TABLE (x numeric, low numeric, high numeric) LANGUAGE plpgsql AS $$
DECLARE
  step text[];
  at numeric[] := '{0,0}';
  "to" numeric[];
  edges numeric[] := '{}';
BEGIN
  FOR step IN SELECT m FROM regexp_matches(path, '([MHVL])([0-9.]+)(?: ([0-9.]+))?', 'g') AS m LOOP
    "to" := CASE step[1] WHEN 'H' THEN ARRAY[step[2]::numeric, at[2]] WHEN 'V' THEN ARRAY[at[1], step[2]::numeric] ELSE ARRAY[step[2], step[3]]::numeric[] END;
    IF step[1] <> 'M' AND "to"[1] <> at[1] THEN
      edges := edges || ARRAY[[at[1], at[2], "to"[1], "to"[2]]];
    END IF;
    at := "to";
  END LOOP;
  RETURN QUERY SELECT p.x, min(p.y), max(p.y)
    FROM (SELECT g + 0.5 AS x, e.y0 + (e.y1 - e.y0) * (g + 0.5 - e.x0) / (e.x1 - e.x0) AS y
      FROM (SELECT edges[i][1] AS x0, edges[i][2] AS y0, edges[i][3] AS x1, edges[i][4] AS y1 FROM generate_series(1, coalesce(array_length(edges, 1), 0)) i) e,
        generate_series(least(e.x0, e.x1), greatest(e.x0, e.x1) - 1) g) p
    GROUP BY p.x;
END $$;
CREATE FUNCTION bands(svg text) RETURNS TABLE (curve bigint, points bigint, banded bigint, outside bigint) LANGUAGE sql AS $$
  SELECT n, count(*), count(b.x), count(*) FILTER (WHERE l.low < b.low OR l.high > b.high)
  FROM (SELECT row_number() OVER () AS n, m[1] AS band, m[2] AS line FROM regexp_matches(svg, '<g class="curve s[1-8]">(?:<path class="band" d="([^"]*)"/>)?<path class="line" d="([^"]*)"/></g>', 'g') m) p,
    lines_at(line) l LEFT JOIN lines_at(band) b USING (x)
  GROUP BY n ORDER BY n $$;
SELECT b.* FROM v, retention_plot_survival(s, n) svg, bands(svg) b;
-- all customers stay for 200 days, then many leave at once, the last on the last day: at the times of a report, wide and narrow
CREATE TEMP TABLE late AS SELECT survival(greatest(200, c * 37 % 401)::double precision, c % 3 > 0 OR c * 37 % 401 = 400) AS s FROM generate_series(1, 200) c;
SELECT w, b.*, k.until - k.since AS with_limits FROM late, unnest('{320,520}'::integer[]) w,
  LATERAL (SELECT jsonb_agg(to_jsonb(c) || jsonb_build_object('low', c.ci_low, 'high', c.ci_high) ORDER BY c."time") AS curve,
      min(p.x) FILTER (WHERE ci_low IS NOT NULL) AS since, coalesce(min(p.x) FILTER (WHERE survival = 0), max(p.x)) AS until
    FROM survival_curve(s, times => retention_internal.report_times(400)) c, LATERAL (SELECT round((44 + c."time" / 399 * (w - 58))::numeric) AS x) p) k,
  bands(retention_internal.plot_survival(jsonb_build_array(jsonb_build_object('name', 'late', 'customers', 200, 'sampled', true, 'curve', curve)), 'days', w)) b;
SELECT well_formed(svg), svg ~ 'the five largest of 12' AS says FROM (SELECT array_agg(s) AS s, array_agg('plan ' || p) AS n
  FROM (SELECT c % 12 AS p, survival((c * 7 % 100)::double precision, true) AS s FROM generate_series(1, 480) c GROUP BY 1) q) a, retention_plot_survival(s, n, unit => 'months') svg;
SELECT well_formed(svg), svg ~ 'Nothing to draw' AS nothing FROM retention_plot_survival(NULL::retention_survival) svg;
SELECT well_formed(svg), times(svg, '<g class="curve ') AS curves FROM retention_plot_survival((SELECT survival(0::double precision, true))) svg;

-- Flow and lifecycle
CREATE TEMP TABLE f AS SELECT jsonb_agg(f) AS j FROM flow_periods((
  SELECT customer_flow(customer, at, CASE WHEN customer % 4 > 0 THEN (at + 20) END, retention_grid('month', as_of => '2026-04-20', time_zone => 'UTC'), '[2026-01-01,2026-07-01)') FROM (SELECT DISTINCT ON (customer) * FROM orders ORDER BY customer, at) o)) f;
SELECT well_formed(flow), times(flow, '<g class="bar">') AS bars, times(flow, 'url\(#retention-flow-520\)') AS hatched, regexp_match(flow, '<title>(Feb 2026[^<]*)') AS words,
  well_formed(rate), times(rate, '<circle') AS rates, well_formed(narrow), times(narrow, '<circle') AS narrow_rates
FROM f, retention_internal.plot_flow(j, 'month') flow, retention_internal.plot_rate(j, 'month') rate, retention_internal.plot_rate(j, 'month', 320) narrow;
-- Net and gross revenue retention side by side: a point and an interval for each where they are known
CREATE TEMP TABLE kept AS SELECT jsonb_agg(r ORDER BY period_start) AS j FROM (
  SELECT mrr_movements(customer, at, CASE WHEN customer % 4 > 0 THEN at + 20 + customer % 60 END, 10 + customer % 7, 'month; as_of=2026-04-20', '[2026-01-01,2026-07-01)') AS m FROM orders) q, revenue_periods(m) r;
SELECT width, well_formed(p), times(p, '<circle') = (SELECT count(r ->> 'net_revenue_retention') + count(r ->> 'gross_revenue_retention') FROM kept, jsonb_array_elements(j) r) AS points,
  times(p, 'class="whisker"') = (SELECT count(r ->> 'nrr_low') + count(r ->> 'grr_low') FROM kept, jsonb_array_elements(j) r) AS intervals, times(p, '<text x="18" y="0">(net|gross)') AS legend, times(p, 'text class="strong"') AS newest,
  (regexp_match(p, '<title>(Feb 2026: net[^<]*)'))[1] AS net, (regexp_match(p, '<title>(Feb 2026: gross[^<]*)'))[1] AS gross
FROM kept, unnest('{520,320}'::integer[]) width, retention_internal.plot_kept(j, 'month', width) p;
-- limits far away, and none; a rate that is far away itself
SELECT n, well_formed(p), times(p, '<circle') AS points, times(p, 'class="whisker"') AS intervals, p ~ '>200&#160;%<' AS to_200, p ~ '>400&#160;%<' AS to_400, p ~ '"M[^"]*-\d{2}' AS outside
FROM (VALUES (1, 110, -300, 520), (2, 110, NULL, NULL), (3, 380, 90, 5000), (4, NULL, NULL, NULL)) v (n, rate, low, high),
  retention_internal.plot_kept(jsonb_build_array(jsonb_build_object('period_start', '2026-01-01', 'opening_mrr', 7, 'net_revenue_retention', rate, 'nrr_low', low, 'nrr_high', high, 'gross_revenue_retention', 80, 'grr_low', 60, 'grr_high', 100)), 'month') p;
SELECT well_formed(life), times(life, '<g class="bar">') AS bars, (SELECT count(*) FROM lifecycle(s)) AS expected
FROM s, retention_internal.plot_lifecycle((SELECT jsonb_agg(l) FROM lifecycle(s) l), 'month') life;
SELECT well_formed(p), p ~ 'Nothing to draw' AS nothing FROM unnest(ARRAY[retention_internal.plot_flow('[]', 'month'), retention_internal.plot_rate('[]', 'month'), retention_internal.plot_kept('[]', 'month'), retention_internal.plot_lifecycle('[]', 'month'), retention_internal.plot_curve('[]', 'month'), retention_internal.plot_survival('[]', 'days'), retention_internal.plot_segments('[]'), retention_internal.plot_heatmap('[]', 'month')]) p;
SELECT well_formed(p), p ~ 'NaN|####' AS bad FROM retention_internal.plot_flow('[{"period_start": "2026-01-01", "status": "observed", "gained": 9223372036854775807, "reactivated": 0, "lost": 9223372036854775807, "at_end": 0}]', 'month') p;

-- Vega-Lite: npm's compiler reads them in t/070_browser.pl.
SELECT jsonb_array_length(v -> 'data' -> 'values') AS cells, v -> 'data' -> 'values' -> 1 AS one, v ->> '$schema' AS schema FROM s, CAST(retention_heatmap(s, 'vega-lite') AS jsonb) v;
SELECT jsonb_array_length(v -> 'data' -> 'values') AS points, v -> 'data' -> 'values' -> 1 AS one FROM s, CAST(retention_plot_curve(s, 'vega-lite') AS jsonb) v;
SELECT jsonb_array_length(x -> 'data' -> 'values') > 100 AS many, x -> 'data' -> 'values' -> 0 AS first FROM v, CAST(retention_plot_survival(s, n, 'vega-lite') AS jsonb) x;
SELECT CAST(retention_heatmap(NULL, 'vega-lite') AS jsonb) -> 'data' AS heatmap, CAST(retention_plot_curve(NULL::retention_cohorts, 'vega-lite') AS jsonb) -> 'data' AS curve,
  CAST(retention_plot_survival('{}'::retention_survival[], NULL::text[], 'vega-lite') AS jsonb) -> 'data' AS survival;
SELECT retention_heatmap(s, 'png') FROM s;
SELECT retention_heatmap(s, NULL) FROM s;
SELECT retention_heatmap(s, 'svg', 'sometimes') FROM s;

-- The page
CREATE TEMP TABLE r AS SELECT jsonb_build_object('format', 1, 'version', '1.2.3', 'as_of', '2026-04-20T12:00:00', 'rows', 1400, 'customers', 400, 'ignored', 3, 'periods', 12,
  'source', jsonb_build_object('name', h, 'kind', 'events', 'relation', h, 'grid', 'month; time_zone=UTC', 'definition', h, 'segments', jsonb_build_array(h, 'plan')),
  'headline', jsonb_build_array(
    jsonb_build_object('name', 'retention_rate', 'label', h, 'unit', 'percent', 'period_start', '2026-03-01', 'value', 88.123, 'low', 80, 'high', 92, 'of', 120,
      'previous', '{"period_start": "2026-02-01", "value": 80}'::jsonb, 'difference', '{"value": 8.123, "low": 1, "high": 15, "p_value": 0.02}'::jsonb),
    jsonb_build_object('name', 'churn_rate', 'label', 'Churn', 'unit', 'percent', 'period_start', '2026-03-01', 'value', 11.877, 'low', 8, 'high', 20, 'of', 120,
      'previous', '{"period_start": "2026-02-01", "value": 10}'::jsonb, 'difference', '{"value": 1.877, "low": -4, "high": 8, "p_value": 0.5}'::jsonb),
    '{"name": "lost", "label": "Lost", "unit": "customers", "period_start": "2026-03-01", "value": 1234, "previous": {"period_start": "2026-02-01", "value": 1000}, "difference": {"value": 234, "low": null, "high": null, "p_value": null}}'::jsonb,
    '{"name": "customers", "label": "Customers", "unit": "customers", "value": null, "difference": null, "previous": null}'::jsonb),
  'flow', f.j, 'cohorts', retention_internal.cohort_cells_json(s.s), 'curve', (SELECT jsonb_agg(c) FROM retention_curve(s.s) c), 'lifecycle', (SELECT jsonb_agg(l) FROM lifecycle(s.s) l),
  'stickiness', (SELECT jsonb_agg(t) FROM stickiness(s.s) t),
  'survival', jsonb_build_array(jsonb_build_object('segment', NULL, 'value', NULL) || retention_internal.survival_json(NULL, v.s[1]), jsonb_build_object('segment', 'plan', 'value', h) || retention_internal.survival_json(NULL, v.s[2]),
    jsonb_build_object('segment', 'plan', 'value', NULL) || retention_internal.survival_json(NULL, v.s[3]), jsonb_build_object('segment', h, 'value', 'x') || retention_internal.survival_json(NULL, v.s[1])),
  'segments', jsonb_build_array(jsonb_build_object('segment', 'plan', 'value', h, 'at_start', 100, 'kept', 50, 'retention_rate', 50, 'low', 40, 'high', 60, 'difference', -3.25, 'difference_low', -9, 'difference_high', 2, 'p_value', 0.3),
    '{"segment": "plan", "value": null, "at_start": 0, "kept": 0, "retention_rate": null, "low": null, "high": null}'::jsonb),
  'driver_ranking', jsonb_build_array(jsonb_build_object('attribute', h, 'cramers_v_corrected', 0.25, 'values', 3, 'p_adjusted', 1e-9, 'note', h)),
  'drivers', jsonb_build_array(jsonb_build_object('attribute', h, 'value', h, 'customers', 10, 'churned', 5, 'churn_rate', 50, 'risk_ratio', 1.234)),
  'reasons', jsonb_build_array(jsonb_build_object('reason', h, 'customers', 3, 'share', 100), '{"reason": null, "customers": 2, "share": 40}'::jsonb),
  'benchmark', jsonb_build_array(jsonb_build_object('industry', h, 'retention_rate', 80, 'benchmark', 81, 'difference', -1)),
  'notes', jsonb_build_array(h)) AS r
FROM s, f, v, (SELECT '</title></style><script>alert("&' || chr(7) || ''')</script>]]>--><!--{{{style}}}{{/name}}'::text AS h) h;
SELECT well_formed(p) AS page_is_well_formed, p ~* '<script' AS script, times(p, '&lt;script&gt;') AS as_text, p ~ 'https?://(?!www.w3.org/(1999/xhtml|2000/svg)")' AS goes_elsewhere, p ~ '\s(on[a-z]+|src)=|\shref="(?!data:(text/csv|image/svg[+]xml);charset=utf-8;base64,[A-Za-z0-9+/=]+")' AS active,
  times(p, '\{\{\{style\}\}\}\{\{/name\}\}') AS marks, times(p, '<style>') AS styles, times(p, '<svg ') AS pictures, times(p, '<section') AS parts, times(p, '<table>') AS tables, times(p, 'class="cell ') / 2 AS cells
FROM r, retention_report_page(r) p;
SELECT array_agg(id) FROM (SELECT m[1] AS id FROM r, regexp_matches(retention_report_page(r), ' id="([^"]*)"', 'g') m GROUP BY 1 HAVING count(*) > 1) d;
-- words about a change: better, worse, chance, not tested
SELECT m[1] AS class, m[2] AS change, m[3] AS than FROM r, regexp_matches(retention_report_page(r), '<p(?: title="[^"]*")?>\s*<span class="([a-z]*)">([^<]*)</span> <span class="soft">([^<]*)</span></p>', 'g') m;
-- almost nothing, nothing, something else
SELECT well_formed(p), times(p, 'Nothing to draw') AS empty_pictures FROM retention_report_page('{"format": 1}') p;
SELECT well_formed(p) FROM retention_report_page('{"format": 1, "version": null, "source": null, "as_of": null, "flow": [], "cohorts": null, "curve": [], "survival": [], "drivers": null, "notes": []}') p;
SELECT retention_report_page(NULL) IS NULL AS nothing;
SELECT retention_report_page('{"format": 2}');
SELECT retention_report_page('[]');
-- the first sentence; at most five tiles; a title, a currency; weeks, years, nothing before
CREATE FUNCTION headline(unit text, period text, p double precision, lost numeric) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_array(
    jsonb_build_object('name', 'retention_rate', 'label', 'Retention', 'unit', 'percent', 'period_start', period, 'value', 94.26, 'of', 3200, 'low', 93, 'high', 95, 'previous', jsonb_build_object('period_start', '2011-10-01', 'value', 94), 'difference', jsonb_build_object('value', 0.26, 'low', -1, 'high', 1.5, 'p_value', p)),
    jsonb_build_object('name', 'churn_rate', 'label', 'Churn', 'unit', 'percent', 'period_start', period, 'value', 5.74),
    jsonb_build_object('name', 'lost', 'label', 'Lost', 'unit', 'customers', 'period_start', period, 'value', lost, 'previous', jsonb_build_object('period_start', '2011-10-01', 'value', 100), 'difference', jsonb_build_object('value', lost - 100)),
    jsonb_build_object('name', 'customers', 'label', 'Customers', 'unit', 'customers', 'period_start', period, 'value', 3142, 'year_before', jsonb_build_object('period_start', '2010-11-01', 'value', 3171), 'year_difference', '{"value": -29}'::jsonb),
    jsonb_build_object('name', 'joined', 'label', 'Joined', 'unit', 'customers', 'period_start', period, 'value', 100), jsonb_build_object('name', 'reactivated', 'label', 'Reactivated', 'unit', 'customers', 'period_start', period, 'value', 10),
    jsonb_build_object('name', 'active', 'label', 'Active', 'unit', 'customers', 'period_start', period, 'value', 2000), jsonb_build_object('name', 'revenue', 'label', 'Revenue', 'unit', 'money', 'period_start', period, 'value', 12345.6)) $$;
SELECT retention_internal.page_sentence(headline(u, '2011-11-01', p, lost), '[{"segment": "plan", "value": "basic", "at_start": 200, "retention_rate": 88.04, "difference": -6, "p_adjusted": 0.001}, {"segment": "plan", "value": "few", "at_start": 29, "retention_rate": 50, "difference": -40, "p_adjusted": 0.001},
  {"segment": "plan", "value": "perhaps", "at_start": 200, "retention_rate": 80, "difference": -14, "p_adjusted": 0.06}]', u) AS sentence FROM (VALUES ('month', 0.5, 182), ('week', 0.01, 1)) v (u, p, lost);
SELECT retention_internal.page_sentence(headline('month', '2011-11-01', 0.5, 9) #- '{0,difference}' #- '{3,year_difference}', '[]', 'month') AS sentence, retention_internal.page_sentence('[]', '[]', 'month') AS none, retention_internal.page_sentence(headline('month', '2011-11-01', 0.5, 9) #- '{0,value}', '[]', 'month') AS no_rate;
SELECT string_agg(m[1], ', ') AS tiles FROM regexp_matches(retention_internal.page_headline(headline('month', '2011-11-01', 0.5, 182), 'month'), 'class="name">([^<]*)<', 'g') m;
SELECT m[1] AS class, m[2] AS change FROM unnest('{100,101,127,128,60}'::int[]) WITH ORDINALITY l (lost, n), regexp_matches(retention_internal.page_change(headline('month', '2011-11-01', 0.5, lost) -> 2, headline('month', '2011-11-01', 0.5, lost) -> 2 -> 'difference', headline('month', '2011-11-01', 0.5, lost) -> 2 -> 'previous', 'month'), 'class="([a-z]+)">([^<]*)') m ORDER BY n;
SELECT p ~ '<title>How &lt;we&gt; do</title>' AS title, p ~ '<h1>How &lt;we&gt; do</h1>' AS heading FROM r, retention_report_page(r, 'How <we> do') p;
SELECT retention_internal.page_money('{"kind": "purchases", "revenue": [], "cohorts": [], "figures": null}', 'month', 'month', c) ~ 'Amounts in EUR by month' AS currency FROM (VALUES ('EUR'), (NULL)) v (c);
-- lengths of time as people say them
SELECT string_agg(retention_internal.plot_duration(v, u), ', ' ORDER BY n) FROM (VALUES (1, 0, 'days'), (2, 1, 'days'), (3, 9.54, 'days'), (4, 14, 'days'), (5, 69, 'days'), (6, 209.5, 'days'), (7, 1067, 'days'), (8, 5, 'hours'), (9, 400, 'hours'), (10, 3, 'months'), (11, NULL, 'days')) d (n, v, u);
-- a curve stops where few remain, and says of how many its points are
SELECT times(c, '<circle') / 2 AS points, c ~ 'The first point is of 9 cohorts and 500 customers, the last of 4 and 200\. It stops where fewer than three cohorts or thirty customers remain' AS says, (regexp_match(c, '<title>(month 1: [^<]*)'))[1] AS point
FROM retention_internal.page_curve('[{"period": 0, "cohorts": 9, "at_risk": 500, "retained": 500, "retention_rate": 100}, {"period": 1, "cohorts": 7, "at_risk": 400, "retained": 300, "retention_rate": 75}, {"period": 2, "cohorts": 4, "at_risk": 200, "retained": 140, "retention_rate": 70},
  {"period": 3, "cohorts": 2, "at_risk": 100, "retained": 60, "retention_rate": 60}, {"period": 4, "cohorts": 3, "at_risk": 60, "retained": 20, "retention_rate": 33}]', 'month', 'month', NULL) c;
-- files in the page: each table as CSV, each picture as SVG, whole and named; a formula is text
CREATE FUNCTION file(page text, type text) RETURNS TABLE (name text, content text) LANGUAGE sql AS $$
  SELECT m[1], convert_from(decode(m[2], 'base64'), 'UTF8') FROM regexp_matches(page, 'download="([^"]*)" href="data:' || type || ';charset=utf-8;base64,([^"]*)"', 'g') m $$;
SELECT name, split_part(content, E'\r\n', 1) AS head, length(content) - length(replace(content, E'\n', '')) AS lines FROM r, retention_report_page(r) p, file(p, 'text/csv') WHERE name ~ 'rate|gained|cohorts' ORDER BY name;
SELECT count(*) AS pictures, count(*) FILTER (WHERE well_formed(content) AND content ~ '<style>') AS whole, (SELECT times(p, 'class="picture wide"') FROM r, retention_report_page(r) p) AS drawn FROM r, retention_report_page(r) p, file(p, 'image/svg\+xml');
SELECT content FROM file(retention_internal.page_table('[{"a": "=1+1", "b": 2.50, "c": null}, {"a": "say \"x\", y", "b": -3, "c": "-5"}, {"a": "@x", "b": null, "c": "\tq"}]', '{{a,name,word},{b,"b,b",number},{c,c,word}}') , 'text/csv');
-- of many cohorts the newest are shown: the average, its size and the retention curve are of these, and the page says so
CREATE TEMP TABLE many AS SELECT jsonb_build_object('format', 1, 'source', '{"grid": "week"}'::jsonb, 'cohort_count', 500, 'curve', '[{"period": 1, "retention_rate": 6, "at_risk": 4990, "retained": 300}]'::jsonb,
  'cohorts', jsonb_agg(jsonb_build_object('cohort', date '2016-01-04' + 7 * c, 'cohort_size', 10, 'period', p, 'at_risk', 10, 'retained', k, 'retention_rate', 10 * k, 'status', CASE p WHEN 399 - c THEN 'partial' ELSE 'observed' END))) AS r
FROM generate_series(300, 399) c, generate_series(0, 30) p, LATERAL (SELECT CASE WHEN p = 0 THEN 10 WHEN c >= 376 THEN 5 ELSE 1 END AS k) k WHERE p <= 399 - c;
SELECT well_formed(p), p ~ 'The newest 24 of 500 cohorts, 240 customers\. On top their average' AS says, times(p, 'class="cell ') / 2 AS cells,
  (regexp_match(p, '>average</text><text [^>]*>([0-9,]*)<'))[1] AS size, (regexp_match(p, 'class="pooled h[0-9][^>]*>.{0,200}?>([0-9.]+)</text>'))[1] AS pooled,
  (regexp_match(p, '<title>(week 1: [^<]*)<'))[1] AS curve
FROM many, retention_report_page(r) p;
-- pooled as retention_curve() does it
SELECT (retention_internal.page_population(jsonb_build_object('cohorts', retention_internal.cohort_cells_json(s), 'cohort_count', 99, 'source', '{"grid": "month"}'::jsonb), 24)).curve = (SELECT jsonb_agg(to_jsonb(c) - 'period_label') FROM retention_curve(s) c) AS as_the_curve FROM s;
SELECT (retention_internal.page_population(jsonb_build_object('cohorts', retention_internal.cohort_cells_json(s), 'cohort_count', 99, 'source', '{"grid": "month; cohorts=recurring"}'::jsonb), 24)).curve -> 1 AS without_limits FROM s;
