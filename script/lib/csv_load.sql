-- Turns the lines of a file (table raw: line, fault, customer, started, ended, amount, plan, country, all text as csv.pl
-- writes it) into a table of subscriptions or orders, and one row per customer (table presence).
--   psql -v kind=orders|presence -v segments=plan,country -v has_amount=1 -v silence=90 -v dates= -v as_of=
-- For orders, started is the time of the order. Sets variables of psql for the reports.
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

-- A wall-clock time, or NULL; one with an offset is converted to UTC. Words such as "today" are times to PostgreSQL, not
-- in a file.
CREATE FUNCTION moment(value text) RETURNS timestamp
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN CASE WHEN value ~ '^[0-9]' THEN value::timestamptz AT TIME ZONE 'UTC' END;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END
$$;

-- 12,50 and 12.50, with or without a currency sign before it; NULL: it is no amount.
CREATE FUNCTION money_amount(value text) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
  RETURN (CASE WHEN value ~ '^[^0-9-]?-?[0-9]+,[0-9]{1,2}$' THEN translate(value, ',€$£', '.')
    ELSE translate(value, ',€$£', '') END)::numeric;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END
$$;

-- What the lines say, read with one order of day, month and year; fault: why a line cannot be read.
CREATE FUNCTION read_lines(kind text, has_amount boolean, silence integer) RETURNS void
LANGUAGE plpgsql SET client_min_messages = warning
AS $$
BEGIN
  DROP TABLE IF EXISTS visits;
  CREATE TABLE visits AS
  SELECT r.line, r.customer, t.started, CASE kind WHEN 'orders' THEN t.started + make_interval(days => silence)
      ELSE t.ended END AS ended, t.amount, r.plan, r.country,
    CASE
      WHEN r.fault IS NOT NULL THEN r.fault
      WHEN t.started IS NULL AND r.started IS NOT NULL THEN format('"%s" is not a date or a time', r.started)
      WHEN t.ended IS NULL AND r.ended IS NOT NULL THEN format('"%s" is not a date or a time', r.ended)
      WHEN t.amount IS NULL AND has_amount AND r.amount IS NOT NULL THEN format('"%s" is not an amount', r.amount)
      WHEN t.ended < t.started THEN format('it ends on %s before it starts on %s', t.ended, t.started)
    END AS fault
  FROM (SELECT line, fault, cell(customer) AS customer, cell(started) AS started, cell(ended) AS ended,
      cell(amount) AS amount, cell(plan) AS plan, cell(country) AS country FROM raw OFFSET 0) AS r,
    LATERAL (SELECT moment(r.started) AS started, moment(r.ended) AS ended,
      CASE WHEN has_amount THEN money_amount(r.amount) END AS amount OFFSET 0) AS t;
END
$$;

CREATE FUNCTION load_file(kind text, segments text, has_amount boolean, silence integer, dates text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  lines bigint := (SELECT count(*) FROM raw);
  sample text := (SELECT cell(v.value) FROM raw AS r, LATERAL (VALUES (1, r.started), (2, r.ended)) AS v (place, value)
    WHERE cell(v.value) ~ '^[0-9]{1,2}[./-][0-9]{1,2}[./-]' ORDER BY v.place, r.line LIMIT 1);
  styles text[] := CASE WHEN dates <> '' THEN ARRAY[dates] WHEN sample IS NULL THEN '{YMD}'
    WHEN sample ~ '\.' THEN '{DMY,MDY}' ELSE '{MDY,DMY}' END;
  style text;
  best text;
  faults bigint;
  least bigint;
  said text;
  n bigint;
BEGIN
  IF lines = 0 THEN
    RAISE EXCEPTION 'the file has a header and no lines below it';
  END IF;

  -- The order of day and month with which the most lines can be read.
  FOREACH style IN ARRAY styles LOOP
    PERFORM set_config('datestyle', 'ISO, ' || style, false);
    PERFORM read_lines(kind, has_amount, silence);
    SELECT count(fault) INTO faults FROM visits;
    IF least IS NULL OR faults < least THEN
      least := faults;
      best := style;
    END IF;
    EXIT WHEN faults = 0;
  END LOOP;
  IF style <> best THEN
    PERFORM set_config('datestyle', 'ISO, ' || best, false);
    PERFORM read_lines(kind, has_amount, silence);
  END IF;
  IF sample IS NOT NULL THEN
    RAISE NOTICE 'dates such as % are read as %; --dates MDY, DMY or YMD reads them otherwise', sample,
      CASE best WHEN 'MDY' THEN 'month, day, year' WHEN 'DMY' THEN 'day, month, year' ELSE 'year, month, day' END;
  END IF;

  IF least > 0 THEN
    SELECT E'\n  ' || string_agg(CASE WHEN place <= 20 THEN format('line %s: %s', line, fault) END, E'\n  ' ORDER BY line)
      || coalesce(E'\n  and the lines ' || string_agg(CASE WHEN place BETWEEN 21 AND 1000 THEN line::text END, ', '
        ORDER BY line), '') || CASE WHEN least > 1000 THEN format(', and %s more', least - 1000) ELSE '' END
    INTO said
    FROM (SELECT line, fault, row_number() OVER (ORDER BY line) AS place FROM visits WHERE fault IS NOT NULL) AS f;
    said := format(CASE least WHEN 1 THEN '1 of %2$s lines cannot be read' ELSE '%s of %s lines cannot be read' END,
      least, lines) || CASE WHEN least * 10 <= lines THEN CASE least WHEN 1 THEN ' and is left out:'
        ELSE ' and are left out:' END ELSE ':' END || said;
    IF least * 10 > lines THEN
      RAISE EXCEPTION '%', said;
    END IF;
    RAISE NOTICE '%', said;
    DELETE FROM visits WHERE fault IS NOT NULL;
  END IF;

  -- Lines without a customer or a time do not count.
  DELETE FROM visits AS v WHERE v.customer IS NULL OR v.started IS NULL;
  GET DIAGNOSTICS n = ROW_COUNT;
  IF n > 0 THEN
    RAISE NOTICE '% lines have no customer or no time and are left out', n;
  END IF;
  IF NOT EXISTS (SELECT FROM visits) THEN
    RAISE EXCEPTION 'no line has both a customer and a time';
  END IF;

  EXECUTE format('CREATE TABLE %s AS SELECT %s FROM visits',
    CASE kind WHEN 'orders' THEN 'orders' ELSE 'subscriptions' END,
    concat_ws(', ', 'customer', CASE kind WHEN 'orders' THEN 'started AS ordered_at' ELSE 'started, ended' END,
      CASE WHEN has_amount THEN 'amount' END, nullif(segments, '')));
END
$$;

SELECT load_file(:'kind', :'segments', :'has_amount' = '1', :silence, :'dates') \g /dev/null
SET datestyle = 'ISO';
SELECT :'kind' = 'orders' AS orders, :'has_amount' = '1' AS amounts \gset

-- From here on each row is a customer.
CREATE TABLE presence AS
SELECT customer, range_agg(tsrange(started, ended)) AS presence FROM visits GROUP BY customer;
COMMENT ON TABLE presence IS 'one row per customer of the file: the times of their membership';

-- The data reach until the end of the last day on which anything happened; an end in the future is a plan.
SELECT CASE
    WHEN :'as_of' <> '' THEN nullif(:'as_of', '')::timestamptz AT TIME ZONE 'UTC'
    WHEN :'orders' THEN date_trunc('day', max(started)) + interval '1 day'
    ELSE date_trunc('day', greatest(max(started), max(ended) FILTER (WHERE ended < localtimestamp))) + interval '1 day'
  END AS as_of,
  count(*) AS lines, count(DISTINCT customer) AS customers, min(started)::date AS first,
  -- A column of many values, such as the name of a product, is no segment.
  concat_ws(',', CASE WHEN count(DISTINCT plan) BETWEEN 2 AND 30 THEN 'plan' END,
    CASE WHEN count(DISTINCT country) BETWEEN 2 AND 30 THEN 'country' END) AS segments
FROM visits \gset
SELECT date_trunc('month', :'first'::date) AS span_begin,
  date_trunc('month', :'as_of'::timestamp - interval '1 us') + interval '1 month' AS months_end,
  date_trunc('year', :'first'::date) AS years_begin,
  date_trunc('year', :'as_of'::timestamp - interval '1 us') + interval '1 year' AS years_end \gset

DROP TABLE raw, visits;
DROP FUNCTION load_file, read_lines, money_amount, moment, cell;
ANALYZE;
