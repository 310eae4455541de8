-- The same with customers that are no numbers in a row: hashed ones, and uuids.
DROP TABLE IF EXISTS bench_event_hashed, bench_event_uuid;
CREATE UNLOGGED TABLE bench_event_hashed AS SELECT hashint8extended(customer_id, 7) AS customer_id, ordered_at FROM bench_event;
CREATE UNLOGGED TABLE bench_event_uuid AS
SELECT (lpad(to_hex(hashint8extended(customer_id, 1)), 16, '0') || lpad(to_hex(hashint8extended(customer_id, 2)), 16, '0'))::uuid AS customer_id, ordered_at
FROM bench_event;
VACUUM (FREEZE, ANALYZE) bench_event_hashed;
VACUUM (FREEZE, ANALYZE) bench_event_uuid;
