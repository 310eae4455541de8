-- Flow: movements of customers, period by period.
SET datestyle = 'ISO';
SET timezone = 'UTC';
-- Under valgrind (script/test --valgrind) the longest tests use fewer cases; 1 is all of them.
SELECT coalesce(nullif(current_setting('retention_test.thin', true), ''), '1')::integer AS thin \gset

-- ---- A month of thirteen customers, worked out by hand (doc/flow.md shows it) ----
-- There at the start: Ann, Ben, Cleo, Dan, Eve, Kim. There at the end: Ann, Cleo, Eve, Finn, Hana, Jo, Kim, Lea.
-- Departures: Ben, Cleo, Dan, Gus, Ivo, Jo, Nia. Days: 31+9+16+0+31+17+20+24+7+23+31+31+11 = 251.
CREATE TABLE subscription (customer text, started date, ended date);
INSERT INTO subscription VALUES
  ('Ann',  '2025-01-10', NULL),
  ('Ben',  '2025-06-01', '2026-03-10'),
  ('Cleo', '2025-03-01', '2026-03-05'), ('Cleo', '2026-03-20', NULL),
  ('Dan',  '2025-08-01', '2026-03-01'),
  ('Eve',  '2025-09-01', '2026-04-01'),
  ('Finn', '2024-01-01', '2025-03-15'), ('Finn', '2026-03-15', NULL),
  ('Gus',  '2024-02-01', '2025-02-28'), ('Gus',  '2026-03-05', '2026-03-25'),
  ('Hana', '2026-03-08', NULL),
  ('Ivo',  '2026-03-12', '2026-03-19'),
  ('Jo',   '2026-03-02', '2026-03-09'), ('Jo',   '2026-03-16', NULL),
  ('Kim',  '2025-11-01', '2026-03-15'), ('Kim',  '2026-02-01', NULL),
  ('Lea',  '2026-03-01', NULL),
  ('Max',  '2026-04-01', NULL),
  ('Nia',  '2026-03-20', '2026-03-31');

CREATE VIEW customer AS
  SELECT customer, range_agg(daterange(started, ended)) AS presence FROM subscription GROUP BY customer;

\x on
SELECT f.* FROM (SELECT customer_flow(presence, daterange('2026-03-01', '2026-04-01')) s FROM customer) q,
  flow_periods(s) f;
\x off
-- kept 4/6, formula (8-5)/6, continuous 3/6
SELECT c, round(retention_rate(s, c), 4) FROM (SELECT customer_flow(presence, daterange('2026-03-01', '2026-04-01')) s FROM customer) q,
  unnest('{kept,formula,continuous}'::text[]) c;
-- lost 2/6, simple 7/6, exposed 7/(6+5), average 7/7, customer_days 7/251*31, continuous 3/6
SELECT c, round(churn_rate(s, c), 4) FROM (SELECT customer_flow(presence, daterange('2026-03-01', '2026-04-01')) s FROM customer) q,
  unnest('{lost,simple,exposed,average,customer_days,continuous}'::text[]) c;
-- the intervals that each convention has
SELECT r, retention_low, retention_high, c, churn_low, churn_high
FROM (SELECT customer_flow(presence, daterange('2026-03-01', '2026-04-01')) s FROM customer) q,
  (VALUES ('kept', 'lost'), ('formula', 'simple'), ('continuous', 'exposed'), ('kept', 'average'),
          ('kept', 'customer_days'), ('kept', 'continuous')) v (r, c), flow_periods(s, r, c);
SELECT retention_low, retention_high FROM (SELECT customer_flow(presence, daterange('2026-03-01', '2026-04-01')) s FROM customer) q,
  flow_periods(s, confidence => 0.5);

-- In one step, and the same month out of a grid
SELECT retention_rate(presence, '[2026-03-01,2026-04-01)'), churn_rate(presence, '[2026-03-01,2026-04-01)') FROM customer;
SELECT period_start, period_end, status, at_start, joined, gained, reactivated, lost, at_end, kept, joined_and_left,
  reactivated_and_left, left_and_returned, departures, customer_days, round(retention_rate, 2) r, round(churn_rate, 2) c
FROM (SELECT customer_flow(presence, 'month', '[2026-01-01,2026-06-01)') s FROM customer) q, flow_periods(s);

-- What happens after a period does not change its row; an as_of hides what came later
SELECT period_start, status, at_start, gained, lost, at_end, customer_days, retention_rate, churn_rate
FROM (SELECT customer_flow(presence, retention_grid('month', as_of => '2026-03-16'), '[2026-02-01,2026-06-01)') s
      FROM customer) q, flow_periods(s);

-- ---- A period is any range, or its text ----
-- A literal needs no cast, and drivers send text or varchar. A day begins at midnight, of the session's time zone for
-- timestamps with a zone.
CREATE VIEW timed AS
SELECT customer, started::timestamp AS s, ended::timestamp AS e, started::timestamptz AS zs, ended::timestamptz AS ze,
  tsrange(started, ended) AS r, tstzrange(started, ended) AS zr, tsmultirange(tsrange(started, ended)) AS m
FROM subscription;
PREPARE by_text(text, varchar) AS
  SELECT retention_rate(s, e, $1) AS pair, retention_rate(zs, ze, $2) AS zoned, retention_rate(r, $1) AS range,
    retention_rate(zr, $2) AS zoned_range, retention_rate(m, $1) AS multirange,
    churn_rate(customer, s, e, $2) AS customer,
    churn_rate(customer, zs, ze, $1, timestamptz '2026-05-01') AS as_of FROM timed;
EXECUTE by_text('[2026-03-01,2026-04-01)', '[2026-03-01,2026-04-01)');
SELECT retention_rate(s, e, '[2026-03-01,2026-04-01)') AS pair,
  retention_rate(zs, ze, '[2026-03-01,2026-04-01)') AS zoned,
  retention_rate(r, daterange '[2026-03-01,2026-04-01)') AS range,
  retention_rate(zr, tsrange '[2026-03-01,2026-04-01)') AS zoned_range,
  retention_rate(m, '[2026-03-01,2026-04-01)') AS multirange,
  churn_rate(customer, s, e, '[2026-03-01,2026-04-01)') AS customer,
  churn_rate(customer, zs, ze, '[2026-03-01,2026-04-01)', '2026-05-01') AS as_of FROM timed;
PREPARE by_grid(text, varchar) AS SELECT period_start, at_start, at_end
FROM (SELECT customer_flow(zs, ze, $1, $2) AS flow FROM timed) q, flow_periods(flow);
EXECUTE by_grid('month', '[2026-02-01,2026-04-01)');
-- in another time zone the same literal is another time, even in the same plan
SET timezone = 'Asia/Tokyo';
EXECUTE by_grid('month; time_zone=UTC', '[2026-02-01,2026-04-01)');
SET timezone = 'UTC';
-- with other abbreviations of time zones, too, even in the same transaction
PREPARE by_zone(retention_span) AS SELECT period_start FROM (SELECT customer_flow(zs, ze, $1) FROM timed) q (flow), flow_periods_at(flow);
BEGIN;
EXECUTE by_zone('[2026-02-01 00:00 EST,2026-03-01 00:00 EST)');
SET LOCAL timezone_abbreviations = 'Australia';
EXECUTE by_zone('[2026-02-01 00:00 EST,2026-03-01 00:00 EST)');
COMMIT;
SELECT retention_span ' [2026-03-01,2026-04-01) ' AS text, daterange '[2026-03-01,2026-03-31]'::retention_span AS range,
  tstzrange '[2026-03-01,)'::retention_span AS unbounded;
-- a month or a year by its name
SELECT retention_span '2026-12' AS month, retention_span ' 2026 ' AS year,
  retention_rate(started, ended, '2026-03') AS march FROM subscription;
-- errors say what a period is
SELECT retention_rate(started, ended, '2026-13') FROM subscription;
SELECT retention_rate(started, ended, 'month') FROM subscription;
SELECT churn_rate(customer, started, ended, 'month'::text) FROM subscription;
SELECT retention_rate(started, ended, '[2026-03-01,2026-04-01') FROM subscription;
SELECT retention_rate(started, ended, '2026-03-01') FROM subscription;
SELECT retention_rate(started, ended, '[2026-02-30,2026-04-01)') FROM subscription;
SELECT retention_rate(started, ended, tsrange '[2026-03-01,2026-04-01)') FROM subscription;
SELECT retention_rate(s, e, retention_period_tz('month')) FROM timed;
-- a span without a whole period
SELECT count(*)
FROM (SELECT customer_flow(started, ended, 'month', '[2026-03-05,2026-04-20)') AS flow FROM subscription) q,
  flow_periods(flow);
DEALLOCATE ALL;

-- ---- Edges ----
-- one row per customer: start at the start, end at the start, end at the end, never there, there since ever, for ever
CREATE TABLE edge (who text, started date, ended date);
INSERT INTO edge VALUES ('starts at the start', '2026-03-01', NULL), ('ends at the start', '2026-02-01', '2026-03-01'),
  ('ends at the end', '2026-02-01', '2026-04-01'), ('starts at the end', '2026-04-01', NULL),
  ('never there', '2026-03-05', '2026-03-05'), ('since ever', '-infinity', NULL), ('for ever', '2026-03-10', 'infinity'),
  ('no start', NULL, '2026-03-10'), ('never comes', 'infinity', NULL), ('all of it', '2026-03-01', '2026-04-01');
SELECT who, at_start s, joined j, gained g, reactivated r, lost l, at_end e, joined_and_left jl, departures d, customer_days days,
  retention_rate
FROM (SELECT who, customer_flow(started, ended, daterange('2026-03-01', '2026-04-01')) s FROM edge GROUP BY who) q, flow_periods(s)
ORDER BY who COLLATE "C";
SELECT customer_flow(started, ended, daterange('2026-03-01', '2026-04-01')) IS NULL AS ignored FROM edge WHERE started IS NULL;
SELECT retention_rate(started, ended, '[2026-03-01,2026-04-01)') FROM edge WHERE false;
-- a flow without a whole period has no rows
SELECT count(*) FROM (SELECT customer_flow(started, ended, 'month', '[2026-03-02,2026-03-31)') s FROM edge) q, flow_periods(s);
-- no period has begun at the as_of: no rows; nobody is there at the start of a period: no rate
SELECT count(*) FROM (SELECT customer_flow(started, ended, retention_grid('month', as_of => '2026-01-01'),
  '[2026-03-01,2026-05-01)') s FROM edge) q, flow_periods(s);
SELECT at_start, retention_rate, retention_low, churn_rate, churn_high FROM (SELECT customer_flow(started, ended, daterange('2026-03-01', '2026-04-01')) s
  FROM edge WHERE who = 'for ever') q, flow_periods(s);

-- Ranges, with and without ends, empty and null
SELECT at_start, at_end, joined_and_left, customer_days
FROM (SELECT customer_flow(p, daterange('2026-03-01', '2026-04-01')) s
      FROM (VALUES (daterange(NULL, NULL)), ('empty'), (NULL), ('[2026-03-02,2026-03-04]')) v (p)) q, flow_periods(s);
SELECT at_start, at_end, customer_days
FROM (SELECT customer_flow(p, tstzrange('2026-03-01', '2026-04-01')) s
      FROM (VALUES (tstzrange(NULL, '2026-03-02 12:00')), ('empty'), (NULL), ('[2026-03-30 18:00,)')) v (p)) q, flow_periods(s);
SELECT at_start, at_end, customer_days
FROM (SELECT customer_flow(p, tsrange('2026-03-01', '2026-04-01')) s
      FROM (VALUES (tsmultirange(tsrange(NULL, '2026-03-02 12:00'), tsrange('2026-03-30 18:00', NULL))), ('{}'), (NULL)) v (p)) q,
  flow_periods(s);

-- Timestamps with a zone: periods begin in the zone of the grid, a day of membership is 24 hours
SELECT period_start, period_end, at_start, at_end, customer_days
FROM (SELECT customer_flow(timestamptz '2026-01-01 00:00+01', NULL, retention_grid('month', time_zone => 'Europe/Berlin',
        as_of => '2026-05-01'), tstzrange('2026-03-01 00:00+01', '2026-05-01 00:00+02')) s) q, flow_periods(s);
SELECT period_start, period_end, at_start, joined, at_end, customer_days
FROM (SELECT customer_flow(timestamptz '2026-03-29 00:00+01', NULL, retention_grid('hour', time_zone => 'Europe/Berlin',
        as_of => '2026-03-29 05:00'), tstzrange('2026-03-29 00:00+01', '2026-03-29 06:00+02')) s) q, flow_periods_at(s);
SELECT period_start, period_end FROM (SELECT customer_flow(date '2026-03-29', NULL, daterange('2026-03-29', '2026-03-30')) s) q,
  flow_periods_at(s);
SELECT period_start, period_end FROM (SELECT customer_flow(timestamp '2026-03-29', NULL, tsrange('2026-03-29 10:00', '2026-03-30')) s) q,
  flow_periods_at(s);

-- Samoa had no 2011-12-30: a period without length, with nothing in it
SELECT period_start, period_end, at_start, joined, lost, at_end, customer_days, churn_rate
FROM (SELECT customer_flow(s, e, retention_grid('day', time_zone => 'Pacific/Apia', as_of => '2012-01-02'),
        tstzrange('2011-12-29 00:00-10', '2012-01-02 00:00+14')) s
      FROM (VALUES (timestamptz '2011-12-28 12:00-10', timestamptz '2011-12-31 12:00+14'), ('2011-12-31 00:00+14', NULL)) v (s, e)) q,
  flow_periods(s, churn => 'customer_days');

-- ---- Errors ----
SELECT customer_flow(date '2026-03-02', '2026-03-01', daterange('2026-03-01', '2026-04-01'));
SELECT customer_flow(timestamptz '2026-03-02', '2026-03-01', tstzrange('2026-03-01', '2026-04-01'));
SELECT retention_rate(date '2026-03-02', NULL, '[2026-03-01,)');
SELECT retention_rate(date '2026-03-02', NULL, '(,2026-03-01)');
SELECT retention_rate(date '2026-03-02', NULL, 'empty');
SELECT retention_rate(date '2026-03-02', NULL, NULL::daterange);
SELECT churn_rate(timestamp '2026-03-02', NULL, '[2026-03-01,2026-04-01]');
SELECT churn_rate(timestamp '2026-03-02', NULL, '(2026-03-01,2026-04-01)');
SELECT churn_rate(timestamp '2026-03-02', NULL, '[-infinity,2026-04-01)');
SELECT churn_rate(tsrange('2026-03-02', '2026-03-03', '[]'), '[2026-03-01,2026-04-01)');
SELECT churn_rate(tsmultirange(tsrange('2026-03-02', '2026-03-03', '()')), '[2026-03-01,2026-04-01)');
SELECT customer_flow(date '2026-03-02', NULL, NULL, daterange('2026-03-01', '2026-04-01'));
SELECT customer_flow(date '2026-03-02', NULL, 'month', NULL::daterange);
SELECT customer_flow(date '2026-03-02', NULL, 'month', '[2026-03-01,)'::daterange);
SELECT customer_flow(date '2026-03-02', NULL, retention_grid('month', windows => 'elapsed'), '[2026-03-01,2026-04-01)');
SELECT customer_flow(date '2026-03-02', NULL, 'hour', '[2026-03-01,2026-04-01)');
SELECT customer_flow(timestamp '2026-03-02', NULL, 'hour', '[1900-03-01,2026-04-01)');
SELECT customer_flow(timestamp '2026-03-02', NULL, tsrange('4713-01-01 BC', '294276-12-31'));
SELECT customer_flow(date '2026-03-02', NULL, daterange(d, '2026-04-01')) FROM (VALUES (date '2026-03-01'), ('2026-03-02')) v (d);
SELECT customer_flow(date '2026-03-02', NULL, 'month', daterange(d, '2026-04-01')) FROM (VALUES (date '2026-03-01'), ('2026-02-01')) v (d);
SELECT customer_flow(date '2026-03-02', NULL, g, '[2026-01-01,2026-04-01)') FROM (VALUES (retention_grid 'month'), ('week')) v (g);
SELECT retention_rate(customer_flow(date '2026-03-02', NULL, 'month', '[2026-01-01,2026-04-01)'));
SELECT retention_rate(customer_flow(date '2026-03-02', NULL, daterange('2026-03-01', '2026-04-01')), 'lost');
SELECT churn_rate(customer_flow(date '2026-03-02', NULL, daterange('2026-03-01', '2026-04-01')), 'kept');
SELECT flow_periods(customer_flow(date '2026-03-02', NULL, daterange('2026-03-01', '2026-04-01')), confidence => 1);
SELECT flow_periods(customer_flow(date '2026-03-02', NULL, daterange('2026-03-01', '2026-04-01')), confidence => 'NaN');
SELECT flow_periods(s) FROM (SELECT customer_flow(timestamp '2026-03-29', NULL, tsrange('2026-03-29 10:00', '2026-03-30')) s) q;
SELECT rollup(s ORDER BY s::text) FROM (SELECT customer_flow(date '2026-03-02', NULL, daterange(d, '2026-04-01')) s
  FROM (VALUES (date '2026-03-01'), ('2026-03-02')) v (d) GROUP BY d) q;
SELECT rollup(s ORDER BY s::text) FROM (SELECT customer_flow(date '2026-03-02', NULL, g::retention_grid, '[2026-01-01,2026-04-01)') s
  FROM (VALUES ('month'), ('week')) v (g) GROUP BY g) q;
SELECT rollup(s ORDER BY s::text) FROM (SELECT customer_flow(date '2026-03-02', NULL, daterange('2026-03-01', '2026-04-01')) s
  UNION ALL SELECT customer_flow(timestamp '2026-03-02', NULL, tsrange('2026-03-01', '2026-04-01'))) q;
SELECT retention_internal.flow_combine(NULL, NULL);
SELECT retention_internal.flow_retention_final(customer_flow(date '2026-03-02', NULL, daterange('2026-03-01', '2026-04-01')));
SELECT 'x'::retention_flow;
SELECT ''::retention_flow;

-- ---- Every column against plain SQL, on random multiranges, three types, three seeds ----
-- The oracle computes each column by its definition, customer by customer.
CREATE FUNCTION oracle(presence tstzmultirange, a timestamptz, b timestamptz, OUT s boolean, OUT e boolean, OUT before boolean,
  OUT between_ boolean, OUT departures bigint, OUT returned bigint, OUT days numeric)
LANGUAGE sql STABLE AS $$
  SELECT coalesce(bool_or(coalesce(lower(r) < a, true) AND coalesce(upper(r) >= a, true)), false),
    coalesce(bool_or(coalesce(lower(r) < b, true) AND coalesce(upper(r) >= b, true)), false),
    coalesce(bool_or(coalesce(lower(r) < a, true)), false),
    coalesce(bool_or(r && tstzrange(a, b)), false),
    count(*) FILTER (WHERE upper(r) >= a AND upper(r) < b),
    count(*) FILTER (WHERE upper(r) >= a AND upper(r) < b AND EXISTS (SELECT FROM unnest(presence) o
      WHERE lower(o) > upper(r) AND lower(o) < b)),
    coalesce(sum(extract(epoch FROM upper(r * tstzrange(a, b)) - lower(r * tstzrange(a, b))) / 86400)
      FILTER (WHERE r && tstzrange(a, b)), 0)
  FROM unnest(presence) r
$$;

CREATE TABLE random_customer AS
SELECT seed, c AS customer,
  (SELECT range_agg(CASE WHEN seed = 2 THEN tstzrange(date_trunc('day', lower(r)), date_trunc('day', upper(r))) ELSE r END)
   FROM (SELECT CASE WHEN h % 17 = 0 AND i = 1 THEN tstzrange(NULL, t + d)
                     WHEN h % 13 = 0 AND i = 3 THEN tstzrange(t, NULL)
                     ELSE tstzrange(t, t + d) END AS r
         FROM (SELECT i, h, timestamptz '2024-01-01' + (h % 900) * interval '1 day' + (h / 900 % 3) * interval '6 hours 7 minutes' t,
                 (CASE WHEN h % 5 = 0 THEN h / 7 % 3 ELSE h / 7 % 150 END) * interval '1 day' + (h / 11 % 2) * interval '5 hours' d
               FROM (SELECT i, abs(hashint8extended(c * 10 + i, seed)) h FROM generate_series(1, 1 + c % 4) i) x) y) z) AS presence
FROM generate_series(1, 3) seed, generate_series(1, 400) c;
CREATE VIEW asked_customer AS SELECT * FROM random_customer WHERE customer % :thin = 0;

CREATE FUNCTION expected(which bigint, g text, zone text, span tstzrange) RETURNS TABLE (period_start timestamptz, row_ text)
LANGUAGE sql AS $$
  SELECT a, concat_ws(' ', count(*) FILTER (WHERE s), count(*) FILTER (WHERE NOT before AND (e OR between_)),
    count(*) FILTER (WHERE e AND NOT s AND NOT before), count(*) FILTER (WHERE e AND NOT s AND before),
    count(*) FILTER (WHERE s AND NOT e), count(*) FILTER (WHERE e), count(*) FILTER (WHERE s AND e),
    count(*) FILTER (WHERE NOT s AND NOT e AND between_ AND NOT before),
    count(*) FILTER (WHERE NOT s AND NOT e AND between_ AND before), sum(returned), sum(departures),
    round(sum(days), 9), round(100.0 * count(*) FILTER (WHERE s AND departures = 0) / nullif(count(*) FILTER (WHERE s), 0), 9))
  FROM (SELECT t AT TIME ZONE zone a, (t + step) AT TIME ZONE zone b
        FROM (SELECT CASE g WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || g)::interval END AS step) x,
          generate_series(date_trunc(g, lower(span) AT TIME ZONE zone), upper(span) AT TIME ZONE zone, step) t) p,
    asked_customer c, oracle(presence, a, b) o
  WHERE seed = which AND span @> tstzrange(a, b)
  GROUP BY a
$$;

CREATE FUNCTION shown(s retention_flow) RETURNS TABLE (period_start timestamptz, row_ text) LANGUAGE sql AS $$
  SELECT period_start, concat_ws(' ', at_start, joined, gained, reactivated, lost, at_end, kept, joined_and_left, reactivated_and_left,
    left_and_returned, departures, round(customer_days, 9), round(retention_rate, 9))
  FROM flow_periods_at(s, 'continuous')
$$;

CREATE FUNCTION differences(which bigint, g text, zone text, span tstzrange, s retention_flow, OUT periods bigint, OUT differ bigint)
LANGUAGE sql AS $$
  SELECT count(*), count(*) FILTER (WHERE o.row_ IS DISTINCT FROM f.row_)
  FROM expected(which, g, zone, span) o FULL JOIN shown(s) f USING (period_start)
$$;

SELECT seed, g, zone, (d).* FROM (
  SELECT x.seed, g, zone, differences(x.seed, g, zone, span, (SELECT customer_flow(presence, retention_grid(g, time_zone => zone,
    as_of => '2027-01-01'), span) FROM asked_customer c WHERE c.seed = x.seed)) d
  FROM generate_series(1, 3) x (seed), (VALUES ('day', 'UTC', tstzrange('2025-03-15', '2025-04-08 13:00')),
    ('week', 'Europe/Berlin', '[2023-12-01,2025-01-10)'), ('month', 'America/New_York', '[2023-11-20,2026-12-20)'),
    ('quarter', 'UTC', '[2023-11-20,2026-12-20)'), ('year', 'Asia/Tokyo', '[2022-11-20,2026-12-31)')) v (g, zone, span)
) q ORDER BY 1, 2;

-- The same customers as timestamps, and those of whole days as dates, give the same rows as timestamps with a zone (UTC)
CREATE FUNCTION rows_of(s retention_flow) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(concat(period_start, ' ', row_), E'\n' ORDER BY period_start) FROM shown(s) $$;
CREATE VIEW as_local AS SELECT seed, customer, presence, (SELECT range_agg(tsrange(lower(r) AT TIME ZONE 'UTC', upper(r) AT TIME ZONE 'UTC'))
  FROM unnest(presence) r) AS local, (SELECT range_agg(daterange((lower(r) AT TIME ZONE 'UTC')::date, (upper(r) AT TIME ZONE 'UTC')::date))
  FROM unnest(presence) r) AS days FROM random_customer;
SELECT seed, rows_of(customer_flow(presence, g, tstzrange('2023-12-01', '2026-12-01')))
    = rows_of(customer_flow(local, g, tsrange('2023-12-01', '2026-12-01'))) AS local_same,
  rows_of(customer_flow(presence, g, tstzrange('2023-12-01', '2026-12-01')))
    = rows_of(customer_flow(days, g, daterange('2023-12-01', '2026-12-01'))) AS days_same_in_2
FROM as_local, retention_grid('month', as_of => '2027-01-01') g GROUP BY seed ORDER BY seed;

-- What the columns of every row of every flow must add up to
SELECT count(*) AS periods, count(*) FILTER (WHERE at_start + gained + reactivated - lost <> at_end) AS balance,
  count(*) FILTER (WHERE kept <> at_end - gained - reactivated) AS kept, count(*) FILTER (WHERE joined <> gained + joined_and_left) AS joined,
  count(*) FILTER (WHERE departures <> lost + joined_and_left + reactivated_and_left + left_and_returned) AS departures,
  count(*) FILTER (WHERE at_start <> before) AS closing_opens_next
FROM (SELECT *, lag(at_end, 1, at_start) OVER (PARTITION BY seed, g::text ORDER BY period_start) AS before
      FROM (SELECT seed, g, customer_flow(presence, g, tstzrange('2023-12-01', '2026-12-01')) s FROM random_customer,
              unnest('{day,week,month,quarter}'::retention_grid[]) g GROUP BY seed, g::text, g) q, flow_periods_at(s)) r;

-- A period is the same alone and in a grid, and two columns are the same as a range
SELECT count(*) AS periods, count(*) FILTER (WHERE one.row_ IS DISTINCT FROM f.row_) AS differ
FROM (SELECT customer_flow(presence, retention_grid('month', as_of => '2027-01-01'), tstzrange('2023-12-01', '2026-12-01')) s
      FROM random_customer WHERE seed = 1) q, shown(s) f,
  LATERAL (SELECT customer_flow(presence, tstzrange(f.period_start, f.period_start + interval '1 month')) s FROM random_customer WHERE seed = 1) o,
  LATERAL shown(o.s) one WHERE f.period_start < '2026-07-01';
SELECT customer_flow(lower(r), upper(r), 'month', tstzrange('2023-12-01', '2026-12-01'))::text
  = customer_flow(r, 'month', tstzrange('2023-12-01', '2026-12-01'))::text AS same
FROM random_customer, unnest(presence) r WHERE NOT lower_inf(r);

-- What comes later changes nothing: every history is cut off at the end of each month
SELECT count(*) AS months, count(*) FILTER (WHERE cut.row_ IS DISTINCT FROM f.row_) AS differ
FROM (SELECT customer_flow(presence, retention_grid('month', as_of => '2027-01-01'), tstzrange('2023-12-01', '2026-12-01')) s
      FROM random_customer WHERE seed = 3) q, shown(s) f,
  LATERAL (SELECT customer_flow(presence, retention_grid('month', as_of => (f.period_start + interval '1 month') AT TIME ZONE 'UTC'),
    tstzrange('2023-12-01', '2026-12-01')) s FROM random_customer WHERE seed = 3) o, LATERAL shown(o.s) cut
WHERE cut.period_start = f.period_start;

-- customer_days of a period that has begun end at as_of, those of one that is over do not change, against plain SQL
WITH f AS MATERIALIZED (
  SELECT known, g, f.status, f.customer_days, tstzrange(f.period_start, least(f.period_end, known)) AS span
  FROM generate_series(timestamptz '2024-02-20 13:00', '2026-05-01', '3 months') known, unnest('{week,month,year}'::text[]) g,
    LATERAL (SELECT customer_flow(presence, retention_grid(g, as_of => known AT TIME ZONE 'UTC'), tstzrange('2024-01-01', '2027-01-01')) s FROM asked_customer WHERE seed = 1) q, flow_periods_at(s) f)
SELECT status, count(*) AS periods, count(*) FILTER (WHERE round(customer_days, 9) IS DISTINCT FROM days) AS differ
FROM (SELECT status, customer_days, round(sum(extract(epoch FROM upper(r * span) - lower(r * span))) / 86400, 9) AS days
      FROM f, asked_customer c, unnest(presence) r WHERE seed = 1 GROUP BY known, g, span, status, customer_days) q GROUP BY status;
SELECT period_start, status, customer_days FROM (SELECT customer_flow(date '2025-01-10', NULL, retention_grid('month', as_of => '2026-03-16'), '[2026-02-01,2026-06-01)') s) q, flow_periods(s);

SET client_min_messages = warning;
DROP TABLE subscription, edge, random_customer CASCADE;
DROP FUNCTION oracle, expected, shown, differences, rows_of;
