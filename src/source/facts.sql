-- source: the facts of a source kept in tables, one small row per customer, and brought up to date by what changed.
--
-- Four tables beside a source of events, which its owner owns: _facts (one row per customer, and one per customer and value
-- of each segment), _summary (the cohorts of all of them and of each value), _changes (what statements did to the
-- relation since the last refresh, written by triggers in the transaction of the change) and _state (one row). A refresh
-- empties _changes and reads the source in one statement, so in one snapshot: a change is either in both or in none.
--
-- Which tables belong to a source is said by pg_depend: defaults of columns of _state refer to the source and to the
-- other tables. They follow renames and dumps, and count where one role owns all of these.

-- What the server says (facts_*.c).

CREATE FUNCTION retention_internal.source_shape(source regclass, OUT relation regclass, OUT customers name[], OUT others name[]) RETURNS record
LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'source_shape';
COMMENT ON FUNCTION retention_internal.source_shape(regclass) IS
'the table that a source reads, its columns that make up the customer, and the others that facts depend on; 0A000: facts of the source cannot be kept';

CREATE FUNCTION retention_internal.source_over(source regclass, relation regclass, redo boolean) RETURNS text
LANGUAGE C VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'source_over';
COMMENT ON FUNCTION retention_internal.source_over(regclass, regclass, boolean) IS
'a SELECT of what facts need of a source, by its own expressions, from another relation with these columns; redo: of a table of changes, false: the rows inserted, true: the customers to look up';

CREATE FUNCTION retention_internal.facts_link_trigger(relation regclass, trigger name, changes regclass) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'facts_link_trigger';
COMMENT ON FUNCTION retention_internal.facts_link_trigger(regclass, name, regclass) IS
'has a trigger note in a table of changes; both tables are the caller''s';

CREATE FUNCTION retention_internal.facts_link_table(relation regclass, source regclass) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'facts_link_table';
COMMENT ON FUNCTION retention_internal.facts_link_table(regclass, regclass) IS
'has a table of kept facts go with its source, and with this extension; both are the caller''s';

CREATE FUNCTION retention_internal.facts_linked(trigger oid, relation regclass) RETURNS regclass
LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'facts_linked';
COMMENT ON FUNCTION retention_internal.facts_linked(oid, regclass) IS
'the table in which a trigger of a relation notes changes; NULL: none';

CREATE FUNCTION retention_internal.facts_note() RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'facts_note';
COMMENT ON FUNCTION retention_internal.facts_note() IS
'trigger of the relation of a materialised source: notes what a statement inserted, and whose rows it updated or deleted';

-- What is kept.

CREATE FUNCTION retention_internal.facts_kept(source regclass) RETURNS retention_internal.kept
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- All of one owner: nobody can put a table of somebody else in its place, nor be given one.
  SELECT k.state, max(m.relation) FILTER (WHERE m.name = 'facts')::regclass, max(m.relation) FILTER (WHERE m.name = 'summary')::regclass,
    max(m.relation) FILTER (WHERE m.name = 'changes')::regclass
  FROM (
    SELECT t.oid::regclass AS state, t.relowner AS owner
    FROM pg_class AS s
      JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid AND d.classid = 'pg_attrdef'::regclass
      JOIN pg_attrdef AS f ON f.oid = d.objid
      JOIN pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attname = 'retention_source'
      JOIN pg_class AS t ON t.oid = f.adrelid AND t.relkind = 'r' AND t.relowner = s.relowner
    WHERE s.oid = $1
    ORDER BY t.oid LIMIT 1
  ) AS k
  LEFT JOIN LATERAL (
    SELECT a.attname AS name, t.oid AS relation
    FROM pg_attrdef AS f
      JOIN pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
      JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
      JOIN pg_class AS t ON t.oid = d.refobjid AND t.relkind = 'r' AND t.relowner = k.owner
    WHERE f.adrelid = k.state
  ) AS m ON true
  GROUP BY k.state
$$;
COMMENT ON FUNCTION retention_internal.facts_kept(regclass) IS
'the tables of the kept facts of a source: what the defaults of a table of the same owner refer to; NULL: it is not materialised';

CREATE FUNCTION retention_internal.facts_state(source regclass) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN k.state IS NULL THEN NULL
    WHEN k.changes IS NULL THEN 'facts are gone'
    WHEN k.facts IS NULL OR k.summary IS NULL THEN 'facts wait for a refresh'
    ELSE 'materialised' END
  FROM retention_internal.facts_kept($1) AS k
$$;
COMMENT ON FUNCTION retention_internal.facts_state(regclass) IS
'what becomes of the kept facts of a source: materialised, facts wait for a refresh, facts are gone; NULL: it keeps none';

CREATE FUNCTION retention_internal.facts_definition(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
AS $$
  -- The view as the server has it, in numbers of relations and columns: names may change.
  SELECT format('%s; gone_after=%s; view=%s', $1.grid, $1.gone_after, md5(w.ev_action::text))
  FROM pg_rewrite AS w WHERE w.ev_class = $1.source AND w.ev_type = '1'
$$;
COMMENT ON FUNCTION retention_internal.facts_definition(retention_internal.source) IS 'what the facts of a source depend on, in one line';

CREATE FUNCTION retention_internal.facts_of(source retention_internal.source) RETURNS retention_internal.kept
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- A table of somebody else is only read, and reading a table runs nothing of its owner.
  SELECT ($1.kept).*
  FROM pg_attrdef AS f JOIN pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attname = 'definition'
  WHERE f.adrelid = ($1.kept).state
    AND pg_get_expr(f.adbin, f.adrelid) = quote_literal(retention_internal.facts_definition($1)) || '::text'
    AND has_table_privilege(($1.kept).facts, 'SELECT') AND has_table_privilege(($1.kept).summary, 'SELECT')
    -- (DROP EXTENSION ... CASCADE takes the columns and leaves the tables)
    AND 2 = (SELECT count(*) FROM pg_attribute AS c WHERE (c.attrelid, c.attname) IN ((($1.kept).facts, 'facts'), (($1.kept).summary, 'cohorts')))
$$;
COMMENT ON FUNCTION retention_internal.facts_of(retention_internal.source) IS
'the kept facts of a source, if there are any of the source as it is now, and the caller may read them';

-- What the views and the report read.

CREATE FUNCTION retention_internal.facts_totals(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'FROM ' || k.summary || ' AS s, @extschema@.cohort_totals(s.cohorts) AS t WHERE s.part = 0'
  FROM retention_internal.facts_of($1) AS k WHERE k.summary IS NOT NULL AND k.facts IS NOT NULL
$$;
COMMENT ON FUNCTION retention_internal.facts_totals(retention_internal.source) IS
'FROM and WHERE of what the kept facts of a source say of everybody; NULL: there are none to read';

CREATE FUNCTION retention_internal.facts_presence(source retention_internal.source, as_of text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format(
    'SELECT f.customer, lower(s.stay) AS started, CASE WHEN upper(s.stay) < k.as_of THEN upper(s.stay) END AS ended%s'
    ' FROM %s AS f, unnest(f.stays) AS s (stay), (SELECT %s AS as_of) AS k WHERE f.part = 0 AND lower(s.stay) < k.as_of',
    coalesce((SELECT string_agg(format(', f.segment_%s AS %I', s.place, s.segment), '' ORDER BY s.place)
      FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)), ''),
    ($1.kept).facts, $2 || CASE $1.time_type WHEN 'date'::regtype THEN '::date' ELSE '' END)
$$;
COMMENT ON FUNCTION retention_internal.facts_presence(retention_internal.source, text) IS 'source_presence(), read from kept facts';

-- Facts of rows.

CREATE FUNCTION retention_internal.facts_grid(source retention_internal.source) RETURNS retention_grid
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- Days answer every calendar question; hours and elapsed windows need their own.
  SELECT CASE WHEN o.unit = 'hour' OR o.windows = 'elapsed' THEN $1.grid
    ELSE @extschema@.retention_grid('day'::text, 'monday'::text, o.time_zone, NULL::date, 'calendar'::text,
      'first'::text, NULL::text, o.min_events, NULL::timestamp) END
  FROM @extschema@.grid_options($1.grid) AS o
$$;
COMMENT ON FUNCTION retention_internal.facts_grid(retention_internal.source) IS 'the grid of the kept facts of a source';

CREATE FUNCTION retention_internal.facts_edges(source retention_internal.source, facts text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY[format('@extschema@.first_active%s(%s)', s.suffix, $2), format('@extschema@.last_active%s(%s)', s.suffix, $2)]
  FROM (SELECT CASE $1.time_type WHEN 'timestamptz'::regtype THEN '_at' ELSE '' END AS suffix) AS s
$$;
COMMENT ON FUNCTION retention_internal.facts_edges(retention_internal.source, text) IS
'SQL expressions of the first and the last time in facts, of the kind in which times are ordered';

CREATE FUNCTION retention_internal.facts_items(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'r.customer, ' || retention_internal.source_event_time('r') || ' AS at'
    || coalesce((SELECT string_agg(', r.' || quote_ident(s.segment), '' ORDER BY s.place)
      FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)), '')
$$;
COMMENT ON FUNCTION retention_internal.facts_items(retention_internal.source) IS 'what facts take of a row r of a source';

CREATE FUNCTION retention_internal.facts_select(source retention_internal.source, rows text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
AS $$
  -- From rows (customer, retention_whole, at, segments) to facts by customer, then by the value of each segment. Stays are
  -- what source_presence() makes of events: from an event until gone_after after the last one without another in between.
  SELECT format(
    E'SELECT NULL::text AS segment, NULL::text AS value, b.customer, b.retention_whole AS whole, @extschema@.activity(b.at, %1$L::@extschema@.retention_grid) AS facts,\n'
    '  range_agg(%2$s(%3$s, %4$s)) FILTER (WHERE b.at IS NOT NULL) AS stays%5$s\nFROM %6$s AS b\nGROUP BY b.customer, b.retention_whole%7$s',
    retention_internal.facts_grid($1), CASE WHEN t.is_date THEN 'daterange' ELSE 'tsrange' END, t.at,
    format(CASE WHEN t.is_date THEN '(%s + interval %L)::date' ELSE '%s + interval %L' END, t.at, $1.gone_after),
    coalesce((SELECT string_agg(format(', (array_agg(b.%I ORDER BY b.at, b.%1$I) FILTER (WHERE b.at IS NOT NULL))[1] AS segment_%s',
      s.segment, s.place), '' ORDER BY s.place) FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)), ''),
    $2,
    coalesce((SELECT string_agg(format(
      E'\nUNION ALL\nSELECT %L, b.%I::text, b.customer, b.retention_whole AS whole, @extschema@.activity(b.at, %L::@extschema@.retention_grid), NULL%s\nFROM %s AS b\nGROUP BY b.%2$I::text, b.customer, b.retention_whole',
      s.segment, s.segment, retention_internal.facts_grid($1), repeat(', NULL', cardinality($1.segments)), $2), '' ORDER BY s.place)
      FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)), ''))
  FROM (SELECT $1.time_type = 'date'::regtype AS is_date,
    CASE $1.time_type WHEN 'timestamptz'::regtype THEN format('(b.at AT TIME ZONE %L)', $1.time_zone) ELSE 'b.at' END AS at) AS t
$$;
COMMENT ON FUNCTION retention_internal.facts_select(retention_internal.source, text) IS 'a SELECT of the facts of the rows of a query or table';

-- Who notes what changes.

CREATE FUNCTION retention_internal.facts_relations(relation regclass) RETURNS regclass[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE r AS (
    SELECT $1::oid AS oid
    UNION
    SELECT i.inhrelid FROM r JOIN pg_inherits AS i ON i.inhparent = r.oid
  )
  SELECT array_agg(r.oid::regclass ORDER BY r.oid = $1 DESC, r.oid) FROM r
$$;
COMMENT ON FUNCTION retention_internal.facts_relations(regclass) IS 'a table and all its partitions or children';

CREATE FUNCTION retention_internal.facts_triggers(changes regclass, relations regclass[])
RETURNS TABLE (relation regclass, name name, kind text, enabled text, version text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.tgrelid::regclass, t.tgname,
    CASE t.tgtype WHEN 4 THEN 'inserts' WHEN 16 THEN 'updates' WHEN 8 THEN 'deletes' WHEN 32 THEN 'truncates' WHEN 29 THEN 'replicas' END,
    -- Whatever is done to a trigger makes another version of its row.
    t.tgenabled::text, format('%s %s %s', t.oid, t.xmin, t.ctid)
  FROM pg_trigger AS t
  WHERE t.tgrelid = ANY ($2) AND t.tgfoid = 'retention_internal.facts_note()'::regprocedure AND t.tgqual IS NULL AND t.tgattr = ''
    AND retention_internal.facts_linked(t.oid, t.tgrelid) = $1
$$;
COMMENT ON FUNCTION retention_internal.facts_triggers(regclass, regclass[]) IS 'the triggers that note changes of relations in a table';

CREATE FUNCTION retention_internal.facts_unwatched(changes regclass, relations regclass[]) RETURNS regclass
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.oid::regclass
  FROM pg_class AS r
  WHERE r.oid = ANY ($2) AND EXISTS (
    SELECT FROM (VALUES ('inserts', 'A'), ('updates', 'A'), ('deletes', 'A'), ('truncates', 'A'), ('replicas', 'R')) AS k (kind, enabled)
    WHERE (k.kind <> 'replicas' OR r.relkind = 'r') AND (k.kind, k.enabled) NOT IN (
      SELECT t.kind, t.enabled FROM retention_internal.facts_triggers($1, ARRAY[r.oid::regclass]) AS t WHERE t.kind IS NOT NULL))
  ORDER BY r.oid LIMIT 1
$$;
COMMENT ON FUNCTION retention_internal.facts_unwatched(regclass, regclass[]) IS
'the first of some relations that lacks a trigger that notes its changes, or has it disabled; NULL: none';

CREATE FUNCTION retention_internal.facts_signatures(changes regclass, relations regclass[]) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(md5(
      (SELECT string_agg(t.enabled || ' ' || t.version, ',' ORDER BY t.version) FROM retention_internal.facts_triggers($1, ARRAY[r.relation]) AS t)
      || (SELECT string_agg(format(' %s %s', a.attnum, a.attname), ',' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = $1 AND a.attnum > 0))
    ORDER BY r.place)
  FROM unnest($2) WITH ORDINALITY AS r (relation, place)
$$;
COMMENT ON FUNCTION retention_internal.facts_signatures(regclass, regclass[]) IS
'what notes the changes of each of some relations, in one word: as long as it stays, nothing was missed';

CREATE FUNCTION retention_internal.facts_unwatch(changes regclass, relations regclass[], named text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  t record;
BEGIN
  -- After a restore a trigger is linked to nothing; it is known by its name.
  FOR t IN SELECT g.tgrelid::regclass AS relation, g.tgname AS name FROM pg_trigger AS g
    WHERE g.tgrelid = ANY (relations) AND g.tgfoid = 'retention_internal.facts_note()'::regprocedure
      AND coalesce(retention_internal.facts_linked(g.oid, g.tgrelid) = changes,
        g.tgname IN (SELECT named || k.suffix FROM unnest(ARRAY['_inserts', '_updates', '_deletes', '_truncates', '_replicas']) AS k (suffix)))
    ORDER BY g.tgrelid, g.tgname
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', t.name, t.relation);
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_unwatch(regclass, regclass[], text) IS 'drops the triggers of a materialised source of that name on some relations';

CREATE FUNCTION retention_internal.facts_watch(source retention_internal.source, changes regclass, relation regclass, customers integer) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  kind text;
  trigger name;
  short name := (SELECT c.relname FROM pg_class AS c WHERE c.oid = source.source);
  is_leaf boolean := (SELECT c.relkind = 'r' FROM pg_class AS c WHERE c.oid = relation);
BEGIN
  FOREACH kind IN ARRAY ARRAY['inserts', 'updates', 'deletes', 'truncates', 'replicas'] LOOP
    CONTINUE WHEN kind = 'replicas' AND NOT is_leaf;
    trigger := short || '_' || kind;
    -- Another source of that name, in another schema, may watch the relation, too.
    PERFORM FROM pg_trigger AS t WHERE t.tgrelid = relation AND t.tgname = trigger AND (
      t.tgfoid <> 'retention_internal.facts_note()'::regprocedure
      OR coalesce(retention_internal.facts_linked(t.oid, relation) NOT IN (changes, coalesce((source.kept).changes, changes)), false));
    IF FOUND THEN
      trigger := short || source.source::oid || left(kind, 1);
    END IF;
    EXECUTE format('CREATE %s TRIGGER %I AFTER %s ON %s %s EXECUTE FUNCTION retention_internal.facts_note(%s)', 'OR ' || 'REPLACE', trigger,
      CASE kind WHEN 'replicas' THEN 'INSERT OR UPDATE OR DELETE' ELSE upper(rtrim(kind, 's')) END, relation,
      CASE kind WHEN 'inserts' THEN 'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT'
        WHEN 'updates' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT'
        WHEN 'deletes' THEN 'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT'
        WHEN 'replicas' THEN 'FOR EACH ROW' ELSE 'FOR EACH STATEMENT' END, customers);
    -- Statements count also where session_replication_role is replica. Rows that a subscription brings fire no triggers
    -- of statements, but those of rows that are enabled for replicas.
    EXECUTE format('ALTER TABLE ONLY %s ENABLE %s TRIGGER %I', relation, CASE kind WHEN 'replicas' THEN 'REPLICA' ELSE 'ALWAYS' END, trigger);
    PERFORM retention_internal.facts_link_trigger(relation, trigger, changes);
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_watch(retention_internal.source, regclass, regclass, integer) IS
'creates the triggers of a materialised source on a table, or makes them anew; the first columns that are noted make up the customer';

-- Bringing up to date.

CREATE FUNCTION retention_internal.facts_stage(source retention_internal.source, everything boolean, news regclass[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
-- The expressions of the source are written out and read again.
SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
-- Takes the noted changes and reads the rows they ask for, in one statement. news: tables that have become part of the
-- relation, whose customers are looked up.
DECLARE
  changes regclass := (source.kept).changes;
  items text := retention_internal.facts_items(source);
  rows text := format('(SELECT %s, true AS retention_whole FROM %s AS r WHERE r.customer IS NOT NULL)', items, source.source);
BEGIN
  IF to_regclass('pg_temp.retention_staged') IS NOT NULL THEN
    DROP TABLE pg_temp.retention_staged;
  END IF;
  IF to_regclass('pg_temp.retention_redone') IS NOT NULL THEN
    DROP TABLE pg_temp.retention_redone;
  END IF;
  EXECUTE format('CREATE TEMP TABLE retention_redone ON COMMIT DROP AS SELECT r.customer FROM %s AS r WITH NO DATA', source.source);
  EXECUTE 'CREATE TEMP TABLE retention_staged ON COMMIT DROP AS ' || retention_internal.facts_select(source, rows) || ' WITH NO DATA';

  IF everything THEN
    EXECUTE format(E'WITH taken AS (DELETE FROM %s)\nINSERT INTO pg_temp.retention_staged\n', changes)
      || retention_internal.facts_select(source, rows);
  ELSE
    EXECUTE format('ANALYZE %s', changes);
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
      changes,
      retention_internal.source_over(source.source, changes, true)
        || coalesce((SELECT string_agg(E'\n    UNION ALL SELECT n.customer FROM (' || retention_internal.source_over(source.source, n.relation, NULL) || ') AS n', '')
          FROM unnest(news) AS n (relation)), ''),
      items, retention_internal.source_over(source.source, changes, false), source.source,
      retention_internal.facts_select(source, 'noted'));
  END IF;
  ANALYZE pg_temp.retention_staged;
  ANALYZE pg_temp.retention_redone;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_stage(retention_internal.source, boolean, regclass[]) IS
'takes the noted changes of a source and reads what they ask for into temporary tables';

CREATE FUNCTION retention_internal.facts_fold(source retention_internal.source, everything boolean, what text) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
-- From the temporary tables of facts_stage() into facts and summary, which nobody else writes. Returns the customers.
DECLARE
  facts regclass := (source.kept).facts;
  summary regclass := (source.kept).summary;
  customers bigint;
  parted text;
  few boolean;
  joins text[];
  segments text := coalesce((SELECT string_agg(', segment_' || n, '' ORDER BY n) FROM generate_series(1, cardinality(source.segments)) AS n), '');
  chosen text;
  old_edges text[] := retention_internal.facts_edges(source, 'f.facts');
  new_edges text[] := retention_internal.facts_edges(source, 'n.facts');
  o record := @extschema@.grid_options(source.grid);
  whole_cohorts boolean := o.windows = 'elapsed' OR o.cohorts = 'recurring';
  grid text := format('%L::@extschema@.retention_grid', source.grid);
  latest timestamp;
BEGIN
  EXECUTE format($q$INSERT INTO %1$s (part, segment, value)
    SELECT m.part + row_number() OVER (ORDER BY v.segment, v.value), v.segment, v.value
    FROM (SELECT DISTINCT s.segment, s.value FROM pg_temp.retention_staged AS s WHERE s.segment IS NOT NULL
        EXCEPT SELECT k.segment, k.value FROM %1$s AS k) AS v,
      (SELECT max(part) AS part FROM %1$s) AS m$q$, summary);
  parted := format('SELECT k.part, s.* FROM pg_temp.retention_staged AS s JOIN %s AS k ON coalesce(k.segment, '''') = coalesce(s.segment, '''')'
    ' AND (k.part = 0) = (s.segment IS NULL) AND (k.value IS NULL) = (s.value IS NULL) AND coalesce(k.value, '''') = coalesce(s.value, '''')', summary);

  IF everything THEN
    EXECUTE format('INSERT INTO %s (part, customer, facts, stays%s) SELECT n.part, n.customer, n.facts, n.stays%s FROM (%s) AS n ORDER BY n.customer',
      facts, segments, replace(segments, ', ', ', n.'), parted);
    GET DIAGNOSTICS customers = ROW_COUNT;
    IF customers > 0 THEN
      EXECUTE format('ANALYZE %s', facts);
    END IF;
    SELECT count(*) INTO customers FROM pg_temp.retention_staged AS s WHERE s.segment IS NULL;
  ELSE
    -- Of two first rows the earlier tells the segments; at one time the lesser value, as array_agg(... ORDER BY at, segment) has it.
    SELECT coalesce(string_agg(format(
      ', CASE WHEN n.whole OR f.facts IS NULL OR %3$s IS NULL THEN n.segment_%1$s WHEN %2$s IS NULL OR %3$s < %2$s THEN f.segment_%1$s'
      ' WHEN %2$s < %3$s THEN n.segment_%1$s ELSE least(f.segment_%1$s, n.segment_%1$s) END AS segment_%1$s',
      g, new_edges[1], old_edges[1]), '' ORDER BY g), '')
    INTO chosen FROM generate_series(1, cardinality(source.segments)) AS g;
    IF to_regclass('pg_temp.retention_touched') IS NOT NULL THEN
      DROP TABLE pg_temp.retention_touched;
    END IF;
    IF to_regclass('pg_temp.retention_parted') IS NOT NULL THEN
      DROP TABLE pg_temp.retention_parted;
    END IF;
    -- A table of its own, for the planner to know how many rows there are.
    EXECUTE 'CREATE TEMP TABLE retention_parted ON COMMIT DROP AS ' || parted || ' ORDER BY s.customer';
    CREATE INDEX ON pg_temp.retention_parted (customer, part);
    ANALYZE pg_temp.retention_parted;
    -- Few customers are looked up one by one, never by a pass over all of them: what is next to them is not asked for.
    SELECT 10 * (SELECT count(*) FROM pg_temp.retention_parted) + 10 * (SELECT count(*) FROM pg_temp.retention_redone) < c.reltuples INTO few
    FROM pg_class AS c WHERE c.oid = facts;
    IF few THEN
      joins := ARRAY[current_setting('enable_hashjoin'), current_setting('enable_mergejoin')];
      PERFORM set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);
    END IF;
    EXECUTE format($q$CREATE TEMP TABLE retention_touched ON COMMIT DROP AS
      SELECT n.part, n.customer, f.facts AS old,
        CASE WHEN n.whole OR f.facts IS NULL THEN n.facts ELSE @extschema@.activity_union(f.facts, n.facts) END AS new,
        CASE WHEN n.whole OR f.stays IS NULL THEN n.stays WHEN n.stays IS NULL THEN f.stays ELSE f.stays + n.stays END AS stays, n.whole%1$s
      FROM pg_temp.retention_parted AS n LEFT JOIN %2$s AS f ON f.customer = n.customer AND f.part = n.part
      UNION ALL
      SELECT f.part, f.customer, f.facts, NULL, NULL, true%3$s
      FROM pg_temp.retention_redone AS r JOIN %2$s AS f ON f.customer = r.customer
      WHERE NOT EXISTS (SELECT FROM pg_temp.retention_parted AS n WHERE n.customer = f.customer AND n.part = f.part)$q$,
      chosen, facts, repeat(', NULL', cardinality(source.segments)));
    ANALYZE pg_temp.retention_touched;
    SELECT count(DISTINCT t.customer) INTO customers FROM pg_temp.retention_touched AS t;
    EXECUTE format('UPDATE %s AS f SET facts = t.new, stays = t.stays%s FROM pg_temp.retention_touched AS t
      WHERE f.customer = t.customer AND f.part = t.part AND t.old IS NOT NULL AND t.new IS NOT NULL', facts,
      (SELECT string_agg(format(', segment_%s = t.segment_%1$s', n), '') FROM generate_series(1, cardinality(source.segments)) AS n));
    EXECUTE format('INSERT INTO %s (part, customer, facts, stays%s) SELECT t.part, t.customer, t.new, t.stays%s FROM pg_temp.retention_touched AS t WHERE t.old IS NULL AND t.new IS NOT NULL',
      facts, segments, replace(segments, ', ', ', t.'));
    EXECUTE format('DELETE FROM %s AS f USING pg_temp.retention_touched AS t WHERE f.customer = t.customer AND f.part = t.part AND t.new IS NULL', facts);
    IF few THEN
      PERFORM set_config('enable_hashjoin', joins[1], true), set_config('enable_mergejoin', joins[2], true);
    END IF;
  END IF;

  IF customers = 0 AND NOT everything THEN
    RETURN 0;
  END IF;
  PERFORM retention_internal.progress(what, source.source, 'adding up', 4, 4);
  IF NOT everything AND NOT whole_cohorts THEN
    -- Where somebody who was looked up had the first or the last row of a part, who has it now stands in for what a
    -- difference cannot tell. That takes a look at all of the part, and is kept out of an index because every refresh
    -- would pay for that.
    EXECUTE format($q$INSERT INTO pg_temp.retention_touched (part, customer, old, new)
      SELECT DISTINCT ON (e.part, e.customer) e.part, e.customer, e.facts, e.facts
      FROM %4$s AS k, LATERAL @extschema@.cohort_totals(k.cohorts) AS m, LATERAL (
        (SELECT f.part, f.customer, f.facts FROM %1$s AS f WHERE f.part = k.part AND k.part IN (
          SELECT t.part FROM pg_temp.retention_touched AS t WHERE t.whole AND @extschema@.first_active(t.old) = m.first_at) ORDER BY %2$s LIMIT 1)
        UNION ALL
        (SELECT f.part, f.customer, f.facts FROM %1$s AS f WHERE f.part = k.part AND k.part IN (
          SELECT t.part FROM pg_temp.retention_touched AS t WHERE t.whole AND @extschema@.last_active(t.old) = m.latest_at) ORDER BY %3$s DESC NULLS LAST LIMIT 1)) AS e
      WHERE NOT (EXISTS (SELECT FROM pg_temp.retention_touched AS t WHERE t.part = e.part AND t.customer = e.customer))$q$,
      facts, old_edges[1], old_edges[2], summary);
    EXECUTE format($q$UPDATE %1$s AS k SET cohorts = retention_internal.cohort_replace_exact(k.cohorts, c.old, c.new)
      FROM (SELECT t.part, @extschema@.cohort_retention(@extschema@.coarsen(t.old, %2$s)) AS old,
          @extschema@.cohort_retention(@extschema@.coarsen(t.new, %2$s)) AS new
        FROM pg_temp.retention_touched AS t GROUP BY t.part) AS c
      WHERE c.part = k.part$q$, summary, grid);
  ELSE
    -- What is complete in elapsed windows and recurring cohorts follows the latest row of all.
    IF whole_cohorts THEN
      EXECUTE format('SELECT ' || CASE source.time_type
          WHEN 'date'::regtype THEN '%1$s + interval ''1 day'''
          WHEN 'timestamptz'::regtype THEN '%1$s AT TIME ZONE %3$L + interval ''1 microsecond'''
          ELSE '%1$s + interval ''1 microsecond''' END
        || ' FROM %2$s AS f WHERE f.part = 0 AND %1$s IS NOT NULL ORDER BY %1$s DESC LIMIT 1',
        old_edges[2], facts, source.time_zone) INTO latest;
      EXECUTE format('SELECT %s::text', retention_internal.source_grid(source, format('%L::timestamp', latest))) INTO grid;
      grid := format('%L::@extschema@.retention_grid', grid);
    END IF;
    EXECUTE format($q$UPDATE %1$s AS k SET cohorts = c.cohorts
      FROM %1$s AS p LEFT JOIN (
        SELECT f.part, @extschema@.cohort_retention(@extschema@.coarsen(f.facts, %2$s)) AS cohorts FROM %3$s AS f GROUP BY f.part) AS c USING (part)
      WHERE p.part = k.part$q$, summary, grid, facts);
  END IF;
  EXECUTE format('DELETE FROM %s WHERE part > 0 AND cohorts IS NULL', summary);
  RETURN customers;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_fold(retention_internal.source, boolean, text) IS
'folds what was staged into the facts and the summary of a source; what: materialise or refresh, for others to see';

-- The tables.

CREATE FUNCTION retention_internal.facts_create(source regclass, suffix text, definition text, said text) RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  kept retention_internal.kept := retention_internal.facts_kept(source);
  relation text := (SELECT format('%I.%I', n.nspname, c.relname || suffix) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = source);
  there regclass := to_regclass(relation);
BEGIN
  IF there IN (kept.state, kept.facts, kept.summary, kept.changes) THEN
    -- Beside the old one, until that is dropped.
    relation := (SELECT format('%I.%I', n.nspname, c.relname || '2') FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = there);
  ELSIF there IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42P07',
      MESSAGE = format('%s exists and does not belong to the kept facts of source %s', there, source),
      HINT = format('If it is left over from facts that were kept before: DROP TABLE %s.', there);
  END IF;
  EXECUTE format('CREATE TABLE %s %s', relation, definition);
  EXECUTE format('COMMENT ON TABLE %s IS %L', relation, said || '; retention source ' || source);
  there := to_regclass(relation);
  PERFORM retention_internal.facts_link_table(there, source);
  RETURN there;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_create(regclass, text, text, text) IS
'creates a table of the kept facts of a source; under another name while the old one is there';

CREATE FUNCTION retention_internal.facts_columns(relation regclass) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
  FROM pg_attribute AS a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION retention_internal.facts_columns(regclass) IS 'the columns of a table with their types';

CREATE FUNCTION retention_internal.facts_columns(relation regclass, columns name[]) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ORDER BY c.place)
  FROM unnest($2) WITH ORDINALITY AS c (name, place) JOIN pg_attribute AS a ON a.attrelid = $1 AND a.attname = c.name
$$;
COMMENT ON FUNCTION retention_internal.facts_columns(regclass, name[]) IS 'some columns of a table with their types';

CREATE FUNCTION retention_internal.facts_check(source retention_internal.source) RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  relation regclass;
  wrong text;
  length integer;
BEGIN
  IF source.kind <> 'events' THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('source %s is not one of events', source.source),
      DETAIL = 'A row of a subscription is a fact of a customer already.';
  END IF;
  IF source.has_as_of THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('source %s has an as_of of its own', source.source),
      DETAIL = 'Kept facts end with the latest row.',
      HINT = 'Without as_of, a period that is not over is shown as partial.';
  END IF;
  SELECT octet_length(c.relname) INTO length FROM pg_class AS c WHERE c.oid = source.source;
  IF length > 52 THEN
    RAISE EXCEPTION USING ERRCODE = '42622',
      MESSAGE = format('the name of source %s is too long to keep its facts', source.source),
      DETAIL = format('It has %s bytes, at most 52 are allowed.', length),
      HINT = 'ALTER VIEW ... RENAME: its tables are called by it with a suffix such as _changes.';
  END IF;
  relation := (retention_internal.source_shape(source.source)).relation;
  SELECT CASE
      WHEN r.relkind NOT IN ('r', 'p') THEN format('part of it lies elsewhere: %s', r.oid::regclass)
      WHEN r.relpersistence <> 'p' THEN format('%s does not outlive a crash', r.oid::regclass) END
  INTO wrong
  FROM pg_class AS r WHERE r.oid = ANY (retention_internal.facts_relations(relation)) AND (r.relkind NOT IN ('r', 'p') OR r.relpersistence <> 'p')
  ORDER BY r.oid LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('facts of %s cannot be kept: %s', relation, wrong),
      DETAIL = 'What changes is noted by triggers on the table that is written.';
  END IF;
  -- Writers of a distributed table fire no triggers here.
  IF to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN
    EXECUTE 'SELECT p.logicalrelid::regclass::text FROM pg_catalog.pg_dist_partition AS p WHERE p.logicalrelid::oid = $1' INTO wrong USING relation;
    IF wrong IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = '0A000',
        MESSAGE = format('facts of %s cannot be kept: Citus distributes it', relation),
        DETAIL = 'What changes is noted by triggers on the table that is written.',
        HINT = 'The views of the source read the table itself.';
    END IF;
  END IF;
  SELECT r.oid::regclass::text INTO wrong FROM pg_class AS r
  WHERE r.oid = ANY (retention_internal.facts_relations(relation)) AND NOT pg_has_role(r.relowner, 'USAGE') ORDER BY r.oid LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '42501',
      MESSAGE = format('%s belongs to another role', wrong),
      DETAIL = 'Keeping facts puts triggers on it.',
      HINT = 'Its owner can have a source of their own and keep its facts.';
  END IF;
  IF row_security_active(relation) THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('facts of %s cannot be kept by %s', relation, quote_ident(CURRENT_USER)),
      DETAIL = 'Row-level security shows this role a part of its rows only.',
      HINT = 'The views of the source read the table itself and keep to its policies.';
  END IF;
  RETURN relation;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_check(retention_internal.source) IS
'the table whose changes are noted for a source; raises why its facts cannot be kept by the caller';

CREATE FUNCTION retention_internal.facts_prepare(source retention_internal.source) RETURNS retention_internal.source
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
-- Sees to it that changes are noted: the tables _state and _changes and the triggers. What was written before is not noted,
-- so everything has to be read afterwards.
DECLARE
  kept retention_internal.kept := source.kept;
  shape record;
  wanted name[];
  wrong text;
  relations regclass[];
  relation regclass;
  new_changes regclass;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION USING ERRCODE = '25001',
      MESSAGE = 'building facts needs a transaction with isolation level read committed',
      DETAIL = 'It must see what was written before its triggers were there.';
  END IF;
  shape := retention_internal.source_shape(source.source);
  relations := retention_internal.facts_relations(shape.relation);
  wanted := shape.customers || shape.others;
  SELECT a.attname INTO wrong FROM pg_attribute AS a JOIN pg_type AS d ON d.oid = a.atttypid
  WHERE a.attrelid = shape.relation AND a.attname = ANY (wanted) AND d.typtype = 'd' AND d.typnotnull ORDER BY a.attnum LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('the type of column "%s" does not allow NULL', wrong),
      HINT = 'Use a domain without NOT NULL, and NOT NULL on the column.';
  END IF;
  IF kept.changes IS NULL OR retention_internal.facts_columns(kept.changes)
    <> ARRAY['retention_redo boolean'] || retention_internal.facts_columns(shape.relation, wanted) THEN
    new_changes := retention_internal.facts_create(source.source, '_changes',
      format('AS SELECT NULL::boolean AS retention_redo, %s FROM %s WITH NO DATA',
        (SELECT string_agg(quote_ident(w.name), ', ' ORDER BY w.place) FROM unnest(wanted) WITH ORDINALITY AS w (name, place)), shape.relation),
      'what was written to ' || shape.relation || ' and is not in the facts yet');
    EXECUTE format('COMMENT ON COLUMN %s.retention_redo IS %L', new_changes, 'false: a row was inserted; true: rows of the customer were updated or deleted; NULL: anything');
    -- A publication of all tables would not let rows be deleted otherwise.
    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', new_changes);
  END IF;
  FOREACH relation IN ARRAY relations LOOP
    IF new_changes IS NOT NULL OR retention_internal.facts_unwatched(kept.changes, ARRAY[relation]) IS NOT NULL THEN
      -- From here on writers wait until we are done.
      PERFORM retention_internal.facts_watch(source, coalesce(new_changes, kept.changes), relation, cardinality(shape.customers));
    END IF;
  END LOOP;
  IF kept.state IS NULL THEN
    kept.state := retention_internal.facts_create(source.source, '_state', format(
      '(retention_source regclass PRIMARY KEY DEFAULT %L::regclass, facts regclass, summary regclass, changes regclass, relations regclass[], '
      'definition text, signatures text[], refreshed timestamptz, rows_ignored bigint, rebuilt_because text)', source.source),
      'the tables of the kept facts, and what a refresh has to know');
  ELSE
    -- After a restore nothing but the defaults says what belongs together.
    PERFORM retention_internal.facts_link_table(r, source.source) FROM unnest(ARRAY[kept.state, kept.facts, kept.summary, kept.changes]) AS r WHERE r IS NOT NULL;
  END IF;
  EXECUTE format('INSERT INTO %s DEFAULT VALUES ON CONFLICT DO NOTHING', kept.state);
  IF new_changes IS NOT NULL THEN
    kept.changes := retention_internal.facts_place(source.source, kept.state, 'changes', new_changes, kept.changes);
  END IF;
  EXECUTE format('UPDATE %s SET relations = $1, signatures = $2', kept.state)
  USING relations, retention_internal.facts_signatures(kept.changes, relations);
  source.kept := kept;
  RETURN source;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_prepare(retention_internal.source) IS
'has the changes of the relation of a source noted from now on; the source with the tables for it';

CREATE FUNCTION retention_internal.facts_place(source regclass, state regclass, what text, relation regclass, old regclass) RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  reader record;
  name text := (SELECT c.relname || '_' || what FROM pg_class AS c WHERE c.oid = source);
BEGIN
  EXECUTE format('ALTER TABLE %s ALTER %I SET DEFAULT %L::regclass', state, what, relation);
  EXECUTE format('UPDATE %s SET %I = DEFAULT', state, what);
  IF old IS NOT NULL THEN
    FOR reader IN SELECT DISTINCT a.grantee FROM pg_class AS c, aclexplode(c.relacl) AS a
      WHERE c.oid = old AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
    LOOP
      EXECUTE format('GRANT SELECT ON %s TO %s', relation, CASE reader.grantee WHEN 0 THEN 'PUBLIC' ELSE reader.grantee::regrole::text END);
    END LOOP;
    EXECUTE format('DROP TABLE %s', old);
    IF (SELECT c.relname <> name FROM pg_class AS c WHERE c.oid = relation) THEN
      EXECUTE format('ALTER TABLE %s RENAME TO %I', relation, name);
    END IF;
  END IF;
  RETURN relation;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_place(regclass, regclass, text, regclass, regclass) IS
'makes a table one of the kept facts of a source, in place of an old one, which is dropped; those who could read that may read it';

CREATE FUNCTION retention_internal.facts_run(source retention_internal.source, because text, news regclass[] DEFAULT '{}') RETURNS bigint
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
  wanted text[];
  indexes text[];
  command text;
  customers bigint;
  ignored bigint;
BEGIN
  EXECUTE format('SELECT s.definition, s.refreshed, s.rows_ignored FROM %s AS s', old.state) INTO state;
  what := CASE WHEN state.refreshed IS NULL THEN 'materialise' ELSE 'refresh' END;
  LOOP
    -- A mark that everything has to be looked at may be there, and may come in between: marks are left for the second look.
    IF because IS NULL THEN
      EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE retention_redo IS NULL)', old.changes) INTO redo;
      because := CASE WHEN redo THEN 'rows were changed and not noted one by one, as by TRUNCATE' END;
    END IF;
    PERFORM retention_internal.progress(what, source.source, CASE WHEN because IS NULL THEN 'reading changes' ELSE 'reading everything' END, 2, 4);
    PERFORM retention_internal.facts_stage(source, because IS NOT NULL, news);
    EXIT WHEN because IS NOT NULL;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE retention_redo IS NULL)', old.changes) INTO redo;
    EXIT WHEN NOT redo;
  END LOOP;

  PERFORM retention_internal.progress(what, source.source, 'folding in', 3, 4);
  IF because IS NOT NULL THEN
    wanted := ARRAY(SELECT u.item FROM unnest('part integer'::text || retention_internal.facts_columns('pg_temp.retention_staged')) WITH ORDINALITY AS u (item, place)
      WHERE u.item NOT IN ('segment text', 'value text', 'whole boolean') ORDER BY u.place);
    IF old.facts IS NOT NULL AND old.summary IS NOT NULL AND retention_internal.facts_columns(old.facts) = wanted THEN
      EXECUTE format('DELETE FROM %s', old.facts);
      EXECUTE format('DELETE FROM %s', old.summary);
    ELSE
      source := retention_internal.facts_create_both(source);
      -- No index on what changes, and space in the pages: an update then stays where it is.
      indexes := ARRAY[format('ALTER TABLE %s ADD PRIMARY KEY (customer, part)', (source.kept).facts)];
      IF source.segments <> '{}' THEN
        indexes := indexes || format('CREATE INDEX ON %s (part) WHERE part > 0', (source.kept).facts);
      END IF;
    END IF;
    EXECUTE format('INSERT INTO %s (part) VALUES (0)', (source.kept).summary);
  END IF;
  customers := retention_internal.facts_fold(source, because IS NOT NULL, what);
  FOREACH command IN ARRAY coalesce(indexes, '{}') LOOP
    EXECUTE command;
  END LOOP;

  IF indexes IS NOT NULL OR state.definition IS DISTINCT FROM definition THEN
    -- Who reads waits for this alone.
    EXECUTE format('ALTER TABLE %s ALTER definition SET DEFAULT %L', old.state, definition);
    PERFORM retention_internal.source_renew_views(source);
    IF indexes IS NOT NULL THEN
      PERFORM retention_internal.facts_place(source.source, old.state, 'facts', (source.kept).facts, old.facts);
      PERFORM retention_internal.facts_place(source.source, old.state, 'summary', (source.kept).summary, old.summary);
    END IF;
  END IF;
  EXECUTE format('SELECT coalesce((@extschema@.cohort_totals(s.cohorts)).rows_ignored, 0) FROM %s AS s WHERE s.part = 0', (source.kept).summary) INTO ignored;
  EXECUTE format('UPDATE %s SET refreshed = $1, definition = DEFAULT, rows_ignored = $2%s', old.state,
    CASE WHEN because IS NULL THEN '' ELSE ', rebuilt_because = $3' END) USING began, ignored, because;
  IF because <> 'it was asked for' AND state.refreshed IS NOT NULL THEN
    RAISE NOTICE USING MESSAGE = format('the facts of source %s were built anew: %s', source.source, because);
  END IF;
  IF ignored > coalesce(state.rows_ignored, 0) THEN
    RAISE NOTICE USING MESSAGE = format('%s rows of source %s are ignored: they have no time from 1900 to 2199', ignored, source.source);
  END IF;
  PERFORM retention_internal.progress_end();
  RETURN customers;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_run(retention_internal.source, text, regclass[]) IS
'brings the facts of a source up to date, from what was noted or from everything';

CREATE FUNCTION retention_internal.facts_create_both(source retention_internal.source) RETURNS retention_internal.source
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  kept retention_internal.kept := source.kept;
  segments text := coalesce((SELECT string_agg(', s.segment_' || n, '' ORDER BY n) FROM generate_series(1, cardinality(source.segments)) AS n), '');
BEGIN
  kept.summary := retention_internal.facts_create(source.source, '_summary',
    '(part integer PRIMARY KEY, segment text, value text, cohorts @extschema@.retention_cohorts)',
    'cohorts of everybody (part 0) and of the customers of each value of a segment');
  EXECUTE format('COMMENT ON COLUMN %s.part IS %L', kept.summary, '0: everybody; others: the number of a value');
  EXECUTE format('COMMENT ON COLUMN %s.segment IS %L', kept.summary, 'the column that customers are compared by; NULL: everybody');
  EXECUTE format('COMMENT ON COLUMN %s.value IS %L', kept.summary, 'what stands in that column');
  EXECUTE format('COMMENT ON COLUMN %s.cohorts IS %L', kept.summary, 'their cohorts: cohort_cells(), retention_curve(), lifecycle(), stickiness()');
  kept.facts := retention_internal.facts_create(source.source, '_facts',
    format('WITH (fillfactor = 90) AS SELECT 0 AS part, s.customer, s.facts, s.stays%s FROM pg_temp.retention_staged AS s WITH NO DATA', segments),
    'facts of each customer, over all rows (part 0) and over those of each value of a segment');
  EXECUTE format('COMMENT ON COLUMN %s.part IS %L', kept.facts, 'as in the summary');
  EXECUTE format('COMMENT ON COLUMN %s.customer IS %L', kept.facts, 'who');
  EXECUTE format('COMMENT ON COLUMN %s.facts IS %L', kept.facts, 'when the customer was active');
  EXECUTE format('COMMENT ON COLUMN %s.stays IS %L', kept.facts, 'from an event until ' || source.gone_after || ' after the last one without another in between; part 0 only');
  FOR place IN 1 .. cardinality(source.segments) LOOP
    EXECUTE format('COMMENT ON COLUMN %s.segment_%s IS %L', kept.facts, place, source.segments[place] || ' of the first event; part 0 only');
  END LOOP;
  source.kept := kept;
  RETURN source;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_create_both(retention_internal.source) IS
'creates the facts and the summary of a source, for what was staged; the source with these';

-- What is asked for.

CREATE FUNCTION retention_materialize(source regclass, build boolean DEFAULT true) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source;
BEGIN
  PERFORM retention_internal.check_owner(source);
  PERFORM retention_internal.progress('materialise', source, 'waiting', 1, 4);
  PERFORM retention_internal.source_lock(source, 1, true);
  s := retention_internal.source_find(source);
  PERFORM retention_internal.facts_check(s);
  s := retention_internal.facts_prepare(s);
  IF build THEN
    RETURN retention_internal.facts_run(s, 'it was asked for');
  END IF;
  -- A mark: the next refresh reads everything.
  EXECUTE format('INSERT INTO %s (retention_redo) VALUES (NULL)', (s.kept).changes);
  PERFORM retention_internal.progress_end();
  RETURN 0;
END
$$;
COMMENT ON FUNCTION retention_materialize(regclass, boolean) IS
'keeps the facts of a source of events in tables beside it; its views read them. build => false: the first refresh builds them, and no writer waits for it';

CREATE FUNCTION retention_refresh(source regclass) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source;
  kept retention_internal.kept;
  shape record;
  state record;
  relations regclass[];
  news regclass[];
  lost regclass[];
  relation regclass;
  repair text;
  because text;
BEGIN
  PERFORM retention_internal.check_owner(source);
  PERFORM retention_internal.progress('refresh', source, 'waiting', 1, 4);
  -- Another refresh waits here; writers do not, for they only add rows. A TRUNCATE of the relation waits for us.
  PERFORM retention_internal.source_lock(source, 1, true);
  s := retention_internal.source_find(source);
  kept := s.kept;
  IF kept.state IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '55000',
      MESSAGE = format('source %s is not materialised', source), HINT = format('SELECT retention_materialize(%L).', source);
  END IF;
  PERFORM retention_internal.facts_check(s);
  shape := retention_internal.source_shape(source);
  EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', shape.relation);
  -- In a snapshot from before another refresh this is a serialization failure.
  EXECUTE format('SELECT s.* FROM %s AS s LIMIT 1 FOR UPDATE', kept.state) INTO state;
  relations := retention_internal.facts_relations(shape.relation);
  lost := ARRAY(SELECT r FROM unnest(state.relations) AS r WHERE r <> ALL (relations));
  news := ARRAY(SELECT r FROM unnest(relations) AS r WHERE r <> ALL (state.relations));
  repair := CASE
    WHEN kept.changes IS NULL THEN 'its table of changes is gone'
    WHEN state.relations IS NULL OR shape.relation <> ALL (state.relations) THEN format('it reads another table, %s', shape.relation)
    WHEN retention_internal.facts_columns(kept.changes)
      <> ARRAY['retention_redo boolean'] || retention_internal.facts_columns(shape.relation, shape.customers || shape.others)
      THEN 'columns that it reads are others or have other names'
    END;
  IF repair IS NULL THEN
    relation := retention_internal.facts_unwatched(kept.changes, ARRAY(SELECT r FROM unnest(relations) AS r WHERE r <> ALL (news)));
    repair := CASE
      WHEN relation IS NOT NULL THEN format('a trigger on %s is gone, disabled or, as after a restore, not linked', relation)
      WHEN EXISTS (
        SELECT FROM unnest(state.relations, state.signatures, retention_internal.facts_signatures(kept.changes, state.relations)) AS u (relation, before, after)
        WHERE u.relation = ANY (relations) AND u.before IS DISTINCT FROM u.after) THEN 'a trigger was disabled or changed in the meantime'
      END;
  END IF;
  IF lost <> '{}' AND kept.changes IS NOT NULL THEN
    PERFORM retention_internal.facts_unwatch(kept.changes, lost, NULL);
  END IF;
  IF repair IS NOT NULL THEN
    s := retention_internal.facts_prepare(s);
  ELSIF lost <> '{}' OR news <> '{}' THEN
    IF news <> '{}' AND current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION USING ERRCODE = '25001',
        MESSAGE = format('a refresh after %s became part of %s needs a transaction with isolation level read committed', news[1], shape.relation);
    END IF;
    PERFORM retention_internal.facts_watch(s, kept.changes, r, cardinality(shape.customers)) FROM unnest(news) AS r;
    EXECUTE format('UPDATE %s SET relations = $1, signatures = $2', kept.state)
    USING relations, retention_internal.facts_signatures(kept.changes, relations);
  END IF;
  because := CASE
    WHEN repair IS NOT NULL THEN repair
    WHEN kept.facts IS NULL OR kept.summary IS NULL THEN 'its facts were not there'
    WHEN state.definition IS DISTINCT FROM retention_internal.facts_definition(s) THEN 'the source or its settings have changed'
    -- A partition that is none any more takes its rows with it, unknown whose.
    WHEN lost <> '{}' THEN format('a partition of %s is gone', shape.relation)
    END;
  RETURN retention_internal.facts_run(s, because, news);
END
$$;
COMMENT ON FUNCTION retention_refresh(regclass) IS
'folds what was written since the last refresh into the facts of a materialised source, exactly; returns how many customers it concerned. Where changes may have been missed it builds all facts anew, and says why';

CREATE FUNCTION retention_unmaterialize(source regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source;
  kept retention_internal.kept;
  relations regclass[];
BEGIN
  PERFORM retention_internal.check_owner(source);
  PERFORM retention_internal.source_lock(source, 1, true);
  s := retention_internal.source_find(source);
  kept := s.kept;
  IF kept.state IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '55000',
      MESSAGE = format('source %s is not materialised', source), HINT = format('SELECT retention_materialize(%L).', source);
  END IF;
  s.kept := NULL;
  PERFORM retention_internal.source_renew_views(s);
  EXECUTE format('SELECT s.relations FROM %s AS s LIMIT 1', kept.state) INTO relations;
  PERFORM retention_internal.facts_unwatch(kept.changes, relations, (SELECT c.relname FROM pg_class AS c WHERE c.oid = source));
  EXECUTE (SELECT 'DROP TABLE ' || string_agg(r::text, ', ') FROM unnest(ARRAY[kept.state, kept.facts, kept.summary, kept.changes]) AS r WHERE r IS NOT NULL);
END
$$;
COMMENT ON FUNCTION retention_unmaterialize(regclass) IS
'keeps the facts of a source no longer: drops their tables and triggers; its views read the source again';
