# The batch scan in a running server: the first query of a connection, other sessions, a standby, statistics, queries
# that are cancelled, processes that are killed.
use strict;
use warnings;

use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1, extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf(
  'postgresql.conf', q{
restart_after_crash = on
timezone = 'UTC'
jit = off
autovacuum = off
max_worker_processes = 16
max_parallel_workers = 8
});
my $library = `pg_config --pkglibdir`;
chomp $library;
my $counts_statements = -e "$library/pg_stat_statements.so";
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.save = off\n") if $counts_statements;
$node->start;
$node->safe_psql(
  'postgres', q{
  CREATE EXTENSION retention;
  CREATE TABLE visit (pad text, customer bigint, at timestamptz, ended timestamptz, plan text, x int) WITH (autovacuum_enabled = off);
  INSERT INTO visit
    SELECT repeat('p', i % 20), i % 5000, timestamptz '2023-01-01' + i % 700 * interval '1 day', CASE WHEN i % 3 > 0 THEN timestamptz '2025-01-01' + i % 90 * interval '1 day' END,
      (ARRAY['basic', 'plus', NULL])[1 + i % 3], i % 100
    FROM generate_series(1, 60000) i;
  DELETE FROM visit WHERE x = 17;
  CREATE TABLE visit_of_year (LIKE visit) PARTITION BY RANGE (at);
  CREATE TABLE visit_2023 PARTITION OF visit_of_year FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
  CREATE TABLE visit_later PARTITION OF visit_of_year DEFAULT;
  INSERT INTO visit_of_year SELECT * FROM visit;
  VACUUM ANALYZE;
  CREATE VIEW monthly AS SELECT cohort_retention(customer, at, 'month') AS s FROM visit;
  CREATE FUNCTION monthly() RETURNS text LANGUAGE plpgsql AS $$
  DECLARE s text;
  BEGIN
    SELECT cohort_retention(customer, at, 'month') INTO s FROM visit;
    RETURN s;
  END $$;
  -- Takes its time, in workers too.
  CREATE FUNCTION slow(x int) RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE COST 1 AS 'BEGIN PERFORM pg_sleep(0.002); RETURN true; END';
});

my $question = q{SELECT cohort_retention(customer, at, 'month') FROM visit};
my $flow     = q{SELECT customer_flow(customer, at, ended, retention_grid('month', as_of => '2025-06-01'), tstzrange('2023-01-01', '2025-01-01')) FROM visit};
my $rates    = q{SELECT plan, retention_rate(customer, at, tstzrange('2023-01-01', '2023-02-01'), tstzrange('2023-06-01', '2023-09-01')) FROM visit WHERE x > 20 GROUP BY plan};
my $parts    = q{SELECT cohort_retention(customer, at, 'quarter') FROM visit_of_year};
my $off      = 'SET retention.enable_batch_scan = off;';
my $workers  = 'SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;';
my $alone    = 'SET max_parallel_workers_per_gather = 0;';

# with_options(OPTIONS, SQL): a new connection with these settings from its start; (result, what else it said).
sub with_options
{
  my ($options, $sql, $on) = @_;
  local $ENV{PGOPTIONS} = $options;
  my ($rc, $out, $err) = ($on // $node)->psql('postgres', $sql);
  return ($out, $err);
}

# --- The first query of a connection --------------------------------------------------------------

my $explained = '-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 -c auto_explain.log_nested_statements=on'
  . ' -c auto_explain.log_level=notice -c client_min_messages=notice';
my %first = (
  'a query'             => $question,
  'a view'              => 'SELECT s FROM monthly',
  'a view of a view'    => "SELECT count(*) FROM (SELECT s FROM monthly) q, cohort_cells(s)",
  'a materialized CTE'  => "WITH w (s) AS MATERIALIZED ($question) SELECT s FROM w",
  'a CTE'               => "WITH w AS ($question) SELECT * FROM w",
  'a prepared statement' => "PREPARE p AS $question; EXECUTE p",
  'a prepared statement with its grid' => "PREPARE p (retention_grid) AS SELECT cohort_retention(customer, at, \$1) FROM visit; SET plan_cache_mode = force_generic_plan; EXECUTE p ('month')",
  'a PL/pgSQL function' => 'SELECT monthly()',
  'a DO block'          => "DO \$\$ DECLARE s text; BEGIN $question INTO s; END \$\$",
  'a CREATE TABLE AS'   => "CREATE TEMP TABLE made AS $question",
  'an INSERT'           => "CREATE TEMP TABLE made (s retention_cohorts); INSERT INTO made $question",
  'a cursor'            => "BEGIN; DECLARE c CURSOR FOR $question; FETCH ALL FROM c; COMMIT",
  'a grid that is computed' => q{SELECT cohort_retention(customer, at, (SELECT retention_grid('month', as_of => '2024-01-01'))) FROM visit},
  'flow'                => $flow,
  'rates'               => $rates,
  'partitions'          => $parts,
);
for my $what (sort keys %first) {
  my ($out, $err) = with_options($explained, $first{$what});
  like($err, qr/Custom Scan \(RetentionScan\)/, "first query of a connection, $what");
}
my ($out, $err) = with_options("$explained -c retention.enable_batch_scan=off", $question);
unlike($err, qr/RetentionScan/, 'switched off from the start of a connection');
is($node->safe_psql('postgres', 'CREATE ROLE anyone; SET ROLE anyone; SET retention.enable_batch_scan = off; SHOW retention.enable_batch_scan'), 'off', 'anyone may switch it');

my %right = map { $_ => $node->safe_psql('postgres', "$off $_") } $question, $flow, $rates, $parts;
for my $asked ($question, $flow, $rates, $parts) {
  for my $with ($alone, $workers, "$workers SET parallel_leader_participation = off;", "SET work_mem = '64kB'; $alone", "SET work_mem = '64kB'; $workers") {
    is(join("\n", sort split /\n/, $node->safe_psql('postgres', "$with $asked")), join("\n", sort split /\n/, $right{$asked}), "$with $asked");
  }
}

# --- Statistics -----------------------------------------------------------------------------------

# The rows and blocks of all scans of tables in a plan, and the blocks of the whole. (Run once before, so that nothing has to be
# looked up in the catalogs any more.)
sub counted
{
  my ($settings, $asked) = @_;
  my $plan = decode_json($node->safe_psql('postgres', "$settings $asked\\g /dev/null\nEXPLAIN (ANALYZE, BUFFERS, TIMING OFF, COSTS OFF, SUMMARY OFF, FORMAT JSON) $asked"))->[0]{Plan};
  my %sum = (blocks => ($plan->{'Shared Hit Blocks'} // 0) + ($plan->{'Shared Read Blocks'} // 0));
  my @nodes = $plan;
  while (my $one = shift @nodes) {
    push @nodes, @{ $one->{Plans} // [] };
    $sum{seen} = 1 if ($one->{'Custom Plan Provider'} // '') eq 'RetentionScan';
    $sum{answers} = $one->{'Actual Rows'} * $one->{'Actual Loops'} if ($one->{'Node Type'}) =~ /Custom|Aggregate/ && ($one->{'Partial Mode'} // '') ne 'Partial' && !defined $sum{answers};
    next unless $one->{'Node Type'} =~ /^(Seq|Index|Bitmap Heap) Scan/;
    $sum{table_blocks} += ($one->{'Shared Hit Blocks'} // 0) + ($one->{'Shared Read Blocks'} // 0);
    $sum{scans} .= "$one->{'Relation Name'} " . ($one->{'Actual Rows'} * $one->{'Actual Loops'}) . ' kept ' . (($one->{'Rows Removed by Filter'} // 0) * $one->{'Actual Loops'}) . " removed\n";
  }
  $sum{scans} = join("\n", sort split /\n/, $sum{scans} // '');
  return \%sum;
}
for my $asked ($question, $flow, $rates, $parts, q{SELECT retention_rate(customer, at, tstzrange('2023-01-01', '2023-02-01'), tstzrange('2023-06-01', '2023-09-01')) FROM visit WHERE length(pad) > 3 AND at < '2024-01-01'}) {
  my ($plain, $batch) = (counted("$off $alone", $asked), counted($alone, $asked));
  ok($batch->{seen}, "EXPLAIN ANALYZE shows it: $asked");
  is($batch->{scans}, $plain->{scans}, 'and the same rows');
  is($batch->{blocks}, $plain->{blocks}, 'and the same blocks');
  is($batch->{answers}, $plain->{answers}, 'and as many answers');
  ($plain, $batch) = (counted("$off $workers", $asked), counted($workers, $asked));
  # By worker, rows are a mean that is rounded (to hundredths since 18).
  my ($kept_plain, $kept_batch) = map { my $n = 0; $n += $1 while $_->{scans} =~ /([\d.]+) kept/g; $n } $plain, $batch;
  cmp_ok(abs($kept_plain - $kept_batch), '<', 12, "in workers about the same rows ($kept_plain, $kept_batch)");
  # Workers are new processes that read catalogs: compare only the blocks of the tables.
  is($batch->{table_blocks}, $plain->{table_blocks}, 'and the same blocks');
}

# A connection that ends leaves its statistics.
sub read_count
{
  my ($settings, $asked, $table) = @_;
  my $sum = "SELECT seq_scan || ' ' || seq_tup_read FROM pg_stat_user_tables WHERE relname = '$table'";
  $node->safe_psql('postgres', 'SELECT pg_stat_reset()');
  $node->poll_query_until('postgres', "SELECT seq_scan = 0 FROM pg_stat_user_tables WHERE relname = '$table'");
  $node->safe_psql('postgres', "$settings $asked");
  $node->poll_query_until('postgres', "SELECT seq_scan > 0 FROM pg_stat_user_tables WHERE relname = '$table'");
  usleep(200_000);
  return $node->safe_psql('postgres', $sum);
}
for my $case ([ $alone, $question, 'visit' ], [ $alone, $rates, 'visit' ], [ $alone, $parts, 'visit_2023' ], [ $workers, $question, 'visit' ], [ $workers, $parts, 'visit_later' ]) {
  my ($settings, $asked, $table) = @$case;
  my $plain = read_count("$off $settings", $asked, $table);
  is(read_count($settings, $asked, $table), $plain, "pg_stat_user_tables counts $plain: $settings $asked");
}

SKIP: {
  skip 'there is no pg_stat_statements', 2 unless $counts_statements;
  $node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements');
  for my $asked ($question, $rates) {
    my ($plain, $batch) = map {
      $node->safe_psql('postgres', 'SELECT pg_stat_statements_reset()');
      $node->safe_psql('postgres', "$_ $alone $asked");
      $node->safe_psql('postgres', q{SELECT calls, rows, shared_blks_hit + shared_blks_read FROM pg_stat_statements WHERE query LIKE 'SELECT%customer%FROM visit%'});
    } $off, '';
    my @plain = split /\|/, $plain;
    my @batch = split /\|/, $batch;
    ok($batch[0] == 1 && $batch[1] == $plain[1] && abs($batch[2] - $plain[2]) < 60, "pg_stat_statements counts it ($plain, $batch)");
  }
}

# --- Other sessions -------------------------------------------------------------------------------

# While visits come, change and go, one snapshot has one answer.
my $folder = PostgreSQL::Test::Utils::tempdir();
PostgreSQL::Test::Utils::append_to_file(
  "$folder/changes.sql", q{\set c random(1, 5000)
\set x random(0, 99)
UPDATE visit SET x = x + 1 WHERE ctid = ANY (ARRAY(SELECT ctid FROM visit WHERE customer = :c LIMIT 3));
INSERT INTO visit (customer, at, plan, x) VALUES (:c, timestamptz '2023-01-01' + :x * interval '1 day', 'plus', :x);
DELETE FROM visit WHERE ctid = ANY (ARRAY(SELECT ctid FROM visit WHERE customer = :c AND x = :x LIMIT 1));
});
$node->safe_psql('postgres', 'CREATE TABLE before AS SELECT * FROM visit; CREATE INDEX visit_customer ON visit (customer)');
{
  my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', '2', '-T', '5', '-f', "$folder/changes.sql", '-h', $node->host, '-p', $node->port, 'postgres' ],
    '<', \undef, '>', \my $said, '2>', \my $complained);
  my ($rounds, $wrong, %seen) = (0, 0);
  my $until = time + 4.5;
  while (time < $until) {
    my $settings = $rounds % 2 ? $workers : $alone;
    my @answers = split /\n?---\n/, $node->safe_psql(
      'postgres', "BEGIN ISOLATION LEVEL REPEATABLE READ; $settings $question;\n\\echo ---\n$flow;\n\\echo ---\nSELECT pg_sleep(0.05)\\g /dev/null\n$off $question;\n\\echo ---\n$flow;\n\\echo ---\n"
        . "SET retention.enable_batch_scan = on; $question;\n\\echo ---\nCOMMIT; SELECT 'end';" . ($rounds % 3 ? '' : ' VACUUM visit;'));
    $rounds++;
    $wrong++ if $answers[0] ne $answers[2] || $answers[1] ne $answers[3] || $answers[0] ne $answers[4];
    $seen{ $answers[0] } = 1;
  }
  IPC::Run::finish($bench);
  is($wrong, 0, "$rounds snapshots under changes: on is off");
  cmp_ok(scalar(keys %seen), '>', 1, 'and there were changes (' . ($said =~ /actually processed: (\d+)/ ? $1 : '?') . ' transactions)');
}
$node->safe_psql('postgres', 'DROP INDEX visit_customer; TRUNCATE visit; INSERT INTO visit SELECT * FROM before; VACUUM ANALYZE visit');
is($node->safe_psql('postgres', $question), $right{$question}, 'as before');

# --- A standby ------------------------------------------------------------------------------------

$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->safe_psql('postgres', 'DELETE FROM visit WHERE x = 18; UPDATE visit SET x = x WHERE x = 19');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
for my $asked ($question, $rates, $parts) {
  my $expected = join("\n", sort split /\n/, $node->safe_psql('postgres', "$off $asked"));
  for my $settings ($alone, $workers, "$off $alone") {
    is(join("\n", sort split /\n/, $standby->safe_psql('postgres', "$settings $asked")), $expected, "on a standby: $settings $asked");
  }
}
($out, $err) = with_options($explained, $question, $standby);
like($err, qr/Custom Scan \(RetentionScan\)/, 'it is used there');
$standby->stop;
$node->safe_psql('postgres', 'TRUNCATE visit; INSERT INTO visit SELECT * FROM before; VACUUM ANALYZE visit');

# --- Stopped in the middle ------------------------------------------------------------------------

# Questions that would run for minutes: in the filter, in rescans, in many groups, in one state.
my %long = (
  'in a filter'            => "$alone SELECT cohort_retention(customer, at, 'month') FROM visit WHERE slow(x)",
  'in the filter of workers' => "$workers SELECT cohort_retention(customer, at, 'month') FROM visit WHERE slow(x)",
  'scanned again and again' => "$alone SELECT count(s) FROM generate_series(1, 1000000) i, LATERAL (SELECT cohort_retention(customer, at, 'month') AS s FROM visit WHERE x <> i) l",
  'row by row'             => "$alone SELECT cohort_retention(g, at, 'month') FROM visit, generate_series(1, 1000000) g",
  'many groups'            => "$alone SELECT count(s) FROM (SELECT customer, x, cohort_retention(customer, at, 'month') AS s FROM visit, generate_series(1, 100000) g GROUP BY customer, x, g) q",
  'in temporary files'     => "SET work_mem = '64kB'; $alone SELECT cohort_retention(g * 5000 + customer, at, 'month') FROM visit, generate_series(1, 100000) g",
);

sub begin_long
{
  my ($name) = @_;
  my ($out, $err) = ('', '');
  my $psql = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres') . ' application_name=long', map { ('-c', $_) } split /; ?/, $long{$name} ], '<', \undef, '>', \$out, '2>', \$err);
  my $pid = '';
  for (1 .. 200) {
    $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE application_name = 'long' AND state = 'active' AND backend_type = 'client backend' AND query LIKE 'SELECT%'});
    last if $pid ne '';
    usleep(50_000);
  }
  usleep(400_000);    # into the rows
  return ($psql, $pid, \$err);
}

for my $name (sort keys %long) {
  my ($psql, $pid, $said) = begin_long($name);
  my $began = time;
  is($node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)"), 't', "$name: runs and is cancelled");
  IPC::Run::finish($psql);
  my $took = time - $began;
  like($$said, qr/canceling statement due to user request/, "$name: says so");
  cmp_ok($took, '<', 1, sprintf('%s: after %.0f ms', $name, 1000 * $took));
  $began = time;
  my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = 200; $long{$name}");
  like($err, qr/canceling statement due to statement timeout/, sprintf('%s: a time limit holds (%.0f ms)', $name, 1000 * (time - $began)));
  is($node->safe_psql('postgres', $question), $right{$question}, "$name: the next answer is right");
}

# At any moment.
{
  my $wrong = 0;
  my $script = "SET work_mem = '64kB'; SET client_min_messages = fatal;\n";
  for my $ms (map $_ * 2, 1 .. 30) {
    my $settings = $ms % 4 ? $alone : $workers;
    $script .= "$settings SET statement_timeout = $ms;\n$_;\nSET statement_timeout = 0;\n" for $question, $flow;
  }
  my ($rc, $out, $err) = $node->psql('postgres', "$script\n\\echo ---\n$question", on_error_stop => 0);
  my ($last) = $out =~ /---\n(.*)\z/s;
  is($last, $right{$question}, 'cancelled at sixty moments, and right afterwards');
  my %answer = map { $_ => 1 } grep length, split /\n/, $out =~ s/---.*//sr;
  is(scalar(grep { $_ ne $right{$question} && $_ ne $right{$flow} } keys %answer), 0, 'what came in time was right');
  is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_ls_tmpdir()'), '0', 'no temporary file is left');
}

# A worker, and a leader, that are killed.
for my $victim ('parallel worker', 'client backend') {
  my ($psql, $pid, $said) = begin_long('in the filter of workers');
  my $killed = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = '$victim' AND " . ($victim =~ /worker/ ? "leader_pid = $pid" : "pid = $pid") . ' LIMIT 1');
  like($killed, qr/^\d+$/, "there is a $victim");
  kill 'KILL', $killed if $killed;
  IPC::Run::finish($psql);
  like($$said, qr/connection|terminating|server closed/i, "a $victim is killed");
  ok($node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), 'the server comes back');
  is($node->safe_psql('postgres', "$workers $question"), $right{$question}, 'and is right');
}

# --- Customers that are exchanged and filled together ------------------------------------------------

# Long enough that processes are met while they read, send and summarise. Many rows of few pages would be over before all have begun.
$node->safe_psql(
  'postgres', q{
  CREATE TABLE many AS SELECT 1 + i * 7919::bigint % 200000 AS dense, hashint8extended(i % 150000, 1) AS hashed, md5((i % 150000)::text)::uuid AS id, timestamptz '2024-01-01' + i % 700 * interval '1 day' AS at
    FROM generate_series(1, 600000) i;
  VACUUM ANALYZE many});
my $in_three = "$workers SET work_mem = '256MB';";
my $exchange = q{SELECT md5(concat(cohort_retention(dense, at, 'month'), cohort_retention(hashed, at, 'month'), cohort_retention(id, at, 'week'), cohort_retention(dense, at, 'day; windows=elapsed'))) FROM many};
my $exchanged = $node->safe_psql('postgres', "$off $alone $exchange");
is($node->safe_psql('postgres', "$in_three $exchange"), $exchanged, 'exchanged');
is($node->safe_psql('postgres', "$workers SET work_mem = '1MB'; $exchange"), $exchanged, 'exchanged by files');
is($node->safe_psql('postgres', "$workers SET max_parallel_workers = 0; $exchange"), $exchanged, 'no worker came');

# Many groups, which are divided among the processes.
my $divide = q{SELECT md5(string_agg(md5(s::text), ' ' ORDER BY g)) FROM (SELECT hashed % 20000 AS g, cohort_retention(dense, at, 'month') AS s, count(*) AS n, max(id::text) AS id FROM many GROUP BY 1) q WHERE n > 0 AND id > ''};
my $divided = $node->safe_psql('postgres', "$off $alone $divide");
for my $with ($alone, "$in_three", "$workers SET work_mem = '1MB';", "$workers SET work_mem = '1MB'; SET parallel_leader_participation = off;", "$workers SET max_parallel_workers = 0; SET work_mem = '1MB';") {
  is($node->safe_psql('postgres', "$with $divide"), $divided, "divided: $with");
}
like($node->safe_psql('postgres', "$workers SET work_mem = '1MB'; EXPLAIN (ANALYZE) $divide"), qr/Gather.*Workers Launched: 2.*RetentionScan.*Partitioned: [1-9]/s, 'by three processes');

# (psql, the leader, a worker of it) while the query runs.
sub begin_exchange
{
  my ($said, $complained, $query) = @_;
  my $psql = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres') . ' application_name=exchange', map { ('-c', $_) } split(/; ?/, $query eq $divide ? "$in_three SET work_mem = '1MB';" : $in_three), $query ], '<', \undef, '>', $said, '2>', $complained);
  for (1 .. 200) {
    my $pids = $node->safe_psql('postgres', q{SELECT leader_pid, pid FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND application_name = 'exchange' LIMIT 1});
    return ($psql, split /\|/, $pids) if $pids ne '';
    usleep(10_000);
  }
  return ($psql);
}
my %ended;
for my $n (0 .. 15) {
  my ($query, $right) = $n % 2 ? ($divide, $divided) : ($exchange, $exchanged);
  my $ms = int($n / 2) * 60;
  my ($said, $complained) = ('', '');
  my ($psql, $leader, $worker) = begin_exchange(\$said, \$complained, $query);
  usleep(1000 * $ms);
  my $killed = $worker && kill('KILL', $worker);
  IPC::Run::finish($psql);
  $ended{ $complained =~ /connection|terminating|server closed/i ? 'killed' : $said =~ /\Q$right\E/ ? 'right' : "$said$complained" }++;
  $node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
}
is(join(' ', grep !/^(killed|right)$/, keys %ended), '', 'a worker is killed after 0 to 420 ms: the query fails or is right (' . join(', ', map "$_ $ended{$_}", sort keys %ended) . ')');
cmp_ok($ended{killed} // 0, '>', 0, 'and some were met');
is($node->safe_psql('postgres', "$in_three $exchange"), $exchanged, 'right afterwards');

# A worker that stands still: the others wait for it, at whichever barrier, and are cancelled there.
my ($waited, $cancelled) = (0, 0);
for my $n (0 .. 11) {
  my ($query, $right) = $n % 2 ? ($divide, $divided) : ($exchange, $exchanged);
  my $ms = int($n / 2) * 80;
  my ($said, $complained) = ('', '');
  my ($psql, $leader, $worker) = begin_exchange(\$said, \$complained, $query);
  usleep(1000 * $ms);
  if ($worker && kill 'STOP', $worker) {
    $node->poll_query_until('postgres', "SELECT coalesce((SELECT wait_event_type IN ('Extension', 'IPC') FROM pg_stat_activity WHERE pid = $leader AND state = 'active'), true)");
    $waited += $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $leader AND state = 'active' AND wait_event_type = 'Extension'");
    $node->safe_psql('postgres', "SELECT pg_cancel_backend($leader)");
    usleep(100_000);
    kill 'CONT', $worker;
  }
  IPC::Run::finish($psql);
  $cancelled++ if $complained =~ /canceling statement due to user request/;
  $ended{"$said$complained"} = 1 unless $complained =~ /canceling statement due to user request/ || $said =~ /\Q$right\E/;
}
cmp_ok($cancelled, '>', 0, "cancelled $cancelled times, $waited times at a barrier");
is(join(' ', grep !/^(killed|right)$/, keys %ended), '', 'and nothing else was said');
is($node->safe_psql('postgres', "$in_three $exchange"), $exchanged, 'right afterwards');
is($node->safe_psql('postgres', "$in_three $divide"), $divided, 'and of many groups');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_ls_tmpdir()'), '0', 'no temporary file is left');

$node->stop;
done_testing();
