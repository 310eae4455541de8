-- Churn drivers, reasons of leaving, benchmarks.

CREATE FUNCTION driver_table(
  s retention_drivers,
  confidence double precision DEFAULT 0.95)
RETURNS TABLE (
  attribute text,
  value text,
  customers bigint,
  share numeric,
  churned bigint,
  churn_rate numeric,
  ci_low numeric,
  ci_high numeric,
  risk_ratio double precision,
  risk_ratio_low double precision,
  risk_ratio_high double precision,
  lift double precision,
  min_expected double precision,
  odds_ratio double precision,
  odds_ratio_low double precision,
  odds_ratio_high double precision,
  weight_of_evidence double precision,
  note text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 50
AS 'MODULE_PATHNAME', 'driver_table';
COMMENT ON FUNCTION driver_table(retention_drivers, double precision) IS
'every value of every attribute: its customers, their share and churn rate in per cent (Wilson limits), the '
'relative risk (Koopman limits) and the odds ratio (Woolf limits) against all other customers, the lift over all '
'customers and the weight of evidence; limits are not adjusted for the number of values';

CREATE FUNCTION driver_ranking(s retention_drivers)
RETURNS TABLE (
  attribute text,
  "values" integer,
  chi2 double precision,
  df integer,
  p_value double precision,
  p_adjusted double precision,
  cramers_v double precision,
  cramers_v_corrected double precision,
  information_value double precision,
  auc double precision,
  ks double precision,
  note text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'driver_ranking';
COMMENT ON FUNCTION driver_ranking(retention_drivers) IS
'the attributes by the strength of their association with churn (bias-corrected Cramer''s V), with a chi-squared '
'test, p-values adjusted for all attributes, and information value; rare values are put together; numbers have the '
'AUC and the Kolmogorov-Smirnov distance of the number itself as a churn score';

CREATE FUNCTION driver_summary(
  s retention_drivers,
  OUT customers bigint,
  OUT churned bigint,
  OUT unknown bigint,
  OUT attributes integer)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'driver_summary';
COMMENT ON FUNCTION driver_summary(retention_drivers) IS
'what a summary of drivers holds: customers, those who churned, and rows left out because churned was NULL';

-- Reasons.

CREATE TABLE retention_churn_reason (
  reason text NOT NULL PRIMARY KEY,
  category text,
  mitigated_by text,
  involuntary boolean NOT NULL DEFAULT false,
  built_in boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE retention_churn_reason IS
'reasons for leaving and who can do something about them; rows of your own survive dump and restore';
COMMENT ON COLUMN retention_churn_reason.reason IS 'the reason as your data have it';
COMMENT ON COLUMN retention_churn_reason.category IS 'where in the customer lifecycle it arises';
COMMENT ON COLUMN retention_churn_reason.mitigated_by IS 'the teams that can do something about it';
COMMENT ON COLUMN retention_churn_reason.involuntary IS
'whether the customer left without deciding to, as with a failed payment';
COMMENT ON COLUMN retention_churn_reason.built_in IS
'came with the extension and is created again with it, so it is not dumped';

INSERT INTO retention_churn_reason (reason, category, mitigated_by, involuntary, built_in) VALUES
  ('wrong use case', 'acquisition', 'marketing and sales', false, true),
  ('failed launch', 'onboarding', 'sales and onboarding', false, true),
  ('features and functionality', 'product', 'product and support', false, true),
  ('low usage', 'adoption', 'support and onboarding', false, true),
  ('ROI and value', 'value', 'support metrics and relationship management', false, true),
  ('client or organisational change', 'customer', 'support and relationship management', false, true),
  ('payment failed', 'billing', 'finance and support', true, true);

SELECT pg_catalog.pg_extension_config_dump('retention_churn_reason', 'WHERE NOT built_in');
GRANT SELECT, INSERT ON retention_churn_reason TO PUBLIC;
CREATE TRIGGER check_extension_owner BEFORE INSERT ON retention_churn_reason
FOR EACH STATEMENT EXECUTE FUNCTION retention_internal.check_extension_owner();
COMMENT ON TRIGGER check_extension_owner ON retention_churn_reason IS 'rows are added by the owner of the extension';

CREATE FUNCTION reason_shares(
  s retention_reasons,
  confidence double precision DEFAULT 0.95)
RETURNS TABLE (
  reason text,
  customers bigint,
  share numeric,
  ci_low numeric,
  ci_high numeric,
  cumulative_share numeric)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'reason_shares';
COMMENT ON FUNCTION reason_shares(retention_reasons, double precision) IS
'known reasons, most frequent first, with their shares in per cent and simultaneous limits (Goodman); then the '
'unknown ones with their share of all';

CREATE FUNCTION reason_table(
  s retention_reasons,
  confidence double precision DEFAULT 0.95)
RETURNS TABLE (
  reason text,
  category text,
  mitigated_by text,
  customers bigint,
  share numeric,
  ci_low numeric,
  ci_high numeric,
  cumulative_share numeric)
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT n.reason, r.category, r.mitigated_by, n.customers, n.share, n.ci_low, n.ci_high, n.cumulative_share
  FROM @extschema@.reason_shares($1, $2) WITH ORDINALITY
    AS n (reason, customers, share, ci_low, ci_high, cumulative_share, place)
    LEFT JOIN @extschema@.retention_churn_reason AS r ON r.reason OPERATOR(pg_catalog.=) n.reason
  ORDER BY n.place
$$;
COMMENT ON FUNCTION reason_table(retention_reasons, double precision) IS
'reasons, most frequent first, with category and teams from retention_churn_reason, shares in per cent of the known '
'ones, simultaneous limits (Goodman) and cumulative share (Pareto)';

-- Reference.

CREATE TABLE retention_benchmark (
  industry text NOT NULL,
  retention_rate numeric NOT NULL CHECK (retention_rate >= 0 AND retention_rate <= 100),
  period text NOT NULL DEFAULT 'year',
  year integer NOT NULL,
  source text,
  built_in boolean NOT NULL DEFAULT false,
  PRIMARY KEY (industry, period, year)
);
COMMENT ON TABLE retention_benchmark IS
'retention rates of industries in per cent; rows of your own survive dump and restore';
COMMENT ON COLUMN retention_benchmark.industry IS 'the name, in upper or lower case';
COMMENT ON COLUMN retention_benchmark.retention_rate IS
'per cent of the customers at the start who are there at the end of the period';
COMMENT ON COLUMN retention_benchmark.period IS 'against_benchmark() compares with rates of a year';
COMMENT ON COLUMN retention_benchmark.year IS 'against_benchmark() compares with the latest one of an industry';
COMMENT ON COLUMN retention_benchmark.source IS 'where the figure comes from';
COMMENT ON COLUMN retention_benchmark.built_in IS
'came with the extension and is created again with it, so it is not dumped';

INSERT INTO retention_benchmark (industry, retention_rate, period, year, source, built_in) VALUES
  ('retail', 63, 'year', 2020, 'industry average as widely quoted', true),
  ('banking', 75, 'year', 2020, 'industry average as widely quoted', true),
  ('telecom', 78, 'year', 2020, 'industry average as widely quoted', true),
  ('IT', 81, 'year', 2020, 'industry average as widely quoted', true),
  ('insurance', 83, 'year', 2020, 'industry average as widely quoted', true),
  ('professional services', 84, 'year', 2020, 'industry average as widely quoted', true),
  ('media', 84, 'year', 2020, 'industry average as widely quoted', true);

SELECT pg_catalog.pg_extension_config_dump('retention_benchmark', 'WHERE NOT built_in');
GRANT SELECT, INSERT ON retention_benchmark TO PUBLIC;
CREATE TRIGGER check_extension_owner BEFORE INSERT ON retention_benchmark
FOR EACH STATEMENT EXECUTE FUNCTION retention_internal.check_extension_owner();
COMMENT ON TRIGGER check_extension_owner ON retention_benchmark IS 'rows are added by the owner of the extension';

CREATE FUNCTION rate_p_value(hits bigint, total bigint, rate double precision) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'binomial_test';
COMMENT ON FUNCTION rate_p_value(bigint, bigint, double precision) IS
'exact two-sided p-value of hits out of total if the true rate were the given one, in per cent; NULL if total is 0';

CREATE FUNCTION against_benchmark(
  hits bigint,
  total bigint,
  industry text,
  confidence double precision DEFAULT 0.95,
  OUT benchmark_industry text,
  OUT year integer,
  OUT benchmark numeric,
  OUT retention_rate numeric,
  OUT difference numeric,
  OUT ci_low numeric,
  OUT ci_high numeric,
  OUT p_value double precision)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  known text;
BEGIN
  SELECT b.industry, b.year, b.retention_rate INTO benchmark_industry, year, benchmark
  FROM @extschema@.retention_benchmark AS b
  WHERE lower(b.industry) OPERATOR(pg_catalog.=) lower($3) AND b.period OPERATOR(pg_catalog.=) 'year'
  ORDER BY b.year DESC, b.industry
  LIMIT 1;
  IF NOT FOUND THEN
    SELECT string_agg(DISTINCT b.industry COLLATE pg_catalog."C", ', ') INTO known
    FROM @extschema@.retention_benchmark AS b WHERE b.period OPERATOR(pg_catalog.=) 'year';
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('no yearly benchmark of industry "%s"', $3),
      HINT = format('There are benchmarks of %s. Add your own to the table retention_benchmark.', known);
  END IF;
  p_value := @extschema@.rate_p_value($1, $2, benchmark::double precision);
  IF $2 OPERATOR(pg_catalog.>) 0 THEN
    retention_rate := trim_scale((100 OPERATOR(pg_catalog.*) $1::numeric) OPERATOR(pg_catalog./) $2::numeric);
    difference := retention_rate OPERATOR(pg_catalog.-) benchmark;
    SELECT i.low OPERATOR(pg_catalog.-) benchmark, i.high OPERATOR(pg_catalog.-) benchmark INTO ci_low, ci_high
    FROM @extschema@.rate_interval($1::numeric, $2::numeric, $4, text 'wilson') AS i;
  END IF;
END
$$;
COMMENT ON FUNCTION against_benchmark(bigint, bigint, text, double precision) IS
'a yearly retention rate (hits of total) against that of an industry: the difference in percentage points, its '
'confidence limits and the exact p-value of no difference';

CREATE FUNCTION against_benchmark(
  rate numeric,
  industry text,
  OUT benchmark_industry text,
  OUT year integer,
  OUT benchmark numeric,
  OUT retention_rate numeric,
  OUT difference numeric)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  IF NOT ($1 OPERATOR(pg_catalog.=) 0 OR $1 BETWEEN 1 AND 100) THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('rate must be 0, or lie between 1 and 100, not %s', $1),
      HINT = 'Rates are per cent: write 95 for 95 per cent.';
  END IF;
  SELECT b.benchmark_industry, b.year, b.benchmark, $1, $1 OPERATOR(pg_catalog.-) b.benchmark
  INTO benchmark_industry, year, benchmark, retention_rate, difference
  FROM @extschema@.against_benchmark(0::bigint, 0::bigint, $2, 0.95::double precision) AS b;
END
$$;
COMMENT ON FUNCTION against_benchmark(numeric, text) IS
'a yearly retention rate in per cent against that of an industry; without counts of customers there is no '
'confidence interval';

CREATE FUNCTION against_benchmark(
  flow retention_flow,
  industry text,
  confidence double precision DEFAULT 0.95,
  OUT benchmark_industry text,
  OUT year integer,
  OUT benchmark numeric,
  OUT retention_rate numeric,
  OUT difference numeric,
  OUT ci_low numeric,
  OUT ci_high numeric,
  OUT p_value double precision)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  periods bigint;
  bounds text;
  yearly boolean;
  observed boolean;
  kept bigint;
  at_start bigint;
BEGIN
  SELECT count(*), min(format('%s to %s', f.period_start, f.period_end)),
    bool_and(f.period_end OPERATOR(pg_catalog.=) (f.period_start OPERATOR(pg_catalog.+) interval '1 year')),
    bool_and(f.status OPERATOR(pg_catalog.=) 'observed'), sum(f.kept)::bigint, sum(f.at_start)::bigint
  INTO periods, bounds, yearly, observed, kept, at_start
  FROM @extschema@.flow_periods($1, text 'kept', text 'lost', double precision '0.95') AS f;
  IF (periods OPERATOR(pg_catalog.<>) 1) OR NOT yearly THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = 'a benchmark can only be compared with a flow of one year',
      DETAIL = CASE WHEN periods OPERATOR(pg_catalog.=) 1 THEN format('The flow is of %s.', bounds)
        ELSE format('The flow has %s periods.', periods) END,
      HINT = 'Make a flow of one year, or convert a rate to a year by compound_retention().';
  END IF;
  IF NOT observed THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = 'a benchmark can only be compared with a year that is over',
      DETAIL = format('The flow is of %s and is not known to its end.', bounds);
  END IF;
  SELECT b.* INTO benchmark_industry, year, benchmark, retention_rate, difference, ci_low, ci_high, p_value
  FROM @extschema@.against_benchmark(kept, at_start, $2, $3) AS b;
END
$$;
COMMENT ON FUNCTION against_benchmark(retention_flow, text, double precision) IS
'the retention of a flow of one year against that of an industry: the difference in percentage points, its '
'confidence limits and the exact p-value of no difference';
