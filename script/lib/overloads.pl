# Prints the install script: perl overloads.pl FILE...
# A file of SQL is printed as it is, but for functions with a twin: below a line "-- NAME_at: WORDS" stand a function and
# its comment, which are printed a second time as NAME_at, with timestamptz for the dates and times in its rows, and with
# the words at the end of the comment.
#
# A table of overloads (*.overloads) is printed as the SQL that it stands for: the stored types and aggregates of a
# module with the functions around them, for every type of customer and time. Its lines are:
#
#   # a comment
#   NAME = VALUE              a setting, which holds until it is set again:
#                               state      the type of the state of the aggregates that follow
#                               combine    their combine function
#                               space      SSPACE, in bytes
#                               support    the planner support function of transition functions, or nothing
#                               forms      NAME: ARGUMENTS; NAME: ARGUMENTS ..., the forms that a row may have
#   type NAME [ALIGNMENT] [ordered]
#                             a stored type with its four I/O functions, aligned as double unless it says otherwise; if
#                             it is ordered, there are operators to compare two values, and the classes of these for
#                             sorting, hashing and indexes. Sets state.
#   combine NAME[(ARGUMENT)]  a combine function of two states. Sets combine. With an argument, which is a state, it is
#                             the transition function of the aggregates below it, too: that is how rollup() is made.
#   final NAME RESULT         a final function and the type of its result
#   transition NAME(ARGUMENTS)
#                             a transition function, with the names and types of what the aggregates below it take
#   aggregate NAME [final NAME]
#                             an aggregate over the function above it
#   compare NAME like TYPE BY
#                             the default order of a type without an order of its own, by the functions of another one:
#                             aggregates can have DISTINCT then. Its operators are not in the user's schema.
#   (indented)                the comment of the object above it. Functions may go without: they say what they are for.
#
# The line of a function may end in its volatility, where a transition function is not STABLE and a combine or final
# function not IMMUTABLE, and then in "as SYMBOL", its name in C, where that differs. A backslash continues a line.
#
# Placeholders stand for types. A transition function and its aggregates are made for each combination of those that
# its arguments name:
#   {key}     the customer: bigint, uuid, text, and numeric, which becomes a type of its own for the C function of bigint
#   {time}    date, timestamp, timestamptz; with it go {range}, {multirange} and {kind} (date, local, instant)
#   {anchor}  the start that a row carries, a second time; with it goes {anchor_kind}
#   {row}     the arguments of each of the forms; with it goes {form}, its name
#
# So one more aggregate over the same rows is two lines: its name with its final function, and its comment.
use strict;
use warnings;

my $schema = 'retention_internal';
my %kind   = (date => 'date', timestamp => 'local', timestamptz => 'instant');
my %range  = (date => 'date', timestamp => 'ts', timestamptz => 'tstz');
my @times  = qw(date timestamp timestamptz);
my $place;    # the line that is being read or written

sub bad { die "$place: $_[0]\n" }

# --- Reading ------------------------------------------------------------------------------------

# The objects of a table. Those with aggregates below them have these in a list.
sub objects
{
  my ($in, $file) = @_;
  my (%settings, @objects, $last);
  while (my $line = <$in>) {
    chomp $line;
    $place = "$file:$.";
    chomp($line .= <$in>) while $line =~ s/\s*\\$/ /;
    if ($line =~ /^(#|$)/) { next }
    if ($line =~ /^(state|combine|space|support|forms)\s*=\s*(.*)$/) { $settings{$1} = $2; next }
    if ($line =~ /^\s+(.*)$/ && $last) { $last->{comment} .= ($last->{comment} ? ' ' : '') . $1; next }

    $last = { place => $place, comment => '' };
    $last->{symbol}     = $1 if $line =~ s/\s+as\s+(\S+)$//;
    $last->{volatility} = uc $1 if $line =~ s/\s+(immutable|stable)$//;
    if ($line =~ /^aggregate ([\w.]+)(?: final (\w+))?$/) {
      @$last{qw(name final)} = ($1, $2);
      bad('an aggregate needs a function above it') unless @objects && $objects[-1]{aggregates};
      push @{ $objects[-1]{aggregates} }, $last;
      next;
    }
    if ($line =~ /^type ([\w.]+)(?: (char|int2|int4|double))?( ordered)?$/) {
      @$last{qw(name alignment ordered)} = ($settings{state} = $1, $2 // 'double', $3);
    }
    elsif ($line =~ /^compare ([\w.]+) like (\w+) (\w+)$/) { @$last{qw(name like by)} = ($1, $2, $3) }
    elsif ($line =~ /^final (\w+) ([\w. \[\]]+)$/) { @$last{qw(name result)} = ($1, $2) }
    elsif ($line =~ /^(?:combine (\w+)(?:\((.+)\))?|transition ([\w{}]+)\((.+)\))$/) {
      @$last{qw(name arguments aggregates)} = ($1 // $3, $2 // $4, []);
      $settings{combine} = $1 if $1;
    }
    else { bad('cannot read this line') }
    ($last->{what}) = $line =~ /^(\w+)/;
    push @objects, { %$last, settings => {%settings} };
    $last = $objects[-1];
  }
  return @objects;
}

# --- Writing ------------------------------------------------------------------------------------

sub fill
{
  my ($text, $types) = @_;
  return $text =~ s/\{(\w+)\}/$types->{$1} \/\/ bad("nothing stands for {$1}")/ger;
}

# What the placeholders of a text stand for, one set for each combination.
sub combinations
{
  my ($text, $forms) = @_;
  my %lists = (
    row    => [ map { /^\s*(\w+): (.*)$/ ? { form => $1, row => $2 } : () } split /;/, $forms // '' ],
    key    => [
      (map +{ key => $_, key_word => $_, key_symbol => $_ }, qw(bigint uuid text)),
      { key => "$schema.numeric_customer", key_word => 'numeric', key_symbol => 'bigint' }
    ],
    anchor => [ map +{ anchor => $_, anchor_kind => $kind{$_} }, @times ],
    time   => [
      map +{ time => $_, kind => $kind{$_}, range => "$range{$_}range", multirange => "$range{$_}multirange" }, @times
    ],
  );
  my @sets = ({});
  for my $list (qw(row key anchor time)) {
    my $asks = $list eq 'time' ? qr/\{(time|range|multirange)\}/ : qr/\{$list\}/;
    @sets = map {
      my $set = $_;
      $text =~ s/\{row\}/$set->{row} \/\/ '{row}'/er =~ $asks ? map +{ %$set, %$_ }, @{ $lists{$list} } : $set
    } @sets;
  }
  for my $set (grep $_->{row}, @sets) { $set->{row} = fill($set->{row}, $set) }
  return @sets;
}

sub types_of { return join ', ', map s/^\w+ //r, split /,\s+/, $_[0] }

# An object and its comment, as COMMENT ON takes them.
sub comment
{
  my ($object, $comment) = @_;
  bad("$object has no comment") unless $comment;
  print "COMMENT ON $object IS\n'", $comment =~ s/'/''/gr, "';\n";
}

sub function
{
  my ($signature, $result, $properties, $symbol, $comment, $builtin) = @_;
  print "\nCREATE FUNCTION $schema.$signature RETURNS $result\n",
    'LANGUAGE ', $builtin ? 'internal' : 'C', " $properties AS ", $builtin ? '' : "'MODULE_PATHNAME', ", "'$symbol';\n";
  comment("FUNCTION $schema.$signature", $comment);
}

sub type
{
  my ($name, $alignment, $comment) = @_;
  my $base = $name =~ s/.*\.//r;
  my @io   = (
    [ 'text input',    INPUT   => 'in',   'cstring',  $name ],
    [ 'text output',   OUTPUT  => 'out',  $name,      'cstring' ],
    [ 'binary input',  RECEIVE => 'recv', 'internal', $name ],
    [ 'binary output', SEND    => 'send', $name,      'bytea' ]);
  print "\nCREATE TYPE $name;\n";
  for (@io) {
    my ($does, undef, $suffix, $takes, $result) = @$_;
    function("${base}_$suffix($takes)", $result, 'IMMUTABLE STRICT PARALLEL SAFE', "${base}_$suffix", "$does of $base");
  }
  print "\nCREATE TYPE $name (\n", (map "  $_->[1] = $schema.${base}_$_->[2],\n", @io),
    "  INTERNALLENGTH = VARIABLE,\n  ALIGNMENT = $alignment,\n  STORAGE = extended\n);\n";
  comment("TYPE $name", $comment);
}

my @comparisons = (
  [ '<',  'lt', '>',  '>=', 'scalarlt', 'whether a value sorts before another' ],
  [ '<=', 'le', '>=', '>',  'scalarle', 'whether a value sorts before another or equals it' ],
  [ '=',  'eq', '=',  '<>', 'eq',       'whether two values are equal' ],
  [ '>=', 'ge', '<=', '<',  'scalarge', 'whether a value sorts after another or equals it' ],
  [ '>',  'gt', '<',  '<=', 'scalargt', 'whether a value sorts after another' ],
  [ '<>', 'ne', '<>', '=',  'neq',      'whether two values differ' ]);

# The operators that compare two values, and the classes that PostgreSQL finds them by.
sub order
{
  my ($name) = @_;
  my ($base, $properties) = ($name =~ s/.*\.//r, 'IMMUTABLE STRICT PARALLEL SAFE');
  for (@comparisons) {
    my ($operator, $suffix, $commutator, $negator, $selectivity, $comment) = @$_;
    function("${base}_$suffix($name, $name)", 'boolean', $properties, "${base}_$suffix", $comment);
    print "\nCREATE OPERATOR $operator (\n  LEFTARG = $name,\n  RIGHTARG = $name,\n",
      "  FUNCTION = $schema.${base}_$suffix,\n  COMMUTATOR = $commutator,\n  NEGATOR = $negator,\n",
      "  RESTRICT = ${selectivity}sel,\n  JOIN = ${selectivity}joinsel", $suffix eq 'eq' ? ",\n  HASHES,\n  MERGES" : '', "\n);\n";
    comment("OPERATOR $operator ($name, $name)", $comment);
  }
  function("${base}_cmp($name, $name)", 'integer', $properties, "${base}_cmp", 'order of two values: that of their bytes');
  function("${base}_hash($name)", 'integer', $properties, "${base}_hash", 'hash of a value');
  for (
    [ 'btree', '1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >', "cmp($name, $name)" ],
    [ 'hash',  '1 =',                                                           "hash($name)" ])
  {
    my ($method, $operators, $support) = @$_;
    print "\nCREATE OPERATOR CLASS $schema.${base}_ops DEFAULT FOR TYPE $name USING $method AS\n",
      "  OPERATOR $operators,\n  FUNCTION 1 $schema.${base}_$support;\n";
    comment("OPERATOR $_ $schema.${base}_ops USING $method", "how values of $base are compared") for qw(FAMILY CLASS);
  }
}

# The order of a type by the functions of a built-in one.
sub compare
{
  my ($name, $like, $by) = @_;
  my ($base, $properties, @operators) = ($name =~ s/.*\.//r, 'IMMUTABLE STRICT PARALLEL SAFE');
  for (grep $_->[1] ne 'ne', @comparisons) {
    my ($operator, $suffix, $commutator, undef, undef, $comment) = @$_;
    function("${base}_$suffix($name, $name)", 'boolean', $properties, "$like$suffix", $comment, 1);
    print "\nCREATE OPERATOR $schema.$operator (\n  LEFTARG = $name,\n  RIGHTARG = $name,\n",
      "  FUNCTION = $schema.${base}_$suffix,\n  COMMUTATOR = OPERATOR($schema.$commutator)\n);\n";
    comment("OPERATOR $schema.$operator ($name, $name)", $comment);
    push @operators, 'OPERATOR ' . (@operators + 1) . " $schema.$operator";
  }
  function("${base}_cmp($name, $name)", 'integer', $properties, $by, 'order of two values', 1);
  print "\nCREATE OPERATOR CLASS $schema.${base}_ops DEFAULT FOR TYPE $name USING btree AS\n",
    join(', ', @operators), ",\n  FUNCTION 1 $schema.${base}_cmp;\n";
  comment("OPERATOR $_ $schema.${base}_ops USING btree", "how values of $base are compared") for qw(FAMILY CLASS);
}

sub aggregate
{
  my ($object, $function, $arguments, $settings) = @_;
  $place = $object->{place};
  print "\nCREATE AGGREGATE $object->{name}($arguments) (\n  SFUNC = $schema.$function,\n",
    "  STYPE = $settings->{state},\n  SSPACE = $settings->{space},\n",
    $object->{final} ? "  FINALFUNC = $schema.$object->{final},\n" : '',
    "  COMBINEFUNC = $schema.$settings->{combine},\n  PARALLEL = SAFE\n);\n";
  comment("AGGREGATE $object->{name}(" . types_of($arguments) . ')', $object->{comment});
}

# "a", "a and b", "a, b and c"
sub names
{
  my %seen;
  my @names = grep !$seen{$_}++, map $_->{name}, @_;
  return join ' and ', grep length, join(', ', @names[ 0 .. $#names - 1 ]), @names ? $names[-1] : ();
}

sub expand
{
  my @objects    = @_;
  my @aggregates = map @{ $_->{aggregates} // [] }, @objects;
  for my $object (@objects) {
    $place = $object->{place};
    my ($what, $name, $settings, $comment) = @$object{qw(what name settings comment)};
    if ($what eq 'compare') { compare(@$object{qw(name like by)}); next }
    my ($state, $symbol) = ($settings->{state} // bad('no state is set'), $object->{symbol} // $name);
    my $properties = ($object->{volatility} // ($what eq 'transition' ? 'STABLE' : 'IMMUTABLE'))
      . ($what eq 'final' ? ' STRICT' : '') . ' PARALLEL SAFE';
    if ($what eq 'type') {
      type($name, $object->{alignment}, $comment);
      order($name) if $object->{ordered};
    }
    elsif ($what eq 'final') {
      $comment ||= 'final function of ' . names(grep +($_->{final} // '') eq $name, @aggregates);
      function("$name($state)", $object->{result}, $properties, $symbol, $comment);
    }
    elsif ($what eq 'combine') {
      $comment ||= "combine function of aggregates whose state is $state";
      function("$name($state, $state)", $state, $properties, $symbol, $comment);
      aggregate($_, $name, $object->{arguments} // bad("$name has no argument"), $settings)
        for @{ $object->{aggregates} };
    }
    else {
      $comment ||= 'transition function of ' . names(@{ $object->{aggregates} });
      $properties .= " SUPPORT $schema.$settings->{support}" if $settings->{support};
      for my $types (combinations($object->{arguments}, $settings->{forms})) {
        my $arguments = fill($object->{arguments}, $types);
        my $of_name   = fill($name, { %$types, key => $types->{key_word} });
        my $signature = "$of_name($state, " . types_of($arguments) . ')';
        function($signature, $state, $properties, fill($symbol, { %$types, key => $types->{key_symbol} }), $comment);
        aggregate($_, $of_name, $arguments, $settings) for @{ $object->{aggregates} };
      }
    }
  }
}

# A function that shows dates or local times, and its comment: the same as NAME_at, which shows instants.
sub twin
{
  my ($text, $name, $words) = @_;
  $text =~ s/\b$name\b/${name}_at/g >= 2 or bad("no function $name and its comment");
  $text =~ s/('MODULE_PATHNAME', '\w+?)(?:_at)?'/$1_at'/;
  $text =~ s/';(\n*)\z/; $words';$1/ or bad("$name has no comment at its end");
  my ($head, $columns, $end) = $text =~ /^(.*?RETURNS TABLE \()(.*?)(^\).*)$/ms or bad("$name has no rows");
  return $head . $columns =~ s/\b(date|timestamp)(?=,?$)/timestamptz/gmr . $end;
}

for my $file (@ARGV) {
  open(my $in, '<', $file) or die "$file: $!\n";
  print "\n";
  if ($file =~ /\.overloads$/) { expand(objects($in, $file)); next }
  local $/ = "\n\n";
  while (my $block = <$in>) {
    $place = "$file:$.";
    my ($name, $words) = $block =~ s/^-- (\w+)_at: (.*)\n//m ? ($1, $2) : ();
    print $block;
    print "\n" x ($block !~ /\n\n\z/), twin($block, $name, $words) if $name;
  }
}
