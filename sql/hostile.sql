-- Bytes that nobody wrote: every stored type must answer with an error or with a value that holds together.
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
CREATE FUNCTION mutate_text(value text, use text, OUT outcome text, OUT times bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  bytes bytea := decode(value, 'hex');
  changed bytea;
  outcomes text[];
BEGIN
  FOR i IN 0 .. length(bytes) - 1 LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, get_byte(bytes, i) # 128),
        set_byte(bytes, i, 255), set_byte(bytes, i, 0), substr(bytes, 1, i), bytes || substr(bytes, i + 1, 1)] LOOP
      BEGIN
        EXECUTE format(use, quote_literal(encode(changed, 'hex')));
        outcomes := outcomes || 'a value'::text;
      EXCEPTION WHEN data_corrupted OR feature_not_supported OR invalid_text_representation OR invalid_parameter_value
          OR datetime_field_overflow OR program_limit_exceeded OR character_not_in_repertoire THEN
        outcomes := outcomes || 'an error'::text;
      END;
    END LOOP;
  END LOOP;
  RETURN QUERY SELECT o, count(*) FROM unnest(outcomes) o GROUP BY o ORDER BY o;
END $$;

CREATE FUNCTION mutate_stored(bytes bytea, use text, OUT outcome text, OUT times bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  changed bytea;
  outcomes text[];
BEGIN
  FOR i IN 0 .. length(bytes) - 1 LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, get_byte(bytes, i) # 128),
        set_byte(bytes, i, 255), set_byte(bytes, i, 127), substr(bytes, 1, i), bytes || substr(bytes, i + 1, 1)] LOOP
      BEGIN
        EXECUTE use USING changed;
        outcomes := outcomes || 'a value'::text;
      EXCEPTION WHEN data_corrupted OR feature_not_supported OR invalid_text_representation OR invalid_parameter_value
          OR datetime_field_overflow OR program_limit_exceeded OR character_not_in_repertoire THEN
        outcomes := outcomes || 'an error'::text;
      END;
    END LOOP;
  END LOOP;
  RETURN QUERY SELECT o, count(*) FROM unnest(outcomes) o GROUP BY o ORDER BY o;
END $$;

-- ---- flow ----
CREATE TABLE sample AS SELECT customer_flow(started, ended, 'month', '[2026-01-01,2026-04-01)') AS flow
FROM (VALUES (date '2025-05-05', NULL), ('2026-01-10', date '2026-02-20'), ('2026-02-03', '2026-02-09'), ('2025-01-01', '2026-03-03')) v (started, ended);
SELECT outcome, times > 100 AS many FROM sample, mutate_text(flow::text, 'SELECT use_flow(%s::retention_flow)');
SELECT outcome, times > 100 AS many FROM sample, mutate_stored(flow::bytea, 'SELECT use_flow($1::retention_flow)');
-- a value of another type, another kind of bytes, a version to come
SELECT '\x'::bytea::retention_flow;
SELECT '\x52460101'::bytea::retention_flow;
SELECT ('\x52460900'::bytea || substr(flow::bytea, 5))::retention_flow FROM sample;
SELECT ('\x52540100'::bytea || substr(flow::bytea, 5))::retention_flow FROM sample;
SELECT overlay(flow::text PLACING '09' FROM 5)::retention_flow FROM sample;
SELECT (flow::text || '00')::retention_flow FROM sample;
SELECT left(flow::text, 40)::retention_flow FROM sample;
-- movements that do not add up
SELECT overlay(flow::bytea PLACING '\x07' FROM 4 + 32 + 8 * 8)::retention_flow FROM sample;

DROP TABLE sample;
DROP FUNCTION use_flow, mutate_text, mutate_stored;
DELETE FROM pg_cast WHERE oid > 4000000000;
