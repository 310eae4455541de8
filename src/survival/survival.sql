-- survival: how long they stay.

CREATE TYPE retention_survival;

CREATE FUNCTION retention_internal.retention_survival_in(cstring) RETURNS retention_survival
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_in';
COMMENT ON FUNCTION retention_internal.retention_survival_in(cstring) IS 'I/O';

CREATE FUNCTION retention_internal.retention_survival_out(retention_survival) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_out';
COMMENT ON FUNCTION retention_internal.retention_survival_out(retention_survival) IS 'I/O';

CREATE FUNCTION retention_internal.retention_survival_recv(internal) RETURNS retention_survival
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_recv';
COMMENT ON FUNCTION retention_internal.retention_survival_recv(internal) IS 'I/O';

CREATE FUNCTION retention_internal.retention_survival_send(retention_survival) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_send';
COMMENT ON FUNCTION retention_internal.retention_survival_send(retention_survival) IS 'I/O';

CREATE TYPE retention_survival (
    INPUT = retention_internal.retention_survival_in,
    OUTPUT = retention_internal.retention_survival_out,
    RECEIVE = retention_internal.retention_survival_recv,
    SEND = retention_internal.retention_survival_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE retention_survival IS
'how many customers left, were still there and came late at each distinct duration; states of disjoint customers add up by rollup';

-- Transition functions, called by the aggregates only.

CREATE FUNCTION retention_internal.survival_add(retention_survival, double precision, boolean) RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_add';
COMMENT ON FUNCTION retention_internal.survival_add(retention_survival, double precision, boolean) IS
'transition function of survival()';

CREATE FUNCTION retention_internal.survival_add(retention_survival, double precision, boolean, double precision)
RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_add';
COMMENT ON FUNCTION retention_internal.survival_add(retention_survival, double precision, boolean, double precision) IS
'transition function of survival()';

CREATE FUNCTION retention_internal.survival_add(retention_survival, double precision, boolean, double precision, double precision)
RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_add';
COMMENT ON FUNCTION retention_internal.survival_add(retention_survival, double precision, boolean, double precision, double precision) IS
'transition function of survival()';

CREATE FUNCTION retention_internal.survival_add(retention_survival, date, date, date) RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_add_dates';
COMMENT ON FUNCTION retention_internal.survival_add(retention_survival, date, date, date) IS
'transition function of survival()';

CREATE FUNCTION retention_internal.survival_add(retention_survival, date, date, date, date) RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_add_dates';
COMMENT ON FUNCTION retention_internal.survival_add(retention_survival, date, date, date, date) IS
'transition function of survival()';

CREATE FUNCTION retention_internal.survival_merge(retention_survival, retention_survival) RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_merge';
COMMENT ON FUNCTION retention_internal.survival_merge(retention_survival, retention_survival) IS
'combine function of survival() and rollup()';

CREATE FUNCTION retention_internal.survival_final(retention_survival) RETURNS retention_survival
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_final';
COMMENT ON FUNCTION retention_internal.survival_final(retention_survival) IS
'final function of survival() and rollup()';

CREATE AGGREGATE survival(duration double precision, churned boolean) (
    SFUNC = retention_internal.survival_add,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = retention_internal.survival_final,
    COMBINEFUNC = retention_internal.survival_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival(double precision, boolean) IS
'survival state of customers: how long each stayed, and whether it left (true) or was still there (false)';

CREATE AGGREGATE survival(duration double precision, churned boolean, entry double precision) (
    SFUNC = retention_internal.survival_add,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = retention_internal.survival_final,
    COMBINEFUNC = retention_internal.survival_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival(double precision, boolean, double precision) IS
'survival state of customers who came under observation at entry: at risk on (entry, duration]; a NULL entry is from the start';

CREATE AGGREGATE survival(duration double precision, churned boolean, entry double precision, weight double precision) (
    SFUNC = retention_internal.survival_add,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = retention_internal.survival_final,
    COMBINEFUNC = retention_internal.survival_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival(double precision, boolean, double precision, double precision) IS
'survival state of weighted customers: whole weights are repeated rows, others give robust standard errors';

CREATE AGGREGATE survival(started date, ended date, as_of date) (
    SFUNC = retention_internal.survival_add,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = retention_internal.survival_final,
    COMBINEFUNC = retention_internal.survival_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival(date, date, date) IS
'survival state in days: a NULL end, or one at as_of or later, is still here; a start at as_of or later is left out';

CREATE AGGREGATE survival(started date, ended date, as_of date, records_from date) (
    SFUNC = retention_internal.survival_add,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = retention_internal.survival_final,
    COMBINEFUNC = retention_internal.survival_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival(date, date, date, date) IS
'survival state in days where departures before records_from were not recorded';

CREATE AGGREGATE rollup(state retention_survival) (
    SFUNC = retention_internal.survival_merge,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = retention_internal.survival_final,
    COMBINEFUNC = retention_internal.survival_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(retention_survival) IS
'one survival state from those of disjoint customers';

-- Answers.

CREATE FUNCTION survival_curve(
    s retention_survival,
    ci text DEFAULT 'log-log',
    confidence double precision DEFAULT 0.95,
    times double precision[] DEFAULT NULL)
RETURNS TABLE (
    "time" double precision,
    at_risk double precision,
    churned double precision,
    censored double precision,
    survival double precision,
    std_error double precision,
    ci_low double precision,
    ci_high double precision,
    cumulative_hazard double precision,
    hazard_std_error double precision)
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_curve';
COMMENT ON FUNCTION survival_curve(retention_survival, text, double precision, double precision[]) IS
'the survival curve (0..1) at each time somebody left or was still there, or at the asked times; interval: plain, log, log-log, logit, arcsin';

CREATE FUNCTION survival_at(s retention_survival, "time" double precision) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_at';
COMMENT ON FUNCTION survival_at(retention_survival, double precision) IS
'probability (0..1) of staying longer than a time; NULL where nobody was followed that long';

CREATE FUNCTION conditional_survival(
    s retention_survival,
    "time" double precision,
    given double precision)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'conditional_survival';
COMMENT ON FUNCTION conditional_survival(retention_survival, double precision, double precision) IS
'probability (0..1) of staying longer than a time for those who stayed longer than the given one';

CREATE FUNCTION survival_quantile(
    s retention_survival,
    p double precision,
    ci text DEFAULT 'log-log',
    confidence double precision DEFAULT 0.95,
    OUT "time" double precision,
    OUT ci_low double precision,
    OUT ci_high double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_quantile';
COMMENT ON FUNCTION survival_quantile(retention_survival, double precision, text, double precision) IS
'the time by which a share p (0..1) has left, with limits; NULL: not reached';

CREATE FUNCTION median_survival(
    s retention_survival,
    ci text DEFAULT 'log-log',
    confidence double precision DEFAULT 0.95,
    OUT "time" double precision,
    OUT ci_low double precision,
    OUT ci_high double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'median_survival';
COMMENT ON FUNCTION median_survival(retention_survival, text, double precision) IS
'the time by which half have left, with limits; NULL: not reached';

CREATE FUNCTION restricted_mean(
    s retention_survival,
    tau double precision,
    confidence double precision DEFAULT 0.95,
    OUT restricted_mean double precision,
    OUT std_error double precision,
    OUT ci_low double precision,
    OUT ci_high double precision,
    OUT note text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'restricted_mean';
COMMENT ON FUNCTION restricted_mean(retention_survival, double precision, double precision) IS
'mean time stayed of the first tau: the area under the survival curve; NULL with a note where customers were not followed that long';

CREATE FUNCTION restricted_mean_difference(
    a retention_survival,
    b retention_survival,
    tau double precision,
    confidence double precision DEFAULT 0.95,
    OUT difference double precision,
    OUT std_error double precision,
    OUT ci_low double precision,
    OUT ci_high double precision,
    OUT z double precision,
    OUT p_value double precision,
    OUT note text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'restricted_mean_difference';
COMMENT ON FUNCTION restricted_mean_difference(retention_survival, retention_survival, double precision, double precision) IS
'restricted mean of a minus that of b, its limits, and the p-value of no difference';

CREATE FUNCTION hazard_by(
    s retention_survival,
    width double precision,
    confidence double precision DEFAULT 0.95)
RETURNS TABLE (
    band_start double precision,
    band_end double precision,
    churned double precision,
    customer_time double precision,
    rate double precision,
    ci_low double precision,
    ci_high double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'hazard_by';
COMMENT ON FUNCTION hazard_by(retention_survival, double precision, double precision) IS
'departures per customer and unit of time in bands (start, end] of the duration, with exact Poisson limits';

CREATE FUNCTION payback(
    s retention_survival,
    margin_per_unit_time double precision,
    acquisition_cost double precision,
    confidence double precision DEFAULT 0.95,
    OUT "time" double precision,
    OUT ci_low double precision,
    OUT ci_high double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'payback';
COMMENT ON FUNCTION payback(retention_survival, double precision, double precision, double precision) IS
'the first time at which margin_per_unit_time times the restricted mean has paid back the cost, with limits; NULL: not within what was followed';

CREATE FUNCTION survival_summary(
    s retention_survival,
    OUT customers bigint,
    OUT churned bigint,
    OUT censored bigint,
    OUT late_entries bigint,
    OUT weight double precision,
    OUT unknown bigint,
    OUT never_at_risk bigint,
    OUT not_started bigint,
    OUT distinct_times integer,
    OUT followed_until double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_summary';
COMMENT ON FUNCTION survival_summary(retention_survival) IS
'what a survival state holds: rows used, rows left out and why, and how long customers were followed';
