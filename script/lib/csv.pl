# Reads a CSV file of customers; it needs nothing but perl-base.
#   perl csv.pl FILE [customer=NAME] [start=NAME] [end=NAME] [time=NAME] [amount=NAME]
#     prints what the columns are, as shell assignments: kind (presence or orders), segments (the names of columns that
#     say what a customer is), encoding, and a summary. A file that it cannot read is refused with a sentence for a person
#   perl csv.pl --rows FILE …
#     prints the lines below the header in the text format of COPY: number, fault (why the line cannot be read), customer,
#     start or time, end, amount, then the segments. Blank lines are left out
use strict;
use warnings;

my $wants_rows = $ARGV[0] eq '--rows' && shift @ARGV;
my ($file, @options) = @ARGV;
my %given = map { split /=/, $_, 2 } @options;

# Text of a file as a terminal may show it: its control characters would be commands to the terminal.
sub shown { return $_[0] =~ s/[\x00-\x08\x0a-\x1f\x7f]/?/gr }

sub refuse
{
  print STDERR "demo: ", join("\n  ", map shown($_), @_), "\n";
  exit 1;
}

# Names a column may have, after it was put into lower case with underscores.
my %names = (
  customer => [
    qw(customer customer_id customerid cust_id client client_id user user_id userid account account_id member member_id
      subscriber subscriber_id buyer buyer_id contact_id email customer_email)
  ],
  start => [
    qw(start started started_at started_on start_date start_time signup signed_up signed_up_at signup_date sign_up_date
      subscribed subscribed_at joined joined_at join_date begin begin_date activated_at activation_date valid_from from
      created created_at)
  ],
  end => [
    qw(end ended ended_at ended_on end_date end_time churned churned_at churn_date churned_on cancelled canceled
      cancelled_at canceled_at cancel_date cancellation_date left left_at terminated_at termination_date valid_to
      valid_until until to)
  ],
  time => [
    qw(time timestamp date datetime day at order_date order_time ordered ordered_at ordered_on invoice_date
      purchase_date purchased_at transaction_date created created_at occurred_at event_time event_date)
  ],
  amount => [qw(amount revenue total price value sales order_total order_amount total_amount)],
  plan => [qw(plan plan_name plan_id subscription_plan product_name product tier package)],
  country => [qw(country country_code billing_country shipping_country customer_country)],
);

-e $file or refuse("there is no file $file");
-d $file and refuse("$file is a folder, not a file");
-r $file or refuse("$file may not be read by you");
# A pipe can be read only once, and it is read twice.
-f $file or refuse("$file is not a plain file");
-z $file and refuse("$file is empty");
open(my $in, '<:raw', $file) or refuse("$file cannot be opened: $!");
read($in, my $first, 1 << 20);
$first =~ /\A\x1f\x8b/ and refuse("$file is compressed; unpack it first: gunzip -k $file");
$first =~ /\APK\x03\x04/
  and refuse("$file is a zip archive or a spreadsheet, not CSV", 'Unpack it, or save the sheet as CSV.');
$first =~ /\A(\xff\xfe|\xfe\xff)/ and refuse("$file is written in UTF-16", 'Save it as UTF-8.');
$first =~ /\0/ and refuse("$file is not a text file");
$first =~ s/\A\xef\xbb\xbf//;
$first =~ /\S/ or refuse("$file is empty");

# The header: up to the first line end that is not inside quotes.
my ($line, $rest) = $first =~ /\A((?:"(?:[^"]++|"")*+"|[^"\r\n]++)*+)(\r\n|\n|\r|\z)/;
defined $line or refuse("the first line of $file has a quote that is not closed");
$line =~ /\S/ or refuse("the first line of $file is empty", 'It has to name the columns.');

sub fields
{
  my ($text, $delimiter) = @_;
  my @fields;
  while ($text =~ /\G(?:\s*"((?:[^"]|"")*)"\s*|([^\Q$delimiter\E]*))(\Q$delimiter\E|\z)/g) {
    my $field = $1 // $2;
    $field =~ s/""/"/g if defined $1;
    push @fields, $field =~ s/^\s+|\s+$//gr;
    last if $3 eq '';
  }
  return @fields;
}
my ($delimiter) = sort { (() = $line =~ /\Q$b\E/g) <=> (() = $line =~ /\Q$a\E/g) } ',', ';', "\t";
my @columns = fields($line, $delimiter);
@columns > 1 or refuse("the first line of $file has one column only: $line",
  'Columns are separated by commas, semicolons or tabs.');
if (grep /^[-+]?[\d.,]+$|^\d{1,4}[-.\/]\d{1,2}[-.\/]\d{1,4}/, @columns) {
  refuse("$file has no header: its first line is data", "  $line",
    'Put the names of the columns in the first line, such as: customer,start,end');
}

# The name of a column, in lower case with underscores: "Canceled At (UTC)" is canceled_at.
sub plain { return lc($_[0] =~ s/([a-z0-9])([A-Z])/$1_$2/gr =~ s/[^A-Za-z0-9]+/_/gr =~ s/^_|_$//gr) =~ s/_utc$//r }

my %at;
for my $role (keys %names) {
  if (defined $given{$role}) {
    my @found = grep { lc $columns[$_] eq lc $given{$role} } 0 .. $#columns;
    @found == 1 or refuse("$file has " . (@found ? 'more than one' : 'no') . " column '$given{$role}'",
      'It has: ' . join(', ', @columns));
    $at{$role} = $found[0] + 1;
    next;
  }
  NAME: for my $name (@{ $names{$role} }) {
    for my $i (0 .. $#columns) {
      next unless plain($columns[$i]) eq $name;
      $at{$role} = $i + 1;
      last NAME;
    }
  }
}

my $wants_orders = defined $given{time} || defined $given{amount};
my $kind =
    $wants_orders && $at{time}   ? 'orders'
  : $at{start}    && $at{end}    ? 'presence'
  : $at{time} && !defined $given{start} && !defined $given{end} ? 'orders'
  :                                                               '';
if (!$at{customer} || !$kind) {
  my @lacks;
  push @lacks, 'no column for the customer was recognised' unless $at{customer};
  push @lacks, 'neither the start and end of a subscription nor the time of an order was recognised' unless $kind;
  refuse("$file: " . join(', and ', @lacks), 'It has: ' . join(', ', @columns),
    'Name the columns: --customer COL --start COL --end COL, or --customer COL --time COL [--amount COL]');
}

my @roles = ('customer', $kind eq 'orders' ? qw(time end amount) : qw(start end amount), qw(plan country));
my @used = $kind eq 'orders' ? ('customer', 'time', $at{amount} ? 'amount' : ()) : ('customer', 'start', 'end');
# A segment is a column of its own.
my @segments = grep {
  my $segment = $_;
  $at{$segment} && !grep { $at{$_} == $at{$segment} } @used
} qw(plan country);
my %is_used = map { $_ => 1 } @used, @segments;

# The whole file, in UTF-8.
{
  local $/;
  $first .= <$in> // '';
}
my $encoding = utf8::decode(my $copy = $first) ? 'UTF-8' : 'Windows-1252';
if ($encoding ne 'UTF-8')
{
  # What Windows-1252 has in the place of Latin-1's control characters.
  my %character = map { chr(0x80 + $_->[0]) => chr $_->[1] }
    map { my $i = $_; [ $i, (0x20AC, 0x81, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152,
        0x8D, 0x17D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153,
        0x9D, 0x17E, 0x178)[$i] ] } 0 .. 31;
  $first =~ s/([\x80-\x9f])/$character{$1}/g;
  utf8::encode($first);
}

sub quoted { return "'" . ($_[0] =~ s/'/'\\''/gr) . "'" }
if (!$wants_rows)
{
  print "kind=$kind\nencoding=$encoding\nsegments='@segments'\nhas_amount=", $is_used{amount} ? 1 : '', "\n";
  print 'summary=', quoted(shown(join ', ', map "$_ from \"$columns[ $at{$_} - 1 ]\"", @used, @segments)), "\n";
  exit;
}

# A value of COPY's text format.
my %escaped = ("\\" => '\\\\', "\n" => '\n', "\r" => '\r', "\t" => '\t');
sub copied { return defined $_[0] ? $_[0] =~ s/([\\\n\r\t])/$escaped{$1}/gr =~ tr/\0/?/r : '\N' }

my $number = 1 + (() = $line =~ /\r\n|\r|\n/g);
pos($first) = length($line) + length($rest);
while (pos($first) < length $first)
{
  $number++;
  my ($fault, @fields);
  # A record, or with a quote that is never closed one line of it.
  $first =~ /\G((?:"(?:[^"]++|"")*+"|[^"\r\n]++)*+)(?:\r\n|\n|\r|\z)/gc
    or $first =~ /\G([^\r\n]*)(?:\r\n|\n|\r|\z)/gc and $fault = 'a quote is not closed';
  my $record = $1;
  my $lines = () = $record =~ /\r\n|\r|\n/g;
  if ($record !~ /[^\s"\Q$delimiter\E]/)
  {
    $number += $lines;
    next;
  }
  if (!$fault)
  {
    @fields = fields($record, $delimiter);
    $fault = 'it has ' . (@fields < @columns ? 'fewer' : 'more') . ' columns than the header (' . @columns . ')'
      if @fields != @columns;
  }
  print join("\t", $number, copied($fault), map { copied($fault || !$is_used{$_} ? undef : $fields[ $at{$_} - 1 ]) } @roles),
    "\n";
  $number += $lines;
}
