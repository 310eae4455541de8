-- RFM: cuts, scores and segments.
SET client_min_messages = warning;
CREATE SCHEMA rfm_test;
SET search_path = rfm_test, public;
CREATE FUNCTION fails(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  hint text;
BEGIN
  EXECUTE query;
  RETURN 'fine';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' / ', SQLSTATE, SQLERRM, nullif(hint, ''));
END $$;

-- ---- By hand: five customers, one each; equal customers have equal scores ----
CREATE TABLE five (customer text, recency float8, frequency bigint, amount numeric);
INSERT INTO five VALUES ('a', 1, 9, 500), ('b', 10, 5, 100.000001), ('c', 30, 5, 100), ('d', 90, 1, 20), ('e', 400, 1, -3);
SELECT split_part(c::text, '*/', 1) AS says FROM (SELECT rfm_cuts(recency, frequency, amount) AS c FROM five) q;
SELECT customer, s.*, rfm_segment(s.r, s.f, s.m) FROM five, (SELECT rfm_cuts(recency, frequency, amount) AS c FROM five) q, rfm_score(c, recency, frequency, amount) s ORDER BY 1;
-- scores of who is not among those of whom the cuts were made
SELECT s.* FROM (VALUES (1, 0::float8, 1000::bigint, 1e12), (2, 1e9, -5, -1e12), (3, 29.999, 4, 100.0000004), (4, 30, 5, 100.0000005)) v (n, recency, frequency, amount),
  (SELECT rfm_cuts(recency, frequency, amount) AS c FROM five) q, rfm_score(c, recency, frequency, amount) s ORDER BY n;
-- all are equal: the highest score, as ceil(bins * 1); NULL is left out; nobody
SELECT s.* FROM (SELECT rfm_cuts(5, 1, 2.5) AS c FROM generate_series(1, 10)) q, rfm_score(c, 5, 1, 2.5) s;
SELECT (rfm_cuts(recency, frequency, amount))::text = (SELECT rfm_cuts(recency, frequency, amount)::text FROM five) AS same
FROM (SELECT recency, frequency, amount FROM five UNION ALL VALUES (NULL, 1, 1), (1, NULL, 1), (1, 1, NULL)) r;
SELECT rfm_cuts(NULL, 1, 1) IS NULL AS nobody, rfm_score(NULL, 1, 1, 1) IS NULL AS no_cuts, rfm_segment(1, NULL, 1) IS NULL AS no_score;

-- ---- Against cume_dist() ----
CREATE TABLE customers WITH (autovacuum_enabled = off) AS
SELECT i AS customer, (h % 400) / 8.0::float8 AS recency, 1 + (h / 7 % 1000000) % (1 + h % 17) AS frequency, round((h / 11 % 1000003 - 50000) / 100.0, (i % 3)::int) AS amount, i % 6 AS part
FROM generate_series(1::bigint, 5000) i, abs(hashint8extended(i, 3)) h;
INSERT INTO customers SELECT -i, power(10, i % 300 - 100), i * 9000000000000000, i % 9 * 1000000000000, i % 6 FROM generate_series(1, 999) i;
ANALYZE customers;
SELECT bins, count(*) AS customers, count(*) FILTER (WHERE (s.r, s.f, s.m) IS DISTINCT FROM (e.r, e.f, e.m)) AS differ, min(s.r) AS least, max(s.r) AS most
FROM unnest('{2,3,5,7,10,100}'::int[]) bins, LATERAL (SELECT rfm_cuts(recency, frequency, amount, bins) AS c FROM customers) q,
  LATERAL (SELECT *, ceil(bins * cume_dist() OVER (ORDER BY recency DESC)) AS r, ceil(bins * cume_dist() OVER (ORDER BY frequency)) AS f, ceil(bins * cume_dist() OVER (ORDER BY amount)) AS m FROM customers) e,
  rfm_score(c, e.recency, e.frequency, e.amount) s GROUP BY bins ORDER BY bins;

-- ---- The same by every way ----
CREATE TABLE serial AS SELECT rfm_cuts(recency, frequency, amount, 10) AS c FROM customers;
CREATE FUNCTION ways(OUT way text, OUT same boolean) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  settings text[];
BEGIN
  FOREACH settings SLICE 1 IN ARRAY ARRAY[['4MB', '0'], ['64kB', '0'], ['4MB', '2'], ['64kB', '2']] LOOP
    PERFORM set_config('work_mem', settings[1], true), set_config('hash_mem_multiplier', '1', true), set_config('max_parallel_workers_per_gather', settings[2], true),
      set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true), set_config('min_parallel_table_scan_size', '0', true);
    FOREACH way IN ARRAY ARRAY['SELECT rfm_cuts(recency, frequency, amount, 10) FROM customers', 'SELECT rfm_cuts(recency, frequency, amount, 10 ORDER BY amount) FROM customers', 'SELECT rfm_cuts(recency, frequency, amount, 10)::text::retention_rfm_cuts FROM customers'] LOOP
      EXECUTE format('SELECT (%s) = c FROM serial', way) INTO same;
      way := way || ' with ' || settings[1] || ' and ' || settings[2];
      RETURN NEXT;
    END LOOP;
  END LOOP;
END $$;
SELECT * FROM ways();
SELECT count(*) AS parts FROM (SELECT part, rfm_cuts(recency, frequency, amount) FROM customers GROUP BY part) q;

-- ---- Segments: the first rule that holds; every score from 1 to 5 has one; rows of one's own go first where they stand first ----
SELECT r, string_agg(rfm_segment(r, f, 3), ', ' ORDER BY f) FROM generate_series(1, 5) r, generate_series(1, 5) f GROUP BY r ORDER BY r;
SELECT rfm_segment(10, 1, 1), rfm_segment(0, 0, 0);
BEGIN;
INSERT INTO retention_rfm_segment (position, segment, m_from, m_to) VALUES (50, 'whales', 5, NULL), (60, 'misers', NULL, 1);
SELECT rfm_segment(1, 1, 5), rfm_segment(5, 5, 1), rfm_segment(5, 5, 4);
ROLLBACK;
CREATE ROLE regress_rfm;
SET ROLE regress_rfm;
SELECT rfm_segment(5, 5, 5);
INSERT INTO retention_rfm_segment (position, segment) VALUES (1, 'mine');
RESET ROLE;
DROP ROLE regress_rfm;

-- ---- Errors ----
SELECT fails(q) FROM (VALUES ('SELECT rfm_cuts(-1, 1, 1)'), ('SELECT rfm_cuts(''NaN'', 1, 1)'), ('SELECT rfm_cuts(''Infinity'', 1, 1)'), ('SELECT rfm_cuts(1, 1, ''NaN'')'), ('SELECT rfm_cuts(1, 1, 1e30)'),
  ('SELECT rfm_cuts(1, 1, 1, 1)'), ('SELECT rfm_cuts(1, 1, 1, 101)'), ('SELECT rfm_cuts(1, 1, 1, NULL)'), ('SELECT rfm_cuts(1, 1, 1, b) FROM generate_series(4, 5) b'),
  ('SELECT rfm_score(c, -1, 1, 1) FROM rfm_test.serial'), ('SELECT rfm_score(c, 1, 1, ''NaN'') FROM rfm_test.serial')) v (q);

-- ---- Hostile bytes ----
SET allow_system_table_mods = on;
INSERT INTO pg_cast (oid, castsource, casttarget, castfunc, castcontext, castmethod)
SELECT 4120000000 + way, CASE way WHEN 1 THEN 'bytea'::regtype ELSE t.oid END, CASE way WHEN 1 THEN t.oid ELSE 'bytea'::regtype END, 0, 'e', 'b' FROM pg_type t, generate_series(1, 2) way WHERE typname = 'retention_rfm_cuts';
CREATE FUNCTION mutate(bytes bytea, use text, OUT outcome text, OUT times bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  changed bytea;
  outcomes text[];
BEGIN
  FOR i IN 0 .. length(bytes) - 1 LOOP
    FOREACH changed IN ARRAY ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, 255), set_byte(bytes, i, 127), set_byte(bytes, i, 0), substr(bytes, 1, i), bytes || substr(bytes, i + 1, 1)] LOOP
      BEGIN
        EXECUTE use USING changed;
        outcomes := outcomes || 'a value'::text;
      EXCEPTION WHEN data_corrupted OR feature_not_supported OR invalid_text_representation THEN
        outcomes := outcomes || 'an error'::text;
      END;
    END LOOP;
  END LOOP;
  RETURN QUERY SELECT o, count(*) FROM unnest(outcomes) o GROUP BY o ORDER BY o;
END $$;
CREATE TABLE sample AS SELECT rfm_cuts(recency, frequency, amount, 3) AS c FROM five;
SELECT outcome, times > 50 AS many FROM sample, mutate(c::bytea, 'SELECT rfm_score($1::retention_rfm_cuts, 1, 1, 1), $1::retention_rfm_cuts::text') ORDER BY 1;
SELECT outcome, times > 50 AS many FROM sample, mutate(decode(split_part(c::text, ' ', -1), 'hex'), 'SELECT rfm_score(encode($1, ''hex'')::retention_rfm_cuts, 1, 1, 1)') ORDER BY 1;
DELETE FROM pg_cast WHERE oid > 4120000000;
DROP SCHEMA rfm_test CASCADE;
