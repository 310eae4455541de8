-- Rank tests: do groups leave at the same pace?

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
'answer of a rank test: chi-squared, degrees of freedom, p-value, and by group the customers and the observed and '
'expected departures (weighted)';

CREATE FUNCTION logrank_test(VARIADIC states retention_survival[]) RETURNS retention_logrank
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'logrank_test_states';
COMMENT ON FUNCTION logrank_test(retention_survival[]) IS
'log-rank test between stored summaries, in their order: groups 1, 2, ...';

CREATE FUNCTION logrank_test(weighting text, VARIADIC states retention_survival[]) RETURNS retention_logrank
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'logrank_test_states_weighted';
COMMENT ON FUNCTION logrank_test(text, retention_survival[]) IS
'rank test between stored summaries with weighted times';
