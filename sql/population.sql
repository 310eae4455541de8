-- What a population keeps of each customer: values, counts, flags and amounts, by an aggregate that hands its arguments on.
-- Each answer is compared with plain SQL: one process and two, with and without the batch scan, in memory and spilling.
SET search_path = retention_internal, public;
SET jit = off;
SET client_min_messages = warning;
CREATE SCHEMA population_test;
CREATE TABLE population_test.sizes AS
SELECT i, i % 7 AS customer, CASE i % 7 WHEN 0 THEN hashint8(i) % 10 WHEN 1 THEN hashint8(i) ELSE (hashint8(i)::bigint << (8 * (i % 7))) + i / 5 END AS value,
  round((hashint8(i + 1)::numeric / (10 ^ (i % 16))::numeric), i / 7 % 7) AS amount
FROM generate_series(1, 6000) i;

-- ---- By hand ----
SELECT population_events(customer, value, count, flags, amount, 2) FROM (VALUES
  (1::bigint, 10::bigint, 1, 1, 9.99),
  (1, 10, 1, 4, 0.01),      -- flags are united, counts and amounts added
  (1, 10, 1, 4, 5),         -- the count is cut at 2, the amount is not
  (1, 3, 1, 32768, -20.5),  -- a refund, and the highest flag
  (2, 10, 1, 7, NULL),      -- no amount is 0
  (NULL, 10, 1, 1, 100),    -- ignored
  (3, NULL, 1, 1, 100)) v (customer, value, count, flags, amount);
-- With cap 0 counts are signed sums, and what cancels out is gone.
SELECT population_events(customer, value, count, flags, amount, 0) FROM (VALUES
  ('a', 1::bigint, 1, 1, 50), ('a', 9, -1, 1, -50), ('a', 9, 1, 1, 80),
  ('b', 5, 1, 0, 50), ('b', 5, -1, 0, -50),
  ('c', 5, 1, 0, 50), ('c', 5, -1, 0, -49.5),
  ('d', 7, 0, 0, 1)) v (customer, value, count, flags, amount);
SELECT population_events(customer, 1, 1, 1, 1, 1) FROM (SELECT 1::bigint AS customer WHERE false) v;
-- Decimals beyond the sixth are rounded half away from zero; the most that were written are shown.
SELECT population_events(1::bigint, value, 1, 1, amount, 1) FROM (VALUES
  (1::bigint, 0.0000005), (2, -0.0000005), (3, 0.00000049), (4, 1), (5, 9223372036854.775807), (6, -9223372036854.775808)) v (value, amount);
SELECT population_events(1::bigint, value, 1, 1, amount, 1) FROM (VALUES (1::bigint, 1.5), (1, -3), (2, 0.25)) v (value, amount);

-- Amounts of all sizes and signs, in the order of a hash: sums are those of plain SQL, to the last decimal.
SELECT bool_and(h.history = w.history) AS same, count(*) AS customers, max(length(w.history)) > 10000 AS long FROM (
  SELECT customer, (population_events(1::bigint, value, 1, 7, amount, 2 ORDER BY hashint8(i)))[1] || '' AS history FROM population_test.sizes GROUP BY customer) h
JOIN (SELECT customer, string_agg(format('%s:%s:7:%s', value, least(2, n), amount), ' ' ORDER BY value) AS history
  FROM (SELECT customer, value, count(*) AS n, round(sum(amount), 6) AS amount FROM population_test.sizes GROUP BY customer, value) e GROUP BY customer) w USING (customer);

CREATE FUNCTION population_test.fails(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
  EXECUTE query;
  RETURN 'fine';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  RETURN concat_ws(' ', SQLSTATE, SQLERRM || '.', detail);
END $$;
SELECT population_test.fails(format('SELECT population_events(customer, 1, 1, 1, amount, 1) FROM (VALUES %s) v (customer, amount)', rows)) FROM (VALUES
  ('(1::bigint, 9223372036854.7758071)'), ('(1::bigint, 9223372036854.7758075)'), ('(1::bigint, -1e30)'),
  ('(1::bigint, ''Infinity''::numeric)'), ('(1::bigint, ''NaN''::numeric)'),
  ('(1::bigint, 9e12), (2, 9e12)')) v (rows);
-- Only the amount of one row is limited: sums go on, and are the same in every order of rows.
SELECT DISTINCT history FROM (SELECT population_events(1::bigint, value, 1, 1, amount, 1 ORDER BY hashint8(i + seed)) AS history
  FROM generate_series(1, 50) seed, LATERAL (SELECT i, i % 2 AS value, (CASE WHEN i <= 40 THEN 1 ELSE -1 END) * 9223372036854.775807 AS amount
    FROM generate_series(1::bigint, 64) i) r GROUP BY seed) h;
SELECT DISTINCT history FROM (SELECT population_events(customer, 1, 1, 1, amount, 0 ORDER BY hashint8(i + seed)) AS history
  FROM generate_series(1, 50) seed, LATERAL (SELECT i, i % 3 AS customer, 9e12 + i % 7 / 8.0 AS amount FROM generate_series(1::bigint, 1000) i) r GROUP BY seed) h;
SELECT population_test.fails(format('SELECT population_events(1::bigint, 1, %s)', rest)) FROM (VALUES
  ('1, 0, 1, 1'), ('-1, 1, 1, 1'), ('1, 65536, 1, 1'), ('1, -1, 1, 1'), ('1, 1, 1, -1'), ('-1, 0, 1, 0'), ('2147483647, 1, 1, 2147483647')) v (rest);
-- States of different caps do not mix.
SELECT population_test.fails('SELECT population_events(customer, 1, 1, 1, 1, cap) FROM (VALUES (1::bigint, 1), (2, 2)) v (customer, cap)');

-- ---- Against plain SQL ----
-- Some sums of amounts need more than 64 bits. Few customers with many events and many with few; integers close together and far apart, uuids and texts.
CREATE TABLE population_test.bought (customer bigint, far bigint, id uuid, name text, value bigint, count integer, flags integer, amount numeric, good text) WITH (autovacuum_enabled = off);
INSERT INTO population_test.bought
SELECT customer, customer::bigint * 1000000007, md5(customer::text)::uuid, 'customer ' || customer, value, count, flags, amount, 'good ' || i / 7 % 5
FROM (SELECT i, CASE WHEN i % 3 = 0 THEN i % 7 WHEN i % 3 = 1 THEN i % 9001 ELSE abs(hashint8(i % 4001)) % 9001 END AS customer,
    CASE WHEN i % 100 = 0 THEN hashint8(i) * 4294967296 ELSE hashint8(i) % 200 END AS value,
    i % 3 - 1 AS count, 1 + (hashint8(i + 1) & 65534) AS flags, round((hashint8(i + 2) % 100000) / 100.0, i % 3) + CASE WHEN i % 4 = 0 THEN 9.2e12 ELSE 0 END AS amount
  FROM generate_series(1, 30000) i) r;
ANALYZE population_test.bought;

CREATE FUNCTION population_test.expected(cap integer) RETURNS text[] LANGUAGE sql AS $$
  SELECT coalesce(array_agg(history ORDER BY history COLLATE "C"), '{}')
  FROM (SELECT string_agg(format('%s:%s:%s:%s', value, count, flags, round(amount, 2)), ' ' ORDER BY value) AS history
    FROM (SELECT customer, value, CASE WHEN cap > 0 THEN least(cap, sum(abs(count))) ELSE sum(count) END AS count, bit_or(flags) AS flags, sum(amount) AS amount
      FROM population_test.bought GROUP BY customer, value) e
    WHERE cap > 0 OR count <> 0 OR amount <> 0
    GROUP BY customer) h
$$;
CREATE FUNCTION population_test.compare(OUT key text, OUT cap integer, OUT plan text, OUT answer text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  query text;
  line text;
  got text[];
  want text[];
BEGIN
  FOREACH cap IN ARRAY ARRAY[0, 2] LOOP
    want := population_test.expected(cap);
    FOREACH key IN ARRAY ARRAY['customer', 'far', 'id', 'name'] LOOP
      query := format('SELECT population_events(%I, value, %s, flags, amount, %s) FROM population_test.bought', key,
        CASE WHEN cap > 0 THEN 'abs(count)' ELSE 'count' END, cap);
      FOREACH plan IN ARRAY ARRAY['rows', 'batches'] LOOP
        PERFORM set_config('retention.enable_batch_scan', (plan = 'batches')::text, true);
        FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
          IF (line ~ 'RetentionScan') <> (plan = 'batches') AND line ~ 'RetentionScan|Aggregate' AND line !~ 'Partial' THEN RAISE 'unexpected plan: %', line; END IF;
        END LOOP;
        EXECUTE query INTO got;
        answer := CASE WHEN got = want THEN cardinality(got) || ' customers' ELSE 'WRONG' END;
        RETURN NEXT;
      END LOOP;
    END LOOP;
  END LOOP;
END $$;
SET max_parallel_workers_per_gather = 0;
SELECT * FROM population_test.compare();
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT DISTINCT answer FROM population_test.compare();
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT DISTINCT answer FROM population_test.compare();
RESET work_mem;
SELECT DISTINCT answer FROM population_test.compare();
-- groups
SELECT bool_and(got = want) FROM (
  SELECT good, population_events(customer, value, abs(count), flags, amount, 1) AS got FROM population_test.bought GROUP BY good) g
JOIN (SELECT good, array_agg(history ORDER BY history COLLATE "C") AS want
  FROM (SELECT good, string_agg(format('%s:%s:%s:%s', value, least(1, n), flags, round(amount, 2)), ' ' ORDER BY value) AS history
    FROM (SELECT good, customer, value, sum(abs(count)) AS n, bit_or(flags) AS flags, sum(amount) AS amount
      FROM population_test.bought GROUP BY good, customer, value) e
    GROUP BY good, customer) h GROUP BY good) w USING (good);
SET max_parallel_workers_per_gather = 0;
-- A state in a file that a window reads for each of many rows: what is divided to be read does not stay in the file.
SET work_mem = '64kB';
SET temp_file_limit = '10MB';
SELECT count(*), min(customers), max(customers) FROM (
  SELECT (value_figures(customer_value('customer ' || i, date '2026-01-01', 1, 'month') OVER (ORDER BY greatest(i, 19950)))).customers
  FROM generate_series(1, 20000) i OFFSET 19950) w;
RESET temp_file_limit;
RESET work_mem;

-- ---- States: stored, read back as text and bytes, and combined ----
CREATE AGGREGATE population_test.state(bigint, bigint, integer, integer, numeric, integer) (SFUNC = population_events_transfn, STYPE = retention_population);
CREATE AGGREGATE population_test.events(retention_population) (SFUNC = population_combine, STYPE = retention_population, FINALFUNC = population_events_final);
CREATE TABLE population_test.state AS
SELECT part, population_test.state(customer, value, abs(count), flags, amount, 1) AS state
FROM (SELECT *, customer % 3 AS part FROM population_test.bought) b GROUP BY part;
SELECT population_test.events(state) = population_test.expected(1) FROM population_test.state;
SELECT population_test.events(state::text::retention_population) = population_test.expected(1) FROM population_test.state;
CREATE FUNCTION population_test.use(retention_population) RETURNS text[] LANGUAGE sql AS 'SELECT population_test.events($1)';

-- Bytes that somebody changed: a value or an error, never anything else.
CREATE TABLE population_test.small AS
SELECT population_test.state(customer, value, count, flags, amount, cap) AS state
FROM (VALUES (0, 1::bigint, 5::bigint, -1, 3, -7.25), (0, 1, 6, 1, 65535, 0.5), (1, 2, 5, 1, 7, 0), (1, 3, 5, 1, 7, 123456.789), (1, 3, 9, 0, 1, 1)) v (cap, customer, value, count, flags, amount)
GROUP BY cap;
SELECT population_test.use(state) FROM population_test.small ORDER BY 1;
CREATE FUNCTION population_test.mutate(bytes bytea, OUT outcome text, OUT many boolean) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  changed bytea;
  outcomes text[];
BEGIN
  FOR i IN 0 .. length(bytes) - 1 LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, get_byte(bytes, i) # 2), set_byte(bytes, i, get_byte(bytes, i) # 128),
        set_byte(bytes, i, 255), set_byte(bytes, i, 0), substr(bytes, 1, i), bytes || substr(bytes, i + 1, 1)] LOOP
      BEGIN
        PERFORM population_test.use(encode(changed, 'hex')::retention_population);
        outcomes := outcomes || 'a value'::text;
      EXCEPTION WHEN data_corrupted OR feature_not_supported OR invalid_text_representation OR invalid_parameter_value
          OR numeric_value_out_of_range OR program_limit_exceeded THEN
        outcomes := outcomes || 'an error'::text;
      END;
    END LOOP;
  END LOOP;
  RETURN QUERY SELECT o, count(*) > 10 FROM unnest(outcomes) o GROUP BY o ORDER BY o;
END $$;
SELECT m.* FROM population_test.small, population_test.mutate(decode(split_part(state::text, ' ', -1), 'hex')) m ORDER BY 1, 2;

-- A state that says it is of another aggregate, whose events have no amounts.
SELECT DISTINCT letter, population_test.fails(format('SELECT %L::retention_population', regexp_replace(split_part(state::text, ' ', -1), '8a01', letter)))
FROM population_test.small, unnest(ARRAY['8201', '8601', '8c01', 'a401']) letter WHERE state::text ~ '8a01' ORDER BY 1;

DROP SCHEMA population_test CASCADE;
