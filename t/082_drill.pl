# From every number of the views of a source to the customers behind it, as another role under row-level security: each
# count equals its rows, and nobody sees the customers of others.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('drill');
$node->init(extra => [ '-U', 'postgres', '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', q{
  CREATE EXTENSION retention;
  CREATE ROLE keeper LOGIN; CREATE ROLE tenant_de LOGIN; CREATE ROLE tenant_fr LOGIN; CREATE ROLE no_fee LOGIN;
  CREATE SCHEMA shop AUTHORIZATION keeper;
  GRANT USAGE ON SCHEMA shop TO tenant_de, tenant_fr, no_fee;
  SET ROLE keeper;
  CREATE TABLE shop.sale (customer integer, at timestamptz, plan text, country text, fee numeric);
  INSERT INTO shop.sale SELECT g % 90, timestamptz '2025-01-03' + g * g % 9973 * interval '50 minutes', (ARRAY['a', 'b', NULL])[1 + g % 7 % 3],
    CASE WHEN g % 90 < 60 THEN 'de' ELSE 'fr' END, g % 5 FROM generate_series(1, 600) g;
  CREATE TABLE shop.contract (customer integer, started date, ended date, plan text, country text, fee numeric);
  INSERT INTO shop.contract SELECT g % 90, d, CASE WHEN g % 4 > 0 THEN d + 20 + g % 130 END, (ARRAY['a', 'b', NULL])[1 + g % 7 % 3],
    CASE WHEN g % 90 < 60 THEN 'de' ELSE 'fr' END, g % 5 FROM (SELECT g, date '2025-01-03' + g * 37 % 300 AS d FROM generate_series(1, 140) g) q;
  SELECT retention_source('shop.sales', 'events', 'shop.sale', 'customer', at => 'at', segments => '{plan}', amount => 'fee', grid => 'month; time_zone=UTC');
  SELECT retention_source('shop.contracts', 'subscriptions', 'shop.contract', 'customer', 'started', 'ended', segments => '{plan}', amount => 'fee', grid => 'month; time_zone=UTC', as_of => 'date ''2025-12-10''');
  SELECT retention_create_views('shop.sales'), retention_create_views('shop.contracts');
  GRANT SELECT ON ALL TABLES IN SCHEMA shop TO tenant_de, tenant_fr, no_fee;
  REVOKE SELECT ON shop.sale, shop.contract FROM no_fee;
  GRANT SELECT (customer, at, plan, fee) ON shop.sale TO no_fee;
  GRANT SELECT (customer, started, ended, plan, fee) ON shop.contract TO no_fee;
  ALTER TABLE shop.sale ENABLE ROW LEVEL SECURITY;
  ALTER TABLE shop.contract ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON shop.sale TO tenant_de, tenant_fr USING (country = right(current_user, 2));
  CREATE POLICY own ON shop.contract TO tenant_de, tenant_fr USING (country = right(current_user, 2));
  CREATE POLICY everything ON shop.sale TO no_fee USING (true);
  CREATE POLICY everything ON shop.contract TO no_fee USING (true);
});

sub asked
{
  my ($who, $sql) = @_;
  my ($rc, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $who, '-A', '-t' ]);
  return $rc ? ($err =~ /ERROR:  (.*)/)[0] : $out;
}

# How many counts of a view there are, and how many differ from the rows of the list that explains it.
my %drill = (
  cohorts => q{SELECT count(*), count(*) FILTER (WHERE v.at_risk <> p.at_risk OR v.retained <> p.retained OR p.at_risk IS NULL) FROM shop.%1$s_cohorts v LEFT JOIN LATERAL (
    SELECT count(*) AS at_risk, count(*) FILTER (WHERE standing = 'retained') AS retained FROM shop.%1$s_cohort_customers c WHERE c.segment = 'all' AND c.cohort = v.cohort AND c.period = v.period) p ON true},
  cohorts_by_segment => q{SELECT count(*), count(*) FILTER (WHERE v.at_risk <> p.at_risk OR v.retained <> p.retained) FROM shop.%1$s_cohorts_by_segment v LEFT JOIN LATERAL (
    SELECT count(*) AS at_risk, count(*) FILTER (WHERE standing = 'retained') AS retained FROM shop.%1$s_cohort_customers c
    WHERE c.segment = v.segment AND c.value IS NOT DISTINCT FROM v.value AND c.cohort = v.cohort AND c.period = v.period) p ON true},
  curve => q{SELECT count(*), count(*) FILTER (WHERE v.at_risk <> p.at_risk OR v.retained <> p.retained) FROM shop.%1$s_curve v LEFT JOIN LATERAL (
    SELECT count(*) AS at_risk, count(*) FILTER (WHERE standing = 'retained') AS retained FROM shop.%1$s_cohort_customers c JOIN shop.%1$s_cohorts o USING (cohort, period)
    WHERE c.segment = 'all' AND c.period = v.period AND o.status = 'observed') p ON true},
  flow => q{SELECT count(*), count(*) FILTER (WHERE v.at_start <> p.at_start OR v.lost <> p.lost OR v.gained <> p.gained OR v.at_end <> p.at_end) FROM shop.%1$s_flow v LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE movement IN ('kept', 'lost')) AS at_start, count(*) FILTER (WHERE movement = 'lost') AS lost, count(*) FILTER (WHERE movement = 'gained') AS gained,
      count(*) FILTER (WHERE movement IN ('kept', 'gained', 'reactivated')) AS at_end FROM shop.%1$s_movements c WHERE c.segment = 'all' AND c.period_start = v.period_start) p ON true},
  flow_by_segment => q{SELECT count(*), count(*) FILTER (WHERE v.at_start <> p.at_start OR v.lost <> p.lost) FROM shop.%1$s_flow_by_segment v LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE movement IN ('kept', 'lost')) AS at_start, count(*) FILTER (WHERE movement = 'lost') AS lost FROM shop.%1$s_movements c
    WHERE c.segment = v.segment AND c.value IS NOT DISTINCT FROM v.value AND c.period_start = v.period_start) p ON true},
  segments => q{SELECT count(*), count(*) FILTER (WHERE v.at_start <> p.at_start OR v.kept <> p.kept) FROM shop.%1$s_segments v LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE movement IN ('kept', 'lost')) AS at_start, count(*) FILTER (WHERE movement = 'kept') AS kept FROM shop.%1$s_movements c
    WHERE c.segment = v.segment AND c.value IS NOT DISTINCT FROM v.value AND c.period_start = v.period_start) p ON true},
  customers => q{SELECT 2, count(*) FILTER (WHERE n <> (SELECT count(DISTINCT customer) FROM shop.%1$s_movements)) + count(*) FILTER (WHERE there <> (SELECT at_end FROM shop.%1$s_flow WHERE status = 'partial'))
    FROM (SELECT count(*) AS n, count(*) FILTER (WHERE state <> 'lapsed') AS there FROM shop.%1$s_customers) q},
);
my $seen = q{SELECT min(customer) || '-' || max(customer) || ' ' || count(DISTINCT customer) FROM shop.%s_%s};
my %own  = (tenant_de => '0-59 60', tenant_fr => '60-89 30');

for my $over ('rows', 'kept facts') {
  for my $source ('sales', 'contracts') {
    next if $over eq 'kept facts' && $source eq 'contracts';
    for my $who ('tenant_de', 'tenant_fr') {
      for my $view (sort keys %drill) {
        my ($counts, $differ) = split /\|/, asked($who, sprintf($drill{$view}, $source));
        ok($counts > 1 && $differ eq '0', "$source as $who over $over: each count of $view equals its rows")
          or diag("$counts $differ");
      }
      # Facts are made from all rows: who may read them sees everybody.
      my $expected = $over eq 'rows' ? $own{$who} : '0-89 90';
      is(asked($who, sprintf($seen, $source, $_)), $expected, "$source as $who over $over: whom $_ shows")
        for 'customers', 'movements', 'cohort_customers';
    }
  }
  next if $over eq 'kept facts';
  # Column privileges: those of the source suffice, and all of them are needed, as for its other views.
  for my $view ('customers', 'movements', 'cohort_customers') {
    is(asked('no_fee', sprintf($seen, 'sales', $view)), '0-89 90', "$view with a right to the columns of the source");
  }
  $node->safe_psql('postgres', 'SET ROLE keeper; REVOKE SELECT (fee) ON shop.sale FROM no_fee');
  is(asked('no_fee', "SELECT count(*) FROM shop.sales_$_"), 'permission denied for table sale', "$_ without one of them")
    for 'flow', 'customers', 'movements', 'cohort_customers';

  # The owner keeps facts: readers of the views need a right to them, and then see everybody.
  $node->safe_psql('postgres', "SET ROLE keeper; SELECT retention_materialize('shop.sales')");
  like(asked('tenant_de', sprintf($seen, 'sales', $_)), qr/denied for table sales_(summary|facts)/, "not for all: $_")
    for 'customers', 'movements', 'cohort_customers';
  $node->safe_psql('postgres', 'SET ROLE keeper; GRANT SELECT ON shop.sales_summary TO tenant_de, tenant_fr');
  is(asked('tenant_de', sprintf($seen, 'sales', $_)), 'permission denied for table sales_facts', "nor the summary alone: $_")
    for 'customers', 'movements', 'cohort_customers';
  is(asked('tenant_de', 'SELECT count(*) > 10 FROM shop.sales_cohorts_by_segment'), 't', 'which has no persons');
  $node->safe_psql('postgres', 'SET ROLE keeper; GRANT SELECT ON shop.sales_facts TO tenant_de, tenant_fr');
}

# Trust and ownership: a superuser runs nothing of another role, a reader creates nothing.
like(asked('postgres', "SELECT retention_create_views('shop.contracts')"), qr/belongs to another role/, 'a superuser');
like(asked('tenant_de', "SELECT retention_create_views('shop.contracts')"), qr/belongs to another role/, 'a reader');
like(asked('tenant_de', "SELECT retention_source_set('shop.contracts', list_customers => true)"), qr/belongs to another role/, 'settings');
# A report lists only whom its reader may see.
$node->safe_psql('postgres', "SET ROLE keeper; SELECT retention_source_set('shop.contracts', list_customers => true)");
is(asked('tenant_fr', q{SELECT bool_and((c ->> 'customer')::int BETWEEN 60 AND 89) AND count(*) > 1 FROM retention_report('shop.contracts') r,
  jsonb_array_elements(r -> 'at_risk' -> 'customers' || (r -> 'losses' -> 'customers')) c}), 't', 'a report as a tenant');

$node->stop;
done_testing();
