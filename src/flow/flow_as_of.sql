-- Rates of one period with an as_of: a period that ends after it is not known, and its rate NULL.

-- Presence of customers in dates.

CREATE FUNCTION retention_internal.flow_pair_transfn(retention_flow, date, date, daterange, date) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_pair_transfn';
COMMENT ON FUNCTION retention_internal.flow_pair_transfn(retention_flow, date, date, daterange, date) IS 'transition function of the flow aggregates with as_of';

CREATE AGGREGATE retention_rate(started date, ended date, period daterange, as_of date) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(date, date, daterange, date) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE AGGREGATE churn_rate(started date, ended date, period daterange, as_of date) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(date, date, daterange, date) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE FUNCTION retention_internal.flow_range_transfn(retention_flow, daterange, daterange, date) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_range_transfn';
COMMENT ON FUNCTION retention_internal.flow_range_transfn(retention_flow, daterange, daterange, date) IS 'transition function of the flow aggregates with as_of';

CREATE AGGREGATE retention_rate(presence daterange, period daterange, as_of date) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(daterange, daterange, date) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE AGGREGATE churn_rate(presence daterange, period daterange, as_of date) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(daterange, daterange, date) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE FUNCTION retention_internal.flow_multirange_transfn(retention_flow, datemultirange, daterange, date) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_multirange_transfn';
COMMENT ON FUNCTION retention_internal.flow_multirange_transfn(retention_flow, datemultirange, daterange, date) IS 'transition function of the flow aggregates with as_of';

CREATE AGGREGATE retention_rate(presence datemultirange, period daterange, as_of date) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(datemultirange, daterange, date) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE AGGREGATE churn_rate(presence datemultirange, period daterange, as_of date) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(datemultirange, daterange, date) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE FUNCTION retention_internal.flow_bigint_date_as_of_transfn(retention_internal.retention_population, bigint, date, date, daterange, date) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_bigint_date_as_of_transfn(retention_internal.retention_population, bigint, date, date, daterange, date) IS 'transition function of the flow aggregates with a customer and as_of';

CREATE AGGREGATE retention_rate(customer bigint, started date, ended date, period daterange, as_of date) (
  SFUNC = retention_internal.flow_bigint_date_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, date, date, daterange, date) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE AGGREGATE churn_rate(customer bigint, started date, ended date, period daterange, as_of date) (
  SFUNC = retention_internal.flow_bigint_date_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, date, date, daterange, date) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE FUNCTION retention_internal.flow_uuid_date_as_of_transfn(retention_internal.retention_population, uuid, date, date, daterange, date) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_uuid_date_as_of_transfn(retention_internal.retention_population, uuid, date, date, daterange, date) IS 'transition function of the flow aggregates with a customer and as_of';

CREATE AGGREGATE retention_rate(customer uuid, started date, ended date, period daterange, as_of date) (
  SFUNC = retention_internal.flow_uuid_date_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, date, date, daterange, date) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE AGGREGATE churn_rate(customer uuid, started date, ended date, period daterange, as_of date) (
  SFUNC = retention_internal.flow_uuid_date_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, date, date, daterange, date) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE FUNCTION retention_internal.flow_text_date_as_of_transfn(retention_internal.retention_population, text, date, date, daterange, date) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_text_date_as_of_transfn(retention_internal.retention_population, text, date, date, daterange, date) IS 'transition function of the flow aggregates with a customer and as_of';

CREATE AGGREGATE retention_rate(customer text, started date, ended date, period daterange, as_of date) (
  SFUNC = retention_internal.flow_text_date_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, date, date, daterange, date) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE AGGREGATE churn_rate(customer text, started date, ended date, period daterange, as_of date) (
  SFUNC = retention_internal.flow_text_date_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, date, date, daterange, date) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

-- Presence of customers in timestamps without a zone.

CREATE FUNCTION retention_internal.flow_pair_transfn(retention_flow, timestamp, timestamp, tsrange, timestamp) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_pair_transfn';
COMMENT ON FUNCTION retention_internal.flow_pair_transfn(retention_flow, timestamp, timestamp, tsrange, timestamp) IS 'transition function of the flow aggregates with as_of';

CREATE AGGREGATE retention_rate(started timestamp, ended timestamp, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(timestamp, timestamp, tsrange, timestamp) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE AGGREGATE churn_rate(started timestamp, ended timestamp, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(timestamp, timestamp, tsrange, timestamp) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE FUNCTION retention_internal.flow_range_transfn(retention_flow, tsrange, tsrange, timestamp) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_range_transfn';
COMMENT ON FUNCTION retention_internal.flow_range_transfn(retention_flow, tsrange, tsrange, timestamp) IS 'transition function of the flow aggregates with as_of';

CREATE AGGREGATE retention_rate(presence tsrange, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(tsrange, tsrange, timestamp) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE AGGREGATE churn_rate(presence tsrange, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(tsrange, tsrange, timestamp) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE FUNCTION retention_internal.flow_multirange_transfn(retention_flow, tsmultirange, tsrange, timestamp) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_multirange_transfn';
COMMENT ON FUNCTION retention_internal.flow_multirange_transfn(retention_flow, tsmultirange, tsrange, timestamp) IS 'transition function of the flow aggregates with as_of';

CREATE AGGREGATE retention_rate(presence tsmultirange, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(tsmultirange, tsrange, timestamp) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE AGGREGATE churn_rate(presence tsmultirange, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(tsmultirange, tsrange, timestamp) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE FUNCTION retention_internal.flow_bigint_timestamp_as_of_transfn(retention_internal.retention_population, bigint, timestamp, timestamp, tsrange, timestamp) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_bigint_timestamp_as_of_transfn(retention_internal.retention_population, bigint, timestamp, timestamp, tsrange, timestamp) IS 'transition function of the flow aggregates with a customer and as_of';

CREATE AGGREGATE retention_rate(customer bigint, started timestamp, ended timestamp, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_bigint_timestamp_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, timestamp, timestamp, tsrange, timestamp) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE AGGREGATE churn_rate(customer bigint, started timestamp, ended timestamp, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_bigint_timestamp_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, timestamp, timestamp, tsrange, timestamp) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE FUNCTION retention_internal.flow_uuid_timestamp_as_of_transfn(retention_internal.retention_population, uuid, timestamp, timestamp, tsrange, timestamp) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_uuid_timestamp_as_of_transfn(retention_internal.retention_population, uuid, timestamp, timestamp, tsrange, timestamp) IS 'transition function of the flow aggregates with a customer and as_of';

CREATE AGGREGATE retention_rate(customer uuid, started timestamp, ended timestamp, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_uuid_timestamp_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, timestamp, timestamp, tsrange, timestamp) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE AGGREGATE churn_rate(customer uuid, started timestamp, ended timestamp, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_uuid_timestamp_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, timestamp, timestamp, tsrange, timestamp) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE FUNCTION retention_internal.flow_text_timestamp_as_of_transfn(retention_internal.retention_population, text, timestamp, timestamp, tsrange, timestamp) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_text_timestamp_as_of_transfn(retention_internal.retention_population, text, timestamp, timestamp, tsrange, timestamp) IS 'transition function of the flow aggregates with a customer and as_of';

CREATE AGGREGATE retention_rate(customer text, started timestamp, ended timestamp, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_text_timestamp_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, timestamp, timestamp, tsrange, timestamp) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE AGGREGATE churn_rate(customer text, started timestamp, ended timestamp, period tsrange, as_of timestamp) (
  SFUNC = retention_internal.flow_text_timestamp_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, timestamp, timestamp, tsrange, timestamp) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

-- Presence of customers in timestamps with a zone.

CREATE FUNCTION retention_internal.flow_pair_transfn(retention_flow, timestamptz, timestamptz, tstzrange, timestamptz) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_pair_transfn';
COMMENT ON FUNCTION retention_internal.flow_pair_transfn(retention_flow, timestamptz, timestamptz, tstzrange, timestamptz) IS 'transition function of the flow aggregates with as_of';

CREATE AGGREGATE retention_rate(started timestamptz, ended timestamptz, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(timestamptz, timestamptz, tstzrange, timestamptz) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE AGGREGATE churn_rate(started timestamptz, ended timestamptz, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(timestamptz, timestamptz, tstzrange, timestamptz) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE FUNCTION retention_internal.flow_range_transfn(retention_flow, tstzrange, tstzrange, timestamptz) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_range_transfn';
COMMENT ON FUNCTION retention_internal.flow_range_transfn(retention_flow, tstzrange, tstzrange, timestamptz) IS 'transition function of the flow aggregates with as_of';

CREATE AGGREGATE retention_rate(presence tstzrange, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(tstzrange, tstzrange, timestamptz) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE AGGREGATE churn_rate(presence tstzrange, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(tstzrange, tstzrange, timestamptz) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE FUNCTION retention_internal.flow_multirange_transfn(retention_flow, tstzmultirange, tstzrange, timestamptz) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_multirange_transfn';
COMMENT ON FUNCTION retention_internal.flow_multirange_transfn(retention_flow, tstzmultirange, tstzrange, timestamptz) IS 'transition function of the flow aggregates with as_of';

CREATE AGGREGATE retention_rate(presence tstzmultirange, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(tstzmultirange, tstzrange, timestamptz) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE AGGREGATE churn_rate(presence tstzmultirange, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(tstzmultirange, tstzrange, timestamptz) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it';

CREATE FUNCTION retention_internal.flow_bigint_timestamptz_as_of_transfn(retention_internal.retention_population, bigint, timestamptz, timestamptz, tstzrange, timestamptz) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_bigint_timestamptz_as_of_transfn(retention_internal.retention_population, bigint, timestamptz, timestamptz, tstzrange, timestamptz) IS 'transition function of the flow aggregates with a customer and as_of';

CREATE AGGREGATE retention_rate(customer bigint, started timestamptz, ended timestamptz, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_bigint_timestamptz_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, timestamptz, timestamptz, tstzrange, timestamptz) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE AGGREGATE churn_rate(customer bigint, started timestamptz, ended timestamptz, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_bigint_timestamptz_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, timestamptz, timestamptz, tstzrange, timestamptz) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE FUNCTION retention_internal.flow_uuid_timestamptz_as_of_transfn(retention_internal.retention_population, uuid, timestamptz, timestamptz, tstzrange, timestamptz) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_uuid_timestamptz_as_of_transfn(retention_internal.retention_population, uuid, timestamptz, timestamptz, tstzrange, timestamptz) IS 'transition function of the flow aggregates with a customer and as_of';

CREATE AGGREGATE retention_rate(customer uuid, started timestamptz, ended timestamptz, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_uuid_timestamptz_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, timestamptz, timestamptz, tstzrange, timestamptz) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE AGGREGATE churn_rate(customer uuid, started timestamptz, ended timestamptz, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_uuid_timestamptz_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, timestamptz, timestamptz, tstzrange, timestamptz) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE FUNCTION retention_internal.flow_text_timestamptz_as_of_transfn(retention_internal.retention_population, text, timestamptz, timestamptz, tstzrange, timestamptz) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_text_timestamptz_as_of_transfn(retention_internal.retention_population, text, timestamptz, timestamptz, tstzrange, timestamptz) IS 'transition function of the flow aggregates with a customer and as_of';

CREATE AGGREGATE retention_rate(customer text, started timestamptz, ended timestamptz, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_text_timestamptz_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, timestamptz, timestamptz, tstzrange, timestamptz) IS
'retention rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';

CREATE AGGREGATE churn_rate(customer text, started timestamptz, ended timestamptz, period tstzrange, as_of timestamptz) (
  SFUNC = retention_internal.flow_text_timestamptz_as_of_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, timestamptz, timestamptz, tstzrange, timestamptz) IS
'churn rate of a period in per cent, as of a time; NULL where the period ends after it; several rows per customer';
