-- Kept facts are safe from other roles, and no role runs code of another because of them.
SET datestyle = 'ISO';
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE facts_owner;
CREATE ROLE facts_other;
CREATE ROLE facts_mate IN ROLE facts_owner;
CREATE ROLE facts_writer;
CREATE SCHEMA facts_shop AUTHORIZATION facts_owner;
CREATE SCHEMA facts_own AUTHORIZATION facts_other;
SET search_path = facts_shop, public;

SET ROLE facts_owner;
CREATE TABLE sale (id integer PRIMARY KEY, customer integer, day date, plan text);
INSERT INTO sale SELECT g, g % 20, date '2025-01-01' + g, 'p' || g % 2 FROM generate_series(1, 200) g;
SELECT retention_source('orders', 'events', 'sale', 'customer', at => 'day', segments => '{plan}', grid => 'month; time_zone=UTC');
SELECT retention_materialize('orders');
SELECT count(*) AS views FROM retention_create_views('orders');
SELECT relname, relowner::regrole, relacl FROM pg_class WHERE relname LIKE 'orders\_%' AND relkind = 'r' ORDER BY 1;
RESET ROLE;

-- ---- Only the owner changes them, not a superuser or a member of the owning role ----
SELECT retention_materialize('orders');
SELECT retention_refresh('orders');
SELECT retention_unmaterialize('orders');
SET ROLE facts_mate;
SELECT retention_materialize('orders');
SELECT retention_refresh('orders');
SELECT retention_unmaterialize('orders');
RESET ROLE;
SET ROLE facts_other;
SELECT retention_refresh('facts_shop.orders');
RESET ROLE;
-- A trigger of the owner on their facts runs with the rights of the owner.
SET ROLE facts_owner;
CREATE TABLE ran_as (who name);
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO facts_shop.ran_as VALUES (current_user); RETURN new; END $$;
CREATE TRIGGER spy BEFORE INSERT OR UPDATE ON orders_facts FOR EACH ROW EXECUTE FUNCTION spy();
INSERT INTO sale VALUES (201, 1, '2025-05-05', 'p1');
RESET ROLE;
SELECT retention_refresh('orders');
SET ROLE facts_owner;
SELECT retention_refresh('orders');
SELECT who, count(*) FROM ran_as GROUP BY 1;
DROP TRIGGER spy ON orders_facts;
RESET ROLE;

-- ---- Links cannot be forged ----
GRANT USAGE ON SCHEMA facts_shop, facts_own TO facts_other, facts_owner;
SET ROLE facts_other;
SET search_path = facts_own, public;
CREATE TABLE mine (id integer, customer integer, day date, plan text);
-- A trigger of another role that notes in a table of its own.
CREATE TRIGGER orders_inserts AFTER INSERT ON mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION retention_internal.facts_note('1');
INSERT INTO mine VALUES (1, 1, '2025-01-01', 'x');
SELECT retention_internal.facts_link_trigger('mine', 'orders_inserts', 'facts_shop.orders_changes');
SELECT retention_internal.facts_link_trigger('facts_shop.sale', 'orders_inserts', 'mine');
CREATE CONSTRAINT TRIGGER forged AFTER INSERT ON mine FROM facts_shop.orders_changes FOR EACH ROW EXECUTE FUNCTION retention_internal.facts_note('1');
SELECT retention_internal.facts_link_table('mine', 'facts_shop.orders');
SELECT retention_internal.facts_link_table('facts_shop.orders_facts', 'facts_shop.orders');
-- Tables of another role that refer to the source.
CREATE TABLE fake (retention_source regclass DEFAULT 'facts_shop.orders'::regclass, facts regclass DEFAULT 'mine'::regclass,
  summary regclass DEFAULT 'mine'::regclass, changes regclass DEFAULT 'mine'::regclass);
INSERT INTO fake DEFAULT VALUES;
RESET ROLE;
SET search_path = facts_shop, public;
SELECT retention_internal.facts_kept('orders');
-- The same with the privilege TRIGGER on the table of changes.
GRANT TRIGGER ON orders_changes TO facts_other;
SET ROLE facts_other;
CREATE CONSTRAINT TRIGGER forged AFTER INSERT ON facts_own.mine FROM facts_shop.orders_changes FOR EACH ROW EXECUTE FUNCTION retention_internal.facts_note('1');
INSERT INTO facts_own.mine VALUES (2, 2, '2025-01-01', 'x');
SELECT retention_internal.facts_link_trigger('facts_own.mine', 'forged', 'facts_own.fake');
DROP TRIGGER forged ON facts_own.mine;
RESET ROLE;
REVOKE TRIGGER ON orders_changes FROM facts_other;
SELECT count(*) AS noted FROM orders_changes;
-- The owner of a source refers to tables of another role: they do not count.
CREATE TABLE facts_own.victim (part integer, customer integer);
INSERT INTO facts_own.victim VALUES (1, 1);
ALTER TABLE facts_own.victim OWNER TO facts_other;
SET ROLE facts_owner;
UPDATE orders_state SET facts = 'facts_own.victim', summary = 'facts_own.victim', changes = 'facts_own.victim';
ALTER TABLE orders_state ALTER facts SET DEFAULT 'facts_own.victim'::regclass;
SELECT retention_internal.facts_kept('orders');
SET client_min_messages = notice;
SELECT retention_refresh('orders');
SET client_min_messages = warning;
DROP TABLE orders_facts CASCADE;
SELECT retention_refresh('orders');
SELECT retention_internal.facts_kept('orders');
SELECT count(*) AS views FROM retention_create_views('orders');
RESET ROLE;
SELECT count(*) AS safe FROM facts_own.victim;
SELECT count(*) AS mine FROM facts_own.mine;

-- ---- Writers need no privileges ----
-- Through an updatable view, without USAGE on the schema of the table.
CREATE SCHEMA facts_views;
CREATE VIEW facts_views.sale AS SELECT * FROM sale;
ALTER VIEW facts_views.sale OWNER TO facts_owner;
GRANT USAGE ON SCHEMA facts_views TO facts_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON facts_views.sale TO facts_writer;
SET ROLE facts_writer;
INSERT INTO facts_views.sale VALUES (301, 21, '2025-06-06', 'p0');
UPDATE facts_views.sale SET plan = 'p3' WHERE id = 2;
DELETE FROM facts_views.sale WHERE id = 3;
SELECT has_schema_privilege('facts_shop', 'USAGE') AS usage;
RESET ROLE;
SELECT * FROM orders_changes ORDER BY 1, 2;
-- Triggers and checks that the owner adds to the table of changes run as the owner, with a fixed search_path.
SET ROLE facts_owner;
SELECT retention_refresh('orders');
DELETE FROM ran_as;
CREATE FUNCTION spy_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO facts_shop.ran_as VALUES (current_user || ' ' || current_setting('search_path'));
  RETURN new;
END $$;
CREATE TRIGGER spy BEFORE INSERT ON orders_changes FOR EACH ROW EXECUTE FUNCTION spy_changes();
CREATE TRIGGER spy_after AFTER INSERT ON orders_changes FOR EACH ROW EXECUTE FUNCTION spy_changes();
CREATE INDEX ON orders_changes (customer);
RESET ROLE;
INSERT INTO sale VALUES (302, 22, '2025-06-06', 'p0');
SHOW search_path;
SELECT who, count(*) FROM ran_as GROUP BY 1;
SET ROLE facts_owner;
SET enable_seqscan = off;
SELECT * FROM orders_changes WHERE customer = 22;
RESET enable_seqscan;
CREATE FUNCTION take_over() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; RETURN new; END $$;
CREATE TRIGGER take_over BEFORE INSERT ON orders_changes FOR EACH ROW EXECUTE FUNCTION take_over();
RESET ROLE;
INSERT INTO sale VALUES (303, 22, '2025-06-06', 'p0');
SET ROLE facts_owner;
DROP TRIGGER take_over ON orders_changes;
DROP TRIGGER spy ON orders_changes;
DROP TRIGGER spy_after ON orders_changes;
SELECT retention_refresh('orders');
-- A table of changes that was altered makes no statement fail.
ALTER TABLE orders_changes RENAME COLUMN retention_redo TO mark;
ALTER TABLE orders_changes ALTER mark TYPE text;
RESET ROLE;
INSERT INTO sale VALUES (304, 23, '2025-06-06', 'p0');
SET ROLE facts_owner;
SET client_min_messages = notice;
SELECT retention_refresh('orders');
SET client_min_messages = warning;
-- A role with TRIGGER on a table that it does not own could not drop the triggers again.
RESET ROLE;
CREATE VIEW facts_own.theirs AS SELECT customer, day AS at FROM facts_shop.sale;
ALTER VIEW facts_own.theirs OWNER TO facts_other;
GRANT SELECT, TRIGGER ON sale TO facts_other;
SET ROLE facts_other;
SELECT retention_source_set('facts_own.theirs');
SELECT retention_materialize('facts_own.theirs');
RESET ROLE;

-- ---- Dropped roles ----
CREATE ROLE facts_heir;
GRANT ALL ON SCHEMA facts_shop TO facts_heir;
-- The table alone gets a new owner: none of its rows is written for the old one.
ALTER TABLE sale OWNER TO facts_heir;
REVOKE ALL ON sale FROM facts_owner;
INSERT INTO sale VALUES (305, 24, '2025-06-06', 'secret');
SELECT * FROM orders_changes;
SET ROLE facts_owner;
SELECT retention_refresh('orders');
RESET ROLE;
ALTER TABLE sale OWNER TO facts_owner;
SET ROLE facts_owner;
SELECT retention_refresh('orders') > 20 AS everybody;
RESET ROLE;
REASSIGN OWNED BY facts_owner TO facts_heir;
DROP OWNED BY facts_owner;
REVOKE facts_owner FROM facts_mate;
DROP ROLE facts_owner;
SET ROLE facts_heir;
INSERT INTO sale VALUES (306, 25, '2025-06-06', 'p0');
SELECT retention_refresh('orders');
SELECT source, owner, state FROM retention_sources WHERE source = 'orders'::regclass;
SELECT retention_materialize('orders') > 20 AS everybody;
RESET ROLE;

-- ---- A table swapped for another, as loading tools do ----
SET ROLE facts_heir;
CREATE TABLE sale_new AS SELECT * FROM sale WHERE customer < 10;
ALTER TABLE sale RENAME TO sale_old;
ALTER TABLE sale_new RENAME TO sale;
-- Until the old table is dropped, the source reads it; then both are gone, and queries fail.
SELECT retention_refresh('orders');
DROP TABLE sale_old CASCADE;
SELECT count(*) FROM orders_cohorts;
SELECT relname FROM pg_class WHERE relname LIKE 'orders%';
SELECT retention_source('orders', 'events', 'sale', 'customer', at => 'day', segments => '{plan}', grid => 'month; time_zone=UTC');
SELECT retention_materialize('orders');
SELECT retention_unmaterialize('orders'), retention_drop_source('orders');
RESET ROLE;

-- ---- Hostile calls ----
SELECT retention_internal.facts_note();
CREATE TABLE target (id integer);
CREATE TRIGGER wrong BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION retention_internal.facts_note('1');
INSERT INTO target VALUES (1);
DROP TRIGGER wrong ON target;
CREATE TRIGGER wrong AFTER INSERT ON target FOR EACH STATEMENT EXECUTE FUNCTION retention_internal.facts_note('1');
INSERT INTO target VALUES (1);
DROP TRIGGER wrong ON target;
CREATE TRIGGER wrong AFTER INSERT ON target FOR EACH ROW EXECUTE FUNCTION retention_internal.facts_note();
INSERT INTO target VALUES (1);
-- Linked triggers with wrong arguments.
CREATE TABLE noted (mark boolean, id integer);
SELECT retention_internal.facts_link_trigger('target', 'wrong', 'noted');
INSERT INTO target VALUES (2);
DROP TRIGGER wrong ON target;
CREATE TRIGGER wrong AFTER INSERT ON target FOR EACH ROW EXECUTE FUNCTION retention_internal.facts_note('-7');
SELECT retention_internal.facts_link_trigger('target', 'wrong', 'noted');
INSERT INTO target VALUES (3);
DROP TRIGGER wrong ON target;
CREATE TRIGGER wrong AFTER INSERT ON target FOR EACH ROW EXECUTE FUNCTION retention_internal.facts_note('99999999999999999999');
SELECT retention_internal.facts_link_trigger('target', 'wrong', 'noted');
INSERT INTO target VALUES (4);
SELECT * FROM noted;
-- A table that notes its changes in itself, and tables that note in a circle.
SELECT retention_internal.facts_link_trigger('target', 'wrong', 'target');
CREATE TABLE circle (retention_redo boolean, id integer);
CREATE TABLE round (retention_redo boolean, id integer);
CREATE TRIGGER wrong AFTER INSERT ON circle FOR EACH ROW EXECUTE FUNCTION retention_internal.facts_note('1');
CREATE TRIGGER wrong AFTER INSERT ON round FOR EACH ROW EXECUTE FUNCTION retention_internal.facts_note('1');
SELECT retention_internal.facts_link_trigger('circle', 'wrong', 'round'), retention_internal.facts_link_trigger('round', 'wrong', 'circle');
\set VERBOSITY terse
INSERT INTO circle VALUES (false, 1);
\set VERBOSITY default
SELECT retention_internal.facts_link_trigger('target', 'none', 'noted');
SELECT retention_internal.facts_link_trigger(0, 'none', 'noted');
SELECT retention_internal.facts_link_trigger('target', 'wrong', 0);
CREATE VIEW target_view AS SELECT id AS customer FROM target;
SELECT retention_internal.facts_link_trigger('target', 'wrong', 'target_view');
SELECT retention_internal.facts_link_table('target_view', 'target_view');
SELECT retention_internal.facts_link_table('target', 'target');
SELECT retention_internal.facts_link_table(0, 0);
SELECT retention_internal.facts_linked(0, 0), retention_internal.facts_linked(oid, 0) FROM pg_trigger WHERE tgname = 'wrong';
SELECT retention_internal.source_shape(0);
SELECT retention_internal.source_shape('target');
SELECT * FROM retention_internal.source_shape('target_view');
SELECT replace(retention_internal.source_over('target_view', 'target', NULL), 'r.', '') AS query; -- (16 and later leave it out)
SELECT retention_internal.source_over('target_view', 'target', true);
SELECT retention_internal.source_over('target_view', 'pg_class', NULL);
SELECT retention_internal.source_over('target_view', 0, NULL);
SELECT retention_internal.source_over(NULL, 'target', NULL) IS NULL AS nothing;
SELECT retention_internal.source_over('pg_stat_activity', 'target', NULL);
SELECT retention_internal.facts_kept(0), retention_internal.facts_kept(NULL), retention_internal.facts_state('target');

-- ---- Every call of ours has all arguments: whoever may create functions beside ours makes others ambiguous ----
\c
CREATE SCHEMA facts_calls AUTHORIZATION facts_mate;
SET search_path = facts_calls, public;
SET client_min_messages = warning;
GRANT CREATE ON SCHEMA public TO facts_other;
SET ROLE facts_other;
-- one for each of our functions with defaults and each number of arguments
DO $$
DECLARE
  f record;
BEGIN
  FOR f IN SELECT p.proname, n AS given, string_agg(a.type::regtype::text, ', ' ORDER BY a.place) FILTER (WHERE a.place <= n) AS types
      FROM pg_proc AS p, generate_series(p.pronargs - p.pronargdefaults, p.pronargs - 1) AS n,
        unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, place)
      WHERE p.pronamespace = 'public'::regnamespace AND p.pronargdefaults > 0 AND p.prokind = 'f' GROUP BY p.oid, p.proname, n LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS bigint LANGUAGE sql AS ''SELECT 0''', f.proname, f.types);
    EXCEPTION WHEN duplicate_function THEN
      NULL;
    END;
  END LOOP;
END $$;
SELECT count(*) > 20 AS functions FROM pg_proc WHERE proowner = 'facts_other'::regrole AND pronamespace = 'public'::regnamespace;
SET ROLE facts_mate;
CREATE TABLE sale AS SELECT g % 20 AS customer, date '2025-01-01' + g AS day, 'p' || g % 2 AS plan FROM generate_series(1, 200) g;
CREATE TABLE contract AS SELECT g AS customer, date '2025-01-01' + g AS since, CASE WHEN g % 2 = 0 THEN date '2025-03-01' + g END AS until,
  'p' || g % 2 AS plan, 'price' AS why FROM generate_series(1, 60) g;
SELECT retention_source('orders', 'events', 'sale', 'customer', at => 'day', segments => '{plan}', grid => 'month; time_zone=UTC');
SELECT retention_source('contracts', 'subscriptions', 'contract', 'customer', started => 'since', ended => 'until', segments => '{plan}',
  reason => 'why', grid => 'month; time_zone=UTC');
SELECT source, count(*) FROM (VALUES ('orders'::regclass), ('contracts')) AS s (source), retention_create_views(source, 'facts_calls'::name) GROUP BY 1 ORDER BY source::text;
SELECT (SELECT count(*) FROM orders_flow) AS orders, (SELECT count(*) FROM contracts_flow) AS contracts;
SELECT source, length(retention_report_html(source, NULL::timestamp, 12, NULL::text, NULL::text)) > 9999 AS page FROM (VALUES ('orders'::regclass), ('contracts')) AS s (source) ORDER BY source::text;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM facts_other;
DO $$
DECLARE
  f regprocedure;
BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE proowner = 'facts_other'::regrole AND pronamespace = 'public'::regnamespace LOOP
    EXECUTE format('DROP FUNCTION %s', f);
  END LOOP;
END $$;

SET client_min_messages = error;
DROP SCHEMA facts_shop, facts_own, facts_views, facts_calls CASCADE;
DROP ROLE facts_other, facts_mate, facts_writer, facts_heir;
