-- source: letting a role read a source, for a BI tool.

CREATE FUNCTION retention_internal.source_unreadable(source regclass, role name)
RETURNS TABLE (relation regclass, columns text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5 SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.refobjid::regclass, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
  FROM pg_rewrite AS w
  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> $1
  JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attnum > 0
  WHERE w.ev_class = $1 AND NOT has_column_privilege($2, d.refobjid, a.attnum, 'SELECT')
  GROUP BY d.refobjid ORDER BY d.refobjid
$$;
COMMENT ON FUNCTION retention_internal.source_unreadable(regclass, name) IS
'what a source reads, and a role may not: relations and columns of them';

CREATE FUNCTION retention_grant(source regclass, role name) RETURNS TABLE (object text, privilege text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  kept retention_internal.kept;
  relations regclass[];
  relation regclass;
  schema regnamespace;
  missing record;
BEGIN
  PERFORM retention_internal.check_owner(source);
  PERFORM retention_internal.source_find(source);
  IF role IS NULL THEN
    PERFORM retention_internal.refuse('22004', 'the role must not be null');
  END IF;
  PERFORM FROM pg_roles AS r WHERE r.rolname = role;
  IF NOT FOUND THEN
    PERFORM retention_internal.refuse('42704', format('role "%s" does not exist', role),
      hint => 'CREATE ROLE makes one; LOGIN lets a tool connect with it.');
  END IF;
  kept := retention_internal.facts_kept(source);
  relations := ARRAY[source, kept.facts, kept.summary]
    || ARRAY(SELECT v.view FROM retention_internal.source_views(source) AS v);
  relations := array_remove(relations, NULL);
  privilege := 'USAGE';
  FOR schema IN SELECT '@extschema@'::regnamespace UNION
    SELECT c.relnamespace::regnamespace FROM pg_class AS c WHERE c.oid = ANY (relations)
  LOOP
    CONTINUE WHEN has_schema_privilege(role, schema, 'USAGE');
    IF NOT has_schema_privilege(schema, 'USAGE WITH GRANT OPTION') THEN
      PERFORM retention_internal.refuse('42501', format('permission denied to grant USAGE on schema %s', schema),
        hint => format('Its owner can do this: GRANT USAGE ON SCHEMA %s TO %I.', schema, role));
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO %I', schema, role);
    object := 'schema ' || schema;
    RETURN NEXT;
  END LOOP;
  privilege := 'SELECT';
  FOREACH relation IN ARRAY relations LOOP
    EXECUTE format('GRANT SELECT ON %s TO %I', relation, role);
    object := relation;
    RETURN NEXT;
  END LOOP;
  IF kept.facts IS NOT NULL AND EXISTS (SELECT FROM pg_rewrite AS w JOIN pg_depend AS d
      ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class AS c ON c.oid = d.refobjid WHERE w.ev_class = source AND c.relrowsecurity) THEN
    RAISE NOTICE USING MESSAGE = format('role %I reads kept facts of all rows of source %s', role, source),
      DETAIL = 'Row-level security of the table does not hold for kept facts.',
      HINT = format('SELECT retention_unmaterialize(%L) lets each reader see what their rows tell.', source);
  END IF;
  FOR missing IN SELECT u.relation, u.columns FROM retention_internal.source_unreadable(source, role) AS u LOOP
    RAISE NOTICE USING MESSAGE = format('role %I cannot read all that source %s reads', role, source),
      DETAIL = 'A source runs with the rights of its reader.',
      HINT = format('GRANT SELECT (%s) ON %s TO %I.', missing.columns, missing.relation, role);
  END LOOP;
END
$$;
COMMENT ON FUNCTION retention_grant(regclass, name) IS
'lets a role read a source, its views and its kept facts: SELECT on these, USAGE on their schemas, nothing else; '
'returns what was granted';
