# Random tables and random questions for t/055_batch_scan.pl. Everything follows from srand(): one seed, one table.
package BatchScan;

use strict;
use warnings;

sub pick { return $_[ rand @_ ] }
sub chance { return rand() < $_[0] }
sub some { my ($n, @from) = @_; my @kept; push @kept, splice @from, rand @from, 1 while @kept < $n && @from; return @kept }

# In a fresh database, once.
our $prelude = q{
CREATE EXTENSION retention;
CREATE FUNCTION roll(i bigint, salt bigint, below bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT (hashint8extended($1, $2) & 9223372036854775807) % $3';
CREATE DOMAIN key_text AS text;
CREATE DOMAIN key_big AS bigint CHECK (value <> 77777777);
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
-- This function must not be called with a row that the current role may not see.
CREATE FUNCTION leak(g integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$
BEGIN
  IF g IS DISTINCT FROM 1 THEN RAISE 'leak of %', g; END IF;
  RETURN true;
END $$;
CREATE ROLE reader;
GRANT CREATE ON SCHEMA public TO reader;
};

my $long_text = q{repeat(md5(K::text), (70 + K % 30)::integer)};
my $longer_text = q{(SELECT string_agg(md5(K || '/' || j), '') FROM generate_series(1, 70 + K % 30) j)};
# What a customer of number K is, by the type of the column. "long" ones are stored out of line or compressed.
my %customer = (
  bigint  => [ 'K', 'K - 50', 'K + 1000000000000', 'hashint8extended(K, 7)',
    'CASE K WHEN 0 THEN -9223372036854775808 WHEN 1 THEN 9223372036854775807 WHEN 2 THEN 0 ELSE K * 1000003 END' ],
  integer => [ 'K::integer', '(K - 50)::integer', 'hashint8(K)', 'CASE K WHEN 0 THEN -2147483648 WHEN 1 THEN 2147483647 ELSE K END::integer' ],
  smallint => ['(K % 30000 - 100)::smallint'],
  key_big => [ 'K', 'hashint8extended(K, 9)' ],
  uuid    => [ 'md5(K::text)::uuid', q{('00000000-0000-0000-0000-' || lpad(to_hex(K), 12, '0'))::uuid} ],
  text    => [ q{'c' || K}, q{CASE WHEN K = 0 THEN '' ELSE K::text END}, q{repeat('ü', (K % 9)::integer) || K}, q{repeat('x', 3000) || K}, $long_text,
    $longer_text, q{CASE WHEN K % 3 = 0 THEN 'short' || K ELSE repeat(md5(K::text), (K % 40)::integer) || K END} ],
  varchar => [ q{'c' || K}, q{repeat('y', (K % 300)::integer) || K}, $long_text ],
  'varchar(40)' => [q{'v' || K}],
  'char(20)'    => [q{'f' || K}],
  key_text      => [q{'d' || K}],
);
my @customer_types = ((qw(bigint integer uuid text varchar)) x 3, qw(smallint key_big key_text), 'varchar(40)', 'char(20)');
my @time_types = qw(date timestamp timestamptz);
my %range = (date => 'daterange', timestamp => 'tsrange', timestamptz => 'tstzrange');

# Columns that only change where the others lie.
my %filler = (
  smallint => '(i % 100)::smallint', boolean => 'i % 2 = 0', '"char"' => q{'q'::"char"}, text => q{repeat('p', (i % 60)::integer)},
  numeric => 'i / 7.0', jsonb => q{jsonb_build_object('i', i)}, 'integer[]' => 'ARRAY[i, i + 1]::integer[]', interval => q{i * interval '1 hour'},
  timetz => q{'12:00:01+02'::timetz}, point => 'point(i, 1)', cidr => q{'10.0.0.0/8'::cidr}, 'char(5)' => q{'ab'}, real => 'i::real', bit => q{B'1'},
  name => q{('n' || i)::name}, xid => q{'17'::xid}, 'text not null' => q{repeat('w', 500 + (i % 50)::integer)},
);

sub random_time    # an expression of type TYPE for row i
{
  my ($type, $days, $salt) = @_;
  my $time = "timestamp '2023-01-01' + roll(i, $salt, $days) * interval '1 day' + roll(i, $salt + 1, 86400) * interval '1 second'"
    . " + roll(i, $salt + 2, 2) * roll(i, $salt + 3, 1000000) * interval '1 microsecond'";
  return "($time)::$type";
}

# One table: { name, sql => [statements that make it], and its columns by what they are used for }.
sub table
{
  my ($number) = @_;
  my $name = "t$number";
  my $bad  = chance(0.12) ? pick(qw(infinity backwards)) : '';
  my $rows = chance(0.05) ? 0 : chance(0.15) ? 3000 + int rand 9000 : 1 + int rand(chance(0.5) ? 40 : 1200);
  my $customers = pick(1, 5, 30, 200, 5000);
  ($rows, $customers) = (20000 + int rand 20000, 20000) if chance(0.06);    # enough for pages of their own, and of all processes
  my $days      = pick(10, 60, 200, 500, 900);
  my $type      = pick(@customer_types);
  my $type2     = pick(@customer_types);
  my ($at, $at2, $anchor, $flow) = map pick(@time_types), 1 .. 4;
  my $k    = "roll(roll(i, 1, 2 + roll(i, 2, $customers)), 3, $customers)";    # few have many rows
  my $full = chance(0.35);    # without NULLs but few
  my $null = sub { my ($expression, $share) = @_; return $full || chance(0.3) ? $expression : "CASE WHEN roll(i, " . int(rand 1e6) . ", $share) > 0 THEN $expression END" };
  my $customer = sub { my ($t) = @_; my $e = pick(@{ $customer{$t} }); $e =~ s/\bK\b/($k)/g; return $null->($e, 15) };
  my $c_value  = $customer->($type);
  my $c2_value = $customer->($type2);
  # What takes long to make is rare.
  $rows %= 400 if "$c_value$c2_value" =~ /string_agg/;
  my $start_moment = random_time($flow, $days, 40);
  my $length       = $flow eq 'date' ? "(roll(i, 50, 90))::integer" : "roll(i, 50, 90) * interval '1 day' + roll(i, 51, 9) * interval '1 hour'";
  my $end          = "CASE WHEN roll(i, 52, 3) > 0 THEN ($start_moment) + $length END";
  $end = "CASE WHEN roll(i, 53, 300) = 0 THEN ($start_moment) - $length ELSE $end END" if $bad eq 'backwards';
  my $moment = $null->(random_time($at, $days, 20), 25);
  $moment = "CASE roll(i, 54, 400) WHEN 0 THEN '" . pick('infinity', '-infinity') . "'::$at ELSE $moment END" if $bad eq 'infinity';

  my @columns = (
    { name => 'c',  type => $type,   value => $c_value },
    { name => 'c2', type => $type2,  value => $c2_value },
    { name => 't',  type => $at,     value => $moment },
    { name => 't2', type => $at2,    value => $null->(random_time($at2, $days, 30), 9) },
    { name => 'a',  type => $anchor, value => $null->("(timestamp '2022-12-20' + roll(($k), 60, $days) * interval '1 day 1 hour')::$anchor", 12) },
    { name => 's',  type => $flow,   value => $null->($start_moment, 20) },
    { name => 'e',  type => $flow,   value => $end },
    { name => 'f1', type => 'boolean', value => $null->('roll(i, 70, 3) = 0', 6) },
    { name => 'f2', type => 'boolean', value => $null->('roll(i, 71, 3) > 0', 6) },
    { name => 'g',  type => 'integer', value => $null->('roll(i, 72, 5)::integer', 10) },
    { name => 'g2', type => 'text', value => $null->(q{(ARRAY['', 'a', 'A', 'b', 'ä', repeat('long', 700)])[1 + roll(i, 73, 6)]}, 10) },
    { name => 'x',  type => 'integer', value => $null->('(roll(i, 74, 100) - 20)::integer', 12) },
    { name => 'n',  type => pick('numeric', 'double precision', 'real'), value => $null->(q{CASE roll(i, 75, 9) WHEN 0 THEN 'NaN' ELSE (roll(i, 76, 50) / 4.0)::text END}, 12) },
    { name => 'gr', type => 'retention_grid', value => q{'month'::retention_grid} },
  );
  $_->{value} = "($_->{value})::$_->{type}" for @columns;
  my $filled = 0;
  for my $filler (some(int rand 6, sort keys %filler)) {
    (my $column_type = $filler) =~ s/ not null//;
    push @columns, { name => 'p' . ++$filled, type => $column_type, value => ($filler =~ /not null/ ? $filler{$filler} : $null->($filler{$filler}, 5)), spare => 1 };
  }
  @columns = some(scalar @columns, @columns);
  # What is asked for most may lie at fixed places at the front.
  @columns = ((some(3, grep $_->{name} =~ /^(c|t|a|x|g)$/, @columns)), @columns) if chance(0.35);
  my %once;
  @columns = grep !$once{ $_->{name} }++, @columns;
  # A generated key.
  my ($key) = grep $_->{name} eq 'c', @columns;
  if (chance(0.12)) {
    my ($expression, $from) = $type =~ /char\(|key|small/ ? () : $type =~ /int/ ? ('(base * 3 + 1)', $type) : $type eq 'uuid' ? ('(base)', $type) : ("(base || '!')", 'text');
    if ($from) {
      my ($base) = { name => 'base', type => $from, value => $key->{value} =~ s/::\Q$type\E$/::$from/r };
      $base->{value} = "(($base->{value}) % 1000)::$from" if $type =~ /int/;
      splice @columns, rand @columns, 0, $base;
      $key->{generated} = $expression;
      $key->{value}     = undef;
    }
  }

  my $kind = pick(('plain') x 8, ('partitioned') x 3, 'inherited', 'unlogged', 'temporary', 'matview', 'sparse');
  my $part_by = pick('RANGE (t)', 'LIST (g)', 'HASH (x)');
  my @added = $kind eq 'matview' ? () : grep { !$_->{generated} && $_->{name} !~ ($kind eq 'partitioned' ? qr/^[tgx]$|base/ : qr/base/) && chance(0.15) } @columns;
  my %added = map { $_->{name} => 1 } @added;
  my $define = sub { my ($c) = @_; return "$c->{name} $c->{type}" . ($c->{generated} ? " GENERATED ALWAYS AS $c->{generated} STORED" : '') };
  my @first = grep !$added{ $_->{name} }, @columns;
  my $list  = join(', ', map $define->($_), @first);
  my $fill  = sub {    # rows FROM..TO with the columns there are
    my ($into, $from, $to, @of) = @_;
    @of = grep defined $_->{value}, @of;
    return "INSERT INTO $into (" . join(', ', map $_->{name}, @of) . ")\n  SELECT " . join(",\n    ", map $_->{value}, @of) . "\n  FROM generate_series($from, $to) i";
  };
  my $half = @added ? int($rows / 2) : $rows;
  my (@sql, @parts);
  my $with = $kind eq 'sparse' ? 'WITH (fillfactor = 15, autovacuum_enabled = off)' : 'WITH (autovacuum_enabled = off)';
  if ($kind eq 'matview') {
    push @sql, "CREATE TABLE base_$name ($list) $with", $fill->("base_$name", 1, $rows, @first), "CREATE MATERIALIZED VIEW $name AS SELECT * FROM base_$name";
  }
  elsif ($kind eq 'partitioned') {
    my $by = $part_by;
    push @sql, "CREATE TABLE $name ($list) PARTITION BY $by";
    # A part has its columns in an order of its own, and may have lost one.
    my $part = sub {
      my ($parent, $part, $bound, $sub) = @_;
      my @own = some(scalar @first, @first);
      my $gone = chance(0.4) && !$sub;
      if (chance(0.5) || $sub) {
        splice @own, rand @own, 0, { name => 'gone', type => pick('text', 'bigint', 'boolean') } if $gone;
        push @sql, "CREATE TABLE $part (" . join(', ', map $define->($_), @own) . ') ' . ($sub ? "PARTITION BY $sub" : $with);
        push @sql, "ALTER TABLE $part DROP COLUMN gone" if $gone;
        push @sql, "ALTER TABLE $parent ATTACH PARTITION $part $bound";
      }
      else { push @sql, "CREATE TABLE $part PARTITION OF $parent $bound $with" }
      push @parts, $part unless $sub;
    };
    if ($by =~ /RANGE/) {
      $part->($name, "${name}_early", 'FOR VALUES FROM (MINVALUE) TO (\'2023-03-01\')');
      if (chance(0.4)) {
        $part->($name, "${name}_mid", q{FOR VALUES FROM ('2023-03-01') TO ('2023-07-01')}, 'LIST (g)');
        $part->("${name}_mid", "${name}_mid_one", 'FOR VALUES IN (0, 1, 2)');
        $part->("${name}_mid", "${name}_mid_rest", 'DEFAULT');
      }
      else { $part->($name, "${name}_mid", q{FOR VALUES FROM ('2023-03-01') TO ('2023-07-01')}) }
      $part->($name, "${name}_rest", 'DEFAULT');
    }
    elsif ($by =~ /LIST/) {
      $part->($name, "${name}_one",  'FOR VALUES IN (1)');
      $part->($name, "${name}_two",  'FOR VALUES IN (2, 3, NULL)');
      $part->($name, "${name}_rest", 'DEFAULT');
    }
    else { $part->($name, "${name}_$_", "FOR VALUES WITH (MODULUS 3, REMAINDER $_)") for 0 .. 2 }
  }
  elsif ($kind eq 'inherited') {
    push @sql, "CREATE TABLE $name ($list) $with", "CREATE TABLE ${name}_child (more text, extra bigint) INHERITS ($name) $with";
    push @sql, "CREATE TABLE ${name}_other (" . join(', ', 'front boolean', map $define->($_), some(scalar @first, @first)) . ") $with",
      "ALTER TABLE ${name}_other INHERIT $name";
    @parts = ("${name}_child", "${name}_other");
  }
  else {
    my $of = { unlogged => 'UNLOGGED', temporary => 'TEMPORARY' }->{$kind} // '';
    push @sql, "CREATE $of TABLE $name ($list) $with";
  }
  my $writable = $kind eq 'matview' ? "base_$name" : $name;
  if ($kind !~ /matview|partitioned|inherited/) {
    for my $column (grep { $_->{type} =~ /^(text|varchar)$/ && !$added{ $_->{name} } && chance(0.5) } @columns) {
      push @sql, "ALTER TABLE $name ALTER COLUMN $column->{name} SET STORAGE " . pick('EXTERNAL', 'MAIN', 'EXTENDED', 'PLAIN');
      $sql[-1] =~ s/PLAIN/EXTERNAL/ if $column->{value} && $column->{value} =~ /3000|string_agg|700/;
    }
  }
  if ($kind ne 'matview') {
    push @sql, $fill->($name, 1, $half, @first);
    push @sql, $fill->("${name}_child", 1, $half, @first), $fill->("${name}_other", 5, $half + 9, @first) if $kind eq 'inherited';
    for my $column (@added) {
      # Rows that are there already get what is written only in the catalogue.
      my $default = chance(0.7) ? ' DEFAULT ' . ($column->{value} =~ s/\bi\b/(3::bigint)/gr) : '';
      # An end of another row would come before its start.
      $default = '' if $default =~ /SELECT/ || $column->{name} =~ /^[se]$/;
      push @sql, "ALTER TABLE $name ADD COLUMN $column->{name} $column->{type}$default";
    }
    push @sql, $fill->($name, $half + 1, $rows, @columns) if @added && $rows > $half;
  }
  my @spare = grep { $_->{spare} && chance(0.5) } @columns;
  if ($kind ne 'matview') {
    push @sql, "ALTER TABLE $name DROP COLUMN $_->{name}" for @spare;
    @columns = grep { my $c = $_; !grep $_ == $c, @spare } @columns;
    push @sql, $fill->($name, $rows + 1, $rows + int($rows / 4), @columns) if @spare && $rows;
  }

  # A membership.
  my @life = (
    "UPDATE $writable SET x = x + 1 WHERE x % 3 = 0", "UPDATE $writable SET x = x - 1 WHERE x % 2 = 0",
    "UPDATE $writable SET f1 = NOT f1, g2 = g2 || 'z' WHERE g = 2", "DELETE FROM $writable WHERE x % 7 = 1",
    "BEGIN; " . $fill->($writable, 7, 60, grep { my $c = $_; !grep $_ == $c, @spare } @columns) . '; ROLLBACK',
    "BEGIN; UPDATE $writable SET x = 1; SAVEPOINT s; DELETE FROM $writable; ROLLBACK TO s; UPDATE $writable SET f2 = true WHERE x = 1 AND g = 1; COMMIT",
    "BEGIN; DELETE FROM $writable; ROLLBACK", "BEGIN; DELETE FROM $writable WHERE g = 3; SAVEPOINT s; UPDATE $writable SET x = 5 WHERE g = 1; ROLLBACK TO s; COMMIT",
    "BEGIN; SELECT count(*) FROM (SELECT FROM $writable FOR SHARE) q \\g /dev/null\nCOMMIT;",
    "VACUUM $writable", "VACUUM (FREEZE) $writable", "ANALYZE $writable", "CREATE INDEX ON $writable (t)", "CREATE INDEX ON $writable (g)",
    "CREATE INDEX ON $writable (x) WHERE f1",
  );
  push @sql, map pick(@life), 1 .. rand 6;
  push @sql, "REFRESH MATERIALIZED VIEW $name" if $kind eq 'matview';
  push @sql, "VACUUM (ANALYZE) $name" if chance(0.3);
  push @sql, "UPDATE $writable SET x = x WHERE g = 1" if chance(0.15) && $kind ne 'matview';
  my $guarded = $kind =~ /plain|partitioned|unlogged|sparse/ && chance(0.35);
  if ($guarded) {
    push @sql, "GRANT SELECT ON $name TO reader";
    if (chance(0.8)) {
      push @sql, "ALTER TABLE $name ENABLE ROW LEVEL SECURITY", "CREATE POLICY p ON $name TO reader USING (" . pick('g = 1', 'g = 1 AND x > 0', 'g = (SELECT 1)', 'false') . ')';
    }
    else { push @sql, "REVOKE SELECT ON $name FROM reader", "GRANT SELECT (c, t, g) ON $name TO reader" }
  }
  push @sql, "CREATE VIEW v_$name AS SELECT * FROM $name", "CREATE VIEW b_$name WITH (security_barrier) AS SELECT * FROM $name WHERE g = 1";
  return { name => $name, kind => $kind, sql => \@sql, bad => $bad, guarded => $guarded, parts => \@parts, days => $days, rows => $rows,
    types => { map { $_->{name} => $_->{type} } @columns } };
}

# --- Questions ----------------------------------------------------------------------------------

sub moment_literal { my ($type) = @_; return sprintf("%s '2023-%02d-%02d%s'", $type, 1 + rand 12, 1 + rand 28, $type eq 'date' ? '' : pick('', ' 12:34:56.789')) }

# A customer: an expression for one of the overloads.
sub customer
{
  my ($t) = @_;
  my $c    = chance(0.85) ? 'c' : 'c2';
  my $type = $t->{types}{$c};
  return $c if chance(0.8);
  return pick("${c}::text", 'x', '1', 'NULL::bigint', 'g2', "$c", 'x::bigint', 'md5(x::text)::uuid') if $type eq 'uuid';
  return pick("${c}::bigint", "$c + 0", "${c}::text", 'x', 'coalesce(x, g)', '42', 'g2') if $type =~ /int|big/;
  return pick("lower($c)", "$c || ''", "${c}::varchar", "${c}::text", 'x', q{'one'}, "coalesce($c, 'none')", "$c COLLATE \"C\"", 'NULL::text');
}

# A time, and its type.
sub moment
{
  my ($t, @columns) = @_;
  my $c = pick(@columns);
  my $type = $t->{types}{$c};
  return ($c, $type) if chance(0.85);
  my $to = pick(@time_types);
  return pick([ "${c}::$to", $to ], [ "$c + interval '1 day'", $type eq 'date' ? 'timestamp' : $type ], [ "NULL::$type", $type ], [ moment_literal($type), $type ])->@*;
}

my @units = qw(month week quarter year day);
# A grid for times of this type; $tags says what is odd about it.
sub grid
{
  my ($t, $type, $tags, $for_flow) = @_;
  my $unit = chance(0.15) ? pick('28 days', '2 weeks', '3 months') : $t->{days} > 300 && $t->{rows} > 2000 ? pick(@units[ 0 .. 3 ]) : pick(@units);
  $unit = 'hour' if $type ne 'date' && $t->{days} <= 60 && chance(0.1);
  my @options;
  push @options, "time_zone=" . pick('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata') if chance(0.4);
  push @options, 'week_start=sunday' if $unit =~ /week/ && chance(0.5);
  push @options, 'origin=2023-01-15' if chance(0.08);
  if (!$for_flow) {
    push @options, 'windows=elapsed' if chance(0.2);
    push @options, 'cohorts=recurring' if chance(0.15);
    push @options, 'brackets=' . pick('1,2,3', '1-2,4', '1,3-5,7-9') if chance(0.2);
    push @options, 'min_events=' . (2 + int rand 2) if chance(0.15);
  }
  push @options, sprintf('as_of=2023-%02d-%02d', 1 + rand 12, 1 + rand 28) if chance(0.3);
  my $text = join('; ', $unit, @options);
  my $form = rand;
  return "'$text'" if $form < 0.55;
  return "'$text'::retention_grid" if $form < 0.6;
  return "(SELECT '$text'::retention_grid)" if $form < 0.68;
  return "retention_grid('$unit', as_of => '2023-06-01')" if $form < 0.74;
  return "(SELECT retention_grid('$unit', as_of => (SELECT max(t2)::timestamp FROM $t->{name})))" if $form < 0.84;
  if ($form < 0.88) { push @$tags, 'grid by row'; return 'gr' }
  if ($form < 0.92) { push @$tags, 'grid by row'; return "CASE WHEN x < 50 THEN 'month' ELSE 'month' END::retention_grid" }
  if ($form < 0.94) { push @$tags, 'null grid'; return 'NULL::retention_grid' }
  if ($form < 0.96) { push @$tags, 'null grid'; return '(SELECT NULL::retention_grid)' }
  if ($form < 0.98) { push @$tags, 'grids differ'; return "CASE WHEN x < 70 THEN 'month' ELSE 'week' END::retention_grid" }
  return "retention_grid('month')" if chance(0.5);
  push @$tags, 'grid by row';
  return "retention_grid(CASE WHEN g IS NULL THEN 'month' ELSE 'month' END)";
}

sub period    # a range of this type, of days, or a text
{
  my ($type, $tags) = @_;
  my $r = $range{$type};
  my $from = 1 + int rand 9;
  my $range = sprintf("%s('2023-%02d-01', '2023-%02d-15')", $r, $from, $from + 1 + rand(11 - $from));
  my $form = rand;
  return "(SELECT $range)" if $form < 0.1;
  if ($form < 0.12) { push @$tags, 'null range'; return "NULL::$r" }
  if ($form < 0.14) { push @$tags, 'bad range'; return "$r('2023-01-01', '2023-01-01')" }
  if ($form < 0.16) { push @$tags, 'ranges differ'; return "CASE WHEN x < 70 THEN $range ELSE $r('2023-01-01', '2023-02-01') END" }
  return $range if $form < 0.8;
  my ($lower, $upper) = $range =~ /'([^']*)'/g;
  return pick("daterange('$lower', '$upper')", "'[$lower,$upper)'", "'[$lower,$upper)'::text", "'2023'");
}

# One aggregate, as an expression whose text is compared.
sub aggregate
{
  my ($t, $tags) = @_;
  my $what = rand;
  my $c    = customer($t);
  my $sql;
  if ($what < 0.6) {
    my ($at, $type) = moment($t, 't', 't', 't2');
    ($at, $type) = ('s', $t->{types}{s}) if chance(0.1) && $t->{bad} ne 'backwards';
    my $grid = $what < 0.03 ? '' : grid($t, $type, $tags);
    if ($what >= 0.03 && chance(0.25)) {
      # Purchases, some of them refunds. Their grids have no options of cohorts, and no hours.
      @$tags = ();
      $grid = grid($t, $type, $tags, 1) =~ s/'hour\b/'day/r;
      my $amount = pick('x', 'x', '(x - 40) / 8.0', '(x - 40) * 1000003.000001', 'NULL::numeric', 'n::numeric');
      push @$tags, 'bad amount' if $amount =~ /^n/;
      $sql = pick('customer_value', 'cohort_value') . "($c, $at, $amount, $grid)";
      $sql =~ s/\)$/, f1, g = 1)/ if $sql =~ /^cohort/ && chance(0.4);
    }
    elsif ($what < 0.35) { $sql = "cohort_retention($c, $at" . ($grid && ", $grid") . ')' }
    elsif ($what < 0.48) {
      $sql = "cohort_retention($c, $at, $grid, " . join(', ', map pick(qw(f1 f2 true false), 'f1 AND f2', 'g = 1', 'NULL', "g2 = 'a'", 'x > 30', 'NOT f2'), 1 .. 2) . ')';
    }
    else {
      my $from = chance(0.9) ? 'a' : 's';
      $sql = "cohort_retention($c, $from, $at, $grid)";
    }
  }
  elsif ($what < 0.75) {
    my ($at, $type) = moment($t, 't', 't2');
    $sql = pick('retention_rate', 'churn_rate') . "($c, $at, " . period($type, $tags) . ', ' . period($type, $tags) . ')';
  }
  else {
    my $type = $t->{types}{s};
    my $e    = pick('e', 'e', 'e', 'e', "NULL::$type");
    if   ($what < 0.79) { $sql = "survival($c, s, $e, $type '" . pick('2023-06-15', '2023-10-01', '2024-01-01') . "')" }
    elsif ($what < 0.82 && $t->{bad} ne 'backwards') { $sql = "mrr_movements($c, s, $e, " . pick('x', '(x - 40) / 8.0', 'NULL') . ', ' . grid($t, $type, $tags, 1) . ', ' . period($type, $tags) . ')' }
    elsif ($what < 0.88) { $sql = "customer_flow($c, s, $e, " . grid($t, $type, $tags, 1) . ', ' . period($type, $tags) . ')' }
    else                { $sql = pick('customer_flow', 'retention_rate', 'churn_rate') . "($c, s, $e, " . period($type, $tags) . ')' }
  }
  $sql =~ s/\((\w+)\(/($1(/;
  if (chance(0.02)) { push @$tags, 'order in aggregate'; $sql =~ s/\)$/ ORDER BY x)/ }
  elsif (chance(0.01)) { push @$tags, 'distinct'; $sql = "count(DISTINCT $c)" }
  elsif (chance(0.03)) { push @$tags, 'nondeterministic collation'; $sql =~ s/^(\w+)\(.*?, /$1(g2 COLLATE any_case, / if $sql =~ /^\w+\((?:c|c2|g2|x), / }
  $sql .= ' FILTER (WHERE ' . condition($t) . ')' if chance(0.2);
  return $sql;
}

# A choice that leaves a question with one reason for an error: which of two comes first is not defined.
sub sound_aggregate
{
  my ($t, $tags) = @_;
  my $refused = qr/null |differ|bad|nondeterministic/;
  while (1) {
    my @more;
    my $sql     = aggregate($t, \@more);
    my $reasons = grep /$refused/, @more;
    next if $reasons && ($reasons > 1 || $t->{bad} || grep /$refused/, @$tags);
    push @$tags, @more;
    return $sql;
  }
}

# A condition on the columns of the table; system columns only where the source is the table itself.
our $plain;
sub condition
{
  my ($t) = @_;
  my $type = $t->{types}{t};
  my $ctype = $t->{types}{c};
  my $key = $ctype =~ /int|big/ ? pick('3', '-40', '1000000000003', '0') : $ctype eq 'uuid' ? "md5('3')::uuid" : pick("'c3'", "'x'", "''");
  my @simple = (
    'g = 1', 'g <> 1', 'g > 2', 'g IN (1, 3)', 'g IS NULL', 'g IS NOT NULL', 'x < 40', 'x BETWEEN 5 AND 60', 'x::bigint >= 10', 'x > 3.5', '30 > x', 'x = 5000000000',
    'f1', 'NOT f1', 'f1 IS TRUE', 'f1 IS NOT TRUE', 'f2 IS NULL', 'f1 = f2', 'f1 IS NOT DISTINCT FROM f2', "g2 = 'a'", "g2 <> 'a'", "g2 > 'A'", "g2 LIKE 'l%'", "g2 = ''", 'length(g2) > 1',
    'n > 3', "n = 'NaN'", 'n IS NOT NULL', 'n < 100.5', "c IS NOT NULL", "c = $key", "c > $key", "c <> $key", "c2 IS NULL",
    't >= ' . moment_literal($type), 't < ' . moment_literal($type), 't > ' . moment_literal(pick(@time_types)), 't <= ' . moment_literal('date'), 't IS NULL', 't IS NOT NULL', 't2 > t', 's < e', 'e IS NULL', 's = s',
    't < now()', 't < CURRENT_DATE', 'true', 'false', 'NULL', 'x = NULL', 'g = ANY (ARRAY[0, 2])', '(g, x) > (1, 10)', 'g * 2 = x % 5', 'a IS DISTINCT FROM NULL', 'x <> ALL (ARRAY[1, NULL])',
    't < (SELECT max(t2) FROM ' . $t->{name} . ')', 'x > (SELECT 5)', 'random() >= 0', 'x / (g + 1) < 9',
    ($plain ? ("tableoid <> 0", "ctid > '(0,3)'", 'xmin IS NOT NULL', "$t->{name} IS NOT NULL") : ()),
    'g IN (SELECT g FROM generate_series(0, 2) g)', 'EXISTS (SELECT FROM generate_series(1, 1))',
    "g2 = 'A' COLLATE any_case", 'pg_typeof(x) IS NOT NULL', "CASE WHEN g = 1 THEN x > 10 ELSE f1 END", 'f1 OR f2', 'NOT (f1 AND f2)', 'g = 1 OR x < 20', 'g IS NULL OR g = 2',
  );
  my $one = pick(@simple);
  $one = "$one AND " . pick(@simple) if chance(0.3);
  $one = "($one) AND " . pick(@simple) if chance(0.15);
  return $one;
}

# A SELECT over a source: { list => [...], from, where, group, having }; every column has a name.
sub question
{
  my ($t, $tags, %only) = @_;
  my $from = $only{from} // $t->{name};
  if (!$only{from} && chance(0.15)) {
    my ($how, $tag) = @{ pick(
      [ "v_$t->{name}", 'view' ], [ "b_$t->{name}", 'barrier' ], [ "(SELECT * FROM $t->{name} WHERE x > 0) q", 'sub-select' ],
      [ "(SELECT * FROM $t->{name} ORDER BY x, md5($t->{name}::text) LIMIT 50) q", 'limited' ], [ "$t->{name} JOIN generate_series(0, 2) j ON j = g", 'join' ],
      [ "(SELECT DISTINCT c, c2, t, t2, a, s, e, f1, f2, g, g2, x, n, gr FROM $t->{name}) q", 'distinct source' ],
      [ "ONLY $t->{name}", 'only' ], [ "(SELECT * FROM $t->{name} UNION ALL SELECT * FROM $t->{name} WHERE g = 1) q", 'append' ], [ "$t->{name} TABLESAMPLE BERNOULLI (50) REPEATABLE (3)", 'sample' ],
      ($t->{parts}->@* ? [ pick($t->{parts}->@*), 'part' ] : ())
    ) };
    $from = $how;
    $from = $t->{name} if $t->{kind} eq 'matview' && $tag =~ /only|sample/ || $only{moves} && $tag eq 'sample';
    push @$tags, $tag if $from ne $t->{name};
  }
  # Rows that the question itself writes lie elsewhere each time.
  local $plain = $from eq $t->{name} && !$only{moves};
  my @groups;
  if (!$only{no_group} && chance(0.45)) {
    @groups = some(chance(0.7) ? 1 : 1 + rand 3,
      'g', 'g', 'g2', 'x', 'f1', 'g + 1', "date_trunc('month', t)", "date_trunc('week', t2)::date::text", 't::date', 'extract(dow FROM t)', 'extract(year FROM t) * 100 + extract(month FROM t)', 'g IS NULL', 'lower(g2)', "coalesce(g, -1)", 'g * 1.5', 'x % 3', 'ROW(g, f1)', 'ARRAY[g]', 'left(g2, 1)', "'k'::text", ($plain ? 'tableoid::regclass::text' : ()), 'c', 'NULL::integer', ($plain ? 'ctid' : ()),
      't', 'x * 7 + g', "x || coalesce(g2, '')", 'n');
    push @$tags, 'many groups' if grep /^[ctn]$|x \* 7|x \|\|/, @groups;
    if (chance(0.04)) { @groups = ('GROUPING SETS ((g), ())'); push @$tags, 'grouping sets' }
  }
  my @aggregates = map sound_aggregate($t, $tags), 1 .. (chance(0.75) ? 1 : 2 + rand 2);
  # The server's aggregates that the scan takes along, and those that it does not.
  if (chance(0.25)) {
    push @aggregates, some(1 + rand 3, 'count(*)', 'count(g)', 'count(c)', 'sum(x)', 'sum(g)', 'sum(x::bigint)', 'sum(n)', 'sum(x::smallint)', 'avg(g)', 'avg(x::bigint)', 'avg(n)', 'min(x)', 'max(g)', 'min(t)', 'max(t2)', 'max(e)', 'min(g2)', 'max(g2 || x)',
      'sum(x * g)', 'max(x::bigint * 2)', 'avg(x + 0.5)', 'min(t::timestamp::time)');
    $_ .= chance(0.2) ? ' FILTER (WHERE ' . condition($t) . ')' : '' for $aggregates[-1];
  }
  if (chance(0.05)) { push @aggregates, pick('sum(x::float8)', 'count(DISTINCT g)', 'sum(x ORDER BY g)', 'max(g2 COLLATE any_case) IS NULL', 'bool_and(f1)', 'max(f1::integer::float4)'); push @$tags, 'other aggregates' }
  my $nth  = 0;
  my @list = map { $nth++; /GROUPING|ROW/ ? () : "$_ AS k$nth" } @groups;
  @list = () if chance(0.1);
  $nth = 0;
  for my $aggregate (@aggregates) {
    $nth++;
    my $how = rand;
    push @list, ($how < 0.6 ? $aggregate : $how < 0.75 ? "md5(($aggregate)::text)" : $how < 0.85 ? "length(($aggregate)::text) + 1" : "coalesce(($aggregate)::text, 'none')") . " AS a$nth";
  }
  my $where = chance(0.55) ? condition($t) : '';
  my $having = chance(0.12) ? pick("($aggregates[0]) IS NOT NULL", "length(($aggregates[0])::text) > 40", 'true', 'false', (@groups && $groups[0] !~ /GROUPING/ ? "$groups[0] IS NOT NULL" : '1 = 1')) : '';
  $where = 'x / (g - 1) > 0' if chance(0.02) && !grep(/null |differ|bad|nondeterministic/, @$tags) && !$t->{bad};
  my $group = @groups ? ' GROUP BY ' . join(', ', @groups) : '';
  my $make  = sub {    # with one more condition
    my ($and) = @_;
    my $all = join(' AND ', map "($_)", grep defined && $_ ne '', $and, $where);
    return 'SELECT ' . join(', ', @list) . " FROM $from" . ($all ne '' ? " WHERE $all" : '') . $group . ($having ? " HAVING $having" : '');
  };
  return ($make->(), $make, $list[0] =~ / AS k1$/ ? ' ORDER BY 1' : '');
}

# A question in one of many forms: { sql => [statements], explain => statement or undef, tags => [...], ordered }.
sub dressed
{
  my ($t) = @_;
  my @tags;
  my $form = pick(('direct') x 12, ('ordered') x 3, qw(guarded guarded sub cte materialized twice union insert insert_into create lateral correlated grid_of_row cursor hold exists prepare generic), qw(plpgsql
      sql_function view barrier_view limit window joined copy update scroll own_changes matview merge do_loop instead altered));
  $form = 'direct' if $form eq 'guarded' && !$t->{guarded};
  my ($sql, $with_condition, $order) = question($t, \@tags, $form =~ /^(lateral|correlated|grid_of_row)$/ ? (no_group => 1) : $form =~ /^(instead|own_changes|altered)$/ ? (moves => 1) : ());
  push @tags, $form;
  my %q = (sql => [$sql], explain => $sql, tags => \@tags, ordered => 0);
  my $name = $t->{name};
  if    ($form eq 'ordered')      { $q{sql} = ["$sql$order"]; $q{explain} = $q{sql}[0] }
  elsif ($form eq 'sub')          { $q{sql} = ["SELECT count(*), md5(string_agg(q::text, '|' ORDER BY q::text)) FROM ($sql) q"]; $q{explain} = $q{sql}[0] }
  elsif ($form eq 'cte')          { $q{sql} = ["WITH w AS ($sql) SELECT w.* FROM w"]; $q{explain} = $q{sql}[0] }
  elsif ($form eq 'materialized') { $q{sql} = ["WITH w AS MATERIALIZED ($sql) SELECT w::text FROM w"]; $q{explain} = $q{sql}[0] }
  elsif ($form eq 'twice')        { $q{sql} = ["WITH w AS ($sql) SELECT * FROM w UNION ALL SELECT * FROM w"]; $q{explain} = $q{sql}[0] }
  elsif ($form eq 'union') {
    my ($other) = question($t, \@tags);
    $q{sql} = ["SELECT q::text FROM ($sql) q UNION ALL SELECT q::text FROM ($other) q"];
    $q{explain} = $q{sql}[0];
  }
  elsif ($form eq 'insert') {
    $q{sql} = [ "DROP TABLE IF EXISTS into_$name", "CREATE TABLE into_$name AS $sql WITH NO DATA", "INSERT INTO into_$name $sql", "SELECT md5(i::text), * FROM into_$name i" ];
    $q{explain} = $q{sql}[2];
    $q{before} = 2;
  }
  elsif ($form eq 'insert_into') {    # into a table whose columns lie as those of the source
    $q{sql} = [ "DROP TABLE IF EXISTS into_$name", "CREATE TABLE into_$name (a bigint, k text, b text, " . join(', ', map "z$_ text", 1 .. 3) . ')',
      "INSERT INTO into_$name (k, b) SELECT 'k', q::text FROM ($sql) q ON CONFLICT DO NOTHING RETURNING b", "SELECT * FROM into_$name" ];
    $q{explain} = $q{sql}[2];
    $q{before} = 2;
  }
  elsif ($form eq 'create') { $q{sql} = [ "DROP TABLE IF EXISTS made_$name", "CREATE TABLE made_$name AS $sql", "SELECT * FROM made_$name" ]; }
  elsif ($form eq 'matview') { $q{sql} = [ "DROP MATERIALIZED VIEW IF EXISTS mv_$name", "CREATE MATERIALIZED VIEW mv_$name AS $sql", "REFRESH MATERIALIZED VIEW mv_$name", "SELECT * FROM mv_$name" ];
    @{ $q{sql} } = ($sql) if $t->{kind} eq 'temporary' }
  elsif ($form eq 'lateral') {
    my $where = $with_condition->('g = k.k');
    $q{sql} = ["SELECT * FROM (VALUES (1), (2), (NULL), (7), (0)) k (k), LATERAL ($where) l"];
    $q{explain} = $q{sql}[0];
  }
  elsif ($form eq 'correlated') {
    my @one;
    my $aggregate = sound_aggregate($t, \@one);
    $q{tags} = [ @one, $form ];
    $q{sql} = ["SELECT k, (SELECT $aggregate FROM $name WHERE x > k)::text FROM generate_series(-30, 90, 40) k"];
    $q{explain} = $q{sql}[0];
  }
  elsif ($form eq 'grid_of_row') {
    $q{tags} = [$form];
    $q{sql} = ["SELECT gg, l.s FROM unnest(ARRAY['month', 'week', 'quarter; as_of=2023-06-01', 'month']::retention_grid[]) gg, LATERAL (SELECT cohort_retention(c, t, gg) AS s FROM $name" . pick('', ' WHERE f1', ' WHERE x > 10') . ") l"];
    $q{explain} = $q{sql}[0];
  }
  elsif ($form eq 'cursor' || $form eq 'scroll') {
    my $scroll = $form eq 'scroll' ? 'SCROLL ' : '';
    $sql = "SELECT * FROM ($sql) q ORDER BY q::text COLLATE \"C\"";
    $q{sql} = [ 'BEGIN', "DECLARE cur ${scroll}CURSOR FOR $sql", 'FETCH 1 FROM cur', 'FETCH 1 FROM cur', ($scroll ? ('FETCH BACKWARD 1 FROM cur', 'FETCH ALL FROM cur', 'FETCH BACKWARD ALL FROM cur', 'FETCH FIRST FROM cur') : ()), 'FETCH ALL FROM cur', 'COMMIT' ];
    $q{explain} = "DECLARE cur ${scroll}CURSOR FOR $sql";
  }
  elsif ($form eq 'hold') { $sql = "SELECT * FROM ($sql) q ORDER BY q::text COLLATE \"C\""; $q{sql} = [ 'BEGIN', "DECLARE cur SCROLL CURSOR WITH HOLD FOR $sql", 'COMMIT', 'FETCH ALL FROM cur', 'FETCH BACKWARD ALL FROM cur', 'CLOSE ALL' ] }
  elsif ($form eq 'exists') { $q{sql} = ["SELECT EXISTS ($sql)", "SELECT count(*) FROM generate_series(1, 3) i WHERE NOT EXISTS ($sql)"]; $q{explain} = $q{sql}[0] }
  elsif ($form eq 'prepare' || $form eq 'generic') {
    my $plan = $form eq 'generic' ? 'force_generic_plan' : pick('auto', 'force_custom_plan');
    my $with = $with_condition->('x > $1');
    $with =~ s/(cohort_retention\(c, t, )'[^']*'\)/$1\$2)/;
    my $has_grid = $with =~ /\$2/;
    my @types = $has_grid ? ('integer', 'retention_grid') : ('integer');
    my $args = sub { return $has_grid ? "($_[0], '$_[1]')" : "($_[0])" };
    $q{sql} = [ "SET plan_cache_mode = $plan", 'PREPARE p (' . join(', ', @types) . ") AS $with", (map 'EXECUTE p' . $args->(@$_), [ 5, 'month' ], [ 50, 'week' ], [ 'NULL', 'month' ], [ 5, 'month; windows=elapsed' ]), 'DEALLOCATE p', 'RESET plan_cache_mode' ];
    $q{explain} = undef;
  }
  elsif ($form eq 'plpgsql') {
    $q{sql} = [ "DROP FUNCTION IF EXISTS f_$name", "CREATE FUNCTION f_$name(OUT r text) RETURNS SETOF text LANGUAGE plpgsql AS \$f\$ BEGIN FOR i IN 1 .. 7 LOOP RETURN QUERY SELECT i || q::text FROM ($sql) q; END LOOP; END \$f\$", "SELECT * FROM f_$name()" ];
  }
  elsif ($form eq 'do_loop') {
    $q{sql} = [ "DROP TABLE IF EXISTS into_$name", "CREATE TABLE into_$name (r text)", "DO \$f\$ DECLARE r record; BEGIN FOR r IN $sql LOOP INSERT INTO into_$name VALUES (r::text); END LOOP; END \$f\$", "SELECT * FROM into_$name" ];
  }
  elsif ($form eq 'sql_function') {
    $q{sql} = [ "DROP FUNCTION IF EXISTS f_$name", "CREATE FUNCTION f_$name() RETURNS SETOF text " . pick('STABLE', 'VOLATILE') . " LANGUAGE sql AS \$f\$ SELECT q::text FROM ($sql) q \$f\$", "SELECT * FROM f_$name()", "SELECT * FROM f_$name()" ];
  }
  elsif ($form eq 'view')         { $q{sql} = [ "DROP VIEW IF EXISTS w_$name", "CREATE VIEW w_$name AS $sql", "SELECT * FROM w_$name" ] }
  elsif ($form eq 'barrier_view') { $q{sql} = [ "DROP VIEW IF EXISTS w_$name", "CREATE VIEW w_$name WITH (security_barrier) AS $sql", "SELECT w_$name.* FROM w_$name WHERE random() >= 0" ] }
  elsif ($form eq 'limit')  { $q{sql} = [ "SELECT count(*) FROM ($sql LIMIT 2) q", "$sql LIMIT 0", "SELECT 1 FROM ($sql OFFSET 100000) q" ]; $q{explain} = $q{sql}[0] }
  elsif ($form eq 'window') { $q{sql} = ["SELECT q.*, count(*) OVER () FROM ($sql) q"]; $q{explain} = $q{sql}[0] }
  elsif ($form eq 'joined') { $q{sql} = ["SELECT j, q::text FROM generate_series(1, 2) j LEFT JOIN ($sql) q ON true"]; $q{explain} = $q{sql}[0] }
  elsif ($form eq 'copy')   { $q{sql} = ["COPY ($sql) TO STDOUT"] }
  elsif ($form eq 'update') {
    $q{sql} = [ "DROP TABLE IF EXISTS into_$name", "CREATE TABLE into_$name AS SELECT i, ''::text AS r FROM generate_series(1, 3) i", "UPDATE into_$name SET r = (SELECT string_agg(q::text, '|' ORDER BY q::text) FROM ($sql) q) WHERE i < 3", "SELECT * FROM into_$name" ];
    $q{explain} = $q{sql}[2];
    $q{before} = 2;
  }
  elsif ($form eq 'merge') {
    $q{sql} = [ "DROP TABLE IF EXISTS into_$name", "CREATE TABLE into_$name (r text)", "WITH w AS ($sql), d AS (INSERT INTO into_$name SELECT w::text FROM w RETURNING r) SELECT * FROM d", "SELECT * FROM into_$name" ];
    $q{explain} = $q{sql}[2];
    $q{before} = 2;
  }
  elsif ($form eq 'instead') {    # the table itself is written from its own answer
    if ($t->{kind} =~ /plain|unlogged|sparse|temporary/) {
      $q{sql} = [ 'BEGIN', "INSERT INTO $name (g2, g) SELECT left(q::text, 100), 1 FROM ($sql) q", $sql, 'ROLLBACK' ];
    }
  }
  elsif ($form eq 'own_changes') {
    my $table = $t->{kind} eq 'matview' ? "base_$name" : $name;
    $q{sql} = [ 'BEGIN', "DELETE FROM $table WHERE x % 5 = 2", $sql, "DECLARE cur CURSOR FOR $sql", "UPDATE $table SET x = x + 1, f1 = NOT f1 WHERE g = 2", "DELETE FROM $table WHERE g = 1", 'FETCH ALL FROM cur', 'SAVEPOINT s', "DELETE FROM $table WHERE x > 20", $sql, 'ROLLBACK TO s', $sql, 'ROLLBACK' ];
  }
  elsif ($form eq 'altered') {    # a plan that is kept outlives the table's layout
    my $table = $t->{kind} eq 'matview' ? "base_$name" : $name;
    $q{sql} = [ 'BEGIN', 'SET LOCAL plan_cache_mode = force_generic_plan', "PREPARE p AS $sql", 'EXECUTE p', "ALTER TABLE $table ADD COLUMN later integer DEFAULT 7", 'EXECUTE p', "UPDATE $table SET later = 8 WHERE g = 1", 'EXECUTE p',
      "ALTER TABLE $table DROP COLUMN later", 'EXECUTE p', 'ROLLBACK', 'DEALLOCATE ALL' ];
  }
  elsif ($form eq 'guarded') { $q{sql} = [ 'SET ROLE reader', $sql, $with_condition->('leak(g)'), 'RESET ROLE' ]; $q{explain} = undef }
  return \%q;
}

1;
