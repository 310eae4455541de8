# Prints doc/reference.md as the SQL of the extension and its comments say it; script/test --accept-docs writes it.
# The text above "## Functions" stays, and so does the link of each name. A new name gets the page with a heading that
# names it, or else the first page of the README that mentions it.
use strict;
use warnings;

use FindBin;
chdir "$FindBin::Bin/../.." or die "cannot enter the root: $!\n";

sub text
{
  my ($path) = @_;
  open(my $in, '<:raw', $path) or die "cannot read $path: $!\n";
  local $/;
  return <$in> // '';
}

# --- What the scripts create --------------------------------------------------------------------

my $make = text('Makefile') =~ s/\\\n/ /gr;
my ($list) = $make =~ /^MODULE_SQL = (.*)$/m or die "the Makefile has no MODULE_SQL\n";
my $sql = `"$^X" script/lib/overloads.pl $list`;
die "overloads.pl failed\n" if $?;

my $nested = qr{(\((?:[^()']|'(?:[^']|'')*'|(?-1))*\))};

# The parts of a list between parentheses.
sub parts
{
  my ($inside) = $_[0] =~ /^\((.*)\)$/s;
  my ($depth, @found) = (0, '');
  for my $piece ($inside =~ /'(?:[^']|'')*'|[(),]|[^'(),]+/g) {
    $depth++ if $piece eq '(';
    $depth-- if $piece eq ')';
    if ($piece eq ',' && !$depth) { push @found, ''; next }
    $found[-1] .= $piece;
  }
  return grep /\S/, map { s/\s+/ /gr =~ s/^ | $//gr } @found;
}

# By name, in the order of the scripts: { kind, args => [[name, has a default]], comment }.
my (%functions, %things, %comment);
while ($sql =~ /^COMMENT ON (?:FUNCTION|AGGREGATE|PROCEDURE|TYPE|TABLE|VIEW)\s+(?!retention_internal)(\w+)\s*$nested?\s+IS\s+((?:'(?:[^']|'')*'\s*)+);/mg) {
  my ($name, $types, $said) = ($1, $2, $3);
  $said = join '', map s/''/'/gr, $said =~ /'((?:[^']|'')*)'/g;
  $comment{ $name . (defined $types ? '(' . join(', ', parts($types)) . ')' : '') } = $said;
}
while ($sql =~ /^CREATE (FUNCTION|AGGREGATE|PROCEDURE) (?!retention_internal)(\w+)\s*$nested([^;]{0,200})/mg) {
  my ($kind, $name, $args, $rest) = ($1, $2, $3, $4);
  my (@args, @types);
  for (parts($args)) {
    next if /^OUT /;
    # Some have no name: then the type says what they are.
    my ($arg, $type, $default) = /^(?:VARIADIC )?("?\w+"?) (?!precision$)(.*?)((?: DEFAULT | = ).*)?$/s ? ($1, $2, $3) : ($_ =~ s/^retention_//r, $_);
    push @args, [ $arg =~ tr/"//dr, defined $default ];
    push @types, $type;
  }
  my $said = $comment{"$name(" . join(', ', @types) . ')'} // die "$name(@types) has no comment\n";
  my $sort = $kind eq 'AGGREGATE' ? 'agg' : $rest =~ /^\s*RETURNS\s+(?:TABLE|SETOF)/ ? 'rows' : $kind eq 'PROCEDURE' ? 'call' : '';
  push @{ $functions{$name} }, { sort => $sort, args => \@args, comment => $said };
}
while ($sql =~ /^CREATE (TYPE|TABLE|VIEW) (?!retention_internal)(\w+)\b/mg) { $things{$2} //= lc $1 }

# --- One line for each name ---------------------------------------------------------------------

# Of a long comment what comes before a colon or a semicolon; the rest is on the page.
sub short
{
  my ($comment) = @_;
  return $comment if length $comment <= 110;
  my $short = '';
  for my $part (split /(?<=[\w)])(?=[;:] )/, $comment) {
    $short .= $part;
    return $short if length $short > 20 && ($short =~ tr/(//) == ($short =~ tr/)//);
  }
  return $comment;
}

# Lists of arguments, each said once: one that goes on from another has what it adds in brackets.
sub calls
{
  my ($name, @overloads) = @_;
  my (@lists, %seen);
  # Some have arguments without names: shorter forms of another.
  my @named = grep { !grep $_->[0] =~ / /, @{ $_->{args} } } @overloads;
  for my $one (@named ? @named : @overloads) {
    my @args = @{ $one->{args} };
    next if $seen{ join ',', map $_->[0], @args }++;
    push @lists, [ scalar @lists, @args ];
  }
  my @calls;
  LIST: for my $list (sort { @$a <=> @$b } @lists) {
    my ($place, @args) = @$list;
    my @names = map $_->[0], @args;
    for my $call (@calls) {
      my @same = @{ $call->{names} };
      next unless @same && @same < @names && join(',', @same) eq join(',', @names[ 0 .. $#same ]);
      $call->{text} .= ' [, ' . join(', ', @names[ @same .. $#names ]);
      $call->{names} = \@names;
      $call->{open}++;
      $call->{place} = $place if $place < $call->{place};
      next LIST;
    }
    my $text = '';
    for my $i (0 .. $#names) {
      my $comma = $i ? ', ' : '';
      if ($args[$i][1]) { $text .= ($i ? ' ' : '') . "[$comma" . join(', ', @names[ $i .. $#names ]) . ']'; last }
      $text .= $comma . $names[$i];
    }
    push @calls, { names => \@names, text => $text, open => 0, place => $place };
  }
  my $first = 1;
  return join ', ', map { my $c = ($first ? $name : '') . '(' . $_->{text} . ']' x $_->{open} . ')'; $first = 0; "`$c`" }
    sort { $a->{place} <=> $b->{place} } @calls;
}

my $old = text('doc/reference.md');
my ($top) = $old =~ /^(.*?)^## Functions$/ms or die "doc/reference.md has no heading Functions\n";
my %link;
for (reverse split /\n/, $old) {
  my ($name, $sort, $link) = /^\| `(\w+)[^|]*\| *(\w*) *\|.*?(\[[^\]]+\]\([^)]+\)) *\|$/ or next;
  $link{$name} = $link{"$name $sort"} = $link;
}

my @pages = grep !m{/(cookbook|tutorial|coming-from|glossary|reference|design|performance)\.md$}, text('README.md') =~ /\((doc\/[\w-]+\.md)\)/g;
sub page_of
{
  my ($name, $sort) = @_;
  for my $known ("$name $sort", $name) { return $link{$known} if $link{$known} }
  for my $page (@pages) {
    my ($file, $word) = $page =~ m{((?:doc/)?([\w-]+)\.md)$};
    my ($heading) = text($page) =~ /^#+ +(.*\b\Q$name\E\b.*?) *$/m or next;
    return "[$word]($word.md#" . (lc($heading) =~ s/[^\w -]//gr =~ tr/ /-/r) . ')';
  }
  my ($page) = grep { text($_) =~ /\b\Q$name\E\b/ } @pages;
  return $page ? $page =~ m{([\w-]+)\.md$} && "[$1]($1.md)" : '';
}

print $top, "## Functions\n\n| call | | answer | page |\n| --- | --- | --- | --- |\n";
# What functions of one name for many types have in common.
my %common = (rollup => 'the summary of disjoint customers together, from their summaries');
for my $name (sort keys %functions) {
  my %sorts = map { $_->{sort} => 1 } @{ $functions{$name} };
  for my $sort (sort keys %sorts) {
    my @overloads = grep $_->{sort} eq $sort, @{ $functions{$name} };
    print '| ', join(' | ', calls($name, @overloads), $sort, $common{$name} // short($overloads[0]{comment}), page_of($name, $sort)), " |\n";
  }
}
print "\n## Types, tables and views\n\n| name | | | page |\n| --- | --- | --- | --- |\n";
for my $name (sort keys %things) {
  print "| `$name` | $things{$name} | ", short($comment{$name} // die "$name has no comment\n"), ' | ', page_of($name, $things{$name}), " |\n";
}
