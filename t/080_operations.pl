# The commands of doc/operations.md, in its order: each does what the page says.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('operations');
$node->init(extra => [ '-U', 'postgres', '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
my $folder = PostgreSQL::Test::Utils::tempdir();
my $bin    = `$ENV{PG_CONFIG} --bindir` || `pg_config --bindir`;
chomp $bin;
local @ENV{qw(PGHOST PGPORT PGUSER PATH OLD_BIN NEW_BIN OLD_DATA NEW_DATA)} =
  ($node->host, $node->port, 'postgres', "$bin:$ENV{PATH}", $bin, $bin, $node->data_dir, "$folder/new");
delete local @ENV{qw(PGTZ PGDATESTYLE PGOPTIONS)};

# The code blocks of the page, by heading.
my (%blocks, @headings, $open);
for my $line (split /\n/, slurp_file("$FindBin::Bin/../doc/operations.md")) {
  if ($line =~ /^## (.*)/) { push @headings, $1 }
  elsif (!$open && $line =~ /^```(.*)/) { push @{ $blocks{ $headings[-1] } }, $open = { kind => $1, text => '' } }
  elsif ($line =~ /^```/) { $open = undef }
  elsif ($open) { $open->{text} .= "$line\n" }
}

my $database = 'postgres';
my $user     = 'postgres';
my %run;

sub run_blocks
{
  my ($heading, $from, $to) = @_;
  for my $block (grep defined, @{ $blocks{$heading} }[ $from .. $to // $#{ $blocks{$heading} } ]) {
    my $file = "$folder/block";
    open(my $out, '>', $file) or die $!;
    print $out $block->{text};
    close $out;
    my @command =
      $block->{kind} eq 'sh'
      ? ('bash', '-e', '-o', 'pipefail', $file)
      : ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-d', $database, '-U', $user, '-f',
        $file);
    my ($said, $err) = ('', '');
    # A server that a block starts keeps its output open, so that goes to a file.
    my $log = "$folder/said";
    my $ok  = system("cd '$folder' && " . join(' ', map "'$_'", @command) . " >'$log' 2>&1 </dev/null") == 0;
    ok($ok, "$heading: block " . ++$run{$heading} . ' runs') or diag(slurp_file($log));
    ($database, $user) = ($1, $2) while $block->{kind} ne 'sh' && $block->{text} =~ /^\\connect (\S+) (\S+)$/mg;
  }
}

sub asks
{
  my ($where, $who, $sql) = @_;
  my ($said, $err) = ('', '');
  IPC::Run::run([ 'psql', '-X', '-q', '-A', '-t', '-v', 'VERBOSITY=verbose', '-d', $where, '-U', $who ], \$sql,
    \$said, \$err);
  chomp $said;
  return $said . $err;
}

# Whether changes are noted and a refresh brings them into the views.
my $next = 1000;

sub is_kept
{
  my ($where, $who) = @_;
  $next++;
  is(asks($where, $who, "INSERT INTO shop_order VALUES ($next, '2026-03-30 12:00+00', 'DE');
    SELECT retention_refresh('orders') IS NULL;
    SELECT (SELECT sum(cohort_size) FROM orders_cohorts WHERE period = 0)
      = (SELECT count(DISTINCT customer) FROM orders), state FROM retention_sources;
    DELETE FROM shop_order WHERE customer_id = $next;
    SELECT retention_refresh('orders');
    SELECT (SELECT sum(cohort_size) FROM orders_cohorts WHERE period = 0)
      = (SELECT count(DISTINCT customer) FROM orders)"),
    "f\nt|materialised\n1\nt", "$where: facts are kept");
}

my $views = 'SELECT * FROM orders_flow; SELECT * FROM orders_cohorts; SELECT * FROM orders_segments;
  SELECT * FROM orders_survival';
my $state = q{SELECT source, owner, kind, relation, segments, grid, gone_after, keep_runs, state
  FROM retention_sources};

run_blocks('Install', 0);
my $seen = asks('shop', 'shopkeeper', $views);
like($seen, qr/^2026-03-01\|/m, 'there is something to look after');

run_blocks('Give rights', 0, 0);
is(asks('shop', 'postgres', "SET ROLE analyst;\n$views"), $seen, 'an analyst sees the same');
like(asks('shop', 'postgres', q{SELECT retention_internal.source_find('orders')}),
  qr/42501.*code of role shopkeeper.*SET ROLE shopkeeper/s, 'a superuser does not run it');
like(asks('shop', 'postgres', q{SELECT retention_create_views('orders')}), qr/42501.*SET ROLE shopkeeper/s,
  'nor writes for its owner');
run_blocks('Give rights', 1);

run_blocks('Back up and restore', 0, 0);
is(asks('shop_restored', 'shopkeeper', $views), $seen, 'a restored database has the same views');
is(asks('shop_restored', 'shopkeeper', $state), asks('shop', 'shopkeeper', $state), 'and the same sources');
is(asks('shop_restored', 'shopkeeper', q{SELECT count(*) FROM retention_create_views('orders')}), '15', 'which go on');
run_blocks('Back up and restore', 1, 1);
is_kept('shop_restored', 'shopkeeper');
run_blocks('Back up and restore', 2);
is_kept('shop_part', 'shopkeeper');
is(asks('shop_part', 'shopkeeper', $views), $seen, 'a dump of tables has the same views');
is(asks('shop_part', 'shopkeeper', q{SELECT count(*) FROM retention_create_views('orders')}), '15',
  'and its source is one again');

my $before = asks('shop', 'shopkeeper', q{SELECT 'orders'::regclass::oid, relacl FROM pg_class
  WHERE relname ~ '^orders' ORDER BY relname});
like(asks('shop', 'shopkeeper', 'DROP TABLE shop_order'), qr/2BP01/, 'a table below a source is not dropped by chance');
run_blocks('Change the table below a source', 0);
is(asks('shop', 'shopkeeper', $views), $seen, 'a swapped table gives the same');
is(asks('shop', 'shopkeeper', q{SELECT 'orders'::regclass::oid, relacl FROM pg_class WHERE relname ~ '^orders'
  ORDER BY relname}), $before, 'through the same views, with their grants');
is_kept('shop', 'shopkeeper');

($database, $user) = ('shop', 'postgres');
run_blocks('Change owners', 0);
is(asks('postgres', 'postgres', q{SELECT count(*) FROM pg_roles WHERE rolname = 'shopkeeper'}), '0', 'they are gone');
is(asks('shop', 'successor', $state), asks('shop_restored', 'successor', $state), 'their sources are not');
like(asks('shop', 'successor', $state), qr/^orders\|successor\|/, 'and belong to the successor');
is(asks('shop', 'successor', q{SELECT retention_source_set('orders', keep_runs => 7);
  SELECT count(*) FROM retention_create_views('orders')}), "orders\n15", 'who changes them');
is(asks('shop', 'successor', $views), $seen, 'and sees the same');
is_kept('shop', 'successor');
# The successor dumps and restores; the extension of the new database is theirs.
$node->command_ok([ 'pg_dump', '-U', 'successor', '-Fc', '-f', "$folder/after.dump", 'shop' ], 'the successor dumps');
asks('postgres', 'postgres', 'CREATE DATABASE shop_after OWNER successor');
$node->command_ok([ 'pg_restore', '-U', 'successor', '--exit-on-error', '-d', 'shop_after', "$folder/after.dump" ],
  'and restores');
is(asks('shop_after', 'successor', $state), asks('shop', 'successor', $state), 'with the settings');

$state =~ s/FROM/, presence FROM/;
my $settings = asks('shop', 'successor', $state);
run_blocks('Upgrade PostgreSQL', 0, 0);
$node->_update_pid(0);
{
  open(my $conf, '>>', "$folder/new/postgresql.conf") or die $!;
  print $conf "timezone = 'UTC'\nunix_socket_directories = '" . $node->host
    . "'\nlisten_addresses = ''\nfsync = off\nport = " . $node->port . "\n";
  close $conf;
}
run_blocks('Upgrade PostgreSQL', 1);
is(asks('shop', 'successor', $views), $seen, 'an upgraded server has the same views');
is(asks('shop', 'successor', $state), $settings, 'and the same sources');
is(asks('shop', 'successor', q{SELECT count(*) FROM retention_create_views('orders')}), '15', 'which go on');
is_kept('shop', 'successor');

run_blocks('Uninstall', 0, 0);
is(asks('shop', 'successor', q{SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace;
  SELECT nspname FROM pg_namespace WHERE nspname ~ 'retention'}),
  'shop_order', 'nothing is left but the table');
run_blocks('Uninstall', 1);
is(asks('shop_restored', 'successor', $views), $seen, 'installed again, the source gives the same');
is_kept('shop_restored', 'successor');

system("pg_ctl -D '$folder/new' -m immediate stop >/dev/null 2>&1");
done_testing();
