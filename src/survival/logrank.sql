-- logrank: do groups leave at the same pace?

CREATE TYPE retention_internal.retention_logrank_state;

CREATE FUNCTION retention_internal.retention_logrank_state_in(cstring) RETURNS retention_internal.retention_logrank_state
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_state_in';
COMMENT ON FUNCTION retention_internal.retention_logrank_state_in(cstring) IS 'I/O';

CREATE FUNCTION retention_internal.retention_logrank_state_out(retention_internal.retention_logrank_state) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_state_out';
COMMENT ON FUNCTION retention_internal.retention_logrank_state_out(retention_internal.retention_logrank_state) IS 'I/O';

CREATE FUNCTION retention_internal.retention_logrank_state_recv(internal) RETURNS retention_internal.retention_logrank_state
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_state_recv';
COMMENT ON FUNCTION retention_internal.retention_logrank_state_recv(internal) IS 'I/O';

CREATE FUNCTION retention_internal.retention_logrank_state_send(retention_internal.retention_logrank_state) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_state_send';
COMMENT ON FUNCTION retention_internal.retention_logrank_state_send(retention_internal.retention_logrank_state) IS 'I/O';

CREATE TYPE retention_internal.retention_logrank_state (
    INPUT = retention_internal.retention_logrank_state_in,
    OUTPUT = retention_internal.retention_logrank_state_out,
    RECEIVE = retention_internal.retention_logrank_state_recv,
    SEND = retention_internal.retention_logrank_state_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE retention_internal.retention_logrank_state IS
'what logrank_test() gathers: customers at each distinct duration by group and stratum';

CREATE TYPE retention_logrank AS (
    chi2 double precision,
    df integer,
    p_value double precision,
    groups text[],
    n bigint[],
    observed double precision[],
    expected double precision[]
);
COMMENT ON TYPE retention_logrank IS
'answer of a rank test: chi-squared, degrees of freedom, p-value, and by group the customers and the observed and expected departures (weighted)';

CREATE FUNCTION retention_internal.logrank_add(retention_internal.retention_logrank_state, double precision, boolean, text) RETURNS retention_internal.retention_logrank_state
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_add';
COMMENT ON FUNCTION retention_internal.logrank_add(retention_internal.retention_logrank_state, double precision, boolean, text) IS
'transition function of logrank_test()';

CREATE FUNCTION retention_internal.logrank_add(retention_internal.retention_logrank_state, double precision, boolean, text, text) RETURNS retention_internal.retention_logrank_state
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_add';
COMMENT ON FUNCTION retention_internal.logrank_add(retention_internal.retention_logrank_state, double precision, boolean, text, text) IS
'transition function of logrank_test()';

CREATE FUNCTION retention_internal.logrank_add(retention_internal.retention_logrank_state, double precision, boolean, text, text, text) RETURNS retention_internal.retention_logrank_state
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_add';
COMMENT ON FUNCTION retention_internal.logrank_add(retention_internal.retention_logrank_state, double precision, boolean, text, text, text) IS
'transition function of logrank_test()';

CREATE FUNCTION retention_internal.logrank_add(retention_internal.retention_logrank_state, double precision, boolean, text, text, text, double precision) RETURNS retention_internal.retention_logrank_state
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_add';
COMMENT ON FUNCTION retention_internal.logrank_add(retention_internal.retention_logrank_state, double precision, boolean, text, text, text, double precision) IS
'transition function of logrank_test()';

CREATE FUNCTION retention_internal.logrank_merge(retention_internal.retention_logrank_state, retention_internal.retention_logrank_state) RETURNS retention_internal.retention_logrank_state
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_merge';
COMMENT ON FUNCTION retention_internal.logrank_merge(retention_internal.retention_logrank_state, retention_internal.retention_logrank_state) IS
'combine function of logrank_test()';

CREATE FUNCTION retention_internal.logrank_final(retention_internal.retention_logrank_state) RETURNS retention_logrank
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_final';
COMMENT ON FUNCTION retention_internal.logrank_final(retention_internal.retention_logrank_state) IS
'final function of logrank_test()';

CREATE AGGREGATE logrank_test(duration double precision, churned boolean, grp text) (
    SFUNC = retention_internal.logrank_add,
    STYPE = retention_internal.retention_logrank_state,
    SSPACE = 1024,
    FINALFUNC = retention_internal.logrank_final,
    COMBINEFUNC = retention_internal.logrank_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE logrank_test(double precision, boolean, text) IS
'log-rank test: do groups leave at the same pace?';

CREATE AGGREGATE logrank_test(duration double precision, churned boolean, grp text, weighting text) (
    SFUNC = retention_internal.logrank_add,
    STYPE = retention_internal.retention_logrank_state,
    SSPACE = 1024,
    FINALFUNC = retention_internal.logrank_final,
    COMBINEFUNC = retention_internal.logrank_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE logrank_test(double precision, boolean, text, text) IS
'rank test with weighted times: logrank, gehan-wilcoxon, tarone-ware, peto-peto, peto-modified, fleming-harrington(RHO)';

CREATE AGGREGATE logrank_test(duration double precision, churned boolean, grp text, weighting text, stratum text) (
    SFUNC = retention_internal.logrank_add,
    STYPE = retention_internal.retention_logrank_state,
    SSPACE = 1024,
    FINALFUNC = retention_internal.logrank_final,
    COMBINEFUNC = retention_internal.logrank_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE logrank_test(double precision, boolean, text, text, text) IS
'rank test that compares customers within their stratum only';

CREATE AGGREGATE logrank_test(duration double precision, churned boolean, grp text, weighting text, stratum text, entry double precision) (
    SFUNC = retention_internal.logrank_add,
    STYPE = retention_internal.retention_logrank_state,
    SSPACE = 1024,
    FINALFUNC = retention_internal.logrank_final,
    COMBINEFUNC = retention_internal.logrank_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE logrank_test(double precision, boolean, text, text, text, double precision) IS
'rank test of customers who came under observation at entry; a NULL entry is from the start';

CREATE FUNCTION logrank_test(VARIADIC states retention_survival[]) RETURNS retention_logrank
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'logrank_test_states';
COMMENT ON FUNCTION logrank_test(retention_survival[]) IS
'log-rank test between stored states, in their order: groups 1, 2, ...';

CREATE FUNCTION logrank_test(weighting text, VARIADIC states retention_survival[]) RETURNS retention_logrank
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'logrank_test_states_weighted';
COMMENT ON FUNCTION logrank_test(text, retention_survival[]) IS
'rank test between stored states with weighted times';
