-- report: runs that are kept, and what changed between two of them. The runs of a source are in a table that belongs to
-- whoever makes them, beside the source or in a schema of their own: PostgreSQL's privileges say who sees and changes
-- it.

CREATE FUNCTION retention_internal.report_run_create(source regclass, called text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('CREATE TABLE %s (run bigint PRIMARY KEY, as_of timestamp, periods integer NOT NULL, '
    'started timestamptz NOT NULL DEFAULT clock_timestamp(), finished timestamptz, '
    'state text NOT NULL DEFAULT ''running'' CHECK (state IN (''running'', ''done'', ''failed'')), '
    'pid integer DEFAULT pg_backend_pid(), error text, report jsonb, html text)', called);
  EXECUTE format('COMMENT ON TABLE %s IS %L', called, format('the reports of %s: one row for each run', source));
EXCEPTION
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = SQLERRM,
      DETAIL = format('The runs of %s are kept in the table %s.', source, called),
      HINT = 'Name a schema of your own: schema => ''name''.';
  WHEN duplicate_table OR unique_violation THEN
    -- Another session has just created it.
    NULL;
END
$$;
COMMENT ON FUNCTION retention_internal.report_run_create(regclass, text) IS
'creates the table with the runs of a source, by its name with its schema';

CREATE FUNCTION retention_internal.report_run_table(source regclass, schema name, write boolean) RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  called text;
  runs regclass;
  owner name;
  source_owner name;
BEGIN
  SELECT format('%I.%I', coalesce(schema, n.nspname), c.relname || '_report_run'), pg_get_userbyid(c.relowner)
    INTO called, source_owner
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = source;
  runs := to_regclass(called);
  IF runs IS NULL AND write THEN
    PERFORM retention_internal.report_run_create(source, called);
    runs := to_regclass(called);
  END IF;
  IF runs IS NULL THEN
    RETURN NULL;
  END IF;
  -- Nothing else of that name is read or written: no view, whose SQL would run, and no table that merely happens to be
  -- there.
  SELECT pg_get_userbyid(c.relowner) INTO owner
    FROM pg_class AS c
    WHERE c.oid = runs AND c.relkind = 'r' AND (
      SELECT array_agg(format('%s %s', a.attname, a.atttypid::regtype) ORDER BY a.attnum) FROM pg_attribute AS a
      WHERE a.attrelid = runs AND a.attnum > 0 AND NOT a.attisdropped)
    = ARRAY['run bigint', 'as_of timestamp without time zone', 'periods integer', 'started timestamp with time zone',
      'finished timestamp with time zone', 'state text', 'pid integer', 'error text', 'report jsonb', 'html text'];
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'wrong_object_type', MESSAGE = format('%s is not a table of runs', runs),
      HINT = 'Rename it, or name another schema: schema => ''name''.';
  END IF;
  -- In the schema of the source the table belongs to the caller or to the source's owner: nobody else slips in runs.
  IF owner <> current_user AND (write OR (schema IS NULL AND owner <> source_owner)) THEN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
      MESSAGE = format('%s belongs to role "%s"', runs, owner),
      HINT = format('Name a schema of your own: schema => ''name'', or SET ROLE %I.', owner);
  END IF;
  PERFORM retention_internal.source_check_trust(runs);
  RETURN runs;
END
$$;
COMMENT ON FUNCTION retention_internal.report_run_table(regclass, name, boolean) IS
'the table with the runs of a source in a schema (NULL: its own); for writing it is created if it is missing, and has '
'to be the caller''s';

-- The lock of a run: part 2 of its table.
CREATE FUNCTION retention_internal.report_run_is_alive(runs regclass, pid integer) RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (
    SELECT FROM pg_locks AS l
    WHERE l.locktype = 'object' AND l.granted AND l.pid = $2 AND l.classid = 'pg_class'::regclass AND l.objid = $1
      AND l.objsubid = 2
      AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
$$;
COMMENT ON FUNCTION retention_internal.report_run_is_alive(regclass, integer) IS
'whether the process of a run still holds its lock';

CREATE FUNCTION retention_internal.report_run_begin(source regclass, as_of timestamp, periods integer, schema name,
  bridge boolean, OUT runs regclass, OUT run bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  other record;
BEGIN
  PERFORM retention_internal.source_find(source);
  runs := retention_internal.report_run_table(source, schema, true);
  IF NOT retention_internal.source_lock(runs, 2, false, bridge) THEN
    EXECUTE format('SELECT r.run, r.pid FROM ONLY %s AS r WHERE r.state = ''running'' ORDER BY r.run DESC LIMIT 1',
      runs) INTO other;
    RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
      MESSAGE = format('a report of %s is already being made', source),
      DETAIL = CASE WHEN other.run IS NULL THEN 'Another session makes it.'
        ELSE format('It is run %s, in process %s.', other.run, other.pid) END,
      HINT = 'Wait for NOTIFY retention_report, or end it with pg_cancel_backend().';
  END IF;
  -- The lock is ours, so a run that still says it is running has lost its process.
  EXECUTE format('UPDATE ONLY %s AS r SET state = ''failed'', finished = clock_timestamp(), error = $1 '
      'WHERE r.state = ''running''', runs)
    USING '57P01: the run did not end: its session or the server went away'::text;
  EXECUTE format('INSERT INTO %s AS n (run, as_of, periods) SELECT coalesce(max(r.run), 0) + 1, $1, $2 '
      'FROM ONLY %1$s AS r RETURNING n.run', runs)
    INTO run USING as_of, periods;
END
$$;
COMMENT ON FUNCTION retention_internal.report_run_begin(regclass, timestamp, integer, name, boolean) IS
'takes the lock of the runs of a source, marks runs of lost sessions as failed, and begins a new run; bridge: the '
'lock is kept over a COMMIT';

CREATE FUNCTION retention_internal.report_run_work(source regclass, as_of timestamp, periods integer, runs regclass,
  run bigint, bridge boolean) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  report jsonb;
  html text;
  keep integer;
  state text;
  message text;
  detail text;
  hint text;
  error text;
BEGIN
  BEGIN
    report := @extschema@.retention_report(source, as_of, periods);
    html := @extschema@.retention_report_page(report, NULL::text, NULL::text);
  EXCEPTION
    WHEN query_canceled OR OTHERS THEN
      -- A statement that is cancelled leaves nothing behind, not even its row; a job keeps the failure.
      IF SQLSTATE = '57014' AND NOT bridge THEN
        RAISE;
      END IF;
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
      report := NULL;
      html := NULL;
      error := concat_ws(E'\n', concat(state, ': ', message), 'DETAIL:  ' || nullif(detail, ''),
        'HINT:  ' || nullif(hint, ''));
  END;
  EXECUTE format('UPDATE ONLY %s AS r SET as_of = coalesce($1, r.as_of), finished = clock_timestamp(), state = $2, '
      'error = $3, report = $4, html = $5 WHERE r.run = $6', runs)
    USING (report ->> 'as_of')::timestamp, CASE WHEN error IS NULL THEN 'done' ELSE 'failed' END, error, report, html,
      run;
  -- Reports and failures are pruned separately, so that many failures do not push out the last good reports.
  SELECT s.keep_runs INTO keep FROM retention_internal.source_setting AS s WHERE s.source = $1;
  EXECUTE format('DELETE FROM ONLY %s AS n USING (SELECT o.run, row_number() OVER (PARTITION BY o.state '
      'ORDER BY o.run DESC) AS place FROM ONLY %1$s AS o WHERE o.state <> ''running'') AS surplus '
      'WHERE surplus.place > $1 AND n.run = surplus.run', runs)
    USING keep;
  PERFORM pg_notify('retention_report', format('%s %s', runs, run));
  IF bridge THEN
    PERFORM retention_internal.source_unlock(runs, 2);
  END IF;
  RETURN error;
END
$$;
COMMENT ON FUNCTION retention_internal.report_run_work(regclass, timestamp, integer, regclass, bigint, boolean) IS
'makes the report of a run and keeps it; keeps and returns the error if that fails';

CREATE FUNCTION retention_run_report(source regclass, as_of timestamp DEFAULT NULL, periods integer DEFAULT 12,
  schema name DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  new record;
  error text;
BEGIN
  SELECT b.* INTO new FROM retention_internal.report_run_begin(source, as_of, periods, schema, false) AS b;
  error := retention_internal.report_run_work(source, as_of, periods, new.runs, new.run, false);
  IF error IS NOT NULL THEN
    RAISE WARNING USING ERRCODE = left(error, 5),
      MESSAGE = format('the report of %s failed: %s', source, substr(split_part(error, E'\n', 1), 8)),
      DETAIL = format('See the column error of run %s in %s.', new.run, new.runs);
  END IF;
  RETURN new.run;
END
$$;
COMMENT ON FUNCTION retention_run_report(regclass, timestamp, integer, name) IS
'makes a report, keeps it in the table <source>_report_run of a schema, by default that of the source, and returns the '
'number of the run. A failure is kept, too, with a warning';

-- A procedure that ends transactions cannot have a SET clause, so every name here has its schema.
CREATE PROCEDURE retention_run_job(source regclass, as_of timestamp DEFAULT NULL, periods integer DEFAULT 12,
  schema name DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
  new record;
  error pg_catalog.text;
BEGIN
  -- Inside a transaction of the caller this fails, before anything is locked.
  COMMIT;
  SELECT b.* INTO new FROM retention_internal.report_run_begin(source, as_of, periods, schema, true) AS b;
  COMMIT;
  error := retention_internal.report_run_work(source, as_of, periods, new.runs, new.run, true);
  COMMIT;
  IF error IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = pg_catalog.left(error, 5),
      MESSAGE = pg_catalog.format('the report of %s failed: %s', source,
        pg_catalog.substr(pg_catalog.split_part(error, E'\n', 1), 8)),
      DETAIL = pg_catalog.format('See the column error of run %s in %s.', new.run, new.runs);
  END IF;
END
$$;
COMMENT ON PROCEDURE retention_run_job(regclass, timestamp, integer, name) IS
'as retention_run_report(), in transactions of its own: other sessions see the run while it goes on, and a failure is '
'kept and raised. Schedules call it';

CREATE FUNCTION retention_report_runs(source regclass, schema name DEFAULT NULL)
RETURNS TABLE (
  run bigint,
  as_of timestamp,
  periods integer,
  started timestamptz,
  took interval,
  state text,
  error text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  runs constant regclass := retention_internal.report_run_table(source, schema, false);
BEGIN
  IF runs IS NOT NULL THEN
    RETURN QUERY EXECUTE format('SELECT r.run, r.as_of, r.periods, r.started, r.finished - r.started, '
      'CASE WHEN r.state = ''running'' AND NOT retention_internal.report_run_is_alive($1, r.pid) THEN ''lost'' '
      'ELSE r.state END, r.error FROM ONLY %s AS r ORDER BY r.run DESC', runs) USING runs;
  END IF;
END
$$;
COMMENT ON FUNCTION retention_report_runs(regclass, name) IS
'the runs of a source, the newest first; the state of a run whose session or server went away is lost';

-- What changed between two reports.

CREATE FUNCTION retention_internal.report_figures(report jsonb)
RETURNS TABLE (place bigint, what text, segment text, value text, unit text, period_start timestamp, number numeric,
  hits numeric, total numeric)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT h.place, h.figure ->> 'name', NULL, NULL, h.figure ->> 'unit', (h.figure ->> 'period_start')::timestamp,
    (h.figure ->> 'value')::numeric, (h.figure ->> 'hits')::numeric, (h.figure ->> 'of')::numeric
  FROM jsonb_array_elements($1 -> 'headline') WITH ORDINALITY AS h (figure, place)
  UNION ALL
  SELECT 100 + g.place, 'retention_rate', g.part ->> 'segment', coalesce(g.part ->> 'value', 'unknown'), 'percent',
    ($1 -> 'headline' -> 0 ->> 'period_start')::timestamp, (g.part ->> 'retention_rate')::numeric,
    (g.part ->> 'kept')::numeric, (g.part ->> 'at_start')::numeric
  FROM jsonb_array_elements($1 -> 'segments') WITH ORDINALITY AS g (part, place)
$$;
COMMENT ON FUNCTION retention_internal.report_figures(jsonb) IS
'the figures by which two reports are compared: those of the headline, and the retention of the segments';

CREATE FUNCTION retention_internal.report_changed(now jsonb, before jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(k.key, ', ' ORDER BY k.place)
  FROM unnest(ARRAY['kind', 'grid', 'definition', 'gone_after', 'presence']) WITH ORDINALITY AS k (key, place)
  WHERE $1 -> 'source' -> k.key IS DISTINCT FROM $2 -> 'source' -> k.key
$$;
COMMENT ON FUNCTION retention_internal.report_changed(jsonb, jsonb) IS
'why two reports cannot be compared: the settings of their source that differ; NULL: none does';

CREATE FUNCTION retention_internal.report_pairs(now jsonb, before jsonb)
RETURNS TABLE (place bigint, what text, segment text, value text, unit text, before_start timestamp,
  now_start timestamp, before_number numeric, now_number numeric, low numeric, high numeric, p_value double precision,
  is_gone boolean, is_new boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(n.place, 10000 + o.place), coalesce(n.what, o.what), coalesce(n.segment, o.segment),
    coalesce(n.value, o.value), coalesce(n.unit, o.unit), o.period_start, n.period_start, o.number, n.number,
    d.low, d.high, d.p_value, n.place IS NULL, o.place IS NULL
  FROM retention_internal.report_figures($1) AS n
    FULL JOIN retention_internal.report_figures($2) AS o ON n.what = o.what
      AND coalesce(n.segment, '') = coalesce(o.segment, '') AND coalesce(n.value, '') = coalesce(o.value, '')
    LEFT JOIN LATERAL (
      SELECT t.*
      FROM @extschema@.rate_difference(n.hits, n.total, o.hits, o.total, 0.95::double precision) AS t
      WHERE retention_internal.report_changed($1, $2) IS NULL AND o.period_start <> n.period_start
    ) AS d ON true
$$;
COMMENT ON FUNCTION retention_internal.report_pairs(jsonb, jsonb) IS
'the figures of two reports side by side, with the test of no difference where they are rates of two periods';

CREATE FUNCTION retention_report_changes(source regclass, run bigint DEFAULT NULL, against bigint DEFAULT NULL,
  schema name DEFAULT NULL)
RETURNS TABLE (
  what text,
  segment text,
  value text,
  unit text,
  before_start timestamp,
  now_start timestamp,
  before numeric,
  now numeric,
  difference numeric,
  low numeric,
  high numeric,
  p_value double precision,
  p_adjusted double precision,
  verdict text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  runs constant regclass := retention_internal.report_run_table(source, schema, false);
  done constant text := format('SELECT r.run, r.report FROM ONLY %s AS r WHERE r.state = ''done'' '
    'AND CASE WHEN $1 IS NULL THEN r.run < $2 ELSE r.run = $1 END ORDER BY r.run DESC LIMIT 1', runs);
  now_run bigint;
  before_run bigint;
  now_report jsonb;
  before_report jsonb;
  changed text;
BEGIN
  IF runs IS NOT NULL THEN
    EXECUTE done INTO now_run, now_report USING $2, 9223372036854775807;
    EXECUTE done INTO before_run, before_report USING $3, now_run;
  END IF;
  IF now_run IS NULL OR before_run IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = CASE
        WHEN $2 IS NOT NULL AND now_run IS NULL THEN format('run %s is not a report of %s', $2, source)
        WHEN $3 IS NOT NULL AND before_run IS NULL THEN format('run %s is not a report of %s', $3, source)
        ELSE format('there are no two reports of %s to compare', source) END,
      HINT = 'retention_report_runs() lists the runs; retention_run_report() makes one.';
  END IF;
  changed := retention_internal.report_changed(now_report, before_report);

  RETURN QUERY
  WITH numbered AS (
    SELECT p.*, row_number() OVER (PARTITION BY p.segment IS NULL ORDER BY p.place) AS number
    FROM retention_internal.report_pairs(now_report, before_report) AS p
  ), adjusted AS (
    -- The headline is one family of tests, the segments are another: many small segments must not hide the whole. Churn
    -- is 100 less retention: the same test, counted once.
    SELECT t.segment IS NULL AS is_headline, retention_internal.report_adjusted(
        array_agg(CASE WHEN t.what <> 'churn_rate' THEN t.p_value END ORDER BY t.number)) AS p,
      min(t.number) FILTER (WHERE t.what = 'retention_rate') AS retention
    FROM numbered AS t
    GROUP BY 1
  )
  SELECT t.what, t.segment, t.value, t.unit, t.before_start, t.now_start, t.before_number, t.now_number,
    t.now_number - t.before_number, t.low, t.high, t.p_value, q.adjusted,
    CASE
      WHEN changed IS NOT NULL THEN 'not comparable: other ' || changed
      WHEN t.is_gone THEN 'not in this report'
      WHEN t.is_new THEN 'not in the report before'
      WHEN t.before_start = t.now_start THEN CASE WHEN t.now_number = t.before_number THEN 'the same period'
        ELSE 'the same period: rows were added or corrected' END
      WHEN q.adjusted < 0.05 THEN 'significant'
      WHEN q.adjusted IS NOT NULL THEN 'may be chance'
      ELSE 'not tested' END
  FROM numbered AS t JOIN adjusted AS j ON j.is_headline = (t.segment IS NULL),
    LATERAL (SELECT j.p[CASE WHEN t.what = 'churn_rate' THEN j.retention ELSE t.number END] AS adjusted) AS q
  ORDER BY t.place;
END
$$;
COMMENT ON FUNCTION retention_report_changes(regclass, bigint, bigint, name) IS
'what changed between the last two reports of a source, or between two runs, and whether the change is statistically '
'significant; p-values are adjusted for how many there are';
