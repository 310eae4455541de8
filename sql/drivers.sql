-- Churn drivers and reasons for leaving. Figures of R come from test/drivers/figures.R.
SET client_min_messages = warning;
-- Under valgrind the longest tests do less (script/test --valgrind): 1 is the whole.
SELECT coalesce(nullif(current_setting('retention_test.thin', true), ''), '1')::integer AS thin \gset
\set helpers_file `echo "${PG_ABS_SRCDIR:-.}/test/helpers.sql"`
\set ECHO none
\i :helpers_file
\set ECHO all

--
-- A small table whose figures R has
--
CREATE TABLE small_customer AS
SELECT plan, kept_or_not = 2 AS churned, seats FROM
    (VALUES ('basic', 3, 30, 20), ('plus', 5, 45, 10), ('premium', 8, 25, 1), (NULL, 2, 7, 0)) v (plan, seats, kept, churned),
    LATERAL (SELECT 1 AS kept_or_not FROM generate_series(1, kept) UNION ALL SELECT 2 FROM generate_series(1, v.churned)) w;
CREATE TABLE small_state AS SELECT churn_drivers(churned, a) s FROM small_customer c, LATERAL (SELECT c.plan, c.seats > 4 AS many_seats) a;
SELECT attribute, value, customers, round(share, 4) AS share, churned, round(churn_rate, 4) AS churn_rate, ci_low, ci_high FROM small_state, driver_table(s);
SELECT attribute, value, round(risk_ratio::numeric, 6) AS risk_ratio, round(risk_ratio_low::numeric, 6) AS low, round(risk_ratio_high::numeric, 6) AS high,
    round(lift::numeric, 6) AS lift, round(min_expected::numeric, 6) AS min_expected, note FROM small_state, driver_table(s);
SELECT attribute, "values", round(chi2::numeric, 9) AS chi2, df, round(p_value::numeric, 12) AS p_value, round(p_adjusted::numeric, 12) AS p_adjusted,
    round(cramers_v::numeric, 9) AS v, round(cramers_v_corrected::numeric, 9) AS v_corrected, round(information_value::numeric, 9) AS iv, note
FROM small_state, driver_ranking(s);
SELECT * FROM small_state, driver_summary(s);
-- R: chisq.test(correct = FALSE), p.adjust(method = "BH"), and the formulas of Bergsma and Koopman written out in R
SELECT attribute, near(chi2, r_chi2) AS chi2, near(p_value, r_p) AS p, near(p_adjusted, r_adjusted) AS adjusted, near(cramers_v, r_v) AS v,
    near(cramers_v_corrected, r_corrected) AS corrected, near(information_value, r_iv) AS iv
FROM small_state, driver_ranking(s) JOIN (VALUES
    ('plan', 16.56211801463535, 0.0002532688444049581, 0.0005065376888099163, 0.3464323136373688, 0.3258710348785509, 0.9241449041661646),
    ('many_seats', 8.885302896473423, 0.002874753468921702, 0.002874753468921702, 0.2537444637287596, 0.2398056296805263, 0.3698421555169218)
) r (attribute, r_chi2, r_p, r_adjusted, r_v, r_corrected, r_iv) USING (attribute);
SELECT value, abs(risk_ratio_low - r_low) < 1e-6 * r_low AS low, abs(risk_ratio_high - r_high) < 1e-6 * r_high AS high
FROM small_state, driver_table(s) t JOIN (VALUES
    ('basic', 1.695723153657767, 6.089128893862939),
    ('plus', 0.3660610853410415, 1.36924549723149),
    ('premium', 0.02504254045167692, 0.7284843130888522)
) r (value, r_low, r_high) USING (value) WHERE attribute = 'plan';
-- The example of Koopman 1984: 36 of 40 against 16 of 80, a ratio of 4.5, 95 per cent limits 2.94 and 7.15
SELECT round(risk_ratio::numeric, 2) AS ratio, round(risk_ratio_low::numeric, 2) AS low, round(risk_ratio_high::numeric, 2) AS high
FROM (SELECT churn_drivers(CASE sample WHEN 'one' THEN i <= 36 ELSE i <= 56 END, a)
      FROM generate_series(1, 120) i, LATERAL (SELECT CASE WHEN i <= 40 THEN 'one' ELSE 'other' END AS sample) a) q (s), driver_table(s) WHERE value = 'one';

--
-- Against plain SQL: every count of every attribute, of random customers
--
-- random numbers 0..1, the same on every server version
CREATE FUNCTION any_of(i bigint, seed bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8extended(i, seed) & 1073741823) / 1073741824.0 $$;
CREATE TYPE size_kind AS ENUM ('small', 'middle', 'large');
CREATE DOMAIN kind_of_text AS varchar(20);
CREATE TABLE customer AS
SELECT i AS id, CASE WHEN any_of(i, 1) < 0.02 THEN NULL ELSE any_of(i, 2) < 0.15 + 0.25 * (contract = 'monthly')::int END AS churned, c.*
FROM generate_series(1, 6000) i, LATERAL (SELECT
    (ARRAY['monthly', 'yearly', 'a contract of more than sixteen bytes', 'two years', '', NULL])[ceil(any_of(i, 3) * 6)] AS contract,
    (ARRAY['search', 'partner', 'x'])[ceil(any_of(i, 4) * 3)]::kind_of_text AS channel,
    (ARRAY['a', 'bc', 'bc '])[ceil(any_of(i, 5) * 3)]::char(4) AS code,
    (ARRAY['small', 'middle', 'large', NULL])[ceil(any_of(i, 6) * 4)]::size_kind AS size,
    any_of(i, 7) < 0.3 AS trial, floor(any_of(i, 8) * 5)::int2 AS products, floor(any_of(i, 9) * 80)::int4 AS months, floor(any_of(i, 10) * 1e12)::int8 - 500000000000 AS balance,
    round((any_of(i, 11) * 100)::numeric, 1) AS fee, (ARRAY[0.1, 0.2, 1.5])[ceil(any_of(i, 12) * 3)]::real AS score,
    CASE WHEN any_of(i, 13) < 0.2 THEN 0 ELSE exp(12 * any_of(i, 14) - 6) END AS use, 'id ' || i AS name) c;
CREATE TABLE state AS SELECT churn_drivers(churned, a) s FROM customer c,
    LATERAL (SELECT c.contract, c.channel, c.code, c.size, c.trial, c.products, c.months, c.balance, c.fee, c.score, c.use, c.name) a;
CREATE VIEW long_customer AS
SELECT churned, attribute, value FROM customer, LATERAL (VALUES ('contract', contract), ('channel', channel), ('code', code::text), ('size', size::text), ('trial', trial::text),
    ('products', products::text), ('score', score::text)) v (attribute, value) WHERE churned IS NOT NULL;
SELECT count(*) AS values, count(*) FILTER (WHERE (t.customers, t.churned) IS NOT DISTINCT FROM (o.customers, o.churned)
    AND t.share = trim_scale(100 * o.customers::numeric / total) AND t.churn_rate = trim_scale(100 * o.churned::numeric / o.customers)
    AND (t.ci_low, t.ci_high) = (SELECT low, high FROM rate_interval(o.churned, o.customers))
    AND near(t.lift, (o.churned::float8 / o.customers) / (total_churned::float8 / total))
    AND near(t.risk_ratio, (o.churned::float8 / o.customers) / ((total_churned - o.churned)::float8 / (total - o.customers)))) AS same
FROM (SELECT attribute, value, count(*) AS customers, count(*) FILTER (WHERE churned) AS churned FROM long_customer GROUP BY 1, 2) o
    FULL JOIN (SELECT d.* FROM state, driver_table(s) d WHERE attribute NOT IN ('months', 'balance', 'fee', 'use', 'name')) t
    ON o.attribute = t.attribute AND o.value IS NOT DISTINCT FROM t.value,
    (SELECT count(*) AS total, count(*) FILTER (WHERE churned) AS total_churned FROM customer WHERE churned IS NOT NULL) n;
SELECT d.customers = count(c.churned) AS customers, d.churned = count(*) FILTER (WHERE c.churned) AS churned, d.unknown = count(*) - count(c.churned) AS unknown, attributes
FROM customer c, state, driver_summary(s) d GROUP BY d.customers, d.churned, d.unknown, attributes;
-- bands of integers of few values, many values, of numbers of few and of many, with a share of zeros; a text of too many values
SELECT attribute, value, customers, churned, note FROM state, driver_table(s) WHERE attribute IN ('months', 'balance', 'fee', 'use', 'name');
-- their counts are those between their edges; bands of exact values are those of the rank
SELECT attribute, count(*) AS bands, count(*) FILTER (WHERE t.customers = o.customers AND t.churned = o.churned) AS same
FROM (SELECT d.*, CASE WHEN value LIKE '% to %' THEN split_part(value, ' to ', 1)::numeric ELSE split_part(translate(value, '[])', ''), ',', 1)::numeric END AS low,
        CASE WHEN value LIKE '% to %' THEN split_part(value, ' to ', 2)::numeric ELSE split_part(translate(value, '[])', ''), ',', 2)::numeric END AS high
      FROM state, driver_table(s) d WHERE attribute IN ('months', 'balance', 'fee', 'use')) t,
    LATERAL (SELECT count(*) AS customers, count(*) FILTER (WHERE c.churned) AS churned FROM customer c,
        LATERAL (SELECT CASE t.attribute WHEN 'months' THEN months WHEN 'balance' THEN balance WHEN 'fee' THEN fee ELSE use END::numeric AS x) x
        WHERE c.churned IS NOT NULL AND x >= low AND CASE WHEN t.value LIKE '%)' THEN x < high ELSE x <= high END) o
GROUP BY attribute ORDER BY attribute COLLATE "C";
SELECT count(*) AS bands, count(*) FILTER (WHERE t.customers = o.customers) AS same
FROM (SELECT row_number() OVER () AS n, * FROM state, driver_table(s) WHERE attribute = 'months') t
    FULL JOIN (SELECT row_number() OVER (ORDER BY min(months)) AS n, count(*) AS customers
        FROM (SELECT months, floor(10 * (rank() OVER (ORDER BY months) - 1) / count(*) OVER ()) AS band FROM customer WHERE churned IS NOT NULL) q GROUP BY band) o USING (n);
-- the ranking
SELECT attribute, "values", df, p_value < 1e-6 AS clear, p_adjusted >= p_value AS adjusted, note FROM state, driver_ranking(s);
SELECT count(*) AS attributes, count(*) FILTER (WHERE near(chi2, o_chi2) AND "values" = o_values AND near(cramers_v, sqrt(o_chi2 / n))
    AND near(cramers_v_corrected, sqrt(greatest(0, o_chi2 / n - (o_values - 1) / (n - 1)) / (1 - 1 / (n - 1))))
    AND near(information_value, o_iv)) AS same
FROM state, driver_ranking(s) JOIN (SELECT attribute, count(*) AS o_values, sum((c - e) ^ 2 / e + (k - (c + k - e)) ^ 2 / (c + k - e)) AS o_chi2,
        sum((c / total_c - k / total_k) * ln((c / total_c) / (k / total_k))) AS o_iv, (total_c + total_k)::float8 AS n
    FROM (SELECT attribute, value, (count(*) FILTER (WHERE churned))::float8 AS c, (count(*) FILTER (WHERE NOT churned))::float8 AS k FROM long_customer GROUP BY 1, 2) q,
        (SELECT (count(*) FILTER (WHERE churned))::float8 AS total_c, (count(*) FILTER (WHERE NOT churned))::float8 AS total_k FROM customer) t,
        LATERAL (SELECT (c + k) * total_c / (total_c + total_k) AS e) e
    GROUP BY attribute, total_c, total_k) o USING (attribute);
-- p-values adjusted: Benjamini and Hochberg in SQL
SELECT count(*) AS tests, count(*) FILTER (WHERE near(p_adjusted, o_adjusted)) AS same
FROM (SELECT p_adjusted, min(p_value * n / rank) OVER (ORDER BY p_value DESC, rank DESC) AS o_adjusted
    FROM (SELECT *, row_number() OVER (ORDER BY p_value) AS rank, count(*) OVER () AS n FROM state, driver_ranking(s) WHERE df > 0) q) r;

-- odds ratios: R's glm of one 0/1 covariate; the weight of evidence, and its sum; a value nobody or everybody of which churned
SELECT value, near(odds_ratio, r_ratio) AS ratio, near(odds_ratio_low, r_low) AS low, near(odds_ratio_high, r_high) AS high
FROM small_state, driver_table(s) JOIN (VALUES
    ('basic', 4.666666666666669, 1.998442828171914, 10.89737343034183),
    ('plus', 0.6560846560846564, 0.2817639285616289, 1.527686947534777),
    ('premium', 0.1093333333333333, 0.01418720334400221, 0.8425746419452956)
) r (value, r_ratio, r_low, r_high) USING (value) WHERE attribute = 'plan';
SELECT value, round(odds_ratio::numeric, 6) AS odds_ratio, round(odds_ratio_low::numeric, 6) AS low, round(odds_ratio_high::numeric, 6) AS high, round(weight_of_evidence::numeric, 6) AS woe
FROM small_state, driver_table(s) WHERE attribute = 'plan';
SELECT count(*) AS attributes, count(*) FILTER (WHERE near(iv, information_value)) AS same FROM state, LATERAL (SELECT t.attribute,
    sum((t.churned::float8 / d.churned - (t.customers - t.churned)::float8 / (d.customers - d.churned)) * weight_of_evidence) AS iv
    FROM driver_table(s) t, driver_summary(s) d GROUP BY 1) v JOIN LATERAL driver_ranking(s) r USING (attribute) WHERE r.note IS NULL OR r.note = 'in bands';
SELECT value, churned, customers - churned AS kept, round(odds_ratio::numeric, 4) AS odds_ratio, round(odds_ratio_low::numeric, 4) AS low, round(odds_ratio_high::numeric, 4) AS high, round(weight_of_evidence::numeric, 6) AS woe
FROM (SELECT churn_drivers(i % 2 = 0 AND v < 'c' OR v = 'd', v) s FROM generate_series(1, 40) i, LATERAL (SELECT chr(97 + i / 11) AS v) q) q, driver_table(s);
-- numbers as churn scores: Mann and Whitney's count and the distance of the two distributions, pair by pair and in R
SELECT attribute, round(auc::numeric, 6) AS auc, round(ks::numeric, 6) AS ks FROM state, driver_ranking(s) ORDER BY attribute COLLATE "C";
SELECT attribute, near(r.auc, o.auc) AS auc, near(r.ks, o.ks) AS ks FROM state, driver_ranking(s) r JOIN LATERAL (
    SELECT attribute, sum((churned AND f.kept_at IS NOT NULL)::int * (f.kept_before + f.kept_at / 2.0))::float8 / max(f.kept) / max(f.gone) AS auc, max(abs(f.gone_until / f.gone - f.kept_until / f.kept)) AS ks
    FROM (SELECT attribute, churned, count(*) FILTER (WHERE NOT churned) OVER at AS kept_at, count(*) FILTER (WHERE NOT churned) OVER before AS kept_before,
            (count(*) FILTER (WHERE NOT churned) OVER until)::float8 AS kept_until, (count(*) FILTER (WHERE churned) OVER until)::float8 AS gone_until,
            (count(*) FILTER (WHERE NOT churned) OVER all_of)::float8 AS kept, (count(*) FILTER (WHERE churned) OVER all_of)::float8 AS gone
        FROM customer, LATERAL (VALUES ('products', products::float8), ('months', months), ('fee', fee), ('score', score)) v (attribute, x) WHERE churned IS NOT NULL
        WINDOW at AS (PARTITION BY attribute, x), until AS (PARTITION BY attribute ORDER BY x), all_of AS (PARTITION BY attribute),
            before AS (PARTITION BY attribute ORDER BY x RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP)) f GROUP BY attribute) o USING (attribute) ORDER BY 1;
SELECT near(auc, 0.3405185408501658) AS auc, near(ks, 0.2993668977992162) AS ks FROM (SELECT churn_drivers(churned, seats) s FROM small_customer) q, driver_ranking(s);
-- more than 1000 numbers are cut to three digits: nearly the same
SELECT abs(r.auc - e.auc) < 0.001 AS auc, abs(r.ks - e.ks) < 0.005 AS ks FROM state, driver_ranking(s) r,
    (SELECT auc, ks FROM (SELECT churn_drivers(churned, rank) s FROM (SELECT churned, floor(rank() OVER (ORDER BY use) / 6.01) AS rank FROM customer WHERE churned IS NOT NULL) q) q, driver_ranking(s)) e
WHERE attribute = 'use';
-- all churned, one value, no numbers, NULL and NaN among them, infinities
SELECT what, auc, ks FROM (VALUES ('all churned', (SELECT churn_drivers(true, i) FROM generate_series(1, 9) i)), ('one value', (SELECT churn_drivers(i > 3, 7) FROM generate_series(1, 9) i)),
    ('no numbers', (SELECT churn_drivers(i > 3, CASE i % 2 WHEN 0 THEN 'NaN'::float8 END) FROM generate_series(1, 9) i)),
    ('some', (SELECT churn_drivers(i > 3, CASE i WHEN 1 THEN 'NaN'::float8 WHEN 2 THEN '-infinity' WHEN 3 THEN 5 WHEN 4 THEN NULL WHEN 9 THEN 'infinity' ELSE 5 END) FROM generate_series(1, 9) i)),
    ('unknown', (SELECT churn_drivers(NULL, i) FROM generate_series(1, 9) i))) v (what, s), driver_ranking(s);

--
-- Edges: one row, one value, nobody or everybody churned, an empty cell, no rows
--
SELECT d.* FROM (SELECT churn_drivers(c, a) FROM (VALUES (true, 1)) v (c, x), LATERAL (SELECT v.x) a) q (s), driver_table(s) d;
SELECT d.* FROM (SELECT churn_drivers(c, a) FROM (VALUES (true, 1)) v (c, x), LATERAL (SELECT v.x) a) q (s), driver_ranking(s) d;
SELECT d.* FROM (SELECT churn_drivers(c, a) FROM (VALUES (false, 1), (false, 2)) v (c, x), LATERAL (SELECT v.x, 1 AS one) a) q (s), driver_ranking(s) d;
SELECT attribute, value, churn_rate, risk_ratio, risk_ratio_low, risk_ratio_high, lift, min_expected
FROM (SELECT churn_drivers(c, a) FROM (VALUES (false, 1), (false, 2)) v (c, x), LATERAL (SELECT v.x, 1 AS one) a) q (s), driver_table(s) d;
SELECT attribute, note FROM (SELECT churn_drivers(true, a) FROM (VALUES (1), (2)) v (x), LATERAL (SELECT v.x) a) q (s), driver_ranking(s) d;
SELECT "values", note FROM (SELECT churn_drivers(i % 2 = 0 AND i > 10, a) FROM generate_series(1, 40) i, LATERAL (SELECT i > 10 AS x) a) q (s), driver_ranking(s) d;
SELECT value, churned, risk_ratio, round(risk_ratio_low::numeric, 6) AS risk_ratio_low, round(risk_ratio_high::numeric, 6) AS risk_ratio_high FROM
    (SELECT churn_drivers(i % 2 = 0 AND i > 10, a) FROM generate_series(1, 40) i, LATERAL (SELECT i > 10 AS x) a) q (s), driver_table(s) d;
SELECT value, risk_ratio, round(risk_ratio_low::numeric, 6) AS risk_ratio_low, round(risk_ratio_high::numeric, 6) AS risk_ratio_high FROM
    (SELECT churn_drivers(true, a) FROM generate_series(1, 30) i, LATERAL (SELECT i < 10 AS x) a) q (s), driver_table(s) d;
SELECT churn_drivers(true, a) IS NULL AS nothing FROM (SELECT 1 AS x WHERE false) a;
SELECT count(*) FROM driver_table(NULL);
SELECT d.* FROM (SELECT churn_drivers(NULL, a) FROM (VALUES (1), (2)) v (x), LATERAL (SELECT v.x) a) q (s), driver_summary(s) d;
SELECT count(*) FROM (SELECT churn_drivers(NULL, a) FROM (VALUES (1), (2)) v (x), LATERAL (SELECT v.x) a) q (s), driver_table(s) d;
SELECT d.attribute, "values", note FROM (SELECT churn_drivers(NULL, a) FROM (VALUES (1), (2)) v (x), LATERAL (SELECT v.x) a) q (s), driver_ranking(s) d;
-- a whole row, an unnamed row, dropped columns
CREATE TABLE dropped (gone date, plan text, seats int);
ALTER TABLE dropped DROP gone;
INSERT INTO dropped VALUES ('plus', 1), ('basic', 2);
SELECT attribute, value, customers FROM (SELECT churn_drivers(seats = 1, dropped) FROM dropped) q (s), driver_table(s);
SELECT attribute, value, customers FROM (SELECT churn_drivers(true, ROW('x', 1.50, 2::float4, true))) q (s), driver_table(s);
-- one value instead of a record: the answers of a record with that column, by type; a NULL is a value
CREATE TABLE mixed AS SELECT i % 3 = 0 AS churned, i % 7 AS months, (ARRAY['basic', 'plus', NULL])[1 + i % 3] AS t,
  ('c' || i % 4)::varchar AS v, ('c' || i % 4)::char(5) AS c, i % 2 = 0 AS b, (i % 5)::smallint AS i2, i % 6 AS i4,
    (i % 7)::bigint AS i8, i % 8 / 2.0 AS n, (i % 9 / 10.0)::real AS f4, (i % 9 / 10.0)::float8 AS f8,
      (ARRAY['small', 'large']::size_kind[])[1 + i % 2] AS e, date '2025-01-01' + i % 4 AS d,
      ('k' || i % 3)::kind_of_text AS dom
FROM generate_series(1, 600) i;
CREATE FUNCTION both_ways(columns text[]) RETURNS TABLE (attribute text, same boolean, same_survival boolean, "values" text) LANGUAGE plpgsql AS $$ DECLARE c text; BEGIN
  FOREACH c IN ARRAY columns LOOP
    RETURN QUERY EXECUTE format('SELECT %1$L, churn_drivers(churned, %1$I)::text = (SELECT churn_drivers(churned, a)::text FROM mixed m, LATERAL (SELECT m.%1$I AS attribute) a),
      survival_drivers(months, churned, %1$I)::text = (SELECT survival_drivers(months, churned, a)::text
        FROM mixed m, LATERAL (SELECT m.%1$I AS attribute) a),
      (SELECT string_agg(value, '' '') FROM driver_table(churn_drivers(churned, %1$I))) FROM mixed', c);
  END LOOP; END $$;
SELECT * FROM both_ways(ARRAY['t', 'v', 'c', 'b', 'i2', 'i4', 'i8', 'n', 'f4', 'f8', 'e', 'd', 'dom']);
SELECT t.attribute, t.value, t.churned FROM (SELECT churn_drivers(true, NULL::text)
  UNION ALL SELECT churn_drivers(true, 'a literal')) q (s), driver_table(s) t;
-- columns of any other type are their text
SELECT t.attribute, t.value, t.customers FROM (SELECT churn_drivers(true, a) s FROM generate_series(1, 2) i,
  LATERAL (SELECT make_date(2025, i, 1) AS since, ARRAY[i, 2] AS list, '10.0.0.1'::inet AS ip,
  interval '1 hour' AS span) a) q, driver_table(s) t;
-- churn itself among the attributes is noted
SELECT attribute, cramers_v = 1 AS perfect, note FROM (SELECT churn_drivers(churned, m) s FROM (SELECT churned, b,
  NOT churned AS stayed, i4 FROM mixed) m) q, driver_ranking(s);
-- reasons of any type
SELECT churn_reasons(e)::text = churn_reasons(e::text)::text AS e,
  churn_reasons(i4)::text = churn_reasons(i4::text)::text AS i4,
  churn_reasons(b)::text = churn_reasons(b::text)::text AS b FROM mixed;
-- numbers that are equal are one value; -0, NaN and infinities; extremes
SELECT value, customers FROM (SELECT churn_drivers(true, a) FROM unnest('{1.0,1.00,1,1e0,0,-0,NaN,Infinity,-Infinity,NULL}'::numeric[]) x, LATERAL (SELECT x) a) q (s), driver_table(s);
SELECT value, customers FROM (SELECT churn_drivers(true, a) FROM unnest('{1.0,0,-0,NaN,-NaN,Infinity,-Infinity,1e308,5e-324,-1.7e308}'::float8[]) x, LATERAL (SELECT x) a) q (s), driver_table(s);
SELECT value, customers FROM (SELECT churn_drivers(true, a) FROM (SELECT unnest('{NaN,Infinity,-Infinity,1.7976931348623157e308,-1.7976931348623157e308,5e-324,-5e-324,NULL,0}'::float8[])
    UNION ALL SELECT 1e-300 * i FROM generate_series(-1500, 1500) i) v (x), LATERAL (SELECT x) a) q (s), driver_table(s);
SELECT value, customers FROM (SELECT churn_drivers(true, a) FROM (SELECT unnest('{9223372036854775807,-9223372036854775808,NULL}'::int8[])
    UNION ALL SELECT i * 9007199254740 FROM generate_series(-1500, 1500) i) v (x), LATERAL (SELECT x) a) q (s), driver_table(s);
-- values that are given up: too many, too long, in any order
SELECT DISTINCT attribute, value, customers, note FROM (VALUES (1), (2), (3)) k (way), LATERAL (SELECT churn_drivers(true, a ORDER BY CASE way WHEN 1 THEN i WHEN 2 THEN -i ELSE i * 7919 % 2003 END)
    FROM generate_series(1, 1500) i, LATERAL (SELECT 'v' || nullif(i, 7) AS many, repeat('x', CASE WHEN i = 700 THEN 1001 ELSE i % 3 END) AS long,
        repeat('y', CASE WHEN i % 2 = 0 THEN 1001 ELSE i END) AS both, repeat('z', i % 1001) AS most) a) q (s), driver_table(s) WHERE attribute <> 'most';
SELECT count(DISTINCT s::text) AS states FROM (VALUES (1), (2), (3)) k (way), LATERAL (SELECT churn_drivers(i % 3 = 0, a ORDER BY CASE way WHEN 1 THEN i WHEN 2 THEN -i ELSE i * 7919 % 2003 END)
    FROM generate_series(1, 1500) i, LATERAL (SELECT 'v' || i AS many, repeat('y', CASE WHEN i % 2 = 0 THEN 1001 ELSE i END) AS both, i AS number, i::float8 / 7 AS real,
        i % 1000 AS most, i % 1001 AS one_more) a) q (s);
SELECT attribute, count(*), min(value), sum(customers) FROM (SELECT churn_drivers(true, a) FROM generate_series(1, 5000) i, LATERAL (SELECT i % 20 AS twenty, i % 21 AS twenty_one, 't' || i % 1000 AS texts) a) q (s), driver_table(s)
GROUP BY attribute ORDER BY count(*), attribute;

--
-- The bins of three digits: every value lies in its own, and nothing else does
--
CREATE TABLE number AS SELECT x FROM (SELECT (any_of(i, 15) - 0.5) * 10 ^ (round(any_of(i, 16) * 40) - 20) AS x FROM generate_series(1, 1300) i
    UNION ALL SELECT s * m * 10.0 ^ e FROM unnest('{-1,1}'::int[]) s, unnest('{100,101,999}'::int[]) m, generate_series(-24, 24, 3) e) q;
SELECT sum(t.customers) = (SELECT count(*) FROM number) AS all, count(*) FILTER (WHERE t.customers <> o.customers) AS differ
FROM (SELECT churn_drivers(true, a) FROM number, LATERAL (SELECT x) a) q (s), driver_table(s) t,
    LATERAL (SELECT split_part(translate(value, '[])', ''), ',', 1)::float8 AS low, split_part(translate(value, '[])', ''), ',', 2)::float8 AS high) e,
    LATERAL (SELECT count(*) AS customers FROM number WHERE x >= low AND CASE WHEN value LIKE '%)' THEN x < high ELSE x <= high END) o;

--
-- The same bits in every way
--
CREATE FUNCTION drivers_of(filter text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    EXECUTE 'SELECT churn_drivers(churned, a)::text FROM customer c, LATERAL (SELECT c.contract, c.channel, c.code, c.size, c.trial, c.products, c.months, c.balance, c.fee, c.score, c.use, c.name) a
        WHERE ' || filter INTO answer;
    RETURN answer;
END $$;
SELECT drivers_of('true') = s::text AS serial FROM state;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT churn_drivers(churned, a) FROM customer c, LATERAL (SELECT c.contract, c.channel) a;
SELECT drivers_of('true') = s::text AS parallel FROM state;
SET parallel_leader_participation = off;
SELECT drivers_of('true') = s::text AS workers_only, drivers_of('id = 5000') <> s::text AS one FROM state;
RESET parallel_leader_participation;
CREATE TABLE by_channel AS SELECT c.channel, churn_drivers(churned, a) s FROM customer c,
    LATERAL (SELECT c.contract, c.channel, c.code, c.size, c.trial, c.products, c.months, c.balance, c.fee, c.score, c.use, c.name) a GROUP BY c.channel;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT channel, drivers_of(format('c.channel = %L', channel)) = s::text AS grouped FROM by_channel ORDER BY 1;
SELECT rollup(b.s)::text = t.s::text AS rolled_up, rollup(b.s ORDER BY channel DESC)::text = t.s::text AS other_order FROM by_channel b, state t GROUP BY t.s::text;
CREATE TABLE sets AS SELECT c.channel, c.size, churn_drivers(churned, a) s FROM customer c,
    LATERAL (SELECT c.contract, c.channel, c.code, c.size, c.trial, c.products, c.months, c.balance, c.fee, c.score, c.use, c.name) a GROUP BY GROUPING SETS ((c.channel), (c.size), ());
SELECT count(*), count(*) FILTER (WHERE drivers_of(CASE WHEN channel IS NOT NULL THEN format('c.channel = %L', channel) WHEN n = 1 THEN 'true' WHEN size IS NULL THEN 'c.size IS NULL'
    ELSE format('c.size = %L', size) END) = s::text) AS same
FROM (SELECT *, row_number() OVER (PARTITION BY channel, size ORDER BY length(s::text) DESC) * (channel IS NULL AND size IS NULL)::int AS n FROM sets) q;
SET enable_sort = off;
SET work_mem = '64kB';
CREATE TABLE spilled AS SELECT id % 500 AS part, churn_drivers(churned, a) s FROM customer c,
    LATERAL (SELECT c.contract, c.channel, c.code, c.size, c.trial, c.products, c.months, c.balance, c.fee, c.score, c.use, c.name) a GROUP BY 1;
RESET enable_sort;
RESET work_mem;
SELECT count(*) AS parts, rollup(p.s)::text = t.s::text AS same FROM spilled p, state t GROUP BY t.s::text;
CREATE TABLE few AS SELECT id, churned, contract, months, fee FROM customer WHERE id <= 50;
WITH w AS MATERIALIZED (SELECT id, churn_drivers(churned, a) OVER (ORDER BY id ROWS BETWEEN 4 PRECEDING AND 2 FOLLOWING) s, churn_drivers(churned, a) OVER (ORDER BY id) g
    FROM few c, LATERAL (SELECT c.contract, c.months, c.fee) a)
SELECT count(*) AS frames, count(*) FILTER (WHERE s::text = sliding AND g::text = growing) AS same
FROM w, LATERAL (SELECT churn_drivers(churned, a) FILTER (WHERE c.id BETWEEN w.id - 4 AND w.id + 2)::text AS sliding, churn_drivers(churned, a) FILTER (WHERE c.id <= w.id)::text AS growing
    FROM few c, LATERAL (SELECT c.contract, c.months, c.fee) a) o;
SELECT s::text::retention_drivers::text = s::text AS text FROM state;
CREATE TABLE copied (s retention_drivers);
DO $$
DECLARE file text := current_setting('data_directory') || '/retention_drivers.copy';
BEGIN
  EXECUTE format('COPY state TO %L (FORMAT binary)', file);
  EXECUTE format('COPY copied FROM %L (FORMAT binary)', file);
  EXECUTE format('COPY (SELECT) TO %L', file);
END $$;
SELECT c.s::text = t.s::text AS binary_copy FROM copied c, state t;
SELECT rollup(NULL::retention_drivers) IS NULL AS nothing;
-- one answer in every way
SELECT count(*) AS rows, count(*) FILTER (WHERE a IS NOT DISTINCT FROM b) AS same
FROM (SELECT row_number() OVER () AS n, t::text AS a FROM state, driver_table(s) t) x FULL JOIN
    (SELECT row_number() OVER () AS n, t::text AS b FROM (SELECT rollup(s) AS s FROM spilled) r, driver_table(s) t) y USING (n);

--
-- Errors
--
SELECT f.code, left(f.message, 100) AS message, left(f.detail, 100) AS detail, f.hint FROM (VALUES
    ('SELECT churn_drivers(true, NULL::small_customer)'),
    ('SELECT churn_drivers(true, a) FROM (SELECT 1 AS x, 2 AS x) a'),
    ('SELECT churn_drivers(true, a) FROM (SELECT) a'),
    ('SELECT churn_drivers(true, CASE WHEN i = 1 THEN ROW(1) ELSE ROW(''x''::text) END) FROM generate_series(1, 2) i'),
    ('SELECT churn_drivers(true, CASE WHEN i = 1 THEN ROW(1) ELSE ROW(1, 2) END) FROM generate_series(1, 2) i'),
    ('SELECT rollup(s) FROM (SELECT s FROM state UNION ALL SELECT s FROM small_state) q'),
    ('SELECT driver_table(s, 1) FROM state'),
    ('SELECT churn_drivers(true, a) FROM (SELECT 1e400 AS x) a'),
    ('SELECT ''zz''::retention_drivers'),
    ('SELECT ''52440101''::retention_drivers'),
    ('SELECT ''524409''::retention_drivers'),
    ('SELECT overlay(split_part(s::text, '' '', -1) PLACING ''51'' FROM 3)::retention_drivers FROM state'),
    ('SELECT (s::text || ''00'')::retention_drivers FROM state'),
    ('SELECT retention_internal.drivers_record_transfn(NULL, true, ROW(1))'),
    ('SELECT churn_reasons(repeat(''x'', 1001))'),
    ('SELECT churn_reasons(i::text) FROM generate_series(1, 10001) i'),
    ('SELECT * FROM against_benchmark(1, 2, ''nothing'')'),
    ('SELECT * FROM against_benchmark(3, 2, ''IT'')'),
    ('SELECT * FROM against_benchmark(0.73, ''IT'')'),
    ('SELECT * FROM against_benchmark(101, ''IT'')'),
    ('SELECT * FROM against_benchmark(73, ''nothing'')'),
    ('SELECT rate_p_value(3, 2, 50)'),
    ('SELECT rate_p_value(1, 2, 101)')) v (statement), fails(statement) f;

-- A type that changes while the query runs: each row is read by the columns that it has.
CREATE TYPE altered AS (plan text, seats integer);
CREATE FUNCTION altered(i integer) RETURNS record LANGUAGE plpgsql AS $$
DECLARE
  answer record;
BEGIN
  IF i = 3 THEN
    ALTER TYPE altered ALTER ATTRIBUTE seats TYPE text;
  END IF;
  EXECUTE format('SELECT ROW(%L, %L)::altered AS value', 'p' || i % 2, i) INTO answer;
  RETURN answer.value;
END $$;
SELECT churn_drivers(i % 2 = 0, altered(i)) FROM generate_series(1, 6) i;
DROP FUNCTION altered;
DROP TYPE altered;
SELECT f.code, left(f.message, 60) AS message FROM fails(format('SELECT churn_drivers(true, a) FROM (SELECT %s) a', (SELECT string_agg(i || ' AS c' || i, ', ') FROM generate_series(1, 201) i))) f;

--
-- Reasons
--
SELECT reason, category, mitigated_by FROM retention_churn_reason ORDER BY category COLLATE "C";
CREATE TABLE leaver AS SELECT reason FROM (VALUES ('low usage', 40), ('failed launch', 25), ('ROI and value', 25), ('moved away', 9), ('wrong use case', 1), (NULL, 50)) v (reason, n), generate_series(1, n);
SELECT reason, category, mitigated_by, customers, share, ci_low, ci_high, cumulative_share FROM (SELECT churn_reasons(reason) s FROM leaver) q, reason_table(s);
-- Goodman's limits in SQL
SELECT count(*) AS reasons, count(*) FILTER (WHERE abs(ci_low - o_low) < 0.0001 AND abs(ci_high - o_high) < 0.0001) AS same
FROM (SELECT churn_reasons(reason) s FROM leaver) q, reason_table(s, 0.9), LATERAL (SELECT 5.411894431054342 AS b) z,
    LATERAL (SELECT 100 * (b + 2 * customers - sqrt(b * (b + 4 * customers * (100 - customers) / 100.0))) / (2 * (100 + b)) AS o_low,
        100 * (b + 2 * customers + sqrt(b * (b + 4 * customers * (100 - customers) / 100.0))) / (2 * (100 + b)) AS o_high) g WHERE reason IS NOT NULL;
INSERT INTO retention_churn_reason VALUES ('moved away', 'customer', 'nobody');
SELECT reason, category, mitigated_by, built_in FROM retention_churn_reason WHERE NOT built_in;
SELECT reason, mitigated_by FROM (SELECT churn_reasons(reason) s FROM leaver) q, reason_table(s);
SELECT * FROM (SELECT churn_reasons(NULL) s FROM leaver) q, reason_table(s);
SELECT churn_reasons(reason) IS NULL AS nothing FROM leaver WHERE false;
SELECT rollup(s)::text = (SELECT churn_reasons(reason)::text FROM leaver) AS rolled_up,
    rollup(s)::text::retention_reasons::text = rollup(s)::text AS text FROM (SELECT churn_reasons(reason) s FROM leaver GROUP BY left(reason, 1)) q;
DELETE FROM retention_churn_reason WHERE NOT built_in;
-- rows of the user's own are dumped
SELECT c.relname, cond FROM pg_extension e, unnest(extconfig, extcondition) AS u (rel, cond) JOIN pg_class c ON c.oid = rel
WHERE extname = 'retention' AND c.relname IN ('retention_churn_reason', 'retention_benchmark') ORDER BY 1;
SELECT has_table_privilege('public', 'retention_churn_reason', 'SELECT') AS reasons, has_table_privilege('public', 'retention_benchmark', 'SELECT') AS benchmarks,
    has_table_privilege('public', 'retention_benchmark', 'UPDATE, DELETE, TRUNCATE') AS write;
CREATE ROLE retention_stranger;
SET ROLE retention_stranger;
INSERT INTO retention_benchmark (industry, retention_rate, year, source) VALUES ('IT', 1, 2099, 'a stranger');
INSERT INTO retention_churn_reason VALUES ('a stranger');
RESET ROLE;
DROP ROLE retention_stranger;

--
-- Reference
--
SELECT industry, retention_rate, period, year FROM retention_benchmark ORDER BY retention_rate, industry COLLATE "C";
SELECT benchmark_industry, year, benchmark, retention_rate, difference, ci_low, ci_high, near(p_value, 0.001080248039984996) AS p FROM against_benchmark(850, 1000, 'it');
SELECT * FROM against_benchmark(0, 0, 'retail');
SELECT near(rate_p_value(hits, total, rate), p) AS as_r FROM (VALUES
    (850, 1000, 81, 0.001080248039984996), (780, 1000, 78, 1), (0, 20, 63, 2.312248366666119e-09),
    (20, 20, 63, 0.0002055395803682167), (3, 10, 75, 0.003505706787109375), (8, 10, 75, 1),
    (49, 100, 50, 0.9204107626128218), (62000, 100000, 63, 6.278766925699167e-11), (1, 1, 84, 1), (0, 5, 0, 1), (5, 5, 100, 1), (4, 5, 100, 0)
) v (hits, total, rate, p);
-- a rate without the customers behind it
SELECT * FROM against_benchmark(73.5, 'Telecom');
SELECT r.benchmark, r.difference = c.difference AS same FROM against_benchmark(73.5, 'retail') r,
  against_benchmark(735, 1000, 'retail') c;
-- totals beyond what a double can count: an answer at once, and the right one (p = 1 / 2: the normal distribution with a correction of one half)
SELECT rate_p_value(42, 9223372036854775807, 1) < 1e-300 AS far, rate_p_value(9223372036854775807, 9223372036854775807, 99) < 1e-300 AS all_of_them,
    abs(rate_p_value(2000000000000000 - 31622776, 4000000000000000, 50) / 0.31731052472261206 - 1) < 1e-6 AS many,
    abs(rate_p_value(2000000000000000000 + 2000000000, 4000000000000000000, 50) / 0.0455002639503494 - 1) < 1e-6 AS most;
INSERT INTO retention_benchmark (industry, retention_rate, year, source) VALUES ('IT', 90, 2025, 'our own');
SELECT year, benchmark, difference FROM against_benchmark(850, 1000, 'IT', 0.9);
DELETE FROM retention_benchmark WHERE NOT built_in;
CREATE TABLE contract AS SELECT i AS customer, date '2023-01-01' + i % 300 AS started, CASE WHEN i % 4 = 0 THEN date '2024-01-01' + i % 700 END AS ended FROM generate_series(1, 2000) i;
CREATE TABLE flows AS SELECT year, customer_flow(started, ended, daterange(make_date(year, 1, 1), make_date(year + 1, 1, 1))) AS flow FROM contract, generate_series(2023, 2025) year GROUP BY year;
SELECT flows.year, near(b.retention_rate::float8, f.retention_rate::float8) AS rate, b.benchmark, b.difference = b.retention_rate - 78 AS difference, b.p_value = rate_p_value(f.kept, f.at_start, 78) AS p
FROM flows, flow_periods(flow) f, against_benchmark(flow, 'telecom') b WHERE flows.year > 2023 ORDER BY 1;
CREATE TABLE other_flows AS SELECT customer_flow(started, ended, daterange('2024-01-01', '2024-07-01')) AS half, customer_flow(started, ended, 'year', daterange('2023-01-01', '2026-01-01')) AS three,
    customer_flow(started, ended, retention_grid('year', as_of => '2024-06-01'), daterange('2024-01-01', '2025-01-01')) AS running FROM contract;
SELECT f.* FROM unnest('{half,three,running}'::text[]) a, fails(format('SELECT b.* FROM other_flows, against_benchmark(%I, ''telecom'') b', a)) f;
SELECT f.code, f.message FROM fails('SELECT b.* FROM flows, against_benchmark(flow, ''coal'') b') f;

--
-- The same over time
--
CREATE TABLE stay AS SELECT id, churned, ceil(-30 * ln(any_of(id, 17) + 1e-9) * CASE WHEN contract = 'monthly' THEN 0.5 ELSE 1 END)::int % 40 AS months,
    contract, trial, products, size, name, fee FROM customer;
CREATE TABLE stays AS SELECT survival_drivers(months, churned, a) s FROM stay c, LATERAL (SELECT c.contract, c.trial, c.products, c.size, c.name, c.fee, 1 AS one) a;
SELECT attribute, "values", df, p_value < 1e-9 AS clear, note FROM stays, survival_driver_ranking(s);
-- its tests and curves are those of the module survival
SELECT attribute, near(r.chi2, (t).chi2) AS chi2, r.df = (t).df AS df, near(r.p_value, (t).p_value) AS p
FROM stays, survival_driver_ranking(s) r JOIN (SELECT attribute, logrank_test(months, churned, value) t
    FROM stay, LATERAL (VALUES ('contract', contract), ('trial', trial::text), ('products', products::text), ('size', size::text)) v (attribute, value) GROUP BY attribute) o USING (attribute)
ORDER BY attribute;
SELECT count(*) AS rows, count(*) FILTER (WHERE near(r.survival, c.survival) AND near(r.ci_low, c.ci_low) AND near(r.ci_high, c.ci_high)
    AND near(r.restricted_mean, m.restricted_mean) AND near(r.mean_low, m.ci_low) AND near(r.mean_high, m.ci_high) AND r.customers = b.customers AND r.churned = b.churned) AS same
FROM stays, survival_driver_table(s, '{6,12,30}', 'log') r JOIN (SELECT attribute, value, survival(months, churned) s
    FROM stay, LATERAL (VALUES ('contract', contract), ('trial', trial::text), ('products', products::text), ('size', size::text)) v (attribute, value) GROUP BY attribute, value) o
    ON r.attribute = o.attribute AND r.value IS NOT DISTINCT FROM o.value,
    survival_curve(o.s, 'log', times => ARRAY[r."time"]) c, restricted_mean(o.s, r."time") m, survival_summary(o.s) b;
SELECT attribute, value, customers = (SELECT count(churned) FROM stay) AS all, "time", note FROM stays, survival_driver_table(s, '{6}') WHERE attribute IN ('name', 'one');
SELECT rollup(q.s)::text = t.s::text AS rolled_up, t.s::text::retention_survival_drivers::text = t.s::text AS text
FROM (SELECT survival_drivers(months, churned, a) s FROM stay c, LATERAL (SELECT c.contract, c.trial, c.products, c.size, c.name, c.fee, 1 AS one) a GROUP BY id % 5) q, stays t GROUP BY t.s::text;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT survival_drivers(months, churned, a)::text = (SELECT s::text FROM stays) AS parallel FROM stay c, LATERAL (SELECT c.contract, c.trial, c.products, c.size, c.name, c.fee, 1 AS one) a;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT survival_drivers(NULL, true, a) IS NULL AS nothing FROM (SELECT 1 AS x) a;
-- the effect: chi-squared beyond its degrees of freedom, by departure; none without a test
SELECT attribute, near(effect_size, sqrt(greatest(chi2 - df, 0) / (SELECT count(*) FROM stay WHERE churned))) AS effect, effect_size IS NULL AS none FROM stays, survival_driver_ranking(s);
-- late entry: the curves of survival(duration, churned, entry); who never was at risk is left out
CREATE TABLE late AS SELECT survival_drivers(months, churned, a, CASE WHEN id % 3 = 0 THEN id % 40 / 2.0 END) s FROM stay c, LATERAL (SELECT c.contract, c.trial) a;
SELECT count(*) AS rows, count(*) FILTER (WHERE near(r.survival, c.survival) AND near(r.ci_low, c.ci_low) AND near(r.ci_high, c.ci_high) AND r.customers = b.customers AND r.churned = b.churned) AS same
FROM late, survival_driver_table(s, '{6,12,30}') r JOIN (SELECT attribute, value, survival(months, churned, CASE WHEN id % 3 = 0 THEN id % 40 / 2.0 END) s
    FROM stay, LATERAL (VALUES ('contract', contract), ('trial', trial::text)) v (attribute, value) GROUP BY attribute, value) o ON r.attribute = o.attribute AND r.value IS NOT DISTINCT FROM o.value,
    survival_curve(o.s, times => ARRAY[r."time"]) c, survival_summary(o.s) b;
SELECT attribute, near(r.chi2, (t).chi2) AS chi2 FROM late, survival_driver_ranking(s) r JOIN (SELECT attribute, logrank_test(months, churned, value, 'logrank', NULL, CASE WHEN id % 3 = 0 THEN id % 40 / 2.0 END) t
    FROM stay, LATERAL (VALUES ('contract', contract), ('trial', trial::text)) v (attribute, value) GROUP BY attribute) o USING (attribute) ORDER BY attribute;
SELECT survival_drivers(months, churned, contract, NULL)::text = survival_drivers(months, churned, contract)::text AS from_the_start FROM stay;
-- the difference from a reference value: that of two states; the most frequent value unless one is asked for
SELECT count(*) AS rows, count(*) FILTER (WHERE near(r.difference, d.difference) AND near(r.difference_low, d.ci_low) AND near(r.difference_high, d.ci_high)) AS same
FROM stays, survival_driver_table(s, '{6,12}', 'plain', 0.9, '{3,monthly,false}') r JOIN (SELECT attribute, value, survival(months, churned) s
    FROM stay, LATERAL (VALUES ('contract', contract), ('trial', trial::text), ('products', products::text)) v (attribute, value) GROUP BY attribute, value) a ON r.attribute = a.attribute AND r.value IS NOT DISTINCT FROM a.value
  JOIN (SELECT attribute, value, survival(months, churned) s
    FROM stay, LATERAL (VALUES ('contract', contract), ('trial', trial::text), ('products', products::text)) v (attribute, value) GROUP BY attribute, value) b ON r.attribute = b.attribute AND r.reference_value = b.value,
  restricted_mean_difference(a.s, b.s, r."time", 0.9) d WHERE r.value IS DISTINCT FROM r.reference_value;
SELECT DISTINCT r.attribute, r.reference_value, r.value IS NOT DISTINCT FROM r.reference_value AS itself, r.difference IS NULL AS none FROM stays, survival_driver_table(s, '{6}', reference => '{3,monthly,false}') r ORDER BY 1, 3;
SELECT DISTINCT r.attribute, r.reference_value = (SELECT value FROM stay, LATERAL (VALUES ('trial', trial::text), ('products', products::text)) v (attribute, value)
  WHERE v.attribute = r.attribute AND churned IS NOT NULL GROUP BY value ORDER BY count(*) DESC, value LIMIT 1) AS most_frequent FROM stays, survival_driver_table(s, '{6}') r WHERE attribute IN ('trial', 'products') ORDER BY 1;
SELECT DISTINCT attribute, reference_value, value IS NULL AS itself, difference IS NULL AS none FROM stays, survival_driver_table(s, '{6}', reference => '{NULL}') WHERE attribute = 'size' ORDER BY 3;
SELECT count(*) FROM survival_driver_table(NULL, '{6}');
SELECT count(*) FROM stays, survival_driver_table(s, NULL);

--
-- Numbers over time: one by one, in bands of exact numbers, in bands of two digits
--
CREATE TABLE measured AS SELECT i, ceil(9 * any_of(i, 71))::int AS d, any_of(i, 72) < 0.5 AS c, v.* FROM generate_series(1, 4000) i, LATERAL (SELECT floor(15 * any_of(i, 73))::int AS few, floor(60 * any_of(i, 74) ^ 2)::int - 20 AS middle,
  floor(1e6 * any_of(i, 75) ^ 3)::bigint - 1000 AS many, CASE i % 50 WHEN 0 THEN NULL WHEN 1 THEN 'NaN' WHEN 2 THEN 'infinity' WHEN 3 THEN '-infinity' WHEN 4 THEN 0 ELSE exp(14 * any_of(i, 76) - 9) * sign(any_of(i, 77) - 0.3) END::float8 AS number,
  round((any_of(i, 78) * 8)::numeric, 2) AS price) v;
CREATE TABLE measures AS SELECT survival_drivers(d, c, a) s, churn_drivers(c, a) k FROM measured m, LATERAL (SELECT m.few, m.middle, m.many, m.number, m.price) a;
SELECT attribute, "values", df, note FROM measures, survival_driver_ranking(s) ORDER BY attribute COLLATE "C";
SELECT attribute, value, customers, churned FROM measures, survival_driver_table(s, '{3}') WHERE attribute <> 'few';
-- bands of exact numbers are those of churn_drivers
SELECT t.attribute, count(*) AS values, count(*) FILTER (WHERE t.value = k.value AND t.customers = k.customers AND t.churned = k.churned) AS same FROM
  (SELECT t.*, row_number() OVER (PARTITION BY attribute) AS n FROM measures, survival_driver_table(s, '{3}') t) t
  FULL JOIN (SELECT t.*, row_number() OVER (PARTITION BY attribute) AS n FROM measures, driver_table(k) t) k USING (attribute, n) WHERE attribute IN ('few', 'middle') GROUP BY 1 ORDER BY 1;
-- counts, curves and tests are those of the customers between the edges
SELECT attribute, count(*) AS bands, count(*) FILTER (WHERE t.customers = o.customers AND t.churned = o.churned AND near(t.survival, survival_at(o.s, 3)) AND near(t.restricted_mean, (restricted_mean(o.s, 3)).restricted_mean)) AS same
FROM (SELECT t.*, (CASE WHEN value LIKE '% to %' THEN split_part(value, ' to ', 1) ELSE split_part(translate(value, '[])', ''), ',', 1) END)::float8 AS low,
    (CASE WHEN value LIKE '% to %' THEN split_part(value, ' to ', 2) WHEN value LIKE '%,%' THEN split_part(translate(value, '[])', ''), ',', 2) ELSE value END)::float8 AS high
    FROM measures, survival_driver_table(s, '{3}') t WHERE value <> 'NaN') t,
  LATERAL (SELECT count(*) AS customers, count(*) FILTER (WHERE c) AS churned, survival(d, c) AS s FROM measured,
    LATERAL (SELECT CASE t.attribute WHEN 'few' THEN few WHEN 'middle' THEN middle WHEN 'many' THEN many WHEN 'price' THEN price ELSE number END::float8 AS x) x
    WHERE x >= low AND CASE WHEN t.value LIKE '%)' THEN x < high ELSE x <= high END AND x <> 'NaN') o GROUP BY attribute ORDER BY attribute;
SELECT near(r.chi2, (l).chi2) AS chi2, r.df = (l).df AS df FROM measures, survival_driver_ranking(s) r, (SELECT logrank_test(d, c, band::text) l FROM (SELECT d, c, floor(10 * (rank() OVER (ORDER BY middle) - 1) / count(*) OVER ()) AS band FROM measured) q) o WHERE attribute = 'middle';
-- which it is follows from the set of values alone: parts with few values each, in any order, by text, with workers
SELECT rollup(p.s)::text = m.s::text AS rolled_up, rollup(p.s ORDER BY n DESC)::text = m.s::text AS backwards, rollup(p.s::text::retention_survival_drivers)::text = m.s::text AS by_text FROM
  (SELECT i % 97 AS n, survival_drivers(d, c, a) s FROM measured m, LATERAL (SELECT m.few, m.middle, m.many, m.number, m.price) a GROUP BY 1) p, measures m GROUP BY m.s::text;
SELECT survival_drivers(d, c, a ORDER BY m.number DESC, i)::text = (SELECT s::text FROM measures) AS sorted FROM measured m, LATERAL (SELECT m.few, m.middle, m.many, m.number, m.price) a;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT survival_drivers(d, c, a)::text = (SELECT s::text FROM measures) AS parallel FROM measured m, LATERAL (SELECT m.few, m.middle, m.many, m.number, m.price) a;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT bool_and(reference_value = 'NaN') AS nan, count(difference) AS differences FROM measures, survival_driver_table(s, '{3}', reference => '{NaN}') WHERE attribute = 'number';
-- many columns of numbers: half of them have more than 100 in the first half of the rows, the others in the second, or all little by little
DO $do$ BEGIN
  EXECUTE (SELECT format('CREATE TABLE wide AS SELECT %s FROM generate_series(1, 202) i',
    string_agg(format('CASE WHEN (i > 101) = (%s > 60) THEN 1000 + i ELSE 1000 END AS c%1$s', c), ', ' ORDER BY c)) FROM generate_series(1, 120) c);
END $do$;
SELECT count(DISTINCT s::text) AS answers, count(*) FROM (
  SELECT survival_drivers(1, true, a ORDER BY c1 DESC, c120) AS s FROM wide a
  UNION ALL SELECT survival_drivers(1, true, a ORDER BY (c1 + c120) % 101, c1) FROM wide a
  UNION ALL SELECT rollup(s) FROM (SELECT survival_drivers(1, true, a) AS s FROM wide a GROUP BY (c1 + c120) % 3) q
  UNION ALL SELECT rollup(s::text::retention_survival_drivers) FROM (SELECT survival_drivers(1, true, a) AS s FROM wide a GROUP BY (c1 + c120) % 101 < 95) q) q;
-- 100 numbers are kept as they are, and one more is not; numbers of one value; integers at the ends of their range
SELECT n, r."values", length(s::text) > 1000 AS long FROM (SELECT n, survival_drivers(1, true, 1000 + i) s FROM (VALUES (100), (101)) v (n), generate_series(1, n) i GROUP BY n) q, survival_driver_ranking(s) r ORDER BY n;
SELECT n, value, customers FROM (SELECT n, survival_drivers(1, true, 1000 + i) s FROM (VALUES (101)) v (n), generate_series(1, n) i GROUP BY n) q, survival_driver_table(s, '{1}');
SELECT value, customers FROM (SELECT survival_drivers(1, true, CASE WHEN i > 50 THEN 9223372036854775807 - i ELSE -9223372036854775808 + i END) s FROM generate_series(0, 101) i) q, survival_driver_table(s, '{1}');
SELECT f.* FROM (VALUES
    ('SELECT survival_drivers(-1, true, a) FROM (SELECT 1 AS x) a'),
    ('SELECT survival_drivers(1, true, NULL::small_customer)'),
    ('SELECT t.* FROM (SELECT survival_drivers(1, true, CASE WHEN i = 1 THEN ROW(1) ELSE ROW(1, 2) END) s FROM generate_series(1, 2) i) q, survival_driver_ranking(s) t'),
    ('SELECT survival_drivers(1, true, a) FROM generate_series(1, 10001) i, LATERAL (SELECT i::text) a'),
    ('SELECT survival_drivers(1, true, a, ''NaN''::float8) FROM (SELECT 1 AS x) a'),
    ('SELECT survival_driver_table(s, ''{1}'', reference => ''{yearly,monthli}'') FROM stays'),
    ('SELECT survival_driver_table(s, ''{1}'', reference => ''{NULL}'') FROM (SELECT survival_drivers(1, true, ''a''::text) s) q'),
    ('SELECT survival_drivers(1, true, a) FROM (SELECT repeat(''x'', 1001) AS x) a'),
    ('SELECT survival_driver_table(s, ''{-1}'') FROM stays'),
    ('SELECT survival_driver_table(s, ''{1}'', ''x'') FROM stays'),
    ('SELECT ''52530101''::retention_survival_drivers')) v (statement), fails(statement) f;

--
-- Few customers: values of which fewer than 5 are expected to leave (or stay) are tested together, or not at all
--
-- 2 of 60 customers are 'rare' and left: Fisher's exact p is 0.0017, chi-squared would say 2e-15
CREATE TABLE sparse AS SELECT i, i <= 3 AS churned, CASE WHEN i <= 2 THEN 'rare' ELSE 'other' END AS seg FROM generate_series(1, 60) i;
SELECT 'survival' AS which, attribute, "values", chi2, df, p_value, p_adjusted, note FROM (SELECT survival_drivers(i % 7 + 1, churned, a) s FROM sparse c, LATERAL (SELECT c.seg) a) q, survival_driver_ranking(s)
UNION ALL SELECT 'churn', attribute, "values", chi2, df, p_value, p_adjusted, note FROM (SELECT churn_drivers(churned, a) s FROM sparse c, LATERAL (SELECT c.seg) a) q, driver_ranking(s);
SELECT value, customers, min_expected, note FROM (SELECT churn_drivers(churned, a) s FROM sparse c, LATERAL (SELECT c.seg) a) q, driver_table(s);
-- the tables that are tested, pooled in SQL: values by their expected count, numbers and bands with their neighbours. The log-rank of it is that of logrank_test()
CREATE TABLE crowd AS SELECT i, any_of(i, 60) < 0.03 + 0.05 * (any_of(i, 61) < 0.2)::int AS churned, ceil(9 * any_of(i, 62)) AS months, 'v' || floor(30 * any_of(i, 63) ^ 3) AS v, floor(14 * any_of(i, 64))::int AS steps, (ARRAY['a', 'b', NULL])[ceil(3 * any_of(i, 65) ^ 4)] AS few
FROM generate_series(1, 2000) i;
WITH counted AS (SELECT value, count(*)::float8 AS n, (count(*) FILTER (WHERE churned))::float8 AS c FROM crowd, LATERAL (SELECT v AS value) x GROUP BY 1),
  total AS (SELECT sum(n) AS n, sum(c) AS c FROM counted), expected AS (SELECT v.*, v.n * t.c / t.n AS e FROM counted v, total t),
  grouped AS (SELECT CASE WHEN e < 5 THEN 'rare' ELSE value END AS g, sum(n) AS n, sum(c) AS c, sum(e) AS e FROM expected GROUP BY 1),
  chi AS (SELECT count(*) AS groups, min(e) AS least, sum((g.c - e) ^ 2 / e + (g.c - e) ^ 2 / (g.n - e)) AS chi2 FROM grouped g)
SELECT least >= 5 AS enough, r.df = groups - 1 AS df, r."values" > groups AS pooled, near(r.chi2, chi.chi2) AS chi2, near(r.cramers_v, sqrt(chi.chi2 / 2000)) AS v, r.note
FROM chi, (SELECT churn_drivers(churned, a) s FROM crowd c, LATERAL (SELECT c.v) a) q, driver_ranking(s) r;
WITH RECURSIVE counted AS (SELECT row_number() OVER (ORDER BY steps) AS place, count(*)::float8 AS n, (count(*) FILTER (WHERE churned))::float8 AS c FROM crowd WHERE i <= 700 GROUP BY steps),
  total AS (SELECT sum(c) / sum(n) AS share, max(place) AS last FROM counted),
  folded AS (SELECT place, 1 AS g, n, c, n AS so_far FROM counted WHERE place = 1
    UNION ALL SELECT v.place, CASE WHEN f.so_far * share < 5 THEN f.g ELSE f.g + 1 END, v.n, v.c, CASE WHEN f.so_far * share < 5 THEN f.so_far + v.n ELSE v.n END FROM folded f JOIN counted v ON v.place = f.place + 1, total),
  grouped AS (SELECT CASE WHEN g = (SELECT g FROM folded, total WHERE place = last AND so_far * share < 5) THEN g - 1 ELSE g END AS g, sum(n) AS n, sum(c) AS c FROM folded GROUP BY 1),
  chi AS (SELECT count(*) AS groups, min(n * share) AS least, sum((c - n * share) ^ 2 / (n * share) + (c - n * share) ^ 2 / (n - n * share)) AS chi2 FROM grouped, total)
SELECT least >= 5 AS enough, r."values", groups, r.df = groups - 1 AS df, near(r.chi2, chi.chi2) AS chi2 FROM chi, (SELECT churn_drivers(churned, a) s FROM crowd c, LATERAL (SELECT c.steps) a WHERE i <= 700) q, driver_ranking(s) r;
SELECT t.test_df = r.df AS df, near(t.chi2, r.chi2) AS chi2, near(t.p_value, r.p_value) AS p, r.note, t.least >= 5 AS enough
FROM (SELECT survival_drivers(months, churned, a) s FROM crowd c, LATERAL (SELECT c.v) a) q, survival_driver_ranking(s) r,
    LATERAL (SELECT array_agg(value) AS rare FROM (SELECT logrank_test(months, churned, v) l FROM crowd) o, unnest((l).groups, (l).expected) e (value, e) WHERE e < 5) x,
    LATERAL (SELECT (l).chi2, (l).df AS test_df, (l).p_value, (SELECT min(e) FROM unnest((l).expected) e) AS least FROM (SELECT logrank_test(months, churned, CASE WHEN v = ANY (x.rare) THEN 'rare' ELSE v END) l FROM crowd) o) t;
-- a rare value joins the smallest of the others where those below 5 are not 5 together; NULL is a value
SELECT few, count(*) AS customers, round(count(*) * (SELECT avg(churned::int) FROM crowd WHERE i <= 600), 1) AS expected FROM crowd WHERE i <= 600 GROUP BY few;
SELECT "values", df, near(chi2, (SELECT sum((c - n * share) ^ 2 / (n * share * (1 - share))) FROM (SELECT count(*) AS n, (count(*) FILTER (WHERE churned))::float8 AS c FROM crowd WHERE i <= 600 GROUP BY few = 'a') g, (SELECT avg(churned::int)::float8 AS share FROM crowd WHERE i <= 600) t)) AS chi2, note
FROM (SELECT churn_drivers(churned, a) s FROM crowd c, LATERAL (SELECT c.few) a WHERE i <= 600) q, driver_ranking(s);
-- Honest sizes: attributes of pure noise, many values, few leavers; a real factor beside them. Nominal are 5 and 0.1 per cent
CREATE TABLE trial AS SELECT t, churn_drivers(churned, a) AS d, survival_drivers(months, churned, a) AS s
FROM generate_series(1, 200 / :thin) t, generate_series(1, 1000) i,
    LATERAL (SELECT any_of(i, t * 10) < 0.05 AS churned, ceil(12 * any_of(i, t * 10 + 1)) AS months, 'v' || floor(60 * any_of(i, t * 10 + 2) ^ 3) AS noise) x, LATERAL (SELECT noise) a GROUP BY t;
SELECT which, count(p_value) = count(*) AS all_tested, avg((p_value < 0.05)::int) BETWEEN 0.01 AND 0.09 OR :thin > 1 AS as_5_per_cent, count(*) FILTER (WHERE p_value < 0.001) <= 2 AS as_0_1_per_cent, count(*) FILTER (WHERE note IS NULL) AS without_note
FROM trial, LATERAL (SELECT 'churn', p_value, note FROM driver_ranking(d) UNION ALL SELECT 'survival', p_value, note FROM survival_driver_ranking(s)) r (which, p_value, note) GROUP BY 1 ORDER BY 1;
CREATE TABLE beside AS SELECT t, churn_drivers(churned, a) AS d, survival_drivers(months, churned, a) AS s
FROM generate_series(1, 200 / :thin) t, generate_series(1, 200) i, LATERAL (SELECT any_of(i, t * 10 + 3) < 0.5 AS factor) f,
    LATERAL (SELECT any_of(i, t * 10 + 4) < CASE WHEN factor THEN 0.04 ELSE 0.16 END AS churned, ceil(12 * any_of(i, t * 10 + 5)) AS months, 'v' || floor(60 * any_of(i, t * 10 + 6)) AS noise) x,
    LATERAL (SELECT f.factor, x.noise) a GROUP BY t;
SELECT which, avg((attribute = 'noise')::int) FILTER (WHERE place = 1) < 0.15 AS noise_seldom_first, avg(coalesce(p_adjusted < 0.05, false)::int) FILTER (WHERE attribute = 'noise') < 0.06 AS noise_seldom_found,
    avg(coalesce(p_adjusted < 0.05, false)::int) FILTER (WHERE attribute = 'factor') > 0.6 AS factor_often_found
FROM beside, LATERAL (SELECT 'churn', attribute, p_adjusted, place FROM driver_ranking(d) WITH ORDINALITY r (attribute, n, chi2, df, p_value, p_adjusted, v, corrected, iv, auc, ks, note, place)
    UNION ALL SELECT 'survival', attribute, p_adjusted, place FROM survival_driver_ranking(s) WITH ORDINALITY r (attribute, n, chi2, df, p_value, p_adjusted, effect, note, place)) r (which, attribute, p_adjusted, place) GROUP BY 1 ORDER BY 1;

--
-- Hostile bytes: an error, or a consistent value
--
SET allow_system_table_mods = on;
INSERT INTO pg_cast (oid, castsource, casttarget, castfunc, castcontext, castmethod)
SELECT 4100000000 + row_number() OVER (ORDER BY t.oid, way), CASE way WHEN 1 THEN 'bytea'::regtype ELSE t.oid END, CASE way WHEN 1 THEN t.oid ELSE 'bytea'::regtype END, 0, 'e', 'b'
FROM pg_type t, generate_series(1, 2) way WHERE typname IN ('retention_drivers', 'retention_reasons', 'retention_survival_drivers');
CREATE FUNCTION use_drivers(d retention_drivers) RETURNS text LANGUAGE sql AS
$$ SELECT concat(1 / (d::text = d::text::retention_drivers::text)::int, (SELECT count(t::text) FROM driver_table(d) t), (SELECT count(t::text) FROM driver_ranking(d) t),
    (SELECT rollup(x)::text FROM (VALUES (d), (d)) v (x))) $$;
CREATE FUNCTION use_reasons(d retention_reasons) RETURNS text LANGUAGE sql AS
$$ SELECT concat(1 / (d::text = d::text::retention_reasons::text)::int, (SELECT count(t::text) FROM reason_table(d) t), (SELECT rollup(x)::text FROM (VALUES (d), (d)) v (x))) $$;
CREATE FUNCTION use_stays(d retention_survival_drivers) RETURNS text LANGUAGE sql AS
$$ SELECT concat(1 / (d::text = d::text::retention_survival_drivers::text)::int, (SELECT count(t::text) FROM survival_driver_table(d, '{1}') t), (SELECT count(t::text) FROM survival_driver_ranking(d) t),
    (SELECT rollup(x)::text FROM (VALUES (d), (d)) v (x))) $$;
CREATE FUNCTION outcome(changed bytea, use text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE use USING changed;
  RETURN 'a value';
EXCEPTION WHEN data_corrupted OR feature_not_supported OR invalid_text_representation OR invalid_parameter_value OR program_limit_exceeded
    OR character_not_in_repertoire OR untranslatable_character OR null_value_not_allowed THEN
  RETURN 'an error';
END $$;
CREATE FUNCTION mutate(bytes bytea, use text, OUT outcome text, OUT times bigint) RETURNS SETOF record LANGUAGE sql AS $$
  SELECT outcome(changed, use), count(*) FROM generate_series(0, length(bytes) - 1) i, LATERAL unnest(ARRAY[set_byte(bytes, i, get_byte(bytes, i) # 1), set_byte(bytes, i, get_byte(bytes, i) # 128),
    set_byte(bytes, i, 255), set_byte(bytes, i, 127), substr(bytes, 1, i), bytes || substr(bytes, i + 1, 1)]) changed GROUP BY 1 ORDER BY 1
$$;
CREATE TABLE sample AS SELECT churn_drivers(i % 3 = 0, a) s, churn_reasons((ARRAY['x', 'low usage', 'a reason of more than sixteen', NULL])[1 + i % 4]) r, survival_drivers(i % 5, i % 3 = 0, c) v
FROM generate_series(1, 1200) i, LATERAL (SELECT i % 2 AS x, 'a text that is rather long'::text AS t, i % 5 = 0 AS b, nullif(i % 3, 1) / 2.0 AS n, 'v' || i AS many) a, LATERAL (SELECT i % 2 AS x, 'y'::text AS t) c;
SELECT outcome, times > 50 AS many FROM sample, mutate(s::bytea, 'SELECT use_drivers($1::retention_drivers)');
SELECT outcome, times > 50 AS many FROM sample, mutate(decode(split_part(s::text, ' ', -1), 'hex'), 'SELECT use_drivers(encode($1, ''hex'')::retention_drivers)');
SELECT outcome, times > 50 AS many FROM sample, mutate(r::bytea, 'SELECT use_reasons($1::retention_reasons)');
SELECT outcome, times > 50 AS many FROM sample, mutate(decode(split_part(r::text, ' ', -1), 'hex'), 'SELECT use_reasons(encode($1, ''hex'')::retention_reasons)');
SELECT outcome, times > 50 AS many FROM sample, mutate(decode(split_part(v::text, ' ', -1), 'hex'), 'SELECT use_stays(encode($1, ''hex'')::retention_survival_drivers)');
CREATE TABLE binned AS SELECT survival_drivers(i % 3, i % 2 = 0, a, CASE WHEN i % 3 = 2 THEN 1 END) v FROM generate_series(1, 120) i, LATERAL (SELECT 1000 + i AS x, i % 2 / 2.0 AS y) a;
SELECT outcome, times > 50 AS many FROM binned, mutate(decode(split_part(v::text, ' ', -1), 'hex'), 'SELECT use_stays(encode($1, ''hex'')::retention_survival_drivers)');
SELECT outcome, times > 50 AS many FROM binned, mutate(v::bytea, 'SELECT use_stays($1::retention_survival_drivers)');
-- bins, hashed states that another worker might send, a value of another type
CREATE TABLE bins AS SELECT churn_drivers(true, a) s FROM generate_series(1, 1003) i, LATERAL (SELECT CASE WHEN i < 4 THEN i ELSE i * 1.00001 END AS n) a;
SELECT attribute, count(*) AS bands FROM bins, driver_table(s) GROUP BY 1;
SELECT s::text::retention_drivers::bytea = s::bytea AS same_bytes FROM state;
-- a name has at most 63 bytes: one of 64, which would reach into the text behind it, is refused
SELECT outcome(b, use) AS of_63, outcome(set_byte(b, length_at, 64), use) AS of_64
FROM (SELECT churn_drivers(true, a)::bytea AS b FROM (SELECT 'text' AS a_name_of_63_bytes_a_name_of_63_bytes_a_name_of_63_bytes_a_name, 'x' AS other) a) q,
    LATERAL (SELECT min(place) AS length_at FROM generate_series(0, length(b) - 1) place WHERE get_byte(b, place) = 63) l, (VALUES ('SELECT count(*) FROM driver_ranking($1::retention_drivers)')) u (use);
DELETE FROM pg_cast WHERE oid > 4100000000;
DROP VIEW long_customer;
DROP TABLE mixed, sparse, crowd, trial, beside, flows, other_flows, small_customer, few, small_state, state, customer, number, by_channel, sets, spilled, copied, leaver, contract, stay, stays, late, measured, measures, binned, sample, bins, dropped CASCADE;
DROP FUNCTION both_ways, near, fails, any_of, drivers_of, use_drivers, use_reasons, use_stays, mutate, outcome;
DROP TYPE size_kind;
DROP DOMAIN kind_of_text;
