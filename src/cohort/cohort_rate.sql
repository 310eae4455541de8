-- Room cohort: of those active in one range of time, how many are active in another.

CREATE FUNCTION retention_internal.cohort_retention_rate_final(retention_internal.retention_population) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.cohort_retention_rate_final(retention_internal.retention_population) IS 'final function of the aggregate retention_rate';

CREATE FUNCTION retention_internal.cohort_churn_rate_final(retention_internal.retention_population) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.cohort_churn_rate_final(retention_internal.retention_population) IS 'final function of the aggregate churn_rate';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, date, daterange, daterange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_bigint_date';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, date, daterange, daterange) IS 'transition function of the aggregate retention_rate and churn_rate';

CREATE AGGREGATE retention_rate(customer bigint, at date, base daterange, returned daterange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, date, daterange, daterange) IS
'retention rate in per cent: customers active in both ranges / customers active in the base range';

CREATE AGGREGATE churn_rate(customer bigint, at date, base daterange, returned daterange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, date, daterange, daterange) IS
'churn rate in per cent: customers active in the base range only / customers active in the base range';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, timestamp, tsrange, tsrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_bigint_local';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, timestamp, tsrange, tsrange) IS 'transition function of the aggregate retention_rate and churn_rate';

CREATE AGGREGATE retention_rate(customer bigint, at timestamp, base tsrange, returned tsrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, timestamp, tsrange, tsrange) IS
'retention rate in per cent: customers active in both ranges / customers active in the base range';

CREATE AGGREGATE churn_rate(customer bigint, at timestamp, base tsrange, returned tsrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, timestamp, tsrange, tsrange) IS
'churn rate in per cent: customers active in the base range only / customers active in the base range';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, timestamptz, tstzrange, tstzrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_bigint_instant';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, timestamptz, tstzrange, tstzrange) IS 'transition function of the aggregate retention_rate and churn_rate';

CREATE AGGREGATE retention_rate(customer bigint, at timestamptz, base tstzrange, returned tstzrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, timestamptz, tstzrange, tstzrange) IS
'retention rate in per cent: customers active in both ranges / customers active in the base range';

CREATE AGGREGATE churn_rate(customer bigint, at timestamptz, base tstzrange, returned tstzrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, timestamptz, tstzrange, tstzrange) IS
'churn rate in per cent: customers active in the base range only / customers active in the base range';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, date, daterange, daterange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_uuid_date';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, date, daterange, daterange) IS 'transition function of the aggregate retention_rate and churn_rate';

CREATE AGGREGATE retention_rate(customer uuid, at date, base daterange, returned daterange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, date, daterange, daterange) IS
'retention rate in per cent: customers active in both ranges / customers active in the base range';

CREATE AGGREGATE churn_rate(customer uuid, at date, base daterange, returned daterange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, date, daterange, daterange) IS
'churn rate in per cent: customers active in the base range only / customers active in the base range';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, timestamp, tsrange, tsrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_uuid_local';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, timestamp, tsrange, tsrange) IS 'transition function of the aggregate retention_rate and churn_rate';

CREATE AGGREGATE retention_rate(customer uuid, at timestamp, base tsrange, returned tsrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, timestamp, tsrange, tsrange) IS
'retention rate in per cent: customers active in both ranges / customers active in the base range';

CREATE AGGREGATE churn_rate(customer uuid, at timestamp, base tsrange, returned tsrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, timestamp, tsrange, tsrange) IS
'churn rate in per cent: customers active in the base range only / customers active in the base range';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, timestamptz, tstzrange, tstzrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_uuid_instant';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, timestamptz, tstzrange, tstzrange) IS 'transition function of the aggregate retention_rate and churn_rate';

CREATE AGGREGATE retention_rate(customer uuid, at timestamptz, base tstzrange, returned tstzrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, timestamptz, tstzrange, tstzrange) IS
'retention rate in per cent: customers active in both ranges / customers active in the base range';

CREATE AGGREGATE churn_rate(customer uuid, at timestamptz, base tstzrange, returned tstzrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, timestamptz, tstzrange, tstzrange) IS
'churn rate in per cent: customers active in the base range only / customers active in the base range';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, date, daterange, daterange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_text_date';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, date, daterange, daterange) IS 'transition function of the aggregate retention_rate and churn_rate';

CREATE AGGREGATE retention_rate(customer text, at date, base daterange, returned daterange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, date, daterange, daterange) IS
'retention rate in per cent: customers active in both ranges / customers active in the base range';

CREATE AGGREGATE churn_rate(customer text, at date, base daterange, returned daterange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, date, daterange, daterange) IS
'churn rate in per cent: customers active in the base range only / customers active in the base range';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, timestamp, tsrange, tsrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_text_local';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, timestamp, tsrange, tsrange) IS 'transition function of the aggregate retention_rate and churn_rate';

CREATE AGGREGATE retention_rate(customer text, at timestamp, base tsrange, returned tsrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, timestamp, tsrange, tsrange) IS
'retention rate in per cent: customers active in both ranges / customers active in the base range';

CREATE AGGREGATE churn_rate(customer text, at timestamp, base tsrange, returned tsrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, timestamp, tsrange, tsrange) IS
'churn rate in per cent: customers active in the base range only / customers active in the base range';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, timestamptz, tstzrange, tstzrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_text_instant';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, timestamptz, tstzrange, tstzrange) IS 'transition function of the aggregate retention_rate and churn_rate';

CREATE AGGREGATE retention_rate(customer text, at timestamptz, base tstzrange, returned tstzrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, timestamptz, tstzrange, tstzrange) IS
'retention rate in per cent: customers active in both ranges / customers active in the base range';

CREATE AGGREGATE churn_rate(customer text, at timestamptz, base tstzrange, returned tstzrange) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, timestamptz, tstzrange, tstzrange) IS
'churn rate in per cent: customers active in the base range only / customers active in the base range';

-- The same as of a time: a range that ends after it is not known, and the rate NULL.

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, date, daterange, daterange, date) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_bigint_date_as_of';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, date, daterange, daterange, date) IS 'transition function of the aggregate retention_rate and churn_rate with as_of';

CREATE AGGREGATE retention_rate(customer bigint, at date, base daterange, returned daterange, as_of date) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, date, daterange, daterange, date) IS
'retention rate in per cent, as of a time: customers active in both ranges / customers active in the base range; NULL where a range ends after it';

CREATE AGGREGATE churn_rate(customer bigint, at date, base daterange, returned daterange, as_of date) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, date, daterange, daterange, date) IS
'churn rate in per cent, as of a time: customers active in the base range only / customers active in the base range; NULL where a range ends after it';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, timestamp, tsrange, tsrange, timestamp) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_bigint_local_as_of';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, timestamp, tsrange, tsrange, timestamp) IS 'transition function of the aggregate retention_rate and churn_rate with as_of';

CREATE AGGREGATE retention_rate(customer bigint, at timestamp, base tsrange, returned tsrange, as_of timestamp) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, timestamp, tsrange, tsrange, timestamp) IS
'retention rate in per cent, as of a time: customers active in both ranges / customers active in the base range; NULL where a range ends after it';

CREATE AGGREGATE churn_rate(customer bigint, at timestamp, base tsrange, returned tsrange, as_of timestamp) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, timestamp, tsrange, tsrange, timestamp) IS
'churn rate in per cent, as of a time: customers active in the base range only / customers active in the base range; NULL where a range ends after it';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, timestamptz, tstzrange, tstzrange, timestamptz) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_bigint_instant_as_of';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, bigint, timestamptz, tstzrange, tstzrange, timestamptz) IS 'transition function of the aggregate retention_rate and churn_rate with as_of';

CREATE AGGREGATE retention_rate(customer bigint, at timestamptz, base tstzrange, returned tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, timestamptz, tstzrange, tstzrange, timestamptz) IS
'retention rate in per cent, as of a time: customers active in both ranges / customers active in the base range; NULL where a range ends after it';

CREATE AGGREGATE churn_rate(customer bigint, at timestamptz, base tstzrange, returned tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, timestamptz, tstzrange, tstzrange, timestamptz) IS
'churn rate in per cent, as of a time: customers active in the base range only / customers active in the base range; NULL where a range ends after it';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, date, daterange, daterange, date) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_uuid_date_as_of';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, date, daterange, daterange, date) IS 'transition function of the aggregate retention_rate and churn_rate with as_of';

CREATE AGGREGATE retention_rate(customer uuid, at date, base daterange, returned daterange, as_of date) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, date, daterange, daterange, date) IS
'retention rate in per cent, as of a time: customers active in both ranges / customers active in the base range; NULL where a range ends after it';

CREATE AGGREGATE churn_rate(customer uuid, at date, base daterange, returned daterange, as_of date) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, date, daterange, daterange, date) IS
'churn rate in per cent, as of a time: customers active in the base range only / customers active in the base range; NULL where a range ends after it';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, timestamp, tsrange, tsrange, timestamp) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_uuid_local_as_of';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, timestamp, tsrange, tsrange, timestamp) IS 'transition function of the aggregate retention_rate and churn_rate with as_of';

CREATE AGGREGATE retention_rate(customer uuid, at timestamp, base tsrange, returned tsrange, as_of timestamp) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, timestamp, tsrange, tsrange, timestamp) IS
'retention rate in per cent, as of a time: customers active in both ranges / customers active in the base range; NULL where a range ends after it';

CREATE AGGREGATE churn_rate(customer uuid, at timestamp, base tsrange, returned tsrange, as_of timestamp) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, timestamp, tsrange, tsrange, timestamp) IS
'churn rate in per cent, as of a time: customers active in the base range only / customers active in the base range; NULL where a range ends after it';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, timestamptz, tstzrange, tstzrange, timestamptz) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_uuid_instant_as_of';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, uuid, timestamptz, tstzrange, tstzrange, timestamptz) IS 'transition function of the aggregate retention_rate and churn_rate with as_of';

CREATE AGGREGATE retention_rate(customer uuid, at timestamptz, base tstzrange, returned tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, timestamptz, tstzrange, tstzrange, timestamptz) IS
'retention rate in per cent, as of a time: customers active in both ranges / customers active in the base range; NULL where a range ends after it';

CREATE AGGREGATE churn_rate(customer uuid, at timestamptz, base tstzrange, returned tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, timestamptz, tstzrange, tstzrange, timestamptz) IS
'churn rate in per cent, as of a time: customers active in the base range only / customers active in the base range; NULL where a range ends after it';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, date, daterange, daterange, date) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_text_date_as_of';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, date, daterange, daterange, date) IS 'transition function of the aggregate retention_rate and churn_rate with as_of';

CREATE AGGREGATE retention_rate(customer text, at date, base daterange, returned daterange, as_of date) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, date, daterange, daterange, date) IS
'retention rate in per cent, as of a time: customers active in both ranges / customers active in the base range; NULL where a range ends after it';

CREATE AGGREGATE churn_rate(customer text, at date, base daterange, returned daterange, as_of date) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, date, daterange, daterange, date) IS
'churn rate in per cent, as of a time: customers active in the base range only / customers active in the base range; NULL where a range ends after it';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, timestamp, tsrange, tsrange, timestamp) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_text_local_as_of';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, timestamp, tsrange, tsrange, timestamp) IS 'transition function of the aggregate retention_rate and churn_rate with as_of';

CREATE AGGREGATE retention_rate(customer text, at timestamp, base tsrange, returned tsrange, as_of timestamp) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, timestamp, tsrange, tsrange, timestamp) IS
'retention rate in per cent, as of a time: customers active in both ranges / customers active in the base range; NULL where a range ends after it';

CREATE AGGREGATE churn_rate(customer text, at timestamp, base tsrange, returned tsrange, as_of timestamp) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, timestamp, tsrange, tsrange, timestamp) IS
'churn rate in per cent, as of a time: customers active in the base range only / customers active in the base range; NULL where a range ends after it';

CREATE FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, timestamptz, tstzrange, tstzrange, timestamptz) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME', 'cohort_rate_text_instant_as_of';
COMMENT ON FUNCTION retention_internal.cohort_rate_transfn(retention_internal.retention_population, text, timestamptz, tstzrange, tstzrange, timestamptz) IS 'transition function of the aggregate retention_rate and churn_rate with as_of';

CREATE AGGREGATE retention_rate(customer text, at timestamptz, base tstzrange, returned tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_retention_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, timestamptz, tstzrange, tstzrange, timestamptz) IS
'retention rate in per cent, as of a time: customers active in both ranges / customers active in the base range; NULL where a range ends after it';

CREATE AGGREGATE churn_rate(customer text, at timestamptz, base tstzrange, returned tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.cohort_rate_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 1024,
  FINALFUNC = retention_internal.cohort_churn_rate_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, timestamptz, tstzrange, tstzrange, timestamptz) IS
'churn rate in per cent, as of a time: customers active in the base range only / customers active in the base range; NULL where a range ends after it';
