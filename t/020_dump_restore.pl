# Every stored type of the extension survives pg_dump, restore and binary COPY; DROP EXTENSION leaves nothing behind.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
# A grid without a time zone takes the session's: set one for all sessions, before and after the restore.
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
my $folder = PostgreSQL::Test::Utils::tempdir();

# The catalogued objects of a database that are not the server's own.
my $inventory = q{
  SELECT string_agg(line, E'\n' ORDER BY line) FROM (
    SELECT 'function ' || p.oid::regprocedure AS line FROM pg_proc p WHERE p.oid >= 16384
    UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_(toast_)?temp_'
    UNION ALL SELECT 'type ' || t.oid::regtype FROM pg_type t WHERE t.oid >= 16384
    UNION ALL SELECT 'cast ' || castsource::regtype || ' ' || casttarget::regtype FROM pg_cast WHERE oid >= 16384
    UNION ALL SELECT 'operator ' || oid::regoperator FROM pg_operator WHERE oid >= 16384
    UNION ALL SELECT 'operator class ' || opcname FROM pg_opclass WHERE oid >= 16384
    UNION ALL SELECT 'operator family ' || opfname FROM pg_opfamily WHERE oid >= 16384
    UNION ALL SELECT 'relation ' || oid::regclass FROM pg_class
      WHERE oid >= 16384 AND relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'extension ' || extname FROM pg_extension WHERE oid >= 16384
    UNION ALL SELECT 'dependency ' || classid::regclass || ' ' || objid FROM pg_depend WHERE objid >= 16384
    UNION ALL SELECT 'comment ' || description FROM pg_description WHERE objoid >= 16384
  ) s};

$node->safe_psql('postgres', 'CREATE DATABASE one');
my $before = $node->safe_psql('one', $inventory);
$node->safe_psql('one', 'CREATE EXTENSION retention');

# The table with values of each type. A type that is missing here would go untested.
my %kept = (
  numeric_customer     => 'numbers',
  retention_activity   => 'facts',
  retention_cohort_value => 'cohort_values',
  retention_cohorts    => 'summaries',
  retention_cox        => 'fits',
  retention_cox_rows   => 'rows_of_fits',
  retention_drivers    => 'drivers',
  retention_flow       => 'flows',
  retention_gaps       => 'gaps',
  retention_grid       => 'grids',
  retention_incidence  => 'causes',
  retention_logrank_state => 'tests',
  retention_logit      => 'logits',
  retention_mrr        => 'revenue_of_customers',
  retention_population => 'populations',
  retention_purchases  => 'purchases',
  retention_reasons    => 'reasons',
  retention_renewals   => 'renewals',
  retention_rfm_cuts   => 'rfm_cuts',
  retention_rolling    => 'rollings',
  retention_revenue    => 'revenues',
  retention_span       => 'spans',
  retention_survival   => 'survivals',
  retention_survival_drivers => 'survival_drivers',
  retention_trials     => 'trials',
  retention_value      => 'values_of_customers',
);
my @tables = sort values %kept;
is(
  $node->safe_psql(
    'one',
    q{SELECT string_agg(t.typname, ' ' ORDER BY t.typname COLLATE "C") FROM pg_type t
      JOIN pg_depend d ON d.objid = t.oid
      JOIN pg_extension e ON e.oid = d.refobjid AND d.deptype = 'e'
      WHERE extname = 'retention' AND typtype = 'b' AND typcategory <> 'A'}),
  join(' ', sort keys %kept),
  'this test knows every type of the extension');

$node->safe_psql(
  'one', q{
  CREATE TABLE customers AS
    SELECT i AS customer, DATE '2024-01-01' + i % 200 AS started,
      CASE WHEN i % 3 = 0 THEN DATE '2024-01-01' + i % 200 + i % 90 END AS ended
    FROM generate_series(1, 3000) i;
  CREATE TABLE grids (id int PRIMARY KEY, grid retention_grid NOT NULL DEFAULT 'month');
  INSERT INTO grids VALUES
    (1, 'month'), (2, 'week'), (3, retention_grid('week', week_start => 'sunday', time_zone => 'Europe/Berlin')),
    (4, retention_grid('day', brackets => '1-3,4-10', windows => 'elapsed', cohorts => 'recurring', min_events => 2)),
    (5, retention_grid('month', as_of => '2026-04-01 12:34:56.789')),
    (6, retention_grid('28 days', origin => '1999-12-31'));
  CREATE TABLE numbers AS SELECT 1 AS id, 7::numeric::retention_internal.numeric_customer AS customer;
  CREATE TABLE spans AS SELECT 1 AS id, retention_span '[2024-01-01,2024-02-01)' AS span;
  CREATE TABLE flows (id int PRIMARY KEY, flow retention_flow);
  INSERT INTO flows
    SELECT 1, customer_flow(started, ended, 'month', daterange('2024-01-01', '2025-01-01')) FROM customers
    UNION ALL
    SELECT 2, customer_flow(started, ended, daterange('2024-03-01', '2024-04-01')) FROM customers
    UNION ALL
    SELECT 3, customer_flow(started::timestamptz, ended::timestamptz,
        retention_grid('hour', time_zone => 'America/New_York'), tstzrange('2024-03-01', '2024-05-01')) FROM customers
    UNION ALL
    SELECT 4, NULL;
  CREATE TABLE revenue_of_customers AS
    SELECT customer % 500 AS id, mrr_history(started, ended, customer % 7 * 1.25, 'EUR', customer % 2 = 0) AS mrr
    FROM customers GROUP BY 1;
  CREATE TABLE revenues AS
    SELECT 1 AS id, mrr_movements(customer % 500, started, ended, customer % 7 * 1.25,
      'month; reactivation_within=60 days', '[2024-01-01,2025-01-01)', CASE customer % 3 WHEN 0 THEN 'EUR' WHEN 1 THEN 'USD' END)
      AS revenue FROM customers
    UNION ALL SELECT 2, mrr_movements(mrr, 'month', '[2024-01-01,2025-01-01)') FROM revenue_of_customers;
  CREATE TABLE trials AS
    SELECT 1 AS id, trial_conversion(started, ended, 'week', '30 days') AS trials FROM customers;
  CREATE VIEW months AS SELECT f.* FROM flows, flow_periods(flow) f WHERE id = 1;
  CREATE VIEW everything AS SELECT rollup(flow) FROM flows WHERE id = 1;
  CREATE MATERIALIZED VIEW by_half AS
    SELECT customer % 2 AS half, customer_flow(started, ended, 'quarter', daterange('2024-01-01', '2025-01-01')) AS flow
    FROM customers GROUP BY 1;
  CREATE TABLE facts AS
    SELECT customer % 300 AS id, activity(started, 'day') AS fact FROM customers GROUP BY 1
    UNION ALL SELECT 1000 + customer % 5,
      activity(started, retention_grid('28 days', windows => 'elapsed', min_events => 2))
    FROM customers GROUP BY 1;
  CREATE TABLE summaries AS
    SELECT 1 AS id, cohort_retention(customer % 700, started, 'month') AS summary FROM customers
    UNION ALL SELECT 2,
      cohort_retention(customer % 700, started, retention_grid('week', cohorts => 'recurring', brackets => '1-3,4'))
      FROM customers
    UNION ALL SELECT 3, cohort_retention(customer % 700, started, retention_grid('month', windows => 'elapsed'))
      FROM customers;
  CREATE AGGREGATE population_of(bigint, date, retention_grid) (SFUNC = retention_internal.cohort_transfn,
    STYPE = retention_internal.retention_population);
  CREATE TABLE populations AS
    SELECT 1 AS id, population_of(customer % 700, started, 'month') AS population FROM customers
    UNION ALL SELECT 2, population_of(customer, started, 'month') FROM customers WHERE customer < 9;
  CREATE TABLE survivals AS
    SELECT 1 AS id, survival(started, ended, DATE '2024-08-01') AS survival FROM customers
    UNION ALL SELECT 2, survival(customer % 40 + 1, customer % 3 = 0, NULL, 1.5) FROM customers;
  CREATE TABLE causes AS
    SELECT 1 AS id, cumulative_incidence(customer % 40 + 1,
      CASE customer % 3 WHEN 0 THEN 'price' WHEN 1 THEN 'moved' END) AS incidence
    FROM customers;
  CREATE TABLE fits AS
    SELECT 1 AS id, cox_fit(customer % 97 + 1, customer % 3 = 0, ARRAY[customer % 5, customer % 2]::float8[]) AS fit
      FROM customers;
  CREATE TABLE logits AS
    SELECT 1 AS id, logit_fit(customer % 3 = 0, ARRAY[customer % 5, customer % 2]::float8[]) AS fit FROM customers;
  CREATE AGGREGATE rows_of_fit(float8, boolean, float8[]) (SFUNC = retention_internal.cox_transfn,
    STYPE = retention_internal.retention_cox_rows);
  CREATE TABLE rows_of_fits AS
    SELECT 1 AS id, rows_of_fit(customer % 97 + 1, customer % 3 = 0, ARRAY[customer % 5, customer % 2]::float8[])
      AS fit FROM customers;
  CREATE AGGREGATE test_state(float8, boolean, text) (SFUNC = retention_internal.logrank_transfn,
    STYPE = retention_internal.retention_logrank_state);
  CREATE TABLE tests AS
    SELECT 1 AS id, test_state(customer % 97 + 1, customer % 3 = 0, 'group ' || customer % 3) AS state FROM customers;
  CREATE AGGREGATE renewals_state(text, integer, bigint) (SFUNC = retention_internal.renewals_transfn,
    STYPE = retention_internal.retention_renewals);
  CREATE TABLE renewals AS
    SELECT 1 AS id, renewals_state('cohort ' || customer % 9, customer % 5, customer) AS state FROM customers;
  CREATE TABLE models AS
    SELECT 1 AS id, fit_renewal_model(NULL, r, 1000 / (1 + r)) AS model FROM generate_series(0, 9) r
    UNION ALL SELECT 2, retention_model('BG/NBD', '{0.243,4.414,0.793,2.426}');
  CREATE TABLE drivers AS
    SELECT 1 AS id, churn_drivers(customer % 3 = 0, a) AS drivers
    FROM customers, LATERAL (SELECT 'plan ' || customer % 4 AS plan, customer % 7 AS products,
      started > '2024-03-01' AS late) a;
  CREATE TABLE reasons AS
    SELECT 1 AS id, churn_reasons(CASE WHEN customer % 5 > 0 THEN 'reason ' || customer % 5 END) AS reasons
      FROM customers;
  CREATE TABLE purchases AS
    SELECT customer % 300 AS id, purchases(started, customer % 50 - 5, 'week') AS purchases FROM customers GROUP BY 1;
  CREATE TABLE cohort_values AS
    SELECT 1 AS id, cohort_value(customer % 300, started, customer % 50 - 5.25, 'week') AS value FROM customers;
  CREATE TABLE rfm_cuts AS SELECT 1 AS id, rfm_cuts(customer % 40, customer % 7, customer % 50 - 5) AS cuts FROM customers;
  INSERT INTO retention_rfm_segment (position, segment, m_from) VALUES (50, 'patrons of the ferry', 5);
  CREATE TABLE values_of_customers AS
    SELECT 1 AS id, customer_value(customer % 300, started, customer % 50 - 5.25, 'week') AS value FROM customers
    UNION ALL SELECT 2, customer_value(customer % 7, customer % 7, customer, 2.5) FROM customers WHERE customer > 7;
  CREATE TABLE rollings AS
    SELECT 1 AS id, rolling_active((SELECT activity(started + customer::int % n * n, 'day')
      FROM generate_series(1, 4) n)) AS rolling FROM customers;
  CREATE TABLE gaps AS
    SELECT 1 AS id, usage_intervals((SELECT activity(started + customer::int % n * n, 'day')
      FROM generate_series(1, 4) n)) AS gaps FROM customers;
  CREATE TABLE survival_drivers AS
    SELECT 1 AS id, survival_drivers(customer % 97 + 1, customer % 3 = 0, a) AS drivers
    FROM customers, LATERAL (SELECT 'plan ' || customer % 4 AS plan) a;
  INSERT INTO retention_churn_reason (reason, category, mitigated_by)
    VALUES ('the ferry stopped', 'geography', 'a bridge');
  INSERT INTO retention_benchmark (industry, retention_rate, period, year, source)
    VALUES ('ferries', 12, 'year', 2025, 'the harbour');
  CREATE ROLE dump_analyst;
  CREATE SCHEMA "b i";
  CREATE TABLE stays AS SELECT customer, 'plan ' || customer % 3 AS plan, started, ended FROM customers;
  CREATE TABLE "or ders" (who int, at timestamptz, kind text);
  INSERT INTO "or ders" SELECT i % 500, timestamptz '2024-01-01 12:00+00' + i % 400 * interval '1 day', 'paid'
    FROM generate_series(1, 3000) i;
  CREATE TABLE gone (who int, at date);
  GRANT SELECT ON stays TO dump_analyst;
  CREATE SCHEMA analyst AUTHORIZATION dump_analyst;
  SELECT retention_source('"b i".stays', 'subscriptions', 'stays', 'customer', 'started', 'ended',
    segments => '{plan}', as_of => $s$date '2024-09-10'$s$);
  SELECT retention_source('"b i"."or''ders"', 'events', '"or ders"', 'who', at => 'at', event => 'kind',
    events => '{paid}', grid => 'week; time_zone=Europe/Berlin', filter => E'who > 3 -- and\n AND kind <> \'a\nb\'');
  SELECT retention_source('gone_source', 'events', 'gone', 'who', at => 'at');
  CREATE TABLE account (id int PRIMARY KEY, opened date);
  INSERT INTO account SELECT i, DATE '2024-01-01' + i FROM generate_series(1, 100) i;
  CREATE VIEW "b i".grouped AS SELECT id AS customer, opened AS at FROM account GROUP BY id;
  SELECT retention_source_set('"b i".grouped', grid => 'month; time_zone=UTC', gone_after => '5 months',
    keep_runs => 3);
  SELECT retention_source_set('"b i"."or''ders"',
    purchase_model => retention_model('Pareto/NBD', ARRAY[0.1::float8 + 0.2, pi() * 3, 0.606, 11.669]));
  SELECT retention_create_views('"b i".stays'), retention_create_views('"b i"."or''ders"'),
    retention_create_views('"b i".grouped');
  COMMENT ON VIEW "b i".stays_flow IS 'what the board looks at';
  SET ROLE dump_analyst;
  SELECT retention_source('analyst.stays', 'subscriptions', 'stays', 'customer', 'started', 'ended',
    filter => 'customer > 10', presence => 'any');
  SELECT retention_run_report('analyst.stays', '2024-06-01');
  RESET ROLE;
  ALTER TABLE stays ENABLE ROW LEVEL SECURITY;
  CREATE POLICY tenant ON stays TO dump_analyst USING (plan = 'plan 1');
  SET ROLE dump_analyst;
  SELECT retention_run_report('analyst.stays', '2024-07-01', 3);
  RESET ROLE;
  SELECT retention_run_report('"b i".stays');
  DROP TABLE gone CASCADE;
  CREATE FUNCTION grid_of_the_house() RETURNS retention_grid LANGUAGE sql IMMUTABLE
    AS $$ SELECT retention_grid('month') $$;
});

my %look = (
  grids     => 'SELECT id, grid FROM grids ORDER BY id',
  numbers   => 'SELECT id, customer FROM numbers ORDER BY id',
  spans     => 'SELECT id, span FROM spans ORDER BY id',
  flows     => 'SELECT id, flow FROM flows ORDER BY id',
  facts     => 'SELECT id, fact FROM facts ORDER BY id',
  summaries => 'SELECT id, summary FROM summaries ORDER BY id',
  populations => 'SELECT id, population FROM populations ORDER BY id',
  survivals => 'SELECT id, survival FROM survivals ORDER BY id',
  causes    => 'SELECT id, incidence FROM causes ORDER BY id',
  fits      => 'SELECT id, fit FROM fits ORDER BY id',
  logits    => 'SELECT id, fit FROM logits ORDER BY id',
  rows_of_fits => 'SELECT id, fit FROM rows_of_fits ORDER BY id',
  tests     => 'SELECT id, state FROM tests ORDER BY id',
  renewals  => 'SELECT id, state FROM renewals ORDER BY id',
  models    => 'SELECT id, model, (model).parameters FROM models ORDER BY id',
  drivers   => 'SELECT id, drivers FROM drivers ORDER BY id',
  reasons   => 'SELECT id, reasons FROM reasons ORDER BY id',
  rollings  => 'SELECT id, rolling FROM rollings ORDER BY id',
  gaps      => 'SELECT id, gaps FROM gaps ORDER BY id',
  revenue_of_customers => 'SELECT id, mrr FROM revenue_of_customers ORDER BY id',
  revenues  => 'SELECT id, revenue FROM revenues ORDER BY id',
  trials    => 'SELECT id, trials FROM trials ORDER BY id',
  survival_drivers => 'SELECT id, drivers FROM survival_drivers ORDER BY id',
  purchases => 'SELECT id, purchases FROM purchases ORDER BY id',
  values_of_customers => 'SELECT id, value FROM values_of_customers ORDER BY id',
  cohort_values => 'SELECT id, value FROM cohort_values ORDER BY id',
  rfm_cuts  => 'SELECT id, cuts FROM rfm_cuts ORDER BY id',
  rfm_segment => 'SELECT * FROM retention_rfm_segment ORDER BY position',
  churn_reason => 'SELECT reason, category, mitigated_by FROM retention_churn_reason ORDER BY 1',
  benchmark => 'SELECT industry, retention_rate, period, year, source FROM retention_benchmark ORDER BY 1, 4',
  cells     => 'SELECT id, (cohort_cells(summary)).* FROM summaries ORDER BY 1, 2, 4',
  months    => 'SELECT * FROM months',
  everything => 'SELECT * FROM everything',
  by_half   => 'SELECT * FROM by_half ORDER BY half',
  periods   => 'SELECT id, (flow_periods(flow)).* FROM flows WHERE id <> 3 ORDER BY id',
  function  => 'SELECT grid_of_the_house()',
  sources   => 'SELECT * FROM retention_sources',
  settings  => 'SELECT source, grid, gone_after, keep_runs, presence, purchase_model FROM retention_internal.source_setting s
    WHERE EXISTS (SELECT FROM pg_class WHERE oid = source) ORDER BY source::text',
  definitions => q{SELECT s.source, pg_get_viewdef(s.source), reloptions FROM retention_sources s
    JOIN pg_class c ON c.oid = s.source ORDER BY s.source::text},
  owner     => q{SET ROLE dump_analyst; SELECT source, owner, state FROM retention_sources;
    SELECT (retention_internal.source_find('analyst.stays')).keep_runs},
  runs      => 'SELECT * FROM "b i".stays_report_run',
  report    => q{SELECT retention_report('"b i".stays')},
  tenant    => q{SET ROLE dump_analyst;
    SELECT run, state, report ->> 'rows', md5(html) FROM analyst.stays_report_run ORDER BY run;
    SELECT retention_report('analyst.stays', '2024-07-01', 3)},
  changes   => q{SET ROLE dump_analyst; SELECT * FROM retention_report_changes('analyst.stays')},
  view_flow => 'SELECT * FROM "b i".stays_flow',
  view_cohorts => 'SELECT * FROM "b i".stays_cohorts',
  view_segments => 'SELECT * FROM "b i".stays_segments',
  view_survival => q{SELECT * FROM "b i"."or'ders_survival"},
  view_grouped => 'SELECT * FROM "b i".grouped_cohorts',
  view_lifecycle => q{SELECT * FROM "b i"."or'ders_lifecycle"},
  view_customers => q{SELECT customer, p_alive, expected_purchases FROM "b i"."or'ders_customers" ORDER BY customer},
  view_comments => q{SELECT c.relname, c.reloptions, obj_description(c.oid),
      string_agg(col_description(c.oid, attnum), '; ' ORDER BY attnum)
    FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 WHERE relnamespace = '"b i"'::regnamespace
      GROUP BY c.oid ORDER BY 1},
);
my %one = map { $_ => $node->safe_psql('one', $look{$_}) } keys %look;
like($one{periods}, qr/^2\|2024-03-01\|/m, 'there is something to compare');

for my $format ('plain', 'custom') {
  my ($file, $other) = ("$folder/$format.dump", "other_$format");
  $node->command_ok([ 'pg_dump', '-F', $format, '-f', $file, $node->connstr('one') ], "$format dump");
  $node->safe_psql('postgres', "CREATE DATABASE $other");
  $node->command_ok(
    $format eq 'plain'
    ? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, $node->connstr($other) ]
    : [ 'pg_restore', '--exit-on-error', '-d', $node->connstr($other), $file ],
    "$format restore");
  is($node->safe_psql($other, $look{$_}), $one{$_}, "$format: $_ are the same") for sort keys %look;
}

is($node->safe_psql('other_custom', q{SELECT retention_create_views('"b i".stays'); SELECT * FROM "b i".stays_flow;
  SELECT (retention_internal.source_find('"b i".stays')).source}) =~ s/\A(?:\(.*\n)*//r,
  qq{$one{view_flow}\n"b i".stays}, 'a restored source goes on');
is($node->safe_psql('other_custom', qq{SELECT count(*) > 5 FROM retention_create_views('"b i"."or''ders"');
  $look{view_customers}}), "t\n$one{view_customers}", 'the purchase model of a restored source goes on');
is($node->safe_psql('other_custom', q{SET ROLE dump_analyst;
  SELECT retention_run_report('analyst.stays', '2024-07-01', 3) > (SELECT max(run) FROM analyst.stays_report_run);
  SELECT count(*), count(DISTINCT report::text) FROM analyst.stays_report_run WHERE as_of = '2024-07-01'}),
  "t\n2|1", 'a restored table of runs goes on, for a tenant, with the same report');
like($one{tenant}, qr/^1\|done\|2990\|\w+\n2\|done\|\d{3,4}\|\w+\n\{/, 'a tenant sees own runs and own numbers');
unlike($one{tenant}, qr/^2\|done\|2990/m, 'only');
my $settings = 'SELECT count(*) FROM retention_internal.source_setting';
is($node->safe_psql('one', $settings) - $node->safe_psql('other_custom', $settings),
  1, 'the settings of a source that is gone are not dumped');

# A restored materialized view has the figures of its query.
is(
  $node->safe_psql('other_plain', 'REFRESH MATERIALIZED VIEW by_half; SELECT * FROM by_half ORDER BY half'),
  $one{by_half}, 'a refresh finds the same');

for my $type (sort keys %kept) {
  my $table = $kept{$type};
  $node->safe_psql('one', "COPY $table TO '$folder/$table.bin' (FORMAT binary); CREATE TABLE again_$table (LIKE $table);
    COPY again_$table FROM '$folder/$table.bin' (FORMAT binary)");
  is($node->safe_psql('one', $look{$table} =~ s/FROM /FROM again_/r), $one{$table}, "$type: binary COPY out and in");
  is($node->safe_psql('one', "SELECT count(*) FROM $table a JOIN again_$table b USING (id)
    WHERE a::text IS DISTINCT FROM b::text"),
    '0', "$type: the same values");
  # A truncated file is an error, and the server goes on.
  my $bytes = slurp_file("$folder/$table.bin");
  open(my $out, '>:raw', "$folder/$table.cut") or die $!;
  print $out substr($bytes, 0, length($bytes) - 12);
  close $out;
  my ($rc, $said, $err) = $node->psql('one', "COPY again_$table FROM '$folder/$table.cut' (FORMAT binary)");
  isnt($rc, 0, "$type: a file cut short is refused");
}

# DROP EXTENSION leaves no trace.
my ($rc, $said, $err) = $node->psql('one', 'DROP EXTENSION retention');
like($err, qr/cannot drop extension retention because other objects depend on it/, 'not while tables use it');
$node->safe_psql('one', 'DROP EXTENSION retention CASCADE');
is($node->safe_psql('one', 'SELECT count(*) FROM customers'), '3000', 'the data stay');
is($node->safe_psql('one', "SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = '$_'::regclass
  AND attnum > 0 AND NOT attisdropped"),
  'id', "the columns of $_ go") for @tables;
$node->safe_psql('one', 'DROP SCHEMA "b i", analyst CASCADE; DROP TABLE stays, "or ders", account, models');
$node->safe_psql('one', 'DROP TABLE customers, ' . join(', ', map { ($_, "again_$_") } @tables));
is($node->safe_psql('one', $inventory), $before, 'nothing is left behind');
$node->safe_psql('one', 'CREATE SCHEMA apart; CREATE EXTENSION retention SCHEMA apart');
is(
  $node->safe_psql(
    'one', q{SELECT apart.retention_rate(s, e, '[2024-01-01,2024-02-01)'::daterange)
      FROM (VALUES (DATE '2023-01-01', NULL::date), ('2023-01-01', '2024-01-15')) v (s, e)}) + 0,
  50, 'and it can be created again, in another schema');


# A role with CREATE on the database can install it, too, in a schema of its own, but cannot change retention_internal.
$node->safe_psql('postgres', q{CREATE ROLE tenant LOGIN; CREATE DATABASE theirs;
  GRANT CREATE ON DATABASE theirs TO tenant});
my @tenant = (extra_params => [ '-U', 'tenant' ]);
$node->safe_psql('theirs', q{CREATE SCHEMA kept; CREATE EXTENSION retention SCHEMA kept}, @tenant);
is(
  $node->safe_psql(
    'theirs', q{CREATE TABLE kept.facts AS
      SELECT kept.activity(date '2024-01-01' + i, 'month'::kept.retention_grid) AS fact FROM generate_series(1, 40) i;
      SELECT period_start FROM kept.facts, kept.active_periods(fact) ORDER BY 1}, @tenant),
  "2024-01-01\n2024-02-01", 'without superuser, in another schema');
($rc, $said, $err) = $node->psql('theirs', q{CREATE FUNCTION retention_internal.flow_combine(text) RETURNS text
  LANGUAGE sql AS 'SELECT $1'}, @tenant);
like($err, qr/permission denied for schema retention_internal/, 'who installed it adds nothing to the machinery');
$node->safe_psql('postgres', 'CREATE DATABASE taken');
($rc, $said, $err) = $node->psql('taken', 'CREATE SCHEMA retention_internal; CREATE EXTENSION retention');
like($err, qr/schema "retention_internal" already exists/, 'it does not move in with somebody');

$node->stop;
done_testing();
