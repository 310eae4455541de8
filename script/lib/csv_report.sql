-- The report on a CSV file; runs in the session of csv_load.sql.
\pset footer off
\pset null '-'
\echo :lines 'lines,' :customers 'customers, from' :first 'on; data until' :as_of
\echo
SELECT clock_timestamp() AS began \gset

\echo 'Month by month, the last 36: at_start + gained + reactivated - lost = at_end.'
\echo
SELECT to_char(period_start, 'YYYY-MM') AS month, at_start, gained, reactivated, lost, at_end, joined_and_left,
  round(retention_rate, 1) AS retention, round(churn_rate, 1) AS churn, status
FROM (
  SELECT *, row_number() OVER (ORDER BY period_start DESC) AS back
  FROM flow_periods((
    SELECT customer_flow(presence, (SELECT retention_grid('month', as_of => :'as_of')),
      tsrange(:'span_begin', :'months_end'))
    FROM presence))
) f
WHERE back <= 36
ORDER BY period_start;

\echo 'Year by year: of the customers at the start of a year, the percentage who left by its end.'
\echo
SELECT to_char(period_start, 'YYYY') AS year, at_start, gained, reactivated, lost, at_end,
  round(retention_rate, 1) AS retention, round(churn_rate, 1) AS churn,
  round(churn_low, 1) || ' to ' || round(churn_high, 1) AS "95 % interval", status
FROM flow_periods((
  SELECT customer_flow(presence, (SELECT retention_grid('year', as_of => :'as_of')),
    tsrange(:'years_begin', :'years_end'))
  FROM presence));

SELECT round(extract(epoch FROM clock_timestamp() - :'began') * 1000) AS took \gset
\echo 'The two tables took' :took 'ms.'
