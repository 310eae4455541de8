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
  OUT converged boolean)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cox_summary';
COMMENT ON FUNCTION cox_summary(retention_cox) IS
'a model as a whole: tests that no covariate matters, concordance, and whether the fit converged';
