-- Random rows, and the comparison of what the extension says with the oracle. Needs cohort.sql of this folder.

-- Rows of 24 customers per unit, over some 12 to 15 periods; spring and autumn clock changes, the ends of months, ties,
-- repeats, customers with one row, with anchors and no rows, without a start, and NULLs everywhere.
CREATE TABLE oracle_events (
  unit text, customer bigint, anchor timestamptz, at timestamptz, is_start boolean, is_return boolean
);
CREATE FUNCTION oracle_fill(which text, since timestamptz, length interval, seed text, customers integer) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO oracle_events
  SELECT which,
         CASE WHEN oracle_random(seed || 'n', row, 40) > 0 THEN c END,
         CASE WHEN oracle_random(seed || 'a', row, 15) > 0
              THEN since + length * (oracle_random(seed || 'A', c * 7 + oracle_random(seed || 'd', row, 12) / 11, 2400) / 4000.0) END,
         CASE WHEN oracle_random(seed || 't', row, 20) > 0 AND oracle_random(seed || 'N', c, 12) > 0
              THEN CASE oracle_random(seed || 'r', row, 4)
                WHEN 0 THEN date_trunc('hour', since + length * (oracle_random(seed, row, 4000) / 4000.0))
                WHEN 1 THEN since + length * (oracle_random(seed, row, 40) / 40.0)
                ELSE since + length * (oracle_random(seed, row, 4000000) / 4000000.0) END END,
         CASE oracle_random(seed || 's', row, 10) WHEN 0 THEN NULL WHEN 1 THEN true WHEN 2 THEN true WHEN 3 THEN true ELSE false END
           AND oracle_random(seed || 'S', c, 9) > 0,
         CASE oracle_random(seed || 'R', row, 10) WHEN 0 THEN NULL WHEN 1 THEN false WHEN 2 THEN false ELSE true END
  FROM (SELECT c, c * 1000 + g / 2 * 2 + CASE WHEN oracle_random(seed || 'x', c * 100 + g, 5) = 0 THEN 0 ELSE g % 2 END AS row
        FROM generate_series(1, customers) c, generate_series(1, 1 + oracle_random(seed || 'c', c, 12)) g) x
$$;
SELECT oracle_fill('hour', '2026-03-28 18:00+00', '14 hours', 'h', 24),
       oracle_fill('day', '2026-03-20 00:00+00', '14 days', 'd', 24),
       oracle_fill('week', '2026-02-01 00:00+00', '90 days', 'w', 24),
       oracle_fill('month', '2024-01-25 00:00+00', '400 days', 'm', 24),
       oracle_fill('quarter', '2025-01-31 00:00+00', '1000 days', 'q', 24),
       oracle_fill('year', '2019-02-20 00:00+00', '3600 days', 'y', 24);
-- Starts on the last days of months, and returns on their anniversaries and a moment before.
INSERT INTO oracle_events
SELECT 'month', 900 + d, s, s + make_interval(months => m) - CASE WHEN d % 2 = 0 THEN interval '1 microsecond' ELSE '0' END, m = 0, true
FROM generate_series(28, 31) d, LATERAL (SELECT make_timestamptz(2024, 1, d, 10, 30, 0, 'Europe/Berlin') AS s) x, generate_series(0, 6) m;

-- One grid: fills the oracle's input and options; returns the grid as text.
CREATE FUNCTION oracle_set(form text, kind text, anchor_kind text, unit text, n integer, week_start integer, windows text,
                           cohorts text, firsts integer[], lasts integer[], min_events integer, as_of timestamp) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE zone text := 'Europe/Berlin';
BEGIN
  TRUNCATE oracle_input, oracle_options;
  INSERT INTO oracle_options VALUES (kind, unit, n, week_start, zone, windows, cohorts, firsts, lasts, min_events, as_of);
  INSERT INTO oracle_input
  SELECT customer, form = 'anchor', al, al AT TIME ZONE zone, l, CASE WHEN kind = 'instant' THEN at ELSE l AT TIME ZONE zone END,
         CASE form WHEN 'plain' THEN true ELSE is_start END, CASE form WHEN 'plain' THEN true ELSE is_return END
  FROM (SELECT e.*, CASE kind WHEN 'date' THEN date_trunc('day', at AT TIME ZONE zone) ELSE at AT TIME ZONE zone END AS l,
               CASE WHEN 'date' IN (kind, anchor_kind) THEN date_trunc('day', anchor AT TIME ZONE zone) ELSE anchor AT TIME ZONE zone END AS al
        FROM oracle_events e WHERE e.unit = oracle_set.unit) x;
  -- An instant that the clock shows twice keeps its own identity.
  IF kind = 'instant' AND form = 'anchor' AND anchor_kind = 'instant' THEN
    TRUNCATE oracle_input;
    INSERT INTO oracle_input SELECT customer, true, anchor AT TIME ZONE zone, anchor, at AT TIME ZONE zone, at, is_start, is_return
    FROM oracle_events e WHERE e.unit = oracle_set.unit;
  END IF;
  PERFORM oracle_build();
  RETURN retention_grid(n || ' ' || unit, week_start => CASE week_start WHEN 0 THEN 'sunday' ELSE 'monday' END, time_zone => zone,
    windows => windows, cohorts => cohorts, min_events => min_events, as_of => as_of,
    brackets => (SELECT string_agg(CASE WHEN f = l THEN f::text ELSE f || '-' || l END, ',' ORDER BY f)
                 FROM unnest(firsts, lasts) b (f, l)));
END $$;

-- The same rows through the extension. way: 'rows', 'named rows', 'facts', 'rollup' of disjoint customers.
CREATE FUNCTION oracle_ask(way text, form text, kind text, anchor_kind text, which text, grid text, key text) RETURNS retention_cohorts
LANGUAGE plpgsql AS $$
DECLARE
  at text := CASE kind WHEN 'date' THEN '(at AT TIME ZONE ''Europe/Berlin'')::date' WHEN 'local' THEN 'at AT TIME ZONE ''Europe/Berlin''' ELSE 'at' END;
  anchor text := CASE anchor_kind WHEN 'date' THEN '(anchor AT TIME ZONE ''Europe/Berlin'')::date' WHEN 'local' THEN 'anchor AT TIME ZONE ''Europe/Berlin''' ELSE 'anchor' END;
  customer text := CASE key WHEN 'bigint' THEN 'customer' WHEN 'text' THEN '(''customer '' || customer)' ELSE 'md5(customer::text)::uuid' END;
  arguments text := CASE form WHEN 'plain' THEN format('%s, %L', at, grid) WHEN 'flags' THEN format('%s, %L, is_start, is_return', at, grid)
                              ELSE format('%s, %s, %L', anchor, at, grid) END;
  answer retention_cohorts;
BEGIN
  EXECUTE CASE way
    WHEN 'rows' THEN format('SELECT cohort_retention(%s, %s) FROM oracle_events WHERE unit = %L', customer, arguments, which)
    WHEN 'named rows' THEN format('SELECT cohort_retention(%s, %s) FROM oracle_events WHERE unit = %L AND customer IS NOT NULL', customer, arguments, which)
    WHEN 'facts' THEN format('SELECT cohort_retention(f) FROM (SELECT activity(%s) AS f FROM oracle_events WHERE unit = %L AND customer IS NOT NULL GROUP BY customer) x', arguments, which)
    ELSE format('SELECT rollup(s) FROM (SELECT cohort_retention(%s, %s) AS s FROM oracle_events WHERE unit = %L GROUP BY customer %% 3) x', customer, arguments, which)
  END INTO answer;
  RETURN answer;
END $$;

-- Rows in which two answers differ.
CREATE FUNCTION oracle_differences(s retention_cohorts, hours boolean) RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql AS $$
DECLARE zone text := 'Europe/Berlin';
BEGIN
  RETURN QUERY
  WITH mine AS (
    SELECT criterion, (to_jsonb(c) - '{retention_rate,ci_low,ci_high}'::text[]) AS counts, cohort::timestamp AS cohort, period, retention_rate, ci_low, ci_high
    FROM unnest('{on,on_or_after,on_or_before,streak}'::text[]) criterion,
         LATERAL (SELECT cohort::timestamp AS cohort, cohort_size, period, period_start::timestamp, period_end::timestamp, at_risk, retained, status, retention_rate, ci_low, ci_high
                  FROM cohort_cells(CASE WHEN NOT hours THEN s END, criterion)
                  UNION ALL
                  SELECT cohort AT TIME ZONE zone, cohort_size, period, period_start AT TIME ZONE zone, period_end AT TIME ZONE zone, at_risk, retained, status, retention_rate, ci_low, ci_high
                  FROM cohort_cells_at(CASE WHEN hours THEN s END, criterion)) c
  ), theirs AS (
    SELECT criterion, to_jsonb(c) - '{retention_rate,ci_low,ci_high,criterion}'::text[] AS counts, cohort, period, retention_rate, ci_low, ci_high
    FROM oracle_cell_answers c
  )
  SELECT 'cells', count(*) FROM mine FULL JOIN theirs USING (criterion, cohort, period)
  WHERE mine.counts IS DISTINCT FROM theirs.counts
     OR round(mine.retention_rate, 10) IS DISTINCT FROM round(theirs.retention_rate, 10)
     OR abs(coalesce(mine.ci_low, -1) - coalesce(theirs.ci_low, -1)) > 0.000001
     OR abs(coalesce(mine.ci_high, -1) - coalesce(theirs.ci_high, -1)) > 0.000001;

  RETURN QUERY
  WITH mine AS (
    SELECT criterion, mean, c.* FROM unnest('{on,on_or_after,on_or_before,streak}'::text[]) criterion, unnest('{pooled,simple}'::text[]) mean,
         retention_curve(s, criterion, mean) c
  )
  SELECT 'curves', count(*) FROM mine FULL JOIN oracle_curves theirs USING (criterion, mean, period)
  WHERE (mine.cohorts, mine.at_risk, mine.retained) IS DISTINCT FROM (theirs.cohorts, theirs.at_risk, theirs.retained)
     OR round(mine.retention_rate, 8) IS DISTINCT FROM round(theirs.retention_rate, 8)
     OR abs(coalesce(mine.ci_low, -1) - coalesce(theirs.ci_low, -1)) > 0.000005
     OR abs(coalesce(mine.ci_high, -1) - coalesce(theirs.ci_high, -1)) > 0.000005;

  RETURN QUERY
  SELECT 'chained', count(*) FROM (SELECT * FROM retention_curve(s, 'on_or_before', 'chained') WHERE period > 0) mine
  FULL JOIN oracle_chained theirs USING (period)
  WHERE (mine.at_risk, mine.retained) IS DISTINCT FROM (theirs.at_risk::bigint, theirs.retained::bigint)
     OR round(mine.retention_rate, 8) IS DISTINCT FROM round(theirs.retention_rate, 8);

  RETURN QUERY
  SELECT 'lifecycle', count(*)
  FROM (SELECT period_start::timestamp, active, new, retained, resurrected, dormant, status FROM lifecycle(CASE WHEN NOT hours THEN s END)
        UNION ALL
        SELECT period_start AT TIME ZONE zone, active, new, retained, resurrected, dormant, status FROM lifecycle_at(CASE WHEN hours THEN s END)) mine
  FULL JOIN oracle_lifecycle theirs USING (period_start)
  WHERE (mine.active, mine.new, mine.retained, mine.resurrected, mine.dormant, mine.status)
        IS DISTINCT FROM (theirs.active, theirs.new, theirs.retained, theirs.resurrected, theirs.dormant, theirs.status);

  RETURN QUERY
  SELECT 'stickiness', count(*) FROM stickiness(s) mine FULL JOIN oracle_stickiness theirs USING (active_periods)
  WHERE mine.customers IS DISTINCT FROM theirs.customers OR round(mine.share, 8) IS DISTINCT FROM round(theirs.share, 8);

  RETURN QUERY
  SELECT 'totals', count(*) FROM cohort_totals(s) mine, oracle_time theirs
  WHERE (mine.customers, mine.rows_seen, mine.rows_ignored) IS DISTINCT FROM (theirs.customers, theirs.rows_seen, theirs.rows_ignored);
END $$;

-- All combinations of options; the unit goes around. Every way must give the same bits, and the oracle the same numbers.
CREATE FUNCTION oracle_run(part integer, parts integer) RETURNS TABLE (grids bigint, differing bigint, ways_differing bigint, cells bigint)
LANGUAGE plpgsql AS $$
DECLARE
  c record;
  i integer := 0;
  unit integer;
  units text[] := '{hour,day,week,month,quarter,year,day,month,week,month}';
  counts integer[] := '{1,1,1,1,1,1,3,2,2,1}';
  chosen text; n integer; grid text; s retention_cohorts; d record; other retention_cohorts; key text; asof timestamp;
BEGIN
  grids := 0; differing := 0; ways_differing := 0; cells := 0;
  FOR c IN SELECT form, kind, windows, cohorts, bracketed, min_events, known,
                  (array['date', 'local', 'instant'])[1 + (row_number() OVER ())::integer % 3] AS anchor_kind
           FROM unnest('{plain,flags,anchor}'::text[]) form, unnest('{date,local,instant}'::text[]) kind, unnest('{calendar,elapsed}'::text[]) windows,
                unnest('{first,recurring}'::text[]) cohorts, unnest('{f,t}'::boolean[]) bracketed, unnest('{1,2}'::integer[]) min_events,
                unnest('{f,t}'::boolean[]) known
  LOOP
    i := i + 1;
    CONTINUE WHEN oracle_random('part', i, parts) <> part;
    unit := 1 + oracle_random('unit', i, 10);
    chosen := units[unit]; n := counts[unit];
    IF chosen = 'hour' AND 'date' IN (c.kind, CASE WHEN c.form = 'anchor' THEN c.anchor_kind ELSE c.kind END) THEN chosen := 'day'; END IF;
    SELECT CASE WHEN c.known THEN min(at) AT TIME ZONE 'Europe/Berlin' + (max(at) - min(at)) * 0.77 END INTO asof FROM oracle_events e WHERE e.unit = chosen;
    IF c.known AND i % 2 = 0 THEN asof := date_trunc('day', asof); END IF;
    key := (array['bigint', 'uuid', 'text'])[1 + i % 3];
    grid := oracle_set(c.form, c.kind, c.anchor_kind, chosen, n, i % 2, c.windows, c.cohorts,
                       CASE WHEN c.bracketed THEN '{1,2,5,8}'::integer[] END, CASE WHEN c.bracketed THEN '{1,3,6,9}'::integer[] END,
                       c.min_events, asof);
    s := oracle_ask('rows', c.form, c.kind, c.anchor_kind, chosen, grid, key);
    grids := grids + 1;
    cells := cells + (SELECT count(*) FROM oracle_cells);
    FOR d IN SELECT * FROM oracle_differences(s, chosen = 'hour') WHERE rows > 0 LOOP
      differing := differing + d.rows;
      RAISE NOTICE '% % % of % (%): % rows of % differ', c.form, c.kind, c.anchor_kind, grid, chosen, d.rows, d.what;
    END LOOP;
    -- The other ways; facts have no rows without a customer, and a rollup needs the same time for all.
    other := oracle_ask('rows', c.form, c.kind, c.anchor_kind, chosen, grid, 'bigint');
    IF other::text IS DISTINCT FROM s::text THEN
      ways_differing := ways_differing + 1;
      RAISE NOTICE '% % % of %: customers as % and as bigint differ', c.form, c.kind, c.anchor_kind, grid, key;
    END IF;
    IF c.known THEN
      other := oracle_ask('rollup', c.form, c.kind, c.anchor_kind, chosen, grid, key);
      IF other::text IS DISTINCT FROM s::text THEN
        ways_differing := ways_differing + 1;
        RAISE NOTICE '% % % of %: rollup differs', c.form, c.kind, c.anchor_kind, grid;
      END IF;
    END IF;
    -- Facts are by customer: rows without one do not get there.
    s := oracle_ask('named rows', c.form, c.kind, c.anchor_kind, chosen, grid, key);
    other := oracle_ask('facts', c.form, c.kind, c.anchor_kind, chosen, grid, 'bigint');
    IF other::text IS DISTINCT FROM s::text THEN
      ways_differing := ways_differing + 1;
      RAISE NOTICE '% % % of %: facts differ', c.form, c.kind, c.anchor_kind, grid;
    END IF;
  END LOOP;
  RETURN NEXT;
END $$;
