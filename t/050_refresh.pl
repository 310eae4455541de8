# Kept facts while several sessions write and refresh: in every snapshot they are what the rows say.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $seed = $ENV{RETENTION_SEED} // 1;
my $node = PostgreSQL::Test::Cluster->new('refresh');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf',
  join("\n", 'restart_after_crash = on', "timezone = 'UTC'", 'client_min_messages = warning', 'autovacuum_naptime = 1',
    'max_parallel_workers_per_gather = 0', ''));
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }
my $differ = 'SELECT sum(d.cohorts + d.facts + d.parts) FROM unnest(%s::regclass[]) AS s, differs(s) AS d';
sub differ { return sql(sprintf $differ, "'{$_[0]}'") }

sql(q{CREATE EXTENSION retention;} . slurp_file("$FindBin::Bin/../test/facts.sql"));
sql(q{
  -- Partitions, one of them partitioned again; a customer has rows in all of them.
  CREATE TABLE event (id bigserial, customer integer, at timestamptz, plan text, kind text, note text)
    PARTITION BY RANGE (at);
  CREATE TABLE event_old PARTITION OF event FOR VALUES FROM (MINVALUE) TO ('2025-03-01');
  CREATE TABLE event_mid PARTITION OF event FOR VALUES FROM ('2025-03-01') TO ('2025-07-01')
    PARTITION BY HASH (customer);
  CREATE TABLE event_mid_0 PARTITION OF event_mid FOR VALUES WITH (MODULUS 2, REMAINDER 0);
  CREATE TABLE event_mid_1 PARTITION OF event_mid FOR VALUES WITH (MODULUS 2, REMAINDER 1);
  CREATE TABLE event_new PARTITION OF event DEFAULT;
  CREATE INDEX ON event (customer);
  -- The same rows in a plain table with a key.
  CREATE TABLE plain (id bigint PRIMARY KEY, customer text, at timestamp, plan text, kind text);

  CREATE FUNCTION a_few(seed integer, n integer)
  RETURNS TABLE (customer integer, at timestamptz, plan text, kind text) LANGUAGE sql VOLATILE AS $$
    SELECT (150 * random() * random())::integer, timestamptz '2025-01-01' + random() ^ 0.5 * interval '300 days',
      (ARRAY['basic', 'plus', 'pro', NULL])[1 + (random() * 3.99)::integer % 4],
      (ARRAY['order', 'visit', 'order', 'test'])[1 + (random() * 3.99)::integer % 4]
    FROM generate_series(1, n) $$;
  INSERT INTO event (customer, at, plan, kind) SELECT * FROM a_few(1, 3000);
  INSERT INTO plain SELECT id, 'c' || customer, at AT TIME ZONE 'Europe/Berlin', plan, kind FROM event;

  SELECT retention_source('events', 'events', 'event', 'customer', at => 'at', event => 'kind',
    events => '{order,visit}', segments => '{plan}',
    filter => $$note IS NULL OR note <> 'spam'$$, grid => 'month; time_zone=Europe/Berlin');
  SELECT retention_source('plains', 'events', 'plain', 'customer', at => 'at', segments => '{plan,kind}',
    grid => 'week; time_zone=Europe/Berlin; brackets=1,2-4; min_events=2');
  SELECT retention_source('elapsed', 'events', 'plain', 'customer', at => 'at',
    grid => '30 days; windows=elapsed; cohorts=recurring; time_zone=UTC');
  SELECT retention_materialize('events'), retention_materialize('plains'), retention_materialize('elapsed');
  SELECT count(*) FROM retention_create_views('events');
  CREATE ROLE clerk LOGIN;
  GRANT INSERT, SELECT ON event_new TO clerk;
  GRANT INSERT, SELECT, UPDATE, DELETE ON plain TO clerk;
  GRANT USAGE ON SEQUENCE event_id_seq TO clerk;

  -- Writers: one of many things in each transaction, a third of them rolled back in whole or in part.
  CREATE PROCEDURE writes(seed float8, n integer) LANGUAGE plpgsql AS $$
  DECLARE
    what integer;
    whom integer := (150 * random())::integer;
  BEGIN
    PERFORM setseed(seed);
    FOR i IN 1 .. n LOOP
      FOR j IN 1 .. 1 + (random() * 2)::integer LOOP
        what := (random() * 19)::integer;
        whom := (150 * random() * random())::integer;
        BEGIN
          CASE
            WHEN what < 5 THEN INSERT INTO event (customer, at, plan, kind) SELECT * FROM a_few(i, 1 + what * 3);
            WHEN what = 5 THEN INSERT INTO event_mid (customer, at, plan, kind)
              SELECT s.customer, '2025-04-04'::timestamptz + random() * interval '60 days', s.plan, s.kind
              FROM a_few(i, 3) s;
            WHEN what = 6 THEN UPDATE event SET at = at + (random() - 0.5) * interval '200 days' WHERE customer = whom;
            WHEN what = 7 THEN UPDATE event SET plan = 'pro', kind = 'order' WHERE customer = whom AND random() < 0.5;
            WHEN what = 8 THEN UPDATE event SET customer = whom + 1 WHERE customer = whom;
            WHEN what = 9 THEN DELETE FROM event WHERE customer = whom;
            WHEN what = 10 THEN DELETE FROM event WHERE ctid IN (SELECT ctid FROM event_old LIMIT 3)
              AND tableoid = 'event_old'::regclass;
            WHEN what = 11 THEN UPDATE event SET note = CASE WHEN random() < 0.2 THEN 'spam' ELSE 'read' END
              WHERE customer BETWEEN whom AND whom + 2;
            WHEN what = 12 THEN INSERT INTO plain
              SELECT DISTINCT ON (s.id) s.id, 'c' || s.customer, s.at AT TIME ZONE 'UTC', s.plan, s.kind
              FROM (SELECT (random() * 3500)::bigint AS id, * FROM a_few(i, 6)) s
              ON CONFLICT (id) DO UPDATE SET at = excluded.at, plan = excluded.plan;
            WHEN what = 13 THEN MERGE INTO plain p USING (
                SELECT DISTINCT ON (id) * FROM (SELECT (random() * 3500)::bigint AS id, * FROM a_few(i, 5)) s) s
              ON p.id = s.id
              WHEN MATCHED AND s.kind = 'test' THEN DELETE
              WHEN MATCHED THEN UPDATE SET at = s.at, customer = 'c' || s.customer
              WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'c' || s.customer, s.at, s.plan, s.kind);
            WHEN what = 14 THEN UPDATE plain SET at = at + interval '1 month' WHERE customer = 'c' || whom;
            WHEN what = 15 THEN WITH gone AS (DELETE FROM plain WHERE customer = 'c' || whom RETURNING *)
              INSERT INTO event (customer, at, plan, kind) SELECT whom, at, plan, kind FROM gone;
            WHEN what = 16 THEN DELETE FROM event WHERE at = (SELECT max(at) FROM event);
            WHEN what = 17 THEN DELETE FROM plain
              WHERE at IN ((SELECT max(at) FROM plain), (SELECT min(at) FROM plain));
            WHEN what = 18 AND random() < 0.1 THEN TRUNCATE event_new;
            ELSE INSERT INTO event (customer, at, plan, kind) VALUES (whom, NULL, 'plus', 'order')
              ON CONFLICT DO NOTHING;
          END CASE;
          IF random() < 0.15 THEN RAISE division_by_zero; END IF;
        EXCEPTION WHEN division_by_zero OR unique_violation OR not_null_violation OR check_violation
          OR serialization_failure OR deadlock_detected THEN
        END;
        PERFORM pg_sleep(random() * 0.01);
      END LOOP;
      IF random() < 0.2 THEN ROLLBACK; ELSE COMMIT; END IF;
    END LOOP;
  END $$;
  CREATE PROCEDURE clerk_writes(n integer) LANGUAGE plpgsql AS $$
  BEGIN
    FOR i IN 1 .. n LOOP
      INSERT INTO event_new (customer, at, plan, kind)
        SELECT s.customer, '2025-08-01'::timestamptz + random() * interval '60 days', s.plan, s.kind FROM a_few(i, 2) s;
      UPDATE plain SET plan = 'basic' WHERE id = (random() * 3500)::bigint;
      COMMIT;
      PERFORM pg_sleep(random() * 0.02);
    END LOOP;
  END $$;
  CREATE PROCEDURE refreshes(n integer) LANGUAGE plpgsql AS $$
  BEGIN
    FOR i IN 1 .. n LOOP
      PERFORM retention_refresh((ARRAY['events', 'plains', 'elapsed', 'events'])[1 + (random() * 3.99)::integer % 4]);
      IF random() < 0.1 THEN ROLLBACK; ELSE COMMIT; END IF;
      PERFORM pg_sleep(random() * 0.05);
    END LOOP;
  END $$;
});
for my $source (qw(events plains elapsed)) {
  is(differ($source), '0', "$source: as materialised");
}

# Starts one command in the background, as a user.
sub begin_session
{
  my ($command, $user) = @_;
  my ($out, $err) = ('', '');
  my $psql = IPC::Run::start(
    [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') . ($user ? " user=$user" : ''),
      '-c', $command ],
    '<', \undef, '>', \$out, '2>', \$err);
  return { psql => $psql, err => \$err, command => $command };
}

# ---- Writers and refreshes at once; a refresh must give what the rows of its snapshot give ----
my $all_differ = 0;
my ($looked, $again, $truncated) = (0, 0, 0);
for my $round (1 .. 2) {
  my @sessions = map begin_session("CALL writes(" . (($seed * 7 + $round * 3 + $_) % 100) / 100 . ", 70)"), 1 .. 3;
  push @sessions, begin_session('CALL clerk_writes(60)', 'clerk'), map begin_session('CALL refreshes(25)'), 1 .. 2;
  while (grep { $_->{psql}->pumpable } @sessions) {
    for my $source (qw(events plains elapsed)) {
      # A snapshot from before a TRUNCATE sees the table as empty after it, so the TRUNCATE has to wait: the lock is
      # taken before the snapshot.
      my ($rc, $out, $err) = $node->psql('postgres', "BEGIN ISOLATION LEVEL REPEATABLE READ;
        LOCK TABLE event, plain IN ACCESS SHARE MODE;
        SELECT retention_refresh('$source') * 0; " . sprintf("$differ; COMMIT", "'{$source}'"));
      if ($err =~ /could not serialize|deadlock/) { $again++; next }
      $looked++;
      next if $err eq '' && $out =~ /^0\n0$/;
      $all_differ++;
      diag("$source: $out $err");
    }
    # Truncates a partition at least once in each round; after a deadlock the next pass tries again.
    $truncated++ if $truncated < $round && $node->psql('postgres', 'TRUNCATE event_new') == 0;
    $_->{psql}->pump_nb for grep { $_->{psql}->pumpable } @sessions;
    last if !grep { $_->{psql}->pumpable } @sessions;
  }
  for (@sessions) {
    IPC::Run::finish($_->{psql});
    # Writers of partitions may deadlock with each other and with a TRUNCATE; a user would try again.
    my $err = ${ $_->{err} };
    is($err, '', "round $round: $_->{command}") unless $err =~ /deadlock detected/;
  }
  for my $source (qw(events plains elapsed)) {
    sql("SELECT retention_refresh('$source')");
    is(differ($source), '0', "round $round: $source is exact when all is quiet");
  }
}
is($all_differ, 0, "a refresh beside writers differs from its snapshot nowhere");
is($truncated, 2, 'a partition was emptied in between, in each round');
cmp_ok($looked, '>', 5, "$looked looks, $again to be repeated");
is(sql(q{SELECT count(*) FROM events_changes}), '0', 'no change is left over');

# ---- Views over the facts against views over the rows ----
my $views = join ' UNION ALL ', map "SELECT md5(string_agg(x::text, '|' ORDER BY x::text)) FROM events_$_ x",
  qw(cohorts flow segments survival curve lifecycle stickiness);
my $kept = sql($views);
like(sql("SELECT pg_get_viewdef('events_flow')"), qr/events_facts/, 'the views read the facts');

# ---- Progress in another session; a refresh that is killed, terminated or cancelled ----
for my $how ('kill', 'terminate', 'cancel') {
  sql(q{INSERT INTO event (customer, at, plan, kind) SELECT * FROM a_few(1, 300);
    DELETE FROM event WHERE customer < 3; UPDATE event SET plan = 'plus' WHERE customer = 9});
  my $holder = begin_session('BEGIN; LOCK TABLE events_facts IN SHARE MODE; SELECT pg_sleep(60)');
  $node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE relation = 'events_facts'::regclass
    AND mode = 'ShareLock' AND granted");
  my $refresh = begin_session("SELECT retention_refresh('events')");
  ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE relation = 'events_facts'::regclass
    AND NOT granted"), "$how: the refresh is in the middle");
  is(sql('SELECT username = CURRENT_USER, what, source, phase, step, steps, done FROM retention_progress'),
    't|refresh|events|folding in|3|4|50', "$how: its progress is seen");
  # Writers go on meanwhile.
  sql(q{INSERT INTO event (customer, at, plan, kind) SELECT * FROM a_few(1, 50)});
  my $pid = sql('SELECT pid FROM retention_progress');
  if ($how eq 'kill') { kill 'KILL', $pid }
  else { sql("SELECT pg_${how}_backend($pid)") }
  IPC::Run::finish($refresh->{psql});
  like(${ $refresh->{err} }, $how eq 'cancel' ? qr/canceling statement/ : qr/connection|terminating/i, "$how: it ends");
  if ($how ne 'kill') {
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'
      AND pid <> pg_backend_pid()");
  }
  IPC::Run::finish($holder->{psql});
  ok($node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), "$how: the server is there");
  cmp_ok(sql('SELECT count(*) FROM events_changes'), '>', 300, "$how: the changes are still noted");
  sql("SELECT retention_refresh('events')");
  is(differ('events'), '0', "$how: the next refresh has them all");
  is(sql('SELECT count(*) FROM retention_progress'), '0', "$how: nothing is in progress");
}

# ---- Dump and restore: facts, pending changes, triggers ----
sql(q{INSERT INTO event (customer, at, plan, kind) SELECT * FROM a_few(1, 30);
  DELETE FROM plain WHERE customer = 'c5'; CREATE DATABASE copy});
my $dump = $node->data_dir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'dump');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('copy') ],
  'restore');
is($node->safe_psql('copy', 'SELECT count(*) FROM events_changes'), sql('SELECT count(*) FROM events_changes'),
  'changes are restored once');
$node->safe_psql('copy', q{INSERT INTO event (customer, at, plan, kind) SELECT * FROM a_few(1, 30);
  SELECT retention_refresh('events'), retention_refresh('plains'), retention_refresh('elapsed')});
is($node->safe_psql('copy', sprintf $differ, "'{events,plains,elapsed}'"), '0',
  'facts go on from there');

# ---- The same views over the rows ----
sql("SELECT retention_refresh('events'), retention_refresh('plains')");
$kept = sql($views);
sql("SELECT retention_unmaterialize('events')");
unlike(sql("SELECT pg_get_viewdef('events_flow')"), qr/events_facts/, 'the views read the rows again');
is(sql($views), $kept, 'and say the same');

$node->stop;
done_testing();
