# The library exports what SQL and the server look for, and nothing else: all libraries of a server share one name space.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('library');
$node->init;
$node->start;

# The C functions of this version, and of earlier ones whose scripts are installed.
my %called;
for my $version (split /\n/, $node->safe_psql('postgres', q{SELECT version FROM pg_available_extension_versions WHERE name = 'retention'})) {
  my $names = $node->safe_psql(
    'postgres', qq{
    CREATE EXTENSION retention VERSION '$version';
    SELECT DISTINCT prosrc FROM pg_proc WHERE probin = '\$libdir/retention';
    DROP EXTENSION retention});
  $called{$_} = 1 for split /\n/, $names;
}
cmp_ok(scalar(keys %called), '>', 100, 'the catalog names C functions');
my @wanted = sort('Pg_magic_func', '_PG_init', map { $_, "pg_finfo_$_" } keys %called);

chomp(my $folder = `"$ENV{PG_CONFIG}" --pkglibdir`);
my @exported = sort map { (split)[2] // () } `nm -D --defined-only "$folder/retention.so"`;
is_deeply(\@exported, \@wanted, 'exported are the C functions of the catalog, their info functions, _PG_init and the magic');

$node->stop;
done_testing();
