-- report: templates of HTML and SVG, and what makes a text safe to stand in them. The templates are files beside this
-- one, which script/lib/templates.awk joins into the function template().

CREATE FUNCTION retention_internal.plot_visible(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
  -- Control characters, those that turn the direction of writing, and others that cannot be seen would show a reader
  -- another text than the one that is there. The joiners U+200C and U+200D and the variation selectors stay: Persian
  -- and emoji are spelled with them.
  SELECT CASE WHEN value !~ hidden THEN value ELSE (
      SELECT string_agg(CASE WHEN letter !~ hidden THEN letter
          WHEN ascii(letter) < 65536 THEN '\u' || lpad(upper(to_hex(ascii(letter))), 4, '0')
          ELSE '\U' || lpad(upper(to_hex(ascii(letter))), 8, '0') END, '' ORDER BY n)
      FROM string_to_table(value, NULL) WITH ORDINALITY AS l (letter, n)) END
  FROM (SELECT '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f' || CASE getdatabaseencoding() WHEN 'UTF8' THEN
    '\u0080-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f'
    '\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001d173-\U0001d17a\U000e0000-\U000e00ff' ELSE '' END
    || ']' AS hidden) h
$$;
COMMENT ON FUNCTION retention_internal.plot_visible(text) IS
'text in which characters that cannot be seen are shown as escapes, such as \u202E';

CREATE FUNCTION retention_internal.plot_escape(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
  -- Most texts are plain: a call of plot_visible() for each of them would cost more than all the rest.
  SELECT replace(replace(replace(replace(replace(
      CASE WHEN value ~ '^[\x20-\x7e]*$' THEN value ELSE retention_internal.plot_visible(value) END,
      '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
$$;
COMMENT ON FUNCTION retention_internal.plot_escape(text) IS
'text as it stands in XML and HTML, inside elements and attributes';

CREATE FUNCTION retention_internal.fill(template text, parts jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  filled text;
  missing text;
BEGIN
  -- The template is cut at its marks before any value is looked at, so that a value cannot hold one. Each piece is a
  -- mark and the text after it; a section lasts until the next mark of a section.
  WITH piece AS (
    SELECT n, CASE WHEN n = 1 THEN '' WHEN piece ~ '^[{#^/]' THEN left(piece, 1) ELSE '=' END AS kind,
      CASE WHEN n > 1 THEN ltrim(split_part(piece, '}}', 1), '{#^/') END AS name,
      CASE WHEN n = 1 THEN piece ELSE substr(piece, strpos(piece, '}}') + CASE WHEN piece LIKE '{%' THEN 3 ELSE 2 END)
        END AS text
    FROM string_to_table(retention_internal.template(template), '{{') WITH ORDINALITY AS t (piece, n)
  ), numbered AS (
    SELECT p.*, count(*) FILTER (WHERE kind IN ('#', '^', '/')) OVER (ORDER BY n) AS section FROM piece p
  ), cut AS MATERIALIZED (
    SELECT d.*, first_value(kind) OVER s AS section_kind, first_value(name) OVER s AS section_name
    FROM numbered d WINDOW s AS (PARTITION BY section ORDER BY n)
  )
  SELECT string_agg(coalesce(CASE kind
        WHEN '{' THEN value
        WHEN '=' THEN CASE WHEN value ~ '^[-A-Za-z0-9 .,:]*$' THEN value ELSE retention_internal.plot_escape(value) END
        END, '') || text, '' ORDER BY place, n),
      min(name) FILTER (WHERE place = 1 AND kind <> '/' AND NOT part ? name)
    INTO filled, missing
    FROM jsonb_array_elements(CASE jsonb_typeof(parts) WHEN 'array' THEN parts
        WHEN 'object' THEN jsonb_build_array(parts) ELSE '[]' END) WITH ORDINALITY AS p (part, place)
      CROSS JOIN cut CROSS JOIN LATERAL (SELECT part ->> name AS value) v
    WHERE CASE section_kind
      WHEN '#' THEN coalesce(part ->> section_name NOT IN ('', 'false'), false)
      WHEN '^' THEN coalesce(part ->> section_name IN ('', 'false'), true)
      ELSE true END;
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('template "%s" needs a value of "%s"', template, missing);
  END IF;
  RETURN coalesce(filled, '');
END
$$;
COMMENT ON FUNCTION retention_internal.fill(text, jsonb) IS
'a template with its marks replaced by the values of an object, or once for each object of an array: {{name}} is '
'escaped, {{{name}}} is not; {{#name}} and {{^name}} begin a section for when there is such a value, or none, '
'{{/name}} ends it';
