-- source: a view with standard column names, written by retention_source() or by hand, and a row of settings for it.
-- Everything of a source but its settings is a relation of its owner; PostgreSQL says who reads, changes and drops it.

CREATE TABLE retention_internal.source_setting (
  source regclass PRIMARY KEY,
  grid retention_grid NOT NULL,
  gone_after interval,
  keep_runs integer NOT NULL,
  presence text
);
COMMENT ON TABLE retention_internal.source_setting IS
'what a view cannot say of a source; written by its owner through retention_source_set()';
COMMENT ON COLUMN retention_internal.source_setting.source IS 'the view';
COMMENT ON COLUMN retention_internal.source_setting.grid IS 'how time is cut; the time zone is always written out';
COMMENT ON COLUMN retention_internal.source_setting.gone_after IS 'events: how long without an event until a customer counts as gone';
COMMENT ON COLUMN retention_internal.source_setting.keep_runs IS 'how many runs of its report are kept';
COMMENT ON COLUMN retention_internal.source_setting.presence IS
'subscriptions: at_end: cohorts count who is there at the end of a period; any: who is there at any moment of it';

SELECT pg_catalog.pg_extension_config_dump('retention_internal.source_setting',
  'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = source)');

CREATE FUNCTION retention_internal.source_setting_check() RETURNS trigger
LANGUAGE plpgsql PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM pg_class AS c WHERE c.oid = new.source AND c.relowner = quote_ident(CURRENT_USER)::regrole;
  IF NOT FOUND AND NOT retention_internal.is_extension_owner() THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('%s belongs to another role', new.source);
  END IF;
  RETURN new;
END
$$;
COMMENT ON FUNCTION retention_internal.source_setting_check() IS
'trigger of source_setting: a row is inserted by the owner of the view, or by who restores a dump';

-- Read as catalogs are. Inserted by a restore; what changes is written by retention_source_set() alone.
GRANT SELECT, INSERT ON retention_internal.source_setting TO PUBLIC;
CREATE TRIGGER source_setting_check BEFORE INSERT ON retention_internal.source_setting
FOR EACH ROW EXECUTE FUNCTION retention_internal.source_setting_check();
COMMENT ON TRIGGER source_setting_check ON retention_internal.source_setting IS 'settings are those of a view of one''s own';

CREATE TYPE retention_internal.kept AS (state regclass, facts regclass, summary regclass, changes regclass);
COMMENT ON TYPE retention_internal.kept IS 'the tables of the kept facts of a source';

CREATE TYPE retention_internal.source AS (
  source regclass,
  owner oid,
  kind text,
  customer_type regtype,
  time_type regtype,
  segments name[],
  has_amount boolean,
  has_reason boolean,
  has_as_of boolean,
  grid retention_grid,
  time_zone text,
  gone_after interval,
  keep_runs integer,
  presence text,
  kept retention_internal.kept
);
COMMENT ON TYPE retention_internal.source IS 'a source, as source_find() has checked it; domains are given as the types below them';

-- What the server says (source_sql.c).

CREATE FUNCTION retention_internal.check_owner(relation regclass) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'source_check_owner';
COMMENT ON FUNCTION retention_internal.check_owner(regclass) IS
'42501 unless the current role is the very owner of a relation; every function that writes something of a source asks it';

CREATE FUNCTION retention_internal.source_write(
  source regclass, grid retention_grid, gone_after interval, keep_runs integer, presence text
) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'source_write';
COMMENT ON FUNCTION retention_internal.source_write(regclass, retention_grid, interval, integer, text) IS
'writes the settings of a relation of the current role';

CREATE FUNCTION retention_internal.source_forget(source regclass) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'source_forget';
COMMENT ON FUNCTION retention_internal.source_forget(regclass) IS
'deletes the settings of a relation of the current role';

CREATE FUNCTION retention_internal.source_lock(relation regclass, part integer, wait boolean, over_commit boolean DEFAULT false) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'source_lock';
COMMENT ON FUNCTION retention_internal.source_lock(regclass, integer, boolean, boolean) IS
'locks a part of a relation of the current role (1: kept facts, 2: runs of reports) until the transaction ends, or over a COMMIT until source_unlock(); false: it is locked already';

CREATE FUNCTION retention_internal.source_unlock(relation regclass, part integer) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'source_unlock';
COMMENT ON FUNCTION retention_internal.source_unlock(regclass, integer) IS
'lets go of a part that was locked over a COMMIT; false: it was not';

CREATE FUNCTION retention_internal.source_is_expression(expression text) RETURNS boolean
LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'source_is_expression';
COMMENT ON FUNCTION retention_internal.source_is_expression(text) IS
'whether a text is one SQL expression and nothing else; 42601: it is no SQL';

-- Words.

CREATE FUNCTION retention_internal.source_near(word text, words text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  a text := translate(lower(left(word, 63)), '_ -', '');
  b text;
  candidate text;
  best text;
  best_distance integer := greatest(2, length(a) / 3) + 1;
  row integer[];
  diagonal integer;
  above integer;
BEGIN
  IF word IS NULL THEN
    RETURN NULL;
  END IF;
  -- Edit distance (V. I. Levenshtein, Soviet Physics Doklady 10 (1966) 707), one row of its matrix at a time.
  FOREACH candidate IN ARRAY coalesce(words, '{}') LOOP
    b := translate(lower(left(candidate, 63)), '_ -', '');
    IF length(a) > 2 AND length(b) > 2 AND (strpos(b, a) > 0 OR strpos(a, b) > 0) THEN
      diagonal := 1;
    ELSIF abs(length(a) - length(b)) >= best_distance THEN
      CONTINUE;
    ELSE
      row := ARRAY(SELECT generate_series(0, length(b)));
      FOR i IN 1 .. length(a) LOOP
        diagonal := row[1];
        row[1] := i;
        FOR j IN 1 .. length(b) LOOP
          above := row[j + 1];
          row[j + 1] := least(above + 1, row[j] + 1,
            diagonal + CASE WHEN substr(a, i, 1) = substr(b, j, 1) THEN 0 ELSE 1 END);
          diagonal := above;
        END LOOP;
      END LOOP;
      diagonal := row[length(b) + 1];
    END IF;
    IF diagonal < best_distance THEN
      best := candidate;
      best_distance := diagonal;
    END IF;
  END LOOP;
  RETURN best;
END
$$;
COMMENT ON FUNCTION retention_internal.source_near(text, text[]) IS
'the word of a list that somebody who wrote another one may have meant; NULL: none is near';

CREATE FUNCTION retention_internal.source_type(relation regclass, attribute name) RETURNS regtype
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE t AS (
    SELECT a.atttypid AS type
    FROM pg_attribute AS a
    WHERE a.attrelid = $1 AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT d.typbasetype FROM t JOIN pg_type AS d ON d.oid = t.type WHERE d.typtype = 'd'
  )
  SELECT t.type::regtype FROM t JOIN pg_type AS d ON d.oid = t.type WHERE d.typtype <> 'd'
$$;
COMMENT ON FUNCTION retention_internal.source_type(regclass, name) IS
'the type of a column, of a domain the type below it; NULL: no such column';

-- Checks. Each says what is wrong with the words of the call.

CREATE FUNCTION retention_internal.source_check_column(relation regclass, argument text, attribute name, wanted text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  type regtype := retention_internal.source_type(relation, attribute);
  category "char";
  near text;
  fits boolean;
BEGIN
  IF type IS NULL THEN
    near := retention_internal.source_near(attribute, ARRAY(
      SELECT a.attname::text FROM pg_attribute AS a
      WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum));
    RAISE EXCEPTION USING ERRCODE = '42703',
      MESSAGE = format('column "%s" of relation %s does not exist', attribute, relation),
      DETAIL = format('It is given as %s.', argument),
      HINT = CASE WHEN near IS NOT NULL THEN format('Perhaps you meant "%s".', near)
        ELSE format('Its columns are %s.', (
          SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
          WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped)) END;
  END IF;
  SELECT t.typcategory INTO category FROM pg_type AS t WHERE t.oid = type;
  fits := CASE wanted
    WHEN 'customer' THEN type IN ('smallint', 'integer', 'bigint', 'uuid', 'text', 'varchar', 'bpchar')
    WHEN 'time' THEN type IN ('date', 'timestamp', 'timestamptz')
    WHEN 'name' THEN type IN ('text', 'varchar', 'bpchar', 'name', 'smallint', 'integer', 'bigint', 'boolean') OR category = 'E'
    WHEN 'number' THEN category = 'N' AND type::text NOT LIKE 'reg%' AND type <> 'oid'::regtype
    -- What can be grouped has a default order or hash.
    ELSE EXISTS (
      SELECT FROM pg_opclass AS o JOIN pg_am AS m ON m.oid = o.opcmethod
      WHERE o.opcdefault AND m.amname IN ('btree', 'hash')
        AND (o.opcintype = type OR (category = 'E' AND o.opcintype = 'anyenum'::regtype)
          OR (type IN ('varchar', 'bpchar') AND o.opcintype = 'text'::regtype)))
      AND category NOT IN ('A', 'C', 'R')
    END;
  IF NOT fits THEN
    RAISE EXCEPTION USING ERRCODE = '42804',
      MESSAGE = format('column "%s" of type %s cannot be the %s of a source', attribute, type, argument),
      HINT = CASE wanted
        WHEN 'customer' THEN 'A customer is an integer, a uuid or a text; a view over the table can cast the column.'
        WHEN 'time' THEN 'It has to be a date, a timestamp or a timestamptz; a view over the table can cast the column.'
        WHEN 'number' THEN 'It has to be a number; a view over the table can cast the column.'
        WHEN 'name' THEN 'It has to be a text; a view over the table can cast the column.'
        ELSE 'Customers are grouped by it, so it has to be one plain value; a view over the table can make it one.' END;
  END IF;
  IF wanted = 'customer' AND EXISTS (
    SELECT FROM pg_attribute AS a JOIN pg_collation AS c ON c.oid = a.attcollation
    WHERE a.attrelid = relation AND a.attname = attribute AND NOT c.collisdeterministic) THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('column "%s" cannot be the customer of a source: its collation is nondeterministic', attribute),
      HINT = 'A view over the table can give the column COLLATE "C".';
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_column(regclass, text, name, text) IS
'raises what is wrong with a column of a source';

CREATE FUNCTION retention_internal.source_check_segment(segment name) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF segment IN ('customer', 'started', 'ended', 'at', 'amount', 'reason', 'as_of', 'all') THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('a segment cannot be called "%s"', segment),
      DETAIL = 'Sources, reports and views have a column or a segment of that name.',
      HINT = 'A view over the table can give the column another name.';
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_segment(name) IS 'raises what is wrong with the name of a segment';

CREATE FUNCTION retention_internal.source_describe(source regclass) RETURNS retention_internal.source
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source;
  relkind "char";
  columns name[];
  segment name;
BEGIN
  SELECT c.relkind, c.relowner INTO relkind, s.owner FROM pg_class AS c WHERE c.oid = source;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = CASE WHEN source IS NULL THEN '22004' ELSE '42P01' END,
      MESSAGE = CASE WHEN source IS NULL THEN 'the source must not be null' ELSE 'the source does not exist any more' END;
  END IF;
  IF relkind <> 'v' THEN
    RAISE EXCEPTION USING ERRCODE = '42809',
      MESSAGE = format('%s is not a view', source),
      DETAIL = 'A source is a view with the columns customer and at, or customer, started and ended.',
      HINT = format('Let retention_source() write one over it; SELECT retention_guess(%L) proposes the call.', source);
  END IF;
  columns := ARRAY(SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum);
  s.source := source;
  s.kind := CASE WHEN 'at' = ANY (columns) THEN 'events' ELSE 'subscriptions' END;
  IF s.kind = 'events' AND columns && '{started,ended,reason}'::name[] THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('view %s has a column "at" and a column "%s"', source,
        (SELECT u.word FROM unnest('{started,ended,reason}'::name[]) AS u (word) WHERE u.word = ANY (columns) LIMIT 1)),
      DETAIL = 'With "at" a row is an event, with "started" and "ended" it is a time of presence, which may have a "reason".';
  END IF;
  PERFORM retention_internal.source_check_column(source, 'customer', 'customer', 'customer');
  IF NOT columns && '{at,started,ended}' THEN
    RAISE EXCEPTION USING ERRCODE = '42703', MESSAGE = format('view %s has no column that says when', source),
      HINT = 'It has a column "at" (a row is an event), or "started" and "ended" (a row is a time of presence).';
  END IF;
  s.customer_type := retention_internal.source_type(source, 'customer');
  IF s.kind = 'events' THEN
    PERFORM retention_internal.source_check_column(source, 'at', 'at', 'time');
    s.time_type := retention_internal.source_type(source, 'at');
  ELSE
    PERFORM retention_internal.source_check_column(source, 'started', 'started', 'time');
    PERFORM retention_internal.source_check_column(source, 'ended', 'ended', 'time');
    s.time_type := retention_internal.source_type(source, 'started');
    IF s.time_type <> retention_internal.source_type(source, 'ended') THEN
      RAISE EXCEPTION USING ERRCODE = '42804',
        MESSAGE = format('started and ended of a source must have one type, not %s and %s',
          s.time_type, retention_internal.source_type(source, 'ended')),
        HINT = 'A view over the table can cast one of them.';
    END IF;
  END IF;
  s.has_amount := 'amount' = ANY (columns);
  s.has_reason := 'reason' = ANY (columns);
  s.has_as_of := 'as_of' = ANY (columns);
  IF s.has_amount THEN
    PERFORM retention_internal.source_check_column(source, 'amount', 'amount', 'number');
  END IF;
  IF s.has_reason THEN
    PERFORM retention_internal.source_check_column(source, 'reason', 'reason', 'name');
  END IF;
  IF s.has_as_of THEN
    PERFORM retention_internal.source_check_column(source, 'as_of', 'as_of', 'time');
  END IF;
  s.segments := ARRAY(SELECT u.name FROM unnest(columns) WITH ORDINALITY AS u (name, place)
    WHERE u.name NOT IN ('customer', 'started', 'ended', 'at', 'amount', 'reason', 'as_of') ORDER BY u.place);
  FOREACH segment IN ARRAY s.segments LOOP
    PERFORM retention_internal.source_check_segment(segment);
    PERFORM retention_internal.source_check_column(source, 'segment', segment, 'segment');
  END LOOP;
  RETURN s;
END
$$;
COMMENT ON FUNCTION retention_internal.source_describe(regclass) IS
'what the columns of a view say of a source, checked; the settings are NULL';

CREATE FUNCTION retention_internal.source_check_settings(source retention_internal.source) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  o record := @extschema@.grid_options(source.grid);
BEGIN
  IF source.grid IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a source needs a grid';
  END IF;
  IF o.as_of IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = 'the grid of a source has no as_of',
      HINT = 'Give it to the source as an SQL expression: as_of => $t$date ''2026-04-01''$t$.';
  END IF;
  IF source.time_zone IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'the grid of a source has a time zone',
      HINT = 'Write it out: month; time_zone=Europe/Berlin.';
  END IF;
  -- AT TIME ZONE takes such letters for a fixed offset, the grid for a zone that changes its clocks.
  IF upper(source.time_zone) NOT IN ('UTC', 'GMT', 'ZULU')
    AND EXISTS (SELECT FROM pg_timezone_abbrevs AS a WHERE a.abbrev = upper(source.time_zone)) THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('time zone "%s" of the grid of a source is ambiguous', source.time_zone),
      DETAIL = 'It names a zone and a fixed offset.',
      HINT = 'Write a place: time_zone=Europe/Berlin.';
  END IF;
  IF o.unit = 'hour' AND source.time_type = 'date'::regtype THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('a grid of hours needs timestamps, column "%s" is a date', CASE source.kind WHEN 'events' THEN 'at' ELSE 'started' END);
  END IF;
  IF o.unit = 'hour' AND 24 % o.count <> 0 THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('the grid of a source has hours that divide the day, not "%s"', source.grid),
      HINT = 'They are 1, 2, 3, 4, 6, 8, 12 or 24 hours.';
  END IF;
  IF source.kind = 'subscriptions' AND (o.windows = 'elapsed' OR o.min_events > 1) THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('the grid of a source of subscriptions has calendar windows and no min_events, not "%s"', source.grid),
      HINT = 'How long customers stay in their own time is told by survival.';
  END IF;
  IF source.kind = 'subscriptions' AND source.gone_after IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a source of subscriptions has no gone_after',
      DETAIL = 'Its rows say when customers end.';
  END IF;
  IF source.kind = 'events' AND coalesce(source.gone_after < interval '1 hour', true) THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('gone_after must be at least an hour, not %s', coalesce(source.gone_after::text, 'NULL')),
      HINT = 'Write the unit: ''90 days''. A number alone is seconds.';
  END IF;
  IF coalesce(source.keep_runs < 1, true) THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('keep_runs must be at least 1, not %s', coalesce(source.keep_runs::text, 'NULL'));
  END IF;
  IF source.kind = 'events' AND source.presence IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a source of events has no presence',
      DETAIL = 'Its cohorts count who has an event in a period.';
  END IF;
  IF source.kind = 'subscriptions' AND coalesce(source.presence NOT IN ('at_end', 'any'), true) THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('presence is at_end or any, not %s', coalesce('"' || source.presence || '"', 'NULL')),
      HINT = 'Cohorts count who is there at the end of a period (at_end), or at any moment of it (any).';
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_settings(retention_internal.source) IS 'raises what is wrong with the settings of a source';

CREATE FUNCTION retention_internal.source_check_trust(source regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wrong record;
BEGIN
  PERFORM FROM pg_roles AS r WHERE r.rolname = CURRENT_USER AND (r.rolsuper OR r.rolbypassrls);
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- What runs when the view is read: it and the views below it, and the functions, operators and types that they use,
  -- down to what makes an operator, an aggregate or a domain. To read a table runs nothing. Who owns the schema could put
  -- another view in place of this one. Of all these nobody but their owners can make something else.
  WITH RECURSIVE used AS (
    (SELECT 'pg_class'::regclass::oid AS class, source::oid AS object
    UNION ALL
    SELECT 'pg_namespace'::regclass, c.relnamespace FROM pg_class AS c WHERE c.oid = source)
    UNION
    SELECT d.class, d.object
    FROM used AS u, LATERAL (
      SELECT r.refclassid AS class, r.refobjid AS object
      FROM pg_depend AS r
      WHERE u.class = 'pg_class'::regclass AND r.classid = 'pg_rewrite'::regclass AND r.refclassid <> 'pg_rewrite'::regclass
        AND r.objid = (SELECT w.oid FROM pg_rewrite AS w JOIN pg_class AS c ON c.oid = w.ev_class AND c.relkind = 'v'
          WHERE w.ev_class = u.object AND w.ev_type = '1')
      UNION ALL
      SELECT r.refclassid, r.refobjid
      FROM pg_depend AS r
      WHERE u.class IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_constraint'::regclass)
        AND r.classid = u.class AND r.objid = u.object
        AND r.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
      UNION ALL
      SELECT r.classid, r.objid
      FROM pg_depend AS r
      WHERE u.class = 'pg_type'::regclass AND r.refclassid = u.class AND r.refobjid = u.object AND r.classid = 'pg_constraint'::regclass
      UNION ALL
      -- Columns are read as texts, too.
      SELECT 'pg_type'::regclass, a.atttypid FROM pg_attribute AS a
      WHERE u.class = 'pg_class'::regclass AND a.attrelid = u.object AND u.object = source::oid AND a.attnum > 0
      UNION ALL
      SELECT 'pg_proc'::regclass, k.castfunc FROM pg_cast AS k
      WHERE u.class = 'pg_type'::regclass AND k.castsource = u.object AND k.casttarget = 'text'::regtype AND k.castfunc <> 0
    ) AS d
  )
  SELECT pg_describe_object(u.class, u.object, 0) AS object, o.owner INTO wrong
  FROM used AS u, LATERAL (
    SELECT c.relowner AS owner FROM pg_class AS c WHERE u.class = 'pg_class'::regclass AND c.oid = u.object AND c.relkind = 'v'
    UNION ALL
    SELECT CASE WHEN n.nspowner = 'pg_database_owner'::regrole THEN d.datdba ELSE n.nspowner END
    FROM pg_namespace AS n, pg_database AS d
    WHERE u.class = 'pg_namespace'::regclass AND n.oid = u.object AND d.datname = current_database()
    UNION ALL
    SELECT p.proowner FROM pg_proc AS p WHERE u.class = 'pg_proc'::regclass AND p.oid = u.object
    UNION ALL
    SELECT p.oprowner FROM pg_operator AS p WHERE u.class = 'pg_operator'::regclass AND p.oid = u.object
    UNION ALL
    -- A row type or an enum runs nothing.
    SELECT t.typowner FROM pg_type AS t WHERE u.class = 'pg_type'::regclass AND t.oid = u.object AND t.typtype NOT IN ('c', 'e')
  ) AS o
  WHERE o.owner <> (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = CURRENT_USER)
    AND NOT (EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = o.owner AND r.rolsuper))
  ORDER BY u.object = source DESC, u.class, u.object
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '42501',
      MESSAGE = format('source %s would run what belongs to role %s', source, quote_ident(pg_get_userbyid(wrong.owner))),
      DETAIL = format('It is made of %s, which would run with the rights of %s.', wrong.object, quote_ident(CURRENT_USER)),
      HINT = format('SET ROLE %s.', quote_ident(pg_get_userbyid(wrong.owner)));
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_trust(regclass) IS
'42501 where a role that may do everything would run, by reading a view, what belongs to somebody who may not';

-- Look-up.

CREATE FUNCTION retention_internal.source_find(source regclass) RETURNS retention_internal.source
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source;
BEGIN
  s := retention_internal.source_describe(source);
  SELECT n.grid, n.gone_after, n.keep_runs, n.presence INTO s.grid, s.gone_after, s.keep_runs, s.presence
  FROM retention_internal.source_setting AS n WHERE n.source::oid = source::oid;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '42704',
      MESSAGE = format('view %s is not a source', source),
      HINT = format('Its owner can make it one: SELECT retention_source_set(%L, grid => ''month'').', source);
  END IF;
  s.time_zone := (@extschema@.grid_options(s.grid)).time_zone;
  IF NOT has_any_column_privilege(source, 'SELECT') THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for view %s', source);
  END IF;
  PERFORM retention_internal.source_check_trust(source);
  PERFORM retention_internal.source_check_settings(s);
  s.kept := retention_internal.facts_kept(source);
  RETURN s;
END
$$;
COMMENT ON FUNCTION retention_internal.source_find(regclass) IS
'a source after all checks: it is one, its columns and settings fit, and the caller may read it and may run what it runs';

-- Registration.

CREATE FUNCTION retention_source_set(
  source regclass,
  grid retention_grid DEFAULT NULL,
  gone_after interval DEFAULT NULL,
  keep_runs integer DEFAULT NULL,
  presence text DEFAULT NULL
) RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source;
  old retention_internal.source_setting;
  o record;
BEGIN
  s := retention_internal.source_describe(source);
  PERFORM retention_internal.check_owner(source);
  SELECT n.* INTO old FROM retention_internal.source_setting AS n WHERE n.source::oid = source::oid;
  s.grid := coalesce(grid, old.grid, 'month');
  -- Kept values must not depend on the session that reads them.
  o := @extschema@.grid_options(s.grid);
  IF o.time_zone IS NULL THEN
    s.grid := s.grid::text || '; time_zone=' || current_setting('TimeZone');
    o := @extschema@.grid_options(s.grid);
  END IF;
  s.time_zone := o.time_zone;
  s.keep_runs := coalesce(keep_runs, old.keep_runs, 100);
  s.presence := coalesce(presence, CASE s.kind WHEN 'subscriptions' THEN coalesce(old.presence, 'at_end') END);
  s.gone_after := coalesce(gone_after, CASE s.kind WHEN 'events' THEN coalesce(old.gone_after,
    o.length * CASE o.unit WHEN 'quarter' THEN 2 WHEN 'year' THEN 1 ELSE 3 END) END);
  PERFORM retention_internal.source_check_settings(s);
  PERFORM retention_internal.source_write(source, s.grid, s.gone_after, s.keep_runs, s.presence);
  RETURN source;
END
$$;
COMMENT ON FUNCTION retention_source_set(regclass, retention_grid, interval, integer, text) IS
'makes a view with the columns of a source one, or changes its settings; what is NULL stays as it is';

CREATE FUNCTION retention_internal.source_check_text(argument text, expression text, relation regclass DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
DECLARE
  said text;
  state text;
  hint text;
BEGIN
  IF expression IS NULL THEN
    RETURN;
  END IF;
  BEGIN
    IF NOT retention_internal.source_is_expression(expression) THEN
      RAISE EXCEPTION USING ERRCODE = '42601', MESSAGE = 'it is more than one expression';
    END IF;
    -- Analysed and not even planned: the planner would run functions, be it of a view below.
    IF relation IS NULL THEN
      EXECUTE format(E'PREPARE retention_check AS SELECT (%s\n)', expression);
    ELSE
      EXECUTE format(E'PREPARE retention_check AS SELECT FROM %s WHERE (%s\n)', relation, expression);
    END IF;
    DEALLOCATE retention_check;
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
    IF state = '42501' OR state LIKE '57%' OR state LIKE '53%' THEN
      RAISE;
    END IF;
    RAISE EXCEPTION USING ERRCODE = state,
      MESSAGE = format('the %s of a source is not %s: %s', argument,
        CASE WHEN relation IS NULL THEN 'an expression' ELSE 'a condition over its relation' END, said),
      DETAIL = format('It is: %s', expression),
      HINT = CASE WHEN state IN ('42883', '42704', '42P01')
        THEN 'Names outside pg_catalog need their schema before them, so that the source means the same to everybody.'
        ELSE coalesce(nullif(hint, ''), format('It is one SQL expression, such as %s.',
          CASE WHEN relation IS NULL THEN 'now()' ELSE 'status <> ''test''' END)) END;
  END;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_text(text, text, regclass) IS
'raises what is wrong with an expression for a source: over the columns of a relation, or over none';

CREATE FUNCTION retention_internal.source_item(relation regclass, attribute name, alias name) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- A customer has one of the types that the aggregates take; an integer becomes one by itself, and an index on it serves.
  SELECT quote_ident($2)
    || CASE WHEN $3 <> 'customer' OR a.atttypid::regtype IN ('smallint', 'integer', 'bigint', 'uuid', 'text') THEN ''
      ELSE '::' || CASE WHEN t.type = 'uuid'::regtype THEN 'uuid' WHEN t.type IN ('smallint', 'integer', 'bigint') THEN 'bigint' ELSE 'text' END END
    || ' AS ' || quote_ident($3)
  FROM pg_attribute AS a, (SELECT retention_internal.source_type($1, $2) AS type) AS t
  WHERE a.attrelid = $1 AND a.attname = $2
$$;
COMMENT ON FUNCTION retention_internal.source_item(regclass, name, name) IS 'a column of a relation as one of a source';

CREATE FUNCTION retention_source(
  name text,
  kind text,
  relation regclass,
  customer name,
  started name DEFAULT NULL,
  ended name DEFAULT NULL,
  at name DEFAULT NULL,
  event name DEFAULT NULL,
  events text[] DEFAULT NULL,
  segments name[] DEFAULT '{}',
  amount name DEFAULT NULL,
  reason name DEFAULT NULL,
  grid retention_grid DEFAULT 'month',
  filter text DEFAULT NULL,
  as_of text DEFAULT NULL,
  gone_after interval DEFAULT NULL,
  keep_runs integer DEFAULT 100,
  presence text DEFAULT NULL,
  ignore_bad_rows boolean DEFAULT false,
  schema name DEFAULT pg_catalog.current_schema()
) RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
-- The text of a filter reads the same in every session.
SET standard_conforming_strings = on
AS $$
#variable_conflict use_variable
DECLARE
  words text[];
  view text;
  there regclass;
  relkind "char";
  persistence "char";
  wrong text;
  hint text;
  segment text;
  conditions text[];
BEGIN
  -- The name, read as PostgreSQL reads one.
  IF coalesce(name, '') = '' THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a source needs a name';
  END IF;
  words := parse_ident(name);
  IF cardinality(words) > 2 THEN
    RAISE EXCEPTION USING ERRCODE = '42601', MESSAGE = format('name %s of a source has too many parts', name),
      HINT = 'It is a name, or a schema and a name: bi.orders.';
  END IF;
  IF cardinality(words) = 2 THEN
    schema := words[1];
  END IF;
  name := words[cardinality(words)];
  -- The longest suffix of a view is _stickiness.
  IF octet_length(name) > 52 THEN
    RAISE EXCEPTION USING ERRCODE = '42622',
      MESSAGE = format('name "%s" of a source is too long', name),
      DETAIL = format('It has %s bytes, at most 52 are allowed.', octet_length(name)),
      HINT = 'Its views are called by it with a suffix such as _stickiness, and a name has at most 63 bytes.';
  END IF;
  IF schema IS NULL OR NOT EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = schema) THEN
    RAISE EXCEPTION USING ERRCODE = '3F000',
      MESSAGE = coalesce('schema "' || schema || '" does not exist', 'there is no schema to create the source in'),
      HINT = 'Name one: schema => ''bi''.';
  END IF;
  IF grid IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a source needs a grid';
  END IF;
  IF kind IS NULL OR kind NOT IN ('subscriptions', 'events') THEN
    hint := retention_internal.source_near(kind, ARRAY['subscriptions', 'events']);
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = coalesce('"' || kind || '" is not a kind of source', 'a source needs a kind'),
      HINT = coalesce('Perhaps you meant "' || hint || '".',
        'It is subscriptions (a row is a time of presence) or events (a row is something a customer did).');
  END IF;
  SELECT c.relkind, c.relpersistence INTO relkind, persistence FROM pg_class AS c WHERE c.oid = relation;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a source needs a relation';
  END IF;
  IF relkind NOT IN ('r', 'p', 'v', 'm', 'f') THEN
    RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('%s is not a table or a view', relation);
  END IF;
  IF persistence = 't' THEN
    RAISE EXCEPTION USING ERRCODE = '42809',
      MESSAGE = format('%s is temporary: a source outlives the session', relation);
  END IF;
  view := format('%I.%I', schema, name);
  there := to_regclass(view);
  IF there IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42P07', MESSAGE = format('%s already exists', view),
      HINT = CASE
        WHEN there = relation THEN 'A source is a view beside its table: give it another name, or another schema.'
        WHEN EXISTS (SELECT FROM retention_internal.source_setting AS n WHERE n.source::oid = there::oid) THEN format(
          'Replace the view to change what it reads; retention_source_set() changes its settings, SELECT retention_drop_source(%L) drops it.', view)
        ELSE 'Give the source another name, or another schema.' END;
  END IF;

  -- What a kind needs, and what it has no use for.
  hint := CASE kind WHEN 'events' THEN 'A source of events has customer and at; event with events, segments and amount may come in addition.'
    ELSE 'A source of subscriptions has customer, started and ended; segments, amount and reason may come in addition.' END;
  wrong := CASE
    WHEN customer IS NULL THEN 'customer'
    WHEN kind = 'subscriptions' AND started IS NULL THEN 'started'
    WHEN kind = 'subscriptions' AND ended IS NULL THEN 'ended'
    WHEN kind = 'events' AND at IS NULL THEN 'at'
    END;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('a source of %s needs the column %s', kind, wrong), HINT = hint;
  END IF;
  wrong := CASE
    WHEN kind = 'events' THEN CASE
      WHEN started IS NOT NULL THEN 'started'
      WHEN ended IS NOT NULL THEN 'ended'
      WHEN reason IS NOT NULL THEN 'reason'
      WHEN ignore_bad_rows THEN 'ignore_bad_rows' END
    WHEN at IS NOT NULL THEN 'at'
    WHEN event IS NOT NULL THEN 'event'
    WHEN events IS NOT NULL THEN 'events'
    END;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('a source of %s has no %s', kind, wrong), HINT = hint;
  END IF;
  IF (event IS NULL) <> (events IS NULL) OR events = '{}' OR array_position(events, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = 'event names the column, events the values of it that count: one needs the other',
      HINT = 'For example event => ''name'', events => ''{order,renewal}''; leave both away and every row counts.';
  END IF;

  -- Columns.
  PERFORM retention_internal.source_check_column(relation, u.argument, u.attribute, u.wanted)
  FROM unnest(ARRAY['customer', 'at', 'event', 'started', 'ended', 'reason', 'amount'],
    ARRAY[customer, at, event, started, ended, reason, amount],
    ARRAY['customer', 'time', 'name', 'time', 'time', 'name', 'number']) WITH ORDINALITY AS u (argument, attribute, wanted, place)
  WHERE u.attribute IS NOT NULL ORDER BY u.place;
  segments := coalesce(segments, '{}');
  FOREACH segment IN ARRAY segments LOOP
    IF segment IS NULL OR array_length(array_positions(segments, segment::pg_catalog.name), 1) > 1 THEN
      RAISE EXCEPTION USING ERRCODE = '22023',
        MESSAGE = coalesce('segment "' || segment || '" is given twice', 'a segment must not be null');
    END IF;
    PERFORM retention_internal.source_check_segment(segment);
    PERFORM retention_internal.source_check_column(relation, 'segment', segment, 'segment');
  END LOOP;
  SELECT c.c INTO wrong FROM unnest(ARRAY[customer, started, ended, at, event, amount, reason] || segments) AS c (c)
  WHERE NOT has_column_privilege(relation, c.c, 'SELECT') LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for column %I of %s', wrong, relation);
  END IF;
  PERFORM retention_internal.source_check_text('filter', filter, relation);
  PERFORM retention_internal.source_check_text('as_of', as_of);

  conditions := array_remove(ARRAY[
    CASE WHEN event IS NOT NULL THEN quote_ident(event)
      || CASE WHEN retention_internal.source_type(relation, event) IN ('text', 'varchar') THEN '' ELSE '::text' END
      || ' = ANY (' || quote_literal(events::text) || ')' END,
    -- The line feed ends a comment that the text may end with.
    '(' || filter || E'\n)',
    CASE WHEN ignore_bad_rows THEN format('NOT coalesce(%I < %I, false)', ended, started) END], NULL);
  EXECUTE 'CREATE VIEW ' || view || ' WITH (security_invoker = true) AS SELECT '
    || (SELECT string_agg(CASE u.alias WHEN 'as_of' THEN '(SELECT (' || as_of || E'\n)) AS as_of'
        ELSE retention_internal.source_item(relation, u.attribute, u.alias) END, ', ' ORDER BY u.place)
      FROM unnest(ARRAY[customer, at, started, ended, amount, reason, CASE WHEN as_of IS NOT NULL THEN 'as_of' END] || segments,
        ARRAY['customer', 'at', 'started', 'ended', 'amount', 'reason', 'as_of'] || segments::text[])
        WITH ORDINALITY AS u (attribute, alias, place) WHERE u.attribute IS NOT NULL)
    || ' FROM ' || relation || CASE WHEN conditions = '{}' THEN '' ELSE ' WHERE ' || array_to_string(conditions, ' AND ') END;
  RETURN @extschema@.retention_source_set(to_regclass(view), grid, gone_after, keep_runs, presence);
END
$$;
COMMENT ON FUNCTION retention_source(text, text, regclass, name, name, name, name, name, text[], name[], name, name, retention_grid, text, text,
  interval, integer, text, boolean, name) IS
'writes a source: a view over a table of subscriptions (customer, started, ended) or of events (customer, at), with a grid';

CREATE FUNCTION retention_drop_source(source regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM retention_internal.check_owner(source);
  PERFORM FROM retention_internal.source_setting AS n WHERE n.source::oid = $1::oid;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('%s is not a source', source),
      HINT = 'The view retention_sources lists those there are.';
  END IF;
  IF (retention_internal.facts_kept(source)).state IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '55006', MESSAGE = format('source %s is materialised', source),
      HINT = format('SELECT retention_unmaterialize(%L) first.', source);
  END IF;
  PERFORM @extschema@.retention_drop_views(source);
  PERFORM retention_internal.source_forget(source);
  EXECUTE format('DROP VIEW %s', source);
END
$$;
COMMENT ON FUNCTION retention_drop_source(regclass) IS 'drops a source: its views, its settings and the view that it is';

-- What a source is made of, as SQL text.

CREATE FUNCTION retention_internal.source_event_time(alias name) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- Dates from before 1900 or from 2200 on are ways to write never or not known.
  SELECT format('CASE WHEN %1$I.at >= ''1900-01-01 00:00+00'' AND %1$I.at < ''2200-01-01 00:00+00'' THEN %1$I.at END', $1)
$$;
COMMENT ON FUNCTION retention_internal.source_event_time(name) IS
'an SQL expression of the time of an event in a row of that name; NULL, by which the row is ignored and counted as such, where it is no time of a customer';

CREATE FUNCTION retention_internal.source_rows(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'SELECT ' || string_agg(CASE WHEN c.name = 'at' THEN retention_internal.source_event_time('r') || ' AS at' ELSE 'r.' || quote_ident(c.name) END, ', ' ORDER BY c.place)
    || ' FROM ' || $1.source || ' AS r'
  FROM unnest(CASE $1.kind WHEN 'events' THEN '{customer,at}'::name[] ELSE '{customer,started,ended}' END || $1.segments
    || CASE WHEN $1.has_amount THEN '{amount}'::name[] ELSE '{}' END || CASE WHEN $1.has_reason THEN '{reason}'::name[] ELSE '{}' END)
    WITH ORDINALITY AS c (name, place)
$$;
COMMENT ON FUNCTION retention_internal.source_rows(retention_internal.source) IS
'a SELECT of the rows of a source: customer, started and ended or at, the segments, amount and reason where there are';

CREATE FUNCTION retention_internal.source_as_of(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- A time from 2200 on is a way to write never: nobody's latest time.
  SELECT CASE WHEN $1.has_as_of THEN
    format('(SELECT %s FROM %s LIMIT 1)', CASE retention_internal.source_type($1.source, 'as_of')
      WHEN 'timestamptz'::regtype THEN format('as_of AT TIME ZONE %L', $1.time_zone) ELSE 'as_of::timestamp' END, $1.source)
  ELSE
    format(CASE $1.time_type
        WHEN 'date'::regtype THEN '(SELECT (%1$s + 1)::timestamp FROM %2$s)'
        WHEN 'timestamptz'::regtype THEN '(SELECT %1$s AT TIME ZONE %3$L + ''1 microsecond'' FROM %2$s)'
        ELSE '(SELECT %1$s + ''1 microsecond'' FROM %2$s)' END,
      CASE $1.kind WHEN 'events' THEN 'max(at)'
        ELSE 'greatest(max(started) FILTER (WHERE started < ''2200-01-01 00:00+00''), max(ended) FILTER (WHERE ended < ''2200-01-01 00:00+00''))' END,
      $1.source || CASE $1.kind WHEN 'events' THEN ' WHERE at < ''2200-01-01 00:00+00'' AND customer IS NOT NULL'
        ELSE ' WHERE started IS NOT NULL AND customer IS NOT NULL' END,
      $1.time_zone)
  END
$$;
COMMENT ON FUNCTION retention_internal.source_as_of(retention_internal.source) IS
'an SQL expression of the time until which the data of a source are known, as timestamp in the zone of its grid';

CREATE FUNCTION retention_internal.source_grid(source retention_internal.source, as_of text DEFAULT NULL, plain boolean DEFAULT false) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('(SELECT (%L || coalesce(''; as_of='' || to_char(%s, ''YYYY-MM-DD HH24:MI:SS.US''), ''''))::@extschema@.retention_grid)',
    CASE WHEN $3 THEN retention_internal.grid_calendar($1.grid) ELSE $1.grid END,
    coalesce($2, retention_internal.source_as_of($1)))
$$;
COMMENT ON FUNCTION retention_internal.source_grid(retention_internal.source, text, boolean) IS
'an SQL expression of the grid of a source with its as_of (or the one given, as SQL), computed once a query; plain: calendar periods only, as a flow needs';

CREATE FUNCTION retention_internal.source_presence(source retention_internal.source, as_of text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
-- An interval reads the same in every session.
SET intervalstyle = 'postgres'
AS $$
DECLARE
  is_date boolean := source.time_type = 'date'::regtype;
  known text := coalesce(as_of, retention_internal.source_as_of(source));
  at text := CASE WHEN source.time_type = 'timestamptz'::regtype THEN format('(at AT TIME ZONE %L)', source.time_zone) ELSE 'at' END;
  segments text;
  firsts text;
BEGIN
  -- A cast makes all three kinds of time comparable in the zone of the grid, whatever the session's is.
  known := CASE WHEN is_date THEN known || '::date'
    WHEN source.time_type = 'timestamptz'::regtype AND source.kind = 'subscriptions' THEN format('(%s AT TIME ZONE %L)', known, source.time_zone)
    ELSE known END;
  SELECT coalesce(string_agg(format(CASE source.kind WHEN 'events' THEN ', c.%I' ELSE ', r.%I' END, s.segment), '' ORDER BY s.place), ''),
    coalesce(string_agg(format(', (array_agg(%I ORDER BY at, %1$I))[1] AS %1$I', s.segment), '' ORDER BY s.place), '')
  INTO segments, firsts
  FROM unnest(source.segments) WITH ORDINALITY AS s (segment, place);
  IF source.kind = 'subscriptions' THEN
    RETURN format('SELECT r.customer, r.started, CASE WHEN r.ended < k.as_of THEN r.ended END AS ended%s'
      ' FROM %s AS r, (SELECT %s AS as_of) AS k WHERE r.customer IS NOT NULL AND r.started < k.as_of',
      segments, source.source, known);
  END IF;
  RETURN format('SELECT c.customer, lower(s.stay) AS started, CASE WHEN upper(s.stay) < k.as_of THEN upper(s.stay) END AS ended%s'
    ' FROM (SELECT customer, range_agg(%s(%s, %s)) AS stays%s FROM %s WHERE at >= ''1900-01-01 00:00+00'' AND at < ''2200-01-01 00:00+00'' AND customer IS NOT NULL GROUP BY customer) AS c,'
    ' unnest(c.stays) AS s (stay), (SELECT %s AS as_of) AS k WHERE lower(s.stay) < k.as_of',
    segments, CASE WHEN is_date THEN 'daterange' ELSE 'tsrange' END, at,
    format(CASE WHEN is_date THEN '(%s + interval %L)::date' ELSE '%s + interval %L' END, at, source.gone_after), firsts, source.source, known);
END
$$;
COMMENT ON FUNCTION retention_internal.source_presence(retention_internal.source, text) IS
'a SELECT of when customers were there: customer, started, ended (NULL: still there) and the segments; of events, stays that end gone_after after their last event';

-- What there is.

CREATE FUNCTION retention_internal.source_states() RETURNS TABLE (
  source regclass,
  owner text,
  kind text,
  relation text,
  segments text,
  grid retention_grid,
  gone_after interval,
  keep_runs integer,
  presence text,
  state text
)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
  SELECT n.source, pg_get_userbyid(c.relowner)::text, CASE WHEN a.names && '{started,ended}' THEN 'subscriptions' ELSE 'events' END,
    (SELECT string_agg(DISTINCT d.refobjid::regclass::text, ', ')
    FROM pg_rewrite AS w JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
    WHERE w.ev_class = c.oid AND d.refobjid <> c.oid),
    (SELECT string_agg(quote_ident(u.name), ', ' ORDER BY u.place) FROM unnest(a.names) WITH ORDINALITY AS u (name, place)
    WHERE u.name NOT IN ('customer', 'started', 'ended', 'at', 'amount', 'reason', 'as_of')),
    n.grid, n.gone_after, n.keep_runs, n.presence,
    CASE
      WHEN m.name IS NOT NULL THEN format('column %s is missing', m.name)
      WHEN NOT has_any_column_privilege(c.oid, 'SELECT') THEN 'not readable'
      ELSE coalesce(retention_internal.facts_state(n.source), 'ready') END
  FROM retention_internal.source_setting AS n
  JOIN pg_class AS c ON c.oid = n.source AND c.relkind = 'v'
  CROSS JOIN LATERAL (
    SELECT array_agg(t.attname ORDER BY t.attnum) AS names FROM pg_attribute AS t
    WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped) AS a
  LEFT JOIN LATERAL (
    SELECT u.name FROM unnest(CASE WHEN a.names && '{started,ended}' THEN '{customer,started,ended}'::text[] ELSE '{customer,at}' END) AS u (name)
    WHERE u.name <> ALL (a.names) LIMIT 1) AS m ON true
$$;
COMMENT ON FUNCTION retention_internal.source_states() IS 'the rows of the view retention_sources; from catalogs alone';

CREATE VIEW retention_sources AS SELECT * FROM retention_internal.source_states() AS s ORDER BY s.source::text COLLATE "C";
COMMENT ON VIEW retention_sources IS 'the sources of this database with their settings and state: ready, materialised, or what is wrong';
COMMENT ON COLUMN retention_sources.source IS 'the view that the source is';
COMMENT ON COLUMN retention_sources.owner IS 'who owns it and may change it';
COMMENT ON COLUMN retention_sources.kind IS 'subscriptions: a row is a time of presence; events: a row is something a customer did';
COMMENT ON COLUMN retention_sources.relation IS 'what the view reads';
COMMENT ON COLUMN retention_sources.segments IS 'the columns that customers are compared by';
COMMENT ON COLUMN retention_sources.grid IS 'how time is cut';
COMMENT ON COLUMN retention_sources.gone_after IS 'events: silence after which a customer counts as gone';
COMMENT ON COLUMN retention_sources.keep_runs IS 'how many runs of its report are kept';
COMMENT ON COLUMN retention_sources.presence IS 'subscriptions: whether cohorts count who is there at the end of a period or at any moment of it';
COMMENT ON COLUMN retention_sources.state IS 'ready, materialised, facts are gone, column x is missing, not readable';
GRANT SELECT ON retention_sources TO PUBLIC;
