-- What nobody calls by name lives in a schema of its own, where nobody else may create anything. CREATE SCHEMA without
-- IF NOT EXISTS: the extension never moves into a schema that somebody else made.

CREATE SCHEMA retention_internal;
COMMENT ON SCHEMA retention_internal IS
'support functions of the types and aggregates of the extension retention, and its helpers: not to be called by name';
GRANT USAGE ON SCHEMA retention_internal TO PUBLIC;

-- Tables whose rows are dumped let everybody insert, and a trigger says who really may: a privilege of the role that
-- installed the extension would outlive that role in pg_init_privs, and no dump could be restored any more.
CREATE FUNCTION retention_internal.is_extension_owner() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_has_role(e.extowner, 'USAGE') FROM pg_extension AS e WHERE e.extname = 'retention' $$;
COMMENT ON FUNCTION retention_internal.is_extension_owner() IS
'whether the current role is the owner of the extension, a member of it, or a superuser: who restores a dump';

CREATE FUNCTION retention_internal.check_extension_owner() RETURNS trigger
LANGUAGE plpgsql PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT retention_internal.is_extension_owner() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for table %s', TG_TABLE_NAME),
            HINT = 'The owner of the extension writes it.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION retention_internal.check_extension_owner() IS
'trigger of tables that the owner of the extension adds rows to';

CREATE FUNCTION retention_version() RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_version';

COMMENT ON FUNCTION retention_version() IS
'the version of the loaded library';
