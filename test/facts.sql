-- For tests of kept facts: differs('x') is zero everywhere right after a refresh. It compares what is kept with the
-- rows, bit for bit: the cohorts of all customers and of each value of a segment, and the facts, the stays and the
-- segments of the first event of each customer.
CREATE FUNCTION differs(source regclass) RETURNS TABLE (cohorts bigint, facts bigint, parts bigint)
LANGUAGE plpgsql AS $$
DECLARE
  s retention_internal.source := retention_internal.source_find(source);
  grid text := s.grid;
  rows text := format('(SELECT %s, true AS retention_whole FROM %s AS r WHERE r.customer IS NOT NULL) AS r',
    retention_internal.facts_items(s), source);
  direct text;
BEGIN
  IF grid ~ 'elapsed|recurring' THEN
    EXECUTE 'SELECT ' || retention_internal.source_grid(s) INTO grid;
  END IF;
  direct := retention_internal.facts_select(s, format('(SELECT * FROM %s)', rows));
  EXECUTE format('WITH kept AS (SELECT segment, value, cohorts::text FROM %s WHERE cohorts IS NOT NULL), '
    'q AS (%s), r AS (%s), '
    'direct AS (SELECT v.segment, v.value, cohort_retention(r.customer, r.at, %L)::text '
    'FROM r AS r JOIN q USING (customer), LATERAL (VALUES (NULL, NULL)%s) AS v (segment, value) GROUP BY 1, 2) '
    'SELECT count(*) FROM ((TABLE kept EXCEPT ALL TABLE direct) UNION ALL (TABLE direct EXCEPT ALL TABLE kept)) AS d',
    (s.kept).summary, direct, 'SELECT * FROM ' || rows, grid,
    retention_internal.source_segment_list(s, ', (%2$L, q.segment_%1$s::text)')) INTO cohorts;
  EXECUTE format($q$WITH kept AS (
      SELECT (to_jsonb(f) || jsonb_build_object('facts', f.facts::text))::text FROM %s AS f),
    direct AS (
      SELECT (to_jsonb(q) - 'whole' || jsonb_build_object('facts', q.facts::text))::text FROM (%s) AS q)
    SELECT count(*) FROM ((TABLE kept EXCEPT ALL TABLE direct) UNION ALL (TABLE direct EXCEPT ALL TABLE kept)) AS d$q$,
    (s.kept).facts, direct)
  INTO facts;
  EXECUTE format('SELECT count(*) FROM %s WHERE part > 0 AND cohorts IS NULL', (s.kept).summary) INTO parts;
  RETURN NEXT;
END $$;
