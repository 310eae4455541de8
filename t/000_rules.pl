# The rules of the tree can fail: each is broken once in a copy of the tree, and only where it is broken.
use strict;
use warnings;

use File::Copy;
use File::Path;
use File::Temp;
use FindBin;
use Test::More;

my $root = "$FindBin::Bin/..";
my $copy = File::Temp->newdir;

# A small tree that keeps every rule.
my %tree = (
  'Makefile' => "OBJS = src/base/wire.o src/math/sum.o \\\n  src/one/one.o src/one/one_sql.o src/two/two.o\n"
    . "MODULE_SQL = src/one/one.overloads src/one/one.sql\nTEMPLATES = src/one/one.html\nREGRESS = one catalog\nISOLATION = pair\n",
  'retention.control'  => "default_version = '1.2.3'\n",
  'META.json'          => qq({ "name": "one", "version": "1.2.3", "abstract": "One", "maintainer": "us", )
    . qq("license": "postgresql",\n"provides": { "one": { "version": "1.2.3", "file": "retention--1.2.3.sql" } }, )
    . qq("meta-spec": { "version": "1.0.0" } }\n),
  'debian/changelog'   => "retention (1.2.3-1) unstable; urgency=medium\n",
  'CHANGELOG.md'       => "## [1.2.3] - 2026-01-01\n",
  'README.md'          => "[one](doc/one.md) [all](doc/reference.md) [why](doc/design.md)\n",
  'doc/one.md'         => "# The one\n[up](../README.md) [here](one.md#the-one) one() add()\n",
  'doc/design.md'      => "`one()` in `one/one.sql`\n",
  'doc/reference.md'   => "## Functions\n| `one()` |\n",
  'src/compat.h'       => "#if PG_VERSION_NUM >= 160000\n#endif\n",
  'src/retention.h'    => "#include \"compat.h\"\n",
  'src/base/wire.h'    => "extern int wire;\n",
  'src/base/wire.c'    => "#include \"retention.h\"\n\n#include \"base/wire.h\"\n#include \"math/sum.h\"\n",
  'src/math/sum.h'     => "extern int sum;\n",
  'src/math/sum.cpp'   => "#include <boost/math/distributions.hpp>\n",
  'src/one/one.h'      => "extern int one;\n",
  'src/one/one.c'      => "#include \"retention.h\"\n\n#include \"base/wire.h\"\n#include \"one/one.h\"\n",
  'src/one/one_sql.c'  => "#include \"retention.h\"\n\nextern Datum one(PG_FUNCTION_ARGS);\n",
  'src/one/one.overloads' => "state = one\nspace = 8\ncombine one_combine(state one)\naggregate add\n  adds up\n",
  'src/one/one.sql'    => "CREATE FUNCTION one();\n",
  'src/one/one.html'   => "<p>{{one}}</p>\n",
  'src/two/two.h'      => "extern int two;\n",
  'src/two/two.c'      => "#include \"retention.h\"\n\n#include \"two/two.h\"\n",
  'sql/one.sql'        => "SELECT 1;\n",
  'sql/catalog.sql'    => "SELECT 1;\n",
  'expected/one.out'   => "1\n",
  'expected/catalog.out' => " f    | one() | integer\n f    | retention_internal.one_two() | integer\n",
  'specs/pair.spec'    => "session s\n",
  'expected/pair.out'  => "1\n",
  't/001_one.pl'       => "done_testing();\n",
  'script/demo'        => "#!/usr/bin/env bash\ntrue\n",
  '.ci/run'            => "#!/usr/bin/env bash\ntrue --versions=15,17\n",
  '.github/workflows/test.yml' => "version: [15, 17]\n",
);

sub put
{
  my ($path, $text) = @_;
  my ($folder) = "$copy/$path" =~ m{^(.*)/};
  mkpath($folder);
  open(my $out, '>', "$copy/$path") or die "$path: $!";
  print $out $text;
  close $out;
  chmod 0755, "$copy/$path" if $text =~ /^#!/;
}

sub judge
{
  my $said = `"$^X" "$root/script/lib/rules.pl" "$copy" 2>&1`;
  return ($said, join(', ', $said =~ /^not ok \d+ - (.*)$/mg));
}

copy("$root/.clang-format", "$copy/.clang-format");
mkpath("$copy/script/lib");
copy("$root/script/lib/templates.awk", "$copy/script/lib/templates.awk");
put($_, $tree{$_}) for keys %tree;
my ($said, $broken) = judge();
is($broken, '', 'a sound tree keeps every rule') or diag($said);
my @rules = $said =~ /^ok \d+ - (.*)$/mg;

# rule, file, and what is appended to it or, with a code, done to its text
my @breaks = (
  [ 'includes point down', 'src/two/two.c', "\n#include \"one/one.h\"\n" ],
  [ 'includes point down', 'src/math/sum.cpp', "#include \"base/wire.h\"\n" ],
  [ 'includes point down', 'src/base/wire.c', "#include \"one/one.h\"\n" ],
  [ 'includes point down', 'src/one/one.c', "\n#include \"one.h\"\n" ],
  [ 'includes point down', 'src/scan/scan.h', "#include \"one/one.h\"\n" ],
  [ 'retention.h comes first', 'src/one/one.c', sub { "#include \"one/one.h\"\n$_[0]" } ],
  [ 'includes of a block are in order', 'src/one/one.c', sub { "$_[0]#include \"base/wire.h\"\n" } ],
  [ 'the guard of a header is its name', 'src/one/one.h', "#ifndef RETENTION_TWO_H\n#endif\n" ],
  [ 'server versions only in src/compat.h', 'src/one/one.h', "#if PG_VERSION_NUM\n#endif\n" ],
  [ 'the Makefile lists every source file', 'src/one/more.c', "#include \"retention.h\"\n" ],
  [ 'the Makefile lists every source file', 'src/one/more.sql', "SELECT 1;\n" ],
  [ 'the Makefile lists every source file', 'src/one/more.svg', "<svg/>\n" ],
  [ 'the Makefile lists every source file', 'src/one/more.js', "alert()\n" ],
  [ 'templates can be joined', 'src/one/one.html', "<p>\$one\$</p>\n" ],
  [ 'templates can be joined', 'src/one/one.html', "<p>\xc3\xa9</p>\n" ],
  [ 'templates can be joined', 'src/one/one.html', "<template id=\"one\">\none\n</template>\ntwo\n" ],
  [ 'the Makefile lists every source file', 'Makefile', sub { $_[0] =~ s/OBJS = /OBJS = src\/gone.o /r } ],
  [ 'every regression test is listed and answered', 'sql/more.sql', "SELECT 1;\n" ],
  [ 'every regression test is listed and answered', 'expected/more.out', "1\n" ],
  [ 'every script of an earlier version is installed', 'sql/updates/retention--1.2.2.sql', "SELECT 1;\n" ],
  [ 'every script of an earlier version is installed', 'Makefile', "DATA = sql/updates/retention--1.2.2.sql\n" ],
  [ 'every isolation test is listed and answered', 'specs/more.spec', "session s\n" ],
  [ 'every TAP test is run', 't/more.t', "done_testing();\n" ],
  [ 'every TAP test is run', 't/002_more.pl', "1;\n" ],
  [ 'every TAP test is run', 'Makefile', "TAP_TESTS = 1\n" ],
  [ 'formatted by clang-format', 'src/one/one.c', "int  one;\n" ],
  [ 'fmgr stays in _sql.c', 'src/one/one.c', "extern Datum one(PG_FUNCTION_ARGS);\n" ],
  [ 'Boost stays in src/math', 'src/one/one.c', "#include <boost/math/distributions.hpp>\n" ],
  [ 'SQL scripts are plain DDL', 'src/one/one.sql', "CREATE OR REPLACE FUNCTION one();\n" ],
  [ 'SQL scripts are plain DDL', 'src/one/one.sql', "ALTER FUNCTION one() SECURITY DEFINER;\n" ],
  [ 'the Makefile lists every source file', 'src/one/more.overloads', "# none\n" ],
  [ 'tables of overloads can be read', 'src/one/one.overloads', "aggregate two final\n" ],
  [ 'tables of overloads can be read', 'src/one/one.overloads', "aggregate one final one_final\n" ],
  [
    'a page documents every public name, the reference lists every public name in order',
    'expected/catalog.out', " f    | one_helper() | void\n"
  ],
  [ 'calls of public functions say every argument and its type', 'src/one/one.sql', "SELECT \@extschema\@.one(1);\n" ],
  [
    'calls of public functions say every argument and its type', 'src/one/one.sql',
    "CREATE FUNCTION one(a text, b text DEFAULT repeat('(', 2));\nSELECT \@extschema\@.one(text 'a', 'b');\n"
  ],
  [ 'no file in src over 1000 lines', 'src/one/one.sql', "-- line\n" x 1000 ],
  [ 'no line in src over 120 characters', 'src/one/one.sql', '-- ' . "\xc3\xa9" x 118 . "\n" ],
  [ 'white space', 'src/one/one.sql', "SELECT 1; \n" ],
  [ 'white space', 'src/one/one.sql', "SELECT 1;\r\n" ],
  [ 'white space', 'src/one/one.sql', "\tSELECT 1;\n" ],
  [ 'white space', 'script/demo', "true" ],
  [ 'scripts are sound', 'script/demo', "if true\n" ],
  [ 'documentation is linked', 'doc/more.md', "More\n" ],
  [ 'documentation is linked', 'doc/one.md', "[gone](gone.md)\n" ],
  [ 'documentation is linked', 'doc/one.md', "[gone](one.md#the-two)\n" ],
  [
    'a page documents every public name, the reference lists every public name in order',
    'expected/catalog.out', " type helper | a type\n"
  ],
  [ 'the reference lists every public name in order', 'doc/reference.md', "| `two` |\n" ],
  [ 'the reference lists every public name in order', 'doc/reference.md', "| `one()` |\n| `gone()` |\n" ],
  [ 'the design page names what exists', 'doc/design.md', "`gone()`\n" ],
  [ 'the design page names what exists', 'doc/design.md', "`one/gone.c`\n" ],
  [ 'one version', 'META.json', sub { $_[0] =~ s/1\.2\.3/1.2.4/r } ],
  [ 'one version', 'META.json', sub { $_[0] =~ s/--1\.2\.3/--1.2.4/r } ],
  [ 'one version', 'CHANGELOG.md', sub { $_[0] =~ s/1\.2\.3/1.2.4/r } ],
  [ 'one version', 'debian/changelog', sub { $_[0] =~ s/1\.2\.3/1.2.4/r } ],
  [ 'one list of tested versions', '.github/workflows/test.yml', sub { $_[0] =~ s/15, //r } ],
  [ 'PGXN accepts META.json', 'META.json', sub { $_[0] =~ s/"maintainer": "us",//r } ],
  [ 'PGXN accepts META.json', 'META.json', sub { $_[0] =~ s/"license"/"licence"/r } ],
  [ 'PGXN accepts META.json', 'META.json', sub { $_[0] =~ s/"file"/"docfile": "gone.md", "file"/r } ],
  [ 'PGXN accepts META.json', 'META.json', ",\n" ],
);

my %can_fail;
for my $break (@breaks) {
  my ($rule, $path, $how) = @$break;
  my $before = $tree{$path} // '';
  put($path, ref $how ? $how->($before) : $before . $how);
  ($said, $broken) = judge();
  is($broken, $rule, "broken in $path: $rule") or diag($said);
  $can_fail{$_} = 1 for split /, /, $rule;
  exists $tree{$path} ? put($path, $before) : unlink "$copy/$path";
}
is_deeply([ grep !$can_fail{$_}, @rules ], [], 'every rule was broken once');

done_testing();
