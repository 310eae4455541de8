-- report: pictures. Each is drawn from JSON rows whose keys are the column names of the functions that give them, so
-- that the page and the functions for single pictures share every line. The SVG is in plot.svg, the colours are in
-- plot.css. Output is ASCII: other characters are numeric entities, which hold in any encoding of a database.

-- Words and numbers. What is called for each cell is PL/pgSQL: a call costs a third of one of a function in SQL.

CREATE FUNCTION retention_internal.plot_text_width(value text) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
DECLARE
  shown constant text := CASE WHEN value ~ '^[\x20-\x7e]*$' THEN value ELSE retention_internal.plot_visible(value) END;
BEGIN
  -- At 11 px, in a wide font: small letters and digits, capitals, the widest letters, and what is not ASCII.
  RETURN 6.5 * length(shown) + 1.5 * length(regexp_replace(shown, '[^A-Z]', '', 'g'))
    + 4 * length(regexp_replace(shown, '[^MWmw@%]', '', 'g'))
    + 5.5 * length(regexp_replace(shown, '[\x01-\x7f]', '', 'g'));
END
$$;
COMMENT ON FUNCTION retention_internal.plot_text_width(text) IS
'about how many pixels wide a text is, rather too many';

CREATE FUNCTION retention_internal.plot_fit(value text, width double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN value IS NULL THEN 'unknown'
    WHEN length(value) <= 100 AND retention_internal.plot_text_width(value) <= width
      THEN retention_internal.plot_escape(value)
    ELSE retention_internal.plot_escape(left(value, (
      SELECT count(*) FILTER (WHERE reached <= width - 9)
      FROM (
        SELECT sum(retention_internal.plot_text_width(letter)) OVER (ORDER BY n) AS reached
        FROM string_to_table(left(value, 100), NULL) WITH ORDINALITY AS l (letter, n)
      ) r)::integer)) || '&#8230;'
  END
$$;
COMMENT ON FUNCTION retention_internal.plot_fit(text, double precision) IS
'a name, escaped, cut to a width in pixels';

CREATE FUNCTION retention_internal.plot_count(value numeric) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN to_char(round(value), 'FM' || repeat('999,', 12) || '990');
END
$$;
COMMENT ON FUNCTION retention_internal.plot_count(numeric) IS 'a count with commas';

CREATE FUNCTION retention_internal.plot_count_short(value numeric) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN abs(value) < 10000 THEN retention_internal.plot_count(value)
    ELSE rtrim(to_char(value / power(1000::numeric, power), 'FM' || repeat('9', 30) || '0.9'), '.')
      || (ARRAY['k', 'M', 'G', 'T', 'P', 'E'])[power]
  END
  FROM (SELECT least(6, (length(trunc(abs(value))::text) - 1) / 3) AS power) p
$$;
COMMENT ON FUNCTION retention_internal.plot_count_short(numeric) IS 'a count for an axis: 12k, 3.4M';

CREATE FUNCTION retention_internal.plot_percent(value numeric, digits integer DEFAULT 1) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN coalesce(round(value, digits)::text || '&#160;%', '&#8211;');
END
$$;
COMMENT ON FUNCTION retention_internal.plot_percent(numeric, integer) IS
'per cent to read; one that is not known is a dash';

CREATE FUNCTION retention_internal.plot_limits(low numeric, high numeric) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN coalesce(' (' || round(low, 1) || ' to ' || round(high, 1) || ')', '');
END
$$;
COMMENT ON FUNCTION retention_internal.plot_limits(numeric, numeric) IS
'the limits of an interval in parentheses; nothing where there are none';

CREATE FUNCTION retention_internal.plot_period(at timestamp, unit text) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN to_char(at, CASE
    WHEN unit ~ 'hour' THEN 'FMDD Mon YYYY HH24:MI'
    WHEN unit ~ 'year' AND at = date_trunc('year', at) THEN 'YYYY'
    WHEN unit ~ 'quarter' AND at = date_trunc('quarter', at) THEN '"Q"Q YYYY'
    WHEN unit ~ 'month|quarter|year' AND at = date_trunc('month', at) THEN 'Mon YYYY'
    ELSE 'FMDD Mon YYYY'
  END);
END
$$;
COMMENT ON FUNCTION retention_internal.plot_period(timestamp, text) IS
'the name of a period of a grid''s unit by its first moment: Nov 2011, Q4 2011, 24 Nov 2011';

CREATE FUNCTION retention_internal.plot_duration(value double precision, unit text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- A month has 30.4375 days, a twelfth of a year of 365.25.
  SELECT format('%s %s', trim_scale(d.n), CASE WHEN d.n = 1 THEN rtrim(d.unit, 's') ELSE d.unit END)
  FROM (
    SELECT CASE
        WHEN h.days < 14 OR $2 NOT IN ('days', 'hours') THEN round($1::numeric, 1)
        WHEN h.days < 70 THEN round((h.days / 7)::numeric) WHEN h.days < 730.5 THEN round((h.days / 30.4375)::numeric)
        ELSE round((h.days / 365.25)::numeric, 1) END AS n,
      CASE WHEN h.days < 14 OR $2 NOT IN ('days', 'hours') THEN $2 WHEN h.days < 70 THEN 'weeks'
        WHEN h.days < 730.5 THEN 'months' ELSE 'years' END AS unit
    FROM (SELECT $1 / CASE $2 WHEN 'hours' THEN 24 ELSE 1 END AS days) AS h
  ) AS d
$$;
COMMENT ON FUNCTION retention_internal.plot_duration(double precision, text) IS
'a length of time as people say it: 9 days, 6 weeks, 7 months, 2.9 years';

CREATE FUNCTION retention_internal.plot_unit(grid text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce((@extschema@.grid_options(nullif(grid, '')::@extschema@.retention_grid)).period, 'period') $$;
COMMENT ON FUNCTION retention_internal.plot_unit(text) IS 'the unit of a grid, the first word of its text';

CREATE FUNCTION retention_internal.plot_units(unit text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN unit ~ '^[a-z]+$' THEN unit || 's' ELSE 'periods' END $$;
COMMENT ON FUNCTION retention_internal.plot_units(text) IS 'several units: months; of 3 months, periods';

CREATE FUNCTION retention_internal.plot_brackets(grid text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT (@extschema@.grid_options(nullif(grid, '')::@extschema@.retention_grid)).brackets $$;
COMMENT ON FUNCTION retention_internal.plot_brackets(text) IS
'the brackets of a grid, which are its periods 1, 2, ... then; NULL where it has none';

CREATE FUNCTION retention_internal.plot_step(span double precision, steps integer) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN span > 0 THEN (
    SELECT ten * times
    FROM (SELECT power(10::double precision, floor(log(span / steps))) AS ten) t, unnest(ARRAY[1, 2, 5, 10]) times
    WHERE ten * times * steps >= span * 0.999999
    ORDER BY times LIMIT 1)
  ELSE 1 END
$$;
COMMENT ON FUNCTION retention_internal.plot_step(double precision, integer) IS
'the distance of the lines of an axis: 1, 2 or 5 times a power of ten';

-- Style, axes and legends.

CREATE FUNCTION retention_internal.plot_style() RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN '<style>' || retention_internal.template('plot.css') || '</style>';
END
$$;
COMMENT ON FUNCTION retention_internal.plot_style() IS 'the style of every picture, light and dark';

CREATE FUNCTION retention_internal.plot_svg(kind text, width integer, height integer, title text, description text,
  body text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.fill('picture', jsonb_build_object('kind', kind, 'title', title, 'description', description,
    'width', width, 'outer_width', width + 24, 'outer_height', height + 18, 'body', body,
    'hatched', body LIKE '%url(#%', 'style', retention_internal.plot_style()))
$$;
COMMENT ON FUNCTION retention_internal.plot_svg(text, integer, integer, text, text, text) IS
'a whole picture; the hatching of what is partial has the id retention-KIND-WIDTH';

CREATE TYPE retention_internal.plot_scale AS (
  low double precision,
  high double precision,
  step double precision,
  low_pixel double precision,
  high_pixel double precision
);
COMMENT ON TYPE retention_internal.plot_scale IS
'an axis: the values it begins and ends with, the step between its lines, and the pixels of both ends';

CREATE FUNCTION retention_internal.plot_y_scale(low double precision, high double precision, step double precision,
  width integer) RETURNS retention_internal.plot_scale
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT low, high, step, CASE WHEN width < 480 THEN 196 ELSE 236 END, 26 $$;
COMMENT ON FUNCTION retention_internal.plot_y_scale(double precision, double precision, double precision, integer) IS
'the vertical axis of a picture of some width; narrow ones are lower';

CREATE FUNCTION retention_internal.plot_pixel(scale retention_internal.plot_scale, value double precision)
RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN round((scale.low_pixel - (value - scale.low) / (scale.high - scale.low) * (scale.low_pixel - scale.high_pixel))
    ::numeric, 1);
END
$$;
COMMENT ON FUNCTION retention_internal.plot_pixel(retention_internal.plot_scale, double precision) IS
'where a value lies on an axis';

CREATE FUNCTION retention_internal.plot_ticks(scale retention_internal.plot_scale)
RETURNS TABLE (value numeric, pixel numeric, label text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT t.value, retention_internal.plot_pixel(scale, t.value::double precision),
    CASE WHEN (scale).step < 1 THEN trim_scale(abs(t.value))::text
      ELSE retention_internal.plot_count_short(abs(t.value)) END
  FROM generate_series(ceil(((scale).low / (scale).step)::numeric) * (scale).step::numeric, (scale).high::numeric,
    (scale).step::numeric) AS t (value)
$$;
COMMENT ON FUNCTION retention_internal.plot_ticks(retention_internal.plot_scale) IS
'the lines of an axis and their numbers, without a sign';

CREATE FUNCTION retention_internal.plot_y_axis(scale retention_internal.plot_scale, x0 double precision,
  x1 double precision, mark text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.fill('y_axis', jsonb_agg(jsonb_build_object('class', CASE WHEN value = 0 THEN 'zero'
      ELSE 'rule' END, 'left', x0, 'right', x1, 'y', pixel, 'label_x', x0 - 6, 'label_y', pixel + 4, 'number', label,
      'mark', mark) ORDER BY value))
  FROM retention_internal.plot_ticks(scale)
$$;
COMMENT ON FUNCTION retention_internal.plot_y_axis(retention_internal.plot_scale, double precision, double precision,
  text) IS 'lines from x0 to x1 and the numbers before them';

CREATE FUNCTION retention_internal.plot_x_axis(labels text[], x0 double precision, band double precision,
  y double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- As many labels as fit without touching, counted from the last, which may have to move in from the edge.
  SELECT retention_internal.fill('x_axis', jsonb_agg(jsonb_build_object('y', y, 'label', label, 'x',
      round(least(x0 + band * (i - 0.5), x0 + band * cardinality(labels) + 22 - wide / 2)::numeric, 1)) ORDER BY i))
  FROM unnest(labels) WITH ORDINALITY l (label, i),
    (SELECT max(retention_internal.plot_text_width(label)) AS wide FROM unnest(labels) label) w,
    LATERAL (SELECT greatest(1, ceil((wide + 8 + greatest(0, wide / 2 - band / 2 - 22)) / band))::bigint AS every) e
  WHERE (cardinality(labels) - i) % every = 0
$$;
COMMENT ON FUNCTION retention_internal.plot_x_axis(text[], double precision, double precision, double precision) IS
'names below equal bands';

CREATE FUNCTION retention_internal.plot_legend(keys jsonb, x0 double precision, y0 double precision,
  width double precision, OUT body text, OUT height double precision)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  x double precision := x0;
  wide double precision;
  key jsonb;
  placed jsonb := '[]';
BEGIN
  height := CASE WHEN jsonb_array_length(keys) > 0 THEN 18 ELSE 0 END;
  FOR key IN SELECT k FROM jsonb_array_elements(keys) k LOOP
    wide := 32 + retention_internal.plot_text_width(key ->> 'name');
    IF x > x0 AND x + wide > x0 + width THEN
      x := x0;
      height := height + 18;
    END IF;
    placed := placed || ('{"hatch": null}' || key
      || jsonb_build_object('x', round(x::numeric, 1), 'y', y0 + height - 18));
    x := x + wide;
  END LOOP;
  body := retention_internal.fill('legend', placed);
END
$$;
COMMENT ON FUNCTION retention_internal.plot_legend(jsonb, double precision, double precision, double precision) IS
'names beside their colours, in as many lines as they need: [{"name", "class", "hatch"}]';

CREATE FUNCTION retention_internal.plot_with_axes(scale retention_internal.plot_scale, x0 double precision,
  width integer, mark text, y_name text, x_axis text, x_name text, body text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.fill('with_axes', jsonb_build_object(
    'y_axis', retention_internal.plot_y_axis(scale, x0, width - 14, mark), 'y_name', y_name, 'x_axis', x_axis,
    'x_name', x_name, 'x_name_y', (scale).low_pixel + 34, 'right', width - 14, 'body', body))
$$;
COMMENT ON FUNCTION retention_internal.plot_with_axes(retention_internal.plot_scale, double precision, integer, text,
  text, text, text, text) IS 'the parts of a picture with its axes; the horizontal one is drawn already';

-- Lines over equal bands.

CREATE FUNCTION retention_internal.curve_lines(series jsonb, scale retention_internal.plot_scale, first integer,
  last integer, x0 double precision, band double precision, unit text, brackets text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH placed AS (
    SELECT c.*, s.n, round((x0 + band * (period - first + 0.5))::numeric, 1) AS x,
      retention_internal.plot_pixel(scale, retention_rate::double precision) AS y,
      retention_internal.plot_pixel(scale, least(ci_high::double precision, (scale).high)) AS y_high,
      retention_internal.plot_pixel(scale, least(ci_low::double precision, (scale).high)) AS y_low
    FROM jsonb_array_elements(series) WITH ORDINALITY s (one, n),
      jsonb_to_recordset(one -> 'curve') AS c (period integer, cohorts integer, at_risk numeric, retained numeric,
        retention_rate numeric, ci_low numeric, ci_high numeric)
    WHERE period >= first AND retention_rate IS NOT NULL
  ), point AS (
    SELECT p.*, coalesce(lead(y) OVER w, lag(y) OVER w) < y AND y + 20 < (scale).low_pixel AS is_below
    FROM placed p WINDOW w AS (PARTITION BY n ORDER BY period)
  )
  SELECT retention_internal.fill('curve', jsonb_agg(jsonb_build_object('colour', (n - 1) % 8 + 1,
      'dashed', CASE WHEN n > 8 THEN ' dashed' ELSE '' END, 'line', CASE WHEN points > 1 THEN line END,
      'band', upper || 'L' || lower,
      'points', CASE WHEN band >= 12 OR points = 1 THEN retention_internal.fill('curve_point', dots) END,
      'ends', CASE WHEN jsonb_array_length(series) = 1 THEN retention_internal.fill('curve_end', ends) END) ORDER BY n))
    FROM (
      SELECT n, count(*) AS points, string_agg(x || ' ' || y, 'L' ORDER BY period) AS line,
        string_agg(x || ' ' || y_high, 'L' ORDER BY period) FILTER (WHERE y_high IS NOT NULL) AS upper,
        string_agg(x || ' ' || y_low, 'L' ORDER BY period DESC) FILTER (WHERE y_high IS NOT NULL) AS lower,
        jsonb_agg(jsonb_build_object('x', x, 'y', y, 'unit', unit, 'column', coalesce(brackets[period], period::text),
          'rate', retention_internal.plot_percent(retention_rate),
          'limits', retention_internal.plot_limits(ci_low, ci_high),
          'retained', retention_internal.plot_count(retained),
          'at_risk', retention_internal.plot_count(at_risk),
          'cohorts', ', ' || cohorts || CASE cohorts WHEN 1 THEN ' cohort' ELSE ' cohorts' END)
          ORDER BY period) AS dots,
        -- The first and the last value in words, where they are apart.
        jsonb_agg(jsonb_build_object('x', x, 'rate', retention_internal.plot_percent(retention_rate),
            'label_y', CASE WHEN is_below THEN y + 18 ELSE greatest((scale).high_pixel + 10, y - 9) END,
            'anchor', CASE WHEN period = last AND last > first THEN 'end' ELSE 'start' END) ORDER BY period)
          FILTER (WHERE period = last OR (period = first AND first > 0 AND (last - first) * band > 110)) AS ends
      FROM point
      GROUP BY n
    ) g
$$;
COMMENT ON FUNCTION retention_internal.curve_lines(jsonb, retention_internal.plot_scale, integer, integer,
  double precision, double precision, text, text[]) IS 'retention curves with their bands and points';

CREATE FUNCTION retention_internal.plot_curve(series jsonb, grid text, width integer DEFAULT 520) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  first integer;
  last integer;
  unit constant text := retention_internal.plot_unit(grid);
  brackets constant text[] := retention_internal.plot_brackets(grid);
  high double precision;
  step double precision;
  scale retention_internal.plot_scale;
  x0 constant double precision := 44;
  band double precision;
  key record;
BEGIN
  -- Period 0, always 100 %, would flatten a low curve: it is drawn only where the rest is high too.
  SELECT CASE WHEN max(rate) FILTER (WHERE period > 0) < 60 THEN min(period) FILTER (WHERE period > 0)
    ELSE min(period) END,
      max(period), least(100, greatest(max(least(c.ci_high, rate * 1.6 + 4)) FILTER (WHERE period > 0),
        max(rate) FILTER (WHERE period > 0)))
    INTO first, last, high
    FROM jsonb_array_elements(series) s,
      jsonb_to_recordset(s -> 'curve') AS c (period integer, retention_rate double precision, ci_high double precision),
      LATERAL (SELECT c.retention_rate AS rate) r
    WHERE rate IS NOT NULL;
  IF first IS NULL THEN
    RETURN retention_internal.plot_svg('curve', width, 48, 'Retention curve', 'There are no observed periods.', '');
  END IF;
  IF first = 0 OR high IS NULL OR high <= 0 THEN
    high := 100;
  END IF;
  step := retention_internal.plot_step(high, 5);
  scale := retention_internal.plot_y_scale(0, least(100, ceil(high / step) * step), step, width);
  band := (width - x0 - 14) / (last - first + 1);

  SELECT * INTO key FROM retention_internal.plot_legend((
      SELECT coalesce(jsonb_agg(jsonb_build_object('name', coalesce(left(one ->> 'name', 40), 'unknown'),
        'class', format('s%s fill', (n - 1) % 8 + 1)) ORDER BY n), '[]')
      FROM jsonb_array_elements(series) WITH ORDINALITY s (one, n)
      WHERE jsonb_array_length(series) > 1), 0, (scale).low_pixel + 56, width);
  RETURN retention_internal.plot_svg('curve', width, ((scale).low_pixel + 42 + key.height)::integer,
    'Retention curve: share retained by ' || unit || ' after the start',
    'Observed cells of all cohorts, pooled; the band is the 95 % confidence interval.'
      || CASE WHEN first > 0 THEN ' Period 0, which is 100 %, is not drawn.' ELSE '' END,
    retention_internal.plot_with_axes(scale, x0, width, '&#160;%', 'per cent retained',
      retention_internal.plot_x_axis((
        SELECT array_agg(coalesce(brackets[i], i::text) ORDER BY i) FROM generate_series(first, last) i), x0, band,
        (scale).low_pixel + 18), retention_internal.plot_units(unit) || ' after the start',
      retention_internal.curve_lines(series, scale, first, last, x0, band, unit, brackets) || key.body));
END
$$;
COMMENT ON FUNCTION retention_internal.plot_curve(jsonb, text, integer) IS
'retention curves as SVG: [{"name", "curve": rows of retention_curve()}]';

CREATE FUNCTION retention_internal.rate_line(rates jsonb, scale retention_internal.plot_scale, x0 double precision,
  band double precision, class text, is_below boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH placed AS (
    SELECT r.*, row_number() OVER (ORDER BY rate IS NULL, at DESC) = 1 AS is_newest,
      round((x0 + band * (row_number() OVER (ORDER BY at) - 0.5))::numeric, 1) AS x,
      retention_internal.plot_pixel(scale, rate::double precision) AS y,
      retention_internal.plot_pixel(scale, greatest(low::double precision, (scale).low)) AS y_low,
      retention_internal.plot_pixel(scale, least(high::double precision, (scale).high)) AS y_high
    FROM jsonb_to_recordset(rates) AS r (at timestamp, rate numeric, low numeric, high numeric, words text)
  ), point AS (
    -- The newest rate in words: below its interval where the line comes from above or the top is near, else above it.
    SELECT p.*, coalesce(is_below, lag(y) OVER (ORDER BY x) < y AND coalesce(y_low, y) + 16 < (scale).low_pixel
      OR coalesce(y_high, y) - 8 < (scale).high_pixel + 8) AS is_below
    FROM placed p
  ), drawn AS (
    SELECT string_agg(x || ' ' || y, 'L' ORDER BY x) AS line, jsonb_agg(jsonb_build_object('x', x, 'y', y,
        'y_low', CASE WHEN low IS NOT NULL THEN y_low END, 'y_high', y_high, 'words', words,
        'rate', retention_internal.plot_percent(rate), 'is_newest', is_newest, 'label_x', x + 8,
        'label_y', CASE WHEN is_below THEN coalesce(y_low, y) + 16 ELSE coalesce(y_high, y) - 8 END) ORDER BY x)
        AS points
    FROM point
    WHERE rate IS NOT NULL
  )
  SELECT retention_internal.fill('rate', jsonb_build_object('class', class, 'line', line,
    'whiskers', retention_internal.fill('rate_whisker', points),
    'points', retention_internal.fill('rate_point', points),
    'newest', retention_internal.fill('rate_newest', points)))
  FROM drawn
$$;
COMMENT ON FUNCTION retention_internal.rate_line(jsonb, retention_internal.plot_scale, double precision,
  double precision, text, boolean) IS
'rates by period with their intervals; is_below: whether the newest is written below its point, NULL: where there is '
'space';

CREATE FUNCTION retention_internal.plot_rates(kind text, title text, description text, caption text, series jsonb,
  unit text, width integer) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  several constant boolean := jsonb_array_length(series) > 1;
  low double precision;
  high double precision;
  step double precision;
  scale retention_internal.plot_scale;
  x0 constant double precision := 44;
  band double precision;
  labels text[];
  key record;
BEGIN
  -- Limits of a few customers' revenue may be far away: they are drawn from 0 to 200 % where no rate is beyond.
  SELECT greatest(min(coalesce(r.low, r.rate)), least(0, min(r.rate))),
      least(max(coalesce(r.high, r.rate)), greatest(200, max(r.rate)))
    INTO low, high
    FROM jsonb_array_elements(series) s, jsonb_to_recordset(s -> 'rates') AS r (rate double precision,
      low double precision, high double precision)
    WHERE r.rate IS NOT NULL
    HAVING count(*) > 0;
  IF low IS NULL THEN
    RETURN retention_internal.plot_svg(kind, width, 48, title, 'No period is complete.', '');
  END IF;
  SELECT array_agg(retention_internal.plot_period(at, unit) ORDER BY at) INTO labels
    FROM jsonb_to_recordset(series -> 0 -> 'rates') AS r (at timestamp);
  step := retention_internal.plot_step(greatest(high - low, 4), 4);
  low := floor(low / step) * step;
  -- All rates may be the same: where nobody pays more or less, all are 100 %.
  high := greatest(ceil(high / step) * step, low + step);
  scale := retention_internal.plot_y_scale(CASE WHEN low > 0 AND low < 0.25 * high THEN 0 ELSE low END, high, step,
    width);
  band := (width - x0 - 14) / cardinality(labels);
  SELECT * INTO key FROM retention_internal.plot_legend((
      SELECT coalesce(jsonb_agg(jsonb_build_object('name', one ->> 'name', 'class', (one ->> 'class') || ' fill')
        ORDER BY n), '[]')
      FROM jsonb_array_elements(series) WITH ORDINALITY s (one, n) WHERE several), 0, (scale).low_pixel + 44, width);

  RETURN retention_internal.plot_svg(kind, width, ((scale).low_pixel + 28 + CASE WHEN several THEN key.height + 4
      ELSE 0 END)::integer, title, description,
    retention_internal.plot_with_axes(scale, x0, width, '&#160;%', caption,
      retention_internal.plot_x_axis(labels, x0, band, (scale).low_pixel + 18), NULL, (
        -- Several stand side by side, the first above the others.
        SELECT string_agg(retention_internal.rate_line(one -> 'rates', scale,
          x0 + CASE WHEN several THEN 6 * (n - 1) - 3 ELSE 0 END, band, one ->> 'class',
          CASE WHEN several THEN n > 1 END), '' ORDER BY n)
        FROM jsonb_array_elements(series) WITH ORDINALITY s (one, n)) || coalesce(key.body, '')));
END
$$;
COMMENT ON FUNCTION retention_internal.plot_rates(text, text, text, text, jsonb, text, integer) IS
'one or two series of rates by period as SVG: [{"name", "class", "rates": [{"at", "rate", "low", "high", "words"}]}]';

CREATE FUNCTION retention_internal.plot_rate(flow jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.plot_rates('rate', 'Retention rate, ' || unit || ' by ' || unit,
    'Share of the customers at the start of each period who were kept, with 95 % confidence intervals.',
    'per cent retained', jsonb_build_array(jsonb_build_object('class', 's1', 'rates', coalesce(
      jsonb_agg(jsonb_build_object('at', period_start, 'rate', retention_rate, 'low', retention_low,
        'high', retention_high, 'words', format('%s: %s%s, %s of %s',
          retention_internal.plot_period(period_start, unit), retention_internal.plot_percent(retention_rate),
          retention_internal.plot_limits(retention_low, retention_high), retention_internal.plot_count(kept),
          retention_internal.plot_count(at_start)))), '[]'))), unit, width)
  FROM jsonb_to_recordset(flow) AS f (period_start timestamp, at_start numeric, kept numeric, retention_rate numeric,
    retention_low numeric, retention_high numeric)
$$;
COMMENT ON FUNCTION retention_internal.plot_rate(jsonb, text, integer) IS
'the retention rates of the rows of flow_periods() as SVG';

-- Bars up and down.

CREATE FUNCTION retention_internal.bar_stacks(parts jsonb, scale retention_internal.plot_scale, x0 double precision,
  band double precision, classes text[], hatch text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH part AS (
    SELECT round((x0 + band * (row_number() OVER (ORDER BY (p ->> 'at')::timestamp) - 0.5))::numeric - wide / 2, 1)
      AS x, wide, (p ->> 'hatched')::boolean AS hatched, p ->> 'words' AS words, p -> 'up' AS up,
      coalesce((p ->> 'down')::double precision, 0) AS down
    FROM jsonb_array_elements(parts) p,
      LATERAL (SELECT round(greatest(1, least(34, band * 0.72))::numeric, 1) AS wide) w
  ), box AS (
    SELECT x, wide, hatched, words, i, retention_internal.plot_pixel(scale, until) AS top,
      retention_internal.plot_pixel(scale, since) AS bottom
    FROM part, LATERAL (
      SELECT i, sum(coalesce(v::double precision, 0)) OVER (ORDER BY i) - coalesce(v::double precision, 0) AS since,
        sum(coalesce(v::double precision, 0)) OVER (ORDER BY i) AS until
      FROM jsonb_array_elements_text(up) WITH ORDINALITY e (v, i)
      UNION ALL
      SELECT jsonb_array_length(up) + 1, -down, 0
    ) b
  )
  SELECT retention_internal.fill('bar', jsonb_agg(to_jsonb(b) ORDER BY x))
  FROM (
    SELECT x, min(top) AS y, wide, max(bottom) - min(top) AS tall, CASE WHEN hatched THEN hatch END AS hatch, words,
      retention_internal.fill('bar_box', jsonb_agg(jsonb_build_object('class', classes[i], 'x', x, 'y', top,
        'wide', wide, 'tall', bottom - top) ORDER BY i) FILTER (WHERE bottom > top)) AS boxes
    FROM box
    GROUP BY x, wide, hatched, words
  ) b
$$;
COMMENT ON FUNCTION retention_internal.bar_stacks(jsonb, retention_internal.plot_scale, double precision,
  double precision, text[], text) IS 'stacked bars, one for each period';

CREATE FUNCTION retention_internal.plot_bars(kind text, title text, description text, caption text, parts jsonb,
  names text[], classes text[], unit text, width integer) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  hatch constant text := format('retention-%s-%s', kind, width);
  partial boolean;
  labels text[];
  low double precision;
  high double precision;
  step double precision;
  scale retention_internal.plot_scale;
  x0 constant double precision := 48;
  band double precision;
  key record;
BEGIN
  SELECT max(coalesce(top, 0)), max(coalesce((part ->> 'down')::double precision, 0)),
      bool_or((part ->> 'hatched')::boolean),
      array_agg(retention_internal.plot_period((part ->> 'at')::timestamp, unit) ORDER BY (part ->> 'at')::timestamp)
    INTO high, low, partial, labels
    FROM jsonb_array_elements(parts) part,
      LATERAL (SELECT sum(v::double precision) AS top FROM jsonb_array_elements_text(part -> 'up') v) u;
  IF labels IS NULL THEN
    RETURN retention_internal.plot_svg(kind, width, 48, title, 'There are no periods.', '');
  END IF;
  step := retention_internal.plot_step(greatest(high + low, 4), 5);
  scale := retention_internal.plot_y_scale(-ceil(low / step) * step, greatest(1, ceil(high / step)) * step, step,
    width);
  band := (width - x0 - 14) / cardinality(labels);

  SELECT * INTO key FROM retention_internal.plot_legend((
      SELECT jsonb_agg(jsonb_build_object('name', name, 'class', class || ' fill') ORDER BY i)
      FROM unnest(names, classes) WITH ORDINALITY k (name, class, i))
      || CASE WHEN partial
      THEN jsonb_build_array(jsonb_build_object('name', 'partial', 'class', 's0 fill', 'hatch', hatch)) ELSE '[]' END,
        0, (scale).low_pixel + 44, width);
  RETURN retention_internal.plot_svg(kind, width, ((scale).low_pixel + 32 + key.height)::integer, title, description,
    retention_internal.plot_with_axes(scale, x0, width, '', caption,
      retention_internal.plot_x_axis(labels, x0, band, (scale).low_pixel + 18), NULL,
      retention_internal.bar_stacks(parts, scale, x0, band, classes, hatch) || key.body));
END
$$;
COMMENT ON FUNCTION retention_internal.plot_bars(text, text, text, text, jsonb, text[], text[], text, integer) IS
'stacked bars by period, what came above the line and what went below it, as SVG: [{"at", "hatched", "up": [counts], '
'"down": count, "words"}]';

CREATE FUNCTION retention_internal.plot_flow(flow jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.plot_bars('flow', 'Customers gained and lost by ' || unit,
    'Above the line: customers at the end of a period who were none at its start. Below it: customers lost.',
    'customers',
    jsonb_agg(jsonb_build_object('at', period_start, 'hatched', status = 'partial',
      'up', jsonb_build_array(gained, reactivated), 'down', lost,
      'words', format('%s: gained %s, reactivated %s, lost %s, at the end %s%s',
        retention_internal.plot_period(period_start, unit), retention_internal.plot_count(gained),
        retention_internal.plot_count(reactivated), retention_internal.plot_count(lost),
        retention_internal.plot_count(at_end), CASE WHEN status = 'partial' THEN ' (partial)' ELSE '' END))),
    ARRAY['gained', 'reactivated', 'lost'], ARRAY['s1', 's6', 's2'], unit, width)
  FROM jsonb_to_recordset(flow) AS f (period_start timestamp, status text, gained numeric, reactivated numeric,
    lost numeric, at_end numeric)
$$;
COMMENT ON FUNCTION retention_internal.plot_flow(jsonb, text, integer) IS
'the movements of the rows of flow_periods() as SVG';

CREATE FUNCTION retention_internal.plot_lifecycle(lifecycle jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.plot_bars('lifecycle', 'Active customers by ' || unit,
    'Above the line: active customers, retained from the period before, back after a pause (resurrected), or new. '
    'Below it: customers active in the period before but not in this one (dormant).', 'active customers',
    jsonb_agg(jsonb_build_object('at', period_start, 'hatched', status = 'partial',
      'up', jsonb_build_array(retained, resurrected, new), 'down', dormant,
      'words', format('%s: active %s, of them retained %s, resurrected %s, new %s; dormant %s%s',
        retention_internal.plot_period(period_start, unit), retention_internal.plot_count(active),
        retention_internal.plot_count(retained), retention_internal.plot_count(resurrected),
        retention_internal.plot_count(new), coalesce(retention_internal.plot_count(dormant), 'unknown'),
        CASE WHEN status = 'partial' THEN ' (partial)' ELSE '' END))),
    ARRAY['retained', 'resurrected', 'new', 'dormant'], ARRAY['s1', 's6', 's5', 's0'], unit, width)
  FROM jsonb_to_recordset(lifecycle) AS l (period_start timestamp, status text, active numeric, new numeric,
    retained numeric, resurrected numeric, dormant numeric)
$$;
COMMENT ON FUNCTION retention_internal.plot_lifecycle(jsonb, text, integer) IS 'the rows of lifecycle() as SVG';

-- How long customers stay.

CREATE FUNCTION retention_internal.survival_path(curve jsonb, x_scale retention_internal.plot_scale,
  y_scale retention_internal.plot_scale, OUT line text, OUT band text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Steps, no more than one a pixel: from each time to the next the curve and its limits stay as they are. Where there
  -- are no limits (nobody has left yet, or nobody is there any more) there is no band; each stretch that has them is
  -- closed for itself.
  WITH pixel AS (
    SELECT DISTINCT ON (x) x, survival, c.low, c.high, c.low IS NOT NULL AND c.high IS NOT NULL AS banded
    FROM jsonb_to_recordset(curve) AS c ("time" double precision, survival double precision, low double precision,
        high double precision),
      LATERAL (SELECT round(((x_scale).low_pixel + "time" / (x_scale).high
        * ((x_scale).high_pixel - (x_scale).low_pixel))::numeric) AS x) p
    WHERE survival IS NOT NULL
    ORDER BY x, "time" DESC
  ), step AS (
    SELECT x, retention_internal.plot_pixel(y_scale, 100 * survival) AS y, banded,
      retention_internal.plot_pixel(y_scale, 100 * low) AS y_low,
      retention_internal.plot_pixel(y_scale, 100 * high) AS y_high,
      coalesce(lead(x) OVER (ORDER BY x), x) AS until, lag(banded) OVER (ORDER BY x) AS before
    FROM pixel
  ), stretch AS (
    SELECT n, string_agg(format('H%sV%s', x, y), '' ORDER BY x) AS line,
      CASE WHEN bool_and(banded) THEN format('M%s %s', min(x), (y_scale).high_pixel)
        || string_agg(format('V%sH%s', y_high, until), '' ORDER BY x)
        || string_agg(format('V%sH%s', y_low, x), '' ORDER BY x DESC) || 'Z' END AS band
    FROM (SELECT *, count(*) FILTER (WHERE banded <> before) OVER (ORDER BY x) AS n FROM step) s
    GROUP BY n
  )
  SELECT string_agg(line, '' ORDER BY n), string_agg(band, '' ORDER BY n) FROM stretch
$$;
COMMENT ON FUNCTION retention_internal.survival_path(jsonb, retention_internal.plot_scale,
  retention_internal.plot_scale) IS 'the steps of a survival curve and of its band, as paths';

CREATE FUNCTION retention_internal.survival_step(last double precision, unit text, steps integer)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Weeks, and parts of years.
  SELECT coalesce(min(s), retention_internal.plot_step(last, steps))
  FROM unnest(CASE unit WHEN 'days' THEN ARRAY[7, 14, 28] WHEN 'months' THEN ARRAY[1, 2, 3, 6, 12, 24, 36, 60, 120]
    ELSE '{}' END) s
  WHERE last / s <= steps AND (unit = 'months' OR last > 20)
$$;
COMMENT ON FUNCTION retention_internal.survival_step(double precision, text, integer) IS
'the distance of the marks of an axis of time';

CREATE FUNCTION retention_internal.plot_survival(groups jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  narrow constant boolean := width < 480;
  -- Directly beside their ends stand the names of the curves where there is space.
  margin constant double precision := CASE WHEN narrow OR jsonb_array_length(groups) = 1 THEN 14
    ELSE 100 END;
  x_scale retention_internal.plot_scale;
  marks retention_internal.plot_scale;
  shown_unit text := unit;
  y_scale constant retention_internal.plot_scale := retention_internal.plot_y_scale(0, 100, 25, width);
  last double precision;
  first_key constant double precision := (y_scale).low_pixel + 58;
  height integer;
  others bigint;
  curves text;
  keys text;
BEGIN
  SELECT greatest(max("time"), 1e-9) INTO last
    FROM jsonb_array_elements(groups) g, jsonb_to_recordset(g -> 'curve') AS c ("time" double precision,
      survival double precision)
    WHERE survival IS NOT NULL HAVING max("time") IS NOT NULL;
  IF last IS NULL THEN
    RETURN retention_internal.plot_svg('survival', width, 48, 'Survival', 'There are no customers.', '');
  END IF;
  x_scale := ROW(0, last, 1, 44, width - margin);
  marks := x_scale;
  IF unit = 'days' AND last > 120 THEN
    shown_unit := 'months';
    marks.high := last / 30.4375;
  END IF;
  marks.step := retention_internal.survival_step(marks.high, shown_unit, CASE WHEN narrow THEN 5 ELSE 7 END);

  -- Everybody, and the five largest groups. The largest is drawn last, above the others.
  WITH one AS (
    SELECT g ->> 'name' AS name, everybody, (g ->> 'median')::numeric AS median,
      (g ->> 'customers')::numeric AS customers, count(*) FILTER (WHERE NOT everybody) OVER w AS colour,
      row_number() OVER w AS place, path.*
    FROM jsonb_array_elements(groups) WITH ORDINALITY e (g, n)
      CROSS JOIN LATERAL (SELECT coalesce((g ->> 'everybody')::boolean, false) AS everybody) b
      CROSS JOIN LATERAL retention_internal.survival_path(g -> 'curve', x_scale, y_scale) path
    WINDOW w AS (ORDER BY everybody DESC, (g ->> 'customers')::numeric DESC NULLS LAST, n)
  ), placed AS (
    SELECT o.*, first_key + 18 * (row_number() OVER (ORDER BY place) - 1) AS y,
      CASE WHEN everybody THEN ' dashed' ELSE '' END AS dashed,
      substring(line FROM 'V([0-9.]+)$')::double precision AS y_end
    FROM one o WHERE colour <= 5 AND place <= 6 AND line IS NOT NULL
  ), ended AS (
    -- Names that would touch move apart, from the top.
    SELECT place, name, everybody, colour, rank, y_end,
      max(y_end - 13 * rank) OVER (ORDER BY rank) + 13 * rank AS y_name
    FROM (
      SELECT p.*, row_number() OVER (ORDER BY p.y_end, p.place) AS rank FROM placed p
    ) r
  )
  SELECT retention_internal.fill('survival', jsonb_agg(jsonb_build_object('colour', colour, 'dashed', dashed,
        'band', CASE WHEN NOT everybody THEN band END, 'left', (x_scale).low_pixel, 'top', (y_scale).high_pixel,
        'line', line) ORDER BY place DESC)),
      retention_internal.fill('survival_key', jsonb_agg(jsonb_build_object('colour', colour, 'dashed', dashed,
        'line_y', y - 4, 'y', y, 'name', retention_internal.plot_fit(name, CASE WHEN narrow THEN 130 ELSE 260 END),
        'right', width - 14, 'median', retention_internal.plot_duration(median::double precision, unit),
        'narrow', narrow, 'customers', retention_internal.plot_count(customers)) ORDER BY place))
        || CASE WHEN margin < 100 THEN '' ELSE (SELECT coalesce(retention_internal.fill('survival_name', jsonb_agg(
          jsonb_build_object('colour', e.colour, 'x', (x_scale).high_pixel + 6,
          'y', round((e.y_name + 4 - greatest(0, m.most - (y_scale).low_pixel + 8))::numeric, 1),
          'name', retention_internal.plot_fit(e.name, margin - 20)) ORDER BY e.place)), '')
          FROM ended e, (SELECT max(y_name) AS most FROM ended) m) END,
      first_key + 18 * count(*)
    INTO curves, keys, height
    FROM placed;
  SELECT count(*) INTO others
    FROM jsonb_array_elements(groups) g WHERE NOT coalesce((g ->> 'everybody')::boolean, false);
  IF others > 5 THEN
    keys := keys || retention_internal.fill('survival_rest', jsonb_build_object('y', height, 'groups', others));
    height := height + 18;
  END IF;
  RETURN retention_internal.plot_svg('survival', width, height - 6,
    'Survival: share of customers who have not left, by time since the start',
    'Kaplan-Meier curves with bands of 95 % confidence intervals; half of the customers have left by the median.',
    retention_internal.plot_with_axes(y_scale, (x_scale).low_pixel, width, '&#160;%', 'per cent still customers', (
      SELECT retention_internal.fill('x_axis', jsonb_agg(jsonb_build_object('x', pixel, 'y', (y_scale).low_pixel + 18,
        'label', label) ORDER BY value)) FROM retention_internal.plot_ticks(marks)),
      shown_unit || ' after the start', keys || curves));
END
$$;
COMMENT ON FUNCTION retention_internal.plot_survival(jsonb, text, integer) IS
'survival curves as SVG: [{"name", "everybody", "customers", "median", "curve": rows of survival_curve() with "low", '
'"high"}]';

-- Rates side by side.

CREATE FUNCTION retention_internal.plot_segments(segments jsonb, width integer DEFAULT 520) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  narrow constant boolean := width < 480;
  x0 constant double precision := CASE WHEN narrow THEN 104 ELSE 150 END;
  top constant double precision := 26;
  bottom constant double precision := top + 26 * jsonb_array_length(segments);
  lowest double precision;
  highest double precision;
  step double precision;
  scale retention_internal.plot_scale;
  axis text;
  rows text;
BEGIN
  SELECT min(coalesce(low, retention_rate)), max(coalesce(high, retention_rate)) INTO lowest, highest
    FROM jsonb_to_recordset(segments) AS s (retention_rate double precision, low double precision,
      high double precision);
  IF lowest IS NULL THEN
    RETURN retention_internal.plot_svg('segments', width, 48, 'Retention by segment', 'There are no segments.', '');
  END IF;
  step := retention_internal.plot_step(greatest(highest - lowest, 4), CASE WHEN narrow THEN 3 ELSE 5 END);
  scale := ROW(floor(lowest / step) * step, ceil(highest / step) * step, step, x0, width - 62);

  SELECT retention_internal.fill('segment_axis', jsonb_agg(jsonb_build_object('x', pixel, 'top', top - 6,
      'bottom', bottom, 'label_y', top - 12, 'number', label) ORDER BY value))
    INTO axis FROM retention_internal.plot_ticks(scale);
  SELECT retention_internal.fill('segment', jsonb_agg(jsonb_build_object('name_x', x0 - 12, 'y', y, 'text_y', y + 4,
      'name', retention_internal.plot_fit(CASE WHEN segment IS NULL THEN 'everybody' ELSE value END, x0 - 12),
      'x', retention_internal.plot_pixel(scale, retention_rate::double precision),
      'x_low', retention_internal.plot_pixel(scale, low::double precision),
      'x_high', retention_internal.plot_pixel(scale, high::double precision), 'rate_x', width - 4,
      'rate', retention_internal.plot_percent(retention_rate), 'value', retention_internal.plot_fit(value, 400),
      'limits', retention_internal.plot_limits(low, high), 'kept', retention_internal.plot_count(kept),
      'at_start', retention_internal.plot_count(at_start)) ORDER BY y))
    INTO rows
    FROM (
      SELECT s.*, top + 26 * (n - 0.5) AS y
      FROM jsonb_array_elements(segments) WITH ORDINALITY e (one, n),
        jsonb_to_record(one) AS s (segment text, value text, at_start numeric, kept numeric, retention_rate numeric,
          low numeric, high numeric)
    ) p;
  RETURN retention_internal.plot_svg('segments', width, (bottom + 8)::integer, 'Retention by segment',
    'Retention rate of each value in per cent with its 95 % confidence interval.', axis || rows);
END
$$;
COMMENT ON FUNCTION retention_internal.plot_segments(jsonb, integer) IS
'retention rates with their intervals side by side as SVG: [{"value", "at_start", "kept", "retention_rate", "low", '
'"high"}]';
