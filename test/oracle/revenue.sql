-- Revenue by definition: straightforward and slow, from raw rows, without the extension. And random contracts.

-- A thousand sets of contracts of a few customers each: overlaps, gaps, zero and NULL amounts, refunds, three currencies and
-- none, contracts of no length, ends that are not known, renewals at the same price, reasons.
CREATE TABLE oracle_contract AS
SELECT s AS set, CASE WHEN h[1] % 60 > 0 THEN c END AS customer,
  CASE WHEN h[2] % 50 > 0 THEN d.started END AS started,
  CASE h[3] % 8 WHEN 0 THEN NULL WHEN 1 THEN d.started + 31 WHEN 2 THEN d.started + (h[4] % 3)::int ELSE d.started + (h[4] % 200)::int END AS ended,
  CASE h[5] % 12 WHEN 0 THEN NULL WHEN 1 THEN 0 WHEN 2 THEN -(h[6] % 40) WHEN 3 THEN (h[6] % 100) / 4.0 WHEN 4 THEN 10.001 ELSE h[6] % 5 * 10 END AS amount,
  CASE WHEN s % 3 = 0 THEN NULL ELSE (ARRAY['EUR', 'EUR', 'EUR', 'USD', 'gbp', NULL])[1 + h[7] % 6] END AS currency,
  CASE h[8] % 3 WHEN 0 THEN true WHEN 1 THEN false END AS involuntary
FROM generate_series(1, 1000) s, generate_series(1, 5) c, generate_series(1, 5) n,
  LATERAL (SELECT array_agg(abs(hashint8extended(s * 1000 + c * 10 + n, i)) ORDER BY i) FROM generate_series(1, 9) i) x (h),
  LATERAL (SELECT date '2024-01-01' + (h[9] % CASE c WHEN 1 THEN 12 ELSE 60 END * CASE c WHEN 1 THEN 31 ELSE 7 END)::int AS started) d
WHERE n <= 1 + (s + c) % 5;

-- What happened at each moment to each customer in each currency, and what it is.
CREATE FUNCTION oracle_changes(gap interval, as_of date) RETURNS TABLE (set int, customer bigint, currency text, at date,
  before numeric, after numeric, contracts bigint, movement text, voluntary boolean, involuntary boolean)
LANGUAGE sql STABLE AS $$
  WITH contract AS (
    SELECT c.set, c.customer, coalesce(c.currency, '(none)') AS currency, c.started, CASE WHEN c.ended < $2 OR $2 IS NULL THEN c.ended END AS ended,
      coalesce(c.amount, 0) AS amount, c.involuntary
    FROM oracle_contract AS c
    WHERE c.customer IS NOT NULL AND c.started IS NOT NULL AND coalesce(c.started < $2, true) AND c.started IS DISTINCT FROM c.ended),
  moment AS (
    SELECT e.set, e.customer, e.currency, e.at, sum(e.change) AS change, sum(e.n)::bigint AS n, bool_or(NOT e.involuntary) AS voluntary, bool_or(e.involuntary) AS involuntary
    FROM (SELECT c.set, c.customer, c.currency, c.started AS at, c.amount AS change, 1 AS n, NULL::boolean AS involuntary FROM contract AS c
      UNION ALL SELECT c.set, c.customer, c.currency, c.ended, -c.amount, -1, c.involuntary FROM contract AS c WHERE c.ended IS NOT NULL) AS e
    GROUP BY 1, 2, 3, 4),
  level AS (
    SELECT m.*, sum(m.change) OVER w AS after, sum(m.change) OVER w - m.change AS before, (sum(m.n) OVER w)::bigint AS contracts
    FROM moment AS m WINDOW w AS (PARTITION BY m.set, m.customer, m.currency ORDER BY m.at)),
  gone AS (
    SELECT l.*, max(l.at) FILTER (WHERE l.before > 0 AND l.after <= 0) OVER (PARTITION BY l.set, l.customer, l.currency ORDER BY l.at
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS left_at
    FROM level AS l)
  SELECT g.set, g.customer, g.currency, g.at, g.before, g.after, g.contracts,
    CASE WHEN g.change = 0 THEN NULL
      WHEN g.before <= 0 AND g.after > 0 THEN CASE WHEN g.left_at IS NULL OR g.at > g.left_at + $1 THEN 'new' ELSE 'reactivation' END
      WHEN g.before > 0 AND g.after <= 0 THEN 'churn' WHEN g.after > g.before THEN 'expansion' ELSE 'contraction' END,
    coalesce(g.voluntary, false), coalesce(g.involuntary, false)
  FROM gone AS g
$$;

CREATE FUNCTION oracle_revenue(gap interval, as_of date, first date, until date, step interval) RETURNS TABLE (
  set int, grain text, period_start date, period_end date, status text, currency text, opening_mrr numeric, new_mrr numeric,
  reactivation_mrr numeric, expansion_mrr numeric, contraction_mrr numeric, churned_mrr numeric, closing_mrr numeric,
  opening_customers bigint, new_customers bigint, reactivated_customers bigint, expanded_customers bigint,
  contracted_customers bigint, churned_customers bigint, closing_customers bigint, net_revenue_retention numeric,
  nrr_low numeric, nrr_high numeric, gross_revenue_retention numeric, grr_low numeric, grr_high numeric,
  gross_mrr_churn_rate numeric, net_mrr_churn_rate numeric, quick_ratio numeric, arpa numeric, unpaid_customers bigint,
  voluntary_mrr numeric, involuntary_mrr numeric)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  DROP TABLE IF EXISTS oracle_change, oracle_step, oracle_moved, oracle_end;
  CREATE TEMP TABLE oracle_change AS SELECT * FROM oracle_changes(gap, $2);
  CREATE INDEX ON oracle_change (set, customer, currency, at);
  -- the periods that each set has
  CREATE TEMP TABLE oracle_step AS
  SELECT k.set, k.currency, p.p::date AS period_start, (p.p + step)::date AS period_end,
    CASE WHEN (p.p + step)::date > k.known THEN 'partial' ELSE 'observed' END AS status
  FROM (SELECT c.set, c.currency, coalesce($2, max(max(c.at)) OVER (PARTITION BY c.set) + 1) AS known
    FROM (SELECT set, currency, at FROM oracle_change UNION ALL
      SELECT set, coalesce(currency, '(none)'), unnest(ARRAY[started, ended]) FROM oracle_contract
      WHERE $2 IS NULL AND customer IS NOT NULL AND started IS NOT NULL AND started IS DISTINCT FROM ended) AS c
    GROUP BY c.set, c.currency) AS k,
    generate_series(first, until - step, step) AS p (p)
  WHERE p.p::date < k.known;
  -- the customers at the ends of periods
  CREATE TEMP TABLE oracle_end AS
  SELECT s.*, u.customer, coalesce(o.after, 0) AS o, coalesce(c.after, 0) AS c, coalesce(c.contracts, 0) AS contracts, r.movement AS returned,
    l.voluntary, l.involuntary
  FROM oracle_step AS s
    JOIN (SELECT DISTINCT set, customer, currency FROM oracle_change) AS u USING (set, currency)
    LEFT JOIN LATERAL (SELECT x.after FROM oracle_change AS x WHERE x.set = s.set AND x.customer = u.customer AND x.currency = s.currency
      AND x.at < s.period_start ORDER BY x.at DESC LIMIT 1) AS o ON true
    LEFT JOIN LATERAL (SELECT x.after, x.contracts FROM oracle_change AS x WHERE x.set = s.set AND x.customer = u.customer
      AND x.currency = s.currency AND x.at < s.period_end ORDER BY x.at DESC LIMIT 1) AS c ON true
    LEFT JOIN LATERAL (SELECT x.movement FROM oracle_change AS x WHERE x.set = s.set AND x.customer = u.customer AND x.currency = s.currency
      AND x.at >= s.period_start AND x.at < s.period_end AND x.movement IN ('new', 'reactivation') ORDER BY x.at LIMIT 1) AS r ON true
    LEFT JOIN LATERAL (SELECT x.voluntary, x.involuntary FROM oracle_change AS x WHERE x.set = s.set AND x.customer = u.customer
      AND x.currency = s.currency AND x.at >= s.period_start AND x.at < s.period_end AND x.movement = 'churn' ORDER BY x.at DESC LIMIT 1) AS l ON true;
  -- movements in both grains
  CREATE TEMP TABLE oracle_moved AS
  SELECT 'net' AS grain, e.set, e.currency, e.period_start, e.o, e.c, e.voluntary, e.involuntary,
    CASE WHEN e.o = e.c THEN NULL WHEN e.o <= 0 AND e.c > 0 THEN e.returned WHEN e.o > 0 AND e.c <= 0 THEN 'churn'
      WHEN e.c > e.o THEN 'expansion' ELSE 'contraction' END AS movement
  FROM oracle_end AS e
  UNION ALL
  SELECT 'event', x.set, x.currency, s.period_start, x.before, x.after, x.voluntary, x.involuntary, x.movement
  FROM oracle_step AS s JOIN oracle_change AS x ON x.set = s.set AND x.currency = s.currency AND x.at >= s.period_start AND x.at < s.period_end;
  RETURN QUERY
  WITH ends AS (
    SELECT e.set, e.currency, e.period_start, sum(e.o) AS opening, sum(e.c) AS closing, count(*) FILTER (WHERE e.o > 0) AS n,
      count(*) FILTER (WHERE e.c > 0) AS m, count(*) FILTER (WHERE e.contracts > 0 AND e.c <= 0) AS unpaid,
      sum(e.o) FILTER (WHERE e.o > 0) AS so, sum(e.c) FILTER (WHERE e.o > 0) AS sc, sum(least(e.o, e.c)) FILTER (WHERE e.o > 0) AS sg,
      sum(e.o * e.o) FILTER (WHERE e.o > 0) AS soo, sum(e.c * e.c) FILTER (WHERE e.o > 0) AS scc,
      sum(least(e.o, e.c) ^ 2) FILTER (WHERE e.o > 0) AS sgg, sum(e.o * e.c) FILTER (WHERE e.o > 0) AS soc,
      sum(e.o * least(e.o, e.c)) FILTER (WHERE e.o > 0) AS sog
    FROM oracle_end AS e GROUP BY 1, 2, 3),
  moved AS (
    SELECT g.grain, s.set, s.currency, s.period_start, s.period_end, s.status,
      coalesce(sum(m.c - m.o) FILTER (WHERE m.movement = 'new'), 0) AS new, coalesce(sum(m.c - m.o) FILTER (WHERE m.movement = 'reactivation'), 0) AS reactivation,
      coalesce(sum(m.c - m.o) FILTER (WHERE m.movement = 'expansion'), 0) AS expansion, coalesce(sum(m.o - m.c) FILTER (WHERE m.movement = 'contraction'), 0) AS contraction,
      coalesce(sum(m.o - m.c) FILTER (WHERE m.movement = 'churn'), 0) AS churned,
      coalesce(sum(m.o - m.c) FILTER (WHERE m.movement = 'churn' AND m.voluntary), 0) AS voluntary,
      coalesce(sum(m.o - m.c) FILTER (WHERE m.movement = 'churn' AND m.involuntary AND NOT m.voluntary), 0) AS involuntary,
      count(*) FILTER (WHERE m.movement = 'new') AS n_new, count(*) FILTER (WHERE m.movement = 'reactivation') AS n_reactivation,
      count(*) FILTER (WHERE m.movement = 'expansion' AND m.o > 0) AS n_expansion, count(*) FILTER (WHERE m.movement = 'contraction' AND m.o > 0) AS n_contraction,
      count(*) FILTER (WHERE m.movement = 'churn') AS n_churned
    FROM (VALUES ('net'), ('event')) AS g (grain) CROSS JOIN oracle_step AS s
      LEFT JOIN oracle_moved AS m ON m.grain = g.grain AND m.set = s.set AND m.currency = s.currency AND m.period_start = s.period_start
    GROUP BY 1, 2, 3, 4, 5, 6)
  SELECT q.set, q.grain, q.period_start, q.period_end, q.status, q.currency, e.opening, q.new, q.reactivation, q.expansion, q.contraction, q.churned,
    e.closing, e.n, q.n_new, q.n_reactivation, q.n_expansion, q.n_contraction, q.n_churned, e.m,
    CASE WHEN x.over THEN round(100 * e.sc / e.so, 10) END,
    CASE WHEN x.over AND e.n > 1 THEN round(round(100 * (e.sc / e.so - 1.959963984540054 * sqrt((e.scc - 2 * e.sc / e.so * e.soc + (e.sc / e.so) ^ 2 * e.soo) / ((e.n - 1) * e.n * (e.so / e.n) ^ 2))), 6), 4) END,
    CASE WHEN x.over AND e.n > 1 THEN round(round(100 * (e.sc / e.so + 1.959963984540054 * sqrt((e.scc - 2 * e.sc / e.so * e.soc + (e.sc / e.so) ^ 2 * e.soo) / ((e.n - 1) * e.n * (e.so / e.n) ^ 2))), 6), 4) END,
    CASE WHEN x.over THEN round(100 * e.sg / e.so, 10) END,
    CASE WHEN x.over AND e.n > 1 THEN round(round(100 * (e.sg / e.so - 1.959963984540054 * sqrt((e.sgg - 2 * e.sg / e.so * e.sog + (e.sg / e.so) ^ 2 * e.soo) / ((e.n - 1) * e.n * (e.so / e.n) ^ 2))), 6), 4) END,
    CASE WHEN x.over AND e.n > 1 THEN round(round(100 * (e.sg / e.so + 1.959963984540054 * sqrt((e.sgg - 2 * e.sg / e.so * e.sog + (e.sg / e.so) ^ 2 * e.soo) / ((e.n - 1) * e.n * (e.so / e.n) ^ 2))), 6), 4) END,
    CASE WHEN q.status = 'observed' AND e.opening > 0 THEN round(100 * (q.churned + q.contraction) / e.opening, 10) END,
    CASE WHEN q.status = 'observed' AND e.opening > 0 THEN round(100 * (q.churned + q.contraction - q.expansion - q.reactivation) / e.opening, 10) END,
    CASE WHEN q.status = 'observed' AND q.churned + q.contraction > 0 THEN round((q.new + q.expansion) / (q.churned + q.contraction), 10) END,
    CASE WHEN q.status = 'observed' AND e.m > 0 THEN round(e.closing / e.m, 10) END, e.unpaid, q.voluntary, q.involuntary
  FROM moved AS q JOIN ends AS e USING (set, currency, period_start), LATERAL (SELECT q.status = 'observed' AND e.n > 0 AS over) AS x;
END $$;

