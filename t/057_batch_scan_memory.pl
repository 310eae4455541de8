# The memory of the batch scan compared with that of the server's own aggregate: peak sizes of the processes.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

plan skip_all => 'peak sizes are read from /proc' unless -r '/proc/self/status';

# A difference of more than this, in MB, is no accident: where something piles up it is hundreds.
my $slack = 64;

my $node = PostgreSQL::Test::Cluster->new('memory');
$node->init(extra => [ '--locale=C', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\njit = off\nwork_mem = '4MB'\nshared_buffers = '2MB'\n");
$node->start;
$node->safe_psql(
  'postgres', q{
  CREATE EXTENSION retention;
  CREATE TABLE visit AS SELECT g::bigint AS customer, g % 200 AS segment, date '1800-01-01' + g % 90000 AS at FROM generate_series(1, 400) g;
  CREATE TABLE wide (id text, at date);
  ALTER TABLE wide ALTER id SET STORAGE EXTERNAL;
  INSERT INTO wide SELECT repeat(md5(g::text), 16384), date '2024-01-01' + g % 90 FROM generate_series(1, 400) g;
  ANALYZE visit, wide;
  -- never analyzed: the planner expects 200 groups
  CREATE TABLE many AS SELECT g::bigint AS customer, (g * 7919 % 400000)::integer AS segment, (g * 7919 % 400000)::numeric AS a, (g * 7919 % 400000)::numeric + 1 AS b, (g * 7919 % 400000)::numeric + 2 AS c, date '2024-01-01' + (g % 300)::integer AS at FROM generate_series(1::bigint, 800000) g});

# How many MB the process of a query has grown at most.
sub growth
{
  my ($way, $settings, $query) = @_;
  my $peak = q{SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+)')::integer};
  my $grown = $node->safe_psql(
    'postgres', qq{SET retention.enable_batch_scan = $way; $settings
      SELECT cohort_retention(customer, at, 'month') FROM visit\\g /dev/null
      SELECT ($peak) AS before \\gset
      $query\\g /dev/null
      SELECT (($peak) - :before) / 1024});
  return $grown;
}

my $alone   = 'SET max_parallel_workers_per_gather = 0;';
my $workers = 'SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;';
my $flow    = q{customer_flow(customer, at, NULL, 'day', daterange('1800-01-01', '2070-01-01'))};
my @questions = (
  [ 'large answers of many groups', $alone, "SELECT count(pg_column_size(f)) FROM (SELECT segment, $flow AS f FROM visit GROUP BY segment OFFSET 0) q" ],
  [ 'the same, in workers', $workers, "SELECT count(pg_column_size(f)) FROM (SELECT segment, $flow AS f FROM visit GROUP BY segment OFFSET 0) q" ],
  [ '400,000 groups', $alone, q{SELECT count(pg_column_size(f)) FROM (SELECT segment, cohort_retention(customer, at, 'month') AS f FROM many GROUP BY segment OFFSET 0) q} ],
  [ 'wide values of a subquery', $alone, q{SELECT (cohort_totals(cohort_retention(id, at, 'month'))).customers FROM (SELECT id || '' AS id, at FROM wide OFFSET 0) q} ],
  [ 'wide values of an aggregate of the server', $alone, q{SELECT length(max(id)), cohort_retention(1, at, 'month') FROM wide} ],
  [ 'wide values that are computed', $alone, q{SELECT (cohort_totals(cohort_retention(id || '', at, 'month'))).customers FROM wide} ],
);
for my $question (@questions) {
  my ($name, $settings, $query) = @$question;
  like($node->safe_psql('postgres', "$settings EXPLAIN $query"), qr/RetentionScan/, "$name: the plan has it");
  my $plain = growth('off', $settings, $query);
  my $batch = growth('on', $settings, $query);
  cmp_ok($batch, '<', $plain + $slack, "$name: $batch MB, and $plain MB without");
}

# How many MB all processes of a query have grown at most. Workers are gone afterwards: they are watched.
sub growth_of_all
{
  my ($settings, $query) = @_;
  my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
  my ($said, $complained) = ('', '');
  my $psql = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-d', $node->connstr('postgres'), '-c', "SELECT pg_backend_pid()", (map { ('-c', $_) } "SET retention.enable_batch_scan = on", split(/; ?/, $settings), 'SELECT cohort_retention(customer, at, $$month$$) FROM visit', "SELECT 'ready'", "SELECT pg_sleep(0.3)", $query, "SELECT pg_sleep(0.3)") ],
    '<', \undef, '>', \$said, '2>', \$complained);
  my (%first, %peak, $ready);
  do {
    $ready ||= $said =~ /^ready$/m;
    for my $file ($ready ? glob('/proc/[0-9]*/status') : ()) {
      open my $in, '<', $file or next;
      local $/;
      my $status = <$in> // next;
      next unless $status =~ /^PPid:\s*$postmaster$/m;
      my ($peak) = $status =~ /^VmHWM:\s*(\d+)/m or next;
      my ($pid) = $file =~ /(\d+)/;
      $first{$pid} //= $peak;
      $peak{$pid} = $peak;
    }
    usleep(3000);
    $psql->pump_nb;
  } while ($psql->pumpable);
  IPC::Run::finish($psql);
  is($complained, '', 'no error');
  my $grown = 0;
  $grown += $peak{$_} - $first{$_} for keys %first;
  note(join ', ', map sprintf('process %d: %.1f MB', $_, ($peak{$_} - $first{$_}) / 1024), grep $peak{$_} - $first{$_} > 512, keys %first);
  return (int($grown / 1024), scalar keys %first);
}

# work_mem * hash_mem_multiplier, and 32 MB; a worker is a new process, which takes up to 16 MB for itself after it is first seen.
my $bound     = 8 + 32;
my $of_worker = 16;
# (hashing a numeric leaves memory behind)
for my $keys ('segment', 'a, b, c') {
  for my $with ($alone, $workers) {
    my ($grown, $processes) = growth_of_all($with, "SELECT count(pg_column_size(f)) FROM (SELECT $keys, cohort_retention(customer, at, 'month') AS f FROM many GROUP BY $keys OFFSET 0) q");
    cmp_ok($grown, '<', $bound + ($with eq $workers ? 2 * $of_worker : 0), "400,000 groups by $keys in $processes processes of the server: $grown MB more");
  }
}

$node->stop;
done_testing();
