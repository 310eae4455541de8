# An updated extension has the same catalog as a new one: from each version that an update script starts at, and from one
# that is made up here, whose update is once complete and once not.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('update');
$node->init;
$node->start;
chomp(my $folder = `"$ENV{PG_CONFIG}" --sharedir`);
$folder .= '/extension';

# Everything that the extension owns, object by object and in full, as pg_upgrade writes it down.
sub catalog
{
  my ($database) = @_;
  my ($dump, $errors) = run_command([ 'pg_dump', '--binary-upgrade', '--schema-only', '--dbname' => $node->connstr($database) ]);
  is($errors, '', "the catalog of $database can be read");
  $dump =~ s/^(SELECT pg_catalog\.binary_upgrade_set_next_\w+\(.*|\\(un)?restrict .*)$//mg;
  $dump =~ s/^UPDATE pg_catalog\.pg_class\nSET relfrozenxid.*\n.*;$//mg;
  my @objects = sort map { s/\s+/ /gr } grep { !/Name: retention; Type: EXTENSION;/ } split /^--\n-- (?=Name: )/m, $dump;
  my $rest = $node->safe_psql(
    $database, q{
    SELECT extversion, extrelocatable, extnamespace::regnamespace, obj_description(oid, 'pg_extension'),
      (SELECT string_agg(c::regclass || ' ' || w, ', ' ORDER BY c::regclass::text) FROM unnest(extconfig, extcondition) AS u (c, w))
    FROM pg_extension WHERE extname = 'retention'});
  return [ @objects, $rest ];
}

sub made    # the catalog after these statements in a new database
{
  my ($database, @statements) = @_;
  $node->safe_psql('postgres', "CREATE DATABASE $database");
  $node->safe_psql($database, join(';', @statements));
  return catalog($database);
}

my @written;
sub put
{
  my ($name, $text) = @_;
  push @written, "$folder/$name";
  open(my $out, '>', $written[-1]) or die "$name: $!";
  print $out $text;
  close $out;
}
END { unlink @written }

my $new = made('fresh', 'CREATE EXTENSION retention');
cmp_ok(scalar(@$new), '>', 500, 'a catalog is many objects');
my $version = $node->safe_psql('fresh', q{SELECT extversion FROM pg_extension WHERE extname = 'retention'});

# --- Versions that were released ----------------------------------------------------------------

my @old = split /\n/, $node->safe_psql(
  'postgres', qq{
  SELECT source FROM pg_extension_update_paths('retention')
  WHERE target = '$version' AND path IS NOT NULL AND source IN (SELECT version FROM pg_available_extension_versions WHERE name = 'retention')});
for my $i (0 .. $#old) {
  is_deeply(made("old_$i", "CREATE EXTENSION retention VERSION '$old[$i]'", 'ALTER EXTENSION retention UPDATE'),
    $new, "updated from $old[$i], it is the same as a new one");
}
note('no version was released before this one') unless @old;

# --- Versions made up: without one function, with another comment and with another cost ----------

my $script = slurp_file("$folder/retention--$version.sql");
my ($function) = $script =~ /^(CREATE FUNCTION retention_version\(\).*?;\n)/ms;
my ($comment)  = $script =~ /^(COMMENT ON FUNCTION retention_version\(\).*?;\n)/ms;
my ($other)    = $script =~ /^(COMMENT ON TYPE retention_grid IS.*?;\n)/ms;
ok($function && $comment && $other, 'the install script has what is taken out');
for ($function, $comment, $other) { $script =~ s/\Q$_\E// }
$script .= "\nALTER FUNCTION retention_internal.is_extension_owner() COST 7;\n";
my $cost = "ALTER FUNCTION retention_internal.is_extension_owner() COST 100;\n";

put('retention--0.0.1.sql', $script);
put("retention--0.0.1--$version.sql", "$function$comment$other$cost");
is_deeply(made('whole', q{CREATE EXTENSION retention VERSION '0.0.1'}, 'ALTER EXTENSION retention UPDATE'),
  $new, 'a whole update makes the same catalog');

my %lacking = (
  function => [ "$other$cost", 'retention_version()' ],
  comment  => [ "$function$comment$cost", 'TYPE retention_grid' ],
  cost     => [ "$function$comment$other", 'is_extension_owner()' ]);
put('retention--0.0.2.sql', $script);
for my $lacks (sort keys %lacking) {
  my ($update, $noticed) = @{ $lacking{$lacks} };
  put("retention--0.0.2--$version.sql", $update);
  my %got = map { $_ => 1 } @{ made("without_$lacks", q{CREATE EXTENSION retention VERSION '0.0.2'}, 'ALTER EXTENSION retention UPDATE') };
  my @differ = grep !$got{$_}, @$new;
  ok(@differ && !grep(!/\Q$noticed\E/, @differ), "an update that leaves out a $lacks is noticed") or diag(join("\n", @differ));
}

$node->stop;
done_testing();
