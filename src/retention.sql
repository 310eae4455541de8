CREATE FUNCTION retention_version() RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_version';

COMMENT ON FUNCTION retention_version() IS
'the version of the loaded library';
