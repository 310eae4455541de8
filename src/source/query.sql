-- source: the parts of a source as SQL text, for the queries of views, reports and kept facts.

CREATE FUNCTION retention_internal.source_customer(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'customer::' || CASE WHEN $1.customer_type IN ('smallint', 'integer', 'bigint') THEN 'bigint'
    WHEN $1.customer_type = 'uuid'::regtype THEN 'uuid' ELSE 'text' END
$$;
COMMENT ON FUNCTION retention_internal.source_customer(retention_internal.source) IS
'the column customer of a source, cast to a type that aggregates take';

CREATE FUNCTION retention_internal.source_event_time(alias name) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- Dates before 1900 and from 2200 on are ways to write "never" and "not known".
  SELECT format('CASE WHEN %1$I.at >= ''1900-01-01 00:00+00'' AND %1$I.at < ''2200-01-01 00:00+00'' THEN %1$I.at END',
    $1)
$$;
COMMENT ON FUNCTION retention_internal.source_event_time(name) IS
'an SQL expression of the time of an event in a row of that name: NULL, so that the row is ignored and counted, where '
'it is not a time from 1900 to 2199';

CREATE FUNCTION retention_internal.source_rows(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('SELECT %s FROM %s AS r', string_agg(CASE c.name
      WHEN 'at' THEN retention_internal.source_event_time('r') || ' AS at'
      ELSE 'r.' || quote_ident(c.name) END, ', ' ORDER BY c.place), $1.source)
  FROM unnest(CASE $1.kind WHEN 'events' THEN '{customer,at}'::name[] ELSE '{customer,started,ended}' END
    || $1.segments
    || CASE WHEN $1.has_amount THEN '{amount}'::name[] ELSE '{}' END
    || CASE WHEN $1.has_reason THEN '{reason}'::name[] ELSE '{}' END) WITH ORDINALITY AS c (name, place)
$$;
COMMENT ON FUNCTION retention_internal.source_rows(retention_internal.source) IS
'a SELECT of the rows of a source: customer, started and ended or at, the segments, amount and reason if it has them';

CREATE FUNCTION retention_internal.source_as_of(source retention_internal.source) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- A time from 2200 on is a way to write "never" and is not the latest time of the data.
  SELECT CASE WHEN $1.has_as_of THEN
      format('(SELECT %s FROM %s LIMIT 1)', CASE retention_internal.source_type($1.source, 'as_of')
        WHEN 'timestamptz'::regtype THEN format('as_of AT TIME ZONE %L', $1.time_zone)
        ELSE 'as_of::timestamp' END, $1.source)
    ELSE format(CASE $1.time_type
        WHEN 'date'::regtype THEN '(SELECT (%1$s + 1)::timestamp FROM %2$s)'
        WHEN 'timestamptz'::regtype THEN '(SELECT %1$s AT TIME ZONE %3$L + ''1 microsecond'' FROM %2$s)'
        ELSE '(SELECT %1$s + ''1 microsecond'' FROM %2$s)' END,
      CASE $1.kind WHEN 'events' THEN 'max(at)'
        ELSE 'greatest(max(started) FILTER (WHERE started < ''2200-01-01 00:00+00''), '
          'max(ended) FILTER (WHERE ended < ''2200-01-01 00:00+00''))' END,
      $1.source || ' WHERE ' || CASE $1.kind WHEN 'events' THEN 'at < ''2200-01-01 00:00+00'''
        ELSE 'started IS NOT NULL' END || ' AND customer IS NOT NULL',
      $1.time_zone)
    END
$$;
COMMENT ON FUNCTION retention_internal.source_as_of(retention_internal.source) IS
'an SQL expression of the time until which the data of a source are known, a timestamp in the zone of its grid';

CREATE FUNCTION retention_internal.source_grid(
  source retention_internal.source, as_of text DEFAULT NULL, plain boolean DEFAULT false
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('(SELECT (%L || coalesce(''; as_of='' || to_char(%s, ''YYYY-MM-DD HH24:MI:SS.US''), ''''))'
      '::@extschema@.retention_grid)',
    CASE WHEN $3 THEN retention_internal.grid_calendar($1.grid) ELSE $1.grid END,
    coalesce($2, retention_internal.source_as_of($1)))
$$;
COMMENT ON FUNCTION retention_internal.source_grid(retention_internal.source, text, boolean) IS
'an SQL expression of the grid of a source with its as_of, or with one given as SQL; it is computed once a query. '
'plain: its calendar periods only, as a flow needs them';

CREATE FUNCTION retention_internal.source_presence(source retention_internal.source, as_of text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
-- An interval is written the same way in every session.
SET intervalstyle = 'postgres' AS $$
DECLARE
  is_date boolean := source.time_type = 'date'::regtype;
  is_instant boolean := source.time_type = 'timestamptz'::regtype;
  known text := coalesce(as_of, retention_internal.source_as_of(source));
  at text := CASE WHEN is_instant THEN format('(at AT TIME ZONE %L)', source.time_zone) ELSE 'at' END;
  segments text;
  firsts text;
BEGIN
  -- A cast makes all three kinds of time comparable in the zone of the grid, whatever the session's is.
  known := CASE WHEN is_date THEN known || '::date'
    WHEN is_instant AND source.kind = 'subscriptions' THEN format('(%s AT TIME ZONE %L)', known, source.time_zone)
    ELSE known END;
  IF source.kind = 'subscriptions' THEN
    -- start: the value of each row itself. Rows that end as they start are nobody's first or latest, unless all are.
    SELECT coalesce(string_agg(CASE source.segments_at WHEN 'start' THEN format(', r.%I', s.segment)
        ELSE format(', first_value(r.%1$I) OVER (PARTITION BY r.customer ORDER BY r.started < coalesce(r.ended, '
          '''infinity'') DESC, r.started%2$s, r.%1$I) AS %1$I', s.segment,
          CASE source.segments_at WHEN 'current' THEN ' DESC' ELSE '' END) END, '' ORDER BY s.place), '')
    INTO segments FROM unnest(source.segments) WITH ORDINALITY AS s (segment, place);
    RETURN format('SELECT r.customer, r.started, CASE WHEN r.ended < k.as_of THEN r.ended END AS ended%s'
      ' FROM %s AS r, (SELECT %s AS as_of) AS k WHERE r.customer IS NOT NULL AND r.started < k.as_of',
      segments, source.source, known);
  END IF;
  SELECT coalesce(string_agg(format(', c.%I', s.segment), '' ORDER BY s.place), ''),
    coalesce(string_agg(format(CASE source.segments_at
        WHEN 'current' THEN ', (array_agg(%1$I ORDER BY at DESC, %1$I) FILTER (WHERE %2$s < %3$s))[1] AS %1$I'
        ELSE ', (array_agg(%1$I ORDER BY at, %1$I))[1] AS %1$I' END, s.segment, at, known), '' ORDER BY s.place), '')
  INTO segments, firsts
  FROM unnest(source.segments) WITH ORDINALITY AS s (segment, place);
  RETURN format('SELECT c.customer, lower(s.stay) AS started, '
      'CASE WHEN upper(s.stay) < k.as_of THEN upper(s.stay) END AS ended%s'
      ' FROM (SELECT customer, range_agg(%s(%s, %s)) AS retention_stays%s FROM %s WHERE at >= ''1900-01-01 00:00+00'''
      ' AND at < ''2200-01-01 00:00+00'' AND customer IS NOT NULL GROUP BY customer) AS c,'
      ' unnest(c.retention_stays) AS s (stay), (SELECT %s AS as_of) AS k WHERE lower(s.stay) < k.as_of',
    segments, CASE WHEN is_date THEN 'daterange' ELSE 'tsrange' END, at,
    format(CASE WHEN is_date THEN '(%s + interval %L)::date' ELSE '%s + interval %L' END, at, source.gone_after),
    firsts, source.source, known);
END
$$;
COMMENT ON FUNCTION retention_internal.source_presence(retention_internal.source, text) IS
'a SELECT of the memberships in a source: customer, started, ended (NULL: still a member) and the segments. Those of '
'events end when the inactivity window after an event is over';

-- Segments, as SQL text.

CREATE FUNCTION retention_internal.source_segment_list(source retention_internal.source, item text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(string_agg(format($2, s.place, s.segment, CASE WHEN s.segment = ANY ('{first_at,last_at,tenure,state,'
      'silence,usual_gap,silence_ratio,renewal_at,hazard,mean_amount,risk_rank,p_alive,expected_purchases}'::name[])
    THEN 'segment_' ELSE '' END || s.segment), '' ORDER BY s.place), '')
  FROM unnest($1.segments) WITH ORDINALITY AS s (segment, place)
$$;
COMMENT ON FUNCTION retention_internal.source_segment_list(retention_internal.source, text) IS
'SQL text for each segment of a source, made by a format from its number, its name, and its name in the view customers';

CREATE FUNCTION retention_internal.source_same(what text, other text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- This can be hashed, IS NOT DISTINCT FROM cannot.
  SELECT format('(%1$s.segment IS NULL) = (%2$s.segment IS NULL) AND coalesce(%1$s.segment, '''') '
    '= coalesce(%2$s.segment, '''') AND (%1$s.value IS NULL) = (%2$s.value IS NULL) '
    'AND coalesce(%1$s.value, '''') = coalesce(%2$s.value, '''')', $1, $2)
$$;
COMMENT ON FUNCTION retention_internal.source_same(text, text) IS
'an SQL condition: two rows have the same segment and value, NULL included';

CREATE FUNCTION retention_internal.source_largest(source retention_internal.source, customers text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $1.top IS NULL OR $1.segments = '{}' THEN ''
    ELSE format(E'largest AS (\n  SELECT o.segment, o.value\n  FROM (\n    SELECT s.segment, s.value, row_number() '
        'OVER (PARTITION BY s.segment\n      ORDER BY count(DISTINCT c.customer) DESC, s.value COLLATE "C") AS place'
        '\n    FROM %s AS c, LATERAL (VALUES %s) AS s (segment, value)\n    GROUP BY s.segment, s.value\n  ) AS o\n'
        '  WHERE o.place <= %s\n),\n',
      $2, ltrim(retention_internal.source_segment_list($1, ', (%2$L, c.%2$I::text)'), ', '), $1.top) END
$$;
COMMENT ON FUNCTION retention_internal.source_largest(retention_internal.source, text) IS
'the part "largest" of a WITH: of each segment the values with most customers, as many as the source tells apart, from '
'a part with customers and segments; empty: the source tells all apart';

CREATE FUNCTION retention_internal.source_by_segment(source retention_internal.source, everybody boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $1.top IS NULL OR $1.segments = '{}' THEN format('(VALUES %s) AS s (segment, value)', v.rows)
    ELSE format('(SELECT v.segment, CASE WHEN v.segment = ''all'' OR l.segment IS NOT NULL THEN v.value '
      'ELSE ''Other'' END AS value FROM (VALUES %s) AS v (segment, value) LEFT JOIN largest AS l ON %s) AS s',
      v.rows, retention_internal.source_same('l', 'v')) END
  FROM (SELECT ltrim(CASE WHEN $2 THEN ', (''all'', ''all'')' ELSE '' END
    || retention_internal.source_segment_list($1, ', (%2$L, c.%2$I::text)'), ', ') AS rows) AS v
$$;
COMMENT ON FUNCTION retention_internal.source_by_segment(retention_internal.source, boolean) IS
'a table s (segment, value) of the values of the segments of a customer c, as SQL text; everybody: and of all/all. '
'Where the source tells only some values apart, it reads the part "largest"';
