-- Events of a shop, in time order, for the benchmarks: psql -v events=30000000 -v customers=2000000
-- Every so-many-th event is the first of a new customer; the others are of earlier customers, mostly recent ones.
\set ON_ERROR_STOP on
\if :{?events} \else \set events 30000000 \endif
\if :{?customers} \else \set customers 2000000 \endif
SET client_min_messages = warning;
DROP TABLE IF EXISTS bench_event;
CREATE UNLOGGED TABLE bench_event AS
SELECT CASE WHEN i % share = 0 THEN born ELSE greatest(1, born - (born * u * u)::bigint) END AS customer_id,
  timestamptz '2024-01-01 00:00+00' + (i * (731 * 86400.0 / :events)) * interval '1 second' AS ordered_at
FROM (SELECT i, :events / :customers AS share, 1 + i * :customers / :events AS born,
        (hashint8extended(i, 1) & 1073741823) / 1073741824.0::float8 AS u
      FROM generate_series(0::bigint, :events - 1) i) e;
VACUUM (FREEZE, ANALYZE) bench_event;
