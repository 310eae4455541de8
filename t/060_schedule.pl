# Scheduled reports: pg_cron in a private cluster, with both ways of running jobs; runs that fail, meet, are cancelled,
# and whose server dies.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $bin = qx{pg_config --pkglibdir};
chomp $bin;
plan skip_all => 'pg_cron is not installed (Debian: postgresql-NN-cron)' unless -e "$bin/pg_cron.so";

# A name that quoting, the shell, cron and format() could each read wrongly.
my $odd = q{'"O''Neil\100%"'};

# Jobs are run by background workers on one server, over connections on the other.
my %node;
for my $way ('workers', 'connections') {
  my $node = $node{$way} = PostgreSQL::Test::Cluster->new("schedule_$way");
  $node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
  $node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'\n"
    . "cron.database_name = 'postgres'\ntimezone = 'UTC'\nrestart_after_crash = on\n"
      . ($way eq 'workers' ? "cron.use_background_workers = on\n" : "cron.host = '" . $node->host . "'\n"));
  $node->start;
  $node->safe_psql(
    'postgres', q{
    CREATE EXTENSION retention;
    CREATE ROLE ann LOGIN;
    CREATE ROLE ben LOGIN;
    GRANT CREATE ON SCHEMA public TO ann;
    CREATE SCHEMA bens AUTHORIZATION ben});
  $node->safe_psql(
    'postgres', qq{
    CREATE TABLE customer AS
      SELECT i AS id, CASE i % 2 WHEN 0 THEN 'basic' ELSE '<script>' END AS plan, date '2025-01-01' + i % 300
        AS started,
        CASE WHEN i % 3 = 0 THEN date '2025-01-01' + i % 300 + 40 END AS ended
      FROM generate_series(1, 300) i;
    -- Takes long, and can be made to end.
    CREATE TABLE brake (seconds float8);
    INSERT INTO brake VALUES (0);
    CREATE VIEW braked AS SELECT c.* FROM customer c, (SELECT pg_sleep(seconds) FROM brake OFFSET 0) b;
    SELECT retention_source('shop', 'subscriptions', 'customer', 'id', started => 'started', ended => 'ended',
      segments => '{plan}',
      grid => 'month; time_zone=UTC');
    SELECT retention_source($odd, 'subscriptions', 'customer', 'id', started => 'started', ended => 'ended',
      grid => 'month; time_zone=UTC', filter => '1 / (id - 7) IS NOT NULL');
    SELECT retention_source('slow', 'subscriptions', 'braked', 'id', started => 'started', ended => 'ended',
      grid => 'month; time_zone=UTC')},
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
  my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", extra_params => [ '-U',
    $user // 'ann' ]);
  like($err, $like, $name);
}

# --- Without pg_cron, then without the right to use it -------------------------------------------

my $node = $node{workers};
fails($node, q{SELECT retention_schedule('shop', '0 6 1 * *')},
  qr/ERROR:  0A000: there is no pg_cron in database "postgres"/, 'without pg_cron an error');
my ($rc, $out, $err) = $node->psql('postgres', qq{SELECT retention_schedule($odd, '0 6 1 * *')}, extra_params => [ '-U',
  'ann' ]);
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
  like($said, qr/the report of "O'Neil\\100%" failed: division by zero/, 'that line runs as it stands');
}
is(asks($node, q{SELECT count(*) FROM retention_schedules}), '0', 'no schedules');
is(asks($node, qq{SELECT state FROM retention_report_runs($odd)}), 'failed', 'and keeps a run');

$_->safe_psql('postgres', 'CREATE EXTENSION pg_cron') for values %node;
fails($node, q{SELECT retention_schedule('shop', '0 6 1 * *')}, qr/ERROR:  42501: role "ann" may not use pg_cron/,
  'pg_cron has to be granted');
is(asks($node, q{SELECT count(*) FROM retention_schedules}), '0', 'still no schedules, and no error');
$_->safe_psql('postgres', 'GRANT USAGE ON SCHEMA cron TO ann, ben') for values %node;

# --- Schedules ----------------------------------------------------------------------------------

fails($node, q{SELECT retention_schedule('shop', 'every monday')}, qr/ERROR:  22023: invalid schedule: "every monday"/,
  'a schedule is checked');
fails($node, q{SELECT retention_schedule('shop', '0 6 32 13 *')}, qr/ERROR:  22023: invalid schedule: "0 6 32 13 \*"/,
  'by pg_cron, too');
fails($node, q{SELECT retention_schedule('shp', '0 6 1 * *')}, qr/ERROR:  42P01: relation "shp" does not exist/,
  'the relation has to exist');
fails($node, q{SELECT retention_schedule('customer', '0 6 1 * *')}, qr/ERROR:  42809: public.customer is not a view/,
  'and has to be a source');

my $job = asks($node, q{SELECT retention_schedule('shop', '0 6 1 * *')});
is(asks($node, q{SELECT source, schedule, job = } . $job . q{, owner, active, last_status FROM retention_schedules}),
  'public.shop|0 6 1 * *|t|ann|t|', 'a schedule is listed');
is(asks($node, q{SELECT retention_schedule('shop', '30 7 * * 1')}), $job, 'a second call changes it');
is(asks($node, q{SELECT schedule FROM retention_schedules}), '30 7 * * 1', 'to the new times');
is(asks($node, q{SELECT count(*) FROM retention_schedules}, 'ben'), '0', 'nobody else sees it');
fails($node, q{SELECT retention_unschedule('shop')},
  qr/ERROR:  42704: no reports of public.shop are scheduled by role "ben"/, 'nor ends it', 'ben');
my $odd_job = asks($node, qq{SELECT retention_schedule($odd, '\@monthly')});
is(asks($node, q{SELECT source FROM retention_schedules WHERE schedule = '@monthly'}), q{public."O'Neil\100%"},
  'an odd name is found again');
is(asks($node, qq{SELECT retention_unschedule($odd)}), $odd_job, 'and ended by it');
is(asks($node, q{SELECT retention_unschedule('shop')}), $job, 'an end');
is(asks($node, q{SELECT count(*) FROM retention_schedules}), '0', 'without a trace');

# --- The next minute ----------------------------------------------------------------------------

my %listener;
for my $way (sort keys %node) {
  my ($in, $out) = ('', '');
  $listener{$way} = { in => \$in, out => \$out };
  $listener{$way}{psql} = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-U', 'ann', '-d',
    $node{$way}->connstr('postgres') ], '<', \$in, '>', \$out, '2>&1');
  $in .= "LISTEN retention_report;\n";
  $listener{$way}{psql}->pump_nb;
  # Somebody who may create functions waits for a job that calls another procedure than ours.
  $node{$way}->safe_psql('postgres', q{GRANT CREATE ON SCHEMA public TO ben});
  asks($node{$way}, q{CREATE PROCEDURE retention_run_job(text) LANGUAGE sql AS 'CREATE ROLE owned_by_ben'}, 'ben');
  asks($node{$way}, qq{SELECT retention_schedule('shop', '* * * * *'), retention_schedule($odd, '* * * * *')});
  # A reader has runs of their own, in a schema of their own.
  asks($node{$way}, 'GRANT SELECT ON customer, shop TO ben');
  asks($node{$way}, q{SELECT retention_schedule('shop', '* * * * *', 'bens')}, 'ben');
}
for my $way (sort keys %node) {
  my $node = $node{$way};
  my $runs = q{public."O'Neil\100%_report_run"};
  ok($node->poll_query_until('postgres', qq{SELECT count(*) = 3 FROM pg_class WHERE relname LIKE '%_report_run'}),
    "$way: all jobs began");
  ok($node->poll_query_until('postgres', qq{SELECT (SELECT count(*) > 0 FROM shop_report_run WHERE state = 'done')
    AND (SELECT count(*) > 0 FROM $runs WHERE state = 'failed')
    AND (SELECT count(*) > 0 FROM bens.shop_report_run WHERE state = 'done')}), "$way: and ran");
  is(asks($node, q{SELECT DISTINCT pg_get_userbyid(relowner), as_of = (SELECT greatest(max(started), max(ended)) + 1
    FROM customer),
      report ->> 'rows', report -> 'as_of' = to_jsonb(as_of), html IS NOT NULL, error, finished > started
    FROM shop_report_run, pg_class WHERE pg_class.oid = 'shop_report_run'::regclass}), 'ann|t|300|t|t||t',
      "$way: the report is in a table of who scheduled it");
  is(asks($node, q{SELECT DISTINCT pg_get_userbyid(relowner), report ->> 'rows' FROM bens.shop_report_run, pg_class
    WHERE pg_class.oid = 'bens.shop_report_run'::regclass}, 'ben'),
    'ben|300', "$way: the reader's in theirs");
  is(asks($node, qq{SELECT DISTINCT state, split_part(error, E'\\n', 1), report, html FROM $runs}),
    'failed|22012: division by zero||', "$way: the failure is kept, too");
  ok($node->poll_query_until('postgres', q{SELECT count(*) = 3 AND bool_and(last_status IN ('succeeded', 'failed'))
    FROM retention_schedules}), "$way: pg_cron knows");
  is(asks($node, q{SELECT source, last_status, last_message LIKE '%failed: division by zero%'
    FROM retention_schedules ORDER BY source COLLATE "C"}),
    "public.\"O'Neil\\100%\"|failed|t\npublic.shop|succeeded|f", "$way: and says how it went");
  fails($node, 'SELECT count(*) FROM shop_report_run', qr/ERROR:  42501/, "$way: nobody else sees a run", 'ben');
  is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolname = 'owned_by_ben'}), '0',
    "$way: no other procedure ran");
  asks($node, 'DROP PROCEDURE retention_run_job(text)', 'ben');
  asks($node, qq{SELECT retention_unschedule('shop'), retention_unschedule($odd)});
  asks($node, q{SELECT retention_unschedule('shop')}, 'ben');
  is($node->safe_psql('postgres', 'SELECT count(*) FROM retention_schedules'), '0', "$way: unscheduled");

  my $l = $listener{$way};
  ${ $l->{in} } .= "SELECT 'the end';\n\\q\n";
  $l->{psql}->finish;
  like(${ $l->{out} }, qr/notification "retention_report" with payload "public.shop_report_run 1" received/,
    "$way: NOTIFY has the run");
}

# --- A run while it goes on ---------------------------------------------------------------------

# Runs a job with psql in the background, and returns when its run is visible.
sub begin_job
{
  my ($node, $sql) = @_;
  my ($out, $err) = ('', '');
  my $psql = IPC::Run::start([ 'psql', '-X', '-U', 'ann', '-d', $node->connstr('postgres'), '-c', $sql ], '<', \undef,
    '>', \$out, '2>', \$err);
  $node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM retention_report_runs('slow') WHERE state = 'running'})
    or die $err;
  return ($psql, \$err);
}

$node->safe_psql('postgres', 'UPDATE brake SET seconds = 300', extra_params => [ '-U', 'ann' ]);
my ($psql, $said) = begin_job($node, q{CALL retention_run_job('slow')});
is(asks($node, q{SELECT run, state, took FROM retention_report_runs('slow')}), '1|running|',
  'a run is visible while it goes on');
is(asks($node, q{SELECT what, source FROM retention_progress}), 'report|slow', 'and how far it is');
$node->safe_psql('postgres', 'CREATE DATABASE other');
is($node->safe_psql('other', 'CREATE EXTENSION retention; SELECT count(*) FROM retention_progress'), '0',
  'not in another database');
fails($node, q{SELECT retention_run_report('slow')},
  qr/ERROR:  55P03: a report of public.slow is already being made\nDETAIL:  It is run 1, in process \d+\./,
  'never two at once');
fails($node, q{CALL retention_run_job('slow')}, qr/ERROR:  55P03: a report of \S*slow is/, 'nor by the other way');
isnt(asks($node, q{SELECT retention_run_report('shop')}), '', 'other sources have nothing to do with it');
is(asks($node, q{SELECT state FROM retention_report_runs('slow')}), 'running', 'the first one is not harmed');

is($node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM slow_report_run WHERE state = 'running'}), 't',
  'it is cancelled');
$psql->finish;
like($$said, qr/ERROR:  the report of slow failed: canceling statement due to user request/, 'says so');
is(asks($node, q{SELECT state, error FROM retention_report_runs('slow')}),
  'failed|57014: canceling statement due to user request', 'and its error is kept');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'object'}), '0', 'no lock is left');

# Terminated, then killed: the row says running, but nothing runs. The next run works, and marks the row as failed.
my $lost = '57P01: the run did not end: its session or the server went away';
my $before = 'failed|57014: canceling statement due to user request';
for my $way ('terminated', 'killed', 'crashed') {
  $node->safe_psql('postgres', 'UPDATE brake SET seconds = 300', extra_params => [ '-U', 'ann' ]);
  ($psql) = begin_job($node, q{CALL retention_run_job('slow')});
  my $pid = $node->safe_psql('postgres', q{SELECT pid FROM slow_report_run WHERE state = 'running'});
  if ($way eq 'terminated') { $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 60000)") }
  elsif ($way eq 'killed') { kill('KILL', $pid) == 1 or die "cannot kill $pid" }
  else { $node->stop('immediate') }
  $psql->finish;
  $node->start if $way eq 'crashed';
  $node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
  is($node->safe_psql('postgres', q{SELECT state FROM slow_report_run ORDER BY run DESC LIMIT 1}), 'running',
    "$way: the row still says running");
  is(asks($node, q{SELECT state FROM retention_report_runs('slow') LIMIT 1}), 'lost', "$way: and is shown as lost");
  $node->safe_psql('postgres', 'UPDATE brake SET seconds = 0', extra_params => [ '-U', 'ann' ]);
  my $id = asks($node, q{SELECT retention_run_report('slow')});
  is(asks($node, q{SELECT state, error FROM retention_report_runs('slow')}), $before = "done|\nfailed|$lost\n$before",
    "$way: the next run marks it as failed");
  is(asks($node, "SELECT report IS NOT NULL FROM slow_report_run WHERE run = $id"), 't', "$way: and is whole");
}

# The extension can be dropped without pg_cron, and pg_cron without the extension.
asks($node, q{SELECT retention_schedule('shop', '0 6 1 * *')});
$node->safe_psql('postgres', 'DROP EXTENSION pg_cron');
is(asks($node, q{SELECT count(*) FROM retention_schedules}), '0', 'pg_cron can go');
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron; DROP EXTENSION retention');
is($node->safe_psql('postgres', 'SELECT count(*) FROM cron.job'), '0', 'and the extension');

$_->stop for values %node;
done_testing();
