-- report: the heat map of cohorts, drawn like the pictures of plot.sql.

CREATE FUNCTION retention_internal.plot_heat_range(cells jsonb, OUT low numeric, OUT high numeric)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- The colours cover where most cells are: small cohorts at 0 or 100 would leave the rest in one shade.
  SELECT CASE WHEN q1 < q2 THEN floor(q1 / step) * step ELSE 0 END,
    CASE WHEN q1 < q2 THEN ceil(q2 / step) * step ELSE 100 END
  FROM (
    SELECT percentile_disc(0.05) WITHIN GROUP (ORDER BY retention_rate) AS q1,
      percentile_disc(0.95) WITHIN GROUP (ORDER BY retention_rate) AS q2
    FROM jsonb_to_recordset(cells) AS c (period integer, retention_rate numeric)
    WHERE period > 0 AND retention_rate IS NOT NULL
  ) q, LATERAL (SELECT CASE WHEN q2 - q1 < 15 THEN 5 ELSE 10 END AS step) t
$$;
COMMENT ON FUNCTION retention_internal.plot_heat_range(jsonb) IS
'the rates where the colours of a heat map begin and end';

CREATE TYPE retention_internal.heat_layout AS (
  cohorts integer,
  first integer,              -- the first and the last column
  last integer,
  partial boolean,
  narrow boolean,
  x0 double precision,        -- where the cells begin
  top double precision,       -- and the first row
  cell double precision,      -- how wide and how tall a cell is
  tall integer,
  tight text,                 -- the class of small numbers
  digits integer,
  width integer,              -- of the picture
  hatch text,
  low numeric,                -- the rates where the colours begin and end
  high numeric
);
COMMENT ON TYPE retention_internal.heat_layout IS 'how a heat map is laid out';

CREATE FUNCTION retention_internal.heat_layout(cells jsonb, grid text, width integer)
RETURNS retention_internal.heat_layout
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  layout retention_internal.heat_layout;
  unit constant text := retention_internal.plot_unit(grid);
  columns integer;
  names double precision;
  sizes double precision;
BEGIN
  layout.narrow := coalesce(width < 480, false);
  SELECT count(*), min(first), max(last), bool_or(partial),
      greatest(48, max(retention_internal.plot_text_width(retention_internal.plot_period(cohort, unit)))) + 8,
      greatest(24, max(retention_internal.plot_text_width(retention_internal.plot_count(size)))) + 12
    INTO layout.cohorts, layout.first, layout.last, layout.partial, names, sizes
    FROM (
      SELECT cohort, max(cohort_size) AS size, min(period) AS first, max(period) AS last,
        bool_or(status = 'partial') AS partial
      FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric, period integer, status text)
      GROUP BY cohort
    ) c;
  columns := layout.last - layout.first + 1;
  IF layout.cohorts::bigint * columns > 20000 THEN
    RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded',
      MESSAGE = format('a heat map of %s cohorts and %s periods is too large to draw', layout.cohorts, columns),
      HINT = 'Use a coarser unit or fewer periods: at most 20000 cells are drawn.';
  END IF;
  layout.x0 := names + CASE WHEN layout.narrow THEN sizes ELSE greatest(sizes, 58) END;
  layout.cell := CASE WHEN width IS NULL THEN 44
    ELSE least(72, greatest(22, floor((width - layout.x0 - 8) / columns))) END;
  layout.tall := CASE WHEN layout.cell < 30 THEN 22 ELSE 26 END;
  SELECT greatest(layout.cell, max(retention_internal.plot_text_width(b)) + 4) INTO layout.cell
    FROM unnest(retention_internal.plot_brackets(grid)) b;
  layout.tight := CASE WHEN layout.cell < 30 THEN ' tight' ELSE '' END;
  layout.digits := CASE WHEN layout.cell < 34 THEN 0 ELSE 1 END;
  -- Above the cohorts their average, where there are several.
  layout.top := 40 + CASE WHEN layout.cohorts > 1 AND EXISTS (SELECT FROM jsonb_to_recordset(cells) AS c (
    at_risk numeric, status text) WHERE c.status = 'observed' AND c.at_risk > 0) THEN layout.tall + 8 ELSE 0 END;
  layout.width := ceil(greatest(coalesce(width, 360), layout.x0 + layout.cell * columns + 8));
  layout.hatch := format('retention-heatmap-%s', layout.width);
  SELECT low, high INTO layout.low, layout.high FROM retention_internal.plot_heat_range(cells);
  RETURN layout;
END
$$;
COMMENT ON FUNCTION retention_internal.heat_layout(jsonb, text, integer) IS
'how the rows of cohort_cells() are laid out as a heat map; without a width it is as wide as its cells need';

CREATE FUNCTION retention_internal.heat_shade(layout retention_internal.heat_layout, period integer, rate numeric)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE WHEN period = 0 OR rate IS NULL THEN 'hs'
    ELSE 'h' || least(8, greatest(0, floor((rate - (layout).low) / ((layout).high - (layout).low) * 9))) END;
END
$$;
COMMENT ON FUNCTION retention_internal.heat_shade(retention_internal.heat_layout, integer, numeric) IS
'the class of the colour of a rate; the period of the start has one of its own';

CREATE FUNCTION retention_internal.heat_columns(layout retention_internal.heat_layout, brackets text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.fill('x_axis', jsonb_agg(jsonb_build_object('y', 32,
    'label', coalesce(brackets[i], i::text), 'x', (layout).x0 + (layout).cell * (i - (layout).first + 0.5)) ORDER BY i))
  FROM generate_series((layout).first, (layout).last) i
  WHERE (i - (layout).first) % CASE WHEN (layout).last > 99 THEN 2 ELSE 1 END = 0
$$;
COMMENT ON FUNCTION retention_internal.heat_columns(retention_internal.heat_layout, text[]) IS
'the numbers of the periods above a heat map, or their brackets';

CREATE FUNCTION retention_internal.heat_rows(cells jsonb, layout retention_internal.heat_layout, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.fill('heat_row', jsonb_agg(jsonb_build_object(
    'y', (layout).top + (layout).tall * (line - 0.5) + 4, 'cohort', retention_internal.plot_period(cohort, unit),
    'customers_x', (layout).x0 - 10, 'customers', retention_internal.plot_count(size)) ORDER BY cohort))
  FROM (
    SELECT cohort, max(cohort_size) AS size, row_number() OVER (ORDER BY cohort) AS line
    FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric) GROUP BY cohort
  ) r
$$;
COMMENT ON FUNCTION retention_internal.heat_rows(jsonb, retention_internal.heat_layout, text) IS
'the names and sizes of the cohorts before a heat map';

CREATE FUNCTION retention_internal.heat_cells(cells jsonb, layout retention_internal.heat_layout, unit text,
  brackets text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- A number on its colour; hatched while it can still change.
  WITH placed AS (
    SELECT c.*, status = 'partial' AS partial, (layout).top + 1 + (layout).tall * line AS y,
      (layout).x0 + (layout).cell * (period - (layout).first) AS x
    FROM (
      SELECT r.*, dense_rank() OVER (ORDER BY cohort) - 1 AS line
      FROM jsonb_to_recordset(cells) AS r (cohort timestamp, period integer, at_risk numeric, retained numeric,
        retention_rate numeric, ci_low numeric, ci_high numeric, status text)
    ) c
  )
  SELECT retention_internal.fill('heat_cell', jsonb_agg(jsonb_build_object(
      'shade', retention_internal.heat_shade(layout, period, retention_rate), 'tight', (layout).tight, 'x', x, 'y', y,
      'wide', (layout).cell - 2, 'tall', (layout).tall - 2, 'hatch', CASE WHEN partial THEN (layout).hatch END,
      'text_x', x + (layout).cell / 2 - 1, 'text_y', y - 1 + (layout).tall * 0.5 + 4,
      'number', CASE WHEN retention_rate IS NULL THEN '&#8211;' WHEN retention_rate = 100 THEN '100'
        ELSE round(retention_rate, (layout).digits)::text END,
      'narrow', (layout).narrow)
      || CASE WHEN (layout).narrow THEN '{}' ELSE jsonb_build_object(
        'cohort', retention_internal.plot_period(cohort, unit), 'unit', unit,
        'column', coalesce(brackets[period], period::text), 'rate', retention_internal.plot_percent(retention_rate),
        'limits', retention_internal.plot_limits(ci_low, ci_high), 'retained', retention_internal.plot_count(retained),
        'at_risk', retention_internal.plot_count(at_risk), 'partial', CASE WHEN partial THEN ', partial' ELSE '' END)
      END
      ORDER BY cohort, period))
  FROM placed
$$;
COMMENT ON FUNCTION retention_internal.heat_cells(jsonb, retention_internal.heat_layout, text, text[]) IS
'the cells of a heat map, each with a title that says everything about it';

CREATE FUNCTION retention_internal.heat_pooled(cells jsonb, layout retention_internal.heat_layout) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- The cohorts that are drawn, together, from what is observed of them.
  SELECT retention_internal.fill('heat_pooled', jsonb_agg(jsonb_build_object('tight', (layout).tight,
      'shade', retention_internal.heat_shade(layout, period, rate),
      'x', (layout).x0 + (layout).cell * (period - (layout).first),
      'y', 41, 'wide', (layout).cell - 2, 'tall', (layout).tall - 2,
      'text_x', (layout).x0 + (layout).cell * (period - (layout).first + 0.5) - 1,
      'text_y', 44 + (layout).tall / 2.0,
      'number', CASE WHEN rate = 100 THEN '100' ELSE round(rate, (layout).digits)::text END) ORDER BY period))
    || retention_internal.fill('heat_pooled_name', jsonb_build_object('y', 44 + (layout).tall / 2.0,
      'customers_x', (layout).x0 - 10, 'customers', (
        SELECT retention_internal.plot_count(sum(size)) FROM (
          SELECT max(cohort_size) AS size FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric)
          GROUP BY cohort) s)))
  FROM (
    SELECT period, 100 * sum(retained) / sum(at_risk) AS rate
    FROM jsonb_to_recordset(cells) AS c (period integer, at_risk numeric, retained numeric, status text)
    WHERE status = 'observed' GROUP BY period HAVING sum(at_risk) > 0
  ) p
  HAVING count(*) > 0 AND (layout).top > 40
$$;
COMMENT ON FUNCTION retention_internal.heat_pooled(jsonb, retention_internal.heat_layout) IS
'the row of all cohorts together above a heat map; NULL where there is none';

CREATE FUNCTION retention_internal.heat_key(layout retention_internal.heat_layout, top double precision,
  OUT body text, OUT foot integer)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- The words stand beside the colours where there is space for them, else below.
  below constant boolean := (layout).narrow OR (layout).width < 560;
  x constant double precision := CASE WHEN below THEN 0 ELSE 236 END;
  legend record;
BEGIN
  SELECT * INTO legend FROM retention_internal.plot_legend(
    CASE WHEN (layout).partial THEN jsonb_build_array(jsonb_build_object('name', 'partial: still counting',
      'class', 'h3 fill', 'hatch', (layout).hatch)) ELSE '[]' END
        || '{"name": "empty: not known yet", "class": "rule"}',
    x, CASE WHEN below THEN top + 20 ELSE top END, CASE WHEN (layout).narrow THEN 320 ELSE (layout).width - x END);
  foot := ceil(top + legend.height + CASE WHEN below THEN 10 ELSE -10 END);
  body := retention_internal.fill('heat_key', jsonb_build_object('y', top, 'low', (layout).low, 'high', (layout).high,
    'legend', legend.body, 'shades', retention_internal.fill('heat_key_shade', (
      SELECT jsonb_agg(jsonb_build_object('shade', i, 'x', 38 + 14 * i, 'y', top - 9) ORDER BY i)
      FROM generate_series(0, 8) i))));
END
$$;
COMMENT ON FUNCTION retention_internal.heat_key(retention_internal.heat_layout, double precision) IS
'the key of the colours of a heat map, and where the picture ends';

CREATE FUNCTION retention_internal.plot_heatmap(cells jsonb, grid text, width integer DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  unit constant text := retention_internal.plot_unit(grid);
  brackets constant text[] := retention_internal.plot_brackets(grid);
  layout constant retention_internal.heat_layout := retention_internal.heat_layout(cells, grid, width);
  foot constant double precision := (layout).top + 24 + (layout).tall * (layout).cohorts;
  key record;
BEGIN
  IF (layout).cohorts = 0 OR (layout).first IS NULL THEN
    RETURN retention_internal.plot_svg('heatmap', coalesce(width, 360), 48, 'Cohort heat map', 'There are no cohorts.',
      '');
  END IF;
  SELECT * INTO key
    FROM retention_internal.heat_key(layout, foot);
  RETURN retention_internal.plot_svg('heatmap', (layout).width, key.foot,
    'Cohort heat map: retention rate by cohort and ' || unit,
    format('%s cohorts by %s, each followed over %s to %s; rates in per cent of the customers of the cohort.',
      (layout).cohorts, unit, (layout).first, (layout).last),
    retention_internal.fill('heat', jsonb_build_object('units', retention_internal.plot_units(unit),
      'size', CASE WHEN (layout).narrow THEN 'size' ELSE 'customers' END, 'periods_x', (layout).x0 + 2,
      'customers_x', (layout).x0 - 10,
      'columns', retention_internal.heat_columns(layout, brackets),
      'rows', retention_internal.heat_rows(cells, layout, unit),
      'pooled', retention_internal.heat_pooled(cells, layout),
      'cells', retention_internal.heat_cells(cells, layout, unit, brackets), 'key', key.body)));
END
$$;
COMMENT ON FUNCTION retention_internal.plot_heatmap(jsonb, text, integer) IS
'the rows of cohort_cells() as SVG, with a row for all of these cohorts together; without a width the picture is as '
'wide as its cells need';
