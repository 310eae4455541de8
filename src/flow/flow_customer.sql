-- Room flow, for tables with several rows per customer: the customer comes first, his rows become one presence.

CREATE FUNCTION retention_internal.flow_customers_final(retention_internal.retention_population) RETURNS retention_flow
LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_customers_final(retention_internal.retention_population) IS 'final function of the aggregate customer_flow with a customer';

CREATE FUNCTION retention_internal.flow_customers_retention_final(retention_internal.retention_population) RETURNS numeric
LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_customers_retention_final(retention_internal.retention_population) IS 'final function of the aggregate retention_rate with a customer';

CREATE FUNCTION retention_internal.flow_customers_churn_final(retention_internal.retention_population) RETURNS numeric
LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_customers_churn_final(retention_internal.retention_population) IS 'final function of the aggregate churn_rate with a customer';

CREATE FUNCTION retention_internal.flow_bigint_date_transfn(retention_internal.retention_population, bigint, date, date, daterange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_bigint_date_transfn(retention_internal.retention_population, bigint, date, date, daterange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer bigint, started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_bigint_date_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(bigint, date, date, daterange) IS
'who was there at the start, came, left and was there at the end of a period; several rows per customer';

CREATE AGGREGATE retention_rate(customer bigint, started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_bigint_date_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, date, date, daterange) IS
'retention rate of a period in per cent; several rows per customer';

CREATE AGGREGATE churn_rate(customer bigint, started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_bigint_date_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, date, date, daterange) IS
'churn rate of a period in per cent; several rows per customer';

CREATE FUNCTION retention_internal.flow_bigint_date_grid_transfn(retention_internal.retention_population, bigint, date, date, retention_grid, daterange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_bigint_date_grid_transfn(retention_internal.retention_population, bigint, date, date, retention_grid, daterange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer bigint, started date, ended date, grid retention_grid, span daterange) (
  SFUNC = retention_internal.flow_bigint_date_grid_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(bigint, date, date, retention_grid, daterange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span; several rows per customer';

CREATE FUNCTION retention_internal.flow_bigint_timestamp_transfn(retention_internal.retention_population, bigint, timestamp, timestamp, tsrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_bigint_timestamp_transfn(retention_internal.retention_population, bigint, timestamp, timestamp, tsrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer bigint, started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_bigint_timestamp_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(bigint, timestamp, timestamp, tsrange) IS
'who was there at the start, came, left and was there at the end of a period; several rows per customer';

CREATE AGGREGATE retention_rate(customer bigint, started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_bigint_timestamp_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, timestamp, timestamp, tsrange) IS
'retention rate of a period in per cent; several rows per customer';

CREATE AGGREGATE churn_rate(customer bigint, started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_bigint_timestamp_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, timestamp, timestamp, tsrange) IS
'churn rate of a period in per cent; several rows per customer';

CREATE FUNCTION retention_internal.flow_bigint_timestamp_grid_transfn(retention_internal.retention_population, bigint, timestamp, timestamp, retention_grid, tsrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_bigint_timestamp_grid_transfn(retention_internal.retention_population, bigint, timestamp, timestamp, retention_grid, tsrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer bigint, started timestamp, ended timestamp, grid retention_grid, span tsrange) (
  SFUNC = retention_internal.flow_bigint_timestamp_grid_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(bigint, timestamp, timestamp, retention_grid, tsrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span; several rows per customer';

CREATE FUNCTION retention_internal.flow_bigint_timestamptz_transfn(retention_internal.retention_population, bigint, timestamptz, timestamptz, tstzrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_bigint_timestamptz_transfn(retention_internal.retention_population, bigint, timestamptz, timestamptz, tstzrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer bigint, started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_bigint_timestamptz_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(bigint, timestamptz, timestamptz, tstzrange) IS
'who was there at the start, came, left and was there at the end of a period; several rows per customer';

CREATE AGGREGATE retention_rate(customer bigint, started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_bigint_timestamptz_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(bigint, timestamptz, timestamptz, tstzrange) IS
'retention rate of a period in per cent; several rows per customer';

CREATE AGGREGATE churn_rate(customer bigint, started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_bigint_timestamptz_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(bigint, timestamptz, timestamptz, tstzrange) IS
'churn rate of a period in per cent; several rows per customer';

CREATE FUNCTION retention_internal.flow_bigint_timestamptz_grid_transfn(retention_internal.retention_population, bigint, timestamptz, timestamptz, retention_grid, tstzrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_bigint_timestamptz_grid_transfn(retention_internal.retention_population, bigint, timestamptz, timestamptz, retention_grid, tstzrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer bigint, started timestamptz, ended timestamptz, grid retention_grid, span tstzrange) (
  SFUNC = retention_internal.flow_bigint_timestamptz_grid_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(bigint, timestamptz, timestamptz, retention_grid, tstzrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span; several rows per customer';

CREATE FUNCTION retention_internal.flow_uuid_date_transfn(retention_internal.retention_population, uuid, date, date, daterange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_uuid_date_transfn(retention_internal.retention_population, uuid, date, date, daterange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer uuid, started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_uuid_date_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(uuid, date, date, daterange) IS
'who was there at the start, came, left and was there at the end of a period; several rows per customer';

CREATE AGGREGATE retention_rate(customer uuid, started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_uuid_date_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, date, date, daterange) IS
'retention rate of a period in per cent; several rows per customer';

CREATE AGGREGATE churn_rate(customer uuid, started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_uuid_date_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, date, date, daterange) IS
'churn rate of a period in per cent; several rows per customer';

CREATE FUNCTION retention_internal.flow_uuid_date_grid_transfn(retention_internal.retention_population, uuid, date, date, retention_grid, daterange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_uuid_date_grid_transfn(retention_internal.retention_population, uuid, date, date, retention_grid, daterange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer uuid, started date, ended date, grid retention_grid, span daterange) (
  SFUNC = retention_internal.flow_uuid_date_grid_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(uuid, date, date, retention_grid, daterange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span; several rows per customer';

CREATE FUNCTION retention_internal.flow_uuid_timestamp_transfn(retention_internal.retention_population, uuid, timestamp, timestamp, tsrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_uuid_timestamp_transfn(retention_internal.retention_population, uuid, timestamp, timestamp, tsrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer uuid, started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_uuid_timestamp_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(uuid, timestamp, timestamp, tsrange) IS
'who was there at the start, came, left and was there at the end of a period; several rows per customer';

CREATE AGGREGATE retention_rate(customer uuid, started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_uuid_timestamp_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, timestamp, timestamp, tsrange) IS
'retention rate of a period in per cent; several rows per customer';

CREATE AGGREGATE churn_rate(customer uuid, started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_uuid_timestamp_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, timestamp, timestamp, tsrange) IS
'churn rate of a period in per cent; several rows per customer';

CREATE FUNCTION retention_internal.flow_uuid_timestamp_grid_transfn(retention_internal.retention_population, uuid, timestamp, timestamp, retention_grid, tsrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_uuid_timestamp_grid_transfn(retention_internal.retention_population, uuid, timestamp, timestamp, retention_grid, tsrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer uuid, started timestamp, ended timestamp, grid retention_grid, span tsrange) (
  SFUNC = retention_internal.flow_uuid_timestamp_grid_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(uuid, timestamp, timestamp, retention_grid, tsrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span; several rows per customer';

CREATE FUNCTION retention_internal.flow_uuid_timestamptz_transfn(retention_internal.retention_population, uuid, timestamptz, timestamptz, tstzrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_uuid_timestamptz_transfn(retention_internal.retention_population, uuid, timestamptz, timestamptz, tstzrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer uuid, started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_uuid_timestamptz_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(uuid, timestamptz, timestamptz, tstzrange) IS
'who was there at the start, came, left and was there at the end of a period; several rows per customer';

CREATE AGGREGATE retention_rate(customer uuid, started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_uuid_timestamptz_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(uuid, timestamptz, timestamptz, tstzrange) IS
'retention rate of a period in per cent; several rows per customer';

CREATE AGGREGATE churn_rate(customer uuid, started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_uuid_timestamptz_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(uuid, timestamptz, timestamptz, tstzrange) IS
'churn rate of a period in per cent; several rows per customer';

CREATE FUNCTION retention_internal.flow_uuid_timestamptz_grid_transfn(retention_internal.retention_population, uuid, timestamptz, timestamptz, retention_grid, tstzrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_uuid_timestamptz_grid_transfn(retention_internal.retention_population, uuid, timestamptz, timestamptz, retention_grid, tstzrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer uuid, started timestamptz, ended timestamptz, grid retention_grid, span tstzrange) (
  SFUNC = retention_internal.flow_uuid_timestamptz_grid_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(uuid, timestamptz, timestamptz, retention_grid, tstzrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span; several rows per customer';

CREATE FUNCTION retention_internal.flow_text_date_transfn(retention_internal.retention_population, text, date, date, daterange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_text_date_transfn(retention_internal.retention_population, text, date, date, daterange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer text, started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_text_date_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(text, date, date, daterange) IS
'who was there at the start, came, left and was there at the end of a period; several rows per customer';

CREATE AGGREGATE retention_rate(customer text, started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_text_date_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, date, date, daterange) IS
'retention rate of a period in per cent; several rows per customer';

CREATE AGGREGATE churn_rate(customer text, started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_text_date_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, date, date, daterange) IS
'churn rate of a period in per cent; several rows per customer';

CREATE FUNCTION retention_internal.flow_text_date_grid_transfn(retention_internal.retention_population, text, date, date, retention_grid, daterange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_text_date_grid_transfn(retention_internal.retention_population, text, date, date, retention_grid, daterange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer text, started date, ended date, grid retention_grid, span daterange) (
  SFUNC = retention_internal.flow_text_date_grid_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(text, date, date, retention_grid, daterange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span; several rows per customer';

CREATE FUNCTION retention_internal.flow_text_timestamp_transfn(retention_internal.retention_population, text, timestamp, timestamp, tsrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_text_timestamp_transfn(retention_internal.retention_population, text, timestamp, timestamp, tsrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer text, started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_text_timestamp_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(text, timestamp, timestamp, tsrange) IS
'who was there at the start, came, left and was there at the end of a period; several rows per customer';

CREATE AGGREGATE retention_rate(customer text, started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_text_timestamp_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, timestamp, timestamp, tsrange) IS
'retention rate of a period in per cent; several rows per customer';

CREATE AGGREGATE churn_rate(customer text, started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_text_timestamp_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, timestamp, timestamp, tsrange) IS
'churn rate of a period in per cent; several rows per customer';

CREATE FUNCTION retention_internal.flow_text_timestamp_grid_transfn(retention_internal.retention_population, text, timestamp, timestamp, retention_grid, tsrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_text_timestamp_grid_transfn(retention_internal.retention_population, text, timestamp, timestamp, retention_grid, tsrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer text, started timestamp, ended timestamp, grid retention_grid, span tsrange) (
  SFUNC = retention_internal.flow_text_timestamp_grid_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(text, timestamp, timestamp, retention_grid, tsrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span; several rows per customer';

CREATE FUNCTION retention_internal.flow_text_timestamptz_transfn(retention_internal.retention_population, text, timestamptz, timestamptz, tstzrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_text_timestamptz_transfn(retention_internal.retention_population, text, timestamptz, timestamptz, tstzrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer text, started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_text_timestamptz_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(text, timestamptz, timestamptz, tstzrange) IS
'who was there at the start, came, left and was there at the end of a period; several rows per customer';

CREATE AGGREGATE retention_rate(customer text, started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_text_timestamptz_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_retention_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(text, timestamptz, timestamptz, tstzrange) IS
'retention rate of a period in per cent; several rows per customer';

CREATE AGGREGATE churn_rate(customer text, started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_text_timestamptz_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_churn_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(text, timestamptz, timestamptz, tstzrange) IS
'churn rate of a period in per cent; several rows per customer';

CREATE FUNCTION retention_internal.flow_text_timestamptz_grid_transfn(retention_internal.retention_population, text, timestamptz, timestamptz, retention_grid, tstzrange) RETURNS retention_internal.retention_population
LANGUAGE C STABLE PARALLEL SAFE SUPPORT retention_internal.retention_batch_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_text_timestamptz_grid_transfn(retention_internal.retention_population, text, timestamptz, timestamptz, retention_grid, tstzrange) IS 'transition function of the flow aggregates with a customer';

CREATE AGGREGATE customer_flow(customer text, started timestamptz, ended timestamptz, grid retention_grid, span tstzrange) (
  SFUNC = retention_internal.flow_text_timestamptz_grid_transfn,
  STYPE = retention_internal.retention_population,
  SSPACE = 4096,
  FINALFUNC = retention_internal.flow_customers_final,
  COMBINEFUNC = retention_internal.population_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(text, timestamptz, timestamptz, retention_grid, tstzrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span; several rows per customer';
