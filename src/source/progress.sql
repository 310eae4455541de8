-- source: long work shows how far it is in application_name, which every session can see at once. It gives the OID of
-- the view of the source: a name would be seen in every database.

CREATE FUNCTION retention_internal.progress(what text, source regclass, phase text, step integer, steps integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_setting('application_name') NOT LIKE 'retention: %' THEN
    PERFORM set_config('retention_progress.application_name', current_setting('application_name'), true);
  END IF;
  PERFORM set_config('application_name', format('retention: %s %s/%s %s %s', what, step, steps, source::oid, phase),
    true);
END
$$;
COMMENT ON FUNCTION retention_internal.progress(text, regclass, text, integer, integer) IS
'shows other sessions what long work does, in application_name, until the transaction ends or progress_end() is called';

CREATE FUNCTION retention_internal.progress_end() RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT set_config('application_name', coalesce(current_setting('retention_progress.application_name', true), ''),
    true)
$$;
COMMENT ON FUNCTION retention_internal.progress_end() IS 'after long work: sets application_name to what it was';

-- Anybody can set such a name: what is read of it is a word, numbers and a phase, and a source that the reader may see.
CREATE VIEW retention_progress AS
SELECT a.pid, a.usename AS username, p.words[1] AS what,
  (SELECT c.oid::pg_catalog.regclass FROM pg_catalog.pg_class AS c
  WHERE c.oid::bigint = p.words[4]::bigint AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')) AS source,
  p.words[5] AS phase, p.words[2]::integer AS step, p.words[3]::integer AS steps,
  pg_catalog.round(100 * (p.words[2]::numeric - 1) / p.words[3]::numeric) AS done,
  a.xact_start AS since
FROM pg_catalog.pg_stat_activity AS a,
  LATERAL pg_catalog.regexp_match(a.application_name,
    '^retention: ([a-z]+) ([0-9]{1,3})/([1-9][0-9]{0,2}) ([0-9]{1,10}) (.*)$') AS p (words)
WHERE a.datname = pg_catalog.current_database() AND p.words IS NOT NULL;
COMMENT ON VIEW retention_progress IS 'long work that runs now in this database: materialise, refresh, report';
COMMENT ON COLUMN retention_progress.pid IS 'process of the session';
COMMENT ON COLUMN retention_progress.username IS 'the user of the session';
COMMENT ON COLUMN retention_progress.what IS 'materialise, refresh or report';
COMMENT ON COLUMN retention_progress.source IS 'the source; NULL: in a schema that you may not use';
COMMENT ON COLUMN retention_progress.phase IS 'what it does now';
COMMENT ON COLUMN retention_progress.step IS 'the number of this phase';
COMMENT ON COLUMN retention_progress.steps IS 'the number of phases';
COMMENT ON COLUMN retention_progress.done IS 'per cent of the phases that are done';
COMMENT ON COLUMN retention_progress.since IS 'when its transaction began; NULL: not yours to see';
GRANT SELECT ON retention_progress TO PUBLIC;
