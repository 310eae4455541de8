-- source: the views that a BI tool reads, plain SQL over the view of a source or over its kept facts. Each line of
-- source_view_list() is one of them; the function that it names writes the query (views_cohorts.sql, views_flow.sql and
-- others of this folder), views_words.sql has the comments of the columns. retention_create_views() creates them all.

CREATE FUNCTION retention_internal.source_view_list() RETURNS TABLE (what text, writer text, words text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
  VALUES
  ('flow', 'source_flow_view', 'customers at the start, gained, reactivated, lost and at the end, one row per period'),
  ('cohorts', 'source_cells_view', 'cohorts by the period of the first start, one row per cohort and period'),
  ('curve', 'source_cells_view',
    'the retention curve of all cohorts together, one row per period since the start'),
  ('lifecycle', 'source_cells_view',
    'active customers: new, retained, resurrected, gone dormant, one row per period'),
  ('stickiness', 'source_cells_view', 'in how many periods customers were active'),
  ('flow_by_segment', 'source_flow_by_segment_view',
    'the flow of the customers of each value of a segment, one row per value and period'),
  ('cohorts_by_segment', 'source_cells_by_segment_view',
    'cohorts of the customers of each value of a segment, one row per value, cohort and period'),
  ('curve_by_segment', 'source_cells_by_segment_view',
    'the retention curve of the customers of each value of a segment, one row per value and period since the start'),
  ('lifecycle_by_segment', 'source_cells_by_segment_view',
    'active customers of each value of a segment, one row per value and period'),
  ('customers', 'source_customers_view', 'persons: one row per customer, with what is known of them'),
  ('value', 'source_value_view', 'repeat purchases, order values and revenue of all customers, one row'),
  ('cohort_value', 'source_value_view',
    'what cohorts have spent: by period, so far, for each customer; one row per cohort and period'),
  ('value_by_segment', 'source_value_view',
    'repeat purchases, order values and revenue of the customers of each value of a segment'),
  ('cohort_value_by_segment', 'source_value_view',
    'what cohorts of the customers of each value of a segment have spent, one row per value, cohort and period'),
  ('revenue', 'source_revenue_view',
    'recurring revenue and its movements, one row per currency and period'),
  ('revenue_by_segment', 'source_revenue_view',
    'the recurring revenue of the customers of each value of a segment, one row per value, currency and period'),
  ('cohort_customers', 'source_cohort_customers_view',
    'persons: the customers in each cell of cohorts and cohorts_by_segment, one row per cell and customer'),
  ('movements', 'source_movements_view',
    'persons: the customers in each period of flow and flow_by_segment, one row per period and customer'),
  ('segments', 'source_segments_view',
    'retention of the last complete period, one row per value of each segment, against the rest'),
  ('survival', 'source_survival_view',
    'how long customers stay the first time, one row per segment, value and time'),
  ('forecast', 'source_forecast_view',
    'expected: customers and revenue of the next twelve periods, where the model of them could be fitted')
$$;
COMMENT ON FUNCTION retention_internal.source_view_list() IS
'the views of a source, in the order in which they are created: the suffix of the name; the function that writes the '
'query, source_..._view(source, parts, what), which returns NULL for a source that has no such view; the comment';

CREATE TYPE retention_internal.view_parts AS (
  hours boolean,
  time_type text,
  range text,
  zone text,
  bound text,
  moved text,
  calendar text,
  kept text,
  known text,
  presence text
);
COMMENT ON TYPE retention_internal.view_parts IS
'what the queries of the views of a source have in common, as SQL text';
COMMENT ON COLUMN retention_internal.view_parts.hours IS 'whether the grid is one of hours';
COMMENT ON COLUMN retention_internal.view_parts.time_type IS
'the type of a membership: wall-clock times of the grid for events, the type of the columns for subscriptions';
COMMENT ON COLUMN retention_internal.view_parts.range IS 'the range over that type';
COMMENT ON COLUMN retention_internal.view_parts.zone IS 'the time zone of the grid';
COMMENT ON COLUMN retention_internal.view_parts.bound IS
'after the bound of a period (a date, in a grid of hours an instant): a cast to the type of a membership';
COMMENT ON COLUMN retention_internal.view_parts.moved IS
'after a time of a membership: a cast to what lengths are counted in, wall-clock times, in a grid of hours instants';
COMMENT ON COLUMN retention_internal.view_parts.calendar IS 'the calendar periods of the grid, a constant';
COMMENT ON COLUMN retention_internal.view_parts.kept IS
'FROM and WHERE of the totals of kept facts; NULL: read the rows';
COMMENT ON COLUMN retention_internal.view_parts.known IS 'the part "known" of a WITH: as_of';
COMMENT ON COLUMN retention_internal.view_parts.presence IS 'the part "presence" of a WITH: the memberships';

CREATE FUNCTION retention_internal.source_view_parts(source retention_internal.source, as_of text)
RETURNS retention_internal.view_parts
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p retention_internal.view_parts;
BEGIN
  p.hours := (@extschema@.grid_options(source.grid)).unit = 'hour';
  p.zone := quote_literal(source.time_zone);
  p.time_type := CASE source.time_type
    WHEN 'date'::regtype THEN 'date'
    WHEN 'timestamp'::regtype THEN 'timestamp'
    ELSE CASE source.kind WHEN 'events' THEN 'timestamp' ELSE 'timestamptz' END END;
  p.range := CASE p.time_type WHEN 'date' THEN 'daterange' WHEN 'timestamp' THEN 'tsrange' ELSE 'tstzrange' END;
  p.bound := CASE
    WHEN p.time_type = 'date' OR (p.hours AND p.time_type = 'timestamptz') THEN ''
    WHEN p.hours THEN ' AT TIME ZONE ' || p.zone
    WHEN p.time_type = 'timestamp' THEN '::timestamp'
    ELSE '::timestamp AT TIME ZONE ' || p.zone END;
  p.moved := CASE WHEN p.time_type <> 'date' AND (p.time_type = 'timestamptz') <> p.hours
    THEN ' AT TIME ZONE ' || p.zone ELSE '' END;
  p.calendar := quote_literal(retention_internal.grid_calendar(source.grid)) || '::@extschema@.retention_grid';
  -- Kept facts are known until the latest row; for an earlier as_of the rows are read.
  p.kept := CASE WHEN as_of IS NULL THEN retention_internal.facts_totals(source) END;
  -- A view over kept facts depends on the source, too, and is dropped with it.
  p.known := format('known AS (SELECT %s AS as_of%s)',
    coalesce(as_of, '(SELECT t.as_of ' || p.kept || ')', retention_internal.source_as_of(source)),
    CASE WHEN p.kept IS NULL THEN '' ELSE format(', %L::regclass AS source', source.source) END);
  p.presence := format('presence AS (%s)', CASE WHEN p.kept IS NULL
    THEN retention_internal.source_presence(source, '(SELECT as_of FROM known)')
    ELSE retention_internal.facts_presence(source, '(SELECT as_of FROM known)') END);
  RETURN p;
END
$$;
COMMENT ON FUNCTION retention_internal.source_view_parts(retention_internal.source, text) IS
'what the queries of the views of a source have in common, as of a time given as SQL';

CREATE FUNCTION retention_internal.source_query(source retention_internal.source, what text, as_of text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  writer text := (SELECT l.writer FROM retention_internal.source_view_list() AS l WHERE l.what = $2);
  answer text;
BEGIN
  IF writer IS NULL THEN
    PERFORM retention_internal.refuse('22023', format('unrecognized view of a source: "%s"', what),
      hint => 'The views are ' || (SELECT string_agg(l.what, ', ') FROM retention_internal.source_view_list() AS l)
        || '.');
  END IF;
  EXECUTE format('SELECT retention_internal.%I($1, $2, $3)', writer) INTO answer
  USING source, retention_internal.source_view_parts(source, as_of), what;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION retention_internal.source_query(retention_internal.source, text, text) IS
'the query of a view of a source that hides nothing, as of a time given as SQL; NULL: a source like this has none';

CREATE FUNCTION retention_internal.source_view(source retention_internal.source, what text, as_of text DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN q.q IS NOT NULL AND $1.suppress_below IS NOT NULL
        AND EXISTS (SELECT FROM retention_internal.source_shown_columns($2))
      THEN retention_internal.source_suppressed($1, q.q, $2, $3)
    ELSE q.q END
  FROM (SELECT retention_internal.source_query($1, $2, $3)) AS q (q)
$$;
COMMENT ON FUNCTION retention_internal.source_view(retention_internal.source, text, text) IS
'the query of a view of a source, as of a time given as SQL; NULL: a source like this has none';

CREATE FUNCTION retention_internal.source_views(source regclass) RETURNS TABLE (view regclass, what text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
  SELECT v.oid::regclass, w.what
  FROM pg_class AS s
  JOIN pg_class AS v ON v.relkind = 'v' AND v.relowner = s.relowner
  JOIN retention_internal.source_view_list() AS w ON v.relname = s.relname || '_' || w.what
  WHERE s.oid = $1 AND EXISTS (
    SELECT FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid
    WHERE r.ev_class = v.oid)
  ORDER BY v.oid::regclass::text COLLATE "C"
$$;
COMMENT ON FUNCTION retention_internal.source_views(regclass) IS
'the views of a source: they read it, belong to its owner and have its name with a suffix';

CREATE FUNCTION retention_internal.source_query_columns(query text) RETURNS TABLE (attribute name, type regtype)
LANGUAGE C STABLE STRICT PARALLEL UNSAFE ROWS 20 AS 'MODULE_PATHNAME', 'source_query_columns';
COMMENT ON FUNCTION retention_internal.source_query_columns(text) IS
'the columns of a query, which is not run';

CREATE FUNCTION retention_internal.source_client_types(query text, what text) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
  -- JDBC and what builds on it take a numeric without a scale for one of scale 0, or for text. A double precision
  -- would do, too, but round() with a number of digits does not take it. 24 digits hold any rate of two amounts.
  SELECT CASE WHEN bool_or(c.inexact) THEN format(E'SELECT %s\nFROM (\n%s\n) AS v',
      string_agg(format(CASE WHEN c.inexact THEN 'v.%1$I::%2$s AS %1$I' ELSE 'v.%1$I' END, c.attribute,
        -- A small probability has many zeros. Lengths of one customer are in days.
        CASE WHEN c.attribute = 'p_value' THEN 'double precision'
          WHEN c.attribute ~ '^(days_between_|tenure$|usual_gap$)' THEN 'numeric(30, 2)'
          ELSE 'numeric(30, 6)' END), ', ' ORDER BY c.place), $1)
    ELSE $1 END
  FROM (SELECT c.attribute, c.place, c.type = 'numeric'::regtype
      AND c.attribute !~ '(^|_)(amount|mrr|revenue|cumulative|arpa|order_value)$|^per_(customer|retained)$'
      AND c.attribute IN (SELECT w.attribute FROM retention_internal.source_column_words() AS w
        WHERE coalesce($2 IN (w.what, w.what || '_by_segment'), w.attribute <> 'customer')) AS inexact
    FROM retention_internal.source_query_columns($1) WITH ORDINALITY AS c (attribute, type, place)) AS c
$$;
COMMENT ON FUNCTION retention_internal.source_client_types(text, text) IS
'the query of a view with rates, limits and lengths in a declared scale; amounts, customers and segments stay as they '
'are';

CREATE FUNCTION retention_internal.source_replace_view(view text, query text, what text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  definition text;
BEGIN
  IF query IS NULL THEN
    IF to_regclass(view) IS NOT NULL THEN
      EXECUTE 'DROP VIEW ' || view;
    END IF;
    RETURN false;
  END IF;
  definition := 'VIEW ' || view || E' WITH (security_invoker = true) AS\n'
    || retention_internal.source_client_types(query, what);
  -- To replace a view keeps its privileges and what is built on it. Where its columns have changed that cannot be.
  BEGIN
    EXECUTE 'CREATE OR REPLACE ' || definition;
  EXCEPTION WHEN invalid_table_definition THEN
    IF to_regclass(view) IS NULL THEN
      RAISE;
    END IF;
    EXECUTE 'DROP VIEW ' || view;
    EXECUTE 'CREATE ' || definition;
  END;
  RETURN true;
END
$$;
COMMENT ON FUNCTION retention_internal.source_replace_view(text, text, text) IS
'creates a view of a source or replaces its query; query NULL: drops it, and returns false';

CREATE FUNCTION retention_create_views(source regclass, schema name DEFAULT NULL)
RETURNS TABLE (view text, shows text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source;
  what text;
  there regclass;
BEGIN
  PERFORM retention_internal.check_owner(source);
  s := retention_internal.source_find(source);
  schema := coalesce(schema, (SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = source));
  PERFORM FROM pg_namespace AS n WHERE n.nspname = schema;
  IF NOT FOUND THEN
    PERFORM retention_internal.refuse('3F000', format('schema "%s" does not exist', schema));
  END IF;
  FOR what IN SELECT l.what FROM retention_internal.source_view_list() AS l LOOP
    SELECT format('%I.%I', schema, c.relname || '_' || what) INTO view FROM pg_class AS c WHERE c.oid = source;
    there := to_regclass(view);
    IF there IS NOT NULL AND there NOT IN (SELECT v.view FROM retention_internal.source_views(source) AS v) THEN
      PERFORM retention_internal.refuse('42P07', format('%s exists and is not a view of source %s', view, source),
        'A view of a source reads it and belongs to its owner.', 'Rename or drop it, or name another schema.');
    END IF;
    IF NOT retention_internal.source_replace_view(view, retention_internal.source_view(s, what), what)
    THEN
      CONTINUE;
    END IF;
    shows := retention_internal.source_view_words(what, s.presence);
    PERFORM retention_internal.source_comment_view(to_regclass(view), what, shows);
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_create_views(regclass, name) IS
'creates or renews the views of a source: plain SQL that runs with the rights of its reader';

CREATE FUNCTION retention_internal.source_renew_views(source retention_internal.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v record;
BEGIN
  FOR v IN SELECT n.view, n.what FROM retention_internal.source_views(source.source) AS n LOOP
    PERFORM retention_internal.source_replace_view(v.view::text, retention_internal.source_view(source, v.what),
      v.what);
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_internal.source_renew_views(retention_internal.source) IS
'creates the existing views of a source anew: over its kept facts, or over itself';

CREATE FUNCTION retention_drop_views(source regclass) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  views text[];
BEGIN
  PERFORM retention_internal.check_owner(source);
  views := ARRAY(SELECT v.view::text FROM retention_internal.source_views(source) AS v);
  IF views <> '{}' THEN
    EXECUTE 'DROP VIEW ' || array_to_string(views, ', ');
  END IF;
  RETURN QUERY SELECT v.view FROM unnest(views) AS v (view);
END
$$;
COMMENT ON FUNCTION retention_drop_views(regclass) IS
'drops the views of a source in every schema and returns their names';
