# The examples of README.md and doc/*.md: all pages, in the order in which the README links them, are one session of
# psql in one database, as if somebody copied them. A ```sql block is run; the ```text block right after it is what psql
# printed. What a ```sql picture=NAME.svg block gives stands in doc/NAME.svg. ```sql test=NAME is run by t/NAME.pl, and
# ```sql noexec not at all.
# With RETENTION_DOCS_ACCEPT the pages are rewritten with what psql prints now; RETENTION_DOCS="flow cohort" takes these
# pages only.
use strict;
use warnings;

use File::Temp;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root   = "$FindBin::Bin/..";
my $accept = $ENV{RETENTION_DOCS_ACCEPT};
my $noexec = 12;                             # how many blocks of all pages may not be run
my (%seen, @pages);
for my $page ('README.md', slurp_file("$root/README.md") =~ /\]\((doc\/[\w-]+\.md)/g) {
  push @pages, "$root/$page" unless $seen{$page}++ || $page eq 'doc/design.md' || !-e "$root/$page";
}
my %only = map { $_ => 1 } split ' ', $ENV{RETENTION_DOCS} // '';
@pages = grep { m{([\w-]+)\.md$} && $only{$1} } @pages if %only;

my $node = PostgreSQL::Test::Cluster->new('docs');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\ndatestyle = 'ISO, YMD'\n");
$node->start;

# The blocks of a page: line number of the first line inside, words after the fence, text, and where both fences are.
sub blocks
{
  my ($lines) = @_;
  my (@blocks, $open);
  for my $i (0 .. $#$lines) {
    if (!$open && $lines->[$i] =~ /^```\s*(.*?)\s*$/) {
      $open = { info => $1, first => $i + 1, text => '' };
    }
    elsif ($open && $lines->[$i] =~ /^```\s*$/) {
      $open->{end} = $i;
      push @blocks, $open;
      $open = undef;
    }
    elsif ($open) { $open->{text} .= "$lines->[$i]\n" }
  }
  die "a block is not closed\n" if $open;
  return @blocks;
}

sub picture { return $_[0]{info} =~ / picture=(.*)/ ? $1 : undef }

# Blanks at the ends of lines, and empty lines before and after, do not count.
sub trimmed
{
  my ($text) = @_;
  $text =~ s/[ \t\r]+$//mg;
  $text =~ s/\A\n+//;
  $text =~ s/\n+\z/\n/;
  return $text eq "\n" ? '' : $text;
}

# All blocks through one psql; returns what each printed, errors in their place.
sub run_blocks
{
  my ($database, @sql) = @_;
  my $input  = File::Temp->new;
  my $output = File::Temp->new;
  my $folder = File::Temp->newdir;
  my $mark   = '<<< end of block >>>';
  # psql's own messages and the answers share one file, so that they keep their order. Read from standard input
  # there is no file name and no line number before an error.
  print $input "\\set VERBOSITY default\n";
  print $input "$_\n\\echo '$mark'\n" for @sql;
  close $input;
  delete local @ENV{qw(PGTZ PGDATESTYLE)};
  my @command = ('stdbuf', '-oL', 'psql', '-X', '-q', '-P', 'pager=off', '-d', $node->connstr($database));
  my $pid     = fork // die "cannot fork: $!";
  if ($pid == 0) {
    open(STDIN,  '<',  "$input")   or die $!;
    open(STDOUT, '>>', "$output")  or die $!;
    open(STDERR, '>&', \*STDOUT) or die $!;
    # Blocks read files of doc/, and may write into the current folder.
    symlink "$root/doc", "$folder/doc" or die $!;
    chdir $folder or die $!;
    exec @command or die $!;
  }
  waitpid $pid, 0;
  my $said = slurp_file("$output");
  return split /^\Q$mark\E\n/m, $said, -1;
}

# Around the statement that draws a picture.
my $plain     = "\\pset format unaligned\n\\pset tuples_only on\n";
my $as_before = "\\pset tuples_only off\n\\pset format aligned";

# First all pages are read, then everything is run, then the answers are compared.
my (@read, @all);
my $not_run = 0;
for my $page (@pages) {
  my ($name) = $page =~ m{([^/]+)$};
  my @lines  = split /\n/, slurp_file($page), -1;
  my @blocks = eval { blocks(\@lines) };
  if ($@) {
    fail("$name: $@");
    next;
  }
  for my $block (grep $_->{info} =~ /^sql ./, @blocks) {
    my $place = "$name line " . ($block->{first} + 1);
    if ($block->{info} eq 'sql noexec') { $not_run++ }
    elsif ($block->{info} =~ /^sql test=(\w+)$/) {
      my $test = "$FindBin::Bin/$1.pl";
      ok(-e $test && slurp_file($test) =~ m{doc/\Q$name\E}, "$place is run by t/$1");
    }
    elsif (!picture($block)) { fail("$place: what is \"$block->{info}\"") }
  }
  my @sql = grep { $_->{info} =~ /^sql( picture=[a-z_]+\.svg)?$/ } @blocks;
  push @read, [ $page, $name, \@lines, \@blocks, \@sql, scalar @all ];
  push @all, map { picture($_) ? "$plain$_->{text};\n$as_before" : "$_->{text};" } @sql;
}
ok(@all > 0, 'the pages have examples');
cmp_ok($not_run, '<=', $noexec, 'blocks that are not run are few');

$node->safe_psql('postgres', 'CREATE DATABASE docs');
# The README's first block makes the extension.
$node->safe_psql('docs', 'CREATE EXTENSION retention') if %only && !$only{README};
my @all_said = run_blocks('docs', @all);

for my $one (@read) {
  my ($page, $name, $lines, $all_blocks, $sql, $first) = @$one;
  my @lines  = @$lines;
  my @blocks = @$all_blocks;
  my @sql    = @$sql;
  my @said   = @all_said[ $first .. $#all_said ];
  my %answer;    # the text block right after a sql block, by that block
  for my $i (1 .. $#blocks) {
    next unless $blocks[$i]{info} eq 'text' && $blocks[ $i - 1 ]{info} eq 'sql';
    my @between = @lines[ $blocks[ $i - 1 ]{end} + 1 .. $blocks[$i]{first} - 2 ];
    $answer{ $blocks[ $i - 1 ]{first} } = $blocks[$i] unless grep /\S/, @between;
  }

  my @changes;
  for my $i (0 .. $#sql) {
    my $block = $sql[$i];
    my $test  = "$name line " . ($block->{first} + 1);
    my $got   = $i < $#said ? trimmed($said[$i]) : "(psql ended early)\n";
    my $want  = $answer{ $block->{first} };
    if (my $picture = picture($block)) {
      my $file = "$root/doc/$picture";
      if ($accept && $got =~ /^<svg /) {
        open(my $out, '>', $file) or die "cannot write $file: $!";
        print $out $got;
        close $out;
      }
      ok(-e $file && slurp_file($file) eq $got, "$test draws doc/$picture") or diag(substr($got, 0, 1000));
    }
    elsif (!$want) {
      ok($got !~ /^(ERROR|FATAL|psql: error|\\\S+: error|invalid command)/m, "$test runs")
        or diag("$block->{text}\nprinted:\n$got");
    }
    elsif ($accept) {
      # An error that the page does not show is never what it should show.
      my $is_new = $got =~ /^ERROR/m && $want->{text} !~ /^ERROR/m;
      push @changes, [ $want, $got ] if !$is_new && $got ne trimmed($want->{text});
      ok(!$is_new, "$test is as the page shows it") or diag("$block->{text}\nprinted:\n$got");
    }
    else {
      ok($got eq trimmed($want->{text}), "$test prints what the page shows")
        or diag("$block->{text}\n", difference(trimmed($want->{text}), $got));
    }
  }
  next unless @changes;
  for my $change (reverse @changes) {
    my ($block, $text) = @$change;
    splice @lines, $block->{first}, $block->{end} - $block->{first}, split /\n/, $text;
  }
  open(my $out, '>', $page) or die "cannot write $page: $!";
  print $out join("\n", @lines);
  close $out;
}

unless (%only) {
  # Each question of the cookbook has a query that is run, or says how another tool runs it.
  my (undef, @questions) = split /^### /m, slurp_file("$root/doc/cookbook.md");
  cmp_ok(scalar @questions, '>=', 40, 'the cookbook answers forty questions');
  is(join(', ', map { /(.*)/ } grep !/^```sql/m, @questions), '', 'each with a query');

  # The reference is not written by hand.
  my $want = `"$^X" "$root/script/lib/reference.pl"`;
  my $have = slurp_file("$root/doc/reference.md");
  if ($accept && $want ne $have) {
    open(my $out, '>', "$root/doc/reference.md") or die "cannot write doc/reference.md: $!";
    print $out $have = $want;
    close $out;
  }
  ok($have eq $want, 'doc/reference.md is what script/lib/reference.pl prints') or diag(difference($have, $want));
}

sub difference
{
  my ($want, $got) = @_;
  my ($one, $two) = (File::Temp->new, File::Temp->new);
  print $one $want;
  print $two $got;
  close $_ for $one, $two;
  my $said = `diff -U 100 --label page --label psql $one $two`;
  return $said;
}

$node->stop;
done_testing();
