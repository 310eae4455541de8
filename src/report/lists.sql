-- report: lists of customers, only where the source says list_customers.

CREATE FUNCTION retention_internal.report_customer(source retention_internal.source, amount text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('jsonb_build_object(''customer'', v.customer::text, ''segments'', jsonb_build_object(%s), '
      '''first_at'', %s, ''last_at'', %s,'
      '''tenure'', round(v.tenure), ''state'', v.state, %s, ''amount'', %s)',
    ltrim(retention_internal.source_segment_list($1, ', %2$L, v.%3$I::text'), ', '), format(d.day, 'first_at'),
    format(d.day, 'last_at'), CASE $1.kind
      WHEN 'events' THEN '''silence'', v.silence, ''usual_gap'', round(v.usual_gap, 1)'
      ELSE '''risk'', round(100 * v.hazard, 1)' END,
    CASE WHEN $1.has_amount THEN $2 ELSE 'NULL' END)
  FROM (SELECT CASE WHEN $1.time_type = 'timestamptz'::regtype
    THEN format('(v.%%s AT TIME ZONE %L)::date', $1.time_zone) ELSE 'v.%s::date' END AS day) AS d
$$;
COMMENT ON FUNCTION retention_internal.report_customer(retention_internal.source, text) IS
'an SQL expression of a row v of the view customers as a report lists it, with an amount given as SQL';

CREATE FUNCTION retention_internal.report_lists(
  source retention_internal.source, as_of text, starts timestamptz, until timestamptz
) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $body$
#variable_conflict use_variable
-- as_of: a time as SQL; NULL: that of the source.
DECLARE
  people constant text := retention_internal.source_view(source, 'customers', as_of);
  held constant boolean := source.kind = 'subscriptions' AND source.has_amount;
  at_risk jsonb;
  losses jsonb;
BEGIN
  -- Of events those who are later than usual, of subscriptions everybody who is there.
  EXECUTE format($q$SELECT jsonb_build_object('count', coalesce(max(v.retention_all), 0), 'customers',
      coalesce(jsonb_agg(%s ORDER BY v.retention_place) FILTER (WHERE v.retention_place <= 10), '[]'))
    FROM (
      SELECT n.*, count(*) OVER () AS retention_all,
        row_number() OVER (ORDER BY n.risk_rank, n.customer) AS retention_place
      FROM (%s) AS n WHERE n.risk_rank %s) AS v$q$,
    retention_internal.report_customer(source, 'v.amount'), people,
    CASE source.kind WHEN 'events' THEN '< 0.5' ELSE 'IS NOT NULL' END) INTO at_risk;
  -- The largest by amount: of events all that they brought, of subscriptions what they held when the period began.
  EXECUTE format($q$SELECT jsonb_build_object('count', coalesce(max(v.retention_all), 0), 'customers',
      coalesce(jsonb_agg(%1$s ORDER BY v.retention_place) FILTER (WHERE v.retention_place <= 10), '[]'))
    FROM (
      SELECT n.*%2$s, count(*) OVER () AS retention_all,
        row_number() OVER (ORDER BY %3$sn.tenure DESC, n.customer) AS retention_place
      FROM (%4$s) AS n JOIN (%5$s) AS m ON m.customer = n.customer%6$s
      WHERE m.segment = 'all' AND m.movement = 'lost' AND m.period_start = %7$s) AS v$q$,
    retention_internal.report_customer(source, CASE WHEN held THEN 'v.retention_amount' ELSE 'v.amount' END),
    CASE WHEN held THEN ', a.amount AS retention_amount' ELSE '' END,
    CASE WHEN source.has_amount THEN CASE WHEN held THEN 'a' ELSE 'n' END || '.amount DESC NULLS LAST, ' ELSE '' END,
    people, retention_internal.source_view(source, 'movements', as_of),
    CASE WHEN held THEN format(' LEFT JOIN (SELECT r.customer, sum(r.amount) AS amount FROM %1$s AS r '
      'WHERE r.started < %2$s AND coalesce(r.ended >= %2$s, true) GROUP BY r.customer) AS a '
      'ON a.customer = n.customer', source.source,
      retention_internal.report_moment(source.time_type, format('%L::timestamptz', starts), source.time_zone))
      ELSE '' END,
    CASE WHEN (@extschema@.grid_options(source.grid)).unit = 'hour' THEN format('%L::timestamptz', starts)
      ELSE format('%L::date', (starts AT TIME ZONE source.time_zone)::date) END) INTO losses;
  RETURN jsonb_build_object('at_risk', at_risk, 'losses', losses || jsonb_build_object(
    'period_start', retention_internal.report_time(starts, source.grid),
    'period_end', retention_internal.report_time(until, source.grid)));
END
$body$;
COMMENT ON FUNCTION retention_internal.report_lists(retention_internal.source, text, timestamptz, timestamptz) IS
'the ten customers most at risk and the ten largest losses of the last complete period, and how many there are';

CREATE FUNCTION retention_internal.page_customers(title text, words text, customers jsonb, segments jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT retention_internal.page_card(title, words, NULL, NULL, retention_internal.page_table((
      SELECT jsonb_agg(e.c || coalesce((SELECT jsonb_object_agg('segment ' || s.key, s.value)
        FROM jsonb_each(e.c -> 'segments') AS s), '{}') ORDER BY e.n)
      FROM jsonb_array_elements(customers) WITH ORDINALITY AS e (c, n)),
    ARRAY[['customer', 'customer', 'word']] || coalesce((SELECT array_agg(ARRAY['segment ' || s.s, s.s, 'word']
      ORDER BY s.n) FROM jsonb_array_elements_text(segments) WITH ORDINALITY AS s (s, n)), '{}')
    || ARRAY[['state', 'state', 'word'], ['first_at', 'since', 'day'], ['last_at', 'last', 'day'],
      ['tenure', 'customer for', 'days'], ['silence', 'silent for', 'days'], ['usual_gap', 'usual gap', 'days'],
      ['risk', 'risk', 'percent'], ['amount', 'amount', 'money']]))
  WHERE jsonb_array_length(customers) > 0
$$;
COMMENT ON FUNCTION retention_internal.page_customers(text, text, jsonb, jsonb) IS
'a list of customers of a report; NULL where it is empty';

CREATE FUNCTION retention_internal.page_lists(report jsonb, unit text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT concat(
    retention_internal.page_customers('Customers most at risk', format(CASE l.source ->> 'kind'
        WHEN 'events' THEN 'The first %s of %s customers who have been silent for longer than is usual for them.'
        ELSE 'The first %s of %s customers, by the share of those who had stayed as long and left within a %s.' END,
      jsonb_array_length(l.risk -> 'customers'), retention_internal.plot_count((l.risk ->> 'count')::numeric), $2),
      l.risk -> 'customers', l.source -> 'segments'),
    retention_internal.page_customers('Largest losses', format('The first %s of %s customers lost in %s.',
      jsonb_array_length(l.losses -> 'customers'), retention_internal.plot_count((l.losses ->> 'count')::numeric),
      retention_internal.page_time((l.losses ->> 'period_start')::timestamp, $2)),
      l.losses -> 'customers', l.source -> 'segments'))
  FROM (SELECT $1 -> 'source' AS source, $1 -> 'at_risk' AS risk, $1 -> 'losses' AS losses) AS l
$$;
COMMENT ON FUNCTION retention_internal.page_lists(jsonb, text) IS 'the lists of customers of a report, if it has any';
