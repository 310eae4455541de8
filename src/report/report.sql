-- report: everything on one page, as one jsonb. Keys are the column names of the functions that give the numbers.

-- Small pieces: answers as rows of JSON. Periods are local times of the grid's zone: days, or clock times for grids of hours.

CREATE FUNCTION report_time(at timestamptz, grid retention_grid) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN l.hours THEN to_jsonb(l.at) ELSE to_jsonb(l.at::date) END
    FROM (SELECT $1 AT TIME ZONE @extschema@.source_grid_option($2, 'time_zone') AS at, $2::text ~ '^[^;]*hour' AS hours) AS l
$$;
COMMENT ON FUNCTION report_time(timestamptz, retention_grid) IS
'the beginning of a period as a report writes it';

CREATE FUNCTION report_flow(flow retention_flow, grid retention_grid, since timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(f) || jsonb_build_object(
            'period_start', @extschema@.report_time(f.period_start, $2), 'period_end', @extschema@.report_time(f.period_end, $2))
        ORDER BY f.period_start), '[]')
    FROM @extschema@.flow_periods_at($1) AS f
    WHERE f.period_start >= $3
$$;
COMMENT ON FUNCTION report_flow(retention_flow, retention_grid, timestamptz) IS
'the periods of a flow as a report writes them';

CREATE FUNCTION report_rows(summary retention_cohorts, what text, grid retention_grid) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer jsonb;
BEGIN
    CASE what
        WHEN 'cohorts' THEN
            SELECT jsonb_agg(to_jsonb(c) || jsonb_build_object('cohort', @extschema@.report_time(c.cohort, $3),
                    'period_start', @extschema@.report_time(c.period_start, $3), 'period_end', @extschema@.report_time(c.period_end, $3))
                ORDER BY c.cohort, c.period) INTO answer
            FROM @extschema@.cohort_cells_at($1) AS c;
        WHEN 'curve' THEN
            SELECT jsonb_agg(to_jsonb(c) ORDER BY c.period) INTO answer FROM @extschema@.retention_curve($1) AS c;
        WHEN 'lifecycle' THEN
            SELECT jsonb_agg(to_jsonb(l) || jsonb_build_object('period_start', @extschema@.report_time(l.period_start, $3))
                ORDER BY l.period_start) INTO answer
            FROM @extschema@.lifecycle_at($1) AS l;
        WHEN 'stickiness' THEN
            SELECT jsonb_agg(to_jsonb(n) ORDER BY n.active_periods) INTO answer FROM @extschema@.stickiness($1) AS n;
    END CASE;
    RETURN coalesce(answer, '[]');
END
$$;
COMMENT ON FUNCTION report_rows(retention_cohorts, text, retention_grid) IS
'cohorts, curve, lifecycle or stickiness of a summary as a report writes them';

CREATE FUNCTION report_survival(state retention_survival, times double precision[]) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('customers', n.customers, 'churned', n.churned, 'unit', 'days',
        'median', m."time", 'median_low', m.ci_low, 'median_high', m.ci_high, 'followed_until', n.followed_until,
        'curve', (SELECT coalesce(jsonb_agg(jsonb_build_object('time', c."time", 'survival', c.survival,
                      'low', c.ci_low, 'high', c.ci_high, 'at_risk', c.at_risk) ORDER BY c."time"), '[]')
                  FROM @extschema@.survival_curve($1, times => $2) AS c
                  WHERE c.survival IS NOT NULL))
    FROM @extschema@.survival_summary($1) AS n, @extschema@.median_survival($1) AS m
$$;
COMMENT ON FUNCTION report_survival(retention_survival, double precision[]) IS
'how long customers stay, as a report writes it: the curve at the asked times';

-- Step width in whole days that gives at most 60 steps, in steps people use.
CREATE FUNCTION report_times(followed_until double precision) RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(SELECT n::double precision * s.step FROM generate_series(0, floor($1 / s.step)::integer) AS n)
    FROM (SELECT coalesce(min(w), ceil($1 / 60)) AS step
          FROM unnest('{1, 2, 5, 7, 10, 14, 30, 60, 90, 180, 365}'::double precision[]) AS w
          WHERE w >= $1 / 60) AS s
$$;
COMMENT ON FUNCTION report_times(double precision) IS
'the days at which a report shows survival';

CREATE FUNCTION report_rate(flow jsonb, hits text) RETURNS jsonb
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
COMMENT ON FUNCTION report_rate(jsonb, text) IS
'a figure of one period of a flow as the head of a report writes it';

CREATE FUNCTION report_difference(now jsonb, before jsonb) RETURNS jsonb
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
COMMENT ON FUNCTION report_difference(jsonb, jsonb) IS
'one figure of a report minus an earlier one, with the test of no difference where they are rates';

CREATE FUNCTION report_headline(flow jsonb) RETURNS jsonb
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
        || jsonb_build_object('previous', c.before, 'difference', @extschema@.report_difference(c.now, c.before),
               'year_before', c.year, 'year_difference', @extschema@.report_difference(c.now, c.year))
        ORDER BY f.place), '[]')
    FROM three AS t CROSS JOIN figure AS f
        CROSS JOIN LATERAL (SELECT @extschema@.report_rate(t.now, f.hits) AS now, @extschema@.report_rate(t.before, f.hits) AS before,
            @extschema@.report_rate(t.year, f.hits) AS year) AS c
$$;
COMMENT ON FUNCTION report_headline(jsonb) IS
'the figures of the last complete period of a flow, against the period before and the same period a year before';

CREATE FUNCTION report_adjusted(p_values double precision[]) RETURNS double precision[]
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
COMMENT ON FUNCTION report_adjusted(double precision[]) IS
'p-values adjusted for how many there are (false discovery rate)';

-- The values of a segment: at most 20 are shown, those with most customers at the start.
CREATE FUNCTION report_segments(counts jsonb) RETURNS jsonb
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
    FROM tested AS t, (SELECT @extschema@.report_adjusted(array_agg(n.p_value ORDER BY n.number)) AS adjusted FROM tested AS n) AS a
$$;
COMMENT ON FUNCTION report_segments(jsonb) IS
'the retention of every value of a segment and of all others of it, from counts of one period';
