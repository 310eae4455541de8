# Reports that the database makes by itself: pg_cron in a private cluster, two ways of running jobs; runs that fail, that meet,
# that are cancelled, and whose server dies.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $bin = qx{pg_config --pkglibdir};
chomp $bin;
plan skip_all => 'pg_cron is not installed (Debian: postgresql-NN-cron)' unless -e "$bin/pg_cron.so";

# Jobs are run by background workers on one server, over connections on the other.
my %node;
for my $way ('workers', 'connections') {
  my $node = $node{$way} = PostgreSQL::Test::Cluster->new("schedule_$way");
  $node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
  $node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\ntimezone = 'UTC'\n"
      . ($way eq 'workers' ? "cron.use_background_workers = on\n" : "cron.host = '" . $node->host . "'\n"));
  $node->start;
  $node->safe_psql(
    'postgres', q{
    CREATE EXTENSION retention;
    CREATE ROLE ann LOGIN;
    CREATE ROLE ben LOGIN;
    GRANT CREATE ON SCHEMA public TO ann});
  $node->safe_psql(
    'postgres', q{
    CREATE TABLE customer AS
      SELECT i AS id, CASE i % 2 WHEN 0 THEN 'basic' ELSE '<script>' END AS plan, date '2025-01-01' + i % 300 AS started,
        CASE WHEN i % 3 = 0 THEN date '2025-01-01' + i % 300 + 40 END AS ended
      FROM generate_series(1, 300) i;
    -- Takes long, and can be made to end.
    CREATE TABLE brake (seconds float8);
    INSERT INTO brake VALUES (0);
    CREATE VIEW slow AS SELECT c.* FROM customer c, (SELECT pg_sleep(seconds) FROM brake OFFSET 0) b;
    SELECT retention_source('shop', 'subscriptions', 'customer', 'id', started => 'started', ended => 'ended', segments => '{plan}',
      grid => 'month; time_zone=UTC');
    SELECT retention_source('O''Neil\\100%', 'subscriptions', 'customer', 'id', started => 'started', ended => 'ended',
      grid => 'month; time_zone=UTC', filter => '1 / (id - 7) IS NOT NULL');
    SELECT retention_source('slow', 'subscriptions', 'slow', 'id', started => 'started', ended => 'ended', grid => 'month; time_zone=UTC')},
    extra_params => [ '-U', 'ann' ]);
}

sub asks
{
  my ($node, $sql, $user) = @_;
  return $node->safe_psql('postgres', $sql, extra_params => [ '-U', $user // 'ann' ]);
}

sub fails
{
  my ($node, $sql, $like, $name, $user) = @_;
  my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", extra_params => [ '-U', $user // 'ann' ]);
  like($err, $like, $name);
}

# --- Without pg_cron, then without the right to use it -------------------------------------------

my $node = $node{workers};
fails($node, q{SELECT retention_schedule('shop', '0 6 1 * *')}, qr/ERROR:  0A000: there is no pg_cron in database "postgres"/, 'without pg_cron an error');
my ($rc, $out, $err) = $node->psql('postgres', q{SELECT retention_schedule(E'O\'Neil\\\\100%', '0 6 1 * *')}, extra_params => [ '-U', 'ann' ]);
like($err, qr/HINT:  .*postgresql-\d+-cron/, 'and a hint');
my ($line) = $err =~ /^(0 6 1 \* \* psql .*)$/m;
ok($line, 'and a line for a crontab');
# What cron would hand to the shell: the part after the five fields, with \% as %.
my ($command) = $line =~ /^(?:\S+ ){5}(.*)$/;
$command =~ s/\\%/%/g;
{
  local $ENV{PGHOST} = $node->host;
  local $ENV{PGPORT} = $node->port;
  my $said = qx{$command 2>&1};
  like($said, qr/the report of source "O'Neil\\100%" failed: division by zero/, 'that line runs as it stands');
}
is(asks($node, q{SELECT count(*) FROM retention_schedules}), '0', 'no schedules');
asks($node, 'DELETE FROM retention_report_run');

$_->safe_psql('postgres', 'CREATE EXTENSION pg_cron') for values %node;
fails($node, q{SELECT retention_schedule('shop', '0 6 1 * *')}, qr/ERROR:  42501: role "ann" may not use pg_cron/, 'pg_cron has to be granted');
is(asks($node, q{SELECT count(*) FROM retention_schedules}), '0', 'still no schedules, and no error');
$_->safe_psql('postgres', 'GRANT USAGE ON SCHEMA cron TO ann, ben') for values %node;

# --- Schedules ----------------------------------------------------------------------------------

fails($node, q{SELECT retention_schedule('shop', 'every monday')}, qr/ERROR:  22023: invalid schedule: "every monday"/, 'a schedule is checked');
fails($node, q{SELECT retention_schedule('shop', '0 6 32 13 *')}, qr/ERROR:  22023: invalid schedule: "0 6 32 13 \*"/, 'also what pg_cron finds');
fails($node, q{SELECT retention_schedule('shp', '0 6 1 * *')}, qr/ERROR:  42704: source "shp" does not exist/, 'of a source that is there');
fails($node, q{SELECT retention_schedule('shop', '0 6 1 * *')}, qr/ERROR:  42704: source "shop" does not exist/, 'and is seen', 'ben');

my $job = asks($node, q{SELECT retention_schedule('shop', '0 6 1 * *')});
is(asks($node, q{SELECT source, schedule, job = } . $job . q{, owner, active, last_status FROM retention_schedules}),
  'shop|0 6 1 * *|t|ann|t|', 'a schedule is listed');
is(asks($node, q{SELECT retention_schedule('shop', '30 7 * * 1')}), $job, 'a second call changes it');
is(asks($node, q{SELECT schedule FROM retention_schedules}), '30 7 * * 1', 'to the new times');
is(asks($node, q{SELECT count(*) FROM retention_schedules}, 'ben'), '0', 'nobody else sees it');
fails($node, q{SELECT retention_unschedule('shop')}, qr/ERROR:  42704: no reports of source "shop" are scheduled by role "ben"/, 'nor ends it', 'ben');
my $odd = asks($node, q{SELECT retention_schedule(E'O\'Neil\\\\100%', '@monthly')});
is(asks($node, q{SELECT source FROM retention_schedules WHERE schedule = '@monthly'}), q{O'Neil\\100%}, 'an odd name is found again');
is(asks($node, q{SELECT retention_unschedule(E'O\'Neil\\\\100%')}), $odd, 'and ended by it');
is(asks($node, q{SELECT retention_unschedule('shop')}), $job, 'an end');
is(asks($node, q{SELECT count(*) FROM retention_schedules}), '0', 'without a trace');

# --- The next minute ----------------------------------------------------------------------------

my %listener;
for my $way (sort keys %node) {
  my ($in, $out) = ('', '');
  $listener{$way} = { in => \$in, out => \$out };
  $listener{$way}{psql} = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-U', 'ann', '-d', $node{$way}->connstr('postgres') ], '<', \$in, '>', \$out, '2>&1');
  $in .= "LISTEN retention_report;\n";
  $listener{$way}{psql}->pump_nb;
  asks($node{$way}, q{SELECT retention_schedule('shop', '* * * * *'), retention_schedule(E'O\'Neil\\\\100%', '* * * * *')});
}
for my $way (sort keys %node) {
  my $node = $node{$way};
  ok($node->poll_query_until('postgres', q{SELECT count(*) FILTER (WHERE state = 'done') > 0 AND count(*) FILTER (WHERE state = 'failed') > 0
    FROM retention_report_run}), "$way: both jobs ran");
  is(asks($node, q{SELECT DISTINCT owner, source_owner, as_of = (SELECT greatest(max(started), max(ended)) + 1 FROM customer),
      report ->> 'rows', report -> 'as_of' = to_jsonb(as_of), html IS NOT NULL, error, finished > started
    FROM retention_report_run WHERE source = 'shop'}), 'ann|ann|t|300|t|t||t', "$way: the report is in the table, made as who scheduled it");
  is(asks($node, q{SELECT DISTINCT state, split_part(error, E'\n', 1), report, html FROM retention_report_run WHERE source <> 'shop'}),
    'failed|22012: division by zero||', "$way: the failure, too");
  ok($node->poll_query_until('postgres', q{SELECT count(*) = 2 AND bool_and(last_status IN ('succeeded', 'failed')) FROM retention_schedules}), "$way: pg_cron knows");
  is(asks($node, q{SELECT source, last_status, last_message LIKE '%failed: division by zero%' FROM retention_schedules ORDER BY source COLLATE "C"}),
    "O'Neil\\100%|failed|t\nshop|succeeded|f", "$way: and says how it went");
  is(asks($node, 'SELECT count(*) FROM retention_report_run', 'ben'), '0', "$way: nobody else sees a run");
  asks($node, q{SELECT retention_unschedule('shop'), retention_unschedule(E'O\'Neil\\\\100%')});
  is(asks($node, 'SELECT count(*) FROM retention_schedules'), '0', "$way: unscheduled");

  my $l = $listener{$way};
  ${ $l->{in} } .= "SELECT 'the end';\n\\q\n";
  $l->{psql}->finish;
  my $ids = asks($node, q{SELECT string_agg(id::text, '|') FROM retention_report_run});
  like(${ $l->{out} }, qr/Asynchronous notification "retention_report" with payload "(?:$ids)" received/, "$way: NOTIFY tells the run");
}

# --- A run while it goes on ---------------------------------------------------------------------

# A psql in the background that runs a job; comes back when its run is seen.
sub begin_job
{
  my ($node, $sql) = @_;
  my ($out, $err) = ('', '');
  my $psql = IPC::Run::start([ 'psql', '-X', '-U', 'ann', '-d', $node->connstr('postgres'), '-c', $sql ], '<', \undef, '>', \$out, '2>', \$err);
  $node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM retention_report_run WHERE state = 'running'}) or die $err;
  return ($psql, \$err);
}

$node->safe_psql('postgres', 'UPDATE brake SET seconds = 300', extra_params => [ '-U', 'ann' ]);
asks($node, 'DELETE FROM retention_report_run');
my ($psql, $said) = begin_job($node, q{CALL retention_run_job('slow')});
is(asks($node, q{SELECT source, state, took FROM retention_report_runs()}), 'slow|running|', 'a run is seen while it goes on');
fails($node, q{SELECT retention_run_report('slow')}, qr/ERROR:  55P03: a report of source "slow" is already being made\nDETAIL:  It is run \d+, in process \d+\./, 'never two at once');
fails($node, q{CALL retention_run_job('slow')}, qr/ERROR:  55P03: a report of source "slow"/, 'nor by the other way');
is(asks($node, q{SELECT state FROM retention_report_runs(source => 'shop') LIMIT 1}), '', 'other sources');
isnt(asks($node, q{SELECT retention_run_report('shop')}), '', 'have nothing to do with it');
is(asks($node, q{SELECT count(*) FROM retention_report_runs() WHERE state = 'running'}), '1', 'the first one is not harmed');

is($node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM retention_report_run WHERE state = 'running'}), 't', 'it is cancelled');
$psql->finish;
like($$said, qr/ERROR:  the report of source "slow" failed: canceling statement due to user request/, 'says so');
is(asks($node, q{SELECT state, error FROM retention_report_runs('slow')}), 'failed|57014: canceling statement due to user request', 'and keeps why');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}), '0', 'no lock is left');

# Killed: the row says running, nobody runs.
($psql) = begin_job($node, q{CALL retention_run_job('slow')});
$node->stop('immediate');
$psql->finish;
$node->start;
is(asks($node, q{SELECT state FROM retention_report_run ORDER BY id DESC LIMIT 1}), 'running', 'after a crash the row still says running');
is(asks($node, q{SELECT state FROM retention_report_runs('slow') LIMIT 1}), 'lost', 'and is shown as lost');
$node->safe_psql('postgres', 'UPDATE brake SET seconds = 0', extra_params => [ '-U', 'ann' ]);
my $id = asks($node, q{SELECT retention_run_report('slow')});
is(asks($node, q{SELECT state, error FROM retention_report_runs('slow')}),
  "done|\nfailed|57P01: the run did not end: its session or the server went away\nfailed|57014: canceling statement due to user request", 'the next run tidies up');
is(asks($node, q{SELECT report IS NOT NULL FROM retention_report_run WHERE id = } . $id), 't', 'and is whole');

# The extension goes without pg_cron, and pg_cron without the extension.
asks($node, q{SELECT retention_schedule('shop', '0 6 1 * *')});
$node->safe_psql('postgres', 'DROP EXTENSION pg_cron');
is(asks($node, q{SELECT count(*) FROM retention_schedules}), '0', 'pg_cron can go');
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron; DROP EXTENSION retention');
is($node->safe_psql('postgres', 'SELECT count(*) FROM cron.job'), '0', 'and the extension');

$_->stop for values %node;
done_testing();
