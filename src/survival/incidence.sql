-- incidence: several ways to leave.

CREATE TYPE retention_incidence;

CREATE FUNCTION retention_internal.retention_incidence_in(cstring) RETURNS retention_incidence
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_in';
COMMENT ON FUNCTION retention_internal.retention_incidence_in(cstring) IS 'I/O';

CREATE FUNCTION retention_internal.retention_incidence_out(retention_incidence) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_out';
COMMENT ON FUNCTION retention_internal.retention_incidence_out(retention_incidence) IS 'I/O';

CREATE FUNCTION retention_internal.retention_incidence_recv(internal) RETURNS retention_incidence
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_recv';
COMMENT ON FUNCTION retention_internal.retention_incidence_recv(internal) IS 'I/O';

CREATE FUNCTION retention_internal.retention_incidence_send(retention_incidence) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_send';
COMMENT ON FUNCTION retention_internal.retention_incidence_send(retention_incidence) IS 'I/O';

CREATE TYPE retention_incidence (
    INPUT = retention_internal.retention_incidence_in,
    OUTPUT = retention_internal.retention_incidence_out,
    RECEIVE = retention_internal.retention_incidence_recv,
    SEND = retention_internal.retention_incidence_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE retention_incidence IS
'customers who left for each cause, and those still there, at each distinct duration; states of disjoint customers add up by rollup';

CREATE FUNCTION retention_internal.incidence_add(retention_incidence, double precision, text) RETURNS retention_incidence
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_add';
COMMENT ON FUNCTION retention_internal.incidence_add(retention_incidence, double precision, text) IS
'transition function of cumulative_incidence()';

CREATE FUNCTION retention_internal.incidence_merge(retention_incidence, retention_incidence) RETURNS retention_incidence
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_merge';
COMMENT ON FUNCTION retention_internal.incidence_merge(retention_incidence, retention_incidence) IS
'combine function of cumulative_incidence() and rollup()';

CREATE FUNCTION retention_internal.incidence_final(retention_incidence) RETURNS retention_incidence
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_final';
COMMENT ON FUNCTION retention_internal.incidence_final(retention_incidence) IS
'final function of cumulative_incidence() and rollup()';

CREATE AGGREGATE cumulative_incidence(duration double precision, cause text) (
    SFUNC = retention_internal.incidence_add,
    STYPE = retention_incidence,
    SSPACE = 1024,
    FINALFUNC = retention_internal.incidence_final,
    COMBINEFUNC = retention_internal.incidence_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE cumulative_incidence(double precision, text) IS
'state of customers who leave for one of several causes: how long each stayed and why it left; a NULL cause is still here';

CREATE AGGREGATE rollup(state retention_incidence) (
    SFUNC = retention_internal.incidence_merge,
    STYPE = retention_incidence,
    SSPACE = 1024,
    FINALFUNC = retention_internal.incidence_final,
    COMBINEFUNC = retention_internal.incidence_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(retention_incidence) IS
'one state of several ways to leave from those of disjoint customers';

CREATE FUNCTION incidence_curve(
    s retention_incidence,
    ci text DEFAULT 'log-log',
    confidence double precision DEFAULT 0.95,
    times double precision[] DEFAULT NULL)
RETURNS TABLE (
    cause text,
    "time" double precision,
    incidence double precision,
    std_error double precision,
    ci_low double precision,
    ci_high double precision)
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'incidence_curve';
COMMENT ON FUNCTION incidence_curve(retention_incidence, text, double precision, double precision[]) IS
'probability (0..1) of having left for each cause by each time (Aalen-Johansen), or by the asked times';
