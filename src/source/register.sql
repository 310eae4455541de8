-- source: registering, changing and dropping one.

CREATE FUNCTION retention_source_set(
  source regclass,
  grid retention_grid DEFAULT NULL,
  gone_after interval DEFAULT NULL,
  keep_runs integer DEFAULT NULL,
  presence text DEFAULT NULL,
  segments_at text DEFAULT NULL,
  top integer DEFAULT NULL,
  list_customers boolean DEFAULT NULL,
  suppress_below integer DEFAULT NULL,
  purchase_model retention_model DEFAULT NULL
) RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source := retention_internal.source_describe(source);
  old retention_internal.source_setting;
  new retention_internal.source_setting;
  o record;
BEGIN
  PERFORM retention_internal.check_owner(source);
  SELECT n.* INTO old FROM retention_internal.source_setting AS n WHERE n.source::oid = source::oid;
  s.grid := coalesce(grid, old.grid, 'month');
  o := @extschema@.grid_options(s.grid);
  -- Kept values must not depend on the session that reads them.
  IF o.time_zone IS NULL THEN
    s.grid := s.grid::text || '; time_zone=' || current_setting('TimeZone');
    o := @extschema@.grid_options(s.grid);
  END IF;
  s.time_zone := o.time_zone;
  s.keep_runs := coalesce(keep_runs, old.keep_runs, 100);
  s.presence := coalesce(presence, CASE s.kind WHEN 'subscriptions' THEN coalesce(old.presence, 'at_end') END);
  s.gone_after := coalesce(gone_after, CASE s.kind WHEN 'events' THEN coalesce(old.gone_after,
    o.length * CASE o.unit WHEN 'quarter' THEN 2 WHEN 'year' THEN 1 ELSE 3 END) END);
  s.segments_at := coalesce(segments_at, old.segments_at, 'start');
  -- Zero takes a limit away.
  s.top := nullif(coalesce(top, old.top), 0);
  s.list_customers := coalesce(list_customers, old.list_customers, false);
  s.suppress_below := nullif(coalesce(suppress_below, old.suppress_below), 0);
  s.purchase_model := coalesce(purchase_model, old.purchase_model);
  IF s.purchase_model IS NULL THEN
    -- A model of NULLs is none.
    s.purchase_model := NULL;
  ELSE
    -- Its unit stays when the grid changes.
    s.purchase_model.unit_days := coalesce((s.purchase_model).unit_days, retention_internal.source_unit_days(s));
  END IF;
  PERFORM retention_internal.source_check_settings(s);
  SELECT s.source, s.grid, s.gone_after, s.keep_runs, s.presence, s.segments_at, s.top, s.list_customers,
    s.suppress_below, s.purchase_model INTO new;
  PERFORM retention_internal.source_write(source, new);
  RETURN source;
END
$$;
COMMENT ON FUNCTION retention_source_set(regclass, retention_grid, interval, integer, text, text, integer, boolean,
  integer, retention_model) IS
'makes a view with the columns of a source one, or changes its settings; NULL leaves a setting as it is';

CREATE FUNCTION retention_internal.source_item(relation regclass, attribute name, alias name) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- An integer is not cast to bigint, so that an index on it serves.
  SELECT quote_ident($2)
    || CASE WHEN $3 <> 'customer' OR a.atttypid::regtype IN ('smallint', 'integer', 'bigint', 'uuid', 'text') THEN ''
      WHEN t.type = 'uuid'::regtype THEN '::uuid'
      WHEN t.type IN ('smallint', 'integer', 'bigint') THEN '::bigint'
      ELSE '::text' END
    || ' AS ' || quote_ident($3)
  FROM pg_attribute AS a, (SELECT retention_internal.source_type($1, $2) AS type) AS t
  WHERE a.attrelid = $1 AND a.attname = $2
$$;
COMMENT ON FUNCTION retention_internal.source_item(regclass, name, name) IS
'a column of a relation as a column of a source; a customer gets one of the types that aggregates take';

CREATE FUNCTION retention_internal.source_name(name text, schema name, relation regclass, replace boolean)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  words text[];
  view text;
  there regclass;
  suffix text := (SELECT l.what FROM retention_internal.source_view_list() AS l
    ORDER BY octet_length(l.what) DESC, l.what LIMIT 1);
  most integer := 62 - octet_length(suffix);
BEGIN
  IF coalesce(name, '') = '' THEN
    PERFORM retention_internal.refuse('22023', 'a source needs a name');
  END IF;
  BEGIN
    words := parse_ident(name);
  EXCEPTION WHEN invalid_parameter_value THEN
    PERFORM retention_internal.refuse('42602', format('invalid name of a source: "%s"', name),
      hint => format('A name is made of letters, digits and underscores; in double quotes it may have others: %L.',
        quote_ident(name)));
  END;
  IF cardinality(words) > 2 THEN
    PERFORM retention_internal.refuse('42601', format('name %s of a source has too many parts', name),
      hint => 'It is a name, or a schema and a name: bi.orders.');
  END IF;
  schema := CASE cardinality(words) WHEN 2 THEN words[1] ELSE schema END;
  name := words[cardinality(words)];
  IF octet_length(name) > most THEN
    PERFORM retention_internal.refuse('42622', format('name "%s" of a source is too long', name),
      format('It has %s bytes, at most %s are allowed.', octet_length(name), most),
      format('The names of its views are this name with a suffix such as _%s, and a name has at most 63 bytes.',
        suffix));
  END IF;
  IF schema IS NULL OR NOT EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = schema) THEN
    PERFORM retention_internal.refuse('3F000',
      coalesce('schema "' || schema || '" does not exist', 'there is no schema to create the source in'),
      hint => 'Name one: schema => ''bi''.');
  END IF;
  view := format('%I.%I', schema, name);
  there := to_regclass(view);
  IF replace AND there <> relation
    AND EXISTS (SELECT FROM retention_internal.source_setting AS n WHERE n.source::oid = there::oid) THEN
    PERFORM retention_internal.check_owner(there);
  ELSIF there IS NOT NULL THEN
    PERFORM retention_internal.refuse('42P07', format('%s already exists', view), hint => CASE
      WHEN there = relation THEN 'A source is a view beside its table: give it another name, or another schema.'
      WHEN EXISTS (SELECT FROM retention_internal.source_setting AS n WHERE n.source::oid = there::oid) THEN format(
        'replace => true registers it anew, retention_source_set() changes its settings, '
        'SELECT retention_drop_source(%L) drops it.', view)
      ELSE 'Give the source another name, or another schema.' END);
  END IF;
  RETURN view;
END
$$;
COMMENT ON FUNCTION retention_internal.source_name(text, name, regclass, boolean) IS
'the name of a new source with its schema, checked; it is read as PostgreSQL reads a name. replace: a source of the '
'caller may have it';

CREATE FUNCTION retention_internal.source_check_relation(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  SELECT k.relkind, k.relpersistence INTO c FROM pg_class AS k WHERE k.oid = relation;
  IF NOT FOUND THEN
    PERFORM retention_internal.refuse('22023', 'a source needs a relation');
  END IF;
  IF c.relkind NOT IN ('r', 'p', 'v', 'm', 'f') THEN
    PERFORM retention_internal.refuse('42809', format('%s is not a table or a view', relation));
  END IF;
  IF c.relpersistence = 't' THEN
    PERFORM retention_internal.refuse('42809', format('%s is temporary: a source outlives the session', relation));
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_relation(regclass) IS
'raises an error unless a source can read a relation';

CREATE FUNCTION retention_internal.source_check_kind(kind text, given text[]) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  near text;
  argument text;
  hint text := CASE kind
    WHEN 'events' THEN 'It has customer and at, and may have event with events, segments and amount.'
    ELSE 'It has customer, started and ended, and may have segments, amount and reason.' END;
BEGIN
  IF kind IS NULL OR kind NOT IN ('subscriptions', 'events') THEN
    near := retention_internal.source_near(kind, '{subscriptions,events}');
    PERFORM retention_internal.refuse('22023',
      coalesce('unrecognized kind of source: "' || kind || '"', 'a source needs a kind'),
      hint => coalesce('Perhaps you meant "' || near || '".',
        'It is subscriptions (a row is a membership) or events (a row is something a customer did).'));
  END IF;
  SELECT u.argument INTO argument
  FROM unnest(CASE kind WHEN 'events' THEN '{customer,at}'::text[] ELSE '{customer,started,ended}' END)
    WITH ORDINALITY AS u (argument, place)
  WHERE u.argument <> ALL (given) ORDER BY u.place LIMIT 1;
  IF FOUND THEN
    PERFORM retention_internal.refuse('22023', format('a source of %s needs the column %s', kind, argument),
      hint => hint);
  END IF;
  SELECT u.argument INTO argument
  FROM unnest(CASE kind WHEN 'events' THEN '{started,ended,reason,ignore_bad_rows}'::text[]
    ELSE '{at,event,events}' END) WITH ORDINALITY AS u (argument, place)
  WHERE u.argument = ANY (given) ORDER BY u.place LIMIT 1;
  IF FOUND THEN
    PERFORM retention_internal.refuse('22023', format('a source of %s has no %s', kind, argument), hint => hint);
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_kind(text, text[]) IS
'raises an error unless a kind of source is one, and has and needs the arguments that are given';

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
  segments_at text DEFAULT 'start',
  top integer DEFAULT NULL,
  list_customers boolean DEFAULT false,
  suppress_below integer DEFAULT NULL,
  schema name DEFAULT pg_catalog.current_schema(),
  replace boolean DEFAULT false
) RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
-- The text of a filter reads the same in every session.
SET standard_conforming_strings = on AS $$
#variable_conflict use_variable
DECLARE
  view text := retention_internal.source_name(name, schema, relation, replace IS TRUE);
  exists_already constant boolean := to_regclass(view) IS NOT NULL;
  -- The arguments that name a column, and what that has to be.
  arguments constant text[] := '{customer,at,event,started,ended,reason,amount}';
  columns constant name[] := ARRAY[customer, at, event, started, ended, reason, amount];
  wanted constant text[] := '{customer,time,name,time,time,name,number}';
  hidden name;
  items text;
  conditions text[];
BEGIN
  IF grid IS NULL THEN
    PERFORM retention_internal.refuse('22023', 'a source needs a grid');
  END IF;
  PERFORM retention_internal.source_check_relation(relation);
  PERFORM retention_internal.source_check_kind(kind,
    ARRAY(SELECT u.argument FROM unnest(arguments, columns) AS u (argument, attribute) WHERE u.attribute IS NOT NULL)
    || CASE WHEN events IS NOT NULL THEN '{events}'::text[] END
    || CASE WHEN ignore_bad_rows THEN '{ignore_bad_rows}'::text[] END);
  IF (event IS NULL) <> (events IS NULL) OR events = '{}' OR array_position(events, NULL) IS NOT NULL THEN
    PERFORM retention_internal.refuse('22023',
      'event names a column and events the values of it that count: one needs the other',
      hint => 'For example event => ''name'', events => ''{order,renewal}''. Without both every row counts.');
  END IF;

  PERFORM retention_internal.source_check_column(relation, u.argument, u.attribute, u.wanted)
  FROM unnest(arguments, columns, wanted) WITH ORDINALITY AS u (argument, attribute, wanted, place)
  WHERE u.attribute IS NOT NULL ORDER BY u.place;
  segments := coalesce(segments, '{}');
  FOR n IN 1 .. cardinality(segments) LOOP
    IF segments[n] IS NULL OR array_position(segments, segments[n]) < n THEN
      PERFORM retention_internal.refuse('22023',
        coalesce('segment "' || segments[n] || '" is given twice', 'a segment must not be null'));
    END IF;
    PERFORM retention_internal.source_check_segment(relation, segments[n]);
  END LOOP;
  SELECT c.c INTO hidden FROM unnest(columns || segments) AS c (c)
  WHERE NOT has_column_privilege(relation, c.c, 'SELECT') LIMIT 1;
  IF FOUND THEN
    PERFORM retention_internal.refuse('42501', format('permission denied for column %I of %s', hidden, relation));
  END IF;
  PERFORM retention_internal.source_check_text('filter', filter, relation);
  PERFORM retention_internal.source_check_text('as_of', as_of);

  -- A line feed ends a comment that a user's SQL may end with.
  items := concat_ws(', ',
    (SELECT string_agg(retention_internal.source_item(relation, u.attribute, u.alias), ', ' ORDER BY u.place)
     FROM unnest(ARRAY[customer, at, started, ended, amount, reason],
       '{customer,at,started,ended,amount,reason}'::name[]) WITH ORDINALITY AS u (attribute, alias, place)
     WHERE u.attribute IS NOT NULL),
    '(SELECT (' || as_of || E'\n)) AS as_of',
    (SELECT string_agg(quote_ident(u.segment), ', ' ORDER BY u.place)
     FROM unnest(segments) WITH ORDINALITY AS u (segment, place)));
  conditions := array_remove(ARRAY[
    quote_ident(event)
      || CASE WHEN retention_internal.source_type(relation, event) IN ('text', 'varchar') THEN '' ELSE '::text' END
      || ' = ANY (' || quote_literal(events::text) || ')',
    '(' || filter || E'\n)',
    CASE WHEN ignore_bad_rows THEN format('NOT coalesce(%I < %I, false)', ended, started) END], NULL);
  -- A view that is replaced keeps its privileges, and the views that read it.
  BEGIN
    EXECUTE format('CREATE %s %s WITH (security_invoker = true) AS SELECT %s FROM %s',
      CASE WHEN exists_already THEN 'OR REPLACE VIEW' ELSE 'VIEW' END, view, items, relation)
      || coalesce(' WHERE ' || nullif(array_to_string(conditions, ' AND '), ''), '');
  EXCEPTION WHEN invalid_table_definition THEN
    PERFORM retention_internal.refuse('42P16', format('source %s cannot be replaced: %s', view, SQLERRM),
      hint => format('SELECT retention_drop_source(%L) first.', view));
  END;
  IF as_of IS NULL AND (SELECT g.latest_time FROM retention_internal.guess_columns(relation) AS g
      WHERE g.name = ended) > localtimestamp THEN
    RAISE NOTICE USING MESSAGE = format('column %I of %s reaches into the future: periods until then count as known',
        ended, relation),
      HINT = 'A planned end is not known yet. Drop the source and make it with as_of => ''now()''.';
  END IF;
  -- Of a source that is replaced, what is NULL stays: a call that says nothing of small counts does not show them.
  PERFORM @extschema@.retention_source_set(to_regclass(view), grid, gone_after, keep_runs, presence, segments_at, top,
    list_customers, suppress_below, NULL::@extschema@.retention_model);
  IF exists_already THEN
    -- Kept facts are those of the rows before, until a refresh: the views read the rows.
    PERFORM retention_internal.source_renew_views(retention_internal.source_find(to_regclass(view)));
  END IF;
  RETURN to_regclass(view);
END
$$;
COMMENT ON FUNCTION retention_source(text, text, regclass, name, name, name, name, name, text[], name[], name, name,
  retention_grid, text, text, interval, integer, text, boolean, text, integer, boolean, integer, name, boolean) IS
'registers a source: creates a view over a table of subscriptions (customer, started, ended) or events (customer, at)';

CREATE FUNCTION retention_drop_source(source regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM retention_internal.check_owner(source);
  PERFORM FROM retention_internal.source_setting AS n WHERE n.source::oid = $1::oid;
  IF NOT FOUND THEN
    PERFORM retention_internal.refuse('42704', format('%s is not a source', source),
      hint => 'The view retention_sources lists the sources.');
  END IF;
  IF (retention_internal.facts_kept(source)).state IS NOT NULL THEN
    PERFORM retention_internal.refuse('55006', format('source %s is materialised', source),
      hint => format('SELECT retention_unmaterialize(%L) first.', source));
  END IF;
  PERFORM @extschema@.retention_drop_views(source);
  PERFORM retention_internal.source_forget(source);
  EXECUTE format('DROP VIEW %s', source);
END
$$;
COMMENT ON FUNCTION retention_drop_source(regclass) IS
'drops a source: its views, its settings and the view that it is';
