-- Cox regression: a fitted model, and what it says.

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
'the coefficients of a model; hazard_ratio is the factor by which the rate of leaving changes for one more of the '
'covariate';

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
  OUT converged boolean,
  OUT strata integer,
  OUT clusters bigint,
  OUT robust boolean,
  OUT event_times bigint,
  OUT baseline_times integer,
  OUT note text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cox_summary';
COMMENT ON FUNCTION cox_summary(retention_cox) IS
'a model as a whole: tests that no covariate matters, concordance, whether the fit converged, and at how many times '
'its baseline is kept';

CREATE FUNCTION cox_zph(
  fit retention_cox,
  names text[] DEFAULT NULL)
RETURNS TABLE (
  covariate text,
  chi2 double precision,
  df integer,
  p_value double precision)
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cox_zph';
COMMENT ON FUNCTION cox_zph(retention_cox, text[]) IS
'the test of proportional hazards: does the coefficient of a covariate change with time? The last row, GLOBAL, is of '
'all covariates together';

CREATE FUNCTION cox_predict(
  fit retention_cox,
  covariates double precision[],
  t double precision,
  given double precision DEFAULT 0,
  stratum text DEFAULT NULL,
  ci text DEFAULT 'log-log',
  confidence double precision DEFAULT 0.95,
  OUT survival double precision,
  OUT std_error double precision,
  OUT ci_low double precision,
  OUT ci_high double precision)
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cox_predict';
COMMENT ON FUNCTION cox_predict(
  retention_cox, double precision[], double precision, double precision, text, text, double precision) IS
'probability (0..1) that a customer with these covariates who is still there at a given time stays longer than t, with '
'limits; NULL if nobody was followed that long';
