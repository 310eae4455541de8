// DuckDB on the rows of bench_event: node duckdb.mjs FILE.csv THREADS  (CSV: customer_id, timestamp without a zone)
import { DuckDBInstance } from '@duckdb/node-api';

const [file, threads] = process.argv.slice(2);
const instance = await DuckDBInstance.create(process.env.PEER_DATABASE, { threads });
const db = await instance.connect();
await db.run(`CREATE TABLE IF NOT EXISTS bench_event AS SELECT * FROM read_csv('${file}', header = false,
  columns = {customer_id: 'BIGINT', ordered_at: 'TIMESTAMP'})`);
await db.run(`CREATE TABLE IF NOT EXISTS bench_event_uuid AS
  SELECT md5(customer_id::VARCHAR)::UUID AS customer_id, ordered_at FROM bench_event`);
await db.run(`CREATE TABLE IF NOT EXISTS bench_event_hashed AS SELECT hash(customer_id) AS customer_id, ordered_at FROM bench_event`);
const queries = {
  'DuckDB, everybody\'s SQL': `
    WITH first AS (SELECT customer_id, date_trunc('month', min(ordered_at)) AS cohort FROM bench_event GROUP BY customer_id),
      active AS (SELECT DISTINCT customer_id, date_trunc('month', ordered_at) AS month FROM bench_event)
    SELECT cohort, month, count(*) AS n FROM active JOIN first USING (customer_id) GROUP BY cohort, month ORDER BY 1, 2`,
  'DuckDB, expert bit_or': `
    SELECT cohort, k, sum((bits >> (cohort + k)) & 1) AS n
    FROM (SELECT customer_id, min(m) AS cohort, bit_or(1::BIGINT << m) AS bits
          FROM (SELECT customer_id, ((year(ordered_at) - 2024) * 12 + month(ordered_at) - 1)::INT AS m FROM bench_event) GROUP BY customer_id),
      (SELECT unnest(range(0, 24))::INT AS k)
    WHERE cohort + k < 24 GROUP BY cohort, k ORDER BY 1, 2`,
};
// PEER_QUERIES: only those whose name contains it.
for (const name of Object.keys(queries))
  if (!name.includes(process.env.PEER_QUERIES ?? '')) delete queries[name];
for (const [name, sql] of Object.entries(queries)) {
  queries[`${name}, hashed ids`] = sql.replaceAll('bench_event', 'bench_event_hashed');
  queries[`${name}, uuids`] = sql.replaceAll('bench_event', 'bench_event_uuid');
}
const rounds = 5;
for (const [name, sql] of Object.entries(queries)) {
  const seconds = [];
  let cells;
  for (let run = 0; run < rounds; run++) {
    const started = performance.now();
    cells = (await db.runAndReadAll(sql)).getRows();
    seconds.push((performance.now() - started) / 1000);
  }
  seconds.sort((a, b) => a - b);
  const total = cells.reduce((sum, row) => sum + Number(row[2]), 0);
  console.log(`${name} | ${threads} | ${rounds} | ${seconds[0].toFixed(2)} | ${seconds[2].toFixed(2)} | ${total}`);
}
