-- source: small counts that are not shown. Of the numbers that the views of a source show some follow from others: kept
-- and lost from those at the start, a cell of a cohort from the active customers of its period, a value of a segment
-- from everybody. Each such sum is a line (base/suppress.h), and so many numbers are hidden that on no line exactly one
-- is. All views hide the same, so that none tells what another hides.

CREATE FUNCTION retention_internal.source_shown_columns(what text)
RETURNS TABLE (attribute text, role text, "with" text[], place bigint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
  -- = is a key, + another column that is always shown, ! the status, # a count, ~ what is hidden with any count of its
  -- row, or with those after <, ^ what is hidden with any count of its cohort so far, / what is about a tenth of the
  -- customers
  SELECT (string_to_array(substr(c.c, 2), '<'))[1], left(c.c, 1),
    string_to_array((string_to_array(c.c, '<'))[2], ','), c.place
  FROM (VALUES
    ('flow', '=period_start +period_end !status #at_start #joined #gained #reactivated #lost #at_end #kept '
      '#joined_and_left #reactivated_and_left #left_and_returned #departures ~customer_days '
      '~retention_rate<at_start,kept,lost ~retention_low<at_start,kept,lost ~retention_high<at_start,kept,lost '
      '~churn_rate<at_start,kept,lost ~churn_low<at_start,kept,lost ~churn_high<at_start,kept,lost'),
    ('cohorts', '=cohort #cohort_size =period +period_label +period_start +period_end ~at_risk #retained '
      '~retention_rate ~ci_low ~ci_high !status ~note'),
    ('revenue', '=period_start +period_end !status =currency ~opening_mrr<opening_customers ~new_mrr<new_customers '
      '~reactivation_mrr<reactivated_customers ~expansion_mrr<expanded_customers '
      '~contraction_mrr<contracted_customers ~churned_mrr<churned_customers ~closing_mrr<closing_customers '
      '#opening_customers #new_customers #reactivated_customers #expanded_customers #contracted_customers '
      '#churned_customers #closing_customers '
      '~net_revenue_retention<opening_customers,expanded_customers,contracted_customers,churned_customers '
      '~nrr_low<opening_customers,expanded_customers,contracted_customers,churned_customers '
      '~nrr_high<opening_customers,expanded_customers,contracted_customers,churned_customers '
      '~gross_revenue_retention<opening_customers,contracted_customers,churned_customers '
      '~grr_low<opening_customers,contracted_customers,churned_customers '
      '~grr_high<opening_customers,contracted_customers,churned_customers '
      '~gross_mrr_churn_rate<opening_customers,contracted_customers,churned_customers '
      '~net_mrr_churn_rate<opening_customers,reactivated_customers,expanded_customers,contracted_customers,'
      'churned_customers ~quick_ratio<new_customers,expanded_customers,contracted_customers,churned_customers '
      '~arpa<closing_customers #unpaid_customers'),
    ('value', '#customers #one_time_buyers #repeat_buyers ~repeat_purchase_rate ~rate_low ~rate_high ~orders ~refunds '
      '~purchase_days ~orders_per_customer ~average_order_value ~revenue ~days_between_mean ~days_between_median '
      '/top_tenth_share'),
    ('cohort_value', '=cohort #cohort_size =period +period_start +period_end ~at_risk #retained ~amount ~per_retained '
      '~per_customer ^cumulative ~share_of_first ~gross_share_of_first !status'),
    ('lifecycle', '=period_start #active #new #retained #resurrected #dormant !status'),
    ('curve', '=period +period_label +cohorts ~at_risk #retained ~retention_rate ~ci_low ~ci_high'),
    ('stickiness', '=active_periods #customers ~share'),
    ('segments', '=segment =value =period_start +period_end #at_start #kept #lost ~retention_rate ~retention_low '
      '~retention_high ~churn_rate ~churn_low ~churn_high ~rest_at_start ~rest_kept ~rest_retention_rate ~difference '
      '~difference_low ~difference_high ~p_value')) AS v (what, columns),
    string_to_table(CASE WHEN $1 ~ '_by_segment$' THEN '=segment =value ' ELSE '' END || v.columns, ' ')
      WITH ORDINALITY AS c (c, place)
  WHERE v.what = replace($1, '_by_segment', '')
$$;
COMMENT ON FUNCTION retention_internal.source_shown_columns(text) IS
'the columns of a view whose small counts are hidden, and what each is; none: another view';

CREATE FUNCTION retention_internal.source_lines(source retention_internal.source)
RETURNS TABLE (what text, attribute text, line text, at text, condition text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 60 SET search_path = pg_catalog, pg_temp AS $$
  -- Of the subscribers who are there at the end of a period a lifecycle says what a flow says, but for those who had
  -- left before the end of their first period. In other cohorts the two have only those in common who join.
  SELECT l.what, a.attribute, l.line, coalesce(l.at, 'v.period_start'), coalesce(l.condition, 'true')
  FROM (SELECT $1.presence IS NOT DISTINCT FROM 'at_end' AS at_end,
      g.windows = 'calendar' AND g.cohorts = 'first' AND g.brackets IS NULL AS plain
    FROM @extschema@.grid_options($1.grid) AS g) AS o, LATERAL (VALUES
    ('flow', 'at_start,kept,lost', 'start', NULL, NULL, true),
    ('flow', 'at_end,kept,gained,reactivated', 'end', NULL, NULL, true),
    ('flow', 'at_start,gained,reactivated,lost,at_end', 'net', NULL, NULL, true),
    ('flow', 'joined,gained,joined_and_left', 'joined', NULL, NULL, true),
    ('flow', 'departures,lost,joined_and_left,reactivated_and_left,left_and_returned', 'departures', NULL, NULL, true),
    ('flow', 'at_start', 'stock', NULL, NULL, true), ('flow', 'at_end', 'stock', 'v.period_end', NULL, true),
    ('lifecycle', 'active,new,retained,resurrected', 'active', NULL, NULL, true),
    ('lifecycle', 'retained,dormant', 'before', NULL, NULL, true),
    ('lifecycle', 'active', 'before', 'v.retention_next', NULL, true),
    ('flow', 'joined', 'new', NULL, NULL, NOT o.at_end), ('flow', 'gained', 'new', NULL, NULL, o.at_end),
    ('lifecycle', 'new', 'new', NULL, NULL, true),
    ('flow', 'kept', 'retained', NULL, NULL, o.at_end), ('lifecycle', 'retained', 'retained', NULL, NULL, o.at_end),
    ('flow', 'lost', 'lost', NULL, NULL, o.at_end), ('lifecycle', 'dormant', 'lost', NULL, NULL, o.at_end),
    ('flow', 'reactivated', 'back', NULL, NULL, o.at_end), ('lifecycle', 'resurrected', 'back', NULL, NULL, o.at_end),
    ('flow', 'at_end', 'there', NULL, NULL, o.at_end), ('lifecycle', 'active', 'there', NULL, NULL, o.at_end),
    -- The first line of a cell: whoever knows that a cohort is small knows that all its cells are.
    ('cohorts', 'cohort_size,retained', 'cohort', 'v.cohort', NULL, true),
    ('cohorts', 'retained', 'period', 'v.period', NULL, true),
    ('cohorts', 'retained', 'pooled', 'v.period', 'v.status = ''observed''', true),
    ('curve', 'retained', 'pooled', 'v.period', NULL, true),
    ('cohorts', 'retained', 'calendar', NULL, NULL, o.plain), ('lifecycle', 'active', 'calendar', NULL, NULL, o.plain),
    ('cohorts', 'cohort_size', 'cohort of', NULL, NULL, o.plain), ('flow', 'joined', 'cohort of', NULL, NULL, o.plain),
    ('cohorts', 'retained', 'begun', NULL, 'v.period = 0', o.plain AND o.at_end),
    ('flow', 'gained', 'begun', NULL, NULL, o.plain AND o.at_end),
    -- Amounts add up as customers do, with those of customers who pay more or less. Where everybody pays in one
    -- currency, the customers are those of the flow.
    ('revenue', 'opening_customers,new_customers,reactivated_customers,churned_customers,closing_customers', 'paying',
      'jsonb_build_array(v.currency, v.period_start)', NULL, true),
    ('revenue', 'opening_customers,new_customers,reactivated_customers,expanded_customers,contracted_customers,'
      'churned_customers,closing_customers', 'amounts', 'jsonb_build_array(v.currency, v.period_start)', NULL, true),
    ('revenue', 'opening_customers', 'paid', 'jsonb_build_array(v.currency, v.period_start)', NULL, true),
    ('revenue', 'closing_customers', 'paid', 'jsonb_build_array(v.currency, v.period_end)', NULL, true),
    ('revenue', 'closing_customers,unpaid_customers', 'paid of all', NULL, NULL, true),
    ('flow', 'at_end', 'paid of all', NULL, NULL, true),
    ('revenue', 'new_customers', 'paid new', NULL, NULL, true), ('flow', 'gained', 'paid new', NULL, NULL, true),
    ('revenue', 'reactivated_customers', 'paid back', NULL, NULL, true),
    ('flow', 'reactivated', 'paid back', NULL, NULL, true),
    ('revenue', 'churned_customers', 'paid lost', NULL, NULL, true), ('flow', 'lost', 'paid lost', NULL, NULL, true),
    -- Cohorts of buyers are those of the events, and a period has all amounts of its cells.
    ('cohort_value', 'cohort_size,retained', 'bought', 'v.cohort', NULL, true),
    ('cohort_value', 'retained', 'bought in', NULL, NULL, true),
    ('cohort_value', 'cohort_size', 'bought of', 'v.cohort', NULL, o.plain),
    ('cohorts', 'cohort_size', 'bought of', 'v.cohort', NULL, o.plain),
    ('cohort_value', 'retained', 'bought cell', 'jsonb_build_array(v.cohort, v.period)', NULL, o.plain),
    ('cohorts', 'retained', 'bought cell', 'jsonb_build_array(v.cohort, v.period)', NULL, o.plain),
    ('value', 'customers,one_time_buyers,repeat_buyers', 'buyers', '0', NULL, true)
    ) AS l (what, attributes, line, at, condition, holds), string_to_table(l.attributes, ',') AS a (attribute)
  WHERE l.holds
$$;
COMMENT ON FUNCTION retention_internal.source_lines(retention_internal.source) IS
'which counts of the views add up, or are the same: those of a line and of one time (SQL over a row v), where a '
'condition holds';

CREATE FUNCTION retention_internal.source_key(what text, shown text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('jsonb_build_object(%s)', string_agg(format('%L, %s.%I', c.attribute, $2, c.attribute), ', '
    ORDER BY c.place))
  FROM retention_internal.source_shown_columns($1) AS c WHERE c.role = '='
$$;
COMMENT ON FUNCTION retention_internal.source_key(text, text) IS 'SQL: which row of a view a row of that name is';

CREATE FUNCTION retention_internal.source_small(source retention_internal.source, what text, attribute text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'coalesce(' || string_agg(c.small, ' OR ') || ', false)'
  FROM (
    -- Those who stay, and those who have refunds only, have no column of their own.
    SELECT format('%s BETWEEN 1 AND %s', d.difference, $1.suppress_below - 1) AS small
    FROM (VALUES ('revenue', 'churned_customers', 'v.opening_customers - v.churned_customers'),
      ('value', 'customers', 'v.customers - v.one_time_buyers - v.repeat_buyers')) AS d (what, attribute, difference)
    WHERE d.what = $2 AND d.attribute = $3
    UNION ALL
    SELECT format('v.%I BETWEEN 1 AND %s', a.a, $1.suppress_below - 1) AS small
    FROM unnest(ARRAY[$3] || CASE WHEN $3 = 'retained' AND $2 <> 'lifecycle' THEN ARRAY['at_risk'] ELSE '{}' END) AS a
    UNION ALL
    -- Two sums are known of stickiness: customers, and periods in which they were active. So three rows are hidden.
    SELECT format('(v.retention_place <= 3 AND v.retention_smallest < %s)', $1.suppress_below)
    WHERE $2 = 'stickiness'
  ) AS c
$$;
COMMENT ON FUNCTION retention_internal.source_small(retention_internal.source, text, text) IS
'SQL: whether a count in a row v of a view must not be shown';

CREATE FUNCTION retention_internal.source_counts(source retention_internal.source, query text, what text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  base constant text := replace(what, '_by_segment', '');
  of_cells constant boolean := base IN ('cohorts', 'cohort_value');
  valued constant boolean := base <> what;
  names constant text := CASE WHEN valued THEN 'v.segment, v.value' ELSE 'NULL, NULL' END;
  counts text;
BEGIN
  -- Everybody is on a line with the values of each segment.
  SELECT string_agg(format('(%L, %s, v.%I::bigint, %s, ARRAY[%s]::text[])', c.attribute,
      retention_internal.source_small(source, base, c.attribute), c.attribute,
      CASE WHEN of_cells AND (c.attribute = 'cohort_size' OR source.presence IS DISTINCT FROM 'at_end')
        THEN 'v.period = 0' ELSE 'false' END,
      concat_ws(', ', (
        SELECT string_agg(format('CASE WHEN %s THEN jsonb_build_array(%L, %s, %s)::text END', l.condition, l.line,
          names, l.at), ', ' ORDER BY l.line NOT IN ('cohort', 'bought'))
        FROM retention_internal.source_lines(source) AS l WHERE l.what = base AND l.attribute = c.attribute),
        CASE WHEN NOT of_cells THEN format('jsonb_build_array(''row'', %s, %L, %L%s)::text', names, base,
          c.attribute, CASE base WHEN 'revenue' THEN ', v.currency' ELSE '' END) END, (
        SELECT string_agg(format('jsonb_build_array(''across'', %s, %L, %L, %s)::text',
          CASE WHEN valued THEN 'v.segment' ELSE quote_literal(s.segment) END, base, c.attribute,
          retention_internal.source_key(base, 'v')), ', ' ORDER BY s.place)
        FROM unnest(CASE WHEN valued THEN '{segment}'::name[] ELSE source.segments END) WITH ORDINALITY AS s (segment,
          place)))), E',\n    ' ORDER BY c.place)
  INTO counts
  FROM retention_internal.source_shown_columns(what) AS c
  WHERE c.role = '#';
  RETURN format(E'SELECT %L AS what, %s AS key, u.*\nFROM (SELECT v.*%s FROM (\n%s\n) AS v) AS v,\n  LATERAL (VALUES %s'
      ') AS u (attribute, small, size, head, lines)%s', what, retention_internal.source_key(what, 'v'),
    CASE base WHEN 'lifecycle' THEN format(', lead(v.period_start) OVER (%s ORDER BY v.period_start) AS retention_next',
        CASE WHEN valued THEN 'PARTITION BY ' || names ELSE '' END)
      WHEN 'stickiness' THEN ', row_number() OVER (ORDER BY nullif(v.customers, 0)) AS retention_place, '
        'min(nullif(v.customers, 0)) OVER () AS retention_smallest' ELSE '' END, query, counts,
    CASE WHEN of_cells THEN E'\nWHERE u.attribute <> ''cohort_size'' OR v.period = 0' ELSE '' END);
END
$body$;
COMMENT ON FUNCTION retention_internal.source_counts(retention_internal.source, text, text) IS
'SQL: the counts that a view shows, from its query, with the lines that they are on';

CREATE FUNCTION retention_internal.source_hidden_counts(source retention_internal.source, as_of text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $body$
  SELECT format($q$WITH cell AS MATERIALIZED (
  SELECT (row_number() OVER ())::integer AS n, c.*
  FROM (
%s
  ) AS c
),
member AS MATERIALIZED (
  SELECT c.n, l.place, (dense_rank() OVER (ORDER BY l.line COLLATE "C"))::integer AS line
  FROM cell AS c, unnest(c.lines) WITH ORDINALITY AS l (line, place)
  WHERE l.line IS NOT NULL
),
hidden AS (
  SELECT c.what, c.key, array_agg(c.attribute) AS attributes
  FROM (
    SELECT retention_internal.source_hidden(s.small, s.sizes, s.heads, m.cells, m.lines) AS hidden
    FROM (SELECT array_agg(c.small ORDER BY c.n) AS small, array_agg(c.size ORDER BY c.n) AS sizes,
        array_agg(c.head ORDER BY c.n) AS heads FROM cell AS c) AS s,
      (SELECT array_agg(m.n ORDER BY m.n, m.place) AS cells, array_agg(m.line ORDER BY m.n, m.place) AS lines
        FROM member AS m) AS m
  ) AS a, unnest(a.hidden) WITH ORDINALITY AS u (hidden, n), cell AS c
  WHERE u.hidden AND c.n = u.n
  GROUP BY c.what, c.key
)
SELECT h.what, h.key, h.attributes || CASE WHEN bool_or('cohort_size' = ANY (h.attributes)) OVER (
  PARTITION BY h.what, h.key - 'period') THEN '{cohort_size}'::text[] ELSE '{}' END AS attributes
FROM hidden AS h$q$,
    string_agg(retention_internal.source_counts($1, v.query, v.what), E'\nUNION ALL\n' ORDER BY v.place))
  FROM (
    SELECT l.what, l.place, retention_internal.source_query($1, l.what, $2) AS query
    FROM unnest('{flow,cohorts,lifecycle,curve,stickiness,revenue,value,cohort_value,flow_by_segment,'
      'cohorts_by_segment,lifecycle_by_segment,curve_by_segment,revenue_by_segment,value_by_segment,'
      'cohort_value_by_segment}'::text[]) WITH ORDINALITY AS l (what, place)
  ) AS v
  WHERE v.query IS NOT NULL
$body$;
COMMENT ON FUNCTION retention_internal.source_hidden_counts(retention_internal.source, text) IS
'SQL: which counts in which rows of the views of a source are hidden, as of a time given as SQL';

CREATE FUNCTION retention_internal.source_suppressed(
  source retention_internal.source, query text, what text, as_of text
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $body$
  -- The view segments shows what the flow by segment shows; whatever is compared with the rest tells of everybody.
  SELECT format(E'WITH hidden AS MATERIALIZED (\n%s\n)\nSELECT %s\nFROM (\n%s\n) AS v\n  LEFT JOIN hidden AS h '
      'ON h.what = %s AND h.key = %s%s\nORDER BY %s',
    retention_internal.source_hidden_counts($1, $4),
    string_agg(CASE c.role WHEN '!'
        THEN format('CASE WHEN h.attributes IS NULL THEN v.%1$I ELSE ''suppressed'' END AS %1$I', c.attribute)
      WHEN '#' THEN format('CASE WHEN %2$L = ANY (h.attributes) THEN NULL ELSE v.%1$I END AS %1$I', c.attribute,
        c.attribute)
      WHEN '~' THEN CASE
        WHEN $3 = 'segments' THEN format('CASE WHEN h.attributes && %2$L%3$s THEN NULL ELSE v.%1$I END AS %1$I',
          c.attribute, '{at_start,kept,lost}'::text[], CASE WHEN c.attribute ~ 'rest|difference|p_value'
            THEN ' OR e.attributes && ''{at_start,kept,lost}''' ELSE '' END)
        WHEN c."with" IS NULL THEN format('CASE WHEN h.attributes IS NULL THEN v.%1$I END AS %1$I', c.attribute)
        ELSE format('CASE WHEN h.attributes && %2$L THEN NULL ELSE v.%1$I END AS %1$I', c.attribute, c."with") END
      WHEN '/' THEN format('CASE WHEN h.attributes IS NULL AND v.customers >= %1$s THEN v.%2$I END AS %2$I',
        10 * $1.suppress_below, c.attribute)
      WHEN '^' THEN format('CASE WHEN NOT bool_or(h.attributes IS NOT NULL) OVER (PARTITION BY %sv.cohort '
        'ORDER BY v.period) THEN v.%2$I END AS %2$I', CASE WHEN $3 ~ '_by_segment$' THEN 'v.segment, v.value, ' ELSE ''
        END, c.attribute)
      ELSE format('v.%I', c.attribute) END, ', ' ORDER BY c.place), $2,
    CASE $3 WHEN 'segments' THEN 'CASE v.segment WHEN ''all'' THEN ''flow'' ELSE ''flow_by_segment'' END'
      ELSE quote_literal($3) END,
    CASE $3 WHEN 'segments' THEN format('CASE v.segment WHEN ''all'' THEN %s ELSE %s END',
      retention_internal.source_key('flow', 'v'), retention_internal.source_key('flow_by_segment', 'v'))
      ELSE retention_internal.source_key($3, 'v') END,
    CASE $3 WHEN 'segments' THEN E'\n  LEFT JOIN hidden AS e ON e.what = ''flow'' AND e.key = '
      || retention_internal.source_key('flow', 'v') ELSE '' END,
    coalesce(string_agg(format('v.%I', c.attribute), ', ' ORDER BY c.place) FILTER (WHERE c.role = '='), '1'))
  FROM retention_internal.source_shown_columns($3) AS c
$body$;
COMMENT ON FUNCTION retention_internal.source_suppressed(retention_internal.source, text, text, text) IS
'the query of a view without the counts from 1 to one less than suppress_below, and without as many others as would '
'tell them';

-- A curve of survival is a table of departures by time, and each number in it tells of the steps before it. So steps
-- are joined until each has nobody or enough: the life table of coarse intervals, from whose counts alone the rates
-- are computed. Values of a segment have the same intervals, so that all customers less the others tell no more, and
-- their intervals are made of those of everybody.

CREATE FUNCTION retention_internal.survival_steps(counts bigint[], steps integer, allowed integer[], below integer)
RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
-- counts: of each curve its customers, then of each step those who have churned by then, and those censored before.
DECLARE
  width constant integer := 2 * steps + 1;
  curves constant integer := cardinality(counts) / width;
  ends integer[] := '{}';
  last integer := 0;
  at integer;
  step integer;
  fits boolean;
  n bigint;
BEGIN
  FOREACH step IN ARRAY allowed LOOP
    fits := true;
    FOR curve IN 0 .. curves - 1 LOOP
      at := curve * width + 1;
      n := counts[at] - counts[at + step] - counts[at + steps + step];
      fits := n = 0 OR n >= below;
      n := counts[at + step] - CASE WHEN last = 0 THEN 0 ELSE counts[at + last] END;
      fits := fits AND (n = 0 OR n >= below);
      n := counts[at + steps + step] - CASE WHEN last = 0 THEN 0 ELSE counts[at + steps + last] END;
      fits := fits AND (n = 0 OR n >= below);
      EXIT WHEN NOT fits;
    END LOOP;
    IF fits THEN
      ends := ends || step;
      last := step;
    END IF;
  END LOOP;
  RETURN ends;
END
$$;
COMMENT ON FUNCTION retention_internal.survival_steps(bigint[], integer, integer[], integer) IS
'the steps at which coarse intervals end, so that in each of some curves nobody or enough churn in it, are censored in '
'it and remain after it; of those that are allowed';

CREATE FUNCTION retention_internal.survival_coarse(state retention_survival, times double precision[])
RETURNS retention_survival
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- Departures count at the end of their interval, and who is still there has been followed for those that are over.
  SELECT @extschema@.survival(n.at, n.churned)
  FROM (
    SELECT u.at, u.churned, u.n
    FROM @extschema@.survival_curve($1, 'log-log'::text, 0.95::double precision, NULL::double precision[],
        'nelson-aalen'::text) AS c,
      LATERAL (SELECT (SELECT max(t) FROM unnest($2) AS t WHERE t <= c."time") AS before,
        (SELECT min(t) FROM unnest($2) AS t WHERE t >= c."time") AS after) AS t,
      LATERAL (VALUES (coalesce(t.after, t.before), t.after IS NOT NULL, c.churned), (t.before, false, c.censored))
        AS u (at, churned, n)
  ) AS n, generate_series(1, n.n::bigint)
$$;
COMMENT ON FUNCTION retention_internal.survival_coarse(retention_survival, double precision[]) IS
'the same customers by coarse intervals that end at the given times; after the last nobody is followed';

CREATE FUNCTION retention_internal.survival_shown(
  segments text[], "values" text[], states retention_survival[], below integer
) RETURNS TABLE (segment text, value text, survival retention_survival)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
-- The segment of everybody is 'all'.
DECLARE
  last constant double precision := (SELECT max(n.followed_until)
    FROM unnest(states) AS s (s), @extschema@.survival_summary(s.s) AS n);
  width constant double precision := greatest(1, ceil(last / 60));
  steps constant integer := greatest(1, ceil(last / width)::integer);
  every integer[] := ARRAY(SELECT g FROM generate_series(1, steps) AS g);
  part record;
BEGIN
  FOR part IN
    WITH value AS MATERIALIZED (
      SELECT u.segment, u.value, u.state, u.place, n.customers,
        (dense_rank() OVER (ORDER BY u.segment))::integer AS line
      FROM unnest(segments, "values", states) WITH ORDINALITY AS u (segment, value, state, place),
        @extschema@.survival_summary(u.state) AS n
    ), hidden AS (
      SELECT h.hidden, h.place
      FROM (SELECT retention_internal.source_hidden(array_agg(v.customers < below ORDER BY v.place),
          array_agg(v.customers::bigint ORDER BY v.place), array_agg(false ORDER BY v.place),
          array_agg(v.place::integer ORDER BY v.place), array_agg(v.line ORDER BY v.place)) AS cells
        FROM value AS v) AS c,
        unnest(c.cells) WITH ORDINALITY AS h (hidden, place)
    ), count AS (
      -- Those who are hidden are one more curve: all customers less those shown.
      SELECT v.segment, CASE WHEN h.hidden THEN 0 ELSE v.place END AS place, sum(s.churned) AS churned,
        sum(s.censored) AS censored, s.step
      FROM value AS v JOIN hidden AS h ON h.place = v.place,
        LATERAL (
          SELECT g.step, coalesce(sum(c.churned) FILTER (WHERE c."time" <= g.step * width), 0) AS churned,
            coalesce(sum(c.censored) FILTER (WHERE c."time" < g.step * width), 0) AS censored
          FROM generate_series(1, steps) AS g (step) LEFT JOIN @extschema@.survival_curve(v.state, 'log-log'::text,
            0.95::double precision, NULL::double precision[], 'nelson-aalen'::text) AS c ON true
          GROUP BY g.step
        ) AS s
      GROUP BY v.segment, 2, s.step
    ), curve AS (
      SELECT c.segment, c.place, (SELECT sum(v.customers)::bigint FROM value AS v JOIN hidden AS h ON h.place = v.place
          WHERE v.segment = c.segment AND c.place = CASE WHEN h.hidden THEN 0 ELSE v.place END)
        || array_agg(c.churned::bigint ORDER BY c.step) || array_agg(c.censored::bigint ORDER BY c.step) AS counts
      FROM count AS c GROUP BY c.segment, c.place
    )
    SELECT v.segment, array_agg(v.value ORDER BY v.place) AS "values", array_agg(v.state ORDER BY v.place) AS states,
      (SELECT array_agg(n.n ORDER BY c.place, n.place) FROM curve AS c,
        unnest(c.counts) WITH ORDINALITY AS n (n, place) WHERE c.segment = v.segment) AS counts
    FROM value AS v JOIN hidden AS h ON h.place = v.place
    WHERE NOT h.hidden
    GROUP BY v.segment
    ORDER BY v.segment <> 'all', v.segment
  LOOP
    part.counts := retention_internal.survival_steps(part.counts, steps, every, below);
    IF part.segment = 'all' THEN
      every := part.counts;
    END IF;
    RETURN QUERY SELECT part.segment, u.value, retention_internal.survival_coarse(u.state,
        0::double precision || ARRAY(SELECT c * width FROM unnest(part.counts) AS c))
      FROM unnest(part."values", part.states) AS u (value, state);
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_internal.survival_shown(text[], text[], retention_survival[], integer) IS
'the survival of everybody (segment all) and of the values of segments by intervals so coarse that no count in them is '
'too small; values of few customers are left out';
