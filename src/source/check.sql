-- source: checks. Each raises an error that names what the user wrote, and proposes what to write instead.

CREATE FUNCTION retention_internal.source_check_column(
  relation regclass, argument text, attribute name, wanted text
) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  type regtype := retention_internal.source_type(relation, attribute);
  columns name[];
  near text;
  category "char";
  fits boolean;
BEGIN
  IF type IS NULL THEN
    columns := retention_internal.source_columns(relation);
    near := retention_internal.source_near(attribute, columns::text[]);
    PERFORM retention_internal.refuse('42703',
      format('column "%s" of relation %s does not exist', attribute, relation),
      CASE WHEN attribute <> argument THEN format('It is given as %s.', argument) END,
      CASE WHEN near IS NOT NULL THEN format('Perhaps you meant "%s".', near)
        ELSE format('Its columns are %s.', array_to_string(ARRAY(SELECT quote_ident(u.name)
          FROM unnest(columns) WITH ORDINALITY AS u (name, place) ORDER BY u.place), ', ')) END);
  END IF;
  SELECT t.typcategory INTO category FROM pg_type AS t WHERE t.oid = type;
  fits := CASE wanted
    WHEN 'customer' THEN type IN ('smallint', 'integer', 'bigint', 'uuid', 'text', 'varchar', 'bpchar')
    WHEN 'time' THEN type IN ('date', 'timestamp', 'timestamptz')
    WHEN 'name' THEN category = 'E'
      OR type IN ('text', 'varchar', 'bpchar', 'name', 'smallint', 'integer', 'bigint', 'boolean')
    WHEN 'number' THEN category = 'N' AND type::text NOT LIKE 'reg%' AND type <> 'oid'::regtype
    -- GROUP BY needs a default operator class for btree or hash.
    ELSE category NOT IN ('A', 'C', 'R') AND EXISTS (
      SELECT FROM pg_opclass AS o JOIN pg_am AS m ON m.oid = o.opcmethod
      WHERE o.opcdefault AND m.amname IN ('btree', 'hash')
        AND (o.opcintype = type OR (category = 'E' AND o.opcintype = 'anyenum'::regtype)
          OR (type IN ('varchar', 'bpchar') AND o.opcintype = 'text'::regtype)))
    END;
  IF NOT fits THEN
    PERFORM retention_internal.refuse('42804',
      format('column "%s" of type %s cannot be %s of a source', attribute, type,
        CASE argument WHEN 'segment' THEN 'a segment' ELSE format('"%s"', argument) END),
      hint => CASE wanted
        WHEN 'customer' THEN 'A customer is an integer, a uuid or a text; a view over the table can cast the column.'
        WHEN 'time' THEN CASE argument
          WHEN 'as_of' THEN 'Write it as an SQL expression of a time: as_of => $t$date ''2026-04-01''$t$.'
          ELSE 'It must be a date, a timestamp or a timestamptz; a view over the table can cast the column.' END
        WHEN 'number' THEN 'It must be a number; a view over the table can cast the column.'
        WHEN 'name' THEN 'It must be a text; a view over the table can cast the column.'
        ELSE 'Customers are grouped by it, so it must be one plain value; a view over the table can make it one.' END);
  END IF;
  IF wanted = 'customer' AND EXISTS (
    SELECT FROM pg_attribute AS a JOIN pg_collation AS c ON c.oid = a.attcollation
    WHERE a.attrelid = relation AND a.attname = attribute AND NOT c.collisdeterministic) THEN
    PERFORM retention_internal.refuse('0A000',
      format('column "%s" cannot be the customer of a source: its collation is nondeterministic', attribute),
      hint => 'A view over the table can give the column COLLATE "C".');
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_column(regclass, text, name, text) IS
'raises an error unless a column can be what it is given as: a customer, time, name, number or segment';

CREATE FUNCTION retention_internal.source_check_segment(relation regclass, segment name) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF segment IN ('customer', 'started', 'ended', 'at', 'amount', 'reason', 'as_of', 'all') THEN
    PERFORM retention_internal.refuse('22023', format('a segment cannot be called "%s"', segment),
      'Sources, reports and views have a column or a segment of that name.',
      'A view over the table can give the column another name.');
  END IF;
  PERFORM retention_internal.source_check_column(relation, 'segment', segment, 'segment');
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_segment(regclass, name) IS
'raises an error unless a column can be a segment';

CREATE FUNCTION retention_internal.source_check_grid(source retention_internal.source) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  o record := @extschema@.grid_options(source.grid);
BEGIN
  IF source.grid IS NULL THEN
    PERFORM retention_internal.refuse('22023', 'a source needs a grid');
  END IF;
  IF o.as_of IS NOT NULL THEN
    PERFORM retention_internal.refuse('22023', 'the grid of a source cannot have an as_of',
      hint => 'Give it to the source as an SQL expression: as_of => $t$date ''2026-04-01''$t$.');
  END IF;
  IF o.time_zone IS NULL THEN
    PERFORM retention_internal.refuse('22023', 'the grid of a source needs a time zone',
      hint => 'Write it out: month; time_zone=Europe/Berlin.');
  END IF;
  -- AT TIME ZONE takes such letters for a fixed offset, the grid for a zone that changes its clocks.
  IF upper(o.time_zone) NOT IN ('UTC', 'GMT', 'ZULU')
    AND EXISTS (SELECT FROM pg_timezone_abbrevs AS a WHERE a.abbrev = upper(o.time_zone)) THEN
    PERFORM retention_internal.refuse('22023',
      format('time zone "%s" of the grid of a source is ambiguous', o.time_zone),
      'It names a zone and a fixed offset.', 'Write a place: time_zone=Europe/Berlin.');
  END IF;
  IF o.unit = 'hour' AND source.time_type = 'date'::regtype THEN
    PERFORM retention_internal.refuse('22023', format('a grid of hours needs timestamps, column "%s" is a date',
      CASE source.kind WHEN 'events' THEN 'at' ELSE 'started' END));
  END IF;
  IF o.unit = 'hour' AND 24 % o.count <> 0 THEN
    PERFORM retention_internal.refuse('22023',
      format('the hours of the grid of a source must divide the day, not "%s"', source.grid),
      hint => 'They are 1, 2, 3, 4, 6, 8, 12 or 24 hours.');
  END IF;
  IF source.kind = 'subscriptions' AND (o.windows = 'elapsed' OR o.min_events > 1) THEN
    PERFORM retention_internal.refuse('22023', format('the grid of a source of subscriptions must have calendar '
        'windows and no min_events, not "%s"', source.grid),
      hint => 'survival() tells how long customers stay, counted from the start of each.');
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_grid(retention_internal.source) IS
'raises an error unless the grid of a source fits its kind and its times';

CREATE FUNCTION retention_internal.source_check_model(source retention_internal.source) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  m @extschema@.retention_model := source.purchase_model;
  unit double precision := retention_internal.source_unit_days(source);
  known boolean;
BEGIN
  IF source.kind <> 'events' THEN
    PERFORM retention_internal.refuse('22023', 'a source of subscriptions has no purchase_model',
      'Its customers leave when a membership ends, and nobody has to guess who has.');
  END IF;
  BEGIN
    known := @extschema@.p_alive(m, 0::double precision, 0::double precision, 0::double precision) IS NOT NULL;
  EXCEPTION WHEN invalid_parameter_value OR null_value_not_allowed THEN
    PERFORM retention_internal.refuse(SQLSTATE, 'purchase_model: ' || SQLERRM,
      hint => 'It is a model of purchases, as fit_purchase_model() returns it.');
  END;
  IF NOT known OR NOT coalesce(m.converged, true) THEN
    PERFORM retention_internal.refuse('22023', 'purchase_model: the fit of the model did not converge',
      'Its note: ' || m.note || '.', 'model_summary() says how a fit went. Another model may fit.');
  END IF;
  IF NOT coalesce(m.unit_days > 0 AND m.unit_days < 'infinity', true) THEN
    PERFORM retention_internal.refuse('22023', format('purchase_model: a unit of %s days is none', m.unit_days));
  END IF;
  IF m.name ILIKE 'BG/BB' AND m.unit_days <> unit THEN
    PERFORM retention_internal.refuse('22023', 'purchase_model: the model and the source have different units of time',
      format('The unit of the model is %s days, that of the source %s days.', m.unit_days, unit),
      'BG/BB counts periods: fit it on the grid of the source.');
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_model(retention_internal.source) IS
'raises an error unless the purchase model of a source is one that is known';

CREATE FUNCTION retention_internal.source_check_settings(source retention_internal.source) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  o record := @extschema@.grid_options(source.grid);
BEGIN
  PERFORM retention_internal.source_check_grid(source);
  IF source.kind = 'subscriptions' AND source.gone_after IS NOT NULL THEN
    PERFORM retention_internal.refuse('22023', 'a source of subscriptions has no gone_after',
      'Its rows say when customers end.');
  END IF;
  IF source.kind = 'events' AND coalesce(source.gone_after < o.length, true) THEN
    PERFORM retention_internal.refuse('22023', format('gone_after must be at least one period of the grid (%s), not %s',
        o.period, coalesce(source.gone_after::text, 'NULL')),
      'Customers who are active in every period would count as gone between two events.',
      CASE WHEN source.gone_after < interval '1 day'
        THEN 'Write the unit: gone_after => ''90 days''. A number alone is seconds.'
        ELSE format('Take a longer inactivity window, such as gone_after => ''%s'', or a grid of shorter periods.',
          o.length) END);
  END IF;
  IF coalesce(source.keep_runs < 1, true) THEN
    PERFORM retention_internal.refuse('22023',
      format('keep_runs must be at least 1, not %s', coalesce(source.keep_runs::text, 'NULL')));
  END IF;
  IF source.kind = 'events' AND source.presence IS NOT NULL THEN
    PERFORM retention_internal.refuse('22023', 'a source of events has no presence',
      'Its cohorts count the customers who have an event in a period.');
  END IF;
  IF source.kind = 'subscriptions' AND coalesce(source.presence NOT IN ('at_end', 'any'), true) THEN
    PERFORM retention_internal.refuse('22023',
      format('presence must be at_end or any, not %s', coalesce('"' || source.presence || '"', 'NULL')),
      hint => 'Cohorts count customers at the end of a period (at_end), or at any moment of it (any).');
  END IF;
  IF coalesce(source.segments_at NOT IN ('start', 'first', 'current'), true) THEN
    PERFORM retention_internal.refuse('22023',
      format('segments_at must be start, first or current, not %s', coalesce('"' || source.segments_at || '"', 'NULL')),
      hint => 'A customer has the value that held when what is counted began (start), that of their first row (first), '
        'or that of their latest (current).');
  END IF;
  IF source.top NOT BETWEEN 1 AND 1000 THEN
    PERFORM retention_internal.refuse('22023', format('top must be from 1 to 1000, not %s', source.top),
      hint => 'It is how many values of a segment are told apart. 0 tells all apart.');
  END IF;
  IF source.suppress_below NOT BETWEEN 2 AND 1000000 THEN
    PERFORM retention_internal.refuse('22023',
      format('suppress_below must be from 2 to 1000000, not %s', source.suppress_below),
      hint => 'Counts from 1 to one less than this are not shown. 0 shows all.');
  END IF;
  IF source.list_customers IS NULL OR (source.list_customers AND source.suppress_below IS NOT NULL) THEN
    PERFORM retention_internal.refuse('22023', CASE WHEN source.list_customers
        THEN 'a source cannot both list customers and suppress small counts'
        ELSE 'list_customers must not be null' END);
  END IF;
  IF source.purchase_model IS DISTINCT FROM NULL THEN
    PERFORM retention_internal.source_check_model(source);
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_settings(retention_internal.source) IS
'raises an error unless the settings of a source fit it';

CREATE FUNCTION retention_internal.source_check_text(
  argument text, expression text, relation regclass DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on AS $$
DECLARE
  problem text;
  state text;
  hint text;
BEGIN
  IF expression IS NULL THEN
    RETURN;
  END IF;
  BEGIN
    IF NOT retention_internal.source_is_expression(expression) THEN
      PERFORM retention_internal.refuse('42601', 'it is more than one expression');
    END IF;
    -- It is analysed only. The planner would run functions, even those of a view below.
    IF relation IS NULL THEN
      EXECUTE format(E'PREPARE retention_check AS SELECT (%s\n)', expression);
    ELSE
      EXECUTE format(E'PREPARE retention_check AS SELECT FROM %s WHERE (%s\n)', relation, expression);
    END IF;
    DEALLOCATE retention_check;
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
    IF state = '42501' OR state LIKE '57%' OR state LIKE '53%' THEN
      RAISE;
    END IF;
    PERFORM retention_internal.refuse(state,
      format('the %s of a source is not %s: %s', argument,
        CASE WHEN relation IS NULL THEN 'an expression' ELSE 'a condition over its relation' END, problem),
      format('It is: %s', expression),
      CASE WHEN state IN ('42883', '42704', '42P01')
        THEN 'Names outside pg_catalog need their schema, so that the source means the same to everybody.'
        ELSE coalesce(nullif(hint, ''), format('It must be one SQL expression, such as %s.',
          CASE WHEN relation IS NULL THEN 'now()' ELSE 'status <> ''test''' END)) END);
  END;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_text(text, text, regclass) IS
'raises an error unless a text is an expression for a source: over the columns of a relation, or over none';

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
  -- down to what makes an operator, an aggregate or a domain. To read a table runs nothing. The owner of the schema
  -- could put another view in the place of this one. Nobody but its owner can change any of these.
  WITH RECURSIVE used AS (
    (SELECT 'pg_class'::regclass::oid AS class, source::oid AS object
    UNION ALL
    SELECT 'pg_namespace'::regclass, c.relnamespace FROM pg_class AS c WHERE c.oid = source)
    UNION
    SELECT d.class, d.object
    FROM used AS u, LATERAL (
      SELECT r.refclassid AS class, r.refobjid AS object
      FROM pg_depend AS r
      WHERE u.class = 'pg_class'::regclass AND r.classid = 'pg_rewrite'::regclass
        AND r.refclassid <> 'pg_rewrite'::regclass
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
      WHERE u.class = 'pg_type'::regclass AND r.refclassid = u.class AND r.refobjid = u.object
        AND r.classid = 'pg_constraint'::regclass
      UNION ALL
      -- Columns are also read as texts.
      SELECT 'pg_type'::regclass, a.atttypid
      FROM pg_attribute AS a
      WHERE u.class = 'pg_class'::regclass AND a.attrelid = u.object AND u.object = source::oid AND a.attnum > 0
      UNION ALL
      SELECT 'pg_proc'::regclass, k.castfunc
      FROM pg_cast AS k
      WHERE u.class = 'pg_type'::regclass AND k.castsource = u.object AND k.casttarget = 'text'::regtype
        AND k.castfunc <> 0
    ) AS d
  )
  SELECT pg_describe_object(u.class, u.object, 0) AS object, o.owner INTO wrong
  FROM used AS u, LATERAL (
    SELECT c.relowner AS owner
    FROM pg_class AS c
    WHERE u.class = 'pg_class'::regclass AND c.oid = u.object AND c.relkind = 'v'
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
    SELECT t.typowner
    FROM pg_type AS t
    WHERE u.class = 'pg_type'::regclass AND t.oid = u.object AND t.typtype NOT IN ('c', 'e')
  ) AS o
  WHERE o.owner <> (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = CURRENT_USER)
    AND NOT (EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = o.owner AND r.rolsuper))
  ORDER BY u.object = source DESC, u.class, u.object
  LIMIT 1;
  IF FOUND THEN
    PERFORM retention_internal.refuse('42501',
      format('source %s would run code of role %s', source, quote_ident(pg_get_userbyid(wrong.owner))),
      format('It is made of %s, which would run with the rights of %s.', wrong.object, quote_ident(CURRENT_USER)),
      format('SET ROLE %s.', quote_ident(pg_get_userbyid(wrong.owner))));
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.source_check_trust(regclass) IS
'42501 where a superuser, or a role that bypasses row-level security, would run code of another role by reading a view';
