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
