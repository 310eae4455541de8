-- Kept facts: right after a refresh they are what the rows say, whatever was written.
CREATE SCHEMA facts_test;
SET search_path = facts_test, public;
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
\set SHOW_CONTEXT never

\set facts_file `echo "${PG_ABS_SRCDIR:-.}/test/facts.sql"`
\set ECHO none
\i :facts_file
\set ECHO all

CREATE TABLE shop_order (id serial PRIMARY KEY, customer_id integer, ordered_at timestamptz, plan text, status text DEFAULT 'paid', note text);
CREATE FUNCTION some_orders(n integer, seed integer) RETURNS SETOF shop_order LANGUAGE sql AS $$
  SELECT nextval('shop_order_id_seq'), abs(hashint4(g + seed)) % 97, timestamptz '2025-01-01' + abs(hashint4(g * 3 + seed)) % 31536000 * interval '1 second',
    (ARRAY['basic', 'plus', NULL, ''])[1 + abs(hashint4(g * 5 + seed)) % 4], (ARRAY['paid', 'open', 'test'])[1 + abs(hashint4(g * 7 + seed)) % 3], NULL
  FROM generate_series(1, n) g $$;
INSERT INTO shop_order SELECT * FROM some_orders(800, 1);
SELECT retention_source('orders', 'events', 'shop_order', 'customer_id', at => 'ordered_at', event => 'status', events => '{paid,open}',
  segments => '{plan}', filter => 'customer_id <> 13', grid => 'month');
SELECT view FROM retention_create_views('orders');

-- The views show the same before and after.
CREATE FUNCTION all_views() RETURNS TABLE (view text, line text) LANGUAGE plpgsql AS $$
BEGIN
  FOREACH view IN ARRAY ARRAY['flow', 'cohorts', 'curve', 'lifecycle', 'stickiness', 'segments', 'survival'] LOOP
    FOR line IN EXECUTE format('SELECT v::text FROM orders_%s v', view) LOOP RETURN NEXT; END LOOP;
  END LOOP;
END $$;
CREATE TABLE before_facts AS SELECT * FROM all_views();
SELECT retention_materialize('orders');
SELECT count(*) AS lines, count(*) FILTER (WHERE differ) AS differ FROM (
  SELECT false AS differ FROM before_facts
  UNION ALL SELECT true FROM ((SELECT * FROM before_facts EXCEPT ALL SELECT * FROM all_views()) UNION ALL (SELECT * FROM all_views() EXCEPT ALL SELECT * FROM before_facts)) d) x;
SELECT view, pg_get_viewdef(to_regclass(view)) ~ 'shop_order' AS reads_orders, pg_get_viewdef(to_regclass(view)) ~ 'orders_(facts|summary)' AS reads_facts
FROM unnest('{orders_flow,orders_cohorts,orders_curve,orders_lifecycle,orders_stickiness,orders_segments,orders_survival}'::text[]) view;
SELECT * FROM differs('orders');
SELECT part, segment, value, (cohort_totals(cohorts)).customers FROM orders_summary ORDER BY part;
SELECT source, state FROM retention_sources;
SELECT retention_source, facts, summary, changes, relations, refreshed IS NOT NULL AS refreshed, rows_ignored FROM orders_state;

-- Nothing has changed.
SELECT retention_refresh('orders');

-- ---- Every way to change rows ----
-- Inserted rows are noted, and customers whose rows are updated or deleted; changes of other columns are not.
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (1, '2025-12-30', 'basic'), (1001, '2025-03-03', 'gold'), (NULL, '2025-03-03', 'gold'), (13, '2025-03-03', 'gold');
UPDATE shop_order SET note = 'seen';
UPDATE shop_order SET plan = plan, ordered_at = ordered_at WHERE customer_id = 2;
SELECT * FROM orders_changes ORDER BY 1, 2, 3;
UPDATE shop_order SET ordered_at = ordered_at + interval '40 days' WHERE customer_id = 3;
UPDATE shop_order SET customer_id = 1002 WHERE customer_id = 4;
DELETE FROM shop_order WHERE customer_id = 5;
SELECT * FROM orders_changes WHERE retention_redo ORDER BY 2;
SELECT retention_refresh('orders');
SELECT * FROM orders_changes;
SELECT * FROM differs('orders');
SELECT part, segment, value, (cohort_totals(cohorts)).customers FROM orders_summary ORDER BY part;
-- A value that no customer has any more; a customer without rows; one whose rows no longer count.
DELETE FROM shop_order WHERE plan = 'gold';
DELETE FROM shop_order WHERE customer_id = 1002;
UPDATE shop_order SET status = 'test' WHERE customer_id = 6;
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
SELECT part, segment, value FROM orders_summary ORDER BY part;
-- The latest row of all is deleted, then the first; no other customer has changed.
DELETE FROM shop_order WHERE ordered_at = (SELECT max(ordered_at) FROM shop_order WHERE status <> 'test' AND customer_id <> 13);
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
UPDATE shop_order SET ordered_at = '2025-06-06' WHERE ordered_at = (SELECT min(ordered_at) FROM shop_order WHERE status <> 'test' AND customer_id <> 13);
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
-- A customer with an insert and a delete between two refreshes; a row inserted and deleted; a transaction that is
-- rolled back; a savepoint.
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (7, '2025-01-02', 'basic'), (8, '2025-01-02', 'plus');
DELETE FROM shop_order WHERE customer_id = 7 AND plan = 'plus';
BEGIN;
INSERT INTO shop_order (customer_id, ordered_at) VALUES (9, '2025-01-02');
ROLLBACK;
BEGIN;
INSERT INTO shop_order (customer_id, ordered_at) VALUES (10, '2025-01-02');
SAVEPOINT one;
DELETE FROM shop_order WHERE customer_id = 11;
ROLLBACK TO one;
COMMIT;
SELECT retention_redo, customer_id FROM orders_changes ORDER BY 1, 2;
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
-- ON CONFLICT, MERGE, a data-modifying WITH, COPY.
INSERT INTO shop_order (id, customer_id, ordered_at, plan) VALUES (1, 20, '2025-05-05', 'plus'), (900000, 21, '2025-05-05', 'plus')
ON CONFLICT (id) DO UPDATE SET ordered_at = excluded.ordered_at, customer_id = excluded.customer_id;
MERGE INTO shop_order o USING (VALUES (2, 22), (3, 23), (900001, 24), (4, NULL)) v (id, customer) ON o.id = v.id
WHEN MATCHED AND v.customer IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET customer_id = v.customer
WHEN NOT MATCHED THEN INSERT (id, customer_id, ordered_at, plan) VALUES (v.id, v.customer, '2025-07-07', 'basic');
WITH gone AS (DELETE FROM shop_order WHERE customer_id = 25 RETURNING *), new AS (INSERT INTO shop_order (customer_id, ordered_at, plan) SELECT 26, ordered_at, plan FROM gone RETURNING *)
UPDATE shop_order SET plan = 'plus' WHERE customer_id = 27;
COPY shop_order (customer_id, ordered_at, plan) FROM STDIN;
28	2025-08-08 08:08+00	basic
29	2025-08-09 09:09+00	\N
\.
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
-- NULL times, and a customer with no other.
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (30, NULL, 'basic'), (1003, NULL, 'basic');
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (1003, '2025-08-08', 'plus'), (1003, '2025-08-08', 'basic');
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (1003, '2025-08-08', NULL), (1003, NULL, 'a'), (1003, '2025-08-08', 'all');
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
-- All rows are deleted and inserted again.
BEGIN;
TRUNCATE shop_order;
INSERT INTO shop_order SELECT * FROM some_orders(400, 77);
COMMIT;
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
TRUNCATE shop_order;
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
SELECT (SELECT count(*) FROM orders_facts) AS facts, (SELECT count(*) FROM orders_summary) AS parts, (SELECT count(*) FROM all_views()) AS lines;
INSERT INTO shop_order SELECT * FROM some_orders(900, 5);
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');

-- ---- Writers ----
CREATE ROLE retention_clerk;
CREATE ROLE retention_reader;
CREATE SCHEMA AUTHORIZATION retention_clerk;
GRANT USAGE ON SCHEMA facts_test TO retention_clerk, retention_reader;
GRANT INSERT, SELECT, DELETE ON shop_order TO retention_clerk;
GRANT USAGE ON SEQUENCE shop_order_id_seq TO retention_clerk;
GRANT SELECT ON shop_order, orders_cohorts TO retention_reader;
SET ROLE retention_clerk;
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (31, '2025-08-08', 'basic');
DELETE FROM shop_order WHERE customer_id = 32;
-- Their changes are noted, but they can neither read nor write the notes themselves.
SELECT * FROM orders_changes;
INSERT INTO orders_changes VALUES (true, 33);
RESET ROLE;
SELECT has_table_privilege('public', 'orders_changes', 'INSERT') AS everybody;
SELECT retention_redo, customer_id FROM orders_changes ORDER BY 1, 2;
SET ROLE retention_reader;
-- Only the owner reads facts until they are granted.
SELECT count(*) FROM orders_cohorts;
SELECT retention_refresh('orders');
RESET ROLE;
GRANT SELECT ON orders_summary TO retention_reader;
SET ROLE retention_reader;
SELECT count(*) > 0 AS cells FROM orders_cohorts;
RESET ROLE;
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
-- A foreign key deletes rows for a role that may not delete them itself.
CREATE TABLE customer (id integer PRIMARY KEY);
INSERT INTO customer SELECT DISTINCT customer_id FROM shop_order;
ALTER TABLE shop_order ADD FOREIGN KEY (customer_id) REFERENCES customer ON DELETE CASCADE ON UPDATE CASCADE;
GRANT SELECT, DELETE, UPDATE ON customer TO retention_reader;
SET ROLE retention_reader;
DELETE FROM customer WHERE id = 40;
UPDATE customer SET id = 4100 WHERE id = 41;
RESET ROLE;
SELECT retention_redo, customer_id FROM orders_changes ORDER BY 1, 2;
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
ALTER TABLE shop_order DROP CONSTRAINT shop_order_customer_id_fkey;
-- Row-level security: the owner of the table keeps the facts of all rows; a role that sees part of them cannot.
ALTER TABLE shop_order ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON shop_order USING (plan = 'basic') WITH CHECK (plan = 'basic');
SET ROLE retention_clerk;
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (42, '2025-08-08', 'basic');
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (42, '2025-08-08', 'plus');
CREATE VIEW retention_clerk.mine AS SELECT customer_id AS customer, ordered_at AS at FROM shop_order;
SELECT retention_source_set('retention_clerk.mine');
SELECT retention_materialize('retention_clerk.mine');
RESET ROLE;
-- The owner of the table sees all rows, unless row-level security is forced.
ALTER TABLE shop_order OWNER TO retention_clerk;
ALTER TABLE shop_order FORCE ROW LEVEL SECURITY;
SET ROLE retention_clerk;
SELECT retention_materialize('retention_clerk.mine');
RESET ROLE;
ALTER TABLE shop_order NO FORCE ROW LEVEL SECURITY;
ALTER TABLE shop_order OWNER TO CURRENT_USER;
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
-- Who may read the facts reads of all rows: retention_grant() and the report say so.
CREATE ROLE retention_restricted;
GRANT SELECT ON shop_order TO retention_restricted;
SET client_min_messages = notice;
SELECT count(*) > 0 AS granted FROM retention_grant('orders', 'retention_restricted');
SET client_min_messages = warning;
SET ROLE retention_restricted;
SELECT n.note FROM retention_report('orders') AS r, jsonb_array_elements_text(r -> 'notes') AS n (note) WHERE n.note ~ 'kept facts|security';
RESET ROLE;
DROP OWNED BY retention_restricted;
DROP ROLE retention_restricted;
ALTER TABLE shop_order DISABLE ROW LEVEL SECURITY;
DROP POLICY mine ON shop_order;
-- A refresh works with a publication of all tables, and in a session with another interval style.
SET client_min_messages = error;
CREATE PUBLICATION everything FOR ALL TABLES;
SET client_min_messages = warning;
SET intervalstyle = iso_8601;
SELECT retention_source('published', 'events', 'shop_order', 'customer_id', at => 'ordered_at');
SELECT retention_materialize('published') > 50 AS everybody;
DELETE FROM shop_order WHERE customer_id = 34;
SELECT retention_refresh('published'), retention_refresh('orders');
RESET intervalstyle;
SELECT p.*, o.* FROM differs('published') p, differs('orders') o;
SELECT retention_unmaterialize('published');
DROP PUBLICATION everything;
-- Writes with session_replication_role = replica are noted.
SET session_replication_role = replica;
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (43, '2025-08-08', 'basic');
RESET session_replication_role;
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');

-- ---- Everything is read again, with the reason ----
SET client_min_messages = notice;
SELECT retention_drop_source('orders');
ALTER TABLE shop_order DISABLE TRIGGER orders_deletes;
DELETE FROM shop_order WHERE customer_id = 35;
SELECT retention_refresh('orders') > 50 AS everybody;
SELECT * FROM differs('orders');
-- A trigger that was disabled and enabled again; enabled in another mode, as a restore of data does.
ALTER TABLE shop_order DISABLE TRIGGER orders_deletes;
DELETE FROM shop_order WHERE customer_id = 36;
ALTER TABLE shop_order ENABLE ALWAYS TRIGGER orders_deletes;
SELECT retention_refresh('orders') > 50 AS everybody;
ALTER TABLE shop_order ENABLE TRIGGER ALL;
SET session_replication_role = replica;
DELETE FROM shop_order WHERE customer_id = 37;
RESET session_replication_role;
SELECT retention_refresh('orders') > 50 AS everybody;
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
-- In the transaction that created the triggers.
BEGIN;
SELECT retention_materialize('orders') > 50 AS everybody;
ALTER TABLE shop_order DISABLE TRIGGER orders_inserts;
INSERT INTO shop_order (customer_id, ordered_at) VALUES (38, '2025-08-08');
ALTER TABLE shop_order ENABLE ALWAYS TRIGGER orders_inserts;
COMMIT;
SELECT retention_refresh('orders') > 50 AS everybody;
SELECT * FROM differs('orders');
-- A trigger created by hand in place of ours notes nothing and is noticed.
CREATE OR REPLACE TRIGGER orders_inserts AFTER INSERT ON shop_order REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION retention_internal.facts_note('1');
ALTER TABLE shop_order ENABLE ALWAYS TRIGGER orders_inserts;
INSERT INTO shop_order (customer_id, ordered_at) VALUES (39, '2025-08-08');
SELECT count(*) FROM orders_changes;
SELECT retention_refresh('orders') > 50 AS everybody;
SELECT * FROM differs('orders');
-- A renamed column makes no statement fail; nor does a renamed table of changes.
ALTER TABLE shop_order RENAME COLUMN plan TO tariff;
INSERT INTO shop_order (customer_id, ordered_at, tariff) VALUES (44, '2025-08-08', 'basic');
SELECT retention_redo, count(*) FROM orders_changes GROUP BY 1;
SELECT retention_refresh('orders') > 50 AS everybody;
SELECT * FROM differs('orders');
ALTER TABLE shop_order RENAME COLUMN tariff TO plan;
SELECT retention_refresh('orders') > 50 AS everybody;
ALTER TABLE orders_changes RENAME TO somewhere;
CREATE TABLE orders_changes (LIKE somewhere);
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (44, '2025-08-08', 'basic');
SELECT (SELECT count(*) FROM orders_changes) AS changes, (SELECT count(*) FROM somewhere) AS somewhere;
SELECT retention_refresh('orders');
SELECT * FROM differs('orders');
DROP TABLE orders_changes;
ALTER TABLE somewhere RENAME TO orders_changes;
-- The query of the source changes, then its settings. Until the refresh no function uses the old facts.
CREATE OR REPLACE VIEW orders AS SELECT customer_id AS customer, ordered_at AS at, plan FROM shop_order WHERE status = 'paid';
SELECT retention_refresh('orders') > 50 AS everybody;
SELECT * FROM differs('orders');
SELECT retention_source_set('orders', grid => 'week; time_zone=UTC');
SELECT retention_internal.facts_totals(retention_internal.source_find('orders')) IS NOT NULL AS reads_facts;
SELECT retention_refresh('orders') > 50 AS everybody;
SELECT retention_internal.facts_totals(retention_internal.source_find('orders')) IS NOT NULL AS reads_facts;
SELECT * FROM differs('orders');
SELECT max(period) > 40 AS weeks FROM orders_cohorts;
-- Another segment: the tables are built beside the old ones, and roles that could read those may read these.
CREATE OR REPLACE VIEW orders AS SELECT customer_id AS customer, ordered_at AS at, plan, status FROM shop_order WHERE status <> 'test';
SELECT retention_refresh('orders') > 50 AS everybody;
SELECT * FROM differs('orders');
SELECT relname, (SELECT array_agg(r::text) FROM unnest(relacl) r WHERE r::text LIKE 'retention%') AS granted
FROM pg_class WHERE relname ~ '^orders_(facts|summary|changes|state)2?$' ORDER BY 1;
SELECT count(DISTINCT segment) AS segments FROM orders_segments;
-- Rows without a time from 1900 to 2199.
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (46, '9999-12-31', 'basic'), (46, 'infinity', 'basic'),
  (47, '-infinity', 'plus'), (47, '0001-01-01', 'plus'), (2047, 'infinity', 'basic');
SELECT retention_refresh('orders');
SELECT rows_ignored FROM orders_state;
SELECT * FROM differs('orders');
SELECT count(*) < 100 AS few_rows FROM orders_flow;
DELETE FROM shop_order WHERE ordered_at > '3000-01-01';
SELECT retention_refresh('orders');
SELECT rows_ignored FROM orders_state;
SELECT * FROM differs('orders');
-- Tables that are dropped.
DROP TABLE orders_changes;
DROP TABLE orders_changes CASCADE;
INSERT INTO shop_order (customer_id, ordered_at, plan) VALUES (45, '2025-08-08', 'basic');
SELECT source, state FROM retention_sources;
SELECT retention_refresh('orders') > 50 AS everybody;
SELECT * FROM differs('orders');
SET client_min_messages = warning;
DROP TABLE orders_summary CASCADE;
SET client_min_messages = notice;
SELECT source, state FROM retention_sources;
SELECT retention_refresh('orders') > 50 AS everybody;
SELECT * FROM differs('orders');
SELECT view FROM retention_create_views('orders');
SELECT rebuilt_because FROM orders_state;
-- Built anew on request, without a lock that readers or writers wait for.
BEGIN;
SELECT retention_materialize('orders') > 50 AS everybody;
SELECT relation::regclass, mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation >= 16384
  AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') AND relation::regclass::text !~ 'retention_|[0-9]' ORDER BY 1, 2;
COMMIT;
SELECT * FROM differs('orders');
SELECT retention_unmaterialize('orders');
SELECT pg_get_viewdef('orders_cohorts') ~ 'orders_' AS reads_facts, to_regclass('orders_facts') AS facts, to_regclass('orders_summary') AS summary,
  to_regclass('orders_changes') AS changes, to_regclass('orders_state') AS state,
  (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shop_order'::regclass AND NOT tgisinternal) AS triggers;
SELECT retention_unmaterialize('orders');
SELECT retention_refresh('orders');
SELECT retention_refresh('order');
SELECT retention_refresh(NULL);

-- ---- Errors ----
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT retention_materialize('orders');
ROLLBACK;
CREATE FUNCTION refused(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'CREATE VIEW v AS ' || query;
  PERFORM retention_source_set('v');
  PERFORM retention_materialize('v');
  PERFORM retention_unmaterialize('v'), retention_drop_source('v');
  RETURN 'kept';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT refused(q) FROM (VALUES
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order ORDER BY 2'),
  ('SELECT lower(plan || note) AS customer, ordered_at AS at, coalesce(status, ''x'') AS status FROM shop_order o'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order WHERE ordered_at < now()'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order WHERE customer_id NOT IN (SELECT id FROM customer)'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order WHERE ordered_at::date > ''2025-01-01'''),
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order WHERE shop_order IS NOT NULL'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order WHERE tableoid > 0'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order LIMIT 100'),
  ('SELECT DISTINCT customer_id AS customer, ordered_at AS at FROM shop_order'),
  ('SELECT customer_id AS customer, max(ordered_at) AS at FROM shop_order GROUP BY 1'),
  ('SELECT customer_id AS customer, max(ordered_at) OVER () AS at FROM shop_order'),
  ('SELECT customer_id AS customer, ordered_at + generate_series(1, 2) * interval ''1 day'' AS at FROM shop_order'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order UNION ALL SELECT 1, now()'),
  ('WITH o AS (SELECT * FROM shop_order) SELECT customer_id AS customer, ordered_at AS at FROM o'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM (SELECT * FROM shop_order) AS o'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order, customer'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM ONLY shop_order'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order TABLESAMPLE system (10)'),
  ('SELECT customer_id AS customer, ordered_at AS at FROM shop_order FOR UPDATE'),
  ('SELECT 1 AS customer, ordered_at AS at FROM shop_order')) AS v (q);
SELECT retention_source('as_of', 'events', 'shop_order', 'customer_id', at => 'ordered_at', as_of => 'now()');
SELECT retention_materialize('as_of');
SELECT retention_drop_source('as_of');
SELECT retention_source(repeat('n', 60), 'events', 'shop_order', 'customer_id', at => 'ordered_at');
CREATE TABLE subscription (customer integer, started date, ended date);
SELECT retention_source('subscriptions', 'subscriptions', 'subscription', 'customer', started => 'started', ended => 'ended');
SELECT retention_materialize('subscriptions');
CREATE VIEW order_view AS SELECT * FROM shop_order;
SELECT retention_source('seen', 'events', 'order_view', 'customer_id', at => 'ordered_at');
SELECT retention_materialize('seen');
CREATE UNLOGGED TABLE quick (customer integer, at date);
SELECT retention_source('quicker', 'events', 'quick', 'customer', at => 'at');
SELECT retention_materialize('quicker');
CREATE DOMAIN sure AS integer NOT NULL;
CREATE TABLE sure_event (customer sure, at date);
SELECT retention_source('surely', 'events', 'sure_event', 'customer', at => 'at');
SELECT retention_materialize('surely');
-- Tables that Citus distributes.
SET allow_system_table_mods = on;
BEGIN;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass);
SELECT retention_materialize('orders') > 50 AS everybody;
INSERT INTO pg_catalog.pg_dist_partition VALUES ('shop_order');
SAVEPOINT one;
SELECT retention_materialize('orders');
ROLLBACK TO one;
SELECT retention_refresh('orders');
ROLLBACK;
RESET allow_system_table_mods;
-- A name that is taken.
CREATE TABLE orders_facts ();
SELECT retention_materialize('orders');
DROP TABLE orders_facts;
SELECT retention_materialize('orders') > 50 AS everybody;
-- DROP TABLE ... CASCADE drops everything, so that no dashboard shows old numbers.
DROP TABLE shop_order;
SET client_min_messages = warning;
DROP TABLE shop_order CASCADE;
SELECT relname FROM pg_class WHERE relname LIKE 'orders%' AND relnamespace = 'facts_test'::regnamespace;
SELECT retention_refresh('orders');

-- ---- Built by the first refresh ----
CREATE TABLE visit (customer uuid, day date, device text COLLATE "C");
INSERT INTO visit SELECT md5((g % 50)::text)::uuid, date '2025-01-01' + g * 7 % 300, (ARRAY['phone', 'desk'])[1 + g % 2] FROM generate_series(1, 600) g;
SELECT retention_source('visits', 'events', 'visit', 'customer', at => 'day', segments => '{device}', grid => 'week; week_start=sunday; min_events=2; brackets=1,2-4', gone_after => '10 days');
SELECT count(*) AS views FROM retention_create_views('visits');
SELECT retention_materialize('visits', build => false);
SELECT pg_get_viewdef('visits_cohorts') ~ 'visits_summary' AS reads_facts;
INSERT INTO visit VALUES (md5('new')::uuid, '2025-05-05', 'phone');
SELECT retention_refresh('visits');
SELECT pg_get_viewdef('visits_cohorts') ~ 'visits_summary' AS reads_facts;
SELECT * FROM differs('visits');
INSERT INTO visit SELECT md5((g % 70)::text)::uuid, date '2025-02-01' + g * 11 % 300, (ARRAY['phone', 'desk', 'tv'])[1 + g % 3] FROM generate_series(1, 60) g;
DELETE FROM visit WHERE day > '2025-11-01' OR customer = md5('3')::uuid;
SELECT retention_refresh('visits');
SELECT * FROM differs('visits');
-- With elapsed windows and recurring cohorts the summary is built from all facts.
SELECT retention_source('elapsed', 'events', 'visit', 'customer', at => 'day', segments => '{device}', grid => 'month; windows=elapsed');
SELECT retention_source('recurring', 'events', 'visit', 'customer', at => 'day', grid => 'month; cohorts=recurring');
SELECT retention_materialize('elapsed'), retention_materialize('recurring');
SELECT e.*, r.* FROM differs('elapsed') e, differs('recurring') r;
INSERT INTO visit VALUES (md5('new')::uuid, '2025-12-05', 'phone'), (md5('7')::uuid, '2025-01-09', 'phone');
DELETE FROM visit WHERE customer = md5('8')::uuid AND day > '2025-06-01';
SELECT retention_refresh('elapsed'), retention_refresh('recurring'), retention_refresh('visits');
SELECT e.*, r.*, v.* FROM differs('elapsed') e, differs('recurring') r, differs('visits') v;
BEGIN;
TRUNCATE visit;
SELECT retention_refresh('elapsed'), retention_refresh('recurring');
INSERT INTO visit VALUES (md5('7')::uuid, NULL, 'phone');
SELECT retention_refresh('elapsed'), retention_refresh('recurring');
SELECT e.*, r.* FROM differs('elapsed') e, differs('recurring') r;
ROLLBACK;
SELECT retention_unmaterialize('elapsed'), retention_unmaterialize('recurring');
-- Hours and texts, wall-clock times.
CREATE TABLE click (who varchar(20), at timestamp, page varchar(10));
INSERT INTO click SELECT 'c' || g % 20, timestamp '2025-03-29 20:00' + g * interval '17 minutes', 'p' || g % 3 FROM generate_series(1, 200) g;
SELECT retention_source('clicks', 'events', 'click', 'who', at => 'at', segments => '{page}', grid => 'hour; time_zone=Europe/Berlin');
SELECT retention_materialize('clicks');
INSERT INTO click SELECT 'c' || g % 25, timestamp '2025-03-30 01:00' + g * interval '7 minutes', 'p' || g % 4 FROM generate_series(1, 30) g;
UPDATE click SET page = 'p9' WHERE who = 'c3';
SELECT retention_refresh('clicks');
SELECT * FROM differs('clicks');
SELECT retention_unmaterialize('clicks');

-- ---- Partitions ----
CREATE TABLE visited (customer bigint, at timestamptz, kind integer) PARTITION BY RANGE (at);
CREATE TABLE visit_1 PARTITION OF visited FOR VALUES FROM ('2025-01-01') TO ('2025-04-01');
CREATE TABLE visit_2 PARTITION OF visited FOR VALUES FROM ('2025-04-01') TO ('2025-07-01') PARTITION BY LIST (kind);
CREATE TABLE visit_2a PARTITION OF visit_2 FOR VALUES IN (0, 1);
CREATE TABLE visit_2b PARTITION OF visit_2 DEFAULT;
INSERT INTO visited SELECT g % 40, timestamptz '2025-01-01' + g * interval '5 hours', g % 3 FROM generate_series(1, 800) g;
SELECT retention_source('log', 'events', 'visited', 'customer', at => 'at', segments => '{kind}', grid => 'week');
SELECT retention_materialize('log');
SELECT relations FROM log_state;
-- Written through the parent, to a partition, and moved from one partition to another.
INSERT INTO visited SELECT g % 50, timestamptz '2025-02-01' + g * interval '15 hours', g % 4 FROM generate_series(1, 80) g;
INSERT INTO visit_2a VALUES (51, '2025-05-05', 1);
INSERT INTO visit_2 VALUES (52, '2025-05-05', 1);
UPDATE visited SET at = at + interval '90 days' WHERE customer = 5 AND at < '2025-03-30';
UPDATE visit_2 SET kind = 3 - kind WHERE customer = 6;
DELETE FROM visit_1 WHERE customer = 7;
SELECT retention_redo, customer, kind FROM log_changes WHERE retention_redo OR customer > 49 ORDER BY 1, 2, 3;
SELECT retention_refresh('log');
SELECT * FROM differs('log');
TRUNCATE visit_2b;
SELECT retention_refresh('log') > 20 AS everybody;
SELECT * FROM differs('log');
-- Partitions that are attached, empty or with rows, and detached or dropped.
CREATE TABLE visit_3 PARTITION OF visited FOR VALUES FROM ('2025-07-01') TO ('2025-08-01');
INSERT INTO visited VALUES (60, '2025-07-07', 1);
INSERT INTO visit_3 VALUES (61, '2025-07-07', 1);
CREATE TABLE visit_4 (customer bigint, at timestamptz, kind integer);
INSERT INTO visit_4 VALUES (62, '2025-08-07', 1), (8, '2025-08-08', 2);
ALTER TABLE visited ATTACH PARTITION visit_4 FOR VALUES FROM ('2025-08-01') TO ('2025-09-01');
SELECT retention_refresh('log');
SELECT * FROM differs('log');
INSERT INTO visit_4 VALUES (63, '2025-08-07', 1);
SELECT retention_refresh('log');
SELECT * FROM differs('log');
ALTER TABLE visited DETACH PARTITION visit_4;
INSERT INTO visit_4 VALUES (64, '2025-08-07', 1);
DROP TABLE visit_1;
SELECT retention_refresh('log') > 20 AS everybody;
INSERT INTO visit_4 VALUES (65, '2025-08-07', 1);
SELECT retention_refresh('log');
SELECT * FROM differs('log');
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgname LIKE 'log\_%' GROUP BY 1 ORDER BY tgrelid::regclass::text COLLATE "C";
SELECT retention_unmaterialize('log');
SELECT count(*) AS triggers FROM pg_trigger WHERE tgname LIKE 'log\_%';

-- A disabled trigger of a partition is noticed.
SELECT retention_materialize('log') > 20 AS everybody;
SET client_min_messages = notice;
ALTER TABLE visit_2a DISABLE TRIGGER log_inserts;
INSERT INTO visit_2a VALUES (66, '2025-05-05', 1);
SELECT retention_refresh('log') > 20 AS everybody;
SELECT * FROM differs('log');
SET client_min_messages = warning;
SELECT retention_unmaterialize('log');

-- ---- Odd names, odd settings ----
CREATE SCHEMA "100 % ""quoted""";
SET search_path = "100 % ""quoted""", facts_test, public;
CREATE TABLE "odd
table" (customer text, at date, "seg%s" text);
SET standard_conforming_strings = off;
SET escape_string_warning = on;
INSERT INTO "odd
table" VALUES (E'a\\b', '2025-01-01', E'x\\y'), ('a', '2025-01-01', '%L'), ('a', '2025-02-01', E'two\nlines');
SELECT retention_source('"odd %I"', 'events', E'"odd\ntable"', 'customer', at => 'at', segments => '{seg%s}', filter => $q$"seg%s" <> 'no
ne'$q$, schema => '100 % "quoted"');
SELECT count(*) FROM retention_create_views('"odd %I"');
SELECT retention_materialize('"odd %I"');
INSERT INTO "odd
table" VALUES (E'a\\b', '2025-01-04', E'x\\y'), ('c', '2025-01-01', '%L'), ('d', '2025-02-01', E'no\nne');
UPDATE "odd
table" SET "seg%s" = E'\\' WHERE customer = 'a';
SELECT retention_refresh('"odd %I"');
SELECT * FROM differs('"odd %I"');
SELECT count(*) FROM "odd %I_cohorts";
RESET standard_conforming_strings;
SET search_path = facts_test, public;
-- Two sources of the same name over one table.
CREATE SCHEMA facts_test_2;
SELECT retention_source('twice', 'events', 'visit', 'customer', at => 'day'), retention_source('facts_test_2.twice', 'events', 'visit', 'customer', at => 'day', segments => '{device}');
SELECT retention_materialize('twice'), retention_materialize('facts_test_2.twice');
DELETE FROM visit WHERE device = 'phone' AND day < '2025-02-01';
SELECT retention_refresh('twice') = retention_refresh('facts_test_2.twice') AS same;
SELECT a.*, b.* FROM differs('twice') a, differs('facts_test_2.twice') b;
SELECT retention_unmaterialize('twice');
DELETE FROM visit WHERE device = 'desk' AND day < '2025-02-01';
SELECT retention_refresh('facts_test_2.twice') > 0 AS some;
SELECT * FROM differs('facts_test_2.twice');
-- Customers made of two columns by an expression: 'Ann' Lee and 'ann' Lee are one customer.
CREATE TABLE person (first text, last text, day date, kind text);
INSERT INTO person SELECT (ARRAY['Ann', 'ann', 'Bob', 'bob', NULL])[1 + g % 5], (ARRAY['Lee', 'Ray'])[1 + g % 2], date '2025-01-01' + g, 'k' || g % 3 FROM generate_series(1, 60) g;
CREATE VIEW people WITH (security_invoker = true) AS SELECT lower(first) || last AS customer, day AS at, kind || '!' AS kind FROM person WHERE kind <> 'k2';
SELECT retention_source_set('people', grid => 'week; time_zone=UTC');
SELECT retention_materialize('people');
DELETE FROM person WHERE first = 'Ann' AND day < '2025-01-20';
UPDATE person SET kind = 'k1' WHERE first = 'bob' AND kind = 'k2';
INSERT INTO person VALUES ('ANN', 'Lee', '2025-03-03', 'k0'), (NULL, 'Lee', '2025-03-03', 'k0');
SELECT retention_redo, first, last, count(*) FROM people_changes GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT retention_refresh('people');
SELECT * FROM differs('people');

-- ---- Customers who change: which value counts ----
-- Random inserts, updates and deletes, some of them of the first or the latest row of all or of a value.
CREATE TABLE changing (id integer PRIMARY KEY, customer integer, at date, plan text, country text);
CREATE FUNCTION change_some(round integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO changing SELECT round * 100 + g, abs(hashint4(g * 7 + round)) % 12, date '2025-01-01' + abs(hashint4(g * 11 + round)) % 200,
    (ARRAY['a', 'b', 'c', NULL])[1 + abs(hashint4(g * 13 + round)) % 4], (ARRAY['DE', 'FR'])[1 + abs(hashint4(g * 17 + round)) % 2]
  FROM generate_series(1, 1 + round % 4) g;
  UPDATE changing SET plan = (ARRAY['a', 'b', NULL])[1 + round % 3] WHERE id IN (SELECT id FROM changing ORDER BY hashint4(id + round) LIMIT round % 3);
  DELETE FROM changing WHERE id IN (SELECT id FROM changing ORDER BY hashint4(id * 3 + round) LIMIT (round + 1) % 3);
  IF round % 5 = 0 THEN DELETE FROM changing WHERE at = (SELECT min(at) FROM changing) OR at = (SELECT max(at) FROM changing WHERE plan = 'b'); END IF;
END $$;
SELECT retention_source('first_value', 'events', 'changing', 'customer', at => 'at', segments => '{plan,country}'),
  retention_source('latest_value', 'events', 'changing', 'customer', at => 'at', segments => '{plan,country}', segments_at => 'current');
SELECT retention_materialize('first_value'), retention_materialize('latest_value');
CREATE FUNCTION all_differ(rounds integer) RETURNS TABLE (source text, cohorts bigint, facts bigint, parts bigint) LANGUAGE plpgsql AS $$
BEGIN
  FOR round IN 1 .. rounds LOOP
    PERFORM change_some(round);
    FOREACH source IN ARRAY ARRAY['first_value', 'latest_value'] LOOP
      PERFORM retention_refresh(source::regclass);
      SELECT d.* INTO cohorts, facts, parts FROM differs(source::regclass) d;
      RETURN NEXT;
    END LOOP;
  END LOOP;
END $$;
SELECT source, count(*), sum(cohorts) AS cohorts, sum(facts) AS facts, sum(parts) AS parts FROM all_differ(40) GROUP BY 1 ORDER BY 1;
SELECT segment, value, f.customers AS first, l.customers AS latest, p.customers AS first_rows, q.customers AS latest_rows
FROM (SELECT segment, value, (cohort_totals(cohorts)).customers FROM first_value_summary WHERE part > 0) f
FULL JOIN (SELECT segment, value, (cohort_totals(cohorts)).customers FROM latest_value_summary WHERE part > 0) l USING (segment, value)
JOIN (SELECT DISTINCT ON (segment, value) segment, value, count(*) OVER (PARTITION BY segment, value) AS customers FROM (
  SELECT DISTINCT ON (customer) customer, country FROM changing ORDER BY customer, at, country) d, LATERAL (VALUES ('country', country)) v (segment, value)) p USING (segment, value)
JOIN (SELECT DISTINCT ON (segment, value) segment, value, count(*) OVER (PARTITION BY segment, value) AS customers FROM (
  SELECT DISTINCT ON (customer) customer, country FROM changing ORDER BY customer, at DESC, country) d, LATERAL (VALUES ('country', country)) v (segment, value)) q USING (segment, value)
ORDER BY 1, 2;
-- Another choice is another definition: everything is read again.
SET client_min_messages = notice;
SELECT retention_source_set('first_value', segments_at => 'current');
SELECT retention_refresh('first_value') > 0 AS everybody;
SET client_min_messages = warning;
SELECT * FROM differs('first_value');
SELECT count(*) AS differ FROM (SELECT customer, segment_1, segment_2 FROM first_value_facts EXCEPT SELECT customer, segment_1, segment_2 FROM latest_value_facts) d;

-- ---- Cost: a small refresh reads what changed ----
-- An index on an integer column is used.
CREATE TABLE much (customer integer, at date);
INSERT INTO much SELECT g % 20000, date '2025-01-01' + g % 330 FROM generate_series(1, 60000) g;
CREATE INDEX ON much (customer);
ANALYZE much;
SELECT retention_source('many', 'events', 'much', 'customer', at => 'at');
SELECT retention_materialize('many');
VACUUM ANALYZE many_facts;
INSERT INTO much VALUES (1, '2025-12-01'), (20001, '2025-12-01'), (2, '2025-12-02');
DELETE FROM much WHERE customer = 3 AND at > '2025-06-01';
DELETE FROM much WHERE at = '2025-12-02';
SELECT pg_stat_force_next_flush();
SELECT pg_stat_reset_single_table_counters('many_facts'::regclass), pg_stat_reset_single_table_counters('much'::regclass);
SELECT retention_refresh('many');
SELECT pg_stat_force_next_flush();
SELECT relname, seq_tup_read, idx_scan > 0 AS by_index FROM pg_stat_user_tables WHERE relname IN ('much', 'many_facts') ORDER BY 1;
SELECT * FROM differs('many');

SET client_min_messages = error;
DROP SCHEMA facts_test, facts_test_2, "100 % ""quoted""", retention_clerk CASCADE;
DROP ROLE retention_clerk, retention_reader;
