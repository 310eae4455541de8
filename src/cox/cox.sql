-- cox: what goes with leaving.

CREATE TYPE retention_internal.retention_cox_rows;

CREATE FUNCTION retention_internal.retention_cox_rows_in(cstring) RETURNS retention_internal.retention_cox_rows
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_rows_in';
COMMENT ON FUNCTION retention_internal.retention_cox_rows_in(cstring) IS 'I/O';

CREATE FUNCTION retention_internal.retention_cox_rows_out(retention_internal.retention_cox_rows) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_rows_out';
COMMENT ON FUNCTION retention_internal.retention_cox_rows_out(retention_internal.retention_cox_rows) IS 'I/O';

CREATE FUNCTION retention_internal.retention_cox_rows_recv(internal) RETURNS retention_internal.retention_cox_rows
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_rows_recv';
COMMENT ON FUNCTION retention_internal.retention_cox_rows_recv(internal) IS 'I/O';

CREATE FUNCTION retention_internal.retention_cox_rows_send(retention_internal.retention_cox_rows) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_rows_send';
COMMENT ON FUNCTION retention_internal.retention_cox_rows_send(retention_internal.retention_cox_rows) IS 'I/O';

CREATE TYPE retention_internal.retention_cox_rows (
    INPUT = retention_internal.retention_cox_rows_in,
    OUTPUT = retention_internal.retention_cox_rows_out,
    RECEIVE = retention_internal.retention_cox_rows_recv,
    SEND = retention_internal.retention_cox_rows_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE retention_internal.retention_cox_rows IS
'what cox_fit() gathers: the rows themselves';

CREATE TYPE retention_cox;

CREATE FUNCTION retention_internal.retention_cox_in(cstring) RETURNS retention_cox
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_in';
COMMENT ON FUNCTION retention_internal.retention_cox_in(cstring) IS 'I/O';

CREATE FUNCTION retention_internal.retention_cox_out(retention_cox) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_out';
COMMENT ON FUNCTION retention_internal.retention_cox_out(retention_cox) IS 'I/O';

CREATE FUNCTION retention_internal.retention_cox_recv(internal) RETURNS retention_cox
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_recv';
COMMENT ON FUNCTION retention_internal.retention_cox_recv(internal) IS 'I/O';

CREATE FUNCTION retention_internal.retention_cox_send(retention_cox) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_send';
COMMENT ON FUNCTION retention_internal.retention_cox_send(retention_cox) IS 'I/O';

CREATE TYPE retention_cox (
    INPUT = retention_internal.retention_cox_in,
    OUTPUT = retention_internal.retention_cox_out,
    RECEIVE = retention_internal.retention_cox_recv,
    SEND = retention_internal.retention_cox_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE retention_cox IS
'a fitted proportional hazards model';

CREATE FUNCTION retention_internal.cox_add(retention_internal.retention_cox_rows, double precision, boolean, double precision[]) RETURNS retention_internal.retention_cox_rows
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_add';
COMMENT ON FUNCTION retention_internal.cox_add(retention_internal.retention_cox_rows, double precision, boolean, double precision[]) IS
'transition function of cox_fit()';

CREATE FUNCTION retention_internal.cox_add(retention_internal.retention_cox_rows, double precision, boolean, double precision[], text) RETURNS retention_internal.retention_cox_rows
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_add';
COMMENT ON FUNCTION retention_internal.cox_add(retention_internal.retention_cox_rows, double precision, boolean, double precision[], text) IS
'transition function of cox_fit()';

CREATE FUNCTION retention_internal.cox_add(retention_internal.retention_cox_rows, double precision, boolean, double precision[], text, double precision) RETURNS retention_internal.retention_cox_rows
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_add';
COMMENT ON FUNCTION retention_internal.cox_add(retention_internal.retention_cox_rows, double precision, boolean, double precision[], text, double precision) IS
'transition function of cox_fit()';

CREATE FUNCTION retention_internal.cox_merge(retention_internal.retention_cox_rows, retention_internal.retention_cox_rows) RETURNS retention_internal.retention_cox_rows
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_merge';
COMMENT ON FUNCTION retention_internal.cox_merge(retention_internal.retention_cox_rows, retention_internal.retention_cox_rows) IS
'combine function of cox_fit()';

CREATE FUNCTION retention_internal.cox_final(retention_internal.retention_cox_rows) RETURNS retention_cox
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_final';
COMMENT ON FUNCTION retention_internal.cox_final(retention_internal.retention_cox_rows) IS
'final function of cox_fit(): fits the model';

CREATE AGGREGATE cox_fit(duration double precision, churned boolean, covariates double precision[]) (
    SFUNC = retention_internal.cox_add,
    STYPE = retention_internal.retention_cox_rows,
    SSPACE = 65536,
    FINALFUNC = retention_internal.cox_final,
    COMBINEFUNC = retention_internal.cox_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE cox_fit(double precision, boolean, double precision[]) IS
'proportional hazards regression of the time to leaving on covariates (ties by Efron)';

CREATE AGGREGATE cox_fit(duration double precision, churned boolean, covariates double precision[], ties text) (
    SFUNC = retention_internal.cox_add,
    STYPE = retention_internal.retention_cox_rows,
    SSPACE = 65536,
    FINALFUNC = retention_internal.cox_final,
    COMBINEFUNC = retention_internal.cox_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE cox_fit(double precision, boolean, double precision[], text) IS
'proportional hazards regression with ties by efron or breslow';

CREATE AGGREGATE cox_fit(duration double precision, churned boolean, covariates double precision[], ties text, entry double precision) (
    SFUNC = retention_internal.cox_add,
    STYPE = retention_internal.retention_cox_rows,
    SSPACE = 65536,
    FINALFUNC = retention_internal.cox_final,
    COMBINEFUNC = retention_internal.cox_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE cox_fit(double precision, boolean, double precision[], text, double precision) IS
'proportional hazards regression of customers who came under observation at entry; a NULL entry is from the start';

CREATE FUNCTION cox_table(
    fit retention_cox,
    names text[] DEFAULT NULL,
    confidence double precision DEFAULT 0.95)
RETURNS TABLE (
    covariate text,
    coefficient double precision,
    hazard_ratio double precision,
    std_error double precision,
    ci_low double precision,
    ci_high double precision,
    z double precision,
    p_value double precision,
    note text)
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cox_table';
COMMENT ON FUNCTION cox_table(retention_cox, text[], double precision) IS
'the coefficients of a model; hazard_ratio and its limits say by how many times the pace of leaving changes for one more of the covariate';

CREATE FUNCTION cox_summary(
    fit retention_cox,
    OUT customers bigint,
    OUT churned bigint,
    OUT unknown bigint,
    OUT never_at_risk bigint,
    OUT loglik_null double precision,
    OUT loglik double precision,
    OUT df integer,
    OUT likelihood_ratio double precision,
    OUT likelihood_ratio_p_value double precision,
    OUT wald double precision,
    OUT wald_p_value double precision,
    OUT score double precision,
    OUT score_p_value double precision,
    OUT concordance double precision,
    OUT ties text,
    OUT iterations integer,
    OUT converged boolean)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cox_summary';
COMMENT ON FUNCTION cox_summary(retention_cox) IS
'a model as a whole: tests that no covariate matters, concordance, and whether the fit converged';
