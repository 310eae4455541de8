-- survival: how long they stay.

CREATE TYPE retention_survival;

CREATE FUNCTION retention_survival_in(cstring) RETURNS retention_survival
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_in';
COMMENT ON FUNCTION retention_survival_in(cstring) IS 'I/O';

CREATE FUNCTION retention_survival_out(retention_survival) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_out';
COMMENT ON FUNCTION retention_survival_out(retention_survival) IS 'I/O';

CREATE FUNCTION retention_survival_recv(internal) RETURNS retention_survival
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_recv';
COMMENT ON FUNCTION retention_survival_recv(internal) IS 'I/O';

CREATE FUNCTION retention_survival_send(retention_survival) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_send';
COMMENT ON FUNCTION retention_survival_send(retention_survival) IS 'I/O';

CREATE TYPE retention_survival (
    INPUT = retention_survival_in,
    OUTPUT = retention_survival_out,
    RECEIVE = retention_survival_recv,
    SEND = retention_survival_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE retention_survival IS
'how many customers left, were still there and came late at each distinct duration; states of disjoint customers add up by rollup';

-- Transition functions, called by the aggregates only.

CREATE FUNCTION survival_add(retention_survival, double precision, boolean) RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_add';
COMMENT ON FUNCTION survival_add(retention_survival, double precision, boolean) IS
'transition function of survival()';

CREATE FUNCTION survival_add(retention_survival, double precision, boolean, double precision)
RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_add';
COMMENT ON FUNCTION survival_add(retention_survival, double precision, boolean, double precision) IS
'transition function of survival()';

CREATE FUNCTION survival_add(retention_survival, double precision, boolean, double precision, double precision)
RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_add';
COMMENT ON FUNCTION survival_add(retention_survival, double precision, boolean, double precision, double precision) IS
'transition function of survival()';

CREATE FUNCTION survival_add(retention_survival, date, date, date) RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_add_dates';
COMMENT ON FUNCTION survival_add(retention_survival, date, date, date) IS
'transition function of survival()';

CREATE FUNCTION survival_add(retention_survival, date, date, date, date) RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_add_dates';
COMMENT ON FUNCTION survival_add(retention_survival, date, date, date, date) IS
'transition function of survival()';

CREATE FUNCTION survival_merge(retention_survival, retention_survival) RETURNS retention_survival
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_merge';
COMMENT ON FUNCTION survival_merge(retention_survival, retention_survival) IS
'combine function of survival() and rollup()';

CREATE FUNCTION survival_final(retention_survival) RETURNS retention_survival
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'survival_final';
COMMENT ON FUNCTION survival_final(retention_survival) IS
'final function of survival() and rollup()';

CREATE AGGREGATE survival(duration double precision, churned boolean) (
    SFUNC = survival_add,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = survival_final,
    COMBINEFUNC = survival_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival(double precision, boolean) IS
'survival state of customers: how long each stayed, and whether it left (true) or was still there (false)';

CREATE AGGREGATE survival(duration double precision, churned boolean, entry double precision) (
    SFUNC = survival_add,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = survival_final,
    COMBINEFUNC = survival_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival(double precision, boolean, double precision) IS
'survival state of customers who came under observation at entry: at risk on (entry, duration]; a NULL entry is from the start';

CREATE AGGREGATE survival(duration double precision, churned boolean, entry double precision, weight double precision) (
    SFUNC = survival_add,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = survival_final,
    COMBINEFUNC = survival_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival(double precision, boolean, double precision, double precision) IS
'survival state of weighted customers: whole weights are repeated rows, others give robust standard errors';

CREATE AGGREGATE survival(started date, ended date, as_of date) (
    SFUNC = survival_add,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = survival_final,
    COMBINEFUNC = survival_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival(date, date, date) IS
'survival state in days: a NULL end, or one at as_of or later, is still here; a start at as_of or later is left out';

CREATE AGGREGATE survival(started date, ended date, as_of date, records_from date) (
    SFUNC = survival_add,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = survival_final,
    COMBINEFUNC = survival_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival(date, date, date, date) IS
'survival state in days where departures before records_from were not recorded';

CREATE AGGREGATE rollup(state retention_survival) (
    SFUNC = survival_merge,
    STYPE = retention_survival,
    SSPACE = 1024,
    FINALFUNC = survival_final,
    COMBINEFUNC = survival_merge,
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

-- Tests between groups.

CREATE TYPE retention_logrank_state;

CREATE FUNCTION retention_logrank_state_in(cstring) RETURNS retention_logrank_state
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_state_in';
COMMENT ON FUNCTION retention_logrank_state_in(cstring) IS 'I/O';

CREATE FUNCTION retention_logrank_state_out(retention_logrank_state) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_state_out';
COMMENT ON FUNCTION retention_logrank_state_out(retention_logrank_state) IS 'I/O';

CREATE FUNCTION retention_logrank_state_recv(internal) RETURNS retention_logrank_state
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_state_recv';
COMMENT ON FUNCTION retention_logrank_state_recv(internal) IS 'I/O';

CREATE FUNCTION retention_logrank_state_send(retention_logrank_state) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_state_send';
COMMENT ON FUNCTION retention_logrank_state_send(retention_logrank_state) IS 'I/O';

CREATE TYPE retention_logrank_state (
    INPUT = retention_logrank_state_in,
    OUTPUT = retention_logrank_state_out,
    RECEIVE = retention_logrank_state_recv,
    SEND = retention_logrank_state_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE retention_logrank_state IS
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

CREATE FUNCTION logrank_add(retention_logrank_state, double precision, boolean, text) RETURNS retention_logrank_state
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_add';
COMMENT ON FUNCTION logrank_add(retention_logrank_state, double precision, boolean, text) IS
'transition function of logrank_test()';

CREATE FUNCTION logrank_add(retention_logrank_state, double precision, boolean, text, text) RETURNS retention_logrank_state
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_add';
COMMENT ON FUNCTION logrank_add(retention_logrank_state, double precision, boolean, text, text) IS
'transition function of logrank_test()';

CREATE FUNCTION logrank_add(retention_logrank_state, double precision, boolean, text, text, text) RETURNS retention_logrank_state
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_add';
COMMENT ON FUNCTION logrank_add(retention_logrank_state, double precision, boolean, text, text, text) IS
'transition function of logrank_test()';

CREATE FUNCTION logrank_add(retention_logrank_state, double precision, boolean, text, text, text, double precision) RETURNS retention_logrank_state
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_add';
COMMENT ON FUNCTION logrank_add(retention_logrank_state, double precision, boolean, text, text, text, double precision) IS
'transition function of logrank_test()';

CREATE FUNCTION logrank_merge(retention_logrank_state, retention_logrank_state) RETURNS retention_logrank_state
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_merge';
COMMENT ON FUNCTION logrank_merge(retention_logrank_state, retention_logrank_state) IS
'combine function of logrank_test()';

CREATE FUNCTION logrank_final(retention_logrank_state) RETURNS retention_logrank
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'logrank_final';
COMMENT ON FUNCTION logrank_final(retention_logrank_state) IS
'final function of logrank_test()';

CREATE AGGREGATE logrank_test(duration double precision, churned boolean, grp text) (
    SFUNC = logrank_add,
    STYPE = retention_logrank_state,
    SSPACE = 1024,
    FINALFUNC = logrank_final,
    COMBINEFUNC = logrank_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE logrank_test(double precision, boolean, text) IS
'do groups leave at the same pace? the log-rank test';

CREATE AGGREGATE logrank_test(duration double precision, churned boolean, grp text, weighting text) (
    SFUNC = logrank_add,
    STYPE = retention_logrank_state,
    SSPACE = 1024,
    FINALFUNC = logrank_final,
    COMBINEFUNC = logrank_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE logrank_test(double precision, boolean, text, text) IS
'the same with weighted times: logrank, gehan-wilcoxon, tarone-ware, peto-peto, peto-modified, fleming-harrington(RHO)';

CREATE AGGREGATE logrank_test(duration double precision, churned boolean, grp text, weighting text, stratum text) (
    SFUNC = logrank_add,
    STYPE = retention_logrank_state,
    SSPACE = 1024,
    FINALFUNC = logrank_final,
    COMBINEFUNC = logrank_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE logrank_test(double precision, boolean, text, text, text) IS
'the same, customers compared within their stratum only';

CREATE AGGREGATE logrank_test(duration double precision, churned boolean, grp text, weighting text, stratum text, entry double precision) (
    SFUNC = logrank_add,
    STYPE = retention_logrank_state,
    SSPACE = 1024,
    FINALFUNC = logrank_final,
    COMBINEFUNC = logrank_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE logrank_test(double precision, boolean, text, text, text, double precision) IS
'the same for customers who came under observation at entry; a NULL entry is from the start';

CREATE FUNCTION logrank_test(VARIADIC states retention_survival[]) RETURNS retention_logrank
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'logrank_test_states';
COMMENT ON FUNCTION logrank_test(retention_survival[]) IS
'the log-rank test between stored states, in their order: groups 1, 2, ...';

CREATE FUNCTION logrank_test(weighting text, VARIADIC states retention_survival[]) RETURNS retention_logrank
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'logrank_test_states_weighted';
COMMENT ON FUNCTION logrank_test(text, retention_survival[]) IS
'the test between stored states with weighted times';

-- Several ways to leave.

CREATE TYPE retention_incidence;

CREATE FUNCTION retention_incidence_in(cstring) RETURNS retention_incidence
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_in';
COMMENT ON FUNCTION retention_incidence_in(cstring) IS 'I/O';

CREATE FUNCTION retention_incidence_out(retention_incidence) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_out';
COMMENT ON FUNCTION retention_incidence_out(retention_incidence) IS 'I/O';

CREATE FUNCTION retention_incidence_recv(internal) RETURNS retention_incidence
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_recv';
COMMENT ON FUNCTION retention_incidence_recv(internal) IS 'I/O';

CREATE FUNCTION retention_incidence_send(retention_incidence) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_send';
COMMENT ON FUNCTION retention_incidence_send(retention_incidence) IS 'I/O';

CREATE TYPE retention_incidence (
    INPUT = retention_incidence_in,
    OUTPUT = retention_incidence_out,
    RECEIVE = retention_incidence_recv,
    SEND = retention_incidence_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE retention_incidence IS
'customers who left for each cause, and those still there, at each distinct duration; states of disjoint customers add up by rollup';

CREATE FUNCTION incidence_add(retention_incidence, double precision, text) RETURNS retention_incidence
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_add';
COMMENT ON FUNCTION incidence_add(retention_incidence, double precision, text) IS
'transition function of cumulative_incidence()';

CREATE FUNCTION incidence_merge(retention_incidence, retention_incidence) RETURNS retention_incidence
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_merge';
COMMENT ON FUNCTION incidence_merge(retention_incidence, retention_incidence) IS
'combine function of cumulative_incidence() and rollup()';

CREATE FUNCTION incidence_final(retention_incidence) RETURNS retention_incidence
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'incidence_final';
COMMENT ON FUNCTION incidence_final(retention_incidence) IS
'final function of cumulative_incidence() and rollup()';

CREATE AGGREGATE cumulative_incidence(duration double precision, cause text) (
    SFUNC = incidence_add,
    STYPE = retention_incidence,
    SSPACE = 1024,
    FINALFUNC = incidence_final,
    COMBINEFUNC = incidence_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE cumulative_incidence(double precision, text) IS
'state of customers who leave for one of several causes: how long each stayed and why it left; a NULL cause is still here';

CREATE AGGREGATE rollup(state retention_incidence) (
    SFUNC = incidence_merge,
    STYPE = retention_incidence,
    SSPACE = 1024,
    FINALFUNC = incidence_final,
    COMBINEFUNC = incidence_merge,
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

-- Landmarks.

CREATE FUNCTION landmark_duration(duration double precision, landmark double precision) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'landmark_duration';
COMMENT ON FUNCTION landmark_duration(double precision, double precision) IS
'duration counted from a landmark; NULL, which survival() ignores, for customers who were not followed and still there beyond it';

CREATE FUNCTION landmark_start(started date, ended date, landmark interval) RETURNS date
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'landmark_start';
COMMENT ON FUNCTION landmark_start(date, date, interval) IS
'the day of a landmark after the start, to be counted from; NULL for customers who have left by then';

CREATE FUNCTION known_at_landmark(happened double precision, landmark double precision) RETURNS boolean
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'known_at_landmark';
COMMENT ON FUNCTION known_at_landmark(double precision, double precision) IS
'whether something had happened by the landmark; false where it never did';

CREATE FUNCTION known_at_landmark(happened date, started date, landmark interval) RETURNS boolean
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'known_at_landmark_date';
COMMENT ON FUNCTION known_at_landmark(date, date, interval) IS
'whether something had happened by the day of the landmark after the start; false where it never did';

-- Regression.

CREATE TYPE retention_cox_rows;

CREATE FUNCTION retention_cox_rows_in(cstring) RETURNS retention_cox_rows
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_rows_in';
COMMENT ON FUNCTION retention_cox_rows_in(cstring) IS 'I/O';

CREATE FUNCTION retention_cox_rows_out(retention_cox_rows) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_rows_out';
COMMENT ON FUNCTION retention_cox_rows_out(retention_cox_rows) IS 'I/O';

CREATE FUNCTION retention_cox_rows_recv(internal) RETURNS retention_cox_rows
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_rows_recv';
COMMENT ON FUNCTION retention_cox_rows_recv(internal) IS 'I/O';

CREATE FUNCTION retention_cox_rows_send(retention_cox_rows) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_rows_send';
COMMENT ON FUNCTION retention_cox_rows_send(retention_cox_rows) IS 'I/O';

CREATE TYPE retention_cox_rows (
    INPUT = retention_cox_rows_in,
    OUTPUT = retention_cox_rows_out,
    RECEIVE = retention_cox_rows_recv,
    SEND = retention_cox_rows_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE retention_cox_rows IS
'what cox_fit() gathers: the rows themselves';

CREATE TYPE retention_cox;

CREATE FUNCTION retention_cox_in(cstring) RETURNS retention_cox
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_in';
COMMENT ON FUNCTION retention_cox_in(cstring) IS 'I/O';

CREATE FUNCTION retention_cox_out(retention_cox) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_out';
COMMENT ON FUNCTION retention_cox_out(retention_cox) IS 'I/O';

CREATE FUNCTION retention_cox_recv(internal) RETURNS retention_cox
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_recv';
COMMENT ON FUNCTION retention_cox_recv(internal) IS 'I/O';

CREATE FUNCTION retention_cox_send(retention_cox) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_send';
COMMENT ON FUNCTION retention_cox_send(retention_cox) IS 'I/O';

CREATE TYPE retention_cox (
    INPUT = retention_cox_in,
    OUTPUT = retention_cox_out,
    RECEIVE = retention_cox_recv,
    SEND = retention_cox_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE retention_cox IS
'a fitted proportional hazards model';

CREATE FUNCTION cox_add(retention_cox_rows, double precision, boolean, double precision[]) RETURNS retention_cox_rows
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_add';
COMMENT ON FUNCTION cox_add(retention_cox_rows, double precision, boolean, double precision[]) IS
'transition function of cox_fit()';

CREATE FUNCTION cox_add(retention_cox_rows, double precision, boolean, double precision[], text) RETURNS retention_cox_rows
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_add';
COMMENT ON FUNCTION cox_add(retention_cox_rows, double precision, boolean, double precision[], text) IS
'transition function of cox_fit()';

CREATE FUNCTION cox_add(retention_cox_rows, double precision, boolean, double precision[], text, double precision) RETURNS retention_cox_rows
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_add';
COMMENT ON FUNCTION cox_add(retention_cox_rows, double precision, boolean, double precision[], text, double precision) IS
'transition function of cox_fit()';

CREATE FUNCTION cox_merge(retention_cox_rows, retention_cox_rows) RETURNS retention_cox_rows
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_merge';
COMMENT ON FUNCTION cox_merge(retention_cox_rows, retention_cox_rows) IS
'combine function of cox_fit()';

CREATE FUNCTION cox_final(retention_cox_rows) RETURNS retention_cox
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cox_final';
COMMENT ON FUNCTION cox_final(retention_cox_rows) IS
'final function of cox_fit(): fits the model';

CREATE AGGREGATE cox_fit(duration double precision, churned boolean, covariates double precision[]) (
    SFUNC = cox_add,
    STYPE = retention_cox_rows,
    SSPACE = 65536,
    FINALFUNC = cox_final,
    COMBINEFUNC = cox_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE cox_fit(double precision, boolean, double precision[]) IS
'proportional hazards regression of the time to leaving on covariates (ties by Efron)';

CREATE AGGREGATE cox_fit(duration double precision, churned boolean, covariates double precision[], ties text) (
    SFUNC = cox_add,
    STYPE = retention_cox_rows,
    SSPACE = 65536,
    FINALFUNC = cox_final,
    COMBINEFUNC = cox_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE cox_fit(double precision, boolean, double precision[], text) IS
'the same with ties by efron or breslow';

CREATE AGGREGATE cox_fit(duration double precision, churned boolean, covariates double precision[], ties text, entry double precision) (
    SFUNC = cox_add,
    STYPE = retention_cox_rows,
    SSPACE = 65536,
    FINALFUNC = cox_final,
    COMBINEFUNC = cox_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE cox_fit(double precision, boolean, double precision[], text, double precision) IS
'the same for customers who came under observation at entry; a NULL entry is from the start';

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
'the coefficients of a model; hazard_ratio and its limits say how many times as fast customers leave for one more of the covariate';

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
