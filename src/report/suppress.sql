-- report: small counts that are not shown. What the views of the source hide, its report hides, too.

CREATE FUNCTION retention_internal.report_hidden(source retention_internal.source, as_of text) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  answer jsonb;
BEGIN
  IF source.suppress_below IS NOT NULL THEN
    EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_build_object(''what'', h.what, ''attributes'', h.attributes, '
      '''key'', retention_internal.report_row(h.key, %L::@extschema@.retention_grid))), ''[]'') FROM (%s) AS h',
      source.grid, retention_internal.source_hidden_counts(source, as_of)) INTO answer;
  END IF;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION retention_internal.report_hidden(retention_internal.source, text) IS
'the counts that the views of a source hide, as a report writes their rows; NULL: none';

CREATE FUNCTION retention_internal.report_suppressed(rows jsonb, what text, hidden jsonb, period jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Rows of segments are about one period, which stands beside them. What the views do not have is hidden with any.
  SELECT CASE WHEN $3 IS NULL OR jsonb_typeof($1) IS DISTINCT FROM 'array' THEN $1 ELSE (
    SELECT coalesce(jsonb_agg(CASE WHEN h.attributes IS NULL THEN e.r ELSE (
        SELECT jsonb_object_agg(f.key, CASE
          WHEN c.role = '!' THEN '"suppressed"'
          WHEN c.role IN ('=', '+') OR (c.role = '#' AND NOT h.attributes ? f.key)
            OR NOT h.attributes ?| c."with" THEN f.value
          ELSE 'null' END)
        FROM jsonb_each(e.r) AS f LEFT JOIN retention_internal.source_shown_columns($2) AS c ON c.attribute = f.key)
      END ORDER BY e.n), '[]')
    FROM jsonb_array_elements($1) WITH ORDINALITY AS e (r, n)
      LEFT JOIN (SELECT a.h -> 'key' AS key, a.h -> 'attributes' AS attributes FROM jsonb_array_elements($3) AS a (h)
        WHERE a.h ->> 'what' = $2) AS h ON e.r || $4 @> h.key) END
$$;
COMMENT ON FUNCTION retention_internal.report_suppressed(jsonb, text, jsonb, jsonb) IS
'rows of a report without the counts that a view hides; hidden: what report_hidden() returned, NULL: all are shown';

CREATE FUNCTION retention_internal.report_suppressed_segments(rows jsonb, hidden jsonb, starts jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- p-values are adjusted for those that are shown.
  WITH shown AS (
    SELECT e.r, e.n, (e.r ->> 'p_value')::double precision AS p
    FROM jsonb_array_elements(retention_internal.report_suppressed($1, 'flow_by_segment', $2,
      jsonb_build_object('period_start', $3))) WITH ORDINALITY AS e (r, n)
  ), adjusted AS (
    SELECT retention_internal.report_adjusted(array_agg(s.p ORDER BY s.n)) AS p FROM shown AS s
  )
  SELECT CASE WHEN $2 IS NULL THEN $1 ELSE (
    SELECT coalesce(jsonb_agg(s.r || jsonb_build_object('p_adjusted', a.p[s.n]) ORDER BY s.n), '[]')
    FROM shown AS s, adjusted AS a) END
$$;
COMMENT ON FUNCTION retention_internal.report_suppressed_segments(jsonb, jsonb, jsonb) IS
'the segments of a report in the period with a start, without what the flow by segment hides';

CREATE FUNCTION retention_internal.report_suppressed_values(rows jsonb, part text, keys text[], below integer)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Customers of a value, and those of them who left or stayed; the values of an attribute make up all customers.
  WITH value AS (
    SELECT e.r, e.n::integer AS n, (e.r ->> 'customers')::numeric AS customers, (e.r ->> 'churned')::numeric AS churned,
      (dense_rank() OVER (ORDER BY e.r ->> $2))::integer AS line
    FROM jsonb_array_elements(CASE jsonb_typeof($1) WHEN 'array' THEN $1 ELSE '[]' END) WITH ORDINALITY AS e (r, n)
  ), hidden AS (
    SELECT u.hidden, u.n
    FROM (
      SELECT retention_internal.source_hidden(
        array_agg(coalesce(v.customers BETWEEN 1 AND $4 - 1, false) OR coalesce(v.churned BETWEEN 1 AND $4 - 1, false)
          OR coalesce(v.customers - v.churned BETWEEN 1 AND $4 - 1, false) ORDER BY v.n),
        array_agg(v.customers::bigint ORDER BY v.n), array_agg(false ORDER BY v.n), array_agg(v.n ORDER BY v.n),
        array_agg(v.line ORDER BY v.n)) AS hidden
      FROM value AS v
    ) AS a, unnest(a.hidden) WITH ORDINALITY AS u (hidden, n)
  )
  SELECT CASE WHEN $4 IS NULL OR jsonb_typeof($1) IS DISTINCT FROM 'array' THEN $1 ELSE (
    SELECT coalesce(jsonb_agg(CASE WHEN h.hidden THEN (
        SELECT jsonb_object_agg(f.key, CASE WHEN f.key = ANY ($3) THEN f.value WHEN f.key = 'note' THEN '"suppressed"'
          ELSE 'null' END) FROM jsonb_each(v.r) AS f) ELSE v.r END ORDER BY v.n), '[]')
    FROM value AS v JOIN hidden AS h ON h.n = v.n) END
$$;
COMMENT ON FUNCTION retention_internal.report_suppressed_values(jsonb, text, text[], integer) IS
'counts of customers by value, of each part, without the small ones and those that would tell them; below NULL: all';

CREATE FUNCTION retention_internal.report_suppressed_ranking(ranking jsonb, drivers jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Figures of an attribute are equations in the counts of its values.
  SELECT CASE WHEN jsonb_typeof($1) IS DISTINCT FROM 'array' THEN $1 ELSE (
    SELECT coalesce(jsonb_agg(CASE WHEN EXISTS (SELECT FROM jsonb_array_elements($2) AS d (r)
        WHERE d.r -> 'attribute' = e.r -> 'attribute' AND d.r ->> 'note' = 'suppressed') THEN (
        SELECT jsonb_object_agg(f.key, CASE WHEN f.key IN ('attribute', 'values') THEN f.value
          WHEN f.key = 'note' THEN '"suppressed"' ELSE 'null' END) FROM jsonb_each(e.r) AS f)
      ELSE e.r END ORDER BY e.n), '[]')
    FROM jsonb_array_elements($1) WITH ORDINALITY AS e (r, n)) END
$$;
COMMENT ON FUNCTION retention_internal.report_suppressed_ranking(jsonb, jsonb) IS
'the ranking of drivers without the figures of attributes whose values are hidden in part';
