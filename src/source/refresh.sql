-- source: bringing kept facts up to date (see facts.sql for the tables). One refresh:
--   facts_stage()   takes the noted changes and reads what they ask for into temporary tables
--   facts_fold()    folds these into _facts and _summary
--   facts_run()     both, and what has to be written around them
-- retention_refresh() decides before whether what was noted is enough, or everything has to be read.

-- Facts of rows, as SQL text.

CREATE FUNCTION retention_internal.facts_grid(source retention_internal.source) RETURNS retention_grid
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- Days answer every question of calendar periods; hours and elapsed windows need their own.
  SELECT CASE WHEN o.unit = 'hour' OR o.windows = 'elapsed' THEN $1.grid
    ELSE @extschema@.retention_grid('day'::text, 'monday'::text, o.time_zone, NULL::date, 'calendar'::text,
      'first'::text, NULL::text, o.min_events, NULL::timestamp, NULL::interval) END
  FROM @extschema@.grid_options($1.grid) AS o
$$;
COMMENT ON FUNCTION retention_internal.facts_grid(retention_internal.source) IS
'the grid of the kept facts of a source';

CREATE FUNCTION retention_internal.facts_edges(source retention_internal.source, facts text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(format('@extschema@.%s_active%s(%s)', e.edge,
    CASE $1.time_type WHEN 'timestamptz'::regtype THEN '_at' ELSE '' END, $2) ORDER BY e.edge)
  FROM unnest('{first,last}'::text[]) AS e (edge)
$$;
COMMENT ON FUNCTION retention_internal.facts_edges(retention_internal.source, text) IS
'SQL expressions of the first and the last time in facts, of the type in which times are ordered';

CREATE FUNCTION retention_internal.facts_items(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('r.customer, %s AS at%s', retention_internal.source_event_time('r'),
    (SELECT string_agg(', r.' || quote_ident(s.segment), '' ORDER BY s.place)
     FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)))
$$;
COMMENT ON FUNCTION retention_internal.facts_items(retention_internal.source) IS
'the items of a SELECT that facts need from a row r of a source';

CREATE FUNCTION retention_internal.facts_select(source retention_internal.source, rows text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres' AS $$
  -- From rows (customer, retention_whole, at, segments) to facts by customer. The stays are those of source_presence():
  -- from an event until gone_after after the last one without another in between. At one time the lesser value counts.
  SELECT format(E'SELECT b.customer, b.retention_whole AS whole,\n'
      '  @extschema@.activity(b.at, %1$L::@extschema@.retention_grid) AS facts,\n'
      '  range_agg(%2$s(%3$s, %4$s)) FILTER (WHERE b.at IS NOT NULL) AS stays%5$s\n'
      'FROM %6$s AS b\nGROUP BY b.customer, b.retention_whole',
    retention_internal.facts_grid($1), CASE WHEN t.is_date THEN 'daterange' ELSE 'tsrange' END, t.at,
    format(CASE WHEN t.is_date THEN '(%s + interval %L)::date' ELSE '%s + interval %L' END, t.at, $1.gone_after),
    (SELECT string_agg(format(', (array_agg(b.%1$I ORDER BY b.at%2$s, b.%1$I) '
        'FILTER (WHERE b.at IS NOT NULL))[1] AS segment_%3$s', s.segment,
        CASE $1.segments_at WHEN 'current' THEN ' DESC' ELSE '' END, s.place), '' ORDER BY s.place)
     FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)),
    $2)
  FROM (SELECT $1.time_type = 'date'::regtype AS is_date,
    CASE $1.time_type WHEN 'timestamptz'::regtype THEN format('(b.at AT TIME ZONE %L)', $1.time_zone)
      ELSE 'b.at' END AS at) AS t
$$;
COMMENT ON FUNCTION retention_internal.facts_select(retention_internal.source, text) IS
'a SELECT of the facts of the rows of a query or table';

-- Staging.

CREATE FUNCTION retention_internal.facts_temporary(name text, query text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF to_regclass('pg_temp.' || name) IS NOT NULL THEN
    EXECUTE 'DROP TABLE pg_temp.' || name;
  END IF;
  EXECUTE format('CREATE TEMP TABLE %s ON COMMIT DROP AS %s', name, query);
END
$$;
COMMENT ON FUNCTION retention_internal.facts_temporary(text, text) IS
'creates a temporary table of a refresh, which replaces that of an earlier one in the same transaction';

CREATE FUNCTION retention_internal.facts_stage(
  source retention_internal.source, everything boolean, news regclass[]
) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres'
-- The expressions of the source are written out and read again.
SET standard_conforming_strings = on AS $$
#variable_conflict use_variable
-- Takes the noted changes and reads the rows they ask for, in one statement. news: tables that have become part of the
-- relation, whose customers are looked up.
DECLARE
  changes regclass := (source.kept).changes;
  items text := retention_internal.facts_items(source);
  rows text := format('(SELECT %s, true AS retention_whole FROM %s AS r WHERE r.customer IS NOT NULL)',
    items, source.source);
  redo text;
BEGIN
  PERFORM retention_internal.facts_temporary('retention_redone',
    format('SELECT r.customer FROM %s AS r WITH NO DATA', source.source));
  PERFORM retention_internal.facts_temporary('retention_staged',
    retention_internal.facts_select(source, rows) || ' WITH NO DATA');
  IF everything THEN
    EXECUTE format(E'WITH taken AS (DELETE FROM %s)\nINSERT INTO pg_temp.retention_staged\n%s', changes,
      retention_internal.facts_select(source, rows));
  ELSE
    EXECUTE format('ANALYZE %s', changes);
    redo := concat_ws(E'\n    UNION ALL ', retention_internal.source_over(source.source, changes, true),
      (SELECT string_agg(format('SELECT n.customer FROM (%s) AS n',
        retention_internal.source_over(source.source, n.relation, NULL)), E'\n    UNION ALL ')
       FROM unnest(news) AS n (relation)));
    EXECUTE format($q$WITH taken AS (DELETE FROM %1$s WHERE retention_redo IS NOT NULL),
redo AS MATERIALIZED (
  SELECT c.customer
  FROM (
    %2$s
  ) AS c
  WHERE c.customer IS NOT NULL
  GROUP BY c.customer
),
redone AS (INSERT INTO pg_temp.retention_redone SELECT d.customer FROM redo AS d),
noted AS MATERIALIZED (
  SELECT %3$s, false AS retention_whole
  FROM (
    %4$s
  ) AS r
  WHERE r.customer IS NOT NULL AND NOT EXISTS (SELECT FROM redo AS d WHERE d.customer = r.customer)
  UNION ALL
  SELECT %3$s, true AS retention_whole
  FROM redo AS d, LATERAL (SELECT * FROM %5$s AS r WHERE r.customer = d.customer) AS r
)
INSERT INTO pg_temp.retention_staged
%6$s$q$,
      changes, redo, items, retention_internal.source_over(source.source, changes, false), source.source,
      retention_internal.facts_select(source, 'noted'));
  END IF;
  ANALYZE pg_temp.retention_staged;
  ANALYZE pg_temp.retention_redone;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_stage(retention_internal.source, boolean, regclass[]) IS
'takes the noted changes of a source and reads what they ask for into temporary tables';

-- Folding in: from the temporary tables into facts and summary, which nobody else writes.

CREATE FUNCTION retention_internal.facts_fold_all(source retention_internal.source) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  facts regclass := (source.kept).facts;
  rows bigint;
BEGIN
  EXECUTE format('INSERT INTO %s (customer, facts, stays%s) '
      'SELECT n.customer, n.facts, n.stays%s FROM pg_temp.retention_staged AS n ORDER BY n.customer', facts,
    retention_internal.source_segment_list(source, ', segment_%s'),
    retention_internal.source_segment_list(source, ', n.segment_%s'));
  GET DIAGNOSTICS rows = ROW_COUNT;
  IF rows > 0 THEN
    EXECUTE format('ANALYZE %s', facts);
  END IF;
  RETURN rows;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_fold_all(retention_internal.source) IS
'fills the empty facts of a source with what was staged; returns the number of customers';

CREATE FUNCTION retention_internal.facts_touch(source retention_internal.source) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  facts regclass := (source.kept).facts;
  -- The row that decides which value of a segment a customer has: the first, or the latest.
  edge integer := CASE source.segments_at WHEN 'current' THEN 2 ELSE 1 END;
  old_edge text := (retention_internal.facts_edges(source, 'f.facts'))[edge];
  new_edge text := (retention_internal.facts_edges(source, 'n.facts'))[edge];
  joins text[] := ARRAY[current_setting('enable_hashjoin'), current_setting('enable_mergejoin')];
  few boolean;
  customers bigint;
BEGIN
  CREATE INDEX ON pg_temp.retention_staged (customer);
  -- Few customers are looked up one by one, never by a pass over all of them.
  SELECT 10 * (SELECT count(*) FROM pg_temp.retention_staged) + 10 * (SELECT count(*) FROM pg_temp.retention_redone)
    < c.reltuples INTO few FROM pg_class AS c WHERE c.oid = facts;
  IF few THEN
    PERFORM set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);
  END IF;
  PERFORM retention_internal.facts_temporary('retention_touched', format($q$
    SELECT n.customer, f.facts AS old,
      CASE WHEN n.whole OR f.facts IS NULL THEN n.facts ELSE @extschema@.activity_union(f.facts, n.facts) END AS new,
      CASE WHEN n.whole OR f.stays IS NULL THEN n.stays WHEN n.stays IS NULL THEN f.stays
        ELSE f.stays + n.stays END AS stays,
      n.whole%1$s
    FROM (SELECT * FROM pg_temp.retention_staged ORDER BY customer) AS n
      LEFT JOIN %2$s AS f ON f.customer = n.customer
    UNION ALL
    SELECT f.customer, f.facts, NULL, NULL, true%3$s
    FROM pg_temp.retention_redone AS r JOIN %2$s AS f ON f.customer = r.customer
    WHERE NOT EXISTS (SELECT FROM pg_temp.retention_staged AS n WHERE n.customer = f.customer)$q$,
    -- Of two such rows the earlier one (or the later) has the segments; at one time the lesser value, as in
    -- facts_select().
    retention_internal.source_segment_list(source, format(', f.segment_%%1$s AS old_%%1$s, CASE '
      'WHEN n.whole OR f.facts IS NULL OR %1$s IS NULL THEN n.segment_%%1$s '
      'WHEN %2$s IS NULL OR %1$s %3$s %2$s THEN f.segment_%%1$s WHEN %2$s %3$s %1$s THEN n.segment_%%1$s '
      'ELSE least(f.segment_%%1$s, n.segment_%%1$s) END AS segment_%%1$s', old_edge, new_edge,
      CASE edge WHEN 1 THEN '<' ELSE '>' END)),
    facts, retention_internal.source_segment_list(source, ', f.segment_%s, NULL')));
  ANALYZE pg_temp.retention_touched;
  EXECUTE format('UPDATE %s AS f SET facts = t.new, stays = t.stays%s FROM pg_temp.retention_touched AS t '
      'WHERE f.customer = t.customer AND t.old IS NOT NULL AND t.new IS NOT NULL', facts,
    retention_internal.source_segment_list(source, ', segment_%s = t.segment_%1$s'));
  EXECUTE format('INSERT INTO %s (customer, facts, stays%s) SELECT t.customer, t.new, t.stays%s '
      'FROM pg_temp.retention_touched AS t WHERE t.old IS NULL AND t.new IS NOT NULL', facts,
    retention_internal.source_segment_list(source, ', segment_%s'),
    retention_internal.source_segment_list(source, ', t.segment_%s'));
  EXECUTE format('DELETE FROM %s AS f USING pg_temp.retention_touched AS t '
    'WHERE f.customer = t.customer AND t.new IS NULL', facts);
  PERFORM set_config('enable_hashjoin', joins[1], true), set_config('enable_mergejoin', joins[2], true);
  SELECT count(*) INTO customers FROM pg_temp.retention_touched;
  RETURN customers;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_touch(retention_internal.source) IS
'folds what was staged into the facts of a source; leaves the facts of the customers concerned, before and after, in a '
'temporary table; returns their number';

CREATE FUNCTION retention_internal.facts_take_edges(source retention_internal.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  edges text[] := retention_internal.facts_edges(source, 'f.facts');
  n integer;
BEGIN
  -- A difference cannot tell the first and the last row of a part. Where a customer who was looked up, or who has left
  -- the part, had one of them, the customer who has it now counts as touched. That takes a look at all customers; an
  -- index would make every refresh slower.
  FOR n IN 0 .. cardinality(source.segments) LOOP
    EXECUTE format($q$INSERT INTO pg_temp.retention_touched (customer, old, new%7$s)
      SELECT DISTINCT ON (e.customer) e.customer, e.facts, e.facts%8$s
      FROM %4$s AS k, LATERAL @extschema@.cohort_totals(k.cohorts) AS m, LATERAL (
        (SELECT f.* FROM %1$s AS f WHERE %5$s AND EXISTS (SELECT FROM pg_temp.retention_touched AS t
          WHERE %6$s AND @extschema@.first_active(t.old) = m.first_at) ORDER BY %2$s LIMIT 1)
        UNION ALL
        (SELECT f.* FROM %1$s AS f WHERE %5$s AND EXISTS (SELECT FROM pg_temp.retention_touched AS t
          WHERE %6$s AND @extschema@.last_active(t.old) = m.latest_at) ORDER BY %3$s DESC NULLS LAST LIMIT 1)) AS e
      WHERE k.segment IS NOT DISTINCT FROM %9$L
        AND NOT (EXISTS (SELECT FROM pg_temp.retention_touched AS t WHERE t.customer = e.customer))$q$,
      (source.kept).facts, edges[1], edges[2], (source.kept).summary,
      CASE n WHEN 0 THEN 'true' ELSE format('f.segment_%s::text IS NOT DISTINCT FROM k.value', n) END,
      CASE n WHEN 0 THEN 't.whole' ELSE format('(t.whole OR t.old_%1$s IS DISTINCT FROM t.segment_%1$s) '
        'AND t.old_%1$s::text IS NOT DISTINCT FROM k.value', n) END,
      retention_internal.source_segment_list(source, ', old_%1$s, segment_%1$s'),
      retention_internal.source_segment_list(source, ', e.segment_%1$s, e.segment_%1$s'), source.segments[n]);
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_take_edges(retention_internal.source) IS
'adds to what facts_touch() has left the customers who have the first or the last row of a part now';

CREATE FUNCTION retention_internal.facts_add_up(source retention_internal.source, everything boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  facts regclass := (source.kept).facts;
  summary regclass := (source.kept).summary;
  latest_edge text := (retention_internal.facts_edges(source, 'f.facts'))[2];
  o record := @extschema@.grid_options(source.grid);
  -- What is complete in elapsed windows and recurring cohorts follows the latest row of all.
  from_latest boolean := o.windows = 'elapsed' OR o.cohorts = 'recurring';
  grid text := source.grid;
  latest timestamp;
BEGIN
  IF everything OR from_latest THEN
    IF from_latest THEN
      EXECUTE format('SELECT ' || CASE source.time_type
          WHEN 'date'::regtype THEN '%1$s + interval ''1 day'''
          WHEN 'timestamptz'::regtype THEN '%1$s AT TIME ZONE %3$L + interval ''1 microsecond'''
          ELSE '%1$s + interval ''1 microsecond''' END
        || ' FROM %2$s AS f WHERE %1$s IS NOT NULL ORDER BY %1$s DESC LIMIT 1',
        latest_edge, facts, source.time_zone) INTO latest;
      EXECUTE format('SELECT %s::text', retention_internal.source_grid(source, format('%L::timestamp', latest)))
      INTO grid;
    END IF;
    EXECUTE format($q$UPDATE %1$s AS k SET cohorts = c.cohorts
      FROM %1$s AS p LEFT JOIN (
        SELECT v.segment, v.value, @extschema@.cohort_retention(f.facts) AS cohorts
        FROM (SELECT @extschema@.coarsen(f.facts, %2$L::@extschema@.retention_grid) AS facts%3$s
            FROM %4$s AS f OFFSET 0) AS f,
          LATERAL (VALUES (NULL, NULL)%5$s) AS v (segment, value)
        GROUP BY v.segment, v.value) AS c ON %6$s
      WHERE p.part = k.part$q$, summary, grid, retention_internal.source_segment_list(source, ', f.segment_%s'), facts,
      retention_internal.source_segment_list(source, ', (%2$L, f.segment_%1$s::text)'),
      retention_internal.source_same('c', 'p'));
  ELSE
    PERFORM retention_internal.facts_take_edges(source);
    EXECUTE format($q$UPDATE %1$s AS k
      SET cohorts = retention_internal.cohort_replace_exact(k.cohorts, c.old, c.new)
      FROM (
        SELECT v.segment, v.value,
          @extschema@.cohort_retention(@extschema@.coarsen(v.old, %2$L::@extschema@.retention_grid)) AS old,
          @extschema@.cohort_retention(@extschema@.coarsen(v.new, %2$L::@extschema@.retention_grid)) AS new
        FROM pg_temp.retention_touched AS t,
          LATERAL (VALUES (NULL, NULL, t.old, t.new)%3$s) AS v (segment, value, old, new)
        WHERE v.old IS NOT NULL OR v.new IS NOT NULL
        GROUP BY v.segment, v.value) AS c
      WHERE %4$s$q$, summary, grid,
      retention_internal.source_segment_list(source, ', (%2$L, t.old_%1$s::text, t.old, NULL), '
        '(%2$L, t.segment_%1$s::text, NULL, t.new)'), retention_internal.source_same('c', 'k'));
  END IF;
  EXECUTE format('DELETE FROM %s WHERE part > 0 AND cohorts IS NULL', summary);
END
$$;
COMMENT ON FUNCTION retention_internal.facts_add_up(retention_internal.source, boolean) IS
'brings the summary of a source up to date: from all its facts, or by the difference that facts_touch() has left';

CREATE FUNCTION retention_internal.facts_fold(
  source retention_internal.source, everything boolean, what text
) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  customers bigint;
BEGIN
  customers := CASE WHEN everything THEN retention_internal.facts_fold_all(source)
    ELSE retention_internal.facts_touch(source) END;
  IF source.segments <> '{}' THEN
    EXECUTE format($q$INSERT INTO %1$s (part, segment, value)
      SELECT m.part + row_number() OVER (ORDER BY v.segment, v.value), v.segment, v.value
      FROM (SELECT DISTINCT v.segment, v.value FROM pg_temp.%2$s AS t, LATERAL (VALUES %3$s) AS v (segment, value)
          WHERE %4$s EXCEPT SELECT k.segment, k.value FROM %1$s AS k) AS v,
        (SELECT max(part) AS part FROM %1$s) AS m$q$, (source.kept).summary,
      CASE WHEN everything THEN 'retention_staged' ELSE 'retention_touched' END,
      ltrim(retention_internal.source_segment_list(source, ', (%2$L, t.segment_%1$s::text)'), ', '),
      CASE WHEN everything THEN 'true' ELSE 't.new IS NOT NULL' END);
  END IF;
  IF customers > 0 OR everything THEN
    PERFORM retention_internal.progress(what, source.source, 'adding up', 4, 4);
    PERFORM retention_internal.facts_add_up(source, everything);
  END IF;
  RETURN customers;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_fold(retention_internal.source, boolean, text) IS
'folds what was staged into the facts and the summary of a source; what: materialise or refresh, for '
'retention_progress. Returns the number of customers concerned';

-- The whole.

CREATE FUNCTION retention_internal.facts_run(
  source retention_internal.source, because text, news regclass[] DEFAULT '{}'
) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
-- because: why everything is read again; NULL: what was noted is read, and the customers of the tables in news.
DECLARE
  old retention_internal.kept := source.kept;
  began timestamptz := clock_timestamp();
  definition text := retention_internal.facts_definition(source);
  what text;
  state record;
  redo boolean;
  indexes text[];
  command text;
  customers bigint;
  ignored bigint;
BEGIN
  EXECUTE format('SELECT s.definition, s.refreshed, s.rows_ignored FROM %s AS s', old.state) INTO state;
  what := CASE WHEN state.refreshed IS NULL THEN 'materialise' ELSE 'refresh' END;
  LOOP
    -- A mark that asks for everything may be there, or may come in between: marks are left for the second look.
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE retention_redo IS NULL)', old.changes) INTO redo;
    because := coalesce(because, CASE WHEN redo THEN 'rows were changed and not noted one by one, as by TRUNCATE' END);
    PERFORM retention_internal.progress(what, source.source,
      CASE WHEN because IS NULL THEN 'reading changes' ELSE 'reading everything' END, 2, 4);
    PERFORM retention_internal.facts_stage(source, because IS NOT NULL, news);
    EXIT WHEN because IS NOT NULL;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE retention_redo IS NULL)', old.changes) INTO redo;
    EXIT WHEN NOT redo;
  END LOOP;

  PERFORM retention_internal.progress(what, source.source, 'folding in', 3, 4);
  IF because IS NOT NULL THEN
    IF old.facts IS NOT NULL AND old.summary IS NOT NULL AND retention_internal.facts_columns(old.facts)
      = retention_internal.facts_columns('pg_temp.retention_staged',
        array_remove(retention_internal.source_columns('pg_temp.retention_staged'), 'whole')) THEN
      EXECUTE format('DELETE FROM %s', old.facts);
      EXECUTE format('DELETE FROM %s', old.summary);
    ELSE
      source := retention_internal.facts_create_both(source);
      -- No index on what changes, and space in the pages: an update then stays where it is.
      indexes := ARRAY[format('ALTER TABLE %s ADD PRIMARY KEY (customer)', (source.kept).facts)];
    END IF;
    EXECUTE format('INSERT INTO %s (part) VALUES (0)', (source.kept).summary);
  END IF;
  customers := retention_internal.facts_fold(source, because IS NOT NULL, what);
  FOREACH command IN ARRAY coalesce(indexes, '{}') LOOP
    EXECUTE command;
  END LOOP;

  IF indexes IS NOT NULL OR state.definition IS DISTINCT FROM definition THEN
    -- Readers wait for this alone.
    EXECUTE format('ALTER TABLE %s ALTER definition SET DEFAULT %L', old.state, definition);
    PERFORM retention_internal.source_renew_views(source);
    IF indexes IS NOT NULL THEN
      PERFORM retention_internal.facts_place(source.source, old.state, 'facts', (source.kept).facts, old.facts);
      PERFORM retention_internal.facts_place(source.source, old.state, 'summary', (source.kept).summary, old.summary);
    END IF;
  END IF;
  EXECUTE format('SELECT coalesce((@extschema@.cohort_totals(s.cohorts)).rows_ignored, 0) FROM %s AS s '
    'WHERE s.part = 0', (source.kept).summary) INTO ignored;
  EXECUTE format('UPDATE %s SET refreshed = $1, definition = DEFAULT, rows_ignored = $2%s', old.state,
    CASE WHEN because IS NULL THEN '' ELSE ', rebuilt_because = $3' END) USING began, ignored, because;
  IF because <> 'it was asked for' AND state.refreshed IS NOT NULL THEN
    RAISE NOTICE USING MESSAGE = format('the facts of source %s were built anew: %s', source.source, because);
  END IF;
  IF ignored > coalesce(state.rows_ignored, 0) THEN
    RAISE NOTICE USING MESSAGE = format('%s rows of source %s are ignored: they have no time from 1900 to 2199',
      ignored, source.source);
  END IF;
  PERFORM retention_internal.progress_end();
  RETURN customers;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_run(retention_internal.source, text, regclass[]) IS
'brings the facts of a source up to date, from what was noted or from everything';

CREATE FUNCTION retention_internal.facts_source(source regclass, what text) RETURNS retention_internal.source
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  s retention_internal.source;
BEGIN
  PERFORM retention_internal.check_owner(source);
  IF what IS NOT NULL THEN
    PERFORM retention_internal.progress(what, source, 'waiting', 1, 4);
  END IF;
  -- Another refresh waits here; writers do not, for they only add rows. A TRUNCATE of the relation waits for us.
  PERFORM retention_internal.source_lock(source, 1, true);
  s := retention_internal.source_find(source);
  IF (s.kept).state IS NULL AND what IS DISTINCT FROM 'materialise' THEN
    PERFORM retention_internal.refuse('55000', format('source %s is not materialised', source),
      hint => format('SELECT retention_materialize(%L).', source));
  END IF;
  RETURN s;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_source(regclass, text) IS
'locks the kept facts of a source of the caller; what: materialise or refresh, for retention_progress; NULL: neither';

CREATE FUNCTION retention_materialize(source regclass, build boolean DEFAULT true) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source := retention_internal.facts_source(source, 'materialise');
BEGIN
  PERFORM retention_internal.facts_check(s);
  s := retention_internal.facts_prepare(s);
  IF build THEN
    RETURN retention_internal.facts_run(s, 'it was asked for');
  END IF;
  -- A mark that has the next refresh read everything.
  EXECUTE format('INSERT INTO %s (retention_redo) VALUES (NULL)', (s.kept).changes);
  PERFORM retention_internal.progress_end();
  RETURN 0;
END
$$;
COMMENT ON FUNCTION retention_materialize(regclass, boolean) IS
'keeps the facts of a source of events in tables beside it, which its views read; returns the number of customers. '
'build => false: the first refresh builds them, and no writer waits for it';

CREATE FUNCTION retention_internal.facts_repair(
  source regclass, kept retention_internal.kept, state record, relations regclass[]
) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  shape record := retention_internal.source_shape(source);
  relation regclass;
BEGIN
  IF kept.changes IS NULL THEN
    RETURN 'its table of changes is gone';
  ELSIF state.relations IS NULL OR shape.relation <> ALL (state.relations) THEN
    RETURN format('it reads another table, %s', shape.relation);
  ELSIF retention_internal.facts_columns(kept.changes) <> ARRAY['retention_redo boolean']
    || retention_internal.facts_columns(shape.relation, shape.customers || shape.others) THEN
    RETURN 'columns that it reads are others or have other names';
  END IF;
  relation := retention_internal.facts_unwatched(kept.changes,
    ARRAY(SELECT r FROM unnest(relations) AS r WHERE r = ANY (state.relations)));
  IF relation IS NOT NULL THEN
    RETURN format('a trigger on %s is gone, disabled or, as after a restore, not linked', relation);
  END IF;
  PERFORM FROM unnest(state.relations, state.signatures,
    retention_internal.facts_signatures(kept.changes, state.relations)) AS u (relation, before, after)
  WHERE u.relation = ANY (relations) AND u.before IS DISTINCT FROM u.after;
  RETURN CASE WHEN FOUND THEN 'a trigger was disabled or changed in the meantime' END;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_repair(regclass, retention_internal.kept, record, regclass[]) IS
'why changes of a source may have been missed, so that its triggers are repaired; NULL: all were noted';

CREATE FUNCTION retention_refresh(source regclass) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source := retention_internal.facts_source(source, 'refresh');
  kept retention_internal.kept := s.kept;
  shape record;
  state record;
  relations regclass[];
  news regclass[];
  lost regclass[];
  repair text;
BEGIN
  PERFORM retention_internal.facts_check(s);
  shape := retention_internal.source_shape(source);
  EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', shape.relation);
  -- In a snapshot from before another refresh this is a serialization failure.
  EXECUTE format('SELECT s.* FROM %s AS s LIMIT 1 FOR UPDATE', kept.state) INTO state;
  relations := retention_internal.facts_relations(shape.relation);
  lost := ARRAY(SELECT r FROM unnest(state.relations) AS r WHERE r <> ALL (relations));
  news := ARRAY(SELECT r FROM unnest(relations) AS r WHERE r <> ALL (state.relations));
  repair := retention_internal.facts_repair(source, kept, state, relations);
  IF lost <> '{}' AND kept.changes IS NOT NULL THEN
    PERFORM retention_internal.facts_unwatch(kept.changes, lost, NULL);
  END IF;
  IF repair IS NOT NULL THEN
    s := retention_internal.facts_prepare(s);
  ELSIF lost <> '{}' OR news <> '{}' THEN
    IF news <> '{}' AND current_setting('transaction_isolation') <> 'read committed' THEN
      PERFORM retention_internal.refuse('25001', format('a refresh after %s became part of %s needs a transaction with '
        'isolation level read committed', news[1], shape.relation));
    END IF;
    PERFORM retention_internal.facts_watch(s, kept.changes, r, cardinality(shape.customers)) FROM unnest(news) AS r;
    EXECUTE format('UPDATE %s SET relations = $1, signatures = $2', kept.state)
    USING relations, retention_internal.facts_signatures(kept.changes, relations);
  END IF;
  RETURN retention_internal.facts_run(s, CASE
    WHEN repair IS NOT NULL THEN repair
    WHEN kept.facts IS NULL OR kept.summary IS NULL THEN 'its facts were not there'
    WHEN state.definition IS DISTINCT FROM retention_internal.facts_definition(s)
      THEN 'the source or its settings have changed'
    -- A detached partition takes its rows with it, and nothing says whose they were.
    WHEN lost <> '{}' THEN format('a partition of %s is gone', shape.relation)
    END, news);
END
$$;
COMMENT ON FUNCTION retention_refresh(regclass) IS
'folds what was written since the last refresh into the facts of a materialised source, exactly; returns the number of '
'customers concerned. Where changes may have been missed it builds all facts anew and says why';

CREATE FUNCTION retention_unmaterialize(source regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source := retention_internal.facts_source(source, NULL);
  kept retention_internal.kept := s.kept;
  relations regclass[];
BEGIN
  s.kept := NULL;
  PERFORM retention_internal.source_renew_views(s);
  EXECUTE format('SELECT s.relations FROM %s AS s LIMIT 1', kept.state) INTO relations;
  PERFORM retention_internal.facts_unwatch(kept.changes, relations,
    (SELECT c.relname FROM pg_class AS c WHERE c.oid = source));
  EXECUTE (SELECT 'DROP TABLE ' || string_agg(r::text, ', ')
    FROM unnest(ARRAY[kept.state, kept.facts, kept.summary, kept.changes]) AS r WHERE r IS NOT NULL);
END
$$;
COMMENT ON FUNCTION retention_unmaterialize(regclass) IS
'stops keeping the facts of a source: drops their tables and triggers; its views read the source again';
