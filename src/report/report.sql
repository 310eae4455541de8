-- report: everything on one page, as one jsonb. Keys are the column names of the functions that give the numbers.

-- Small pieces: answers as rows of JSON. Periods are local times of the grid's zone: days, or clock times for grids of hours.

CREATE FUNCTION retention_internal.report_time(at timestamptz, grid retention_grid) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN l.hours THEN to_jsonb(l.at) ELSE to_jsonb(l.at::date) END
    FROM (SELECT $1 AT TIME ZONE retention_internal.source_grid_option($2, 'time_zone') AS at, $2::text ~ '^[^;]*hour' AS hours) AS l
$$;
COMMENT ON FUNCTION retention_internal.report_time(timestamptz, retention_grid) IS
'the beginning of a period as a report writes it';

CREATE FUNCTION retention_internal.report_flow(flow retention_flow, grid retention_grid, since timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(f) || jsonb_build_object(
            'period_start', retention_internal.report_time(f.period_start, $2), 'period_end', retention_internal.report_time(f.period_end, $2))
        ORDER BY f.period_start), '[]')
    FROM @extschema@.flow_periods_at($1) AS f
    WHERE f.period_start >= $3
$$;
COMMENT ON FUNCTION retention_internal.report_flow(retention_flow, retention_grid, timestamptz) IS
'the periods of a flow as a report writes them';

-- A page holds so many cohorts (the newest), offsets (the first) and periods (the newest): a grid of days has more than anybody reads.
CREATE FUNCTION retention_internal.report_rows(summary retention_cohorts, what text, grid retention_grid, most integer) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer jsonb;
BEGIN
    CASE what
        WHEN 'cohorts' THEN
            SELECT jsonb_agg(to_jsonb(c) - 'place' || jsonb_build_object('cohort', retention_internal.report_time(c.cohort, $3),
                    'period_start', retention_internal.report_time(c.period_start, $3), 'period_end', retention_internal.report_time(c.period_end, $3))
                ORDER BY c.cohort, c.period) INTO answer
            FROM (SELECT n.*, dense_rank() OVER (ORDER BY n.cohort DESC) AS place FROM @extschema@.cohort_cells_at($1) AS n) AS c
            WHERE c.place <= $4 AND c.period < $4;
        WHEN 'curve' THEN
            SELECT jsonb_agg(to_jsonb(c) ORDER BY c.period) INTO answer FROM @extschema@.retention_curve($1) AS c WHERE c.period < $4;
        WHEN 'lifecycle' THEN
            SELECT jsonb_agg(to_jsonb(l) || jsonb_build_object('period_start', retention_internal.report_time(l.period_start, $3))
                ORDER BY l.period_start) INTO answer
            FROM (SELECT n.* FROM @extschema@.lifecycle_at($1) AS n ORDER BY n.period_start DESC LIMIT $4) AS l;
        WHEN 'stickiness' THEN
            SELECT jsonb_agg(to_jsonb(n) ORDER BY n.active_periods) INTO answer
            FROM (SELECT a.* FROM @extschema@.stickiness($1) AS a ORDER BY a.active_periods LIMIT $4) AS n;
    END CASE;
    RETURN coalesce(answer, '[]');
END
$$;
COMMENT ON FUNCTION retention_internal.report_rows(retention_cohorts, text, retention_grid, integer) IS
'cohorts, curve, lifecycle or stickiness of a summary as a report writes them, the newest or first of them';

CREATE FUNCTION retention_internal.report_survival(state retention_survival, times double precision[], unit text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('customers', n.customers, 'churned', n.churned, 'unit', $3,
        'median', m."time", 'median_low', m.ci_low, 'median_high', m.ci_high, 'followed_until', n.followed_until,
        'curve', (SELECT coalesce(jsonb_agg(jsonb_build_object('time', c."time", 'survival', c.survival,
                      'low', c.ci_low, 'high', c.ci_high, 'at_risk', c.at_risk) ORDER BY c."time"), '[]')
                  FROM @extschema@.survival_curve($1, times => $2) AS c
                  WHERE c.survival IS NOT NULL))
    FROM @extschema@.survival_summary($1) AS n, @extschema@.median_survival($1) AS m
$$;
COMMENT ON FUNCTION retention_internal.report_survival(retention_survival, double precision[], text) IS
'how long customers stay, as a report writes it: the curve at the asked times';

-- At most 60 steps, of a width people use.
CREATE FUNCTION retention_internal.report_times(followed_until double precision) RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(SELECT n::double precision * s.step FROM generate_series(0, floor($1 / s.step)::integer) AS n)
    FROM (SELECT coalesce(min(w), ceil($1 / 60)) AS step
          FROM unnest('{1, 2, 5, 7, 10, 14, 30, 60, 90, 180, 365}'::double precision[]) AS w
          WHERE w >= $1 / 60) AS s
$$;
COMMENT ON FUNCTION retention_internal.report_times(double precision) IS
'the times at which a report shows survival';

CREATE FUNCTION retention_internal.report_rate(flow jsonb, hits text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- One figure of one period: a rate with its limits where hits is kept or lost of at_start, else a count.
    SELECT CASE WHEN $1 IS NULL THEN NULL ELSE jsonb_build_object('period_start', $1 -> 'period_start', 'period_end', $1 -> 'period_end')
        || CASE $2
            WHEN 'kept' THEN jsonb_build_object('value', $1 -> 'retention_rate', 'low', $1 -> 'retention_low', 'high', $1 -> 'retention_high',
                'hits', $1 -> 'kept', 'of', $1 -> 'at_start')
            WHEN 'churned' THEN jsonb_build_object('value', $1 -> 'churn_rate', 'low', $1 -> 'churn_low', 'high', $1 -> 'churn_high',
                'hits', $1 -> 'lost', 'of', $1 -> 'at_start')
            ELSE jsonb_build_object('value', $1 -> $2, 'low', NULL, 'high', NULL, 'of', NULL) END END
$$;
COMMENT ON FUNCTION retention_internal.report_rate(jsonb, text) IS
'a figure of one period of a flow as the head of a report writes it';

CREATE FUNCTION retention_internal.report_difference(now jsonb, before jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN $1 ->> 'value' IS NULL OR $2 ->> 'value' IS NULL THEN NULL
        WHEN $1 ? 'hits' THEN (
            SELECT jsonb_build_object('value', d.difference, 'low', d.low, 'high', d.high, 'p_value', d.p_value)
            FROM @extschema@.rate_difference(($1 ->> 'hits')::numeric, ($1 ->> 'of')::numeric, ($2 ->> 'hits')::numeric, ($2 ->> 'of')::numeric) AS d)
        ELSE jsonb_build_object('value', ($1 ->> 'value')::numeric - ($2 ->> 'value')::numeric, 'low', NULL, 'high', NULL, 'p_value', NULL) END
$$;
COMMENT ON FUNCTION retention_internal.report_difference(jsonb, jsonb) IS
'one figure of a report minus an earlier one, with the test of no difference where they are rates';

CREATE FUNCTION retention_internal.report_headline(flow jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH period AS (
        SELECT p.period, row_number() OVER (ORDER BY p.place DESC) AS back
        FROM jsonb_array_elements($1) WITH ORDINALITY AS p (period, place)
        WHERE p.period ->> 'status' = 'observed'
    ), three AS (
        SELECT n.period AS now, (SELECT b.period FROM period AS b WHERE b.back = 2) AS before,
            (SELECT y.period FROM period AS y WHERE y.back > 2
                AND (y.period ->> 'period_start')::timestamp = (n.period ->> 'period_start')::timestamp - interval '1 year'
                AND (y.period ->> 'period_end')::timestamp = (n.period ->> 'period_end')::timestamp - interval '1 year') AS year
        FROM period AS n WHERE n.back = 1
    ), figure (place, name, label, unit, hits) AS (VALUES
        (1, 'retention_rate', 'Retention', 'percent', 'kept'), (2, 'churn_rate', 'Churn', 'percent', 'churned'),
        (3, 'customers', 'Customers at the end', 'customers', 'at_end'), (4, 'joined', 'Joined', 'customers', 'joined'),
        (5, 'reactivated', 'Came back', 'customers', 'reactivated'), (6, 'lost', 'Lost', 'customers', 'lost'))
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', f.name, 'label', f.label, 'unit', f.unit) || c.now
        || jsonb_build_object('previous', c.before, 'difference', retention_internal.report_difference(c.now, c.before),
               'year_before', c.year, 'year_difference', retention_internal.report_difference(c.now, c.year))
        ORDER BY f.place), '[]')
    FROM three AS t CROSS JOIN figure AS f
        CROSS JOIN LATERAL (SELECT retention_internal.report_rate(t.now, f.hits) AS now, retention_internal.report_rate(t.before, f.hits) AS before,
            retention_internal.report_rate(t.year, f.hits) AS year) AS c
$$;
COMMENT ON FUNCTION retention_internal.report_headline(jsonb) IS
'the figures of the last complete period of a flow, against the period before and the same period a year before';

-- Of events: who came back in the first period after that of the start, the newest cohort against the one before, and who was active.
CREATE FUNCTION retention_internal.report_returns(cohorts jsonb, lifecycle jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH cell AS (
        SELECT row_number() OVER (ORDER BY c.place DESC) AS back, jsonb_build_object('period_start', c.cell -> 'cohort', 'period_end', c.cell -> 'period_start',
            'value', c.cell -> 'retention_rate', 'low', c.cell -> 'ci_low', 'high', c.cell -> 'ci_high', 'hits', c.cell -> 'retained', 'of', c.cell -> 'at_risk') AS figure
        FROM jsonb_array_elements($1) WITH ORDINALITY AS c (cell, place)
        WHERE c.cell ->> 'status' = 'observed' AND (c.cell ->> 'period')::bigint = 1
    ), active AS (
        SELECT row_number() OVER (ORDER BY l.place DESC) AS back, jsonb_build_object('period_start', l.period -> 'period_start',
            'period_end', lead(l.period -> 'period_start') OVER (ORDER BY l.place),
            'value', l.period -> 'active', 'low', NULL, 'high', NULL, 'of', NULL) AS figure, l.period ->> 'status' AS status
        FROM jsonb_array_elements($2) WITH ORDINALITY AS l (period, place)
    ), seen AS (
        SELECT row_number() OVER (ORDER BY a.back) AS back, a.figure FROM active AS a WHERE a.status = 'observed'
    ), pair (place, name, label, unit, now, before) AS (
        SELECT 1, 'first_return', 'New customers who came back in the next period', 'percent', n.figure, b.figure
        FROM cell AS n LEFT JOIN cell AS b ON b.back = 2 WHERE n.back = 1
        UNION ALL
        SELECT 2, 'active', 'Active', 'customers', n.figure, b.figure FROM seen AS n LEFT JOIN seen AS b ON b.back = 2 WHERE n.back = 1
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', p.name, 'label', p.label, 'unit', p.unit) || p.now
        || jsonb_build_object('previous', p.before, 'difference', retention_internal.report_difference(p.now, p.before),
               'year_before', NULL, 'year_difference', NULL) ORDER BY p.place), '[]')
    FROM pair AS p
$$;
COMMENT ON FUNCTION retention_internal.report_returns(jsonb, jsonb) IS
'figures of events at the head of a report: who of the newest complete cohort came back at once, and who was active';

CREATE FUNCTION retention_internal.report_adjusted(p_values double precision[]) RETURNS double precision[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289, procedure (1), as adjusted p-values. NULLs are not tests.
    SELECT array_agg(q.adjusted ORDER BY q.place)
    FROM (SELECT s.place, CASE WHEN s.p IS NOT NULL THEN
              least(1, min(s.p * s.tests / s.rank) OVER (ORDER BY s.rank DESC NULLS LAST ROWS UNBOUNDED PRECEDING)) END AS adjusted
          FROM (SELECT v.p, v.place, count(v.p) OVER () AS tests,
                    CASE WHEN v.p IS NOT NULL THEN row_number() OVER (ORDER BY v.p NULLS LAST, v.place) END AS rank
                FROM unnest($1) WITH ORDINALITY AS v (p, place)) AS s) AS q
$$;
COMMENT ON FUNCTION retention_internal.report_adjusted(double precision[]) IS
'p-values adjusted for how many there are (false discovery rate)';

-- The values of a segment: at most 20 are shown, those with most customers at the start.
CREATE FUNCTION retention_internal.report_segments(counts jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH value AS (
        SELECT s.segment, s.value, s.place, s.at_start, s.kept,
            sum(s.at_start) OVER w - s.at_start AS rest, sum(s.kept) OVER w - s.kept AS rest_kept,
            row_number() OVER (PARTITION BY s.place ORDER BY s.at_start DESC, s.value COLLATE "C" NULLS LAST) AS size
        FROM jsonb_to_recordset($1) AS s (place integer, segment text, value text, at_start bigint, kept bigint)
        WINDOW w AS (PARTITION BY s.place)
    ), tested AS (
        SELECT v.*, i.low, i.high, d.difference, d.low AS difference_low, d.high AS difference_high, d.p_value,
            row_number() OVER (ORDER BY v.place, v.size) AS number
        FROM value AS v
            CROSS JOIN LATERAL @extschema@.rate_interval(v.kept, v.at_start) AS i
            CROSS JOIN LATERAL @extschema@.rate_difference(v.kept, v.at_start, v.rest_kept, v.rest) AS d
        WHERE v.size <= 20 AND v.at_start > 0
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object('segment', t.segment, 'value', t.value, 'at_start', t.at_start, 'kept', t.kept,
            'retention_rate', trim_scale(100 * t.kept::numeric / t.at_start), 'low', t.low, 'high', t.high,
            'difference', t.difference, 'difference_low', t.difference_low, 'difference_high', t.difference_high,
            'p_value', t.p_value, 'p_adjusted', a.adjusted[t.number]) ORDER BY t.number), '[]')
    FROM tested AS t, (SELECT retention_internal.report_adjusted(array_agg(n.p_value ORDER BY n.number)) AS adjusted FROM tested AS n) AS a
$$;
COMMENT ON FUNCTION retention_internal.report_segments(jsonb) IS
'the retention of every value of a segment and of all others of it, from counts of one period';

-- The page.

CREATE FUNCTION retention_internal.report_activity(grid retention_grid, as_of timestamp, type regtype) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN $3 = 'date'::regtype THEN format(
            E'SELECT p.customer, p.started, greatest(r.period_start, p.started) AS at\n'
            'FROM presence AS p, @extschema@.retention_periods(%L::@extschema@.retention_grid, p.started, coalesce(p.ended, %L::date)) AS r\n'
            'WHERE isfinite(p.started) AND p.started < coalesce(p.ended, %2$L::date)',
            $1, $2::date)
        ELSE format(
            E'SELECT p.customer, p.started, greatest(r.period_start, p.started) AS at\n'
            'FROM (SELECT q.customer, q.started%3$s AS started, coalesce(q.ended%3$s, %2$L::timestamp AT TIME ZONE %4$L) AS ended\n'
            '  FROM presence AS q WHERE isfinite(q.started)) AS p,\n'
            '  @extschema@.retention_periods_at(%1$L::@extschema@.retention_grid, p.started, p.ended) AS r\n'
            'WHERE p.started < p.ended',
            $1, $2, CASE WHEN $3 = 'timestamptz'::regtype THEN '' ELSE format(' AT TIME ZONE %L', o.zone) END, o.zone) END
    FROM (SELECT retention_internal.source_grid_option($1, 'time_zone') AS zone) AS o
$$;
COMMENT ON FUNCTION retention_internal.report_activity(retention_grid, timestamp, regtype) IS
'a query that gives, of subscriptions, a time in every period in which a customer was there for a moment';

CREATE FUNCTION retention_report(source text, as_of timestamp DEFAULT NULL, periods integer DEFAULT 12) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET IntervalStyle = 'postgres'
AS $body$
#variable_conflict use_variable
DECLARE
    s retention_internal.source;
    known timestamp := as_of;
    known_sql text;
    zone text;
    grid @extschema@.retention_grid;
    plain @extschema@.retention_grid;
    hours boolean;
    presence text;
    type regtype;
    range text;
    kept text;          -- FROM and WHERE of the summary that is kept, if one is
    at_local text;      -- how a local time becomes a time of the presence
    since timestamptz;  -- the first period shown
    until timestamptz;  -- the end of the last complete one
    first timestamptz;  -- the first period counted: a year before the last, if that is earlier
    last timestamptz;
    moved text;         -- how such a time becomes one whose lengths count
    known_at text;      -- the as-of as such a one
    length_sql text;    -- from one such time to another, in days or hours
    held text;
    segment_values text;
    segment_firsts text;
    segment_held text;
    segment_record text;
    cohorts @extschema@.retention_cohorts;
    counted record;
    found record;
    flow jsonb;
    headline jsonb;
    latest jsonb;       -- the last complete period
    shown record;
    cells jsonb;
    lifecycle jsonb;
    drivers jsonb;
    ranking jsonb;
    drivers_since jsonb;
    reasons jsonb;
    benchmark jsonb;
    notes text[] := '{}';
    report jsonb;
BEGIN
    IF periods IS NULL OR periods NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('a report has 1 to 1000 periods, not %s', coalesce(periods::text, 'NULL'));
    END IF;
    IF NOT isfinite(as_of) THEN
        RAISE EXCEPTION USING ERRCODE = '22008', MESSAGE = 'the as_of of a report must be finite';
    END IF;
    s := retention_internal.source_find(source);
    zone := retention_internal.source_grid_option(s.grid, 'time_zone');
    -- Whatever session asks: texts and casts of instants are local times of the grid. Ends with this function.
    PERFORM set_config('TimeZone', zone, true);
    hours := s.grid::text ~ '^[^;]*hour';

    report := jsonb_build_object('format', 1, 'version', @extschema@.retention_version(),
        'source', jsonb_build_object('name', s.name, 'kind', s.kind, 'relation', s.relation::text, 'owner', pg_get_userbyid(s.owner),
            'grid', s.grid::text, 'filter', s.filter, 'events', to_jsonb(s.events), 'segments', to_jsonb(s.segments),
            'gone_after', s.gone_after::text),
        'periods', periods);

    PERFORM retention_internal.progress('report', s.source, 'until when', 1, 4);
    -- Kept facts know until the latest row; of another time the relation is asked.
    kept := CASE WHEN as_of IS NULL THEN retention_internal.facts_totals(s) END;
    IF kept IS NOT NULL THEN
        EXECUTE 'SELECT t.as_of, s.cohorts ' || kept INTO known, cohorts;
    ELSIF known IS NULL THEN
        EXECUTE 'SELECT ' || retention_internal.source_as_of(s) INTO known;
    END IF;
    IF known IS NULL THEN
        PERFORM retention_internal.progress_end();
        RETURN report || jsonb_build_object('as_of', NULL, 'rows', 0, 'customers', 0, 'ignored', 0, 'headline', '[]'::jsonb, 'flow', '[]'::jsonb, 'cohort_count', 0,
            'cohorts', '[]'::jsonb, 'curve', '[]'::jsonb, 'lifecycle', '[]'::jsonb, 'stickiness', NULL, 'survival', '[]'::jsonb,
            'segments', '[]'::jsonb, 'drivers', NULL, 'driver_ranking', NULL, 'drivers_since', NULL, 'reasons', NULL, 'benchmark', NULL,
            'notes', jsonb_build_array('There is no row with a customer and a time.'));
    END IF;
    known_sql := format('%L::timestamp', known);
    EXECUTE 'SELECT ' || retention_internal.source_grid(s, known_sql) INTO grid;
    EXECUTE 'SELECT ' || retention_internal.source_grid(s, known_sql, true) INTO plain;
    presence := CASE WHEN kept IS NULL THEN retention_internal.source_presence(s, '(' || known_sql || ')') ELSE retention_internal.facts_presence(s, '(' || known_sql || ')') END;
    -- The type of a column of a query that is not run.
    EXECUTE format('SELECT pg_typeof((SELECT p.started FROM (%s) AS p LIMIT 0))', presence) INTO type;
    range := CASE type WHEN 'date'::regtype THEN 'daterange' WHEN 'timestamptz'::regtype THEN 'tstzrange' ELSE 'tsrange' END;
    at_local := CASE type WHEN 'date'::regtype THEN '(%s AT TIME ZONE %L)::date' WHEN 'timestamptz'::regtype THEN '%s' ELSE '(%s AT TIME ZONE %L)' END;

    -- How long somebody stays is counted in days of the calendar; in a grid of hours in hours that pass.
    moved := CASE WHEN type <> 'date'::regtype AND (type = 'timestamptz'::regtype) <> hours THEN format(' AT TIME ZONE %L', zone) ELSE '' END;
    known_at := CASE WHEN type = 'date'::regtype THEN format('%L::date', known::date)
        WHEN hours THEN format('%L::timestamptz', known AT TIME ZONE zone) ELSE known_sql END;
    length_sql := CASE WHEN type = 'date'::regtype THEN '(%s - %s)::double precision'
        ELSE format('(extract(epoch FROM %%s - %%s) / %s)::double precision', CASE WHEN hours THEN 3600 ELSE 86400 END) END;

    since := lower(@extschema@.retention_period_tz(plain, -periods, known AT TIME ZONE zone));
    until := upper(@extschema@.retention_period_tz(plain, -1, known AT TIME ZONE zone));
    last := upper(@extschema@.retention_period_tz(plain, 0, known AT TIME ZONE zone));
    first := since;
    IF NOT hours THEN
        first := least(since, @extschema@.retention_period_start(
            (lower(@extschema@.retention_period_tz(plain, -1, known AT TIME ZONE zone)) AT TIME ZONE zone - interval '1 year') AT TIME ZONE zone, plain));
    END IF;

    -- What the scan needs of the segments.
    SELECT coalesce(string_agg(format(', (%s, %L, c.%I::text)', n.place, n.segment, n.segment), '' ORDER BY n.place), ''),
        coalesce(string_agg(format(', (array_agg(p.%I ORDER BY p.started, p.%1$I))[1] AS %1$I', n.segment), '' ORDER BY n.place), ''),
        coalesce(string_agg(format(', (array_agg(p.%I ORDER BY p.started DESC, p.%1$I) FILTER (WHERE p.there))[1] AS %1$I', n.segment), '' ORDER BY n.place), ''),
        coalesce(string_agg(format('c.%I', n.segment), ', ' ORDER BY n.place), '')
    INTO segment_values, segment_firsts, segment_held, segment_record
    FROM unnest(s.segments) WITH ORDINALITY AS n (segment, place);

    -- Events are scanned once for cohorts, straight, so that the fast scan applies; and once for the presence of customers, from
    -- which all the rest comes. Of subscriptions the cohorts come from the presence, too.
    PERFORM retention_internal.progress('report', s.source, 'cohorts', 2, 4);
    IF s.kind = 'events' AND kept IS NULL THEN
        EXECUTE format('SELECT @extschema@.cohort_retention(a.customer, a.at, %L::@extschema@.retention_grid) FROM (%s) AS a',
            grid, retention_internal.source_rows(s)) INTO cohorts;
    END IF;

    PERFORM retention_internal.progress('report', s.source, 'flow, segments, survival', 3, 4);
    -- Who was there when a period began (the balance just before it), with the segments of the row that held then, and whether he is
    -- there at its end.
    held := E'    SELECT bool_or(p.still) AS kept%s\n'
        '    FROM (SELECT q.*, q.started < %s AND coalesce(q.ended >= %2$s, true) AS there, q.started < %s AND coalesce(q.ended >= %3$s, true) AS still\n'
        '          FROM presence AS q, %s AS w) AS p\n'
        '    GROUP BY p.customer HAVING bool_or(p.there)';
    EXECUTE format($query$
WITH presence AS MATERIALIZED (
%1$s
), flow AS MATERIALIZED (
    SELECT @extschema@.customer_flow(p.customer, p.started, p.ended, %2$L::@extschema@.retention_grid, %17$s(%4$s, %5$s)) AS flow FROM presence AS p
), latest AS MATERIALIZED (
    SELECT %6$L::timestamptz AS starts, %7$L::timestamptz AS ends
), part AS (
    SELECT v.place, v.segment, v.value, count(*) AS at_start, count(*) FILTER (WHERE c.kept) AS kept
    FROM (
%8$s
    ) AS c, LATERAL (VALUES (0, NULL, NULL)%9$s) AS v (place, segment, value)
    WHERE v.place > 0
    GROUP BY v.place, v.segment, v.value
), stay AS (
    -- Until when the rows before this one reach: a start beyond that comes after a gap.
    SELECT p.*, max(coalesce(p.ended, 'infinity')) OVER (
        PARTITION BY p.customer ORDER BY p.started, p.ended ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
    FROM presence AS p
    WHERE isfinite(p.started) AND p.started < coalesce(p.ended, 'infinity')
), customer AS (
    -- The first stay, with the segments it began in.
    SELECT min(p.started)%3$s AS started,
        nullif(coalesce(min(p.reached) FILTER (WHERE p.started > p.reached), max(coalesce(p.ended, 'infinity'))), 'infinity')%3$s AS ended%12$s
    FROM stay AS p
    GROUP BY p.customer
), survival AS MATERIALIZED (
    -- Who left in the course of a day (or hour) left at its end; who is still there was seen for the whole ones that have passed.
    SELECT v.place, v.segment, v.value, @extschema@.survival(CASE WHEN c.ended IS NULL THEN floor(%10$s) ELSE ceil(%11$s) END, c.ended IS NOT NULL) AS state
    FROM customer AS c, LATERAL (VALUES (0, NULL, NULL)%9$s) AS v (place, segment, value)
    GROUP BY v.place, v.segment, v.value
), since AS MATERIALIZED (
    -- Whom the drivers speak of: the customers of the earliest complete period shown that has at least half as many as the most.
    SELECT q.period_start AS starts, %7$L::timestamptz AS ends
    FROM (SELECT r.period_start, r.at_start, max(r.at_start) OVER () AS most
          FROM flow AS f, @extschema@.flow_periods_at(f.flow) AS r
          WHERE r.status = 'observed' AND r.period_start >= %13$L::timestamptz) AS q
    WHERE q.at_start > 0 AND 2 * q.at_start >= q.most
    ORDER BY q.period_start LIMIT 1
)
SELECT (SELECT f.flow FROM flow AS f) AS flow,
    (SELECT jsonb_agg(to_jsonb(n)) FROM part AS n) AS segments,
    (SELECT jsonb_agg(jsonb_build_object('segment', v.segment, 'value', v.value) || retention_internal.report_survival(v.state, u.times, %16$L)
            ORDER BY v.place, v.size) FROM (
         SELECT w.*, row_number() OVER (PARTITION BY w.place ORDER BY n.customers DESC, w.value COLLATE "C" NULLS LAST) AS size
         FROM survival AS w, @extschema@.survival_summary(w.state) AS n) AS v,
         (SELECT retention_internal.report_times(n.followed_until) AS times
          FROM survival AS w, @extschema@.survival_summary(w.state) AS n WHERE w.place = 0) AS u
     WHERE v.size <= 8) AS survival,
    (SELECT jsonb_agg(jsonb_build_object('segment', z.segment, 'values', z.n) ORDER BY z.place)
     FROM (SELECT w.place, w.segment, count(*) AS n FROM survival AS w WHERE w.place > 0 GROUP BY w.place, w.segment) AS z WHERE z.n > 8) AS crowded,
    %14$s AS drivers,
    (SELECT w.starts FROM since AS w) AS drivers_since,
    %15$s AS cohorts
$query$,
        presence, plain, moved, format(at_local, format('%L::timestamptz', first), zone), format(at_local, format('%L::timestamptz', last), zone),
        lower(@extschema@.retention_period_tz(plain, -1, known AT TIME ZONE zone)), until,
        format(held, segment_held, format(at_local, 'w.starts', zone), format(at_local, 'w.ends', zone), 'latest'), segment_values,
        format(length_sql, known_at, 'c.started'), format(length_sql, 'c.ended', 'c.started'), segment_firsts, since,
        CASE WHEN segment_record = '' THEN 'NULL::@extschema@.retention_drivers'
            ELSE format(E'(SELECT @extschema@.churn_drivers(NOT c.kept, a) FROM (\n%s\n    ) AS c, LATERAL (SELECT %s) AS a)',
                format(held, segment_held, format(at_local, 'w.starts', zone), format(at_local, 'w.ends', zone), 'since'), segment_record) END,
        CASE s.kind WHEN 'events' THEN 'NULL::@extschema@.retention_cohorts'
            ELSE format(E'(SELECT @extschema@.cohort_retention(a.customer, a.at, %L::@extschema@.retention_grid%s) FROM (\n%s\n    ) AS a)', grid,
                CASE WHEN retention_internal.source_grid_option(s.grid, 'cohorts') IS NOT NULL THEN ', a.at = a.started, true' ELSE '' END,
                retention_internal.report_activity(plain, known, type)) END,
        CASE WHEN hours THEN 'hours' ELSE 'days' END, range)
    INTO found;
    cohorts := coalesce(cohorts, found.cohorts);
    flow := retention_internal.report_flow(found.flow, plain, first);
    headline := retention_internal.report_headline(flow);
    -- From the first period with customers on.
    flow := (SELECT coalesce(jsonb_agg(p.period ORDER BY p.place), '[]')
        FROM (SELECT e.period, e.place, min(e.place) FILTER (WHERE (e.period ->> 'at_start')::bigint + (e.period ->> 'at_end')::bigint
                      + (e.period ->> 'departures')::bigint > 0) OVER () AS begun
              FROM jsonb_array_elements(flow) WITH ORDINALITY AS e (period, place)) AS p
        WHERE (p.period ->> 'period_start')::timestamp >= since AT TIME ZONE zone AND p.place >= p.begun);
    SELECT p.period INTO latest FROM jsonb_array_elements(flow) WITH ORDINALITY AS p (period, place)
    WHERE p.period ->> 'status' = 'observed' ORDER BY p.place DESC LIMIT 1;

    -- How many rows, and why customers left.
    PERFORM retention_internal.progress('report', s.source, 'reasons and rows', 4, 4);
    IF s.kind = 'events' THEN
        SELECT t.rows_seen AS rows, t.rows_ignored AS ignored INTO counted FROM @extschema@.cohort_totals(cohorts) AS t;
    ELSE
        EXECUTE format('SELECT count(*) AS rows, count(*) FILTER (WHERE p.customer IS NULL OR p.started IS NULL) AS ignored, %s AS reasons FROM (%s) AS p',
            CASE WHEN s.reason IS NULL THEN 'NULL::@extschema@.retention_reasons' ELSE
                format('@extschema@.churn_reasons(p.reason::text) FILTER (WHERE p.customer IS NOT NULL AND p.started < p.ended AND p.ended >= %s AND p.ended < %s)',
                    format(at_local, format('%L::timestamptz', since), zone), format(at_local, format('%L::timestamptz', until), zone)) END,
            retention_internal.source_rows(s)) INTO counted;
        IF s.reason IS NOT NULL THEN
            SELECT coalesce(jsonb_agg(to_jsonb(r) - 'place' ORDER BY r.place), '[]') INTO reasons
            FROM (SELECT n.reason, n.category, n.mitigated_by, n.customers, n.share, n.ci_low, n.ci_high, n.cumulative_share, n.place
                  FROM @extschema@.reason_table(counted.reasons) WITH ORDINALITY
                      AS n (reason, category, mitigated_by, customers, share, ci_low, ci_high, cumulative_share, place)) AS r;
        END IF;
    END IF;

    IF found.drivers IS NOT NULL THEN
        SELECT jsonb_build_object('period_start', retention_internal.report_time(found.drivers_since, plain),
            'period_end', retention_internal.report_time(until, plain), 'customers', n.customers, 'churned', n.churned)
        INTO drivers_since FROM @extschema@.driver_summary(found.drivers) AS n;
        SELECT jsonb_agg(to_jsonb(d) - 'place' ORDER BY d.place) INTO drivers
        FROM (SELECT n.* FROM @extschema@.driver_table(found.drivers) WITH ORDINALITY AS n (attribute, value, customers, share, churned, churn_rate,
            ci_low, ci_high, risk_ratio, risk_ratio_low, risk_ratio_high, lift, min_expected, note, place)) AS d;
        SELECT jsonb_agg(to_jsonb(d) - 'place' ORDER BY d.place) INTO ranking
        FROM (SELECT n.* FROM @extschema@.driver_ranking(found.drivers) WITH ORDINALITY AS n (attribute, "values", chi2, df, p_value, p_adjusted,
            cramers_v, cramers_v_corrected, information_value, note, place)) AS d;
    END IF;

    IF (latest ->> 'at_start')::bigint > 0
        AND (latest ->> 'period_end')::timestamp = (latest ->> 'period_start')::timestamp + interval '1 year' THEN
        SELECT jsonb_agg(jsonb_build_object('industry', b.benchmark_industry, 'year', b.year, 'retention_rate', latest -> 'retention_rate',
            'low', latest -> 'retention_low', 'high', latest -> 'retention_high', 'of', latest -> 'at_start', 'benchmark', b.benchmark,
            'difference', b.difference, 'difference_low', b.ci_low, 'difference_high', b.ci_high, 'p_value', b.p_value)
            ORDER BY b.benchmark, b.benchmark_industry COLLATE "C")
        INTO benchmark
        FROM (SELECT DISTINCT lower(n.industry) AS industry FROM @extschema@.retention_benchmark AS n WHERE n.period = 'year') AS i,
            @extschema@.against_benchmark((latest ->> 'kept')::bigint, (latest ->> 'at_start')::bigint, i.industry) AS b;
    END IF;

    -- What a reader should know.
    notes := notes || CASE
        WHEN as_of IS NOT NULL THEN format('Seen as of %s, as asked for.', known)
        WHEN s.as_of IS NOT NULL THEN format('Seen as of %s, as the source says.', known)
        ELSE format('Seen as of %s: the latest row, itself included.', known) END;
    notes := notes || ARRAY(
        SELECT format('%s to %s is partial: what was seen so far, without rates.', p.period ->> 'period_start', p.period ->> 'period_end')
        FROM jsonb_array_elements(flow) AS p (period) WHERE p.period ->> 'status' = 'partial');
    notes := notes || CASE
        WHEN latest IS NULL OR (latest ->> 'at_start')::bigint = 0 THEN 'Nobody was there at the start of the last complete period: it has no rate.'
        WHEN (flow -> 0 ->> 'at_start')::bigint = 0 THEN format('There are no customers before %s.',
            (SELECT p.period ->> 'period_start' FROM jsonb_array_elements(flow) WITH ORDINALITY AS p (period, place)
             WHERE (p.period ->> 'at_end')::bigint > 0 OR (p.period ->> 'joined')::bigint > 0 ORDER BY p.place LIMIT 1)) END;
    SELECT count(DISTINCT c.cohort) AS cohorts, min(c.cohort) AS oldest INTO shown FROM @extschema@.cohort_cells_at(cohorts) AS c WHERE c.period <= 1;
    notes := notes || CASE WHEN shown.cohorts > greatest(36, periods + 1) THEN
        format('There are %s cohorts since %s; this report holds the newest %s.', shown.cohorts, retention_internal.report_time(shown.oldest, plain) #>> '{}', greatest(36, periods + 1)) END;
    notes := notes || CASE WHEN s.kind = 'events' THEN format('A customer is there from an event until %s without another one.', s.gone_after)
        ELSE 'In the cohorts, customers are active in every period in which they were there for a moment.' END;
    notes := notes || CASE WHEN kept IS NOT NULL THEN 'Read from kept facts: rows written since the last refresh are not in it.' END;
    notes := notes || CASE WHEN counted.ignored > 0 THEN
        format('%s of %s rows are left out: they have no customer or no time, or lie at the as-of or later.', counted.ignored, counted.rows) END;
    notes := notes || CASE WHEN row_security_active(s.relation) THEN
        format('Row-level security: only rows that %s may see are counted.', quote_ident(current_user)) END;
    notes := notes || ARRAY(
        SELECT format('%s has %s values: the 8 largest are drawn, the 20 largest compared.', z.segment, z."values")
        FROM jsonb_to_recordset(coalesce(found.crowded, '[]')) AS z (segment text, "values" bigint));
    notes := notes || CASE WHEN found.survival -> 0 ->> 'median' IS NULL THEN 'Fewer than half of the customers have left so far: there is no median.' END;
    notes := notes || CASE WHEN drivers IS NOT NULL THEN
        format('Drivers: of the %s customers of %s, %s had gone by %s. What goes with leaving need not be its cause.',
            drivers_since ->> 'customers', drivers_since ->> 'period_start', drivers_since ->> 'churned', drivers_since ->> 'period_end') END;

    cells := retention_internal.report_rows(cohorts, 'cohorts', plain, greatest(36, periods + 1));
    lifecycle := retention_internal.report_rows(cohorts, 'lifecycle', plain, greatest(36, periods + 1));
    IF s.kind = 'events' AND retention_internal.source_grid_option(s.grid, 'brackets') IS NULL THEN
        headline := headline || retention_internal.report_returns(cells, lifecycle);
    END IF;

    PERFORM retention_internal.progress_end();
    RETURN report || jsonb_build_object('as_of', known, 'rows', counted.rows, 'ignored', counted.ignored,
        'customers', (SELECT t.customers FROM @extschema@.cohort_totals(cohorts) AS t),
        'headline', headline, 'flow', flow, 'cohort_count', shown.cohorts,
        'cohorts', cells, 'curve', retention_internal.report_rows(cohorts, 'curve', plain, greatest(36, periods + 1)),
        'lifecycle', lifecycle,
        'stickiness', CASE s.kind WHEN 'events' THEN retention_internal.report_rows(cohorts, 'stickiness', plain, greatest(36, periods + 1)) END,
        'survival', coalesce(found.survival, '[]'), 'segments', retention_internal.report_segments(coalesce(found.segments, '[]')),
        'drivers', drivers, 'driver_ranking', ranking, 'drivers_since', drivers_since, 'reasons', reasons, 'benchmark', benchmark,
        'notes', to_jsonb(array_remove(notes, NULL)));
END
$body$;
COMMENT ON FUNCTION retention_report(text, timestamp, integer) IS
'everything about a source on one page, as JSON: rates now and before, flow, cohorts, curve, lifecycle, survival, segments, drivers, reasons, notes';
