-- A period or a span of time as an argument: a range of dates or timestamps, or the text of one.

CREATE TYPE retention_span;

CREATE FUNCTION retention_internal.retention_span_in(cstring) RETURNS retention_span
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_span_in(cstring) IS 'text input of retention_span';

CREATE FUNCTION retention_internal.retention_span_out(retention_span) RETURNS cstring
LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_span_out(retention_span) IS 'text output of retention_span';

CREATE FUNCTION retention_internal.retention_span_recv(internal) RETURNS retention_span
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_span_recv(internal) IS 'binary input of retention_span';

CREATE FUNCTION retention_internal.retention_span_send(retention_span) RETURNS bytea
LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.retention_span_send(retention_span) IS 'binary output of retention_span';

-- Of the category of strings: where a literal could be a period or, in another overload, a time, it is a period.
CREATE TYPE retention_span (
  INPUT = retention_internal.retention_span_in,
  OUTPUT = retention_internal.retention_span_out,
  RECEIVE = retention_internal.retention_span_recv,
  SEND = retention_internal.retention_span_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended,
  CATEGORY = 'S'
);
COMMENT ON TYPE retention_span IS
'a period or a span of time, for arguments: a daterange, tsrange or tstzrange, or the text of one';

CREATE FUNCTION retention_internal.span_of_range(daterange) RETURNS retention_span
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION retention_internal.span_of_range(tsrange) RETURNS retention_span
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION retention_internal.span_of_range(tstzrange) RETURNS retention_span
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.span_of_range(daterange) IS 'a range of dates as a retention_span';
COMMENT ON FUNCTION retention_internal.span_of_range(tsrange) IS 'a range of timestamps as a retention_span';
COMMENT ON FUNCTION retention_internal.span_of_range(tstzrange) IS 'a range of timestamps as a retention_span';

CREATE CAST (daterange AS retention_span) WITH FUNCTION retention_internal.span_of_range(daterange) AS IMPLICIT;
CREATE CAST (tsrange AS retention_span) WITH FUNCTION retention_internal.span_of_range(tsrange) AS IMPLICIT;
CREATE CAST (tstzrange AS retention_span) WITH FUNCTION retention_internal.span_of_range(tstzrange) AS IMPLICIT;
COMMENT ON CAST (daterange AS retention_span) IS 'so that functions that take a period take each type of range';
COMMENT ON CAST (tsrange AS retention_span) IS 'so that functions that take a period take each type of range';
COMMENT ON CAST (tstzrange AS retention_span) IS 'so that functions that take a period take each type of range';

CREATE FUNCTION retention_internal.grid_of_interval(interval) RETURNS retention_grid
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retention_internal.grid_of_interval(interval) IS
'the grid whose periods are as long as an interval';
-- Not implicit: with the casts below, PostgreSQL would compare any interval with any text, as two grids.
CREATE CAST (interval AS retention_grid) WITH FUNCTION retention_internal.grid_of_interval(interval) AS ASSIGNMENT;
COMMENT ON CAST (interval AS retention_grid) IS 'interval ''1 month'' is the grid month';

-- Drivers send parameters as text or varchar.
CREATE CAST (text AS retention_span) WITH INOUT AS IMPLICIT;
CREATE CAST (varchar AS retention_span) WITH INOUT AS IMPLICIT;
CREATE CAST (text AS retention_grid) WITH INOUT AS IMPLICIT;
CREATE CAST (varchar AS retention_grid) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (text AS retention_span) IS 'for drivers that send parameters as text';
COMMENT ON CAST (varchar AS retention_span) IS 'for drivers that send parameters as varchar';
COMMENT ON CAST (text AS retention_grid) IS 'for drivers that send parameters as text';
COMMENT ON CAST (varchar AS retention_grid) IS 'for drivers that send parameters as varchar';
