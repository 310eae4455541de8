-- Any role may make an aggregate that passes any value of a state type to our functions, as the state to be changed:
-- compressed, out of line, with a short header, of another kind. The answer must be that of the value, or an error.
SET client_min_messages = warning;
SET timezone = 'UTC';
-- thousands of queries: workers would only take longer
SET max_parallel_workers_per_gather = 0;
CREATE ROLE regress_untrusted;
CREATE SCHEMA untrusted AUTHORIZATION regress_untrusted;
SET ROLE regress_untrusted;
SET search_path = untrusted, public;

-- By state type: its combine function, and transition functions with the arguments of a row.
CREATE TABLE states (type text, combine text, transition text, arguments text, value text);
INSERT INTO states
SELECT type, 'retention_internal.' || combine, 'retention_internal.' || transition, arguments, value FROM (VALUES
  ('retention_flow', 'flow_combine', 'flow_pair_transfn', 'date, date, retention_span',
    $$date '2020-01-05', date '2020-01-20', daterange('2020-01-01', '2020-02-01')$$),
  ('retention_flow', 'flow_combine', 'flow_pair_grid_transfn', 'date, date, retention_grid, retention_span',
    $$date '2020-01-05', date '2020-02-20', retention_grid('month'), daterange('2020-01-01', '2021-01-01')$$),
  ('retention_flow', 'flow_combine', 'flow_range_transfn', 'daterange, retention_span',
    $$daterange('2020-01-05', '2020-01-20'), daterange('2020-01-01', '2020-02-01')$$),
  ('retention_flow', 'flow_combine', 'flow_multirange_transfn', 'datemultirange, retention_span',
    $$datemultirange(daterange('2020-01-05', '2020-01-20')), daterange('2020-01-01', '2020-02-01')$$),
  ('retention_revenue', 'revenue_combine', 'mrr_facts_transfn', 'retention_mrr, retention_grid, retention_span',
    $$(SELECT mrr_history(date '2020-01-05', date '2020-02-20', 9.5, 'EUR')), retention_grid('quarter'), daterange('2020-01-01', '2021-01-01')$$),
  ('retention_internal.retention_population', 'population_combine', 'mrr_bigint_date_transfn', 'bigint, date, date, numeric, retention_grid, retention_span',
    $$7::bigint, date '2020-01-05', date '2020-01-20', 9.5, retention_grid('month'), daterange('2020-01-01', '2021-01-01')$$),
  ('retention_internal.retention_population', 'population_combine', 'mrr_text_date_currency_transfn',
    'text, date, date, numeric, retention_grid, retention_span, text',
    $$'seven'::text, date '2020-01-05', date '2020-01-20', 9.5, retention_grid('month'), daterange('2020-01-01', '2021-01-01'), 'EUR'::text$$),
  ('retention_internal.retention_population', 'population_combine', 'mrr_history_transfn', 'date, date, numeric', $$date '2020-01-05', date '2020-01-20', 9.5$$),
  ('retention_internal.retention_population', 'population_combine', 'mrr_history_currency_transfn', 'date, date, numeric, text',
    $$date '2020-01-05', date '2020-01-20', 9.5, 'EUR'::text$$),
  ('retention_internal.retention_population', 'population_combine', 'mrr_history_reason_transfn', 'date, date, numeric, text, boolean',
    $$date '2020-01-05', date '2020-01-20', 9.5, 'EUR'::text, true$$),
  ('retention_internal.retention_population', 'population_combine', 'mrr_union_transfn', 'retention_mrr', $$(SELECT mrr_history(date '2020-01-05', NULL, 9.5))$$),
  ('retention_trials', 'trials_combine', 'trial_conversion_transfn', 'date, date, retention_grid, interval',
    $$date '2020-01-05', date '2020-01-20', retention_grid('month'), interval '14 days'$$),
  ('retention_trials', 'trials_combine', 'up_for_renewal_transfn', 'date, date, retention_grid, interval',
    $$date '2020-01-05', date '2020-01-20', retention_grid('month; as_of=2021-01-01'), interval '14 days'$$),
  ('retention_activity', 'activity_combine', 'activity_transfn', 'date, retention_grid', $$date '2020-01-05', retention_grid('day')$$),
  ('retention_activity', 'activity_combine', 'activity_anchor_transfn', 'date, date, retention_grid',
    $$date '2020-01-05', date '2020-01-07', retention_grid('day')$$),
  ('retention_activity', 'activity_combine', 'activity_flags_transfn', 'date, retention_grid, boolean, boolean',
    $$date '2020-01-05', retention_grid('day'), true, false$$),
  ('retention_internal.retention_population', 'population_combine', 'cohort_transfn', 'bigint, date, retention_grid',
    $$7::bigint, date '2020-01-05', retention_grid('month')$$),
  ('retention_internal.retention_population', 'population_combine', 'cohort_transfn', 'text, date, retention_grid',
    $$'seven'::text, date '2020-01-05', retention_grid('month')$$),
  ('retention_internal.retention_population', 'population_combine', 'cohort_transfn', 'retention_activity',
    $$(SELECT activity(date '2020-01-05', 'day'))$$),
  ('retention_internal.retention_population', 'population_combine', 'cohort_rate_transfn', 'uuid, date, retention_span, retention_span',
    $$'00000000-0000-0000-0000-000000000007'::uuid, date '2020-01-05', daterange('2020-01-01', '2020-02-01'), daterange('2020-02-01', '2020-03-01')$$),
  ('retention_internal.retention_population', 'population_combine', 'flow_bigint_date_transfn', 'bigint, date, date, retention_span',
    $$7::bigint, date '2020-01-05', date '2020-01-20', daterange('2020-01-01', '2020-02-01')$$),
  ('retention_internal.retention_population', 'population_combine', 'survival_bigint_date_transfn', 'bigint, date, date, date',
    $$7::bigint, date '2020-01-05', date '2020-01-20', date '2021-01-01'$$),
  ('retention_internal.retention_population', 'population_combine', 'population_events_transfn',
    'bigint, bigint, integer, integer, numeric, integer', $$7::bigint, 5::bigint, 1, 1, 2.5, 1$$),
  ('retention_internal.retention_population', 'population_combine', 'customer_value_transfn', 'bigint, date, numeric, retention_grid',
    $$7::bigint, date '2020-01-05', 2.5, retention_grid('month')$$),
  ('retention_internal.retention_population', 'population_combine', 'customer_value_transfn', 'retention_purchases',
    $$(SELECT purchases(date '2020-01-05', 2.5, 'month'))$$),
  ('retention_internal.retention_population', 'population_combine', 'cohort_value_transfn', 'bigint, date, numeric, retention_grid',
    $$7::bigint, date '2020-01-05', 2.5, retention_grid('month')$$),
  ('retention_internal.retention_population', 'population_combine', 'cohort_value_transfn', 'bigint, timestamp, numeric, retention_grid, boolean, boolean',
    $$7::bigint, timestamp '2020-01-05', 2.5, retention_grid('month'), true, true$$),
  ('retention_cohort_value', 'cohort_value_combine', 'cohort_value_combine', 'retention_cohort_value',
    $$(SELECT cohort_value(i % 9, date '2020-01-01' + i::int, i - 5, 'month') FROM generate_series(1::bigint, 99) i)$$),
  ('retention_internal.retention_population', 'population_combine', 'rfm_cuts_transfn', 'double precision, bigint, numeric', $$7.5, 3::bigint, 20.25$$),
  ('retention_purchases', 'purchases_combine', 'purchases_transfn', 'date, numeric, retention_grid', $$date '2020-01-05', -2.5, retention_grid('month')$$),
  ('retention_value', 'value_combine', 'customer_value_transfn', 'bigint, double precision, double precision, numeric', $$2::bigint, 1.5, 7, 20.25$$),
  ('retention_value', 'value_combine', 'value_combine', 'retention_value',
    $$(SELECT customer_value(i % 9, date '2020-01-01' + i::int, i - 5, 'month') FROM generate_series(1::bigint, 99) i)$$),
  ('retention_cohorts', 'cohort_combine', 'cohort_combine', 'retention_cohorts',
    $$(SELECT cohort_retention(i % 9, date '2020-01-01' + i, 'month') FROM generate_series(1, 99) i)$$),
  ('retention_survival', 'survival_combine', 'survival_transfn', 'double precision, boolean', $$7, true$$),
  ('retention_survival', 'survival_combine', 'survival_date_transfn', 'date, date, date', $$date '2020-01-05', NULL, date '2021-01-01'$$),
  ('retention_incidence', 'incidence_combine', 'incidence_transfn', 'double precision, text', $$7, 'price'$$),
  ('retention_internal.retention_logrank_state', 'logrank_combine', 'logrank_transfn', 'double precision, boolean, text', $$7, true, 'a'$$),
  ('retention_internal.retention_cox_rows', 'cox_combine', 'cox_transfn', 'double precision, boolean, double precision[]', $$7, true, ARRAY[1.5]$$),
  ('retention_internal.retention_cox_rows', 'cox_combine', 'logit_transfn', 'boolean, double precision[]', $$true, ARRAY[1.5]$$),
  ('retention_drivers', 'drivers_combine', 'drivers_record_transfn', 'boolean, record', $$true, ROW('gold'::text, 3)$$),
  ('retention_drivers', 'drivers_combine', 'drivers_text_transfn', 'boolean, text', $$true, 'gold'::text$$),
  ('retention_reasons', 'reasons_combine', 'reasons_transfn', 'text', $$'price'::text$$),
  ('retention_reasons', 'reasons_combine', 'top_values_transfn', 'text, integer', $$'price'::text, 3$$),
  ('retention_rolling', 'rolling_combine', 'rolling_transfn', 'retention_activity', $$(SELECT activity(date '2020-01-05' + i, 'day') FROM generate_series(1, 3) i)$$),
  ('retention_gaps', 'gaps_combine', 'gaps_transfn', 'retention_activity', $$(SELECT activity(date '2020-01-05' + i, 'day') FROM generate_series(1, 3) i)$$),
  ('retention_survival_drivers', 'survival_drivers_combine', 'survival_drivers_record_transfn', 'double precision, boolean, record',
    $$7, true, ROW('gold'::text, 3)$$),
  ('retention_internal.retention_population', 'population_combine', 'model_comparison_transfn', 'bigint, date, numeric, retention_grid, date',
    $$7::bigint, date '2020-01-05', 2.5, retention_grid('week'), date '2020-03-01'$$),
  ('retention_internal.retention_renewals', 'renewals_combine', 'renewals_transfn', 'text, integer, bigint', $$'spring', 1, 7::bigint$$)) v (type, combine, transition, arguments, value);
-- every transition and combine function is one of them, or the same C code for another type of time or customer; the
-- state of active_customers is a number, which nobody changes in place
SELECT DISTINCT p.oid::regproc::text AS untried FROM pg_aggregate a JOIN pg_proc p ON p.oid IN (aggtransfn, aggcombinefn)
WHERE p.pronamespace = 'retention_internal'::regnamespace AND p.oid::regproc::text NOT IN (SELECT transition FROM states UNION SELECT combine FROM states)
  AND p.oid::regproc::text !~ '\.(flow_((bigint|uuid|text|numeric)_|(multi)?range_grid_)|mrr_(bigint|uuid|text|numeric)_|survival_(bigint|uuid|text|numeric|timestamp)|(survival_)?drivers_[a-z]+_transfn|[a-z_]+_(any|single)_transfn|active_customers_(transfn|combine))' ORDER BY 1;

-- A state comes from a table, in each way in which a table can store it, and is then changed by a transition function (as
-- the inverse function of a moving aggregate) or by a combine function: as the aggregate had it, hashed or with a log, and
-- as it is written.
CREATE FUNCTION bring(s states) RETURNS TABLE (form text, storage text, added boolean, combined boolean, compression text, out_of_line boolean) LANGUAGE plpgsql AS $$
DECLARE
  moves text := 'FROM generate_series(1, 4) i WINDOW w AS (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)';
  -- neither is planned as a constant, which would detoast it
  body text := '$f$ BEGIN IF $1 IS NOT NULL THEN RETURN $1; END IF; RETURN (SELECT v FROM held); END $f$';
  expected text;
  found text[];
BEGIN
  -- a row that is too long for a page to keep v in it, where v may be moved
  EXECUTE format('CREATE TABLE held (filler text, v %s)', s.type);
  ALTER TABLE held ALTER COLUMN filler SET STORAGE plain, SET (toast_tuple_target = 128);
  EXECUTE format('CREATE AGGREGATE made(%s) (SFUNC = %s, STYPE = %s)', s.arguments, s.transition, s.type);
  EXECUTE format('CREATE AGGREGATE summed(%s) (SFUNC = %s, STYPE = %1$s)', s.type, s.combine);
  EXECUTE format('CREATE FUNCTION held_row(%1$s, %2$s) RETURNS %1$s LANGUAGE plpgsql AS %3$s', s.type, s.arguments, body);
  EXECUTE format('CREATE FUNCTION held_state(%1$s, %1$s) RETURNS %1$s LANGUAGE plpgsql AS %2$s', s.type, body);
  EXECUTE format('CREATE AGGREGATE moved_row(%2$s) (SFUNC = held_row, STYPE = %1$s, MSFUNC = held_row, MINVFUNC = %3$s, MSTYPE = %1$s)',
    s.type, s.arguments, s.transition);
  EXECUTE format('CREATE AGGREGATE moved_state(%1$s) (SFUNC = held_state, STYPE = %1$s, MSFUNC = held_state, MINVFUNC = %2$s, MSTYPE = %1$s)',
    s.type, s.combine);
  FOREACH form IN ARRAY ARRAY['unfinished', 'written'] LOOP
    FOREACH storage IN ARRAY ARRAY['plain', 'main', 'external', 'extended'] LOOP
      TRUNCATE held;
      EXECUTE format('ALTER TABLE held ALTER COLUMN v SET STORAGE %s', storage);
      EXECUTE format('INSERT INTO held SELECT repeat(''x'', 2500), made(%s)%s FROM generate_series(1, 3) i', s.value,
        CASE form WHEN 'written' THEN '::text::' || s.type ELSE '' END);
      EXECUTE format('SELECT summed(x)::text FROM (SELECT v FROM held UNION ALL SELECT made(%1$s) UNION ALL SELECT made(%1$s)) u (x)', s.value)
      INTO expected;
      EXECUTE format('SELECT array_agg(x::text ORDER BY i) FROM (SELECT i, moved_row(%s) OVER w AS x %s) q', s.value, moves) INTO found;
      added := found[4] = expected AND found[1] <> expected;
      EXECUTE format('SELECT array_agg(x::text ORDER BY i) FROM (SELECT i, moved_state((SELECT made(%s))) OVER w AS x %s) q', s.value, moves) INTO found;
      combined := found[4] = expected AND found[1] <> expected;
      compression := (SELECT pg_column_compression(v) FROM held);
      out_of_line := pg_relation_size((SELECT reltoastrelid FROM pg_class WHERE oid = 'held'::regclass)) > 0;
      RETURN NEXT;
    END LOOP;
  END LOOP;
  DROP ROUTINE moved_row, moved_state, held_row, held_state, made, summed;
  DROP TABLE held;
END $$;
SELECT s.transition, s.arguments, bool_and(added) AS added, bool_and(combined) AS combined,
  count(*) FILTER (WHERE storage = 'extended' AND compression IS NOT NULL) AS compressed, count(*) FILTER (WHERE out_of_line) AS out_of_line
FROM states s, bring(s) b GROUP BY 1, 2 ORDER BY s.transition COLLATE "C", s.arguments COLLATE "C";

-- the statement that ended the server
CREATE TABLE flows AS SELECT n, customer_flow(daterange('2020-01-01', date '2020-01-01' + g * n), 'day', daterange('2020-01-01', '2021-01-01')) f
FROM generate_series(1, 100) g, generate_series(1, 3) n GROUP BY n;
CREATE FUNCTION pick(retention_flow, retention_flow) RETURNS retention_flow LANGUAGE sql AS 'SELECT $2';
CREATE AGGREGATE evil(retention_flow) (SFUNC = pick, STYPE = retention_flow,
  MSFUNC = pick, MINVFUNC = retention_internal.flow_combine, MSTYPE = retention_flow);
SELECT n, evil(f) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)::text = f::text AS same FROM flows;

-- a state of another aggregate is refused, wherever it comes from: errors show both, and no bytes of the server
CREATE FUNCTION refusal(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE query;
  RETURN 'none';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE TYPE letter AS ENUM ('a');
CREATE TABLE population (n int, p retention_internal.retention_population);
CREATE AGGREGATE of_cohorts(bigint, date, retention_grid) (SFUNC = retention_internal.cohort_transfn, STYPE = retention_internal.retention_population);
CREATE AGGREGATE of_texts(text, date, retention_grid) (SFUNC = retention_internal.cohort_transfn, STYPE = retention_internal.retention_population);
CREATE AGGREGATE of_flow(bigint, date, date, retention_span) (SFUNC = retention_internal.flow_bigint_date_transfn, STYPE = retention_internal.retention_population);
INSERT INTO population SELECT 1, of_cohorts(1, '2020-01-05', 'month');
INSERT INTO population SELECT 2, of_texts('1', '2020-01-05', 'month');
INSERT INTO population SELECT 3, of_flow(1, '2020-01-05', NULL, daterange('2020-01-01', '2020-02-01'));
INSERT INTO population SELECT 4, of_cohorts(1, '2020-01-05', 'week');
-- large: an expanded object of another aggregate, then a value in a table
INSERT INTO population SELECT 5, of_cohorts(i, date '2020-01-05' + i % 300, 'month') FROM generate_series(1, 5000) i;
CREATE AGGREGATE together(retention_internal.retention_population)
  (SFUNC = retention_internal.population_combine, STYPE = retention_internal.retention_population, FINALFUNC = retention_internal.cohort_final);
CREATE AGGREGATE as_flow(retention_internal.retention_population)
  (SFUNC = retention_internal.population_combine, STYPE = retention_internal.retention_population, FINALFUNC = retention_internal.flow_customers_final);
SELECT a.n, b.n, refusal(format('SELECT together(p) FROM population WHERE n IN (%s, %s)', a.n, b.n))
FROM population a, population b WHERE a.n <= b.n ORDER BY 1, 2;
SELECT n, refusal(format('SELECT as_flow(p) FROM population WHERE n = %s', n)) FROM population ORDER BY 1;
CREATE AGGREGATE as_survival(retention_internal.retention_population)
  (SFUNC = retention_internal.population_combine, STYPE = retention_internal.retention_population, FINALFUNC = retention_internal.survival_customers_final);
SELECT n, refusal(format('SELECT as_survival(p) FROM population WHERE n = %s', n)) FROM population ORDER BY 1;
-- bytes that no row has: two days whose distance is no number, and a moment after the end of all time with windows that elapse
CREATE AGGREGATE as_value(retention_internal.retention_population)
  (SFUNC = retention_internal.population_combine, STYPE = retention_internal.retention_population, FINALFUNC = retention_internal.customer_value_final);
CREATE AGGREGATE as_cohort_value(retention_internal.retention_population)
  (SFUNC = retention_internal.population_combine, STYPE = retention_internal.retention_population, FINALFUNC = retention_internal.cohort_value_final);
SELECT refusal($$SELECT as_value('525001ac010200feffffff0f800204009a729c7200286d6f6e74683b2074696d655f7a6f6e653d555443300206ffffffffffffffffff010206feefa0bfb5ffffffff01')$$);
SELECT refusal($$SELECT as_cohort_value('5250019a0102020280020a008080ffe1ff959f028080cb8686cba0020094016d6f6e74683b2074696d655f7a6f6e653d4575726f70652f4265726c696e3b2077696e646f77733d656c61707365643b2061735f6f663d323032312d30312d30312030303a30303a30308e0100068080ffe1ff959f020204feffffffffffffffff011e80897a00048080a5f4c2f09f021e8092f40102048080b8bde49da0021e809bee0200048080cb8686cba0021e80a4e803')$$);
SELECT together(p)::text = (SELECT cohort_retention(c, d, 'month')::text FROM (SELECT 1::bigint AS c, date '2020-01-05' AS d UNION ALL
  SELECT i, date '2020-01-05' + i % 300 FROM generate_series(1, 5000) i) r) AS same FROM population WHERE n IN (1, 5);
SELECT together(p)::text = (SELECT together(p)::text FROM population WHERE n = 5) AS same
FROM (SELECT of_cohorts(i, date '2020-01-05' + i % 300, 'month') AS p FROM generate_series(1, 5000) i) q;
-- the other function of a moving aggregate returns a value again and again: large, of the right or of another kind
CREATE FUNCTION held_population(retention_internal.retention_population, bigint, date, retention_grid) RETURNS retention_internal.retention_population
  LANGUAGE sql AS 'SELECT p FROM population WHERE n = $2';
CREATE AGGREGATE moved(bigint, date, retention_grid) (SFUNC = held_population, STYPE = retention_internal.retention_population,
  MSFUNC = held_population, MINVFUNC = retention_internal.cohort_transfn, MSTYPE = retention_internal.retention_population);
SELECT n, refusal(format($$SELECT moved(%s, '2020-01-07', 'month') OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM generate_series(1, 5) i$$, n))
FROM population ORDER BY n;
-- an INITCOND is a value like any other
DO $$ BEGIN
  EXECUTE format('CREATE AGGREGATE from_flow(retention_flow) (SFUNC = retention_internal.flow_combine, STYPE = retention_flow, INITCOND = %L)', (SELECT f FROM flows WHERE n = 1));
END $$;
SELECT from_flow(f)::text = (SELECT rollup(f)::text FROM flows WHERE n < 3) AS same FROM flows WHERE n = 2;
-- called without an aggregate
SELECT DISTINCT refusal(format('SELECT %s(%s)', p.oid::regproc, (SELECT string_agg(format('NULL::%s', replace(t::regtype::text, 'anyenum', 'letter')), ', ') FROM unnest(p.proargtypes) t)))
FROM pg_aggregate a JOIN pg_proc p ON p.oid IN (aggtransfn, aggcombinefn, aggfinalfn) WHERE p.pronamespace = 'retention_internal'::regnamespace ORDER BY 1;
SELECT refusal('SELECT retention_internal.flow_combine(f, f) FROM flows'), refusal('SELECT retention_internal.population_combine(p, p) FROM population');
RESET ROLE;

-- Corrupt bytes as the state: an error, or a value that can be written. The good ones were made in another session, so that
-- this process knows nothing of them.
CREATE TABLE untrusted.good (number int, s untrusted.states, bytes bytea);
SET allow_system_table_mods = on;
INSERT INTO pg_cast (oid, castsource, casttarget, castfunc, castcontext, castmethod)
SELECT 4200000000 + row_number() OVER (ORDER BY t.oid, way), CASE way WHEN 1 THEN 'bytea'::regtype ELSE t.oid END, CASE way WHEN 1 THEN t.oid ELSE 'bytea'::regtype END, 0, 'e', 'b'
FROM pg_type t, generate_series(1, 2) way WHERE t.oid::regtype::text IN (SELECT type FROM states);
DO $$
DECLARE
  s states;
BEGIN
  FOR s IN SELECT * FROM states LOOP
    EXECUTE format('CREATE AGGREGATE made(%s) (SFUNC = %s, STYPE = %s)', s.arguments, s.transition, s.type);
    EXECUTE format('INSERT INTO good SELECT (SELECT count(*) FROM good), $1, made(%s)::bytea FROM generate_series(1, 3) i', s.value) USING s;
    DROP ROUTINE made;
  END LOOP;
END $$;
\c -
SET client_min_messages = warning;
SET timezone = 'UTC';
SET max_parallel_workers_per_gather = 0;
SET search_path = untrusted, public;
CREATE FUNCTION mutate(s states, bytes bytea) RETURNS TABLE (outcome text) LANGUAGE plpgsql AS $$
DECLARE
  body text := format('$f$ BEGIN IF $1 IS NOT NULL THEN RETURN $1; END IF; RETURN current_setting(''untrusted.bytes'')::bytea::%s; END $f$', s.type);
  changed bytea;
BEGIN
  EXECUTE format('CREATE FUNCTION held_row(%1$s, %2$s) RETURNS %1$s LANGUAGE plpgsql AS %3$s', s.type, s.arguments, body);
  EXECUTE format('CREATE FUNCTION held_state(%1$s, %1$s) RETURNS %1$s LANGUAGE plpgsql AS %2$s', s.type, body);
  EXECUTE format('CREATE AGGREGATE made(%s) (SFUNC = %s, STYPE = %s)', s.arguments, s.transition, s.type);
  EXECUTE format('CREATE AGGREGATE moved_row(%2$s) (SFUNC = held_row, STYPE = %1$s, MSFUNC = held_row, MINVFUNC = %3$s, MSTYPE = %1$s)',
    s.type, s.arguments, s.transition);
  EXECUTE format('CREATE AGGREGATE moved_state(%1$s) (SFUNC = held_state, STYPE = %1$s, MSFUNC = held_state, MINVFUNC = %2$s, MSTYPE = %1$s)', s.type, s.combine);
  FOR i IN 0 .. least(length(bytes) - 1, 119) LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, 255), substr(bytes, 1, i)] LOOP
      PERFORM set_config('untrusted.bytes', changed::text, true);
      BEGIN
        EXECUTE format('SELECT (moved_row(%1$s) OVER w)::text, (moved_state((SELECT made(%1$s))) OVER w)::text
          FROM generate_series(1, 3) i WINDOW w AS (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)', s.value);
        outcome := 'a value';
      EXCEPTION WHEN data_corrupted OR feature_not_supported OR invalid_text_representation OR invalid_parameter_value OR program_limit_exceeded
          OR datetime_field_overflow OR numeric_value_out_of_range OR character_not_in_repertoire THEN
        outcome := 'an error';
      END;
      RETURN NEXT;
    END LOOP;
  END LOOP;
  DROP ROUTINE moved_row, moved_state, held_row, held_state, made;
END $$;
SELECT (s).transition, outcome, count(*) > 50 AS many FROM good, mutate(s, bytes) GROUP BY number, 1, 2 ORDER BY number, outcome;

DELETE FROM pg_cast WHERE oid > 4200000000;
DROP SCHEMA untrusted CASCADE;
DROP ROLE regress_untrusted;
