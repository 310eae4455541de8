-- source: views that a BI tool reads, plain SQL over the tables of the user that lives on without the registration.

CREATE FUNCTION source_unit(source retention_source) RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(substring($1.grid::text FROM '^[0-9]+')::integer, 1)
        * CASE g.unit WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || g.unit)::interval END
    FROM (SELECT rtrim(substring(split_part($1.grid::text, ';', 1) FROM '[a-z]+$'), 's') AS unit) AS g
$$;
COMMENT ON FUNCTION source_unit(retention_source) IS 'one period of the grid of a source as an interval';

CREATE FUNCTION source_indent(query text, blanks integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT replace($1, E'\n', E'\n' || repeat(' ', $2)) $$;
COMMENT ON FUNCTION source_indent(text, integer) IS 'a query with its lines after the first moved to the right';

CREATE FUNCTION source_view(source retention_source, what text, as_of text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
AS $$
DECLARE
    zone text := quote_literal(@extschema@.source_grid_option(source.grid, 'time_zone'));
    hours boolean := split_part(source.grid::text, ';', 1) ~ 'hour';
    at_suffix text := CASE WHEN hours THEN '_at' ELSE '' END;
    at_column text := quote_ident(coalesce(source.at, source.started));
    column_type regtype := @extschema@.source_type(source.relation, coalesce(source.at, source.started));
    local_stays boolean := source.kind = 'events' AND column_type = 'timestamptz'::regtype;
    -- Stays of events are wall-clock times of the grid's zone; presence of subscriptions has the type of its columns.
    type text := CASE WHEN local_stays OR column_type = 'timestamp'::regtype THEN 'timestamp'
        WHEN column_type = 'date'::regtype THEN 'date' ELSE 'timestamptz' END;
    range_type text := CASE type WHEN 'date' THEN 'daterange' WHEN 'timestamp' THEN 'tsrange' ELSE 'tstzrange' END;
    -- as_of, brought to the type of presence.
    as_presence text := CASE type WHEN 'date' THEN 'as_of::date' WHEN 'timestamp' THEN 'as_of' ELSE 'as_of AT TIME ZONE ' || zone || ' AS as_of' END;
    -- A period's bound (a date, in a grid of hours an instant), brought to the type of presence.
    bound text := CASE
        WHEN type = 'date' OR (hours AND type = 'timestamptz') THEN '%s(d.period)'
        WHEN hours THEN '%s(d.period) AT TIME ZONE ' || zone
        WHEN type = 'timestamp' THEN '%s(d.period)::timestamp'
        ELSE '%s(d.period)::timestamp AT TIME ZONE ' || zone END;
    -- Presence, brought to what retention_periods() takes: days or wall-clock times, in a grid of hours instants.
    moved text := CASE WHEN (type = 'timestamptz') <> hours AND type <> 'date' THEN ' AT TIME ZONE ' || zone ELSE '' END;
    grid text := @extschema@.source_grid(source, '(SELECT as_of FROM known)');
    flow_grid text := @extschema@.source_grid(source, '(SELECT as_of FROM known)', true);
    -- Calendar periods without an as_of: a constant.
    calendar text := quote_literal((SELECT string_agg(o.option, '; ' ORDER BY o.place)
        FROM unnest(string_to_array(source.grid::text, '; ')) WITH ORDINALITY AS o (option, place)
        WHERE o.place = 1 OR split_part(o.option, '=', 1) IN ('week_start', 'time_zone', 'origin'))) || '::@extschema@.retention_grid';
    known text;
    presence text;
    summary text;
    of_customer text;
    by_segment text;
    -- Kept facts know until the latest row; of an earlier time the relation is asked.
    kept text := CASE WHEN as_of IS NULL THEN @extschema@.facts_totals(source) END;
BEGIN
    known := format($q$known AS (
  SELECT %1$s AS as_of
)$q$, @extschema@.source_indent(coalesce(as_of, '(SELECT t.as_of ' || kept || ')', @extschema@.source_as_of(source)), 2));
    presence := format($q$presence AS (
  %1$s
)$q$, @extschema@.source_indent(CASE WHEN kept IS NULL THEN @extschema@.source_presence(source, '(SELECT as_of FROM known)')
        ELSE @extschema@.facts_presence(source, '(SELECT as_of FROM known)') END, 2));

    IF what IN ('cohorts', 'curve', 'lifecycle', 'stickiness') THEN
        IF kept IS NOT NULL THEN
            summary := E'WITH summary AS (\n  SELECT s.cohorts ' || @extschema@.source_indent(kept, 2) || E'\n)\n';
        ELSIF source.kind = 'events' THEN
            summary := format($q$WITH %1$s,
event AS (
  %2$s
),
summary AS (
  SELECT @extschema@.cohort_retention(e.customer, e.at, %3$s) AS cohorts
  FROM event AS e
)
$q$, known, @extschema@.source_indent(@extschema@.source_rows(source), 2), grid);
        ELSE
            -- A customer is active in each period in which he was there; his first moment in it stands for it.
            summary := format($q$WITH %1$s,
%2$s,
active AS (
  SELECT p.customer, p.started, greatest(d.period_start%3$s, p.started) AS at
  FROM (
    SELECT customer, %11$s, coalesce(ended%4$s, (SELECT %5$s FROM known)) AS ended
    FROM presence
    WHERE isfinite(started)
  ) AS p, LATERAL @extschema@.retention_periods%6$s(%7$s, %8$s) AS d
  WHERE p.started < p.ended
),
summary AS (
  SELECT @extschema@.cohort_retention(a.customer, a.at, %9$s%10$s) AS cohorts
  FROM active AS a
)
$q$,
                known, presence,
                CASE WHEN type = 'date' OR hours THEN '' ELSE '::timestamp' END,
                moved,
                CASE WHEN type = 'date' THEN 'as_of::date' WHEN hours THEN 'as_of AT TIME ZONE ' || zone ELSE 'as_of' END,
                at_suffix, calendar,
                CASE WHEN type = 'date' OR hours THEN 'p.started, p.ended'
                    ELSE 'p.started::date, (p.ended - interval ''1 microsecond'')::date + 1' END,
                grid,
                CASE WHEN @extschema@.source_grid_option(source.grid, 'cohorts') IS NOT NULL THEN ', a.at = a.started, true' ELSE '' END,
                'started' || CASE WHEN moved = '' THEN '' ELSE moved || ' AS started' END);
        END IF;
        RETURN summary || format($q$SELECT c.*
FROM summary AS s, @extschema@.%1$s(s.cohorts) AS c$q$, CASE what
            WHEN 'cohorts' THEN 'cohort_cells' || at_suffix
            WHEN 'curve' THEN 'retention_curve'
            WHEN 'lifecycle' THEN 'lifecycle' || at_suffix
            ELSE 'stickiness' END);

    ELSIF what = 'flow' THEN
        -- From the period of the first start to beyond as_of; a period that has not begun by then gives no row.
        RETURN format($q$WITH %1$s,
span AS (
  SELECT %2$s(
    @extschema@.retention_period_start(coalesce(least(f.first, k.as_of), k.as_of), %3$s),
    %4$s) AS span
  FROM (SELECT %5$s FROM known) AS k,
    (
      SELECT %6$s AS first
      %7$s
    ) AS f
),
%8$s,
summary AS (
  SELECT @extschema@.customer_flow(p.customer, p.started, p.ended, %9$s, (SELECT span FROM span)) AS flow
  FROM presence AS p
)
SELECT f.*
FROM summary AS s, @extschema@.flow_periods%10$s(s.flow) AS f$q$,
            known, range_type, calendar,
            format(CASE type WHEN 'date' THEN '(k.as_of + interval %L)::date' ELSE 'k.as_of + interval %L' END, 2 * @extschema@.source_unit(source)),
            as_presence,
            CASE WHEN kept IS NOT NULL THEN 'max(t.first_at)' || CASE type WHEN 'date' THEN '::date' ELSE '' END
                ELSE 'min(' || at_column || ')' || CASE WHEN local_stays THEN ' AT TIME ZONE ' || zone ELSE '' END END,
            @extschema@.source_indent(CASE WHEN kept IS NOT NULL THEN kept
                ELSE @extschema@.source_from(source, 'isfinite(' || at_column || ')', quote_ident(source.customer) || ' IS NOT NULL') END, 6),
            presence, flow_grid, at_suffix);
    END IF;

    -- What a customer is: by the first row, and for the segments of a period by the row that held when it began.
    SELECT coalesce(string_agg(format(CASE what
            WHEN 'segments' THEN $q$,
    (array_agg(p.%1$I ORDER BY p.started DESC, p.%1$I) FILTER (WHERE p.started < q.starts))[1] AS %1$I$q$
            ELSE $q$,
    (array_agg(p.%1$I ORDER BY p.started, p.%1$I))[1] AS %1$I$q$ END, s.segment), '' ORDER BY s.place), ''),
        '(VALUES (''all'', ''all'')' || coalesce(string_agg(format(', (%L, c.%I::text)', s.segment, s.segment), '' ORDER BY s.place), '')
            || ') AS s (segment, value)'
    INTO of_customer, by_segment
    FROM unnest(source.segments) WITH ORDINALITY AS s (segment, place);

    IF what = 'segments' THEN
        RETURN format($q$WITH %1$s,
period AS (
  SELECT lower(d.period) AS period_start, upper(d.period) AS period_end, %2$s AS starts, %3$s AS ends
  FROM (SELECT @extschema@.retention_period%4$s(%5$s, -1, as_of AT TIME ZONE %6$s) AS period FROM known) AS d
),
%7$s,
customer AS (
  SELECT p.customer, bool_or(coalesce(p.ended >= q.ends, true)) AS at_end%8$s
  FROM presence AS p, period AS q
  WHERE p.started < q.ends AND coalesce(p.ended >= q.starts, true)
  GROUP BY p.customer
  HAVING bool_or(p.started < q.starts)
),
part AS (
  SELECT s.segment, s.value, count(*) AS at_start, count(*) FILTER (WHERE c.at_end) AS kept
  FROM customer AS c, LATERAL %9$s
  GROUP BY s.segment, s.value
),
compared AS (
  SELECT p.*, (sum(p.at_start) OVER w - p.at_start)::bigint AS rest_at_start, (sum(p.kept) OVER w - p.kept)::bigint AS rest_kept
  FROM part AS p
  WINDOW w AS (PARTITION BY p.segment)
)
SELECT c.segment, c.value, q.period_start, q.period_end, c.at_start, c.kept, c.at_start - c.kept AS lost,
  trim_scale(100 * c.kept / c.at_start::numeric) AS retention_rate, i.low AS retention_low, i.high AS retention_high,
  trim_scale(100 * (c.at_start - c.kept) / c.at_start::numeric) AS churn_rate, 100 - i.high AS churn_low, 100 - i.low AS churn_high,
  c.rest_at_start, c.rest_kept, trim_scale(100 * c.rest_kept / nullif(c.rest_at_start, 0)::numeric) AS rest_retention_rate,
  d.difference, d.low AS difference_low, d.high AS difference_high, d.p_value
FROM compared AS c, period AS q, LATERAL @extschema@.rate_interval(c.kept, c.at_start) AS i,
  LATERAL @extschema@.rate_difference(c.kept, c.at_start, c.rest_kept, c.rest_at_start) AS d
ORDER BY c.segment, c.at_start DESC, c.value$q$,
            known, format(bound, 'lower'), format(bound, 'upper'), CASE WHEN hours THEN '_tz' ELSE '' END, calendar, zone,
            presence, of_customer, by_segment);

    ELSIF what = 'survival' THEN
        -- Whole days (in a grid of hours: hours). Who left in the course of a day left at its end; who is still there was seen
        -- for the whole days that have passed.
        RETURN format($q$WITH %1$s,
%2$s,
stay AS (
  -- until when the rows before this one reach: a start beyond that comes after a gap
  SELECT p.*, max(coalesce(p.ended, 'infinity')) OVER (
    PARTITION BY p.customer ORDER BY p.started, p.ended ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
  FROM presence AS p
  WHERE isfinite(p.started) AND p.started < coalesce(p.ended, 'infinity')
),
customer AS (
  SELECT p.customer, min(p.started) AS started,
    nullif(coalesce(min(p.reached) FILTER (WHERE p.started > p.reached), max(coalesce(p.ended, 'infinity'))), 'infinity') AS ended%3$s
  FROM stay AS p
  GROUP BY p.customer
),
part AS (
  SELECT s.segment, s.value, @extschema@.survival(%4$s, c.ended IS NOT NULL) AS survival
  FROM customer AS c, (SELECT %5$s FROM known) AS k, LATERAL %6$s
  GROUP BY s.segment, s.value
)
SELECT p.segment, p.value, 0 AS %7$s, m.customers AS at_risk, 0::bigint AS churned, 0::bigint AS censored,
  100::numeric AS survival_rate, NULL::numeric AS ci_low, NULL::numeric AS ci_high
FROM part AS p, @extschema@.survival_summary(p.survival) AS m
UNION ALL
SELECT p.segment, p.value, v."time"::integer, v.at_risk::bigint, v.churned::bigint, v.censored::bigint,
  trim_scale(round((100 * v.survival)::numeric, 6)), trim_scale(round((100 * v.ci_low)::numeric, 6)),
  trim_scale(round((100 * v.ci_high)::numeric, 6))
FROM part AS p, @extschema@.survival_curve(p.survival) AS v
WHERE v."time" > 0
ORDER BY 1, 2, 3$q$,
            known, presence, of_customer,
            CASE WHEN type = 'date' THEN 'coalesce(c.ended, k.as_of) - c.started'
                ELSE format(E'CASE\n    WHEN c.ended IS NULL THEN floor(extract(epoch FROM k.as_of - c.started%1$s) / %2$s)\n'
                    '    ELSE ceil(extract(epoch FROM c.ended%1$s - c.started%1$s) / %2$s) END', moved, CASE WHEN hours THEN 3600 ELSE 86400 END) END,
            CASE WHEN type = 'date' THEN 'as_of::date' WHEN hours THEN 'as_of AT TIME ZONE ' || zone || ' AS as_of' ELSE 'as_of' END,
            by_segment, CASE WHEN hours THEN 'hours' ELSE 'days' END);
    END IF;
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('there is no view "%s" of a source', what),
        HINT = 'There are flow, cohorts, curve, lifecycle, stickiness, segments and survival.';
END
$$;
COMMENT ON FUNCTION source_view(retention_source, text, text) IS
'the SELECT behind a view of a source (flow, cohorts, curve, lifecycle, segments, survival, stickiness), as of a time given as SQL';

-- Words for people: comments are what a BI tool shows beside a column.

CREATE FUNCTION source_view_words(source retention_source, what text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE $2
        WHEN 'flow' THEN 'customers who were there, came, left and came back, one row per period'
        WHEN 'cohorts' THEN 'cohorts by the period of the first start, one row per cohort and period'
        WHEN 'curve' THEN 'the retention curve of all cohorts together, one row per period since the start'
        WHEN 'lifecycle' THEN 'active customers: new, retained, resurrected, gone dormant, one row per period'
        WHEN 'stickiness' THEN 'in how many periods customers were active'
        WHEN 'segments' THEN 'retention of the last complete period, one row per value of each segment, against the rest'
        WHEN 'survival' THEN 'how long customers stay the first time, one row per segment, value and time'
        END || '; retention source ' || $1.name
$$;
COMMENT ON FUNCTION source_view_words(retention_source, text) IS
'the comment of a view of a source; by its end the view is known again';

CREATE FUNCTION source_column_words() RETURNS TABLE (what text, attribute text, words text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 80
SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
    (NULL, 'period_start', 'first day of the period; in a grid of hours its first moment'),
    (NULL, 'period_end', 'first day after the period; in a grid of hours the first moment after it'),
    (NULL, 'status', 'observed: the period is over; partial: it has begun'),
    (NULL, 'segment', 'the column customers are compared by; all: everybody'),
    (NULL, 'value', 'what stands in that column; all: everybody'),
    (NULL, 'at_start', 'customers there when the period begins'),
    (NULL, 'kept', 'customers there when the period begins and when it ends'),
    (NULL, 'lost', 'customers there when the period begins and not when it ends'),
    (NULL, 'retention_rate', 'per cent: 100 * kept / at_start'),
    (NULL, 'retention_low', 'lower 95 % limit of retention_rate (Wilson)'),
    (NULL, 'retention_high', 'upper 95 % limit of retention_rate (Wilson)'),
    (NULL, 'churn_rate', 'per cent: 100 * lost / at_start'),
    (NULL, 'churn_low', 'lower 95 % limit of churn_rate (Wilson)'),
    (NULL, 'churn_high', 'upper 95 % limit of churn_rate (Wilson)'),
    ('flow', 'joined', 'customers whose first presence ever starts in the period'),
    ('flow', 'gained', 'there at the end, not at the start, never before'),
    ('flow', 'reactivated', 'there at the end, not at the start, but before'),
    ('flow', 'at_end', 'customers there when the period ends: at_start + gained + reactivated - lost'),
    ('flow', 'joined_and_left', 'there only in between, never before'),
    ('flow', 'reactivated_and_left', 'there only in between, and before'),
    ('flow', 'left_and_returned', 'departures followed by a return in the same period'),
    ('flow', 'departures', 'departures, of which a customer may have several'),
    ('flow', 'customer_days', 'days of presence inside the period'),
    ('cohorts', 'cohort', 'first day of the period in which the cohort started'),
    ('cohorts', 'cohort_size', 'customers who started in it'),
    (NULL, 'period', '0 for the period of the start, then 1, 2, ...; with brackets the number of the bracket'),
    (NULL, 'at_risk', 'customers for whom the period has begun'),
    (NULL, 'retained', 'those at risk who were active in it'),
    ('cohorts', 'retention_rate', 'per cent: 100 * retained / at_risk'),
    ('curve', 'retention_rate', 'per cent: 100 * retained / at_risk, over all cohorts whose period is over'),
    (NULL, 'ci_low', 'lower 95 % limit of the rate'),
    (NULL, 'ci_high', 'upper 95 % limit of the rate'),
    ('curve', 'cohorts', 'cohorts the point is made of'),
    ('lifecycle', 'active', 'customers active in the period: new + retained + resurrected'),
    ('lifecycle', 'new', 'never active before'),
    ('lifecycle', 'retained', 'active in the period before too'),
    ('lifecycle', 'resurrected', 'active before, but not in the period before'),
    ('lifecycle', 'dormant', 'active in the period before and not in this one'),
    ('stickiness', 'active_periods', 'number of periods a customer was active in'),
    ('stickiness', 'customers', 'customers who were active in so many'),
    ('stickiness', 'share', 'per cent of all customers'),
    ('segments', 'rest_at_start', 'customers of all other values there when the period begins'),
    ('segments', 'rest_kept', 'customers of all other values there when the period begins and when it ends'),
    ('segments', 'rest_retention_rate', 'per cent: 100 * rest_kept / rest_at_start'),
    ('segments', 'difference', 'retention_rate minus rest_retention_rate, in percentage points'),
    ('segments', 'difference_low', 'lower 95 % limit of the difference'),
    ('segments', 'difference_high', 'upper 95 % limit of the difference'),
    ('segments', 'p_value', 'probability (0 to 1) of a difference at least as large if there were none'),
    ('survival', 'days', 'days since the customer came'),
    ('survival', 'hours', 'hours since the customer came'),
    ('survival', 'at_risk', 'customers followed that long and still there just before'),
    ('survival', 'churned', 'those at risk who leave at that time'),
    ('survival', 'censored', 'those at risk who are still there and have not been followed longer'),
    ('survival', 'survival_rate', 'per cent of the customers who stay longer (Kaplan and Meier)')
$$;
COMMENT ON FUNCTION source_column_words() IS 'comments of the columns of views, by view and column; without a view: of all';

CREATE FUNCTION retention_create_views(source text, schema name DEFAULT pg_catalog.current_schema())
RETURNS TABLE (view text, shows text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    s @extschema@.retention_source := @extschema@.source_find(source);
    what text;
    words text;
    there regclass;
    column_name text;
    column_words text;
BEGIN
    IF schema IS NULL OR NOT EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = schema) THEN
        RAISE EXCEPTION USING ERRCODE = '3F000',
            MESSAGE = coalesce('schema "' || schema || '" does not exist', 'there is no schema to create views in'),
            HINT = 'SELECT retention_create_views(''name'', schema => ''bi'').';
    END IF;
    FOREACH what IN ARRAY ARRAY['flow', 'cohorts', 'curve', 'lifecycle', 'stickiness', 'segments', 'survival'] LOOP
        words := @extschema@.source_view_words(s, what);
        view := format('%I.%I', schema, s.name || '_' || what);
        there := to_regclass(view);
        IF there IS NOT NULL AND NOT EXISTS (
            SELECT FROM pg_class AS c WHERE c.oid = there AND c.relkind = 'v'
                AND right(obj_description(c.oid, 'pg_class'), length('; retention source ' || s.name)) = '; retention source ' || s.name) THEN
            RAISE EXCEPTION USING ERRCODE = '42P07',
                MESSAGE = format('%s exists and is not a view of source "%s"', view, s.name),
                DETAIL = 'A view of a source is known by its comment.',
                HINT = 'Rename or drop it, or name another schema.';
        END IF;
        IF (what = 'stickiness' AND s.kind <> 'events') OR (what = 'segments' AND s.segments = '{}') THEN
            IF there IS NOT NULL THEN
                EXECUTE format('DROP VIEW %s', view);
            END IF;
            CONTINUE;
        END IF;
        shows := left(words, - length('; retention source ' || s.name));
        -- Replacing keeps who may read a view and what is built on it; where its columns have changed that cannot be.
        BEGIN
            EXECUTE format(E'CREATE %s VIEW %s WITH (security_invoker = true) AS\n%s', 'OR ' || 'REPLACE', view,
                @extschema@.source_view(s, what));
        EXCEPTION WHEN invalid_table_definition THEN
            IF there IS NULL THEN
                RAISE;
            END IF;
            EXECUTE format('DROP VIEW %s', view);
            EXECUTE format(E'CREATE VIEW %s WITH (security_invoker = true) AS\n%s', view, @extschema@.source_view(s, what));
        END;
        EXECUTE format('COMMENT ON VIEW %s IS %L', view, words);
        FOR column_name, column_words IN
            SELECT a.attname, (SELECT w.words FROM @extschema@.source_column_words() AS w
                WHERE w.attribute = a.attname AND coalesce(w.what = what, true) ORDER BY w.what LIMIT 1)
            FROM pg_attribute AS a WHERE a.attrelid = to_regclass(view) AND a.attnum > 0 ORDER BY a.attnum
        LOOP
            EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', view, column_name, column_words);
        END LOOP;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION retention_create_views(text, name) IS
'creates or renews the views of a source: plain SQL that runs as the reader, owned by the caller';

CREATE FUNCTION retention_drop_views(source text) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- The registration may be gone: then the name is what was given.
    of_source text := coalesce((SELECT s.name FROM @extschema@.retention_source AS s
        WHERE pg_get_userbyid(s.owner) || '.' || s.name = source AND NOT EXISTS (
            SELECT FROM @extschema@.retention_source AS o WHERE o.name = source) LIMIT 1), source);
    views text[];
BEGIN
    SELECT array_agg(format('%I.%I', n.nspname, c.relname) ORDER BY n.nspname, c.relname) INTO views
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'v' AND pg_has_role(c.relowner, 'USAGE')
        AND c.relname IN (SELECT of_source || '_' || w.what
            FROM unnest(ARRAY['flow', 'cohorts', 'curve', 'lifecycle', 'stickiness', 'segments', 'survival']) AS w (what))
        AND right(obj_description(c.oid, 'pg_class'), length('; retention source ' || of_source)) = '; retention source ' || of_source;
    IF views IS NOT NULL THEN
        EXECUTE 'DROP VIEW ' || array_to_string(views, ', ');
        RETURN QUERY SELECT v.view FROM unnest(views) AS v (view);
    END IF;
END
$$;
COMMENT ON FUNCTION retention_drop_views(text) IS
'drops the caller''s views of a source in every schema and gives their names; the source itself may be gone already';
