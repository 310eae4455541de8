# The page and the pictures in a real browser: Chromium, headless, at the width of a phone and of a desk, light and
# dark. Vega-Lite specifications through the compiler itself. Neither comes with the project: script/bootstrap browser.
use strict;
use warnings;

use File::Temp;
use FindBin;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($chromium) = grep -x, map { ("$_/chromium", "$_/chromium-browser") } split(/:/, $ENV{PATH}), '/usr/bin';
plan skip_all => 'there is no Chromium here; script/bootstrap browser installs it' unless $chromium;

my $root   = "$FindBin::Bin/..";
my $folder = File::Temp->newdir;

my $node = PostgreSQL::Test::Cluster->new('browser');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\ndatestyle = 'ISO, YMD'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION retention');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-v', 'customers=3000', '-d',
  $node->connstr('postgres'), '-f', "$root/script/lib/shop.sql" ], 'the shop is made');

sub put
{
  my ($name, $content) = @_;
  open(my $out, '>:raw', "$folder/$name") or die "$name: $!";
  print $out $content;
  close $out;
}

sub ask { return $node->safe_psql('postgres', $_[0]) }

# --- The pages and pictures ---------------------------------------------------------------------

# A plan whose name is an attack, one whose name is very wide, one without a name.
ask(q{
  CREATE TABLE stays AS
  SELECT customer_id, started, ended, country,
    CASE plan WHEN 'basic' THEN '</text></svg><script>document.title = ''taken''; console.error(1)</script>'
      WHEN 'plus' THEN repeat('WIDE@', 30) END AS plan,
    CASE WHEN ended IS NOT NULL THEN '<img src=x onerror="console.error(2)">' END AS reason
  FROM subscriptions JOIN customers USING (customer_id);
  SELECT retention_source('"shop <b>&amp;</b>"', 'subscriptions', 'stays', 'customer_id', started => 'started',
    ended => 'ended',
    segments => '{plan,country}', reason => 'reason', as_of => 'date ''2025-12-20''');
  SELECT retention_source('bought', 'events', 'orders', 'customer_id', at => 'ordered_at',
    as_of => 'timestamptz ''2026-01-01''', filter => 'ordered_at >= ''2025-01-01''');
  SELECT retention_source('years', 'subscriptions', 'stays', 'customer_id', started => 'started', ended => 'ended',
    grid => 'year', as_of => 'date ''2026-01-01''');
  SELECT retention_source('hours', 'events', 'orders', 'customer_id', at => 'ordered_at',
    as_of => 'timestamptz ''2025-12-24 15:00''', grid => '6 hours; brackets=1-4,5-28,29-120',
    filter => 'ordered_at >= ''2025-12-18''');
  CREATE TABLE cohorts AS SELECT cohort_retention(customer_id, ordered_at, 'month; time_zone=UTC; as_of=2025-12-20')
    AS s FROM orders;
  CREATE TABLE curves AS SELECT array_agg(s ORDER BY plan) AS s, array_agg(plan ORDER BY plan) AS plan
    FROM (SELECT plan, survival(started, ended, '2026-01-01') AS s FROM stays GROUP BY plan) q;
});
my $cells   = ask(q{SELECT count(*) FROM cohorts, cohort_cells(s)});
my $partial = ask(q{SELECT count(*) FROM cohorts, cohort_cells(s) WHERE status = 'partial'});
my %expected;    # of a page: cells drawn and hatched
for my $source ([ 'shop', '"shop <b>&amp;</b>"' ], [ 'orders', 'bought' ], [ 'years', 'years' ], [ 'hours', 'hours' ]) {
  my ($name, $called) = @$source;
  my $html = ask("SELECT retention_report_html('$called')");
  put("$name.html", $html);
  $expected{$name} = [
    split /\|/,
    ask("SELECT count(*), count(*) FILTER (WHERE status = 'partial') FROM (
      SELECT *, dense_rank() OVER (ORDER BY cohort DESC) AS back FROM jsonb_to_recordset(
      retention_report('$called') -> 'cohorts') AS c (cohort timestamp, period integer, status text)) d WHERE back <= 24
        AND period <= 24") ];
}
put('empty.html',    ask(q{SELECT retention_report_page('{"format": 1}')}));
put('heatmap.svg',   ask('SELECT retention_heatmap(s) FROM cohorts'));
put('narrow.svg',    ask(q{SELECT retention_internal.plot_heatmap(retention_internal.cohort_cells_json(s), 'month', 320)
  FROM cohorts}));
put('curve.svg',     ask('SELECT retention_plot_curve(s) FROM cohorts'));
put('survival.svg',  ask('SELECT retention_plot_survival(s, plan) FROM curves'));
# A page on which everything is wrong, which the checks must find.
put('wrong.html', q{<!DOCTYPE html><title>wrong</title><body style="margin:0">
<script>console.error('heard')</script><h2>one</h2><h2 style="margin-top:-40px">two</h2>
<svg class="retention-plot bad" width="100" height="50" viewBox="0 0 100 50" style="font-size:8px">
<text x="10" y="20">under</text><text x="12" y="21">over</text><text x="90" y="40">beyond</text>
<g class="cell"><rect x="0" y="30" width="8" height="9" fill="#777777"/>
<text x="0" y="38" fill="#888888">1000.0</text></g>
</svg><div style="width:3000px">wide</div>});
put('look.js', slurp_file("$root/test/browser/look.js"));

# --- The checks ---------------------------------------------------------------------------------

# look(NAME, DARK, [FRAME, FILE, WIDTH]...): what look.js reports of each frame, and the messages on the console.
sub look
{
  my ($name, $dark, @frames) = @_;
  put("$name.html", "<!DOCTYPE html><body>" . join('',
    map qq(<iframe name="$_->[0]" src="$_->[1]" width="$_->[2]" height="900" style="border:0"></iframe>), @frames)
    . '<script src="look.js"></script>');
  my $profile = File::Temp->newdir;
  my ($out, $err) = ('', '');
  IPC::Run::run(
    [
      $chromium, qw(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
        --disable-component-update --disable-sync --disable-dev-shm-usage --allow-file-access-from-files
        --enable-logging=stderr --virtual-time-budget=20000 --dump-dom),
      ($dark ? '--force-dark-mode' : ()), "--user-data-dir=$profile", "file://$folder/$name.html" ],
    '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
  my ($said) = $out =~ m{<pre id="said">(.*?)</pre>}s or return ({}, "nothing was said: $out$err");
  $said =~ s/&lt;/</g;
  $said =~ s/&gt;/>/g;
  $said =~ s/&nbsp;/\xc2\xa0/g;
  $said =~ s/&amp;/&/g;
  return (decode_json($said), join("\n", grep /CONSOLE/, split /\n/, $err));
}

my ($facts, $console) = look('bad', 0, [ 'wrong', 'wrong.html', 390 ]);
my $wrong = $facts->{wrong};
like($console, qr/heard/, 'messages on the console are noticed');
is_deeply([ map scalar @{ $wrong->{$_} // [] }, qw(overlaps outside crowded faint) ], [ 2, 1, 1, 1 ],
  'texts that overlap, stick out or are faint are found')
  or diag(encode_json($wrong));
ok($wrong->{wider} > 1000 && $wrong->{scripts} == 1 && @{ $wrong->{tiny} } > 0,
  'so are width, scripts and small letters');

my %width = (desk => 1280, phone => 390);
my @pages = qw(shop orders years hours empty);
for my $dark (0, 1) {
  my @frames = map { my $w = $_; map [ "$_ $w", "$_.html", $width{$w} ], @pages } sort keys %width;
  push @frames, map [ $_, "$_.svg", 1200 ], qw(heatmap narrow curve survival);
  my ($facts, $console) = look('look', $dark, @frames);
  my $light = $dark ? 'dark' : 'light';
  is($console, '', "$light: nothing on the console");
  for my $frame (map $_->[0], @frames) {
    my $f = $facts->{$frame} or fail("$light: $frame was looked at"), next;
    is(
      join('; ', (map { my $what = $_; map "$what: $_", @{ $f->{$what} } } qw(overlaps outside crowded faint tiny)),
        ($f->{wider} > 0 ? "wider than the screen by $f->{wider}" : ()),
        ($f->{scripts} || $f->{loaded} ? 'scripts or things from elsewhere' : ()),
        ($f->{dark} ? !$dark : $dark) ? 'the colours of the other time of day' : ()),
      '', "$light: $frame is in order");
  }
  next if $dark;

  for my $w (sort keys %width) {
    for my $page (qw(shop orders years hours)) {
      my $f = $facts->{"$page $w"};
      is("$f->{cells} $f->{hatched}", join(' ', @{ $expected{$page} }),
        "$page $w: every cell, hatched where it is partial");
    }
    my $shop = $facts->{"shop $w"};
    is_deeply($shop->{kinds}, { rate => 1, flow => 1, heatmap => 1, curve => 1, lifecycle => 1, survival => 2,
      segments => 2 }, "shop $w: every picture, once");
    is($shop->{title}, 'Retention of shop <b>&amp;</b>', "shop $w: a name is text");
    for my $label ('gained', 'reactivated', 'resurrected', 'lost', 'months after the start', 'per cent still customers',
      'partial: still counting', 'unknown', '<script>document.title', '<img src=x onerror', 'Churn drivers',
      'To repeat this report: SELECT retention_report_html(') {
      ok(index($shop->{words}, $label) >= 0, "shop $w: says \"$label\"");
    }
  }
  cmp_ok($facts->{'shop phone'}{columns}{'Churn drivers: churn'} // 9999, '<', 390, 'phone: who leaves is on the screen');
  is($facts->{'shop phone'}{cut}, 0, 'phone: no picture is cut');
  like($facts->{'shop phone'}{words}, qr/move the picture/, 'phone: what is to the right is told of');
  cmp_ok($facts->{'shop desk'}{links}, '>', 8, 'pictures and tables are files, too');
  like($facts->{'shop desk'}{words}, qr/\w{3} \d{4}: \d+\.\d % of customers stayed, /, 'the first sentence says it in words');
  is("$facts->{heatmap}{cells} $facts->{heatmap}{hatched}", "$cells $partial",
    'the heat map alone: every cell, hatched where it is partial');
  is($facts->{narrow}{cells}, $cells, 'and drawn narrow');
  is($facts->{survival}{kinds}{survival}, 1, 'the survival curves alone');
}

# --- Paper --------------------------------------------------------------------------------------

SKIP: {
  my ($pdftotext) = grep -x, map "$_/pdftotext", split(/:/, $ENV{PATH}), '/usr/bin';
  skip 'pdftotext is not installed; script/bootstrap browser installs it', 1 unless $pdftotext;
  for my $page (qw(shop orders)) {
    my $profile = File::Temp->newdir;
    IPC::Run::run([ $chromium, qw(--headless --no-sandbox --disable-gpu --no-first-run --disable-dev-shm-usage
      --no-pdf-header-footer), "--user-data-dir=$profile", "--print-to-pdf=$folder/$page.pdf", "file://$folder/$page.html" ],
      '<', \undef, '>', \my $out, '2>', \my $err, IPC::Run::timeout(120));
    my $text = '';
    IPC::Run::run([ $pdftotext, '-layout', "$folder/$page.pdf", '-' ], '<', \undef, '>', \$text);
    my @sheets = split /\f/, $text;
    cmp_ok(scalar @sheets, '>', 2, "$page on paper: several pages") or diag($err);
    cmp_ok(scalar @sheets, '<', 14, "$page on paper: not too many");
    for my $n (1 .. @sheets) {
      my $words = () = $sheets[ $n - 1 ] =~ /\S+/g;
      my $numbers = () = $sheets[ $n - 1 ] =~ /\d+/g;
      ok($words > 40 && $numbers > 10, "$page on paper, page $n: more than a title") or diag($sheets[ $n - 1 ]);
    }
    like($sheets[0], qr/of customers stayed/, "$page on paper: the sentence on the first page");
    like($sheets[0], qr/Retention rate/, "$page on paper: the first pictures, too");
    like($sheets[-1], qr/To repeat this report/, "$page on paper: whole");
    unlike($text, qr/Table \(CSV\)|Picture \(SVG\)|^\s*[^\n]*\bThe figures\s*\z/m, "$page on paper: nothing to click");
  }
}

# --- Vega-Lite ----------------------------------------------------------------------------------

SKIP: {
  my $vega = $ENV{RETENTION_VEGA} // '';
  my ($nodejs) = grep -x, map "$_/node", split(/:/, $ENV{PATH}), '/usr/bin', '/usr/local/bin';
  skip 'Vega-Lite is not installed; script/bootstrap browser installs it where node and npm are there', 1 unless $nodejs
    && -e "$vega/complete";
  put('wrong.json', '{"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "data": {"values": [{"a": 1}]},
    "mark": "bar", "encoding": {"x": {"field": "a"}, "size": {"value": 3},
      "shape": {"field": "a", "type": "nominal"}}}');
  put('heatmap.json',  ask(q{SELECT retention_heatmap(s, 'vega-lite') FROM cohorts}));
  put('curve.json',    ask(q{SELECT retention_plot_curve(s, 'vega-lite') FROM cohorts}));
  put('curves.json',   ask(q{SELECT retention_plot_curve(ARRAY[s, s], '{one,two}', 'vega-lite') FROM cohorts}));
  put('survival.json', ask(q{SELECT retention_plot_survival(s, plan, 'vega-lite') FROM curves}));
  put('none.json',     ask(q{SELECT retention_heatmap(NULL, 'vega-lite')}));
  put('nobody.json',   ask(q{SELECT retention_plot_survival('{}'::retention_survival[], NULL::text[], 'vega-lite')}));
  my @specs = qw(wrong heatmap curve curves survival none nobody);
  my ($out, $err) = ('', '');
  chdir $vega;
  IPC::Run::run([ $nodejs, "$root/test/browser/vega.mjs", map "$folder/$_.json", @specs ], '<', \undef, '>', \$out,
    '2>', \$err, IPC::Run::timeout(120));
  my %drawn;
  @drawn{@specs} = map decode_json($_), split /\n/, $out;
  ok($drawn{wrong} && @{ $drawn{wrong}{said} }, 'a specification that is wrong is told of') or diag($err);
  for my $spec (@specs[ 1 .. $#specs ]) {
    my $d = $drawn{$spec};
    ok($d && !@{ $d->{said} } && $d->{svg} && !$d->{bad} && !$d->{script},
      "$spec.json compiles without a warning and is drawn") or diag($d ? encode_json($d) : $err);
  }
  cmp_ok($drawn{heatmap}{texts}, '>=', $cells, 'a number in every cell');
}

$node->stop;
done_testing();
