-- report: schedules, by pg_cron where it is installed. Nothing here depends on it.

CREATE FUNCTION retention_internal.report_cron_is_there() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'pg_cron') $$;
COMMENT ON FUNCTION retention_internal.report_cron_is_there() IS
'whether pg_cron is installed in this database';

CREATE FUNCTION retention_internal.report_job_name(source regclass) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Some versions keep a job's name in 63 bytes.
  SELECT 'retention report: ' || CASE WHEN octet_length($1::text) <= 40 THEN $1::text ELSE md5($1::text) END
$$;
COMMENT ON FUNCTION retention_internal.report_job_name(regclass) IS
'the name of the job that makes the reports of a source';

CREATE FUNCTION retention_internal.report_job_command(source regclass, schema name) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
  -- One line, whatever the name holds: a crontab knows no other. Each argument has its type, so that no other procedure
  -- can be meant.
  SELECT format('CALL @extschema@.retention_run_job(%s::pg_catalog.regclass, NULL::pg_catalog.timestamp, 12, '
    '%s::pg_catalog.name)', l.words[1], coalesce(l.words[2], 'NULL'))
  FROM (
    SELECT array_agg(CASE WHEN w.word ~ '[\n\r]' THEN 'E''' || replace(replace(replace(replace(
          w.word, '\', '\\'), '''', ''''''), E'\n', '\n'), E'\r', '\r') || ''''
        ELSE quote_literal(w.word) END ORDER BY w.place) AS words
    FROM unnest(ARRAY[$1::text, $2::text]) WITH ORDINALITY AS w (word, place)
  ) AS l
$$;
COMMENT ON FUNCTION retention_internal.report_job_command(regclass, name) IS
'the statement that makes a report of a source';

CREATE FUNCTION retention_internal.report_crontab_line(command text, schedule text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
  -- For the shell in single quotes; to cron itself a per cent sign is the end of the line.
  SELECT format('%s psql -X -U %s -d %s -c %s', $2, a.words[1], a.words[2], a.words[3])
  FROM (
    SELECT array_agg('''' || replace(replace(w.word, '''', '''\'''''), '%', '\%') || '''' ORDER BY w.place) AS words
    FROM unnest(ARRAY[current_user::text, current_database()::text, $1]) WITH ORDINALITY AS w (word, place)
  ) AS a
$$;
COMMENT ON FUNCTION retention_internal.report_crontab_line(text, text) IS
'the line of the system''s crontab that does what a schedule does';

CREATE FUNCTION retention_schedule(source regclass, schedule text, schema name DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  command constant text := retention_internal.report_job_command(source, schema);
  hint constant text := 'A schedule has five fields: minute, hour, day of the month, month, day of the week; '
    '''0 6 1 * *'' is six o''clock on the first of every month.';
  job bigint;
  message text;
BEGIN
  PERFORM retention_internal.source_find(source);
  -- Five fields of a crontab, a word such as @monthly, or seconds where pg_cron knows them.
  IF schedule IS NULL OR schedule !~ '^[-0-9*/,a-zA-Z$]+( +[-0-9*/,a-zA-Z$]+){4}$|^@[a-z]+$|^[0-9]+ seconds?$' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('invalid schedule: "%s"', schedule),
      HINT = hint;
  END IF;
  IF NOT retention_internal.report_cron_is_there() THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('there is no pg_cron in database "%s"', current_database()),
      DETAIL = E'The same as a line of the system''s crontab:\n'
        || retention_internal.report_crontab_line(command, schedule),
      HINT = format('Install it (Debian: postgresql-%s-cron), set shared_preload_libraries = ''pg_cron'' and '
        'cron.database_name = ''%s'', restart the server, and CREATE EXTENSION pg_cron; or use the crontab line.',
        current_setting('server_version_num')::integer / 10000, current_database());
  END IF;
  IF NOT has_schema_privilege('cron', 'USAGE') THEN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
      MESSAGE = format('role "%s" may not use pg_cron', current_user),
      HINT = format('Ask for GRANT USAGE ON SCHEMA cron TO %I.', current_user);
  END IF;
  BEGIN
    EXECUTE format('SELECT cron.schedule(%L::text, %L::text, %L::text)',
      retention_internal.report_job_name(source), schedule, command) INTO job;
  EXCEPTION
    WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
      -- The code of this error differs between versions of pg_cron.
      IF message !~ '^invalid schedule' THEN
        RAISE;
      END IF;
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('invalid schedule: "%s"', schedule),
        DETAIL = format('pg_cron says: %s.', message),
        HINT = hint;
  END;
  RETURN job;
END
$$;
COMMENT ON FUNCTION retention_schedule(regclass, text, name) IS
'has pg_cron make a report of a source at the times of a crontab schedule, as the user who calls this function; a '
'second call changes the times';

CREATE FUNCTION retention_internal.report_schedules()
RETURNS TABLE (
  source text,
  schedule text,
  job bigint,
  owner text,
  active boolean,
  last_started timestamptz,
  last_ended timestamptz,
  last_status text,
  last_message text,
  command text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
BEGIN
  IF NOT retention_internal.report_cron_is_there() OR NOT has_schema_privilege('cron', 'USAGE') THEN
    RETURN;
  END IF;
  -- The source is read from the command, because a job's name may be a digest.
  RETURN QUERY EXECUTE format($query$
    SELECT CASE WHEN c.literal LIKE 'E''%%'
        THEN replace(replace(replace(replace(replace(substr(c.literal, 3, length(c.literal) - 3),
          '''''', ''''), '\\', chr(1)), '\n', chr(10)), '\r', chr(13)), chr(1), '\')
        ELSE replace(substr(c.literal, 2, length(c.literal) - 2), '''''', '''') END,
      j.schedule, j.jobid, j.username::text, j.active, d.start_time, d.end_time, d.status, d.return_message, j.command
    FROM cron.job AS j
      CROSS JOIN LATERAL (
        SELECT substring(substr(j.command, length(%1$L) + 1) FROM '^(E?''(?:[^'']|'''')*'')::') AS literal
      ) AS c
      LEFT JOIN LATERAL (
        SELECT r.* FROM cron.job_run_details AS r WHERE r.jobid = j.jobid ORDER BY r.runid DESC LIMIT 1
      ) AS d ON true
    WHERE j.jobname LIKE 'retention report: %%' AND starts_with(j.command, %1$L)
    ORDER BY 1, j.jobid
  $query$, 'CALL @extschema@.retention_run_job(');
END
$$;
COMMENT ON FUNCTION retention_internal.report_schedules() IS
'the scheduled reports that the user may see, and how their last runs went; empty where pg_cron is not installed';

CREATE VIEW retention_schedules AS
SELECT s.source, s.schedule, s.job, s.owner, s.active, s.last_started, s.last_ended, s.last_status, s.last_message,
  s.command
FROM retention_internal.report_schedules() AS s;
COMMENT ON VIEW retention_schedules IS
'the scheduled reports that the user may see, and how their last runs went; empty where pg_cron is not installed';
GRANT SELECT ON retention_schedules TO PUBLIC;

CREATE FUNCTION retention_unschedule(source regclass) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  gone bigint;
BEGIN
  -- By number: another user may have a job of the same name.
  SELECT s.job INTO gone FROM retention_internal.report_schedules() AS s
  WHERE s.source = $1::text AND s.owner = current_user;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_object',
      MESSAGE = format('no reports of %s are scheduled by role "%s"', source, current_user),
      HINT = 'The view retention_schedules lists them.';
  END IF;
  EXECUTE 'SELECT cron.unschedule($1)' USING gone;
  RETURN gone;
END
$$;
COMMENT ON FUNCTION retention_unschedule(regclass) IS
'removes the schedule of a source, and returns the number of its job';
