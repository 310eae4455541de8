-- script/fuzz runs this before the fuzzer, in a server in single-user mode: a statement ends with a semicolon and an
-- empty line. A type of the extension that is not listed here is an error, so that a new one is not forgotten.
CREATE EXTENSION retention;

CREATE FUNCTION retention_fuzz(form text, types text[], letters text[], uses text[], arguments text[]) RETURNS void
LANGUAGE C STRICT AS '$libdir/retention', 'retention_fuzz';

CREATE TABLE fuzzed (name text PRIMARY KEY, letter text NOT NULL, uses text);

INSERT INTO fuzzed VALUES
    ('retention_grid', '', 'SELECT retention_period($1, 1, ''2026-03-29 00:30+00'')'),
    ('numeric_customer', '#', NULL),
    ('retention_span', '[', 'SELECT retention_rate(date ''2024-01-05'', NULL, $1), retention_rate(timestamptz ''2024-01-05'', NULL, $1)'),
    ('retention_activity', 'A', 'SELECT activity_union($1, $1), retention_internal.activity_summary($1), count(*) FROM active_periods_at($1)'),
    ('retention_cohorts', 'C', 'SELECT (SELECT count(*) FROM cohort_cells_at($1)), (SELECT count(*) FROM retention_curve($1)), (SELECT rollup(x) FROM (VALUES ($1), ($1)) AS v (x))'),
    ('retention_flow', 'F', 'SELECT (SELECT count(*) FROM flow_periods_at($1)), (SELECT rollup(x) FROM (VALUES ($1), ($1)) AS v (x))'),
    ('retention_population', 'P', NULL),
    ('retention_revenue', 'U', 'SELECT (SELECT count(*) FROM revenue_periods_at($1, ''event'')), (SELECT count(*) FROM revenue_movements_at($1)), (SELECT rollup(x) FROM (VALUES ($1), ($1)) AS v (x))'),
    ('retention_mrr', 'H', 'SELECT (SELECT count(*) FROM mrr_changes_at($1)), mrr_union($1), (SELECT count(*) FROM (SELECT mrr_movements($1, ''month; time_zone=UTC; reactivation_within=1 month'', ''[2024-01-01,2024-08-01)'') AS m) AS q, revenue_periods_at(q.m))'),
    ('retention_trials', 'T', 'SELECT (SELECT count(*) FROM trial_cells_at($1)), (SELECT rollup(x) FROM (VALUES ($1), ($1)) AS v (x))'),
    ('retention_survival', 'S', 'SELECT (SELECT count(*) FROM survival_curve($1)), median_survival($1), (SELECT rollup(x) FROM (VALUES ($1), ($1)) AS v (x))'),
    ('retention_logrank_state', 'L', NULL),
    ('retention_incidence', 'I', 'SELECT count(*) FROM incidence_curve($1)'),
    ('retention_cox_rows', 'W', NULL),
    ('retention_cox', 'X', 'SELECT cox_summary($1), (SELECT count(*) FROM cox_table($1)), (SELECT count(*) FROM cox_zph($1)), cox_predict($1, ARRAY[1, 2], 3, 1, ''basic'')'),
    ('retention_logit', 'J', 'SELECT logit_summary($1), (SELECT count(*) FROM logit_table($1))'),
    ('retention_drivers', 'D', 'SELECT driver_summary($1), (SELECT count(*) FROM driver_table($1)), (SELECT count(*) FROM driver_ranking($1))'),
    ('retention_reasons', 'Q', 'SELECT (SELECT count(*) FROM reason_table($1)), (SELECT count(*) FROM reason_shares($1))'),
    ('retention_rolling', 'Z', 'SELECT (SELECT count(*) FROM rolling_active_days($1)), (SELECT count(*) FROM power_user_curve($1))'),
    ('retention_gaps', 'G', 'SELECT usage_interval_figures($1), customer_status(activity(date ''2024-01-05'', ''day''), NULL, NULL, $1)'),
    ('retention_survival_drivers', 'Y', 'SELECT (SELECT count(*) FROM survival_driver_ranking($1)), (SELECT count(*) FROM survival_driver_table($1, ARRAY[1, 2]))'),
    ('retention_purchases', 'B', 'SELECT purchase_summary($1, ''290000-01-01''), purchases_union($1, $1), (SELECT customer_value(x) FROM (VALUES ($1), ($1)) AS v (x))'),
    ('retention_cohort_value', 'M', 'SELECT (SELECT count(*) FROM cohort_value_cells_at($1, ''cumulative'')), (SELECT rollup(x) FROM (VALUES ($1), ($1)) AS v (x))'),
    ('retention_value', 'V', 'SELECT value_figures($1), (SELECT count(*) FROM repeat_purchase_curve($1)), (SELECT rollup(x) FROM (VALUES ($1), ($1)) AS v (x))'),
    ('retention_renewals', 'N', NULL),
    ('retention_rfm_cuts', 'K', 'SELECT rfm_score($1, 1, 1, 1)');

CREATE VIEW fuzz_types AS
SELECT t.oid, t.typname, format('%I.%I', n.nspname, t.typname) AS name, t.typsend
FROM pg_type AS t
JOIN pg_namespace AS n ON n.oid = t.typnamespace
JOIN pg_depend AS d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'retention'
WHERE t.typtype = 'b' AND t.typelem = 0;

DO $$
DECLARE
    missing text;
BEGIN
    SELECT string_agg(t.name, ', ') INTO missing FROM fuzz_types AS t WHERE t.typname NOT IN (SELECT f.name FROM fuzzed AS f);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'test/fuzz/fuzz.sql does not list %', missing;
    END IF;
END $$;

-- Values to begin with. An aggregate without a final function returns its state as it is while the aggregate runs.
CREATE FUNCTION state_aggregate(name text, of regprocedure) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE (
        SELECT format('CREATE AGGREGATE %I(%s) (sfunc = %s, stype = %s)', $1, pg_get_function_identity_arguments(p.oid), a.aggtransfn, a.aggtranstype::regtype)
        FROM pg_aggregate AS a JOIN pg_proc AS p ON p.oid = a.aggfnoid WHERE a.aggfnoid = $2);
END $$;

SELECT state_aggregate('population_of_events', 'cohort_retention(bigint, date, retention_grid)'),
    state_aggregate('population_of_texts', 'cohort_retention(text, timestamptz, retention_grid, boolean, boolean)'),
    state_aggregate('population_of_uuids', 'cohort_retention(uuid, timestamp, retention_grid)'),
    state_aggregate('population_of_purchases', 'customer_value(bigint, date, numeric, retention_grid)'),
    state_aggregate('population_of_stays', 'customer_flow(bigint, date, date, retention_grid, retention_span)'),
    state_aggregate('logrank_rows', 'logrank_test(double precision, boolean, text, text)'),
    state_aggregate('cox_rows', 'cox_fit(double precision, boolean, double precision[])');

CREATE TABLE rows AS
SELECT i AS n, i % 7 AS c, date '2024-01-01' + i * 37 % 200 AS at, timestamptz '2024-03-30 12:00+00' + i * interval '7 hours 13 seconds' AS ts,
    CASE WHEN i % 3 > 0 THEN date '2024-01-01' + i * 37 % 200 + i % 50 END AS ended, (i * 31 % 40)::float8 AS time, i % 3 = 0 AS churned,
    (ARRAY['basic', 'plus', NULL, 'é'])[1 + i % 4] AS plan
FROM generate_series(1, 30) AS g (i);

CREATE TABLE seed (text text);

INSERT INTO seed
SELECT g.g FROM unnest(ARRAY['month', '28 days; time_zone=Europe/Berlin; brackets=1-3,4-10', 'day; brackets=1,3,7,14,30; cohorts=recurring; min_events=2',
    'week; week_start=sunday; time_zone=America/New_York; as_of=2026-04-01 12:30:00.5', '6 hours; windows=elapsed; time_zone=UTC', '2 weeks; origin=2020-02-29',
    'quarter; time_zone=<+05>-05', 'YEAR ; Windows = elapsed', 'mnth',
    '[2024-01-01,2024-02-01)', '["2024-01-01 12:00 Europe/Berlin",)', 'empty']) AS g (g);

INSERT INTO seed
SELECT activity(r.at, 'day; time_zone=UTC')::text FROM rows AS r GROUP BY r.c;

INSERT INTO seed
SELECT activity(r.ts, r.ts, 'hour; time_zone=Europe/Berlin; windows=elapsed; min_events=2')::text FROM rows AS r GROUP BY r.c;

INSERT INTO seed
SELECT cohort_retention(r.n, r.at, g.g)::text
FROM rows AS r, unnest('{"month; time_zone=UTC","week; time_zone=Asia/Kathmandu; brackets=1-2,4","month; time_zone=UTC; windows=elapsed","day; time_zone=UTC; cohorts=recurring; brackets=1,3-7"}'::retention_grid[]) AS g (g)
GROUP BY g.g;

INSERT INTO seed
SELECT customer_flow(r.at, r.ended, g.g, '[2024-01-01,2024-08-01)')::text
FROM rows AS r, unnest('{"month; time_zone=UTC","week; time_zone=Asia/Kathmandu; as_of=2024-06-01"}'::retention_grid[]) AS g (g)
GROUP BY g.g;

INSERT INTO seed
SELECT customer_flow(r.at, r.ended, '[2024-03-01,2024-04-01)')::text FROM rows AS r;

INSERT INTO seed
SELECT mrr_movements(r.c, r.at, r.ended, r.n * 1.5, g.g, '[2024-01-01,2024-08-01)', r.plan, r.churned)::text
FROM rows AS r, unnest('{"month; time_zone=UTC","week; time_zone=Asia/Kathmandu; as_of=2024-06-01; reactivation_within=30 days"}'::retention_grid[]) AS g (g)
GROUP BY g.g;

INSERT INTO seed
SELECT mrr_history(r.at, r.ended, r.n, r.plan, r.churned)::text FROM rows AS r GROUP BY r.c;

INSERT INTO seed
SELECT trial_conversion(r.at, r.ended, 'week; time_zone=UTC', '30 days')::text FROM rows AS r;

INSERT INTO seed
SELECT s.value FROM (
    SELECT population_of_events(r.c, r.at, 'month; time_zone=UTC') AS a, population_of_texts(r.plan, r.ts, 'hour; time_zone=UTC; windows=elapsed', r.churned, true) AS b,
        population_of_uuids(md5(r.c::text)::uuid, r.at, 'day; time_zone=UTC; brackets=1-3; cohorts=recurring') AS c,
        population_of_stays(r.c, r.at, r.ended, 'month; time_zone=UTC', '[2024-01-01,2024-08-01)') AS d,
        survival(r.time, r.churned) AS e, survival(r.time + 1, r.churned, r.time / 2, 1.5) AS f, logrank_rows(r.time, r.churned, r.plan, 'logrank') AS g,
        cumulative_incidence(r.time, r.plan) AS h, cox_rows(r.time, r.churned, ARRAY[r.n % 5, r.n % 2]) AS i, cox_fit(r.time, r.churned, ARRAY[r.n % 5, r.n % 2], 'efron', NULL, r.plan, 1.5) AS j, logit_fit(r.churned, ARRAY[r.n % 5, r.n % 2]) AS logit,
        population_of_purchases(r.n, r.at, r.c - 2.5, 'week; time_zone=UTC') AS n, purchases(r.at, r.c - 2.5, 'week; time_zone=UTC') AS o, rfm_cuts(r.n, r.c, r.c - 2.5) AS s, cohort_value(r.n, r.at, r.c - 2.5, 'month; time_zone=UTC') AS r,
        customer_value(r.n, r.ts, r.c - 2.5, 'week; time_zone=UTC; as_of=2025-01-01') AS p, customer_value(r.c::bigint, r.time, r.time + 100, 2.5) FILTER (WHERE r.c > 0) AS t,
        churn_drivers(r.churned, ROW(r.plan, r.n, r.n % 2 = 0)) AS k, churn_reasons(r.plan) AS l, survival_drivers(r.time, r.churned, ROW(r.plan, r.c)) AS m,
        usage_intervals((SELECT activity(date '2024-01-05' + r.c::int % n * n, 'day') FROM generate_series(1, 4) AS s (n))) AS gaps,
        rolling_active((SELECT activity(date '2024-01-05' + r.c::int % n * n, 'day') FROM generate_series(1, 4) AS s (n))) AS rolling
    FROM rows AS r) AS q, LATERAL json_each_text(to_json(q)) AS s;

-- The same values in each form, one a line.
CREATE FUNCTION flat_bytes(anyelement) RETURNS bytea LANGUAGE C STRICT AS '$libdir/retention', 'retention_flat_bytes';

CREATE TABLE seeds (form text, hex text);

DO $$
DECLARE
    value text;
    type fuzz_types;
BEGIN
    FOR value IN SELECT s.text FROM seed AS s LOOP
        INSERT INTO seeds VALUES ('text', encode(convert_to(value, 'UTF8'), 'hex'));
        CONTINUE WHEN value = 'mnth';
        SELECT t.* INTO type FROM fuzz_types AS t JOIN fuzzed AS f ON f.name = t.typname
        WHERE f.letter = coalesce(convert_from(decode(substring(value FROM '^(?:/\* .* \*/ )?52([0-9a-f]{2})[0-9a-f]{2}'), 'hex'), 'UTF8'),
            CASE WHEN value ~ '^([[(]|empty)' THEN '[' ELSE '' END);
        EXECUTE format('INSERT INTO seeds SELECT u.form, encode(u.bytes, ''hex'') FROM (SELECT %L::%s AS v) AS q, LATERAL (VALUES (''wire'', %s(q.v)), (''flat'', flat_bytes(q.v))) AS u (form, bytes)',
            value, type.name, type.typsend);
    END LOOP;
    EXECUTE format('COPY (SELECT form, hex FROM seeds ORDER BY form, hex) TO %L', current_setting('fuzz.seeds'));
END $$;

