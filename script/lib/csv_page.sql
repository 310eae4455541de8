-- A CSV file as a source, and its report as a page where one is asked for (page=FILE, and name: what the page calls the
-- file); runs in the session of csv_load.sql.
\if :{?page}
  \if :orders
    SELECT retention_source('file', 'events', 'orders', 'customer', at => 'ordered_at',
      amount => CASE WHEN :'amounts' THEN 'amount'::name END, segments => string_to_array(:'segments', ',')::name[],
      gone_after => make_interval(days => :silence), grid => 'month; time_zone=UTC',
      as_of => format('%L::timestamp', :'as_of')) \g /dev/null
  \else
    SELECT retention_source('file', 'subscriptions', 'subscriptions', 'customer', started => 'started',
      ended => 'ended', segments => string_to_array(:'segments', ',')::name[], grid => 'month; time_zone=UTC',
      as_of => format('%L::timestamp', :'as_of')) \g /dev/null
  \endif
  SELECT retention_report_page(jsonb_set(retention_report('file'), '{source,name}', to_jsonb(:'name'::text)))
  \g (format=unaligned tuples_only=on) :page
\endif
