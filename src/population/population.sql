-- Populations: customers and their histories, the state of aggregates that get rows of many customers.

CREATE TYPE retention_internal.retention_population;

CREATE FUNCTION retention_internal.retention_population_in(cstring) RETURNS retention_internal.retention_population
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_population_in';

CREATE FUNCTION retention_internal.retention_population_out(retention_internal.retention_population) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_population_out';

CREATE FUNCTION retention_internal.retention_population_recv(internal) RETURNS retention_internal.retention_population
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_population_recv';

CREATE FUNCTION retention_internal.retention_population_send(retention_internal.retention_population) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'retention_population_send';

CREATE TYPE retention_internal.retention_population (
  INPUT = retention_internal.retention_population_in,
  OUTPUT = retention_internal.retention_population_out,
  RECEIVE = retention_internal.retention_population_recv,
  SEND = retention_internal.retention_population_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);

COMMENT ON TYPE retention_internal.retention_population IS
'customers and their histories: the state of aggregates such as cohort_retention, not meant to be stored';
COMMENT ON FUNCTION retention_internal.retention_population_in(cstring) IS 'text input of retention_population';
COMMENT ON FUNCTION retention_internal.retention_population_out(retention_internal.retention_population) IS 'text output of retention_population';
COMMENT ON FUNCTION retention_internal.retention_population_recv(internal) IS 'binary input of retention_population';
COMMENT ON FUNCTION retention_internal.retention_population_send(retention_internal.retention_population) IS 'binary output of retention_population';

CREATE FUNCTION retention_internal.population_combine(retention_internal.retention_population, retention_internal.retention_population) RETURNS retention_internal.retention_population
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.population_combine(retention_internal.retention_population, retention_internal.retention_population) IS
'combine function of the aggregates over rows of many customers';
