-- For tests of the views of a source: views_differ('x') is zero everywhere. It compares each row of a view by segment
-- with the plain view of a source of these customers alone, as of the whole source's as_of, and each count of cells and
-- movements with the persons behind it.

-- A SELECT of the customers of a source with the value that each has for good, by plain SQL over its rows.
CREATE FUNCTION views_held(s retention_internal.source, known timestamp, segment name) RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT DISTINCT ON (customer) customer, %1$I::text AS value FROM %2$s WHERE customer IS NOT NULL AND '
      || CASE s.kind WHEN 'events' THEN 'at >= ''1900-01-01 00:00+00'' AND at < ''2200-01-01 00:00+00'' AND ' || moved
        ELSE moved || ' AND isfinite(started) AND started < coalesce(ended, ''infinity'')' END
      || ' ORDER BY customer, %3$s%4$s, %1$I',
    segment, s.source, CASE s.kind WHEN 'events' THEN 'at' ELSE 'started' END,
    CASE s.segments_at WHEN 'current' THEN ' DESC' ELSE '' END)
  FROM (SELECT format(CASE s.time_type WHEN 'timestamptz'::regtype THEN '%s AT TIME ZONE %L < %L' ELSE '%1$s < %3$L' END,
    CASE s.kind WHEN 'events' THEN 'at' ELSE 'started' END, s.time_zone, known) AS moved) m $$;

CREATE FUNCTION views_differ(source regclass) RETURNS TABLE (what text, lines bigint, differ bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source := retention_internal.source_find(source);
  part retention_internal.source;
  name text := s.source::text;
  known timestamp;
  plain text;
  n bigint;
  d bigint;
  g record;
BEGIN
  EXECUTE 'SELECT ' || retention_internal.source_as_of(s) INTO known;
  FOREACH what IN ARRAY ARRAY['cohorts', 'curve', 'lifecycle', 'flow'] LOOP
    lines := 0;
    differ := 0;
    FOR g IN EXECUTE CASE WHEN s.segments = '{}' THEN 'SELECT NULL::name AS segment, NULL::text AS value WHERE false'
      ELSE (SELECT string_agg(format('SELECT %L::name AS segment, value FROM (%s) AS h GROUP BY value', u,
        views_held(s, known, u)), ' UNION ALL ') FROM unnest(s.segments) u) END LOOP
      -- In flows of subscriptions a customer who changes is in several values: see below.
      CONTINUE WHEN what = 'flow' AND s.kind = 'subscriptions' AND s.segments_at = 'start';
      EXECUTE format('CREATE OR REPLACE VIEW views_part AS SELECT s.* FROM %s AS s WHERE s.customer IN '
        '(SELECT h.customer FROM (%s) AS h WHERE h.value IS NOT DISTINCT FROM %L)', source,
        views_held(s, known, g.segment), g.value);
      PERFORM retention_source_set('views_part', s.grid, s.gone_after, 1, s.presence);
      part := retention_internal.source_find('views_part');
      plain := retention_internal.source_client_types(
        retention_internal.source_view(part, what, format('%L::timestamp', known)), what);
      EXECUTE format('WITH p AS (SELECT to_jsonb(p)::text FROM (%1$s) AS p), v AS (SELECT (to_jsonb(v) '
        '- ''{segment,value}''::text[])::text FROM %2$s_%3$s_by_segment AS v WHERE v.segment = %4$L '
        'AND v.value IS NOT DISTINCT FROM %5$L) SELECT (SELECT count(*) FROM v), (SELECT count(*) FROM '
        '((TABLE v EXCEPT ALL TABLE p) UNION ALL (TABLE p EXCEPT ALL TABLE v)) AS d)', plain, name, what, g.segment,
        g.value) INTO n, d;
      lines := lines + n;
      differ := differ + d;
    END LOOP;
    DROP VIEW IF EXISTS views_part;
    IF s.segments <> '{}' AND NOT (what = 'flow' AND s.kind = 'subscriptions' AND s.segments_at = 'start') THEN
      EXECUTE format('SELECT count(*) FROM %s_%s_by_segment', name, what) INTO n;
      differ := differ + abs(n - lines);
    END IF;
    what := what || '_by_segment';
    RETURN NEXT;
    what := split_part(what, '_', 1);
  END LOOP;

  what := 'cohort_customers';
  EXECUTE format('WITH c AS (SELECT ''all'' AS segment, ''all'' AS value, * FROM %1$s_cohorts%2$s), '
    'm AS (SELECT segment, value, cohort, period, min(period_start) AS period_start, max(period_end) AS period_end, '
    'count(*) AS at_risk, '
    'count(*) FILTER (WHERE standing = ''retained'') AS retained, bool_and(complete) AS complete, '
    'count(DISTINCT customer) AS customers FROM %1$s_cohort_customers GROUP BY 1, 2, 3, 4) '
    'SELECT count(*), count(*) FILTER (WHERE (c.at_risk, c.retained, c.status = ''observed'') IS DISTINCT FROM '
    '(m.at_risk, m.retained, m.complete) OR m.customers <> m.at_risk) FROM c FULL JOIN m ON m.segment = c.segment '
    'AND coalesce(m.value, ''NULL'') = coalesce(c.value, ''NULL'') AND m.cohort = c.cohort AND m.period = c.period '
    -- In elapsed windows each customer has a period of their own.
    || CASE WHEN (grid_options(s.grid)).windows = 'elapsed' THEN ''
      ELSE 'AND (m.period_start, m.period_end) = (c.period_start, c.period_end)' END,
    name, CASE s.segments WHEN '{}' THEN '' ELSE format(' UNION ALL SELECT * FROM %s_cohorts_by_segment', name) END)
  INTO lines, differ;
  RETURN NEXT;

  -- Movements, by value: of subscriptions who change, too.
  what := 'movements';
  EXECUTE format('WITH f AS (SELECT ''all'' AS segment, ''all'' AS value, * FROM %1$s_flow%2$s), '
    'm AS (SELECT segment, value, period_start, period_end, count(*) FILTER (WHERE movement IN (''kept'', ''lost'')) '
    'AS at_start, count(*) FILTER (WHERE movement IN (''gained'', ''joined_and_left'')) AS joined, '
    'count(*) FILTER (WHERE movement = ''gained'') AS gained, count(*) FILTER (WHERE movement = ''reactivated'') '
    'AS reactivated, count(*) FILTER (WHERE movement = ''lost'') AS lost, '
    'count(*) FILTER (WHERE movement IN (''kept'', ''gained'', ''reactivated'')) AS at_end, '
    'count(*) FILTER (WHERE movement = ''kept'') AS kept, count(*) FILTER (WHERE movement = ''joined_and_left'') '
    'AS joined_and_left, count(*) FILTER (WHERE movement = ''reactivated_and_left'') AS reactivated_and_left, '
    'sum(departures) - count(*) FILTER (WHERE movement IN (''lost'', ''joined_and_left'', ''reactivated_and_left'')) '
    'AS left_and_returned, sum(departures) AS departures, count(*) - count(DISTINCT customer) AS twice '
    'FROM %1$s_movements GROUP BY 1, 2, 3, 4) '
    'SELECT count(*), count(*) FILTER (WHERE m.period_end <> f.period_end OR m.twice > 0 OR '
    '(f.at_start, f.joined, f.gained, f.reactivated, f.lost, f.at_end, f.kept, f.joined_and_left, '
    'f.reactivated_and_left, f.left_and_returned, f.departures) IS DISTINCT FROM '
    '(coalesce(m.at_start, 0), coalesce(m.joined, 0), coalesce(m.gained, 0), coalesce(m.reactivated, 0), '
    'coalesce(m.lost, 0), coalesce(m.at_end, 0), coalesce(m.kept, 0), coalesce(m.joined_and_left, 0), '
    'coalesce(m.reactivated_and_left, 0), coalesce(m.left_and_returned, 0), coalesce(m.departures, 0))) '
    'FROM f FULL JOIN m ON m.segment = f.segment AND coalesce(m.value, ''NULL'') = coalesce(f.value, ''NULL'') '
    'AND m.period_start = f.period_start', name,
    CASE s.segments WHEN '{}' THEN '' ELSE format(' UNION ALL SELECT * FROM %s_flow_by_segment', name) END)
  INTO lines, differ;
  RETURN NEXT;
  -- Whoever changes: all values together are everybody, in each period and each column.
  IF s.segments <> '{}' THEN
    what := 'values of flow';
    EXECUTE format('SELECT count(*), count(*) FILTER (WHERE (v.at_start, v.joined, v.gained, v.reactivated, v.lost, '
      'v.at_end, v.kept, v.joined_and_left, v.reactivated_and_left, v.left_and_returned, v.departures, '
      'round(v.customer_days, 3)) IS DISTINCT FROM (f.at_start, f.joined, f.gained, f.reactivated, f.lost, f.at_end, '
      'f.kept, f.joined_and_left, f.reactivated_and_left, f.left_and_returned, f.departures, '
      'round(f.customer_days, 3)) OR NOT coalesce(v.same, true)) FROM %1$s_flow AS f FULL JOIN (SELECT segment, period_start, '
      'sum(at_start) AS at_start, sum(joined) AS joined, sum(gained) AS gained, sum(reactivated) AS reactivated, '
      'sum(lost) AS lost, sum(at_end) AS at_end, sum(kept) AS kept, sum(joined_and_left) AS joined_and_left, '
      'sum(reactivated_and_left) AS reactivated_and_left, sum(left_and_returned) AS left_and_returned, '
      'sum(departures) AS departures, sum(customer_days) AS customer_days, '
      'bool_and(status = (SELECT g.status FROM %1$s_flow AS g WHERE g.period_start = b.period_start)) AS same '
      'FROM %1$s_flow_by_segment AS b GROUP BY 1, 2) AS v USING (period_start)', name) INTO lines, differ;
    RETURN NEXT;
    -- and segments is the last complete period of it
    what := 'segments';
    EXECUTE format('SELECT count(*), count(*) FILTER (WHERE (g.at_start, g.kept, g.lost, g.retention_rate, '
      'g.retention_low, g.churn_high) IS DISTINCT FROM (f.at_start, f.kept, f.lost, f.retention_rate, '
      'f.retention_low, f.churn_high)) FROM (SELECT * FROM %1$s_segments WHERE segment <> ''all'') AS g FULL JOIN ('
      'SELECT * FROM %1$s_flow_by_segment WHERE at_start > 0 AND period_start = (SELECT max(period_start) '
      'FROM %1$s_flow WHERE status = ''observed'')) AS f ON f.segment = g.segment '
      'AND coalesce(f.value, ''NULL'') = coalesce(g.value, ''NULL'')', name) INTO lines, differ;
    RETURN NEXT;
  END IF;
END $$;

-- What somebody learns who adds and subtracts the counts that views show: wherever of a sum one number alone is not
-- shown, it is computed, and so on. hidden and truth are two sources of the same rows, of which the first suppresses
-- counts below a limit.
CREATE FUNCTION views_attack(hidden text, truth text, below integer, OUT counts bigint, OUT small bigint,
  OUT small_shown bigint, OUT wrong bigint, OUT learned bigint, OUT small_learned bigint)
LANGUAGE plpgsql AS $$
DECLARE
  setting retention_internal.source := retention_internal.source_find(truth::regclass);
  at_end boolean := setting.presence IS NOT DISTINCT FROM 'at_end';
  piece record;
  more bigint;
BEGIN
  CREATE TEMP TABLE line (source text, what text, segment text, value text, key jsonb, line jsonb);
  FOR piece IN SELECT n.name, w.what, w.suffix FROM unnest(ARRAY[truth, hidden]) n (name), unnest('{flow,cohorts,lifecycle,curve,segments,stickiness,revenue,value,cohort_value}'::text[]) w1 (what),
      LATERAL (SELECT w1.what, t.suffix FROM unnest('{"",_by_segment}'::text[]) t (suffix) WHERE t.suffix = '' OR w1.what NOT IN ('segments', 'stickiness')) w
      WHERE to_regclass(n.name || '_' || w.what || w.suffix) IS NOT NULL LOOP
    EXECUTE format('INSERT INTO line SELECT %L, %L, %s, (SELECT coalesce(jsonb_object_agg(e.key, e.value), ''{}'') FROM jsonb_each(to_jsonb(v)) e WHERE e.key IN (''cohort'', ''period'', ''period_start'', ''active_periods'', ''currency'')), to_jsonb(v) FROM %s_%s%s v',
      piece.name, piece.what, CASE WHEN piece.suffix <> '' OR piece.what = 'segments' THEN 'v.segment, v.value' ELSE '''all'', ''all''' END, piece.name, piece.what, piece.suffix);
  END LOOP;
  CREATE TEMP TABLE var AS
  SELECT (row_number() OVER ())::int AS id, t.what, t.segment, t.value, t.key, c.key AS name, t.line ->> 'status' AS status, (c.value #>> '{}')::numeric AS truth, (h.line ->> c.key)::numeric AS shown,
    -- An amount is that of so many customers.
    (t.line ->> CASE WHEN c.key ~ '_mrr$' THEN replace(replace(replace(replace(c.key, '_mrr', '_customers'), 'reactivation', 'reactivated'), 'expansion', 'expanded'), 'contraction', 'contracted')
      WHEN c.key = 'amount' THEN 'retained' WHEN c.key = 'revenue' THEN 'customers' ELSE c.key END)::numeric BETWEEN 1 AND below - 1 AS small
  FROM line t JOIN line h ON h.source = hidden AND (h.what, h.segment, h.key, coalesce(h.value, '?')) = (t.what, t.segment, t.key, coalesce(t.value, '?')), LATERAL jsonb_each(t.line) c
  WHERE t.source = truth AND c.key ~ '^(at_start|joined.*|gained|reactivated.*|lost|at_end|kept|left_and_returned|departures|cohort_size|at_risk|retained|active|new|resurrected|dormant|rest_at_start|rest_kept|(.*_)?customers|.*_buyers|.*_mrr|amount|revenue)$';
  CREATE INDEX ON var (what, name);
  ANALYZE var;
  -- Sums: of the numbers on a side, and of the other.
  CREATE TEMP TABLE side (sum text, id integer, sign integer);
  INSERT INTO side
  SELECT jsonb_build_array(e.sum, v.segment, v.value, v.key ->> 'period_start')::text, v.id, e.sign
  FROM (VALUES ('flow', 'start', 'at_start', 1), ('flow', 'start', 'kept', -1), ('flow', 'start', 'lost', -1), ('flow', 'end', 'at_end', 1), ('flow', 'end', 'kept', -1), ('flow', 'end', 'gained', -1),
      ('flow', 'end', 'reactivated', -1), ('flow', 'net', 'at_start', 1), ('flow', 'net', 'gained', 1), ('flow', 'net', 'reactivated', 1), ('flow', 'net', 'lost', -1), ('flow', 'net', 'at_end', -1),
      ('flow', 'joined', 'joined', 1), ('flow', 'joined', 'gained', -1), ('flow', 'joined', 'joined_and_left', -1), ('flow', 'left', 'departures', 1), ('flow', 'left', 'lost', -1),
      ('flow', 'left', 'joined_and_left', -1), ('flow', 'left', 'reactivated_and_left', -1), ('flow', 'left', 'left_and_returned', -1), ('lifecycle', 'active', 'active', 1), ('lifecycle', 'active', 'new', -1),
      ('lifecycle', 'active', 'retained', -1), ('lifecycle', 'active', 'resurrected', -1), ('lifecycle', 'before', 'retained', 1), ('lifecycle', 'before', 'dormant', 1),
      ('segments', 'held', 'at_start', 1), ('segments', 'held', 'kept', -1), ('segments', 'held', 'lost', -1)) e (what, sum, name, sign) JOIN var v ON v.what = e.what AND v.name = e.name
  UNION ALL
  SELECT jsonb_build_array('before', v.segment, v.value, lead(v.key ->> 'period_start') OVER (PARTITION BY v.segment, v.value ORDER BY v.key ->> 'period_start'))::text, v.id, -1
  FROM var v WHERE v.what = 'lifecycle' AND v.name = 'active'
  UNION ALL
  -- those at the end of a period and at the start of the next
  SELECT jsonb_build_array('stock', a.segment, a.value, a.next)::text, x.id, x.sign
  FROM (SELECT v.*, lead(v.key ->> 'period_start') OVER (PARTITION BY v.segment, v.value ORDER BY v.key ->> 'period_start') AS next FROM var v WHERE v.what = 'flow' AND v.name = 'at_end') a
    JOIN var b ON b.what = 'flow' AND b.name = 'at_start' AND b.segment = a.segment AND b.value IS NOT DISTINCT FROM a.value AND b.key ->> 'period_start' = a.next, LATERAL (VALUES (a.id, 1), (b.id, -1)) x (id, sign)
  UNION ALL
  -- everybody and the values of each segment
  SELECT jsonb_build_array('values', s.segment, v.what, v.name, v.key)::text, v.id, CASE v.segment WHEN 'all' THEN 1 ELSE -1 END
  FROM (SELECT DISTINCT segment FROM var WHERE segment <> 'all') s JOIN var v ON v.segment IN ('all', s.segment) AND v.what <> 'stickiness' AND v.name !~ '^rest'
  UNION ALL
  SELECT jsonb_build_array('rest', v.segment, v.value, x.name)::text, x.id, x.sign
  FROM var v JOIN var a ON a.what = v.what AND a.segment = 'all' AND a.name = v.name JOIN var r ON r.what = v.what AND r.segment = v.segment AND r.value IS NOT DISTINCT FROM v.value AND r.name = 'rest_' || v.name,
    LATERAL (VALUES (v.name, v.id, 1), (v.name, r.id, 1), (v.name, a.id, -1)) x (name, id, sign) WHERE v.what = 'segments' AND v.segment <> 'all'
  UNION ALL
  -- a curve and a lifecycle, and the cells
  SELECT jsonb_build_array('curve', v.segment, v.value, v.name, v.key -> 'period')::text, v.id, CASE v.what WHEN 'curve' THEN 1 ELSE -1 END
  FROM var v WHERE v.name IN ('at_risk', 'retained') AND (v.what = 'curve' OR v.what = 'cohorts' AND v.status = 'observed')
  UNION ALL
  SELECT jsonb_build_array('calendar', v.segment, v.value, v.key -> 'period_start')::text, v.id, CASE v.what WHEN 'lifecycle' THEN 1 ELSE -1 END
  FROM var v WHERE v.what = 'cohorts' AND v.name = 'retained' OR v.what = 'lifecycle' AND v.name = 'active'
  UNION ALL
  SELECT jsonb_build_array('size', v.segment, v.value, v.key)::text, v.id, CASE v.name WHEN 'at_risk' THEN 1 ELSE -1 END FROM var v WHERE v.what = 'cohorts' AND v.name IN ('at_risk', 'cohort_size');
  -- the same number twice
  INSERT INTO side
  SELECT jsonb_build_array('same', a.id, b.id)::text, x.id, x.sign
  FROM (VALUES ('flow', 'joined', 'cohorts', 'at_risk', true), ('flow', 'gained', 'cohorts', 'retained', at_end), ('flow', 'joined', 'lifecycle', 'new', NOT at_end), ('flow', 'at_start', 'segments', 'at_start', true),
      ('flow', 'kept', 'segments', 'kept', true), ('flow', 'lost', 'segments', 'lost', true)) e (what, name, other, other_name, holds)
    JOIN var a ON a.what = e.what AND a.name = e.name JOIN var b ON b.what = e.other AND b.name = e.other_name AND b.segment = a.segment AND b.value IS NOT DISTINCT FROM a.value
      AND b.key ->> 'period_start' = a.key ->> 'period_start' AND coalesce(b.key ->> 'period', '0') = '0', LATERAL (VALUES (a.id, 1), (b.id, -1)) x (id, sign)
  WHERE e.holds;
  -- revenue: of customers and of amounts; each opening is the closing before; where everybody pays in one currency, the flow
  INSERT INTO side
  SELECT jsonb_build_array(e.sum, v.segment, v.value, v.key)::text, v.id, e.sign
  FROM (VALUES ('paying', 'opening_customers', 1), ('paying', 'new_customers', 1), ('paying', 'reactivated_customers', 1), ('paying', 'churned_customers', -1), ('paying', 'closing_customers', -1),
      ('amounts', 'opening_mrr', 1), ('amounts', 'new_mrr', 1), ('amounts', 'reactivation_mrr', 1), ('amounts', 'expansion_mrr', 1), ('amounts', 'contraction_mrr', -1), ('amounts', 'churned_mrr', -1),
      ('amounts', 'closing_mrr', -1)) e (sum, name, sign) JOIN var v ON v.what = 'revenue' AND v.name = e.name
  UNION ALL
  SELECT jsonb_build_array('paid', a.name, a.segment, a.value, a.key -> 'currency', a.next)::text, x.id, x.sign
  FROM (SELECT v.*, lead(v.key ->> 'period_start') OVER (PARTITION BY v.name, v.segment, v.value, v.key -> 'currency' ORDER BY v.key ->> 'period_start') AS next FROM var v WHERE v.what = 'revenue' AND v.name ~ 'closing') a
    JOIN var b ON b.what = 'revenue' AND b.name = replace(a.name, 'closing', 'opening') AND b.segment = a.segment AND b.value IS NOT DISTINCT FROM a.value AND b.key -> 'currency' = a.key -> 'currency'
      AND b.key ->> 'period_start' = a.next, LATERAL (VALUES (a.id, 1), (b.id, -1)) x (id, sign)
  UNION ALL
  SELECT jsonb_build_array('flow', e.name, v.segment, v.value, v.key -> 'period_start')::text, v.id, CASE v.what WHEN 'flow' THEN 1 ELSE -1 END
  FROM (VALUES ('at_end', '^(closing|unpaid)_customers$'), ('at_start', '^opening_customers$'), ('gained', '^new_customers$'), ('reactivated', '^reactivated_customers$'), ('lost', '^churned_customers$')) e (name, names)
    JOIN var v ON v.what = 'flow' AND v.name = e.name OR v.what = 'revenue' AND v.name ~ e.names
  UNION ALL
  -- cohorts of buyers: all amounts of a value; the cells of the cohorts
  SELECT jsonb_build_array('all amounts', v.segment, v.value)::text, v.id, CASE v.what WHEN 'value' THEN 1 ELSE -1 END FROM var v WHERE v.what = 'value' AND v.name = 'revenue' OR v.what = 'cohort_value' AND v.name = 'amount'
  UNION ALL
  SELECT jsonb_build_array('buyers', v.segment, v.value)::text, v.id, CASE v.name WHEN 'customers' THEN 1 ELSE -1 END FROM var v WHERE v.what = 'value' AND v.name ~ 'customers|buyers'
  UNION ALL
  SELECT jsonb_build_array('bought', v.name, v.segment, v.value, v.key)::text, v.id, CASE v.what WHEN 'cohorts' THEN 1 ELSE -1 END FROM var v WHERE v.what IN ('cohorts', 'cohort_value') AND v.name IN ('cohort_size', 'at_risk', 'retained');
  -- Only sums that are true.
  DELETE FROM side WHERE sum IN (SELECT e.sum FROM side e JOIN var v USING (id) GROUP BY e.sum HAVING sum(e.sign * v.truth) <> 0 OR count(*) = 1);
  SELECT count(*), count(*) FILTER (WHERE v.small), count(*) FILTER (WHERE v.small AND v.shown IS NOT NULL), count(*) FILTER (WHERE v.shown <> v.truth)
  INTO counts, small, small_shown, wrong FROM var v;
  ALTER TABLE var ADD known numeric;
  UPDATE var SET known = shown;
  CREATE INDEX ON var (id);
  LOOP
    UPDATE var v SET known = n.known FROM (
      SELECT DISTINCT ON (max(e.id) FILTER (WHERE u.known IS NULL)) max(e.id) FILTER (WHERE u.known IS NULL) AS id,
        -coalesce(sum(e.sign * u.known), 0) / (max(e.sign) FILTER (WHERE u.known IS NULL)) AS known
      FROM side e JOIN var u USING (id) GROUP BY e.sum HAVING count(*) FILTER (WHERE u.known IS NULL) = 1) n WHERE n.id = v.id;
    GET DIAGNOSTICS more = ROW_COUNT;
    EXIT WHEN more = 0;
  END LOOP;
  SELECT count(*), count(*) FILTER (WHERE v.small) INTO learned, small_learned FROM var v WHERE v.known IS NOT NULL AND v.shown IS NULL;
  DROP TABLE line, var, side;
END $$;
