-- The views of purchases (value, cohort_value, both by segment) and the money section of reports.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE SCHEMA value_views;
SET search_path = value_views, public;
\set views_file `echo "${PG_ABS_SRCDIR:-.}/test/views.sql"`
\set ECHO none
\i :views_file
\set ECHO all
CREATE TABLE sale (who int, at timestamptz, amt numeric(12, 2), channel text, "the shop" text);
INSERT INTO sale
SELECT nullif(h % 400, 399), timestamptz '2025-01-01' + (h / 7 % 60000) * interval '11 minutes', CASE WHEN h % 13 > 0 THEN (h % 5003 - 400) / 10.0 END,
  (ARRAY['web', 'app', 'shop', NULL])[1 + h % 400 % 4], 'shop ' || h % 400 % 3
FROM generate_series(1, 1200) i, abs(hashint8extended(i, 9)) h;
INSERT INTO sale VALUES (7, 'infinity', 1), (8, '1850-01-01', 1), (9, NULL, 1), (10, '2250-01-01', 5);

-- Kinds of sources: of instants, local times and dates; several grids; as_of in the middle of a day, or the latest row.
CREATE TABLE kind (source text, at text, grid text, as_of text);
INSERT INTO kind VALUES ('instants', 'at', 'month; time_zone=Europe/Berlin', 'timestamptz ''2025-11-15 12:00+00'''), ('latest', 'at', '4 weeks; time_zone=UTC', NULL),
  ('locals', 'at::timestamp', 'month; time_zone=UTC; windows=elapsed', 'timestamp ''2025-11-15'''), ('dates', 'CASE WHEN isfinite(at) THEN at::date END', 'quarter; time_zone=UTC; brackets=1,2', NULL),
  ('hours', 'CASE WHEN at > ''1900-01-01'' THEN at END', '12 hours; time_zone=UTC', 'timestamptz ''2025-01-20 05:00+00'''), ('recurring', 'at', 'month; time_zone=UTC; cohorts=recurring; min_events=2', NULL);
DO $$
DECLARE k kind;
BEGIN
  FOR k IN SELECT * FROM kind LOOP
    EXECUTE format('CREATE VIEW %I AS SELECT who AS customer, %s AS at, amt AS amount, channel, "the shop"%s FROM sale', k.source, k.at, coalesce(', ' || k.as_of || ' AS as_of', ''));
    PERFORM retention_source_set(format('value_views.%I', k.source)::regclass, grid => k.grid::retention_grid), retention_create_views(format('value_views.%I', k.source)::regclass);
  END LOOP;
END $$;
SELECT customers, one_time_buyers, orders, refunds, round(repeat_purchase_rate, 4) AS repeat_purchase_rate, revenue, days_between_median FROM instants_value;
SELECT cohort, cohort_size, period, period_start, period_end, retained, amount, round(per_customer, 4) AS per_customer, round(cumulative, 4) AS cumulative, round(share_of_first, 2) AS share_of_first, status FROM instants_cohort_value WHERE cohort >= '2025-07-01' ORDER BY 1, 3;
SELECT segment, value, customers, orders, refunds, revenue FROM instants_value_by_segment;
SELECT obj_description('instants_cohort_value'::regclass) AS view, col_description('instants_cohort_value'::regclass, 11) AS cumulative, col_description('instants_value_by_segment'::regclass, 17) AS top_tenth_share;
-- every column has a comment
SELECT c.relname, attname FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 WHERE relnamespace = 'value_views'::regnamespace AND relname ~ '_value(_by_segment)?$' AND col_description(c.oid, attnum) IS NULL;

-- Against the functions over the rows, and by segment against a source of these customers alone as of the same time.
CREATE FUNCTION differ(a text, b text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  EXECUTE format('SELECT (SELECT count(*) FROM (%1$s EXCEPT ALL %2$s) q) + (SELECT count(*) FROM (%2$s EXCEPT ALL %1$s) q)', a, b) INTO n;
  RETURN n;
END $$;
SELECT differ('SELECT * FROM instants_value', retention_internal.source_client_types($q$SELECT f.* FROM (SELECT public.customer_value(who, CASE WHEN at > '1900-01-01' AND at < '2200-01-01' THEN at END, amt, 'month; time_zone=Europe/Berlin; as_of=2025-11-15 13:00') AS v FROM value_views.sale) s, public.value_figures(v) f$q$, 'value')) AS value,
  differ('SELECT cohort, period, amount, status FROM instants_cohort_value', $q$SELECT cohort, period, value, status FROM (SELECT cohort_value(who, CASE WHEN at > '1900-01-01' AND at < '2200-01-01' THEN at END, amt, 'month; time_zone=Europe/Berlin; as_of=2025-11-15 13:00') AS v FROM sale) s, cohort_value_cells(v)$q$) AS cohort_value;
CREATE FUNCTION alone(source regclass, OUT name text, OUT lines bigint, OUT differ bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  s retention_internal.source := retention_internal.source_find(source);
  part retention_internal.source;
  known timestamp;
  what text;
  n bigint;
  d bigint;
  g record;
BEGIN
  EXECUTE 'SELECT ' || retention_internal.source_as_of(s) INTO known;
  FOREACH what IN ARRAY ARRAY['value', 'cohort_value'] LOOP
    name := source || '_' || what;
    lines := 0;
    differ := 0;
    FOR g IN EXECUTE (SELECT string_agg(format('SELECT %L::name AS segment, value FROM (%s) AS h GROUP BY value', u, views_held(s, known, u)), ' UNION ALL ') FROM unnest(s.segments) u) LOOP
      EXECUTE format('CREATE OR REPLACE VIEW views_part AS SELECT s.* FROM %s AS s WHERE s.customer IN (SELECT h.customer FROM (%s) AS h WHERE h.value IS NOT DISTINCT FROM %L)',
        source, views_held(s, known, g.segment), g.value);
      PERFORM retention_source_set('views_part', s.grid, s.gone_after, 1, s.presence);
      part := retention_internal.source_find('views_part');
      EXECUTE format('WITH p AS (SELECT to_jsonb(p)::text FROM (%1$s) AS p), v AS (SELECT (to_jsonb(v) - ''{segment,value}''::text[])::text FROM %2$s_by_segment AS v WHERE v.segment = %3$L '
        'AND v.value IS NOT DISTINCT FROM %4$L) SELECT (SELECT count(*) FROM v), (SELECT count(*) FROM ((TABLE v EXCEPT ALL TABLE p) UNION ALL (TABLE p EXCEPT ALL TABLE v)) AS d)',
        retention_internal.source_client_types(retention_internal.source_view(part, what, format('%L::timestamp', known)), what), name, g.segment, g.value) INTO n, d;
      lines := lines + n;
      differ := differ + d;
      DROP VIEW views_part;
    END LOOP;
    EXECUTE format('SELECT count(*) FROM %s_by_segment', name) INTO n;
    differ := differ + abs(n - lines);
    RETURN NEXT;
  END LOOP;
END $$;
SELECT a.* FROM kind k, alone(('value_views.' || k.source)::regclass) a ORDER BY name COLLATE "C";
-- segments of the latest row, and two values told apart
SELECT retention_source_set('instants', segments_at => 'current');
SELECT retention_create_views('instants') IS NOT NULL AS created LIMIT 1;
SELECT * FROM alone('instants');
SELECT retention_source_set('instants', top => 2);
SELECT count(*) > 10 AS created FROM retention_create_views('instants');
SELECT segment, value, customers, revenue FROM instants_value_by_segment ORDER BY segment, customers DESC, value;
SELECT differ('SELECT sum(revenue) FROM instants_value_by_segment GROUP BY segment', 'SELECT revenue FROM instants_value, generate_series(1, 2)') AS all_of_it;

-- Kept facts: the same rows before and after.
SELECT retention_source('kept', 'events', 'sale', 'who', at => 'at', amount => 'amt', segments => '{channel}', grid => 'week; time_zone=UTC');
SELECT count(*) > 10 AS created FROM retention_create_views('kept');
CREATE TABLE before AS SELECT (SELECT jsonb_agg(to_jsonb(v)) FROM kept_value v) AS a, (SELECT jsonb_agg(to_jsonb(v)) FROM kept_cohort_value v) AS b, (SELECT jsonb_agg(to_jsonb(v)) FROM kept_value_by_segment v) AS c, (SELECT jsonb_agg(to_jsonb(v)) FROM kept_cohort_value_by_segment v) AS d;
SELECT retention_materialize('kept') IS NOT NULL AS materialized;
SELECT a = (SELECT jsonb_agg(to_jsonb(v)) FROM kept_value v) AS value, b = (SELECT jsonb_agg(to_jsonb(v)) FROM kept_cohort_value v) AS cohort_value,
  c = (SELECT jsonb_agg(to_jsonb(v)) FROM kept_value_by_segment v) AS by_segment, d = (SELECT jsonb_agg(to_jsonb(v)) FROM kept_cohort_value_by_segment v) AS cohort_by_segment FROM before;

-- No such views without an amount, of subscriptions, and by segment without segments; whole numbers and money as amounts.
CREATE VIEW no_amount AS SELECT who AS customer, at, channel FROM sale;
CREATE VIEW subscriptions AS SELECT who AS customer, at AS started, NULL::timestamptz AS ended, amt AS amount FROM sale WHERE isfinite(at);
CREATE VIEW whole AS SELECT who AS customer, at, floor(amt)::int AS amount FROM sale;
CREATE VIEW double AS SELECT who AS customer, at, floor(amt)::float8 AS amount FROM sale;
SELECT v.source, string_agg(c.view, ', ' ORDER BY c.view COLLATE "C") FILTER (WHERE c.view ~ '_value') AS views FROM unnest('{no_amount,subscriptions,whole,double}'::text[]) v (source),
  LATERAL (SELECT retention_source_set(('value_views.' || v.source)::regclass, grid => 'month; time_zone=UTC')) s, LATERAL retention_create_views(('value_views.' || v.source)::regclass) c GROUP BY v.source ORDER BY 1;
SELECT differ('SELECT * FROM whole_value', 'SELECT * FROM double_value') AS value, differ('SELECT * FROM whole_cohort_value', 'SELECT * FROM double_cohort_value') AS cohort_value;
CREATE VIEW nobody AS SELECT who AS customer, at, amt AS amount, channel FROM sale WHERE false;
SELECT retention_source_set('nobody', grid => 'month; time_zone=UTC');
SELECT count(*) > 10 AS created FROM retention_create_views('nobody');
SELECT (SELECT count(*) FROM nobody_value) + (SELECT count(*) FROM nobody_cohort_value) + (SELECT count(*) FROM nobody_value_by_segment) + (SELECT count(*) FROM nobody_cohort_value_by_segment) AS rows;

-- ---- The money section of a report ----
SELECT m ->> 'kind' AS kind, (SELECT bool_and(round((f.value #>> '{}')::numeric, r.digits) IS NOT DISTINCT FROM round((to_jsonb(v) ->> f.key)::numeric, r.digits)) FROM jsonb_each(m -> 'figures') f, LATERAL (SELECT CASE WHEN f.key ~ 'days' THEN 2 ELSE 6 END) r (digits), instants_value v) AS figures, jsonb_array_length(m -> 'revenue') AS periods FROM (SELECT retention_report('instants') -> 'money') r (m);
SELECT differ($q$SELECT (r ->> 'period_start')::date, (r ->> 'new')::numeric, (r ->> 'returned')::numeric, (r ->> 'amount')::numeric, r ->> 'status' FROM jsonb_array_elements(retention_report('instants', NULL, 100) #> '{money,revenue}') r$q$,
  $q$SELECT period_start, coalesce(sum(amount) FILTER (WHERE period = 0), 0), coalesce(sum(amount) FILTER (WHERE period > 0), 0), sum(amount), status FROM instants_cohort_value GROUP BY period_start, status$q$) AS revenue,
  differ($q$SELECT (c ->> 'cohort')::date, (c ->> 'period')::int, (c ->> 'amount')::numeric, (c ->> 'cumulative')::numeric FROM jsonb_array_elements(retention_report('instants', NULL, 100) #> '{money,cohorts}') c$q$,
  'SELECT cohort, period, amount, cumulative FROM instants_cohort_value') AS cohorts;
-- all amounts of a period are in it, whoever bought
SELECT count(*) AS periods, count(*) FILTER (WHERE (r ->> 'amount')::numeric <> (SELECT sum(amt) FROM sale WHERE who IS NOT NULL AND at >= (r ->> 'period_start')::timestamp AT TIME ZONE 'Europe/Berlin' AND at < (r ->> 'period_end')::timestamp AT TIME ZONE 'Europe/Berlin')) AS differ
FROM jsonb_array_elements(retention_report('instants') #> '{money,revenue}') r WHERE r ->> 'status' = 'observed';
SELECT h ->> 'label' AS label, h ->> 'value' AS value, h ->> 'period_start' AS period_start, h #>> '{previous,value}' AS before, h #>> '{difference,value}' AS difference FROM jsonb_array_elements(retention_report('instants') -> 'headline') h WHERE h ->> 'unit' = 'money';
SELECT s, retention_report(('value_views.' || s)::regclass) #>> '{money,kind}' AS kind FROM unnest('{hours,dates,recurring,locals,no_amount,subscriptions,nobody}'::text[]) s;
-- the page
SELECT count(*) FILTER (WHERE p ~ 'Customer value') AS with_money, count(*) FILTER (WHERE p ~ '<b>[^<]*\d</b>' AND p ~ 'Revenue') AS with_tile FROM unnest('{instants,hours,dates,no_amount,nobody}'::text[]) s, LATERAL (SELECT retention_report_html(('value_views.' || s)::regclass) AS p OFFSET 0) h;
SELECT (SELECT count(*) FROM regexp_matches(p, 'for each of', 'g')) > 10 AS points, p ~ 'Oct 2025: revenue [\d,.]+, of new customers [\d,.]+, of returning customers [\d,.]+' AS bars FROM (SELECT retention_report_html('instants') AS p) h;
SELECT retention_internal.plot_money(n) FROM (VALUES (0), (12.345), (-9999.994), (-10000), (1234567.8)) v (n);
DROP SCHEMA value_views CASCADE;
