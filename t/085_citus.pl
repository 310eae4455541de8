# Citus: every aggregate over a distributed table, evaluated in pieces on the workers, has the answer that it has over a
# local table. Citus is not in Debian: without an installation in the server's folders the test is skipped.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $share = qx{pg_config --sharedir};
chomp $share;
unless (-e "$share/extension/citus.control")
{
  die "RETENTION_CITUS is set, but there is no Citus in $share\n" if $ENV{RETENTION_CITUS};
  plan skip_all => 'Citus is not installed';
}

# A coordinator and two workers. The zones differ, as they do where somebody forgot to set them.
my @node;
for my $number (0 .. 2)
{
  my $node = PostgreSQL::Test::Cluster->new("citus_$number");
  $node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
  $node->append_conf('postgresql.conf',
        "shared_preload_libraries = 'citus'\ncitus.shard_count = 4\ncitus.node_conninfo = 'sslmode=prefer'\n"
      . "citus.local_hostname = '" . $node->host . "'\nmax_prepared_transactions = 100\n"
      . "timezone = '" . ('Europe/Berlin', 'UTC', 'America/New_York')[$number] . "'\n");
  $node->start;
  $node->safe_psql('postgres', 'CREATE EXTENSION citus');
  push @node, $node;
}
my ($main, @worker) = @node;
$main->safe_psql('postgres', sprintf "SELECT citus_set_coordinator_host('%s', %d)", $main->host, $main->port);
$main->safe_psql('postgres', sprintf "SELECT citus_add_node('%s', %d)", $_->host, $_->port) for @worker;
$main->safe_psql(
  'postgres', q{
  CREATE EXTENSION retention;
  CREATE TYPE colour AS ENUM ('red', 'green', 'blue');
  CREATE TYPE pair AS (plan text, size integer);
  CREATE TABLE here (customer_id bigint, customer_uuid uuid, customer_text text, customer_numeric numeric,
    started timestamp, ended timestamp, duration double precision, churned boolean, x double precision,
    plan text, colour colour, pair pair, amount numeric);
  INSERT INTO here
  SELECT c, md5(c::text)::uuid, 'c' || c, c, s, s + h / 89 % 200 * interval '17 hours', h % 400, h / 7 % 3 = 0, h / 11 % 50,
    (ARRAY['basic', 'plus'])[1 + h / 13 % 2], (ARRAY['red', 'green', 'blue']::colour[])[1 + h / 17 % 3],
    (h / 19 % 3, h / 23 % 4)::pair, (h / 29 % 10000 - 1000) / 100.0
  FROM generate_series(1, 3000) AS g, LATERAL (SELECT g % 700 AS c, abs(hashint8extended(g, 5)) % 1000000007 AS h) AS a,
    LATERAL (SELECT timestamp '2024-01-01' + h % 10000 * interval '1 hour' AS s) AS b;
  CREATE TABLE there (LIKE here);
  SELECT create_distributed_table('there', 'customer_id');
  INSERT INTO there SELECT * FROM here});

# asks(SQL): the answer, or the first line of the error.
sub asks
{
  my ($sql) = @_;
  my ($status, $out, $err) = $main->psql('postgres', $sql, extra_params => ['-AtqX']);
  return $status ? ($err =~ /(ERROR: .*)/)[0] : $out;
}

# What to pass for an argument, by its name and type.
my %by_type = (
  'bigint' => 'x::bigint',
  'integer' => '1',
  'smallint' => 'x::smallint',
  'real' => 'x::real',
  'double precision' => 'x',
  'boolean' => 'churned',
  'numeric' => 'amount',
  'text' => 'plan',
  'interval' => "interval '30 days'",
  'double precision[]' => 'ARRAY[x, extract(dow FROM started)::double precision]',
  '"any"' => 'plan',
  'anyenum' => 'colour',
  'record' => 'pair',
  'uuid' => 'customer_uuid',
  'retention_grid' => "'month; time_zone=UTC; as_of=2025-06-01'",
  'retention_span' => "'[2024-02-01 00:00+00,2024-06-01 00:00+00)'",
);
my %by_name = (
  'customer bigint' => 'customer_id',
  'customer uuid' => 'customer_uuid',
  'customer text' => 'customer_text',
  'customer retention_internal.numeric_customer' => 'customer_numeric',
  'returned retention_span' => "'[2024-07-01 00:00+00,2024-09-01 00:00+00)'",
  'duration double precision' => 'duration',
  'entry double precision' => 'duration / 2',
  'weight double precision' => '2',
  'ties text' => "'efron'",
  'weighting text' => "'logrank'",
  'as_of date' => "date '2026-01-01'",
  'as_of timestamp without time zone' => "timestamp '2026-01-01'",
  'as_of timestamp with time zone' => "timestamptz '2026-01-01 00:00+00'",
  'records_from date' => "date '2023-01-01'",
  'records_from timestamp without time zone' => "timestamp '2023-01-01'",
  'records_from timestamp with time zone' => "timestamptz '2023-01-01 00:00+00'",
  'value bigint' => 'x::bigint',
  'frequency bigint' => '1 + x::bigint % 5',
  'recency double precision' => 'duration / 2',
  'age double precision' => 'duration',
  'customers bigint' => '3',
  'bins integer' => '4',
  'renewal integer' => 'x::integer % 5',
  'alive bigint' => '1000 - 50 * (x::bigint % 5)',
  'converted_at date' => 'ended::date',
  'converted_at timestamp without time zone' => 'ended',
  'converted_at timestamp with time zone' => "(ended AT TIME ZONE 'UTC')",
  'holdout_from date' => "date '2024-09-01'",
  'holdout_from timestamp without time zone' => "timestamp '2024-09-01'",
  'holdout_from timestamp with time zone' => "timestamptz '2024-09-01 00:00+00'",
);

# A state, as facts or summaries of one customer each.
my $grid = $by_type{retention_grid};
my %state = (
  retention_activity => "activity(started, 'day; time_zone=UTC; as_of=2025-06-01')",
  retention_cohorts => "cohort_retention(customer_id, started, $grid)",
  retention_flow => "customer_flow(customer_id, started, ended, 'month; time_zone=UTC', '[2024-01-01,2025-01-01)')",
  retention_survival => 'survival(duration, churned)',
  retention_incidence => "cumulative_incidence(duration, plan)",
  retention_drivers => 'churn_drivers(churned, plan)',
  retention_survival_drivers => 'survival_drivers(duration, churned, plan)',
  retention_reasons => 'churn_reasons(plan)',
  retention_purchases => "purchases(started, amount, $grid)",
  retention_value => "customer_value(customer_id, started, amount, $grid)",
  retention_cohort_value => "cohort_value(customer_id, started, amount, $grid)",
  retention_mrr => 'mrr_history(started, ended, amount)',
  retention_revenue => "mrr_movements(customer_id, started, ended, amount, $grid, '[2024-01-01,2025-01-01)')",
  retention_trials => "trial_conversion(started, ended, $grid, interval '30 days')",
  retention_gaps => 'usage_intervals(activity)',
  retention_rolling => 'rolling_active(activity)',
);

sub argument
{
  my ($name, $type) = @_;
  return $by_name{"$name $type"} if exists $by_name{"$name $type"};
  return 'state' if $state{$type};
  return $by_type{$type} if exists $by_type{$type};
  my $column = $name eq 'ended' ? 'ended' : 'started';
  my $zoned = "$column AT TIME ZONE 'UTC'";
  return "$column\::date" if $type eq 'date';
  return $column if $type eq 'timestamp without time zone';
  return "($zoned)" if $type eq 'timestamp with time zone';
  if ($type =~ /^(date|ts|tstz)(multi)?range$/)
  {
    my @bounds = map { $1 eq 'date' ? "$_\::date" : $1 eq 'ts' ? $_ : "$_ AT TIME ZONE 'UTC'" } qw(started ended);
    my $range = "$1range($bounds[0], $bounds[1])";
    return $2 ? "$1multirange($range)" : $range;
  }
  die "t/085_citus.pl does not say what to pass for $name $type\n";
}

my @aggregates = split /\n/, $main->safe_psql(
  'postgres', q{
  SELECT p.oid::regprocedure, n.nspname, p.proname, (SELECT string_agg(coalesce(p.proargnames[a.i], '') || ' '
      || format_type(a.type, NULL), ';' ORDER BY a.i) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, i))
  FROM pg_aggregate AS g JOIN pg_proc AS p ON p.oid = g.aggfnoid JOIN pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'retention'
  ORDER BY 1});
cmp_ok(scalar @aggregates, '>', 300, 'there are aggregates');

my $pieces = "SET citus.coordinator_aggregation_strategy = 'disabled'; SET timezone = 'UTC';";
for my $line (@aggregates)
{
  my ($signature, $schema, $name, $arguments) = split /\|/, $line;
  my @arguments = map { [ split / /, $_, 2 ] } split /;/, $arguments;
  my ($state) = grep { defined } map { $state{ $_->[1] } } @arguments;
  my $call = "$schema.$name(" . join(', ', map { argument(@$_) } @arguments) . ')';
  my @differ;
  for my $shape ('%s FROM %s', 'plan, %s FROM %s GROUP BY plan', "%s FILTER (WHERE plan = 'plus') FROM %s",
    '%s FROM %s WHERE customer_id < 0')
  {
    my ($local, $distributed) = map {
      # Gaps and rolling windows are made of facts.
      my $facts = $state && $state =~ /\(activity\)$/
        ? "(SELECT customer_id, plan, $state{retention_activity} AS activity FROM $_ GROUP BY customer_id, plan) AS f" : $_;
      my $rows = $state ? "(SELECT customer_id, plan, $state AS state FROM $facts GROUP BY customer_id, plan) AS q" : $_;
      my ($answer, $rest) = split / (?=FROM|FILTER)/, $shape, 2;
      asks("$pieces SELECT md5(string_agg(a::text, ' ' ORDER BY a::text)) FROM (SELECT "
          . sprintf("$answer $rest", $call, $rows) . ') AS a');
    } qw(here there);
    push @differ, "$shape: $local / $distributed" unless $local eq $distributed && $local !~ /ERROR/;
  }
  # Days between two instants depend on a time zone, which here is said nowhere. And Citus does not tell an aggregate of
  # any type which type it got: the page says to cast to text.
  my $refusal =
      $signature =~ /^survival\(timestamp with time zone|^cohort_retention\([^,]+,[^,]+\)$/ ? 'the time zone of who asks is not known here'
    : $signature =~ /\b(record|anyenum)\b/ ? 'could not confirm type correctness'
    : undef;
  if (defined $refusal)
  {
    is(scalar(grep { /$refusal/ } @differ), 3, "$signature: refused, $refusal");
    next;
  }
  is(join("\n", @differ), '', $signature);
}

# ---- A zone that nobody wrote ----
for my $call (
  "cohort_retention(customer_id, started AT TIME ZONE 'UTC', 'month')",
  "cohort_retention(customer_id, started AT TIME ZONE 'UTC')",
  "retention_rate(customer_id, started AT TIME ZONE 'UTC', '[2024-02-01,2024-06-01)', '[2024-07-01,2024-09-01)')")
{
  like(asks("SELECT $call FROM there"), qr/the time zone of who asks is not known here/, "no zone: $call");
}
my $rate = q{retention_rate(customer_id, started, '[2024-02-01,2024-06-01)', '[2024-07-01,2024-09-01)')};
is(asks("SELECT $rate FROM there"), asks("SELECT $rate FROM here"), 'times without a zone need none');

# ---- Shard by shard ----
my $query = "SELECT cohort_retention(customer_id, started, ''month; time_zone=UTC; as_of=2025-06-01'') FROM %s";
is(
  asks("SELECT md5(rollup(s)::text) FROM retention_by_shard('there', 'customer_id', '$query', NULL::retention_cohorts) AS s"),
  asks("SELECT md5(cohort_retention(customer_id, started, 'month; time_zone=UTC; as_of=2025-06-01')::text) FROM here"),
  'retention_by_shard');
my %refused = (
  "'here', 'customer_id', '$query'" => 'here is not distributed by Citus',
  "'there', 'plan', '$query'" => 'there is distributed by customer_id, not by plan',
  "'there', 'customer_id', 'SELECT 1 / (count(*) - count(*)) FROM %s'" => 'the query failed on shard',
);
like(asks("SELECT retention_by_shard($_, NULL::retention_cohorts)"), qr/$refused{$_}/, "refused: $refused{$_}")
  for sort keys %refused;

# ---- Sources: views read the table; facts are not kept, because writers fire no triggers here ----
my @shapes = (
  [ 'order', q{'events', '%s', 'customer_id', at => 'started', segments => '{plan}', grid => 'month; time_zone=UTC',
      gone_after => '60 days'} ],
  [ 'few', q{'events', '%s', 'customer_id', at => 'started', segments => '{plan,colour}', top => 1,
      grid => 'month; time_zone=UTC', gone_after => '60 days', suppress_below => 5} ],
  [ 'bought', q{'events', '%s', 'customer_id', at => 'started', amount => 'amount',
      grid => 'week; time_zone=UTC; windows=elapsed', gone_after => '60 days'} ],
  [ 'contract', q{'subscriptions', '%s', 'customer_id', started => 'started', ended => 'ended',
      grid => 'month; time_zone=UTC'} ],
  [ 'end', q{'subscriptions', '%s', 'customer_id', started => 'started', ended => 'ended', amount => 'amount',
      segments => '{plan}', presence => 'at_end', suppress_below => 3, grid => 'month; time_zone=UTC'} ],
);
for my $table ('here', 'there')
{
  $main->safe_psql('postgres', sprintf "SELECT retention_source('%s_%s', $_->[1]); SELECT retention_create_views('%1\$s_%2\$s')",
    $table, $_->[0], $table)
    for @shapes;
}
my @views = split /\n/, $main->safe_psql('postgres', q{SELECT substr(relname, 6) FROM pg_class
    WHERE relkind = 'v' AND relname LIKE 'here\_%\_%' ORDER BY 1});
is(scalar(grep { /_cohorts$/ } @views), scalar(@shapes), 'a view of cohorts of each source');
for my $view (@views)
{
  my ($local, $distributed) = map { asks("$pieces SELECT md5(string_agg(v::text, ' ' ORDER BY v::text)) FROM $_\_$view AS v") }
    qw(here there);
  is($distributed, $local, "view $view");
}
# A view is a part of its reader's transaction, and shows what the reader may see.
my $shown = q{SELECT md5(string_agg(v::text, ' ' ORDER BY v::text)) FROM %s_order_cohorts AS v};
my $added = q{BEGIN; INSERT INTO %1$s (customer_id, started, plan)
  SELECT c, timestamp '2024-01-05', 'plus' FROM generate_series(5000, 5099) AS c; };
my ($committed, $local, $distributed) = map { asks($_) } sprintf($shown, 'here'),
  map { sprintf "$added $shown", $_, $_ } qw(here there);
is($distributed, $local, 'rows that are not committed are seen');
isnt($distributed, $committed, 'and change the view');
$main->safe_psql('postgres', 'CREATE ROLE reader LOGIN');
$main->safe_psql('postgres', "ALTER TABLE $_ ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON $_ TO reader USING "
    . "(customer_id < 200); GRANT SELECT ON $_, ${_}_order, ${_}_order_cohorts TO reader")
  for 'here', 'there';
($local, $distributed) = map { asks("SET ROLE reader; " . sprintf $shown, $_) } qw(here there);
is($distributed, $local, 'policies hold on the workers');
unlike("$committed $local", qr/ERROR|^(\S+) \1$/, 'and hide rows');
like(asks("SELECT retention_materialize('there_order')"), qr/facts of .*there cannot be kept: Citus distributes it/,
  'no facts are kept');

done_testing();
