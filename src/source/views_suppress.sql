-- source: small counts that are not shown. Cohorts hide cells (cohort_cells()), the other views rows.

CREATE FUNCTION retention_internal.source_shown_columns(what text)
RETURNS TABLE (attribute text, role text, place bigint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
  -- = is a key, ! the status, # a count that may be too small to be shown, ~ what is hidden with it
  SELECT substr(c.c, 2), left(c.c, 1), c.place
  FROM (VALUES
    ('flow', '=period_start =period_end !status #at_start #joined #gained #reactivated #lost #at_end #kept '
      '#joined_and_left #reactivated_and_left #left_and_returned #departures ~customer_days ~retention_rate '
      '~retention_low ~retention_high ~churn_rate ~churn_low ~churn_high'),
    ('lifecycle', '=period_start #active #new #retained #resurrected #dormant !status'),
    ('curve', '=period =period_label =cohorts #at_risk #retained ~retention_rate ~ci_low ~ci_high'),
    ('stickiness', '=active_periods #customers ~share'),
    ('segments', '=segment =value =period_start =period_end #at_start #kept #lost ~retention_rate ~retention_low '
      '~retention_high ~churn_rate ~churn_low ~churn_high ~rest_at_start ~rest_kept ~rest_retention_rate ~difference '
      '~difference_low ~difference_high ~p_value')) AS v (what, columns),
    string_to_table(CASE WHEN $1 ~ '_by_segment$' THEN '=segment =value ' ELSE '' END || v.columns, ' ')
      WITH ORDINALITY AS c (c, place)
  WHERE v.what = split_part($1, '_', 1)
$$;
COMMENT ON FUNCTION retention_internal.source_shown_columns(text) IS
'the columns of a view whose rows with small counts are hidden, and what each is; none: another view';

CREATE FUNCTION retention_internal.source_suppressed(query text, what text, below integer) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- Where one row alone is hidden (of a segment, of a value), so is the next smallest: a total could give it away.
  SELECT CASE WHEN count(*) = 0 THEN $1 ELSE format(E'SELECT %s\nFROM (\n  SELECT r.*, r.retention_small OR (\n    '
      'count(*) FILTER (WHERE r.retention_small) OVER (%s) = 1\n    AND row_number() OVER (PARTITION BY '
      '%sr.retention_small ORDER BY nullif(r.%s, 0), r.%s) = 1) AS retention_hidden\n  FROM (SELECT v.*, coalesce(%s, '
      'false) AS retention_small FROM (\n%s\n) AS v) AS r\n) AS r\nORDER BY %s',
    string_agg(CASE c.role WHEN '=' THEN format('r.%I', c.attribute)
      WHEN '!' THEN format('CASE WHEN r.retention_hidden THEN ''suppressed'' ELSE r.%1$I END AS %1$I', c.attribute)
      ELSE format('CASE WHEN NOT r.retention_hidden THEN r.%1$I END AS %1$I', c.attribute) END, ', ' ORDER BY c.place),
    max(coalesce('PARTITION BY ' || rtrim(p.parts, ', '), '')), max(coalesce(p.parts, '')),
    (array_agg(quote_ident(c.attribute) ORDER BY c.place) FILTER (WHERE c.role = '#'))[1],
    (array_agg(quote_ident(c.attribute) ORDER BY c.place) FILTER (WHERE c.role = '='))[max(p.first)],
    string_agg(format('v.%I BETWEEN 1 AND %s', c.attribute, $3 - 1), ' OR ') FILTER (WHERE c.role = '#'), $1,
    string_agg(format('r.%I', c.attribute), ', ' ORDER BY c.place) FILTER (WHERE c.role = '=')) END
  FROM retention_internal.source_shown_columns($2) AS c,
    (SELECT CASE WHEN $2 = 'segments' THEN 'r.segment, '
        WHEN $2 ~ '_by_segment$' THEN 'r.segment, r.value, ' END AS parts,
      CASE WHEN $2 = 'segments' THEN 2 WHEN $2 ~ '_by_segment$' THEN 3 ELSE 1 END AS first) AS p
$$;
COMMENT ON FUNCTION retention_internal.source_suppressed(text, text, integer) IS
'the query of a view, without the numbers of rows that have a count from 1 to one less than below';
