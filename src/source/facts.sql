-- source: the facts of a source of events kept in tables, one small row per customer. See facts.h for the C side,
-- refresh.sql for how they are brought up to date.
--
-- Four tables beside the source belong to its owner: _facts (one row per customer), _summary (the cohorts of all
-- customers, and of the customers of each value of a segment), _changes (what statements did to the relation since the
-- last refresh, written by triggers in the transaction of the change) and _state (one row). A refresh empties _changes
-- and reads the source in one statement, so in one snapshot: it sees a change in both or in neither.
--
-- pg_depend says which tables belong to a source: defaults of columns of _state refer to the source and to the other
-- tables. They follow renames and dumps, and count where one role owns all of these.

-- Functions in C (facts_*.c).

CREATE FUNCTION retention_internal.source_shape(
  source regclass, OUT relation regclass, OUT customers name[], OUT others name[]
) RETURNS record
LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'source_shape';
COMMENT ON FUNCTION retention_internal.source_shape(regclass) IS
'the table that a source reads, its columns that make up the customer, and the others that facts depend on; 0A000 '
'where facts of the source cannot be kept';

CREATE FUNCTION retention_internal.source_over(source regclass, relation regclass, redo boolean) RETURNS text
LANGUAGE C VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'source_over';
COMMENT ON FUNCTION retention_internal.source_over(regclass, regclass, boolean) IS
'a SELECT of what facts need of a source, by its own expressions, from another relation with these columns. redo: of a '
'table of changes, false: the rows that were inserted, true: the customers to look up';

CREATE FUNCTION retention_internal.facts_link_trigger(relation regclass, trigger name, changes regclass) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'facts_link_trigger';
COMMENT ON FUNCTION retention_internal.facts_link_trigger(regclass, name, regclass) IS
'links a trigger to the table of changes that it writes to; the caller owns both tables';

CREATE FUNCTION retention_internal.facts_link_table(relation regclass, source regclass) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'facts_link_table';
COMMENT ON FUNCTION retention_internal.facts_link_table(regclass, regclass) IS
'has a table of kept facts dropped with its source, and with this extension; the caller owns both';

CREATE FUNCTION retention_internal.facts_linked(trigger oid, relation regclass) RETURNS regclass
LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'facts_linked';
COMMENT ON FUNCTION retention_internal.facts_linked(oid, regclass) IS
'the table of changes that a trigger of a relation is linked to; NULL: none';

CREATE FUNCTION retention_internal.facts_note() RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'facts_note';
COMMENT ON FUNCTION retention_internal.facts_note() IS
'trigger of the relation of a materialised source: notes what a statement inserted, and whose rows it updated or '
'deleted';

-- What is kept of a source.

CREATE FUNCTION retention_internal.facts_kept(source regclass) RETURNS retention_internal.kept
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- All of one owner: nobody can put a table of another role in its place, nor be given one.
  SELECT k.state, max(m.relation) FILTER (WHERE m.name = 'facts')::regclass,
    max(m.relation) FILTER (WHERE m.name = 'summary')::regclass,
    max(m.relation) FILTER (WHERE m.name = 'changes')::regclass
  FROM (
    SELECT t.oid::regclass AS state, t.relowner AS owner
    FROM pg_class AS s
    JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid
      AND d.classid = 'pg_attrdef'::regclass
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
    JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
      AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
    JOIN pg_class AS t ON t.oid = d.refobjid AND t.relkind = 'r' AND t.relowner = k.owner
    WHERE f.adrelid = k.state
  ) AS m ON true
  GROUP BY k.state
$$;
COMMENT ON FUNCTION retention_internal.facts_kept(regclass) IS
'the tables of a materialised source: what the defaults of a table of the same owner refer to; NULL: it is not '
'materialised';

CREATE FUNCTION retention_internal.facts_state(source regclass) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN k.state IS NULL THEN NULL
    WHEN k.changes IS NULL THEN 'facts are gone'
    WHEN k.facts IS NULL OR k.summary IS NULL THEN 'facts wait for a refresh'
    ELSE 'materialised' END
  FROM retention_internal.facts_kept($1) AS k
$$;
COMMENT ON FUNCTION retention_internal.facts_state(regclass) IS
'the state of the kept facts of a source: materialised, facts wait for a refresh, facts are gone; NULL: it has none';

CREATE FUNCTION retention_internal.facts_definition(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres' AS $$
  -- The query as the server has it, in numbers of relations and columns: names may change.
  SELECT format('%s; gone_after=%s; segments=%s; view=%s', $1.grid, $1.gone_after,
    CASE $1.segments_at WHEN 'current' THEN 'last' ELSE 'first' END, md5(w.ev_action::text))
  FROM pg_rewrite AS w WHERE w.ev_class = $1.source AND w.ev_type = '1'
$$;
COMMENT ON FUNCTION retention_internal.facts_definition(retention_internal.source) IS
'what the facts of a source depend on, in one line';

CREATE FUNCTION retention_internal.facts_of(source retention_internal.source) RETURNS retention_internal.kept
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- A table of another role is only read, and to read a table runs nothing of its owner.
  SELECT ($1.kept).*
  FROM pg_attrdef AS f
  JOIN pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attname = 'definition'
  WHERE f.adrelid = ($1.kept).state
    AND pg_get_expr(f.adbin, f.adrelid) = quote_literal(retention_internal.facts_definition($1)) || '::text'
    AND has_table_privilege(($1.kept).facts, 'SELECT') AND has_table_privilege(($1.kept).summary, 'SELECT')
    -- DROP EXTENSION ... CASCADE drops the columns and leaves the tables.
    AND 2 = (SELECT count(*) FROM pg_attribute AS c
      WHERE (c.attrelid, c.attname) IN ((($1.kept).facts, 'facts'), (($1.kept).summary, 'cohorts')))
$$;
COMMENT ON FUNCTION retention_internal.facts_of(retention_internal.source) IS
'the kept facts of a source, if they are those of the source as it is now and the caller may read them';

-- What views and reports read.

CREATE FUNCTION retention_internal.facts_totals(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'FROM ' || k.summary || ' AS s, @extschema@.cohort_totals(s.cohorts) AS t WHERE s.part = 0'
  FROM retention_internal.facts_of($1) AS k WHERE k.summary IS NOT NULL AND k.facts IS NOT NULL
$$;
COMMENT ON FUNCTION retention_internal.facts_totals(retention_internal.source) IS
'FROM and WHERE of the totals of the kept facts of a source; NULL: there are none to read';

CREATE FUNCTION retention_internal.facts_first_stay(stays anymultirange) RETURNS anyrange
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'facts_first_stay';
COMMENT ON FUNCTION retention_internal.facts_first_stay(anymultirange) IS
'the first range of a multirange; NULL: it is empty';

CREATE FUNCTION retention_internal.facts_presence(source retention_internal.source, as_of text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('SELECT f.customer, lower(s.stay) AS started, '
      'CASE WHEN upper(s.stay) < k.as_of THEN upper(s.stay) END AS ended%s '
      'FROM %s AS f, unnest(f.stays) AS s (stay), (SELECT %s AS as_of) AS k '
      'WHERE lower(s.stay) < k.as_of',
    (SELECT string_agg(format(', f.segment_%s AS %I', s.place, s.segment), '' ORDER BY s.place)
     FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)),
    ($1.kept).facts, $2 || CASE $1.time_type WHEN 'date'::regtype THEN '::date' ELSE '' END)
$$;
COMMENT ON FUNCTION retention_internal.facts_presence(retention_internal.source, text) IS
'source_presence(), read from kept facts';

-- Which triggers note changes.

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
    CASE t.tgtype WHEN 4 THEN 'inserts' WHEN 16 THEN 'updates' WHEN 8 THEN 'deletes' WHEN 32 THEN 'truncates'
      WHEN 29 THEN 'replicas' END,
    -- Any change of a trigger makes another version of its row.
    t.tgenabled::text, format('%s %s %s', t.oid, t.xmin, t.ctid)
  FROM pg_trigger AS t
  WHERE t.tgrelid = ANY ($2) AND t.tgfoid = 'retention_internal.facts_note()'::regprocedure
    AND t.tgqual IS NULL AND t.tgattr = '' AND retention_internal.facts_linked(t.oid, t.tgrelid) = $1
$$;
COMMENT ON FUNCTION retention_internal.facts_triggers(regclass, regclass[]) IS
'the triggers that note changes of relations in a table';

CREATE FUNCTION retention_internal.facts_unwatched(changes regclass, relations regclass[]) RETURNS regclass
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.oid::regclass
  FROM pg_class AS r
  WHERE r.oid = ANY ($2) AND EXISTS (
    SELECT FROM (VALUES ('inserts', 'A'), ('updates', 'A'), ('deletes', 'A'), ('truncates', 'A'), ('replicas', 'R'))
      AS k (kind, enabled)
    WHERE (k.kind <> 'replicas' OR r.relkind = 'r') AND (k.kind, k.enabled) NOT IN (
      SELECT t.kind, t.enabled
      FROM retention_internal.facts_triggers($1, ARRAY[r.oid::regclass]) AS t WHERE t.kind IS NOT NULL))
  ORDER BY r.oid LIMIT 1
$$;
COMMENT ON FUNCTION retention_internal.facts_unwatched(regclass, regclass[]) IS
'the first of some relations that lacks a trigger that notes its changes, or has it disabled; NULL: none';

CREATE FUNCTION retention_internal.facts_signatures(changes regclass, relations regclass[]) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(md5(
      (SELECT string_agg(t.enabled || ' ' || t.version, ',' ORDER BY t.version)
       FROM retention_internal.facts_triggers($1, ARRAY[r.relation]) AS t)
      || (SELECT string_agg(format(' %s %s', a.attnum, a.attname), ',' ORDER BY a.attnum)
       FROM pg_attribute AS a WHERE a.attrelid = $1 AND a.attnum > 0))
    ORDER BY r.place)
  FROM unnest($2) WITH ORDINALITY AS r (relation, place)
$$;
COMMENT ON FUNCTION retention_internal.facts_signatures(regclass, regclass[]) IS
'a hash of what notes the changes of each of some relations: as long as it stays the same, no change was missed';

CREATE FUNCTION retention_internal.facts_unwatch(changes regclass, relations regclass[], named text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  t record;
BEGIN
  -- After a restore a trigger is not linked; then it is known by its name.
  FOR t IN
    SELECT g.tgrelid::regclass AS relation, g.tgname AS name
    FROM pg_trigger AS g
    WHERE g.tgrelid = ANY (relations) AND g.tgfoid = 'retention_internal.facts_note()'::regprocedure
      AND coalesce(retention_internal.facts_linked(g.oid, g.tgrelid) = changes,
        g.tgname IN (SELECT named || '_' || k.kind
          FROM unnest('{inserts,updates,deletes,truncates,replicas}'::text[]) AS k (kind)))
    ORDER BY g.tgrelid, g.tgname
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', t.name, t.relation);
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_unwatch(regclass, regclass[], text) IS
'drops the triggers of a materialised source of that name on some relations';

CREATE FUNCTION retention_internal.facts_watch(
  source retention_internal.source, changes regclass, relation regclass, customers integer
) RETURNS void
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
    PERFORM FROM pg_trigger AS t WHERE t.tgrelid = relation AND t.tgname = trigger
      AND (t.tgfoid <> 'retention_internal.facts_note()'::regprocedure
        OR coalesce(retention_internal.facts_linked(t.oid, relation)
          NOT IN (changes, coalesce((source.kept).changes, changes)), false));
    IF FOUND THEN
      trigger := short || source.source::oid || left(kind, 1);
    END IF;
    EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s %s EXECUTE FUNCTION retention_internal.facts_note(%s)',
      trigger, CASE kind WHEN 'replicas' THEN 'INSERT OR UPDATE OR DELETE' ELSE upper(rtrim(kind, 's')) END, relation,
      CASE kind WHEN 'inserts' THEN 'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT'
        WHEN 'updates' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT'
        WHEN 'deletes' THEN 'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT'
        WHEN 'replicas' THEN 'FOR EACH ROW' ELSE 'FOR EACH STATEMENT' END, customers);
    -- Statement triggers fire also where session_replication_role is replica. Rows that a subscription brings fire none
    -- of them, but do fire the row triggers that are enabled for replicas.
    EXECUTE format('ALTER TABLE ONLY %s ENABLE %s TRIGGER %I', relation,
      CASE kind WHEN 'replicas' THEN 'REPLICA' ELSE 'ALWAYS' END, trigger);
    PERFORM retention_internal.facts_link_trigger(relation, trigger, changes);
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_watch(retention_internal.source, regclass, regclass, integer) IS
'creates the triggers of a materialised source on a table, or creates them anew; the first columns that are noted make '
'up the customer';

-- The tables.

CREATE FUNCTION retention_internal.facts_create(source regclass, suffix text, definition text, words text)
RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  kept retention_internal.kept := retention_internal.facts_kept(source);
  schema regnamespace;
  name text;
  there regclass;
BEGIN
  SELECT c.relnamespace, c.relname || suffix INTO schema, name FROM pg_class AS c WHERE c.oid = source;
  there := to_regclass(format('%s.%I', schema, name));
  IF there IN (kept.state, kept.facts, kept.summary, kept.changes) THEN
    -- Beside the old one, until that is dropped.
    name := name || '2';
  ELSIF there IS NOT NULL THEN
    PERFORM retention_internal.refuse('42P07',
      format('%s exists and does not belong to the kept facts of source %s', there, source),
      hint => format('If it is left over from facts that were kept before: DROP TABLE %s.', there));
  END IF;
  EXECUTE format('CREATE TABLE %s.%I %s', schema, name, definition);
  there := to_regclass(format('%s.%I', schema, name));
  EXECUTE format('COMMENT ON TABLE %s IS %L', there, words || '; retention source ' || source);
  PERFORM retention_internal.facts_link_table(there, source);
  RETURN there;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_create(regclass, text, text, text) IS
'creates a table of a materialised source; under another name while the old one exists';

CREATE FUNCTION retention_internal.facts_place(
  source regclass, state regclass, what text, relation regclass, old regclass
) RETURNS regclass
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
      EXECUTE format('GRANT SELECT ON %s TO %s', relation,
        CASE reader.grantee WHEN 0 THEN 'PUBLIC' ELSE reader.grantee::regrole::text END);
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
'makes a table one of a materialised source, in place of an old one, which is dropped; roles that could read that may '
'read it';

CREATE FUNCTION retention_internal.facts_columns(relation regclass) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT retention_internal.facts_columns($1, retention_internal.source_columns($1))
$$;
COMMENT ON FUNCTION retention_internal.facts_columns(regclass) IS 'the columns of a table with their types';

CREATE FUNCTION retention_internal.facts_columns(relation regclass, columns name[]) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ORDER BY c.place)
  FROM unnest($2) WITH ORDINALITY AS c (name, place)
  JOIN pg_attribute AS a ON a.attrelid = $1 AND a.attname = c.name
$$;
COMMENT ON FUNCTION retention_internal.facts_columns(regclass, name[]) IS 'some columns of a table with their types';

CREATE FUNCTION retention_internal.facts_create_both(source retention_internal.source)
RETURNS retention_internal.source
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  kept retention_internal.kept := source.kept;
  segments text := (SELECT string_agg(', s.segment_' || n, '' ORDER BY n)
    FROM generate_series(1, cardinality(source.segments)) AS n);
  relation regclass;
  name text;
  words text;
BEGIN
  kept.summary := retention_internal.facts_create(source.source, '_summary',
    '(part integer PRIMARY KEY, segment text, value text, cohorts @extschema@.retention_cohorts)',
    'cohorts of all customers (part 0) and of the customers of each value of a segment');
  kept.facts := retention_internal.facts_create(source.source, '_facts', format('WITH (fillfactor = 90) AS '
      'SELECT s.customer, s.facts, s.stays%s FROM pg_temp.retention_staged AS s WITH NO DATA', segments),
    'facts of each customer');
  FOR relation, name, words IN
    SELECT w.relation, w.name, w.words
    FROM (VALUES
      (kept.summary, 'part', '0: all customers; others: the number of a value'),
      (kept.summary, 'segment', 'the column that customers are compared by; NULL: all customers'),
      (kept.summary, 'value', 'the value in that column'),
      (kept.summary, 'cohorts', 'their cohorts: cohort_cells(), retention_curve(), lifecycle(), stickiness()'),
      (kept.facts, 'customer', 'the customer'),
      (kept.facts, 'facts', 'when the customer was active'),
      (kept.facts, 'stays', format('from an event until %s after the last one without another in between',
        source.gone_after))) AS w (relation, name, words)
    UNION ALL
    SELECT kept.facts, 'segment_' || s.place, format('%s of the %s event', s.segment,
      CASE source.segments_at WHEN 'current' THEN 'latest' ELSE 'first' END)
    FROM unnest(source.segments) WITH ORDINALITY AS s (segment, place)
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, name, words);
  END LOOP;
  source.kept := kept;
  RETURN source;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_create_both(retention_internal.source) IS
'creates the facts and the summary of a source, for what was staged; returns the source with these';

-- Beginning to keep facts.

CREATE FUNCTION retention_internal.facts_check(source retention_internal.source) RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  by_triggers constant text := 'Changes are noted by triggers on the table that is written.';
  relation regclass;
  relations regclass[];
  wrong text;
  length integer;
BEGIN
  IF source.kind <> 'events' THEN
    PERFORM retention_internal.refuse('0A000', format('source %s is not a source of events', source.source),
      'A row of a subscription is already one of the facts of a customer.');
  END IF;
  IF source.has_as_of THEN
    PERFORM retention_internal.refuse('0A000', format('source %s has an as_of of its own', source.source),
      'Kept facts end with the latest row.', 'Without as_of, a period that is not over is shown as partial.');
  END IF;
  SELECT octet_length(c.relname) INTO length FROM pg_class AS c WHERE c.oid = source.source;
  IF length > 52 THEN
    PERFORM retention_internal.refuse('42622',
      format('the name of source %s is too long to keep its facts', source.source),
      format('It has %s bytes, at most 52 are allowed.', length),
      'ALTER VIEW ... RENAME: the names of its tables are this name with a suffix such as _changes.');
  END IF;
  relation := (retention_internal.source_shape(source.source)).relation;
  relations := retention_internal.facts_relations(relation);
  SELECT CASE
      WHEN r.relkind NOT IN ('r', 'p') THEN format('part of it is stored elsewhere: %s', r.oid::regclass)
      WHEN r.relpersistence <> 'p' THEN format('%s is unlogged', r.oid::regclass) END
  INTO wrong
  FROM pg_class AS r WHERE r.oid = ANY (relations) AND (r.relkind NOT IN ('r', 'p') OR r.relpersistence <> 'p')
  ORDER BY r.oid LIMIT 1;
  IF FOUND THEN
    PERFORM retention_internal.refuse('0A000', format('facts of %s cannot be kept: %s', relation, wrong), by_triggers);
  END IF;
  -- Writers of a distributed table fire no triggers here.
  IF to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN
    EXECUTE 'SELECT p.logicalrelid::regclass::text FROM pg_catalog.pg_dist_partition AS p '
      'WHERE p.logicalrelid::oid = $1' INTO wrong USING relation;
    IF wrong IS NOT NULL THEN
      PERFORM retention_internal.refuse('0A000', format('facts of %s cannot be kept: Citus distributes it', relation),
        by_triggers, 'The views of the source read the table itself.');
    END IF;
  END IF;
  SELECT r.oid::regclass::text INTO wrong FROM pg_class AS r
  WHERE r.oid = ANY (relations) AND NOT pg_has_role(r.relowner, 'USAGE') ORDER BY r.oid LIMIT 1;
  IF FOUND THEN
    PERFORM retention_internal.refuse('42501', format('%s belongs to another role', wrong),
      'Keeping facts creates triggers on it.', 'Its owner can have a source of their own and keep its facts.');
  END IF;
  IF row_security_active(relation) THEN
    PERFORM retention_internal.refuse('0A000',
      format('facts of %s cannot be kept by %s', relation, quote_ident(CURRENT_USER)),
      'Row-level security shows this role only part of its rows.',
      'The views of the source read the table itself and follow its policies.');
  END IF;
  RETURN relation;
END
$$;
COMMENT ON FUNCTION retention_internal.facts_check(retention_internal.source) IS
'the table whose changes are noted for a source; raises an error where the caller cannot keep its facts';

CREATE FUNCTION retention_internal.facts_prepare(source retention_internal.source) RETURNS retention_internal.source
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
-- Makes sure that changes are noted: creates the tables _state and _changes and the triggers. What was written before
-- is not noted, so everything has to be read afterwards.
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
    PERFORM retention_internal.refuse('25001',
      'building facts needs a transaction with isolation level read committed',
      'It must see what was written before its triggers were there.');
  END IF;
  shape := retention_internal.source_shape(source.source);
  relations := retention_internal.facts_relations(shape.relation);
  wanted := shape.customers || shape.others;
  SELECT a.attname INTO wrong FROM pg_attribute AS a JOIN pg_type AS d ON d.oid = a.atttypid
  WHERE a.attrelid = shape.relation AND a.attname = ANY (wanted) AND d.typtype = 'd' AND d.typnotnull
  ORDER BY a.attnum LIMIT 1;
  IF FOUND THEN
    PERFORM retention_internal.refuse('0A000', format('the type of column "%s" does not allow NULL', wrong),
      hint => 'Use a domain without NOT NULL, and NOT NULL on the column.');
  END IF;
  IF kept.changes IS NULL OR retention_internal.facts_columns(kept.changes)
    <> ARRAY['retention_redo boolean'] || retention_internal.facts_columns(shape.relation, wanted) THEN
    new_changes := retention_internal.facts_create(source.source, '_changes',
      format('AS SELECT NULL::boolean AS retention_redo, %s FROM %s WITH NO DATA', (SELECT string_agg(
        quote_ident(w.name), ', ' ORDER BY w.place) FROM unnest(wanted) WITH ORDINALITY AS w (name, place)),
        shape.relation),
      'what was written to ' || shape.relation || ' and is not in the facts yet');
    EXECUTE format('COMMENT ON COLUMN %s.retention_redo IS %L', new_changes,
      'false: a row was inserted; true: rows of the customer were updated or deleted; NULL: anything');
    -- A publication of all tables would not let rows be deleted otherwise.
    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', new_changes);
  END IF;
  FOREACH relation IN ARRAY relations LOOP
    IF new_changes IS NOT NULL OR retention_internal.facts_unwatched(kept.changes, ARRAY[relation]) IS NOT NULL THEN
      -- From here on writers wait for the end of this transaction.
      PERFORM retention_internal.facts_watch(source, coalesce(new_changes, kept.changes), relation,
        cardinality(shape.customers));
    END IF;
  END LOOP;
  IF kept.state IS NULL THEN
    kept.state := retention_internal.facts_create(source.source, '_state', format(
      '(retention_source regclass PRIMARY KEY DEFAULT %L::regclass, facts regclass, summary regclass, '
      'changes regclass, relations regclass[], definition text, signatures text[], refreshed timestamptz, '
      'rows_ignored bigint, rebuilt_because text)', source.source),
      'the tables of the kept facts, and what a refresh has to know');
  ELSE
    -- After a restore nothing but the defaults says what belongs together.
    PERFORM retention_internal.facts_link_table(r, source.source)
    FROM unnest(ARRAY[kept.state, kept.facts, kept.summary, kept.changes]) AS r WHERE r IS NOT NULL;
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
'has the changes of the relation of a source noted from now on; returns the source with the tables for it';
