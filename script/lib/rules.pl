# The rules of the tree that can be checked by reading its files, as TAP:
#   perl rules.pl ROOT [RULE...]
# Each rule is a test; t/000_rules.pl breaks each of them once.
use strict;
use warnings;

use FindBin;
use JSON::PP;

my ($root, @only) = @ARGV;
chdir($root // '.') or die "cannot enter $root: $!\n";

# --- The files and the lists --------------------------------------------------------------------

sub files    # every file below the given folders whose name matches
{
  my ($pattern, @folders) = @_;
  my @found;
  while (defined(my $folder = shift @folders)) {
    opendir(my $dir, $folder) or next;
    for my $name (sort readdir $dir) {
      next if $name =~ /^\.\.?$/;
      my $path = $folder eq '.' ? $name : "$folder/$name";
      if (-d $path && !-l $path) { push @folders, $path unless $name eq '.git' }
      elsif ($path =~ $pattern) { push @found, $path }
    }
  }
  return sort @found;
}

sub text
{
  my ($path) = @_;
  open(my $in, '<:raw', $path) or return '';
  local $/;
  my $all = <$in>;
  return $all // '';
}

sub lines { return split /\n/, text($_[0]), -1 }

# A variable of the Makefile; its lists are plain words.
sub listed
{
  my ($name) = @_;
  my $make = text('Makefile');
  $make =~ s/\\\n/ /g;
  return $make =~ /^\Q$name\E[ \t]*:?=[ \t]*(.*)$/m ? split(' ', $1) : ();
}

# Complaints about what is in only one of two lists.
sub differences
{
  my ($have, $want, $extra, $lacking) = @_;
  my %have = map { $_ => 1 } @$have;
  my %want = map { $_ => 1 } @$want;
  return ((map "$_ $extra", grep !$want{$_}, sort keys %have), (map "$_ $lacking", grep !$have{$_}, sort keys %want));
}

# The lines of the files that match, each with its place.
sub grep_lines
{
  my ($pattern, @paths) = @_;
  my @found;
  for my $path (@paths) {
    my $number = 0;
    for my $line (lines($path)) {
      $number++;
      push @found, "$path:$number: $line" if $line =~ $pattern;
    }
  }
  return @found;
}

# C code without comments; line breaks stay.
sub without_comments
{
  my ($code) = @_;
  $code =~ s{(/\*.*?\*/)}{ my $c = $1; $c =~ s/[^\n]//g; $c }gse;
  $code =~ s{//[^\n]*}{}g;
  return $code;
}

# The arguments inside a pair of parentheses, one by one.
sub arguments
{
  my ($list) = @_;
  my ($depth, @found) = (0, '');
  for my $part ($list =~ /'(?:[^']|'')*'|[(),]|[^'(),]+/g) {
    if ($part eq '(' && $depth++ == 0) { next }
    if ($part eq ')' && --$depth == 0) { last }
    if ($part eq ',' && $depth == 1) { push @found, ''; next }
    $found[-1] .= $part;
  }
  return @found == 1 && $found[0] !~ /\S/ ? () : @found;
}

my @c_files = files(qr/\.(c|cpp|h)$/, 'src', 'test');
my @src     = files(qr/./, 'src');
my %layer   = (math => 0, base => 1, time => 2, history => 3, population => 4, cox => 6, drivers => 6, model => 6, source => 8, report => 9);

# --- The rules ----------------------------------------------------------------------------------

my @rules;
sub rule { push @rules, [@_] }

# A module is a folder of src/. Those without a number here are the summaries of layer 5, none of which
# includes another, and the scan, with which they register; cox and drivers build on survival, model on value.
rule 'includes point down' => sub {
  my @bad;
  for my $path (grep m{^src/([^/]+)/.*\.(c|cpp|h)$}, @src) {
    my ($mine) = $path =~ m{^src/([^/]+)/};
    my $number = 0;
    for my $line (lines($path)) {
      $number++;
      my ($header) = $line =~ /^\s*#\s*include\s*"([^"]+)"/ or next;
      if ($header !~ m{/} && -e "src/$mine/$header") {
        push @bad, "$path:$number: write \"$mine/$header\"";
        next;
      }
      my ($other) = $header =~ m{^([^/]+)/} or next;
      next unless -e "src/$header" && $other ne $mine;
      my ($from, $to) = map { $layer{$_} // 5 } $mine, $other;
      push @bad, "$path:$number: $mine includes $other" if $to >= $from;
    }
  }
  push @bad, grep_lines(qr/#\s*include\s*"\.\.?\//, @c_files);
  return @bad;
};

rule 'retention.h comes first' => sub {
  return grep {
    my ($first) = text($_) =~ /^\s*#\s*include\s*(\S+)/m;
    !defined $first || ($first ne '"retention.h"' && $_ !~ m{^src/math/})
  } grep m{\.c$}, @src;
};

rule 'includes of a block are in order' => sub {
  my @bad;
  for my $path (@c_files) {
    for my $block (text($path) =~ /((?:^#include "[^"]+"\n)+)/mg) {
      my @lines = split /\n/, $block;
      push @bad, "$path: sort\n$block" if "@lines" ne join ' ', sort @lines;
    }
  }
  return @bad;
};

rule 'the guard of a header is its name' => sub {
  return grep {
    my ($guard) = text($_) =~ /^#ifndef (RETENTION_?\w*_H)$/m;
    my ($name) = m{([^/]+)\.h$};
    defined $guard && $guard ne ($name eq 'retention' ? 'RETENTION_H' : 'RETENTION_' . uc($name) . '_H')
  } grep m{\.h$}, @src;
};

rule 'server versions only in src/compat.h' => sub {
  return grep_lines(qr/\bPG_VERSION_NUM\b|\bPG_MAJORVERSION(_NUM)?\b|\bCATALOG_VERSION_NO\b/, grep $_ ne 'src/compat.h', @c_files);
};

rule 'the Makefile lists every source file' => sub {
  my @sources = map { s/\.(c|cpp)$/.o/r } grep /\.(c|cpp)$/, @src;
  return (
    differences(\@sources, [ listed('OBJS') ], 'is not in OBJS', 'is in OBJS and has no source'),
    differences([ grep /\.(sql|overloads)$/, @src ], [ listed('MODULE_SQL') ], 'is not in MODULE_SQL', 'is in MODULE_SQL and does not exist'),
    differences([ grep /\.(html|css|svg)$/, @src ], [ listed('TEMPLATES') ], 'is not in TEMPLATES', 'is in TEMPLATES and does not exist'),
    (map "$_ is neither C nor SQL nor a template", grep !/\.(c|cpp|h|sql|overloads|html|css|svg)$/, @src));
};

# Each template is joined by script/lib/templates.awk, which refuses what a server could read differently.
rule 'templates can be joined' => sub {
  my @templates = grep /\.(html|css|svg)$/, @src or return ();
  my $said = `awk -f script/lib/templates.awk @templates 2>&1 >/dev/null`;
  return $? ? split(/\n/, $said) : ();
};

rule 'every regression test is listed and answered' => sub {
  my @tests   = map { m{^sql/([^/]*)\.sql$} } files(qr/\.sql$/, 'sql');
  my @answers = map { m{^expected/(.*)\.out$} } files(qr/\.out$/, 'expected');
  my %answer  = map { $_ => 1 } @answers;
  my %asked   = map { $_ => 1 } @tests, map { m{^specs/(.*)\.spec$} } files(qr/\.spec$/, 'specs');
  return (
    differences(\@tests, [ listed('REGRESS') ], 'is not in REGRESS', 'is in REGRESS and has no file in sql/'),
    (map "$_ has no file in expected/",   grep !$answer{$_}, @tests),
    (map "expected/$_.out answers nothing", grep { !$asked{$_} && !$asked{s/_\d$//r} } @answers));
};

rule 'every script of an earlier version is installed' => sub {
  my @scripts = files(qr/./, 'sql/updates');
  my ($version, %is_there) = (qr/\d+\.\d+\.\d+/, map { $_ => 1 } @scripts);
  return (
    differences(\@scripts, [ listed('DATA') ], 'is not in DATA', 'is in DATA and does not exist'),
    (map "$_ is neither retention--OLD.sql nor retention--OLD--NEW.sql", grep !m{/retention--$version(--$version)?\.sql$}, @scripts),
    (map "$_ cannot be tested without the install script of the version before", grep { /^(.*--$version)--/ && !$is_there{"$1.sql"} } @scripts));
};

rule 'every isolation test is listed and answered' => sub {
  my @tests = map { m{^specs/(.*)\.spec$} } files(qr/\.spec$/, 'specs');
  return (
    differences(\@tests, [ listed('ISOLATION') ], 'is not in ISOLATION', 'is in ISOLATION and has no file in specs/'),
    (map "$_ has no file in expected/", grep !-e "expected/$_.out", @tests));
};

rule 'every TAP test is run' => sub {
  return (
    (map "$_ would not be found: t/NNN_word.pl is the form", grep !m{^t/\d\d\d_[a-z_]+\.pl$}, grep !/\.pm$/, files(qr/./, 't')),
    (map "$_ does not say when it is done", grep text($_) !~ /done_testing|tests\s*=>/, files(qr/\.pl$/, 't')),
    (listed('TAP_TESTS') ? 'Makefile: TAP_TESTS is set; make installcheck is for regress and isolation' : ()));
};

rule 'formatted by clang-format' => sub {
  return 'there are no C files' unless @c_files;
  my @said = `clang-format --dry-run -Werror @c_files 2>&1`;
  return $? ? (grep(/error:/, @said), 'run: clang-format -i FILE') : ();
};

# The functions that SQL calls are in <module>_sql.c; what they have in common is in base and population.
rule 'fmgr stays in _sql.c' => sub {
  return grep_lines(
    qr/\bPG_FUNCTION_ARGS\b|\bFunctionCallInfo\b|\bPG_GETARG_|\bPG_RETURN_/,
    grep !m{_sql\.[ch]$|^src/retention\.[ch]$|^src/base/(aggregate|emit)\.[ch]$|^src/population/population(_key)?\.[ch]$}, grep m{^src/.*\.(c|h|cpp)$}, @src);
};

rule 'Boost stays in src/math' => sub {
  return grep_lines(qr/#\s*include\s*<boost/, grep !m{^src/math/}, @c_files);
};

# The bodies of functions are left out: what they execute is not the script's.
rule 'SQL scripts are plain DDL' => sub {
  my @bad;
  for my $path (grep /\.sql$/, @src) {
    my $script = text($path) =~ s/\bAS\s+(\$\w*\$)(.*?)\1/$2 =~ tr{\n}{}cdr/gesr;
    my $line = 0;
    for (split /\n/, $script) {
      $line++;
      push @bad, "$path:$line: $_" if !/^\s*--/ && /\bOR\s+REPLACE\b|\bIF\s+(NOT\s+)?EXISTS\b|\bSECURITY\s+DEFINER\b/i;
    }
  }
  return @bad;
};

# What nobody calls by name is in retention_internal. What the build writes out is read as the SQL that it becomes.
my @sql = grep /\.(sql|overloads)$/, @src;
my %sql_of = map { $_ => /\.sql$/ && text($_) !~ /^-- \w+_at: /m ? text($_) : scalar `"$^X" "$FindBin::Bin/overloads.pl" "$_" 2>&1` } @sql;

rule 'tables of overloads can be read' => sub { return map $sql_of{$_} =~ /^(\Q$_\E:\d+: .*)$/m, @sql };

# expected/catalog.out names the schema of all but the public objects.
sub public_names { return text('expected/catalog.out') =~ /^ [afs]    \| (\w+)\(/mg, text('expected/catalog.out') =~ /^ (?:type|table|view) (\w+) *\|/mg }

rule 'a page documents every public name' => sub {
  my %said;
  for my $page ('README.md', grep !m{/(design|reference|glossary)\.md$}, files(qr/\.md$/, 'doc')) { $said{$_} = 1 for text($page) =~ /\w+/g }
  my %names = map { $_ => 1 } public_names();
  return map "$_ is in no page", grep !$said{$_}, sort keys %names;
};

# A function of the same name with fewer arguments, or with text where a literal stands, would be called instead: anybody
# who may create functions in the schema could make one.
my $list = qr{(\((?:[^()']|'(?:[^']|'')*'|(?-1))*\))};

rule 'calls of public functions say every argument and its type' => sub {
  my (%most, @bad);
  for my $path (@sql) {
    my $code = $sql_of{$path};
    while ($code =~ /^CREATE (?:FUNCTION|AGGREGATE|PROCEDURE) (\w+)$list/mg) {
      my ($name, @arguments) = ($1, arguments($2));
      my $count = grep !/^\s*OUT\b/, @arguments;
      $most{$name}{$count} = 1;
    }
  }
  for my $path (@sql) {
    my $code = $sql_of{$path};
    while ($code =~ /\@extschema\@\.(\w+)$list/g) {
      my ($name, @arguments) = ($1, arguments($2));
      next unless $most{$name};
      push @bad, "$path: $name() is called with " . @arguments . ' arguments' unless $most{$name}{ scalar @arguments };
      push @bad, "$path: $name() is called with the literal $_" for grep /^\s*(NULL|'[^']*')\s*$/, @arguments;
    }
  }
  return @bad;
};

rule 'no file in src over 1000 lines' => sub {
  return map { my $n = () = text($_) =~ /\n/g; $n > 1000 ? "$_ has $n lines" : () } @src;
};

rule 'no line in src over 120 characters' => sub {
  return grep_lines(qr/^(?:[\x00-\x7f\xc0-\xff][\x80-\xbf]*){121}/, @src);
};

my @texts = grep { !m{^expected/|^LICENSE$} && !-B $_ } files(qr/./, '.');

rule 'white space' => sub {
  my @bad = grep_lines(qr/[ \t]+$/, grep !/\.md$/, @texts);
  push @bad, grep_lines(qr/\r/, @texts);
  push @bad, map "$_ does not end with a line feed", grep { my $t = text($_); $t ne '' && $t !~ /\n\z/ } @texts;
  push @bad, grep_lines(qr/^ {4}|^\t* +\t/, @c_files);
  push @bad, grep_lines(qr/^ *\t/, grep m{\.(sql|overloads|sh|pl|pm|md|spec|json)$|^script/|^\.ci/}, @texts);
  return map { s/\t/<tab>/gr } @bad;
};

rule 'scripts are sound' => sub {
  my @bad;
  my @commands = (files(qr/^script\/[^\/]+$/, 'script'), '.ci/run');
  push @bad, map "$_ is not executable", grep !-x $_, @commands;
  for my $path (grep { text($_) =~ /\A#!.*\bbash\b/ || /\.sh$/ } @commands, files(qr/\.sh$/, 'script')) {
    my $said = `bash -n $path 2>&1`;
    push @bad, $said if $?;
  }
  return @bad;
};

# The headings of a page as they are written after the # of a link.
sub headings
{
  my $text = text($_[0]) =~ s/^```.*?^```//gmsr;
  return map { lc =~ s/[^\w -]//gr =~ tr/ /-/r } $text =~ /^#+ +(.*?) *$/mg;
}

rule 'documentation is linked' => sub {
  my $readme = text('README.md');
  my @bad;
  push @bad, 'there is no README.md' if $readme eq '';
  push @bad, map "README.md does not link $_", grep { $readme !~ /\]\(\Q$_\E[#)]/ } files(qr/\.md$/, 'doc');
  for my $page (files(qr/^[A-Z]+\.md$/, '.'), files(qr/\.md$/, 'doc')) {
    my ($folder) = $page =~ m{^(.*/)};
    for my $target (text($page) =~ /\]\(([^)\s]+)/g) {
      next if $target =~ m{^[a-z]+:};
      my ($file, $heading) = split /#/, $target;
      $file = $file eq '' ? $page : ($folder // '') . $file;
      if (!-e $file) { push @bad, "$page links $target, which does not exist" }
      elsif (defined $heading && !grep $_ eq $heading, headings($file)) { push @bad, "$page links $target: no such heading" }
    }
  }
  return @bad;
};

rule 'the reference lists every public name in order' => sub {
  my ($listed) = text('doc/reference.md') =~ /^(## Functions.*)/ms;
  my (@bad, @all);
  for my $part (split /^## /m, $listed // '') {
    my @names = $part =~ /^\| `(\w+)[(`]/mg;
    push @all, @names;
    push @bad, map "doc/reference.md: $names[$_] comes after $names[$_ - 1]", grep { $names[ $_ - 1 ] gt $names[$_] } 1 .. $#names;
  }
  return (@bad, differences(\@all, [ public_names() ], 'is in doc/reference.md and not public', 'is not in doc/reference.md'));
};

rule 'the design page names what exists' => sub {
  my %words = map { $_ => 1 } map { text($_) =~ /\w+/g } @src;
  my $page = text('doc/design.md');
  return (
    (map "doc/design.md names $_(), which is not in src", grep !$words{$_}, $page =~ /`(?:\w+\.)?(\w+)\(/g),
    (map "doc/design.md names $_, which does not exist", grep { !-e && !-e "src/$_" } $page =~ m{`([a-z]+/[\w/.]+\.[a-z]+)`}g));
};

rule 'one version' => sub {
  my ($version) = text('retention.control') =~ /^default_version\s*=\s*'([^']+)'/m;
  return 'retention.control has no default_version' unless $version;
  my @bad;
  my $meta = text('META.json') =~ s/"meta-spec"\s*:\s*\{[^}]*\}//r;
  my @said = $meta =~ /"version"\s*:\s*"(\d+\.\d+\.\d+)"/g;
  push @bad, 'META.json has to say the version of the distribution and of what it provides' if @said < 2;
  push @bad, map "META.json says $_, retention.control $version", grep $_ ne $version, @said;
  push @bad, "META.json does not provide retention--$version.sql" unless $meta =~ /"file"\s*:\s*"retention--\Q$version\E\.sql"/;
  push @bad, 'debian/changelog does not begin with this version' unless text('debian/changelog') =~ /^retention \(\Q$version\E-/;
  push @bad, "CHANGELOG.md has no section $version" unless text('CHANGELOG.md') =~ /^## \[?\Q$version\E\b/m;
  push @bad, grep_lines(qr/\Q'$version'\E/, grep m{^src/}, @src);
  return @bad;
};

rule 'one list of tested versions' => sub {
  my ($here)  = text('.ci/run') =~ /--versions=([\d,]+)/;
  my ($forge) = text('.github/workflows/test.yml') =~ /^ *version: \[([\d, ]+)\]$/m;
  return defined $here && defined $forge && $here eq $forge =~ s/ //gr ? () : '.ci/run and .github/workflows/test.yml test different versions';
};

# PGXN's META specification 1.0.0, as far as this distribution uses it.
rule 'PGXN accepts META.json' => sub {
  my $meta = eval { decode_json(text('META.json')) };
  return "META.json: $@" unless ref $meta eq 'HASH';
  my $text     = sub { defined $_[0] && !ref $_[0] && $_[0] =~ /\S/ };
  my $version  = sub { defined $_[0] && !ref $_[0] && $_[0] =~ /^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[a-z][0-9a-z-]*)?$/i };
  my $term     = sub { defined $_[0] && !ref $_[0] && $_[0] =~ m{^[^\s/\\[:cntrl:]]{2,}$} };
  my %required = (name => $term, version => $version, abstract => $text, maintainer => $text, license => $text);
  my %optional = (
    description    => $text,
    generated_by   => $text,
    release_status => sub { $_[0] =~ /^(stable|testing|unstable)$/ },
    tags           => sub { ref $_[0] eq 'ARRAY' && !grep { length > 255 || m{[/\\[:cntrl:]]} } @{ $_[0] } },
    provides       => sub {
      my ($provides) = @_;
      return ref $provides eq 'HASH' && %$provides && !grep {
        my $one = $provides->{$_};
        !$term->($_) || ref $one ne 'HASH' || !$version->($one->{version}) || !$text->($one->{file}) || $one->{file} =~ m{^/|\.\.}
          || grep !/^(version|file|abstract|docfile)$/, keys %$one
      } keys %$provides;
    },
    prereqs => sub {
      my ($prereqs) = @_;
      return ref $prereqs eq 'HASH' && !grep {
        my ($phase, $kinds) = ($_, $prereqs->{$_});
        $phase !~ /^(configure|build|test|runtime|develop)$/ || ref $kinds ne 'HASH' || grep {
          my ($kind, $needs) = ($_, $kinds->{$_});
          $kind !~ /^(requires|recommends|suggests|conflicts)$/ || ref $needs ne 'HASH' || grep !$version->($_), values %$needs
        } keys %$kinds
      } keys %$prereqs;
    },
    'meta-spec' => sub { ref $_[0] eq 'HASH' && $_[0]{version} eq '1.0.0' },
  );
  my @bad = map "META.json has no $_", grep !exists $meta->{$_}, sort keys %required, qw(provides meta-spec);
  for my $key (sort keys %$meta) {
    my $is_good = $required{$key} // $optional{$key};
    if (!$is_good) { push @bad, "META.json: $key is none of the keys that are used here" }
    elsif (!$is_good->($meta->{$key})) { push @bad, "META.json: $key has a value that PGXN refuses" }
  }
  push @bad, map "META.json names $_, which does not exist", grep { defined && !-e } map $_->{docfile}, values %{ $meta->{provides} // {} };
  return @bad;
};

# --- TAP ----------------------------------------------------------------------------------------

@rules = grep { my $name = $_->[0]; grep $_ eq $name, @only } @rules if @only;
print '1..', scalar(@rules), "\n";
my $failed = 0;
for my $i (0 .. $#rules) {
  my ($name, $check) = @{ $rules[$i] };
  my @bad = $check->();
  print @bad ? 'not ok ' : 'ok ', $i + 1, " - $name\n";
  chomp @bad;
  print "# $_\n" for @bad > 30 ? (@bad[ 0 .. 29 ], '...') : @bad;
  $failed++ if @bad;
}
exit($failed ? 1 : 0);
