-- The batch scan. It comes before the modules whose transition functions name it.

CREATE FUNCTION retention_internal.retention_batch_support(internal) RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_batch_support(internal) IS
'planner support of transition functions: loads the batch scan';
