-- source: what a table could be registered as, guessed from names, types and the planner's statistics.
-- guess_columns() rates each column for each argument of retention_source(); retention_guess() writes the call.

CREATE FUNCTION retention_internal.guess_columns(relation regclass) RETURNS TABLE (
  name text,
  place integer,
  type regtype,
  known text,
  different bigint,
  least_time timestamp,
  latest_time timestamp,
  given real,
  at_latest real,
  as_customer integer,
  as_started integer,
  as_ended integer,
  as_at integer,
  as_event integer,
  as_amount integer,
  as_reason integer,
  as_segment integer,
  as_filter text
)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
  WITH words AS (
    SELECT '(customer|client|user|account|member|subscriber|buyer|shopper|guest|patient|donor|player|visitor|company|'
        'organi[sz]ation|tenant|contact|person|household|cust|acct|uid)' AS who,
      '^(start|begin|sign.?up|signed|subscri|join|activat|creat|open|valid_?from|effective|from|since|enrol|register|'
        'contract_?start|first)|(_start|_from|_since|_started)$' AS begins,
      '^(end|cancel|churn|left|leave|clos|terminat|expir|valid_?(to|until)|until|deactivat|unsubscri|stop|quit|ceas)|'
        '(_end|_until|_to|_ended|_cancell?ed)(_?(at|on|date))?$' AS finishes,
      '(order|purchas|bought|paid|payment|occur|happen|event|visit|login|logged|seen|transact|invoice|book|play|view|'
        'deliver)' AS happens,
      '(updat|modif|delet|birth|born|insert|load|import|sync|dob)' AS never,
      '(plan|tier|country|region|state|channel|segment|industry|contract|product|source|campaign|gender|category|size|'
        'market|language|device|platform)' AS parts
  ), described AS (
    SELECT a.attname::text AS name, lower(a.attname) AS word, a.attnum::integer AS place, t.type,
      y.typcategory IN ('S', 'E') AS is_word, y.typcategory = 'N' AS is_number, y.typcategory = 'D' AS is_time,
      y.typcategory = 'B' AS is_flag,
      greatest(k.reltuples, 0) AS tuples, s.null_frac,
      CASE WHEN s.n_distinct < 0 THEN round(- s.n_distinct * greatest(k.reltuples, 0))
        ELSE s.n_distinct END::bigint AS different,
      CASE WHEN t.type IN ('date', 'timestamp', 'timestamptz') THEN
        coalesce(s.most_common_vals::text::timestamp[], '{}') || coalesce(s.histogram_bounds::text::timestamp[], '{}')
        END AS times,
      CASE WHEN t.type IN ('date', 'timestamp', 'timestamptz') THEN s.most_common_vals::text::timestamp[] END AS often,
      s.most_common_freqs AS how_often,
      EXISTS (SELECT FROM pg_constraint AS c
        WHERE c.conrelid = $1 AND c.contype = 'p' AND c.conkey = ARRAY[a.attnum]) AS is_key,
      EXISTS (SELECT FROM pg_constraint AS c JOIN pg_class AS f ON f.oid = c.confrelid
        WHERE c.conrelid = $1 AND c.contype = 'f' AND c.conkey = ARRAY[a.attnum] AND lower(f.relname) ~ w.who)
        AS refers,
      lower(k.relname) AS relname, w.*
    FROM words AS w, pg_attribute AS a
    CROSS JOIN LATERAL (SELECT retention_internal.source_type($1, a.attname) AS type) AS t
    JOIN pg_type AS y ON y.oid = t.type
    JOIN pg_class AS k ON k.oid = a.attrelid
    JOIN pg_namespace AS n ON n.oid = k.relnamespace
    LEFT JOIN LATERAL (
      SELECT s.* FROM pg_stats AS s
      WHERE s.schemaname = n.nspname AND s.tablename = k.relname AND s.attname = a.attname
      ORDER BY s.inherited DESC LIMIT 1) AS s ON true
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
  )
  SELECT d.name, d.place, d.type,
    concat_ws(', ', 'by its name',
      CASE WHEN d.word IN ('id', 'uuid') AND d.relname ~ d.who THEN 'and that of the table' END,
      CASE WHEN d.refers THEN 'it refers to a table of customers' END,
      CASE WHEN d.different IS NOT NULL THEN d.different || ' different values' END,
      CASE WHEN d.null_frac >= 0.005 THEN round((100 * d.null_frac)::numeric) || ' % NULL' END),
    d.different,
    (SELECT min(v.v) FROM unnest(d.times) AS v (v) WHERE isfinite(v.v)),
    -- A time from 2200 on means never.
    (SELECT max(v.v) FROM unnest(d.times) AS v (v) WHERE isfinite(v.v) AND v.v < '2200-01-01'),
    1 - d.null_frac,
    (SELECT o.share FROM unnest(d.often, d.how_often) AS o (v, share)
     WHERE o.v = (SELECT max(v.v) FROM unnest(d.times) AS v (v) WHERE v.v < '2200-01-01')),
    CASE WHEN d.type IN ('smallint', 'integer', 'bigint', 'uuid', 'text', 'varchar', 'bpchar') THEN
      CASE WHEN d.word ~ ('^' || d.who || '_?(id|key|no|nr|num|number|uuid|code|guid)?$') THEN 100
        WHEN d.word ~ d.who AND d.word ~ '(id|key|no|nr|number|uuid|code)$' THEN 80
        WHEN d.word IN ('id', 'uuid') AND d.relname ~ d.who THEN 75
        WHEN d.word ~ d.who THEN 40 WHEN d.word ~ '(^|_)(id|uuid)$' THEN 25 ELSE 0 END
      + CASE WHEN d.refers THEN 60 ELSE 0 END - CASE WHEN d.is_key THEN 15 ELSE 0 END
      - CASE WHEN d.different < 10 AND d.tuples > 100 THEN 60 ELSE 0 END END,
    CASE WHEN d.is_time AND d.times IS NOT NULL AND d.word ~ d.begins AND d.word !~ d.never THEN 40 END,
    CASE WHEN d.is_time AND d.times IS NOT NULL AND d.word ~ d.finishes AND d.word !~ d.never
      THEN 40 + CASE WHEN d.null_frac > 0 THEN 10 ELSE 0 END END,
    CASE WHEN d.is_time AND d.times IS NOT NULL THEN CASE WHEN d.word ~ d.never THEN -50 WHEN d.word ~ d.happens THEN 40
      WHEN d.word ~ '^(at|ts|time|timestamp|date|day|when)$' THEN 35 WHEN d.word ~ d.begins THEN 20 ELSE 0 END END,
    CASE WHEN d.is_word AND d.word ~ '^(event|event_?(name|type)|action|activity|kind|type|name)$' THEN 10 END,
    CASE WHEN d.is_number AND d.word ~ '(amount|price|revenue|total|value|mrr|arr|fee|charge|paid|gross|net|turnover)'
        AND NOT d.word ~ d.who
      THEN CASE WHEN d.word ~ '(amount|revenue|mrr)' THEN 20 ELSE 10 END END,
    CASE WHEN d.is_word AND d.word ~ '(reason|^why$|cause)' THEN 10 END,
    CASE WHEN (d.is_word OR d.is_flag OR d.type IN ('smallint', 'integer')) AND NOT d.is_key
        AND d.word !~ '((^|_)id$|test|internal|deleted)'
        AND d.word NOT IN ('customer', 'started', 'ended', 'at', 'amount', 'reason', 'all') THEN
      CASE WHEN d.word ~ d.parts AND coalesce(d.different BETWEEN 2 AND 100, true) THEN 20
        WHEN (d.is_word OR d.is_flag) AND d.different BETWEEN 2 AND 30 AND d.null_frac < 0.5 THEN 10 END END,
    CASE WHEN d.is_flag AND d.word ~ '(^|_)(test|internal|demo|fake|deleted)'
        THEN quote_ident(d.name) || ' IS NOT TRUE'
      WHEN d.is_time AND d.word ~ '(^|_)deleted' THEN quote_ident(d.name) || ' IS NULL' END
  FROM described AS d
  ORDER BY d.place
$$;
COMMENT ON FUNCTION retention_internal.guess_columns(regclass) IS
'how well each column of a relation would do as each argument of retention_source(), NULL: not at all; and what '
'statistics say: shares of rows that have a value (given) and of those that have the latest one (at_latest)';

CREATE FUNCTION retention_internal.guess_times(
  relation regclass, OUT kind text, OUT started text, OUT ended text, OUT at text, OUT type regtype,
  OUT first timestamp, OUT latest timestamp, OUT planned text, OUT reasons text[]
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  c record;
BEGIN
  -- A start and an end of one type make subscriptions; any other time makes events.
  SELECT s.name AS started, e.name AS ended, s.type, s.known AS started_known, e.known AS ended_known,
    least(s.least_time, e.least_time) AS first, greatest(s.latest_time, e.latest_time) AS latest,
    -- Who paid until then may stay. Where ends are entered when they happen, some rows have none.
    CASE WHEN e.latest_time <= s.latest_time THEN NULL
      WHEN e.given > 0.99 THEN CASE e.given WHEN 1 THEN 'every row has an end' ELSE 'nearly every row has an end' END
      WHEN e.at_latest > 0.1 THEN format('%s %% of the rows end on the last day', round((100 * e.at_latest)::numeric))
      END AS planned
  INTO c
  FROM retention_internal.guess_columns(relation) AS s
  JOIN retention_internal.guess_columns(relation) AS e ON e.type = s.type AND e.name <> s.name
  WHERE s.as_started > 0 AND e.as_ended > 0
  ORDER BY s.as_started + e.as_ended DESC, s.place, e.place LIMIT 1;
  IF FOUND THEN
    started := c.started;
    ended := c.ended;
    kind := 'subscriptions';
    type := c.type;
    first := c.first;
    latest := c.latest;
    planned := c.planned;
    reasons := reasons || format('%s looks like subscriptions: a row has a start and an end', relation)
      || format('started: %I (%s)', started, c.started_known) || format('ended: %I (%s)', ended, c.ended_known);
  ELSE
    SELECT g.* INTO c FROM retention_internal.guess_columns(relation) AS g
    WHERE g.as_at IS NOT NULL ORDER BY g.as_at DESC, g.place LIMIT 1;
    IF NOT FOUND THEN
      PERFORM retention_internal.refuse('22023', format('no column of %s is a date or a timestamp', relation),
        hint => 'A view over the table can cast the column that holds the time.');
    END IF;
    kind := 'events';
    at := c.name;
    type := c.type;
    first := c.least_time;
    latest := c.latest_time;
    reasons := reasons || format('%s looks like events: a row has a time and no end', relation)
      || format('at: %I (%s)', at, CASE WHEN c.as_at > 0 THEN c.known
        ELSE regexp_replace(c.known, '^by its name', 'by its type') END);
  END IF;
END
$$;
COMMENT ON FUNCTION retention_internal.guess_times(regclass) IS
'which columns hold the times of a source, of which kind that makes it, why its ends look planned, and the reasons';

CREATE FUNCTION retention_internal.guess_unit(type regtype, first timestamp, latest timestamp) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- About a dozen periods or more, as far as there are.
  SELECT CASE
    WHEN $2 IS NULL THEN 'month'
    WHEN $3 - $2 < interval '3 days' AND $1 <> 'date'::regtype THEN 'hour'
    WHEN $3 - $2 < interval '45 days' THEN 'day'
    WHEN $3 - $2 < interval '200 days' THEN 'week'
    ELSE 'month' END
$$;
COMMENT ON FUNCTION retention_internal.guess_unit(regtype, timestamp, timestamp) IS
'the unit of a grid for times of a span';

CREATE FUNCTION retention_guess(relation regclass) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  c record;
  source_name text;
  t record;
  customer text;
  event text;
  amount text;
  reason text;
  segments text[];
  unit text;
  as_of text;
  filter text;
  reasons text[];
  arguments text[];
BEGIN
  SELECT k.relname INTO source_name FROM pg_class AS k
  WHERE k.oid = relation AND k.relkind IN ('r', 'p', 'v', 'm', 'f');
  IF NOT FOUND THEN
    PERFORM retention_internal.refuse('42809',
      format('%s is not a table or a view', coalesce(relation::text, 'NULL')));
  END IF;
  IF NOT has_any_column_privilege(relation, 'SELECT') THEN
    PERFORM retention_internal.refuse('42501', format('permission denied for %s', relation));
  END IF;
  WHILE octet_length(source_name || '_retention') > 52 LOOP
    source_name := left(source_name, -1);
  END LOOP;

  t := retention_internal.guess_times(relation);
  reasons := t.reasons;
  SELECT g.* INTO c FROM retention_internal.guess_columns(relation) AS g
  WHERE g.as_customer IS NOT NULL ORDER BY g.as_customer DESC, g.place LIMIT 1;
  IF NOT FOUND THEN
    PERFORM retention_internal.refuse('22023', format('no column of %s can be a customer', relation),
      hint => 'A customer is an integer, a uuid or a text; a view over the table can cast the column.');
  END IF;
  customer := c.name;
  reasons := reasons || format('customer: %I (%s)', customer, CASE WHEN c.as_customer >= 25 THEN c.known
    ELSE regexp_replace(c.known, '^by its name', 'by its type only: look twice') END);

  SELECT g.name INTO reason FROM retention_internal.guess_columns(relation) AS g
  WHERE g.as_reason > 0 AND g.name <> customer AND t.kind = 'subscriptions' ORDER BY g.place LIMIT 1;
  IF FOUND THEN
    reasons := reasons || format('reason: %I (by its name)', reason);
  END IF;
  SELECT g.name INTO amount FROM retention_internal.guess_columns(relation) AS g
  WHERE g.as_amount > 0 AND g.name <> customer ORDER BY g.as_amount DESC, g.place LIMIT 1;
  IF FOUND THEN
    reasons := reasons || format('amount: %I (by its name)', amount);
  END IF;
  SELECT g.name INTO event FROM retention_internal.guess_columns(relation) AS g
  WHERE g.as_event > 0 AND g.name <> customer AND t.kind = 'events' ORDER BY g.place LIMIT 1;
  IF FOUND THEN
    reasons := reasons || format('every row counts; to count some only: event => %L, events => ''{...}''', event);
  END IF;
  SELECT array_agg(q.name ORDER BY q.place),
    reasons || coalesce('segments: ' || string_agg(format('%I (%s)', q.name, q.known), ', ' ORDER BY q.place), '')
  INTO segments, reasons
  FROM (
    SELECT g.name, g.place,
      CASE WHEN g.different IS NULL THEN 'by its name' ELSE g.different || ' different values' END AS known
    FROM retention_internal.guess_columns(relation) AS g
    WHERE g.as_segment > 0 AND g.name <> customer AND g.name IS DISTINCT FROM reason
      AND g.name IS DISTINCT FROM event AND g.name IS DISTINCT FROM amount
    ORDER BY g.as_segment DESC, g.place LIMIT 5
  ) AS q;

  SELECT string_agg(g.as_filter, ' AND ' ORDER BY g.place) INTO filter
  FROM retention_internal.guess_columns(relation) AS g WHERE g.as_filter IS NOT NULL;
  IF filter IS NOT NULL THEN
    reasons := reasons || format('filter: %s (by the names)', filter);
  END IF;

  unit := retention_internal.guess_unit(t.type, t.first, t.latest);
  reasons := reasons || (CASE
    WHEN t.first IS NULL THEN 'grid: month; ANALYZE the table and ask again for more'
    ELSE format('grid: %s (rows from %s to %s)', unit, t.first::date, t.latest::date) END
    || CASE WHEN t.type = 'timestamptz'::regtype THEN format(
      '; periods begin at midnight in %s: name another place if that is not yours', current_setting('TimeZone'))
      ELSE '' END);
  IF t.kind = 'subscriptions' AND t.latest > localtimestamp THEN
    as_of := 'now()';
    reasons := reasons || format('as_of: %I reaches into the future, and planned ends are not known yet', t.ended);
  ELSIF t.planned IS NOT NULL THEN
    as_of := format('(SELECT max(%I) + %s FROM %s)', t.started,
      CASE t.type WHEN 'date'::regtype THEN '1' ELSE 'interval ''1 second''' END, relation);
    reasons := reasons || format('as_of: %s: these look like paid-until dates, and who has paid until then may stay; '
      'just after the last start, unless you know better', t.planned);
  END IF;

  -- A line end in a name would end the comment, and the rest of the name would run where the lines are pasted.
  RETURN QUERY SELECT '-- ' || translate(r.r, E'\n\r', '  ') FROM unnest(reasons) AS r (r) WHERE r.r <> '';
  arguments := ARRAY[
    format('customer => %L', customer), 'started => ' || quote_literal(t.started),
    'ended => ' || quote_literal(t.ended), 'at => ' || quote_literal(t.at),
    'segments => ' || quote_literal(segments::text),
    'amount => ' || quote_literal(amount), 'reason => ' || quote_literal(reason),
    format('grid => %L', unit || '; time_zone=' || current_setting('TimeZone')), 'filter => ' || quote_literal(filter),
    'as_of => ' || quote_literal(as_of)];
  RETURN NEXT format('SELECT %s(%L, %L, %L,', '@extschema@.retention_source',
    quote_ident(source_name || '_retention'), t.kind, relation);
  RETURN QUERY SELECT '    ' || a.a || CASE WHEN row_number() OVER (ORDER BY a.place DESC) = 1 THEN ');' ELSE ',' END
    FROM unnest(arguments) WITH ORDINALITY AS a (a, place) WHERE a.a IS NOT NULL ORDER BY a.place;
END
$$;
COMMENT ON FUNCTION retention_guess(regclass) IS
'what a table could be registered as, guessed from names, types and statistics: the reasons as comments, then a call '
'of retention_source() to paste';
