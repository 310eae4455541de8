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
  direct := format('SELECT NULL::text AS segment, NULL::text AS value, cohort_retention(r.customer, r.at, %L)::text '
    'FROM %s HAVING count(*) > 0', grid, rows);
  FOR i IN 1 .. cardinality(s.segments) LOOP
    direct := direct || format(' UNION ALL SELECT %1$L, r.%1$I::text, cohort_retention(r.customer, r.at, %2$L)::text '
      'FROM %3$s GROUP BY 2', s.segments[i], grid, rows);
  END LOOP;
  EXECUTE format('WITH kept AS (SELECT segment, value, cohorts::text FROM %s WHERE cohorts IS NOT NULL), '
    'direct AS (%s) SELECT count(*) FROM ((TABLE kept EXCEPT ALL TABLE direct) UNION ALL (TABLE direct EXCEPT ALL TABLE kept)) AS d',
    (s.kept).summary, direct) INTO cohorts;
  EXECUTE format($q$WITH kept AS (
      SELECT k.segment, k.value, (to_jsonb(f) - 'part' || jsonb_build_object('facts', f.facts::text))::text
      FROM %s AS f JOIN %s AS k USING (part)),
    direct AS (
      SELECT q.segment, q.value,
        (to_jsonb(q) - '{segment,value,whole}'::text[] || jsonb_build_object('facts', q.facts::text))::text
      FROM (%s) AS q)
    SELECT count(*) FROM ((TABLE kept EXCEPT ALL TABLE direct) UNION ALL (TABLE direct EXCEPT ALL TABLE kept)) AS d$q$,
    (s.kept).facts, (s.kept).summary, retention_internal.facts_select(s, format('(SELECT * FROM %s)', rows)))
  INTO facts;
  EXECUTE format('SELECT count(*) FROM %s WHERE part > 0 AND cohorts IS NULL', (s.kept).summary) INTO parts;
  RETURN NEXT;
END $$;
