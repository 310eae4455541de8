-- report: the page for a browser. One HTML file from the JSON of a report alone; its HTML is in page.html and
-- page_parts.html, its style in page.css.

-- Values and tables.

CREATE FUNCTION retention_internal.page_value(value text, kind text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE
    WHEN value IS NULL THEN '&#8211;'
    WHEN kind = 'count' THEN retention_internal.plot_count(value::numeric)
    WHEN kind = 'percent' THEN retention_internal.plot_percent(value::numeric)
    WHEN kind = 'money' THEN retention_internal.plot_money(value::numeric)
    WHEN kind = 'points' THEN CASE sign(value::numeric) WHEN 1 THEN '+' WHEN -1 THEN '&#8722;' ELSE '' END
      || round(abs(value::numeric), 1)
    WHEN kind = 'number' THEN round(value::numeric, 2)::text
    WHEN kind = 'day' THEN to_char(value::timestamp, 'FMDD Mon YYYY')
    WHEN kind IN ('days', 'hours') THEN retention_internal.plot_duration(value::double precision, kind)
    WHEN kind = 'ratio' THEN round(value::numeric, 1) || '&#160;&#215;'
    WHEN kind = 'p' THEN CASE WHEN value::double precision < 0.0001 THEN '&lt; 0.0001'
      ELSE round(value::numeric, 4)::text END
    WHEN kind = 'share' THEN retention_internal.fill('meter', jsonb_build_object(
      'number', retention_internal.plot_percent(value::numeric),
      'width', round(least(100, greatest(0, value::numeric)))))
    WHEN kind = 'meter' THEN retention_internal.fill('meter', jsonb_build_object(
      'number', round(value::numeric, 3), 'width', round(least(100, greatest(0, 100 * value::numeric)))))
    ELSE retention_internal.plot_escape(value)
  END;
END
$$;
COMMENT ON FUNCTION retention_internal.page_value(text, text) IS
'a value of a table of the page: word, day, days or hours (a length of time), count, money, percent, share (of 100, '
'with a meter), points, number, ratio, p or meter (of 1)';

CREATE FUNCTION retention_internal.page_data(content text, type text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('data:%s;charset=utf-8;base64,%s', type,
    replace(encode(convert_to(content, 'UTF8'), 'base64'), E'\n', ''))
$$;
COMMENT ON FUNCTION retention_internal.page_data(text, text) IS 'a file as a link that contains it';

CREATE FUNCTION retention_internal.page_csv(rows jsonb, columns text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Every number as it is. A text or heading that a spreadsheet would take for a formula begins with an apostrophe.
  SELECT retention_internal.page_data(string_agg(l.line, E'\r\n' ORDER BY l.n) || E'\r\n', 'text/csv')
  FROM (
    SELECT c.n, string_agg(CASE WHEN c.v IS NULL THEN '' WHEN c.is_number THEN c.v
      ELSE '"' || CASE WHEN c.v ~ ('^[-=+@' || chr(9) || chr(13) || ']') THEN '''' ELSE '' END
        || replace(c.v, '"', '""') || '"' END, ',' ORDER BY c.i) AS line
    FROM (
      SELECT 0 AS n, i, columns[i][2] AS v, false AS is_number FROM generate_series(1, cardinality(columns) / 3) AS i
      UNION ALL
      SELECT e.n, i, e.r ->> columns[i][1], jsonb_typeof(e.r -> columns[i][1]) = 'number'
      FROM jsonb_array_elements(rows) WITH ORDINALITY AS e (r, n), generate_series(1, cardinality(columns) / 3) AS i
    ) AS c
    GROUP BY c.n
  ) AS l
$$;
COMMENT ON FUNCTION retention_internal.page_csv(jsonb, text[]) IS
'rows of JSON as a link to a file of comma-separated values with a heading';

CREATE FUNCTION retention_internal.page_table(rows jsonb, columns text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Columns are {key, heading, kind}; one that no row has is left out.
  WITH shown AS (
    SELECT i, columns[i][1] AS key, columns[i][2] AS heading, columns[i][3] AS kind,
      CASE WHEN columns[i][3] = 'word' THEN 'word' END AS class
    FROM generate_series(1, cardinality(columns) / 3) i
    WHERE EXISTS (SELECT FROM jsonb_array_elements(rows) r WHERE r ->> columns[i][1] IS NOT NULL)
  )
  SELECT retention_internal.fill('table', jsonb_build_object(
    'headings', retention_internal.fill('table_heading', (SELECT jsonb_agg(to_jsonb(s) ORDER BY i) FROM shown s)),
    'csv', retention_internal.page_csv(rows, (SELECT array_agg(ARRAY[s.key, s.heading, s.kind] ORDER BY s.i)
      FROM shown AS s)),
    'rows', retention_internal.fill('table_row', jsonb_agg(jsonb_build_object('cells', (
      SELECT retention_internal.fill('table_cell', jsonb_agg(jsonb_build_object(
        'class', coalesce(class, CASE WHEN r ->> 'status' = 'partial' THEN 'partial' END),
        'value', retention_internal.page_value(r ->> key, kind)) ORDER BY i))
      FROM shown)) ORDER BY n))))
  FROM jsonb_array_elements(rows) WITH ORDINALITY e (r, n)
  HAVING count(*) > 0
$$;
COMMENT ON FUNCTION retention_internal.page_table(jsonb, text[]) IS
'rows of JSON as a table that can be downloaded; of no rows, NULL';

CREATE FUNCTION retention_internal.page_figures(rows jsonb, columns text[], summary text DEFAULT 'The figures')
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.fill('figures', jsonb_build_object('summary', summary,
    'long', CASE WHEN jsonb_array_length(rows) > 14 OR summary LIKE 'The statistics%' THEN 'long' END,
    'table', retention_internal.page_table(rows, columns)))
$$;
COMMENT ON FUNCTION retention_internal.page_figures(jsonb, text[], text) IS
'a table that the reader can unfold; on paper it is unfolded, a long one and statistics are left out';

CREATE FUNCTION retention_internal.page_rows(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN jsonb_typeof(value) = 'array' THEN value ELSE '[]' END $$;
COMMENT ON FUNCTION retention_internal.page_rows(jsonb) IS 'a list of rows, or none';

CREATE FUNCTION retention_internal.page_named(rows jsonb, unit text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(r || jsonb_build_object('name',
    retention_internal.plot_period((r ->> 'period_start')::timestamp, unit)) ORDER BY n), '[]')
  FROM jsonb_array_elements(rows) WITH ORDINALITY e (r, n)
$$;
COMMENT ON FUNCTION retention_internal.page_named(jsonb, text) IS 'rows of periods, each with the name of its period';

CREATE FUNCTION retention_internal.page_card(title text, words text, wide text, narrow text, body text,
  class text DEFAULT '') RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- The style of the pictures stands once, in the head of the page. Files have the name of the card.
  SELECT retention_internal.fill('card', jsonb_build_object('title', title, 'words', words,
    'body', replace(body, ' download=""', format(' download="%s.csv"', f.name)),
    'class', class, 'wide', replace(wide, f.style, ''), 'narrow', replace(narrow, f.style, ''),
    'file', f.name || '.svg', 'svg',
    CASE WHEN wide LIKE '%<g%' THEN retention_internal.page_data(wide, 'image/svg+xml') END))
  FROM (SELECT retention_internal.plot_style() AS style, 'retention-' || trim(BOTH '-' FROM
    regexp_replace(lower(title), '[^a-z0-9]+', '-', 'g')) AS name) AS f
$$;
COMMENT ON FUNCTION retention_internal.page_card(text, text, text, text, text, text) IS
'a card of the page: a picture for wide and one for narrow screens, and what is below it';

-- The headline.

CREATE FUNCTION retention_internal.page_kind(unit text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN unit IN ('percent', 'money') THEN unit ELSE 'count' END $$;
COMMENT ON FUNCTION retention_internal.page_kind(text) IS 'how a headline number of a unit is shown';

CREATE FUNCTION retention_internal.page_time(at timestamp, unit text, capital boolean DEFAULT false) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN unit = 'week' THEN CASE WHEN capital THEN 'Week of ' ELSE 'the week of ' END ELSE '' END
    || retention_internal.plot_period(at, unit)
$$;
COMMENT ON FUNCTION retention_internal.page_time(timestamp, text, boolean) IS
'a period in a sentence: Nov 2011, the week of 24 Nov 2011';

CREATE FUNCTION retention_internal.page_judged(figure jsonb, difference jsonb, before jsonb,
  OUT value numeric, OUT certain boolean, OUT good boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Rates have a test of their own. Of customers who came or left in two periods, the difference of two counts of
  -- Poisson processes in units of its standard error: J. Przyborowski and H. Wilenski, Biometrika 31 (1940) 313, with
  -- the normal approximation. A stock, or an amount, is what it is.
  SELECT d.value, CASE WHEN d.value IS NULL THEN NULL
      WHEN d.p IS NOT NULL THEN d.p < 0.05
      WHEN figure ->> 'name' IN ('joined', 'lost', 'reactivated')
        THEN abs(d.value) > 1.96 * sqrt((figure ->> 'value')::numeric + (before ->> 'value')::numeric)
      ELSE d.value <> 0 END,
    (d.value > 0) = (coalesce(figure ->> 'name', '') !~ 'churn|lost|dormant')
  FROM (
    SELECT (difference ->> 'value')::numeric AS value, (difference ->> 'p_value')::double precision AS p
  ) AS d
$$;
COMMENT ON FUNCTION retention_internal.page_judged(jsonb, jsonb, jsonb) IS
'a change of a figure, whether it is more than chance, and whether it is good: more is good of all but churn and '
'losses';

CREATE FUNCTION retention_internal.page_change(figure jsonb, difference jsonb, before jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.fill('change', jsonb_build_object(
    'class', CASE WHEN NOT j.certain THEN 'same' WHEN j.good THEN 'good' ELSE 'bad' END,
    'words', CASE
      WHEN j.value = 0 THEN 'no change'
      WHEN NOT j.certain THEN 'no real change'
      ELSE CASE WHEN j.value > 0 THEN '&#9650; ' ELSE '&#9660; ' END || CASE figure ->> 'unit'
          WHEN 'percent' THEN round(abs(j.value), 1) || ' points ' || CASE WHEN j.value > 0 THEN 'up' ELSE 'down' END
          WHEN 'money' THEN CASE WHEN abs(j.value) >= 100 THEN retention_internal.plot_count(abs(j.value))
            ELSE retention_internal.plot_money(abs(j.value)) END || CASE WHEN j.value > 0 THEN ' more' ELSE ' less' END
          ELSE retention_internal.plot_count(abs(j.value)) || CASE WHEN j.value > 0 THEN ' more' ELSE ' fewer' END END
        || CASE WHEN j.good THEN ', better' ELSE ', worse' END END,
    'period', retention_internal.page_time((before ->> 'period_start')::timestamp, unit),
    'before', retention_internal.page_value(before ->> 'value',
      retention_internal.page_kind(figure ->> 'unit')),
    'title', CASE WHEN difference ->> 'low' IS NOT NULL THEN format('difference in points: %s (95 %% CI %s to %s)',
      round(j.value, 1), round((difference ->> 'low')::numeric, 1), round((difference ->> 'high')::numeric, 1)) END))
  FROM retention_internal.page_judged(figure, difference, before) AS j
  WHERE j.value IS NOT NULL
$$;
COMMENT ON FUNCTION retention_internal.page_change(jsonb, jsonb, jsonb, text) IS
'how a figure of the headline has changed, in words';

CREATE FUNCTION retention_internal.page_tiles(headline jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Churn stands with retention. At most five, in this order; the others are in the tables.
  SELECT coalesce(jsonb_agg(t.h ORDER BY t.place), '[]')
  FROM (
    SELECT h.h, o.place, row_number() OVER (ORDER BY o.place) AS back
    FROM jsonb_array_elements(headline) AS h (h),
      LATERAL (SELECT array_position('{retention_rate,customers,lost,joined,revenue,first_return,active,reactivated}',
        h.h ->> 'name') AS place) AS o
    WHERE o.place IS NOT NULL
  ) AS t
  WHERE t.back <= 5
$$;
COMMENT ON FUNCTION retention_internal.page_tiles(jsonb) IS 'the figures of the headline that the page shows as tiles';

CREATE FUNCTION retention_internal.page_headline(headline jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(retention_internal.fill('tiles', jsonb_build_object('tiles', retention_internal.fill('tile',
    jsonb_agg(jsonb_build_object('label', h ->> 'label',
      'period', retention_internal.page_time((h ->> 'period_start')::timestamp, unit),
      'value', retention_internal.page_value(h ->> 'value', retention_internal.page_kind(h ->> 'unit')),
      'churn', CASE WHEN h ->> 'name' = 'retention_rate' THEN (SELECT retention_internal.plot_percent(
        (c ->> 'value')::numeric) FROM jsonb_array_elements(headline) AS c WHERE c ->> 'name' = 'churn_rate') END,
      'low', round((h ->> 'low')::numeric, 1), 'high', round((h ->> 'high')::numeric, 1),
      'of', retention_internal.page_value(h ->> 'of', 'count'),
      'change', retention_internal.page_change(h, h -> 'difference', h -> 'previous', unit),
      'year_change', retention_internal.page_change(h, h -> 'year_difference', h -> 'year_before', unit))
      ORDER BY n)))),
      '')
  FROM jsonb_array_elements(retention_internal.page_tiles(headline)) WITH ORDINALITY e (h, n)
  HAVING count(*) > 0
$$;
COMMENT ON FUNCTION retention_internal.page_headline(jsonb, text) IS 'the headline numbers of a report';

CREATE FUNCTION retention_internal.page_weakest(segments jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(' Weakest: %s %s, %s %% stayed.', s.segment, coalesce(s.value, 'unknown'), round(s.retention_rate, 1))
  FROM jsonb_to_recordset(segments) AS s (segment text, value text, at_start numeric, retention_rate numeric,
    difference numeric, p_adjusted double precision)
  WHERE s.p_adjusted < 0.05 AND s.difference < 0 AND s.at_start >= 30
  ORDER BY s.difference, s.segment COLLATE "C", s.value COLLATE "C" LIMIT 1
$$;
COMMENT ON FUNCTION retention_internal.page_weakest(jsonb) IS
'the value of a segment that is most below the others by more than chance, as a sentence; NULL: none is';

CREATE FUNCTION retention_internal.page_sentence(headline jsonb, segments jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('%s: %s %% of customers stayed, %s.', retention_internal.page_time((r.h ->> 'period_start')::timestamp,
      unit, true), round((r.h ->> 'value')::numeric, 1), CASE
        WHEN j.value IS NULL THEN 'with nothing before to compare it with'
        WHEN NOT j.certain THEN 'no real change'
        ELSE format('%s points %s than in %s', round(abs(j.value), 1), CASE WHEN j.good THEN 'more' ELSE 'fewer' END,
          retention_internal.page_time((r.h #>> '{previous,period_start}')::timestamp, unit)) END)
    || coalesce(format(' %s left', retention_internal.plot_count((l.h ->> 'value')::numeric)) || CASE
      WHEN y.value IS NULL THEN '.'
      WHEN y.value = 0 THEN ', and there are as many customers as a year ago.'
      ELSE format(', and there are %s %s customers than a year ago.', retention_internal.plot_count(abs(y.value)),
        CASE WHEN y.value > 0 THEN 'more' ELSE 'fewer' END) END, '')
    || coalesce(retention_internal.page_weakest(segments), '')
  FROM (SELECT h FROM jsonb_array_elements(headline) AS h WHERE h ->> 'name' = 'retention_rate') AS r
    LEFT JOIN (SELECT h FROM jsonb_array_elements(headline) AS h WHERE h ->> 'name' = 'lost') AS l ON true
    LEFT JOIN (SELECT h FROM jsonb_array_elements(headline) AS h WHERE h ->> 'name' = 'customers') AS c ON true
    CROSS JOIN LATERAL retention_internal.page_judged(r.h, r.h -> 'difference', r.h -> 'previous') AS j
    CROSS JOIN LATERAL retention_internal.page_judged(c.h, c.h -> 'year_difference', c.h -> 'year_before') AS y
  WHERE r.h ->> 'value' IS NOT NULL
$$;
COMMENT ON FUNCTION retention_internal.page_sentence(jsonb, jsonb, text) IS
'what the last complete period was like, in words; NULL where it has no rate';

-- Flow.

CREATE FUNCTION retention_internal.page_rate(flow jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.page_card('Retention rate',
    format('Share of the customers at the start of each %s who were still customers at its end.', unit),
    retention_internal.plot_rate(flow, unit, 520), retention_internal.plot_rate(flow, unit, 320),
    retention_internal.page_figures(retention_internal.page_named(flow, unit), ARRAY[['name', 'period', 'word'],
      ['at_start', 'at start', 'count'], ['kept', 'kept', 'count'], ['retention_rate', 'retention', 'percent'],
      ['retention_low', 'CI low', 'percent'], ['retention_high', 'CI high', 'percent'],
      ['churn_rate', 'churn', 'percent']]))
$$;
COMMENT ON FUNCTION retention_internal.page_rate(jsonb, text) IS 'the retention rates of a report by period';

CREATE FUNCTION retention_internal.page_flow(flow jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.page_card('Customers gained and lost',
    'Gained plus reactivated less lost is the change in the number of customers.',
    retention_internal.plot_flow(flow, unit, 520), retention_internal.plot_flow(flow, unit, 320),
    retention_internal.page_figures(retention_internal.page_named(flow, unit), ARRAY[['name', 'period', 'word'],
      ['at_start', 'at start', 'count'], ['gained', 'gained', 'count'], ['reactivated', 'reactivated', 'count'],
      ['lost', 'lost', 'count'], ['at_end', 'at end', 'count'], ['joined_and_left', 'joined and left', 'count']]))
$$;
COMMENT ON FUNCTION retention_internal.page_flow(jsonb, text) IS 'the movements of a report by period';

CREATE FUNCTION retention_internal.page_lifecycle(lifecycle jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.page_card('Active customers',
    'New, retained from the period before, or back after a pause (resurrected); below the line those who went dormant.',
    retention_internal.plot_lifecycle(lifecycle, unit, 520), retention_internal.plot_lifecycle(lifecycle, unit, 320),
    retention_internal.page_figures(retention_internal.page_named(lifecycle, unit), ARRAY[['name', 'period', 'word'],
      ['active', 'active', 'count'], ['new', 'new', 'count'], ['retained', 'retained', 'count'],
      ['resurrected', 'resurrected', 'count'], ['dormant', 'dormant', 'count']]))
$$;
COMMENT ON FUNCTION retention_internal.page_lifecycle(jsonb, text) IS 'the active customers of a report by period';

-- Cohorts.

CREATE FUNCTION retention_internal.page_population(report jsonb, most integer,
  OUT cells jsonb, OUT curve jsonb, OUT words text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  shown bigint;
  every bigint;
  customers numeric;
BEGIN
  -- The heat map, its average, the number of customers there and the retention curve are of the same cohorts: the
  -- newest.
  SELECT max(least(back, most)), greatest(max(back), (report ->> 'cohort_count')::bigint),
      sum((c ->> 'cohort_size')::numeric) FILTER (WHERE back <= most AND place = 1),
      coalesce(jsonb_agg(c ORDER BY n) FILTER (WHERE back <= most AND (c ->> 'period')::integer <= most), '[]')
    INTO shown, every, customers, cells
    FROM (
      SELECT c, n, dense_rank() OVER (ORDER BY (c ->> 'cohort')::timestamp DESC) AS back,
        row_number() OVER (PARTITION BY c ->> 'cohort' ORDER BY n) AS place
      FROM jsonb_array_elements(retention_internal.page_rows(report -> 'cohorts')) WITH ORDINALITY e (c, n)
    ) r;
  IF every > shown THEN
    -- Limits as retention_curve() has them. Where a customer may be in several cohorts they need more than the cells
    -- tell.
    SELECT coalesce(jsonb_agg(jsonb_build_object('period', p.period, 'cohorts', p.cohorts, 'at_risk', p.at_risk,
        'retained', p.retained, 'retention_rate', trim_scale(100 * p.retained / p.at_risk),
        'ci_low', i.low, 'ci_high', i.high) ORDER BY p.period), '[]')
      INTO curve
      FROM (
        SELECT period, count(*) AS cohorts, sum(at_risk) AS at_risk, sum(retained) AS retained
        FROM jsonb_to_recordset(cells) AS c (period integer, at_risk numeric, retained numeric, status text)
        WHERE status = 'observed' AND at_risk > 0 GROUP BY period
      ) p LEFT JOIN LATERAL @extschema@.rate_interval(p.retained, p.at_risk, 0.95::double precision, 'wilson'::text) i
        ON p.period > 0 AND (@extschema@.grid_options(
          (report -> 'source' ->> 'grid')::@extschema@.retention_grid)).cohorts = 'first';
    words := format('The newest %s of %s cohorts, %s customers.', shown, every,
      retention_internal.plot_count(customers));
  ELSE
    SELECT coalesce(jsonb_agg(c ORDER BY n), '[]') INTO curve
      FROM jsonb_array_elements(retention_internal.page_rows(report -> 'curve')) WITH ORDINALITY e (c, n)
      WHERE (c ->> 'period')::integer <= most;
    IF shown > 1 THEN
      words := format('All %s cohorts, %s customers.', shown, retention_internal.plot_count(customers));
    END IF;
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.page_population(jsonb, integer) IS
'the newest cohorts of a report, which its page shows: their cells, their curve, and which they are';

CREATE FUNCTION retention_internal.page_cohort_table(cells jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH cell AS (
    SELECT * FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric, period integer,
      retention_rate numeric, ci_low numeric, ci_high numeric, status text)
  ), span AS (
    SELECT min(period) AS first, max(period) AS last FROM cell
  ), headings AS (
    SELECT jsonb_build_array(jsonb_build_object('class', 'word', 'heading', 'cohort'),
        jsonb_build_object('class', NULL, 'heading', 'customers'))
      || jsonb_agg(jsonb_build_object('class', NULL, 'heading', p) ORDER BY p) AS list
    FROM span, generate_series(first, last) p
  ), line AS (
    SELECT r.cohort, jsonb_build_object('cells', retention_internal.fill('cohort_cell', jsonb_build_array(
          jsonb_build_object('class', 'word', 'low', NULL, 'high', NULL,
            'value', retention_internal.plot_period(r.cohort, unit)),
          jsonb_build_object('class', NULL, 'low', NULL, 'high', NULL, 'value', retention_internal.plot_count(size)))
        || jsonb_agg(jsonb_build_object('class', CASE WHEN status = 'partial' THEN 'partial' END,
          'value', CASE WHEN c.period IS NOT NULL THEN coalesce(round(retention_rate, 1)::text, '&#8211;') END,
          'low', round(ci_low), 'high', round(ci_high)) ORDER BY p.period))) AS row
    FROM (SELECT cohort, max(cohort_size) AS size FROM cell GROUP BY cohort) r
      CROSS JOIN span CROSS JOIN generate_series(first, last) p (period)
      LEFT JOIN cell c ON c.cohort = r.cohort AND c.period = p.period
    GROUP BY r.cohort, r.size
  )
  SELECT retention_internal.fill('table', jsonb_build_object(
    'headings', (SELECT retention_internal.fill('table_heading', list) FROM headings),
    'csv', retention_internal.page_csv(cells, ARRAY[['cohort', 'cohort', 'word'],
      ['cohort_size', 'customers', 'count'], ['period', unit, 'count'], ['at_risk', 'at risk', 'count'],
      ['retained', 'retained', 'count'], ['retention_rate', 'retention', 'percent'], ['ci_low', 'CI low', 'percent'],
      ['ci_high', 'CI high', 'percent'], ['status', 'status', 'word'], ['note', 'note', 'word']]),
    'rows', retention_internal.fill('table_row', jsonb_agg(row ORDER BY cohort))))
  FROM line HAVING count(*) > 0
$$;
COMMENT ON FUNCTION retention_internal.page_cohort_table(jsonb, text) IS
'the cells of cohorts as a table: rate and limits, italic where it is partial';

CREATE FUNCTION retention_internal.page_cohort_notes(cells jsonb, grid text, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- A gap concerns a cell of every cohort before it, so its period is named; a bracket is more than its gap.
  WITH cell AS (
    SELECT * FROM jsonb_to_recordset(cells) AS c (cohort timestamp, period_start timestamp, note text)
  ), gap AS (
    SELECT retention_internal.plot_period(c.period_start, unit) AS name,
      row_number() OVER (ORDER BY c.period_start) AS n
    FROM cell c WHERE c.note = 'no rows of anybody' GROUP BY c.period_start
  )
  SELECT nullif(concat_ws(' ', (
      SELECT format('Records begin in %s: who was a customer before counts as new in that cohort.',
        retention_internal.plot_period(min(c.cohort), unit))
      FROM cell c WHERE c.note = 'records begin here' HAVING count(*) > 0
    ), CASE WHEN retention_internal.plot_brackets(grid) IS NULL THEN (
      SELECT format('No rows of anybody in %s%s: a gap in the data?', string_agg(g.name, ', ' ORDER BY g.n)
        FILTER (WHERE g.n <= 6), CASE WHEN count(*) > 6 THEN format(' and %s more', count(*) - 6) END)
      FROM gap g HAVING count(*) > 0
    ) ELSE (
      SELECT format('No rows of anybody in a part of the time of %s of these cells: a gap in the data?', count(*))
      FROM cell c WHERE c.note = 'no rows of anybody' HAVING count(*) > 0
    ) END), '')
$$;
COMMENT ON FUNCTION retention_internal.page_cohort_notes(jsonb, text, text) IS
'what must be known to read the cells of a heat map, in words; NULL: nothing';

CREATE FUNCTION retention_internal.page_cohorts(cells jsonb, grid text, unit text, kind text, presence text,
  words text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.page_card('Cohorts', concat_ws(' ',
      format('Customers by the %s they joined, and the percentage of them who ' || CASE
        WHEN kind = 'events' THEN 'were active in that %1$s and in each %1$s after it.'
        WHEN presence = 'at_end' THEN 'were still customers at the end of that %1$s and of each %1$s after it.'
        ELSE 'were customers at any time in that %1$s and in each %1$s after it.' END, unit),
      words || ' On top their average: all observed cells of a column, pooled.'),
    retention_internal.plot_heatmap(cells, grid, 1060), retention_internal.plot_heatmap(cells, grid, 320),
    CASE WHEN jsonb_path_exists(cells, '$[*].period ? (@ > 10)') THEN retention_internal.fill('hint',
      jsonb_build_object('words', format('Later %s are to the right: move the picture.',
        retention_internal.plot_units(unit)))) ELSE '' END
    || retention_internal.fill('figures_on_screen', jsonb_build_object('figures', retention_internal.fill('figures',
      jsonb_build_object('summary', 'The figures', 'long', NULL,
        'table', retention_internal.page_cohort_table(cells, unit)))))
      || retention_internal.fill('remark', jsonb_build_object('words',
        retention_internal.page_cohort_notes(cells, grid, unit))))
$$;
COMMENT ON FUNCTION retention_internal.page_cohorts(jsonb, text, text, text, text, text) IS 'the heat map of a report';

CREATE FUNCTION retention_internal.page_curve(curve jsonb, grid text, unit text, words text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.page_card('Retention curve', concat_ws(' ',
      format('The cohorts above, pooled, by %s after the start.', retention_internal.plot_units(unit)), (
        SELECT CASE WHEN min(c.cohorts) < max(c.cohorts) THEN format('The first point is of %s cohorts and %s '
          'customers, the last of %s and %s.', (array_agg(c.cohorts ORDER BY c.period))[1],
          retention_internal.plot_count((array_agg(c.at_risk ORDER BY c.period))[1]),
          (array_agg(c.cohorts ORDER BY c.period DESC))[1],
          retention_internal.plot_count((array_agg(c.at_risk ORDER BY c.period DESC))[1])) END
        FROM jsonb_to_recordset(shown) AS c (period integer, cohorts integer, at_risk numeric)),
      CASE WHEN jsonb_array_length(shown) < jsonb_array_length(curve)
        THEN 'It stops where fewer than three cohorts or thirty customers remain.' END,
      CASE WHEN jsonb_path_exists(shown, '$[*].ci_low ? (@ != null)')
        THEN 'The band is the 95 % confidence interval.' END),
    retention_internal.plot_curve(series, grid, 520), retention_internal.plot_curve(series, grid, 320),
    retention_internal.page_figures(curve, ARRAY[['period', unit, 'word'], ['cohorts', 'cohorts', 'count'],
      ['at_risk', 'customers', 'count'], ['retained', 'retained', 'count'], ['retention_rate', 'retention', 'percent'],
      ['ci_low', 'CI low', 'percent'], ['ci_high', 'CI high', 'percent']]))
  FROM (
    SELECT p.shown, CASE WHEN p.shown <> '[]' THEN jsonb_build_array(jsonb_build_object('curve', p.shown)) ELSE '[]' END
      AS series
    FROM (
      -- Until the first point of few: a curve of fewer cohorts than three is drawn whole.
      SELECT coalesce(jsonb_agg(c.c ORDER BY c.n) FILTER (WHERE c.few = 0), '[]') AS shown
      FROM (
        SELECT e.c, e.n, count(*) FILTER (WHERE (e.c ->> 'cohorts')::integer < 3 OR (e.c ->> 'at_risk')::numeric < 30)
          OVER (ORDER BY e.n) AS few
        FROM jsonb_array_elements(curve) WITH ORDINALITY AS e (c, n)
      ) AS c
    ) AS p
  ) s
$$;
COMMENT ON FUNCTION retention_internal.page_curve(jsonb, text, text, text) IS 'the retention curve of a report';

-- Segments.

CREATE FUNCTION retention_internal.page_survival(report jsonb)
RETURNS TABLE (segment text, place bigint, body text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
  -- Everybody is drawn beside the values of each segment, and alone only where there are no segments.
  WITH survival AS (
    SELECT s ->> 'segment' AS segment, coalesce(max(s ->> 'unit'), 'days') AS unit, min(n) AS n,
      jsonb_agg(s || jsonb_build_object('everybody', s ->> 'segment' IS NULL AND segmented,
        'name', CASE WHEN s ->> 'segment' IS NULL THEN 'everybody' ELSE coalesce(s ->> 'value', 'unknown') END)
        ORDER BY n) AS groups
    FROM (
      SELECT s, n, bool_or(s ->> 'segment' IS NOT NULL) OVER () AS segmented
      FROM jsonb_array_elements(retention_internal.page_rows(report -> 'survival')) WITH ORDINALITY e (s, n)
    ) e
    GROUP BY 1
  ), curves AS (
    SELECT v.segment, v.n, v.unit, coalesce(e.groups, '[]') || v.groups AS groups
    FROM survival v LEFT JOIN survival e ON e.segment IS NULL AND v.segment IS NOT NULL
    WHERE v.segment IS NOT NULL OR NOT EXISTS (SELECT FROM survival o WHERE o.segment IS NOT NULL)
  )
  SELECT c.segment, n, retention_internal.page_card('How long customers stay' || coalesce(', by ' || c.segment, ''),
    'Share of customers who have not left yet, by time since they joined (Kaplan-Meier). Customers who left and came '
      'back count as having left.',
    retention_internal.plot_survival(groups, unit, 520), retention_internal.plot_survival(groups, unit, 320),
    retention_internal.page_figures(groups, ARRAY[['name', coalesce(c.segment, 'group'), 'word'],
      ['customers', 'customers', 'count'], ['churned', 'left', 'count'], ['median', 'half have left after', unit],
      ['median_low', 'CI low', unit], ['median_high', 'CI high', unit]]))
  FROM curves c
$$;
COMMENT ON FUNCTION retention_internal.page_survival(jsonb) IS
'how long the customers of each segment of a report stay';

CREATE FUNCTION retention_internal.page_segment_rates(report jsonb, unit text)
RETURNS TABLE (segment text, place bigint, body text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT r.segment, r.n, retention_internal.page_card('Retention by ' || coalesce(r.segment, 'segment'),
    'In the last complete ' || unit || '; each value compared with all other customers.',
    retention_internal.plot_segments(rows, 520), retention_internal.plot_segments(rows, 320),
    retention_internal.page_figures(rows, ARRAY[['shown', coalesce(r.segment, 'segment'), 'word'],
      ['at_start', 'at start', 'count'], ['kept', 'kept', 'count'], ['retention_rate', 'retention', 'percent'],
      ['low', 'CI low', 'percent'], ['high', 'CI high', 'percent'], ['difference', 'difference in points', 'points'],
      ['difference_low', 'CI low', 'points'], ['difference_high', 'CI high', 'points'],
      ['p_adjusted', 'adjusted p', 'p']]))
  FROM (
    SELECT s ->> 'segment' AS segment, min(n) AS n,
      jsonb_agg(s || jsonb_build_object('shown', coalesce(s ->> 'value', 'unknown')) ORDER BY n) AS rows
    FROM jsonb_array_elements(retention_internal.page_rows(report -> 'segments')) WITH ORDINALITY e (s, n)
    GROUP BY 1
  ) r
$$;
COMMENT ON FUNCTION retention_internal.page_segment_rates(jsonb, text) IS
'the rates of the segments of a report in its last complete period';

CREATE FUNCTION retention_internal.page_stickiness(stickiness jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.page_card('Stickiness', format('In how many %s customers were active.', units), NULL, NULL,
    retention_internal.page_table(jsonb_path_query_array(stickiness, '$[0 to 11]'), head)
      || CASE WHEN jsonb_array_length(stickiness) > 12 THEN retention_internal.page_figures(
        jsonb_path_query_array(stickiness, '$[12 to last]'), head, format('More than 12 %s', units)) ELSE '' END)
  FROM (SELECT retention_internal.plot_units(unit) AS units) u,
    LATERAL (SELECT ARRAY[['active_periods', units, 'word'], ['customers', 'customers', 'count'],
      ['share', 'share', 'share']] AS head) h
  WHERE jsonb_array_length(stickiness) > 0
$$;
COMMENT ON FUNCTION retention_internal.page_stickiness(jsonb, text) IS
'the stickiness of a report; NULL where it has none';

CREATE FUNCTION retention_internal.page_segments(report jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- The segments in the order of the source, then what is of everybody.
  SELECT retention_internal.fill('pair', jsonb_build_object('cards', string_agg(body, '' ORDER BY array_position(
    ARRAY(SELECT jsonb_array_elements_text(retention_internal.page_rows(report -> 'source' -> 'segments'))), segment),
    kind, place)))
  FROM (
    SELECT 1 AS kind, r.* FROM retention_internal.page_segment_rates(report, unit) r
    UNION ALL
    SELECT 2, s.* FROM retention_internal.page_survival(report) s
    UNION ALL
    SELECT 3, NULL, NULL, retention_internal.page_stickiness(retention_internal.page_rows(report -> 'stickiness'), unit)
  ) c (kind, segment, place, body)
  HAVING count(body) > 0
$$;
COMMENT ON FUNCTION retention_internal.page_segments(jsonb, text) IS
'survival and rates of the segments of a report, and its stickiness';

-- Drivers, reasons and benchmarks.

CREATE FUNCTION retention_internal.page_drivers(ranking jsonb, drivers jsonb, counted jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Values by how far their churn is from that of all; those of few customers, and near it, in the fold alone.
  WITH value AS (
    SELECT d.d || jsonb_build_object('value', coalesce(d.d ->> 'value', 'unknown'),
        'of_churn', 100 * (d.d ->> 'churned')::numeric / nullif((counted ->> 'churned')::numeric, 0)) AS d,
      (d.d ->> 'customers')::numeric >= 30 AND abs((d.d ->> 'lift')::numeric - 1) >= 0.05 AS large,
      row_number() OVER (ORDER BY abs(ln(greatest((d.d ->> 'lift')::numeric, 0.01))) DESC NULLS LAST, d.n) AS place
    FROM jsonb_array_elements(drivers) WITH ORDINALITY AS d (d, n)
  ), shown AS (
    SELECT coalesce(jsonb_agg(v.d ORDER BY v.place) FILTER (WHERE v.large AND v.back <= 12), '[]') AS rows,
      jsonb_agg(v.d ORDER BY v.place) AS all_rows
    FROM (SELECT v.*, row_number() OVER (PARTITION BY v.large ORDER BY v.place) AS back FROM value AS v) AS v
  )
  SELECT retention_internal.page_card('Churn drivers', CASE s.rows
        WHEN '[]' THEN 'No value of at least 30 customers is far from the average.'
        ELSE 'Who left more often than the average, and who less often; the largest difference first. Values of at '
          'least 30 customers, unless they are near the average.' END || ' An association need not be a cause.',
    NULL, NULL, concat(
      retention_internal.page_table(s.rows, ARRAY[['attribute', 'attribute', 'word'],
        ['value', 'value', 'word'], ['churn_rate', 'churn', 'percent'], ['lift', 'times the average', 'ratio'],
        ['customers', 'customers', 'count'], ['churned', 'left', 'count'], ['of_churn', 'of all who left', 'percent']]),
      retention_internal.page_figures(s.all_rows, ARRAY[['attribute', 'attribute', 'word'], ['value', 'value', 'word'],
        ['customers', 'customers', 'count'], ['churned', 'left', 'count'], ['churn_rate', 'churn', 'percent'],
        ['ci_low', '95 % CI from', 'percent'], ['ci_high', 'to', 'percent'],
        ['risk_ratio', 'relative risk', 'number'], ['risk_ratio_low', '95 % CI from', 'number'],
        ['risk_ratio_high', 'to', 'number'], ['lift', 'lift', 'number'], ['note', 'note', 'word']],
        'The statistics of the values'),
      retention_internal.page_figures(ranking, ARRAY[['attribute', 'attribute', 'word'],
        ['cramers_v_corrected', 'strength (Cramer''s V)', 'meter'], ['values', 'values', 'count'],
        ['p_adjusted', 'adjusted p', 'p'], ['information_value', 'information value', 'number'],
        ['note', 'note', 'word']], 'The statistics of the attributes, by strength from 0 to 1')), 'long')
  FROM shown AS s
  WHERE jsonb_array_length(ranking) > 0 OR jsonb_array_length(drivers) > 0
$$;
COMMENT ON FUNCTION retention_internal.page_drivers(jsonb, jsonb, jsonb) IS
'the drivers of a report by their effect; NULL where it has none';

CREATE FUNCTION retention_internal.page_reasons(reasons jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.page_card('Reasons for leaving',
    'Stated reasons by frequency, with simultaneous 95 % confidence intervals.',
    NULL, NULL, retention_internal.page_table(
      jsonb_agg(r || jsonb_build_object('reason', coalesce(r ->> 'reason', 'unknown')) ORDER BY n),
      ARRAY[['reason', 'reason', 'word'], ['category', 'category', 'word'],
        ['mitigated_by', 'mitigated by', 'word'], ['customers', 'customers', 'count'],
        ['share', 'share', 'percent'], ['ci_low', 'CI low', 'percent'], ['ci_high', 'CI high', 'percent'],
        ['cumulative_share', 'cumulative', 'percent']]))
  FROM jsonb_array_elements(reasons) WITH ORDINALITY e (r, n)
  HAVING count(*) > 0
$$;
COMMENT ON FUNCTION retention_internal.page_reasons(jsonb) IS 'the reasons of a report; NULL where it has none';

CREATE FUNCTION retention_internal.page_benchmark(benchmark jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.page_card('Industry benchmarks', format('Retention in the last complete %s was %s %%. '
      'Benchmarks are averages as they are widely quoted: a yardstick, not a target.', unit,
      round((benchmark -> 0 ->> 'retention_rate')::numeric, 1)), NULL, NULL,
    retention_internal.page_table(benchmark, ARRAY[['industry', 'industry', 'word'], ['year', 'year', 'word'],
      ['benchmark', 'benchmark', 'percent'], ['difference', 'difference in points', 'points'],
      ['difference_low', 'CI low', 'points'], ['difference_high', 'CI high', 'points'], ['p_value', 'p', 'p']]))
  WHERE jsonb_array_length(benchmark) > 0
$$;
COMMENT ON FUNCTION retention_internal.page_benchmark(jsonb, text) IS
'the benchmarks of a report; NULL where it has none';

-- The page.

CREATE FUNCTION retention_internal.page_definition(source jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE source ->> 'kind' WHEN 'events' THEN format('A customer is somebody with an event within %s. Those who '
      'left in a period had their last event %1$s before.', retention_internal.report_interval(source ->> 'gone_after'))
    ELSE 'A customer is somebody with a subscription.' END
    || ' Stayed: of the customers at the start of a period, those who were still customers at its end. The rest left '
    '(churn).'
$$;
COMMENT ON FUNCTION retention_internal.page_definition(jsonb) IS
'the definitions behind the headline of a report';

CREATE FUNCTION retention_internal.page_as_of(at timestamp) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(to_char(at,
      CASE WHEN at = date_trunc('day', at) THEN 'FMDD Mon YYYY' ELSE 'FMDD Mon YYYY HH24:MI' END),
    'the last row')
$$;
COMMENT ON FUNCTION retention_internal.page_as_of(timestamp) IS 'the as-of time of a report, in words';

CREATE FUNCTION retention_report_page(report jsonb, title text DEFAULT NULL, currency text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  source constant jsonb := report -> 'source';
  grid constant text := source ->> 'grid';
  unit constant text := retention_internal.plot_unit(grid);
  flow constant jsonb := retention_internal.page_rows(report -> 'flow');
  -- A page shows so many cohorts and periods; a report may have thousands.
  most constant integer := least(60, greatest(24, coalesce((report ->> 'periods')::integer, 12)));
  whole jsonb;
  lifecycle jsonb;
  shown record;
BEGIN
  IF report IS NULL THEN
    RETURN NULL;
  END IF;
  IF jsonb_typeof(report) <> 'object' OR report ->> 'format' IS DISTINCT FROM '1' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'this is not a report of format 1',
      HINT = 'Pass what retention_report() returned.';
  END IF;
  -- A value in memory: what is stored in a temporary table cannot be read by a worker.
  whole := report || '{}';
  SELECT * INTO shown FROM retention_internal.page_population(whole, most);
  lifecycle := retention_internal.page_rows(whole -> 'lifecycle');
  lifecycle := jsonb_path_query_array(lifecycle, '$[$first to last]',
    jsonb_build_object('first', greatest(0, jsonb_array_length(lifecycle) - most)));

  RETURN retention_internal.fill('page.html', jsonb_build_object(
    'version', whole ->> 'version',
    'title', coalesce(nullif(title, ''), 'Retention of ' || coalesce(source ->> 'name', 'unknown')),
    'style', '<style>' || retention_internal.template('page.css') || '</style>' || retention_internal.plot_style(),
    'every', upper(left(unit, 1)) || substr(unit, 2) || ' by ' || unit,
    'as_of', retention_internal.page_as_of((whole ->> 'as_of')::timestamp),
    'customers', retention_internal.page_value(whole ->> 'customers', 'count'),
    'rows', retention_internal.page_value(whole ->> 'rows', 'count'),
    'ignored', retention_internal.page_value(whole ->> 'ignored', 'count'),
    'relation', coalesce(source ->> 'relation', 'a table'), 'source', source ->> 'relation', 'grid', grid,
    'sentence', retention_internal.page_sentence(retention_internal.page_rows(whole -> 'headline'),
      retention_internal.page_rows(whole -> 'segments'), unit),
    'headline', retention_internal.page_headline(retention_internal.page_rows(whole -> 'headline'), unit),
    'rate', retention_internal.page_rate(flow, unit), 'flow', retention_internal.page_flow(flow, unit),
    'cohorts', retention_internal.page_cohorts(shown.cells, grid, unit, source ->> 'kind', source ->> 'presence',
      shown.words),
    'curve', retention_internal.page_curve(shown.curve, grid, unit, shown.words),
    'lifecycle', retention_internal.page_lifecycle(lifecycle, unit),
    'money', retention_internal.page_money(whole -> 'money', grid, unit, currency),
    'segments', retention_internal.page_segments(whole, unit),
    'causes', concat(
      retention_internal.page_drivers(retention_internal.page_rows(whole -> 'driver_ranking'),
        retention_internal.page_rows(whole -> 'drivers'), whole -> 'drivers_since'),
      retention_internal.page_reasons(retention_internal.page_rows(whole -> 'reasons')),
      retention_internal.page_lists(whole, unit),
      retention_internal.page_benchmark(retention_internal.page_rows(whole -> 'benchmark'), unit)),
    'notes', retention_internal.fill('note', (SELECT jsonb_agg(jsonb_build_object('note', note) ORDER BY n)
      FROM jsonb_array_elements_text(retention_internal.page_rows(whole -> 'notes')) WITH ORDINALITY e (note, n))),
    'definition', retention_internal.page_definition(source), 'source_definition', source ->> 'definition',
    'call', format('SELECT retention_report_html(%L, %L, %s)', source ->> 'relation', whole ->> 'as_of',
      coalesce(whole ->> 'periods', '12')))) || E'\n';
END
$$;
COMMENT ON FUNCTION retention_report_page(jsonb, text, text) IS
'a report as one HTML page that needs nothing else, with a title and the currency of amounts that have none';

CREATE FUNCTION retention_report_html(source regclass, as_of timestamp DEFAULT NULL, periods integer DEFAULT 12,
  title text DEFAULT NULL, currency text DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT @extschema@.retention_report_page(@extschema@.retention_report(source, as_of, periods), title, currency)
$$;
COMMENT ON FUNCTION retention_report_html(regclass, timestamp, integer, text, text) IS
'retention_report() as one HTML page that needs nothing else: pictures, tables, notes';
