-- What nobody calls by name lives in a schema of its own, where nobody else may create anything. CREATE SCHEMA without
-- IF NOT EXISTS: the extension never moves into a schema that somebody else made.

CREATE SCHEMA retention_internal;
COMMENT ON SCHEMA retention_internal IS
'the machinery of the extension retention: support functions of its types and aggregates, and its helpers; not for use by name';
GRANT USAGE ON SCHEMA retention_internal TO PUBLIC;

CREATE FUNCTION retention_version() RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_version';

COMMENT ON FUNCTION retention_version() IS
'the version of the loaded library';
