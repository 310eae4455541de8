-- Corrupt bytes: every stored type must answer with an error or with a consistent value.
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET client_min_messages = warning;

-- Look at a stored value as bytes, and make one of bytes. Only a superuser can do this to a catalog.
SET allow_system_table_mods = on;
INSERT INTO pg_cast (oid, castsource, casttarget, castfunc, castcontext, castmethod)
SELECT 4000000000 + row_number() OVER (ORDER BY t.oid, way), CASE way WHEN 1 THEN 'bytea'::regtype ELSE t.oid END, CASE way WHEN 1 THEN t.oid ELSE 'bytea'::regtype END,
  0, 'e', 'b'
FROM pg_type t, generate_series(1, 2) way
WHERE typtype = 'b' AND typinput::text ~ '^retention_' AND typname <> 'retention_grid';

-- Every way a value can be used. Raises, or gives one text.
CREATE FUNCTION use_flow(f retention_flow) RETURNS text LANGUAGE sql AS $$
  SELECT concat(1 / (f::text = f::text::retention_flow::text)::int, f::text, (SELECT count(*) FROM flow_periods_at(f)),
    (SELECT rollup(x)::text FROM (VALUES (f), (f)) v (x)))
$$;

-- Outcomes of changing single bytes (each by each of some masks) and of cutting the value short.
CREATE FUNCTION mutate(bytes bytea, use text, stored boolean, OUT outcome text, OUT times bigint) RETURNS SETOF record
LANGUAGE plpgsql AS $$
DECLARE
  changed bytea;
  outcomes text[];
BEGIN
  FOR i IN 0 .. length(bytes) - 1 LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, get_byte(bytes, i) # 128),
        set_byte(bytes, i, 255), set_byte(bytes, i, CASE WHEN stored THEN 127 ELSE 0 END),
        substr(bytes, 1, i), bytes || substr(bytes, i + 1, 1)] LOOP
      BEGIN
        IF stored THEN
          EXECUTE use USING changed;
        ELSE
          EXECUTE format(use, quote_literal(encode(changed, 'hex')));
        END IF;
        outcomes := outcomes || 'a value'::text;
      EXCEPTION WHEN data_corrupted OR feature_not_supported OR invalid_text_representation OR invalid_parameter_value
          OR datetime_field_overflow OR program_limit_exceeded OR character_not_in_repertoire THEN
        outcomes := outcomes || 'an error'::text;
      END;
    END LOOP;
  END LOOP;
  RETURN QUERY SELECT o, count(*) FROM unnest(outcomes) o GROUP BY o ORDER BY o;
END $$;

-- ---- span: a range as the server stores it, or a text ----
SELECT outcome, times > 10 AS many
FROM mutate(daterange('2026-01-01', '2026-02-01')::retention_span::bytea,
  'SELECT retention_rate(date ''2026-01-01'', NULL, $1::retention_span)', true);

-- ---- flow ----
CREATE TABLE sample AS SELECT customer_flow(started, ended, 'month', '[2026-01-01,2026-04-01)') AS flow
FROM (VALUES (date '2025-05-05', NULL), ('2026-01-10', date '2026-02-20'), ('2026-02-03', '2026-02-09'), ('2025-01-01', '2026-03-03')) v (started, ended);
SELECT outcome, times > 100 AS many
FROM sample, mutate(decode(split_part(flow::text, ' ', -1), 'hex'), 'SELECT use_flow(%s::retention_flow)', false);
SELECT outcome, times > 100 AS many FROM sample, mutate(flow::bytea, 'SELECT use_flow($1::retention_flow)', true);
-- a value of another type, bytes of another kind, a later version
SELECT '\x'::bytea::retention_flow;
SELECT '\x52460101'::bytea::retention_flow;
SELECT ('\x52460900'::bytea || substr(flow::bytea, 5))::retention_flow FROM sample;
SELECT ('\x52540100'::bytea || substr(flow::bytea, 5))::retention_flow FROM sample;
SELECT overlay(split_part(flow::text, ' ', -1) PLACING '09' FROM 5)::retention_flow FROM sample;
SELECT (flow::text || '00')::retention_flow FROM sample;
SELECT left(split_part(flow::text, ' ', -1), 40)::retention_flow FROM sample;
-- movements that do not add up
SELECT overlay(flow::bytea PLACING '\x07' FROM 4 + 32 + 8 * 8)::retention_flow FROM sample;

-- ---- gaps ----
CREATE FUNCTION use_gaps(g retention_gaps) RETURNS text LANGUAGE sql AS $$
  SELECT concat(1 / (g::text = g::text::retention_gaps::text)::int, usage_interval_figures(g), (SELECT rollup(x)::text FROM (VALUES (g), (g)) v (x)),
    (SELECT customer_status(activity(date '2026-01-01', 'day'), '2026-03-01', NULL, g)))
$$;
CREATE TABLE gaps AS SELECT usage_intervals(a) AS g FROM (SELECT c, activity(date '2026-01-01' + c * d, 'day') AS a FROM generate_series(1, 7) c, generate_series(1, 4) d GROUP BY c) q;
SELECT outcome, times > 100 AS many FROM gaps, mutate(decode(split_part(g::text, ' ', -1), 'hex'), 'SELECT use_gaps(%s::retention_gaps)', false);
SELECT outcome, times > 100 AS many FROM gaps, mutate(g::bytea, 'SELECT use_gaps($1::retention_gaps)', true);
-- a second gap without a first, a usual gap without a gap, a gap of nobody, a gap of no days
SELECT '5247010664617902040602'::retention_gaps;
SELECT '5247010664617902000402'::retention_gaps;
SELECT '5247010664617902020600'::retention_gaps;
SELECT '5247010664617902020002'::retention_gaps;

-- ---- active customers ----
CREATE FUNCTION use_rolling(r retention_rolling) RETURNS text LANGUAGE sql AS $$
  SELECT concat(1 / (r::text = r::text::retention_rolling::text)::int, (SELECT count(*) FROM rolling_active_days(r)), (SELECT count(*) FROM power_user_curve(r)),
    (SELECT rollup(x)::text FROM (VALUES (r), (r)) v (x)))
$$;
CREATE TABLE rolling AS SELECT rolling_active(a) AS r FROM (SELECT c, activity(date '2026-01-01' + c * d, 'day') AS a FROM generate_series(1, 7) c, generate_series(1, 9) d GROUP BY c) q;
SELECT outcome, times > 100 AS many FROM rolling, mutate(decode(split_part(r::text, ' ', -1), 'hex'), 'SELECT use_rolling(%s::retention_rolling)', false);
SELECT outcome, times > 100 AS many FROM rolling, mutate(r::bytea, 'SELECT use_rolling($1::retention_rolling)', true);

DROP TABLE sample, gaps, rolling;
DROP FUNCTION use_flow, use_gaps, use_rolling, mutate;
DELETE FROM pg_cast WHERE oid > 4000000000;

-- ---- Invalid input: 22P02 for text, 22P03 for bytes of a client, 0A000 for a later version ----
CREATE FUNCTION outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE query;
  RETURN 'fine';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
CREATE FUNCTION received(type regtype, bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  file text := current_setting('data_directory') || '/retention_hostile.copy';
  code text;
BEGIN
  EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', bytes, file);
  EXECUTE format('CREATE TEMP TABLE received (v %s)', type);
  code := outcome(format('COPY received FROM %L (FORMAT binary)', file));
  EXECUTE format('COPY (SELECT) TO %L', file);
  DROP TABLE received;
  RETURN code;
END $$;
SELECT type, string_agg(outcome(format('SELECT %L::%s', value, type)), ' ' ORDER BY n) AS texts,
  string_agg(received(type, decode(value, 'hex')), ' ' ORDER BY n) FILTER (WHERE n > 1) AS bytes
FROM (VALUES ('retention_activity'::regtype, 'A'), ('retention_revenue', 'U'), ('retention_mrr', 'H'), ('retention_trials', 'T'), ('retention_cohorts', 'C'), ('retention_flow', 'F'), ('retention_internal.retention_population', 'P'),
    ('retention_survival', 'S'), ('retention_internal.retention_logrank_state', 'L'), ('retention_incidence', 'I'), ('retention_internal.retention_cox_rows', 'W'),
    ('retention_cox', 'X'), ('retention_logit', 'J'), ('retention_drivers', 'D'), ('retention_reasons', 'Q'), ('retention_survival_drivers', 'Y'),
    ('retention_purchases', 'B'), ('retention_value', 'V'), ('retention_gaps', 'G'), ('retention_cohort_value', 'M'),
    ('retention_internal.retention_renewals', 'N'), ('retention_rfm_cuts', 'K'), ('retention_rolling', 'Z')) t (type, letter),
  LATERAL (SELECT '52' || to_hex(ascii(letter)) || '01' AS marks) m,
  LATERAL (VALUES (1, 'not digits'), (2, ''), (3, '52'), (4, '5200'), (5, marks), (6, marks || '000000')) v (n, value)
GROUP BY type ORDER BY type::text COLLATE "C";
-- every type is in that list but the grid and the span, whose texts are their own
SELECT count(*) AS types FROM pg_type t JOIN pg_depend d ON objid = t.oid AND deptype = 'e' JOIN pg_extension e ON e.oid = refobjid AND extname = 'retention'
WHERE typtype = 'b' AND typelem = 0;
SELECT outcome('SELECT retention_grid ''''') AS nothing, outcome('SELECT retention_grid ''mnth''') AS word, outcome('SELECT retention_grid ''0 days''') AS number;
SELECT outcome('SELECT retention_span ''''') AS nothing, outcome('SELECT retention_span ''month''') AS word,
  outcome('SELECT retention_span ''[2026-01-01,2026-02-01''') AS unclosed,
  outcome(format('SELECT retention_span ''[%s,)''', repeat('9', 200))) AS too_long;

-- ---- What can be stored can be read: moments at the ends of their types, in zones that lead beyond them ----
CREATE FUNCTION stored(query text, type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  written text;
  again text;
BEGIN
  BEGIN
    EXECUTE query INTO written;
  EXCEPTION WHEN datetime_field_overflow OR program_limit_exceeded THEN
    RETURN 'refused';
  END;
  EXECUTE format('SELECT %L::%s::text', written, type) INTO again;
  RETURN CASE WHEN again = written THEN 'read again' ELSE 'another value' END;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || query;
END $$;
-- thousands of queries: workers would only take longer
SET max_parallel_workers_per_gather = 0;
CREATE TABLE moment AS SELECT * FROM (VALUES
  ('date', '4714-11-24 BC'), ('date', '5874897-12-31'), ('date', '294276-12-31'), ('date', '2020-01-01'),
  ('timestamp', '4714-11-24 00:00:00 BC'), ('timestamp', '294276-12-31 23:59:59.999999'), ('timestamp', '2020-01-01'),
  ('timestamptz', '4714-11-24 00:00:00+00 BC'), ('timestamptz', '294276-12-31 23:59:59.999999+00'), ('timestamptz', '2020-01-01')) v (type, value);
SELECT s.kind, outcome, count(*) > 20 AS many FROM moment a, moment b, unnest('{month,hour,month; windows=elapsed,day; cohorts=recurring}'::text[]) u,
  unnest('{UTC,America/New_York,Asia/Tokyo}'::text[]) z, (VALUES ('activity', ''), ('cohort', '1::bigint, ')) s (kind, customer),
  LATERAL (SELECT stored(format('SELECT %s(%s%s %L, %s %L, %L)::text', CASE kind WHEN 'cohort' THEN 'cohort_retention' ELSE kind END, customer, a.type, a.value,
      b.type, b.value, u || '; time_zone=' || z), CASE kind WHEN 'cohort' THEN 'retention_cohorts' ELSE 'retention_activity' END) AS outcome OFFSET 0) o
WHERE u <> 'hour' OR 'date' NOT IN (a.type, b.type) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT outcome('SELECT cohort_retention(1::bigint, timestamptz ''4714-11-24 00:00:00+00 BC'', date ''2020-01-01'', ''month; time_zone=America/New_York'')') AS before_all_days;
RESET max_parallel_workers_per_gather;
DROP TABLE moment;
DROP FUNCTION stored, received, outcome;
