-- report: pictures for use alone, as SVG, as Vega-Lite for tools that draw it themselves, and for psql.

CREATE FUNCTION retention_internal.plot_format(format text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF format IS NULL OR format NOT IN ('svg', 'vega-lite') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = pg_catalog.format('unrecognized format of a picture: %s', coalesce(quote_literal(format), 'NULL')),
      HINT = 'The formats are ''svg'' and ''vega-lite''.';
  END IF;
  RETURN format;
END
$$;
COMMENT ON FUNCTION retention_internal.plot_format(text) IS 'checks the format of a picture, and returns it';

-- The rows of summaries as JSON, as the report has them.

CREATE FUNCTION retention_internal.cohort_cells_json(summary retention_cohorts, criterion text DEFAULT 'on',
  as_of timestamp DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  grid record;
BEGIN
  SELECT o.* INTO grid
    FROM @extschema@.grid_options((@extschema@.cohort_totals(summary)).grid::@extschema@.retention_grid) AS o;
  IF grid.unit = 'hour' THEN
    -- Wall-clock times of the grid's zone, whatever the session's.
    RETURN (
      SELECT jsonb_agg(to_jsonb(c) || jsonb_build_object('cohort', c.cohort AT TIME ZONE grid.time_zone,
        'period_start', c.period_start AT TIME ZONE grid.time_zone,
        'period_end', c.period_end AT TIME ZONE grid.time_zone)
        ORDER BY c.cohort, c.period)
      FROM @extschema@.cohort_cells_at(summary, criterion, as_of, 0.95::double precision, NULL::integer) c);
  END IF;
  RETURN (
    SELECT jsonb_agg(to_jsonb(c) ORDER BY c.cohort, c.period)
    FROM @extschema@.cohort_cells(summary, criterion, as_of, 0.95::double precision, NULL::integer) c);
END
$$;
COMMENT ON FUNCTION retention_internal.cohort_cells_json(retention_cohorts, text, timestamp) IS
'the rows of cohort_cells() as JSON';

CREATE FUNCTION retention_internal.curve_json(name text, summary retention_cohorts, criterion text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object('name', name, 'curve', coalesce(jsonb_agg(to_jsonb(c) ORDER BY c.period), '[]'))
  FROM @extschema@.retention_curve(summary, criterion, 'pooled'::text, NULL::timestamp, 0.95::double precision) c
$$;
COMMENT ON FUNCTION retention_internal.curve_json(text, retention_cohorts, text) IS
'a retention curve as JSON, as plot_curve() draws it';

CREATE FUNCTION retention_internal.survival_json(name text, state retention_survival) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object('name', name, 'customers', max(at_risk),
    'median', (@extschema@.median_survival(state, 'log-log'::text, 0.95::double precision))."time",
    'curve', coalesce(jsonb_agg(jsonb_build_object('time', "time", 'survival', survival, 'low', ci_low, 'high', ci_high,
      'at_risk', at_risk) ORDER BY "time"), '[]'))
  FROM @extschema@.survival_curve(state, 'log-log'::text, 0.95::double precision, NULL::double precision[],
    'nelson-aalen'::text)
$$;
COMMENT ON FUNCTION retention_internal.survival_json(text, retention_survival) IS
'a survival curve as JSON, as plot_survival() draws it';

-- Vega-Lite.

CREATE FUNCTION retention_internal.vega_base(title text, description text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object('$schema', 'https://vega.github.io/schema/vega-lite/v6.json', 'title', title,
    'description', description)
$$;
COMMENT ON FUNCTION retention_internal.vega_base(text, text) IS 'what every Vega-Lite specification begins with';

CREATE FUNCTION retention_internal.vega_heatmap(cells jsonb, unit text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.vega_base('Retention by cohort',
      'Retention rate in per cent by cohort and ' || unit || '; pale cells are partial.')
    || jsonb_build_object(
      'data', jsonb_build_object('values', coalesce((
        SELECT jsonb_agg(jsonb_build_object('cohort', retention_internal.plot_period(cohort, unit),
          'customers', cohort_size, 'period', period, 'retention', round(retention_rate, 4), 'low', round(ci_low, 4),
          'high', round(ci_high, 4), 'retained', retained, 'at_risk', at_risk, 'status', status)
          ORDER BY cohort, period)
        FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric, period integer, at_risk numeric,
          retained numeric, retention_rate numeric, ci_low numeric, ci_high numeric, status text)), '[]')),
      'encoding', jsonb_build_object(
        'x', jsonb_build_object('field', 'period', 'type', 'ordinal',
          'axis', jsonb_build_object('title', unit || ' after the start', 'orient', 'top', 'labelAngle', 0)),
        'y', '{"field": "cohort", "type": "ordinal", "sort": null, "axis": {"title": "cohort"}}'::jsonb),
      'width', '{"step": 40}'::jsonb, 'height', '{"step": 22}'::jsonb,
      'layer', jsonb_build_array(
        jsonb_build_object('mark', '{"type": "rect", "tooltip": {"content": "data"}}'::jsonb,
          'encoding', jsonb_build_object(
            -- The shades of plot.css, in the same steps; period 0 has one of its own.
            'color', jsonb_build_object('condition', '{"test": "datum.period === 0", "value": "#eef1f4"}'::jsonb,
              'field', 'retention', 'type', 'quantitative', 'title', 'per cent',
              'scale', jsonb_build_object('type', 'quantize', 'domain', jsonb_build_array(low, high),
                'range', '["#e2f4f7", "#a9e5ee", "#70d1e6", "#3eb8dd", "#1ba3d4", "#0078ba", "#0064af", "#164995",
                  "#1d3077"]'::jsonb)),
            'opacity', '{"condition": {"test": "datum.status === ''partial''", "value": 0.5}, "value": 1}'::jsonb)),
        jsonb_build_object('mark', '{"type": "text", "fontSize": 10}'::jsonb, 'encoding', jsonb_build_object(
          'text', '{"field": "retention", "type": "quantitative", "format": ".1f"}'::jsonb,
          'color', jsonb_build_object('value', '#1b1f24', 'condition', jsonb_build_object('value', '#ffffff',
            'test', format('datum.status !== ''partial'' && datum.period > 0 && datum.retention >= %s',
              round(low + (high - low) * 5 / 9, 6))))))))
  FROM retention_internal.plot_heat_range(cells)
$$;
COMMENT ON FUNCTION retention_internal.vega_heatmap(jsonb, text) IS
'the rows of cohort_cells() as a Vega-Lite specification';

CREATE FUNCTION retention_internal.vega_lines(title text, description text, data jsonb, x jsonb, y jsonb, step boolean,
  many boolean) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.vega_base(title, description) || jsonb_build_object(
    'width', 480, 'height', 260, 'data', jsonb_build_object('values', data),
    'encoding', jsonb_build_object(
        'x', x || CASE WHEN jsonb_array_length(data) = 0 THEN '{"scale": {"domain": [0, 1]}}'::jsonb ELSE '{}' END)
      || CASE WHEN many THEN
        '{"color": {"field": "name", "type": "nominal", "title": null, "sort": null, "scale": {"range":
          ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#3b2f6b", "#6b4a12"]}}}'::jsonb
        ELSE '{"color": {"value": "#0072b2"}}' END,
    'layer', jsonb_build_array(
      jsonb_build_object('mark', '{"type": "area", "opacity": 0.16}'::jsonb || shape,
        'encoding', jsonb_build_object('y', y || '{"field": "low"}', 'y2', '{"field": "high"}'::jsonb)),
      jsonb_build_object('mark', '{"type": "line", "tooltip": {"content": "data"}}'::jsonb || shape || points,
        'encoding', jsonb_build_object('y', y))))
  FROM (SELECT CASE WHEN step THEN '{"interpolate": "step-after"}'::jsonb ELSE '{}' END AS shape,
    CASE WHEN step THEN '{}' ELSE '{"point": true}'::jsonb END AS points) s
$$;
COMMENT ON FUNCTION retention_internal.vega_lines(text, text, jsonb, jsonb, jsonb, boolean, boolean) IS
'lines with bands as a Vega-Lite specification';

CREATE FUNCTION retention_internal.vega_name(one jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(retention_internal.plot_visible(one ->> 'name'), 'unknown') $$;
COMMENT ON FUNCTION retention_internal.vega_name(jsonb) IS 'the name of a curve in a Vega-Lite specification';

CREATE FUNCTION retention_internal.vega_curve(series jsonb, unit text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.vega_lines('Retention curve',
    'Share retained in per cent by ' || unit || ' after the start, with 95 % confidence intervals.', coalesce((
      SELECT jsonb_agg(jsonb_build_object('name', retention_internal.vega_name(one), 'period', period,
        'retention', round(retention_rate, 4), 'low', round(ci_low, 4), 'high', round(ci_high, 4), 'retained', retained,
        'at_risk', at_risk) ORDER BY n, period)
      FROM jsonb_array_elements(series) WITH ORDINALITY s (one, n),
        jsonb_to_recordset(one -> 'curve') AS c (period integer, at_risk numeric, retained numeric,
          retention_rate numeric, ci_low numeric, ci_high numeric)), '[]'),
    jsonb_build_object('field', 'period', 'type', 'quantitative', 'title', unit || ' after the start',
      'axis', '{"tickMinStep": 1}'::jsonb),
    '{"field": "retention", "type": "quantitative", "title": "per cent retained"}', false,
    jsonb_array_length(series) > 1)
$$;
COMMENT ON FUNCTION retention_internal.vega_curve(jsonb, text) IS 'retention curves as a Vega-Lite specification';

CREATE FUNCTION retention_internal.vega_survival(groups jsonb, unit text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Of long curves a thousand points, the last of each stretch of time. A curve begins with everybody at the start.
  WITH point AS (
    SELECT n, one, c.*, floor("time" / greatest(max("time") OVER (), 1e-9) * 1000) AS stretch
    FROM jsonb_array_elements(groups) WITH ORDINALITY s (one, n),
      jsonb_to_recordset((one -> 'curve') || CASE WHEN one -> 'curve' -> 0 IS NULL THEN '[]'::jsonb
        ELSE '[{"time": 0, "survival": 1, "low": 1, "high": 1}]' END)
        AS c ("time" double precision, survival double precision, low double precision, high double precision,
          at_risk double precision)
  ), shown AS (
    SELECT DISTINCT ON (n, stretch) * FROM point WHERE survival IS NOT NULL ORDER BY n, stretch, "time" DESC
  )
  SELECT retention_internal.vega_lines('Survival',
    'Probability of not having left, by time since the start, with 95 % confidence intervals.', coalesce((
      SELECT jsonb_agg(jsonb_build_object('name', retention_internal.vega_name(one), 'time', "time",
        'survival', survival, 'low', low, 'high', high, 'at_risk', at_risk) ORDER BY n, "time")
      FROM shown), '[]'),
    jsonb_build_object('field', 'time', 'type', 'quantitative', 'title', unit || ' after the start'),
    '{"field": "survival", "type": "quantitative", "title": "still customers", "scale": {"domain": [0, 1]},
      "axis": {"format": "%"}}', true, jsonb_array_length(groups) > 1)
$$;
COMMENT ON FUNCTION retention_internal.vega_survival(jsonb, text) IS 'survival curves as a Vega-Lite specification';

-- Public functions.

CREATE FUNCTION retention_heatmap(summary retention_cohorts, format text DEFAULT 'svg', criterion text DEFAULT 'on',
  as_of timestamp DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE retention_internal.plot_format(format)
    WHEN 'svg' THEN retention_internal.plot_heatmap(cells, grid)
    ELSE retention_internal.vega_heatmap(cells, retention_internal.plot_unit(grid))::text
  END
  FROM (
    SELECT coalesce(retention_internal.cohort_cells_json(summary, criterion, as_of), '[]') AS cells,
      (@extschema@.cohort_totals(summary)).grid
  ) c
$$;
COMMENT ON FUNCTION retention_heatmap(retention_cohorts, text, text, timestamp) IS
'the cohort table as a picture: svg or vega-lite';

CREATE FUNCTION retention_plot_curve(summaries retention_cohorts[], names text[] DEFAULT NULL,
  format text DEFAULT 'svg', criterion text DEFAULT 'on') RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE retention_internal.plot_format(format)
    WHEN 'svg' THEN retention_internal.plot_curve(series, grid)
    ELSE retention_internal.vega_curve(series, retention_internal.plot_unit(grid))::text
  END
  FROM (
    SELECT max((@extschema@.cohort_totals(s)).grid) AS grid, coalesce(jsonb_agg(retention_internal.curve_json(
        CASE WHEN names IS NULL THEN n::text ELSE names[n] END, s, criterion) ORDER BY n), '[]') AS series
    FROM unnest(summaries) WITH ORDINALITY u (s, n) WHERE s IS NOT NULL
  ) c
$$;
COMMENT ON FUNCTION retention_plot_curve(retention_cohorts[], text[], text, text) IS
'retention curves of several groups, with their names, as a picture: svg or vega-lite';

CREATE FUNCTION retention_plot_curve(summary retention_cohorts, format text DEFAULT 'svg',
  criterion text DEFAULT 'on') RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.retention_plot_curve(ARRAY[summary], NULL::text[], format, criterion) $$;
COMMENT ON FUNCTION retention_plot_curve(retention_cohorts, text, text) IS
'the retention curve of all cohorts as a picture: svg or vega-lite';

CREATE FUNCTION retention_plot_survival(states retention_survival[], names text[] DEFAULT NULL,
  format text DEFAULT 'svg', unit text DEFAULT 'days') RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE retention_internal.plot_format(format)
    WHEN 'svg' THEN retention_internal.plot_survival(groups, coalesce(unit, 'days'))
    ELSE retention_internal.vega_survival(groups, coalesce(unit, 'days'))::text
  END
  FROM (
    SELECT coalesce(jsonb_agg(retention_internal.survival_json(
        CASE WHEN names IS NULL THEN n::text ELSE names[n] END, s) ORDER BY n), '[]') AS groups
    FROM unnest(states) WITH ORDINALITY u (s, n) WHERE s IS NOT NULL
  ) c
$$;
COMMENT ON FUNCTION retention_plot_survival(retention_survival[], text[], text, text) IS
'survival curves of several groups, with their names, as a picture: svg or vega-lite';

CREATE FUNCTION retention_plot_survival(state retention_survival, format text DEFAULT 'svg',
  unit text DEFAULT 'days') RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.retention_plot_survival(ARRAY[state], NULL::text[], format, unit) $$;
COMMENT ON FUNCTION retention_plot_survival(retention_survival, text, text) IS
'a survival curve as a picture: svg or vega-lite';

CREATE FUNCTION retention_heatmap_text(summary retention_cohorts, criterion text DEFAULT 'on',
  as_of timestamp DEFAULT NULL) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  cells constant jsonb := retention_internal.cohort_cells_json(summary, criterion, as_of);
  grid constant text := (@extschema@.cohort_totals(summary)).grid;
  unit constant text := retention_internal.plot_unit(grid);
  brackets constant text[] := retention_internal.plot_brackets(grid);
  -- Light, medium and dark shade and the full block, where the database can hold them.
  shades text[] := ARRAY['.', ':', '+', '#'];
  scale record;
  wide record;
BEGIN
  IF cells IS NULL THEN
    RETURN;
  END IF;
  IF getdatabaseencoding() = 'UTF8' THEN
    shades := ARRAY[chr(9617), chr(9618), chr(9619), chr(9608)];
  END IF;
  SELECT * INTO scale FROM retention_internal.plot_heat_range(cells);
  SELECT max(length(retention_internal.plot_period(cohort, unit))) AS name,
      greatest(9, max(length(cohort_size::text))) AS size, min(period) AS first, max(period) AS last
    INTO wide
    FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric, period integer);

  RETURN NEXT rpad('cohort', wide.name) || '  ' || lpad('customers', wide.size) || (
    SELECT rtrim(string_agg(lpad(coalesce(brackets[i], i::text), 6) || ' ', '' ORDER BY i))
    FROM generate_series(wide.first, wide.last) i);
  RETURN QUERY
    WITH cell AS (
      SELECT c.*, CASE WHEN period = 0 OR retention_rate IS NULL THEN '  ' ELSE repeat(shades[1
          + least(3, greatest(0, floor((retention_rate - scale.low) / (scale.high - scale.low) * 4)))::integer], 2) END
        || lpad(coalesce(round(retention_rate)::text, '-'), 3)
        || CASE WHEN status = 'partial' THEN '~' ELSE ' ' END AS word
      FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric, period integer,
        retention_rate numeric, status text)
    )
    SELECT rpad(retention_internal.plot_period(r.cohort, unit), wide.name) || '  ' || lpad(r.size::text, wide.size)
      || rtrim(string_agg(' ' || coalesce(word, repeat(' ', 6)), '' ORDER BY p.period))
    FROM (SELECT c.cohort, max(c.cohort_size) AS size FROM cell c GROUP BY c.cohort) r
      CROSS JOIN generate_series(wide.first, wide.last) p (period)
      LEFT JOIN cell c ON c.cohort = r.cohort AND c.period = p.period
    GROUP BY r.cohort, r.size ORDER BY r.cohort;
  RETURN NEXT 'per cent: ' || (
    SELECT string_agg(format('%s %s', repeat(shades[i], 2), CASE i
      WHEN 1 THEN 'below ' || edge
      WHEN 4 THEN 'from ' || (scale.low + (scale.high - scale.low) * 0.75)::double precision
      ELSE 'to ' || edge END), '  ' ORDER BY i)
    FROM generate_series(1, 4) i,
      LATERAL (SELECT (scale.low + (scale.high - scale.low) * i / 4.0)::double precision AS edge) e)
    || CASE WHEN cells @> '[{"status": "partial"}]' THEN '  ~ partial' ELSE '' END;
END
$$;
COMMENT ON FUNCTION retention_heatmap_text(retention_cohorts, text, timestamp) IS
'the cohort table for psql, one line per cohort: per cent behind shades, empty where nothing is known yet';
