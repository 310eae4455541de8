-- Values of stored types: what their text says, when two of them are equal, and how they sort.
SET datestyle = 'ISO';
SET timezone = 'UTC';
CREATE SCHEMA stored_types;
SET search_path = stored_types, public;

CREATE TABLE customer WITH (autovacuum_enabled = off) AS
SELECT i AS c, date '2024-01-01' + i * 37 % 200 AS started,
  CASE WHEN i % 3 > 0 THEN date '2024-01-01' + i * 37 % 200 + i % 50 END AS ended,
  (i * 31 % 40)::float8 AS time, i % 3 = 0 AS churned, (ARRAY['basic', 'plus', NULL, 'é'])[1 + i % 4] AS plan
FROM generate_series(1, 3000) i;
ANALYZE customer;

-- By type: an answer over the customers, and the aggregate that adds answers over some of them each.
CREATE TABLE sample (type text, answer text, sum text);
INSERT INTO sample VALUES
  ('retention_activity', $$activity(started, 'day; min_events=3')$$, 'activity_union'),
  ('retention_cohorts', $$cohort_retention(c % 700, started, 'month; windows=elapsed')$$, 'rollup'),
  ('retention_flow', $$customer_flow(started, ended, 'week', '[2024-01-01,2024-09-01)')$$, 'rollup'),
  ('retention_revenue', $$mrr_movements(c % 700, started, ended, c % 7 * 1.25, 'month', '[2024-01-01,2024-09-01)', plan)$$, 'rollup'),
  ('retention_mrr', $$mrr_history(started, ended, c % 7 * 1.25, plan)$$, 'mrr_union'),
  ('retention_trials', $$trial_conversion(started, ended, 'week', '14 days')$$, 'rollup'),
  ('retention_survival', $$survival(time + 1, churned, time / 2, 1.5)$$, 'rollup'),
  ('retention_incidence', $$cumulative_incidence(time, plan)$$, 'rollup'),
  ('retention_logit', $$logit_fit(churned, ARRAY[(c % 5)::float8, c % 2])$$, NULL),
  ('retention_cox', $$cox_fit(time, churned, ARRAY[(c % 5)::float8, c % 2])$$, NULL),
  ('retention_drivers', $$churn_drivers(churned, ROW(plan, c, c % 2 = 0))$$, 'rollup'),
  ('retention_reasons', $$churn_reasons(plan)$$, 'rollup'),
  ('retention_rolling', $$rolling_active((SELECT activity(started + c % n * n, 'day') FROM generate_series(1, 3) n))$$, 'rollup'),
  ('retention_gaps', $$usage_intervals((SELECT activity(started + c % n * n, 'day') FROM generate_series(1, 3) n))$$, 'rollup'),
  ('retention_survival_drivers', $$survival_drivers(time, churned, ROW(plan, c % 20))$$, 'rollup'),
  ('retention_purchases', $$purchases(started, c % 50 - 5, 'week')$$, 'purchases_union'),
  ('retention_value', $$customer_value(c % 7, c % 7, c, c % 50 - 5)$$, 'rollup'),
  ('retention_cohort_value', $$cohort_value(c % 700, started, c % 50 - 5, 'week')$$, 'rollup'),
  ('retention_rfm_cuts', $$rfm_cuts(c % 40, c % 7, c % 50 - 5)$$, NULL),
  ('retention_grid', $$retention_grid(min(c) || ' days')$$, NULL);
-- every type is one of them, or a state or an argument that nobody keeps
SELECT t.oid::regtype AS type, count(opcdefault) AS operator_classes
FROM pg_type t JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
  JOIN pg_extension e ON e.oid = d.refobjid AND extname = 'retention'
  LEFT JOIN pg_opclass ON opcintype = t.oid AND opcdefault
WHERE typtype = 'b' AND typelem = 0 AND t.oid::regtype::text NOT IN (SELECT type FROM sample)
GROUP BY 1 ORDER BY t.oid::regtype::text COLLATE "C";

-- Each answer in the ways in which it can come about: from rows in another order, from workers, from parts, through
-- text and bytes, and as the state of an aggregate without a final function, which may be a log or a hash table.
CREATE FUNCTION make(type text, answer text, sum text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  file text := current_setting('data_directory') || '/retention_stored_types.copy';
  name text := substring(answer, '^\w+');
  way text[];
  of record;
BEGIN
  EXECUTE format('CREATE TABLE %1$s_value (way text, v %1$s)', type);
  PERFORM set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true),
    set_config('min_parallel_table_scan_size', '0', true), set_config('retention.enable_batch_scan', 'off', true);
  FOREACH way SLICE 1 IN ARRAY ARRAY[
      ['serial', '0', answer, 'customer'],
      ['another order', '0', answer, '(SELECT * FROM customer ORDER BY plan, c DESC) q'],
      ['parallel', '2', answer, 'customer'],
      ['sum', '0', sum || '(a)', format('(SELECT %s AS a FROM customer GROUP BY c %% 7) q', answer)],
      ['text', '0', format('(%s)::text::%s', answer, type), 'customer'],
      ['fewer', '0', answer, 'customer WHERE c > 1'],
      ['nothing', '0', answer, 'customer WHERE c < 1']] LOOP
    CONTINUE WHEN way[3] IS NULL;
    PERFORM set_config('max_parallel_workers_per_gather', way[2], true);
    EXECUTE format('CREATE TABLE one AS SELECT %s AS v FROM %s', way[3], way[4]);
    EXECUTE format('INSERT INTO %s_value SELECT %L, v FROM one', type, way[1]);
    DROP TABLE one;
  END LOOP;
  FOR of IN SELECT aggtransfn, pg_get_function_identity_arguments(p.oid) AS arguments
      FROM pg_proc p JOIN pg_aggregate a ON a.aggfnoid = p.oid
      WHERE p.proname = name AND aggtranstype = type::regtype AND aggfinalfn <> 0 LOOP
    EXECUTE format('CREATE AGGREGATE unfinished_%s(%s) (SFUNC = %s, STYPE = %s)',
      name, of.arguments, of.aggtransfn, type);
  END LOOP;
  IF of IS NOT NULL THEN
    EXECUTE format('INSERT INTO %s_value SELECT ''unfinished'', unfinished_%s FROM customer', type, answer);
  END IF;
  EXECUTE format('COPY (SELECT ''bytes'', v FROM %s_value WHERE way = ''serial'') TO %L (FORMAT binary)', type, file);
  EXECUTE format('COPY %s_value FROM %L (FORMAT binary)', type, file);
  EXECUTE format('COPY (SELECT) TO %L', file);
END $$;
SELECT count(make(type, answer, sum)) FROM sample;

-- ---- Equality: the digits of the text are the same ----
CREATE FUNCTION compare(type text, OUT equal text, OUT hashes bigint, OUT another text, OUT in_order boolean)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT
      string_agg(a.way, '', '' ORDER BY a.way COLLATE "C") FILTER (WHERE a.v = b.v AND NOT a.v <> b.v),
      count(DISTINCT retention_internal.%1$s_hash(a.v)) FILTER (WHERE a.v = b.v),
      string_agg(a.way, '', '') FILTER (WHERE a.v <> b.v AND NOT a.v = b.v),
      bool_and((a.v < b.v) = (b.v > a.v) AND (a.v <= b.v) = NOT (a.v > b.v) AND (a.v >= b.v) = NOT (a.v < b.v)
        AND sign(retention_internal.%1$s_cmp(a.v, b.v)) = (a.v > b.v)::int - (a.v < b.v)::int)
    FROM %1$s_value a, %1$s_value b WHERE b.way = ''serial''', type) INTO equal, hashes, another, in_order;
END $$;
SELECT type, c.* FROM sample, compare(type) c ORDER BY type COLLATE "C";
-- what SQL makes of it, by hashing and by sorting
CREATE FUNCTION use_equality(type text, OUT "distinct" bigint, OUT counted bigint, OUT "except" bigint,
  OUT joined bigint) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT (SELECT count(*) FROM (SELECT DISTINCT v FROM %1$s_value) q),
    (SELECT count(DISTINCT v) FROM %1$s_value),
    (SELECT count(*) FROM (SELECT v FROM %1$s_value EXCEPT SELECT v FROM %1$s_value WHERE way = ''serial'') q),
    (SELECT count(*) FROM %1$s_value a JOIN %1$s_value b USING (v) WHERE b.way = ''fewer'')', type)
  INTO "distinct", counted, "except", joined;
END $$;
SELECT type, u.* FROM sample, use_equality(type) u ORDER BY type COLLATE "C";
SET enable_hashagg = off;
SET enable_hashjoin = off;
SELECT type, u.* FROM sample, use_equality(type) u ORDER BY type COLLATE "C";
RESET enable_hashagg;
RESET enable_hashjoin;
-- many comparisons in one sort
SELECT count(*), count(DISTINCT a) FROM (SELECT activity(started, 'day') AS a FROM customer GROUP BY c % 1500) q;

-- ---- Text: a comment for people, then the digits that are the value ----
CREATE FUNCTION reads(type text, value text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT v::text FROM (SELECT %L::%s AS v) q', value, type) INTO value;
  RETURN value;
EXCEPTION WHEN invalid_text_representation THEN
  RETURN 'refused';
END $$;
CREATE FUNCTION texts(type text) RETURNS TABLE (text text) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format('SELECT v::text FROM %s_value WHERE way = ''serial''', type);
END $$;
-- the comment may say anything, or be missing; the value is written with the right one again
SELECT split_part(text, '*/', 1) AS comment, reads(type, digits) = text AS no_comment,
  reads(type, '/* of ''day'', /* 7 cohorts *//; \ */ ' || digits) = text AS lies,
  string_agg(prefix, ',') FILTER (WHERE reads(type, prefix || digits) <> 'refused') AS read,
  reads(type, text || '00') AS longer, reads(type, left(text, -2)) AS shorter
FROM sample, texts(type), split_part(text, ' ', -1) AS digits, unnest(ARRAY['/* ', '/**/', '/* x*/', '/* x */',
  '/* x */  ', '/* */ ', ' /* x */ ', '/* x */ /* y */ ', '*/ ', '-- x ']) AS prefix
WHERE type <> 'retention_grid' GROUP BY type, text, digits ORDER BY type COLLATE "C";
SELECT customer_flow(started, ended, '[2024-01-01,2024-01-08)') AS flow FROM customer WHERE c = 1;
SELECT activity(started, 'month') FROM customer WHERE c = 1;
-- it depends on no setting of the session
SET datestyle = 'German';
SET timezone = 'Asia/Tokyo';
SET extra_float_digits = 0;
SELECT type, count(t.text) FROM sample, texts(type) t WHERE t.text = reads(type, t.text)
GROUP BY type ORDER BY type COLLATE "C";
SET datestyle = 'ISO';
SET timezone = 'UTC';

-- ---- Corrupt bytes are refused where they are compared, too ----
SET client_min_messages = warning;
SET allow_system_table_mods = on;
SET max_parallel_workers_per_gather = 0; -- thousands of small queries
INSERT INTO pg_cast (oid, castsource, casttarget, castfunc, castcontext, castmethod)
SELECT 4200000000 + row_number() OVER (ORDER BY t.oid, way), CASE way WHEN 1 THEN 'bytea'::regtype ELSE t.oid END,
  CASE way WHEN 1 THEN t.oid ELSE 'bytea'::regtype END, 0, 'e', 'b'
FROM pg_type t, generate_series(1, 2) way
WHERE t.oid::regtype::text IN (SELECT type FROM sample WHERE type <> 'retention_grid');
CREATE FUNCTION mutate(type text) RETURNS TABLE (outcome text) LANGUAGE plpgsql AS $$
DECLARE
  bytes bytea;
  changed bytea;
BEGIN
  EXECUTE format('SELECT v::bytea FROM %s_value WHERE way = ''bytes''', type) INTO bytes;
  FOR i IN 0 .. least(length(bytes) - 1, 150) LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, 255),
        substr(bytes, 1, i)] LOOP
      CONTINUE WHEN changed = bytes;
      BEGIN
        EXECUTE format('SELECT CASE
            WHEN a = a AND a <> v AND (a < v) = (v > a) AND retention_internal.%1$s_hash(a) IS NOT NULL
            THEN ''another value'' ELSE ''nonsense'' END
          FROM %1$s_value, (SELECT $1::%1$s AS a) q WHERE way = ''serial''', type) INTO outcome USING changed;
      EXCEPTION WHEN data_corrupted OR feature_not_supported OR invalid_parameter_value OR program_limit_exceeded
          OR datetime_field_overflow OR character_not_in_repertoire THEN
        outcome := 'an error';
      END;
      RETURN NEXT;
    END LOOP;
  END LOOP;
END $$;
SELECT type, outcome, count(*) > 20 AS many FROM sample, mutate(type) WHERE type <> 'retention_grid'
GROUP BY 1, 2 ORDER BY type COLLATE "C", outcome;
DELETE FROM pg_cast WHERE oid > 4200000000;
DROP SCHEMA stored_types CASCADE;
