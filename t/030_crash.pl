# A backend that is killed or cancelled in the middle of an aggregate, and answers afterwards.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "restart_after_crash = on\ntimezone = 'UTC'\n");
$node->start;
$node->safe_psql(
  'postgres', q{
  CREATE EXTENSION retention;
  CREATE TABLE customers AS
    SELECT DATE '2020-01-01' + i % 1500 AS started,
      CASE WHEN i % 3 > 0 THEN DATE '2020-01-01' + i % 1500 + i % 400 END AS ended
    FROM generate_series(1, 20000) i;
  CREATE TABLE flows AS
    SELECT 1 AS id, customer_flow(started, ended, 'month', daterange('2020-01-01', '2025-01-01')) AS flow
    FROM customers;
  CHECKPOINT});

my $answer = q{SELECT customer_flow(started, ended, 'month', daterange('2020-01-01', '2025-01-01')) FROM customers};
my $right  = $node->safe_psql('postgres', $answer);

# Aggregates that run until they are stopped: endless rows into one state, and endless states into one.
my $without_end = q{
  FROM customers, generate_series(1, 100000) g};
my %long = (
  customer_flow => "SELECT customer_flow(started, ended, 'day', daterange('2020-01-01', '2025-01-01')) $without_end",
  rollup        => 'SELECT rollup(flow) FROM flows, generate_series(1, 1000000000) g',
  retention_rate => "SELECT retention_rate(started, ended, daterange('2022-01-01', '2023-01-01')) $without_end",
);

# begin_long(NAME): starts psql in the background; returns it and the process id of its backend.
sub begin_long
{
  my ($name) = @_;
  my ($out, $err) = ('', '');
  my $psql = IPC::Run::start(
    [ 'psql', '-X', '-d', $node->connstr('postgres') . ' application_name=long', '-c', $long{$name} ],
    '<', \undef, '>', \$out, '2>', \$err);
  my $running = "SELECT pid FROM pg_stat_activity WHERE application_name = 'long' AND state = 'active'
    AND query LIKE 'SELECT%'";
  my $pid = '';
  for (1 .. 200) {
    $pid = $node->safe_psql('postgres', $running);
    last if $pid ne '';
    usleep(50_000);
  }
  usleep(300_000);    # into the rows
  return ($psql, $pid, \$err);
}

for my $name (sort keys %long) {
  my ($psql, $pid, $err) = begin_long($name);
  my $began = time;
  is($node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)"), 't', "$name: runs and is cancelled");
  IPC::Run::finish($psql);
  my $took = time - $began;
  like($$err, qr/canceling statement due to user request/, "$name: says so");
  cmp_ok($took, '<', 1, "$name: within a second");
  is($node->safe_psql('postgres', $answer), $right, "$name: the next answer is right");

  my ($rc, $out, $said) = $node->psql('postgres', "SET statement_timeout = 200; $long{$name}");
  like($said, qr/canceling statement due to statement timeout/, "$name: a time limit holds, too");
}

for my $name (sort keys %long) {
  my ($psql, $pid, $err) = begin_long($name);
  kill 'KILL', $pid;
  IPC::Run::finish($psql);
  like($$err, qr/connection|terminating|server closed/i, "$name: its backend is killed");
  ok($node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), "$name: the server comes back");
  is($node->safe_psql('postgres', $answer), $right, "$name: the next answer is right after the crash");
  is($node->safe_psql('postgres', 'SELECT flow FROM flows'), $right, "$name: what was stored is whole");
}

# An immediate shutdown in the middle, and a new start.
my ($psql) = begin_long('customer_flow');
$node->stop('immediate');
IPC::Run::finish($psql);
$node->start;
is($node->safe_psql('postgres', $answer), $right, 'right after an immediate stop');

$node->stop;
done_testing();
