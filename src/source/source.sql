-- source: sources, the tables of the user said once.
-- A source holds SQL of its owner (filter, as_of) that runs as whoever asks; who may run whose is written in source_trusted().

CREATE TABLE retention_source (
    name text NOT NULL,
    owner regrole NOT NULL DEFAULT (pg_catalog.quote_ident(CURRENT_USER)::regrole),
    kind text NOT NULL,
    relation regclass NOT NULL,
    customer name NOT NULL,
    started name,
    ended name,
    at name,
    event name,
    events text[],
    segments name[] NOT NULL DEFAULT '{}',
    amount name,
    reason name,
    grid retention_grid NOT NULL DEFAULT 'month',
    filter text,
    as_of text,
    gone_after interval,
    keep_runs integer NOT NULL DEFAULT 100,
    facts regclass,
    created timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (owner, name)
);
COMMENT ON TABLE retention_source IS
'sources: which table, which columns, which grid; made by retention_source(), seen with their state in retention_sources';
COMMENT ON COLUMN retention_source.name IS 'the source is asked for by this name; its views begin with it';
COMMENT ON COLUMN retention_source.owner IS 'the role that registered it and may change it';
COMMENT ON COLUMN retention_source.kind IS 'subscriptions: a row is a time of presence; events: a row is something a customer did';
COMMENT ON COLUMN retention_source.relation IS 'the table or view with the rows';
COMMENT ON COLUMN retention_source.customer IS 'its column that says who: an integer, a uuid or a text';
COMMENT ON COLUMN retention_source.started IS 'subscriptions: its column that says since when';
COMMENT ON COLUMN retention_source.ended IS 'subscriptions: its column that says until when; NULL there: still a customer';
COMMENT ON COLUMN retention_source.at IS 'events: its column that says when';
COMMENT ON COLUMN retention_source.event IS 'events: its column that says what happened';
COMMENT ON COLUMN retention_source.events IS 'events: the values of the column event that count';
COMMENT ON COLUMN retention_source.segments IS 'its columns that customers are compared by';
COMMENT ON COLUMN retention_source.amount IS 'its column with the money';
COMMENT ON COLUMN retention_source.reason IS 'subscriptions: its column that says why they ended';
COMMENT ON COLUMN retention_source.grid IS 'how time is cut; the time zone is always written out';
COMMENT ON COLUMN retention_source.filter IS 'SQL condition over the columns of the relation: rows that meet it count';
COMMENT ON COLUMN retention_source.as_of IS 'SQL expression: until when the data are known; NULL: the latest row, itself included';
COMMENT ON COLUMN retention_source.gone_after IS 'events: how long without an event until a customer counts as gone';
COMMENT ON COLUMN retention_source.keep_runs IS 'how many runs of its report are kept';
COMMENT ON COLUMN retention_source.facts IS 'the table of kept facts, once materialised';
COMMENT ON COLUMN retention_source.created IS 'when it was registered';

SELECT pg_catalog.pg_extension_config_dump('retention_source', '');

ALTER TABLE retention_source ENABLE ROW LEVEL SECURITY;

CREATE POLICY retention_source_seen ON retention_source FOR SELECT
USING (
    pg_catalog.pg_has_role(owner, 'USAGE')
    OR pg_catalog.has_table_privilege(relation, 'SELECT')
    OR pg_catalog.has_any_column_privilege(relation, 'SELECT'));
COMMENT ON POLICY retention_source_seen ON retention_source IS
'a source is seen by its owner and by whoever may read its relation';
CREATE POLICY retention_source_made ON retention_source FOR INSERT
WITH CHECK (pg_catalog.pg_has_role(owner, 'USAGE'));
COMMENT ON POLICY retention_source_made ON retention_source IS 'a source is registered by its owner';
CREATE POLICY retention_source_changed ON retention_source FOR UPDATE
USING (pg_catalog.pg_has_role(owner, 'USAGE')) WITH CHECK (pg_catalog.pg_has_role(owner, 'USAGE'));
COMMENT ON POLICY retention_source_changed ON retention_source IS 'a source is changed by its owner';
CREATE POLICY retention_source_dropped ON retention_source FOR DELETE
USING (pg_catalog.pg_has_role(owner, 'USAGE'));
COMMENT ON POLICY retention_source_dropped ON retention_source IS 'a source is dropped by its owner';

GRANT SELECT, INSERT, UPDATE, DELETE ON retention_source TO PUBLIC;

-- Words.

CREATE FUNCTION source_near(word text, words text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
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
COMMENT ON FUNCTION source_near(text, text[]) IS
'the word of a list that somebody who wrote another one may have meant; NULL: none is near';

CREATE FUNCTION source_type(relation regclass, attribute name) RETURNS regtype
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE t AS (
        SELECT a.atttypid AS type
        FROM pg_attribute AS a
        WHERE a.attrelid = $1 AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT d.typbasetype FROM t JOIN pg_type AS d ON d.oid = t.type WHERE d.typtype = 'd'
    )
    SELECT t.type::regtype FROM t JOIN pg_type AS d ON d.oid = t.type WHERE d.typtype <> 'd'
$$;
COMMENT ON FUNCTION source_type(regclass, name) IS
'the type of a column, of a domain the type below it; NULL: no such column';

CREATE FUNCTION source_grid_option(grid retention_grid, option text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT substring($1::text FROM '; ' || $2 || '=([^;]*)') $$;
COMMENT ON FUNCTION source_grid_option(retention_grid, text) IS
'an option of a grid as text, for example time_zone; NULL: at its default';

CREATE FUNCTION source_label(source retention_source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN $1.owner = quote_ident(CURRENT_USER)::regrole THEN $1.name ELSE pg_get_userbyid($1.owner) || '.' || $1.name END $$;
COMMENT ON FUNCTION source_label(retention_source) IS
'what the caller writes to ask for a source: its name, of a source of somebody else with the owner before it';

-- Checks. Each says what is wrong with the words of the registration.

CREATE FUNCTION source_check_column(source retention_source, argument text, attribute name, wanted text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    type regtype := @extschema@.source_type(source.relation, attribute);
    category "char";
    near text;
    fits boolean;
BEGIN
    IF type IS NULL THEN
        near := @extschema@.source_near(attribute, ARRAY(
            SELECT a.attname::text FROM pg_attribute AS a
            WHERE a.attrelid = source.relation AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum));
        RAISE EXCEPTION USING ERRCODE = '42703',
            MESSAGE = format('column "%s" of relation %s does not exist', attribute, source.relation),
            DETAIL = format('It is given as %s.', argument),
            HINT = CASE WHEN near IS NOT NULL THEN format('Perhaps you meant "%s".', near)
                ELSE format('Its columns are %s.', (
                    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
                    WHERE a.attrelid = source.relation AND a.attnum > 0 AND NOT a.attisdropped)) END;
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
        WHERE a.attrelid = source.relation AND a.attname = attribute AND NOT c.collisdeterministic) THEN
        RAISE EXCEPTION USING ERRCODE = '0A000',
            MESSAGE = format('column "%s" cannot be the customer of a source: its collation is nondeterministic', attribute),
            HINT = 'A view over the table can give the column COLLATE "C".';
    END IF;
END
$$;
COMMENT ON FUNCTION source_check_column(retention_source, text, name, text) IS
'raises what is wrong with a column of a source';

CREATE FUNCTION source_check(source retention_source) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    wrong text;
    hint text;
    segment name;
    zone text := @extschema@.source_grid_option(source.grid, 'time_zone');
BEGIN
    IF coalesce(source.name, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a source needs a name';
    END IF;
    -- The longest suffix of a view is _stickiness.
    IF octet_length(source.name) > 52 THEN
        RAISE EXCEPTION USING ERRCODE = '42622',
            MESSAGE = format('name "%s" of a source is too long', source.name),
            DETAIL = format('It has %s bytes, at most 52 are allowed.', octet_length(source.name)),
            HINT = 'Its views are called by it with a suffix such as _stickiness, and a name has at most 63 bytes.';
    END IF;
    IF source.kind IS NULL OR source.kind NOT IN ('subscriptions', 'events') THEN
        hint := @extschema@.source_near(source.kind, ARRAY['subscriptions', 'events']);
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = coalesce('"' || source.kind || '" is not a kind of source', 'a source needs a kind'),
            HINT = coalesce('Perhaps you meant "' || hint || '".',
                'It is subscriptions (a row is a time of presence) or events (a row is something a customer did).');
    END IF;
    IF source.relation IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a source needs a relation';
    END IF;
    SELECT c.relkind::text INTO wrong FROM pg_class AS c WHERE c.oid = source.relation;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42P01',
            MESSAGE = format('the relation of source "%s" does not exist any more', source.name);
    END IF;
    IF wrong NOT IN ('r', 'p', 'v', 'm', 'f') THEN
        RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('%s is not a table or a view', source.relation);
    END IF;
    PERFORM FROM pg_class AS c WHERE c.oid = source.relation AND c.relpersistence = 't';
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42809',
            MESSAGE = format('%s is temporary: a source outlives the session', source.relation);
    END IF;

    -- What a kind needs, and what it has no use for.
    hint := CASE source.kind WHEN 'events' THEN 'A source of events has customer and at; event with events, segments and amount may come in addition.'
        ELSE 'A source of subscriptions has customer, started and ended; segments, amount and reason may come in addition.' END;
    wrong := CASE
        WHEN source.customer IS NULL THEN 'customer'
        WHEN source.kind = 'subscriptions' AND source.started IS NULL THEN 'started'
        WHEN source.kind = 'subscriptions' AND source.ended IS NULL THEN 'ended'
        WHEN source.kind = 'events' AND source.at IS NULL THEN 'at'
        END;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('a source of %s needs the column %s', source.kind, wrong), HINT = hint;
    END IF;
    wrong := CASE
        WHEN source.kind = 'events' THEN CASE
            WHEN source.started IS NOT NULL THEN 'started'
            WHEN source.ended IS NOT NULL THEN 'ended'
            WHEN source.reason IS NOT NULL THEN 'reason' END
        WHEN source.at IS NOT NULL THEN 'at'
        WHEN source.event IS NOT NULL THEN 'event'
        WHEN source.events IS NOT NULL THEN 'events'
        WHEN source.gone_after IS NOT NULL THEN 'gone_after'
        END;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('a source of %s has no %s', source.kind, wrong), HINT = hint;
    END IF;
    IF (source.event IS NULL) <> (source.events IS NULL) OR source.events = '{}' OR array_position(source.events, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'event names the column, events the values of it that count: one needs the other',
            HINT = 'For example event => ''name'', events => ''{order,renewal}''; leave both away and every row counts.';
    END IF;
    IF source.gone_after <= interval '0' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('gone_after must be more than nothing, not %s', source.gone_after);
    END IF;
    IF source.keep_runs IS NULL OR source.keep_runs < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('keep_runs must be at least 1, not %s', source.keep_runs);
    END IF;

    -- Columns.
    PERFORM @extschema@.source_check_column(source, 'customer', source.customer, 'customer');
    IF source.kind = 'events' THEN
        PERFORM @extschema@.source_check_column(source, 'at', source.at, 'time');
        IF source.event IS NOT NULL THEN
            PERFORM @extschema@.source_check_column(source, 'event', source.event, 'name');
        END IF;
    ELSE
        PERFORM @extschema@.source_check_column(source, 'started', source.started, 'time');
        PERFORM @extschema@.source_check_column(source, 'ended', source.ended, 'time');
        IF @extschema@.source_type(source.relation, source.started) <> @extschema@.source_type(source.relation, source.ended) THEN
            RAISE EXCEPTION USING ERRCODE = '42804',
                MESSAGE = format('started and ended of a source must have one type, not %s and %s',
                    @extschema@.source_type(source.relation, source.started), @extschema@.source_type(source.relation, source.ended)),
                HINT = 'A view over the table can cast one of them.';
        END IF;
        IF source.reason IS NOT NULL THEN
            PERFORM @extschema@.source_check_column(source, 'reason', source.reason, 'name');
        END IF;
    END IF;
    IF source.amount IS NOT NULL THEN
        PERFORM @extschema@.source_check_column(source, 'amount', source.amount, 'number');
    END IF;
    FOREACH segment IN ARRAY source.segments LOOP
        IF segment IS NULL OR array_length(array_positions(source.segments, segment), 1) > 1 THEN
            RAISE EXCEPTION USING ERRCODE = '22023',
                MESSAGE = coalesce('segment "' || segment || '" is given twice', 'a segment must not be null');
        END IF;
        IF segment IN ('customer', 'started', 'ended', 'at', 'amount', 'reason', 'all') THEN
            RAISE EXCEPTION USING ERRCODE = '22023',
                MESSAGE = format('a segment cannot be called "%s"', segment),
                DETAIL = 'Reports and views have a column or a segment of that name.',
                HINT = 'A view over the table can give the column another name.';
        END IF;
        PERFORM @extschema@.source_check_column(source, 'segment', segment, 'segment');
    END LOOP;

    -- The grid.
    IF source.grid IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a source needs a grid';
    END IF;
    IF @extschema@.source_grid_option(source.grid, 'as_of') IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'the grid of a source has no as_of',
            HINT = 'Give it to the source as an SQL expression: as_of => $$date ''2026-04-01''$$.';
    END IF;
    IF zone IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'the grid of a source has a time zone',
            HINT = 'Write it out: month; time_zone=Europe/Berlin.';
    END IF;
    -- AT TIME ZONE takes such letters for a fixed offset, the grid for a zone that changes its clocks.
    IF upper(zone) NOT IN ('UTC', 'GMT', 'ZULU') AND EXISTS (SELECT FROM pg_timezone_abbrevs AS a WHERE a.abbrev = upper(zone)) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('time zone "%s" of the grid of a source is ambiguous', zone),
            DETAIL = 'It names a zone and a fixed offset.',
            HINT = 'Write a place: time_zone=Europe/Berlin.';
    END IF;
    IF split_part(source.grid::text, ';', 1) ~ 'hour'
        AND @extschema@.source_type(source.relation, coalesce(source.at, source.started)) = 'date'::regtype THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('a grid of hours needs timestamps, column "%s" is a date', coalesce(source.at, source.started));
    END IF;
    IF split_part(source.grid::text, ';', 1) ~ 'hour' AND 24 % coalesce(substring(source.grid::text FROM '^[0-9]+')::integer, 1) <> 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('the grid of a source has hours that divide the day, not "%s"', source.grid),
            HINT = 'They are 1, 2, 3, 4, 6, 8, 12 or 24 hours.';
    END IF;
    IF source.kind = 'subscriptions' AND (@extschema@.source_grid_option(source.grid, 'windows') IS NOT NULL
        OR @extschema@.source_grid_option(source.grid, 'min_events') IS NOT NULL) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('the grid of a source of subscriptions has calendar windows and no min_events, not "%s"', source.grid),
            HINT = 'How long customers stay in their own time is told by survival.';
    END IF;
END
$body$;
COMMENT ON FUNCTION source_check(retention_source) IS
'raises what is wrong with a source as far as the catalogs tell: names, types, grid';

CREATE FUNCTION source_check_sql(source retention_source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    r record;
    said text;
    state text;
    detail text;
    hint text;
    asked text;
BEGIN
    -- Subtransactions and parallel plans do not go together, hence PARALLEL UNSAFE.
    -- Analysed and never run: the condition is false. A cursor takes one statement only, so a text that ends it and
    -- begins another is refused before anything happens; CASE takes an expression only.
    FOREACH asked IN ARRAY ARRAY['relation', 'filter', 'as_of'] LOOP
        BEGIN
            FOR r IN EXECUTE format(CASE
                WHEN asked = 'relation' THEN 'SELECT %3$s FROM %1$s WHERE false'
                WHEN asked = 'filter' AND source.filter IS NOT NULL
                    THEN E'SELECT FROM %1$s WHERE false AND CASE WHEN %2$s\n THEN true END'
                WHEN asked = 'as_of' AND source.as_of IS NOT NULL
                    THEN E'SELECT FROM (SELECT 1 WHERE false) AS a WHERE CASE WHEN false THEN %4$s\n END IS NOT NULL'
                ELSE 'SELECT' END, source.relation, source.filter,
                (SELECT string_agg(quote_ident(c), ', ') FROM unnest(ARRAY[source.customer, source.started, source.ended, source.at,
                    source.event, source.amount, source.reason] || source.segments) AS c WHERE c IS NOT NULL),
                source.as_of) LOOP
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, state = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
            IF asked = 'relation' OR state = '42501' OR state LIKE '57%' OR state LIKE '53%' THEN
                RAISE;
            END IF;
            RAISE EXCEPTION USING ERRCODE = state,
                MESSAGE = format('the %s of a source is not %s: %s', asked,
                    CASE asked WHEN 'filter' THEN 'a condition over its relation' ELSE 'an expression' END,
                    CASE WHEN said LIKE '%multi-query%' THEN 'it has more than one statement' ELSE said END),
                DETAIL = format('It is: %s', CASE asked WHEN 'filter' THEN source.filter ELSE source.as_of END),
                HINT = CASE WHEN state IN ('42883', '42704', '42P01')
                    THEN 'Names outside pg_catalog need their schema before them, so that the source means the same to everybody.'
                    ELSE coalesce(nullif(hint, ''), 'It is one SQL expression, such as '
                        || CASE asked WHEN 'filter' THEN $h$status <> 'test'.$h$ ELSE 'now().' END) END;
        END;
    END LOOP;
    IF source.as_of IS NOT NULL THEN
        PERFORM @extschema@.source_as_of_type(source);
    END IF;
END
$$;
COMMENT ON FUNCTION source_check_sql(retention_source) IS
'raises what is wrong with the SQL of a source and with the caller''s privileges on its relation; runs nothing of it';

CREATE FUNCTION source_as_of_type(source retention_source) RETURNS regtype
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    type regtype;
BEGIN
    -- The type of an expression that is not computed: the outer side of a join with nothing.
    FOR type IN EXECUTE format(
        E'SELECT pg_typeof(b.x) FROM (VALUES (1)) AS a LEFT JOIN (SELECT %s\n AS x WHERE false) AS b ON true', source.as_of) LOOP
        IF type NOT IN ('date', 'timestamp', 'timestamptz') THEN
            RAISE EXCEPTION USING ERRCODE = '42804',
                MESSAGE = format('the as_of of a source is a date or a timestamp, not %s', type),
                DETAIL = format('It is: %s', source.as_of),
                HINT = 'For example as_of => $$date ''2026-04-01''$$ or as_of => ''now()''.';
        END IF;
        RETURN type;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION source_as_of_type(retention_source) IS
'the type of the expression as_of of a source, without computing it';

CREATE FUNCTION source_trusted(source retention_source) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Who owns the relation could have its readers run SQL anyhow, by a policy or a view; so could a superuser.
    SELECT $1.owner = quote_ident(CURRENT_USER)::regrole
        OR EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = $1.owner AND r.rolsuper)
        OR EXISTS (SELECT FROM pg_class AS c WHERE c.oid = $1.relation AND c.relowner = $1.owner)
$$;
COMMENT ON FUNCTION source_trusted(retention_source) IS
'whether the caller may run a source: it is their own, or its owner is a superuser or owns the relation';

CREATE FUNCTION source_written() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unit text;
    units integer;
BEGIN
    IF new.owner IS NULL THEN
        new.owner := quote_ident(CURRENT_USER)::regrole;
    END IF;
    IF new.segments IS NULL THEN
        new.segments := '{}';
    END IF;
    -- Kept values must not depend on the session that reads them.
    IF new.grid IS NOT NULL AND @extschema@.source_grid_option(new.grid, 'time_zone') IS NULL THEN
        new.grid := (new.grid::text || '; time_zone=' || current_setting('TimeZone'))::@extschema@.retention_grid;
    END IF;
    IF new.kind = 'events' AND new.gone_after IS NULL AND new.grid IS NOT NULL THEN
        unit := rtrim(substring(split_part(new.grid::text, ';', 1) FROM '[a-z]+$'), 's');
        units := coalesce(substring(new.grid::text FROM '^[0-9]+')::integer, 1);
        new.gone_after := units * CASE unit WHEN 'quarter' THEN interval '6 months' WHEN 'year' THEN interval '1 year'
            ELSE 3 * ('1 ' || unit)::interval END;
    END IF;
    PERFORM @extschema@.source_check(new);
    -- Nobody runs, not even in the planner, what somebody else wrote: a superuser may well change a row of others.
    IF @extschema@.source_trusted(new) THEN
        PERFORM @extschema@.source_check_sql(new);
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION source_written() IS 'trigger of the table retention_source: fills in what follows, checks the rest';

-- A restore, which sets an empty search_path, takes rows as they are: their relation may be gone or not filled yet.
CREATE TRIGGER retention_source_written BEFORE INSERT OR UPDATE ON retention_source
FOR EACH ROW WHEN (pg_catalog.current_setting('search_path') <> '')
EXECUTE FUNCTION source_written();
COMMENT ON TRIGGER retention_source_written ON retention_source IS 'checks a source whatever way it is written';

-- Registration and look-up.

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
    keep_runs integer DEFAULT 100
) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM FROM @extschema@.retention_source AS s WHERE s.owner = quote_ident(CURRENT_USER)::regrole AND s.name = $1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42710',
            MESSAGE = format('source "%s" already exists', $1),
            HINT = format('SELECT retention_drop_source(%L), or UPDATE the table retention_source.', $1);
    END IF;
    INSERT INTO @extschema@.retention_source (name, kind, relation, customer, started, ended, at, event, events, segments,
        amount, reason, grid, filter, as_of, gone_after, keep_runs)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);
    RETURN $1;
END
$$;
COMMENT ON FUNCTION retention_source(text, text, regclass, name, name, name, name, name, text[], name[], name, name, retention_grid, text, text, interval, integer) IS
'registers a source: a table of subscriptions (customer, started, ended) or of events (customer, at), with a grid';

CREATE FUNCTION source_find(name text) RETURNS retention_source
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    source @extschema@.retention_source;
    owners text[];
    near text;
BEGIN
    IF $1 IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'the name of a source must not be null';
    END IF;
    SELECT s.* INTO source FROM @extschema@.retention_source AS s WHERE s.owner = quote_ident(CURRENT_USER)::regrole AND s.name = $1;
    IF NOT FOUND THEN
        SELECT array_agg(pg_get_userbyid(s.owner)::text ORDER BY pg_get_userbyid(s.owner)) INTO owners
        FROM @extschema@.retention_source AS s WHERE s.name = $1;
        IF cardinality(owners) > 1 THEN
            RAISE EXCEPTION USING ERRCODE = '42725',
                MESSAGE = format('there are several sources "%s"', $1),
                DETAIL = format('They belong to %s.', array_to_string(owners, ', ')),
                HINT = format('Write the owner before the name: %L.', owners[1] || '.' || $1);
        END IF;
        SELECT s.* INTO source FROM @extschema@.retention_source AS s
        WHERE s.name = $1 OR pg_get_userbyid(s.owner) || '.' || s.name = $1
        ORDER BY s.name = $1 DESC, s.owner
        LIMIT 1;
    END IF;
    IF source.name IS NULL THEN
        near := @extschema@.source_near($1, ARRAY(SELECT s.name FROM @extschema@.retention_source AS s ORDER BY s.name));
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('source "%s" does not exist', $1),
            HINT = coalesce('Perhaps you meant "' || near || '".',
                'The view retention_sources lists those you may see; retention_source() registers one.');
    END IF;
    PERFORM FROM pg_class AS c WHERE c.oid = source.relation;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42P01',
            MESSAGE = format('the relation of source "%s" does not exist any more', source.name),
            HINT = format('SELECT retention_drop_source(%L), and register it again.', $1);
    END IF;
    IF NOT has_any_column_privilege(source.relation, 'SELECT') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for %s', source.relation);
    END IF;
    IF NOT @extschema@.source_trusted(source) THEN
        RAISE EXCEPTION USING ERRCODE = '42501',
            MESSAGE = format('source "%s" belongs to %s, who does not own %s', source.name, source.owner, source.relation),
            DETAIL = 'A source holds SQL of its owner that would run with your privileges.',
            HINT = 'Register a source of your own: retention_source().';
    END IF;
    PERFORM @extschema@.source_check(source);
    PERFORM @extschema@.source_check_sql(source);
    RETURN source;
END
$$;
COMMENT ON FUNCTION source_find(text) IS
'the source of a name, one''s own before those of others (owner.name), checked: it exists, may be read, may be run, and fits its relation';

CREATE FUNCTION retention_drop_source(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    near text;
BEGIN
    -- One's own, or with its owner that of a role one is a member of.
    DELETE FROM @extschema@.retention_source AS s WHERE s.owner = quote_ident(CURRENT_USER)::regrole AND s.name = $1;
    IF NOT FOUND THEN
        DELETE FROM @extschema@.retention_source AS s WHERE pg_get_userbyid(s.owner) || '.' || s.name = $1;
    END IF;
    IF NOT FOUND THEN
        SELECT pg_get_userbyid(s.owner) || '.' || s.name INTO near FROM @extschema@.retention_source AS s
        WHERE $1 IN (s.name, pg_get_userbyid(s.owner) || '.' || s.name) ORDER BY 1 LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION USING ERRCODE = '42501',
                MESSAGE = format('source "%s" is not yours', $1), HINT = format('It is %s.', near);
        END IF;
        near := @extschema@.source_near($1, ARRAY(
            SELECT s.name FROM @extschema@.retention_source AS s WHERE s.owner = quote_ident(CURRENT_USER)::regrole ORDER BY s.name));
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('source "%s" does not exist', $1),
            HINT = coalesce('Perhaps you meant "' || near || '".', 'The view retention_sources lists those you may see.');
    END IF;
END
$$;
COMMENT ON FUNCTION retention_drop_source(text) IS
'forgets a source; its views, which hold plain SQL, stay until retention_drop_views()';

-- What a source is made of, as SQL text.

CREATE FUNCTION source_from(source retention_source, VARIADIC conditions text[] DEFAULT '{}') RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'FROM ' || $1.relation || coalesce(E'\nWHERE ' || string_agg(c.condition, E'\n  AND ' ORDER BY c.place), '')
    FROM unnest($2 || ARRAY[
        CASE WHEN $1.event IS NOT NULL THEN
            quote_ident($1.event) || CASE WHEN @extschema@.source_type($1.relation, $1.event) IN ('text', 'varchar') THEN '' ELSE '::text' END
            || ' = ANY (' || quote_literal($1.events::text) || ')' END,
        '(' || $1.filter || CASE WHEN strpos($1.filter, '--') > 0 THEN E'\n' ELSE '' END || ')'
        ]) WITH ORDINALITY AS c (condition, place)
    WHERE c.condition IS NOT NULL
$$;
COMMENT ON FUNCTION source_from(retention_source, text[]) IS
'FROM and WHERE of the rows of a source that count';

CREATE FUNCTION source_customer(source retention_source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT quote_ident($1.customer) || CASE
        WHEN t.type IN ('bigint', 'uuid', 'text') AND t.type = t.plain THEN ''
        WHEN t.type IN ('smallint', 'integer', 'bigint') THEN '::bigint'
        WHEN t.type = 'uuid'::regtype THEN '::uuid'
        ELSE '::text' END
    FROM (SELECT @extschema@.source_type($1.relation, $1.customer) AS type,
        (SELECT a.atttypid::regtype FROM pg_attribute AS a WHERE a.attrelid = $1.relation AND a.attname = $1.customer) AS plain) AS t
$$;
COMMENT ON FUNCTION source_customer(retention_source) IS
'the customer of a source as one of the types the aggregates take: bigint, uuid or text';

CREATE FUNCTION source_rows(source retention_source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'SELECT ' || string_agg(c.item, ', ' ORDER BY c.place) || E'\n' || @extschema@.source_from($1)
    FROM (
        SELECT 1 AS place, @extschema@.source_customer($1) || CASE WHEN @extschema@.source_customer($1) = 'customer' THEN '' ELSE ' AS customer' END AS item
        UNION ALL
        SELECT 1 + o.place, quote_ident(o.attribute) || CASE WHEN o.attribute = o.alias THEN '' ELSE ' AS ' || quote_ident(o.alias) END
        FROM unnest(ARRAY[$1.started, $1.ended, $1.at] || $1.segments || ARRAY[$1.amount, $1.reason],
            ARRAY['started', 'ended', 'at']::name[] || $1.segments || ARRAY['amount', 'reason']::name[])
            WITH ORDINALITY AS o (attribute, alias, place)
        WHERE o.attribute IS NOT NULL
    ) AS c
$$;
COMMENT ON FUNCTION source_rows(retention_source) IS
'a SELECT of the rows of a source that count: customer, started and ended or at, the segments, amount and reason where there are';

CREATE FUNCTION source_as_of(source retention_source) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    zone text := @extschema@.source_grid_option(source.grid, 'time_zone');
    type regtype;
    latest text;
BEGIN
    IF source.as_of IS NOT NULL THEN
        type := @extschema@.source_as_of_type(source);
        RETURN format(CASE WHEN type = 'timestamptz'::regtype THEN '(SELECT (%s) AT TIME ZONE %L)' ELSE '(SELECT (%s)::timestamp)' END,
            source.as_of || CASE WHEN strpos(source.as_of, '--') > 0 THEN E'\n' ELSE '' END, zone);
    END IF;
    type := @extschema@.source_type(source.relation, coalesce(source.at, source.started));
    -- NULLs and infinity are nobody's latest time.
    latest := CASE source.kind
        WHEN 'events' THEN format('max(%I)', source.at)
        ELSE format('greatest(max(%I) FILTER (WHERE isfinite(%1$I)), max(%I) FILTER (WHERE isfinite(%2$I)))', source.started, source.ended) END;
    RETURN format(CASE type
        WHEN 'date'::regtype THEN E'(SELECT (%s + 1)::timestamp\n  %s)'
        WHEN 'timestamptz'::regtype THEN E'(SELECT %s AT TIME ZONE %3$L + ''1 microsecond''\n  %2$s)'
        ELSE E'(SELECT %s + ''1 microsecond''\n  %s)' END,
        latest,
        replace(CASE source.kind
            WHEN 'events' THEN @extschema@.source_from(source, format('%I < ''infinity''', source.at), format('%I IS NOT NULL', source.customer))
            ELSE @extschema@.source_from(source, format('%I IS NOT NULL', source.started), format('%I IS NOT NULL', source.customer)) END, E'\n', E'\n  '),
        zone);
END
$$;
COMMENT ON FUNCTION source_as_of(retention_source) IS
'an SQL expression of the time until which the data of a source are known, as timestamp in the zone of its grid';

CREATE FUNCTION source_grid(source retention_source, as_of text DEFAULT NULL, plain boolean DEFAULT false) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT '(SELECT @extschema@.retention_grid(' || quote_literal(split_part($1.grid::text, ';', 1))
        || coalesce(string_agg(', ' || split_part(o.option, '=', 1) || ' => '
            || quote_literal(substr(o.option, strpos(o.option, '=') + 1)), '' ORDER BY o.place), '')
        || ', as_of => ' || coalesce($2, @extschema@.source_as_of($1)) || '))'
    FROM unnest((string_to_array($1.grid::text, '; '))[2:]) WITH ORDINALITY AS o (option, place)
    WHERE NOT $3 OR split_part(o.option, '=', 1) IN ('week_start', 'time_zone', 'origin')
$$;
COMMENT ON FUNCTION source_grid(retention_source, text, boolean) IS
'an SQL expression of the grid of a source with its as_of (or the one given, as SQL), computed once a query; plain: calendar periods only, as a flow needs';

CREATE FUNCTION source_presence(source retention_source, as_of text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
-- An interval reads the same in every session.
SET intervalstyle = 'postgres'
AS $$
DECLARE
    zone text := @extschema@.source_grid_option(source.grid, 'time_zone');
    type regtype := @extschema@.source_type(source.relation, coalesce(source.at, source.started));
    known text := coalesce(as_of, @extschema@.source_as_of(source));
    at text := CASE WHEN type = 'timestamptz'::regtype THEN '(' || quote_ident(source.at) || ' AT TIME ZONE ' || quote_literal(zone) || ')'
        ELSE quote_ident(source.at) END;
    gone text := quote_literal(source.gone_after::text);
    segments text;
    firsts text;
BEGIN
    -- A cast makes all three kinds of time comparable in the zone of the grid, whatever the session's is.
    known := CASE type
        WHEN 'date'::regtype THEN known || '::date'
        WHEN 'timestamptz'::regtype THEN CASE source.kind WHEN 'events' THEN known ELSE '(' || known || format(' AT TIME ZONE %L)', zone) END
        ELSE known END;
    SELECT coalesce(string_agg(', ' || CASE source.kind WHEN 'events' THEN 'c.' ELSE 'r.' END || quote_ident(s.segment), '' ORDER BY s.place), ''),
        coalesce(string_agg(format(E',\n    (array_agg(%I ORDER BY %s, %1$I))[1] AS %1$I', s.segment, quote_ident(source.at)), '' ORDER BY s.place), '')
    INTO segments, firsts
    FROM unnest(source.segments) WITH ORDINALITY AS s (segment, place);
    IF source.kind = 'subscriptions' THEN
        RETURN format(
            E'SELECT r.customer, r.started, CASE WHEN r.ended < k.as_of THEN r.ended END AS ended%s\n'
            'FROM (\n  %s\n) AS r, (SELECT %s AS as_of) AS k\nWHERE r.customer IS NOT NULL AND r.started < k.as_of',
            segments, replace(@extschema@.source_rows(source), E'\n', E'\n  '), known);
    END IF;
    RETURN format(
        E'SELECT c.customer, lower(s.stay) AS started, CASE WHEN upper(s.stay) < k.as_of THEN upper(s.stay) END AS ended%s\n'
        'FROM (\n  SELECT %s AS customer, range_agg(%s(%s, %s)) AS stays%s\n  %s\n  GROUP BY 1\n) AS c, unnest(c.stays) AS s (stay), (SELECT %s AS as_of) AS k\n'
        'WHERE lower(s.stay) < k.as_of',
        segments, @extschema@.source_customer(source),
        CASE type WHEN 'date'::regtype THEN 'daterange' ELSE 'tsrange' END, at,
        CASE type WHEN 'date'::regtype THEN format('(%I + interval %s)::date', source.at, gone) ELSE format('%s + interval %s', at, gone) END,
        firsts,
        replace(@extschema@.source_from(source, format('isfinite(%I)', source.at), format('%I IS NOT NULL', source.customer)), E'\n', E'\n  '),
        known);
END
$$;
COMMENT ON FUNCTION source_presence(retention_source, text) IS
'a SELECT of when customers were there: customer, started, ended (NULL: still there) and the segments; of events, stays that end gone_after after their last event';

-- What there is.

CREATE FUNCTION source_states() RETURNS TABLE (
    name text,
    owner text,
    kind text,
    relation text,
    columns text,
    segments text,
    grid retention_grid,
    filter text,
    as_of text,
    gone_after interval,
    keep_runs integer,
    state text,
    created timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.name, pg_get_userbyid(s.owner)::text, s.kind, CASE WHEN c.oid IS NOT NULL THEN s.relation::text END,
        (SELECT string_agg(o.role || ' ' || quote_ident(o.attribute), ', ' ORDER BY o.place)
         FROM unnest(ARRAY['customer', 'started', 'ended', 'at', 'event', 'amount', 'reason'],
             ARRAY[s.customer, s.started, s.ended, s.at, s.event, s.amount, s.reason]) WITH ORDINALITY AS o (role, attribute, place)
         WHERE o.attribute IS NOT NULL),
        (SELECT string_agg(quote_ident(o.segment), ', ' ORDER BY o.place) FROM unnest(s.segments) WITH ORDINALITY AS o (segment, place)),
        s.grid, s.filter, s.as_of, s.gone_after, s.keep_runs,
        CASE
            WHEN c.oid IS NULL THEN 'relation is gone'
            WHEN m.missing IS NOT NULL THEN format('column %s is gone', m.missing)
            WHEN NOT has_any_column_privilege(c.oid, 'SELECT') THEN 'not readable'
            WHEN NOT @extschema@.source_trusted(s) THEN 'not yours to run'
            WHEN s.facts IS NULL THEN 'ready'
            WHEN EXISTS (SELECT FROM pg_class AS f WHERE f.oid = s.facts) THEN 'materialised'
            ELSE 'facts are gone' END,
        s.created
    FROM @extschema@.retention_source AS s
    LEFT JOIN pg_class AS c ON c.oid = s.relation
    LEFT JOIN LATERAL (
        SELECT quote_ident(o.attribute) AS missing
        FROM unnest(ARRAY[s.customer, s.started, s.ended, s.at, s.event, s.amount, s.reason] || s.segments) WITH ORDINALITY AS o (attribute, place)
        WHERE o.attribute IS NOT NULL AND @extschema@.source_type(s.relation, o.attribute) IS NULL
        ORDER BY o.place LIMIT 1
    ) AS m ON true
    ORDER BY s.name, 2
$$;
COMMENT ON FUNCTION source_states() IS 'the rows of the view retention_sources';

-- Over a function, so that the policies are those of the reader on every version.
CREATE VIEW retention_sources AS SELECT * FROM source_states();
COMMENT ON VIEW retention_sources IS 'the sources one may see, with their state: ready, materialised, or what is wrong';
COMMENT ON COLUMN retention_sources.name IS 'what to ask for';
COMMENT ON COLUMN retention_sources.owner IS 'who registered it; before the name with a dot where several have one of that name';
COMMENT ON COLUMN retention_sources.kind IS 'subscriptions or events';
COMMENT ON COLUMN retention_sources.relation IS 'the table or view with the rows';
COMMENT ON COLUMN retention_sources.columns IS 'which column is what';
COMMENT ON COLUMN retention_sources.segments IS 'the columns that customers are compared by';
COMMENT ON COLUMN retention_sources.grid IS 'how time is cut';
COMMENT ON COLUMN retention_sources.filter IS 'which rows count';
COMMENT ON COLUMN retention_sources.as_of IS 'until when the data are known; NULL: the latest row';
COMMENT ON COLUMN retention_sources.gone_after IS 'events: silence after which a customer counts as gone';
COMMENT ON COLUMN retention_sources.keep_runs IS 'how many runs of its report are kept';
COMMENT ON COLUMN retention_sources.state IS 'ready, materialised, relation is gone, column x is gone, not readable, not yours to run, facts are gone';
COMMENT ON COLUMN retention_sources.created IS 'when it was registered';
GRANT SELECT ON retention_sources TO PUBLIC;
