-- What a population keeps of each customer, with amounts and sixteen flags, as text: for tests, and as an example.

CREATE FUNCTION retention_internal.population_events_transfn(
  state retention_internal.retention_population, customer bigint, value bigint, count integer,
  flags integer, amount numeric, cap integer
) RETURNS retention_internal.retention_population
LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support
AS 'MODULE_PATHNAME', 'population_events_bigint';
COMMENT ON FUNCTION retention_internal.population_events_transfn(
  retention_internal.retention_population, bigint, bigint, integer, integer, numeric, integer
) IS 'transition function of population_events';

CREATE FUNCTION retention_internal.population_events_transfn(
  state retention_internal.retention_population, customer uuid, value bigint, count integer,
  flags integer, amount numeric, cap integer
) RETURNS retention_internal.retention_population
LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support
AS 'MODULE_PATHNAME', 'population_events_uuid';
COMMENT ON FUNCTION retention_internal.population_events_transfn(
  retention_internal.retention_population, uuid, bigint, integer, integer, numeric, integer
) IS 'transition function of population_events';

CREATE FUNCTION retention_internal.population_events_transfn(
  state retention_internal.retention_population, customer text, value bigint, count integer,
  flags integer, amount numeric, cap integer
) RETURNS retention_internal.retention_population
LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support
AS 'MODULE_PATHNAME', 'population_events_text';
COMMENT ON FUNCTION retention_internal.population_events_transfn(
  retention_internal.retention_population, text, bigint, integer, integer, numeric, integer
) IS 'transition function of population_events';

CREATE FUNCTION retention_internal.population_events_final(retention_internal.retention_population) RETURNS text[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.population_events_final(retention_internal.retention_population) IS
'final function of population_events';

CREATE AGGREGATE retention_internal.population_events(
  customer bigint, value bigint, count integer, flags integer, amount numeric, cap integer
) (
  SFUNC = retention_internal.population_events_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.population_events_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_internal.population_events(
  bigint, bigint, integer, integer, numeric, integer
) IS 'the history of each customer as value:count:flags:amount of each event';

CREATE AGGREGATE retention_internal.population_events(
  customer uuid, value bigint, count integer, flags integer, amount numeric, cap integer
) (
  SFUNC = retention_internal.population_events_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.population_events_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_internal.population_events(
  uuid, bigint, integer, integer, numeric, integer
) IS 'the history of each customer as value:count:flags:amount of each event';

CREATE AGGREGATE retention_internal.population_events(
  customer text, value bigint, count integer, flags integer, amount numeric, cap integer
) (
  SFUNC = retention_internal.population_events_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.population_events_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_internal.population_events(
  text, bigint, integer, integer, numeric, integer
) IS 'the history of each customer as value:count:flags:amount of each event';
