# The parts of script/demo on small data: its shop, CSV files of each kind, and each file that it refuses.
use strict;
use warnings;

use File::Temp;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $lib   = "$FindBin::Bin/../script/lib";
my $files = File::Temp->newdir;

my $node = PostgreSQL::Test::Cluster->new('demo');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->start;

my $database;
my $databases = 0;

sub fresh_database
{
  $database = 'demo_' . $databases++;
  $node->safe_psql('postgres', "CREATE DATABASE $database");
  $node->safe_psql($database,  'CREATE EXTENSION retention');
}

sub psql { return ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database)) }

sub run_quietly
{
  my ($out, $err) = ('', '');
  my $ok = IPC::Run::run([@_], '<', \undef, '>', \$out, '2>', \$err);
  return ($ok, $out, $err);
}

# --- The shop -----------------------------------------------------------------------------------

fresh_database();
my ($ok, $out, $err) = run_quietly(psql(), '-v', 'customers=2000', '-f', "$lib/shop.sql");
ok($ok, 'the shop is made') or diag($err);
is($err, '', 'without a message');
is($node->safe_psql($database, 'SELECT count(*) FROM customers'), '2000', 'of the size asked for');
is(
  $node->safe_psql(
    $database,
    q{SELECT (SELECT count(*) > 0 FROM subscriptions WHERE ended IS NULL),
        (SELECT count(*) > 0 FROM (SELECT FROM subscriptions GROUP BY customer_id HAVING count(*) = 2) s),
        (SELECT min(started) >= '2023-01-01' AND max(ended) <= '2025-12-31' FROM subscriptions),
        (SELECT bool_and(EXISTS (SELECT FROM subscriptions s WHERE s.customer_id = o.customer_id
             AND ordered_at >= started AND ordered_at < coalesce(ended, '2026-01-01'))) FROM orders o),
        (SELECT count(DISTINCT plan) FROM subscriptions)}),
  't|t|t|t|3', 'some stay, some come back, all within three years, orders only while subscribed');
($ok, $out, $err) = run_quietly(psql(), '-f', "$lib/shop_report.sql");
ok($ok, 'its report is printed') or diag($err);
like($out, qr/2023-02 \|.*2025-12 \|.*2025 +\| basic .* points\..* 18\.7 \| 11\.0 to 26\.0 +\| < 0\.0001/s, 'with months, plans and a difference');
is(
  $node->safe_psql(
    $database,
    q{SELECT string_agg(plan, ' ' ORDER BY churn_rate(flow) DESC) FROM (
        SELECT plan, customer_flow(presence, daterange('2025-01-01', '2026-01-01')) AS flow
          FROM presence GROUP BY plan) s}),
  'basic plus premium', 'and the built-in order of the plans is found');

# A whole page, with the words that it should have.
sub is_page
{
  my ($file, $name, @words) = @_;
  my $page = -e $file ? slurp_file($file) : '';
  ok($page =~ /\A<!DOCTYPE html>/ && $page =~ m{</html>\s*\z} && $page !~ /<script/, "$name: a page for a browser");
  ok(index($page, $_) >= 0, "$name: with $_") for @words;
}
($ok, $out, $err) = run_quietly(psql(), '-v', "page=$files/shop.html", '-f', "$lib/shop_page.sql");
ok($ok && $out eq '', 'its page is written') or diag($err);
is_page("$files/shop.html", 'shop', 'Retention of shop', 'Retention by plan', 'premium',
  'How long customers stay, by channel');

# --- Files that are read ------------------------------------------------------------------------

sub file
{
  my ($name, $content) = @_;
  open(my $f, '>:raw', "$files/$name") or die $!;
  print $f $content;
  close $f;
  return "$files/$name";
}

sub load
{
  my ($file, @options) = @_;
  fresh_database();
  return run_quietly('bash', "$lib/csv.sh", $file, @options, '--', psql());
}

# The months of a report: month, at_start, gained, reactivated, lost, at_end.
sub months { return join("\n", map { join(' ', (split /\s*\|\s*/, s/^\s+//r)[ 0 .. 5 ]) } grep /^ \d{4}-\d\d \|/,
  split /\n/, $_[0]) }

my @presence = (
  [ 'a,2024-01-10,2024-02-15', 'b,2024-01-10,', 'c,2024-02-01,2024-03-31', 'b,2024-01-20,2024-01-25', ',2024-01-01,',
    'd,,' ],
  "2024-01 0 2 0 0 2\n2024-02 2 1 0 1 2\n2024-03 2 0 0 1 1"
);
my $rows = join("\n", @{ $presence[0] });
($ok, $out, $err) = load(file('presence.csv', "customer,start,end\n$rows\n"), "page=$files/presence.html");
is_page("$files/presence.html", 'presence', 'Retention of presence.csv', ': 3 customers', '4 rows of ');
ok($ok, 'customer, start, end is read') or diag($err);
is(months($out), $presence[1], 'to the right months');
like($err, qr/^note: 2 lines have no customer or no time and are left out$/m, 'and it says what is left out');

($ok, $out, $err) = load(file('presence.csv |', "customer,start,end\n$rows\n"));
is(months($out), $presence[1], 'a file whose name ends like a command is read, not run') or diag($err);

my $semicolons = "Customer ID;Signed up;Cancelled at;Note\r\n" . join("\r\n", map { tr/,/;/r . ';"x;y"' } split /\n/,
  $rows) . "\r\n";
($ok, $out, $err) = load(file('semicolons.csv', "\xef\xbb\xbf$semicolons"));
is(months($out), $presence[1], 'semicolons, other names, quotes, CRLF and a byte order mark') or diag($err);
($ok, $out, $err) = load(file('tabs.csv', "who\tfrom here\tto there\n" . ($rows =~ tr/,/\t/r) . "\n"),
  'customer=who', 'start=from here', 'end=TO THERE');
is(months($out), $presence[1], 'tabs, and columns that are named') or diag($err);
($ok, $out, $err) = load(file('latin1.csv', "customer,start,end\nJ\xf6rg,2024-01-10,\nAnna,2024-01-11,2024-01-20\n"));
like($out, qr/Windows-1252/, 'not UTF-8');
is($node->safe_psql($database, q{SELECT customer FROM presence WHERE customer <> 'Anna'}), "J\xc3\xb6rg",
  'is read as Windows-1252');

($ok, $out, $err) = load(file('stripe.csv', "Customer ID,Created (UTC),Canceled At (UTC)\r\n"
    . join('', map "$_\r\n", @{ $presence[0] }, '', ' ')));
is(months($out), $presence[1], 'the names of an export, and blank lines at the end') or diag($err);

($ok, $out, $err) = load(
  file('orders.csv', "user_id,order_date,amount\n1,2024-01-05,10.50\n1,2024-02-01,3\n2,2024-01-31 23:59:59,\"1,50\"\n"
    . "1,2024-07-01,1\n3,2024-07-02T00:30:00+02:00,1\n"),
  'silence=60', "page=$files/orders.html");
ok($ok, 'customer, time, amount is read') or diag($err);
is(
  months($out),
  "2024-01 0 2 0 0 2\n2024-02 2 0 0 0 2\n2024-03 2 0 0 1 1\n2024-04 1 0 0 1 0\n2024-05 0 0 0 0 0\n"
    . "2024-06 0 0 0 0 0\n2024-07 0 1 1 0 2",
  'a customer is lost when the inactivity window is over');
is_page("$files/orders.html", 'orders', 'Retention of orders.csv', 'data until 2 Jul 2024: 3 customers', '5 rows of ');
is($node->safe_psql($database, 'SELECT sum(amount), min(ordered_at), max(ordered_at) FROM orders'),
  '17.00|2024-01-05 00:00:00|2024-07-01 22:30:00', 'amounts and times with a zone');
($ok, $out, $err) = load(file('two.csv', "customer,day\n1,2024-01-05\n2,2024-02-20\n"), 'as_of=2024-04-01');
is(months($out), "2024-01 0 1 0 0 1\n2024-02 1 1 0 0 2\n2024-03 2 0 0 0 2",
  'without amounts, as of a time that is given') or diag($err);

# Exports of billing systems and shops, with a plan or a country.
for my $case (
  [
    'stripe_all', "id,Customer ID,Customer Email,Plan,Quantity,Currency,Interval,Amount,Status,Created (UTC),Start (UTC),"
      . "Trial End (UTC),Canceled At (UTC),Ended At (UTC)",
    'sub_1,cus_1,a@b.c,pro,1,usd,month,10.00,active,2024-01-03 10:00,2024-01-03 10:00,,2024-02-20 10:00,2024-03-03 10:00',
    'subscriptions', 'cus_1|2024-01-03 10:00:00|2024-03-03 10:00:00|pro'
  ],
  [
    'chargebee', 'Subscription Id,Customer Id,Plan Name,Started At,Cancelled At', '9,c1,Basic,2024-01-03,2024-03-03',
    'subscriptions', 'c1|2024-01-03 00:00:00|2024-03-03 00:00:00|Basic'
  ],
  [
    'shopify', 'Name,Email,Customer ID,Created at,Total,Billing Country', '#1,a@b.c,77,2024-01-03 10:00:00 +0100,12.50,DE',
    'orders', '77|2024-01-03 09:00:00|12.50|DE'
  ])
{
  my ($name, $header, $line, $table, $row) = @$case;
  ($ok, $out, $err) = load(file("$name.csv", "$header\n$line\n"));
  is($node->safe_psql($database, "SELECT * FROM $table"), $row, "the columns of an export: $name") or diag($err);
}

# A plan and a country are segments, a column of many values is none; a title.
my @lines = map { sprintf '%d,2024-%02d-03,%s,plan %d,%s', $_, 1 + $_ % 5, $_ % 3 ? '' : '2024-06-05', $_ % 2, "DE$_" } 1 .. 60;
($ok, $out, $err) = load(file('segments.csv', join("\n", 'customer,start,end,Plan,Country', @lines) . "\n"),
  "page=$files/segments.html", 'title=The <b>shop</b>');
is_page("$files/segments.html", 'segments', 'Retention of The &lt;b&gt;shop&lt;/b&gt;', 'Retention by plan', 'plan 1');
is($node->safe_psql($database, 'SELECT segments FROM retention_sources'), 'plan', 'a column of many values is no segment');

# Lines that cannot be read: all of them are named and left out, up to a tenth of the file.
my @faults = @lines;
splice @faults, 4, 0, '5,2024-02-30,,,', ',,,,', '', 'short', '7,2024-03-01,2024-02-01,,', 'b,"2024-01-01,,';
($ok, $out, $err) = load(file('faults.csv', join("\n", 'customer,start,end,plan,country', @faults) . "\n"));
ok($ok, 'a file with a few faults is read');
like($err, qr/^note: 4 of 64 lines cannot be read and are left out:
  line 6: "2024-02-30" is not a date or a time
  line 9: it has fewer columns than the header \(5\)
  line 10: it ends on 2024-02-01 00:00:00 before it starts on 2024-03-01 00:00:00
  line 11: a quote is not closed$/m, 'and says which');
is($node->safe_psql($database, 'SELECT count(*) FROM subscriptions'), '60', 'without them');
($ok, $out, $err) = load(file('worse.csv', join("\n", 'customer,start,end,plan,country', @faults, map "x,$_,,,", 1 .. 30)));
like($err, qr/^demo: .*, 34 of 94 lines cannot be read:\n  line 6: .*\n  and the lines 84, 85, .*, 97$/ms,
  'above a tenth it is refused');
ok(!$ok && $err !~ /line 84:/, 'with the first twenty reasons');

for my $case (
  [ 'german', "1,31.12.2023\n1,02.01.2024\n", '', '2023-12-31 2024-01-02' ],
  [ 'american', "1,12/31/2023\n1,01/02/2024\n", '', '2023-12-31 2024-01-02' ],
  [ 'british', "1,31/12/2023\n1,02/01/2024\n", '', '2023-12-31 2024-01-02' ],
  [ 'told', "1,01/12/2023\n1,02/01/2024\n", 'DMY', '2023-12-01 2024-01-02' ])
{
  my ($name, $lines, $dates, $days) = @$case;
  ($ok, $out, $err) = load(file("$name.csv", "customer,date\n$lines"), "dates=$dates");
  is($node->safe_psql($database, q{SELECT string_agg(ordered_at::date::text, ' ' ORDER BY ordered_at) FROM orders}),
    $days, "$name dates") or diag($err);
  like($err, qr/^note: dates such as .* are read as /m, 'and it says so');
}

# --- Files that are refused ---------------------------------------------------------------------

for my $case (
  [ 'missing', undef, qr/there is no file / ],
  [ 'empty', '', qr/ is empty$/m ],
  [ 'blank', "\n \n", qr/ is empty$|first line of .* is empty$/m ],
  [ 'gz', "\x1f\x8b\x08\0abc", qr/ is compressed; unpack it first: gunzip -k / ],
  [ 'zip', "PK\x03\x04abc", qr/zip archive or a spreadsheet/ ],
  [ 'utf16', "\xff\xfea\0", qr/UTF-16/ ],
  [ 'binary', "a,b\0c", qr/not a text file/ ],
  [ 'single', "customer\n1\n", qr/one column only/ ],
  [ 'headless', "1,1997-01-01,11.77\n", qr/has no header: its first line is data\n.*1,1997-01-01/ ],
  [
    'unknown', "colour,size\n1,2\n",
    qr/no column for the customer .*, and neither .*\n +It has: colour, size\n +Name the columns: --customer/
  ],
  [ 'no_time', "customer,size\n1,2\n", qr/: neither the start and end of a subscription/ ],
  [ 'bare', "customer,start,end\n", qr/a header and no lines below it/ ],
  [ 'bad_date', "customer,start,end\n1,2024-01-01,\n2,2024-13-45,\n",
    qr/^demo: .*bad_date.csv, 1 of 2 lines cannot be read:\n  line 3: "2024-13-45" is not a date or a time$/m ],
  [
    'bad_dates', "customer,start,end\n1,2024-01-32,\n2,2024-01-01,\n3,2024-02-30,\n",
    qr/^demo: .*, 2 of 3 lines cannot be read:\n  line 2: "2024-01-32" is not a date or a time\n  line 4: "2024-02-30" is not a date or a time$/m
  ],
  [ 'bad_end', "customer,start,end\n1,2024-01-01,\n2,2024-01-01,soon\n", qr/line 3: "soon" is not a date or a time$/m ],
  [ 'now', "customer,time\n1,now\n", qr/line 2: "now" is not a date or a time$/m ],
  [ 'terminal', "customer,time\n1,\e]0;title\a\n", qr/line 2: "\?\]0;title\?" is not a date or a time$/m ],
  [ 'terminal_header', "customer,\e[2Jsize\n1,2\n", qr/It has: customer, \?\[2Jsize$/m ],
  [ 'backwards', "customer,start,end\n1,2024-02-01,2024-01-01\n",
    qr/line 2: it ends on 2024-01-01 00:00:00 before it starts on 2024-02-01 00:00:00$/m ],
  [ 'bad_amount', "customer,time,amount\n1,2024-01-01,5\n1,2024-01-01,much\n", qr/line 3: "much" is not an amount$/m ],
  [ 'short', "customer,start,end\n1,2024-02-01\n", qr/line 2: it has fewer columns than the header \(3\)$/m ],
  [ 'long', "customer,start,end\n1,2024-02-01,,9\n", qr/line 2: it has more columns than the header \(3\)$/m ],
  [ 'nobody', "customer,start,end\n,2024-02-01,\n", qr/no line has both a customer and a time$/m ])
{
  my ($name, $content, $message) = @$case;
  my $path = defined $content ? file("$name.csv", $content) : "$files/$name.csv";
  ($ok, $out, $err) = load($path);
  ok(!$ok && $err =~ $message, "refused: $name") or diag("said: $out$err");
  unlike("$out$err", qr/psql:|CONTEXT|\bDETAIL/, "$name: in words for a person");
}
($ok, $out, $err) = load("$files");
like($err, qr/ is a folder, not a file$/m, 'refused: a folder');
($ok, $out, $err) = load("$files/presence.csv", 'customer=whom');
like($err, qr/has no column 'whom'\n +It has: customer, start, end$/m, 'refused: a column that is not there');

$node->stop;
done_testing();
