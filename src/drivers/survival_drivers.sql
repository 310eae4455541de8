-- survival_drivers: which attributes go with how long customers stay.

CREATE TYPE retention_survival_drivers;

CREATE FUNCTION retention_internal.retention_survival_drivers_in(cstring) RETURNS retention_survival_drivers
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_drivers_in';
COMMENT ON FUNCTION retention_internal.retention_survival_drivers_in(cstring) IS 'I/O';

CREATE FUNCTION retention_internal.retention_survival_drivers_out(retention_survival_drivers) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_drivers_out';
COMMENT ON FUNCTION retention_internal.retention_survival_drivers_out(retention_survival_drivers) IS 'I/O';

CREATE FUNCTION retention_internal.retention_survival_drivers_recv(internal) RETURNS retention_survival_drivers
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_drivers_recv';
COMMENT ON FUNCTION retention_internal.retention_survival_drivers_recv(internal) IS 'I/O';

CREATE FUNCTION retention_internal.retention_survival_drivers_send(retention_survival_drivers) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_drivers_send';
COMMENT ON FUNCTION retention_internal.retention_survival_drivers_send(retention_survival_drivers) IS 'I/O';

CREATE TYPE retention_survival_drivers (
    INPUT = retention_internal.retention_survival_drivers_in,
    OUTPUT = retention_internal.retention_survival_drivers_out,
    RECEIVE = retention_internal.retention_survival_drivers_recv,
    SEND = retention_internal.retention_survival_drivers_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE retention_survival_drivers IS
'how many customers left and were still there at each distinct duration, by the value of every attribute';

CREATE FUNCTION retention_internal.survival_drivers_transfn(retention_survival_drivers, double precision, boolean, record) RETURNS retention_survival_drivers
LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_drivers_transfn';
COMMENT ON FUNCTION retention_internal.survival_drivers_transfn(retention_survival_drivers, double precision, boolean, record) IS
'transition function of survival_drivers()';

CREATE FUNCTION retention_internal.survival_drivers_combine(retention_survival_drivers, retention_survival_drivers) RETURNS retention_survival_drivers
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_drivers_combine';
COMMENT ON FUNCTION retention_internal.survival_drivers_combine(retention_survival_drivers, retention_survival_drivers) IS
'combine function of survival_drivers() and rollup()';

CREATE FUNCTION retention_internal.survival_drivers_final(retention_survival_drivers) RETURNS retention_survival_drivers
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_drivers_final';
COMMENT ON FUNCTION retention_internal.survival_drivers_final(retention_survival_drivers) IS
'final function of survival_drivers() and rollup()';

CREATE AGGREGATE survival_drivers(duration double precision, churned boolean, attributes record) (
    SFUNC = retention_internal.survival_drivers_transfn,
    STYPE = retention_survival_drivers,
    SSPACE = 4096,
    FINALFUNC = retention_internal.survival_drivers_final,
    COMBINEFUNC = retention_internal.survival_drivers_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival_drivers(double precision, boolean, record) IS
'durations by the value of every attribute: the columns of a record';

CREATE AGGREGATE rollup(state retention_survival_drivers) (
    SFUNC = retention_internal.survival_drivers_combine,
    STYPE = retention_survival_drivers,
    SSPACE = 4096,
    FINALFUNC = retention_internal.survival_drivers_final,
    COMBINEFUNC = retention_internal.survival_drivers_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(retention_survival_drivers) IS
'one state of survival drivers from those of disjoint customers with the same attributes';

CREATE FUNCTION survival_driver_ranking(s retention_survival_drivers)
RETURNS TABLE (
    attribute text,
    "values" integer,
    chi2 double precision,
    df integer,
    p_value double precision,
    p_adjusted double precision,
    note text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'survival_driver_ranking';
COMMENT ON FUNCTION survival_driver_ranking(retention_survival_drivers) IS
'the log-rank test of every attribute: do customers of different values leave at the same pace; smallest p-value first; values with few departures are taken together';

CREATE FUNCTION survival_driver_table(
    s retention_survival_drivers,
    times double precision[],
    ci text DEFAULT 'log-log',
    confidence double precision DEFAULT 0.95)
RETURNS TABLE (
    attribute text,
    value text,
    customers bigint,
    churned bigint,
    "time" double precision,
    survival double precision,
    ci_low double precision,
    ci_high double precision,
    restricted_mean double precision,
    mean_low double precision,
    mean_high double precision,
    note text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 50
AS 'MODULE_PATHNAME', 'survival_driver_table';
COMMENT ON FUNCTION survival_driver_table(retention_survival_drivers, double precision[], text, double precision) IS
'every value of every attribute at each asked time: survival until then (0..1) with limits, and the mean time stayed until then with limits; they are of one value, not adjusted for their number';
