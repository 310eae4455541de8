# The examples for other tools: every SQL statement of examples/ and packages/dbt is run by the role of the tool and
# gives rows, and what is JSON can be read. The tools themselves are not here; what only they replace is replaced below.
use strict;
use warnings;

use File::Temp;
use FindBin;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root     = "$FindBin::Bin/..";
my $examples = "$root/examples";
my $node     = PostgreSQL::Test::Cluster->new('examples');
$node->init(extra => [ '-U', 'postgres', '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION retention');
$node->command_ok([ 'psql', '-X', '-q', '-U', 'postgres', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'),
  '-f', "$examples/setup.sql" ], 'setup.sql runs');

# How many rows a query gives a role; the names of its columns say nothing here.
sub rows
{
  my ($sql, $what, $role) = @_;
  $sql =~ s/;\s*\z//;
  my ($rc, $out, $err) = $node->psql('postgres', "SELECT count(*) FROM ($sql\n) AS question",
    extra_params => [ '-U', $role // 'dashboard', '-A', '-t' ]);
  ok($rc == 0 && $out > 0, "$what gives rows") or diag($err || "$out rows");
  return $out;
}

sub json
{
  my ($text, $what) = @_;
  my $value = eval { decode_json($text) };
  ok($value, "$what is JSON") or diag($@);
  return $value // {};
}

# Grafana
my $dashboard = json(slurp_file("$examples/grafana/retention.json"), 'the dashboard of Grafana');
my %panel = map { $_->{title} => $_->{targets}[0]{rawSql} } @{ $dashboard->{panels} };
is_deeply([ sort keys %panel ], [ 'At risk', 'Cohorts', 'Customers gained and lost', 'Retention curve' ], 'its panels');
for my $title (sort keys %panel) {
  # as Grafana's macro does
  my $sql = $panel{$title} =~ s/\$__timeFilter\((\w+)\)/$1 BETWEEN '2023-01-01T00:00:00Z' AND '2026-01-01T00:00:00Z'/gr;
  unlike($sql, qr/\$/, "no other macro in: $title");
  rows($sql, "Grafana: $title");
}

# Metabase: an optional clause, without and with its variable
for my $file (glob "$examples/metabase/*.sql") {
  my $sql = slurp_file($file);
  my $all = rows($sql =~ s/\[\[.*?\]\]//gsr, $file);
  rows($sql =~ s/\[\[(.*?)\]\]/$1/gsr =~ s/\{\{plan\}\}/'basic'/gr, "$file, filtered") if $sql =~ /\[\[/;
}

# Superset
rows(slurp_file($_), $_) for glob "$examples/superset/*.sql";

# Vega-Lite: the answer is a specification.
for my $file (glob "$examples/vega-lite/*.sql") {
  my $spec = json($node->safe_psql('postgres', slurp_file($file), extra_params => [ '-U', 'dashboard' ]), "the answer of $file");
  like($spec->{'$schema'}, qr{/vega-lite/v6\.json$}, 'it is a specification of Vega-Lite');
}

# Evidence: the pages read the answers of the sources, here through views.
json(slurp_file("$examples/evidence/package.json"), 'package.json of Evidence');
$node->safe_psql('postgres', 'CREATE SCHEMA members; GRANT USAGE ON SCHEMA members TO dashboard');
for my $file (glob "$examples/evidence/sources/members/*.sql") {
  my ($name) = $file =~ /(\w+)\.sql$/;
  my $sql = slurp_file($file);
  rows($sql, $file);
  $node->safe_psql('postgres', "CREATE VIEW members.$name WITH (security_invoker) AS $sql; GRANT SELECT ON members.$name TO dashboard");
}
my @pages = glob "$examples/evidence/pages/*.md";
is(scalar @pages, 3, 'three pages');
for my $page (@pages) {
  my $text   = slurp_file($page);
  my %answer = $text =~ /^```sql (\w+)\n(.*?)^```$/msg;
  rows($answer{$_}, "$page: $_") for sort keys %answer;
  my %drawn = map { $_ => 1 } $text =~ /data=\{(\w+)\}/g;
  is_deeply([ sort keys %drawn ], [ sort keys %answer ], "$page draws what it asks for");
}

# dbt: each {{ }} is replaced by hand by what it is in models/fct_members.sql.
my %literal = (
  name => 'shop.dbt_members', kind => 'subscriptions', relation => '"postgres"."shop"."fct_members"', customer => 'customer_id',
  started => 'started', ended => 'ended', q('{' ~ (segments | join(',')) ~ '}') => '{plan}', reason => 'reason',
  grid => 'month; time_zone=UTC', role => 'dashboard', map { $_ => undef } qw(at amount filter as_of gone_after));
my %macro = slurp_file("$root/packages/dbt/macros/retention.sql") =~ /\{% macro (\w+).*? -%\}\n(.*?)\n\{%- endmacro %\}/msg;
my @hooks = map {
  my $sql = $macro{$_} // '';
  $sql =~ s{\{\{ retention\.retention_literal\((.*?)\) \}\}}{
    exists $literal{$1} ? defined $literal{$1} ? "'$literal{$1}'" : 'NULL' : die "no value for $1 is known" }ge;
  unlike($sql, qr/\A\z|[{][{%]/, "$_ is rendered");
  $sql;
} qw(retention_source retention_create_views retention_grant);
my $model = slurp_file("$root/packages/dbt/models/fct_members.sql");
my $test  = slurp_file("$root/packages/dbt/tests/flow_adds_up.sql");
is_deeply([ $model =~ /retention\.(\w+)\(/g ], [qw(retention_source retention_create_views retention_grant)], 'the hooks of the model');
$model =~ s/\A\{\{ config.*?\]\) \}\}\n//s;
$model =~ s/\{\{ source\('shop', 'subscriptions'\) \}\}/shop.subscriptions/;
$test =~ s/\A.*?(?=^SELECT)//ms;
$test =~ s/\{\{ target\.schema \}\}/shop/;
rows($model, 'the model', 'postgres');

sub build    # as dbt builds a table
{
  my ($select) = @_;
  my $there = $node->safe_psql('postgres', q(SELECT to_regclass('shop.fct_members') IS NOT NULL)) eq 't';
  $node->safe_psql('postgres', join ";\n", 'BEGIN', "CREATE TABLE shop.fct_members__dbt_tmp AS $select",
    $there ? 'ALTER TABLE shop.fct_members RENAME TO fct_members__dbt_backup' : (),
    'ALTER TABLE shop.fct_members__dbt_tmp RENAME TO fct_members', @hooks, 'GRANT SELECT ON shop.fct_members TO dashboard',
    'COMMIT', 'DROP TABLE IF EXISTS shop.fct_members__dbt_backup CASCADE');
  return $node->safe_psql('postgres', 'SELECT sum(gained) FROM shop.dbt_members_flow', extra_params => [ '-U', 'dashboard' ]);
}
my $first = build("$model WHERE started < '2025-01-01'");
ok($first > 0, 'the views are there after the first build');
cmp_ok(build($model), '>', $first, 'after the second they have the new rows, and the role still reads them');
rows($test =~ s/\nWHERE.*//sr, 'what the test reads');
is($node->safe_psql('postgres', "SELECT count(*) FROM ($test) AS failures"), '0', 'the test of dbt passes');

# The notebook, where its packages are
my $notebook = json(slurp_file("$examples/python/retention.ipynb"), 'the notebook');
is_deeply([ grep $_->{cell_type} eq 'code' && (@{ $_->{outputs} } || defined $_->{execution_count}), @{ $notebook->{cells} } ], [],
  'it has no outputs');
my $source = join "\n\n", map join('', @{ $_->{source} }), grep $_->{cell_type} eq 'code', @{ $notebook->{cells} };
rows($_, 'a query of the notebook') for $source =~ /ask\("""(.*?)"""\)/gs;
SKIP: {
  skip 'python3 with psycopg2, pandas and matplotlib is not installed', 1
    if system(q(python3 -c 'import psycopg2, pandas, matplotlib' >/dev/null 2>&1));
  my $folder = File::Temp->newdir;
  append_to_file("$folder/notebook.py", "$source\nassert len(table) > 12 and len(curve) > 12\n");
  local %ENV = (%ENV, MPLBACKEND => 'Agg', MPLCONFIGDIR => "$folder", PGUSER => 'dashboard', PGDATABASE => 'postgres',
    PGHOST => $node->host, PGPORT => $node->port);
  command_ok([ 'python3', "$folder/notebook.py" ], 'the notebook runs');
}

done_testing();
