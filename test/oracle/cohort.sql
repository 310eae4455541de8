-- Cohorts by definition: straightforward and slow, from raw rows, without the extension.
--
-- Fill oracle_input (times as wall-clock time and as instants), call oracle_build() with the options of a grid one by
-- one, then read oracle_cells, oracle_curves, oracle_lifecycle and oracle_stickiness.

-- A deterministic number in 0 .. n - 1.
CREATE FUNCTION oracle_random(salt text, i bigint, n integer) RETURNS integer
LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || substr(md5(salt || ':' || i), 1, 7))::bit(28)::integer % n $$;

CREATE TABLE oracle_input (
  customer bigint,
  anchored boolean,          -- whether the row has an anchor at all; then is_start is not read
  anchor_local timestamp, anchor timestamptz,
  at_local timestamp, at timestamptz,
  is_start boolean, is_return boolean
);

-- What the options say; one row.
CREATE TABLE oracle_options (
  kind text, unit text, n integer, week_start integer, zone text, windows text, cohorts text,
  firsts integer[], lasts integer[], min_events integer, as_of timestamp
);

-- Microseconds: of wall-clock time if the column is a date or a timestamp, otherwise since the epoch.
CREATE FUNCTION oracle_micro(l timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT (extract(epoch FROM l) * 1000000)::bigint $$;
CREATE FUNCTION oracle_micro(i timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT (extract(epoch FROM i) * 1000000)::bigint $$;
CREATE FUNCTION oracle_moment(o oracle_options, l timestamp, i timestamptz) RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN o.kind = 'instant' THEN oracle_micro(i) ELSE oracle_micro(l) END $$;

-- Months, or hours, in n units.
CREATE FUNCTION oracle_months(o oracle_options) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$ SELECT o.n * CASE o.unit WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 WHEN 'year' THEN 12 END $$;
CREATE FUNCTION oracle_hours(o oracle_options) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$ SELECT o.n * CASE o.unit WHEN 'hour' THEN 1 WHEN 'day' THEN 24 WHEN 'week' THEN 168 END $$;

-- The number of a calendar period, and its beginning as wall-clock time.
CREATE FUNCTION oracle_period(o oracle_options, l timestamp, i timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT CASE o.unit
    WHEN 'hour' THEN floor(oracle_micro(i) / 3600000000.0)
    WHEN 'day' THEN floor((l::date - date '2000-01-01')::numeric / o.n)
    WHEN 'week' THEN floor((l::date - (date '2000-01-03' - (8 - o.week_start) % 7))::numeric / (7 * o.n))
    ELSE floor((extract(year FROM l) * 12 + extract(month FROM l) - 1 - 24000) / oracle_months(o))
  END::bigint
$$;
CREATE FUNCTION oracle_start(o oracle_options, p bigint) RETURNS timestamp LANGUAGE sql STABLE AS $$
  SELECT CASE o.unit
    WHEN 'hour' THEN to_timestamp(p * 3600) AT TIME ZONE o.zone
    WHEN 'day' THEN date '2000-01-01' + (p * o.n)::integer
    WHEN 'week' THEN date '2000-01-03' - (8 - o.week_start) % 7 + (p * o.n * 7)::integer
    ELSE timestamp '2000-01-01' + make_interval(months => p::integer * oracle_months(o))
  END
$$;
CREATE FUNCTION oracle_start_instant(o oracle_options, p bigint) RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN o.unit = 'hour' THEN to_timestamp(p * 3600) ELSE oracle_start(o, p) AT TIME ZONE o.zone END $$;
CREATE FUNCTION oracle_start_moment(o oracle_options, p bigint) RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT oracle_moment(o, oracle_start(o, p), oracle_start_instant(o, p)) $$;

-- How windows are measured: in elapsed time; for dates, and for months, by the clock.
CREATE FUNCTION oracle_clock(o oracle_options, l timestamp, i timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN o.kind = 'instant' OR (o.kind = 'local' AND o.unit IN ('hour', 'day', 'week'))
              THEN oracle_micro(i) ELSE oracle_micro(l) END
$$;
CREATE FUNCTION oracle_anniversary(o oracle_options, l timestamp, i timestamptz, w bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN o.unit IN ('hour', 'day', 'week') THEN oracle_clock(o, l, i) + w * oracle_hours(o) * 3600000000
    WHEN o.kind = 'instant' THEN oracle_micro((l + make_interval(months => w::integer * oracle_months(o))) AT TIME ZONE o.zone)
    ELSE oracle_micro(l + make_interval(months => w::integer * oracle_months(o)))
  END
$$;

-- The largest w >= 0 with anniversary(w) <= moment; -1 before the start.
CREATE FUNCTION oracle_window(o oracle_options, l timestamp, i timestamptz, moment bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE w bigint := -1;
BEGIN
  WHILE oracle_anniversary(o, l, i, w + 1) <= moment LOOP w := w + 1; END LOOP;
  RETURN w;
END $$;

CREATE TABLE oracle_rows (customer bigint, l timestamp, i timestamptz, m bigint, p bigint, is_return boolean);
CREATE TABLE oracle_starts (customer bigint, l timestamp, i timestamptz, m bigint, p bigint);
CREATE TABLE oracle_members (customer bigint, cohort bigint, l timestamp, i timestamptz, begun bigint, whole bigint);
CREATE TABLE oracle_hits (customer bigint, cohort bigint, k bigint);
CREATE TABLE oracle_slots (period integer, first bigint, last bigint);
CREATE TABLE oracle_grid (cohort bigint, period integer, first bigint, last bigint, begun boolean, over boolean, sure boolean);
CREATE TABLE oracle_states (criterion text, customer bigint, cohort bigint, period integer, at_risk boolean, whole boolean, sure boolean, retained boolean);
CREATE TABLE oracle_cells (criterion text, cohort bigint, cohort_size bigint, period integer, first bigint, last bigint,
                           at_risk bigint, retained bigint, observed boolean);
CREATE TABLE oracle_time (as_of bigint, clock_as_of bigint, rows_seen bigint, rows_ignored bigint, customers bigint, first bigint, latest bigint);

CREATE FUNCTION oracle_build() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  o oracle_options;
  e bigint;       -- moments >= e are not known
  clock_e bigint;
  reach bigint;
BEGIN
  SELECT * INTO o FROM oracle_options;
  TRUNCATE oracle_rows, oracle_starts, oracle_members, oracle_hits, oracle_slots, oracle_grid, oracle_states, oracle_cells, oracle_time;

  IF o.as_of IS NOT NULL THEN
    e := CASE o.kind WHEN 'date' THEN oracle_micro(date_trunc('day', o.as_of))
                     ELSE oracle_moment(o, o.as_of, o.as_of AT TIME ZONE o.zone) END;
  END IF;

  INSERT INTO oracle_rows
  SELECT customer, at_local, at, oracle_moment(o, at_local, at), oracle_period(o, at_local, at), anchored OR coalesce(is_return, false)
  FROM oracle_input
  WHERE customer IS NOT NULL AND at_local IS NOT NULL
    AND (e IS NULL OR oracle_moment(o, at_local, at) < e)
    AND (NOT anchored OR (anchor_local IS NOT NULL AND (e IS NULL OR oracle_moment(o, anchor_local, anchor) < e)));

  INSERT INTO oracle_starts
  SELECT customer, l, i, oracle_moment(o, l, i), oracle_period(o, l, i)
  FROM (SELECT customer, CASE WHEN anchored THEN anchor_local ELSE at_local END AS l,
               CASE WHEN anchored THEN anchor ELSE at END AS i, anchored OR coalesce(is_start, false) AS starts
        FROM oracle_input) s
  WHERE customer IS NOT NULL AND l IS NOT NULL AND starts AND (e IS NULL OR oracle_moment(o, l, i) < e);

  INSERT INTO oracle_time (first, latest, customers)
  SELECT min(m), max(m), count(DISTINCT customer)
  FROM (SELECT customer, m FROM oracle_rows UNION ALL SELECT customer, m FROM oracle_starts) x;
  UPDATE oracle_time SET rows_seen = (SELECT count(*) FROM oracle_input),
    rows_ignored = (SELECT count(*) FROM oracle_input
                    WHERE customer IS NULL
                       OR CASE WHEN anchored THEN anchor_local IS NULL OR (e IS NOT NULL AND oracle_moment(o, anchor_local, anchor) >= e)
                               ELSE at_local IS NULL OR (e IS NOT NULL AND oracle_moment(o, at_local, at) >= e) END);
  IF e IS NULL THEN
    SELECT latest + CASE o.kind WHEN 'date' THEN 86400000000 ELSE 1 END INTO e FROM oracle_time;
  END IF;
  clock_e := CASE WHEN o.kind = 'local' AND o.unit IN ('hour', 'day', 'week')
                  THEN oracle_micro((timestamp 'epoch' + e * interval '1 microsecond') AT TIME ZONE o.zone) ELSE e END;
  UPDATE oracle_time SET as_of = e, clock_as_of = clock_e;

  -- Who is in which cohort, since when.
  INSERT INTO oracle_members
  SELECT DISTINCT ON (customer, CASE WHEN o.cohorts = 'recurring' THEN p END) customer, p, l, i
  FROM oracle_starts s
  WHERE o.cohorts = 'recurring' AND NOT (SELECT bool_or(anchored) FROM oracle_input)
     OR NOT EXISTS (SELECT FROM oracle_starts e WHERE e.customer = s.customer AND e.m < s.m)
  ORDER BY customer, CASE WHEN o.cohorts = 'recurring' THEN p END, m;
  UPDATE oracle_members SET whole = oracle_window(o, l, i, clock_e);
  UPDATE oracle_members SET begun = whole + CASE WHEN oracle_anniversary(o, l, i, whole) < clock_e THEN 1 ELSE 0 END;

  -- The base offsets in which they have enough returning rows.
  INSERT INTO oracle_hits
  SELECT customer, cohort, k
  FROM (SELECT m.customer, m.cohort,
               CASE o.windows WHEN 'calendar' THEN r.p - m.cohort
                              ELSE oracle_window(o, m.l, m.i, least(oracle_clock(o, r.l, r.i), clock_e - 1)) END AS k
        FROM oracle_members m JOIN oracle_rows r USING (customer) WHERE r.is_return) x
  WHERE k >= 1
  GROUP BY customer, cohort, k HAVING count(*) >= o.min_events;

  SELECT coalesce(max(oracle_period(o, timestamp 'epoch' + e * interval '1 microsecond', timestamptz 'epoch' + e * interval '1 microsecond') - cohort), 0) + 2
    INTO reach FROM oracle_members;
  INSERT INTO oracle_slots
  SELECT k, k, k FROM generate_series(0, reach) k WHERE o.firsts IS NULL OR k = 0
  UNION ALL
  SELECT j, o.firsts[j], o.lasts[j] FROM generate_subscripts(o.firsts, 1) j;

  INSERT INTO oracle_grid
  SELECT cohort, period, first, last,
         CASE o.windows WHEN 'calendar' THEN oracle_start_moment(o, cohort + first) < e END,
         CASE o.windows WHEN 'calendar' THEN oracle_start_moment(o, cohort + last + 1) <= e END,
         CASE o.windows WHEN 'calendar' THEN oracle_start_moment(o, cohort + last + 1) <= e
           ELSE oracle_anniversary(o, oracle_start(o, cohort + 1), oracle_start_instant(o, cohort + 1), last + 1) <= clock_e END
  FROM (SELECT DISTINCT cohort FROM oracle_members) c CROSS JOIN oracle_slots;

  -- Every customer, cohort and slot.
  INSERT INTO oracle_states
  SELECT c.criterion, m.customer, m.cohort, g.period,
         CASE o.windows WHEN 'calendar' THEN g.begun ELSE m.begun >= g.first + 1 END,
         CASE o.windows WHEN 'calendar' THEN g.over ELSE m.whole >= g.last + 1 END,
         g.sure,
         g.period = 0 OR CASE c.criterion
           WHEN 'on' THEN EXISTS (SELECT FROM unnest(h.ks) k WHERE k BETWEEN g.first AND g.last)
           WHEN 'on_or_after' THEN EXISTS (SELECT FROM unnest(h.ks) k WHERE k >= g.first)
           WHEN 'on_or_before' THEN EXISTS (SELECT FROM unnest(h.ks) k WHERE k <= g.last)
           ELSE NOT EXISTS (SELECT FROM oracle_slots t WHERE t.period BETWEEN 1 AND g.period
                              AND NOT EXISTS (SELECT FROM unnest(h.ks) k WHERE k BETWEEN t.first AND t.last))
         END
  FROM oracle_members m JOIN oracle_grid g USING (cohort)
  LEFT JOIN (SELECT customer, cohort, array_agg(k) AS ks FROM oracle_hits GROUP BY customer, cohort) h USING (customer, cohort)
  CROSS JOIN (VALUES ('on'), ('on_or_after'), ('on_or_before'), ('streak')) c (criterion);

  INSERT INTO oracle_cells
  SELECT criterion, cohort, count(*), period, first, last, count(*) FILTER (WHERE at_risk),
         count(*) FILTER (WHERE at_risk AND retained), bool_and(whole)
  FROM oracle_states JOIN oracle_slots USING (period)
  GROUP BY criterion, cohort, period, first, last
  HAVING bool_or(at_risk);
END $$;

-- Wilson's limits in per cent at 95 %, with the z of the normal tables.
CREATE FUNCTION oracle_wilson(hits double precision, total double precision, OUT low numeric, OUT high numeric)
LANGUAGE sql IMMUTABLE AS $$
  SELECT round(100 * CASE WHEN hits = 0 THEN 0 ELSE (hits + z2 / 2 - r) / (total + z2) END::numeric, 6),
         round(100 * CASE WHEN hits = total THEN 1 ELSE (hits + z2 / 2 + r) / (total + z2) END::numeric, 6)
  FROM (SELECT z2, sqrt(z2) * sqrt(hits * (total - hits) / total + z2 / 4) AS r
        FROM (SELECT 1.959963984540054 * 1.959963984540054::double precision AS z2) z) x
$$;

CREATE VIEW oracle_cell_answers AS
SELECT criterion, oracle_start(o, cohort) AS cohort, cohort_size, period,
       CASE WHEN windows = 'calendar' THEN oracle_start(o, cohort + first) END AS period_start,
       CASE WHEN windows = 'calendar' THEN oracle_start(o, cohort + last + 1) END AS period_end,
       at_risk, retained, 100.0 * retained / at_risk AS retention_rate,
       CASE WHEN observed AND period > 0 THEN (oracle_wilson(retained, at_risk)).low END AS ci_low,
       CASE WHEN observed AND period > 0 THEN (oracle_wilson(retained, at_risk)).high END AS ci_high,
       CASE WHEN observed THEN 'observed' ELSE 'partial' END AS status
FROM oracle_cells CROSS JOIN oracle_options o;

-- Per customer: cohorts with a cell, and cohorts in which they are retained; only complete cells.
CREATE VIEW oracle_own AS
SELECT criterion, period, customer, count(*)::double precision AS n, (count(*) FILTER (WHERE retained))::double precision AS x
FROM oracle_states WHERE sure AND period > 0 GROUP BY criterion, period, customer;

-- Pooled and simple curves.
CREATE VIEW oracle_curves AS
WITH pooled AS (
  SELECT criterion, period, count(*) AS cohorts, sum(at_risk)::bigint AS at_risk, sum(retained)::bigint AS retained,
         avg(100.0 * retained / at_risk) AS simple,
         sqrt(sum(power(100.0 * retained / at_risk - (oracle_wilson(retained, at_risk)).low, 2))) / count(*) AS below,
         sqrt(sum(power((oracle_wilson(retained, at_risk)).high - 100.0 * retained / at_risk, 2))) / count(*) AS above
  FROM oracle_cells WHERE observed GROUP BY criterion, period
), own AS (
  SELECT criterion, period, m, cells, ratio, CASE
           WHEN ratio IN (0, 1) OR m < 2 THEN m
           WHEN residuals <= 1e-12 THEN cells
           ELSE least(cells, ratio * (1 - ratio) / (m / (m - 1) * residuals / (cells * cells))) END AS effective
  FROM (SELECT criterion, period, count(*)::double precision AS m, max(cells) AS cells, max(ratio) AS ratio,
               sum(power(x - ratio * n, 2)) AS residuals
        FROM oracle_own JOIN (SELECT criterion, period, sum(n) AS cells, sum(x) / sum(n) AS ratio FROM oracle_own GROUP BY 1, 2) r
             USING (criterion, period)
        GROUP BY criterion, period) s
)
SELECT p.criterion, mean, p.period, p.cohorts, p.at_risk, p.retained,
       CASE mean WHEN 'pooled' THEN 100.0 * p.retained / p.at_risk ELSE simple END AS retention_rate,
       CASE WHEN p.period = 0 THEN NULL WHEN o.cohorts = 'recurring' AND NOT anchored THEN CASE WHEN mean = 'pooled' THEN w.low END
            WHEN mean = 'pooled' THEN (oracle_wilson(p.retained, p.at_risk)).low ELSE greatest(0, simple - below) END AS ci_low,
       CASE WHEN p.period = 0 THEN NULL WHEN o.cohorts = 'recurring' AND NOT anchored THEN CASE WHEN mean = 'pooled' THEN w.high END
            WHEN mean = 'pooled' THEN (oracle_wilson(p.retained, p.at_risk)).high ELSE least(100, simple + above) END AS ci_high
FROM pooled p CROSS JOIN (VALUES ('pooled'), ('simple')) mean (mean) CROSS JOIN oracle_options o
CROSS JOIN (SELECT bool_or(anchored) AS anchored FROM oracle_input) a
LEFT JOIN own USING (criterion, period)
LEFT JOIN LATERAL oracle_wilson(p.retained::double precision / p.at_risk * (p.at_risk * effective / cells), p.at_risk * effective / cells) w ON true;

-- The chained curve of on_or_before: who has not come back before, and who of them comes back here.
CREATE VIEW oracle_chained AS
WITH RECURSIVE d AS (
  SELECT c.period, sum(c.cohort_size - coalesce(b.retained, 0)) AS waiting, sum(c.retained - coalesce(b.retained, 0)) AS returned
  FROM oracle_cells c LEFT JOIN oracle_cells b ON b.criterion = c.criterion AND b.cohort = c.cohort AND b.period = c.period - 1 AND b.period > 0
  WHERE c.criterion = 'on_or_before' AND c.observed AND c.period > 0 GROUP BY c.period
), chain AS (
  SELECT 0 AS period, 1::numeric AS still
  UNION ALL
  SELECT d.period, CASE WHEN waiting > 0 THEN still * (waiting - returned) / waiting ELSE still END
  FROM chain JOIN d ON d.period = chain.period + 1
)
SELECT period, waiting AS at_risk, returned AS retained, 100 * (1 - still) AS retention_rate
FROM chain JOIN d USING (period);

-- Active in a period: any row, or so many returning ones.
CREATE VIEW oracle_active AS
SELECT customer, p FROM oracle_rows GROUP BY customer, p
HAVING (SELECT min_events = 1 OR count(*) FILTER (WHERE is_return) >= min_events FROM oracle_options);

CREATE VIEW oracle_lifecycle AS
WITH active AS (SELECT customer, p FROM oracle_active),
     firsts AS (SELECT customer, min(p) AS p FROM active GROUP BY customer),
     span AS (SELECT generate_series(min(p), (SELECT max(q) FROM generate_series(min(p), max(p) + 40) q, oracle_time t, oracle_options o WHERE oracle_start_moment(o, q) < t.as_of)) AS p FROM active)
SELECT oracle_start(o, s.p) AS period_start,
       (SELECT count(*) FROM active a WHERE a.p = s.p) AS active,
       (SELECT count(*) FROM firsts f WHERE f.p = s.p) AS new,
       (SELECT count(*) FROM active a JOIN active b USING (customer) WHERE a.p = s.p AND b.p = s.p - 1) AS retained,
       (SELECT count(*) FROM active a JOIN firsts f USING (customer) WHERE a.p = s.p AND f.p < s.p
          AND NOT EXISTS (SELECT FROM active b WHERE b.customer = a.customer AND b.p = s.p - 1)) AS resurrected,
       (SELECT count(*) FROM active b WHERE b.p = s.p - 1
          AND NOT EXISTS (SELECT FROM active a WHERE a.customer = b.customer AND a.p = s.p)) AS dormant,
       CASE WHEN oracle_start_moment(o, s.p + 1) <= (SELECT as_of FROM oracle_time) THEN 'observed' ELSE 'partial' END AS status
FROM span s CROSS JOIN oracle_options o;

CREATE VIEW oracle_stickiness AS
SELECT n AS active_periods, count(*) AS customers, 100.0 * count(*) / sum(count(*)) OVER () AS share
FROM (SELECT customer, count(*) AS n FROM oracle_active GROUP BY customer) x GROUP BY n;
