-- Logistic regression: a fitted model, and what it says.

CREATE FUNCTION logit_table(
  fit retention_logit,
  names text[] DEFAULT NULL,
  confidence double precision DEFAULT 0.95)
RETURNS TABLE (
  covariate text,
  coefficient double precision,
  odds_ratio double precision,
  std_error double precision,
  ci_low double precision,
  ci_high double precision,
  z double precision,
  p_value double precision,
  note text)
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'logit_table';
COMMENT ON FUNCTION logit_table(retention_logit, text[], double precision) IS
'the coefficients of a logistic model, the intercept first; odds_ratio is the factor by which the odds of leaving '
'change for one more of the covariate';

CREATE FUNCTION logit_summary(
  fit retention_logit,
  OUT customers bigint,
  OUT churned bigint,
  OUT unknown bigint,
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
  OUT iterations integer,
  OUT converged boolean,
  OUT note text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'logit_summary';
COMMENT ON FUNCTION logit_summary(retention_logit) IS
'a logistic model as a whole: tests that no covariate matters, concordance (the area under the ROC curve), and whether '
'the fit converged';
