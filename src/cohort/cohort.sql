-- Room cohort: who started when, and who of them came back.

CREATE TYPE retention_cohorts;

CREATE FUNCTION retention_internal.retention_cohorts_in(cstring) RETURNS retention_cohorts
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_cohorts_in(cstring) IS 'I/O';

CREATE FUNCTION retention_internal.retention_cohorts_out(retention_cohorts) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_cohorts_out(retention_cohorts) IS 'I/O';

CREATE FUNCTION retention_internal.retention_cohorts_recv(internal) RETURNS retention_cohorts
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_cohorts_recv(internal) IS 'I/O';

CREATE FUNCTION retention_internal.retention_cohorts_send(retention_cohorts) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_cohorts_send(retention_cohorts) IS 'I/O';

CREATE TYPE retention_cohorts (
  INPUT = retention_internal.retention_cohorts_in,
  OUTPUT = retention_internal.retention_cohorts_out,
  RECEIVE = retention_internal.retention_cohorts_recv,
  SEND = retention_internal.retention_cohorts_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE retention_cohorts IS
'cohorts of customers and who came back when: storable, and added over disjoint customers by rollup()';

CREATE FUNCTION retention_internal.cohort_final(retention_internal.retention_population) RETURNS retention_cohorts
LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.cohort_final(retention_internal.retention_population) IS 'final function of the aggregate cohort_retention';

CREATE FUNCTION retention_internal.cohort_combine(retention_cohorts, retention_cohorts) RETURNS retention_cohorts
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.cohort_combine(retention_cohorts, retention_cohorts) IS 'transition and combine function of rollup(retention_cohorts)';

-- Rows with a customer of type bigint.

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, date, retention_grid) IS
'cohorts by first (or every) activity, and who was active again';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, timestamp, retention_grid) IS
'cohorts by first (or every) activity, and who was active again';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, timestamptz, retention_grid) IS
'cohorts by first (or every) activity, and who was active again';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, retention_grid, boolean, boolean) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_date_flags';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, retention_grid, boolean, boolean) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, at date, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, date, retention_grid, boolean, boolean) IS
'cohorts by rows that start one, and who came back by rows that count as coming back';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamp, retention_grid, boolean, boolean) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_local_flags';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamp, retention_grid, boolean, boolean) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, at timestamp, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, timestamp, retention_grid, boolean, boolean) IS
'cohorts by rows that start one, and who came back by rows that count as coming back';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamptz, retention_grid, boolean, boolean) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_instant_flags';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamptz, retention_grid, boolean, boolean) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, at timestamptz, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, timestamptz, retention_grid, boolean, boolean) IS
'cohorts by rows that start one, and who came back by rows that count as coming back';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_date_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, anchor date, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, date, date, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_date_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, anchor date, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, date, timestamp, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_date_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, date, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, anchor date, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, date, timestamptz, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamp, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_local_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamp, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, anchor timestamp, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, timestamp, date, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamp, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_local_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamp, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, anchor timestamp, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, timestamp, timestamp, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamp, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_local_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamp, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, anchor timestamp, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, timestamp, timestamptz, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamptz, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_instant_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamptz, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, anchor timestamptz, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, timestamptz, date, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamptz, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_instant_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamptz, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, anchor timestamptz, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, timestamptz, timestamp, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamptz, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_bigint_instant_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, bigint, timestamptz, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer bigint, anchor timestamptz, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(bigint, timestamptz, timestamptz, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

-- Rows with a customer of type uuid.

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, date, retention_grid) IS
'cohorts by first (or every) activity, and who was active again';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, timestamp, retention_grid) IS
'cohorts by first (or every) activity, and who was active again';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, timestamptz, retention_grid) IS
'cohorts by first (or every) activity, and who was active again';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, date, retention_grid, boolean, boolean) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_date_flags';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, date, retention_grid, boolean, boolean) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, at date, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, date, retention_grid, boolean, boolean) IS
'cohorts by rows that start one, and who came back by rows that count as coming back';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamp, retention_grid, boolean, boolean) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_local_flags';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamp, retention_grid, boolean, boolean) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, at timestamp, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, timestamp, retention_grid, boolean, boolean) IS
'cohorts by rows that start one, and who came back by rows that count as coming back';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamptz, retention_grid, boolean, boolean) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_instant_flags';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamptz, retention_grid, boolean, boolean) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, at timestamptz, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, timestamptz, retention_grid, boolean, boolean) IS
'cohorts by rows that start one, and who came back by rows that count as coming back';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, date, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_date_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, date, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, anchor date, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, date, date, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, date, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_date_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, date, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, anchor date, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, date, timestamp, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, date, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_date_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, date, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, anchor date, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, date, timestamptz, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamp, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_local_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamp, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, anchor timestamp, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, timestamp, date, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamp, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_local_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamp, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, anchor timestamp, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, timestamp, timestamp, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamp, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_local_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamp, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, anchor timestamp, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, timestamp, timestamptz, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamptz, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_instant_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamptz, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, anchor timestamptz, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, timestamptz, date, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamptz, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_instant_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamptz, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, anchor timestamptz, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, timestamptz, timestamp, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamptz, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_uuid_instant_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, uuid, timestamptz, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer uuid, anchor timestamptz, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(uuid, timestamptz, timestamptz, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

-- Rows with a customer of type text.

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, date, retention_grid) IS
'cohorts by first (or every) activity, and who was active again';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, timestamp, retention_grid) IS
'cohorts by first (or every) activity, and who was active again';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, timestamptz, retention_grid) IS
'cohorts by first (or every) activity, and who was active again';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, date, retention_grid, boolean, boolean) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_date_flags';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, date, retention_grid, boolean, boolean) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, at date, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, date, retention_grid, boolean, boolean) IS
'cohorts by rows that start one, and who came back by rows that count as coming back';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamp, retention_grid, boolean, boolean) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_local_flags';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamp, retention_grid, boolean, boolean) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, at timestamp, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, timestamp, retention_grid, boolean, boolean) IS
'cohorts by rows that start one, and who came back by rows that count as coming back';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamptz, retention_grid, boolean, boolean) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_instant_flags';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamptz, retention_grid, boolean, boolean) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, at timestamptz, grid retention_grid, is_start boolean, is_return boolean) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, timestamptz, retention_grid, boolean, boolean) IS
'cohorts by rows that start one, and who came back by rows that count as coming back';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, date, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_date_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, date, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, anchor date, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, date, date, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, date, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_date_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, date, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, anchor date, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, date, timestamp, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, date, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_date_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, date, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, anchor date, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, date, timestamptz, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamp, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_local_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamp, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, anchor timestamp, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, timestamp, date, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamp, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_local_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamp, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, anchor timestamp, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, timestamp, timestamp, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamp, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_local_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamp, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, anchor timestamp, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, timestamp, timestamptz, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamptz, date, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_instant_date';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamptz, date, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, anchor timestamptz, at date, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, timestamptz, date, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamptz, timestamp, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_instant_local';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamptz, timestamp, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, anchor timestamptz, at timestamp, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, timestamptz, timestamp, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamptz, timestamptz, retention_grid) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_text_instant_instant';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, text, timestamptz, timestamptz, retention_grid) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(customer text, anchor timestamptz, at timestamptz, grid retention_grid) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(text, timestamptz, timestamptz, retention_grid) IS
'cohorts by a start that each row carries, and who was active after it';

-- Facts: one value per customer.

CREATE FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, retention_activity) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cohort_activity';
COMMENT ON FUNCTION retention_internal.cohort_transfn(retention_internal.retention_population, retention_activity) IS 'transition function of the aggregate cohort_retention';

CREATE AGGREGATE cohort_retention(activity retention_activity) (
  SFUNC = retention_internal.cohort_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE cohort_retention(retention_activity) IS
'cohorts from the facts of each customer';

-- Cohorts of disjoint customers, added.

CREATE AGGREGATE rollup(cohorts retention_cohorts) (
  SFUNC = retention_internal.cohort_combine,
  STYPE = retention_cohorts,
  SSPACE = 16384,
  COMBINEFUNC = retention_internal.cohort_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(retention_cohorts) IS
'the cohorts of all customers, from cohorts of disjoint customers on the same grid';

CREATE FUNCTION cohort_subtract(summary retention_cohorts, part retention_cohorts) RETURNS retention_cohorts
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cohort_subtract_sql';
COMMENT ON FUNCTION cohort_subtract(retention_cohorts, retention_cohorts) IS
'the cohorts of the customers that are not in the part; all rows of those that are must be in the summary';

CREATE FUNCTION cohort_replace(summary retention_cohorts, old retention_cohorts, new retention_cohorts) RETURNS retention_cohorts
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cohort_replace_sql';
COMMENT ON FUNCTION cohort_replace(retention_cohorts, retention_cohorts, retention_cohorts) IS
'the cohorts after some customers changed: without what they were, with what they are; known as far as both are';

CREATE FUNCTION retention_internal.cohort_replace_exact(summary retention_cohorts, old retention_cohorts, new retention_cohorts)
RETURNS retention_cohorts LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cohort_replace_exact';
COMMENT ON FUNCTION retention_internal.cohort_replace_exact(retention_cohorts, retention_cohorts, retention_cohorts) IS
'cohort_replace where the new have the first and the latest row of the result if the old had those of the summary: with the times of the result';

-- Answers.

CREATE FUNCTION cohort_cells(
  summary retention_cohorts,
  criterion text DEFAULT 'on',
  as_of timestamp DEFAULT NULL,
  confidence double precision DEFAULT 0.95
) RETURNS TABLE (
  cohort date,
  cohort_size bigint,
  period integer,
  period_start date,
  period_end date,
  at_risk bigint,
  retained bigint,
  retention_rate numeric,
  ci_low numeric,
  ci_high numeric,
  status text
)
LANGUAGE C STABLE PARALLEL SAFE ROWS 300 AS 'MODULE_PATHNAME', 'cohort_cells';
COMMENT ON FUNCTION cohort_cells(retention_cohorts, text, timestamp, double precision) IS
'the cohort grid, one row per cohort and period';

CREATE FUNCTION cohort_cells_at(
  summary retention_cohorts,
  criterion text DEFAULT 'on',
  as_of timestamp DEFAULT NULL,
  confidence double precision DEFAULT 0.95
) RETURNS TABLE (
  cohort timestamptz,
  cohort_size bigint,
  period integer,
  period_start timestamptz,
  period_end timestamptz,
  at_risk bigint,
  retained bigint,
  retention_rate numeric,
  ci_low numeric,
  ci_high numeric,
  status text
)
LANGUAGE C STABLE PARALLEL SAFE ROWS 300 AS 'MODULE_PATHNAME', 'cohort_cells_at';
COMMENT ON FUNCTION cohort_cells_at(retention_cohorts, text, timestamp, double precision) IS
'the cohort grid, one row per cohort and period; periods as timestamps';

CREATE FUNCTION retention_curve(
  summary retention_cohorts,
  criterion text DEFAULT 'on',
  mean text DEFAULT 'pooled',
  as_of timestamp DEFAULT NULL,
  confidence double precision DEFAULT 0.95
) RETURNS TABLE (
  period integer,
  cohorts bigint,
  at_risk bigint,
  retained bigint,
  retention_rate numeric,
  ci_low numeric,
  ci_high numeric
)
LANGUAGE C STABLE PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'cohort_retention_curve';
COMMENT ON FUNCTION retention_curve(retention_cohorts, text, text, timestamp, double precision) IS
'one retention curve from the observed cells of all cohorts';

CREATE FUNCTION lifecycle(
  summary retention_cohorts,
  as_of timestamp DEFAULT NULL
) RETURNS TABLE (
  period_start date,
  active bigint,
  new bigint,
  retained bigint,
  resurrected bigint,
  dormant bigint,
  status text
)
LANGUAGE C STABLE PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'cohort_lifecycle';
COMMENT ON FUNCTION lifecycle(retention_cohorts, timestamp) IS
'active customers of every period: new, retained, resurrected, and those gone dormant';

CREATE FUNCTION lifecycle_at(
  summary retention_cohorts,
  as_of timestamp DEFAULT NULL
) RETURNS TABLE (
  period_start timestamptz,
  active bigint,
  new bigint,
  retained bigint,
  resurrected bigint,
  dormant bigint,
  status text
)
LANGUAGE C STABLE PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'cohort_lifecycle_at';
COMMENT ON FUNCTION lifecycle_at(retention_cohorts, timestamp) IS
'active customers of every period: new, retained, resurrected, and those gone dormant; periods as timestamps';

CREATE FUNCTION stickiness(summary retention_cohorts) RETURNS TABLE (
  active_periods bigint,
  customers bigint,
  share numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME', 'cohort_stickiness';
COMMENT ON FUNCTION stickiness(retention_cohorts) IS
'in how many periods customers were active, with their share in per cent';

CREATE FUNCTION cohort_totals(
  summary retention_cohorts,
  OUT grid text,
  OUT customers bigint,
  OUT rows_seen bigint,
  OUT rows_ignored bigint,
  OUT first_at timestamp,
  OUT latest_at timestamp,
  OUT as_of timestamp
)
LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION cohort_totals(retention_cohorts) IS
'what cohorts were made of; times are wall-clock times of the time zone of the grid';
