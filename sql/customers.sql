-- One customer in the answers: each count equals the number of its rows.
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE SCHEMA customers;
SET search_path = customers, public;

-- ---- Cells of a cohort table, by hand ----
CREATE TABLE visit (customer int, at timestamp, kind text);
INSERT INTO visit VALUES
  (1, '2026-01-05 10:00', 'order'), (1, '2026-01-20 10:00', 'look'), (1, '2026-02-10 12:00', 'order'), (1, '2026-04-20 08:00', 'order'), (1, '2026-04-21 09:00', 'order'),
  (2, '2026-01-31 23:00', 'order'), (2, '2026-03-31 01:00', 'look'),
  (3, '2026-03-15 10:00', 'order'), (4, NULL, 'order');
CREATE TABLE fact AS SELECT customer, activity(at, 'day; as_of=2026-05-10') AS a FROM visit GROUP BY customer;
SELECT customer, m.* FROM fact, cohort_membership(a, 'month; as_of=2026-05-10', 'on') m ORDER BY 1, 2, 3;
-- the customer's own windows; facts by day have days, those of moments have moments; events are counted where they are kept
SELECT customer, m.* FROM (SELECT customer, activity(at, 'month; windows=elapsed; min_events=3; as_of=2026-05-10') AS a FROM visit GROUP BY customer) q,
  cohort_membership(a, 'on_or_before') m ORDER BY 1, 2, 3;
SELECT customer, m.* FROM (SELECT customer, activity(at, 'month; windows=elapsed; as_of=2026-05-10') AS a FROM visit GROUP BY customer) q,
  cohort_membership_at(a) m WHERE customer < 3 ORDER BY 1, 2, 3;
-- facts by month know neither
SELECT m.* FROM (SELECT activity(at, 'month') AS a FROM visit WHERE customer = 1) q, cohort_membership(a, 'streak') m;
-- what counts as coming back is not all that was done
SELECT customer, m.* FROM (SELECT customer, activity(at, 'day', kind = 'order', kind = 'order') AS a FROM visit GROUP BY customer) q,
  cohort_membership(a, 'month', 'on', '2026-05-01') m WHERE customer < 3 ORDER BY 1, 2, 3;
-- without as_of, one customer's rows end with their last; a later one may be asked for
SELECT count(*), count(*) FILTER (WHERE complete) FROM (SELECT activity(at, 'day') AS a FROM visit WHERE customer = 1) q, cohort_membership(a, 'month', 'on');
SELECT count(*), count(*) FILTER (WHERE complete) FROM (SELECT activity(at, 'day') AS a FROM visit WHERE customer = 1) q, cohort_membership(a, 'month', 'on', '2027-01-01');
SELECT count(*), count(*) FILTER (WHERE complete) FROM (SELECT activity(at, 'month; windows=elapsed') AS a FROM visit WHERE customer = 1) q, cohort_membership(a, 'month; windows=elapsed', 'on', '2027-01-01');
-- hours
SELECT m.cohort, m.period, m.period_end, m.first_at, m.standing FROM (SELECT activity(at, 'hour') AS a FROM visit WHERE customer = 1) q,
  cohort_membership_at(a, '6 hours', 'on') m WHERE m.standing = 'retained';
-- nobody, nothing, nowhere
SELECT count(*) FROM fact, cohort_membership(a) m WHERE customer = 4;
SELECT (SELECT count(*) FROM cohort_membership(NULL)) AS activity, (SELECT count(*) FROM cohort_membership(a, NULL::text)) AS criterion,
  (SELECT count(*) FROM cohort_membership(a, NULL, 'on')) AS grid, (SELECT count(*) FROM cohort_membership(a, 'month; as_of=2026-05-10', 'on', NULL)) AS as_of FROM fact WHERE customer = 1;
-- what is refused
SELECT m.* FROM fact, cohort_membership(a, 'D7') m;
SELECT m.* FROM fact, cohort_membership(a, 'sometimes') m;
SELECT m.* FROM fact, cohort_membership(a, 'month', 'on') m;
SELECT m.* FROM fact, cohort_membership(a, 'month; windows=elapsed', 'on') m;
SELECT m.* FROM fact, cohort_membership(a, 'month; as_of=2026-05-10', 'on', 'infinity') m;
SELECT m.* FROM fact, cohort_membership(a, 'month; as_of=2026-05-10', 'on', '0044-03-15 BC') m;
SELECT m.* FROM fact, cohort_membership(a, 'month; as_of=2026-05-10', 'on', '2026-05-09') m;
SELECT m.* FROM (SELECT activity(at, 'day') AS a FROM visit WHERE customer = 1) q, cohort_membership(a, 'month', 'on', '2026-04-21') m;
SELECT m.* FROM (SELECT activity(at, 'month; windows=elapsed; as_of=2026-05-10') AS a FROM visit WHERE customer = 1) q, cohort_membership(a, 'month; windows=elapsed; as_of=2026-05-10', 'on', '2027-01-01') m;
SELECT m.* FROM (SELECT activity(at, 'hour') AS a FROM visit WHERE customer = 1) q, cohort_membership(a) m;

-- ---- Each count of cohort_cells equals its rows: random customers, all criteria, windows, brackets, min_events ----
-- Under valgrind (script/test --valgrind) the longest tests use fewer cases; 1 is all of them.
SELECT least(5, coalesce(nullif(current_setting('retention_test.thin', true), ''), '1')::integer) AS thin \gset
SELECT setseed(0.14);
CREATE TABLE event AS
SELECT customer, timestamptz '2025-12-20' + make_interval(secs => floor(random() ^ 1.5 * 160 * 86400)) AS at, random() < 0.6 AS start, random() < 0.7 AS back
FROM generate_series(1, 120) customer, generate_series(1, 1 + customer % 13) i;
CREATE TABLE question (form text, fine text, coarse text);
INSERT INTO question SELECT form, fine, coarse FROM unnest('{rows,flags,anchor}'::text[]) form, (VALUES
  ('day', 'day'), ('day', 'month'), ('day; min_events=3', 'week; min_events=2'), ('day', 'day; brackets=1,2-6,7-13,30'), ('day', 'week; cohorts=recurring'),
  ('hour', 'day; time_zone=America/New_York'), ('month; windows=elapsed', 'month; windows=elapsed'), ('day; windows=elapsed', '10 days; windows=elapsed; brackets=1,2-4,9'),
  ('day; windows=elapsed; min_events=2', 'week; windows=elapsed; min_events=2; cohorts=recurring'), ('month; min_events=2; cohorts=recurring', 'month; min_events=2; cohorts=recurring'),
  ('hour; windows=elapsed', 'month; time_zone=America/New_York'), ('hour; windows=elapsed', '31 hours; windows=elapsed; brackets=1-3,4-20')) v (fine, coarse);
CREATE FUNCTION differences(form text, fine text, coarse text, kind text, as_of text, OUT cells bigint, OUT members bigint, OUT wrong bigint) LANGUAGE plpgsql AS $$
DECLARE
  rows text := CASE form WHEN 'rows' THEN '' WHEN 'flags' THEN ', start, back' END;
BEGIN
  IF coarse ~ 'time_zone' THEN
    fine := fine || '; time_zone=America/New_York';
  END IF;
  IF as_of IS NOT NULL THEN
    coarse := coarse || '; as_of=' || as_of;
  END IF;
  EXECUTE format($q$
    WITH f AS MATERIALIZED (SELECT customer, %s AS a FROM event WHERE %s GROUP BY customer),
    s AS MATERIALIZED (SELECT cohort_retention(coarsen(a, %L)) AS s FROM f),
    k AS MATERIALIZED (SELECT (cohort_totals(s)).as_of FROM s),
    c AS (SELECT criterion, c.* FROM s, unnest('{on,on_or_after,on_or_before,streak}'::text[]) criterion, cohort_cells_at(s, criterion) c),
    m AS (SELECT criterion, m.cohort, m.period, count(*) AS at_risk, count(*) FILTER (WHERE standing = 'retained') AS retained, bool_and(complete) AS complete,
        bool_or(standing = 'not_yet' AND complete) AS strange, min(m.period_start) AS first_start, max(m.period_end) AS last_end,
        bool_or(first_at < m.period_start OR last_at >= m.period_end OR last_at < first_at OR (criterion = 'on' AND standing = 'retained' AND period > 0 AND first_at IS NULL AND %L ~ 'day|hour|elapsed')) AS outside
      FROM f, k, unnest('{on,on_or_after,on_or_before,streak}'::text[]) criterion,
        cohort_membership_at(a, %L, criterion, CASE WHEN %L::text IS NULL THEN k.as_of END) m GROUP BY 1, 2, 3)
    SELECT count(*), sum(m.at_risk), count(*) FILTER (WHERE (c.at_risk, c.retained, c.status, false, false)
      IS DISTINCT FROM (m.at_risk, m.retained, CASE WHEN m.complete THEN 'observed' ELSE 'partial' END, m.strange, coalesce(outside, false))
      OR c.period_start <> m.first_start OR c.period_end <> m.last_end)
    FROM c FULL JOIN m USING (criterion, cohort, period)$q$,
    CASE form WHEN 'anchor' THEN format('activity(date ''2026-01-01'' + customer %% 50, at::%s, %L)', kind, fine) ELSE format('activity(at::%s, %L%s)', kind, fine, rows) END,
    CASE WHEN as_of IS NULL THEN 'true' ELSE format('at < %L', as_of) END, coarse, fine, coarse, as_of) INTO cells, members, wrong;
END $$;
SELECT kind, count(*), sum(cells) > 1000 AS cells, sum(members) > 10000 AS members, sum(wrong) AS wrong
FROM unnest('{date,timestamp,timestamptz}'::text[]) WITH ORDINALITY t (kind, n), question q, unnest(ARRAY[NULL, '2026-04-11']) as_of, differences(form, fine, coarse, kind, as_of)
WHERE (kind <> 'date' OR coarse || fine !~ 'hour') AND length(fine || coarse || form) % :thin = 0 GROUP BY kind, n ORDER BY n;

-- ---- Periods of a flow, by hand ----
CREATE TABLE member (customer int, presence datemultirange);
INSERT INTO member VALUES (1, '{[2026-01-05,2026-02-10),[2026-02-20,2026-04-01)}'), (2, '{[2026-02-03,)}'), (3, '{[2025-01-01,2025-06-01),[2026-02-15,2026-02-20)}'),
  (4, '{}'), (5, '{[2026-01-10,2026-01-20),[2026-01-25,2026-01-26)}'), (6, '{(,2026-03-10),[2026-03-20,)}'), (7, NULL);
SELECT customer, m.* FROM member, flow_membership(presence, 'month; as_of=2026-04-15', '[2026-01-01,2026-07-01)') m ORDER BY 1, 2;
-- one period; the clock matters only for a period that is not over
SELECT customer, m.* FROM member, flow_membership(presence, '[2026-02-01,2026-03-01)') m ORDER BY 1, 2;
SELECT m.* FROM flow_membership('{[2026-01-01 10:00,2026-01-03 22:00)}'::tsmultirange, '[2026-01-01,2026-02-01)') m;
SELECT m.* FROM flow_membership_at('{[2026-01-01 10:00,2026-01-03 22:00)}'::tsmultirange, '6 hours', '[2026-01-01 06:00,2026-01-01 18:00)') m;
SELECT m.* FROM flow_membership_at('{[2026-01-01 10:00+00,2026-01-03 22:00+00)}'::tstzmultirange, 'week; time_zone=Asia/Tokyo', '[2026-01-01,2026-01-14)') m;
SELECT count(*) AS nothing_whole FROM flow_membership('{}'::datemultirange, 'month', '[2026-01-02,2026-01-05)');
-- what is refused
SELECT flow_membership('{(2026-01-01 00:00,2026-01-02 00:00)}'::tsmultirange, '[2026-01-01,2026-02-01)');
SELECT flow_membership('{}'::datemultirange, '[2026-01-01,)');
SELECT flow_membership('{}'::datemultirange, 'empty');
SELECT flow_membership('{}'::datemultirange, 'month; windows=elapsed', '[2026-01-01,2026-03-01)');
SELECT flow_membership('{}'::datemultirange, 'hour', '[2026-01-01,2026-03-01)');
SELECT flow_membership('{}'::tsmultirange, 'hour', '[2026-01-01 01:00,2026-01-01 03:00)');
SELECT flow_membership_at('{}'::tsmultirange, 'hour', '[1026-01-01 01:00,2026-01-01 03:00)');

-- ---- Sums are those of flow_periods ----
CREATE TABLE stays AS SELECT customer, range_agg(daterange(date '2025-01-01' + s, CASE WHEN n < 4 OR customer % 3 = 0 THEN date '2025-01-01' + s + (random() * 60)::int END)) AS d
FROM generate_series(1, 100) customer, generate_series(1, 1 + customer % 5) n, LATERAL (SELECT (random() * 500)::int + customer * 0 + n * 0 AS s) x GROUP BY customer;
CREATE FUNCTION flow_differences(type text, grid text, OUT periods bigint, OUT members bigint, OUT wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format($q$
    WITH p AS MATERIALIZED (SELECT customer, (SELECT range_agg(r::%1$srange) FROM (SELECT %1$srange(lower(r)%3$s, upper(r)%3$s) AS r FROM unnest(d) r) u) AS presence FROM stays),
    f AS (SELECT c.* FROM (SELECT customer_flow(presence, %2$L, '[2025-01-01,2026-07-01)') AS f FROM p) q, flow_periods_at(f) c),
    m AS (SELECT m.period_start, m.period_end, count(*) FILTER (WHERE there_at_start) AS at_start, count(*) FILTER (WHERE there_at_end) AS at_end,
        count(*) FILTER (WHERE movement = 'kept') AS kept, count(*) FILTER (WHERE movement = 'lost') AS lost, count(*) FILTER (WHERE movement = 'gained') AS gained,
        count(*) FILTER (WHERE movement = 'reactivated') AS reactivated, count(*) FILTER (WHERE movement = 'joined_and_left') AS joined_and_left,
        count(*) FILTER (WHERE movement = 'reactivated_and_left') AS reactivated_and_left, count(*) FILTER (WHERE movement = 'absent') AS absent,
        sum(departures) AS departures, sum(departures) - count(*) FILTER (WHERE movement IN ('lost', 'joined_and_left', 'reactivated_and_left')) AS left_and_returned,
        round(sum(days_present), 9) AS days, count(*) AS n, bool_or((movement = 'kept') <> (there_at_start AND there_at_end)) AS strange
      FROM p, flow_membership_at(presence, %2$L, '[2025-01-01,2026-07-01)') m GROUP BY 1, 2)
    SELECT count(*), sum(n), count(*) FILTER (WHERE (f.at_start, f.at_end, f.kept, f.lost, f.gained, f.reactivated, f.joined_and_left, f.reactivated_and_left, f.departures, f.left_and_returned, round(f.customer_days, 9), false, 100)
      IS DISTINCT FROM (m.at_start, m.at_end, m.kept, m.lost, m.gained, m.reactivated, m.joined_and_left, m.reactivated_and_left, m.departures, m.left_and_returned, m.days, strange, n::int))
    FROM f FULL JOIN m USING (period_start, period_end)$q$, type, grid, CASE type WHEN 'date' THEN '' ELSE ' + interval ''90 minutes''' END)
  INTO periods, members, wrong;
END $$;
SELECT type, grid, d.* FROM unnest('{date,ts,tstz}'::text[]) WITH ORDINALITY t (type, n), unnest('{month; as_of=2026-06-11,week; as_of=2026-03-02 10:00,day; as_of=2026-07-01}'::text[]) WITH ORDINALITY g (grid, k),
  flow_differences(type, grid) d ORDER BY n, k;
