-- Room report: the page a manager opens. One HTML file from the JSON of a report alone: no script, nothing from elsewhere.
-- It is well-formed XML too. This file is ASCII: other characters are numeric entities.

CREATE FUNCTION retention_internal.page_style() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT '<style>'
    ':root{color-scheme:light dark;--page:#f4f6f8;--card:#ffffff;--ink:#1b1f24;--soft:#59626e;--rule:#e0e5ea;--good:#00694d;--bad:#b34700;--tint:#eef3f8}'
    '@media(prefers-color-scheme:dark){:root{--page:#0f1317;--card:#171b21;--ink:#e9edf1;--soft:#a2acb8;--rule:#2d343d;--good:#2fc79a;--bad:#f0803c;--tint:#1f262e}}'
    '*{box-sizing:border-box}'
    'body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}'
    'main{max-width:1160px;margin:0 auto;padding:28px 20px 40px}'
    'h1{font-size:26px;line-height:1.2;margin:0 0 6px;overflow-wrap:anywhere}h2{font-size:17px;line-height:1.3;margin:0}'
    'p{margin:4px 0}.soft{color:var(--soft)}.lead{color:var(--soft);margin-bottom:22px;overflow-wrap:anywhere}'
    '.tiles{display:grid;grid-template-columns:repeat(3,1fr);gap:14px;margin-bottom:14px}'
    '.card{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:16px 18px;margin-bottom:14px;min-width:0;overflow:hidden}'
    '.tiles .card,.pair .card{margin:0}'
    '.pair{display:grid;grid-template-columns:1fr 1fr;gap:14px;margin-bottom:14px;align-items:stretch}'
    '.tile b{display:block;font-size:30px;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums}'
    '.tile .name{font-weight:600}.tile p{font-size:13px;margin:2px 0}'
    '.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}.same{font-weight:600}'
    '.picture{margin:8px -6px 0;overflow-x:auto}.picture svg{display:block;max-width:none}.narrow{display:none}'
    '.pair .wide svg{width:100%;height:auto}.narrow svg:not(.heatmap){max-width:100%;height:auto}'
    'details{margin-top:8px}summary{cursor:pointer;color:var(--soft);font-size:13px}'
    '.scroll{overflow-x:auto;margin-top:8px}'
    'table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;min-width:100%}'
    'th,td{padding:5px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule);unicode-bidi:isolate}'
    'th{font-weight:600;color:var(--soft);vertical-align:bottom}td.word,th.word{text-align:left;white-space:normal;min-width:6em;max-width:26em;overflow-wrap:break-word}'
    'td.partial{color:var(--soft);font-style:italic}tbody tr:last-child td{border-bottom:0}'
    '.meter{display:inline-block;width:64px;height:8px;border-radius:4px;background:var(--tint);margin-left:8px;overflow:hidden;vertical-align:middle}.meter i{display:block;height:8px;background:#0072b2}'
    'ul{margin:6px 0;padding-left:20px}li{overflow-wrap:anywhere}code{font:12px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}'
    'footer{color:var(--soft);font-size:13px;overflow-wrap:anywhere}'
    '@media(max-width:860px){.pair{grid-template-columns:1fr}.tiles{grid-template-columns:1fr 1fr}}'
    '@media(max-width:600px){main{padding:18px 12px 28px}.tiles{grid-template-columns:1fr;gap:10px}.card{padding:14px}.wide{display:none}.narrow{display:block}.picture{margin:8px -8px 0}}'
    -- On paper: light, whole cards, the figures unfolded (those of the cohorts stand in their picture).
    '@media print{@page{size:A4;margin:12mm}:root{--page:#ffffff;--card:#ffffff;--ink:#1b1f24;--soft:#59626e;--rule:#d5dbe1;--tint:#eef3f8;--good:#00694d;--bad:#b34700}'
    'body{font-size:12px;-webkit-print-color-adjust:exact;print-color-adjust:exact}main{max-width:none;padding:0}.tiles{grid-template-columns:repeat(3,1fr);gap:8px}'
    '.card,.tiles .card,.pair .card{break-inside:avoid;padding:10px 12px}.pair{grid-template-columns:1fr 1fr;gap:8px}.narrow{display:none}.wide{display:block}'
    '.screen{display:none}h2,p{break-after:avoid}.picture{overflow:visible;break-inside:avoid}.picture svg{width:100%;height:auto;max-width:100%}summary{list-style:none}.tile b{font-size:22px}'
    'details::details-content{content-visibility:visible;display:block}.scroll{overflow:visible}.long{break-inside:auto}tr{break-inside:avoid}table{font-size:10px}th,td{padding:3px 5px}'
    '.pair table{font-size:7px}.pair th,.pair td{padding:2px}th{white-space:normal}td.word,th.word{min-width:0}}'
    '</style>'
$$;
COMMENT ON FUNCTION retention_internal.page_style() IS 'the style of the page of a report';

CREATE FUNCTION retention_internal.page_value(value text, kind text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN value IS NULL THEN '&#8211;'
    WHEN kind = 'count' THEN retention_internal.plot_count(value::numeric)
    WHEN kind = 'percent' THEN retention_internal.plot_percent(value::numeric)
    WHEN kind = 'points' THEN CASE WHEN value::numeric > 0 THEN '+' WHEN value::numeric < 0 THEN '&#8722;' ELSE '' END || round(abs(value::numeric), 1)
    WHEN kind = 'number' THEN round(value::numeric, 2)::text
    WHEN kind = 'p' THEN CASE WHEN value::double precision < 0.0001 THEN '&lt; 0.0001' ELSE round(value::numeric, 4)::text END
    WHEN kind IN ('meter', 'share') THEN format('%s<span class="meter"><i style="width:%s%%"></i></span>',
      CASE kind WHEN 'meter' THEN round(value::numeric, 3)::text ELSE retention_internal.plot_percent(value::numeric) END,
      round(least(100, greatest(0, value::numeric * CASE kind WHEN 'meter' THEN 100 ELSE 1 END))))
    ELSE retention_internal.plot_escape(value)
  END
$$;
COMMENT ON FUNCTION retention_internal.page_value(text, text) IS 'a value of a table of the page: word, count, percent, share (of 100, with a meter), points, number, p or meter (of 1)';

CREATE FUNCTION retention_internal.page_table(rows jsonb, columns text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Columns are {key, heading, kind}; one that no row has is left out.
  WITH c AS (
    SELECT i, columns[i][1] AS key, columns[i][2] AS heading, columns[i][3] AS kind
    FROM generate_series(1, cardinality(columns) / 3) i
    WHERE EXISTS (SELECT FROM jsonb_array_elements(rows) r WHERE r ->> columns[i][1] IS NOT NULL)
  )
  SELECT '<div class="scroll"><table><thead><tr>'
    || (SELECT string_agg(format('<th%s>%s</th>', CASE WHEN kind = 'word' THEN ' class="word"' ELSE '' END, retention_internal.plot_escape(heading)), '' ORDER BY i) FROM c)
    || '</tr></thead><tbody>'
    || string_agg('<tr>' || (SELECT string_agg(format('<td%s>%s</td>',
        CASE WHEN kind = 'word' THEN ' class="word"' WHEN r ->> 'status' = 'partial' THEN ' class="partial"' ELSE '' END,
        retention_internal.page_value(r ->> key, kind)), '' ORDER BY i) FROM c) || '</tr>', '' ORDER BY n)
    || '</tbody></table></div>'
  FROM jsonb_array_elements(rows) WITH ORDINALITY e (r, n)
$$;
COMMENT ON FUNCTION retention_internal.page_table(jsonb, text[]) IS 'rows of JSON as a table';

CREATE FUNCTION retention_internal.page_unfold(body text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce('<details><summary>The figures</summary>' || body || '</details>', '') $$;
COMMENT ON FUNCTION retention_internal.page_unfold(text) IS 'a table that is folded until it is asked for';

CREATE FUNCTION retention_internal.page_card(title text, words text, wide text, narrow text, body text, class text DEFAULT '') RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- The style of the pictures stands once, in the head of the page.
  SELECT format('<section class="card %s"><h2>%s</h2><p class="soft">%s</p>', class, retention_internal.plot_escape(title), retention_internal.plot_escape(words))
    || coalesce('<div class="picture wide">' || replace(wide, retention_internal.plot_style(), '') || '</div>', '')
    || coalesce('<div class="picture narrow">' || replace(narrow, retention_internal.plot_style(), '') || '</div>', '')
    || coalesce(body, '') || '</section>'
$$;
COMMENT ON FUNCTION retention_internal.page_card(text, text, text, text, text, text) IS 'a part of the page: a picture for wide and narrow screens, and what stands below it';

CREATE FUNCTION retention_internal.page_change(difference jsonb, before jsonb, unit text, name text, kind text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- More is good of everything but churn and losses; what may be chance, or was not tested, has no colour.
  SELECT format('<p><span class="%s">%s %s</span> <span class="soft">%sagainst %s (%s)%s</span></p>',
    CASE WHEN value = 0 OR p_value IS NULL OR p_value >= 0.05 THEN 'same' WHEN (value > 0) = (name !~ 'churn|lost|dormant') THEN 'good' ELSE 'bad' END,
    CASE WHEN value > 0 THEN '&#9650;' WHEN value < 0 THEN '&#9660;' ELSE '=' END,
    CASE kind WHEN 'percent' THEN round(abs(value), 1) || ' points' ELSE retention_internal.plot_count(abs(value)) END,
    CASE WHEN difference ->> 'low' IS NULL THEN '' ELSE format('[%s to %s] ', retention_internal.page_value(difference ->> 'low', 'points'),
      retention_internal.page_value(difference ->> 'high', 'points')) END,
    retention_internal.plot_escape(retention_internal.plot_period((before ->> 'period_start')::timestamp, unit)),
    retention_internal.page_value(before ->> 'value', CASE kind WHEN 'percent' THEN 'percent' ELSE 'count' END),
    CASE WHEN p_value >= 0.05 THEN ', may be chance' ELSE '' END)
  FROM (SELECT (difference ->> 'value')::numeric AS value, (difference ->> 'p_value')::double precision AS p_value) d
  WHERE value IS NOT NULL
$$;
COMMENT ON FUNCTION retention_internal.page_change(jsonb, jsonb, text, text, text) IS 'how a headline number has changed, in words';

CREATE FUNCTION retention_internal.page_headline(headline jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce('<section class="tiles" aria-label="Headline numbers">' || string_agg(
      format('<div class="card tile"><span class="name">%s</span> <span class="soft">%s</span><b>%s</b>', retention_internal.plot_escape(h ->> 'label'),
        coalesce(retention_internal.plot_period((h ->> 'period_start')::timestamp, unit), ''),
        retention_internal.page_value(h ->> 'value', CASE h ->> 'unit' WHEN 'percent' THEN 'percent' ELSE 'count' END))
      || CASE WHEN h ->> 'low' IS NOT NULL THEN format('<p class="soft">95&#160;%% sure: %s to %s; of %s customers</p>',
        round((h ->> 'low')::numeric, 1), round((h ->> 'high')::numeric, 1), retention_internal.page_value(h ->> 'of', 'count')) ELSE '' END
      || coalesce(retention_internal.page_change(h -> 'difference', h -> 'previous', unit, h ->> 'name', h ->> 'unit'), '')
      || coalesce(retention_internal.page_change(h -> 'year_difference', h -> 'year_before', unit, h ->> 'name', h ->> 'unit'), '')
      || '</div>', '' ORDER BY n) || '</section>', '')
  FROM jsonb_array_elements(headline) WITH ORDINALITY e (h, n)
$$;
COMMENT ON FUNCTION retention_internal.page_headline(jsonb, text) IS 'the headline numbers of a report';

CREATE FUNCTION retention_internal.page_cohorts(cells jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH c AS (
    SELECT * FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric, period integer, retention_rate numeric, ci_low numeric, ci_high numeric, status text)
  ), span AS (
    SELECT min(period) AS first, max(period) AS last FROM c
  )
  SELECT '<div class="scroll"><table><thead><tr><th class="word">cohort</th><th>customers</th>'
    || (SELECT string_agg(format('<th>%s</th>', p), '' ORDER BY p) FROM span, generate_series(first, last) p)
    || '</tr></thead><tbody>' || string_agg(line, '' ORDER BY cohort) || '</tbody></table></div>'
  FROM (
    SELECT r.cohort, format('<tr><td class="word">%s</td><td>%s</td>', retention_internal.plot_period(r.cohort, unit), retention_internal.plot_count(size))
      || string_agg(CASE WHEN c.period IS NULL THEN '<td></td>'
        ELSE format('<td%s>%s%s</td>', CASE WHEN status = 'partial' THEN ' class="partial"' ELSE '' END,
          coalesce(round(retention_rate, 1)::text, '&#8211;'),
          coalesce('<br/><span class="soft">' || round(ci_low) || '&#8211;' || round(ci_high) || '</span>', '')) END, '' ORDER BY p.period)
      || '</tr>' AS line
    FROM (SELECT cohort, max(cohort_size) AS size FROM c GROUP BY cohort) r CROSS JOIN span CROSS JOIN generate_series(first, last) p (period)
      LEFT JOIN c ON c.cohort = r.cohort AND c.period = p.period
    GROUP BY r.cohort, r.size
  ) l
$$;
COMMENT ON FUNCTION retention_internal.page_cohorts(jsonb, text) IS 'the cohort grid as a table: rate and limits, italic where it is partial';

CREATE FUNCTION retention_internal.page_rows(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN jsonb_typeof(value) = 'array' THEN value ELSE '[]' END $$;
COMMENT ON FUNCTION retention_internal.page_rows(jsonb) IS 'a list of rows, or none';

CREATE FUNCTION retention_internal.page_segments(report jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Of each segment how long its customers stay (at the times that a report asks for), and its rates in the last complete period.
  WITH survival AS (
    SELECT s ->> 'segment' AS segment, max(s ->> 'unit') AS unit, min(n) AS n,
      jsonb_agg(s || jsonb_build_object('name', CASE WHEN s ->> 'segment' IS NULL THEN 'everybody' ELSE coalesce(s ->> 'value', 'unknown') END,
        'everybody', s ->> 'segment' IS NULL AND segmented) ORDER BY n) AS groups
    FROM (SELECT s, n, bool_or(s ->> 'segment' IS NOT NULL) OVER () AS segmented
      FROM jsonb_array_elements(retention_internal.page_rows(report -> 'survival')) WITH ORDINALITY e (s, n)) e
    GROUP BY 1
  ), curves AS (
    SELECT segment, n, unit, CASE WHEN segment IS NULL THEN groups ELSE coalesce((SELECT groups FROM survival WHERE segment IS NULL), '[]') || groups END AS groups
    FROM survival
    WHERE segment IS NOT NULL OR NOT EXISTS (SELECT FROM survival WHERE segment IS NOT NULL)
  ), rates AS (
    SELECT s ->> 'segment' AS segment, min(n) AS n, jsonb_agg(s || jsonb_build_object('shown', coalesce(s ->> 'value', 'unknown')) ORDER BY n) AS rows
    FROM jsonb_array_elements(retention_internal.page_rows(report -> 'segments')) WITH ORDINALITY e (s, n)
    GROUP BY 1
  ), card (segment, n, kind, body) AS (
    SELECT segment, n, 2, retention_internal.page_card('How long they stay' || coalesce(', by ' || segment, ''),
      'Share of customers who have not left yet, by time since they came. Who came back later had left.',
      retention_internal.plot_survival(groups, coalesce(unit, 'days'), 520), retention_internal.plot_survival(groups, coalesce(unit, 'days'), 320),
      retention_internal.page_unfold(retention_internal.page_table(groups, ARRAY[['name', coalesce(segment, 'group'), 'word'], ['customers', 'customers', 'count'],
        ['churned', 'left', 'count'], ['median', 'median ' || coalesce(unit, 'days'), 'count'], ['median_low', 'from', 'count'], ['median_high', 'to', 'count']])))
    FROM curves
    UNION ALL
    SELECT segment, n, 1, retention_internal.page_card('Retention by ' || coalesce(segment, 'segment'),
      'In the last complete ' || unit || '; each value against all others.',
      retention_internal.plot_segments(rows, 520), retention_internal.plot_segments(rows, 320),
      retention_internal.page_unfold(retention_internal.page_table(rows, ARRAY[['shown', coalesce(segment, 'segment'), 'word'], ['at_start', 'at start', 'count'], ['kept', 'kept', 'count'],
        ['retention_rate', 'retention', 'percent'], ['low', 'from', 'percent'], ['high', 'to', 'percent'], ['difference', 'points against the rest', 'points'],
        ['difference_low', 'from', 'points'], ['difference_high', 'to', 'points'], ['p_adjusted', 'p, adjusted', 'p']])))
    FROM rates
    UNION ALL
    SELECT NULL, NULL, 3, retention_internal.page_card('Stickiness', format('In how many %s customers were active.', plural), NULL, NULL,
      retention_internal.page_table((SELECT jsonb_agg(r) FROM (SELECT r FROM jsonb_array_elements(stickiness) WITH ORDINALITY e (r, n) ORDER BY n LIMIT 12) few), head)
        || CASE WHEN jsonb_array_length(stickiness) > 12 THEN retention_internal.page_unfold(retention_internal.page_table(stickiness, head)) ELSE '' END)
    FROM (SELECT retention_internal.page_rows(report -> 'stickiness') AS stickiness, CASE WHEN unit ~ '^[a-z]+$' THEN unit || 's' ELSE 'periods' END AS plural) k,
      LATERAL (SELECT ARRAY[['active_periods', plural, 'word'], ['customers', 'customers', 'count'], ['share', 'share', 'share']] AS head) h
    WHERE jsonb_array_length(stickiness) > 0
  )
  SELECT coalesce('<div class="pair">' || string_agg(body, ''
      ORDER BY array_position(ARRAY(SELECT jsonb_array_elements_text(retention_internal.page_rows(report -> 'source' -> 'segments'))), segment), kind, n) || '</div>', '')
  FROM card
$$;
COMMENT ON FUNCTION retention_internal.page_segments(jsonb, text) IS 'survival and rates of the segments of a report, and its stickiness';

CREATE FUNCTION retention_internal.page_causes(report jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN jsonb_array_length(retention_internal.page_rows(report -> 'driver_ranking')) > 0 OR jsonb_array_length(retention_internal.page_rows(report -> 'drivers')) > 0
    THEN retention_internal.page_card('What goes with leaving', 'Attributes by strength, from 0 (none) to 1 (leaving is fixed by it). What goes with churn need not be its cause.', NULL, NULL,
      coalesce(retention_internal.page_table(retention_internal.page_rows(report -> 'driver_ranking'), ARRAY[['attribute', 'attribute', 'word'], ['cramers_v_corrected', 'strength', 'meter'],
        ['values', 'values', 'count'], ['p_adjusted', 'p, adjusted', 'p'], ['note', 'note', 'word']]), '')
      || coalesce(retention_internal.page_table(retention_internal.page_rows(report -> 'drivers'), ARRAY[['attribute', 'attribute', 'word'], ['value', 'value', 'word'],
        ['customers', 'customers', 'count'], ['churned', 'left', 'count'], ['churn_rate', 'churn', 'percent'], ['ci_low', 'from', 'percent'], ['ci_high', 'to', 'percent'],
        ['risk_ratio', 'times the rest', 'number'], ['lift', 'times all', 'number'], ['note', 'note', 'word']]), ''), 'long')
    ELSE '' END
    || CASE WHEN jsonb_array_length(retention_internal.page_rows(report -> 'reasons')) > 0
    THEN retention_internal.page_card('Why they say they leave', 'Known reasons by frequency, with simultaneous limits.', NULL, NULL,
      retention_internal.page_table((SELECT jsonb_agg(r || jsonb_build_object('reason', coalesce(r ->> 'reason', 'unknown')) ORDER BY n)
          FROM jsonb_array_elements(report -> 'reasons') WITH ORDINALITY e (r, n)),
        ARRAY[['reason', 'reason', 'word'], ['category', 'category', 'word'], ['mitigated_by', 'who can do something', 'word'],
        ['customers', 'customers', 'count'], ['share', 'share', 'percent'], ['ci_low', 'from', 'percent'], ['ci_high', 'to', 'percent'], ['cumulative_share', 'up to here', 'percent']]))
    ELSE '' END
    || CASE WHEN jsonb_array_length(retention_internal.page_rows(report -> 'benchmark')) > 0
    THEN retention_internal.page_card('Against the industry', format('Our retention in the last complete %s was %s %%. Averages of industries as they are widely quoted are a yardstick, not a target.',
        unit, round((report -> 'benchmark' -> 0 ->> 'retention_rate')::numeric, 1)), NULL, NULL,
      retention_internal.page_table(report -> 'benchmark', ARRAY[['industry', 'industry', 'word'], ['year', 'year', 'word'], ['benchmark', 'its retention', 'percent'],
        ['difference', 'ours, points above', 'points'], ['difference_low', 'from', 'points'], ['difference_high', 'to', 'points'], ['p_value', 'p', 'p']]))
    ELSE '' END
$$;
COMMENT ON FUNCTION retention_internal.page_causes(jsonb, text) IS 'drivers, reasons and benchmark of a report, where it has them';

CREATE FUNCTION retention_internal.page_population(report jsonb, most integer, OUT cells jsonb, OUT curve jsonb, OUT words text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  shown bigint;
  every bigint;
  customers numeric;
BEGIN
  -- The heat map, its row "all", the number of customers there and the retention curve are of the same cohorts: the newest.
  SELECT max(least(back, most)), greatest(max(back), (report ->> 'cohort_count')::bigint), sum((c ->> 'cohort_size')::numeric) FILTER (WHERE back <= most AND place = 1),
      coalesce(jsonb_agg(c ORDER BY n) FILTER (WHERE back <= most AND (c ->> 'period')::integer <= most), '[]')
    INTO shown, every, customers, cells
    FROM (SELECT c, n, dense_rank() OVER (ORDER BY (c ->> 'cohort')::timestamp DESC) AS back, row_number() OVER (PARTITION BY c ->> 'cohort' ORDER BY n) AS place
      FROM jsonb_array_elements(retention_internal.page_rows(report -> 'cohorts')) WITH ORDINALITY e (c, n)) r;
  IF every > shown THEN
    -- Limits as retention_curve() has them. Where a customer may be in several cohorts they need more than the cells tell.
    SELECT coalesce(jsonb_agg(jsonb_build_object('period', p.period, 'cohorts', p.cohorts, 'at_risk', p.at_risk, 'retained', p.retained,
          'retention_rate', trim_scale(100 * p.retained / p.at_risk), 'ci_low', i.low, 'ci_high', i.high) ORDER BY p.period), '[]')
      INTO curve
      FROM (SELECT period, count(*) AS cohorts, sum(at_risk) AS at_risk, sum(retained) AS retained
          FROM jsonb_to_recordset(cells) AS c (period integer, at_risk numeric, retained numeric, status text)
          WHERE status = 'observed' AND at_risk > 0 GROUP BY period) p
        LEFT JOIN LATERAL @extschema@.rate_interval(p.retained, p.at_risk, 0.95::double precision, 'wilson'::text) i ON p.period > 0 AND (@extschema@.grid_options((report -> 'source' ->> 'grid')::@extschema@.retention_grid)).cohorts = 'first';
    words := format('The newest %s of %s cohorts, %s customers.', shown, every, retention_internal.plot_count(customers));
  ELSE
    curve := (SELECT coalesce(jsonb_agg(c ORDER BY n), '[]') FROM jsonb_array_elements(retention_internal.page_rows(report -> 'curve')) WITH ORDINALITY e (c, n)
      WHERE (c ->> 'period')::integer <= most);
    words := CASE WHEN shown > 1 THEN format('All %s cohorts, %s customers.', shown, retention_internal.plot_count(customers)) END;
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.page_population(jsonb, integer) IS 'the newest cohorts of a report that its page shows: their cells, the curve of all of them together, and which they are';

CREATE FUNCTION retention_report_page(report jsonb) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  grid constant text := report -> 'source' ->> 'grid';
  unit constant text := retention_internal.plot_unit(grid);
  name constant text := coalesce(report -> 'source' ->> 'name', 'unknown');
  plural constant text := CASE WHEN unit ~ '^[a-z]+$' THEN unit || 's' ELSE 'periods' END;
  flow constant jsonb := retention_internal.page_rows(report -> 'flow');
  -- A page shows so many cohorts and periods; a report may have thousands.
  most constant integer := least(60, greatest(24, coalesce((report ->> 'periods')::integer, 12)));
  shown record;
  curve jsonb;
  lifecycle jsonb := retention_internal.page_rows(report -> 'lifecycle');
  notes constant jsonb := retention_internal.page_rows(report -> 'notes');
  named jsonb;
  page text;
BEGIN
  IF jsonb_typeof(report) <> 'object' OR report ->> 'format' IS DISTINCT FROM '1' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'this is not a report of format 1',
      HINT = 'Pass what retention_report() returned.';
  END IF;

  SELECT * INTO shown FROM retention_internal.page_population(report, most);
  curve := CASE WHEN jsonb_array_length(shown.curve) > 0 THEN jsonb_build_array(jsonb_build_object('curve', shown.curve)) ELSE '[]' END;
  SELECT coalesce(jsonb_agg(l ORDER BY n), '[]') INTO lifecycle
    FROM (SELECT l, n FROM jsonb_array_elements(lifecycle) WITH ORDINALITY e (l, n) ORDER BY n DESC LIMIT most) r;

  page := '<!DOCTYPE html>' || E'\n' || '<html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head><meta charset="utf-8"/>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"/><meta name="color-scheme" content="light dark"/>'
    || format('<meta name="generator" content="retention %s"/><title>Retention of %s</title>', retention_internal.plot_escape(coalesce(report ->> 'version', '')), retention_internal.plot_escape(name))
    || retention_internal.page_style() || retention_internal.plot_style() || '</head><body><main><header>'
    || format('<h1>Retention of %s</h1><p class="lead">%s, known until %s. %s customers in %s rows of %s.</p></header>',
      retention_internal.plot_escape(name), retention_internal.plot_escape(upper(left(unit, 1)) || substr(unit, 2) || ' by ' || unit),
      coalesce(to_char((report ->> 'as_of')::timestamp, CASE WHEN (report ->> 'as_of')::timestamp = date_trunc('day', (report ->> 'as_of')::timestamp)
        THEN 'YYYY-MM-DD' ELSE 'YYYY-MM-DD HH24:MI' END), 'the last row'),
      retention_internal.page_value(report ->> 'customers', 'count'), retention_internal.page_value(report ->> 'rows', 'count'), retention_internal.plot_escape(coalesce(report -> 'source' ->> 'relation', 'a table')))
    || retention_internal.page_headline(retention_internal.page_rows(report -> 'headline'), unit);

  SELECT coalesce(jsonb_agg(f || jsonb_build_object('period', retention_internal.plot_period((f ->> 'period_start')::timestamp, unit)) ORDER BY n), '[]') INTO named
    FROM jsonb_array_elements(flow) WITH ORDINALITY e (f, n);
  page := page || '<div class="pair">'
    || retention_internal.page_card('Retention rate', format('Of those there at the start of a %s, how many were there at its end.', unit),
      retention_internal.plot_rate(flow, unit, 520), retention_internal.plot_rate(flow, unit, 320),
      retention_internal.page_unfold(retention_internal.page_table(named, ARRAY[['period', 'period', 'word'], ['at_start', 'at start', 'count'], ['kept', 'kept', 'count'],
        ['retention_rate', 'retention', 'percent'], ['retention_low', 'from', 'percent'], ['retention_high', 'to', 'percent'], ['churn_rate', 'churn', 'percent']])))
    || retention_internal.page_card('Who came and who left', 'Customers gained, back again and lost; together they are the change.',
      retention_internal.plot_flow(flow, unit, 520), retention_internal.plot_flow(flow, unit, 320),
      retention_internal.page_unfold(retention_internal.page_table(named, ARRAY[['period', 'period', 'word'], ['at_start', 'at start', 'count'], ['gained', 'gained', 'count'],
        ['reactivated', 'back again', 'count'], ['lost', 'lost', 'count'], ['at_end', 'at end', 'count'], ['joined_and_left', 'new and gone within', 'count']])))
    || '</div>'
    || retention_internal.page_card('Cohorts', concat_ws(' ', format(CASE report -> 'source' ->> 'presence'
          WHEN 'at_end' THEN 'Customers by the %s they came, and how many per cent of them were there at the end of it and of each %1$s after.'
          ELSE 'Customers by the %s they came, and how many per cent of them were there in each %1$s after.' END, unit),
        shown.words || ' The row "all" is of these cohorts together.'),
      retention_internal.plot_heatmap(shown.cells, grid, 1060), retention_internal.plot_heatmap(shown.cells, grid, 320),
      '<div class="screen">' || retention_internal.page_unfold(retention_internal.page_cohorts(shown.cells, unit)) || '</div>');

  SELECT coalesce(jsonb_agg(l || jsonb_build_object('shown', retention_internal.plot_period((l ->> 'period_start')::timestamp, unit)) ORDER BY n), '[]') INTO named
    FROM jsonb_array_elements(lifecycle) WITH ORDINALITY e (l, n);
  page := page || '<div class="pair">'
    || retention_internal.page_card('Retention curve', concat_ws(' ', format('The cohorts above, together, by %s after the start.', plural), shown.words,
        CASE WHEN jsonb_path_exists(shown.curve, '$[*].ci_low ? (@ != null)') THEN 'With 95 % limits.' END),
      retention_internal.plot_curve(curve, grid, 520), retention_internal.plot_curve(curve, grid, 320),
      retention_internal.page_unfold(retention_internal.page_table(shown.curve, ARRAY[['period', unit, 'word'], ['cohorts', 'cohorts', 'count'], ['at_risk', 'customers', 'count'],
        ['retained', 'retained', 'count'], ['retention_rate', 'retention', 'percent'], ['ci_low', 'from', 'percent'], ['ci_high', 'to', 'percent']])))
    || retention_internal.page_card('Active customers', 'New, retained from the period before, back after a pause; below the line those gone dormant.',
      retention_internal.plot_lifecycle(lifecycle, unit, 520), retention_internal.plot_lifecycle(lifecycle, unit, 320),
      retention_internal.page_unfold(retention_internal.page_table(named, ARRAY[['shown', 'period', 'word'], ['active', 'active', 'count'], ['new', 'new', 'count'],
        ['retained', 'retained', 'count'], ['resurrected', 'back again', 'count'], ['dormant', 'gone dormant', 'count']])))
    || '</div>' || retention_internal.page_segments(report, unit) || retention_internal.page_causes(report, unit);

  RETURN page
    || '<section class="card"><h2>How to read this</h2><ul>'
    || coalesce((SELECT string_agg('<li>' || retention_internal.plot_escape(note) || '</li>', '' ORDER BY n) FROM jsonb_array_elements_text(notes) WITH ORDINALITY e (note, n)), '')
    || '<li>Hatched or italic: partial, the period is not over and the number can still change. Empty: nothing can be known yet.</li>'
    '<li>&#8220;95&#160;% sure&#8221;, bands and whiskers: were customers like these drawn again and again, the true rate would lie within in 95 of 100 cases.</li></ul></section>'
    || format('<footer><p>Made by retention %s from <code>%s</code>, grid <code>%s</code>. %s rows without customer or time were left out.</p>',
      retention_internal.plot_escape(coalesce(report ->> 'version', '')), retention_internal.plot_escape(coalesce(report -> 'source' ->> 'relation', '')),
      retention_internal.plot_escape(coalesce(grid, '')), retention_internal.page_value(report ->> 'ignored', 'count'))
    || coalesce('<details class="screen"><summary>What it reads</summary><code>' || retention_internal.plot_escape(report -> 'source' ->> 'definition') || '</code></details>', '')
    || format('<p>To repeat it: <code>%s</code></p></footer></main></body></html>', retention_internal.plot_escape(format('SELECT retention_report_html(%L, %L, %s)',
      report -> 'source' ->> 'relation', report ->> 'as_of', coalesce(report ->> 'periods', '12'))))
    || E'\n';
END
$$;
COMMENT ON FUNCTION retention_report_page(jsonb) IS 'a report as one HTML page that needs nothing else';

CREATE FUNCTION retention_report_html(source regclass, as_of timestamp DEFAULT NULL, periods integer DEFAULT 12) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.retention_report_page(@extschema@.retention_report(source, as_of, periods)) $$;
COMMENT ON FUNCTION retention_report_html(regclass, timestamp, integer) IS
'retention_report() as one HTML page that needs nothing else: pictures, tables, notes';
