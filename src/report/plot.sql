-- Room report: pictures. Each is drawn from JSON rows whose keys are the column names of the functions that give them,
-- so the page and the stand-alone functions share every line. Colours are classes: one style for light and dark.
-- This file is ASCII: other characters are numeric entities, which hold in any encoding of a database.

-- Words and numbers.

CREATE FUNCTION retention_internal.plot_visible(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
  -- Control characters, those that turn the direction of writing, and others that cannot be seen would show a reader another text than
  -- the one that is there. The joiners U+200C and U+200D and the variation selectors stay: Persian and emoji are spelled with them.
  SELECT CASE WHEN value !~ hidden THEN value ELSE (
      SELECT string_agg(CASE WHEN letter !~ hidden THEN letter WHEN ascii(letter) < 65536 THEN '\u' || lpad(upper(to_hex(ascii(letter))), 4, '0')
        ELSE '\U' || lpad(upper(to_hex(ascii(letter))), 8, '0') END, '' ORDER BY n)
      FROM string_to_table(value, NULL) WITH ORDINALITY AS l (letter, n)) END
  FROM (SELECT '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f' || CASE getdatabaseencoding() WHEN 'UTF8' THEN
    '\u0080-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff'
    '\U0001d173-\U0001d17a\U000e0000-\U000e00ff' ELSE '' END || ']' AS hidden) h
$$;
COMMENT ON FUNCTION retention_internal.plot_visible(text) IS 'text in which characters that cannot be seen are shown as escapes, such as \u202E';

CREATE FUNCTION retention_internal.plot_escape(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
  -- Most texts are plain: a call for each of them would cost more than all the rest.
  SELECT replace(replace(replace(replace(replace(
      CASE WHEN value ~ '^[\x20-\x7e]*$' THEN value ELSE retention_internal.plot_visible(value) END, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
$$;
COMMENT ON FUNCTION retention_internal.plot_escape(text) IS 'text as it stands in XML and HTML, inside elements and attributes';

CREATE FUNCTION retention_internal.plot_text_width(value text) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
  -- At 11 px, in a wide font: small letters and digits, capitals, the widest letters, and what is not ASCII.
  SELECT 6.5 * length(shown) + 1.5 * length(regexp_replace(shown, '[^A-Z]', '', 'g'))
    + 4 * length(regexp_replace(shown, '[^MWmw@%]', '', 'g')) + 5.5 * length(regexp_replace(shown, '[\x01-\x7f]', '', 'g'))
  FROM (SELECT CASE WHEN value ~ '^[\x20-\x7e]*$' THEN value ELSE retention_internal.plot_visible(value) END AS shown) v
$$;
COMMENT ON FUNCTION retention_internal.plot_text_width(text) IS 'about how many pixels a text takes, rather too many';

CREATE FUNCTION retention_internal.plot_fit(value text, room double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN value IS NULL THEN 'unknown'
    WHEN length(value) <= 100 AND retention_internal.plot_text_width(value) <= room THEN retention_internal.plot_escape(value)
    ELSE retention_internal.plot_escape(left(value, coalesce((
      SELECT max(n) FROM generate_series(1, least(length(value), 100)) n WHERE retention_internal.plot_text_width(left(value, n)) <= room - 9), 0))) || '&#8230;'
  END
$$;
COMMENT ON FUNCTION retention_internal.plot_fit(text, double precision) IS 'a name, escaped, cut to the pixels there are';

CREATE FUNCTION retention_internal.plot_count(value numeric) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT to_char(round(value), 'FM' || repeat('999,', 12) || '990') $$;
COMMENT ON FUNCTION retention_internal.plot_count(numeric) IS 'a count with commas';

CREATE FUNCTION retention_internal.plot_count_short(value numeric) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN abs(value) < 10000 THEN retention_internal.plot_count(value)
    ELSE rtrim(to_char(value / power(1000::numeric, power), 'FM' || repeat('9', 30) || '0.9'), '.') || (ARRAY['k', 'M', 'G', 'T', 'P', 'E'])[power]
  END
  FROM (SELECT least(6, (length(trunc(abs(value))::text) - 1) / 3) AS power) p
$$;
COMMENT ON FUNCTION retention_internal.plot_count_short(numeric) IS 'a count for an axis: 12k, 3.4M';

CREATE FUNCTION retention_internal.plot_percent(value numeric, digits integer DEFAULT 1) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(round(value, digits)::text || '&#160;%', '&#8211;') $$;
COMMENT ON FUNCTION retention_internal.plot_percent(numeric, integer) IS 'per cent to read; an unknown one is a dash';

CREATE FUNCTION retention_internal.plot_period(at timestamp, unit text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT to_char(at, CASE
    WHEN unit ~ 'hour' THEN 'YYYY-MM-DD HH24:MI'
    WHEN unit ~ 'year' AND at = date_trunc('year', at) THEN 'YYYY'
    WHEN unit ~ 'quarter' AND at = date_trunc('quarter', at) THEN 'YYYY"-Q"Q'
    WHEN unit ~ 'month|quarter|year' AND at = date_trunc('month', at) THEN 'YYYY-MM'
    ELSE 'YYYY-MM-DD'
  END)
$$;
COMMENT ON FUNCTION retention_internal.plot_period(timestamp, text) IS 'the name of a period of a grid''s unit by its first moment';

CREATE FUNCTION retention_internal.plot_unit(grid text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce((@extschema@.grid_options(nullif(grid, '')::@extschema@.retention_grid)).period, 'period') $$;
COMMENT ON FUNCTION retention_internal.plot_unit(text) IS 'the unit of a grid, the first word of its text';

CREATE FUNCTION retention_internal.plot_brackets(grid text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT (@extschema@.grid_options(nullif(grid, '')::@extschema@.retention_grid)).brackets $$;
COMMENT ON FUNCTION retention_internal.plot_brackets(text) IS 'the brackets of a grid, which are its periods 1, 2, ... then; NULL where it has none';

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
COMMENT ON FUNCTION retention_internal.plot_step(double precision, integer) IS 'the distance of the lines of an axis: 1, 2 or 5 times a power of ten';

-- Style and frame.

CREATE FUNCTION retention_internal.plot_style() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Series: six of M. Okabe and K. Ito, "Color Universal Design" (2008), and two darker ones; lighter in the dark. Apart for
  -- all as Machado, Oliveira and Fernandes (IEEE TVCG 15, 2009, 1291) simulate colour blindness: CIELAB distance 11 or more.
  -- Heat: one ramp of falling (in the dark, rising) lightness, so that it survives colour blindness and grey print.
  SELECT '<style>'
    '.retention-plot{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}'
    '.retention-plot .paper{fill:#ffffff}.retention-plot text{fill:#1b1f24}.retention-plot text.soft{fill:#59626e}'
    '.retention-plot .rule{stroke:#e4e8ec;fill:none}.retention-plot .zero{stroke:#8a939e;fill:none}'
    '.retention-plot .strong{font-weight:600}.retention-plot .tight{font-size:9.5px}'
    '.retention-plot .line{stroke:currentColor;stroke-width:2;fill:none;stroke-linejoin:round}'
    '.retention-plot .band{fill:currentColor;fill-opacity:.16;stroke:none}'
    '.retention-plot .whisker{stroke:currentColor;stroke-width:1.5;stroke-opacity:.55;fill:none}'
    '.retention-plot .fill{fill:currentColor}'
    '.retention-plot .hatch{stroke:#ffffff;stroke-width:2.5;stroke-opacity:.5}.retention-plot .halo{stroke:currentColor;stroke-width:3.5;stroke-linejoin:round;paint-order:stroke}'
    '.retention-plot .s1{color:#0072b2}.retention-plot .s2{color:#d55e00}.retention-plot .s3{color:#009e73}'
    '.retention-plot .s4{color:#cc79a7}.retention-plot .s5{color:#e69f00}.retention-plot .s6{color:#56b4e9}'
    '.retention-plot .s7{color:#3b2f6b}.retention-plot .s8{color:#6b4a12}.retention-plot .s0{color:#727b86}'
    '.retention-plot .h0{color:#e2f4f7}.retention-plot .h1{color:#a9e5ee}.retention-plot .h2{color:#70d1e6}'
    '.retention-plot .h3{color:#3eb8dd}.retention-plot .h4{color:#1ba3d4}.retention-plot .h5{color:#0078ba}'
    '.retention-plot .h6{color:#0064af}.retention-plot .h7{color:#164995}.retention-plot .h8{color:#1d3077}'
    '.retention-plot .hs{color:#eef1f4}'
    '.retention-plot .h5 text,.retention-plot .h6 text,.retention-plot .h7 text,.retention-plot .h8 text{fill:#ffffff}'
    '@media(prefers-color-scheme:dark){'
    '.retention-plot .paper{fill:#171b21}.retention-plot text{fill:#e9edf1}.retention-plot text.soft{fill:#a2acb8}'
    '.retention-plot .rule{stroke:#2d343d}.retention-plot .zero{stroke:#75808d}.retention-plot .hatch{stroke:#171b21;stroke-opacity:.4}'
    '.retention-plot .s1{color:#4aa8e0}.retention-plot .s2{color:#f0803c}.retention-plot .s3{color:#2fc79a}'
    '.retention-plot .s4{color:#e596c4}.retention-plot .s5{color:#ffd166}.retention-plot .s6{color:#b5e3ff}'
    '.retention-plot .s7{color:#8468d6}.retention-plot .s8{color:#a8763e}.retention-plot .s0{color:#727d8a}'
    '.retention-plot .h0{color:#182449}.retention-plot .h1{color:#16396b}.retention-plot .h2{color:#005289}'
    '.retention-plot .h3{color:#006da3}.retention-plot .h4{color:#0f93bd}.retention-plot .h5{color:#00a5c4}'
    '.retention-plot .h6{color:#38c0ce}.retention-plot .h7{color:#73d8d8}.retention-plot .h8{color:#a8eee4}'
    '.retention-plot .hs{color:#262d36}'
    '.retention-plot .h4 text,.retention-plot .h5 text,.retention-plot .h6 text,.retention-plot .h7 text,.retention-plot .h8 text{fill:#0b0e12}'
    '}</style>'
$$;
COMMENT ON FUNCTION retention_internal.plot_style() IS 'the style of every picture, light and dark';

CREATE FUNCTION retention_internal.plot_svg(kind text, width integer, height integer, title text, description text, body text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('<svg xmlns="http://www.w3.org/2000/svg" class="retention-plot %s" role="img" width="%s" height="%s" viewBox="-12 -8 %2$s %3$s">'
    '<title>%s</title><desc>%s</desc>', kind, width + 24, height + 18, retention_internal.plot_escape(title), retention_internal.plot_escape(description))
    || retention_internal.plot_style()
    || CASE WHEN body LIKE '%url(#%' THEN format('<defs><pattern id="retention-%s-%s" width="6" height="6" patternUnits="userSpaceOnUse" '
      'patternTransform="rotate(45)"><path class="hatch" d="M3 0V6"/></pattern></defs>', kind, width) ELSE '' END
    || format('<rect class="paper" x="-12" y="-8" width="%s" height="%s"/>', width + 24, height + 18)
    || coalesce(nullif(body, ''), '<text class="soft" x="16" y="28">Nothing to draw: there are no rows.</text>')
    || '</svg>'
$$;
COMMENT ON FUNCTION retention_internal.plot_svg(text, integer, integer, text, text, text) IS
'a picture around its parts; the hatching of what is partial has the id retention-KIND-WIDTH';

CREATE FUNCTION retention_internal.plot_y_axis(low double precision, high double precision, step double precision,
  x0 double precision, x1 double precision, y0 double precision, y1 double precision, mark text DEFAULT '') RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(format('<path class="%s" d="M%s %sH%s"/><text class="soft" x="%s" y="%s" text-anchor="end">%s%s</text>',
      CASE WHEN value = 0 THEN 'zero' ELSE 'rule' END, x0, y, x1, x0 - 6, y + 4,
      CASE WHEN step < 1 THEN trim_scale(abs(value))::text ELSE retention_internal.plot_count_short(abs(value)) END, mark), '' ORDER BY value)
  FROM (
    SELECT value, round((y0 - (value::double precision - low) / (high - low) * (y0 - y1))::numeric, 1) AS y
    FROM generate_series(ceil((low / step)::numeric) * step::numeric, high::numeric, step::numeric) value
  ) t
$$;
COMMENT ON FUNCTION retention_internal.plot_y_axis(double precision, double precision, double precision, double precision, double precision,
  double precision, double precision, text) IS 'lines and numbers, without a sign, from y0 at the bottom to y1 at the top';

CREATE FUNCTION retention_internal.plot_x_axis(labels text[], x0 double precision, band double precision, y double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- As many labels as fit without touching, counted from the last, which may have to move in from the edge.
  SELECT string_agg(format('<text class="soft" x="%s" y="%s" text-anchor="middle">%s</text>',
      round(least(x0 + band * (i - 0.5), x0 + band * cardinality(labels) + 22 - wide / 2)::numeric, 1), y, retention_internal.plot_escape(label)), '' ORDER BY i)
  FROM unnest(labels) WITH ORDINALITY l (label, i),
    (SELECT max(retention_internal.plot_text_width(label)) AS wide FROM unnest(labels) label) w,
    LATERAL (SELECT greatest(1, ceil((wide + 8 + greatest(0, wide / 2 - band / 2 - 22)) / band))::bigint AS every) e
  WHERE (cardinality(labels) - i) % every = 0
$$;
COMMENT ON FUNCTION retention_internal.plot_x_axis(text[], double precision, double precision, double precision) IS 'names below equal bands';

CREATE FUNCTION retention_internal.plot_legend(names text[], swatches text[], x0 double precision, y0 double precision, room double precision,
  OUT body text, OUT height double precision)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  x double precision := x0;
  wide double precision;
BEGIN
  body := '';
  height := 18;
  FOR i IN 1 .. cardinality(names) LOOP
    wide := 32 + retention_internal.plot_text_width(names[i]);
    IF x > x0 AND x + wide > x0 + room THEN
      x := x0;
      height := height + 18;
    END IF;
    body := body || format('<g transform="translate(%s %s)">%s<text x="18" y="0">%s</text></g>',
      round(x::numeric, 1), y0 + height - 18, swatches[i], retention_internal.plot_escape(names[i]));
    x := x + wide;
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_internal.plot_legend(text[], text[], double precision, double precision, double precision) IS
'names beside their swatches, in as many lines as the room needs';

CREATE FUNCTION retention_internal.plot_swatch(class text, hatch text DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('<rect class="%s fill" y="-9" width="12" height="11" rx="2"/>', class)
    || coalesce(format('<rect y="-9" width="12" height="11" rx="2" fill="url(#%s)"/>', hatch), '')
$$;
COMMENT ON FUNCTION retention_internal.plot_swatch(text, text) IS 'the square of a legend';

-- The cohort grid.

CREATE FUNCTION retention_internal.plot_heat_range(cells jsonb, OUT low numeric, OUT high numeric)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- The colours cover where most cells are: small cohorts at 0 or 100 would leave the rest in one shade.
  SELECT CASE WHEN q1 < q2 THEN floor(q1 / step) * step ELSE 0 END, CASE WHEN q1 < q2 THEN ceil(q2 / step) * step ELSE 100 END
  FROM (
    SELECT percentile_disc(0.05) WITHIN GROUP (ORDER BY retention_rate) AS q1, percentile_disc(0.95) WITHIN GROUP (ORDER BY retention_rate) AS q2
    FROM jsonb_to_recordset(cells) AS c (period integer, retention_rate numeric)
    WHERE period > 0 AND retention_rate IS NOT NULL
  ) q, LATERAL (SELECT CASE WHEN q2 - q1 < 15 THEN 5 ELSE 10 END AS step) t
$$;
COMMENT ON FUNCTION retention_internal.plot_heat_range(jsonb) IS 'the rates where the colours of a heat map begin and end';

CREATE FUNCTION retention_internal.plot_heatmap(cells jsonb, grid text, width integer DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  unit constant text := retention_internal.plot_unit(grid);
  brackets constant text[] := retention_internal.plot_brackets(grid);
  cohorts integer;
  first integer;
  last integer;
  partial boolean;
  names double precision;    -- where the names of the cohorts end
  x0 double precision;       -- where the cells begin
  cell double precision;
  tall integer;
  digits integer;
  total integer;
  scale record;
  body text;
  drawn text;
  pooled text;
  foot double precision;     -- the bottom of what is drawn so far
  legend record;
  hatch text;
  tight text;
BEGIN
  SELECT count(DISTINCT cohort), min(period), max(period), bool_or(status = 'partial'),
      greatest(48, max(retention_internal.plot_text_width(retention_internal.plot_period(cohort, unit)))) + 8,
      greatest(24, max(retention_internal.plot_text_width(retention_internal.plot_count(cohort_size)))) + 12
    INTO cohorts, first, last, partial, names, x0
    FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric, period integer, status text);
  IF coalesce(cohorts, 0) = 0 OR first IS NULL THEN
    RETURN retention_internal.plot_svg('heatmap', coalesce(width, 360), 48, 'Cohort heat map', 'There are no cohorts.', '');
  END IF;
  IF cohorts::bigint * (last - first + 1) > 20000 THEN
    RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded',
      MESSAGE = format('a heat map of %s cohorts and %s periods is too large to draw', cohorts, last - first + 1),
      HINT = 'Use a coarser unit or fewer periods: at most 20000 cells are drawn.';
  END IF;

  -- The column of customers goes where the room is short.
  x0 := names + CASE WHEN width < 480 THEN 0 ELSE greatest(x0, 58) END;
  cell := CASE WHEN width IS NULL THEN 44 ELSE least(72, greatest(22, floor((width - x0 - 8) / (last - first + 1)))) END;
  tall := CASE WHEN cell < 30 THEN 22 ELSE 26 END;
  SELECT greatest(cell, max(retention_internal.plot_text_width(b)) + 4) INTO cell FROM unnest(brackets) b;
  tight := CASE WHEN cell < 30 THEN ' tight' ELSE '' END;
  digits := CASE WHEN cell < 38 THEN 0 ELSE 1 END;
  total := ceil(greatest(coalesce(width, 360), x0 + cell * (last - first + 1) + 8));
  hatch := format('retention-heatmap-%s', total);
  SELECT * INTO scale FROM retention_internal.plot_heat_range(cells);

  -- What stands above the columns, and the cohorts' names.
  body := format('<text class="soft" x="0" y="14">cohort</text><text class="soft" x="%s" y="14">%s after the start</text>',
      x0 + 2, retention_internal.plot_escape(CASE WHEN unit ~ '^[a-z]+$' THEN unit || 's' ELSE 'periods' END))
    || CASE WHEN width < 480 THEN '' ELSE format('<text class="soft" x="%s" y="14" text-anchor="end">customers</text>', x0 - 10) END
    || (SELECT string_agg(format('<text class="soft" x="%s" y="32" text-anchor="middle">%s</text>', x0 + cell * (i - first + 0.5), coalesce(brackets[i], i::text)), '' ORDER BY i)
        FROM generate_series(first, last) i WHERE (i - first) % CASE WHEN last > 99 THEN 2 ELSE 1 END = 0)
    || (SELECT string_agg(format('<text x="0" y="%s">%s</text>', y, retention_internal.plot_period(cohort, unit))
          || CASE WHEN width < 480 THEN '' ELSE format('<text class="soft" x="%s" y="%s" text-anchor="end">%s</text>',
            x0 - 10, y, retention_internal.plot_count(size)) END, '' ORDER BY cohort)
        FROM (
          SELECT cohort, max(cohort_size) AS size, 40 + tall * (row_number() OVER (ORDER BY cohort) - 0.5) + 4 AS y
          FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric) GROUP BY cohort
        ) r);

  -- The cells: a number on its colour; hatched while it can still change.
  SELECT string_agg(format('<g class="cell %s%s"><rect class="fill" x="%s" y="%s" width="%s" height="%s" rx="2"/>%s<text%s x="%s" y="%s" text-anchor="middle">%s</text>%s</g>',
      CASE WHEN period = 0 OR retention_rate IS NULL THEN 'hs'
        ELSE 'h' || least(8, greatest(0, floor((retention_rate - scale.low) / (scale.high - scale.low) * 9))) END, tight,
      x, 41 + tall * line, cell - 2, tall - 2,
      CASE WHEN status = 'partial' THEN format('<rect x="%s" y="%s" width="%s" height="%s" rx="2" fill="url(#%s)"/>',
        x, 41 + tall * line, cell - 2, tall - 2, hatch) ELSE '' END,
      CASE WHEN status = 'partial' THEN ' class="halo"' ELSE '' END,
      x + cell / 2 - 1, 40 + tall * (line + 0.5) + 4,
      CASE WHEN retention_rate IS NULL THEN '&#8211;' WHEN retention_rate = 100 THEN '100' ELSE round(retention_rate, digits)::text END,
      CASE WHEN width < 480 THEN '' ELSE format('<title>%s, %s %s: %s%s, %s of %s%s</title>',
        retention_internal.plot_period(cohort, unit), retention_internal.plot_escape(unit), coalesce(brackets[period], period::text), retention_internal.plot_percent(retention_rate),
        coalesce(' (' || round(ci_low, 1) || ' to ' || round(ci_high, 1) || ')', ''),
        retention_internal.plot_count(retained), retention_internal.plot_count(at_risk),
        CASE WHEN status = 'partial' THEN ', partial' ELSE '' END) END), '' ORDER BY cohort, period)
    INTO drawn
    FROM (
      SELECT c.*, dense_rank() OVER (ORDER BY cohort) - 1 AS line, x0 + cell * (period - first) AS x
      FROM jsonb_to_recordset(cells) AS c (cohort timestamp, period integer, at_risk numeric, retained numeric,
        retention_rate numeric, ci_low numeric, ci_high numeric, status text)
    ) d;
  foot := 40 + tall * cohorts + 8;

  -- The cohorts that are drawn, together, from what is observed of them.
  SELECT string_agg(format('<g class="pooled %s%s"><rect class="fill" x="%s" y="%s" width="%s" height="%s" rx="2"/><text class="strong" x="%s" y="%s" text-anchor="middle">%s</text></g>',
      CASE WHEN period = 0 THEN 'hs' ELSE 'h' || least(8, greatest(0, floor((rate - scale.low) / (scale.high - scale.low) * 9))) END, tight,
      x0 + cell * (period - first), foot + 1, cell - 2, tall - 2, x0 + cell * (period - first + 0.5) - 1, foot + tall / 2.0 + 4,
      CASE WHEN rate = 100 THEN '100' ELSE round(rate, digits)::text END), '' ORDER BY period)
    INTO pooled
    FROM (
      SELECT period, 100 * sum(retained) / sum(at_risk) AS rate
      FROM jsonb_to_recordset(cells) AS c (period integer, at_risk numeric, retained numeric, status text)
      WHERE status = 'observed' GROUP BY period HAVING sum(at_risk) > 0
    ) p;
  IF pooled IS NOT NULL AND cohorts > 1 THEN
    body := body || pooled || format('<text class="strong" x="0" y="%s">all</text>', foot + tall / 2.0 + 4)
      || CASE WHEN width < 480 THEN '' ELSE format('<text class="soft" x="%s" y="%s" text-anchor="end">%s</text>', x0 - 10, foot + tall / 2.0 + 4, (
        SELECT retention_internal.plot_count(sum(size))
        FROM (SELECT max(cohort_size) AS size FROM jsonb_to_recordset(cells) AS c (cohort timestamp, cohort_size numeric) GROUP BY cohort) s)) END;
    foot := foot + tall;
  END IF;

  -- The key.
  foot := foot + 24;
  body := body || drawn
    || format('<text class="soft" x="0" y="%s">%s&#160;%%</text>', foot, scale.low)
    || (SELECT string_agg(format('<rect class="h%s fill" x="%s" y="%s" width="14" height="11"/>', i, 38 + 14 * i, foot - 9), '' ORDER BY i)
        FROM generate_series(0, 8) i)
    || format('<text class="soft" x="170" y="%s">%s&#160;%%</text>', foot, scale.high);
  SELECT * INTO legend FROM retention_internal.plot_legend(
    CASE WHEN partial THEN ARRAY['partial: still counting', 'empty: not known yet'] ELSE ARRAY['empty: not known yet'] END,
    CASE WHEN partial THEN ARRAY[retention_internal.plot_swatch('h3', hatch), '<rect class="rule" y="-9" width="12" height="11" rx="2"/>']
      ELSE ARRAY['<rect class="rule" y="-9" width="12" height="11" rx="2"/>'] END,
    CASE WHEN total < 560 THEN 0 ELSE 236 END, CASE WHEN total < 560 THEN foot + 20 ELSE foot END, total - CASE WHEN total < 560 THEN 0 ELSE 236 END);
  body := body || legend.body;
  RETURN retention_internal.plot_svg('heatmap', total, ceil(foot + legend.height + CASE WHEN total < 560 THEN 10 ELSE -10 END)::integer,
    'Cohort heat map: retention rate by cohort and ' || unit,
    format('%s cohorts by %s, each followed over %s to %s; rates in per cent of the customers of the cohort.', cohorts, unit, first, last),
    body);
END
$$;
COMMENT ON FUNCTION retention_internal.plot_heatmap(jsonb, text, integer) IS
'the rows of cohort_cells() as SVG, below them all of these cohorts together; without a width it takes what its cells need';

-- Lines over equal bands.

CREATE FUNCTION retention_internal.plot_curve(series jsonb, grid text, width integer DEFAULT 520) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  unit constant text := retention_internal.plot_unit(grid);
  brackets constant text[] := retention_internal.plot_brackets(grid);
  first integer;
  last integer;
  high double precision;
  step double precision;
  x0 constant double precision := 44;
  band double precision;
  y0 constant double precision := CASE WHEN width < 480 THEN 196 ELSE 236 END;
  y1 constant double precision := 26;
  body text;
  key record;
  foot double precision := y0 + 42;
  lines integer := jsonb_array_length(series);
BEGIN
  -- The start, everybody, would press a low curve to the ground: it is drawn only where the rest is high too.
  SELECT CASE WHEN max(rate) FILTER (WHERE period > 0) < 60 THEN min(period) FILTER (WHERE period > 0) ELSE min(period) END, max(period),
      least(100, greatest(max(least(c.ci_high, rate * 1.6 + 4)) FILTER (WHERE period > 0), max(rate) FILTER (WHERE period > 0)))
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
  high := least(100, ceil(high / step) * step);
  band := (width - x0 - 14) / (last - first + 1);

  body := retention_internal.plot_y_axis(0, high, step, x0, width - 14, y0, y1, '&#160;%')
    || retention_internal.plot_x_axis((SELECT array_agg(coalesce(brackets[i], i::text) ORDER BY i) FROM generate_series(first, last) i), x0, band, y0 + 18)
    || format('<text class="soft" x="0" y="14">per cent retained</text><text class="soft" x="%s" y="%s" text-anchor="end">%s after the start</text>',
      width - 14, y0 + 34, retention_internal.plot_escape(CASE WHEN unit ~ '^[a-z]+$' THEN unit || 's' ELSE 'periods' END));
  SELECT body || string_agg(
      format('<g class="curve s%s">%s%s%s%s</g>', (n - 1) % 8 + 1,
        coalesce('<path class="band" d="M' || upper || 'L' || lower || 'Z"/>', ''),
        CASE WHEN points > 1 THEN format('<path class="line"%s d="M%s"/>',
          CASE WHEN n > 8 THEN ' stroke-dasharray="5 3"' ELSE '' END, line) ELSE '' END,
        CASE WHEN band >= 12 OR points = 1 THEN dots ELSE '' END,
        CASE WHEN lines = 1 THEN ends ELSE '' END), '' ORDER BY n)
    INTO body
    FROM (
      SELECT n, count(*) AS points, string_agg(x || ' ' || y, 'L' ORDER BY period) AS line,
        string_agg(x || ' ' || y_high, 'L' ORDER BY period) FILTER (WHERE y_high IS NOT NULL) AS upper,
        string_agg(x || ' ' || y_low, 'L' ORDER BY period DESC) FILTER (WHERE y_high IS NOT NULL) AS lower,
        string_agg(format('<circle class="fill" cx="%s" cy="%s" r="3"><title>%s %s: %s%s, %s of %s</title></circle>', x, y,
          retention_internal.plot_escape(unit), coalesce(brackets[period], period::text), retention_internal.plot_percent(retention_rate),
          coalesce(' (' || round(ci_low, 1) || ' to ' || round(ci_high, 1) || ')', ''),
          retention_internal.plot_count(retained), retention_internal.plot_count(at_risk)), '' ORDER BY period) AS dots,
        -- The first and the last value in words, where they are apart.
        string_agg(format('<text class="strong" x="%s" y="%s" text-anchor="%s">%s</text>', x,
          CASE WHEN coalesce(y_next, y_before) < y AND y + 20 < y0 THEN y + 18 ELSE greatest(y1 + 10, y - 9) END, CASE WHEN period = last AND last > first THEN 'end' ELSE 'start' END,
          retention_internal.plot_percent(retention_rate)), '')
          FILTER (WHERE period = last OR (period = first AND first > 0 AND (last - first) * band > 110)) AS ends
      FROM (
        SELECT n, c.*, round((x0 + band * (period - first + 0.5))::numeric, 1) AS x,
          round((y0 - retention_rate::double precision / high * (y0 - y1))::numeric, 1) AS y,
          round((y0 - lead(retention_rate) OVER (PARTITION BY n ORDER BY period)::double precision / high * (y0 - y1))::numeric, 1) AS y_next,
          round((y0 - lag(retention_rate) OVER (PARTITION BY n ORDER BY period)::double precision / high * (y0 - y1))::numeric, 1) AS y_before,
          round((y0 - least(ci_high::double precision, high) / high * (y0 - y1))::numeric, 1) AS y_high,
          round((y0 - least(ci_low::double precision, high) / high * (y0 - y1))::numeric, 1) AS y_low
        FROM jsonb_array_elements(series) WITH ORDINALITY s (one, n),
          jsonb_to_recordset(one -> 'curve') AS c (period integer, at_risk numeric, retained numeric, retention_rate numeric,
            ci_low numeric, ci_high numeric)
        WHERE period >= first AND retention_rate IS NOT NULL
      ) p
      GROUP BY n
    ) g;

  IF lines > 1 THEN
    SELECT l.* INTO key FROM (
        SELECT array_agg(coalesce(left(one ->> 'name', 40), 'unknown') ORDER BY n) AS names,
          array_agg(retention_internal.plot_swatch(format('s%s', (n - 1) % 8 + 1)) ORDER BY n) AS swatches
        FROM jsonb_array_elements(series) WITH ORDINALITY s (one, n)
      ) k, retention_internal.plot_legend(names, swatches, 0, y0 + 56, width) l;
    body := body || key.body;
    foot := foot + key.height;
  END IF;
  RETURN retention_internal.plot_svg('curve', width, foot::integer, 'Retention curve: share retained by ' || unit || ' after the start',
    'Observed cells of all cohorts, pooled; the band is the 95 % interval.' || CASE WHEN first > 0 THEN ' Period 0, everybody, is not drawn.' ELSE '' END, body);
END
$$;
COMMENT ON FUNCTION retention_internal.plot_curve(jsonb, text, integer) IS
'retention curves as SVG: [{"name", "curve": rows of retention_curve()}]';

CREATE FUNCTION retention_internal.plot_rate(flow jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  periods integer;
  low double precision;
  high double precision;
  step double precision;
  x0 constant double precision := 44;
  band double precision;
  y0 constant double precision := CASE WHEN width < 480 THEN 196 ELSE 236 END;
  y1 constant double precision := 26;
  labels text[];
  body text;
BEGIN
  SELECT count(*), min(coalesce(retention_low, retention_rate)), max(coalesce(retention_high, retention_rate)),
      array_agg(retention_internal.plot_period(period_start, unit) ORDER BY period_start)
    INTO periods, low, high, labels
    FROM jsonb_to_recordset(flow) AS f (period_start timestamp, retention_rate double precision, retention_low double precision,
      retention_high double precision);
  IF low IS NULL THEN
    RETURN retention_internal.plot_svg('rate', width, 48, 'Retention rate', 'No period is complete.', '');
  END IF;
  step := retention_internal.plot_step(greatest(high - low, 4), 4);
  low := floor(low / step) * step;
  high := ceil(high / step) * step;
  IF low > 0 AND low < 0.25 * high THEN
    low := 0;
  END IF;
  band := (width - x0 - 14) / periods;

  SELECT retention_internal.plot_y_axis(low, high, step, x0, width - 14, y0, y1, '&#160;%')
      || retention_internal.plot_x_axis(labels, x0, band, y0 + 18)
      || '<text class="soft" x="0" y="14">per cent retained</text><g class="s1">'
      || coalesce('<path class="line" stroke-opacity=".45" d="M' || string_agg(x || ' ' || y, 'L' ORDER BY x) || '"/>', '')
      || coalesce(string_agg(format('<path class="whisker" d="M%s %sV%s"/>', x, y_low, y_high), '' ORDER BY x) FILTER (WHERE y_low IS NOT NULL), '')
      || string_agg(format('<circle class="fill" cx="%s" cy="%s" r="4"><title>%s: %s%s, %s of %s</title></circle>', x, y,
        retention_internal.plot_period(period_start, unit), retention_internal.plot_percent(retention_rate),
        coalesce(' (' || round(retention_low, 1) || ' to ' || round(retention_high, 1) || ')', ''),
        retention_internal.plot_count(kept), retention_internal.plot_count(at_start)), '' ORDER BY x)
      || string_agg(format('<text class="strong" x="%s" y="%s" text-anchor="end">%s</text>', x + 8,
        CASE WHEN y_before < y AND coalesce(y_low, y) + 16 < y0 OR coalesce(y_high, y) - 8 < y1 + 8 THEN coalesce(y_low, y) + 16
          ELSE coalesce(y_high, y) - 8 END,
        retention_internal.plot_percent(retention_rate)), '') FILTER (WHERE newest = 1)
      || '</g>'
    INTO body
    FROM (
      SELECT f.*, row_number() OVER (ORDER BY retention_rate IS NULL, period_start DESC) AS newest,
        round((x0 + band * (row_number() OVER (ORDER BY period_start) - 0.5))::numeric, 1) AS x,
        round((y0 - (retention_rate::double precision - low) / (high - low) * (y0 - y1))::numeric, 1) AS y,
        round((y0 - (lag(retention_rate) OVER (ORDER BY period_start)::double precision - low) / (high - low) * (y0 - y1))::numeric, 1) AS y_before,
        round((y0 - (retention_low::double precision - low) / (high - low) * (y0 - y1))::numeric, 1) AS y_low,
        round((y0 - (retention_high::double precision - low) / (high - low) * (y0 - y1))::numeric, 1) AS y_high
      FROM jsonb_to_recordset(flow) AS f (period_start timestamp, at_start numeric, kept numeric, retention_rate numeric,
        retention_low numeric, retention_high numeric)
    ) p
    WHERE retention_rate IS NOT NULL;
  RETURN retention_internal.plot_svg('rate', width, (y0 + 28)::integer, 'Retention rate, ' || unit || ' by ' || unit,
    'Customers kept of those there at the start of each period, in per cent; the whiskers are 95 % intervals.', body);
END
$$;
COMMENT ON FUNCTION retention_internal.plot_rate(jsonb, text, integer) IS 'the retention rates of the rows of flow_periods() as SVG';

-- Bars up and down. Each part: {"at", "hatched", "up": [counts], "down": count, "words"}.

CREATE FUNCTION retention_internal.plot_bars(kind text, title text, description text, caption text, parts jsonb, names text[], classes text[],
  unit text, width integer) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  periods integer;
  low double precision;
  high double precision;
  step double precision;
  x0 constant double precision := 48;
  band double precision;
  thick double precision;
  y0 constant double precision := CASE WHEN width < 480 THEN 196 ELSE 236 END;
  y1 constant double precision := 26;
  hatch constant text := format('retention-%s-%s', kind, width);
  labels text[];
  body text;
  key record;
  partial boolean;
BEGIN
  SELECT count(*), max(coalesce(top, 0)), max(coalesce((part ->> 'down')::double precision, 0)), bool_or((part ->> 'hatched')::boolean),
      array_agg(retention_internal.plot_period((part ->> 'at')::timestamp, unit) ORDER BY (part ->> 'at')::timestamp)
    INTO periods, high, low, partial, labels
    FROM jsonb_array_elements(parts) part,
      LATERAL (SELECT sum(v::double precision) AS top FROM jsonb_array_elements_text(part -> 'up') v) u;
  IF coalesce(periods, 0) = 0 THEN
    RETURN retention_internal.plot_svg(kind, width, 48, title, 'There are no periods.', '');
  END IF;
  step := retention_internal.plot_step(greatest(high + low, 4), 5);
  high := greatest(1, ceil(high / step)) * step;
  low := -ceil(low / step) * step;
  band := (width - x0 - 14) / periods;
  thick := greatest(1, least(34, band * 0.72));

  SELECT retention_internal.plot_y_axis(low, high, step, x0, width - 14, y0, y1)
      || retention_internal.plot_x_axis(labels, x0, band, y0 + 18)
      || format('<text class="soft" x="0" y="14">%s</text>', retention_internal.plot_escape(caption))
      || string_agg(format('<g class="bar">%s%s<title>%s</title></g>', bars,
        CASE WHEN hatched THEN format('<rect x="%s" y="%s" width="%s" height="%s" fill="url(#%s)"/>', x, round(top::numeric, 1), round(thick::numeric, 1),
          round((bottom - top)::numeric, 1), hatch) ELSE '' END, retention_internal.plot_escape(words)), '' ORDER BY x)
    INTO body
    FROM (
      SELECT x, hatched, words, min(top) AS top, max(bottom) AS bottom,
        coalesce(string_agg(format('<rect class="%s fill" x="%s" y="%s" width="%s" height="%s"/>', classes[i], x, round(top::numeric, 1),
          round(thick::numeric, 1), round((bottom - top)::numeric, 1)), '' ORDER BY i) FILTER (WHERE bottom > top), '') AS bars
      FROM (
        SELECT round((x0 + band * (row_number() OVER (ORDER BY (part ->> 'at')::timestamp) - 0.5) - thick / 2)::numeric, 1) AS x,
          coalesce((part ->> 'hatched')::boolean, false) AS hatched, part ->> 'words' AS words,
          part -> 'up' AS up, coalesce((part ->> 'down')::double precision, 0) AS down
        FROM jsonb_array_elements(parts) part
      ) p,
      LATERAL (
        SELECT i, (y0 - (reached - low) / (high - low) * (y0 - y1)) AS top, (y0 - (reached - v - low) / (high - low) * (y0 - y1)) AS bottom
        FROM (SELECT i, coalesce(v::double precision, 0) AS v, sum(coalesce(v::double precision, 0)) OVER (ORDER BY i) AS reached
          FROM jsonb_array_elements_text(up) WITH ORDINALITY e (v, i)) s
        UNION ALL
        SELECT jsonb_array_length(up) + 1, y0 - (0 - low) / (high - low) * (y0 - y1), y0 - (-down - low) / (high - low) * (y0 - y1)
      ) b
      GROUP BY x, hatched, words
    ) g;
  SELECT * INTO key FROM retention_internal.plot_legend(
    names || CASE WHEN partial THEN ARRAY['partial'] ELSE '{}' END,
    (SELECT array_agg(retention_internal.plot_swatch(class) ORDER BY i) FROM unnest(classes) WITH ORDINALITY c (class, i))
      || CASE WHEN partial THEN ARRAY[retention_internal.plot_swatch('s0', hatch)] ELSE '{}' END, 0, y0 + 44, width);
  RETURN retention_internal.plot_svg(kind, width, (y0 + 32 + key.height)::integer, title, description, body || key.body);
END
$$;
COMMENT ON FUNCTION retention_internal.plot_bars(text, text, text, text, jsonb, text[], text[], text, integer) IS
'stacked bars by period, what came above the line and what went below it, as SVG';

CREATE FUNCTION retention_internal.plot_flow(flow jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.plot_bars('flow', 'Customers gained and lost by ' || unit,
    'Above the line those there at the end of the period but not at its start, below it those lost.', 'customers',
    jsonb_agg(jsonb_build_object('at', period_start, 'hatched', status = 'partial', 'up', jsonb_build_array(gained, reactivated), 'down', lost,
      'words', format('%s: gained %s, back again %s, lost %s, at the end %s%s', retention_internal.plot_period(period_start, unit),
        retention_internal.plot_count(gained), retention_internal.plot_count(reactivated), retention_internal.plot_count(lost), retention_internal.plot_count(at_end),
        CASE WHEN status = 'partial' THEN ' (partial)' ELSE '' END))),
    ARRAY['gained', 'back again', 'lost'], ARRAY['s1', 's6', 's2'], unit, width)
  FROM jsonb_to_recordset(flow) AS f (period_start timestamp, status text, gained numeric, reactivated numeric, lost numeric, at_end numeric)
$$;
COMMENT ON FUNCTION retention_internal.plot_flow(jsonb, text, integer) IS 'the movements of the rows of flow_periods() as SVG';

CREATE FUNCTION retention_internal.plot_lifecycle(lifecycle jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.plot_bars('lifecycle', 'Active customers by ' || unit,
    'Above the line the active customers: retained from the period before, back after a pause, new. Below it those active in the period before and not in this one.',
    'active customers',
    jsonb_agg(jsonb_build_object('at', period_start, 'hatched', status = 'partial', 'up', jsonb_build_array(retained, resurrected, new), 'down', dormant,
      'words', format('%s: active %s, of them retained %s, back again %s, new %s; gone dormant %s%s', retention_internal.plot_period(period_start, unit),
        retention_internal.plot_count(active), retention_internal.plot_count(retained), retention_internal.plot_count(resurrected), retention_internal.plot_count(new),
        coalesce(retention_internal.plot_count(dormant), 'unknown'), CASE WHEN status = 'partial' THEN ' (partial)' ELSE '' END))),
    ARRAY['retained', 'back again', 'new', 'gone dormant'], ARRAY['s1', 's6', 's5', 's0'], unit, width)
  FROM jsonb_to_recordset(lifecycle) AS l (period_start timestamp, status text, active numeric, new numeric, retained numeric,
    resurrected numeric, dormant numeric)
$$;
COMMENT ON FUNCTION retention_internal.plot_lifecycle(jsonb, text, integer) IS 'the rows of lifecycle() as SVG';

-- How long they stay.

CREATE FUNCTION retention_internal.plot_survival(groups jsonb, unit text, width integer DEFAULT 520) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  last double precision;
  step double precision;
  x0 constant double precision := 44;
  x1 constant double precision := width - 14;
  y0 constant double precision := CASE WHEN width < 480 THEN 196 ELSE 236 END;
  y1 constant double precision := 26;
  y double precision := y0 + 58;
  colour integer := 0;
  body text;
  curves text := '';
  one record;
  path record;
BEGIN
  SELECT max("time") INTO last
    FROM jsonb_array_elements(groups) g, jsonb_to_recordset(g -> 'curve') AS c ("time" double precision, survival double precision)
    WHERE survival IS NOT NULL;
  IF last IS NULL THEN
    RETURN retention_internal.plot_svg('survival', width, 48, 'Survival', 'Nobody was followed.', '');
  END IF;
  last := greatest(last, 1e-9);
  -- Days read best in weeks, months and years.
  SELECT coalesce(min(s), retention_internal.plot_step(last, CASE WHEN width < 480 THEN 5 ELSE 7 END)) INTO step
    FROM unnest(ARRAY[14, 30, 60, 90, 180, 365, 730, 1825, 3650]) s
    WHERE unit = 'days' AND last > 50 AND last / s <= CASE WHEN width < 480 THEN 5 ELSE 7 END;

  body := retention_internal.plot_y_axis(0, 100, 25, x0, x1, y0, y1, '&#160;%')
    || (SELECT string_agg(format('<text class="soft" x="%s" y="%s" text-anchor="middle">%s</text>',
          round((x0 + v::double precision / last * (x1 - x0))::numeric, 1), y0 + 18,
          CASE WHEN step < 1 THEN trim_scale(v)::text ELSE retention_internal.plot_count_short(v) END), '' ORDER BY v)
        FROM generate_series(0, last::numeric, step::numeric) v)
    || format('<text class="soft" x="0" y="14">per cent still there</text><text class="soft" x="%s" y="%s" text-anchor="end">%s after the start</text>',
      x1, y0 + 34, retention_internal.plot_escape(unit));

  FOR one IN
    SELECT g ->> 'name' AS name, everybody, (g ->> 'median')::numeric AS median, (g ->> 'customers')::numeric AS customers, g -> 'curve' AS curve
    FROM jsonb_array_elements(groups) WITH ORDINALITY e (g, n), LATERAL (SELECT coalesce((g ->> 'everybody')::boolean, false) AS everybody) b
    ORDER BY everybody DESC, (g ->> 'customers')::numeric DESC NULLS LAST, n
    LIMIT 9
  LOOP
    IF NOT one.everybody THEN
      colour := colour + 1;
    END IF;
    CONTINUE WHEN colour > 8;
    -- Steps, no more than one a pixel: from each time to the next the curve and its limits stay as they are. Where there are no limits
    -- (nobody has left yet, or nobody is there any more) there is no band; each stretch that has them is closed for itself.
    SELECT string_agg(line, '' ORDER BY stretch) AS line, string_agg(band, '' ORDER BY stretch) AS band
      INTO path
      FROM (
        SELECT stretch, string_agg(format('H%sV%s', x, at), '' ORDER BY x) AS line,
          CASE WHEN bool_and(banded) THEN format('M%s %s', min(x), y1) || string_agg(format('V%sH%s', high, until), '' ORDER BY x)
            || string_agg(format('V%sH%s', low, x), '' ORDER BY x DESC) || 'Z' END AS band
        FROM (
          SELECT *, coalesce(lead(x) OVER (ORDER BY x), x) AS until, count(*) FILTER (WHERE banded <> before) OVER (ORDER BY x) AS stretch
          FROM (
            SELECT *, lag(banded) OVER (ORDER BY x) AS before
            FROM (
              SELECT DISTINCT ON (x) p.x, round((y0 - survival * (y0 - y1))::numeric, 1) AS at, round((y0 - c.low * (y0 - y1))::numeric, 1) AS low,
                round((y0 - c.high * (y0 - y1))::numeric, 1) AS high, c.low IS NOT NULL AND c.high IS NOT NULL AS banded
              FROM jsonb_to_recordset(one.curve) AS c ("time" double precision, survival double precision, low double precision, high double precision),
                LATERAL (SELECT round((x0 + "time" / last * (x1 - x0))::numeric) AS x) p
              WHERE survival IS NOT NULL
              ORDER BY x, "time" DESC
            ) pixel
          ) step
        ) step
        GROUP BY stretch
      ) stretch;
    CONTINUE WHEN path.line IS NULL;
    curves := format('<g class="curve s%s">%s<path class="line"%s d="M%s %s%s"/></g>', colour,
        CASE WHEN one.everybody THEN '' ELSE coalesce(format('<path class="band" d="%s"/>', path.band), '') END,
        CASE WHEN one.everybody THEN ' stroke-dasharray="5 3"' ELSE '' END, x0, y1, path.line) || curves;
    body := body || format('<g class="key s%s"><path class="line"%s d="M0 %sh20"/><text x="28" y="%s">%s</text>',
        colour, CASE WHEN one.everybody THEN ' stroke-dasharray="5 3"' ELSE '' END, y - 4, y,
        retention_internal.plot_fit(one.name, CASE WHEN width < 480 THEN 130 ELSE 260 END))
      || format('<text class="soft" x="%s" y="%s" text-anchor="end">%s%s</text></g>', x1, y,
        CASE WHEN one.median IS NULL THEN 'more than half stay' ELSE format('median %s %s', trim_scale(round(one.median, 1)), retention_internal.plot_escape(unit)) END,
        CASE WHEN width < 480 THEN '' ELSE ', ' || retention_internal.plot_count(one.customers) || ' customers' END);
    y := y + 18;
  END LOOP;
  IF colour > 8 THEN
    body := body || format('<text class="soft" x="28" y="%s">the eight largest of %s</text>', y,
      (SELECT count(*) FROM jsonb_array_elements(groups) g WHERE NOT coalesce((g ->> 'everybody')::boolean, false)));
    y := y + 18;
  END IF;
  RETURN retention_internal.plot_svg('survival', width, (y - 6)::integer, 'Survival: share of customers still there by time since the start',
    'Kaplan-Meier curves with their 95 % bands; the median is the time after which half have left.', body || curves);
END
$$;
COMMENT ON FUNCTION retention_internal.plot_survival(jsonb, text, integer) IS
'survival curves as SVG: [{"name", "everybody", "customers", "median", "curve": [{"time", "survival", "low", "high"}]}]';

-- Rates side by side.

CREATE FUNCTION retention_internal.plot_segments(segments jsonb, width integer DEFAULT 520) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  least_rate double precision;
  most_rate double precision;
  step double precision;
  x0 constant double precision := CASE WHEN width < 480 THEN 104 ELSE 150 END;
  x1 constant double precision := width - 62;
  y1 constant double precision := 26;
  y0 double precision;
  body text;
BEGIN
  SELECT min(coalesce(low, retention_rate)), max(coalesce(high, retention_rate)), y1 + 26 * count(*) INTO least_rate, most_rate, y0
    FROM jsonb_to_recordset(segments) AS s (retention_rate double precision, low double precision, high double precision);
  IF least_rate IS NULL THEN
    RETURN retention_internal.plot_svg('segments', width, 48, 'Retention by segment', 'There are no segments.', '');
  END IF;
  step := retention_internal.plot_step(greatest(most_rate - least_rate, 4), CASE WHEN width < 480 THEN 3 ELSE 5 END);
  least_rate := floor(least_rate / step) * step;
  most_rate := ceil(most_rate / step) * step;

  SELECT string_agg(format('<path class="rule" d="M%s %sV%s"/><text class="soft" x="%s" y="%s" text-anchor="middle">%s&#160;%%</text>',
      x, y1 - 6, y0, x, y1 - 12, trim_scale(v)), '' ORDER BY v)
    INTO body
    FROM (
      SELECT v, round((x0 + (v::double precision - least_rate) / (most_rate - least_rate) * (x1 - x0))::numeric, 1) AS x
      FROM generate_series(least_rate::numeric, most_rate::numeric, step::numeric) v
    ) t;
  SELECT body || string_agg(format('<g class="segment s1"><text x="%s" y="%s" text-anchor="end">%s</text>', x0 - 12, y + 4,
        retention_internal.plot_fit(CASE WHEN segment IS NULL THEN 'everybody' ELSE value END, x0 - 12))
      || CASE WHEN retention_rate IS NULL THEN '</g>' ELSE
        coalesce(format('<path class="whisker" stroke-width="3" d="M%s %sH%s"/>', x_low, y, x_high), '')
        || format('<circle class="fill" cx="%s" cy="%s" r="4"/><text class="strong" x="%s" y="%s" text-anchor="end">%s</text>'
          '<title>%s: %s%s, %s of %s</title></g>', x, y, width - 4, y + 4, retention_internal.plot_percent(retention_rate),
          retention_internal.plot_fit(value, 400), retention_internal.plot_percent(retention_rate),
          coalesce(' (' || round(low, 1) || ' to ' || round(high, 1) || ')', ''), retention_internal.plot_count(kept), retention_internal.plot_count(at_start)) END,
      '' ORDER BY y)
    INTO body
    FROM (
      SELECT s.*, y1 + 26 * (n - 0.5) AS y,
        round((x0 + (retention_rate::double precision - least_rate) / (most_rate - least_rate) * (x1 - x0))::numeric, 1) AS x,
        round((x0 + (low::double precision - least_rate) / (most_rate - least_rate) * (x1 - x0))::numeric, 1) AS x_low,
        round((x0 + (high::double precision - least_rate) / (most_rate - least_rate) * (x1 - x0))::numeric, 1) AS x_high
      FROM jsonb_array_elements(segments) WITH ORDINALITY e (one, n),
        jsonb_to_record(one) AS s (segment text, value text, at_start numeric, kept numeric, retention_rate numeric, low numeric, high numeric)
    ) p;
  RETURN retention_internal.plot_svg('segments', width, (y0 + 8)::integer, 'Retention by segment',
    'Retention rate of each value in per cent with its 95 % interval.', body);
END
$$;
COMMENT ON FUNCTION retention_internal.plot_segments(jsonb, integer) IS
'retention rates with their intervals side by side as SVG: [{"value", "at_start", "kept", "retention_rate", "low", "high"}]';
