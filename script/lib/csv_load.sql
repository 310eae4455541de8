-- Turns the lines of a file (table raw: line, c1, c2, ...) into one row per customer (table presence).
--   psql -v kind=orders|presence -v customer=c1 -v start=c2 -v end=c3 -v amount= -v silence=90 -v dates= -v as_of=
-- For orders, start is the time of the order. Sets variables of psql for the reports.
SET timezone = 'UTC';
SET client_min_messages = notice;
\set VERBOSITY terse

-- The value in a column, without blanks; words that mean "no value" are NULL.
CREATE FUNCTION cell(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN lower(btrim(value, E' \t')) NOT IN ('', 'null', 'none', 'na', 'n/a', 'nan', 'nat', '\n', '-')
    THEN btrim(value, E' \t') END
$$;

-- A wall-clock time; one with an offset is converted to UTC.
CREATE FUNCTION moment(value text) RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT value::timestamptz AT TIME ZONE 'UTC' $$;

-- 12,50 and 12.50, with or without a currency sign before it.
CREATE FUNCTION money_amount(value text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT (CASE WHEN value ~ '^[^0-9-]?-?[0-9]+,[0-9]{1,2}$' THEN translate(value, ',€$£', '.')
    ELSE translate(value, ',€$£', '') END)::numeric
$$;

-- Says which lines of a column cannot be read as what they should be, the first five of them.
CREATE FUNCTION refuse_column(col text, form text, what text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  r record;
  bad text[] := '{}';
BEGIN
  FOR r IN EXECUTE format('SELECT line, cell(%I) AS value FROM raw WHERE cell(%1$I) IS NOT NULL '
    'ORDER BY line', col) LOOP
    BEGIN
      EXECUTE format('SELECT %s(%L)', form, r.value);
    EXCEPTION WHEN data_exception THEN
      bad := bad || format('line %s: "%s" is not %s', r.line + 1, r.value, what);
      EXIT WHEN cardinality(bad) = 5;
    END;
  END LOOP;
  IF bad <> '{}' THEN
    RAISE EXCEPTION '%', array_to_string(bad, E'\n  ');
  END IF;
END
$$;

CREATE FUNCTION load_file(kind text, customer text, started text, ended text, amount text, silence int, dates text)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  cols text[] := CASE WHEN kind = 'orders' THEN ARRAY[started] ELSE ARRAY[started, ended] END;
  styles text[] := CASE WHEN dates <> '' THEN ARRAY[dates] ELSE ARRAY['MDY', 'DMY'] END;
  style text;
  col text;
  sample text;
  r record;
  n bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM raw) THEN
    RAISE EXCEPTION 'the file has a header and no lines below it';
  END IF;

  -- Words such as "today" are times to PostgreSQL, not in a file.
  FOREACH col IN ARRAY cols LOOP
    EXECUTE format('SELECT line, cell(%I) AS value FROM raw WHERE cell(%1$I) !~ ''^[0-9]'' ORDER BY line LIMIT 1', col)
      INTO r;
    IF r.line IS NOT NULL THEN
      RAISE EXCEPTION 'line %: "%" is not a date or a time', r.line + 1, r.value;
    END IF;
    IF sample IS NULL THEN
      EXECUTE format('SELECT cell(%I) FROM raw WHERE cell(%1$I) ~ ''^[0-9]{1,2}[./-][0-9]{1,2}[./-]'' LIMIT 1', col)
        INTO sample;
    END IF;
  END LOOP;
  IF dates = '' AND sample ~ '\.' THEN
    styles := ARRAY['DMY', 'MDY'];
  END IF;

  FOREACH style IN ARRAY styles LOOP
    PERFORM set_config('datestyle', 'ISO, ' || style, false);
    BEGIN
      EXECUTE format(
        'CREATE TABLE visits AS SELECT line + 1 AS line, cell(%I) AS customer, moment(cell(%I)) AS started, '
          '%s AS ended FROM raw', customer, started,
        CASE WHEN kind = 'orders' THEN format('moment(cell(%I)) + make_interval(days => %s)', started, silence)
          ELSE format('moment(cell(%I))', ended) END);
      EXIT;
    EXCEPTION WHEN data_exception THEN
      NULL;
    END;
  END LOOP;
  IF to_regclass('visits') IS NULL THEN
    PERFORM set_config('datestyle', 'ISO, ' || styles[1], false);
    FOREACH col IN ARRAY cols LOOP
      PERFORM refuse_column(col, 'moment', 'a date or a time');
    END LOOP;
    RAISE EXCEPTION 'the dates of the two columns are not written in the same way';
  END IF;
  IF sample IS NOT NULL THEN
    RAISE NOTICE 'dates such as % are read as %; --dates MDY, DMY or YMD reads them otherwise', sample,
      CASE style WHEN 'MDY' THEN 'month, day, year' WHEN 'DMY' THEN 'day, month, year' ELSE 'year, month, day' END;
  END IF;

  SELECT v.line, v.started AS s, v.ended AS e INTO r FROM visits v WHERE v.ended < v.started ORDER BY line LIMIT 1;
  IF r.line IS NOT NULL THEN
    RAISE EXCEPTION 'line %: it ends on % before it starts on %', r.line, r.e, r.s;
  END IF;

  IF kind = 'orders' AND amount <> '' THEN
    BEGIN
      EXECUTE format(
        'CREATE TABLE amounts AS SELECT line + 1 AS line, money_amount(cell(%I)) AS amount FROM raw', amount);
    EXCEPTION WHEN data_exception THEN
      PERFORM refuse_column(amount, 'money_amount', 'an amount');
      RAISE;
    END;
  END IF;

  -- Lines without a customer or a time do not count.
  DELETE FROM visits v WHERE v.customer IS NULL OR v.started IS NULL;
  GET DIAGNOSTICS n = ROW_COUNT;
  IF n > 0 THEN
    RAISE NOTICE '% lines have no customer or no time and are left out', n;
  END IF;
  IF NOT EXISTS (SELECT FROM visits) THEN
    RAISE EXCEPTION 'no line has both a customer and a time';
  END IF;
END
$$;

SELECT load_file(:'kind', :'customer', :'start', :'end', :'amount', :silence, :'dates') \g /dev/null
SET datestyle = 'ISO';

SELECT :'kind' = 'orders' AS orders, :'kind' = 'orders' AND :'amount' <> '' AS amounts \gset
\if :amounts
  CREATE TABLE orders AS
  SELECT customer, started AS ordered_at, amount FROM visits JOIN amounts USING (line);
  DROP TABLE amounts;
\elif :orders
  CREATE TABLE orders AS SELECT customer, started AS ordered_at FROM visits;
\else
  CREATE TABLE subscriptions AS SELECT customer, started, ended FROM visits;
\endif

-- From here on each row is a customer.
CREATE TABLE presence AS
SELECT customer, range_agg(tsrange(started, ended)) AS presence FROM visits GROUP BY customer;
COMMENT ON TABLE presence IS 'one row per customer of the file: the times of their membership';

-- The data reach until the end of the last day on which anything happened; an end in the future is a plan.
SELECT CASE
    WHEN :'as_of' <> '' THEN moment(:'as_of')
    WHEN :'orders' THEN date_trunc('day', max(started)) + interval '1 day'
    ELSE date_trunc('day', greatest(max(started), max(ended) FILTER (WHERE ended < localtimestamp))) + interval '1 day'
  END AS as_of,
  count(*) AS lines, count(DISTINCT customer) AS customers, min(started)::date AS first
FROM visits \gset
SELECT date_trunc('month', :'first'::date) AS span_begin,
  date_trunc('month', :'as_of'::timestamp - interval '1 us') + interval '1 month' AS months_end,
  date_trunc('year', :'first'::date) AS years_begin,
  date_trunc('year', :'as_of'::timestamp - interval '1 us') + interval '1 year' AS years_end \gset

DROP TABLE raw, visits;
DROP FUNCTION load_file, refuse_column, money_amount, moment, cell;
ANALYZE;
