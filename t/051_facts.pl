# Kept facts are never silently stale, after logical replication, restores, or when the extension is dropped. Each time
# the facts are compared with the rows.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $config = join("\n", "timezone = 'UTC'", 'client_min_messages = warning', 'max_parallel_workers_per_gather = 0',
  'wal_level = logical', 'max_wal_senders = 5', 'max_replication_slots = 5', '');
my $shop   = PostgreSQL::Test::Cluster->new('shop');
my $copy   = PostgreSQL::Test::Cluster->new('copy');
for my $node ($shop, $copy) {
  $node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
  # Overrides what the test library sets.
  $node->append_conf('postgresql.conf', $config);
  $node->start;
}

my $table = q{CREATE TABLE sale (id integer PRIMARY KEY, customer integer, at timestamptz, plan text, note text);
  CREATE TABLE log (id integer, customer integer, at date) PARTITION BY LIST (customer);
  ALTER TABLE log ADD PRIMARY KEY (id, customer);
  CREATE TABLE log_1 PARTITION OF log FOR VALUES IN (1, 3, 5, 7);
  CREATE TABLE log_rest PARTITION OF log DEFAULT;};
my $source = q{SELECT retention_source('orders', 'events', 'sale', 'customer', at => 'at', segments => '{plan}',
  grid => 'month; time_zone=UTC');
  SELECT retention_source('logged', 'events', 'log', 'customer', at => 'at', grid => 'month; time_zone=UTC');
  SELECT count(*) FROM retention_create_views('orders');};
# Compares the views over the facts with the views over the rows: 0 where they agree.
my $differs = q{CREATE FUNCTION differs(source regclass) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE kept retention_internal.source := retention_internal.source_find(source);
    rows retention_internal.source := kept;
    what text;
    n bigint;
    all_of bigint := 0;
  BEGIN
    rows.kept := NULL;
    IF retention_internal.facts_totals(kept) IS NULL THEN RETURN -1; END IF;
    FOREACH what IN ARRAY ARRAY['flow', 'cohorts', 'curve', 'lifecycle', 'stickiness', 'survival'] LOOP
      EXECUTE format('WITH k AS (SELECT k::text FROM (%s) AS k), r AS (SELECT r::text FROM (%s) AS r)
        SELECT count(*) FROM ((TABLE k EXCEPT ALL TABLE r) UNION ALL (TABLE r EXCEPT ALL TABLE k)) AS d',
        retention_internal.source_view(kept, what), retention_internal.source_view(rows, what)) INTO n;
      all_of := all_of + n;
    END LOOP;
    RETURN all_of;
  END $$;};

# Refreshes a source: why it was built anew ('' if it was not), and whether the facts are right afterwards.
sub refreshed
{
  my ($node, $database, $source) = @_;
  my ($rc, $out, $err) = $node->psql($database, "SET client_min_messages = notice;
    SELECT retention_refresh('$source') * 0; SELECT differs('$source')");
  my ($why) = $err =~ /built anew: (.*)/;
  return $rc ? $err : ($why // '') . '|' . ($out =~ s/\n/ /r);
}

# ---- Logical replication applies rows one by one and fires no statement triggers ----
$shop->safe_psql('postgres', "$table
  INSERT INTO sale SELECT g, g % 50, timestamptz '2025-01-01' + g * interval '7 hours', 'p' || g % 3
    FROM generate_series(1, 900) g;
  INSERT INTO log SELECT g, g % 10, date '2025-01-01' + g % 300 FROM generate_series(1, 300) g;
  CREATE PUBLICATION everything FOR TABLE sale, log;");
$copy->safe_psql('postgres', "CREATE EXTENSION retention;
  $table $source $differs SELECT retention_materialize('orders'), retention_materialize('logged')");
my $connection = $shop->connstr . ' dbname=postgres';
$copy->safe_psql('postgres', "CREATE SUBSCRIPTION all_of_it CONNECTION '$connection' PUBLICATION everything");
sub synchronised
{
  $shop->wait_for_catchup('all_of_it');
  $copy->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_subscription_rel
    WHERE srsubstate NOT IN ('r', 's')") or die 'tables are not copied';
  return;
}
synchronised();
is($copy->safe_psql('postgres', 'SELECT (SELECT count(*) FROM sale), (SELECT count(*) FROM log)'), '900|300',
  'the tables are copied');
is(refreshed($copy, 'postgres', 'orders'), '|0 0', 'what a subscription copies at first is noted');
is(refreshed($copy, 'postgres', 'logged'), '|0 0', 'also in partitions');
$shop->safe_psql('postgres', q{
  INSERT INTO sale VALUES (1001, 77, '2025-12-12', 'p9'), (1002, 3, '2025-12-13', NULL);
  UPDATE sale SET at = at + interval '40 days' WHERE customer = 5; UPDATE sale SET note = 'read';
  UPDATE sale SET customer = 78 WHERE customer = 6;
  DELETE FROM sale WHERE customer = 7;
  INSERT INTO sale VALUES (1003, 3, '9999-12-31', 'p1'), (1004, 82, 'infinity', 'p1'), (1005, 3, '-infinity', 'p2'),
    (1006, 83, '0001-01-01', 'p1');
  INSERT INTO log VALUES (1001, 11, '2025-12-12'); UPDATE log SET at = at + 30 WHERE customer = 3;
  DELETE FROM log WHERE customer = 5});
synchronised();
is($copy->safe_psql('postgres', 'SELECT string_agg(DISTINCT customer::text, $$ $$ ORDER BY customer::text)
  FROM orders_changes WHERE retention_redo'), '3 5 6 7 77 78 82 83',
  'rows that it brings are noted: customers to look up, and no others');
# Afterwards nothing tells that there was a subscription.
$copy->safe_psql('postgres', 'DROP SUBSCRIPTION all_of_it');
is(refreshed($copy, 'postgres', 'orders'), '|0 0', 'a refresh after the subscription is dropped has them all');
is(refreshed($copy, 'postgres', 'logged'), '|0 0', 'also in partitions');
$copy->safe_psql('postgres', "CREATE SUBSCRIPTION again CONNECTION '$connection' PUBLICATION everything
  WITH (copy_data = false)");
$shop->safe_psql('postgres', 'TRUNCATE log; INSERT INTO log VALUES (1, 1, $$2025-05-05$$)');
$shop->wait_for_catchup('again');
$copy->safe_psql('postgres', 'DROP SUBSCRIPTION again');
is(refreshed($copy, 'postgres', 'logged'), 'rows were changed and not noted one by one, as by TRUNCATE|0 0',
  'a TRUNCATE that it brings is noted');
$shop->stop;

# ---- Dump and restore: a dump has no links, so the next refresh builds everything anew and makes them again ----
$copy->safe_psql('postgres', q{INSERT INTO sale VALUES (2001, 80, '2025-12-20', 'p1');
  DELETE FROM sale WHERE customer = 9});
my $folder = PostgreSQL::Test::Utils::tempdir();
my $unlinked = qr/^a trigger on public.sale is gone, disabled or, as after a restore, not linked\|0 0$/;
sub restored
{
  my ($name, $database, @commands) = @_;
  $copy->safe_psql('postgres', "CREATE DATABASE $database");
  $copy->command_ok([ @$_, '-d', $copy->connstr($database) ], "$name: $_->[0]") for @commands;
  $copy->safe_psql($database, "INSERT INTO sale VALUES (2002, 81, '2025-12-21', 'p1')");
  is($copy->safe_psql($database, 'SELECT state FROM retention_sources WHERE source = $$orders$$::regclass'),
    'materialised', "$name: facts are there");
  my $said = refreshed($copy, $database, 'orders');
  like($said, $unlinked, "$name: the next refresh builds all anew and says why");
  $copy->safe_psql($database, "DELETE FROM sale WHERE customer = 10");
  is(refreshed($copy, $database, 'orders'), '|0 0', "$name: the one after it takes what was noted");
  is($copy->safe_psql($database, q{SELECT count(*) FROM pg_depend
    WHERE deptype = 'a' AND classid = 'pg_class'::regclass AND refobjid = 'orders'::regclass}), '4',
    "$name: the tables go with the source again");
  return;
}
my @dump = ('pg_dump', '-d', $copy->connstr('postgres'));
$copy->command_ok([ @dump, '-f', "$folder/plain.sql" ], 'dump, plain');
$copy->command_ok([ @dump, '-Fc', '-f', "$folder/custom" ], 'dump, custom');
my @psql = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f');
restored('plain', 'plain', [ @psql, "$folder/plain.sql" ]);
restored('custom, parallel', 'parallel', [ 'pg_restore', '-j2', "$folder/custom" ]);
restored('schema, then data', 'parts', [ 'pg_restore', '-s', "$folder/custom" ],
  [ 'pg_restore', '-a', '--disable-triggers', "$folder/custom" ]);
# Data alone, restored into a materialised source: its triggers are disabled and enabled again.
$copy->safe_psql('postgres', 'CREATE DATABASE data');
$copy->safe_psql('data', "CREATE EXTENSION retention; $table $source $differs SELECT retention_materialize('orders')");
$copy->command_ok([ 'pg_restore', '-a', '--disable-triggers', '-t', 'sale', '-d', $copy->connstr('data'),
  "$folder/custom" ], 'data alone: pg_restore --disable-triggers');
like(refreshed($copy, 'data', 'orders'), $unlinked, 'data alone: found out');
is($copy->safe_psql('data', 'SELECT count(*) > 800 FROM sale'), 't', 'data alone: they are there');

# ---- The extension is dropped and created again ----
$copy->safe_psql('data', 'DROP FUNCTION differs; DROP EXTENSION retention CASCADE');
is($copy->safe_psql('data', q{SELECT coalesce(string_agg(c.relname, ' ' ORDER BY c.relname), '') FROM pg_class c
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'p') AND relname !~ '^(sale|log)'}), 'orders',
  'the tables of facts go with the extension, the view stays');
is($copy->safe_psql('data', 'SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal'), '0', 'so do the triggers');
$copy->safe_psql('data', "INSERT INTO sale VALUES (3001, 90, '2025-12-30', 'p1')");
$copy->safe_psql('data', "CREATE EXTENSION retention; $differs
  SELECT retention_source_set('orders', grid => 'month; time_zone=UTC');
  SELECT retention_materialize('orders')");
is(refreshed($copy, 'data', 'orders'), '|0 0', 'and they are made again');

$copy->stop;
done_testing();
