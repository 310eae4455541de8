-- Room flow: who was there at the start, came, left, came back, and was there at the end.

CREATE TYPE retention_flow;

CREATE FUNCTION retention_internal.retention_flow_in(cstring) RETURNS retention_flow
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_flow_in(cstring) IS 'I/O';

CREATE FUNCTION retention_internal.retention_flow_out(retention_flow) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_flow_out(retention_flow) IS 'I/O';

CREATE FUNCTION retention_internal.retention_flow_recv(internal) RETURNS retention_flow
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_flow_recv(internal) IS 'I/O';

CREATE FUNCTION retention_internal.retention_flow_send(retention_flow) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_flow_send(retention_flow) IS 'I/O';

CREATE TYPE retention_flow (
  INPUT = retention_internal.retention_flow_in,
  OUTPUT = retention_internal.retention_flow_out,
  RECEIVE = retention_internal.retention_flow_recv,
  SEND = retention_internal.retention_flow_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE retention_flow IS
'movements of customers per period: storable, and added over disjoint customers by rollup()';

CREATE FUNCTION retention_internal.flow_combine(retention_flow, retention_flow) RETURNS retention_flow
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_combine(retention_flow, retention_flow) IS 'combine function of the flow aggregates';

CREATE FUNCTION retention_internal.flow_retention_final(retention_flow) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_retention_final(retention_flow) IS 'final function of the aggregate retention_rate';

CREATE FUNCTION retention_internal.flow_churn_final(retention_flow) RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.flow_churn_final(retention_flow) IS 'final function of the aggregate churn_rate';

-- Presence of customers in dates.

CREATE FUNCTION retention_internal.flow_pair_transfn(retention_flow, date, date, daterange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_pair_transfn';
COMMENT ON FUNCTION retention_internal.flow_pair_transfn(retention_flow, date, date, daterange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(date, date, daterange) IS
'who was there at the start, came, left and was there at the end of a period';

CREATE AGGREGATE retention_rate(started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(date, date, daterange) IS
'retention rate of a period in per cent: customers there at its start and end / customers there at its start';

CREATE AGGREGATE churn_rate(started date, ended date, period daterange) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(date, date, daterange) IS
'churn rate of a period in per cent: customers there at its start and not at its end / customers there at its start';

CREATE FUNCTION retention_internal.flow_pair_grid_transfn(retention_flow, date, date, retention_grid, daterange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_pair_grid_transfn';
COMMENT ON FUNCTION retention_internal.flow_pair_grid_transfn(retention_flow, date, date, retention_grid, daterange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(started date, ended date, grid retention_grid, span daterange) (
  SFUNC = retention_internal.flow_pair_grid_transfn,
  STYPE = retention_flow,
  SSPACE = 4096,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(date, date, retention_grid, daterange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span';

CREATE FUNCTION retention_internal.flow_range_transfn(retention_flow, daterange, daterange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_range_transfn';
COMMENT ON FUNCTION retention_internal.flow_range_transfn(retention_flow, daterange, daterange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence daterange, period daterange) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(daterange, daterange) IS
'who was there at the start, came, left and was there at the end of a period';

CREATE AGGREGATE retention_rate(presence daterange, period daterange) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(daterange, daterange) IS
'retention rate of a period in per cent: customers there at its start and end / customers there at its start';

CREATE AGGREGATE churn_rate(presence daterange, period daterange) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(daterange, daterange) IS
'churn rate of a period in per cent: customers there at its start and not at its end / customers there at its start';

CREATE FUNCTION retention_internal.flow_range_grid_transfn(retention_flow, daterange, retention_grid, daterange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_range_grid_transfn';
COMMENT ON FUNCTION retention_internal.flow_range_grid_transfn(retention_flow, daterange, retention_grid, daterange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence daterange, grid retention_grid, span daterange) (
  SFUNC = retention_internal.flow_range_grid_transfn,
  STYPE = retention_flow,
  SSPACE = 4096,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(daterange, retention_grid, daterange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span';

CREATE FUNCTION retention_internal.flow_multirange_transfn(retention_flow, datemultirange, daterange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_multirange_transfn';
COMMENT ON FUNCTION retention_internal.flow_multirange_transfn(retention_flow, datemultirange, daterange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence datemultirange, period daterange) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(datemultirange, daterange) IS
'who was there at the start, came, left and was there at the end of a period';

CREATE AGGREGATE retention_rate(presence datemultirange, period daterange) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(datemultirange, daterange) IS
'retention rate of a period in per cent: customers there at its start and end / customers there at its start';

CREATE AGGREGATE churn_rate(presence datemultirange, period daterange) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(datemultirange, daterange) IS
'churn rate of a period in per cent: customers there at its start and not at its end / customers there at its start';

CREATE FUNCTION retention_internal.flow_multirange_grid_transfn(retention_flow, datemultirange, retention_grid, daterange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_multirange_grid_transfn';
COMMENT ON FUNCTION retention_internal.flow_multirange_grid_transfn(retention_flow, datemultirange, retention_grid, daterange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence datemultirange, grid retention_grid, span daterange) (
  SFUNC = retention_internal.flow_multirange_grid_transfn,
  STYPE = retention_flow,
  SSPACE = 4096,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(datemultirange, retention_grid, daterange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span';

-- Presence of customers in timestamps without a zone.

CREATE FUNCTION retention_internal.flow_pair_transfn(retention_flow, timestamp, timestamp, tsrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_pair_transfn';
COMMENT ON FUNCTION retention_internal.flow_pair_transfn(retention_flow, timestamp, timestamp, tsrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(timestamp, timestamp, tsrange) IS
'who was there at the start, came, left and was there at the end of a period';

CREATE AGGREGATE retention_rate(started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(timestamp, timestamp, tsrange) IS
'retention rate of a period in per cent: customers there at its start and end / customers there at its start';

CREATE AGGREGATE churn_rate(started timestamp, ended timestamp, period tsrange) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(timestamp, timestamp, tsrange) IS
'churn rate of a period in per cent: customers there at its start and not at its end / customers there at its start';

CREATE FUNCTION retention_internal.flow_pair_grid_transfn(retention_flow, timestamp, timestamp, retention_grid, tsrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_pair_grid_transfn';
COMMENT ON FUNCTION retention_internal.flow_pair_grid_transfn(retention_flow, timestamp, timestamp, retention_grid, tsrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(started timestamp, ended timestamp, grid retention_grid, span tsrange) (
  SFUNC = retention_internal.flow_pair_grid_transfn,
  STYPE = retention_flow,
  SSPACE = 4096,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(timestamp, timestamp, retention_grid, tsrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span';

CREATE FUNCTION retention_internal.flow_range_transfn(retention_flow, tsrange, tsrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_range_transfn';
COMMENT ON FUNCTION retention_internal.flow_range_transfn(retention_flow, tsrange, tsrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence tsrange, period tsrange) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(tsrange, tsrange) IS
'who was there at the start, came, left and was there at the end of a period';

CREATE AGGREGATE retention_rate(presence tsrange, period tsrange) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(tsrange, tsrange) IS
'retention rate of a period in per cent: customers there at its start and end / customers there at its start';

CREATE AGGREGATE churn_rate(presence tsrange, period tsrange) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(tsrange, tsrange) IS
'churn rate of a period in per cent: customers there at its start and not at its end / customers there at its start';

CREATE FUNCTION retention_internal.flow_range_grid_transfn(retention_flow, tsrange, retention_grid, tsrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_range_grid_transfn';
COMMENT ON FUNCTION retention_internal.flow_range_grid_transfn(retention_flow, tsrange, retention_grid, tsrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence tsrange, grid retention_grid, span tsrange) (
  SFUNC = retention_internal.flow_range_grid_transfn,
  STYPE = retention_flow,
  SSPACE = 4096,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(tsrange, retention_grid, tsrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span';

CREATE FUNCTION retention_internal.flow_multirange_transfn(retention_flow, tsmultirange, tsrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_multirange_transfn';
COMMENT ON FUNCTION retention_internal.flow_multirange_transfn(retention_flow, tsmultirange, tsrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence tsmultirange, period tsrange) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(tsmultirange, tsrange) IS
'who was there at the start, came, left and was there at the end of a period';

CREATE AGGREGATE retention_rate(presence tsmultirange, period tsrange) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(tsmultirange, tsrange) IS
'retention rate of a period in per cent: customers there at its start and end / customers there at its start';

CREATE AGGREGATE churn_rate(presence tsmultirange, period tsrange) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(tsmultirange, tsrange) IS
'churn rate of a period in per cent: customers there at its start and not at its end / customers there at its start';

CREATE FUNCTION retention_internal.flow_multirange_grid_transfn(retention_flow, tsmultirange, retention_grid, tsrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_multirange_grid_transfn';
COMMENT ON FUNCTION retention_internal.flow_multirange_grid_transfn(retention_flow, tsmultirange, retention_grid, tsrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence tsmultirange, grid retention_grid, span tsrange) (
  SFUNC = retention_internal.flow_multirange_grid_transfn,
  STYPE = retention_flow,
  SSPACE = 4096,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(tsmultirange, retention_grid, tsrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span';

-- Presence of customers in timestamps with a zone.

CREATE FUNCTION retention_internal.flow_pair_transfn(retention_flow, timestamptz, timestamptz, tstzrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_pair_transfn';
COMMENT ON FUNCTION retention_internal.flow_pair_transfn(retention_flow, timestamptz, timestamptz, tstzrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(timestamptz, timestamptz, tstzrange) IS
'who was there at the start, came, left and was there at the end of a period';

CREATE AGGREGATE retention_rate(started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(timestamptz, timestamptz, tstzrange) IS
'retention rate of a period in per cent: customers there at its start and end / customers there at its start';

CREATE AGGREGATE churn_rate(started timestamptz, ended timestamptz, period tstzrange) (
  SFUNC = retention_internal.flow_pair_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(timestamptz, timestamptz, tstzrange) IS
'churn rate of a period in per cent: customers there at its start and not at its end / customers there at its start';

CREATE FUNCTION retention_internal.flow_pair_grid_transfn(retention_flow, timestamptz, timestamptz, retention_grid, tstzrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_pair_grid_transfn';
COMMENT ON FUNCTION retention_internal.flow_pair_grid_transfn(retention_flow, timestamptz, timestamptz, retention_grid, tstzrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(started timestamptz, ended timestamptz, grid retention_grid, span tstzrange) (
  SFUNC = retention_internal.flow_pair_grid_transfn,
  STYPE = retention_flow,
  SSPACE = 4096,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(timestamptz, timestamptz, retention_grid, tstzrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span';

CREATE FUNCTION retention_internal.flow_range_transfn(retention_flow, tstzrange, tstzrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_range_transfn';
COMMENT ON FUNCTION retention_internal.flow_range_transfn(retention_flow, tstzrange, tstzrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence tstzrange, period tstzrange) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(tstzrange, tstzrange) IS
'who was there at the start, came, left and was there at the end of a period';

CREATE AGGREGATE retention_rate(presence tstzrange, period tstzrange) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(tstzrange, tstzrange) IS
'retention rate of a period in per cent: customers there at its start and end / customers there at its start';

CREATE AGGREGATE churn_rate(presence tstzrange, period tstzrange) (
  SFUNC = retention_internal.flow_range_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(tstzrange, tstzrange) IS
'churn rate of a period in per cent: customers there at its start and not at its end / customers there at its start';

CREATE FUNCTION retention_internal.flow_range_grid_transfn(retention_flow, tstzrange, retention_grid, tstzrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_range_grid_transfn';
COMMENT ON FUNCTION retention_internal.flow_range_grid_transfn(retention_flow, tstzrange, retention_grid, tstzrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence tstzrange, grid retention_grid, span tstzrange) (
  SFUNC = retention_internal.flow_range_grid_transfn,
  STYPE = retention_flow,
  SSPACE = 4096,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(tstzrange, retention_grid, tstzrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span';

CREATE FUNCTION retention_internal.flow_multirange_transfn(retention_flow, tstzmultirange, tstzrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_multirange_transfn';
COMMENT ON FUNCTION retention_internal.flow_multirange_transfn(retention_flow, tstzmultirange, tstzrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence tstzmultirange, period tstzrange) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(tstzmultirange, tstzrange) IS
'who was there at the start, came, left and was there at the end of a period';

CREATE AGGREGATE retention_rate(presence tstzmultirange, period tstzrange) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_retention_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_rate(tstzmultirange, tstzrange) IS
'retention rate of a period in per cent: customers there at its start and end / customers there at its start';

CREATE AGGREGATE churn_rate(presence tstzmultirange, period tstzrange) (
  SFUNC = retention_internal.flow_multirange_transfn,
  STYPE = retention_flow,
  SSPACE = 256,
  FINALFUNC = retention_internal.flow_churn_final,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE churn_rate(tstzmultirange, tstzrange) IS
'churn rate of a period in per cent: customers there at its start and not at its end / customers there at its start';

CREATE FUNCTION retention_internal.flow_multirange_grid_transfn(retention_flow, tstzmultirange, retention_grid, tstzrange) RETURNS retention_flow
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_multirange_grid_transfn';
COMMENT ON FUNCTION retention_internal.flow_multirange_grid_transfn(retention_flow, tstzmultirange, retention_grid, tstzrange) IS 'transition function of the flow aggregates';

CREATE AGGREGATE customer_flow(presence tstzmultirange, grid retention_grid, span tstzrange) (
  SFUNC = retention_internal.flow_multirange_grid_transfn,
  STYPE = retention_flow,
  SSPACE = 4096,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE customer_flow(tstzmultirange, retention_grid, tstzrange) IS
'who was there at the start, came, left and was there at the end of every period of a grid inside the span';

-- Flows of disjoint customers, added.

CREATE AGGREGATE rollup(flow retention_flow) (
  SFUNC = retention_internal.flow_combine,
  STYPE = retention_flow,
  SSPACE = 4096,
  COMBINEFUNC = retention_internal.flow_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(retention_flow) IS
'the flow of all customers, from flows of disjoint customers over the same periods';

-- Answers.

CREATE FUNCTION retention_rate(flow retention_flow, convention text DEFAULT 'kept') RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_retention_rate';
COMMENT ON FUNCTION retention_rate(retention_flow, text) IS
'retention rate in per cent of a flow of one period, by a named convention: kept, formula, continuous';

CREATE FUNCTION churn_rate(flow retention_flow, convention text DEFAULT 'lost') RETURNS numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'flow_churn_rate';
COMMENT ON FUNCTION churn_rate(retention_flow, text) IS
'churn rate in per cent of a flow of one period, by a named convention: lost, simple, exposed, average, customer_days, continuous';

CREATE FUNCTION flow_periods(
  flow retention_flow,
  retention text DEFAULT 'kept',
  churn text DEFAULT 'lost',
  confidence double precision DEFAULT 0.95
) RETURNS TABLE (
  period_start date,
  period_end date,
  status text,
  at_start bigint,
  joined bigint,
  gained bigint,
  reactivated bigint,
  lost bigint,
  at_end bigint,
  kept bigint,
  joined_and_left bigint,
  reactivated_and_left bigint,
  left_and_returned bigint,
  departures bigint,
  customer_days numeric,
  retention_rate numeric,
  retention_low numeric,
  retention_high numeric,
  churn_rate numeric,
  churn_low numeric,
  churn_high numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION flow_periods(retention_flow, text, text, double precision) IS
'the periods of a flow, one row each, with movements and rates';

CREATE FUNCTION flow_periods_at(
  flow retention_flow,
  retention text DEFAULT 'kept',
  churn text DEFAULT 'lost',
  confidence double precision DEFAULT 0.95
) RETURNS TABLE (
  period_start timestamptz,
  period_end timestamptz,
  status text,
  at_start bigint,
  joined bigint,
  gained bigint,
  reactivated bigint,
  lost bigint,
  at_end bigint,
  kept bigint,
  joined_and_left bigint,
  reactivated_and_left bigint,
  left_and_returned bigint,
  departures bigint,
  customer_days numeric,
  retention_rate numeric,
  retention_low numeric,
  retention_high numeric,
  churn_rate numeric,
  churn_low numeric,
  churn_high numeric
)
LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 36 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION flow_periods_at(retention_flow, text, text, double precision) IS
'the periods of a flow, one row each, with movements and rates; periods as timestamps';
