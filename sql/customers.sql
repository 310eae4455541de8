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
SELECT kind, count(*) > 10 AS questions, sum(cells) > 1000 AS cells, sum(members) > 10000 AS members, sum(wrong) AS wrong
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
-- what the view reads: the same in few columns, without the periods in which they were absent
CREATE FUNCTION movement_differences(type text, grid text, twin text, OUT members bigint, OUT wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format($q$
    WITH p AS MATERIALIZED (SELECT customer, (SELECT range_agg(%1$srange(lower(r), upper(r))) FROM unnest(d) r) AS presence FROM stays),
    a AS (SELECT p.customer, m.period_start, m.period_end, m.movement, m.departures FROM p, flow_membership%3$s(presence, %2$L, '[2025-01-01,2026-07-01)') m WHERE m.movement <> 'absent'),
    b AS (SELECT p.customer, m.* FROM p, retention_internal.flow_movements%3$s(presence, %2$L, '[2025-01-01,2026-07-01)') m)
    SELECT (SELECT count(*) FROM b), (SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) d)$q$, type, grid, twin)
  INTO members, wrong;
END $$;
SELECT type, twin, sum(d.members) > 5000 AS members, sum(d.wrong) AS wrong FROM unnest('{date,ts,tstz}'::text[]) WITH ORDINALITY t (type, n), unnest('{"",_at}'::text[]) twin,
  unnest('{month; as_of=2026-06-11,week; as_of=2026-03-02,day; as_of=2026-07-01}'::text[]) grid, movement_differences(type, grid, twin) d GROUP BY type, n, twin ORDER BY n, twin;

-- ---- How often customers come, and how things stand with them ----
CREATE TABLE seen (customer int, at date);
INSERT INTO seen VALUES (1, '2026-01-01'), (1, '2026-01-08'), (1, '2026-01-15'), (1, '2026-01-22'), (1, '2026-02-02'), (2, '2026-01-10'), (2, '2026-01-20'),
  (3, '2025-11-01'), (3, '2026-02-05'), (4, '2026-02-09'), (5, '2025-10-01'), (6, NULL), (7, '2025-01-01'), (7, '2026-01-20'), (7, '2026-01-31');
CREATE TABLE known AS SELECT customer, activity(at, 'day') AS a FROM seen GROUP BY customer;
SELECT customer, usage_interval(a), usage_interval(coarsen(a, 'month')) AS months FROM known ORDER BY customer;
SELECT usage_intervals(a) AS gaps, (usage_interval_figures(usage_intervals(a))).* FROM known;
SELECT usage_interval_figures(usage_intervals(a)) FROM known WHERE customer IN (4, 5, 6);
SELECT usage_intervals(a) FROM known WHERE customer > 7;
SELECT usage_intervals(NULL::retention_activity);
-- days of moments and of hours, months of months
SELECT grid, usage_interval(activity(at, grid::retention_grid)) FROM unnest('{2026-01-01 23:59,2026-01-02 00:01,2026-01-02 12:00,2026-03-04 10:00}'::timestamp[]) at,
  unnest('{day,hour,month; windows=elapsed,week,month,quarter}'::text[]) WITH ORDINALITY g (grid, n) GROUP BY grid, n ORDER BY n;
SELECT customer, s.* FROM known, customer_status(a, '2026-02-12') s ORDER BY customer;
-- lapsed before all else; returned after a long gap; the others need a base
SELECT customer, s.* FROM known, (SELECT usage_intervals(a) AS base FROM known) b, customer_status(a, '2026-02-12', '60 days', base) s ORDER BY customer;
-- periods are those of the facts: by the month all but customer 5 came in the last two
SELECT customer, s.* FROM known, customer_status(coarsen(a, 'month'), '2026-02-12', '3 months') s ORDER BY customer;
-- until when is known: the end of the last row, the as_of of the grid, the as_of of the call
SELECT (customer_status(a)).*, (customer_status(coarsen(a, 'day; as_of=2026-02-20 10:00'))).silence AS grid, (customer_status(a, '2026-02-03 00:00')).silence AS next FROM known WHERE customer = 1;
-- a gap is long from the first moment beyond lapse_after
SELECT days, (customer_status(a, timestamp '2026-02-02' + days * interval '1 day', '20 days')).state FROM known, generate_series(19, 21) days WHERE customer = 1;
-- anchors are no activity
SELECT customer, s.* FROM (SELECT customer, activity(date '2025-12-01', at, 'day') AS a FROM seen WHERE customer IN (2, 6) GROUP BY customer) q, customer_status(a, '2026-02-12') s ORDER BY 1;
-- refused
SELECT customer_status(a, '2026-02-02') FROM known WHERE customer = 1;
SELECT customer_status(a, 'infinity') FROM known WHERE customer = 1;
SELECT customer_status(a, '2026-02-12', '-1 day') FROM known WHERE customer = 1;
SELECT customer_status(a, '2026-02-12', '0') FROM known WHERE customer = 1;
SELECT customer_status(a, '2026-02-12', '90') FROM known WHERE customer = 1;
SELECT customer_status(coarsen(a, 'day; as_of=2026-02-10'), '2026-02-12') FROM known WHERE customer = 1;
SELECT customer_status(a, '2026-02-12', NULL, (SELECT usage_intervals(coarsen(a, 'month')) FROM known)) FROM known WHERE customer = 1;
SELECT usage_intervals(CASE customer WHEN 1 THEN a ELSE coarsen(a, 'month') END) FROM known;
SELECT rollup(g) FROM (SELECT usage_intervals(a) AS g FROM known UNION ALL SELECT usage_intervals(coarsen(a, 'week')) FROM known) q;
SELECT retention_internal.gaps_transfn(NULL, a) FROM known;
SELECT 'x'::retention_gaps;
-- members
SELECT p, s.* FROM unnest('{"{}","{[2026-03-01,)}","{[2026-01-01,2026-02-01)}","{[2026-01-01,2026-02-12)}","{[2026-01-01,2026-02-12),[2026-02-20,)}","{[2025-01-01,2025-06-01),[2026-01-02,2026-12-31)}","{(,)}"}'::datemultirange[]) WITH ORDINALITY m (p, n),
  customer_status(p, '2026-02-12') s ORDER BY n;
SELECT customer_status('{[2026-01-01 12:00,)}'::tsmultirange, '2026-02-12'), customer_status('{[2026-01-01 12:00+00,2026-01-02 00:00+00)}'::tstzmultirange, '2026-02-12'), customer_status(NULL::datemultirange, '2026-02-12');
SELECT customer_status('{[2026-01-01,)}'::datemultirange, 'infinity');
SELECT customer_status('{(2026-01-01 12:00,)}'::tsmultirange, '2026-02-12');

-- against plain SQL: medians, quantiles, states
CREATE TABLE many AS SELECT c AS customer, activity(at::date, 'day') AS a FROM (SELECT customer AS c, date '2025-06-01' + (random() ^ 2 * 240)::int AS at FROM generate_series(1, 600) customer, generate_series(1, 1 + customer % 9)) e GROUP BY c;
CREATE TABLE gap AS SELECT customer, k, period_start AS day, period_start - lag(period_start) OVER w AS gap
FROM (SELECT customer, period_start, row_number() OVER (PARTITION BY customer ORDER BY period_start) AS k FROM many, active_periods(a)) q WINDOW w AS (PARTITION BY customer ORDER BY period_start);
CREATE TABLE own AS SELECT customer, max(k) AS days, max(day) AS last, min(day) AS first, percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS median, percentile_cont(0.9) WITHIN GROUP (ORDER BY gap) AS most FROM gap GROUP BY customer;
SELECT count(*) AS customers, count(*) FILTER (WHERE usage_interval(a)::float8 IS DISTINCT FROM median) AS wrong FROM many JOIN own USING (customer);
SELECT (SELECT usage_interval_figures(usage_intervals(a)) FROM many)::text =
  (SELECT row(count(median), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY median)::numeric, 3)::float8, percentile_cont(0.25) WITHIN GROUP (ORDER BY median),
    percentile_cont(0.75) WITHIN GROUP (ORDER BY median), round(percentile_cont(0.9) WITHIN GROUP (ORDER BY median)::numeric, 3)::float8) FROM own)::text AS figures;
-- states by the week: a return is recent in the running week or the one before
CREATE TABLE weeks AS SELECT customer, coarsen(a, 'week') AS a, (SELECT max(period_start) FROM active_periods(a)) AS last_at FROM many;
CREATE TABLE step AS SELECT customer, k, day, day - lag(day) OVER w AS gap FROM (SELECT customer, period_start AS day, row_number() OVER (PARTITION BY customer ORDER BY period_start) AS k FROM weeks, active_periods(a)) q
WINDOW w AS (PARTITION BY customer ORDER BY day);
WITH b AS (SELECT k - 1 AS weeks, percentile_cont(0.9) WITHIN GROUP (ORDER BY gap) AS most, percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS median FROM step WHERE gap IS NOT NULL AND k <= 4 GROUP BY k),
  o AS (SELECT customer, max(k) AS weeks, max(day) AS last, min(day) AS first, percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS median, percentile_cont(0.9) WITHIN GROUP (ORDER BY gap) AS most FROM step GROUP BY customer),
  e AS (SELECT customer, CASE WHEN date '2026-01-29' - last_at > 60 THEN 'lapsed' WHEN date '2026-01-26' - last > CASE WHEN o.weeks > 3 THEN o.most ELSE b.most END THEN 'slipping'
      WHEN (SELECT gap > 60 FROM step g WHERE g.customer = o.customer AND k = o.weeks) AND last >= '2026-01-19' THEN 'returned' WHEN first >= '2026-01-19' THEN 'new' ELSE 'active' END AS state,
      CASE WHEN o.weeks > 3 THEN o.median ELSE coalesce(b.median, o.median) END AS usual, date '2026-01-26' - last AS silence FROM o JOIN weeks USING (customer) LEFT JOIN b USING (weeks))
SELECT e.state, count(*) > 0 AS some, count(*) FILTER (WHERE s.state <> e.state OR s.usual_gap::float8 <> usual OR s.silence <> e.silence) AS wrong
FROM weeks JOIN e USING (customer), (SELECT usage_intervals(a) AS base FROM weeks) q, customer_status(a, '2026-01-29', '60 days', base) s GROUP BY 1 ORDER BY 1;
-- the same from parts, through text, and from workers
SELECT count(DISTINCT g) AS one FROM (SELECT usage_intervals(a) AS g FROM many UNION ALL SELECT rollup(p) FROM (SELECT usage_intervals(a) AS p FROM many GROUP BY customer % 7) q
  UNION ALL SELECT usage_intervals(a)::text::retention_gaps FROM many UNION ALL SELECT usage_intervals(a ORDER BY customer DESC) FROM many) u;

-- ---- Active customers, day by day ----
CREATE TABLE busy AS SELECT customer, activity(at::date, 'day') AS a FROM (SELECT customer, date '2026-01-10' + (random() ^ 2 * 100)::int AS at FROM generate_series(1, 200) customer, generate_series(1, 1 + customer % 23)) e GROUP BY customer;
CREATE TABLE busy_day AS SELECT customer, period_start AS day FROM busy, active_periods(a);
SELECT rolling_active(a) IS NULL AS none FROM busy WHERE customer > 200;
WITH r AS (SELECT rolling_active(a) AS r FROM busy), s AS (SELECT min(day) AS first, max(day) AS last FROM busy_day),
  e AS (SELECT d::date AS day, (SELECT count(DISTINCT customer) FROM busy_day b WHERE b.day = d::date) AS dau,
      CASE WHEN d::date - 6 >= first THEN (SELECT count(DISTINCT customer) FROM busy_day b WHERE b.day BETWEEN d::date - 6 AND d::date) END AS wau,
      CASE WHEN d::date - 27 >= first THEN (SELECT count(DISTINCT customer) FROM busy_day b WHERE b.day BETWEEN d::date - 27 AND d::date) END AS mau FROM s, generate_series(first, last, '1 day') d)
SELECT count(*) AS days, count(*) FILTER (WHERE (x.dau, x.wau, x.mau, round(x.dau_mau, 6)) IS DISTINCT FROM (e.dau, e.wau, e.mau, round(100.0 * e.dau / e.mau, 6))) AS wrong
FROM e FULL JOIN (SELECT a.* FROM r, rolling_active_days(r) a) x USING (day);
WITH r AS (SELECT rolling_active(coarsen(a, 'day; as_of=2026-05-01')) AS r FROM busy),
  e AS (SELECT month, n, count(*) AS customers FROM (SELECT m::date AS month, customer, count(*) AS n FROM unnest('{2026-02-01,2026-03-01,2026-04-01}'::timestamp[]) m JOIN busy_day ON day < m + interval '1 month' AND day >= m + interval '1 month' - interval '28 days'
    GROUP BY 1, 2) q GROUP BY 1, 2)
SELECT count(*) AS rows, count(DISTINCT p.month) AS months, count(*) FILTER (WHERE p.customers <> coalesce(e.customers, 0)) AS wrong, round(sum(share)) AS shares
FROM (SELECT p.* FROM r, power_user_curve(r) p) p LEFT JOIN e ON e.month = p.month AND n = active_days;
-- by hand
SELECT a.* FROM (SELECT rolling_active(activity) AS r FROM (SELECT activity(at, 'day; as_of=2026-03-03') FROM (VALUES (1, timestamp '2026-01-30 10:00'), (1, '2026-02-27 23:59'), (2, '2026-03-01 00:00')) v (c, at) GROUP BY c) q) r, rolling_active_days(r) a WHERE day >= '2026-02-25' ORDER BY day;
SELECT p.* FROM (SELECT rolling_active(activity) AS r FROM (SELECT activity(at, 'hour') FROM (VALUES (1, timestamp '2026-01-30 10:00'), (1, '2026-01-30 11:00'), (1, '2026-02-27 23:59'), (1, '2026-02-01 23:59'), (2, '2026-02-28 00:00'), (2, '2026-03-01 00:00')) v (c, at) GROUP BY c) q) r, power_user_curve(r) p WHERE customers > 0;
SELECT rolling_active(a) AS nobody, (SELECT count(*) FROM rolling_active_days(rolling_active(a))) AS days, (SELECT count(*) FROM power_user_curve(rolling_active(a))) AS months FROM (SELECT activity(NULL::date, 'day') AS a) q;
-- the same from parts, through text, and in another order
SELECT count(DISTINCT r) AS one FROM (SELECT rolling_active(a) AS r FROM busy UNION ALL SELECT rollup(p) FROM (SELECT rolling_active(a) AS p FROM busy GROUP BY customer % 7) q
  UNION ALL SELECT rolling_active(a)::text::retention_rolling FROM busy UNION ALL SELECT rolling_active(a ORDER BY customer DESC) FROM busy) u;
-- one window
SELECT as_of, w, active_customers(a, w, as_of) = (SELECT count(DISTINCT customer) FROM busy_day WHERE day >= as_of - w AND day + 1 <= as_of) AS counted
FROM busy, unnest('{2026-02-10,2026-02-10 12:00,2026-05-01}'::timestamp[]) as_of, unnest('{1 day,7 days,1 month}'::interval[]) w GROUP BY 1, 2 ORDER BY 1, 2;
SELECT active_customers(a, '2 hours', '2026-02-01 12:00') AS moments, active_customers(h, '2 hours', '2026-02-01 12:00') AS hours, active_customers(h, '1 hour', '2026-02-01 12:30') AS part
FROM (SELECT activity(at, 'month; windows=elapsed') AS a, activity(at, 'hour') AS h FROM (VALUES (timestamp '2026-02-01 10:30'), ('2026-02-01 11:59')) v (at)) q;
SELECT active_customers(a, '7 days', '2026-02-10') AS none FROM busy WHERE customer > 200;
SELECT active_customers(NULL::retention_activity, '7 days', '2026-02-10') AS none;
-- refused
SELECT active_customers(a, NULL, '2026-02-10') FROM busy;
SELECT active_customers(a, '7 days', NULL) FROM busy;
SELECT active_customers(a, '-7 days', '2026-02-10') FROM busy;
SELECT active_customers(a, '7 days', 'infinity') FROM busy;
SELECT active_customers(coarsen(a, 'week'), '7 days', '2026-02-10') FROM busy;
SELECT rolling_active(coarsen(a, 'month')) FROM busy;
SELECT rolling_active(CASE customer WHEN 1 THEN a ELSE coarsen(a, 'day; as_of=2026-05-01') END) FROM busy;
SELECT a.* FROM (SELECT rolling_active(activity) AS r FROM (SELECT activity(at, 'day') FROM unnest('{1500-01-01,2026-01-01}'::date[]) at) q) r, rolling_active_days(r) a;
SELECT p.* FROM (SELECT rolling_active(activity) AS r FROM (SELECT activity(at, 'day') FROM unnest('{1500-01-01,2026-01-01}'::date[]) at) q) r, power_user_curve(r) p;
SELECT retention_internal.rolling_transfn(NULL, a) FROM busy;
SELECT retention_internal.active_customers_transfn(NULL, a, '7 days', '2026-02-10') FROM busy;
SELECT retention_internal.active_customers_combine(1, 2);

-- ---- Cells of few customers are hidden, and never one alone ----
CREATE TABLE shop AS SELECT c AS customer, date '2026-01-01' + s + 30 * k AS at
FROM generate_series(1, 90) c, LATERAL (SELECT 31 * ((c % 10) / 4) + c % 28 AS s) x, generate_series(0, 5) k WHERE k = 0 OR (c * 7 + k * 13) % 11 < 4 - k;
SELECT c.cohort, c.cohort_size, c.period, c.at_risk, c.retained, c.retention_rate, c.ci_low, c.status
FROM (SELECT cohort_retention(customer, at, 'month; as_of=2026-06-01') AS s FROM shop) q, cohort_cells(s, suppress_below => 5) c;
SELECT c.cohort, c.period, c.at_risk, c.retained FROM (SELECT cohort_retention(customer, at, 'month; as_of=2026-06-01') AS s FROM shop) q, cohort_cells(s) c \crosstabview cohort period retained
-- a cohort of few is hidden with its size
SELECT c.cohort, c.cohort_size, c.period, c.at_risk, c.retained, c.status FROM (SELECT cohort_retention(customer, at, 'month; as_of=2026-06-01') AS s FROM shop WHERE customer > 60 OR at > '2026-02-28') q,
  cohort_cells_at(s, suppress_below => 9) c WHERE period < 3;
-- whatever is asked: the small ones are hidden, the others are as they were, no line with more than one cell hides just one, and nothing is hidden without a reason
CREATE FUNCTION suppression(grid text, criterion text, below int, OUT cells bigint, OUT hidden bigint, OUT small_shown bigint, OUT changed bigint, OUT alone bigint) LANGUAGE sql AS $$
  WITH s AS (SELECT cohort_retention(customer, at, grid::retention_grid) AS s FROM event),
    c AS MATERIALIZED (SELECT a.*, b.cohort_size AS shown_size, b.at_risk AS shown_at_risk, b.retained AS shown, b.retention_rate AS rate, b.ci_low AS low, b.status = 'suppressed' AS hides, b.status AS shown_status
      FROM s, cohort_cells_at(s, criterion) a LEFT JOIN cohort_cells_at(s, criterion, suppress_below => below) b USING (cohort, period))
  SELECT count(*), count(*) FILTER (WHERE hides), count(*) FILTER (WHERE NOT hides AND (retained BETWEEN 1 AND below - 1 OR at_risk BETWEEN 1 AND below - 1)),
    count(*) FILTER (WHERE hides IS NULL OR (hides AND num_nonnulls(shown, shown_at_risk, rate, low) > 0) OR (NOT hides AND (shown, shown_at_risk, shown_size, rate, low, shown_status) IS DISTINCT FROM (retained, at_risk, cohort_size, retention_rate, ci_low, status))),
    (SELECT count(*) FROM (SELECT FROM c GROUP BY cohort HAVING count(*) > 1 AND count(*) FILTER (WHERE hides) = 1) r)
      + (SELECT count(*) FROM (SELECT FROM c GROUP BY period HAVING count(*) > 1 AND count(*) FILTER (WHERE hides) = 1) r)
  FROM c
$$;
SELECT below, sum(cells) > 100 AS cells, sum(hidden) > 0 AS hidden, sum(small_shown) AS small_shown, sum(changed) AS changed, sum(alone) AS alone
FROM unnest('{month,week,"month; windows=elapsed","week; cohorts=recurring","day; brackets=1,2-6,7-13,30"}'::text[]) grid, unnest('{on,on_or_after,on_or_before,streak}'::text[]) criterion, unnest('{2,3,5,100}'::int[]) below,
  suppression(grid, criterion, below) GROUP BY below ORDER BY below;
-- refused, nothing
SELECT cohort_cells(s, suppress_below => 1) FROM (SELECT cohort_retention(customer, at) AS s FROM shop) q;
SELECT count(*) FROM (SELECT cohort_retention(customer, at) AS s FROM shop WHERE false) q, cohort_cells(s, suppress_below => 5);
SELECT count(*) FROM (SELECT cohort_retention(NULL::bigint, at) AS s FROM shop) q, cohort_cells(s, suppress_below => 5);

-- ---- Notes: where the records begin, and where there is nothing ----
CREATE TABLE gappy (customer int, at date);
INSERT INTO gappy VALUES (1, '2026-01-05'), (1, '2026-02-03'), (1, '2026-05-01'), (2, '2026-02-10'), (2, '2026-05-10'), (3, '2026-05-20');
SELECT n.* FROM (SELECT cohort_retention(customer, at, 'month') AS s FROM gappy) q, cohort_notes(s) n;
SELECT n.* FROM (SELECT cohort_retention(customer, at, 'month; time_zone=Asia/Tokyo; as_of=2026-05-20') AS s FROM gappy) q, cohort_notes_at(s, '2026-08-01') n WHERE period > 2;
-- in a bracket
SELECT n.* FROM (SELECT cohort_retention(customer, at, 'month; brackets=1,2-3,4') AS s FROM gappy) q, cohort_notes(s) n;
-- with known starts nothing begins; with elapsed windows or min_events gaps are not known
SELECT n.* FROM (SELECT cohort_retention(customer, date '2026-01-01', at, 'month') AS s FROM gappy) q, cohort_notes(s) n;
SELECT n.* FROM (SELECT cohort_retention(customer, at, 'month; windows=elapsed') AS s FROM gappy) q, cohort_notes(s) n;
SELECT n.* FROM (SELECT cohort_retention(customer, at, 'month; min_events=2') AS s FROM gappy) q, cohort_notes(s) n;
-- nobody starts with the first row
SELECT n.* FROM (SELECT cohort_retention(customer, at, 'month', at > '2026-02-01', true) AS s FROM gappy) q, cohort_notes(s) n;
SELECT count(*) FROM cohort_notes(NULL);
SELECT count(*) FROM (SELECT cohort_retention(customer, at) AS s FROM gappy WHERE at IS NULL) q, cohort_notes(s);
SELECT n.* FROM (SELECT cohort_retention(customer, at::timestamp, 'hour') AS s FROM gappy) q, cohort_notes(s) n;
SELECT n.* FROM (SELECT cohort_retention(customer, at, 'month') AS s FROM gappy) q, cohort_notes(s, '2026-01-01') n;

-- ---- may_start: the first start of a customer decides whether they are in a cohort ----
SELECT c.cohort, c.cohort_size, c.period, c.retained FROM (SELECT cohort_retention(customer, at, 'month', kind = 'order', true, at < '2026-01-10' OR customer = 3) AS s FROM visit) q, cohort_cells(s) c WHERE period < 2;
CREATE TABLE begin AS SELECT customer, at, start, back, (customer + extract(hour FROM at)::int) % 3 > 0 AS may FROM event;
CREATE TABLE allowed AS SELECT customer, bool_or(may) AS ok FROM (SELECT customer, may, at, min(at) OVER (PARTITION BY customer) AS first FROM begin WHERE start) q WHERE at = first GROUP BY customer;
CREATE FUNCTION may_differs(grid text, kind text, key text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE same boolean;
BEGIN
  EXECUTE format('SELECT (SELECT cohort_retention(customer::%3$s, at::%2$s, %1$L, start, back, may) FROM begin) = (SELECT cohort_retention(customer::%3$s, at::%2$s, %1$L, start AND coalesce(ok, false), back) FROM begin LEFT JOIN allowed USING (customer))', grid, kind, key) INTO same;
  RETURN (NOT same)::int;
END $$;
SELECT count(*) AS asked, sum(may_differs(grid, kind, key)) AS differ
FROM unnest('{month,week; min_events=2,"month; windows=elapsed","day; windows=elapsed; min_events=2; cohorts=recurring","week; cohorts=recurring; brackets=1-2,3","day; as_of=2026-03-01"}'::text[]) grid, unnest('{timestamp,timestamptz}'::text[]) kind,
  unnest('{bigint,text,numeric}'::text[]) key;
-- days, where all starts of a day are its first one; by parts, by batches of rows and one by one; flags that are NULL
SELECT (SELECT cohort_retention(customer, at::date, 'day', start, back, may) FROM begin) = (SELECT cohort_retention(customer, at::date, 'day', start AND ok, back) FROM begin
  LEFT JOIN (SELECT customer, bool_or(may) AS ok FROM (SELECT customer, may, at::date AS at, min(at::date) OVER (PARTITION BY customer) AS first FROM begin WHERE start) q WHERE at = first GROUP BY customer) a USING (customer)) AS same;
SELECT count(DISTINCT s) AS one FROM (SELECT cohort_retention(customer, at, 'month', start, back, may) AS s FROM begin
  UNION ALL SELECT rollup(s) FROM (SELECT cohort_retention(customer, at, 'month', start, back, may) AS s FROM begin GROUP BY customer % 5) q UNION ALL SELECT cohort_retention(customer, at, 'month', start, back, may ORDER BY at DESC) FROM begin) u;
SELECT cohort_totals(cohort_retention(customer, at, 'month', true, NULL, NULL)), cohort_totals(cohort_retention(NULL::bigint, at, 'month', true, true, true)) FROM visit;
SELECT cohort_retention(customer, at, NULL, true, true, true) FROM visit;

-- ---- The most frequent values, and the others together ----
SELECT top_values(v, 2), top_values(v, 9) AS all, top_values(v, 2) FILTER (WHERE v IS NULL) AS nothing, top_values(n, 3) AS numbers, top_values(v, 1) FILTER (WHERE false) AS none
FROM (VALUES ('b', 1), ('a', 2), ('c', 2), ('a', 3), ('b', 4), (NULL, NULL), ('d', 4), ('c', 4), ('c', 1)) t (v, n);
WITH top AS (SELECT top_values(customer % 7, 3) AS top FROM event)
SELECT CASE WHEN (customer % 7)::text = ANY (top) THEN (customer % 7)::text ELSE 'Other' END AS value, count(DISTINCT customer) FROM event, top GROUP BY 1 ORDER BY 1;
SELECT bool_and(t = e) AS same FROM (SELECT n, top_values(customer % 40, n) AS t, (SELECT array_agg(v ORDER BY c DESC, v) FROM (SELECT (customer % 40)::text COLLATE "C" AS v, count(*) AS c FROM event GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT n) q) AS e
  FROM event, unnest('{1,5,40,1000}'::int[]) n GROUP BY n) q;
-- refused
SELECT top_values(v, NULL) FROM (VALUES ('a')) t (v);
SELECT top_values(v, 0) FROM (VALUES ('a')) t (v);
SELECT top_values(v, 1001) FROM (VALUES ('a')) t (v);
SELECT top_values(v, n) FROM (VALUES ('a', 1), ('a', 2)) t (v, n);
SELECT top_values(repeat('x', 1001), 1);
SELECT top_values(i, 1) FROM generate_series(1, 10001) i;
SELECT retention_internal.top_values_final(churn_reasons('x'));
