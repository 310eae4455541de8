# The batch scan gives the same results and errors as the executor: random tables and random questions, with
# retention.enable_batch_scan on and off. Environment:
#   RETENTION_SEED         another seed          RETENTION_SCAN_TABLES  how many tables (thousands in a long run)
#   RETENTION_SCAN_FROM    the first table       RETENTION_SCAN_QUESTIONS  questions for each
# A table depends only on the seed and its number, so the number is enough to reproduce a difference.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use BatchScan;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $seed      = $ENV{RETENTION_SEED}           // 20261122;
my $tables    = $ENV{RETENTION_SCAN_TABLES}    // 30;
my $from      = $ENV{RETENTION_SCAN_FROM}      // 1;
my $questions = $ENV{RETENTION_SCAN_QUESTIONS} // 12;

my $node = PostgreSQL::Test::Cluster->new('scan');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "restart_after_crash = on\ntimezone = 'UTC'\nmax_worker_processes = 16\nmax_parallel_workers = 12\nautovacuum = off\nfsync = off\njit = off\nlog_min_duration_statement = 1000\n");
$node->start;
$node->safe_psql('postgres', $BatchScan::prelude);
my ($major) = `pg_config --version` =~ /(\d+)/;
$major = $node->safe_psql('postgres', 'SHOW server_version_num') / 10000;
my $forced = $major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';

# Settings under which a table is queried: [what they are, statements].
sub settings
{
  my @set = (
    [ 'one process' => 'SET max_parallel_workers_per_gather = 0' ],
    [ 'one process' => 'SET max_parallel_workers_per_gather = 0' ],
    [ 'as they are' => '' ],
    (map [ "$_ workers" => "SET max_parallel_workers_per_gather = $_; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0" ], 1, 2, 3),
    [ 'workers alone' => 'SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET parallel_leader_participation = off' ],
    [ 'workers that are not there' => 'SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET max_parallel_workers = 0' ],
    [ 'forced' => "SET $forced = on" ],
    [ 'forced silently' => "SET $forced = regress" ],
  );
  my ($name, $sql) = BatchScan::pick(@set)->@*;
  my @more = (
    q{SET work_mem = '64kB'}, q{SET work_mem = '64kB'; SET hash_mem_multiplier = 1}, 'SET enable_seqscan = off', 'SET enable_hashagg = off', 'SET enable_sort = off',
    'SET enable_partitionwise_aggregate = on', 'SET enable_parallel_append = off', q{SET TimeZone = 'America/New_York'}, q{SET TimeZone = 'Asia/Kolkata'}, 'SET DateStyle = german',
    'SET enable_material = off', 'SET enable_gathermerge = off', 'SET cursor_tuple_fraction = 1', 'SET enable_indexscan = off; SET enable_bitmapscan = off', 'SET constraint_exclusion = on',
    'SET track_io_timing = on',
  );
  push @more, 'SET jit = on; SET jit_above_cost = 0' if BatchScan::chance(0.1);
  # little memory, in which groups are divided
  if (BatchScan::chance(0.3)) { $sql .= q{; SET work_mem = '64kB'}; $name .= ', work_mem = 64kB' }
  for my $extra (BatchScan::chance(0.4) ? BatchScan::some(1 + rand 2, @more) : ()) {
    $sql .= "; $extra";
    $name .= ', ' . join(' and ', $extra =~ /SET (\w+(?: = [^;]+))/g);
  }
  return ($name, $sql);
}

# The input of psql, with a mark before each answer and each error after its statement.
sub marked
{
  my ($mark, @statements) = @_;
  my $script = "\\echo \@\@ $mark\n";
  my $n = 0;
  for my $statement (@statements) {
    $n++;
    $script .= "\\echo \@ $n\n$statement" . ($statement =~ /\\g|^\s*\z/ ? "\n" : ";\n") . "\\if :ERROR\n\\echo ERROR :SQLSTATE :LAST_ERROR_MESSAGE\n\\endif\n";
  }
  return $script;
}

# The answer after one mark: rows in any order, but those of a statement together.
sub sorted
{
  my ($text) = @_;
  return join("\n", map { my ($first, @rest) = split /\n/, $_, -1; join("\n", $first, sort @rest) } split /^(?=@ \d+$)/m, $text // 'nothing');
}

my (%count, @differences, @unsound, %fallen, %fallen_example);
my $known = $node->safe_psql('postgres', q{LOAD 'retention'; SELECT count(*) FROM pg_settings WHERE name = 'retention.enable_batch_scan'});
my $folder = PostgreSQL::Test::Utils::tempdir();

for my $number ($from .. $from + $tables - 1) {
  srand($seed * 1000003 + $number);
  my $t = BatchScan::table($number);
  my ($settings, $set) = settings();
  my @asked = map BatchScan::dressed($t), 1 .. $questions;
  my $script = "\\pset null ~\n\\set VERBOSITY terse\nSET client_min_messages = error;\n" . marked('table', $t->{sql}->@*) . "$set;\n";
  for my $i (0 .. $#asked) {
    my $q = $asked[$i];
    for my $way (qw(off on)) { $script .= marked("$way $i", "SET retention.enable_batch_scan = $way", $q->{sql}->@*, 'ROLLBACK', 'RESET ROLE') }
    if ($q->{explain}) {
      my $analyze = (grep /^many groups$/, $q->{tags}->@*) && (grep /^(direct|ordered)$/, $q->{tags}->@*) ? ', ANALYZE, TIMING OFF, SUMMARY OFF' : '';
      $script .= marked("plan $i", (map $q->{sql}[$_], 0 .. ($q->{before} // 0) - 1), 'BEGIN', "EXPLAIN (COSTS OFF$analyze) $q->{explain}", 'ROLLBACK');
    }
  }
  $script .= marked('end', ($t->{kind} eq 'temporary' ? () : "DROP TABLE " . ($t->{kind} eq 'matview' ? 'base_' : '') . "$t->{name} CASCADE"));
  my $file = "$folder/table_$number.sql";
  PostgreSQL::Test::Utils::append_to_file($file, $script);
  my ($out, $err) = ('', '');
  my $began = time;
  IPC::Run::run([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres'), '-f', $file ], '<', \undef, '>', \$out, '2>', \$err);
  my %answer = map { /^(\S+(?: \d+)?)\n(.*)\z/s ? ($1 => $2) : () } split /^@@ /m, $out;
  $count{tables}++;
  note(sprintf('table %d, %s, %s: %.1f s', $number, $t->{kind}, $settings, time - $began)) if time - $began > 3;
  $count{"tables: $t->{kind}"}++;
  my @failed = grep /^ERROR/, split /\n/, $answer{table} // '';
  push @differences, "table $number cannot be made: @failed" if @failed;
  if (!exists $answer{end}) {
    push @differences, "table $number ($settings): the server broke off after \"" . ($out =~ /.*^@@ (\S+ \d+)/ms ? $1 : '?') . "\": $err";
    $node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
  }
  for my $i (0 .. $#asked) {
    my $q = $asked[$i];
    next unless exists $answer{"off $i"};
    # Which row is the first that is wrong depends on the order in which a plan reads them.
    my ($off, $on) = map sorted($answer{"$_ $i"}) =~ s/^(ERROR 22023 a membership of customer ).*(?= ends)/$1.../mgr, qw(off on);
    $count{questions}++;
    my @errors = $off =~ /^ERROR (\S+)/mg;
    $count{'with an error'}++ if @errors;
    $count{"error $_"}++ for @errors;
    # A question that fails either way tests nothing.
    push @unsound, "table $number, question $i: $1: " . join('; ', @{ $q->{sql} }) if $off =~ /\A(?:(?!^ERROR).)*^ERROR (42(?!501|P10)[^\n]*)/ms;
    if ($off ne $on) {
      my @lines_off = split /\n/, $off;
      my @lines_on  = split /\n/, $on;
      my ($d) = grep { ($lines_off[$_] // '') ne ($lines_on[$_] // '') } 0 .. (@lines_off > @lines_on ? $#lines_off : $#lines_on);
      my @tail = map substr($_ // '(nothing)', 0, 300), $lines_off[$d], $lines_on[$d];
      push @differences, "table $number, question $i, $t->{kind}, $settings, [@{ $q->{tags} }]:\n" . join(";\n", $q->{sql}->@*) . ";\noff: $tail[0]\non:  $tail[1]";
    }
    next unless exists $answer{"plan $i"};
    my $plan = $answer{"plan $i"};
    next if $plan =~ /^ERROR/m;
    $count{plans}++;
    if ($plan =~ /RetentionScan/) {
      $count{'plans with it'}++;
      $count{'in workers'}++ if $plan =~ /Gather.*RetentionScan/s;
      $count{'divided by group'}++ if $plan =~ /Partitioned/;
    }
    else {
      my @why = grep !/^(direct|ordered|many groups)$/, $q->{tags}->@*;
      push @why, 'no rows' if $plan =~ /One-Time Filter: false/;
      my $why = @why ? join(', ', @why) : 'nothing odd';
      $fallen{$why}++;
      $fallen_example{$why} //= "table $number: $q->{explain}";
    }
  }
}

note("seed $seed: ", join(', ', map "$count{$_} $_", grep !/error \w{5}$/, sort keys %count));
note('errors met by both: ', join(', ', map { /^error (.*)/ ? "$1 ($count{$_})" : () } sort keys %count));
is(scalar(@unsound), 0, 'every question can be asked');
diag($_) for @unsound > 10 ? @unsound[ 0 .. 9 ] : @unsound;
is(scalar(@differences), 0, ($count{questions} // 0) . " questions of $tables tables: the same with the batch scan as without");
diag("a table again: RETENTION_SEED=$seed RETENTION_SCAN_FROM=number RETENTION_SCAN_TABLES=1 (and RETENTION_SCAN_QUESTIONS=$questions)") if @differences;
diag($_) for @differences > 10 ? @differences[ 0 .. 9 ] : @differences;
if ($known) {
  my $with = $count{'plans with it'} // 0;
  cmp_ok($with / ($with + ($fallen{'nothing odd'} // 0) || 1), '>', 0.8, 'most plans have it, if nothing speaks against it');
  cmp_ok($count{'in workers'} // 0, '>', 0, 'and some in workers');
  note($count{'divided by group'} // 0, ' with groups that were divided');
  note("without: $_ ($fallen{$_}): $fallen_example{$_}") for sort { $fallen{$b} <=> $fallen{$a} } keys %fallen;
}

$node->stop;
done_testing();
