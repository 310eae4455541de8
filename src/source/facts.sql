-- source: the facts of a source kept in tables, one small row per customer, and brought up to date by what changed.
--
-- Four tables stand for a materialised source: _facts (one row per customer, and one per customer and value of each
-- segment), _summary (the cohorts of all of them and of each value), _changes (what statements did to the relation
-- since the last refresh, written by triggers in the transaction of the change), and a row of retention_facts. A refresh
-- empties _changes and reads the relation in one statement, so in one snapshot: a change is either in both or in none.

-- What is kept for which source.

CREATE TABLE retention_facts (
    owner regrole NOT NULL,
    name text NOT NULL,
    facts regclass NOT NULL,
    summary regclass NOT NULL,
    changes regclass NOT NULL,
    relations regclass[] NOT NULL,
    definition text NOT NULL,
    refreshed timestamptz,
    PRIMARY KEY (owner, name)
);
COMMENT ON TABLE retention_facts IS 'the tables of materialised sources; written by retention_materialize() and retention_refresh()';
COMMENT ON COLUMN retention_facts.owner IS 'the owner of the source';
COMMENT ON COLUMN retention_facts.name IS 'the name of the source';
COMMENT ON COLUMN retention_facts.facts IS 'one row per customer and part';
COMMENT ON COLUMN retention_facts.summary IS 'the parts with their cohorts: 0 is everybody, the others are values of segments';
COMMENT ON COLUMN retention_facts.changes IS 'what the triggers noted and no refresh has taken yet';
COMMENT ON COLUMN retention_facts.relations IS 'the tables with triggers: the relation and its partitions';
COMMENT ON COLUMN retention_facts.definition IS 'the source as it was when it was materialised';
COMMENT ON COLUMN retention_facts.refreshed IS 'when the last refresh began';
SELECT pg_catalog.pg_extension_config_dump('retention_facts', '');

ALTER TABLE retention_facts ENABLE ROW LEVEL SECURITY;
CREATE POLICY retention_facts_seen ON retention_facts FOR SELECT
USING (pg_catalog.pg_has_role(owner, 'USAGE') OR pg_catalog.has_table_privilege(summary, 'SELECT'));
COMMENT ON POLICY retention_facts_seen ON retention_facts IS 'seen by the owner of the source and by whoever may read the summary';
CREATE POLICY retention_facts_written ON retention_facts
USING (pg_catalog.pg_has_role(owner, 'USAGE')) WITH CHECK (pg_catalog.pg_has_role(owner, 'USAGE'));
COMMENT ON POLICY retention_facts_written ON retention_facts IS 'written by the owner of the source';
GRANT SELECT, INSERT, UPDATE, DELETE ON retention_facts TO PUBLIC;

-- Noting what changes.

CREATE FUNCTION facts_may_note(relation text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(has_any_column_privilege(r.oid, 'INSERT, UPDATE') OR has_table_privilege(r.oid, 'DELETE, TRUNCATE'), false)
    FROM (SELECT to_regclass($1)::oid AS oid) AS r
$$;
COMMENT ON FUNCTION facts_may_note(text) IS
'whether the caller may write the relation, and so note rows and not only customers to look up';

CREATE FUNCTION facts_note() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
-- Runs as the writer, whose statement must not fail for us. Arguments: the table of changes, the relation, the column
-- of the customer and the columns that are noted (the last two quoted).
DECLARE
    changes regclass := to_regclass(TG_ARGV[0]);
    relation oid := to_regclass(TG_ARGV[1]);
BEGIN
    IF changes IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('INSERT INTO %s (retention_redo) VALUES (NULL)', changes);
        RETURN NULL;
    END IF;
    -- A column was renamed, dropped or changed: a refresh has to look at everything.
    PERFORM FROM pg_attribute AS c
    WHERE c.attrelid = changes AND c.attnum > 1 AND NOT c.attisdropped AND NOT (EXISTS (
        SELECT FROM pg_attribute AS r
        WHERE r.attrelid = TG_RELID AND r.attname = c.attname AND NOT r.attisdropped
            AND r.atttypid = c.atttypid AND r.atttypmod = c.atttypmod));
    IF FOUND THEN
        EXECUTE format('INSERT INTO %s (retention_redo) VALUES (NULL)', changes);
    ELSIF TG_OP = 'INSERT' AND (has_any_column_privilege(relation, 'INSERT, UPDATE') OR has_table_privilege(relation, 'DELETE, TRUNCATE')) THEN
        -- As facts_may_note() has it, which the table of changes asks.
        EXECUTE format('INSERT INTO %s (retention_redo, %s) SELECT false, %2$s FROM new_rows WHERE %3$s IS NOT NULL',
            changes, TG_ARGV[3], TG_ARGV[2]);
    ELSIF TG_OP = 'INSERT' THEN
        EXECUTE format('INSERT INTO %s (retention_redo, %s) SELECT DISTINCT true, %2$s FROM new_rows WHERE %2$s IS NOT NULL',
            changes, TG_ARGV[2]);
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE format('INSERT INTO %s (retention_redo, %s) SELECT DISTINCT true, %2$s FROM old_rows WHERE %2$s IS NOT NULL',
            changes, TG_ARGV[2]);
    ELSE
        -- Only the customers whose rows differ in a column that counts.
        EXECUTE format($q$INSERT INTO %1$s (retention_redo, %2$s)
            SELECT DISTINCT true, d.customer FROM (
                (SELECT %2$s AS customer, ROW(%3$s)::text FROM old_rows EXCEPT ALL SELECT %2$s, ROW(%3$s)::text FROM new_rows)
                UNION ALL
                (SELECT %2$s AS customer, ROW(%3$s)::text FROM new_rows EXCEPT ALL SELECT %2$s, ROW(%3$s)::text FROM old_rows)
            ) AS d WHERE d.customer IS NOT NULL$q$, changes, TG_ARGV[2], TG_ARGV[3]);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION facts_note() IS
'trigger of the relation of a materialised source: notes what a statement inserted, and whose rows it updated or deleted';

-- The pieces.

CREATE FUNCTION facts_relations(relation regclass) RETURNS regclass[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECUretention_internal.sourceIVE r AS (
        SELECT $1::oid AS oid
        UNION
        SELECT i.inhrelid FROM r JOIN pg_inherits AS i ON i.inhparent = r.oid
    )
    SELECT array_agg(r.oid::regclass ORDER BY r.oid = $1 DESC, r.oid) FROM r
$$;
COMMENT ON FUNCTION facts_relations(regclass) IS 'a table and all its partitions or children';

CREATE FUNCTION facts_definition(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
AS $$
    SELECT ROW($1.kind, $1.customer, $1.at, $1.event, $1.events, $1.segments, $1.grid, $1.filter, $1.as_of, $1.gone_after)::text
$$;
COMMENT ON FUNCTION facts_definition(retention_internal.source) IS 'what the facts of a source depend on';

CREATE FUNCTION facts_grid(source retention_internal.source) RETURNS retention_grid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Days answer every calendar question; hours and elapsed windows need their own.
    SELECT CASE
        WHEN split_part($1.grid::text, ';', 1) ~ 'hour' OR retention_internal.source_grid_option($1.grid, 'windows') IS NOT NULL
            THEN $1.grid
        ELSE ('day; time_zone=' || retention_internal.source_grid_option($1.grid, 'time_zone')
            || coalesce('; min_events=' || retention_internal.source_grid_option($1.grid, 'min_events'), ''))::@extschema@.retention_grid
        END
$$;
COMMENT ON FUNCTION facts_grid(retention_internal.source) IS 'the grid of the kept facts of a source';

CREATE FUNCTION facts_last(source retention_internal.source, facts text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY[format('@extschema@.%s(%s)', 'first_active' || s.suffix, $2), format('@extschema@.%s(%s)', 'last_active' || s.suffix, $2)]
    FROM (SELECT CASE retention_internal.source_type($1.relation, $1.at) WHEN 'timestamptz'::regtype THEN '_at' ELSE '' END AS suffix) AS s
$$;
COMMENT ON FUNCTION facts_last(retention_internal.source, text) IS
'SQL expressions of the first and the last time in facts, of the kind in which times are ordered';

CREATE FUNCTION facts_columns(source retention_internal.source) RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    columns text[];
    said text;
BEGIN
    -- The server tells which columns a filter reads and whether it says the same of a row for ever: as an index's condition.
    IF source.filter IS NOT NULL THEN
        BEGIN
            EXECUTE format('CREATE TEMP TABLE retention_filter ON COMMIT DROP AS SELECT * FROM %s WITH NO DATA', source.relation);
            EXECUTE format(E'CREATE INDEX ON pg_temp.retention_filter ((1)) WHERE (%s\n)', source.filter);
        EXCEPTION WHEN invalid_object_definition OR feature_not_supported OR undefined_table OR undefined_column OR wrong_object_type THEN
            GET STACKED DIAGNOSTICS said = MESSAGE_TEXT;
            RAISE EXCEPTION USING ERRCODE = '0A000',
                MESSAGE = format('the filter of source "%s" cannot be kept up to date: %s', source.name, said),
                DETAIL = format('It is: %s', source.filter),
                HINT = 'Facts are kept of rows that count once and for all: by their own columns, without sub-selects, clocks or the name of the table.';
        END;
        SELECT array_agg(DISTINCT a.attname::text) INTO columns
        FROM pg_index AS i JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
            AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
            JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE i.indrelid = to_regclass('pg_temp.retention_filter');
        DROP TABLE pg_temp.retention_filter;
    END IF;
    RETURN ARRAY(SELECT c.name FROM (
            SELECT DISTINCT ON (u.name) u.name, u.place
            FROM unnest(ARRAY[source.customer, source.at, source.event]::text[] || source.segments::text[] || columns)
                WITH ORDINALITY AS u (name, place)
            WHERE u.name IS NOT NULL ORDER BY u.name, u.place) AS c ORDER BY c.place);
END
$$;
COMMENT ON FUNCTION facts_columns(retention_internal.source) IS 'the columns of the relation of a source that its facts depend on; 0A000: its filter is not a matter of columns alone';

CREATE FUNCTION facts_select(source retention_internal.source, rows text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- From rows (customer, whole, at, segments) to facts by customer, then by the value of each segment. Stays are what
    -- source_presence() makes of events: from an event until gone_after after the last one without another in between.
    SELECT format(
        E'SELECT NULL::text AS segment, NULL::text AS value, b.customer, b.retention_whole AS whole, @extschema@.activity(b.at, %1$L::@extschema@.retention_grid) AS facts,\n'
        '  range_agg(%2$s(%3$s, %4$s)) FILTER (WHERE b.at IS NOT NULL) AS stays%5$s\nFROM %6$s AS b\nGROUP BY b.customer, b.retention_whole%7$s',
        @extschema@.facts_grid($1), CASE t.type WHEN 'date'::regtype THEN 'daterange' ELSE 'tsrange' END, t.at,
        CASE t.type WHEN 'date'::regtype THEN format('(%s + interval %L)::date', t.at, $1.gone_after)
            ELSE format('%s + interval %L', t.at, $1.gone_after) END,
        coalesce((SELECT string_agg(format(', (array_agg(b.%I ORDER BY b.at, b.%1$I) FILTER (WHERE b.at IS NOT NULL))[1] AS segment_%s',
            s.segment, s.place), '' ORDER BY s.place) FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)), ''),
        $2,
        coalesce((SELECT string_agg(format(
            E'\nUNION ALL\nSELECT %L, b.%I::text, b.customer, b.retention_whole AS whole, @extschema@.activity(b.at, %L::@extschema@.retention_grid), NULL%s\nFROM %s AS b\nGROUP BY b.%2$I::text, b.customer, b.retention_whole',
            s.segment, s.segment, @extschema@.facts_grid($1), repeat(', NULL', cardinality($1.segments)), $2), '' ORDER BY s.place)
            FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)), ''))
    FROM (SELECT retention_internal.source_type($1.relation, $1.at) AS type,
        CASE retention_internal.source_type($1.relation, $1.at)
            WHEN 'timestamptz'::regtype THEN format('(b.at AT TIME ZONE %L)', retention_internal.source_grid_option($1.grid, 'time_zone'))
            ELSE 'b.at' END AS at) AS t
$$;
COMMENT ON FUNCTION facts_select(retention_internal.source, text) IS 'a SELECT of the facts of the rows of a query or table';

CREATE FUNCTION facts_items(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT retention_internal.source_customer($1) || ' AS customer, ' || quote_ident($1.at) || ' AS at'
        || coalesce((SELECT string_agg(', ' || quote_ident(s.segment), '' ORDER BY s.place)
            FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)), '')
$$;
COMMENT ON FUNCTION facts_items(retention_internal.source) IS 'what is read of a row of a source for its facts';

CREATE FUNCTION facts_triggers(changes regclass, relation regclass) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FROM pg_trigger AS t
    WHERE t.tgrelid = $2 AND t.tgfoid = '@extschema@.facts_note()'::regprocedure AND t.tgenabled IN ('O', 'A')
        AND to_regclass(convert_from(substring(t.tgargs FROM 1 FOR position('\x00'::bytea IN t.tgargs) - 1), getdatabaseencoding())) = $1
$$;
COMMENT ON FUNCTION facts_triggers(regclass, regclass) IS 'how many of the four triggers of a materialised source a table has, enabled';

CREATE FUNCTION facts_watch(source retention_internal.source, changes regclass, relation regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    operation text;
    columns text;
    is_owner boolean;
BEGIN
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns
    FROM pg_attribute AS a WHERE a.attrelid = changes AND a.attnum > 1 AND NOT a.attisdropped;
    SELECT pg_has_role(c.relowner, 'USAGE') INTO is_owner FROM pg_class AS c WHERE c.oid = relation;
    FOREACH operation IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.facts_note(%L, %L, %L, %L)',
            source.name || '_' || lower(operation) || 's', operation, relation,
            CASE operation WHEN 'INSERT' THEN 'REFERENCING NEW TABLE AS new_rows' WHEN 'DELETE' THEN 'REFERENCING OLD TABLE AS old_rows'
                WHEN 'UPDATE' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows' ELSE '' END,
            changes, source.relation, quote_ident(source.customer), columns);
        -- Also where session_replication_role is replica: what a restore or a replica writes counts.
        IF is_owner THEN
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', relation, source.name || '_' || lower(operation) || 's');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION facts_watch(retention_internal.source, regclass, regclass) IS 'creates the triggers of a materialised source on a table';

CREATE FUNCTION facts_unwatch(kept retention_facts, relation regclass DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t record;
BEGIN
    -- By name: the table of changes that they name may be gone.
    FOR t IN SELECT g.tgrelid::regclass AS relation, g.tgname AS name FROM pg_trigger AS g
        WHERE g.tgfoid = '@extschema@.facts_note()'::regprocedure AND g.tgrelid = ANY (kept.relations)
            AND g.tgname IN (SELECT kept.name || s.suffix FROM unnest(ARRAY['_inserts', '_updates', '_deletes', '_truncates']) AS s (suffix))
            AND coalesce(g.tgrelid = $2, true)
        ORDER BY g.tgrelid, g.tgname
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', t.name, t.relation);
    END LOOP;
END
$$;
COMMENT ON FUNCTION facts_unwatch(retention_facts, regclass) IS 'drops the triggers of a materialised source, all of them or those on a table';

CREATE FUNCTION facts_show(source retention_internal.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
BEGIN
    FOR v IN
        SELECT c.oid::regclass AS view, w.what
        FROM unnest(ARRAY['flow', 'cohorts', 'curve', 'lifecycle', 'stickiness', 'segments', 'survival']) AS w (what)
            JOIN pg_class AS c ON c.relname = source.name || '_' || w.what
        WHERE c.relkind = 'v' AND pg_has_role(c.relowner, 'USAGE')
            AND right(obj_description(c.oid, 'pg_class'), length('; retention source ' || source.name)) = '; retention source ' || source.name
    LOOP
        EXECUTE format('CREATE %s VIEW %s WITH (security_invoker = true) AS %s', 'OR ' || 'REPLACE', v.view, retention_internal.source_view(source, v.what));
    END LOOP;
END
$$;
COMMENT ON FUNCTION facts_show(retention_internal.source) IS 'writes the existing views of a source anew, over its facts or over its relation';

-- Bringing up to date.

CREATE FUNCTION facts_stage(source retention_internal.source, kept retention_facts, news regclass[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
-- Takes the noted changes and reads the rows they ask for, in one statement. news: NULL: everything is read; else
-- tables that have become part of the relation, whose customers are looked up.
DECLARE
    log retention_internal.source := source;
    rows text;
BEGIN
    log.relation := kept.changes;
    IF to_regclass('pg_temp.retention_staged') IS NOT NULL THEN
        DROP TABLE pg_temp.retention_staged;
    END IF;
    IF to_regclass('pg_temp.retention_redone') IS NOT NULL THEN
        DROP TABLE pg_temp.retention_redone;
    END IF;
    EXECUTE format('CREATE TEMP TABLE retention_redone ON COMMIT DROP AS SELECT f.customer FROM %s AS f WITH NO DATA', kept.facts);
    rows := format('(SELECT %s, true AS retention_whole %s) AS r', @extschema@.facts_items(source),
        retention_internal.source_from(source, format('%I IS NOT NULL', source.customer)));
    EXECUTE 'CREATE TEMP TABLE retention_staged ON COMMIT DROP AS ' || @extschema@.facts_select(source, '(SELECT * FROM ' || rows || ')') || ' WITH NO DATA';

    IF news IS NULL THEN
        EXECUTE format(E'WITH taken AS (DELETE FROM %s)\nINSERT INTO pg_temp.retention_staged\n', kept.changes)
            || @extschema@.facts_select(source, '(SELECT * FROM ' || rows || ')');
    ELSE
        EXECUTE format('ANALYZE %s', kept.changes);
        EXECUTE format($q$WITH taken AS (DELETE FROM %1$s WHERE retention_redo IS NOT NULL),
redo AS MATERIALIZED (
  SELECT %2$s AS customer FROM %1$s WHERE retention_redo AND %3$I IS NOT NULL%4$s
),
redone AS (INSERT INTO pg_temp.retention_redone SELECT customer FROM redo WHERE customer IS NOT NULL GROUP BY customer),
noted AS MATERIALIZED (
  SELECT n.*
  FROM (SELECT %5$s, false AS retention_whole %6$s) AS n
  WHERE NOT EXISTS (SELECT FROM redo WHERE redo.customer = n.customer)
  UNION ALL
  SELECT r.*
  FROM (SELECT customer FROM redo WHERE customer IS NOT NULL GROUP BY customer) AS retention_redo, LATERAL (SELECT %7$s, true AS retention_whole %8$s) AS r
)
INSERT INTO pg_temp.retention_staged
%9$s$q$,
            kept.changes, retention_internal.source_customer(source), source.customer,
            (SELECT string_agg(format(E'\n  UNION ALL SELECT %s FROM ONLY %s', retention_internal.source_customer(source), n.relation), '')
                FROM unnest(news) AS n (relation)),
            @extschema@.facts_items(source),
            retention_internal.source_from(log, 'NOT retention_redo', format('%I IS NOT NULL', source.customer)),
            @extschema@.facts_items(source),
            -- The plain column, so that an index on it serves.
            retention_internal.source_from(source, format('%I = retention_redo.customer', source.customer)),
            @extschema@.facts_select(source, 'noted'));
    END IF;
    ANALYZE pg_temp.retention_staged;
    ANALYZE pg_temp.retention_redone;
END
$$;
COMMENT ON FUNCTION facts_stage(retention_internal.source, retention_facts, regclass[]) IS 'takes the noted changes of a source and reads what they ask for into temporary tables';

CREATE FUNCTION facts_fold(source retention_internal.source, kept retention_facts, everything boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
-- From the temporary tables of facts_stage() into facts and summary, which nobody else writes. Returns the customers.
DECLARE
    customers bigint;
    parted text;
    few boolean;
    joins text[];
    segments text := coalesce((SELECT string_agg(', segment_' || n, '' ORDER BY n) FROM generate_series(1, cardinality(source.segments)) AS n), '');
    chosen text;
    old_edges text[] := @extschema@.facts_last(source, 'f.facts');
    new_edges text[] := @extschema@.facts_last(source, 'n.facts');
    whole_cohorts boolean := retention_internal.source_grid_option(source.grid, 'windows') IS NOT NULL
        OR retention_internal.source_grid_option(source.grid, 'cohorts') IS NOT NULL;
    grid text := format('%L::@extschema@.retention_grid', source.grid);
    latest timestamp;
BEGIN
    EXECUTE format($q$INSERT INTO %1$s (part, segment, value)
        SELECT m.part + row_number() OVER (ORDER BY v.segment, v.value), v.segment, v.value
        FROM (SELECT DISTINCT s.segment, s.value FROM pg_temp.retention_staged AS s WHERE s.segment IS NOT NULL
                EXCEPT SELECT k.segment, k.value FROM %1$s AS k) AS v,
            (SELECT max(part) AS part FROM %1$s) AS m$q$, kept.summary);
    parted := format('SELECT k.part, s.* FROM pg_temp.retention_staged AS s JOIN %s AS k ON coalesce(k.segment, '''') = coalesce(s.segment, '''')'
        ' AND (k.part = 0) = (s.segment IS NULL) AND (k.value IS NULL) = (s.value IS NULL) AND coalesce(k.value, '''') = coalesce(s.value, '''')', kept.summary);

    IF everything THEN
        EXECUTE format('INSERT INTO %s (part, customer, facts, stays%s) SELECT n.part, n.customer, n.facts, n.stays%s FROM %s ORDER BY n.customer',
            kept.facts, segments, replace(segments, ', ', ', n.'), '(' || parted || ') AS n');
        GET DIAGNOSTICS customers = ROW_COUNT;
        IF customers > 0 THEN
            EXECUTE format('ANALYZE %s', kept.facts);
        END IF;
        EXECUTE format('SELECT count(*) FROM pg_temp.retention_staged WHERE segment IS NULL') INTO customers;
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
        FROM pg_class AS c WHERE c.oid = kept.facts;
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
            chosen, kept.facts, regexp_replace(segments, 'segment_\d+', 'NULL', 'g'));
        ANALYZE pg_temp.retention_touched;
        SELECT count(DISTINCT t.customer) INTO customers FROM pg_temp.retention_touched AS t;
        EXECUTE format('UPDATE %s AS f SET facts = t.new, stays = t.stays%s FROM pg_temp.retention_touched AS t
            WHERE f.customer = t.customer AND f.part = t.part AND t.old IS NOT NULL AND t.new IS NOT NULL', kept.facts,
            regexp_replace(segments, '(segment_\d+)', '\1 = t.\1', 'g'));
        EXECUTE format('INSERT INTO %s (part, customer, facts, stays%s) SELECT t.part, t.customer, t.new, t.stays%s FROM pg_temp.retention_touched AS t WHERE t.old IS NULL AND t.new IS NOT NULL',
            kept.facts, segments, replace(segments, ', ', ', t.'));
        EXECUTE format('DELETE FROM %s AS f USING pg_temp.retention_touched AS t WHERE f.customer = t.customer AND f.part = t.part AND t.new IS NULL', kept.facts);
        IF few THEN
            PERFORM set_config('enable_hashjoin', joins[1], true), set_config('enable_mergejoin', joins[2], true);
        END IF;
    END IF;

    IF customers = 0 AND NOT everything THEN
        RETURN 0;
    END IF;
    PERFORM retention_internal.progress(CASE WHEN kept.refreshed IS NULL THEN 'materialise' ELSE 'refresh' END, source.name, 'adding up', 4, 4);
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
            kept.facts, old_edges[1], old_edges[2], kept.summary);
        EXECUTE format($q$UPDATE %1$s AS k SET cohorts = @extschema@.cohort_replace(k.cohorts, c.old, c.new)
            FROM (SELECT t.part, @extschema@.cohort_retention(@extschema@.coarsen(t.old, %2$s)) AS old,
                    @extschema@.cohort_retention(@extschema@.coarsen(t.new, %2$s)) AS new
                FROM pg_temp.retention_touched AS t GROUP BY t.part) AS c
            WHERE c.part = k.part$q$, kept.summary, grid);
    ELSE
        -- What is complete in elapsed windows and recurring cohorts follows the latest row of all.
        IF whole_cohorts THEN
            EXECUTE format('SELECT ' || CASE retention_internal.source_type(source.relation, source.at)
                    WHEN 'date'::regtype THEN '%1$s + interval ''1 day'''
                    WHEN 'timestamptz'::regtype THEN '%1$s AT TIME ZONE %3$L + interval ''1 microsecond'''
                    ELSE '%1$s + interval ''1 microsecond''' END
                || ' FROM %2$s AS f WHERE f.part = 0 AND %1$s IS NOT NULL ORDER BY %1$s DESC LIMIT 1',
                old_edges[2], kept.facts, retention_internal.source_grid_option(source.grid, 'time_zone')) INTO latest;
            EXECUTE format('SELECT %s::text', retention_internal.source_grid(source, format('%L::timestamp', latest))) INTO grid;
            grid := format('%L::@extschema@.retention_grid', grid);
        END IF;
        EXECUTE format($q$UPDATE %1$s AS k SET cohorts = c.cohorts
            FROM %1$s AS p LEFT JOIN (
                SELECT f.part, @extschema@.cohort_retention(@extschema@.coarsen(f.facts, %2$s)) AS cohorts FROM %3$s AS f GROUP BY f.part) AS c USING (part)
            WHERE p.part = k.part$q$, kept.summary, grid, kept.facts);
    END IF;
    EXECUTE format('DELETE FROM %s WHERE part > 0 AND cohorts IS NULL', kept.summary);
    RETURN customers;
END
$$;
COMMENT ON FUNCTION facts_fold(retention_internal.source, retention_facts, boolean) IS 'folds what was staged into the facts and the summary of a source';

CREATE FUNCTION retention_internal.facts_kept(source regclass) RETURNS retention_internal.kept
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT NULL::retention_internal.kept $$;
COMMENT ON FUNCTION retention_internal.facts_kept(regclass) IS 'the tables of the kept facts of a source';

CREATE FUNCTION retention_internal.facts_state(source regclass) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN (retention_internal.facts_kept($1)).state IS NOT NULL THEN 'materialised' END $$;
COMMENT ON FUNCTION retention_internal.facts_state(regclass) IS 'the state of the kept facts of a source; NULL: it has none';

CREATE FUNCTION retention_internal.facts_totals(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'FROM ' || k.summary || ' AS s, @extschema@.cohort_totals(s.cohorts) AS t WHERE s.part = 0'
    FROM (SELECT ($1.kept).summary, ($1.kept).facts) AS k
    WHERE k.summary IS NOT NULL AND has_table_privilege(k.facts, 'SELECT') AND has_table_privilege(k.summary, 'SELECT')
$$;
COMMENT ON FUNCTION retention_internal.facts_totals(retention_internal.source) IS
'FROM and WHERE of what the kept facts of a source say of everybody; NULL: there are none to read';

CREATE FUNCTION retention_internal.facts_presence(source retention_internal.source, as_of text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format(
        'SELECT f.customer, lower(s.stay) AS started, CASE WHEN upper(s.stay) < k.as_of THEN upper(s.stay) END AS ended%s'
        ' FROM %s AS f, unnest(f.stays) AS s (stay), (SELECT %s AS as_of) AS k WHERE f.part = 0 AND lower(s.stay) < k.as_of',
        coalesce((SELECT string_agg(format(', f.segment_%s AS %I', s.place, s.segment), '' ORDER BY s.place)
            FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)), ''),
        ($1.kept).facts, $2 || CASE $1.time_type WHEN 'date'::regtype THEN '::date' ELSE '' END)
$$;
COMMENT ON FUNCTION retention_internal.facts_presence(retention_internal.source, text) IS 'source_presence(), read from kept facts';

-- What is asked for.

CREATE FUNCTION facts_mine(name text) RETURNS retention_internal.source
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    source retention_internal.source := retention_internal.source_find(name);
BEGIN
    IF NOT pg_has_role(source.owner, 'USAGE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501',
            MESSAGE = format('source "%s" belongs to %s', source.name, source.owner),
            HINT = 'Its owner keeps its facts; register a source of your own to keep yours.';
    END IF;
    IF row_security_active(source.relation) THEN
        RAISE EXCEPTION USING ERRCODE = '0A000',
            MESSAGE = format('facts of %s cannot be kept by %s', source.relation, CURRENT_USER),
            DETAIL = 'Row-level security shows this role a part of its rows only.',
            HINT = 'The views of the source read the relation itself and keep to its policies.';
    END IF;
    RETURN source;
END
$$;
COMMENT ON FUNCTION facts_mine(text) IS 'the source of a name whose facts the caller may keep';

CREATE FUNCTION retention_unmaterialize(source text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    kept @extschema@.retention_facts;
    s retention_internal.source;
    t regclass;
BEGIN
    -- The relation may be gone, so that source_find() does not serve.
    SELECT k.* INTO kept FROM @extschema@.retention_facts AS k
    WHERE pg_has_role(k.owner, 'USAGE') AND (k.name = source OR pg_get_userbyid(k.owner) || '.' || k.name = source)
    ORDER BY k.owner = quote_ident(CURRENT_USER)::regrole DESC, k.name = source DESC LIMIT 1;
    IF NOT FOUND THEN
        s := @extschema@.facts_mine(source);
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('source "%s" is not materialised', s.name), HINT = format('SELECT retention_materialize(%L).', source);
    END IF;
    SELECT r.* INTO s FROM @extschema@.retention_source AS r WHERE r.owner = kept.owner AND r.name = kept.name;
    PERFORM FROM pg_class AS c WHERE c.oid = s.relation;
    IF FOUND THEN
        UPDATE @extschema@.retention_source AS r SET facts = NULL WHERE r.owner = kept.owner AND r.name = kept.name;
        s.facts := NULL;
        PERFORM @extschema@.facts_show(s);
    ELSE
        -- There is nothing left that they could read.
        PERFORM @extschema@.retention_drop_views(kept.name);
    END IF;
    DELETE FROM @extschema@.retention_facts AS k WHERE k.owner = kept.owner AND k.name = kept.name;
    PERFORM @extschema@.facts_unwatch(kept);
    FOREACH t IN ARRAY ARRAY[kept.changes, kept.summary, kept.facts] LOOP
        PERFORM FROM pg_class AS c WHERE c.oid = t;
        IF FOUND THEN
            EXECUTE format('DROP TABLE %s', t);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION retention_unmaterialize(text) IS
'keeps the facts of a source no longer: drops their tables and triggers; its views read the relation again';

CREATE FUNCTION facts_refresh(source retention_internal.source, kept retention_facts, everything boolean, news regclass[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    rebuild boolean := everything;
    what text := CASE WHEN kept.refreshed IS NULL THEN 'materialise' ELSE 'refresh' END;
    began timestamptz := clock_timestamp();
    customers bigint;
BEGIN
    LOOP
        -- A mark that everything has to be looked at may be there, and may come in between: marks are left for the second look.
        IF NOT rebuild THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE retention_redo IS NULL)', kept.changes) INTO rebuild;
        END IF;
        PERFORM retention_internal.progress(what, source.name, CASE WHEN rebuild THEN 'reading everything' ELSE 'reading changes' END, 2, 4);
        PERFORM @extschema@.facts_stage(source, kept, CASE WHEN NOT rebuild THEN news END);
        EXIT WHEN rebuild;
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE retention_redo IS NULL)', kept.changes) INTO rebuild;
        EXIT WHEN NOT rebuild;
    END LOOP;
    IF rebuild AND kept.refreshed IS NOT NULL THEN
        EXECUTE format('DELETE FROM %s', kept.facts);
        EXECUTE format('UPDATE %s SET cohorts = NULL', kept.summary);
    END IF;
    PERFORM retention_internal.progress(what, source.name, 'folding in', 3, 4);
    customers := @extschema@.facts_fold(source, kept, rebuild);
    UPDATE @extschema@.retention_facts AS k SET refreshed = began WHERE k.owner = kept.owner AND k.name = kept.name;
    IF source.facts IS DISTINCT FROM kept.facts THEN
        -- The first time: from now on the views read the facts.
        UPDATE @extschema@.retention_source AS r SET facts = kept.facts WHERE r.owner = kept.owner AND r.name = kept.name;
        source.facts := kept.facts;
        PERFORM @extschema@.facts_show(source);
    END IF;
    PERFORM retention_internal.progress_end();
    RETURN customers;
END
$$;
COMMENT ON FUNCTION facts_refresh(retention_internal.source, retention_facts, boolean, regclass[]) IS
'brings the facts of a source up to date; everything: from all rows; news: with the customers of these tables';

CREATE FUNCTION retention_refresh(source text) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    s retention_internal.source := @extschema@.facts_mine(source);
    kept @extschema@.retention_facts;
    relations regclass[];
    news regclass[];
    lost regclass[];
    t regclass;
    everything boolean;
BEGIN
    SELECT k.* INTO kept FROM @extschema@.retention_facts AS k WHERE k.owner = s.owner AND k.name = s.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('source "%s" is not materialised', s.name), HINT = format('SELECT retention_materialize(%L).', source);
    END IF;
    FOREACH t IN ARRAY ARRAY[kept.facts, kept.summary, kept.changes] LOOP
        PERFORM FROM pg_class AS c WHERE c.oid = t;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = '55000',
                MESSAGE = format('a table of the facts of source "%s" is gone', s.name),
                HINT = format('SELECT retention_materialize(%L) to build them anew.', source);
        END IF;
    END LOOP;
    IF kept.definition <> @extschema@.facts_definition(s) THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('source "%s" has changed since its facts were kept', s.name),
            HINT = format('SELECT retention_materialize(%L) to build them anew.', source);
    END IF;
    PERFORM retention_internal.progress('refresh', s.name, 'waiting', 1, 4);
    -- Another refresh waits here; writers do not, for they only add rows. A TRUNCATE of the relation waits for us.
    SELECT k.* INTO kept FROM @extschema@.retention_facts AS k WHERE k.owner = s.owner AND k.name = s.name FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('source "%s" is not materialised any more', s.name);
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', s.relation);
    IF @extschema@.facts_triggers(kept.changes, s.relation) <> 4 THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('the triggers of source "%s" on %s are gone or disabled', s.name, s.relation),
            DETAIL = 'What was written in the meantime is not known.',
            HINT = format('SELECT retention_materialize(%L) to build its facts anew.', source);
    END IF;
    relations := @extschema@.facts_relations(s.relation);
    lost := ARRAY(SELECT k.r FROM unnest(kept.relations) AS k (r) WHERE k.r <> ALL (relations));
    news := ARRAY(SELECT k.r FROM unnest(relations) AS k (r) WHERE k.r <> ALL (kept.relations));
    IF lost <> '{}' OR news <> '{}' THEN
        -- A partition that is none any more takes its rows with it, unknown whose.
        FOREACH t IN ARRAY lost LOOP
            PERFORM FROM pg_class AS c WHERE c.oid = t;
            IF FOUND THEN
                PERFORM @extschema@.facts_unwatch(kept, t);
            END IF;
        END LOOP;
        FOREACH t IN ARRAY news LOOP
            IF @extschema@.facts_triggers(kept.changes, t) = 0 THEN
                PERFORM @extschema@.facts_watch(s, kept.changes, t);
            END IF;
        END LOOP;
        UPDATE @extschema@.retention_facts AS k SET relations = relations WHERE k.owner = s.owner AND k.name = s.name;
    END IF;
    -- Rows that a subscription brings fire no statement triggers.
    everything := lost <> '{}' OR (EXISTS (SELECT FROM pg_subscription_rel AS p WHERE p.srrelid = ANY (relations)));
    RETURN @extschema@.facts_refresh(s, kept, everything, news);
END
$$;
COMMENT ON FUNCTION retention_refresh(text) IS
'folds what was written since the last refresh into the facts of a materialised source, exactly; returns how many customers it concerned';

CREATE FUNCTION retention_materialize(source text, schema name DEFAULT NULL, build boolean DEFAULT true) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    s retention_internal.source := @extschema@.facts_mine(source);
    kept @extschema@.retention_facts;
    kind "char";
    columns text[];
    wrong text;
    t regclass;
    customers bigint;
    indexes text[];
BEGIN
    IF s.kind <> 'events' THEN
        RAISE EXCEPTION USING ERRCODE = '0A000',
            MESSAGE = format('source "%s" is not one of events', s.name),
            DETAIL = 'A row of a subscription is a fact of a customer already.';
    END IF;
    SELECT c.relkind INTO kind FROM pg_class AS c WHERE c.oid = s.relation;
    IF kind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION USING ERRCODE = '0A000',
            MESSAGE = format('%s is not a table', s.relation),
            DETAIL = 'What changes is noted by triggers on the table that is written.',
            HINT = 'Register a source over the table itself.';
    END IF;
    SELECT c.oid::regclass::text INTO wrong FROM unnest(@extschema@.facts_relations(s.relation)) AS r (oid) JOIN pg_class AS c ON c.oid = r.oid
    WHERE c.relkind NOT IN ('r', 'p') ORDER BY c.oid LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '0A000',
            MESSAGE = format('%s has a part elsewhere: %s', s.relation, wrong),
            DETAIL = 'What changes is noted by triggers on the table that is written.';
    END IF;
    IF s.as_of IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '0A000',
            MESSAGE = format('source "%s" has an as_of of its own', s.name),
            DETAIL = 'Kept facts end with the latest row.',
            HINT = 'Without as_of, a period that is not over is shown as partial.';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = '25001',
            MESSAGE = 'retention_materialize() needs a transaction with isolation level read committed',
            DETAIL = 'It must see what was written before its triggers were there.';
    END IF;
    columns := @extschema@.facts_columns(s);
    SELECT a.attname INTO wrong FROM pg_attribute AS a JOIN pg_type AS d ON d.oid = a.atttypid
    WHERE a.attrelid = s.relation AND a.attname = ANY (columns) AND d.typtype = 'd' AND d.typnotnull ORDER BY a.attnum LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '0A000',
            MESSAGE = format('the type of column "%s" does not allow NULL', wrong),
            HINT = 'Use a domain without NOT NULL, and NOT NULL on the column.';
    END IF;
    SELECT coalesce(schema, n.nspname) INTO schema FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = s.relation;
    PERFORM FROM @extschema@.retention_facts AS k WHERE k.owner = s.owner AND k.name = s.name;
    IF FOUND THEN
        PERFORM @extschema@.retention_unmaterialize(source);
        s.facts := NULL;
    END IF;

    PERFORM retention_internal.progress('materialise', s.name, 'waiting', 1, 4);
    -- The changes: a mark (NULL: look at everything; true: look up this customer; false: an inserted row) and the columns that count.
    EXECUTE format('CREATE TABLE %I.%I AS SELECT NULL::boolean AS retention_redo, %s FROM %s WITH NO DATA', schema, s.name || '_changes',
        (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.place) FROM unnest(columns) WITH ORDINALITY AS c (name, place)), s.relation);
    kept.changes := to_regclass(format('%I.%I', schema, s.name || '_changes'));
    EXECUTE format('COMMENT ON TABLE %s IS %L', kept.changes, 'what was written to ' || s.relation || ' and is not in the facts yet; retention source ' || s.name);
    EXECUTE format('COMMENT ON COLUMN %s.retention_redo IS %L', kept.changes, 'false: a row was inserted; true: rows of the customer were updated or deleted; NULL: anything');
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', kept.changes);
    EXECUTE format('CREATE POLICY noted ON %s FOR INSERT WITH CHECK (retention_redo OR (SELECT @extschema@.facts_may_note(%L)))', kept.changes, s.relation);
    -- A publication of all tables would not let rows be deleted otherwise.
    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', kept.changes);
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', kept.changes);
    EXECUTE format('GRANT INSERT ON %s TO PUBLIC', kept.changes);
    kept.relations := @extschema@.facts_relations(s.relation);
    FOREACH t IN ARRAY kept.relations LOOP
        -- From here on writers wait until we are done.
        PERFORM @extschema@.facts_watch(s, kept.changes, t);
    END LOOP;

    EXECUTE format('CREATE TABLE %I.%I (part integer PRIMARY KEY, segment text, value text, cohorts @extschema@.retention_cohorts)', schema, s.name || '_summary');
    kept.summary := to_regclass(format('%I.%I', schema, s.name || '_summary'));
    EXECUTE format('COMMENT ON TABLE %s IS %L', kept.summary, 'cohorts of everybody (part 0) and of the customers of each value of a segment; retention source ' || s.name);
    EXECUTE format('COMMENT ON COLUMN %s.part IS %L', kept.summary, '0: everybody; others: the number of a value');
    EXECUTE format('COMMENT ON COLUMN %s.segment IS %L', kept.summary, 'the column that customers are compared by; NULL: everybody');
    EXECUTE format('COMMENT ON COLUMN %s.value IS %L', kept.summary, 'what stands in that column');
    EXECUTE format('COMMENT ON COLUMN %s.cohorts IS %L', kept.summary, 'their cohorts: cohort_cells(), retention_curve(), lifecycle(), stickiness()');
    EXECUTE format('INSERT INTO %s (part) VALUES (0)', kept.summary);
    EXECUTE format('CREATE TABLE %I.%I AS SELECT 0 AS part, q.customer, q.facts, q.stays%s FROM (%s) AS q WITH NO DATA', schema, s.name || '_facts',
        coalesce((SELECT string_agg(', q.segment_' || n, '' ORDER BY n) FROM generate_series(1, cardinality(s.segments)) AS n), ''),
        @extschema@.facts_select(s, format('(SELECT %s, true AS retention_whole %s)', @extschema@.facts_items(s), retention_internal.source_from(s))));
    kept.facts := to_regclass(format('%I.%I', schema, s.name || '_facts'));
    EXECUTE format('COMMENT ON TABLE %s IS %L', kept.facts, 'facts of each customer, over all rows (part 0) and over those of each value of a segment; retention source ' || s.name);
    EXECUTE format('COMMENT ON COLUMN %s.part IS %L', kept.facts, 'as in ' || kept.summary);
    EXECUTE format('COMMENT ON COLUMN %s.customer IS %L', kept.facts, 'who');
    EXECUTE format('COMMENT ON COLUMN %s.facts IS %L', kept.facts, 'when the customer was active');
    EXECUTE format('COMMENT ON COLUMN %s.stays IS %L', kept.facts, 'from an event until ' || s.gone_after || ' after the last one without another in between; part 0 only');
    FOR customers IN SELECT generate_series(1, cardinality(s.segments)) LOOP
        EXECUTE format('COMMENT ON COLUMN %s.segment_%s IS %L', kept.facts, customers, s.segments[customers] || ' of the first event; part 0 only');
    END LOOP;
    -- No index on what changes, and room in the pages: an update then stays where it is.
    EXECUTE format('ALTER TABLE %s SET (fillfactor = 90)', kept.facts);
    indexes := ARRAY[format('ALTER TABLE %s ADD PRIMARY KEY (customer, part)', kept.facts)];
    IF s.segments <> '{}' THEN
        indexes := indexes || format('CREATE INDEX ON %s (part) WHERE part > 0', kept.facts);
    END IF;
    kept.owner := s.owner;
    kept.name := s.name;
    kept.definition := @extschema@.facts_definition(s);
    INSERT INTO @extschema@.retention_facts SELECT kept.*;
    customers := 0;
    IF build THEN
        customers := @extschema@.facts_refresh(s, kept, true, '{}');
    ELSE
        EXECUTE format('INSERT INTO %s (retention_redo) VALUES (NULL)', kept.changes);
    END IF;
    PERFORM retention_internal.progress('materialise', s.name, 'indexing', 4, 4);
    FOREACH wrong IN ARRAY indexes LOOP
        EXECUTE wrong;
    END LOOP;
    PERFORM retention_internal.progress_end();
    RETURN customers;
END
$$;
COMMENT ON FUNCTION retention_materialize(text, name, boolean) IS
'keeps the facts of a source of events in tables beside its relation; its views read them. build => false: the first refresh builds them, and no writer waits for it';
