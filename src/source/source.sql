-- source: your tables, registered once. A source is a view with standard column names, created by retention_source() or
-- by hand, and a row of settings for it. Everything of a source but its settings is a relation of its owner, so
-- PostgreSQL's own privileges say who reads, changes and drops it.
--
-- One source, from registration to an answer:
--   guess.sql     retention_guess() proposes the call from the columns and statistics of a table
--   register.sql  retention_source() checks its arguments, writes the view and its settings; retention_drop_source()
--   check.sql     the checks: of columns, of settings, of SQL that a user writes, of what a superuser would run
--   source.sql    the settings, source_find(), which every function of a source begins with, the view retention_sources
--   query.sql     the parts of a source as SQL text: its rows, as_of, grid and memberships
--   views.sql     retention_create_views() puts these together: what a BI tool reads; the queries are in views_*.sql
--   grant.sql     retention_grant(): letting a role read a source and its views
--   facts.sql     the tables and triggers of a materialised source, refresh.sql how they are brought up to date
--   progress.sql  how far long work is
-- In C: source_sql.c, and for materialised sources facts_*.c (see facts.h).

CREATE TABLE retention_internal.source_setting (
  source regclass PRIMARY KEY,
  grid retention_grid NOT NULL,
  gone_after interval,
  keep_runs integer NOT NULL,
  presence text,
  segments_at text NOT NULL DEFAULT 'start',
  top integer,
  list_customers boolean NOT NULL DEFAULT false,
  suppress_below integer,
  purchase_model retention_model
);
COMMENT ON TABLE retention_internal.source_setting IS
'what a view cannot say of a source; written by its owner through retention_source_set()';
COMMENT ON COLUMN retention_internal.source_setting.source IS 'the view';
COMMENT ON COLUMN retention_internal.source_setting.grid IS
'how time is cut into periods; its time zone is always written out';
COMMENT ON COLUMN retention_internal.source_setting.gone_after IS
'events: the inactivity window, the time without an event after which a customer counts as gone';
COMMENT ON COLUMN retention_internal.source_setting.keep_runs IS 'how many runs of its report are kept';
COMMENT ON COLUMN retention_internal.source_setting.presence IS
'subscriptions: whether cohorts count customers at the end of a period (at_end) or at any moment of it (any)';
COMMENT ON COLUMN retention_internal.source_setting.segments_at IS
'which value of a segment a customer has: start, first or current';
COMMENT ON COLUMN retention_internal.source_setting.top IS
'how many values of a segment are told apart, the rest is Other; NULL: all';
COMMENT ON COLUMN retention_internal.source_setting.list_customers IS 'whether the report lists customers';
COMMENT ON COLUMN retention_internal.source_setting.suppress_below IS
'counts of customers from 1 to one less than this are not shown; NULL: all are shown';
COMMENT ON COLUMN retention_internal.source_setting.purchase_model IS
'events: what the view customers asks how likely it is that they go on buying; NULL: nothing';

SELECT pg_catalog.pg_extension_config_dump('retention_internal.source_setting',
  'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = source)');

CREATE FUNCTION retention_internal.source_setting_check() RETURNS trigger
LANGUAGE plpgsql PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM pg_class AS c WHERE c.oid = new.source AND c.relowner = quote_ident(CURRENT_USER)::regrole;
  IF NOT FOUND AND NOT retention_internal.is_extension_owner() THEN
    PERFORM retention_internal.refuse('42501', format('%s belongs to another role', new.source));
  END IF;
  RETURN new;
END
$$;
COMMENT ON FUNCTION retention_internal.source_setting_check() IS
'trigger of source_setting: a row is inserted by the owner of the view, or by the role that restores a dump';

-- Everybody may read the settings, as they may read catalogs. Only a restore inserts rows; all else is done by
-- retention_source_set().
GRANT SELECT, INSERT ON retention_internal.source_setting TO PUBLIC;
CREATE TRIGGER source_setting_check BEFORE INSERT ON retention_internal.source_setting
FOR EACH ROW EXECUTE FUNCTION retention_internal.source_setting_check();
COMMENT ON TRIGGER source_setting_check ON retention_internal.source_setting IS
'a role writes settings of its own views only';

CREATE TYPE retention_internal.kept AS (state regclass, facts regclass, summary regclass, changes regclass);
COMMENT ON TYPE retention_internal.kept IS 'the tables of a materialised source';

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
  segments_at text,
  top integer,
  list_customers boolean,
  suppress_below integer,
  purchase_model retention_model,
  kept retention_internal.kept
);
COMMENT ON TYPE retention_internal.source IS
'a source, checked by source_find(); a domain is given as the type below it';

-- Functions in C (source_sql.c).

CREATE FUNCTION retention_internal.refuse(
  state text, message text, detail text DEFAULT NULL, hint text DEFAULT NULL
) RETURNS void
LANGUAGE C VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'source_refuse';
COMMENT ON FUNCTION retention_internal.refuse(text, text, text, text) IS
'raises an error without the CONTEXT that RAISE, or a parallel worker, would add';

CREATE FUNCTION retention_internal.check_owner(relation regclass) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'source_check_owner';
COMMENT ON FUNCTION retention_internal.check_owner(regclass) IS
'42501 unless the current role itself owns a relation; called by every function that writes something of a source';

CREATE FUNCTION retention_internal.source_write(source regclass, setting retention_internal.source_setting)
RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'source_write';
COMMENT ON FUNCTION retention_internal.source_write(regclass, retention_internal.source_setting) IS
'writes the settings of a relation of the current role';

CREATE FUNCTION retention_internal.source_forget(source regclass) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'source_forget';
COMMENT ON FUNCTION retention_internal.source_forget(regclass) IS
'deletes the settings of a relation of the current role';

CREATE FUNCTION retention_internal.source_lock(
  relation regclass, part integer, wait boolean, over_commit boolean DEFAULT false
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'source_lock';
COMMENT ON FUNCTION retention_internal.source_lock(regclass, integer, boolean, boolean) IS
'locks a part of a relation of the current role (1: kept facts, 2: runs of reports) until the transaction ends, or '
'over a COMMIT until source_unlock(); false: it is locked already';

CREATE FUNCTION retention_internal.source_unlock(relation regclass, part integer) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'source_unlock';
COMMENT ON FUNCTION retention_internal.source_unlock(regclass, integer) IS
'releases a part that was locked over a COMMIT; false: it was not locked';

CREATE FUNCTION retention_internal.source_is_expression(expression text) RETURNS boolean
LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'source_is_expression';
COMMENT ON FUNCTION retention_internal.source_is_expression(text) IS
'whether a text is one SQL expression and nothing else; 42601 where it is not SQL';

CREATE FUNCTION retention_internal.source_near(word text, words text[]) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'source_near';
COMMENT ON FUNCTION retention_internal.source_near(text, text[]) IS
'the one of some words that was probably meant; NULL: none is near';

CREATE FUNCTION retention_internal.source_hidden(
  small boolean[], sizes bigint[], heads boolean[], cells integer[], lines integer[]
) RETURNS boolean[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'source_hidden';
COMMENT ON FUNCTION retention_internal.source_hidden(boolean[], bigint[], boolean[], integer[], integer[]) IS
'which cells of a table are hidden, so that the small ones do not follow from the others on a line. sizes: NULL may '
'not be hidden; heads: hides its whole first line with it; cells[i] is on lines[i], both counted from 1, in the order '
'of cells';

-- Looking up a source.

CREATE FUNCTION retention_internal.source_columns(relation regclass) RETURNS name[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(a.attname ORDER BY a.attnum)
  FROM pg_attribute AS a
  WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION retention_internal.source_columns(regclass) IS 'the columns of a relation';

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
'the type of a column, of a domain the type below it; NULL: there is no such column';

CREATE FUNCTION retention_internal.source_describe(source regclass) RETURNS retention_internal.source
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source;
  relkind "char";
  columns name[] := retention_internal.source_columns(source);
BEGIN
  SELECT c.relkind, c.relowner INTO relkind, s.owner FROM pg_class AS c WHERE c.oid = source;
  IF NOT FOUND THEN
    IF source IS NULL THEN
      PERFORM retention_internal.refuse('22004', 'the source must not be null');
    END IF;
    PERFORM retention_internal.refuse('42P01', 'the source does not exist any more');
  END IF;
  IF relkind <> 'v' THEN
    PERFORM retention_internal.refuse('42809', format('%s is not a view', source),
      'A source is a view with the columns customer and at, or customer, started and ended.',
      coalesce((SELECT format('Perhaps you meant the source %s, which reads it.', min(n.source::text))
        FROM retention_internal.source_states() AS n WHERE n.relation = $1::text HAVING count(*) > 0),
        format('retention_source() creates one; SELECT retention_guess(%L) proposes the call.', source)));
  END IF;
  s.source := source;
  s.kind := CASE WHEN 'at' = ANY (columns) THEN 'events' ELSE 'subscriptions' END;
  IF s.kind = 'events' AND columns && '{started,ended,reason}'::name[] THEN
    PERFORM retention_internal.refuse('22023',
      format('view %s has a column "at" and a column "%s"', source, (SELECT u.word
        FROM unnest('{started,ended,reason}'::name[]) AS u (word) WHERE u.word = ANY (columns) LIMIT 1)),
      'A row with "at" is an event. A row with "started" and "ended" is a membership, which may have a "reason".');
  END IF;
  IF NOT columns && '{at,started,ended}' THEN
    PERFORM retention_internal.source_check_column(source, 'customer', 'customer', 'customer');
    PERFORM retention_internal.refuse('42703', format('view %s has no column with a time', source),
      hint => 'It needs a column "at" (a row is an event), or "started" and "ended" (a row is a membership).');
  END IF;

  s.customer_type := retention_internal.source_type(source, 'customer');
  s.time_type := retention_internal.source_type(source, CASE s.kind WHEN 'events' THEN 'at' ELSE 'started' END);
  s.has_amount := 'amount' = ANY (columns);
  s.has_reason := 'reason' = ANY (columns);
  s.has_as_of := 'as_of' = ANY (columns);
  s.segments := ARRAY(SELECT u.name FROM unnest(columns) WITH ORDINALITY AS u (name, place)
    WHERE u.name NOT IN ('customer', 'started', 'ended', 'at', 'amount', 'reason', 'as_of') ORDER BY u.place);
  PERFORM retention_internal.source_check_column(source, u.name, u.name, u.wanted)
  FROM unnest('{customer,at,started,ended,amount,reason,as_of}'::name[],
    '{customer,time,time,time,number,name,time}'::text[]) WITH ORDINALITY AS u (name, wanted, place)
  WHERE u.name = ANY (columns) OR u.name = 'customer' OR (s.kind = 'subscriptions' AND u.name IN ('started', 'ended'))
  ORDER BY u.place;
  PERFORM retention_internal.source_check_segment(source, u.segment)
  FROM unnest(s.segments) WITH ORDINALITY AS u (segment, place) ORDER BY u.place;
  IF s.kind = 'subscriptions' AND s.time_type <> retention_internal.source_type(source, 'ended') THEN
    PERFORM retention_internal.refuse('42804',
      format('columns "started" and "ended" of a source must have the same type, not %s and %s', s.time_type,
        retention_internal.source_type(source, 'ended')),
      hint => 'A view over the table can cast one of them.');
  END IF;
  RETURN s;
END
$$;
COMMENT ON FUNCTION retention_internal.source_describe(regclass) IS
'what the columns of a view say of a source, checked; the settings are NULL';

CREATE FUNCTION retention_internal.source_find(source regclass) RETURNS retention_internal.source
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source := retention_internal.source_describe(source);
BEGIN
  SELECT n.grid, n.gone_after, n.keep_runs, n.presence, n.segments_at, n.top, n.list_customers, n.suppress_below,
    n.purchase_model
  INTO s.grid, s.gone_after, s.keep_runs, s.presence, s.segments_at, s.top, s.list_customers, s.suppress_below,
    s.purchase_model
  FROM retention_internal.source_setting AS n WHERE n.source::oid = source::oid;
  IF NOT FOUND THEN
    PERFORM retention_internal.refuse('42704', format('view %s is not a source', source),
      hint => format('Its owner can make it one: SELECT retention_source_set(%L, grid => ''month'').', source));
  END IF;
  s.time_zone := (@extschema@.grid_options(s.grid)).time_zone;
  IF NOT has_any_column_privilege(source, 'SELECT') THEN
    PERFORM retention_internal.refuse('42501', format('permission denied for view %s', source));
  END IF;
  PERFORM retention_internal.source_check_trust(source);
  PERFORM retention_internal.source_check_settings(s);
  s.kept := retention_internal.facts_kept(source);
  RETURN s;
END
$$;
COMMENT ON FUNCTION retention_internal.source_find(regclass) IS
'a source after all checks: its columns and settings fit, and the caller may read it and may run what it runs';

-- The list of sources.

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
  segments_at text,
  top integer,
  list_customers boolean,
  suppress_below integer,
  purchase_model text,
  state text
)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
  SELECT n.source, pg_get_userbyid(c.relowner)::text,
    CASE WHEN a.names && '{started,ended}' THEN 'subscriptions' ELSE 'events' END,
    (SELECT string_agg(DISTINCT d.refobjid::regclass::text, ', ')
     FROM pg_rewrite AS w
     JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
       AND d.refclassid = 'pg_class'::regclass
     WHERE w.ev_class = c.oid AND d.refobjid <> c.oid),
    (SELECT string_agg(quote_ident(u.name), ', ' ORDER BY u.place)
     FROM unnest(a.names) WITH ORDINALITY AS u (name, place)
     WHERE u.name NOT IN ('customer', 'started', 'ended', 'at', 'amount', 'reason', 'as_of')),
    n.grid, n.gone_after, n.keep_runs, n.presence, n.segments_at, n.top, n.list_customers, n.suppress_below,
    (n.purchase_model).name,
    CASE
      WHEN m.name IS NOT NULL THEN format('column %s is missing', m.name)
      WHEN NOT has_any_column_privilege(c.oid, 'SELECT') THEN 'not readable'
      ELSE coalesce(retention_internal.facts_state(n.source), 'ready') END
  FROM retention_internal.source_setting AS n
  JOIN pg_class AS c ON c.oid = n.source AND c.relkind = 'v'
  CROSS JOIN LATERAL (SELECT retention_internal.source_columns(n.source) AS names) AS a
  LEFT JOIN LATERAL (
    SELECT u.name
    FROM unnest(CASE WHEN a.names && '{started,ended}' THEN '{customer,started,ended}'::name[] ELSE '{customer,at}' END)
      AS u (name)
    WHERE u.name <> ALL (a.names)
    LIMIT 1
  ) AS m ON true
$$;
COMMENT ON FUNCTION retention_internal.source_states() IS
'the rows of the view retention_sources; reads catalogs only';

CREATE VIEW retention_sources AS
SELECT * FROM retention_internal.source_states() AS s ORDER BY s.source::text COLLATE "C";
COMMENT ON VIEW retention_sources IS
'the sources of this database with their settings and state: ready, materialised, or what is wrong';
COMMENT ON COLUMN retention_sources.source IS 'the view that is the source';
COMMENT ON COLUMN retention_sources.owner IS 'the role that owns it and may change it';
COMMENT ON COLUMN retention_sources.kind IS
'subscriptions: a row is a membership; events: a row is something a customer did';
COMMENT ON COLUMN retention_sources.relation IS 'what the view reads';
COMMENT ON COLUMN retention_sources.segments IS 'the columns that customers are compared by';
COMMENT ON COLUMN retention_sources.grid IS 'how time is cut into periods';
COMMENT ON COLUMN retention_sources.gone_after IS
'events: the inactivity window, the time without an event after which a customer counts as gone';
COMMENT ON COLUMN retention_sources.keep_runs IS 'how many runs of its report are kept';
COMMENT ON COLUMN retention_sources.presence IS
'subscriptions: whether cohorts count customers at the end of a period or at any moment of it';
COMMENT ON COLUMN retention_sources.segments_at IS
'which value of a segment a customer has: start, first or current';
COMMENT ON COLUMN retention_sources.top IS
'how many values of a segment are told apart, the rest is Other; NULL: all';
COMMENT ON COLUMN retention_sources.list_customers IS 'whether the report lists customers';
COMMENT ON COLUMN retention_sources.suppress_below IS
'counts of customers from 1 to one less than this are not shown; NULL: all are shown';
COMMENT ON COLUMN retention_sources.purchase_model IS
'events: the model by which the view customers says how likely it is that they go on buying; NULL: it does not';
COMMENT ON COLUMN retention_sources.state IS
'ready, materialised, facts are gone, column x is missing, not readable';
GRANT SELECT ON retention_sources TO PUBLIC;
